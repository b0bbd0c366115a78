//! What went wrong with inputs: said on standard error, and kept for the exit status.

use std::io::{self, ErrorKind};
use std::path::Path;

use nix::errno::Errno;

use super::super::Exit;
use crate::endpoint::console::note;
use crate::source::file::OpenError;
use crate::source::frame::{Damage, DamageKind};

/// Of all that went wrong the end that it makes.
#[derive(Default)]
pub(super) struct Trouble(Option<Exit>);

impl Trouble {
    pub(super) fn exit(&self) -> Option<Exit> {
        self.0
    }

    /// Of several files' ends the first of 4, 2, 3 that applies.
    pub(super) fn ends(&mut self, now: Exit) {
        let order = |exit: Exit| match exit {
            Exit::Permission => 0,
            Exit::Usage => 1,
            Exit::Incomplete => 2,
            Exit::Failed => 3,
            Exit::Done => 4,
        };
        let worse = self.0.filter(|before| order(*before) <= order(now));
        self.0 = Some(worse.unwrap_or(now));
    }

    /// A file that ends early.
    pub(super) fn damaged(&mut self, file: &Path, damage: &Damage) {
        let Damage {
            offset,
            needed,
            available,
            reason,
            packets_before,
            kind,
        } = damage;
        let (those, are) = match packets_before {
            1 => ("1 packet".to_owned(), "is"),
            more => (format!("{more} packets"), "are"),
        };
        let lacking = match available < needed {
            true => format!(": {needed} bytes needed, {available} there"),
            false => String::new(),
        };
        let Some(then) = remedy(*kind, *offset) else {
            complain(
                file,
                &format!(
                    "{reason}: the {those} {are} analysed as read; fetch the file again from where it was made"
                ),
            );
            return self.ends(Exit::Incomplete);
        };
        complain(
            file,
            &format!(
                "{reason} at offset {offset}{lacking}; the {those} before it {are} analysed, {then} for the rest"
            ),
        );
        self.ends(Exit::Incomplete);
    }

    /// A file that cannot be read at all.
    pub(super) fn refused(&mut self, file: &Path, e: &OpenError) {
        match e {
            OpenError::Io(e) => self.not_read(file, e),
            _ => {
                complain(file, &e.to_string());
                self.ends(Exit::Usage);
            }
        }
    }

    /// A file or folder that the system does not give.
    pub(super) fn not_read(&mut self, path: &Path, e: &io::Error) {
        let is = |errno: Errno| e.raw_os_error() == Some(errno as i32);
        let (hint, exit) = match e.kind() {
            _ if is(Errno::EMFILE) => (
                "raise the number of open files with ulimit -n, or leave --merge out",
                Exit::Usage,
            ),
            ErrorKind::PermissionDenied => (
                "read it with sudo, or let its owner give you the right",
                Exit::Permission,
            ),
            _ if is(Errno::ELOOP) || is(Errno::ENOENT) && path.is_symlink() => {
                ("check where the link leads", Exit::Usage)
            }
            ErrorKind::NotFound | ErrorKind::NotADirectory | ErrorKind::InvalidFilename => {
                ("check the name", Exit::Usage)
            }
            ErrorKind::IsADirectory => ("name the files in it", Exit::Usage),
            _ => ("try again or copy the file", Exit::Usage),
        };
        complain(path, &format!("{e}; {hint}"));
        self.ends(exit);
    }
}

/// What gives the rest of a file that is damaged at this offset; none where all of it was read.
fn remedy(kind: DamageKind, offset: u64) -> Option<String> {
    Some(match kind {
        DamageKind::Doubt => return None,
        DamageKind::Container => "copy the file or record again".to_owned(),
        DamageKind::Joined { compression } => {
            // counts from 1
            let from = offset + 1;
            let tail = match compression {
                None => format!("tail -c +{from} FILE"),
                Some(it) => format!("{} -dc FILE | tail -c +{from}", it.name()),
            };
            format!("give that a file of its own ({tail})")
        }
        DamageKind::Compressed => "fetch or copy the file again".to_owned(),
        DamageKind::Followed => {
            "fetch the file again, or give what follows a file of its own".to_owned()
        }
        DamageKind::Asks => "decompress it first (zstd -d --long=31, or -D DICTIONARY)".to_owned(),
        DamageKind::Limit => "raise it".to_owned(),
        DamageKind::Input => "try again, or copy the file".to_owned(),
    })
}

pub(super) fn complain(file: &Path, what: &str) {
    let name = file.to_string_lossy();
    let file = crate::echo::escape::escape(&name);
    note(&format!("analyze: {file}: {what}"));
}
