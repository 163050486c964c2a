//! Meter data of record types.

use hvac_report::Format;

use super::*;

fn shown(text: &str, zone: &str) -> (FilePlan, Vec<String>) {
    let mut told = options(zone);
    told.zone_stated = true;
    let (plan, segments) = read("meters.csv", text.as_bytes(), &told).unwrap();
    let rows = rows(&plan, &segments);
    (plan, rows)
}

fn refused(text: &str) -> (&'static str, Option<u64>, String) {
    let error = read("meters.csv", text.as_bytes(), &options("Australia/Sydney")).unwrap_err();
    (error.code, error.line, error.message)
}

/// A day of `count` values from `first` on.
fn day(date: &str, count: u32, first: u32, quality: &str) -> String {
    let values = (first..first + count).map(|v| v.to_string()).collect::<Vec<_>>().join(",");
    format!("300,{date},{values},{quality},,,20240502060000,20240502070000\n")
}

const HEAD: &str = "100,NEM12,202405020600,MDP1,RETAILER\n";

fn stream(nmi: &str, suffix: &str, unit: &str, minutes: u32) -> String {
    format!("200,{nmi},E1B1,{suffix},{suffix},N1,METER1,{unit},{minutes},20240601\n")
}

#[test]
fn half_hours_of_two_meters_in_market_time() {
    let text = HEAD.to_owned()
        + &stream("6123456789", "E1", "KWH", 30)
        + &day("20240501", 48, 100, "A")
        + &day("20240502", 48, 200, "A")
        + &stream("6123456790", "E1", "kWh", 30)
        + &day("20240501", 48, 300, "F14")
        + "900\n";
    // Neither the summer time of Sydney nor the half hour of Adelaide is that of the market.
    for zone in ["Australia/Sydney", "Australia/Adelaide", "Australia/Brisbane"] {
        let (plan, rows) = shown(&text, zone);
        assert_eq!((plan.format.value, plan.rows, plan.interval_s), (Format::Narrow, 144, Some(1800)));
        assert_eq!(names(&plan), ["6123456789 E1", "6123456790 E1"]);
        assert!(plan.points.iter().all(|p| p.of_intervals && p.unit.as_ref().unwrap().value == "kWh"));
        assert_eq!(rows[0], "04-30 14:00:00 | 100 | 300");
        assert_eq!(rows[19], "04-30 23:30:00 | 119 | 319");
        assert_eq!(rows[20], "05-01 00:00:00 | 120 | 320");
        assert_eq!(rows[47], "05-01 13:30:00 | 147 | 347");
        assert_eq!(rows[95], "05-02 13:30:00 | 247 | <not_covered>");
        // Substituted values are kept, and counted by their line.
        let kept = plan.warnings.iter().find(|w| w.column.as_deref() == Some("6123456790 E1")).unwrap();
        assert_eq!((kept.line, kept.count), (Some(6), 48), "{kept:?}");
    }
}

#[test]
fn quarters_whose_quality_varies() {
    let text = HEAD.to_owned()
        + &stream("NMI0000001", "E1", "kWh", 15)
        + &day("20240501", 96, 0, "V")
        + "400,1,20,A,,\n400,21,24,N,,\n400,25,95,S52,72,\n400,96,96,E52,,\n500,O,S01,20240501,100.5\n"
        + &stream("NMI0000001", "B1", "kWh", 15)
        + &day("20240501", 96, 500, "N")
        + "900\n";
    let (plan, rows) = shown(&text.replace('\n', "\r\n"), "Australia/Sydney");
    assert_eq!(names(&plan), ["NMI0000001 E1", "NMI0000001 B1"]);
    assert_eq!(rows.len(), 96);
    assert_eq!(rows[0], "04-30 14:00:00 | 0 | <bad_status>");
    assert_eq!(rows[19], "04-30 18:45:00 | 19 | <bad_status>");
    assert_eq!(rows[20], "04-30 19:00:00 | <bad_status> | <bad_status>");
    assert_eq!(rows[23], "04-30 19:45:00 | <bad_status> | <bad_status>");
    assert_eq!(rows[24], "04-30 20:00:00 | 24 | <bad_status>");
    assert_eq!(rows[95], "05-01 13:45:00 | 95 | <bad_status>");
    let kept: u64 = plan.warnings.iter().filter(|w| w.code != "bad_status").map(|w| w.count).sum();
    assert_eq!(kept, 72, "{:?}", plan.warnings);
}

#[test]
fn five_minutes_without_a_first_record_and_two_files_in_one() {
    let five = stream("NMI0000001", "Q1", "kvarh", 5) + &day("20240229", 288, 1, "A") + "900\n";
    let (plan, rows) = shown(&five, "Australia/Perth");
    assert_eq!((rows.len(), plan.points[0].unit.as_ref().unwrap().value.as_str()), (288, "kvarh"));
    assert_eq!(rows[287], "02-29 13:55:00 | 288");
    let (_, rows) = shown(&(HEAD.to_owned() + &five + "\n" + HEAD + &five.replace("0229", "0301")), "Australia/Perth");
    assert_eq!((rows.len(), rows[575].as_str()), (576, "03-01 13:55:00 | 288"));
}

#[test]
fn what_does_not_fit_the_form_is_refused_by_its_line() {
    let stream = stream("NMI0000001", "E1", "kWh", 30);
    for (body, line, word) in [
        (day("20240501", 48, 1, "A"), 2, "200"),
        (stream.clone() + &day("20240501", 47, 1, "A"), 3, "48 values"),
        (stream.clone() + &day("20240501", 49, 1, "A"), 3, "48 values"),
        (stream.clone() + &day("20240532", 48, 1, "A"), 3, "20240532"),
        (stream.clone() + &day("20240501", 48, 1, "V"), 3, "interval 1"),
        (stream.clone() + &day("20240501", 48, 1, "V") + "400,1,40,A,,\n", 3, "interval 41"),
        (stream.clone() + &day("20240501", 48, 1, "V") + "400,1,49,A,,\n", 4, "48"),
        (stream.clone() + "400,1,48,A,,\n", 3, "300"),
        (stream.clone() + &day("20240501", 48, 1, "A") + "550,N,,A,\n", 4, "'550'"),
        (stream.replace(",30,", ",29,") + &day("20240501", 48, 1, "A"), 2, "29"),
    ] {
        let (code, at, message) = refused(&(HEAD.to_owned() + &body + "900\n"));
        assert_eq!((code, at), ("bad_record", Some(line)), "{message}");
        assert!(message.contains(word), "{message}");
    }
    let (code, line, message) = refused(&(HEAD.to_owned() + &stream + &day("20240501", 48, 1, "A")));
    assert_eq!((code, line), ("bad_record", Some(3)));
    assert!(message.contains("900"), "{message}");
    let thirteen = "100,NEM13,202405020600,MDP1,RETAILER\n250,NMI0000001,11,1,11,11,METER1,E,100,20240401,A,,,200,20240501,A,,,100,kWh,,\n900\n";
    let (code, line, message) = refused(thirteen);
    assert_eq!((code, line), ("not_a_table", Some(1)));
    assert!(message.contains("NEM13") && message.contains("NEM12"), "{message}");
}
