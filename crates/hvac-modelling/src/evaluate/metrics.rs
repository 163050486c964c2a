//! Errors of predictions against what was, and what Guideline 14 says of them.
//!
//! Every number is defined for every input: what has no meaning (a percentage of nothing, R² of a constant) is none,
//! never NaN. Differences are **actual − predicted**, as in ASHRAE Guideline 14: a positive bias is a model that
//! says too little. No degrees of freedom are taken off (p = 0): the rows were not in the fit.

use chrono::{DateTime, Datelike, Timelike};
use chrono_tz::Tz;
use serde::{Deserialize, Serialize};

/// Guideline 14's limits on hourly means: CV(RMSE), |NMBE|, %.
const HOURLY: (f64, f64) = (30.0, 10.0);
/// Guideline 14's limits on monthly means: CV(RMSE), |NMBE|, %.
const MONTHLY: (f64, f64) = (15.0, 5.0);
/// Fewest hours that are judged: a day.
const LEAST_HOURS: usize = 24;
/// Fewest months that are judged: a year, as the guideline asks for.
const LEAST_MONTHS: usize = 12;

/// Errors of predictions against what was.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(default)]
pub struct Scores {
    /// Rows compared.
    pub rows: u64,
    /// Rows whose target is 0 (the plant stands still); they are left out of `mape`, and of nothing else.
    pub zero_rows: u64,
    /// Mean absolute percentage error, 0–100…; of rows whose target is not 0; none without such a row.
    pub mape: Option<f64>,
    /// Coefficient of determination; none for a constant target.
    pub r2: Option<f64>,
    /// Root mean square error ÷ mean, 0–100…; none for a mean of 0.
    pub cv_rmse: Option<f64>,
    /// Normalised mean bias error, Σ(actual − predicted) ÷ (rows × mean), 0–100… (ASHRAE Guideline 14: positive when
    /// the model says too little); none for a mean of 0.
    pub nmbe: Option<f64>,
    /// Root mean square error, in the target's unit.
    pub rmse: Option<f64>,
    /// Mean absolute error, in the target's unit.
    pub mae: Option<f64>,
}

impl Scores {
    /// Of predictions beside what was; pairs with a value that is not finite are left out.
    #[must_use]
    pub(crate) fn of(actual: &[f64], predicted: &[f64]) -> Self {
        let pairs = || actual.iter().zip(predicted).filter(|(a, p)| a.is_finite() && p.is_finite());
        let rows = pairs().count();
        let n = rows as f64;
        let mean = mean(pairs().map(|(a, _)| *a));
        let square: f64 = pairs().map(|(a, p)| (a - p).powi(2)).sum();
        let spread: f64 = pairs().map(|(a, _)| (a - mean).powi(2)).sum();
        let constant = pairs().all(|(a, _)| pairs().next().is_some_and(|(first, _)| first == a));
        let shares = || pairs().filter(|(a, _)| **a != 0.0).map(|(a, p)| ((a - p) / a).abs());
        let percent = |value: f64| finite(100.0 * value);
        let rmse = finite((square / n).sqrt());
        let of_mean = |value: f64| if mean == 0.0 { None } else { percent(value / mean) };
        Self {
            rows: rows as u64,
            zero_rows: pairs().filter(|(a, _)| **a == 0.0).count() as u64,
            mape: percent(self::mean(shares())),
            r2: if constant { None } else { finite(1.0 - square / spread) },
            cv_rmse: rmse.and_then(|rmse| of_mean(rmse).map(f64::abs)),
            nmbe: of_mean(pairs().map(|(a, p)| a - p).sum::<f64>() / n),
            rmse,
            mae: finite(self::mean(pairs().map(|(a, p)| (a - p).abs()))),
        }
    }

