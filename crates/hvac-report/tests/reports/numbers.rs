//! Numbers whose marks say little, and what a system says of its readings beside them. Expected rows are worked by hand.

use proptest::prelude::*;

use super::*;

fn told(text: &str) -> (FilePlan, Vec<String>) {
    let (plan, segments) = read("P.csv", text.as_bytes(), &options("UTC")).unwrap_or_else(|e| panic!("{e:?}\n{text}"));
    let rows = rows(&plan, &segments).iter().map(|row| row.split_once(" | ").unwrap().1.to_owned()).collect();
    (plan, rows)
}

/// The cells of one point, a row each.
fn cells(text: &str) -> Vec<String> {
    told(text).1
}

fn refused(text: &str) -> ReadError {
    read("P.csv", text.as_bytes(), &options("UTC")).err().unwrap_or_else(|| panic!("{text}"))
}

/// A table of one value column.
fn column(delimiter: char, name: &str, cells: &[&str], date: fn(usize) -> String) -> String {
    let row = |(at, cell): (usize, &&str)| {
        let quote = if cell.contains(delimiter) { "\"" } else { "" };
        format!("{}{delimiter}{quote}{cell}{quote}\n", date(at))
    };
    let rows: String = cells.iter().enumerate().map(row).collect();
    format!("Time{delimiter}{name}\n{rows}")
}

fn iso(at: usize) -> String {
    format!("2024-05-13 00:{at:02}")
}

fn dotted(at: usize) -> String {
    format!("13.05.2024 00:{at:02}")
}

#[test]
fn a_status_column_called_flags_is_one() {
    for name in
        ["status-flags", "flags", "flag", "StatusFlags", "Status Flags", "quality flag", "Trend Flags", "Quality"]
    {
        for (good, bad) in [
            ("\"{F,F,F,F}\"", "\"{F,T,F,F}\""),
            ("ok", "fault"),
            ("Good", "Bad"),
            ("{ok}", "{down}"),
            ("\"false,false,false,false\"", "\"false,false,false,true\""),
        ] {
            let text = format!(
                "timestamp,value,{name}\n2024-05-13T00:00:00Z,7.5,{good}\n2024-05-13T00:15:00Z,0.0,{bad}\n2024-05-13T00:30:00Z,7.6,{good}\n"
            );
            let (plan, rows) = told(&text);
            assert_eq!(rows, ["7.5", "<bad_status>", "7.6"], "{text}");
            assert_eq!(warned(&plan), [("bad_status", Some(3), 1)], "{text}");
        }
    }
}

#[test]
fn yes_and_no_say_whether_a_reading_is_one() {
    let good = ["Valid", "is_valid", "OK", "Good", "validity"].map(|name| (name, true));
    let bad = ["Invalid", "Bad", "Fault", "Error", "isFault"].map(|name| (name, false));
    for (name, yes_is_good) in good.into_iter().chain(bad) {
        for (yes, no) in [("TRUE", "FALSE"), ("1", "0"), ("yes", "no"), ("T", "F"), ("ja", "nein")] {
            let (well, ill) = if yes_is_good { (yes, no) } else { (no, yes) };
            let text = format!(
                "timestamp,value,{name}\n2024-05-13T00:00:00Z,7.5,{well}\n2024-05-13T00:15:00Z,0.0,{ill}\n2024-05-13T00:30:00Z,7.6,{well}\n"
            );
            let (plan, rows) = told(&text);
            assert_eq!(rows, ["7.5", "<bad_status>", "7.6"], "{text}");
            assert_eq!(warned(&plan), [("bad_status", Some(3), 1)], "{text}");
            let long = format!(
                "timestamp,point,value,{name}\n2024-05-13T00:00:00Z,A,7.5,{well}\n2024-05-13T00:15:00Z,A,0.0,{ill}\n2024-05-13T00:30:00Z,A,7.6,{well}\n"
            );
            assert_eq!(told(&long).1, ["7.5", "<bad_status>", "7.6"], "{long}");
        }
    }
    // Of one point among several, and of all; a machine's fault is a point of its own.
    let text = "Time,A1,A1 Valid,B1\n2024-05-13 00:00,7.5,TRUE,1.5\n2024-05-13 00:15,0.0,FALSE,2.5\n";
    assert_eq!(cells(text), ["7.5 | 1.5", "<bad_status> | 2.5"]);
    let text = "Time,A1,B1,Valid\n2024-05-13 00:00,7.5,1.5,1\n2024-05-13 00:15,0.0,0.0,0\n";
    assert_eq!(cells(text), ["7.5 | 1.5", "<bad_status> | <bad_status>"]);
    let text = "Time,A1,Fault\n2024-05-13 00:00,7.5,0\n2024-05-13 00:15,7.25,1\n";
    assert_eq!(cells(text), ["7.5 | 0", "7.25 | 1"]);
}

