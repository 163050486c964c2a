//! Networks of addresses, as TRUSTED_PROXIES names them.

use std::net::{IpAddr, Ipv6Addr};

/// Bits before those of an IPv4 address in its IPv6 form (RFC 4291 §2.5.5.2).
const MAPPED_BITS: u32 = 96;

/// All addresses that begin with the same bits (RFC 4632), or one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Network {
    /// Its first address; an IPv4 one in its IPv6 form.
    first: u128,
    /// How many bits all its addresses have in common.
    prefix: u32,
}

impl Network {
    /// Of an address, or an address and a number of bits: `10.0.0.7`, `10.0.0.0/8`, `2001:db8::/32`.
    ///
    /// # Errors
    /// What would be right, as the end of a sentence.
    pub fn parse(text: &str) -> Result<Self, String> {
        const WANTED: &str = "addresses or networks, such as 10.0.0.7, 10.0.0.0/8 or 2001:db8::/32";
        let (address, bits) = text.split_once('/').map_or((text, None), |(address, bits)| (address, Some(bits)));
        let address: IpAddr = address.parse().map_err(|_| WANTED.to_owned())?;
        let (before, most) = if address.is_ipv4() { (MAPPED_BITS, 32) } else { (0, 128) };
        let own: u32 = bits.map_or(Some(most), |bits| bits.parse().ok()).ok_or_else(|| WANTED.to_owned())?;
        if own == 0 || own > most {
            return Err(format!("networks of 1 to {most} bits: who trusts all addresses believes what anybody says"));
        }
        let (network, asked) = (Self { first: bits_of(address), prefix: before + own }, bits_of(address));
        let first = asked & network.mask();
        match first == asked {
            true => Ok(network),
            false => Err(format!("a network by its first address: {}/{own}", canonical(first))),
        }
    }

    fn mask(self) -> u128 {
        u128::MAX.checked_shl(128 - self.prefix).unwrap_or(0)
    }

    /// Whether the address is one of it.
    #[must_use]
    pub fn contains(self, address: IpAddr) -> bool {
        bits_of(address) & self.mask() == self.first
    }
}

fn bits_of(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(address) => address.to_ipv6_mapped().to_bits(),
        IpAddr::V6(address) => address.to_bits(),
    }
}

fn canonical(bits: u128) -> IpAddr {
    IpAddr::V6(Ipv6Addr::from_bits(bits)).to_canonical()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_network_has_the_addresses_of_its_first_bits() {
        for (network, inside, outside) in [
            ("10.0.0.0/8", "10.255.255.255", "11.0.0.0"),
            ("192.0.2.7", "192.0.2.7", "192.0.2.8"),
            ("192.0.2.7", "::ffff:192.0.2.7", "::192.0.2.7"),
            ("192.0.2.128/25", "192.0.2.255", "192.0.2.127"),
            ("2001:db8::/32", "2001:db8:ffff::1", "2001:db9::"),
            ("::1", "::1", "127.0.0.1"),
            ("::ffff:10.0.0.0/104", "10.1.2.3", "11.1.2.3"),
            ("8000::/1", "ffff::", "7fff::"),
        ] {
            let parsed = Network::parse(network).unwrap();
            assert!(parsed.contains(inside.parse().unwrap()), "{network} has {inside}");
            assert!(!parsed.contains(outside.parse().unwrap()), "{network} has not {outside}");
        }
    }

    #[test]
    fn what_is_no_network_says_what_would_be_right() {
        for (text, says) in [
            ("proxy.example", "such as 10.0.0.7"),
            ("10.0.0.0/x", "such as 10.0.0.7"),
            ("10.0.0.0/33", "1 to 32 bits"),
            ("0.0.0.0/0", "1 to 32 bits"),
            ("::/0", "1 to 128 bits"),
            ("10.1.2.3/8", "10.0.0.0/8"),
            ("2001:db8::1/32", "2001:db8::/32"),
            ("10.0.0.1:80", "such as 10.0.0.7"),
        ] {
            let refused = Network::parse(text).unwrap_err();
            assert!(refused.contains(says), "{text}: {refused}");
        }
    }
}
