//! Writing: windows of a frame → full row groups, columns in parallel.
//!
//! Numbers are encoded by [`super::encode`], without a copy of the frame; times and texts by the `parquet` crate.

use std::io::Write;
use std::sync::Arc;

use arrow_array::{ArrayRef, StringArray, TimestampMillisecondArray};
use arrow_schema::{DataType, Field, Schema, SchemaRef, TimeUnit};
use bytes::Bytes;
use parquet::arrow::ArrowSchemaConverter;
use parquet::arrow::arrow_writer::{ArrowColumnChunk, ArrowColumnWriter, ArrowRowGroupWriterFactory, compute_leaves};
use parquet::basic::{Compression, Encoding, ZstdLevel};
use parquet::column::writer::ColumnCloseResult;
use parquet::errors::ParquetError;
use parquet::file::metadata::{KeyValue, SortingColumn};
use parquet::file::properties::{EnabledStatistics, WriterProperties, WriterPropertiesPtr};
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::types::ColumnPath;
use polars::prelude::{Column, DataFrame, DataType as FrameType, Series, TimeUnit as FrameUnit};
use rayon::prelude::*;

use super::chunk::PageEncoding;
use super::encode::{self, ChunkEncoder, Scratch};
use super::error::{broken as broken_column, write_failed};
use super::{ColumnType, Encodings, PAGE_ROWS, ROW_GROUP_CELLS, ROW_GROUP_ROWS, ZSTD_LEVEL};
use crate::error::{Doing, FrameError, Result};
use crate::names::TIMESTAMP;
use crate::reference::ReferencedColumn;
use crate::window::{AlignedColumn, AlignedWindow};

/// Writes windows of a frame, in time order, as one Parquet file. Holds one encoded row group in memory.
///
/// Blocks and uses all cores: for `spawn_blocking`.
pub struct ParquetWriter<W: Write + Send> {
    columns: Vec<(String, ColumnType)>,
    schema: SchemaRef,
    state: State<W>,
    rows: u64,
}

enum State<W: Write + Send> {
    Open(Box<OpenFile<W>>),
    Broken,
}

struct OpenFile<W: Write + Send> {
    file: SerializedFileWriter<Sink<W>>,
    /// Makes the writers of the columns that are no numbers.
    factory: ArrowRowGroupWriterFactory,
    group: Vec<GroupColumn>,
    /// One entry a column, once a row group is written.
    forms: Vec<Option<PageEncoding>>,
    group_rows: usize,
    full_group_rows: usize,
    encodings: Encodings,
}

/// A column of the row group that is being filled.
enum GroupColumn {
    Numbers(ChunkEncoder),
    Other(Box<ArrowColumnWriter>),
}

/// A column of a window.
enum WindowColumn<'w> {
    Numbers(Series),
    Referenced(&'w ReferencedColumn),
    Other(ArrayRef),
}

/// A column of a row group, encoded.
enum EncodedChunk {
    Numbers(Bytes, Box<ColumnCloseResult>, Option<PageEncoding>),
    Other(Box<ArrowColumnChunk>),
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

impl<W: Write + Send> ParquetWriter<W> {
    /// A writer of `timestamp` and the columns of `schema`, in that order.
    ///
    /// # Errors
    /// A defect when two columns have one name, or one is called `timestamp`; failures of the sink.
    pub fn new(sink: W, schema: &[(String, ColumnType)]) -> Result<Self> {
        let mut names: Vec<&str> = schema.iter().map(|(name, _)| name.as_str()).chain([TIMESTAMP]).collect();
        names.sort_unstable();
        if let Some(name) = names.windows(2).find_map(|pair| (pair.first() == pair.last()).then(|| pair.first())) {
            return Err(FrameError::defect(format!("a frame cannot have two columns named {name:?}")));
        }
        let time = DataType::Timestamp(TimeUnit::Millisecond, Some("UTC".into()));
        let fields = schema.iter().map(|(name, column_type)| match column_type {
            ColumnType::Float64 => Field::new(name, DataType::Float64, true),
            ColumnType::Text => Field::new(name, DataType::Utf8, true),
        });
        let fields: Vec<Field> = [Field::new(TIMESTAMP, time, false)].into_iter().chain(fields).collect();
        let schema_of_file = Arc::new(Schema::new(fields));
        let open = OpenFile::begin(sink, &schema_of_file)?;
        Ok(Self { columns: schema.to_vec(), schema: schema_of_file, state: State::Open(Box::new(open)), rows: 0 })
    }

