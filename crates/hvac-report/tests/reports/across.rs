//! A day a row, an interval a column.

use hvac_report::Format;

use super::*;

fn shown(name: &str, text: &str, zone: &str) -> (FilePlan, Vec<String>) {
    let (plan, segments) = read(name, text.as_bytes(), &options(zone)).unwrap();
    let rows = rows(&plan, &segments);
    (plan, rows)
}

fn refused(text: &str) -> (&'static str, Option<u64>, String) {
    let error = read("r.csv", text.as_bytes(), &options("UTC")).unwrap_err();
    (error.code, error.line, error.message)
}

/// `00:00,00:15,…,23:45`, as `spell` writes an interval of so many minutes.
fn header(minutes: u32, spell: impl Fn(u32) -> String) -> String {
    (0..1440 / minutes).map(|slot| spell(slot * minutes)).collect::<Vec<_>>().join(",")
}

fn clock(minute: u32) -> String {
    format!("{:02}:{:02}", minute / 60, minute % 60)
}

#[test]
fn quarters_of_one_meter() {
    let cells = |day: u32| (0..96).map(|slot| format!("{}", day * 100 + slot)).collect::<Vec<_>>().join(",");
    for spell in [clock as fn(u32) -> String, |m| format!("{}:{:02}", m / 60, m % 60), |m| clock(m) + ":00"] {
        let text = format!("Date,{}\n2024-05-01,{}\n2024-05-02,{}\n", header(15, spell), cells(1), cells(2));
        let (plan, rows) = shown("Main meter.csv", &text, "Asia/Taipei");
        assert_eq!((plan.format.value, names(&plan), plan.rows), (Format::SinglePoint, vec!["Main meter"], 192));
        assert_eq!((plan.interval_s, plan.header_line, plan.warnings.len()), (Some(900), Some(1), 0));
        // 00:00 of Taipei is 16:00 of the day before.
        assert_eq!(rows[0], "04-30 16:00:00 | 100");
        assert_eq!(rows[95], "05-01 15:45:00 | 195");
        assert_eq!(rows[96], "05-01 16:00:00 | 200");
        assert_eq!(rows[191], "05-02 15:45:00 | 295");
    }
}

#[test]
fn meters_units_and_statuses_beside_the_intervals() {
    let text = "Site report\n\nMeter,Weekday,Date,Unit,06:00,12:00,18:00,24:00,Total\n\
        MDB-1,Wed,1/5/2024,kWh,1,2,3,4,10\nMDB-2,Wed,1/5/2024,kW,5,6,7,8,26\n\
        MDB-1,Thu,2/5/2024,kWh,11,12,13,14,50\nMDB-2,Thu,2/5/2024,kW,15,16,,18,49\n\
        MDB-1,Mon,13/5/2024,kWh,21,No Data,23,24,68\nTotal,,,,54\n";
    let (plan, rows) = shown("r.csv", text, "UTC");
    assert_eq!((plan.format.value, names(&plan), plan.header_line), (Format::Narrow, vec!["MDB-1", "MDB-2"], Some(3)));
    let units: Vec<&str> = plan.points.iter().map(|p| p.unit.as_ref().unwrap().value.as_str()).collect();
    assert_eq!(units, ["kWh", "kW"]);
    assert_eq!(rows[..3], ["05-01 06:00:00 | 1 | 5", "05-01 12:00:00 | 2 | 6", "05-01 18:00:00 | 3 | 7"]);
    assert_eq!(rows[3], "05-02 00:00:00 | 4 | 8");
    assert_eq!(rows[7], "05-03 00:00:00 | 14 | 18");
    assert!(rows[6].starts_with("05-02 18:00:00 | 13 | <"), "{}", rows[6]);
    assert_eq!(rows.last().unwrap(), "05-14 00:00:00 | 24 | <not_covered>");
    let left_out: Vec<_> = plan.warnings.iter().filter(|w| w.code == "ignored_column").collect();
    assert_eq!(left_out.iter().map(|w| w.column.as_deref().unwrap()).collect::<Vec<_>>(), ["Weekday", "Total"]);
    assert_eq!(plan.dropped_rows.values().sum::<u64>(), 1);

    let marked = "Date,Quality,00:00,12:00,Channel\n2024-05-01,ok,1,2,import\n2024-05-01,fault,3,4,export\n\
        2024-05-02,ok,5,6,import\n2024-05-02,ok,7,8,export\n";
    let (plan, rows) = shown("r.csv", marked, "UTC");
    assert_eq!(names(&plan), ["import", "export"]);
    assert!(rows[0].starts_with("05-01 00:00:00 | 1 | <"), "{}", rows[0]);
    assert_eq!(rows[3], "05-02 12:00:00 | 6 | 8");
}

