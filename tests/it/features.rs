//! Features of the committed samples and of the real plant: roles, leaks, what is left out.
//!
//! Expected leaks come from what the columns are (`data/samples/README.md`, the README of the real reports), expected
//! numbers from pandas on the same files.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use chrono::{NaiveDateTime, TimeZone};
use chrono_tz::Tz;
use hvac_modelling::features::{FeatureOptions, matrix, measure, plan};
use hvac_modelling::leakage;
use hvac_modelling::mapping::{FeatureMapping, suggest};
use hvac_modelling::role::{Decider, Role};
use hvac_modelling::samples::{SampleColumn, Samples};

const ZONE: Tz = Tz::Asia__Taipei;

fn mapping(json: serde_json::Value) -> FeatureMapping {
    serde_json::from_value(json).unwrap()
}

/// A table of numbers with a local time in its first column, names as the store spells them.
fn table(root: &Path, files: &[&str], interval_ms: i64) -> Samples {
    let mut samples = Samples { times_ms: Vec::new(), zone: ZONE, interval_ms, columns: Vec::new() };
    for file in files {
        let text = std::fs::read_to_string(root.join(file)).unwrap();
        let mut lines = text.lines();
        let names = lines.next().unwrap().split(',').skip(1);
        if samples.columns.is_empty() {
            let name = |name: &str| hvac_frame::names::normalised(name);
            samples.columns = names.map(|n| SampleColumn { name: name(n), unit: None, values: Vec::new() }).collect();
        }
        for line in lines {
            let mut cells = line.split(',');
            let at = NaiveDateTime::parse_from_str(cells.next().unwrap(), "%Y-%m-%dT%H:%M:%S").unwrap();
            samples.times_ms.push(ZONE.from_local_datetime(&at).unwrap().timestamp_millis());
            for column in &mut samples.columns {
                column.values.push(cells.next().and_then(|cell| cell.parse().ok()).unwrap_or(f64::NAN));
            }
        }
    }
    samples
}

fn plant() -> Samples {
    let root =
        PathBuf::from(std::env::var("HVAC_REAL_DATA").expect("HVAC_REAL_DATA names the folder of the real reports"));
    table(&root, &["plant/TableData23_12.csv", "plant/TableData24_03.csv"], 600_000)
}

/// The quoted reports of one point group, one after the other.
fn apogee(root: &Path, files: &[&str]) -> Samples {
    let mut samples = Samples { times_ms: Vec::new(), zone: ZONE, interval_ms: 900_000, columns: Vec::new() };
    for file in files {
        let text = std::fs::read_to_string(root.join(file)).unwrap();
        let rows = text.lines().map(|line| line.trim_matches('"').split("\",\"").map(str::trim).collect::<Vec<_>>());
        let mut names = Vec::new();
        for row in rows {
            if row[0].starts_with("Point_") {
                names.push(hvac_frame::names::normalised(row[1]));
            } else if let Ok(at) =
                NaiveDateTime::parse_from_str(&format!("{} {}", row[0], row.get(1).unwrap_or(&"")), "%Y/%m/%d %H:%M:%S")
            {
                if samples.columns.is_empty() {
                    let column = |name: &String| SampleColumn { name: name.clone(), unit: None, values: Vec::new() };
                    samples.columns = names.iter().map(column).collect();
                }
                samples.times_ms.push(ZONE.from_local_datetime(&at).unwrap().timestamp_millis());
                for (column, cell) in samples.columns.iter_mut().zip(&row[2..]) {
                    column.values.push(match *cell {
                        "ON" => 1.0,
                        "OFF" => 0.0,
                        other => other.parse().unwrap_or(f64::NAN),
                    });
                }
            }
        }
    }
    samples
}

fn demo() -> Samples {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("data/samples");
    let of = |group: &str| {
        let files = ["240701-240707", "240708-240714"].map(|days| format!("TR_DEMO_{group}_{days}.csv"));
        apogee(&root, &files.each_ref().map(String::as_str))
    };
    let mut all = of("METER");
    for group in ["PLANT", "TEMP"] {
        let more = of(group);
        assert_eq!(more.times_ms, all.times_ms);
        all.columns.extend(more.columns);
    }
    all
}

fn roles(samples: &Samples, mapping: &FeatureMapping) -> Vec<(String, Role)> {
    let planned = plan(mapping, samples, &FeatureOptions { calendar: false, ..FeatureOptions::default() }).unwrap();
    planned.features.into_iter().map(|feature| (feature.name, feature.role)).collect()
}

