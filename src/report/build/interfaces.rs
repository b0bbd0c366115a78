//! The interfaces of a capture and where their names come from: never from this machine.

use crate::answers::Analysed;
use crate::report::model::Interface;
use crate::source::sidecar::Sidecar;
use crate::wire::ARPHRD_LOOPBACK;

/// What tells the names of interfaces beside the capture itself.
#[derive(Clone, Copy, Debug, Default)]
pub struct Names<'a> {
    /// What stands beside pcap files and fits them, each with the number of its recording (0 for
    /// a single file).
    pub sidecars: &'a [(u32, Sidecar)],
    /// What the reader says: an index and its name, in all recordings.
    pub given: &'a [(u32, String)],
}

/// Interfaces in order of appearance, named as far as the capture tells. What was written when
/// it was recorded goes before what the reader says, and that before what the device type tells.
pub(super) fn interfaces(analysed: &Analysed, names: Names<'_>) -> Vec<Interface> {
    let ports = analysed.ports.iter().enumerate();
    ports
        .map(|(id, seen)| {
            let described = seen
                .port
                .described
                .and_then(|id| analysed.described.get(id as usize));
            let by_container = described
                .and_then(|it| it.name.clone())
                .filter(|name| name != "any");
            let by_sidecar = || {
                let mut known = (names.sidecars.iter())
                    .filter(|(recording, _)| *recording == seen.port.recording)
                    .flat_map(|(_, sidecar)| &sidecar.interfaces);
                let named = known.find(|it| Some(it.ifindex) == seen.port.ifindex);
                named.map(|it| it.name.clone())
            };
            let by_reader = || {
                let mut given = names.given.iter();
                let named = given.find(|(ifindex, _)| Some(*ifindex) == seen.port.ifindex);
                named.map(|(_, name)| name.clone())
            };
            let by_type = || (seen.port.arphrd == Some(ARPHRD_LOOPBACK)).then(|| "lo".to_owned());
            let named = by_container
                .map(|name| (name, "pcapng"))
                .or_else(|| by_sidecar().map(|name| (name, "sidecar")))
                .or_else(|| by_reader().map(|name| (name, "option")))
                .or_else(|| by_type().map(|name| (name, "link_type")));
            let (name, name_source) = named.unzip();
            Interface {
                id: u32::try_from(id).unwrap_or(u32::MAX),
                file: super::files::of_recording(analysed, seen.port.recording),
                ifindex: seen.port.ifindex,
                name,
                name_source,
                arphrd: seen.port.arphrd,
                packets: seen.packets,
            }
        })
        .collect()
}
