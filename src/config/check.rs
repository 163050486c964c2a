//! Values that a setting cannot mean: refused with its name and what would be right. Looks at texts only.

use std::fmt::Display;
use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::str::FromStr;

use tracing_subscriber::EnvFilter;
use url::Url;

use super::{Network, SETTINGS, bad};
use crate::error::{Error, Result, codes};
use hvac_store::entity::AccountRole as Role;

/// A number of these; `unit` says of what.
pub fn number<T>(variable: &'static str, text: &str, allowed: &RangeInclusive<T>, unit: &str) -> Result<T>
where
    T: FromStr + PartialOrd + Display,
{
    let wanted = || format!("a whole number{unit} from {} to {}", allowed.start(), allowed.end());
    text.parse().ok().filter(|number| allowed.contains(number)).ok_or_else(|| bad(variable, text, &wanted()))
}

/// A folder of this machine.
pub fn folder(variable: &'static str, text: &str) -> Result<PathBuf> {
    match text.contains("://") {
        true => {
            Err(bad(variable, text, "a folder of this machine; object stores and other addresses are not supported"))
        }
        false => Ok(text.into()),
    }
}

/// An address or a name, without scheme and port.
pub fn host(text: &str) -> Result<String> {
    let is_address = text.parse::<std::net::IpAddr>().is_ok();
    if is_address || !text.contains(|c: char| c.is_whitespace() || "/:[]@?#,".contains(c)) {
        return Ok(text.to_owned());
    }
    Err(bad("HOST", text, "an address or a name alone, such as 127.0.0.1, ::1 or localhost; the port is PORT"))
}

/// A role, `none`, or nothing: all where the server trusts whoever reaches it.
pub fn anonymous_role(text: &str, is_trusting: bool) -> Result<Option<Role>> {
    match text {
        "" => Ok(is_trusting.then_some(Role::Admin)),
        "none" => Ok(None),
        "viewer" => Ok(Some(Role::Viewer)),
        "operator" => Ok(Some(Role::Operator)),
        "admin" => Ok(Some(Role::Admin)),
        other => Err(bad("ANONYMOUS_ROLE", other, "none, viewer, operator or admin")),
    }
}

/// Whether only this machine reaches an address.
pub fn is_of_this_machine(host: &str) -> bool {
    host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
}

/// A Redis address.
pub fn redis(text: String) -> Result<String> {
    hvac_store::cache::check_redis_url("REDIS_URL", &text).map(|()| text)
}

/// Origins as browsers send them, separated by commas, or `*`.
pub fn origins(text: &str) -> Result<Vec<String>> {
    text.split(',').map(str::trim).filter(|origin| !origin.is_empty()).map(origin).collect()
}

fn origin(text: &str) -> Result<String> {
    let url = Url::parse(text).ok().filter(|url| matches!(url.scheme(), "http" | "https"));
    let as_sent = url.map(|url| url.origin().ascii_serialization());
    match as_sent {
        _ if text == "*" => Ok(text.to_owned()),
        // A browser sends neither path nor capitals nor the scheme's own port: another spelling would never match.
        Some(as_sent) if as_sent == text => Ok(as_sent),
        Some(as_sent) => Err(bad("CORS_ALLOWED_ORIGINS", text, &format!("written as browsers send it: {as_sent}"))),
        None => Err(bad("CORS_ALLOWED_ORIGINS", text, "an origin such as http://localhost:3000, or *")),
    }
}

/// Names and addresses without ports, separated by commas, as browsers write them: in small letters and in ASCII.
pub fn hosts(text: &str) -> Result<Vec<String>> {
    let named = text.split(',').map(str::trim).filter(|name| !name.is_empty());
    named
        .map(|name| {
            let bare = name.strip_prefix('[').and_then(|name| name.strip_suffix(']')).unwrap_or(name);
            if let Ok(address) = bare.parse::<std::net::IpAddr>() {
                return Ok(address.to_canonical().to_string());
            }
            match url::Host::parse(name) {
                Ok(url::Host::Domain(domain)) if !domain.contains('*') => Ok(domain.trim_end_matches('.').to_owned()),
                _ => Err(bad("ALLOWED_HOSTS", name, "names without scheme and port, such as hvac.example, one by one")),
            }
        })
        .collect()
}

/// Addresses and networks, separated by commas.
pub fn proxies(text: &str) -> Result<Vec<Network>> {
    let named = text.split(',').map(str::trim).filter(|network| !network.is_empty());
    named.map(|text| Network::parse(text).map_err(|wanted| bad("TRUSTED_PROXIES", text, &wanted))).collect()
}

/// A certificate's chain and its key: both, or neither.
pub fn tls_files(certificate: Option<String>, key: Option<String>) -> Result<Option<(PathBuf, PathBuf)>> {
    let alone = |set: &'static str, missing: &'static str| {
        let message =
            format!("{set} is set and {missing} is not: TLS needs both, the files of a certificate and its key");
        Err(Error::invalid(missing, codes::BAD_SETTING, message))
    };
    match (certificate, key) {
        (Some(certificate), Some(key)) => Ok(Some((certificate.into(), key.into()))),
        (None, None) => Ok(None),
        (Some(_), None) => alone("TLS_CERT", "TLS_KEY"),
        (None, Some(_)) => alone("TLS_KEY", "TLS_CERT"),
    }
}

/// A short name.
pub fn instance(text: String) -> Result<String> {
    match text.len() <= 100 && !text.contains(char::is_control) {
        true => Ok(text),
        false => Err(bad("INSTANCE", &text, "a name of at most 100 letters")),
    }
}

/// The base address of a collector of traces.
pub fn otlp_endpoint(text: String) -> Result<String> {
    const VARIABLE: &str = "OTEL_EXPORTER_OTLP_ENDPOINT";
    let wanted = "the address of a collector that takes OTLP over HTTP, such as http://127.0.0.1:4318";
    match Url::parse(&text) {
        Ok(url) if url.scheme() == "http" && url.has_host() && url.query().is_none() => Ok(text),
        // It may hold a key.
        Ok(url) if url.scheme() == "https" => Err(bad(
            VARIABLE,
            "https://…",
            &format!("{wanted}; TLS is not spoken here, run a collector on this machine"),
        )),
        _ => Err(bad(VARIABLE, "…", wanted)),
    }
}

/// Names and values, as `name=value,name=value`. The exporter reads them itself, and leaves out what it cannot read.
pub fn otlp_headers(text: &str) -> Result<()> {
    let mut pairs = text.split(',').filter(|pair| !pair.trim().is_empty());
    match pairs.all(|pair| pair.split_once('=').is_some_and(|(name, _)| !name.trim().is_empty())) {
        true => Ok(()),
        // They are secrets.
        false => Err(bad("OTEL_EXPORTER_OTLP_HEADERS", "…", "headers for the collector, as name=value,name=value")),
    }
}

/// Directives of `tracing`.
pub fn log_filter(text: String) -> Result<String> {
    match EnvFilter::try_new(&text) {
        Ok(_) => Ok(text),
        Err(error) => Err(bad("RUST_LOG", &text, &format!("directives such as info,access=warn ({error})"))),
    }
}

/// What to say of the names in `.env` that are no settings.
pub fn unknown_names(names: impl Iterator<Item = String>) -> Vec<String> {
    let unknown = names.filter(|name| SETTINGS.iter().all(|setting| setting.variable != name));
    unknown
        .map(|name| {
            let alike = |setting: &str| strsim::jaro_winkler(setting, &name.to_uppercase());
            let closest = SETTINGS.iter().map(|s| s.variable).max_by(|a, b| alike(a).total_cmp(&alike(b)));
            match closest.filter(|closest| alike(closest) >= 0.85) {
                Some(closest) => format!("{name} in .env is no setting and changes nothing: did you mean {closest}?"),
                None => format!("{name} in .env is no setting and changes nothing: .env.example has all there are"),
            }
        })
        .collect()
}
