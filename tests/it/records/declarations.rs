//! Declarations that change: what can be applied is, what cannot is refused with file, line and the way out, and what was
//! before goes on.

use std::time::{Duration, Instant};

use super::*;

const NOTES: &str = "[[collection]]\nname = 'notes'\nkey = 'id'\n[collection.fields]\nid = { type = 'text' }\n\
                     text = { type = 'text' }\nrank = { type = 'integer' }\n";

/// Writes a file of declarations, and waits until that is told.
async fn rewritten(app: &TestApp, name: &str, text: Option<&str>) -> Value {
    let path = app.folder.path().join("collections").join(name);
    let generation = app.state.records.registry().generation;
    match text {
        Some(text) => std::fs::write(&path, text).unwrap(),
        None => std::fs::remove_file(&path).unwrap(),
    }
    let patience = Instant::now() + Duration::from_secs(20);
    while app.state.records.registry().generation == generation {
        assert!(Instant::now() < patience, "{name} was never read again");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    app.get("/api/v1/collections").await.expect(200)
}

fn file<'v>(collections: &'v Value, name: &str) -> &'v Value {
    collections["files"].as_array().unwrap().iter().find(|file| file["file"] == name).unwrap()
}

#[tokio::test]
async fn what_is_added_is_applied_and_what_is_removed_is_hidden() {
    let app = declared(&[("notes.toml", NOTES)]).await;
    let records = json!({"notes": [{"id": "a", "text": "one", "rank": 1}, {"id": "b", "text": "two", "rank": 2}]});
    app.post("/api/notes/batch", &records).await.expect(202);
    assert_eq!(app.get("/api/notes?rank=2").await.expect(200)["scanned"], json!(["rank"]));

    // An optional field, an index and a default.
    let more = NOTES.replace(
        "'integer' }",
        "'integer', index = true }\ndone = { type = 'boolean', default = false }\nby = { type = 'text' }",
    );
    let collections = rewritten(&app, "notes.toml", Some(&more)).await;
    assert_eq!(file(&collections, "notes.toml")["error"], Value::Null, "{collections}");
    let page = app.get("/api/notes?rank=2").await.expect(200);
    assert_eq!((ids(&page, "id"), &page["scanned"]), (vec!["b".to_owned()], &Value::Null));
    assert_eq!(app.get("/api/notes/a").await.expect(200)["done"], false, "{page}");
    app.post("/api/notes", &json!({"id": "c", "by": "anna", "rank": 3})).await.expect(202);

    // An index goes, and a field that nobody has.
    let less = NOTES.replace("\ntext = { type = 'text' }", "\ntext = { type = 'text' }\nby = { type = 'text' }");
    let collections = rewritten(&app, "notes.toml", Some(&less)).await;
    assert!(
        file(&collections, "notes.toml")["error"].as_str().unwrap().contains("done"),
        "every record has it: {collections}"
    );
    for id in ["a", "b", "c"] {
        app.delete(&format!("/api/notes/{id}")).await.expect(204);
    }
    let collections = rewritten(&app, "notes.toml", Some(&format!("{less}\n"))).await;
    assert_eq!(file(&collections, "notes.toml")["error"], Value::Null, "{collections}");
    app.post("/api/notes", &json!({"id": "d", "rank": 4, "text": "kept"})).await.expect(202);
    app.post("/api/notes", &json!({"id": "e", "done": true})).await.expect_problem(422, "unknown_field");

    // The file goes: the routes too, and the data stay for when it comes back.
    rewritten(&app, "notes.toml", None).await;
    app.get("/api/notes").await.expect_problem(404, "no_such_route");
    rewritten(&app, "notes.toml", Some(&less)).await;
    assert_eq!(app.get("/api/notes/d").await.expect(200)["text"], "kept");
}

