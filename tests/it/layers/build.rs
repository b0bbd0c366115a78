//! Packets written byte by byte: nothing here is shared with what is tested.

/// Bytes one after the other.
macro_rules! bytes {
    ($($part:expr),* $(,)?) => {{
        let mut all: Vec<u8> = Vec::new();
        $(all.extend_from_slice(&$part[..]);)*
        all
    }};
}
pub(super) use bytes;

/// Which version an IP packet is of.
pub fn is_v6(packet: &[u8]) -> bool {
    packet[0] >> 4 == 6
}

/// EtherType of an IP packet.
pub fn ether_type(packet: &[u8]) -> [u8; 2] {
    if is_v6(packet) { [0x86, 0xdd] } else { [8, 0] }
}

/// Protocol number of an IP packet in an IP packet.
pub fn in_ip(packet: &[u8]) -> u8 {
    if is_v6(packet) { 41 } else { 4 }
}

/// Protocol number of an IP packet in PPP.
pub fn in_ppp(packet: &[u8]) -> [u8; 2] {
    if is_v6(packet) { [0, 0x57] } else { [0, 0x21] }
}

fn len16(len: usize) -> [u8; 2] {
    u16::try_from(len).unwrap().to_be_bytes()
}

/// IPv4 between two hosts of 10.0.0.0/16.
pub fn v4(protocol: u8, hosts: [u8; 2], payload: &[u8]) -> Vec<u8> {
    let fixed = [0, 7, 0, 0, 64, protocol, 0, 0];
    let addresses = [10, 0, 0, hosts[0], 10, 0, 0, hosts[1]];
    bytes![
        [0x45, 0],
        len16(20 + payload.len()),
        fixed,
        addresses,
        payload
    ]
}

/// IPv4 with options: no operation, and a record of one route.
pub fn v4_with_options(protocol: u8, hosts: [u8; 2], payload: &[u8]) -> Vec<u8> {
    let mut packet = v4(protocol, hosts, &bytes![[1, 7, 7, 4, 0, 0, 0, 0], payload]);
    packet[0] = 0x47;
    packet
}

/// IPv6 between two hosts of fd00::/64.
pub fn v6(next: u8, hosts: [u8; 2], payload: &[u8]) -> Vec<u8> {
    let address = |host: u8| bytes![[0xfd], [0; 14], [host]];
    let length = len16(payload.len());
    bytes![
        [0x60, 0, 0, 0],
        length,
        [next, 64],
        address(hosts[0]),
        address(hosts[1]),
        payload
    ]
}

/// A frame of Ethernet with a type.
pub fn ethernet(kind: [u8; 2], payload: &[u8]) -> Vec<u8> {
    bytes![[2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2], kind, payload]
}

/// A frame of Ethernet with an IP packet.
pub fn ethernet_ip(packet: &[u8]) -> Vec<u8> {
    ethernet(ether_type(packet), packet)
}

/// UDP from a port that no service has.
pub fn udp(port: u16, payload: &[u8]) -> Vec<u8> {
    let ports = bytes![61_000u16.to_be_bytes(), port.to_be_bytes()];
    bytes![ports, len16(8 + payload.len()), [0, 0], payload]
}

/// What one end of a conversation sends.
#[derive(Clone, Copy)]
struct Sends {
    from_client: bool,
    flags: u8,
    seq: u32,
    ack: u32,
    payload: &'static [u8],
}

const SYN: u8 = 2;
const FIN: u8 = 1;
const PSH: u8 = 8;
const ACK: u8 = 16;

/// A conversation from its SYN to the last ACK.
const CONVERSATION: [Sends; 9] = {
    const fn sends(
        from_client: bool,
        flags: u8,
        seq: u32,
        ack: u32,
        payload: &'static [u8],
    ) -> Sends {
        Sends {
            from_client,
            flags,
            seq,
            ack,
            payload,
        }
    }
    [
        sends(true, SYN, 999, 0, b""),
        sends(false, SYN | ACK, 4999, 1000, b""),
        sends(true, ACK, 1000, 5000, b""),
        sends(true, PSH | ACK, 1000, 5000, b"Hello, net\n"),
        sends(false, ACK, 5000, 1011, b""),
        sends(false, PSH | ACK, 5000, 1011, b"TEN ,OLLEh\n"),
        sends(true, FIN | ACK, 1011, 5011, b""),
        sends(false, FIN | ACK, 5011, 1012, b""),
        sends(true, ACK, 1012, 5012, b""),
    ]
};

/// Which packet of a conversation is the first with payload.
pub const WITH_DATA: usize = 3;
/// The port that the server of every conversation has.
pub const SERVER: u16 = 50_007;

/// TCP, with a time stamp option, as most systems send it.
pub fn tcp(ports: [u16; 2], seq: u32, ack: u32, flags: u8, payload: &[u8]) -> Vec<u8> {
    bytes![
        ports[0].to_be_bytes(),
        ports[1].to_be_bytes(),
        seq.to_be_bytes(),
        ack.to_be_bytes(),
        [0x80, flags, 1, 0, 0, 0, 0, 0],
        [1, 1, 8, 10, 0, 0, 0, 1, 0, 0, 0, 2],
        payload
    ]
}

/// The packets of a conversation, IPv4 or IPv6.
pub fn conversation(port: u16, six: bool) -> Vec<Vec<u8>> {
    let packet = |sends: &Sends| {
        let (mut ports, mut hosts) = ([port, SERVER], [91, 92]);
        if !sends.from_client {
            ports.reverse();
            hosts.reverse();
        }
        let segment = tcp(ports, sends.seq, sends.ack, sends.flags, sends.payload);
        if six {
            v6(6, hosts, &segment)
        } else {
            v4(6, hosts, &segment)
        }
    };
    CONVERSATION.iter().map(packet).collect()
}
