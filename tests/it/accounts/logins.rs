//! Logins of browsers: begun with a password, shown by a cookie, ended in many ways.

use std::sync::Arc;
use std::time::{Duration, Instant};

use hvac_analytics::accounts::logins::{self, LoginRequest};
use hvac_analytics::accounts::people::{self, AccountPatch, PasswordChange};
use hvac_analytics::accounts::preferences::{self, Preferences, Theme};
use hvac_analytics::accounts::setup::{self, SetupRequest};
use hvac_analytics::accounts::{Shown, authenticate};
use hvac_analytics::error::Result;
use hvac_analytics::principal::{Principal, Role, Via};

use super::{PASSWORD, acts, code, execute, person, stranger};
use crate::helpers::TestApp;

async fn begin(app: &TestApp, name: &str, password: &str) -> Result<String> {
    let request = LoginRequest { name: name.to_owned(), password: password.to_owned() };
    logins::begin(&stranger(app), request, Some("Firefox")).await.map(|begun| begun.secret)
}

async fn asks(app: &TestApp, secret: &str, changes_state: bool, csrf_token: Option<&str>) -> Result<Option<Principal>> {
    let cookie = format!("other=1; hvac_login={secret}");
    authenticate(&app.state, &Shown { cookie: Some(&cookie), changes_state, csrf_token, ..Shown::default() }).await
}

async fn role(app: &TestApp, secret: &str) -> Option<Role> {
    asks(app, secret, false, None).await.unwrap().map(|asks| asks.role)
}

#[tokio::test]
async fn a_login_reads_by_its_cookie_and_changes_only_with_its_token() {
    let app = TestApp::start().await;
    let chen = person(&app, "Chen", Role::Operator).await;
    let (one, other) = (begin(&app, "chen", PASSWORD).await.unwrap(), begin(&app, " CHEN ", PASSWORD).await.unwrap());
    assert_ne!(one, other);
    let asked = asks(&app, &one, false, None).await.unwrap().unwrap();
    assert_eq!((asked.account_id(), asked.via, asked.role), (Some(chen.id.as_str()), Via::Login, Role::Operator));

    let token = logins::csrf_token(&one);
    assert!(asks(&app, &one, true, Some(&token)).await.unwrap().is_some());
    let of_other = logins::csrf_token(&other);
    for wrong in [None, Some(""), Some(one.as_str()), Some(of_other.as_str()), Some(&token[1..])] {
        assert_eq!(code(asks(&app, &one, true, wrong).await), "csrf", "{wrong:?}");
    }
    // Over TLS the cookie has another name, which a neighbouring host cannot set.
    let cookie = format!("hvac_login={one}");
    let secure = Shown { cookie: Some(&cookie), is_secure: true, ..Shown::default() };
    assert_eq!(authenticate(&app.state, &secure).await.unwrap(), None);
    let cookie = format!("__Host-{cookie}");
    let secure = Shown { cookie: Some(&cookie), is_secure: true, ..Shown::default() };
    assert_eq!(authenticate(&app.state, &secure).await.unwrap().map(|asks| asks.role), Some(Role::Operator));
    // One that is made up counts as none, a key that is wrong does not: it was shown on purpose.
    assert_eq!(role(&app, &"A".repeat(43)).await, None);
    let cookie = format!("hvac_login={one}");
    let both = Shown { cookie: Some(&cookie), x_api_key: Some("hvac_x"), ..Shown::default() };
    assert_eq!(code(authenticate(&app.state, &both).await), "bad_credentials");
}

#[tokio::test]
async fn wrong_names_and_passwords_are_refused_alike_and_noted() {
    let app = TestApp::start().await;
    let chen = person(&app, "chen", Role::Operator).await;
    person(&app, "lin", Role::Admin).await;
    people::change(&app.state, &chen.id, AccountPatch { disabled: Some(true), ..AccountPatch::default() })
        .await
        .unwrap();
    let mut messages = Vec::new();
    for (name, password) in
        [("lin", "wrong horse battery"), ("lin", ""), ("nobody", PASSWORD), ("chen", PASSWORD), ("", "")]
    {
        let error = begin(&app, name, password).await.unwrap_err();
        assert_eq!(error.code.name, "bad_credentials", "{name}");
        messages.push(error.message);
    }
    messages.dedup();
    assert_eq!(messages.len(), 1);
    begin(&app, "lin", PASSWORD).await.unwrap();
    let acts = acts(&app).await;
    let logins: Vec<_> = acts.iter().filter(|act| act[0] == "login.begin").map(|act| (&*act[1], &*act[2])).collect();
    assert_eq!(logins, [[("bad_credentials", "anonymous"); 5].as_slice(), &[("done", "lin")]].concat());
    assert!(!format!("{acts:?}").contains(PASSWORD) && !format!("{acts:?}").contains("horse"), "{acts:?}");
}

