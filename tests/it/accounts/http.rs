//! Accounts over HTTP, as a browser and a program ask.

use std::fs::File;
use std::io::Read;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use hvac_analytics::principal::Role;
use reqwest::Method;
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use serde_json::{Value, json};
use tempfile::TempDir;

use super::{PASSWORD, person};
use crate::helpers::{Client, Process, Response, TestApp};

/// A browser: it keeps its cookie.
struct Browser<'a> {
    app: &'a TestApp,
    cookie: String,
    csrf_token: String,
}

impl<'a> Browser<'a> {
    async fn log_in(app: &'a TestApp, name: &str) -> Self {
        let answer = app.post("/api/v1/login", &json!({"name": name, "password": PASSWORD})).await;
        let csrf_token = answer.expect(200)["csrf_token"].as_str().unwrap().to_owned();
        let cookie = answer.header("set-cookie").split(';').next().unwrap().to_owned();
        Self { app, cookie, csrf_token }
    }

    async fn ask(&self, method: Method, path: &str, body: Option<&Value>, csrf_token: &str) -> Response {
        self.app
            .request(method, path, |request| {
                let request = request.header("cookie", &self.cookie).header("x-csrf-token", csrf_token);
                match body {
                    Some(body) => request.json(body),
                    None => request,
                }
            })
            .await
    }

    async fn get(&self, path: &str) -> Response {
        self.ask(Method::GET, path, None, "").await
    }

    async fn send(&self, method: Method, path: &str, body: &Value) -> Response {
        self.ask(method, path, Some(body), &self.csrf_token).await
    }
}

#[tokio::test]
async fn a_browser_logs_in_asks_changes_and_logs_out() {
    let app = TestApp::start_with(&[("ANONYMOUS_ROLE", "none")]).await;
    let chen = person(&app, "Chen", Role::Admin).await;
    app.get("/api/v1/account").await.expect_problem(401, "no_credentials");
    let wrong = app.post("/api/v1/login", &json!({"name": "chen", "password": "wrong horse battery"})).await;
    wrong.expect_problem(401, "bad_credentials");
    assert_eq!(wrong.header("set-cookie"), "");

    let right = app.post("/api/v1/login", &json!({"name": "chen", "password": PASSWORD})).await;
    assert_eq!(right.expect(200)["account"]["name"], "Chen");
    let (cookie, attributes) = right.header("set-cookie").split_once("; ").unwrap();
    assert_eq!(attributes, "Path=/; Max-Age=2592000; HttpOnly; SameSite=Lax");
    assert!(cookie.starts_with("hvac_login=") && !right.text().contains(&cookie[11..]), "{cookie}");
    assert_eq!(right.header("cache-control"), "no-store");

    let browser = Browser::log_in(&app, "CHEN").await;
    let account = browser.get("/api/v1/account").await;
    let told = account.expect(200);
    assert_eq!((&told["name"], &told["role"], &told["via"]), (&"Chen".into(), &"admin".into(), &"login".into()));
    assert_eq!(
        (&told["csrf_token"], account.header("cache-control")),
        (&browser.csrf_token.as_str().into(), "no-store")
    );
    let lin = json!({"name": "lin", "role": "viewer", "password": PASSWORD});
    for token in ["", "x", &browser.cookie] {
        browser.ask(Method::POST, "/api/v1/users", Some(&lin), token).await.expect_problem(403, "csrf");
    }
    let made = browser.send(Method::POST, "/api/v1/users", &lin).await.expect(201);
    browser.send(Method::POST, "/api/v1/users", &lin).await.expect_problem(409, "account_exists");
    let users = browser.get("/api/v1/users?page_size=1&page=2").await.expect(200);
    assert_eq!((&users["total"], &users["items"][0]["name"]), (&2.into(), &"lin".into()));
    assert!(!users.to_string().contains("argon2"));

    // Of oneself, and of nobody else.
    let (own, of_lin) =
        (format!("/api/v1/users/{}", chen.id), format!("/api/v1/users/{}", made["id"].as_str().unwrap()));
    let as_lin = Browser::log_in(&app, "lin").await;
    assert_eq!(as_lin.get(&of_lin).await.expect(200)["role"], "viewer");
    let liked = json!({"language": "zh-Hant", "units": "IP", "theme": "dark", "others": {"page": {"rows": 50}}});
    assert_eq!(as_lin.send(Method::PUT, &format!("{of_lin}/preferences"), &liked).await.expect(200), liked);
    assert_eq!(as_lin.get("/api/v1/account").await.expect(200)["preferences"], liked);
    for path in [own.clone(), format!("{own}/preferences"), format!("{own}/sessions")] {
        as_lin.get(&path).await.expect_problem(403, "forbidden");
    }
    as_lin.send(Method::DELETE, &format!("{own}/sessions"), &json!({})).await.expect_problem(403, "forbidden");
    for (field, wrong) in [("language", "de"), ("units", "si"), ("theme", "pink")] {
        let wrong = json!({field: wrong});
        let refused = as_lin.send(Method::PUT, &format!("{of_lin}/preferences"), &wrong).await;
        refused.expect_problem(422, "invalid_field");
    }

    let logins = browser.get(&format!("{own}/sessions")).await.expect(200);
    let logins = logins["logins"].as_array().unwrap();
    assert_eq!((logins.len(), logins.iter().filter(|login| login["is_current"] == true).count()), (2, 1));
    let other = logins.iter().find(|login| login["is_current"] == false).unwrap()["id"].as_str().unwrap();
    let other = format!("{own}/sessions/{other}");
    browser.send(Method::DELETE, &other, &json!({})).await.expect(204);
    browser.send(Method::DELETE, &other, &json!({})).await.expect_problem(404, "unknown_login");

    let disable = json!({"disabled": true});
    browser.send(Method::PATCH, &own, &disable).await.expect_problem(409, "last_admin");
    browser.send(Method::PATCH, &of_lin, &disable).await.expect(200);
    as_lin.get("/api/v1/account").await.expect_problem(401, "no_credentials");

    let change = json!({"old": PASSWORD, "new": "another good password"});
    browser.send(Method::POST, "/api/v1/account/password", &change).await.expect(204);
    browser.send(Method::POST, "/api/v1/account/password", &change).await.expect_problem(401, "bad_credentials");
    browser.get("/api/v1/account").await.expect(200);
    let out = browser.send(Method::POST, "/api/v1/logout", &json!({})).await;
    out.expect(204);
    assert_eq!(out.header("set-cookie"), "hvac_login=; Path=/; Max-Age=0; HttpOnly; SameSite=Lax");
    browser.get("/api/v1/account").await.expect_problem(401, "no_credentials");
}

