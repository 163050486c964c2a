//! Reading: all of a file, some columns, some rows, a range of time, or batch by batch.
//!
//! Columns are decoded in parallel; a range of rows unpacks only the pages that hold it. Numbers are read by
//! [`decode`] as far as it goes, everything else by the `parquet` crate.

use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};

use arrow_array::cast::AsArray;
use arrow_array::types::{ArrowPrimitiveType, Float64Type, TimestampMillisecondType};
use arrow_array::{Array, RecordBatch};
use arrow_buffer::BooleanBufferBuilder;
use arrow_schema::DataType;
use bytes::Bytes;
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{
    ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder, RowSelection,
    RowSelector,
};
use parquet::file::metadata::PageIndexPolicy;
use parquet::file::statistics::Statistics;
use polars::prelude::{
    Column, DataFrame, Float64Chunked, Int64Chunked, IntoColumn, IntoSeries, NamedFrom, Series, TimeUnit as FrameUnit,
    TimeZone,
};
use polars_arrow::bitmap::Bitmap;
use rayon::prelude::*;

use super::error::{damaged, read_failed};
use super::{FORMAT_VERSION, ROW_GROUP_ROWS, decode};
use crate::error::{Doing, FrameError, Result};
use crate::names::TIMESTAMP;

/// Key-value metadata: the format, where it is a later one than the first.
const KEY_FORMAT_VERSION: &str = "hvac.format_version";
/// Rows of a batch of an export.
const BATCH_ROWS: usize = 8192;
/// Cells below which one core is done before another one is awake.
const PARALLEL_CELLS: usize = 64 * 1024;

/// A file's parsed footer. Cheap to clone, so it can be kept for a file that is read again.
#[derive(Clone, Debug)]
pub struct Footer {
    metadata: ArrowReaderMetadata,
    rows: u64,
}

impl Footer {
    /// Parses the footer, with its page index.
    ///
    /// # Errors
    /// Damaged when the bytes are no Parquet file; newer when they say that they are of a later format.
    pub fn parse(bytes: &Bytes) -> Result<Self> {
        let options = ArrowReaderOptions::new()
            .with_column_index_policy(PageIndexPolicy::Skip)
            .with_offset_index_policy(PageIndexPolicy::Optional);
        let metadata = ArrowReaderMetadata::load(bytes, options).map_err(read_failed)?;
        // What is taken as true below.
        let groups = metadata.metadata().row_groups().iter().map(|group| u64::try_from(group.num_rows()));
        let rows = groups.sum::<Result<u64, _>>().map_err(read_failed)?;
        if u64::try_from(metadata.metadata().file_metadata().num_rows()) != Ok(rows) {
            return Err(damaged("a file has other rows than its row groups"));
        }
        let footer = Self { metadata, rows };
        match footer.key_value(KEY_FORMAT_VERSION) {
            Some(format) if format.parse::<u32>().ok().is_none_or(|format| format > FORMAT_VERSION) => {
                Err(FrameError::Newer { format: format.to_owned(), known: FORMAT_VERSION })
            }
            _ => Ok(footer),
        }
    }

    /// For the library's own reader.
    pub(super) fn into_metadata(self) -> ArrowReaderMetadata {
        self.metadata
    }

    /// Rows of the file.
    #[must_use]
    pub fn row_count(&self) -> u64 {
        self.rows
    }

    /// Names of all columns, `timestamp` first.
    pub fn column_names(&self) -> impl Iterator<Item = &str> {
        self.metadata.schema().fields().iter().map(|field| field.name().as_str())
    }

    /// The value of a key (`KEY_…`), if the file has it.
    #[must_use]
    pub fn key_value(&self, key: &str) -> Option<&str> {
        self.key_values().find(|(name, _)| *name == key).map(|(_, value)| value)
    }

    /// All keys with a value.
    pub fn key_values(&self) -> impl Iterator<Item = (&str, &str)> {
        let pairs = self.metadata.metadata().file_metadata().key_value_metadata().into_iter().flatten();
        pairs.filter_map(|pair| Some((pair.key.as_str(), pair.value.as_deref()?)))
    }

