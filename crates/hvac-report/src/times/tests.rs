//! Times through whole reports, with instants worked out by hand or from the rules of the zones.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]
use chrono::DateTime;
use hvac_frame::builder::SegmentBuilder;
use hvac_frame::column::VALUE;

use super::*;
use crate::FilePlan;
use crate::Reader;

type Read = Result<(FilePlan, Vec<String>), ReadError>;

/// Every reading as `month-day hour:minute=value` in UTC, in the order of time, and of columns at one time; every
/// chunk read again must be the same.
fn read_with(name: &str, text: &str, options: &ReadOptions) -> Read {
    let source = Source { name, bytes: text.as_bytes() };
    let readers = Reader::open(source, options)?;
    let reader = &readers[0];
    let mut segments = Vec::new();
    let plan = reader.plan(&mut SegmentBuilder::default(), &mut |_, segment| segments.push(segment))?;
    let mut cells = Vec::new();
    for (chunk, segment) in segments.iter().enumerate() {
        let segment = segment.decode();
        assert_eq!(reader.read(&plan, chunk)?.decode().at_ms, segment.at_ms);
        for (row, at) in segment.at_ms.iter().enumerate() {
            let at = DateTime::from_timestamp_millis(*at).unwrap().format("%m-%d %H:%M");
            let values = segment.columns.iter().filter(|c| c.codes.get(row) == Some(&VALUE)).map(|c| c.values[row]);
            cells.extend(values.map(|value| format!("{at}={value}")));
        }
    }
    Ok((plan, cells))
}

fn options(zone: &str, stated: bool) -> ReadOptions {
    ReadOptions { zone_stated: stated, ..ReadOptions::of(zone.parse().unwrap()) }
}

fn read(text: &str, zone: &str) -> Read {
    read_with("r.csv", text, &options(zone, true))
}

/// Rows of the values 1, 2, 3… at these times, below a header.
fn rows(header: &str, times: &[&str]) -> String {
    let rows: Vec<String> = (1..).zip(times).map(|(value, time)| format!("\"{time}\",{value}\n")).collect();
    format!("\"{header}\",kW\n{}", rows.concat())
}

fn cells(times: &[&str]) -> Vec<String> {
    (1..).zip(times).map(|(value, time)| format!("{time}={value}")).collect()
}

fn codes(plan: &FilePlan) -> Vec<(&str, u64)> {
    plan.warnings.iter().map(|w| (&*w.code, w.count)).collect()
}

#[test]
fn the_header_names_the_zone() {
    for (header, expected) in [
        ("Date Time, GMT-05:00", ["07-01 05:00", "07-01 05:15"]),
        ("Time (EST)", ["07-01 05:00", "07-01 05:15"]),
        ("Date/time UTC", ["07-01 00:00", "07-01 00:15"]),
        ("Timestamp [UTC+8]", ["06-30 16:00", "06-30 16:15"]),
        ("Zeit (MEZ)", ["06-30 23:00", "06-30 23:15"]),
        ("Time (America/New_York)", ["07-01 04:00", "07-01 04:15"]),
        ("Date-Time (EST/EDT)", ["07-01 04:00", "07-01 04:15"]),
        ("Time", ["06-30 18:15", "06-30 18:30"]),
    ] {
        let text = rows(header, &["2024-07-01 00:00", "2024-07-01 00:15"]);
        let (plan, read) = read_with("r.csv", &text, &options("Asia/Kathmandu", false)).unwrap();
        assert_eq!(read, cells(&expected), "{header}");
        assert_eq!(plan.local_time_rows, if header == "Time" { 2 } else { 0 }, "{header}");
    }
}

