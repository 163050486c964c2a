//! What the text of one cell is: a number, a text to be judged over all files, or a null with its reason.
//!
//! Keeps what only the whole file can tell: each point's texts and unit, and the loss markers. When a chunk
//! is read again the file's tables are given and do not grow, so every cell comes out as it did before.

use std::collections::BTreeMap;

use super::fields::{Dialect, word_of};
pub(crate) use super::marks::Occurrences;
use super::marks::{MOST_RUNS, MarkedCell, Marks, RowAt};
use super::measured::{Measured, measured};
use super::status::{self, Marked, Meaning};
use super::texts::{SHORT, Texts};
use super::{Chosen, PointPlan, ReadOptions, marker, number};
use hvac_frame::column::{NullReason, TEXT, VALUE};
use hvac_frame::words;
use hvac_points::units;

/// Different texts kept of one point; a cell with a further one is [`NullReason::Unreadable`], and said so.
pub(crate) const MAX_TEXTS: usize = 65_536;
/// Loss markers told apart by their spelling.
const MAX_MARKERS: usize = 1_000;

/// What is known of one point so far.
#[derive(Debug, Default)]
struct PointState {
    texts: Texts,
    unit: Option<Chosen<String>>,
    other_units: Occurrences,
    other_unit: Option<String>,
    too_many_texts: Occurrences,
    /// The short text met last.
    recent: Option<(u64, Known)>,
    /// The unit that a cell spelled last, and what it is.
    spelled: Option<(String, &'static str)>,
    marks: Marks,
}

/// Where a text that was met before stands.
#[derive(Debug, Clone, Copy)]
enum Known {
    Marker(usize),
    Text(usize),
}

/// What a text is that was met before.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Met {
    /// A loss marker.
    Marker(NullReason),
    /// One of the point's texts: its index.
    Text(usize),
}

/// Reads the cells of one file.
#[derive(Debug)]
pub(crate) struct CellReader {
    dialect: Dialect,
    points: Vec<PointState>,
    markers: Vec<(String, NullReason, u64)>,
    /// The site's own words for a lost value, folded.
    loss_words: Vec<String>,
    /// Those among them that are numbers: `-999`.
    loss_numbers: Vec<f64>,
    /// What its own system calls no reading stays a value.
    keep_bad_status: bool,
    /// The first reading: tables grow.
    grow: bool,
    /// The row that is read.
    row: RowAt,
    /// Runs of marked cells that may still begin.
    room: usize,
}

impl CellReader {
    /// For the first reading; `units` are those that the header tells, one entry a point.
    pub(crate) fn first(
        dialect: Dialect,
        options: &ReadOptions,
        units: impl Iterator<Item = Option<Chosen<String>>>,
    ) -> Self {
        let points = units.map(|unit| PointState { unit, ..PointState::default() }).collect();
        Self::of(dialect, options, points, true)
    }

    /// For reading again what was planned.
    pub(crate) fn again(dialect: Dialect, options: &ReadOptions, points: &[PointPlan]) -> Self {
        let points = points
            .iter()
            .map(|point| {
                let mut texts = Texts::default();
                for (text, count) in &point.tokens {
                    texts.add(text, *count);
                }
                PointState { texts, unit: point.unit.clone(), ..PointState::default() }
            })
            .collect();
        Self::of(dialect, options, points, false)
    }

    fn of(dialect: Dialect, options: &ReadOptions, points: Vec<PointState>, grow: bool) -> Self {
        let loss_words = options.loss_words.iter().map(|word| words::folded(word)).collect();
        let numbers =
            options.loss_words.iter().filter_map(|word| number::read(word, dialect.decimal, dialect.delimiter));
        let loss_numbers = numbers.collect();
        let keep_bad_status = options.keep_bad_status;
        let (row, room) = (RowAt::default(), MOST_RUNS);
        Self { dialect, points, markers: Vec::new(), loss_words, loss_numbers, keep_bad_status, grow, row, room }
    }

    /// The cells to come are of the `number`th reading of their point, at that time.
    #[inline]
    pub(crate) fn begin_row(&mut self, number: u64, at_ms: i64) {
        self.row = RowAt { number, at_ms };
    }

    /// Notes what the system says of a cell.
    fn mark(&mut self, point: usize, cell: &MarkedCell<'_>) {
        if self.grow
            && let Some(state) = self.points.get_mut(point)
        {
            state.marks.add(cell, self.row, &mut self.room);
        }
    }

    /// Whether numbers may be loss words, so that no cell is a value because it is a number.
    pub(crate) fn has_loss_numbers(&self) -> bool {
        !self.loss_numbers.is_empty()
    }

