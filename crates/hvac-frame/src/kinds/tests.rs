//! Kinds of hand-worked columns.
#![allow(clippy::indexing_slicing)]
use proptest::prelude::*;

use super::*;

fn course(values: impl IntoIterator<Item = f64>) -> Course {
    let mut course = Course::default();
    course.extend(&values.into_iter().collect::<Vec<_>>());
    course
}

const ON_OFF: Reading = Reading::States { zero: "OFF", one: "ON" };

fn read(numbers: u64, tokens: &[(&str, u64)]) -> Reading {
    reading(numbers, tokens.iter().copied())
}

#[test]
fn one_odd_text_does_not_make_numbers_text() {
    assert_eq!(read(999, &[("BROKEN", 1)]), Reading::Numbers);
    assert_eq!(read(0, &[("COOL", 5), ("HEAT", 5)]), Reading::Text);
    assert_eq!(read(0, &[("on", 5), ("OFF", 5)]), ON_OFF);
    assert_eq!(read(0, &[("YES", 5)]), Reading::States { zero: "NO", one: "YES" });
    assert_eq!(read(0, &[("ON", 5), ("OFF", 5), ("TRIP", 1)]), Reading::Text);
    assert_eq!(read(0, &[("ON", 5), ("CLOSED", 5)]), Reading::Text);
    assert_eq!(read(0, &[]), Reading::Numbers);
}

#[test]
fn a_sensor_that_is_mostly_lost_stays_a_sensor() {
    assert_eq!(read(800, &[("Unreliable", 1200)]), Reading::Numbers);
    assert_eq!(read(3, &[("unavailable", 1000), ("unknown", 500), ("Comm Fail", 500)]), Reading::Numbers);
    assert_eq!(read(3, &[("Fault", 1000), ("OFFLINE", 1000)]), Reading::Numbers);
    assert_eq!(read(800, &[("KAPUTT", 1200)]), Reading::Numbers);
    assert_eq!(read(800, &[("KAPUTT", 700), ("kaputt", 500)]), Reading::Numbers);
    assert_eq!(read(800, &[("KAPUTT", 600), ("Fault", 300), ("unknown", 300)]), Reading::Numbers);
    assert_eq!(read(0, &[("Unreliable", 1200), ("Comm Fail", 3)]), Reading::Numbers);
}

#[test]
fn words_that_are_readings_stay_words() {
    assert_eq!(read(1, &[("COOL", 1000), ("HEAT", 1000)]), Reading::Text);
    assert_eq!(read(1, &[("COOL", 1), ("HEAT", 1)]), Reading::Text);
    assert_eq!(read(1, &[("COOL", 5), ("HEAT", 5), ("unknown", 9)]), Reading::Text);
    assert_eq!(read(12, &[("ON", 500), ("OFF", 500)]), ON_OFF);
    assert_eq!(read(0, &[("Unreliable", 5), ("COOL", 5)]), Reading::Text);
    assert_eq!(read(0, &[("ON", 5), ("OFF", 5), ("Fault", 1)]), Reading::Text);
}

#[test]
fn the_column_decides_what_is_both_a_state_and_a_loss() {
    assert_eq!(read(0, &[("Offline", 5), ("Online", 5)]), Reading::States { zero: "OFFLINE", one: "ONLINE" });
    assert_eq!(read(0, &[("Normal", 50), ("Fault", 5)]), Reading::States { zero: "NORMAL", one: "FAULT" });
    assert_eq!(read(0, &[("正常", 50), ("異常", 5)]), Reading::States { zero: "正常", one: "異常" });
    assert_eq!(read(0, &[("Good", 50), ("Bad", 5)]), Reading::States { zero: "BAD", one: "GOOD" });
    assert_eq!(read(0, &[("Fault", 5)]), Reading::States { zero: "OK", one: "FAULT" });
    assert_eq!(read(0, &[("on", 5), ("off", 5), ("unknown", 50)]), ON_OFF);
    assert_eq!(read(0, &[("on", 5), ("off", 5), ("Comm Fail", 1)]), ON_OFF);
    assert_eq!(read(10, &[("Fault", 50)]), Reading::Numbers);
    assert_eq!(read(10, &[("異常", 50)]), Reading::Numbers);
}

#[test]
fn spellings_of_two_states_are_a_status() {
    for (tokens, zero, one) in [
        (&["Open", "Closed", "Close"][..], "CLOSED", "OPEN"),
        (&["Run", "Stop", "Running", "Stopped"], "STOP", "RUN"),
        (&["Ein", "Aus", "An"], "AUS", "EIN"),
        (&["Auf", "Zu"], "ZU", "AUF"),
        (&["Arrêt", "marche"], "ARRÊT", "MARCHE"),
        (&["Encendido", "Apagado"], "APAGADO", "ENCENDIDO"),
        (&["Aperto"], "CHIUSO", "APERTO"),
        (&["Aan", "Uit"], "UIT", "AAN"),
        (&["啟動", "停止"], "停止", "啟動"),
        (&["运行", "停止"], "停止", "运行"),
        (&["关", "开"], "关", "开"),
        (&["手動", "自動"], "手動", "自動"),
        (&["正常", "故障"], "正常", "故障"),
        (&["Hand", "Auto"], "HAND", "AUTO"),
        (&["T", "F"], "F", "T"),
        (&["Unoccupied", "Occupied"], "UNOCCUPIED", "OCCUPIED"),
    ] {
        let read = reading(0, tokens.iter().map(|token| (*token, 7)));
        assert_eq!(read, Reading::States { zero, one }, "{tokens:?}");
    }
    assert_eq!(read(0, &[("Auf", 5), ("Zu", 5), ("Aus", 5)]), Reading::Text);
}

