//! What holds of every cleaning: it is deterministic, conserves rows and cells, takes nothing more from what it
//! has cleaned, and refuses what cannot be.

use proptest::prelude::*;

use super::*;
use hvac_cleaning::{CleanError, Columns, Interval, Roles, Thresholds};

const NAMES: [&str; 12] = [
    "CH_SYS_RT",
    "CHW_FLOW_LPM",
    "CHWST",
    "CHWRT",
    "CH_SYS_TOTAL_KW",
    "CHP_1_HZ",
    "CHP_1_KW",
    "OAT",
    "OAH",
    "CH_1_S",
    "MMCB_KWH",
    "MODE",
];

fn metas() -> Vec<ColumnMeta> {
    let mut columns = columns(&NAMES);
    columns[9].kind = Kind::Status;
    columns[10].kind = Kind::Counter;
    columns[11].kind = Kind::Text;
    columns[1].trend_definition = Some("COV".to_owned());
    columns[7].unit = Some("°C".to_owned());
    for column in &mut columns[2..4] {
        column.unit = Some("°C".to_owned());
    }
    columns
}

/// A plant that moves a little, stands still now and then, and loses cells and rows; every cell by its row's die.
fn plants() -> impl Strategy<Value = (Vec<i64>, Vec<Vec<u8>>)> {
    let row = (1..40_i64, prop::collection::vec(any::<u8>(), NAMES.len()));
    prop::collection::vec(row, 0..160).prop_map(|rows| {
        // Mostly 10 minutes apart, sometimes much more or less.
        let mut at = 1_720_000_000_000_i64;
        let steps = rows.iter().map(|(step, _)| {
            at += if *step < 34 { 600_000 } else { step * 100_000 };
            at
        });
        (steps.collect(), rows.iter().map(|(_, dice)| dice.clone()).collect())
    })
}

fn cells(column: usize, dice: &[Vec<u8>]) -> Values {
    let (mut held, mut register) = (0_u8, 99_900.0);
    let texts = ["COOL", "HEAT", "FAN"];
    if column == 11 {
        return Values::Texts(
            dice.iter().map(|d| (d[11] % 4 < 3).then(|| texts[usize::from(d[11] % 3)].to_owned())).collect(),
        );
    }
    let base = [300.0, 5000.0, 7.0, 12.0, 240.0, 45.0, 20.0, 30.0, 60.0, 0.0, 0.0][column];
    let cell = |dice: &Vec<u8>| {
        let die = dice[column];
        held = if die.is_multiple_of(3) { held } else { die };
        register += f64::from(die % 16);
        match (column, die) {
            (_, 250..) => None,
            (9, _) => Some(f64::from(!die.is_multiple_of(5))),
            (10, 249) => {
                register = 3.0;
                Some(register)
            }
            (10, _) => Some(register),
            (_, 245..=249) => Some(base * 3.0),
            (_, 240..=244) => Some(0.0),
            _ => Some(base * (1.0 + f64::from(held % 8) / 200.0)),
        }
    };
    Values::Numbers(dice.iter().map(cell).collect())
}

fn made(plant: &(Vec<i64>, Vec<Vec<u8>>)) -> (DataFrame, Vec<ColumnMeta>) {
    let mut columns = metas();
    let values = (0..NAMES.len()).map(|column| cells(column, &plant.1)).collect();
    (frame(&plant.0, &mut columns, values), columns)
}

