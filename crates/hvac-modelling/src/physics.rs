//! What a plant's power is by physics: a quadratic chiller in load and temperatures, and auxiliaries that go with the
//! cube of their speed; coefficients by least squares, those of the cubes not below zero.
//!
//! The chiller is DOE-2's form, P = Σ c · {1, Q, Te, Tc, Q², Te², Tc², Q·Te, Q·Tc, Te·Tc} (HVAC.md §6), with Te the
//! chilled water that leaves and Tc the condenser water that enters. When it is known how many machines run, it is
//! the sum of that many equal ones. Without condenser-water temperatures among the features Tc is the outdoor
//! wet-bulb, and the tower has to be told by its speeds: condenser water is warmer than the wet-bulb by about
//! Q ÷ (fan's speed), and warms by Q ÷ (pump's speed). So Q/f and Q²/f stand for the lift that a slow fan or pump
//! costs, f³ for what a fast one does; with neither below zero, power has one minimum in each of these speeds.
//!
//! A missing feature is taken at its median in the training rows.
//!
//! Tried and left out, for they made neither the real plant's nor the simulated one's predictions better: weights
//! against outliers (Huber's), Q²/f², Q³/f, and Q/f times temperatures.

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::ModelError;
use super::features::Feature;
use super::linear::{Equations, solve};
use super::role::Role;
use super::samples::Matrix;

/// On the terms' correlations ([`Equations::ridge`]); of 1e-9…1e-3 about the best in blocked cross-validation on the
/// real plant, where all of them are alike.
const RIDGE: f64 = 1e-5;
/// Larger numbers are taken as this, so that no product of them overflows.
const LARGEST: f64 = 1e30;

/// Terms of quantities and their coefficients.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Physics {
    /// What terms are products of.
    pub(crate) quantities: Vec<PhysicsQuantity>,
    /// Added up.
    pub(crate) terms: Vec<Term>,
    /// One a feature: what stands for a missing value.
    pub(crate) typical: Vec<f64>,
}

/// A number of the plant, made of features.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct PhysicsQuantity {
    /// Such as `load`, `chw_supply`, or a feature's name.
    pub(crate) name: String,
    /// How it is made.
    pub(crate) measure: QuantityMeasure,
    /// Least value that anything is divided by.
    pub(crate) least: f64,
}

/// How a quantity is made of features, given by their indices.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum QuantityMeasure {
    /// Their sum.
    Sum(Vec<usize>),
    /// Their mean.
    Mean(Vec<usize>),
    /// Flows' sum × (mean of the warm − mean of the cold): proportional to heat.
    Heat {
        /// Flows.
        flow: Vec<usize>,
        /// Temperatures.
        warm: Vec<usize>,
        /// Temperatures.
        cold: Vec<usize>,
    },
}

/// One term: a coefficient times the product of its factors.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Term {
    /// In target units.
    pub(crate) coefficient: f64,
    /// (quantity, power); none for the constant.
    pub(crate) factors: Vec<(usize, i32)>,
    /// Whether physics knows that the coefficient is not below zero.
    pub(crate) not_negative: bool,
}

/// Quantities and terms that features allow; coefficients are 0, the constant is first.
///
/// # Errors
/// `no_features` when nothing among them is, or makes, a load.
pub(crate) fn terms(features: &[Feature]) -> Result<(Vec<PhysicsQuantity>, Vec<Term>), ModelError> {
    let mut shape = Shape { features, quantities: Vec::new(), terms: Vec::new() };
    let Some(load) = shape.load() else {
        let message = "The physics model needs the cooling load: map a load in RT, or the chilled water's flow with \
                       its supply and return temperatures, or use the algorithm gbdt.";
        return Err(ModelError::new("no_features", "algorithm", message));
    };
    let running = shape.quantity("running", Role::Running, QuantityMeasure::Sum);
    let cold = shape.quantity("chw_supply", Role::ChwSupplyTemp, QuantityMeasure::Mean);
    let condenser = [Role::CwSupplyTemp, Role::CwReturnTemp].into_iter();
    let condenser = condenser
        .fold(None, |found, role| found.or_else(|| shape.quantity("condenser_water", role, QuantityMeasure::Mean)));
    let outdoor = [Role::WetBulb, Role::DryBulb].into_iter();
    let warm =
        outdoor.fold(condenser, |found, role| found.or_else(|| shape.quantity("outdoor", role, QuantityMeasure::Mean)));
    shape.chiller(load, running, cold, warm);
    for role in [Role::ChwPumpHz, Role::ScpPumpHz, Role::CwPumpHz, Role::CtFanHz] {
        shape.auxiliaries(role, load, running);
    }
    if condenser.is_none() {
        shape.tower(load, running);
    }
    Ok((shape.quantities, shape.terms))
}

