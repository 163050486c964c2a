//! Typed settings: flag, else environment, else `.env`, else default. The only reader of the environment.
//!
//! `SETTINGS` is the whole list; `.env.example` shows the same variables with the same defaults, and
//! `tests/it/tidy.rs` fails when the two differ.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use chrono_tz::Tz;
use hvac_frame::parquet_file::Encodings;

use hvac_store::Settings;
use hvac_store::entity::AccountRole as Role;

use crate::error::{Error, Result, codes};

mod check;
mod files;
mod in_force;
mod network;
mod records;
mod secret;
#[cfg(test)]
mod tests;
mod tokens;

pub use files::{Bucket, FilePlace};
pub use records::{RecordServers, ServerAddress};
pub use secret::Secret;
pub use tokens::{TokenKeys, TokenSettings};

pub use network::Network;

pub use in_force::{Origin, SettingInForce};

/// One setting: its variable and its default (empty: unset).
pub struct Setting {
    /// Name of the environment variable.
    pub variable: &'static str,
    /// The value when nobody says otherwise; empty means unset.
    pub default: &'static str,
}

const fn setting(variable: &'static str, default: &'static str) -> Setting {
    Setting { variable, default }
}

/// Every variable this program reads.
pub const SETTINGS: &[Setting] = &[
    setting("HOST", "127.0.0.1"),
    setting("PORT", "8000"),
    setting("PG_PORT", ""),
    setting("DATABASE_URL", "sqlite://data/hvac_analytics.db"),
    setting("DATA_DIR", "./data"),
    setting("DATA_STORAGE_PATH", "./data/sessions"),
    setting("MODELS_PATH", "./models"),
    setting("FILES_PATH", "./files"),
    setting("FILES_S3_BUCKET", ""),
    setting("FILES_S3_ENDPOINT", ""),
    setting("FILES_S3_REGION", "us-east-1"),
    setting("FILES_S3_ACCESS_KEY_ID", ""),
    setting("FILES_S3_SECRET_ACCESS_KEY", ""),
    setting("REDIS_URL", ""),
    setting("REDIS_CA_PATH", ""),
    setting("RECORDS_MYSQL_URL", ""),
    setting("RECORDS_POSTGRES_URL", ""),
    setting("RECORDS_REDIS_URL", ""),
    setting("SITE_TIMEZONE", "UTC"),
    setting("POINT_WORDS", ""),
    setting("COLLECTIONS_PATH", ""),
    setting("OUTBOX_MAX_ROWS", "1000000"),
    setting("OUTBOX_MAX_BYTES", "536870912"),
    setting("OUTBOX_FLUSH_ROWS", "1000"),
    setting("OUTBOX_FLUSH_SECONDS", "30"),
    setting("CACHE_MAX_BYTES", "268435456"),
    setting("CACHE_TTL_SECONDS", "3600"),
    setting("DOWNLOADS_MAX_BYTES", "1073741824"),
    setting("MAX_UPLOAD_BYTES", "4294967296"),
    setting("PARSE_MEMORY_BYTES", "536870912"),
    setting("PARQUET_ENCODINGS", "all"),
    setting("WORK_MEMORY_BYTES", "268435456"),
    setting("QUERY_MEMORY_BYTES", "268435456"),
    setting("QUERY_SPILL_BYTES", "4294967296"),
    setting("REQUEST_TIMEOUT_SECONDS", "60"),
    setting("SCRUB_DAYS", "7"),
    setting("HEADER_TIMEOUT_SECONDS", "30"),
    setting("STALL_TIMEOUT_SECONDS", "30"),
    setting("MAX_CONNECTIONS", "1024"),
    setting("MAX_CONNECTIONS_PER_CLIENT", "256"),
    setting("MAX_STREAMS_PER_CLIENT", "32"),
    setting("EVENTS_KEPT", "10000"),
    setting("EVENTS_KEPT_BYTES", "16777216"),
    setting("REQUIRE_SESSION_ID", "false"),
    setting("INSECURE", "false"),
    setting("ANONYMOUS_ROLE", ""),
    setting("AUDIT_DAYS", "365"),
    setting(
        "CORS_ALLOWED_ORIGINS",
        "http://localhost:3000,http://localhost:3001,http://localhost:5173,http://127.0.0.1:3000,http://127.0.0.1:3001,http://127.0.0.1:5173",
    ),
    setting("LOGIN_IDLE_HOURS", "12"),
    setting("LOGIN_DAYS", "30"),
    setting("JWT_SECRET", ""),
    setting("JWT_JWKS", ""),
    setting("JWT_ISSUER", ""),
    setting("JWT_AUDIENCE", ""),
    setting("JWT_ROLE_CLAIM", "role"),
    setting("ALLOWED_HOSTS", ""),
    setting("TRUSTED_PROXIES", ""),
    setting("RATE_LIMIT_ANONYMOUS", "100"),
    setting("RATE_LIMIT_KEY", "1000"),
    setting("RATE_LIMIT_HEAVY", "10"),
    setting("TLS_CERT", ""),
    setting("TLS_KEY", ""),
    setting("HSTS_SECONDS", "31536000"),
    setting("INSTANCE", ""),
    setting("LOG_FORMAT", "pretty"),
    setting("RUST_LOG", "info,sea_orm_migration=warn"),
    setting("OTEL_EXPORTER_OTLP_ENDPOINT", ""),
    setting("OTEL_EXPORTER_OTLP_HEADERS", ""),
];

