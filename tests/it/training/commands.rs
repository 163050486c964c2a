//! `train`, `models`, `predict`: the same from the command line.

use super::*;

#[test]
fn the_command_line_trains_straight_from_reports() {
    let folder = tempfile::TempDir::new().unwrap();
    let folder = folder.path();
    std::fs::write(folder.join("plant.csv"), plant(600)).unwrap();
    std::fs::write(folder.join("mapping.json"), mapping().to_string()).unwrap();
    let train = [
        "train",
        "plant.csv",
        "--name",
        "plant",
        "--mapping",
        "mapping.json",
        "--algorithm",
        "physics",
        "--timezone",
        "UTC",
    ];
    let (code, stdout, stderr) = run(folder, &train);
    assert_eq!(code, Some(0), "{stdout}{stderr}");
    assert!(stderr.contains("parsed into session") && stderr.contains("600 rows"), "{stderr}");
    let place = |text: &str| stdout.find(text).unwrap_or_else(|| panic!("'{text}' is not in {stdout}"));
    assert!(place("in time order") < place("by chance"), "the honest score first: {stdout}");
    for said in [
        "plant:v1 is trained",
        "algorithm physics",
        "MAPE %",
        "CV(RMSE) %",
        "the same time last week",
        "Guideline 14",
        "goes by CH_SYS_RT",
    ] {
        place(said);
    }
    // The session has the file's name, and is found by it.
    let again =
        json_of(folder, &["train", "plant", "--name", "plant", "--mapping", "mapping.json", "--algorithm", "physics"]);
    assert_eq!((&again["reused"], &again["version"]), (&json!(true), &json!("v1")));
    let from_file = json_of(folder, &train);
    assert_eq!(
        (&from_file["reused"], &from_file["model_id"]),
        (&json!(true), &again["model_id"]),
        "the same bytes are parsed once"
    );
    let features = [
        "--feature",
        "CH_SYS_RT",
        "--feature",
        "*_HZ",
        "--target",
        "CH_SYS_TOTAL_KW",
        "--interval",
        "1h",
        "--holdout",
        "each-month",
        "--role",
        "CT_HZ=other",
        "--lag",
        "CH_SYS_TOTAL_KW=3600",
        "--rolling-mean",
        "CH_SYS_RT=7200",
    ];
    let own =
        json_of(folder, &[&["train", "plant", "--name", "own", "--algorithm", "physics"][..], &features].concat());
    assert_eq!((&own["mapping_suggested"], &own["model"]["lineage"]["interval_s"]), (&json!(false), &json!(3600)));
    assert_eq!(own["feature_mapping"]["custom_categories"]["features"], json!(["CH_SYS_RT", "CHP_HZ", "CT_HZ"]));
    assert_eq!(own["model"]["options"]["holdout"], "each_month");
    let roles: Vec<(&str, &str)> = own["model"]["features"]
        .as_array()
        .unwrap()
        .iter()
        .map(|f| (f["name"].as_str().unwrap(), f["role"].as_str().unwrap()))
        .collect();
    assert!(roles.contains(&("CT_HZ", "other")) && roles.contains(&("CHP_HZ", "chw_pump_hz")), "{roles:?}");
    assert_eq!(roles.iter().filter(|(_, role)| *role == "history").count(), 2, "{roles:?}");

    let (_, listed, _) = run(folder, &["models"]);
    assert!(listed.contains("plant") && listed.contains("own") && listed.contains("completed"), "{listed}");
    let (_, shown, _) = run(folder, &["models", "show", "plant:v1"]);
    assert!(shown.contains("CHP_HZ") && shown.contains("in time order"), "{shown}");
    let (_, set, _) = run(folder, &["models", "alias", "plant", "production", "v1"]);
    assert!(set.contains("plant:production is v1"), "{set}");
    let row = [
        "--set",
        "load_rt=250",
        "--set",
        "wet_bulb=24.5",
        "--set",
        "CHWST=7",
        "--set",
        "CHP_HZ=45",
        "--set",
        "CT_HZ=42",
    ];
    let one = json_of(folder, &[&["predict", "plant:production"][..], &row].concat());
    let truth = law(250.0, 24.5, 45.0, 42.0);
    assert!((one["predictions"][0]["predicted_power"].as_f64().unwrap() - truth).abs() < 0.05 * truth, "{one}");
    std::fs::write(
        folder.join("rows.csv"),
        "timestamp,load_rt,wet_bulb,CHWST,CHP_HZ,CT_HZ\n2024-07-03 12:00,250,24.5,7,45,42\n,250,24.5,7,45,\n",
    )
    .unwrap();
    let many = json_of(folder, &["predict", "plant", "--rows", "rows.csv"]);
    assert_eq!(many["predictions"][0]["predicted_power"], one["predictions"][0]["predicted_power"]);
    let missing = json!(["CT_HZ", "hour", "weekday"]);
    assert_eq!(many["predictions"][1]["missing"], missing, "without a time there is no calendar");
    let (code, stdout, stderr) = run(folder, &["models", "export", "plant", "-o", "table.csv"]);
    assert_eq!(code, Some(0), "{stdout}{stderr}");
    assert!(std::fs::read_to_string(folder.join("table.csv")).unwrap().lines().count() > 2);
    run(folder, &["models", "export", "plant", "-o", "copy.json"]);
    let copy: Value = serde_json::from_slice(&std::fs::read(folder.join("copy.json")).unwrap()).unwrap();
    assert_eq!(copy["mapping"]["target_col"], "CH_SYS_TOTAL_KW");

    for (arguments, code, said) in [
        (&["models", "delete", "plant", "--yes"][..], 1, "production"),
        (&["models", "show", "plantt"], 1, "did you mean plant?"),
        (&["predict", "plant", "--set", "load_rt=many"], 1, "rows[0].load_rt"),
        (&["predict", "plant", "--set", "load=250"], 1, "load_rt"),
        (&["predict", "plant", "--rows", "none.csv"], 1, "none.csv"),
        (&["train", "plant", "--name", "a b"], 1, "a blank"),
        (&["train", "nobody", "--name", "x"], 1, "there is no session"),
        (&["train", "plant", "--name", "x", "--interval", "7m"], 2, "30m"),
        (&["train", "plant", "--name", "x", "--feature", "CH_1_KW"], 1, "CH_1_KW"),
        (&["train", "plant", "--name", "x", "--lag", "CH_SYS_RT=soon"], 1, "features.lags"),
        (&["train", "plant", "--name", "x", "--role", "CT_HZ=fan"], 1, "ct_fan_hz"),
        (&["train", "plant"], 2, "--name"),
    ] {
        let (found, stdout, stderr) = run(folder, arguments);
        assert_eq!(found, Some(code), "{arguments:?}: {stdout}{stderr}");
        assert!(stderr.contains(said), "{arguments:?}: {stderr}");
    }
    assert_eq!(run(folder, &["models", "alias", "plant", "production"]).0, Some(0));
    assert_eq!(run(folder, &["models", "delete", "plant", "--yes"]).0, Some(0));
    assert_eq!(json_of(folder, &["models"])["total_models"], 1);
}