    /// The rows that are unpacked together with `row`: those of a page of indices. Reading all of them costs little
    /// more than reading one. Empty for a row that is not there.
    #[must_use]
    pub fn block(&self, row: u64) -> Range<u64> {
        let Some((index, rows)) = self.group(row) else {
            let end = self.row_count();
            return end..end;
        };
        // The first column is the time, which has pages of its own; values without a dictionary have longer ones.
        let columns = self.metadata.metadata().offset_index().and_then(|groups| groups.get(index)?.get(1..));
        let pages = columns.and_then(|columns| columns.iter().max_by_key(|index| index.page_locations().len()));
        let pages = pages.map(|index| index.page_locations().as_slice()).unwrap_or_default();
        let begins = || pages.iter().map(|page| rows.start + u64::try_from(page.first_row_index).unwrap_or_default());
        let from = begins().take_while(|begin| *begin <= row).last().unwrap_or(rows.start);
        from..begins().find(|begin| *begin > row).unwrap_or(rows.end)
    }

    /// The row group of a row: which one, and its rows; none for a row that is not there.
    fn group(&self, row: u64) -> Option<(usize, Range<u64>)> {
        let mut start = 0;
        self.metadata.metadata().row_groups().iter().enumerate().find_map(|(index, group)| {
            let rows = start..start + u64::try_from(group.num_rows()).unwrap_or_default();
            start = rows.end;
            rows.contains(&row).then_some((index, rows))
        })
    }

    /// Bytes it takes in memory, for a cache's bound.
    #[must_use]
    pub fn memory_bytes(&self) -> usize {
        self.metadata.metadata().memory_size()
    }

    /// Positions in the file of the columns named, in the order named; all of them when none are.
    fn positions(&self, columns: Option<&[String]>) -> Result<Vec<usize>> {
        let fields = self.metadata.schema().fields();
        let Some(columns) = columns else { return Ok((0..fields.len()).collect()) };
        let position = |name: &String| {
            fields
                .iter()
                .position(|field| field.name() == name)
                .ok_or_else(|| FrameError::defect(format!("the file has no column {name:?}")))
        };
        columns.iter().map(position).collect()
    }
}

/// Reads one file. Everything here blocks and uses all cores: call it in `spawn_blocking`.
///
/// `columns` names the columns wanted, in the order wanted (`timestamp` only when it is named); none means all.
#[derive(Clone, Debug)]
pub struct ParquetReader {
    bytes: Bytes,
    footer: Footer,
}

impl ParquetReader {
    /// Opens a file from its bytes.
    ///
    /// # Errors
    /// Damaged when the bytes are no Parquet file.
    pub fn open(bytes: Bytes) -> Result<Self> {
        let footer = Footer::parse(&bytes)?;
        Ok(Self { bytes, footer })
    }

    /// Opens a file whose footer is known.
    #[must_use]
    pub fn with_footer(bytes: Bytes, footer: Footer) -> Self {
        Self { bytes, footer }
    }

    /// The footer.
    #[must_use]
    pub fn footer(&self) -> &Footer {
        &self.footer
    }

    /// All rows.
    ///
    /// # Errors
    /// Damaged bytes; a defect for a column that is not there.
    pub fn read(&self, columns: Option<&[String]>) -> Result<DataFrame> {
        self.read_rows(columns, 0, self.footer.row_count())
    }

    /// Up to `rows` rows from `offset` on; only their pages are read.
    ///
    /// # Errors
    /// As [`Self::read`].
    pub fn read_rows(&self, columns: Option<&[String]>, offset: u64, rows: u64) -> Result<DataFrame> {
        let total = self.footer.row_count();
        let start = offset.min(total);
        let range = to_usize(start)?..to_usize(start.saturating_add(rows).min(total))?;
        let positions = self.footer.positions(columns)?;
        let numbers = |position: &usize| self.numbers(*position, &range);
        let mut columns: Vec<Option<Column>> = if positions.len() * range.len() < PARALLEL_CELLS {
            positions.iter().map(numbers).collect()
        } else {
            positions.par_iter().map(numbers).collect()
        };
        let missing =
            || positions.iter().zip(&columns).filter_map(|(position, column)| column.is_none().then_some(*position));
        let others = self.others(&missing().collect::<Vec<_>>(), &range)?;
        for (column, other) in columns.iter_mut().filter(|column| column.is_none()).zip(others) {
            *column = Some(other);
        }
        DataFrame::new(range.len(), columns.into_iter().flatten().collect()).doing("assembling a frame")
    }

    /// Some rows of a column of numbers in the forms that this program writes.
    pub(super) fn numbers(&self, position: usize, rows: &Range<usize>) -> Option<Column> {
        let name = self.footer.metadata.schema().fields().get(position)?.name();
        let numbers = decode::read(&self.bytes, self.footer.metadata.metadata(), position, rows)?;
        let numbers = Float64Chunked::from_vec_validity(name.into(), numbers.values, numbers.validity);
        Some(numbers.into_series().into_column())
    }

