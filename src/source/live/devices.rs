//! The interfaces of this machine, as the kernel tells everyone.

use std::net::IpAddr;

use nix::ifaddrs::getifaddrs;
use nix::net::if_::{InterfaceFlags, if_nameindex};
use nix::sys::socket::{SockaddrLike, SockaddrStorage};

use super::ANY;

/// ARPHRD value of Ethernet.
const ETHERNET: u16 = crate::wire::ARPHRD_ETHERNET;

/// One interface.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Device {
    /// The kernel's number.
    pub ifindex: u32,
    /// Its name.
    pub name: String,
    /// Whether it is switched on.
    pub up: bool,
    /// Whether it has a link.
    pub running: bool,
    /// Whether it is a loopback device.
    pub loopback: bool,
    /// Link-layer address, where it has one.
    pub mac: Option<[u8; 6]>,
    /// Addresses with the length of their network's prefix.
    pub addresses: Vec<(IpAddr, Option<u32>)>,
}

/// Names of the interfaces, [`ANY`] first.
#[must_use]
pub fn names() -> Vec<String> {
    let all = list().unwrap_or_default();
    let names = all.into_iter().map(|one| one.name);
    std::iter::once(ANY.to_owned()).chain(names).collect()
}

/// All interfaces in order of their index. It takes no rights.
///
/// # Errors
/// The system's own.
pub fn list() -> nix::Result<Vec<Device>> {
    let mut found: Vec<Device> = Vec::new();
    for one in &if_nameindex()? {
        found.push(Device {
            ifindex: one.index(),
            name: one.name().to_string_lossy().into_owned(),
            ..Device::default()
        });
    }
    for entry in getifaddrs()? {
        let Some(device) = found.iter_mut().find(|it| it.name == entry.interface_name) else {
            continue;
        };
        let flags = entry.flags;
        device.up = flags.contains(InterfaceFlags::IFF_UP);
        device.running = flags.contains(InterfaceFlags::IFF_RUNNING);
        device.loopback = flags.contains(InterfaceFlags::IFF_LOOPBACK);
        let Some(address) = entry.address else {
            continue;
        };
        if let Some(link) = address.as_link_addr() {
            let plain = link.hatype() == ETHERNET;
            device.mac = link.addr().filter(|_| plain);
        } else if let Some(address) = ip(&address) {
            let prefix = entry.netmask.as_ref().and_then(ip).map(ones);
            device.addresses.push((address, prefix));
        }
    }
    found.sort_by_key(|it| it.ifindex);
    Ok(found)
}

fn ip(address: &SockaddrStorage) -> Option<IpAddr> {
    let v4 = || address.as_sockaddr_in().map(|it| it.ip().into());
    let v6 = || address.as_sockaddr_in6().map(|it| it.ip().into());
    address.family()?;
    v4().or_else(v6)
}

/// Bits of a netmask that are set.
fn ones(mask: IpAddr) -> u32 {
    match mask {
        IpAddr::V4(mask) => mask.to_bits().count_ones(),
        IpAddr::V6(mask) => mask.to_bits().count_ones(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_loopback_is_listed_with_its_address() {
        let all = list().expect("the kernel tells everyone");
        let lo = all
            .iter()
            .find(|it| it.loopback)
            .expect("a loopback device");
        assert_eq!((lo.name.as_str(), lo.mac), ("lo", None));
        assert!(lo.ifindex > 0);
        if lo.up {
            assert!(lo.addresses.contains(&([127, 0, 0, 1].into(), Some(8))));
        }
        assert_eq!(names()[0], ANY);
        assert!(names().contains(&"lo".to_owned()));
    }
}
