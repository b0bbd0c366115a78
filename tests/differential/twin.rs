//! The 19 rules once more, slow and plain: a list where the engine keeps runs, numbers
//! where it keeps types. It shares no code with the engine, its decoder included.

use std::collections::HashMap;

use super::flags as flag;
use super::packet::{ACK, FIN, Packet, Pair, RST, SYN, cut_from_header};

fn gt(a: u32, b: u32) -> bool {
    (b.wrapping_sub(a) as i32) < 0
}

fn lt(a: u32, b: u32) -> bool {
    (a.wrapping_sub(b) as i32) < 0
}

/// One direction. Where Wireshark takes 0 for "not set", so does this.
#[derive(Clone)]
struct Way {
    base: Option<u32>,
    win: u32,
    ws: i32,
    nextseq: u32,
    nextseq_time: i64,
    maxack: u32,
    lastack: u32,
    last_time: i64,
    dup: u32,
    last_flags: u16,
    first_ack: bool,
    operations: u8,
    unacked: Vec<(u32, u32)>,
}

impl Way {
    fn new() -> Self {
        Self {
            base: None,
            win: 0xffff_ffff,
            ws: -1,
            nextseq: 0,
            nextseq_time: 0,
            maxack: 0,
            lastack: 0,
            last_time: 0,
            dup: 0,
            last_flags: 0,
            first_ack: false,
            operations: 0,
            unacked: Vec::new(),
        }
    }
}

struct Talk {
    ways: [Way; 2],
    syn_time: Option<i64>,
    rtt0: u64,
    /// Kinds of MPTCP options so far, a bit each.
    operations: u8,
}

impl Talk {
    fn new() -> Self {
        Self {
            ways: [Way::new(), Way::new()],
            syn_time: None,
            rtt0: 0,
            operations: 0,
        }
    }
}

/// Judges a whole capture, with one rule left out (0: none).
pub(super) fn judge(packets: &[Packet], without: u8) -> Vec<u16> {
    let mut talks: HashMap<Pair, Talk> = HashMap::new();
    let on = |rule: u8| rule != without;
    packets
        .iter()
        .enumerate()
        .map(|(index, packet)| {
            let talk = talks.entry(packet.pair).or_insert_with(Talk::new);
            match cut_from_header(packet, index) {
                0 => one(talk, packet, true, &on),
                cut => {
                    let mut seen = packet.clone();
                    let written = seen.options.len().next_multiple_of(4);
                    seen.options.truncate(written.saturating_sub(cut));
                    one(talk, &seen, false, &on);
                    0
                }
            }
        })
        .collect()
}

