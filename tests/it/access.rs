//! Who may do what, and who sees what: every route, as everyone.

use std::sync::Arc;

use hvac_analytics::http::access::{self, Need};
use hvac_analytics::principal::Role;
use reqwest::Method;
use serde_json::{Value, json};

use crate::helpers::{Process, Response, TestApp};
use crate::openapi::operations;

/// A server that wants to know who asks, with a key of an admin.
pub(crate) struct Guarded {
    pub(crate) app: TestApp,
    pub(crate) admin: String,
}

async fn key(app: &TestApp, admin: Option<&str>, body: &Value) -> String {
    let answer = app
        .request(Method::POST, "/api/v1/keys", |request| {
            let request = request.json(body);
            match admin {
                Some(key) => request.bearer_auth(key),
                None => request,
            }
        })
        .await;
    answer.expect(201)["key"].as_str().unwrap().to_owned()
}

impl Guarded {
    pub(crate) async fn start() -> Self {
        Self::start_with(&[]).await
    }

    /// With some settings.
    pub(crate) async fn start_with(settings: &[(&'static str, String)]) -> Self {
        let app = TestApp::start().await;
        let admin = key(&app, None, &json!({"name": "root", "role": "admin"})).await;
        let folder = app.stop().await;
        let app = TestApp::start_in(Arc::clone(&folder), [settings, &[("ANONYMOUS_ROLE", "none".to_owned())]].concat())
            .await
            .unwrap();
        Self { app, admin }
    }

    /// A key of a service of that name.
    pub(crate) async fn service(&self, name: &str, role: &str) -> String {
        key(&self.app, Some(&self.admin), &json!({"name": name, "role": role})).await
    }

    pub(crate) async fn ask(&self, key: Option<&str>, method: Method, path: &str, body: Option<&Value>) -> Response {
        self.app
            .request(method, path, |mut request| {
                if let Some(key) = key {
                    request = request.bearer_auth(key);
                }
                match body {
                    Some(body) => request.json(body),
                    None => request,
                }
            })
            .await
    }

    pub(crate) async fn get(&self, key: &str, path: &str) -> Response {
        self.ask(Some(key), Method::GET, path, None).await
    }

    pub(crate) async fn post(&self, key: &str, path: &str, body: &Value) -> Response {
        self.ask(Some(key), Method::POST, path, Some(body)).await
    }

    pub(crate) async fn put(&self, key: &str, path: &str, body: &Value) -> Response {
        self.ask(Some(key), Method::PUT, path, Some(body)).await
    }

    /// A small session of whoever the key is of.
    pub(crate) async fn session(&self, key: &str, name: &str, site: &str) -> String {
        let report = format!("time,{name}\n2020-01-01 00:00,1\n2020-01-01 00:15,2\n");
        let part = reqwest::multipart::Part::bytes(report.into_bytes()).file_name("kw.csv");
        let form = reqwest::multipart::Form::new()
            .part("files", part)
            .text("name", name.to_owned())
            .text("site", site.to_owned())
            .text("timezone", "UTC");
        let uploaded =
            self.app.request(Method::POST, "/api/uploads", |r| r.bearer_auth(key).multipart(form)).await.expect(201);
        let id = uploaded["session_id"].as_str().unwrap().to_owned();
        self.post(key, "/api/parse", &json!({"session_id": id})).await.expect(200);
        id
    }
}

/// A path of that route, with ids that there are none of.
fn path_of(route: &str) -> String {
    let mut path = String::new();
    for part in route.split('/').skip(1) {
        path.push('/');
        path.push_str(if part.starts_with('{') { "019aa0de-0000-7000-8000-000000000000" } else { part });
    }
    // Of something that is told there is no end.
    if ["/api/events", "/api/v1/events"].contains(&route) {
        path += "?types=none";
    }
    path
}

/// Each route of the document stands in the table, answers nobody without a key, and each role as the table says.
#[tokio::test]
async fn every_route_asks_who_it_is_and_lets_in_whom_the_table_says() {
    let guarded = Guarded::start().await;
    let keys = [
        (Role::Viewer, guarded.service("looks", "viewer").await),
        (Role::Operator, guarded.service("works", "operator").await),
        (Role::Admin, guarded.admin.clone()),
    ];
    let document = guarded.app.get("/api/openapi.json").await.expect(200);
    let mut walked = 0;
    for (method, route, operation) in operations(&document) {
        let method: Method = method.to_uppercase().parse().unwrap();
        // Of a declared route the declaration says who may, and the document shows it.
        let is_declared = operation["tags"] == json!(["records"]) && route != "/api/collections";
        let declared = serde_json::from_value::<Role>(operation["x-role"].clone()).ok().filter(|_| is_declared);
        for route in [route.clone(), route.replacen("/api/", "/api/v1/", 1)] {
            let need = access::need(&method, &route).or(declared.map(Need::Least));
            let need = need.unwrap_or_else(|| panic!("{method} {route} does not stand in the table"));
            let path = path_of(&route);
            let what = format!("{method} {path}");
            let Need::Least(least) = need else { continue };
            walked += 1;
            let nobody = guarded.ask(None, method.clone(), &path, None).await;
            nobody.expect_problem(401, "no_credentials");
            assert_eq!(nobody.header("www-authenticate"), "Bearer", "{what}");
            let wrong = "hvac_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
            let guess = guarded.ask(Some(wrong), method.clone(), &path, None).await;
            // Who guesses on is told no more than that; who has a key is let in all the same.
            match walked {
                0..=10 => guess.expect_problem(401, "bad_credentials"),
                _ => guess.expect_problem(429, "locked_out"),
            };
            for (role, key) in &keys {
                let answer = guarded.ask(Some(key), method.clone(), &path, None).await;
                // What is another's is refused by those whose it is.
                let refused = answer.status == 403 && answer.text().contains("this needs the role");
                assert_eq!(refused, !role.may(least), "{what} as {role:?}: {} {}", answer.status, answer.text());
                assert_ne!(answer.status, 401, "{what} as {role:?}");
                assert!(answer.status < 500, "{what} as {role:?}: {}", answer.text());
            }
        }
    }
    assert!(walked > 140, "{walked}");
}

/// Nothing of what one has made is found by another: not in lists, counts, search, SQL, errors; and all of it once it is
/// shared.
#[tokio::test]
async fn a_stranger_finds_nothing_of_anybodys() {
    let guarded = Guarded::start().await;
    let anna = guarded.service("anna", "operator").await;
    let bert = guarded.service("bert", "operator").await;
    let id = guarded.session(&anna, "Zanzibar", "SECRET-SITE").await;
    guarded.post(&anna, "/api/clean", &json!({"session_id": id, "resample_interval": "15m"})).await.expect(200);
    let detail = guarded.get(&anna, &format!("/api/sessions/{id}")).await.expect(200);
    let dataset = detail["versions"].as_array().unwrap().last().unwrap()["id"].as_str().unwrap().to_owned();
    guarded
        .put(&anna, "/api/sites/SECRET-SITE", &json!({"energy_price": {"currency": "TWD", "per_kwh": 3.25}}))
        .await
        .expect(200);

    let paths = [
        format!("/api/sessions/{id}"),
        format!("/api/sessions/{id}/lineage"),
        format!("/api/sessions/{id}/lineage.svg"),
        format!("/api/sessions/{id}/bundle.zip"),
        format!("/api/sessions/{id}/raw"),
        format!("/api/sessions/{id}/raw/kw.csv"),
        format!("/api/sessions/{id}/data.parquet"),
        format!("/api/sessions/{id}/data.csv"),
        format!("/api/sessions/{id}/events.parquet"),
        format!("/api/sessions/{id}/findings"),
        format!("/api/sessions/{id}/sharing"),
        format!("/api/sessions/{id}/compare?a=parsed-v1&b=cleaned-v1"),
        format!("/api/data/preview?session_id={id}"),
        format!("/api/data/preview?version={dataset}"),
        format!("/api/data/stats?session_id={id}"),
        format!("/api/data/coverage?session_id={id}"),
        format!("/api/data/coverage-strip?session_id={id}"),
        format!("/api/data/preview?session_id={id}&reasons=true"),
        format!("/api/data/events?session_id={id}"),
    ];
    // First whoever may: what is cached for him is for nobody else.
    for path in &paths {
        assert_eq!(guarded.get(&anna, path).await.status, 200, "{path}");
    }
    for path in &paths {
        let answer = guarded.get(&bert, path).await;
        assert_eq!(answer.status, 404, "{path}: {}", answer.text());
        assert!(!answer.text().contains("Zanzibar"), "{path}: {}", answer.text());
    }
    for path in [
        "/api/data/preview",
        "/api/sessions?q=Zanzibar",
        "/api/sessions",
        "/api/jobs",
        "/api/models",
        "/api/optimizations",
        "/api/sites/SECRET-SITE",
        "/api/sites/SECRET-SITE/overrides",
        "/api/sites/-?site=SECRET-SITE",
        "/api/sites/-/overrides?site=SECRET-SITE",
    ] {
        let text = guarded.get(&bert, path).await.text();
        for secret in ["Zanzibar", &id, &dataset, "3.25"] {
            assert!(!text.contains(secret), "{path} tells of {secret}: {text}");
        }
    }
    let total = guarded.get(&bert, "/api/sessions").await.expect(200)["total"].clone();
    assert_eq!(total, 0);
    for change in ["PATCH", "DELETE"] {
        let method: Method = change.parse().unwrap();
        guarded
            .ask(
                Some(&bert),
                method,
                &format!("/api/sessions/{id}"),
                (change == "PATCH").then_some(&json!({"name": "x"})),
            )
            .await
            .expect_problem(404, "unknown_session");
    }
    for sql in [
        "SELECT count(*) AS n FROM sessions",
        "SELECT count(*) AS n FROM datasets",
        "SELECT count(*) AS n FROM columns",
        "SELECT count(*) AS n FROM cleaning_jobs",
        "SELECT count(*) AS n FROM findings",
        "SELECT count(*) AS n FROM all_readings WHERE point = 'Zanzibar'",
    ] {
        let rows = guarded.post(&bert, "/api/query", &json!({"sql": sql})).await.expect(200);
        assert_eq!(rows["rows"][0][0], 0, "{sql}");
    }
    for sql in [format!("SELECT * FROM \"{id}\".parsed"), "SELECT * FROM \"Zanzibar\".parsed".to_owned()] {
        guarded.post(&bert, "/api/query", &json!({"sql": sql})).await.expect_problem(404, "unknown_session");
    }
    // The same reports again are a session of his own, not hers.
    let own = guarded.session(&bert, "Zanzibar", "OWN").await;
    assert_ne!(own, id);

    guarded
        .put(&bert, &format!("/api/sessions/{id}/sharing"), &json!({"everyone": true}))
        .await
        .expect_problem(404, "unknown_session");
    let shared =
        guarded.put(&anna, &format!("/api/sessions/{id}/sharing"), &json!({"people": ["bert"]})).await.expect(200);
    assert_eq!(shared, json!({"owner": "anna", "everyone": false, "people": ["bert"]}));
    for path in &paths {
        assert_eq!(guarded.get(&bert, path).await.status, 200, "{path}");
    }
    // What cannot be taken back stays hers.
    guarded
        .ask(Some(&bert), Method::DELETE, &format!("/api/sessions/{id}?purge=true"), None)
        .await
        .expect_problem(403, "forbidden");
    guarded
        .put(&bert, &format!("/api/sessions/{id}/sharing"), &json!({"everyone": true}))
        .await
        .expect_problem(403, "forbidden");
    guarded.put(&anna, &format!("/api/sessions/{id}/sharing"), &json!({})).await.expect(200);
    guarded.get(&bert, &format!("/api/sessions/{id}")).await.expect_problem(404, "unknown_session");
    // A site is shared by an admin, with what comes later too.
    guarded.put(&guarded.admin, "/api/sites/SECRET-SITE/sharing", &json!({"people": ["bert"]})).await.expect(200);
    guarded.get(&bert, &format!("/api/sessions/{id}")).await.expect(200);
    let later = guarded.session(&anna, "Later", "SECRET-SITE").await;
    guarded.get(&bert, &format!("/api/sessions/{later}")).await.expect(200);
}

/// What was everyone's before there were accounts stays so; an admin may give it to somebody.
#[tokio::test]
async fn what_nobody_owns_is_everyones() {
    let app = TestApp::start().await;
    let id = app.parsed(&[("kw.csv", b"time,kW\n2020-01-01 00:00,1\n")], &[("timezone", "UTC")]).await["session_id"]
        .as_str()
        .unwrap()
        .to_owned();
    let admin = key(&app, None, &json!({"name": "root", "role": "admin"})).await;
    let folder = app.stop().await;
    let app = TestApp::start_in(folder, vec![("ANONYMOUS_ROLE", "none".to_owned())]).await.unwrap();
    let guarded = Guarded { app, admin };
    let (anna, bert) = (guarded.service("anna", "viewer").await, guarded.service("bert", "viewer").await);
    for key in [&anna, &bert] {
        guarded.get(key, &format!("/api/data/preview?session_id={id}")).await.expect(200);
    }
    guarded.put(&guarded.admin, &format!("/api/sessions/{id}/sharing"), &json!({"owner": "anna"})).await.expect(200);
    guarded.get(&anna, &format!("/api/data/preview?session_id={id}")).await.expect(200);
    guarded.get(&bert, &format!("/api/data/preview?session_id={id}")).await.expect_problem(404, "unknown_session");
    // The folder says whose it is, too: a catalogue that was made anew does not give it to everyone.
    let manifest = std::fs::read_to_string(guarded.app.storage().join(&id).join("session.json")).unwrap();
    assert!(manifest.contains("owner_id"), "{manifest}");
}

/// A link reads its session, and nothing else; it ends when it is revoked, and with its maker's sight.
#[tokio::test]
async fn a_link_reads_one_session() {
    let guarded = Guarded::start().await;
    let anna = guarded.service("anna", "operator").await;
    let (id, other) = (guarded.session(&anna, "One", "S").await, guarded.session(&anna, "Other", "S").await);
    let made = guarded.post(&anna, &format!("/api/v1/sessions/{id}/links"), &json!({"hours": 1})).await.expect(201);
    let (link, path) = (made["secret"].as_str().unwrap(), made["data_path"].as_str().unwrap());
    let open = async |path: String| guarded.ask(None, Method::GET, &path, None).await;
    let with_key = guarded.get(&anna, &format!("/api/sessions/{id}/data.parquet")).await;
    let with_link = open(path.to_owned()).await;
    assert_eq!((with_link.status, &with_link.body), (200, &with_key.body));
    assert_eq!(
        open(format!("/api/data/preview?session_id={id}&rows=1&link={link}")).await.expect(200)["total_rows"],
        2
    );
    open(format!("/api/sessions/{other}/data.csv?link={link}")).await.expect_problem(404, "unknown_session");
    open(format!("/api/data/preview?session_id={other}&link={link}")).await.expect_problem(404, "unknown_session");
    for closed in ["/api/sessions", "/api/files", "/api/queries", "/api/jobs"] {
        open(format!("{closed}?link={link}")).await.expect_problem(403, "forbidden");
    }
    open(format!("/api/sessions/{id}/links?link={link}")).await.expect_problem(403, "forbidden");
    let changing = format!("/api/sessions/{id}?link={link}");
    guarded.ask(None, Method::DELETE, &changing, None).await.expect_problem(403, "forbidden");
    open(format!("/api/sessions/{id}/data.csv?link={link}x")).await.expect_problem(401, "bad_link");
    // It is listed without its secret.
    let listed = guarded.get(&anna, &format!("/api/sessions/{id}/links")).await.text();
    assert!(listed.contains("made_by") && !listed.contains(link), "{listed}");

    let which = made["id"].as_str().unwrap();
    let ended = guarded.ask(Some(&anna), Method::DELETE, &format!("/api/sessions/{id}/links/{which}"), None).await;
    assert_eq!(ended.status, 204, "{}", ended.text());
    open(path.to_owned()).await.expect_problem(401, "bad_link");

    let again = guarded.post(&anna, &format!("/api/sessions/{id}/links"), &json!({})).await.expect(201);
    let path = again["data_path"].as_str().unwrap().to_owned();
    assert_eq!(open(path.clone()).await.status, 200);
    let users = guarded.get(&guarded.admin, "/api/v1/users").await.expect(200);
    let users = users["items"].as_array().unwrap();
    let anna_id = users.iter().find(|user| user["name"] == "anna").unwrap()["id"].as_str().unwrap().to_owned();
    guarded
        .ask(Some(&guarded.admin), Method::PATCH, &format!("/api/v1/users/{anna_id}"), Some(&json!({"disabled": true})))
        .await
        .expect(200);
    open(path).await.expect_problem(401, "bad_link");
    guarded.get(&anna, "/api/sessions").await.expect_problem(401, "bad_credentials");
}

/// Bound beyond the loopback, a server starts when somebody could show who he is, or when it is told to serve everyone.
#[test]
fn beyond_this_machine_nobody_is_served_by_accident() {
    let folder = tempfile::tempdir().unwrap();
    let started = |arguments: &[&str]| {
        let mut command = Process::command(folder.path(), arguments);
        command.env("HOST", "0.0.0.0");
        command
    };
    let refused = started(&["serve"]).output().unwrap();
    let said = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(!refused.status.success() && said.contains("keys create"), "{said}");
    let open = Process::serve_by(folder.path(), started(&["serve", "--insecure"]));
    drop(open);
    let made = started(&["keys", "create", "root", "--role", "admin"]).output().unwrap();
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    drop(Process::serve_by(folder.path(), started(&["serve"])));
}

/// Every route that reads, asked by a stranger for what another has made: none tells a word that only she has written.
#[tokio::test]
async fn no_reading_route_tells_a_stranger_anything() {
    let guarded = Guarded::start().await;
    let anna = guarded.service("anna", "operator").await;
    let bert = guarded.service("bert", "operator").await;
    let mut report = String::from("time,PLANTED_LOAD_RT,PLANTED_KW\n");
    for hour in 0..(24 * 14) {
        let (day, of_day) = (hour / 24 + 1, hour % 24);
        let load = 200.0 + 100.0 * f64::from(of_day) / 24.0 + f64::from(hour % 7);
        report.push_str(&format!("2020-01-{day:02} {of_day:02}:00,{load},{}\n", 0.6 * load + f64::from(hour % 5)));
    }
    let part = reqwest::multipart::Part::bytes(report.into_bytes()).file_name("PLANTED_file.csv");
    let form = reqwest::multipart::Form::new()
        .part("files", part)
        .text("name", "PLANTED name")
        .text("site", "A-SITE")
        .text("timezone", "UTC");
    let uploaded = guarded.app.request(Method::POST, "/api/uploads", |r| r.bearer_auth(&anna).multipart(form)).await;
    let id = uploaded.expect(201)["session_id"].as_str().unwrap().to_owned();
    let parsed = guarded.post(&anna, "/api/parse", &json!({"session_id": id})).await.expect(200);
    let text = |value: &Value, name: &str| value[name].as_str().unwrap().to_owned();
    let raw = uploaded.json()["files"][0]["sha256"].as_str().unwrap().to_owned();
    let patch = json!({"notes": "PLANTED note", "tags": ["PLANTED tag"], "metadata": {"PLANTED": "PLANTED"}});
    let method = Method::PATCH;
    guarded.ask(Some(&anna), method, &format!("/api/sessions/{id}"), Some(&patch)).await.expect(200);
    let cleaned = guarded.post(&anna, "/api/clean", &json!({"session_id": id})).await.expect(200);
    let mapping = json!({"load_cols": ["PLANTED_LOAD_RT"], "target_col": "PLANTED_KW"});
    let train = json!({"model_name": "PLANTED_model", "session_id": id, "interval": "1h", "wait": true, "feature_mapping": mapping});
    let trained = guarded.post(&anna, "/api/models/train", &train).await.expect(200);
    let link = guarded.post(&anna, &format!("/api/sessions/{id}/links"), &json!({"note": "PLANTED"})).await.expect(201);

    let of = |route: &str| -> String {
        let parts: Vec<&str> = route.split('/').collect();
        let fill = |(place, part): (usize, &&str)| match (*part, parts[place.saturating_sub(1)]) {
            ("{id}", "sessions") => id.clone(),
            ("{id}", "jobs") => text(&trained, "job_id"),
            ("{id}", "cleaning-jobs") => text(&cleaned, "job_id"),
            ("{id}", "models") => text(&trained, "model_id"),
            ("{id}", "sites") => "A-SITE".to_owned(),
            ("{name}", _) => "PLANTED_model".to_owned(),
            ("{file}", _) => raw.clone(),
            ("{link}", _) => text(&link, "id"),
            (part, _) if part.starts_with('{') => "none".to_owned(),
            (part, _) => part.to_owned(),
        };
        parts.iter().enumerate().map(fill).collect::<Vec<_>>().join("/")
    };
    let document = guarded.app.get("/api/openapi.json").await.expect(200);
    let (mut seen_by_her, mut asked) = (0, 0);
    for (method, route, operation) in operations(&document) {
        // What a job tells as it goes on has no end.
        if method != "get"
            || !route.starts_with("/api/")
            || route.ends_with("/jobs/{id}/events")
            || route == "/api/events"
        {
            continue;
        }
        let path = of(&route);
        let takes = |name: &str| {
            let parameters = operation["parameters"].as_array().into_iter().flatten();
            parameters.clone().any(|parameter| parameter["name"] == name && parameter["in"] == "query")
        };
        let mut asks = vec![String::new()];
        if takes("session_id") {
            asks.push(format!("?session_id={id}"));
            asks.push(format!("?version={}", text(&parsed, "dataset_id")));
        }
        if takes("q") {
            asks.push("?q=PLANTED".to_owned());
        }
        for ask in asks {
            let path = format!("{path}{ask}");
            // First whoever may: what is kept for her is for nobody else.
            let hers = guarded.get(&anna, &path).await;
            seen_by_her += usize::from(hers.text().contains("PLANTED") || hers.body.starts_with(b"PAR1"));
            let his = guarded.get(&bert, &path).await;
            asked += 1;
            // The name that he asks for is told to him again.
            let said = his.text().replace("'PLANTED_model'", "").replace("/PLANTED_model", "");
            assert!(!said.contains("PLANTED") && !his.body.starts_with(b"PAR1"), "{path}: {} {said}", his.status);
        }
    }
    assert!(asked > 60 && seen_by_her > 20, "{asked} {seen_by_her}");
}

/// With whom a session is shared, he works in it; whose it is and who sees it he cannot change, nor what cannot be taken
/// back.
#[tokio::test]
async fn who_sees_a_session_is_for_its_owner_to_say() {
    let guarded = Guarded::start().await;
    let anna = guarded.service("anna", "operator").await;
    let bert = guarded.service("bert", "operator").await;
    let id = guarded.session(&anna, "kW", "HERS").await;
    let session = format!("/api/sessions/{id}");
    guarded.put(&anna, &format!("{session}/sharing"), &json!({"people": ["bert"]})).await.expect(200);
    // A site that is everyone's would make it everyone's.
    guarded.put(&guarded.admin, "/api/sites/OPEN/sharing", &json!({"everyone": true})).await.expect(200);
    let patch = async |key: &str, body: Value| guarded.ask(Some(key), Method::PATCH, &session, Some(&body)).await;
    patch(&bert, json!({"name": "Renamed", "site": "HERS"})).await.expect(200);
    patch(&bert, json!({"site": "OPEN"})).await.expect_problem(403, "forbidden");
    let again = json!({"session_id": id, "site": "OPEN", "force": true});
    guarded.post(&bert, "/api/parse", &again).await.expect_problem(403, "forbidden");
    assert_eq!(guarded.get(&anna, &session).await.expect(200)["site"], "HERS");
    guarded.post(&anna, "/api/parse", &again).await.expect(200);
    assert_eq!(guarded.get(&anna, &session).await.expect(200)["site"], "OPEN");
}

/// A link that is none is a guess on every route, and guesses end.
#[tokio::test]
async fn made_up_links_are_guesses_wherever_they_are_shown() {
    let guarded = Guarded::start().await;
    for number in 0..12 {
        let path = if number % 2 == 0 { "/api/files" } else { "/api/data/preview" };
        let answer = guarded.ask(None, Method::GET, &format!("{path}?link=hvacl_{number}"), None).await;
        match number {
            0..10 => answer.expect_problem(401, "bad_link"),
            _ => answer.expect_problem(429, "locked_out"),
        };
    }
}
