//! What can be seen of the service from outside: figures, state, settings, logs and traces.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use hvac_analytics::metric_names::{self, Kind};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::helpers::{Client, Process, TestApp};

mod documents;
mod logs;
mod traces;

const REPORT: &[u8] = b"timestamp,CH1_kW\n2024-07-01 00:00,1\n2024-07-01 00:15,2\n2024-07-01 00:30,3\n";

/// A server that has done some of everything, and the session that it did it with.
pub struct Busy {
    pub server: Process,
    pub client: Client,
    pub session_id: String,
    pub folder: TempDir,
}

impl Busy {
    pub async fn start() -> Self {
        let folder = TempDir::new().unwrap();
        let server = Process::serve(folder.path(), &[]);
        let client = Client::of(&server);
        let uploaded = client.upload("TR_Secret.csv", REPORT.to_vec()).await.unwrap();
        let session_id = uploaded["session_id"].as_str().unwrap().to_owned();
        let named = json!({"session_id": session_id, "name": "Planted name", "site": "Planted site"});
        client.post("/api/parse", &named).await.unwrap();
        let preview = format!("/api/data/preview?session_id={session_id}&rows=2");
        for _ in 0..3 {
            assert_eq!(client.get(&preview).await.0, 200);
        }
        let cleaning = json!({"session_id": session_id, "resample_interval": null});
        client.post("/api/clean", &cleaning).await.unwrap();
        assert_eq!(client.get(&format!("/api/sessions/{session_id}")).await.0, 200);
        assert_eq!(client.get("/api/nothing/at/planted").await.0, 404);
        assert_eq!(client.get("/api/sessions?page=0").await.0, 422);
        Self { server, client, session_id, folder }
    }

    pub async fn scrape(&self) -> String {
        let (status, body) = self.client.get("/metrics").await;
        assert_eq!(status, 200);
        String::from_utf8(body.to_vec()).unwrap()
    }
}

