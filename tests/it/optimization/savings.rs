//! What a recommendation has saved, measured: on the plant whose power is a formula, so that it can be added up.

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Value, json};

use super::{best_hz, mapping, power_kw};
use crate::helpers::{Process, TestApp};

const START: &str = "2024-07-01T00:00:00Z";
const ROWS_A_DAY: i64 = 96;

/// Quarter-hours of some days: what they are like, and what the fans do. The machines' own power stands beside the sum
/// where `metered`; fans take 40·(f/60)³ of it.
fn report(days: std::ops::Range<i64>, metered: bool, after: impl Fn(f64, f64, f64) -> (f64, f64, f64)) -> Vec<u8> {
    let own = if metered { ",CH_1_KW,CT_1_KW" } else { "" };
    let mut text = format!("time,CH_1_RT,WBT,CT_1_HZ,TOTAL_KW{own}\n");
    for row in days.start * ROWS_A_DAY..days.end * ROWS_A_DAY {
        let (load, wet_bulb, hz) = moment(row, &after);
        let kw = power_kw(load, wet_bulb, hz);
        let at = start() + TimeDelta::minutes(15 * row);
        text += &format!("{},{load:.3},{wet_bulb:.3},{hz:.3},{kw:.4}", at.format("%Y-%m-%d %H:%M"));
        let fans = 40.0 * (hz / 60.0).powi(3);
        text += &if metered { format!(",{:.4},{fans:.4}\n", kw - fans) } else { "\n".to_owned() };
    }
    text.into_bytes()
}

fn start() -> DateTime<Utc> {
    DateTime::parse_from_rfc3339(START).unwrap().into()
}

/// Load, wet-bulb and fans by hand of a row, as `after` makes them: no two of the three go together.
fn moment(row: i64, after: impl Fn(f64, f64, f64) -> (f64, f64, f64)) -> (f64, f64, f64) {
    let spread = |step: f64| (row as f64 * step).fract();
    let (load, wet_bulb) = (180.0 + 180.0 * spread(0.819_172_5), 20.0 + 8.0 * spread(0.671_043_6));
    after(load, wet_bulb, 34.0 + 25.0 * spread(0.549_700_5))
}

fn by_hand(load: f64, wet_bulb: f64, hz: f64) -> (f64, f64, f64) {
    (load, wet_bulb, hz)
}

fn best(load: f64, wet_bulb: f64, _: f64) -> (f64, f64, f64) {
    (load, wet_bulb, best_hz(load))
}

/// kWh that those days would have taken by hand, and with the best speeds.
fn truth(days: std::ops::Range<i64>) -> (f64, f64) {
    let rows = || days.start * ROWS_A_DAY..days.end * ROWS_A_DAY;
    let kwh = |(load, wet_bulb, hz)| power_kw(load, wet_bulb, hz) / 4.0;
    (rows().map(|row| kwh(moment(row, by_hand))).sum(), rows().map(|row| kwh(moment(row, best))).sum())
}

async fn parsed(app: &TestApp, name: &str, site: &str, text: &[u8]) -> String {
    let parsed = app.parsed(&[(name, text)], &[("timezone", "UTC"), ("site", site), ("name", name)]).await;
    parsed["session_id"].as_str().unwrap().to_owned()
}

/// Three weeks by hand, a model of them, and a recommendation: its id.
async fn recommended(app: &TestApp, metered: bool) -> String {
    let session_id = parsed(app, "before.csv", "DEMO", &report(0..21, metered, by_hand)).await;
    let request = json!({
        "model_name": "plant", "session_id": session_id, "feature_mapping": mapping(), "algorithm": "physics", "wait": true,
    });
    app.post("/api/models/train", &request).await.expect(200);
    let asked = json!({
        "model": "plant", "conditions": {"load_rt": 300, "wet_bulb": 25}, "current": {"ct_fan_hz": 57},
    });
    let answer = app.post("/api/optimize", &asked).await.expect(200);
    assert_eq!(answer["change"], true, "{answer}");
    answer["run_id"].as_str().unwrap().to_owned()
}

