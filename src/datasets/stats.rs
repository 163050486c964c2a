//! Statistics of columns.

use std::collections::{BTreeMap, HashMap};

use rayon::prelude::*;

use super::version::settled;
use super::window::{Selection, Window, WindowQuery, WindowRows};
use super::{AllStats, Answer, ColumnStats, DatasetSelector, OneStats, StateCount, answer, names};
use crate::error::Result;
use crate::state::AppState;
use hvac_frame::column::{ColumnMeta, Kind};

/// The quantiles that are answered, with their names.
const QUANTILES: [(&str, f64); 7] =
    [("p01", 0.01), ("p05", 0.05), ("p25", 0.25), ("p50", 0.5), ("p75", 0.75), ("p95", 0.95), ("p99", 0.99)];
/// Most states that are listed of one column.
const MAX_STATES: usize = 50;

/// Statistics of all columns, or of those named (separated by commas).
///
/// # Errors
/// As [`super::version::resolve`], [`Selection::of`].
#[tracing::instrument(level = "debug", name = "stats", skip_all)]
pub async fn all(
    state: &AppState,
    selector: &DatasetSelector,
    columns: Option<&str>,
    window: &WindowQuery,
) -> Result<Answer<AllStats>> {
    let dataset = settled(state, selector).await?;
    let selection = Selection::of(&dataset, columns, window)?;
    let request = format!("stats{selection}");
    answer::computed(state, dataset, &request, move |frame, dataset| {
        let rows = WindowRows::of(frame, &selection.window, dataset.zone)?;
        // As many columns are in memory as there are cores.
        let of_columns = selection.columns(dataset).par_iter().map(|meta| of_column(&rows, meta, &selection.window));
        let of_columns: Vec<ColumnStats> = of_columns.collect::<Result<_>>()?;
        let columns = std::iter::once(of_axis(rows.count())).chain(of_columns).collect();
        answer::json(&AllStats { dataset: dataset.label.clone(), total_rows: rows.count(), columns })
    })
    .await
}

/// Statistics of one column.
///
/// # Errors
/// As [`super::version::resolve`], [`Window::of`]; 422 for an unknown column, with the closest names.
#[tracing::instrument(level = "debug", name = "stats_of_column", skip_all)]
pub async fn one(
    state: &AppState,
    selector: &DatasetSelector,
    column: &str,
    window: &WindowQuery,
) -> Result<Answer<OneStats>> {
    let dataset = settled(state, selector).await?;
    let meta = match column.trim() {
        names::TIMESTAMP => None,
        name => Some(names::find(&dataset.columns, "column", name)?.clone()),
    };
    let window = Window::of(window, dataset.zone)?;
    let request = format!("stats {}{window}", meta.as_ref().map_or(names::TIMESTAMP, |meta| &meta.name));
    answer::computed(state, dataset, &request, move |frame, dataset| {
        let rows = WindowRows::of(frame, &window, dataset.zone)?;
        let stats = meta.map_or_else(|| Ok(of_axis(rows.count())), |meta| of_column(&rows, &meta, &window))?;
        answer::json(&OneStats { dataset: dataset.label.clone(), stats })
    })
    .await
}

/// Of `timestamp`: it is never null, and no number.
fn of_axis(rows: u64) -> ColumnStats {
    ColumnStats { count: rows, ..blank(names::TIMESTAMP, names::TIMESTAMP) }
}

fn of_column(rows: &WindowRows<'_>, meta: &ColumnMeta, window: &Window) -> Result<ColumnStats> {
    let mut stats = ColumnStats {
        kind: Some(meta.kind),
        unit: meta.unit.clone(),
        // Only all rows' reasons are known.
        nulls: if window.is_whole() { meta.nulls.clone() } else { BTreeMap::new() },
        ..blank(&meta.name, &meta.original_name)
    };
    match meta.kind {
        Kind::Text => add_states(&mut stats, rows.texts(meta)?.iter().flatten()),
        _ => add_numbers(&mut stats, rows.numbers(meta)?.into_iter().flatten().collect()),
    }
    stats.null_count = rows.count().saturating_sub(stats.count);
    Ok(stats)
}

fn blank(column: &str, original_name: &str) -> ColumnStats {
    ColumnStats {
        column: column.to_owned(),
        original_name: original_name.to_owned(),
        kind: None,
        unit: None,
        mean: None,
        median: None,
        min: None,
        max: None,
        std: None,
        sum: None,
        count: 0,
        null_count: 0,
        nulls: BTreeMap::new(),
        quantiles: BTreeMap::new(),
        states: None,
    }
}

