//! The settings as they are in force, for who asks what they are: with where each came from, and no secret.

use super::SETTINGS;

/// What stands for a secret.
const HIDDEN: &str = "***";
/// What is a secret, by a part of its name: of a setting, or of a parameter in an address.
const SECRET_NAMES: [&str; 6] = ["SECRET", "KEY", "PASS", "TOKEN", "CREDENTIAL", "HEADERS"];

/// Where a setting came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// The command line.
    Flag,
    /// The environment of the process.
    Environment,
    /// The file `.env`.
    EnvFile,
    /// Nobody said anything.
    Default,
}

/// A setting as it is in force.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SettingInForce {
    /// Its variable.
    pub variable: &'static str,
    /// Its default; empty: unset.
    pub default: &'static str,
    /// Its value, secrets hidden; empty: unset.
    pub shown: String,
    /// Where it came from.
    pub origin: Origin,
}

/// Every setting, by what was said of it.
pub(super) fn all(said: impl Fn(&'static str) -> Option<(String, Origin)>) -> Vec<SettingInForce> {
    let of = |setting: &super::Setting| {
        let (variable, default) = (setting.variable, setting.default);
        let (value, origin) = said(variable).unwrap_or_else(|| (default.to_owned(), Origin::Default));
        SettingInForce { variable, default, shown: shown(variable, value), origin }
    };
    SETTINGS.iter().map(of).collect()
}

fn is_secret(name: &str) -> bool {
    let name = name.to_uppercase();
    // How often a key may ask is no key.
    !name.starts_with("RATE_LIMIT") && SECRET_NAMES.iter().any(|part| name.contains(part))
}

/// A value without its secrets: those that its name says, and what stands before the `@` of an address.
fn shown(name: &str, value: String) -> String {
    if value.is_empty() {
        return value;
    }
    if is_secret(name) {
        return HIDDEN.to_owned();
    }
    let Some((scheme, rest)) = value.split_once("://") else { return value };
    // The last one: a password may have others, also when it should not.
    let (user, rest) = match rest.rsplit_once('@') {
        Some((credentials, rest)) => match credentials.split_once(':') {
            Some((user, _)) => (format!("{user}:{HIDDEN}@"), rest),
            None => (format!("{HIDDEN}@"), rest),
        },
        None => (String::new(), rest),
    };
    let (address, query) = rest.split_once('?').map_or((rest, None), |(address, query)| (address, Some(query)));
    let parameter = |pair: &str| match pair.split_once('=') {
        Some((name, _)) if is_secret(name) => format!("{name}={HIDDEN}"),
        _ => pair.to_owned(),
    };
    let query = query.map(|query| format!("?{}", query.split('&').map(parameter).collect::<Vec<_>>().join("&")));
    format!("{scheme}://{user}{address}{}", query.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_hidden_and_nothing_else() {
        for (name, value, expected) in [
            ("REDIS_URL", "redis://:hunter2@cache:6379/0", "redis://:***@cache:6379/0"),
            ("REDIS_URL", "redis://me:hunter2@cache:6379/0", "redis://me:***@cache:6379/0"),
            ("REDIS_URL", "redis://hunter2@cache", "redis://***@cache"),
            ("DATABASE_URL", "postgres://me:hun@ter:2/x@db/hvac", "postgres://me:***@db/hvac"),
            ("DATABASE_URL", "postgres://db/hvac?user=me&password=hunter2", "postgres://db/hvac?user=me&password=***"),
            ("DATABASE_URL", "sqlite://data/x.db?mode=rwc", "sqlite://data/x.db?mode=rwc"),
            ("JWT_SECRET", "hunter2", "***"),
            ("TLS_PRIVATE_KEY", "hunter2", "***"),
            ("JWT_SECRET", "", ""),
            ("OTEL_EXPORTER_OTLP_HEADERS", "api-key=hunter2", "***"),
            ("HOST", "127.0.0.1", "127.0.0.1"),
            ("RATE_LIMIT_KEY", "1000", "1000"),
            ("CORS_ALLOWED_ORIGINS", "http://a:1,http://b:2", "http://a:1,http://b:2"),
        ] {
            assert_eq!(shown(name, value.to_owned()), expected, "{name}={value}");
        }
    }
}