/// The first moment of the 22nd day.
const APPLIED: &str = "2024-07-22 00:00";

fn applied() -> Value {
    json!({"applied": true, "applied_at": APPLIED})
}

#[tokio::test]
async fn what_became_of_it_is_kept_and_can_be_corrected() {
    let app = TestApp::start().await;
    let run = recommended(&app, false).await;
    let path = format!("/api/optimizations/{run}/outcome");
    let verify = format!("/api/optimizations/{run}/verify");
    assert_eq!(app.get(&format!("/api/optimizations/{run}")).await.expect(200).get("outcome"), None);
    app.get(&verify).await.expect_problem(409, "no_outcome");
    app.get("/api/optimizations/nobody/verify").await.expect_problem(404, "unknown_optimization");
    app.post("/api/optimizations/nobody/outcome", &applied()).await.expect_problem(404, "unknown_optimization");

    let refused = async |body: Value, code: &str, field: &str| {
        let problem = app.post(&path, &body).await.expect_problem(422, code);
        assert_eq!(problem["errors"][0]["field"], field, "{problem}");
    };
    refused(json!({"applied": true}), "invalid_field", "applied_at").await;
    refused(json!({"applied": false, "applied_at": APPLIED}), "invalid_field", "applied_at").await;
    refused(json!({"applied": true, "applied_at": "soon"}), "bad_time", "applied_at").await;
    refused(json!({"applied": true, "applied_at": "2999-01-01"}), "bad_time_range", "applied_at").await;
    refused(
        json!({"applied": true, "applied_at": APPLIED, "applied_until": "2024-07-21"}),
        "bad_time_range",
        "applied_until",
    )
    .await;
    refused(json!({"applied": true, "applied_at": APPLIED, "note": "x".repeat(2001)}), "text_too_long", "note").await;
    refused(json!({"aplied": true}), "unknown_field", "aplied").await;
    app.post(&path, &json!({"applied_at": APPLIED})).await.expect_problem(422, "invalid_body");
    let nobody = json!({"applied": true, "applied_at": APPLIED, "session_id": "nobody"});
    app.post(&path, &nobody).await.expect_problem(404, "unknown_session");

    let first = app.post(&path, &json!({"applied": false, "note": "too warm"})).await.expect(200);
    assert_eq!((&first["revision"], &first["applied"], &first["note"]), (&json!(1), &json!(false), &json!("too warm")));
    app.get(&verify).await.expect_problem(409, "not_applied");
    let second = app.post(&path, &applied()).await.expect(200);
    assert_eq!(
        (&second["revision"], &second["applied_at"], &second["note"]),
        (&json!(2), &json!("2024-07-22T00:00:00.000Z"), &Value::Null)
    );
    assert_eq!(app.post(&path, &applied()).await.expect(200), second, "the same again changes nothing");

    let app = app.restart().await;
    assert_eq!(app.get(&format!("/api/optimizations/{run}")).await.expect(200)["outcome"], second);
    let listed = app.get("/api/optimizations").await.expect(200);
    let of_run = listed["items"].as_array().unwrap().iter().find(|item| item["run_id"] == *run).unwrap();
    assert_eq!(of_run["outcome"], second, "the last that was stated");
    assert_eq!(app.get("/api/models").await.expect(200)["models"][0]["can_optimize"], true);
    let model =
        app.get("/api/models/by-name/plant").await.expect(200)["versions"][0]["id"].as_str().unwrap().to_owned();
    app.delete(&format!("/api/models/{model}?force=true")).await.expect(204);
    app.get(&verify).await.expect_problem(404, "unknown_optimization");
}

