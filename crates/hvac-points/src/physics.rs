//! The physics of air and water that cleaning, modelling and the simulator share. SI throughout.
//!
//! Psychrometrics are those of the ASHRAE Handbook – Fundamentals (2017), chapter 1, solved as PsychroLib
//! solves them: closed forms such as Stull's are up to 0.44 K off, more than the approach of a good tower
//! varies. Functions that a measured value reaches answer `None` outside their range instead of a number
//! that looks like one. Nothing in here knows of columns or frames.

/// Atmospheric pressure at sea level, Pa.
pub const STANDARD_PRESSURE_PA: f64 = 101_325.0;
/// One refrigeration ton, kW.
pub const KW_PER_RT: f64 = 3.5168;
/// Density of water at 25 °C, kg/L.
pub const WATER_KG_PER_L: f64 = 0.997;
/// Heat capacity of water, kJ/(kg·K).
pub const WATER_KJ_PER_KG_K: f64 = 4.186;
/// US gallons to litres: 231 cubic inches, exactly.
pub(crate) const L_PER_GALLON: f64 = 3.785_411_784;

/// Humidity ratios below this one count as this one, so that logarithms stay finite (PsychroLib does the same), kg/kg.
const MIN_HUMIDITY_RATIO: f64 = 1e-7;
/// Range of the saturation formulae, °C.
const SATURATION_RANGE_C: std::ops::RangeInclusive<f64> = -100.0..=200.0;
/// Triple point of water, °C: where the formula over ice meets the one over water.
const TRIPLE_POINT_C: f64 = 0.01;
/// Width of the bracket at which the wet-bulb search ends, K.
const WET_BULB_TOLERANCE_K: f64 = 1e-4;

/// Degrees Fahrenheit in °C.
#[must_use]
pub fn fahrenheit_to_celsius(fahrenheit: f64) -> f64 {
    (fahrenheit - 32.0) / 1.8
}

/// kW of cooling in refrigeration tons.
#[must_use]
pub fn kw_to_rt(kw: f64) -> f64 {
    kw / KW_PER_RT
}

/// Refrigeration tons in kW of cooling.
#[must_use]
pub fn rt_to_kw(rt: f64) -> f64 {
    rt * KW_PER_RT
}

/// Heat that water carries, kW, from its flow in L/min and its temperature difference in K: Q = ρ·V̇·cp·ΔT.
#[must_use]
pub fn water_heat_kw(flow_lpm: f64, delta_t_k: f64) -> f64 {
    flow_lpm * heat_kw_per_lpm_k() * delta_t_k
}

/// Temperature difference, K, that `heat_kw` makes in `flow_lpm` of water; infinite or NaN without flow.
#[must_use]
pub fn water_delta_t_k(heat_kw: f64, flow_lpm: f64) -> f64 {
    heat_kw / (flow_lpm * heat_kw_per_lpm_k())
}

const fn heat_kw_per_lpm_k() -> f64 {
    WATER_KG_PER_L * WATER_KJ_PER_KG_K / 60.0
}

/// Pressure of saturated vapour over ice below the triple point, over water above it, Pa
/// (ASHRAE 2017 ch. 1 eq. 5 and 6; the triple point instead of 0 °C makes the two meet, as in PsychroLib).
///
/// None outside −100…200 °C.
#[must_use]
pub(crate) fn saturation_pressure_pa(temperature_c: f64) -> Option<f64> {
    SATURATION_RANGE_C.contains(&temperature_c).then(|| ln_saturation_pressure(temperature_c).0.exp())
}

/// ln of the saturation pressure in Pa, and its derivative by temperature, 1/K.
fn ln_saturation_pressure(temperature_c: f64) -> (f64, f64) {
    let t = temperature_c + 273.15;
    if temperature_c <= TRIPLE_POINT_C {
        let ln = -5.674_535_9e3 / t
            + 6.392_524_7
            + t * (-9.677_843e-3 + t * (6.221_570_1e-7 + t * (2.074_782_5e-9 - t * 9.484_024e-13)))
            + 4.163_501_9 * t.ln();
        let slope = 5.674_535_9e3 / (t * t) - 9.677_843e-3
            + t * (2.0 * 6.221_570_1e-7 + t * (3.0 * 2.074_782_5e-9 - t * 4.0 * 9.484_024e-13))
            + 4.163_501_9 / t;
        (ln, slope)
    } else {
        let ln = -5.800_220_6e3 / t
            + 1.391_499_3
            + t * (-4.864_023_9e-2 + t * (4.176_476_8e-5 - t * 1.445_209_3e-8))
            + 6.545_967_3 * t.ln();
        let slope = 5.800_220_6e3 / (t * t) - 4.864_023_9e-2
            + t * (2.0 * 4.176_476_8e-5 - t * 3.0 * 1.445_209_3e-8)
            + 6.545_967_3 / t;
        (ln, slope)
    }
}

