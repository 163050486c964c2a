//! What pages of others can make a browser do: names that are not ours, origins that may not, proxies that lie.

use reqwest::Method;
use serde_json::json;

use crate::helpers::{Response, TestApp};

const REPORT: &[u8] = b"time,kw\n2020-01-01 00:00,1.5\n2020-01-01 00:15,2.5\n";
const FRONTENDS: [&str; 6] = [
    "http://localhost:3000",
    "http://localhost:3001",
    "http://localhost:5173",
    "http://127.0.0.1:3000",
    "http://127.0.0.1:3001",
    "http://127.0.0.1:5173",
];

/// POST of JSON with headers.
async fn post(app: &TestApp, path: &str, headers: &[(&'static str, &str)]) -> Response {
    app.request(Method::POST, path, |request| {
        headers.iter().fold(request.json(&json!({})), |request, (name, value)| request.header(*name, *value))
    })
    .await
}

#[tokio::test]
async fn a_name_that_was_rebound_is_not_served() {
    let app = TestApp::start().await;
    let port = app.address.port();
    let id = app.uploaded(&[("plant.csv", REPORT)], &[("timezone", "UTC"), ("name", "Not for you")]).await;
    let evil = format!("evil.example:{port}");
    for path in ["/api/sessions", &format!("/api/sessions/{id}"), "/", "/docs/", "/api/openapi.json", "/nothing"] {
        let answer = app.get_with(path, &[("host", &evil)]).await;
        let problem = answer.expect_problem(421, "misdirected_host");
        let detail = problem["detail"].as_str().unwrap();
        assert!(detail.contains(&evil) && detail.contains("ALLOWED_HOSTS"), "{path}: {detail}");
        assert!(!answer.text().contains("Not for you"), "{path}");
    }
    let origin = format!("http://{evil}");
    post(&app, &format!("/api/sessions/{id}/restore"), &[("host", &evil), ("origin", &origin)])
        .await
        .expect_problem(421, "misdirected_host");
    for host in [format!("localhost:{port}"), format!("[::1]:{port}"), "hvac.localhost".to_owned()] {
        assert_eq!(app.get_with("/api/sessions", &[("host", &host)]).await.expect(200)["total"], 1, "{host}");
    }
    // Who looks after a container asks by its address.
    for path in ["/health", "/api/health", "/api/ready", "/api/v1/ready"] {
        app.get_with(path, &[("host", "10.244.0.17:8000")]).await.expect(200);
    }
    // The frontend is told, too, why it gets nothing.
    let told = app.get_with("/api/sessions", &[("host", &evil), ("origin", FRONTENDS[0])]).await;
    assert_eq!(told.header("access-control-allow-origin"), FRONTENDS[0]);
}

#[tokio::test]
async fn names_that_are_set_and_addresses_beyond_the_loopback_are_served() {
    let named = TestApp::start_with(&[("ALLOWED_HOSTS", "hvac.example")]).await;
    named.get_with("/api/sessions", &[("host", "HVAC.example:8443")]).await.expect(200);
    named.get_with("/api/sessions", &[("host", "192.0.2.7")]).await.expect_problem(421, "misdirected_host");
    let open = TestApp::start_with(&[("HOST", "0.0.0.0"), ("ANONYMOUS_ROLE", "admin")]).await;
    open.get_with("/api/sessions", &[("host", "192.0.2.7:8000")]).await.expect(200);
    open.get_with("/api/sessions", &[("host", "hvac.example")]).await.expect_problem(421, "misdirected_host");
}

#[tokio::test]
async fn a_page_of_another_origin_changes_nothing() {
    let app = TestApp::start().await;
    let id = app.uploaded(&[("plant.csv", REPORT)], &[("timezone", "UTC")]).await;
    let (session, restore) = (format!("/api/sessions/{id}"), format!("/api/sessions/{id}/restore"));
    assert_eq!(app.delete(&session).await.status, 204);
    let port = app.address.port();
    let other_port = format!("http://127.0.0.1:{}", port.wrapping_add(1));
    let other_scheme = format!("https://127.0.0.1:{port}");
    let strangers = [
        &[("origin", "http://evil.example")][..],
        &[("origin", "null")],
        &[("origin", "http://localhost:3000.evil.example")],
        &[("origin", &other_port)],
        &[("origin", &other_scheme)],
        &[("origin", "http://localhost:3000"), ("origin", "http://evil.example")],
        &[("sec-fetch-site", "cross-site")],
        &[("sec-fetch-site", "same-site")],
    ];
    for headers in strangers {
        let problem = post(&app, &restore, headers).await.expect_problem(403, "foreign_origin");
        assert!(problem["detail"].as_str().unwrap().contains("CORS_ALLOWED_ORIGINS"), "{problem}");
        let form = reqwest::multipart::Form::new()
            .part("files", reqwest::multipart::Part::bytes(REPORT.to_vec()).file_name("evil.csv"));
        let upload = app.request(Method::POST, "/api/uploads", |request| {
            headers.iter().fold(request.multipart(form), |request, (name, value)| request.header(*name, *value))
        });
        upload.await.expect_problem(403, "foreign_origin");
        for (method, path) in
            [(Method::PATCH, &session), (Method::PUT, &"/api/sites/X".to_owned()), (Method::DELETE, &session)]
        {
            let asked = app.request(method, path, |request| {
                headers.iter().fold(request, |request, (name, value)| request.header(*name, *value))
            });
            asked.await.expect_problem(403, "foreign_origin");
        }
    }
    assert_eq!(app.get("/api/sessions").await.expect(200)["total"], 0, "neither restored nor uploaded");

    // Programs say no origin; the page's own is that of the server; what a person typed is nobody's.
    let own = format!("http://127.0.0.1:{port}");
    for headers in
        [&[][..], &[("origin", own.as_str())], &[("sec-fetch-site", "same-origin")], &[("sec-fetch-site", "none")]]
    {
        assert_eq!(app.delete(&session).await.status % 100, 4, "{headers:?}");
        post(&app, &restore, headers).await.expect(200);
    }
    // Reading is CORS's to refuse.
    let read =
        app.get_with("/api/sessions", &[("origin", "http://evil.example"), ("sec-fetch-site", "cross-site")]).await;
    assert_eq!((read.status, read.header("access-control-allow-origin")), (200, ""));
}

/// As it calls: from another port, with preflights, by JSON and by forms.
#[tokio::test]
async fn the_existing_frontend_goes_on_working() {
    let app = TestApp::start().await;
    for (number, frontend) in FRONTENDS.into_iter().enumerate() {
        let sent = [("origin", frontend), ("sec-fetch-site", "same-site"), ("sec-fetch-mode", "cors")];
        let preflight = app
            .request(Method::OPTIONS, "/api/parse", |request| {
                request
                    .header("origin", frontend)
                    .header("access-control-request-method", "POST")
                    .header("access-control-request-headers", "content-type")
            })
            .await;
        assert_eq!((preflight.status, preflight.header("access-control-allow-origin")), (200, frontend));
        let form = reqwest::multipart::Form::new()
            .text("timezone", "UTC")
            .part("files", reqwest::multipart::Part::bytes(REPORT.to_vec()).file_name("plant.csv"));
        let upload = app.request(Method::POST, "/api/uploads", |request| {
            sent.iter().fold(request.multipart(form), |request, (name, value)| request.header(*name, *value))
        });
        let upload = upload.await;
        assert_eq!(upload.header("access-control-allow-origin"), frontend);
        let id = upload.expect(201)["session_id"].as_str().unwrap().to_owned();
        let parsed = app.request(Method::POST, "/api/parse", |request| {
            let request = request.json(&json!({"session_id": id}));
            sent.iter().fold(request, |request, (name, value)| request.header(*name, *value))
        });
        let parsed = parsed.await;
        assert_eq!(parsed.header("access-control-allow-origin"), frontend);
        assert_eq!(parsed.expect(200)["row_count"], 2);
        let listed = app.get_with("/api/sessions", &sent).await;
        assert_eq!(listed.header("access-control-allow-origin"), frontend);
        assert_eq!(listed.expect(200)["total"], number + 1);
    }
    let any = TestApp::start_with(&[("CORS_ALLOWED_ORIGINS", "*")]).await;
    post(&any, "/api/parse", &[("origin", "http://anything.example")]).await.expect(422);
}

#[tokio::test]
async fn only_a_trusted_proxy_says_by_which_name_it_was_asked() {
    let forwarded = [
        ("x-forwarded-for", "203.0.113.9"),
        ("x-forwarded-proto", "https"),
        ("x-forwarded-host", "hvac.example"),
        ("origin", "https://hvac.example"),
    ];
    let settings = [("ALLOWED_HOSTS", "hvac.example"), ("ANONYMOUS_ROLE", "admin"), ("TRUSTED_PROXIES", "127.0.0.1")];
    let trusting = TestApp::start_with(&settings).await;
    post(&trusting, "/api/parse", &forwarded).await.expect(422);
    let told = [("forwarded", "for=203.0.113.9;proto=https;host=hvac.example"), ("origin", "https://hvac.example")];
    post(&trusting, "/api/parse", &told).await.expect(422);
    // A page that was rebound writes what it wants, into what a proxy passes on.
    for headers in [
        [("host", "evil.example"), ("x-forwarded-host", "hvac.example")],
        [("host", "hvac.example"), ("x-forwarded-host", "evil.example")],
        [("host", "hvac.example"), ("forwarded", "host=evil.example")],
    ] {
        trusting.get_with("/api/sessions", &headers).await.expect_problem(421, "misdirected_host");
    }
    let plain =
        [("x-forwarded-proto", "http"), ("x-forwarded-host", "hvac.example"), ("origin", "https://hvac.example")];
    post(&trusting, "/api/parse", &plain).await.expect_problem(403, "foreign_origin");

    let wary = TestApp::start_with(&settings[..2]).await;
    let problem = post(&wary, "/api/parse", &forwarded).await.expect_problem(403, "foreign_origin");
    assert!(problem["detail"].as_str().unwrap().contains("TRUSTED_PROXIES"), "{problem}");
}
