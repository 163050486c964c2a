//! SQL over stored sessions: what it reads, what it refuses, what it costs others. That answers are right is for
//! `scripts/queries` to say, which asks DuckDB too; figures here are worked by hand or published.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::helpers::TestApp;

/// Four quarter-hours of two points whose names differ in case only, a state, and a value that is not there.
const REPORT: &[u8] = b"time,kW,KW,mode\n2024-07-01 00:00,10,1,cool\n2024-07-01 00:15,,2,cool\n2024-07-01 00:30,30,3,heat\n2024-07-01 00:45,50,4,cool\n";

async fn with_report(app: &TestApp, name: &str) -> String {
    let fields = [("timezone", "Asia/Taipei"), ("name", name), ("site", "KMUH")];
    app.parsed(&[("plant.csv", REPORT)], &fields).await["session_id"].as_str().unwrap().to_owned()
}

async fn rows(app: &TestApp, sql: &str) -> Value {
    app.post("/api/query", &json!({"sql": sql})).await.expect(200)["rows"].clone()
}

#[tokio::test]
async fn sessions_are_schemas_by_id_and_by_name() {
    let app = TestApp::start().await;
    let first = with_report(&app, "Autumn 冰水").await;
    assert_eq!(rows(&app, "SELECT count(*) FROM parsed").await, json!([[4]]));
    assert_eq!(rows(&app, &format!("SELECT count(*) FROM \"{first}\".PARSED_V1")).await, json!([[4]]));
    assert_eq!(rows(&app, "SELECT max(p.\"KW\") FROM \"autumn 冰水\".latest p").await, json!([[4.0]]));

    let second = with_report(&app, "Autumn 冰水").await;
    let refused = app.post("/api/query", &json!({"sql": "SELECT 1 FROM \"Autumn 冰水\".parsed"})).await;
    let problem = refused.expect_problem(409, "ambiguous_session");
    for id in [&first, &second] {
        assert!(problem["detail"].as_str().unwrap().contains(id.as_str()), "{problem}");
    }
    assert_eq!(app.delete(&format!("/api/sessions/{second}")).await.status, 204);
    assert_eq!(rows(&app, "SELECT count(*) FROM \"Autumn 冰水\".parsed").await, json!([[4]]));
    assert_eq!(rows(&app, "SELECT id FROM sessions").await, json!([[first]]));
    let gone = json!({"sql": format!("SELECT 1 FROM \"{second}\".parsed")});
    app.post("/api/query", &gone).await.expect_problem(404, "unknown_session");
    app.post("/api/query", &json!({"sql": "SELECT 1 FROM cleaned"})).await.expect_problem(404, "unknown_version");
}

#[tokio::test]
async fn names_match_whatever_their_case_and_two_that_differ_in_it_are_told_apart() {
    let app = TestApp::start().await;
    with_report(&app, "One").await;
    assert_eq!(rows(&app, "SELECT sum(\"kW\"), sum(\"KW\"), count(MODE) FROM Parsed").await, json!([[90.0, 10.0, 4]]));
    let both = app.post("/api/query", &json!({"sql": "SELECT sum(Kw) FROM parsed"})).await;
    let problem = both.expect_problem(422, "unknown_column");
    assert!(problem["detail"].as_str().unwrap().contains("\"kW\" or \"KW\""), "{problem}");
    let near = app.post("/api/query", &json!({"sql": "SELECT modus FROM parsed"})).await;
    assert!(near.expect_problem(422, "unknown_column")["detail"].as_str().unwrap().contains("mode"));
    // The table before a name says which of two sessions' spellings is meant.
    let other = b"time,Kw\n2024-07-01 00:00,7\n2024-07-01 00:15,8\n";
    app.parsed(&[("other.csv", other)], &[("timezone", "Asia/Taipei"), ("name", "Two")]).await;
    let joined = "SELECT sum(b.KW), sum(two.parsed.kW), sum(a.\"KW\") FROM one.parsed a JOIN two.parsed b USING (timestamp) WHERE b.kw > 6";
    app.post("/api/query", &json!({"sql": joined})).await.expect_problem(422, "unknown_column");
    let joined = joined.replace("two.parsed.kW", "b.kW");
    assert_eq!(rows(&app, &joined).await, json!([[15.0, 15.0, 3.0]]));
    let named =
        rows(&app, "SELECT Total FROM (SELECT sum(\"kW\") AS total FROM one.parsed) AS T WHERE t.TOTAL > 1").await;
    assert_eq!(named, json!([[90.0]]));
}

