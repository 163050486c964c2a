//! What diagnostics find: a fault of one machine on one day, with the numbers that say so.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use crate::sampling::number;

/// What is wrong with a machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum FaultKind {
    /// A chiller takes more power than in its own past at like load and lift.
    Fouling,
    /// Chilled water comes back colder than in the plant's own past at like load.
    LowDeltaT,
    /// A chiller starts again and again.
    ShortCycling,
    /// An air handler heats and cools at once.
    SimultaneousHeatingCooling,
    /// A machine runs when its kind stands by habit.
    OutOfSchedule,
}

impl FaultKind {
    /// Every kind.
    pub const ALL: [Self; 5] =
        [Self::Fouling, Self::LowDeltaT, Self::ShortCycling, Self::SimultaneousHeatingCooling, Self::OutOfSchedule];

    /// As requests and answers spell it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Fouling => "fouling",
            Self::LowDeltaT => "low_delta_t",
            Self::ShortCycling => "short_cycling",
            Self::SimultaneousHeatingCooling => "simultaneous_heating_cooling",
            Self::OutOfSchedule => "out_of_schedule",
        }
    }
}

/// One number that speaks for a finding, rounded as it is shown; others are computed from the rounded ones.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Evidence {
    /// What it is, such as `kw_per_rt`.
    pub name: String,
    /// The number.
    pub value: f64,
    /// Its unit.
    pub unit: String,
}

/// A fault of one machine on one day.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Finding {
    /// What is wrong.
    pub kind: FaultKind,
    /// The machine, as its points' names have it.
    pub machine: String,
    /// The day at the site.
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = Date))]
    pub day: NaiveDate,
    /// Time of the first row that speaks for it, UTC ms.
    pub start_at_ms: i64,
    /// Time of the last one, UTC ms.
    pub end_at_ms: i64,
    /// How many rows speak for it.
    pub rows: u64,
    /// The columns they were read from.
    pub columns: Vec<String>,
    /// In words.
    pub detail: String,
    /// In numbers.
    pub evidence: Vec<Evidence>,
    /// Energy above the machine's own best decile; none where it cannot be known.
    pub energy_wasted_kwh: Option<f64>,
    /// How that energy was computed, or why it is not known.
    pub energy_basis: String,
    /// How sure it is, 0–1.
    pub confidence: f64,
}

/// What was judged of one machine, or why it was not.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Coverage {
    /// What was looked for.
    pub kind: FaultKind,
    /// Where; empty when no machine could be found for it.
    pub machine: String,
    /// Days that could be judged.
    pub days_judged: u32,
    /// Of these, days with a finding.
    pub days_found: u32,
    /// What limits the judgement, or why there is none.
    pub note: String,
}

/// All that was found, and what was looked at.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Diagnosis {
    /// By day, machine and kind.
    pub findings: Vec<Finding>,
    /// Each kind and machine.
    pub coverage: Vec<Coverage>,
}

/// `value` with so many digits behind the point, as it is shown.
pub(super) fn rounded(value: f64, digits: i32) -> f64 {
    let scale = 10_f64.powi(digits);
    // A zero has no sign.
    (value * scale).round() / scale + 0.0
}

/// Numbers that speak for a finding.
#[derive(Debug, Default)]
pub(super) struct EvidenceList(pub(super) Vec<Evidence>);

impl EvidenceList {
    /// Adds a number, rounded; what follows is computed from the number that is shown, which is answered.
    pub(super) fn add(&mut self, name: &str, value: f64, digits: i32, unit: &str) -> f64 {
        let value = rounded(value, digits);
        self.0.push(Evidence { name: name.to_owned(), value, unit: unit.to_owned() });
        value
    }
}

/// A rounded number in words.
pub(super) fn shown(value: f64) -> String {
    number(value)
}
