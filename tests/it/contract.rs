//! What the API document does not name, no route takes; what it bounds, no route lets through.

use std::path::Path;

use reqwest::Method;
use reqwest::multipart::{Form, Part};
use serde_json::{Value, json};

use crate::helpers::{Process, Response, TestApp};
use crate::openapi::operations;

const ID: &str = "00000000-0000-7000-8000-000000000000";
const REPORT: &[u8] =
    b"Date,Time,T_1,KW_1\n2024-07-01,00:00,6.5,100\n2024-07-01,00:15,6.6,101\n2024-07-01,00:30,6.4,99\n";

/// A path with made-up ids in it, in both versions.
fn both(path: &str) -> [String; 2] {
    let path = path.replace("{id}", ID).replace("{name}", "plant").replace("{alias}", "production");
    let versioned = path.replacen("/api/", "/api/v1/", 1);
    [path, versioned]
}

#[track_caller]
fn assert_names(answer: &Response, code: &str, field: &str, closest: &str, what: &str) {
    assert_eq!(answer.status, 422, "{what}: {}", answer.text());
    let problem = answer.expect_problem(422, code);
    let named = problem["errors"].as_array().unwrap().iter().find(|error| error["field"] == field);
    let message = named.unwrap_or_else(|| panic!("{what}: {problem}"))["message"].as_str().unwrap();
    assert!(message.ends_with(&format!("did you mean {closest}?")), "{what}: {message}");
}

/// Every route, also those that take none, and in both versions.
#[tokio::test]
async fn no_route_takes_a_parameter_that_the_document_does_not_name() {
    let app = TestApp::start().await;
    let document = app.get("/api/openapi.json").await.expect(200);
    for (method, path, operation) in operations(&document) {
        let parameters = operation["parameters"].as_array().cloned().unwrap_or_default();
        let names: Vec<&str> =
            parameters.iter().filter(|p| p["in"] == "query").map(|p| p["name"].as_str().unwrap()).collect();
        for path in both(&path) {
            let method: Method = method.to_uppercase().parse().unwrap();
            let what = format!("{method} {path}");
            let unknown = app.request(method.clone(), &format!("{path}?zzzzzzzzzzzz=1"), |r| r).await;
            let problem = unknown.expect_problem(422, "unknown_parameter");
            assert_eq!(problem["errors"][0]["field"], "zzzzzzzzzzzz", "{what}");
            for name in &names {
                assert!(problem["detail"].as_str().unwrap().contains(name), "{what}: {problem}");
                let misspelt = format!("{name}x");
                let answer = app.request(method.clone(), &format!("{path}?{misspelt}=1"), |r| r).await;
                assert_names(&answer, "unknown_parameter", &misspelt, name, &what);
                let twice = app.request(method.clone(), &format!("{path}?{name}=1&{name}=1"), |r| r).await;
                let problem = twice.expect_problem(422, "repeated_parameter");
                assert_eq!(problem["errors"][0]["field"], **name, "{what}");
            }
        }
    }
    for beside in ["/api/openapi.json", "/api/v1/openapi.json"] {
        app.get(&format!("{beside}?x=1")).await.expect_problem(422, "unknown_parameter");
    }
    assert_eq!(app.head_with("/api/health?x=1", &[]).await.status, 422);
    assert_eq!(app.get("/?session=1").await.status, 200, "the page's address is its own affair");
}

