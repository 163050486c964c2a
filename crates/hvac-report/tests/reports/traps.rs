//! One fixture a trap.

use hvac_report::{DateOrder, Format, PointPlan};

use super::*;

fn units(plan: &FilePlan) -> Vec<Option<&str>> {
    plan.points.iter().map(|point| point.unit.as_ref().map(|unit| unit.value.as_str())).collect()
}

fn dropped(plan: &FilePlan) -> Vec<(&str, u64)> {
    plan.dropped_rows.iter().map(|(reason, count)| (reason.as_str(), *count)).collect()
}

fn order(plan: &FilePlan) -> Option<DateOrder> {
    plan.date_order.as_ref().map(|order| order.value)
}

#[test]
fn an_apogee_report_with_every_loss_marker() {
    let (plan, segments) = read_fixture("apogee_markers.csv", &options("Asia/Taipei"));
    assert_eq!((plan.format.value, plan.header_line, plan.rows), (Format::Apogee, Some(12), 4));
    assert_eq!(names(&plan), ["MMCB.KW", "CH-1.S", "AH0202 DT", "AH08-4.CV", "ZWP-1:F", "Point_6"]);
    // 23:00 in Taipei is 15:00 UTC; 24:00 is the next day's 00:00.
    assert_eq!(
        rows(&plan, &segments),
        [
            "10-10 15:00:00 | 4583 | 'OFF' | <no_data> | <no_data> | -0.2 | <unknown_marker>",
            "10-10 15:15:00 | 4491.5 | 'ON' | <data_loss> | <no_data> | 1.2 | <unknown_marker>",
            "10-10 15:30:00 | <time_error> | 'ON' | <time_error> | <no_data> | <empty> | <spreadsheet_error>",
            "10-10 16:00:00 | <time_error> | 'OFF' | <not_finite> | <no_data> | 51.4 | <unknown_marker>",
        ]
    );
    let markers: Vec<(&str, u64)> = plan.loss_markers.iter().map(|(text, n)| (text.as_str(), *n)).collect();
    let expected = [
        ("#VALUE!", 1),
        ("---", 1),
        ("?", 1),
        ("Data Loss", 1),
        ("N/A", 1),
        ("NaN", 1),
        ("No Data", 5),
        ("TIME (-1)", 2),
        ("TIME (7)", 1),
    ];
    assert_eq!(markers, expected);
    let intervals: Vec<Option<u32>> = plan.points.iter().map(|point| point.native_interval_s).collect();
    assert_eq!(intervals, [Some(300), Some(900), None, None, Some(3600), None]);
    assert_eq!(plan.points[1].tokens, [("OFF".to_owned(), 2), ("ON".to_owned(), 2)]);
    assert_eq!(plan.points[3].trend_definition.as_deref(), Some("Error:  No trend definitions found."));
    assert_eq!(dropped(&plan), [("footer", 1)]);
    assert_eq!(
        warned(&plan),
        [("point_error", Some(5), 1), ("point_without_key", Some(12), 1), ("point_without_column", Some(7), 1),]
    );
}

