//! Who a client is: nobody where nobody need say who he is, else the account of its user's name, by a key as its password.

use hvac_query::postgres::Refusal;
use tokio::time::timeout;

use super::Shared;
use super::failure::{Trouble, say};
use super::wire::{Fields, Gone, Wire};
use crate::accounts::{self, known};
use crate::error::codes;
use crate::principal::Principal;

/// `AuthenticationCleartextPassword`: over TLS only, where it is no clear text.
const PASSWORD: i32 = 3;

/// Who the client is, after it was asked where that is needed. An account that is named is asked for its key also where
/// nobody need say who he is: it sees what is its own then.
pub async fn principal(wire: &mut Wire, shared: &Shared, user: &str, is_secure: bool) -> Result<Principal, Trouble> {
    let state = &shared.state;
    let failed = |error: crate::error::Error| Trouble::from(crate::query::postgres::Failed::from(error));
    match state.config.anonymous_role {
        Some(role) if !is_secure || !known::is_one(state, user).await.map_err(failed)? => {
            return Ok(Principal::anonymous(role));
        }
        None if !is_secure => {
            let message = "a key is asked for over TLS only: connect with sslmode=require to a server that has a certificate (TLS_CERT)";
            return Err(say("28000", message));
        }
        _ => {}
    }
    wire.write(b'R', |out| out.extend(PASSWORD.to_be_bytes()));
    wire.flush().await?;
    let (kind, body) = timeout(state.config.header_timeout, wire.message()).await.map_err(|_| Gone)??;
    if kind != b'p' {
        return Err(say("08P01", "a password was asked for"));
    }
    let key = Fields(&body).text().ok_or(Gone)?;
    let wrong = || {
        Refusal::new("28P01", format!("password authentication failed for user \"{user}\": give a key of that account"))
    };
    match accounts::authenticate::by_key(state, key.trim()).await {
        Ok(principal) if principal.name().eq_ignore_ascii_case(user) => Ok(principal),
        Ok(_) => Err(wrong().into()),
        Err(error) if error.code == codes::BAD_CREDENTIALS => Err(wrong().into()),
        Err(error) if error.code == codes::EXPIRED_CREDENTIALS => Err(say("28P01", error.message)),
        Err(error) => Err(failed(error)),
    }
}
