//! Tables as people and systems leave them: dates written once a day, AM and PM apart, units and statuses beside a value, zones above.

use super::*;

/// Rows and units of a report in UTC, or the code of its refusal and its message.
fn of(text: &str) -> Result<(Vec<String>, Vec<Option<String>>), (&'static str, String)> {
    let (plan, segments) = read("r.csv", text.as_bytes(), &options("UTC")).map_err(|e| (e.code, e.message))?;
    let units = plan.points.iter().map(|point| point.unit.as_ref().map(|unit| unit.value.clone())).collect();
    Ok((rows(&plan, &segments), units))
}

fn refused(text: &str) -> (&'static str, String) {
    of(text).unwrap_err()
}

#[test]
fn a_date_holds_until_the_next_one() {
    let text = "Date,Time,kWh\n2024-05-13,08:00,1\n,08:15,2\n,08:30,3\n2024-05-14,08:00,4\n,08:15,5\n";
    let read =
        ["05-13 08:00:00 | 1", "05-13 08:15:00 | 2", "05-13 08:30:00 | 3", "05-14 08:00:00 | 4", "05-14 08:15:00 | 5"];
    assert_eq!(of(text).unwrap().0, read);
    let german = "Datum;Zeit;kWh\n13.05.2024;08:00;1,0\n;08:15;2,0\n;08:30;3,0\n14.05.2024;08:00;4,0\n;08:15;5,0\n";
    assert_eq!(of(german).unwrap().0, read);
    let (code, message) = refused("Date,Time,kWh\n2024-05-13,23:30,1\n,23:45,2\n,23:50,3\n,00:15,4\n");
    assert_eq!(code, "unread_time_form");
    assert!(message.contains("at '00:15' the clock runs back"), "{message}");
}

#[test]
fn am_and_pm_in_a_column_of_their_own() {
    for text in [
        "Date,Time,AM/PM,A\n05/13/2024,11:30,AM,1\n05/13/2024,12:00,PM,2\n05/13/2024,01:00,PM,3\n",
        "Date,Time,,A\n05/13/2024,11:30,AM,1\n05/13/2024,12:00,PM,2\n05/13/2024,01:00,PM,3\n",
        "日期,時間,時段,A\n2024/5/13,11:30,上午,1\n2024/5/13,12:00,下午,2\n2024/5/13,01:00,下午,3\n",
        "Time,AMPM,A\n5/13/2024 11:30,AM,1\n5/13/2024 12:00,PM,2\n5/13/2024 1:00,PM,3\n",
    ] {
        let (rows, units) = of(text).unwrap();
        assert_eq!(rows, ["05-13 11:30:00 | 1", "05-13 12:00:00 | 2", "05-13 13:00:00 | 3"], "{text}");
        assert_eq!(units.len(), 1);
    }
}

#[test]
fn twelve_hours_without_am_and_pm_are_refused() {
    for text in [
        "Time,A\n05/13/2024 08:00,1\n05/13/2024 12:00,2\n05/13/2024 12:30,2\n05/13/2024 01:00,3\n",
        "Date,Time,A\n2024-05-13,11:00,1\n2024-05-13,12:00,2\n2024-05-13,1:00,3\n",
    ] {
        let (code, message) = refused(text);
        assert_eq!(code, "unread_time_form", "{text}");
        assert!(message.contains("AM and PM were lost"), "{message}");
    }
    for text in [
        "Time,A\n5/13/2024 12:30 AM,1\n5/13/2024 1:00 AM,2\n",
        "Time,A\n5/13/2024 12:30 PM,1\n5/13/2024 1:00 PM,2\n",
        "Time,A\n2024-05-13 12:00,1\n2024-05-14 01:00,2\n",
    ] {
        assert_eq!(of(text).unwrap().0.len(), 2, "{text}");
    }
}