#[tokio::test]
async fn an_answer_has_columns_rows_and_whether_there_are_more() {
    let app = TestApp::start().await;
    let id = with_report(&app, "One").await;
    let asked = json!({"sql": "SELECT timestamp, \"kW\", mode FROM parsed WHERE \"KW\" >= $1 ORDER BY timestamp", "params": [2], "limit": 2, "session_id": id});
    let answer = app.post("/api/v1/query", &asked).await.expect(200);
    assert_eq!(
        answer["columns"],
        json!([
            {"name": "timestamp", "type": "timestamp with time zone"},
            {"name": "kW", "type": "double"},
            {"name": "mode", "type": "text"},
        ])
    );
    assert_eq!(
        answer["rows"],
        json!([["2024-07-01T00:15:00+08:00", null, "cool"], ["2024-07-01T00:30:00+08:00", 30.0, "heat"]])
    );
    assert_eq!((&answer["row_count"], &answer["truncated"]), (&json!(2), &json!(true)));
    let whole = json!({"sql": "SELECT mode FROM parsed WHERE mode = $mode", "params": {"mode": "heat"}, "limit": 1});
    let whole = app.post("/api/query", &whole).await.expect(200);
    assert_eq!((&whole["rows"], &whole["truncated"]), (&json!([["heat"]]), &json!(false)));
    assert!(rows(&app, "EXPLAIN SELECT sum(\"KW\") FROM parsed").await.to_string().contains("parquet"));
}

#[tokio::test]
async fn an_answer_comes_in_the_format_asked_for() {
    let app = TestApp::start().await;
    with_report(&app, "One").await;
    let sql = "SELECT timestamp, \"kW\" FROM parsed ORDER BY timestamp";
    let csv = app.post("/api/query", &json!({"sql": sql, "format": "csv"})).await;
    assert_eq!(csv.status, 200);
    assert_eq!(csv.header("content-type"), "text/csv; charset=utf-8");
    assert_eq!(
        csv.text().lines().take(3).collect::<Vec<_>>(),
        ["timestamp,kW", "2024-07-01T00:00:00+08:00,10.0", "2024-07-01T00:15:00+08:00,"]
    );
    let lines = app.post("/api/query", &json!({"sql": sql, "format": "ndjson"})).await.text();
    assert_eq!(lines.lines().nth(1), Some("{\"timestamp\":\"2024-07-01T00:15:00+08:00\",\"kW\":null}"));
    for (format, begins) in [("parquet", &b"PAR1"[..]), ("arrow", b"ARROW1"), ("arrow_stream", b"\xff\xff\xff\xff")] {
        let file = app.post("/api/query", &json!({"sql": sql, "format": format})).await;
        assert!(file.body.starts_with(begins), "{format}");
    }
    let empty = app.post("/api/query", &json!({"sql": "SELECT mode FROM parsed WHERE false", "format": "csv"})).await;
    assert_eq!(empty.text(), "mode\n");
    app.post("/api/query", &json!({"sql": sql, "format": "xml"})).await.expect_problem(422, "unknown_format");
    let request = app.client.post(app.url("/api/query")).header("accept", "text/html, text/csv;q=0.9");
    let accepted = request.json(&json!({"sql": "SELECT 1 AS one"})).send().await.unwrap();
    assert_eq!(accepted.text().await.unwrap(), "one\n1\n");
}

