//! Declared collections in the graph: by their declarations, with parents and children looked up at once.

use super::*;

async fn write(app: &TestApp, path: &str, list: &str, records: Value) {
    let answer = app.post(&format!("/api/v1/{path}/batch"), &json!({list: records})).await;
    assert_eq!(answer.status, 202, "{}", answer.text());
}

async fn plant(app: &TestApp) {
    let machine = |n: u32| json!({"equipment_id": format!("CH-{n}"), "name": format!("Chiller {n}"), "kind": "chiller", "rated_power_kw": 100.5 * f64::from(n)});
    write(app, "equipment", "equipment", json!([machine(1), machine(2), machine(3)])).await;
    let order = |n: u32| json!({"work_order_id": format!("W{n}"), "equipment_id": format!("CH-{}", n % 3 + 1), "title": format!("Work {n}"), "priority": if n < 3 { "urgent" } else { "low" }});
    write(app, "work-orders", "work_orders", (0..9).map(order).collect()).await;
}

#[tokio::test]
async fn a_collection_is_a_page_and_a_record_by_its_key() {
    let app = TestApp::start().await;
    plant(&app).await;
    let query = r#"{ work_orders(priority: "urgent", sort_by: "work_order_id", order: "asc", page_size: 2) { total total_pages items { work_order_id title status machine { equipment_id rated_power_kw } } } equipment_record(key: "CH-2") { name work_orders { work_order_id } } none: equipment_record(key: "CH-9") { name } }"#;
    let found = ask(&app, query).await;
    let list =
        app.get("/api/work-orders?priority=urgent&sort_by=work_order_id&order=asc&page_size=2").await.expect(200);
    assert_eq!((&found["work_orders"]["total"], &found["work_orders"]["total_pages"]), (&json!(3), &json!(2)));
    for (graph, rest) in found["work_orders"]["items"].as_array().unwrap().iter().zip(list["items"].as_array().unwrap())
    {
        for field in ["work_order_id", "title", "status"] {
            assert_eq!(graph[field], rest[field], "{field}");
        }
        assert_eq!(graph["machine"]["equipment_id"], rest["equipment_id"]);
    }
    assert_eq!(found["work_orders"]["items"][1]["machine"]["rated_power_kw"], 201.0);
    let mut orders: Vec<&str> = found["equipment_record"]["work_orders"]
        .as_array()
        .unwrap()
        .iter()
        .map(|o| o["work_order_id"].as_str().unwrap())
        .collect();
    orders.sort_unstable();
    assert_eq!((orders, &found["none"]), (vec!["W1", "W4", "W7"], &Value::Null));
    for (query, code) in [
        (r#"{ work_orders(priority: "sometimes") { total } }"#, "invalid_field"),
        (r#"{ work_orders(sort_by: "shoe_size") { total } }"#, "unknown_sort"),
        ("{ work_orders(page_size: 101) { total } }", "out_of_range"),
    ] {
        assert_eq!(self::code(&app.post("/api/graphql", &json!({"query": query})).await), code, "{query}");
    }
    let answer =
        app.post("/api/graphql", &json!({"query": "{ work_orders { items { shoe_size } } }"})).await.expect(200);
    assert!(answer["errors"][0]["message"].as_str().unwrap().contains("shoe_size"), "{answer}");
}

#[tokio::test]
async fn a_new_declaration_is_in_the_graph_and_one_that_is_gone_is_not() {
    let folder = tempfile::TempDir::new().unwrap();
    let file = folder.path().join("plant.toml");
    let declaration = |name: &str| {
        format!(
            "[[collection]]\nname = \"{name}\"\nkey = \"meter_id\"\nread = \"admin\"\n[collection.fields]\nmeter_id = {{ type = \"text\" }}\nreading = {{ type = \"number\" }}\n"
        )
    };
    std::fs::write(&file, declaration("meters")).unwrap();
    let path = folder.path().display().to_string();
    let app = TestApp::start_with(&[("COLLECTIONS_PATH", &path), ("ANONYMOUS_ROLE", "viewer")]).await;
    // It may be read by admins alone.
    let answer = app.post("/api/graphql", &json!({"query": "{ meters { total } }"})).await;
    assert_eq!(code(&answer), "forbidden");
    std::fs::write(&file, declaration("gauges")).unwrap();
    let patience = std::time::Instant::now() + std::time::Duration::from_secs(20);
    loop {
        let answer = app.post("/api/graphql", &json!({"query": "{ gauges { total } }"})).await.expect(200);
        if answer["errors"][0]["extensions"]["code"] == "forbidden" {
            break;
        }
        assert!(std::time::Instant::now() < patience, "{answer}");
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
    let answer = app.post("/api/graphql", &json!({"query": "{ meters { total } }"})).await.expect(200);
    assert!(answer["errors"][0]["message"].as_str().unwrap().contains("meters"), "{answer}");
}