struct Shape<'a> {
    features: &'a [Feature],
    quantities: Vec<PhysicsQuantity>,
    terms: Vec<Term>,
}

impl Shape<'_> {
    fn playing(&self, role: Role) -> Vec<usize> {
        let playing = self.features.iter().enumerate().filter(|(_, feature)| feature.role == role);
        playing.map(|(index, _)| index).collect()
    }

    fn push(&mut self, name: &str, measure: QuantityMeasure) -> usize {
        self.quantities.push(PhysicsQuantity { name: name.to_owned(), measure, least: 1.0 });
        self.quantities.len() - 1
    }

    fn quantity(&mut self, name: &str, role: Role, measure: fn(Vec<usize>) -> QuantityMeasure) -> Option<usize> {
        let playing = self.playing(role);
        (!playing.is_empty()).then(|| self.push(name, measure(playing)))
    }

    fn load(&mut self) -> Option<usize> {
        let [flow, warm, cold] =
            [Role::ChwFlow, Role::ChwReturnTemp, Role::ChwSupplyTemp].map(|role| self.playing(role));
        self.quantity("load", Role::LoadRt, QuantityMeasure::Sum).or_else(|| {
            let known = ![&flow, &warm, &cold].into_iter().any(Vec::is_empty);
            known.then(|| self.push("load", QuantityMeasure::Heat { flow, warm, cold }))
        })
    }

    /// A term; factors that are not known leave it as it is, but those that are named twice are one.
    fn term(&mut self, factors: &[(Option<usize>, i32)], not_negative: bool) {
        let factors: Vec<(usize, i32)> = factors
            .iter()
            .filter(|(_, power)| *power != 0)
            .filter_map(|(index, power)| Some(((*index)?, *power)))
            .collect();
        if !self.terms.iter().any(|term| term.factors == factors) {
            self.terms.push(Term { coefficient: 0.0, factors, not_negative });
        }
    }

    /// Quadratic in load and temperatures; of `n` machines, n·p(Q/n).
    fn chiller(&mut self, load: usize, running: Option<usize>, cold: Option<usize>, warm: Option<usize>) {
        self.term(&[], false);
        for (q, e, c) in [
            (0, 0, 0),
            (1, 0, 0),
            (2, 0, 0),
            (0, 1, 0),
            (0, 2, 0),
            (1, 1, 0),
            (0, 0, 1),
            (0, 0, 2),
            (1, 0, 1),
            (0, 1, 1),
        ] {
            if (e == 0 || cold.is_some()) && (c == 0 || warm.is_some()) {
                self.term(&[(Some(load), q), (cold, e), (warm, c), (running, 1 - q)], false);
            }
        }
    }

    /// The cube of each speed; also times what tells how many run.
    fn auxiliaries(&mut self, role: Role, load: usize, running: Option<usize>) {
        let all = self.playing(role);
        for (index, feature) in self.features.iter().enumerate().filter(|(_, feature)| feature.role == role) {
            let speed = Some(self.push(&feature.name, QuantityMeasure::Sum(vec![index])));
            self.term(&[(speed, 3)], true);
            if all.len() == 1 {
                self.term(&[(speed, 3), (running.or(Some(load)), 1)], true);
            }
        }
    }

    /// The lift that slow fans and pumps cost.
    fn tower(&mut self, load: usize, running: Option<usize>) {
        for (name, role) in [("fans", Role::CtFanHz), ("condenser_pumps", Role::CwPumpHz)] {
            if let Some(speed) = self.quantity(name, role, QuantityMeasure::Mean) {
                self.term(&[(Some(load), 1), (Some(speed), -1)], true);
                self.term(&[(Some(load), 2), (Some(speed), -1), (running, -1)], true);
            }
        }
    }
}

