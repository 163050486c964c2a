//! Rules and limits as they are offered, and a cleaning that is tried before it is made.

use super::*;

fn strict(session_id: &str) -> Value {
    json!({
        "session_id": session_id, "resample_interval": "15m", "detect_frozen": true, "detect_out_of_range": true,
        "apply_heat_balance": true, "filter_invalid": true, "units": {"OAT": "°C"}
    })
}

fn of_rule<'a>(answer: &'a Value, rule: &str) -> &'a Value {
    answer["forecast"]["rules"].as_array().unwrap().iter().find(|found| found["rule"] == rule).unwrap()
}

#[tokio::test]
async fn a_dry_run_says_what_a_cleaning_finds_and_stores_nothing() {
    let app = TestApp::start().await;
    let (id, dataset_id) = parsed(&app).await;
    let mut request = strict(&id);
    request["dry_run"] = json!(true);
    let dry = clean(&app, &request).await;
    let named = (&dry["dry_run"], &dry["version"], &dry["job_id"], &dry["dataset_id"]);
    assert_eq!(named, (&json!(true), &json!(""), &json!(""), &json!(dataset_id)));
    conserved(&dry["report"]);
    // As in the rows above: one value of 99 °C, 20 that stand still, one row out of balance.
    let counts = |rule: &str| {
        let of = of_rule(&dry, rule);
        ["cells_flagged", "cells_nulled", "rows_flagged", "rows_dropped", "events"]
            .map(|field| of[field].as_u64().unwrap())
    };
    assert_eq!(counts("out_of_range"), [1, 1, 0, 0, 1]);
    assert_eq!(counts("frozen"), [20, 20, 0, 0, 1]);
    assert_eq!(counts("heat_balance"), [0, 0, 1, 1, 1]);
    assert_eq!((&dry["cleaned_rows"], &dry["forecast"]["emptied_columns"]), (&json!(95), &json!([])));
    // A limit is moved: the value at 06:00 can be now, and all of CHWST cannot.
    request["thresholds"] = json!({"air_temperature_c": {"max": 100}, "limits": {"CHWST": {"min": 90}}});
    let moved = clean(&app, &request).await;
    assert_eq!(of_rule(&moved, "out_of_range")["cells_nulled"], 96);
    assert_eq!(moved["forecast"]["emptied_columns"], json!(["CHWST"]));
    request["filter_invalid"] = json!(false);
    let told = clean(&app, &request).await;
    let told = of_rule(&told, "out_of_range");
    assert_eq!((&told["cells_flagged"], &told["cells_nulled"]), (&json!(96), &json!(0)));

    let session = app.get(&format!("/api/sessions/{id}")).await.expect(200);
    assert_eq!((&session["status"], session["versions"].as_array().unwrap().len()), (&json!("parsed"), 1));
    assert_eq!(app.get("/api/jobs?kind=clean").await.expect(200)["total"], 0);
    let made = clean(&app, &strict(&id)).await;
    assert_eq!((&made["dry_run"], &made["report"], &made["forecast"]), (&json!(false), &dry["report"], &Value::Null));

    request["wait"] = json!(false);
    app.post("/api/clean", &request).await.expect_problem(422, "dry_run_waits");
    app.delete(&format!("/api/sessions/{id}")).await;
    request["wait"] = Value::Null;
    app.post("/api/clean", &request).await.expect_problem(404, "deleted_session");
}

