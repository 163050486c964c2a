//! Which columns a training takes: as the request says, checked as far as names, units and kinds tell; or as the
//! columns' names suggest, without those that would leak the target.

use std::collections::BTreeMap;

use serde_json::Value;

use super::{load, refused};
use crate::cleaning::suggest::suggest;
use crate::datasets::version::Resolved;
use crate::datasets::{DatasetSelector, names};
use crate::error::{Detail, Error, ErrorKind, Result};
use crate::etl::column::Kind;
use crate::modelling::category::Category;
use crate::modelling::features::FeatureOptions;
use crate::modelling::mapping::{DEFAULT_TARGET, FeatureMapping};
use crate::modelling::samples::Samples;
use crate::modelling::{ModelError, Problem, leakage};
use crate::state::AppState;

/// Names that suggest a part less surely than this are left alone when nobody asked for them.
const SURE: f64 = 0.6;

/// A mapping that can be trained with, as far as can be told without values.
pub struct Settled {
    pub mapping: FeatureMapping,
    /// Whether names suggested it.
    pub suggested: bool,
    /// What a user should know; sentences.
    pub warnings: Vec<String>,
}

/// Settles the mapping of a request.
///
/// # Errors
/// 422 naming each column that is not there, with the closest; a target that is not there or no number; columns that
/// leak the target.
pub async fn settle(
    state: &AppState,
    dataset: &Resolved,
    asked: Option<FeatureMapping>,
    options: &FeatureOptions,
) -> Result<Settled> {
    let asked = asked.unwrap_or_default();
    let past = options.lags.is_empty() && options.rolling_means.is_empty();
    let suggested = asked.features().is_empty() && past;
    let mut warnings = Vec::new();
    let mut mapping = if suggested { suggested_mapping(state, dataset, asked).await? } else { asked };
    known(dataset, &mapping, options)?;
    numeric_target(dataset, &mapping)?;
    if suggested && !options.allow_leakage {
        let headers = load::headers(dataset, &mapping, options);
        warnings.extend(without_leaks(&mut mapping, &headers));
        if mapping.features().is_empty() {
            let message = "feature_mapping: no column's name suggests a feature; name the columns that play a part, or \
                           see GET /api/feature-mapping/suggest";
            return Err(Error::invalid("feature_mapping", "no_features", message));
        }
    }
    if !options.allow_leakage {
        refuse_leaks(&mapping, &load::headers(dataset, &mapping, options))?;
    }
    for name in mapping.features() {
        if dataset.columns.iter().any(|column| column.name == name && column.kind == Kind::Text) {
            warnings.push(format!("{name} holds texts and is left out"));
        }
    }
    Ok(Settled { mapping, suggested, warnings })
}

/// What the names of the columns suggest, with the request's own target if it has one.
async fn suggested_mapping(state: &AppState, dataset: &Resolved, asked: FeatureMapping) -> Result<FeatureMapping> {
    let selector = DatasetSelector {
        session_id: Some(dataset.label.session_id.clone()),
        version: Some(dataset.label.dataset_id.clone()),
    };
    let (suggestions, _) = suggest(state, &selector).await?;
    let mut columns: BTreeMap<String, Value> = BTreeMap::new();
    for found in suggestions.columns.iter().filter(|found| found.confidence >= SURE) {
        let listed = columns.entry(found.category.to_owned()).or_insert_with(|| Value::Array(Vec::new()));
        if let Value::Array(listed) = listed {
            listed.push(Value::String(found.column.clone()));
        }
    }
    let mapping = FeatureMapping::try_from(columns).map_err(Error::internal)?;
    let has = |name: &str| dataset.columns.iter().any(|column| column.name == name);
    let named = asked.target_col != DEFAULT_TARGET || has(&asked.target_col);
    let target = if named { Some(asked.target_col.clone()) } else { suggestions.target_col };
    let target_col = target.ok_or_else(|| {
        let message = "feature_mapping.target_col: say which column to predict; none of the columns' names says that it \
                       is the plant's whole power";
        Error::invalid("feature_mapping.target_col", "unknown_target", message)
    })?;
    Ok(FeatureMapping { target_col, target_metric: asked.target_metric, ..mapping })
}