    /// By that measure; the root mean square error where it has no percentage.
    #[must_use]
    pub(crate) fn by(&self, measure: ErrorMeasure) -> Option<f64> {
        match measure {
            ErrorMeasure::Mape => self.mape.or(self.rmse),
            ErrorMeasure::Rmse => self.rmse,
        }
    }

    /// Such as `MAPE 4.1 %, CV(RMSE) 5.2 %`.
    #[must_use]
    pub(crate) fn spell(&self) -> String {
        let percent = |value: Option<f64>| value.map_or("–".to_owned(), |value| format!("{value:.1} %"));
        format!("MAPE {}, CV(RMSE) {}", percent(self.mape), percent(self.cv_rmse))
    }
}

/// What models and rules are compared by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "openapi", schema(as = Measure))]
pub enum ErrorMeasure {
    /// Mean absolute percentage error.
    #[default]
    Mape,
    /// Root mean square error: where more than a tenth of the targets is 0, which no percentage counts.
    Rmse,
}

impl ErrorMeasure {
    /// For such targets.
    #[must_use]
    pub(crate) fn of(targets: &[f64]) -> Self {
        let zeros = targets.iter().filter(|target| **target == 0.0).count();
        if zeros * 10 > targets.len() { Self::Rmse } else { Self::Mape }
    }

    /// As people write it.
    #[must_use]
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Mape => "MAPE",
            Self::Rmse => "RMSE",
        }
    }

    /// A value of it, with its unit.
    #[must_use]
    pub(crate) fn spell(self, scores: &Scores) -> String {
        match (self, scores.by(self)) {
            (_, None) => "–".to_owned(),
            (Self::Mape, Some(value)) if scores.mape.is_some() => format!("{value:.2} %"),
            (_, Some(value)) => format!("{value:.2}"),
        }
    }
}

/// What ASHRAE Guideline 14 says of a model, on the held-out rows.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(default)]
pub struct Guideline14 {
    /// On hourly means: CV(RMSE) ≤ 30 %, |NMBE| ≤ 10 %; from a day on.
    pub hourly: Judgement,
    /// On monthly means: CV(RMSE) ≤ 15 %, |NMBE| ≤ 5 %; from twelve months on.
    pub monthly: Judgement,
}

/// A verdict and what it rests on.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(default)]
pub struct Judgement {
    /// Whether it keeps both limits.
    pub outcome: Outcome,
    /// Hours or months that were compared.
    pub periods: u64,
    /// %, of those means.
    pub cv_rmse: Option<f64>,
    /// %, of those means; actual − predicted.
    pub nmbe: Option<f64>,
}

/// Whether limits are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// They are.
    Pass,
    /// They are not.
    Fail,
    /// There is too little to tell.
    #[default]
    NotEnoughData,
}

impl Outcome {
    /// In words.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::Fail => "fail",
            Self::NotEnoughData => "not enough data",
        }
    }
}

impl Guideline14 {
    /// Of predictions at those times (ms since 1970 UTC, ascending), by local hours and months. Rows further apart
    /// than an hour make no hourly means.
    #[must_use]
    pub(crate) fn of(times_ms: &[i64], zone: Tz, interval_ms: i64, actual: &[f64], predicted: &[f64]) -> Self {
        let hour = |at: DateTime<Tz>| (at.num_days_from_ce(), at.hour());
        let month = |at: DateTime<Tz>| (at.year(), at.month());
        let (hours, months) =
            (means(times_ms, zone, actual, predicted, hour), means(times_ms, zone, actual, predicted, month));
        let least_hours = if interval_ms > 3_600_000 { usize::MAX } else { LEAST_HOURS };
        Self { hourly: judge(&hours, HOURLY, least_hours), monthly: judge(&months, MONTHLY, LEAST_MONTHS) }
    }
}

