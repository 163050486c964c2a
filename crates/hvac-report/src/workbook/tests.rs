//! Workbooks written for these tests; what they come to was worked out by hand from their cells.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use super::*;
use hvac_frame::builder::SegmentBuilder;

macro_rules! read {
    ($name:literal) => {
        read!($name, |_| {})
    };
    ($name:literal, $change:expr) => {{
        let bytes = include_bytes!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/", $name, ".xlsx"));
        let mut options = ReadOptions::of(chrono_tz::UTC);
        let change: fn(&mut ReadOptions) = $change;
        change(&mut options);
        read(Source { name: concat!($name, ".xlsx"), bytes }, &options)
    }};
}

/// The lines below the header of each sheet.
fn bodies(book: &Book) -> Vec<Vec<&str>> {
    book.sheets.iter().map(|sheet| sheet.text.lines().skip(1).collect()).collect()
}

/// The lines of a workbook's only sheet.
fn lines(book: &Book) -> Vec<&str> {
    assert_eq!(book.sheets.len(), 1);
    book.sheets[0].text.lines().collect()
}

/// What is said of the only sheet: code, line and count.
fn said(book: &Book) -> Vec<(&str, Option<u64>, u64)> {
    book.sheets[0].warnings.iter().map(|w| (w.code.as_str(), w.line, w.count)).collect()
}

fn refused(book: Result<Book, ReadError>) -> (&'static str, Option<u64>, String) {
    let error = book.unwrap_err();
    (error.code, error.line, error.message)
}

#[test]
fn every_sheet_that_is_seen_is_read_and_the_others_are_named() {
    let book = read!("sheets").unwrap();
    let names: Vec<(&str, &str)> = book.sheets.iter().map(|s| (s.name.as_str(), s.text.as_str())).collect();
    let jan = "\"Time\",\"CH1_KW\"\n2024-01-05 08:00:00,311\n2024-01-05 08:15:00,312.5\n";
    let feb = "\"Time\",\"CH1_KW\"\n2024-02-05 08:00:00,313\n";
    assert_eq!(names, [("Cover", "\"Monthly report\"\n\"Plant 7\"\n"), ("Jan", jan), ("Feb", feb)]);
    assert_eq!(book.encoding.evidence, "an Excel workbook with the sheets 'Cover', 'Jan', 'Feb'");
    let left_out: Vec<(&str, u64)> = book.left_out.iter().map(|w| (w.code.as_str(), w.count)).collect();
    assert_eq!(left_out, [("hidden_sheet", 2), ("sheet_without_cells", 1), ("sheet_without_cells", 1)]);
    for (warning, names) in
        book.left_out.iter().zip([["'Raw'", "'Secret'"], ["'Chart'", "chart"], ["'Empty'", "value"]])
    {
        assert!(names.iter().all(|name| warning.message.contains(name)), "{}", warning.message);
    }
}

#[test]
fn one_sheet_may_be_asked_for() {
    assert_eq!(lines(&read!("sheets", |o| o.sheet = Some("Feb".into())).unwrap()).len(), 2);
    assert_eq!(lines(&read!("sheets", |o| o.sheet = Some(" jan".into())).unwrap()).len(), 3);
    // Hidden or not.
    assert_eq!(lines(&read!("sheets", |o| o.sheet = Some("Secret".into())).unwrap())[1], "2024-01-05 08:00:00,1");
    let (code, _, words) = refused(read!("sheets", |o| o.sheet = Some("March".into())));
    assert!(code == "unknown_sheet" && words.contains("'March'") && words.contains("'Raw'"), "{words}");
    assert_eq!(refused(read!("sheets", |o| o.sheet = Some("Empty".into()))).0, "empty_file");
    let (code, _, words) = refused(read!("only_hidden"));
    assert!(code == "empty_file" && words.contains("'Data'"), "{words}");
}

