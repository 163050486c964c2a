//! How good a model is, told honestly: time-ordered first, beside what simple rules reach.
//!
//! Three sets of rows, in order of time: the *fit* rows, the *validation* rows behind them, and the *held-out* rows
//! behind those. Algorithms are compared on validation rows, and the prediction interval is read off these and blocks
//! before them; the held-out rows are looked at once it is settled, so their score has not been chosen for. Blocked cross-validation
//! and a random split stand beside it and say what they are.
//!
//! Rows of a plant that stands still (target 0) are kept, for a model must know them too; a percentage error leaves
//! them out and says how many. [`metrics`] are the numbers, [`split`] the rows, [`baseline`] the rules,
//! [`interval`] the prediction interval, [`detail`] residuals and importance, [`choose`] the pick and its sentences.

use serde::{Deserialize, Serialize};

use super::features::{Feature, FeatureSource};
use super::fitted::{Algorithm, FittedModel, MonotoneCheck};
use super::leakage::Leak;
use super::options::{Holdout, TrainOptions};
use super::role::Role;
use super::samples::{Matrix, take};
use super::{ModelError, Progress};

pub(crate) mod baseline;
pub(crate) mod choose;
pub(crate) mod detail;
pub(crate) mod interval;
pub(crate) mod metrics;
pub(crate) mod split;

pub(crate) use baseline::{Baseline, BaselineRule, TargetPast};
pub(crate) use choose::Candidate;
pub(crate) use detail::{Importance, LoadBin};
use interval::ForetoldBlock;
pub(crate) use interval::PredictionInterval;
pub use metrics::{ErrorMeasure, Guideline14, Judgement, Outcome, Scores};
use split::Split;

/// Blocks of cross-validation.
const BLOCKS: usize = 5;
/// Blocks before the validation rows that the prediction interval is read off too.
const EARLIER_BLOCKS: usize = 2;
/// Fewest rows that foretell such a block: fewer make models that are no measure of the one that is judged.
const LEAST_LEARNT: usize = 200;

/// How good a model is.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(default)]
pub struct Metrics {
    /// On held-out rows, by a model that saw only rows before them (of the same month, for `each_month`).
    pub time_ordered: Scores,
    /// Which rows those were.
    pub holdout: HeldOut,
    /// Simple rules on the same rows.
    pub baselines: Vec<Baseline>,
    /// Whether the model is better than every rule that counts.
    pub beats_baselines: bool,
    /// What to make of it, in a sentence or three.
    pub verdict: String,
    /// What algorithms and rules were compared by.
    pub judged_by: ErrorMeasure,
    /// Which algorithm it became and why.
    pub choice: String,
    /// Every algorithm that was tried.
    pub candidates: Vec<Candidate>,
    /// ASHRAE Guideline 14, on the held-out rows.
    pub guideline14: Guideline14,
    /// The prediction interval and how well it held.
    pub interval: PredictionInterval,
    /// Cross-validation over all rows in contiguous blocks; none when a gap leaves too little to learn from.
    pub blocked_cv: Option<BlockedCv>,
    /// On rows drawn by chance. It flatters: the rows minutes before and after are known to the model.
    pub random_split: Scores,
    /// Errors of the held-out rows by deciles of load, or of the target where there is no load.
    pub load_bins: Vec<LoadBin>,
    /// What it goes by, measured on the held-out rows; the greatest first.
    pub importance: Vec<Importance>,
    /// Whether power goes the way that physics knows, along each feature that it knows a way of.
    pub sweep: Vec<MonotoneCheck>,
    /// Columns that leak the target and were allowed.
    pub leaks: Vec<Leak>,
    /// Mapped columns that became no features, and why.
    pub left_out: Vec<String>,
    /// What else a user should know.
    pub notes: Vec<String>,
}

