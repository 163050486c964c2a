//! Heat balance: does the water carry the heat that was measured? (HVAC.md §4)
//!
//! One side, a row: |RT from flow and ΔT − RT measured| / RT measured ≤ `heat_balance` (0.15), with
//! Q = ρ·V̇·cp·ΔT (`physics::water_heat_kw`). Loads below `heat_balance_min_rt` (1 RT) are not judged: their
//! relative error says nothing. Neither are rows at which the error of ΔT alone may exceed the limit, by the measured ΔT
//! and by the one that the measured load needs: two sensors that are each right within ±0.15 K give a ΔT within
//! √2 · 0.15 K = 0.21 K (`delta_t_accuracy_k`; root sum square of independent errors, ISO/IEC Guide 98-3 §5.1.2), so that
//! 15 % need 1.4 K.
//!
//! Beside the limit a row may be off by [`NOISE`] times what both sides scatter against each other from row to row, in K of
//! ΔT: noise and resolution of all four sensors, propagated through the same formula, are in that ([`noise_k`]), and a
//! load that moves is not, for both sides show it. In heat it is ρ·V̇·cp times as much, so a share that grows as ΔT falls. One
//! row in 16 000 of normal noise lies beyond four standard deviations. The noise is the data's own, so a cleaned set is
//! not judged by it a second time.
//!
//! The plant, where both sides are measured: (Q_evap + W_in − Q_cond)/Q_cond within ±`plant_balance` (5 %) for
//! more than `plant_balance_share` (80 %) of the rows, after the acceptance of AHRI 550/590 tests. A statistic
//! of the plant: it drops no row.
//!
use super::report::Balance;
use super::sampling::median;
use super::steady::RowVerdict;
use hvac_points::physics::{kw_to_rt, rt_to_kw, water_heat_kw};

/// Load that the water carries, RT; NaN when a side is missing. L/min and °C.
#[must_use]
pub(crate) fn load_from_flow_rt(flow_lpm: f64, supply_c: f64, return_c: f64) -> f64 {
    kw_to_rt(water_heat_kw(flow_lpm, return_c - supply_c))
}

/// What the one-sided test asks.
#[derive(Debug, Clone, Copy)]
pub(crate) struct OneSide {
    /// Most |relative error|.
    pub(crate) limit: f64,
    /// Least load, RT.
    pub(crate) least_rt: f64,
    /// Accuracy of a ΔT, K.
    pub(crate) delta_t_k: f64,
    /// What both sides scatter against each other, K of ΔT; 0 where it is not known.
    pub(crate) noise_k: f64,
}

/// Standard deviations of the noise that a row may be off beside the limit.
pub(crate) const NOISE: f64 = 4.0;
/// Steps that tell it.
const LEAST_STEPS: usize = 200;

/// How far both sides scatter against each other from row to row, K of ΔT: the robust standard deviation (1.4826 × median) of
/// the steps of ΔT − the ΔT that the measured load needs, ÷ √2 for two rows make a step; those of 0 are none, for a value
/// may be held. None with fewer than [`LEAST_STEPS`]. Rows are flow (L/min), load from it and measured load (RT).
#[must_use]
pub(crate) fn noise_k(rows: impl Iterator<Item = (f64, f64, f64)>, least_rt: f64) -> Option<f64> {
    let judged = rows.filter(|(_, _, measured_rt)| *measured_rt >= least_rt);
    let off = judged.map(|(flow_lpm, from_flow_rt, measured_rt)| {
        (from_flow_rt - measured_rt) / load_from_flow_rt(flow_lpm, 0.0, 1.0)
    });
    let off: Vec<f64> = off.filter(|off| off.is_finite()).collect();
    let steps = off.iter().zip(off.iter().skip(1)).map(|(a, b)| (b - a).abs());
    let mut steps: Vec<f64> = steps.filter(|step| *step > 0.0).collect();
    if steps.len() < LEAST_STEPS {
        return None;
    }
    median(&mut steps).map(|step| 1.4826 * step / std::f64::consts::SQRT_2)
}