impl Physics {
    /// Fits to rows whose target is a finite number.
    ///
    /// # Errors
    /// As [`terms`]; `too_few_rows`; `internal`.
    pub(crate) fn fit(features: &[Feature], x: &Matrix, y: &[f64]) -> Result<Self, ModelError> {
        let (quantities, terms) = terms(features)?;
        if y.len() < 2 || y.len() != x.height() {
            return Err(ModelError::new("too_few_rows", "", "There are too few rows to fit the physics model."));
        }
        let typical = x.columns.iter().map(|column| share(column.iter().copied(), 0.5).unwrap_or(0.0)).collect();
        let mut physics = Self { quantities, terms, typical };
        physics.learn_least(x);
        let not_negative: Vec<bool> = physics.terms.iter().skip(1).map(|term| term.not_negative).collect();
        let row = |index: usize, values: &mut [f64]| {
            let cell = |feature: usize| x.columns.get(feature).and_then(|column| column.get(index)).copied();
            let quantities = physics.measure(&cell);
            let terms = physics.terms.iter().skip(1);
            values.iter_mut().zip(terms).for_each(|(value, term)| *value = physics.product(term, &quantities));
        };
        let equations = Equations {
            terms: not_negative.len(),
            row: &row,
            target: y,
            weights: &[],
            not_negative: &not_negative,
            ridge: RIDGE,
        };
        let found = solve(&equations);
        let found =
            found.ok_or_else(|| ModelError::new("internal", "", "The physics model's equations have no solution."))?;
        let coefficients = std::iter::once(found.constant).chain(found.coefficients);
        physics.terms.iter_mut().zip(coefficients).for_each(|(term, coefficient)| term.coefficient = coefficient);
        Ok(physics)
    }

    /// The target for one row; finite for any row.
    #[must_use]
    pub(crate) fn predict(&self, row: &[f64]) -> f64 {
        let quantities = self.measure(&|feature| row.get(feature).copied());
        self.terms.iter().map(|term| term.coefficient * self.product(term, &quantities)).sum()
    }

    /// What is taken for a feature that is missing; none when no term asks for it.
    #[must_use]
    pub(crate) fn assumed(&self, feature: usize) -> Option<f64> {
        let asked = |measure: &QuantityMeasure| match measure {
            QuantityMeasure::Sum(features) | QuantityMeasure::Mean(features) => features.contains(&feature),
            QuantityMeasure::Heat { flow, warm, cold } => [flow, warm, cold].iter().any(|of| of.contains(&feature)),
        };
        let asked = self.quantities.iter().any(|quantity| asked(&quantity.measure));
        self.typical.get(feature).copied().filter(|_| asked)
    }

    /// The target for every row.
    #[must_use]
    pub(crate) fn predict_all(&self, x: &Matrix) -> Vec<f64> {
        let rows = (0..x.height()).into_par_iter().with_min_len(256);
        rows.map_init(Vec::new, |row, index| {
            x.row_into(index, row);
            self.predict(row)
        })
        .collect()
    }

    /// Each term in words, such as `load^2 * chw_supply`, with its coefficient.
    #[cfg(test)]
    pub(crate) fn formula(&self) -> Vec<(String, f64)> {
        let word = |(index, power): &(usize, i32)| {
            let name = self.quantities.get(*index).map_or("?", |quantity| quantity.name.as_str());
            if *power == 1 { name.to_owned() } else { format!("{name}^{power}") }
        };
        let words = |term: &Term| match term.factors.as_slice() {
            [] => "1".to_owned(),
            factors => factors.iter().map(word).collect::<Vec<_>>().join(" * "),
        };
        self.terms.iter().map(|term| (words(term), term.coefficient)).collect()
    }

