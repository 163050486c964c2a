//! `simulate`, as a user runs it: reports that the program parses without a flag, and the truth about them.

use std::path::Path;
use std::process::{Command, Output};

use serde_json::{Value, json};
use tempfile::TempDir;

fn run(folder: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_hvac-analytics")).args(arguments).current_dir(folder).output().unwrap()
}

fn json_of(folder: &Path, arguments: &[&str]) -> Value {
    let done = run(folder, arguments);
    assert!(done.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&done.stderr));
    serde_json::from_slice(&done.stdout).unwrap()
}

fn refused(folder: &Path, arguments: &[&str], code: i32) -> String {
    let done = run(folder, arguments);
    assert_eq!(done.status.code(), Some(code), "{arguments:?}: {}", String::from_utf8_lossy(&done.stderr));
    String::from_utf8_lossy(&done.stderr).into_owned()
}

/// Every cell of every plant is read: as many columns as points, no null but where readings were dropped.
#[test]
fn reports_are_parsed_without_a_flag_and_nothing_is_lost() {
    let folder = TempDir::new().unwrap();
    let root = folder.path();
    std::fs::write(
        root.join("faults.json"),
        r#"{"random": 2, "kinds": ["dropout", "spike"], "faults": [{"kind": "time_shift", "file": "WEATHER", "size": 4}]}"#,
    )
    .unwrap();
    let plants = json_of(root, &["simulate", "--list-plants", "--json"]);
    for plant in plants.as_array().unwrap().iter().map(|plant| plant["name"].as_str().unwrap()) {
        let base = ["simulate", "--plant", plant, "--days", "12", "--interval", "30m", "--faults", "faults.json"];
        let told = json_of(root, &[&base[..], &["--twin", "-o", plant, "--json"]].concat());
        let truth: Value =
            serde_json::from_slice(&std::fs::read(root.join(plant).join("truth.json")).unwrap()).unwrap();
        assert_eq!(truth, told["truth"]);
        assert_eq!((&truth["rows"], truth["faults"].as_array().unwrap().len()), (&json!(12 * 48), 3));
        std::fs::rename(root.join(plant).join("faultless"), root.join(format!("{plant}-faultless"))).unwrap();
        std::fs::remove_file(root.join(plant).join("truth.json")).unwrap();

        let points = truth["points"].as_array().unwrap().len();
        let lost = |parsed: &Value| {
            let columns = parsed["column_details"].as_array().unwrap();
            assert_eq!((&parsed["row_count"], columns.len()), (&json!(12 * 48), points), "{plant}");
            let cells = columns.iter().flat_map(|column| column["nulls"].as_object().unwrap().values());
            cells.map(|cells| cells.as_u64().unwrap()).sum::<u64>()
        };
        let dropped = truth["faults"].as_array().unwrap().iter().find(|fault| fault["kind"] == "dropout").unwrap();
        assert_eq!(lost(&json_of(root, &["parse", plant, "--json"])) as f64, dropped["size"].as_f64().unwrap());
        assert_eq!(lost(&json_of(root, &["parse", &format!("{plant}-faultless"), "--json"])), 0);
    }
}

#[test]
fn what_cannot_be_simulated_is_refused_and_says_the_way_out() {
    let folder = TempDir::new().unwrap();
    let root = folder.path();
    let simulate =
        |more: &[&str], code| refused(root, &[&["simulate", "--days", "3", "-o", "out"], more].concat(), code);
    assert!(simulate(&["--plant", "palace"], 2).contains("there are hospital, office, campus"));
    assert!(simulate(&["--interval", "7m"], 2).contains("divide a day"));
    assert!(simulate(&["--faults", "none.json"], 1).contains("none.json: the faults cannot be read"));
    std::fs::write(root.join("bad.json"), r#"{"faults": [{"kind": "offset", "point": "CHWST", "by": 2}]}"#).unwrap();
    let said = simulate(&["--faults", "bad.json"], 2);
    assert!(said.contains("bad.json: unknown field `by`") && said.contains("--help"), "{said}");
    std::fs::write(root.join("bad.json"), r#"{"faults": [{"kind": "offset", "point": "CHWSX"}]}"#).unwrap();
    assert!(simulate(&["--faults", "bad.json"], 2).contains("no point 'CHWSX'; --list-points"));
    assert!(!root.join("out").exists(), "nothing is written before all is known to be right");
    json_of(root, &["simulate", "--days", "3", "-o", "out", "--json"]);
    assert!(simulate(&[], 1).contains("out is not empty; name a new folder"));
}
