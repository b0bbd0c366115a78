//! What the kernel tells of its interfaces: names, addresses and counters, and each change
//! while a capture runs (rtnetlink(7)).

mod message;

use std::collections::HashMap;
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};

use nix::errno::Errno;
use nix::sys::socket::{
    AddressFamily, MsgFlags, NetlinkAddr, SockFlag, SockProtocol, SockType, bind, recv, send,
    socket,
};

use message::{Change, changes, dump_request};
pub use message::{Link, since};

use crate::source::sidecar::LinkCounters;
use crate::time::Time;

/// Group of the changes of links.
const RTMGRP_LINK: u32 = 1;

/// Room for a datagram of changes; the kernel sends no larger ones.
const DATAGRAM: usize = 64 * 1024;

/// An interface's description and from when on it was true.
#[derive(Clone, Debug)]
struct Epoch {
    from: Time,
    link: Link,
}

/// All interfaces, and what they were called before.
#[derive(Debug, Default)]
pub struct Links {
    by_index: HashMap<u32, Vec<Epoch>>,
    /// Counters when the capture began; of an interface that came later, zeros.
    begin: HashMap<u32, LinkCounters>,
    /// How often each was switched off.
    downs: HashMap<u32, u64>,
    /// Changes are told here; `None` where the kernel gave no socket.
    changes: Option<OwnedFd>,
}

/// How an interface was called at some time, and how long that is known to have been so.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Named<'a> {
    /// Its description.
    pub link: &'a Link,
    /// From this time on.
    pub from: Time,
    /// Until before this time.
    pub until: Time,
}

impl Links {
    /// All interfaces as they are now; watches them from now on.
    #[must_use]
    pub fn watch() -> Self {
        let mut links = Self {
            // First the changes, then the state: nothing falls between.
            changes: open(RTMGRP_LINK).ok(),
            ..Self::default()
        };
        for link in dump().unwrap_or_default() {
            links.begin.insert(link.ifindex, link.counters);
            links.learn(link, Time(i64::MIN));
        }
        links
    }

    /// Takes in what has changed. Gives whether a name did.
    pub fn update(&mut self, now: Time) -> bool {
        let mut renamed = false;
        let mut datagram = vec![0; DATAGRAM];
        loop {
            let Some(socket) = &self.changes else {
                return renamed;
            };
            match recv(socket.as_raw_fd(), &mut datagram, MsgFlags::MSG_DONTWAIT) {
                Ok(0) => self.changes = None,
                Ok(length) => {
                    for change in changes(&datagram[..length]) {
                        renamed |= self.apply(change, now);
                    }
                }
                Err(Errno::EINTR) => {}
                // Some were lost: the state itself tells what they led to.
                Err(Errno::ENOBUFS) => {
                    for link in dump().unwrap_or_default() {
                        renamed |= self.learn(link, now);
                    }
                }
                Err(Errno::EAGAIN) => return renamed,
                Err(_) => self.changes = None,
            }
        }
    }

    fn apply(&mut self, change: Change, now: Time) -> bool {
        match change {
            Change::New(link) => self.learn(link, now),
            // Its last counters are what is left of it. Its packets may still be in the ring,
            // and its index is not given out again soon: the name stays.
            Change::Gone(link) => {
                // It is switched off as a part of that.
                self.downs.remove(&link.ifindex);
                if let Some(known) = self.by_index.get_mut(&link.ifindex)
                    && let Some(last) = known.last_mut()
                {
                    last.link.counters = link.counters;
                }
                false
            }
            Change::Other => false,
        }
    }

    fn learn(&mut self, link: Link, now: Time) -> bool {
        let known = self.by_index.entry(link.ifindex).or_default();
        if known.last().is_some_and(|last| last.link.up) && !link.up {
            *self.downs.entry(link.ifindex).or_default() += 1;
        }
        match known.last_mut() {
            Some(last) if last.link.name == link.name => {
                last.link = link;
                false
            }
            Some(_) => {
                known.push(Epoch { from: now, link });
                true
            }
            // Its first packets may be older than this news of it.
            None => {
                let from = Time(i64::MIN);
                known.push(Epoch { from, link });
                false
            }
        }
    }

