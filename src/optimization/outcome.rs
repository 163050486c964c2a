//! What became of a recommendation: whether it was applied, and from when until when.
//!
//! A statement is kept for good: one that differs from the last becomes the next revision and holds, the same one again
//! changes nothing. Committed before it is answered; it goes with its run.

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::store;
use crate::audit::{self, Act};
use crate::datasets::version::resolve;
use crate::datasets::{DatasetSelector, clock};
use crate::error::{Context, Error, Result, codes};
use crate::limits;
use crate::state::AppState;
use crate::times::utc;
use crate::training;
use hvac_store::entity::{optimization_outcome, trained_model};
use hvac_store::now;

/// What became of it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, Serialize, ToSchema)]
pub struct OutcomeRequest {
    /// Whether the recommended set-points were set.
    pub applied: bool,
    /// Since when (ISO 8601; without an offset, the site's clock); required with `applied: true`.
    #[serde(default)]
    pub applied_at: Option<String>,
    /// Until when, where they were changed again; still kept when left out.
    #[serde(default)]
    pub applied_until: Option<String>,
    /// The session whose data show the time after; the newest one of the model's site that has some when left out.
    #[serde(default)]
    pub session_id: Option<String>,
    /// Whatever is to be said of it.
    #[serde(default)]
    pub note: Option<String>,
}

/// What became of a recommendation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct StatedOutcome {
    /// The recommendation.
    pub run_id: String,
    /// From 1; each statement that differs from the one before is one more, and the last holds.
    pub revision: u32,
    /// Whether the recommended set-points were set.
    pub applied: bool,
    /// Since when, UTC.
    pub applied_at: Option<String>,
    /// Until when, UTC; null when they still hold.
    pub applied_until: Option<String>,
    /// The session whose data show the time after; null for the newest one of the site.
    pub session_id: Option<String>,
    /// Whatever is to be said of it.
    pub note: Option<String>,
    /// When it was stated, UTC.
    pub created_at: String,
}

impl From<optimization_outcome::Model> for StatedOutcome {
    fn from(row: optimization_outcome::Model) -> Self {
        Self {
            run_id: row.run_id,
            revision: row.revision.unsigned_abs(),
            applied: row.applied,
            applied_at: row.applied_at.map(utc),
            applied_until: row.applied_until.map(utc),
            session_id: row.session_id,
            note: row.note,
            created_at: utc(row.created_at),
        }
    }
}

/// States what became of a recommendation.
///
/// # Errors
/// 404 for an unknown run or session; 422 for times that cannot be.
pub async fn state_outcome(state: &AppState, run_id: &str, request: OutcomeRequest) -> Result<StatedOutcome> {
    let (run, model) = store::get(state.store.db.read(), state.principal(), run_id).await?;
    let zone = zone_of(state, model.as_ref()).await?;
    let given = |text: Option<String>| text.map(|text| text.trim().to_owned()).filter(|text| !text.is_empty());
    let (applied_at, applied_until) = times(&request, zone)?;
    let session_id = given(request.session_id);
    if let Some(session_id) = &session_id {
        let selector = DatasetSelector { session_id: Some(session_id.clone()), version: None };
        match resolve(state, &selector).await {
            // Its data may still come.
            Err(error) if error.code == codes::NOT_PARSED => {}
            other => drop(other?),
        }
    }
    let note = given(request.note);
    if let Some(note) = &note {
        limits::note("note", note)?;
    }
    let txn = state.store.db.begin().await?;
    let last = store::outcome(&txn, &run.id).await?;
    let stated = optimization_outcome::Model {
        run_id: run.id.clone(),
        revision: last.as_ref().map_or(1, |last| last.revision.saturating_add(1)),
        applied: request.applied,
        applied_at,
        applied_until,
        session_id,
        note,
        created_at: now(),
    };
    if let Some(last) = last.filter(|last| is_same(last, &stated)) {
        return Ok(last.into());
    }
    store::insert_outcome(&txn, stated.clone()).await?;
    audit::note(&txn, state.principal(), Act::on("optimization.outcome", "optimization", &run.id)).await?;
    txn.commit().await.internal("noting what became of a recommendation")?;
    Ok(stated.into())
}

fn is_same(one: &optimization_outcome::Model, other: &optimization_outcome::Model) -> bool {
    let optimization_outcome::Model { revision, created_at, .. } = one.clone();
    optimization_outcome::Model { revision, created_at, ..other.clone() } == *one
}

/// The site's clock: of the model's data, where its file can be read.
async fn zone_of(state: &AppState, model: Option<&trained_model::Model>) -> Result<Tz> {
    let Some(model) = model else { return Ok(state.config.site_timezone) };
    let found = training::find(state, &model.id).await;
    Ok(found.ok().and_then(|found| found.document.lineage.timezone.parse().ok()).unwrap_or(state.config.site_timezone))
}

fn times(request: &OutcomeRequest, zone: Tz) -> Result<(Option<DateTime<Utc>>, Option<DateTime<Utc>>)> {
    let time = |field: &'static str, text: &Option<String>| {
        let text = text.as_deref().map(str::trim).filter(|text| !text.is_empty());
        text.map(|text| clock::parse(field, text, zone))
            .transpose()
            .map(|at| at.and_then(DateTime::from_timestamp_millis))
    };
    let (from, until) = (time("applied_at", &request.applied_at)?, time("applied_until", &request.applied_until)?);
    match (request.applied, from, until) {
        (true, None, _) => {
            let message = "applied_at: say since when the set-points were set, such as 2026-07-01 09:00";
            Err(Error::invalid("applied_at", codes::INVALID_FIELD, message))
        }
        (false, Some(_), _) => {
            let message = "applied_at: it is for set-points that were set; say applied: true, or leave it out";
            Err(Error::invalid("applied_at", codes::INVALID_FIELD, message))
        }
        (false, _, Some(_)) => {
            let message = "applied_until: it is for set-points that were set; say applied: true, or leave it out";
            Err(Error::invalid("applied_until", codes::INVALID_FIELD, message))
        }
        (true, Some(from), _) if from > now() => {
            let message = "applied_at: it lies in the future; state it once they are set";
            Err(Error::invalid("applied_at", codes::BAD_TIME_RANGE, message))
        }
        (true, Some(from), Some(until)) if until <= from => {
            let message = "applied_until: it must be later than applied_at";
            Err(Error::invalid("applied_until", codes::BAD_TIME_RANGE, message))
        }
        (_, from, until) => Ok((from, until)),
    }
}
