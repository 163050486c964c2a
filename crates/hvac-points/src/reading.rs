//! What a name says of a point, word by word: medium, side, machine, quantity, and whether it is a measurement at all.
//!
//! A reading only ever suggests. It knows the name and the unit; what role follows from it, [`crate::identify`] says.

use crate::lexicon::{Condition, Facet, Meaning, current};
use crate::measure::Measure;
use crate::quantity::{Quantity, Unit};
use crate::spelling::{Piece, pieces};

/// What a name is worth that says all.
const SAID: f64 = 0.95;
/// For each word that is not known, up to three.
const UNKNOWN_WORD: f64 = 0.05;

/// What flows past the sensor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Medium {
    /// Between chillers and building.
    ChilledWater,
    /// Between chillers and towers.
    CondenserWater,
    /// Outside air.
    OutsideAir,
    /// Hot water, air of rooms and ducts, refrigerant, oil, steam: of no role here.
    Other,
}

/// Which machine the point belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum MachineKind {
    /// `CH_1`, `CHILLER`.
    Chiller,
    /// `CHP_1`, `CHWP`: primary chilled-water pumps.
    ChwPump,
    /// `SCP`, `ZWP`, `SCHWP`: secondary pumps.
    ScpPump,
    /// `CWP`, `CDWP`.
    CwPump,
    /// `CT_1`, `TOWER`.
    Tower,
    /// Anything else.
    Other,
}

/// What the point is instead of a measurement.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Nature {
    /// A set-point.
    SetPoint,
    /// A command or a mode.
    Command,
    /// An alarm or a fault.
    Alarm,
    /// A limit of something.
    Limit,
    /// The difference of two measurements.
    Difference,
    /// The position of a valve or damper.
    Position,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Side {
    Supply,
    Return,
    Leaving,
    Entering,
}

