//! Machines, found by the names of their points, and whether they run.
//!
//! `CH-1.S` and `CH-1.KW` are state and power of the machine `CH_1`; `Hz_ CHP` and `kW_CHP` speed and power of
//! `CHP`. A machine runs when its state says so, else when its speed is above standing, else when it draws
//! power. What cannot be told is "unknown", never "on": see [`Hold`] for how long a record counts.

use std::collections::BTreeMap;

use super::hold::Hold;
use super::parameters::{Roles, Thresholds};
use super::quantity::{Quantity, quantity_of};
use super::roles::{self, Role, RoleColumns};
use super::sampling::UsualSpan;
use hvac_frame::column::{ColumnMeta, Kind};
use hvac_points::{MachineKind, Measure, Reading};

/// Whether something runs, row by row.
pub(crate) type Running = Vec<MachineState>;

/// Whether it runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum MachineState {
    /// Cannot be told.
    Unknown,
    /// Stands.
    Off,
    /// Runs.
    On,
}

/// How one column tells whether its machine runs.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Sign {
    /// Index of the column.
    pub(crate) column: usize,
    /// It runs while the value is above this.
    pub(crate) above: f64,
    /// The value has a floor of its own while it stands: the standby power of a drive, the offset of a flow meter.
    pub(crate) has_floor: bool,
}

impl Sign {
    /// Of a state or speed.
    fn plain(column: usize, above: f64) -> Self {
        Self { column, above, has_floor: false }
    }

    /// Of a power or flow.
    fn metered(column: usize, above: f64) -> Self {
        Self { column, above, has_floor: true }
    }

    /// What a value must be above among all of the column's: a tenth of the way up from its floor, where it has one
    /// that lies far below its usual highest value.
    fn limit(&self, values: &[f64]) -> f64 {
        match UsualSpan::of(values).filter(|_| self.has_floor) {
            Some(UsualSpan { low, high }) if high > FLOOR_BELOW * low.max(self.above) => {
                self.above.max(low + 0.1 * (high - low))
            }
            _ => self.above,
        }
    }
}

/// A floor lies so many times below the usual highest value.
const FLOOR_BELOW: f64 = 3.0;

/// One machine's points.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Machine {
    /// Such as `CHP_01`.
    pub(crate) name: String,
    /// What it is.
    pub(crate) kind: MachineKind,
    /// The column that says best whether it runs.
    pub(crate) sign: Option<Sign>,
    /// Columns of its state.
    pub(crate) states: Vec<usize>,
    /// Columns of its speed.
    pub(crate) speeds: Vec<usize>,
    /// Columns of its electric power.
    pub(crate) powers: Vec<usize>,
}

/// What says that a sensor has something to measure.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Driver {
    /// A column that the user named.
    Stated(Sign, String),
    /// Its machine, by index.
    Machine(usize),
    /// Any chiller, else any chilled-water pump, else the flow.
    Plant,
    /// The weather, which never stands still.
    Weather,
    /// Only its own value: 0 stands.
    Itself,
    /// Nothing that could be found.
    Unknown,
}

/// What says that a value should move.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Knowledge {
    /// It always does: the weather.
    Moves,
    /// Its equipment runs, where its state says so.
    Runs,
    /// Its own value, above its floor.
    Itself,
    /// Nothing.
    Nothing,
}

/// The machines of a plant.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Machines {
    /// By name.
    pub(crate) all: Vec<Machine>,
    /// What says that the plant runs, in words, and by which signs: any of them.
    pub(crate) plant: Vec<Sign>,
    /// Names of what makes the plant run, for messages.
    pub(crate) plant_words: String,
}

impl Driver {
    /// What it says of when a value should move.
    #[must_use]
    pub(crate) fn known(&self) -> Knowledge {
        match self {
            Self::Weather => Knowledge::Moves,
            Self::Stated(..) | Self::Machine(_) | Self::Plant => Knowledge::Runs,
            Self::Itself => Knowledge::Itself,
            Self::Unknown => Knowledge::Nothing,
        }
    }
}