/// How log lines look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogFormat {
    /// For a person at a terminal.
    Pretty,
    /// One JSON object a line.
    Json,
}

/// The settings, read and checked.
#[derive(Debug, Clone)]
pub struct Config {
    /// Address to listen on.
    pub host: String,
    /// Port to listen on; 0 takes a free one.
    pub port: u16,
    /// Port for PostgreSQL's clients, on the loopback; none when they are not served, 0 takes a free one.
    pub pg_port: Option<u16>,
    /// Where the stores are.
    pub store: Settings,
    /// Where handed-over files lie.
    pub files: FilePlace,
    /// Servers that keep collections.
    pub record_servers: RecordServers,
    /// Where server-side reports lie, and the root that `/api/files` is confined to.
    pub data_dir: PathBuf,
    /// Zone of reports that do not say theirs.
    pub site_timezone: Tz,
    /// File of the site's own words of point names, of the form of the built-in ones.
    pub point_words: Option<PathBuf>,
    /// Folder of declarations of collections, or one such file; none: the built-in ones alone.
    pub collections_path: Option<PathBuf>,
    /// Records that may wait for other servers.
    pub outbox_max_rows: u64,
    /// Bytes of them.
    pub outbox_max_bytes: u64,
    /// Records at which what waits for a server is handed over.
    pub outbox_flush_rows: u64,
    /// Longest that a record waits.
    pub outbox_flush_after: Duration,
    /// Bound of one upload, all its files together; also of what an archive unpacks to.
    pub max_upload_bytes: u64,
    /// What one parse may hold in memory before it works in several windows; and all at once, about.
    pub parse_memory_bytes: u64,
    /// Which encodings new Parquet files may use.
    pub parquet_encodings: Encodings,
    /// What the requests under way may hold on their way in; and as much for answers.
    pub work_memory_bytes: u64,
    /// What all statements together may hold.
    pub query_memory_bytes: u64,
    /// What they may put into files of their own when that is not enough.
    pub query_spill_bytes: u64,
    /// Longest time a request may take, uploads, parses and data files excepted.
    pub request_timeout: Duration,
    /// How often every stored file is hashed in the background; none when it is not.
    pub scrub_every: Option<Duration>,
    /// Longest time until a connection has sent the head of its next request.
    pub header_timeout: Duration,
    /// Longest time a client may stand still while it sends a body or takes an answer.
    pub stall_timeout: Duration,
    /// Connections at once.
    pub max_connections: usize,
    /// Connections of one client at once, where others than this machine can connect; 0 sets no bound.
    pub max_connections_per_client: usize,
    /// Streams of events of one key, or of one address without a key, at once; 0 sets no bound.
    pub max_streams_per_client: usize,
    /// Events that are kept for clients that come back, and bytes of all.
    pub events_kept: usize,
    /// See [`Self::events_kept`].
    pub events_kept_bytes: usize,
    /// Whether it serves beyond this machine though nobody has a key.
    pub insecure: bool,
    /// How long it is kept what was done; none: for ever.
    pub audit_kept: Option<Duration>,
    /// What a request may do that does not say whose it is; none: nothing. Of a server that only this machine reaches
    /// all, unless it is said otherwise.
    pub anonymous_role: Option<Role>,
    /// Whether that was stated, and does not follow from where it listens.
    pub anonymous_role_stated: bool,
    /// Whether leaving out `session_id` is refused.
    pub require_session_id: bool,
    /// Origins the browser may call from.
    pub cors_allowed_origins: Vec<String>,
    /// How long a browser's login lasts that is not used.
    pub login_idle: Duration,
    /// How long it lasts at most.
    pub login_longest: Duration,
    /// Which tokens of another issuer say who asks; none when they do not.
    pub tokens: Option<TokenSettings>,
    /// Names that the server may be asked by besides the loopback's and the address it listens on; addresses too.
    pub allowed_hosts: Vec<String>,
    /// Whose word counts on who a request comes from.
    pub trusted_proxies: Vec<Network>,
    /// Requests a minute of one address without a key; 0 sets no bound.
    pub rate_limit_anonymous: u32,
    /// Requests a minute of one key; 0 sets no bound.
    pub rate_limit_key: u32,
    /// Heavy work a minute on one session; 0 sets no bound.
    pub rate_limit_heavy: u32,
    /// Files of the certificate's chain and of its key, both PEM; none when there is no TLS.
    pub tls_files: Option<(PathBuf, PathBuf)>,
    /// How long browsers are told to come by TLS only, where there is TLS.
    pub hsts: Duration,
    /// Which of several processes this is, in logs and answers.
    pub instance: String,
    /// How log lines look.
    pub log_format: LogFormat,
    /// Filter of log lines, in `tracing`'s directives.
    pub log_filter: String,
    /// Where traces go, without TLS; none when there are none.
    pub otlp_endpoint: Option<String>,
    /// Every setting as it is in force, secrets hidden.
    pub in_force: Vec<SettingInForce>,
}

