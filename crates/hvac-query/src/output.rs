//! Answers as text or files, batch by batch: JSON, NDJSON, CSV, Arrow IPC, Parquet.

use std::io::{self, Write};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use arrow_array::RecordBatch;
use arrow_schema::{DataType, Field, Schema, SchemaRef};
use datafusion::arrow::compute::cast;
use datafusion::arrow::csv;
use datafusion::arrow::error::ArrowError;
use datafusion::arrow::ipc::writer::{FileWriter, StreamWriter};
use datafusion::arrow::json::writer::{EncoderOptions, LineDelimited, NullableEncoder, WriterBuilder, make_encoder};
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, ZstdLevel};
use parquet::errors::ParquetError;
use parquet::file::properties::WriterProperties;

use crate::engine::Answer;
use crate::error::QueryError;

/// What an answer is written as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// `{columns: [{name, type}], rows: [[…]], row_count, truncated, elapsed_ms}`.
    Json,
    /// An object a line.
    NdJson,
    /// RFC 4180 with a header line.
    Csv,
    /// An Arrow IPC file.
    Arrow,
    /// An Arrow IPC stream.
    ArrowStream,
    /// A Parquet file.
    Parquet,
}

impl Format {
    /// All of them.
    pub const ALL: [Self; 6] = [Self::Json, Self::NdJson, Self::Csv, Self::Arrow, Self::ArrowStream, Self::Parquet];

    /// As it is written in a request.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Json => "json",
            Self::NdJson => "ndjson",
            Self::Csv => "csv",
            Self::Arrow => "arrow",
            Self::ArrowStream => "arrow_stream",
            Self::Parquet => "parquet",
        }
    }

    /// Its media type.
    #[must_use]
    pub fn media_type(self) -> &'static str {
        match self {
            Self::Json => "application/json",
            Self::NdJson => "application/x-ndjson",
            Self::Csv => "text/csv; charset=utf-8",
            Self::Arrow => "application/vnd.apache.arrow.file",
            Self::ArrowStream => "application/vnd.apache.arrow.stream",
            Self::Parquet => "application/vnd.apache.parquet",
        }
    }
}

/// An answer on its way out. Dropping it ends the work.
pub struct Written {
    answer: Answer,
    /// Rows that are not written yet.
    waiting: Option<RecordBatch>,
    writer: Option<Writer>,
    sink: Sink,
    begun: Instant,
}

/// Where writers write, and from where their bytes are taken on the way.
#[derive(Debug, Clone, Default)]
struct Sink(Arc<Mutex<Vec<u8>>>);

impl Sink {
    fn bytes(&self) -> MutexGuard<'_, Vec<u8>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.bytes().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Cells of a batch that are written as text at a time: a wide batch takes a tenth of a second, and its first rows need not wait.
const PIECE_CELLS: usize = 64 * 1024;
/// Bytes after which what has been written is handed on.
const CHUNK_BYTES: usize = 64 * 1024;

impl Written {
    /// Of an answer, `begun` being when it was asked for.
    ///
    /// # Errors
    /// [`QueryError::Invalid`] for a column that the format has no form for.
    pub fn new(answer: Answer, format: Format, begun: Instant) -> Result<Self, QueryError> {
        let sink = Sink::default();
        let writer = Writer::new(format, &answer.schema, sink.clone())?;
        Ok(Self { answer, waiting: None, writer: Some(writer), sink, begun })
    }

