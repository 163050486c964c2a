//! Cumulative sums of what was not used (Page 1954): where their slope changes, consumption changed.
//!
//! A single change in the mean of n residuals lies where |Sₖ − (k/n)·Sₙ| is greatest. Divided by σ√n it is, without a
//! change, the greatest value of a Brownian bridge, which exceeds 1.358 in 5 % of cases (Kolmogorov's distribution); σ is
//! widened by √[(1 + ρ)/(1 − ρ)] for residuals that follow each other.

/// 95 % of the greatest absolute values of a Brownian bridge lie below.
const BRIDGE_95: f64 = 1.358;
/// Fewer points than this tell of no change.
const FEWEST: usize = 6;

/// Where the mean of `values` changes: the index of the first value behind it; none when chance explains it. `deviation`
/// is the values' own without the change, `autocorrelation` of neighbours 0…1.
#[must_use]
pub(super) fn turn(values: &[f64], deviation: f64, autocorrelation: f64) -> Option<usize> {
    let count = values.len();
    if count < FEWEST {
        return None;
    }
    let all: f64 = values.iter().sum();
    let mut sum = 0.0;
    let from_chord = values.iter().enumerate().map(|(index, value)| {
        sum += value;
        (index + 1, (sum - all * (index + 1) as f64 / count as f64).abs())
    });
    let (index, most) = from_chord.max_by(|(_, one), (_, other)| one.total_cmp(other))?;
    let widened = deviation * ((1.0 + autocorrelation) / (1.0 - autocorrelation)).sqrt();
    (index < count && most > BRIDGE_95 * widened * (count as f64).sqrt()).then_some(index)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_is_found_where_it_is() {
        let mut values = vec![1.0, -1.0, 1.0, -1.0, 1.0, -1.0, 1.0, -1.0, 1.0, -1.0];
        values.extend([6.0, 4.0, 6.0, 4.0, 6.0, 4.0, 6.0, 4.0, 6.0, 4.0]);
        assert_eq!(turn(&values, 1.0, 0.0), Some(10));
        assert_eq!(turn(&values, 1.0, 0.98), None, "values that stick together wander that far by themselves");
        assert_eq!(turn(&[0.0; 30], 1.0, 0.0), None);
        assert_eq!(turn(&[0.0, 9.0], 1.0, 0.0), None);
    }

    /// Alternating values never leave their chord by more than one of them.
    #[test]
    fn no_change_is_none() {
        let values: Vec<f64> = (0..40_i32).map(|i| if i % 2 == 0 { 1.0 } else { -1.0 }).collect();
        assert_eq!(turn(&values, 1.0, 0.0), None);
    }
}
