//! Faults that a plant is given, and the truth about them.
//!
//! A fault is stated before the plant runs, so the list of faults is what happened, not what some rule found
//! afterwards. Sensor faults change what a point reads and nothing else; equipment faults change what the plant
//! does, and sensors read that truly. Sizes are in one unit a kind ([`FaultKind::size_unit`]), whatever unit the
//! point is printed in.

use chrono::NaiveDateTime;
use serde::{Deserialize, Serialize};

/// What can be wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FaultKind {
    /// A sensor repeats the reading before `start`.
    Stuck,
    /// A sensor reads too much or too little by a constant.
    Offset,
    /// A sensor's error grows in proportion to time.
    Drift,
    /// One reading is far off.
    Spike,
    /// Readings are lost: the cells hold a loss marker.
    Dropout,
    /// Two sensors of one loop are exchanged.
    Swap,
    /// A point is printed in another unit than the one it is said to have.
    WrongUnit,
    /// The readings of a point or of a whole report are late (or early) by whole intervals.
    TimeShift,
    /// A chiller draws more power for the same cooling.
    Fouling,
    /// Coil valves stand open: more chilled water than the coils need, at a smaller temperature difference.
    LowDeltaT,
    /// A chiller starts and stops far more often than its load asks for.
    ShortCycling,
    /// An air handler heats and cools at once.
    SimultaneousHeatingCooling,
    /// An air handler runs while its schedule is off.
    OutOfSchedule,
}

impl FaultKind {
    /// Every kind, those of sensors first.
    pub const ALL: [Self; 13] = [
        Self::Stuck,
        Self::Offset,
        Self::Drift,
        Self::Spike,
        Self::Dropout,
        Self::Swap,
        Self::WrongUnit,
        Self::TimeShift,
        Self::Fouling,
        Self::LowDeltaT,
        Self::ShortCycling,
        Self::SimultaneousHeatingCooling,
        Self::OutOfSchedule,
    ];

    /// Whether it is the plant that is wrong, not the reading.
    #[must_use]
    pub fn is_equipment(self) -> bool {
        matches!(
            self,
            Self::Fouling
                | Self::LowDeltaT
                | Self::ShortCycling
                | Self::SimultaneousHeatingCooling
                | Self::OutOfSchedule
        )
    }

    /// As fault files and truth spell it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Stuck => "stuck",
            Self::Offset => "offset",
            Self::Drift => "drift",
            Self::Spike => "spike",
            Self::Dropout => "dropout",
            Self::Swap => "swap",
            Self::WrongUnit => "wrong_unit",
            Self::TimeShift => "time_shift",
            Self::Fouling => "fouling",
            Self::LowDeltaT => "low_delta_t",
            Self::ShortCycling => "short_cycling",
            Self::SimultaneousHeatingCooling => "simultaneous_heating_cooling",
            Self::OutOfSchedule => "out_of_schedule",
        }
    }

    /// The size from which on it must be found; for [`Self::Offset`] and [`Self::Drift`] that of a temperature, see
    /// [`Self::least_size_of_share`].
    #[must_use]
    pub fn least_size(self) -> f64 {
        match self {
            Self::Stuck | Self::Dropout => 6.0,
            Self::Offset => 1.5,
            Self::Drift | Self::Swap | Self::WrongUnit | Self::OutOfSchedule => 1.0,
            Self::Spike => 5.0,
            Self::TimeShift | Self::ShortCycling => 2.0,
            Self::Fouling => 0.10,
            Self::LowDeltaT => 0.30,
            Self::SimultaneousHeatingCooling => 20.0,
        }
    }

    /// The same for a point that is no temperature: a share of its reading. None where sizes are not of that sort.
    #[must_use]
    pub fn least_size_of_share(self) -> Option<f64> {
        matches!(self, Self::Offset | Self::Drift).then_some(0.10)
    }

    /// What a size counts; `temperature` is whether the point is one.
    #[must_use]
    pub fn size_unit(self, temperature: bool) -> &'static str {
        match self {
            Self::Stuck | Self::Dropout => "samples",
            Self::Offset if temperature => "K",
            Self::Offset => "share of the reading",
            Self::Drift if temperature => "K a month (30 days)",
            Self::Drift => "share of the reading a month (30 days)",
            Self::Spike => "robust standard deviations of the point's own steps",
            Self::Swap | Self::WrongUnit | Self::OutOfSchedule => "",
            Self::TimeShift => "intervals; positive is late",
            Self::Fouling => "share of the chiller's power, reached within 14 days",
            Self::LowDeltaT => "share of the chilled-water flow",
            Self::ShortCycling => "starts an hour",
            Self::SimultaneousHeatingCooling => "% of the heating valve",
        }
    }

    /// One line for people.
    #[must_use]
    pub fn about(self) -> &'static str {
        match self {
            Self::Stuck => "a sensor repeats one reading",
            Self::Offset => "a sensor reads too much or too little by a constant",
            Self::Drift => "a sensor's error grows with time",
            Self::Spike => "one reading is far off",
            Self::Dropout => "readings are lost",
            Self::Swap => "two temperature sensors of one loop are exchanged",
            Self::WrongUnit => "a point is printed in another unit than it is said to have",
            Self::TimeShift => "readings of a point or a report are late or early by whole intervals",
            Self::Fouling => "a chiller draws more power for the same cooling",
            Self::LowDeltaT => "coil valves stand open: more chilled water, smaller temperature difference",
            Self::ShortCycling => "a chiller starts and stops far too often",
            Self::SimultaneousHeatingCooling => "an air handler heats and cools at once",
            Self::OutOfSchedule => "an air handler runs while its schedule is off",
        }
    }
}

