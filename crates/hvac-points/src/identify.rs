//! The role that a point plays, from what its name says, its unit and its values.
//!
//! | confidence | means |
//! |---|---|
//! | ≥ 0.8 | the name says all that the role needs, or custom leaves only the quantity open (`CHWS`) |
//! | 0.5–0.8 | one thing is left to custom: whose water (`GPM`, `CH_1_SUPPLY`), which air (`RH`), which machine |
//! | < 0.5 | a guess: a word that makers use differently, strange words beside it, or unit or values speak against it |
//!
//! Below 0.5 nothing should be done that nobody asked for.

use crate::measure::Measure;
use crate::quantity::{Quantity, Unit};
use crate::reading::{MachineKind, Medium, Nature, Reading, Side};
use crate::units;

/// What is taken off for each thing that only custom says.
const BY_CUSTOM: f64 = 0.2;
/// For a quantity that only custom says: `CHWS` is hardly ever anything but a temperature.
const QUANTITY_BY_CUSTOM: f64 = 0.1;
/// Factor for a word that is used differently.
const UNSURE: f64 = 0.6;
/// Factor when unit or values speak against it.
const CONTRADICTED: f64 = 0.4;
/// Factor for what a word means elsewhere.
const OTHER_READING: f64 = 0.4;
/// Highest speed of a machine on the mains, Hz.
const MOST_HZ: f64 = 65.0;

/// A part that a point plays in a plant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    /// Cooling load.
    Load,
    /// Chilled water leaving the chillers.
    ChwSupplyTemp,
    /// Chilled water coming back.
    ChwReturnTemp,
    /// Chilled-water flow.
    ChwFlow,
    /// Pressure of the chilled water, mostly a difference.
    ChwPressure,
    /// Condenser water entering the chillers.
    CwSupplyTemp,
    /// Condenser water leaving the chillers.
    CwReturnTemp,
    /// Condenser-water flow.
    CwFlow,
    /// Pressure of the condenser water.
    CwPressure,
    /// Outside dry-bulb.
    DryBulb,
    /// Outside relative humidity.
    Humidity,
    /// Outside wet-bulb.
    WetBulb,
    /// Speed of a machine.
    Speed,
    /// Whether a machine runs.
    Running,
    /// Electric power of a machine or of the plant.
    Power,
    /// Electric energy of a machine or of the plant.
    Energy,
    /// Electric current of a machine.
    Current,
    /// Power by cooling, or cooling by power.
    Efficiency,
}

impl Role {
    /// As lists and messages spell it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Load => "load",
            Self::ChwSupplyTemp => "chw_supply_temp",
            Self::ChwReturnTemp => "chw_return_temp",
            Self::ChwFlow => "chw_flow",
            Self::ChwPressure => "chw_pressure",
            Self::CwSupplyTemp => "cw_supply_temp",
            Self::CwReturnTemp => "cw_return_temp",
            Self::CwFlow => "cw_flow",
            Self::CwPressure => "cw_pressure",
            Self::DryBulb => "dry_bulb",
            Self::Humidity => "humidity",
            Self::WetBulb => "wet_bulb",
            Self::Speed => "speed",
            Self::Running => "running",
            Self::Power => "power",
            Self::Energy => "energy",
            Self::Current => "current",
            Self::Efficiency => "efficiency",
        }
    }

    fn quantity(self) -> Option<Quantity> {
        match self {
            Self::ChwSupplyTemp | Self::ChwReturnTemp => Some(Quantity::ChwTemperature),
            Self::CwSupplyTemp | Self::CwReturnTemp => Some(Quantity::CwTemperature),
            Self::DryBulb => Some(Quantity::AirTemperature),
            Self::WetBulb => Some(Quantity::WetBulb),
            _ => None,
        }
    }
}

/// What else is known of a point, such as its place in a mapping: its machine, whatever the name says, and the rest where
/// the name does not say it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Hint {
    /// What flows past it.
    pub medium: Option<Medium>,
    /// The kind of its machine.
    pub machine: Option<MachineKind>,
    /// What kind of number it is.
    pub measure: Option<Measure>,
}

