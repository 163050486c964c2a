//! Affinity law of a pump or fan: P ∝ f³ in theory (HVAC.md §4).
//!
//! Real machines fit exponents of 3.1–3.9 over a narrow band, so P/f³ is compared with the machine's own median
//! while it runs: |P/f³ ÷ median − 1| ≤ `affinity` (0.20). The exponent n of P ∝ fⁿ is fitted beside it, by
//! least squares on the logarithms, and reported. The unit of the speed does not matter (Hz or %).
//!
//! Of resampled rows only those count during which the machine ran throughout: a mean over a standstill obeys no
//! law. The yardstick is the data's own median, so a cleaned set is not judged by it a second time.

use super::sampling::median;
use super::steady::RowVerdict;

/// Rows that are needed to know a machine.
const LEAST_ROWS: usize = 20;
/// The highest speed must be this many times the lowest for an exponent to mean anything.
const LEAST_SPAN: f64 = 1.02;

/// What a machine does.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct AffinityFit {
    /// A verdict a row; [`RowVerdict::Beyond`] holds P/f³ ÷ median − 1.
    pub(crate) rows: Vec<RowVerdict>,
    /// Rows at which it runs.
    pub(crate) running: u64,
    /// Median of P/f³ while it runs.
    pub(crate) median: Option<f64>,
    /// Exponent of P ∝ fⁿ.
    pub(crate) exponent: Option<f64>,
    /// Lowest and highest speed while it runs.
    pub(crate) speed_range: Option<(f64, f64)>,
}

/// Judges a machine by its speed and power (kW), both NaN where there is none.
#[must_use]
pub(crate) fn fit(speed: &[f64], power_kw: &[f64], limit: f64, running_speed: f64, running_kw: f64) -> AffinityFit {
    let runs = |f: f64, p: f64| f > running_speed && p > running_kw;
    let running: Vec<(f64, f64)> =
        speed.iter().zip(power_kw).map(|(f, p)| (*f, *p)).filter(|(f, p)| runs(*f, *p)).collect();
    let range = running.iter().fold(None, |range: Option<(f64, f64)>, (f, _)| {
        Some(range.map_or((*f, *f), |(low, high)| (low.min(*f), high.max(*f))))
    });
    let mut ratios: Vec<f64> = running.iter().map(|(f, p)| p / f.powi(3)).collect();
    let enough = ratios.len() >= LEAST_ROWS;
    let own = median(&mut ratios).filter(|_| enough);
    let verdict = |(f, p): (&f64, &f64)| match own {
        Some(own) if runs(*f, *p) => {
            let off = p / f.powi(3) / own - 1.0;
            if off.abs() > limit { RowVerdict::Beyond(off) } else { RowVerdict::Within }
        }
        _ => RowVerdict::Unjudged,
    };
    let spans = enough && range.is_some_and(|(low, high)| high >= low * LEAST_SPAN);
    AffinityFit {
        rows: speed.iter().zip(power_kw).map(verdict).collect(),
        running: running.len() as u64,
        median: own,
        exponent: if spans { exponent(&running) } else { None },
        speed_range: range,
    }
}

/// Slope of ln P over ln f by least squares.
fn exponent(running: &[(f64, f64)]) -> Option<f64> {
    let count = running.len() as f64;
    let logs = || running.iter().map(|(f, p)| (f.ln(), p.ln()));
    let (mean_f, mean_p) = (logs().map(|(f, _)| f).sum::<f64>() / count, logs().map(|(_, p)| p).sum::<f64>() / count);
    let (mut together, mut alone) = (0.0, 0.0);
    for (f, p) in logs() {
        together += (f - mean_f) * (p - mean_p);
        alone += (f - mean_f).powi(2);
    }
    (alone > 0.0).then(|| together / alone)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::indexing_slicing, clippy::unwrap_used)]
    use super::*;

    /// 20 kW at 50 Hz by the cube: P/f³ = 1.6e-4. At 40 Hz 10.24 kW; at 45 Hz 14.58 kW.
    /// 12.5 kW at 40 Hz: +22 %; 12.2 kW: +19.1 %; 8.1 kW: −20.9 %.
    #[test]
    fn hand_worked_rows() {
        let mut speed = vec![50.0, 40.0, 45.0, 50.0];
        let mut power = vec![20.0, 10.24, 14.58, 20.0];
        (speed, power) = (speed.repeat(6), power.repeat(6));
        speed.extend([40.0, 40.0, 40.0, 3.0, 40.0, f64::NAN]);
        power.extend([12.5, 12.2, 8.1, 0.6, 0.4, 9.0]);
        let fit = fit(&speed, &power, 0.2, 5.0, 0.5);
        assert!((fit.median.unwrap() - 1.6e-4).abs() < 1e-9);
        assert_eq!((fit.running, fit.speed_range), (27, Some((40.0, 50.0))));
        assert!(fit.rows[..24].iter().all(|v| *v == RowVerdict::Within));
        assert!(matches!(fit.rows[24], RowVerdict::Beyond(off) if (off - 0.2207).abs() < 1e-3));
        assert_eq!(fit.rows[25], RowVerdict::Within);
        assert!(matches!(fit.rows[26], RowVerdict::Beyond(off) if (off + 0.2090).abs() < 1e-3));
        assert_eq!(fit.rows[27..], [RowVerdict::Unjudged; 3], "too slow, standing, no speed");
    }

    /// P = 0.01·f^3.4 exactly.
    #[test]
    fn the_exponent_is_found() {
        let speed: Vec<f64> = (0..40).map(|i| 40.0 + f64::from(i) / 4.0).collect();
        let power: Vec<f64> = speed.iter().map(|f| 0.01 * f.powf(3.4)).collect();
        assert!((fit(&speed, &power, 0.2, 5.0, 0.5).exponent.unwrap() - 3.4).abs() < 1e-9);
        let constant = fit(&[50.0; 40], &power, 0.2, 5.0, 0.5);
        assert_eq!((constant.exponent, constant.running), (None, 40));
        let few = fit(&speed[..19], &power[..19], 0.2, 5.0, 0.5);
        assert_eq!((few.median, few.rows[0]), (None, RowVerdict::Unjudged));
    }
}
