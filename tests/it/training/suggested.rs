//! What is suggested can be trained, and what leaks the target is left out by one rule, whoever listed it and whatever
//! lies between the rows.

use super::*;

/// Ten-minute rows of a plant: `CH Load` is the chillers' own power in percent, which the total is to pumps and fans.
/// Power is `0.62·RT + 0.9·(t − 30) + 45 + noise` kW; the load has a noise of its own that no column tells.
fn leaky(rows: u32) -> (String, String) {
    let mut state = 99_u32;
    let mut noise = move || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        f64::from(state >> 16) / 65_536.0 - 0.5
    };
    let (mut plant, mut weather) = ("Time,RT,kW_Tot,CH Load,CHWS\n".to_owned(), "DateTime,OAT\n".to_owned());
    for row in 0..rows {
        let (day, minute) = (row / 144, row % 144 * 10);
        let sun = (std::f64::consts::TAU * (f64::from(minute) / 1440.0 - 0.375)).sin();
        let oat = 27.0 + 4.0 * sun + 0.5 * noise();
        let rt = 220.0 + 90.0 * sun + 20.0 * noise();
        let chillers = 0.62 * rt + 0.9 * (oat - 30.0) + 45.0 * noise();
        let (total, chws) = (chillers + 45.0 + 0.4 * noise(), 44.8 + noise());
        let at = |minute: u32, second: u32| {
            let (month, day) = (6 + day / 28, 1 + day % 28);
            format!("2024-{month:02}-{day:02}T{:02}:{:02}:{second:02}", minute / 60, minute % 60)
        };
        plant += &format!("{},{rt:.1},{total:.1},{:.2},{chws:.1}\n", at(minute, 0), chillers / 3.5);
        weather += &format!("{},{oat:.1}\n", at(minute + 5, 34));
    }
    (plant, weather)
}

async fn parsed(app: &TestApp, files: &[(&str, &str)]) -> String {
    let files: Vec<(&str, &[u8])> = files.iter().map(|(name, text)| (*name, text.as_bytes())).collect();
    app.parsed(&files, &[("timezone", "UTC")]).await["session_id"].as_str().unwrap().to_owned()
}

fn left_out(model: &Value) -> String {
    model["metrics"]["left_out"].to_string()
}

/// Rows of another clock, empty rows and columns of nothing: not a verdict, not an error, not a rule moves by a digit.
#[tokio::test]
async fn what_lies_between_the_target_s_rows_changes_nothing() {
    let app = TestApp::start().await;
    let (plant, weather) = leaky(1500);
    let junk = "when,JUNK\n2024-06-01 00:03:00,7\n2024-06-02 11:17:30,9\n2024-06-05 04:04:04,8\n";
    let sessions = [
        parsed(&app, &[("plant.csv", &plant)]).await,
        parsed(&app, &[("plant.csv", &plant), ("weather.csv", &weather)]).await,
        parsed(&app, &[("plant.csv", &plant), ("weather.csv", &weather), ("junk.csv", junk)]).await,
    ];
    let mapping =
        json!({"load_cols": ["RT"], "chiller_cols": ["CH_Load"], "chw_temp_cols": ["CHWS"], "target_col": "kW_Tot"});
    let mut told = Vec::new();
    for id in &sessions {
        let lags = json!({"lags": {"kW_Tot": [600]}, "rolling_means": {"RT": [3600]}});
        let body = json!({"model_name": "m", "session_id": id, "feature_mapping": mapping, "algorithm": "gbdt", "fit": {"budget": 0.1}, "features": lags});
        let answer = trained(&app, &body).await;
        let model = &answer["model"];
        assert!(left_out(model).contains("CH_Load is left out: it follows 'kW_Tot'"), "{model}");
        assert!(answer["warnings"].to_string().contains("CH_Load is left out"), "{answer}");
        assert!(!answer["feature_mapping"].to_string().contains("CH_Load"), "{answer}");
        assert_eq!((&model["lineage"]["rows"], &model["lineage"]["interval_s"]), (&json!(1500), &json!(600)));
        let last = model["metrics"]["baselines"].as_array().unwrap().iter().find(|rule| rule["rule"] == "last_value");
        assert_eq!(last.unwrap()["scores"]["rows"], 300, "every held-out row has one before it");
        told.push(model["metrics"].clone());
    }
    assert!(told[0] == told[1] && told[1] == told[2], "{}\n{}", told[0], told[1]);

    // The weather can be used all the same: each row has the reading of 4 min 26 s before.
    let with = json!({"load_cols": ["RT"], "environment_cols": ["OAT"], "target_col": "kW_Tot"});
    let body = json!({"model_name": "w", "session_id": sessions[1], "feature_mapping": with, "algorithm": "gbdt", "fit": {"budget": 0.1}});
    let model = trained(&app, &body).await["model"].clone();
    let oat = model["features"].as_array().unwrap().iter().find(|feature| feature["name"] == "OAT").unwrap().clone();
    // the first row has no reading before it
    assert!((oat["range"]["present"].as_f64().unwrap() - 1499.0 / 1500.0).abs() < 1e-9, "{oat}");
    let notes = model["metrics"]["notes"].to_string();
    assert!(notes.contains("OAT is read at other times than the target") && notes.contains("1499 of 1500"), "{notes}");
}