/// What a name says.
///
/// ```
/// use hvac_points::{MachineKind, Measure, Reading};
///
/// let reading = Reading::of("CHP_01_VFD_OUT");
/// assert_eq!(reading.machine, Some(MachineKind::ChwPump));
/// assert_eq!(reading.measure, Some(Measure::Speed));
/// assert_eq!(reading.machine_name, "CHP_01");
/// ```
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Reading {
    /// What kind of number it is.
    pub measure: Option<Measure>,
    /// What it is instead of a measurement.
    pub nature: Option<Nature>,
    /// What flows past it.
    pub medium: Option<Medium>,
    /// The kind of its machine.
    pub machine: Option<MachineKind>,
    /// Its machine's own name: the name without the words for the signal, joined by `_`; may be empty.
    pub machine_name: String,
    /// Whether it is the whole plant's.
    pub plant: bool,
    /// Whether it is a sum.
    pub total: bool,
    /// Whether it is of cooling or heating rather than of electricity.
    pub thermal: bool,
    /// Units that the name tells, each with its word.
    pub units: Vec<(String, &'static str)>,
    pub(crate) side: Option<Side>,
    pub(crate) water: bool,
    pub(crate) part: Option<Facet>,
    pub(crate) numbered: bool,
    /// Whether one of its words is used differently by different makers.
    pub unsure: bool,
    pub(crate) unknown: usize,
    /// `CHW = chilled water`, one for each word that says something.
    pub(crate) says: Vec<String>,
}

impl Reading {
    /// Reads `name`.
    #[must_use]
    pub fn of(name: &str) -> Self {
        let pieces = pieces(name, current());
        let chosen = choose(&pieces);
        Self::from(&pieces, &chosen)
    }

    /// Other readings of `name`, in each of which one word means something else than in the one that is meant.
    #[must_use]
    pub fn others_of(name: &str) -> Vec<Self> {
        let pieces = pieces(name, current());
        let chosen = choose(&pieces);
        let mut others = Vec::new();
        for (at, piece) in pieces.iter().enumerate() {
            for meaning in piece.word.map_or(&[][..], |word| word.meanings.as_slice()) {
                let mut changed = chosen.clone();
                let Some(slot) = changed.get_mut(at).filter(|slot| **slot != Some(meaning)) else { continue };
                *slot = Some(meaning);
                others.push(Self::from(&pieces, &changed));
            }
        }
        others
    }

    /// How far what is read can be relied on when nothing is left to custom, 0–1: less for each word that is not known.
    #[must_use]
    pub fn confidence(&self) -> f64 {
        SAID - UNKNOWN_WORD * self.unknown.min(3) as f64
    }

    /// The words that say something, each with what it says: `CHW = chilled water, S = supply`.
    #[must_use]
    pub fn evidence(&self) -> String {
        self.says.join(", ")
    }

    /// Whether it names a machine, and no signal of it.
    #[must_use]
    pub fn names_only_a_machine(&self) -> bool {
        self.machine.is_some() && self.measure.is_none() && self.nature.is_none() && self.medium.is_none()
    }

    /// Whether it is set rather than measured: a set-point, a command, a speed, a position, a share.
    #[must_use]
    pub fn is_setting(&self) -> bool {
        let set = matches!(self.nature, Some(Nature::SetPoint | Nature::Command | Nature::Position));
        set || matches!(self.measure, Some(Measure::Speed | Measure::Share))
    }

    /// What it measures that has limits and units of its own; none for set-points and differences of temperatures, for
    /// what a word may or may not say, and where `unit` is no unit of it.
    #[must_use]
    pub fn quantity(&self, unit: Option<&str>) -> Option<Quantity> {
        let outside = self.medium == Some(Medium::OutsideAir);
        let by_unit = unit.and_then(|unit| Measure::of_unit(unit, self.measure, outside));
        let unsaid = self.side.is_some().then_some(Measure::Temperature);
        let quantity = match by_unit.or(self.measure).or(unsaid)? {
            Measure::Temperature | Measure::WetBulb if self.nature.is_some() => None,
            Measure::Temperature if outside => Some(Quantity::AirTemperature),
            // A chiller's temperature may be its oil's.
            Measure::Temperature if self.medium.is_none() && self.side.is_none() => None,
            Measure::Temperature => match self.which_water(self.medium, self.machine)?.0 {
                Medium::ChilledWater => Some(Quantity::ChwTemperature),
                _ => Some(Quantity::CwTemperature),
            },
            Measure::WetBulb => Some(Quantity::WetBulb),
            Measure::Humidity => Some(Quantity::Humidity),
            Measure::Speed => Some(Quantity::Speed),
            Measure::Power => Some(Quantity::Power),
            Measure::Flow => Some(Quantity::Flow),
            Measure::Load => Some(Quantity::Load).filter(|_| unit.is_some() || !self.unsure),
            Measure::Cop => Some(Quantity::Cop),
            Measure::KwPerRt => Some(Quantity::KwPerRt),
            _ => None,
        }?;
        unit.is_none_or(|unit| Unit::of(quantity, unit, String::new()).is_some()).then_some(quantity)
    }

    /// Whose water it is, and how far only custom tells: a chiller's leaving water is chilled, a tower's the condenser's.
    pub(crate) fn which_water(&self, medium: Option<Medium>, machine: Option<MachineKind>) -> Option<(Medium, f64)> {
        let way = matches!(self.side, Some(Side::Leaving | Side::Entering));
        match (medium, self.part, machine) {
            (Some(medium @ (Medium::ChilledWater | Medium::CondenserWater)), ..) => Some((medium, 0.0)),
            (Some(_), ..) => None,
            (None, Some(Facet::Evaporator), _) => Some((Medium::ChilledWater, 0.0)),
            (None, Some(_), _) => Some((Medium::CondenserWater, 0.0)),
            (None, None, Some(MachineKind::Tower)) => Some((Medium::CondenserWater, 0.0)),
            (None, None, Some(MachineKind::CwPump)) => Some((Medium::CondenserWater, 1.0)),
            (None, None, Some(MachineKind::Other)) => None,
            (None, None, Some(_)) => Some((Medium::ChilledWater, 1.0)),
            (None, None, None) => (way && self.water).then_some((Medium::ChilledWater, 1.5)),
        }
    }

    fn from(pieces: &[Piece<'_>], chosen: &[Option<&Meaning>]) -> Self {
        let mut reading = Self::default();
        let mut facets: Vec<Facet> = Vec::new();
        let mut kept: Vec<(usize, String)> = Vec::new();
        for (piece, meaning) in pieces.iter().zip(chosen) {
            let own = meaning.map_or(&[][..], |meaning| meaning.facets.as_slice());
            let is_unit = |facet: &Facet| matches!(facet, Facet::Unit(_));
            if let Some(meaning) = meaning.filter(|meaning| !meaning.facets.iter().all(is_unit)) {
                reading.says.push(format!("{} = {}", piece.text, meaning.says));
            }
            reading.unknown += usize::from(piece.word.is_none() && !piece.number && piece.text.chars().count() > 1);
            reading.units.extend(own.iter().filter_map(|facet| match facet {
                Facet::Unit(unit) => Some((piece.text.clone(), *unit)),
                _ => None,
            }));
            if meaning.is_none() || own.iter().any(|facet| names_a_thing(*facet)) {
                kept.push((piece.token, piece.text.clone()));
            }
            facets.extend(own);
        }
        reading.machine_name = joined(&kept);
        reading.settle(&facets);
        reading.numbered = pieces.iter().any(|piece| piece.number);
        reading
    }

    fn settle(&mut self, facets: &[Facet]) {
        let has = |facet: Facet| facets.contains(&facet);
        let first = |pairs: &[(Facet, MachineKind)]| pairs.iter().find(|(f, _)| has(*f)).map(|(_, kind)| *kind);
        self.plant = has(Facet::Plant);
        self.total = has(Facet::Total);
        self.thermal = has(Facet::Thermal) || has(Facet::Heating);
        self.unsure = has(Facet::Unsure);
        self.water = has(Facet::Water);
        self.part = [Facet::Evaporator, Facet::Condenser].into_iter().find(|part| has(*part));
        self.side = facets.iter().find_map(|facet| match facet {
            Facet::Supply => Some(Side::Supply),
            Facet::Return => Some(Side::Return),
            Facet::Leaving => Some(Side::Leaving),
            Facet::Entering => Some(Side::Entering),
            _ => None,
        });
        self.machine = first(&[
            (Facet::SecondaryPump, MachineKind::ScpPump),
            (Facet::CwPump, MachineKind::CwPump),
            (Facet::ChwPump, MachineKind::ChwPump),
            (Facet::Tower, MachineKind::Tower),
            (Facet::OtherMachine, MachineKind::Other),
            (Facet::Chiller, MachineKind::Chiller),
            (Facet::Fan, MachineKind::Other),
            (Facet::Pump, MachineKind::Other),
        ]);
        if has(Facet::Pump) && matches!(self.machine, Some(MachineKind::Other | MachineKind::Chiller)) {
            self.machine = Some(match () {
                () if has(Facet::CondenserWater) || has(Facet::Condenser) => MachineKind::CwPump,
                () if has(Facet::Secondary) && !has(Facet::HotWater) => MachineKind::ScpPump,
                () if has(Facet::ChilledWater) || has(Facet::Evaporator) => MachineKind::ChwPump,
                () => MachineKind::Other,
            });
        }
        if self.machine == Some(MachineKind::ChwPump) && has(Facet::Secondary) {
            self.machine = Some(MachineKind::ScpPump);
        }
        self.medium = match () {
            () if has(Facet::OtherFluid) || has(Facet::HotWater) || has(Facet::Heating) => Some(Medium::Other),
            () if has(Facet::ChilledWater) => Some(Medium::ChilledWater),
            () if has(Facet::CondenserWater) => Some(Medium::CondenserWater),
            () if has(Facet::OtherAir) && !has(Facet::Water) => Some(Medium::Other),
            () if has(Facet::OutsideAir) && !has(Facet::Water) => Some(Medium::OutsideAir),
            () => None,
        };
        self.nature = facets.iter().find_map(|facet| match facet {
            Facet::SetPoint => Some(Nature::SetPoint),
            Facet::Alarm => Some(Nature::Alarm),
            Facet::Limit => Some(Nature::Limit),
            Facet::Difference => Some(Nature::Difference),
            Facet::Position => Some(Nature::Position),
            _ => None,
        });
        self.nature = self.nature.or(has(Facet::Command).then_some(Nature::Command));
        self.measure = measure(&has, self.thermal);
    }
}

/// The measure among several words for one: `Wet bulb temperature` is a wet-bulb, `CHW_PLANT_COOLING_KW` a load.
fn measure(has: &dyn Fn(Facet) -> bool, thermal: bool) -> Option<Measure> {
    let found = [
        (Facet::OtherQuantity, Measure::Other),
        (Facet::WetBulb, Measure::WetBulb),
        (Facet::Humidity, Measure::Humidity),
        (Facet::Cop, Measure::Cop),
        (Facet::KwPerRt, Measure::KwPerRt),
        (Facet::Current, Measure::Current),
        (Facet::Energy, Measure::Energy),
        (Facet::State, Measure::State),
        (Facet::Speed, Measure::Speed),
        (Facet::Pressure, Measure::Pressure),
        (Facet::Flow, Measure::Flow),
        (Facet::Load, Measure::Load),
        (Facet::Power, Measure::Power),
        (Facet::Temperature, Measure::Temperature),
        (Facet::Share, Measure::Share),
        (Facet::Drive, Measure::Speed),
    ];
    let found = found.iter().find(|(facet, _)| has(*facet)).map(|(_, measure)| *measure);
    match found {
        Some(Measure::Load) if has(Facet::Share) => Some(Measure::Other),
        Some(Measure::Power) if has(Facet::Share) => Some(Measure::Share),
        Some(Measure::Share) if has(Facet::Drive) => Some(Measure::Speed),
        Some(Measure::Power | Measure::Energy) if thermal => Some(Measure::Load),
        found => found,
    }
}

/// Whether a word that says this belongs to a thing's own name, and not to its signal's.
fn names_a_thing(facet: Facet) -> bool {
    let of_signal = facet.is_quantity() && !matches!(facet, Facet::Temperature | Facet::Pressure | Facet::Flow);
    let nature = matches!(facet, Facet::Command | Facet::Alarm | Facet::Fan | Facet::Unsure | Facet::Unit(_));
    !of_signal && !nature
}

/// The kept pieces: those of one token together, tokens joined by `_`.
fn joined(kept: &[(usize, String)]) -> String {
    let mut name = String::new();
    let mut before = None;
    for (token, text) in kept {
        if before.is_some_and(|before| before != *token) {
            name.push('_');
        }
        name.push_str(text);
        before = Some(*token);
    }
    name
}

/// The meaning of each piece: the first whose place is here.
fn choose<'l>(pieces: &[Piece<'l>]) -> Vec<Option<&'l Meaning>> {
    let always = |piece: &Piece<'l>| {
        let word = piece.word?;
        word.meanings.first().filter(|meaning| meaning.conditions.is_empty())
    };
    let said: Vec<&[Facet]> =
        pieces.iter().map(|piece| always(piece).map_or(&[][..], |meaning| meaning.facets.as_slice())).collect();
    let last = pieces.iter().rposition(|piece| !piece.number);
    let holds = |at: usize, condition: &Condition| {
        let others = |is: fn(Facet) -> bool| {
            said.iter().enumerate().any(|(other, facets)| other != at && facets.iter().any(|facet| is(*facet)))
        };
        match condition {
            Condition::Water(wanted) => others(Facet::is_water) == *wanted,
            Condition::Machine(wanted) => others(Facet::is_machine) == *wanted,
            Condition::Quantity(wanted) => others(Facet::is_quantity) == *wanted,
            Condition::Part => others(Facet::is_part),
            Condition::Last => last == Some(at),
        }
    };
    let meaning = |(at, piece): (usize, &Piece<'l>)| {
        piece.word?.meanings.iter().find(|meaning| meaning.conditions.iter().all(|condition| holds(at, condition)))
    };
    pieces.iter().enumerate().map(meaning).collect()
}
