//! Training: a stored dataset in, a versioned model file with its lineage and honest metrics out.
//!
//! A training is a job: its row in `trained_models` (whose id is the job's) and its version number exist from the
//! moment it is enqueued, its file from the moment it is committed. Versions count by name, over all sites, so that
//! `plant:v3` means one model. One file a use case; the mathematics is in `hvac_modelling`, every query in `store.rs`.
//!
//! A number is tried once, as a cleaning's is. Numbers of models that were deleted are not used again.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::{IntoParams, ToSchema};

use crate::error::{Detail, Error, Result, codes};
use crate::limits;
pub use hvac_cleaning::Interval;
use hvac_modelling::ModelError;
use hvac_modelling::document::{ModelLineage, Prediction};
pub use hvac_modelling::evaluate::{Judgement, Metrics, Scores};
use hvac_modelling::features::Feature;
use hvac_modelling::mapping::FeatureMapping;
use hvac_modelling::options::TrainOptions;

pub mod aliases;
pub mod ask;
pub mod evaluation;
mod found;
mod load;
mod mapping;
pub mod models;
mod name;
mod parameters;
pub mod predict;
pub mod run;
mod store;

pub use found::{Found, find};
pub use load::hourly;

/// Changes whenever the same dataset and options would be trained into another model.
pub const TRAINER_VERSION: &str = "3";

/// `POST /api/models/train`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, ToSchema)]
#[serde(default)]
pub struct TrainRequest {
    /// Letters of any script, digits, `_`, `-` and `.`; the model's versions count by it.
    #[schema(example = "plant_power", required = true)]
    pub model_name: String,
    /// Which columns play which part; what their names suggest when it is left out or names no column. What leaks the
    /// target is left out and named in `warnings`. Without a target, the plant's total power, else the largest power.
    pub feature_mapping: Option<FeatureMapping>,
    /// The session; the one last parsed over HTTP when left out (deprecated).
    pub session_id: Option<String>,
    /// `latest` (default), `parsed`, `cleaned`, `parsed-v2`, `cleaned-v1`, or a dataset's id.
    pub version: Option<String>,
    /// Width of the rows to train on; the stored rows when left out.
    #[schema(example = "30m")]
    pub interval: Option<Interval>,
    /// The same as `features.allow_leakage`: keep columns that leak the target; the model then says so.
    pub allow_leakage: bool,
    /// Make a new version even when the same request was answered before.
    pub force: bool,
    /// `true`: answer when the model is there; else 202 at once, and the job is to be followed at `/api/jobs/{id}`.
    #[schema(default = false)]
    pub wait: Option<bool>,
    /// Which algorithm, which features, how to fit, which rows are held out.
    #[serde(flatten)]
    pub options: TrainOptions,
}

/// The request's own fields, beside the options.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Head {
    model_name: String,
    feature_mapping: Option<FeatureMapping>,
    session_id: Option<String>,
    version: Option<String>,
    interval: Option<Interval>,
    allow_leakage: bool,
    force: bool,
    wait: Option<bool>,
}

impl TrainRequest {
    /// Reads a request's JSON. A field that is null is as good as left out; `allow_leakage` may also stand at the top.
    ///
    /// # Errors
    /// 422 naming the field whose value cannot be used.
    pub fn read(mut body: Map<String, Value>) -> Result<Self> {
        body.retain(|_, value| !value.is_null());
        let body = Value::Object(body);
        let head: Head = field_by_field(&body)?;
        for own in head.feature_mapping.iter().flat_map(|mapping| mapping.custom_categories.keys()) {
            limits::name("feature_mapping.custom_categories", own)?;
        }
        let mut options: TrainOptions = field_by_field(&body)?;
        options.features.allow_leakage |= head.allow_leakage;
        let given = |text: Option<String>| text.map(|t| t.trim().to_owned()).filter(|t| !t.is_empty());
        Ok(Self {
            model_name: head.model_name.trim().to_owned(),
            feature_mapping: head.feature_mapping,
            session_id: given(head.session_id),
            version: given(head.version),
            interval: head.interval,
            allow_leakage: head.allow_leakage,
            force: head.force,
            wait: head.wait,
            options,
        })
    }
}

fn field_by_field<T: DeserializeOwned>(body: &Value) -> Result<T> {
    serde_path_to_error::deserialize(body).map_err(|error| {
        let field = error.path().to_string();
        let message = format!("{field}: {}", error.inner());
        Error::invalid(&field, codes::INVALID_FIELD, message)
    })
}

