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
            let by_sidecar =
                || sidecar_name(names.sidecars, seen.port.recording, seen.port.ifindex);
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

/// What the sidecars of a recording call an interface. One that was renamed has several names.
fn sidecar_name(
    sidecars: &[(u32, Sidecar)],
    recording: u32,
    ifindex: Option<u32>,
) -> Option<String> {
    let of_recording = sidecars.iter().filter(|(of, _)| *of == recording);
    let all: Vec<_> = of_recording
        .flat_map(|(_, sidecar)| &sidecar.interfaces)
        .collect();
    // Packets without a cooked header do not tell their interface; it is plain if there is one.
    let alone = all
        .windows(2)
        .all(|pair| pair[0].ifindex == pair[1].ifindex);
    let is_it = |index| match ifindex {
        Some(ifindex) => index == ifindex,
        None => alone,
    };
    let mut names: Vec<&str> = Vec::new();
    for it in all.iter().filter(|it| is_it(it.ifindex)) {
        if !names.contains(&it.name.as_str()) {
            names.push(&it.name);
        }
    }
    (!names.is_empty()).then(|| names.join(", then "))
}
