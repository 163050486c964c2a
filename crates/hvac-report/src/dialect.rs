//! Which characters separate rows, fields and decimals, and what that was told by.

use std::ops::Range;

use memchr::{memchr, memchr_iter};

use super::fields::Dialect;
use super::layout::{Record, records};
use super::number;
use super::{Chosen, ReadError, ReadOptions, Source, foreign};
use crate::time;

const DELIMITERS: [u8; 4] = [b',', b';', b'\t', b'|'];
/// Bytes of a place that is looked at for the decimal sign.
const PLACE: usize = 16 * 1024;
/// Rows of the head that are looked at.
const SAMPLE: usize = 60;

/// How the rows of a text are written, and what its delimiter and its decimal mark were told by.
pub(crate) struct Written {
    /// How.
    pub dialect: Dialect,
    /// Field delimiter.
    pub delimiter: Chosen<char>,
    /// Decimal mark.
    pub decimal: Chosen<char>,
    /// It was asked for, or a number of the text can be read with no other.
    pub certain: bool,
}

/// Settles line end, delimiter and decimal sign of a whole text.
pub(crate) fn detect(source: Source<'_>, text: &str, options: &ReadOptions) -> Result<Written, ReadError> {
    let eol = if memchr(b'\n', text.as_bytes()).is_none() && memchr(b'\r', text.as_bytes()).is_some() {
        b'\r'
    } else {
        b'\n'
    };
    let chosen = match options.delimiter {
        Some(asked) => {
            if !asked.is_ascii() || asked.is_ascii_alphanumeric() || matches!(asked, '"' | '\r' | '\n' | '.' | '-') {
                let words = format!("{asked:?} cannot separate fields: use one of , ; | or a tab");
                return Err(source.error("bad_delimiter", None, words));
            }
            Chosen { value: asked, evidence: "asked for".to_owned() }
        }
        None => delimiter(source, text, eol)?,
    };
    let delimiter = u8::try_from(chosen.value).unwrap_or(b',');
    let dialect = Dialect { delimiter, eol, decimal: b'.' };
    let (decimal, certain) = decimal(text, dialect, options.decimal);
    let dialect = Dialect { decimal: u8::try_from(decimal.value).unwrap_or(b'.'), ..dialect };
    Ok(Written { dialect, delimiter: chosen, decimal, certain })
}

fn decimal(text: &str, dialect: Dialect, asked: Option<char>) -> (Chosen<char>, bool) {
    if let Some(value) = asked {
        return (Chosen { value, evidence: "asked for".to_owned() }, true);
    }
    match decimal_comma(text, dialect) {
        Some((line, example, certain)) => {
            let evidence = format!("{example} in line {line} is a number with a decimal comma");
            (Chosen { value: ',', evidence }, certain)
        }
        None => (Chosen { value: '.', evidence: "no number is certain to have a decimal comma".to_owned() }, false),
    }
}

fn delimiter(source: Source<'_>, text: &str, eol: u8) -> Result<Chosen<char>, ReadError> {
    if let Some(found) = apogee(text) {
        return Ok(found);
    }
    let mut best: Option<((usize, usize, usize), u8)> = None;
    let mut flaw = None;
    for delimiter in DELIMITERS {
        match records(text, Dialect { delimiter, eol, decimal: b'.' }, 0..text.len(), 0, SAMPLE) {
            Err(found) => flaw = flaw.or(Some(found)),
            Ok(head) => {
                let score = score(&head);
                if score.1 > 0 && best.is_none_or(|(known, _)| score > known) {
                    best = Some((score, delimiter));
                }
            }
        }
    }
    match (best, flaw) {
        (Some(((times, support, fields), delimiter)), _) => Ok(Chosen {
            value: char::from(delimiter),
            evidence: if times > 0 {
                format!("it cuts {times} of the first rows into a time and other fields, mostly {fields} in all")
            } else {
                format!("it cuts {support} of the first rows into {fields} fields")
            },
        }),
        (None, Some(flaw)) => Err(source.flaw(flaw)),
        (None, None) => {
            let words = if foreign::is_fixed_width(text) {
                "the columns are parted by blanks (fixed width), which is not read: put a comma, semicolon or tab between them, as a spreadsheet does when it imports the text"
            } else {
                "no line has two fields separated by a comma, semicolon, tab or |: this is no table; a report has a header line and rows of a time and values"
            };
            Err(source.error("not_a_table", Some(1), words))
        }
    }
}

