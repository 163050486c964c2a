//! What rules find, null and drop, and what is said of it.

use super::*;

/// What every rule finds in the rows above, when it may act.
fn strict_call(session_id: &str) -> Value {
    json!({
        "session_id": session_id, "resample_interval": "15m", "detect_frozen": true, "detect_out_of_range": true,
        "apply_heat_balance": true, "filter_invalid": true, "units": {"OAT": "°C"}
    })
}

#[tokio::test]
async fn rules_null_cells_and_drop_rows_and_the_report_conserves() {
    let app = TestApp::start().await;
    let (id, _) = parsed(&app).await;
    let answer = clean(&app, &strict_call(&id)).await;
    let report = &answer["report"];
    conserved(report);
    // 96 rows without that of 17:30; 6 columns of 96 cells but the empty one.
    assert_eq!((&answer["original_rows"], &answer["cleaned_rows"]), (&json!(96), &json!(95)), "{report}");
    assert!((answer["retention_rate"].as_f64().unwrap() - 9500.0 / 96.0).abs() < 1e-9);
    assert_eq!(report["rows"]["dropped"], json!({"heat_balance": {"first": 1, "all": 1}}));
    assert_eq!(report["cells"]["before"], 6 * 96 - 1);
    let nulled = json!({"out_of_range": {"first": 1, "all": 1}, "frozen": {"first": 20, "all": 20}});
    assert_eq!(report["cells"]["nulled"], nulled);
    let rows = preview(&app, &id, "").await["preview"].as_array().unwrap().clone();
    let at = |time: &str| rows.iter().find(|row| row["timestamp"].as_str().unwrap()[11..16] == *time);
    assert_eq!(at("17:30"), None);
    assert_eq!((&at("06:00").unwrap()["OAT"], &at("07:00").unwrap()["OAT"]), (&Value::Null, &Value::Null));
    assert_eq!((&at("10:00").unwrap()["CHWST"], &at("14:45").unwrap()["CHWST"]), (&Value::Null, &Value::Null));
    assert!(at("09:45").unwrap()["CHWST"].is_number() && at("15:00").unwrap()["CHWST"].is_number());
    let stats = app.get(&format!("/api/data/stats?session_id={id}&column=OAT")).await.expect(200);
    assert_eq!(stats["nulls"], json!({"empty": 1, "out_of_range": 1}), "every null says why");

    // Only flags: nothing is taken, the same is found.
    let mut flags = strict_call(&id);
    flags["filter_invalid"] = json!(false);
    let flagged = clean(&app, &flags).await;
    conserved(&flagged["report"]);
    assert_eq!((&flagged["cleaned_rows"], &flagged["retention_rate"]), (&json!(96), &json!(100.0)));
    assert_eq!(flagged["report"]["cells"]["flagged"], nulled);
    assert_eq!(flagged["report"]["cells"]["nulled"], json!({}));
    assert_eq!(flagged["report"]["rows"]["flagged"], json!({"heat_balance": {"first": 1, "all": 1}}));
    assert_eq!(flagged["events_count"], answer["events_count"]);

    let compared = app.get(&format!("/api/sessions/{id}/compare?a=cleaned-v1&b=cleaned-v2")).await.expect(200);
    assert_eq!(compared["parameters"], json!([{"field": "filter_invalid", "a": true, "b": false}]));
    assert_eq!(compared["rows"], json!({"both": 95, "only_a": 0, "only_b": 1}));
    assert_eq!(compared["dropped"], json!([{"rule": "heat_balance", "a": 1, "b": 0}]));
    assert_eq!(
        compared["cells"],
        json!([
            {"column": "CHWST", "rule": "frozen", "a": {"flagged": 20, "nulled": 20}, "b": {"flagged": 20, "nulled": 0}},
            {"column": "OAT", "rule": "out_of_range", "a": {"flagged": 1, "nulled": 1}, "b": {"flagged": 1, "nulled": 0}},
        ])
    );
    // One row less: every column has one value less, CHWST 20 and OAT 1 on top.
    let columns = compared["columns"].as_array().unwrap();
    let column = |name: &str| columns.iter().find(|column| column["column"] == name).unwrap();
    assert_eq!((&column("CHWST")["a"], &column("CHWST")["b"]), (&json!(75), &json!(96)));
    assert_eq!((&column("OAT")["a"], &column("OAT")["b"]), (&json!(93), &json!(95)));
    assert_eq!((&column("RT")["a"], &column("RT")["b"]), (&json!(95), &json!(96)));
    let with_parsed = app.get(&format!("/api/sessions/{id}/compare?a=parsed-v1&b=cleaned-v1")).await.expect(200);
    assert_eq!(with_parsed["rows"], json!({"both": 95, "only_a": 1, "only_b": 0}));
    for (query, status, code) in [
        ("a=cleaned-v1", 422, "version_required"),
        ("a=cleaned-v1&b=newest", 422, "bad_version"),
        ("a=cleaned-v1&b=cleaned-v9", 404, "unknown_version"),
    ] {
        app.get(&format!("/api/sessions/{id}/compare?{query}")).await.expect_problem(status, code);
    }
}

