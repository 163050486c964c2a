//! From samples to a model file: features, the three algorithms, an honest comparison, the best one refitted.

use std::collections::BTreeMap;

use super::control::Control;
use super::document::{FORMAT_VERSION, ModelDocument, ModelLineage, features_sha256};
use super::evaluate::{TargetPast, TrainingRows, evaluate, step};
use super::features::{self, Feature, FeaturePlan, FeatureSource};
use super::fitted::{self, FittedModel, MonotoneCheck};
use super::leakage::{self, Leak};
use super::mapping::FeatureMapping;
use super::options::TrainOptions;
use super::role::Role;
use super::samples::{Matrix, Samples, take};
use super::{ModelError, Progress, align};

/// Fewest rows with a target that a model is made from.
pub(crate) const LEAST_ROWS: usize = 100;

/// The library that fits trees, with its version.
const BOOSTER: (&str, &str) = ("hessboost", "0.4.6");

/// Trains: decides the features, judges the algorithms ([`evaluate`](super::evaluate)), refits the one that was
/// picked on all rows, and fits what set-points are judged by. Rows without a target, or without a single mapped
/// value, are left out; no row is for one missing value. `lineage`'s time zone, interval, rows and times are filled
/// in here. A target of kW/RT is learnt as it stands: `target_unit` says how predictions are to be read.
///
/// # Errors
/// As [`plan`](super::features::plan()); `bad_option`; `too_few_rows`; `cancelled`; for an algorithm that was named, as
/// [`FittedModel::fit`].
pub fn train(
    samples: &Samples,
    mapping: &FeatureMapping,
    options: &TrainOptions,
    lineage: ModelLineage,
    progress: Progress<'_>,
) -> Result<ModelDocument, ModelError> {
    check(options)?;
    step(progress, 0.0, "making features")?;
    let names: Vec<&str> = samples.columns.iter().map(|column| column.name.as_str()).collect();
    let mapping = mapping.expand(&names)?;
    let leaks = leakage::find(&mapping, samples, &options.features.roles);
    let aligned = align::beside_target(samples, &mapping.target_col);
    let FeaturePlan { mapping, mut features, leaks, left_out, notes } =
        features::of_aligned(mapping, &aligned, leaks, &options.features)?;
    let x = features::matrix(&features, &aligned.samples)?;
    let target = samples.column(&mapping.target_col);
    let y = target.map_or(&[][..], |column| column.values.as_slice());
    let used = usable(&features, &x, y);
    if used.len() < LEAST_ROWS {
        return Err(too_few(&aligned.samples, &mapping, &features, y, used.len()));
    }
    let samples = aligned.samples.rows(&used);
    drop(aligned);
    let (x, y) = (x.rows(&used), take(y, &used));
    features::measure(&mut features, &x);

    let Samples { times_ms, zone, interval_ms, .. } = &samples;
    let past = TargetPast { times_ms, targets: &y, zone: *zone, interval_ms: *interval_ms };
    let rows = TrainingRows { features: &features, x: &x, past, target: &mapping.target_col };
    let (algorithm, mut metrics, held_out) = evaluate(&rows, options, progress)?;
    if let Some(told) = told_the_answer(&leaks) {
        metrics.verdict = format!("{told} {}", metrics.verdict);
    }
    metrics.leaks = leaks;
    metrics.notes = notes;
    metrics.left_out = left_out.into_iter().map(|problem| problem.message).collect();

    step(progress, 0.86, "fitting all rows")?;
    let fitted = FittedModel::fit(algorithm, &features, &x, &y, &options.fit)?;
    metrics.sweep = fitted::sweep(&fitted, &features, &x);
    metrics.notes.extend(wrong_way(&metrics.sweep, options));
    step(progress, 0.92, "learning what set-points are judged by")?;
    let part = |share: f64, what: &str| progress(0.92 + 0.07 * share, what);
    let control = match Control::fit(&features, &samples, &x, &y, &options.fit, &part) {
        Err(error) if error.code == "too_few_rows" => {
            metrics.notes.push(format!("No set-points can be recommended: {}", error.message));
            None
        }
        control => control?,
    };
    let Some((start_ms, end_ms)) = times_ms.first().copied().zip(times_ms.last().copied()) else {
        return Err(ModelError::new("internal", "", "A model was made from no row."));
    };
    let lineage = ModelLineage {
        timezone: zone.name().to_owned(),
        interval_s: interval_ms / 1000,
        rows: y.len() as u64,
        start_ms,
        end_ms,
        ..lineage
    };
    let document = ModelDocument {
        format_version: FORMAT_VERSION,
        target_unit: target.and_then(|column| column.unit.clone()),
        features_sha256: features_sha256(&features),
        features,
        lineage,
        options: options.fit,
        made_with: made_with(),
        fitted,
        interval_half_width: metrics.interval.half_width,
        interval_half_share: metrics.interval.half_share,
        control,
        metrics,
        held_out,
        mapping,
    };
    step(progress, 1.0, "done")?;
    Ok(document)
}

