//! Diagnostics: faults of machines, each of one machine on one day, with the numbers that say so.
//!
//! A rule is one file; its formula, source and defaults stand there. All of them compare a machine with itself – its own
//! past, its own best decile, its own schedule – never with a maker's curve. What a rule cannot judge is told in
//! [`Coverage`], with what is missing. `docs/FINDINGS.md` has the rules on one page.

use chrono_tz::Tz;

use hvac_frame::column::ColumnMeta;

mod air;
mod beside;
mod best_decile;
mod finding;
mod fouling;
mod limits;
mod low_delta_t;
mod own_past;
mod plant;
mod reader;
mod schedule;
mod short_cycling;
mod simultaneous;
mod suspects;

pub use self::finding::{Coverage, Diagnosis, Evidence, FaultKind, Finding};
pub use self::limits::DiagnosticLimits;
use self::plant::Plant;

/// Changes whenever the same frame and limits would be diagnosed otherwise.
pub const DIAGNOSTICS_VERSION: &str = "4";

/// Judges a stored frame: its `columns`, the times of its rows (UTC ms, ascending), and `read`, which gives a column's
/// values by its index, NaN where there is none; only columns that a rule needs are asked for. `zone` is the site's.
///
/// # Errors
/// That of `read`.
pub fn diagnose<E>(
    columns: &[ColumnMeta],
    at_ms: &[i64],
    zone: Tz,
    limits: &DiagnosticLimits,
    read: &mut dyn FnMut(usize) -> Result<Vec<f64>, E>,
) -> Result<Diagnosis, E> {
    let plant = Plant::read(columns, at_ms, zone, read)?;
    let mut found = Diagnosis::default();
    let mut add = |(findings, coverage): (Vec<Finding>, Vec<Coverage>)| {
        found.findings.extend(findings);
        found.coverage.extend(coverage);
    };
    let one = |(findings, coverage): (Vec<Finding>, Coverage)| (findings, vec![coverage]);
    let nothing = |kind: FaultKind, note: &str| {
        let note = note.to_owned();
        (Vec::new(), vec![Coverage { kind, machine: String::new(), days_judged: 0, days_found: 0, note }])
    };
    if plant.chillers.is_empty() {
        for kind in [FaultKind::Fouling, FaultKind::ShortCycling] {
            add(nothing(kind, "no chiller tells whether it runs"));
        }
    }
    fouling::judge(&plant, limits).into_iter().for_each(|found| add(one(found)));
    for chiller in &plant.chillers {
        let by_state = plant.machines.iter().any(|machine| machine.name == chiller.name && machine.by_state);
        add(one(short_cycling::judge(&plant, chiller, by_state, limits)));
    }
    add(one(low_delta_t::judge(&plant, limits)));
    let pairs: Vec<_> = plant.air.iter().filter_map(|unit| simultaneous::judge(&plant, unit, limits)).collect();
    if pairs.is_empty() {
        let note = "no air handler has both a cooling and a heating valve";
        add(nothing(FaultKind::SimultaneousHeatingCooling, note));
    }
    pairs.into_iter().for_each(|pair| add(one(pair)));
    let scheduled = schedule::judge(&plant, limits);
    if scheduled.1.is_empty() {
        add(nothing(FaultKind::OutOfSchedule, "no machine tells whether it runs"));
    }
    add(scheduled);
    found.findings.sort_by(|a, b| (a.day, &a.machine, a.kind).cmp(&(b.day, &b.machine, b.kind)));
    found.coverage.sort_by(|a, b| (a.kind, &a.machine).cmp(&(b.kind, &b.machine)));
    Ok(found)
}
