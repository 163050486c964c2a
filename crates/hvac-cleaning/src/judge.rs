//! The cell rules on one column: what they hit, what becomes of the cells, and the events.
//!
//! Every rule judges the values as they were recorded, whatever the other rules find.

use std::collections::BTreeMap;

use super::cells::NumberCells;
use super::frozen;
use super::machines::MachineState;
use super::parameters::Thresholds;
use super::quantity::Unit;
use super::range::{self, RangeLimits};
use super::report::{ColumnSummary, Event, Hits, Rule};
use super::run_lengths::Sensor;
use super::sampling::{duration, number};
use super::spike;
use super::{CleanError, internal};
use hvac_frame::column::NullReason;

/// Most events of one rule on one column; the rest is put into the last one.
pub(crate) const MOST_EVENTS: usize = 2_000;

/// The cell rules, in order.
const CELL_RULES: [Rule; 3] = [Rule::OutOfRange, Rule::Spike, Rule::Frozen];

/// One column as the cell rules see it.
#[derive(Debug, Clone)]
pub(crate) struct ColumnUnderTest<'a> {
    /// Its name.
    pub(crate) name: &'a str,
    /// UTC ms.
    pub(crate) at_ms: &'a [i64],
    /// Its own interval, ms, and the median step between its rows; none with fewer than two values.
    pub(crate) interval_ms: Option<(f64, f64)>,
    /// Least step between rows, ms.
    pub(crate) least_step_ms: i64,
    /// Limits, when the range is judged.
    pub(crate) range: Option<RangeLimits>,
    /// Its unit and the dry-bulb in °C row by row, when it is a wet-bulb.
    pub(crate) dry_bulb: Option<(&'a Unit, &'a [f64], f64)>,
    /// Whether spikes are judged.
    pub(crate) spikes: bool,
    /// Whether standstill is judged.
    pub(crate) frozen: bool,
    /// Whether its equipment runs.
    pub(crate) running: Option<&'a [MachineState]>,
    /// How many machines of its plant run.
    pub(crate) staging: Option<&'a [u16]>,
    /// The same in words: `while CHP_01 ran`.
    pub(crate) driver: String,
    /// A value of 0 is a standstill: nothing else says whether its equipment runs.
    pub(crate) zero_stands: bool,
    /// A value from here on is a bound.
    pub(crate) bound: Option<f64>,
    /// It is recorded when its value changes.
    pub(crate) on_change: bool,
    /// Limits of the rules.
    pub(crate) thresholds: &'a Thresholds,
    /// Null what is hit.
    pub(crate) filter: bool,
}

/// What was found in one column.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct CellFindings {
    /// Values before.
    pub(crate) before: ColumnSummary,
    /// Cells with a value afterwards.
    pub(crate) kept: u64,
    /// Cells that each rule judged.
    pub(crate) judged: BTreeMap<Rule, u64>,
    /// Cells that each rule hit.
    pub(crate) hits: BTreeMap<Rule, Hits>,
    /// In order of rules and time.
    pub(crate) events: Vec<Event>,
}

/// Judges `cells` and, when asked, nulls what is hit.
///
/// # Errors
/// `internal` when a rule names rows that are not there.
pub(crate) fn judge(look: &ColumnUnderTest<'_>, cells: &mut NumberCells) -> Result<CellFindings, CleanError> {
    let mut judged = CellFindings { before: cells.summary(), ..CellFindings::default() };
    let values = cells.values();
    // A flag a cell from the first hit on.
    let mut flags = Vec::new();
    if let Some(range) = &look.range {
        judged.judged.insert(Rule::OutOfRange, judged.before.count);
        let extremes = [judged.before.min, judged.before.max];
        if look.dry_bulb.is_some() || !extremes.into_iter().flatten().all(|value| range.limits.contains(value)) {
            mark_range(look, range, values, &mut flags, &mut judged.events);
        }
    }
    if let (true, Some((interval, seen))) = (look.spikes, look.interval_ms) {
        let samples = spike::samples(look.at_ms, values, interval, seen);
        let (found, count) = spike::spikes(&samples, interval, look.thresholds.spike_z, look.staging);
        judged.judged.insert(Rule::Spike, count);
        for sample in &found {
            set(&mut flags, sample.first..=sample.last, Rule::Spike, values)?;
        }
        let events = found.iter().map(|sample| EventSpan {
            start: sample.at_ms,
            end: sample.end_ms,
            rows: (sample.last - sample.first + 1) as u64,
            min: sample.value,
            max: sample.value,
        });
        let words = |span: &EventSpan| format!("{}, away from its neighbours and back", number(span.max));
        push_events(&mut judged.events, Rule::Spike, Some(look.name), events, words);
    }
    if let (true, Some((interval, seen))) = (look.frozen, look.interval_ms) {
        let sensor = Sensor {
            at_ms: look.at_ms,
            values,
            running: look.running,
            zero_stands: look.zero_stands,
            bound: look.bound,
            on_change: look.on_change,
            interval_ms: interval,
            seen_ms: seen,
            least_step_ms: look.least_step_ms,
        };
        let (runs, count) = frozen::frozen(&sensor, look.thresholds)?;
        judged.judged.insert(Rule::Frozen, count);
        for run in &runs {
            set(&mut flags, run.first..=run.last, Rule::Frozen, values)?;
        }
        let events = runs.iter().map(|run| EventSpan {
            start: run.start_ms,
            end: run.end_ms,
            rows: run.rows,
            min: run.min,
            max: run.max,
        });
        let lasts = |span: &EventSpan| duration((span.end - span.start) as f64 + seen);
        let words = |span: &EventSpan| format!("{} for {} {}", number(span.min), lasts(span), look.driver);
        push_events(&mut judged.events, Rule::Frozen, Some(look.name), events, words);
    }
    judged.hits = count(&flags);
    judged.kept = judged.before.count;
    if look.filter && !judged.hits.is_empty() {
        judged.kept -= judged.hits.values().map(|hits| hits.first).sum::<u64>();
        cells.null(flags.iter().enumerate().filter_map(|(row, flag)| Some((row, reason(*flag)?))));
    }
    Ok(judged)
}

