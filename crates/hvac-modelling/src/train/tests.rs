#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]

use std::ops::ControlFlow;
use std::sync::Mutex;

use super::*;
use crate::evaluate::{BaselineRule, Outcome, Scores};
use crate::features::FeatureOptions;
use crate::fitted::Algorithm;
use crate::gbdt::FitOptions;
use crate::options::Choice;
use crate::samples::SampleColumn;

const MINUTE: i64 = 60_000;
/// 1 July 2024, midnight in Taipei: a Monday.
const START: i64 = 1_719_763_200_000;

/// Chance, −½…½, by row and stream: splitmix64's mixing of both.
fn chance(row: usize, stream: u64) -> f64 {
    let mut mixed = (row as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15).wrapping_add(stream << 40);
    for _ in 0..2 {
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^= mixed >> 31;
    }
    (mixed >> 11) as f64 / (1_u64 << 53) as f64 - 0.5
}

fn column(name: &str, unit: &str, values: Vec<f64>) -> SampleColumn {
    SampleColumn { name: name.into(), unit: Some(unit.into()), values }
}

/// A plant whose power follows load, wet-bulb and two speeds, with noise of ±`noise` of it; half-hourly.
pub(crate) fn plant(days: usize, noise: f64) -> Samples {
    let height = days * 48;
    let hour = |row: usize| (row % 48) as f64 / 2.0;
    let day = |row: usize| 1.0 + 0.15 * chance(row / 48, 1);
    let sun = |row: usize| (std::f64::consts::TAU * (hour(row) - 9.0) / 24.0).sin();
    let load: Vec<f64> = (0..height).map(|r| (300.0 + 120.0 * sun(r)) * day(r) + 40.0 * chance(r, 2)).collect();
    let wet: Vec<f64> = (0..height).map(|r| 24.0 + 2.0 * sun(r) + 3.0 * chance(r / 48, 3) + chance(r, 4)).collect();
    let pump: Vec<f64> = (0..height).map(|r| 45.0 + 16.0 * chance(r, 5)).collect();
    let fan: Vec<f64> = (0..height).map(|r| 45.0 + 20.0 * chance(r, 6)).collect();
    let power = (0..height).map(|r| {
        let chiller = load[r] * (0.42 + 0.012 * (wet[r] - 24.0) + 3.0 / fan[r]) + 0.0002 * load[r] * load[r];
        (chiller + 30.0 * (pump[r] / 60.0).powi(3) + 25.0 * (fan[r] / 60.0).powi(3))
            * (1.0 + noise * 2.0 * chance(r, 7))
    });
    let power = power.collect();
    Samples {
        times_ms: (0..height).map(|row| START + row as i64 * 30 * MINUTE).collect(),
        zone: chrono_tz::Asia::Taipei,
        interval_ms: 30 * MINUTE,
        columns: vec![
            column("RT", "RT", load),
            column("WBT", "°C", wet),
            column("CHP_HZ", "Hz", pump),
            column("CT_HZ", "Hz", fan),
            column("KW_TOT", "kW", power),
        ],
    }
}

pub(crate) fn mapping() -> FeatureMapping {
    FeatureMapping {
        chiller_cols: vec!["RT".into()],
        environment_cols: vec!["WBT".into()],
        chw_pump_cols: vec!["CHP_HZ".into()],
        cooling_tower_cols: vec!["CT_HZ".into()],
        target_col: "KW_TOT".into(),
        ..FeatureMapping::default()
    }
}

pub(crate) fn lineage() -> ModelLineage {
    ModelLineage {
        session_id: "s".into(),
        dataset_id: "d".into(),
        dataset_version: "cleaned-v1".into(),
        dataset_sha256: "ab".into(),
        timezone: String::new(),
        interval_s: 0,
        rows: 0,
        start_ms: 0,
        end_ms: 0,
    }
}

