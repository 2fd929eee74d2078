//! Which IP addresses are on the public internet, and what the others are.
//!
//! The rule for IPv4 is a list of what is not public. The rule for IPv6 is the reverse:
//! only 2000::/3 is public, less the special blocks in it, and every form that carries
//! an IPv4 address inside is refused whole, because what it reaches depends on
//! translators that this host cannot see.

use super::denied::Reason;
use ipnet::{Ipv4Net, Ipv6Net};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// `Ok` for a public address, otherwise what it is.
pub fn classify(address: IpAddr) -> Result<(), Reason> {
    match address {
        IpAddr::V4(address) => classify_v4(address),
        IpAddr::V6(address) => classify_v6(address),
    }
}

/// Whether an operator may open `reason` for one named host. The others (metadata,
/// multicast, …) have no honest use for a sync.
pub fn can_be_allowed(reason: Reason) -> bool {
    matches!(
        reason,
        Reason::IpLoopback | Reason::IpPrivate | Reason::IpCgnat
    )
}

const fn v4(a: u8, b: u8, c: u8, d: u8, prefix: u8) -> Ipv4Net {
    Ipv4Net::new_assert(Ipv4Addr::new(a, b, c, d), prefix)
}

/// A block of IPv6 addresses whose last four groups are zero.
const fn v6(a: u16, b: u16, c: u16, d: u16, prefix: u8) -> Ipv6Net {
    Ipv6Net::new_assert(Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0), prefix)
}

/// Addresses at which clouds hand out credentials, in blocks that have another name
/// each. They come first: the sharper word is the better message.
const METADATA_V4: &[Ipv4Addr] = &[
    Ipv4Addr::new(169, 254, 169, 254), // AWS, GCP, Azure and most others
    Ipv4Addr::new(169, 254, 170, 2),   // AWS ECS
    Ipv4Addr::new(169, 254, 170, 23),  // AWS EKS
    Ipv4Addr::new(100, 100, 100, 200), // Alibaba
    Ipv4Addr::new(168, 63, 129, 16),   // Azure WireServer, a public address
    Ipv4Addr::new(192, 0, 0, 192),     // Oracle
];

const METADATA_V6: &[Ipv6Addr] = &[
    Ipv6Addr::new(0xfd00, 0x0ec2, 0, 0, 0, 0, 0, 0x0254), // AWS
    Ipv6Addr::new(0xfd00, 0x0ec2, 0, 0, 0, 0, 0, 0x0023), // AWS EKS
    Ipv6Addr::new(0xfd20, 0x00ce, 0, 0, 0, 0, 0, 0x0254), // GCP
];

/// First match wins.
const BLOCKS_V4: &[(Ipv4Net, Reason)] = &[
    (v4(0, 0, 0, 0, 32), Reason::IpUnspecified),
    (v4(0, 0, 0, 0, 8), Reason::IpThisNetwork),
    (v4(10, 0, 0, 0, 8), Reason::IpPrivate),
    (v4(100, 64, 0, 0, 10), Reason::IpCgnat),
    (v4(127, 0, 0, 0, 8), Reason::IpLoopback),
    (v4(169, 254, 0, 0, 16), Reason::IpLinkLocal),
    (v4(172, 16, 0, 0, 12), Reason::IpPrivate),
    (v4(192, 0, 0, 0, 24), Reason::IpReserved), // IETF protocol assignments
    (v4(192, 0, 2, 0, 24), Reason::IpDocumentation),
    (v4(192, 88, 99, 0, 24), Reason::IpReserved), // 6to4 relays
    (v4(192, 168, 0, 0, 16), Reason::IpPrivate),
    (v4(198, 18, 0, 0, 15), Reason::IpBenchmark),
    (v4(198, 51, 100, 0, 24), Reason::IpDocumentation),
    (v4(203, 0, 113, 0, 24), Reason::IpDocumentation),
    (v4(224, 0, 0, 0, 4), Reason::IpMulticast),
    (v4(255, 255, 255, 255, 32), Reason::IpBroadcast),
    (v4(240, 0, 0, 0, 4), Reason::IpReserved),
];

/// First match wins; what matches none and is outside [`PUBLIC_V6`] is reserved.
const BLOCKS_V6: &[(Ipv6Net, Reason)] = &[
    (v6(0, 0, 0, 0, 96), Reason::IpEmbeddedV4), // IPv4-compatible
    (
        // IPv4-translated (SIIT), ::ffff:0:0:0/96
        Ipv6Net::new_assert(Ipv6Addr::new(0, 0, 0, 0, 0xffff, 0, 0, 0), 96),
        Reason::IpEmbeddedV4,
    ),
    (v6(0x64, 0xff9b, 0, 0, 96), Reason::IpEmbeddedV4), // NAT64
    (v6(0x64, 0xff9b, 1, 0, 48), Reason::IpEmbeddedV4), // NAT64 of local use
    (v6(0x2001, 0, 0, 0, 32), Reason::IpEmbeddedV4),    // Teredo
    (v6(0x2001, 2, 0, 0, 48), Reason::IpBenchmark),
    (v6(0x2001, 0, 0, 0, 23), Reason::IpReserved), // IETF protocol assignments
    (v6(0x2001, 0xdb8, 0, 0, 32), Reason::IpDocumentation),
    (v6(0x2002, 0, 0, 0, 16), Reason::IpEmbeddedV4), // 6to4
    (v6(0x3fff, 0, 0, 0, 20), Reason::IpDocumentation),
    (v6(0xfc00, 0, 0, 0, 7), Reason::IpPrivate),
    (v6(0xfe80, 0, 0, 0, 10), Reason::IpLinkLocal),
    (v6(0xfec0, 0, 0, 0, 10), Reason::IpPrivate), // site-local, no longer given out
    (v6(0xff00, 0, 0, 0, 8), Reason::IpMulticast),
];

