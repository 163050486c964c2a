//! Which columns a training takes: as the request says, checked as far as names, units and kinds tell; or as the
//! columns' names suggest, without those that would leak the target.

use std::collections::BTreeMap;

use serde_json::Value;

use super::{load, refused};
use crate::cleaning::suggest::suggest;
use crate::datasets::version::Resolved;
use crate::datasets::{DatasetSelector, names};
use crate::error::{Error, Result, codes};
use crate::state::AppState;
use hvac_frame::column::Kind;
use hvac_modelling::features::FeatureOptions;
use hvac_modelling::mapping::{DEFAULT_TARGET, FeatureMapping};
use hvac_modelling::samples::Samples;
use hvac_modelling::{ModelError, Problem, leakage};

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
    let numbers: Vec<&str> = dataset.columns.iter().filter(|c| c.kind != Kind::Text).map(|c| c.name.as_str()).collect();
    let asked = asked.unwrap_or_default().expand(&numbers).map_err(refused)?;
    let past = options.lags.is_empty() && options.rolling_means.is_empty();
    let suggested = asked.features().is_empty() && past;
    let mut mapping = if suggested { suggested_mapping(state, dataset, asked).await? } else { asked };
    known(dataset, &mapping, options)?;
    numeric_target(dataset, &mapping)?;
    let mut warnings = Vec::new();
    if suggested && !options.allow_leakage {
        let headers = load::headers(dataset, &mapping, options);
        warnings.extend(without_leaks(&mut mapping, &headers, options));
        if mapping.features().is_empty() {
            let message = "feature_mapping: no column's name suggests a feature; name the columns that play a part, or \
                           see GET /api/feature-mapping/suggest";
            return Err(Error::invalid("feature_mapping", codes::NO_FEATURES, message));
        }
    }
    if !options.allow_leakage {
        refuse_leaks(&mapping, &load::headers(dataset, &mapping, options), options)?;
    }
    let texts = mapping.features().into_iter().filter(|name| !numbers.contains(name));
    warnings.extend(texts.map(|name| format!("{name} holds texts and is left out")));
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
        Error::invalid("feature_mapping.target_col", codes::UNKNOWN_TARGET, message)
    })?;
    Ok(FeatureMapping { target_col, target_metric: asked.target_metric, ..mapping })
}

/// Every name of the request is that of a column.
fn known(dataset: &Resolved, mapping: &FeatureMapping, options: &FeatureOptions) -> Result<()> {
    let names: Vec<&str> = dataset.columns.iter().map(|column| column.name.as_str()).collect();
    mapping.check(&names).map_err(refused)?;
    for (option, keys) in [
        ("lags", options.lags.keys().collect::<Vec<_>>()),
        ("rolling_means", options.rolling_means.keys().collect()),
        ("roles", options.roles.keys().collect()),
    ] {
        for name in keys {
            names::find(&dataset.columns, &format!("features.{option}.{name}"), name)?;
        }
    }
    Ok(())
}

fn numeric_target(dataset: &Resolved, mapping: &FeatureMapping) -> Result<()> {
    const FIELD: &str = "feature_mapping.target_col";
    let target = names::find(&dataset.columns, FIELD, &mapping.target_col)
        .map_err(|error| Error::invalid(FIELD, codes::UNKNOWN_TARGET, error.message))?;
    let what = match target.kind {
        Kind::Instantaneous | Kind::Counter | Kind::IntervalTotal => return Ok(()),
        Kind::Status => "two states",
        Kind::Text => "texts",
    };
    let message =
        format!("{FIELD}: {} holds {what}; a model predicts a number, such as the plant's power", target.name);
    Err(Error::invalid(FIELD, codes::TARGET_NOT_NUMERIC, message))
}

fn refuse_leaks(mapping: &FeatureMapping, headers: &Samples, options: &FeatureOptions) -> Result<()> {
    let mapped = mapping.mapped();
    let problems = leakage::find(mapping, headers, &options.roles).into_iter().map(|leak| {
        let place = mapped.iter().find(|mapped| mapped.column == leak.column);
        let field = place.map_or_else(|| "feature_mapping".to_owned(), |mapped| mapped.place.field());
        let (column, reason) = (leak.column, leak.reason);
        let message = format!(
            "{field}: '{column}' would tell the model the answer: {reason}; leave it out, or set allow_leakage"
        );
        Problem { field, message }
    });
    ModelError::of("leakage", problems.collect()).map_or(Ok(()), |error| Err(refused(error)))
}

/// Takes the columns that leak out of a mapping that nobody asked for; says which and why.
pub fn without_leaks(mapping: &mut FeatureMapping, samples: &Samples, options: &FeatureOptions) -> Vec<String> {
    let leaks = leakage::find(mapping, samples, &options.roles);
    mapping.retain_features(|name| !leaks.iter().any(|leak| leak.column == name));
    leaks.into_iter().map(|leak| format!("{} is left out: {}", leak.column, leak.reason)).collect()
}