#[test]
fn swapped_days_and_months_are_put_right_where_the_rows_run_forward_then() {
    let book = read!("swapped_day_first").unwrap();
    let expected = [
        "\"Date\",\"kW\"",
        "2024-02-11,1",
        "2024-02-11 12:00:00,2",
        "2024-02-12,3",
        "2024-02-12 12:00:00,4",
        "\"2024-02-13 00:00\",5",
        "\"2024-02-13 12:00\",6",
    ];
    assert_eq!(lines(&book), expected);
    assert_eq!(said(&book), [("swapped_dates", Some(2), 4)]);
    let words = &book.sheets[0].warnings[0].message;
    assert!(
        words.contains("4 cells") && words.contains("2024-11-02 for 2024-02-11") && words.contains("day first"),
        "{words}"
    );

    // Month first, two digits a year, newest first.
    let book = read!("swapped_month_first_newest_first").unwrap();
    let expected = [
        "\"2025-04-13 12:00\",1",
        "\"2025-04-13 0:00\",2",
        "2025-04-12 12:00:00,3",
        "2025-04-12,4",
        "2025-04-11 12:00:00,5",
        "2025-04-11,6",
    ];
    assert_eq!(lines(&book)[1..], expected);
    assert_eq!(said(&book), [("swapped_dates", Some(4), 4)]);

    // When the report was written stands above and below.
    let book = read!("swapped_below_a_date").unwrap();
    assert_eq!(lines(&book)[1..5], ["2024-03-28", "\"Date\",\"kW\"", "2024-02-11,1", "2024-02-11 12:00:00,2"]);
}

#[test]
fn sheets_tell_of_each_other_that_their_dates_are_swapped() {
    // A day alone does not tell; the texts of the 13th and 14th do.
    let book = read!("swapped_sheet_a_day").unwrap();
    let firsts: Vec<&str> = book.sheets.iter().map(|sheet| sheet.text.lines().nth(1).unwrap()).collect();
    assert_eq!(firsts, ["2024-02-11,1", "2024-02-12,1", "\"2024-02-13 00:00\",1", "\"2024-02-14 00:00\",1"]);
    // 18/02/24 might be 2018 without the other sheet.
    let book = read!("swapped_two_sheets").unwrap();
    let firsts: Vec<&str> = book.sheets.iter().map(|sheet| sheet.text.lines().nth(1).unwrap()).collect();
    assert_eq!(firsts, ["2024-02-11,1", "\"2024-02-18 00:00\",1"]);
}

/// The first cell of each table of a workbook: sheet, name, time, value; and the codes of all warnings.
fn first_cells(name: &str, bytes: &[u8]) -> (Vec<(String, String, i64, f64)>, Vec<String>) {
    let options = ReadOptions::of(chrono_tz::UTC);
    let (mut cells, mut codes) = (Vec::new(), Vec::new());
    for reader in crate::Reader::open(Source { name, bytes }, &options).unwrap() {
        let mut segments = Vec::new();
        let plan =
            reader.plan(&mut SegmentBuilder::default(), &mut |_, segment| segments.push(segment.decode())).unwrap();
        let value = segments[0].columns[0].values[0];
        cells.push((plan.part.clone(), plan.points[0].original_name.clone(), segments[0].at_ms[0], value));
        codes.extend(plan.warnings.into_iter().map(|warning| warning.code));
    }
    (cells, codes)
}

#[test]
fn all_sheets_that_are_tables_make_tables() {
    const FEB_4: i64 = 1_707_004_800_000;
    let cell = |sheet: &str, name: &str, at: i64, value: f64| (sheet.to_owned(), name.to_owned(), at, value);
    let bytes = include_bytes!("../../tests/fixtures/text_days.xlsx");
    let (cells, codes) = first_cells("text_days.xlsx", bytes);
    // The 14th says that 04/02 is of February.
    assert_eq!(cells, [cell("4 Feb", "kW", FEB_4, 1.0), cell("14 Feb", "kW", FEB_4 + 10 * 86_400_000, 2.0)]);
    assert_eq!(codes, ["sheet_left_out", "sheet_left_out"]);
    let (cells, codes) = first_cells("sheets.xlsx", include_bytes!("../../tests/fixtures/sheets.xlsx"));
    let (jan, feb) = (1_704_441_600_000, 1_707_120_000_000);
    assert_eq!(cells, [cell("Jan", "CH1_KW", jan, 311.0), cell("Feb", "CH1_KW", feb, 313.0)]);
    assert_eq!(codes, ["hidden_sheet", "sheet_without_cells", "sheet_without_cells", "sheet_left_out"]);
    // The same point twice with other values: both are kept up to the join, which says it.
    let (cells, _) = first_cells("two_machines.xlsx", include_bytes!("../../tests/fixtures/two_machines.xlsx"));
    let at = 1_704_067_200_000;
    assert_eq!(cells, [cell("CH1", "kW", at, 1.0), cell("CH2", "kW", at, 9.0)]);
}

