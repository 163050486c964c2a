//! Clock times apart from their dates, and the ends of days.

use super::*;

/// Rows of a report in UTC, or the code of its refusal and its message.
fn of(text: &str) -> Result<Vec<String>, (&'static str, String)> {
    let (plan, segments) = read("r.csv", text.as_bytes(), &options("UTC")).map_err(|e| (e.code, e.message))?;
    Ok(rows(&plan, &segments))
}

#[test]
fn numbers_of_a_clock_column_are_clock_times() {
    for (text, read) in [
        ("Date,Hour,kW\n2024-05-13,8,13\n", &["05-13 08:00:00 | 13"][..]),
        ("Date,Time,A\n2024-05-13,1200,13\n", &["05-13 12:00:00 | 13"]),
        ("Datum;Uhrzeit;kW\n13.05.2024;08.30;13,5\n", &["05-13 08:30:00 | 13.5"]),
        // Without zeros at the front: 00:15, 09:00, 23:45.
        (
            "Date,Time,A\n2024-05-13,15,1\n2024-05-13,900,2\n2024-05-13,2345,3\n",
            &["05-13 00:15:00 | 1", "05-13 09:00:00 | 2", "05-13 23:45:00 | 3"],
        ),
        ("Date,Time,A\n2024-05-13,0000,1\n2024-05-13,0015,2\n", &["05-13 00:00:00 | 1", "05-13 00:15:00 | 2"]),
        ("Date,Time,A\n2024-05-13,2300,1\n2024-05-13,2400,2\n", &["05-13 23:00:00 | 1", "05-14 00:00:00 | 2"]),
        ("Date,Time,A\n2024-05-13,80000,1\n2024-05-13,200030,2\n", &["05-13 08:00:00 | 1", "05-13 20:00:30 | 2"]),
        (
            "Date,Time (HHMM),A\n2024-05-13,0,1\n2024-05-13,30,2\n2024-05-13,100,3\n",
            &["05-13 00:00:00 | 1", "05-13 00:30:00 | 2", "05-13 01:00:00 | 3"],
        ),
        // Minutes and seconds beside the hours; dates as a spreadsheet writes them.
        ("Date,Hour,Minute,kW\n2024-05-13,8,0,1\n2024-05-13,8,30,2\n", &["05-13 08:00:00 | 1", "05-13 08:30:00 | 2"]),
        ("Date,hh,mm,ss,kW\n2024-05-13,8,0,5,1\n2024-05-13,8,30,6,2\n", &["05-13 08:00:05 | 1", "05-13 08:30:06 | 2"]),
        (
            "Date,Hour,kW\n2024-05-13 00:00:00,8.0,1\n2024-05-13 00:00:00,9.0,2\n",
            &["05-13 08:00:00 | 1", "05-13 09:00:00 | 2"],
        ),
        (
            "Date,Time,kW\n2024-05-13 00:00:00,08:00,1\n2024-05-13 00:00:00,09:30,2\n",
            &["05-13 08:00:00 | 1", "05-13 09:30:00 | 2"],
        ),
        // The clock in front, at the end, in quotes; words.
        ("Date,Hr,kW\n2024-05-13,8,1\n2024-05-14,8,2\n", &["05-13 08:00:00 | 1", "05-14 08:00:00 | 2"]),
        ("Hour,Date,kW\n8,2024-05-13,1\n", &["05-13 08:00:00 | 1"]),
        ("Date,kW,Hour\r\n2024-05-13,1,8\r\n2024-05-13,2,9\r\n", &["05-13 08:00:00 | 1", "05-13 09:00:00 | 2"]),
        (
            "\"Date\",\"Heure\",\"kW\"\n\"2024-05-13\",\"8h\",\"1\"\n\"2024-05-13\",\"8h30\",\"2\"\n",
            &["05-13 08:00:00 | 1", "05-13 08:30:00 | 2"],
        ),
        ("日期,時間,kW\n2024-05-13,8時30分,1\n2024-05-13,9時,2\n", &["05-13 08:30:00 | 1", "05-13 09:00:00 | 2"]),
        // A row a reading.
        (
            "Date,Hour,Point,Value\n2024-05-13,8,A,1\n2024-05-13,8,B,2\n2024-05-13,9,A,3\n2024-05-13,9,B,4\n",
            &["05-13 08:00:00 | 1 | 2", "05-13 09:00:00 | 3 | 4"],
        ),
    ] {
        let found = of(text);
        assert_eq!(found.as_deref(), Ok(&read.iter().map(|row| (*row).to_owned()).collect::<Vec<_>>()[..]), "{text}");
    }
}

#[test]
fn what_is_called_a_clock_time_and_is_none_is_refused() {
    let day = |hours: std::ops::RangeInclusive<u32>, name: &str| {
        let rows = hours.map(|hour| format!("2024-05-13,{hour},1\n"));
        format!("Date,{name},kW\n{}", rows.collect::<String>())
    };
    for (text, says) in [
        (day(1..=24, "Hour"), "'24' in it is an hour of a day that is numbered from 1 to 24"),
        (day(1..=4, "Hour Ending"), "numbered from 1 to 24"),
        ("Date,Time,A\n2024-05-13,30.25,13\n".to_owned(), "column 'Time' stands beside dates"),
        ("Date,Hour,A\n2024-05-13,8.25,13\n2024-05-13,8.50,13\n".to_owned(), "may be a clock time or hours and a part"),
        ("Date,Time,A\n2024-05-13,30,13\n".to_owned(), "'30' in it is no clock time"),
        ("Date,Time,A\n2024-05-13,1275,13\n2024-05-13,1300,13\n".to_owned(), "'1275' in it is no clock time"),
    ] {
        let (code, message) = of(&text).unwrap_err();
        assert_eq!(code, "unread_time_form", "{text}: {message}");
        assert!(message.contains(says) && message.contains("write clock times such as 13:45"), "{message}");
    }
}

