//! Clock times as reports write them.

use super::scan::{blanks, number, two_digits, word};
use super::zones::{self, StatedZone};

/// Milliseconds of a day.
pub(crate) const DAY_MS: i64 = 86_400_000;

/// A text that is a clock time only.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct ClockTime {
    /// Since 00:00, 0..=[`DAY_MS`].
    pub ms: i64,
    /// Its zone, when written.
    pub zone: Option<StatedZone>,
    /// From beginning to end, when both are written: `00:00 - 00:15`.
    pub width_ms: Option<i64>,
}

/// Reads a text that is a clock time only, with a colon in it (or hours and AM or PM), or two of them, from and to.
#[must_use]
pub(crate) fn clock_only(text: &str) -> Option<ClockTime> {
    // As most are.
    if let [
        h @ b'0'..=b'9',
        i @ b'0'..=b'9',
        b':',
        m @ b'0'..=b'5',
        n @ b'0'..=b'9',
        b':',
        s @ b'0'..=b'5',
        t @ b'0'..=b'9',
    ] = text.as_bytes()
    {
        let pair = |tens: u8, ones: u8| i64::from(tens - b'0') * 10 + i64::from(ones - b'0');
        let ms = (pair(*h, *i) * 3600 + pair(*m, *n) * 60 + pair(*s, *t)) * 1000;
        return (ms <= DAY_MS).then_some(ClockTime { ms, ..ClockTime::default() });
    }
    let text = text.trim();
    if !text.contains(':') {
        // 2 PM, 14h30; but 1200 kW is a reading.
        let (ms, rest) = clock(text.as_bytes()).filter(|_| text.chars().any(char::is_alphabetic))?;
        return rest.is_empty().then_some(ClockTime { ms, ..ClockTime::default() });
    }
    if let Some((from, to)) = from_to(text)
        && let Some(width) = width(from, to)
    {
        return Some(ClockTime { ms: from, zone: None, width_ms: Some(width) });
    }
    let (ms, rest) = clock(text.as_bytes())?;
    Some(ClockTime { ms, zone: zones::behind_clock(rest)?, width_ms: None })
}

/// A clock time that is counted on behind 24:00 – `25:30`, `24:15:00` –, ms since the day's 00:00.
pub(crate) fn past_midnight(text: &str) -> Option<i64> {
    let mut parts = text.trim().split(':');
    let (hours, minutes) = (parts.next()?, parts.next()?);
    let seconds = parts.next().unwrap_or("00");
    let two =
        |text: &str| text.parse::<i64>().ok().filter(|_| text.len() == 2 && text.bytes().all(|b| b.is_ascii_digit()));
    let (hours, minutes, seconds) = (two(hours)?, two(minutes)?, two(seconds)?);
    let ms = ((hours * 60 + minutes) * 60 + seconds) * 1000;
    let is_clock = parts.next().is_none() && minutes < 60 && seconds < 60;
    (is_clock && ms > DAY_MS && ms < 2 * DAY_MS).then_some(ms)
}

/// A clock time, or one that is counted on behind 24:00: ms since the day's 00:00.
pub(crate) fn clock_ms(text: &str) -> Option<i64> {
    clock_only(text).map(|clock| clock.ms).or_else(|| past_midnight(text))
}

/// From one clock time to the next of another: 23:45 to 00:00 are 15 minutes.
pub(crate) fn width(from: i64, to: i64) -> Option<i64> {
    let width = (to - from).rem_euclid(DAY_MS);
    (width > 0).then_some(width)
}

/// Two clock times and nothing else; `00:00-00:15` is no time west of Greenwich.
fn from_to(text: &str) -> Option<(i64, i64)> {
    let (from, behind) = clock(text.as_bytes())?;
    let (to, rest) = clock(behind_to(behind)?)?;
    // 05:00:00-05:00 is at UTC-5.
    let offset = behind.first() == Some(&b'-') && text.bytes().filter(|b| *b == b':').count() == 3;
    (rest.is_empty() && !offset).then_some((from, to))
}

