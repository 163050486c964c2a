//! Numbers as reports write them, to the nearest double.
//!
//! The short form (a few digits, perhaps a point) is read by hand: a mantissa below 2^53 and a power of ten
//! of at most 10^22 are both exact doubles, and one division rounds once, so the result is the nearest
//! double, as `str::parse` would give (Clinger 1990, the "fast path"). All else goes to `str::parse`.

use hvac_frame::decimal::Decimal;

/// Reads a plain decimal number (blanks, sign, digits, fraction, blanks) from the front of `bytes`, and the rest.
/// None where the short form does not do.
#[inline]
pub(crate) fn plain(bytes: &[u8], decimal: u8) -> Option<(Decimal, &[u8])> {
    let mut rest = bytes;
    while let [b' ', tail @ ..] = rest {
        rest = tail;
    }
    let negative = if let [b'-', tail @ ..] = rest {
        rest = tail;
        true
    } else {
        false
    };
    let before = rest.len();
    let mut mantissa = 0u64;
    while let [digit @ b'0'..=b'9', tail @ ..] = rest {
        mantissa = mantissa.wrapping_mul(10).wrapping_add(u64::from(*digit - b'0'));
        rest = tail;
    }
    let whole = before - rest.len();
    let mut fraction = 0;
    if let [point, tail @ ..] = rest
        && *point == decimal
    {
        let before = tail.len();
        rest = tail;
        while let [digit @ b'0'..=b'9', tail @ ..] = rest {
            mantissa = mantissa.wrapping_mul(10).wrapping_add(u64::from(*digit - b'0'));
            rest = tail;
        }
        fraction = before - rest.len();
    }
    // At most 19 digits cannot have wrapped around 2^64.
    if whole + fraction == 0 || whole + fraction > 19 || mantissa > 1 << 53 {
        return None;
    }
    while let [b' ', tail @ ..] = rest {
        rest = tail;
    }
    Some((Decimal { negative, mantissa, fraction: u32::try_from(fraction).ok()? }, rest))
}

/// Every byte of a word.
const EACH: u64 = 0x0101_0101_0101_0101;

/// Marks (by its top bit) the first byte of `word` that is `byte`; marks above it mean nothing.
#[inline]
pub(crate) fn first_of(word: u64, byte: u8) -> u64 {
    let zeros = word ^ (EACH * u64::from(byte));
    zeros.wrapping_sub(EACH) & !zeros & (EACH << 7)
}

/// Marks (by its top bit) the first byte of `word` that is no printable ASCII character; marks above it mean nothing.
#[inline]
pub(crate) fn first_odd(word: u64) -> u64 {
    (word | word.wrapping_sub(EACH * u64::from(b' '))) & (EACH << 7)
}

/// Reads `length` bytes (at most seven; the first one lowest in `word`) that are a number and nothing else, all
/// at once: eight digits are three multiplications (Lemire 2018). A count of units of the last decimal, and how many
/// decimals there are. None where that form does not do, and for a negative zero, which is no count.
#[inline(always)]
pub(crate) fn short(word: u64, length: u32, decimal: u8) -> Option<(i32, u32)> {
    let negative = word & 0xff == u64::from(b'-');
    let (word, length) = if negative { (word >> 8, length.checked_sub(1)?) } else { (word, length) };
    if length == 0 || length > 8 {
        return None;
    }
    // Against the right edge, with zeros on the left of it.
    let mut digits = (word ^ (EACH * u64::from(b'0'))) << (64 - 8 * length);
    let point = first_of(digits, decimal ^ b'0');
    let mut fraction = 0;
    if point != 0 {
        let at = point.trailing_zeros() & !7;
        let below = digits & !(u64::MAX << at);
        digits = (digits & (u64::MAX << at << 8)) | (below << 8);
        fraction = 7 - at / 8;
    }
    let no_digit = (digits | digits.wrapping_add(EACH * 0x76)) & (EACH << 7);
    if no_digit != 0 || length == u32::from(point != 0) {
        return None;
    }
    let count = eight(digits);
    match negative {
        false => Some((count, fraction)),
        true if count == 0 => None,
        true => Some((-count, fraction)),
    }
}

/// The number that eight digits make, the first one in the lowest byte.
#[inline(always)]
fn eight(digits: u64) -> i32 {
    let pairs = digits.wrapping_mul(10).wrapping_add(digits >> 8);
    let (odd, even) = (pairs & 0x0000_00ff_0000_00ff, (pairs >> 16) & 0x0000_00ff_0000_00ff);
    let number = odd.wrapping_mul(100 + (1_000_000 << 32)).wrapping_add(even.wrapping_mul(1 + (10_000 << 32))) >> 32;
    number as i32
}