#[test]
fn hours_that_something_ran_are_a_point() {
    for name in ["Run Hours", "Hours", "Run Time [h]", "Betriebsstunden", "HR"] {
        let text = format!("Date,{name},kW\n2024-05-13,8,1\n2024-05-14,24,2\n2024-05-15,7.5,3\n");
        assert_eq!(
            of(&text).unwrap(),
            ["05-13 00:00:00 | 8 | 1", "05-14 00:00:00 | 24 | 2", "05-15 00:00:00 | 7.5 | 3"]
        );
    }
    // Beside clock times it is one, too.
    let text = "Date,Clock,Hour,kW\n2024-05-13,08:00,3,1\n2024-05-13,09:00,4,2\n";
    assert_eq!(of(text).unwrap(), ["05-13 08:00:00 | 3 | 1", "05-13 09:00:00 | 4 | 2"]);
}

#[test]
fn dots_in_clock_times_and_letters_behind_them() {
    for (text, read) in [
        ("Zeit;kW\n13.05.2024 00.00;1,5\n13.05.2024 08.30;2,5\n", &["05-13 00:00:00 | 1.5", "05-13 08:30:00 | 2.5"]),
        ("Time,kW\n5/13/2024 12:00:00a,1\n5/13/2024 1:30:00p,2\n", &["05-13 00:00:00 | 1", "05-13 13:30:00 | 2"]),
        ("Date,Time,kW\n5/13/2024,12:15a,1\n5/13/2024,12:15p,2\n", &["05-13 00:15:00 | 1", "05-13 12:15:00 | 2"]),
    ] {
        assert_eq!(of(text).unwrap(), read, "{text}");
    }
}

/// Three days of quarters, each ending with 00:00 of its own date.
fn quarters(time: impl Fn(u32, u32) -> String, newest_first: bool) -> String {
    let mut lines: Vec<String> = Vec::new();
    for day in 13..16 {
        for quarter in 1..=96 {
            lines.push(format!("{},{}\n", time(day, quarter % 96 * 15), (day - 13) * 96 + quarter));
        }
    }
    if newest_first {
        lines.reverse();
    }
    lines.concat()
}

#[test]
fn days_that_end_with_midnight_of_their_own_date() {
    let iso = |day: u32, minute: u32| format!("2024-05-{day} {:02}:{:02}:00", minute / 60, minute % 60);
    let american = |day: u32, minute: u32| {
        let (hour, half) = (minute / 60, if minute < 720 { "AM" } else { "PM" });
        format!("5/{day}/2024 {}:{:02} {half}", (hour + 11) % 12 + 1, minute % 60)
    };
    let apart = |day: u32, minute: u32| format!("{day}.05.2024,{:02}:{:02}", minute / 60, minute % 60);
    for (head, body) in [
        ("Time,kW\n", quarters(iso, false)),
        ("Time,kW\n", quarters(iso, true)),
        ("Time,kW\n", quarters(american, false)),
        ("Datum,Zeit,kW\n", quarters(apart, false)),
    ] {
        let text = format!("{head}{body}");
        let (plan, segments) = read("r.csv", text.as_bytes(), &options("UTC")).unwrap();
        let rows = rows(&plan, &segments);
        assert_eq!((rows.len(), rows[0].as_str()), (288, "05-13 00:15:00 | 1"), "{head}");
        assert_eq!((rows[95].as_str(), rows[96].as_str()), ("05-14 00:00:00 | 96", "05-14 00:15:00 | 97"));
        assert_eq!(rows[287], "05-16 00:00:00 | 288");
        let said = plan.warnings.iter().find(|warning| warning.code == "midnight_ends_day").unwrap();
        assert_eq!(said.count, 3, "{}", said.message);
    }
    // A row a reading, two series.
    let long = quarters(|day, minute| format!("{},A", iso(day, minute)), false);
    let long: String =
        long.lines().flat_map(|line| [format!("{line}\n"), format!("{}\n", line.replace(",A,", ",B,"))]).collect();
    let (plan, segments) = read("r.csv", format!("Time,Point,Value\n{long}").as_bytes(), &options("UTC")).unwrap();
    assert_eq!(rows(&plan, &segments)[95], "05-14 00:00:00 | 96 | 96");
}

#[test]
fn days_that_begin_with_midnight_are_left_alone() {
    for text in [
        "Time,kW\n2024-05-13 23:30,1\n2024-05-13 23:45,2\n2024-05-14 00:00,3\n2024-05-14 00:15,4\n",
        "Time,kW\n2024-05-14 00:15,4\n2024-05-14 00:00,3\n2024-05-13 23:45,2\n2024-05-13 23:30,1\n",
        "Time,kW\n2024-05-13 00:00,1\n2024-05-14 00:00,2\n",
    ] {
        let (plan, _) = read("r.csv", text.as_bytes(), &options("UTC")).unwrap();
        assert_eq!(warned(&plan), [], "{text}");
    }
    let both =
        "Time,kW\n2024-05-13 23:30,1\n2024-05-13 23:45,2\n2024-05-13 00:00,3\n2024-05-15 00:00,3\n2024-05-15 00:15,4\n";
    let (code, message) = of(both).unwrap_err();
    assert_eq!(code, "unread_time_form");
    assert!(message.contains("(line 4), as if it were 24:00"), "{message}");
}
