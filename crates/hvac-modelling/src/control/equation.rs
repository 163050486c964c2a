//! Sums of terms, and their coefficients by least squares: once on all rows, and once without each of a few stretches
//! of time, which tells how sure a difference between two settings is.

use serde::{Deserialize, Serialize};

use super::state::{PlantQuantity, PlantState};

/// Stretches of time that refits leave out, one each.
pub(crate) const STRETCHES: usize = 10;
/// Ridge, as a share of a standardised term's own weight.
const RIDGE: f64 = 1e-7;

/// One term: a product of powers of quantities.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Product(pub Vec<(PlantQuantity, i32)>);

impl Product {
    /// Its value.
    #[must_use]
    pub(crate) fn value(&self, state: &PlantState) -> f64 {
        self.0.iter().map(|(quantity, power)| quantity.of(state).powi(*power)).product()
    }

    /// Whether a quantity is in it.
    #[must_use]
    pub(crate) fn has(&self, quantity: PlantQuantity) -> bool {
        self.exponent(quantity) != 0
    }

    /// Power of a quantity in it.
    #[must_use]
    pub(crate) fn exponent(&self, quantity: PlantQuantity) -> i32 {
        self.0.iter().find(|(own, _)| *own == quantity).map_or(0, |(_, power)| *power)
    }

    /// The product of two.
    #[must_use]
    pub(crate) fn times(&self, other: &Self) -> Self {
        let mut factors = self.0.clone();
        for (quantity, power) in &other.0 {
            match factors.iter_mut().find(|(own, _)| own == quantity) {
                Some((_, own)) => *own += power,
                None => factors.push((*quantity, *power)),
            }
        }
        factors.retain(|(_, power)| *power != 0);
        factors.sort_unstable();
        Self(factors)
    }
}

/// Terms with their coefficients.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct Equation {
    /// The terms.
    pub(crate) terms: Vec<Product>,
    /// One a term.
    pub(crate) coefficients: Vec<f64>,
    /// Coefficients of the refits, each without one stretch of time.
    pub(crate) refits: Vec<Vec<f64>>,
    /// Root mean square error on stretches that a refit did not see.
    pub(crate) rmse: f64,
}

impl Equation {
    /// The sum.
    #[must_use]
    pub(crate) fn value(&self, state: &PlantState) -> f64 {
        self.terms.iter().zip(&self.coefficients).map(|(term, coefficient)| coefficient * term.value(state)).sum()
    }

    /// The terms' values.
    #[must_use]
    pub(crate) fn terms_at(&self, state: &PlantState) -> Vec<f64> {
        self.terms.iter().map(|term| term.value(state)).collect()
    }

    /// Fits; none with fewer rows than three a term in any refit. Terms that never vary beside another fall to the
    /// ridge.
    #[must_use]
    pub(crate) fn fit(terms: Vec<Product>, states: &[PlantState], y: &[f64]) -> Option<Self> {
        let width = terms.len();
        let stretch = states.len().div_ceil(STRETCHES).max(1);
        if width == 0 || states.len() < 3 * width + STRETCHES {
            return None;
        }
        let intercept = terms.iter().position(|term| term.0.is_empty());
        // Less is cancelled out in the sums of squares.
        let centre = if intercept.is_some() { y.iter().sum::<f64>() / y.len() as f64 } else { 0.0 };
        let mut parts: Vec<Gram> = Vec::with_capacity(STRETCHES);
        let mut values = Vec::with_capacity(width);
        for (states, y) in states.chunks(stretch).zip(y.chunks(stretch)) {
            let mut part = Gram::new(width);
            for (state, y) in states.iter().zip(y) {
                values.clear();
                values.extend(terms.iter().map(|term| term.value(state)));
                part.add(&values, y - centre);
            }
            parts.push(part);
        }
        let whole = parts.iter().fold(Gram::new(width), |sum, part| sum.plus(part, 1.0));
        let scales = whole.scales();
        let finish = |mut solved: Vec<f64>| {
            if let Some(slot) = intercept.and_then(|index| solved.get_mut(index)) {
                *slot += centre;
            }
            solved
        };
        let coefficients = whole.solve(&scales)?;
        let mut refits = Vec::with_capacity(parts.len());
        let mut squares = 0.0;
        for part in &parts {
            let refit = whole.plus(part, -1.0).solve(&scales)?;
            squares += part.squares(&refit);
            refits.push(finish(refit));
        }
        let rmse = (squares / states.len() as f64).max(0.0).sqrt();
        Some(Self { terms, coefficients: finish(coefficients), refits, rmse })
    }
}

/// Sums of squares and products of terms, and with the target.
#[derive(Debug, Clone)]
struct Gram {
    width: usize,
    /// Row-major; only the lower triangle is kept.
    xx: Vec<f64>,
    xy: Vec<f64>,
    yy: f64,
}