#[test]
fn ranges_are_read_from_their_beginnings() {
    for between in ["-", " - ", " to ", "–"] {
        let spell = |m: u32| format!("{}{between}{}", clock(m), clock((m + 60) % 1440));
        let text = format!("Date,{}\n2024-05-01,{}\n", header(60, spell), "1.5,".repeat(23) + "2.5");
        let (plan, rows) = shown("Heat.csv", &text, "UTC");
        assert_eq!((plan.rows, plan.interval_s), (24, Some(3600)));
        assert_eq!((rows[0].as_str(), rows[23].as_str()), ("05-01 00:00:00 | 1.5", "05-01 23:00:00 | 2.5"));
    }
}

#[test]
fn twenty_four_hundred_and_the_last_midnight_are_the_next_days() {
    for last in ["24:00", "00:00", "0:00"] {
        let text = format!("Date,08:00,16:00,{last}\n2024-02-29,1,2,3\n2024-03-01,4,5,6\n");
        let (_, rows) = shown("m.csv", &text, "UTC");
        assert_eq!(rows[2], "03-01 00:00:00 | 3", "{last}");
        assert_eq!(rows[5], "03-02 00:00:00 | 6", "{last}");
    }
    let newest_first = "Date,16:00,08:00,00:00\n2024-02-29,3,2,1\n2024-02-28,6,5,4\n";
    let (_, rows) = shown("m.csv", newest_first, "UTC");
    assert!(rows.contains(&"02-29 00:00:00 | 1".to_owned()), "{rows:?}");
}

#[test]
fn decimal_commas_and_semicolons() {
    let text = "Datum;Zähler;00:00;08:00;16:00\n01.05.2024;7001;1,25;2,5;3,75\n01.05.2024;7002;10,5;11,5;1.012,5\n\
        14.05.2024;7001;4,25;;-5,5\n14.05.2024;7002;13,5;14,5;15,5\n";
    let (plan, rows) = shown("r.csv", text, "UTC");
    assert_eq!(names(&plan), ["7001", "7002"]);
    assert_eq!(rows[0], "05-01 00:00:00 | 1.25 | 10.5");
    assert_eq!(rows[2], "05-01 16:00:00 | 3.75 | 1012.5");
    assert_eq!(rows[5], "05-14 16:00:00 | -5.5 | 15.5");
}

#[test]
fn units_and_four_digits_in_the_header() {
    let spelled = [|m: u32| clock(m) + " [kWh]", |m| clock(m) + " kWh", |m| "kWh ".to_owned() + &clock(m)];
    for spell in spelled {
        let text = format!("Day,{}\n2024-05-01,{}\n", header(60, spell), "1.5,".repeat(23) + "2.5");
        let (plan, rows) = shown("Heat.csv", &text, "UTC");
        assert_eq!((plan.points[0].unit.as_ref().unwrap().value.as_str(), rows.len()), ("kWh", 24));
    }
    let text = format!("Day,{}\n20240501,{}\n", header(30, |m| clock(m).replace(':', "")), "1.5,".repeat(47) + "2.5");
    let (_, rows) = shown("Heat.csv", &text, "UTC");
    assert_eq!((rows.len(), rows[47].as_str()), (48, "05-01 23:30:00 | 2.5"));
}

