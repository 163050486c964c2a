//! Who sends a request: its address, as far as somebody vouches for it, and the names that the server was asked by.
//!
//! Anybody can write `X-Forwarded-For`; it counts when it comes from one of TRUSTED_PROXIES, and then from its end, for each
//! proxy adds what it has seen itself behind what it was told. What cannot be read, or is told in two ways, is as good as
//! nothing: the request then counts as its proxy's, and as forwarded.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use axum::http::{HeaderMap, HeaderValue};

use crate::config::Network;

/// The other end of a connection; stands in each of its requests.
#[derive(Debug, Clone, Copy)]
pub struct Peer {
    /// Its address.
    pub address: IpAddr,
    /// Whether the connection is encrypted.
    pub secure: bool,
}

impl Peer {
    /// Of a request that came over no connection.
    pub const NONE: Self = Self { address: IpAddr::V4(Ipv4Addr::UNSPECIFIED), secure: false };
}

/// Who sent a request; stands in its extensions once the door is passed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Client {
    /// The address that the last trusted hop has seen; the peer's own where nobody trusted says more.
    pub address: IpAddr,
    /// Whether the client itself came by TLS, to this server or to a trusted proxy.
    pub secure: bool,
    /// Whether something stands between, by any sign at all: trusted or not.
    pub forwarded: bool,
}

impl Client {
    /// Whether it is a program of this machine that came by itself. What was forwarded never is, whatever it says.
    #[must_use]
    pub fn is_local(&self) -> bool {
        self.address.to_canonical().is_loopback() && !self.forwarded
    }
}

/// What says that a request was forwarded.
const SIGNS: [&str; 8] = [
    "forwarded",
    "via",
    "x-forwarded-for",
    "x-forwarded-host",
    "x-forwarded-port",
    "x-forwarded-proto",
    "x-forwarded-server",
    "x-real-ip",
];

/// What is known of a request's way.
#[derive(Debug, PartialEq, Eq)]
pub struct Way {
    /// Who sent it.
    pub client: Client,
    /// The hosts that trusted proxies say it was for.
    pub hosts: Vec<String>,
}

impl Way {
    /// Of a request with these headers.
    #[must_use]
    pub fn of(peer: Peer, headers: &HeaderMap, trusted: &[Network]) -> Self {
        let forwarded = SIGNS.iter().any(|name| headers.contains_key(*name));
        let own = Client { address: peer.address.to_canonical(), secure: peer.secure, forwarded };
        let is_trusted = |address: IpAddr| trusted.iter().any(|network| network.contains(address));
        if !forwarded || !is_trusted(peer.address) {
            return Self { client: own, hosts: Vec::new() };
        }
        let lists = |name: &str| headers.get_all(name).iter().flat_map(|value| parts(text(value), ',')).collect();
        let (fors, protos, hosts): (Vec<&str>, Vec<&str>, Vec<&str>) =
            (lists("x-forwarded-for"), lists("x-forwarded-proto"), lists("x-forwarded-host"));
        let hops: Vec<Hop> = headers.get_all("forwarded").iter().flat_map(|value| Hop::all(text(value))).collect();
        // Where a proxy writes one header and passes the other on, the other is the client's own invention.
        let by_list = fors.iter().map(|node| address_of(node)).collect::<Vec<_>>();
        let by_hops = hops.iter().map(|hop| hop.address).collect::<Vec<_>>();
        let (listed, hopped) = (farthest(&by_list, is_trusted), farthest(&by_hops, is_trusted));
        let found = match (listed, hopped) {
            (found, _) if by_hops.is_empty() => found,
            (_, found) if by_list.is_empty() => found,
            (Some(one), Some(other)) if one.0 == other.0 => Some(one),
            _ => None,
        };
        let address = found.map_or(own.address, |(address, _)| address);
        let place = |found: Option<(IpAddr, usize)>| found.map_or(0, |(_, place)| place);
        // A list that is shorter than the way has what the outermost proxy wrote.
        let of_list = protos.iter().rev().nth(place(listed)).or(protos.first()).copied();
        let of_hop = hops.iter().rev().nth(place(hopped)).and_then(|hop| hop.proto.as_deref());
        let schemes: Vec<&str> = of_list.into_iter().chain(of_hop).collect();
        let secure = match schemes.is_empty() {
            true => peer.secure,
            false => schemes.iter().all(|scheme| scheme.eq_ignore_ascii_case("https")),
        };
        let hosts = hosts.into_iter().map(str::to_owned).chain(hops.into_iter().filter_map(|hop| hop.host)).collect();
        Self { client: Client { address, secure, forwarded }, hosts }
    }
}

