//! How sure savings are: ASHRAE Guideline 14-2014, Annex B, and the exact sum of a regression's predictions.
//!
//! Guideline 14's fractional uncertainty (Reddy and Claridge 2000, "Uncertainty of measured energy savings from statistical
//! baseline models", HVAC&R Research 6(1); autocorrelation after Ruch, Chen, Haberl and Claridge 1993) is
//!
//! ```text
//! ΔE/E = t · k · CV(RMSE) · √[(n/n′) · (1 + 2/n′) · (1/m)] / F        n′ = n · (1 − ρ)/(1 + ρ)
//! ```
//!
//! with F the saved share of the adjusted baseline, n points before, m points after, ρ the lag-1 autocorrelation of the
//! baseline's residuals. The Guideline's constant k = 1.26 was found for monthly data; IPMVP's statistics guide takes the
//! polynomial of Sun and Baltazar 2013 ("Analysis and improvement of the estimation of building energy savings
//! uncertainty", ASHRAE Transactions 119(2)) for hours and days instead.
//!
//! That k stands for what the baseline's own coefficients do not know, in a year after a year. A short time after a short
//! time is less sure, so the sum of m predictions is also worked out (the least-squares form of Koran, Boyer, Khawaja,
//! Rushton and Stewart 2017, "A comparison of approaches to estimating the time-aggregated uncertainty of savings estimated
//! from meter data"), and the larger of the two is told.

/// What the uncertainty is made of.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Spread {
    /// Points before.
    pub n: f64,
    /// Points after.
    pub m: f64,
    /// What the baseline was fitted with: coefficients and levels that differ between points.
    pub parameters: f64,
    /// Root of the residuals' mean square over `n − parameters`, divided by the mean: a share, not percent.
    pub cv_rmse: f64,
    /// Lag-1 autocorrelation of the residuals, 0…1; a negative one is taken for 0.
    pub autocorrelation: f64,
    /// Months of 30.4 days that the points after cover.
    pub months_after: f64,
    /// How far the conditions after lie from those before: squared Mahalanobis distance of their means.
    pub distance: f64,
}

impl Spread {
    /// Points before that are as good as independent: n′.
    #[must_use]
    pub fn effective_n(&self) -> f64 {
        self.n * (1.0 - self.autocorrelation) / (1.0 + self.autocorrelation)
    }

    /// Two-sided Student's t with n′ − p degrees of freedom, one at least.
    #[must_use]
    pub fn t(&self, confidence: f64) -> f64 {
        student_t(confidence, (self.effective_n() - self.parameters).max(1.0))
    }

    /// Guideline 14's ΔE as a share of the adjusted baseline: its ΔE/E times F, which may be 0.
    #[must_use]
    pub(crate) fn guideline14_share(&self, confidence: f64) -> f64 {
        let effective = self.effective_n();
        let points = (self.n / effective) * (1.0 + 2.0 / effective) / self.m;
        self.t(confidence) * sun_baltazar(self.months_after) * self.cv_rmse * points.sqrt()
    }

    /// The same of the sum of m predictions by least squares: noise of m points, and m times the error of their mean
    /// prediction, both with n/n′ for autocorrelation; as a share of m points of the mean before.
    #[must_use]
    pub(crate) fn least_squares_share(&self, confidence: f64) -> f64 {
        let points = (self.n / self.effective_n()) * (1.0 / self.m + (1.0 + self.distance) / self.n);
        self.t(confidence) * self.cv_rmse * points.sqrt()
    }

    /// The larger of the two.
    #[must_use]
    pub fn share(&self, confidence: f64) -> f64 {
        self.guideline14_share(confidence).max(self.least_squares_share(confidence))
    }
}

/// What stands in the place of 1.26 for hours and days: −0.00024·M² + 0.03535·M + 1.00286 with M months after. Beyond its
/// highest point, some six years, it stays there.
#[must_use]
pub(crate) fn sun_baltazar(months: f64) -> f64 {
    let (square, linear, constant) = (-0.00024, 0.03535, 1.00286);
    let months = months.clamp(0.0, -linear / (2.0 * square));
    (square * months + linear) * months + constant
}