    /// Adds a point that has just been met.
    pub(crate) fn add_point(&mut self, unit: Option<Chosen<String>>) {
        self.points.push(PointState { unit, ..PointState::default() });
    }

    /// Value slot and code of a cell of `point` whose text (trimmed) is `text`.
    pub(crate) fn read(&mut self, point: usize, text: &str, line: u64) -> (f64, u8) {
        let Some(first) = text.as_bytes().first() else { return null(NullReason::Empty) };
        if first.is_ascii_alphabetic()
            && let Some(known) = self.known_text(point, text)
        {
            return known;
        }
        if let Some(value) = number::read(text, self.dialect.decimal, self.dialect.delimiter) {
            return match value {
                value if !value.is_finite() => self.marked(text, NullReason::NotFinite),
                value if self.loss_numbers.contains(&value) => self.marked(text, NullReason::UnknownMarker),
                value => (value, VALUE),
            };
        }
        if let Some(known) = self.known_text(point, text) {
            return known;
        }
        if let Some(reason) = self.lost(text) {
            return self.marked(text, reason);
        }
        if let Some(measured) = self.measured(point, text) {
            return self.take(point, &measured, text, line);
        }
        if let Some(marked) = status::marked(text)
            && let Some(cell) = self.take_marked(point, marked, text, line)
        {
            return cell;
        }
        self.new_text(point, text, line)
    }

    /// What becomes of a cell that was read, when a column of statuses says this of it ([`status::said`]).
    pub(crate) fn judged(
        &mut self,
        point: usize,
        cell: (f64, u8),
        status: &str,
        meaning: Meaning,
        line: u64,
    ) -> (f64, u8) {
        let (_, code) = cell;
        if code != VALUE && code != TEXT {
            return cell;
        }
        self.mark(point, &MarkedCell { meaning, text: status, status, line });
        if meaning == Meaning::Bad && !self.keep_bad_status { null(NullReason::BadStatus) } else { cell }
    }

    /// A text that was read is none after all.
    pub(crate) fn forget(&mut self, point: usize, at: usize) {
        if let Some(state) = self.points.get_mut(point).filter(|_| self.grow) {
            state.texts.uncount(at);
        }
    }

    /// Why a text is no value in any column.
    fn lost(&self, text: &str) -> Option<NullReason> {
        if !self.loss_words.is_empty() && self.loss_words.contains(&words::folded(text)) {
            return Some(NullReason::UnknownMarker);
        }
        // The one marker with a digit in front is `1.#QNAN`.
        let number = text.as_bytes().first().is_some_and(u8::is_ascii_digit) && !text.contains('#');
        if number { None } else { marker::reason(text) }
    }

    /// Reads what a status stands beside. None when it is none: a word in brackets behind a text.
    fn take_marked(&mut self, point: usize, marked: Marked<'_>, text: &str, line: u64) -> Option<(f64, u8)> {
        let Marked { core, meaning, certain } = marked;
        let is_value = || {
            number::read(core, self.dialect.decimal, self.dialect.delimiter).is_some()
                || self.measured(point, core).is_some()
                || self.lost(core).is_some()
                || words::is_state(core)
        };
        if !certain && !is_value() {
            return None;
        }
        let bad = meaning == Meaning::Bad && !self.keep_bad_status;
        let cell = if bad { null(NullReason::BadStatus) } else { self.read(point, core, line) };
        if meaning != Meaning::Good && (bad || cell.1 == VALUE || cell.1 == TEXT) {
            self.mark(point, &MarkedCell { meaning, text, status: &marked.status(text), line });
        }
        Some(cell)
    }

    /// A marker or a text of this point that was met before.
    fn known_text(&mut self, point: usize, text: &str) -> Option<(f64, u8)> {
        let state = self.points.get_mut(point)?;
        let marker = self.markers.iter().take(SHORT).position(|(known, _, _)| known == text);
        let known = marker.map(Known::Marker).or_else(|| state.texts.find(text).map(Known::Text))?;
        if !text.contains(['\r', '\n']) {
            state.recent = word_of(text).map(|word| (word, known));
        }
        Some(match self.known(point, known)? {
            Met::Text(at) => token(at),
            Met::Marker(reason) => null(reason),
        })
    }