#[tokio::test]
async fn a_program_shows_its_key_until_it_is_revoked() {
    let app = TestApp::start().await;
    let request = json!({"name": "gateway", "role": "viewer", "expires": "90d"});
    let made = app.post("/api/v1/keys", &request).await;
    let told = made.expect(201);
    assert_eq!(made.header("cache-control"), "no-store");
    let key = told["key"].as_str().unwrap();
    let as_key = async || app.get_with("/api/v1/account", &[("x-api-key", key)]).await;
    let account = as_key().await.expect(200);
    assert_eq!(
        (&account["name"], &account["kind"], &account["via"]),
        (&"gateway".into(), &"service".into(), &"key".into())
    );
    assert_eq!((&account["role"], &account["csrf_token"]), (&"viewer".into(), &Value::Null));
    let listed = app.get("/api/v1/keys").await.expect(200);
    assert_eq!((&listed["total"], &listed["items"][0]["id"]), (&1.into(), &told["id"]));
    assert!(!listed.to_string().contains(&key[5..]));
    let path = format!("/api/v1/keys/{}", told["id"].as_str().unwrap());
    app.delete(&path).await.expect(204);
    app.delete(&path).await.expect(204);
    app.delete("/api/v1/keys/none").await.expect_problem(404, "unknown_key");
    let refused = as_key().await;
    refused.expect_problem(401, "bad_credentials");
    assert_eq!(refused.header("www-authenticate"), "Bearer");
    assert_eq!(app.get("/api/v1/keys").await.expect(200)["total"], 0);
    assert_eq!(app.get("/api/v1/keys?revoked=true").await.expect(200)["total"], 1);
    // Nobody need say who he is here; the page asks all the same.
    let account = app.get("/api/v1/account").await.expect(200);
    assert_eq!(
        (&account["id"], &account["name"], &account["via"]),
        (&Value::Null, &"anonymous".into(), &"nothing".into())
    );
    app.post("/api/v1/account/password", &json!({"old": "x", "new": PASSWORD}))
        .await
        .expect_problem(409, "no_password");
    app.post("/api/v1/setup", &json!({"token": "x", "name": "eve", "password": PASSWORD}))
        .await
        .expect_problem(401, "bad_credentials");
}

