//! The part of a model that set-points are judged by: power as a function of conditions and controls alone.
//!
//! A model may use what the plant answers with (condenser-water temperature, flows, its own past): good for telling
//! what power is, useless for telling what another set-point would cost, because those would change too. So power is
//! fitted here on what nobody chooses and on what the operator chooses, and what the plant answers with is estimated
//! from these first. The hour is left out: it stands for nothing that costs power beside load and weather.

use std::ops::ControlFlow;

use serde::{Deserialize, Serialize};

use self::equation::Equation;
use self::plant_log::{Move, PlantLog};
use self::precedent::{Precedent, Precedents};
use self::state::{ControlLayout, PlantQuantity, PlantState, ReferenceState, SPEEDS, quantity_of};
use self::support::Support;
use super::features::Feature;
use super::gbdt::FitOptions;
use super::role::{Decider, Role};
use super::samples::{Matrix, Samples, take};
use super::{ModelError, Progress};
use hvac_points::physics::fahrenheit_to_celsius;

pub(crate) mod equation;
pub(crate) mod plant_log;
pub(crate) mod precedent;
pub mod state;
pub(crate) mod support;
mod terms;

/// Fewest rows of a running plant that a control is fitted to.
const LEAST_ROWS: usize = 200;
/// Most rows that are looked at; more are thinned evenly.
const MOST_ROWS: usize = 50_000;
/// Flow a pump and Hz may vary by this factor, 5 % of the rows left out on either side, and the pumps still be counted.
const STEADY_FLOW: f64 = 1.3;
/// Operators' step, Hz or K.
pub(crate) const STEP: f64 = 0.5;
/// Operators' step of a temperature in °F.
pub(crate) const STEP_F: f64 = 1.0;
/// What operators decide.
const CONTROLS: [Role; 5] = [Role::ChwSupplyTemp, Role::ChwPumpHz, Role::ScpPumpHz, Role::CwPumpHz, Role::CtFanHz];
/// °F a K.
const KELVIN_F: f64 = 1.8;
/// Milliseconds of a day.
const DAY_MS: i64 = 86_400_000;

/// Power by conditions and controls, and where it was learnt.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Control {
    /// Indices into the document's features: conditions and controls, in the order of the rows here.
    pub features: Vec<usize>,
    /// What of a row makes which quantity.
    pub(crate) layout: ControlLayout,
    /// What quantities are measured against.
    pub(crate) reference: ReferenceState,
    /// Whether chilled water is in °F.
    pub(crate) fahrenheit: bool,
    /// Temperature of the water that leaves the condensers, less its reference, where the features have it.
    pub(crate) condenser: Option<Equation>,
    /// Power, kW (or the target's unit).
    pub(crate) power: Equation,
    /// Power by other terms, straight from conditions and controls: a second opinion.
    pub(crate) rival: Option<Equation>,
    /// What the plant answers with.
    pub(crate) responses: Vec<Response>,
    /// Whether history tells how many machines ran: without, nobody knows how much water a speed moves.
    #[serde(default)]
    pub(crate) counted: bool,
    /// Where history has been.
    pub support: Support,
    /// What it has proved.
    pub(crate) precedents: Precedents,
    /// Its rows; none in models of older versions.
    #[serde(default)]
    pub(crate) log: PlantLog,
}

/// Something the plant answers with, that a limit can be set on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Response {
    /// What it is.
    pub(crate) role: Role,
    /// In its own unit.
    pub(crate) equation: Equation,
}

impl Control {
    /// Fits what set-points are judged by; none when no feature is a control, or none a condition.
    /// `x` has all features' columns; rows in time order, the target never NaN.
    ///
    /// # Errors
    /// `too_few_rows`, `cancelled`, `internal`.
    pub fn fit(
        features: &[Feature],
        samples: &Samples,
        x: &Matrix,
        y: &[f64],
        options: &FitOptions,
        progress: Progress<'_>,
    ) -> Result<Option<Self>, ModelError> {
        // Least squares have no chance in them.
        let _ = options;
        let chosen = choose(features);
        let layout = ControlLayout::new(features, &chosen);
        let some = |part| layout.roles.iter().any(|role| role.part() == part);
        if !some(Decider::Control) || !some(Decider::Condition) {
            return Ok(None);
        }
        let history = History::new(&layout, &x.select(&chosen), y);
        if history.rows.len() < LEAST_ROWS {
            let message = format!(
                "set-points need {LEAST_ROWS} rows of a running plant in which all conditions and controls have \
                 values; there are {}",
                history.rows.len()
            );
            return Err(ModelError::new("too_few_rows", "", message));
        }
        Fitting { features, chosen, layout, history, x, interval_ms: samples.interval_ms }.control(progress).map(Some)
    }

