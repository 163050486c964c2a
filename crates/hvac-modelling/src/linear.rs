//! Least squares for a few dozen terms and any number of rows, some coefficients not below zero.
//!
//! Terms are centred and divided by their standard deviation, and a very small ridge keeps the equations solvable
//! when terms depend on each other. Sums are taken over fixed blocks of rows in a fixed order, so the number of
//! threads changes no bit. Those coefficients that must not be negative are found by Lawson and Hanson's active sets
//! ("Solving Least Squares Problems", 1974, chapter 23).

use rayon::prelude::*;

/// Rows summed by one thread at a time.
const BLOCK: usize = 4096;
/// A term varies when its standard deviation is above this share of its greatest size.
const VARIES: f64 = 1e-9;

/// What is to be fitted.
pub(crate) struct Equations<'a> {
    /// Number of terms, the constant not counted.
    pub(crate) terms: usize,
    /// Puts the terms of a row into the slice of that length; finite numbers.
    pub(crate) row: &'a (dyn Fn(usize, &mut [f64]) + Sync),
    /// One a row; finite.
    pub(crate) target: &'a [f64],
    /// One a row, or empty for equal ones.
    pub(crate) weights: &'a [f64],
    /// One a term: whether its coefficient must not be below zero.
    pub(crate) not_negative: &'a [bool],
    /// Added to the diagonal of the terms' correlation matrix.
    pub(crate) ridge: f64,
}

/// What was found.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Solution {
    /// The constant.
    pub(crate) constant: f64,
    /// One a term; 0 for those that do not vary.
    pub(crate) coefficients: Vec<f64>,
}

/// Minimises the weighted sum of squares; none without rows or when a sum is not finite.
#[must_use]
pub(crate) fn solve(equations: &Equations<'_>) -> Option<Solution> {
    let means = Moments::of(equations, &vec![0.0; equations.terms], 0.0, false)?;
    let scaled = Moments::of(equations, &means.terms, means.target, true)?;
    let square = |term| scaled.product(term, term).map(f64::sqrt);
    let deviation = (0..equations.terms).map(square).collect::<Option<Vec<f64>>>()?;
    let varying: Vec<usize> = (deviation.iter().zip(&means.most).enumerate())
        .filter_map(|(term, (deviation, most))| (*deviation > VARIES * most).then_some(term))
        .collect();
    // Of each term that varies: its place, and what it is divided by.
    let scales = varying.iter().map(|term| deviation.get(*term).copied()).collect::<Option<Vec<f64>>>()?;
    let row = |(row, by): (&usize, &f64)| {
        let cell = |(column, other): (&usize, &f64)| Some(scaled.product(*row, *column)? / (by * other));
        varying.iter().zip(&scales).map(cell).collect::<Option<Vec<f64>>>()
    };
    let right = |(term, by): (&usize, &f64)| Some(scaled.with_target.get(*term)? / by);
    let system = System {
        matrix: varying.iter().zip(&scales).map(row).collect::<Option<_>>()?,
        right: varying.iter().zip(&scales).map(right).collect::<Option<_>>()?,
        not_negative: varying.iter().map(|term| equations.not_negative.get(*term) == Some(&true)).collect(),
        ridge: equations.ridge,
    };
    let found = system.solve()?;
    let mut coefficients = vec![0.0; equations.terms];
    for ((term, by), value) in varying.iter().zip(&scales).zip(found) {
        *coefficients.get_mut(*term)? = value / by;
    }
    let shift: f64 = coefficients.iter().zip(&means.terms).map(|(coefficient, mean)| coefficient * mean).sum();
    let constant = means.target - shift;
    let finite = constant.is_finite() && coefficients.iter().all(|coefficient| coefficient.is_finite());
    finite.then_some(Solution { constant, coefficients })
}

