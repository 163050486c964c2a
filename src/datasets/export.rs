//! The stored file itself, or rows of it as Parquet, CSV or Arrow IPC.
//!
//! What is made is made in parts of the rows, so memory does not grow with them. Parquet holds a row group besides, for
//! which there has to be room first.

use std::borrow::Cow;
use std::fmt::Write as _;
use std::io::Write;
use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::{Array, ArrayRef, Float64Array, RecordBatch, StringArray, TimestampMillisecondArray};
use arrow_ipc::writer::FileWriter;
use arrow_schema::{DataType, Field, Schema, SchemaRef, TimeUnit};
use chrono_tz::Tz;
use polars::prelude::{Column, DataFrame};
use serde_json::{Value, json};
use tokio::runtime::Handle;

use super::clock;
use super::names::TIMESTAMP;
use super::opened::{Frame, look};
use super::resolved::Resolved;
use super::window::{PART_CELLS, Selection, WindowRows};
use crate::error::{Context, Error, Result};
use crate::state::AppState;
use hvac_frame::column::{ColumnMeta, Kind};
use hvac_frame::parquet_file::{ColumnType, ParquetWriter, ROW_GROUP_CELLS, ROW_GROUP_ROWS};
use hvac_store::download::on_the_way;
pub use hvac_store::download::{ByteStream, Download};
use hvac_store::frames::{KEY_COLUMNS, KEY_EVENTS, KEY_REPORT, KEY_REQUEST_KEY};
use hvac_store::made::{MadeKey, Recipe};

/// Key-value metadata of a part of a frame: which part (JSON). Counts of its columns are then left out of
/// [`KEY_COLUMNS`], and what was found of the whole frame too.
const KEY_WINDOW: &str = "hvac.window";

/// The form that the rows of a stored frame are handed out in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// A Parquet file: the stored one, unchanged, where all of it is asked for.
    Parquet,
    /// An Arrow IPC file (the file format, so that readers may seek).
    Arrow,
    /// CSV (RFC 4180, UTF-8, header line; `timestamp` ISO 8601 with the site's offset; nulls empty).
    Csv {
        /// For a spreadsheet: then no text is a formula.
        spreadsheet: bool,
    },
}

/// Rows of a stored frame as a file, and the hexadecimal digits that tell its bytes from all others.
///
/// # Errors
/// 409 when the stored file is missing or damaged: a stream cannot take back its status, so this is found before the
/// first byte.
#[tracing::instrument(level = "debug", name = "export", skip_all)]
pub async fn download(
    state: &AppState,
    dataset: &Resolved,
    form: Form,
    selection: &Selection,
) -> Result<(Download, String)> {
    look(state, dataset).await?;
    if form == Form::Parquet && selection.is_whole() {
        let (objects, key) = (state.store.objects.clone(), dataset.path.clone());
        return Ok((Download::Stored { objects, key, size_bytes: dataset.size_bytes }, dataset.sha256.clone()));
    }
    let request = match form {
        Form::Parquet => format!("parquet {}{selection}", dataset.zone),
        Form::Arrow => format!("arrow with metadata {}{selection}", dataset.zone),
        Form::Csv { spreadsheet } => format!("csv {} {spreadsheet}{selection}", dataset.zone),
    };
    let key = MadeKey::new(&dataset.sha256, &request);
    let name = key.name().to_owned();
    let recipe = recipe(state, dataset, form, selection);
    Ok((Download::Made { files: state.store.made.clone(), key, recipe }, name))
}

/// The same for one reader, and nothing kept.
///
/// # Errors
/// As [`download`].
#[tracing::instrument(level = "debug", name = "export", skip_all)]
pub async fn stream(state: &AppState, dataset: &Resolved, form: Form, selection: &Selection) -> Result<ByteStream> {
    Ok(match download(state, dataset, form, selection).await?.0 {
        Download::Made { recipe, .. } => on_the_way(&recipe, 0..u64::MAX),
        stored => stored.whole().0,
    })
}

fn recipe(state: &AppState, dataset: &Resolved, form: Form, selection: &Selection) -> Recipe {
    let (state, dataset, selection) = (state.clone(), dataset.clone(), selection.clone());
    Arc::new(move |out| {
        let frame = Frame::open(&state, &dataset)?;
        match form {
            Form::Parquet => write_parquet(&state, &frame, &dataset, &selection, out),
            Form::Arrow => write_arrow(&frame, &dataset, &selection, out),
            Form::Csv { spreadsheet } => {
                let shown: fn(&str) -> Cow<'_, str> = if spreadsheet { no_formula } else { |text| Cow::Borrowed(text) };
                let mut writer = csv::WriterBuilder::new().terminator(csv::Terminator::CRLF).from_writer(out);
                let names = selection.columns(&dataset).iter().map(|meta| meta.name.as_str());
                let header = std::iter::once(TIMESTAMP).chain(names).map(|name| shown(name).into_owned());
                writer.write_record(header).internal("writing the header line")?;
                each_batch(&frame, &dataset, &selection, |batch| write_csv(&mut writer, batch, dataset.zone, shown))?;
                writer.flush().internal("writing CSV")
            }
        }
    })
}