impl Machines {
    /// Finds them.
    #[must_use]
    pub(crate) fn find(columns: &[ColumnMeta], roles: &BTreeMap<Role, RoleColumns>, thresholds: &Thresholds) -> Self {
        let mut by_name: BTreeMap<String, Machine> = BTreeMap::new();
        for (index, column) in columns.iter().enumerate() {
            let reading = Reading::of(&column.original_name);
            let signal = Signal::of(column, &reading);
            if let (Some(signal), false) = (signal, reading.machine_name.is_empty() || reading.plant || reading.total) {
                let kind = match reading.machine {
                    Some(MachineKind::ScpPump) => MachineKind::ChwPump,
                    kind => kind.unwrap_or(MachineKind::Other),
                };
                let machine = by_name.entry(reading.machine_name).or_insert_with_key(|name| Machine {
                    name: name.clone(),
                    kind,
                    sign: None,
                    states: Vec::new(),
                    speeds: Vec::new(),
                    powers: Vec::new(),
                });
                match signal {
                    Signal::MachineState => machine.states.push(index),
                    Signal::Speed => machine.speeds.push(index),
                    Signal::Power => machine.powers.push(index),
                }
            }
        }
        let mut machines = Self { all: by_name.into_values().collect(), ..Self::default() };
        for machine in &mut machines.all {
            let first = |columns: &[usize]| columns.first().copied();
            machine.sign = (first(&machine.states).map(|column| Sign::plain(column, 0.5)))
                .or_else(|| first(&machine.speeds).map(|column| Sign::plain(column, thresholds.running_speed)))
                .or_else(|| first(&machine.powers).map(|column| Sign::metered(column, thresholds.running_kw)));
        }
        machines.settle_plant(roles, columns);
        machines
    }

    fn settle_plant(&mut self, roles: &BTreeMap<Role, RoleColumns>, columns: &[ColumnMeta]) {
        for (kind, by_state) in
            [(MachineKind::Chiller, true), (MachineKind::Chiller, false), (MachineKind::ChwPump, false)]
        {
            let found = self.all.iter().filter(|m| m.kind == kind && (!by_state || !m.states.is_empty()));
            let (names, signs): (Vec<&str>, Vec<Sign>) = found.filter_map(|m| Some((m.name.as_str(), m.sign?))).unzip();
            if !signs.is_empty() {
                (self.plant_words, self.plant) = (any_of(&names), signs);
                return;
            }
        }
        let flow = roles.get(&Role::Flow).map_or(&[][..], |chosen| &chosen.columns);
        self.plant = flow.iter().map(|column| Sign::metered(*column, 0.0)).collect();
        let names = flow.iter().filter_map(|index| columns.get(*index)).map(|column| column.name.as_str());
        self.plant_words = names.collect::<Vec<_>>().join(" or ");
    }

    /// What drives the column with that index.
    #[must_use]
    pub(crate) fn driver(
        &self,
        index: usize,
        columns: &[ColumnMeta],
        chosen: &BTreeMap<Role, RoleColumns>,
        roles: &Roles,
        thresholds: &Thresholds,
    ) -> Driver {
        let Some(column) = columns.get(index) else { return Driver::Unknown };
        let stated = roles.runs_with.get(&column.name).or_else(|| roles.runs_with.get(&column.original_name));
        if let Some(sign) = stated.and_then(|name| sign_of(name, columns, thresholds)) {
            let name = columns.get(sign.column).map_or(String::new(), |c| c.name.clone());
            return Driver::Stated(sign, name);
        }
        let plays = |role: Role| chosen.get(&role).is_some_and(|c| c.columns.contains(&index));
        let reading = Reading::of(&column.original_name);
        let quantity = quantity_of(column);
        let outside = [Role::DryBulb, Role::Humidity, Role::WetBulb].into_iter().any(plays)
            || matches!(quantity, Some(Quantity::AirTemperature | Quantity::WetBulb));
        if outside {
            return Driver::Weather;
        }
        let parts = |name: &str| name.split('_').map(str::to_owned).collect::<Vec<_>>();
        let own = parts(&reading.machine_name);
        let belongs = self.all.iter().enumerate().filter(|(_, machine)| {
            own.starts_with(&parts(&machine.name)) && machine.sign.is_some_and(|sign| sign.column != index)
        });
        if let Some((machine, _)) = belongs.max_by_key(|(_, machine)| machine.name.len()) {
            return Driver::Machine(machine);
        }
        // A numbered point is of one machine or loop of several: the plant may run without it.
        let numbered = reading.machine_name.chars().any(|c| c.is_ascii_digit());
        let of_plant = Role::ALL.into_iter().any(plays)
            || !numbered
                && matches!(
                    quantity,
                    Some(
                        Quantity::ChwTemperature
                            | Quantity::CwTemperature
                            | Quantity::Load
                            | Quantity::KwPerRt
                            | Quantity::Cop
                    )
                )
            || ((reading.plant || reading.total) && quantity == Some(Quantity::Power));
        if of_plant && !self.plant.is_empty() {
            Driver::Plant
        } else if matches!(quantity, Some(Quantity::Power | Quantity::Flow | Quantity::Load | Quantity::Speed)) {
            Driver::Itself
        } else {
            Driver::Unknown
        }
    }

