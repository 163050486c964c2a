//! Whom browsers may act for. A page of anybody's can make a browser send requests here, also to the loopback.
//!
//! Two things keep it out. *The name*: a page whose own name was made to mean this machine (DNS rebinding) is of the same
//! origin as this server, as the browser sees it, so only names that are known to be ours are served. An address in the
//! place of a name cannot be rebound. *The origin*: what changes something is refused when another page asks for it, for a
//! plain form needs nobody's leave to be sent. Programs that are no browsers say no origin and pass.
//!
//! Health and metrics answer by any name: who looks after a container asks by its address, and they tell nothing of
//! anybody's data.

use std::net::IpAddr;
use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::uri::Authority;
use axum::http::{HeaderMap, HeaderValue, Method, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use super::client::{Client, Peer, Way};
use super::problem::Failed;
use crate::config::{Config, Network};
use crate::error::{Error, Result, codes};

/// What those ask for who look after the process.
const PROBES: [&str; 7] =
    ["/health", "/ready", "/metrics", "/api/health", "/api/ready", "/api/v1/health", "/api/v1/ready"];
/// Longest part of a header that a message repeats.
const SHOWN: usize = 100;

/// Whether the path is one that is asked for by who looks after the process.
#[must_use]
pub fn is_probe(path: &str) -> bool {
    PROBES.contains(&path)
}

/// The names that are ours, and the pages that may ask.
pub struct Door {
    names: Vec<String>,
    addresses: Vec<IpAddr>,
    any_address: bool,
    origins: Vec<String>,
    proxies: Vec<Network>,
    /// What browsers are told where the certificate is ours.
    hsts: Option<HeaderValue>,
}

impl Door {
    /// By the settings.
    #[must_use]
    pub fn of(config: &Config) -> Self {
        let named = config.allowed_hosts.iter().cloned().chain([config.host.to_ascii_lowercase()]);
        let (mut names, mut addresses) = (Vec::new(), Vec::new());
        for name in named {
            match name.parse::<IpAddr>() {
                Ok(address) => addresses.push(address.to_canonical()),
                Err(_) => names.push(name.trim_end_matches('.').to_owned()),
            }
        }
        let any_address = !config.is_of_this_machine();
        let origins = config.cors_allowed_origins.clone();
        let hsts = HeaderValue::from_str(&format!("max-age={}", config.hsts.as_secs())).ok();
        Self { names, addresses, any_address, origins, proxies: config.trusted_proxies.clone(), hsts }
    }

    /// Whether the server is known by that name or address.
    fn serves(&self, host: &str) -> bool {
        let bare = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(host);
        if let Ok(address) = bare.parse::<IpAddr>() {
            let address = address.to_canonical();
            return self.any_address || address.is_loopback() || self.addresses.contains(&address);
        }
        is_localhost(host) || self.names.contains(&bare_name(host))
    }

    /// The request must come for us.
    fn check_hosts(&self, asked: &[&str]) -> Result<()> {
        let unknown = asked.iter().find(|authority| {
            let host = split_port(authority).map(|(host, _)| host);
            !host.is_some_and(|host| self.serves(host))
        });
        let message = match unknown {
            None if asked.is_empty() => "The request does not say which host it is for: send a Host header.".to_owned(),
            None => return Ok(()),
            Some(authority) => format!(
                "This server is not known by the name '{}'. If it is meant, add it (without the port) to ALLOWED_HOSTS.",
                shown(authority)
            ),
        };
        Err(Error::new(codes::MISDIRECTED_HOST, message))
    }

    /// What changes something, or opens a WebSocket, must be asked for by no page, by ours, or by one that may.
    fn check_origin(&self, method: &Method, headers: &HeaderMap, client: &Client, asked: &[&str]) -> Result<()> {
        // No CORS keeps a page from reading a WebSocket.
        let reads =
            matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS) && !headers.contains_key(header::UPGRADE);
        if reads || self.origins.iter().any(|one| one == "*") {
            return Ok(());
        }
        let mut origins = headers.get_all(header::ORIGIN).iter().peekable();
        if origins.peek().is_none() {
            let site = headers.get("sec-fetch-site").map(|value| value.to_str().unwrap_or("?"));
            return match site {
                None | Some("same-origin" | "none") => Ok(()),
                Some(_) => Err(foreign("another site, which the browser does not name,")),
            };
        }
        for origin in origins {
            let Ok(origin) = origin.to_str() else { return Err(foreign("an origin that cannot be read")) };
            let is_ours = asked.iter().any(|authority| is_same(origin, client.secure, authority));
            if !is_ours && !self.origins.iter().any(|known| known == origin) {
                return Err(foreign(&format!("the origin '{}'", shown(origin))));
            }
        }
        Ok(())
    }
}

