//! Who asks: accounts, keys, logins and tokens of another issuer; what is wrong, ended or made up is refused.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

use hvac_analytics::accounts::people::{self, AccountRequest};
use hvac_analytics::accounts::{Account, Shown, authenticate};
use hvac_analytics::error::Result;
use hvac_analytics::principal::{Principal, Role};
use hvac_analytics::state::AppState;
use sea_orm::ConnectionTrait;

use crate::helpers::TestApp;

mod commands;
mod http;
mod logins;
mod shown;
mod tokens;

const PASSWORD: &str = "correct horse battery";

/// A request without a name, from somewhere.
fn stranger(app: &TestApp) -> AppState {
    let from = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 7));
    app.state.asked_by(Arc::new(Principal { address: Some(from), ..Principal::anonymous(Role::Viewer) }))
}

async fn person(app: &TestApp, name: &str, role: Role) -> Account {
    let password = Some(PASSWORD.to_owned());
    people::create(&app.state, AccountRequest { name: name.to_owned(), role, password }).await.unwrap()
}

async fn by_bearer(app: &TestApp, shown: &str) -> Result<Option<Principal>> {
    let header = format!("Bearer {shown}");
    authenticate(&app.state, &Shown { authorization: Some(&header), ..Shown::default() }).await
}

/// The code of the refusal.
#[track_caller]
fn code<T: std::fmt::Debug>(result: Result<T>) -> &'static str {
    result.unwrap_err().code.name
}

async fn execute(app: &TestApp, sql: &str) {
    let txn = app.state.store.db.begin().await.unwrap();
    txn.execute_unprepared(sql).await.unwrap();
    txn.commit().await.unwrap();
}

/// All that the list of what was done says, oldest first: action, result, whose name, detail.
async fn acts(app: &TestApp) -> Vec<[String; 4]> {
    let sql = "SELECT action, result, who, detail FROM audit_entries ORDER BY seq";
    let statement = sea_orm::Statement::from_string(sea_orm::DbBackend::Sqlite, sql);
    let rows = app.state.store.db.read().query_all_raw(statement).await.unwrap();
    let text = |row: &sea_orm::QueryResult, name: &str| row.try_get::<String>("", name).unwrap();
    rows.iter().map(|row| ["action", "result", "who", "detail"].map(|name| text(row, name))).collect()
}
