//! Settings of a connection: the few that mean something, those that every client sets by habit, and no other.

use std::collections::BTreeMap;
use std::time::Duration;

use chrono_tz::{TZ_VARIANTS, Tz};
use hvac_query::postgres::Refusal;

use crate::query::postgres::{LONGEST, USUAL};

/// The version of PostgreSQL whose catalogue and behaviour clients may count on.
pub const SERVER_VERSION: &str = "15.0";

/// Names as they are told to clients when they change, with what they are in the beginning.
const TOLD: &[(&str, &str)] = &[
    ("server_version", SERVER_VERSION),
    ("server_encoding", "UTF8"),
    ("client_encoding", "UTF8"),
    ("DateStyle", "ISO, MDY"),
    ("IntervalStyle", "postgres"),
    ("TimeZone", "UTC"),
    ("integer_datetimes", "on"),
    ("standard_conforming_strings", "on"),
    ("is_superuser", "off"),
    ("session_authorization", ""),
    ("application_name", ""),
    ("default_transaction_read_only", "on"),
    ("in_hot_standby", "off"),
];
/// What may be asked beside, with what it is in the beginning.
const OTHERS: &[(&str, &str)] = &[
    ("bytea_output", "hex"),
    ("client_min_messages", "notice"),
    ("default_table_access_method", "heap"),
    ("default_tablespace", ""),
    ("default_transaction_isolation", "read committed"),
    ("extra_float_digits", "1"),
    ("geqo", "on"),
    ("idle_in_transaction_session_timeout", "0"),
    ("idle_session_timeout", "0"),
    ("jit", "off"),
    ("lock_timeout", "0"),
    ("max_identifier_length", "63"),
    ("max_index_keys", "32"),
    ("row_security", "on"),
    ("search_path", "public"),
    ("server_version_num", "150000"),
    ("statement_timeout", "30s"),
    ("synchronous_commit", "on"),
    ("transaction_isolation", "read committed"),
    ("transaction_read_only", "on"),
    ("wal_level", "minimal"),
];
/// What is the server's, not a connection's.
const FIXED: [&str; 8] = [
    "server_version",
    "server_version_num",
    "server_encoding",
    "integer_datetimes",
    "is_superuser",
    "session_authorization",
    "in_hot_standby",
    "max_index_keys",
];

/// Settings, by their names in lower case.
#[derive(Debug, Clone)]
pub struct Settings {
    values: BTreeMap<String, String>,
    /// What they were when the connection was begun.
    first: BTreeMap<String, String>,
    /// Whose clock times are shown on; each table's own when nobody says.
    pub clock: Option<Tz>,
    first_clock: Option<Tz>,
    /// How long a statement may take.
    pub time: Duration,
    first_time: Duration,
}

impl Settings {
    /// In the beginning, `zone` being what the database's times are on.
    pub fn new(user: &str, zone: Tz) -> Self {
        let all = TOLD.iter().chain(OTHERS).map(|(name, value)| (name.to_lowercase(), (*value).to_owned()));
        let mut values: BTreeMap<String, String> = all.collect();
        values.insert("timezone".to_owned(), zone.name().to_owned());
        values.insert("session_authorization".to_owned(), user.to_owned());
        Self { first: values.clone(), values, clock: None, first_clock: None, time: USUAL, first_time: USUAL }
    }

    /// What is so far is what RESET goes back to.
    pub fn settled(&mut self) {
        self.first.clone_from(&self.values);
        (self.first_clock, self.first_time) = (self.clock, self.time);
    }

    /// All of them.
    pub fn all(&self) -> &BTreeMap<String, String> {
        &self.values
    }

    /// Those that a client is told of, by their names there.
    pub fn told(&self) -> impl Iterator<Item = (&'static str, &str)> {
        TOLD.iter().filter_map(|(name, _)| Some((*name, self.values.get(&name.to_lowercase())?.as_str())))
    }

    /// The value of a setting.
    pub fn get(&self, name: &str) -> Result<&str, Refusal> {
        self.values
            .get(&name.to_lowercase())
            .map(String::as_str)
            .ok_or_else(|| Refusal::new("42704", format!("unrecognized configuration parameter \"{name}\"")))
    }

    /// Everything as in the beginning.
    pub fn reset(&mut self) {
        self.values.clone_from(&self.first);
        (self.clock, self.time) = (self.first_clock, self.first_time);
    }