fn leaking(samples: &Samples, target: &str) -> Vec<String> {
    let all: Vec<&str> = samples.columns.iter().map(|column| column.name.as_str()).collect();
    let mapping = mapping(serde_json::json!({"custom_categories": {"all": all}, "target_col": target}));
    leakage::find(&mapping, samples, &BTreeMap::new()).into_iter().map(|leak| leak.column).collect()
}

#[test]
fn the_samples_roles_are_what_their_readme_says() {
    use Role::*;
    let mapping = mapping(serde_json::json!({
        "chiller_cols": ["CH_SYS_RT", "CH_1_S", "CH_2_S"], "chw_pump_cols": ["chp*"], "cw_pump_cols": ["CWP_VFD_OUT"],
        "cooling_tower_cols": ["CT_VFD_OUT"], "chw_temp_cols": ["CHWST", "CHWRT"], "cw_temp_cols": ["CWST", "CWRT"],
        "chw_flow_cols": ["CHW_FLOW_LPM"], "environment_cols": ["OA*"],
    }));
    let expected = [
        ("CH_SYS_RT", LoadRt),
        ("CH_1_S", Running),
        ("CH_2_S", Running),
        ("CHP_VFD_OUT", ChwPumpHz),
        ("CHWST", ChwSupplyTemp),
        ("CHWRT", ChwReturnTemp),
        ("CHW_FLOW_LPM", ChwFlow),
        ("CWP_VFD_OUT", CwPumpHz),
        ("CWST", CwSupplyTemp),
        ("CWRT", CwReturnTemp),
        ("CT_VFD_OUT", CtFanHz),
        ("OAT", DryBulb),
        ("OAH", Humidity),
        ("wet_bulb", WetBulb),
        ("lift", Other),
        ("delta_t", Other),
    ];
    assert_eq!(roles(&demo(), &mapping), expected.map(|(name, role)| (name.to_owned(), role)));
}

/// The meters of the plant and its chillers leak, nothing else does: not even the load, which follows power with 0.986.
#[test]
fn the_samples_meters_leak_and_nothing_else() {
    let leaks = leaking(&demo(), "CH_SYS_TOTAL_KW");
    assert_eq!(leaks, ["CH_SYS_TOTAL_KWH", "CH_1_KW", "CH_2_KW"]);
}

/// The README: `Precent_*` and `kW_CH*` leak `kW_Tot`. So do all `kW_*` and kW/RT; and `CH Load`, which is the chillers'
/// power in percent: pandas has `CH Load`/`kW_CHH` constant to 0.1 %, `CH Load`/`RT` to 10 %.
#[test]
#[ignore = "needs the real reports"]
fn real_reports_the_plants_leaks_are_found_and_nothing_else() {
    let mut samples = plant();
    let expected = [
        "kW_RT",
        "CH_Load",
        "kW_CHH",
        "kW_CHP",
        "kW_CHS",
        "kW_CDS",
        "kW_CT",
        "Precent_CH",
        "Precent__CHP",
        "Precent_CDS",
        "Precent_CT",
    ];
    assert_eq!(leaking(&samples, "kW_Tot"), expected);

    // By value alone: the same columns under names that say nothing. A pump's and a fan's own kW follow their speed, not
    // the total, and nothing in their values tells; shares of the total do as long as the part is there by name.
    let renamed = ["kW_RT", "CH_Load", "kW_CHH", "Precent_CH", "Precent__CHP", "Precent_CDS", "Precent_CT"];
    let hidden: Vec<String> = (1..=renamed.len()).map(|n| format!("X{n}")).collect();
    for (name, original) in hidden.iter().zip(renamed) {
        let values = samples.column(original).unwrap().values.clone();
        samples.columns.push(SampleColumn { name: name.clone(), unit: None, values });
    }
    let mapping = mapping(serde_json::json!({"custom_categories": {"x": hidden}, "target_col": "kW_Tot"}));
    let found = leakage::find(&mapping, &samples, &BTreeMap::new());
    assert_eq!(
        found.iter().map(|leak| &leak.column).collect::<Vec<_>>(),
        hidden.iter().collect::<Vec<_>>(),
        "{found:#?}"
    );
}