/// What the pure room refused, as this program's error: each problem with its field.
pub fn refused(error: ModelError) -> Error {
    let ModelError { code, message, problems } = error;
    match code {
        "internal" => Error::internal(message),
        "cancelled" => Error::new(codes::JOB_CANCELLED, message),
        _ => {
            let detail = |problem: hvac_modelling::Problem| Detail {
                field: Some(problem.field).filter(|field| !field.is_empty()),
                message: problem.message,
                ..Detail::default()
            };
            problems
                .into_iter()
                .map(detail)
                .fold(Error::new(codes::named(code).unwrap_or(codes::INTERNAL), message), Error::with_detail)
        }
    }
}

/// Answer to a training.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct TrainAnswer {
    /// One or two sentences.
    pub message: String,
    /// The model's name.
    pub model_name: String,
    /// `training`, or `completed` when the model is there.
    #[schema(example = "training")]
    pub status: &'static str,
    /// The model.
    pub model_id: String,
    /// Its job, to be followed at `/api/jobs/{id}`; the same id.
    pub job_id: String,
    /// `v1`; a job that must begin again takes the next number.
    #[schema(example = "v1")]
    pub version: String,
    /// The number in it.
    pub version_number: u32,
    /// The session.
    pub session_id: String,
    /// The stored version it is made from.
    pub dataset_id: String,
    /// Its label, such as `cleaned-v1`.
    pub dataset_version: String,
    /// Which columns play which part, without those that leak the target.
    #[schema(value_type = FeatureMapping)]
    pub feature_mapping: Value,
    /// Whether the mapping was suggested by the columns' names, because the request had none.
    pub mapping_suggested: bool,
    /// Whether an earlier request made it, or is making it.
    pub reused: bool,
    /// What a user should know: columns that are left out because they leak the target, the target that was chosen;
    /// sentences.
    pub warnings: Vec<String>,
    /// Everything about it, once it is there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub model: Option<Box<ModelDetail>>,
}

/// Which models to list, and which page.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, IntoParams)]
#[serde(default)]
#[into_params(parameter_in = Query)]
pub struct ModelFilter {
    /// Only of this folder: a site, or `default` for models without one.
    pub subfolder: Option<String>,
    /// Only names with this in them, any case.
    pub q: Option<String>,
    /// Only of this session.
    pub session_id: Option<String>,
    /// From 1.
    pub page: Option<u64>,
    /// 1…100, default 100.
    pub page_size: Option<u64>,
}

/// One version of a model.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct ModelSummary {
    /// UUID v7; also its job's.
    pub id: String,
    /// Its name.
    pub name: String,
    /// `v1`.
    #[schema(example = "v1")]
    pub version: String,
    /// The number in it.
    pub version_number: u32,
    /// Folder it is listed in: the site, or `default`.
    pub folder: String,
    /// `queued`, `running`, `completed`, `failed`, `cancelled`.
    pub status: String,
    /// `gbdt`, `physics`, `hybrid`; `auto` until that is decided.
    pub algorithm: String,
    /// Mean absolute percentage error on the held-out rows in time order, 0–100….
    pub mape: Option<f64>,
    /// Coefficient of determination on the same rows.
    pub r2: Option<f64>,
    /// CV(RMSE) on the same rows, 0–100….
    pub cv_rmse: Option<f64>,
    /// Whether its 90 % prediction interval held 85 to 95 % of the held-out rows; `metrics.interval.reason` says why not.
    /// Null until it is completed, and of a model of an older version.
    pub calibrated: Option<bool>,
    /// Columns that tell it the answer and were allowed: its errors say nothing.
    pub leaks: Vec<String>,
    /// Features it was made from.
    pub feature_count: Option<u64>,
    /// Column that it predicts.
    pub target_col: String,
    /// Aliases that stand for this version.
    pub aliases: Vec<String>,
    /// The session it was made from.
    pub session_id: String,
    /// The stored version it was made from.
    pub dataset_id: String,
    /// Bytes of the file.
    pub size_bytes: Option<u64>,
    /// `ok`, `missing`, `damaged`.
    pub integrity: String,
    /// Why it failed.
    pub error: Option<String>,
    /// UTC.
    pub created_at: String,
    /// UTC.
    pub finished_at: Option<String>,
}