/// Marks of thousands that are no decimal sign anywhere: apostrophes, blanks of every width.
const MARKS: [char; 7] = ['\'', '’', ' ', '\u{a0}', '\u{2007}', '\u{2009}', '\u{202f}'];

/// Signs of a negative number.
const MINUS: [char; 4] = ['-', '\u{2212}', '\u{2013}', '\u{ff0d}'];

/// Whether a character may part thousands and is no decimal sign anywhere.
pub(crate) fn is_mark(c: char) -> bool {
    MARKS.contains(&c)
}

/// Bytes that the whole part of a number takes at the end of `text`, before its decimal sign: digits, points, a sign, and
/// thousands parted by what is no decimal sign, `-1 234`.
pub(crate) fn length_before(text: &str) -> usize {
    let run = |text: &str| text.bytes().rev().take(24).take_while(|b| b.is_ascii_digit() || *b == b'.').count();
    let mut rest = text.get(..text.len() - run(text)).unwrap_or_default();
    // A mark stands between one to three digits and three.
    let mut group = text.len() - rest.len();
    while group == 3
        && text.len() - rest.len() < 48
        && let Some(before) = rest.strip_suffix(is_mark)
    {
        group = run(before);
        if !(1..=3).contains(&group) {
            break;
        }
        rest = before.get(..before.len() - group).unwrap_or_default();
    }
    while let Some(before) = rest.strip_suffix(|c| c == '+' || MINUS.contains(&c)).filter(|_| rest.len() < text.len()) {
        rest = before;
    }
    text.len() - rest.len()
}

/// Reads a text that is a number and nothing else: signs, exponents, marks of thousands (`1,234.5`, `1'485`, `1 485`,
/// of India `1,23,456`; with a decimal comma `1.234,5`). May be infinite when the number is too large for a double.
#[must_use]
pub(crate) fn read(text: &str, decimal: u8, delimiter: u8) -> Option<f64> {
    if let Some((number, [])) = plain(text.as_bytes(), decimal) {
        return Some(number.value());
    }
    if !matches!(text.as_bytes().first()?, b'0'..=b'9' | b'+' | b'-' | b'.' | b',' | 0xe2 | 0xef) {
        return None;
    }
    let (digits, negative) = unsigned(text);
    let (mantissa, exponent) = digits.split_at(digits.find(['e', 'E']).unwrap_or(digits.len()));
    let digits = if mantissa.bytes().all(|b| b.is_ascii_digit() || b == b'.') && decimal == b'.' {
        digits.to_owned()
    } else {
        ungroup(mantissa, decimal, delimiter)? + exponent
    };
    let numeric = |b: u8| matches!(b, b'0'..=b'9' | b'+' | b'-' | b'.' | b'e' | b'E');
    let starts = digits.starts_with(|c: char| c.is_ascii_digit() || c == '.');
    let value: f64 = (starts && digits.bytes().all(numeric)).then(|| digits.parse().ok()).flatten()?;
    Some(if negative { -value } else { value })
}

/// The text behind a sign, and whether that was a minus.
fn unsigned(text: &str) -> (&str, bool) {
    if let Some(rest) = text.strip_prefix(MINUS) {
        return (rest.trim_start(), true);
    }
    (text.strip_prefix('+').map_or(text, str::trim_start), false)
}

/// Whether a whole number that begins a text has digits that its value has lost: beyond 2^53, and not as the value is
/// written.
#[must_use]
pub(crate) fn is_rounded(text: &str, value: f64, decimal: u8) -> bool {
    if value.abs() < 9_007_199_254_740_992.0 {
        return false;
    }
    let (text, _) = unsigned(text);
    let end = text.find(|c: char| !c.is_ascii_digit() && !is_mark(c) && !matches!(c, '.' | ',')).unwrap_or(text.len());
    let (number, behind) = text.split_at_checked(end).unwrap_or_default();
    let whole = number.split(char::from(decimal)).next().unwrap_or_default();
    let digits: String = whole.chars().filter(char::is_ascii_digit).collect();
    !behind.starts_with(['e', 'E']) && digits.trim_start_matches('0') != value.abs().to_string()
}

/// Reads a number from the front of `text`, as [`read`] does, and the rest of it: `72.3`, ` °F` of `72.3 °F`.
#[must_use]
pub(crate) fn front(text: &str, decimal: u8, delimiter: u8) -> Option<(f64, &str)> {
    let (digits, _) = unsigned(text);
    let begin = text.len() - digits.len();
    let bytes = digits.as_bytes();
    let digit = |at: usize| bytes.get(at).is_some_and(u8::is_ascii_digit);
    let (mut end, mut exponent) = (0, false);
    while let Some(next) = digits.get(end..).and_then(|rest| rest.chars().next()) {
        let behind = end + next.len_utf8();
        let goes_on = match next {
            '0'..='9' => true,
            _ if exponent => false,
            'e' | 'E' => {
                let signed = matches!(bytes.get(behind), Some(b'+' | b'-'));
                exponent = digit(behind + usize::from(signed));
                if exponent {
                    end = behind + usize::from(signed);
                    continue;
                }
                false
            }
            '.' | ',' | '\'' | '’' => digit(behind),
            // A blank is one of thousands only before three digits.
            next if MARKS.contains(&next) => end > 0 && (0..3).all(|at| digit(behind + at)) && !digit(behind + 3),
            _ => false,
        };
        if !goes_on {
            break;
        }
        end = behind;
    }
    let (number, rest) = text.split_at_checked(begin + end)?;
    Some((read(number, decimal, delimiter)?, rest))
}

