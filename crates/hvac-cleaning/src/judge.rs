//! The cell rules on one column: what they hit, what becomes of the cells, and the events.
//!
//! Every rule judges the values as they were recorded, whatever the other rules find.

use std::collections::BTreeMap;

use super::cells::NumberCells;
use super::frozen;
use super::machines::{Knowledge, MachineState};
use super::parameters::{Limits, Thresholds};
use super::quantity::Unit;
use super::range::{self, RangeLimits};
use super::report::{ColumnSummary, Event, Hits, Rule};
use super::run_lengths::Sensor;
use super::sampling::{self, UsualSpan, duration, number};
use super::spike::SpikeScan;
use super::{CleanError, internal};
use hvac_frame::column::NullReason;

/// Most events of one rule on one column; of more, neighbours are put together.
pub(crate) const MOST_EVENTS: usize = 2_000;

/// A standstill of a sensor of which nothing says that it should move: it is reported, and never nulled.
const REPORTED: u8 = 8;
/// A wet-bulb above its dry-bulb: one of the two is wrong, and nothing says which. Reported, never nulled.
const CONTRADICTED: u8 = 16;
/// Values that flags have.
const FLAGS: usize = 32;
/// The cell rules in order, with the flags of what they hit.
const CELL_BITS: [(Rule, u8); 3] = [
    (Rule::OutOfRange, bit(Rule::OutOfRange) | CONTRADICTED),
    (Rule::Spike, bit(Rule::Spike)),
    (Rule::Frozen, bit(Rule::Frozen) | REPORTED),
];
/// The same with the flags of what is nulled.
const NULLING_BITS: [(Rule, u8); 3] =
    [(Rule::OutOfRange, bit(Rule::OutOfRange)), (Rule::Spike, bit(Rule::Spike)), (Rule::Frozen, bit(Rule::Frozen))];

/// What a wet-bulb is compared with.
#[derive(Debug, Clone, Copy)]
pub(crate) struct DryBulb<'a> {
    /// Its column.
    pub(crate) name: &'a str,
    /// °C row by row; NaN for none, and where it cannot be itself.
    pub(crate) values_c: &'a [f64],
    /// What two sensors may differ by, K.
    pub(crate) margin_k: f64,
}

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
    /// Its unit and the dry-bulb, when it is a wet-bulb.
    pub(crate) dry_bulb: Option<(&'a Unit, DryBulb<'a>)>,
    /// Its spikes, when they are judged.
    pub(crate) spikes: Option<&'a SpikeScan>,
    /// Whether standstill is judged.
    pub(crate) frozen: bool,
    /// What says that its values should move.
    pub(crate) known: Knowledge,
    /// Whether its equipment runs.
    pub(crate) running: Option<&'a [MachineState]>,
    /// The speed of its machine, where there is one.
    pub(crate) speed: Option<&'a [f64]>,
    /// The same in words: `while CHP_01 ran`.
    pub(crate) driver: String,
    /// A value of 0 is a standstill: nothing else says whether its equipment runs.
    pub(crate) zero_stands: bool,
    /// It may have an idle floor: it is a meter's value, or may be one.
    pub(crate) may_idle: bool,
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
    /// Cells that are nulled for each rule; none when nothing is filtered.
    pub(crate) nulled: BTreeMap<Rule, Hits>,
    /// What rules say of cells that they did not judge, or did not hit.
    pub(crate) notes: Vec<CellNote>,
    /// Cells whose standstill was not judged because the state of their machine is not known.
    pub(crate) state_unknown: u64,
    /// In order of rules and time.
    pub(crate) events: Vec<Event>,
}