impl OneSide {
    /// One row; [`RowVerdict::Beyond`] holds the relative error with its sign. L/min and RT.
    #[must_use]
    pub(crate) fn judge(&self, flow_lpm: f64, from_flow_rt: f64, measured_rt: f64) -> RowVerdict {
        // A sensor that is far off makes one of the two small, not both.
        let larger_rt = measured_rt.max(from_flow_rt.abs());
        let by_delta_t_rt = load_from_flow_rt(flow_lpm, 0.0, self.delta_t_k);
        if from_flow_rt.is_nan()
            || measured_rt.is_nan()
            || measured_rt < self.least_rt
            || by_delta_t_rt > self.limit * larger_rt
        {
            return RowVerdict::Unjudged;
        }
        let by_noise_rt = load_from_flow_rt(flow_lpm, 0.0, NOISE * self.noise_k);
        let off_rt = from_flow_rt - measured_rt;
        let beyond = off_rt.abs() > self.limit * measured_rt + by_noise_rt;
        if beyond { RowVerdict::Beyond(off_rt / measured_rt) } else { RowVerdict::Within }
    }
}

/// Relative error of the plant's balance; NaN when a side is missing or no heat is rejected. RT and kW.
#[must_use]
pub(crate) fn plant_error(evaporator_rt: f64, power_kw: f64, condenser_rt: f64) -> f64 {
    let (evaporator, condenser) = (rt_to_kw(evaporator_rt), rt_to_kw(condenser_rt));
    if condenser > 0.0 { (evaporator + power_kw - condenser) / condenser } else { f64::NAN }
}