#[test]
fn cells_name_the_zone() {
    for (zone, times, expected) in [
        ("America/New_York", ["03-Nov-24 12:40:00 AM EDT", "03-Nov-24 1:45:00 AM EST"], ["11-03 04:40", "11-03 06:45"]),
        ("Europe/Berlin", ["27.10.2024 02:30 MESZ", "27.10.2024 02:30 MEZ"], ["10-27 00:30", "10-27 01:30"]),
        ("America/Chicago", ["2024-11-03 01:30 CDT", "2024-11-03 01:00 CST"], ["11-03 06:30", "11-03 07:00"]),
        ("Asia/Taipei", ["2024-11-03 01:30 CST", "2024-11-03 01:45 CST"], ["11-02 17:30", "11-02 17:45"]),
        ("Europe/London", ["2024-10-27 01:30 BST", "2024-10-27 01:00 GMT"], ["10-27 00:30", "10-27 01:00"]),
        ("Asia/Singapore", ["02-Sep-24 12:00 AM SGT", "02-Sep-24 12:15 AM SGT"], ["09-01 16:00", "09-01 16:15"]),
        ("Europe/Paris", ["2024-07-01T08:00:00Z", "2024-07-01T08:15:00+00:00"], ["07-01 08:00", "07-01 08:15"]),
        ("Europe/Paris", ["2024-07-01 08:00 +0100", "2024-07-01 08:15 +01"], ["07-01 07:00", "07-01 07:15"]),
        (
            "America/New_York",
            ["2024-11-03T01:45:00-05:00[America/New_York]", "2024-11-03T02:00:00-05:00 New_York"],
            ["11-03 06:45", "11-03 07:00"],
        ),
        (
            "America/New_York",
            ["2024-07-01 00:00 New_York", "2024-07-01 00:15 New_York"],
            ["07-01 04:00", "07-01 04:15"],
        ),
        (
            "America/New_York",
            ["Mon Jul 1 00:00:00 EDT 2024", "Mon Jul 1 00:15:00 EDT 2024"],
            ["07-01 04:00", "07-01 04:15"],
        ),
    ] {
        let (plan, read) = read(&rows("Time", &times), zone).unwrap();
        assert_eq!((read, plan.local_time_rows), (cells(&expected), 0), "{times:?}");
    }
    // Honoured at a site of another zone too.
    for (times, expected) in [
        (["2024-11-03 01:30 EDT", "2024-11-03 01:00 EST"], ["11-03 05:30", "11-03 06:00"]),
        (["2024-11-03 01:30 CET", "2024-11-03 01:45 MEZ"], ["11-03 00:30", "11-03 00:45"]),
        (["2024-11-03 01:30 UTC+8", "2024-11-03 01:45 UTC+8"], ["11-02 17:30", "11-02 17:45"]),
        (["2024-11-03 01:30 Europe/Berlin", "2024-11-03 01:45 Europe/Berlin"], ["11-03 00:30", "11-03 00:45"]),
    ] {
        let (_, read) = read_with("r.csv", &rows("Time", &times), &options("Asia/Kathmandu", false)).unwrap();
        assert_eq!(read, cells(&expected), "{times:?}");
    }
}

#[test]
fn a_column_names_the_zone() {
    for (zones, expected) in [
        (["+08:00", "+08:00"], ["06-30 16:00", "06-30 16:15"]),
        (["-0500", "-0500"], ["07-01 05:00", "07-01 05:15"]),
        (["America/New_York", "America/New_York"], ["07-01 04:00", "07-01 04:15"]),
        (["Z", "UTC"], ["07-01 00:00", "07-01 00:15"]),
    ] {
        let text = format!("Time,UTC offset,kW\n2024-07-01 00:00,{},1\n2024-07-01 00:15,{},2\n", zones[0], zones[1]);
        let (_, read) = read_with("r.csv", &text, &options("Asia/Kathmandu", false)).unwrap();
        assert_eq!(read, cells(&expected), "{zones:?}");
    }
}

