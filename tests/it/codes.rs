//! The table of error codes: its page in the documentation, its texts in the page, and that it has every code in use and no
//! other.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use hvac_analytics::app;
use hvac_analytics::error::{Code, Error, codes};

use crate::helpers::TestApp;
use crate::openapi;

fn status(code: &'static Code) -> u64 {
    app::problem(&Error::new(code, ""))["status"].as_u64().unwrap()
}

/// `INSTA_UPDATE=always` writes it anew, as it does the snapshots.
#[test]
fn the_page_of_codes_is_the_table() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/ERRORS.md");
    let mut sorted = codes::ALL.to_vec();
    sorted.sort_by_key(|code| code.name);
    let mut page = "# Error codes\n\n\
        What the `code` of a problem document means, with the HTTP status that comes with it. The document's `detail` says\n\
        it of the case at hand, its `errors` of each field, file or line. Made from `crates/hvac-store/src/error/codes.rs`\n\
        by `just snapshots`.\n\n| code | status | meaning | way out |\n|---|---|---|---|\n"
        .to_owned();
    for code in sorted {
        page += &format!("| `{}` | {} | {} | {} |\n", code.name, status(code), code.meaning, code.way_out);
    }
    if std::env::var("INSTA_UPDATE").is_ok_and(|update| update == "always") {
        std::fs::write(&path, &page).unwrap();
    }
    assert!(std::fs::read_to_string(path).unwrap() == page, "docs/ERRORS.md is not the table: run `just snapshots`");
}

/// A code that has no line there would be English for all who read another language.
#[test]
fn the_page_says_every_code_in_chinese() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/web/lang/zh-Hant.refusals.js");
    let file = std::fs::read_to_string(path).unwrap();
    let mut said = Vec::new();
    for (code, texts) in file.lines().filter_map(|line| line.strip_prefix("  ")?.split_once(": ")) {
        // What it means and the way out.
        let texts = texts.strip_prefix("[\"").and_then(|texts| texts.strip_suffix("。\"],")).expect(code);
        assert_eq!(texts.matches("。\", \"").count(), 1, "{code}: {texts}");
        said.push(code);
    }
    let mut known: Vec<&str> = codes::ALL.iter().map(|code| code.name).collect();
    known.sort_unstable();
    assert_eq!(said, known, "one line a code, in the order of docs/ERRORS.md");
}

/// What a client is told to expect is in the table, with that status.
#[tokio::test]
async fn every_code_of_the_document_and_of_the_tests_is_in_the_table() {
    let mut told = BTreeSet::new();
    let document = TestApp::start().await.get("/api/openapi.json").await.expect(200);
    for (_, _, operation) in openapi::operations(&document) {
        for (status, response) in operation["responses"].as_object().unwrap() {
            if let Some(code) = response["content"]["application/problem+json"]["example"]["code"].as_str() {
                told.insert((status.parse().unwrap(), code.to_owned()));
            }
        }
    }
    for text in sources(&["tests/it"]) {
        for call in text.split("expect_problem(").skip(1) {
            let arguments = call.split(')').next().unwrap();
            let Some((status, code)) = arguments.split_once(", ") else { continue };
            let code = code.strip_prefix('"').and_then(|code| code.strip_suffix('"'));
            told.extend(status.parse().ok().zip(code.map(str::to_owned)));
        }
    }
    assert!(told.len() > 50, "{told:?}");
    told.retain(|(expected, name)| codes::named(name).map(status) != Some(*expected));
    assert_eq!(told, BTreeSet::new(), "not in the table, or there with another status");
}

#[test]
fn every_code_of_the_table_is_in_use() {
    let texts = sources(&["src", "crates/hvac-store/src"]).join("\n");
    let pure = sources(&["crates/hvac-report/src", "crates/hvac-cleaning/src", "crates/hvac-modelling/src"]).join("\n");
    let words: BTreeSet<&str> = texts.split(|c: char| !c.is_alphanumeric() && c != '_' && c != ':').collect();
    let unused = codes::ALL.iter().map(|code| code.name).filter(|name| {
        let constant = format!("codes::{}", name.to_uppercase());
        !words.contains(constant.as_str()) && !pure.contains(&format!("\"{name}\""))
    });
    assert_eq!(unused.collect::<Vec<_>>(), Vec::<&str>::new());
}

/// The crates that only compute name a code by its text.
#[test]
fn every_code_of_the_pure_crates_is_in_the_table() {
    let of = |folder: &str, calls: &[&str]| {
        let mut found = BTreeSet::new();
        for text in sources(&[folder]) {
            for call in calls {
                for after in text.split(call).skip(1) {
                    let code = after.trim_start().strip_prefix('"').and_then(|rest| rest.split('"').next());
                    found.extend(code.map(str::to_owned));
                }
            }
        }
        found
    };
    let mut found = of("crates/hvac-report/src", &[".error(", " error("]);
    found.extend(of("crates/hvac-cleaning/src", &["Problem { code:", "CleanError { code:"]));
    found.extend(of("crates/hvac-modelling/src", &["ModelError::new(", "ModelError::of(", "ModelError { code:"]));
    assert!(found.len() > 30, "{found:?}");
    // Answered as `job_cancelled`.
    found.remove("cancelled");
    found.retain(|name| codes::named(name).is_none());
    assert_eq!(found, BTreeSet::new(), "not in the table");
}

fn sources(folders: &[&str]) -> Vec<String> {
    let mut left: Vec<PathBuf> =
        folders.iter().map(|folder| Path::new(env!("CARGO_MANIFEST_DIR")).join(folder)).collect();
    let mut texts = Vec::new();
    while let Some(path) = left.pop() {
        if path.is_dir() {
            left.extend(std::fs::read_dir(path).unwrap().map(|entry| entry.unwrap().path()));
        } else if path.extension().is_some_and(|ext| ext == "rs") {
            texts.push(std::fs::read_to_string(path).unwrap());
        }
    }
    texts
}
