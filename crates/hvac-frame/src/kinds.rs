//! What a point's values are: readings, a register, two states, or text; told by all of its cells.

use crate::column::Kind;
use crate::reference::{ReferencedColumn, values_of};

/// Pairs of words for 0 and 1, in capitals.
const STATE_PAIRS: &[(&str, &str)] = &[
    ("OFF", "ON"),
    ("CLOSED", "OPEN"),
    ("CLOSE", "OPEN"),
    ("FALSE", "TRUE"),
    ("NO", "YES"),
    ("STOP", "RUN"),
    ("STOP", "START"),
    ("STOPPED", "RUNNING"),
    ("NORMAL", "ALARM"),
    ("OK", "FAULT"),
    ("NORMAL", "FAULT"),
    ("MANUAL", "AUTO"),
    ("HAND", "AUTO"),
    ("INACTIVE", "ACTIVE"),
    ("DISABLED", "ENABLED"),
    ("DISABLE", "ENABLE"),
    ("UNOCCUPIED", "OCCUPIED"),
    ("停止", "運轉"),
    ("關", "開"),
    ("正常", "異常"),
];

/// Steps that are counted together.
const BLOCK: usize = 1024;

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

/// Settles how a column is read, from its numbers and its distinct texts.
///
/// Words of one known pair that are not outnumbered by numbers make a status; texts that outnumber the
/// numbers make a text; everything else is numbers.
#[must_use]
pub fn reading<'a>(numbers: u64, tokens: impl Iterator<Item = (&'a str, u64)>) -> Reading {
    let (mut texts, mut words) = (0, Vec::new());
    for (token, count) in tokens {
        texts += count;
        let word = token.trim().to_uppercase();
        if !words.contains(&word) && words.len() < 3 {
            words.push(word);
        }
    }
    if texts == 0 || texts < numbers {
        return Reading::Numbers;
    }
    let pair = STATE_PAIRS.iter().find(|(zero, one)| words.iter().all(|w| w == zero || w == one));
    pair.map_or(Reading::Text, |(zero, one)| Reading::States { zero, one })
}