/// Humidity ratio, kg of water a kg of dry air, from dry-bulb °C, relative humidity % and pressure Pa
/// (ASHRAE 2017 ch. 1 eq. 12 and 20).
///
/// None outside −100…200 °C, 0…100 %, or when the vapour's pressure is not below the air's.
#[must_use]
pub fn humidity_ratio(dry_bulb_c: f64, relative_humidity_pct: f64, pressure_pa: f64) -> Option<f64> {
    if !(0.0..=100.0).contains(&relative_humidity_pct) {
        return None;
    }
    let vapour_pa = saturation_pressure_pa(dry_bulb_c)? * relative_humidity_pct / 100.0;
    (vapour_pa < pressure_pa).then(|| (0.621_945 * vapour_pa / (pressure_pa - vapour_pa)).max(MIN_HUMIDITY_RATIO))
}

/// Relative humidity, %, of air with that humidity ratio (the inverse of [`humidity_ratio`]).
#[must_use]
pub fn relative_humidity_pct(dry_bulb_c: f64, humidity_ratio: f64, pressure_pa: f64) -> Option<f64> {
    let vapour_pa = vapour_pressure_pa(humidity_ratio, pressure_pa);
    Some(100.0 * vapour_pa / saturation_pressure_pa(dry_bulb_c)?)
}

fn vapour_pressure_pa(humidity_ratio: f64, pressure_pa: f64) -> f64 {
    pressure_pa * humidity_ratio / (0.621_945 + humidity_ratio)
}

/// Enthalpy of moist air, kJ a kg of dry air, from dry-bulb °C and humidity ratio kg/kg (ASHRAE 2017 ch. 1 eq. 30).
#[must_use]
pub fn enthalpy_kj_per_kg(dry_bulb_c: f64, humidity_ratio: f64) -> f64 {
    1.006 * dry_bulb_c + humidity_ratio * (2501.0 + 1.86 * dry_bulb_c)
}

/// Temperature at which air of that humidity ratio is saturated, °C: Newton's method on the logarithm of
/// the vapour's pressure (inverse of ASHRAE 2017 ch. 1 eq. 5 and 6, as PsychroLib does it).
///
/// None when that temperature is outside −100…200 °C.
#[must_use]
pub(crate) fn dew_point_c(humidity_ratio: f64, pressure_pa: f64) -> Option<f64> {
    let ln_vapour = vapour_pressure_pa(humidity_ratio.max(MIN_HUMIDITY_RATIO), pressure_pa).ln();
    let mut dew_c = 10.0_f64;
    for _ in 0..50 {
        let (ln, slope) = ln_saturation_pressure(dew_c);
        let next_c = (dew_c - (ln - ln_vapour) / slope).clamp(*SATURATION_RANGE_C.start(), *SATURATION_RANGE_C.end());
        if (next_c - dew_c).abs() <= WET_BULB_TOLERANCE_K {
            return Some(next_c);
        }
        dew_c = next_c;
    }
    None
}

/// Humidity ratio, kg/kg, of air with these dry-bulb and wet-bulb temperatures, °C
/// (ASHRAE 2017 ch. 1 eq. 33 over water, 35 over ice).
///
/// None outside −100…200 °C or when the wet-bulb is above the dry-bulb.
#[must_use]
pub(crate) fn humidity_ratio_at_wet_bulb(dry_bulb_c: f64, wet_bulb_c: f64, pressure_pa: f64) -> Option<f64> {
    if wet_bulb_c > dry_bulb_c {
        return None;
    }
    let saturated = humidity_ratio(wet_bulb_c, 100.0, pressure_pa)?;
    let cooled = 1.006 * (dry_bulb_c - wet_bulb_c);
    let ratio = if wet_bulb_c >= 0.0 {
        ((2501.0 - 2.326 * wet_bulb_c) * saturated - cooled) / (2501.0 + 1.86 * dry_bulb_c - 4.186 * wet_bulb_c)
    } else {
        ((2830.0 - 0.24 * wet_bulb_c) * saturated - cooled) / (2830.0 + 1.86 * dry_bulb_c - 2.1 * wet_bulb_c)
    };
    Some(ratio.max(MIN_HUMIDITY_RATIO))
}