fn check(options: &TrainOptions) -> Result<(), ModelError> {
    let within = |field: &str, value: f64, (least, most): (f64, f64)| {
        if (least..=most).contains(&value) {
            return Ok(());
        }
        Err(ModelError::new("bad_option", field, format!("{field} must be {least} to {most}, and not {value}.")))
    };
    within("holdout_share", options.holdout_share, (0.05, 0.5))?;
    within("budget", options.fit.budget, (0.1, 2.0))
}

/// Rows that have a target and, the calendar left out, any feature.
fn usable(features: &[Feature], x: &Matrix, y: &[f64]) -> Vec<usize> {
    let measured = features.iter().zip(&x.columns).filter(|(feature, _)| feature.role != Role::Calendar);
    let measured: Vec<&Vec<f64>> = measured.map(|(_, column)| column).collect();
    let any = |row: usize| measured.iter().any(|column| column.get(row).is_some_and(|value| value.is_finite()));
    y.iter().enumerate().filter(|(row, y)| y.is_finite() && any(*row)).map(|(row, _)| row).collect()
}

fn too_few(samples: &Samples, mapping: &FeatureMapping, features: &[Feature], y: &[f64], used: usize) -> ModelError {
    let target = &mapping.target_col;
    let with_target = y.iter().filter(|value| value.is_finite()).count();
    let columns = features.iter().filter_map(|feature| match &feature.source {
        FeatureSource::Column { column } => samples.column(column),
        _ => None,
    });
    let mut counts: Vec<(usize, &str)> = columns
        .map(|column| (column.values.iter().filter(|value| value.is_finite()).count(), column.name.as_str()))
        .collect();
    counts.sort_unstable();
    let counts: Vec<String> = counts.iter().take(5).map(|(count, name)| format!("{name} {count}")).collect();
    let message = format!(
        "A model needs {LEAST_ROWS} rows with a target; of {} rows {with_target} have a value of '{target}', and \
         {used} of these a value of any mapped column (fewest: {}). Give a longer time or a shorter interval.",
        samples.times_ms.len(),
        counts.join(", "),
    );
    ModelError::new("too_few_rows", "", message)
}

/// What is to be made of a model that was allowed to know the answer.
fn told_the_answer(leaks: &[Leak]) -> Option<String> {
    let names: Vec<&str> = leaks.iter().map(|leak| leak.column.as_str()).collect();
    (!names.is_empty()).then(|| {
        format!(
            "THE ANSWER IS TOLD to this model by {}: its errors say nothing of a model that has to foretell.",
            names.join(", ")
        )
    })
}

/// A sentence where monotone behaviour was asked for and is not there.
fn wrong_way(sweep: &[MonotoneCheck], options: &TrainOptions) -> Option<String> {
    let wrong = sweep.iter().filter(|check| options.fit.monotone && check.worst_wrong_step > 0.0);
    let wrong: Vec<&str> = wrong.map(|check| check.feature.as_str()).collect();
    (!wrong.is_empty()).then(|| {
        format!("Asked to be monotone, the model is not, along {}; the sweep says by how much.", wrong.join(", "))
    })
}

/// Program and booster with their versions; without a time, so that the same inputs give the same file.
fn made_with() -> BTreeMap<String, String> {
    let with = [("hvac-analytics", env!("CARGO_PKG_VERSION")), BOOSTER];
    with.into_iter().map(|(name, version)| (name.to_owned(), version.to_owned())).collect()
}

#[cfg(test)]
pub(crate) mod tests;