/// Whether a text of digits is a name rather than a number: it begins with a needless 0. A column is one of names when
/// all its cells are.
#[must_use]
pub(crate) fn is_id(text: &str) -> bool {
    text.len() > 1 && text.starts_with('0') && text.bytes().all(|b| b.is_ascii_digit())
}

/// Takes the marks of thousands out of `mantissa` (no sign, no exponent), and writes its decimal sign as a point.
fn ungroup(mantissa: &str, decimal: u8, delimiter: u8) -> Option<String> {
    let (point, other) = if decimal == b',' { (',', '.') } else { ('.', ',') };
    let (whole, fraction) = mantissa.split_once(point).unwrap_or((mantissa, ""));
    let digits = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
    if !digits(fraction) {
        return None;
    }
    if let Some(mark) = [other].into_iter().chain(MARKS).find(|mark| whole.contains(*mark)) {
        let groups: Vec<&str> = whole.split(mark).collect();
        if in_thousands(&groups) || mark == other && in_lakhs(&groups) {
            return Some(format!("{}.{fraction}", groups.concat()));
        }
    }
    // `1,5` can only be a decimal comma where commas do not separate fields; `12.5` can be no group of thousands.
    let alone = fraction.is_empty() && whole.matches(other).count() == 1;
    if alone && (decimal == b',' || delimiter != b',') && digits(&whole.replace(other, "")) {
        return Some(whole.replace(other, "."));
    }
    (decimal == b',' && digits(whole)).then(|| format!("{whole}.{fraction}"))
}

/// 1 234 567
fn in_thousands(groups: &[&str]) -> bool {
    let (Some((first, others)), true) = (groups.split_first(), numeric(groups)) else { return false };
    // 0.500 is no half a million.
    (1..=3).contains(&first.len()) && !first.starts_with('0') && others.iter().all(|group| group.len() == 3)
}

/// 12,34,567
fn in_lakhs(groups: &[&str]) -> bool {
    let [first, middle @ .., last] = groups else { return false };
    numeric(groups)
        && !middle.is_empty()
        && (1..=2).contains(&first.len())
        && middle.iter().all(|group| group.len() == 2)
        && last.len() == 3
}

