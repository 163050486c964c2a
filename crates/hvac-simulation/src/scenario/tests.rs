//! Laws of plants with faults: the same seed the same record, faults where they are listed and nowhere else, heat balances.

#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use super::super::faults::{Fault, Target};
use super::super::measurands::Measurand;
use super::*;
use hvac_points::physics::water_heat_kw;

fn stretch(days: u32) -> Stretch {
    Stretch { days, step_minutes: 30, ..Stretch::default() }
}

fn with(plant: &str, days: u32, faults: Vec<Fault>) -> Scenario {
    Scenario::new(plant, 5, stretch(days), &FaultList { faults, ..FaultList::default() }).unwrap()
}

fn of_point(kind: FaultKind, point: &str, rows: std::ops::RangeInclusive<u32>, size: Option<f64>) -> Fault {
    let setting = with("hospital", 10, Vec::new()).setting;
    let (start, end) = (setting.at(*rows.start()), setting.at(*rows.end()));
    Fault { start, end, size, ..Fault::new(kind, Target::Point(point.into())) }
}

/// Rows at which two records of a point differ.
fn differing(one: &Record, other: &Record, point: &str) -> Vec<usize> {
    let (one, other) = (&one.column(point).unwrap().values, &other.column(point).unwrap().values);
    (0..one.len()).filter(|row| one[*row] != other[*row] && !(one[*row].is_nan() && other[*row].is_nan())).collect()
}

#[test]
fn every_plant_runs_and_the_same_seed_gives_the_same_record() {
    for plant in PLANTS {
        let list = FaultList::random(26);
        let stretch = Stretch { step_minutes: 60, days: 60, ..Stretch::default() };
        let run = |seed| Scenario::new(plant.name, seed, stretch, &list).unwrap();
        let (one, again, other) = (run(3).record(), run(3).record(), run(4).record());
        assert_eq!(one.truth, again.truth);
        assert_eq!(one.truth.len(), 26);
        assert_ne!(one.truth, other.truth);
        for (a, b) in one.columns.iter().zip(&again.columns) {
            assert!(a.values.iter().zip(&b.values).all(|(a, b)| a.to_bits() == b.to_bits()), "{}", a.point.name);
            assert_eq!(a.values.len(), one.times.len());
        }
        let names: std::collections::BTreeSet<&str> = one.columns.iter().map(|c| c.point.name.as_str()).collect();
        assert_eq!(names.len(), one.columns.len(), "names are distinct");
        let bytes = |record: &Record| record.reports().map(|report| report.bytes).collect::<Vec<_>>();
        assert_eq!(bytes(&one), bytes(&again));
        for truth in &one.truth {
            assert_eq!(truth.wasted_kwh.is_some(), truth.fault.kind.is_equipment());
            assert!(truth.fault.start <= truth.fault.end, "{truth:?}");
        }
    }
}

