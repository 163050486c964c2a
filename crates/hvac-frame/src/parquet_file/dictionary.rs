//! The distinct values of a column of a row group, in ascending order, and its cells as indices into them.

use parquet::errors::Result;

use super::error::broken;
use crate::reference::ReferencedColumn;

/// Distinct values of a row group, above which they are no dictionary.
const MAX_DISTINCT: usize = 16 * 1024;

/// Offsets that are looked at together.
const STRETCH: usize = 32;
/// Offsets that there can be.
const OFFSETS: usize = 1 << 16;

/// An entry for each offset that there can be: looked up without asking whether it is there.
pub(super) struct Ranks {
    /// 1 where there is a cell of that offset.
    seen: [u8; OFFSETS],
    /// Its index in the dictionary, where there is one.
    ranks: [u16; OFFSETS],
}

impl Default for Ranks {
    fn default() -> Self {
        Self { seen: [0; OFFSETS], ranks: [0; OFFSETS] }
    }
}

/// The distinct values in ascending order, and the offsets changed to indices; none, and the offsets as they were, when
/// there are too many. `ranks` lends its memory.
///
/// # Errors
/// When an offset is above the largest there should be.
pub(super) fn ranked(counts: &mut ReferencedColumn, Ranks { seen, ranks }: &mut Ranks) -> Result<Option<Vec<f64>>> {
    let above = || broken("an offset is above its column's largest");
    // They are values all.
    if counts.offsets.iter().fold(false, |any, offset| any | (*offset > counts.most)) {
        return Err(above());
    }
    let seen = seen.get_mut(..=usize::from(counts.most)).ok_or_else(above)?;
    seen.fill(0);
    for offset in &counts.offsets {
        if let Some(seen) = seen.get_mut(usize::from(*offset)) {
            *seen = 1;
        }
    }
    let (mut sorted, mut next) = (Vec::new(), 0);
    // Most of many offsets are not there: they are passed over many at a time.
    for (seen, begin) in seen.chunks(STRETCH).zip((0..).step_by(STRETCH)) {
        if seen.iter().fold(0, |any, seen| any | seen) == 0 {
            continue;
        }
        for (_, offset) in seen.iter().zip(begin..).filter(|(seen, _)| **seen != 0) {
            if let Some(rank) = ranks.get_mut(usize::from(offset)) {
                *rank = next;
            }
            next += 1;
            sorted.push(counts.value(offset));
        }
        if sorted.len() > MAX_DISTINCT {
            return Ok(None);
        }
    }
    for offset in &mut counts.offsets {
        *offset = *ranks.get(usize::from(*offset)).ok_or_else(above)?;
    }
    Ok(Some(sorted))
}

/// Distinct values in order of appearance, found by their bits.
pub(super) struct Dictionary {
    pub values: Vec<f64>,
    /// Open addressing: a value's bits and its index, or [`FREE`]. A power of two, at most half full.
    slots: Vec<(u64, u16)>,
}

const FREE: u16 = u16::MAX;

impl Dictionary {
    pub(super) fn new() -> Self {
        Self { values: Vec::new(), slots: vec![(0, FREE); 256] }
    }

    /// None when it is full.
    #[inline]
    pub(super) fn index(&mut self, value: f64) -> Option<u16> {
        let (bits, mask) = (value.to_bits(), self.slots.len() - 1);
        let mut at = place(bits) & mask;
        loop {
            let (known, index) = *self.slots.get(at)?;
            if index == FREE {
                return self.add(value, at);
            }
            if known == bits {
                return Some(index);
            }
            at = (at + 1) & mask;
        }
    }

    #[cold]
    fn add(&mut self, value: f64, at: usize) -> Option<u16> {
        if self.values.len() == MAX_DISTINCT {
            return None;
        }
        let index = u16::try_from(self.values.len()).ok()?;
        *self.slots.get_mut(at)? = (value.to_bits(), index);
        self.values.push(value);
        if self.values.len() * 2 > self.slots.len() {
            self.grow();
        }
        Some(index)
    }

    fn grow(&mut self) {
        let mask = self.slots.len() * 4 - 1;
        let mut slots = vec![(0, FREE); mask + 1];
        for (value, index) in self.values.iter().zip(0..) {
            let mut at = place(value.to_bits()) & mask;
            while slots.get(at).is_some_and(|(_, index)| *index != FREE) {
                at = (at + 1) & mask;
            }
            if let Some(slot) = slots.get_mut(at) {
                *slot = (value.to_bits(), index);
            }
        }
        self.slots = slots;
    }

    /// The values in ascending order; `indices` are changed to it.
    ///
    /// # Errors
    /// When an index is behind the values.
    pub(super) fn sorted(self, indices: &mut [u16]) -> Result<Vec<f64>> {
        let mut order: Vec<(f64, u16)> = self.values.into_iter().zip(0..).collect();
        order.sort_unstable_by(|a, b| a.0.total_cmp(&b.0));
        let mut rank = vec![0_u16; order.len()];
        for ((_, old), new) in order.iter().zip(0..) {
            if let Some(rank) = rank.get_mut(usize::from(*old)) {
                *rank = new;
            }
        }
        for index in indices {
            *index = *rank.get(usize::from(*index)).ok_or_else(|| broken("an index is behind its dictionary"))?;
        }
        Ok(order.into_iter().map(|(value, _)| value).collect())
    }
}

/// The values behind indices.
///
/// # Errors
/// When an index is behind the values.
pub(super) fn looked_up(values: &[f64], indices: &[u16]) -> Result<Vec<f64>> {
    let mut cells = Vec::with_capacity(indices.len());
    cells.extend(indices.iter().filter_map(|index| values.get(usize::from(*index)).copied()));
    if cells.len() == indices.len() { Ok(cells) } else { Err(broken("an index is behind its dictionary")) }
}

/// Fibonacci hashing; the low half is folded in, for the doubles of whole numbers differ in the high half only.
#[inline]
fn place(bits: u64) -> usize {
    let hash = (bits ^ (bits >> 32)).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 40;
    usize::try_from(hash).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn an_index_or_an_offset_too_far_is_refused() {
        let values = || {
            let mut dictionary = Dictionary::new();
            assert_eq!([7.5, -1.0, 7.5].map(|value| dictionary.index(value)), [Some(0), Some(1), Some(0)]);
            dictionary
        };
        let mut indices = [0, 1, 0];
        assert_eq!(values().sorted(&mut indices).unwrap(), [-1.0, 7.5]);
        assert_eq!(indices, [1, 0, 1]);
        assert!(values().sorted(&mut [0, 2]).is_err());

        assert_eq!(looked_up(&[-1.0, 7.5], &[1, 1, 0]).unwrap(), [7.5, 7.5, -1.0]);
        assert!(looked_up(&[-1.0, 7.5], &[1, 2]).is_err());

        let counts = |most| ReferencedColumn { least: -5, scale: 10.0, most, offsets: vec![40, 5, 40] };
        let mut ranks = Box::default();
        let mut known = counts(40);
        assert_eq!(ranked(&mut known, &mut ranks).unwrap().unwrap(), [0.0, 3.5]);
        assert_eq!(known.offsets, [1, 0, 1]);
        assert!(ranked(&mut counts(39), &mut ranks).is_err());
    }
}
