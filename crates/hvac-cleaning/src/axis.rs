//! The axis of a cleaning: whether and how the rows are put into bins, and what a cell stands for after it.

use std::collections::{BTreeMap, HashSet};
use std::ops::ControlFlow;

use rayon::prelude::*;

use super::bins::Bins;
use super::cells::NumberCells;
use super::counter::{self, IncidentKind};
use super::derive;
use super::frame::ColumnData;
use super::judge::EventSpan;
use super::plan::PlannedPump;
use super::range::RangeLimits;
use super::report::{CounterUse, Event, LeftOut, Rule};
use super::resample::{self, Aggregate, ResampleGrid};
use super::sampling::{self, number};
use super::work::{Growing, OngoingCleaning, step};
use super::{CleanError, internal, judge};
use hvac_frame::column::{CleanedCells, ColumnMeta, Kind, NullReason};
use hvac_frame::kinds::{Course, Described, kind_of_numbers};

/// The evidence of a kind that the user stated.
const STATED: &str = "stated by the user";
/// Columns that are worked on between two calls of `progress`.
const CHUNK: usize = 32;
/// Empty bins stay only while they are no more than this many times the rows, and so many more.
const MOST_EMPTY: (i64, i64) = (4, 100_000);

impl OngoingCleaning<'_> {
    /// Registers that fall as no register does: their kind is told again by their values, unless the user stated it.
    pub(super) fn judge_registers(&mut self) {
        let registers =
            (0..self.width).filter(|index| self.metas.get(*index).is_some_and(|meta| meta.kind == Kind::Counter));
        let falling: Vec<(usize, u64, u64)> = registers
            .filter_map(|index| counter::falls_freely(self.values(index)).map(|(falls, steps)| (index, falls, steps)))
            .collect();
        for (index, falls, steps) in falling {
            let mut course = Course::default();
            course.extend(&self.values(index).iter().copied().filter(|value| !value.is_nan()).collect::<Vec<_>>());
            let Some(meta) = self.metas.get_mut(index) else { continue };
            let described =
                Described { original_name: &meta.original_name, unit: meta.unit.as_deref(), of_intervals: false };
            let (kind, _) = kind_of_numbers(described, &course);
            let fits = if kind == Kind::IntervalTotal { "interval_total" } else { "instantaneous" };
            let share = number((1000.0 * falls as f64 / steps as f64).round() / 10.0);
            let why = format!("it falls at {falls} of {steps} steps ({share} %), as no register does");
            let stated = meta.kind_evidence == STATED;
            let name = meta.name.clone();
            let done = if stated {
                format!(
                    "it stays a register, as stated, but nothing is derived of it; kind {fits} fits, which a parse can be told"
                )
            } else {
                meta.kind = if kind == Kind::Counter { Kind::Instantaneous } else { kind };
                meta.kind_evidence = format!("judged again at cleaning: {why}");
                format!("it is taken for {fits}; if it is one, state its kind when it is parsed")
            };
            self.warn("no_register", Some(name.clone()), falls, format!("{name} is no register: {why}; {done}"));
            self.no_registers.push(LeftOut { column: name, reason: format!("{why}: kind {fits} fits") });
        }
    }

    /// The growth of every register, on the parsed axis.
    pub(super) fn growths(&mut self) -> Vec<(usize, NumberCells)> {
        let Some(planned) = self.plan.rules.get(&Rule::Counter) else { return Vec::new() };
        let known = self.names();
        let fresh = |index: &&usize| {
            let name = self.metas.get(**index).map(|meta| consumption_name(&meta.name));
            name.is_none_or(|name| !known.contains(name.as_str()))
        };
        let is_register = |index: &&usize| {
            let meta = self.metas.get(**index);
            meta.is_some_and(|meta| {
                meta.kind == Kind::Counter && self.no_registers.iter().all(|no| no.column != meta.name)
            })
        };
        let grown: Vec<(usize, counter::Growth)> = planned
            .columns
            .par_iter()
            .filter(is_register)
            .filter(fresh)
            .filter_map(|index| {
                let (interval, _) = self.intervals.get(*index).copied().flatten()?;
                Some((*index, counter::growth(&self.at_ms, self.values(*index), interval)))
            })
            .collect();
        let mut cells = Vec::new();
        for (index, growth) in grown {
            let Some(name) = self.metas.get(index).map(|meta| meta.name.clone()) else { continue };
            self.counters.push(counter_use(&name, &growth));
            let readings = self.data.get(index).map_or(0, ColumnData::present);
            self.growing.insert(index, Growing { readings, incidents: growth.incidents.len() as u64 });
            push_incidents(&mut self.events, &name, &growth.incidents);
            cells.push((index, NumberCells::new(growth.rows, NullReason::NotDerivable)));
        }
        cells
    }

    pub(super) fn resample(
        &mut self,
        growths: Vec<(usize, NumberCells)>,
        progress: &dyn Fn(f64, &str) -> ControlFlow<()>,
    ) -> Result<(), CleanError> {
        let grid = self.grid();
        let extra = self.extra_columns(&growths, grid.is_some());
        if let Some(grid) = &grid {
            self.ran = self.plan.pumps.iter().map(|pump| self.ran_throughout(pump, &grid.bins)).collect();
            self.warn_of_partial_sums(grid)?;
            let mut data = std::mem::take(&mut self.data);
            let count = data.len().max(1) as f64;
            let fractions = self.on_fractions(&data, grid)?;
            for (chunk, columns) in data.chunks_mut(CHUNK).enumerate() {
                step(progress, 0.5 + 0.3 * (chunk * CHUNK) as f64 / count, "resampling")?;
                columns.par_iter_mut().enumerate().try_for_each(|(place, data)| {
                    let meta = self.metas.get(chunk * CHUNK + place);
                    let how = Aggregate::of(meta.ok_or_else(|| internal("a column has no metadata"))?);
                    resample_column(&self.at_ms, data, grid, how)
                })?;
            }
            self.data = data;
            let sum = |(_, cells): (usize, NumberCells)| {
                Ok(ColumnData::Numbers(resample::numbers(&self.at_ms, &cells, grid, Aggregate::Sum)?))
            };
            let grown: Vec<ColumnData> = growths.into_par_iter().map(sum).collect::<Result<_, CleanError>>()?;
            self.data.extend(fractions);
            self.data.extend(grown);
            self.sampled = grid.bins.rows.iter().map(|rows| !rows.is_empty()).collect();
            self.at_ms.clone_from(&grid.bins.starts_ms);
        } else {
            self.data.extend(growths.into_iter().map(|(_, cells)| ColumnData::Numbers(cells)));
        }
        self.describe_cells(grid.is_some());
        self.metas.extend(extra);
        Ok(())
    }

    /// The bins, when there is something to put together; the report says why (not).
    fn grid(&mut self) -> Option<ResampleGrid> {
        let wanted = self.plan.parameters.resample_interval;
        let seen = self.intervals.iter().flatten().map(|(own, _)| *own).min_by(f64::total_cmp);
        // A cleaning that left no row still knows how its rows stood.
        let said = || self.metas.iter().filter_map(|meta| meta.cleaned.as_ref()?.interval_s).min();
        let data_ms = seen.or_else(|| said().map(|seconds| f64::from(seconds) * 1000.0));
        let seconds = data_ms.map(sampling::seconds);
        self.resampling.requested = wanted.map(|interval| interval.name().to_owned());
        self.resampling.data_interval_s = seconds;
        let Some(interval) = wanted else {
            self.resampling.note = "no resampling was asked for".to_owned();
            return None;
        };
        if let Some(own) = data_ms.filter(|own| (interval.ms() as f64) < 0.99 * own) {
            let own = sampling::duration(own);
            let note = format!(
                "rows keep their own spacing: {interval} is finer than the data, which are recorded every {own}"
            );
            self.warn("interval_finer_than_data", None, self.parsed, note.clone());
            self.resampling.note = note;
            return None;
        }
        let span_ms = self.at_ms.first().zip(self.at_ms.last()).map_or(0, |(first, last)| last - first);
        let most = MOST_EMPTY.0 * i64::try_from(self.parsed).unwrap_or(i64::MAX / 8) + MOST_EMPTY.1;
        let too_many = span_ms / interval.ms() > most;
        if too_many && self.plan.parameters.keep_empty_bins {
            let note = "the rows have gaps so long that their empty bins were left out; is there a wrong date?";
            self.warn("empty_bins_left_out", None, 1, note.to_owned());
        }
        let bins = Bins::new(&self.at_ms, interval, self.zone, self.plan.parameters.keep_empty_bins && !too_many);
        self.resampling.applied = Some(interval.name().to_owned());
        let grid = ResampleGrid::new(bins, &self.at_ms, interval, self.zone);
        self.resampling.empty_bins = grid.empty as u64;
        self.resampling.note = format!(
            "each bin by kind of point: mean of readings, last of registers and texts, sum of amounts of intervals, maximum of states, on the clock of {}",
            self.zone
        );
        Some(grid)
    }

    /// Sums are of the amounts that are there, so that none is lost; where some are missing, a sum is less than its bin's.
    fn warn_of_partial_sums(&mut self, grid: &ResampleGrid) -> Result<(), CleanError> {
        for index in 0..self.metas.len() {
            let (Some(meta), Some(ColumnData::Numbers(cells))) = (self.metas.get(index), self.data.get(index)) else {
                continue;
            };
            let Some((own_ms, _)) = self.intervals.get(index).copied().flatten() else { continue };
            if meta.kind != Kind::IntervalTotal || grid.keeps_cells(Aggregate::Sum) {
                continue;
            }
            let (bins, missing) = resample::partial_sums(cells, grid, own_ms)?;
            if bins > 0 {
                let (name, of) = (meta.name.clone(), grid.edges.len());
                let message = format!(
                    "{bins} of {of} sums of {name} lack {missing} of its intervals of {}: they are of those that are there",
                    sampling::duration(own_ms)
                );
                self.warn("partial_sums", Some(name), bins, message);
            }
        }
        Ok(())
    }

    /// The bins in which a machine ran at each of its samples: the mean of a machine that stood for a while obeys
    /// no law.
    fn ran_throughout(&self, pump: &PlannedPump, bins: &Bins) -> Vec<bool> {
        let thresholds = &self.plan.parameters.thresholds;
        let (speed, power) = (self.values(pump.speed), self.power_kw(pump.power));
        let stands = |row: usize| {
            let (Some(speed), Some(power)) = (speed.get(row), power.get(row)) else { return false };
            *speed <= thresholds.running_speed || *power <= thresholds.running_kw
        };
        bins.rows.iter().map(|rows| !rows.clone().any(stands)).collect()
    }

    /// A column of electric power in kW; as it is where its unit is not known.
    pub(super) fn power_kw(&self, index: usize) -> Vec<f64> {
        let unit = self.units.get(&index).map(|(_, unit)| unit);
        self.values(index).iter().map(|value| unit.map_or(*value, |unit| unit.convert(*value))).collect()
    }

    /// Shares of time for which each status was on.
    fn on_fractions(&self, data: &[ColumnData], grid: &ResampleGrid) -> Result<Vec<ColumnData>, CleanError> {
        let statuses: Vec<usize> = self.fractions();
        let fraction = |index: &usize| match (data.get(*index), self.metas.get(*index)) {
            (Some(ColumnData::Numbers(cells)), Some(meta)) => {
                let fraction = resample::on_fraction(&self.at_ms, cells, grid, sampling::on_change(meta))?;
                Ok(ColumnData::Numbers(fraction))
            }
            _ => Err(internal("a status is no column of numbers")),
        };
        statuses.par_iter().map(fraction).collect()
    }

    /// Statuses that get a share beside them.
    fn fractions(&self) -> Vec<usize> {
        if !self.plan.parameters.on_fraction {
            return Vec::new();
        }
        let known = self.names();
        let statuses = self
            .metas
            .iter()
            .enumerate()
            .filter(|(_, meta)| meta.kind == Kind::Status && !known.contains(fraction_name(&meta.name).as_str()));
        statuses.map(|(index, _)| index).collect()
    }

    fn names(&self) -> HashSet<&str> {
        self.metas.iter().map(|meta| meta.name.as_str()).collect()
    }

    /// Metadata of on-fractions and consumptions.
    fn extra_columns(&self, growths: &[(usize, NumberCells)], binned: bool) -> Vec<ColumnMeta> {
        let cleaned = |aggregate: &str| CleanedCells {
            interval_s: self.row_interval_s(binned),
            aggregate: binned.then(|| aggregate.to_owned()),
            judged: BTreeMap::new(),
        };
        let fractions = if binned { self.fractions() } else { Vec::new() };
        let fractions = fractions.into_iter().filter_map(|index| self.metas.get(index)).map(|status| {
            let formula = "share of the interval during which it was on";
            derive::meta(&fraction_name(&status.name), None, formula, vec![status.name.clone()], cleaned("mean"))
        });
        let grown = growths.iter().filter_map(|(index, _)| self.metas.get(*index)).map(|register| {
            let formula = "growth of the register since the interval before, resets and rollovers taken out";
            let mut cleaned = cleaned("sum");
            cleaned.aggregate = Some("sum".to_owned());
            derive::meta(
                &consumption_name(&register.name),
                register.unit.as_deref(),
                formula,
                vec![register.name.clone()],
                cleaned,
            )
        });
        fractions.chain(grown).collect()
    }

    pub(super) fn row_interval_s(&self, binned: bool) -> Option<u32> {
        match self.plan.parameters.resample_interval {
            Some(interval) if binned => Some(interval.minutes() * 60),
            _ => self.resampling.data_interval_s,
        }
    }

    /// The limits of a column whose cells were judged by its own zero, and nulled.
    fn own_zero(&self, index: usize) -> Option<RangeLimits> {
        let planned = self.plan.rules.get(&Rule::OutOfRange)?;
        let judged = self.plan.parameters.filter_invalid && planned.columns.contains(&index);
        self.range(index).filter(|range| judged && range.zero.is_some())
    }

    /// What a cell of each parsed column now stands for.
    fn describe_cells(&mut self, binned: bool) {
        let interval_s = self.row_interval_s(binned);
        let ranges: Vec<Option<RangeLimits>> = (0..self.metas.len()).map(|index| self.own_zero(index)).collect();
        for (index, meta) in self.metas.iter_mut().enumerate() {
            let before = meta.cleaned.take().unwrap_or_default();
            let own = self.intervals.get(index).copied().flatten();
            let own_s = own.map(|(own, _)| sampling::seconds(own));
            let mut cleaned = CleanedCells { judged: before.judged.clone(), ..CleanedCells::default() };
            meta.cleaned = Some(before);
            cleaned.aggregate = match binned {
                true => Some(Aggregate::of(meta).name().to_owned()),
                false => meta.cleaned.as_ref().and_then(|before| before.aggregate.clone()),
            };
            cleaned.interval_s = if binned { interval_s.max(own_s) } else { own_s };
            for rule in [Rule::Spike, Rule::Frozen] {
                let planned = self.plan.rules.get(&rule).is_some_and(|planned| planned.columns.contains(&index));
                if planned && self.plan.parameters.filter_invalid {
                    cleaned.judged.insert(rule.name().to_owned(), self.plan.limits_in_words(rule));
                }
            }
            if let Some(range) = ranges.get(index).and_then(Option::as_ref) {
                cleaned.judged.insert(Rule::OutOfRange.name().to_owned(), range.memory());
            }
            meta.cleaned = Some(cleaned);
            if let (None, Some((_, unit))) = (&meta.unit, self.units.get(&index)) {
                meta.unit = Some(unit.unit.to_owned()).filter(|unit| !unit.is_empty());
                meta.unit_evidence = meta.unit.as_ref().map(|_| unit.evidence.clone());
            }
        }
    }
}