/// Nothing but a query is carried out, whatever it is wrapped in, and nothing outside the store is read.
#[tokio::test]
async fn nothing_but_queries_of_stored_tables_is_carried_out() {
    let app = TestApp::start().await;
    with_report(&app, "One").await;
    let outside = app.data_dir().join("secret.csv");
    std::fs::write(&outside, "a\nsecret\n").unwrap();
    let file = outside.display().to_string();
    let refused = [
        "INSERT INTO parsed VALUES (1)".to_owned(),
        "UPDATE sessions SET name = 'x'".to_owned(),
        "DELETE FROM sessions".to_owned(),
        "DROP TABLE parsed".to_owned(),
        "CREATE TABLE x AS SELECT 1".to_owned(),
        "CREATE VIEW x AS SELECT 1".to_owned(),
        "SELECT * INTO x FROM parsed".to_owned(),
        format!("COPY parsed TO '{file}.parquet'"),
        format!("COPY (SELECT 1) TO '{file}.csv' STORED AS CSV"),
        format!("EXPLAIN COPY parsed TO '{file}.parquet'"),
        format!("EXPLAIN ANALYZE COPY parsed TO '{file}.parquet' STORED AS PARQUET"),
        format!("CREATE EXTERNAL TABLE x STORED AS CSV LOCATION '{file}'"),
        format!("SELECT * FROM '{file}'"),
        format!("SELECT * FROM \"{file}\""),
        format!("SELECT * FROM \"file://{file}\".parsed"),
        format!("SELECT * FROM read_csv('{file}')"),
        format!("SELECT * FROM parquet_metadata('{file}')"),
        "SET datafusion.execution.batch_size = 1".to_owned(),
        "RESET datafusion.execution.batch_size".to_owned(),
        "SHOW ALL".to_owned(),
        "SHOW TABLES".to_owned(),
        "PREPARE q AS SELECT 1".to_owned(),
        "EXECUTE q".to_owned(),
        "BEGIN".to_owned(),
        "SELECT 1; SELECT 2".to_owned(),
        "SELECT 1; DROP TABLE parsed".to_owned(),
        "WITH x AS (INSERT INTO parsed VALUES (1) RETURNING *) SELECT * FROM x".to_owned(),
        "SELECT * FROM information_schema.df_settings".to_owned(),
        "TRUNCATE TABLE parsed".to_owned(),
        "CREATE FUNCTION f() RETURNS INT RETURN 1".to_owned(),
        "LOAD 'x'".to_owned(),
        "ATTACH 'x' AS y".to_owned(),
    ];
    for sql in refused {
        let answer = app.post("/api/query", &json!({"sql": sql})).await;
        assert!((400..500).contains(&answer.status), "{sql}: {} {}", answer.status, answer.text());
        assert!(!answer.text().contains("secret\\n") && !answer.text().contains("\"secret\""), "{sql}");
    }
    let left: Vec<_> = std::fs::read_dir(app.data_dir()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert!(!left.iter().any(|name| name.to_string_lossy().starts_with("secret.csv.")), "{left:?}");
    assert_eq!(rows(&app, "SELECT count(*) FROM parsed").await, json!([[4]]));
}

#[tokio::test]
async fn what_is_wrong_is_named_with_its_place() {
    let app = TestApp::start().await;
    with_report(&app, "One").await;
    let refused = async |sql: &str, code: &str, told: &str| {
        let problem = app.post("/api/query", &json!({"sql": sql})).await.expect_problem(422, code);
        assert!(problem["detail"].as_str().unwrap().contains(told), "{sql}: {problem}");
        assert_eq!(problem["errors"][0]["field"], "sql", "{sql}");
    };
    refused("SELECT mode\nFORM parsed WHERE", "sql_syntax", "Line: 2").await;
    refused("SELECT 'open FROM parsed", "sql_syntax", "Line: 1").await;
    refused("", "sql_syntax", "no statement").await;
    refused("DELETE FROM parsed", "not_a_query", "DELETE").await;
    refused("SELECT 1 FROM prased", "unknown_table", "parsed").await;
    refused("SELECT 1 FROM sesions", "unknown_table", "sessions").await;
    refused("SELECT nothing(mode) FROM parsed", "bad_sql", "nothing").await;
    refused("SELECT sum(mode) FROM parsed", "bad_sql", "sum").await;
    refused("SELECT 1 / 0", "bad_sql", "ivide by zero").await;
    refused(&format!("SELECT {}1{}", "(".repeat(200), ")".repeat(200)), "sql_syntax", "nested").await;
    refused(&format!("SELECT '{}'", "x".repeat(70_000)), "sql_syntax", "at most").await;
    let chain = |links: usize| format!("SELECT count(*) FROM parsed WHERE {}", vec!["\"KW\" = 1"; links].join(" OR "));
    refused(&chain(5_000), "sql_syntax", "IN (").await;
    assert_eq!(rows(&app, &chain(450)).await, json!([[1]]));
    let list = vec!["1"; 10_000].join(", ");
    assert_eq!(rows(&app, &format!("SELECT count(*) FROM parsed WHERE \"KW\" IN ({list})")).await, json!([[1]]));
    app.post("/api/query", &json!({"sql": "SELECT 1", "limit": 0})).await.expect_problem(422, "out_of_range");
    app.post("/api/query", &json!({"sql": "SELECT 1", "timeout_ms": 300_001}))
        .await
        .expect_problem(422, "out_of_range");
    app.post("/api/query", &json!({"sql": "SELECT 1", "sesion_id": "x"})).await.expect_problem(422, "unknown_field");
    app.post("/api/query", &json!({"sql": "SELECT $1", "params": "x"})).await.expect_problem(422, "bad_sql");
}

/// 10¹² rows are begun; who else asks is answered, and the work ends with its time or its client.
#[tokio::test(flavor = "multi_thread")]
async fn a_statement_that_never_ends_disturbs_nobody_and_ends() {
    let app = TestApp::start().await;
    let id = with_report(&app, "One").await;
    let endless =
        "SELECT count(*) FROM generate_series(1, 1000000) a(x), generate_series(1, 1000000) b(y) WHERE a.x + b.y < 0";
    let begun = Instant::now();
    let (client, url) = (app.client.clone(), app.url("/api/query"));
    let body = json!({"sql": endless, "timeout_ms": 1500});
    let asked =
        tokio::spawn(async move { client.post(url).json(&body).send().await.unwrap().json::<Value>().await.unwrap() });
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert_eq!(hvac_analytics::query::load(&app.state).0, 1);
    let preview = Instant::now();
    app.get(&format!("/api/data/preview?session_id={id}&rows=2")).await.expect(200);
    assert!(preview.elapsed() < Duration::from_millis(500), "{:?}", preview.elapsed());
    assert_eq!(rows(&app, "SELECT count(*) FROM parsed").await, json!([[4]]));
    assert_eq!(asked.await.unwrap()["code"], "query_timeout");
    assert!(begun.elapsed() < Duration::from_secs(6), "{:?}", begun.elapsed());

    let leaving =
        app.client.post(app.url("/api/query")).json(&json!({"sql": endless})).timeout(Duration::from_millis(300));
    assert!(leaving.send().await.unwrap_err().is_timeout());
    let left = Instant::now();
    while hvac_analytics::query::load(&app.state).0 > 0 {
        assert!(left.elapsed() < Duration::from_secs(5), "the statement goes on without its client");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert_eq!(app.get("/api/health").await.expect(200)["checks"]["queries"]["running"], 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_statement_that_needs_too_much_memory_is_told_so_and_the_next_is_answered() {
    let app = TestApp::start_with(&[("QUERY_MEMORY_BYTES", "16777216"), ("QUERY_SPILL_BYTES", "0")]).await;
    let big = "SELECT count(*) FROM (SELECT DISTINCT x * 7919 AS y, x::VARCHAR || 'a long text that takes its room' AS t FROM generate_series(1, 3000000) s(x))";
    let problem = app.post("/api/query", &json!({"sql": big})).await.expect_problem(422, "query_memory");
    assert!(problem["detail"].as_str().unwrap().contains("QUERY_MEMORY_BYTES"), "{problem}");
    assert_eq!(rows(&app, "SELECT count(*) FROM generate_series(1, 1000)").await, json!([[1000]]));
    let ended = Instant::now();
    while hvac_analytics::query::load(&app.state) != (0, 0) {
        assert!(ended.elapsed() < Duration::from_secs(5), "{:?} is held", hvac_analytics::query::load(&app.state));
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    // What may be written beside memory is.
    let app = TestApp::start_with(&[("QUERY_MEMORY_BYTES", "33554432")]).await;
    let sorted = "SELECT max(n) FROM (SELECT row_number() OVER (ORDER BY x * 7919 % 1000003, x) AS n \
                  FROM generate_series(1, 2000000) s(x))";
    assert_eq!(rows(&app, sorted).await, json!([[2_000_000]]));
}

#[tokio::test]
async fn history_is_one_table_of_readings() {
    let app = TestApp::start().await;
    let first = with_report(&app, "One").await;
    let taipei = with_report(&app, "Two").await;
    app.patch(&format!("/api/sessions/{taipei}"), &json!({"site": "North"})).await.expect(200);
    // Three of kW, four of KW and four states a session.
    assert_eq!(rows(&app, "SELECT count(*), count(value), count(state) FROM all_readings").await, json!([[22, 14, 8]]));
    let by_site = "SELECT site, point, avg(value), min(time) FROM all_readings WHERE point ILIKE 'kw' AND time > '2024-07-01 00:10' GROUP BY site, point ORDER BY site, point";
    assert_eq!(
        rows(&app, by_site).await,
        json!([
            ["KMUH", "KW", 3.0, "2024-07-01T00:15:00+08:00"],
            ["KMUH", "kW", 40.0, "2024-07-01T00:30:00+08:00"],
            ["North", "KW", 3.0, "2024-07-01T00:15:00+08:00"],
            ["North", "kW", 40.0, "2024-07-01T00:30:00+08:00"],
        ])
    );
    let one = format!(
        "SELECT time, state FROM all_readings WHERE session_id = '{first}' AND point = 'mode' AND state <> 'cool'"
    );
    assert_eq!(rows(&app, &one).await, json!([["2024-07-01T00:30:00+08:00", "heat"]]));
    assert_eq!(rows(&app, "SELECT count(*) FROM all_readings WHERE site = 'nowhere'").await, json!([[0]]));
}

/// A bit of a stored file is turned over behind the program's back, after it was read well once.
#[tokio::test]
async fn damaged_files_are_refused_by_name_and_never_read() {
    let app = TestApp::start().await;
    let id = with_report(&app, "One").await;
    let asked = ["SELECT sum(\"KW\") FROM parsed", "SELECT sum(value) FROM all_readings"];
    for sql in asked {
        rows(&app, sql).await;
    }
    let path = app.storage().join(&id).join("parsed-v1.parquet");
    let mut bytes = std::fs::read(&path).unwrap();
    bytes[40] ^= 1;
    std::fs::write(&path, bytes).unwrap();
    for sql in asked {
        let problem = app.post("/api/query", &json!({"sql": sql})).await.expect_problem(409, "file_damaged");
        assert!(problem["detail"].as_str().unwrap().contains(&id), "{problem}");
    }
    let others = format!("SELECT count(*) FROM all_readings WHERE session_id <> '{id}'");
    assert_eq!(rows(&app, &others).await, json!([[0]]));
}

#[tokio::test]
async fn the_catalogue_is_tables() {
    let app = TestApp::start().await;
    let id = with_report(&app, "One").await;
    app.post("/api/clean", &json!({"session_id": id})).await.expect(200);
    assert_eq!(
        rows(&app, "SELECT name, site, status, total_rows FROM sessions").await,
        json!([["One", "KMUH", "cleaned", 4]])
    );
    assert_eq!(
        rows(&app, "SELECT session, version, row_count, start_at FROM datasets").await,
        json!([["One", 1, 4, "2024-06-30T16:00:00Z"]])
    );
    assert_eq!(
        rows(&app, "SELECT name, kind FROM columns ORDER BY position").await,
        json!([["kW", "instantaneous"], ["KW", "instantaneous"], ["mode", "text"]])
    );
    assert_eq!(rows(&app, "SELECT version, status FROM cleaning_jobs").await, json!([[1, "completed"]]));
    assert_eq!(rows(&app, "SELECT count(*) FROM models, optimization_runs").await, json!([[0]]));
}

/// 30 °C and 50 % at sea level: wet-bulb 22.0 °C and 64.3 kJ/kg (ASHRAE psychrometric chart No. 1). 24 GPM over 10 °F is
/// 10 RT; 1 000 L/min over 5 K: 0.997 · 4.186 · 1000/60 · 5 = 347.8 kW = 98.9 RT.
#[tokio::test]
async fn functions_of_the_trade() {
    let app = TestApp::start().await;
    let near = async |sql: &str, wanted: f64, within: f64| {
        let found = rows(&app, sql).await[0][0].as_f64().unwrap();
        assert!((found - wanted).abs() <= within, "{sql}: {found}");
    };
    near("SELECT wet_bulb(30, 50)", 22.0, 0.1).await;
    near("SELECT enthalpy(30, 50)", 64.3, 0.2).await;
    near("SELECT rt(24, 10, 'GPM')", 10.0, 1e-9).await;
    near("SELECT rt(1000, 5, 'L/min')", 98.89, 0.01).await;
    near("SELECT rt(60, 5, 'm3/h')", 98.89, 0.01).await;
    near("SELECT kw_per_rt(65, 100)", 0.65, 1e-9).await;
    assert_eq!(
        rows(&app, "SELECT kw_per_rt(65, 0), wet_bulb(NULL, 50), enthalpy(30, 120)").await,
        json!([[null, null, null]])
    );
    app.post("/api/query", &json!({"sql": "SELECT rt(1, 1, 'bar')"})).await.expect_problem(422, "bad_sql");

    let id = with_report(&app, "One").await;
    assert!(!id.is_empty());
    let series = "SELECT locf(\"kW\") OVER (ORDER BY timestamp), interpolate(\"kW\", timestamp) OVER (ORDER BY timestamp), counter_delta(\"kW\") OVER (ORDER BY timestamp) FROM parsed ORDER BY timestamp";
    assert_eq!(
        rows(&app, series).await,
        json!([[10.0, 10.0, null], [10.0, 20.0, null], [30.0, 30.0, 20.0], [50.0, 50.0, 20.0]])
    );
    let counter = "SELECT counter_delta(v) OVER (ORDER BY i) FROM (VALUES (1, 5), (2, 9), (3, 2), (4, NULL), (5, 6)) AS t(i, v) ORDER BY i";
    assert_eq!(rows(&app, counter).await, json!([[null], [4.0], [2.0], [null], [4.0]]));
}

/// The program as a database that files of statements are tried on.
struct Asked<'a>(&'a TestApp);

/// What was refused, in the words of its problem document.
#[derive(Debug)]
struct Refused(String);

impl std::fmt::Display for Refused {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Refused {}

#[async_trait::async_trait]
impl sqllogictest::AsyncDB for Asked<'_> {
    type Error = Refused;
    type ColumnType = sqllogictest::DefaultColumnType;

    async fn run(&mut self, sql: &str) -> Result<sqllogictest::DBOutput<Self::ColumnType>, Refused> {
        let answer = self.0.post("/api/query", &json!({"sql": sql})).await;
        let body = answer.json();
        if answer.status != 200 {
            return Err(Refused(body["detail"].as_str().unwrap().to_owned()));
        }
        let types = body["columns"].as_array().unwrap().iter().map(|_| sqllogictest::DefaultColumnType::Any).collect();
        let cell = |value: &Value| match value {
            Value::Null => "NULL".to_owned(),
            Value::String(text) => text.replace(' ', "␠"),
            other => other.to_string(),
        };
        let row = |row: &Value| row.as_array().unwrap().iter().map(cell).collect();
        Ok(sqllogictest::DBOutput::Rows { types, rows: body["rows"].as_array().unwrap().iter().map(row).collect() })
    }

    async fn shutdown(&mut self) {}
}

#[tokio::test]
async fn files_of_statements_hold() {
    let app = TestApp::start().await;
    with_report(&app, "Plant one").await;
    for entry in std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/query")).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|ending| ending == "slt") {
            let mut runner = sqllogictest::Runner::new(async || Ok(Asked(&app)));
            runner.run_file_async(&path).await.unwrap_or_else(|error| panic!("{}", error.display(false)));
        }
    }
}
