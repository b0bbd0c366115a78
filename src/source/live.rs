//! Packets as libpcap takes them from the kernel.
//!
//! The kernel writes packets into a ring; [`Live::take`] lends them from there. A capture
//! ends exactly: [`Live::refuse`] closes the door in the kernel, and then the ring can be
//! emptied to its last packet, which `Counters` proves.

use std::os::fd::{AsFd, BorrowedFd};
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::net::if_::{if_indextoname, if_nametoindex};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::socket::{AddressFamily, SockFlag, SockType, socket};
use pcap::{Active, Capture, Linktype, Precision};

use crate::source::frame::{Frame, Origin};
use crate::sys::{self, Instruction};
use crate::time::Time;
use crate::wire::link;

pub mod devices;
mod filter;
mod options;
mod place;

pub use options::{Direction, OpenError, Options, Resolution, WrongFilter};

/// Linux's device that stands for all others.
pub const ANY: &str = "any";

/// Linux's device for packets that stay on the machine.
const LOOPBACK: &str = "lo";

/// Largest snapshot length of libpcap; it costs no memory in the kernel's ring.
pub const MAX_SNAPSHOT_LENGTH: u32 = 262_144;

/// After how many milliseconds the kernel hands over a block that is not full.
const BLOCK_TIMEOUT_MS: i32 = 10;

/// Without a packet for so long, the kernel holds none: two block timeouts.
pub const QUIET: Duration = Duration::from_millis(2 * BLOCK_TIMEOUT_MS as u64);

/// What the kernel counted since the filter was set.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Packets that passed the filter, those dropped included.
    pub received: u64,
    /// Packets that found the ring full.
    pub dropped: u64,
}

/// An open capture.
pub struct Live {
    capture: Capture<Active>,
    device: String,
    /// The kernel's number of the device; none of [`ANY`].
    ifindex: Option<u32>,
    filter: String,
    link_type: u32,
    snapshot_length: u32,
    taken: u64,
    counters: Counters,
    /// libpcap's own counts at the last look, which wrap at 2^32.
    seen: (u32, u32),
    /// Nanoseconds of the unit in which libpcap counts fractions of a second.
    unit_ns: i64,
}

impl Live {
    /// Opens a capture; when this returns, the kernel is taking the packets that the filters
    /// let through, and only those.
    ///
    /// # Errors
    /// See [`OpenError`].
    pub fn open(options: &Options) -> Result<Self, OpenError> {
        let capture = activate(options)?;
        let link_type = link_type_of(capture.get_datalink());
        let mut filters = options.filters.clone();
        filters.extend(filter::direction(
            &options.device,
            link_type,
            options.direction,
        ));
        let filter = filter::check(&capture, &filters)?;
        let mut live = Self {
            capture,
            device: options.device.clone(),
            ifindex: if_nametoindex(options.device.as_str()).ok(),
            filter,
            link_type,
            snapshot_length: options.snapshot_length,
            taken: 0,
            counters: Counters::default(),
            seen: (0, 0),
            unit_ns: match options.resolution {
                Resolution::Micro => 1_000,
                Resolution::Nano => 1,
            },
        };
        live.begin()?;
        Ok(live)
    }

    /// Sets the filter such that `Counters` and packets start at the same instant, which is now.
    ///
    /// Between opening and filtering, packets of all kinds were taken and counted. So the
    /// door is closed, those are thrown away, their counts noted, and then the filter opens it.
    ///
    /// # Errors
    /// See [`OpenError`].
    pub fn begin(&mut self) -> Result<(), OpenError> {
        let other = |text: String| OpenError::Other(text);
        self.refuse().map_err(|error| other(error.to_string()))?;
        let mut last = Instant::now();
        while last.elapsed() < QUIET {
            if self.take(4096, |_| ()).map_err(other)? > 0 {
                last = Instant::now();
            } else {
                self.wait(QUIET);
            }
        }
        self.counters().map_err(other)?;
        (self.taken, self.counters) = (0, Counters::default());
        let whole = filter::without(&self.filter, self.loopback_copies().as_deref());
        let failed = |error| {
            OpenError::Filter(WrongFilter {
                text: self.filter.clone(),
                words: words(&error),
                place: None,
            })
        };
        if self.is_cooked() {
            return self.capture.filter(&whole, true).map_err(failed);
        }
        // Given to libpcap, a filter also judges the first blocks outside the kernel, where
        // `inbound` and `outbound` read nothing and refuse all (libpcap 1.10.3). A packet that
        // is not cooked looks alike to the kernel and to libpcap's compiler: the kernel judges.
        let program = self.capture.compile(&whole, true).map_err(failed)?;
        let program = filter::program(&program)
            .ok_or_else(|| other("libpcap made no filter program".into()))?;
        sys::attach_filter(self.capture.as_fd(), &program)
            .map_err(|error| other(format!("the kernel refuses the filter: {error}")))
    }

