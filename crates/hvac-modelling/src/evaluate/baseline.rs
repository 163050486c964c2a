//! What simple rules reach on the same rows: a model that is worse than one of them is not worth its keep.

use chrono::{Days, TimeZone};
use chrono_tz::Tz;
use serde::{Deserialize, Serialize};

use super::metrics::{ErrorMeasure, Scores, local, mean};
use super::split::Split;

/// Fewest rows that a rule must answer to be compared with.
const LEAST_ANSWERS: u64 = 24;
const WEEK_MS: i64 = 7 * 24 * 3_600_000;

/// A simple rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum BaselineRule {
    /// The mean of the rows that the model learnt from.
    Mean,
    /// The target one interval before.
    LastValue,
    /// The target seven days before, at the same local time.
    SameTimeLastWeek,
}

impl BaselineRule {
    /// Every one.
    pub(crate) const ALL: [Self; 3] = [Self::Mean, Self::LastValue, Self::SameTimeLastWeek];

    /// In a sentence.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Self::Mean => "the mean of the training rows",
            Self::LastValue => "the last value",
            Self::SameTimeLastWeek => "the same time last week",
        }
    }

    /// What it has to know to answer.
    fn knows(self) -> &'static str {
        match self {
            Self::Mean => "the mean of the target in the rows that the model learnt from",
            Self::LastValue => {
                "the target one interval before, which helps no set-point and no plan; it counts only beside models \
                 that know the target's past"
            }
            Self::SameTimeLastWeek => "the target a week before",
        }
    }
}

/// What a rule reaches beside the model.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Baseline {
    /// The rule.
    pub rule: BaselineRule,
    /// What it has to know.
    pub knows: String,
    /// On the held-out rows that it has an answer for.
    pub scores: Scores,
    /// The model, on those very rows.
    pub model: Scores,
    /// Whether the model is better; none when the rule has too few answers.
    pub beaten: Option<bool>,
    /// Whether `beats_baselines` minds it.
    pub counts: bool,
}

/// Targets by time.
#[derive(Debug, Clone, Copy)]
pub(crate) struct TargetPast<'a> {
    /// Ascending, distinct; of rows that have a target.
    pub(crate) times_ms: &'a [i64],
    /// One a time.
    pub(crate) targets: &'a [f64],
    /// For local time.
    pub(crate) zone: Tz,
    /// Between rows.
    pub(crate) interval_ms: i64,
}

impl TargetPast<'_> {
    /// The target at that time: of the nearest row within less than half an interval, for clocks drift by seconds.
    fn at(&self, ms: i64) -> Option<f64> {
        let after = self.times_ms.partition_point(|time| *time < ms);
        let off = |row: usize| Some(((self.times_ms.get(row)? - ms).abs(), row));
        let (distance, row) = [after.checked_sub(1).and_then(off), off(after)].into_iter().flatten().min()?;
        let near = distance == 0 || distance.saturating_mul(2) < self.interval_ms;
        near.then(|| self.targets.get(row).copied()).flatten()
    }

    /// What the rule says for each row of `split.test`; NaN where it has no answer.
    #[must_use]
    pub(crate) fn answers(&self, rule: BaselineRule, split: &Split) -> Vec<f64> {
        let known = mean(split.train.iter().filter_map(|row| self.targets.get(*row).copied()));
        let answer = |row: &usize| {
            let ms = *self.times_ms.get(*row)?;
            match rule {
                BaselineRule::Mean => Some(known),
                BaselineRule::LastValue => self.at(ms.checked_sub(self.interval_ms)?),
                BaselineRule::SameTimeLastWeek => self.at(week_before(ms, self.zone)?),
            }
        };
        split.test.iter().map(|row| answer(row).unwrap_or(f64::NAN)).collect()
    }

    /// The rule beside predictions for the rows of `split.test`.
    #[must_use]
    pub(crate) fn compare(
        &self,
        rule: BaselineRule,
        split: &Split,
        predicted: &[f64],
        measure: ErrorMeasure,
        counts: bool,
    ) -> Baseline {
        let answers = self.answers(rule, split);
        let actual = crate::samples::take(self.targets, &split.test);
        let answered = |values: &[f64]| -> Vec<f64> {
            values.iter().zip(&answers).map(|(v, a)| if a.is_finite() { *v } else { f64::NAN }).collect()
        };
        let (scores, model) = (Scores::of(&actual, &answers), Scores::of(&actual, &answered(predicted)));
        let beaten = match (model.by(measure), scores.by(measure)) {
            (Some(model), Some(rule)) if scores.rows >= LEAST_ANSWERS => Some(model < rule),
            _ => None,
        };
        Baseline { rule, knows: rule.knows().to_owned(), scores, model, beaten, counts }
    }
}

