//! Rows of `docs/differences.md` about single packets: a frame each, what tshark makes of it, and
//! what is made of it here.

mod files;

use super::build::{WITH_DATA, bytes, conversation, ethernet, ethernet_ip, tcp, udp, v4};
use super::deck::{Deck, Look, Seen};
use super::fragments;
use super::lengths::extended;
use super::links::{labels, llc};
use super::radio::dot11;

/// How much payload a TCP segment has; none where no segment is seen.
type Payload = Option<u32>;

/// A frame that is read otherwise.
struct Row {
    /// Words of the row.
    words: &'static str,
    name: &'static str,
    link_type: u32,
    frames: Vec<Vec<u8>>,
    /// Length on the wire of each beyond what was captured.
    missing: usize,
    /// What tshark sees in the last of the frames, and what is seen here.
    theirs: Payload,
    ours: Payload,
}

fn row(words: &'static str, name: &'static str, link_type: u32, frame: Vec<u8>) -> Row {
    Row {
        words,
        name,
        link_type,
        frames: vec![frame],
        missing: 0,
        theirs: None,
        ours: None,
    }
}

impl Row {
    fn seen(mut self, theirs: Payload, ours: Payload) -> Self {
        (self.theirs, self.ours) = (theirs, ours);
        self
    }
}

/// A packet with 11 bytes of payload.
fn packet(six: bool) -> Vec<u8> {
    conversation(20_000, six)[WITH_DATA].clone()
}

const ALL: Payload = Some(11);

fn short_lengths() -> Vec<Row> {
    const WORDS: &str = "The length of PPPoE or GTP";
    const NFLOG: &str = "The length of NFLOG's payload";
    let p = packet(false);
    let session = |len: usize| {
        let length = u16::try_from(len).unwrap().to_be_bytes();
        ethernet([0x88, 0x64], &bytes![[0x11, 0, 0, 1], length, [0, 0x21], p])
    };
    let gtp = |len: usize| {
        let length = u16::try_from(len).unwrap().to_be_bytes();
        let head = bytes![[0x30, 255], length, [0, 0, 0, 1]];
        ethernet_ip(&v4(17, [1, 2], &udp(2152, &bytes![head, p])))
    };
    let l2tp = |len: usize| {
        let length = u16::try_from(len).unwrap().to_be_bytes();
        let head = bytes![[0x40, 2], length, [0, 7, 0, 9, 0xff, 3, 0, 0x21]];
        ethernet_ip(&v4(17, [1, 2], &udp(1701, &bytes![head, p])))
    };
    let with_length = |len: usize| ethernet(u16::try_from(len).unwrap().to_be_bytes(), &llc(&p));
    // the packet says that it is longer
    let nflog = |len: usize| {
        let length = u16::try_from(len + 4).unwrap();
        let packet = bytes![p[..2], length.to_be_bytes(), p[4..], [0; 4]];
        bytes![
            [2, 0, 0, 0],
            length.to_ne_bytes(),
            9u16.to_ne_bytes(),
            packet
        ]
    };
    let len = p.len();
    vec![
        row(WORDS, "PPPoE, 4 bytes less", 1, session(len - 2)).seen(Some(7), ALL),
        row(WORDS, "PPPoE, more", 1, session(len + 9)).seen(ALL, ALL),
        row(WORDS, "GTP, 4 bytes less", 1, gtp(len - 4)).seen(Some(7), ALL),
        row(WORDS, "GTP, more", 1, gtp(len + 9)).seen(ALL, ALL),
        row(WORDS, "L2TP, 4 bytes less", 1, l2tp(len + 12 - 4)).seen(Some(7), ALL),
        row(WORDS, "802.3, 4 bytes less", 1, with_length(len + 8 - 4)).seen(Some(7), ALL),
        row(WORDS, "802.3, 0", 1, with_length(0)).seen(None, ALL),
        row(NFLOG, "4 bytes less", 239, nflog(len)).seen(ALL, Some(15)),
    ]
}