#[test]
fn a_zone_that_contradicts_or_is_not_known_is_refused_by_name() {
    for (header, times, zone, stated, code, words) in [
        (
            "Time, GMT-05:00",
            ["2024-07-01 00:00", "2024-07-01 00:15"],
            "Asia/Taipei",
            true,
            "zone_contradicted",
            "UTC-5",
        ),
        (
            "Time",
            ["2024-07-01 00:00 EST", "2024-07-01 00:15 EST"],
            "Europe/Berlin",
            true,
            "zone_contradicted",
            "Europe/Berlin",
        ),
        (
            "Time",
            ["2024-07-01T00:00+09:00", "2024-07-01T00:15+09:00"],
            "Asia/Taipei",
            true,
            "zone_contradicted",
            "UTC+9",
        ),
        (
            "Time (Europe/Paris)",
            ["2024-07-01 00:00", "2024-07-01 00:15"],
            "Asia/Taipei",
            true,
            "zone_contradicted",
            "UTC+2",
        ),
        ("Time", ["2024-07-01 00:00 CST", "2024-07-01 00:15 CST"], "Europe/Berlin", false, "unknown_zone", "CST"),
        ("Time", ["2024-07-01 00:00 XYZ", "2024-07-01 00:15 XYZ"], "Europe/Berlin", false, "unknown_zone", "XYZ"),
        ("Time (IST)", ["2024-07-01 00:00", "2024-07-01 00:15"], "Asia/Taipei", false, "unknown_zone", "IST"),
    ] {
        let error = read_with("r.csv", &rows(header, &times), &options(zone, stated)).unwrap_err();
        assert_eq!((error.code, error.line), (code, Some(2)), "{times:?}");
        assert!(error.message.contains(words), "{}", error.message);
    }
    // Standard time all year is one of the zone's own offsets; an unknown word says nothing against a stated zone.
    let (_, got) =
        read(&rows("Time", &["2024-07-01T00:00-05:00", "2024-07-01T00:15-05:00"]), "America/New_York").unwrap();
    assert_eq!(got, cells(&["07-01 05:00", "07-01 05:15"]));
    let (plan, got) = read(&rows("Time", &["2024-07-01 00:00 XYZ", "2024-07-01 00:15 XYZ"]), "Europe/Berlin").unwrap();
    assert_eq!(got, cells(&["06-30 22:00", "06-30 22:15"]));
    assert_eq!(codes(&plan), [("zone_abbreviation", 2)]);
}

/// Amsterdam put its clocks back on 2024-10-27 at 01:00 UTC, New York on 2024-11-03 at 06:00 UTC, Lord Howe (by half
/// an hour, 02:00 to 01:30) on 2024-04-06 at 15:00 UTC.
#[test]
fn the_repeated_hour_is_told_by_the_rows_around_it() {
    let day = |times: &[&str]| times.iter().map(|t| format!("2024-10-27 {t}")).collect::<Vec<_>>();
    for (times, expected, doubt) in [
        // Hourly: two equal labels.
        (
            &["01:00", "02:00", "02:00", "03:00", "04:00"][..],
            &["26 23:00", "27 00:00", "27 01:00", "27 02:00", "27 03:00"][..],
            0,
        ),
        // Quarters of an hour.
        (
            &["01:45", "02:00", "02:15", "02:30", "02:45", "02:00", "02:15", "02:30", "02:45", "03:00"],
            &[
                "26 23:45", "27 00:00", "27 00:15", "27 00:30", "27 00:45", "27 01:00", "27 01:15", "27 01:30",
                "27 01:45", "27 02:00",
            ],
            0,
        ),
        // The file begins within the hour: in its second pass, in its first, hourly.
        (&["02:30", "02:45", "03:00", "03:15"], &["27 01:30", "27 01:45", "27 02:00", "27 02:15"], 0),
        (
            &["02:30", "02:45", "02:00", "02:15", "02:30", "02:45", "03:00"],
            &["27 00:30", "27 00:45", "27 01:00", "27 01:15", "27 01:30", "27 01:45", "27 02:00"],
            0,
        ),
        (&["02:00", "03:00", "04:00"], &["27 01:00", "27 02:00", "27 03:00"], 0),
        (&["02:00", "02:00", "03:00", "04:00"], &["27 00:00", "27 01:00", "27 02:00", "27 03:00"], 0),
        // Changes of value: a step back is the second pass; without one the first, and said to be in doubt.
        (&["00:40", "02:50", "02:10", "03:30"], &["26 22:40", "27 00:50", "27 01:10", "27 02:30"], 0),
        (&["00:40", "02:10", "02:50", "05:05"], &["26 22:40", "27 00:10", "27 00:50", "27 04:05"], 1),
        // Kept in standard time, or an hour was lost: the hour stands once.
        (&["00:00", "01:00", "02:00", "03:00"], &["26 22:00", "26 23:00", "27 00:00", "27 02:00"], 1),
        // Rows are missing on one side of the hour.
        (
            &["00:00", "02:30", "02:45", "03:00", "03:15"],
            &["26 22:00", "27 01:30", "27 01:45", "27 02:00", "27 02:15"],
            0,
        ),
    ] {
        let times = day(times);
        let times: Vec<&str> = times.iter().map(String::as_str).collect();
        let expected: Vec<String> = expected.iter().map(|t| format!("10-{t}")).collect();
        let expected: Vec<&str> = expected.iter().map(String::as_str).collect();
        let (plan, got) = read(&rows("Time", &times), "Europe/Amsterdam").unwrap();
        assert_eq!(got, cells(&expected), "{times:?}");
        let doubtful =
            plan.warnings.iter().filter(|w| w.code == "repeated_hour_in_doubt").map(|w| w.count).sum::<u64>();
        assert_eq!((doubtful, plan.out_of_order_rows), (doubt, 0), "{times:?}");
        // Newest first: the same instants.
        let back: Vec<&str> = times.iter().rev().copied().collect();
        let (_, mut got) = read(&rows("Time", &back), "Europe/Amsterdam").unwrap();
        got.iter_mut().for_each(|cell| cell.truncate(11));
        assert_eq!(got, expected, "newest first: {times:?}");
    }
    // From and to in columns; equal rows of a repeated export, outside the hour; half an hour.
    let text = "from,to,kW\n2024-10-27 01:00,2024-10-27 02:00,1\n2024-10-27 02:00,2024-10-27 02:00,2\n2024-10-27 02:00,2024-10-27 03:00,3\n2024-10-27 03:00,2024-10-27 04:00,4\n";
    assert_eq!(
        read(text, "Europe/Amsterdam").unwrap().1,
        cells(&["10-26 23:00", "10-27 00:00", "10-27 01:00", "10-27 02:00"])
    );
    let text = "Time,kW\n2024-10-27 00:00,1\n2024-10-27 01:00,2\n2024-10-27 01:00,2\n2024-10-27 02:00,3\n2024-10-27 02:00,4\n2024-10-27 03:00,5\n";
    let (_, got) = read(text, "Europe/Amsterdam").unwrap();
    assert_eq!(
        got,
        ["10-26 22:00=1", "10-26 23:00=2", "10-26 23:00=2", "10-27 00:00=3", "10-27 01:00=4", "10-27 02:00=5"]
    );
    let half = ["2024-04-07 01:00", "2024-04-07 01:30", "2024-04-07 01:30", "2024-04-07 02:00"];
    let (_, got) = read(&rows("Time", &half), "Australia/Lord_Howe").unwrap();
    assert_eq!(got, cells(&["04-06 14:00", "04-06 14:30", "04-06 15:00", "04-06 15:30"]));
}