/// A year of two digits in front: told by days that follow each other and by months that begin, refused where a day and
/// a year could change places. What stands in front and may be a month is none.
#[test]
fn two_digit_years_in_front() {
    let read_times = |times: &[String]| {
        let text: String = times.iter().map(|time| format!("{time},1\n")).collect();
        read("dates.csv", format!("time,kW\n{text}").as_bytes(), &options("UTC"))
    };
    let days = |from: u32, to: u32, say: &dyn Fn(u32) -> String| (from..=to).map(say).collect::<Vec<_>>();
    let first_day = |times: &[String]| {
        let (plan, segments) = read_times(times).unwrap();
        (order(&plan), rows(&plan, &segments)[0][..5].to_owned())
    };
    for mark in ["/", "-"] {
        // Months that begin; days that follow each other; both ways round.
        let months = days(1, 12, &|month| format!("24{mark}{month:02}{mark}01"));
        assert_eq!(first_day(&months), (Some(DateOrder::Ymd), "01-01".to_owned()));
        let months = days(1, 12, &|month| format!("15{mark}{month:02}{mark}01"));
        assert_eq!(first_day(&months), (Some(DateOrder::Ymd), "01-01".to_owned()));
        let months = days(1, 12, &|month| format!("01{mark}{month:02}{mark}24"));
        assert_eq!(
            read_times(&months).unwrap_err().code,
            "ambiguous_dates",
            "the first days of a year, or of its months"
        );
        let year_first = days(11, 19, &|day| format!("24{mark}05{mark}{day}"));
        assert_eq!(first_day(&year_first), (Some(DateOrder::Ymd), "05-11".to_owned()));
        let day_first = days(13, 19, &|day| format!("{day}{mark}05{mark}24"));
        assert_eq!(first_day(&day_first), (Some(DateOrder::Dmy), "05-13".to_owned()));
        // One day, and days a month apart.
        for times in [
            days(0, 23, &|hour| format!("24{mark}05{mark}13 {hour:02}:00")),
            days(0, 23, &|hour| format!("13{mark}05{mark}24 {hour:02}:00")),
            days(3, 9, &|month| format!("24{mark}{month:02}{mark}15")),
            vec![format!("24{mark}05{mark}01")],
        ] {
            let refused = read_times(&times).unwrap_err();
            assert_eq!((refused.code, refused.line), ("ambiguous_dates", Some(2)), "{times:?}");
            assert!(refused.message.contains("date_format dmy or ymd"), "{}", refused.message);
        }
        assert_eq!(first_day(&days(0, 3, &|hour| format!("24{mark}05{mark}24 {hour:02}:00"))).1, "05-24");
        assert_eq!(first_day(&days(0, 3, &|hour| format!("5{mark}13{mark}24 {hour:02}:00"))).1, "05-13");
    }
    // A row a year may be a row a day: New Year's days those of January 2001, New Year's eves those of December 2031.
    for yearly in ["01/01", "31/12"] {
        let refused = read_times(&days(20, 24, &|year| format!("{yearly}/{year}"))).unwrap_err();
        assert_eq!(refused.code, "ambiguous_dates");
    }
    // Dots stand behind days.
    let dotted = days(0, 23, &|hour| format!("13.05.24 {hour:02}:00"));
    assert_eq!(first_day(&dotted), (Some(DateOrder::Dmy), "05-13".to_owned()));
}

/// Beside bare dates a column that is called a clock is never a point; what has an ordinary name is one.
/// Read month by month, 01/05 would be a day of January, and the total's interval end before it begins.
#[test]
fn a_total_of_days_first_over_the_end_of_a_month() {
    let days = ["28/04", "29/04", "30/04", "01/05", "02/05", "03/05"].map(|day| format!("{day}/2025"));
    let rows: String = days.windows(2).map(|pair| format!("{},{},49.5\n", pair[0], pair[1])).collect();
    let text = format!("From,To,kWh\n{rows}28/04/2025,03/05/2025,247.5\n");
    let (plan, segments) = read("r.csv", text.as_bytes(), &options("UTC")).unwrap();
    assert_eq!(super::rows(&plan, &segments).len(), 5);
    assert_eq!(warned(&plan), [("total_row", Some(7), 1)]);
}

#[test]
fn a_semicolon_report_with_am_and_pm() {
    let (plan, segments) = read_fixture("apogee_semicolon_ampm.csv", &options("UTC"));
    assert_eq!((plan.delimiter.value, order(&plan)), (';', Some(DateOrder::Mdy)));
    assert_eq!(names(&plan), ["CHWS, main"]);
    assert_eq!(
        rows(&plan, &segments),
        ["03-05 00:00:00 | 7.1", "03-05 00:15:00 | 7.2", "03-05 12:00:00 | 7.3", "03-13 23:45:00 | 7.4",]
    );
}

#[test]
fn the_date_range_decides_what_the_rows_leave_open() {
    let (plan, _) = read_fixture("date_range_decides.csv", &options("UTC"));
    let order = plan.date_order.unwrap();
    assert_eq!(order.value, DateOrder::Mdy);
    assert!(order.evidence.contains("date range"), "{}", order.evidence);
}

