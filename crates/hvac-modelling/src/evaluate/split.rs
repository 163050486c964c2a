//! Which rows a model learns from and which it is judged by: in order of time, in blocks, at random. Row numbers
//! only, ascending; the same input gives the same split.

use chrono::Datelike;
use chrono_tz::Tz;

use super::metrics::local;
use crate::options::Holdout;

/// Rows to learn from and rows to be judged by.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Split {
    /// To learn from.
    pub(crate) train: Vec<usize>,
    /// To be judged by.
    pub(crate) test: Vec<usize>,
}

/// The last share of `rows` (ascending numbers into `times_ms`), or of those of each local month: of `n` rows the
/// last ⌊n × share⌋. Rows to learn from that come within `gap_ms` *after* held-out ones are dropped, because their
/// lags and rolling means would show them; those before are kept: a model that is used knows its past.
#[must_use]
pub(crate) fn in_time(rule: Holdout, share: f64, rows: &[usize], times_ms: &[i64], zone: Tz, gap_ms: i64) -> Split {
    let month = |row: &usize| {
        let at = times_ms.get(*row).and_then(|ms| local(*ms, zone));
        at.map(|at| (at.year(), at.month()))
    };
    let together = |a: &usize, b: &usize| rule == Holdout::End || month(a) == month(b);
    let mut split = Split::default();
    let mut blocks = Vec::new();
    for part in rows.chunk_by(together) {
        let (train, test) = part.split_at(part.len() - share_of(part.len(), share));
        split.train.extend(train);
        split.test.extend(test);
        blocks.extend(reach(test, times_ms, 0, gap_ms));
    }
    drop_within(&mut split.train, times_ms, &blocks);
    split
}

/// `blocks` contiguous blocks of all rows, each judged by what was learnt from the others; rows within `gap_ms`
/// before and after the block are not learnt from.
#[must_use]
pub(crate) fn blocked(blocks: usize, times_ms: &[i64], gap_ms: i64) -> Vec<Split> {
    let height = times_ms.len();
    let bound = |block: usize| height * block / blocks.max(1);
    let split = |block: usize| {
        let test: Vec<usize> = (bound(block)..bound(block + 1)).collect();
        let mut train: Vec<usize> = (0..bound(block)).chain(bound(block + 1)..height).collect();
        drop_within(&mut train, times_ms, &Vec::from_iter(reach(&test, times_ms, gap_ms, gap_ms)));
        Split { train, test }
    };
    (0..blocks).map(split).filter(|split| !split.test.is_empty()).collect()
}

/// That share of the rows, drawn by chance. It flatters: the neighbours of a held-out row, minutes away, are known.
#[must_use]
pub(crate) fn at_random(height: usize, share: f64, seed: u64) -> Split {
    let mut rows: Vec<usize> = (0..height).collect();
    shuffle(&mut rows, seed);
    let mut test = rows.split_off(height - share_of(height, share));
    rows.sort_unstable();
    test.sort_unstable();
    Split { train: rows, test }
}

/// Into an order that follows from the seed (Fisher and Yates; numbers by splitmix64).
pub(super) fn shuffle<T>(items: &mut [T], seed: u64) {
    let mut state = seed;
    for last in (1..items.len()).rev() {
        state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^= mixed >> 31;
        // the high half of a product of 128 bits is below last + 1
        let other = (u128::from(mixed) * (last as u128 + 1)) >> 64;
        items.swap(last, usize::try_from(other).unwrap_or(last));
    }
}

/// ⌊height × share⌋.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a share of a row count is one")]
fn share_of(height: usize, share: f64) -> usize {
    ((height as f64 * share).floor() as usize).min(height)
}

/// First and last time that must not be learnt from because of that block.
fn reach(block: &[usize], times_ms: &[i64], before_ms: i64, after_ms: i64) -> Option<(i64, i64)> {
    let first = times_ms.get(*block.first()?)?;
    let last = times_ms.get(*block.last()?)?;
    Some((first.saturating_sub(before_ms), last.saturating_add(after_ms)))
}

