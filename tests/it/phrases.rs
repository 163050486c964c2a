//! What sentences of answers say, as code and values: the catalogue's words are the program's, the page has texts of all of
//! them, and answers tell them.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use hvac_analytics::phrases::{CATALOGUE, Meaning, read};
use hvac_frame::builder::SegmentBuilder;
use hvac_report::{ReadOptions, Reader, Source};
use serde_json::{Value, json};

use crate::helpers::TestApp;

fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|ending| ending == "rs") {
            found.push(path);
        }
    }
}

/// All sources, with texts that go over several lines put together.
fn texts() -> String {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut files = Vec::new();
    for folder in ["src", "crates"] {
        sources(&root.join(folder), &mut files);
    }
    let mut all = String::new();
    for file in files {
        let source = std::fs::read_to_string(file).unwrap();
        let mut parts = source.split("\\\n");
        all.push_str(parts.next().unwrap());
        parts.for_each(|part| all.push_str(part.trim_start()));
    }
    all
}

fn forms() -> impl Iterator<Item = (&'static str, &'static str)> {
    forms_of(CATALOGUE)
}

fn forms_of(catalogue: &'static str) -> impl Iterator<Item = (&'static str, &'static str)> {
    catalogue.lines().filter(|line| !line.starts_with('#')).map(|line| line.split_once('\t').expect(line))
}

/// Somebody who changes a sentence changes its form, or it would be English for all who read another language.
#[test]
fn the_words_of_every_form_stand_in_the_sources() {
    let texts = texts();
    // As one text, or put together of two: words and what follows them.
    let stands = |words: &str| {
        texts.contains(words)
            || words.match_indices(' ').any(|(at, _)| {
                let (before, behind) = words.split_at(at);
                texts.contains(before) && texts.contains(behind.trim_start())
            })
    };
    let mut foreign = Vec::new();
    let (present, _) = CATALOGUE.split_once("# Said by earlier versions").unwrap();
    for (code, text) in forms_of(present) {
        // Between values, and where sentences are put together of parts.
        for words in text.split(['{', '}']).step_by(2).flat_map(|words| words.split(['(', ')', ':', ';', ','])) {
            let words = words.trim();
            if words.split(' ').filter(|word| word.len() > 2).count() > 2 && !stands(words) {
                foreign.push(format!("{code}: {words}"));
            }
        }
    }
    assert!(foreign.is_empty(), "no sentence of the program:\n{}", foreign.join("\n"));
}

/// A room of the page's file of a language, up to the brace that closes it.
fn room(language: &str, begin: &str, end: &str) -> String {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("src/web/lang/{language}.js"));
    let file = std::fs::read_to_string(file).unwrap();
    let (_, room) = file.split_once(begin).unwrap_or_else(|| panic!("{language} has no {begin}"));
    room.split_once(end).unwrap().0.to_owned()
}

/// What the list of what was done calls each act, wherever in the program it is noted.
#[test]
fn the_page_says_every_act_in_both_languages() {
    let texts = texts();
    let acts: BTreeSet<String> = (texts.split("Act::on").skip(1))
        .filter_map(|rest| rest.split(';').next())
        .flat_map(|call| call.split('"').skip(1).step_by(2))
        .filter(|word| word.contains('.') && word.chars().all(|c| c.is_ascii_lowercase() || c == '_' || c == '.'))
        .map(|act| format!("{}:", act.replace('.', "_")))
        .collect();
    assert!(acts.len() > 35 && acts.contains("record_delete:") && acts.contains("session_restore:"), "{acts:?}");
    for language in ["en", "zh-Hant"] {
        let room = room(language, "\n    action: {", "\n    },");
        let silent: Vec<&String> = acts.iter().filter(|act| !room.contains(&format!(" {act}"))).collect();
        assert!(silent.is_empty(), "{language}: no text of {silent:?}");
    }
}

/// Each code of the page's files, with the names of the values that its text shows.
fn page_texts(language: &str) -> BTreeSet<String> {
    let room = room(language, "\n  sentence: {", "\n  },");
    let keys = room.split([' ', '\n', '{']).filter_map(|word| word.strip_suffix(':'));
    keys.map(str::to_owned).collect()
}

#[test]
fn the_page_says_every_code_in_both_languages() {
    for language in ["en", "zh-Hant"] {
        let known = page_texts(language);
        let silent: BTreeSet<&str> = forms().map(|(code, _)| code).filter(|code| !known.contains(*code)).collect();
        assert!(silent.is_empty(), "{language}: no text of {silent:?}");
    }
}

/// The reports of the documentation and of the reader's own tests: their names and bytes.
fn documented_reports() -> Vec<(String, Vec<u8>)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let formats = std::fs::read_to_string(root.join("docs/FORMATS.md")).unwrap();
    let samples = formats.split("\n```csv ").skip(1).map(|sample| {
        let (told, text) = sample.split_once('\n').unwrap();
        let name = told.strip_prefix('"').map_or_else(|| told.split(' ').next(), |name| name.split('"').next());
        (name.unwrap().to_owned(), text.split("```").next().unwrap().as_bytes().to_vec())
    });
    let fixtures = std::fs::read_dir(root.join("crates/hvac-report/tests/fixtures")).unwrap().map(|entry| {
        let path = entry.unwrap().path();
        (path.file_name().unwrap().to_string_lossy().into_owned(), std::fs::read(path).unwrap())
    });
    samples.chain(fixtures).collect()
}