#[test]
fn rows_outside_the_stated_range_are_counted() {
    let bytes = b"<>Date,Time,A\nDate Range:,x\n2016/10/10,00:00,1\n";
    assert!(read("r.csv", bytes, &options("UTC")).is_ok());
    let text = "Date Range:,2016/10/10 00:00:00 - 2016/10/10 23:59:59\n<>Date,Time,A\n2016/10/09,23:45,1\n2016/10/10,24:00,2\n2016/10/11,00:15,3\n";
    let (plan, _) = read("r.csv", text.as_bytes(), &options("UTC")).unwrap();
    assert_eq!(warned(&plan)[1..], [("outside_date_range", Some(3), 2)]);
}

#[test]
fn time_that_moves_forward_decides() {
    let (plan, segments) = read_fixture("day_first_by_forward_time.csv", &options("UTC"));
    let order = plan.date_order.clone().unwrap();
    assert_eq!(order.value, DateOrder::Dmy);
    assert!(order.evidence.contains("forward"), "{}", order.evidence);
    assert_eq!(
        rows(&plan, &segments),
        ["01-11 23:45:00 | 1", "01-12 00:00:00 | 2", "02-01 00:00:00 | 3", "02-02 00:00:00 | 4",]
    );
}

#[test]
fn a_short_year_may_stand_first() {
    let (plan, segments) = read_fixture("short_years.csv", &options("UTC"));
    assert_eq!(order(&plan), Some(DateOrder::Ymd));
    assert_eq!(rows(&plan, &segments), ["01-10 23:45:00 | 1", "01-11 00:00:00 | 2", "01-12 00:00:00 | 3"]);
}

#[test]
fn quotes_units_thousands_and_names_that_come_twice() {
    let (plan, segments) = read_fixture("bom_quotes.csv", &options("UTC"));
    assert_eq!(names(&plan), ["PUMP, NORTH", "5\" pipe", "two\r\nlines", "Temp [°C]", "Temp [°C]", "RH", "kWh"]);
    let occurrences: Vec<u32> = plan.points.iter().map(|point| point.occurrence).collect();
    assert_eq!(occurrences, [0, 0, 0, 0, 1, 0, 0]);
    assert_eq!(
        rows(&plan, &segments),
        [
            "01-01 00:00:00 | 1 | 1234.5 | 1485 | 25.3 | <unit_mismatch> | 45 | 3",
            "01-01 00:15:00.250 | 0.5 | 0.0012 | -0.5 | 26 | 25.5 | 46 | 'a \"quoted\", word'",
        ]
    );
    assert_eq!(units(&plan), [None, None, None, Some("°C"), Some("°C"), Some("%"), None]);
    assert!(plan.points[5].unit.as_ref().unwrap().evidence.contains("line 3"));
    assert_eq!(warned(&plan), [("unit_mismatch", Some(3), 1)]);
}

#[test]
fn preambles_ragged_rows_footers_and_bad_dates() {
    let (plan, segments) = read_fixture("ragged.csv", &options("UTC"));
    assert_eq!((plan.header_line, plan.rows, plan.out_of_order_rows), (Some(4), 4, 1));
    assert_eq!(
        rows(&plan, &segments),
        [
            "01-01 00:00:00 | 1 | 2 | 3",
            "01-01 00:10:00 | 7 | 8 | 9",
            "01-01 00:15:00 | 1 | <missing_cell> | <missing_cell>",
            "01-01 00:30:00 | <unreadable> | <unreadable> | <unreadable>",
        ]
    );
    assert_eq!(dropped(&plan), [("blank", 2), ("footer", 1), ("repeated_header", 1), ("unreadable_time", 2)]);
    assert_eq!(
        warned(&plan),
        [("unreadable_time", Some(10), 2), ("short_rows", Some(6), 1), ("extra_cells", Some(8), 2)]
    );
}