/// What stands behind the word or sign between a beginning and an end.
pub(crate) fn behind_to(rest: &[u8]) -> Option<&[u8]> {
    let rest = blanks(rest);
    if let Some((word, rest)) = word(rest) {
        let to = ["to", "bis", "tot", "until", "till", "through", "a", "al", "ate", "au", "jusqu"];
        return to.contains(&word.as_str()).then(|| blanks(rest));
    }
    let signs = ["-", "–", "—", "/", "→", "~", "至"];
    signs.iter().find_map(|sign| rest.strip_prefix(sign.as_bytes())).map(blanks)
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Half {
    Am,
    Pm,
}

fn half(text: &[u8]) -> Option<(Half, &[u8])> {
    const WORDS: [(&str, Half); 6] = [
        ("上午", Half::Am),
        ("下午", Half::Pm),
        ("午前", Half::Am),
        ("午後", Half::Pm),
        ("오전", Half::Am),
        ("오후", Half::Pm),
    ];
    if let Some(found) = WORDS.iter().find_map(|(word, half)| Some((*half, text.strip_prefix(word.as_bytes())?))) {
        return Some(found);
    }
    let (half, rest) = match text {
        [b'A' | b'a', rest @ ..] => (Half::Am, rest),
        [b'P' | b'p', rest @ ..] => (Half::Pm, rest),
        _ => return None,
    };
    // AM, a.m., a. m.
    let rest = match rest {
        [b'.', tail @ ..] => blanks(tail),
        _ => rest,
    };
    let [b'M' | b'm', rest @ ..] = rest else { return None };
    let rest = rest.strip_prefix(b".").unwrap_or(rest);
    (!rest.first().is_some_and(u8::is_ascii_alphabetic)).then_some((half, rest))
}

/// The letter of AM or PM alone, right behind minutes or seconds: `1:30p`. `02:00A` is the first pass of an hour that comes
/// twice.
fn letter(text: &[u8]) -> Option<(Half, &[u8])> {
    match text {
        [b'a'] => Some((Half::Am, b"")),
        [b'p'] => Some((Half::Pm, b"")),
        _ => None,
    }
}

/// `8.30`, `08.30 Uhr` behind a date: ms since 00:00, and what follows. Alone it is a number.
pub(crate) fn dotted_clock(text: &[u8]) -> Option<(i64, &[u8])> {
    let (hour, 1 | 2, [b'.', rest @ ..]) = number(text)? else { return None };
    let (minute, rest) = two_digits(rest)?;
    let rest = rest.strip_prefix(b" Uhr").unwrap_or(rest);
    let ms = i64::from(hour) * 3_600_000 + i64::from(minute) * 60_000;
    (minute < 60 && ms <= DAY_MS && matches!(rest, [] | [b' ', ..])).then_some((ms, rest))
}

/// `h:mm`, `hh:mm:ss`, `hh:mm:ss.fff`, `hh.mm.ss`, `14h30`, with AM or PM before or after; `hhmm`, `hhmmss`; `24:00`.
/// ms since 00:00, and what follows.
pub(crate) fn clock(text: &[u8]) -> Option<(i64, &[u8])> {
    let (before, text) = half(text).map_or((None, text), |(half, rest)| (Some(half), blanks(rest)));
    let (hour, digits, rest) = number(text)?;
    let (hour, minute, second_ms, rest) = match (digits, rest) {
        (1 | 2, [b':', tail @ ..]) => {
            let (minute, rest) = two_digits(tail)?;
            let (second_ms, rest) = seconds(rest, b':')?;
            (hour, minute, second_ms, rest)
        }
        (1 | 2, [b'.', _, _, b'.', ..]) => {
            let (minute, rest) = two_digits(rest.get(1..)?)?;
            let (second_ms, rest) = seconds(rest, b'.')?;
            (hour, minute, second_ms, rest)
        }
        (1 | 2, [b'h' | b'H', b'0'..=b'9', ..]) => {
            let (minute, rest) = two_digits(rest.get(1..)?)?;
            (hour, minute, 0, rest)
        }
        (4, _) => (hour / 100, hour % 100, 0, rest),
        (6, _) => {
            let (fraction_ms, rest) = fraction(rest);
            (hour / 10_000, hour / 100 % 100, i64::from(hour % 100) * 1000 + fraction_ms, rest)
        }
        (1 | 2, _) if before.is_some() || half(blanks(rest)).is_some() => (hour, 0, 0, rest),
        _ => return None,
    };
    let (half, rest) = match before {
        Some(half) => (Some(half), rest),
        None => half(blanks(rest)).or_else(|| letter(rest)).map_or((None, rest), |(half, rest)| (Some(half), rest)),
    };
    let hour = match (half, hour) {
        (Some(Half::Am), 12) => 0,
        (Some(Half::Pm), 1..=11) => hour + 12,
        (Some(Half::Am), 13..) => return None,
        _ => hour,
    };
    let ms = i64::from(hour) * 3_600_000 + i64::from(minute) * 60_000 + second_ms;
    let rest = rest.strip_prefix(b" Uhr").unwrap_or(rest);
    (minute < 60 && second_ms < 60_000 && ms <= DAY_MS).then_some((ms, rest))
}

/// A colon or dot, seconds and a fraction, if they stand there: ms.
fn seconds(text: &[u8], mark: u8) -> Option<(i64, &[u8])> {
    let Some(rest) = text.strip_prefix(&[mark]) else {
        return (!text.first().is_some_and(u8::is_ascii_digit)).then_some((0, text));
    };
    let (second, rest) = two_digits(rest)?;
    let (fraction_ms, rest) = fraction(rest);
    (!rest.first().is_some_and(u8::is_ascii_digit)).then_some((i64::from(second) * 1000 + fraction_ms, rest))
}

fn fraction(text: &[u8]) -> (i64, &[u8]) {
    let (mut ms, mut scale, mut rest) = (0, 100, text);
    if let [b'.' | b',', tail @ ..] = rest
        && tail.first().is_some_and(u8::is_ascii_digit)
    {
        rest = tail;
        while let [digit @ b'0'..=b'9', tail @ ..] = rest {
            (ms, scale, rest) = (ms + i64::from(digit - b'0') * scale, scale / 10, tail);
        }
    }
    (ms, rest)
}
