//! From a row of conditions and controls to the few quantities that a plant's power depends on.
//!
//! Sites have one speed for all pumps of a kind or one for each, a count of machines or a state for each: here they
//! become a count, a mean speed of those that run, and a load for each machine.

use serde::{Deserialize, Serialize};

use super::super::features::Feature;
use super::super::role::Role;

/// Speeds and counts at or below this mean that a machine stands.
pub(crate) const STANDS_HZ: f64 = 5.0;

/// What power is expressed in. Loads and speeds are shares of their median, temperatures differences from theirs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PlantQuantity {
    /// How many machines run; 1 when nothing tells.
    Machines,
    /// Cooling load of each.
    LoadEach,
    /// Chilled-water supply temperature.
    ChwSupply,
    /// Wet-bulb temperature; dry-bulb where there is none.
    WetBulb,
    /// Relative humidity, where only dry-bulb and humidity are known.
    Humidity,
    /// Mean speed of the chilled-water pumps that run.
    ChwSpeed,
    /// Mean speed of the secondary pumps that run.
    ScpSpeed,
    /// Mean speed of the condenser-water pumps that run.
    CwSpeed,
    /// Mean speed of the fans that run.
    FanSpeed,
    /// How many chilled-water pumps run.
    ChwPumps,
    /// How many secondary pumps run.
    ScpPumps,
    /// How many condenser-water pumps run.
    CwPumps,
    /// How many fans run.
    Fans,
    /// Condenser-water temperature, estimated from the others.
    Condenser,
}

/// Number of quantities.
pub(crate) const QUANTITIES: usize = 14;

/// One value a quantity.
pub(crate) type PlantState = [f64; QUANTITIES];

impl PlantQuantity {
    /// Place in a [`PlantState`].
    #[must_use]
    pub(crate) fn index(self) -> usize {
        self as usize
    }

    /// Its value in `state`.
    #[must_use]
    pub(crate) fn of(self, state: &PlantState) -> f64 {
        state.get(self.index()).copied().unwrap_or(f64::NAN)
    }

    /// Sets its value in `state`.
    pub(crate) fn set(self, state: &mut PlantState, value: f64) {
        if let Some(slot) = state.get_mut(self.index()) {
            *slot = value;
        }
    }

    /// Whether it counts the machines of one kind.
    #[must_use]
    pub(crate) fn is_count_of_a_kind(self) -> bool {
        matches!(self, Self::ChwPumps | Self::ScpPumps | Self::CwPumps | Self::Fans)
    }

    /// Whether it is a difference from its reference rather than a share of it.
    fn is_temperature(self) -> bool {
        matches!(self, Self::ChwSupply | Self::WetBulb | Self::Condenser)
    }
}

/// Speeds: role, mean speed, count.
pub(crate) const SPEEDS: [(Role, PlantQuantity, PlantQuantity); 4] = [
    (Role::ChwPumpHz, PlantQuantity::ChwSpeed, PlantQuantity::ChwPumps),
    (Role::ScpPumpHz, PlantQuantity::ScpSpeed, PlantQuantity::ScpPumps),
    (Role::CwPumpHz, PlantQuantity::CwSpeed, PlantQuantity::CwPumps),
    (Role::CtFanHz, PlantQuantity::FanSpeed, PlantQuantity::Fans),
];

/// What the machines or temperatures of a control are together; none of a role that nobody in the plant decides.
#[must_use]
pub(crate) fn quantity_of(control: Role) -> Option<PlantQuantity> {
    let speed = SPEEDS.iter().find(|(own, ..)| *own == control).map(|(_, speed, _)| *speed);
    speed.or((control == Role::ChwSupplyTemp).then_some(PlantQuantity::ChwSupply))
}

/// Which positions of a row make which quantity.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(crate) struct ControlLayout {
    /// Role of each position.
    pub(crate) roles: Vec<Role>,
}

impl ControlLayout {
    /// Of those features of a model, in that order.
    #[must_use]
    pub(crate) fn new(features: &[Feature], chosen: &[usize]) -> Self {
        Self { roles: chosen.iter().filter_map(|index| features.get(*index)).map(|feature| feature.role).collect() }
    }

    /// Whether some position plays that role.
    #[must_use]
    pub(crate) fn has(&self, role: Role) -> bool {
        self.roles.contains(&role)
    }

    /// The row's values in that role.
    fn values<'a>(&'a self, row: &'a [f64], role: Role) -> impl Iterator<Item = f64> + 'a {
        self.roles.iter().zip(row).filter(move |(own, _)| **own == role).map(|(_, value)| *value)
    }

    /// What tells of the outside air.
    #[must_use]
    pub(crate) fn air(&self) -> Role {
        if self.has(Role::WetBulb) { Role::WetBulb } else { Role::DryBulb }
    }

    /// Quantities that rows of this layout have, the estimated ones left out.
    #[must_use]
    pub(crate) fn quantities(&self) -> Vec<PlantQuantity> {
        let mut found = vec![PlantQuantity::Machines];
        let mut add = |there: bool, quantity| {
            if there {
                found.push(quantity);
            }
        };
        let wet = self.has(Role::WetBulb);
        add(self.has(Role::LoadRt), PlantQuantity::LoadEach);
        add(self.has(Role::ChwSupplyTemp), PlantQuantity::ChwSupply);
        add(wet || self.has(Role::DryBulb), PlantQuantity::WetBulb);
        add(!wet && self.has(Role::Humidity), PlantQuantity::Humidity);
        for (role, speed, count) in SPEEDS {
            add(self.has(role), speed);
            add(self.has(role), count);
        }
        found
    }