    /// Some rows of columns of any kind and form, by way of the `parquet` crate.
    pub(super) fn others(&self, positions: &[usize], rows: &Range<usize>) -> Result<Vec<Column>> {
        // Groups big enough that setting up a reader does not matter, small enough to keep all cores busy.
        let group = positions.len().div_ceil(rayon::current_num_threads() * 4).max(1);
        let columns: Vec<Vec<Column>> =
            positions.par_chunks(group).map(|columns| self.decode(columns, rows)).collect::<Result<_>>()?;
        Ok(columns.into_iter().flatten().collect())
    }

    /// Which rows have a time in `from_ms..to_ms` (UTC, ms since 1970). Reads the times of the row groups in which the
    /// ends lie, and those of groups that do not tell their bounds.
    ///
    /// # Errors
    /// As [`Self::read`].
    pub fn rows_between(&self, from_ms: i64, to_ms: i64) -> Result<Range<u64>> {
        let start = self.first_row_from(from_ms)?;
        Ok(start..self.first_row_from(to_ms)?.max(start))
    }

    /// The first row at or after a time; the number of rows when there is none.
    fn first_row_from(&self, at_ms: i64) -> Result<u64> {
        let time = [TIMESTAMP.to_owned()];
        let position = self.footer.positions(Some(&time))?.first().copied().unwrap_or_default();
        let mut start = 0;
        for group in self.footer.metadata.metadata().row_groups() {
            let rows = u64::try_from(group.num_rows()).map_err(read_failed)?;
            let bounds = group.columns().get(position).and_then(|column| match column.statistics()? {
                Statistics::Int64(bounds) => Some((*bounds.min_opt()?, *bounds.max_opt()?)),
                _ => None,
            });
            match bounds {
                Some((first, _)) if first >= at_ms => return Ok(start),
                Some((_, last)) if last < at_ms => {}
                _ => {
                    let frame = self.read_rows(Some(&time), start, rows)?;
                    let column = frame.column(TIMESTAMP).doing("looking for the timestamp")?;
                    let times = column.datetime().doing("reading the timestamp")?.physical();
                    let times = times.cont_slice().doing("reading the timestamp")?;
                    let before = times.partition_point(|time| *time < at_ms) as u64;
                    if before < rows {
                        return Ok(start + before);
                    }
                }
            }
            start += rows;
        }
        Ok(start)
    }

    /// All rows in batches of at most 8 192, for exports in bounded memory.
    ///
    /// # Errors
    /// As [`Self::read`]; each batch may fail by itself.
    pub fn batches(
        &self,
        columns: Option<&[String]>,
    ) -> Result<impl Iterator<Item = Result<RecordBatch>> + Send + 'static> {
        let positions = self.footer.positions(columns)?;
        let (reader, order) = self.reader(&positions, &(0..to_usize(self.footer.row_count())?), BATCH_ROWS)?;
        Ok(guarded(reader).map(move |batch| batch?.project(&order).doing("ordering the columns of a batch")))
    }

    /// Some rows of some columns, in the order given.
    fn decode(&self, positions: &[usize], rows: &Range<usize>) -> Result<Vec<Column>> {
        let (reader, order) = self.reader(positions, rows, rows.len().clamp(1, ROW_GROUP_ROWS))?;
        let batches = guarded(reader).collect::<Result<Vec<_>>>()?;
        let fields = self.footer.metadata.schema().fields();
        let columns = positions.iter().zip(order).map(|(position, index)| {
            let field =
                fields.get(*position).ok_or_else(|| FrameError::defect("a column was asked for that there is not"))?;
            let chunks: Vec<&dyn Array> =
                batches.iter().filter_map(|batch| batch.columns().get(index)).map(AsRef::as_ref).collect();
            to_polars(field.name(), field.data_type(), &chunks, rows.len())
        });
        columns.collect()
    }

    /// A reader of some rows of some columns, and where each of `positions` stands in its batches.
    fn reader(
        &self,
        positions: &[usize],
        rows: &Range<usize>,
        batch_rows: usize,
    ) -> Result<(ParquetRecordBatchReader, Vec<usize>)> {
        let metadata = self.footer.metadata.metadata();
        let mut groups = Vec::new();
        let mut selected: Vec<RowSelector> = Vec::new();
        let mut group_start = 0;
        for (index, group) in metadata.row_groups().iter().enumerate() {
            let group_rows = usize::try_from(group.num_rows()).map_err(read_failed)?;
            let group_end = group_start + group_rows;
            let (from, to) = (rows.start.max(group_start), rows.end.min(group_end));
            if from < to {
                groups.push(index);
                selected.push(RowSelector::skip(from - group_start));
                selected.push(RowSelector::select(to - from));
                selected.push(RowSelector::skip(group_end - to));
            }
            group_start = group_end;
        }
        let mut sorted = positions.to_vec();
        sorted.sort_unstable();
        sorted.dedup();
        let order = positions.iter().map(|position| sorted.binary_search(position).ok()).collect::<Option<_>>();
        let order = order.ok_or_else(|| FrameError::defect("a column that is read is none of those asked for"))?;
        let mask = ProjectionMask::leaves(metadata.file_metadata().schema_descr(), sorted);
        let mut reader =
            ParquetRecordBatchReaderBuilder::new_with_metadata(self.bytes.clone(), self.footer.metadata.clone())
                .with_projection(mask)
                .with_row_groups(groups)
                .with_batch_size(batch_rows);
        if selected.iter().any(|part| part.skip && part.row_count > 0) {
            reader = reader.with_row_selection(RowSelection::from(selected));
        }
        Ok((reader.build().map_err(read_failed)?, order))
    }
}

