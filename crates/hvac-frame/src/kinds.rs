//! What a point's values are: readings, a register, two states, or text; told by all of its cells.

use crate::column::Kind;
use crate::reference::{ReferencedColumn, values_of};
use crate::words::{Lost, folded, lost, pair_of};

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

    const ON_OFF: Reading = Reading::States { zero: "OFF", one: "ON" };

    fn read(numbers: u64, tokens: &[(&str, u64)]) -> Reading {
        reading(numbers, tokens.iter().copied())
    }

    #[test]
    fn one_odd_text_does_not_make_numbers_text() {
        assert_eq!(read(999, &[("BROKEN", 1)]), Reading::Numbers);
        assert_eq!(read(0, &[("COOL", 5), ("HEAT", 5)]), Reading::Text);
        assert_eq!(read(0, &[("on", 5), ("OFF", 5)]), ON_OFF);
        assert_eq!(read(0, &[("YES", 5)]), Reading::States { zero: "NO", one: "YES" });
        assert_eq!(read(0, &[("ON", 5), ("OFF", 5), ("TRIP", 1)]), Reading::Text);
        assert_eq!(read(0, &[("ON", 5), ("CLOSED", 5)]), Reading::Text);
        assert_eq!(read(0, &[]), Reading::Numbers);
    }

    #[test]
    fn a_sensor_that_is_mostly_lost_stays_a_sensor() {
        assert_eq!(read(800, &[("Unreliable", 1200)]), Reading::Numbers);
        assert_eq!(read(3, &[("unavailable", 1000), ("unknown", 500), ("Comm Fail", 500)]), Reading::Numbers);
        assert_eq!(read(3, &[("Fault", 1000), ("OFFLINE", 1000)]), Reading::Numbers);
        assert_eq!(read(800, &[("KAPUTT", 1200)]), Reading::Numbers);
        assert_eq!(read(800, &[("KAPUTT", 700), ("kaputt", 500)]), Reading::Numbers);
        assert_eq!(read(800, &[("KAPUTT", 600), ("Fault", 300), ("unknown", 300)]), Reading::Numbers);
        assert_eq!(read(0, &[("Unreliable", 1200), ("Comm Fail", 3)]), Reading::Numbers);
    }

    #[test]
    fn words_that_are_readings_stay_words() {
        assert_eq!(read(1, &[("COOL", 1000), ("HEAT", 1000)]), Reading::Text);
        assert_eq!(read(1, &[("COOL", 1), ("HEAT", 1)]), Reading::Text);
        assert_eq!(read(1, &[("COOL", 5), ("HEAT", 5), ("unknown", 9)]), Reading::Text);
        assert_eq!(read(12, &[("ON", 500), ("OFF", 500)]), ON_OFF);
        assert_eq!(read(0, &[("Unreliable", 5), ("COOL", 5)]), Reading::Text);
        assert_eq!(read(0, &[("ON", 5), ("OFF", 5), ("Fault", 1)]), Reading::Text);
    }

    #[test]
    fn the_column_decides_what_is_both_a_state_and_a_loss() {
        assert_eq!(read(0, &[("Offline", 5), ("Online", 5)]), Reading::States { zero: "OFFLINE", one: "ONLINE" });
        assert_eq!(read(0, &[("Normal", 50), ("Fault", 5)]), Reading::States { zero: "NORMAL", one: "FAULT" });
        assert_eq!(read(0, &[("正常", 50), ("異常", 5)]), Reading::States { zero: "正常", one: "異常" });
        assert_eq!(read(0, &[("Good", 50), ("Bad", 5)]), Reading::States { zero: "BAD", one: "GOOD" });
        assert_eq!(read(0, &[("Fault", 5)]), Reading::States { zero: "OK", one: "FAULT" });
        assert_eq!(read(0, &[("on", 5), ("off", 5), ("unknown", 50)]), ON_OFF);
        assert_eq!(read(0, &[("on", 5), ("off", 5), ("Comm Fail", 1)]), ON_OFF);
        assert_eq!(read(10, &[("Fault", 50)]), Reading::Numbers);
        assert_eq!(read(10, &[("異常", 50)]), Reading::Numbers);
    }

    #[test]
    fn spellings_of_two_states_are_a_status() {
        for (tokens, zero, one) in [
            (&["Open", "Closed", "Close"][..], "CLOSED", "OPEN"),
            (&["Run", "Stop", "Running", "Stopped"], "STOP", "RUN"),
            (&["Ein", "Aus", "An"], "AUS", "EIN"),
            (&["Auf", "Zu"], "ZU", "AUF"),
            (&["Arrêt", "marche"], "ARRÊT", "MARCHE"),
            (&["Encendido", "Apagado"], "APAGADO", "ENCENDIDO"),
            (&["Aperto"], "CHIUSO", "APERTO"),
            (&["Aan", "Uit"], "UIT", "AAN"),
            (&["啟動", "停止"], "停止", "啟動"),
            (&["运行", "停止"], "停止", "运行"),
            (&["关", "开"], "关", "开"),
            (&["手動", "自動"], "手動", "自動"),
            (&["正常", "故障"], "正常", "故障"),
            (&["Hand", "Auto"], "HAND", "AUTO"),
            (&["T", "F"], "F", "T"),
            (&["Unoccupied", "Occupied"], "UNOCCUPIED", "OCCUPIED"),
        ] {
            let read = reading(0, tokens.iter().map(|token| (*token, 7)));
            assert_eq!(read, Reading::States { zero, one }, "{tokens:?}");
        }
        assert_eq!(read(0, &[("Auf", 5), ("Zu", 5), ("Aus", 5)]), Reading::Text);
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
        /// However the rows are spread over files, and in whichever order these come.
        #[test]
        fn files_do_not_matter(
            numbers in 0u64..9,
            cells in prop::collection::vec((0usize..12, 1u64..5, 0u64..4), 0..9),
            turn in 0usize..20,
        ) {
            let words = ["ON", "off", "Open", "Close", "COOL", "HEAT", "Fault", "OK", "Unknown", "Comm Fail", "異常", "x"];
            let word = |at: usize| words.get(at).copied().unwrap_or_default();
            let one: std::collections::BTreeMap<&str, u64> = cells.iter().fold(Default::default(), |mut all, cell| {
                *all.entry(word(cell.0)).or_insert(0) += cell.1 + cell.2;
                all
            });
            let mut many: Vec<(&str, u64)> =
                cells.iter().flat_map(|cell| [(word(cell.0), cell.1), (word(cell.0), cell.2)]).filter(|cell| cell.1 > 0).collect();
            let turn = turn % many.len().max(1);
            many.rotate_left(turn);
            prop_assert_eq!(reading(numbers, many.into_iter()), reading(numbers, one.into_iter()));
        }

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