/// The first address from the end that is not trusted, and how many stand behind it; the outermost where all are. None
/// where one on the way cannot be read.
fn farthest(addresses: &[Option<IpAddr>], is_trusted: impl Fn(IpAddr) -> bool) -> Option<(IpAddr, usize)> {
    let mut last = None;
    for (place, address) in addresses.iter().rev().enumerate() {
        let address = (*address)?;
        last = Some((address, place));
        if !is_trusted(address) {
            break;
        }
    }
    last
}

/// An element of `Forwarded` (RFC 7239).
#[derive(Default)]
struct Hop {
    address: Option<IpAddr>,
    proto: Option<String>,
    host: Option<String>,
}

impl Hop {
    fn all(text: &str) -> Vec<Self> {
        parts(text, ',').into_iter().map(Self::of).collect()
    }

    fn of(element: &str) -> Self {
        let mut hop = Self::default();
        for (name, value) in parts(element, ';').into_iter().filter_map(|pair| pair.split_once('=')) {
            let value = unquoted(value.trim());
            match name.trim().to_ascii_lowercase().as_str() {
                "for" => hop.address = address_of(&value),
                "proto" => hop.proto = Some(value),
                "host" => hop.host = Some(value),
                _ => {}
            }
        }
        hop
    }
}

/// What is no text is no address, scheme or host either.
fn text(value: &HeaderValue) -> &str {
    value.to_str().unwrap_or("?")
}

/// The parts between separators that do not stand in quotes. An empty list has none.
fn parts(text: &str, separator: char) -> Vec<&str> {
    let (mut quoted, mut escaped) = (false, false);
    let between = text.split(move |letter: char| {
        let is_end = letter == separator && !quoted;
        if letter == '"' && !escaped {
            quoted = !quoted;
        }
        escaped = quoted && letter == '\\' && !escaped;
        is_end
    });
    between.map(str::trim).filter(|part| !part.is_empty()).collect()
}

fn unquoted(value: &str) -> String {
    let Some(inner) = value.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')) else { return value.to_owned() };
    let (mut plain, mut letters) = (String::new(), inner.chars());
    while let Some(letter) = letters.next() {
        plain.extend(if letter == '\\' { letters.next() } else { Some(letter) });
    }
    plain
}

