//! Small captures, packet by packet.

use std::net::IpAddr;

pub const FIN: u8 = 1;
pub const SYN: u8 = 2;
pub const PSH: u8 = 8;
pub const ACK: u8 = 16;

/// Link layers that a capture can have.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Link {
    Ethernet,
    /// With the index of the interface that the next packets are recorded on.
    Sll2(u32),
}

/// A capture in classic pcap with nanoseconds, one packet each millisecond.
pub struct Capture {
    pub bytes: Vec<u8>,
    pub packets: u64,
    link: Link,
    ends: [(IpAddr, u16); 2],
    next: [u32; 2],
    time: u64,
    ip_id: u16,
}

fn pcap_header(link_type: u32) -> Vec<u8> {
    let fields = [0xa1b2_3c4d, 2 | 4 << 16, 0, 0, 262_144, link_type];
    fields
        .iter()
        .flat_map(|field: &u32| field.to_le_bytes())
        .collect()
}

impl Capture {
    pub fn new(link: Link, ends: [(&str, u16); 2]) -> Self {
        let link_type = if link == Link::Ethernet { 1 } else { 276 };
        let mut capture = Self {
            bytes: pcap_header(link_type),
            packets: 0,
            link,
            ends: [("0.0.0.0", 0); 2].map(|_| (IpAddr::from([0, 0, 0, 0]), 0)),
            next: [0; 2],
            time: 1_700_000_000_000_000_000,
            ip_id: 0,
        };
        capture.between(ends);
        capture
    }

    /// Begins another conversation.
    pub fn between(&mut self, ends: [(&str, u16); 2]) {
        self.ends = ends.map(|(address, port)| (address.parse().expect("an address"), port));
        self.next = [1000, 5000];
    }

    /// The next packets are recorded on another interface.
    pub fn on(&mut self, link: Link) {
        self.link = link;
    }

    /// A record of any bytes behind the link header.
    pub fn record(&mut self, ether_type: u16, packet: &[u8]) {
        self.time += 1_000_000;
        self.record_now(ether_type, packet);
    }

    fn record_now(&mut self, ether_type: u16, packet: &[u8]) {
        let mut frame = Vec::new();
        match self.link {
            Link::Ethernet => {
                frame.extend([2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2]);
                frame.extend(ether_type.to_be_bytes());
            }
            Link::Sll2(index) => {
                frame.extend(ether_type.to_be_bytes());
                frame.extend([0, 0]);
                frame.extend(index.to_be_bytes());
                frame.extend([0, 1, 0, 6, 2, 0, 0, 0, 0, 1, 0, 0]);
            }
        }
        frame.extend(packet);
        let len = frame.len() as u64;
        for field in [
            self.time / 1_000_000_000,
            self.time % 1_000_000_000,
            len,
            len,
        ] {
            self.bytes.extend((field as u32).to_le_bytes());
        }
        self.bytes.extend(frame);
        self.packets += 1;
    }

    /// An IP packet of side 0 or 1.
    pub fn ip(&self, side: usize, protocol: u8, fragment: u16, payload: &[u8]) -> (u16, Vec<u8>) {
        let len = payload.len() as u16;
        let mut out = Vec::new();
        match (self.ends[side].0, self.ends[1 - side].0) {
            (IpAddr::V4(from), IpAddr::V4(to)) => {
                out.extend([0x45, 0]);
                out.extend((20 + len).to_be_bytes());
                out.extend(self.ip_id.to_be_bytes());
                out.extend(fragment.to_be_bytes());
                out.extend([64, protocol, 0, 0]);
                out.extend(from.octets());
                out.extend(to.octets());
                out.extend(payload);
                (0x0800, out)
            }
            (IpAddr::V6(from), IpAddr::V6(to)) => {
                out.extend([0x60, 0, 0, 0]);
                out.extend(len.to_be_bytes());
                out.extend([protocol, 64]);
                out.extend(from.octets());
                out.extend(to.octets());
                out.extend(payload);
                (0x86dd, out)
            }
            _ => panic!("addresses of one family"),
        }
    }

    fn segment(&mut self, side: usize, flags: u8, payload: &[u8]) -> (u16, Vec<u8>) {
        let mut tcp = Vec::new();
        tcp.extend(self.ends[side].1.to_be_bytes());
        tcp.extend(self.ends[1 - side].1.to_be_bytes());
        tcp.extend(self.next[side].to_be_bytes());
        let ack = if flags & ACK == 0 {
            0
        } else {
            self.next[1 - side]
        };
        tcp.extend(ack.to_be_bytes());
        tcp.extend([0x50, flags, 0x10, 0, 0, 0, 0, 0]);
        tcp.extend(payload);
        let taken = payload.len() as u32 + u32::from(flags & (SYN | FIN) != 0);
        self.next[side] = self.next[side].wrapping_add(taken);
        self.ip_id = self.ip_id.wrapping_add(1);
        self.ip(side, 6, 0x4000, &tcp)
    }

