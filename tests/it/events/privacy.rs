//! Who sees what: one's own, what is shared, what is everyone's; and for how long.

use reqwest::Method;

use super::*;
use crate::access::Guarded;

fn report(name: &str) -> Vec<u8> {
    format!("time,{name}\n2020-01-01 00:00,1\n2020-01-01 00:15,2\n").into_bytes()
}

async fn socket(guarded: &Guarded, key: &str) -> Socket {
    Socket::open(&guarded.app, &[("authorization", &format!("Bearer {key}"))]).await
}

#[tokio::test]
async fn events_of_a_session_are_for_those_who_see_it() {
    let guarded = Guarded::start().await;
    let (anna, bert) = (guarded.service("anna", "operator").await, guarded.service("bert", "operator").await);
    let (mut hers, mut his, mut admins) =
        (socket(&guarded, &anna).await, socket(&guarded, &bert).await, socket(&guarded, &guarded.admin).await);
    for socket in [&mut hers, &mut his, &mut admins] {
        socket
            .subscribe(json!({"types": ["session_parsed", "session_cleaned", "job_progress", "error_notification"]}))
            .await;
    }
    let id = guarded.session(&anna, "secret", "S1").await;
    assert_eq!(hers.got().await["data"]["session_id"], id);
    assert_eq!(admins.got().await["data"]["session_id"], id);
    guarded.post(&anna, "/api/clean", &json!({"session_id": id})).await.expect(200);
    hers.of("session_cleaned").await;
    admins.of("session_cleaned").await;
    // Of a job that failed, too.
    let broken = guarded.app.request(Method::POST, "/api/uploads", |request| {
        let part = reqwest::multipart::Part::bytes(b"no\nreport\n".to_vec()).file_name("x.csv");
        request.bearer_auth(&anna).multipart(reqwest::multipart::Form::new().part("files", part))
    });
    let broken = broken.await.expect(201)["session_id"].as_str().unwrap().to_owned();
    guarded.post(&anna, "/api/parse", &json!({"session_id": broken, "wait": false})).await.expect(202);
    hers.of("error_notification").await;
    admins.of("error_notification").await;
    his.is_quiet().await;
    // What happened before he asked is no more his.
    let mut late = socket(&guarded, &bert).await;
    late.subscribe(json!({"since": 1})).await;
    let mut stranger = 0;
    while let Ok(Ok(event)) = tokio::time::timeout(QUIET, late.next()).await {
        assert!(!event.to_string().contains(&id) && !event.to_string().contains(&broken), "{event}");
        stranger += 1;
    }
    assert!(stranger >= 1, "the gap, and how the service is");
    // He cannot ask for it by name either.
    his.say(&json!({"action": "subscribe", "session_id": id})).await;
    assert_eq!(his.got().await["data"]["code"], "unknown_session");
    guarded.get(&bert, &format!("/api/events?session_id={id}")).await.expect_problem(404, "unknown_session");

    // Shared, it is his too, and not any more afterwards.
    let sharing = format!("/api/sessions/{id}/sharing");
    guarded.put(&anna, &sharing, &json!({"people": ["bert"]})).await.expect(200);
    tokio::time::sleep(Duration::from_millis(1200)).await;
    guarded.post(&anna, "/api/parse", &json!({"session_id": id, "force": true})).await.expect(200);
    assert_eq!(his.of("session_parsed").await["data"]["session_id"], id);
    guarded.put(&anna, &sharing, &json!({"people": []})).await.expect(200);
    tokio::time::sleep(Duration::from_millis(1200)).await;
    hers.of("session_parsed").await;
    guarded.post(&anna, "/api/parse", &json!({"session_id": id, "force": true})).await.expect(200);
    hers.of("session_parsed").await;
    his.is_quiet().await;
}

/// A request that fails inside is told to admins, with what its log line is found by, and to nobody else.
#[tokio::test]
async fn a_failure_inside_is_told_to_admins_alone() {
    let guarded = Guarded::start().await;
    let anna = guarded.service("anna", "operator").await;
    let (mut hers, mut admins) = (socket(&guarded, &anna).await, socket(&guarded, &guarded.admin).await);
    for socket in [&mut hers, &mut admins] {
        socket.subscribe(json!({"types": ["error_notification"]})).await;
    }
    let mut stream = Stream::open(&guarded.app, "/api/events?types=error_notification", &[("x-api-key", &anna)]).await;
    // What was refused is no failure.
    guarded.get(&anna, "/api/work-orders?page=0").await.expect_problem(422, "out_of_range");
    let txn = guarded.app.state.store.db.begin().await.unwrap();
    sea_orm::ConnectionTrait::execute_unprepared(&txn, "ALTER TABLE records_work_orders RENAME TO gone").await.unwrap();
    txn.commit().await.unwrap();
    let failed = guarded.get(&anna, "/api/work-orders").await;
    failed.expect_problem(500, "internal");
    let told = admins.got().await;
    let data = &told["data"];
    assert_eq!(
        (&told["type"], &data["code"], &data["route"], &data["job_id"], &data["session_id"]),
        (&json!("error_notification"), &json!("internal"), &json!("GET /work-orders"), &Value::Null, &Value::Null)
    );
    assert_eq!(data["request_id"], failed.header("x-request-id"));
    assert!(!told.to_string().contains("records_work_orders"), "the cause is the log's: {told}");
    hers.is_quiet().await;
    assert!(tokio::time::timeout(QUIET, stream.next()).await.is_err());
    // It is not among what she missed either.
    let since = told["seq"].as_u64().unwrap() - 1;
    hers.subscribe(json!({"types": ["error_notification"], "since": since})).await;
    hers.is_quiet().await;
}

