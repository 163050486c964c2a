//! The pages of a column of numbers → its cells.
//!
//! Reads what [`super::encode`] writes, and the like of others: doubles in pages of the first kind, packed by zstd,
//! as PLAIN, BYTE_STREAM_SPLIT or RLE_DICTIONARY. On everything else, and on whatever does not add up, it gives
//! up: then the `parquet` crate reads the column, or says what is wrong with it. There is no copy but the one from the
//! unpacked page to the column, only the pages asked for are unpacked, and of those only the cells asked for decoded.

use std::cell::RefCell;
use std::ops::Range;

use parquet::basic::{Compression, Type};
use parquet::file::metadata::{ColumnChunkMetaData, ParquetMetaData};
use parquet::file::page_index::offset_index::PageLocation;
use polars_arrow::bitmap::bitmask::BitMask;
use polars_arrow::bitmap::{Bitmap, BitmapBuilder, MutableBitmap};
use zstd::bulk::Decompressor;

use super::page_header::{DATA_PAGE, DICTIONARY_PAGE, Header, varint};

/// Bytes of an unpacked page at most: what claims to be more is not worth the memory before it is looked at.
const MAX_PAGE: usize = 64 << 20;

const PLAIN: i64 = 0;
const PLAIN_DICTIONARY: i64 = 2;
const RLE: i64 = 3;
const RLE_DICTIONARY: i64 = 8;
const BYTE_STREAM_SPLIT: i64 = 9;

/// Some cells of a column: a value each, which means nothing where `validity` says so.
pub(super) struct Numbers {
    pub values: Vec<f64>,
    pub validity: Option<Bitmap>,
}

/// Some rows of a column; none when it has to be read in another way. Does not block, and uses one core.
pub(super) fn read(file: &[u8], metadata: &ParquetMetaData, column: usize, rows: &Range<usize>) -> Option<Numbers> {
    let has_levels = has_levels(metadata, column)?;
    let mut cells = DecodedCells { values: Vec::with_capacity(rows.len()), present: BitmapBuilder::new() };
    if has_levels {
        cells.present.reserve(rows.len());
    }
    let mut start = 0;
    for (index, group) in metadata.row_groups().iter().enumerate() {
        let end = start + usize::try_from(group.num_rows()).ok()?;
        let wanted = rows.start.max(start)..rows.end.min(end);
        if !wanted.is_empty() {
            let chunk = Chunk::of(file, metadata, index, column)?;
            UNPACKER.with_borrow_mut(|unpacker| {
                chunk.read(wanted.start - start..wanted.end - start, unpacker, &mut cells)
            })?;
        }
        start = end;
    }
    let validity = if has_levels { cells.present.into_opt_validity() } else { None };
    (cells.values.len() == rows.len()).then_some(Numbers { values: cells.values, validity })
}

/// Whether a column can have nulls; none when it is none of those that are read here.
fn has_levels(metadata: &ParquetMetaData, column: usize) -> Option<bool> {
    let description = metadata.file_metadata().schema_descr().columns().get(column)?;
    let flat = description.physical_type() == Type::DOUBLE && description.max_rep_level() == 0;
    (flat && description.max_def_level() <= 1).then_some(description.max_def_level() == 1)
}

struct DecodedCells {
    values: Vec<f64>,
    /// One bit a cell, when the column can have nulls.
    present: BitmapBuilder,
}

thread_local! {
    /// Making one costs as much as reading some pages.
    static UNPACKER: RefCell<Unpacker> = RefCell::default();
}

/// What is used again from page to page.
#[derive(Default)]
struct Unpacker {
    zstd: Decompressor<'static>,
    page: Vec<u8>,
    dictionary: Vec<f64>,
    /// One bit a row of the page: it has a value.
    present: MutableBitmap,
    /// The indices, or the values, of a page that has nulls.
    indices: Vec<u8>,
    values: Vec<f64>,
}

/// A column of numbers of a row group, in its file.
struct Chunk<'f> {
    file: &'f [u8],
    metadata: &'f ColumnChunkMetaData,
    /// Empty when the file does not tell.
    pages: &'f [PageLocation],
    has_levels: bool,
}