/// The page's own suggestion, and the frontend's call of two fields, train; the load is in it, and so is the target.
#[tokio::test]
async fn the_samples_own_suggestion_trains() {
    let app = TestApp::start().await;
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("data/samples");
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|ending| ending == "csv") {
            files.push((path.file_name().unwrap().to_string_lossy().into_owned(), std::fs::read(&path).unwrap()));
        }
    }
    let files: Vec<(&str, &[u8])> = files.iter().map(|(name, bytes)| (name.as_str(), &bytes[..])).collect();
    let id = app.parsed(&files, &[("timezone", "Asia/Taipei")]).await["session_id"].clone();
    let id = id.as_str().unwrap();
    let found = app.get(&format!("/api/feature-mapping/suggest?session_id={id}")).await.expect(200);
    assert_eq!(
        (&found["target_col"], &found["mapping"]["load_cols"]),
        (&json!("CH_SYS_TOTAL_KW"), &json!(["CH_SYS_RT"]))
    );
    assert!(text(&found, "target_evidence").contains("total power"), "{found}");

    let mapping = with(found["mapping"].clone(), &json!({"target_col": found["target_col"]}));
    let quick = json!({"fit": {"budget": 0.2}, "algorithm": "physics"});
    let page = json!({"model_name": "page", "session_id": id, "feature_mapping": mapping});
    let response = app.post("/api/models/train", &with(page, &quick)).await;
    let asked = response.expect(202);
    for column in ["CH_1_KW", "CH_2_KW"] {
        assert!(asked["warnings"].to_string().contains(&format!("{column} is left out")), "{asked}");
        assert!(!asked["feature_mapping"].to_string().contains(column), "{asked}");
    }
    app.get(&format!("/api/jobs/{}/events", text(&asked, "job_id"))).await;
    let model = app.get(&format!("/api/models/{}", text(&asked, "model_id"))).await.expect(200);
    assert_eq!(model["status"], "completed", "{model}");
    assert!(left_out(&model).contains("CH_1_KW is left out: "), "{model}");
    assert!(model["features"].to_string().contains("\"role\":\"load_rt\""), "{model}");
    assert_eq!(model["leaks"], json!([]));

    // what names suggest when nobody says anything is the same, and makes the same model
    let bare = json!({"model_name": "bare", "session_id": id});
    let bare = trained(&app, &with(bare, &quick)).await["model"].clone();
    assert_eq!(bare["metrics"]["time_ordered"], model["metrics"]["time_ordered"]);
    assert_eq!(left_out(&bare), left_out(&model));
    // and so does the frontend's call: a mapping of its own spelling, and no session
    let camel = json!({"load": ["CH_SYS_RT"], "chiller": ["CH_1_KW", "CH_1_S"], "chwPump": ["CHP_VFD_OUT"], "environment": ["OAT", "OAH"]});
    let frontend = app.post("/api/models/train", &json!({"model_name": "frontend", "feature_mapping": camel})).await;
    assert!(frontend.expect(202)["warnings"].to_string().contains("CH_1_KW is left out"));
}