/// A role that a point may play.
#[derive(Debug, Clone, PartialEq)]
pub struct Candidate {
    /// The part.
    pub role: Role,
    /// The kind of its machine, where the name says one.
    pub machine: Option<MachineKind>,
    /// Whether it is the whole plant's.
    pub plant: bool,
    /// Whether its name has a number: it is one of several.
    pub numbered: bool,
    /// 0–1, see above.
    pub confidence: f64,
    /// In words: `CHW = chilled water, S = supply`.
    pub evidence: String,
}

/// The roles that a point may play, best first; none when nothing tells of any. `values` may be empty.
///
/// ```
/// use hvac_points::{Role, identify};
///
/// let found = identify("CHW_S_T", Some("°C"), &[6.9, 7.0, 7.2]);
/// assert_eq!(found[0].role, Role::ChwSupplyTemp);
/// assert!(found[0].confidence > 0.9);
/// assert_eq!(found[0].evidence, "CHW = chilled water, S = supply, T = temperature; °C fits; its values fit");
/// assert!(identify("CHW_S_T_SP", None, &[]).is_empty());
/// ```
#[must_use]
pub fn identify(name: &str, unit: Option<&str>, values: &[f64]) -> Vec<Candidate> {
    identify_with(Hint::default(), name, unit, values)
}

/// As [`identify`], with what else is known.
#[must_use]
pub fn identify_with(hint: Hint, name: &str, unit: Option<&str>, values: &[f64]) -> Vec<Candidate> {
    let seen = Seen::of(unit, values);
    let mut found: Vec<Candidate> = judge(&Reading::of(name), hint, &seen).into_iter().collect();
    for other in &Reading::others_of(name) {
        let Some(mut other) = judge(other, hint, &seen) else { continue };
        other.confidence = rounded(other.confidence * OTHER_READING);
        if !found.iter().any(|better| better.role == other.role) {
            found.push(other);
        }
    }
    found.sort_by(|a, b| b.confidence.total_cmp(&a.confidence));
    found
}

/// What unit and values say.
struct Seen {
    unit: Option<&'static str>,
    limits: Option<(f64, f64)>,
    median: Option<f64>,
    two_valued: bool,
}

impl Seen {
    fn of(unit: Option<&str>, values: &[f64]) -> Self {
        let mut finite: Vec<f64> = values.iter().copied().filter(|value| value.is_finite()).collect();
        finite.sort_by(f64::total_cmp);
        let two_valued = !finite.is_empty() && finite.iter().all(|value| *value == 0.0 || *value == 1.0);
        Self {
            unit: unit.and_then(units::known),
            limits: finite.first().copied().zip(finite.last().copied()),
            median: finite.get(finite.len() / 2).copied(),
            two_valued,
        }
    }

    fn within(&self, low: f64, high: f64) -> bool {
        self.limits.is_none_or(|(least, most)| least >= low && most <= high)
    }
}

/// A role on the way to its confidence.
struct Verdict {
    role: Role,
    machine: Option<MachineKind>,
    /// Taken off for what only custom says.
    by_custom: f64,
}

fn judge(reading: &Reading, hint: Hint, seen: &Seen) -> Option<Candidate> {
    let blocked = match reading.nature {
        Some(Nature::Command) => reading.measure != Some(Measure::Speed),
        nature => nature.is_some(),
    };
    if blocked {
        return None;
    }
    let medium = reading.medium.or(hint.medium);
    let machine = hint.machine.or(reading.machine);
    let outside = medium == Some(Medium::OutsideAir);
    let by_unit = seen.unit.and_then(|unit| Measure::of_unit(unit, reading.measure, outside));
    let contradicted = matches!((reading.measure, by_unit), (Some(said), Some(unit)) if !said.may_be(unit));
    let measure = if contradicted { reading.measure } else { by_unit.or(reading.measure) };
    let said = Said { reading, medium, machine, measure: measure.or(hint.measure) };
    let mut verdict = said.verdict(seen)?;
    if reading.nature == Some(Nature::Command) {
        verdict.by_custom += BY_CUSTOM;
    }
    let mut confidence = reading.confidence() - verdict.by_custom;
    let mut evidence = reading.evidence();
    let mut add = |text: String| {
        if !evidence.is_empty() {
            evidence.push_str("; ");
        }
        evidence.push_str(&text);
    };
    if reading.unsure && seen.unit != Some("RT") {
        confidence *= UNSURE;
    }
    if let Some(unit) = seen.unit.filter(|unit| !unit.is_empty()) {
        add(format!("{unit} {}", if contradicted { "does not fit" } else { "fits" }));
    }
    if contradicted {
        confidence *= CONTRADICTED;
    } else if by_unit.is_some() {
        confidence += 0.02;
    }
    match fits(verdict.role, seen) {
        Some(true) => {
            confidence += 0.02;
            add("its values fit".to_owned());
        }
        Some(false) => {
            confidence *= CONTRADICTED;
            add("its values do not fit".to_owned());
        }
        None => {}
    }
    Some(Candidate {
        role: verdict.role,
        machine: verdict.machine,
        plant: reading.plant || reading.total,
        numbered: reading.numbered,
        confidence: rounded(confidence.clamp(0.0, 0.99)),
        evidence,
    })
}