    /// The same with other encodings than all; for a writer that has written nothing yet.
    #[must_use]
    pub fn with_encodings(mut self, encodings: Encodings) -> Self {
        if let State::Open(open) = &mut self.state {
            open.encodings = encodings;
        }
        self
    }

    /// Appends a window: `timestamp` (Datetime, ms, no null) and every column of the schema, by name, in any order.
    ///
    /// # Errors
    /// Failures of the sink; a defect when a column is missing or of another type. The
    /// file is lost then.
    pub fn write_window(&mut self, window: &DataFrame) -> Result<()> {
        let column = |name: &str| window.column(name).doing("looking for a column of a window");
        let mut cells = vec![times_of(column(TIMESTAMP)?)?];
        for (name, column_type) in &self.columns {
            cells.push(cells_of(column(name)?, *column_type)?);
        }
        self.write(&cells, window.height())
    }

    /// Appends a window as it was merged: its columns in the schema's order.
    ///
    /// # Errors
    /// As [`Self::write_window`].
    pub fn write_columns(&mut self, window: &AlignedWindow) -> Result<()> {
        let rows = window.timestamp.len();
        let mut cells = vec![times_of(&window.timestamp)?];
        for ((_, column_type), merged) in self.columns.iter().zip(&window.others) {
            cells.push(match (merged, column_type) {
                (AlignedColumn::Referenced(counts), ColumnType::Float64) if counts.offsets.len() == rows => {
                    WindowColumn::Referenced(counts)
                }
                (AlignedColumn::Series(column), _) if column.len() == rows => cells_of(column, *column_type)?,
                _ => return Err(FrameError::defect("a window's column is of another type or length")),
            });
        }
        if cells.len() != self.columns.len() + 1 {
            return Err(FrameError::defect("a window has fewer columns than its file"));
        }
        self.write(&cells, rows)
    }

    fn write(&mut self, cells: &[WindowColumn<'_>], height: usize) -> Result<()> {
        let State::Open(mut open) = std::mem::replace(&mut self.state, State::Broken) else { return Err(broken()) };
        let mut offset = 0;
        while offset < height {
            let rows = (open.full_group_rows - open.group_rows).min(height - offset);
            open.append(&self.schema, cells, offset, rows)?;
            offset += rows;
        }
        self.rows += height as u64;
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
        let State::Open(mut open) = self.state else { return Err(broken()) };
        open.end_group()?;
        for (key, value) in key_values {
            open.file.append_key_value_metadata(KeyValue::new(key, value));
        }
        open.file.finish().map_err(write_failed)?;
        let sink = open.file.inner_mut().0.take().ok_or_else(broken)?;
        Ok((sink, self.rows))
    }
}

fn times_of(column: &Column) -> Result<WindowColumn<'static>> {
    Ok(WindowColumn::Other(times(&column.as_materialized_series().rechunk())?))
}

/// A column in one piece.
fn cells_of(column: &Column, column_type: ColumnType) -> Result<WindowColumn<'static>> {
    let series = column.as_materialized_series().rechunk();
    let doing = "reading a column of a window";
    Ok(match column_type {
        ColumnType::Float64 => {
            series.f64().doing(doing)?;
            WindowColumn::Numbers(series)
        }
        ColumnType::Text => WindowColumn::Other(Arc::new(StringArray::from_iter(series.str().doing(doing)?.iter()))),
    })
}

