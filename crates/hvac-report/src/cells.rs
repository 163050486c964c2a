//! What the text of one cell is: a number, a text to be judged over all files, or a null with its reason.
//!
//! Keeps what only the whole file can tell: each point's texts and unit, and the loss markers. When a chunk
//! is read again the file's tables are given and do not grow, so every cell comes out as it did before.

use std::collections::{BTreeMap, HashMap};

use super::fields::{Dialect, word_of};
use super::{Chosen, PointPlan, marker, number};
use hvac_frame::column::{NullReason, TEXT, VALUE};
use hvac_points::units;

/// Different texts kept of one point; a cell with a further one is [`NullReason::Unreadable`], and said so.
pub const MAX_TEXTS: usize = 65_536;
/// Loss markers told apart by their spelling.
const MAX_MARKERS: usize = 1_000;
/// Below this many entries a list is looked through, above it is looked up.
const SHORT: usize = 8;

/// Different texts with their counts, in order of appearance.
#[derive(Debug, Default)]
struct Texts {
    list: Vec<(String, u64)>,
    index: HashMap<String, usize>,
}

impl Texts {
    fn find(&self, text: &str) -> Option<usize> {
        if self.list.len() <= SHORT {
            self.list.iter().position(|(known, _)| known == text)
        } else {
            self.index.get(text).copied()
        }
    }

    fn add(&mut self, text: &str, count: u64) -> usize {
        let at = self.list.len();
        self.list.push((text.to_owned(), count));
        if at >= SHORT {
            if at == SHORT {
                self.index = self.list.iter().enumerate().map(|(i, (text, _))| (text.clone(), i)).collect();
            } else {
                self.index.insert(text.to_owned(), at);
            }
        }
        at
    }

    fn count(&mut self, at: usize) {
        if let Some((_, count)) = self.list.get_mut(at) {
            *count += 1;
        }
    }
}

/// How many, and where the first one stands.
#[derive(Debug, Clone, Copy, Default)]
pub struct Occurrences {
    /// How many.
    pub count: u64,
    /// Line of the first, 0 before there is one.
    pub line: u64,
}

impl Occurrences {
    /// One more, on `line`.
    pub fn add(&mut self, line: u64) {
        if self.count == 0 {
            self.line = line;
        }
        self.count += 1;
    }

    /// So many more, on `line`.
    pub fn add_all(&mut self, count: u64, line: u64) {
        if self.count == 0 && count > 0 {
            self.line = line;
        }
        self.count += count;
    }
}

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
}

/// Where a text that was met before stands.
#[derive(Debug, Clone, Copy)]
enum Known {
    Marker(usize),
    Text(usize),
}

/// What a text is that was met before.
#[derive(Debug, Clone, Copy)]
pub enum Met {
    /// A loss marker.
    Marker(NullReason),
    /// One of the point's texts: its index.
    Text(usize),
}

/// Reads the cells of one file.
#[derive(Debug)]
pub struct CellReader {
    dialect: Dialect,
    points: Vec<PointState>,
    markers: Vec<(String, NullReason, u64)>,
    /// The first reading: tables grow.
    grow: bool,
}

impl CellReader {
    /// For the first reading; `units` are those that the header tells, one entry a point.
    pub fn first(dialect: Dialect, units: impl Iterator<Item = Option<Chosen<String>>>) -> Self {
        let points = units.map(|unit| PointState { unit, ..PointState::default() }).collect();
        Self { dialect, points, markers: Vec::new(), grow: true }
    }

    /// For reading again what was planned.
    pub fn again(dialect: Dialect, points: &[PointPlan]) -> Self {
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
        Self { dialect, points, markers: Vec::new(), grow: false }
    }

    /// Adds a point that has just been met.
    pub fn add_point(&mut self, unit: Option<Chosen<String>>) {
        self.points.push(PointState { unit, ..PointState::default() });
    }

    /// Value slot and code of a cell of `point` whose text (trimmed) is `text`.
    pub fn read(&mut self, point: usize, text: &str, line: u64) -> (f64, u8) {
        let Some(first) = text.as_bytes().first() else { return null(NullReason::Empty) };
        if first.is_ascii_alphabetic()
            && let Some(known) = self.known_text(point, text)
        {
            return known;
        }
        if let Some(value) = number::read(text, self.dialect.decimal, self.dialect.delimiter) {
            return if value.is_finite() { (value, VALUE) } else { self.marked(text, NullReason::NotFinite) };
        }
        if let Some(known) = self.known_text(point, text) {
            return known;
        }
        if let Some(reason) = marker::reason(text) {
            return self.marked(text, reason);
        }
        if let Some((value, unit)) = self.with_unit(text) {
            return self.measured(point, value, unit, line);
        }
        self.new_text(point, text, line)
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
    pub fn same_again(&mut self, point: usize, word: u64) -> Option<Met> {
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

    /// `25.3 C`, `45%`: the number and its unit.
    fn with_unit(&self, text: &str) -> Option<(f64, &'static str)> {
        let numeric = |c: char| c.is_ascii_digit() || matches!(c, '.' | ',' | '+' | '-' | '\'' | '’' | '\u{2212}');
        let split = text.find(|c| !numeric(c))?;
        let (number, unit) = text.split_at_checked(split)?;
        let unit = units::known(unit)?;
        Some((number::read(number, self.dialect.decimal, self.dialect.delimiter)?, unit))
    }

    fn measured(&mut self, point: usize, value: f64, unit: &'static str, line: u64) -> (f64, u8) {
        let Some(state) = self.points.get_mut(point) else { return null(NullReason::Unreadable) };
        match &state.unit {
            Some(known) if known.value == unit => (value, VALUE),
            Some(_) => {
                state.other_units.add(line);
                state.other_unit.get_or_insert_with(|| unit.to_owned());
                null(NullReason::UnitMismatch)
            }
            None => {
                let evidence = format!("line {line}: the cell itself names it");
                state.unit = Some(Chosen { value: unit.to_owned(), evidence });
                (value, VALUE)
            }
        }
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
    pub fn finish(
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
        }
    }

    #[test]
    fn every_cell_is_a_number_a_text_or_a_reasoned_null() {
        let dialect = Dialect { delimiter: b',', eol: b'\n', decimal: b'.' };
        let mut cells = CellReader::first(dialect, [None].into_iter());
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

        let mut again = CellReader::again(dialect, &points);
        assert_eq!(again.read(0, "state 13", 1), (16.0, TEXT));
        assert_eq!(again.read(0, "77 F", 1).1, NullReason::UnitMismatch as u8);
    }
}