impl Config {
    /// Whether only this machine can connect.
    #[must_use]
    pub fn is_of_this_machine(&self) -> bool {
        check::is_of_this_machine(&self.host)
    }

    /// Reads `.env` and the environment; `flags` (variable → value) win over both. Also gives what is to be said of
    /// names in `.env` that are no settings: those of the environment are other programs'.
    ///
    /// # Errors
    /// The first setting whose value cannot be used, by its variable's name.
    pub fn load(flags: &BTreeMap<&'static str, String>) -> Result<(Self, Vec<String>)> {
        // What is there before the file is read is not of the file.
        let is_there = |setting: &&Setting| std::env::var_os(setting.variable).is_some();
        let outside: Vec<&str> = SETTINGS.iter().filter(is_there).map(|setting| setting.variable).collect();
        if let Err(error) = dotenvy::dotenv()
            && !error.not_found()
        {
            return Err(Error::new(
                codes::BAD_SETTING,
                "the file .env cannot be read: every line must be NAME=value or a # comment",
            )
            .with_source(error));
        }
        let names = dotenvy::dotenv_iter().into_iter().flatten().flatten().map(|(name, _)| name);
        let value = |variable: &'static str| match flags.get(variable) {
            Some(value) => Some((value.clone(), Origin::Flag)),
            None if outside.contains(&variable) => Some((std::env::var(variable).ok()?, Origin::Environment)),
            None => Some((std::env::var(variable).ok()?, Origin::EnvFile)),
        };
        Ok((Self::from_sources(value)?, check::unknown_names(names)))
    }

    /// The settings from any source of values; what it does not know gets its default.
    ///
    /// # Errors
    /// The first setting whose value cannot be used, by its variable's name.
    pub fn from_values(value_of: impl Fn(&'static str) -> Option<String>) -> Result<Self> {
        Self::from_sources(|variable| Some((value_of(variable)?, Origin::Environment)))
    }

    fn from_sources(value_of: impl Fn(&'static str) -> Option<(String, Origin)>) -> Result<Self> {
        let said = |variable: &'static str| {
            let said = value_of(variable).map(|(value, origin)| (value.trim().to_owned(), origin));
            said.filter(|(value, _)| !value.is_empty())
        };
        let get = |variable: &'static str| -> String {
            let default = SETTINGS.iter().find(|s| s.variable == variable).map_or("", |s| s.default);
            said(variable).map_or_else(|| default.to_owned(), |(value, _)| value)
        };
        let some = |variable| Some(get(variable)).filter(|v| !v.is_empty());
        check::otlp_headers(&get("OTEL_EXPORTER_OTLP_HEADERS"))?;
        let whole = |variable, allowed, unit| check::number::<u64>(variable, &get(variable), &allowed, unit);
        let flag = |variable| match get(variable).as_str() {
            "true" | "1" => Ok(true),
            "false" | "0" => Ok(false),
            other => Err(bad(variable, other, "true or false")),
        };
        let (host, insecure) = (check::host(&get("HOST"))?, flag("INSECURE")?);
        let is_trusting = insecure || check::is_of_this_machine(&host);
        let per_minute = |variable| check::number::<u32>(variable, &get(variable), &(0..=1_000_000), " of requests");
        Ok(Self {
            host,
            port: check::number("PORT", &get("PORT"), &(0..=u16::MAX), "")?,
            pg_port: some("PG_PORT").map(|port| check::number("PG_PORT", &port, &(0..=u16::MAX), "")).transpose()?,
            store: Settings {
                database_url: sqlx_url(&get("DATABASE_URL")),
                data_storage_path: check::folder("DATA_STORAGE_PATH", &get("DATA_STORAGE_PATH"))?,
                models_path: check::folder("MODELS_PATH", &get("MODELS_PATH"))?,
                redis_url: some("REDIS_URL").map(check::redis).transpose()?,
                redis_authorities: some("REDIS_CA_PATH").map(PathBuf::from),
                // 0 keeps nothing.
                cache_max_bytes: whole("CACHE_MAX_BYTES", 0..=1 << 40, " of bytes")?,
                cache_ttl: Duration::from_secs(whole("CACHE_TTL_SECONDS", 1..=10 * 365 * 86_400, " of seconds")?),
                downloads_max_bytes: whole("DOWNLOADS_MAX_BYTES", 0..=1 << 44, " of bytes")?,
            },
            files: files::of(some)?,
            record_servers: records::of(some)?,
            data_dir: check::folder("DATA_DIR", &get("DATA_DIR"))?,
            site_timezone: timezone("SITE_TIMEZONE", &get("SITE_TIMEZONE"))?,
            point_words: some("POINT_WORDS").map(PathBuf::from),
            collections_path: some("COLLECTIONS_PATH").map(PathBuf::from),
            outbox_max_rows: whole("OUTBOX_MAX_ROWS", 1000..=1 << 32, " of records")?,
            outbox_max_bytes: whole("OUTBOX_MAX_BYTES", 1 << 20..=1 << 40, " of bytes")?,
            outbox_flush_rows: whole("OUTBOX_FLUSH_ROWS", 1..=1_000_000, " of records")?,
            outbox_flush_after: Duration::from_secs(whole("OUTBOX_FLUSH_SECONDS", 1..=86_400, " of seconds")?),
            max_upload_bytes: whole("MAX_UPLOAD_BYTES", 1024..=1 << 44, " of bytes")?,
            parse_memory_bytes: whole("PARSE_MEMORY_BYTES", 1 << 20..=1 << 44, " of bytes")?,
            parquet_encodings: match get("PARQUET_ENCODINGS").as_str() {
                "all" => Encodings::All,
                "plain" => Encodings::Plain,
                other => return Err(bad("PARQUET_ENCODINGS", other, "all or plain")),
            },
            work_memory_bytes: whole("WORK_MEMORY_BYTES", 1 << 20..=1 << 40, " of bytes")?,
            query_memory_bytes: whole("QUERY_MEMORY_BYTES", 1 << 24..=1 << 44, " of bytes")?,
            query_spill_bytes: whole("QUERY_SPILL_BYTES", 0..=1 << 44, " of bytes")?,
            request_timeout: Duration::from_secs(whole("REQUEST_TIMEOUT_SECONDS", 1..=86_400, " of seconds")?),
            scrub_every: days("SCRUB_DAYS", &get("SCRUB_DAYS"))?,
            header_timeout: Duration::from_secs(whole("HEADER_TIMEOUT_SECONDS", 1..=86_400, " of seconds")?),
            stall_timeout: Duration::from_secs(whole("STALL_TIMEOUT_SECONDS", 1..=86_400, " of seconds")?),
            max_connections: check::number("MAX_CONNECTIONS", &get("MAX_CONNECTIONS"), &(1..=1_000_000), "")?,
            max_connections_per_client: check::number(
                "MAX_CONNECTIONS_PER_CLIENT",
                &get("MAX_CONNECTIONS_PER_CLIENT"),
                &(0..=1_000_000),
                "",
            )?,
            max_streams_per_client: check::number(
                "MAX_STREAMS_PER_CLIENT",
                &get("MAX_STREAMS_PER_CLIENT"),
                &(0..=1_000_000),
                "",
            )?,
            events_kept: check::number("EVENTS_KEPT", &get("EVENTS_KEPT"), &(1..=10_000_000), " of events")?,
            events_kept_bytes: check::number(
                "EVENTS_KEPT_BYTES",
                &get("EVENTS_KEPT_BYTES"),
                &(1 << 16..=1 << 40),
                " of bytes",
            )?,
            insecure,
            audit_kept: days("AUDIT_DAYS", &get("AUDIT_DAYS"))?,
            anonymous_role: check::anonymous_role(&get("ANONYMOUS_ROLE"), is_trusting)?,
            anonymous_role_stated: !get("ANONYMOUS_ROLE").is_empty(),
            require_session_id: flag("REQUIRE_SESSION_ID")?,
            cors_allowed_origins: check::origins(&get("CORS_ALLOWED_ORIGINS"))?,
            login_idle: Duration::from_secs(3600 * whole("LOGIN_IDLE_HOURS", 1..=24 * 365, " of hours")?),
            login_longest: Duration::from_secs(86_400 * whole("LOGIN_DAYS", 1..=365, " of days")?),
            tokens: tokens::of(some)?,
            allowed_hosts: check::hosts(&get("ALLOWED_HOSTS"))?,
            trusted_proxies: check::proxies(&get("TRUSTED_PROXIES"))?,
            rate_limit_anonymous: per_minute("RATE_LIMIT_ANONYMOUS")?,
            rate_limit_key: per_minute("RATE_LIMIT_KEY")?,
            rate_limit_heavy: per_minute("RATE_LIMIT_HEAVY")?,
            tls_files: check::tls_files(some("TLS_CERT"), some("TLS_KEY"))?,
            hsts: Duration::from_secs(whole("HSTS_SECONDS", 0..=10 * 365 * 86_400, " of seconds")?),
            instance: some("INSTANCE").map_or_else(|| Ok(machine_name()), check::instance)?,
            log_format: match get("LOG_FORMAT").as_str() {
                "pretty" => LogFormat::Pretty,
                "json" => LogFormat::Json,
                other => return Err(bad("LOG_FORMAT", other, "pretty or json")),
            },
            log_filter: check::log_filter(get("RUST_LOG"))?,
            otlp_endpoint: some("OTEL_EXPORTER_OTLP_ENDPOINT").map(check::otlp_endpoint).transpose()?,
            in_force: in_force::all(said),
        })
    }
}