/// Hands over the rows, batch by batch.
fn each_batch(
    frame: &Frame,
    dataset: &Resolved,
    selection: &Selection,
    mut take: impl FnMut(&RecordBatch) -> Result<()>,
) -> Result<()> {
    if selection.is_whole() {
        return frame.batches()?.try_for_each(|batch| take(&batch?));
    }
    let columns = selection.columns(dataset);
    let rows = WindowRows::of(frame, &selection.window, dataset.zone)?;
    let schema = schema_of(columns, Vec::new());
    rows.parts(columns.len()).into_iter().try_for_each(|part| take(&batch_of(&rows.cells(columns, part)?, &schema)?))
}

fn write_parquet(
    state: &AppState,
    frame: &Frame,
    dataset: &Resolved,
    selection: &Selection,
    out: &mut (dyn Write + Send),
) -> Result<()> {
    let columns = selection.columns(dataset);
    let group_rows = dataset.row_count.min(ROW_GROUP_ROWS as u64);
    let group_cells = ((columns.len() as u64 + 1) * group_rows).min(ROW_GROUP_CELLS as u64);
    // Recipes run on threads that may wait.
    let _held = Handle::current().block_on(state.memory.answers.wait(8 * (group_cells + PART_CELLS)));
    let rows = WindowRows::of(frame, &selection.window, dataset.zone)?;
    let cells = |kind| if kind == Kind::Text { ColumnType::Text } else { ColumnType::Float64 };
    let schema: Vec<_> = columns.iter().map(|meta| (meta.name.clone(), cells(meta.kind))).collect();
    let mut writer = ParquetWriter::new(out, &schema)?;
    for part in rows.parts(columns.len()) {
        writer.write_window(&rows.cells(columns, part)?)?;
    }
    writer.finish(key_values(frame, dataset, selection, &rows)?)?;
    Ok(())
}

fn write_arrow(frame: &Frame, dataset: &Resolved, selection: &Selection, out: &mut (dyn Write + Send)) -> Result<()> {
    let rows = WindowRows::of(frame, &selection.window, dataset.zone)?;
    let schema = schema_of(selection.columns(dataset), key_values(frame, dataset, selection, &rows)?);
    let mut writer = FileWriter::try_new(out, &schema).internal("beginning an Arrow file")?;
    each_batch(frame, dataset, selection, |batch| writer.write(batch).internal("writing an Arrow file"))?;
    writer.finish().internal("ending an Arrow file")
}

/// What a file says of itself: what the stored one does. Of a part of it, what is counted or found of the whole is left
/// out, and which part it is is said.
fn key_values(
    frame: &Frame,
    dataset: &Resolved,
    selection: &Selection,
    rows: &WindowRows<'_>,
) -> Result<Vec<(String, String)>> {
    let mut said = frame.key_values();
    said.retain(|(key, _)| key.starts_with("hvac."));
    if selection.is_whole() {
        return Ok(said);
    }
    said.retain(|(key, _)| ![KEY_COLUMNS, KEY_REPORT, KEY_EVENTS, KEY_REQUEST_KEY].contains(&key.as_str()));
    let column = |meta: &ColumnMeta| {
        let mut meta = serde_json::to_value(rows.described(meta)).internal("describing a column")?;
        if let (Some(meta), false) = (meta.as_object_mut(), selection.window.is_whole()) {
            meta.retain(|field, _| !["count", "nulls"].contains(&field.as_str()));
        }
        Ok(meta)
    };
    let columns: Vec<Value> = selection.columns(dataset).iter().map(column).collect::<Result<_>>()?;
    let (from, to) = selection.window.bounds_ms();
    let iso = |bound: Option<i64>| bound.map(|at_ms| clock::iso(dataset.zone, at_ms));
    let window = json!({
        "all_columns": selection.columns.is_none(), "from": iso(from), "to": iso(to),
        "every": selection.window.every().map(hvac_cleaning::Interval::name), "rows": rows.count(),
        "sha256_of_whole": dataset.sha256,
    });
    said.extend(
        [(KEY_COLUMNS, Value::Array(columns)), (KEY_WINDOW, window)].map(|(k, v)| (k.to_owned(), v.to_string())),
    );
    Ok(said)
}

/// The schema of `timestamp` and these columns.
fn schema_of(columns: &[ColumnMeta], key_values: Vec<(String, String)>) -> SchemaRef {
    let axis = DataType::Timestamp(TimeUnit::Millisecond, Some("UTC".into()));
    let cells = |kind| if kind == Kind::Text { DataType::Utf8 } else { DataType::Float64 };
    let fields = columns.iter().map(|meta| Field::new(&meta.name, cells(meta.kind), true));
    let fields: Vec<Field> = std::iter::once(Field::new(TIMESTAMP, axis, false)).chain(fields).collect();
    Arc::new(Schema::new_with_metadata(fields, key_values.into_iter().collect()))
}

/// A frame as a batch.
fn batch_of(frame: &DataFrame, schema: &SchemaRef) -> Result<RecordBatch> {
    let doing = "handing over rows";
    let array = |column: &Column, data_type: &DataType| -> Result<ArrayRef> {
        Ok(match data_type {
            DataType::Float64 => Arc::new(column.f64().internal(doing)?.iter().collect::<Float64Array>()),
            DataType::Utf8 => Arc::new(column.str().internal(doing)?.iter().collect::<StringArray>()),
            _ => {
                let times = column.datetime().internal(doing)?.physical().iter();
                Arc::new(times.collect::<TimestampMillisecondArray>().with_timezone("UTC"))
            }
        })
    };
    let columns = frame.columns().iter().zip(schema.fields()).map(|(column, field)| array(column, field.data_type()));
    RecordBatch::try_new(Arc::clone(schema), columns.collect::<Result<_>>()?).internal(doing)
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