/// Rows with a time among other fields, rows with the most frequent number of fields, that number.
fn score(head: &[Record]) -> (usize, usize, usize) {
    let times = head.iter().filter(|r| {
        r.fields.len() > 1 && r.fields.iter().take(8).any(|f| time::is_stamp(f) || time::epoch(f).is_some())
    });
    let times = times.count();
    let mut widths: Vec<usize> = head.iter().map(|r| r.fields.len()).filter(|n| *n > 1).collect();
    widths.sort_unstable();
    let most = widths.chunk_by(|a, b| a == b).map(|run| (run.len(), run.first().copied().unwrap_or(0))).max();
    let (support, fields) = most.unwrap_or((0, 0));
    (times, support, fields)
}

/// The character after `<>Date` in an APOGEE header.
fn apogee(text: &str) -> Option<Chosen<char>> {
    let at = super::apogee::header_at(text)?;
    let rest = text.get(at..)?.trim_start_matches('"').strip_prefix("<>Date")?;
    let next = *rest.strip_prefix('"').unwrap_or(rest).as_bytes().first()?;
    DELIMITERS
        .contains(&next)
        .then(|| Chosen { value: char::from(next), evidence: "it follows <>Date in the header".to_owned() })
}

/// The first number of a text that can only be written with a decimal comma, its line, and whether that is certain; where commas
/// separate fields it stands in quotes. `1,234` alone tells nothing unless nothing else tells otherwise.
fn decimal_comma(text: &str, dialect: Dialect) -> Option<(u64, String, bool)> {
    let bytes = text.as_bytes();
    // Between commas a number with one stands in quotes; such commas are many, so a few places are looked at.
    let quoted = dialect.delimiter == b',';
    let places = if quoted { places(bytes.len()) } else { std::iter::once(0..bytes.len()).collect() };
    let mut doubtful = None;
    let commas = |place: Range<usize>| {
        memchr_iter(b',', bytes.get(place.clone()).unwrap_or_default()).map(move |at| place.start + at)
    };
    for at in places.into_iter().flat_map(commas) {
        let (before, after) = (text.get(..at)?, text.get(at + 1..)?);
        let bounded = |c: Option<char>| {
            c.is_none_or(|c| {
                c == char::from(dialect.delimiter) || number::is_mark(c) || matches!(c, '"' | '\r' | '\n' | '%' | '°')
            })
        };
        let closed = |c: Option<char>| bounded(c) && !(quoted && matches!(c, Some(',' | '\r' | '\n') | None));
        let right = after.bytes().take(24).take_while(u8::is_ascii_digit).count();
        let behind = after.get(right..)?;
        let is_closed = closed(behind.chars().next());
        let goes_on =
            right == 3 && behind.strip_prefix(',').is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()));
        // Most commas part fields: these are seen without a look at what stands before.
        if right == 0 || !is_closed && !goes_on {
            continue;
        }
        let left = number::length_before(before);
        let whole = before.get(before.len() - left..)?;
        let opened = |c: Option<char>| if quoted { c == Some('"') } else { bounded(c) };
        let padded = before.get(..before.len() - left)?;
        let first = if quoted { padded.trim_end_matches(' ') } else { padded }.chars().next_back();
        if goes_on && (!quoted || opened(first)) && (1..=3).contains(&left) {
            return None; // 1,234,567
        }
        if !is_closed || !opened(first) {
            continue;
        }
        let digits = whole.bytes().filter(u8::is_ascii_digit).count();
        if digits == 0 {
            continue;
        }
        let example = |certain| {
            (
                memchr_iter(b'\n', before.as_bytes()).count() as u64 + 1,
                text.get(at - left..=at + right).unwrap_or_default().to_owned(),
                certain,
            )
        };
        if right != 3 || digits > 3 || whole.contains('.') || whole == "0" || whole == "-0" {
            return Some(example(true));
        }
        if doubtful.is_none() {
            doubtful = Some(example(false));
        }
    }
    // Spreadsheets put semicolons between fields where the comma is the decimal sign, and only there.
    doubtful.filter(|_| dialect.delimiter == b';' && !has_decimal_point(bytes, dialect))
}

