//! The house rules, read from the sources: doors between rooms, module docs, settings, file lengths.
//!
//! Each rule is a function of texts, so that a test can plant a violation and see it caught.

use std::path::Path;

use hvac_analytics::config::SETTINGS;

/// Rooms that compute only.
const PURE: &[&str] = &["etl", "modelling", "simulation"];
/// Rooms with use cases.
const FEATURES: &[&str] =
    &["sessions", "datasets", "cleaning", "training", "optimization", "query", "health", "demo", "doctor"];
/// What a feature may use of other features; acyclic, see the test.
const FEATURE_EDGES: &[(&str, &str)] = &[
    ("sessions", "datasets"),
    ("cleaning", "datasets"),
    ("cleaning", "sessions"),
    ("training", "datasets"),
    ("training", "sessions"),
    ("training", "cleaning"),
    ("optimization", "training"),
    ("optimization", "datasets"),
    ("optimization", "sessions"),
    ("query", "datasets"),
    ("demo", "sessions"),
    ("doctor", "sessions"),
];
/// What the rooms that are no feature may use (DESIGN §3); `etl::physics` opens one module only.
const DOORS: &[(&str, &[&str])] = &[
    ("etl", &[]),
    ("modelling", &["etl::physics", "etl::units"]),
    ("simulation", &["etl::physics"]),
    ("error", &[]),
    ("limits", &["error"]),
    ("config", &["error"]),
    ("log", &["config"]),
    ("signals", &[]),
    ("store", &["config", "error", "etl", "modelling"]),
    ("jobs", &["store", "error", "limits"]),
    ("memory", &["config", "error"]),
    ("state", &["store", "config", "error", "jobs", "memory"]),
    ("http", &["state", "error", "config", "jobs", "limits"]),
    ("cli", &["state", "error", "config", "app", "jobs", "worker", "limits"]),
    ("worker", &["jobs", "state", "error"]),
];
/// What every feature may use.
const FEATURE_DOORS: &[&str] =
    &["etl", "modelling", "simulation", "store", "jobs", "state", "error", "config", "limits", "memory"];
/// Rooms that may use every feature.
const USE_FEATURES: &[&str] = &["http", "cli", "worker"];
/// Rooms that may use every room.
const USE_ALL: &[&str] = &["app", "main", "lib", "bin"];
/// Words that must not stand in a pure room: it does nothing but compute.
const IMPURE: &[&str] = &[
    "tokio",
    "std::fs",
    "std::env",
    "std::net",
    "std::process",
    "std::io::std",
    "tracing::",
    "println!",
    "SystemTime",
    "Instant::now",
    "Utc::now",
    "Local::now",
    "rand::rng()",
    "thread_rng",
    "from_os_rng",
    "object_store",
    "sea_orm",
];
/// Words that must not stand in transport: it knows no store.
const BEHIND_THE_USE_CASES: &[&str] = &["sea_orm", "polars", "object_store", "parquet::", ".store."];
/// Longest file, its tests left out.
const LONGEST_FILE: usize = 600;

/// One source file.
struct Source {
    /// Below `src`, with `/`.
    path: String,
    text: String,
}

impl Source {
    fn room(&self) -> &str {
        let first = self.path.split('/').next().unwrap();
        first.strip_suffix(".rs").unwrap_or(first)
    }

    /// The lines that are no comments and no tests, with their numbers.
    fn code(&self) -> Vec<(usize, &str)> {
        let mut code = Vec::new();
        let mut test_module = None;
        for (index, line) in self.text.lines().enumerate() {
            let indent = line.len() - line.trim_start().len();
            match test_module {
                None if line.trim() == "#[cfg(test)]" && module_follows(&self.text, index) => {
                    test_module = Some(indent)
                }
                None if !line.trim_start().starts_with("//") => code.push((index + 1, line)),
                Some(depth) if indent == depth && line.trim() == "}" => test_module = None,
                _ => {}
            }
        }
        code
    }
}

/// Whether the attributes at line `index` are of an inline module.
fn module_follows(text: &str, index: usize) -> bool {
    text.lines()
        .skip(index)
        .find(|line| !line.trim_start().starts_with("#["))
        .is_some_and(|line| line.trim_start().starts_with("mod ") && line.ends_with('{'))
}

fn may_use(room: &str, other: &str, module: &str) -> bool {
    if room == other || USE_ALL.contains(&room) {
        return true;
    }
    let allowed = match FEATURES.contains(&room) {
        true => FEATURE_DOORS,
        false => DOORS.iter().find(|(name, _)| *name == room).map_or(&[][..], |(_, doors)| doors),
    };
    allowed.contains(&other)
        || allowed.contains(&format!("{other}::{module}").as_str())
        || FEATURE_EDGES.contains(&(room, other))
        || (USE_FEATURES.contains(&room) && FEATURES.contains(&other))
}