#[tokio::test]
async fn leaks_are_kept_only_when_that_is_asked_for_and_the_model_says_so() {
    let app = TestApp::start().await;
    let id = session(&app).await;
    let leaking = with(mapping(), &json!({"chiller_cols": ["CH_SYS_RT", "CH_1_KW"]}));
    let plain = trained(&app, &with(request(&id), &json!({"feature_mapping": leaking}))).await;
    assert!(left_out(&plain["model"]).contains("CH_1_KW is left out"), "{plain}");
    assert!(!text(&plain["model"]["metrics"], "verdict").contains("THE ANSWER"));
    let allowed = json!({"feature_mapping": leaking, "features": {"calendar": false, "allow_leakage": true}});
    let kept = trained(&app, &with(request(&id), &allowed)).await["model"].clone();
    assert_eq!(kept["leaks"], json!(["CH_1_KW"]));
    assert!(text(&kept["metrics"], "verdict").starts_with("THE ANSWER IS TOLD to this model by CH_1_KW"), "{kept}");
    let listed = app.get("/api/models").await.expect(200);
    assert_eq!(listed["models"][0]["leaks"], json!(["CH_1_KW"]));
    // only when nothing is left it is refused, naming each
    let only = json!({"feature_mapping": {"chiller_cols": ["CH_1_KW"], "target_col": "CH_SYS_TOTAL_KW"}});
    let problem = app.post("/api/models/train", &with(request(&id), &only)).await.expect_problem(422, "leakage");
    assert_eq!(problem["errors"][0]["field"], "feature_mapping.chiller_cols");
    assert!(
        text(&problem, "detail").contains("CH_1_KW") && text(&problem, "detail").contains("allow_leakage"),
        "{problem}"
    );
}

/// Without a target in the request: the plant's total, else the largest power, and never a temperature.
#[tokio::test]
async fn the_target_is_the_plant_s_total_or_the_largest_power() {
    let app = TestApp::start().await;
    let csv = String::from_utf8(plant(600)).unwrap();
    for (name, column) in [("P_TOTAL_KW", "P_TOTAL_KW"), ("SITE_METER_KW", "SITE_METER_KW")] {
        let id = parsed(&app, &[("p.csv", &csv.replace("CH_SYS_TOTAL_KW", name))]).await;
        let found = app.get(&format!("/api/feature-mapping/suggest?session_id={id}")).await.expect(200);
        assert_eq!(found["target_col"], column, "{found}");
        let given = json!({"load_cols": ["CH_SYS_RT"], "chw_pump_cols": ["CHP_HZ"]});
        let body = json!({"model_name": "m", "session_id": id, "algorithm": "physics", "feature_mapping": given});
        let answer = trained(&app, &body).await;
        assert_eq!(answer["feature_mapping"]["target_col"], column);
        assert!(answer["warnings"].to_string().contains(&format!("{column} is predicted, for the request names no")));
    }
    let none = csv.replace("CH_SYS_TOTAL_KW", "P1").replace("CH_1_KW", "P2");
    let id = parsed(&app, &[("p.csv", &none)]).await;
    let found = app.get(&format!("/api/feature-mapping/suggest?session_id={id}")).await.expect(200);
    assert_eq!((&found["target_col"], &found["target_evidence"]), (&Value::Null, &Value::Null));
}

