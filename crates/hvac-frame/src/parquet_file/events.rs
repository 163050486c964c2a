//! Quality events ⇄ Parquet: `rule`, `column`, `start_at`, `end_at`, `rows`, `detail`, by start.
//!
//! A small table beside a cleaned frame, written and read whole.

use std::io::Write;
use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::{Int64Type, TimestampMillisecondType};
use arrow_array::{Array, ArrayRef, Int64Array, RecordBatch, StringArray, TimestampMillisecondArray};
use arrow_schema::{DataType, Field, Schema, TimeUnit};
use bytes::Bytes;
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::metadata::KeyValue;
use parquet::file::properties::WriterProperties;

use super::ZSTD_LEVEL;
use super::error::{damaged, read_failed, write_failed};
use super::read::Footer;
use crate::error::{Doing, Result};

/// An interval during which a rule of the cleaning hit a column, or one row after another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QualityEvent {
    /// The rule's name, as the cleaning spells it.
    pub rule: String,
    /// The column concerned; none when it is about rows.
    pub column: Option<String>,
    /// Time of the first row concerned, UTC ms.
    pub start_at_ms: i64,
    /// Time of the last row concerned, UTC ms.
    pub end_at_ms: i64,
    /// Rows concerned.
    pub rows: u64,
    /// In words.
    pub detail: String,
}

/// Writes events and what the file says of itself; gives the sink back. Blocks.
///
/// # Errors
/// Failures of the sink.
pub fn write_events<W: Write + Send>(sink: W, events: &[QualityEvent], key_values: Vec<(String, String)>) -> Result<W> {
    let batch = batch(events)?;
    let level = ZstdLevel::try_new(ZSTD_LEVEL).map_err(write_failed)?;
    let properties = WriterProperties::builder()
        .set_compression(Compression::ZSTD(level))
        .set_created_by(concat!("hvac-analytics ", env!("CARGO_PKG_VERSION")).to_owned())
        .build();
    let mut writer = ArrowWriter::try_new(sink, batch.schema(), Some(properties)).map_err(write_failed)?;
    writer.write(&batch).map_err(write_failed)?;
    for (key, value) in key_values {
        writer.append_key_value_metadata(KeyValue::new(key, value));
    }
    writer.into_inner().map_err(write_failed)
}

fn batch(events: &[QualityEvent]) -> Result<RecordBatch> {
    let time = || DataType::Timestamp(TimeUnit::Millisecond, Some("UTC".into()));
    let schema = Schema::new(vec![
        Field::new("rule", DataType::Utf8, false),
        Field::new("column", DataType::Utf8, true),
        Field::new("start_at", time(), false),
        Field::new("end_at", time(), false),
        Field::new("rows", DataType::Int64, false),
        Field::new("detail", DataType::Utf8, false),
    ]);
    let times = |at: fn(&QualityEvent) -> i64| {
        Arc::new(TimestampMillisecondArray::from_iter_values(events.iter().map(at)).with_timezone("UTC")) as ArrayRef
    };
    let rows = events.iter().map(|event| i64::try_from(event.rows)).collect::<Result<Vec<_>, _>>();
    let rows = rows.doing("counting rows of quality events")?;
    let columns: Vec<ArrayRef> = vec![
        Arc::new(StringArray::from_iter_values(events.iter().map(|event| &event.rule))),
        Arc::new(StringArray::from_iter(events.iter().map(|event| event.column.as_deref()))),
        times(|event| event.start_at_ms),
        times(|event| event.end_at_ms),
        Arc::new(Int64Array::from(rows)),
        Arc::new(StringArray::from_iter_values(events.iter().map(|event| &event.detail))),
    ];
    RecordBatch::try_new(Arc::new(schema), columns).doing("assembling quality events")
}

/// All events of a file, in its order. Blocks.
///
/// # Errors
/// Damaged when the bytes are no such file; newer as [`Footer::parse`].
pub fn read_events(bytes: Bytes) -> Result<Vec<QualityEvent>> {
    let metadata = Footer::parse(&bytes)?.into_metadata();
    let reader = ParquetRecordBatchReaderBuilder::new_with_metadata(bytes, metadata).build().map_err(read_failed)?;
    let mut events = Vec::new();
    for batch in reader {
        let batch = batch.map_err(read_failed)?;
        add(&mut events, &batch)?;
    }
    Ok(events)
}

fn add(events: &mut Vec<QualityEvent>, batch: &RecordBatch) -> Result<()> {
    let other = || damaged("a file of quality events has other columns");
    let column = |name: &str| batch.column_by_name(name).ok_or_else(other);
    let texts = |name: &str| column(name)?.as_string_opt::<i32>().ok_or_else(other);
    let times = |name: &str| column(name)?.as_primitive_opt::<TimestampMillisecondType>().ok_or_else(other);
    let (rules, columns, details) = (texts("rule")?, texts("column")?, texts("detail")?);
    let (starts, ends) = (times("start_at")?, times("end_at")?);
    let rows = column("rows")?.as_primitive_opt::<Int64Type>().ok_or_else(other)?;
    for index in 0..batch.num_rows() {
        events.push(QualityEvent {
            rule: rules.value(index).to_owned(),
            column: columns.is_valid(index).then(|| columns.value(index).to_owned()),
            start_at_ms: starts.value(index),
            end_at_ms: ends.value(index),
            rows: u64::try_from(rows.value(index)).map_err(read_failed)?,
            detail: details.value(index).to_owned(),
        });
    }
    Ok(())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::error::FrameError;

    #[test]
    fn events_come_back_as_they_were() {
        let frozen = QualityEvent {
            rule: "frozen".to_owned(),
            column: Some("溫度_1".to_owned()),
            start_at_ms: 1_476_028_800_000,
            end_at_ms: 1_476_079_200_000,
            rows: 57,
            detail: "23.4 for 14 h while CHP_01 ran".to_owned(),
        };
        let row = QualityEvent { rule: "heat_balance".to_owned(), column: None, rows: 1, ..frozen.clone() };
        for events in [vec![], vec![frozen, row]] {
            let bytes = write_events(Vec::new(), &events, vec![("hvac.version".to_owned(), "x".to_owned())]).unwrap();
            assert_eq!(read_events(Bytes::from(bytes)).unwrap(), events);
        }
        assert!(matches!(read_events(Bytes::from_static(b"no Parquet")), Err(FrameError::Damaged(_))));
    }
}