/// The IANA zone of that name.
///
/// # Errors
/// When there is no such zone, by the setting's or field's name.
pub fn timezone(field: &'static str, name: &str) -> Result<Tz> {
    name.parse().map_err(|_| {
        Error::invalid(
            field,
            codes::UNKNOWN_TIMEZONE,
            format!("{field}: '{name}' is no IANA time zone; use a name such as Asia/Taipei, Europe/Berlin or UTC"),
        )
    })
}

/// What the machine calls itself.
fn machine_name() -> String {
    let told = std::fs::read_to_string("/proc/sys/kernel/hostname").ok();
    let told = told.or_else(|| ["HOSTNAME", "COMPUTERNAME"].into_iter().find_map(|name| std::env::var(name).ok()));
    told.map(|name| name.trim().to_owned()).filter(|name| !name.is_empty()).unwrap_or_else(|| "localhost".to_owned())
}

/// None for 0. Parts of a day are for tests.
fn days(variable: &'static str, text: &str) -> Result<Option<Duration>> {
    let days: f64 = text.parse().unwrap_or(f64::NAN);
    match days {
        0.0 => Ok(None),
        _ if days > 0.0 && days <= 3650.0 => Ok(Some(Duration::from_secs(86_400).mul_f64(days))),
        _ => Err(bad(variable, text, "a number of days up to 3650, or 0 for never")),
    }
}

fn bad(variable: &'static str, value: &str, wanted: &str) -> Error {
    Error::invalid(variable, codes::BAD_SETTING, format!("{variable}='{value}' cannot be used: it must be {wanted}"))
}

/// Accepts SQLAlchemy's spelling: `sqlite:///./x.db` is the relative `sqlite://./x.db`, and four slashes
/// are absolute like three. `sqlite:///x.db` stays what it is here: the absolute `/x.db`.
fn sqlx_url(url: &str) -> String {
    match url.strip_prefix("sqlite:///") {
        Some(path) if path.starts_with('/') || path.starts_with("./") || path.starts_with("../") => {
            format!("sqlite://{path}")
        }
        _ => url.to_owned(),
    }
}