    /// What an interface was when a packet came; `None` if it is not known.
    #[must_use]
    pub fn at(&self, ifindex: u32, time: Time) -> Option<Named<'_>> {
        let known = self.by_index.get(&ifindex)?;
        let after = known.partition_point(|epoch| epoch.from <= time);
        let epoch = known.get(after.saturating_sub(1))?;
        Some(Named {
            link: &epoch.link,
            from: epoch.from,
            until: known.get(after).map_or(Time(i64::MAX), |next| next.from),
        })
    }

    /// How often an interface that is there was switched off.
    #[must_use]
    pub fn downs(&self, ifindex: u32) -> u64 {
        self.downs.get(&ifindex).copied().unwrap_or(0)
    }

    /// What each interface counted since the capture began; of those that are gone, until then.
    #[must_use]
    pub fn since_begin(&mut self, now: Time) -> HashMap<u32, LinkCounters> {
        self.update(now);
        for link in dump().unwrap_or_default() {
            self.learn(link, now);
        }
        let known = self.by_index.iter();
        known
            .filter_map(|(index, epochs)| {
                let begin = self.begin.get(index).copied().unwrap_or_default();
                Some((*index, since(epochs.last()?.link.counters, begin)))
            })
            .collect()
    }

    /// What to poll for changes.
    #[must_use]
    pub fn changes(&self) -> Option<BorrowedFd<'_>> {
        self.changes.as_ref().map(AsFd::as_fd)
    }
}

/// A netlink socket of those groups.
fn open(groups: u32) -> nix::Result<OwnedFd> {
    let flags = SockFlag::SOCK_CLOEXEC;
    let route = SockProtocol::NetlinkRoute;
    let socket = socket(AddressFamily::Netlink, SockType::Raw, flags, route)?;
    bind(socket.as_raw_fd(), &NetlinkAddr::new(0, groups))?;
    Ok(socket)
}

/// All interfaces as they are now.
///
/// # Errors
/// Where the kernel gives no netlink socket or no answer.
pub fn dump() -> io::Result<Vec<Link>> {
    let socket = open(0)?;
    send(socket.as_raw_fd(), &dump_request(), MsgFlags::empty())?;
    let mut links = Vec::new();
    let mut datagram = vec![0; DATAGRAM];
    loop {
        let length = match recv(socket.as_raw_fd(), &mut datagram, MsgFlags::empty()) {
            Err(Errno::EINTR) => continue,
            other => other?,
        };
        let mut last = length == 0;
        for change in changes(&datagram[..length]) {
            match change {
                Change::New(link) => links.push(link),
                Change::Gone(_) => {}
                // The end, or an error.
                Change::Other => last = true,
            }
        }
        if last {
            return Ok(links);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn link(ifindex: u32, name: &str) -> Link {
        Link {
            ifindex,
            name: name.into(),
            ..Link::default()
        }
    }

    #[test]
    fn the_machine_has_lo_and_tells_of_it() {
        let links = Links::watch();
        let index = nix::net::if_::if_nametoindex("lo").expect("every namespace has lo");
        let named = links.at(index, Time(0)).expect("lo is known");
        assert_eq!((named.link.name.as_str(), named.link.arphrd), ("lo", 772));
        assert!(named.link.mtu >= 1_280);
        assert!(links.changes().is_some());
    }

    #[test]
    fn a_name_is_the_one_of_the_packets_time() {
        let mut links = Links::default();
        assert!(!links.apply(Change::New(link(7, "old")), Time(50)));
        assert!(!links.apply(Change::New(link(7, "old")), Time(60)));
        assert!(links.apply(Change::New(link(7, "new")), Time(100)));
        assert!(!links.apply(Change::Gone(link(7, "new")), Time(200)));
        let name = |time| {
            let named = links.at(7, Time(time)).expect("known");
            (named.link.name.clone(), named.from.0, named.until.0)
        };
        assert_eq!(name(10), ("old".into(), i64::MIN, 100));
        assert_eq!(name(99), ("old".into(), i64::MIN, 100));
        assert_eq!(name(100), ("new".into(), 100, i64::MAX));
        assert_eq!(name(900).0, "new", "a name outlives its interface");
        assert_eq!(links.at(8, Time(0)), None);
    }

    #[test]
    fn each_time_it_is_switched_off_is_counted_but_not_its_end() {
        let mut links = Links::default();
        for (up, downs) in [
            (false, 0),
            (true, 0),
            (false, 1),
            (false, 1),
            (true, 1),
            (false, 2),
        ] {
            let link = Link {
                up,
                ..link(7, "name")
            };
            links.apply(Change::New(link), Time(50));
            assert_eq!((links.downs(7), links.downs(8)), (downs, 0));
        }
        links.apply(Change::Gone(link(7, "name")), Time(60));
        assert_eq!(links.downs(7), 0);
    }
}
