//! Who a client is: nobody where nobody need say who he is, else the account of its user's name, by a key as its password.

use std::net::IpAddr;

use hvac_query::postgres::Refusal;
use tokio::time::timeout;

use super::Shared;
use super::failure::{Trouble, say};
use super::wire::{Fields, Gone, Wire};
use crate::accounts::{self, known};
use crate::error::{Error, codes};
use crate::principal::Principal;
use crate::state::AppState;

/// `AuthenticationCleartextPassword`: over TLS only, where it is no clear text.
const PASSWORD: i32 = 3;

/// Who the client is, after it was asked where that is needed. An account that is named is asked for its key also where
/// nobody need say who he is: it sees what is its own then.
pub async fn begin(wire: &mut Wire, shared: &Shared, user: &str, address: IpAddr) -> Result<Login, Trouble> {
    let (state, is_secure) = (&shared.state, wire.is_secure());
    match state.config.anonymous_role {
        Some(role) if !is_secure || !known::is_one(state, user).await.map_err(failed)? => {
            return Ok(Login {
                key: None,
                principal: Principal { address: Some(address), ..Principal::anonymous(role) },
            });
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
    let key = Fields(&body).text().ok_or(Gone)?.trim().to_owned();
    let wrong = || {
        Refusal::new("28P01", format!("password authentication failed for user \"{user}\": give a key of that account"))
    };
    match accounts::authenticate::by_key(state, &key).await {
        Ok(principal) if principal.name().eq_ignore_ascii_case(user) => {
            Ok(Login { key: Some(key), principal: Principal { address: Some(address), ..principal } })
        }
        // As over HTTP: whoever guesses is told less and less; what is right needs no guess.
        Err(error) if error.code == codes::BAD_CREDENTIALS => {
            state.guesses.check(address, None).map_err(failed)?;
            state.guesses.failed(address, None);
            Err(wrong().into())
        }
        Ok(_) => Err(wrong().into()),
        Err(error) if error.code == codes::EXPIRED_CREDENTIALS => Err(say("28P01", error.message)),
        Err(error) => Err(failed(error)),
    }
}

fn failed(error: Error) -> Trouble {
    Trouble::from(crate::query::postgres::Failed::from(error))
}

/// Who a client is, and by what that is known. It has no `Debug`: a key is secret.
pub struct Login {
    key: Option<String>,
    /// Who.
    pub principal: Principal,
}

impl Login {
    /// Who the client is by now: a key may have been revoked, or its account may see and do less.
    pub async fn renewed(&self, state: &AppState) -> Result<Principal, Refusal> {
        let Some(key) = &self.key else { return Ok(self.principal.clone()) };
        match accounts::authenticate::by_key(state, key).await {
            Ok(principal) => Ok(Principal { address: self.principal.address, ..principal }),
            Err(error) => Err(Refusal::new("57P01", format!("terminating connection: {error}"))),
        }
    }
}