    /// Whether libpcap puts a pseudo-header in place of the link's own, so that the compiled
    /// filter's offsets are not the kernel's.
    fn is_cooked(&self) -> bool {
        is_cooked(self.link_type)
    }

    /// The filter that holds for the copies libpcap would drop after they took room in the
    /// ring: each loopback packet is delivered leaving and arriving, and libpcap keeps the latter.
    fn loopback_copies(&self) -> Option<String> {
        match (self.device.as_str(), self.link_type) {
            (ANY, link::LINUX_SLL2) => {
                let index = if_nametoindex(LOOPBACK).ok()?;
                Some(format!("ifindex {index} and outbound"))
            }
            (LOOPBACK, _) if !self.is_cooked() => Some("outbound".into()),
            _ => None,
        }
    }

    /// Lends the waiting packets, at most `limit`, without waiting for more. Returns how many.
    ///
    /// # Errors
    /// libpcap's words, when the interface is gone or its socket broke.
    pub fn take(&mut self, limit: usize, mut each: impl FnMut(Frame<'_>)) -> Result<usize, String> {
        let (link_type, unit_ns) = (self.link_type, self.unit_ns);
        let before = self.taken;
        let taken = &mut self.taken;
        let result = self.capture.dispatch(Some(limit), |packet| {
            *taken += 1;
            let stamp = packet.header.ts;
            each(Frame {
                about: 0,
                number: *taken,
                origin: Origin::new(0, *taken),
                recording: 0,
                time: time_of(stamp.tv_sec, stamp.tv_usec.saturating_mul(unit_ns)),
                link_type,
                interface: None,
                wire_len: packet.header.len.max(packet.header.caplen),
                bytes: packet.data,
            });
        });
        match result {
            // libpcap looks for it by the name that it had, once it was down
            Err(_) if self.is_renamed() => Ok((self.taken - before) as usize),
            other => other.map_err(|error| words(&error)),
        }
    }

    /// Whether the device is there by another name.
    fn is_renamed(&self) -> bool {
        let name = self.ifindex.and_then(|index| if_indextoname(index).ok());
        // of one that is gone nix 0.31 gives an empty name
        let name = name.filter(|name| !name.is_empty());
        name.is_some_and(|name| name.to_bytes() != self.device.as_bytes())
    }

    /// Waits until there may be packets, at most so long.
    fn wait(&self, longest: Duration) {
        let mut fds = [PollFd::new(self.capture.as_fd(), PollFlags::POLLIN)];
        let longest = PollTimeout::try_from(longest).unwrap_or(PollTimeout::MAX);
        // A poll that fails is one that did not wait: the caller looks at its clock anyway.
        let _ = poll(&mut fds, longest);
    }

    /// Lets no further packet into the ring; what is in it can still be taken.
    ///
    /// # Errors
    /// Where the kernel does not take the filter.
    pub fn refuse(&self) -> std::io::Result<()> {
        sys::attach_filter(self.capture.as_fd(), &[Instruction::REFUSE])
    }

    /// Brings the counters up to date. Call it at least once in 2^32 packets.
    ///
    /// # Errors
    /// libpcap's words.
    pub fn counters(&mut self) -> Result<Counters, String> {
        let stats = self.capture.stats().map_err(|error| words(&error))?;
        let (received, dropped) = self.seen;
        self.counters.received += u64::from(stats.received.wrapping_sub(received));
        self.counters.dropped += u64::from(stats.dropped.wrapping_sub(dropped));
        self.seen = (stats.received, stats.dropped);
        Ok(self.counters)
    }

    /// Packets lent so far.
    #[must_use]
    pub fn taken(&self) -> u64 {
        self.taken
    }

    /// The interface asked for.
    #[must_use]
    pub fn device(&self) -> &str {
        &self.device
    }

    /// The filters asked for, as one; empty for all packets.
    #[must_use]
    pub fn filter(&self) -> &str {
        &self.filter
    }

    /// LINKTYPE value of the packets.
    #[must_use]
    pub fn link_type(&self) -> u32 {
        self.link_type
    }

    /// Bytes kept of each packet.
    #[must_use]
    pub fn snapshot_length(&self) -> u32 {
        self.snapshot_length
    }

    /// The line that tells that packets are being taken, in tcpdump's words.
    #[must_use]
    pub fn listening(&self) -> String {
        let link = self.capture.get_datalink();
        let name = link.get_name().unwrap_or_else(|_| link.0.to_string());
        let description = link
            .get_description()
            .unwrap_or_else(|_| "no description".into());
        format!(
            "listening on {}, link-type {name} ({description}), snapshot length {} bytes",
            self.device, self.snapshot_length
        )
    }
}

fn is_cooked(link_type: u32) -> bool {
    matches!(link_type, link::LINUX_SLL | link::LINUX_SLL2)
}

/// What to poll for packets.
impl AsFd for Live {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.capture.as_fd()
    }
}

