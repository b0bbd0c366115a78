//! Filters in libpcap's language: joined, and as the kernel's instructions.

use nix::net::if_::if_nametoindex;
use pcap::{Active, BpfProgram, Capture};

use super::place::place;
use super::{ANY, Direction, LOOPBACK, OpenError, WrongFilter, is_cooked, words};
use crate::sys::Instruction;
use crate::wire::link;

/// Checks each filter alone, so that no parenthesis in one reaches into another, and joins them.
pub(super) fn check(capture: &Capture<Active>, filters: &[String]) -> Result<String, OpenError> {
    let compile = |text: &str| {
        let compiled = capture.compile(text, true);
        compiled.map(|_| ()).map_err(|error| words(&error))
    };
    for filter in filters {
        compile(filter).map_err(|words| {
            OpenError::Filter(WrongFilter {
                text: filter.clone(),
                place: place(filter, &words, compile),
                words,
            })
        })?;
    }
    Ok(join(filters))
}

/// One filter that holds where all hold.
fn join(filters: &[String]) -> String {
    match filters {
        [] => String::new(),
        [only] => only.clone(),
        more => more
            .iter()
            .map(|one| format!("({one})"))
            .collect::<Vec<_>>()
            .join(" and "),
    }
}

/// The filter for packets that go this way; none where all are wanted. libpcap has a function
/// for this, too, which drops packets after they took room in the ring and were counted, and
/// drops all of the loopback's that go out.
pub(super) fn direction(device: &str, link_type: u32, direction: Direction) -> Option<String> {
    let word = match direction {
        Direction::Both => return None,
        Direction::In => "inbound",
        Direction::Out => "outbound",
    };
    match (device, link_type, direction) {
        (LOOPBACK, ..) if !is_cooked(link_type) => None,
        // What the loopback sends is not kept, but as it comes in: see `loopback_copies`.
        (ANY, link::LINUX_SLL2, Direction::Out) => {
            let also = if_nametoindex(LOOPBACK).map(|index| format!(" or ifindex {index}"));
            Some(format!("{word}{}", also.unwrap_or_default()))
        }
        _ => Some(word.to_owned()),
    }
}

/// The filter asked for without the copies named.
pub(super) fn without(asked: &str, copies: Option<&str>) -> String {
    match (asked.is_empty(), copies) {
        (_, None) => asked.to_owned(),
        (true, Some(copies)) => format!("not ({copies})"),
        (false, Some(copies)) => format!("({asked}) and not ({copies})"),
    }
}

/// The instructions of a compiled filter; `None` if the crate's text of one is not understood.
pub(super) fn program(compiled: &BpfProgram) -> Option<Vec<Instruction>> {
    let steps = compiled.get_instructions().iter();
    steps.map(|one| instruction(&one.to_string())).collect()
}

/// An instruction from the crate's text of it, the only form it gives: `code jt jf k`.
fn instruction(text: &str) -> Option<Instruction> {
    let mut fields = text.split(' ').map(|field| field.parse::<u32>().ok());
    let mut next = || fields.next().flatten();
    Some(Instruction {
        code: next()?.try_into().ok()?,
        jt: next()?.try_into().ok()?,
        jf: next()?.try_into().ok()?,
        k: next()?,
    })
}

#[cfg(test)]
mod tests {
    use pcap::Linktype;

    use super::*;

    #[test]
    fn filters_are_kept_apart() {
        let words = |list: &[&str]| {
            list.iter()
                .map(|word| (*word).to_owned())
                .collect::<Vec<_>>()
        };
        assert_eq!(join(&[]), "");
        assert_eq!(join(&words(&["tcp or udp"])), "tcp or udp");
        assert_eq!(
            join(&words(&["port 7", "tcp or udp"])),
            "(port 7) and (tcp or udp)"
        );
        assert_eq!(without("", None), "");
        assert_eq!(without("", Some("outbound")), "not (outbound)");
        assert_eq!(
            without("a or b", Some("outbound")),
            "(a or b) and not (outbound)"
        );
    }

    #[test]
    fn the_loopback_has_no_way_out_of_its_own() {
        let of = |device, kind, way| direction(device, kind, way);
        let (ethernet, any) = (link::ETHERNET, link::LINUX_SLL2);
        assert_eq!(of(ANY, any, Direction::Both), None);
        assert_eq!(of("eth0", ethernet, Direction::Both), None);
        assert_eq!(of(LOOPBACK, ethernet, Direction::In), None);
        assert_eq!(of(LOOPBACK, ethernet, Direction::Out), None);
        let word = |text: &str| Some(text.to_owned());
        assert_eq!(of("eth0", ethernet, Direction::Out), word("outbound"));
        assert_eq!(of(ANY, any, Direction::In), word("inbound"));
        let index = if_nametoindex(LOOPBACK).expect("each Linux has one");
        let out = format!("outbound or ifindex {index}");
        assert_eq!(of(ANY, any, Direction::Out), word(&out));
    }

    #[test]
    fn instructions_are_read_from_the_crates_text() {
        let dead = Capture::dead(Linktype(1)).expect("a handle");
        let compiled = dead.compile("tcp", true).expect("compiled");
        let read = program(&compiled).expect("four numbers each");
        // First the EtherType is loaded, last the packet is refused.
        assert_eq!(
            read.first(),
            Some(&Instruction {
                code: 0x28,
                jt: 0,
                jf: 0,
                k: 12
            })
        );
        assert_eq!(read.last(), Some(&Instruction::REFUSE));
        assert_eq!(instruction("1 2 300 4"), None);
        assert_eq!(instruction("1 2"), None);
    }
}
