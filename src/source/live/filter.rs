//! Filters in libpcap's language: joined, and as the kernel's instructions.

use pcap::{Active, BpfProgram, Capture};

use super::{OpenError, words};
use crate::sys::Instruction;

/// Checks each filter alone, so that no parenthesis in one reaches into another, and joins them.
pub(super) fn check(capture: &Capture<Active>, filters: &[String]) -> Result<String, OpenError> {
    for filter in filters {
        capture
            .compile(filter, true)
            .map_err(|error| OpenError::Filter(filter.clone(), words(&error)))?;
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