#[test]
#[ignore = "needs the real reports"]
fn real_reports_the_plants_roles_and_ranges() {
    use Role::*;
    let samples = plant();
    let mapping = mapping(serde_json::json!({
        "load_cols": ["RT"], "chiller_cols": ["CH1", "CH2", "CH3", "CH4"], "chw_pump_cols": ["Hz__CHP"],
        "scp_pump_cols": ["Hz_CHS"], "cw_pump_cols": ["Hz_CDS"], "cooling_tower_cols": ["Hz_CT"], "chw_flow_cols": ["GPM"],
        "chw_temp_cols": ["CHWS", "CHWR", "DeltaCHW"], "cw_temp_cols": ["CDLO", "CDHI"], "environment_cols": ["WBT"],
        "target_col": "kW_Tot",
    }));
    let mut planned = plan(&mapping, &samples, &FeatureOptions::default()).unwrap();
    let of = |name: &str| planned.features.iter().find(|feature| feature.name == name).unwrap();
    for (name, role, unit) in [
        ("RT", LoadRt, Some("RT")),
        ("CH1", Running, None),
        ("Hz__CHP", ChwPumpHz, Some("Hz")),
        ("Hz_CDS", CwPumpHz, Some("Hz")),
        ("Hz_CT", CtFanHz, Some("Hz")),
        ("GPM", ChwFlow, None),
        ("CHWS", ChwSupplyTemp, Some("°F")),
        ("CHWR", ChwReturnTemp, Some("°F")),
        ("DeltaCHW", Other, None),
        ("CDLO", CwSupplyTemp, Some("°F")),
        ("CDHI", CwReturnTemp, Some("°F")),
        ("WBT", WetBulb, Some("°F")),
        ("lift", Other, Some("°F")),
        ("delta_t", Other, Some("°F")),
    ] {
        assert_eq!((of(name).role, of(name).unit.as_deref()), (role, unit), "{name}");
    }
    assert_eq!(of("RT").role.part(), Decider::Condition);
    let left: Vec<&str> = planned.left_out.iter().map(|left| left.message.split('\'').nth(1).unwrap()).collect();
    assert_eq!(left, ["CH3", "CH4", "Hz_CHS"]);

    let x = matrix(&planned.features, &samples).unwrap();
    measure(&mut planned.features, &x);
    // pandas: RT.describe(), RT.quantile([.01, .99]).
    let range = planned.features.iter().find(|feature| feature.name == "RT").unwrap().range;
    assert_eq!((range.min, range.median, range.max, range.present), (0.0, 320.0, 554.3, 1.0));
}

/// One hospital's main meter: three phases' amps and the kWh register, also under names that say nothing.
#[test]
#[ignore = "needs the real reports"]
fn real_reports_the_hospitals_amps_leak_by_value() {
    let root = PathBuf::from(std::env::var("HVAC_REAL_DATA").unwrap()).join("apogee/kmuh");
    let mut meter = apogee(&root, &["TR_KH_MMCB_161010-161210.csv", "TR_KH_MMCB_161211-170210.csv"]);
    assert_eq!(leaking(&meter, "MMCB_KW"), ["MMCB_KWH", "MMCB_RA", "MMCB_SA", "MMCB_TA"]);
    meter.columns.iter_mut().find(|column| column.name == "MMCB_KWH").unwrap().name = "N1".to_owned();
    assert_eq!(leaking(&meter, "MMCB_KW"), ["N1", "MMCB_RA", "MMCB_SA", "MMCB_TA"]);
    let pumps = apogee(&root, &["TR_KH_ZWP_161010-161210.csv"]);
    let rows = pumps.times_ms.len();
    assert_eq!(pumps.times_ms, meter.times_ms[..rows]);
    for column in &mut meter.columns {
        column.values.truncate(rows);
    }
    meter.times_ms.truncate(rows);
    let honest: Vec<String> = pumps.columns.iter().map(|column| column.name.clone()).collect();
    meter.columns.extend(pumps.columns);
    let mapping = mapping(serde_json::json!({"custom_categories": {"pumps": honest}, "target_col": "MMCB_KW"}));
    assert_eq!(leakage::find(&mapping, &meter, &BTreeMap::new()), []);
    let speeds = roles(&meter, &mapping);
    let speed = |name: &str| speeds.iter().find(|(own, _)| own == name).map(|(_, role)| *role);
    assert_eq!(suggest("ZWP_1_F").map(|found| found.category.key()), Some("scp_pump_cols"));
    assert_eq!(speed("ZWP_1_F"), Some(Role::ScpPumpHz));
}
