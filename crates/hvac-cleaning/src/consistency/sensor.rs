//! What a point is for a comparison with others: what it measures, of which machine, in which unit.

use hvac_points::physics::KW_PER_RT;
use hvac_points::{MachineKind, Measure, Quantity, Reading, Role, Unit, identify};

/// Confidence from which on a name tells what a point is.
const SURE: f64 = 0.6;

/// What a point measures, by its name and unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Tag {
    /// Its part in a plant.
    pub(crate) role: Role,
    /// The kind of its machine; none for headers, the plant and the weather.
    pub(crate) machine: Option<MachineKind>,
    /// The number of its machine; none where there is one alone.
    pub(crate) number: Option<u32>,
}

impl Tag {
    /// The tag of a point; none when its name does not tell it, or when it is set and not measured.
    #[must_use]
    pub(crate) fn of(name: &str, unit: Option<&str>) -> Option<Self> {
        let reading = Reading::of(name);
        if reading.nature.is_some() {
            return None;
        }
        // Of an air handler only the fan's power is compared.
        if reading.machine == Some(MachineKind::Other)
            && reading.measure == Some(Measure::Power)
            && is_air_handler(name)
        {
            return Some(Self { role: Role::Power, machine: reading.machine, number: number(name) });
        }
        let found = identify(name, unit, &[]).into_iter().next().filter(|found| found.confidence >= SURE)?;
        let of_plant = found.role == Role::Power && (found.plant || reading.total) && !found.numbered;
        if found.role == Role::Load && reading.measure == Some(Measure::Share) {
            return None;
        }
        let machine = found.machine.filter(|_| !of_plant);
        if found.role == Role::Power && machine.is_none() && !of_plant {
            return None;
        }
        Some(Self { role: found.role, machine, number: number(name).filter(|_| found.numbered) })
    }

    /// Whether its errors are constants in K; those of others are shares of the reading.
    #[must_use]
    pub(crate) fn is_temperature(self) -> bool {
        use Role::{ChwReturnTemp, ChwSupplyTemp, CwReturnTemp, CwSupplyTemp, DryBulb, WetBulb};
        matches!(self.role, ChwSupplyTemp | ChwReturnTemp | CwSupplyTemp | CwReturnTemp | DryBulb | WetBulb)
    }

    /// Whether a sensor of it can be wrong: speeds and states are what was commanded.
    #[must_use]
    pub(crate) fn is_sensor(self) -> bool {
        self.is_temperature()
            || matches!(self.role, Role::ChwFlow | Role::CwFlow | Role::Load | Role::Power | Role::Humidity)
    }

    /// The other temperature of its loop.
    #[must_use]
    pub(crate) fn across(self) -> Option<Self> {
        let role = match self.role {
            Role::ChwSupplyTemp => Role::ChwReturnTemp,
            Role::ChwReturnTemp => Role::ChwSupplyTemp,
            Role::CwSupplyTemp => Role::CwReturnTemp,
            Role::CwReturnTemp => Role::CwSupplyTemp,
            _ => return None,
        };
        Some(Self { role, ..self })
    }
}

/// Whether a name begins with an air handler's: `AH01.KW`, `AHU 1 Fan Power`.
fn is_air_handler(name: &str) -> bool {
    let first = name.split(|c: char| !c.is_alphabetic()).next();
    first.is_some_and(|word| ["AH", "AHU"].iter().any(|known| word.eq_ignore_ascii_case(known)))
}

/// The first whole number in a name.
fn number(name: &str) -> Option<u32> {
    let digits = name.split(|c: char| !c.is_ascii_digit()).find(|digits| !digits.is_empty())?;
    digits.parse().ok()
}

/// A point with its values.
#[derive(Debug, Clone)]
pub(crate) struct Sensor<'a> {
    /// Its column.
    pub(crate) name: &'a str,
    /// What it is.
    pub(crate) tag: Tag,
    /// What its unit is of, and the unit that it is said to have; none for states and shares.
    pub(crate) unit: Option<(Quantity, &'a Unit)>,
    /// Whether only its values told the unit.
    pub(crate) unit_by_values: bool,
    /// One a row, NaN without one, as recorded.
    pub(crate) values: &'a [f64],
    /// The interval at which it is recorded, ms.
    pub(crate) interval_ms: f64,
}

impl Sensor<'_> {
    /// A recorded value as it is compared: °C, L/min, kW (of heat too), Hz, %.
    #[must_use]
    pub(crate) fn compared(&self, recorded: f64) -> f64 {
        match self.unit {
            Some((Quantity::Load, unit)) => unit.convert(recorded) * KW_PER_RT,
            Some((_, unit)) => unit.convert(recorded),
            None => recorded,
        }
    }

    /// The recorded value of a compared one.
    #[must_use]
    pub(crate) fn recorded(&self, compared: f64) -> f64 {
        match self.unit {
            Some((Quantity::Load, unit)) => unit.invert(compared / KW_PER_RT),
            Some((_, unit)) => unit.invert(compared),
            None => compared,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_tell_what_is_compared() {
        let tag = |name: &str| Tag::of(name, None);
        let some = |role, machine, number| Some(Tag { role, machine, number });
        assert_eq!(tag("CHWST"), some(Role::ChwSupplyTemp, None, None));
        assert_eq!(tag("CH-2.CWRT"), some(Role::CwReturnTemp, Some(MachineKind::Chiller), Some(2)));
        assert_eq!(tag("Chiller 3 CHW Flow"), some(Role::ChwFlow, Some(MachineKind::Chiller), Some(3)));
        assert_eq!(tag("CH.SYS.TOTAL.KW"), some(Role::Power, None, None));
        assert_eq!(tag("kW_Tot"), some(Role::Power, None, None));
        assert_eq!(tag("CHP1_POWER"), some(Role::Power, Some(MachineKind::ChwPump), Some(1)));
        assert_eq!(tag("AH01.KW"), some(Role::Power, Some(MachineKind::Other), Some(1)));
        for set in ["CHWST.SP", "DeltaCHW", "BH01.KW", "AH0101 T", "CH-1.LOAD"] {
            assert_eq!(tag(set), None, "{set}");
        }
    }
}