#[test]
fn sensor_faults_are_where_they_are_listed_and_nowhere_else() {
    let clean = with("hospital", 10, Vec::new()).record();
    let faults = vec![
        of_point(FaultKind::Stuck, "CHWRT", 100..=130, None),
        of_point(FaultKind::Spike, "OAT", 200..=200, Some(-12.0)),
        of_point(FaultKind::Dropout, "CH.SYS.RT", 300..=310, None),
        of_point(FaultKind::Offset, "CWRT", 50..=80, Some(2.0)),
        of_point(FaultKind::Drift, "CWST", 96..=479, Some(3.0)),
        Fault { with: Some("CH-1.CHWRT".into()), ..of_point(FaultKind::Swap, "CH-1.CHWST", 60..=470, None) },
        of_point(FaultKind::WrongUnit, "CH-2.CWRT", 10..=20, None),
        of_point(FaultKind::TimeShift, "CH.SYS.TOTAL.KW", 20..=400, Some(3.0)),
    ];
    let faulty = with("hospital", 10, faults).record();
    let listed = ["CHWRT", "OAT", "CH.SYS.RT", "CWRT", "CWST", "CH-1.CHWST", "CH-1.CHWRT", "CH-2.CWRT"];
    for column in &clean.columns {
        let name = column.point.name.as_str();
        let rows = differing(&clean, &faulty, name);
        if name != "CH.SYS.TOTAL.KW" && !listed.contains(&name) {
            assert!(rows.is_empty(), "{name}: {rows:?}");
        }
    }
    let column = |record: &Record, name: &str| record.column(name).unwrap().values.clone();
    let (true_c, stuck) = (column(&clean, "CHWRT"), column(&faulty, "CHWRT"));
    assert!((100..=130).all(|row| stuck[row] == true_c[99]) && stuck[131] == true_c[131]);
    assert_eq!(differing(&clean, &faulty, "OAT"), [200]);
    assert!((300..=310).all(|row| column(&faulty, "CH.SYS.RT")[row].is_nan()));
    let (true_c, offset) = (column(&clean, "CWRT"), column(&faulty, "CWRT"));
    assert!((50..=80).all(|row| (offset[row] - true_c[row] - 2.0).abs() < 0.011));
    // 3 K a month of 1440 half-hours: 0.8 K after 384.
    let (true_c, drifted) = (column(&clean, "CWST"), column(&faulty, "CWST"));
    assert!((drifted[479] - true_c[479] - 0.8).abs() < 0.011 && (drifted[95] == true_c[95]));
    for row in 60..=470 {
        assert_eq!(column(&faulty, "CH-1.CHWST")[row].to_bits(), column(&clean, "CH-1.CHWRT")[row].to_bits());
    }
    let (true_c, fahrenheit) = (column(&clean, "CH-2.CWRT"), column(&faulty, "CH-2.CWRT"));
    assert!((10..=20).all(|row| (fahrenheit[row] - (1.8 * true_c[row] + 32.0)).abs() < 0.2));
    let (true_kw, late) = (column(&clean, "CH.SYS.TOTAL.KW"), column(&faulty, "CH.SYS.TOTAL.KW"));
    assert!((20..=400).all(|row| late[row] == true_kw[row - 3]) && late[401] == true_kw[401]);
}

/// What flows in and out of each running machine, summed, is what the headers carry; the whole is the sum of its parts.
#[test]
fn machines_add_up_to_the_plant() {
    for plant in PLANTS {
        let scenario = Scenario::new(plant.name, 9, stretch(40), &FaultList::default()).unwrap();
        let mut ran = 0;
        for pair in scenario.history.windows(3) {
            let now = &pair[2];
            let sum = |of: fn(&super::super::plant_room::TrainMoment) -> f64| now.trains.iter().map(of).sum::<f64>();
            let op = &now.operation;
            let parts = sum(|t| t.chiller_kw + t.chw_pump_kw + t.cw_pump_kw + t.fan_kw);
            assert!((parts - op.total_kw()).abs() < 1e-6 * (1.0 + parts), "{} {parts} {op:?}", now.at);
            assert!((sum(|t| t.chw_lpm) - op.chw_lpm).abs() < 1e-6 * (1.0 + op.chw_lpm));
            // Settled water: the same machines for three moments.
            let on = |now: &Snapshot| now.trains.iter().map(|train| train.chiller_on).collect::<Vec<_>>();
            if op.trains == 0 || on(&pair[0]) != on(now) || on(&pair[1]) != on(now) {
                continue;
            }
            ran += 1;
            let heat_kw = Measurand::Cooling.value(now);
            assert!((heat_kw / op.cooling_kw - 1.0).abs() < 0.1, "{} {heat_kw} {op:?}", now.at);
            let of_trains = sum(|t| water_heat_kw(t.chw_lpm, t.chwrt_c - t.chwst_c));
            assert!((of_trains / heat_kw - 1.0).abs() < 0.1, "{} {of_trains} {heat_kw}", now.at);
        }
        assert!(ran > 100, "{}: {ran}", plant.name);
    }
}

/// Without faults no chiller runs for less than three quarters of an hour, no air handler heats what it cools or runs
/// out of hours.
#[test]
fn a_faultless_plant_does_nothing_foolish() {
    for plant in PLANTS {
        let stretch = Stretch { step_minutes: 15, days: 50, ..Stretch::default() };
        let scenario = Scenario::new(plant.name, 21, stretch, &FaultList::default()).unwrap();
        for air in scenario.history.iter().flat_map(|now| &now.air) {
            assert!(air.heating_pct == 0.0 || air.cooling_pct == 0.0, "{air:?}");
            assert_eq!(air.running, air.scheduled);
        }
        for train in 0..plant.trains as usize {
            let on: Vec<bool> = scenario.history.iter().map(|now| now.trains[train].chiller_on).collect();
            let runs: Vec<usize> = on.chunk_by(|a, b| a == b).map(<[bool]>::len).collect();
            let inner = runs.get(1..runs.len().saturating_sub(1)).unwrap_or_default();
            assert!(inner.iter().all(|rows| *rows >= 3), "{} {train}: {runs:?}", plant.name);
        }
    }
}

