//! Differential evolution for more variables than a grid can cover: seeded, so that the same question has the same
//! answer, and on the operator's steps at the end.
//!
//! Storn and Price 1997, rand/1/bin; Deb 2000's rules in place of penalties: what keeps the limits beats what does
//! not, of two that do not the one that breaks them less wins, of two that do the one that surely gains more.

use super::grid::{SearchResult, change, is_better};
use super::guard::SetpointCase;

const GENERATIONS: u32 = 200;
const WEIGHT: f64 = 0.7;
const CROSSOVER: f64 = 0.9;
/// Population for each variable, and its bounds.
const EACH: usize = 10;
const POPULATION: (usize, usize) = (30, 80);

/// The best choice on operator steps that it finds; none when it finds none that keeps all limits.
#[must_use]
pub(crate) fn search(case: &SetpointCase<'_>, seed: u64) -> Option<SearchResult> {
    let spans: Vec<(f64, f64)> =
        case.axes.iter().map(|axis| Some((*axis.values.first()?, *axis.values.last()?))).collect::<Option<_>>()?;
    let mut evaluated = 0;
    let mut judge = |values: &[f64]| {
        evaluated += 1;
        Score::of(case, values)
    };
    let mut rng = Rng(seed);
    let size = (EACH * spans.len()).clamp(POPULATION.0, POPULATION.1);
    let mut population: Vec<(Vec<f64>, Score)> = (0..size)
        .map(|index| {
            // One of them is what is, as far as the limits allow.
            let now = case.axes.iter().zip(&spans).map(|(axis, (low, high))| axis.current.max(*low).min(*high));
            let values: Vec<f64> = match index {
                0 => now.collect(),
                _ => spans.iter().map(|(low, high)| low + (high - low) * rng.uniform()).collect(),
            };
            let score = judge(&values);
            (values, score)
        })
        .collect();
    for _ in 0..GENERATIONS {
        for index in 0..size {
            let Some(trial) = trial(&population, index, &spans, &mut rng) else { continue };
            let score = judge(&trial);
            if let Some(own) = population.get_mut(index).filter(|own| !own.1.beats(&score)) {
                *own = (trial, score);
            }
        }
    }
    let best = population.into_iter().reduce(|best, other| if other.1.beats(&best.1) { other } else { best })?;
    let mut values: Vec<f64> =
        case.axes.iter().zip(&best.0).map(|(axis, value)| axis.nearest(*value)).collect::<Option<_>>()?;
    let mut score = judge(&values);
    while let Some((better, its)) = best_neighbour(case, &values, &score, &mut judge) {
        (values, score) = (better, its);
    }
    let current = case.current();
    let now = judge(&current);
    if now.beats(&score) {
        (values, score) = (current, now);
    }
    (score.violation == 0.0).then_some(SearchResult { values, gain: score.gain, evaluated })
}

/// By Deb's rules.
#[derive(Debug, Clone, Copy)]
struct Score {
    violation: f64,
    gain: f64,
    change: f64,
}

impl Score {
    fn of(case: &SetpointCase<'_>, values: &[f64]) -> Self {
        let state = case.state_at(values);
        let change = change(case, values);
        let mut violation = case.broken(values, &state);
        if change > 0.0 && !case.is_supported(&state) {
            // Less than history speaks against, the nearer to it.
            violation += 1e-3 + 1e-3 * (case.distance(&state) - 1.0).max(0.0);
        } else if change > 0.0 && violation == 0.0 {
            // What an operator would set is judged, not what lies between.
            let nearest = case.axes.iter().zip(values).map(|(axis, value)| axis.nearest(*value).unwrap_or(*value));
            let steps: Vec<f64> = nearest.collect();
            violation += if case.objection(&steps, &case.state_at(&steps)).is_some() { 1e-3 } else { 0.0 };
        }
        Self { violation, gain: case.sure_gain(&state), change }
    }

    fn beats(&self, other: &Self) -> bool {
        if self.violation > 0.0 || other.violation > 0.0 {
            return self.violation < other.violation;
        }
        is_better(self.gain, self.change, (other.gain, other.change))
    }
}

fn trial(population: &[(Vec<f64>, Score)], index: usize, spans: &[(f64, f64)], rng: &mut Rng) -> Option<Vec<f64>> {
    let mut other = || population.get(rng.below(population.len())).map(|(values, _)| values);
    let (a, b, c) = (other()?, other()?, other()?);
    let (own, _) = population.get(index)?;
    let sure = rng.below(spans.len());
    let mut trial = Vec::with_capacity(spans.len());
    for (position, ((((own, a), b), c), (low, high))) in own.iter().zip(a).zip(b).zip(c).zip(spans).enumerate() {
        let crossed = rng.uniform() < CROSSOVER || position == sure;
        let value = if crossed { a + WEIGHT * (b - c) } else { *own };
        trial.push(value.max(*low).min(*high));
    }
    Some(trial)
}

/// The best of the choices that are one step away along one axis, or along two, if it beats this one.
fn best_neighbour(
    case: &SetpointCase<'_>,
    values: &[f64],
    score: &Score,
    judge: &mut impl FnMut(&[f64]) -> Score,
) -> Option<(Vec<f64>, Score)> {
    let mut best: Option<(Vec<f64>, Score)> = None;
    let mut offer = |candidate: Vec<f64>| {
        let its = judge(&candidate);
        if its.beats(best.as_ref().map_or(score, |(_, best)| best)) {
            best = Some((candidate, its));
        }
    };
    let single = |values: &[f64], index: usize, up: bool| -> Option<Vec<f64>> {
        let axis = case.axes.get(index)?;
        let at =
            axis.values.iter().position(|value| (value - values.get(index).copied().unwrap_or(0.0)).abs() < 1e-9)?;
        let next = *axis.values.get(if up { at + 1 } else { at.checked_sub(1)? })?;
        let mut moved = values.to_vec();
        if let Some(slot) = moved.get_mut(index) {
            *slot = next;
        }
        Some(moved)
    };
    for first in 0..values.len() {
        for up in [false, true] {
            let Some(moved) = single(values, first, up) else { continue };
            for second in first + 1..values.len() {
                [false, true].into_iter().filter_map(|up| single(&moved, second, up)).for_each(&mut offer);
            }
            offer(moved);
        }
    }
    best
}

/// SplitMix64 (Steele, Lea, Flood 2014).
struct Rng(u64);

impl Rng {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// In [0, 1).
    fn uniform(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// Below `n`; 0 for 0.
    fn below(&mut self, n: usize) -> usize {
        let n = n as u64;
        usize::try_from(self.next().checked_rem(n).unwrap_or(0)).unwrap_or(0)
    }
}