#[tokio::test]
async fn a_wrong_file_is_refused_by_its_line_and_the_old_one_goes_on() {
    let app = declared(&[("notes.toml", NOTES)]).await;
    app.post("/api/notes", &json!({"id": "a", "text": "one", "rank": 1})).await.expect(202);
    let field = |text: &str| NOTES.replace("rank = { type = 'integer' }", text);
    for (text, line, says) in [
        (NOTES.replace("'integer'", "'intger'"), 7, "did you mean integer?"),
        (NOTES.replace("key = 'id'", "kee = 'id'"), 3, "did you mean key?"),
        (NOTES.replace("key = 'id'", "key = 'di'"), 3, "there is no field 'di'"),
        (format!("{NOTES}[[collection]\n"), 8, "]"),
        (field("rank = { type = 'text' }"), 1, "was of the type integer and cannot become text"),
        (field(""), 1, "it is gone, and 1 records have a value of it"),
        (field("rank = { type = 'integer' }\nwho = { type = 'text', required = true }"), 1, "give it a default"),
        (NOTES.replace("key = 'id'", "key = 'text'"), 1, "its key was 'id'"),
        (NOTES.replace("key = 'id'", "key = 'rank'"), 3, "must be a text of at most 200"),
        (field("rank = { type = 'integer', default = 'x' }"), 7, "a whole number"),
        (field("rank = { type = 'integer' }\npage = { type = 'text' }"), 8, "is a word of the routes"),
        (NOTES.replace("name = 'notes'", "name = 'sessions'"), 1, "built-in table"),
        (NOTES.replace("name = 'notes'", "name = 'stored_files'"), 1, "built-in table"),
        (NOTES.replace("name = 'notes'", "name = 'stored_file_links'"), 1, "built-in table"),
        (NOTES.replace("name = 'notes'", "name = 'notes__rows'"), 2, "two underscores"),
        (NOTES.replace("key = 'id'", "key = 'id'\nroute = 'models/mine'"), 1, "built-in routes at /models"),
        (NOTES.replace("key = 'id'", "key = 'id'\nbackend = 'postgres'"), 1, "name no such server"),
        (NOTES.replace("key = 'id'", "key = 'id'\nttl = '3 days'"), 4, "write it like 30d"),
        (
            NOTES.replace("key = 'id'", "key = 'id'\nparent = { collection = 'note', field = 'text' }"),
            1,
            "did you mean notes?",
        ),
        (NOTES.replace("key = 'id'", "key = 'id'\nroute = 'work-orders'"), 1, "would mean two things"),
    ] {
        let collections = rewritten(&app, "notes.toml", Some(&text)).await;
        let state = file(&collections, "notes.toml");
        assert!(state["error"].as_str().is_some_and(|error| error.contains(says)), "{says}: {state}\n{text}");
        assert_eq!(state["line"], line, "{says}: {state}\n{text}");
        assert_eq!(state["collections"], json!(["notes"]));
        assert_eq!(app.get("/api/notes/a").await.expect(200)["rank"], 1, "{says}");
    }
    // Also when it is started anew.
    let app = app.restart().await;
    let collections = app.get("/api/collections").await.expect(200);
    assert!(file(&collections, "notes.toml")["error"].is_string(), "{collections}");
    assert_eq!(app.get("/api/notes/a").await.expect(200)["rank"], 1);
    let collections = rewritten(&app, "notes.toml", Some(NOTES)).await;
    assert_eq!(file(&collections, "notes.toml")["error"], Value::Null, "{collections}");
}

/// Whatever it is called: a file that wants a name or a route of another one is refused, and the other goes on.
#[tokio::test]
async fn a_file_takes_nothing_from_another() {
    const THEIRS: &str =
        "[[collection]]\nname = 'work_orders'\nkey = 'id'\n[collection.fields]\nid = { type = 'text' }\n";
    let route = THEIRS.replace("'work_orders'", "'mine'\nroute = 'work-orders'");
    let same = NOTES.replace("rank = { type = 'integer' }\n", "");
    // From the first start on, and beside what is in force.
    let app = declared(&[("aaa.toml", THEIRS), ("aab.toml", &route), ("notes.toml", NOTES)]).await;
    app.post("/api/notes", &json!({"id": "a", "text": "one", "rank": 1})).await.expect(202);
    for started in ["at first", "again"] {
        app.post("/api/work-orders", &json!({"work_order_id": "W-1", "title": started})).await.expect(202);
        let collections = rewritten(&app, "abc.toml", Some(&same)).await;
        for (name, says) in [
            ("aaa.toml", "another file declares 'work_orders' already"),
            ("aab.toml", "would mean two things"),
            ("abc.toml", "another file declares 'notes' already"),
        ] {
            let state = file(&collections, name);
            assert!(state["error"].as_str().is_some_and(|error| error.contains(says)), "{started}: {state}");
            assert_eq!(state["collections"], json!([]), "{started}");
        }
        for name in ["hvac.toml", "notes.toml"] {
            assert_eq!(file(&collections, name)["error"], Value::Null, "{started}: {collections}");
        }
        assert_eq!(app.get("/api/work-orders/W-1").await.expect(200)["title"], started);
        assert_eq!(app.get("/api/notes/a").await.expect(200)["rank"], 1, "{started}");
        rewritten(&app, "abc.toml", None).await;
    }
    let app = app.restart().await;
    let collections = rewritten(&app, "abc.toml", Some(&same)).await;
    assert!(file(&collections, "abc.toml")["error"].is_string(), "{collections}");
    assert_eq!(app.get("/api/notes/a").await.expect(200)["rank"], 1);
    // One that is in force does not take the route of another either.
    let wants = NOTES.replace("key = 'id'", "key = 'id'\nroute = 'equipment'");
    let collections = rewritten(&app, "notes.toml", Some(&wants)).await;
    assert!(file(&collections, "notes.toml")["error"].is_string(), "{collections}");
    app.get("/api/equipment").await.expect(200);
    app.get("/api/notes/a").await.expect(200);
}