fn fraction_name(status: &str) -> String {
    format!("{status}_on_fraction")
}

fn consumption_name(register: &str) -> String {
    format!("{register}_consumption")
}

fn resample_column(
    at_ms: &[i64],
    data: &mut ColumnData,
    grid: &ResampleGrid,
    how: Aggregate,
) -> Result<(), CleanError> {
    if !grid.keeps_cells(how) {
        return into_bins(at_ms, data, grid, how);
    }
    if let (ColumnData::Numbers(cells), Aggregate::Mean | Aggregate::TimeWeighted) = (data, how) {
        cells.drop_sign_of_zero();
    }
    Ok(())
}

/// Makes a column's cells those of the bins.
pub(super) fn into_bins(
    at_ms: &[i64],
    data: &mut ColumnData,
    grid: &ResampleGrid,
    how: Aggregate,
) -> Result<(), CleanError> {
    match data {
        ColumnData::Numbers(cells) => *cells = resample::numbers(at_ms, cells, grid, how)?,
        ColumnData::Texts(_, rows) => {
            let bins = grid.bins.cut(rows)?;
            *rows = bins
                .into_iter()
                .map(|bin| {
                    let last = bin.iter().rev().find_map(|row| row.ok());
                    last.ok_or(if bin.is_empty() { NullReason::NoSample } else { NullReason::AsParsed })
                })
                .collect();
        }
    }
    Ok(())
}