/// Bodies that have one unknown field, at each place where the schema names fields: the body, the field's place, and the
/// closest name.
fn bodies_with_an_unknown_field(document: &Value, schema: &Value) -> Vec<(Value, String, String)> {
    let resolved = match schema["$ref"].as_str() {
        Some(to) => document.pointer(to.strip_prefix('#').unwrap()).unwrap(),
        None => schema,
    };
    let mut found = Vec::new();
    for alternative in ["oneOf", "anyOf", "allOf"].iter().flat_map(|list| resolved[*list].as_array()).flatten() {
        found.extend(bodies_with_an_unknown_field(document, alternative));
    }
    let inner = |found: &mut Vec<_>, part: &Value, wrap: &dyn Fn(Value) -> Value, place: &dyn Fn(String) -> String| {
        for (body, field, closest) in bodies_with_an_unknown_field(document, part) {
            found.push((wrap(body), place(field), closest));
        }
    };
    if let Some(properties) = resolved["properties"].as_object() {
        if resolved["additionalProperties"] == false {
            let name = properties.keys().next().unwrap();
            let misspelt = format!("{name}x");
            found.push((json!({&misspelt: 1}), misspelt, name.clone()));
        }
        for (name, part) in properties {
            inner(&mut found, part, &|body| json!({name: body}), &|field| match field.starts_with('[') {
                true => format!("{name}{field}"),
                false => format!("{name}.{field}"),
            });
        }
    }
    if resolved["items"].is_object() {
        inner(&mut found, &resolved["items"], &|body| json!([body]), &|field| format!("[0].{field}"));
    }
    if resolved["additionalProperties"].is_object() {
        inner(&mut found, &resolved["additionalProperties"], &|body| json!({"any": body}), &|field| {
            format!("any.{field}")
        });
    }
    found
}

/// Every route that reads a body, at every depth of it; and those that read none.
#[tokio::test]
async fn no_route_takes_a_field_that_the_document_does_not_name() {
    let app = TestApp::start().await;
    let document = app.get("/api/openapi.json").await.expect(200);
    let mut places = 0;
    for (method, path, operation) in operations(&document) {
        let method: Method = method.to_uppercase().parse().unwrap();
        let content = &operation["requestBody"]["content"];
        for path in both(&path) {
            let what = format!("{method} {path}");
            let send = async |body: &Value| app.request(method.clone(), &path, |r| r.json(body)).await;
            if content.is_null() {
                let answer = send(&json!({"zzz": 1})).await;
                let problem = answer.expect_problem(422, "unknown_field");
                assert_eq!(problem["errors"][0]["field"], "zzz", "{what}");
                // A stream of events that is asked for has no end.
                if operation["responses"]["200"]["content"]["text/event-stream"].is_object() {
                    continue;
                }
                let none = send(&json!({})).await;
                assert!(!none.text().contains("_body"), "{what}: an empty object is none: {}", none.text());
                continue;
            }
            let schema = &content["application/json"]["schema"];
            for (body, field, closest) in bodies_with_an_unknown_field(&document, schema) {
                places += 1;
                assert_names(&send(&body).await, "unknown_field", &field, &closest, &format!("{what} {body}"));
            }
        }
    }
    assert!(places > 30, "{places} places only");
}

#[tokio::test]
async fn an_upload_has_known_fields_each_once() {
    let app = TestApp::start().await;
    let file = || Part::bytes(REPORT).file_name("a.csv");
    let send = async |form: Form| app.request(Method::POST, "/api/uploads", |r| r.multipart(form)).await;
    let answer = send(Form::new().text("nmae", "x").part("files", file())).await;
    assert_names(&answer, "unknown_field", "nmae", "name", "a text");
    let answer = send(Form::new().part("flies", file())).await;
    assert_names(&answer, "unknown_field", "flies", "files", "a file");
    let twice = send(Form::new().text("site", "A").text("site", "B").part("files", file())).await;
    assert_eq!(twice.expect_problem(422, "repeated_field")["errors"][0]["field"], "site");
    assert_eq!(app.get("/api/sessions").await.expect(200)["total"], 0, "nothing of them stays");
}

/// The issue's own three, which were answered as if nothing were wrong.
#[tokio::test]
async fn a_misspelt_request_is_refused_where_it_was_taken_for_another() {
    let app = TestApp::start().await;
    let session = app.uploaded(&[("a.csv", REPORT)], &[("timezone", "UTC")]).await;
    app.post("/api/parse", &json!({"session_id": session})).await.expect(200);
    let preview = app.get("/api/data/preview?verison=parsed").await;
    assert_names(&preview, "unknown_parameter", "verison", "version", "preview");
    let clean = app.post("/api/clean", &json!({"session_id": session, "detect_frozn": false})).await;
    assert_names(&clean, "unknown_field", "detect_frozn", "detect_frozen", "clean");
    let parse = app.post("/api/parse", &json!({"sesion_id": session})).await;
    assert_names(&parse, "unknown_field", "sesion_id", "session_id", "parse");
    assert_eq!(app.get("/api/sessions").await.expect(200)["total"], 1);
}

