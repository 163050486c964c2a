//! What every law says day by day: its residual, its usual noise, and how errors of its sensors would show.

use super::plant::Plant;
use super::relation::Relation;
use super::robust::{median_of, quantile};

/// Instants of a day that are needed to judge it.
pub(crate) const LEAST_INSTANTS: usize = 3;
/// Days apart at which the noise is taken: long enough for weather to change, short enough that a step is in few pairs.
const NOISE_DAYS: usize = 5;
/// Of steps between days, the quantile that still is without a fault when faults take most of the time, and what it is of
/// bell-shaped ones in standard deviations.
const QUIET: f64 = 0.4;
const QUIET_SPREAD: f64 = 0.5244;
/// Bends that tell the noise, and the standard deviation of one, √1.5 of a day's.
const LEAST_BENDS: usize = 10;
const BEND_SPREAD: f64 = 1.2247;
/// Within this, residuals of exact laws are the sensors' own accuracy: K, and share.
const ACCURACY_K: f64 = 0.75;
const ACCURACY_SHARE: f64 = 0.05;
/// Share of the days that must lie within the accuracy for it to be the law's usual state.
const USUAL_SHARE: f64 = 0.08;

/// One law through time.
#[derive(Debug, Clone)]
pub(crate) struct Track {
    /// Median residual of each day, NaN where there are too few.
    pub(crate) days: Vec<f64>,
    /// Robust standard deviation of a day's residual.
    pub(crate) noise: f64,
    /// For each member, the mean gradient of each day; empty until it is asked for.
    pub(crate) gradients: Vec<Vec<f64>>,
}

impl Track {
    /// The track of a law.
    #[must_use]
    pub(crate) fn of(plant: &Plant<'_>, relation: &Relation, with_gradients: bool) -> Self {
        let days = plant.instants.days;
        let mut found = Self { days: vec![f64::NAN; days], noise: 0.0, gradients: Vec::new() };
        let mut gradient = vec![0.0; if with_gradients { relation.members.len() } else { 0 }];
        let mut sums = vec![vec![0.0; days]; gradient.len()];
        let mut of_day: Vec<f64> = Vec::new();
        let mut today = 0;
        let close = |day: usize, of_day: &mut Vec<f64>, found: &mut Self, sums: &mut [Vec<f64>]| {
            let count = of_day.len() as f64;
            for sum in sums.iter_mut().filter_map(|sums| sums.get_mut(day)) {
                *sum /= count;
            }
            if of_day.len() >= LEAST_INSTANTS
                && let Some(slot) = found.days.get_mut(day)
            {
                *slot = quantile(of_day, 0.5).unwrap_or(f64::NAN);
            }
            of_day.clear();
        };
        for (k, day) in plant.instants.day.iter().enumerate() {
            if *day != today {
                close(today, &mut of_day, &mut found, &mut sums);
                today = *day;
            }
            let row = |slot: usize| plant.slots.get(slot).and_then(|values| values.get(k)).copied().unwrap_or(f64::NAN);
            let residual = relation.residual(
                &row,
                &plant.wet,
                Some(&mut gradient).filter(|g| !g.is_empty()).map(Vec::as_mut_slice),
            );
            if !residual.is_finite() {
                continue;
            }
            of_day.push(residual);
            for (sums, gradient) in sums.iter_mut().zip(&gradient) {
                if let Some(sum) = sums.get_mut(today) {
                    *sum += gradient;
                }
            }
        }
        close(today, &mut of_day, &mut found, &mut sums);
        found.gradients = sums;
        found.noise = found.usual_noise(relation);
        found
    }

    fn usual_noise(&self, relation: &Relation) -> f64 {
        let spread = |mut steps: Vec<f64>| {
            steps.retain(|step| !step.is_nan());
            let centre = quantile(&mut steps, 0.5).unwrap_or(0.0);
            steps.iter_mut().for_each(|step| *step = (*step - centre).abs());
            quantile(&mut steps, QUIET).map_or(0.0, |spread| spread / QUIET_SPREAD)
        };
        let later = |days: usize| self.days.iter().skip(days);
        let apart = |days: usize| {
            let steps = self.days.iter().zip(later(days)).map(|(a, b)| b - a);
            spread(steps.collect()) / std::f64::consts::SQRT_2
        };
        // A drift is in every step of its days, but in no bend.
        let bends =
            self.days.iter().zip(later(NOISE_DAYS)).zip(later(2 * NOISE_DAYS)).map(|((a, b), c)| b - (a + c) / 2.0);
        let bends: Vec<f64> = bends.filter(|bend| !bend.is_nan()).collect();
        let bent = if bends.len() < LEAST_BENDS { f64::INFINITY } else { spread(bends) / BEND_SPREAD };
        let far = (self.days.len() / 6).max(NOISE_DAYS);
        // Sensors of an exact law do not wander; what is learnt may, with load and season.
        let near = apart(NOISE_DAYS).min(bent).max(relation.least_noise);
        let slow = if relation.exact { 0.0 } else { near.max(apart(far).min(3.0 * near)) };
        apart(1).max(slow).max(relation.least_noise)
    }

    /// Where the residual usually lies: 0 within the sensors' accuracy for exact laws when it is ever there, else its
    /// median; `at_first` that of the first 15 % of the days, what is learnt being judged against how it was once.
    #[must_use]
    pub(crate) fn base(&self, relation: &Relation, leftover: &[f64], at_first: bool) -> f64 {
        let valid = leftover.iter().filter(|value| !value.is_nan()).count();
        if relation.exact {
            let accuracy = if relation.in_kelvin() { ACCURACY_K } else { ACCURACY_SHARE };
            let near = || leftover.iter().copied().filter(|value| value.abs() <= accuracy);
            if near().count() as f64 >= USUAL_SHARE * valid as f64 {
                return median_of(near()).unwrap_or(0.0);
            }
        }
        let known = || leftover.iter().copied().filter(|value| !value.is_nan());
        let reference = if at_first && !relation.exact { (valid * 3 / 20).max(7) } else { valid };
        median_of(known().take(reference)).unwrap_or(0.0)
    }

    /// Whether some days are further off the usual than noise explains.
    #[must_use]
    pub(crate) fn is_odd(&self, relation: &Relation) -> bool {
        let base = self.base(relation, &self.days, true);
        let off = |day: &&f64| (**day - base).abs() > 6.0 * self.noise;
        self.days.iter().filter(off).count() >= 3
    }
}