/// Which rows a model was judged by.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(default)]
pub struct HeldOut {
    /// Of all rows, or of each month's.
    pub(crate) rule: Holdout,
    /// Share that was asked for.
    pub(crate) share: f64,
    /// Rows that the judged model learnt from.
    pub(crate) train_rows: u64,
    /// Rows that it was judged by.
    pub(crate) test_rows: u64,
    /// Beginning of the first of these, ms since 1970 UTC.
    pub(crate) from_ms: i64,
    /// Beginning of the last of these.
    pub(crate) to_ms: i64,
}

/// Most held-out rows that a model keeps.
const KEPT_ROWS: usize = 1_000;

/// Held-out rows with what the judged model, which had not seen them, said of them; spread evenly where there are more
/// than a thousand. Columns of one length.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct HeldOutRows {
    /// ms since 1970 UTC, ascending.
    pub times_ms: Vec<i64>,
    /// What was measured, in the target's unit.
    pub actual: Vec<f64>,
    /// What was predicted.
    pub predicted: Vec<f64>,
    /// Load of these rows; empty where the model has no load.
    pub load: Vec<Option<f64>>,
}

impl HeldOutRows {
    /// Of all held-out rows; a load is none where it is not finite.
    fn of(times_ms: &[i64], actual: &[f64], predicted: &[f64], load: Option<&Vec<f64>>) -> Self {
        let step = times_ms.len().div_ceil(KEPT_ROWS).max(1);
        let finite = |load: &f64| Some(*load).filter(|load| load.is_finite());
        Self {
            times_ms: times_ms.iter().step_by(step).copied().collect(),
            actual: actual.iter().step_by(step).copied().collect(),
            predicted: predicted.iter().step_by(step).copied().collect(),
            load: load.into_iter().flat_map(|load| load.iter().step_by(step).map(finite)).collect(),
        }
    }

    /// Whether its columns are of one length.
    pub(crate) fn is_whole(&self) -> bool {
        let rows = self.times_ms.len();
        self.actual.len() == rows && self.predicted.len() == rows && (self.load.is_empty() || self.load.len() == rows)
    }

    /// Whether there are none, as in models of older versions.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.times_ms.is_empty()
    }
}

/// Scores over contiguous blocks, each judged by a model of the others.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(default)]
pub struct BlockedCv {
    /// Over all blocks' rows together.
    pub pooled: Scores,
    /// Of each block, in order of time.
    pub blocks: Vec<Scores>,
    /// Left out beside each block: the longest lag or rolling mean, s.
    pub gap_s: i64,
}

/// What is to be judged: rows in order of time that have a target.
#[derive(Debug, Clone, Copy)]
pub(crate) struct TrainingRows<'a> {
    /// The matrix's columns.
    pub features: &'a [Feature],
    /// Features, one row a target.
    pub x: &'a Matrix,
    /// Targets by time.
    pub past: TargetPast<'a>,
    /// Name of the target's column.
    pub target: &'a str,
}

impl TrainingRows<'_> {
    fn fit(&self, algorithm: Algorithm, rows: &[usize], options: &TrainOptions) -> Result<FittedModel, ModelError> {
        FittedModel::fit(algorithm, self.features, &self.x.rows(rows), &self.actual(rows), &options.fit)
    }

    fn predict(&self, model: &FittedModel, rows: &[usize]) -> Vec<f64> {
        model.predict_all(&self.x.rows(rows))
    }

    fn actual(&self, rows: &[usize]) -> Vec<f64> {
        take(self.past.targets, rows)
    }

    /// Learns from the one part, predicts the other.
    fn judge(&self, algorithm: Algorithm, split: &Split, options: &TrainOptions) -> Result<Vec<f64>, ModelError> {
        Ok(self.predict(&self.fit(algorithm, &split.train, options)?, &split.test))
    }

    /// Longest lag or rolling mean, ms: how far a row's features reach back.
    fn reach_ms(&self) -> i64 {
        let seconds = self.features.iter().map(|feature| match feature.source {
            FeatureSource::Lag { seconds, .. } | FeatureSource::RollingMean { seconds, .. } => seconds,
            _ => 0,
        });
        seconds.max().unwrap_or(0).saturating_mul(1000)
    }

    /// Whether a feature is the target's own past.
    fn knows_target(&self) -> bool {
        self.features.iter().any(|feature| match &feature.source {
            FeatureSource::Lag { column, .. } | FeatureSource::RollingMean { column, .. } => column == self.target,
            _ => false,
        })
    }
}

