//! Points of a plot.

use super::resolved::Resolved;
use super::version::settled;
use super::window::{Window, WindowQuery, WindowRows};
use super::{Answer, DatasetSelector, Series, SeriesAnswer, SeriesQuery, answer, clock, names};
use crate::error::{Error, Result, codes};
use crate::state::AppState;
use hvac_frame::column::{ColumnMeta, Kind};

/// Most columns of one plot.
const MAX_COLUMNS: usize = 20;
/// Points of a column when the request does not say.
const POINTS: i64 = 2000;

/// Points of a plot.
///
/// # Errors
/// As [`super::version::resolve`]; 422 for a parameter out of range or an unknown column.
#[tracing::instrument(level = "debug", skip_all)]
pub async fn series(
    state: &AppState,
    selector: &DatasetSelector,
    query: &SeriesQuery,
    window: &WindowQuery,
) -> Result<Answer<SeriesAnswer>> {
    let dataset = settled(state, selector).await?;
    let asked = Asked::of(&dataset, query, window)?;
    let request = format!("series {} {}{}", asked.points, asked.names(), asked.window);
    answer::computed(state, dataset, &request, move |frame, dataset| {
        let rows = WindowRows::of(frame, &asked.window, dataset.zone)?;
        let at_ms = rows.axis()?;
        let lines = asked.columns.iter().map(|meta| line(&rows, dataset, meta, &at_ms, asked.points));
        answer::json(&SeriesAnswer { dataset: dataset.label.clone(), series: lines.collect::<Result<_>>()? })
    })
    .await
}

/// A query that is in order.
struct Asked {
    columns: Vec<ColumnMeta>,
    window: Window,
    points: usize,
}

impl Asked {
    fn of(dataset: &Resolved, query: &SeriesQuery, window: &WindowQuery) -> Result<Self> {
        let chosen = names::listed(&dataset.columns, query.columns.as_deref())?.unwrap_or_default();
        if chosen.is_empty() || chosen.len() > MAX_COLUMNS {
            let message =
                format!("columns: name 1 to {MAX_COLUMNS} columns, separated by commas, not {}", chosen.len());
            return Err(Error::invalid("columns", codes::BAD_COLUMNS, message));
        }
        if let Some(text) = chosen.iter().find(|meta| meta.kind == Kind::Text) {
            let message = format!("columns: '{}' holds texts, which are no line of a plot", text.name);
            return Err(Error::invalid("columns", codes::NOT_NUMERIC, message));
        }
        let points = query.points.unwrap_or(POINTS);
        let bad_points = || {
            let message = format!("points: {points} is out of range; ask for 10 to 20000 points a column");
            Error::invalid("points", codes::BAD_POINTS, message)
        };
        Ok(Self {
            columns: chosen.into_iter().cloned().collect(),
            window: Window::of(window, dataset.zone)?,
            points: usize::try_from(points).ok().filter(|n| (10..=20_000).contains(n)).ok_or_else(bad_points)?,
        })
    }

    fn names(&self) -> String {
        self.columns.iter().map(|meta| meta.name.as_str()).collect::<Vec<_>>().join(",")
    }
}

/// The line of one column; `at_ms` are the times of the `rows`.
fn line(rows: &WindowRows<'_>, dataset: &Resolved, meta: &ColumnMeta, at_ms: &[i64], points: usize) -> Result<Series> {
    let values = rows.numbers(meta)?;
    let kept = thin_out(&values, points);
    let point = |row: &usize| Some((clock::iso(dataset.zone, *at_ms.get(*row)?), *values.get(*row)?));
    let (timestamps, values_kept) = kept.iter().filter_map(point).unzip();
    Ok(Series {
        column: meta.name.clone(),
        unit: meta.unit.clone(),
        rows: values.len() as u64,
        downsampled: kept.len() < values.len(),
        timestamps,
        values: values_kept,
    })
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
