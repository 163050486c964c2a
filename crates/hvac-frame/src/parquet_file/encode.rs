//! The numbers of one column and one row group → the pages of a Parquet column chunk.
//!
//! Readings are rounded by the systems that take them, so a row group of a column holds few distinct values:
//! cells become indices into a sorted dictionary as they arrive, two bytes each. Indices are written in whole
//! bytes, not in as few bits as would do: what zstd makes of whole bytes is smaller (8.8 against 9.9 MB for the
//! reference job) and they are only copied. What has too many values for one byte goes in the encoding that is the
//! smallest on a sample: RLE_DICTIONARY, PLAIN, or, where it is at least 5 % smaller and may be used
//! ([`Encodings`]), BYTE_STREAM_SPLIT, which halves columns of many decimals.
//!
//! The file tells where each page is, which rows it holds, and the bounds of each row group: what one looks for by
//! time. Bounds of pages, counts of encodings and the bounds of before 2017 cost a small file a twentieth
//! and serve nobody.

use std::ops::Range;

use arrow_buffer::{BooleanBuffer, BooleanBufferBuilder};
use bytes::Bytes;
use parquet::basic::{Compression, Encoding, EncodingMask, ZstdLevel};
use parquet::column::page::{CompressedPage, Page, PageWriter};
use parquet::column::writer::ColumnCloseResult;
use parquet::errors::{ParquetError, Result};
use parquet::file::metadata::{ColumnChunkMetaData, OffsetIndexBuilder};
use parquet::file::statistics::{Statistics, ValueStatistics};
use parquet::file::writer::{SerializedPageWriter, TrackedWrite};
use parquet::schema::types::ColumnDescPtr;
use polars_arrow::bitmap::Bitmap;
use polars_arrow::bitmap::bitmask::BitMask;
use zstd::bulk::Compressor;
use zstd::zstd_safe::CParameter;

use super::dictionary::{Dictionary, Ranks, looked_up, ranked};
use super::error::broken;
use super::{Encodings, PAGE_ROWS};
use crate::reference::{ReferencedColumn, values_of};

/// Reused from column to column: making one costs as much as packing a short page.
pub(super) struct Scratch {
    /// Of pages of indices, and of dictionaries.
    indices: Compressor<'static>,
    /// Of pages of values.
    values: Compressor<'static>,
    ranks: Box<Ranks>,
}

/// A [`Scratch`].
pub(super) fn scratch() -> Result<Scratch> {
    let mut indices = Compressor::new(LEVEL)?;
    indices.set_parameter(CParameter::MinMatch(MIN_MATCH))?;
    Ok(Scratch { indices, values: Compressor::new(VALUES_LEVEL)?, ranks: Box::default() })
}

/// zstd level: 3 takes twice as long and saves nothing on indices in whole bytes.
const LEVEL: i32 = 1;
/// Bytes that zstd looks for again at least; of its own accord it takes 5. With fewer and longer matches writing takes
/// 8 %, loading 6 % and a preview 14 % less, and files differ by less than 0.3 %.
const MIN_MATCH: u32 = 6;
/// zstd level of values, and rows of a page of them: doubles of a few decimals repeat the three bytes of their upper half
/// over long distances. Half a year of noise and random walks of 3 to 6 decimals takes 3.8 MB at level 1 in pages as short
/// as those of indices.
const VALUES_LEVEL: i32 = 4;
const VALUES_PAGE_ROWS: usize = 4 * PAGE_ROWS;
/// Cells looked at to choose between indices and values.
const SAMPLE: usize = 2048;

/// The cells of one column of a row group, as they arrive.
pub(super) struct ChunkEncoder {
    descr: ColumnDescPtr,
    /// The encoding of the row group before: a column keeps its character.
    before: Option<PageEncoding>,
    /// One bit a row: it has a value.
    present: BooleanBufferBuilder,
    values: Values,
    /// Of a full row group.
    rows: usize,
    encodings: Encodings,
}

