//! Does what was planned: judge the cells, resample, derive, judge the rows, drop, and report.

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use chrono_tz::Tz;
use polars::prelude::DataFrame;
use rayon::prelude::*;

use super::frame::{self, ColumnData};
use super::hold::Hold;
use super::judge::{self, CellFindings, CellNote, ColumnUnderTest, DryBulb};
use super::machines::{self, Driver, Knowledge, MachineState, Running, Sign};
use super::plan::Plan;
use super::quantity::{Quantity, may_idle};
use super::report::{Resampling, Rule};
use super::roles::Role;
use super::sampling::{Steps, interval_ms, on_change};
use super::spike::SpikeScan;
use super::spikes::MachineRecords;
use super::work::{OngoingCleaning, step};
use super::{CleanError, Cleaned, internal, reconciliation};
use hvac_frame::column::ColumnMeta;

/// Columns that are worked on between two calls of `progress`.
const CHUNK: usize = 32;

/// Cleans `frame` (`timestamp` Datetime ms UTC ascending distinct, Float64 and String columns as in `columns`).
///
/// `zone` is the site's; `progress` hears a share of 0–1 and what is being done, and may stop the work.
/// A frame whose rows are all rejected is a result, not an error: it has no rows, and the report says why.
///
/// # Errors
/// A unit that the values cannot tell either (unless `lenient`), `cancelled`, or a defect.
pub fn clean(
    frame: DataFrame,
    columns: &[ColumnMeta],
    zone: Tz,
    plan: &Plan,
    progress: &dyn Fn(f64, &str) -> ControlFlow<()>,
) -> Result<Cleaned, CleanError> {
    if plan.width != columns.len() {
        return Err(internal("the plan was made for other columns"));
    }
    step(progress, 0.0, "reading the columns")?;
    let (at_ms, data) = frame::split(frame, columns)?;
    let mut work = OngoingCleaning {
        plan,
        zone,
        units: BTreeMap::new(),
        metas: columns.to_vec(),
        intervals: Vec::new(),
        least_step_ms: 0,
        parsed: at_ms.len() as u64,
        sampled: vec![true; at_ms.len()],
        at_ms,
        data,
        events: Vec::new(),
        warnings: plan.warnings.clone(),
        judged: Vec::new(),
        counters: Vec::new(),
        growing: BTreeMap::new(),
        no_registers: Vec::new(),
        resampling: Resampling::default(),
        ran: Vec::new(),
        stopped: BTreeMap::new(),
        sensor_hits: BTreeMap::new(),
        width: columns.len(),
    };
    work.resolve_units()?;
    let steps = Steps::new(&work.at_ms);
    work.intervals =
        (work.data.par_iter().zip(&work.metas)).map(|(data, meta)| own_interval(&steps, data, meta)).collect();
    work.least_step_ms = steps.least_ms;
    work.judge_registers();
    step(progress, 0.03, "setting sensors against each other")?;
    work.judge_sensors();
    work.judge_cells(progress)?;
    let growths = work.growths();
    work.resample(growths, progress)?;
    step(progress, 0.8, "deriving columns")?;
    work.derive();
    step(progress, 0.85, "judging rows")?;
    let found = work.judge_rows()?;
    step(progress, 0.9, "dropping rows")?;
    let rows = work.drop_rows(&found);
    step(progress, 0.95, "assembling the frame")?;
    reconciliation::finish(work, found, rows)
}

/// What other columns say of a column's rows.
struct PlantContext {
    /// Whether each driver runs, by its name.
    running: BTreeMap<String, DriverStates>,
    /// Speeds of machines that drive a column, by their index.
    speeds: BTreeMap<usize, Vec<f64>>,
    /// The dry-bulb's column, and its values in °C.
    dry_bulb: Option<(usize, Vec<f64>)>,
    /// Spikes by column.
    spikes: BTreeMap<usize, SpikeScan>,
}

/// Whether a driver runs.
struct DriverStates {
    running: Running,
    /// Its first row at which that is known.
    first_known: Option<usize>,
    /// Rows at which it is not.
    unknown: Vec<usize>,
}

/// Cells that were not judged because the state of their driver is not known.
#[derive(Default)]
struct UnknownStates {
    columns: Vec<String>,
    /// Those cells, and all cells of these columns.
    cells: u64,
    of: u64,
}

/// The interval at which a column is recorded and the one at which it is seen, ms.
fn own_interval(steps: &Steps<'_>, data: &ColumnData, meta: &ColumnMeta) -> Option<(f64, f64)> {
    let nulls = usize::try_from(data.summary().nulls).ok()?;
    let seen_ms = steps.own_ms(data.values(), nulls);
    Some((interval_ms(meta, seen_ms)?, seen_ms?))
}

