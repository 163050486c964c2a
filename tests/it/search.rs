//! History is found: by words, tags, points, units, free data and times; and saved queries, and lineage drawn.

use std::collections::BTreeSet;

use hvac_store::db::Db;
use sea_orm::{ConnectionTrait, DbBackend, Statement};
use serde_json::json;

use crate::helpers::TestApp;

fn report(point: &str, value: u32) -> Vec<u8> {
    format!("time,{point}\n2020-01-01 00:00,{value}\n2020-01-01 00:15,{}\n", value + 1).into_bytes()
}

async fn parsed(app: &TestApp, name: &str, site: &str, file: &str, point: &str) -> String {
    let value = u32::try_from(name.len() * 7 + point.len()).unwrap();
    let fields = [("name", name), ("site", site), ("timezone", "UTC")];
    let answer = app.parsed(&[(file, &report(point, value))], &fields).await;
    answer["session_id"].as_str().unwrap().to_owned()
}

/// The parameter within an address.
fn encoded(text: &str) -> String {
    text.bytes().map(|byte| format!("%{byte:02X}")).collect()
}

async fn found(app: &TestApp, parameter: &str, text: &str) -> Vec<String> {
    let path = format!("/api/sessions?sort=name&order=asc&page_size=100&{parameter}={}", encoded(text));
    let list = app.get(&path).await.expect(200);
    list["items"].as_array().unwrap().iter().map(|item| item["name"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn a_session_is_found_by_every_text_that_it_has() {
    let app = TestApp::start().await;
    let autumn = parsed(&app, "Autumn", "KMUH", "TR_2016.csv", "CHWS_TEMP [°C]").await;
    parsed(&app, "Spring", "Farglory", "ZWP-1.F.csv", "冰水出水溫度").await;
    let patch =
        json!({"tags": ["acceptance", "冰水"], "notes": "Chiller 2 was down.\nUntil 12 October; see the 100% report."});
    app.patch(&format!("/api/sessions/{autumn}"), &patch).await.expect(200);
    for (words, names) in [
        ("autumn", vec!["Autumn"]),
        ("kmuh", vec!["Autumn"]),
        ("ACCEPT", vec!["Autumn"]),
        ("october", vec!["Autumn"]),
        ("tr_2016", vec!["Autumn"]),
        ("TR_2016.csv", vec!["Autumn"]),
        ("chws", vec!["Autumn"]),
        ("°c", vec!["Autumn"]),
        ("出水溫度", vec!["Spring"]),
        ("溫度", vec!["Spring"]),
        // A point of the one, a tag of the other.
        ("冰水", vec!["Autumn", "Spring"]),
        ("冰", vec!["Autumn", "Spring"]),
        // Each word somewhere, the one in a file's name and the other in a site's.
        ("zwp farglory", vec!["Spring"]),
        ("zwp kmuh", vec![]),
        ("\"was down\"", vec!["Autumn"]),
        ("\"down was\"", vec![]),
        ("100%", vec!["Autumn"]),
        ("0%", vec!["Autumn"]),
        ("%", vec!["Autumn"]),
        ("_", vec!["Autumn"]),
        ("%%%", vec![]),
        ("* OR name", vec![]),
        ("'", vec![]),
        ("-1.", vec!["Spring"]),
        ("csv", vec!["Autumn", "Spring"]),
        ("  ", vec!["Autumn", "Spring"]),
    ] {
        assert_eq!(found(&app, "q", words).await, names, "q={words}");
    }
    let list = app.get("/api/sessions?q=october%20kmuh").await.expect(200);
    let why: Vec<&str> =
        list["items"][0]["found"].as_array().unwrap().iter().map(|f| f["kind"].as_str().unwrap()).collect();
    assert_eq!(why, ["site", "notes"]);
    assert!(app.get("/api/sessions").await.expect(200)["items"][0].get("found").is_none());
}

#[tokio::test]
async fn filters_choose_by_tag_point_unit_data_and_time() {
    let app = TestApp::start().await;
    let autumn = parsed(&app, "Autumn", "KMUH", "a.csv", "CH1_KW (kW)").await;
    parsed(&app, "Spring", "KMUH", "b.csv", "CH2_KW (kW)").await;
    app.uploaded(&[("raw.csv", &report("x", 99))], &[("name", "Raw")]).await;
    let path = format!("/api/sessions/{autumn}");
    let patch =
        json!({"tags": [" Acceptance", "acceptance", "2016"], "metadata": {"ticket": 7, "done": true, "by": "A=B"}});
    let changed = app.patch(&path, &patch).await.expect(200);
    assert_eq!((&changed["tags"], &changed["notes"]), (&json!(["Acceptance", "2016"]), &json!("")));
    for (parameter, text, names) in [
        ("tag", "ACCEPTANCE", vec!["Autumn"]),
        ("tag", "2016,acceptance", vec!["Autumn"]),
        ("tag", "2016,2017", vec![]),
        ("tag", "accept", vec![]),
        ("tag", "accept*", vec!["Autumn"]),
        ("point", "ch1_kw*", vec!["Autumn"]),
        ("point", "CH?_KW*", vec![]),
        ("point", "*_kw*", vec!["Autumn", "Spring"]),
        ("unit", "kw", vec!["Autumn", "Spring"]),
        ("unit", "RT", vec![]),
        ("metadata", "ticket", vec!["Autumn"]),
        ("metadata", "ticket=7", vec!["Autumn"]),
        ("metadata", "ticket=8", vec![]),
        ("metadata", "done=true", vec!["Autumn"]),
        ("metadata", "by=A=B", vec!["Autumn"]),
        ("status_at_least", "uploaded", vec!["Autumn", "Raw", "Spring"]),
        ("status_at_least", "parsed", vec!["Autumn", "Spring"]),
        ("status_at_least", "cleaned", vec![]),
        ("created_from", "2020-01-01", vec!["Autumn", "Raw", "Spring"]),
        ("created_from", "2100-01-01", vec![]),
        ("created_to", "2020-01-01", vec![]),
        ("created_to", "2100-01-01", vec!["Autumn", "Raw", "Spring"]),
    ] {
        assert_eq!(found(&app, parameter, text).await, names, "{parameter}={text}");
    }
    app.get("/api/sessions?status_at_least=failed").await.expect_problem(422, "out_of_range");
    for (patch, code) in [
        (json!({"tags": ["a,b"]}), "bad_tag"),
        (json!({"tags": [" "]}), "bad_tag"),
        (json!({"tags": (0..51).map(|n| n.to_string()).collect::<Vec<_>>()}), "bad_tag"),
        (json!({"tags": ["a\nb"]}), "control_character"),
        (json!({"notes": "x".repeat(10_001)}), "text_too_long"),
        (json!({"notes": "bell \u{7}"}), "control_character"),
    ] {
        app.patch(&path, &patch).await.expect_problem(422, code);
    }
}

async fn texts(app: &TestApp) -> BTreeSet<String> {
    let url = format!("sqlite://{}", app.storage().parent().unwrap().join("hvac_analytics.db").display());
    let db = Db::open(&url).await.unwrap();
    let sql = "SELECT text FROM search_texts";
    let rows = db.read().query_all_raw(Statement::from_string(DbBackend::Sqlite, sql)).await.unwrap();
    rows.iter().map(|row| row.try_get_by_index(0).unwrap()).collect()
}

/// What a session was called is not found, and what was purged is not even kept.
#[tokio::test]
async fn what_is_changed_or_purged_is_forgotten() {
    let app = TestApp::start().await;
    let autumn = parsed(&app, "Autumn", "KMUH", "a.csv", "kw").await;
    let spring = parsed(&app, "Spring", "KMUH", "b.csv", "kw").await;
    let path = format!("/api/sessions/{autumn}");
    app.patch(&path, &json!({"tags": ["secret"], "notes": "whisper"})).await.expect(200);
    assert_eq!(found(&app, "q", "whisper secret").await, ["Autumn"]);
    app.patch(&path, &json!({"name": "Winter", "notes": ""})).await.expect(200);
    assert_eq!(found(&app, "q", "whisper").await, [""; 0]);
    assert_eq!(found(&app, "q", "autumn").await, [""; 0]);
    assert_eq!(found(&app, "q", "secret").await, ["Winter"]);
    assert!(!texts(&app).await.contains("whisper"));
    app.delete(&path).await.expect(204);
    assert_eq!(found(&app, "q", "winter").await, [""; 0]);
    assert_eq!(app.get("/api/sessions?deleted=true&q=winter").await.expect(200)["total"], 1);
    app.delete(&format!("{path}?purge=true")).await.expect(204);
    let left = texts(&app).await;
    assert!(!left.contains("Winter") && !left.contains("secret") && left.contains("kw"), "{left:?}");
    // A later parse brings points; tags and notes outlast a catalogue that is made anew.
    let patch = json!({"tags": ["kept"], "notes": "two\nlines"});
    app.patch(&format!("/api/sessions/{spring}"), &patch).await.expect(200);
    let folder = app.stop().await;
    for ending in ["", "-wal", "-shm"] {
        let _ = std::fs::remove_file(folder.path().join(format!("data/hvac_analytics.db{ending}")));
    }
    let output = crate::helpers::Process::command(folder.path(), &["doctor", "--rebuild"]).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let app = TestApp::start_in(folder, Vec::new()).await.unwrap();
    assert_eq!(found(&app, "q", "kw b.csv lines").await, ["Spring"]);
    assert_eq!(found(&app, "tag", "kept").await, ["Spring"]);
}

/// Against a search by hand through all texts, with letters that patterns and quotation take for their own.
#[tokio::test]
async fn what_is_found_is_what_reading_everything_would_find() {
    const PARTS: [&str; 14] = ["kW", "CH_", "冰水", "溫", "%", "_", "'", "\\", "*", "-", "(a OR b)", "NEAR", "ä", "."];
    let mut seed = 20_261_130_u64;
    let mut next = |below: usize| {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(seed >> 33).unwrap() % below
    };
    let mut phrase = |most: usize| (0..=next(most)).map(|_| PARTS[next(PARTS.len())]).collect::<String>();
    let app = TestApp::start().await;
    let mut known = Vec::new();
    for number in 0..40 {
        let name = format!("{number:02}{}", phrase(4));
        let id = app.uploaded(&[("x.csv", &report("kw", number))], &[("name", &name)]).await;
        let notes = phrase(5);
        app.patch(&format!("/api/sessions/{id}"), &json!({"notes": notes})).await.expect(200);
        known.push((name.clone(), [name, notes, "x.csv".to_owned()]));
    }
    for _ in 0..200 {
        let words: Vec<String> = (0..2).map(|_| phrase(2)).collect();
        let holds = |texts: &[String; 3], word: &String| {
            let fold = |text: &str| text.to_lowercase();
            texts.iter().any(|text| fold(text).contains(&fold(word)))
        };
        let each: Vec<String> = words.iter().flat_map(|word| word.split(' ').map(str::to_owned)).collect();
        let expected: Vec<&String> = known
            .iter()
            .filter(|(_, texts)| each.iter().all(|word| holds(texts, word)))
            .map(|(name, _)| name)
            .collect();
        assert_eq!(found(&app, "q", &words.join(" ")).await.iter().collect::<Vec<_>>(), expected, "{words:?}");
    }
}

#[cfg(feature = "sql")]
#[tokio::test]
async fn queries_are_saved_carried_out_and_forgotten() {
    let app = TestApp::start().await;
    let id = parsed(&app, "Autumn", "KMUH", "a.csv", "kw").await;
    let put = |name: &str, query: &serde_json::Value| {
        let request = reqwest::Client::new().put(app.url(&format!("/api/queries/{}", encoded(name)))).json(query);
        async { request.send().await.unwrap() }
    };
    let query =
        json!({"sql": "SELECT max(kw) AS most FROM parsed WHERE kw < $1", "description": "Most", "session_id": id});
    assert_eq!(put("冰水 kW?", &query).await.status(), 200);
    let listed = app.get("/api/queries").await.expect(200);
    assert_eq!((&listed["queries"][0]["name"], &listed["queries"][0]["sql"]), (&json!("冰水 kW?"), &query["sql"]));
    let path = format!("/api/queries/{}", encoded("冰水 kW?"));
    let answer = app.post(&path, &json!({"params": [1000]})).await.expect(200);
    // 6 letters of its name × 7 + 2 of its point, and one more in the second row.
    assert_eq!(answer["rows"], json!([[45.0]]));
    let again = json!({"sql": "SELECT 2 AS two"});
    assert_eq!(put("冰水 kW?", &again).await.status(), 200);
    assert_eq!(app.post(&path, &json!({})).await.expect(200)["rows"], json!([[2]]));
    for bad in ["DELETE FROM sessions", "SELEC 1", ""] {
        assert_eq!(put("bad", &json!({"sql": bad})).await.status(), 422, "{bad}");
    }
    assert_eq!(put(" ", &again).await.status(), 422);
    app.delete(&path).await.expect(204);
    app.get(&path).await.expect_problem(404, "unknown_query");
    app.delete(&path).await.expect_problem(404, "unknown_query");
}

#[tokio::test]
async fn lineage_is_drawn() {
    let app = TestApp::start().await;
    let files: Vec<(String, Vec<u8>)> =
        (0..9).map(|n| (format!("<b>&\"{n}.csv"), report(&format!("kw{n}"), n))).collect();
    let files: Vec<(&str, &[u8])> = files.iter().map(|(name, bytes)| (name.as_str(), bytes.as_slice())).collect();
    let answer = app.parsed(&files, &[("name", "Autumn"), ("timezone", "UTC")]).await;
    let id = answer["session_id"].as_str().unwrap();
    app.post("/api/clean", &json!({"session_id": id, "resample_interval": null})).await.expect(200);
    let drawing = app.get(&format!("/api/sessions/{id}/lineage.svg")).await;
    assert_eq!((drawing.status, drawing.header("content-type")), (200, "image/svg+xml"));
    assert!(drawing.header("content-security-policy").starts_with("default-src 'none'"));
    let svg = drawing.text();
    for text in ["9 files", "&lt;b&gt;", "parsed-v1", "cleaned-v1"] {
        assert!(svg.contains(text), "{text}: {svg}");
    }
    // From the files to the parse, and from it to the cleaning.
    assert!(!svg.contains("<b>") && svg.matches("<path").count() == 2, "{svg}");
    app.get("/api/sessions/nobody/lineage.svg").await.expect_problem(404, "unknown_session");
}
