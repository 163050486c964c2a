//! What a recommendation would begin with: the latest steady state, what the model has seen, what may be chosen.

use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::{context, runs};
use crate::datasets::clock;
use crate::error::{Error, ErrorKind, Result, codes};
use crate::state::AppState;
use crate::training;
use hvac_modelling::features::{self, Feature};
use hvac_modelling::role::{Decider, Role};
use hvac_modelling::setpoint::control_bounds;

/// For which model, and from which session.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, IntoParams)]
#[serde(default)]
#[into_params(parameter_in = Query)]
pub struct ConditionsQuery {
    /// The model: its name (the newest version), `name:v3`, `name:production`, or its id.
    #[param(required = true)]
    pub model: String,
    /// The session whose latest steady rows are taken; the one the model was trained on when left out.
    pub session_id: Option<String>,
}

/// What a recommendation would begin with.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct Conditions {
    /// The model.
    pub model_id: String,
    /// Its name.
    pub model_name: String,
    /// Its version.
    #[schema(example = "v3")]
    pub model_version: String,
    /// Unit of what it predicts.
    pub unit: Option<String>,
    /// Whether set-points can be judged by it; without, there are no inputs.
    pub can_optimize: bool,
    /// The session of the rows.
    pub session_id: Option<String>,
    /// The last of the rows, on the site's clock.
    pub at: Option<String>,
    /// Which rows, in words; why there are none.
    pub source: String,
    /// What the model's set-points are judged by.
    pub inputs: Vec<ConditionInput>,
}

/// A condition or a set-point.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct ConditionInput {
    /// The feature; as a key of `conditions` or `current` of `POST /api/optimize`.
    pub name: String,
    /// What it is in the plant.
    pub role: Role,
    /// Unit.
    pub unit: Option<String>,
    /// Whether the operator decides it: a set-point (`current`), not a condition.
    pub is_control: bool,
    /// Now: the median of the latest steady rows (of a machine's state, the last); null where they do not have it.
    pub value: Option<f64>,
    /// What it was in the rows that the model was trained on.
    pub seen: SeenRange,
    /// Of a set-point: the least that is recommended when nobody says otherwise.
    pub min: Option<f64>,
    /// The most.
    pub max: Option<f64>,
    /// An operator's step.
    pub step: Option<f64>,
}

/// Where a feature's values lay.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, ToSchema)]
pub struct SeenRange {
    /// Least.
    pub min: f64,
    /// 1 % of the rows are below.
    pub p01: f64,
    /// Half of the rows are below.
    pub median: f64,
    /// 1 % of the rows are above.
    pub p99: f64,
    /// Most.
    pub max: f64,
}

/// What a recommendation by that model would begin with.
///
/// # Errors
/// 404 for an unknown model or session; 409 when the model's file is gone or damaged; 422 when no model is named.
#[tracing::instrument(level = "debug", skip_all)]
pub async fn conditions(state: &AppState, query: &ConditionsQuery) -> Result<Conditions> {
    if query.model.trim().is_empty() {
        let message = "model: name one; GET /api/models lists them";
        return Err(Error::invalid("model", codes::MODEL_REQUIRED, message));
    }
    let named = query.session_id.as_deref().map(str::trim).filter(|id| !id.is_empty());
    let found = training::find(state, &query.model).await?;
    let model = &found.document;
    let zone = model.lineage.timezone.parse().unwrap_or(state.config.site_timezone);
    let session_id = named.unwrap_or(&model.lineage.session_id);
    let looked = match model.control {
        Some(_) => context::live(state, model, session_id, context::needed(model)).await,
        None => Ok(None),
    };
    let (live, why_not) = match looked {
        Ok(live) => (live, format!("session {session_id} has no steady rows in its last week")),
        Err(error) if named.is_none() && matches!(error.kind(), ErrorKind::NotFound | ErrorKind::Conflict) => {
            (None, error.message)
        }
        Err(error) => return Err(error),
    };
    let values = live.as_ref().map(|live| live.values.clone()).unwrap_or_default();
    let row = features::row(&model.features, &values, live.as_ref().map(|live| live.time_ms), zone);
    let input = |index: &usize| {
        let feature = model.features.get(*index)?;
        let bounds = control_bounds(model, feature);
        Some(ConditionInput {
            name: feature.name.clone(),
            role: feature.role,
            unit: feature.unit.clone(),
            is_control: feature.role.part() == Decider::Control,
            value: row.get(*index).copied().filter(|value| value.is_finite()),
            seen: seen(feature),
            min: bounds.map(|bounds| bounds.min),
            max: bounds.map(|bounds| bounds.max),
            step: bounds.map(|bounds| bounds.step),
        })
    };
    Ok(Conditions {
        model_id: found.row.id.clone(),
        model_name: found.row.name.clone(),
        model_version: runs::label(found.row.version),
        unit: model.target_unit.clone(),
        can_optimize: model.control.is_some(),
        session_id: live.as_ref().map(|live| live.session_id.clone()),
        at: live.as_ref().map(|live| clock::iso(zone, live.time_ms)),
        source: live.map_or(why_not, |live| live.source),
        inputs: model.control.iter().flat_map(|control| &control.features).filter_map(input).collect(),
    })
}

fn seen(feature: &Feature) -> SeenRange {
    let range = feature.range;
    SeenRange { min: range.min, p01: range.p01, median: range.median, p99: range.p99, max: range.max }
}