impl OngoingCleaning<'_> {
    /// Whether each driver runs, row by row, for those that say so.
    fn running(&self) -> BTreeMap<String, DriverStates> {
        let mut by_driver: BTreeMap<String, Vec<Sign>> = BTreeMap::new();
        for driver in &self.plan.drivers {
            let signs: Vec<Sign> = match driver {
                Driver::Stated(sign, _) => vec![*sign],
                Driver::Machine(index) => {
                    self.plan.machines.all.get(*index).and_then(|machine| machine.sign).into_iter().collect()
                }
                Driver::Plant => self.plan.machines.plant.clone(),
                Driver::Weather | Driver::Itself | Driver::Unknown => continue,
            };
            by_driver.entry(self.plan.machines.name(driver)).or_insert(signs);
        }
        let states = |signs: Vec<Sign>| {
            let running = machines::running(&self.at_ms, &signs, |index| self.values(index), |index| self.hold(index));
            let is_unknown = |state: &MachineState| *state == MachineState::Unknown;
            let unknown = running.iter().enumerate().filter(|(_, state)| is_unknown(state)).map(|(row, _)| row);
            let unknown: Vec<usize> = unknown.collect();
            DriverStates { first_known: running.iter().position(|state| !is_unknown(state)), unknown, running }
        };
        by_driver.into_par_iter().map(|(name, signs)| (name, states(signs))).collect()
    }

    /// The speed of each machine that drives a column and has one.
    fn speeds(&self) -> BTreeMap<usize, Vec<f64>> {
        let mut speeds = BTreeMap::new();
        for driver in &self.plan.drivers {
            if let Driver::Machine(machine) = driver
                && let Some(column) = self.plan.machines.all.get(*machine).and_then(|found| found.speeds.first())
            {
                speeds.entry(*machine).or_insert_with(|| self.values(*column).to_vec());
            }
        }
        speeds
    }

    /// How long a record of a column says what its machine does.
    pub(super) fn hold(&self, index: usize) -> Hold {
        let own_ms = self.intervals.get(index).copied().flatten().map(|(own, _)| own);
        // Of bins, not of the samples in them.
        let binned = self.resampling.applied.is_some().then(|| self.step_ms() as f64);
        let interval_ms = match (own_ms, binned) {
            (Some(own), Some(bin)) => Some(own.max(bin)),
            (own, bin) => own.or(bin),
        };
        let sampled = Hold { longest_ms: 0, ends_with_null: false };
        self.metas.get(index).map_or(sampled, |meta| Hold::of(meta, self.values(index), interval_ms))
    }

    /// Says of each driver how many cells were not judged because nothing says whether it ran.
    fn warn_of_unknown_states(&mut self, context: &PlantContext, unknown: BTreeMap<String, UnknownStates>) {
        for (driver, UnknownStates { columns, cells, of }) in unknown {
            let first = context.running.get(&driver).and_then(|states| self.at_ms.get(states.first_known?)).copied();
            let when = match first {
                None => "at any time".to_owned(),
                Some(first) if self.at_ms.first() == Some(&first) => "at all times".to_owned(),
                Some(first) => format!("before {}", self.local(first)),
            };
            let names = match columns.as_slice() {
                [one] => one.clone(),
                several => format!("{} columns that it moves", several.len()),
            };
            let message = format!(
                "frozen: {cells} of {of} cells of {names} were not judged, because it is not known whether {driver} ran {when}; columns.runs_with can name another column that tells"
            );
            self.warn("state_unknown", None, cells, message);
        }
    }

    /// The dry-bulb's column, and its values in °C row by row: NaN for none, and for one that cannot be.
    fn dry_bulb(&self) -> Option<(usize, Vec<f64>)> {
        let [index] = self.plan.roles.get(&Role::DryBulb)?.columns.as_slice() else { return None };
        let (_, unit) = self.units.get(index)?;
        let limits = self.range(*index)?.limits;
        let possible = |value: &f64| if limits.contains(*value) { unit.convert(*value) } else { f64::NAN };
        Some((*index, self.values(*index).iter().map(possible).collect()))
    }

    fn judge_cells(&mut self, progress: &dyn Fn(f64, &str) -> ControlFlow<()>) -> Result<(), CleanError> {
        let judges = |rule: Rule| self.plan.rules.get(&rule).is_some_and(|planned| !planned.columns.is_empty());
        let running = if judges(Rule::Frozen) || judges(Rule::Spike) { self.running() } else { BTreeMap::new() };
        let speeds = if judges(Rule::Frozen) || judges(Rule::Spike) { self.speeds() } else { BTreeMap::new() };
        let spikes = if judges(Rule::Spike) {
            let staging = machines::staging(
                &self.plan.machines,
                &self.at_ms,
                |index| self.values(index),
                |index| self.hold(index),
            );
            let states = running.iter().map(|(name, states)| (name.clone(), states.running.as_slice())).collect();
            self.spikes(MachineRecords { running: &states, staging: staging.as_deref(), speeds: &speeds })
        } else {
            BTreeMap::new()
        };
        let context = PlantContext {
            spikes,
            running,
            speeds,
            dry_bulb: if judges(Rule::OutOfRange) { self.dry_bulb() } else { None },
        };
        let mut data = std::mem::take(&mut self.data);
        let mut judged: Vec<CellFindings> = Vec::with_capacity(data.len());
        let count = data.len().max(1) as f64;
        for (chunk, columns) in data.chunks_mut(CHUNK).enumerate() {
            step(progress, 0.05 + 0.45 * (chunk * CHUNK) as f64 / count, "judging cells")?;
            let judge =
                |(place, data): (usize, &mut ColumnData)| self.judge_column(chunk * CHUNK + place, data, &context);
            judged.extend(columns.par_iter_mut().enumerate().map(judge).collect::<Result<Vec<_>, CleanError>>()?);
        }
        self.data = data;
        let mut unknown: BTreeMap<String, UnknownStates> = BTreeMap::new();
        for ((column, driver), meta) in judged.iter_mut().zip(&self.plan.drivers).zip(&self.metas) {
            self.events.append(&mut column.events);
            if column.state_unknown > 0 {
                let of_driver = unknown.entry(self.plan.machines.name(driver)).or_default();
                of_driver.columns.push(meta.name.clone());
                (of_driver.cells, of_driver.of) =
                    (of_driver.cells + column.state_unknown, of_driver.of + column.before.count);
            }
        }
        self.warn_of_unknown_states(&context, unknown);
        self.warn_of_notes(&judged);
        self.judged = judged;
        Ok(())
    }

    fn judge_column(
        &self,
        index: usize,
        data: &mut ColumnData,
        context: &PlantContext,
    ) -> Result<CellFindings, CleanError> {
        let (Some(meta), ColumnData::Numbers(cells)) = (self.metas.get(index), &mut *data) else {
            let before = data.summary();
            return Ok(CellFindings { before, kept: before.count, ..CellFindings::default() });
        };
        let plan = self.plan;
        let asked = |rule: Rule| plan.rules.get(&rule).is_some_and(|planned| planned.columns.contains(&index));
        let driver = plan.drivers.get(index).ok_or_else(|| internal("the plan knows no driver of a column"))?;
        let states = context.running.get(&plan.machines.name(driver)).filter(|_| driver.known() == Knowledge::Runs);
        let unit = self.units.get(&index);
        let wet = unit.filter(|(quantity, _)| *quantity == Quantity::WetBulb && asked(Rule::OutOfRange));
        let dry_bulb = wet.and_then(|(_, unit)| {
            let (index, values_c) = context.dry_bulb.as_ref()?;
            let (name, margin_k) = (&self.metas.get(*index)?.name, plan.parameters.thresholds.wet_bulb_margin_k);
            Some((unit, DryBulb { name, values_c, margin_k }))
        });
        let look = ColumnUnderTest {
            name: &meta.name,
            at_ms: &self.at_ms,
            interval_ms: self.intervals.get(index).copied().flatten(),
            least_step_ms: self.least_step_ms,
            range: if asked(Rule::OutOfRange) {
                self.range(index).filter(|range| !range.judged_before(meta))
            } else {
                None
            },
            dry_bulb,
            spikes: context.spikes.get(&index),
            frozen: asked(Rule::Frozen),
            known: driver.known(),
            running: states.map(|states| states.running.as_slice()),
            speed: match driver {
                Driver::Machine(machine) => context.speeds.get(machine).map(Vec::as_slice),
                _ => None,
            },
            zero_stands: matches!(driver, Driver::Itself | Driver::Unknown),
            may_idle: asked(Rule::Frozen)
                && *driver != Driver::Weather
                && may_idle(meta, unit.map(|(quantity, _)| *quantity)),
            bound: unit.filter(|(quantity, _)| *quantity == Quantity::Humidity).map(|_| 100.0),
            on_change: on_change(meta),
            driver: plan.machines.in_words(driver),
            thresholds: &plan.parameters.thresholds,
            filter: plan.parameters.filter_invalid,
        };
        let rows = states.filter(|_| look.frozen).map_or(&[][..], |states| &states.unknown);
        let has_value = |row: &&usize| cells.values().get(**row).is_some_and(|value| !value.is_nan());
        let unknown = rows.iter().filter(has_value).count() as u64;
        let mut findings = judge::judge(&look, cells)?;
        if unknown > 0 {
            let name = plan.machines.name(driver);
            let of = findings.before.count;
            let text = format!("{unknown} of {of} cells were not judged: it is not known whether {name} ran");
            findings.notes.push(CellNote { rule: Rule::Frozen, text, cells: unknown, warns: None });
            findings.state_unknown = unknown;
        }
        if look.range.is_none() && asked(Rule::OutOfRange) && self.range(index).is_some() {
            let text = "an earlier cleaning has judged it by the same limits".to_owned();
            findings.notes.push(CellNote { rule: Rule::OutOfRange, text, cells: 0, warns: None });
        }
        Ok(findings)
    }

    /// What a user should know of what was not judged, or not hit.
    fn warn_of_notes(&mut self, judged: &[CellFindings]) {
        for (index, findings) in judged.iter().enumerate() {
            let Some(name) = self.metas.get(index).map(|meta| meta.name.clone()) else { continue };
            for note in &findings.notes {
                let Some(code) = note.warns else { continue };
                self.warn(code, Some(name.clone()), note.cells, format!("{}: {name}: {}", note.rule.name(), note.text));
            }
        }
    }
}
