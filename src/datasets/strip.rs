//! How full a frame is, at a glance: the mean over its points of the time that has a sample, in equal parts of its time.
//!
//! A sample stands for the interval after it, so that parts need not begin with one.

use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::opened::Frame;
use super::resolved::Resolved;
use super::version::settled;
use super::{Answer, DatasetLabel, DatasetSelector, answer, clock};
use crate::error::{Error, Result, codes};
use crate::state::AppState;
use hvac_cleaning::{Recording, is_on_change};
use hvac_frame::column::{ColumnMeta, Kind};

/// Parts when the request does not say.
const SLICES: i64 = 48;
/// Most parts of one answer.
pub const MOST_SLICES: i64 = 500;

/// Asks for a strip.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, IntoParams)]
#[serde(default)]
#[into_params(parameter_in = Query)]
pub struct StripQuery {
    /// 1…500, default 48.
    pub slices: Option<i64>,
}

/// How full a frame is.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct CoverageStrip {
    /// The frame.
    #[serde(flatten)]
    pub dataset: DatasetLabel,
    /// First time; null of a frame without rows.
    pub start_at: Option<String>,
    /// Last time.
    pub end_at: Option<String>,
    /// Mean over all points and parts, 0–100; null where it is of none known how often it is recorded.
    pub percent: Option<f64>,
    /// The same of each equal part of the time, in order.
    pub slices: Vec<Option<f64>>,
    /// Points that have no value at all.
    pub dead_points: u64,
}

/// How full a frame is, part by part.
///
/// # Errors
/// As [`super::version::resolve`]; 422 for a number of parts out of range.
#[tracing::instrument(level = "debug", skip_all)]
pub async fn strip(state: &AppState, selector: &DatasetSelector, query: &StripQuery) -> Result<Answer<CoverageStrip>> {
    let slices = query.slices.unwrap_or(SLICES);
    if !(1..=MOST_SLICES).contains(&slices) {
        let message = format!("slices: {slices} is out of range; ask for 1 to {MOST_SLICES}");
        return Err(Error::invalid("slices", codes::OUT_OF_RANGE, message));
    }
    let dataset = settled(state, selector).await?;
    answer::computed(state, dataset, &format!("strip {slices}"), move |frame, dataset| {
        answer::json(&of_frame(frame, dataset, slices)?)
    })
    .await
}

fn of_frame(frame: &Frame, dataset: &Resolved, slices: i64) -> Result<CoverageStrip> {
    let at_ms = frame.axis(0..frame.row_count)?;
    let edges = edges(&at_ms, slices);
    let recording = Recording::new(&at_ms);
    let of = |meta: &ColumnMeta| -> Result<(u64, Vec<Option<f64>>)> {
        let values: Vec<f64> = match meta.kind {
            Kind::Text => frame.texts(&meta.name)?.iter().map(|text| text.map_or(f64::NAN, |_| 0.0)).collect(),
            _ => frame.numbers(&meta.name)?.into_iter().map(|value| value.unwrap_or(f64::NAN)).collect(),
        };
        let samples = values.iter().filter(|value| !value.is_nan()).count() as u64;
        let shares = match recording.every_ms(meta, &values) {
            _ if samples == 0 && !is_on_change(meta) => vec![Some(0.0); edges.len().saturating_sub(1)],
            Some(every_ms) if every_ms > 0.0 => standing(&at_ms, &values, every_ms, &edges),
            _ => vec![None; edges.len().saturating_sub(1)],
        };
        Ok((samples, shares))
    };
    let points: Vec<(u64, Vec<Option<f64>>)> = dataset.columns.par_iter().map(of).collect::<Result<_>>()?;
    let mean = |shares: &mut dyn Iterator<Item = Option<f64>>| {
        let (sum, count) = shares.flatten().fold((0.0, 0_u32), |(sum, count), share| (sum + share, count + 1));
        (count > 0).then(|| (sum / f64::from(count) * 1000.0).round() / 10.0)
    };
    let of_slice = |slice: usize| mean(&mut points.iter().map(|(_, shares)| shares.get(slice).copied().flatten()));
    let iso = |at: Option<&i64>| at.map(|at| clock::iso(dataset.zone, *at));
    Ok(CoverageStrip {
        dataset: dataset.label.clone(),
        start_at: iso(at_ms.first()),
        end_at: iso(at_ms.last()),
        percent: mean(&mut points.iter().flat_map(|(_, shares)| shares.iter().copied())),
        slices: (1..edges.len()).map(|end| of_slice(end - 1)).collect(),
        dead_points: points.iter().filter(|(samples, _)| *samples == 0).count() as u64,
    })
}

/// Where equal parts of the time begin, from the first row on, and where the last one ends: an interval behind the last row.
fn edges(at_ms: &[i64], slices: i64) -> Vec<i64> {
    let (Some(first), Some(last)) = (at_ms.first(), at_ms.last()) else { return Vec::new() };
    // A row stands for the time until the next one.
    let step = at_ms.iter().zip(at_ms.iter().skip(1)).map(|(a, b)| b - a).min().unwrap_or(1);
    let length = last - first + step;
    let edge = |slice: i64| {
        first + i64::try_from(i128::from(length) * i128::from(slice) / i128::from(slices)).unwrap_or(length)
    };
    (0..=slices).map(edge).collect()
}

/// Which share of each part has a sample, where one stands for `every_ms`, or until the next one.
fn standing(at_ms: &[i64], values: &[f64], every_ms: f64, edges: &[i64]) -> Vec<Option<f64>> {
    let mut held = vec![0.0; edges.len().saturating_sub(1)];
    let present: Vec<f64> =
        at_ms.iter().zip(values).filter(|(_, value)| !value.is_nan()).map(|(at, _)| *at as f64).collect();
    let next = present.iter().skip(1).copied().chain([f64::INFINITY]);
    let mut part = 0;
    for (at, next) in present.iter().copied().zip(next) {
        let (mut from, to) = (at, next.min(at + every_ms));
        while let (Some(held), Some(end)) = (held.get_mut(part), edges.get(part + 1).map(|end| *end as f64)) {
            *held += (to.min(end) - from).max(0.0);
            if to < end {
                break;
            }
            from = from.max(end);
            part += 1;
        }
    }
    let lengths = edges.iter().zip(edges.iter().skip(1)).map(|(from, to)| (to - from) as f64);
    held.into_iter().zip(lengths).map(|(held, length)| (length > 0.0).then(|| (held / length).min(1.0))).collect()
}
