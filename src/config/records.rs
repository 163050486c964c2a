//! Which servers keep collections. Looks at texts only.

use url::Url;

use super::Secret;
use crate::error::{Error, Result, codes};

/// Servers that keep collections, where the settings name some.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RecordServers {
    /// MySQL or MariaDB.
    pub mysql: Option<Secret>,
    /// PostgreSQL.
    pub postgres: Option<Secret>,
    /// Redis.
    pub redis: Option<Secret>,
}

/// The addresses of such servers.
pub fn of(some: impl Fn(&'static str) -> Option<String>) -> Result<RecordServers> {
    let database = |variable: &'static str, schemes: &[&str], built: bool| {
        let Some(text) = some(variable) else { return Ok(None) };
        // Not repeated: it may hold a password.
        let wrong = |why: &str| Err(Error::invalid(variable, codes::BAD_SETTING, format!("{variable} {why}")));
        if !built {
            return wrong(
                "is set, but this program was built without that server's protocol: build it with its features",
            );
        }
        let url = Url::parse(&text).ok().filter(|url| schemes.contains(&url.scheme()) && url.host().is_some());
        match url.filter(|url| url.path().trim_start_matches('/').chars().all(|c| c != '/') && url.path().len() > 1) {
            Some(_) => Ok(Some(Secret::new(text))),
            None => {
                let scheme = schemes.first().copied().unwrap_or_default();
                wrong(&format!("must be an address such as {scheme}://user:password@host/database"))
            }
        }
    };
    let redis = some("RECORDS_REDIS_URL").map(|url| {
        let named = |_| {
            let message = "RECORDS_REDIS_URL must be a Redis address without TLS, such as redis://127.0.0.1:6379/1";
            Error::invalid("RECORDS_REDIS_URL", codes::BAD_SETTING, message)
        };
        hvac_store::cache::check_redis_url(&url).map(|()| Secret::new(url)).map_err(named)
    });
    Ok(RecordServers {
        mysql: database("RECORDS_MYSQL_URL", &["mysql"], cfg!(feature = "mysql"))?,
        postgres: database("RECORDS_POSTGRES_URL", &["postgres", "postgresql"], cfg!(feature = "postgres"))?,
        redis: redis.transpose()?,
    })
}