    /// The normalised state of a row of this control's features; none when a value is missing or the plant stands.
    #[must_use]
    pub(crate) fn state(&self, row: &[f64]) -> Option<PlantState> {
        let mut state = self.reference.normalise(&self.layout.state(row)?);
        self.complete(&mut state);
        Some(state)
    }

    /// Fills in what follows from the other quantities of a normalised state.
    pub(crate) fn complete(&self, state: &mut PlantState) {
        if let Some(equation) = &self.condenser {
            let value = equation.value(state);
            PlantQuantity::Condenser.set(state, value);
        }
    }

    /// A normalised state as a precedent.
    #[must_use]
    pub(crate) fn precedent(&self, state: &PlantState) -> Precedent {
        precedent(&self.layout, self.fahrenheit, |quantity| self.reference.own(quantity, quantity.of(state)))
    }

    /// Rows of the log whose conditions are like those of a normalised state.
    #[must_use]
    pub(crate) fn alike(&self, state: &PlantState) -> Vec<usize> {
        let machines = PlantQuantity::Machines.of(state);
        let load = self.layout.has(Role::LoadRt).then(|| PlantQuantity::LoadEach.of(state) * machines);
        let air = self.layout.has(self.layout.air()).then(|| PlantQuantity::WetBulb.of(state));
        self.log.alike(load, air, Some(machines))
    }

    /// What an operator decides and two normalised states differ in.
    #[must_use]
    pub(crate) fn moves(&self, from: &PlantState, to: &PlantState) -> Vec<Move> {
        let of = |role: &Role| {
            let quantity = quantity_of(*role).filter(|_| self.layout.has(*role))?;
            let (from, to) = (quantity.of(from), quantity.of(to));
            let wide = *role == Role::ChwSupplyTemp && self.fahrenheit;
            let own = self.reference.own(quantity, from) + if wide { STEP_F } else { STEP };
            let step = self.reference.normal(quantity, own) - from;
            ((to - from).abs() > 1e-9).then_some(Move { quantity, from, to, step })
        };
        CONTROLS.iter().filter_map(of).collect()
    }

    /// Machines that have carried that load, as few as history shows; 1 when it shows none.
    #[must_use]
    pub(crate) fn machines_for(&self, load: f64) -> f64 {
        self.precedents.machines_for(load)
    }

    /// The equation of something the plant answers with.
    #[must_use]
    pub(crate) fn response(&self, role: Role) -> Option<&Equation> {
        self.responses.iter().find(|response| response.role == role).map(|response| &response.equation)
    }
}

/// Conditions that power depends on, and controls. Dry-bulb and humidity only count where no wet-bulb is known.
fn choose(features: &[Feature]) -> Vec<usize> {
    let wet = features.iter().any(|feature| feature.role == Role::WetBulb);
    let wanted = |role: Role| match role {
        Role::Calendar => false,
        Role::DryBulb | Role::Humidity => !wet,
        role => role.part() != Decider::Response,
    };
    features.iter().enumerate().filter(|(_, feature)| wanted(feature.role)).map(|(index, _)| index).collect()
}

fn precedent(layout: &ControlLayout, fahrenheit: bool, own: impl Fn(PlantQuantity) -> f64) -> Precedent {
    let flow = |role, count, speed| if layout.has(role) { own(count) * own(speed) } else { 1.0 };
    let supply = own(PlantQuantity::ChwSupply);
    Precedent {
        machines: own(PlantQuantity::Machines),
        load: if layout.has(Role::LoadRt) { own(PlantQuantity::LoadEach) * own(PlantQuantity::Machines) } else { 0.0 },
        supply_c: match (layout.has(Role::ChwSupplyTemp), fahrenheit) {
            (false, _) => 0.0,
            (true, true) => fahrenheit_to_celsius(supply),
            (true, false) => supply,
        },
        chw_hz: flow(Role::ChwPumpHz, PlantQuantity::ChwPumps, PlantQuantity::ChwSpeed),
        scp_hz: flow(Role::ScpPumpHz, PlantQuantity::ScpPumps, PlantQuantity::ScpSpeed),
        rise_k: 0.0,
    }
}

