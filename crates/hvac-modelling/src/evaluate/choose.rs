//! Which algorithm a model becomes, and what to make of it: decisions with their sentences.
//!
//! The pick is made on validation rows, never on held-out ones. Who loses to the same-time-last-week rule there is
//! picked only when all do. Within 1 % of the best, the simplest wins.

use serde::{Deserialize, Serialize};

use super::super::{ModelError, Progress};
use super::interval::ForetoldBlock;
use super::metrics::{ErrorMeasure, Scores};
use super::split::Split;
use super::{Baseline, BaselineRule, Metrics, TrainingRows, step};
use crate::fitted::{Algorithm, FittedModel};
use crate::options::{Choice, TrainOptions};

/// How much worse than the best, as a share, a simpler algorithm may be.
const TIE: f64 = 0.01;

/// An algorithm that was tried.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Candidate {
    /// Which.
    pub(crate) algorithm: Algorithm,
    /// On the validation rows, by a model of the rows before: what the pick is made on.
    pub(crate) validation: Scores,
    /// The same-time-last-week rule on the validation rows, beside it.
    pub(crate) last_week: Option<Baseline>,
    /// On the held-out rows, by a model of all rows before: for information.
    pub(crate) time_ordered: Scores,
    /// Why it could not be fitted, when it could not.
    pub(crate) refused: Option<String>,
}

impl Candidate {
    fn refused(algorithm: Algorithm, error: &ModelError) -> Self {
        let (validation, time_ordered) = (Scores::default(), Scores::default());
        Self { algorithm, validation, last_week: None, time_ordered, refused: Some(error.message.clone()) }
    }

    fn loses(&self) -> bool {
        self.last_week.as_ref().is_some_and(|rule| rule.beaten == Some(false))
    }
}

/// A candidate with what it said.
pub(super) struct TrialResult {
    pub(crate) candidate: Candidate,
    /// Of all rows before the held-out ones.
    pub(crate) model: FittedModel,
    /// For the held-out rows.
    pub(crate) predicted: Vec<f64>,
    /// The validation rows, as a model of the rows before foretold them.
    pub(crate) validated: ForetoldBlock,
}

/// Fits what was asked for; with `auto`, algorithms that cannot be fitted come second, with the reason.
pub(super) fn try_each(
    rows: &TrainingRows<'_>,
    inner: &Split,
    outer: &Split,
    options: &TrainOptions,
    measure: ErrorMeasure,
    progress: Progress<'_>,
) -> Result<(Vec<TrialResult>, Vec<Candidate>), ModelError> {
    let named = options.algorithm.named();
    let algorithms = Algorithm::ALL.into_iter().filter(|algorithm| named.is_none_or(|named| named == *algorithm));
    let (mut tried, mut refused, mut why) = (Vec::new(), Vec::new(), None);
    for (index, algorithm) in algorithms.enumerate() {
        step(progress, 0.05 + 0.13 * index as f64, &format!("trying {}", algorithm.as_str()))?;
        match try_one(rows, inner, outer, options, measure, algorithm) {
            Ok(found) => tried.push(found),
            Err(error) if named.is_none() => {
                refused.push(Candidate::refused(algorithm, &error));
                why = why.or(Some(error));
            }
            Err(error) => return Err(error),
        }
    }
    match why {
        Some(error) if tried.is_empty() => Err(error),
        _ => Ok((tried, refused)),
    }
}

fn try_one(
    rows: &TrainingRows<'_>,
    inner: &Split,
    outer: &Split,
    options: &TrainOptions,
    measure: ErrorMeasure,
    algorithm: Algorithm,
) -> Result<TrialResult, ModelError> {
    let validated = rows.judge(algorithm, inner, options)?;
    let actual = rows.actual(&inner.test);
    let model = rows.fit(algorithm, &outer.train, options)?;
    let predicted = rows.predict(&model, &outer.test);
    let candidate = Candidate {
        algorithm,
        validation: Scores::of(&actual, &validated),
        last_week: Some(rows.past.compare(BaselineRule::SameTimeLastWeek, inner, &validated, measure, true)),
        time_ordered: Scores::of(&rows.actual(&outer.test), &predicted),
        refused: None,
    };
    Ok(TrialResult { candidate, model, predicted, validated: ForetoldBlock { actual, predicted: validated } })
}

/// Which of those that were tried it becomes, and a sentence why. None only of none.
pub(super) fn pick(
    tried: &[&Candidate],
    refused: &[Candidate],
    asked: Choice,
    measure: ErrorMeasure,
) -> Option<(Algorithm, String)> {
    let error = |candidate: &Candidate| candidate.validation.by(measure).unwrap_or(f64::INFINITY);
    let fair: Vec<&Candidate> = tried.iter().copied().filter(|candidate| !candidate.loses()).collect();
    let all_lose = fair.is_empty();
    let field = if all_lose { tried.to_vec() } else { fair };
    let best = field.iter().copied().min_by(|a, b| error(a).total_cmp(&error(b)))?;
    // in the order of `Algorithm::ALL` the simplest is last
    let winner = field.iter().copied().rfind(|candidate| error(candidate) <= error(best) * (1.0 + TIE))?;
    let name = winner.algorithm.as_str();
    let score = |candidate: &Candidate| measure.spell(&candidate.validation);
    if asked != Choice::Auto {
        let sentence = format!("{name} was asked for; {} {} on the validation rows.", measure.name(), score(winner));
        return Some((winner.algorithm, sentence));
    }
    let mut says = format!("auto took {name}: {} {} on the validation rows", measure.name(), score(winner));
    let others = tried.iter().filter(|other| other.algorithm != winner.algorithm);
    let others: Vec<String> = others
        .map(|other| {
            format!(
                "{} {}{}",
                other.algorithm.as_str(),
                score(other),
                if other.loses() { " (loses to the same time last week)" } else { "" }
            )
        })
        .collect();
    if !others.is_empty() {
        says.push_str(&format!(", against {}", others.join(", ")));
    }
    says.push('.');
    if winner.algorithm != best.algorithm {
        says.push_str(&format!(" It is within 1 % of {}, and simpler.", best.algorithm.as_str()));
    }
    if all_lose && let Some(rule) = &winner.last_week {
        let rule = measure.spell(&rule.scores);
        says.push_str(&format!(" All of them lose there to the same time last week ({rule}): the rule is better."));
    }
    for candidate in refused {
        let why = candidate.refused.as_deref().unwrap_or_default();
        says.push_str(&format!(" {} could not be fitted: {why}", candidate.algorithm.as_str()));
    }
    Some((winner.algorithm, says))
}

