//! Sets a frame's sensors against each other: what [`super::consistency`] finds, as events.
//!
//! It sees the values as they were recorded, before any rule nulls some, and changes none of them.

use super::consistency::{self, Sensor, SensorFault, SensorFinding, Tag};
use super::plan::Plan;
use super::quantity::{Quantity, Unit, UnitChoice};
use super::report::{Event, Rule};
use super::work::OngoingCleaning;

/// A point on change of value is believed for so long, ms.
const ON_CHANGE_MS: f64 = 6.0 * 3_600_000.0;

impl OngoingCleaning<'_> {
    /// Judges the sensors.
    pub(super) fn judge_sensors(&mut self) {
        if self.plan.tags.is_empty() {
            return;
        }
        let (columns, sensors): (Vec<usize>, Vec<Sensor<'_>>) = self.sensors().into_iter().unzip();
        let limits = self.plan.parameters.thresholds.sensor_limits();
        let found = consistency::judge(sensors, &self.at_ms, &limits);
        let event = |found: SensorFinding| self.sensor_event(*columns.get(found.sensor)?, found);
        let events: Vec<Event> = found.into_iter().filter_map(event).collect();
        for event in &events {
            let (count, rows) = self.sensor_hits.entry(event.rule).or_default();
            (*count, *rows) = (*count + 1, *rows + event.rows);
        }
        self.events.extend(events);
    }

    /// Every point whose name, kind and unit say what it is, with its column.
    fn sensors(&self) -> Vec<(usize, Sensor<'_>)> {
        let sensor = |(index, tag): (&usize, &Tag)| {
            let column = self.metas.get(*index)?;
            let (interval_ms, _) = self.intervals.get(*index).copied().flatten()?;
            let unit: Option<(Quantity, &Unit)> = self.units.get(index).map(|(quantity, unit)| (*quantity, unit));
            if tag.is_sensor() && unit.is_none() {
                return None;
            }
            let interval_ms = if super::sampling::on_change(column) { ON_CHANGE_MS } else { interval_ms };
            let unit_by_values = is_by_values(self.plan, *index);
            let values = self.values(*index);
            Some((*index, Sensor { name: &column.name, tag: *tag, unit, unit_by_values, values, interval_ms }))
        };
        self.plan.tags.iter().filter_map(sensor).collect()
    }

    fn sensor_event(&self, column: usize, found: SensorFinding) -> Option<Event> {
        let rule = match found.fault {
            SensorFault::Drift => Rule::Drift,
            SensorFault::Offset => Rule::Offset,
            SensorFault::Swap => Rule::Swap,
            SensorFault::WrongUnit => Rule::WrongUnit,
            SensorFault::TimeShift => Rule::TimeShift,
        };
        let (from, to) = found.span_ms;
        let within = self.at_ms.iter().zip(self.values(column)).filter(|(at, _)| (from..=to).contains(*at));
        let mut times = within.filter(|(_, value)| !value.is_nan()).map(|(at, _)| *at);
        let start_at_ms = times.next()?;
        let (rows, end_at_ms) = times.fold((1, start_at_ms), |(rows, _), at| (rows + 1, at));
        let name = self.metas.get(column)?.name.clone();
        Some(Event { rule, column: Some(name), start_at_ms, end_at_ms, rows, detail: found.detail })
    }
}

fn is_by_values(plan: &Plan, index: usize) -> bool {
    matches!(plan.units.get(&index), Some((_, UnitChoice::ByValues)))
}