#[test]
fn equipment_faults_change_the_plant_and_waste_energy() {
    let fault = |kind, machine: &str, size| {
        let size = Some(size);
        with("hospital", 30, vec![Fault { size, ..Fault::new(kind, Target::Machine(machine.into())) }])
    };
    let clean = with("hospital", 30, Vec::new());
    let mean = |scenario: &Scenario, of: fn(&Snapshot) -> f64| {
        scenario.history.iter().map(of).sum::<f64>() / scenario.history.len() as f64
    };
    let wasted = |scenario: &Scenario| scenario.truth()[0].wasted_kwh.unwrap();

    let fouled = fault(FaultKind::Fouling, "CH-1", 0.2);
    let ratio = |now: &Snapshot| now.trains[0].chiller_kw;
    assert!(mean(&fouled, ratio) > 1.1 * mean(&clean, ratio) && wasted(&fouled) > 500.0);

    let low = fault(FaultKind::LowDeltaT, "CHW", 0.4);
    assert!(mean(&low, |now| now.operation.chw_lpm) > 1.15 * mean(&clean, |now| now.operation.chw_lpm));
    assert!(wasted(&low) > 500.0);

    let cycling = fault(FaultKind::ShortCycling, "CH-2", 0.5);
    let starts = |scenario: &Scenario| {
        let on =
            scenario.history.windows(2).filter(|pair| !pair[0].trains[1].chiller_on && pair[1].trains[1].chiller_on);
        on.count()
    };
    assert!(starts(&cycling) > 300 && starts(&clean) < 60, "{} {}", starts(&cycling), starts(&clean));

    let both = fault(FaultKind::SimultaneousHeatingCooling, "AH02", 40.0);
    let at_once = |scenario: &Scenario| {
        scenario.history.iter().filter(|now| now.air[1].heating_pct > 20.0 && now.air[1].cooling_pct > 20.0).count()
    };
    assert!(at_once(&both) > 200 && at_once(&clean) == 0);
    assert!(both.truth()[0].wasted_heat_kwh.unwrap() > 1000.0 && wasted(&both) > 100.0);

    let late = fault(FaultKind::OutOfSchedule, "AH02", 1.0);
    assert!(late.history.iter().all(|now| now.air[1].running) && wasted(&late) > 500.0);
}

#[test]
fn errors_name_the_thing_and_the_way_out() {
    let said = |plant, faults, random| {
        Scenario::new(plant, 1, stretch(10), &FaultList { faults, random, ..FaultList::default() }).unwrap_err()
    };
    assert!(said("palace", Vec::new(), 0).contains("there are hospital, office, campus"));
    let of = |kind, target| Fault::new(kind, target);
    let point = |name: &str| Target::Point(name.into());
    assert!(said("hospital", vec![of(FaultKind::Offset, point("CHWXT"))], 0).contains("no point 'CHWXT'"));
    assert!(said("hospital", vec![of(FaultKind::Offset, point("CH-1.S"))], 0).contains("'CH-1.S' is no sensor"));
    let machine = Target::Machine("CH-9".into());
    assert!(said("hospital", vec![of(FaultKind::Fouling, machine)], 0).contains("hospital has CH-1, CH-2"));
    let before = Fault { start: Some(NaiveDateTime::MIN), ..of(FaultKind::Stuck, point("CHWRT")) };
    assert!(said("hospital", vec![before], 0).contains("outside of the time recorded"));
    let unit = Fault { unit: Some("bar".into()), ..of(FaultKind::WrongUnit, point("CHWRT")) };
    assert!(said("hospital", vec![unit], 0).contains("is in °C and may be printed in one of: °C, °F"));
    assert!(said("hospital", Vec::new(), 9999).contains("no more room for a random fault"));
}