    /// The next segment of side 0 or 1, in order, all before it acknowledged.
    pub fn tcp(&mut self, side: usize, flags: u8, payload: &[u8]) {
        let (kind, packet) = self.segment(side, flags, payload);
        self.record(kind, &packet);
    }

    /// The next segment of a side begins at this sequence number.
    pub fn seek(&mut self, side: usize, seq: u32) {
        self.next[side] = seq;
    }

    /// The sequence number of a side's next segment.
    pub fn next(&mut self, side: usize) -> &mut u32 {
        &mut self.next[side]
    }

    /// The next packets come so many nanoseconds later.
    pub fn wait(&mut self, nanoseconds: u64) {
        self.time += nanoseconds;
    }

    /// The same, recorded a second time on another interface 100 µs later.
    pub fn tcp_twice(&mut self, side: usize, flags: u8, payload: &[u8], places: [u32; 2]) {
        let (kind, packet) = self.segment(side, flags, payload);
        self.on(Link::Sll2(places[0]));
        self.record(kind, &packet);
        self.on(Link::Sll2(places[1]));
        self.time += 100_000;
        self.record_now(kind, &packet);
    }

    pub fn handshake(&mut self) {
        self.tcp(0, SYN, b"");
        self.tcp(1, SYN | ACK, b"");
        self.tcp(0, ACK, b"");
    }

    pub fn finish(&mut self) {
        self.tcp(0, FIN | ACK, b"");
        self.tcp(1, FIN | ACK, b"");
        self.tcp(0, ACK, b"");
    }
}

pub const ENDS: [(&str, u16); 2] = [("10.0.0.1", 40_000), ("10.0.0.2", 50_007)];

/// One conversation of 12 packets: a greeting, a line in two pieces, two lines in one.
pub fn echo() -> Capture {
    let mut capture = Capture::new(Link::Ethernet, ENDS);
    capture.handshake();
    capture.tcp(1, PSH | ACK, b"Welcome\n");
    capture.tcp(0, PSH | ACK, b"Hel");
    capture.tcp(0, PSH | ACK, b"lo\n");
    capture.tcp(1, PSH | ACK, b"OLLEh\n");
    capture.tcp(0, PSH | ACK, b"a\nbc\n");
    capture.tcp(1, PSH | ACK, b"A\nCB\n");
    capture.finish();
    capture
}

/// A pcap file of one record of 60 zero bytes with this link type.
pub fn of_link_type(link_type: u32) -> Vec<u8> {
    let mut out = pcap_header(link_type);
    for field in [1u32, 0, 60, 60] {
        out.extend(field.to_le_bytes());
    }
    out.resize(out.len() + 60, 0);
    out
}

/// Each packet as if it were recorded with this snapshot length.
pub fn cut(bytes: &[u8], most: usize) -> Vec<u8> {
    let mut out = bytes[..24].to_vec();
    let mut rest = &bytes[24..];
    while !rest.is_empty() {
        let len = u32::from_le_bytes(rest[8..12].try_into().unwrap()) as usize;
        let kept = len.min(most);
        out.extend(&rest[..8]);
        out.extend((kept as u32).to_le_bytes());
        out.extend(&rest[12..16 + kept]);
        rest = &rest[16 + len..];
    }
    out
}

/// The packets of a classic capture in pcapng, on one interface of this name; none
/// if it is empty.
pub fn as_pcapng(capture: &Capture, name: &[u8]) -> Vec<u8> {
    let block = |kind: u32, body: &[u8]| {
        let len = 12 + body.len().next_multiple_of(4);
        let mut out = [kind.to_le_bytes(), (len as u32).to_le_bytes()].concat();
        out.extend(body);
        out.resize(len - 4, 0);
        out.extend((len as u32).to_le_bytes());
        out
    };
    let option = |code: u16, value: &[u8]| {
        let mut out = [code.to_le_bytes(), (value.len() as u16).to_le_bytes()].concat();
        out.extend(value);
        out.resize(out.len().next_multiple_of(4), 0);
        out
    };
    let mut out = block(
        0x0a0d_0d0a,
        &[&[0x4d, 0x3c, 0x2b, 0x1a, 1, 0, 0, 0][..], &[0xff; 8]].concat(),
    );
    let head = [&capture.bytes[20..22], &[0; 6]].concat();
    let name = Some(name).filter(|name| !name.is_empty());
    let name = name.map(|name| option(2, name)).unwrap_or_default();
    out.extend(block(1, &[head, name, option(9, &[9])].concat()));
    let mut rest = &capture.bytes[24..];
    while !rest.is_empty() {
        let field = |at: usize| u32::from_le_bytes(rest[at..at + 4].try_into().unwrap());
        let len = field(8) as usize;
        let units = u64::from(field(0)) * 1_000_000_000 + u64::from(field(4));
        let mut body = Vec::new();
        for value in [0, (units >> 32) as u32, units as u32, field(8), field(12)] {
            body.extend(value.to_le_bytes());
        }
        body.extend(&rest[16..16 + len]);
        out.extend(block(6, &body));
        rest = &rest[16 + len..];
    }
    out
}