/// An interval that is calibrated held what it is meant to; one that is not says why – in the answer, the list, the command.
#[tokio::test]
async fn an_interval_that_does_not_hold_is_marked() {
    let app = TestApp::start().await;
    // from the 450th row on, power is what nobody said: up to 40 % more, by chance
    let mut state = 5_u32;
    let drifting: String = String::from_utf8(plant(600))
        .unwrap()
        .lines()
        .enumerate()
        .map(|(row, line)| match line.rsplit_once(',') {
            Some((head, kw)) if row > 480 => {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                let more = 1.0 + 0.4 * f64::from(state >> 16) / 65_536.0;
                format!("{head},{:.1}\n", kw.parse::<f64>().unwrap() * more)
            }
            _ => format!("{line}\n"),
        })
        .collect();
    let id = parsed(&app, &[("d.csv", &drifting)]).await;
    let marked = trained(&app, &request(&id)).await["model"].clone();
    let interval = &marked["metrics"]["interval"];
    assert!(interval["coverage"].as_f64().unwrap() < 0.85, "{interval}");
    assert_eq!((&interval["calibrated"], &marked["calibrated"]), (&json!(false), &json!(false)));
    assert!(
        text(interval, "reason").contains("held only") && interval["widened"].as_f64().unwrap() > 1.0,
        "{interval}"
    );
    assert!(text(&marked["metrics"], "verdict").contains("interval is not calibrated"));
    assert_eq!(app.get("/api/models").await.expect(200)["models"][0]["calibrated"], false);
    let row = json!({"CH_SYS_RT": 250, "CHWST": 7.0, "WBT_C": 24.5, "CHP_HZ": 45, "CT_HZ": 42});
    let answer = app.post("/api/models/plant/predict", &json!({"rows": [row]})).await.expect(200);
    assert_eq!(answer["calibrated"], false, "{answer}");
}

/// Two machines whose points have the same names: told with the share that differs, and kept apart by their files.
#[test]
fn two_machines_are_told_and_kept_apart_on_the_command_line() {
    let folder = tempfile::TempDir::new().unwrap();
    let folder = folder.path();
    let rows = |from: u32, minute: u32, file: &str| {
        let mut text = "time,KW,RT\n".to_owned();
        for row in 0..300_u32 {
            let (at, rt) = (row * 30 + minute, 100 + (row * 37 + from) % 90);
            text +=
                &format!("2024-07-{:02} {:02}:{:02},{}.5,{rt}\n", 1 + at / 1440, at / 60 % 24, at % 60, rt / 2 + from);
        }
        std::fs::write(folder.join(file), text).unwrap();
    };
    rows(3, 0, "chiller_1.csv");
    rows(40, 0, "chiller_2.csv");
    rows(40, 11, "chiller_3.csv");
    let parse = ["parse", "chiller_1.csv", "chiller_2.csv", "--timezone", "UTC"];
    let (_, stdout, stderr) = run(folder, &[&parse[..], &["--dry-run"]].concat());
    let said = stdout + &stderr;
    assert!(said.contains("600 of the 600 cells that both have (100.0 %)") && said.contains("--prefix-by"), "{said}");
    let apart = json_of(folder, &[&parse[..], &["--prefix-by", "file"]].concat());
    assert_eq!(apart["columns"], json!(["timestamp", "chiller_1_KW", "chiller_1_RT", "chiller_2_KW", "chiller_2_RT"]));
    // the same from `train`, which parses too
    let train = ["train", "chiller_1.csv", "chiller_2.csv", "--name", "m", "--timezone", "UTC", "--algorithm", "gbdt"];
    let (code, stdout, stderr) = run(folder, &train);
    assert!(code == Some(1) && (stdout + &stderr).contains("--prefix-by"), "two machines make no model");
    let one = ["--prefix-by", "file", "--target", "chiller_2_KW", "--feature", "chiller_2_RT"];
    let model = json_of(folder, &[&train[..], &one].concat());
    assert_eq!(model["model"]["lineage"]["rows"], 300);
    // on clocks that never meet nothing can be compared, and that is said
    let never = ["parse", "chiller_1.csv", "chiller_3.csv", "--timezone", "UTC", "--dry-run"];
    let (_, stdout, stderr) = run(folder, &never);
    let said = stdout + &stderr;
    assert!(said.contains("rows take turns in one column") && said.contains("--prefix-by"), "{said}");
}
