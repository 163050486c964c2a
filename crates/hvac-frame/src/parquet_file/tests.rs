//! Frame → file → frame. Expected values are the vectors that the frames are made of.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::cast_possible_truncation)]

use bytes::Bytes;
use parquet::basic::Encoding;
use parquet::file::reader::{FileReader, SerializedFileReader};
use parquet::file::serialized_reader::ReadOptionsBuilder;
use parquet::file::statistics::Statistics;
use polars::prelude::*;

use super::*;
use crate::error::FrameError;
use crate::names::TIMESTAMP;
use crate::reference::ReferencedColumn;
use crate::window::{AlignedColumn, AlignedWindow};

const KEY_SESSION_ID: &str = "hvac.session_id";
const KEY_ZONE: &str = "hvac.zone";

const START_MS: i64 = 1_476_028_800_000;
const STEP_MS: i64 = 300_000;

/// Numbers that look random and are not.
fn noise(seed: u64) -> impl Iterator<Item = f64> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    std::iter::repeat_with(move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 11) as f64 / (1u64 << 53) as f64
    })
}

fn schema() -> Vec<(String, ColumnType)> {
    [
        ("few_values", ColumnType::Float64),
        ("full_precision", ColumnType::Float64),
        ("with_nulls", ColumnType::Float64),
        ("all_null", ColumnType::Float64),
        ("溫度_1", ColumnType::Float64),
        ("mode", ColumnType::Text),
    ]
    .map(|(name, t)| (name.to_owned(), t))
    .to_vec()
}

fn frame(rows: usize) -> DataFrame {
    let time: Vec<i64> = (0..rows as i64).map(|i| START_MS + i * STEP_MS).collect();
    let time = Int64Chunked::from_vec(TIMESTAMP.into(), time)
        .into_datetime(TimeUnit::Milliseconds, Some(TimeZone::UTC))
        .into_column();
    let few: Vec<f64> = noise(1).take(rows).map(|v| (v * 100.0).round() / 10.0).collect();
    let full: Vec<f64> = noise(2).take(rows).collect();
    let nulls: Vec<Option<f64>> = noise(3).take(rows).map(|v| (v > 0.3).then_some(-v)).collect();
    let zhong: Vec<f64> = (0..rows).map(|i| i as f64).collect();
    let modes = [Some("COOL"), Some("HEAT"), None, Some(""), Some("自動")];
    let mode: Vec<Option<&str>> = (0..rows).map(|i| modes[i % 5]).collect();
    let columns = vec![
        time,
        Column::new("few_values".into(), few),
        Column::new("full_precision".into(), full),
        Column::new("with_nulls".into(), nulls),
        Column::full_null("all_null".into(), rows, &DataType::Float64),
        Column::new("溫度_1".into(), zhong),
        Column::new("mode".into(), mode),
    ];
    DataFrame::new(rows, columns).unwrap()
}

/// Written in windows of uneven length.
fn file(frame: &DataFrame, windows: &[usize]) -> Bytes {
    let mut writer = ParquetWriter::new(Vec::new(), &schema()).unwrap();
    let mut offset = 0;
    for rows in windows.iter().copied().chain([frame.height()]) {
        let window = frame.slice(offset as i64, rows.min(frame.height() - offset));
        offset += window.height();
        writer.write_window(&window).unwrap();
    }
    let key_values =
        vec![(KEY_SESSION_ID.to_owned(), "s1".to_owned()), (KEY_ZONE.to_owned(), "Asia/Taipei".to_owned())];
    let (bytes, rows) = writer.finish(key_values).unwrap();
    assert_eq!(rows, frame.height() as u64);
    bytes.into()
}

/// The rows of a time range, all columns.
fn between(reader: &ParquetReader, from_ms: i64, to_ms: i64) -> DataFrame {
    let rows = reader.rows_between(from_ms, to_ms).unwrap();
    reader.read_rows(None, rows.start, rows.end.saturating_sub(rows.start)).unwrap()
}

#[test]
fn a_frame_comes_back_as_it_was() {
    for (rows, windows) in [(1, vec![]), (4096, vec![100]), (ROW_GROUP_ROWS + 5_000, vec![1, 0, 40_000, 29_999])] {
        let frame = frame(rows);
        let reader = ParquetReader::open(file(&frame, &windows)).unwrap();
        assert_eq!(reader.footer().row_count(), rows as u64);
        assert!(reader.read(None).unwrap().equals_missing(&frame), "{rows} rows");
    }
}