/// The time seven days before on the local clock: over a change of clocks that is not 168 hours.
fn week_before(ms: i64, zone: Tz) -> Option<i64> {
    let now = local(ms, zone)?;
    let then = now.naive_local().checked_sub_days(Days::new(7))?;
    // of an hour that came twice, the one that is 168 hours ago, or else the first; an hour that never was: 168 hours
    let plain = ms.checked_sub(WEEK_MS)?;
    let both = zone.from_local_datetime(&then);
    let exact = [both.earliest(), both.latest()].into_iter().flatten().map(|at| at.timestamp_millis());
    let exact = exact.collect::<Vec<_>>();
    Some(if exact.contains(&plain) { plain } else { exact.first().copied().unwrap_or(plain) })
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]
mod tests {
    use super::*;

    const HOUR: i64 = 3_600_000;

    #[test]
    fn rules_look_up_by_time_and_not_by_row() {
        // a row is missing at 3 h
        let times = [0, HOUR, 2 * HOUR, 4 * HOUR, 5 * HOUR, 168 * HOUR, 170 * HOUR, 171 * HOUR];
        let targets = [10.0, 20.0, 30.0, 40.0, 50.0, 60.0, 70.0, 80.0];
        let past = TargetPast { times_ms: &times, targets: &targets, zone: chrono_tz::UTC, interval_ms: HOUR };
        let split = Split { train: vec![0, 1, 2], test: vec![3, 4, 5, 6, 7] };
        let answers = |rule| past.answers(rule, &split).into_iter().map(|v| v.is_finite().then_some(v)).collect();
        let (last, week): (Vec<Option<f64>>, Vec<_>) =
            (answers(BaselineRule::LastValue), answers(BaselineRule::SameTimeLastWeek));
        assert_eq!(last, [None, Some(40.0), None, None, Some(70.0)]);
        assert_eq!(week, [None, None, Some(10.0), Some(30.0), None]);
        assert_eq!(past.answers(BaselineRule::Mean, &split), [20.0; 5]);
    }

    #[test]
    fn a_week_before_is_by_the_local_clock() {
        let zone = chrono_tz::America::New_York;
        let at = |text: &str| chrono::DateTime::parse_from_rfc3339(text).unwrap().timestamp_millis();
        // clocks went forward on 10 March 2024: a week before noon is noon, 167 hours ago
        let noon = week_before(at("2024-03-12T12:00:00-04:00"), zone);
        assert_eq!(noon, Some(at("2024-03-05T12:00:00-05:00")));
        // and back on 3 November
        let noon = week_before(at("2024-11-05T12:00:00-05:00"), zone);
        assert_eq!(noon, Some(at("2024-10-29T12:00:00-04:00")));
        // 02:30 on 10 March never was
        let never = week_before(at("2024-03-17T02:30:00-04:00"), zone);
        assert_eq!(never, Some(at("2024-03-10T01:30:00-05:00")));
    }

    #[test]
    fn the_rule_is_compared_on_the_rows_it_answers() {
        let times: Vec<i64> = (0..400).map(|row| row * HOUR).collect();
        let targets: Vec<f64> = (0..400).map(|row| 100.0 + f64::from(row % 168)).collect();
        let past = TargetPast { times_ms: &times, targets: &targets, zone: chrono_tz::UTC, interval_ms: HOUR };
        let split = Split { train: (0..100).collect(), test: (100..400).collect() };
        let predicted: Vec<f64> = (100..400).map(|row| if row < 168 { 0.0 } else { targets[row] * 1.02 }).collect();
        let found = past.compare(BaselineRule::SameTimeLastWeek, &split, &predicted, ErrorMeasure::Mape, true);
        assert_eq!((found.scores.rows, found.scores.mape, found.beaten), (232, Some(0.0), Some(false)));
        // its bad first rows are none of the rule's
        assert!((found.model.mape.unwrap() - 2.0).abs() < 1e-9);
        let few = Split { train: (0..100).collect(), test: (150..180).collect() };
        let few = past.compare(BaselineRule::SameTimeLastWeek, &few, &[1.0; 30], ErrorMeasure::Mape, true);
        assert_eq!((few.scores.rows, few.beaten), (12, None));
    }
}