#[test]
fn each_series_of_a_long_report_has_its_own_row_before() {
    let expected = ["11-03 04:00", "11-03 05:00", "11-03 06:00", "11-03 07:00"];
    let labels = ["00:00", "01:00", "01:00", "02:00"];
    let row = |name: &str, at: usize| format!("2024-11-03 {},{name},{}\n", labels[at], at + 1);
    let by_time: String = (0..4).flat_map(|at| ["A", "B", "C"].map(|name| row(name, at))).collect();
    let by_series: String = ["A", "B", "C"].iter().flat_map(|name| (0..4).map(|at| row(name, at))).collect();
    let back: String = (0..4).rev().flat_map(|at| ["A", "B", "C"].map(|name| row(name, at))).collect();
    for rows in [by_time, by_series, back] {
        let (_, got) = read(&format!("Time,Point,Value\n{rows}"), "America/New_York").unwrap();
        let expected: Vec<String> =
            expected.iter().zip(1..).flat_map(|(at, value)| vec![format!("{at}={value}"); 3]).collect();
        assert_eq!(got, expected, "{rows}");
    }
}

#[test]
fn the_missing_hour_is_dropped_without_readings_and_refused_with_them() {
    let (plan, got) =
        read("Time,kW\n2025-03-09 01:00,1\n2025-03-09 02:00,-\n2025-03-09 03:00,2\n", "America/Chicago").unwrap();
    assert_eq!(got, cells(&["03-09 07:00", "03-09 08:00"]));
    assert_eq!((plan.dropped_rows["nonexistent_hour"], codes(&plan)), (1, vec![("nonexistent_hour", 1)]));
    let text = "Time,A,B\n2024-03-31 01:45,1,1\n2024-03-31 02:00,,N/A\n2024-03-31 02:15,---,\n2024-03-31 03:00,2,2\n";
    let (plan, got) = read(text, "Europe/Berlin").unwrap();
    assert_eq!((got.len(), plan.rows, codes(&plan)), (4, 2, vec![("nonexistent_hour", 2)]));
    let text = "Time,Point,Value\n2024-03-31 01:00,A,1\n2024-03-31 01:00,B,1\n2024-03-31 02:00,A,\n2024-03-31 02:00,B,-\n2024-03-31 03:00,A,2\n2024-03-31 03:00,B,2\n";
    let (plan, got) = read(text, "Europe/Berlin").unwrap();
    assert_eq!((got.len(), codes(&plan)), (4, vec![("nonexistent_hour", 2)]));

    for (zone, day, advice) in [
        ("America/Chicago", "2025-03-09", "Etc/GMT+6 (which is UTC-6)"),
        ("Europe/Berlin", "2024-03-31", "Etc/GMT-1 (which is UTC+1)"),
        ("Europe/London", "2024-03-31", "Etc/UTC (which is UTC+0)"),
        ("Australia/Sydney", "2024-10-06", "Etc/GMT-10 (which is UTC+10)"),
        ("Australia/Adelaide", "2024-10-06", "UTC+09:30, for which there is no Etc/GMT zone"),
        ("America/St_Johns", "2024-03-10", "UTC-03:30, for which there is no Etc/GMT zone"),
    ] {
        let hour = if zone == "Europe/London" { "01" } else { "02" };
        let text = format!("Time,kW\n{day} 00:30,1\n{day} {hour}:30,2\n{day} 04:00,3\n");
        let error = read(&text, zone).unwrap_err();
        assert_eq!((error.code, error.line), ("nonexistent_local_time", Some(3)), "{zone}");
        assert!(
            error.message.contains(advice) && error.message.contains(&format!("{day} {hour}:30")),
            "{}",
            error.message
        );
    }
}