    /// Of every quantity that is divided by, the share 0.01 of its positive values.
    fn learn_least(&mut self, x: &Matrix) {
        let mut row = Vec::with_capacity(x.width());
        let mut seen: Vec<Vec<f64>> = vec![Vec::new(); self.quantities.len()];
        let divides =
            |index: usize| self.terms.iter().any(|term| term.factors.iter().any(|(i, p)| *i == index && *p < 0));
        let dividing: Vec<bool> = (0..self.quantities.len()).map(divides).collect();
        for index in 0..x.height() {
            x.row_into(index, &mut row);
            let quantities = self.measure(&|feature| row.get(feature).copied());
            let kept = seen
                .iter_mut()
                .zip(quantities)
                .zip(&dividing)
                .filter(|((_, value), dividing)| **dividing && *value > 0.0);
            kept.for_each(|((seen, value), _)| seen.push(value));
        }
        for (quantity, seen) in self.quantities.iter_mut().zip(seen) {
            quantity.least = share(seen.into_iter(), 0.01).unwrap_or(1.0).max(1e-6);
        }
    }

    fn measure(&self, cell: &dyn Fn(usize) -> Option<f64>) -> Vec<f64> {
        let value = |feature: &usize| {
            let value = cell(*feature).filter(|value| !value.is_nan());
            value.unwrap_or_else(|| self.typical.get(*feature).copied().unwrap_or(f64::NAN)).clamp(-LARGEST, LARGEST)
        };
        let sum = |features: &[usize]| features.iter().map(value).sum::<f64>();
        let mean = |features: &[usize]| sum(features) / features.len().max(1) as f64;
        let of = |quantity: &PhysicsQuantity| match &quantity.measure {
            QuantityMeasure::Sum(features) => sum(features),
            QuantityMeasure::Mean(features) => mean(features),
            QuantityMeasure::Heat { flow, warm, cold } => sum(flow) * (mean(warm) - mean(cold)),
        };
        self.quantities.iter().map(of).collect()
    }

    fn product(&self, term: &Term, quantities: &[f64]) -> f64 {
        let factor = |(index, power): &(usize, i32)| {
            let value = quantities.get(*index).copied().unwrap_or(f64::NAN);
            let least = self.quantities.get(*index).map_or(f64::NAN, |quantity| quantity.least);
            if *power < 0 { value.max(least).powi(*power) } else { value.powi(*power) }
        };
        term.factors.iter().map(factor).product()
    }
}

