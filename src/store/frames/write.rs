//! Writing: windows of a frame → full row groups, columns in parallel.
//!
//! A column's encoding is chosen by what its first window holds (measured on APOGEE and plant reports, bytes a
//! cell with zstd 3): few distinct values → dictionary (0.45 against 0.52 plain and 0.84 split); many → plain or
//! BYTE_STREAM_SPLIT, whichever is smaller on a sample (rounded meters: 2.8 plain, 3.6 split, 4.1 dictionary;
//! full-precision readings: 7.3 plain, 6.1 split, 9.2 dictionary).

use std::io::Write;
use std::sync::Arc;

use arrow_array::{ArrayRef, Float64Array, StringArray, TimestampMillisecondArray};
use arrow_buffer::{BooleanBuffer, Buffer, NullBuffer, ScalarBuffer};
use arrow_schema::{DataType, Field, Schema, SchemaRef, TimeUnit};
use parquet::arrow::ArrowSchemaConverter;
use parquet::arrow::arrow_writer::{ArrowColumnWriter, ArrowRowGroupWriterFactory, compute_leaves};
use parquet::basic::{Compression, Encoding, ZstdLevel};
use parquet::errors::ParquetError;
use parquet::file::metadata::{KeyValue, SortingColumn};
use parquet::file::properties::{EnabledStatistics, WriterProperties, WriterPropertiesPtr};
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::types::ColumnPath;
use polars::prelude::{
    ChunkedArray, DataFrame, DataType as FrameType, PolarsNumericType, Series, TimeUnit as FrameUnit,
};
use rayon::prelude::*;

use super::{ColumnType, ROW_GROUP_ROWS, TIMESTAMP};
use crate::error::{Context, Error, Result};
use crate::store::objects::storage_error;

/// zstd level: 1 is 5 % bigger, 6 twice as slow.
pub(super) const ZSTD_LEVEL: i32 = 3;
/// Rows of a page, and so what a preview has to unpack.
const PAGE_ROWS: usize = 4096;
/// A column whose row group outgrows this goes on without a dictionary.
const DICTIONARY_BYTES: usize = 32 * 1024;
/// Cells of a row group at most, so that thousands of columns do not grow the memory; 256 columns fill one.
const ROW_GROUP_CELLS: usize = 256 * ROW_GROUP_ROWS;
/// Cells looked at to choose an encoding.
const SAMPLE_CELLS: usize = 4096;

/// Writes windows of a frame, in time order, as one Parquet file. Holds one encoded row group in memory.
///
/// Blocks and uses all cores: for `spawn_blocking`.
pub struct FrameWriter<W: Write + Send> {
    columns: Vec<(String, ColumnType)>,
    schema: SchemaRef,
    state: State<W>,
    rows: u64,
}

/// The file is begun with its first window, which chooses the encodings.
enum State<W: Write + Send> {
    Waiting(W),
    Open(Box<OpenFile<W>>),
    Broken,
}

struct OpenFile<W: Write + Send> {
    file: SerializedFileWriter<Sink<W>>,
    factory: ArrowRowGroupWriterFactory,
    group: Vec<ArrowColumnWriter>,
    group_rows: usize,
    full_group_rows: usize,
}

/// Gives the sink back after `finish`, which unlike the writer's own `into_inner` keeps a failure's cause.
struct Sink<W>(Option<W>);

impl<W: Write> Write for Sink<W> {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.as_mut().map_or(Ok(bytes.len()), |sink| sink.write(bytes))
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.0.as_mut().map_or(Ok(()), Write::flush)
    }
}

impl<W: Write + Send> FrameWriter<W> {
    /// A writer of `timestamp` and the columns of `schema`, in that order.
    ///
    /// # Errors
    /// Internal when two columns have one name, or one is called `timestamp`.
    pub fn new(sink: W, schema: &[(String, ColumnType)]) -> Result<Self> {
        let mut names: Vec<&str> = schema.iter().map(|(name, _)| name.as_str()).chain([TIMESTAMP]).collect();
        names.sort_unstable();
        if let Some(name) = names.windows(2).find_map(|pair| (pair.first() == pair.last()).then(|| pair.first())) {
            return Err(Error::internal(format!("a frame cannot have two columns named {name:?}")));
        }
        let time = DataType::Timestamp(TimeUnit::Millisecond, Some("UTC".into()));
        let fields = schema.iter().map(|(name, column_type)| match column_type {
            ColumnType::Float64 => Field::new(name, DataType::Float64, true),
            ColumnType::Text => Field::new(name, DataType::Utf8, true),
        });
        let fields: Vec<Field> = [Field::new(TIMESTAMP, time, false)].into_iter().chain(fields).collect();
        Ok(Self {
            columns: schema.to_vec(),
            schema: Arc::new(Schema::new(fields)),
            state: State::Waiting(sink),
            rows: 0,
        })
    }

