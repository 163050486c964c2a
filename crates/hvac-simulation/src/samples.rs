//! The committed samples in `data/samples/`: a hospital's plant, three point groups × two weeks, 15 minutes,
//! with one fault of every kind.
//!
//! Small on purpose. A test makes them again and compares bytes, so a change here is a change of the files.

use std::fmt::Write;

use chrono::NaiveDate;

use super::load::Use;
use super::sensors::{Fault, FaultKind, Form, Point};
use super::signals::{Signal, TrainSignal};
use super::site::SiteSpec;
use super::trends::{Group, Span, Trends, Truth};
use super::weather::Climate;

/// IANA zone of the samples' local times.
pub const TIMEZONE: &str = "Asia/Taipei";
/// The site's name, in the reports' names too.
pub const SITE: &str = "DEMO";

const ROWS_A_DAY: u64 = 96;

/// The samples, report by report.
#[must_use]
pub fn trends() -> Trends {
    let spec = SiteSpec {
        seed: 20_240_701,
        building: Use::Hospital,
        trains: 2,
        climate: Climate::SUBTROPICAL,
        start: NaiveDate::from_ymd_opt(2024, 7, 1).unwrap_or_default().into(),
        step_minutes: 15,
        steps: 14 * ROWS_A_DAY,
    };
    Trends::new(SITE, spec, groups(), faults)
}

fn groups() -> Vec<Group> {
    let point = |name: &str, trend_definition, signal, form| Point {
        name: name.to_owned(),
        trend_definition,
        signal,
        form,
        hold_rows: 1,
    };
    let analog = |name, signal, noise, decimals| point(name, "5 minutes", signal, Form::Analog { noise, decimals });
    let state =
        |name, train| point(name, "COV         15 minutes", Signal::Train(train, TrainSignal::Running), Form::State);
    let chiller_kw = |name, train| analog(name, Signal::Train(train, TrainSignal::ChillerPower), 0.8, 1);
    let group = |name: &str, points| Group { name: name.to_owned(), points, span: Span::Days(7) };
    vec![
        group(
            "PLANT",
            vec![
                state("CH-1.S", 0),
                chiller_kw("CH-1.KW", 0),
                state("CH-2.S", 1),
                chiller_kw("CH-2.KW", 1),
                analog("CHP.VFD_OUT", Signal::ChwPumpHz, 0.02, 1),
                analog("CWP.VFD_OUT", Signal::CwPumpHz, 0.02, 1),
                analog("CT.VFD_OUT", Signal::FanHz, 0.02, 1),
                analog("CHW.FLOW.LPM", Signal::ChilledFlow, 15.0, 0),
            ],
        ),
        group(
            "TEMP",
            vec![
                analog("CHWST", Signal::ChilledSupply, 0.05, 2),
                analog("CHWRT", Signal::ChilledReturn, 0.05, 2),
                analog("CWST", Signal::CondenserSupply, 0.05, 2),
                analog("CWRT", Signal::CondenserReturn, 0.05, 2),
                analog("OAT", Signal::DryBulb, 0.1, 1),
                analog("OAH", Signal::Humidity, 0.8, 1),
            ],
        ),
        group(
            "METER",
            vec![
                analog("CH.SYS.TOTAL.KW", Signal::PlantPower, 1.5, 1),
                point("CH.SYS.TOTAL.KWH", "15 minutes", Signal::PlantPower, Form::Register),
                analog("CH.SYS.RT", Signal::Cooling, 2.0, 1),
            ],
        ),
    ]
}

/// By hand, so that each kind is there once and easy to find. Days count from 0, hours from midnight.
fn faults(point: &Point) -> Vec<Fault> {
    let fault = |kind, day: u64, hour: u64, rows| Fault { kind, first_row: day * ROWS_A_DAY + hour * 4, rows };
    match point.name.as_str() {
        "CHWRT" => vec![fault(FaultKind::Frozen, 3, 10, 48)],
        "OAT" => vec![fault(FaultKind::Spike(25.0), 5, 14, 1), fault(FaultKind::Spike(-40.0), 11, 3, 1)],
        "CH.SYS.TOTAL.KWH" => vec![fault(FaultKind::Reset, 9, 2, 1)],
        "CH.SYS.RT" => vec![fault(FaultKind::Loss("Data Loss"), 1, 6, 8)],
        "OAH" => vec![fault(FaultKind::Loss("No Data"), 7, 0, 24)],
        "CWST" => vec![fault(FaultKind::Loss("TIME (-1)"), 12, 15, 3)],
        _ => Vec::new(),
    }
}

/// The faults as a Markdown table.
#[must_use]
pub fn truth_table(truth: &[Truth]) -> String {
    let mut table = String::from("| point | what | from | until | rows |\n|---|---|---|---|---|\n");
    for Truth { point, fault, first_at, last_at } in truth {
        let what = match fault.kind {
            FaultKind::Frozen => "frozen: repeats the reading before".to_owned(),
            FaultKind::Spike(size) => format!("spike of {size:+}"),
            FaultKind::Loss(marker) => format!("`{marker}`"),
            FaultKind::Reset => "register starts again at 0".to_owned(),
        };
        // Writing to a String cannot fail.
        let _ = writeln!(table, "| `{point}` | {what} | {first_at} | {last_at} | {} |", fault.rows);
    }
    table
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]

    use super::*;

    const README: &str = include_str!("../../../data/samples/README.md");

    macro_rules! committed {
        ($($name:literal),* $(,)?) => {
            [$(($name, include_bytes!(concat!("../../../data/samples/", $name)).as_slice())),*]
        };
    }

    const COMMITTED: [(&str, &[u8]); 6] = committed![
        "TR_DEMO_METER_240701-240707.csv",
        "TR_DEMO_METER_240708-240714.csv",
        "TR_DEMO_PLANT_240701-240707.csv",
        "TR_DEMO_PLANT_240708-240714.csv",
        "TR_DEMO_TEMP_240701-240707.csv",
        "TR_DEMO_TEMP_240708-240714.csv",
    ];

    #[test]
    fn committed_files_are_what_the_simulator_makes() {
        let mut made: Vec<_> = trends().collect();
        made.sort_by(|a, b| a.file_name.cmp(&b.file_name));
        assert_eq!(made.len(), COMMITTED.len());
        for (report, (name, bytes)) in made.iter().zip(COMMITTED) {
            assert_eq!(report.file_name, name);
            assert_eq!(report.rows, 672);
            assert!(
                report.bytes == bytes,
                "{name} differs: run `cargo run --bin benchmark-persistence -- --write-samples data/samples`"
            );
        }
    }

    #[test]
    fn the_readme_lists_the_faults_and_the_folder_stays_small() {
        let table = truth_table(trends().truth());
        assert!(README.contains(&table), "README.md lacks\n{table}");
        let bytes: usize = COMMITTED.iter().map(|(_, bytes)| bytes.len()).sum();
        assert!(bytes + README.len() <= 300 * 1024, "{bytes} bytes");
    }
}