#[test]
fn a_line_for_spreadsheets_takes_no_name() {
    for (line, delimiter) in [("sep=,", ','), ("sep=;", ';'), ("\"sep=,\"", ',')] {
        for name in ["A", "kW", "CHWST"] {
            let (plan, rows) = told(&format!(
                "{line}\nTime{delimiter}{name}\n2024-05-13 00:00{delimiter}7.5\n2024-05-13 00:15{delimiter}7.25\n"
            ));
            assert_eq!((names(&plan), rows), (vec![name], vec!["7.5".to_owned(), "7.25".to_owned()]), "{line}");
            assert_eq!(warned(&plan), [], "{line} {name}");
        }
    }
    let (plan, _) = told("Building 4,\nTime,kW\n2024-05-13 00:00,7.5\n2024-05-13 00:15,7.25\n");
    assert_eq!((names(&plan), warned(&plan)), (vec!["kW"], vec![]));
}

#[test]
fn thousands_run_on_where_decimals_would_jump() {
    let expected = ["950", "987", "1012", "1204", "998", "1100"];
    for mark in [".", ","] {
        let written = ["950", "987", "1.012", "1.204", "998", "1.100"].map(|cell| cell.replace('.', mark));
        let written: Vec<&str> = written.iter().map(String::as_str).collect();
        for delimiter in [';', ',', '\t'] {
            for date in [iso, dotted] {
                let text = column(delimiter, "kW", &written, date);
                let (plan, rows) = told(&text);
                assert_eq!(rows, expected, "{text}");
                let evidence = plan.decimal.unwrap().evidence;
                assert!(evidence.contains("thousands"), "{evidence}");
            }
        }
    }
}

#[test]
fn decimals_run_on_where_thousands_would_jump() {
    for mark in [".", ","] {
        let written = ["21", "21.125", "22", "21.875", "20"].map(|cell| cell.replace('.', mark));
        let written: Vec<&str> = written.iter().map(String::as_str).collect();
        for delimiter in [';', ',', '\t'] {
            let (plan, rows) = told(&column(delimiter, "flow", &written, dotted));
            assert_eq!(rows, ["21", "21.125", "22", "21.875", "20"]);
            assert_eq!(warned(&plan), []);
        }
    }
}

#[test]
fn what_may_be_both_is_refused_or_told() {
    // A pump that stands by at 5 W and draws 12.95 kW, or 12.95 W.
    let either = column(';', "P", &["5", "12.950", "6", "12.975", "5"], iso);
    let error = refused(&either);
    assert_eq!((error.code, error.line, error.column.as_deref()), ("ambiguous_decimal", Some(3), Some("P")));
    assert!(error.message.contains("'12.950'") && error.message.contains("decimal . or ,"), "{}", error.message);
    for (asked, expected) in [('.', "12.95"), (',', "12950")] {
        let options = ReadOptions { decimal: Some(asked), ..options("UTC") };
        let (plan, segments) = read("P.csv", either.as_bytes(), &options).unwrap();
        assert!(rows(&plan, &segments)[1].ends_with(&format!("| {expected}")));
    }
    // Dates that are written where the comma is the decimal sign.
    assert_eq!(refused(&column(';', "kW", &["12.950", "13.012", "13.104"], dotted)).code, "ambiguous_decimal");
    assert_eq!(refused(&column(',', "kW", &["1,234", "1,235"], dotted)).code, "ambiguous_decimal");
    // Elsewhere as most mean it, and said.
    for (cells, expected, what) in
        [(["12.950", "13.012"], ["12.95", "13.012"], "decimals"), (["1,234", "1,235"], ["1234", "1235"], "thousands")]
    {
        let (plan, rows) = told(&column(',', "kW", &cells, iso));
        assert_eq!(
            (rows, warned(&plan)),
            (expected.map(str::to_owned).to_vec(), vec![("doubtful_decimal", Some(2), 2)])
        );
        assert!(plan.warnings[0].message.contains(what), "{}", plan.warnings[0].message);
        assert_eq!(plan.warnings[0].column.as_deref(), Some("kW"));
    }
}