#[tokio::test]
async fn events_say_what_when_and_why() {
    let app = TestApp::start().await;
    let (id, _) = parsed(&app).await;
    let url = format!("/api/data/events?session_id={id}");
    // Of the parsed version what the reports' own systems say, which is nothing.
    assert_eq!(app.get(&url).await.expect(200)["total"], 0);
    let answer = clean(&app, &strict_call(&id)).await;
    let all = app.get(&url).await.expect(200);
    assert_eq!((&all["version"], &all["total"]), (&json!("cleaned-v1"), &answer["events_count"]));
    assert_eq!((&all["page"], &all["page_size"], &all["total_pages"]), (&json!(1), &json!(20), &json!(1)));
    let found: Vec<(&str, &Value, &str, &str, u64)> = all["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|event| {
            let text = |key: &str| event[key].as_str().unwrap();
            (text("rule"), &event["column"], text("start_at"), text("end_at"), event["rows"].as_u64().unwrap())
        })
        .collect();
    let (oat, chwst) = (json!("OAT"), json!("CHWST"));
    let expected = [
        ("out_of_range", &oat, "2024-07-01T06:00:00+00:00", "2024-07-01T06:00:00+00:00", 1),
        ("frozen", &chwst, "2024-07-01T10:00:00+00:00", "2024-07-01T14:45:00+00:00", 20),
        ("heat_balance", &found[2].1.clone(), "2024-07-01T17:30:00+00:00", "2024-07-01T17:30:00+00:00", 1),
    ];
    assert_eq!(found, expected);
    assert!(all["items"][1]["detail"].as_str().unwrap().contains("7.2"), "{all}");
    for (query, total) in [
        ("rule=frozen", 1),
        ("column=OAT", 1),
        ("rule=frozen&column=OAT", 0),
        ("from=2024-07-01T12:00&to=2024-07-01T13:00", 1),
        ("from=2024-07-01T14:45", 2),
        ("to=2024-07-01T06:00", 0),
        ("from=2024-07-02", 0),
        ("version=cleaned-v1&rule=", 3),
    ] {
        assert_eq!(app.get(&format!("{url}&{query}")).await.expect(200)["total"], total, "{query}");
    }
    let second = app.get(&format!("{url}&page=2&page_size=2")).await.expect(200);
    assert_eq!((&second["total"], &second["total_pages"]), (&json!(3), &json!(2)));
    assert_eq!(second["items"], json!([all["items"][2]]));
    for (query, code) in [
        ("rule=ice", "unknown_rule"),
        ("column=OATS", "unknown_column"),
        ("from=later", "bad_time"),
        ("from=2024-07-02&to=2024-07-01", "bad_time_range"),
        ("page=0", "out_of_range"),
        ("page_size=101", "out_of_range"),
    ] {
        app.get(&format!("{url}&{query}")).await.expect_problem(422, code);
    }
    assert_eq!(app.get(&format!("{url}&version=parsed")).await.expect(200)["total"], 0);
    let file = app.get(&format!("/api/sessions/{id}/events.parquet")).await;
    assert_eq!(read_events(file.body).unwrap().len(), 3);
    let assumed = app.get("/api/data/events").await;
    assert_eq!(assumed.expect(200)["total"], 3);
    assert!(assumed.header("warning").contains(&id));
}

#[tokio::test]
async fn all_rows_rejected_is_a_result_that_names_the_rule() {
    let app = TestApp::start().await;
    let (id, _) = parsed(&app).await;
    // In L/min the flow makes about a quarter of the load: no row can hold. A row that lacks a value is not judged, so
    // no cell is nulled here.
    let mut request = strict_call(&id);
    (request["detect_frozen"], request["detect_out_of_range"]) = (json!(false), json!(false));
    request["units"] = json!({"GPM": "L/min", "OAT": "°C"});
    let answer = clean(&app, &request).await;
    assert_eq!((&answer["cleaned_rows"], &answer["retention_rate"]), (&json!(0), &json!(0.0)), "{answer}");
    assert_eq!(answer["report"]["rows"]["dropped"]["heat_balance"]["first"], 96);
    let message = answer["message"].as_str().unwrap();
    assert!(message.contains("heat_balance") || message.contains("heat balance"), "{message}");
    conserved(&answer["report"]);
    let session = app.get(&format!("/api/sessions/{id}")).await.expect(200);
    assert_eq!((&session["versions"][0]["row_count"], &session["versions"][0]["start_at"]), (&json!(0), &Value::Null));
    let shown = preview(&app, &id, "").await;
    assert_eq!((&shown["total_rows"], &shown["preview"]), (&json!(0), &json!([])));
    for path in ["data/stats?session_id=ID", "data/quality?session_id=ID", "data/series?session_id=ID&columns=RT"] {
        app.get(&format!("/api/{}", path.replace("ID", &id))).await.expect(200);
    }
    for path in ["data.csv", "data.arrow", "data.parquet", "events.parquet"] {
        assert_eq!(app.get(&format!("/api/sessions/{id}/{path}")).await.status, 200, "{path}");
    }
    let folder = app.stop().await;
    lose_catalogue(folder.path());
    std::fs::remove_file(folder.path().join(format!("data/sessions/{id}/session.json"))).unwrap();
    let (code, stdout, stderr) = run(folder.path(), &["doctor", "--rebuild"]);
    assert_eq!(code, Some(0), "{stdout}{stderr}");
    let app = TestApp::start_in(folder, Vec::new()).await.unwrap();
    assert_eq!(preview(&app, &id, "").await["version"], "cleaned-v1", "no rows are no reason to lose it");
}