fn counter_use(register: &str, growth: &counter::Growth) -> CounterUse {
    let of = |kind: fn(&IncidentKind) -> bool| growth.incidents.iter().filter(|i| kind(&i.what)).count() as u64;
    CounterUse {
        column: register.to_owned(),
        consumption: consumption_name(register),
        total: growth.total,
        resets: of(|what| matches!(what, IncidentKind::Reset | IncidentKind::Jump)),
        rollovers: of(|what| matches!(what, IncidentKind::Rollover(_))),
        spikes: of(|what| matches!(what, IncidentKind::Spike)),
        across_gaps: growth.across_gaps,
    }
}

/// A register's incidents as events; of too many, neighbours are put together.
fn push_incidents(events: &mut Vec<Event>, register: &str, incidents: &[counter::Incident]) {
    let span = |incident: &counter::Incident| {
        let (at, (_, after)) = (incident.at_ms, incident.readings);
        EventSpan { start: at, end: at, rows: 1, min: after, max: after }
    };
    let first_at = |span: &EventSpan| incidents.iter().find(|incident| incident.at_ms == span.start);
    let words = |span: &EventSpan| first_at(span).map(incident_in_words).unwrap_or_default();
    judge::push_events(events, Rule::Counter, Some(register), incidents.iter().map(span), words);
}

fn incident_in_words(incident: &counter::Incident) -> String {
    let (before, after) = (number(incident.readings.0), number(incident.readings.1));
    let what = match incident.what {
        IncidentKind::Spike => "a misreading, left out".to_owned(),
        IncidentKind::Rollover(size) => format!("rolled over at {}", number(size)),
        IncidentKind::Reset => "started again".to_owned(),
        IncidentKind::Jump => "rose by more than is possible; what it grew is not known".to_owned(),
    };
    format!("{after} after {before}: {what}")
}
