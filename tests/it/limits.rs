//! How often one may ask: counted by address, by session, and not at all. A trusted proxy says where each request is from.

use reqwest::Method;
use serde_json::{Value, json};

use crate::helpers::{Response, TestApp};

const REPORT: &[u8] = b"time,kw\n2020-01-01 00:00,1.5\n2020-01-01 00:15,2.5\n";

async fn app(settings: &[(&'static str, &str)]) -> TestApp {
    let mut all = vec![("TRUSTED_PROXIES", "127.0.0.1"), ("RATE_LIMIT_ANONYMOUS", "0"), ("ANONYMOUS_ROLE", "admin")];
    all.extend(settings);
    TestApp::start_with(&all).await
}

async fn parsed(app: &TestApp) -> String {
    let answer = app.parsed(&[("plant.csv", REPORT)], &[("timezone", "UTC")]).await;
    answer["session_id"].as_str().unwrap().to_owned()
}

/// A GET from an address elsewhere.
async fn get(app: &TestApp, from: &str, path: &str) -> Response {
    app.get_with(path, &[("x-forwarded-for", from)]).await
}

/// A request from an address elsewhere, with a body of JSON.
async fn ask(app: &TestApp, from: &str, method: Method, path: &str, body: &Value) -> Response {
    app.request(method, path, |request| request.header("x-forwarded-for", from).json(body)).await
}

fn number(answer: &Response, header: &str) -> u64 {
    answer.header(header).parse().unwrap_or_else(|_| panic!("{header}: {:?}", answer.headers))
}

#[tokio::test]
async fn an_address_without_a_key_asks_so_often_a_minute() {
    let app = app(&[("RATE_LIMIT_ANONYMOUS", "3")]).await;
    for (left, path) in [(2, "/api/sessions"), (1, "/api/v1/sessions"), (0, "/api/jobs")] {
        let answer = get(&app, "203.0.113.9", path).await;
        answer.expect(200);
        let told = ["ratelimit-limit", "ratelimit-remaining"].map(|header| number(&answer, header));
        assert_eq!(told, [3, left], "{path}");
        // One comes back every twenty seconds.
        let reset = number(&answer, "ratelimit-reset");
        assert!((20 * (3 - left) - 10..=20 * (3 - left)).contains(&reset), "{reset}");
    }
    let refused =
        app.get_with("/api/sessions", &[("x-forwarded-for", "203.0.113.9"), ("origin", "http://localhost:3000")]);
    let refused = refused.await;
    let problem = refused.expect_problem(429, "rate_limited");
    assert!(
        problem["detail"].as_str().unwrap().starts_with("More than 3 requests a minute of one address"),
        "{problem}"
    );
    assert!((1..=20).contains(&number(&refused, "retry-after")), "{:?}", refused.headers);
    assert_eq!(number(&refused, "ratelimit-remaining"), 0);
    assert_eq!(refused.header("access-control-allow-origin"), "http://localhost:3000");
    let exposed = refused.header("access-control-expose-headers");
    for header in ["retry-after", "ratelimit-limit", "ratelimit-remaining", "ratelimit-reset"] {
        assert!(exposed.split(',').any(|name| name.trim() == header), "{header} in {exposed}");
    }
    // Nobody asks for another, and what is written before the proxy's word is nothing.
    get(&app, "203.0.113.10", "/api/sessions").await.expect(200);
    get(&app, "198.51.100.1, 203.0.113.9", "/api/sessions").await.expect_problem(429, "rate_limited");
    // A subscriber of IPv6 has many addresses.
    for last in 0..3 {
        get(&app, &format!("2001:db8::{last}"), "/api/sessions").await.expect(200);
    }
    get(&app, "2001:db8::ffff", "/api/sessions").await.expect_problem(429, "rate_limited");
    get(&app, "2001:db8:0:1::", "/api/sessions").await.expect(200);
}

#[tokio::test]
async fn a_program_of_this_machine_is_not_counted() {
    let settings = [("RATE_LIMIT_ANONYMOUS", "1"), ("RATE_LIMIT_HEAVY", "1"), ("ANONYMOUS_ROLE", "admin")];
    let app = TestApp::start_with(&settings).await;
    let id = parsed(&app).await;
    for _ in 0..5 {
        let answer = app.get("/api/sessions").await;
        assert_eq!((answer.status, answer.header("ratelimit-limit")), (200, ""));
        app.post("/api/query", &json!({"sql": "SELECT count(*) FROM parsed", "session_id": id})).await.expect(200);
    }
    // What says that it was forwarded may be anybody's, also when nobody is trusted to say whose.
    for sign in [("x-forwarded-for", "127.0.0.1"), ("via", "1.1 proxy"), ("forwarded", "for=127.0.0.1")] {
        let fresh = TestApp::start_with(&settings).await;
        fresh.get_with("/api/sessions", &[sign]).await.expect(200);
        fresh.get_with("/api/sessions", &[sign]).await.expect_problem(429, "rate_limited");
    }
    let trusting = self::app(&settings).await;
    get(&trusting, "127.0.0.1", "/api/sessions").await.expect(200);
    get(&trusting, "127.0.0.1", "/api/sessions").await.expect_problem(429, "rate_limited");
}

#[tokio::test]
async fn pages_health_and_parts_of_stored_files_are_not_counted() {
    let app = app(&[("RATE_LIMIT_ANONYMOUS", "1")]).await;
    let id = parsed(&app).await;
    let stranger = "203.0.113.9";
    get(&app, stranger, "/api/sessions").await.expect(200);
    for path in ["/", &app.page_file("app.js").await, "/health", "/api/health", "/api/v1/ready"] {
        let answer = get(&app, stranger, path).await;
        assert_eq!((answer.status, answer.header("ratelimit-limit")), (200, ""), "{path}");
    }
    let (file, raw) = (format!("/api/sessions/{id}/data.parquet"), format!("/api/sessions/{id}/raw/plant.csv"));
    let version = format!("{file}?version=parsed");
    let part = [("x-forwarded-for", stranger), ("range", "bytes=0-7")];
    for path in [&file, &version, &raw] {
        let answer = app.get_with(path, &part).await;
        assert_eq!((answer.status, answer.body.len(), answer.header("ratelimit-limit")), (206, 8, ""), "{path}");
    }
    // All of it counts, and so does what is made first.
    get(&app, stranger, &file).await.expect_problem(429, "rate_limited");
    for made in [format!("{file}?columns=kw"), format!("/api/sessions/{id}/data.csv")] {
        app.get_with(&made, &part).await.expect_problem(429, "rate_limited");
    }
    for path in ["/docs/", "/api/openapi.json", "/api/v1/sessions?page=1"] {
        get(&app, stranger, path).await.expect_problem(429, "rate_limited");
    }
}

/// Somebody who clicks quickly through the page, behind a proxy that everybody shares; and a flood that calls itself the page.
#[tokio::test]
async fn what_the_page_asks_counts_a_tenth() {
    let app = app(&[("RATE_LIMIT_ANONYMOUS", "2"), ("RATE_LIMIT_HEAVY", "1")]).await;
    let id = parsed(&app).await;
    let of_the_page = [("x-forwarded-for", "203.0.113.9"), ("x-hvac-page", "1")];
    for asked in 0..20 {
        let answer = app.get_with("/api/v1/sessions", &of_the_page).await;
        answer.expect(200);
        assert_eq!(number(&answer, "ratelimit-remaining"), 1 - asked / 10, "{asked}");
    }
    app.get_with("/api/v1/sessions", &of_the_page).await.expect_problem(429, "rate_limited");
    // Queries too, also where they are heavy; what changes something counts as it does for everybody.
    let post = async |from: &'static str, path: &str, body: Value| {
        let asked = app.request(Method::POST, path, |request| {
            request.header("x-forwarded-for", from).header("x-hvac-page", "1").json(&body)
        });
        asked.await
    };
    let query = json!({"sql": "SELECT count(*) FROM parsed", "session_id": id});
    for _ in 0..10 {
        post("203.0.113.10", "/api/query", query.clone()).await.expect(200);
    }
    post("203.0.113.10", "/api/query", query).await.expect_problem(429, "rate_limited");
    let patch = json!({"notes": "seen"});
    for status in [200, 200, 429] {
        let path = format!("/api/sessions/{id}");
        let changed = app.request(Method::PATCH, &path, |request| {
            request.header("x-forwarded-for", "203.0.113.11").header("x-hvac-page", "1").json(&patch)
        });
        assert_eq!(changed.await.status, status);
    }
}

#[tokio::test]
async fn heavy_work_is_counted_by_its_session() {
    let app = app(&[("RATE_LIMIT_HEAVY", "2")]).await;
    let (one, other) = (parsed(&app).await, parsed(&app).await);
    let query = |id: &str| json!({"sql": "SELECT count(*) FROM parsed", "session_id": id});
    for (left, from) in [(1, "203.0.113.1"), (0, "203.0.113.2")] {
        let answer = ask(&app, from, Method::POST, "/api/query", &query(&one)).await;
        assert_eq!((answer.status, number(&answer, "ratelimit-remaining")), (200, left));
        assert_eq!(number(&answer, "ratelimit-limit"), 2);
    }
    // Whoever asks, whatever for, and however the session is written.
    let capitals = one.to_uppercase();
    let refused = [
        (Method::POST, "/api/v1/query".to_owned(), query(&one)),
        (Method::POST, "/api/query".to_owned(), query(&capitals)),
        (Method::POST, "/api/parse".to_owned(), json!({"session_id": one})),
        (Method::POST, "/api/clean".to_owned(), json!({"session_id": one})),
        (Method::POST, "/api/models/train".to_owned(), json!({"session_id": one, "model_name": "m"})),
        (Method::GET, format!("/api/sessions/{one}/bundle.zip"), Value::Null),
        (Method::HEAD, format!("/api/sessions/{}/bundle.zip", one.replace('-', "%2D")), Value::Null),
    ];
    for (method, path, body) in refused {
        let answer = ask(&app, "203.0.113.3", method.clone(), &path, &body).await;
        assert_eq!(answer.status, 429, "{method} {path}");
        assert!((1..=30).contains(&number(&answer, "retry-after")), "{path}: {:?}", answer.headers);
        if method != Method::HEAD {
            let problem = answer.expect_problem(429, "rate_limited");
            assert!(problem["detail"].as_str().unwrap().contains("on one session"), "{problem}");
        }
    }
    ask(&app, "203.0.113.3", Method::POST, "/api/query", &query(&other)).await.expect(200);
    // What is tried and not stored is asked often.
    for path in ["/api/clean", "/api/parse"] {
        let tried = json!({"session_id": one, "dry_run": true});
        ask(&app, "203.0.113.3", Method::POST, path, &tried).await.expect(200);
    }
    get(&app, "203.0.113.3", &format!("/api/data/preview?session_id={one}")).await.expect(200);
}

/// Every kind of it, by who asks where the request names no session.
#[tokio::test]
async fn heavy_work_without_a_session_is_counted_by_its_caller() {
    let app = app(&[("RATE_LIMIT_HEAVY", "1")]).await;
    let nobody = "00000000-0000-7000-8000-000000000000";
    let bundle = format!("/api/sessions/{nobody}/bundle.zip");
    let routes = [
        (Method::POST, "/api/parse"),
        (Method::POST, "/api/clean"),
        (Method::POST, "/api/models/train"),
        (Method::POST, "/api/optimize"),
        (Method::POST, "/api/query"),
        (Method::POST, "/api/sessions/import"),
        (Method::GET, &bundle),
    ];
    let body = json!({});
    for (number, (method, path)) in routes.into_iter().enumerate() {
        let body = if path == "/api/query" { json!({"sql": "SELECT 1"}) } else { body.clone() };
        let from = format!("203.0.113.{number}");
        assert_ne!(ask(&app, &from, method.clone(), path, &body).await.status, 429, "{path}");
        ask(&app, &from, method, path, &body).await.expect_problem(429, "rate_limited");
    }
    let saved = json!({"sql": "SELECT 1"});
    app.request(Method::PUT, "/api/queries/one", |request| request.json(&saved)).await.expect(200);
    ask(&app, "203.0.113.99", Method::POST, "/api/queries/one", &body).await.expect(200);
    ask(&app, "203.0.113.99", Method::POST, "/api/queries/one", &body).await.expect_problem(429, "rate_limited");
    get(&app, "203.0.113.99", "/api/queries/one").await.expect(200);
}
