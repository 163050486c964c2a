//! The stored file itself, or its rows as CSV or Arrow IPC.

use std::borrow::Cow;
use std::fmt::Write as _;
use std::io::Write;
use std::ops::Range;
use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::{Array, Float64Array, RecordBatch, StringArray, TimestampMillisecondArray};
use arrow_ipc::writer::FileWriter;
use arrow_schema::{DataType, Field, Schema, SchemaRef, TimeUnit};
use chrono_tz::Tz;

use super::clock;
use super::names::TIMESTAMP;
use super::opened::{Frame, look};
use super::version::Resolved;
use crate::error::{Context, Error, Result};
use crate::state::AppState;
use hvac_frame::column::{ColumnMeta, Kind};
use hvac_store::download::on_the_way;
pub use hvac_store::download::{ByteStream, Download};
use hvac_store::made::{MadeKey, Recipe};

/// The form that the rows of a stored frame are handed out in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// The stored Parquet file, unchanged.
    Parquet,
    /// An Arrow IPC file (the file format, so that readers may seek).
    Arrow,
    /// CSV (RFC 4180, UTF-8, header line; `timestamp` ISO 8601 with the site's offset; nulls empty).
    Csv {
        /// For a spreadsheet: then no text is a formula.
        spreadsheet: bool,
    },
}

/// A stored frame as a file, and the hexadecimal digits that tell its bytes from all others.
///
/// # Errors
/// 409 when the stored file is missing or damaged: a stream cannot take back its status, so this is found before the
/// first byte.
pub async fn download(state: &AppState, dataset: &Resolved, form: Form) -> Result<(Download, String)> {
    look(state, dataset).await?;
    let made = |request: &str, recipe: Recipe| {
        let key = MadeKey::new(&dataset.sha256, request);
        let name = key.name().to_owned();
        (Download::Made { files: state.store.made.clone(), key, recipe }, name)
    };
    Ok(match form {
        Form::Parquet => {
            let (objects, key) = (state.store.objects.clone(), dataset.path.clone());
            (Download::Stored { objects, key, size_bytes: dataset.size_bytes }, dataset.sha256.clone())
        }
        Form::Arrow => made("arrow", arrow_recipe(state, dataset)),
        Form::Csv { spreadsheet } => {
            let request = format!("csv {} {spreadsheet}", dataset.zone);
            made(&request, csv_recipe(state, dataset, spreadsheet))
        }
    })
}

/// A part of the stored Parquet file, unchanged.
///
/// # Errors
/// 409 when the file is missing or damaged.
pub async fn parquet(state: &AppState, dataset: &Resolved, range: Range<u64>) -> Result<ByteStream> {
    Ok(download(state, dataset, Form::Parquet).await?.0.part(range))
}

/// All rows as CSV, made on their way.
///
/// # Errors
/// 409 when the file is missing or damaged.
pub async fn csv(state: &AppState, dataset: &Resolved, spreadsheet: bool) -> Result<ByteStream> {
    look(state, dataset).await?;
    Ok(on_the_way(&csv_recipe(state, dataset, spreadsheet), 0..u64::MAX))
}

/// All rows as an Arrow IPC file, made on their way.
///
/// # Errors
/// 409 when the file is missing or damaged.
pub async fn arrow(state: &AppState, dataset: &Resolved) -> Result<ByteStream> {
    look(state, dataset).await?;
    Ok(on_the_way(&arrow_recipe(state, dataset), 0..u64::MAX))
}

fn csv_recipe(state: &AppState, dataset: &Resolved, spreadsheet: bool) -> Recipe {
    let (state, dataset) = (state.clone(), dataset.clone());
    let shown: fn(&str) -> Cow<'_, str> = if spreadsheet { no_formula } else { |text| Cow::Borrowed(text) };
    Arc::new(move |out| {
        let frame = Frame::open(&state, &dataset)?;
        let mut writer = csv::WriterBuilder::new().terminator(csv::Terminator::CRLF).from_writer(out);
        writer
            .write_record(frame.column_names().map(|name| shown(name).into_owned()))
            .internal("writing the header line")?;
        for batch in frame.batches()? {
            write_csv(&mut writer, &batch?, dataset.zone, shown)?;
        }
        writer.flush().internal("writing CSV")
    })
}

