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

use arrow_buffer::BooleanBufferBuilder;
use bytes::Bytes;
use parquet::column::writer::ColumnCloseResult;
use parquet::errors::Result;
use parquet::schema::types::ColumnDescPtr;
use polars_arrow::bitmap::Bitmap;
use polars_arrow::bitmap::bitmask::BitMask;
use zstd::bulk::Compressor;
use zstd::zstd_safe::CParameter;

use super::Encodings;
use super::chunk::{Chunk, ChunkCells, LEVEL, PageEncoding, VALUES_PAGE_ROWS, plain, too_large};
use super::dictionary::{Dictionary, Ranks, looked_up, ranked};
use super::error::broken;
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

/// Bytes that zstd looks for again at least; of its own accord it takes 5. With fewer and longer matches writing takes
/// 8 %, loading 6 % and a preview 14 % less, and files differ by less than 0.3 %.
const MIN_MATCH: u32 = 6;
/// zstd level of values, whose pages are longer too: doubles of a few decimals repeat the three bytes of their upper half
/// over long distances. Half a year of noise and random walks of 3 to 6 decimals takes 3.8 MB at level 1 in pages as short
/// as those of indices.
const VALUES_LEVEL: i32 = 4;
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
    pub(super) fn new(descr: ColumnDescPtr, before: Option<PageEncoding>, rows: usize, encodings: Encodings) -> Self {
        Self { descr, before, present: BooleanBufferBuilder::new(0), values: Values::None, rows, encodings }
    }

    /// Appends rows; those that `validity` lacks have no value.
    ///
    /// # Errors
    /// When an invariant is broken.
    pub(super) fn append(&mut self, values: &[f64], validity: Option<&Bitmap>) -> Result<()> {
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
    pub(super) fn append_counts(&mut self, counts: &ReferencedColumn, rows: Range<usize>) -> Result<()> {
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
    pub(super) fn close(mut self, scratch: &mut Scratch) -> Result<(Bytes, ColumnCloseResult, Option<PageEncoding>)> {
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
            smallest(&[PageEncoding::Plain, PageEncoding::Split], page, &[], 0, &mut scratch.values)?
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
    // As fast as may be, for every column of many values pays for it; what values really take is seen by a whole page.
    smallest(usable, &values, sample, share, &mut scratch.indices)
}

/// Which of `encodings` is the smallest for a sample of values, or of indices and their `share` of a dictionary.
fn smallest(
    encodings: &[PageEncoding],
    values: &[f64],
    indices: &[u16],
    share: usize,
    compressor: &mut Compressor<'_>,
) -> Result<PageEncoding> {
    let mut best = (usize::MAX, PageEncoding::Plain);
    for encoding in encodings {
        let mut page = Vec::new();
        let besides = if encoding.is_of_values() {
            encoding.values(values, &mut page);
            0
        } else {
            encoding.indices(indices, &mut page);
            share
        };
        let size = compressor.compress(&page)?.len() + besides;
        // What not everybody can read has to be worth it.
        let enough = if *encoding == PageEncoding::Split { best.0 / 20 * 19 } else { best.0 };
        if size < enough {
            best = (size, *encoding);
        }
    }
    Ok(best.1)
}

/// The encoding of the column's row group before, and those that may be used.
type Choice = (Option<PageEncoding>, Encodings);