#[test]
fn dates_that_are_right_stay() {
    let book = read!("mixed_but_right").unwrap();
    assert_eq!(lines(&book)[1..], ["2024-01-11,1", "2024-01-12,2", "\"13/01/2024 00:00\",3", "\"14/01/2024 00:00\",4"]);
    assert_eq!(said(&book), []);
    let book = read!("dates_only").unwrap();
    assert_eq!(lines(&book)[1..], ["2024-01-11,1", "2024-01-12,2", "2024-01-13,3"]);
    assert_eq!(said(&book), []);
    // A row a month is a row a month.
    let book = read!("months").unwrap();
    assert_eq!(lines(&book)[1..], ["2024-01-01,1", "2024-02-01,2", "2024-03-01,3", "2024-04-01,4"]);
    assert_eq!(said(&book), []);
}

#[test]
fn dates_that_may_be_swapped_are_refused_or_said() {
    let (code, line, words) = refused(read!("swapped_or_not"));
    assert_eq!((code, line), ("swapped_dates", Some(2)));
    assert!(
        words.contains("'S'") && words.contains("'Date'") && words.contains("2 cells") && words.contains("CSV"),
        "{words}"
    );
    // 3 to 5 February as 2 March, 2 April and 2 May, and no text beside them.
    let book = read!("swapped_dates_only").unwrap();
    assert_eq!(lines(&book)[1], "2024-03-02,1");
    assert_eq!(said(&book), [("dates_may_be_swapped", Some(2), 6)]);
}

#[test]
fn merged_cells_hold_for_all_their_columns() {
    let book = read!("merged_groups").unwrap();
    let expected = [
        "\"Plant 7, January\"",
        ",\"Chiller 1\",\"Chiller 1\",\"Chiller 2\",\"Chiller 2\"",
        "\"Time\",\"kW\",\"°C\",\"kW\",\"°C\"",
        "2024-01-01,1,2,3,4",
    ];
    assert_eq!(lines(&book)[..4], expected);
    let book = read!("merged_down").unwrap();
    let expected = ["\"Time\",\"AHU 1\",\"AHU 1\",\"AHU 1\",\"OAT\"", ",\"SAT\",\"RAT\",\"Fan\","];
    assert_eq!(lines(&book)[..2], expected);
    // A day, and a machine, over several rows.
    let book = read!("merged_dates").unwrap();
    let expected = [
        "2024-01-01,\"00:00\",\"CH1\",1",
        "2024-01-01,\"12:00\",\"CH1\",2",
        "2024-01-02,\"00:00\",\"CH2\",3",
        "2024-01-02,\"12:00\",\"CH2\",4",
    ];
    assert_eq!(lines(&book)[1..], expected);
}

#[test]
fn decimal_commas_in_texts_become_points_where_that_is_certain() {
    let book = read!("decimal_commas").unwrap();
    let expected = [
        // `1,234` follows its sheet.
        "\"13.01.2024 01:00\",\"0.5\",\"1.234\",7.25",
        "\"13.01.2024 02:00\",\"-11.50\",\"2.345\",\"1234.5\"",
        "\"13.01.2024 03:00\",\"12.5 °C\",\"3\",\"987\"",
    ];
    assert_eq!(bodies(&book)[0], expected);
    assert!(book.sheets.iter().all(|sheet| sheet.warnings.is_empty()));
    assert!(
        book.encoding.evidence.ends_with("; numbers in texts have a decimal comma in 'All'"),
        "{}",
        book.encoding.evidence
    );

    let book = read!("commas_of_another_sheet").unwrap();
    assert_eq!(bodies(&book)[0], ["\"2024-01-13 01:00\",\"1.234\"", "\"2024-01-13 02:00\",\"2.345\""]);
    assert_eq!(bodies(&book)[1], ["\"2024-01-13 01:00\",\"7.5\"", "\"2024-01-13 02:00\",\"-0.125\""]);
}

#[test]
fn thousands_stay_thousands() {
    // 12.5 and 1,234,567 say so; or many of them, and below 1000 nothing has a comma.
    let book = read!("thousands").unwrap();
    assert_eq!(bodies(&book)[0][0], "\"2024-01-13 01:00\",\"1,234\"");
    let book = read!("many_thousands").unwrap();
    assert_eq!(bodies(&book)[0][..2], ["\"2024-01-13 00:00\",\"1,111\"", "\"2024-01-13 00:01\",\"1,112\""]);
    assert_eq!(bodies(&book)[0][24], "\"2024-01-13 00:24\",\"987\"");
    assert!(book.sheets.iter().all(|sheet| sheet.warnings.is_empty()));
}