impl<'f> Chunk<'f> {
    /// None when there is no such column, or none that is read here.
    fn of(file: &'f [u8], metadata: &'f ParquetMetaData, group: usize, column: usize) -> Option<Self> {
        let has_levels = has_levels(metadata, column)?;
        let pages = metadata.offset_index().and_then(|groups| groups.get(group)?.get(column));
        let pages = pages.map(|index| index.page_locations().as_slice()).unwrap_or_default();
        let metadata = metadata.row_groups().get(group)?.columns().get(column)?;
        let packed = matches!(metadata.compression(), Compression::ZSTD(_));
        packed.then_some(Self { file, metadata, pages, has_levels })
    }

    /// Appends the rows `wanted` of the chunk; only the pages that hold them are unpacked.
    fn read(&self, wanted: Range<usize>, unpacker: &mut Unpacker, cells: &mut DecodedCells) -> Option<()> {
        self.dictionary(unpacker)?;
        let first =
            self.pages.partition_point(|page| usize::try_from(page.first_row_index).is_ok_and(|r| r <= wanted.start));
        let (mut row, mut rest) = match first.checked_sub(1).and_then(|first| self.pages.get(first)) {
            Some(page) => (usize::try_from(page.first_row_index).ok()?, self.from(page.offset)?),
            None => (0, self.from(self.metadata.data_page_offset())?),
        };
        let rows = usize::try_from(self.metadata.num_values()).ok()?;
        while row < wanted.end {
            let header = Header::take(&mut rest)?;
            let packed = rest.split_off(..header.packed)?;
            let end = row + header.values;
            if header.kind != DATA_PAGE || header.values == 0 || end > rows {
                return None;
            }
            if end > wanted.start {
                let rows = wanted.start.max(row) - row..wanted.end.min(end) - row;
                unpacker.unpack(packed, &header)?;
                unpacker.data_page(&header, rows, self.has_levels, cells)?;
            }
            row = end;
        }
        Some(())
    }

    /// Unpacks the dictionary; that of a chunk without one is empty.
    fn dictionary(&self, unpacker: &mut Unpacker) -> Option<()> {
        unpacker.dictionary.clear();
        let Some(offset) = self.metadata.dictionary_page_offset() else { return Some(()) };
        let mut rest = self.from(offset)?;
        let header = Header::take(&mut rest)?;
        if header.kind != DICTIONARY_PAGE || ![PLAIN, PLAIN_DICTIONARY].contains(&header.encoding) {
            return None;
        }
        unpacker.unpack(rest.get(..header.packed)?, &header)?;
        unpacker.dictionary.extend(doubles(&unpacker.page));
        Some(())
    }

    fn from(&self, offset: i64) -> Option<&[u8]> {
        self.file.get(usize::try_from(offset).ok()?..)
    }
}

impl Unpacker {
    fn unpack(&mut self, packed: &[u8], header: &Header) -> Option<()> {
        if header.unpacked > MAX_PAGE {
            return None;
        }
        self.page.clear();
        self.page.reserve(header.unpacked);
        let size = self.zstd.decompress_to_buffer(packed, &mut self.page).ok()?;
        (size == header.unpacked).then_some(())
    }

    /// Appends `rows` of the unpacked page.
    fn data_page(
        &mut self,
        header: &Header,
        rows: Range<usize>,
        has_levels: bool,
        cells: &mut DecodedCells,
    ) -> Option<()> {
        let mut page = self.page.as_slice();
        // Of the page's values, those of the rows.
        let mut wanted = rows.clone();
        let mut present = BitMask::new(&[], 0, 0);
        if has_levels {
            (present, wanted) = levels(&mut page, header, rows.clone(), &mut self.present)?;
            cells.present.extend_from_bitmask(present);
        }
        let encoding = header.encoding;
        if wanted.len() == rows.len() {
            return values(page, encoding, wanted, &self.dictionary, &mut cells.values);
        }
        if let Some(indices) = one_run_of_bytes(page, encoding).and_then(|indices| indices.get(wanted.clone())) {
            // It is less to make room for the nulls among the indices than among the values.
            self.indices.clear();
            spread(indices, present, 0, &mut self.indices)?;
            return bytes(&self.indices, &self.dictionary, &mut cells.values);
        }
        self.values.clear();
        values(page, encoding, wanted, &self.dictionary, &mut self.values)?;
        spread(&self.values, present, 0.0, &mut cells.values)
    }
}