/// The reason of the first rule that hit.
fn reason(flag: u8) -> Option<NullReason> {
    CELL_RULES.into_iter().find(|rule| flag & bit(*rule) != 0)?.null_reason()
}

fn mark_range(
    look: &ColumnUnderTest<'_>,
    range: &RangeLimits,
    values: &[f64],
    flags: &mut Vec<u8>,
    events: &mut Vec<Event>,
) {
    let mut marks = vec![RowMark::Skip; values.len()];
    for (mark, value) in marks.iter_mut().zip(values).filter(|(_, value)| !value.is_nan()) {
        *mark = RowMark::Clear(*value);
    }
    let hit = |marks: &mut [RowMark], row: usize| {
        if let (Some(mark), Some(value)) = (marks.get_mut(row), values.get(row)) {
            *mark = RowMark::Hit(*value);
        }
    };
    range::mark(values, range.limits, |row| hit(&mut marks, row));
    if let Some((unit, dry_c, margin)) = look.dry_bulb {
        let wet_c = values.iter().map(|value| unit.convert(*value));
        range::mark_above_dry_bulb(wet_c, dry_c, margin, |row| hit(&mut marks, row));
    }
    flags.resize(values.len(), 0);
    for (flag, _) in flags.iter_mut().zip(&marks).filter(|(_, mark)| matches!(mark, RowMark::Hit(_))) {
        *flag |= bit(Rule::OutOfRange);
    }
    let limits = match look.dry_bulb {
        Some(_) => format!("{} and at most the dry-bulb", range.words),
        None => range.words.clone(),
    };
    let words = |span: &EventSpan| format!("{}, where {limits} is possible", span.values());
    push_events(events, Rule::OutOfRange, Some(look.name), spans(look.at_ms, &marks, i64::MAX).into_iter(), words);
}

fn bit(rule: Rule) -> u8 {
    match rule {
        Rule::OutOfRange => 1,
        Rule::Spike => 2,
        Rule::Frozen => 4,
        _ => 0,
    }
}

fn set(
    flags: &mut Vec<u8>,
    rows: std::ops::RangeInclusive<usize>,
    rule: Rule,
    values: &[f64],
) -> Result<(), CleanError> {
    flags.resize(values.len(), 0);
    let start = *rows.start();
    let flags = flags.get_mut(rows).ok_or_else(|| internal("a rule hit rows beyond its column"))?;
    for (flag, _) in flags.iter_mut().zip(values.iter().skip(start)).filter(|(_, value)| !value.is_nan()) {
        *flag |= bit(rule);
    }
    Ok(())
}

fn count(flags: &[u8]) -> BTreeMap<Rule, Hits> {
    let mut by_flag = [0_u64; 8];
    for flag in flags {
        if let Some(count) = by_flag.get_mut(usize::from(*flag)) {
            *count += 1;
        }
    }
    let mut hits: BTreeMap<Rule, Hits> = BTreeMap::new();
    for (flag, cells) in (0_u8..).zip(by_flag).filter(|(flag, cells)| *flag > 0 && *cells > 0) {
        let by = CELL_RULES.into_iter().filter(|rule| flag & bit(*rule) != 0);
        for (position, rule) in by.enumerate() {
            let entry = hits.entry(rule).or_default();
            entry.all += cells;
            entry.first += if position == 0 { cells } else { 0 };
        }
    }
    hits
}

/// What a rule says of a row when it is put into events.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum RowMark {
    /// Nothing: does not end an event.
    Skip,
    /// It is right: ends an event.
    Clear(f64),
    /// It is hit.
    Hit(f64),
}