    /// Appends a window: `timestamp` (Datetime, ms, no null) and every column of the schema, by name, in any order.
    ///
    /// # Errors
    /// `disk_full` and other failures of the sink; internal when a column is missing or of another type. The
    /// file is lost then.
    pub fn write_window(&mut self, window: &DataFrame) -> Result<()> {
        let arrays = self.arrays(window)?;
        let mut open = match std::mem::replace(&mut self.state, State::Broken) {
            State::Waiting(sink) => Box::new(OpenFile::begin(sink, &self.schema, &arrays)?),
            State::Open(open) => open,
            State::Broken => return Err(broken()),
        };
        let mut offset = 0;
        while offset < window.height() {
            let rows = (open.full_group_rows - open.group_rows).min(window.height() - offset);
            open.append(&self.schema, &arrays, offset, rows)?;
            offset += rows;
        }
        self.rows += window.height() as u64;
        self.state = State::Open(open);
        Ok(())
    }

    /// Rows written so far.
    #[must_use]
    pub fn rows(&self) -> u64 {
        self.rows
    }

    /// Ends the file with its key-value metadata; answers the sink and the number of rows. A file without
    /// a row is valid too.
    ///
    /// # Errors
    /// Failures of the sink.
    pub fn finish(self, key_values: Vec<(String, String)>) -> Result<(W, u64)> {
        let mut open = match self.state {
            State::Waiting(sink) => Box::new(OpenFile::begin(sink, &self.schema, &[])?),
            State::Open(open) => open,
            State::Broken => return Err(broken()),
        };
        open.end_group()?;
        for (key, value) in key_values {
            open.file.append_key_value_metadata(KeyValue::new(key, value));
        }
        open.file.finish().map_err(write_failed)?;
        let sink = open.file.inner_mut().0.take().ok_or_else(broken)?;
        Ok((sink, self.rows))
    }

    /// The window's columns in the file's order, as arrow arrays.
    fn arrays(&self, window: &DataFrame) -> Result<Vec<ArrayRef>> {
        let column = |name: &str| {
            let column = window.column(name).internal("looking for a column of a window")?;
            Ok::<_, Error>(column.as_materialized_series().rechunk())
        };
        let time = column(TIMESTAMP)?;
        let mut series = vec![(time, None)];
        for (name, column_type) in &self.columns {
            series.push((column(name)?, Some(*column_type)));
        }
        series.par_iter().map(|(series, column_type)| to_arrow(series, *column_type)).collect()
    }
}

impl<W: Write + Send> OpenFile<W> {
    fn begin(sink: W, schema: &SchemaRef, first: &[ArrayRef]) -> Result<Self> {
        let properties = properties(schema, first)?;
        let types = ArrowSchemaConverter::new().convert(schema).map_err(write_failed)?;
        let file =
            SerializedFileWriter::new(Sink(Some(sink)), types.root_schema_ptr(), properties).map_err(write_failed)?;
        let factory = ArrowRowGroupWriterFactory::new(&file, schema.clone());
        let full_group_rows = (ROW_GROUP_CELLS / schema.fields().len().max(1)).clamp(1, ROW_GROUP_ROWS);
        Ok(Self { file, factory, group: Vec::new(), group_rows: 0, full_group_rows })
    }

    /// Encodes rows of all columns in parallel; a full row group goes to the file.
    fn append(&mut self, schema: &SchemaRef, arrays: &[ArrayRef], offset: usize, rows: usize) -> Result<()> {
        if self.group.is_empty() {
            let index = self.file.flushed_row_groups().len();
            self.group = self.factory.create_column_writers(index).map_err(write_failed)?;
        }
        self.group
            .par_iter_mut()
            .zip(schema.fields().par_iter().zip(arrays))
            .try_for_each(|(writer, (field, array))| {
                let part = array.slice(offset, rows);
                compute_leaves(field, &part)?.iter().try_for_each(|leaf| writer.write(leaf))
            })
            .map_err(write_failed)?;
        self.group_rows += rows;
        if self.group_rows == self.full_group_rows { self.end_group() } else { Ok(()) }
    }

    fn end_group(&mut self) -> Result<()> {
        if self.group.is_empty() {
            return Ok(());
        }
        self.group_rows = 0;
        let chunks = std::mem::take(&mut self.group).into_par_iter().map(ArrowColumnWriter::close);
        let chunks: Vec<_> = chunks.collect::<Result<_, ParquetError>>().map_err(write_failed)?;
        let mut group = self.file.next_row_group().map_err(write_failed)?;
        for chunk in chunks {
            chunk.append_to_row_group(&mut group).map_err(write_failed)?;
        }
        group.close().map_err(write_failed)?;
        Ok(())
    }
}