/// Takes the definition levels off a page: which of `rows` have a value, and which of the page's values those are.
fn levels<'p>(
    page: &mut &[u8],
    header: &Header,
    rows: Range<usize>,
    present: &'p mut MutableBitmap,
) -> Option<(BitMask<'p>, Range<usize>)> {
    if header.levels != RLE {
        return None;
    }
    let length = u32::from_le_bytes(page.split_off(..4)?.try_into().ok()?);
    bits(page.split_off(..usize::try_from(length).ok()?)?, header.values, present)?;
    let all = BitMask::new(present.as_slice(), 0, header.values);
    let before = all.sliced(0, rows.start).set_bits();
    let present = all.sliced(rows.start, rows.len());
    Some((present, before..before + present.set_bits()))
}

/// Appends the values `wanted` of a page.
fn values(page: &[u8], encoding: i64, wanted: Range<usize>, dictionary: &[f64], to: &mut Vec<f64>) -> Option<()> {
    let end = to.len() + wanted.len();
    match encoding {
        RLE_DICTIONARY | PLAIN_DICTIONARY => looked_up(page, wanted, dictionary, to)?,
        PLAIN => to.extend(doubles(page.get(wanted.start * 8..wanted.end * 8)?)),
        BYTE_STREAM_SPLIT => joined(page, wanted, to)?,
        _ => return None,
    }
    (to.len() == end).then_some(())
}

/// The indices of a page when they are whole bytes in one run, as this program writes most pages.
fn one_run_of_bytes(page: &[u8], encoding: i64) -> Option<&[u8]> {
    let (8, mut encoded) = page.split_first().map(|(width, rest)| (*width, rest))? else { return None };
    let head = varint(&mut encoded)?;
    let one = head & 1 == 1 && (head >> 1).checked_mul(8) == u64::try_from(encoded.len()).ok();
    (encoding == RLE_DICTIONARY && one).then_some(encoded)
}

fn doubles(bytes: &[u8]) -> impl Iterator<Item = f64> {
    bytes.as_chunks().0.iter().map(|bytes| f64::from_le_bytes(*bytes))
}

/// Values of which all first bytes come first, then all second bytes, and so on.
fn joined(page: &[u8], wanted: Range<usize>, to: &mut Vec<f64>) -> Option<()> {
    let mut streams = page.chunks_exact((page.len() / 8).max(1));
    let mut stream = || streams.next().unwrap_or_default().get(wanted.clone());
    let streams = [stream()?, stream()?, stream()?, stream()?, stream()?, stream()?, stream()?, stream()?];
    #[expect(clippy::indexing_slicing, reason = "all eight are as long as `wanted`")]
    let value = |at: usize| f64::from_le_bytes(streams.map(|stream| stream[at]));
    to.extend((0..wanted.len()).map(value));
    Some(())
}

/// Puts the items of a page where they stand among its nulls.
#[inline]
fn spread<T: Copy>(mut items: &[T], present: BitMask<'_>, null: T, to: &mut Vec<T>) -> Option<()> {
    to.reserve(present.len());
    for start in (0..present.len()).step_by(32) {
        let rows = (present.len() - start).min(32);
        let word = present.get_u32(start);
        let here = items.split_off(..usize::try_from(word.count_ones()).ok()?)?;
        if here.len() == rows {
            to.extend_from_slice(here);
        } else {
            let mut here = here.iter().copied();
            let mut missing = false;
            let mut next = || {
                let item = here.next();
                missing |= item.is_none();
                item.unwrap_or(null)
            };
            to.extend((0..rows).map(|row| if word >> row & 1 == 1 { next() } else { null }));
            if missing {
                return None;
            }
        }
    }
    Some(())
}

/// A run of the hybrid of bit-packing and run lengths.
enum Run<'p> {
    Same(usize),
    Packed(&'p [u8]),
}

