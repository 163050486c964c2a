//! Which columns a training takes: as the request says, checked as far as names, units and kinds tell, or as the columns'
//! names suggest; without those that would leak the target.

use std::collections::BTreeMap;

use serde_json::Value;

use super::{load, refused};
use crate::cleaning::suggest::suggest;
use crate::datasets::resolved::Resolved;
use crate::datasets::{DatasetSelector, names};
use crate::error::{Error, Result, codes};
use crate::state::AppState;
use hvac_frame::column::Kind;
use hvac_modelling::features::FeatureOptions;
use hvac_modelling::mapping::{DEFAULT_TARGET, FeatureMapping, TargetMetric};
use hvac_modelling::{ModelError, leakage};

/// A mapping that can be trained with, as far as can be told without values.
pub struct Settled {
    pub mapping: FeatureMapping,
    /// Whether names suggested it.
    pub suggested: bool,
    /// Columns that leak the target, as names and units tell, and are not in the mapping any more; sentences.
    pub left_out: Vec<String>,
    /// What else a user should know; sentences.
    pub warnings: Vec<String>,
}

/// Settles the mapping of a request, asked for or suggested alike: what leaks the target is left out, and named.
///
/// # Errors
/// 422 naming each column that is not there, with the closest; a target that is not there or no number; a mapping that
/// names nothing but columns that leak the target.
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
    let mut warnings = Vec::new();
    let mut mapping = with_target(state, dataset, asked, suggested, &mut warnings).await?;
    known(dataset, &mapping, options)?;
    numeric_target(dataset, &mapping)?;
    let mut left_out = Vec::new();
    if !options.allow_leakage {
        let leaks = leakage::find(&mapping, &load::headers(dataset, &mapping, options), &options.roles);
        let problems = leakage::take_out(&mut mapping, &leaks);
        left_out = problems.iter().map(|problem| problem.message.clone()).collect();
        if mapping.features().is_empty()
            && past
            && let Some(error) = ModelError::of("leakage", problems)
        {
            return Err(refused(error));
        }
    }
    if suggested && mapping.features().is_empty() {
        let message = "feature_mapping: no column's name suggests a feature; name the columns that play a part, or \
                       see GET /api/feature-mapping/suggest";
        return Err(Error::invalid("feature_mapping", codes::NO_FEATURES, message));
    }
    let texts = mapping.features().into_iter().filter(|name| !numbers.contains(name));
    warnings.extend(texts.map(|name| format!("{name} holds texts and is left out")));
    Ok(Settled { mapping, suggested, left_out, warnings })
}

/// The mapping that is asked for, or suggested, with a target: the request's own, or the one that is suggested where the
/// request names none, and there is no column of the name that a target has by default.
async fn with_target(
    state: &AppState,
    dataset: &Resolved,
    asked: FeatureMapping,
    suggested: bool,
    warnings: &mut Vec<String>,
) -> Result<FeatureMapping> {
    let has = |name: &str| dataset.columns.iter().any(|column| column.name == name);
    let named = asked.target_col != DEFAULT_TARGET || has(&asked.target_col);
    if named && !suggested {
        return Ok(asked);
    }
    let selector = DatasetSelector {
        session_id: Some(dataset.label.session_id.clone()),
        version: Some(dataset.label.dataset_id.clone()),
    };
    let (suggestions, _) = suggest(state, &selector).await?;
    let mut mapping = asked.clone();
    if suggested {
        let columns = suggestions.mapping.into_iter();
        let columns: BTreeMap<String, Value> = columns.map(|(key, columns)| (key.to_owned(), columns.into())).collect();
        mapping = FeatureMapping::try_from(columns).map_err(Error::internal)?;
    }
    mapping.target_metric = asked.target_metric;
    mapping.target_col = asked.target_col;
    if named {
        return Ok(mapping);
    }
    let Some(target) = suggestions.target_col.filter(|_| asked.target_metric == TargetMetric::Power) else {
        let message = "feature_mapping.target_col: say which column to predict; none of the columns is electric power by \
                       its name or unit";
        return Err(Error::invalid("feature_mapping.target_col", codes::UNKNOWN_TARGET, message));
    };
    let why = suggestions.target_evidence.unwrap_or_default();
    warnings.push(format!("{target} is predicted, for the request names no target: {why}"));
    mapping.target_col = target;
    Ok(mapping)
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
