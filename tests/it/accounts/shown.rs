//! What a request shows, and who it is therefore.

use std::time::{Duration, Instant};

use hvac_analytics::accounts::keys::{self, KeyFilter, KeyRequest, NewKey};
use hvac_analytics::accounts::people::{self, AccountPatch};
use hvac_analytics::accounts::{Shown, authenticate};
use hvac_analytics::principal::{Principal, Role, Via, Who};

use super::{by_bearer, code, execute, person};
use crate::helpers::{Process, TestApp};

async fn key(app: &TestApp, name: &str, role: Role, user: Option<&str>) -> NewKey {
    let user = user.map(str::to_owned);
    keys::create(&app.state, KeyRequest { name: name.to_owned(), role, expires: None, user }).await.unwrap()
}

async fn by_key(app: &TestApp, key: &str) -> hvac_analytics::error::Result<Option<Principal>> {
    authenticate(&app.state, &Shown { x_api_key: Some(key), ..Shown::default() }).await
}

#[tokio::test]
async fn a_key_is_whose_it_was_made_for_and_all_that_is_wrong_is_refused_alike() {
    let app = TestApp::start().await;
    let NewKey { told, key: text } = key(&app, "gateway", Role::Operator, None).await;
    assert!(text.starts_with("hvac_") && text.len() == 48, "{text}");
    let asks = by_bearer(&app, &text).await.unwrap().unwrap();
    assert_eq!(asks.who, Who::Account { id: told.user_id, name: "gateway".to_owned() });
    assert_eq!((asks.role, asks.via), (Role::Operator, Via::Key));
    assert_eq!(by_key(&app, &text).await.unwrap(), Some(asks.clone()));
    let both = Shown { authorization: Some(&format!("bearer  {text}")), x_api_key: Some(&text), ..Shown::default() };
    assert_eq!(authenticate(&app.state, &both).await.unwrap(), Some(asks));

    let other = format!("hvac_{}", "A".repeat(43));
    let mut messages = Vec::new();
    for wrong in ["", "hvac_", "x", &text[5..], &text[..47], &format!("{text}A"), &text.to_uppercase(), &other, "a.b.c"]
    {
        for refused in [by_bearer(&app, wrong).await, by_key(&app, wrong).await] {
            let error = refused.unwrap_err();
            assert_eq!(error.code.name, "bad_credentials", "{wrong}");
            assert!(wrong.is_empty() || !error.message.contains(wrong) || wrong == "x", "{error}");
            messages.push(error.message);
        }
    }
    messages.dedup();
    assert_eq!(messages.len(), 1, "one wording");
    let different =
        Shown { authorization: Some(&format!("Bearer {text}")), x_api_key: Some(&other), ..Shown::default() };
    assert_eq!(code(authenticate(&app.state, &different).await), "bad_credentials");
    // What a proxy leaves there is not for us.
    for authorization in ["", "Basic dXNlcjpwYXNz", "Digest username=x", "Bearerx y", "Negotiate"] {
        let shown = Shown { authorization: Some(authorization), ..Shown::default() };
        assert_eq!(authenticate(&app.state, &shown).await.unwrap(), None, "{authorization}");
    }
    assert_eq!(authenticate(&app.state, &Shown::default()).await.unwrap(), None);
}