#[test]
fn decimals_of_three_places_that_are_certain_are_read_without_a_word() {
    for (name, written, expected) in [
        ("kW", vec!["0.950", "1.012"], vec!["0.95", "1.012"]),
        ("kW", vec!["1.012", "1012.500"], vec!["1.012", "1012.5"]),
        ("kW", vec!["1.012", "1.5"], vec!["1.012", "1.5"]),
        ("T [°C]", vec!["21.350", "22.125"], vec!["21.35", "22.125"]),
        ("RH (%)", vec!["45.125", "50.250"], vec!["45.125", "50.25"]),
        ("T", vec!["21.350 °C", "22.125 °C"], vec!["21.35", "22.125"]),
    ] {
        for date in [iso, dotted] {
            let (plan, rows) = told(&column(';', name, &written, date));
            assert_eq!(
                (rows, warned(&plan)),
                (expected.iter().map(|c| (*c).to_owned()).collect(), vec![]),
                "{written:?}"
            );
        }
    }
}

#[test]
fn series_of_a_long_report_are_looked_at_one_by_one() {
    let mut text = "Time,Point,Value\n".to_owned();
    for (at, (a, b)) in [("950", "3"), ("1.012", "3"), ("998", "4"), ("1.204", "3")].iter().enumerate() {
        text += &format!("{},A,{a}\n{},B,{b}\n", iso(at), iso(at));
    }
    assert_eq!(cells(&text), ["950 | 3", "1012 | 3", "998 | 4", "1204 | 3"]);
}

#[test]
fn blanks_of_every_width_part_thousands_before_a_decimal_comma() {
    for blank in [' ', '\u{a0}', '\u{202f}', '\u{2009}', '\u{2007}', '\'', '’'] {
        for delimiter in [';', '\t', ','] {
            let written =
                ["1_234,5", "1_234_567,8", "-1_234,5", "−1_234,75"].map(|c| c.replace('_', &blank.to_string()));
            let written: Vec<&str> = written.iter().map(String::as_str).collect();
            let text = column(delimiter, "kW", &written, dotted);
            assert_eq!(cells(&text), ["1234.5", "1234567.8", "-1234.5", "-1234.75"], "{text}");
            // No other number says that the comma is the decimal sign.
            for cell in &written {
                let text = column(delimiter, "kW", &[cell], dotted);
                assert_ne!(cells(&text)[0].chars().next(), Some('\''), "{text}");
            }
        }
    }
}

#[test]
fn protected_numbers_are_numbers_and_wrapped_ones_are_told() {
    let protected = "Time,kW,S\n2024-05-13 00:00,\"=\"\"12.5\"\"\",\"=\"\"ON\"\"\"\n2024-05-13 00:15,=\"13.5\",=\"OFF\"\n2024-05-13 00:30,'14.5,ON\n";
    let (plan, rows) = told(protected);
    assert_eq!(
        (rows, warned(&plan)),
        (vec!["12.5 | 'ON'".into(), "13.5 | 'OFF'".into(), "14.5 | 'ON'".into()], vec![])
    );
    assert_eq!(cells("Zeit;kW\n13.05.2024 00:00;\"=\"\"12,5\"\"\"\n13.05.2024 00:15;'13,25\n"), ["12.5", "13.25"]);
    for (a, b) in [("real-value: 21.5", "real-value: 22"), ("1 (On)", "0 (Off)"), ("0x10", "0x1F")] {
        let (plan, _) = told(&format!("Time,A1,B1\n2024-05-13 00:00,{a},1\n2024-05-13 00:15,{b},2\n"));
        assert_eq!(warned(&plan), [("numbers_in_texts", Some(2), 2)], "{a}");
        assert_eq!(plan.warnings[0].column.as_deref(), Some("A1"));
    }
    for (a, b) in [("ON", "OFF"), ("Stage 1", "Stage 2"), ("real-value: 21.5", "down")] {
        let (plan, _) = told(&format!("Time,A1,B1\n2024-05-13 00:00,{a},1\n2024-05-13 00:15,{b},2\n"));
        assert_eq!(warned(&plan), [], "{a}");
    }
}