fn drop_within(rows: &mut Vec<usize>, times_ms: &[i64], blocks: &[(i64, i64)]) {
    rows.retain(|row| {
        let Some(at) = times_ms.get(*row) else { return false };
        // blocks ascend and do not cross: the last that begins before the row is the one that may hold it
        let begun = blocks.partition_point(|(first, _)| first <= at);
        begun.checked_sub(1).and_then(|index| blocks.get(index)).is_none_or(|(_, last)| at > last)
    });
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]
mod tests {
    use super::*;

    const HOUR: i64 = 3_600_000;

    fn hours(height: i64) -> Vec<i64> {
        (0..height).map(|row| row * HOUR).collect()
    }

    #[test]
    fn the_last_share_of_rows_is_held_out() {
        let split = in_time(Holdout::End, 0.2, &Vec::from_iter(0..11), &hours(11), chrono_tz::UTC, 5 * HOUR);
        assert_eq!((split.train, split.test), ((0..9).collect(), vec![9, 10]));
        let inner = in_time(Holdout::End, 0.5, &[1, 3, 5, 7], &hours(11), chrono_tz::UTC, 0);
        assert_eq!((inner.train, inner.test), (vec![1, 3], vec![5, 7]));
        assert_eq!(in_time(Holdout::End, 0.5, &[], &[], chrono_tz::UTC, 0), Split::default());
    }

    /// 31 January 20:00 UTC is the first of February in Taipei.
    #[test]
    fn the_last_share_of_each_local_month_is_held_out_and_what_shows_it_is_not_learnt_from() {
        let start = 1_706_731_200_000; // 2024-01-31T20:00:00Z
        let times: Vec<i64> = (-5..10).map(|row| start - 4 * HOUR + row * HOUR).collect();
        let months = |zone, gap| in_time(Holdout::EachMonth, 0.2, &Vec::from_iter(0..15), &times, zone, gap);
        let taipei = months(chrono_tz::Asia::Taipei, 0);
        assert_eq!(taipei.test, [4, 13, 14]);
        assert_eq!(taipei.train, [0, 1, 2, 3, 5, 6, 7, 8, 9, 10, 11, 12]);
        // the two hours behind the first block look back into it
        assert_eq!(months(chrono_tz::Asia::Taipei, 2 * HOUR).train, [0, 1, 2, 3, 7, 8, 9, 10, 11, 12]);
        // in UTC, February has but two rows: none of them is held out
        assert_eq!(months(chrono_tz::UTC, 0).test, [11, 12]);
    }

    #[test]
    fn blocks_cover_every_row_once_with_a_gap_beside_them() {
        let splits = blocked(3, &hours(10), HOUR);
        let tests: Vec<usize> = splits.iter().flat_map(|split| split.test.clone()).collect();
        assert_eq!(tests, Vec::from_iter(0..10));
        assert_eq!(splits[1].test, [3, 4, 5]);
        assert_eq!(splits[1].train, [0, 1, 7, 8, 9]);
        assert_eq!(blocked(5, &hours(2), 0).len(), 2);
    }

    #[test]
    fn chance_is_seeded_and_even() {
        let split = at_random(1000, 0.2, 7);
        assert_eq!((split.train.len(), split.test.len()), (800, 200));
        assert_eq!(split, at_random(1000, 0.2, 7));
        assert_ne!(split, at_random(1000, 0.2, 8));
        let mut all: Vec<usize> = split.train.iter().chain(&split.test).copied().collect();
        all.sort_unstable();
        assert_eq!(all, Vec::from_iter(0..1000));
        // each of the six orders of three comes a sixth of the time: χ² of 5 degrees beyond 20.5 is one in a thousand
        let mut counts = std::collections::BTreeMap::<Vec<u8>, f64>::new();
        for seed in 0..6000 {
            let mut items = vec![0_u8, 1, 2];
            shuffle(&mut items, seed);
            *counts.entry(items).or_default() += 1.0;
        }
        let chi: f64 = counts.values().map(|count| (count - 1000.0).powi(2) / 1000.0).sum();
        assert!(counts.len() == 6 && chi < 20.5, "{counts:?}");
    }
}
