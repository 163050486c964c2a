//! What one setting gains over another under the same conditions, and how much of that can be relied on.
//!
//! The search asks for the gain that is sure, not for the one that is predicted: the largest of a hundred thousand
//! predictions is where the errors are largest. Sure is what the more cautious of two models predicts, less two
//! standard errors. The standard error is of the difference, by the jackknife (Quenouille, Tukey): power is fitted
//! again without each of a few stretches of time, and what two settings have in common cancels.

use super::super::control::Control;
use super::super::control::state::PlantState;

/// Standard errors that a gain is reduced by.
const SURE: f64 = 2.0;
/// Least share of the present power that a change must gain: less no meter would show.
pub(crate) const WORTH_CHANGING: f64 = 0.001;
/// The same for one variable of several.
pub(crate) const WORTH_MOVING: f64 = 0.0002;

/// Power of one state by every model, kW.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Opinions {
    /// By all rows.
    pub(crate) power: f64,
    /// By the second model, where there is one.
    pub(crate) rival: Option<f64>,
    /// By the refits without one stretch of time each.
    pub(crate) refits: Vec<f64>,
}

/// From one state to another.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Gain {
    /// kW less.
    pub(crate) power: f64,
    /// kW less by the more cautious of the two models.
    pub(crate) cautious: f64,
    /// [`SURE`] standard errors of the difference, kW.
    pub(crate) error: f64,
    /// Share of the refits by which it is a gain, times how much of it the second model sees.
    pub(crate) agreement: f64,
}

impl Opinions {
    /// Of a normalised state.
    #[must_use]
    pub(crate) fn of(control: &Control, state: &PlantState) -> Self {
        let terms = control.power.terms_at(state);
        let sum = |coefficients: &[f64]| terms.iter().zip(coefficients).map(|(term, c)| term * c).sum();
        Self {
            power: sum(&control.power.coefficients),
            rival: control.rival.as_ref().map(|rival| rival.value(state)),
            refits: control.power.refits.iter().map(|refit| sum(refit)).collect(),
        }
    }

    /// What `to` gains over this.
    #[must_use]
    pub(crate) fn gain(&self, to: &Self) -> Gain {
        let power = self.power - to.power;
        let gains = || self.refits.iter().zip(&to.refits).map(|(from, to)| from - to);
        let count = self.refits.len().max(1) as f64;
        let mean = gains().sum::<f64>() / count;
        let squares: f64 = gains().map(|gain| (gain - mean) * (gain - mean)).sum();
        let rival = self.rival.zip(to.rival).map_or(power, |(from, to)| from - to);
        let agreeing = gains().filter(|gain| *gain > 0.0).count() as f64 / count;
        Gain {
            power,
            cautious: power.min(rival),
            error: SURE * ((count - 1.0) / count * squares).sqrt(),
            agreement: if power > 0.0 { agreeing * (rival / power).clamp(0.0, 1.0) } else { 0.0 },
        }
    }
}

impl Gain {
    /// From one normalised state to another.
    #[must_use]
    pub(crate) fn between(control: &Control, from: &PlantState, to: &PlantState) -> Self {
        Opinions::of(control, from).gain(&Opinions::of(control, to))
    }

    /// How sure it is that it is one, 0–1: its share of itself and its error, times how far the models agree.
    #[must_use]
    pub(crate) fn surety(&self) -> f64 {
        if self.power > 0.0 { self.power / (self.power + self.error) * self.agreement } else { 0.0 }
    }

    /// What may be relied on, kW.
    #[must_use]
    pub(crate) fn sure(&self) -> f64 {
        self.cautious - self.error
    }
}