#[test]
fn many_columns_make_shorter_row_groups() {
    let names: Vec<String> = (0..2_047).map(|i| format!("c{i}")).collect();
    let schema: Vec<_> = names.iter().map(|name| (name.clone(), ColumnType::Float64)).collect();
    let window = frame(20_000);
    let column = |name: &String| window.column("few_values").unwrap().clone().with_name(name.into());
    let columns = [window.column(TIMESTAMP).unwrap().clone()].into_iter().chain(names.iter().map(column));
    let window = DataFrame::new(20_000, columns.collect()).unwrap();
    let mut writer = ParquetWriter::new(Vec::new(), &schema).unwrap();
    writer.write_window(&window).unwrap();
    let bytes = Bytes::from(writer.finish(Vec::new()).unwrap().0);
    let groups = SerializedFileReader::new(bytes.clone()).unwrap();
    let rows: Vec<i64> = groups.metadata().row_groups().iter().map(|group| group.num_rows()).collect();
    assert_eq!(rows, [16_384, 3_616]);
    assert!(ParquetReader::open(bytes).unwrap().read(None).unwrap().equals_missing(&window));
}

#[test]
fn the_file_explains_itself() {
    let reader = ParquetReader::open(file(&frame(10), &[])).unwrap();
    let footer = reader.footer();
    assert_eq!(footer.key_value(KEY_SESSION_ID), Some("s1"));
    assert_eq!(footer.key_value(KEY_ZONE), Some("Asia/Taipei"));
    assert_eq!(footer.key_value("hvac.version"), None);
    let names: Vec<&str> = footer.column_names().collect();
    assert_eq!(names, ["timestamp", "few_values", "full_precision", "with_nulls", "all_null", "溫度_1", "mode"]);
    assert!(footer.memory_bytes() > 0);
}

#[test]
fn a_file_without_a_row_is_a_file() {
    let writer = ParquetWriter::new(Vec::new(), &schema()).unwrap();
    let (bytes, rows) = writer.finish(vec![(KEY_ZONE.to_owned(), "UTC".to_owned())]).unwrap();
    let reader = ParquetReader::open(bytes.into()).unwrap();
    let read = reader.read(None).unwrap();
    assert_eq!((rows, read.height(), read.width()), (0, 0, 7));
    assert_eq!(reader.footer().key_value(KEY_ZONE), Some("UTC"));
    assert_eq!(between(&reader, 0, i64::MAX).height(), 0);
}

#[test]
fn rows_and_columns_are_those_asked_for() {
    let frame = frame(ROW_GROUP_ROWS + 5_000);
    let reader = ParquetReader::open(file(&frame, &[])).unwrap();
    let columns = ["mode", "timestamp", "with_nulls"].map(str::to_owned);
    for (offset, rows) in [(0, 50), (4_090, 10), (ROW_GROUP_ROWS - 3, 10), (70_500, 1_000), (80_000, 5), (7, 0)] {
        let read = reader.read_rows(Some(&columns), offset as u64, rows as u64).unwrap();
        let expected = frame.select(["mode", "timestamp", "with_nulls"]).unwrap();
        let expected = expected.slice(offset.min(frame.height()) as i64, rows);
        assert!(read.equals_missing(&expected), "{offset}+{rows}: {read} {expected}");
    }
    assert!(matches!(reader.read(Some(&["nope".to_owned()])), Err(FrameError::Defect(..))));
}

#[test]
fn blocks_are_pages() {
    let (frame, group) = (frame(ROW_GROUP_ROWS + 5_000).drop("mode").unwrap(), ROW_GROUP_ROWS as u64);
    let mut writer = ParquetWriter::new(Vec::new(), &schema()[..5]).unwrap();
    writer.write_window(&frame).unwrap();
    let footer = ParquetReader::open(writer.finish(Vec::new()).unwrap().0.into()).unwrap().footer().clone();
    let page = PAGE_ROWS as u64;
    for (row, block) in [
        (0, 0..page),
        (page - 1, 0..page),
        (page, page..2 * page),
        (group - 1, group - page..group),
        (group, group..(group + page).min(group + 5_000)),
        (group + 4_999, group + 4_999 / page * page..group + 5_000),
        (group + 5_000, group + 5_000..group + 5_000),
    ] {
        assert_eq!(footer.block(row), block, "row {row}");
    }
}

