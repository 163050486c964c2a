//! The API document: what it says, and that it says it of every route.

use std::collections::BTreeSet;
use std::path::Path;

use serde_json::Value;

use crate::helpers::TestApp;

const METHODS: [&str; 5] = ["get", "post", "patch", "put", "delete"];

/// Method and path of every route in the document.
pub fn operations(document: &Value) -> Vec<(String, String, Value)> {
    let paths = document["paths"].as_object().unwrap();
    let mut found = Vec::new();
    for (path, item) in paths {
        for method in METHODS {
            if let Some(operation) = item.get(method) {
                found.push((method.to_owned(), path.clone(), operation.clone()));
            }
        }
    }
    found
}

/// A change of the contract shows in the diff of the snapshot.
#[tokio::test]
async fn the_document_is_the_contract() {
    let app = TestApp::start().await;
    let mut document = app.get("/api/openapi.json").await.expect(200);
    document["info"]["version"] = "[version]".into();
    insta::assert_json_snapshot!("openapi", document);
}

#[tokio::test]
async fn it_is_openapi_3_1_with_examples_and_problems() {
    let app = TestApp::start().await;
    let document = app.get("/api/v1/openapi.json").await.expect(200);
    assert!(document["openapi"].as_str().unwrap().starts_with("3.1"), "{}", document["openapi"]);
    assert_eq!(document["components"]["schemas"]["Problem"]["properties"]["code"]["type"], "string");
    let mut ids = BTreeSet::new();
    for (method, path, operation) in operations(&document) {
        let route = format!("{method} {path}");
        assert!(ids.insert(operation["operationId"].as_str().unwrap().to_owned()), "{route}: its id is taken");
        assert!(operation["summary"].as_str().is_some_and(|s| s.len() > 5), "{route} says nothing of itself");
        if path.ends_with("/health") {
            continue;
        }
        let problems =
            operation["responses"].as_object().unwrap().iter().filter(|(status, _)| status.as_str() >= "400");
        let mut count = 0;
        for (status, response) in problems {
            let content = &response["content"]["application/problem+json"];
            assert_eq!(content["schema"]["$ref"], "#/components/schemas/Problem", "{route} {status}");
            count += 1;
        }
        assert!(count > 0, "{route} has no problem");
    }
    assert_no_dangling_references(&document, &document);
}

fn assert_no_dangling_references(document: &Value, part: &Value) {
    match part {
        Value::Object(object) => {
            if let Some(reference) = object.get("$ref").and_then(Value::as_str) {
                let pointer = reference.strip_prefix('#').unwrap();
                assert!(document.pointer(pointer).is_some(), "{reference} refers to nothing");
            }
            object.values().for_each(|value| assert_no_dangling_references(document, value));
        }
        Value::Array(array) => array.iter().for_each(|value| assert_no_dangling_references(document, value)),
        _ => {}
    }
}

/// Whatever its answer to a made-up request is: it is the handler's, not the router's.
#[tokio::test]
async fn every_route_of_it_is_reachable_in_both_versions() {
    let app = TestApp::start().await;
    let document = app.get("/api/openapi.json").await.expect(200);
    let operations = operations(&document);
    assert!(operations.len() >= 18, "{} routes", operations.len());
    for (method, path, _) in operations {
        let path = path.replace("{id}", "00000000-0000-7000-8000-000000000000");
        let versioned = path.replace("/api/", "/api/v1/");
        for path in [path, versioned] {
            let method: reqwest::Method = method.to_uppercase().parse().unwrap();
            // What happens has no end.
            let path = if path.ends_with("/v1/events") || path == "/api/events" { path + "?types=none" } else { path };
            let answer = app.request(method.clone(), &path, |request| request).await;
            assert_ne!(answer.status, 405, "{method} {path}");
            assert!(!answer.text().contains("no_such_route"), "{method} {path}: {}", answer.text());
            assert!(answer.status < 500, "{method} {path}: {}", answer.text());
        }
    }
}

/// Routes come from `routes!`, which puts them into the document; what is no part of the API is listed here.
#[test]
fn every_route_is_in_it() {
    let beside = [
        ".route(DOCUMENT, ",
        ".route(\"/api/v1/openapi.json\", ",
        ".route(\"/\", ",
        ".route(\"/web/{digest}/{*path}\", ",
    ];
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/http");
    for entry in std::fs::read_dir(folder).unwrap() {
        let text = std::fs::read_to_string(entry.unwrap().path()).unwrap();
        let code = text.split("#[cfg(test)]").next().unwrap();
        for line in code.lines().filter(|line| line.contains(".route(") || line.contains(".route_service(")) {
            assert!(beside.iter().any(|known| line.contains(known)), "not in the document: {line}");
        }
    }
}

/// The page, its scripts and styles come from the binary.
#[tokio::test]
async fn the_docs_page_needs_no_other_server() {
    let app = TestApp::start().await;
    let page = app.get("/docs/").await;
    assert_eq!(page.status, 200);
    let text = page.text();
    assert!(!text.contains("http://") && !text.contains("https://"), "{text}");
    for file in [
        "swagger-ui.css",
        "index.css",
        "swagger-ui-bundle.js",
        "swagger-ui-standalone-preset.js",
        "swagger-initializer.js",
    ] {
        assert!(text.contains(file), "{file}");
        assert_eq!(app.get(&format!("/docs/{file}")).await.status, 200, "{file}");
    }
    let settings = app.get("/docs/swagger-initializer.js").await.text();
    assert!(settings.contains("/api/openapi.json") && settings.contains("\"validatorUrl\": \"none\""), "{settings}");
}