pub(crate) fn go(
    samples: &Samples,
    mapping: &FeatureMapping,
    options: &TrainOptions,
) -> Result<ModelDocument, ModelError> {
    train(samples, mapping, options, lineage(), &|_, _| ControlFlow::Continue(()))
}

/// A tenth of the effort: enough for what these tests are about.
fn only(algorithm: Choice) -> TrainOptions {
    let fit = FitOptions { budget: 0.1, ..FitOptions::default() };
    TrainOptions { algorithm, fit, ..TrainOptions::default() }
}

fn set(samples: &mut Samples, name: &str, change: impl Fn(usize, f64) -> f64) {
    let column = samples.columns.iter_mut().find(|column| column.name == name).unwrap();
    for (row, value) in column.values.iter_mut().enumerate() {
        *value = change(row, *value);
    }
}

/// Noise even within ±4 % has a mean absolute size of 2 %: no model can have less, a good one not much more.
#[test]
fn a_plant_is_learnt_down_to_its_noise_and_told_honestly() {
    let document = go(&plant(60, 0.04), &mapping(), &TrainOptions::default()).unwrap();
    let metrics = &document.metrics;
    assert_eq!(metrics.candidates.len(), 3);
    assert_eq!((metrics.holdout.train_rows, metrics.holdout.test_rows), (2304, 576));
    let mape = metrics.time_ordered.mape.unwrap();
    assert!((1.8..3.0).contains(&mape), "{mape}");
    assert!(metrics.beats_baselines && metrics.verdict.contains("It is better than"), "{}", metrics.verdict);
    assert_eq!(metrics.guideline14.hourly.outcome, Outcome::Pass);
    // 576 rows held by chance 0.9 each: four standard deviations are 0.05
    let held = metrics.interval.coverage.unwrap();
    assert!((held - 0.9).abs() < 0.05, "{held}");
    assert_eq!(metrics.importance[0].feature, "RT");
    assert_eq!(metrics.load_bins.len(), 10);
    assert!(metrics.blocked_cv.as_ref().unwrap().blocks.len() == 5 && metrics.random_split.rows == 576);
    assert!(document.control.is_some());
    let ModelLineage { timezone, interval_s, rows, start_ms, .. } = &document.lineage;
    assert_eq!((timezone.as_str(), *interval_s, *rows, *start_ms), ("Asia/Taipei", 1800, 2880, START));
    assert_eq!(document.target_unit.as_deref(), Some("kW"));
    document.to_json().unwrap();
}

/// Power repeats week by week and nothing that is measured tells it: the rule is exact, and any model is not.
#[test]
fn a_model_that_loses_to_last_week_says_so() {
    let mut samples = plant(42, 0.0);
    set(&mut samples, "KW_TOT", |row, _| 300.0 + 200.0 * chance(row % 336, 9));
    let document = go(&samples, &mapping(), &only(Choice::Auto)).unwrap();
    let metrics = &document.metrics;
    let week = metrics.baselines.iter().find(|rule| rule.rule == BaselineRule::SameTimeLastWeek).unwrap();
    assert_eq!((week.scores.mape, week.scores.rmse, week.beaten), (Some(0.0), Some(0.0), Some(false)));
    assert!(!metrics.beats_baselines);
    assert!(metrics.verdict.contains("LOSES to a simple rule: the same time last week reaches MAPE 0.00 %"));
    assert!(metrics.choice.contains("the rule is better"), "{}", metrics.choice);
}

#[test]
fn the_same_inputs_give_the_same_bytes_on_any_number_of_threads() {
    let (samples, mapping) = (plant(21, 0.04), mapping());
    let bytes = |threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| go(&samples, &mapping, &only(Choice::Auto)).unwrap().to_json().unwrap())
    };
    let (one, two, again) = (bytes(1), bytes(2), bytes(2));
    assert!(one == two && two == again);
}