/// The frontend asks for 5 minutes where its sites record every 15.
#[tokio::test]
async fn an_interval_finer_than_the_data_is_said_and_changes_no_spacing() {
    let app = TestApp::start().await;
    let (id, _) = parsed(&app).await;
    let answer = clean(&app, &default_call(&id)).await;
    let report = &answer["report"]["resampling"];
    assert_eq!((&report["requested"], &report["data_interval_s"]), (&json!("5m"), &json!(900)), "{report}");
    assert_eq!(report["empty_bins"], 0);
    let message = answer["message"].as_str().unwrap();
    assert!(message.contains("5m") && message.contains("15"), "{message}");
    let times = |answer: &Value| -> Vec<Value> {
        answer["preview"].as_array().unwrap().iter().map(|row| row["timestamp"].clone()).collect()
    };
    assert_eq!(times(&preview(&app, &id, "").await), times(&preview(&app, &id, "&version=parsed").await));
}

#[tokio::test]
async fn a_rule_without_its_columns_is_refused_or_left_out_with_a_warning() {
    let app = TestApp::start().await;
    let report = b"time,OAT,SUPPLY_TEMP\n2024-07-01 00:00,28,7\n2024-07-01 00:15,28.5,7.1\n2024-07-01 00:30,28.1,7.2\n";
    let answer = app.parsed(&[("a.csv", report)], &[("timezone", "UTC")]).await;
    let id = answer["session_id"].as_str().unwrap();
    let mut request = json!({"session_id": id, "apply_heat_balance": true});
    let problem = app.post("/api/clean", &request).await.expect_problem(422, "missing_role");
    let fields: Vec<&str> =
        problem["errors"].as_array().unwrap().iter().map(|e| e["field"].as_str().unwrap()).collect();
    assert!(fields.iter().any(|field| field.starts_with("columns")), "{problem}");
    assert!(problem.to_string().contains("SUPPLY_TEMP"), "it names the closest columns: {problem}");
    assert_eq!(app.get("/api/jobs").await.expect(200)["total"], 0);
    request["lenient"] = json!(true);
    let done = clean(&app, &request).await;
    let warnings = done["report"]["warnings"].as_array().unwrap();
    assert!(warnings.iter().any(|w| w["message"].as_str().unwrap().contains("heat_balance")), "{warnings:?}");
    let bad = json!({"session_id": id, "columns": {"load": "NOPE"}});
    let problem = app.post("/api/clean", &bad).await.expect_problem(422, "unknown_column");
    assert_eq!(problem["errors"][0]["field"], "columns.load");
}

#[tokio::test]
async fn names_suggest_a_mapping_with_evidence() {
    let app = TestApp::start().await;
    let (id, _) = parsed(&app).await;
    let found = app.get(&format!("/api/feature-mapping/suggest?session_id={id}")).await.expect(200);
    assert_eq!(found["mapping"]["chw_temp_cols"], json!(["CHWST", "CHWRT"]), "{found}");
    assert_eq!(found["mapping"]["environment_cols"], json!(["OAT"]));
    assert_eq!(found["mapping"].as_object().unwrap().len(), 14);
    assert_eq!((&found["target_col"], &found["mapping"]["load_cols"]), (&json!("CH1_KW"), &json!(["RT"])));
    assert_eq!(found["target_evidence"], "it is the only electric power");
    let role = |name: &str| found["roles"].as_array().unwrap().iter().find(|role| role["role"] == name).unwrap();
    assert_eq!((&role("load")["columns"], &role("flow")["columns"]), (&json!(["RT"]), &json!(["GPM"])));
    assert_eq!((&role("wet_bulb")["columns"], &role("wet_bulb")["confidence"]), (&json!([]), &json!(0.0)));
    let column = &found["columns"].as_array().unwrap().iter().find(|c| c["column"] == "CHWST").unwrap().clone();
    assert_eq!(
        (&column["evidence"], &column["confidence"]),
        (&json!("CHW = chilled water, ST = supply temperature"), &json!(0.95))
    );
    assert_eq!(found["mapping"]["chw_flow_cols"], json!(["GPM"]));
    assert_eq!((&found["mapping"]["chiller_cols"], &found["unmapped"]), (&json!(["CH1_KW"]), &json!([])));
}