/// A handle that takes packets, unfiltered yet, with SLL2 headers on [`ANY`].
fn activate(options: &Options) -> Result<Capture<Active>, OpenError> {
    // libpcap also knows devices that are no network interfaces. Those carry no TCP, and
    // some count in microseconds; a network interface always has nanoseconds.
    if options.device != ANY && if_nametoindex(options.device.as_str()).is_err() {
        return Err(OpenError::NoDevice(devices::names()));
    }
    let inactive = Capture::from_device(options.device.as_str())
        .map_err(|error| refused(&error))?
        .snaplen(options.snapshot_length as i32)
        .buffer_size(options.buffer_bytes)
        .timeout(BLOCK_TIMEOUT_MS)
        .precision(match options.resolution {
            Resolution::Micro => Precision::Micro,
            Resolution::Nano => Precision::Nano,
        });
    let mut capture = inactive
        .open()
        .and_then(Capture::setnonblock)
        .map_err(|error| refused(&error))?;
    if options.device == ANY {
        capture
            .set_datalink(Linktype(link::LINUX_SLL2 as i32))
            .map_err(|error| {
                OpenError::Other(format!(
                    "{}; libpcap 1.10 or later is needed",
                    words(&error)
                ))
            })?;
    }
    Ok(capture)
}

/// Tells apart why libpcap opens nothing. Its texts differ between versions, so the
/// kernel is asked.
fn refused(error: &pcap::Error) -> OpenError {
    let denied = socket(
        AddressFamily::Packet,
        SockType::Raw,
        SockFlag::SOCK_CLOEXEC,
        None,
    )
    .is_err_and(|errno| matches!(errno, Errno::EPERM | Errno::EACCES));
    if denied {
        OpenError::Permission(words(error))
    } else {
        OpenError::Other(words(error))
    }
}

/// libpcap's words alone, without the crate's before them.
fn words(error: &pcap::Error) -> String {
    match error {
        pcap::Error::PcapError(text) => text.clone(),
        other => other.to_string(),
    }
}

/// LINKTYPE of a DLT value: they differ on Linux for raw IP alone.
fn link_type_of(dlt: Linktype) -> u32 {
    match dlt.0 as u32 {
        link::RAW_DLT => link::RAW,
        same => same,
    }
}

/// Nanoseconds since the epoch of libpcap's seconds and nanoseconds.
fn time_of(seconds: i64, nanos: i64) -> Time {
    Time(seconds.saturating_mul(1_000_000_000).saturating_add(nanos))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_nanoseconds() {
        assert_eq!(time_of(2, 5), Time(2_000_000_005));
        assert_eq!(time_of(i64::MAX, 5), Time(i64::MAX));
    }

    #[test]
    fn only_raw_ip_has_another_number_in_files() {
        assert_eq!(link_type_of(Linktype(12)), 101);
        assert_eq!(link_type_of(Linktype(276)), 276);
        assert_eq!(link_type_of(Linktype(1)), 1);
    }
}