/// Calls `each` with every run of the first `count` items, and how many of them it holds.
#[inline]
fn runs<'p>(
    mut encoded: &'p [u8],
    width: usize,
    mut count: usize,
    mut each: impl FnMut(Run<'p>, usize) -> Option<()>,
) -> Option<()> {
    while count > 0 {
        let head = usize::try_from(varint(&mut encoded)?).ok()?;
        let (run, items) = if head & 1 == 1 {
            let groups = head >> 1;
            (Run::Packed(encoded.split_off(..groups.checked_mul(width)?)?), groups.checked_mul(8)?.min(count))
        } else {
            let value = encoded.split_off(..width.div_ceil(8))?;
            let value = value.iter().rev().fold(0, |value, byte| value << 8 | usize::from(*byte));
            (Run::Same(value), (head >> 1).min(count))
        };
        if items == 0 {
            return None;
        }
        each(run, items)?;
        count -= items;
    }
    Some(())
}

/// Definition levels of nought and one.
fn bits(encoded: &[u8], rows: usize, to: &mut MutableBitmap) -> Option<()> {
    to.clear();
    runs(encoded, 1, rows, |run, rows| {
        match run {
            Run::Same(value @ 0..=1) => to.extend_constant(rows, value == 1),
            Run::Same(_) => return None,
            Run::Packed(bits) => to.extend_from_slice(bits, 0, rows),
        }
        Some(())
    })
}

/// The values behind indices into the dictionary; none when one of them is not in it.
fn looked_up(page: &[u8], wanted: Range<usize>, dictionary: &[f64], to: &mut Vec<f64>) -> Option<()> {
    if wanted.is_empty() {
        return Some(());
    }
    let (width, encoded) = page.split_first()?;
    let width = usize::from(*width);
    let mut start = 0;
    runs(encoded, width, wanted.end, |run, items| {
        let from = wanted.start.saturating_sub(start).min(items);
        start += items;
        match run {
            Run::Same(index) => to.resize(to.len() + items - from, *dictionary.get(index)?),
            Run::Packed(packed) if width == 8 => bytes(packed.get(from..items)?, dictionary, to)?,
            Run::Packed(packed) if width == 16 => {
                let indices = packed.as_chunks().0.get(from..items)?;
                each(indices.iter().map(|bytes| usize::from(u16::from_le_bytes(*bytes))), dictionary, to)?;
            }
            Run::Packed(packed) if width <= 32 => {
                each((from..items).map(|at| packed_at(packed, width, at)), dictionary, to)?
            }
            Run::Packed(_) => return None,
        }
        Some(())
    })
}

/// Indices of a byte: what most cells are, so no index is looked at twice.
fn bytes(indices: &[u8], dictionary: &[f64], to: &mut Vec<f64>) -> Option<()> {
    let most = indices.iter().copied().max().unwrap_or_default();
    if usize::from(most) >= dictionary.len() {
        return None;
    }
    let mut table = [0.0; 256];
    for (entry, value) in table.iter_mut().zip(dictionary) {
        *entry = *value;
    }
    #[expect(clippy::indexing_slicing, reason = "a byte is less than 256")]
    to.extend(indices.iter().map(|index| table[usize::from(*index)]));
    Some(())
}

fn each(indices: impl ExactSizeIterator<Item = usize>, dictionary: &[f64], to: &mut Vec<f64>) -> Option<()> {
    let mut missing = false;
    to.extend(indices.map(|index| {
        dictionary.get(index).copied().unwrap_or_else(|| {
            missing = true;
            0.0
        })
    }));
    (!missing).then_some(())
}

