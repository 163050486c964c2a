//! What a recommendation that was applied has saved, measured: the data before and after, and a report of them.
//!
//! Before is the version that the model was made from, and whatever the session with the data after has of before; a year
//! of it at most. All the mathematics is in `hvac_modelling::savings`.

use std::sync::Arc;

use chrono::DateTime;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};

use super::metered::{self, Metered};
use super::outcome::StatedOutcome;
use super::{runs, store};
use crate::datasets::opened::Frame;
use crate::datasets::resolved::Resolved;
use crate::datasets::version::settled;
use crate::datasets::{DatasetLabel, DatasetSelector};
use crate::error::{Context, Error, ErrorKind, Result, codes};
use crate::state::AppState;
use crate::times::utc;
use crate::training::{self, Found};
use hvac_modelling::role::Role;
use hvac_modelling::savings::boundary::Boundary;
use hvac_modelling::savings::{MeasuredRows, MeasuredSavings, SavingsQuestion, Step, verify as measure};
use hvac_store::entity::{optimization_outcome, optimization_run};

const DAY_MS: i64 = 24 * 3_600_000;
/// Longest time before: a year has every condition once, and what is older is another plant.
const LONGEST_BEFORE_MS: i64 = 366 * DAY_MS;
/// Of the interval around the savings.
const CONFIDENCE: f64 = 0.9;
/// Share of the hours after that may lie outside the conditions before.
const MOST_OUTSIDE: f64 = 0.1;

/// How savings are told.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, IntoParams)]
#[serde(default)]
#[into_params(parameter_in = Query)]
pub struct VerifyQuery {
    /// Of the interval around the savings, 0.5…0.99, default 0.9.
    #[param(minimum = 0.5, maximum = 0.99)]
    pub confidence: Option<f64>,
    /// What the uncertainty counts: `day` (default), or `hour`.
    pub step: Option<String>,
    /// Share of the hours after whose conditions may lie outside the baseline's and are left out, 0…1, default 0.1.
    #[param(minimum = 0.0, maximum = 1.0)]
    pub max_outside: Option<f64>,
}

/// A report of measured savings, after ASHRAE Guideline 14 and IPMVP.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct Verification {
    /// True; a refusal is a problem document.
    pub success: bool,
    /// The recommendation.
    pub run_id: String,
    /// The model's name.
    pub model_name: String,
    /// The model's version.
    #[schema(example = "v3")]
    pub model_version: String,
    /// The model's site.
    pub site: Option<String>,
    /// What the model said it would save, percent of its own baseline at that operating point.
    pub predicted_percent: f64,
    /// What was set.
    pub changes: Vec<Change>,
    /// What was stated of it.
    pub outcome: StatedOutcome,
    /// IPMVP's option, why, and what is measured.
    #[serde(flatten)]
    pub boundary: Boundary,
    /// The stored versions that were read; the last holds where several have an hour.
    pub datasets: Vec<DatasetLabel>,
    /// IANA name of the site's clock.
    pub timezone: String,
    /// What was measured.
    #[serde(flatten)]
    pub measured: MeasuredSavings,
}

/// A set-point that was changed.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct Change {
    /// Its name.
    pub parameter: String,
    /// Before.
    pub from: Option<f64>,
    /// As recommended.
    pub to: f64,
    /// Of both.
    pub unit: Option<String>,
}