/// Weighted means of terms, of their products, and of their products with the target.
struct Moments {
    weight: f64,
    terms: Vec<f64>,
    target: f64,
    /// Greatest size of each term.
    most: Vec<f64>,
    /// Lower triangle, row by row; empty when not asked for.
    products: Vec<f64>,
    with_target: Vec<f64>,
}

impl Moments {
    /// Of what is left when `centre` is taken away from the terms and `middle` from the target.
    fn of(equations: &Equations<'_>, centre: &[f64], middle: f64, products: bool) -> Option<Self> {
        let rows = equations.target.len();
        let blocks: Vec<Self> = (0..rows.div_ceil(BLOCK))
            .into_par_iter()
            .map(|block| Self::sum(equations, centre, middle, products, block * BLOCK))
            .collect();
        let mut all = blocks.into_iter().reduce(Self::plus)?;
        let weight = all.weight;
        if !(weight.is_finite() && weight > 0.0) {
            return None;
        }
        let sums = all.terms.iter_mut().chain(&mut all.products).chain(&mut all.with_target);
        sums.chain(std::iter::once(&mut all.target)).for_each(|sum| *sum /= weight);
        let finite = all.terms.iter().chain(&all.products).chain(&all.with_target).all(|mean| mean.is_finite());
        (finite && all.target.is_finite()).then_some(all)
    }

    fn sum(equations: &Equations<'_>, centre: &[f64], middle: f64, products: bool, first: usize) -> Self {
        let terms = equations.terms;
        let triangle = if products { terms * (terms + 1) / 2 } else { 0 };
        let zeros = |length| vec![0.0; length];
        let mut sums = Self {
            weight: 0.0,
            terms: zeros(terms),
            target: 0.0,
            most: zeros(terms),
            products: zeros(triangle),
            with_target: zeros(terms),
        };
        let mut row = zeros(terms);
        for (index, target) in equations.target.iter().enumerate().skip(first).take(BLOCK) {
            // No weights are equal ones; too few end in no solution.
            let weight = if equations.weights.is_empty() { Some(&1.0) } else { equations.weights.get(index) };
            let weight = weight.copied().unwrap_or(f64::NAN);
            (equations.row)(index, &mut row);
            row.iter_mut().zip(centre).for_each(|(value, centre)| *value -= centre);
            sums.add(&row, target - middle, weight);
        }
        sums
    }

    fn add(&mut self, row: &[f64], target: f64, weight: f64) {
        self.weight += weight;
        self.target += weight * target;
        for (((value, term), with_target), most) in
            row.iter().zip(&mut self.terms).zip(&mut self.with_target).zip(&mut self.most)
        {
            *term += weight * value;
            *with_target += weight * value * target;
            *most = most.max(value.abs());
        }
        if !self.products.is_empty() {
            let mut places = self.products.iter_mut();
            for (index, left) in row.iter().enumerate() {
                let left = weight * left;
                places.by_ref().zip(row.iter().take(index + 1)).for_each(|(place, right)| *place += left * right);
            }
        }
    }

    fn plus(mut self, other: Self) -> Self {
        let add = |to: &mut [f64], from: &[f64]| to.iter_mut().zip(from).for_each(|(to, from)| *to += from);
        add(&mut self.terms, &other.terms);
        add(&mut self.products, &other.products);
        add(&mut self.with_target, &other.with_target);
        self.most.iter_mut().zip(&other.most).for_each(|(most, other)| *most = most.max(*other));
        Self { weight: self.weight + other.weight, target: self.target + other.target, ..self }
    }

    fn product(&self, row: usize, column: usize) -> Option<f64> {
        let (low, high) = (row.min(column), row.max(column));
        self.products.get(high * (high + 1) / 2 + low).copied()
    }
}

/// `(matrix + ridge) · found = right`, some of `found` not negative.
struct System {
    matrix: Vec<Vec<f64>>,
    right: Vec<f64>,
    not_negative: Vec<bool>,
    ridge: f64,
}