/// Every name of the request is that of a column.
fn known(dataset: &Resolved, mapping: &FeatureMapping, options: &FeatureOptions) -> Result<()> {
    let columns = &dataset.columns;
    let mut wrong: Vec<Detail> = Vec::new();
    let mut look = |field: &str, name: &str| {
        if let Err(error) = names::find(columns, field, name) {
            wrong.extend(error.details);
        }
    };
    for category in Category::ALL {
        let field = format!("feature_mapping.{}", category.key());
        mapping.of(category).iter().for_each(|name| look(&field, name));
    }
    for (category, listed) in &mapping.custom_categories {
        let field = format!("feature_mapping.custom_categories.{category}");
        listed.iter().for_each(|name| look(&field, name));
    }
    for (option, keys) in [
        ("lags", options.lags.keys().collect::<Vec<_>>()),
        ("rolling_means", options.rolling_means.keys().collect()),
        ("roles", options.roles.keys().collect()),
    ] {
        keys.into_iter().for_each(|name| look(&format!("features.{option}"), name));
    }
    let Some(first) = wrong.first() else { return Ok(()) };
    let more = if wrong.len() > 1 { format!(" (and {} more)", wrong.len() - 1) } else { String::new() };
    let error = Error::new(ErrorKind::Invalid, "unknown_column", format!("{}{more}", first.message));
    Err(wrong.into_iter().fold(error, Error::with_detail))
}

fn numeric_target(dataset: &Resolved, mapping: &FeatureMapping) -> Result<()> {
    const FIELD: &str = "feature_mapping.target_col";
    let target = names::find(&dataset.columns, FIELD, &mapping.target_col)
        .map_err(|error| Error::invalid(FIELD, "unknown_target", error.message))?;
    let what = match target.kind {
        Kind::Instantaneous | Kind::Counter => return Ok(()),
        Kind::Status => "two states",
        Kind::Text => "texts",
    };
    let message =
        format!("{FIELD}: {} holds {what}; a model predicts a number, such as the plant's power", target.name);
    Err(Error::invalid(FIELD, "target_not_numeric", message))
}

fn refuse_leaks(mapping: &FeatureMapping, headers: &Samples) -> Result<()> {
    let problems = leakage::find(mapping, headers).into_iter().map(|leak| Problem {
        message: format!("{}: {}; leave it out, or set allow_leakage", leak.column, leak.reason),
        field: field_of(mapping, &leak.column),
    });
    ModelError::of("leakage", problems.collect()).map_or(Ok(()), |error| Err(refused(error)))
}

/// Takes the columns that leak out of a mapping that nobody asked for; says which and why.
pub fn without_leaks(mapping: &mut FeatureMapping, samples: &Samples) -> Vec<String> {
    let leaks = leakage::find(mapping, samples);
    mapping.retain_features(|name| !leaks.iter().any(|leak| leak.column == name));
    leaks.into_iter().map(|leak| format!("{} is left out: {}", leak.column, leak.reason)).collect()
}

/// The request's field that names a column.
fn field_of(mapping: &FeatureMapping, column: &str) -> String {
    let lists = |columns: &[String]| columns.iter().any(|name| name == column);
    let category = Category::ALL.into_iter().find(|category| lists(mapping.of(*category)));
    let custom = || mapping.custom_categories.iter().find(|(_, columns)| lists(columns));
    match category {
        Some(category) => format!("feature_mapping.{}", category.key()),
        None => custom().map_or_else(
            || "feature_mapping".to_owned(),
            |(name, _)| format!("feature_mapping.custom_categories.{name}"),
        ),
    }
}