fn numeric(groups: &[&str]) -> bool {
    groups.iter().all(|group| !group.is_empty() && group.bytes().all(|b| b.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::cast_possible_truncation)]
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_reports_write() {
        for (text, value) in [
            ("4583", 4583.0),
            (" -0.2", -0.2),
            ("+3", 3.0),
            ("1.2E-3", 0.0012),
            ("1e5", 100_000.0),
            (".5", 0.5),
            ("5.", 5.0),
            ("-.5", -0.5),
            ("\u{2212}4.5", -4.5),
            ("1,234.5", 1234.5),
            ("-1,234,567", -1_234_567.0),
            ("1'485", 1485.0),
            ("1’485.25", 1485.25),
            ("1 485", 1485.0),
            ("12 345 678.25", 12_345_678.25),
            ("1\u{a0}485", 1485.0),
            ("-1\u{202f}485.5", -1485.5),
            ("1\u{2009}485", 1485.0),
            ("1,23,456.7", 123_456.7),
            ("12,34,567", 1_234_567.0),
            ("- 0.2", -0.2),
            ("\u{2013}4.5", -4.5),
            ("9007199254740993", 9_007_199_254_740_992.0),
            ("0.1", 0.1),
            ("123456789012345678901234567890", 1.234_567_890_123_456_8e29),
        ] {
            assert_eq!(read(text.trim(), b'.', b','), Some(value), "{text}");
        }
        assert_eq!(read("1e999", b'.', b','), Some(f64::INFINITY));
    }

    #[test]
    fn digits_that_a_double_loses() {
        for (text, rounded) in [
            ("9007199254740993", true),
            ("-9,007,199,254,740,993", true),
            ("9007199254740993 Wh", true),
            ("9007199254740993.5", true),
            ("9007199254740992", false),
            ("9007199254740994", false),
            ("9007199254740991", false),
            ("9.007199254740993e15", false),
            ("123456789012345680000", false),
        ] {
            let (value, _) = front(text, b'.', b';').unwrap();
            assert_eq!(is_rounded(text, value, b'.'), rounded, "{text}");
        }
    }

    #[test]
    fn what_is_no_number() {
        for text in [
            "",
            "-",
            "---",
            ".",
            "+",
            "ON",
            "1,5",
            "12,34",
            "1,2345",
            "nan",
            "inf",
            "1-2",
            "25.3 C",
            "0x10",
            "1e",
            "1,234,5",
            "1 2",
            "12 34",
            "1234 567",
            "1 2345",
            "1,234.5,6",
            "1,23,45",
            "123,45,678",
            "--5",
            "+-5",
            "- ",
            "12 ,345",
            "1 234,567",
            "2024 001",
            "1'23",
            "$5",
        ] {
            assert_eq!(read(text, b'.', b','), None, "{text}");
        }
    }

    #[test]
    fn numbers_in_front() {
        for (text, value, rest) in [
            ("72.3 °F", 72.3, " °F"),
            ("25.3C", 25.3, "C"),
            ("1,485 °C", 1485.0, " °C"),
            ("1 234 567.5 kWh", 1_234_567.5, " kWh"),
            ("-4e3kW", -4000.0, "kW"),
            ("- 4.5 °C", -4.5, " °C"),
            ("12 apples", 12.0, " apples"),
            ("12.5E", 12.5, "E"),
            ("45%", 45.0, "%"),
            ("5. ", 5.0, ". "),
        ] {
            assert_eq!(front(text, b'.', b','), Some((value, rest)), "{text}");
        }
        assert_eq!(front("25,3 °C", b',', b';'), Some((25.3, " °C")));
        for text in ["", "°C", "ON", "72.3 100 %", "-", "1,5 °C", "e5"] {
            assert_eq!(front(text, b'.', b','), None, "{text}");
        }
    }

    #[test]
    fn ids_are_no_numbers() {
        for id in ["000000000000042", "007", "00", "0012"] {
            assert!(is_id(id), "{id}");
        }
        for number in ["0", "7", "0.5", "-01", "1234567890123456", "", "1e5", "0x12"] {
            assert!(!is_id(number) || number.is_empty(), "{number}");
        }
        assert!(!is_id(""));
    }

    #[test]
    fn decimal_commas() {
        for (text, value) in
            [("1,5", 1.5), ("1.234,5", 1234.5), ("1,234", 1.234), ("1.234", 1234.0), ("12.5", 12.5), ("-0,25e2", -25.0)]
        {
            assert_eq!(read(text, b',', b';'), Some(value), "{text}");
        }
        for (text, value) in
            [("1 234,5", 1234.5), ("1\u{a0}234", 1234.0), ("1'234,5", 1234.5), ("1.234.567,8", 1_234_567.8)]
        {
            assert_eq!(read(text, b',', b';'), Some(value), "{text}");
        }
        assert_eq!(read("1,5", b'.', b';'), Some(1.5));
        assert_eq!(read("1,234", b'.', b';'), Some(1234.0));
    }

    proptest! {
        /// The oracle is the other reading, one byte at a time.
        #[test]
        fn all_at_once_is_one_by_one(text in "[-+0-9.,x ]{0,7}|-?[0-9]{0,3}[.][0-9]{0,3}|[0-9]{0,7}", decimal in "[.,]") {
            let mut bytes = [0; 8];
            bytes[..text.len()].copy_from_slice(text.as_bytes());
            let decimal = decimal.as_bytes()[0];
            let blank = text.contains(' ');
            let expected = plain(text.as_bytes(), decimal).filter(|(_, rest)| rest.is_empty() && !blank);
            let expected = expected.and_then(|(number, _)| Some((number.count()?, number.fraction)));
            let found = short(u64::from_le_bytes(bytes), text.len() as u32, decimal);
            prop_assert_eq!(found.map(|(count, fraction)| (i64::from(count), fraction)), expected, "{}", text);
        }

        /// The oracle is the standard library's parser.
        #[test]
        fn the_short_form_is_the_nearest_double(negative: bool, mantissa in 0u64..20_000_000_000_000_000, fraction in 0usize..19) {
            let digits = format!("{mantissa:0>width$}", width = fraction + 1);
            let (whole, decimals) = digits.split_at(digits.len() - fraction);
            let text = format!("{}{whole}.{decimals}", if negative { "-" } else { "" });
            let expected: f64 = text.parse().unwrap();
            if let Some((number, rest)) = plain(text.as_bytes(), b'.') {
                prop_assert_eq!((number.value().to_bits(), rest.len()), (expected.to_bits(), 0), "{}", text);
            }
            prop_assert_eq!(read(&text, b'.', b',').map(f64::to_bits), Some(expected.to_bits()), "{}", text);
        }
    }
}
