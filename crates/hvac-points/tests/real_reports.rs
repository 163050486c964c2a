//! The names of real buildings' reports, checked by hand: which of them get a role for sure, and that no other does.
//!
//! The reports are not part of the project; `HVAC_REAL_DATA` says where they are.

#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use hvac_points::{identify, units};

/// Every name with a role of confidence 0.8 or more, digits as `#`; read and judged by a person, not by the program.
const BY_HAND: [(&str, &str); 32] = [
    ("CCHRC.OAT", "dry_bulb"),
    ("CDHI", "cw_return_temp"),
    ("CDLO", "cw_supply_temp"),
    ("CH#.CHRT", "chw_return_temp"),
    ("CH#.CHST", "chw_supply_temp"),
    ("CH#.CWRT", "cw_return_temp"),
    ("CH#.CWST", "cw_supply_temp"),
    ("CH-#.S", "running"),
    ("CHR#.WT", "chw_return_temp"),
    ("CHS#.WT", "chw_supply_temp"),
    ("CHWR", "chw_return_temp"),
    ("CHWS", "chw_supply_temp"),
    ("CWRT#.MWT", "cw_return_temp"),
    ("CWRT#.WT", "cw_return_temp"),
    ("CWS#.WT", "cw_supply_temp"),
    ("AHU: Outdoor Air Temperature", "dry_bulb"),
    ("Hz_ CHP", "speed"),
    ("Hz_CT", "speed"),
    ("OAH", "humidity"),
    ("OAT", "dry_bulb"),
    ("RT", "load"),
    ("WBT", "wet_bulb"),
    ("WBT_C", "wet_bulb"),
    ("ZWP-#.F", "speed"),
    ("kW_CHH", "power"),
    ("kW_CHP", "power"),
    ("kW_CT", "power"),
    ("kW_RT", "efficiency"),
    ("kW_Tot", "power"),
    ("CHWR_T", "chw_return_temp"),
    ("CHWS_T", "chw_supply_temp"),
    ("CH#_KW", "power"),
];

fn folder() -> PathBuf {
    let named = std::env::var_os("HVAC_REAL_DATA").map(PathBuf::from);
    named.unwrap_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data"))
}

/// The names of a report's points: of its key, else of its first row.
fn names(path: &Path) -> Vec<String> {
    let bytes = std::fs::read(path).unwrap();
    let text = String::from_utf8_lossy(&bytes);
    let text = text.trim_start_matches('\u{feff}');
    let key: Vec<String> = text
        .lines()
        .filter(|line| line.starts_with("\"Point_"))
        .filter_map(|line| Some(line.split('"').nth(3)?.to_owned()))
        .collect();
    let header = || text.lines().next().unwrap_or_default().split(',').map(|cell| cell.trim_matches('"').to_owned());
    if key.is_empty() { header().collect() } else { key }
}

fn reports(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
        if entry.is_dir() {
            found.extend(reports(&entry));
        } else if entry.extension().is_some_and(|extension| extension == "csv") {
            found.push(entry);
        }
    }
    found
}

/// `CH-1.S` as `CH-#.S`.
fn without_numbers(name: &str) -> String {
    let mut kept = String::new();
    for c in name.chars() {
        match c {
            c if !c.is_ascii_digit() => kept.push(c),
            _ if !kept.ends_with('#') => kept.push('#'),
            _ => {}
        }
    }
    kept
}

#[test]
#[ignore = "needs the real reports"]
fn real_reports_names_get_the_roles_that_a_person_gives_them() {
    let by_hand: BTreeMap<&str, &str> = BY_HAND.into();
    let mut sure: BTreeMap<String, &str> = BTreeMap::new();
    let mut count = 0;
    for report in ["apogee", "plant", "formats"].iter().flat_map(|name| reports(&folder().join(name))) {
        for name in names(&report) {
            count += 1;
            let best = identify(&name, units::of_name(&name), &[]).into_iter().next();
            if let Some(best) = best.filter(|best| best.confidence >= 0.8) {
                sure.insert(without_numbers(&name), best.role.name());
            }
        }
    }
    assert!(count > 600, "{count} names");
    let wrong: Vec<_> = sure.iter().filter(|(name, role)| by_hand.get(name.as_str()) != Some(*role)).collect();
    assert!(wrong.is_empty(), "{wrong:?}");
    for name in ["ZWP-#.F", "CH#.CHST", "CWS#.WT", "RT", "kW_Tot"] {
        assert!(sure.contains_key(name), "{name} is not known");
    }
}