    /// What drives it, in words for an event: `while CHP_01 ran`.
    #[must_use]
    pub(crate) fn in_words(&self, driver: &Driver) -> String {
        match driver {
            Driver::Stated(..) | Driver::Machine(_) | Driver::Plant => format!("while {} ran", self.name(driver)),
            Driver::Weather => "while the weather went on".to_owned(),
            Driver::Itself => "at a value that is no standstill".to_owned(),
            Driver::Unknown => "(reported only: whether its equipment ran could not be told)".to_owned(),
        }
    }

    /// The machine or machines behind it; empty without one.
    #[must_use]
    pub(crate) fn name(&self, driver: &Driver) -> String {
        match driver {
            Driver::Stated(_, name) => name.clone(),
            Driver::Machine(index) => self.all.get(*index).map_or_else(String::new, |machine| machine.name.clone()),
            Driver::Plant => self.plant_words.clone(),
            Driver::Weather | Driver::Itself | Driver::Unknown => String::new(),
        }
    }
}

/// `A`, `A or B`, `one of A … Z`.
fn any_of(names: &[&str]) -> String {
    match names {
        [first, _, _, .., last] => format!("one of {first} … {last}"),
        _ => names.join(" or "),
    }
}

/// The sign that a stated column gives, if there is such a column.
#[must_use]
pub(crate) fn sign_of(name: &str, columns: &[ColumnMeta], thresholds: &Thresholds) -> Option<Sign> {
    let index = roles::find(name, columns).ok()?;
    let column = columns.get(index)?;
    Some(match (column.kind, quantity_of(column)) {
        (Kind::Status, _) => Sign::plain(index, 0.5),
        (_, Some(Quantity::Power)) => Sign::metered(index, thresholds.running_kw),
        (_, Some(Quantity::Speed)) => Sign::plain(index, thresholds.running_speed),
        (_, Some(Quantity::Flow)) => Sign::metered(index, 0.0),
        _ => Sign::plain(index, 0.0),
    })
}

enum Signal {
    MachineState,
    Speed,
    Power,
}

impl Signal {
    fn of(column: &ColumnMeta, reading: &Reading) -> Option<Self> {
        match column.kind {
            Kind::Status => {
                let alarm = |state: &String| ["ALARM", "FAULT", "AUTO"].contains(&state.to_uppercase().as_str());
                let alarms = column.states.as_ref().is_some_and(|states| states.iter().any(alarm));
                let runs = reading.nature.is_none() && reading.measure == Some(Measure::State);
                (!alarms && (runs || reading.names_only_a_machine())).then_some(Self::MachineState)
            }
            Kind::Instantaneous if column.derived.is_none() => match quantity_of(column) {
                Some(Quantity::Speed) => Some(Self::Speed),
                Some(Quantity::Power) => Some(Self::Power),
                None if reading.measure == Some(Measure::Speed) && column.unit.as_deref() == Some("%") => {
                    Some(Self::Speed)
                }
                _ => None,
            },
            _ => None,
        }
    }
}