#[test]
fn a_year_that_is_missing_is_asked_for() {
    let energy = rows("Date/Time", &[" 12/31  23:00:00", " 12/31  24:00:00", " 01/01  01:00:00"]);
    for (text, words) in [
        (energy.clone(), "12/31  23:00:00"),
        (rows("Time", &["Jan 5 13:00", "Jan 5 14:00"]), "Jan 5 13:00"),
        (rows("Date/Time", &["January", "February", "March"]), "January"),
    ] {
        let error = read(&text, "UTC").unwrap_err();
        assert_eq!((error.code, error.line), ("missing_year", Some(2)), "{}", error.message);
        assert!(error.message.contains("year") && error.message.contains(words), "{}", error.message);
    }
    let year = |year| ReadOptions { year: Some(year), ..options("UTC", false) };
    let (plan, got) = read_with("r.csv", &energy, &year(2023)).unwrap();
    assert_eq!(got, cells(&["12-31 23:00", "01-01 00:00", "01-01 01:00"]));
    assert_eq!((plan.first_at_ms, plan.last_at_ms), (Some(1_704_063_600_000), Some(1_704_070_800_000)));
    // Newest first; the year of the first row.
    let back = rows("Time", &["01/01 01:00", "12/31 23:00", "12/30 22:00"]);
    assert_eq!(read_with("r.csv", &back, &year(2024)).unwrap().0.first_at_ms, Some(1_703_973_600_000));
    let months = rows("Date/Time", &["January", "February", "March"]);
    let (plan, got) = read_with("meter_2024.csv", &months, &options("UTC", false)).unwrap();
    assert_eq!(
        (got, plan.first_at_ms),
        (cells(&["01-01 00:00", "02-01 00:00", "03-01 00:00"]), Some(1_704_067_200_000))
    );
    // Two years in the name tell none; 29 February is no day of 2023.
    assert_eq!(read_with("2023-2024.csv", &months, &options("UTC", false)).unwrap_err().code, "missing_year");
    let leap = rows("Time", &["02/28 23:00", "02/29 00:00"]);
    assert_eq!(read_with("r.csv", &leap, &year(2023)).unwrap_err().code, "missing_year");
    assert_eq!(read_with("r.csv", &leap, &year(2024)).unwrap().1.len(), 2);
}