/// The only block of IPv6 from which public addresses are given out.
const PUBLIC_V6: Ipv6Net = v6(0x2000, 0, 0, 0, 3);

/// ISATAP: an interface id that starts 0000:5efe or 0200:5efe ends in an IPv4 address.
const ISATAP: [(u16, u16); 2] = [(0x0000, 0x5efe), (0x0200, 0x5efe)];

fn classify_v4(address: Ipv4Addr) -> Result<(), Reason> {
    if METADATA_V4.contains(&address) {
        return Err(Reason::IpMetadata);
    }
    match BLOCKS_V4.iter().find(|(block, _)| block.contains(&address)) {
        Some((_, reason)) => Err(*reason),
        None => Ok(()),
    }
}

fn classify_v6(address: Ipv6Addr) -> Result<(), Reason> {
    if address.is_unspecified() {
        return Err(Reason::IpUnspecified);
    }
    if address.is_loopback() {
        return Err(Reason::IpLoopback);
    }
    if METADATA_V6.contains(&address) {
        return Err(Reason::IpMetadata);
    }
    if let Some(inner) = address.to_ipv4_mapped() {
        // The reason of the address inside says more than "embedded", where there is one.
        return classify_v4(inner).and(Err(Reason::IpEmbeddedV4));
    }
    if let Some((_, reason)) = BLOCKS_V6.iter().find(|(block, _)| block.contains(&address)) {
        return Err(*reason);
    }
    let [_, _, _, _, high, low, _, _] = address.segments();
    match PUBLIC_V6.contains(&address) {
        true if ISATAP.contains(&(high, low)) => Err(Reason::IpEmbeddedV4),
        true => Ok(()),
        false => Err(Reason::IpReserved),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Edges that the shared vectors do not hold.
    #[test]
    fn edges() {
        for (address, expected) in [
            ("0.0.0.1", Err(Reason::IpThisNetwork)),
            ("1.0.0.0", Ok(())),
            ("9.255.255.255", Ok(())),
            ("100.64.0.0", Err(Reason::IpCgnat)),
            ("100.128.0.0", Ok(())),
            ("192.0.1.1", Ok(())),
            ("192.0.0.192", Err(Reason::IpMetadata)),
            ("168.63.129.16", Err(Reason::IpMetadata)),
            ("203.0.113.9", Err(Reason::IpDocumentation)),
            ("255.255.255.255", Err(Reason::IpBroadcast)),
            ("255.255.255.254", Err(Reason::IpReserved)),
            ("::7f00:1", Err(Reason::IpEmbeddedV4)),
            ("::ffff:8.8.8.8", Err(Reason::IpEmbeddedV4)),
            ("::ffff:169.254.169.254", Err(Reason::IpMetadata)),
            ("2001::1", Err(Reason::IpEmbeddedV4)),
            ("2001:2::1", Err(Reason::IpBenchmark)),
            ("2001:20::1", Err(Reason::IpReserved)),
            ("2001:200::1", Ok(())),
            ("2a00::200:5efe:a00:1", Err(Reason::IpEmbeddedV4)),
            ("fd00:ec2::254", Err(Reason::IpMetadata)),
            ("4000::1", Err(Reason::IpReserved)),
            ("1fff::1", Err(Reason::IpReserved)),
        ] {
            assert_eq!(classify(address.parse().unwrap()), expected, "{address}");
        }
    }

    proptest! {
        /// Whatever the standard library knows to be special is never public here.
        #[test]
        fn nothing_special_is_public(bits: u32, wide: u128) {
            let four = Ipv4Addr::from(bits);
            if four.is_private() || four.is_loopback() || four.is_link_local() || four.is_multicast()
                || four.is_broadcast() || four.is_documentation() || four.is_unspecified() {
                prop_assert!(classify(four.into()).is_err());
            }
            prop_assert!(classify(four.to_ipv6_mapped().into()).is_err());
            prop_assert!(classify(four.to_ipv6_compatible().into()).is_err());
            let six = Ipv6Addr::from(wide);
            if six.segments()[0] & 0xe000 != 0x2000 {
                prop_assert!(classify(six.into()).is_err());
            }
        }
    }
}
