//! Which tokens of another issuer are taken. Looks at texts only.

use std::path::PathBuf;

use url::{Host, Url};

use super::{Secret, bad};
use crate::error::{Error, Result, codes};

/// Shortest secret of HS256: as many bytes as its hash has (RFC 7518, 3.2).
const SHORTEST_SECRET: usize = 32;

/// Which tokens of another issuer are taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenSettings {
    /// What their signatures are checked with.
    pub keys: TokenKeys,
    /// Whom they are from.
    pub issuer: String,
    /// Whom they are for.
    pub audience: String,
    /// The claim that names a role, or a JSON pointer to it.
    pub role_claim: String,
}

/// What signatures are checked with. It also says by which algorithm: a token has no say in that.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TokenKeys {
    /// HS256.
    Secret(Secret),
    /// RS256 and ES256, by a key set in a file.
    File(PathBuf),
    /// The same, from an address.
    Url(Url),
}

/// The settings of tokens, where some are set.
pub fn of(some: impl Fn(&'static str) -> Option<String>) -> Result<Option<TokenSettings>> {
    let keys = match (some("JWT_SECRET"), some("JWT_JWKS")) {
        (None, None) => return Ok(None),
        (Some(_), Some(_)) => {
            let message = "JWT_SECRET and JWT_JWKS are both set: tokens are of one issuer, so set one of them";
            return Err(Error::invalid("JWT_JWKS", codes::BAD_SETTING, message));
        }
        (Some(secret), None) if secret.len() < SHORTEST_SECRET => {
            let message = format!("JWT_SECRET is shorter than {SHORTEST_SECRET} bytes: HS256 needs as many");
            return Err(Error::invalid("JWT_SECRET", codes::BAD_SETTING, message));
        }
        (Some(secret), None) => TokenKeys::Secret(Secret::new(secret)),
        (None, Some(place)) => key_set(&place)?,
    };
    let needed = |variable| {
        some(variable).ok_or_else(|| {
            let message = format!("{variable} is not set: tokens are taken only of one issuer and for one audience");
            Error::invalid(variable, codes::BAD_SETTING, message)
        })
    };
    Ok(Some(TokenSettings {
        keys,
        issuer: needed("JWT_ISSUER")?,
        audience: needed("JWT_AUDIENCE")?,
        role_claim: needed("JWT_ROLE_CLAIM")?,
    }))
}

/// A file, or an address that nobody on the way can answer for.
fn key_set(place: &str) -> Result<TokenKeys> {
    if !place.contains("://") {
        return Ok(TokenKeys::File(place.into()));
    }
    let url = Url::parse(place).ok().filter(|url| url.username().is_empty() && url.password().is_none());
    let is_safe = |url: &Url| match (url.scheme(), url.host()) {
        ("https", Some(_)) => true,
        ("http", Some(Host::Domain(name))) => name == "localhost",
        ("http", Some(Host::Ipv4(address))) => address.is_loopback(),
        ("http", Some(Host::Ipv6(address))) => address.is_loopback(),
        _ => false,
    };
    let wanted = "a file, or an https:// address without name and password; http:// is for this machine only";
    url.filter(is_safe).map(TokenKeys::Url).ok_or_else(|| bad("JWT_JWKS", place, wanted))
}