fn judge((actual, predicted): &(Vec<f64>, Vec<f64>), limits: (f64, f64), least: usize) -> Judgement {
    let Scores { cv_rmse, nmbe, .. } = Scores::of(actual, predicted);
    let outcome = match (cv_rmse, nmbe) {
        (Some(cv), Some(bias)) if actual.len() >= least => {
            if cv <= limits.0 && bias.abs() <= limits.1 {
                Outcome::Pass
            } else {
                Outcome::Fail
            }
        }
        _ => Outcome::NotEnoughData,
    };
    Judgement { outcome, periods: actual.len() as u64, cv_rmse, nmbe }
}

/// Means of what was and of what was predicted, over rows of one period.
fn means<K: PartialEq>(
    times_ms: &[i64],
    zone: Tz,
    actual: &[f64],
    predicted: &[f64],
    period: impl Fn(DateTime<Tz>) -> K,
) -> (Vec<f64>, Vec<f64>) {
    let rows = times_ms.iter().zip(actual.iter().zip(predicted));
    let rows = rows.filter_map(|(ms, pair)| Some((period(local(*ms, zone)?), pair))).collect::<Vec<_>>();
    let mean_of = |rows: &[(K, (&f64, &f64))]| {
        (mean(rows.iter().map(|(_, (a, _))| **a)), mean(rows.iter().map(|(_, (_, p))| **p)))
    };
    rows.chunk_by(|a, b| a.0 == b.0).map(mean_of).unzip()
}

/// The local clock at that time.
pub(super) fn local(ms: i64, zone: Tz) -> Option<DateTime<Tz>> {
    Some(DateTime::from_timestamp_millis(ms)?.with_timezone(&zone))
}

/// NaN of nothing.
pub(super) fn mean(values: impl Iterator<Item = f64>) -> f64 {
    let (sum, count) = values.fold((0.0, 0_u64), |(sum, count), value| (sum + value, count + 1));
    sum / count as f64
}

pub(super) fn finite(value: f64) -> Option<f64> {
    value.is_finite().then_some(value)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]
mod tests {
    use super::*;

    fn near(value: Option<f64>, wanted: f64) {
        let value = value.expect("a number");
        assert!((value - wanted).abs() < 1e-9 * wanted.abs().max(1.0), "{value} is not {wanted}");
    }

    /// Expected values: scikit-learn 1.9 (mean_absolute_percentage_error of rows ≠ 0, r2_score,
    /// root_mean_squared_error, mean_absolute_error) and numpy for the two of Guideline 14.
    #[test]
    fn scores_are_those_of_scikit_learn() {
        let actual = [310.5, 298.25, 0.0, 412.75, 389.5, 0.0, 275.125, 350.0];
        let predicted = [300.0, 305.5, 12.5, 400.25, 402.0, 3.25, 280.5, 344.75];
        let scores = Scores::of(&actual, &predicted);
        assert_eq!((scores.rows, scores.zero_rows), (8, 2));
        near(scores.mape, 2.5839761266424333);
        near(scores.r2, 0.9962723466835144);
        near(scores.rmse, 9.344638335698177);
        near(scores.cv_rmse, 3.6715381759757095);
        near(scores.mae, 8.640625);
        near(scores.nmbe, -0.6200503407207317);
    }

    #[test]
    fn a_model_that_says_too_little_has_a_positive_bias() {
        near(Scores::of(&[100.0, 300.0], &[90.0, 290.0]).nmbe, 5.0);
    }