#[test]
fn no_row_is_left_out_for_one_column_that_has_few_values() {
    let mut samples = plant(14, 0.04);
    let sparse = (0..samples.times_ms.len()).map(|row| if row % 50 == 0 { row as f64 } else { f64::NAN }).collect();
    samples.columns.push(column("OAH", "%", sparse));
    let mut mapping = mapping();
    mapping.environment_cols.push("OAH".into());
    let document = go(&samples, &mapping, &only(Choice::Gbdt)).unwrap();
    assert_eq!(document.lineage.rows, 14 * 48);
    let features: Vec<&str> = document.features.iter().map(|feature| feature.name.as_str()).collect();
    assert!(features.contains(&"OAH"), "{features:?}");
}

#[test]
fn too_few_rows_are_refused_with_what_there_is() {
    let mut samples = plant(14, 0.04);
    set(&mut samples, "KW_TOT", |row, kw| if row < 120 { kw } else { f64::NAN });
    for name in ["RT", "WBT", "CHP_HZ", "CT_HZ"] {
        set(&mut samples, name, |row, value| if row < 80 || (name == "RT" && row > 600) { value } else { f64::NAN });
    }
    let error = go(&samples, &mapping(), &TrainOptions::default()).unwrap_err();
    assert_eq!(error.code, "too_few_rows");
    let says = "A model needs 100 rows with a target; of 672 rows 120 have a value of 'KW_TOT', and 80 of these a \
                value of any mapped column (fewest: CHP_HZ 80, CT_HZ 80, WBT 80, RT 151).";
    assert!(error.message.starts_with(says), "{}", error.message);
}

/// A hundred rows, of which five are held out, and four before them calibrate: every number is there or none.
#[test]
fn the_fewest_rows_make_a_model_that_can_be_written() {
    let mut samples = plant(14, 0.04).rows(&Vec::from_iter(0..LEAST_ROWS));
    set(&mut samples, "KW_TOT", |row, kw| if row < 95 { kw } else { 0.0 });
    let document = go(&samples, &mapping(), &TrainOptions { holdout_share: 0.05, ..only(Choice::Gbdt) }).unwrap();
    let metrics = &document.metrics;
    let Scores { rows, zero_rows, mape, r2, cv_rmse, nmbe, rmse, .. } = metrics.time_ordered;
    assert_eq!((rows, zero_rows, mape, r2, cv_rmse, nmbe), (5, 5, None, None, None, None));
    assert!(rmse.is_some() && metrics.guideline14.hourly.outcome == Outcome::NotEnoughData);
    assert_eq!((metrics.interval.calibration_rows, metrics.load_bins.len()), (4, 5));
    assert!(metrics.baselines.iter().all(|rule| rule.beaten.is_none()) && metrics.verdict.contains("too few answers"));
    document.to_json().unwrap();
}

/// A model that knows the target's past must beat the rule that does; what looks back a week is not cross-validated
/// beside rows that it sees.
#[test]
fn lags_of_the_target_are_judged_with_a_gap() {
    let lagged = |days, seconds: i64| {
        let lags = BTreeMap::from([("KW_TOT".to_owned(), vec![seconds])]);
        let features = FeatureOptions { lags, ..FeatureOptions::default() };
        go(&plant(days, 0.04), &mapping(), &TrainOptions { features, ..only(Choice::Gbdt) }).unwrap().metrics
    };
    let hour = lagged(14, 3600);
    assert!(hour.baselines.iter().all(|rule| rule.counts));
    assert_eq!(hour.blocked_cv.map(|cv| (cv.gap_s, cv.blocks.len())), Some((3600, 5)));
    assert_eq!(lagged(21, 7 * 86_400).blocked_cv, None);
}

#[test]
fn options_out_of_bounds_are_refused() {
    let samples = plant(7, 0.04);
    for share in [0.04, 0.6, f64::NAN] {
        let error = go(&samples, &mapping(), &TrainOptions { holdout_share: share, ..TrainOptions::default() });
        assert_eq!(error.unwrap_err().code, "bad_option");
    }
}