fn bare_name(host: &str) -> String {
    host.strip_suffix('.').unwrap_or(host).to_ascii_lowercase()
}

/// Whether it is a name that means this machine wherever it is asked (RFC 6761).
fn is_localhost(host: &str) -> bool {
    let name = bare_name(host);
    name == "localhost" || name.ends_with(".localhost")
}

/// Of such a name, and of none, browsers are told nothing: they would believe it for every program of the machine.
fn is_local_name(authority: &str) -> bool {
    split_port(authority).is_none_or(|(host, _)| is_localhost(host))
}

fn foreign(who: &str) -> Error {
    let message = format!(
        "A page of {who} may not change anything here, nor open a WebSocket. If it may, add its origin to CORS_ALLOWED_ORIGINS; if it is this \
         server's own page behind a proxy, add the proxy to TRUSTED_PROXIES and have it send X-Forwarded-Proto and -Host."
    );
    Error::new(codes::FOREIGN_ORIGIN, message)
}

/// Of what a stranger sent, so much that he knows it again.
fn shown(text: &str) -> String {
    text.chars().filter(|letter| !letter.is_control()).take(SHOWN).collect()
}

/// Host and port of `host`, `host:port`, `[address]:port`; none for anything else.
fn split_port(authority: &str) -> Option<(&str, Option<u16>)> {
    let end = authority.rfind(']').map_or(0, |at| at + 1);
    let (host, port) = match authority.get(end..)?.rfind(':') {
        Some(at) => (authority.get(..end + at)?, Some(authority.get(end + at + 1..)?)),
        None => (authority, None),
    };
    let port = match port {
        None | Some("") => None,
        Some(port) => Some(port.parse().ok()?),
    };
    let is_host = !host.is_empty() && !host.contains(|c: char| c.is_whitespace() || "/@?#,\\".contains(c));
    is_host.then_some((host, port))
}

/// Whether a page of that origin comes from the host that is asked, by the same scheme and port.
fn is_same(origin: &str, secure: bool, authority: &str) -> bool {
    let (scheme, usual) = if secure { ("https", 443) } else { ("http", 80) };
    let of = |authority| split_port(authority).map(|(host, port)| (host.to_ascii_lowercase(), port.unwrap_or(usual)));
    match origin.split_once("://") {
        Some((said, page)) if said == scheme => of(page).is_some_and(|page| of(authority) == Some(page)),
        _ => false,
    }
}

/// Lets requests in that come for this server, and from whom they may come; says in them who sent them.
pub async fn guard(State(door): State<Arc<Door>>, mut request: Request, next: Next) -> Response {
    let peer = request.extensions().get::<Peer>().copied().unwrap_or(Peer::NONE);
    let Way { client, hosts } = Way::of(peer, request.headers(), &door.proxies);
    if !is_probe(request.uri().path())
        && let Err(error) = check(&door, &request, &client, &hosts)
    {
        return Failed(error).into_response();
    }
    request.extensions_mut().insert(client);
    let hsts = door.hsts.clone().filter(|_| peer.secure && !asked(&request).into_iter().any(is_local_name));
    let mut response = next.run(request).await;
    if let Some(hsts) = hsts {
        response.headers_mut().insert(header::STRICT_TRANSPORT_SECURITY, hsts);
    }
    response
}