#[tokio::test]
async fn a_key_may_no_more_than_its_account_and_never_after_its_end() {
    let app = TestApp::start().await;
    let chen = person(&app, "Chen", Role::Operator).await;
    let refused = KeyRequest { name: "k".to_owned(), role: Role::Admin, expires: None, user: Some("chen".to_owned()) };
    assert_eq!(code(keys::create(&app.state, refused).await.map(drop)), "role_too_high");
    let made = key(&app, "notebook", Role::Operator, Some("CHEN")).await;
    let role = async |app: &TestApp| by_key(app, &made.key).await.map(|asks| asks.unwrap().role);
    assert_eq!(role(&app).await.unwrap(), Role::Operator);
    let to = |role| AccountPatch { role: Some(role), ..AccountPatch::default() };
    people::change(&app.state, &chen.id, to(Role::Viewer)).await.unwrap();
    assert_eq!(role(&app).await.unwrap(), Role::Viewer, "at once");
    people::change(&app.state, &chen.id, to(Role::Admin)).await.unwrap();
    assert_eq!(role(&app).await.unwrap(), Role::Operator);

    let at = |change: &str| {
        format!("UPDATE api_keys SET expires_at = strftime('%Y-%m-%dT%H:%M:%f+00:00', 'now', '{change}')")
    };
    execute(&app, &at("+1 minutes")).await;
    assert_eq!(role(&app).await.unwrap(), Role::Operator);
    execute(&app, &at("-1 seconds")).await;
    assert_eq!(code(role(&app).await), "expired_credentials");
    keys::revoke(&app.state, &made.told.id).await.unwrap();
    assert_eq!(code(role(&app).await), "bad_credentials", "of a key that was revoked not even that is told");
}

#[tokio::test]
async fn disabling_ends_keys_logins_and_links_at_once_and_for_good() {
    let app = TestApp::start().await;
    let (chen, _) = (person(&app, "chen", Role::Operator).await, person(&app, "lin", Role::Admin).await);
    let (of_chen, of_lin) =
        (key(&app, "a", Role::Viewer, Some("chen")).await, key(&app, "b", Role::Viewer, Some("lin")).await);
    let session = app.parsed(&[("a.csv", b"timestamp,A\n2024-07-01 00:00,1\n")], &[("timezone", "UTC")]).await;
    let session_id = session["session_id"].as_str().unwrap();
    for (table, columns, values) in [
        (
            "logins",
            "sha256, created_at, last_used_at",
            "'x', '2024-01-01T00:00:00+00:00', '2024-01-01T00:00:00+00:00'".to_owned(),
        ),
        ("links", "session_id, sha256, created_at", format!("'{session_id}', 'x', '2024-01-01T00:00:00+00:00'")),
    ] {
        let sql = format!(
            "INSERT INTO {table} (id, account_id, expires_at, {columns}) VALUES ('{table}', '{}', '2999-01-01T00:00:00+00:00', {values})",
            chen.id
        );
        execute(&app, &sql).await;
    }
    assert!(by_key(&app, &of_chen.key).await.unwrap().is_some());
    let patch = |disabled| AccountPatch { disabled: Some(disabled), ..AccountPatch::default() };
    assert!(people::change(&app.state, &chen.id, patch(true)).await.unwrap().disabled_at.is_some());
    assert_eq!(code(by_key(&app, &of_chen.key).await), "bad_credentials");
    assert!(by_key(&app, &of_lin.key).await.unwrap().is_some());
    assert!(people::change(&app.state, &chen.id, patch(false)).await.unwrap().disabled_at.is_none());
    assert_eq!(code(by_key(&app, &of_chen.key).await), "bad_credentials", "what was ended stays so");
    let left =
        "SELECT (SELECT count(*) FROM logins) + (SELECT count(*) FROM links WHERE revoked_at IS NULL) AS left_over";
    let left = sea_orm::Statement::from_string(sea_orm::DbBackend::Sqlite, left);
    let left = sea_orm::ConnectionTrait::query_one_raw(app.state.store.db.read(), left).await.unwrap().unwrap();
    assert_eq!(left.try_get::<i64>("", "left_over").unwrap(), 0);
}

