//! What a point's values are: readings, a register, two states, or text; told by all of its cells.

use crate::amount::{self, NamedAmount};
use crate::column::Kind;
use crate::reference::{ReferencedColumn, values_of};
use crate::words::{Lost, folded, lost, pair_of};

/// Steps that are counted together.
const BLOCK: usize = 1024;

/// Units of what is so at a moment: such a quantity may rise for days and is no register.
const MOMENTARY: [&str; 19] = [
    "kW", "MW", "W", "°C", "°F", "K", "%", "%RH", "Hz", "RT", "A", "V", "Pa", "kPa", "bar", "psi", "GPM", "CFM", "ppm",
];

fn is_measured_now(unit: &str) -> bool {
    MOMENTARY.contains(&unit) || unit.contains('/')
}

/// Rises without a fall that no amounts of intervals make.
const CLIMB: u64 = 16;

/// How the cells of a column become values.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reading {
    /// Numbers; a text among them is a null with reason.
    Numbers,
    /// Two words as 0 and 1; a number that is neither is a null with reason.
    States {
        /// The word for 0.
        zero: &'static str,
        /// The word for 1.
        one: &'static str,
    },
    /// Texts as they are; numbers are printed.
    Text,
}

/// Different words that are told apart: no pair of states has as many spellings.
const MOST_WORDS: usize = 12;

/// The words of a column that are of one sort.
#[derive(Default)]
struct Words {
    /// The different ones, folded.
    different: Vec<String>,
    /// Their cells.
    cells: u64,
}

impl Words {
    fn add(&mut self, word: String, count: u64) {
        self.cells += count;
        if self.different.len() < MOST_WORDS && !self.different.contains(&word) {
            self.different.push(word);
        }
    }

    fn is_empty(&self) -> bool {
        self.different.is_empty()
    }
}

/// Settles how a column is read, from its numbers and its distinct texts, over all files.
///
/// What counts are its readings; words for a lost value ([`lost`]) are none, however many they are:
///
/// 1. Words of two states (`ON`, `OFF`) that the numbers do not outnumber make a status. `FAULT` or `OFFLINE` is a state
///    only beside a word that is nothing but one (`NORMAL`, `ON`), or where there is no number at all.
/// 2. Where there are numbers: two or more different words that they do not outnumber make a text (`COOL`, `HEAT`, 2);
///    all else is numbers, also beside a single word that repeats: a sensor that is mostly lost is still a sensor.
/// 3. Where there are none: words make a text, but words that only say that a value was lost make a column of numbers
///    that has none.
///
/// Only sums and sets go into it, so that it is the same however the rows are spread over files.
#[must_use]
pub fn reading<'a>(numbers: u64, tokens: impl Iterator<Item = (&'a str, u64)>) -> Reading {
    let (mut states, mut doubtful, mut losses) = (Words::default(), Words::default(), Words::default());
    for (token, count) in tokens {
        let sort = match lost(token) {
            None => &mut states,
            Some((Lost::AmongNumbers, _)) => &mut doubtful,
            Some((Lost::AmongStates, _)) => &mut losses,
        };
        sort.add(folded(token), count);
    }
    let words: Vec<String> = states.different.iter().chain(&doubtful.different).cloned().collect();
    if !states.is_empty() || numbers == 0 {
        // `GOOD` and `BAD`: also a word that is none beside other states.
        let all: Vec<String> = words.iter().chain(&losses.different).cloned().collect();
        let is_pair = states.cells + doubtful.cells >= numbers;
        let with_losses = pair_of(&all).filter(|_| !states.is_empty());
        if let Some((zero, one)) = with_losses.or_else(|| pair_of(&words)).filter(|_| is_pair) {
            return Reading::States { zero, one };
        }
    }
    if numbers == 0 {
        return if words.is_empty() { Reading::Numbers } else { Reading::Text };
    }
    if states.different.len() > 1 && states.cells + doubtful.cells >= numbers {
        Reading::Text
    } else {
        Reading::Numbers
    }
}

/// What the values of a column did, in order of time. Absorbs window after window.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Course {
    /// Values seen.
    pub values: u64,
    /// Steps up.
    pub rises: u64,
    /// Steps down.
    pub falls: u64,
    /// Steps down to less than a tenth.
    pub resets: u64,
    zeros: u64,
    ones: u64,
    negatives: u64,
    marks: Marks,
    first: Option<f64>,
    last: Option<f64>,
}