/// What a fault is of.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Target {
    /// A point, by its name in the reports.
    Point(String),
    /// Every point of a report group, by the group's name.
    File(String),
    /// A machine, by its name; the chilled-water loop is `CHW`.
    Machine(String),
}

impl Target {
    /// The name.
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Self::Point(name) | Self::File(name) | Self::Machine(name) => name,
        }
    }
}

/// One fault.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "WrittenFault", into = "WrittenFault")]
pub struct Fault {
    /// What is wrong.
    pub kind: FaultKind,
    /// With what.
    pub target: Target,
    /// The other sensor of a [`FaultKind::Swap`].
    pub with: Option<String>,
    /// Local time of the first row concerned; none: the first row of all.
    pub start: Option<NaiveDateTime>,
    /// Local time of the last row concerned; none: the last row of all, or `size` samples for [`FaultKind::Stuck`] and
    /// [`FaultKind::Dropout`], the one of `start` for [`FaultKind::Spike`].
    pub end: Option<NaiveDateTime>,
    /// How much, in [`FaultKind::size_unit`]; none: the least that must be found.
    pub size: Option<f64>,
    /// The unit that a [`FaultKind::WrongUnit`] prints; none: the one it is mostly mistaken for.
    pub unit: Option<String>,
}

impl Fault {
    /// A fault of `kind` on `target` throughout, of the least size.
    #[must_use]
    pub fn new(kind: FaultKind, target: Target) -> Self {
        Self { kind, target, with: None, start: None, end: None, size: None, unit: None }
    }
}

/// A fault as files hold it.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenFault {
    kind: FaultKind,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    point: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    file: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    machine: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    with: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    start: Option<NaiveDateTime>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    end: Option<NaiveDateTime>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    size: Option<f64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    unit: Option<String>,
}

impl TryFrom<WrittenFault> for Fault {
    type Error = String;

    fn try_from(written: WrittenFault) -> Result<Self, String> {
        let WrittenFault { kind, point, file, machine, with, start, end, size, unit } = written;
        let name = kind.name();
        let target = match (point, file, machine) {
            (Some(point), None, None) if !kind.is_equipment() => Target::Point(point),
            (None, Some(file), None) if kind == FaultKind::TimeShift => Target::File(file),
            (None, None, Some(machine)) if kind.is_equipment() => Target::Machine(machine),
            _ if kind.is_equipment() => return Err(format!("{name}: it is of a machine: give `machine` alone")),
            _ if kind == FaultKind::TimeShift => {
                return Err(format!("{name}: it is of a point or of a report: give `point` or `file` alone"));
            }
            _ => return Err(format!("{name}: it is of a point: give `point` alone")),
        };
        if with.is_some() != (kind == FaultKind::Swap) {
            return Err(format!("{name}: `with` names the other sensor of a swap, and of nothing else"));
        }
        if unit.is_some() && kind != FaultKind::WrongUnit {
            return Err(format!("{name}: `unit` is the unit that a wrong_unit prints, and of nothing else"));
        }
        Ok(Self { kind, target, with, start, end, size, unit })
    }
}

