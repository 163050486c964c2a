//! What single cells become.

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
    assert_eq!(read("1485 °C"), Ok((1485.0, VALUE)));
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