/// The cells that have a value.
enum Values {
    None,
    /// Offsets of values only, from a frame of reference that all of them fit into.
    Counted(ReferencedColumn),
    Few(Dictionary, Vec<u16>),
    Many(Vec<f64>),
}

impl ChunkEncoder {
    /// `before` is what [`Self::close`] answered for the column's row group before; `rows` it will have at most.
    pub fn new(descr: ColumnDescPtr, before: Option<PageEncoding>, rows: usize, encodings: Encodings) -> Self {
        Self { descr, before, present: BooleanBufferBuilder::new(0), values: Values::None, rows, encodings }
    }

    /// Appends rows; those that `validity` lacks have no value.
    ///
    /// # Errors
    /// When an invariant is broken.
    pub fn append(&mut self, values: &[f64], validity: Option<&Bitmap>) -> Result<()> {
        match validity.filter(|bits| bits.unset_bits() > 0) {
            None => {
                self.present.append_n(values.len(), true);
                self.values.extend(values)
            }
            Some(bits) => {
                let (bytes, offset, length) = bits.as_slice();
                self.present.append_packed_range(offset..offset + length, bytes);
                self.values.extend(&valid(values, BitMask::from_bitmap(bits)))
            }
        }
    }

    /// Appends rows from a frame of reference.
    ///
    /// # Errors
    /// When an invariant is broken.
    pub fn append_counts(&mut self, counts: &ReferencedColumn, rows: Range<usize>) -> Result<()> {
        let offsets = counts.offsets.get(rows).ok_or_else(|| broken("a window has fewer rows than it says"))?;
        if !counts.holds(offsets) {
            return Err(broken("an offset is above its column's largest"));
        }
        if offsets.iter().fold(true, |all, offset| all & (*offset < ReferencedColumn::ABSENT)) {
            self.present.append_n(offsets.len(), true);
            return self.values.extend_counts(counts, offsets, self.rows);
        }
        for some in offsets.chunks(64) {
            let present = some.iter().map(|offset| u16::from(*offset < ReferencedColumn::ABSENT)).sum::<u16>();
            if present == 0 || usize::from(present) == some.len() {
                self.present.append_n(some.len(), present > 0);
            } else {
                let bits = some
                    .iter()
                    .rev()
                    .fold(0_u64, |bits, offset| bits << 1 | u64::from(*offset < ReferencedColumn::ABSENT));
                self.present.append_packed_range(0..some.len(), &bits.to_le_bytes());
            }
        }
        self.values.extend_counts(counts, &values_of(offsets), self.rows)
    }

    /// The chunk's bytes, what the file has to know of them, and the encoding for the next row group to keep.
    pub fn close(mut self, scratch: &mut Scratch) -> Result<(Bytes, ColumnCloseResult, Option<PageEncoding>)> {
        let present = self.present.finish();
        let before = self.before;
        let choice = (before, self.encodings);
        let (dictionary, cells) = match self.values {
            // Nothing needs no dictionary, and says nothing of what comes.
            Values::None => (None, ChunkCells::Values(Vec::new(), PageEncoding::Plain)),
            Values::Few(dictionary, mut indices) => {
                let sorted = dictionary.sorted(&mut indices)?;
                indexed(sorted, indices, choice, scratch)?
            }
            Values::Counted(mut counts) => match ranked(&mut counts, &mut scratch.ranks)? {
                Some(sorted) => indexed(sorted, counts.offsets, choice, scratch)?,
                None => {
                    let values = counts.offsets.iter().map(|offset| counts.value(*offset)).collect();
                    (None, unindexed(values, choice, scratch)?)
                }
            },
            Values::Many(values) => (None, unindexed(values, choice, scratch)?),
        };
        if cells.len() != present.count_set_bits() {
            return Err(broken("a column has other cells than rows with a value"));
        }
        let of_values = cells.encoding().is_of_values();
        let compressor = if of_values { &mut scratch.values } else { &mut scratch.indices };
        let (bytes, close) = Chunk::new(self.descr, compressor).write(dictionary.as_deref(), &cells, &present)?;
        let keep = if present.count_set_bits() == 0 { before } else { Some(cells.encoding()) };
        Ok((bytes, close, keep))
    }
}

