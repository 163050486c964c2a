//! What the text of one cell is: a number, a text to be judged over all files, or a null with its reason.
//!
//! Keeps what only the whole file can tell: each point's texts and unit, and the loss markers. When a chunk
//! is read again the file's tables are given and do not grow, so every cell comes out as it did before.

use std::collections::BTreeMap;

use super::decimal::{self, Form};
use super::fields::{Dialect, word_of};
pub(crate) use super::marks::Occurrences;
use super::marks::{MOST_RUNS, MarkedCell, Marks, RowAt};
use super::measured::{Measured, measured};
use super::status::{self, Marked, Meaning};
use super::texts::{SHORT, Texts};
use super::thousands::SMALL;
use super::{Chosen, PointPlan, ReadOptions, marker, number, wrapped};
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
    /// Line of the first text.
    first_text: u64,
    /// Numbers whose decimals stand behind the sign that is not the report's decimal one, and the first of them.
    other_decimals: (Occurrences, String),
    /// Numbers with that sign before three digits, read as thousands, and the first of them.
    thousands: (Occurrences, String),
    /// Whole numbers that no double holds, and the first of them.
    rounded: Occurrences,
    first_rounded: String,
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
        let text = wrapped::unprotected(text, self.dialect);
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
                value if self.is_thousandfold(point, None, text, value) => {
                    self.known_text(point, text).unwrap_or_else(|| self.new_text(point, text, line))
                }
                value => {
                    self.look_at_digits(point, text, value, line);
                    (value, VALUE)
                }
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

    /// Notes a whole number of more digits than the value keeps, and with which signs a column parts thousands and decimals.
    fn look_at_digits(&mut self, point: usize, text: &str, value: f64, line: u64) {
        let other =
            if self.dialect.decimal == b',' { (Form::Point, Form::Grouped) } else { (Form::Comma, Form::Doubtful) };
        let seen = decimal::form(text).map(|form| (form == other.0, form == other.1));
        if let (Some(state), Some((true, _) | (_, true))) = (self.points.get_mut(point), seen) {
            let signs = if seen == Some((true, false)) { &mut state.other_decimals } else { &mut state.thousands };
            signs.0.add(line);
            if signs.1.is_empty() {
                signs.1 = text.chars().take(40).collect();
            }
        }
        if number::is_rounded(text, value, self.dialect.decimal)
            && let Some(state) = self.points.get_mut(point)
        {
            state.rounded.add(line);
            if state.rounded.count == 1 {
                state.first_rounded = format!("'{}' is {value}", text.chars().take(40).collect::<String>());
            }
        }
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
        self.look_at_digits(point, text, value, line);
        if self.is_thousandfold(point, unit.map(|(_, unit)| unit), text, value) {
            return self.new_text(point, text, line);
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

    /// Whether a number with a mark of thousands is of a unit of which no building has a thousand: 21.500 °C where the comma is the
    /// decimal sign.
    fn is_thousandfold(&self, point: usize, unit: Option<&str>, text: &str, value: f64) -> bool {
        let of_column = || self.points.get(point)?.unit.as_ref().map(|unit| unit.value.as_str());
        value.abs() >= 1000.0
            && matches!(decimal::form(text), Some(Form::Grouped | Form::Doubtful))
            && unit.or_else(of_column).is_some_and(|unit| SMALL.contains(&unit))
    }

    fn new_text(&mut self, point: usize, text: &str, line: u64) -> (f64, u8) {
        let Some(state) = self.points.get_mut(point) else { return null(NullReason::Unreadable) };
        if !self.grow || state.texts.list.len() >= MAX_TEXTS {
            state.too_many_texts.add(line);
            return null(NullReason::Unreadable);
        }
        if state.first_text == 0 {
            state.first_text = line;
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
            if state.rounded.count > 0 {
                let words = format!(
                    "{} whole numbers have more digits than a reading keeps, the last ones are lost (first: {})",
                    state.rounded.count, state.first_rounded
                );
                warn("rounded_numbers", name, state.rounded, words);
            }
            let ((decimals, decimal), (thousands, thousand)) = (&state.other_decimals, &state.thousands);
            if decimals.count > 0 && thousands.count > 0 {
                let words = format!(
                    "numbers such as '{thousand}' are read as thousands, and '{decimal}' in the same column has decimals behind that sign: say which sign is decimal (decimal . or ,)"
                );
                warn("mixed_decimals", name, *thousands, words);
            }
            let texts = &state.texts.list;
            if let Some((first, _)) = texts.first().filter(|_| plan.numbers == 0)
                && texts.iter().all(|(text, _)| wrapped::holds_number(text))
            {
                let mut cells = Occurrences::default();
                cells.add_all(texts.iter().map(|(_, count)| count).sum(), state.first_text);
                let words = format!(
                    "every cell is a text with a number in it (first '{}'), which is not read out of it: the column is kept as text; export bare numbers if they are readings",
                    first.chars().take(60).collect::<String>()
                );
                warn("numbers_in_texts", name, cells, words);
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
mod tests;