impl<W: Write + Send> OpenFile<W> {
    fn begin(sink: W, schema: &SchemaRef) -> Result<Self> {
        let types = ArrowSchemaConverter::new().convert(schema).map_err(write_failed)?;
        let properties = properties()?;
        let file = SerializedFileWriter::new(Sink(Some(sink)), types.root_schema_ptr(), properties.clone())
            .map_err(write_failed)?;
        let factory = factory(schema, properties)?;
        let full_group_rows = (ROW_GROUP_CELLS / schema.fields().len().max(1)).clamp(1, ROW_GROUP_ROWS);
        Ok(Self {
            file,
            factory,
            group: Vec::new(),
            forms: Vec::new(),
            group_rows: 0,
            full_group_rows,
            encodings: Encodings::All,
        })
    }

    /// The columns of the next row group.
    fn begin_group(&mut self, cells: &[WindowColumn<'_>]) -> Result<()> {
        let index = self.file.flushed_row_groups().len();
        let mut writers = self.factory.create_column_writers(index).map_err(write_failed)?.into_iter();
        let mut forms = std::mem::take(&mut self.forms).into_iter();
        let (rows, encodings) = (self.full_group_rows, self.encodings);
        let columns = self.file.schema_descr().columns().iter().zip(cells).map(|(description, cells)| {
            let form = forms.next().flatten();
            match cells {
                WindowColumn::Numbers(_) | WindowColumn::Referenced(_) => {
                    Some(GroupColumn::Numbers(ChunkEncoder::new(description.clone(), form, rows, encodings)))
                }
                WindowColumn::Other(_) => writers.next().map(|writer| GroupColumn::Other(Box::new(writer))),
            }
        });
        let columns: Option<Vec<GroupColumn>> = columns.collect();
        self.group = columns.ok_or_else(broken)?;
        Ok(())
    }

    /// Takes in rows of all columns in parallel; a full row group goes to the file.
    fn append(&mut self, schema: &SchemaRef, cells: &[WindowColumn<'_>], offset: usize, rows: usize) -> Result<()> {
        if self.group.is_empty() {
            self.begin_group(cells)?;
        }
        self.group
            .par_iter_mut()
            .zip(schema.fields().par_iter().zip(cells))
            .try_for_each(|(column, (field, cells))| column.append(field, cells, offset, rows))
            .map_err(write_failed)?;
        self.group_rows += rows;
        if self.group_rows == self.full_group_rows { self.end_group() } else { Ok(()) }
    }

    fn end_group(&mut self) -> Result<()> {
        if self.group.is_empty() {
            return Ok(());
        }
        self.group_rows = 0;
        let close = |scratch: &mut Option<Scratch>, column: GroupColumn| column.close(scratch);
        let encoded = std::mem::take(&mut self.group).into_par_iter().map_init(|| None, close);
        let encoded: Vec<_> = encoded.collect::<Result<_, ParquetError>>().map_err(write_failed)?;
        let mut group = self.file.next_row_group().map_err(write_failed)?;
        for column in encoded {
            let form = match column {
                EncodedChunk::Numbers(bytes, close, form) => group.append_column(&bytes, *close).map(|()| form),
                EncodedChunk::Other(chunk) => chunk.append_to_row_group(&mut group).map(|()| None),
            };
            self.forms.push(form.map_err(write_failed)?);
        }
        group.close().map_err(write_failed)?;
        Ok(())
    }
}

impl GroupColumn {
    fn append(
        &mut self,
        field: &Field,
        cells: &WindowColumn<'_>,
        offset: usize,
        rows: usize,
    ) -> Result<(), ParquetError> {
        match (self, cells) {
            (Self::Numbers(column), WindowColumn::Numbers(series)) => {
                let numbers = series.f64().map_err(|error| ParquetError::External(Box::new(error)))?;
                // One chunk, or none for no rows.
                for chunk in numbers.downcast_iter() {
                    let values = chunk
                        .values()
                        .as_slice()
                        .get(offset..offset + rows)
                        .ok_or_else(|| broken_column("a window's column is shorter than it says"))?;
                    let validity = chunk.validity().map(|bits| bits.clone().sliced(offset, rows));
                    column.append(values, validity.as_ref())?;
                }
                Ok(())
            }
            (Self::Numbers(column), WindowColumn::Referenced(counts)) => {
                column.append_counts(counts, offset..offset + rows)
            }
            (Self::Other(writer), WindowColumn::Other(array)) => {
                let part = array.slice(offset, rows);
                compute_leaves(field, &part)?.iter().try_for_each(|leaf| writer.write(leaf))
            }
            _ => Err(broken_column("a window has other columns than the one before")),
        }
    }

    fn close(self, scratch: &mut Option<Scratch>) -> Result<EncodedChunk, ParquetError> {
        Ok(match self {
            Self::Numbers(column) => {
                let scratch = match scratch {
                    Some(scratch) => scratch,
                    None => scratch.insert(encode::scratch()?),
                };
                let (bytes, close, form) = column.close(scratch)?;
                EncodedChunk::Numbers(bytes, Box::new(close), form)
            }
            Self::Other(writer) => EncodedChunk::Other(Box::new(writer.close()?)),
        })
    }
}

/// Makes writers of the columns of `schema` that are no numbers: of a file of their own, for it makes all of a
/// file's, and a thousand that are not used are slower than the columns.
fn factory(schema: &Schema, properties: WriterPropertiesPtr) -> Result<ArrowRowGroupWriterFactory> {
    let others = schema.fields().iter().filter(|field| field.data_type() != &DataType::Float64);
    let others = Arc::new(Schema::new(others.cloned().collect::<Vec<_>>()));
    let types = ArrowSchemaConverter::new().convert(&others).map_err(write_failed)?;
    let file = SerializedFileWriter::new(std::io::sink(), types.root_schema_ptr(), properties).map_err(write_failed)?;
    Ok(ArrowRowGroupWriterFactory::new(&file, others))
}

fn properties() -> Result<WriterPropertiesPtr> {
    let level = ZstdLevel::try_new(ZSTD_LEVEL).map_err(write_failed)?;
    let timestamp = ColumnPath::new(vec![TIMESTAMP.to_owned()]);
    let builder = WriterProperties::builder()
        .set_compression(Compression::ZSTD(level))
        .set_statistics_enabled(EnabledStatistics::Page)
        .set_data_page_row_count_limit(PAGE_ROWS)
        .set_column_dictionary_enabled(timestamp.clone(), false)
        .set_column_encoding(timestamp, Encoding::DELTA_BINARY_PACKED)
        .set_max_row_group_row_count(Some(ROW_GROUP_ROWS))
        .set_sorting_columns(Some(vec![SortingColumn { column_idx: 0, descending: false, nulls_first: false }]))
        .set_created_by(concat!("hvac-analytics ", env!("CARGO_PKG_VERSION")).to_owned());
    Ok(Arc::new(builder.build()))
}

fn times(series: &Series) -> Result<ArrayRef> {
    if !matches!(series.dtype(), FrameType::Datetime(FrameUnit::Milliseconds, _)) || series.null_count() > 0 {
        return Err(FrameError::defect("the timestamp of a window must be Datetime in ms without nulls"));
    }
    let times = series.datetime().doing("reading a column of a window")?.physical();
    let values = times.downcast_iter().flat_map(|chunk| chunk.values().as_slice()).copied();
    Ok(Arc::new(TimestampMillisecondArray::from_iter_values(values).with_timezone("UTC")))
}

fn broken() -> FrameError {
    FrameError::defect("a Parquet file cannot be continued after a failed write")
}
