//! What holds much memory waits for its turn, and nothing else does.

use std::time::Duration;

use serde_json::json;

use crate::helpers::TestApp;

/// About 600 kB of numbers.
fn report() -> Vec<u8> {
    let mut text = "time,kw\n".to_owned();
    for minute in 0..30_000_u32 {
        text += &format!("{},{:.3}\n", 1_577_836_800 + minute * 60, f64::from(minute % 977) / 8.0);
    }
    text.into_bytes()
}

/// Longer than anything takes that need not wait.
const A_WHILE: Duration = Duration::from_millis(500);

#[tokio::test(flavor = "multi_thread")]
async fn large_answers_wait_for_their_turn_and_small_ones_do_not() {
    let app = TestApp::start().await;
    let session = app.parsed(&[("kw.csv", &report())], &[("timezone", "UTC")]).await["session_id"].clone();
    let of = format!("session_id={}", session.as_str().unwrap());
    let taken = app.state.memory.answers.wait(u64::MAX).await;
    let (client, url) = (app.client.clone(), app.url(&format!("/api/data/stats?{of}")));
    let large = tokio::spawn(async move { client.get(url).send().await.unwrap().status() });
    tokio::time::sleep(A_WHILE).await;
    for small in [format!("/api/data/preview?{of}&rows=50"), "/api/sessions".to_owned(), "/api/health".to_owned()] {
        app.get(&small).await.expect(200);
    }
    assert!(!large.is_finished());
    drop(taken);
    assert_eq!(large.await.unwrap(), 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn large_bodies_wait_for_their_turn_and_small_ones_do_not() {
    let app = TestApp::start().await;
    let taken = app.state.memory.bodies.wait(u64::MAX).await;
    let (client, url) = (app.client.clone(), app.url("/api/optimize"));
    let body = json!({"model_name": "x".repeat(100), "input_data": {"note": "y".repeat(500_000)}});
    let json = tokio::spawn(async move { client.post(url).json(&body).send().await.unwrap().status() });
    let (client, url) = (app.client.clone(), app.url("/api/uploads"));
    let part = reqwest::multipart::Part::bytes(report()).file_name("kw.csv");
    let form = reqwest::multipart::Form::new().part("files", part);
    let upload = tokio::spawn(async move { client.post(url).multipart(form).send().await.unwrap().status() });
    tokio::time::sleep(A_WHILE).await;
    app.post("/api/parse", &json!({"session_id": "nobody"})).await.expect(404);
    assert!(!json.is_finished() && !upload.is_finished());
    drop(taken);
    assert_eq!((json.await.unwrap().as_u16(), upload.await.unwrap().as_u16()), (422, 201));
}

/// The wait is one of the times in which a session may go.
#[tokio::test(flavor = "multi_thread")]
async fn what_was_purged_while_its_parse_waited_is_gone() {
    let app = TestApp::start().await;
    let ids = [app.uploaded(&[("kw.csv", &report())], &[]).await, app.uploaded(&[("kw.csv", &report())], &[]).await];
    let taken = app.state.memory.parses.wait(u64::MAX).await;
    let parses = ids.clone().map(|id| {
        let (client, url) = (app.client.clone(), app.url("/api/parse"));
        tokio::spawn(async move {
            let answer = client.post(url).json(&json!({"session_id": id})).send().await.unwrap();
            (answer.status().as_u16(), answer.json::<serde_json::Value>().await.unwrap()["code"].clone())
        })
    });
    tokio::time::sleep(A_WHILE).await;
    assert!(parses.iter().all(|parse| !parse.is_finished()));
    app.delete(&format!("/api/sessions/{}?purge=true", ids[0])).await.expect(204);
    app.delete(&format!("/api/sessions/{}", ids[1])).await.expect(204);
    drop(taken);
    let [purged, deleted] = parses;
    assert_eq!(purged.await.unwrap(), (404, "unknown_session".into()));
    assert_eq!(deleted.await.unwrap(), (409, "session_deleted".into()));
}
