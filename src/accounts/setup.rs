//! The first admin: made by whoever can read the terminal of the server, with a token that is shown there once.

use serde::Deserialize;
use utoipa::ToSchema;

use super::{Account, AccountKind, guess, people, store};
use crate::error::{Context, Error, Result, codes};
use crate::principal::Role;
use crate::state::AppState;

/// The first admin, and the token that the terminal of the server shows.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SetupRequest {
    /// The one-time token.
    #[schema(format = Password)]
    pub token: String,
    /// The account's name.
    pub name: String,
    /// Its password.
    #[schema(format = Password, min_length = 12, max_length = 256)]
    pub password: String,
}

/// Whether nobody may do everything yet.
///
/// # Errors
/// When the database cannot be read.
pub async fn is_due(state: &AppState) -> Result<bool> {
    Ok(store::other_admins(state.store.db.read(), "").await? == 0)
}

/// A one-time token with which the first admin can be made, while this process lives. For the terminal only.
///
/// # Errors
/// When the system gives no random bytes.
pub fn offer(state: &AppState) -> Result<String> {
    state.credentials.first_admin.offer()
}

/// Makes the first admin.
///
/// # Errors
/// `bad_credentials` for another token, also when none was offered; `locked_out`; `set_up_already`; 422 for what cannot be.
pub async fn make(state: &AppState, request: SetupRequest) -> Result<Account> {
    guess::check(state, None)?;
    if !state.credentials.first_admin.is(&request.token) {
        guess::failed(state, None);
        let message = "The token is not the one that the server's terminal shows; it ends with its first use, and with the server.";
        return Err(Error::new(codes::BAD_CREDENTIALS, message));
    }
    let name = super::name(&request.name)?;
    let hash = people::hashed(state, &name, request.password).await?;
    let txn = state.store.db.begin().await?;
    if store::other_admins(&txn, "").await? > 0 {
        state.credentials.first_admin.end();
        return Err(Error::new(codes::SET_UP_ALREADY, "There is an admin already; log in as one."));
    }
    let row = people::add(&txn, state, name, AccountKind::Person, Role::Admin, Some(hash)).await?;
    txn.commit().await.internal("making the first admin")?;
    state.credentials.first_admin.end();
    Ok(row.into())
}