#[test]
fn a_range_of_time_is_half_open() {
    let frame = frame(10_000);
    let reader = ParquetReader::open(file(&frame, &[])).unwrap();
    for (from, to, rows) in [
        (START_MS, START_MS + 2 * STEP_MS, 0..2),
        (START_MS + 1, START_MS + 2 * STEP_MS + 1, 1..3),
        (START_MS + 5_000 * STEP_MS, i64::MAX, 5_000..10_000),
        (i64::MIN, START_MS, 0..0),
        (START_MS + STEP_MS, START_MS, 1..1),
    ] {
        assert_eq!(reader.rows_between(from, to).unwrap(), rows);
        let read = between(&reader, from, to);
        assert!(read.equals_missing(&frame.slice(rows.start as i64, (rows.end - rows.start) as usize)));
    }
}

#[test]
fn batches_hold_all_rows_in_bounded_pieces() {
    use arrow_array::cast::AsArray;
    use arrow_array::types::Float64Type;

    let frame = frame(ROW_GROUP_ROWS + 5_000);
    let reader = ParquetReader::open(file(&frame, &[])).unwrap();
    let batches = reader.batches(Some(&["溫度_1".to_owned(), "timestamp".to_owned()])).unwrap();
    let mut next = 0.0;
    for batch in batches {
        let batch = batch.unwrap();
        assert!(batch.num_rows() <= 8_192 && batch.schema().field(1).name() == "timestamp");
        for value in batch.column(0).as_primitive::<Float64Type>().values() {
            assert_eq!(*value, next);
            next += 1.0;
        }
    }
    assert_eq!(next, frame.height() as f64);
}

#[test]
fn encodings_fit_the_values() {
    let frame = frame(ROW_GROUP_ROWS);
    let reader = SerializedFileReader::new(file(&frame, &[])).unwrap();
    let group = reader.metadata().row_group(0);
    let has = |column: usize, encoding: Encoding| group.column(column).encodings().any(|e| e == encoding);
    assert!(has(0, Encoding::DELTA_BINARY_PACKED));
    assert!(has(1, Encoding::RLE_DICTIONARY));
    // Of doubles of any bits below one, the first byte is always the same.
    assert!(has(2, Encoding::BYTE_STREAM_SPLIT) && !has(2, Encoding::RLE_DICTIONARY));
    assert!(has(6, Encoding::RLE_DICTIONARY));
    assert_eq!(reader.metadata().file_metadata().created_by().map(|c| c.starts_with("hvac-analytics")), Some(true));
    let sorting = group.sorting_columns().unwrap();
    assert_eq!((sorting.len(), sorting[0].column_idx, sorting[0].descending), (1, 0, false));
    let pages = reader.metadata().offset_index().map(|groups| groups[0][1].page_locations().len());
    assert!(pages.is_none_or(|n| n >= ROW_GROUP_ROWS / 4096));
}

/// Readings that wander, with every digit that a double has: BYTE_STREAM_SPLIT where it may be used, which the crate reads too.
#[test]
fn columns_of_all_digits_are_split_unless_that_is_forbidden() {
    const ROWS: usize = 50_000;
    let mut level = 20.0;
    let walk = noise(9).take(ROWS).map(|step| {
        level += step - 0.5;
        level
    });
    let frame = frame(ROWS).select([TIMESTAMP]).unwrap();
    let frame = frame.hstack(&[Column::new("walk".into(), walk.collect::<Vec<f64>>())]).unwrap();
    let written = |encodings| {
        let schema = [("walk".to_owned(), ColumnType::Float64)];
        let mut writer = ParquetWriter::new(Vec::new(), &schema).unwrap().with_encodings(encodings);
        writer.write_window(&frame).unwrap();
        Bytes::from(writer.finish(Vec::new()).unwrap().0)
    };
    let is_split = |bytes: &Bytes| {
        let reader = SerializedFileReader::new(bytes.clone()).unwrap();
        reader.metadata().row_group(0).column(1).encodings().any(|e| e == Encoding::BYTE_STREAM_SPLIT)
    };
    let (all, plain) = (written(Encodings::All), written(Encodings::Plain));
    assert!(is_split(&all) && !is_split(&plain));
    assert!(all.len() * 20 < plain.len() * 19, "{} of {} bytes", all.len(), plain.len());
    for bytes in [all, plain] {
        let reader = ParquetReader::open(bytes).unwrap();
        assert!(reader.read(None).unwrap().equals_missing(&frame));
        assert!(reader.others(&[1], &(0..ROWS)).unwrap()[0].equals(frame.column("walk").unwrap()));
        let some = reader.read_rows(None, 4_000, 200).unwrap();
        assert!(some.equals_missing(&frame.slice(4_000, 200)));
    }
}