fn properties(schema: &Schema, first: &[ArrayRef]) -> Result<WriterPropertiesPtr> {
    let level = ZstdLevel::try_new(ZSTD_LEVEL).map_err(write_failed)?;
    let mut builder = WriterProperties::builder()
        .set_compression(Compression::ZSTD(level))
        .set_statistics_enabled(EnabledStatistics::Page)
        .set_data_page_row_count_limit(PAGE_ROWS)
        .set_dictionary_page_size_limit(DICTIONARY_BYTES)
        .set_max_row_group_row_count(Some(ROW_GROUP_ROWS))
        .set_sorting_columns(Some(vec![SortingColumn { column_idx: 0, descending: false, nulls_first: false }]))
        .set_created_by(concat!("hvac-analytics ", env!("CARGO_PKG_VERSION")).to_owned());
    let encodings: Vec<_> = first.par_iter().map(encoding).collect();
    for (field, encoding) in schema.fields().iter().zip(encodings) {
        if let Some(encoding) = encoding {
            let path = ColumnPath::new(vec![field.name().clone()]);
            builder = builder.set_column_dictionary_enabled(path.clone(), false).set_column_encoding(path, encoding);
        }
    }
    Ok(Arc::new(builder.build()))
}

/// The encoding of a column that does better without a dictionary.
fn encoding(array: &ArrayRef) -> Option<Encoding> {
    if array.data_type() != &DataType::Float64 {
        let is_time = matches!(array.data_type(), DataType::Timestamp(..));
        return is_time.then_some(Encoding::DELTA_BINARY_PACKED);
    }
    let numbers = array.as_any().downcast_ref::<Float64Array>()?;
    let stride = numbers.len().div_ceil(SAMPLE_CELLS).max(1);
    let spread = numbers.iter().step_by(stride).flatten();
    let mut distinct: Vec<u64> = spread.map(f64::to_bits).collect();
    let cells = distinct.len();
    distinct.sort_unstable();
    distinct.dedup();
    if distinct.len() * 2 <= cells {
        return None;
    }
    // Neighbours, as a page has them: their likeness is what compression lives on.
    let page: Vec<f64> = numbers.iter().flatten().take(SAMPLE_CELLS).collect();
    let plain: Vec<u8> = page.iter().flat_map(|v| v.to_le_bytes()).collect();
    let split: Vec<u8> = (0..8).flat_map(|byte| plain.iter().copied().skip(byte).step_by(8)).collect();
    let size = |bytes: &[u8]| zstd::bulk::compress(bytes, ZSTD_LEVEL).map_or(bytes.len(), |packed| packed.len());
    Some(if size(&split) < size(&plain) { Encoding::BYTE_STREAM_SPLIT } else { Encoding::PLAIN })
}

/// One column of a window, which is in one piece.
fn to_arrow(series: &Series, column_type: Option<ColumnType>) -> Result<ArrayRef> {
    let doing = "reading a column of a window";
    Ok(match column_type {
        None => {
            if !matches!(series.dtype(), FrameType::Datetime(FrameUnit::Milliseconds, _)) || series.null_count() > 0 {
                return Err(Error::internal("the timestamp of a window must be Datetime in ms without nulls"));
            }
            let (values, _) = buffers(series.datetime().internal(doing)?.physical());
            Arc::new(TimestampMillisecondArray::new(ScalarBuffer::from(values), None).with_timezone("UTC"))
        }
        Some(ColumnType::Float64) => {
            let (values, nulls) = buffers(series.f64().internal(doing)?);
            Arc::new(Float64Array::new(ScalarBuffer::from(values), nulls))
        }
        Some(ColumnType::Text) => Arc::new(StringArray::from_iter(series.str().internal(doing)?.iter())),
    })
}

/// Values and validity of a column; what stands under a null is anything.
fn buffers<T: PolarsNumericType>(column: &ChunkedArray<T>) -> (Vec<T::Native>, Option<NullBuffer>) {
    let mut values = Vec::with_capacity(column.len());
    let mut nulls = None;
    // One chunk, or none for no rows.
    for chunk in column.downcast_iter() {
        values.extend_from_slice(chunk.values().as_slice());
        nulls = chunk.validity().filter(|bits| bits.unset_bits() > 0).map(|bits| {
            let (bytes, offset, length) = bits.as_slice();
            NullBuffer::new(BooleanBuffer::new(Buffer::from_slice_ref(bytes), offset, length))
        });
    }
    (values, nulls)
}

pub(super) fn write_failed(error: ParquetError) -> Error {
    storage_error("writing a Parquet file", error)
}

fn broken() -> Error {
    Error::internal("a Parquet file cannot be continued after a failed write")
}