impl From<Fault> for WrittenFault {
    fn from(fault: Fault) -> Self {
        let Fault { kind, target, with, start, end, size, unit } = fault;
        let (mut point, mut file, mut machine) = (None, None, None);
        match target {
            Target::Point(name) => point = Some(name),
            Target::File(name) => file = Some(name),
            Target::Machine(name) => machine = Some(name),
        }
        Self { kind, point, file, machine, with, start, end, size, unit }
    }
}

/// What a file of faults asks for: some by name, some at random.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FaultList {
    /// Faults by name.
    #[serde(default)]
    pub faults: Vec<Fault>,
    /// How many more at random.
    #[serde(default)]
    pub random: u32,
    /// Of which kinds those are; none: of all.
    #[serde(default)]
    pub kinds: Vec<FaultKind>,
    /// Between how many times the least size those are.
    #[serde(default = "usual_sizes")]
    pub sizes: [f64; 2],
}

/// Random faults are 1 to 3 times as large as the least that must be found.
fn usual_sizes() -> [f64; 2] {
    [1.0, 3.0]
}

impl Default for FaultList {
    /// No faults.
    fn default() -> Self {
        Self { faults: Vec::new(), random: 0, kinds: Vec::new(), sizes: usual_sizes() }
    }
}

impl FaultList {
    /// So many random faults of every kind.
    #[must_use]
    pub fn random(count: u32) -> Self {
        Self { random: count, ..Self::default() }
    }

    /// Reads the JSON of a file.
    ///
    /// # Errors
    /// What is wrong, and at which line and column.
    pub fn read(json: &str) -> Result<Self, String> {
        let list: Self = serde_json::from_str(json).map_err(|error| error.to_string())?;
        let [low, high] = list.sizes;
        if !(low > 0.0 && low <= high && high.is_finite()) {
            return Err(format!("sizes: [{low}, {high}] must be two numbers above 0, the smaller one first"));
        }
        Ok(list)
    }
}

/// A fault as it happened.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Truth {
    /// The fault, with start, end and size filled in.
    #[serde(flatten)]
    pub fault: Fault,
    /// What `size` counts.
    pub size_unit: &'static str,
    /// The points whose readings it changes by itself, by their names in the reports: the point, the two of a swap, all of a
    /// report; none for equipment, which everything behind it shows.
    pub points: Vec<String>,
    /// Electric energy that the plant and its air handlers drew more than without this fault, kWh.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub wasted_kwh: Option<f64>,
    /// Heat that was given to air which was cooled at the same time, kWh.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub wasted_heat_kwh: Option<f64>,
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn a_file_is_strict_and_says_what_is_wrong() {
        let list = FaultList::read(
            r#"{"faults": [
                {"kind": "swap", "point": "CHWST", "with": "CHWRT", "start": "2024-07-03T10:00:00"},
                {"kind": "time_shift", "file": "WATER", "size": -3},
                {"kind": "fouling", "machine": "CH-1", "size": 0.15}
            ], "random": 4, "kinds": ["offset"], "sizes": [0.5, 1]}"#,
        );
        let list = list.unwrap();
        assert_eq!((list.faults.len(), list.random, list.sizes), (3, 4, [0.5, 1.0]));
        let again: FaultList = serde_json::from_str(&serde_json::to_string(&list).unwrap()).unwrap();
        assert_eq!(again, list);
        for (bad, says) in [
            (r#"{"fault": []}"#, "unknown field `fault`"),
            (r#"{"faults": [{"kind": "stuck", "machine": "CH-1"}]}"#, "it is of a point"),
            (r#"{"faults": [{"kind": "fouling", "point": "CHWST"}]}"#, "it is of a machine"),
            (r#"{"faults": [{"kind": "swap", "point": "CHWST"}]}"#, "`with` names the other"),
            (r#"{"faults": [{"kind": "broken", "point": "CHWST"}]}"#, "unknown variant `broken`"),
            (r#"{"faults": [{"kind": "offset", "point": "CHWST", "unit": "K"}]}"#, "of nothing else"),
            (r#"{"sizes": [2, 1]}"#, "the smaller one first"),
        ] {
            let said = FaultList::read(bad).unwrap_err();
            assert!(said.contains(says), "{bad}: {said}");
        }
    }

    #[test]
    fn kinds_are_spelt_alike_everywhere() {
        for kind in FaultKind::ALL {
            assert_eq!(serde_json::to_value(kind).unwrap(), kind.name());
        }
    }
}