/// The hash is the same work for a name that is not there: their times differ by less than what one hash takes.
#[tokio::test]
async fn a_wrong_name_costs_the_time_of_a_wrong_password() {
    let app = TestApp::start().await;
    person(&app, "chen", Role::Admin).await;
    let mut times = [Vec::new(), Vec::new()];
    for _ in 0..9 {
        for (times, name) in times.iter_mut().zip(["chen", "nobody"]) {
            let begun = Instant::now();
            assert!(begin(&app, name, "wrong horse battery").await.is_err());
            times.push(begun.elapsed());
        }
    }
    let [known, unknown] = times.map(|mut times| {
        times.sort();
        times[4]
    });
    assert!(unknown > known / 2 && known > unknown / 2, "{known:?} and {unknown:?}");
}

#[tokio::test]
async fn a_login_ends_by_itself_by_its_browser_by_others_and_with_the_password() {
    let app = TestApp::start().await;
    let (chen, _) = (person(&app, "chen", Role::Operator).await, person(&app, "lin", Role::Admin).await);
    let mut secrets = Vec::new();
    for _ in 0..4 {
        secrets.push(begin(&app, "chen", PASSWORD).await.unwrap());
    }
    let of_lin = begin(&app, "lin", PASSWORD).await.unwrap();
    let as_chen = app.state.asked_by(Arc::new(asks(&app, &secrets[0], false, None).await.unwrap().unwrap()));

    logins::end(&as_chen, &secrets[1]).await.unwrap();
    assert_eq!(role(&app, &secrets[1]).await, None);
    let listed = logins::list(&as_chen, &chen.id, Some(&secrets[0])).await.unwrap().logins;
    assert_eq!(listed.len(), 3);
    assert_eq!(listed.iter().filter(|login| login.is_current).count(), 1);
    let login = listed.iter().find(|login| !login.is_current).unwrap();
    assert_eq!((login.address.as_deref(), login.user_agent.as_deref()), (Some("192.0.2.7"), Some("Firefox")));
    let told = serde_json::to_string(&listed).unwrap();
    assert!(secrets.iter().all(|secret| !told.contains(secret)), "{told}");
    logins::end_of(&as_chen, &chen.id, Some(&login.id)).await.unwrap();
    assert_eq!(code(logins::end_of(&as_chen, &chen.id, Some(&login.id)).await), "unknown_login");
    assert_eq!(logins::list(&as_chen, &chen.id, None).await.unwrap().logins.len(), 2);
    // Others' are none of his business.
    let lin = people::find(&app.state, "lin").await.unwrap();
    for refused in [
        logins::list(&as_chen, &lin, None).await.map(drop),
        logins::end_of(&as_chen, &lin, None).await,
        people::get(&as_chen, &lin).await.map(drop),
        preferences::get(&as_chen, &lin).await.map(drop),
        preferences::put(&as_chen, &lin, Preferences::default()).await.map(drop),
    ] {
        assert_eq!(code(refused), "forbidden");
    }
    assert_eq!(role(&app, &of_lin).await, Some(Role::Admin));

    // A new password ends all others.
    let left = begin(&app, "chen", PASSWORD).await.unwrap();
    let change = |old: &str, new: &str| PasswordChange { old: old.to_owned(), new: new.to_owned() };
    let wrong = people::change_own_password(&as_chen, change("wrong", "another good password"), None).await;
    assert_eq!(code(wrong), "bad_credentials");
    let weak = people::change_own_password(&as_chen, change(PASSWORD, "short"), None).await;
    assert_eq!(code(weak), "weak_password");
    let new = change(PASSWORD, "another good password");
    people::change_own_password(&as_chen, new, Some(&secrets[0])).await.unwrap();
    assert_eq!((role(&app, &secrets[0]).await, role(&app, &left).await), (Some(Role::Operator), None));
    assert_eq!(code(begin(&app, "chen", PASSWORD).await), "bad_credentials");
    let again = begin(&app, "chen", "another good password").await.unwrap();
    // An admin's ends them all.
    let patch = AccountPatch { password: Some(PASSWORD.to_owned()), ..AccountPatch::default() };
    people::change(&app.state, &chen.id, patch).await.unwrap();
    assert_eq!((role(&app, &secrets[0]).await, role(&app, &again).await), (None, None));

    // Time ends them, too.
    let idle = begin(&app, "chen", PASSWORD).await.unwrap();
    assert_eq!(role(&app, &idle).await, Some(Role::Operator));
    execute(&app, "UPDATE logins SET expires_at = strftime('%Y-%m-%dT%H:%M:%f+00:00', 'now', '-1 seconds')").await;
    assert_eq!((role(&app, &idle).await, role(&app, &of_lin).await), (None, None));
    assert_eq!(asks(&app, &idle, true, Some(&logins::csrf_token(&idle))).await.unwrap(), None);
}