/// Fills in the numbers of a column: `values` are its cells that have one, in any order.
///
/// The standard deviation is the sample's (n−1), so null for one value; quantiles are interpolated
/// linearly between order statistics at h = (n−1)·q, as NumPy's and Excel's default (type 7 of Hyndman &
/// Fan 1996). What is not a finite number (sums of very large ones) is null.
fn add_numbers(stats: &mut ColumnStats, mut values: Vec<f64>) {
    values.sort_unstable_by(f64::total_cmp);
    let (Some(least), Some(greatest)) = (values.first().copied(), values.last().copied()) else { return };
    let n = values.len() as f64;
    let sum: f64 = values.iter().sum();
    let mean = (sum / n).clamp(least, greatest);
    let squares: f64 = values.iter().map(|v| (v - mean).powi(2)).sum();
    stats.count = values.len() as u64;
    stats.mean = finite(mean);
    stats.sum = finite(sum);
    stats.min = finite(least);
    stats.max = finite(greatest);
    stats.std = if values.len() > 1 { finite((squares / (n - 1.0)).sqrt()) } else { None };
    stats.median = quantile(&values, 0.5);
    stats.quantiles =
        QUANTILES.iter().filter_map(|&(name, q)| Some((name.to_owned(), quantile(&values, q)?))).collect();
}

/// Fills in the states of a text column: `values` are its cells that have one.
fn add_states<'a>(stats: &mut ColumnStats, values: impl Iterator<Item = &'a str>) {
    let mut counts: HashMap<&str, u64> = HashMap::new();
    for value in values {
        *counts.entry(value).or_default() += 1;
    }
    stats.count = counts.values().sum();
    let mut states: Vec<StateCount> =
        counts.into_iter().map(|(state, count)| StateCount { state: state.to_owned(), count }).collect();
    states.sort_by(|a, b| b.count.cmp(&a.count).then_with(|| a.state.cmp(&b.state)));
    states.truncate(MAX_STATES);
    stats.states = Some(states);
}

/// The `q` quantile of ascending values, 0 ≤ q ≤ 1.
pub(super) fn quantile(ascending: &[f64], q: f64) -> Option<f64> {
    let h = ascending.len().checked_sub(1)? as f64 * q;
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "0 ≤ h < length of a slice")]
    let below = h.floor() as usize;
    let low = *ascending.get(below)?;
    let high = *ascending.get(below + 1).unwrap_or(&low);
    finite(low + (high - low) * h.fract())
}

fn finite(value: f64) -> Option<f64> {
    value.is_finite().then_some(value)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing)]
    use super::*;

    /// Expected values by NumPy 2: `mean`, `std(ddof=1)`, `quantile` with its default method.
    #[test]
    fn numbers_are_numpys() {
        let mut stats = blank("A", "A");
        add_numbers(&mut stats, vec![42.0, 4.0, 15.0, 8.0, 23.0, 16.0]);
        assert_eq!((stats.mean, stats.median), (Some(18.0), Some(15.5)));
        assert_eq!((stats.min, stats.max, stats.sum, stats.count), (Some(4.0), Some(42.0), Some(108.0), 6));
        assert!((stats.std.unwrap() - 13.490_737_563_232_042).abs() < 1e-12);
        let expected = [4.2, 5.0, 9.75, 15.5, 21.25, 37.25, 41.050_000_000_000_004];
        for ((name, value), expected) in stats.quantiles.iter().zip(expected) {
            assert!((value - expected).abs() < 1e-12, "{name}: {value}");
        }
        assert_eq!(stats.quantiles.len(), 7);
    }

    #[test]
    fn nothing_and_one_value_have_no_deviation() {
        let mut stats = blank("A", "A");
        add_numbers(&mut stats, vec![]);
        assert_eq!((stats.mean, stats.std, stats.count, stats.quantiles.len()), (None, None, 0, 0));
        add_numbers(&mut stats, vec![-0.2]);
        assert_eq!((stats.mean, stats.median, stats.std), (Some(-0.2), Some(-0.2), None));
    }

    #[test]
    fn what_no_number_can_hold_is_null() {
        let mut stats = blank("A", "A");
        add_numbers(&mut stats, vec![f64::MAX, f64::MAX]);
        assert_eq!((stats.sum, stats.max), (None, Some(f64::MAX)));
        assert_eq!(stats.mean, Some(f64::MAX));
    }

    #[test]
    fn states_come_most_frequent_first() {
        let mut stats = blank("A", "A");
        add_states(&mut stats, ["HEAT", "COOL", "AUTO", "COOL"].into_iter());
        let states: Vec<_> = stats.states.unwrap().into_iter().map(|s| (s.state, s.count)).collect();
        assert_eq!(states, [("COOL".into(), 2), ("AUTO".into(), 1), ("HEAT".into(), 1)]);
        assert_eq!(stats.count, 4);
    }
}