/// Judges algorithms, picks one, and tells how good it is, with the rows that it was judged by. The sweep, leaks and
/// columns left out are the caller's to add.
///
/// # Errors
/// `too_few_rows`; what fitting says of an algorithm that was named; `cancelled`.
pub(crate) fn evaluate(
    rows: &TrainingRows<'_>,
    options: &TrainOptions,
    progress: Progress<'_>,
) -> Result<(Algorithm, Metrics, HeldOutRows), ModelError> {
    let TargetPast { times_ms, targets, zone, interval_ms } = rows.past;
    let all: Vec<usize> = (0..targets.len()).collect();
    let in_time =
        |of: &[usize]| split::in_time(options.holdout, options.holdout_share, of, times_ms, zone, rows.reach_ms());
    let outer = in_time(&all);
    let inner = in_time(&outer.train);
    if inner.train.is_empty() || inner.test.is_empty() || outer.test.is_empty() {
        return Err(ModelError::new("too_few_rows", "", TOO_FEW));
    }
    let measure = ErrorMeasure::of(targets);

    let (mut tried, refused) = choose::try_each(rows, &inner, &outer, options, measure, progress)?;
    let candidates: Vec<&Candidate> = tried.iter().map(|tried| &tried.candidate).collect();
    let nothing = || ModelError::new("internal", "", "No algorithm was tried.");
    let (algorithm, choice) = choose::pick(&candidates, &refused, options.algorithm, measure).ok_or_else(nothing)?;
    let candidates = candidates.into_iter().cloned().chain(refused).collect();
    let chosen = tried.iter().position(|tried| tried.candidate.algorithm == algorithm).ok_or_else(nothing)?;
    let chosen = tried.swap_remove(chosen);
    let (model, predicted) = (chosen.model, chosen.predicted);

    let actual = rows.actual(&outer.test);
    let counts = |rule| rule != BaselineRule::LastValue || rows.knows_target();
    let compare = |rule| rows.past.compare(rule, &outer, &predicted, measure, counts(rule));
    let baselines: Vec<Baseline> = BaselineRule::ALL.into_iter().map(compare).collect();
    let earlier = earlier_blocks(rows, algorithm, options, &in_time, &inner, progress)?;
    let blocks: Vec<ForetoldBlock> = std::iter::once(chosen.validated).chain(earlier).collect();
    let interval = PredictionInterval::calibrate(&blocks).ok_or_else(|| {
        ModelError::new("internal", "", "The model's predictions of the validation rows are not finite.")
    })?;
    let interval = interval.tried_on(&ForetoldBlock { actual: actual.clone(), predicted: predicted.clone() });

    step(progress, 0.45, "measuring what the model goes by")?;
    let test = rows.x.rows(&outer.test);
    let load = rows.features.iter().position(|feature| feature.role == Role::LoadRt);
    let own_load = load.and_then(|index| test.columns.get(index));
    let held_out = HeldOutRows::of(&take_times(times_ms, &outer.test), &actual, &predicted, own_load);
    let load = own_load.unwrap_or(&actual);
    let at = |row: Option<&usize>| {
        let time = row.and_then(|row| times_ms.get(*row)).copied();
        time.ok_or_else(|| ModelError::new("internal", "", "A row that was held out has no time."))
    };
    let mut metrics = Metrics {
        time_ordered: Scores::of(&actual, &predicted),
        holdout: HeldOut {
            rule: options.holdout,
            share: options.holdout_share,
            train_rows: outer.train.len() as u64,
            test_rows: outer.test.len() as u64,
            from_ms: at(outer.test.first())?,
            to_ms: at(outer.test.last())?,
        },
        beats_baselines: baselines.iter().all(|rule| !rule.counts || rule.beaten != Some(false)),
        baselines,
        judged_by: measure,
        choice,
        candidates,
        guideline14: Guideline14::of(&take_times(times_ms, &outer.test), zone, interval_ms, &actual, &predicted),
        interval,
        load_bins: detail::by_load(load, &actual, &predicted),
        importance: detail::importance(rows.features, &model, &test, &actual, options.fit.seed),
        ..Metrics::default()
    };
    step(progress, 0.5, "judging rows drawn by chance")?;
    let drawn = split::at_random(targets.len(), options.holdout_share, options.fit.seed);
    metrics.random_split = Scores::of(&rows.actual(&drawn.test), &rows.judge(algorithm, &drawn, options)?);
    metrics.blocked_cv = blocked(rows, algorithm, options, progress)?;
    metrics.verdict = choose::verdict(&metrics, algorithm);
    Ok((algorithm, metrics, held_out))
}