/// A model in a list: its newest completed version, or its newest when none is completed.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct ListedModel {
    /// That version.
    #[serde(flatten)]
    pub model: ModelSummary,
    /// Versions of that name, whatever became of them.
    pub versions_count: u64,
    /// Newest version, also one that is under way or failed.
    pub newest_version: String,
    /// What became of that.
    pub newest_status: String,
    /// Whether the version that is listed can recommend set-points.
    pub can_optimize: bool,
}

/// `GET /api/models`.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct ModelList {
    /// Folders: the sites, and `default`.
    pub folders: Vec<String>,
    /// Newest first; one entry a name.
    pub models: Vec<ListedModel>,
    /// Names in each folder.
    pub folder_counts: std::collections::BTreeMap<String, u64>,
    /// Names in all folders.
    pub total_models: u64,
    /// The folder that is listed; `.` is all of them.
    pub directory: String,
    /// Names that match.
    pub total: u64,
    /// From 1.
    pub page: u64,
    /// Names a page.
    pub page_size: u64,
    /// Pages.
    pub total_pages: u64,
}

/// Everything about one version of a model.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct ModelDetail {
    /// As in a list.
    #[serde(flatten)]
    pub summary: ModelSummary,
    /// How good it is; null until it is completed.
    #[schema(value_type = Option<Metrics>)]
    pub metrics: Option<Value>,
    /// In the matrix's order, each with its unit and the range it was trained on; null when the file cannot be read.
    pub features: Option<Vec<Feature>>,
    /// Which columns play which part.
    #[schema(value_type = FeatureMapping)]
    pub feature_mapping: Value,
    /// Whether the mapping was suggested by the columns' names.
    pub mapping_suggested: bool,
    /// What was asked for, defaults included.
    #[schema(value_type = TrainOptions)]
    pub options: Value,
    /// Width of the rows it was trained on, when they were resampled.
    pub interval: Option<String>,
    /// What it was made from; null until it is completed.
    #[schema(value_type = Option<ModelLineage>)]
    pub lineage: Option<Value>,
    /// Unit of what it predicts.
    pub target_unit: Option<String>,
    /// Half width of the prediction interval, in that unit; `calibrated` says whether it holds what it is meant to.
    pub interval_half_width: Option<f64>,
    /// Whether set-points can be judged by it.
    pub can_optimize: bool,
    /// What it was made with: program and booster, with versions.
    pub made_with: std::collections::BTreeMap<String, String>,
    /// Of the file, hex.
    pub sha256: Option<String>,
    /// Recommendations that were made with it.
    pub optimization_runs: u64,
    /// UTC.
    pub started_at: Option<String>,
}

/// The newest completed version of a name, and all versions.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct NamedModel {
    /// The newest completed one.
    #[serde(flatten)]
    pub model: ModelDetail,
    /// All, newest first, whatever became of them.
    pub versions: Vec<ModelSummary>,
}

/// `PUT /api/models/by-name/{name}/aliases/{alias}`.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AliasRequest {
    /// A completed version: 3, or `v3`.
    #[schema(value_type = String, example = "v3")]
    pub version: Value,
}

/// An alias and what it stands for.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct AliasAnswer {
    /// The model's name.
    pub name: String,
    /// The alias.
    pub alias: String,
    /// `v3`.
    pub version: String,
    /// The number in it.
    pub version_number: u32,
    /// The model.
    pub model_id: String,
    /// What it stood for before.
    pub previous_version: Option<String>,
}

/// `POST /api/models/{id}/predict`.
#[derive(Debug, Clone, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PredictRequest {
    /// At most 10 000. In each, numbers by feature, column or role (`load_rt`), and perhaps a `timestamp` (ISO 8601;
    /// without an offset, the site's clock).
    #[schema(value_type = Vec<Object>)]
    pub rows: Vec<Map<String, Value>>,
}

/// What a model predicts.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct PredictAnswer {
    /// One a row, in their order.
    pub predictions: Vec<Prediction>,
    /// Length of `predictions`.
    pub count: u64,
    /// The model.
    pub model_id: String,
    /// Its name.
    pub model_name: String,
    /// `v1`.
    pub version: String,
    /// Column that it predicts.
    pub target_col: String,
    /// Unit of the predictions.
    pub target_unit: Option<String>,
    /// Whether `lower` and `upper` hold nine rows in ten, as far as held-out rows tell; null of a model of an older version.
    pub calibrated: Option<bool>,
}
