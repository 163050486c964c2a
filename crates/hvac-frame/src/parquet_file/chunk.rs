//! The bytes of a column chunk: its pages, one behind the other, and what the file has to know of them.

use arrow_buffer::BooleanBuffer;
use bytes::Bytes;
use parquet::basic::{Compression, Encoding, EncodingMask, ZstdLevel};
use parquet::column::page::{CompressedPage, Page, PageWriter};
use parquet::column::writer::ColumnCloseResult;
use parquet::errors::{ParquetError, Result};
use parquet::file::metadata::{ColumnChunkMetaData, OffsetIndexBuilder};
use parquet::file::statistics::{Statistics, ValueStatistics};
use parquet::file::writer::{SerializedPageWriter, TrackedWrite};
use parquet::schema::types::ColumnDescPtr;
use zstd::bulk::Compressor;

use super::PAGE_ROWS;
use super::error::broken;

/// zstd level: 3 takes twice as long and saves nothing on indices in whole bytes.
pub(super) const LEVEL: i32 = 1;
/// Rows of a page of values: what they repeat is far apart.
pub(super) const VALUES_PAGE_ROWS: usize = 4 * PAGE_ROWS;

/// How the cells of a page are written.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum PageEncoding {
    /// Indices of one byte.
    Byte,
    /// Indices of two bytes.
    TwoBytes,
    /// Indices of so many bits.
    Bits(u8),
    /// Values one behind the other.
    Plain,
    /// The first bytes of all values, then the second ones, and so on.
    Split,
}

impl PageEncoding {
    fn encoding(self) -> Encoding {
        match self {
            Self::Byte | Self::TwoBytes | Self::Bits(_) => Encoding::RLE_DICTIONARY,
            Self::Plain => Encoding::PLAIN,
            Self::Split => Encoding::BYTE_STREAM_SPLIT,
        }
    }

    pub(super) fn is_of_values(self) -> bool {
        matches!(self, Self::Plain | Self::Split)
    }

    pub(super) fn values(self, values: &[f64], page: &mut Vec<u8>) {
        if self != Self::Split {
            return plain(values, page);
        }
        for byte in (0..u64::BITS).step_by(8) {
            page.extend(values.iter().map(|value| (value.to_bits() >> byte).to_le_bytes()[0]));
        }
    }

    /// One run of the hybrid of bit-packing and run lengths, in groups of eight.
    pub(super) fn indices(self, indices: &[u16], page: &mut Vec<u8>) {
        let width = match self {
            Self::Byte => 8,
            Self::TwoBytes => 16,
            Self::Bits(bits) => bits,
            Self::Plain | Self::Split => return,
        };
        page.push(width);
        if indices.is_empty() {
            return;
        }
        let groups = indices.len().div_ceil(8);
        varint((groups << 1) | 1, page);
        let begin = page.len();
        match self {
            Self::Byte => page.extend(indices.iter().map(|index| index.to_le_bytes()[0])),
            Self::TwoBytes => {
                page.resize(begin + 2 * indices.len(), 0);
                let cells = page.get_mut(begin..).unwrap_or_default().as_chunks_mut().0;
                cells.iter_mut().zip(indices).for_each(|(cell, index)| *cell = index.to_le_bytes());
            }
            _ => {
                let (mut word, mut bits) = (0_u64, 0);
                for index in indices {
                    word |= u64::from(*index) << bits;
                    bits += width;
                    while bits >= 8 {
                        page.push(word.to_le_bytes()[0]);
                        (word, bits) = (word >> 8, bits - 8);
                    }
                }
                page.push(word.to_le_bytes()[0]);
            }
        }
        page.resize(begin + groups * usize::from(width), 0);
    }
}

/// A row group's cells in the encoding that was chosen.
pub(super) enum ChunkCells {
    Indices(Vec<u16>, PageEncoding),
    Values(Vec<f64>, PageEncoding),
}