/// Rows of a running plant.
struct History {
    /// Which rows of the matrix.
    rows: Vec<usize>,
    /// In their own units.
    states: Vec<PlantState>,
    y: Vec<f64>,
}

impl History {
    fn new(layout: &ControlLayout, x: &Matrix, y: &[f64]) -> Self {
        let mut history = Self { rows: Vec::new(), states: Vec::new(), y: Vec::new() };
        let every = y.len().div_ceil(MOST_ROWS).max(1);
        let mut row = Vec::with_capacity(x.width());
        for (index, y) in y.iter().enumerate().step_by(every) {
            x.row_into(index, &mut row);
            if let Some(state) = layout.state(&row).filter(|_| y.is_finite() && *y > 0.0) {
                history.rows.push(index);
                history.states.push(state);
                history.y.push(*y);
            }
        }
        history
    }
}

/// Everything that a fit looks at.
struct Fitting<'a> {
    features: &'a [Feature],
    chosen: Vec<usize>,
    layout: ControlLayout,
    history: History,
    x: &'a Matrix,
    interval_ms: i64,
}

impl Fitting<'_> {
    fn control(self, progress: Progress<'_>) -> Result<Control, ModelError> {
        let step = |done, what| match progress(done, what) {
            ControlFlow::Continue(()) => Ok(()),
            ControlFlow::Break(()) => Err(ModelError::new("cancelled", "", "cancelled")),
        };
        step(0.0, "fitting what set-points are judged by")?;
        let mut reference = ReferenceState::of(&self.history.states);
        let mut known = self.layout.quantities();
        let mut states: Vec<PlantState> = self.history.states.iter().map(|state| reference.normalise(state)).collect();
        let responses = self.responses(&states, &known);
        let direct = Equation::fit(terms::power(&known), &states, &self.history.y);
        let condenser = self.condenser(&states, &known);
        let (condenser, staged) = match condenser {
            None => (None, None),
            Some((equation, median)) => {
                reference.put(PlantQuantity::Condenser, median);
                for state in &mut states {
                    let value = equation.value(state);
                    PlantQuantity::Condenser.set(state, value);
                }
                let mut known = known.clone();
                known.push(PlantQuantity::Condenser);
                (Some(equation), Equation::fit(terms::power(&known), &states, &self.history.y))
            }
        };
        known.retain(|quantity| *quantity != PlantQuantity::Condenser);
        let (power, rival) = match (staged, direct) {
            (Some(staged), direct) => (staged, direct),
            (None, Some(direct)) => (direct, None),
            (None, None) => return Err(ModelError::new("internal", "", "no equation of power could be solved")),
        };
        step(0.5, "collecting what the plant has been seen to do")?;
        let fahrenheit = self.unit_of(Role::ChwSupplyTemp) == Some("°F");
        let rows = self.precedents(fahrenheit);
        let counted = self.is_counted();
        let mut precedents = Precedents::of(&rows);
        if !counted {
            precedents.coils.clear();
        }
        let rows_a_day = (DAY_MS / self.interval_ms.max(1)).max(1);
        let days: Vec<i64> =
            self.history.rows.iter().map(|row| i64::try_from(*row).unwrap_or(i64::MAX) / rows_a_day).collect();
        let support = Support::of(&known, &states, &days, &reference);
        let air_k = if self.unit_of(self.layout.air()) == Some("°F") { KELVIN_F } else { 1.0 };
        let log = PlantLog::of(&known, &states, (&self.history.y, &power), air_k);
        step(1.0, "fitted what set-points are judged by")?;
        Ok(Control {
            features: self.chosen,
            layout: self.layout,
            reference,
            fahrenheit,
            condenser,
            power,
            rival,
            responses,
            counted,
            support,
            precedents,
            log,
        })
    }

    /// What each row has proved; how much warmer the water came back, where both ends of it are in one unit.
    fn precedents(&self, fahrenheit: bool) -> Vec<Precedent> {
        let states = self.history.states.iter();
        let mut rows: Vec<Precedent> =
            states.map(|state| precedent(&self.layout, fahrenheit, |quantity| quantity.of(state))).collect();
        let alike = self.unit_of(Role::ChwReturnTemp) == self.unit_of(Role::ChwSupplyTemp);
        let back = self.measured(Role::ChwReturnTemp).filter(|_| alike && self.layout.has(Role::ChwSupplyTemp));
        for (row, back) in rows.iter_mut().zip(back.into_iter().flatten()) {
            let back_c = if fahrenheit { fahrenheit_to_celsius(back) } else { back };
            row.rise_k = if back.is_finite() { (back_c - row.supply_c).max(0.0) } else { 0.0 };
        }
        rows
    }

    fn unit_of(&self, role: Role) -> Option<&str> {
        self.features.iter().find(|feature| feature.role == role)?.unit.as_deref()
    }

    /// Whether flow, where it is measured, goes with the speed of the pumps that are known to run; where it is not,
    /// whether anything counts the machines at all.
    fn is_counted(&self) -> bool {
        let (layout, pump) = (&self.layout, Role::ChwPumpHz);
        let flow = self.measured(Role::ChwFlow).filter(|_| layout.has(pump));
        let Some(flow) = flow.filter(|flow| present(flow).count() * 2 > flow.len()) else {
            return layout.has(Role::Running) || SPEEDS.iter().any(|(role, ..)| layout.count(*role) > 1);
        };
        let speed = |state: &PlantState| PlantQuantity::ChwPumps.of(state) * PlantQuantity::ChwSpeed.of(state);
        let ratios = flow.iter().zip(&self.history.states).map(|(flow, state)| flow / speed(state));
        let mut ratios: Vec<f64> = ratios.filter(|ratio| ratio.is_finite()).collect();
        ratios.sort_unstable_by(f64::total_cmp);
        let share = |hundredths: usize| ratios.get(ratios.len() * hundredths / 100).copied().unwrap_or(f64::NAN);
        share(95) < STEADY_FLOW * share(5)
    }

    /// What chillers work against: the condenser water that leaves them, less its median, which comes with it. The
    /// water that enters will not do: less flow makes it colder and the chillers' work harder. None without such a
    /// column in at least half of the rows.
    fn condenser(&self, states: &[PlantState], known: &[PlantQuantity]) -> Option<(Equation, f64)> {
        let measured = self.measured(Role::CwReturnTemp).filter(|values| present(values).count() * 2 > values.len())?;
        let mut sorted: Vec<f64> = present(&measured).collect();
        sorted.sort_unstable_by(f64::total_cmp);
        let median = sorted.get(sorted.len() / 2).copied()?;
        let centred: Vec<f64> = measured.iter().map(|value| value - median).collect();
        Some((fit_present(terms::condenser(known), states, &centred)?, median))
    }

    fn responses(&self, states: &[PlantState], known: &[PlantQuantity]) -> Vec<Response> {
        let fit = |role| {
            let equation = fit_present(terms::response(role, known), states, &self.measured(role)?)?;
            Some(Response { role, equation })
        };
        terms::RESPONSES.into_iter().filter_map(fit).collect()
    }

    /// Mean of the features that play a role, in the rows of history; NaN where one is missing.
    fn measured(&self, role: Role) -> Option<Vec<f64>> {
        let playing = self.features.iter().zip(&self.x.columns).filter(|(feature, _)| feature.role == role);
        let columns: Vec<Vec<f64>> = playing.map(|(_, column)| take(column, &self.history.rows)).collect();
        let count = columns.len() as f64;
        columns.into_iter().reduce(|sum, next| sum.iter().zip(&next).map(|(a, b)| a + b).collect()).map(|mut sum| {
            sum.iter_mut().for_each(|value| *value /= count);
            sum
        })
    }
}

fn present(values: &[f64]) -> impl Iterator<Item = f64> + '_ {
    values.iter().copied().filter(|value| value.is_finite())
}

/// Fits to the rows that have a value.
fn fit_present(terms: Vec<equation::Product>, states: &[PlantState], y: &[f64]) -> Option<Equation> {
    let (states, y): (Vec<PlantState>, Vec<f64>) =
        states.iter().zip(y).filter(|(_, y)| y.is_finite()).map(|(state, y)| (*state, *y)).unzip();
    Equation::fit(terms, &states, &y)
}