/// Columns of numbers that end in each of the encodings there are, and what is awkward in each.
fn kinds_of_numbers(rows: usize) -> Vec<(&'static str, Vec<Option<f64>>)> {
    let whole = |seed, below: f64| noise(seed).take(rows).map(move |v| (v * below).floor());
    let every = |values: &mut dyn Iterator<Item = f64>| values.map(Some).collect::<Vec<_>>();
    vec![
        ("one", every(&mut std::iter::repeat_n(21.5, rows))),
        ("a byte", every(&mut whole(1, 256.0).map(|v| v / 10.0))),
        ("a byte and one more", every(&mut whole(2, 257.0).map(|v| v / 100.0 - 1.0))),
        ("two bytes", every(&mut whole(3, 5_000.0).map(|v| v / 10.0))),
        ("a full dictionary", every(&mut (0..rows).map(|i| (i % (16 * 1024)) as f64))),
        ("too many", every(&mut (0..rows).map(|i| (i / 2) as f64))),
        ("signs", every(&mut whole(4, 3.0).map(|v| if v == 0.0 { -0.0 } else { v - 1.0 }))),
        ("no numbers", every(&mut whole(5, 3.0).map(|v| if v == 0.0 { f64::NAN } else { v }))),
        ("infinite", every(&mut whole(6, 3.0).map(|v| if v == 0.0 { f64::NEG_INFINITY } else { v }))),
        ("gaps", whole(7, 400.0).map(|v| (v % 7.0 != 0.0).then_some(v)).collect()),
        ("late", (0..rows).map(|i| (i > 9_000).then_some((i % 300) as f64)).collect()),
        ("full gaps", noise(8).take(rows).map(|v| (v > 0.4).then_some(v)).collect()),
        ("nothing", vec![None; rows]),
        ("nothing at first", (0..rows).map(|i| (i >= ROW_GROUP_ROWS).then_some((i % 300) as f64)).collect()),
    ]
}

#[test]
fn numbers_of_every_kind_come_back_bit_by_bit() {
    let bits = |values: &[Option<f64>]| values.iter().map(|v| v.map(f64::to_bits)).collect::<Vec<_>>();
    for (rows, window) in [(ROW_GROUP_ROWS + 7_001, 5_003), (4097, 4097), (13, 5)] {
        let columns = kinds_of_numbers(rows);
        let schema: Vec<_> = columns.iter().map(|(name, _)| ((*name).to_owned(), ColumnType::Float64)).collect();
        let time = frame(rows).column(TIMESTAMP).unwrap().clone();
        let all = columns.iter().map(|(name, values)| Column::new((*name).into(), values.clone()));
        let frame = DataFrame::new(rows, std::iter::once(time).chain(all).collect()).unwrap();
        let mut writer = ParquetWriter::new(Vec::new(), &schema).unwrap();
        for offset in (0..rows).step_by(window) {
            writer.write_window(&frame.slice(offset as i64, window.min(rows - offset))).unwrap();
        }
        let bytes = Bytes::from(writer.finish(Vec::new()).unwrap().0);
        let read = ParquetReader::open(bytes.clone()).unwrap().read(None).unwrap();
        for (name, values) in &columns {
            let found: Vec<Option<f64>> = read.column(name).unwrap().f64().unwrap().iter().collect();
            assert!(bits(&found) == bits(values), "{name}, {rows} rows");
        }
        statistics_are_true(bytes, &columns);
    }
}

