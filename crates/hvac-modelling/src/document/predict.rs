//! Answers rows that a user gives, with how sure the model is.
//!
//! A model answers any row of numbers, and trees answer beyond what they saw with what they saw last. So each feature
//! beyond its training range is named, and widens the interval by [`WIDENING`] times its distance in widths of that
//! range: half a range beyond, three times as wide. A row that gives none of what the model mainly goes by is refused.

use super::super::{ModelError, Problem};
use super::{Assumption, GivenRow, ModelDocument, Prediction};
use crate::features::{self, Feature, FeatureRange};
use crate::role::Role;
use crate::words::did_you_mean;

/// How many times its half width an interval gains, a range's width beyond that range.
const WIDENING: f64 = 4.0;
/// Most times its half width that it becomes, so that it stays a number.
const WIDEST: f64 = 1e6;
/// Share of all importance that the main inputs have together.
const MAIN_SHARE: f64 = 0.8;

impl ModelDocument {
    /// Predicts rows that a user gives; wider intervals where it extrapolates.
    ///
    /// # Errors
    /// `wrong_features` naming what the model does not know, with the closest, or the main inputs of which a row
    /// gives none.
    pub fn predict(&self, rows: &[GivenRow]) -> Result<Vec<Prediction>, ModelError> {
        let known = features::known_names(&self.features);
        let unknown = rows.iter().enumerate().flat_map(|(index, row)| {
            let names = row.values.keys().filter(|name| known.binary_search(&name.as_str()).is_err());
            names.map(move |name| (index, name))
        });
        let unknown = unknown.map(|(index, name)| {
            let advice = did_you_mean(known.iter().copied(), name, "leave it out, or train a model with it");
            Problem {
                field: format!("rows[{index}].{name}"),
                message: format!("The model knows no '{name}'; {advice}"),
            }
        });
        if let Some(error) = ModelError::of("wrong_features", unknown.collect()) {
            return Err(error);
        }
        let zone = self.lineage.timezone.parse();
        let zone = zone.map_err(|_| ModelError::new("internal", "", "The model's time zone is unknown."))?;
        let made: Vec<Vec<f64>> =
            rows.iter().map(|row| features::row(&self.features, &row.values, row.time_ms, zone)).collect();
        let main = self.main_inputs();
        let empty = made
            .iter()
            .enumerate()
            .filter(|(_, row)| main.iter().all(|index| row.get(*index).is_none_or(|value| value.is_nan())));
        let empty = empty.map(|(index, _)| {
            let names = main.iter().filter_map(|index| self.features.get(*index)).map(|feature| feature.name.as_str());
            let names = names.collect::<Vec<_>>().join(", ");
            let message = format!("The row gives none of what the model mainly goes by ({names}); give these.");
            Problem { field: format!("rows[{index}]"), message }
        });
        match ModelError::of("wrong_features", empty.collect()) {
            Some(error) => Err(error),
            None => {
                let predictions: Vec<Prediction> = made.iter().map(|row| self.predict_row(row)).collect();
                match predictions.iter().all(|prediction| prediction.predicted_power.is_finite()) {
                    true => Ok(predictions),
                    false => Err(ModelError::new("internal", "", "The model predicts what is no number.")),
                }
            }
        }
    }

    /// Predicts a row of the model's features, in their order; NaN where one is missing.
    #[must_use]
    pub(crate) fn predict_row(&self, row: &[f64]) -> Prediction {
        let predicted_power = self.fitted.predict(row);
        let named = |test: &dyn Fn(&Feature, f64) -> bool| {
            let of = self.features.iter().zip(row).filter(|(feature, value)| test(feature, **value));
            of.map(|(feature, _)| feature.name.clone()).collect()
        };
        let beyond: f64 = self.features.iter().zip(row).map(|(feature, value)| beyond(&feature.range, *value)).sum();
        let half = self.half_width(predicted_power) * (1.0 + WIDENING * beyond).min(WIDEST);
        Prediction {
            predicted_power,
            lower: predicted_power - half,
            upper: predicted_power + half,
            extrapolating: named(&|feature, value| self::beyond(&feature.range, value) > 0.0),
            missing: named(&|_, value| value.is_nan()),
            assumptions: self.assumptions(row),
        }
    }

    /// What stands for the features that a row does not give.
    fn assumptions(&self, row: &[f64]) -> Vec<Assumption> {
        let missing = self.features.iter().zip(row).enumerate().filter(|(_, (_, value))| value.is_nan());
        let assumed = missing.filter_map(|(index, (feature, _))| {
            let value = self.fitted.assumed(index)?;
            let source = "the median of the training rows".to_owned();
            Some(Assumption { name: feature.name.clone(), value, source })
        });
        assumed.collect()
    }

    /// Indices of the fewest features, the calendar left out, that have [`MAIN_SHARE`] of the importance; all such
    /// features where none has any.
    fn main_inputs(&self) -> Vec<usize> {
        let inputs = || {
            let features = self.features.iter().enumerate();
            features.filter(|(_, feature)| feature.role != Role::Calendar).map(|(index, _)| index)
        };
        let gain = |index: &usize| {
            let name = self.features.get(*index).map(|feature| feature.name.as_str());
            let found = self.metrics.importance.iter().find(|importance| Some(importance.feature.as_str()) == name);
            found.map_or(0.0, |importance| importance.rmse_increase.max(0.0))
        };
        let mut gains: Vec<(usize, f64)> = inputs().map(|index| (index, gain(&index))).collect();
        gains.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
        let total: f64 = gains.iter().map(|(_, gain)| gain).sum();
        if total <= 0.0 {
            return inputs().collect();
        }
        let mut sum = 0.0;
        let needed = gains.iter().take_while(|(_, gain)| {
            let needed = sum < MAIN_SHARE * total;
            sum += gain;
            needed
        });
        needed.map(|(index, _)| *index).collect()
    }
}

/// How far beyond the range a value lies, in widths of the range; 0 within, and for a missing value.
fn beyond(range: &FeatureRange, value: f64) -> f64 {
    let distance = (range.min - value).max(value - range.max);
    let width = range.max - range.min;
    if distance <= 0.0 || distance.is_nan() {
        return 0.0;
    }
    distance / if width > 0.0 { width } else { range.max.abs().max(1.0) }
}