#[test]
fn a_report_cut_off_keeps_its_whole_cells() {
    let (plan, segments) = read_fixture("truncated.csv", &options("UTC"));
    assert_eq!(
        rows(&plan, &segments),
        ["01-01 00:00:00 | 1 | 2 | 3", "01-01 00:15:00 | 4 | <missing_cell> | <missing_cell>"]
    );
    assert_eq!(warned(&plan), [("truncated_row", Some(3), 1)]);

    let (plan, segments) = read_fixture("truncated_time.csv", &options("UTC"));
    assert_eq!(rows(&plan, &segments), ["01-01 00:00:00 | 1 | 2"]);
    assert_eq!(warned(&plan), [("unreadable_time", Some(3), 1), ("truncated_row", Some(3), 1)]);
}

#[test]
fn epochs_in_seconds_and_milliseconds() {
    let (plan, segments) = read_fixture("epoch_seconds.csv", &options("Asia/Taipei"));
    assert_eq!(rows(&plan, &segments), ["01-01 00:00:00 | 'a' | 1.5", "01-01 00:15:00.500 | 'b' | 2.5"]);
    let (plan, segments) = read_fixture("epoch_ms.csv", &options("Asia/Taipei"));
    assert_eq!(rows(&plan, &segments), ["01-01 00:00:00 | 1.5 | 50", "01-01 00:15:00.250 | 2.5 | 51"]);
}

#[test]
fn one_row_a_cell() {
    let (plan, segments) = read_fixture("narrow.csv", &options("UTC"));
    assert_eq!((plan.format.value, plan.rows, plan.out_of_order_rows), (Format::Narrow, 6, 0));
    assert_eq!(names(&plan), ["CHWS", "CHWR", "CH-1.S"]);
    assert_eq!(units(&plan), [Some("°C"), Some("°C"), None]);
    assert_eq!(
        rows(&plan, &segments),
        [
            "01-01 00:00:00 | 7.1 | 12.3 | <not_covered>",
            "01-01 00:10:00 | <not_covered> | <no_data> | <not_covered>",
            "01-01 00:15:00 | <bad_status> | <not_covered> | 'ON'",
            "01-01 00:15:00 | 7.3 | <not_covered> | <not_covered>",
        ]
    );
    assert_eq!(warned(&plan), [("no_point", Some(8), 1), ("bad_status", Some(4), 1)]);

    let (plan, segments) = read_fixture("narrow_by_content.csv", &options("UTC"));
    assert_eq!((plan.format.value, names(&plan)), (Format::Narrow, vec!["CHWS", "CHWR"]));
    assert_eq!(rows(&plan, &segments), ["01-01 00:00:00 | 7.1 | 12.3", "01-01 00:15:00 | 7.2 | 12.4"]);

    let mut wide = options("UTC");
    wide.format = Some(Format::Wide);
    let (plan, _) = read_fixture("narrow_by_content.csv", &wide);
    assert_eq!(names(&plan), ["what", "how much"]);
    assert_eq!(plan.format.evidence, "asked for");
}

#[test]
fn one_report_a_point() {
    let (plan, segments) = read("x.zip/site/AHU-1.SAT.csv", &fixture("AHU-1.SAT.csv"), &options("UTC")).unwrap();
    assert_eq!((plan.format.value, names(&plan)), (Format::SinglePoint, vec!["AHU-1.SAT"]));
    assert_eq!(rows(&plan, &segments), ["01-01 00:00:00 | 13.5", "01-01 00:15:00 | 13.6"]);

    let (plan, segments) = read_fixture("niagara.csv", &options("Asia/Singapore"));
    assert_eq!((plan.format.value, names(&plan)), (Format::SinglePoint, vec!["CHWS_Temp"]));
    assert_eq!(units(&plan), [Some("°C")]);
    // 2 September, 00:00 in Singapore is 16:00 UTC the day before.
    assert_eq!(
        rows(&plan, &segments),
        ["09-01 16:00:00 | 7.1", "09-01 16:15:00 | <bad_status>", "09-02 04:00:00 | 7.3"]
    );
    assert_eq!(warned(&plan), [("bad_status", Some(6), 1)]);
}