/// Rows that were hit one after the other.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct EventSpan {
    /// Time of the first.
    pub(crate) start: i64,
    /// Time of the last.
    pub(crate) end: i64,
    /// How many.
    pub(crate) rows: u64,
    /// Least of their marks.
    pub(crate) min: f64,
    /// Greatest of their marks.
    pub(crate) max: f64,
}

impl EventSpan {
    /// `23.4` or `23.4…25.1`.
    #[must_use]
    pub(crate) fn values(&self) -> String {
        if self.min == self.max { number(self.min) } else { format!("{}…{}", number(self.min), number(self.max)) }
    }

    /// The mark that is further from 0.
    #[must_use]
    pub(crate) fn worst(&self) -> f64 {
        if self.min.abs() > self.max.abs() { self.min } else { self.max }
    }
}

/// Puts hits together that nothing clear and no more than `gap_ms` stands between.
#[must_use]
pub(crate) fn spans(at_ms: &[i64], marks: &[RowMark], gap_ms: i64) -> Vec<EventSpan> {
    let mut spans: Vec<EventSpan> = Vec::new();
    let mut open = false;
    for (at, mark) in at_ms.iter().zip(marks) {
        match (mark, spans.last_mut()) {
            (RowMark::Hit(value), Some(span)) if open && at - span.end <= gap_ms => {
                (span.end, span.rows) = (*at, span.rows + 1);
                (span.min, span.max) = (span.min.min(*value), span.max.max(*value));
            }
            (RowMark::Hit(value), _) => {
                spans.push(EventSpan { start: *at, end: *at, rows: 1, min: *value, max: *value });
                open = true;
            }
            (RowMark::Clear(_), _) => open = false,
            (RowMark::Skip, _) => {}
        }
    }
    spans
}

/// Appends the spans as events; more than [`MOST_EVENTS`] end in one that sums up the rest.
pub(crate) fn push_events(
    events: &mut Vec<Event>,
    rule: Rule,
    column: Option<&str>,
    spans: impl Iterator<Item = EventSpan>,
    words: impl Fn(&EventSpan) -> String,
) {
    let mut rest: Option<(EventSpan, usize)> = None;
    for (position, span) in spans.enumerate() {
        if position < MOST_EVENTS {
            events.push(event(rule, column, &span, words(&span)));
            continue;
        }
        let (sum, count) = rest.get_or_insert((EventSpan { rows: 0, ..span }, 0));
        (sum.end, sum.rows, *count) = (span.end, sum.rows + span.rows, *count + 1);
        (sum.min, sum.max) = (sum.min.min(span.min), sum.max.max(span.max));
    }
    if let Some((span, count)) = rest {
        events.push(event(rule, column, &span, format!("{count} more, put together: {}", words(&span))));
    }
}

fn event(rule: Rule, column: Option<&str>, span: &EventSpan, detail: String) -> Event {
    let EventSpan { start, end, rows, .. } = *span;
    Event { rule, column: column.map(str::to_owned), start_at_ms: start, end_at_ms: end, rows, detail }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_hit_counts_for_the_first_rule_and_for_all() {
        // range; range and frozen; spike; spike and frozen; nothing
        let flags = [1, 5, 2, 6, 0];
        let hits = count(&flags);
        let of = |rule: Rule| hits.get(&rule).map(|h| (h.first, h.all));
        assert_eq!(of(Rule::OutOfRange), Some((2, 2)));
        assert_eq!(of(Rule::Spike), Some((2, 2)));
        assert_eq!(of(Rule::Frozen), Some((0, 2)));
        use NullReason::{OutOfRange, Spike};
        assert_eq!(flags.map(reason), [Some(OutOfRange), Some(OutOfRange), Some(Spike), Some(Spike), None]);
    }

    #[test]
    fn hits_with_nothing_clear_between_them_are_one_event() {
        use RowMark::{Clear, Hit, Skip};
        let at = [0, 10, 20, 30, 40, 50];
        let found = spans(&at, &[Hit(1.0), Skip, Hit(3.0), Clear(0.0), Hit(2.0), Hit(2.0)], 20);
        let short: Vec<(i64, i64, u64, String)> = found.iter().map(|s| (s.start, s.end, s.rows, s.values())).collect();
        assert_eq!(short, [(0, 20, 2, "1…3".to_owned()), (40, 50, 2, "2".to_owned())]);
        assert_eq!(spans(&at, &[Hit(1.0), Skip, Skip, Hit(3.0), Skip, Skip], 20).len(), 2, "too far apart");
    }

    #[test]
    fn too_many_events_end_in_one() {
        let spans = (0..MOST_EVENTS as i64 + 3).map(|i| EventSpan { start: i, end: i, rows: 2, min: 1.0, max: 1.0 });
        let mut events = Vec::new();
        push_events(&mut events, Rule::Spike, Some("X"), spans, |_| "x".to_owned());
        assert_eq!(events.len(), MOST_EVENTS + 1);
        assert_eq!(events.last().map(|e| (e.rows, e.detail.as_str())), Some((6, "3 more, put together: x")));
    }
}