#[tokio::test]
async fn savings_are_what_the_formula_says_over_http_and_on_the_command_line() {
    let app = TestApp::start().await;
    let run = recommended(&app, false).await;
    let path = format!("/api/optimizations/{run}");
    let mut outcome = applied();
    outcome["note"] = json!("<b>by hand</b> & 'late'");
    app.post(&format!("{path}/outcome"), &outcome).await.expect(200);
    let problem = app.get(&format!("{path}/verify")).await.expect_problem(422, "too_few_days");
    assert!(problem["detail"].as_str().unwrap().starts_with("0 days after"), "{problem}");

    // Of another site first: it is not looked at.
    parsed(&app, "other.csv", "OTHER", &report(21..35, false, by_hand)).await;
    let after = parsed(&app, "after.csv", "DEMO", &report(21..35, false, best)).await;
    let report = app.get(&format!("{path}/verify")).await.expect(200);
    let number = |pointer: &str| report.pointer(pointer).and_then(Value::as_f64).unwrap_or(f64::NAN);
    let (by_hand_kwh, best_kwh) = truth(21..35);
    assert!((number("/savings/measured_kwh") - best_kwh).abs() < 0.1, "{report} {best_kwh}");
    let saved = by_hand_kwh - best_kwh;
    assert!(
        (number("/savings/lower_kwh")..number("/savings/upper_kwh")).contains(&saved),
        "{saved}: {}",
        report["savings"]
    );
    assert!(report["savings"]["significant"] == true && number("/savings/uncertainty_kwh") < saved / 2.0, "{report}");
    assert_eq!((number("/baseline/days"), number("/reporting/days")), (21.0, 14.0));
    assert_eq!((&report["guideline14"]["compliant"], &report["option"]), (&json!(true), &json!("C")), "{report}");
    assert!(report["reason"].as_str().unwrap().contains("tower fans"), "{}", report["reason"]);
    assert_eq!(report["datasets"][1]["session_id"], after);
    // The sum begins at the change, and ends at what was saved but for the residuals before.
    assert_eq!(report["cusum"]["turned"], "2024-07-22", "{}", report["cusum"]);
    assert_eq!(report["cusum"]["days"].as_array().unwrap().len(), 35);
    let last = number("/cusum/days/34/cumulative_kwh") - number("/cusum/days/20/cumulative_kwh");
    assert!((last - number("/savings/avoided_kwh")).abs() < 1e-6);

    let cli = |arguments: &[&str]| {
        let output = Process::command(app.folder.path(), arguments).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    };
    let json: Value = serde_json::from_str(&cli(&["verify", &run, "--json"])).unwrap();
    assert_eq!(json, report, "the command line says what HTTP says");
    let text = cli(&["verify", &run]);
    assert!(text.contains("were saved in 14 days") && text.contains("Guideline 14: complies"), "{text}");
    let listed: Value = serde_json::from_str(&cli(&["optimizations", "--json"])).unwrap();
    assert_eq!(listed["items"][0]["run_id"], json!(run));
    let shown = cli(&["optimizations", "show", &run]);
    assert!(shown.contains("ct_fan_hz") && shown.contains("was applied at 2024-07-22T00:00:00.000Z"), "{shown}");

    page(&app, &path, &cli(&["verify", &run, "-o", "-"])).await;
    app.get(&format!("{path}/verify?confidence=0.2")).await.expect_problem(422, "out_of_range");
    app.get(&format!("{path}/verify?step=week")).await.expect_problem(422, "unknown_period");
    let sure = app.get(&format!("{path}/verify?confidence=0.99&step=hour")).await.expect(200);
    assert_eq!((&sure["savings"]["step"], &sure["savings"]["m"]), (&json!("hour"), &json!(14 * 24)));

    // Put back after nine days: only those count.
    let until = json!({"applied": true, "applied_at": APPLIED, "applied_until": "2024-07-31"});
    app.post(&format!("{path}/outcome"), &until).await.expect(200);
    let shorter = app.get(&format!("{path}/verify")).await.expect(200);
    assert_eq!(shorter["reporting"]["days"], 9);
}

