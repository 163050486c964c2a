//! The committed samples, whose faults are written down in their README: each is found, and little else.

use hvac_cleaning::{Event, Rule};

use super::real::read_from;
use super::*;

const ZONE: Tz = Tz::Asia__Taipei;

fn samples() -> (DataFrame, Vec<ColumnMeta>) {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("data/samples");
    let mut names: Vec<String> = Vec::new();
    for group in ["METER", "PLANT", "TEMP"] {
        names.extend(["240701-240707", "240708-240714"].map(|days| format!("TR_DEMO_{group}_{days}.csv")));
    }
    read_from(&folder, &names.iter().map(String::as_str).collect::<Vec<_>>(), ZONE, None)
}

fn local(text: &str) -> i64 {
    chrono::DateTime::parse_from_rfc3339(&format!("{text}:00+08:00")).unwrap().timestamp_millis()
}

#[test]
fn every_planted_fault_is_found() {
    let (frame, columns) = samples();
    let parameters = Parameters {
        detect_frozen: true,
        detect_spikes: true,
        detect_out_of_range: true,
        apply_heat_balance: true,
        derive: true,
        ..nothing()
    };
    let done = cleaned(frame, &columns, ZONE, &parameters);
    conserves(&done);
    let of = |rule: Rule| -> Vec<&Event> { done.events.iter().filter(|event| event.rule == rule).collect() };
    let frozen: Vec<(&str, i64, i64, u64)> =
        (of(Rule::Frozen).iter()).map(|e| (e.column.as_deref().unwrap(), e.start_at_ms, e.end_at_ms, e.rows)).collect();
    // 48 rows repeat the one before, which is equal to them: 49 rows of one value, from 09:45.
    assert_eq!(frozen, [("CHWRT", local("2024-07-04T09:45"), local("2024-07-04T21:45"), 49)]);
    let spikes: Vec<(&str, i64)> =
        of(Rule::Spike).iter().map(|e| (e.column.as_deref().unwrap(), e.start_at_ms)).collect();
    assert_eq!(spikes, [("OAT", local("2024-07-06T14:00")), ("OAT", local("2024-07-12T03:00"))]);
    let counters: Vec<(&str, i64)> =
        of(Rule::Counter).iter().map(|e| (e.column.as_deref().unwrap(), e.start_at_ms)).collect();
    assert_eq!(counters, [("CH_SYS_TOTAL_KWH", local("2024-07-10T02:00"))]);
    // The frozen return makes the balance wrong, and nothing else does.
    assert!(!of(Rule::HeatBalance).is_empty());
    for event in of(Rule::HeatBalance) {
        assert!(event.start_at_ms >= frozen[0].1 && event.end_at_ms <= frozen[0].2, "{event:?}");
    }
    // +25 K of dry-bulb make a wet-bulb of 48 °C.
    let impossible: Vec<(&str, i64)> =
        of(Rule::OutOfRange).iter().map(|e| (e.column.as_deref().unwrap(), e.start_at_ms)).collect();
    assert_eq!(impossible, [("wet_bulb_c", local("2024-07-06T14:00"))]);
}

#[test]
fn what_is_nulled_deceives_no_later_rule() {
    let (frame, columns) = samples();
    let parameters = Parameters {
        detect_frozen: true,
        detect_spikes: true,
        detect_out_of_range: true,
        apply_heat_balance: true,
        derive: true,
        filter_invalid: true,
        ..nothing()
    };
    let done = cleaned(frame, &columns, ZONE, &parameters);
    conserves(&done);
    let first = |hits: &BTreeMap<Rule, hvac_cleaning::Hits>| -> Vec<(Rule, u64)> {
        hits.iter().map(|(rule, hits)| (*rule, hits.first)).collect()
    };
    assert_eq!(first(&done.report.cells.nulled), [(Rule::Spike, 2), (Rule::Frozen, 49)]);
    assert_eq!(first(&done.report.rows.dropped), [(Rule::HeatBalance, 0)]);
    assert_eq!(
        done.report.message,
        "1344 rows; 51 of 22813 cells with a value nulled (spike 2, frozen 49), 22762 kept."
    );
    let return_temperature = done.columns.iter().find(|column| column.name == "CHWRT").unwrap();
    assert_eq!(return_temperature.nulls, BTreeMap::from([(NullReason::Frozen, 49)]));
    assert_eq!(return_temperature.unit.as_deref(), Some("°C"));
}