fn aggregates() -> Vec<Row> {
    const WORDS: &str = "An 802.11 aggregate (A-MSDU)";
    let part = |packet: &[u8]| {
        let body = llc(packet);
        let length = u16::try_from(body.len()).unwrap().to_be_bytes();
        let part = bytes![[2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2], length, body];
        let padding = vec![0; part.len().wrapping_neg() % 4];
        bytes![part, padding]
    };
    let tunnel = |packet: &[u8]| v4(4, [1, 2], packet);
    let other = part(&tunnel(&v4(17, [1, 2], &udp(9, &[0; 20]))));
    let aggregate = bytes![other, part(&tunnel(&packet(false)))];
    let frame = dot11([0x88, 2], &[0x80, 0], &aggregate);
    vec![row(WORDS, "UDP in a tunnel, TCP in a tunnel", 105, frame).seen(ALL, None)]
}

fn seldom() -> Vec<Row> {
    let mut numbered = packet(false);
    // the number of the connection stands in the place of the protocol
    numbered[9] = 3;
    let compressed = bytes![[0, 0xff, 3, 0, 0x2f], numbered];
    let six = bytes![[0x41], packet(true)];
    // a data frame with short addresses
    let radio = bytes![[0x41, 0x88, 7, 0x34, 0x12, 2, 0, 1, 0], six];
    let atm = bytes![b"MGC", [0], [0; 8], llc(&packet(false))];
    [
        row(
            "Van Jacobson's compression",
            "uncompressed",
            204,
            compressed,
        ),
        row("6LoWPAN", "802.15.4", 230, radio),
        row("6LoWPAN", "Ethernet", 1, ethernet([0xa0, 0xed], &six)),
        row("Juniper's second kind of ATM", "LLC", 135, atm),
    ]
    .map(|row| row.seen(ALL, None))
    .into()
}

/// More headers than anyone sends, and such as are damaged.
fn odd_headers() -> Vec<Row> {
    let nested = |count| (1..count).fold(packet(false), |p, _| v4(4, [1, 2], &p));
    let tagged = |count| {
        let tags = [0x81, 0, 0, 5].repeat(count);
        let frame = ethernet_ip(&packet(false));
        bytes![frame[..12], tags, frame[12..]]
    };
    let six = |kind, header: &[u8]| extended(&packet(true), &[(kind, header.to_vec())]);
    let mut short_option = packet(false);
    short_option.splice(20..20, [131, 2, 0, 0]);
    (short_option[0], short_option[3]) = (0x46, short_option[3] + 4);
    let magicless = ethernet_ip(&packet(false));
    const DAMAGED: &str = "An option of an IPv4 or IPv6 header that is damaged";
    vec![
        row("More than 9 IP headers", "9", 101, nested(9)).seen(ALL, ALL),
        row("More than 9 IP headers", "10", 101, nested(10)).seen(ALL, None),
        row("More than 20 tags", "20", 1, tagged(20)).seen(ALL, ALL),
        row("More than 20 tags", "21", 1, tagged(21)).seen(None, ALL),
        row(DAMAGED, "IPv6", 101, six(60, &[0, 0x3e, 200, 0, 0, 0, 0])).seen(None, ALL),
        row(DAMAGED, "IPv4", 101, short_option).seen(None, ALL),
        row(
            "Compact routing",
            "16",
            101,
            six(43, &[0, 5, 1, 0, 9, 0, 8]),
        )
        .seen(None, ALL),
        row("without its magic number", "Juniper", 178, magicless).seen(ALL, None),
    ]
}

fn multilink() -> Vec<Row> {
    const WORDS: &str = "A multilink PPP packet that was not captured whole";
    let head = [0xff, 3, 0, 0x3d, 0xc0, 0, 0, 1, 0, 0x21];
    let frame = bytes![head, packet(false)];
    let whole = row(WORDS, "multilink, whole", 9, frame.clone()).seen(ALL, ALL);
    let mut cut = row(
        WORDS,
        "multilink, cut",
        9,
        frame[..frame.len() - 5].to_vec(),
    );
    cut.missing = 5;
    vec![whole, cut.seen(Some(6), ALL)]
}