#[test]
fn digits_of_a_date_are_no_seconds() {
    for text in
        ["Time,A\n2405130000,1\n2405130015,2\n2405130030,3\n", "Time,A\n1305240000,1\n1305240015,2\n1305240030,3\n"]
    {
        assert_eq!(refused(text).0, "no_readable_time", "{text}");
    }
    let epochs = "Time,A\n1715558400,1\n1715559300,2\n1715560200,3\n";
    assert_eq!(of(epochs).unwrap().0[0], "05-13 00:00:00 | 1");
}

#[test]
fn a_unit_and_a_status_beside_one_value() {
    let text =
        "Timestamp,Value,Unit,Reliability\n2024-05-13 08:00,6.5,deg C,Reliable\n2024-05-13 08:15,0,deg C,Comm. Loss\n";
    let (rows, units) = of(text).unwrap();
    assert_eq!(rows, ["05-13 08:00:00 | 6.5", "05-13 08:15:00 | <bad_status>"]);
    assert_eq!(units, [Some("°C".to_owned())]);
    let (rows, units) = of("DATE,START TIME,USAGE,UNITS\n2024-05-13,08:00,6.5,kWh\n2024-05-13,08:15,7,kWh\n").unwrap();
    assert_eq!((rows.len(), units), (2, vec![Some("kWh".to_owned())]));
    // Two points, and nobody knows whose unit it is.
    let (_, units) = of("Time,A,B,Units\n2024-05-13 08:00,6.5,1,kWh\n2024-05-13 08:15,7,2,kWh\n").unwrap();
    assert_eq!(units, [None, None, None]);
}

#[test]
fn a_status_that_nobody_knows_is_in_doubt() {
    let text = "Time,ZN-T,ZN-T Quality\n2024-05-13 08:00,6.5,Good\n2024-05-13 08:15,6.6,Good\n2024-05-13 08:30,6.7,Good\n\
                2024-05-13 08:45,0,Of the moon\n2024-05-13 09:00,6.8,Good\n";
    let (plan, segments) = read("r.csv", text.as_bytes(), &options("UTC")).unwrap();
    assert_eq!(names(&plan), ["ZN-T"]);
    assert_eq!(rows(&plan, &segments)[3], "05-13 08:45:00 | 0");
    assert_eq!(warned(&plan), [("doubtful_values", Some(5), 1)]);
    // States are no statuses, whatever their column is called.
    let modes =
        "Time,SAT,SAT Status\n2024-05-13 08:00,6.5,Cool\n2024-05-13 08:15,6.6,Heat\n2024-05-13 08:30,6.7,Normal\n";
    assert_eq!(of(modes).unwrap().1.len(), 2);
}

#[test]
fn the_preamble_states_a_zone() {
    for head in [
        "Timezone: UTC+02:00\n",
        "Time Zone:,Etc/GMT-2\nExported:,2024-05-14 08:00\n\n",
        "# All times are UTC+2\n",
        "Report,Zeitzone,(UTC+02:00) Bern\n",
    ] {
        let (rows, _) = of(&format!("{head}Time,A\n2024-05-13 08:00,1\n2024-05-13 08:15,2\n")).unwrap();
        assert_eq!(rows[0], "05-13 06:00:00 | 1", "{head}");
    }
}

#[test]
fn offsets_that_are_no_zones_are_refused() {
    for offset in ["480", "8", "-480"] {
        let text = format!("Time,UTC Offset,A\n2024-05-13 08:00,{offset},1\n2024-05-13 08:15,{offset},2\n");
        let (code, message) = refused(&text);
        assert!(message.contains(&format!("'{offset}' in the column of zones is no zone")), "{code}: {message}");
    }
}

#[test]
fn the_time_of_measuring_goes_before_that_of_storing() {
    let text =
        "created_at,measured_at,temp\n2024-05-13 13:00,2024-05-13 08:00,6.5\n2024-05-13 13:15,2024-05-13 08:15,7\n";
    assert_eq!(of(text).unwrap().0, ["05-13 08:00:00 | 6.5", "05-13 08:15:00 | 7"]);
}