/// The token is on the terminal, and nowhere when there is none; it makes one admin.
#[tokio::test]
async fn only_a_terminal_shows_with_what_the_first_admin_is_made() {
    let folder = TempDir::new().unwrap();
    let mut command = Process::command(folder.path(), &["serve"]);
    command.env("ANONYMOUS_ROLE", "none");
    let server = Process::serve_by(folder.path(), command);
    let log = server.stderr_after(|log| log.contains("users create"));
    assert!(
        !log.split(|c: char| !c.is_ascii_alphanumeric() && c != '-' && c != '_').any(|word| word.len() == 43),
        "{log}"
    );
    server.terminate();

    let ours = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
    grantpt(&ours).unwrap();
    unlockpt(&ours).unwrap();
    let name = ptsname(&ours, Vec::new()).unwrap();
    let terminal = File::options().read(true).write(true).open(Path::new(name.to_str().unwrap())).unwrap();
    let mut command = Process::command(folder.path(), &["serve"]);
    command.env("ANONYMOUS_ROLE", "none").stderr(terminal).stdout(Stdio::piped());
    let mut child = command.spawn().unwrap();
    drop(command);
    let (mut ours, mut shown, mut piece) = (File::from(ours), String::new(), [0; 1024]);
    while !shown.contains("listening") {
        let read = ours.read(&mut piece).unwrap();
        shown.push_str(&String::from_utf8_lossy(&piece[..read]));
    }
    let token = shown.split("once: ").nth(1).unwrap().split_whitespace().next().unwrap();
    let mut line = [0; 256];
    let read = child.stdout.as_mut().unwrap().read(&mut line).unwrap();
    let line = String::from_utf8_lossy(&line[..read]).into_owned();
    assert!(!line.contains(token), "{line}");
    let base = format!("http://{}", line.split("http://").nth(1).unwrap().split(' ').next().unwrap());
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let setup = async |token: &str, name: &str| {
        let body = json!({"token": token, "name": name, "password": PASSWORD});
        let answer = client.post(format!("{base}/api/v1/setup")).json(&body).send().await.unwrap();
        (answer.status().as_u16(), answer.json::<Value>().await.unwrap())
    };
    assert_eq!(setup("x", "eve").await.0, 401);
    assert_eq!(setup(token, "chen").await.1["role"], "admin");
    assert_eq!(setup(token, "eve").await.1["code"], "bad_credentials");
    child.kill().unwrap();
    child.wait().unwrap();
}

/// Each check of a password takes 19 MiB: of forty at once, two do.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_storm_of_logins_takes_the_memory_of_two() {
    let folder = TempDir::new().unwrap();
    let server = Process::serve(folder.path(), &[]);
    let client = Client::of(&server);
    let chen = json!({"name": "chen", "role": "admin", "password": PASSWORD});
    client.post("/api/v1/users", &chen).await.unwrap();
    let login = json!({"name": "chen", "password": PASSWORD});
    client.post("/api/v1/login", &login).await.unwrap();
    let most_kib = || -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", server.id())).unwrap();
        let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap();
        line.split_whitespace().nth(1).unwrap().parse().unwrap()
    };
    let before = most_kib();
    let storm = futures_util::future::join_all((0..40).map(|_| client.post("/api/v1/login", &login)));
    let (all, ready) = tokio::join!(storm, async {
        tokio::time::sleep(Duration::from_millis(50)).await;
        client.get("/api/health").await.0
    });
    assert!(all.iter().all(Result::is_ok), "{all:?}");
    assert_eq!(ready, 200);
    let grown_mib = (most_kib() - before) / 1024;
    assert!(grown_mib < 120, "{grown_mib} MiB for two checks of 19 MiB");
}
