//! Duration curves: for which share of the time a value is reached.

use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::held::held_ms;
use super::version::settled;
use super::window::{Window, WindowQuery, WindowRows};
use super::{Answer, DatasetLabel, DatasetSelector, answer, names};
use crate::error::{Error, Result, codes};
use crate::state::AppState;
use hvac_cleaning::Recording;

/// Points of a curve when the request does not say: each per cent.
const POINTS: i64 = 101;

/// Asks for a duration curve.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, IntoParams)]
#[serde(default)]
#[into_params(parameter_in = Query)]
pub struct DurationQuery {
    /// The column, of numbers.
    #[param(example = "CHWST", required = true)]
    pub column: Option<String>,
    /// Points of the curve, 10…20 000, default 101: each per cent of the time.
    pub points: Option<i64>,
}

/// For which share of the known time each value is reached or exceeded.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct DurationCurve {
    /// The frame.
    #[serde(flatten)]
    pub dataset: DatasetLabel,
    /// The column.
    pub column: String,
    /// Unit of the values.
    pub unit: Option<String>,
    /// Shares of the known time, 0–1, ascending and evenly apart; empty without a value.
    pub shares: Vec<f64>,
    /// As many: the value that is reached or exceeded for that share of the time, descending.
    pub values: Vec<f64>,
    /// Time for which a value is known, h: each sample holds until the next one, before a gap for one interval.
    pub hours: f64,
    /// Time from the first sample to the end of the last one's, h, gaps too.
    pub span_hours: f64,
    /// Interval at which the point is recorded, s; null where it is recorded on change.
    pub interval_s: Option<f64>,
    /// Cells with a value.
    pub count: u64,
}

/// For which share of the time each value is reached or exceeded.
///
/// # Errors
/// As [`super::version::resolve`], [`Window::of`]; 422 for a parameter out of range or an unknown column.
#[tracing::instrument(level = "debug", skip_all)]
pub async fn duration(
    state: &AppState,
    selector: &DatasetSelector,
    query: &DurationQuery,
    window: &WindowQuery,
) -> Result<Answer<DurationCurve>> {
    let dataset = settled(state, selector).await?;
    let meta = names::number(&dataset.columns, "column", query.column.as_deref())?.clone();
    let window = Window::of(window, dataset.zone)?;
    let points = query.points.unwrap_or(POINTS);
    let points = usize::try_from(points).ok().filter(|n| (10..=20_000).contains(n)).ok_or_else(|| {
        let message = format!("points: {points} is out of range; ask for 10 to 20000 points");
        Error::invalid("points", codes::BAD_POINTS, message)
    })?;
    let request = format!("duration {} {points}{window}", meta.name);
    answer::computed(state, dataset, &request, move |frame, dataset| {
        let rows = WindowRows::of(frame, &window, dataset.zone)?;
        let (at_ms, values): (Vec<i64>, Vec<f64>) =
            rows.axis()?.into_iter().zip(rows.numbers(&meta)?).filter_map(|(at, value)| Some((at, value?))).unzip();
        let interval_ms = Recording::new(&at_ms).every_ms(&rows.described(&meta), &values);
        let held: Vec<f64> = held_ms(&at_ms, interval_ms).collect();
        let (shares, curve) = curve(&values, &held, points);
        let span_ms = at_ms.first().zip(at_ms.last()).map_or(0.0, |(first, last)| (last - first) as f64);
        answer::json(&DurationCurve {
            dataset: dataset.label.clone(),
            column: meta.name.clone(),
            unit: meta.unit.clone(),
            shares,
            values: curve,
            hours: held.iter().sum::<f64>() / 3.6e6,
            span_hours: (span_ms + held.last().copied().unwrap_or_default()) / 3.6e6,
            interval_s: interval_ms.map(|ms| ms / 1000.0),
            count: values.len() as u64,
        })
    })
    .await
}

/// At each of `points` shares of the time from 0 to 1 the value that is reached or exceeded for so long. Values that hold
/// for no time (a single one that is recorded on change) count alike when none holds for any.
fn curve(values: &[f64], held_ms: &[f64], points: usize) -> (Vec<f64>, Vec<f64>) {
    let alike = held_ms.iter().all(|held| *held <= 0.0);
    let mut sorted: Vec<(f64, f64)> =
        values.iter().zip(held_ms).map(|(value, held)| (*value, if alike { 1.0 } else { *held })).collect();
    sorted.retain(|(_, held)| *held > 0.0);
    sorted.sort_by(|a, b| b.0.total_cmp(&a.0));
    let total: f64 = sorted.iter().map(|(_, held)| held).sum();
    let (mut shares, mut curve) = (Vec::with_capacity(points), Vec::with_capacity(points));
    let mut left = sorted.iter().copied();
    let Some((mut value, mut until)) = left.next() else { return (shares, curve) };
    for point in 0..points {
        let share = point as f64 / (points - 1) as f64;
        // Sums of many durations differ from their total by rounding.
        while until < share * total * (1.0 - 1e-12) {
            let Some((next, held)) = left.next() else { break };
            (value, until) = (next, until + held);
        }
        shares.push(share);
        curve.push(value);
    }
    (shares, curve)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 10 for 1 h, 30 for 2 h, 20 for 2 h: 30 to 40 % of the time, 20 to 80 %, 10 to the end.
    #[test]
    fn values_are_weighted_by_time() {
        let (shares, values) = curve(&[10.0, 30.0, 20.0], &[1.0, 2.0, 2.0], 11);
        assert_eq!(shares.len(), 11);
        assert_eq!(values, [30., 30., 30., 30., 30., 20., 20., 20., 20., 10., 10.]);
        assert_eq!(curve(&[], &[], 11), (Vec::new(), Vec::new()));
        assert_eq!(curve(&[4.0], &[0.0], 10).1, [4.0; 10]);
    }
}
