//! How full a frame is, at a glance: the mean over its points of what should be there and is, in equal parts of its time.

use std::ops::Range;

use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::coverage::{Stretch, shares_of};
use super::opened::Frame;
use super::version::{Resolved, settled};
use super::{Answer, DatasetLabel, DatasetSelector, answer, clock};
use crate::error::{Error, Result, codes};
use crate::state::AppState;
use hvac_cleaning::Recording;
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
    let parts = stretches(&at_ms, slices);
    let recording = Recording::new(&at_ms);
    let of = |meta: &ColumnMeta| -> Result<(u64, Vec<Option<f64>>)> {
        let values: Vec<f64> = match meta.kind {
            Kind::Text => frame.texts(&meta.name)?.iter().map(|text| text.map_or(f64::NAN, |_| 0.0)).collect(),
            _ => frame.numbers(&meta.name)?.into_iter().map(|value| value.unwrap_or(f64::NAN)).collect(),
        };
        let (samples, shares) = shares_of(meta, recording.every_ms(meta, &values), &values, &parts);
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
        slices: (0..parts.len()).map(of_slice).collect(),
        dead_points: points.iter().filter(|(samples, _)| *samples == 0).count() as u64,
    })
}

/// Equal parts of the time from the first row to behind the last one.
fn stretches(at_ms: &[i64], slices: i64) -> Vec<Stretch> {
    let (Some(first), Some(last)) = (at_ms.first(), at_ms.last()) else { return Vec::new() };
    // A row stands for the time until the next one.
    let step = at_ms.iter().zip(at_ms.iter().skip(1)).map(|(a, b)| b - a).min().unwrap_or(1);
    let length = last - first + step;
    let edge = |slice: i64| {
        first + i64::try_from(i128::from(length) * i128::from(slice) / i128::from(slices)).unwrap_or(length)
    };
    let part = |slice: i64| {
        let (from, to) = (edge(slice), edge(slice + 1));
        let rows: Range<usize> = at_ms.partition_point(|at| *at < from)..at_ms.partition_point(|at| *at < to);
        Stretch { length_ms: (to - from) as f64, rows }
    };
    (0..slices).map(part).collect()
}