#[test]
fn cubic_metres_of_the_west() {
    let rows: Vec<u8> =
        [b"00".as_slice(), b"15", b"30"].map(|at| [b"13.05.2024 08:", at, b";12,5 m\xb3/h\n"].concat()).concat();
    let text = [b"Zeit;Durchfluss\n".as_slice(), &rows].concat();
    let (plan, segments) = read("r.csv", &text, &options("UTC")).unwrap();
    assert_eq!(plan.points[0].unit.as_ref().unwrap().value, "m³/h");
    assert_eq!(super::rows(&plan, &segments)[0], "05-13 08:00:00 | 12.5");
}

#[test]
fn what_is_said_of_single_readings_names_no_series() {
    let of_column = |name: &str, texts: [&str; 8]| {
        let row = |(at, text): (usize, &&str)| {
            let (point, value) = if at % 2 == 0 { ("SAT", 6.5) } else { ("KW", 310.0) };
            format!("2024-05-13 08:{:02},{point},{},{text}\n", at / 2 * 15, value + at as f64)
        };
        let rows: String = texts.iter().enumerate().map(row).collect();
        let text = format!("Timestamp,Point,Value,{name}\n{rows}");
        let (plan, segments) = read("long.csv", text.as_bytes(), &options("UTC")).unwrap();
        super::rows(&plan, &segments)
    };
    let right = [
        "05-13 08:00:00 | 6.5 | 311",
        "05-13 08:15:00 | 8.5 | 313",
        "05-13 08:30:00 | 10.5 | 315",
        "05-13 08:45:00 | 12.5 | 317",
    ];
    for (name, texts) in [
        ("Reason", ["COV", "COV", "Interval", "COV", "COV", "Interval", "COV", "COV"]),
        ("Remark of the day", ["", "", "late", "", "", "", "early", ""]),
        ("event_id", ["ef31", "5068", "acee", "0b1a", "77aa", "9cde", "a1b2", "c3d4"]),
        ("Shown", ["6.5 u", "311 u", "8.5 u", "313 u", "10.5 u", "315 u", "12.5 u", "317 u"]),
    ] {
        assert_eq!(of_column(name, texts), right, "{name}");
    }
    // So are many machines that are read one after the other, each at times of its own.
    let machines = (0..40).map(|at| format!("2024-05-13 08:{:02}:{:02},SAT,1,Room {}\n", at / 4, at % 4 * 15, at % 20));
    let (plan, _) = read(
        "long.csv",
        format!("Timestamp,Point,Value,Place\n{}", machines.collect::<String>()).as_bytes(),
        &options("UTC"),
    )
    .unwrap();
    assert_eq!(plan.points.len(), 20);
    // What tells rows of one time apart is part of the name.
    let buildings = "Timestamp,Point,Value,Source\n2024-05-13 08:00,SAT,1,North\n2024-05-13 08:00,SAT,2,South\n\
                     2024-05-13 08:15,SAT,3,North\n2024-05-13 08:15,SAT,4,South\n";
    assert_eq!(of(buildings).unwrap().0, ["05-13 08:00:00 | 1 | 2", "05-13 08:15:00 | 3 | 4"]);
}

#[test]
fn a_decimal_point_among_decimal_commas() {
    // No thousand begins with 0, and no building has 21 500 °C.
    let text = "Zeit;P [kW];PF\n13.05.2024 08:00;310,5;0.950\n13.05.2024 08:15;317,25;-0.125\n";
    assert_eq!(of(text).unwrap().0, ["05-13 08:00:00 | 310.5 | 0.95", "05-13 08:15:00 | 317.25 | -0.125"]);
    for unit in ["°C", "Hz", "%"] {
        let text = format!("Zeit;P [kW];X [{unit}]\n13.05.2024 08:00;310,5;21.500\n13.05.2024 08:15;317,25;21.501\n");
        assert_eq!(of(&text).unwrap().0[0], "05-13 08:00:00 | 310.5 | '21.500'", "kept as text");
    }
    let mixed = "Zeit;P [kW];PF\n13.05.2024 08:00;310,5;1.000\n13.05.2024 08:15;317,25;0.998\n";
    let (plan, _) = read("r.csv", mixed.as_bytes(), &options("UTC")).unwrap();
    assert_eq!(warned(&plan), [("mixed_decimals", Some(2), 1)]);
    let thousands = "Zeit;P [kW];E [kWh]\n13.05.2024 08:00;310,5;21.500\n13.05.2024 08:15;317,25;21.501\n";
    assert_eq!(of(thousands).unwrap().0[0], "05-13 08:00:00 | 310.5 | 21500");
}