#[test]
fn dates_that_need_no_answer() {
    for (times, expected) in [
        (&["01/01/2024 00:00", "01/01/2024 00:15"][..], &["01-01 00:00", "01-01 00:15"][..]),
        (&["2/2/2024", "3/3/2024", "4/4/2024"], &["02-02 00:00", "03-03 00:00", "04-04 00:00"]),
        (&["5/5/24 08:00", "05/05/24 09:00"], &["05-05 08:00", "05-05 09:00"]),
        // Dots: day first.
        (&["01.02.2024 00:00", "01.02.2024 00:15", "02.02.2024 00:30"], &["02-01 00:00", "02-01 00:15", "02-02 00:30"]),
        (&["05.06.2024", "06.06.2024"], &["06-05 00:00", "06-06 00:00"]),
        (&["03.04.24 10:00", "03.04.24 11:00"], &["04-03 10:00", "04-03 11:00"]),
        (&["12.01.2024", "13.01.2024"], &["01-12 00:00", "01-13 00:00"]),
    ] {
        let (_, got) = read(&rows("Time", times), "UTC").unwrap();
        assert_eq!(got, cells(expected), "{times:?}");
    }
    for times in [
        &["01/02/2024 00:00", "01/02/2024 00:15"][..],
        &["03-04-2024", "04-04-2024"],
        // Day first these run to and fro, month first they do not.
        &["02.28.2024", "03.01.2024", "03.02.2024", "2.3.2024"][..3],
    ] {
        let error = read(&rows("Time", times), "UTC");
        if times[0].contains("28") {
            assert_eq!(error.unwrap().1, cells(&["02-28 00:00", "03-01 00:00", "03-02 00:00"]));
        } else {
            assert_eq!(error.unwrap_err().code, "ambiguous_dates", "{times:?}");
        }
    }
    let back_and_forth = rows("Time", &["01.12.2024", "02.01.2024", "02.03.2024", "03.02.2024"]);
    assert_eq!(read(&back_and_forth, "UTC").unwrap_err().code, "ambiguous_dates");
}

#[test]
fn intervals_are_labelled_by_their_beginning() {
    for (header, times, expected, width) in [
        (
            "Interval",
            ["2024-05-01 00:00:00 to 2024-05-01 00:15:00", "2024-05-01 00:15:00 to 2024-05-01 00:30:00"],
            ["05-01 00:00", "05-01 00:15"],
            900,
        ),
        (
            "Zeitraum",
            ["01.05.2024 00:00 - 01.05.2024 01:00", "01.05.2024 01:00 - 01.05.2024 02:00"],
            ["05-01 00:00", "05-01 01:00"],
            3600,
        ),
        (
            "Time",
            ["2024-05-01T00:00Z/2024-05-01T00:30Z", "2024-05-01T00:30Z/2024-05-01T01:00Z"],
            ["05-01 00:00", "05-01 00:30"],
            1800,
        ),
        ("Time", ["2024-05-01 00:00-01:00", "2024-05-01 01:00-02:00"], ["05-01 00:00", "05-01 01:00"], 3600),
    ] {
        let (plan, got) = read(&rows(header, &times), "UTC").unwrap();
        assert_eq!((got, plan.interval_s), (cells(&expected), Some(width)), "{times:?}");
    }
    let text = "Date,Time,kW\n2024-05-01,00:00 - 00:15,1\n2024-05-01,00:15 - 00:30,2\n2024-05-02,23:45 - 00:00,3\n";
    let (plan, got) = read(text, "UTC").unwrap();
    assert_eq!((got, plan.interval_s), (cells(&["05-01 00:00", "05-01 00:15", "05-02 23:45"]), Some(900)));
}

#[test]
fn forms_that_are_not_read_are_named() {
    for (times, words) in [
        (["2024-05-01 00:00", "2024-W18-3"], "week"),
        (["2024-05-01 00:00", "2024-122"], "day of the year"),
        (["2024-05-01 00:00", "2024-05-01 8"], "hour without minutes"),
    ] {
        let text = format!("Time,kW\n{},1\n{},2\n2024-05-03 00:00,3\n", times[0], times[1]);
        let error = read(&text, "UTC").unwrap_err();
        assert_eq!((error.code, error.line), ("unread_time_form", Some(3)), "{times:?}");
        assert!(error.message.contains(words), "{}", error.message);
    }
}
