//! Points of a plot.

use super::{Answer, DatasetSelector, SeriesAnswer, SeriesQuery};
use crate::error::Result;
use crate::state::AppState;

/// Points of a plot.
///
/// # Errors
/// As [`super::version::resolve`]; 422 for a parameter out of range or an unknown column.
pub async fn series(state: &AppState, selector: &DatasetSelector, query: &SeriesQuery) -> Result<Answer<SeriesAnswer>> {
    let _ = (state, selector, query);
    todo!()
}

/// The rows (ascending) to plot instead of all of `values`: at most `points` (≥ 4), and every extreme.
///
/// The first and the last row stay. The rows between are dealt into (points − 2) / 2 buckets of as equal a
/// length as can be; each gives the rows of its least and its greatest value, or its first row when none
/// has a value, so that the line breaks where it has to.
fn thin_out(values: &[Option<f64>], points: usize) -> Vec<usize> {
    let rows = values.len();
    if rows <= points {
        return (0..rows).collect();
    }
    let inner = rows - 2;
    let buckets = (points - 2) / 2;
    let mut kept = vec![0];
    for bucket in 0..buckets {
        let (from, to) = (1 + bucket * inner / buckets, 1 + (bucket + 1) * inner / buckets);
        let present = || (from..).zip(values.get(from..to).unwrap_or_default()).filter_map(|(i, v)| Some((i, (*v)?)));
        let least = present().min_by(|a, b| a.1.total_cmp(&b.1)).map(|(row, _)| row);
        let greatest = present().max_by(|a, b| a.1.total_cmp(&b.1)).map(|(row, _)| row);
        match (least, greatest) {
            (Some(a), Some(b)) if a == b => kept.push(a),
            (Some(a), Some(b)) => kept.extend([a.min(b), a.max(b)]),
            _ => kept.push(from),
        }
    }
    kept.push(rows - 1);
    kept
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing)]
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn few_rows_are_all_kept() {
        assert_eq!(thin_out(&[Some(1.0), None, Some(3.0)], 4), [0, 1, 2]);
        assert!(thin_out(&[], 10).is_empty());
    }

    /// By hand: 14 rows to 10 points are four buckets of three rows (1–3, 4–6, 7–9, 10–12).
    #[test]
    fn each_bucket_keeps_its_extremes_in_time_order() {
        let v = [0., 5., 9., 1., 2., 2., 2., 7., 6., 8., -1., -3., 4., 0.].map(Some);
        // 1–3: 9 (row 2) before 1 (row 3); 4–6: all equal, least = first, greatest = last; 7–9: 6, 8; 10–12: −3, 4
        assert_eq!(thin_out(&v, 10), [0, 2, 3, 4, 6, 8, 9, 11, 12, 13]);
    }

    #[test]
    fn a_bucket_without_values_breaks_the_line() {
        let mut v = [Some(1.0); 14];
        v[4..=6].fill(None);
        let kept = thin_out(&v, 10);
        assert!(kept.contains(&4) && v[4].is_none());
    }

    proptest! {
        #[test]
        fn no_extreme_is_lost_and_no_row_is_doubled(
            values in proptest::collection::vec(proptest::option::of(-1e6..1e6_f64), 0..400),
            points in 10_usize..60,
        ) {
            let kept = thin_out(&values, points);
            prop_assert!(kept.len() <= points.max(values.len().min(points)));
            prop_assert!(kept.windows(2).all(|w| w[0] < w[1]));
            let all: Vec<f64> = values.iter().flatten().copied().collect();
            let seen: Vec<f64> = kept.iter().filter_map(|&i| values[i]).collect();
            let extremes = |v: &[f64]| (v.iter().copied().min_by(f64::total_cmp), v.iter().copied().max_by(f64::total_cmp));
            prop_assert_eq!(extremes(&all), extremes(&seen));
        }
    }
}