/// The beginning, the middle and the end of a text of that many bytes.
fn places(length: usize) -> Vec<Range<usize>> {
    if length <= 4 * PLACE {
        return std::iter::once(0..length).collect();
    }
    let middle = length / 2;
    vec![0..2 * PLACE, middle..middle + PLACE, length - PLACE..length]
}

/// Whether a number stands in the text that can only be written with a decimal point, such as `12.5`.
fn has_decimal_point(bytes: &[u8], dialect: Dialect) -> bool {
    memchr_iter(b'.', bytes).any(|at| {
        let (before, after) = (bytes.get(..at).unwrap_or_default(), bytes.get(at + 1..).unwrap_or_default());
        let left = before.iter().rev().take(24).take_while(|b| b.is_ascii_digit()).count();
        let right = after.iter().take(24).take_while(|b| b.is_ascii_digit()).count();
        let starts = before
            .len()
            .checked_sub(left + 1)
            .and_then(|i| before.get(i))
            .is_none_or(|b| *b == dialect.delimiter || matches!(b, b'"' | b' ' | b'-' | b'\n'));
        let ends = after.get(right).is_none_or(|b| *b == dialect.delimiter || matches!(b, b'"' | b' ' | b'\r' | b'\n'));
        left > 0 && right > 0 && right != 3 && starts && ends
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn read(text: &str) -> (char, u8, u8) {
        let options = ReadOptions::of(chrono_tz::UTC);
        let Written { dialect, delimiter, decimal, .. } =
            detect(Source { name: "r.csv", bytes: b"" }, text, &options).unwrap();
        assert_eq!(decimal.value, char::from(dialect.decimal));
        (delimiter.value, dialect.eol, dialect.decimal)
    }

    #[test]
    fn a_decimal_mark_that_is_asked_for_is_taken() {
        let text = "Zeit;A\n13.02.2024 00:00;1,500\n";
        for (asked, expected) in [(None, ','), (Some('.'), '.'), (Some(','), ',')] {
            let options = ReadOptions { decimal: asked, ..ReadOptions::of(chrono_tz::UTC) };
            let written = detect(Source { name: "r.csv", bytes: b"" }, text, &options).unwrap();
            assert_eq!((written.decimal.value, char::from(written.dialect.decimal)), (expected, expected));
        }
    }

    #[test]
    fn delimiters_line_ends_and_decimal_signs() {
        assert_eq!(read("Time,A,B\n2024-01-01 00:00,1,2\n"), (',', b'\n', b'.'));
        assert_eq!(read("Time\tA\r2024-01-01 00:00\t1.5\r"), ('\t', b'\r', b'.'));
        assert_eq!(read("Time|A, in bar|B\r\n2024-01-01 00:00|1|2\r\n"), ('|', b'\n', b'.'));
        assert_eq!(read("Zeit;A;B\n01.02.2024 00:00;1,5;2\n"), (';', b'\n', b','));
        assert_eq!(read("Zeit;A;B\n01.02.2024 00:00;1,500;2\n"), (';', b'\n', b','));
        assert_eq!(read("Zeit;A;B\n01.02.2024 00:00;1,500;2.25\n"), (';', b'\n', b'.'));
        assert_eq!(read("Zeit;A;B\n01.02.2024 00:00;1,500;1,234,567\n"), (';', b'\n', b'.'));
        assert_eq!(read("Time\tA\tB\n2024-01-01 00:00\t1,500\t2\n"), ('\t', b'\n', b'.'));
        assert_eq!(read("Zeit;A, total;B\n01.02.2024 00:00;1;2.25\n"), (';', b'\n', b'.'));
        assert_eq!(read("Time,A,B,C\n2024-01-01 00:00,666,10,\"66,8\"\n"), (',', b'\n', b','));
        assert_eq!(read("Time,A,B\n2024-01-01 00:00,\"   66,8 \",10\n"), (',', b'\n', b','));
        assert_eq!(read("Time,A,B,C\n2024-01-01 00:00,666,10,\"1,234\"\n"), (',', b'\n', b'.'));
        assert_eq!(read("\"<>Date\";\"Time\";\"Point_1\"\n"), (';', b'\n', b'.'));
    }
}