#[tokio::test]
async fn a_file_of_the_built_in_name_takes_its_place() {
    let app = declared(&[("hvac.toml", "collection = []\n")]).await;
    app.get("/api/work-orders").await.expect_problem(404, "no_such_route");
    let collections = app.get("/api/collections").await.expect(200);
    assert_eq!(collections["items"], json!([]), "{collections}");
}

/// The files that are committed can be used, all at once.
#[tokio::test]
async fn all_committed_files_go_together() {
    let files = ["translation.toml", "satellite.toml"].map(|name| (name, committed(name)));
    let files: Vec<(&str, &str)> = files.iter().map(|(name, text)| (*name, text.as_str())).collect();
    let app = declared(&files).await;
    let collections = app.get("/api/v1/collections").await.expect(200);
    for state in collections["files"].as_array().unwrap() {
        assert_eq!(state["error"], Value::Null, "{state}");
    }
    assert_eq!(collections["items"].as_array().unwrap().len(), 10);
}

/// Whoever writes while a declaration changes is acknowledged and kept as it is declared now, or told why not.
#[tokio::test(flavor = "multi_thread")]
async fn writes_go_on_while_declarations_change() {
    let app = Arc::new(declared(&[("notes.toml", NOTES)]).await);
    let stop = Arc::new(std::sync::atomic::AtomicBool::new(false));
    let writing = (0..8).map(|writer| {
        let (app, stop) = (Arc::clone(&app), Arc::clone(&stop));
        tokio::spawn(async move {
            let (mut kept, mut hidden) = (Vec::new(), 0);
            for n in 0_u32.. {
                if stop.load(std::sync::atomic::Ordering::Relaxed) {
                    break;
                }
                let id = format!("{writer}-{n:05}");
                let answer = app.post("/api/notes", &json!({"id": id, "text": "x", "rank": n})).await;
                match answer.status {
                    202 => kept.push(id),
                    404 => {
                        answer.expect_problem(404, "no_such_route");
                        hidden += 1;
                        tokio::time::sleep(Duration::from_millis(5)).await;
                    }
                    _ => panic!("{}", answer.text()),
                }
            }
            (kept, hidden)
        })
    });
    let writing: Vec<_> = writing.collect();
    let mut text = NOTES.to_owned();
    for round in 0..3 {
        text += &format!("done_{round} = {{ type = 'boolean', default = false, index = {} }}\n", round == 1);
        let collections = rewritten(&app, "notes.toml", Some(&text)).await;
        assert_eq!(file(&collections, "notes.toml")["error"], Value::Null, "{collections}");
    }
    rewritten(&app, "notes.toml", None).await;
    let more = text.replace("rank = { type = 'integer' }", "rank = { type = 'integer', index = true }");
    rewritten(&app, "notes.toml", Some(&more)).await;
    stop.store(true, std::sync::atomic::Ordering::Relaxed);
    let (mut kept, mut hidden) = (Vec::new(), 0);
    for writer in writing {
        let (ids, refused) = writer.await.unwrap();
        kept.extend(ids);
        hidden += refused;
    }
    assert!(hidden > 0 && kept.len() > 100, "{hidden} {}", kept.len());
    for query in ["", "?done_0=false", "?done_1=false", "?done_2=false"] {
        assert_eq!(app.get(&format!("/api/notes{query}")).await.expect(200)["total"], kept.len(), "{query}");
    }
    for id in kept.iter().step_by(37) {
        let record = app.get(&format!("/api/notes/{id}")).await.expect(200);
        assert_eq!((&record["done_0"], &record["done_2"]), (&json!(false), &json!(false)), "{record}");
    }
}

/// Names that differ in an underscore are two in every room.
#[tokio::test]
async fn names_that_differ_little_are_two() {
    let one = NOTES.replace("name = 'notes'", "name = 'part_1'");
    let other = NOTES.replace("name = 'notes'", "name = 'part1'").replace("rank", "weight");
    let app = declared(&[("parts.toml", &format!("{one}{other}"))]).await;
    app.post("/api/part-1", &json!({"id": "a", "rank": 1})).await.expect(202);
    app.post("/api/part1", &json!({"id": "a", "weight": 2})).await.expect(202);
    let document = app.get("/api/openapi.json").await.expect(200);
    for (route, field) in [("part-1", "rank"), ("part1", "weight")] {
        let body = &document["paths"][format!("/api/{route}")]["post"]["requestBody"]["content"]["application/json"];
        let schema = body["schema"]["$ref"].as_str().unwrap().rsplit('/').next().unwrap();
        assert!(document["components"]["schemas"][schema]["properties"][field].is_object(), "{route}: {body}");
    }
    if cfg!(feature = "graphql") {
        let query = json!({"query": "{ part_1 { items { rank } } part1 { items { weight } } }"});
        let found = app.post("/api/graphql", &query).await.expect(200);
        let expected = json!({"part_1": {"items": [{"rank": 1}]}, "part1": {"items": [{"weight": 2}]}});
        assert_eq!(found["data"], expected, "{found}");
    }
}