/// Indices into a sorted dictionary in the encoding that does for them.
fn indexed(
    sorted: Vec<f64>,
    indices: Vec<u16>,
    choice: Choice,
    scratch: &mut Scratch,
) -> Result<(Option<Vec<f64>>, ChunkCells)> {
    // An index is written in as many bits as the dictionary's last one takes.
    if indices.iter().copied().max().is_some_and(|most| usize::from(most) >= sorted.len()) {
        return Err(broken("an index is behind its dictionary"));
    }
    let encoding = encoding_of(&sorted, &indices, choice, scratch)?;
    if encoding.is_of_values() {
        return Ok((None, unindexed(looked_up(&sorted, &indices)?, choice, scratch)?));
    }
    Ok((Some(sorted), ChunkCells::Indices(indices, encoding)))
}

/// Values without a dictionary in the encoding that does for them.
fn unindexed(values: Vec<f64>, (before, encodings): Choice, scratch: &mut Scratch) -> Result<ChunkCells> {
    let encoding = match before {
        _ if encodings == Encodings::Plain => PageEncoding::Plain,
        Some(before) if before.is_of_values() => before,
        _ => {
            let page = values.get(..VALUES_PAGE_ROWS).unwrap_or(&values);
            smallest(&[PageEncoding::Plain, PageEncoding::Split], page, &[], 0, scratch)?
        }
    };
    Ok(ChunkCells::Values(values, encoding))
}

/// The values whose bit is set.
fn valid(values: &[f64], bits: BitMask<'_>) -> Vec<f64> {
    let mut cells = Vec::with_capacity(values.len());
    for (values, start) in values.chunks(32).zip((0..bits.len()).step_by(32)) {
        // A bit past the end is not set.
        let mut word = bits.get_u32(start);
        if word == u32::MAX {
            cells.extend_from_slice(values);
            continue;
        }
        while word != 0 {
            cells.extend(usize::try_from(word.trailing_zeros()).ok().and_then(|row| values.get(row)));
            word &= word - 1;
        }
    }
    cells
}

impl Values {
    /// `most` cells will come.
    fn extend_counts(&mut self, counts: &ReferencedColumn, cells: &[u16], most: usize) -> Result<()> {
        if cells.is_empty() {
            return Ok(());
        }
        if let Self::None = self {
            *self = Self::Counted(ReferencedColumn { offsets: Vec::with_capacity(most), ..*counts });
        }
        if let Self::Counted(all) = self
            && all.append(counts, cells)
        {
            return Ok(());
        }
        let values: Vec<f64> = cells.iter().map(|offset| counts.value(*offset)).collect();
        self.extend(&values)
    }