    /// The next bytes; none behind the last.
    ///
    /// # Errors
    /// As [`crate::Engine::run`].
    pub async fn next(&mut self) -> Result<Option<Vec<u8>>, QueryError> {
        while let Some(writer) = &mut self.writer {
            let batch = match self.waiting.take() {
                Some(rest) => Some(rest),
                None => self.answer.next().await?,
            };
            if let Some(batch) = batch {
                let rows = writer.rows_at_once(&batch).min(batch.num_rows());
                writer.write(&batch.slice(0, rows))?;
                self.waiting = Some(batch.slice(rows, batch.num_rows() - rows)).filter(|rest| rest.num_rows() > 0);
                if self.sink.bytes().len() < CHUNK_BYTES {
                    continue;
                }
            } else if let Some(writer) = self.writer.take() {
                writer.finish(&Summary {
                    rows: self.answer.rows,
                    truncated: self.answer.truncated,
                    elapsed_ms: u64::try_from(self.begun.elapsed().as_millis()).unwrap_or(u64::MAX),
                })?;
            }
            return Ok(Some(std::mem::take(&mut *self.sink.bytes())));
        }
        Ok(None)
    }
}

/// What is said behind the rows.
struct Summary {
    rows: usize,
    truncated: bool,
    elapsed_ms: u64,
}

enum Writer {
    Json { out: Sink, schema: SchemaRef, first: bool },
    NdJson(datafusion::arrow::json::Writer<Sink, LineDelimited>),
    Csv(csv::Writer<Sink>),
    Arrow(FileWriter<Sink>, SchemaRef),
    ArrowStream(StreamWriter<Sink>, SchemaRef),
    Parquet(Box<ArrowWriter<Sink>>, SchemaRef),
}

fn of_arrow(error: ArrowError) -> QueryError {
    QueryError::Invalid(format!("writing the answer: {error}"))
}

fn of_parquet(error: ParquetError) -> QueryError {
    QueryError::Invalid(format!("writing the answer: {error}"))
}

impl Writer {
    fn new(format: Format, schema: &SchemaRef, sink: Sink) -> Result<Self, QueryError> {
        Ok(match format {
            Format::Json => {
                let columns = schema
                    .fields()
                    .iter()
                    .map(|field| serde_json::json!({"name": field.name(), "type": type_name(field.data_type())}));
                let columns = serde_json::Value::Array(columns.collect());
                sink.bytes().extend_from_slice(format!("{{\"columns\":{columns},\"rows\":[").as_bytes());
                Self::Json { out: sink, schema: Arc::clone(schema), first: true }
            }
            Format::NdJson => Self::NdJson(WriterBuilder::new().with_explicit_nulls(true).build(sink)),
            Format::Csv => {
                let mut writer = csv::WriterBuilder::new().with_header(true).build(sink);
                // The header line is there without a row too.
                writer.write(&RecordBatch::new_empty(Arc::clone(schema))).map_err(of_arrow)?;
                Self::Csv(writer)
            }
            Format::Arrow => {
                let schema = plain(schema);
                Self::Arrow(FileWriter::try_new(sink, &schema).map_err(of_arrow)?, schema)
            }
            Format::ArrowStream => {
                let schema = plain(schema);
                Self::ArrowStream(StreamWriter::try_new(sink, &schema).map_err(of_arrow)?, schema)
            }
            Format::Parquet => {
                let schema = plain(schema);
                let properties = WriterProperties::builder()
                    .set_compression(Compression::ZSTD(ZstdLevel::default()))
                    .set_max_row_group_row_count(Some(64 * 1024))
                    .build();
                let writer = ArrowWriter::try_new(sink, Arc::clone(&schema), Some(properties)).map_err(of_parquet)?;
                Self::Parquet(Box::new(writer), schema)
            }
        })
    }

    /// Rows of a batch that are written before bytes are handed on: of a file of batches all, which keep their size.
    fn rows_at_once(&self, batch: &RecordBatch) -> usize {
        match self {
            Self::Json { .. } | Self::NdJson(_) | Self::Csv(_) => (PIECE_CELLS / batch.num_columns().max(1)).max(1),
            Self::Arrow(..) | Self::ArrowStream(..) | Self::Parquet(..) => usize::MAX,
        }
    }

    fn write(&mut self, batch: &RecordBatch) -> Result<(), QueryError> {
        match self {
            Self::Json { out, schema, first } => rows(batch, schema, first, &mut out.bytes()),
            Self::NdJson(writer) => writer.write(batch).map_err(of_arrow),
            Self::Csv(writer) => writer.write(batch).map_err(of_arrow),
            Self::Arrow(writer, schema) => writer.write(&as_plain(batch, schema)?).map_err(of_arrow),
            Self::ArrowStream(writer, schema) => writer.write(&as_plain(batch, schema)?).map_err(of_arrow),
            Self::Parquet(writer, schema) => writer.write(&as_plain(batch, schema)?).map_err(of_parquet),
        }
    }