impl System {
    fn solve(&self) -> Option<Vec<f64>> {
        let width = self.right.len();
        let mut free: Vec<bool> = self.not_negative.iter().map(|bound| !bound).collect();
        let mut found = self.of(&free)?;
        // Every pass lets one more in, so many are plenty; what is found meanwhile keeps the bounds too.
        for _ in 0..3 * width {
            let Some(enter) = self.most_wanted(&free, &found) else { break };
            free.iter_mut().skip(enter).take(1).for_each(|free| *free = true);
            loop {
                let next = self.of(&free)?;
                let Some((first, share)) = self.within(&free, &found, &next) else {
                    found = next;
                    break;
                };
                found.iter_mut().zip(&next).for_each(|(found, next)| *found += share * (next - *found));
                free.iter_mut().skip(first).take(1).for_each(|free| *free = false);
                found.iter_mut().skip(first).take(1).for_each(|found| *found = 0.0);
            }
        }
        Some(found)
    }

    /// The bound coefficient whose rise would lower the sum of squares most; none when none would.
    fn most_wanted(&self, free: &[bool], found: &[f64]) -> Option<usize> {
        let gain = |index: usize, row: &[f64]| {
            let product: f64 = row.iter().zip(found).map(|(cell, value)| cell * value).sum();
            self.right.get(index).copied().unwrap_or(f64::NAN) - product
        };
        let bound = self.matrix.iter().zip(free).enumerate().filter(|(_, (_, free))| !**free);
        bound
            .map(|(index, (row, _))| (index, gain(index, row)))
            .filter(|(_, gain)| *gain > 1e-9)
            .max_by(|(_, left), (_, right)| left.total_cmp(right))
            .map(|(index, _)| index)
    }

    /// Which bound is met first on the way from `from` to `to`, and after which share of it; none when none is.
    fn within(&self, free: &[bool], from: &[f64], to: &[f64]) -> Option<(usize, f64)> {
        let all = self.not_negative.iter().zip(free).zip(from.iter().zip(to)).enumerate();
        all.filter(|(_, ((bound, free), (_, to)))| **bound && **free && **to < 0.0)
            .map(|(index, (_, (from, to)))| (index, from / (from - to)))
            .min_by(|(_, left), (_, right)| left.total_cmp(right))
    }