#[test]
fn a_logger_with_four_header_lines() {
    let (plan, segments) = read_fixture("toa5.dat", &options("UTC"));
    assert_eq!((plan.format.value, plan.header_line), (Format::Toa5, Some(2)));
    assert_eq!(
        (names(&plan), units(&plan)),
        (vec!["AirTC_Avg", "BattV_Min", "Note"], vec![Some("°C"), Some("V"), None])
    );
    assert_eq!(
        rows(&plan, &segments),
        ["12-22 14:12:00 | 21.5 | 12.9 | <not_finite>", "12-22 14:13:00 | <not_finite> | 12.8 | <empty>",]
    );
    assert_eq!(warned(&plan), [("record_column", Some(2), 1)]);
}

#[test]
fn the_same_report_in_four_encodings() {
    for (name, encoding) in
        [("utf8.csv", "UTF-8"), ("big5.csv", "Big5"), ("utf16le.csv", "UTF-16LE"), ("utf16be.csv", "UTF-16BE")]
    {
        let (plan, segments) = read_fixture(name, &options("UTC"));
        assert_eq!(plan.encoding.value, encoding);
        assert_eq!(names(&plan), ["冰水供水溫度", "冷卻水回水溫度", "主機狀態"], "{name}");
        let expected = ["01-01 00:00:00 | 7.5 | 28.1 | '運轉'", "01-01 12:15:00 | '無' | 28.2 | '停止'"];
        assert_eq!(rows(&plan, &segments), expected, "{name}");
    }
    let mut told = options("UTC");
    told.encoding = Some("big5".into());
    assert_eq!(read_fixture("big5.csv", &told).0.encoding.evidence, "asked for");
}

#[test]
fn latin_1_with_decimal_commas() {
    let (plan, segments) = read_fixture("latin1.csv", &options("UTC"));
    assert_eq!(
        (plan.encoding.value.as_str(), plan.delimiter.value, order(&plan)),
        ("windows-1252", ';', Some(DateOrder::Dmy))
    );
    let decimal = plan.decimal.as_ref().unwrap();
    assert_eq!(decimal.value, ',');
    assert!(decimal.evidence.contains("decimal comma"), "{}", decimal.evidence);
    assert_eq!(names(&plan), ["Température [°C]", "Débit"]);
    assert_eq!(rows(&plan, &segments), ["02-01 00:00:00 | 7.5 | 1234.5", "02-13 00:15:00 | 8.25 | 900"]);
}

#[test]
fn two_encodings_in_one_report() {
    let (plan, segments) = read_fixture("mixed_encoding.csv", &options("UTC"));
    assert_eq!(warned(&plan), [("mixed_encoding", Some(3), 2)]);
    assert_eq!(
        rows(&plan, &segments),
        ["01-01 00:00:00 | 1 | 'Küche'", "01-01 00:15:00 | 2 | 'Küche'", "01-01 00:30:00 | 3 | 'Büro'",]
    );
}

/// New York, 2024-11-03: 01:00–02:00 came twice, first at UTC−4, then at UTC−5.
#[test]
fn the_repeated_hour_and_explicit_offsets() {
    let (plan, segments) = read_fixture("clock_back.csv", &options("America/New_York"));
    assert_eq!(
        rows(&plan, &segments),
        [
            "11-03 04:30:00 | 1",
            "11-03 05:00:00 | 2",
            "11-03 05:30:00 | 3",
            "11-03 06:00:00 | 4",
            "11-03 06:30:00 | 5",
            "11-03 07:00:00 | 6",
        ]
    );
    assert_eq!((warned(&plan), plan.out_of_order_rows), (vec![("repeated_hour", Some(3), 4)], 0));

    let (plan, segments) = read_fixture("offsets.csv", &options("America/New_York"));
    assert_eq!(
        rows(&plan, &segments),
        ["11-03 05:30:00 | 1", "11-03 06:30:00 | 2", "11-03 07:30:00 | 3", "11-03 07:45:00 | 4"]
    );
    assert_eq!(warned(&plan), []);

    let (plan, segments) = read_fixture("clock_forward.csv", &options("Etc/GMT+5"));
    assert_eq!(rows(&plan, &segments), ["03-10 06:30:00 | 1", "03-10 07:30:00 | 2", "03-10 08:30:00 | 3"]);
}

