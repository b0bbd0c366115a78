//! Addresses: the host's own, those to listen on, and how they are shown.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener, ToSocketAddrs};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use nix::ifaddrs::getifaddrs;
use nix::unistd::gethostname;
use socket2::{Domain, Protocol, Socket, Type};

use super::Trouble;
use crate::echo::escape::escape;

/// How long the host's own name may take to resolve: clients wait meanwhile.
const OWN_NAME_PATIENCE: Duration = Duration::from_secs(1);

/// Connections that the kernel keeps until they are accepted; it lowers this to its own limit.
const BACKLOG: i32 = 4096;

/// An address and port as Python prints them: `('128.6.25.90', 59814)`. An IPv4 address that
/// came mapped into IPv6 is shown as IPv4.
#[must_use]
pub fn tuple(address: SocketAddr) -> String {
    format!("('{}', {})", address.ip().to_canonical(), address.port())
}

/// The host's name; `localhost` if it has none that is text.
#[must_use]
pub fn host_name() -> String {
    gethostname()
        .ok()
        .and_then(|name| name.into_string().ok())
        .filter(|name| !name.is_empty())
        .unwrap_or_else(|| "localhost".to_owned())
}

/// The host's address: what its name resolves to (IPv4 first, as `gethostbyname`), else the
/// first address of an interface that is not loopback, else 127.0.0.1.
#[must_use]
pub fn host_address(name: &str) -> IpAddr {
    resolve_in_time(name)
        .or_else(first_interface_address)
        .unwrap_or(IpAddr::V4(Ipv4Addr::LOCALHOST))
}

fn resolve_in_time(name: &str) -> Option<IpAddr> {
    let (to_us, resolved) = mpsc::channel();
    let name = name.to_owned();
    // a name server that does not answer would hold the server up: the thread is left behind
    thread::Builder::new()
        .spawn(move || {
            let addresses = (name.as_str(), 0).to_socket_addrs();
            let _ = to_us.send(addresses.map(Iterator::collect::<Vec<_>>));
        })
        .ok()?;
    let addresses = resolved.recv_timeout(OWN_NAME_PATIENCE).ok()?.ok()?;
    best(addresses.into_iter().map(|address| address.ip()))
}

fn first_interface_address() -> Option<IpAddr> {
    let interfaces = getifaddrs().ok()?;
    best(interfaces.filter_map(|interface| {
        let address = interface.address?;
        let ip = match (address.as_sockaddr_in(), address.as_sockaddr_in6()) {
            (Some(v4), _) => IpAddr::V4(v4.ip()),
            (_, Some(v6)) => IpAddr::V6(v6.ip()),
            _ => return None,
        };
        // a link-local address is of no use without its interface
        let link_local = matches!(ip, IpAddr::V6(v6) if v6.is_unicast_link_local());
        (!ip.is_loopback() && !link_local).then_some(ip)
    }))
}

/// The first IPv4 address, else the first.
fn best(addresses: impl Iterator<Item = IpAddr>) -> Option<IpAddr> {
    let all: Vec<IpAddr> = addresses.collect();
    let v4 = all.iter().find(|address| address.is_ipv4());
    v4.or(all.first()).copied()
}

/// Resolves a name, or an address with or without the brackets of a URL.
///
/// # Errors
/// What the resolver said; never an empty list.
pub fn resolve(host: &str, port: u16) -> Result<Vec<SocketAddr>, Trouble> {
    let bare = host
        .strip_prefix('[')
        .and_then(|rest| rest.strip_suffix(']'))
        .unwrap_or(host);
    let addresses: io::Result<Vec<SocketAddr>> =
        (bare, port).to_socket_addrs().map(Iterator::collect);
    let none = || io::Error::new(io::ErrorKind::NotFound, "the name has no address");
    addresses
        .and_then(|found| {
            if found.is_empty() {
                Err(none())
            } else {
                Ok(found)
            }
        })
        .map_err(|error| {
            Trouble::new(
                format!("cannot find the address of {}", escape(host)),
                "check the name, or give the address",
                error,
            )
        })
}

