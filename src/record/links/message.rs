//! rtnetlink's messages about links, as bytes (rtnetlink(7), `linux/if_link.h`).

use crate::source::sidecar::LinkCounters;

/// Interface of that index.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Link {
    /// The kernel's number.
    pub ifindex: u32,
    /// Its name.
    pub name: String,
    /// Its ARPHRD value.
    pub arphrd: u16,
    /// Its address; `None` where it has none of six bytes.
    pub mac: Option<[u8; 6]>,
    /// Largest packet in bytes.
    pub mtu: u32,
    /// Whether it is switched on; a cable that is pulled changes nothing of that.
    pub up: bool,
    /// What it counted until now.
    pub counters: LinkCounters,
}

/// What was counted since then. Counters that began anew count from 0.
#[must_use]
pub fn since(now: LinkCounters, then: LinkCounters) -> LinkCounters {
    let less = |now: u64, then: u64| now.checked_sub(then).unwrap_or(now);
    LinkCounters {
        rx_packets: less(now.rx_packets, then.rx_packets),
        tx_packets: less(now.tx_packets, then.tx_packets),
        rx_bytes: less(now.rx_bytes, then.rx_bytes),
        tx_bytes: less(now.tx_bytes, then.tx_bytes),
        rx_errors: less(now.rx_errors, then.rx_errors),
        tx_errors: less(now.tx_errors, then.tx_errors),
        rx_dropped: less(now.rx_dropped, then.rx_dropped),
        tx_dropped: less(now.tx_dropped, then.tx_dropped),
        rx_missed: less(now.rx_missed, then.rx_missed),
    }
}

/// From the first 16 numbers of `rtnl_link_stats64`.
fn counters(bytes: &[u8]) -> LinkCounters {
    let number = |at: usize| {
        let field = bytes.get(at * 8..).and_then(<[u8]>::first_chunk);
        field.map_or(0, |field| u64::from_ne_bytes(*field))
    };
    LinkCounters {
        rx_packets: number(0),
        tx_packets: number(1),
        rx_bytes: number(2),
        tx_bytes: number(3),
        rx_errors: number(4),
        tx_errors: number(5),
        rx_dropped: number(6),
        tx_dropped: number(7),
        rx_missed: number(15),
    }
}

/// What a message tells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Change {
    /// An interface is there, or is different now.
    New(Link),
    /// An interface is gone.
    Gone(Link),
    /// The end of a list, an error, or something else.
    Other,
}

const NLMSG_HEADER: usize = 16;
const IFINFO: usize = 16;
const RTM_NEWLINK: u16 = 16;
const RTM_DELLINK: u16 = 17;
const RTM_GETLINK: u16 = 18;
const NLM_F_REQUEST: u16 = 1;
const NLM_F_DUMP: u16 = 0x300;
const IFF_UP: u32 = 1;
const IFLA_ADDRESS: u16 = 1;
const IFLA_IFNAME: u16 = 3;
const IFLA_MTU: u16 = 4;
const IFLA_STATS64: u16 = 23;
/// Flags in an attribute's type.
const NLA_TYPE_MASK: u16 = 0x3fff;

/// The message that asks for all links.
pub(super) fn dump_request() -> Vec<u8> {
    let mut bytes = Vec::new();
    bytes.extend(((NLMSG_HEADER + IFINFO) as u32).to_ne_bytes());
    bytes.extend(RTM_GETLINK.to_ne_bytes());
    bytes.extend((NLM_F_REQUEST | NLM_F_DUMP).to_ne_bytes());
    // Sequence number 1, from the kernel's own number for us; then a link not further told.
    bytes.extend(1_u32.to_ne_bytes());
    bytes.extend([0; 4 + IFINFO]);
    bytes
}

/// The messages of a datagram.
pub(super) fn changes(datagram: &[u8]) -> Vec<Change> {
    let mut found = Vec::new();
    let mut rest = datagram;
    while rest.len() >= NLMSG_HEADER {
        let length = (u32_at(rest, 0) as usize).clamp(NLMSG_HEADER, rest.len());
        found.push(change(u16_at(rest, 4), &rest[NLMSG_HEADER..length]));
        rest = &rest[length.next_multiple_of(4).min(rest.len())..];
    }
    found
}