#[test]
fn unsynchronised_rows_and_names_that_come_twice() {
    let (plan, segments) = read_fixture("states.csv", &options("UTC"));
    let points: Vec<(&str, u32)> =
        plan.points.iter().map(|p: &PointPlan| (p.original_name.as_str(), p.occurrence)).collect();
    assert_eq!(points, [("SF.S", 0), ("SF.S", 1), ("SF S", 0), ("Mode", 0)]);
    assert_eq!(
        rows(&plan, &segments),
        [
            "01-01 00:00:00 | 'ON' | <empty> | 'Value_OK' | 'COOL'",
            "01-01 00:05:00 | <empty> | 'RUN' | <data_loss> | 'HEAT'",
            "01-01 00:10:00 | 'OFF' | 'STOP' | <empty> | 'AUTO'",
        ]
    );
}

#[test]
fn columns_that_are_no_points() {
    let (plan, segments) = read_fixture("index_and_times.csv", &options("UTC"));
    assert_eq!(names(&plan), ["OAT"]);
    assert_eq!(rows(&plan, &segments), ["01-02 00:00:00 | 1", "01-02 00:15:00 | 2", "01-02 00:30:00 | 3"]);
    let left_out = [("extra_time_column", Some(1), 1), ("extra_time_column", Some(1), 1), ("index_column", Some(1), 1)];
    assert_eq!(warned(&plan), left_out);

    let (plan, _) = read_fixture("units_line.csv", &options("UTC"));
    assert_eq!((names(&plan), units(&plan), plan.rows), (vec!["CHWS", "Power"], vec![Some("°C"), Some("kW")], 2));
}

#[test]
fn rows_that_stand_newest_first() {
    let (plan, segments) = read_fixture("newest_first.csv", &options("UTC"));
    assert_eq!(rows(&plan, &segments), ["01-01 00:00:00 | 1", "01-01 00:15:00 | 2", "01-01 00:30:00 | 3"]);
    assert_eq!(plan.out_of_order_rows, 2);
}

#[test]
fn points_may_be_named_by_numbers() {
    let (plan, segments) = read("r.csv", b"Time,101,102,103\n2024-01-01 00:00,1,2,3\n", &options("UTC")).unwrap();
    assert_eq!(names(&plan), ["101", "102", "103"]);
    assert_eq!(rows(&plan, &segments), ["01-01 00:00:00 | 1 | 2 | 3"]);
}

/// Written with openpyxl.
#[test]
fn a_workbook() {
    let (plan, segments) = read_fixture("book.xlsx", &options("UTC"));
    assert_eq!((plan.encoding.value.as_str(), plan.format.value, plan.header_line), ("xlsx", Format::Wide, Some(3)));
    assert!(plan.encoding.evidence.contains("'Trend'"), "{}", plan.encoding.evidence);
    assert_eq!(names(&plan), ["PUMP, \"NORTH\"", "冰水溫度 [°C]", "Mode", "Empty"]);
    assert_eq!(
        rows(&plan, &segments),
        [
            "01-31 23:30:00 | 1 | 7.5 | 'ON' | <empty>",
            "01-31 23:45:00 | 2.25 | <no_data> | 'OFF' | <empty>",
            "02-01 00:00:00 | -0.2 | <empty> | 'ON' | <empty>",
            "02-01 00:15:00 | 0.001 | 8 | <spreadsheet_error> | <empty>",
        ]
    );

    let (plan, segments) = read_fixture("book_date_time.xlsx", &options("UTC"));
    assert_eq!(names(&plan), ["kW"]);
    assert_eq!(rows(&plan, &segments), ["02-01 00:00:00 | 100", "02-01 00:15:00 | 101", "02-01 00:30:00 | 102"]);
}