/// All evidence and warnings in what is told of a report.
fn sentences(value: &Value, found: &mut BTreeSet<String>) {
    match value {
        Value::Array(items) => items.iter().for_each(|item| sentences(item, found)),
        Value::Object(fields) => fields.iter().for_each(|(key, value)| match value {
            Value::String(text) if ["evidence", "message"].contains(&key.as_str()) => {
                found.insert(text.clone());
            }
            value => sentences(value, found),
        }),
        _ => {}
    }
}

/// Whoever adds a sentence about reports adds its form, or it would be English for all who read another language.
#[test]
fn what_is_said_of_reports_is_known() {
    let (mut said, mut read_reports) = (BTreeSet::new(), 0);
    let options = ReadOptions::of(chrono_tz::Asia::Taipei);
    for (name, bytes) in documented_reports() {
        for reader in Reader::open(Source { name: &name, bytes: &bytes }, &options).into_iter().flatten() {
            let Ok(plan) = reader.plan(&mut SegmentBuilder::default(), &mut |_, _| ()) else { continue };
            read_reports += 1;
            sentences(&serde_json::to_value(plan).unwrap(), &mut said);
        }
    }
    assert!(read_reports > 80 && said.len() > 100, "{read_reports} reports, {} sentences", said.len());
    let unknown: Vec<&String> = (said.iter())
        .filter(|sentence| match read(sentence) {
            None => true,
            Some(Meaning::Several(parts)) => parts.iter().any(|part| matches!(part, Meaning::Text(_))),
            Some(_) => false,
        })
        .collect();
    assert!(unknown.is_empty(), "no form of:\n{unknown:#?}");
}

/// Forms of one code have the same values: a text of the code shows them, whichever form a sentence had.
#[test]
fn sentences_are_read_by_their_forms() {
    let said = |sentence: &str| serde_json::to_value(read(sentence)).unwrap();
    let phrase = |code: &str, values: Value| json!({"code": code, "values": values});
    assert_eq!(
        said("23.4 for 14 h while CHP_01 ran"),
        phrase("frozen_while", json!({"value": "23.4", "time": "14 h", "machine": "CHP_01"}))
    );
    assert_eq!(
        said(
            "chilled-water pumps 47 → 42.5 Hz: −6.1 kW of chilled-water pumps against +1.9 kW of chillers at 25.6 °C wet-bulb; without it history does not prove that the load is met"
        ),
        json!([
            phrase("at_wet_bulb", json!({"air": "25.6 °C", "reason": phrase("change_two", json!({
                "machine": "chilled-water pumps", "from": "47", "to": "42.5 Hz", "own": "−6.1", "one": "chilled-water pumps",
                "rest": "+1.9", "other": "chillers"
            }))})),
            {"code": "needed"}
        ])
    );
    assert_eq!(
        said("3 times, put together: 99…101, where at most 60 °C is possible"),
        phrase(
            "put_together",
            json!({"count": "3", "said": phrase("impossible", json!({
                "value": "99…101", "range": phrase("at_most", json!({"value": "60 °C"}))
            }))})
        )
    );
    assert_eq!(
        said("1344 rows became 672 at 30m; 49 of 22813 cells with a value flagged (frozen 49)."),
        json!([
            phrase("rows_became", json!({"before": "1344", "after": "672", "interval": "30m"})),
            phrase("cells_flagged", json!({"count": "49", "all": "22813", "rules": "frozen 49"}))
        ])
    );
    for other in ["plant", "Our plant, as it was", "a; b", ""] {
        assert_eq!(said(other), Value::Null, "{other}");
    }
    let mut values: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for (code, text) in forms() {
        let own: BTreeSet<&str> =
            text.split(['{', '}']).skip(1).step_by(2).map(|name| name.trim_end_matches('#')).collect();
        let of_code = values.entry(code).or_insert_with(|| own.clone());
        assert!(own.is_subset(of_code) || of_code.is_subset(&own), "{code}");
    }
}

#[tokio::test]
async fn answers_say_what_their_sentences_say() {
    let app = TestApp::start().await;
    let parsed = app.post("/api/demo", &json!({})).await.expect(200);
    let message = parsed["message"].as_str().unwrap();
    let demo = &parsed["said"][message];
    assert_eq!(
        (&demo["code"], &demo["values"]["points"]),
        (&json!("parsed"), &json!((parsed["column_count"].as_u64().unwrap() - 1).to_string())),
        "{message}"
    );
    let session = &parsed["session_id"];
    let cleaned = app.post("/api/clean", &json!({"session_id": session, "resample_interval": "15m"})).await.expect(200);
    assert_eq!(
        cleaned["said"][cleaned["message"].as_str().unwrap()][0]["code"],
        "rows_became",
        "{}",
        cleaned["message"]
    );
    let events =
        app.get(&format!("/api/data/events?session_id={}&rule=frozen", session.as_str().unwrap())).await.expect(200);
    let detail = events["items"][0]["detail"].as_str().unwrap();
    assert!(events["said"][detail]["code"].as_str().unwrap().starts_with("frozen_"), "{detail}");
    let jobs = app.get("/api/jobs?kind=clean").await.expect(200);
    assert_eq!(jobs["items"][0]["session_id"], *session);
    assert_eq!(jobs["said"][jobs["items"][0]["message"].as_str().unwrap()][0]["code"], "rows_became", "{jobs}");
}
