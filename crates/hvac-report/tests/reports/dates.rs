//! How dates and clock times are written: what is read, and what is refused because it may be either.

use chrono::{Datelike, Days, Months, NaiveDate};
use proptest::prelude::*;

use super::*;

/// The days of a report whose dates are these, in the file's order; or the code of its refusal and its message.
fn days_of(dates: &[&str]) -> Result<Vec<String>, (&'static str, String)> {
    let lines = dates.iter().enumerate().map(|(at, date)| format!("{date},{at}\n"));
    let text = format!("Time,kWh\n{}", lines.collect::<String>());
    let (plan, segments) = read("r.csv", text.as_bytes(), &options("UTC")).map_err(|e| (e.code, e.message))?;
    let mut rows: Vec<(i64, f64)> = Vec::new();
    for segment in &segments {
        rows.extend(segment.at_ms.iter().copied().zip(segment.columns[0].values.iter().copied()));
    }
    assert_eq!(rows.len(), dates.len(), "{:?}", warned(&plan));
    rows.sort_by(|a, b| a.1.total_cmp(&b.1));
    let day = |at_ms| chrono::DateTime::from_timestamp_millis(at_ms).unwrap().format("%Y-%m-%d").to_string();
    Ok(rows.into_iter().map(|(at_ms, _)| day(at_ms)).collect())
}

#[test]
fn years_of_two_digits_stand_first_where_the_rows_say_so() {
    for (written, read) in [
        // A row a month, on its first or last day; three months of the second, and the months of two years.
        (&["24/01/01", "24/02/01", "24/03/01"][..], &["2024-01-01", "2024-02-01", "2024-03-01"][..]),
        (&["24-01-01", "24-02-01"], &["2024-01-01", "2024-02-01"]),
        (&["24.11.30", "24.12.31", "25.01.31"], &["2024-11-30", "2024-12-31", "2025-01-31"]),
        (&["23/11/15", "23/12/15", "24/01/15"], &["2023-11-15", "2023-12-15", "2024-01-15"]),
        (&["24/01/15", "23/12/15", "23/11/15"], &["2024-01-15", "2023-12-15", "2023-11-15"]),
        // Days and weeks that follow each other.
        (&["24/05/13", "24/05/14"], &["2024-05-13", "2024-05-14"]),
        (&["24-05-06", "24-05-13", "24-05-20"], &["2024-05-06", "2024-05-13", "2024-05-20"]),
        // Days that are seldom, of which two have the same number.
        (&["24/05/13", "24/05/20", "24/06/20"], &["2024-05-13", "2024-05-20", "2024-06-20"]),
    ] {
        assert_eq!(days_of(written).unwrap(), read, "{written:?}");
    }
}

#[test]
fn years_of_two_digits_stand_last_where_the_rows_or_custom_say_so() {
    for (written, read) in [
        (&["13.05.24"][..], &["2024-05-13"][..]),
        (&["25.05.24"], &["2024-05-25"]),
        (&["24.05.24"], &["2024-05-24"]),
        (&["5/13/24 0:15"], &["2024-05-13"]),
        (&["05/13/24 0:15"], &["2024-05-13"]),
        (&["25/05/24", "26/05/24"], &["2024-05-25", "2024-05-26"]),
        (&["15/11/23", "15/12/23", "15/01/24"], &["2023-11-15", "2023-12-15", "2024-01-15"]),
        // Out of order.
        (&["14/05/24", "13/05/24", "15/05/24"], &["2024-05-14", "2024-05-13", "2024-05-15"]),
    ] {
        assert_eq!(days_of(written).unwrap(), read, "{written:?}");
    }
}

#[test]
fn years_of_two_digits_that_may_stand_first_or_last_are_asked_for() {
    for written in [
        &["24/05/13 00:00", "24/05/13 01:00"][..],
        &["24/05/01"],
        &["24-05-13"],
        &["13/05/24"],
        &["28/05/24 00:00", "28/05/24 01:00"],
        &["31/12/24"],
        &["24/03/15", "24/04/15", "24/05/15"],
        // New Year's day of three years, or three days of January 2001.
        &["22/01/01", "23/01/01", "24/01/01"],
    ] {
        let (code, message) = days_of(written).unwrap_err();
        assert_eq!(code, "ambiguous_dates", "{written:?}: {message}");
        assert!(message.contains("date_format dmy or ymd"), "{message}");
    }
    // The same day either way.
    assert_eq!(days_of(&["24/05/24"]).unwrap(), ["2024-05-24"]);
    assert_eq!(days_of(&["05/05/05"]).unwrap(), ["2005-05-05"]);
    // With dots the day is first, but where Chinese, Japanese or Korean is written.
    let korean = read("r.csv", "시각,전력\n24.05.13,1\n".as_bytes(), &options("UTC")).unwrap_err();
    assert_eq!(korean.code, "ambiguous_dates");
    let (_, message) = days_of(&["24/05/13"]).unwrap_err();
    assert!(message.contains("'24/05/13' is 24 May 2013 day first and 13 May 2024 year first"), "{message}");
}

#[test]
fn years_of_the_republic_of_china() {
    for (written, read) in [
        (&["113/05/13 00:15", "113/05/13 00:30"][..], &["2024-05-13", "2024-05-13"][..]),
        (&["113/01/01", "113/02/01"], &["2024-01-01", "2024-02-01"]),
        (&["112-12-31", "113-1-1"], &["2023-12-31", "2024-01-01"]),
        (&["民國113年5月13日", "民國113年5月14日"], &["2024-05-13", "2024-05-14"]),
        (&["民國99年12月31日", "民國100年1月1日"], &["2010-12-31", "2011-01-01"]),
        (&["100/02/29 00:00", "101/02/29 00:00"][1..], &["2012-02-29"]),
    ] {
        assert_eq!(days_of(written).unwrap(), read, "{written:?}");
    }
    // 2010 or 1999, and neither a year of the Republic nor one of two digits.
    assert_eq!(days_of(&["99/12/31", "100/01/01"]).unwrap_err().0, "mixed_date_orders");
    assert_eq!(days_of(&["213/05/13", "213/05/14"]).unwrap_err().0, "no_readable_time");
}