#[test]
fn it_can_be_cancelled_at_every_step() {
    let samples = plant(14, 0.04);
    let steps = Mutex::new(Vec::new());
    let note = |share: f64, what: &str| {
        steps.lock().unwrap().push((share, what.to_owned()));
        ControlFlow::Continue(())
    };
    train(&samples, &mapping(), &only(Choice::Physics), lineage(), &note).unwrap();
    let steps = steps.into_inner().unwrap();
    assert!(steps.windows(2).all(|pair| pair[0].0 <= pair[1].0), "{steps:?}");
    assert_eq!((steps[0].0, steps.last().unwrap().0), (0.0, 1.0));
    for nth in 0..steps.len() {
        let left = Mutex::new(nth);
        let stop = |_: f64, _: &str| {
            let mut left = left.lock().unwrap();
            if *left == 0 {
                return ControlFlow::Break(());
            }
            *left -= 1;
            ControlFlow::Continue(())
        };
        let stopped = train(&samples, &mapping(), &only(Choice::Physics), lineage(), &stop);
        assert_eq!(stopped.unwrap_err().code, "cancelled", "step {nth}: {steps:?}");
    }
}

#[test]
fn without_a_load_auto_leaves_physics_out_and_says_so() {
    let mut mapping = mapping();
    mapping.chiller_cols.clear();
    let document = go(&plant(21, 0.04), &mapping, &only(Choice::Auto)).unwrap();
    assert_eq!(document.fitted.algorithm(), Algorithm::Gbdt);
    assert!(document.metrics.choice.contains("physics could not be fitted: "), "{}", document.metrics.choice);
    let refused: Vec<_> = document.metrics.candidates.iter().filter(|tried| tried.refused.is_some()).collect();
    assert_eq!(refused.len(), 2);
    assert_eq!(go(&plant(21, 0.04), &mapping, &only(Choice::Physics)).unwrap_err().code, "no_features");
}

/// A plant that stands at night: its zeros count in every error but the percentage.
#[test]
fn standing_still_is_learnt_too() {
    let mut samples = plant(30, 0.02);
    let night = |row: usize| row % 48 < 14;
    for name in ["RT", "KW_TOT", "CHP_HZ", "CT_HZ"] {
        set(&mut samples, name, |row, value| if night(row) { 0.0 } else { value });
    }
    let document = go(&samples, &mapping(), &only(Choice::Gbdt)).unwrap();
    let scores = document.metrics.time_ordered;
    assert_eq!((scores.rows, scores.zero_rows), (288, 84));
    assert_eq!(document.metrics.judged_by, crate::evaluate::ErrorMeasure::Rmse);
    assert_eq!(document.lineage.rows, 1440);
    let row: Vec<f64> = document.features.iter().map(|feature| feature.range.min).collect();
    assert!(document.fitted.predict(&row).abs() < 5.0);
}

#[test]
fn leaks_that_were_allowed_are_told() {
    let mut samples = plant(21, 0.04);
    let kw = samples.column("KW_TOT").unwrap().values.clone();
    let ratio = kw.iter().zip(&samples.column("RT").unwrap().values).map(|(kw, rt)| kw / rt).collect();
    samples.columns.push(column("KW_PER_RT", "kW/RT", ratio));
    let mut mapping = mapping();
    mapping.custom_categories.insert("mine".into(), vec!["KW_PER_RT".into()]);
    let without = go(&samples, &mapping, &only(Choice::Gbdt)).unwrap();
    assert!(without.metrics.left_out[0].starts_with("KW_PER_RT is left out: "), "{:?}", without.metrics.left_out);
    assert!(without.metrics.leaks.is_empty() && without.mapping.custom_categories["mine"].is_empty());
    let only_leaks = FeatureMapping {
        custom_categories: mapping.custom_categories.clone(),
        target_col: mapping.target_col.clone(),
        ..FeatureMapping::default()
    };
    assert_eq!(go(&samples, &only_leaks, &only(Choice::Gbdt)).unwrap_err().code, "leakage");
    let features = FeatureOptions { allow_leakage: true, ..FeatureOptions::default() };
    let document = go(&samples, &mapping, &TrainOptions { features, ..only(Choice::Gbdt) }).unwrap();
    assert_eq!(document.metrics.leaks[0].column, "KW_PER_RT");
    assert!(document.metrics.verdict.starts_with("THE ANSWER IS TOLD to this model by KW_PER_RT"));
}