fn check(door: &Door, request: &Request, client: &Client, forwarded: &[String]) -> Result<()> {
    // Where several hosts are named, each must be ours: which one a proxy went by is not known.
    let asked: Vec<&str> = asked(request).into_iter().chain(forwarded.iter().map(String::as_str)).collect();
    door.check_hosts(&asked)?;
    door.check_origin(request.method(), request.headers(), client, &asked)
}

/// The hosts that the request says it is for.
fn asked(request: &Request) -> Vec<&str> {
    let named = request.headers().get_all(header::HOST).iter().map(|value| value.to_str().unwrap_or("?"));
    named.chain(request.uri().authority().map(Authority::as_str)).collect()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn door(settings: &[(&str, &str)]) -> Door {
        let value =
            |asked: &str| settings.iter().find(|(name, _)| *name == asked).map(|(_, value)| (*value).to_owned());
        Door::of(&Config::from_values(value).unwrap())
    }

    fn served(settings: &[(&str, &str)], host: &str) -> bool {
        door(settings).check_hosts(&[host]).is_ok()
    }

    #[test]
    fn on_the_loopback_only_its_names_are_ours() {
        for host in [
            "localhost",
            "localhost:8000",
            "LOCALHOST:1",
            "localhost.",
            "app.localhost:80",
            "127.0.0.1",
            "127.0.0.1:8000",
            "127.8.9.1",
            "[::1]:8000",
            "[::1]",
            "[::ffff:127.0.0.1]:80",
        ] {
            assert!(served(&[], host), "{host}");
        }
        for host in [
            "evil.example",
            "evil.example:8000",
            "localhost.evil.example",
            "evillocalhost",
            "127.0.0.1.evil.example",
            "192.0.2.7:8000",
            "0.0.0.0:8000",
            "[2001:db8::1]",
            "localhost@evil.example",
            "evil.example@localhost",
            "localhost,evil.example",
            "localhost:x",
            "localhost/evil",
            "[::1]evil.example",
            "[::1",
            "::1",
            ":8000",
            "",
            "?",
        ] {
            assert!(!served(&[], host), "{host}");
        }
        assert!(door(&[]).check_hosts(&[]).is_err() && door(&[]).check_hosts(&["localhost", "evil.example"]).is_err());
    }

    #[test]
    fn beyond_the_loopback_addresses_are_ours_and_names_are_not() {
        let open = [("HOST", "0.0.0.0")];
        assert!(served(&open, "192.0.2.7:8000") && served(&open, "[2001:db8::1]:8000") && served(&open, "localhost"));
        assert!(!served(&open, "evil.example") && !served(&open, "192.0.2.7.evil.example"));
        let named = [("HOST", "Plant-7.local"), ("ALLOWED_HOSTS", "hvac.example,192.0.2.9")];
        assert!(served(&named, "plant-7.local:8000") && served(&named, "HVAC.example.") && served(&named, "192.0.2.9"));
        assert!(!served(&named, "x.hvac.example"));
        let behind = [("ALLOWED_HOSTS", "192.0.2.9")];
        assert!(served(&behind, "192.0.2.9:80") && !served(&behind, "192.0.2.8"));
    }

    #[test]
    fn an_origin_is_scheme_host_and_port() {
        assert!(is_same("http://localhost:8000", false, "localhost:8000"));
        assert!(is_same("http://hvac.example", false, "HVAC.example:80") && is_same("https://a.b", true, "a.b"));
        assert!(is_same("http://[::1]:8000", false, "[::1]:8000"));
        for origin in ["http://localhost", "https://localhost:8000", "http://localhost:3000", "null", "http://", ""] {
            assert!(!is_same(origin, false, "localhost:8000"), "{origin}");
        }
    }
}