    /// By Cholesky's decomposition, the coefficients that are not free being 0.
    #[expect(clippy::indexing_slicing, reason = "all indices are below the number of free terms, which sized these")]
    fn of(&self, free: &[bool]) -> Option<Vec<f64>> {
        let kept: Vec<usize> = free.iter().enumerate().filter_map(|(index, free)| free.then_some(index)).collect();
        let size = kept.len();
        let mut lower = vec![vec![0.0; size]; size];
        for row in 0..size {
            for column in 0..=row {
                let known: f64 = (0..column).map(|k| lower[row][k] * lower[column][k]).sum();
                let ridge = if row == column { self.ridge } else { 0.0 };
                let rest = self.matrix[kept[row]][kept[column]] + ridge - known;
                lower[row][column] =
                    if row == column { rest.max(self.ridge / 2.0).sqrt() } else { rest / lower[column][column] };
            }
        }
        let mut found = vec![0.0; size];
        for row in 0..size {
            let known: f64 = (0..row).map(|k| lower[row][k] * found[k]).sum();
            found[row] = (self.right[kept[row]] - known) / lower[row][row];
        }
        for row in (0..size).rev() {
            let known: f64 = (row + 1..size).map(|k| lower[k][row] * found[k]).sum();
            found[row] = (found[row] - known) / lower[row][row];
        }
        let mut all = vec![0.0; free.len()];
        kept.iter().zip(&found).for_each(|(index, value)| all[*index] = *value);
        all.iter().all(|value| value.is_finite()).then_some(all)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing)]
    use super::*;

    fn fit(rows: &[[f64; 2]], target: &[f64], not_negative: &[bool]) -> Solution {
        let row = |index: usize, terms: &mut [f64]| terms.copy_from_slice(&rows[index]);
        solve(&Equations { terms: 2, row: &row, target, weights: &[], not_negative, ridge: 1e-9 }).unwrap()
    }

    fn near(found: f64, expected: f64) {
        assert!((found - expected).abs() <= 1e-6 * (1.0 + expected.abs()), "{found} is not {expected}");
    }

    const ROWS: [[f64; 2]; 5] = [[1.0, 2.0], [2.0, 1.0], [3.0, 5.0], [4.0, 2.0], [5.0, 9.0]];

    #[test]
    fn a_plane_is_found() {
        let target = ROWS.map(|[a, b]| 7.0 + 2.0 * a - 3.0 * b);
        let found = fit(&ROWS, &target, &[]);
        near(found.constant, 7.0);
        near(found.coefficients[0], 2.0);
        near(found.coefficients[1], -3.0);
    }

    /// Without its second term, the target is fitted by the line of the first alone.
    #[test]
    fn a_bound_coefficient_is_zero_and_the_others_make_up_for_it() {
        let target = ROWS.map(|[a, b]| 7.0 + 2.0 * a - 3.0 * b);
        let found = fit(&ROWS, &target, &[false, true]);
        let mean = target.iter().sum::<f64>() / 5.0;
        let slope = ROWS.iter().zip(target).map(|([a, _], y)| (a - 3.0) * (y - mean)).sum::<f64>() / 10.0;
        near(found.coefficients[0], slope);
        assert_eq!(found.coefficients[1], 0.0);
        near(found.constant, mean - 3.0 * slope);
    }

    #[test]
    fn terms_that_are_constant_or_twice_the_same_do_no_harm() {
        let same: Vec<[f64; 2]> = (0..9).map(|i| [f64::from(i), f64::from(i) * 1e6]).collect();
        let target: Vec<f64> = same.iter().map(|[a, _]| 1.0 + 4.0 * a).collect();
        let found = fit(&same, &target, &[]);
        near(found.coefficients[0] + found.coefficients[1] * 1e6, 4.0);
        let flat: Vec<[f64; 2]> = (0..9).map(|i| [f64::from(i), 5.0]).collect();
        assert_eq!(fit(&flat, &target, &[]).coefficients[1], 0.0);
        assert_eq!(fit(&flat[..1], &target[..1], &[]), Solution { constant: 1.0, coefficients: vec![0.0, 0.0] });
    }

    /// The law of bounded least squares (Karush, Kuhn, Tucker): the sum of squares falls along no allowed direction.
    #[test]
    fn no_allowed_change_lowers_the_sum_of_squares() {
        let mut state = 1_u64;
        let mut random = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 11) as f64 / (1_u64 << 53) as f64 - 0.5
        };
        for _ in 0..20 {
            let rows: Vec<Vec<f64>> = (0..200).map(|_| (0..6).map(|_| random()).collect()).collect();
            let target: Vec<f64> = (0..200).map(|_| random()).collect();
            let row = |index: usize, terms: &mut [f64]| terms.copy_from_slice(&rows[index]);
            let equations =
                Equations { terms: 6, row: &row, target: &target, weights: &[], not_negative: &[true; 6], ridge: 1e-9 };
            let found = solve(&equations).unwrap();
            let squares = |coefficients: &[f64]| {
                let value =
                    |row: &[f64]| found.constant + row.iter().zip(coefficients).map(|(x, c)| x * c).sum::<f64>();
                rows.iter().zip(&target).map(|(row, target)| (value(row) - target).powi(2)).sum::<f64>()
            };
            let least = squares(&found.coefficients);
            assert!(found.coefficients.iter().all(|c| *c >= 0.0));
            for (index, step) in (0..6).flat_map(|index| [(index, 1e-3), (index, -1e-3)]) {
                let mut other = found.coefficients.clone();
                other[index] = (other[index] + step).max(0.0);
                assert!(squares(&other) >= least - 1e-7, "{index} {step}");
            }
        }
    }
}