/// Lag-1 autocorrelation of residuals around 0: mean product of those that follow each other by mean square. Only pairs
/// `step` apart count, so that a gap in time makes no neighbours.
#[must_use]
pub fn autocorrelation(residuals: &[(i64, f64)], step: i64) -> f64 {
    let square: f64 = residuals.iter().map(|(_, value)| value * value).sum();
    let (mut products, mut pairs) = (0.0, 0_u32);
    for ((at, value), (next_at, next)) in residuals.iter().zip(residuals.iter().skip(1)) {
        if next_at - at == step {
            products += value * next;
            pairs += 1;
        }
    }
    if pairs == 0 || square <= 0.0 {
        return 0.0;
    }
    ((products / f64::from(pairs)) / (square / residuals.len() as f64)).clamp(0.0, 0.99)
}

/// The t that a Student-distributed number of so many degrees of freedom stays within with that probability.
#[must_use]
pub(crate) fn student_t(confidence: f64, degrees: f64) -> f64 {
    let outside = 1.0 - confidence;
    // P(|T| > t) falls from 1 to 0.
    let (mut low, mut high) = (0.0, 1.0);
    while student_outside(high, degrees) > outside && high < 1e9 {
        high *= 2.0;
    }
    for _ in 0..200 {
        let middle = f64::midpoint(low, high);
        if student_outside(middle, degrees) > outside { low = middle } else { high = middle }
    }
    f64::midpoint(low, high)
}

/// P(|T| > t) = I_x(ν/2, ½) with x = ν/(ν + t²).
fn student_outside(t: f64, degrees: f64) -> f64 {
    incomplete_beta(degrees / (degrees + t * t), degrees / 2.0, 0.5)
}

/// The regularised incomplete beta function by Lentz's continued fraction (Abramowitz and Stegun 26.5.8).
fn incomplete_beta(x: f64, a: f64, b: f64) -> f64 {
    if x <= 0.0 {
        return 0.0;
    }
    if x >= 1.0 {
        return 1.0;
    }
    // The fraction converges fast on this side of the mean.
    if x > (a + 1.0) / (a + b + 2.0) {
        return 1.0 - incomplete_beta(1.0 - x, b, a);
    }
    let front = (ln_gamma(a + b) - ln_gamma(a) - ln_gamma(b) + a * x.ln() + b * (1.0 - x).ln()).exp() / a;
    let tiny = 1e-300;
    let guard = |value: f64| if value.abs() < tiny { tiny } else { value };
    let (mut c, mut d) = (1.0, 1.0 / guard(1.0 - (a + b) * x / (a + 1.0)));
    let mut fraction = d;
    for step in 1..500_u32 {
        let m = f64::from(step);
        let even = m * (b - m) * x / ((a + 2.0 * m - 1.0) * (a + 2.0 * m));
        d = 1.0 / guard(1.0 + even * d);
        c = guard(1.0 + even / c);
        fraction *= d * c;
        let odd = -(a + m) * (a + b + m) * x / ((a + 2.0 * m) * (a + 2.0 * m + 1.0));
        d = 1.0 / guard(1.0 + odd * d);
        c = guard(1.0 + odd / c);
        let change = d * c;
        fraction *= change;
        if (change - 1.0).abs() < 1e-15 {
            break;
        }
    }
    front * fraction
}