fn change(kind: u16, body: &[u8]) -> Change {
    if !matches!(kind, RTM_NEWLINK | RTM_DELLINK) || body.len() < IFINFO {
        return Change::Other;
    }
    // A bridge tells of its ports in messages of its own family: leaving it is not the end.
    if body[0] != 0 {
        return Change::Other;
    }
    let mut link = Link {
        arphrd: u16_at(body, 2),
        ifindex: u32_at(body, 4),
        up: u32_at(body, 8) & IFF_UP != 0,
        ..Link::default()
    };
    let mut rest = &body[IFINFO..];
    while rest.len() >= 4 {
        let length = usize::from(u16_at(rest, 0)).clamp(4, rest.len());
        let value = &rest[4..length];
        match u16_at(rest, 2) & NLA_TYPE_MASK {
            IFLA_ADDRESS => link.mac = value.try_into().ok(),
            IFLA_IFNAME => {
                let end = value.iter().position(|byte| *byte == 0);
                let name = &value[..end.unwrap_or(value.len())];
                link.name = String::from_utf8_lossy(name).into_owned();
            }
            IFLA_MTU if value.len() >= 4 => link.mtu = u32_at(value, 0),
            IFLA_STATS64 => link.counters = counters(value),
            _ => {}
        }
        rest = &rest[length.next_multiple_of(4).min(rest.len())..];
    }
    match kind {
        RTM_NEWLINK => Change::New(link),
        _ => Change::Gone(link),
    }
}

fn u16_at(bytes: &[u8], at: usize) -> u16 {
    u16::from_ne_bytes([bytes[at], bytes[at + 1]])
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    u32::from_ne_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]])
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A message of that type and family about link 9, `eth7`.
    fn message(kind: u16, family: u8) -> Vec<u8> {
        let mut body = vec![family, 0, 1, 0, 9, 0, 0, 0];
        body.extend([0; 8]);
        for (kind, value) in [
            (IFLA_IFNAME, &b"eth7\0"[..]),
            (IFLA_ADDRESS, &[2, 0, 0, 0, 0, 1]),
            (IFLA_MTU, &1_500_u32.to_ne_bytes()),
            (IFLA_STATS64, &[1; 200]),
        ] {
            body.extend((value.len() as u16 + 4).to_ne_bytes());
            body.extend(kind.to_ne_bytes());
            body.extend(value);
            body.resize(body.len().next_multiple_of(4), 0);
        }
        let mut bytes = Vec::new();
        bytes.extend((NLMSG_HEADER as u32 + body.len() as u32).to_ne_bytes());
        bytes.extend(kind.to_ne_bytes());
        bytes.extend([0; 10]);
        bytes.extend(body);
        bytes
    }

    #[test]
    fn a_link_is_read_from_its_attributes() {
        let both = [message(RTM_NEWLINK, 0), message(RTM_DELLINK, 0)].concat();
        let [Change::New(link), Change::Gone(gone)] = &changes(&both)[..] else {
            panic!("two changes")
        };
        assert_eq!(link, gone);
        assert_eq!(
            (link.ifindex, link.name.as_str(), link.arphrd),
            (9, "eth7", 1)
        );
        assert_eq!((link.mac, link.mtu), (Some([2, 0, 0, 0, 0, 1]), 1_500));
        assert_eq!(link.counters.rx_missed, u64::from_ne_bytes([1; 8]));
    }

    #[test]
    fn a_port_that_leaves_its_bridge_is_not_gone() {
        assert_eq!(changes(&message(RTM_DELLINK, 7)), [Change::Other]);
    }

    #[test]
    fn bytes_cut_anywhere_do_no_harm() {
        let whole = message(RTM_NEWLINK, 0);
        for end in 0..whole.len() {
            let _ = changes(&whole[..end]);
        }
    }

    #[test]
    fn counters_that_began_anew_count_from_0() {
        let count = |rx_packets| LinkCounters {
            rx_packets,
            ..LinkCounters::default()
        };
        assert_eq!(since(count(9), count(4)), count(5));
        assert_eq!(since(count(3), count(4)), count(3));
    }
}