/// On where one is, off where both are, else unknown.
fn either(a: MachineState, b: MachineState) -> MachineState {
    match (a, b) {
        (MachineState::On, _) | (_, MachineState::On) => MachineState::On,
        (MachineState::Off, MachineState::Off) => MachineState::Off,
        _ => MachineState::Unknown,
    }
}

/// Whether any of the signs is on, row by row: on where one is known to be, off where all are known to be off, else
/// unknown. `values` gives a column's values, NaN for none; `hold` how long one of them counts.
pub(crate) fn running<'v>(
    at_ms: &[i64],
    signs: &[Sign],
    values: impl Fn(usize) -> &'v [f64],
    hold: impl Fn(usize) -> Hold,
) -> Running {
    let mut running = vec![MachineState::Unknown; at_ms.len()];
    for (place, sign) in signs.iter().enumerate() {
        let (values, hold) = (values(sign.column), hold(sign.column));
        let limit = sign.limit(values);
        // Until when the value before counts; nothing does before the first.
        let (mut until, mut held) = (i64::MIN, MachineState::Unknown);
        for ((at, value), state) in at_ms.iter().zip(values).zip(&mut running) {
            if !value.is_nan() {
                held = if *value > limit { MachineState::On } else { MachineState::Off };
                until = at.saturating_add(hold.longest_ms);
            } else if hold.ends_with_null {
                held = MachineState::Unknown;
            }
            let now = if *at <= until { held } else { MachineState::Unknown };
            *state = if place == 0 { now } else { either(*state, now) };
        }
    }
    running
}