#[test]
fn statuses_are_told_by_words_before_names_and_in_other_languages() {
    for (name, good, bad) in [
        ("Status of SAT", "ok", "fault"),
        ("Quality SAT", "Good", "Bad"),
        ("Q_SAT", "Good", "Bad"),
        ("SAT (Status)", "ok", "fault"),
        ("SAT Zustand", "gut", "schlecht"),
        ("SAT Estado", "Bueno", "Malo"),
    ] {
        let text = format!(
            "Time,SAT,{name}\n2024-05-13 08:00,6.5,{good}\n2024-05-13 08:15,7,{good}\n2024-05-13 08:30,0,{bad}\n"
        );
        let (plan, segments) = read("r.csv", text.as_bytes(), &options("UTC")).unwrap();
        assert_eq!(names(&plan), ["SAT"], "{name}");
        assert_eq!(rows(&plan, &segments)[2], "05-13 08:30:00 | <bad_status>", "{name}");
    }
}

#[test]
fn rows_of_another_machine_are_not_mixed_in() {
    let block = |name: &str, from: u32| {
        format!("history:/Sta/{name}\nTimestamp,Value\n2024-05-13 08:{from:02},1\n2024-05-13 08:{:02},2\n", from + 15)
    };
    let (code, message) = refused(&format!("{}{}", block("SAT", 0), block("RAT", 7)));
    assert_eq!(code, "second_table", "{message}");
    assert!(message.contains("'history:/Sta/RAT'"), "{message}");
    let page = |number: u32| format!("Page {number}\nTime,A1\n2024-05-13 0{number}:00,1\n2024-05-13 0{number}:15,2\n");
    assert_eq!(of(&format!("{}{}", page(1), page(2))).unwrap().0.len(), 4);
}

#[test]
fn rows_in_one_field_are_readings_that_are_lost() {
    let text =
        "Time,A1,B1\n2024-05-13 08:00,1,2\n\"2024-05-13 08:15,3,4\"\n2024-05-13 08:30;5;6\n2024-05-13 08:45,7,8\n";
    let (plan, _) = read("r.csv", text.as_bytes(), &options("UTC")).unwrap();
    assert_eq!(plan.lost_readings.get("unreadable_time"), Some(&2));
}

#[test]
fn a_group_over_its_time_and_value_is_the_points_name() {
    let text = "AHU1 SAT,,AHU1 RAT,\nTime,Value,Time,Value\n2024-05-13 08:00,6.5,2024-05-13 08:01,8.5\n2024-05-13 08:15,6.6,2024-05-13 08:16,8.6\n";
    let mut found = Vec::new();
    for reader in Reader::open(Source { name: "r.csv", bytes: text.as_bytes() }, &options("UTC")).unwrap() {
        let plan = reader.plan(&mut SegmentBuilder::default(), &mut |_, _| ()).unwrap();
        found.extend(plan.points.into_iter().map(|point| point.original_name));
    }
    assert_eq!(found, ["AHU1 SAT Value", "AHU1 RAT Value"]);
}

#[test]
fn a_legend_is_no_header() {
    for head in ["Key,Name,Unit\nP1,CHWST,°C\nP2,KW,kW\n\n", "P1,CHWST,°C\nP2,KW,kW\n"] {
        let text = format!("{head}Time,P1,P2\n2024-05-13 08:00,6.5,310\n2024-05-13 08:15,6.6,311\n");
        let (plan, _) = read("r.csv", text.as_bytes(), &options("UTC")).unwrap();
        assert_eq!(names(&plan), ["P1", "P2"], "{head}");
    }
}