/// Blocks before the validation rows, newest first, each foretold by a model of the rows before it: for the interval alone.
/// Fewer where too little is left to learn from.
fn earlier_blocks(
    rows: &TrainingRows<'_>,
    algorithm: Algorithm,
    options: &TrainOptions,
    in_time: &dyn Fn(&[usize]) -> Split,
    inner: &Split,
    progress: Progress<'_>,
) -> Result<Vec<ForetoldBlock>, ModelError> {
    let (mut blocks, mut before) = (Vec::new(), inner.train.clone());
    for _ in 0..EARLIER_BLOCKS {
        let split = in_time(&before);
        if split.train.len() < LEAST_LEARNT || split.test.is_empty() {
            break;
        }
        step(progress, 0.44, "seeing how far off it was before")?;
        let Ok(predicted) = rows.judge(algorithm, &split, options) else { break };
        blocks.push(ForetoldBlock { actual: rows.actual(&split.test), predicted });
        before = split.train;
    }
    Ok(blocks)
}

const TOO_FEW: &str = "There are too few rows to hold some out and learn from the others; give more rows, a shorter \
                       interval, or shorter lags.";

/// Cross-validation by blocks; none where a gap leaves less to learn from than half the rows.
fn blocked(
    rows: &TrainingRows<'_>,
    algorithm: Algorithm,
    options: &TrainOptions,
    progress: Progress<'_>,
) -> Result<Option<BlockedCv>, ModelError> {
    let height = rows.past.targets.len();
    let gap_ms = rows.reach_ms();
    let splits = split::blocked(BLOCKS, rows.past.times_ms, gap_ms);
    if splits.iter().any(|split| split.train.len() * 2 < height) {
        return Ok(None);
    }
    let (mut blocks, mut actual, mut predicted) = (Vec::new(), Vec::new(), Vec::new());
    for (index, split) in splits.iter().enumerate() {
        step(progress, 0.55 + 0.06 * index as f64, "cross-validating in blocks")?;
        let (was, said) = (rows.actual(&split.test), rows.judge(algorithm, split, options)?);
        blocks.push(Scores::of(&was, &said));
        actual.extend(was);
        predicted.extend(said);
    }
    Ok(Some(BlockedCv { pooled: Scores::of(&actual, &predicted), blocks, gap_s: gap_ms / 1000 }))
}

fn take_times(times_ms: &[i64], rows: &[usize]) -> Vec<i64> {
    rows.iter().filter_map(|row| times_ms.get(*row)).copied().collect()
}

/// Says where a training is; `cancelled` when it is to end.
pub(super) fn step(progress: Progress<'_>, share: f64, what: &str) -> Result<(), ModelError> {
    if progress(share, what).is_break() {
        return Err(ModelError::new("cancelled", "", "The training was cancelled."));
    }
    Ok(())
}