/// The batches of the library's reader, which panics at some damaged pages instead of saying so.
fn guarded(mut reader: ParquetRecordBatchReader) -> impl Iterator<Item = Result<RecordBatch>> + Send + 'static {
    let mut ended = false;
    std::iter::from_fn(move || {
        if ended {
            return None;
        }
        let next = catch_unwind(AssertUnwindSafe(|| reader.next()));
        ended = next.is_err();
        match next {
            Ok(batch) => batch.map(|batch| batch.map_err(read_failed)),
            Err(_) => Some(Err(damaged("the pages of a column do not fit together"))),
        }
    })
}

/// One column of a frame, in one piece.
fn to_polars(name: &str, data_type: &DataType, chunks: &[&dyn Array], rows: usize) -> Result<Column> {
    let series = match data_type {
        DataType::Float64 => {
            let (values, validity) = concatenate::<Float64Type>(chunks, rows)?;
            Float64Chunked::from_vec_validity(name.into(), values, validity).into_series()
        }
        DataType::Timestamp(arrow_schema::TimeUnit::Millisecond, _) => {
            let (values, validity) = concatenate::<TimestampMillisecondType>(chunks, rows)?;
            Int64Chunked::from_vec_validity(name.into(), values, validity)
                .into_datetime(FrameUnit::Milliseconds, Some(TimeZone::UTC))
                .into_series()
        }
        DataType::Utf8 => {
            let mut texts: Vec<Option<&str>> = Vec::with_capacity(rows);
            for chunk in chunks {
                texts.extend(
                    chunk.as_string_opt::<i32>().ok_or_else(|| damaged("a column of texts holds others"))?.iter(),
                );
            }
            if texts.len() != rows {
                return Err(damaged("a column has fewer rows than its file"));
            }
            Series::new(name.into(), texts)
        }
        other => {
            return Err(damaged(&format!("column {name:?} is of type {other}")));
        }
    };
    Ok(series.into_column())
}

/// Values and validity of a column's chunks; no validity when nothing is null.
fn concatenate<T: ArrowPrimitiveType>(chunks: &[&dyn Array], rows: usize) -> Result<(Vec<T::Native>, Option<Bitmap>)> {
    let mut values = Vec::with_capacity(rows);
    let has_nulls = chunks.iter().any(|chunk| chunk.null_count() > 0);
    let mut validity = has_nulls.then(|| BooleanBufferBuilder::new(rows));
    for chunk in chunks {
        let chunk = chunk.as_primitive_opt::<T>().ok_or_else(|| damaged("a column of numbers holds others"))?;
        values.extend_from_slice(chunk.values());
        if let Some(validity) = validity.as_mut() {
            match chunk.nulls() {
                Some(nulls) => validity.append_buffer(nulls.inner()),
                None => validity.append_n(chunk.len(), true),
            }
        }
    }
    if values.len() != rows {
        return Err(damaged("a column has fewer rows than its file"));
    }
    let validity = validity.map(|mut bits| Bitmap::from_u8_vec(bits.finish().values().to_vec(), rows));
    Ok((values, validity))
}

fn to_usize(rows: u64) -> Result<usize> {
    usize::try_from(rows).doing("counting rows")
}