#[test]
fn the_clocks_change() {
    let head = format!("Date,{}", header(60, clock));
    let cells = |empty: Option<usize>| {
        let cell = |at| if Some(at) == empty { String::new() } else { at.to_string() };
        (0..24).map(cell).collect::<Vec<_>>().join(",")
    };
    // 2024-03-31 02:00 does not exist in Amsterdam.
    let forward = format!("{head}\n2024-03-30,{}\n2024-03-31,{}\n", cells(None), cells(Some(2)));
    let (plan, rows) = shown("m.csv", &forward, "Europe/Amsterdam");
    assert_eq!((plan.rows, rows[25].as_str(), rows[26].as_str()), (47, "03-31 00:00:00 | 1", "03-31 01:00:00 | 3"));
    let wrong = format!("{head}\n2024-03-30,{}\n2024-03-31,{}\n", cells(None), cells(None));
    let error = read("m.csv", wrong.as_bytes(), &options("Europe/Amsterdam")).unwrap_err();
    assert_eq!((error.code, error.line), ("nonexistent_local_time", Some(3)));
    // Both passes of an hour.
    let twice = head.replace("02:00,", "02:00,02:00,");
    let error = refused(&format!("{twice}\n2024-10-27,{},24\n", cells(None)));
    assert_eq!((error.0, error.1), ("unread_time_form", Some(1)));
    assert!(error.2.contains("02:00"), "{}", error.2);
}

#[test]
fn numbered_hours_are_refused_by_name() {
    let spelled: [fn(u32) -> String; 5] = [
        |n| n.to_string(),
        |n| format!("H{n}"),
        |n| format!("Hour {n}"),
        |n| format!("HE{n:02}"),
        |n| format!("{}", n - 1),
    ];
    for spell in spelled {
        let head = (1..=24).map(spell).collect::<Vec<_>>().join(",");
        let (code, line, message) = refused(&format!("Date,Meter,{head}\n2024-05-01,M1{}\n", ",1".repeat(24)));
        assert_eq!((code, line), ("unread_time_form", Some(1)));
        assert!(message.contains("00:00-01:00") && message.contains("wide"), "{message}");
    }
    // Points that are numbered are points.
    let boxes = (1..=24).map(|n| format!("VAV{n}")).collect::<Vec<_>>().join(",");
    let (plan, _) =
        shown("r.csv", &format!("Date,{boxes}\n2024-05-13{}\n2024-05-14{}\n", ",1".repeat(24), ",2".repeat(24)), "UTC");
    assert_eq!((plan.format.value, plan.points.len()), (Format::Wide, 24));
}

#[test]
fn what_is_short_long_or_out_of_place() {
    let text = "Date,00:00,08:00,16:00\n2024-05-01,1,2,3,77\n2024-05-02,4\n2024-05-03,7,8,9\n\nDate,00:00,08:00,16:00\n2024-05-04,1,2,3\nremark,1,2\n";
    let (plan, rows) = shown("m.csv", text, "UTC");
    let said: Vec<(&str, Option<u64>, u64)> =
        plan.warnings.iter().map(|w| (w.code.as_str(), w.line, w.count)).collect();
    assert_eq!(said, [("unreadable_time", Some(8), 1), ("short_rows", Some(3), 2), ("extra_cells", Some(2), 3)]);
    assert_eq!((rows.len(), rows[0].as_str()), (12, "05-01 00:00:00 | <unreadable>"));
    assert_eq!(plan.dropped_rows.get("repeated_header"), Some(&1));
    let keyed = "Date,Meter,00:00,08:00,16:00\n2024-05-01,A,1,2,3,77\n2024-05-01,B,4,5,6\n2024-05-02,A,7,8,9\n";
    let (plan, rows) = shown("m.csv", keyed, "UTC");
    assert_eq!(
        (rows[0].as_str(), warned(&plan)[0]),
        ("05-01 00:00:00 | <missing_cell> | 4", ("short_rows", Some(2), 3))
    );
    let commas = "Date,00:00,08:00,16:00\n2024-05-01,1,5,2,5,3,5\n2024-05-02,1,5,2,5,3,5\n";
    assert_eq!(refused(commas).0, "more_cells_than_header");
    let unclear = "Date,Total,00:00,08:00,16:00\n2024-05-01,6,1,2,3\n2024-05-01,9,2,3,4\n2024-05-02,6,1,2,3\n2024-05-02,9,2,3,4\n";
    let (code, _, message) = refused(unclear);
    assert!(code == "no_points" && message.contains("Meter"), "{message}");
    // A row a time whose points are called so.
    let wide = "Time,00:00,08:00,16:00\n2024-05-01 00:00,1,2,3\n2024-05-01 00:15,1,2,3\n";
    assert_eq!(shown("m.csv", wide, "UTC").0.format.value, Format::Wide);
}