/// An address, with or without a port; none for `unknown` and for names that hide one.
fn address_of(node: &str) -> Option<IpAddr> {
    let bare = node.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(node);
    let address = bare.parse::<IpAddr>().ok().or_else(|| Some(node.parse::<SocketAddr>().ok()?.ip()));
    address.map(|address| address.to_canonical())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    const PROXIES: [&str; 2] = ["127.0.0.1", "10.0.0.0/8"];

    fn way(peer: &str, headers: &[(&'static str, &str)]) -> Way {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(*name, HeaderValue::from_str(value).unwrap());
        }
        let trusted: Vec<Network> = PROXIES.iter().map(|text| Network::parse(text).unwrap()).collect();
        Way::of(Peer { address: peer.parse().unwrap(), secure: false }, &map, &trusted)
    }

    #[track_caller]
    fn is_of(peer: &str, headers: &[(&'static str, &str)], address: &str) {
        assert_eq!(way(peer, headers).client.address, address.parse::<IpAddr>().unwrap(), "{peer} {headers:?}");
    }

    #[test]
    fn only_a_trusted_proxy_is_believed() {
        let said =
            [("x-forwarded-for", "192.0.2.7"), ("x-forwarded-proto", "https"), ("x-forwarded-host", "a.example")];
        let stranger = way("192.0.2.99", &said);
        assert_eq!(stranger.client.address, "192.0.2.99".parse::<IpAddr>().unwrap());
        assert!(stranger.client.forwarded && !stranger.client.secure && stranger.hosts.is_empty(), "{stranger:?}");
        let proxy = way("10.1.2.3", &said);
        assert_eq!(proxy.client.address, "192.0.2.7".parse::<IpAddr>().unwrap());
        assert!(proxy.client.forwarded && proxy.client.secure, "{proxy:?}");
        assert_eq!(proxy.hosts, ["a.example"]);
        let direct = way("127.0.0.1", &[]);
        assert!(direct.client.is_local() && !direct.client.forwarded, "{direct:?}");
    }

    #[test]
    fn the_way_is_read_from_its_end() {
        is_of("127.0.0.1", &[("x-forwarded-for", "127.0.0.1, 203.0.113.9")], "203.0.113.9");
        is_of("127.0.0.1", &[("x-forwarded-for", "6.6.6.6, 203.0.113.9, 10.0.0.5")], "203.0.113.9");
        is_of(
            "127.0.0.1",
            &[("x-forwarded-for", "6.6.6.6"), ("x-forwarded-for", "203.0.113.9, 10.0.0.5")],
            "203.0.113.9",
        );
        is_of("::ffff:127.0.0.1", &[("x-forwarded-for", "[2001:db8::7]:4711")], "2001:db8::7");
        is_of("127.0.0.1", &[("x-forwarded-for", "203.0.113.9:1234")], "203.0.113.9");
        is_of("127.0.0.1", &[("x-forwarded-for", "10.0.0.8, 10.0.0.5")], "10.0.0.8");
        is_of(
            "127.0.0.1",
            &[("forwarded", "for=6.6.6.6, for=\"[2001:db8::7]:80\";proto=https, For=10.0.0.5")],
            "2001:db8::7",
        );
        is_of("127.0.0.1", &[("forwarded", "for=\"6.6.6.6, for=203.0.113.9\"")], "127.0.0.1");
    }

    #[test]
    fn what_is_not_clear_is_the_proxys_and_never_local() {
        for headers in [
            &[("x-forwarded-for", "unknown")][..],
            &[("x-forwarded-for", "203.0.113.9, \u{7f}")],
            &[("x-forwarded-for", "")],
            &[("forwarded", "for=_hidden")],
            &[("forwarded", "proto=https")],
            &[("x-forwarded-for", "203.0.113.9"), ("forwarded", "for=203.0.113.8")],
            &[("x-forwarded-proto", "https")],
            &[("x-real-ip", "203.0.113.9")],
            &[("via", "1.1 proxy")],
            &[("x-forwarded-for", "127.0.0.1")],
        ] {
            let headers: Vec<_> = headers.iter().map(|(name, value)| (*name, value.replace('\u{7f}', "?"))).collect();
            let headers: Vec<_> = headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
            let client = way("127.0.0.1", &headers).client;
            assert!(client.address.is_loopback() && client.forwarded && !client.is_local(), "{headers:?}: {client:?}");
        }
        is_of("127.0.0.1", &[("x-forwarded-for", "203.0.113.9"), ("forwarded", "for=203.0.113.9")], "203.0.113.9");
    }

    #[test]
    fn scheme_and_hosts_belong_to_the_clients_hop() {
        let secure = |headers: &[(&'static str, &str)]| way("127.0.0.1", headers).client.secure;
        let through = ("x-forwarded-for", "203.0.113.9, 10.0.0.5");
        assert!(secure(&[through, ("x-forwarded-proto", "https, http")]));
        assert!(secure(&[through, ("x-forwarded-proto", "HTTPS")]));
        assert!(!secure(&[through, ("x-forwarded-proto", "https, http, http")]));
        assert!(!secure(&[through, ("x-forwarded-proto", "https"), ("forwarded", "for=203.0.113.9;proto=http")]));
        let told =
            way("127.0.0.1", &[("x-forwarded-host", "a.example, b.example"), ("forwarded", "host=\"c.example:81\"")]);
        assert_eq!(told.hosts, ["a.example", "b.example", "c.example:81"]);
    }
}