/// To be printed, without a script, and with what a user wrote as text.
async fn page(app: &TestApp, path: &str, by_command: &str) {
    let page = app.get(&format!("{path}/verify?as=page")).await;
    assert_eq!((page.status, page.header("content-type")), (200, "text/html; charset=utf-8"));
    let policy = page.header("content-security-policy").to_owned();
    assert!(policy.starts_with("default-src 'none'; style-src 'sha256-"), "{policy}");
    let html = page.text();
    assert!(html.contains("&lt;b&gt;by hand&lt;/b&gt; &amp; &#39;late&#39;") && !html.contains("<b>"), "{html}");
    for absent in ["<script", "style=", "http://", "https://", "NaN", "inf"] {
        assert!(!html.contains(absent), "{absent}");
    }
    assert!(html.contains("<polyline class=\"sum\"") && html.contains("@media print"), "{html}");
    let accepted = app.get_with(&format!("{path}/verify"), &[("accept", "text/html,application/xhtml+xml")]).await;
    assert_eq!(accepted.text(), html);
    let json = app.get_with(&format!("{path}/verify?as=json"), &[("accept", "text/html")]).await;
    assert_eq!(json.expect(200)["success"], true);
    assert_eq!(by_command.trim_end(), html.trim_end());
}

#[tokio::test]
async fn where_the_machines_are_metered_their_power_is_measured() {
    let app = TestApp::start().await;
    let run = recommended(&app, true).await;
    let path = format!("/api/optimizations/{run}");
    app.post(&format!("{path}/outcome"), &applied()).await.expect(200);
    parsed(&app, "after.csv", "DEMO", &report(21..30, true, best)).await;
    let report = app.get(&format!("{path}/verify")).await.expect(200);
    assert_eq!(report["option"], "B", "{}", report["reason"]);
    assert_eq!(report["power_columns"], json!(["CH_1_KW", "CT_1_KW"]));
    let measured = report["savings"]["measured_kwh"].as_f64().unwrap();
    assert!((measured - truth(21..30).1).abs() < 0.1, "{measured}");
}

#[tokio::test]
async fn what_cannot_be_said_is_refused() {
    let app = TestApp::start().await;
    let run = recommended(&app, false).await;
    let path = format!("/api/optimizations/{run}");
    let few = parsed(&app, "few.csv", "DEMO", &report(21..27, false, best)).await;
    let state = async |session_id: &str| {
        let body = json!({"applied": true, "applied_at": APPLIED, "session_id": session_id});
        app.post(&format!("{path}/outcome"), &body).await.expect(200);
    };
    state(&few).await;
    let problem = app.get(&format!("{path}/verify")).await.expect_problem(422, "too_few_days");
    let detail = problem["detail"].as_str().unwrap();
    assert!(detail.starts_with("6 days after") && detail.contains("7 are needed"), "{detail}");

    // Half of the hours ask for more than ever before.
    let hot = |load: f64, wet_bulb: f64, hz: f64| (if wet_bulb > 24.0 { load + 400.0 } else { load }, wet_bulb, hz);
    let other = parsed(&app, "hot.csv", "DEMO", &report(21..35, false, hot)).await;
    state(&other).await;
    let problem = app.get(&format!("{path}/verify")).await.expect_problem(422, "outside_baseline");
    let detail = problem["detail"].as_str().unwrap();
    assert!(detail.contains("% of the hours after lie outside") && detail.contains("CH_1_RT was"), "{detail}");

    // Nothing was changed: nothing is claimed.
    let same = parsed(&app, "same.csv", "DEMO", &report(21..35, false, by_hand)).await;
    state(&same).await;
    let report = app.get(&format!("{path}/verify")).await.expect(200);
    assert_eq!(
        (&report["savings"]["significant"], &report["guideline14"]["compliant"]),
        (&json!(false), &json!(false))
    );
    assert!(report["conclusion"].as_str().unwrap().starts_with("No saving can be told from chance"), "{report}");
}