/// A workbook whose sheets have these dates as texts in their first column, and a number behind each.
fn workbook(sheets: &[&[&str]]) -> Vec<u8> {
    use std::io::Write;
    let mut zip = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    let mut part = |name: &str, body: String| {
        zip.start_file(name, zip::write::SimpleFileOptions::default()).unwrap();
        zip.write_all(body.as_bytes()).unwrap();
    };
    let of = |each: &dyn Fn(usize) -> String| (1..=sheets.len()).map(each).collect::<String>();
    let types = "http://schemas.openxmlformats.org/package/2006/content-types";
    let office = "http://schemas.openxmlformats.org/officeDocument/2006/relationships";
    let package = "http://schemas.openxmlformats.org/package/2006/relationships";
    let main = "http://schemas.openxmlformats.org/spreadsheetml/2006/main";
    part("[Content_Types].xml", format!("<Types xmlns=\"{types}\"/>"));
    part(
        "_rels/.rels",
        format!(
            "<Relationships xmlns=\"{package}\"><Relationship Id=\"r1\" Type=\"{office}/officeDocument\" Target=\"xl/workbook.xml\"/></Relationships>"
        ),
    );
    let names = of(&|at| format!("<sheet name=\"S{at}\" sheetId=\"{at}\" r:id=\"r{at}\"/>"));
    part(
        "xl/workbook.xml",
        format!("<workbook xmlns=\"{main}\" xmlns:r=\"{office}\"><sheets>{names}</sheets></workbook>"),
    );
    let links =
        of(&|at| format!("<Relationship Id=\"r{at}\" Type=\"{office}/worksheet\" Target=\"worksheets/s{at}.xml\"/>"));
    part("xl/_rels/workbook.xml.rels", format!("<Relationships xmlns=\"{package}\">{links}</Relationships>"));
    for (at, dates) in sheets.iter().enumerate() {
        let text = |text: &str| format!("<c t=\"inlineStr\"><is><t>{text}</t></is></c>");
        let head = format!("<row>{}{}</row>", text("Time"), text("kWh"));
        let rows = dates.iter().enumerate().map(|(n, date)| format!("<row>{}<c><v>{n}</v></c></row>", text(date)));
        let rows: String = rows.collect();
        part(
            &format!("xl/worksheets/s{}.xml", at + 1),
            format!("<worksheet xmlns=\"{main}\"><sheetData>{head}{rows}</sheetData></worksheet>"),
        );
    }
    zip.finish().unwrap().into_inner()
}

#[test]
fn texts_of_workbooks_are_read_as_those_of_other_reports() {
    let months = workbook(&[&["24/01/01", "24/02/01", "24/03/01"]]);
    let (plan, segments) = read("b.xlsx", &months, &options("UTC")).unwrap();
    assert_eq!(plan.date_order.as_ref().unwrap().value, hvac_report::DateOrder::Ymd);
    assert_eq!(rows(&plan, &segments), ["01-01 00:00:00 | 0", "02-01 00:00:00 | 1", "03-01 00:00:00 | 2"]);
    let day = workbook(&[&["24/05/13 00:00", "24/05/13 01:00"]]);
    assert_eq!(read("b.xlsx", &day, &options("UTC")).unwrap_err().code, "ambiguous_dates");
    // A sheet a day: another one's 24/05/13 does not make 24/05/12 a day of 2012.
    let days = workbook(&[&["24/05/12 00:00", "24/05/12 01:00"], &["24/05/13 00:00", "24/05/13 01:00"]]);
    for reader in Reader::open(Source { name: "b.xlsx", bytes: &days }, &options("UTC")).unwrap() {
        let refused = reader.plan(&mut SegmentBuilder::default(), &mut |_, _| ()).unwrap_err();
        assert_eq!(refused.code, "ambiguous_dates");
    }
}

fn written(day: NaiveDate, form: &str) -> String {
    day.format(form).to_string()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 600, failure_persistence: None, ..ProptestConfig::default() })]

    /// Rows a day, a week, a month apart, or all of one day, in each order: read as they were written, or asked for.
    #[test]
    fn years_of_two_digits_are_read_right_or_asked_for(
        start in (0u64..3_100), count in 1usize..40, step in prop::sample::select(vec![0u64, 1, 7, 30]),
        form in prop::sample::select(vec!["%y/%m/%d", "%y-%m-%d", "%d/%m/%y", "%d-%m-%y", "%d.%m.%y", "%m/%d/%y", "%-m/%-d/%y"]),
        newest_first: bool,
    ) {
        let first = NaiveDate::from_ymd_opt(2018, 1, 1).unwrap() + Days::new(start);
        let mut days: Vec<NaiveDate> = (0..count as u64)
            .map(|at| if step == 30 { first + Months::new(at as u32) } else { first + Days::new(step * at) })
            .filter(|day| day.year() < 2027)
            .collect();
        if newest_first {
            days.reverse();
        }
        let texts: Vec<String> = days.iter().map(|day| written(*day, form)).collect();
        match days_of(&texts.iter().map(String::as_str).collect::<Vec<_>>()) {
            Ok(read) => prop_assert_eq!(read, days.iter().map(|day| written(*day, "%Y-%m-%d")).collect::<Vec<_>>()),
            Err((code, message)) => prop_assert_eq!(code, "ambiguous_dates", "{}", message),
        }
    }
}
