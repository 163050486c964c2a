//! One recommendation: settle the model, fill in what nobody gave, search, note the run, answer.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, LazyLock};
use std::time::Instant;

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use serde_json::{Value, json};
use tokio::sync::Semaphore;

use super::context::{self, Live};
use super::{OptimizeAnswer, OptimizeRequest, refused, runs, store};
use crate::audit::{self, Act};
use crate::datasets::clock;
use crate::error::{Context, ErrorKind, Result};
use crate::events::{self, NewEvent};
use crate::state::AppState;
use crate::times::utc;
use crate::training::{self, Found};
use hvac_modelling::document::ModelDocument;
use hvac_modelling::features::FeatureSource;
use hvac_modelling::role::{Decider, Role};
use hvac_modelling::setpoint::{Assumption, SetpointAnswer, SetpointQuestion, recommend};
use hvac_store::entity::optimization_run;
use hvac_store::{new_id, now};

/// Searches at once: they compute only, so more than there are cores would only make each wait longer.
static SEARCHES: LazyLock<Semaphore> =
    LazyLock::new(|| Semaphore::new(std::thread::available_parallelism().map_or(1, usize::from)));

/// Recommends set-points, and notes the run before it answers.
///
/// # Errors
/// 404 for an unknown model or session; 409 when the model's file is gone or damaged; 422 naming each field that is
/// wrong, for a model without controls, and for constraints that conflict.
#[tracing::instrument(level = "debug", skip_all)]
pub async fn optimize(state: &AppState, request: OptimizeRequest) -> Result<OptimizeAnswer> {
    let found = training::find(state, &request.model).await?;
    let zone = found.document.lineage.timezone.parse().unwrap_or(state.config.site_timezone);
    let asked = question(&found.document, &request);
    let given_time = request.timestamp.as_deref().map(|text| clock::parse("timestamp", text, zone)).transpose()?;
    let filled = fill(state, &found.document, asked.clone(), request.session_id.as_deref(), given_time, zone).await?;
    let (mut answer, duration_ms) = search(&found, filled.question, !request.input_data.is_empty()).await?;
    answer.assumptions.splice(0..0, filled.assumptions);
    answer.missing = answer.assumptions.iter().map(|one| one.name.clone()).collect();
    if let Some(note) = filled.note {
        answer.message = format!("{}. {note}", answer.message.trim_end_matches('.'));
    }
    let input_data = json!({
        "model": request.model, "conditions": asked.conditions, "current": asked.current,
        "variables": asked.variables, "constraints": asked.constraints, "method": asked.method, "seed": asked.seed,
        "session_id": request.session_id, "timestamp": request.timestamp,
    });
    let run = row(&found, &answer, input_data, filled.session_id, duration_ms, zone)?;
    let txn = state.store.db.begin().await?;
    store::insert(&txn, run.clone()).await?;
    audit::note(&txn, state.principal(), Act::on("optimization.create", "optimization", &run.id)).await?;
    txn.commit().await.internal("noting a recommendation")?;
    state.events.publish(recommended(&found, &run));
    Ok(OptimizeAnswer {
        success: true,
        run_id: run.id,
        model_id: found.row.id,
        model_name: found.row.name,
        model_version: runs::label(found.row.version),
        unit: found.document.target_unit.clone(),
        session_id: run.session_id,
        duration_ms,
        created_at: utc(run.created_at),
        answer,
    })
}

/// What is asked, with the flat call's numbers sorted into conditions and present set-points.
fn question(model: &ModelDocument, request: &OptimizeRequest) -> SetpointQuestion {
    let (mut current, mut conditions): (BTreeMap<_, _>, BTreeMap<_, _>) =
        request.input_data.iter().map(|(name, x)| (name.clone(), *x)).partition(|(name, _)| is_control(model, name));
    conditions.extend(request.conditions.clone());
    current.extend(request.current.clone());
    SetpointQuestion {
        conditions,
        current,
        variables: request.variables.clone(),
        constraints: request.constraints.clone(),
        method: request.method,
        seed: request.seed,
        time_ms: None,
    }
}

/// Whether a name – a role, a feature or its column – is what the operator decides.
fn is_control(model: &ModelDocument, name: &str) -> bool {
    let role: Option<Role> = serde_json::from_value(Value::String(name.to_owned())).ok();
    let feature = || model.features.iter().find(|feature| feature.name == name);
    let column =
        || model.features.iter().find(|f| matches!(&f.source, FeatureSource::Column { column } if column == name));
    let role = role.or_else(|| feature().or_else(column).map(|feature| feature.role));
    role.is_some_and(|role| role.part() == Decider::Control)
}

/// A question with live context.
struct Filled {
    question: SetpointQuestion,
    /// What was taken from the session.
    assumptions: Vec<Assumption>,
    session_id: Option<String>,
    /// Why nothing was taken from a session.
    note: Option<String>,
}

