//! What reports of one kind have in common: format, sheets and the names of their headers, as a short text.
//!
//! Told without anything that a user says of the report, since it is asked what was said of its like.

use sha2::{Digest, Sha256};

use super::super::{ReadOptions, Reader, Source};

/// Lines at the beginning that are looked through for something like a header.
const HEAD_LINES: usize = 100;
/// Hexadecimal digits of a shape.
const SHAPE_DIGITS: usize = 32;
/// Bytes of them.
const HEAD_BYTES: usize = 64 * 1024;

/// The shape of a report; and its tables, opened with `options`, where these leave all to be found.
#[must_use]
pub fn of<'a>(source: Source<'a>, options: &ReadOptions) -> (String, Option<Vec<Reader<'a>>>) {
    let undirected = undirected(options);
    let tables = Reader::open(source, &undirected).ok();
    let mut hash = Sha256::new();
    match &tables {
        Some(tables) => tables.iter().for_each(|table| table.shape(&mut |text| add(&mut hash, text))),
        // Then its richest line of texts counts.
        None => add(&mut hash, &header_like(source.bytes)),
    }
    (short(hash), tables.filter(|_| undirected == *options))
}

/// The options without those that settle where and how the table is found.
fn undirected(options: &ReadOptions) -> ReadOptions {
    ReadOptions {
        format: None,
        delimiter: None,
        decimal: None,
        encoding: None,
        header_row: None,
        skip_rows: None,
        sheet: None,
        time_column: None,
        ..options.clone()
    }
}

/// The line with the most cells that hold letters and no digit at the beginning.
fn header_like(bytes: &[u8]) -> String {
    let head = String::from_utf8_lossy(bytes.get(..HEAD_BYTES).unwrap_or(bytes));
    let is_name = |cell: &&str| cell.trim_matches(['"', ' ']).starts_with(|c: char| c.is_alphabetic());
    let names = |line: &str| line.split([',', ';', '\t', '|']).filter(is_name).count();
    // The first of them.
    let richest =
        head.lines().take(HEAD_LINES).enumerate().max_by_key(|(at, line)| (names(line), std::cmp::Reverse(*at)));
    richest.map_or("", |(_, line)| line).trim().to_owned()
}

/// Half of a hash is enough to tell shapes apart.
fn short(hash: Sha256) -> String {
    let mut hex = format!("{:x}", hash.finalize());
    hex.truncate(SHAPE_DIGITS);
    hex
}

/// Adds a text and an end that none contains.
fn add(hash: &mut Sha256, text: &str) {
    hash.update(text);
    hash.update([0xff]);
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn shape(name: &str, text: &str) -> String {
        of(Source { name, bytes: text.as_bytes() }, &ReadOptions::of(chrono_tz::UTC)).0
    }

    #[test]
    fn reports_of_one_kind_have_one_shape() {
        let march = "time,CHWST,OAT\n2024-03-01 00:00,6.8,20\n2024-03-01 00:15,6.9,20\n";
        let april = "time,CHWST,OAT\n2024-04-01 00:00,7.8,21\n2024-04-01 00:15,,22\n2024-04-01 00:30,1,2\n";
        assert_eq!(shape("march.csv", march), shape("april.csv", april));
        let other = march.replace("OAT", "OAH");
        assert_ne!(shape("march.csv", march), shape("march.csv", &other));
        let long = "time,point,value\n2024-03-01 00:00,A,1\n2024-03-01 00:00,B,1\n2024-03-01 00:15,A,2\n";
        assert_eq!(shape("a.csv", long), shape("b.csv", &long.replace('A', "C")));
        assert_ne!(shape("a.csv", long), shape("a.csv", march));
        // Dates that cannot be told apart are none of the shape's affair.
        let days = "time,CHWST,OAT\n01/02/2024 00:00,6.8,20\n01/02/2024 00:15,6.9,20\n";
        assert_eq!(shape("days.csv", days), shape("march.csv", march));
    }

    #[test]
    fn what_cannot_be_opened_is_known_by_its_richest_line() {
        let of = |rows: &str| {
            header_like(format!("Plant 3\r\nnothing,here\r\nWhen;What is it;How much\r\n{rows}").as_bytes())
        };
        assert_eq!(of("?;?;?\r\n"), "When;What is it;How much");
        assert_eq!(of("1;2;3\r\n"), of("x\r\n"));
    }

    /// The beginning of SHA-256 of `a` and the byte 255, by another program.
    #[test]
    fn shapes_stay_what_they_were() {
        let mut hash = Sha256::new();
        add(&mut hash, "a");
        assert_eq!(short(hash), "8dd06b5ab6b594257e41b7d8dd440a40");
    }
}