/// What is offered is what the document says can be asked.
#[tokio::test]
async fn every_switch_and_limit_is_offered() {
    let app = TestApp::start().await;
    let offered = app.get("/api/cleaning-rules").await.expect(200);
    let document = app.get("/api/openapi.json").await.expect(200);
    let schemas = &document["components"]["schemas"];
    let list = |name: &str| offered[name].as_array().unwrap().clone();
    let words = |of: &[Value], field: &str| -> Vec<String> {
        let mut words: Vec<String> = of.iter().map(|one| one[field].as_str().unwrap().to_owned()).collect();
        words.sort();
        words
    };
    let (rules, switches, limits) = (list("rules"), list("switches"), list("thresholds"));
    let mut switched = [words(&rules, "switch"), words(&switches, "switch")].concat();
    switched.sort();
    let properties = schemas["Parameters"]["properties"].as_object().unwrap();
    let mut known: Vec<&String> =
        properties.iter().filter(|(_, schema)| schema["type"] == "boolean").map(|(name, _)| name).collect();
    known.sort();
    assert_eq!(switched.iter().collect::<Vec<_>>(), known);
    for one in rules.iter().chain(&switches) {
        assert!(one["sentence"].as_str().is_some_and(|text| text.len() > 10), "{one}");
    }

    let properties = schemas["Thresholds"]["properties"].as_object().unwrap();
    let mut known: Vec<&String> = properties.keys().filter(|name| *name != "limits").collect();
    known.sort();
    assert_eq!(words(&limits, "name").iter().collect::<Vec<_>>(), known);
    for limit in &limits {
        let (name, schema) = (limit["name"].as_str().unwrap(), &properties[limit["name"].as_str().unwrap()]);
        for bound in ["minimum", "maximum"] {
            assert_eq!(limit[bound].as_f64(), schema[bound].as_f64(), "{name} {bound}");
        }
        assert!(limit["usual"][0].as_f64() < limit["usual"][1].as_f64(), "{limit}");
        let used = rules.iter().any(|rule| rule["thresholds"].as_array().unwrap().iter().any(|used| used == name));
        assert!(used, "{name} is of no rule");
    }
    let of = |name: &str| &limits.iter().find(|limit| limit["name"] == name).unwrap()["default"];
    // As docs/CLEANING.md has them.
    assert_eq!((of("frozen_samples"), of("running_kw")), (&json!(6.0), &json!(0.5)));
    assert_eq!(*of("chw_temperature_c"), json!({"min": -5.0, "max": 30.0}));
    assert_eq!((&offered["default_interval"], &offered["intervals"][0]), (&json!("5m"), &json!("1m")));
}

#[tokio::test]
async fn a_table_says_why_cells_are_null_and_begins_where_it_is_asked_to() {
    let app = TestApp::start().await;
    let (id, _) = parsed(&app).await;
    clean(&app, &strict(&id)).await;
    let ask = async |query: &str| app.get(&format!("/api/data/preview?session_id={id}&{query}")).await;
    // 06:00 to 07:45, of the columns in which something is null that day.
    let page = ask("at=2024-07-01T06:00&rows=8&reasons=true").await.expect(200);
    assert_eq!((&page["offset"], &page["preview"][0]["timestamp"]), (&json!(24), &json!("2024-07-01T06:00:00+00:00")));
    assert_eq!(
        page["null_reasons"],
        json!([
            {"column": "OAT", "row": 0, "rows": 1, "reasons": ["out_of_range"]},
            {"column": "OAT", "row": 4, "rows": 1, "reasons": ["empty"]},
        ])
    );
    let page = ask("at=2024-07-01T09:50&rows=50&reasons=true&columns=CHWST").await.expect(200);
    assert_eq!(page["offset"], 40, "the first row after it");
    let run = json!({"column": "CHWST", "row": 0, "rows": 20, "reasons": ["frozen"]});
    assert_eq!(page["null_reasons"], json!([run]));
    let parsed = ask("version=parsed&at=2024-07-01T07:00&rows=2&reasons=true").await.expect(200);
    assert_eq!(parsed["null_reasons"], json!([{"column": "OAT", "row": 0, "rows": 1, "reasons": ["empty"]}]));
    assert_eq!(ask("rows=2").await.expect(200)["null_reasons"], Value::Null);

    // Behind the end: the last rows; within a window, and in bins, counted from its beginning.
    let last = ask("at=2030-01-01&rows=10").await.expect(200);
    assert_eq!((&last["offset"], last["preview"].as_array().unwrap().len()), (&json!(85), 10));
    let within = ask("from=2024-07-01T05:00&to=2024-07-01T08:00&at=2024-07-01T06:00&rows=3").await.expect(200);
    assert_eq!((&within["offset"], &within["total_rows"]), (&json!(4), &json!(12)));
    let hours = ask("every=1h&at=2024-07-01T05:20&rows=1").await.expect(200);
    assert_eq!((&hours["offset"], &hours["preview"][0]["timestamp"]), (&json!(6), &json!("2024-07-01T06:00:00+00:00")));
    for (query, code) in [
        ("at=noon", "bad_time"),
        ("at=2024-07-01&offset=3", "bad_offset"),
        ("reasons=true&rows=1001", "too_much_at_once"),
    ] {
        ask(query).await.expect_problem(422, code);
    }
}