    /// Counts a cell that was met before.
    #[inline]
    fn known(&mut self, point: usize, known: Known) -> Option<Met> {
        match known {
            Known::Marker(at) => {
                let (_, reason, count) = self.markers.get_mut(at)?;
                *count += 1;
                Some(Met::Marker(*reason))
            }
            Known::Text(at) => {
                if self.grow {
                    self.points.get_mut(point)?.texts.count(at);
                }
                Some(Met::Text(at))
            }
        }
    }

    /// The cell of a short field that is the same, byte by byte, as the text this point had last.
    #[inline]
    pub(crate) fn same_again(&mut self, point: usize, word: u64) -> Option<Met> {
        let (_, known) = self.points.get(point)?.recent.filter(|(recent, _)| *recent == word)?;
        self.known(point, known)
    }

    fn marked(&mut self, text: &str, reason: NullReason) -> (f64, u8) {
        if let Some((_, _, count)) = self.markers.iter_mut().find(|(known, _, _)| known == text) {
            *count += 1;
        } else if self.markers.len() < MAX_MARKERS {
            self.markers.push((text.to_owned(), reason, 1));
        }
        null(reason)
    }

    fn measured<'t>(&self, point: usize, text: &'t str) -> Option<Measured<'t>> {
        measured(text, self.dialect, |spelling| self.unit(point, spelling))
    }

    /// The unit that the text behind a number spells: mostly the one before it.
    fn unit(&self, point: usize, spelling: &str) -> Option<&'static str> {
        let before = self.points.get(point)?.spelled.as_ref().filter(|(before, _)| before == spelling);
        before.map(|(_, unit)| *unit).or_else(|| units::known(spelling))
    }

    fn take(&mut self, point: usize, measured: &Measured<'_>, text: &str, line: u64) -> (f64, u8) {
        let Measured { value, unit, meaning, status } = *measured;
        let marked = MarkedCell { meaning, text, status, line };
        if meaning == Meaning::Bad && !self.keep_bad_status {
            self.mark(point, &marked);
            return null(NullReason::BadStatus);
        }
        if !value.is_finite() {
            return self.marked(text, NullReason::NotFinite);
        }
        let Some(state) = self.points.get_mut(point) else { return null(NullReason::Unreadable) };
        if let Some((spelling, unit)) = unit {
            if state.spelled.as_ref().is_none_or(|(before, _)| before != spelling) {
                state.spelled = Some((spelling.to_owned(), unit));
            }
            match &state.unit {
                Some(known) if known.value == unit => {}
                Some(_) => {
                    state.other_units.add(line);
                    state.other_unit.get_or_insert_with(|| unit.to_owned());
                    return null(NullReason::UnitMismatch);
                }
                None => {
                    let evidence = format!("line {line}: the cell itself names it");
                    state.unit = Some(Chosen { value: unit.to_owned(), evidence });
                }
            }
        }
        self.mark(point, &marked);
        (value, VALUE)
    }

    fn new_text(&mut self, point: usize, text: &str, line: u64) -> (f64, u8) {
        let Some(state) = self.points.get_mut(point) else { return null(NullReason::Unreadable) };
        if !self.grow || state.texts.list.len() >= MAX_TEXTS {
            state.too_many_texts.add(line);
            return null(NullReason::Unreadable);
        }
        token(state.texts.add(text, 1))
    }

    /// The file's loss markers and, for each point, what its cells told; `warn` gets point, tally and words.
    pub(crate) fn finish(
        self,
        points: &mut [PointPlan],
        mut warn: impl FnMut(&'static str, &str, Occurrences, String),
    ) -> BTreeMap<String, u64> {
        for (state, plan) in self.points.into_iter().zip(points) {
            let name = plan.original_name.as_str();
            if let (Some(unit), Some(other)) = (&state.unit, &state.other_unit) {
                let words =
                    format!("cells are in {other}, the column is in {}; stored as null (unit_mismatch)", unit.value);
                warn("unit_mismatch", name, state.other_units, words);
            }
            if state.too_many_texts.count > 0 {
                let words =
                    format!("more than {MAX_TEXTS} different texts; the others are stored as null (unreadable)");
                warn("too_many_texts", name, state.too_many_texts, words);
            }
            let cells = plan.numbers + state.texts.list.iter().map(|(_, count)| count).sum::<u64>();
            plan.marked =
                state.marks.finish(cells, self.keep_bad_status, |code, cells, words| warn(code, name, cells, words));
            plan.unit = state.unit;
            plan.tokens = state.texts.list;
        }
        self.markers.into_iter().map(|(text, _, count)| (text, count)).collect()
    }
}

fn null(reason: NullReason) -> (f64, u8) {
    (0.0, reason as u8)
}

