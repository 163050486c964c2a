//! Secrets are planted wherever the program takes some, and none stands in anything that it says: log, errors, answers, lists.

use std::process::Stdio;

use serde_json::{Value, json};

use crate::helpers::Process;

const JWT: &str = "PLANTED-jwt-secret-of-more-than-32-bytes";
const REDIS: &str = "PLANTED-redis-password";
const KEEPER: &str = "PLANTED-password-of-a-server-that-keeps";
const BUCKET: &str = "PLANTED-secret-of-a-bucket";
const COLLECTOR: &str = "PLANTED-collector-key";
const PASSWORD: &str = "PLANTED password of anna";
const WRONG: &str = "PLANTED password that is wrong";

/// What each answer said, and what the process wrote.
#[tokio::test]
async fn no_secret_stands_in_anything_that_is_said() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("collections")).unwrap();
    let keepers = ["mysql", "postgres", "redis"].map(|word| {
        format!("[[collection]]\nname = \"in_{word}\"\nkey = \"id\"\nbackend = \"{word}\"\n[collection.fields]\nid = {{ type = \"text\" }}\n")
    });
    std::fs::write(folder.path().join("collections/keepers.toml"), keepers.concat()).unwrap();
    let mut command = Process::command(folder.path(), &["serve", "--log-format", "json"]);
    command
        .env("JWT_SECRET", JWT)
        .env("JWT_ISSUER", "https://issuer.example")
        .env("JWT_AUDIENCE", "hvac")
        .env("REDIS_URL", format!("redis://hvac:{REDIS}@127.0.0.1:1/0"))
        .env("RECORDS_MYSQL_URL", format!("mysql://hvac:{KEEPER}@127.0.0.1:1/records"))
        .env("RECORDS_POSTGRES_URL", format!("postgres://hvac:{KEEPER}@127.0.0.1:1/records"))
        .env("RECORDS_REDIS_URL", format!("redis://:{KEEPER}@127.0.0.1:1/1"))
        .env("COLLECTIONS_PATH", folder.path().join("collections"))
        .env("FILES_S3_BUCKET", "files")
        .env("FILES_S3_ENDPOINT", "http://127.0.0.1:1")
        .env("FILES_S3_ACCESS_KEY_ID", KEEPER)
        .env("FILES_S3_SECRET_ACCESS_KEY", BUCKET)
        .env("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:1")
        .env("OTEL_EXPORTER_OTLP_HEADERS", format!("x-api-key={COLLECTOR}"))
        .env("RUST_LOG", "trace");
    let server = Process::serve_by(folder.path(), command);
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let mut said = Vec::new();
    let url = |path: &str| server.url(path);

    let post = async |path: &str, body: Value| client.post(url(path)).json(&body).send().await.unwrap();
    let made = post("/api/v1/keys", json!({"name": "PLANTED", "role": "viewer"})).await;
    let key = made.json::<Value>().await.unwrap()["key"].as_str().unwrap().to_owned();
    let created = post("/api/v1/users", json!({"name": "anna", "role": "operator", "password": PASSWORD})).await;
    said.push(created.text().await.unwrap());
    let begun = post("/api/v1/login", json!({"name": "anna", "password": PASSWORD})).await;
    let cookie = begun.headers()["set-cookie"].to_str().unwrap().split(';').next().unwrap().to_owned();
    let login = cookie.split_once('=').unwrap().1.to_owned();
    for (name, password) in [("anna", WRONG), (WRONG, "whatever it is"), (&key, PASSWORD)] {
        said.push(post("/api/v1/login", json!({"name": name, "password": password})).await.text().await.unwrap());
    }
    let form = reqwest::multipart::Form::new()
        .part("files", reqwest::multipart::Part::bytes(&b"time,kW\n2020-01-01 00:00,1\n"[..]).file_name("kw.csv"));
    let uploaded: Value = client.post(url("/api/uploads")).multipart(form).send().await.unwrap().json().await.unwrap();
    let id = uploaded["session_id"].as_str().unwrap().to_owned();
    let made = post(&format!("/api/v1/sessions/{id}/links"), json!({"note": "for a tool"})).await;
    let link = made.json::<Value>().await.unwrap()["secret"].as_str().unwrap().to_owned();

    let form = reqwest::multipart::Form::new().part("file", reqwest::multipart::Part::bytes(&b"x"[..]).file_name("x"));
    said.push(client.post(url("/api/storage/files")).multipart(form).send().await.unwrap().text().await.unwrap());
    for word in ["mysql", "postgres", "redis"] {
        let route = format!("/api/v1/in-{word}");
        said.push(post(&route, json!({"id": "x"})).await.text().await.unwrap());
        for path in [route.clone(), format!("{route}/x"), format!("{route}/y"), "/api/v1/collections".to_owned()] {
            said.push(client.get(url(&path)).send().await.unwrap().text().await.unwrap());
        }
    }

    let wrong_key = format!("hvac_{}", "P".repeat(43));
    let get = async |path: &str, name: &str, value: &str| {
        client.get(url(path)).header(name, value).send().await.unwrap().text().await.unwrap()
    };
    for (name, value) in [
        ("x-api-key", key.as_str()),
        ("x-api-key", wrong_key.as_str()),
        ("authorization", &format!("Bearer {key}")),
        ("authorization", &format!("Bearer {wrong_key}")),
        ("authorization", "Bearer a.PLANTED.c"),
        ("cookie", cookie.as_str()),
    ] {
        for path in ["/api/sessions", "/api/users", "/api/sessions/none", "/api/nowhere"] {
            said.push(get(path, name, value).await);
        }
    }
    for path in
        [format!("/api/sessions/{id}?link={link}"), format!("/api/sessions?link={link}"), format!("/api/x?link={link}")]
    {
        said.push(get(&path, "accept", "*/*").await);
    }
    for path in [
        "/health",
        "/ready",
        "/metrics",
        "/api/status",
        "/api/system/metrics",
        "/api/system/config",
        "/api/v1/users",
        "/api/v1/keys",
        "/api/v1/audit?page_size=100",
        "/api/v1/audit/export",
        "/api/v1/audit/export?format=csv",
        &format!("/api/v1/sessions/{id}/links"),
    ] {
        said.push(get(path, "accept", "*/*").await);
    }
    for arguments in [&["settings"] as &[&str], &["settings", "--json"], &["keys", "list"], &["audit", "export"]] {
        let mut command = Process::command(folder.path(), arguments);
        command.env("JWT_SECRET", JWT).env("JWT_ISSUER", "i").env("JWT_AUDIENCE", "a").stdin(Stdio::null());
        let output = command.output().unwrap();
        said.push(String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr));
    }
    let database = std::fs::read(folder.path().join("data/hvac_analytics.db")).unwrap();
    said.push(String::from_utf8_lossy(&database).into_owned());
    said.push(server.stdout());
    said.push(server.stderr());
    assert!(said.iter().any(|text| text.contains("session.upload")), "there is something to look at");

    let secrets =
        [JWT, REDIS, KEEPER, BUCKET, COLLECTOR, PASSWORD, WRONG, &key, &wrong_key, &login, &link, "a.PLANTED.c"];
    for (number, text) in said.iter().enumerate() {
        for secret in secrets {
            let at = text.find(secret);
            let around = at.map(|at| text.get(at.saturating_sub(120)..(at + 20).min(text.len())).unwrap_or_default());
            assert_eq!(around, None, "secret in answer {number}");
        }
    }
}