/// Verifies what a recommendation has saved.
///
/// # Errors
/// 404 for an unknown run; 409 when nobody stated an outcome, it was not applied, or a file is gone or damaged; 422 when
/// there are too few days or other conditions than before.
#[tracing::instrument(level = "debug", skip_all)]
pub async fn verify(state: &AppState, run_id: &str, query: &VerifyQuery) -> Result<Verification> {
    let (confidence, step, most_outside) = asked(query)?;
    let db = state.store.db.read();
    let (run, _) = store::get(db, state.principal(), run_id).await?;
    let outcome = store::outcome(db, &run.id).await?.ok_or_else(|| {
        let message = format!(
            "nobody has stated whether recommendation {run_id} was applied; state it with POST /api/optimizations/{run_id}/outcome"
        );
        Error::new(codes::NO_OUTCOME, message)
    })?;
    let Some(applied_at) = outcome.applied_at.filter(|_| outcome.applied) else {
        let message = format!(
            "recommendation {run_id} was not applied, so there is nothing to verify; if it was, state it with POST \
             /api/optimizations/{run_id}/outcome"
        );
        return Err(Error::new(codes::NOT_APPLIED, message));
    };
    let found = training::find(state, &run.model_id).await?;
    let question = SavingsQuestion {
        applied_ms: applied_at.timestamp_millis(),
        until_ms: outcome.applied_until.map(|until| until.timestamp_millis()),
        confidence,
        step,
        most_outside,
    };
    let (frames, mut notes) = frames(state, &found, &outcome, question.applied_ms).await?;
    let changes = changes(&run);
    let (metered, measured) = compute(state, &found, &frames, &changes, question).await?;
    notes.extend(metered.notes);
    notes.extend(others(state, &run, &outcome).await?);
    let mut measured = measured;
    measured.notes.splice(0..0, notes);
    Ok(Verification {
        success: true,
        run_id: run.id,
        model_name: found.row.name.clone(),
        model_version: runs::label(found.row.version),
        site: found.row.site.clone(),
        predicted_percent: run.savings_percent,
        changes,
        outcome: outcome.into(),
        boundary: metered.boundary,
        datasets: frames.iter().map(|frame| frame.label.clone()).collect(),
        timezone: metered.rows.zone.name().to_owned(),
        measured,
    })
}

fn asked(query: &VerifyQuery) -> Result<(f64, Step, f64)> {
    let within = |field: &'static str, value: Option<f64>, usual: f64, low: f64, high: f64| match value.unwrap_or(usual)
    {
        value if (low..=high).contains(&value) => Ok(value),
        value => {
            let message = format!("{field}: {value} is out of range; give {low} to {high}");
            Err(Error::invalid(field, codes::OUT_OF_RANGE, message))
        }
    };
    let step = match query.step.as_deref().map(str::trim).unwrap_or_default() {
        "" | "day" => Step::Day,
        "hour" => Step::Hour,
        other => {
            let message = format!("step: '{other}' is none of day, hour");
            return Err(Error::invalid("step", codes::UNKNOWN_PERIOD, message));
        }
    };
    Ok((
        within("confidence", query.confidence, CONFIDENCE, 0.5, 0.99)?,
        step,
        within("max_outside", query.max_outside, MOST_OUTSIDE, 0.0, 1.0)?,
    ))
}

/// The stored versions to read: the model's own, and the one with the data after, which holds where both have an hour.
async fn frames(
    state: &AppState,
    found: &Found,
    outcome: &optimization_outcome::Model,
    applied_ms: i64,
) -> Result<(Vec<Arc<Resolved>>, Vec<String>)> {
    let lineage = &found.document.lineage;
    let own = DatasetSelector { session_id: None, version: Some(lineage.dataset_id.clone()) };
    let mut notes = Vec::new();
    let own = match settled(state, &own).await {
        Ok(frame) => Some(frame),
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::Conflict) => {
            notes.push(format!("The data that the model was made from cannot be used: {}.", error.message));
            None
        }
        Err(error) => return Err(error),
    };
    let after = match &outcome.session_id {
        Some(session_id) => Some(latest(state, session_id).await?),
        None => newest(state, found, applied_ms).await?,
    };
    let mut frames: Vec<Arc<Resolved>> = own.into_iter().chain(after).collect();
    frames.dedup_by(|one, other| one.label.dataset_id == other.label.dataset_id);
    if frames.is_empty() {
        let message = "there are no data of the time after: parse reports of the site, or name their session in session_id of \
                       the outcome";
        return Err(Error::new(codes::TOO_FEW_DAYS, message));
    }
    Ok((frames, notes))
}

async fn latest(state: &AppState, session_id: &str) -> Result<Arc<Resolved>> {
    settled(state, &DatasetSelector { session_id: Some(session_id.to_owned()), version: None }).await
}