impl ChunkCells {
    pub(super) fn len(&self) -> usize {
        match self {
            Self::Indices(indices, _) => indices.len(),
            Self::Values(values, _) => values.len(),
        }
    }

    pub(super) fn encoding(&self) -> PageEncoding {
        match self {
            Self::Indices(_, encoding) | Self::Values(_, encoding) => *encoding,
        }
    }

    /// Smallest and largest value; none where there is no value, or one that is not a number.
    fn bounds(&self, dictionary: &[f64]) -> Option<(f64, f64)> {
        let (min, max) = match self {
            // Sorted, and of nothing but what there is; what is not a number stands at an end.
            Self::Indices(..) => (*dictionary.first()?, *dictionary.last()?),
            Self::Values(values, _) => {
                let (first, rest) = values.split_first()?;
                let nan = values.iter().any(|value| value.is_nan());
                let bounds = rest.iter().fold((*first, *first), |(min, max), v| (min.min(*v), max.max(*v)));
                if nan { (f64::NAN, f64::NAN) } else { bounds }
            }
        };
        // Zeros have signs, and the format wants the wider bound.
        let wider = |bound: f64, zero: f64| if bound == 0.0 { zero } else { bound };
        (!min.is_nan() && !max.is_nan()).then(|| (wider(min, -0.0), wider(max, 0.0)))
    }
}

/// A column chunk being written.
pub(super) struct Chunk<'c> {
    descr: ColumnDescPtr,
    compressor: &'c mut Compressor<'static>,
    sink: TrackedWrite<Vec<u8>>,
    uncompressed: usize,
    offsets: OffsetIndexBuilder,
}

impl<'c> Chunk<'c> {
    pub(super) fn new(descr: ColumnDescPtr, compressor: &'c mut Compressor<'static>) -> Self {
        Self {
            descr,
            compressor,
            sink: TrackedWrite::new(Vec::new()),
            uncompressed: 0,
            offsets: OffsetIndexBuilder::new(),
        }
    }

    pub(super) fn write(
        mut self,
        dictionary: Option<&[f64]>,
        cells: &ChunkCells,
        present: &BooleanBuffer,
    ) -> Result<(Bytes, ColumnCloseResult)> {
        let mut encodings = vec![cells.encoding().encoding(), Encoding::RLE];
        if let Some(dictionary) = dictionary {
            let mut page = Vec::with_capacity(dictionary.len() * 8);
            plain(dictionary, &mut page);
            let num_values = u32::try_from(dictionary.len()).map_err(too_large)?;
            let encoding = Encoding::PLAIN;
            self.page(&page, |buf| Page::DictionaryPage { buf, num_values, encoding, is_sorted: true })?;
            encodings.push(encoding);
        }
        let data_offset = self.sink.bytes_written();
        let (mut cell, mut page) = (0, Vec::new());
        let page_rows = if cells.encoding().is_of_values() { VALUES_PAGE_ROWS } else { PAGE_ROWS };
        for start in (0..present.len()).step_by(page_rows) {
            let rows = present.slice(start, page_rows.min(present.len() - start));
            let next = cell + rows.count_set_bits();
            page.clear();
            levels(&rows, next - cell, &mut page)?;
            let missing = || broken("a page has fewer cells than rows with a value");
            match cells {
                ChunkCells::Indices(indices, encoding) => {
                    encoding.indices(indices.get(cell..next).ok_or_else(missing)?, &mut page)
                }
                ChunkCells::Values(values, encoding) => {
                    encoding.values(values.get(cell..next).ok_or_else(missing)?, &mut page);
                }
            }
            self.data_page(&page, cells.encoding().encoding(), rows.len())?;
            self.offsets.append_row_count(signed(rows.len())?);
            cell = next;
        }
        let bounds = cells.bounds(dictionary.unwrap_or_default());
        let nulls = (present.len() - cell) as u64;
        let statistics = ValueStatistics::new(bounds.map(|b| b.0), bounds.map(|b| b.1), None, Some(nulls), false);
        self.close(&encodings, dictionary.map(|_| 0), data_offset, present.len(), Statistics::Double(statistics))
    }