    fn finish(self, done: &Summary) -> Result<(), QueryError> {
        match self {
            Self::Json { out, .. } => {
                let Summary { rows, truncated, elapsed_ms } = done;
                let end = format!("],\"row_count\":{rows},\"truncated\":{truncated},\"elapsed_ms\":{elapsed_ms}}}");
                out.bytes().extend_from_slice(end.as_bytes());
            }
            Self::NdJson(mut writer) => writer.finish().map_err(of_arrow)?,
            Self::Csv(writer) => drop(writer),
            Self::Arrow(mut writer, _) => writer.finish().map_err(of_arrow)?,
            Self::ArrowStream(mut writer, _) => writer.finish().map_err(of_arrow)?,
            Self::Parquet(writer, _) => writer.close().map(drop).map_err(of_parquet)?,
        }
        Ok(())
    }
}

/// Appends rows as lists.
fn rows(batch: &RecordBatch, schema: &SchemaRef, first: &mut bool, out: &mut Vec<u8>) -> Result<(), QueryError> {
    let options = EncoderOptions::default();
    let mut encoders: Vec<NullableEncoder<'_>> = Vec::new();
    for (field, column) in schema.fields().iter().zip(batch.columns()) {
        encoders.push(make_encoder(field, column.as_ref(), &options).map_err(of_arrow)?);
    }
    for row in 0..batch.num_rows() {
        out.extend_from_slice(if std::mem::take(first) { b"[" } else { b",[" });
        for (index, encoder) in encoders.iter_mut().enumerate() {
            if index > 0 {
                out.push(b',');
            }
            if encoder.is_null(row) {
                out.extend_from_slice(b"null");
            } else {
                encoder.encode(row, out);
            }
        }
        out.push(b']');
    }
    Ok(())
}

/// What a column holds, in the words of SQL.
fn type_name(kind: &DataType) -> String {
    match kind {
        DataType::Boolean => "boolean",
        DataType::Int8 | DataType::Int16 | DataType::Int32 | DataType::UInt8 | DataType::UInt16 => "integer",
        DataType::Int64 | DataType::UInt32 | DataType::UInt64 => "bigint",
        DataType::Float16 | DataType::Float32 | DataType::Float64 => "double",
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => "text",
        DataType::Date32 | DataType::Date64 => "date",
        DataType::Timestamp(_, Some(_)) => "timestamp with time zone",
        DataType::Timestamp(_, None) => "timestamp",
        DataType::Time32(_) | DataType::Time64(_) => "time",
        DataType::Interval(_) | DataType::Duration(_) => "interval",
        DataType::Dictionary(_, values) => return type_name(values),
        DataType::Null => "null",
        other => return other.to_string().to_lowercase(),
    }
    .to_owned()
}

/// The schema in types that every reader knows.
fn plain(schema: &Schema) -> SchemaRef {
    let fields = schema.fields().iter().map(|field| match field.data_type() {
        DataType::Utf8View => Arc::new(Field::clone(field).with_data_type(DataType::Utf8)),
        _ => Arc::clone(field),
    });
    Arc::new(Schema::new(fields.collect::<Vec<_>>()))
}

fn as_plain(batch: &RecordBatch, schema: &SchemaRef) -> Result<RecordBatch, QueryError> {
    let columns = batch.columns().iter().zip(schema.fields()).map(|(column, field)| match column.data_type() {
        DataType::Utf8View => cast(column, field.data_type()),
        _ => Ok(Arc::clone(column)),
    });
    let columns = columns.collect::<Result<Vec<_>, _>>().map_err(of_arrow)?;
    RecordBatch::try_new(Arc::clone(schema), columns).map_err(of_arrow)
}