#[test]
fn two_windows_are_one_course() {
    let values: Vec<f64> = (0..300).map(|i| f64::from(i % 120)).collect();
    let (a, b) = values.split_at(130);
    let mut both = course(a.iter().copied());
    both.absorb(&course(b.iter().copied()));
    assert_eq!(both, course(values));
}

fn kind_of_numbers(original_name: &str, course: &Course) -> (Kind, String) {
    super::kind_of_numbers(Described { original_name, ..Described::default() }, course)
}

#[test]
fn the_name_only_suggests() {
    // HVAC.md §3: ZWP-1.F is a speed, 50.4–56.6.
    assert_eq!(kind_of_numbers("ZWP-1.F", &course([50.4, 56.6, 51.0])).0, Kind::Instantaneous);
    assert_eq!(kind_of_numbers("CH-1.S", &course([0.0, 0.0])).0, Kind::Status);
    assert_eq!(kind_of_numbers("kW_CHS", &course([0.0, 0.0])).0, Kind::Instantaneous);
    assert_eq!(kind_of_numbers("CH1", &course([0.0, 1.0])).0, Kind::Status);
    assert_eq!(kind_of_numbers("MMCB.KWH", &course([])).0, Kind::Counter);
}

#[test]
fn a_register_grows_but_for_resets() {
    let register = (0..200).map(f64::from).chain((0..200).map(f64::from));
    assert_eq!(kind_of_numbers("GAS", &course(register)).0, Kind::Counter);
    let warming = (0..30).map(f64::from);
    assert_eq!(kind_of_numbers("OAT", &course(warming)).0, Kind::Instantaneous);
    let wave = (0..400).map(|i| f64::from(i % 20));
    assert_eq!(kind_of_numbers("OAT", &course(wave)).0, Kind::Instantaneous);
}

/// Each with what it was told by, in part.
fn told(name: &str, values: &[f64], kind: Kind, evidence: &str) {
    let told = kind_of_numbers(name, &course(values.iter().copied()));
    assert!(told.0 == kind && told.1.contains(evidence), "{name} {values:?}: {told:?}");
}

/// Totals of days, a phase in the name, feed-in as negative numbers, a machine that seldom runs.
#[test]
fn amounts_that_fall_freely_are_totals_of_intervals() {
    use Kind::IntervalTotal;
    told("Consumption-Today(kWh)", &[11.8, 2.86, 7.2, 26.4, 9.2], IntervalTotal, "fall at 2 of 4 steps");
    told("Active energy Wh (A)", &[30.7, 33.7, 33.0], IntervalTotal, "unit is Wh");
    told("Grid feed-in kWh", &[-0.5, -1.5, -1.0, 0.0, -0.25], IntervalTotal, "fall at 2 of 4");
    told("Gas volume [m3]", &[3.0, 2.0, 4.0, 1.0], IntervalTotal, "unit is m3");
    told("HEATER.KWH", &[5.0, 5.0, 5.0, 5.0, 0.0, 5.0, 5.0, 5.0, 0.0, 5.0], IntervalTotal, "fall at 2 of 9");
    told("SUMP.KWH", &[0.0, 0.0, 5.0, 0.0, 0.0, 3.0, 0.0, 0.0], IntervalTotal, "fall at 2 of 7");
    let library = (0..672).map(|i| 10.0 + f64::from(i * 2 % 5));
    let (kind, evidence) = kind_of_numbers("Library - Electricity (kWh)", &course(library));
    assert!(kind == IntervalTotal && evidence.contains("as no register does"), "{evidence}");
    let unit = Described { original_name: "Main", unit: Some("MWh"), of_intervals: false };
    assert_eq!(super::kind_of_numbers(unit, &course([3.0, 2.0, 4.0])).0, IntervalTotal);
}

