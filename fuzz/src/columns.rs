//! Columns made of any bytes, through the builder, the encoder of Parquet pages and their decoder.
//!
//! What goes in comes out, bit by bit, with both sets of encodings, whole and in part; a file with a byte changed in its
//! pages is read or refused, without a panic.

use bytes::Bytes;
use hvac_frame::builder::SegmentBuilder;
use hvac_frame::column::{NullReason, VALUE};
use hvac_frame::names::TIMESTAMP;
use hvac_frame::parquet_file::{ColumnType, Encodings, ParquetReader, ParquetWriter};
use polars::prelude::{Column, DataFrame, Int64Chunked, IntoColumn, TimeUnit, TimeZone};

/// Cells are repeated, so that a few bytes make row groups of several pages.
const LONGEST: usize = 20_000;

/// The whole trip of the columns that `data` spells.
pub fn round_trip(data: &[u8]) {
    let Some((&[columns, repeat, window, place], cells)) = data.split_first_chunk::<4>() else { return };
    let columns = usize::from(columns % 3) + 1;
    let cells: Vec<Option<f64>> = cells.chunks(4).map(cell).collect();
    let repeats = if repeat.is_multiple_of(4) { usize::from(repeat) * 8 + 1 } else { 1 };
    let rows = (cells.len() / columns * repeats).min(LONGEST);
    if rows == 0 {
        return;
    }
    let column = |index: usize| -> Vec<Option<f64>> {
        (0..rows).map(|row| cells[(row * columns + index) % cells.len()]).collect()
    };
    let columns: Vec<Vec<Option<f64>>> = (0..columns).map(column).collect();
    columns.iter().for_each(|cells| built(cells));
    for encodings in [Encodings::All, Encodings::Plain] {
        stored(&columns, usize::from(window) * 50 + 1, usize::from(place), encodings);
    }
}

/// A null, a scaled integer of up to six decimals, or any double.
fn cell(bytes: &[u8]) -> Option<f64> {
    let mut all = [0; 4];
    all.iter_mut().zip(bytes).for_each(|(to, from)| *to = *from);
    let [kind, a, b, c] = all;
    let count = f64::from(i32::from_le_bytes([0, a, b, c]) >> 8);
    match kind {
        0..40 => None,
        40..240 => Some(count / 10_f64.powi(i32::from(kind % 7))),
        _ => Some(f64::from_bits(u64::from_le_bytes([a, b, c, kind, c, b, a, kind]))),
    }
}

fn bits(cells: &[Option<f64>]) -> Vec<Option<u64>> {
    cells.iter().map(|cell| cell.map(f64::to_bits)).collect()
}

/// Through a builder of a report's column and its encoding at rest.
fn built(cells: &[Option<f64>]) {
    let mut builder = SegmentBuilder::default();
    builder.begin(1);
    for (at_ms, cell) in (0..).zip(cells) {
        builder.at_ms.push(at_ms);
        builder.columns[0].push(cell.map_or((0.0, NullReason::NoData as u8), |value| (value, VALUE)));
    }
    let decoded = builder.encode().decode();
    let decoded = &decoded.columns[0];
    let back: Vec<Option<f64>> =
        decoded.values.iter().zip(&decoded.codes).map(|(value, code)| (*code == VALUE).then_some(*value)).collect();
    assert_eq!(bits(&back), bits(cells));
}

/// Through a file that is written in windows.
fn stored(columns: &[Vec<Option<f64>>], window: usize, place: usize, encodings: Encodings) {
    let rows = columns[0].len();
    let times = Int64Chunked::from_vec(TIMESTAMP.into(), (0..).take(rows).collect());
    let times = times.into_datetime(TimeUnit::Milliseconds, Some(TimeZone::UTC)).into_column();
    let numbers = columns.iter().zip(0..).map(|(cells, i)| Column::new(format!("c{i}").into(), cells));
    let frame = DataFrame::new(rows, std::iter::once(times).chain(numbers).collect()).expect("equally long");
    let schema: Vec<_> = (0..columns.len()).map(|i| (format!("c{i}"), ColumnType::Float64)).collect();
    let mut writer = ParquetWriter::new(Vec::new(), &schema).expect("names differ").with_encodings(encodings);
    for start in (0..rows).step_by(window) {
        writer.write_window(&frame.slice(start as i64, window)).expect("it can be written");
    }
    let mut file = writer.finish(Vec::new()).expect("it can be ended").0;

    let reader = ParquetReader::open(Bytes::from(file.clone())).expect("it is a file");
    let part = place * rows / 256..rows - rows / 3;
    for range in [0..rows, part.start..part.end.max(part.start)] {
        let read = reader.read_rows(None, range.start as u64, range.len() as u64).expect("it can be read");
        for (i, cells) in columns.iter().enumerate() {
            let found: Vec<Option<f64>> =
                read.column(&format!("c{i}")).expect("it is there").f64().expect("numbers").iter().collect();
            assert_eq!(bits(&found), bits(&cells[range.clone()]), "column {i}, rows {range:?}, {encodings:?}");
        }
    }
    // Between the magic number and the footer.
    let footer = u32::from_le_bytes(*file[..file.len() - 4].last_chunk().expect("it ends in a length")) as usize;
    let pages = file.len() - footer - 12;
    file[4 + (place * 7919 + rows) % pages] ^= 1 << (place % 8);
    let _ = ParquetReader::open(Bytes::from(file)).and_then(|reader| reader.read(None));
}
