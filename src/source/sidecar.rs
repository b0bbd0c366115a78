//! `FILE.pcap.meta.json`: what a classic pcap cannot say.
//!
//! A pcap file of Linux's `any` device holds interface indexes and no names. `capture`
//! writes the names beside it, with what is needed to tell whether they still belong to it.

use std::ffi::OsString;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

/// The layout's name; a reader refuses others.
pub const SCHEMA: &str = "echotrace.sidecar/1";

/// Largest sidecar that is read, in bytes: some 10,000 interfaces.
const MAX_BYTES: u64 = 1 << 20;

/// What was known at the end of a capture.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sidecar {
    /// [`SCHEMA`].
    pub schema: String,
    /// Packet records in the capture file.
    pub packets: u64,
    /// Size of the capture file in bytes.
    pub file_bytes: u64,
    /// Earliest time of a record in nanoseconds since the epoch; `None` without packets.
    pub first_time_ns: Option<i64>,
    /// Latest time of a record in nanoseconds since the epoch; `None` without packets.
    pub last_time_ns: Option<i64>,
    /// Interfaces that brought packets and whose names are known, in order of first packet.
    pub interfaces: Vec<SidecarInterface>,
    /// Packets that passed the kernel's filter, those dropped included; `None` if not known.
    pub received: Option<u64>,
    /// Packets that the kernel dropped for want of buffer; `None` if not known.
    pub dropped: Option<u64>,
    /// Packets that were taken and that the disk took not, or too slowly.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lost_to_disk: Option<u64>,
    /// Packets that were taken after a limit was reached.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub filtered: Option<u64>,
    /// Packets that a hurried end left in the kernel.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub left_in_kernel: Option<u64>,
    /// The filter asked for, in libpcap's language; empty for all packets.
    pub filter: String,
    /// The operating system and its release.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub system: Option<String>,
}

/// One interface of the machine that captured.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SidecarInterface {
    /// The kernel's number of the interface, as in the SLL2 header.
    pub ifindex: u32,
    /// Its name when its first packet was captured.
    pub name: String,
    /// Its ARPHRD value; `None` where the packets' headers do not tell.
    pub arphrd: Option<u16>,
    /// Packet records of this interface in the file.
    pub packets: u64,
    /// The name holds for packets from this time on, in nanoseconds since the epoch; `None` for
    /// the name that it had at first. One that was renamed stands here once for each name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from_ns: Option<i64>,
    /// Its address, as `02:00:00:00:00:01`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mac: Option<String>,
    /// Largest packet in bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mtu: Option<u32>,
    /// What the interface itself counted while the file was written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub link: Option<LinkCounters>,
}

/// The kernel's counters of an interface, whatever the filter was.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LinkCounters {
    /// Packets received.
    pub rx_packets: u64,
    /// Packets sent.
    pub tx_packets: u64,
    /// Bytes received.
    pub rx_bytes: u64,
    /// Bytes sent.
    pub tx_bytes: u64,
    /// Packets received with errors.
    pub rx_errors: u64,
    /// Packets not sent because of errors.
    pub tx_errors: u64,
    /// Packets received and not processed.
    pub rx_dropped: u64,
    /// Packets dropped on their way out.
    pub tx_dropped: u64,
    /// Packets that the device had no room for.
    pub rx_missed: u64,
}

impl Sidecar {
    /// Where the sidecar of a capture lies: the capture's path and `.meta.json`.
    #[must_use]
    pub fn path_for(capture: &Path) -> PathBuf {
        with_suffix(capture, ".meta.json")
    }

    /// Writes the sidecar beside `capture`, readable by its owner alone, whole or not at all.
    ///
    /// # Errors
    /// Where the file cannot be made, written or put in its place; then no file is left behind.
    pub fn write(&self, capture: &Path) -> io::Result<()> {
        let place = Self::path_for(capture);
        let part = with_suffix(&place, &format!(".{}.part", std::process::id()));
        let mut text = serde_json::to_vec_pretty(self)?;
        text.push(b'\n');
        let done = write_new(&part, &text).and_then(|()| fs::rename(&part, &place));
        if done.is_err() {
            // Best effort: the first error is the one that counts.
            let _ = fs::remove_file(&part);
        }
        done
    }

    /// Reads the sidecar of `capture`; `None` if there is none.
    ///
    /// # Errors
    /// A text that names the sidecar, what is wrong with it and what to do.
    pub fn read(capture: &Path) -> Result<Option<Self>, String> {
        let place = Self::path_for(capture);
        let say = |what: String| {
            format!(
                "{}: {what}; delete it, or capture again, to have names",
                place.display()
            )
        };
        let file = match File::open(&place) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            other => other.map_err(|error| say(error.to_string()))?,
        };
        if !file
            .metadata()
            .map_err(|error| say(error.to_string()))?
            .is_file()
        {
            return Err(say("is not a regular file".into()));
        }
        let mut text = Vec::new();
        file.take(MAX_BYTES + 1)
            .read_to_end(&mut text)
            .map_err(|error| say(error.to_string()))?;
        if text.len() as u64 > MAX_BYTES {
            return Err(say(format!(
                "is larger than {MAX_BYTES} bytes, so no sidecar"
            )));
        }
        let found: Self = serde_json::from_slice(&text)
            .map_err(|error| say(format!("is not a sidecar that can be read: {error}")))?;
        if found.schema == SCHEMA {
            Ok(Some(found))
        } else {
            Err(say(format!(
                "has schema {:?} where {SCHEMA:?} is read",
                found.schema
            )))
        }
    }

    /// Why this sidecar does not belong to a capture of that many packets and bytes with
    /// those earliest and latest times (nanoseconds since the epoch); `None` if it fits.
    #[must_use]
    pub fn stale(
        &self,
        packets: u64,
        file_bytes: u64,
        first_time_ns: Option<i64>,
        last_time_ns: Option<i64>,
    ) -> Option<String> {
        let time = |value: Option<i64>| value.map_or("none".into(), |ns| format!("{ns} ns"));
        if self.packets != packets {
            return Some(format!(
                "it is for {} packets, the file has {packets}",
                self.packets
            ));
        }
        if self.file_bytes != file_bytes {
            return Some(format!(
                "it is for {} bytes, the file has {file_bytes}",
                self.file_bytes
            ));
        }
        for (which, said, found) in [
            ("first", self.first_time_ns, first_time_ns),
            ("last", self.last_time_ns, last_time_ns),
        ] {
            if said != found {
                let (said, found) = (time(said), time(found));
                return Some(format!("its {which} time is {said}, the file's is {found}"));
            }
        }
        None
    }
}

