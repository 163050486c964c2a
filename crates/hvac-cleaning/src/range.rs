//! Out of range: a value that its kind and unit cannot have (limits: HVAC.md §4).
//!
//! | what | default limits |
//! |---|---|
//! | chilled water | −5…30 °C |
//! | condenser water | 5…60 °C |
//! | outside air | −50…60 °C |
//! | wet-bulb | −50…40 °C, and not above the dry-bulb of the same row by more than 0.5 K |
//! | relative humidity | 0…100 % |
//! | speed | 0…65 Hz |
//! | electric power, flow, load | ≥ 0 |
//! | COP of the plant | 2…8, kW/RT accordingly (3.5168/8…3.5168/2) |
//!
//! A cell is judged by itself, so what is left is judged the same again. A column whose quantity or unit is not
//! known is not judged; limits of a single column, in its own unit, win over all of these.

use super::parameters::{Limits, Thresholds};
use super::quantity::{Quantity, Unit};
use hvac_points::physics::KW_PER_RT;

/// The limits of a column in its own unit, and how they read in a message.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct RangeLimits {
    /// In the column's own unit.
    pub limits: Limits,
    /// Such as `23…86 °F`.
    pub words: String,
}

/// The limits of a quantity in the unit in which it is compared.
#[must_use]
pub(crate) fn limits_of(quantity: Quantity, thresholds: &Thresholds) -> Limits {
    match quantity {
        Quantity::ChwTemperature => thresholds.chw_temperature_c,
        Quantity::CwTemperature => thresholds.cw_temperature_c,
        Quantity::AirTemperature => thresholds.air_temperature_c,
        Quantity::WetBulb => thresholds.wet_bulb_c,
        Quantity::Humidity => thresholds.humidity_pct,
        Quantity::Speed => thresholds.frequency_hz,
        Quantity::Power => thresholds.power_kw,
        Quantity::Flow => thresholds.flow_lpm,
        Quantity::Load => thresholds.load_rt,
        Quantity::Cop => thresholds.plant_cop,
        Quantity::KwPerRt => {
            let ratio = |cop: Option<f64>| cop.filter(|cop| *cop > 0.0).map(|cop| KW_PER_RT / cop);
            Limits { min: ratio(thresholds.plant_cop.max), max: ratio(thresholds.plant_cop.min) }
        }
    }
}

/// The range of a column that measures `quantity` in `unit`.
#[must_use]
pub(crate) fn range_of(quantity: Quantity, unit: &Unit, thresholds: &Thresholds) -> RangeLimits {
    let limits = limits_of(quantity, thresholds);
    // 60 °C is 140 °F, not 139.999…: a value on the edge is inside.
    let own = |limit: f64| (unit.invert(limit) * 1e9).round() / 1e9;
    let own = Limits { min: limits.min.map(own), max: limits.max.map(own) };
    in_words(own, unit.unit)
}

/// Limits and their words.
#[must_use]
pub(crate) fn in_words(limits: Limits, unit: &str) -> RangeLimits {
    let show = |value: f64| super::sampling::number((value * 1000.0).round() / 1000.0);
    let words = match (limits.min, limits.max) {
        (Some(min), Some(max)) => format!("{}…{} {unit}", show(min), show(max)),
        (Some(min), None) => format!("at least {} {unit}", show(min)),
        (None, Some(max)) => format!("at most {} {unit}", show(max)),
        (None, None) => "anything".to_owned(),
    };
    RangeLimits { limits, words: words.trim_end().to_owned() }
}

/// Marks the values outside of `limits`; NaN is none.
pub(crate) fn mark(values: &[f64], limits: Limits, mut hit: impl FnMut(usize)) {
    for (row, value) in values.iter().enumerate() {
        if !value.is_nan() && !limits.contains(*value) {
            hit(row);
        }
    }
}

/// Marks the wet-bulbs above the dry-bulb of their row; both in °C, NaN is none.
pub(crate) fn mark_above_dry_bulb(
    wet_c: impl Iterator<Item = f64>,
    dry_c: &[f64],
    margin_k: f64,
    mut hit: impl FnMut(usize),
) {
    for (row, (wet, dry)) in wet_c.zip(dry_c).enumerate() {
        if wet > *dry + margin_k {
            hit(row);
        }
    }
}