/// The samples with rows of another file between them, and columns of it that nobody mapped.
fn among_others(samples: &Samples, offset_ms: i64, every: usize, seed: u64) -> Samples {
    let mut rows: Vec<(i64, Option<usize>)> = Vec::new();
    for (row, time) in samples.times_ms.iter().enumerate() {
        rows.push((*time, Some(row)));
        if row % every == 0 {
            rows.push((time + offset_ms, None));
        }
    }
    let own = |column: &SampleColumn| SampleColumn {
        name: column.name.clone(),
        unit: column.unit.clone(),
        values: rows.iter().map(|(_, row)| row.map_or(f64::NAN, |row| column.values[row])).collect(),
    };
    let mut columns: Vec<SampleColumn> = samples.columns.iter().map(own).collect();
    for (stream, (name, unit)) in [("OAT_2", "°C"), ("DOOR", ""), ("ROOM_T", "°C")].into_iter().enumerate() {
        let value = |(place, (_, row)): (usize, &(i64, Option<usize>))| match row {
            Some(_) => f64::NAN,
            None => 20.0 + chance(place, seed + stream as u64),
        };
        columns.insert(stream, column(name, unit, rows.iter().enumerate().map(value).collect()));
    }
    let times_ms = rows.iter().map(|(time, _)| *time).collect();
    Samples { times_ms, interval_ms: offset_ms, columns, ..*samples }
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig::with_cases(12))]
    /// The law of what does not belong: rows and columns that hold nothing of the target change no verdict, no error, no
    /// rule, no interval – not a bit of the model.
    #[test]
    fn rows_and_columns_without_the_target_change_nothing(
        offset_s in 1i64..1799,
        every in 1usize..5,
        seed in 100u64..1_000_000,
        lag in 1i64..4,
    ) {
        let mut samples = plant(14, 0.04);
        let kw = samples.column("KW_TOT").unwrap().values.clone();
        // parts of the answer under names that say nothing, one of which only its changes tell from a load
        let parts = kw.iter().enumerate().map(|(row, kw)| 0.8 * kw - 20.0 + 0.5 * chance(row, seed)).collect();
        samples.columns.push(column("X1", "", parts));
        let ratio = kw.iter().zip(&samples.column("RT").unwrap().values).map(|(kw, rt)| kw / rt).collect();
        samples.columns.push(column("X2", "", ratio));
        let mut mapping = mapping();
        mapping.custom_categories.insert("mine".into(), vec!["X1".into(), "X2".into()]);
        let features = FeatureOptions {
            lags: BTreeMap::from([("KW_TOT".to_owned(), vec![lag * 1800])]),
            rolling_means: BTreeMap::from([("RT".to_owned(), vec![lag * 1800])]),
            ..FeatureOptions::default()
        };
        let options = TrainOptions { features, ..only(Choice::Physics) };
        let alone = go(&samples, &mapping, &options).unwrap();
        let among = go(&among_others(&samples, offset_s * 1000, every, seed), &mapping, &options).unwrap();
        let left: Vec<&str> = alone.metrics.left_out.iter().map(|left| left.split(' ').next().unwrap()).collect();
        proptest::prop_assert_eq!(&left[..2], ["X1", "X2"]);
        proptest::prop_assert_eq!(alone.to_json().unwrap(), among.to_json().unwrap());
    }
}

#[test]
fn the_versions_in_a_model_are_those_it_was_built_with() {
    let (name, version) = BOOSTER;
    let lock = include_str!("../../../../Cargo.lock");
    assert!(lock.contains(&format!("name = \"{name}\"\nversion = \"{version}\"\n")), "{name} {version}");
}
