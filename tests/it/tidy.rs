//! The house rules, read from the sources: doors between rooms, module docs, settings, file lengths.
//!
//! Each rule is a function of texts, so that a test can plant a violation and see it caught.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use hvac_analytics::config::SETTINGS;

/// Rooms that compute only.
const PURE: &[&str] =
    &["hvac-cleaning", "hvac-frame", "hvac-modelling", "hvac-points", "hvac-report", "hvac-simulation"];
/// Rooms with use cases.
const FEATURES: &[&str] = &[
    "sessions",
    "datasets",
    "cleaning",
    "training",
    "optimization",
    "findings",
    "query",
    "records",
    "health",
    "observability",
    "demo",
    "doctor",
    "bundles",
    "storage",
    "accounts",
    "graphql",
];
/// What a feature may use of other features; acyclic, see the test.
const FEATURE_EDGES: &[(&str, &str)] = &[
    ("sessions", "datasets"),
    ("cleaning", "datasets"),
    ("cleaning", "sessions"),
    ("cleaning", "findings"),
    ("training", "datasets"),
    ("training", "sessions"),
    ("training", "cleaning"),
    ("optimization", "training"),
    ("optimization", "datasets"),
    ("optimization", "sessions"),
    ("findings", "datasets"),
    ("findings", "sessions"),
    ("query", "cleaning"),
    ("query", "datasets"),
    ("query", "findings"),
    ("query", "records"),
    ("query", "storage"),
    ("records", "datasets"),
    ("health", "records"),
    ("observability", "records"),
    ("health", "query"),
    ("observability", "health"),
    ("observability", "query"),
    ("demo", "sessions"),
    ("doctor", "sessions"),
    ("bundles", "doctor"),
    ("bundles", "sessions"),
    ("sessions", "accounts"),
    ("graphql", "sessions"),
    ("graphql", "training"),
    ("graphql", "optimization"),
    ("graphql", "records"),
    ("storage", "records"),
];
/// What the rooms that are no feature may use of others (DESIGN §3). Which crate may use which, Cargo keeps.
const DOORS: &[(&str, &[&str])] = &[
    ("error", &[]),
    ("limits", &["error"]),
    ("config", &["error"]),
    ("log", &["config", "error"]),
    ("signals", &[]),
    ("markup", &[]),
    ("times", &[]),
    ("audit", &["error", "limits", "principal", "times"]),
    ("metric_names", &[]),
    ("events", &["config", "error", "metric_names", "principal", "times"]),
    ("jobs", &["audit", "error", "events", "limits", "metric_names", "principal"]),
    ("memory", &["config", "error"]),
    ("principal", &[]),
    ("phrases", &[]),
    ("credentials", &["config", "error", "principal"]),
    (
        "state",
        &[
            "config",
            "credentials",
            "error",
            "events",
            "guessing",
            "jobs",
            "memory",
            "principal",
            "records",
            "storage",
            "tls",
        ],
    ),
    ("tls", &["config", "error"]),
    ("subscriber", &[]),
    ("guessing", &["error", "subscriber"]),
    (
        "http",
        &[
            "audit",
            "state",
            "error",
            "events",
            "config",
            "jobs",
            "limits",
            "log",
            "metric_names",
            "phrases",
            "principal",
            "subscriber",
            "times",
        ],
    ),
    ("pg", &["state", "error", "config", "metric_names", "principal"]),
    ("cli", &["audit", "state", "error", "config", "app", "jobs", "log", "worker", "limits", "phrases", "principal"]),
    ("worker", &["jobs", "state", "error"]),
];
/// What every feature may use.
const FEATURE_DOORS: &[&str] = &[
    "events",
    "jobs",
    "state",
    "error",
    "config",
    "credentials",
    "limits",
    "memory",
    "markup",
    "principal",
    "audit",
    "guessing",
    "metric_names",
    "times",
];
/// Rooms that may use every feature.
const USE_FEATURES: &[&str] = &["http", "pg", "cli", "worker"];
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
const BEHIND_THE_USE_CASES: &[&str] = &["hvac_store", "sea_orm", "polars", "object_store", "parquet::", ".store."];
/// Longest file, its tests left out.
const LONGEST_FILE: usize = 500;

/// One source file.
struct Source {
    /// Below the repository, with `/`.
    path: String,
    text: String,
}