/// Which of the plant's machines run, row by row, as one number for each set of them; none when nothing tells.
pub(crate) fn staging<'v>(
    machines: &Machines,
    at_ms: &[i64],
    values: impl Fn(usize) -> &'v [f64],
    hold: impl Fn(usize) -> Hold,
) -> Option<Vec<u64>> {
    /// 2⁶⁴ ÷ the golden ratio, odd: sums of its multiples by different powers of itself differ.
    const SCATTER: u64 = 0x9E37_79B9_7F4A_7C15;
    let mut stages: Option<Vec<u64>> = None;
    let mut own = 1_u64;
    for machine in machines.all.iter().filter(|machine| machine.kind != MachineKind::Other) {
        let Some(sign) = machine.sign else { continue };
        own = own.wrapping_mul(SCATTER);
        let all = stages.get_or_insert_with(|| vec![0; at_ms.len()]);
        for (stage, state) in all.iter_mut().zip(running(at_ms, &[sign], &values, &hold)) {
            *stage = stage.wrapping_add(if state == MachineState::On { own } else { 0 });
        }
    }
    stages
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing)]
    use super::super::tests::{column, columns};
    use super::*;

    fn machines(columns: &[ColumnMeta]) -> Machines {
        let (chosen, _, _) = roles::resolve(&Roles::default(), columns);
        Machines::find(columns, &chosen, &Thresholds::default())
    }

    fn driver(machines: &Machines, columns: &[ColumnMeta], name: &str) -> Driver {
        let (chosen, _, _) = roles::resolve(&Roles::default(), columns);
        let index = roles::find(name, columns).unwrap();
        machines.driver(index, columns, &chosen, &Roles::default(), &Thresholds::default())
    }

    #[test]
    fn a_plant_in_us_names() {
        let mut columns = columns(&["RT", "kW_CHP", "GPM", "CHWS", "WBT", "Hz_ CHP", "kW_Tot", "AH0101 T"]);
        columns.push(column("CH1", Kind::Status));
        columns.push(column("CH2", Kind::Status));
        let machines = machines(&columns);
        assert_eq!(machines.plant_words, "CH1 or CH2");
        let pump = machines.all.iter().position(|m| m.name == "CHP").unwrap();
        assert_eq!((machines.all[pump].speeds.clone(), machines.all[pump].powers.clone()), (vec![5], vec![1]));
        for (name, expected) in [
            ("RT", Driver::Plant),
            ("kW_CHP", Driver::Machine(pump)),
            ("GPM", Driver::Plant),
            ("CHWS", Driver::Plant),
            ("kW_Tot", Driver::Plant),
            ("WBT", Driver::Weather),
            ("AH0101 T", Driver::Unknown),
        ] {
            assert_eq!(driver(&machines, &columns, name), expected, "{name}");
        }
    }

    #[test]
    fn states_speeds_and_powers_are_told_apart() {
        let mut columns = columns(&["CH-1.KW", "CHP_01_VFD_OUT", "CHP_01_KW", "CWP_2_KW"]);
        columns.push(column("CH-1.S", Kind::Status));
        let mut alarm = column("CHP_01_S", Kind::Status);
        alarm.states = Some(vec!["NORMAL".into(), "ALARM".into()]);
        columns.push(alarm);
        let machines = machines(&columns);
        let signs: Vec<(&str, MachineKind, Option<usize>)> =
            machines.all.iter().map(|m| (m.name.as_str(), m.kind, m.sign.map(|s| s.column))).collect();
        assert_eq!(
            signs,
            [
                ("CHP_01", MachineKind::ChwPump, Some(1)),
                ("CH_1", MachineKind::Chiller, Some(4)),
                ("CWP_2", MachineKind::CwPump, Some(3))
            ]
        );
        assert_eq!(driver(&machines, &columns, "CWP_2_KW"), Driver::Itself);
    }

    fn told(hours: &[i64], values: &[f64], longest_h: i64, ends_with_null: bool) -> String {
        let at: Vec<i64> = hours.iter().map(|h| h * 3_600_000).collect();
        let hold = |_| Hold { longest_ms: longest_h, ends_with_null };
        let letter = |state: &MachineState| match state {
            MachineState::Unknown => '?',
            MachineState::Off => '0',
            MachineState::On => '1',
        };
        running(&at, &[Sign::plain(0, 0.5)], |_| values, hold).iter().map(letter).collect()
    }

    #[test]
    fn a_state_counts_as_long_as_its_record_does() {
        let n = f64::NAN;
        let (hours, values) = ([0, 1, 2, 26, 27], [1.0, n, n, n, 0.0]);
        assert_eq!(told(&hours, &values, 5_400_000, false), "11??0", "recorded every hour");
        assert_eq!(told(&hours, &values, i64::MAX, false), "11110", "recorded on change: it lasts");
        assert_eq!(told(&hours, &values, i64::MAX, true), "1???0", "but not over a loss");
        assert_eq!(told(&[0, 1, 2], &[n, n, 1.0], i64::MAX, false), "??1", "nothing is known before the first");
    }

    /// One of two pumps is off, nothing is known of the other: the plant may run.
    #[test]
    fn a_plant_stands_only_when_all_are_known_to() {
        let n = f64::NAN;
        let (a, b) = ([0.0, 0.0, 1.0, 0.0, n], [n, 0.0, n, 1.0, n]);
        let states = running(
            &[0, 1, 2, 3, 4],
            &[Sign::plain(0, 0.5), Sign::plain(1, 0.5)],
            |index| if index == 0 { &a[..] } else { &b[..] },
            |_| Hold { longest_ms: 0, ends_with_null: true },
        );
        use MachineState::{Off, On, Unknown};
        assert_eq!(states, [Unknown, Off, On, On, Unknown]);
    }

    /// A drive draws 1.2 kW while it stands and 20 to 30 while it runs: it runs above 1.2 + 2.88 kW. One that always
    /// runs has no floor.
    #[test]
    fn standby_power_is_no_running() {
        let sign = Sign::metered(0, 0.5);
        let values: Vec<f64> = (0..100).map(|i| if i < 40 { 1.2 } else { 20.0 + f64::from(i % 11) }).collect();
        let limit = sign.limit(&values);
        assert!((4.0..4.2).contains(&limit), "{limit}");
        assert_eq!(sign.limit(&values[40..]), 0.5);
        assert_eq!(Sign::plain(0, 0.5).limit(&values), 0.5);
    }
}