impl Gram {
    fn new(width: usize) -> Self {
        Self { width, xx: vec![0.0; width * width], xy: vec![0.0; width], yy: 0.0 }
    }

    fn add(&mut self, x: &[f64], y: f64) {
        self.yy += y * y;
        for ((row, xy), xi) in self.xx.chunks_exact_mut(self.width).zip(&mut self.xy).zip(x) {
            *xy += xi * y;
            for (sum, xj) in row.iter_mut().zip(x) {
                *sum += xi * xj;
            }
        }
    }

    fn plus(&self, other: &Self, sign: f64) -> Self {
        let sum = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a + sign * b).collect();
        Self {
            width: self.width,
            xx: sum(&self.xx, &other.xx),
            xy: sum(&self.xy, &other.xy),
            yy: self.yy + sign * other.yy,
        }
    }

    /// Root of each term's sum of squares; 1 for a term that is always 0.
    fn scales(&self) -> Vec<f64> {
        let root = |sum: f64| if sum > 0.0 { sum.sqrt() } else { 1.0 };
        self.xx.iter().step_by(self.width + 1).map(|sum| root(*sum)).collect()
    }

    /// Sum of squared errors of those coefficients.
    fn squares(&self, coefficients: &[f64]) -> f64 {
        let mut sum = self.yy;
        for ((row, xy), ci) in self.xx.chunks_exact(self.width).zip(&self.xy).zip(coefficients) {
            let product: f64 = row.iter().zip(coefficients).map(|(xx, cj)| xx * cj).sum();
            sum += ci * (product - 2.0 * xy);
        }
        sum
    }

    /// Coefficients by Cholesky's decomposition, each term scaled to a sum of squares of 1 and ridged.
    #[expect(clippy::indexing_slicing, reason = "indices stay below the width that every array has")]
    fn solve(&self, scales: &[f64]) -> Option<Vec<f64>> {
        let width = self.width;
        let mut lower = vec![0.0; width * width];
        for i in 0..width {
            for j in 0..=i {
                let mut sum = self.xx[i * width + j] / (scales[i] * scales[j]);
                if i == j {
                    sum += RIDGE;
                }
                for k in 0..j {
                    sum -= lower[i * width + k] * lower[j * width + k];
                }
                lower[i * width + j] = if i == j {
                    if sum <= 0.0 {
                        return None;
                    }
                    sum.sqrt()
                } else {
                    sum / lower[j * width + j]
                };
            }
        }
        let mut solved = vec![0.0; width];
        for i in 0..width {
            let known: f64 = (0..i).map(|k| lower[i * width + k] * solved[k]).sum();
            solved[i] = (self.xy[i] / scales[i] - known) / lower[i * width + i];
        }
        for i in (0..width).rev() {
            let known: f64 = (i + 1..width).map(|k| lower[k * width + i] * solved[k]).sum();
            solved[i] = (solved[i] - known) / lower[i * width + i];
        }
        let solution: Vec<f64> = solved.iter().zip(scales).map(|(value, scale)| value / scale).collect();
        solution.iter().all(|value| value.is_finite()).then_some(solution)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing)]

    use super::super::state::QUANTITIES;
    use super::*;

    /// 3 + 2·load − 5·wet-bulb², exactly: the coefficients come back, all refits agree and nothing is left over.
    #[test]
    fn finds_what_made_the_rows() {
        let terms = vec![
            Product(vec![]),
            Product(vec![(PlantQuantity::LoadEach, 1)]),
            Product(vec![(PlantQuantity::WetBulb, 2)]),
        ];
        let mut states = Vec::new();
        for i in 0..200 {
            let mut state = [1.0; QUANTITIES];
            PlantQuantity::LoadEach.set(&mut state, f64::from(i % 17));
            PlantQuantity::WetBulb.set(&mut state, f64::from(i % 11) / 5.0);
            states.push(state);
        }
        let y: Vec<f64> = states
            .iter()
            .map(|s| 3.0 + 2.0 * PlantQuantity::LoadEach.of(s) - 5.0 * PlantQuantity::WetBulb.of(s).powi(2))
            .collect();
        let equation = Equation::fit(terms, &states, &y).unwrap();
        for (coefficient, expected) in equation.coefficients.iter().zip([3.0, 2.0, -5.0]) {
            assert!((coefficient - expected).abs() < 1e-4, "{equation:?}");
        }
        assert_eq!(equation.refits.len(), STRETCHES);
        assert!(equation.rmse < 1e-3 && (equation.value(&states[5]) - y[5]).abs() < 1e-3);
    }

    #[test]
    fn too_few_rows_make_no_equation() {
        assert_eq!(Equation::fit(vec![Product(vec![])], &[[1.0; QUANTITIES]; 5], &[1.0; 5]), None);
    }
}