/// An item of up to 32 bits; nought past the end.
#[inline]
fn packed_at(packed: &[u8], width: usize, at: usize) -> usize {
    let bit = at * width;
    let rest = packed.get(bit / 8..).unwrap_or_default();
    let word = rest.first_chunk().copied().unwrap_or_else(|| {
        let mut word = [0; 8];
        for (to, from) in word.iter_mut().zip(rest) {
            *to = *from;
        }
        word
    });
    let item = u64::from_le_bytes(word) >> (bit % 8) & ((1 << width) - 1);
    usize::try_from(item).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::cast_possible_truncation)]

    use std::sync::Arc;

    use arrow_array::{ArrayRef, Float64Array, RecordBatch};
    use arrow_schema::{DataType, Field, Schema};
    use bytes::Bytes;
    use parquet::arrow::ArrowWriter;
    use parquet::basic::{Encoding, ZstdLevel};
    use parquet::file::properties::{EnabledStatistics, WriterProperties, WriterVersion};
    use polars::prelude::Column;
    use proptest::prelude::*;

    use super::super::ParquetReader;
    use super::super::tests::stored;
    use super::*;

    /// Asserts that a column is read here, and as the `parquet` crate reads it, bit by bit.
    fn same(reader: &ParquetReader, column: usize, rows: &Range<usize>) {
        let bits = |column: &Column| column.f64().unwrap().iter().map(|v| v.map(f64::to_bits)).collect::<Vec<_>>();
        let here = reader.numbers(column, rows).expect("it is read here");
        let there = reader.others(&[column], rows).unwrap();
        assert!(bits(&here) == bits(&there[0]), "column {column}, rows {rows:?}");
    }

    /// DecodedCells: few or many values, seldom or often null, in stretches or scattered.
    fn cells(rows: usize) -> impl Strategy<Value = Vec<Option<f64>>> {
        let odd = [-0.0, f64::INFINITY, f64::NAN, f64::from_bits(0xfff8_dead_beef_0001), f64::MIN_POSITIVE];
        let distinct = prop_oneof![Just(1_u32), Just(2), Just(256), Just(257), Just(5_000), Just(u32::MAX)];
        let null_run = prop_oneof![Just(0_usize), Just(1), Just(7), Just(300), Just(usize::MAX)];
        let seeds = prop::collection::vec(any::<u32>(), rows);
        (distinct, null_run, prop::bool::ANY, seeds).prop_map(move |(distinct, null_run, odds, seeds)| {
            let value = |seed: u32| {
                if odds && seed % 50 < 5 { odd[(seed % 5) as usize] } else { f64::from(seed % distinct) / 10.0 }
            };
            let null = |row: usize| match null_run {
                0 => false,
                1 => seeds[row] % 3 == 0,
                run => (row / run).is_multiple_of(2),
            };
            (0..rows).map(|row| (!null(row)).then(|| value(seeds[row]))).collect()
        })
    }

    fn columns(most: usize) -> impl Strategy<Value = Vec<Vec<Option<f64>>>> {
        (1..most).prop_flat_map(|rows| prop::collection::vec(cells(rows), 1..4))
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(48))]

        #[test]
        fn files_of_this_program_are_read_as_by_the_crate(columns in columns(12_000), from in 0.0..1.0, to in 0.0..1.0) {
            let rows = columns[0].len();
            let (_, reader) = stored(&columns, 1);
            for column in 1..=columns.len() {
                same(&reader, column, &(0..rows));
                same(&reader, column, &part(rows, from, to));
            }
        }

        #[test]
        fn files_of_others_are_read_as_by_the_crate(
            columns in columns(3_000),
            from in 0.0..1.0,
            to in 0.0..1.0,
            page in prop_oneof![Just(1_usize), Just(13), Just(1_000)],
            group in prop_oneof![Just(100_usize), Just(1_024), Just(100_000)],
            encoding in prop_oneof![Just(None), Just(Some(Encoding::PLAIN)), Just(Some(Encoding::BYTE_STREAM_SPLIT))],
            index in prop::bool::ANY,
        ) {
            let properties = WriterProperties::builder()
                .set_compression(Compression::ZSTD(ZstdLevel::default()))
                .set_data_page_row_count_limit(page)
                .set_write_batch_size(page)
                .set_max_row_group_row_count(Some(group))
                .set_dictionary_enabled(encoding.is_none())
                .set_offset_index_disabled(!index)
                .set_statistics_enabled(if index { EnabledStatistics::Page } else { EnabledStatistics::None });
            let properties = if let Some(encoding) = encoding { properties.set_encoding(encoding) } else { properties };
            let reader = ParquetReader::open(by_crate(&columns, properties.build())).unwrap();
            for column in 0..columns.len() {
                same(&reader, column, &(0..columns[0].len()));
                same(&reader, column, &part(columns[0].len(), from, to));
            }
        }
    }

    proptest! {
        #[test]
        fn no_page_is_too_odd(
            page in prop::collection::vec(prop_oneof![any::<u8>(), 0..20_u8], 0..120),
            levels in prop::option::of(0..20_u32),
            encoding in prop_oneof![Just(PLAIN), Just(RLE_DICTIONARY), Just(BYTE_STREAM_SPLIT)],
            values in 1..200_usize,
            from in 0.0..1.0,
            to in 0.0..1.0,
        ) {
            let page = levels.map(u32::to_le_bytes).into_iter().flatten().chain(page).collect();
            let mut unpacker = Unpacker { page, dictionary: vec![0.5; 30], ..Unpacker::default() };
            let mut cells = DecodedCells { values: Vec::new(), present: BitmapBuilder::new() };
            let (rows, header) = (part(values, from, to), Header { values, encoding, levels: RLE, ..Header::default() });
            // As many cells as there should be, or none of use.
            if unpacker.data_page(&header, rows.clone(), levels.is_some(), &mut cells).is_some() {
                prop_assert_eq!(cells.values.len(), rows.len());
            }
        }
    }

    fn part(rows: usize, from: f64, to: f64) -> Range<usize> {
        let at = |share: f64| (0..rows).position(|row| row as f64 >= share * rows as f64).unwrap_or(rows);
        at(from.min(to))..at(from.max(to))
    }

    /// A file by the crate's own writer; columns without a null are required ones.
    fn by_crate(columns: &[Vec<Option<f64>>], properties: WriterProperties) -> Bytes {
        let field = |(i, cells): (usize, &Vec<Option<f64>>)| {
            Field::new(format!("c{i}"), DataType::Float64, cells.iter().any(Option::is_none))
        };
        let schema = Arc::new(Schema::new(columns.iter().enumerate().map(field).collect::<Vec<_>>()));
        let arrays = columns.iter().map(|cells| Arc::new(Float64Array::from(cells.clone())) as ArrayRef).collect();
        let mut writer = ArrowWriter::try_new(Vec::new(), schema.clone(), Some(properties)).unwrap();
        writer.write(&RecordBatch::try_new(schema, arrays).unwrap()).unwrap();
        writer.into_inner().unwrap().into()
    }

    #[test]
    fn what_it_does_not_know_is_left_to_the_crate() {
        let cells: Vec<Option<f64>> = (0..500).map(|i| (i % 3 > 0).then_some(f64::from(i))).collect();
        let read = |properties: WriterProperties| {
            let reader = ParquetReader::open(by_crate(std::slice::from_ref(&cells), properties)).unwrap();
            let whole: Vec<Option<f64>> = reader.read(None).unwrap().columns()[0].f64().unwrap().iter().collect();
            assert_eq!(whole, cells);
            reader.numbers(0, &(0..500)).is_some()
        };
        let packed = || WriterProperties::builder().set_compression(Compression::ZSTD(ZstdLevel::default()));
        assert!(read(packed().build()));
        assert!(!read(packed().set_writer_version(WriterVersion::PARQUET_2_0).build()));
        assert!(!read(WriterProperties::builder().set_compression(Compression::UNCOMPRESSED).build()));
    }

    #[test]
    fn an_index_that_the_dictionary_lacks_is_no_value() {
        let (dictionary, mut to) = ([0.5, 1.5, 2.5], Vec::new());
        // Width 8: one group of eight; width 16 and 2: the same; then a run of four of index 3.
        for page in [
            &[8, 3, 0, 1, 2, 3, 0, 0, 0, 0][..],
            &[16, 3, 0, 0, 1, 0, 2, 0, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0],
            &[2, 3, 0b1110_0100, 0],
            &[2, 6, 2, 8, 3],
        ] {
            to.clear();
            assert_eq!(looked_up(page, 1..3, &dictionary, &mut to), Some(()), "{page:?}");
            assert_eq!(looked_up(page, 1..4, &dictionary, &mut to), None, "{page:?}");
        }
    }
}
