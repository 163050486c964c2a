//! Live context: what nobody gave, from the latest rows of a session at which the plant ran steadily.
//!
//! Steady is as HVAC.md §4 says: over 15 minutes of *time* (or the time between two rows, where that is longer) the
//! load moves by 5 % at most. The rows of the latest such window are taken together, so that conditions and set-points
//! belong to one state of the plant; each value is the median of its column (of a machine's state, the last). How many
//! machines run is only taken together with the load that they carried: for another load another number may run.
//! Only columns that the model's control part needs are read, and only of the session's last week. What a session does
//! not have is left to the model's own rows. Everything taken is named as an assumption.
//!
//! A state is taken whole or not at all: where a condition was given that those rows do not have – another load, other
//! air –, the rest of them belongs to another time, and nothing of it is taken.

use std::collections::{BTreeMap, BTreeSet};

use chrono_tz::Tz;

use crate::datasets::opened::Frame;
use crate::datasets::resolved::Resolved;
use crate::datasets::version::resolve;
use crate::datasets::{DatasetSelector, clock};
use crate::error::{Context, Result};
use crate::state::AppState;
use hvac_cleaning::steady::{RowVerdict, steady};
use hvac_frame::column::Kind;
use hvac_modelling::document::ModelDocument;
use hvac_modelling::features::{self, Feature, FeatureSource};
use hvac_modelling::role::Role;

/// How far back to look, from the session's last row.
const LOOK_BACK_MS: i64 = 7 * 24 * 3_600_000;
/// Window of steady state, ms, and how far the load may move in it (HVAC.md §4).
const WINDOW_MS: i64 = 15 * 60_000;
const SPREAD: f64 = 0.05;

/// One state of the plant, from a session.
#[derive(Debug, Clone, PartialEq)]
pub struct Live {
    /// The session.
    pub session_id: String,
    /// By column.
    pub values: BTreeMap<String, f64>,
    /// Of the last row that was taken, ms since 1970 UTC.
    pub time_ms: i64,
    /// Where from, in words.
    pub source: String,
}

/// How far a given condition may be from the rows: of the load this share, of air this many K, of humidity this many
/// points, of machines none.
const LOAD_SHARE: f64 = 0.10;
const AIR_K: f64 = 1.0;
const HUMIDITY_POINTS: f64 = 10.0;
const KELVIN_F: f64 = 1.8;
/// Conditions that tell one state of the plant from another.
const CONDITIONS: [Role; 5] = [Role::LoadRt, Role::WetBulb, Role::DryBulb, Role::Humidity, Role::Running];

/// The columns that the model's control part is made of.
pub fn needed(model: &ModelDocument) -> BTreeSet<String> {
    let indices = model.control.iter().flat_map(|control| &control.features);
    let features = indices.filter_map(|index| model.features.get(*index));
    features.flat_map(|feature| feature.source.columns()).map(str::to_owned).collect()
}

/// The first condition that was given and is not that of the rows, in words; none when they are one state.
pub fn disagreement(
    model: &ModelDocument,
    given: &BTreeMap<String, f64>,
    live: &BTreeMap<String, f64>,
    zone: Tz,
) -> Option<String> {
    let [given_row, live_row] = [given, live].map(|values| features::row(&model.features, values, Some(0), zone));
    CONDITIONS.into_iter().find_map(|role| {
        let name = serde_json::to_value(role).ok()?;
        let name = name.as_str().unwrap_or_default();
        let rows = model.features.iter().zip(given_row.iter().zip(&live_row));
        let both =
            rows.filter(|(feature, (given, live))| feature.role == role && given.is_finite() && live.is_finite());
        let (count, given_sum, live_sum) =
            both.fold((0.0, 0.0, 0.0), |(count, a, b), (_, (given, live))| (count + 1.0, a + given, b + live));
        if count == 0.0 {
            return None;
        }
        let (is, was, within) = match role {
            // Of several, one value for the role is their sum.
            Role::LoadRt | Role::Running => {
                let is = given.get(name).copied().unwrap_or(given_sum);
                (is, live_sum, if role == Role::LoadRt { LOAD_SHARE * is.abs() } else { 0.5 })
            }
            Role::Humidity => (given_sum / count, live_sum / count, HUMIDITY_POINTS),
            _ => {
                let mut played = model.features.iter().filter(|feature| feature.role == role);
                let fahrenheit = played.any(|feature| feature.unit.as_deref() == Some("°F"));
                (given_sum / count, live_sum / count, if fahrenheit { AIR_K * KELVIN_F } else { AIR_K })
            }
        };
        ((is - was).abs() > within).then(|| format!("{name} is {is:.1} and was {was:.1}"))
    })
}