#[tokio::test]
async fn what_everyone_owns_everyone_hears_of() {
    let app = TestApp::start_with(&[("ANONYMOUS_ROLE", "viewer")]).await;
    let session = {
        // Before there were accounts.
        let open = TestApp::start_in(app.stop().await, Vec::new()).await.unwrap();
        let id = open.uploaded(&[("plant.csv", &report("kw"))], &[("timezone", "UTC")]).await;
        (open.stop().await, id)
    };
    let app = TestApp::start_in(session.0, vec![("ANONYMOUS_ROLE", "viewer".to_owned())]).await.unwrap();
    declare(&app);
    let mut stream = Stream::open(&app, "/api/events?types=tick,session_parsed", &[]).await;
    let event = NewEvent::of_session("session_parsed", &session.1, &json!({}));
    app.state.events.publish(event);
    assert_eq!(stream.got().await.event, "session_parsed");
    app.state.events.publish(NewEvent::of_session("session_parsed", "no-such-session", &json!({})));
    app.state.events.publish(NewEvent::new("error_notification", Audience::Least(Role::Admin), &json!({})));
    app.state.events.publish(NewEvent::of_session("session_parsed", &session.1, &json!({"again": true})));
    assert_eq!(stream.got().await.data["data"]["again"], true, "neither of no session nor for admins");
}

#[tokio::test]
async fn a_stream_ends_with_what_opened_it() {
    let guarded = Guarded::start().await;
    let made = guarded.post(&guarded.admin, "/api/keys", &json!({"name": "gone", "role": "viewer"})).await.expect(201);
    let (key, id) = (made["key"].as_str().unwrap(), made["id"].as_str().unwrap());
    let mut silent = socket(&guarded, key).await;
    silent.subscribe(json!({})).await;
    let mut stream = Stream::open(&guarded.app, "/api/events", &[("x-api-key", key)]).await;
    let mut others = socket(&guarded, &guarded.admin).await;
    others.subscribe(json!({})).await;
    let revoked = guarded.ask(Some(&guarded.admin), Method::DELETE, &format!("/api/keys/{id}"), None).await;
    assert!([200, 204].contains(&revoked.status), "{}", revoked.text());
    let began = std::time::Instant::now();
    // Also where nothing happens.
    let frame = silent.closed().await;
    assert_eq!(u16::from(frame.code), 1008, "{frame:?}");
    let mut last = None;
    while let Some(event) = stream.next().await {
        last = Some(event);
    }
    let last = last.unwrap();
    assert_eq!((last.event.as_str(), &last.data["data"]["code"]), ("end", &json!("bad_credentials")));
    assert!(began.elapsed() < Duration::from_secs(6), "{:?}", began.elapsed());
    others.say(&json!({"action": "ping"})).await;
    others.of("pong").await;
}

#[tokio::test]
async fn a_logins_stream_ends_with_the_login() {
    let guarded = Guarded::start().await;
    let person = json!({"name": "Chen", "role": "operator", "password": "correct horse battery"});
    guarded.post(&guarded.admin, "/api/users", &person).await.expect(201);
    let answer = guarded.app.post("/api/login", &json!({"name": "Chen", "password": "correct horse battery"})).await;
    let csrf = answer.expect(200)["csrf_token"].as_str().unwrap().to_owned();
    let cookie = answer.header("set-cookie").split(';').next().unwrap().to_owned();
    let origin = format!("http://{}", guarded.app.address);
    let mut page = Socket::open(&guarded.app, &[("cookie", &cookie), ("origin", &origin)]).await;
    page.subscribe(json!({})).await;
    // A page of somebody else has her cookie sent along.
    for origin in ["http://evil.example", "null", "https://127.0.0.1:1"] {
        match Socket::try_open(&guarded.app, "/api/events", &[("cookie", &cookie), ("origin", origin)]).await {
            Err(Error::Http(response)) => assert_eq!(response.status().as_u16(), 403, "{origin}"),
            other => panic!("{origin}: {}", other.is_ok()),
        }
    }
    let out =
        guarded.app.request(Method::POST, "/api/logout", |r| r.header("cookie", &cookie).header("x-csrf-token", &csrf));
    assert!(out.await.status < 300);
    let frame = page.closed().await;
    assert_eq!((u16::from(frame.code), frame.reason.contains("login has ended")), (1008, true), "{frame:?}");
}

#[tokio::test]
async fn a_stranger_and_a_disabled_account_get_nothing() {
    let guarded = Guarded::start().await;
    guarded.app.get("/api/events").await.expect_problem(401, "no_credentials");
    match Socket::try_open(&guarded.app, "/api/events", &[]).await {
        Err(Error::Http(response)) => assert_eq!(response.status().as_u16(), 401),
        other => panic!("{}", other.is_ok()),
    }
    let anna = guarded.service("anna", "viewer").await;
    let mut hers = socket(&guarded, &anna).await;
    hers.subscribe(json!({})).await;
    let users = guarded.get(&guarded.admin, "/api/users").await.expect(200);
    let id = users["items"].as_array().unwrap().iter().find(|user| user["name"] == "anna").unwrap()["id"]
        .as_str()
        .unwrap()
        .to_owned();
    let disabled = json!({"disabled": true});
    guarded.ask(Some(&guarded.admin), Method::PATCH, &format!("/api/users/{id}"), Some(&disabled)).await.expect(200);
    assert_eq!(u16::from(hers.closed().await.code), 1008);
}
