//! The graph: what REST answers, by field; nothing of what one does not see; bounded, and looked up at once.

use hvac_analytics::events::{Audience, NewEvent};
use hvac_analytics::principal::Role;
use serde_json::{Value, json};

use crate::access::Guarded;
use crate::helpers::{Response, TestApp};

mod collections;
mod subscriptions;

async fn ask(app: &TestApp, query: &str) -> Value {
    let answer = app.post("/api/v1/graphql", &json!({"query": query})).await.expect(200);
    assert!(answer["errors"].is_null(), "{answer}");
    answer["data"].clone()
}

/// The code of the one error.
#[track_caller]
fn code(answer: &Response) -> String {
    let answer = answer.expect(200);
    answer["errors"][0]["extensions"]["code"].as_str().unwrap_or_else(|| panic!("{answer}")).to_owned()
}

fn report(name: &str) -> Vec<u8> {
    format!("time,{name}\n2020-01-01 00:00,1\n2020-01-01 00:15,2\n2020-01-01 00:30,4\n").into_bytes()
}

/// Names of all scalar fields of a type, by the schema itself.
async fn scalars(app: &TestApp, of: &str) -> Vec<String> {
    let query = format!(
        r#"{{ __type(name: "{of}") {{ fields {{ name type {{ kind ofType {{ kind ofType {{ kind ofType {{ kind }} }} }} }} }} }} }}"#
    );
    let found = ask(app, &query).await;
    let is_scalar = |field: &&Value| !field["type"].to_string().contains("OBJECT");
    let fields = found["__type"]["fields"].as_array().unwrap();
    fields.iter().filter(is_scalar).map(|field| field["name"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn every_field_is_what_rest_answers() {
    let app = TestApp::start().await;
    let parsed =
        app.parsed(&[("a.csv", &report("kw"))], &[("timezone", "Asia/Taipei"), ("name", "A"), ("site", "S1")]).await;
    let id = parsed["session_id"].as_str().unwrap();
    app.post("/api/clean", &json!({"session_id": id})).await.expect(200);
    let fields = scalars(&app, "Session").await.join(" ");
    let versions = scalars(&app, "DatasetVersion").await.join(" ");
    let query = format!(
        "{{ sessions {{ total page page_size total_pages items {{ {fields} versions {{ {versions} }} }} }} session(id: \"{id}\") {{ {fields} }} }}"
    );
    let found = ask(&app, &query).await;
    let list = app.get("/api/sessions").await.expect(200);
    for field in ["total", "page", "page_size", "total_pages"] {
        assert_eq!(found["sessions"][field], list[field], "{field}");
    }
    let (graph, rest) = (&found["sessions"]["items"][0], &list["items"][0]);
    for field in fields.split(' ') {
        assert_eq!(graph[field], rest[field], "{field}");
        assert_eq!(found["session"][field], rest[field], "{field}");
    }
    let detail = app.get(&format!("/api/sessions/{id}")).await.expect(200);
    assert_eq!(graph["versions"].as_array().unwrap().len(), 2);
    for (graph, rest) in graph["versions"].as_array().unwrap().iter().zip(detail["versions"].as_array().unwrap()) {
        for field in versions.split(' ') {
            assert_eq!(graph[field], rest[field], "{field}");
        }
    }
}

#[tokio::test]
async fn filters_and_pages_are_those_of_rest() {
    let app = TestApp::start().await;
    for (name, site) in [("one", "S1"), ("two", "S1"), ("three", "S2")] {
        app.parsed(&[("a.csv", &report(name))], &[("timezone", "UTC"), ("name", name), ("site", site)]).await;
    }
    let found = ask(
        &app,
        r#"{ sessions(site: "S1", sort: "name", order: "asc", page_size: 1, page: 2) { total items { name } } }"#,
    )
    .await;
    assert_eq!(found["sessions"], json!({"total": 2, "items": [{"name": "two"}]}));
    let query = "query ($q: String, $n: Int = 5) { sessions(q: $q, page_size: $n) { total items { name } } }";
    let answer = app.post("/graphql", &json!({"query": query, "variables": {"q": "three"}})).await.expect(200);
    assert_eq!(answer["data"]["sessions"], json!({"total": 1, "items": [{"name": "three"}]}));
    for (query, code) in [
        (r#"{ sessions(status: "finished") { total } }"#, "invalid_field"),
        ("{ sessions(page_size: 101) { total } }", "out_of_range"),
        (r#"{ sessions(sort: "shoe_size") { total } }"#, "unknown_sort"),
        (r#"{ optimizations(model: "none:v3") { total } }"#, "unknown_model"),
    ] {
        let answer = app.post("/api/graphql", &json!({"query": query})).await;
        assert_eq!(self::code(&answer), code, "{query}");
    }
    assert_eq!(ask(&app, r#"{ session(id: "none") { name } }"#).await["session"], Value::Null);
    assert_eq!(ask(&app, r#"{ model(reference: "none") { name } }"#).await["model"], Value::Null);
    // What is no query says where it is wrong.
    for query in ["{ sesions { total } }", "{ sessions { total ", "mutation { x }"] {
        let answer = app.post("/api/graphql", &json!({"query": query})).await.expect(200);
        assert!(
            answer["errors"][0]["message"].as_str().is_some_and(|message| !message.is_empty()),
            "{query}: {answer}"
        );
    }
}

#[tokio::test]
async fn nobody_finds_by_the_graph_what_he_does_not_see() {
    let guarded = Guarded::start().await;
    let (anna, bert) = (guarded.service("anna", "operator").await, guarded.service("bert", "viewer").await);
    let hers = guarded.session(&anna, "PLANTED", "S1").await;
    let query = format!(
        r#"{{ sessions {{ total items {{ session_id name versions {{ id }} models_made {{ id }} }} }} session(id: "{hers}") {{ name }} models {{ total items {{ id session {{ name }} }} }} optimizations {{ total }} }}"#
    );
    let body = json!({"query": query});
    guarded.app.post("/api/graphql", &body).await.expect_problem(401, "no_credentials");
    let seen = guarded.post(&anna, "/api/graphql", &body).await.expect(200);
    assert_eq!((&seen["data"]["sessions"]["total"], &seen["data"]["session"]["name"]), (&json!(1), &json!("PLANTED")));
    let his = guarded.post(&bert, "/api/graphql", &body).await.expect(200);
    assert_eq!((&his["data"]["sessions"]["total"], &his["data"]["session"]), (&json!(0), &Value::Null));
    assert!(!his.to_string().contains("PLANTED"), "{his}");
}

/// A process of its own: others' statements would be counted too.
#[tokio::test]
async fn what_hangs_on_a_page_is_looked_up_at_once() {
    let folder = tempfile::TempDir::new().unwrap();
    let server = crate::helpers::Process::serve(folder.path(), &[]);
    let client = crate::helpers::Client::of(&server);
    for n in 0..12 {
        let name: &'static str = ["a.csv", "b.csv", "c.csv"][n % 3];
        let uploaded = client.upload(name, report(&format!("kw{n}"))).await.unwrap();
        client.post("/api/parse", &json!({"session_id": uploaded["session_id"]})).await.unwrap();
    }
    let count = async || {
        let text = String::from_utf8(client.get("/metrics").await.1.to_vec()).unwrap();
        let line = text.lines().find_map(|line| line.strip_prefix("hvac_database_read_seconds_count ")).unwrap();
        line.trim().parse::<u64>().unwrap()
    };
    let machine = |n: u32| json!({"equipment_id": format!("CH-{n}"), "name": format!("Chiller {n}"), "kind": "chiller", "group_id": format!("G{n}")});
    let group = |n: u32| json!({"group_id": format!("G{n}"), "name": format!("Group {n}")});
    let order =
        |n: u32| json!({"work_order_id": format!("W{n}"), "equipment_id": format!("CH-{}", n % 12), "title": "x"});
    for (route, list, records) in [
        ("equipment-groups", "equipment_groups", (0..12).map(group).collect::<Vec<_>>()),
        ("equipment", "equipment", (0..12).map(machine).collect()),
        ("work-orders", "work_orders", (0..36).map(order).collect()),
    ] {
        client.post(&format!("/api/v1/{route}/batch"), &json!({list: records})).await.unwrap();
    }
    for (of, fields) in [
        ("sessions", "name versions { version } models_made { id }"),
        ("work_orders", "title machine { name work_orders { title machine { name } } }"),
        ("equipment", "name work_orders { title } staging_events { event_id }"),
    ] {
        let mut taken = Vec::new();
        for size in [1, 12] {
            let query = format!("{{ {of}(page_size: {size}) {{ items {{ {fields} }} }} }}");
            // What the figures themselves ask is in both.
            let (empty, before) = (count().await, count().await);
            let answer = client.post("/api/graphql", &json!({"query": query})).await.unwrap();
            assert_eq!(answer["data"][of]["items"].as_array().unwrap().len(), size, "{answer}");
            assert!(answer["errors"].is_null(), "{answer}");
            let after = count().await;
            taken.push(after - before - (before - empty));
        }
        assert!(taken[0] > 0 && taken[1] <= taken[0] + 1, "{of}: {taken:?}");
    }
}

#[tokio::test]
async fn a_query_that_asks_for_too_much_is_refused() {
    let app = TestApp::start().await;
    let wide = (0..10).map(|n| format!("f{n}: id ")).collect::<String>();
    let costly = format!(
        "{{ sessions(page_size: 100) {{ items {{ models_made {{ session {{ versions {{ {wide} }} }} }} }} }} }}"
    );
    assert_eq!(code(&app.post("/api/graphql", &json!({"query": costly})).await), "query_too_costly");
    let deep = "{ models { items { session { models_made ".repeat(4) + "{ id }" + &"} } } }".repeat(4);
    let answer = app.post("/api/graphql", &json!({"query": deep})).await.expect(200);
    assert!(answer["data"].is_null() && answer["errors"].is_array(), "{answer}");
    let nested = "{ session { models_made ".repeat(8) + "{ id }" + &"} }".repeat(8);
    let query = format!(r#"{{ model(reference: "x") {nested} }}"#);
    assert_eq!(code(&app.post("/api/graphql", &json!({"query": query})).await), "query_too_deep");
    // Tools ask for all of the schema.
    let tools = r#"query { __schema { queryType { name } subscriptionType { name } types { kind name description fields(includeDeprecated: true) { name args { name type { ...T } defaultValue } type { ...T } } inputFields { name } enumValues { name } possibleTypes { name } } directives { name locations args { name } } } }
        fragment T on __Type { kind name ofType { kind name ofType { kind name ofType { kind name ofType { kind name } } } } }"#;
    let schema = ask(&app, tools).await;
    assert_eq!(schema["__schema"]["subscriptionType"]["name"], "Subscription");
    let long = format!("{{ sessions {{ total }} }} # {}", "x".repeat(70_000));
    app.post("/api/graphql", &json!({"query": long})).await.expect_problem(413, "body_too_large");
    app.post("/api/graphql", &json!({"querry": "{ sessions { total } }"})).await.expect_problem(422, "unknown_field");
    app.get("/api/graphql").await.expect_problem(400, "no_websocket");
}