/// Names behind each `crate::` of a line: the room, and what follows it.
fn crate_paths(line: &str) -> Vec<(String, String)> {
    let name = |text: &str| text.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect::<String>();
    line.match_indices("crate::")
        .filter(|(at, _)| !line[..*at].ends_with(|c: char| c.is_alphanumeric() || c == '_'))
        .map(|(at, found)| {
            let rest = &line[at + found.len()..];
            let room = name(rest);
            let module = rest[room.len()..].strip_prefix("::").map(name).unwrap_or_default();
            (room, module)
        })
        .collect()
}

fn forbidden_doors(source: &Source) -> Vec<String> {
    let mut found = Vec::new();
    let room = source.room();
    let above_the_room = match source.path.matches('/').count() {
        0 => "super::".to_owned(),
        1 if source.path.ends_with("/mod.rs") => "super::".to_owned(),
        depth if source.path.ends_with("/mod.rs") => "super::".repeat(depth),
        depth => "super::".repeat(depth + 1),
    };
    for (number, line) in source.code() {
        let mut say = |what: String| found.push(format!("src/{}:{number}: {what}", source.path));
        if line.contains("crate::{") {
            say("name one room a `use`, so that its door can be checked".to_owned());
        }
        if line.starts_with(&format!("use {above_the_room}")) || line.starts_with(&format!("pub use {above_the_room}"))
        {
            say("reaches out of its room by `super`; write `crate::`".to_owned());
        }
        for (other, module) in crate_paths(line) {
            if !other.is_empty() && !may_use(room, &other, &module) {
                say(format!("`{room}` may not use `{other}`"));
            }
        }
        let words = match room {
            "http" | "cli" => BEHIND_THE_USE_CASES,
            _ if PURE.contains(&room) => IMPURE,
            _ => &[],
        };
        for word in words.iter().filter(|word| line.contains(**word)) {
            say(format!("`{word}` does not belong in `{room}`"));
        }
    }
    found
}

fn missing_doc(source: &Source) -> Option<String> {
    let first = source.text.lines().find(|line| !line.trim().is_empty()).unwrap_or("");
    let said = first.trim_start_matches("//!").trim();
    (!first.starts_with("//!") || said.len() < 10)
        .then(|| format!("src/{}: does not open with `//!` and a sentence", source.path))
}

fn reads_environment(source: &Source) -> Vec<String> {
    if source.path == "config.rs" {
        return Vec::new();
    }
    let reads =
        |line: &str| ["env::var", "env::set_var", "env::remove_var", "dotenvy"].iter().any(|word| line.contains(word));
    let found = source.code().into_iter().filter(|(_, line)| reads(line));
    found.map(|(number, _)| format!("src/{}:{number}: only config.rs reads the environment", source.path)).collect()
}

fn too_long(source: &Source) -> Option<String> {
    let lines = source.text.lines().count() - test_lines(source);
    (lines > LONGEST_FILE)
        .then(|| format!("src/{}: {lines} lines without its tests, more than {LONGEST_FILE}", source.path))
}

fn test_lines(source: &Source) -> usize {
    let comments = source.text.lines().filter(|line| line.trim_start().starts_with("//")).count();
    (source.text.lines().count() - comments).saturating_sub(source.code().len())
}

/// Where `.env.example` and the settings differ.
fn settings_differ(example: &str, settings: &[(&str, &str)]) -> Vec<String> {
    let shown: Vec<(&str, &str)> =
        example.lines().filter(|line| !line.starts_with('#')).filter_map(|line| line.split_once('=')).collect();
    let mut found = Vec::new();
    for (name, default) in settings {
        match shown.iter().find(|(shown, _)| shown == name) {
            None => found.push(format!("{name} is not in .env.example")),
            Some((_, value)) if value != default => {
                found.push(format!("{name}: .env.example says '{value}', the default is '{default}'"));
            }
            Some(_) => {}
        }
    }
    for (name, _) in &shown {
        if !settings.iter().any(|(known, _)| known == name) {
            found.push(format!("{name} is no setting"));
        }
    }
    found
}

fn sources() -> Vec<Source> {
    fn walk(folder: &Path, below: &str, found: &mut Vec<Source>) {
        for entry in std::fs::read_dir(folder).unwrap().map(Result::unwrap) {
            let name = entry.file_name().into_string().unwrap();
            let path = if below.is_empty() { name.clone() } else { format!("{below}/{name}") };
            if entry.file_type().unwrap().is_dir() {
                walk(&entry.path(), &path, found);
            } else if name.ends_with(".rs") && name != "tests.rs" {
                found.push(Source { path, text: std::fs::read_to_string(entry.path()).unwrap() });
            }
        }
    }
    let mut found = Vec::new();
    walk(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), "", &mut found);
    assert!(found.len() > 20, "the sources were not found");
    found
}