async fn fill(
    state: &AppState,
    model: &ModelDocument,
    mut question: SetpointQuestion,
    session_id: Option<&str>,
    given_time: Option<i64>,
    zone: Tz,
) -> Result<Filled> {
    let given = question.conditions.iter().chain(&question.current).map(|(name, x)| (name.clone(), *x)).collect();
    let lacking = context::lacking(model, &given, zone);
    let (mut live, mut note) = live_context(state, model, session_id, &lacking).await?;
    if let Some(taken) = &mut live {
        match context::disagreement(model, &given, &taken.values, zone) {
            None => taken.values.retain(|column, _| lacking.contains(column)),
            Some(difference) => {
                note = Some(format!(
                    "What was given is not the latest steady state of session {} ({difference}), so nothing was taken \
                     from it.",
                    taken.session_id
                ));
                live = None;
            }
        }
    }
    let mut assumptions = Vec::new();
    for (column, value) in live.iter().flat_map(|live| &live.values) {
        let part = if is_control(model, column) { &mut question.current } else { &mut question.conditions };
        part.insert(column.clone(), *value);
        let source = live.as_ref().map(|live| live.source.clone()).unwrap_or_default();
        assumptions.push(Assumption { name: column.clone(), value: *value, source });
    }
    question.time_ms = Some(given_time.or(live.as_ref().map(|live| live.time_ms)).unwrap_or(now().timestamp_millis()));
    Ok(Filled { question, assumptions, session_id: live.map(|live| live.session_id), note })
}

/// From the session that was named, or else the one that the model was made from; if that one cannot help, why.
async fn live_context(
    state: &AppState,
    model: &ModelDocument,
    named: Option<&str>,
    lacking: &BTreeSet<String>,
) -> Result<(Option<Live>, Option<String>)> {
    let session_id = named.unwrap_or(&model.lineage.session_id);
    if lacking.is_empty() && named.is_none() {
        return Ok((None, None));
    }
    let complete = lacking.is_empty();
    let columns = if complete { BTreeSet::new() } else { context::needed(model) };
    match context::live(state, model, session_id, columns).await {
        Ok(None) if !complete => {
            let note = format!(
                "Session {session_id} has no steady rows in its last week with what was not given, so the model's own \
                 rows stand for it."
            );
            Ok((None, Some(note)))
        }
        Ok(live) => Ok((live, None)),
        Err(error) if named.is_none() && matches!(error.kind(), ErrorKind::NotFound | ErrorKind::Conflict) => {
            let note = format!(
                "The session that the model was made from cannot be used ({}), so the model's own rows stand for what \
                 was not given.",
                error.message
            );
            Ok((None, Some(note)))
        }
        Err(error) => Err(error),
    }
}

/// Searches beside the request's thread; answers how long it took, ms.
async fn search(found: &Found, question: SetpointQuestion, flat: bool) -> Result<(SetpointAnswer, u64)> {
    let permit = SEARCHES.acquire().await.internal("waiting for a search to end")?;
    let model = Arc::clone(&found.document);
    let searching = tokio::task::spawn_blocking(move || {
        let _permit = permit;
        let begun = Instant::now();
        let answer = recommend(&model, &question);
        (answer, u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX))
    });
    let (answer, duration_ms) = searching.await.internal("looking for set-points")?;
    Ok((answer.map_err(|error| refused(error, flat))?, duration_ms))
}

/// What is told of a recommendation: to whoever sees the session of its model, as runs are seen.
fn recommended(found: &Found, run: &optimization_run::Model) -> NewEvent {
    let about = run.session_id.as_deref().unwrap_or(&found.row.session_id);
    let data = json!({
        "run_id": run.id, "model_id": run.model_id, "model_name": found.row.name,
        "model_version": runs::label(found.row.version), "session_id": run.session_id,
        "predicted_power": run.predicted_power, "baseline_power": run.baseline_power, "savings_kw": run.savings_kw,
        "savings_percent": run.savings_percent, "change": run.is_change, "recommendations": run.recommendations,
    });
    NewEvent::of_session(events::RECOMMENDATION, &found.row.session_id, &data).about(about)
}

fn row(
    found: &Found,
    answer: &SetpointAnswer,
    input_data: Value,
    session_id: Option<String>,
    duration_ms: u64,
    zone: Tz,
) -> Result<optimization_run::Model> {
    let created_at: DateTime<Utc> = now();
    let written = |doing| move |value: serde_json::Result<Value>| value.internal(doing);
    Ok(optimization_run::Model {
        id: new_id(),
        model_id: found.row.id.clone(),
        session_id,
        input_data,
        method: written("writing a method")(serde_json::to_value(answer.method))?
            .as_str()
            .unwrap_or_default()
            .to_owned(),
        predicted_power: answer.predicted_power,
        baseline_power: Some(answer.baseline_power),
        savings_kw: answer.savings_kw,
        savings_percent: answer.savings_percent,
        is_change: answer.change,
        recommendations: written("writing recommendations")(serde_json::to_value(&answer.recommendations))?,
        answer: written("writing an answer")(serde_json::to_value(answer))?,
        local_date: created_at.with_timezone(&zone).format("%Y-%m-%d").to_string(),
        duration_ms: i64::try_from(duration_ms).unwrap_or(i64::MAX),
        created_at,
    })
}
