//! The cells of a frame as JSON. Reads nothing but what it is given.
//!
//! Rows are written straight from the columns, with keys that were escaped once: building a map a row, or asking a
//! serializer for every cell, costs more than reading the file. The text is the one that `serde_json` writes.

use std::ops::Range;

use super::{Row, clock, number};
use crate::error::{Context, Result};
use crate::store::cache::blocks::{Block, Cells};
use polars::prelude::DataFrame;

/// Bytes that are copied of a key whether it has them or not: a copy of a fixed length is a move or two.
const KEY: usize = 32;

/// A column's name as the key of an object: `,"name":`.
#[derive(Debug, Clone)]
pub struct Key {
    start: [u8; KEY],
    /// What does not fit.
    rest: Box<[u8]>,
    length: usize,
}

impl Key {
    /// Of a column's name.
    ///
    /// # Errors
    /// Never.
    pub fn new(name: &str) -> Result<Self> {
        let text = format!(",{}:", serde_json::to_string(name).internal("writing a column's name")?);
        let (start, rest) = text.as_bytes().split_at(text.len().min(KEY));
        let mut padded = [0; KEY];
        padded.iter_mut().zip(start).for_each(|(to, from)| *to = *from);
        Ok(Self { start: padded, rest: rest.into(), length: start.len() })
    }
}

/// Writes the beginning of `text` at `at`, and gives where it ends; none where there is no room for all of it.
#[inline]
fn put<const N: usize>(line: &mut [u8], at: usize, text: &[u8; N], length: usize) -> Option<usize> {
    *line.get_mut(at..)?.first_chunk_mut::<N>()? = *text;
    Some(at + length)
}

fn put_all(line: &mut [u8], at: usize, text: &[u8]) -> Option<usize> {
    let end = at + text.len();
    line.get_mut(at..end)?.copy_from_slice(text);
    Some(end)
}

fn put_string(line: &mut [u8], at: usize, text: &str) -> Option<usize> {
    if text.bytes().all(|byte| byte >= b' ' && byte != b'"' && byte != b'\\') {
        let at = put(line, at, b"\"", 1)?;
        let at = put_all(line, at, text.as_bytes())?;
        put(line, at, b"\"", 1)
    } else {
        // A text is always JSON.
        put_all(line, at, &serde_json::to_vec(text).unwrap_or_default())
    }
}

#[inline]
fn put_number(line: &mut [u8], at: usize, number: f64) -> Option<usize> {
    if let Some((text, length)) = number::short(number) {
        put(line, at, &text, length)
    } else if number.is_nan() {
        put(line, at, b"null", 4)
    } else {
        let (text, length) = number::long(number);
        put(line, at, &text, length)
    }
}

/// Writes a row, and gives where it ends; none when `line` is too short for it.
fn put_row(line: &mut [u8], columns: &[(&Key, &Cells)], row: usize, zone: chrono_tz::Tz) -> Option<usize> {
    let mut at = 0;
    for (key, cells) in columns {
        at = put(line, at, &key.start, key.length)?;
        if !key.rest.is_empty() {
            at = put_all(line, at, &key.rest)?;
        }
        at = match cells {
            Cells::Numbers(numbers) => put_number(line, at, numbers.get(row).copied().unwrap_or(f64::NAN))?,
            Cells::Texts(texts) => match texts.get(row) {
                Some(text) => put_string(line, at, text)?,
                None => put(line, at, b"null", 4)?,
            },
            Cells::Times(times) => {
                put_string(line, at, &clock::iso(zone, times.get(row).copied().unwrap_or(i64::MIN)))?
            }
        };
    }
    at = put(line, at, b"}", 1)?;
    // The first key's comma.
    put(line, 0, b"{", 1)?;
    Some(at)
}

/// Rows as objects, in one list: `timestamp` as ISO 8601 with the zone's offset, numbers, texts, null.
pub struct Rows {
    out: Vec<u8>,
    line: Vec<u8>,
    zone: chrono_tz::Tz,
    /// The list's `[`.
    start: usize,
}