#[test]
fn whole_numbers_that_lose_digits_are_told() {
    for text in [
        "Time,kWh\n2024-05-13 00:00,1\n2024-05-13 00:15,9007199254740993\n2024-05-13 00:30,9007199254740992\n",
        "Time,Point,Value\n2024-05-13 00:00,kWh,1\n2024-05-13 00:15,kWh,9007199254740993\n2024-05-13 00:30,kWh,2\n",
    ] {
        let (plan, rows) = told(text);
        assert_eq!((rows[1].as_str(), warned(&plan)), ("9007199254740992", vec![("rounded_numbers", Some(3), 1)]));
        assert!(plan.warnings[0].message.contains("'9007199254740993' is 9007199254740992"));
        assert_eq!(plan.warnings[0].column.as_deref(), Some("kWh"));
    }
}

/// 45425 is 2024-05-13. The third format, `0.0"%"`, only writes the sign behind the number.
#[test]
fn cells_of_a_workbook_that_are_shown_in_percent_are_percent() {
    let bytes = std::fs::read("tests/fixtures/percent.xlsx").unwrap();
    let (plan, segments) = read("b.xlsx", &bytes, &options("UTC")).unwrap();
    let units: Vec<Option<&str>> =
        plan.points.iter().map(|p| p.unit.as_ref().map(|unit| unit.value.as_str())).collect();
    assert_eq!(units, [Some("%"), Some("%"), None, None]);
    assert_eq!(
        rows(&plan, &segments),
        [
            "05-13 00:00:00 | 50 | 45.25 | 50 | 0.5",
            "05-13 00:15:00 | 7 | 29 | 51.5 | 0.5",
            "05-13 00:30:00 | 100 | 30 | 52 | 0.5",
        ]
    );
    assert_eq!(warned(&plan), []);
}

/// A number of thousandths as one writer of decimals writes it, or a whole number as one of thousands does.
fn written(number: i64, how: usize) -> String {
    let (whole, rest) = (number / 1000, number % 1000);
    match how {
        0 if whole > 0 => format!("{whole}.{rest:03}"),
        1 if whole > 0 => format!("{whole},{rest:03}"),
        0 | 1 => rest.to_string(),
        2 => format!("{whole}.{rest:03}"),
        3 => format!("{whole},{rest:03}"),
        _ => (number as f64 / 1000.0).to_string(),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    /// A series that runs on is read as it was meant, or refused, or what it was taken for is said.
    #[test]
    fn no_number_is_off_by_a_thousand_in_silence(
        start in 1i64..40_000,
        steps in prop::collection::vec(-0.3f64..0.3, 1..60),
        how in 0usize..5,
        delimiter in prop::sample::select(vec![',', ';', '\t']),
        german: bool,
    ) {
        let mut numbers = vec![start];
        for step in steps {
            let last = *numbers.last().unwrap() as f64;
            numbers.push(((last * (1.0 + step)) as i64).max(1));
        }
        let cells: Vec<String> = numbers.iter().map(|number| written(*number, how)).collect();
        let shown: Vec<&str> = cells.iter().map(String::as_str).collect();
        let text = column(delimiter, "kW", &shown, if german { dotted } else { iso });
        let unit = if how < 2 { 1.0 } else { 1000.0 };
        match read("P.csv", text.as_bytes(), &options("UTC")) {
            Err(error) => prop_assert_eq!(error.code, "ambiguous_decimal", "{}", text),
            Ok((plan, _)) if warned(&plan).iter().any(|(code, _, _)| *code == "doubtful_decimal") => {}
            Ok((plan, segments)) => {
                let expected: Vec<String> = numbers.iter().map(|number| (*number as f64 / unit).to_string()).collect();
                let found: Vec<String> =
                    rows(&plan, &segments).iter().map(|row| row.split_once(" | ").unwrap().1.to_owned()).collect();
                prop_assert_eq!(found, expected, "{}", text);
            }
        }
    }
}