/// Listens on `bind`, or on every address of the host: `::` for IPv6 and IPv4 at once, and
/// `0.0.0.0` where there is no IPv6. Port 0 takes any that is free.
///
/// # Errors
/// The address is in use, not this host's, or not allowed.
pub fn listen(bind: Option<&str>, port: u16) -> Result<TcpListener, Trouble> {
    let Some(host) = bind else {
        let any6 = SocketAddr::from((Ipv6Addr::UNSPECIFIED, port));
        return match listen_on(any6) {
            Err(error) if lacks_ipv6(&error) => {
                let any4 = SocketAddr::from((Ipv4Addr::UNSPECIFIED, port));
                listen_on(any4).map_err(|error| refused(any4, error))
            }
            other => other.map_err(|error| refused(any6, error)),
        };
    };
    let mut last = None;
    for address in resolve(host, port)? {
        match listen_on(address) {
            Ok(listener) => return Ok(listener),
            Err(error) => last = Some(refused(address, error)),
        }
    }
    Err(last
        .unwrap_or_else(|| Trouble::new("no address", "give one", io::ErrorKind::NotFound.into())))
}

fn listen_on(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = Socket::new(
        Domain::for_address(address),
        Type::STREAM,
        Some(Protocol::TCP),
    )?;
    if address.is_ipv6() {
        socket.set_only_v6(false)?;
    }
    // connections of an earlier run that are in TIME-WAIT must not keep the port
    socket.set_reuse_address(true)?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    Ok(socket.into())
}

fn lacks_ipv6(error: &io::Error) -> bool {
    use nix::errno::Errno::{EADDRNOTAVAIL, EAFNOSUPPORT, EPROTONOSUPPORT};
    [EAFNOSUPPORT, EADDRNOTAVAIL, EPROTONOSUPPORT]
        .iter()
        .any(|errno| error.raw_os_error() == Some(*errno as i32))
}

fn refused(address: SocketAddr, error: io::Error) -> Trouble {
    let port = address.port();
    let advice = match error.kind() {
        io::ErrorKind::AddrInUse => format!(
            "end the program that has it (`ss -ltnp sport = :{port}` names it) \
             or choose another port with -p, 0 for any that is free"
        ),
        io::ErrorKind::AddrNotAvailable => {
            "give an address of this host with --bind (`ip address` lists them)".to_owned()
        }
        io::ErrorKind::PermissionDenied => {
            "ports under 1024 need root; choose a higher one with -p".to_owned()
        }
        _ => "choose another address with --bind or another port with -p".to_owned(),
    };
    Trouble::new(
        format!("cannot listen on port {port} of {}", address.ip()),
        advice,
        error,
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tuples_are_pythons() {
        let shown = |text: &str| tuple(text.parse().expect("an address"));
        assert_eq!(shown("128.6.25.90:59814"), "('128.6.25.90', 59814)");
        assert_eq!(shown("[::ffff:128.6.25.90]:1"), "('128.6.25.90', 1)");
        assert_eq!(shown("[::1]:5"), "('::1', 5)");
    }

    #[test]
    fn brackets_are_taken_off() {
        let found = resolve("[::1]", 7).expect("an address");
        assert_eq!(found, vec![SocketAddr::from((Ipv6Addr::LOCALHOST, 7))]);
    }

    #[test]
    fn a_host_without_a_name_in_the_resolver_has_an_address() {
        // .invalid never resolves (RFC 6761, section 6.4)
        let address = host_address("no-such-host.invalid");
        assert!(!address.is_unspecified());
    }

    #[test]
    fn ipv4_is_preferred() {
        let six = IpAddr::V6(Ipv6Addr::LOCALHOST);
        let four = IpAddr::V4(Ipv4Addr::LOCALHOST);
        assert_eq!(best([six, four].into_iter()), Some(four));
        assert_eq!(best([six].into_iter()), Some(six));
        assert_eq!(best(std::iter::empty()), None);
    }
}