fn asked() -> impl Strategy<Value = Parameters> {
    let interval = prop::option::of(prop::sample::select(vec![Interval::M5, Interval::M10, Interval::M15]));
    (interval, prop::collection::vec(any::<bool>(), 10)).prop_map(|(resample_interval, on)| Parameters {
        resample_interval,
        keep_empty_bins: on[0],
        on_fraction: on[1],
        detect_frozen: on[2],
        detect_spikes: on[3],
        detect_out_of_range: on[4],
        apply_steady_state: on[5],
        apply_heat_balance: on[6],
        apply_affinity: on[7],
        check_equipment: on[8],
        derive: on[9],
        filter_invalid: true,
        lenient: true,
        ..Parameters::default()
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    #[test]
    fn conserving_deterministic_and_done_after_once(plant in plants(), parameters in asked()) {
        let (frame, columns) = made(&plant);
        let once = cleaned(frame.clone(), &columns, Tz::Asia__Taipei, &parameters);
        conserves(&once);
        let again = cleaned(frame, &columns, Tz::Asia__Taipei, &parameters);
        prop_assert!(once.frame.equals_missing(&again.frame));
        prop_assert_eq!((&once.columns, &once.report, &once.events), (&again.columns, &again.report, &again.events));
        let twice = cleaned(once.frame.clone(), &once.columns, Tz::Asia__Taipei, &parameters);
        conserves(&twice);
        let taken = |report: &hvac_cleaning::Report| -> Vec<u64> {
            report.rows.dropped.values().chain(report.cells.nulled.values()).map(|hits| hits.all).collect()
        };
        prop_assert!(taken(&twice.report).iter().all(|taken| *taken == 0), "{:?}", twice.events);
        // Nothing is lost: the rows of the first time are all there, and their cells too.
        let rows: Vec<i64> = times(&once);
        let still = times(&twice);
        prop_assert!(rows.iter().all(|at| still.binary_search(at).is_ok()));
        prop_assert_eq!(once.columns.iter().map(|c| c.count).collect::<Vec<_>>(), twice.columns.iter().map(|c| c.count).collect::<Vec<_>>());
    }

    #[test]
    fn without_filtering_no_value_and_no_row_is_lost(plant in plants(), mut parameters in asked()) {
        parameters.filter_invalid = false;
        parameters.resample_interval = None;
        parameters.derive = false;
        let (frame, columns) = made(&plant);
        let done = cleaned(frame.clone(), &columns, Tz::UTC, &parameters);
        conserves(&done);
        prop_assert!(done.frame.equals_missing(&frame));
    }
}

/// The laws above would hold of rules that never hit: these plants meet each of them.
#[test]
fn the_plants_meet_every_rule() {
    use proptest::strategy::ValueTree as _;
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let mut met = std::collections::BTreeSet::new();
    for _ in 0..60 {
        let (frame, columns) = made(&plants().new_tree(&mut runner).unwrap().current());
        let parameters = Parameters {
            detect_frozen: true,
            detect_spikes: true,
            detect_out_of_range: true,
            apply_steady_state: true,
            apply_heat_balance: true,
            apply_affinity: true,
            check_equipment: true,
            derive: true,
            ..nothing()
        };
        met.extend(cleaned(frame, &columns, Tz::UTC, &parameters).events.iter().map(|event| event.rule));
    }
    // Those that set sensors against each other need weeks of a plant, and are asked for apart.
    assert_eq!(met.into_iter().collect::<Vec<_>>(), &Rule::ALL[..8]);
}

fn refused(columns: &[ColumnMeta], parameters: &Parameters) -> CleanError {
    check(columns, parameters).unwrap_err()
}

#[test]
fn requests_are_read_with_the_frontends_defaults() {
    let parameters: Parameters = serde_json::from_str("{}").unwrap();
    assert_eq!(parameters, Parameters::default());
    assert_eq!(
        (parameters.resample_interval, parameters.detect_frozen, parameters.filter_invalid),
        (Some(Interval::M5), true, false)
    );
    let json = r#"{"resample_interval": "15m", "columns": {"load": ["A", "B"], "flow": "C"}, "thresholds": {"affinity": 0.1}}"#;
    let parameters: Parameters = serde_json::from_str(json).unwrap();
    assert_eq!(parameters.roles.load, Some(Columns::Sum(vec!["A".into(), "B".into()])));
    assert_eq!((parameters.thresholds.affinity, parameters.thresholds.spike_z), (0.1, 4.5));
    let back: Parameters = serde_json::from_str(&serde_json::to_string(&parameters).unwrap()).unwrap();
    assert_eq!(back, parameters);
    for (json, says) in [
        (r#"{"resample_interval": "0m"}"#, "'0m' is no interval: use one of 1m, 5m, 10m, 15m, 30m, 1h, 1d"),
        (r#"{"resample_interval": "bogus"}"#, "'bogus' is no interval"),
        (r#"{"columns": {"laod": "RT"}}"#, "unknown field `laod`"),
        (r#"{"thresholds": {"afinity": 1}}"#, "unknown field `afinity`"),
    ] {
        let error = serde_json::from_str::<Parameters>(json).unwrap_err().to_string();
        assert!(error.contains(says), "{error}");
    }
}

#[test]
fn what_a_rule_lacks_is_named_with_the_closest_columns() {
    let columns = columns(&["CHW_FLW", "CHWST", "CHWRT", "TEMP_1"]);
    let parameters = Parameters { apply_heat_balance: true, apply_affinity: true, ..nothing() };
    let error = refused(&columns, &parameters);
    let codes: Vec<(&str, &str)> = error.problems.iter().map(|p| (p.code, p.field.as_str())).collect();
    assert_eq!(codes, [("missing_role", "columns.load"), ("missing_role", "columns.pumps")]);
    assert!(error.message.starts_with("heat_balance needs a cooling load (load): no column's name suggests one: state it in columns.load; the closest are "), "{}", error.message);
    assert!(error.message.ends_with("(and 1 more)"), "{}", error.message);
    let plan = check(&columns, &Parameters { lenient: true, ..parameters }).unwrap();
    let codes: Vec<&str> = plan.warnings().iter().map(|w| w.code.as_str()).collect();
    assert_eq!(codes, ["rule_left_out", "rule_left_out"]);
}

#[test]
fn two_equal_columns_are_no_load() {
    let columns = columns(&["CH_1_RT", "CH_2_RT"]);
    let mut parameters = Parameters { apply_steady_state: true, ..nothing() };
    let error = refused(&columns, &parameters);
    assert_eq!(error.code, "ambiguous_role");
    assert!(error.message.contains("CH_1_RT, CH_2_RT fit equally well: state one, or a list of columns that add up"));
    parameters.roles.load = Some(Columns::Sum(vec!["CH_1_RT".into(), "CH_2_RT".into()]));
    assert!(check(&columns, &parameters).is_ok());
}

#[test]
fn a_unit_that_nothing_tells_is_asked_for() {
    let columns = columns(&["CH_SYS_RT", "CHW_FLOW", "CHWST", "CHWRT"]);
    let mut parameters = Parameters { apply_heat_balance: true, ..nothing() };
    let error = refused(&columns, &parameters);
    assert_eq!((error.code, error.problems[0].field.as_str()), ("unknown_unit", "units.CHW_FLOW"));
    assert!(error.message.contains("L/min, L/s, m³/h, m³/s, GPM"), "{}", error.message);
    parameters.units.insert("CHW_FLOW".into(), "furlongs".into());
    assert!(refused(&columns, &parameters).message.contains("'furlongs' (stated in the request)"));
    parameters.units.insert("CHW_FLOW".into(), "l/s".into());
    assert!(check(&columns, &parameters).is_ok());
}

#[test]
fn thresholds_and_names_that_cannot_be() {
    let columns = columns(&["RT"]);
    let mut parameters = nothing();
    parameters.thresholds = Thresholds { affinity: -1.0, frozen_samples: 1, ..Thresholds::default() };
    parameters.thresholds.limits.insert("RTT".into(), hvac_cleaning::Limits::new(5.0, 1.0));
    parameters.units.insert("GPM".into(), "GPM".into());
    parameters.roles = Roles { load: Some(Columns::One("nope".into())), ..Roles::default() };
    let fields: Vec<String> = refused(&columns, &parameters).problems.into_iter().map(|p| p.field).collect();
    assert_eq!(
        fields,
        [
            "thresholds.affinity",
            "thresholds.frozen_samples",
            "thresholds.RTT",
            "units.GPM",
            "thresholds.limits.RTT",
            "columns.load"
        ]
    );
}

#[test]
fn rows_further_apart_than_the_window_of_steady_state() {
    let mut columns = columns(&["RT"]);
    let mut parameters = Parameters { apply_steady_state: true, resample_interval: Some(Interval::H1), ..nothing() };
    assert_eq!(refused(&columns, &parameters).code, "window_shorter_than_rows");
    parameters.thresholds.steady_window_min = 120;
    assert!(check(&columns, &parameters).is_ok());
    // Only the data tell: hourly rows, no interval in the report.
    parameters = Parameters { apply_steady_state: true, ..nothing() };
    let at: Vec<i64> = (0..30).map(|i| i * 3_600_000).collect();
    let load = (0..30).map(|i| Some(300.0 + f64::from(i % 3))).collect();
    let frame = frame(&at, &mut columns, vec![Values::Numbers(load)]);
    let plan = check(&columns, &parameters).unwrap();
    let go = |_: f64, _: &str| ControlFlow::Continue(());
    let error = clean(frame.clone(), &columns, Tz::UTC, &plan, &go).unwrap_err();
    assert!(error.message.contains("15 min, but the rows are 60 min apart"), "{}", error.message);
    parameters.lenient = true;
    let done = cleaned(frame, &columns, Tz::UTC, &parameters);
    assert!(!done.report.rules[0].ran && done.report.warnings[0].code == "rule_left_out");
}

#[test]
fn every_row_rejected_is_a_result() {
    let mut columns = columns(&["RT", "GPM", "CHWS", "CHWR"]);
    // Half an hour is missing: its bins are empty, and say nothing when nothing else is left.
    let at: Vec<i64> = [0, 10, 20, 60, 70].map(|minutes| minutes * 60_000).to_vec();
    let values = [900.0, 1200.0, 46.0, 56.0].map(|value| Values::Numbers(vec![Some(value); 5]));
    let frame = frame(&at, &mut columns, values.into());
    let parameters = Parameters {
        apply_heat_balance: true,
        filter_invalid: true,
        resample_interval: Some(Interval::M10),
        ..nothing()
    };
    let done = cleaned(frame, &columns, Tz::UTC, &parameters);
    conserves(&done);
    assert_eq!((done.frame.height(), done.report.retention_rate, done.report.cell_retention_rate), (0, 0.0, 100.0));
    assert_eq!(
        done.report.message,
        "5 rows became 5 at 10m (3 without a sample were left out); every row was rejected (heat_balance 5)."
    );
    assert_eq!(done.report.resampling.empty_bins_left_out, 3);
    assert_eq!(done.events.len(), 1);
    let again = cleaned(done.frame, &done.columns, Tz::UTC, &parameters);
    assert_eq!(again.report.rows.parsed, 0);
}

/// A pump on 20 kW at 50 Hz that stands every other half hour: hourly means of 25 Hz and 10 kW give 6.4e-4 where it
/// gives 1.6e-4 whenever it runs.
#[test]
fn means_over_a_standstill_are_not_judged_by_affinity() {
    let mut columns = columns(&["CHP_1_HZ", "CHP_1_KW"]);
    let at: Vec<i64> = (0..6 * 72).map(|i| i * 600_000).collect();
    let runs = |i: &i64| i / 600_000 / 3 % 2 == 0 || i / 600_000 > 6 * 36;
    let values = |on: f64| Values::Numbers(at.iter().map(|at| Some(if runs(at) { on } else { 0.0 })).collect());
    let values = vec![values(50.0), values(20.0)];
    let frame = frame(&at, &mut columns, values);
    let parameters = Parameters { apply_affinity: true, resample_interval: Some(Interval::H1), ..nothing() };
    let done = cleaned(frame, &columns, Tz::UTC, &parameters);
    let pump = &done.report.affinity[0];
    assert_eq!((pump.running_rows, pump.flagged, pump.median), (36, 0, Some(1.6e-4)), "the last 36 of 72 hours");
}

/// 100 RT (351.68 kW) and 60 kW must leave by the condenser: 411.68 kW. 1 183.7 L/min · 5 K carry 411.68 kW
/// (· 0.997 · 4.186/60 = 0.069558 kW a L/min and K); 6 of 30 rows carry 10 % more, which is 20 %: not accepted
/// when more than 80 % are asked for, accepted at 5 of 30.
#[test]
fn the_plants_balance_is_a_statistic_and_drops_no_row() {
    for (bad, accepted) in [(6, false), (5, true)] {
        let mut columns =
            columns(&["CH_SYS_RT", "CHW_FLOW_LPM", "CHWST", "CHWRT", "CHILLER_KW", "CW_FLOW_LPM", "CWST", "CWRT"]);
        let at: Vec<i64> = (0..30).map(|i| i * 900_000).collect();
        let flow = 411.68 / 0.069_558 / 5.0;
        let constant = [100.0, 351.68 / 0.069_558 / 5.0, 7.0, 12.0, 60.0, flow, 28.0, 33.0];
        let values = constant.iter().enumerate().map(|(index, value)| {
            let cell = |row: usize| Some(if index == 5 && row < bad { value * 1.1 } else { *value });
            Values::Numbers((0..30).map(cell).collect())
        });
        let values = values.collect();
        let frame = frame(&at, &mut columns, values);
        let parameters = Parameters { apply_heat_balance: true, filter_invalid: true, ..nothing() };
        let done = cleaned(frame, &columns, Tz::UTC, &parameters);
        let balance = done.report.plant_balance.as_ref().unwrap();
        assert_eq!((balance.rows, balance.within, balance.accepted), (30, 30 - bad as u64, Some(accepted)));
        assert_eq!(done.frame.height(), 30);
    }
}

#[test]
fn the_work_can_be_stopped() {
    let (frame, columns) = made(&((0..50).map(|i| i * 600_000).collect(), vec![vec![7; 12]; 50]));
    let plan = check(&columns, &nothing()).unwrap();
    let error = clean(frame, &columns, Tz::UTC, &plan, &|share, _| match share {
        share if share > 0.5 => ControlFlow::Break(()),
        _ => ControlFlow::Continue(()),
    });
    assert_eq!(error.unwrap_err().code, "cancelled");
}

#[test]
fn an_interval_finer_than_the_data_keeps_the_rows() {
    let mut columns = columns(&["RT"]);
    let at: Vec<i64> = (0..20).map(|i| i * 900_000).collect();
    let values = Values::Numbers((0..20).map(|i| Some(f64::from(i))).collect());
    let frame = frame(&at, &mut columns, vec![values]);
    let parameters = Parameters { resample_interval: Some(Interval::M5), ..nothing() };
    let done = cleaned(frame.clone(), &columns, Tz::UTC, &parameters);
    assert!(done.frame.equals_missing(&frame));
    assert_eq!(
        done.report.message,
        "20 rows; rows keep their own spacing: 5m is finer than the data, which are recorded every 15 min."
    );
    assert_eq!((done.report.resampling.applied.clone(), done.report.resampling.data_interval_s), (None, Some(900)));
}

#[test]
fn a_wrong_date_does_not_fill_the_memory() {
    let mut columns = columns(&["RT"]);
    let at: Vec<i64> = std::iter::once(0).chain((0..20).map(|i| 1_720_000_000_000 + i * 900_000)).collect();
    let frame = frame(&at, &mut columns, vec![Values::Numbers(vec![Some(1.0); 21])]);
    let parameters = Parameters { resample_interval: Some(Interval::M15), ..nothing() };
    let done = cleaned(frame, &columns, Tz::UTC, &parameters);
    conserves(&done);
    assert_eq!(done.frame.height(), 21);
    assert!(done.report.warnings.iter().any(|w| w.code == "empty_bins_left_out"));
}