#[test]
fn commas_in_doubt_are_refused_until_the_user_says() {
    let (code, line, words) = refused(read!("doubtful_commas"));
    assert_eq!((code, line), ("ambiguous_decimal", Some(2)));
    assert!(words.contains("'1,234'") && words.contains("'A'"), "{words}");
    assert_eq!(refused(read!("commas_and_points")).0, "ambiguous_decimal");
    let book = read!("doubtful_commas", |o| o.decimal = Some(',')).unwrap();
    assert_eq!(lines(&book)[1], "\"2024-01-13 01:00\",\"1.234\"");
    let book = read!("doubtful_commas", |o| o.decimal = Some('.')).unwrap();
    assert_eq!(lines(&book)[1], "\"2024-01-13 01:00\",\"1,234\"");
}

#[test]
fn numbers_that_are_days_become_times() {
    let book = read!("serials").unwrap();
    assert_eq!(
        lines(&book)[1..],
        ["2024-01-01 12:00:00,30000", "2024-01-01 12:15:00,30001", "2024-01-01 12:30:00,30002"]
    );
    assert_eq!(said(&book), [("serial_times", Some(2), 3)]);
    let book = read!("serial_days_and_fractions").unwrap();
    assert_eq!(lines(&book)[1..], ["2024-01-01,00:00:00,1", "2024-01-01,08:15:00,2", "2024-01-02,12:00:00,3"]);
    // Counted from 1904; hours of operation are no times.
    let book = read!("serials_1904").unwrap();
    assert_eq!(lines(&book)[1..], ["2024-01-01 06:00:00,30000.5", "2024-01-01 12:00:00,30000.75"]);
    let book = read!("no_serials").unwrap();
    assert_eq!(lines(&book)[1..], ["2024-01-01 08:00:00,30000.5", "2024-01-01 09:00:00,30001.5"]);
    let book = read!("dates_without_format").unwrap();
    assert_eq!(lines(&book)[1..], ["2024-01-01 08:00:00,1", "2024-01-01 08:15:00,2", "2024-01-01 08:30:00,3"]);
    assert_eq!(said(&book), [("serial_times", Some(2), 1)]);
}

#[test]
fn dates_and_times_in_two_columns_and_beyond_a_day() {
    let book = read!("date_and_time").unwrap();
    let expected =
        ["2024-01-01,08:15:00,1,36:00:00", "2024-01-01,08:30:00,2,36:15:00", "2024-01-01,24:00:00,3,40:00:00"];
    assert_eq!(lines(&book)[1..], expected);
}

#[test]
fn cells_of_every_kind() {
    let book = read!("kinds").unwrap();
    let expected = [
        "\"Time\",\"On\",\"Err\",\"Pct\",\"Rich\",\"Formula\",\"Lines in it\",\"Str\"",
        "2024-01-01 08:00:00,TRUE,#N/A,45 %,\"RUNNING\",,\"a b\",",
        "2024-01-01 09:00:00,FALSE,#DIV/0!,50 %,\"OFF\",,\"c\"\"d\",\"x\"",
    ];
    assert_eq!(lines(&book), expected);
    assert_eq!(said(&book), [("formula_without_value", Some(2), 2)]);
    assert!(book.sheets[0].warnings[0].message.contains("first F2"), "{}", book.sheets[0].warnings[0].message);
    // Values of formulas that are in the file, a formula of several cells, a date as ISO 8601 writes it.
    let book = read!("cached_values").unwrap();
    assert_eq!(lines(&book)[1..], ["2024-01-01 08:00:00,2", "2024-01-01 09:00:00,2.5", "2024-01-01T10:00:00,\"ON\""]);
    assert_eq!(said(&book), []);
}

#[test]
fn cells_are_called_as_spreadsheets_do() {
    let names = [(0, 0), (1, 25), (2, 26), (9, 701), (9, 702)].map(|(line, column)| cell_name(line, column));
    assert_eq!(names, ["A1", "Z2", "AA3", "ZZ10", "AAA10"]);
}

#[test]
fn a_word_is_found_across_two_pieces() {
    let mut search = Search::default();
    for piece in ["<worksheet><mer", "ge", "Cells/>"] {
        search.write_all(piece.as_bytes()).unwrap();
    }
    assert!(search.found);
}