/// Thermodynamic wet-bulb temperature, °C, from dry-bulb °C, relative humidity % and pressure Pa: bisection
/// between dew point and dry-bulb on [`humidity_ratio_at_wet_bulb`], as PsychroLib does it. (Around 0 °C the
/// formulae over ice and water leave two solutions; bisecting the same bracket finds the same one.)
///
/// None outside the ranges of [`humidity_ratio`] and [`dew_point_c`]; never above the dry-bulb.
#[must_use]
pub fn wet_bulb_c(dry_bulb_c: f64, relative_humidity_pct: f64, pressure_pa: f64) -> Option<f64> {
    let target = humidity_ratio(dry_bulb_c, relative_humidity_pct, pressure_pa)?;
    let mut low_c = dew_point_c(target, pressure_pa)?.min(dry_bulb_c);
    let mut high_c = dry_bulb_c;
    while high_c - low_c > WET_BULB_TOLERANCE_K {
        let middle_c = (low_c + high_c) / 2.0;
        if humidity_ratio_at_wet_bulb(dry_bulb_c, middle_c, pressure_pa)? > target {
            high_c = middle_c;
        } else {
            low_c = middle_c;
        }
    }
    Some((low_c + high_c) / 2.0)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]

    use super::*;

    fn close(ours: f64, theirs: f64, tolerance: f64) {
        assert!((ours - theirs).abs() <= tolerance, "{ours} is not {theirs} ± {tolerance}");
    }

    #[test]
    fn wet_bulb_agrees_with_psychrolib() {
        let table = include_str!("../tests/psychrolib_wet_bulb.csv");
        let mut worst = 0.0_f64;
        let mut rows = 0;
        for line in table.lines().filter(|l| !l.starts_with('#')).skip(1) {
            let cells: Vec<f64> = line.split(',').map(|c| c.parse().unwrap()).collect();
            let ours = wet_bulb_c(cells[0], cells[1], cells[2] * 1000.0).unwrap();
            let off = (ours - cells[3]).abs();
            assert!(off < 0.01, "{line}: {ours}");
            assert!(ours <= cells[0], "{line}: above the dry-bulb");
            worst = worst.max(off);
            rows += 1;
        }
        assert_eq!(rows, 732);
        assert!(worst > 0.0);
    }

    /// Values of PsychroLib 2.5.0: GetSatVapPres, GetHumRatioFromRelHum, GetMoistAirEnthalpy, GetTDewPointFromRelHum,
    /// GetStandardAtmPressure.
    #[test]
    fn psychrometrics_agree_with_psychrolib() {
        for (t, pa) in [
            (-20.0, 103.260_378_580_504_08),
            (-5.0, 401.764_122_478_801_2),
            (0.0, 611.153_570_890_767_9),
            (0.01, 611.657_024_390_876_6),
            (5.0, 872.486_654_264_029),
            (25.0, 3_169.216_470_143_627_7),
            (60.0, 19_943.760_621_620_728),
        ] {
            close(saturation_pressure_pa(t).unwrap() / pa, 1.0, 1e-12);
        }
        let w = humidity_ratio(30.0, 60.0, STANDARD_PRESSURE_PA).unwrap();
        close(w, 0.016_040_902_665_907_755, 1e-12);
        close(enthalpy_kj_per_kg(30.0, w), 71.193_379_936_192_96, 1e-9);
        close(dew_point_c(w, STANDARD_PRESSURE_PA).unwrap(), 21.387_990_202_624_767, 1e-3);
        close(relative_humidity_pct(30.0, w, STANDARD_PRESSURE_PA).unwrap(), 60.0, 1e-9);
    }

    #[test]
    fn saturated_air_has_one_temperature() {
        for t in [-15.0, 0.0, 12.5, 40.0] {
            close(wet_bulb_c(t, 100.0, STANDARD_PRESSURE_PA).unwrap(), t, 1e-3);
        }
    }

    #[test]
    fn out_of_range_is_no_number() {
        assert_eq!(wet_bulb_c(25.0, 100.1, STANDARD_PRESSURE_PA), None);
        assert_eq!(wet_bulb_c(25.0, -1.0, STANDARD_PRESSURE_PA), None);
        assert_eq!(wet_bulb_c(250.0, 50.0, STANDARD_PRESSURE_PA), None);
        assert_eq!(wet_bulb_c(f64::NAN, 50.0, STANDARD_PRESSURE_PA), None);
        assert_eq!(wet_bulb_c(25.0, f64::NAN, STANDARD_PRESSURE_PA), None);
        assert_eq!(wet_bulb_c(25.0, 50.0, 0.0), None);
        assert_eq!(wet_bulb_c(25.0, 50.0, f64::NAN), None);
        assert_eq!(humidity_ratio_at_wet_bulb(20.0, 21.0, STANDARD_PRESSURE_PA), None);
    }

    /// Hand-worked: 1000 L/min · 0.997 kg/L / 60 · 4.186 kJ/(kg·K) · 5 K = 347.787 kW; and the rule of thumb
    /// RT = gpm·ΔT[°F]/24, which rounds ρ·cp, agrees within half a percent.
    #[test]
    fn water_carries_heat() {
        close(water_heat_kw(1000.0, 5.0), 347.786_83, 1e-4);
        close(water_delta_t_k(347.786_83, 1000.0), 5.0, 1e-6);
        let rt = kw_to_rt(water_heat_kw(240.0 * 3.785_411_784, 10.0 / 1.8));
        close(rt / (240.0 * 10.0 / 24.0), 1.0, 0.005);
        close(rt_to_kw(100.0), 351.68, 1e-9);
        close(fahrenheit_to_celsius(44.0), 6.666_666_7, 1e-6);
    }
}
