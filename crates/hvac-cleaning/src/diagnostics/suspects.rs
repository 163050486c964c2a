//! Sensors that the laws between sensors speak against: what they read then is no evidence against a machine.
//!
//! The rules are those of a cleaning ([`crate::consistency`]: offset, drift, swap, unit, time), with their default limits,
//! asked again here, for a version may have been cleaned without them, or not at all.

use std::collections::BTreeMap;

use super::reader::Reader;
use crate::consistency::{self, Sensor, SensorFault, SensorFinding, Tag};
use crate::parameters::Thresholds;
use crate::quantity::{Quantity, Unit, quantity_of};
use crate::sampling::{interval_ms, on_change, own_step_ms};
use crate::sensor_tags;
use hvac_frame::column::ColumnMeta;

/// A point on change of value is believed for so long, ms.
const ON_CHANGE_MS: f64 = 6.0 * 3_600_000.0;
/// An error that grows is there before it can be told: so long before are readings left out too, ms.
const BEFORE_MS: i64 = 3 * 86_400_000;

/// A sensor, and when it is not to be believed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Suspect {
    /// Its column, by index and by name.
    pub(super) column: usize,
    pub(super) name: String,
    /// What is wrong with it.
    pub(super) fault: &'static str,
    /// UTC ms, both included.
    pub(super) span_ms: (i64, i64),
}

impl Suspect {
    /// Takes its readings of that time out.
    pub(super) fn leave_out(&self, at_ms: &[i64], kept: &mut BTreeMap<usize, Vec<f64>>) {
        let (from, to) = self.span_ms;
        let rows = at_ms.partition_point(|at| *at < from)..at_ms.partition_point(|at| *at <= to);
        let values = kept.get_mut(&self.column).and_then(|values| values.get_mut(rows));
        values.into_iter().flatten().for_each(|value| *value = f64::NAN);
    }
}

/// A point whose name, kind and unit say what it is.
struct Told {
    column: usize,
    tag: Tag,
    /// What its unit is of, the unit, and whether only its values tell it; none for states.
    unit: Option<(Quantity, Unit, bool)>,
    interval_ms: f64,
}

impl Told {
    fn sensor<'s>(&'s self, columns: &'s [ColumnMeta], kept: &'s BTreeMap<usize, Vec<f64>>) -> Option<Sensor<'s>> {
        Some(Sensor {
            name: columns.get(self.column)?.name.as_str(),
            tag: self.tag,
            unit: self.unit.as_ref().map(|(quantity, unit, _)| (*quantity, unit)),
            unit_by_values: self.unit.as_ref().is_some_and(|(_, _, by_values)| *by_values),
            values: kept.get(&self.column)?,
            interval_ms: self.interval_ms,
        })
    }
}

/// Every sensor that is spoken against.
///
/// # Errors
/// That of reading a column.
pub(super) fn find<E>(reader: &mut Reader<'_, '_, E>, at_ms: &[i64]) -> Result<Vec<Suspect>, E> {
    let columns = reader.columns;
    let mut told: Vec<Told> = Vec::new();
    for (index, tag) in sensor_tags::tags(columns) {
        let Some(column) = columns.get(index) else { continue };
        let unit = match quantity_of(column) {
            Some(quantity) => reader.unit(index, quantity)?.map(|(unit, by_values)| (quantity, unit, by_values)),
            None => None,
        };
        if tag.is_sensor() && unit.is_none() {
            continue;
        }
        let values = reader.raw(index)?;
        let interval =
            if on_change(column) { Some(ON_CHANGE_MS) } else { interval_ms(column, own_step_ms(at_ms, values)) };
        told.extend(interval.map(|interval_ms| Told { column: index, tag, unit, interval_ms }));
    }
    let sensors: Vec<Sensor<'_>> = told.iter().filter_map(|told| told.sensor(columns, &reader.kept)).collect();
    let limits = Thresholds::default().sensor_limits();
    let suspect = |found: SensorFinding| {
        let Told { column, tag, .. } = told.get(found.sensor)?;
        // A state by a clock that is late still tells how often its machine starts.
        if found.fault == SensorFault::TimeShift && !tag.is_sensor() {
            return None;
        }
        let (from, to) = found.span_ms;
        let fault = match found.fault {
            SensorFault::Drift => "drift",
            SensorFault::Offset => "offset",
            SensorFault::Swap => "swap",
            SensorFault::WrongUnit => "wrong_unit",
            SensorFault::TimeShift => "time_shift",
        };
        let before_ms = if found.fault == SensorFault::Drift { BEFORE_MS } else { 0 };
        let name = columns.get(*column)?.name.clone();
        Some(Suspect { column: *column, name, fault, span_ms: (from.saturating_sub(before_ms), to) })
    };
    Ok(consistency::judge(sensors, at_ms, &limits).into_iter().filter_map(suspect).collect())
}

/// What of these columns was left out, in words; empty when nothing was.
pub(super) fn in_words(suspects: &[Suspect], columns: &[String]) -> String {
    let mut of: Vec<String> =
        suspects.iter().filter(|s| columns.contains(&s.name)).map(|s| format!("{} ({})", s.name, s.fault)).collect();
    of.sort_unstable();
    of.dedup();
    match of.as_slice() {
        [] => String::new(),
        all => format!("readings of {} are left out while other sensors speak against them", all.join(", ")),
    }
}