#[track_caller]
fn none(found: Vec<String>) {
    assert!(found.is_empty(), "{}", found.join("\n"));
}

#[test]
fn rooms_use_only_their_doors() {
    none(sources().iter().flat_map(forbidden_doors).collect());
}

#[test]
fn every_file_says_what_it_is() {
    none(sources().iter().filter_map(missing_doc).collect());
}

#[test]
fn only_config_reads_the_environment() {
    none(sources().iter().flat_map(reads_environment).collect());
}

#[test]
fn files_are_short() {
    none(sources().iter().filter_map(too_long).collect());
}

#[test]
fn the_example_shows_every_setting() {
    let example = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(".env.example")).unwrap();
    let settings: Vec<_> = SETTINGS.iter().map(|setting| (setting.variable, setting.default)).collect();
    none(settings_differ(&example, &settings));
}

#[test]
fn features_form_no_circle() {
    // Taking away, again and again, what no remaining edge starts from must leave nothing.
    let mut edges = FEATURE_EDGES.to_vec();
    while !edges.is_empty() {
        let before = edges.len();
        let starts: Vec<&str> = edges.iter().map(|(from, _)| *from).collect();
        edges.retain(|(_, to)| starts.contains(to));
        assert!(edges.len() < before, "a circle: {edges:?}");
    }
}

fn planted(path: &str, text: &str) -> Source {
    Source { path: path.to_owned(), text: text.to_owned() }
}

#[test]
fn a_planted_door_is_caught() {
    for (path, text) in [
        ("etl/merge.rs", "use crate::store::Store;"),
        ("etl/merge.rs", "fn f() { let _ = std::fs::read(\"x\"); }"),
        ("simulation/mod.rs", "use crate::etl::merge::merge;"),
        ("store/db.rs", "use crate::sessions::Status;"),
        ("http/data.rs", "fn f() { crate::store::open(); }"),
        ("http/data.rs", "use sea_orm::EntityTrait;"),
        ("http/data.rs", "fn f() { state.store.db.read(); }"),
        ("cli.rs", "use polars::prelude::*;"),
        ("datasets/mod.rs", "use crate::sessions::Row;"),
        ("sessions/store.rs", "use crate::http::problem;"),
        ("sessions/mod.rs", "use super::http::problem;"),
        ("sessions/parse.rs", "use super::super::http::problem;"),
        ("sessions/parse.rs", "use crate::{http, store};"),
        ("sessions/parse.rs", "#[cfg(test)]\nmod tests {\n}\nuse crate::app::serve;"),
        ("newcomer/mod.rs", "use crate::error::Error;"),
    ] {
        assert!(!forbidden_doors(&planted(path, text)).is_empty(), "{path}: {text}");
    }
}

#[test]
fn an_open_door_is_left_alone() {
    for (path, text) in [
        ("etl/merge.rs", "use crate::etl::column::Segment;\nuse super::report::Chunk;"),
        ("etl/report/wide.rs", "use super::super::column::Cells;"),
        ("simulation/mod.rs", "use crate::etl::physics::wet_bulb;"),
        ("http/data.rs", "// crate::store is not for us\nuse crate::datasets::Answer;"),
        ("sessions/parse.rs", "use crate::datasets::Row;"),
        (
            "etl/merge.rs",
            "#[cfg(test)]\n#[allow(clippy::unwrap_used)]\nmod tests {\n    use std::fs;\n    fn f() {\n    }\n}",
        ),
        ("app.rs", "use crate::http;"),
    ] {
        none(forbidden_doors(&planted(path, text)));
    }
}

#[test]
fn other_planted_violations_are_caught() {
    assert!(missing_doc(&planted("a.rs", "use x;\n//! Late.")).is_some());
    assert!(missing_doc(&planted("a.rs", "//! .\n")).is_some());
    assert!(missing_doc(&planted("a.rs", "//! What lives here.\n")).is_none());
    assert_eq!(reads_environment(&planted("app.rs", "let x = std::env::var(\"X\");")).len(), 1);
    assert!(reads_environment(&planted("config.rs", "let x = std::env::var(\"X\");")).is_empty());
    let long = "let x = 1;\n".repeat(LONGEST_FILE + 1);
    assert!(too_long(&planted("a.rs", &long)).is_some());
    assert!(too_long(&planted("a.rs", &format!("#[cfg(test)]\nmod tests {{\n{long}}}\n"))).is_none());
    let settings = [("A", "1"), ("B", "")];
    assert!(settings_differ("# A=9\nA=1\nB=\n", &settings).is_empty());
    assert_eq!(settings_differ("A=2\nC=1\n", &settings).len(), 3);
}