/// Lanczos's approximation with g = 7, nine terms; x > 0.
fn ln_gamma(x: f64) -> f64 {
    const TERMS: [f64; 8] = [
        676.520_368_121_885_1,
        -1_259.139_216_722_402_8,
        771.323_428_777_653_1,
        -176.615_029_162_140_6,
        12.507_343_278_686_905,
        -0.138_571_095_265_720_12,
        9.984_369_578_019_572e-6,
        1.505_632_735_149_311_6e-7,
    ];
    if x < 0.5 {
        // Reflection.
        return (std::f64::consts::PI / (std::f64::consts::PI * x).sin()).ln() - ln_gamma(1.0 - x);
    }
    let x = x - 1.0;
    let mut sum = 0.999_999_999_999_809_9;
    for (index, term) in (1_u32..).zip(TERMS) {
        sum += term / (x + f64::from(index));
    }
    let t = x + 7.5;
    0.5 * (2.0 * std::f64::consts::PI).ln() + (x + 0.5) * t.ln() - t + sum.ln()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn near(found: f64, expected: f64, within: f64) {
        assert!((found - expected).abs() <= within, "{found} is not {expected}");
    }

    /// NIST/SEMATECH e-Handbook, table 1.3.6.7.2: upper critical values.
    #[test]
    fn students_t_is_the_tables() {
        for (confidence, degrees, t) in [
            (0.90, 1.0, 6.314),
            (0.90, 10.0, 1.812),
            (0.90, 27.0, 1.703),
            (0.95, 10.0, 2.228),
            (0.95, 30.0, 2.042),
            (0.80, 5.0, 1.476),
            (0.95, 2.0, 4.303),
            (0.998, 12.0, 3.930),
        ] {
            near(student_t(confidence, degrees), t, 6e-4);
        }
        near(student_t(0.90, 1e7), 1.644_854, 1e-5);
        near(student_t(0.682_689_5, 1e7), 1.0, 1e-5);
    }

    /// By hand: ρ = 0.5 leaves n′ = 365/3 = 121.67; √[3 · (1 + 2/121.67) / 365] = √0.0083544 = 0.0914;
    /// k(12) = 1.00286 + 0.4242 − 0.03456 = 1.3925; with t = 1.6580 (n′ − 4 = 117.67) and CV = 10 %, F = 10 %:
    /// ΔE/E = 1.658 · 1.3925 · 0.10 · 0.0914 / 0.10 = 0.2110.
    #[test]
    fn the_formula_by_hand() {
        let spread = Spread {
            n: 365.0,
            m: 365.0,
            parameters: 4.0,
            cv_rmse: 0.10,
            autocorrelation: 0.5,
            months_after: 12.0,
            distance: 0.0,
        };
        near(spread.effective_n(), 121.667, 1e-3);
        near(sun_baltazar(12.0), 1.3925, 1e-6);
        near(spread.t(0.90), 1.658, 1e-3);
        // Of savings of 10 %.
        near(spread.guideline14_share(0.90) / 0.10, 0.2110, 2e-4);
        // The sum by least squares: √[3 · (1/365 + 1/365)] = 0.12821; · 1.658 · 0.10.
        near(spread.least_squares_share(0.90), 0.021_257, 2e-5);
    }

    /// Reddy and Claridge's form without autocorrelation: n′ = n, √[(1 + 2/n)/m] · t · k · CV/F. A year of months at CV = 5 %
    /// and F = 10 % with t = 1 and 1.26 is 1.26 · 0.5 · √(14/12/12) = 0.1964; here k(12) = 1.3925 stands for 1.26.
    #[test]
    fn without_autocorrelation_it_is_reddy_and_claridges() {
        let spread = Spread {
            n: 12.0,
            m: 12.0,
            parameters: 2.0,
            cv_rmse: 0.05,
            autocorrelation: 0.0,
            months_after: 12.0,
            distance: 0.0,
        };
        let fraction = spread.guideline14_share(0.90) / 0.10;
        near(fraction / spread.t(0.90) * 1.26 / 1.3925, 0.1964, 1e-4);
    }

    /// Residuals 1, 1, −1, −1, each pair's products 1, −1, 1: mean ⅓ by mean square 1.
    #[test]
    fn autocorrelation_counts_neighbours_only() {
        let days = |at: [i64; 4]| -> Vec<(i64, f64)> { at.into_iter().zip([1.0, 1.0, -1.0, -1.0]).collect() };
        near(autocorrelation(&days([1, 2, 3, 4]), 1), 1.0 / 3.0, 1e-12);
        near(autocorrelation(&days([1, 2, 9, 10]), 1), 0.99, 1e-12);
        near(autocorrelation(&days([1, 3, 5, 7]), 1), 0.0, 0.0);
        near(autocorrelation(&[(1, 1.0), (2, -1.0)], 1), 0.0, 0.0);
    }

    #[test]
    fn the_polynomial_never_falls() {
        assert!(sun_baltazar(0.0) > 1.0 && sun_baltazar(200.0) >= sun_baltazar(70.0));
        near(sun_baltazar(200.0), 1.00286 + 0.03535 * 0.03535 / (4.0 * 0.00024), 1e-9);
    }
}