/// The newest session of the model's site, or its own, that has the model's power after that time.
async fn newest(state: &AppState, found: &Found, applied_ms: i64) -> Result<Option<Arc<Resolved>>> {
    let mut sessions = match &found.row.site {
        Some(site) => store::sessions_of(state.store.db.read(), state.principal(), site).await?,
        None => Vec::new(),
    };
    if !sessions.contains(&found.row.session_id) {
        sessions.push(found.row.session_id.clone());
    }
    for session_id in sessions {
        let frame = match latest(state, &session_id).await {
            Ok(frame) => frame,
            Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::Conflict) => continue,
            Err(error) => return Err(error),
        };
        if metered::has_power(&frame, &found.document) && has_rows_after(state, &frame, applied_ms).await? {
            return Ok(Some(frame));
        }
    }
    Ok(None)
}

async fn has_rows_after(state: &AppState, frame: &Arc<Resolved>, at_ms: i64) -> Result<bool> {
    let (state, frame) = (state.clone(), Arc::clone(frame));
    let looking = tokio::task::spawn_blocking(move || {
        let opened = Frame::open(&state, &frame)?;
        Ok(!opened.rows_between(Some(at_ms), None)?.is_empty())
    });
    looking.await.internal("looking for rows after a change")?
}

/// Reads and measures beside the request's thread.
async fn compute(
    state: &AppState,
    found: &Found,
    frames: &[Arc<Resolved>],
    changes: &[Change],
    question: SavingsQuestion,
) -> Result<(Metered, MeasuredSavings)> {
    let role = |change: &Change| -> Option<Role> {
        let named = serde_json::from_value(Value::String(change.parameter.clone())).ok();
        named.or_else(|| found.document.features.iter().find(|f| f.name == change.parameter).map(|f| f.role))
    };
    let changed: Vec<Role> = changes.iter().filter_map(role).collect();
    let columns = metered::choose(frames, &found.document, &changed)?;
    let (state, frames) = (state.clone(), frames.to_vec());
    let computing = tokio::task::spawn_blocking(move || {
        let mut metered = metered::read(&state, &frames, columns)?;
        forget_before(&mut metered.rows, question.applied_ms - LONGEST_BEFORE_MS);
        let measured = measure(&metered.rows, &question).map_err(training::refused)?;
        Ok((metered, measured))
    });
    computing.await.internal("measuring savings")?
}

/// Leaves out what lies before a time.
fn forget_before(rows: &mut MeasuredRows, at_ms: i64) {
    let first = rows.start_ms.partition_point(|at| *at < at_ms);
    rows.start_ms.drain(..first);
    for column in std::iter::once(&mut rows.power_kw).chain(&mut rows.load).chain(&mut rows.air) {
        column.drain(..first);
    }
}

/// What the run recommended to change.
fn changes(run: &optimization_run::Model) -> Vec<Change> {
    let of = |one: &Value| {
        let (from, to) = (one["current"].as_f64(), one["value"].as_f64()?);
        let text = |name: &str| one.get(name).and_then(Value::as_str).map(str::to_owned);
        let change = Change { parameter: text("parameter")?, from, to, unit: text("unit") };
        (from != Some(to)).then_some(change)
    };
    run.recommendations.as_array().into_iter().flatten().filter_map(of).collect()
}

/// What else was applied between the time before and now: its savings are in the sum as well.
async fn others(
    state: &AppState,
    run: &optimization_run::Model,
    outcome: &optimization_outcome::Model,
) -> Result<Option<String>> {
    let Some(applied_at) = outcome.applied_at else { return Ok(None) };
    let from = DateTime::from_timestamp_millis(applied_at.timestamp_millis() - LONGEST_BEFORE_MS).unwrap_or(applied_at);
    let to = outcome.applied_until.unwrap_or(DateTime::<chrono::Utc>::MAX_UTC);
    let others = store::applied_between(state.store.db.read(), &run.id, from, to).await?;
    let others: Vec<String> = others
        .into_iter()
        .filter(|(_, model_id, _)| *model_id == run.model_id)
        .map(|(id, _, at)| format!("{id} at {}", utc(at)))
        .collect();
    Ok((!others.is_empty()).then(|| {
        format!(
            "Other recommendations of this model were applied as well, before or after, and cannot be told from this one: {}.",
            others.join(", ")
        )
    }))
}