/// Sums up relative errors, each with whether its row keeps the balance; NaN are rows that cannot be judged. With `share` the
/// whole is accepted or not.
#[must_use]
pub(crate) fn balance(errors: impl Iterator<Item = (f64, bool)>, limit: f64, share: Option<f64>) -> Balance {
    let (mut rows, mut within, mut sum) = (0_u64, 0_u64, 0.0);
    for (error, kept) in errors.filter(|(error, _)| !error.is_nan()) {
        rows += 1;
        within += u64::from(kept);
        sum += error;
    }
    let of_rows = |value: f64| (rows > 0).then(|| value / rows as f64);
    let reached = of_rows(within as f64);
    Balance {
        rows,
        within,
        share: reached,
        mean_error: of_rows(sum),
        limit,
        noise_k: None,
        accepted_share: share,
        accepted: share.and_then(|share| Some(reached? > share)),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    /// 1 000 L/min · 5 K carry 347.787 kW = 98.89 RT (0.997 · 4.186 / 60 · 5 000 = 347.787; / 3.5168).
    /// Measured 86.0: +15.0 % is 98.9, so 86.1 → +14.86 % passes and 85.9 → +15.13 % does not.
    #[test]
    fn hand_worked_rows() {
        let carried = load_from_flow_rt(1000.0, 7.0, 12.0);
        assert!((carried - 98.89).abs() < 0.01, "{carried}");
        let test = OneSide { limit: 0.15, least_rt: 1.0, delta_t_k: 0.21, noise_k: 0.0 };
        let judge = |measured| test.judge(1000.0, carried, measured);
        assert_eq!(judge(98.0), RowVerdict::Within);
        assert_eq!(judge(86.1), RowVerdict::Within);
        assert!(matches!(judge(85.9), RowVerdict::Beyond(error) if (error - 0.1513).abs() < 1e-3));
        assert!(matches!(judge(120.0), RowVerdict::Beyond(error) if (error + 0.1759).abs() < 1e-3), "-21.1 / 120");
        assert_eq!(judge(0.9), RowVerdict::Unjudged, "below 1 RT");
        assert_eq!(judge(f64::NAN), RowVerdict::Unjudged);
    }

    /// 1 000 L/min carry 19.779 RT a kelvin, so 0.21 K are 4.153 RT: 15 % of 27.69 RT, which are 1.4 K.
    #[test]
    fn a_small_delta_t_says_nothing_but_one_that_should_be_large_does() {
        let test = OneSide { limit: 0.15, least_rt: 1.0, delta_t_k: 0.21, noise_k: 0.0 };
        let judge = |delta_t_k, measured| test.judge(1000.0, load_from_flow_rt(1000.0, 7.0, 7.0 + delta_t_k), measured);
        assert_eq!(judge(1.3, 20.0), RowVerdict::Unjudged, "29 % off, at 1.3 and 1.0 K");
        assert!(matches!(judge(1.3, 28.0), RowVerdict::Within), "the load needs 1.42 K");
        assert!(matches!(judge(1.5, 20.0), RowVerdict::Beyond(_)), "1.5 K");
        assert!(matches!(judge(0.2, 98.9), RowVerdict::Beyond(_)), "the load needs 5 K");
        assert!(matches!(judge(-2.0, 20.0), RowVerdict::Beyond(_)), "exchanged");
        assert_eq!(OneSide { delta_t_k: 0.0, ..test }.judge(1000.0, 2.0, 1.5), RowVerdict::Beyond(0.5 / 1.5));
    }

    /// 1 000 L/min carry 19.779 RT a kelvin. A ΔT that is 0.1 K too large at every other row steps by 0.1 K each time: σ =
    /// 1.4826 · 0.1 / √2 = 0.1048 K, four of which are 8.294 RT. At 98.89 RT from flow, 78.79 measured are 20.10 off, of
    /// 15 % · 78.79 + 8.294 = 20.11; at 78.7 it is 20.19 of 20.10. A load that moves is no noise, nor is a value that is held.
    #[test]
    fn noise_is_tolerated_beside_the_limit() {
        let row = |i: u32| {
            let load_rt = 60.0 + f64::from(i / 2);
            (1000.0, load_rt + if i.is_multiple_of(2) { 0.0 } else { 1.9779 }, load_rt)
        };
        let noise = noise_k((0..300).map(row), 1.0).unwrap();
        assert!((noise - 0.1048).abs() < 1e-3, "{noise}");
        let held = noise_k((0..600).map(|i| row(i / 2)), 1.0).unwrap();
        assert!((held - noise).abs() < 1e-9, "{held}");
        assert_eq!(noise_k((0..200).map(row), 1.0), None, "199 steps");
        assert_eq!(noise_k((0..300).map(row), 1000.0), None, "below the least load");
        let test = OneSide { limit: 0.15, least_rt: 1.0, delta_t_k: 0.21, noise_k: 0.104_84 };
        let judge = |measured| test.judge(1000.0, load_from_flow_rt(1000.0, 7.0, 12.0), measured);
        assert_eq!(judge(78.9), RowVerdict::Within);
        assert!(matches!(judge(78.6), RowVerdict::Beyond(error) if (error - 0.2582).abs() < 1e-3));
    }

    /// 100 RT = 351.68 kW and 60 kW in: 411.68 kW must go out, 117.06 RT. 124 RT = 436.08 kW: −5.6 %.
    #[test]
    fn a_plant_is_accepted_by_the_share_of_its_rows() {
        assert!(plant_error(100.0, 60.0, 117.06).abs() < 1e-4);
        assert!((plant_error(100.0, 60.0, 124.0) + 0.0559).abs() < 1e-3);
        assert!(plant_error(100.0, 60.0, 0.0).is_nan());
        let row = |bad: usize| move |i: usize| if i < bad { (0.06, false) } else { (0.01, true) };
        let of = |bad: usize| balance((0..20).map(row(bad)), 0.05, Some(0.8));
        assert_eq!((of(3).within, of(3).accepted), (17, Some(true)), "85 %");
        assert_eq!(of(4).accepted, Some(false), "80 % is not more than 80 %");
        let none = balance(std::iter::once((f64::NAN, false)), 0.05, Some(0.8));
        assert_eq!((none.rows, none.share, none.accepted), (0, None, None));
    }
}