/// The value below which that share of the values that are not NaN lies.
fn share(values: impl Iterator<Item = f64>, share: f64) -> Option<f64> {
    let mut values: Vec<f64> = values.filter(|value| !value.is_nan()).collect();
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "within the number of values")]
    let place = (values.len().saturating_sub(1) as f64 * share).round() as usize;
    if values.is_empty() {
        return None;
    }
    Some(*values.select_nth_unstable_by(place, f64::total_cmp).1)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing)]
    use super::*;
    use crate::features::{FeatureRange, FeatureSource};

    fn features(roles: &[Role]) -> Vec<Feature> {
        let feature = |role: &Role| {
            let name = format!("{role:?}");
            let source = FeatureSource::Column { column: name.clone() };
            Feature { name, source, role: *role, unit: None, range: FeatureRange::default() }
        };
        roles.iter().map(feature).collect()
    }

    fn random(state: &mut u64) -> f64 {
        *state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (*state >> 11) as f64 / (1_u64 << 53) as f64
    }

    fn words(roles: &[Role]) -> Vec<String> {
        let (quantities, terms) = terms(&features(roles)).unwrap();
        Physics { quantities, terms, typical: Vec::new() }.formula().into_iter().map(|(words, _)| words).collect()
    }

    #[test]
    fn which_terms_there_are_follows_from_the_roles() {
        assert_eq!(words(&[Role::LoadRt]), ["1", "load", "load^2"]);
        let tower = "load^2 * fans^-1".to_owned();
        let mut roles = vec![Role::LoadRt, Role::WetBulb, Role::ChwSupplyTemp, Role::CtFanHz];
        assert!(words(&roles).contains(&tower) && words(&roles).contains(&"chw_supply * outdoor".to_owned()));
        roles.push(Role::CwSupplyTemp);
        assert!(!words(&roles).contains(&tower) && words(&roles).contains(&"chw_supply * condenser_water".to_owned()));
        let heat = [Role::ChwFlow, Role::ChwReturnTemp, Role::ChwSupplyTemp];
        assert!(words(&heat).contains(&"load^2".to_owned()));
        assert_eq!(terms(&features(&heat[..2])).unwrap_err().code, "no_features");
    }

    /// Twice as many machines with twice the load take twice the power, when everything else is the same.
    #[test]
    fn twice_the_machines_take_twice_the_power() {
        let roles = features(&[Role::LoadRt, Role::Running, Role::ChwSupplyTemp, Role::WetBulb, Role::CtFanHz]);
        let mut state = 1;
        let mut x = Matrix { columns: vec![Vec::new(); 5] };
        let mut y = Vec::new();
        for _ in 0..2000 {
            let n = (1.0 + 3.0 * random(&mut state)).floor();
            let each = 100.0 + 300.0 * random(&mut state);
            let rest = [5.0, 15.0, 30.0].map(|low| low + low * random(&mut state));
            let lift = rest[1] - rest[0] + 0.5 * each / rest[2];
            y.push(n * (20.0 + 0.2 * each + 1e-4 * each * each + 0.01 * each * lift + 1e-4 * rest[2].powi(3)));
            x.columns
                .iter_mut()
                .zip([n * each, n].into_iter().chain(rest))
                .for_each(|(column, cell)| column.push(cell));
        }
        let physics = Physics::fit(&roles, &x, &y).unwrap();
        let once = physics.predict(&[200.0, 1.0, 7.0, 20.0, 45.0]);
        let twice = physics.predict(&[400.0, 2.0, 7.0, 20.0, 45.0]);
        assert!((twice / once - 2.0).abs() < 1e-3, "{once} {twice}");
        // By hand: 20 + 40 + 4 + 2·(13 + 0.5·200/45) + 1e-4·45³.
        assert!((once - 103.556_9).abs() < 0.1, "{once}");
    }

    /// A fan that costs f³ and saves lift in Q²/f: power is least where 3·a·f² = b·Q²/f², between its ends.
    #[test]
    fn a_fan_has_a_best_speed() {
        let roles = features(&[Role::LoadRt, Role::ChwSupplyTemp, Role::WetBulb, Role::CtFanHz]);
        let mut state = 5;
        let mut x = Matrix { columns: vec![Vec::new(); 4] };
        let mut y = Vec::new();
        for _ in 0..3000 {
            let [q, te, wb, hz] = [(200.0, 600.0), (5.0, 10.0), (15.0, 28.0), (30.0, 60.0)]
                .map(|(low, high)| low + (high - low) * random(&mut state));
            y.push(
                30.0 + 0.3 * q
                    + 0.01 * q * (wb - te)
                    + 3e-4 * hz.powi(3)
                    + 0.025 * q * q / hz
                    + 4.0 * random(&mut state),
            );
            x.columns.iter_mut().zip([q, te, wb, hz]).for_each(|(column, cell)| column.push(cell));
        }
        let physics = Physics::fit(&roles, &x, &y).unwrap();
        for q in [300.0_f64, 400.0, 500.0] {
            let best = (0.025 * q * q / (3.0 * 3e-4)).powf(0.25);
            let power = |hz: f64| physics.predict(&[q, 7.0, 22.0, hz]);
            let found =
                (300..600).map(|tenths| f64::from(tenths) / 10.0).min_by(|a, b| power(*a).total_cmp(&power(*b)));
            assert!((found.unwrap() - best).abs() < 1.5, "{q}: {found:?} is not {best}");
        }
    }

    #[test]
    fn a_missing_value_is_taken_at_its_median() {
        let roles = features(&[Role::LoadRt, Role::WetBulb]);
        let x = Matrix {
            columns: vec![(1..=99).map(f64::from).collect(), (1..=99).map(|n| f64::from(n * n % 37)).collect()],
        };
        let y: Vec<f64> = x.columns[0].iter().zip(&x.columns[1]).map(|(q, wb)| 10.0 + 2.0 * q + wb).collect();
        let physics = Physics::fit(&roles, &x, &y).unwrap();
        assert_eq!(physics.predict(&[f64::NAN, 9.0]), physics.predict(&[50.0, 9.0]));
        assert_eq!(physics.predict(&[70.0]), physics.predict(&[70.0, physics.typical[1]]));
    }
}