fn arrow_recipe(state: &AppState, dataset: &Resolved) -> Recipe {
    let (state, dataset) = (state.clone(), dataset.clone());
    Arc::new(move |out| {
        let frame = Frame::open(&state, &dataset)?;
        let mut batches = frame.batches()?;
        let empty = || RecordBatch::new_empty(empty_schema(&dataset.columns));
        let first = batches.next().transpose()?.unwrap_or_else(empty);
        let mut writer = FileWriter::try_new(out, &first.schema()).internal("beginning an Arrow file")?;
        for batch in std::iter::once(Ok(first)).chain(batches) {
            writer.write(&batch?).internal("writing an Arrow file")?;
        }
        writer.finish().internal("ending an Arrow file")
    })
}

/// Of a frame without rows, which has no batch to tell it.
fn empty_schema(columns: &[ColumnMeta]) -> SchemaRef {
    let axis = DataType::Timestamp(TimeUnit::Millisecond, Some("UTC".into()));
    let cells = |kind| if kind == Kind::Text { DataType::Utf8 } else { DataType::Float64 };
    let fields = columns.iter().map(|meta| Field::new(&meta.name, cells(meta.kind), true));
    Arc::new(Schema::new(std::iter::once(Field::new(TIMESTAMP, axis, false)).chain(fields).collect::<Vec<_>>()))
}

/// Writes the rows of a batch. Numbers are the shortest text that reads back as the same number, and never
/// look like whole ones (`4583.0`): readers that guess types from texts see what they are.
fn write_csv(
    writer: &mut csv::Writer<impl Write>,
    batch: &RecordBatch,
    zone: Tz,
    shown: fn(&str) -> Cow<'_, str>,
) -> Result<()> {
    let columns = batch.columns().iter().map(|column| Cells::of(column.as_ref())).collect::<Result<Vec<_>>>()?;
    let mut number = String::new();
    let doing = "writing CSV";
    for row in 0..batch.num_rows() {
        for column in &columns {
            match column {
                Cells::Times(times) if times.is_valid(row) => writer.write_field(clock::iso(zone, times.value(row))),
                Cells::Numbers(numbers) if numbers.is_valid(row) && numbers.value(row).is_finite() => {
                    number.clear();
                    write!(number, "{:?}", numbers.value(row)).internal(doing)?;
                    writer.write_field(&number)
                }
                Cells::Texts(texts) if texts.is_valid(row) => writer.write_field(shown(texts.value(row)).as_bytes()),
                _ => writer.write_field(""),
            }
            .internal(doing)?;
        }
        writer.write_record(None::<&[u8]>).internal(doing)?;
    }
    Ok(())
}

/// A text that a spreadsheet would calculate, with the `'` that keeps it a text; numbers stay numbers.
fn no_formula(text: &str) -> Cow<'_, str> {
    let number = |b: u8| b.is_ascii_digit() || b"+-.eE".contains(&b);
    let is_number = text.bytes().all(number) && text.parse::<f64>().is_ok();
    match text.starts_with(['=', '+', '-', '@', '\t', '\r']) && !is_number {
        true => Cow::Owned(format!("'{text}")),
        false => Cow::Borrowed(text),
    }
}

/// The cells of a column of a batch.
enum Cells<'a> {
    Times(&'a TimestampMillisecondArray),
    Numbers(&'a Float64Array),
    Texts(&'a StringArray),
}

impl<'a> Cells<'a> {
    fn of(column: &'a dyn Array) -> Result<Self> {
        match column.data_type() {
            DataType::Timestamp(TimeUnit::Millisecond, _) => Ok(Self::Times(column.as_primitive())),
            DataType::Float64 => Ok(Self::Numbers(column.as_primitive())),
            DataType::Utf8 => Ok(Self::Texts(column.as_string())),
            other => Err(Error::internal(format!("a stored column has the type {other}"))),
        }
    }
}