/// Ethernet over MPLS with a control word and without, to and from addresses that the list of
/// manufacturers has, and that it has not.
fn pseudowires() -> Vec<Row> {
    const WORDS: &str = "Ethernet over MPLS";
    const VMWARE: [u8; 6] = [0x00, 0x0c, 0x29, 1, 2, 3];
    const VIRTUAL_BOX: [u8; 6] = [0x08, 0x00, 0x27, 0x12, 0x34, 0x56];
    const QEMU: [u8; 6] = [0x52, 0x54, 0x00, 0x12, 0x34, 0x56];
    const GROUP: [u8; 6] = [0x01, 0x00, 0x5e, 0, 0, 1];
    const DOCKER: [u8; 6] = [0x02, 0x42, 0xac, 0x11, 0, 2];
    const BEGINS_WITH_4: [u8; 6] = [0x40, 0x6c, 0x8f, 0x12, 0x34, 0x56];
    const BEGINS_WITH_6: [u8; 6] = [0x60, 0xf8, 0x1d, 0x12, 0x34, 0x56];
    type Both = [Payload; 2];
    type Case = (&'static str, [u8; 6], [u8; 6], Both, Both);
    const ALIKE: Both = [ALL, ALL];
    const NEITHER: Both = [None, None];
    const HERE: Both = [None, ALL];
    // without a control word, and with one
    let addresses: [Case; 9] = [
        ("of manufacturers", VMWARE, VIRTUAL_BOX, ALIKE, ALIKE),
        ("from QEMU", VMWARE, QEMU, ALIKE, ALIKE),
        ("to a group", GROUP, VMWARE, HERE, ALIKE),
        ("to Docker", DOCKER, VMWARE, HERE, ALIKE),
        ("from Docker", VMWARE, DOCKER, HERE, ALIKE),
        // with a control word before it, there stands one that a manufacturer has
        ("to QEMU", QEMU, VMWARE, NEITHER, HERE),
        ("to an own one", [2, 0, 0, 0, 0, 1], VMWARE, HERE, HERE),
        // taken for an IP packet
        ("to one with 4", BEGINS_WITH_4, VMWARE, NEITHER, ALIKE),
        ("to one with 6", BEGINS_WITH_6, VMWARE, NEITHER, ALIKE),
    ];
    let each = |(name, to, from, without, with): Case| {
        let frame = bytes![to, from, [8, 0], packet(false)];
        let of = |frame: &[u8], [theirs, ours]: Both| {
            let labelled = ethernet([0x88, 0x47], &labels(1, frame));
            row(WORDS, name, 1, labelled).seen(theirs, ours)
        };
        [of(&frame, without), of(&bytes![[0; 4], frame], with)]
    };
    addresses.into_iter().flat_map(each).collect()
}

fn samples() -> Vec<Row> {
    const WORDS: &str = "samples of sFlow 2 and 4";
    let word = |value: usize| u32::try_from(value).unwrap().to_be_bytes();
    let frame = ethernet_ip(&packet(false));
    let padding = vec![0; frame.len().wrapping_neg() % 4];
    let header = bytes![
        word(1),
        word(1),
        word(frame.len()),
        word(frame.len()),
        frame,
        padding
    ];
    let fields: Vec<u8> = (1..8).flat_map(word).collect();
    let sample = |version| {
        let head = bytes![
            word(version),
            word(1),
            [10, 0, 0, 3],
            word(1),
            word(9),
            word(1)
        ];
        let sample = bytes![word(1), fields, header, word(0)];
        v4(17, [3, 4], &udp(6343, &bytes![head, sample]))
    };
    vec![
        row(WORDS, "version 2", 101, sample(2)),
        row(WORDS, "version 4", 101, sample(4)),
    ]
}

fn parts() -> Vec<Row> {
    let frame = ethernet_ip(&packet(false));
    let part = |flags: u32, offset: u16, bytes: &[u8]| {
        let head: u32 = 2 << 19 | 1 << 14 | 1 << 9 | flags;
        let head = bytes![head.to_be_bytes(), [0, 5], (offset).to_be_bytes()];
        ethernet_ip(&v4(17, [1, 2], &udp(5247, &bytes![head, bytes])))
    };
    let mut capwap = row(
        "Packets in fragments of 802.11 or CAPWAP",
        "CAPWAP",
        1,
        part(0x80, 0, &frame[..64]),
    );
    capwap.frames.push(part(0xc0, 64, &frame[64..]));
    vec![capwap.seen(ALL, None)]
}

/// tshark adds up what tells datagrams apart.
fn mixed() -> Vec<Row> {
    const WORDS: &str = "exclusive or";
    let parts = fragments::parts(&fragments::segment(20_000, 11), 24);
    let [tcp, udp] = [6, 17];
    let mut other = row(
        WORDS,
        "another protocol's",
        101,
        fragments::packet(false, 0x100 ^ 6 ^ 17, udp, &parts[1]),
    );
    other
        .frames
        .push(fragments::packet(false, 0x100, tcp, &parts[0]));
    let tagged = |vlan: u8, packet: &[u8]| {
        let frame = ethernet_ip(packet);
        bytes![frame[..12], [0x81, 0, 0, vlan], frame[12..]]
    };
    let part = |id, at: usize| fragments::packet(false, id, tcp, &parts[at]);
    let mut vlans = row(WORDS, "another VLAN's", 1, tagged(5, &part(0x200, 1)));
    vlans.frames.push(tagged(6, &part(0x200 ^ 5 ^ 6, 0)));
    vec![other.seen(ALL, None), vlans.seen(ALL, None)]
}

/// What is seen in the last frame.
fn payload(looks: &[Look]) -> Payload {
    match looks.last()?.seen {
        Seen::Tcp(.., payload) => Some(payload),
        _ => None,
    }
}

fn is_listed(words: &str) {
    let listed = include_str!("../../../docs/differences.md");
    assert!(listed.contains(words), "{words}");
}

#[test]
fn each_row_is_so() {
    let rows = [
        short_lengths(),
        aggregates(),
        seldom(),
        multilink(),
        odd_headers(),
        pseudowires(),
        samples(),
        parts(),
        mixed(),
    ];
    for row in rows.iter().flatten() {
        is_listed(row.words);
        let mut deck = Deck::default();
        for frame in &row.frames {
            deck.whole(row.name, row.link_type, frame.clone());
            deck.frames.last_mut().unwrap().wire_len += row.missing;
        }
        let (theirs, ours) = deck.looks();
        let seen = (payload(&theirs), payload(&ours));
        let expected = (row.theirs, row.ours);
        assert_eq!(seen, expected, "{}: {}, {deck:02x?}", row.words, row.name);
    }
}

#[test]
fn of_two_headers_in_a_frame_the_first_counts() {
    is_listed("A second TCP header in one frame");
    let frame = ethernet_ip(&packet(false));
    let len = |len: usize| u16::try_from(len).unwrap().to_be_bytes();
    // OpenFlow: a packet that a switch does not know
    let message = bytes![
        [1, 10],
        len(18 + frame.len()),
        [0; 8],
        len(frame.len()),
        [0, 1, 0, 0],
        frame
    ];
    let outer = tcp([40_000, 6653], 1, 1, 0x18, &message);
    let mut deck = Deck::default();
    deck.whole("OpenFlow", 101, v4(6, [1, 2], &outer));
    let (theirs, ours) = deck.looks();
    assert_eq!(theirs[0].layers.matches(":tcp:").count(), 2);
    assert_eq!(ours[0].seen, theirs[0].seen);
    assert_eq!(payload(&ours), Some(u32::try_from(message.len()).unwrap()));
}