/// `path` with text appended to its last part.
fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut text = OsString::from(path);
    text.push(suffix);
    PathBuf::from(text)
}

/// Writes a file that must not exist yet, through to the disk.
fn write_new(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> Sidecar {
        Sidecar {
            schema: SCHEMA.into(),
            packets: 12,
            file_bytes: 1_500,
            first_time_ns: Some(1_795_405_208_950_000_000),
            last_time_ns: Some(1_795_405_208_950_000_009),
            interfaces: vec![SidecarInterface {
                ifindex: 1,
                name: "lo".into(),
                arphrd: Some(772),
                packets: 12,
                from_ns: None,
                mac: None,
                mtu: Some(65_536),
                link: Some(LinkCounters::default()),
            }],
            received: Some(12),
            dropped: None,
            lost_to_disk: Some(0),
            filtered: None,
            left_in_kernel: None,
            filter: "tcp port 50007".into(),
            system: None,
        }
    }

    #[test]
    fn what_is_written_is_read_back_and_nothing_else_is_left() {
        let folder = tempfile::tempdir().expect("a folder");
        let capture = folder.path().join("a.pcap");
        assert_eq!(Sidecar::read(&capture), Ok(None));
        sample().write(&capture).expect("written");
        sample().write(&capture).expect("an old one is replaced");
        assert_eq!(Sidecar::read(&capture), Ok(Some(sample())));
        let names: Vec<_> = fs::read_dir(folder.path())
            .expect("listed")
            .map(|e| e.expect("entry").file_name())
            .collect();
        assert_eq!(names, ["a.pcap.meta.json"]);
    }

    #[test]
    fn path_is_the_whole_name_and_a_suffix() {
        assert_eq!(
            Sidecar::path_for(Path::new("d/a.pcap")),
            Path::new("d/a.pcap.meta.json")
        );
        assert_eq!(
            Sidecar::path_for(Path::new("plain")),
            Path::new("plain.meta.json")
        );
    }

    #[test]
    fn what_is_no_sidecar_is_refused_by_name() {
        let folder = tempfile::tempdir().expect("a folder");
        let capture = folder.path().join("a.pcap");
        let mut other = sample();
        other.schema = "echotrace.sidecar/9".into();
        let large = " ".repeat(MAX_BYTES as usize + 1).into_bytes();
        for (bytes, word) in [
            (b"not json".to_vec(), "not a sidecar"),
            (b"{}".to_vec(), "missing field"),
            (
                serde_json::to_vec(&other).expect("json"),
                "echotrace.sidecar/9",
            ),
            (large, "larger than"),
        ] {
            fs::write(Sidecar::path_for(&capture), bytes).expect("written");
            let error = Sidecar::read(&capture).expect_err(word);
            assert!(
                error.contains(word) && error.contains("a.pcap.meta.json"),
                "{error}"
            );
        }
        fs::remove_file(Sidecar::path_for(&capture)).expect("removed");
        fs::create_dir(Sidecar::path_for(&capture)).expect("made");
        assert!(
            Sidecar::read(&capture)
                .expect_err("a folder")
                .contains("regular file")
        );
    }

    #[test]
    fn each_difference_makes_it_stale() {
        let sidecar = sample();
        let (first, last) = (sidecar.first_time_ns, sidecar.last_time_ns);
        assert_eq!(sidecar.stale(12, 1_500, first, last), None);
        for (found, word) in [
            (sidecar.stale(11, 1_500, first, last), "11"),
            (sidecar.stale(12, 1_501, first, last), "1501"),
            (sidecar.stale(12, 1_500, None, last), "first time"),
            (sidecar.stale(12, 1_500, first, Some(7)), "7 ns"),
        ] {
            assert!(
                found.as_deref().is_some_and(|text| text.contains(word)),
                "{found:?} {word}"
            );
        }
    }

    #[test]
    fn a_place_that_cannot_be_written_is_an_error_and_leaves_nothing() {
        let folder = tempfile::tempdir().expect("a folder");
        let capture = folder.path().join("a.pcap");
        fs::create_dir(Sidecar::path_for(&capture)).expect("made");
        assert!(sample().write(&capture).is_err());
        assert_eq!(fs::read_dir(folder.path()).expect("listed").count(), 1);
    }
}