#[test]
fn units_and_ends_in_rows_beside_the_header() {
    let hours = header(60, clock);
    let row = |cell: &str| vec![cell; 24].join(",");
    let day = format!("2024-05-01,{}\n", row("1.5"));
    for text in [
        format!("Date,{hours}\n,{}\n{day}", row("kWh")),
        format!("Date,{}\n,{hours}\n{day}", row("kWh")),
        format!("Date,{}\n{day}", header(60, |m| format!("kWh_{}", clock(m)))),
    ] {
        let (plan, rows) = shown("m.csv", &text, "UTC");
        assert_eq!((rows.len(), plan.dropped_rows.len()), (24, 0));
        assert_eq!(plan.points[0].unit.as_ref().unwrap().value, "kWh", "{text}");
    }
    let to = header(60, |m| clock((m + 60) % 1440));
    let (plan, rows) = shown("m.csv", &format!("From,{hours}\nTo,{to}\n{day}"), "UTC");
    assert_eq!((rows.len(), plan.interval_s, plan.dropped_rows.len()), (24, Some(3600), 0));
    assert!(plan.points[0].of_intervals);
}

#[test]
fn letters_before_clock_times() {
    for spell in [
        |m: u32| "T".to_owned() + &clock(m).replace(':', ""),
        |m| format!("Interval {}", clock(m)),
        |m| format!("V_{}", clock(m)),
    ] {
        let text = format!("Date,{}\n2024-05-01,{}2.5\n", header(30, spell), "1.5,".repeat(47));
        assert_eq!(shown("m.csv", &text, "UTC").1[47], "05-01 23:30:00 | 2.5");
    }
}

#[test]
fn what_may_be_meant_in_two_ways_is_refused() {
    let hours = header(60, clock);
    let cells = ",1".repeat(24);
    let (code, line, message) = refused(&format!("Date,{hours}\n2024-05-01T00:00:00+02:00{cells}\n"));
    assert_eq!((code, line), ("unread_time_form", Some(2)));
    assert!(message.contains("timezone"), "{message}");
    let twice = hours.replace("02:00", "02:00A,02:00B");
    let (code, line, message) = refused(&format!("Date,{twice}\n2024-10-27{cells},1\n"));
    assert_eq!((code, line), ("unread_time_form", Some(1)));
    assert!(message.contains("02:00A"), "{message}");
    // Gas days: whose 05:00 is it?
    let gas = "06:00,12:00,18:00,00:00,05:00";
    assert_eq!(refused(&format!("Date,{gas}\n2024-05-01,1,2,3,4,5\n")).0, "unread_time_form");
    // Both have numbers for names; that they recur tells which one is a name.
    let text = "Site ID,Row,Date,00:00,12:00\n1001,1,2024-05-01,1,2\n1002,2,2024-05-01,3,4\n1001,3,2024-05-02,5,6\n\
        1002,4,2024-05-02,7,8\n";
    assert_eq!(names(&shown("m.csv", text, "UTC").0), ["1001", "1002"]);
}