/// Numbers that many systems write where there is no reading.
const NO_READING: [f64; 5] = [-999.0, -9_999.0, -99_999.0, -32_768.0, -2_147_483_648.0];
/// What no sensor reads and no meter counts to: the greatest number of single precision stands for none.
const BEYOND_ALL: f64 = 1e30;

/// Cells with such a number, and the least of the others: it stands for no reading where the others are far from it.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
struct Marks {
    cells: u64,
    /// The one that is furthest from 0; 0 without any.
    number: f64,
    /// The least of the other values; 0 where none is negative.
    least_other: f64,
}

impl Marks {
    fn see(&mut self, value: f64) {
        if NO_READING.contains(&value) || value.abs() > BEYOND_ALL {
            self.cells += 1;
            self.further(value);
        } else {
            self.least_other = self.least_other.min(value);
        }
    }

    fn further(&mut self, number: f64) {
        if number.abs() > self.number.abs() {
            self.number = number;
        }
    }

    fn absorb(&mut self, next: Self) {
        self.cells += next.cells;
        self.further(next.number);
        self.least_other = self.least_other.min(next.least_other);
    }
}

impl Course {
    /// A number that many systems write for no reading, far from all other values, and its cells.
    #[must_use]
    pub fn suspected_mark(&self) -> Option<(f64, u64)> {
        let Marks { cells, number, least_other } = self.marks;
        let is_far = number.abs() > BEYOND_ALL || least_other > number / 2.0;
        (cells > 0 && cells < self.values && is_far).then_some((number, cells))
    }

    /// Takes in the next values in time.
    pub fn extend(&mut self, values: &[f64]) {
        let count = |holds: fn(f64) -> bool| values.iter().map(|value| u64::from(holds(*value))).sum::<u64>();
        self.values += values.len() as u64;
        self.zeros += count(|value| value == 0.0);
        self.ones += count(|value| value == 1.0);
        let negatives = count(|value| value < 0.0);
        self.negatives += negatives;
        if negatives > 0 || count(|value| value > BEYOND_ALL) > 0 {
            values.iter().for_each(|value| self.marks.see(*value));
        }
        let Some((&first, rest)) = values.split_first() else { return };
        self.step(first);
        let steps = || values.iter().zip(rest);
        self.rises += steps().map(|(a, b)| u64::from(b > a)).sum::<u64>();
        self.falls += steps().map(|(a, b)| u64::from(b < a)).sum::<u64>();
        self.resets += steps().map(|(a, b)| u64::from((b < a) & (*b < a * 0.1))).sum::<u64>();
        self.first = self.first.or(Some(first));
        self.last = values.last().copied();
    }

    /// The same for all cells of `counts`; `present` of them are values.
    pub fn run(&mut self, counts: &ReferencedColumn, present: u64) {
        if present == counts.offsets.len() as u64 {
            return self.extend_counts(counts, &counts.offsets);
        }
        self.extend_counts(counts, &values_of(&counts.offsets));
    }

