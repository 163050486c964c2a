//! Out of range: a value that its kind and unit cannot have (limits: HVAC.md §4).
//!
//! | what | default limits |
//! |---|---|
//! | chilled water | −5…30 °C |
//! | condenser water | 5…60 °C |
//! | outside air | −50…60 °C |
//! | wet-bulb | −50…40 °C, and not above the dry-bulb of the same row by more than 1 K (two sensors of ±0.5 K): reported only |
//! | relative humidity | 0…100 % |
//! | speed | 0…65 Hz |
//! | electric power, flow, load | ≥ 0 |
//! | COP of the plant | 2…8, kW/RT accordingly (3.5168/8…3.5168/2); 0 is what a ratio says where nothing ran |
//!
//! A meter's zero is never quite 0: −0.3 GPM at standstill is an offset, no impossible flow. So a power, flow, load or
//! speed may lie below a limit of 0 by `zero_tolerance` (0.02: usual accuracies are 1–2 % of full scale) of its own
//! usual greatest value (its 99 % quantile) where it reads as near to 0 at 1 % of all times at least, and by 0.5 kW,
//! 5 L/min, 1 RT and 0.5 Hz in any case. Such cells are kept, counted and told of. What an earlier cleaning has judged by the same limits is not judged by the usual greatest
//! value of what that left.
//!
//! A wet-bulb above its dry-bulb cannot be, but either of the two may be the wrong one: a dry-bulb that reads 3 K too little
//! and a wet-bulb that reads 3 K too much look alike, also beside the humidity, for all three are bound by one law. So the
//! event names both, and neither is nulled. A dry-bulb that cannot be itself is no witness.
//!
//! Otherwise a cell is judged by itself, so what is left is judged the same again. A column whose quantity or unit is
//! not known is not judged; limits of a single column, in its own unit, win over all of these and have no tolerance.

use super::parameters::{Limits, Thresholds};
use super::quantity::{Quantity, Unit};
use super::report::Rule;
use super::sampling::{UsualSpan, number};
use hvac_frame::column::ColumnMeta;
use hvac_points::physics::KW_PER_RT;

/// The limits of a column in its own unit, and how they read in a message.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct RangeLimits {
    /// In the column's own unit.
    pub limits: Limits,
    /// Such as `23…86 °F`.
    pub words: String,
    /// How far below a limit of 0 a value may lie all the same, at least; none where a limit is no meter's zero.
    pub zero: Option<ZeroTolerance>,
    /// It is a ratio, which is 0 where nothing ran: no reading to judge.
    pub ratio: bool,
}

/// What a meter's zero may be off by, in the column's own unit.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct ZeroTolerance {
    /// At least.
    pub least: f64,
    /// As a share of the usual greatest value.
    pub share: f64,
}

impl RangeLimits {
    /// Whether an earlier cleaning has judged the column by the same limits and its own zero.
    #[must_use]
    pub(crate) fn judged_before(&self, column: &ColumnMeta) -> bool {
        let judged = column.cleaned.as_ref().and_then(|cleaned| cleaned.judged.get(Rule::OutOfRange.name()));
        judged.is_some_and(|limits| *limits == self.memory())
    }

    /// What is kept of having judged by these limits.
    #[must_use]
    pub(crate) fn memory(&self) -> String {
        let share = self.zero.map_or(0.0, |zero| zero.share);
        format!("{}; zero within {} %", self.words, number(share * 100.0))
    }

    /// Down to where a value of this column is its meter's zero, where that has a tolerance.
    #[must_use]
    pub(crate) fn zero_from(&self, values: &[f64]) -> Option<f64> {
        let ZeroTolerance { least, share } = self.zero?;
        // Only of a meter that stands at times: one that never reads near 0 has no zero to be off.
        let by_span = |usual: UsualSpan| if usual.low <= share * usual.high { share * usual.high } else { 0.0 };
        Some(-least.max(UsualSpan::of(values).map_or(0.0, by_span)))
    }
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
    let least = match quantity {
        Quantity::Power => Some(0.5),
        Quantity::Flow => Some(5.0),
        Quantity::Load => Some(1.0),
        Quantity::Speed => Some(0.5),
        _ => None,
    };
    let zero = least.filter(|_| own.min == Some(0.0) && thresholds.zero_tolerance > 0.0);
    let zero = zero.map(|least| ZeroTolerance { least: unit.invert(least), share: thresholds.zero_tolerance });
    let ratio = matches!(quantity, Quantity::Cop | Quantity::KwPerRt);
    RangeLimits { zero, ratio, ..in_words(own, unit.unit) }
}

/// Limits and their words.
#[must_use]
pub(crate) fn in_words(limits: Limits, unit: &str) -> RangeLimits {
    let show = |value: f64| number((value * 1000.0).round() / 1000.0);
    let words = match (limits.min, limits.max) {
        (Some(min), Some(max)) => format!("{}…{} {unit}", show(min), show(max)),
        (Some(min), None) => format!("at least {} {unit}", show(min)),
        (None, Some(max)) => format!("at most {} {unit}", show(max)),
        (None, None) => "anything".to_owned(),
    };
    RangeLimits { limits, words: words.trim_end().to_owned(), zero: None, ratio: false }
}

/// Marks the values outside of the limits; NaN is none.
pub(crate) fn mark(values: &[f64], range: &RangeLimits, mut hit: impl FnMut(usize)) {
    for (row, value) in values.iter().enumerate() {
        let skipped = value.is_nan() || (range.ratio && *value == 0.0);
        if !skipped && !range.limits.contains(*value) {
            hit(row);
        }
    }
}

/// How far each wet-bulb lies above the dry-bulb of its row, K; both in °C, NaN is none.
pub(crate) fn above_dry_bulb(wet_c: impl Iterator<Item = f64>, dry_c: &[f64]) -> impl Iterator<Item = f64> {
    wet_c.zip(dry_c).map(|(wet, dry)| wet - dry)
}