/// The bounds and null counts of chunks hold for the values that the chunks were made of.
fn statistics_are_true(bytes: Bytes, columns: &[(&str, Vec<Option<f64>>)]) {
    let options = ReadOptionsBuilder::new().with_page_index().build();
    let reader = SerializedFileReader::new_with_options(bytes, options).unwrap();
    let metadata = reader.metadata();
    for (at, (name, values)) in columns.iter().enumerate() {
        let groups = metadata.row_groups().iter().zip(values.chunks(ROW_GROUP_ROWS));
        for (number, (group, values)) in groups.enumerate() {
            let bounds = |values: &[Option<f64>]| {
                let numbers = || values.iter().flatten().copied();
                let nan = numbers().any(f64::is_nan) || numbers().next().is_none();
                (!nan).then(|| (numbers().fold(f64::INFINITY, f64::min), numbers().fold(f64::NEG_INFINITY, f64::max)))
            };
            let nulls = |values: &[Option<f64>]| values.iter().filter(|v| v.is_none()).count();
            let Some(Statistics::Double(of_chunk)) = group.column(at + 1).statistics() else { panic!("{name}") };
            let found = of_chunk.min_opt().copied().zip(of_chunk.max_opt().copied());
            assert_eq!((found, of_chunk.null_count_opt()), (bounds(values), Some(nulls(values) as u64)), "{name}");
            let offsets = &metadata.offset_index().unwrap()[number][at + 1];
            let has_dictionary = group.column(at + 1).encodings().any(|e| e == Encoding::RLE_DICTIONARY);
            let page_rows = if has_dictionary { PAGE_ROWS } else { 4 * PAGE_ROWS };
            assert_eq!(offsets.page_locations().len(), values.len().div_ceil(page_rows), "{name}");
        }
    }
}

#[test]
fn what_is_no_parquet_file_is_damaged() {
    let whole = file(&frame(1_000), &[]);
    for bytes in [Bytes::new(), Bytes::from_static(b"PAR1"), whole.slice(..whole.len() / 2), whole.slice(1..)] {
        assert!(matches!(ParquetReader::open(bytes), Err(FrameError::Damaged(_))));
    }
    let mut flipped = whole.to_vec();
    flipped[200..1_000].fill(0xff);
    assert!(matches!(ParquetReader::open(flipped.into()).unwrap().read(None), Err(FrameError::Damaged(_))));
}

/// A disk that is full after some bytes.
struct Small(usize);