#[expect(clippy::cast_precision_loss, reason = "at most MAX_TEXTS")]
fn token(at: usize) -> (f64, u8) {
    (at as f64, TEXT)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing)]
    use super::*;

    fn point() -> PointPlan {
        PointPlan {
            original_name: "P".into(),
            occurrence: 0,
            unit: None,
            trend_definition: None,
            native_interval_s: None,
            dimensions: Vec::new(),
            value_named: false,
            numbers: 0,
            tokens: Vec::new(),
            of_intervals: false,
            marked: Vec::new(),
        }
    }

    fn options() -> ReadOptions {
        ReadOptions::of(chrono_tz::UTC)
    }

    const DIALECT: Dialect = Dialect { delimiter: b',', eol: b'\n', decimal: b'.' };

    /// A number, a text (by its own words) or a reason: of each cell of one point; and the warnings.
    fn read_all(options: &ReadOptions, cells: &[&str]) -> (Vec<String>, Vec<(&'static str, u64, u64, String)>) {
        let mut reader = CellReader::first(DIALECT, options, [None].into_iter());
        let read: Vec<(f64, u8)> = cells.iter().zip(1..).map(|(text, line)| reader.read(0, text, line)).collect();
        let (mut points, mut warned) = ([point()], Vec::new());
        points[0].numbers = read.iter().filter(|cell| cell.1 == VALUE).count() as u64;
        reader.finish(&mut points, |code, _, tally, words| warned.push((code, tally.count, tally.line, words)));
        // Read again it is the same.
        let mut reader = CellReader::again(DIALECT, options, &points);
        let again: Vec<(f64, u8)> = cells.iter().zip(1..).map(|(text, line)| reader.read(0, text, line)).collect();
        assert_eq!(again, read);
        let words = read.into_iter().map(|(value, code)| match code {
            VALUE => value.to_string(),
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
            TEXT => points[0].tokens[value as usize].0.clone(),
            code => format!("{:?}", NullReason::of_code(code).unwrap()),
        });
        (words.collect(), warned)
    }

    #[test]
    fn a_status_beside_a_value_is_told_from_it() {
        let cells = [
            ("55.1 °F {ok}", "55.1"),
            ("0.0 °F {fault}", "BadStatus"),
            ("55.4 °F {down,stale}", "BadStatus"),
            ("- {null}", "BadStatus"),
            ("56.0°F{ok} @ def", "56"),
            ("57 °F (Overridden)", "57"),
            ("58 °F {alarm,unackedAlarm}", "58"),
            ("59 °F Overridden", "59"),
            ("60 fault", "BadStatus"),
            ("61|ok", "61"),
            ("62|24", "BadStatus"),
            ("63 °F;good|192", "63"),
            ("64.5*", "64.5"),
            ("??? 65", "BadStatus"),
            ("66 E", "66"),
            ("{ok}", "Empty"),
            ("- {ok}", "UnknownMarker"),
            ("67 {wibble}", "67 {wibble}"),
            ("68 (4)", "68 (4)"),
            ("1,069.5 °F {ok}", "1069.5"),
            ("70 kW {ok}", "UnitMismatch"),
        ];
        let (texts, expected): (Vec<&str>, Vec<&str>) = cells.into_iter().unzip();
        let (read, warned) = read_all(&options(), &texts);
        assert_eq!(read, expected);
        let told: Vec<_> = warned.iter().map(|(code, count, line, _)| (*code, *count, *line)).collect();
        let all = [
            ("unit_mismatch", 1, 21),
            ("bad_status", 6, 2),
            ("overridden_values", 2, 6),
            ("alarm_values", 1, 7),
            ("doubtful_values", 2, 13),
        ];
        assert_eq!(told, all);
        // 10 numbers, 2 texts, 6 that are no readings.
        assert!(warned[1].3.starts_with("6 values (33 %) are no readings"), "{}", warned[1].3);
    }

    #[test]
    fn a_status_beside_a_state_is_told_from_it() {
        let cells = [
            ("On {ok}", "On"),
            ("Off {ok}", "Off"),
            ("On {overridden} @ 8", "On"),
            ("On {fault}", "BadStatus"),
            ("Off (Manual)", "Off"),
            ("On", "On"),
            ("Ein {ok}", "Ein"),
            ("運轉 {ok}", "運轉"),
            ("Heat {ok}", "Heat"),
            ("Boiler (fault)", "Boiler (fault)"),
            ("COOL (Overridden)", "COOL"),
            ("Comm Fail", "Comm Fail"),
            ("unavailable", "NoData"),
        ];
        let (texts, expected): (Vec<&str>, Vec<&str>) = cells.into_iter().unzip();
        let (read, warned) = read_all(&options(), &texts);
        assert_eq!(read, expected);
        let told: Vec<_> = warned.iter().map(|(code, count, line, _)| (*code, *count, *line)).collect();
        assert_eq!(told, [("bad_status", 1, 4), ("overridden_values", 3, 3)]);
    }

    #[test]
    fn what_is_no_reading_is_kept_when_asked_for() {
        let options = ReadOptions { keep_bad_status: true, ..options() };
        let (read, warned) = read_all(&options, &["1 °F {fault}", "2 fault", "On {down}", "??? 3", "- {null}"]);
        assert_eq!(read, ["1", "2", "On", "3", "UnknownMarker"]);
        assert_eq!((warned[0].0, warned[0].1, warned[0].2), ("bad_status", 4, 1));
    }

    #[test]
    fn a_site_has_loss_words_of_its_own() {
        let options = ReadOptions { loss_words: vec!["kaputt".into(), "Not-Read".into()], ..options() };
        let (read, _) = read_all(&options, &["KAPUTT", "not read", "5", "kaputter", "Kaputt {ok}"]);
        assert_eq!(read, ["UnknownMarker", "UnknownMarker", "5", "kaputter", "UnknownMarker"]);
    }

    #[test]
    fn a_status_column_judges_a_cell() {
        let mut reader = CellReader::first(DIALECT, &options(), [None].into_iter());
        assert_eq!(reader.judged(0, (72.0, VALUE), "ok", Meaning::Good, 1), (72.0, VALUE));
        assert_eq!(reader.judged(0, (72.0, VALUE), "fault", Meaning::Bad, 2), (0.0, NullReason::BadStatus as u8));
        assert_eq!(reader.judged(0, null(NullReason::Empty), "fault", Meaning::Bad, 3), null(NullReason::Empty));
        let mut warned = Vec::new();
        reader.finish(&mut [point()], |code, _, tally, _| warned.push((code, tally.count, tally.line)));
        assert_eq!(warned, [("bad_status", 1, 2)]);
    }

    #[test]
    fn every_cell_is_a_number_a_text_or_a_reasoned_null() {
        let dialect = Dialect { delimiter: b',', eol: b'\n', decimal: b'.' };
        let mut cells = CellReader::first(dialect, &options(), [None].into_iter());
        let mut line = 0;
        let mut read = |text: &str| {
            line += 1;
            let (value, code) = cells.read(0, text, line);
            match NullReason::of_code(code) {
                Some(reason) => Err(reason),
                None => Ok((value, code)),
            }
        };
        assert_eq!(read("25.3 C"), Ok((25.3, VALUE)));
        assert_eq!(read("1,485 °C"), Ok((1485.0, VALUE)));
        assert_eq!(read("77 F"), Err(NullReason::UnitMismatch));
        assert_eq!(read("ON"), Ok((0.0, TEXT)));
        assert_eq!(read("OFF"), Ok((1.0, TEXT)));
        assert_eq!(read("ON"), Ok((0.0, TEXT)));
        assert_eq!(read("TIME (-1)"), Err(NullReason::TimeError));
        assert_eq!(read("TIME (-1)"), Err(NullReason::TimeError));
        assert_eq!(read("1e999"), Err(NullReason::NotFinite));
        assert_eq!(read(""), Err(NullReason::Empty));
        assert_eq!(read("12 apples"), Ok((2.0, TEXT)));
        for n in 0..20 {
            assert_eq!(read(&format!("state {n}")), Ok((3.0 + f64::from(n), TEXT)));
        }
        assert_eq!(read("state 13"), Ok((16.0, TEXT)));
        let mut points = [point()];
        let mut warned = Vec::new();
        let markers = cells.finish(&mut points, |code, _, tally, _| warned.push((code, tally.count, tally.line)));
        assert_eq!(markers, BTreeMap::from([("TIME (-1)".into(), 2), ("1e999".into(), 1)]));
        assert_eq!(warned, [("unit_mismatch", 1, 3)]);
        assert_eq!(points[0].unit.as_ref().unwrap().value, "°C");
        assert_eq!(points[0].tokens[..3], [("ON".into(), 2), ("OFF".into(), 1), ("12 apples".into(), 1)]);

        let mut again = CellReader::again(dialect, &options(), &points);
        assert_eq!(again.read(0, "state 13", 1), (16.0, TEXT));
        assert_eq!(again.read(0, "77 F", 1).1, NullReason::UnitMismatch as u8);
    }
}