    /// The same for `values`, offsets of `counts`.
    fn extend_counts(&mut self, counts: &ReferencedColumn, values: &[u16]) {
        let Some((&first, rest)) = values.split_first() else { return };
        let &ReferencedColumn { least, scale, most, .. } = counts;
        #[expect(clippy::cast_possible_truncation, reason = "a small power of ten")]
        let offset_of = |value: i64| u16::try_from(value * scale as i64 - i64::from(least)).ok();
        // Sums of a block fit into two bytes.
        let count =
            |holds: &dyn Fn(&[u16]) -> u16| values.chunks(BLOCK).map(|some| u64::from(holds(some))).sum::<u64>();
        let equal = |wanted: u16| count(&|some| some.iter().map(|offset| u16::from(*offset == wanted)).sum());
        let below = |limit: u16| count(&|some| some.iter().map(|offset| u16::from(*offset < limit)).sum());
        self.values += values.len() as u64;
        self.zeros += offset_of(0).filter(|zero| *zero <= most).map_or(0, equal);
        self.ones += offset_of(1).filter(|one| *one <= most).map_or(0, equal);
        self.negatives += if least < 0 { offset_of(0).map_or(values.len() as u64, below) } else { 0 };
        if least < 0 {
            values.iter().for_each(|offset| self.marks.see(counts.value(*offset)));
        }
        self.step(counts.value(first));
        // `b` is at most a tenth of `a`: 10 (least + b) <= least + a.
        let limit = least.saturating_mul(-9);
        let tenth = |a: u16, b: u16| 10 * i32::from(b) - i32::from(a) <= limit;
        // Of most columns that is enough to know, and of most blocks of the others.
        let may_reset = tenth(most, 0);
        for (befores, afters) in values.chunks(BLOCK).zip(rest.chunks(BLOCK)) {
            let steps = || befores.iter().copied().zip(afters.iter().copied());
            let sum = |holds: fn(u16, u16) -> bool| steps().map(|(a, b)| u16::from(holds(a, b))).sum::<u16>();
            self.rises += u64::from(sum(|a, b| b > a));
            self.falls += u64::from(sum(|a, b| b < a));
            if !may_reset {
                continue;
            }
            let most = befores.iter().copied().fold(0, u16::max);
            let least = afters.iter().copied().fold(u16::MAX, u16::min);
            if tenth(most, least) && steps().any(|(a, b)| b < a && tenth(a, b)) {
                // As doubles have it, which round.
                let resets = steps().filter(|&(a, b)| b < a && counts.value(b) < counts.value(a) * 0.1);
                self.resets += resets.count() as u64;
            }
        }
        self.first = self.first.or(Some(counts.value(first)));
        self.last = values.last().map(|last| counts.value(*last));
    }

    /// Takes in what came after.
    pub fn absorb(&mut self, next: &Self) {
        if let Some(first) = next.first {
            self.step(first);
        }
        self.values += next.values;
        self.rises += next.rises;
        self.falls += next.falls;
        self.resets += next.resets;
        self.zeros += next.zeros;
        self.ones += next.ones;
        self.negatives += next.negatives;
        self.marks.absorb(next.marks);
        self.first = self.first.or(next.first);
        self.last = next.last.or(self.last);
    }

    fn step(&mut self, value: f64) {
        let Some(last) = self.last else { return };
        if value > last {
            self.rises += 1;
        } else if value < last {
            self.falls += 1;
            self.resets += u64::from(value < last * 0.1);
        }
    }

    /// A register: long enough, hardly ever falling, and if so to near nothing.
    fn only_grows(&self) -> bool {
        self.values >= 96
            && self.rises >= 48
            && self.negatives == 0
            && self.falls == self.resets
            && self.falls * 200 <= self.rises
    }

    /// Rises again and again by next to nothing of what it is: a register that has counted for long. Amounts of intervals
    /// that rise do so by more.
    fn grows_a_little(&self) -> bool {
        let grown = self.first.zip(self.last).map(|(first, last)| (last - first) / first);
        self.falls == 0 && self.rises >= 8 && grown.is_some_and(|grown| (0.0..0.01).contains(&grown))
    }

    /// Falls as amounts of intervals do (two real meters fell at 29–47 % of their readings), and as no register does:
    /// that starts again now and then – a day's own register once a day – and is misread now and then.
    fn falls_freely(&self) -> bool {
        let changes = self.rises + self.falls;
        // Below nothing, a fall to less than a tenth is none to near nothing.
        let to_near_nothing = if self.negatives == 0 { self.resets } else { 0 };
        let others = self.falls - to_near_nothing;
        let started_again_once = to_near_nothing == 1 && self.rises >= 3;
        // As of two registers that are read in each other's place: a value stands, and falls to another that is not 0.
        let stands = (self.values.saturating_sub(1) - changes) * 3 > self.values && self.zeros == 0;
        others * 10 > changes || to_near_nothing * 5 > changes && !started_again_once && !stands
    }

    /// Falls only, long enough: what is left of something.
    fn only_falls(&self) -> bool {
        self.falls >= 20 && self.rises * 20 <= self.falls
    }
}

