//! Tokens (JWT) of another issuer: who it says somebody is, and in which role.
//!
//! Whose key a signature is checked with, and by which algorithm, follows from the settings and the key set: of a token's head
//! only the name of the key is heard. Issuer, audience, subject and end are needed in each token.

use chrono::{DateTime, TimeDelta, Utc};
use jsonwebtoken::errors::ErrorKind;
use jsonwebtoken::{Validation, decode, decode_header};
use serde_json::{Map, Value};

use super::issuer::{Issuer, IssuerKey};
use super::{expired, signatures, wrong};
use crate::config::TokenSettings;
use crate::error::Result;
use crate::principal::Role;

/// How far the clocks of issuer and server may differ.
const LEEWAY_S: u32 = 30;

/// Checks tokens.
pub struct Tokens {
    issuer: Issuer,
    settings: TokenSettings,
}

/// What a token says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Told {
    /// The account's name.
    pub name: String,
    /// The most it may do.
    pub role: Role,
    /// When it ends.
    pub ends_at: DateTime<Utc>,
}

impl Tokens {
    /// By the settings.
    ///
    /// # Errors
    /// When they cannot be followed.
    pub fn new(settings: &TokenSettings) -> Result<Self> {
        signatures::install();
        Ok(Self { issuer: Issuer::new(&settings.keys)?, settings: settings.clone() })
    }

    /// What a token says, if it is right.
    ///
    /// # Errors
    /// `bad_credentials`; `expired_credentials` for one that was right; `issuer_unreachable`.
    pub async fn told(&self, token: &str) -> Result<Told> {
        let head = decode_header(token).map_err(|error| wrong().with_source(error))?;
        let key = self.issuer.key(head.kid.as_deref()).await?.ok_or_else(wrong)?;
        let claims = self.claims(token, &key)?;
        self.read(&claims).ok_or_else(wrong)
    }

    fn claims(&self, token: &str, key: &IssuerKey) -> Result<Map<String, Value>> {
        let mut needed = Validation::new(key.algorithm);
        needed.leeway = LEEWAY_S.into();
        needed.validate_nbf = true;
        needed.set_issuer(&[&self.settings.issuer]);
        needed.set_audience(&[&self.settings.audience]);
        needed.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
        match decode(token, &key.key, &needed) {
            Ok(token) => Ok(token.claims),
            // The signature was right, and the end is looked at before issuer and audience.
            Err(error) if *error.kind() == ErrorKind::ExpiredSignature => {
                needed.validate_exp = false;
                decode::<Map<String, Value>>(token, &key.key, &needed).map_err(|_| wrong())?;
                Err(expired())
            }
            Err(error) => Err(wrong().with_source(error)),
        }
    }

    fn read(&self, claims: &Map<String, Value>) -> Option<Told> {
        let name = claims.get("sub")?.as_str()?.trim();
        let ends_at_s = claims.get("exp")?.as_f64().filter(|at| (0.0..1e12).contains(at))?;
        #[expect(clippy::cast_possible_truncation, reason = "within what was just asked")]
        let ends_at = DateTime::from_timestamp(ends_at_s as i64, 0)?;
        Some(Told {
            name: Some(name).filter(|name| !name.is_empty())?.to_owned(),
            role: role(claims, &self.settings.role_claim)?,
            ends_at: ends_at + TimeDelta::seconds(LEEWAY_S.into()),
        })
    }
}

/// The highest role that a claim names. A token that names none says nothing of what it is for: it is for something else.
fn role(claims: &Map<String, Value>, claim: &str) -> Option<Role> {
    let named = match claim.strip_prefix('/').and_then(|path| path.split_once('/')) {
        Some((first, below)) => claims.get(first)?.pointer(&format!("/{below}"))?,
        None => claims.get(claim.strip_prefix('/').unwrap_or(claim))?,
    };
    let names = named.as_array().map_or(std::slice::from_ref(named), Vec::as_slice);
    let all = [Role::Viewer, Role::Operator, Role::Admin];
    let known = |name: &Value| all.into_iter().find(|role| Some(role.as_str()) == name.as_str());
    names.iter().filter_map(known).reduce(|a, b| if a.may(b) { a } else { b })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use serde_json::json;

    use super::*;

    #[test]
    fn a_claim_names_a_role_or_a_list_with_one() {
        let claims = json!({
            "role": "operator", "none": "root", "case": "Admin", "number": 3,
            "roles": ["staff", "viewer", "operator"], "empty": [],
            "realm_access": {"roles": ["offline_access", "admin"]},
            "https://plant.example/role": "viewer",
        });
        let claims = claims.as_object().unwrap();
        for (claim, expected) in [
            ("role", Some(Role::Operator)),
            ("roles", Some(Role::Operator)),
            ("/realm_access/roles", Some(Role::Admin)),
            ("https://plant.example/role", Some(Role::Viewer)),
            ("/role", Some(Role::Operator)),
            ("realm_access", None),
            ("none", None),
            ("case", None),
            ("number", None),
            ("empty", None),
            ("other", None),
            ("/realm_access/other", None),
        ] {
            assert_eq!(role(claims, claim), expected, "{claim}");
        }
    }
}