    fn data_page(&mut self, page: &[u8], encoding: Encoding, rows: usize) -> Result<()> {
        let num_values = u32::try_from(rows).map_err(too_large)?;
        let (offset, size) = self.page(page, |buf| Page::DataPage {
            buf,
            num_values,
            encoding,
            def_level_encoding: Encoding::RLE,
            rep_level_encoding: Encoding::RLE,
            statistics: None,
        })?;
        self.offsets.append_offset_and_size(signed(offset)?, i32::try_from(size).map_err(too_large)?);
        Ok(())
    }

    /// Compresses and writes a page; its offset in the chunk, and its size with its header.
    fn page(&mut self, page: &[u8], make: impl FnOnce(Bytes) -> Page) -> Result<(usize, usize)> {
        let packed = Bytes::from(self.compressor.compress(page)?);
        let spec =
            SerializedPageWriter::new(&mut self.sink).write_page(CompressedPage::new(make(packed), page.len()))?;
        self.uncompressed += spec.uncompressed_size;
        Ok((usize::try_from(spec.offset).map_err(too_large)?, spec.compressed_size))
    }

    fn close(
        self,
        encodings: &[Encoding],
        dictionary_offset: Option<i64>,
        data_offset: usize,
        rows: usize,
        statistics: Statistics,
    ) -> Result<(Bytes, ColumnCloseResult)> {
        let bytes = Bytes::from(self.sink.into_inner()?);
        let metadata = ColumnChunkMetaData::builder(self.descr)
            .set_compression(Compression::ZSTD(ZstdLevel::try_new(LEVEL)?))
            .set_encodings_mask(EncodingMask::new_from_encodings(encodings.iter()))
            .set_total_compressed_size(signed(bytes.len())?)
            .set_total_uncompressed_size(signed(self.uncompressed)?)
            .set_num_values(signed(rows)?)
            .set_data_page_offset(signed(data_offset)?)
            .set_dictionary_page_offset(dictionary_offset)
            .set_statistics(statistics)
            .build()?;
        let close = ColumnCloseResult {
            bytes_written: bytes.len() as u64,
            rows_written: rows as u64,
            metadata,
            bloom_filter: None,
            column_index: None,
            offset_index: Some(self.offsets.build()),
        };
        Ok((bytes, close))
    }
}

pub(super) fn plain(values: &[f64], page: &mut Vec<u8>) {
    let begin = page.len();
    page.resize(begin + 8 * values.len(), 0);
    let cells = page.get_mut(begin..).unwrap_or_default().as_chunks_mut().0;
    cells.iter_mut().zip(values).for_each(|(cell, value)| *cell = value.to_le_bytes());
}

fn varint(mut value: usize, page: &mut Vec<u8>) {
    while value >= 0x80 {
        page.push(value.to_le_bytes()[0] | 0x80);
        value >>= 7;
    }
    page.push(value.to_le_bytes()[0]);
}

/// The definition levels of a page: a length, then one run.
fn levels(rows: &BooleanBuffer, values: usize, page: &mut Vec<u8>) -> Result<()> {
    let mut run = Vec::new();
    if values == rows.len() || values == 0 {
        varint(rows.len() << 1, &mut run);
        run.push(u8::from(values > 0));
    } else {
        let bits = rows.sliced();
        let groups = rows.len().div_ceil(8);
        varint((groups << 1) | 1, &mut run);
        run.extend(bits.as_slice().iter().take(groups));
    }
    page.extend(u32::try_from(run.len()).map_err(too_large)?.to_le_bytes());
    page.extend(run);
    Ok(())
}

fn signed(size: usize) -> Result<i64> {
    i64::try_from(size).map_err(too_large)
}

pub(super) fn too_large(error: std::num::TryFromIntError) -> ParquetError {
    ParquetError::External(Box::new(error))
}