/// What is known of a column of numbers beside its values.
#[derive(Debug, Clone, Copy, Default)]
pub struct Described<'n> {
    /// Its name in the reports.
    pub original_name: &'n str,
    /// Its unit, if known.
    pub unit: Option<&'n str>,
    /// Whether its reports give each row an interval (from–to) in place of a time.
    pub of_intervals: bool,
}

/// The kind of a column of numbers, and what it was told by (HVAC.md §3).
#[must_use]
pub fn kind_of_numbers(column: Described<'_>, course: &Course) -> (Kind, String) {
    let name = column.original_name.trim().to_uppercase();
    let says_status = name.ends_with(".S") || ["STATUS", "FAULT", "ALARM"].iter().any(|word| name.contains(word));
    let is_state = course.values > 0 && course.zeros + course.ones == course.values;
    let amount = amount::of(column.original_name, column.unit).filter(|_| !(is_state && says_status));
    if let Some(told) = amount.and_then(|amount| kind_of_amount(column, amount, course)) {
        return told;
    }
    if is_state {
        if course.zeros > 0 && course.ones > 0 {
            return (Kind::Status, "its values are only 0 and 1".to_owned());
        }
        let constant = if course.zeros > 0 { 0 } else { 1 };
        if says_status {
            return (Kind::Status, format!("all its values are {constant}, and its name says status"));
        }
    }
    if course.only_grows() && !column.unit.is_some_and(is_measured_now) {
        let evidence =
            format!("its values rise {} times and fall only {} times, to near 0", course.rises, course.falls);
        return (Kind::Counter, evidence);
    }
    let evidence = if course.values == 0 { "it has no value to tell by" } else { "its values are readings" };
    (Kind::Instantaneous, evidence.to_owned())
}

/// The kind of a column whose name or unit says an amount: its values decide between a register and amounts of
/// intervals; only where they are too few to do so, words do, and rows that are intervals. None when nothing tells.
///
/// Amounts of intervals that happen to rise throughout a short file are taken for a register, unless words or rows
/// say of an interval: no value could tell, and `--column NAME:kind=interval_total` does.
fn kind_of_amount(column: Described<'_>, amount: NamedAmount<'_>, course: &Course) -> Option<(Kind, String)> {
    let NamedAmount { unit, interval, suggests, held } = amount;
    let &Course { rises, falls, values, .. } = course;
    let steps = values.saturating_sub(1);
    let words = match (column.of_intervals, interval, suggests) {
        (true, ..) => Some("its rows are intervals, from–to".to_owned()),
        (false, Some(word), _) => Some(format!("'{word}' in its name says of an interval")),
        (false, None, _) => None,
    };
    let suggested = || suggests.map(|word| format!("'{word}' in its name suggests it"));
    if rises + falls == 0 {
        if let Some(words) = words.filter(|_| values > 0) {
            return Some((Kind::IntervalTotal, format!("its unit is {unit}, and {words}")));
        }
        let name = column.original_name.to_uppercase();
        let ends = name.trim_end_matches(|c: char| !c.is_alphanumeric()).ends_with("KWH");
        return ends.then(|| (Kind::Counter, "its name ends in KWH".to_owned()));
    }
    if held && !course.only_grows() {
        return Some((Kind::Instantaneous, format!("its unit is {unit}, but its name says what is held")));
    }
    if course.only_falls() {
        let evidence =
            format!("its unit is {unit}, but its values fall at {falls} of {steps} steps: what is left of something");
        return Some((Kind::Instantaneous, evidence));
    }
    if course.falls_freely() {
        let more = words.or_else(suggested).map(|words| format!("; {words}")).unwrap_or_default();
        let evidence =
            format!("its unit is {unit}, and its values fall at {falls} of {steps} steps, as no register does{more}");
        return Some((Kind::IntervalTotal, evidence));
    }
    // Amounts do not rise so many times in a row.
    let climbs = falls == 0 && rises >= CLIMB && interval.is_none();
    if let Some(words) = words.filter(|_| !course.only_grows() && !climbs && !course.grows_a_little()) {
        let evidence = format!("its unit is {unit}, {words}, and its {values} values show no register");
        return Some((Kind::IntervalTotal, evidence));
    }
    let evidence = format!("its unit is {unit}, and its values rise at {rises} of {steps} steps and fall at {falls}");
    Some((Kind::Counter, evidence))
}

#[cfg(test)]
mod tests;