impl Rows {
    /// Begins a list behind what `out` holds.
    #[must_use]
    pub fn begin(mut out: Vec<u8>, zone: chrono_tz::Tz) -> Self {
        let start = out.len();
        out.push(b'[');
        Self { out, line: vec![0; 4096], zone, start }
    }

    /// Writes `rows` of some columns, at least one, of `left` rows that are still to come.
    pub fn write(&mut self, columns: &[(&Key, &Cells)], rows: Range<usize>, left: usize) {
        for row in rows {
            let length = loop {
                match put_row(&mut self.line, columns, row, self.zone) {
                    Some(length) => break length,
                    None => self.line.resize(self.line.len() * 2, 0),
                }
            };
            if self.out.len() == self.start + 1 {
                // Rows are about as long as the first.
                self.out.reserve((length + length / 16 + 2) * left);
            } else {
                self.out.push(b',');
            }
            self.out.extend_from_slice(self.line.get(..length).unwrap_or_default());
        }
    }

    /// Ends the list.
    #[must_use]
    pub fn end(mut self) -> Vec<u8> {
        self.out.push(b']');
        self.out
    }
}

/// A frame's rows as maps, for answers that hold a few among other things.
///
/// # Errors
/// When a column has a type that no frame of this program has.
pub fn maps(frame: &DataFrame, zone: chrono_tz::Tz) -> Result<Vec<Row>> {
    let block = Block::of(frame)?;
    let keys = frame.columns().iter().map(|column| Key::new(column.name())).collect::<Result<Vec<_>>>()?;
    let columns: Vec<_> = keys.iter().zip(&block.columns).collect();
    let mut rows = Rows::begin(Vec::new(), zone);
    rows.write(&columns, 0..frame.height(), frame.height());
    serde_json::from_slice(&rows.end()).internal("reading rows back")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use polars::prelude::*;

    use super::*;

    fn written(frame: &DataFrame, times: usize) -> String {
        let block = Block::of(frame).unwrap();
        let keys: Vec<Key> = frame.columns().iter().map(|column| Key::new(column.name()).unwrap()).collect();
        let columns: Vec<_> = keys.iter().zip(&block.columns).collect();
        let mut rows = Rows::begin(b"rows: ".to_vec(), chrono_tz::Asia::Taipei);
        for _ in 0..times {
            rows.write(&columns, 0..frame.height(), frame.height());
        }
        String::from_utf8(rows.end()).unwrap()
    }

    #[test]
    fn rows_are_written_as_the_frontend_reads_them() {
        let at = Int64Chunked::new("timestamp".into(), &[1_476_028_800_000, 1_476_029_700_000]);
        let at = at.into_datetime(TimeUnit::Milliseconds, Some(TimeZone::UTC)).into_column();
        let kw = Column::new("MMCB_KW".into(), [Some(4583.0), Some(f64::NAN)]);
        let mode = Column::new("模式".into(), [None, Some("COOL \"1\"")]);
        let frame = DataFrame::new(2, vec![at, kw, mode]).unwrap();
        let first = "{\"timestamp\":\"2016-10-10T00:00:00+08:00\",\"MMCB_KW\":4583.0,\"模式\":null}";
        let second = "{\"timestamp\":\"2016-10-10T00:15:00+08:00\",\"MMCB_KW\":null,\"模式\":\"COOL \\\"1\\\"\"}";
        assert_eq!(written(&frame, 1), format!("rows: [{first},{second}]"));
        assert_eq!(written(&frame, 2), format!("rows: [{first},{second},{first},{second}]"));
        assert_eq!(written(&frame, 0), "rows: []");
        assert_eq!(maps(&frame, chrono_tz::UTC).unwrap().len(), 2);
    }

    #[test]
    fn long_names_and_texts_grow_the_line() {
        let name = "n".repeat(5000);
        let text = "t\u{1}".repeat(9000);
        let columns: Vec<Column> =
            (0..200).map(|i| Column::new(format!("{i}{name}").into(), [text.as_str()])).collect();
        let frame = DataFrame::new(1, columns).unwrap();
        let rows = maps(&frame, chrono_tz::UTC).unwrap();
        let row = rows.first().unwrap();
        assert_eq!(row.len(), 200);
        assert!(row.iter().all(|(key, value)| key.ends_with(&name) && value == &text));
    }
}