    /// Sets one; answers its name and value where the client is to be told.
    pub fn set(&mut self, name: &str, value: Option<&str>) -> Result<Option<(&'static str, String)>, Refusal> {
        let key = name.to_lowercase();
        if key == "transaction" {
            return Ok(None);
        }
        if !self.values.contains_key(&key) || FIXED.contains(&key.as_str()) {
            return Err(Refusal::new("55P02", format!("parameter \"{name}\" cannot be changed here")));
        }
        let value = match value {
            Some(value) => value.trim().to_owned(),
            None => {
                match key.as_str() {
                    "timezone" => self.clock = self.first_clock,
                    "statement_timeout" => self.time = self.first_time,
                    _ => {}
                }
                let value = self.first.get(&key).cloned().unwrap_or_default();
                self.values.insert(key.clone(), value.clone());
                return Ok(told(&key, value));
            }
        };
        let lower = value.to_lowercase();
        let wrong = |known: &str| {
            Err(Refusal::new(
                "22023",
                format!("invalid value for parameter \"{name}\": \"{value}\"; it must be {known}"),
            ))
        };
        let value = match key.as_str() {
            "client_encoding" if !["utf8", "utf-8", "unicode"].contains(&lower.as_str()) => return wrong("UTF8"),
            "client_encoding" => "UTF8".to_owned(),
            "datestyle" if !lower.starts_with("iso") => return wrong("ISO"),
            "datestyle" => "ISO, MDY".to_owned(),
            "intervalstyle" if lower != "postgres" => return wrong("postgres"),
            "bytea_output" if lower != "hex" => return wrong("hex"),
            "standard_conforming_strings" if !["on", "true", "yes", "1"].contains(&lower.as_str()) => {
                return wrong("on");
            }
            "standard_conforming_strings" => "on".to_owned(),
            "timezone" if lower == "local" => {
                self.clock = None;
                self.first.get("timezone").cloned().unwrap_or_default()
            }
            "timezone" => match TZ_VARIANTS.iter().find(|zone| zone.name().eq_ignore_ascii_case(&value)) {
                Some(zone) => {
                    self.clock = Some(*zone);
                    zone.name().to_owned()
                }
                None => return wrong("the name of a zone, such as Asia/Taipei or UTC"),
            },
            "statement_timeout" => match milliseconds(&lower) {
                // As long as one may.
                Some(0) => {
                    self.time = LONGEST;
                    format!("{}s", LONGEST.as_secs())
                }
                Some(ms) if Duration::from_millis(ms) <= LONGEST => {
                    self.time = Duration::from_millis(ms);
                    value
                }
                _ => return wrong(&format!("a time of at most {} s, such as 5000 (ms) or '5s'", LONGEST.as_secs())),
            },
            _ => value,
        };
        self.values.insert(key.clone(), value.clone());
        Ok(told(&key, value))
    }
}

fn told(key: &str, value: String) -> Option<(&'static str, String)> {
    TOLD.iter().find(|(name, _)| name.eq_ignore_ascii_case(key)).map(|(name, _)| (*name, value))
}

/// A number of milliseconds, or one with its unit.
fn milliseconds(text: &str) -> Option<u64> {
    let digits = text.trim().trim_end_matches(|c: char| c.is_ascii_alphabetic()).trim();
    let unit = text.trim().get(digits.len()..)?.trim();
    let number: u64 = digits.parse().ok()?;
    number.checked_mul(match unit {
        "" | "ms" => 1,
        "s" => 1000,
        "min" => 60_000,
        "h" => 3_600_000,
        _ => return None,
    })
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing)]
mod tests {
    use super::*;

    #[test]
    fn settings_are_known_by_name_and_checked() {
        let mut settings = Settings::new("ann", Tz::Asia__Taipei);
        assert_eq!(settings.get("TIMEZONE").unwrap(), "Asia/Taipei");
        assert_eq!(
            settings.set("timezone", Some("europe/berlin")).unwrap(),
            Some(("TimeZone", "Europe/Berlin".to_owned()))
        );
        assert_eq!(settings.clock, Some(Tz::Europe__Berlin));
        settings.set("statement_timeout", Some("2 min")).unwrap();
        assert_eq!(settings.time, Duration::from_secs(120));
        assert_eq!(settings.set("statement_timeout", Some("1h")).unwrap_err().sqlstate, "22023");
        assert_eq!(settings.set("data_directory", Some("/")).unwrap_err().sqlstate, "55P02");
        assert_eq!(settings.set("client_encoding", Some("latin1")).unwrap_err().sqlstate, "22023");
        assert_eq!(settings.get("data_directory").unwrap_err().sqlstate, "42704");
        settings.reset();
        assert_eq!((settings.clock, settings.time), (None, USUAL));
        assert_eq!(settings.get("TimeZone").unwrap(), "Asia/Taipei");
    }
}