/// A login goes on while it is used, twelve hours at a time, but for thirty days at most.
#[tokio::test]
async fn a_login_that_is_used_goes_on_until_its_last_day() {
    let app = TestApp::start().await;
    for (name, begun, hours) in [("chen", "-10 days", 12.0), ("lin", "-717 hours", 3.0)] {
        let id = person(&app, name, Role::Viewer).await.id;
        let secret = begin(&app, name, PASSWORD).await.unwrap();
        let hours_left = async || {
            let login = logins::list(&app.state, &id, None).await.unwrap().logins.remove(0);
            let ends_at = chrono::DateTime::parse_from_rfc3339(&login.expires_at).unwrap().to_utc();
            ((ends_at - chrono::Utc::now()).num_seconds() as f64 / 3600.0).round()
        };
        assert_eq!(hours_left().await, 12.0);
        let time = |change: &str| format!("strftime('%Y-%m-%dT%H:%M:%f+00:00', 'now', '{change}')");
        let (begun, used, ends) = (time(begun), time("-11 hours"), time("+1 hours"));
        let set = format!("created_at = {begun}, last_used_at = {used}, expires_at = {ends}");
        execute(&app, &format!("UPDATE logins SET {set} WHERE account_id = '{id}'")).await;
        assert_eq!((hours_left().await, role(&app, &secret).await), (1.0, Some(Role::Viewer)));
        let waiting = Instant::now();
        while hours_left().await == 1.0 {
            assert!(waiting.elapsed() < Duration::from_secs(10), "never written");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        assert_eq!(hours_left().await, hours, "{name}");
    }
}

#[tokio::test]
async fn the_first_admin_is_made_once_with_the_token_of_the_terminal() {
    let app = TestApp::start().await;
    let request = |token: &str, name: &str| SetupRequest {
        token: token.to_owned(),
        name: name.to_owned(),
        password: PASSWORD.to_owned(),
    };
    for none in ["", "x"] {
        assert_eq!(code(setup::make(&app.state, request(none, "eve")).await), "bad_credentials", "none was offered");
    }
    let first = setup::offer(&app.state).unwrap();
    let token = setup::offer(&app.state).unwrap();
    assert_eq!(
        code(setup::make(&app.state, request(&first, "eve")).await),
        "bad_credentials",
        "another was offered since"
    );
    let made =
        tokio::join!(setup::make(&app.state, request(&token, "chen")), setup::make(&app.state, request(&token, "lin")));
    let (one, other) = if made.0.is_ok() { made } else { (made.1, made.0) };
    assert_eq!(one.unwrap().role, Role::Admin);
    assert!(["set_up_already", "bad_credentials"].contains(&code(other)));
    assert_eq!(code(setup::make(&app.state, request(&token, "eve")).await), "bad_credentials", "it was used");
    assert!(!setup::is_due(&app.state).await.unwrap());
}

#[tokio::test]
async fn preferences_are_kept_within_bounds() {
    let app = TestApp::start().await;
    let chen = person(&app, "chen", Role::Viewer).await;
    assert_eq!(preferences::get(&app.state, &chen.id).await.unwrap(), Preferences::default());
    let others = serde_json::from_value(serde_json::json!({"page": {"columns": ["CHWST"]}})).unwrap();
    let stated = Preferences { theme: Some(Theme::Dark), others, ..Preferences::default() };
    preferences::put(&app.state, &chen.id, stated.clone()).await.unwrap();
    assert_eq!(preferences::get(&app.state, &chen.id).await.unwrap(), stated);
    let long = serde_json::from_value(serde_json::json!({"x": "y".repeat(64 * 1024)})).unwrap();
    let refused = preferences::put(&app.state, &chen.id, Preferences { others: long, ..stated }).await;
    assert_eq!(code(refused), "metadata_too_large");
}