fn rounded(confidence: f64) -> f64 {
    (confidence * 100.0).round() / 100.0
}

/// Whether values can be those of a role; none without values, or where any could be.
fn fits(role: Role, seen: &Seen) -> Option<bool> {
    let median = seen.median?;
    match role {
        Role::Running => Some(seen.two_valued),
        _ if seen.two_valued && seen.limits != Some((0.0, 0.0)) => Some(false),
        Role::Humidity => Some(seen.within(-1.0, 110.0)),
        Role::Speed if seen.unit.is_none_or(|unit| unit == "Hz") => Some(seen.within(-1.0, MOST_HZ)),
        _ => {
            let quantity = role.quantity()?;
            let possible = |unit: &str| {
                Unit::of(quantity, unit, String::new()).is_some_and(|u| quantity.may_be(u.convert(median)))
            };
            Some(match seen.unit {
                Some(unit @ ("°C" | "°F" | "K")) => possible(unit),
                _ => possible("°C") || possible("°F"),
            })
        }
    }
}

/// What a reading says, with what a hint fills in.
struct Said<'r> {
    reading: &'r Reading,
    medium: Option<Medium>,
    machine: Option<MachineKind>,
    measure: Option<Measure>,
}

impl Said<'_> {
    fn verdict(&self, seen: &Seen) -> Option<Verdict> {
        let own = |role, by_custom| Some(Verdict { role, machine: self.machine, by_custom });
        let sided = self.reading.side.is_some();
        match self.measure {
            Some(Measure::Temperature) => self.temperature(0.0),
            Some(Measure::WetBulb) => self.outside(Role::WetBulb, 0.0),
            Some(Measure::Humidity) => self.outside(Role::Humidity, BY_CUSTOM),
            Some(Measure::Flow) => self.water(Role::ChwFlow, Role::CwFlow),
            Some(Measure::Pressure) => self.pressure(),
            Some(Measure::Load) => self.load(seen),
            Some(Measure::Speed) if self.of_a_plant_machine() && self.machine != Some(MachineKind::Chiller) => {
                own(Role::Speed, 0.0)
            }
            Some(Measure::State) if self.of_a_plant_machine() => own(Role::Running, 0.0),
            Some(Measure::Power) => self.electric(Role::Power),
            Some(Measure::Energy) => self.electric(Role::Energy),
            Some(Measure::Current) => self.electric(Role::Current),
            Some(Measure::KwPerRt | Measure::Cop) => self.electric(Role::Efficiency),
            None if sided && (self.medium.is_some() || self.machine.is_some()) => self.temperature(QUANTITY_BY_CUSTOM),
            None if self.of_a_plant_machine() && self.medium.is_none() => match seen.limits? {
                _ if seen.two_valued => own(Role::Running, BY_CUSTOM),
                (least, most) if least >= 0.0 && most <= MOST_HZ && self.machine != Some(MachineKind::Chiller) => {
                    own(Role::Speed, 2.0 * BY_CUSTOM)
                }
                _ => None,
            },
            _ => None,
        }
    }

    fn of_a_plant_machine(&self) -> bool {
        self.machine.is_some_and(|kind| kind != MachineKind::Other)
    }

    fn which_water(&self) -> Option<(Medium, f64)> {
        let (water, by_custom) = self.reading.which_water(self.medium, self.machine)?;
        Some((water, by_custom * BY_CUSTOM))
    }

    fn temperature(&self, by_custom: f64) -> Option<Verdict> {
        let reading = self.reading;
        let Some(side) = reading.side else {
            return self.air(by_custom);
        };
        if self.medium == Some(Medium::OutsideAir) {
            return self.air(by_custom);
        }
        let (water, open) = self.which_water()?;
        let tower = self.machine == Some(MachineKind::Tower);
        let supply = match (water, side) {
            (_, Side::Supply) => true,
            (_, Side::Return) => false,
            (Medium::CondenserWater, Side::Entering) => !tower,
            (Medium::CondenserWater, Side::Leaving) => tower,
            (_, side) => side == Side::Leaving,
        };
        let role = match (water, supply) {
            (Medium::CondenserWater, true) => Role::CwSupplyTemp,
            (Medium::CondenserWater, false) => Role::CwReturnTemp,
            (_, true) => Role::ChwSupplyTemp,
            (_, false) => Role::ChwReturnTemp,
        };
        Some(Verdict { role, machine: self.machine, by_custom: by_custom + open })
    }

    /// Outside air; a temperature of which nothing else is said is mostly a weather station's.
    fn air(&self, by_custom: f64) -> Option<Verdict> {
        let nothing_else = self.reading.says.len() <= 1 && self.reading.unknown == 0 && self.machine.is_none();
        match self.medium {
            Some(Medium::OutsideAir) => Some(Verdict { role: Role::DryBulb, machine: None, by_custom }),
            None if nothing_else => Some(Verdict { role: Role::DryBulb, machine: None, by_custom: 2.0 * BY_CUSTOM }),
            _ => None,
        }
    }

    fn outside(&self, role: Role, by_custom: f64) -> Option<Verdict> {
        match self.medium {
            Some(Medium::OutsideAir) => Some(Verdict { role, machine: None, by_custom: 0.0 }),
            None if self.machine.is_none() => Some(Verdict { role, machine: None, by_custom }),
            _ => None,
        }
    }

    fn water(&self, chilled: Role, condenser: Role) -> Option<Verdict> {
        let bare = self.medium.is_none() && self.machine.is_none() && self.reading.part.is_none();
        let (water, open) = match self.which_water() {
            None if bare && self.reading.unknown == 0 => (Medium::ChilledWater, 1.5 * BY_CUSTOM),
            found => found?,
        };
        let role = if water == Medium::ChilledWater { chilled } else { condenser };
        Some(Verdict { role, machine: self.machine, by_custom: open })
    }

    /// Of water; without a word for it, a condenser's or an evaporator's pressure is the refrigerant's, and a pump's is
    /// not the system's.
    fn pressure(&self) -> Option<Verdict> {
        let verdict = |role, by_custom| Some(Verdict { role, machine: self.machine, by_custom });
        match self.medium {
            Some(Medium::ChilledWater) => verdict(Role::ChwPressure, 0.0),
            Some(Medium::CondenserWater) => verdict(Role::CwPressure, 0.0),
            None if self.reading.water => verdict(Role::ChwPressure, 1.5 * BY_CUSTOM),
            _ => None,
        }
    }

    /// Of the plant or a chiller; a mere `LOAD` may as well be a share, or electric.
    fn load(&self, seen: &Seen) -> Option<Verdict> {
        let other = matches!(self.machine, Some(MachineKind::Other | MachineKind::Tower))
            || matches!(self.medium, Some(Medium::Other | Medium::OutsideAir));
        let by_custom = if self.reading.unsure && seen.unit != Some("RT") { BY_CUSTOM } else { 0.0 };
        (!other).then_some(Verdict { role: Role::Load, machine: self.machine, by_custom })
    }

    /// Of a machine of the plant, of the plant, or – by custom – of nobody else.
    fn electric(&self, role: Role) -> Option<Verdict> {
        let of_plant = self.reading.plant || self.reading.total;
        let by_custom = if self.of_a_plant_machine() || of_plant || role == Role::Efficiency { 0.0 } else { BY_CUSTOM };
        let other = self.machine == Some(MachineKind::Other) || self.medium == Some(Medium::Other);
        (!other || of_plant && self.machine.is_none()).then_some(Verdict { role, machine: self.machine, by_custom })
    }
}