#[allow(
    clippy::too_many_lines,
    reason = "the rules in their order, to be read beside their text"
)]
fn one(talk: &mut Talk, p: &Packet, whole: bool, on: &dyn Fn(u8) -> bool) -> u16 {
    let mut flags = 0;
    let (syn, ack_set) = (p.any(SYN), p.any(ACK));
    let control = p.any(SYN | FIN | RST);
    // 1
    if on(1)
        && syn
        && !ack_set
        && let Some(base) = talk.ways[p.side].base
    {
        if base != p.seq {
            *talk = Talk::new();
            flags |= flag::REUSED_PORTS;
        } else {
            talk.ways[p.side].nextseq = talk.ways[p.side].maxack;
        }
    }
    let (rtt0, operations) = (talk.rtt0, talk.operations);
    let [a, b] = &mut talk.ways;
    let (f, r) = if p.side == 0 { (a, b) } else { (b, a) };
    // 2
    if on(2) && syn && ack_set && f.base.is_some_and(|base| base != p.seq) {
        f.base = Some(p.seq);
        flags |= flag::REUSED_PORTS;
    }
    // 3
    if on(3) && f.base.is_none() {
        f.base = Some(if syn { p.seq } else { p.seq.wrapping_sub(1) });
    }
    if on(3) && r.base.is_none() && ack_set {
        r.base = Some(p.ack.wrapping_sub(1));
    }
    // 4
    let probe = on(4) && p.len == 1 && p.seq == f.nextseq && r.win == 0;
    if probe {
        flags |= flag::ZERO_WINDOW_PROBE;
    } else {
        // 5
        if on(5) && p.window == 0 && !control {
            flags |= flag::ZERO_WINDOW;
        }
        // 6
        if on(6) && f.nextseq != 0 && gt(p.seq, f.nextseq) && !p.any(RST) {
            flags |= flag::LOST_SEGMENT;
        }
        // 7
        if on(7) && p.len <= 1 && p.seq == f.nextseq.wrapping_sub(1) && !control {
            flags |= flag::KEEP_ALIVE;
        }
        // 8
        let same = p.len == 0 && p.seq == f.nextseq && p.ack == f.lastack && !control;
        let win = u32::from(p.window);
        if on(8) && same && win != 0 && win != f.win {
            flags |= flag::WINDOW_UPDATE;
        }
        // 9
        if on(9) && p.len > 0 && !control && r.ws != -1 {
            let shift = if r.first_ack || r.ws == -2 {
                0
            } else {
                r.ws as u32
            };
            if p.seq.wrapping_add(p.len) == r.lastack.wrapping_add(r.win.wrapping_shl(shift)) {
                flags |= flag::WINDOW_FULL;
            }
        }
        // 10 to 12
        if on(10) && same && win != 0 && win == f.win && r.last_flags & flag::KEEP_ALIVE != 0 {
            flags |= flag::KEEP_ALIVE_ACK;
        } else if on(11)
            && same
            && win == 0
            && f.win == 0
            && r.last_flags & flag::ZERO_WINDOW_PROBE != 0
        {
            flags |= flag::ZERO_WINDOW_PROBE_ACK;
        } else if on(12) && same && win != 0 && win == f.win && operations == f.operations {
            f.dup = if f.dup == 0xffff_ffff { 1 } else { f.dup + 1 };
            flags |= flag::DUPLICATE_ACK;
        }
    }
    // 13
    if on(13) && p.ack != f.lastack {
        f.dup = 0;
    }
    // 14
    if on(14) && r.maxack != 0 && gt(p.ack, r.maxack) && ack_set {
        if lt(r.maxack, r.nextseq) {
            r.maxack = r.nextseq;
            flags |= flag::ACK_LOST_SEGMENT;
        } else {
            if r.dup == 0 {
                flags |= flag::ACK_LOST_SEGMENT;
            }
            r.dup = 0xffff_ffff;
        }
    }
    // 15
    let syn_or_fin = p.any(SYN | FIN);
    let counts = p.len > 0 || syn_or_fin;
    let data_end = p.seq.wrapping_add(p.len);
    if on(15) && counts && flags & flag::KEEP_ALIVE == 0 {
        let back = f.nextseq != 0
            && lt(p.seq, f.nextseq)
            && !(p.len > 1 && p.seq == f.nextseq.wrapping_sub(1));
        let since = |then: i64| p.time.wrapping_sub(then) as u64;
        let threshold = if rtt0 != 0 { rtt0 } else { 3_000_000 };
        let whole_end = data_end.wrapping_add(u32::from(syn_or_fin));
        if p.len > 0 && r.lastack != 0 && !gt(data_end, r.lastack) {
            flags |= flag::RETRANSMISSION | flag::SPURIOUS_RETRANSMISSION;
        } else if back && r.dup >= 2 && r.lastack == p.seq && since(r.last_time) < 20_000_000 {
            flags |= flag::RETRANSMISSION | flag::FAST_RETRANSMISSION;
        } else if back && since(f.nextseq_time) < threshold && f.nextseq != whole_end {
            flags |= flag::OUT_OF_ORDER;
        } else if back {
            flags |= flag::RETRANSMISSION;
        }
    }
    // 16
    let mut end = data_end;
    if syn_or_fin && (!on(16) || f.unacked.len() < 10_000) {
        end = end.wrapping_add(1);
    }
    if on(16) && counts && f.unacked.len() < 10_000 {
        f.unacked.push((p.seq, end));
    }
    // 17
    if on(17) && !probe {
        if gt(end, f.nextseq) || f.nextseq == 0 {
            f.nextseq = end;
            f.nextseq_time = p.time;
        }
        if p.seq == f.maxack || f.maxack == 0 {
            f.maxack = f.nextseq;
        }
    }
    // 18
    if on(18) {
        f.win = u32::from(p.window);
        f.lastack = p.ack;
        f.last_time = p.time;
        f.last_flags = flags;
        f.operations = operations;
        r.unacked.retain(|(_, end)| gt(*end, p.ack));
    }
    // 19
    if on(19) {
        handshake(talk, p, whole);
    }
    talk.operations |= p.option(30).map_or(0, |byte| (1u32 << (byte >> 4)) as u8);
    flags
}

fn handshake(talk: &mut Talk, p: &Packet, whole: bool) {
    let (syn, ack) = (p.any(SYN), p.any(ACK));
    let [a, b] = &mut talk.ways;
    let (f, r) = if p.side == 0 { (a, b) } else { (b, a) };
    if syn && !ack {
        talk.syn_time = Some(p.time);
    }
    if let Some(shift) = p.option(3) {
        f.ws = i32::from(shift.min(14));
    }
    if syn {
        f.first_ack = true;
        if !whole {
            // a scale may have been cut off
        } else if f.ws == -1 {
            f.ws = -2;
            r.ws = -2;
        } else if ack && r.ws == -2 {
            f.ws = -2;
        }
    } else if ack {
        if let Some(sent) = talk.syn_time
            && talk.rtt0 == 0
        {
            talk.rtt0 = p.time.wrapping_sub(sent) as u64;
        }
        f.first_ack = false;
    }
}
