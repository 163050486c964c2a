//! The pages of a column of numbers → where each cell stands in the dictionary of its row group.
//!
//! For whoever looks at rows: two bytes a cell instead of eight, and what is to be done with a value can be done once
//! for all cells that have it. As [`super::pages`], it gives up on whatever it does not know or does not add up.

use std::ops::Range;

use polars_arrow::bitmap::bitmask::BitMask;

use super::pages::{Chunk, PLAIN_DICTIONARY, RLE_DICTIONARY, Run, UNPACKER, levels, runs, spread};

/// The values of a row group; none when the column has no dictionary.
pub(super) fn dictionary(chunk: &Chunk<'_>) -> Option<Vec<f64>> {
    UNPACKER.with_borrow_mut(|unpacker| {
        chunk.dictionary(unpacker)?;
        (!unpacker.dictionary.is_empty()).then(|| unpacker.dictionary.clone())
    })
}

/// The places of some rows of the row group in its dictionary of `entries`; where there is no value, `entries`.
pub(super) fn places(chunk: &Chunk<'_>, wanted: Range<usize>, entries: u16) -> Option<Vec<u16>> {
    let mut places = Vec::with_capacity(wanted.len());
    UNPACKER.with_borrow_mut(|unpacker| {
        let mut of_values = Vec::new();
        chunk.pages(wanted.clone(), unpacker, |unpacker, header, rows| {
            if ![RLE_DICTIONARY, PLAIN_DICTIONARY].contains(&header.encoding) {
                return None;
            }
            let mut page = unpacker.page.as_slice();
            let mut of_rows = rows.clone();
            let mut present = BitMask::new(&[], 0, 0);
            if chunk.has_levels {
                (present, of_rows) = levels(&mut page, header, rows.clone(), &mut unpacker.present)?;
            }
            of_values.clear();
            read(page, of_rows, &mut of_values)?;
            let most = of_values.iter().fold(0, |most, place| most.max(*place));
            if most >= entries && !of_values.is_empty() {
                return None;
            }
            if of_values.len() == rows.len() {
                places.extend_from_slice(&of_values);
                return Some(());
            }
            spread(&of_values, present, entries, &mut places)
        })?;
        (places.len() == wanted.len()).then_some(places)
    })
}

/// Appends the places `wanted` of a page.
fn read(page: &[u8], wanted: Range<usize>, to: &mut Vec<u16>) -> Option<()> {
    if wanted.is_empty() {
        return Some(());
    }
    let (width, encoded) = page.split_first()?;
    let width = usize::from(*width);
    let (mut start, end) = (0, to.len() + wanted.len());
    runs(encoded, width, wanted.end, |run, items| {
        let from = wanted.start.saturating_sub(start).min(items);
        start += items;
        match run {
            Run::Same(place) => to.resize(to.len() + items - from, u16::try_from(place).ok()?),
            Run::Packed(packed) if width == 8 => {
                to.extend(packed.get(from..items)?.iter().map(|byte| u16::from(*byte)))
            }
            Run::Packed(packed) if width < 16 => {
                let before = to.len();
                unpack(packed.get(from / 8 * width..)?, width, items - from / 8 * 8, to);
                to.drain(before..before + from % 8);
            }
            Run::Packed(packed) if width == 16 => {
                to.extend(packed.as_chunks().0.get(from..items)?.iter().map(|bytes| u16::from_le_bytes(*bytes)));
            }
            Run::Packed(_) => return None,
        }
        Some(())
    })?;
    (to.len() == end).then_some(())
}

/// Appends items of less than 16 bits, eight and eight: each four of them lie within a word.
fn unpack(packed: &[u8], width: usize, items: usize, to: &mut Vec<u16>) {
    let end = to.len() + items;
    let word = |at: usize| {
        let rest = packed.get(at..).unwrap_or_default();
        u64::from_le_bytes(rest.first_chunk().copied().unwrap_or_else(|| {
            let mut word = [0; 8];
            word.iter_mut().zip(rest).for_each(|(to, from)| *to = *from);
            word
        }))
    };
    let mask = (1 << width) - 1;
    let item = |word: u64, at: usize| u16::try_from(word >> (at * width) & mask).unwrap_or_default();
    for group in (0..items.div_ceil(8)).map(|group| group * width) {
        let (first, second) = (word(group), word(group + width / 2) >> (width % 2 * 4));
        let four = |word: u64| [item(word, 0), item(word, 1), item(word, 2), item(word, 3)];
        to.extend_from_slice(&four(first));
        to.extend_from_slice(&four(second));
    }
    to.truncate(end);
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::cast_possible_truncation)]
    use proptest::prelude::*;

    use super::*;

    /// Items of `width` bits one behind the other, the least bit first: one by one, as the format has it.
    fn packed(items: &[u16], width: usize) -> Vec<u8> {
        let bits: Vec<bool> = items.iter().flat_map(|item| (0..width).map(move |bit| item >> bit & 1 == 1)).collect();
        bits.chunks(8).map(|byte| byte.iter().rev().fold(0, |value, bit| value << 1 | u8::from(*bit))).collect()
    }

    proptest! {
        #[test]
        fn items_of_any_width_are_read(
            seeds in prop::collection::vec(any::<u16>(), 1..300),
            width in 1_usize..=16,
            from in 0.0..1.0,
            to in 0.0..1.0,
        ) {
            let mut items: Vec<u16> = seeds.iter().map(|seed| seed & (u16::MAX >> (16 - width))).collect();
            let count = items.len();
            let share = |share: f64| (0..count).take_while(|item| (*item as f64) < share * count as f64).count();
            let wanted = share(f64::min(from, to))..share(f64::max(from, to));
            items.resize(count.next_multiple_of(8), 0);
            let head = u16::try_from(items.len() / 8 * 2 + 1).unwrap();
            let mut page = vec![u8::try_from(width).unwrap(), (head & 0x7f) as u8 | 0x80, (head >> 7) as u8];
            page.extend(packed(&items, width));
            let mut read_items = vec![7];
            prop_assert_eq!(read(&page, wanted.clone(), &mut read_items), Some(()));
            prop_assert_eq!(&read_items[1..], &items[wanted]);
        }

        #[test]
        fn no_page_is_too_odd(
            page in prop::collection::vec(prop_oneof![any::<u8>(), 0..20_u8], 0..120),
            from in 0_usize..200,
            count in 0_usize..200,
        ) {
            let mut places = Vec::new();
            if read(&page, from..from + count, &mut places).is_some() {
                prop_assert_eq!(places.len(), count);
            }
        }
    }
}