    /// The quantities in their own units; none when a value is missing or the plant stands still.
    #[must_use]
    pub(crate) fn state(&self, row: &[f64]) -> Option<PlantState> {
        let mut state = [1.0; QUANTITIES];
        let sum = |role| self.values(row, role).sum::<f64>();
        let mean = |role| mean(self.values(row, role));
        let machines = self.machines(row);
        if machines.is_nan() || machines <= 0.0 {
            return None;
        }
        PlantQuantity::Machines.set(&mut state, machines);
        if self.has(Role::LoadRt) {
            let load = sum(Role::LoadRt);
            if load.is_nan() || load <= 0.0 {
                return None;
            }
            PlantQuantity::LoadEach.set(&mut state, load / machines);
        }
        if self.has(Role::ChwSupplyTemp) {
            PlantQuantity::ChwSupply.set(&mut state, mean(Role::ChwSupplyTemp)?);
        }
        if self.has(Role::WetBulb) {
            PlantQuantity::WetBulb.set(&mut state, mean(Role::WetBulb)?);
        } else {
            if self.has(Role::DryBulb) {
                PlantQuantity::WetBulb.set(&mut state, mean(Role::DryBulb)?);
            }
            if self.has(Role::Humidity) {
                PlantQuantity::Humidity.set(&mut state, mean(Role::Humidity)?);
            }
        }
        for (role, speed, count) in SPEEDS {
            if self.has(role) {
                let (hz, running) = self.running(row, role)?;
                speed.set(&mut state, hz);
                count.set(&mut state, if self.count(role) > 1 { running } else { machines });
            }
        }
        state.iter().all(|value| value.is_finite()).then_some(state)
    }

    /// Machines that run: what is counted, else as many as pumps of a kind turn, else 1; NaN when a count is missing.
    fn machines(&self, row: &[f64]) -> f64 {
        if self.has(Role::Running) {
            return self.values(row, Role::Running).sum();
        }
        let kinds = SPEEDS.iter().filter(|(role, ..)| self.count(*role) > 1);
        let turning = kinds.filter_map(|(role, ..)| Some(self.running(row, *role)?.1));
        turning.reduce(f64::max).unwrap_or(1.0)
    }

    /// How many positions play that role.
    #[must_use]
    pub(crate) fn count(&self, role: Role) -> usize {
        self.roles.iter().filter(|own| **own == role).count()
    }

    /// Mean speed and number of those that turn; none when none does or one is not known.
    fn running(&self, row: &[f64], role: Role) -> Option<(f64, f64)> {
        let (mut total, mut count) = (0.0, 0.0);
        for hz in self.values(row, role) {
            if !hz.is_finite() {
                return None;
            }
            if hz > STANDS_HZ {
                total += hz;
                count += 1.0;
            }
        }
        (count > 0.0).then(|| (total / count, count))
    }
}

fn mean(values: impl Iterator<Item = f64>) -> Option<f64> {
    let (sum, count) = values.fold((0.0, 0.0), |(sum, count), value| (sum + value, count + 1.0));
    (count > 0.0).then(|| sum / count)
}

/// What states are measured against, so that terms are of like size: medians.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct ReferenceState {
    /// One a quantity.
    pub(crate) values: Vec<f64>,
}

const ALL: [PlantQuantity; QUANTITIES] = [
    PlantQuantity::Machines,
    PlantQuantity::LoadEach,
    PlantQuantity::ChwSupply,
    PlantQuantity::WetBulb,
    PlantQuantity::Humidity,
    PlantQuantity::ChwSpeed,
    PlantQuantity::ScpSpeed,
    PlantQuantity::CwSpeed,
    PlantQuantity::FanSpeed,
    PlantQuantity::ChwPumps,
    PlantQuantity::ScpPumps,
    PlantQuantity::CwPumps,
    PlantQuantity::Fans,
    PlantQuantity::Condenser,
];

impl ReferenceState {
    /// Medians of the states; counts stay as they are.
    #[must_use]
    pub(crate) fn of(states: &[PlantState]) -> Self {
        let values = ALL.iter().map(|quantity| {
            let counted = *quantity == PlantQuantity::Machines || quantity.is_count_of_a_kind();
            let mut column: Vec<f64> = states.iter().map(|state| quantity.of(state)).collect();
            column.sort_unstable_by(f64::total_cmp);
            let median = column.get(column.len() / 2).copied().unwrap_or(1.0);
            if counted || (median == 0.0 && !quantity.is_temperature()) { 1.0 } else { median }
        });
        Self { values: values.collect() }
    }

    /// One quantity in its own unit, as terms use it.
    #[must_use]
    pub(crate) fn normal(&self, quantity: PlantQuantity, value: f64) -> f64 {
        let reference = self.values.get(quantity.index()).copied().unwrap_or(f64::NAN);
        if quantity.is_temperature() { value - reference } else { value / reference }
    }

    /// Back from what terms use to the quantity's own unit.
    #[must_use]
    pub(crate) fn own(&self, quantity: PlantQuantity, normal: f64) -> f64 {
        let reference = self.values.get(quantity.index()).copied().unwrap_or(f64::NAN);
        if quantity.is_temperature() { normal + reference } else { normal * reference }
    }

    /// Sets what one quantity is measured against.
    pub(crate) fn put(&mut self, quantity: PlantQuantity, value: f64) {
        if let Some(slot) = self.values.get_mut(quantity.index()) {
            *slot = value;
        }
    }

    /// A whole state, as terms use it.
    #[must_use]
    pub(crate) fn normalise(&self, state: &PlantState) -> PlantState {
        let mut normal = *state;
        for quantity in ALL {
            quantity.set(&mut normal, self.normal(quantity, quantity.of(state)));
        }
        normal
    }
}