/// What a rule says of cells that it did not judge, or did not hit.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct CellNote {
    /// The rule.
    pub(crate) rule: Rule,
    /// In words.
    pub(crate) text: String,
    /// Of how many cells.
    pub(crate) cells: u64,
    /// Code of the warning that a user should see.
    pub(crate) warns: Option<&'static str>,
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
            let (limits, note) = tolerated(range, values);
            judged.notes.extend(note);
            mark_range(look, &limits, values, &mut flags, &mut judged.events);
        }
    }
    if let Some(SpikeScan { found, judged: count }) = look.spikes {
        judged.judged.insert(Rule::Spike, *count);
        for sample in found {
            set(&mut flags, sample.first..=sample.last, bit(Rule::Spike), values)?;
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
            speed: look.speed,
            zero_stands: look.zero_stands,
            floor: if look.may_idle { idle_floor(values) } else { None },
            bound: look.bound,
            on_change: look.on_change,
            interval_ms: interval,
            seen_ms: seen,
            least_step_ms: look.least_step_ms,
        };
        let scan = frozen::frozen(&sensor, look.known, look.thresholds)?;
        judged.judged.insert(Rule::Frozen, scan.judged);
        let note = |text: String| CellNote { rule: Rule::Frozen, text, cells: 0, warns: None };
        judged.notes.extend(scan.notes.into_iter().map(note));
        let flag = if look.known == Knowledge::Nothing { REPORTED } else { bit(Rule::Frozen) };
        for run in &scan.runs {
            set(&mut flags, run.first..=run.last, flag, values)?;
        }
        let events = scan.runs.iter().map(|run| EventSpan {
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
    judged.hits = count(&flags, CELL_BITS);
    judged.kept = judged.before.count;
    if look.filter && !judged.hits.is_empty() {
        judged.nulled = count(&flags, NULLING_BITS);
        judged.kept -= judged.nulled.values().map(|hits| hits.first).sum::<u64>();
        cells.null(flags.iter().enumerate().filter_map(|(row, flag)| Some((row, reason(*flag)?))));
    }
    Ok(judged)
}

/// The reason of the first rule that nulls it.
fn reason(flag: u8) -> Option<NullReason> {
    NULLING_BITS.into_iter().find(|(_, bits)| flag & bits != 0)?.0.null_reason()
}

/// Up to where a meter's values are its idle floor; none when it has no value.
fn idle_floor(values: &[f64]) -> Option<f64> {
    UsualSpan::of(values).map(|usual| usual.floor())
}

/// The limits with what a meter's zero may be off by, and what to say of the cells that are kept for it.
pub(crate) fn tolerated(range: &RangeLimits, values: &[f64]) -> (RangeLimits, Option<CellNote>) {
    let Some(from) = range.zero_from(values) else { return (range.clone(), None) };
    let mut kept = EventSpan { start: 0, end: 0, rows: 0, min: f64::INFINITY, max: f64::NEG_INFINITY };
    for value in values.iter().filter(|value| **value < 0.0 && **value >= from) {
        (kept.rows, kept.min, kept.max) = (kept.rows + 1, kept.min.min(*value), kept.max.max(*value));
    }
    let limits = RangeLimits { limits: Limits { min: Some(from), ..range.limits }, ..range.clone() };
    let note = (kept.rows > 0).then(|| CellNote {
        rule: Rule::OutOfRange,
        text: format!(
            "{} cells read {}: its meter's zero is off, by less than the {} that are tolerated; they are kept",
            kept.rows,
            kept.values(),
            number(-from)
        ),
        cells: kept.rows,
        warns: Some("zero_offset"),
    });
    (limits, note)
}

/// Hits further apart are two events: three intervals, an hour at least.
pub(crate) fn gap_ms(interval_ms: Option<(f64, f64)>) -> i64 {
    let seconds = interval_ms.map_or(0, |(own, _)| sampling::seconds(3.0 * own));
    3_600_000.max(i64::from(seconds) * 1000)
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
    range::mark(values, range, |row| hit(&mut marks, row));
    flags.resize(values.len(), 0);
    for (flag, _) in flags.iter_mut().zip(&marks).filter(|(_, mark)| matches!(mark, RowMark::Hit(_))) {
        *flag |= bit(Rule::OutOfRange);
    }
    let gap_ms = gap_ms(look.interval_ms);
    let words = |span: &EventSpan| format!("{}, where {} is possible", span.values(), range.words);
    let hits = spans(look.at_ms, &marks, gap_ms).into_iter();
    push_events(events, Rule::OutOfRange, Some(look.name), hits, words);
    let Some((unit, dry_bulb)) = look.dry_bulb else { return };
    let wet_c = values.iter().map(|value| unit.convert(*value));
    for (row, excess_k) in range::above_dry_bulb(wet_c, dry_bulb.values_c).enumerate() {
        let (Some(mark), Some(flag)) = (marks.get_mut(row), flags.get_mut(row)) else { continue };
        *mark = match *mark {
            RowMark::Clear(_) if excess_k > dry_bulb.margin_k => {
                *flag |= CONTRADICTED;
                RowMark::Hit(excess_k)
            }
            RowMark::Clear(_) if !excess_k.is_nan() => RowMark::Clear(excess_k),
            _ => RowMark::Skip,
        };
    }
    let words = |span: &EventSpan| {
        let excess_k = number((span.max * 10.0).round() / 10.0);
        let dry = dry_bulb.name;
        format!(
            "up to {excess_k} K above the dry-bulb '{dry}': one of the two is wrong, nothing here says which (reported only)"
        )
    };
    let hits = spans(look.at_ms, &marks, gap_ms).into_iter();
    push_events(events, Rule::OutOfRange, Some(look.name), hits, words);
}

const fn bit(rule: Rule) -> u8 {
    match rule {
        Rule::OutOfRange => 1,
        Rule::Spike => 2,
        Rule::Frozen => 4,
        _ => 0,
    }
}

fn set(flags: &mut Vec<u8>, rows: std::ops::RangeInclusive<usize>, flag: u8, values: &[f64]) -> Result<(), CleanError> {
    flags.resize(values.len(), 0);
    let start = *rows.start();
    let flags = flags.get_mut(rows).ok_or_else(|| internal("a rule hit rows beyond its column"))?;
    for (known, _) in flags.iter_mut().zip(values.iter().skip(start)).filter(|(_, value)| !value.is_nan()) {
        *known |= flag;
    }
    Ok(())
}

/// How many cells each rule hit by these bits, as the first of them and at all.
fn count(flags: &[u8], bits: [(Rule, u8); 3]) -> BTreeMap<Rule, Hits> {
    let mut by_flag = [0_u64; FLAGS];
    for flag in flags {
        if let Some(count) = by_flag.get_mut(usize::from(*flag)) {
            *count += 1;
        }
    }
    let mut hits: BTreeMap<Rule, Hits> = BTreeMap::new();
    for (flag, cells) in (0_u8..).zip(by_flag).filter(|(flag, cells)| *flag > 0 && *cells > 0) {
        let by = bits.into_iter().filter(|(_, bits)| flag & bits != 0);
        for (position, (rule, _)) in by.enumerate() {
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

/// Appends the spans as events; of more than [`MOST_EVENTS`], those that stand closest together are put together, so
/// that no event covers more time than it must.
pub(crate) fn push_events(
    events: &mut Vec<Event>,
    rule: Rule,
    column: Option<&str>,
    spans: impl Iterator<Item = EventSpan>,
    words: impl Fn(&EventSpan) -> String,
) {
    let spans: Vec<EventSpan> = spans.collect();
    events.extend(put_together(&spans, MOST_EVENTS).into_iter().map(|(span, count)| {
        let said = words(&span);
        let detail = if count == 1 { said } else { format!("{count} times, put together: {said}") };
        event(rule, column, &span, detail)
    }));
}

/// At most `most` spans: the gaps that are left out are the shortest ones, of equally long ones the first. With each,
/// how many it was made of.
fn put_together(spans: &[EventSpan], most: usize) -> Vec<(EventSpan, u64)> {
    let gap = |(before, after): (&EventSpan, &EventSpan)| after.start - before.end;
    let gaps: Vec<i64> = spans.iter().zip(spans.iter().skip(1)).map(gap).collect();
    let mut shortest: Vec<usize> = (0..gaps.len()).collect();
    shortest.sort_by_key(|place| (gaps.get(*place).copied(), *place));
    let mut joins = vec![false; spans.len()];
    for place in shortest.into_iter().take(spans.len().saturating_sub(most)) {
        joins.get_mut(place + 1).into_iter().for_each(|joins| *joins = true);
    }
    let mut together: Vec<(EventSpan, u64)> = Vec::new();
    for (span, joins) in spans.iter().zip(joins) {
        match together.last_mut().filter(|_| joins) {
            Some((sum, count)) => {
                (sum.end, sum.rows, *count) = (span.end, sum.rows + span.rows, *count + 1);
                (sum.min, sum.max) = (sum.min.min(span.min), sum.max.max(span.max));
            }
            None => together.push((*span, 1)),
        }
    }
    together
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
        let hits = count(&flags, CELL_BITS);
        let of = |rule: Rule| hits.get(&rule).map(|h| (h.first, h.all));
        assert_eq!(of(Rule::OutOfRange), Some((2, 2)));
        assert_eq!(of(Rule::Spike), Some((2, 2)));
        assert_eq!(of(Rule::Frozen), Some((0, 2)));
        use NullReason::{OutOfRange, Spike};
        assert_eq!(flags.map(reason), [Some(OutOfRange), Some(OutOfRange), Some(Spike), Some(Spike), None]);
        // Only reported; a spike too.
        let flags = [REPORTED, REPORTED | 2];
        let of = |bits| count(&flags, bits).get(&Rule::Frozen).map(|h| (h.first, h.all));
        assert_eq!((of(CELL_BITS), of(NULLING_BITS)), (Some((1, 2)), None));
        assert_eq!(flags.map(reason), [None, Some(Spike)]);
        // A wet-bulb above its dry-bulb; one that jumped there.
        let flags = [CONTRADICTED, CONTRADICTED | 2];
        let of = |bits| count(&flags, bits).get(&Rule::OutOfRange).map(|h| (h.first, h.all));
        assert_eq!((of(CELL_BITS), of(NULLING_BITS)), (Some((2, 2)), None));
        assert_eq!(flags.map(reason), [None, Some(Spike)]);
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

    /// Three too many: the three gaps of a minute join four of them, and no event spans an hour.
    #[test]
    fn of_too_many_events_neighbours_are_put_together() {
        let hour = 3_600_000;
        let mut starts: Vec<i64> = (0..MOST_EVENTS as i64).map(|i| i * hour).collect();
        starts.extend([1, 2, 3].map(|minutes| 700 * hour + minutes * 60_000));
        starts.sort_unstable();
        let spans = starts.iter().map(|at| EventSpan { start: *at, end: *at, rows: 2, min: 1.0, max: 1.0 });
        let mut events = Vec::new();
        push_events(&mut events, Rule::Spike, Some("X"), spans, |_| "x".to_owned());
        assert_eq!(events.len(), MOST_EVENTS);
        assert_eq!(events.iter().map(|event| event.rows).sum::<u64>(), 2 * (MOST_EVENTS as u64 + 3));
        let together: Vec<(i64, i64, u64, &str)> = (events.iter())
            .filter(|event| event.detail != "x")
            .map(|event| (event.start_at_ms, event.end_at_ms, event.rows, event.detail.as_str()))
            .collect();
        assert_eq!(together, [(700 * hour, 700 * hour + 180_000, 8, "4 times, put together: x")]);
    }
}
