//! The cells of a frame as JSON. Reads nothing but what it is given.
//!
//! Rows are written straight from the columns, with keys that were escaped once: building a map a row, or asking a
//! serializer for every cell, costs more than reading the file. The text is the one that `serde_json` writes.

use std::collections::HashSet;
use std::ops::Range;

use super::{Row, clock, number};
use crate::error::{Context, Result};
use crate::store::cache::blocks::{Block, Cells, Lists, Word};
use polars::prelude::DataFrame;

/// Bytes that are copied of a key whether it has them or not: a copy of a fixed length is a move or two.
const KEY: usize = 32;

/// Rows that are written side by side: what a column needs is fetched once for all of them.
const LINES: usize = 8;
const WORD: usize = size_of::<Word>();
const NULL: Word = *b"null\0\0\0\0\0\0\0\0\0\0\0\x04";

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

/// Writes the names of columns, at least one, as a list.
pub fn names<'k>(keys: impl Iterator<Item = &'k Key>, out: &mut Vec<u8>) {
    let start = out.len();
    for key in keys {
        out.extend_from_slice(key.start.get(..key.length).unwrap_or_default());
        out.extend_from_slice(&key.rest);
        // The colon.
        out.pop();
    }
    // The first key's comma.
    if let Some(first) = out.get_mut(start) {
        *first = b'[';
    }
    out.push(b']');
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

/// A row that is being written.
struct Line {
    text: Vec<u8>,
    end: usize,
}

/// Writes the cells of a column, one a line; none when a line is too short for its cell.
fn put_cells(lines: &mut [Line], key: &Key, cells: &Cells, row: usize, zone: chrono_tz::Tz) -> Option<()> {
    match cells {
        Cells::Places(places, list) => put_each(lines, key, places.get(row..), |line, at, place| {
            let word = place.and_then(|place| list.get(usize::from(*place))).unwrap_or(&NULL);
            put(line, at, word, usize::from(word[WORD - 1]))
        }),
        Cells::Numbers(numbers) => put_each(lines, key, numbers.get(row..), |line, at, number| {
            put_number(line, at, number.copied().unwrap_or(f64::NAN))
        }),
        Cells::Texts(texts) => {
            let mut rows = row..;
            put_each::<()>(lines, key, None, |line, at, _| match rows.next().and_then(|row| texts.get(row)) {
                Some(text) => put_string(line, at, text),
                None => put(line, at, b"null", 4),
            })
        }
        Cells::Times(times) => put_each(lines, key, times.get(row..), |line, at, time| {
            let at_ms = time.copied().unwrap_or(i64::MIN);
            match clock::quoted(zone, at_ms) {
                Some(text) => put(line, at, &text, text.len()),
                None => put_string(line, at, &clock::iso(zone, at_ms)),
            }
        }),
    }
}

/// Writes a key and what `put_cell` writes of a cell to each line.
#[inline]
fn put_each<T>(
    lines: &mut [Line],
    key: &Key,
    cells: Option<&[T]>,
    mut put_cell: impl FnMut(&mut [u8], usize, Option<&T>) -> Option<usize>,
) -> Option<()> {
    let mut cells = cells.unwrap_or_default().iter();
    for line in lines {
        let mut at = put(&mut line.text, line.end, &key.start, key.length)?;
        if !key.rest.is_empty() {
            at = put_all(&mut line.text, at, &key.rest)?;
        }
        line.end = put_cell(&mut line.text, at, cells.next())?;
    }
    Some(())
}

/// Writes rows, one a line; none when a line is too short for its row.
fn put_rows(lines: &mut [Line], columns: &[(&Key, &Cells)], row: usize, zone: chrono_tz::Tz) -> Option<()> {
    lines.iter_mut().for_each(|line| line.end = 0);
    for (key, cells) in columns {
        put_cells(lines, key, cells, row, zone)?;
    }
    for line in lines {
        line.end = put(&mut line.text, line.end, b"}", 1)?;
        // The first key's comma.
        put(&mut line.text, 0, b"{", 1)?;
    }
    Some(())
}

/// Rows as objects, in one list: `timestamp` as ISO 8601 with the zone's offset, numbers, texts, null.
pub struct Rows {
    out: Vec<u8>,
    lines: Vec<Line>,
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
        let lines = (0..LINES).map(|_| Line { text: vec![0; 4096], end: 0 }).collect();
        Self { out, lines, zone, start }
    }

    /// Writes `rows` of some columns, at least one, of `left` rows that are still to come.
    pub fn write(&mut self, columns: &[(&Key, &Cells)], rows: Range<usize>, left: usize) {
        for row in rows.clone().step_by(LINES) {
            let count = LINES.min(rows.end - row);
            while put_rows(self.lines.get_mut(..count).unwrap_or_default(), columns, row, self.zone).is_none() {
                self.lines.iter_mut().for_each(|line| line.text.resize(line.text.len() * 2, 0));
            }
            for line in self.lines.iter().take(count) {
                if self.out.len() == self.start + 1 {
                    // Rows are about as long as the first.
                    self.out.reserve((line.end + line.end / 16 + 2) * left);
                } else {
                    self.out.push(b',');
                }
                self.out.extend_from_slice(line.text.get(..line.end).unwrap_or_default());
            }
        }
    }

    /// Ends the list.
    #[must_use]
    pub fn end(mut self) -> Vec<u8> {
        self.out.push(b']');
        self.out
    }
}