impl Source {
    /// The crate's name, or what stands first below `src`.
    fn room(&self) -> &str {
        let mut parts = self.path.split('/');
        let first = parts.find(|part| !["src", "crates"].contains(part)).unwrap();
        first.strip_suffix(".rs").unwrap_or(first)
    }

    fn is_of_the_program(&self) -> bool {
        self.path.starts_with("src/")
    }

    /// Its place in the tree of modules of its crate.
    fn module(&self) -> Vec<&str> {
        let below = self.path.split_once("src/").unwrap().1.strip_suffix(".rs").unwrap();
        let module: Vec<&str> = below.split('/').collect();
        match module.split_last() {
            Some((&("mod" | "lib" | "main"), above)) => above.to_vec(),
            _ => module,
        }
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
    let above_the_room = match source.path.matches('/').count() - 1 {
        0 => "super::".to_owned(),
        1 if source.path.ends_with("/mod.rs") => "super::".to_owned(),
        depth if source.path.ends_with("/mod.rs") => "super::".repeat(depth),
        depth => "super::".repeat(depth + 1),
    };
    for (number, line) in source.code() {
        let mut say = |what: String| found.push(format!("{}:{number}: {what}", source.path));
        if line.contains("crate::{") {
            say("name one room a `use`, so that its door can be checked".to_owned());
        }
        let reaches_out = |line: &str| line.trim_start_matches("pub ").starts_with(&format!("use {above_the_room}"));
        if source.is_of_the_program() && reaches_out(line) {
            say("reaches out of its room by `super`; write `crate::`".to_owned());
        }
        for (other, module) in crate_paths(line).into_iter().filter(|_| source.is_of_the_program()) {
            if !other.is_empty() && !may_use(room, &other, &module) {
                say(format!("`{room}` may not use `{other}`"));
            }
        }
        let words = match room {
            "http" | "pg" | "cli" => BEHIND_THE_USE_CASES,
            _ if PURE.contains(&room) => IMPURE,
            _ => &[],
        };
        for word in words.iter().filter(|word| line.contains(**word)) {
            say(format!("`{word}` does not belong in `{room}`"));
        }
    }
    found
}

/// The paths that `text` begins with: one, or each of a group in braces.
fn spelled(text: &str) -> Vec<Vec<String>> {
    let (mut found, mut path, mut groups) = (Vec::new(), Vec::new(), Vec::new());
    let mut rest = text;
    loop {
        let word = rest.split(|c: char| !c.is_alphanumeric() && c != '_').next().unwrap_or_default();
        path.push(word.to_owned());
        rest = &rest[word.len()..];
        if let Some(group) = rest.strip_prefix("::{") {
            groups.push(path.len());
            rest = group.trim_start();
            continue;
        }
        if let Some(after) = rest.strip_prefix("::") {
            rest = after;
            continue;
        }
        found.push(path.clone());
        // On to the next of its group, or of one around that.
        loop {
            let (Some(depth), Some(end)) = (groups.last(), rest.find([',', '}'])) else { return found };
            path.truncate(*depth);
            let closes = rest[end..].starts_with('}');
            rest = rest[end + 1..].trim_start();
            if closes {
                groups.pop();
            } else if !rest.starts_with('}') {
                break;
            }
        }
    }
}

/// The modules that a file names, each from the root of its crate: by `crate::`, and by `super::` from where it stands.
fn named_modules(source: &Source) -> Vec<Vec<String>> {
    let code: String = source.code().into_iter().flat_map(|(_, line)| [line, "\n"]).collect();
    let starts = |at: &usize| !code[..*at].ends_with(|c: char| c.is_alphanumeric() || "_:".contains(c));
    let places = |word| code.match_indices(word).map(|(at, _)| at).filter(starts);
    let from_root = places("crate::").flat_map(|at| spelled(&code[at..])).map(|path| path[1..].to_vec());
    let from_here = places("super::").flat_map(|at| spelled(&code[at..])).map(|path| {
        let up = path.iter().take_while(|word| *word == "super").count();
        let own = source.module();
        let above = own.iter().take(own.len().saturating_sub(up)).map(|word| (*word).to_owned());
        above.chain(path.into_iter().skip(up)).collect()
    });
    from_root.chain(from_here).collect()
}

/// Circles of sibling modules in one crate: each module with all that is below it, as its siblings use it.
fn circles(sources: &[&Source]) -> Vec<String> {
    let modules: BTreeSet<Vec<&str>> = sources.iter().map(|source| source.module()).collect();
    // By parent: from which child to which other.
    let mut edges: BTreeMap<Vec<&str>, BTreeSet<(&str, &str)>> = BTreeMap::new();
    for source in sources {
        let own = source.module();
        for named in named_modules(source) {
            let shared = own.iter().zip(&named).take_while(|(a, b)| *a == b).count();
            if let (Some(from), Some(to)) = (own.get(shared), named.get(shared)) {
                let is_it = |known: &&Vec<&str>| {
                    known.len() == shared + 1 && known[..shared] == own[..shared] && known[shared] == to
                };
                if let Some(known) = modules.iter().find(is_it) {
                    edges.entry(own[..shared].to_vec()).or_default().insert((from, known[shared]));
                }
            }
        }
    }
    let mut found = Vec::new();
    for (parent, mut edges) in edges {
        loop {
            let before = edges.len();
            let starts: BTreeSet<&str> = edges.iter().map(|(from, _)| *from).collect();
            edges.retain(|(_, to)| starts.contains(to));
            let ends: BTreeSet<&str> = edges.iter().map(|(_, to)| *to).collect();
            edges.retain(|(from, _)| ends.contains(from));
            if edges.len() == before {
                break;
            }
        }
        if !edges.is_empty() {
            found.push(format!("a circle in `{}`: {edges:?}", parent.join("::")));
        }
    }
    found
}

fn missing_doc(source: &Source) -> Option<String> {
    let first = source.text.lines().find(|line| !line.trim().is_empty()).unwrap_or("");
    let said = first.trim_start_matches("//!").trim();
    // A crate may open with its README.
    let is_readme = first == "#![doc = include_str!(\"../README.md\")]";
    (!is_readme && (!first.starts_with("//!") || said.len() < 10))
        .then(|| format!("{}: does not open with `//!` and a sentence", source.path))
}

fn reads_environment(source: &Source) -> Vec<String> {
    if source.path == "src/config.rs" {
        return Vec::new();
    }
    let reads =
        |line: &str| ["env::var", "env::set_var", "env::remove_var", "dotenvy"].iter().any(|word| line.contains(word));
    let found = source.code().into_iter().filter(|(_, line)| reads(line));
    found.map(|(number, _)| format!("{}:{number}: only config.rs reads the environment", source.path)).collect()
}

fn too_long(source: &Source) -> Option<String> {
    let lines = source.text.lines().count() - test_lines(source);
    (lines > LONGEST_FILE)
        .then(|| format!("{}: {lines} lines without its tests, more than {LONGEST_FILE}", source.path))
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
            let path = format!("{below}/{name}");
            if entry.file_type().unwrap().is_dir() {
                walk(&entry.path(), &path, found);
            } else if name.ends_with(".rs") && name != "tests.rs" {
                found.push(Source { path, text: std::fs::read_to_string(entry.path()).unwrap() });
            }
        }
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut found = Vec::new();
    walk(&root.join("src"), "src", &mut found);
    for name in std::fs::read_dir(root.join("crates")).unwrap().map(|entry| entry.unwrap().file_name()) {
        let below = format!("crates/{}/src", name.to_str().unwrap());
        walk(&root.join(&below), &below, &mut found);
    }
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
fn no_crate_has_a_circle_of_modules() {
    let sources = sources();
    let crates: BTreeSet<&str> = sources.iter().filter(|s| !s.is_of_the_program()).map(Source::room).collect();
    for name in crates {
        let own: Vec<&Source> = sources.iter().filter(|s| !s.is_of_the_program() && s.room() == name).collect();
        none(circles(&own).into_iter().map(|circle| format!("{name}: {circle}")).collect());
    }
}

#[test]
fn no_folder_of_the_program_has_a_circle_of_modules() {
    let sources = sources();
    // What stands first below `src` is held by the doors.
    let own: Vec<&Source> =
        sources.iter().filter(|s| s.is_of_the_program() && !s.path.starts_with("src/bin/")).collect();
    // Rooms are held to their doors instead.
    none(circles(&own).into_iter().filter(|circle| !circle.starts_with("a circle in ``:")).collect());
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
    let path = if path.starts_with("crates/") { path.to_owned() } else { format!("src/{path}") };
    Source { path, text: text.to_owned() }
}

#[test]
fn a_planted_door_is_caught() {
    for (path, text) in [
        ("crates/hvac-cleaning/src/run.rs", "fn f() { let _ = std::fs::read(\"x\"); }"),
        ("crates/hvac-simulation/src/plant.rs", "fn f() { let _ = std::fs::read(\"x\"); }"),
        ("jobs/run.rs", "use crate::sessions::Status;"),
        ("http/data.rs", "fn f() { hvac_store::open(); }"),
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
        ("crates/hvac-cleaning/src/run.rs", "use crate::range::Limits;\nuse super::report::Event;"),
        ("crates/hvac-report/src/wide.rs", "use super::fields::Dialect;"),
        ("crates/hvac-simulation/src/plant.rs", "use crate::tower::Tower;\nuse super::weather::Sky;"),
        ("http/data.rs", "// hvac_store is not for us\nuse crate::datasets::Answer;"),
        ("sessions/parse.rs", "use crate::datasets::Row;"),
        (
            "crates/hvac-cleaning/src/run.rs",
            "#[cfg(test)]\n#[allow(clippy::unwrap_used)]\nmod tests {\n    use std::fs;\n    fn f() {\n    }\n}",
        ),
        ("app.rs", "use crate::http;"),
    ] {
        none(forbidden_doors(&planted(path, text)));
    }
}

#[test]
fn a_planted_circle_is_caught() {
    let of = |files: &[(&str, &str)]| {
        let files: Vec<Source> =
            files.iter().map(|(name, text)| planted(&format!("crates/x/src/{name}"), text)).collect();
        circles(&files.iter().collect::<Vec<_>>())
    };
    assert_eq!(of(&[("lib.rs", "mod a;\nmod b;"), ("a.rs", "use crate::b::B;"), ("b.rs", "")]), [""; 0]);
    assert_eq!(of(&[("a.rs", "use crate::b::B;"), ("b.rs", "use super::a::A;")]).len(), 1);
    assert_eq!(
        of(&[("a.rs", "use super::b::B;"), ("b.rs", "fn f() { super::c::c() }"), ("c.rs", "use crate::a;")]).len(),
        1
    );
    assert_eq!(
        of(&[("a/mod.rs", "mod x;\nmod y;"), ("a/x.rs", "use super::y::Y;"), ("a/y.rs", "use super::x::X;")]).len(),
        1
    );
    let below = [("a/x.rs", "use crate::b::y;"), ("a/z.rs", ""), ("b/y.rs", "use super::super::a::z;")];
    assert_eq!(of(&[&[("a/mod.rs", ""), ("b/mod.rs", "")], &below[..]].concat()).len(), 1, "a uses b uses a");
    let grouped = [
        ("a.rs", "use super::{\n    c::{self, C as D},\n    b::{B,},\n};"),
        ("b.rs", "use crate::{c, d::{D, e}, a::A};"),
        ("c.rs", ""),
        ("d.rs", ""),
    ];
    let [circle] = &of(&grouped)[..] else { panic!("{:?}", of(&grouped)) };
    assert!(["c", "d"].iter().all(|beside| !circle.contains(&format!("\"{beside}\""))), "{circle}");
    let tests = "#[cfg(test)]\nmod tests {\n    use super::super::a::A;\n}";
    assert_eq!(of(&[("a.rs", "use crate::b::B;"), ("b.rs", tests)]), [""; 0], "tests may");
}

#[test]
fn other_planted_violations_are_caught() {
    assert!(missing_doc(&planted("a.rs", "use x;\n//! Late.")).is_some());
    assert!(missing_doc(&planted("a.rs", "//! .\n")).is_some());
    assert!(missing_doc(&planted("a.rs", "//! What lives here.\n")).is_none());
    assert!(missing_doc(&planted("a.rs", "#![doc = include_str!(\"../README.md\")]\n")).is_none());
    assert!(missing_doc(&planted("a.rs", "#![doc = \"\"]\n")).is_some());
    assert_eq!(reads_environment(&planted("app.rs", "let x = std::env::var(\"X\");")).len(), 1);
    assert!(reads_environment(&planted("config.rs", "let x = std::env::var(\"X\");")).is_empty());
    let long = "let x = 1;\n".repeat(LONGEST_FILE + 1);
    assert!(too_long(&planted("a.rs", &long)).is_some());
    assert!(too_long(&planted("a.rs", &format!("#[cfg(test)]\nmod tests {{\n{long}}}\n"))).is_none());
    let settings = [("A", "1"), ("B", "")];
    assert!(settings_differ("# A=9\nA=1\nB=\n", &settings).is_empty());
    assert_eq!(settings_differ("A=2\nC=1\n", &settings).len(), 3);
}