    fn extend(&mut self, cells: &[f64]) -> Result<()> {
        if cells.is_empty() {
            return Ok(());
        }
        if matches!(self, Self::None | Self::Counted(_)) {
            let before = std::mem::replace(self, Self::Few(Dictionary::new(), Vec::new()));
            if let Self::Counted(counts) = before {
                let values: Vec<f64> = counts.offsets.iter().map(|offset| counts.value(*offset)).collect();
                self.extend(&values)?;
            }
        }
        let mut rest = cells;
        if let Self::Few(dictionary, indices) = self {
            let before = indices.len();
            indices.reserve(cells.len());
            indices.extend(cells.iter().map_while(|cell| dictionary.index(*cell)));
            rest = cells.get(indices.len() - before..).ok_or_else(|| broken("more indices than cells"))?;
            if !rest.is_empty() {
                *self = Self::Many(looked_up(&dictionary.values, indices)?);
            }
        }
        if let Self::Many(values) = self {
            values.extend_from_slice(rest);
        }
        Ok(())
    }
}

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

    fn is_of_values(self) -> bool {
        matches!(self, Self::Plain | Self::Split)
    }

    fn values(self, values: &[f64], page: &mut Vec<u8>) {
        if self != Self::Split {
            return plain(values, page);
        }
        for byte in (0..u64::BITS).step_by(8) {
            page.extend(values.iter().map(|value| (value.to_bits() >> byte).to_le_bytes()[0]));
        }
    }

    /// One run of the hybrid of bit-packing and run lengths, in groups of eight.
    fn indices(self, indices: &[u16], page: &mut Vec<u8>) {
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

/// The encoding of indices into `dictionary`, or of the values behind them when that is smaller.
fn encoding_of(
    dictionary: &[f64],
    indices: &[u16],
    (before, encodings): Choice,
    scratch: &mut Scratch,
) -> Result<PageEncoding> {
    let bits = u8::try_from(usize::BITS - dictionary.len().saturating_sub(1).leading_zeros()).map_err(too_large)?;
    match before {
        _ if dictionary.len() <= 256 => return Ok(PageEncoding::Byte),
        Some(PageEncoding::Bits(_)) => return Ok(PageEncoding::Bits(bits)),
        Some(PageEncoding::Split) if encodings == Encodings::Plain => {}
        Some(encoding) if encoding != PageEncoding::Byte => return Ok(encoding),
        _ => {}
    }
    let sample = indices.get(..SAMPLE).unwrap_or(indices);
    let values = looked_up(dictionary, sample)?;
    // The dictionary's share, by what becomes of its beginning.
    let (mut page, some) = (Vec::new(), dictionary.get(..SAMPLE).unwrap_or(dictionary));
    plain(some, &mut page);
    let packed = scratch.indices.compress(&page)?.len() * dictionary.len() / some.len().max(1);
    let share = packed * sample.len() / indices.len().max(1);
    let all = [PageEncoding::Bits(bits), PageEncoding::TwoBytes, PageEncoding::Plain, PageEncoding::Split];
    let usable = if encodings == Encodings::Plain { &all[..3] } else { &all };
    smallest(usable, &values, sample, share, scratch)
}

/// Which of `encodings` is the smallest for a sample of values, or of indices and their `share` of a dictionary.
fn smallest(
    encodings: &[PageEncoding],
    values: &[f64],
    indices: &[u16],
    share: usize,
    scratch: &mut Scratch,
) -> Result<PageEncoding> {
    let mut best = (usize::MAX, PageEncoding::Plain);
    for encoding in encodings {
        let mut page = Vec::new();
        let size = if encoding.is_of_values() {
            encoding.values(values, &mut page);
            scratch.values.compress(&page)?.len()
        } else {
            encoding.indices(indices, &mut page);
            scratch.indices.compress(&page)?.len() + share
        };
        // What not everybody can read has to be worth it.
        let enough = if *encoding == PageEncoding::Split { best.0 / 20 * 19 } else { best.0 };
        if size < enough {
            best = (size, *encoding);
        }
    }
    Ok(best.1)
}

fn plain(values: &[f64], page: &mut Vec<u8>) {
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

/// The encoding of the column's row group before, and those that may be used.
type Choice = (Option<PageEncoding>, Encodings);

/// A row group's cells in the encoding that was chosen.
enum ChunkCells {
    Indices(Vec<u16>, PageEncoding),
    Values(Vec<f64>, PageEncoding),
}

impl ChunkCells {
    fn len(&self) -> usize {
        match self {
            Self::Indices(indices, _) => indices.len(),
            Self::Values(values, _) => values.len(),
        }
    }

    fn encoding(&self) -> PageEncoding {
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
struct Chunk<'c> {
    descr: ColumnDescPtr,
    compressor: &'c mut Compressor<'static>,
    sink: TrackedWrite<Vec<u8>>,
    uncompressed: usize,
    offsets: OffsetIndexBuilder,
}

impl<'c> Chunk<'c> {
    fn new(descr: ColumnDescPtr, compressor: &'c mut Compressor<'static>) -> Self {
        Self {
            descr,
            compressor,
            sink: TrackedWrite::new(Vec::new()),
            uncompressed: 0,
            offsets: OffsetIndexBuilder::new(),
        }
    }

    fn write(
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

fn too_large(error: std::num::TryFromIntError) -> ParquetError {
    ParquetError::External(Box::new(error))
}