/// The lists of a row group from the values of its columns: of `most` words in all, so the longest have to go.
#[must_use]
pub fn lists(dictionaries: Vec<Option<Vec<f64>>>, most: usize) -> Lists {
    let length = |(column, values): (usize, &Option<Vec<f64>>)| Some((values.as_ref()?.len() + 1, column));
    let mut shortest: Vec<(usize, usize)> = dictionaries.iter().enumerate().filter_map(length).collect();
    shortest.sort_unstable();
    let within = shortest.into_iter().scan(0, |all, (length, column)| {
        *all += length;
        (*all <= most).then_some(column)
    });
    let within: HashSet<usize> = within.collect();
    let list = |(column, values): (usize, Option<Vec<f64>>)| {
        let values = values.filter(|_| within.contains(&column))?;
        values.into_iter().map(number::word).chain([Some(NULL)]).collect()
    };
    dictionaries.into_iter().enumerate().map(list).collect()
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
    #![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::cast_possible_truncation)]
    use polars::prelude::*;
    use proptest::prelude::*;

    use super::*;
    use hvac_frame::parquet_file::{ColumnType, FrameReader, FrameWriter};

    /// A frame of columns of numbers, `c0` and so on, a row each minute from 1970 on, and its file.
    fn stored(columns: &[Vec<Option<f64>>]) -> (DataFrame, FrameReader) {
        let rows = columns.first().map_or(0, Vec::len);
        let time = Int64Chunked::from_vec("timestamp".into(), (0..rows as i64).map(|row| row * 60_000).collect());
        let time = time.into_datetime(TimeUnit::Milliseconds, Some(TimeZone::UTC)).into_column();
        let numbers = columns.iter().zip(0..).map(|(cells, i)| Column::new(format!("c{i}").into(), cells));
        let frame = DataFrame::new(rows, std::iter::once(time).chain(numbers).collect()).unwrap();
        let schema: Vec<_> = (0..columns.len()).map(|i| (format!("c{i}"), ColumnType::Float64)).collect();
        let mut writer = FrameWriter::new(Vec::new(), &schema).unwrap();
        writer.write_window(&frame).unwrap();
        (frame, FrameReader::open(writer.finish(Vec::new()).unwrap().0.into()).unwrap())
    }

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

    /// A number as serde writes it.
    fn json(cell: Option<f64>) -> String {
        serde_json::to_string(&cell.filter(|number| number.is_finite())).unwrap()
    }

    fn number() -> impl Strategy<Value = Option<f64>> {
        prop_oneof![
            4 => Just(None),
            20 => (-50_i32..50).prop_map(|n| Some(f64::from(n) / 2.0)),
            20 => (0_i32..1_000_000).prop_map(|n| Some(f64::from(n) / 1000.0)),
            1 => prop::sample::select(vec![-0.0, f64::NAN, f64::INFINITY, 1e15, 123_456_789_012.5, 1e-5]).prop_map(Some),
        ]
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn what_is_stored_is_written_as_serde_writes_it(
            columns in (1_usize..250).prop_flat_map(|rows| prop::collection::vec(prop::collection::vec(number(), rows), 1..4)),
            long in prop::bool::ANY,
            most in prop_oneof![Just(0_usize), Just(100), Just(usize::MAX)],
            part in (0.0..1.0, 0.0..1.0),
        ) {
            let mut columns = columns;
            if long {
                // Text that is too long for a word.
                columns[0][0] = Some(0.1 + 0.2);
            }
            let rows = columns[0].len();
            let (frame, reader) = stored(&columns);

            let lists = lists(reader.dictionaries(0), most);
            prop_assert!(lists.iter().flatten().map(|list| list.len()).sum::<usize>() <= most);
            let entries: Vec<_> = lists.iter().map(|list| list.as_ref().map(|list| list.len() as u16 - 1)).collect();
            let block = Block::of_stored(reader.read_stored(0..rows as u64, &entries).unwrap(), &lists).unwrap();
            for (cells, stored) in columns.iter().zip(&block.columns[1..]) {
                let short = cells.iter().all(|cell| json(*cell).len() < WORD) && cells.iter().any(Option::is_some);
                prop_assert!(most < usize::MAX || matches!(stored, Cells::Places(..)) == short);
            }

            let keys: Vec<Key> = frame.columns().iter().map(|column| Key::new(column.name()).unwrap()).collect();
            let all: Vec<_> = keys.iter().zip(&block.columns).collect();
            let at = |share: f64| (share * rows as f64) as usize;
            let range = at(f64::min(part.0, part.1))..at(f64::max(part.0, part.1));
            let mut written = Rows::begin(Vec::new(), chrono_tz::UTC);
            written.write(&all, range.clone(), range.len());
            let expected = range.map(|row| {
                let time = chrono::DateTime::from_timestamp(row as i64 * 60, 0).unwrap().format("%Y-%m-%dT%H:%M:%S+00:00");
                let cells = columns.iter().zip(0..).map(|(cells, i)| format!(",\"c{i}\":{}", json(cells[row])));
                format!("{{\"timestamp\":\"{time}\"{}}}", cells.collect::<String>())
            });
            let expected = format!("[{}]", expected.collect::<Vec<_>>().join(","));
            prop_assert_eq!(String::from_utf8(written.end()).unwrap(), expected);
        }
    }

    #[test]
    fn of_lists_that_do_not_fit_the_longest_go() {
        let values = |count: usize| Some((0..count).map(|n| n as f64).collect::<Vec<f64>>());
        // 4 + 60 + 60 + 9 words, each with one for null.
        let kept = lists(vec![values(3), values(59), None, values(59), values(8)], 100);
        let lengths: Vec<Option<usize>> = kept.iter().map(|list| list.as_ref().map(|list| list.len())).collect();
        assert_eq!(lengths, [Some(4), Some(60), None, None, Some(9)]);
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
