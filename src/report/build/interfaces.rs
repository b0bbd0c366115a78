//! The interfaces of a capture and where their names come from: never from this machine.

use crate::answers::Analysed;
use crate::report::model::Interface;
use crate::source::sidecar::Sidecar;
use crate::wire::ARPHRD_LOOPBACK;

/// Interfaces in order of appearance, named as far as the capture tells.
pub(super) fn interfaces(analysed: &Analysed, sidecar: Option<&Sidecar>) -> Vec<Interface> {
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
                let known = &sidecar?.interfaces;
                let named = known
                    .iter()
                    .find(|it| Some(it.ifindex) == seen.port.ifindex);
                named.map(|it| it.name.clone())
            };
            let by_type = || (seen.port.arphrd == Some(ARPHRD_LOOPBACK)).then(|| "lo".to_owned());
            let named = by_container
                .map(|name| (name, "pcapng"))
                .or_else(|| by_sidecar().map(|name| (name, "sidecar")))
                .or_else(|| by_type().map(|name| (name, "link_type")));
            let (name, name_source) = named.unzip();
            Interface {
                id: u32::try_from(id).unwrap_or(u32::MAX),
                ifindex: seen.port.ifindex,
                name,
                name_source,
                arphrd: seen.port.arphrd,
                packets: seen.packets,
            }
        })
        .collect()
}