/// What to make of a model.
pub(super) fn verdict(metrics: &Metrics, algorithm: Algorithm) -> String {
    let measure = metrics.judged_by;
    let rows = metrics.time_ordered.rows;
    let mut says = vec![format!("{} on {rows} held-out rows: {}.", algorithm.as_str(), metrics.time_ordered.spell())];
    let spell = |rule: &Baseline| {
        let (name, own, model) = (rule.rule.words(), measure.spell(&rule.scores), measure.spell(&rule.model));
        format!("{name} reaches {} {own} where the model reaches {model}", measure.name())
    };
    for rule in &metrics.baselines {
        match (rule.beaten, rule.counts) {
            (Some(false), true) => says
                .push(format!("The model LOSES to a simple rule: {}; to foretell power, use the rule.", spell(rule))),
            (Some(false), false) => says.push(format!("Of note: {}; it has to know {}.", spell(rule), rule.knows)),
            (None, true) => says.push(format!("Not compared with {}: it has too few answers.", rule.rule.words())),
            _ => {}
        }
    }
    if metrics.beats_baselines {
        let beaten = metrics.baselines.iter().filter(|rule| rule.counts && rule.beaten == Some(true));
        let beaten: Vec<String> =
            beaten.map(|rule| format!("{} ({})", rule.rule.words(), measure.spell(&rule.scores))).collect();
        if !beaten.is_empty() {
            says.push(format!("It is better than {}.", beaten.join(" and ")));
        }
    }
    says.push(format!("ASHRAE Guideline 14, hourly: {}.", metrics.guideline14.hourly.outcome.words()));
    if let Some(reason) = &metrics.interval.reason {
        says.push(format!("Its prediction interval is not calibrated: {reason}."));
    }
    says.join(" ")
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]
mod tests {
    use super::*;

    fn candidate(algorithm: Algorithm, mape: f64, week: f64) -> Candidate {
        let scores = |mape| Scores { rows: 100, mape: Some(mape), ..Scores::default() };
        let rule = Baseline {
            rule: BaselineRule::SameTimeLastWeek,
            knows: String::new(),
            scores: scores(week),
            model: scores(mape),
            beaten: Some(mape < week),
            counts: true,
        };
        let last_week = Some(rule);
        Candidate { algorithm, validation: scores(mape), last_week, time_ordered: scores(0.0), refused: None }
    }

    fn auto(mapes: [f64; 3], week: f64) -> (Algorithm, String) {
        let tried = [0, 1, 2].map(|index| candidate(Algorithm::ALL[index], mapes[index], week));
        pick(&tried.iter().collect::<Vec<_>>(), &[], Choice::Auto, ErrorMeasure::Mape).unwrap()
    }

    #[test]
    fn auto_takes_the_best_and_the_simplest_of_equals() {
        let (taken, says) = auto([4.0, 4.5, 5.0], 9.0);
        assert_eq!(taken, Algorithm::Gbdt);
        assert_eq!(says, "auto took gbdt: MAPE 4.00 % on the validation rows, against hybrid 4.50 %, physics 5.00 %.");
        let (taken, says) = auto([4.0, 4.01, 4.04], 9.0);
        assert_eq!(taken, Algorithm::Physics);
        assert!(says.ends_with("It is within 1 % of gbdt, and simpler."), "{says}");
        assert_eq!(auto([4.0, 4.04, 4.05], 9.0).0, Algorithm::Hybrid);
        assert_eq!(auto([4.0, 4.05, 4.05], 9.0).0, Algorithm::Gbdt);
    }

    #[test]
    fn who_loses_to_last_week_is_taken_only_when_all_do() {
        // within 1 % of each other, but physics on the wrong side of the rule
        let (taken, says) = auto([4.0, 5.0, 4.03], 4.02);
        assert_eq!(taken, Algorithm::Gbdt);
        assert!(says.contains("physics 4.03 % (loses to the same time last week)"), "{says}");
        let (taken, says) = auto([5.4, 6.1, 5.8], 4.1);
        assert_eq!(taken, Algorithm::Gbdt);
        assert!(says.ends_with("All of them lose there to the same time last week (4.10 %): the rule is better."));
    }

    #[test]
    fn what_was_asked_for_is_taken() {
        let tried = candidate(Algorithm::Hybrid, 4.0, 2.0);
        let (taken, says) = pick(&[&tried], &[], Choice::Hybrid, ErrorMeasure::Mape).unwrap();
        assert_eq!(
            (taken, says.as_str()),
            (Algorithm::Hybrid, "hybrid was asked for; MAPE 4.00 % on the validation rows.")
        );
        assert_eq!(pick(&[], &[], Choice::Auto, ErrorMeasure::Mape), None);
    }
}