/// The columns that the model's control part needs and that cannot be told from what is given.
pub fn lacking(model: &ModelDocument, given: &BTreeMap<String, f64>, zone: Tz) -> BTreeSet<String> {
    let known = features::row(&model.features, given, Some(0), zone);
    let is_known = |index: usize| known.get(index).is_some_and(|value| value.is_finite());
    // A column that is itself a feature may be given by its role.
    let by_itself = |column: &str| {
        let itself =
            |feature: &Feature| matches!(&feature.source, FeatureSource::Column { column: own } if own == column);
        model.features.iter().position(itself).is_some_and(is_known)
    };
    let indices = || model.control.iter().flat_map(|control| &control.features).filter(|index| !is_known(**index));
    let features = || indices().filter_map(|index| model.features.get(*index));
    let load_is_known = !features().any(|feature| feature.role == Role::LoadRt);
    let wanted = features().filter(|feature| feature.role != Role::Running || !load_is_known);
    let columns = wanted.flat_map(|feature| feature.source.columns());
    columns.filter(|column| !given.contains_key(*column) && !by_itself(column)).map(str::to_owned).collect()
}

/// The latest steady state of a session's newest version, as far as it has those columns; none when the plant was at
/// no time steady in its last week.
///
/// # Errors
/// As [`resolve`].
pub async fn live(
    state: &AppState,
    model: &ModelDocument,
    session_id: &str,
    columns: BTreeSet<String>,
) -> Result<Option<Live>> {
    let selector = DatasetSelector { session_id: Some(session_id.to_owned()), version: None };
    let dataset = resolve(state, &selector).await?;
    let numeric: BTreeSet<&str> =
        dataset.columns.iter().filter(|column| column.kind != Kind::Text).map(|column| column.name.as_str()).collect();
    let columns: Vec<String> = columns.into_iter().filter(|column| numeric.contains(column.as_str())).collect();
    let load: Vec<String> =
        load_columns(model).into_iter().filter(|column| numeric.contains(column.as_str())).collect();
    if columns.is_empty() || load.is_empty() {
        return Ok(None);
    }
    let states: BTreeSet<String> = columns_of(model, Role::Running);
    let state = state.clone();
    let reading = tokio::task::spawn_blocking(move || read(&state, &dataset, &columns, &states, &load));
    reading.await.internal("reading a session's latest rows")?
}

/// What the load is told by: the columns of load, else the target.
fn load_columns(model: &ModelDocument) -> BTreeSet<String> {
    let loads = columns_of(model, Role::LoadRt);
    if loads.is_empty() { BTreeSet::from([model.mapping.target_col.clone()]) } else { loads }
}

fn columns_of(model: &ModelDocument, role: Role) -> BTreeSet<String> {
    let features = model.features.iter().filter(|feature| feature.role == role);
    features.flat_map(|feature| feature.source.columns()).map(str::to_owned).collect()
}