/// Wrong types, nulls and repetitions name their field.
#[tokio::test]
async fn what_is_wrong_with_a_value_names_its_field() {
    let app = TestApp::start().await;
    for (path, field) in [
        ("/api/sessions?page=x", "page"),
        ("/api/sessions?page=", "page"),
        ("/api/sessions?page=1.5", "page"),
        ("/api/sessions?deleted=perhaps", "deleted"),
        ("/api/sessions?status=gone", "status"),
        ("/api/data/preview?rows=99999999999999999999", "rows"),
        ("/api/jobs?status=1", "status"),
    ] {
        let problem = app.get(path).await.expect_problem(422, "invalid_field");
        assert_eq!(problem["errors"][0]["field"], field, "{path}");
    }
    for (path, body, field) in [
        ("/api/parse", r#"{"dry_run": null}"#, "dry_run"),
        ("/api/parse", r#"{"files": "a.csv"}"#, "files"),
        ("/api/parse", r#"{"columns": [{"column": 7}]}"#, "columns[0].column"),
        ("/api/parse", r#"{"name": "a", "site": "b", "name": "c"}"#, "name"),
        ("/api/clean", r#"{"thresholds": {"spike_z": "high"}}"#, "thresholds.spike_z"),
        ("/api/clean", r#"{"thresholds": {"spike_z": 1, "spike_z": 2}}"#, "thresholds.spike_z"),
        ("/api/models/train", r#"{"model_name": 5}"#, "model_name"),
        ("/api/models/plant/predict", r#"{"rows": {}}"#, "rows"),
        ("/api/models/plant/predict", r#"{"rows": null}"#, "rows"),
        ("/api/optimize", r#"{"model": "m", "seed": -1}"#, "seed"),
    ] {
        let send = |r: reqwest::RequestBuilder| r.header("content-type", "application/json").body(body);
        let problem = app.request(Method::POST, path, send).await.expect_problem(422, "invalid_field");
        assert_eq!(problem["errors"][0]["field"], field, "{path} {body}: {problem}");
    }
}

/// Numbers that do not fit anywhere: refused, and never a 500.
#[tokio::test]
async fn numbers_of_a_request_are_bounded() {
    let app = TestApp::start().await;
    app.parsed(&[("a.csv", REPORT)], &[("timezone", "UTC")]).await;
    app.post("/api/clean", &json!({})).await.expect(200);
    let document = app.get("/api/openapi.json").await.expect(200);
    let huge = ["9223372036854775806", "9223372036854775807", "18446744073709551615", "1e300", "-1"];
    let mut asked = 0;
    for (method, path, operation) in operations(&document) {
        for parameter in operation["parameters"].as_array().into_iter().flatten() {
            let (name, schema) = (parameter["name"].as_str().unwrap(), &parameter["schema"]);
            if parameter["in"] != "query" || schema["type"] != "integer" {
                continue;
            }
            assert!(schema["maximum"].is_number() && schema["minimum"].is_number(), "{method} {path} {name}: {schema}");
            for number in huge {
                let fits = number.parse::<i64>().is_ok_and(|n| n >= 0 && ["offset", "since"].contains(&name));
                // What goes on for ever, once it is asked for rightly.
                if fits && operation["responses"]["200"]["content"]["text/event-stream"].is_object() {
                    continue;
                }
                let answer = app.get(&format!("{}?{name}={number}", both(&path)[0])).await;
                assert_eq!(answer.status, if fits { 200 } else { 422 }, "{path}?{name}={number}: {}", answer.text());
                asked += 1;
            }
        }
    }
    assert!(asked >= 50, "{asked}");
    for time in ["+262142-12-31", "-262142-01-01", "10000-01-01", "-0001-01-01"] {
        for path in ["/api/sessions", "/api/optimizations", "/api/data/events"] {
            app.get(&format!("{path}?from={}", time.replace('+', "%2B"))).await.expect_problem(422, "bad_time");
        }
    }
}

/// A text that is stored comes back in headers, lines and file names.
#[tokio::test]
async fn texts_that_are_stored_are_short_and_printable() {
    let app = TestApp::start().await;
    let session = app.uploaded(&[("a.csv", REPORT)], &[("name", &"n".repeat(200)), ("timezone", "UTC")]).await;
    app.post("/api/parse", &json!({"session_id": session, "site": "溫".repeat(200)})).await.expect(200);
    let path = format!("/api/sessions/{session}");
    for (bad, code) in [
        ("x".repeat(400_000), "text_too_long"),
        ("x".repeat(201), "text_too_long"),
        ("a\u{7}b".to_owned(), "control_character"),
    ] {
        for field in ["name", "site"] {
            let upload =
                if bad.len() > 4096 { None } else { Some(app.upload(&[("a.csv", REPORT)], &[(field, &bad)]).await) };
            let answers = [
                upload,
                Some(app.patch(&path, &json!({field: bad})).await),
                Some(app.post("/api/parse", &json!({"session_id": session, field: bad})).await),
                Some(app.post("/api/parse", &json!({"session_id": session, field: bad, "wait": false})).await),
                Some(app.post("/api/parse", &json!({"session_id": session, field: bad, "dry_run": true})).await),
            ];
            for answer in answers.into_iter().flatten() {
                assert_eq!(answer.expect_problem(422, code)["errors"][0]["field"], field);
            }
        }
        for (body, field) in [
            (json!({"columns": [{"column": bad}]}), "columns[0].column"),
            (json!({"columns": [{"column": "T_1", "name": bad}]}), "columns[0].name"),
            (json!({"columns": [{"column": "T_1", "unit": bad}]}), "columns[0].unit"),
            (json!({"encoding": bad}), "encoding"),
        ] {
            let mut body = body;
            body["session_id"] = session.clone().into();
            let answer = app.post("/api/parse", &body).await;
            assert_eq!(answer.expect_problem(422, code)["errors"][0]["field"], field);
        }
    }
    let large = json!({"metadata": {"note": "x".repeat(70_000)}});
    assert_eq!(
        app.patch(&path, &large).await.expect_problem(422, "metadata_too_large")["errors"][0]["field"],
        "metadata"
    );
    app.patch(&path, &json!({"metadata": {"note": "two\nlines", "own": {"any": [1, null]}}})).await.expect(200);
    for file in ["a\u{1}.csv".to_owned(), format!("{}.csv", "x".repeat(2000))] {
        assert!([400, 422].contains(&app.upload(&[(&file, REPORT)], &[]).await.status));
    }
    assert_eq!(app.get("/api/sessions").await.expect(200)["total"], 1);
    let csv = app.get(&format!("{path}/data.csv")).await;
    assert_eq!(csv.status, 200);
}

/// The command line has the same bounds.
#[test]
fn texts_of_the_command_line_are_short_and_printable() {
    let folder = tempfile::tempdir().unwrap();
    let run = |arguments: &[&str]| {
        let output = Process::command(folder.path(), arguments).output().unwrap();
        (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
    };
    assert_eq!(run(&["demo"]).0, Some(0));
    std::fs::write(folder.path().join("a.csv"), REPORT).unwrap();
    let long = "x".repeat(201);
    for (bad, says) in [(long.as_str(), "at most 200"), ("a\u{1b}[31mb", "U+001B")] {
        for arguments in [
            vec!["sessions", "rename", "Demo plant", bad],
            vec!["parse", "a.csv", "--timezone", "UTC", "--name", bad],
            vec!["parse", "a.csv", "--timezone", "UTC", "--site", bad],
        ] {
            let (code, stderr) = run(&arguments);
            assert_eq!(code, Some(1), "{arguments:?}: {stderr}");
            assert!(stderr.contains(says), "{arguments:?}: {stderr}");
        }
    }
}

/// The existing frontend, call by call, as it sends them (HVAC web frontend, `src/lib/api`): it sends nothing unknown.
#[tokio::test]
async fn the_existing_frontends_calls_are_all_understood() {
    let app = TestApp::start().await;
    app.place("kmuh/a.csv", REPORT);
    let origin = [("origin", "http://localhost:3000")];
    for path in [
        "/health",
        "/api/health",
        "/api/files",
        "/api/files?data_dir=data&subfolder=",
        "/api/files?data_dir=data&subfolder=kmuh",
    ] {
        assert_eq!(app.get_with(path, &origin).await.status, 200, "{path}");
    }
    let parsed =
        app.post("/api/parse", &json!({"files": ["a.csv"], "data_dir": "data", "subfolder": "kmuh"})).await.expect(200);
    assert_eq!(parsed["row_count"], 3);
    app.place("b.csv", REPORT);
    app.post("/api/parse", &json!({"files": ["b.csv"], "data_dir": "data", "subfolder": ""})).await.expect(200);
    let session = app.uploaded(&[("c.csv", REPORT)], &[("timezone", "UTC")]).await;
    let uploaded =
        app.post("/api/parse", &json!({"session_id": session, "subfolder": "", "data_dir": ""})).await.expect(200);
    assert_eq!(uploaded["session_id"], session, "an empty folder is none");
    let cleaned = json!({
        "resample_interval": "15m", "detect_frozen": true, "apply_steady_state": false, "apply_heat_balance": false,
        "apply_affinity": false, "filter_invalid": false,
    });
    app.post("/api/clean", &cleaned).await.expect(200);
    for path in [
        "/api/data/preview?rows=50",
        "/api/data/preview?rows=10000",
        "/api/data/stats?column=T_1",
        "/api/data/stats",
        "/api/models",
        "/api/models?subfolder=",
        "/api/models?subfolder=default",
    ] {
        assert_eq!(app.get_with(path, &origin).await.status, 200, "{path}");
    }
    // Too little to learn from: what is refused is the data, never a field.
    let trained = app
        .post("/api/models/train", &json!({"model_name": "m", "feature_mapping": {
            "chillerCols": [], "chwPumpCols": [], "cwPumpCols": [], "coolingTowerCols": [], "chw_temp_cols": ["T_1"],
            "load_cols": [], "ct_fan_hz_cols": [], "temp_cols": [], "customCategories": {"mine": ["T_1"]},
            "environmentCols": [], "own_cols": [], "targetCol": "KW_1", "target_metric": "power",
        }}))
        .await;
    assert!(!trained.text().contains("unknown_field"), "{}", trained.text());
    assert_eq!(trained.status, 202, "{}", trained.text());
    let optimized =
        app.post("/api/optimize", &json!({"model_name": "none", "input_data": {"RT": 300, "any thing": 1}})).await;
    optimized.expect_problem(404, "unknown_model");
}

/// Two types of one name would share one schema, whichever comes first.
#[test]
fn no_two_schemas_have_one_name() {
    let mut found = Vec::new();
    for folder in ["src", "crates"] {
        schema_names(&Path::new(env!("CARGO_MANIFEST_DIR")).join(folder), &mut found);
    }
    assert!(found.len() > 100, "the schemas were not found");
    found.sort();
    let twice: Vec<_> = found.windows(2).filter(|pair| pair[0].0 == pair[1].0).collect();
    assert!(twice.is_empty(), "{twice:?}");
}

/// Names of the types that derive a schema, each with its file.
fn schema_names(folder: &Path, found: &mut Vec<(String, String)>) {
    for entry in std::fs::read_dir(folder).unwrap().map(Result::unwrap) {
        if entry.file_type().unwrap().is_dir() {
            schema_names(&entry.path(), found);
            continue;
        }
        let text = std::fs::read_to_string(entry.path()).unwrap_or_default();
        // In a crate's own words: `cfg_attr(feature = "openapi", derive(utoipa::ToSchema))`.
        let derived = [", ToSchema)]", "derive(ToSchema)]", "derive(utoipa::ToSchema))]"];
        for (at, _) in derived.into_iter().flat_map(|derived| text.match_indices(derived)) {
            let lines = || text[at..].lines().map(|line| line.trim().trim_start_matches("pub "));
            let item = |line: &str| {
                let rest = line.strip_prefix("struct ").or_else(|| line.strip_prefix("enum "))?;
                rest.split(['<', '{', ' ', ';', '(']).next().map(str::to_owned)
            };
            let own = lines().find_map(item).unwrap();
            let renamed = lines().take_while(|line| item(line).is_none()).find_map(|line| {
                let (_, name) = line.split_once("schema(as = ")?;
                Some(name.trim_end_matches([')', ']']).to_owned())
            });
            // A macro's own name for what it makes.
            if !own.starts_with('$') {
                found.push((renamed.unwrap_or(own), entry.path().display().to_string()));
            }
        }
    }
}
