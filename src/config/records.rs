//! Which servers keep collections, and whose certificates are taken for theirs. Looks at texts only.

use std::path::PathBuf;

use url::Url;

use super::Secret;
use crate::error::{Error, Result, codes};

/// Servers that keep collections, where the settings name some.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RecordServers {
    /// MySQL or MariaDB.
    pub mysql: Option<ServerAddress>,
    /// PostgreSQL.
    pub postgres: Option<ServerAddress>,
    /// Redis.
    pub redis: Option<ServerAddress>,
}

/// Where a server is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerAddress {
    /// With its password.
    pub url: Secret,
    /// PEM file of the authorities that may have signed its certificate: of a database besides those that the system
    /// trusts, of a Redis instead of them.
    pub authorities: Option<PathBuf>,
}

/// The words by which a database's address says how TLS is meant: its driver's. Those that it does not know it would pass
/// over, and the connection would not be what somebody wanted.
struct TlsWords {
    schemes: &'static [&'static str],
    mode: &'static [&'static str],
    /// From none to a certificate of the right name.
    modes: &'static [&'static str],
    /// How many of the last of them look at the certificate.
    checking: usize,
    authorities: &'static [&'static str],
    others: &'static [&'static str],
}

const MYSQL: TlsWords = TlsWords {
    schemes: &["mysql"],
    mode: &["ssl-mode", "sslmode"],
    modes: &["disabled", "preferred", "required", "verify_ca", "verify_identity"],
    checking: 2,
    authorities: &["ssl-ca", "sslca"],
    others: &["ssl-cert", "sslcert", "ssl-key", "sslkey"],
};

const POSTGRES: TlsWords = TlsWords {
    schemes: &["postgres", "postgresql"],
    mode: &["sslmode", "ssl-mode"],
    modes: &["disable", "allow", "prefer", "require", "verify-ca", "verify-full"],
    checking: 2,
    authorities: &["sslrootcert", "ssl-root-cert", "ssl-ca"],
    others: &["sslcert", "ssl-cert", "sslkey", "ssl-key"],
};

/// The addresses of such servers.
pub fn of(some: impl Fn(&'static str) -> Option<String>) -> Result<RecordServers> {
    let database = |variable: &'static str, words: &TlsWords, built: bool| {
        let Some(text) = some(variable) else { return Ok(None) };
        // Not repeated: it may hold a password.
        let wrong = |why: String| Error::invalid(variable, codes::BAD_SETTING, format!("{variable} {why}"));
        if !built {
            let why = "is set, but this program was built without that server's protocol: build it with its features";
            return Err(wrong(why.to_owned()));
        }
        let url = Url::parse(&text).ok().filter(|url| words.schemes.contains(&url.scheme()) && url.host().is_some());
        let url =
            url.filter(|url| url.path().trim_start_matches('/').chars().all(|c| c != '/') && url.path().len() > 1);
        let scheme = words.schemes.first().copied().unwrap_or_default();
        let url =
            url.ok_or_else(|| wrong(format!("must be an address such as {scheme}://user:password@host/database")))?;
        address(url, words).map(Some).map_err(wrong)
    };
    let redis = some("RECORDS_REDIS_URL").map(|url| -> Result<ServerAddress> {
        hvac_store::cache::check_redis_url("RECORDS_REDIS_URL", &url)?;
        Ok(ServerAddress { url: Secret::new(url), authorities: some("REDIS_CA_PATH").map(PathBuf::from) })
    });
    let by_tls =
        |variable| some(variable).is_some_and(|url| ["rediss:", "valkeys:"].iter().any(|by| url.starts_with(by)));
    if some("REDIS_CA_PATH").is_some() && !["REDIS_URL", "RECORDS_REDIS_URL"].into_iter().any(by_tls) {
        let message = "REDIS_CA_PATH is set, but no Redis is asked by TLS: let REDIS_URL or RECORDS_REDIS_URL begin with rediss://";
        return Err(Error::invalid("REDIS_CA_PATH", codes::BAD_SETTING, message));
    }
    Ok(RecordServers {
        mysql: database("RECORDS_MYSQL_URL", &MYSQL, cfg!(feature = "mysql"))?,
        postgres: database("RECORDS_POSTGRES_URL", &POSTGRES, cfg!(feature = "postgres"))?,
        redis: redis.transpose()?,
    })
}

/// The address of a database; a file of authorities is not named for nothing.
fn address(mut url: Url, words: &TlsWords) -> Result<ServerAddress, String> {
    let pairs: Vec<(String, String)> =
        url.query_pairs().map(|(name, value)| (name.into_owned(), value.into_owned())).collect();
    let known = || [words.mode, words.authorities, words.others].into_iter().flatten();
    let is_of_tls = |name: &str| name.to_lowercase().starts_with("ssl") || name.to_lowercase().starts_with("tls");
    if let Some((name, _)) = pairs.iter().find(|(name, _)| is_of_tls(name) && !known().any(|word| word == name)) {
        let known: Vec<&str> = known().copied().collect();
        return Err(format!("has a parameter '{name}', which nobody reads; of TLS there are {}", known.join(", ")));
    }
    let last = |names: &[&str]| pairs.iter().rfind(|(name, _)| names.contains(&name.as_str())).map(|(_, value)| value);
    let (name, mode) =
        (words.mode.first().copied().unwrap_or_default(), last(words.mode).map(|mode| mode.to_lowercase()));
    let place = mode.as_deref().map(|mode| words.modes.iter().position(|known| *known == mode));
    if place == Some(None) {
        return Err(format!("has a {name} that is none of {}", words.modes.join(", ")));
    }
    let authorities = last(words.authorities).map(PathBuf::from);
    let (checking, strict) = (words.modes.len() - words.checking, words.modes.last().copied().unwrap_or_default());
    match (&authorities, place.flatten()) {
        (Some(_), None) => {
            url.query_pairs_mut().append_pair(name, strict);
        }
        (Some(_), Some(place)) if place < checking => {
            let said = mode.unwrap_or_default();
            return Err(format!(
                "names a file of authorities, but {name}={said} looks at no certificate: leave {name} out, or say {strict}"
            ));
        }
        _ => {}
    }
    Ok(ServerAddress { url: Secret::new(url.into()), authorities })
}