/// The value of a series, written as in the text.
fn value(text: &str, series: &str) -> f64 {
    let line = text.lines().find_map(|line| line.strip_prefix(series)?.strip_prefix(' '));
    line.unwrap_or_else(|| panic!("no {series} in {text}")).parse().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn metrics_count_what_was_done_and_tell_nothing_of_it() {
    let busy = Busy::start().await;
    // The second has the first among its requests.
    busy.scrape().await;
    let text = busy.scrape().await;
    let is = |series: &str, expected: f64| assert_eq!(value(&text, series), expected, "{series}");
    is("hvac_http_requests_total{route=\"/api/data/preview\",method=\"GET\",status=\"200\"}", 3.0);
    is("hvac_http_requests_total{route=\"/api/sessions\",method=\"GET\",status=\"422\"}", 1.0);
    is("hvac_http_requests_total{route=\"/api/sessions/{id}\",method=\"GET\",status=\"200\"}", 1.0);
    is("hvac_http_requests_total{route=\"-\",method=\"GET\",status=\"404\"}", 1.0);
    is("hvac_http_request_duration_seconds_count{route=\"/api/data/preview\",method=\"GET\"}", 3.0);
    is("hvac_http_request_duration_seconds_bucket{route=\"/api/data/preview\",method=\"GET\",le=\"+Inf\"}", 3.0);
    is("hvac_http_requests_in_flight", 1.0);
    is("hvac_jobs_ended_total{kind=\"clean\",state=\"completed\"}", 1.0);
    is("hvac_jobs_ended_total{kind=\"train\",state=\"failed\"}", 0.0);
    is("hvac_job_duration_seconds_count{kind=\"clean\"}", 1.0);
    is("hvac_jobs{kind=\"clean\",state=\"queued\"}", 0.0);
    is("hvac_parsed_rows_total", 3.0);
    is("hvac_sessions", 1.0);
    is("hvac_cache_up{level=\"memory\"}", 1.0);
    is("hvac_cache_up{level=\"redis\"}", 0.0);
    is("hvac_memory_budget_waiters{budget=\"parses\"}", 0.0);
    is("hvac_memory_budget_bytes{budget=\"answers\"}", 268_435_456.0);
    is("hvac_database_transactions_total{result=\"failed\"}", 0.0);
    is("hvac_connections_refused_total{protocol=\"http\",reason=\"full\"}", 0.0);
    // By the folder, not by the catalogue.
    let session = busy.folder.path().join("data/sessions").join(&busy.session_id);
    let size = |name: &str| std::fs::metadata(session.join(name)).unwrap().len() as f64;
    is("hvac_stored_bytes{kind=\"raw\"}", REPORT.len() as f64);
    is("hvac_stored_bytes{kind=\"parsed\"}", size("parsed-v1.parquet"));
    is("hvac_stored_bytes{kind=\"cleaned\"}", size("cleaned-v1.parquet") + size("cleaned-v1.events.parquet"));
    let more_than =
        |series: &str, least: f64| assert!(value(&text, series) > least, "{series} {}", value(&text, series));
    more_than("hvac_cache_hits_total{level=\"memory\"}", 1.0);
    more_than("hvac_cache_misses_total{level=\"memory\"}", 0.0);
    more_than("hvac_cache_bytes{level=\"memory\"}", 100.0);
    more_than("hvac_connections_open{protocol=\"http\"}", 0.0);
    more_than("hvac_database_read_seconds_count", 5.0);
    more_than("hvac_database_write_held_seconds_sum", 0.0);
    more_than("hvac_storage_free_bytes", 1e6);
    let commits = value(&text, "hvac_database_transactions_total{result=\"committed\"}");
    let (waits, holds) = ("hvac_database_write_wait_seconds_count", "hvac_database_write_held_seconds_count");
    // Those before the server counted are not among them.
    assert!(commits >= value(&text, holds) - 1.0 && value(&text, waits) >= value(&text, holds), "{text}");
    if cfg!(target_os = "linux") {
        let kernel = std::fs::read_to_string(format!("/proc/{}/status", busy.server.id())).unwrap();
        let rss = kernel.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap().trim();
        let rss_bytes = rss.split(' ').next().unwrap().parse::<f64>().unwrap() * 1024.0;
        let told = value(&text, "process_resident_memory_bytes");
        assert!((0.5..2.0).contains(&(told / rss_bytes)), "{told} or {rss_bytes}");
        let open = std::fs::read_dir(format!("/proc/{}/fd", busy.server.id())).unwrap().count() as f64;
        assert!((value(&text, "process_open_fds") - open).abs() <= 3.0, "{open}: {text}");
        more_than("process_max_fds", open);
    }
    for planted in [busy.session_id.as_str(), "Planted", "planted", "TR_", "kW", "127.0.0.1"] {
        assert!(!text.contains(planted), "{planted} in {text}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_metric_of_the_table_is_told_with_its_kind_and_meaning_and_no_other() {
    let busy = Busy::start().await;
    busy.scrape().await;
    let text = busy.scrape().await;
    let told: BTreeSet<&str> = text.lines().filter_map(|line| line.strip_prefix("# TYPE ")).collect();
    let kind = |kind: Kind| match kind {
        Kind::Counter => "counter",
        Kind::Gauge => "gauge",
        Kind::Histogram(_) => "histogram",
    };
    let table: Vec<String> = metric_names::ALL.iter().map(|m| format!("{} {}", m.name, kind(m.kind))).collect();
    assert_eq!(told, table.iter().map(String::as_str).collect());
    for metric in metric_names::ALL {
        let help = format!("# HELP {} {}", metric.name, metric.meaning);
        assert!(text.lines().any(|line| line == help), "{help}");
        let labels: BTreeSet<&str> = metric.labels.iter().copied().collect();
        let of_series = text.lines().filter(|line| line.starts_with(metric.name)).filter_map(|line| {
            let rest = line.split([' ', '{']).next().unwrap().strip_prefix(metric.name)?;
            ["", "_bucket", "_sum", "_count"].contains(&rest).then_some(line)
        });
        for line in of_series {
            let within = line.split_once('{').map_or("", |(_, rest)| rest.rsplit_once('}').unwrap().0);
            let names = within.split("\",").filter_map(|pair| pair.split_once("=\"")).map(|(name, _)| name);
            assert_eq!(names.filter(|name| *name != "le").collect::<BTreeSet<_>>(), labels, "{line}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_cannot_make_series_of_its_own() {
    let app = TestApp::start().await;
    for method in ["BREW", "PROPFIND", "DELETE"] {
        let method = reqwest::Method::from_bytes(method.as_bytes()).unwrap();
        assert_eq!(app.request(method, "/api/sessions", |request| request).await.status, 405);
    }
    for number in 0..20 {
        app.get(&format!("/api/made/up/{number}")).await.expect_problem(404, "no_such_route");
        app.get(&format!("/api/sessions/{number}")).await.expect_problem(404, "unknown_session");
    }
    let text = app.get("/metrics").await.text();
    assert!(text.contains("{route=\"/api/sessions\",method=\"OTHER\",status=\"405\"}"), "{text}");
    assert!(!text.contains("route=\"/api/sessions\",method=\"DELETE\""), "{text}");
    assert!(!text.contains("BREW") && !text.contains("made/up") && !text.contains("/api/sessions/1"), "{text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_figures_come_as_json() {
    let busy = Busy::start().await;
    let text = busy.scrape().await;
    let (status, body) = busy.client.get("/api/v1/system/metrics").await;
    let document: Value = serde_json::from_slice(&body).unwrap();
    assert_eq!(status, 200, "{document}");
    let families: BTreeMap<&str, &Value> = document["metrics"]
        .as_array()
        .unwrap()
        .iter()
        .map(|family| (family["name"].as_str().unwrap(), family))
        .collect();
    assert_eq!(families.len(), metric_names::ALL.len());
    let rows = &families["hvac_parsed_rows_total"];
    assert_eq!(
        **rows,
        json!({
            "name": "hvac_parsed_rows_total", "type": "counter", "unit": "count",
            "meaning": "Rows of datasets that parses stored.", "samples": [{"labels": {}, "value": 3.0}],
        })
    );
    let previews = families["hvac_http_request_duration_seconds"]["samples"].as_array().unwrap();
    let of_previews = json!({"route": "/api/data/preview", "method": "GET"});
    let previews = previews.iter().find(|sample| sample["labels"] == of_previews).unwrap();
    assert_eq!(previews["count"], 3.0, "{previews}");
    let series = "hvac_http_request_duration_seconds_sum{route=\"/api/data/preview\",method=\"GET\"}";
    assert_eq!(previews["sum"].as_f64().unwrap(), value(&text, series));
    let buckets = previews["buckets"].as_array().unwrap();
    assert!(buckets.windows(2).all(|two| two[0]["at_most"].as_f64() < two[1]["at_most"].as_f64()), "{previews}");
    assert!(buckets.windows(2).all(|two| two[0]["count"].as_f64() <= two[1]["count"].as_f64()), "{previews}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_status_is_short() {
    let app = TestApp::start_with(&[("INSTANCE", "plant-server")]).await;
    let empty = app.get("/api/status").await.expect(200);
    assert_eq!((&empty["sessions"], &empty["stored_bytes"]), (&json!(0), &json!(0)), "{empty}");
    app.parsed(&[("TR_A.csv", REPORT)], &[("timezone", "UTC")]).await;
    // The sums are a minute old at most.
    let app = app.restart().await;
    let status = app.get("/api/v1/status").await.expect(200);
    assert_eq!(status["status"], "ok");
    assert_eq!(status["instance"], "plant-server");
    assert_eq!(status["version"], env!("CARGO_PKG_VERSION"));
    assert_eq!((&status["database"], &status["storage"]), (&json!("ok"), &json!("ok")));
    assert_eq!(
        (&status["sessions"], &status["jobs_queued"], &status["jobs_running"]),
        (&json!(1), &json!(0), &json!(0))
    );
    assert!(status["stored_bytes"].as_u64().unwrap() > REPORT.len() as u64, "{status}");
}

#[test]
fn settings_say_where_they_came_from_and_hide_secrets() {
    let folder = TempDir::new().unwrap();
    std::fs::write(folder.path().join(".env"), "SITE_TIMEZONE=Asia/Taipei\nCACHE_TTL_SECONDS=60\n").unwrap();
    let mut command = Process::command(folder.path(), &["serve", "--log-format", "json"]);
    command.env("CACHE_TTL_SECONDS", "120").env("REDIS_URL", "redis://me:planted-word@127.0.0.1:1/0");
    let server = Process::serve_by(folder.path(), command);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let (status, body) = runtime.block_on(Client::of(&server).get("/api/v1/system/config"));
    let document: Value = serde_json::from_slice(&body).unwrap();
    assert_eq!(status, 200, "{document}");
    let all = document["settings"].as_array().unwrap();
    let names: Vec<&str> = all.iter().map(|setting| setting["name"].as_str().unwrap()).collect();
    assert_eq!(names, hvac_analytics::config::SETTINGS.iter().map(|setting| setting.variable).collect::<Vec<_>>());
    let of = |name: &str| {
        let setting = all.iter().find(|setting| setting["name"] == name).unwrap();
        (setting["value"].clone(), setting["origin"].as_str().unwrap().to_owned())
    };
    assert_eq!(of("LOG_FORMAT"), (json!("json"), "flag".to_owned()));
    assert_eq!(of("CACHE_TTL_SECONDS"), (json!("120"), "environment".to_owned()), "the environment wins over the file");
    assert_eq!(of("SITE_TIMEZONE"), (json!("Asia/Taipei"), "env_file".to_owned()));
    assert_eq!(of("HOST"), (json!("127.0.0.1"), "default".to_owned()));
    assert_eq!(of("POINT_WORDS"), (Value::Null, "default".to_owned()));
    assert_eq!(of("REDIS_URL"), (json!("redis://me:***@127.0.0.1:1/0"), "environment".to_owned()));
    let seen = format!("{document}{}{}", server.stdout(), server.stderr());
    assert!(!seen.contains("planted-word"), "{seen}");
}

/// What `promtool` says of a text; it must be nothing.
fn promtool(arguments: &[&str], text: &str) {
    let command = Command::new("promtool")
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn();
    let mut child = command.expect("promtool must be installed: scripts/test does it");
    child.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
    let ran = child.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&ran.stdout).into_owned() + &String::from_utf8_lossy(&ran.stderr);
    assert!(ran.status.success() && !said.contains("no help text"), "{arguments:?}: {said}\n{text}");
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs promtool, of the package prometheus: scripts/test installs it"]
async fn promtool_finds_nothing_wrong_with_the_metrics() {
    let busy = Busy::start().await;
    busy.scrape().await;
    promtool(&["check", "metrics"], &busy.scrape().await);
}

#[test]
#[ignore = "needs promtool, of the package prometheus: scripts/test installs it"]
fn promtool_has_the_alert_rules_fire_when_they_should() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/grafana");
    let file = |name: &str| folder.join(name).to_str().unwrap().to_owned();
    promtool(&["check", "rules", &file("alerts.yml")], "");
    promtool(&["test", "rules", &file("alerts.test.yml")], "");
}