/// Resets, rollovers, misreadings, a register that starts again each midnight.
#[test]
fn registers_stay_registers() {
    use Kind::Counter;
    told("MMCB.KWH", &[100.0, 112.0, 112.0, 130.0], Counter, "rise at 2 of 3 steps");
    told("Water m3", &[7.0, 8.0, 8.5], Counter, "unit is m3");
    told("MMCB.KWH", &[5.0; 14], Counter, "its name ends in KWH");
    told("MAIN.KWH", &[900.0, 910.0, 920.0, 5.0, 15.0, 25.0], Counter, "fall at 1");
    let days: Vec<f64> = (0..240).map(|hour| f64::from((hour % 24).clamp(7, 18) - 7)).collect();
    told("PV yield today kWh", &days, Counter, "fall at 9");
    let crossed = [4989.0, 4989.0, 4989.0, 53.0, 53.0, 53.0, 4989.0, 53.0, 53.0, 4990.0, 4990.0, 4990.0];
    told("BHP2.KWH", &crossed, Counter, "fall at 2");
    let mut misread: Vec<f64> = (0..300).map(|i| 5_000.0 + f64::from(i)).collect();
    misread[100] = 5_050.0;
    misread[200] = 0.0;
    told("MAIN.KWH", &misread, Counter, "fall at 2");
}

/// Four rows that happen to rise: no value can tell, so words and the rows' own intervals do.
#[test]
fn few_values_that_only_rise_are_a_register_unless_something_says_of_an_interval() {
    let rising = [0.25, 0.26, 0.27, 0.28];
    told("kWh", &rising, Kind::Counter, "rise at 3 of 3");
    told("Energy today kWh", &rising, Kind::Counter, "");
    told("kWh per 15 min", &rising, Kind::IntervalTotal, "'15 min'");
    told("Hourly m3", &rising, Kind::IntervalTotal, "'Hourly'");
    let of_intervals = Described { original_name: "kWh", unit: None, of_intervals: true };
    let (kind, evidence) = super::kind_of_numbers(of_intervals, &course(rising));
    assert!(kind == Kind::IntervalTotal && evidence.contains("rows are intervals"), "{evidence}");
    let long = course((0..300).map(f64::from));
    assert_eq!(super::kind_of_numbers(of_intervals, &long).0, Kind::Counter, "300 rows that only rise");
    // 17 readings of a meter that has counted for years.
    let old = course((0..17).map(|i| 1_085_735.4 + 4.6 * f64::from(i)));
    assert_eq!(super::kind_of_numbers(of_intervals, &old).0, Kind::Counter);
    assert_eq!(super::kind_of_numbers(of_intervals, &course([5.0, 5.0])).0, Kind::IntervalTotal);
    let temperature = Described { original_name: "OAT", unit: Some("°C"), of_intervals: true };
    assert_eq!(super::kind_of_numbers(temperature, &course(rising)).0, Kind::Instantaneous);
}

#[test]
fn prices_rates_and_contents_are_readings() {
    use Kind::Instantaneous;
    let falling = [0.3, 0.2, 0.4, 0.1, 0.3];
    for name in ["EUR/kWh", "Flow m3/h", "kWh/m2", "CHW FLOW (m3)", "MMCB.KW", "Chiller kWh/ton"] {
        told(name, &falling, Instantaneous, "its values are readings");
    }
    told("Ice tank remaining kWh", &falling, Instantaneous, "what is held");
    let prepaid: Vec<f64> = (0..40).map(|i| 500.0 - f64::from(i)).collect();
    told("Prepaid kWh", &prepaid, Instantaneous, "what is left");
    told("KWH_METER_FAULT", &[0.0, 1.0, 0.0], Kind::Status, "only 0 and 1");
}

proptest! {
    /// However the rows are spread over files, and in whichever order these come.
    #[test]
    fn files_do_not_matter(
        numbers in 0u64..9,
        cells in prop::collection::vec((0usize..12, 1u64..5, 0u64..4), 0..9),
        turn in 0usize..20,
    ) {
        let words = ["ON", "off", "Open", "Close", "COOL", "HEAT", "Fault", "OK", "Unknown", "Comm Fail", "異常", "x"];
        let word = |at: usize| words.get(at).copied().unwrap_or_default();
        let one: std::collections::BTreeMap<&str, u64> = cells.iter().fold(Default::default(), |mut all, cell| {
            *all.entry(word(cell.0)).or_insert(0) += cell.1 + cell.2;
            all
        });
        let mut many: Vec<(&str, u64)> =
            cells.iter().flat_map(|cell| [(word(cell.0), cell.1), (word(cell.0), cell.2)]).filter(|cell| cell.1 > 0).collect();
        let turn = turn % many.len().max(1);
        many.rotate_left(turn);
        prop_assert_eq!(reading(numbers, many.into_iter()), reading(numbers, one.into_iter()));
    }

    /// Offsets do in time what their doubles do.
    #[test]
    fn counts_have_the_course_of_their_doubles(
        cells in prop::collection::vec(prop::option::of(0u16..600), 1..300),
        least in -300i32..30,
        decimals in 0usize..3,
    ) {
        let scale = [1.0, 10.0, 100.0].get(decimals).copied().unwrap_or(1.0);
        let offsets = cells.iter().map(|cell| cell.unwrap_or(ReferencedColumn::ABSENT | 3)).collect();
        let counts = ReferencedColumn { least, scale, most: 600, offsets };
        let values: Vec<f64> = counts.cells(0..cells.len()).flatten().collect();
        let (mut expected, mut course) = (Course::default(), Course::default());
        expected.extend(&values);
        course.run(&counts, counts.present());
        prop_assert_eq!(course, expected);
    }
}