#[tokio::test]
async fn the_last_admin_stays_and_what_is_wrong_of_an_account_is_told() {
    let app = TestApp::start().await;
    let chen = person(&app, "chen", Role::Admin).await;
    let change = async |id: &str, patch| people::change(&app.state, id, patch).await.map(drop);
    let (viewer, disabled) = (AccountPatch { role: Some(Role::Viewer), ..AccountPatch::default() }, |disabled| {
        AccountPatch { disabled: Some(disabled), ..AccountPatch::default() }
    });
    assert_eq!(code(change(&chen.id, disabled(true)).await), "last_admin");
    assert_eq!(code(change(&chen.id, viewer).await), "last_admin");
    let lin = person(&app, "lin", Role::Admin).await;
    change(&chen.id, disabled(true)).await.unwrap();
    assert_eq!(code(change(&lin.id, disabled(true)).await), "last_admin", "one who is disabled is none");
    change(&chen.id, disabled(false)).await.unwrap();
    change(&lin.id, disabled(true)).await.unwrap();
    assert_eq!(code(change("nobody", disabled(true)).await), "unknown_account");
    // Somebody may be called like another's id.
    person(&app, &chen.id, Role::Viewer).await;
    assert_eq!(people::find(&app.state, &chen.id).await.unwrap(), chen.id);
    assert_eq!(people::find(&app.state, " CHEN ").await.unwrap(), chen.id);

    let request = |name: &str, password: &str| people::AccountRequest {
        name: name.to_owned(),
        role: Role::Viewer,
        password: Some(password.to_owned()),
    };
    for (name, password, expected) in [
        ("CHEN", super::PASSWORD, "account_exists"),
        (" ", super::PASSWORD, "empty_name"),
        ("a\u{1b}b", super::PASSWORD, "control_character"),
        (&"x".repeat(201), super::PASSWORD, "text_too_long"),
        ("Anonymous", super::PASSWORD, "invalid_field"),
        ("command", super::PASSWORD, "invalid_field"),
        ("wu", "short", "weak_password"),
    ] {
        assert_eq!(code(people::create(&app.state, request(name, password)).await.map(drop)), expected, "{name}");
    }
}

/// The server keeps what it saw for three seconds.
#[tokio::test]
async fn what_another_process_ends_holds_here_within_seconds() {
    let app = TestApp::start().await;
    let made = key(&app, "gateway", Role::Viewer, None).await;
    assert!(by_key(&app, &made.key).await.unwrap().is_some());
    let folder = app.folder.path().to_owned();
    let revoke = move || Process::command(&folder, &["keys", "revoke", "gateway"]).output().unwrap();
    assert!(tokio::task::spawn_blocking(revoke).await.unwrap().status.success());
    let begun = Instant::now();
    while by_key(&app, &made.key).await.is_ok() {
        assert!(begun.elapsed() < Duration::from_secs(10), "still taken");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
}

#[tokio::test]
async fn a_use_is_written_down_once_a_minute_and_the_key_itself_nowhere() {
    let app = TestApp::start().await;
    let made = key(&app, "gateway", Role::Viewer, None).await;
    let listed = async || keys::list(&app.state, &KeyFilter::default()).await.unwrap().items.remove(0);
    assert_eq!(listed().await.last_used_at, None);
    for _ in 0..50 {
        assert!(by_key(&app, &made.key).await.unwrap().is_some());
    }
    let begun = Instant::now();
    while listed().await.last_used_at.is_none() {
        assert!(begun.elapsed() < Duration::from_secs(10), "never written");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let commits = app.state.store.db.writer_stats().commits;
    for _ in 0..50 {
        assert!(by_key(&app, &made.key).await.unwrap().is_some());
    }
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(app.state.store.db.writer_stats().commits, commits, "it was used a moment ago, too");
    let folder = app.stop().await;
    for entry in std::fs::read_dir(folder.path().join("data")).unwrap().map(Result::unwrap) {
        if entry.file_type().unwrap().is_file() {
            let bytes = std::fs::read(entry.path()).unwrap();
            let (whole, rest) = (made.key.as_bytes(), &made.key.as_bytes()[5..]);
            for secret in [whole, rest] {
                assert!(!bytes.windows(secret.len()).any(|part| part == secret), "{:?}", entry.path());
            }
        }
    }
}