impl std::io::Write for Small {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0 = self.0.checked_sub(bytes.len()).ok_or(std::io::ErrorKind::StorageFull)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[test]
fn a_full_disk_is_told_as_such() {
    let frame = frame(ROW_GROUP_ROWS);
    let mut writer = ParquetWriter::new(Small(100_000), &schema()).unwrap();
    let full = |error: &FrameError| {
        std::iter::successors(Some(error as &dyn std::error::Error), |e| e.source())
            .any(|e| e.downcast_ref().is_some_and(|e: &std::io::Error| e.kind() == std::io::ErrorKind::StorageFull))
    };
    assert!(full(&writer.write_window(&frame).unwrap_err()));
    assert!(matches!(writer.write_window(&frame), Err(FrameError::Defect(..))));
    let writer = ParquetWriter::new(Small(10), &schema()).unwrap();
    assert!(full(&writer.finish(Vec::new()).err().unwrap()));
}

#[test]
fn frames_that_do_not_fit_are_refused() {
    let twice = [("a".to_owned(), ColumnType::Float64), ("a".to_owned(), ColumnType::Text)];
    assert!(ParquetWriter::new(Vec::new(), &twice).is_err());
    assert!(ParquetWriter::new(Vec::new(), &[(TIMESTAMP.to_owned(), ColumnType::Float64)]).is_err());
    let mut writer = ParquetWriter::new(Vec::new(), &schema()).unwrap();
    assert!(writer.write_window(&frame(3).drop("mode").unwrap()).is_err());
}

/// A frame of columns of numbers, `c0` and so on, a row each `step_ms` from 1970 on, and its file.
pub(super) fn stored(columns: &[Vec<Option<f64>>], step_ms: i64) -> (DataFrame, ParquetReader) {
    let rows = columns.first().map_or(0, Vec::len);
    let time = Int64Chunked::from_vec(TIMESTAMP.into(), (0..rows as i64).map(|row| row * step_ms).collect());
    let time = time.into_datetime(TimeUnit::Milliseconds, Some(TimeZone::UTC)).into_column();
    let numbers = columns.iter().zip(0..).map(|(cells, i)| Column::new(format!("c{i}").into(), cells));
    let frame = DataFrame::new(rows, std::iter::once(time).chain(numbers).collect()).unwrap();
    let schema: Vec<_> = (0..columns.len()).map(|i| (format!("c{i}"), ColumnType::Float64)).collect();
    let mut writer = ParquetWriter::new(Vec::new(), &schema).unwrap();
    writer.write_window(&frame).unwrap();
    (frame, ParquetReader::open(writer.finish(Vec::new()).unwrap().0.into()).unwrap())
}

/// Windows of counts make the file that windows of their doubles make: few and many values, nulls, other decimals and
/// ranges from window to window, and windows of doubles among them.
#[test]
fn counts_are_written_as_their_doubles_are() {
    const ROWS: usize = 50_000;
    let schema = schema()[..5].to_vec();
    let time = frame(2 * ROWS).column(TIMESTAMP).unwrap().clone();
    let (mut counted, mut doubled) =
        (ParquetWriter::new(Vec::new(), &schema).unwrap(), ParquetWriter::new(Vec::new(), &schema).unwrap());
    for window in 0..2 {
        let offsets = |seed: u64, range: f64, absent: f64| -> Vec<u16> {
            let cells = noise(seed + window).zip(noise(seed + window + 9)).take(ROWS);
            cells
                .map(|(v, null)| if null < absent { ReferencedColumn::ABSENT | 3 } else { (v * range) as u16 })
                .collect()
        };
        let counts = |least, scale, offsets: Vec<u16>| {
            let most = offsets.iter().copied().filter(|offset| *offset < ReferencedColumn::ABSENT).max().unwrap_or(0);
            AlignedColumn::Referenced(ReferencedColumn { least, scale, most, offsets })
        };
        let shift = i32::from(window > 0);
        let others = vec![
            counts(-70 - shift, 10.0, offsets(1, 200.0, 0.0)),
            counts(0, [1.0, 100.0][window as usize], offsets(2, 60_000.0, 0.1)),
            counts(500 * shift, [1.0, 10.0][window as usize], offsets(3, 5_000.0, 0.9)),
            counts(7, 1.0, vec![ReferencedColumn::ABSENT | 2; ROWS]),
            match window {
                0 => counts(-20_000, 1.0, offsets(4, 40_000.0, 0.0)),
                _ => AlignedColumn::Series(Column::new("溫度_1".into(), noise(5).take(ROWS).collect::<Vec<f64>>())),
            },
        ];
        let columns = AlignedWindow { timestamp: time.slice(window as i64 * ROWS as i64, ROWS), others };
        let series = schema.iter().zip(&columns.others).map(|((name, _), merged)| match merged {
            AlignedColumn::Series(series) => series.clone(),
            AlignedColumn::Referenced(counts) => {
                Column::new(name.into(), counts.cells(0..ROWS).collect::<Vec<Option<f64>>>())
            }
        });
        let frame = DataFrame::new(ROWS, std::iter::once(columns.timestamp.clone()).chain(series).collect()).unwrap();
        counted.write_columns(&columns).unwrap();
        doubled.write_window(&frame).unwrap();
    }
    assert_eq!(counted.finish(Vec::new()).unwrap(), doubled.finish(Vec::new()).unwrap());
    let timestamp = time.head(Some(3));
    let few = |others| {
        ParquetWriter::new(Vec::new(), &schema[..1])
            .unwrap()
            .write_columns(&AlignedWindow { timestamp: timestamp.clone(), others })
    };
    let counts =
        |rows| AlignedColumn::Referenced(ReferencedColumn { least: 0, scale: 1.0, most: 0, offsets: vec![0; rows] });
    assert!(few(vec![counts(3)]).is_ok());
    assert!(few(vec![counts(2)]).is_err());
    assert!(few(vec![]).is_err());
    // An offset above the largest there should be would become another value.
    let broken = AlignedColumn::Referenced(ReferencedColumn { least: 0, scale: 1.0, most: 4, offsets: vec![1, 5, 2] });
    assert!(matches!(few(vec![broken]), Err(FrameError::Defect(..))));
}