/// 0 or 1 for a state's word, in any case.
#[must_use]
pub fn state_value(token: &str, zero: &str, one: &str) -> Option<f64> {
    let word = token.trim().to_uppercase();
    if word == zero {
        Some(0.0)
    } else if word == one {
        Some(1.0)
    } else {
        None
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
    first: Option<f64>,
    last: Option<f64>,
}

impl Course {
    /// Takes in the next values in time.
    pub fn extend(&mut self, values: &[f64]) {
        let count = |holds: fn(f64) -> bool| values.iter().map(|value| u64::from(holds(*value))).sum::<u64>();
        self.values += values.len() as u64;
        self.zeros += count(|value| value == 0.0);
        self.ones += count(|value| value == 1.0);
        self.negatives += count(|value| value < 0.0);
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
}

/// The kind of a column of numbers, and what it was told by (HVAC.md §3).
#[must_use]
pub fn kind_of_numbers(original_name: &str, course: &Course) -> (Kind, String) {
    let name = original_name.trim().to_uppercase();
    if name.trim_end_matches(|c: char| !c.is_alphanumeric()).ends_with("KWH") {
        return (Kind::Counter, "its name ends in KWH".to_owned());
    }
    if course.values > 0 && course.zeros + course.ones == course.values {
        if course.zeros > 0 && course.ones > 0 {
            return (Kind::Status, "its values are only 0 and 1".to_owned());
        }
        let constant = if course.zeros > 0 { 0 } else { 1 };
        let says_status = name.ends_with(".S") || ["STATUS", "FAULT", "ALARM"].iter().any(|word| name.contains(word));
        if says_status {
            return (Kind::Status, format!("all its values are {constant}, and its name says status"));
        }
    }
    if course.only_grows() {
        let evidence =
            format!("its values rise {} times and fall only {} times, to near 0", course.rises, course.falls);
        return (Kind::Counter, evidence);
    }
    let evidence = if course.values == 0 { "it has no value to tell by" } else { "its values are readings" };
    (Kind::Instantaneous, evidence.to_owned())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn course(values: impl IntoIterator<Item = f64>) -> Course {
        let mut course = Course::default();
        course.extend(&values.into_iter().collect::<Vec<_>>());
        course
    }

    #[test]
    fn one_odd_text_does_not_make_numbers_text() {
        assert_eq!(reading(999, [("BROKEN", 1)].into_iter()), Reading::Numbers);
        assert_eq!(reading(0, [("COOL", 5), ("HEAT", 5)].into_iter()), Reading::Text);
        assert_eq!(reading(0, [("on", 5), ("OFF", 5)].into_iter()), Reading::States { zero: "OFF", one: "ON" });
        assert_eq!(reading(0, [("YES", 5)].into_iter()), Reading::States { zero: "NO", one: "YES" });
        assert_eq!(reading(0, [("ON", 5), ("OFF", 5), ("TRIP", 1)].into_iter()), Reading::Text);
        assert_eq!(reading(0, [("ON", 5), ("CLOSED", 5)].into_iter()), Reading::Text);
        assert_eq!(reading(0, std::iter::empty()), Reading::Numbers);
    }

    #[test]
    fn two_windows_are_one_course() {
        let values: Vec<f64> = (0..300).map(|i| f64::from(i % 120)).collect();
        let (a, b) = values.split_at(130);
        let mut both = course(a.iter().copied());
        both.absorb(&course(b.iter().copied()));
        assert_eq!(both, course(values));
    }

    #[test]
    fn the_name_only_suggests() {
        // HVAC.md §3: ZWP-1.F is a speed, 50.4–56.6.
        assert_eq!(kind_of_numbers("ZWP-1.F", &course([50.4, 56.6, 51.0])).0, Kind::Instantaneous);
        assert_eq!(kind_of_numbers("CH-1.S", &course([0.0, 0.0])).0, Kind::Status);
        assert_eq!(kind_of_numbers("kW_CHS", &course([0.0, 0.0])).0, Kind::Instantaneous);
        assert_eq!(kind_of_numbers("CH1", &course([0.0, 1.0])).0, Kind::Status);
        assert_eq!(kind_of_numbers("MMCB.KWH", &course([])).0, Kind::Counter);
    }

    #[test]
    fn a_register_grows_but_for_resets() {
        let register = (0..200).map(f64::from).chain((0..200).map(f64::from));
        assert_eq!(kind_of_numbers("GAS", &course(register)).0, Kind::Counter);
        let warming = (0..30).map(f64::from);
        assert_eq!(kind_of_numbers("OAT", &course(warming)).0, Kind::Instantaneous);
        let wave = (0..400).map(|i| f64::from(i % 20));
        assert_eq!(kind_of_numbers("OAT", &course(wave)).0, Kind::Instantaneous);
    }

    proptest! {
        /// Offsets do in time what their doubles do.
        #[test]
        fn counts_have_the_course_of_their_doubles(
            cells in prop::collection::vec(prop::option::of(0u16..600), 1..300),
            least in -300i32..30,
            decimals in 0usize..3,
        ) {
            let scale = [1.0, 10.0, 100.0].get(decimals).copied().unwrap_or(1.0);
            let offsets = cells.iter().map(|cell| cell.unwrap_or(ReferencedColumn::ABSENT | 3)).collect();
            let counts = ReferencedColumn { least, scale, most: 600, offsets };
            let values: Vec<f64> = counts.cells(0..cells.len()).flatten().collect();
            let (mut expected, mut course) = (Course::default(), Course::default());
            expected.extend(&values);
            course.run(&counts, counts.present());
            prop_assert_eq!(course, expected);
        }
    }
}