    #[test]
    fn what_has_no_meaning_is_none() {
        let nothing = Scores::of(&[], &[]);
        assert_eq!(nothing, Scores::default());
        let zeros = Scores::of(&[0.0, 0.0], &[1.0, -1.0]);
        assert_eq!((zeros.mape, zeros.r2, zeros.cv_rmse, zeros.nmbe), (None, None, None, None));
        assert_eq!((zeros.rmse, zeros.mae, zeros.zero_rows), (Some(1.0), Some(1.0), 2));
        // a constant whose mean in floating point is not quite it
        let constant = Scores::of(&[0.1; 7], &[0.2; 7]);
        assert_eq!(constant.r2, None);
        near(constant.mape, 100.0);
        let one = Scores::of(&[2.0], &[1.0]);
        assert_eq!((one.r2, one.mape, one.rmse, one.nmbe), (None, Some(50.0), Some(1.0), Some(50.0)));
        let holes = Scores::of(&[2.0, f64::NAN, 4.0], &[1.0, 3.0, f64::INFINITY]);
        assert_eq!(holes, one);
        // sums that leave the numbers there are
        let vast = Scores::of(&[1e200, -1e200], &[-1e200, 1e200]);
        assert_eq!((vast.rmse, vast.mape), (None, Some(200.0)));
        // read back as written: nothing in JSON is NaN
        for scores in [nothing, zeros, constant, one, vast] {
            let json = serde_json::to_string(&scores).unwrap();
            assert_eq!(serde_json::from_str::<Scores>(&json).unwrap(), scores);
        }
        // a mean below 0 (a meter that counts backwards) does not turn the spread's sign
        near(Scores::of(&[-100.0, -100.0], &[-90.0, -110.0]).cv_rmse, 10.0);
    }

    /// Expected values: pandas, `resample("1h").mean()` of the same numbers.
    #[test]
    fn guideline_14_looks_at_hourly_means() {
        let times: Vec<i64> = (0..180).map(|row| 1_709_222_400_000 + row * 600_000).collect();
        let actual: Vec<f64> = (0..180).map(|k| f64::from(200 + k * 37 % 101)).collect();
        let predicted: Vec<f64> = (0..180).map(|k| 200.0 + f64::from(k * 53 % 97) * 1.25).collect();
        let zone = chrono_tz::Asia::Taipei;
        let found = Guideline14::of(&times, zone, 600_000, &actual, &predicted);
        assert_eq!((found.hourly.outcome, found.hourly.periods), (Outcome::Pass, 30));
        near(found.hourly.cv_rmse, 5.565308969090771);
        near(found.hourly.nmbe, -3.910403274239831);
        assert_eq!((found.monthly.outcome, found.monthly.periods), (Outcome::NotEnoughData, 1));
        let daily = Guideline14::of(&times, zone, 86_400_000, &actual, &predicted);
        assert_eq!(daily.hourly.outcome, Outcome::NotEnoughData);
        let biased: Vec<f64> = actual.iter().map(|kw| kw * 1.11).collect();
        assert_eq!(Guideline14::of(&times, zone, 600_000, &actual, &biased).hourly.outcome, Outcome::Fail);
        let few = Guideline14::of(&times[..137], zone, 600_000, &actual[..137], &predicted[..137]);
        assert_eq!((few.hourly.outcome, few.hourly.periods), (Outcome::NotEnoughData, 23));
    }

    #[test]
    fn twelve_months_are_judged_by_month() {
        let times: Vec<i64> = (0..366).map(|day| 1_704_067_200_000 + day * 86_400_000).collect();
        let actual: Vec<f64> = (0..366).map(|day| 100.0 + f64::from(day % 2)).collect();
        let judge = |factor: f64| {
            let predicted: Vec<f64> = actual.iter().map(|kw| kw * factor).collect();
            Guideline14::of(&times, chrono_tz::UTC, 86_400_000, &actual, &predicted).monthly
        };
        assert_eq!((judge(0.96).outcome, judge(0.96).periods), (Outcome::Pass, 12));
        near(judge(0.96).nmbe, 4.0);
        assert_eq!(judge(1.06).outcome, Outcome::Fail);
    }

    #[test]
    fn much_standstill_is_judged_by_square_errors() {
        assert_eq!(ErrorMeasure::of(&[0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0]), ErrorMeasure::Mape);
        assert_eq!(ErrorMeasure::of(&[0.0, 1.0, 2.0]), ErrorMeasure::Rmse);
    }
}
