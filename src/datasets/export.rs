//! The stored file itself, or its rows as CSV or Arrow IPC, streamed.
//!
//! CSV and Arrow are made on a blocking thread, batch by batch, and handed over in chunks through a short
//! channel: memory does not grow with the file, and a client that goes away ends the work.

use std::borrow::Cow;
use std::fmt::Write as _;
use std::io::{self, Write};
use std::ops::Range;
use std::pin::Pin;
use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::{Array, Float64Array, RecordBatch, StringArray, TimestampMillisecondArray};
use arrow_ipc::writer::FileWriter;
use arrow_schema::{DataType, Field, Schema, SchemaRef, TimeUnit};
use bytes::Bytes;
use chrono_tz::Tz;
use futures_util::{Stream, StreamExt};
use tokio::sync::mpsc;

use super::clock;
use super::names::TIMESTAMP;
use super::opened::{Frame, look};
use super::version::Resolved;
use crate::error::{Context, Error, Result};
use crate::etl::column::{ColumnMeta, Kind};
use crate::state::AppState;

/// Bytes on their way to the client.
pub type ByteStream = Pin<Box<dyn Stream<Item = io::Result<Bytes>> + Send>>;

/// Bytes of a chunk, about.
const CHUNK_BYTES: usize = 128 * 1024;
/// Chunks that wait for the client.
const CHUNKS_AHEAD: usize = 4;

/// A part of the stored Parquet file, unchanged.
///
/// # Errors
/// 409 when the file is missing or damaged.
pub async fn parquet(state: &AppState, dataset: &Resolved, range: Range<u64>) -> Result<ByteStream> {
    // A stream cannot take back its status: what is wrong with the file is found before the first byte.
    look(state, dataset).await?;
    Ok(Box::pin(state.store.objects.stream(&dataset.path, range).map(|chunk| chunk.map_err(io::Error::other))))
}

/// All rows as CSV (RFC 4180, UTF-8, header line; `timestamp` ISO 8601 with the site's offset; nulls empty). In one for
/// a spreadsheet no text is a formula.
///
/// # Errors
/// 409 when the file is missing or damaged.
pub async fn csv(state: &AppState, dataset: &Resolved, spreadsheet: bool) -> Result<ByteStream> {
    let zone = dataset.zone;
    let shown: fn(&str) -> Cow<'_, str> = if spreadsheet { no_formula } else { |text| Cow::Borrowed(text) };
    made(state, dataset, move |frame, out| {
        let mut writer = csv::WriterBuilder::new().terminator(csv::Terminator::CRLF).from_writer(out);
        writer
            .write_record(frame.column_names().map(|name| shown(name).into_owned()))
            .internal("writing the header line")?;
        for batch in frame.batches()? {
            write_csv(&mut writer, &batch?, zone, shown)?;
        }
        writer.flush().internal("writing CSV")
    })
    .await
}

/// All rows as an Arrow IPC file (the file format, so that readers may seek).
///
/// # Errors
/// 409 when the file is missing or damaged.
pub async fn arrow(state: &AppState, dataset: &Resolved) -> Result<ByteStream> {
    let columns = Arc::clone(&dataset.columns);
    made(state, dataset, move |frame, out| {
        let mut batches = frame.batches()?;
        let first = batches.next().transpose()?.unwrap_or_else(|| RecordBatch::new_empty(empty_schema(&columns)));
        let mut writer = FileWriter::try_new(out, &first.schema()).internal("beginning an Arrow file")?;
        for batch in std::iter::once(Ok(first)).chain(batches) {
            writer.write(&batch?).internal("writing an Arrow file")?;
        }
        writer.finish().internal("ending an Arrow file")
    })
    .await
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

/// Streams what `make` writes.
async fn made<F>(state: &AppState, dataset: &Resolved, make: F) -> Result<ByteStream>
where
    F: FnOnce(&Frame, Chunks) -> Result<()> + Send + 'static,
{
    let opening = {
        let (state, dataset) = (state.clone(), dataset.clone());
        move || Frame::open(&state, &dataset)
    };
    let frame = tokio::task::spawn_blocking(opening).await.internal("opening a stored file")??;
    let (sender, receiver) = mpsc::channel(CHUNKS_AHEAD);
    tokio::task::spawn_blocking(move || {
        let out = Chunks { sender: sender.clone(), buffer: Vec::with_capacity(CHUNK_BYTES) };
        if let Err(error) = make(&frame, out) {
            // The client has gone, or gets to see that the stream broke off; the log says why.
            if !sender.is_closed() {
                tracing::error!(error = &error as &dyn std::error::Error, "an export broke off");
            }
            let _ = sender.blocking_send(Err(io::Error::other(error)));
        }
    });
    let stream = futures_util::stream::unfold(receiver, |mut receiver| async {
        receiver.recv().await.map(|chunk| (chunk, receiver))
    });
    Ok(Box::pin(stream))
}

/// Collects what is written into chunks and sends them; dropped, it sends the rest.
struct Chunks {
    sender: mpsc::Sender<io::Result<Bytes>>,
    buffer: Vec<u8>,
}

impl Chunks {
    fn send(&mut self) -> io::Result<()> {
        if self.buffer.is_empty() {
            return Ok(());
        }
        let chunk = std::mem::replace(&mut self.buffer, Vec::with_capacity(CHUNK_BYTES));
        self.sender.blocking_send(Ok(chunk.into())).map_err(|_| io::ErrorKind::BrokenPipe.into())
    }
}

impl Write for Chunks {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.buffer.extend_from_slice(bytes);
        if self.buffer.len() >= CHUNK_BYTES {
            self.send()?;
        }
        Ok(bytes.len())
    }

    /// Only whole chunks are sent on the way.
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Drop for Chunks {
    fn drop(&mut self) {
        // Nobody is left to hear of a failure: the client has gone.
        let _ = self.send();
    }
}
