//! Declared collections through HTTP: three systems, writing, lists, declarations that change, crashes.

use std::sync::Arc;

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::helpers::TestApp;

mod backends;
mod crash;
mod declarations;
mod elsewhere;
mod encrypted;
mod lists;
mod remembered;
mod rooms;
mod search;
mod servers;
mod systems;
mod writing;

/// A file of the repository's `collections`.
fn committed(name: &str) -> String {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("collections");
    std::fs::read_to_string(folder.join(name)).unwrap()
}

/// A server with these files of declarations besides the built-in one.
async fn declared(files: &[(&str, &str)]) -> TestApp {
    let folder = Arc::new(TempDir::new().unwrap());
    let declarations = folder.path().join("collections");
    std::fs::create_dir_all(&declarations).unwrap();
    for (name, text) in files {
        std::fs::write(declarations.join(name), text).unwrap();
    }
    let path = declarations.display().to_string();
    TestApp::start_in(folder, vec![("COLLECTIONS_PATH", path)]).await.unwrap()
}

/// Ids of a page's items.
fn ids(page: &Value, key: &str) -> Vec<String> {
    page["items"].as_array().unwrap().iter().map(|item| item[key].as_str().unwrap().to_owned()).collect()
}

fn order(id: &str, status: &str) -> Value {
    json!({"work_order_id": id, "title": format!("Look at {id}"), "status": status})
}