fn read(
    state: &AppState,
    dataset: &Resolved,
    columns: &[String],
    states: &BTreeSet<String>,
    load: &[String],
) -> Result<Option<Live>> {
    let frame = Frame::open(state, dataset)?;
    let Some(last) = frame.axis(frame.row_count.saturating_sub(1)..frame.row_count)?.first().copied() else {
        return Ok(None);
    };
    let rows = frame.rows_between(Some(last - LOOK_BACK_MS), None)?;
    let times = frame.axis(rows.clone())?;
    let mut total = vec![0.0; times.len()];
    for column in load {
        let cells = frame.numbers_of(column, rows.clone())?;
        total.iter_mut().zip(cells).for_each(|(sum, cell)| *sum += cell.unwrap_or(f64::NAN));
    }
    let Some(taken) = latest_steady(&times, &total) else { return Ok(None) };
    let (from, to) = (rows.start + taken.start as u64, rows.start + taken.end as u64);
    let mut values = BTreeMap::new();
    for column in columns {
        let cells = frame.numbers_of(column, from..to)?;
        let known: Vec<f64> = cells.into_iter().flatten().collect();
        let value = if states.contains(column) { known.last().copied() } else { median(known) };
        values.extend(value.map(|value| (column.clone(), value)));
    }
    let times = times.get(taken).unwrap_or_default();
    let (Some(first), Some(last)) = (times.first(), times.last()) else { return Ok(None) };
    let source = format!(
        "median of the latest steady rows of session {}, {}: {} – {}",
        dataset.label.session_id,
        dataset.label.version,
        clock::iso(dataset.zone, *first),
        clock::iso(dataset.zone, *last)
    );
    Ok(Some(Live { session_id: dataset.label.session_id.clone(), values, time_ms: *last, source }))
}

/// The rows of the latest window of time at which the load was steady. NaN where there is no load.
fn latest_steady(times: &[i64], load: &[f64]) -> Option<std::ops::Range<usize>> {
    let steps: Vec<f64> = times.iter().zip(times.iter().skip(1)).map(|(a, b)| (b - a) as f64).collect();
    let interval = median(steps)?;
    let window = interval.max(WINDOW_MS as f64);
    let verdicts = steady(times, load, interval, window, SPREAD);
    let end = verdicts.iter().rposition(|verdict| *verdict == RowVerdict::Within)?;
    let start = *times.get(end)? as f64 - window - interval * 0.05;
    Some(times.iter().position(|at| *at as f64 >= start)?..end + 1)
}

/// The middle value, or the mean of the two in the middle; none of nothing.
fn median(mut values: Vec<f64>) -> Option<f64> {
    values.retain(|value| value.is_finite());
    values.sort_by(f64::total_cmp);
    let upper = *values.get(values.len() / 2)?;
    let lower = *values.get(values.len().saturating_sub(1) / 2)?;
    Some(f64::midpoint(lower, upper))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    const MINUTE: i64 = 60_000;

    fn rows(step_min: i64, load: &[f64]) -> Option<std::ops::Range<usize>> {
        let times: Vec<i64> = (0..load.len() as i64).map(|row| row * step_min * MINUTE).collect();
        latest_steady(&times, load)
    }

    /// Windows of 15 minutes, both ends included: four rows 5 minutes apart. (103 − 100)/101.5 is 3 %, 120 is not.
    #[test]
    fn the_latest_window_whose_load_stands_still_is_taken() {
        let load = [100.0, 101.0, 102.0, 103.0, 120.0, 140.0];
        assert_eq!(rows(5, &load), Some(0..4));
        assert_eq!(rows(15, &load), Some(2..4), "two rows a quarter of an hour apart");
        assert_eq!(rows(60, &load), Some(2..4), "hours: each row and the one before");
        assert_eq!(rows(5, &[100.0, 200.0, 100.0, 200.0, 100.0]), None);
        assert_eq!(rows(5, &[0.0; 8]), None, "a plant that is off is not steady");
        let gap = [100.0, 100.0, 100.0, 100.0, f64::NAN, 100.0, 100.0];
        assert_eq!(rows(5, &gap), Some(0..4), "no load, no window");
        assert_eq!((rows(5, &[100.0]), rows(5, &[])), (None, None));
    }

    #[test]
    fn a_gap_in_time_ends_a_window() {
        let times: Vec<i64> = [0, 15, 30, 45, 60, 600].iter().map(|minute| minute * MINUTE).collect();
        assert_eq!(latest_steady(&times, &[100.0; 6]), Some(3..5));
    }

    #[test]
    fn medians() {
        assert_eq!(median(vec![3.0, 1.0, f64::NAN, 2.0]), Some(2.0));
        assert_eq!(median(vec![4.0, 1.0, 2.0, 3.0]), Some(2.5));
        assert_eq!(median(vec![f64::NAN]), None);
    }
}
