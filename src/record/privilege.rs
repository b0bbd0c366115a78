//! Once the capture is open, no right is needed any more: the program becomes the user whom
//! it works for, without any capability, and keeps to the folder that it writes into.

use std::fs::OpenOptions;
use std::io;
use std::os::fd::AsFd;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use nix::errno::Errno;
use nix::libc;
use nix::sys::prctl::set_no_new_privs;
use nix::unistd::{
    Gid, Uid, User, geteuid, getgid, getuid, initgroups, setgroups, setresgid, setresuid,
};

use crate::sys;

/// A user to become.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Caller {
    /// User id.
    pub uid: u32,
    /// Group id.
    pub gid: u32,
}

/// Who called sudo, from its variables; `None` outside sudo, and for root calling as root.
/// The variables are only looked at by root: anyone else could set them. A program that has
/// root's rights by its file's mode works for who started it.
#[must_use]
pub fn sudo_caller() -> Option<Caller> {
    if !getuid().is_root() && geteuid().is_root() {
        return Some(Caller {
            uid: getuid().as_raw(),
            gid: getgid().as_raw(),
        });
    }
    let number = |name: &str| std::env::var(name).ok();
    caller(
        getuid().is_root(),
        number("SUDO_UID").as_deref(),
        number("SUDO_GID").as_deref(),
    )
}

/// What is wrong where root's environment speaks of sudo in a way that names nobody, so that
/// what is made stays root's.
#[must_use]
pub fn sudo_names_nobody() -> Option<&'static str> {
    let text = |name: &str| std::env::var_os(name).map(|it| it.to_string_lossy().into_owned());
    let (uid, gid) = (text("SUDO_UID"), text("SUDO_GID"));
    if !getuid().is_root() {
        return None;
    }
    names_nobody(uid.as_deref(), gid.as_deref())
}

fn names_nobody(uid: Option<&str>, gid: Option<&str>) -> Option<&'static str> {
    let root = uid.is_some_and(|uid| uid.parse() == Ok(0_u32));
    match (uid, gid) {
        _ if root || caller(true, uid, gid).is_some() => None,
        (None, None) => None,
        (Some(_), None) => Some("SUDO_UID is set and SUDO_GID is missing"),
        (None, Some(_)) => Some("SUDO_GID is set and SUDO_UID is missing"),
        (Some(_), Some(_)) => Some("SUDO_UID and SUDO_GID name no user"),
    }
}

fn caller(root: bool, uid: Option<&str>, gid: Option<&str>) -> Option<Caller> {
    if !root {
        return None;
    }
    let uid = uid?.parse().ok().filter(|uid| *uid != 0)?;
    let gid = gid?.parse().ok()?;
    Some(Caller { uid, gid })
}

/// The user of that name or number.
///
/// # Errors
/// What is wrong with it.
pub fn user(name: &str) -> Result<Caller, String> {
    let found = match name.parse() {
        Ok(uid) => User::from_uid(Uid::from_raw(uid)),
        Err(_) => User::from_name(name),
    };
    match found {
        Ok(Some(user)) => Ok(Caller {
            uid: user.uid.as_raw(),
            gid: user.gid.as_raw(),
        }),
        Ok(None) => Err("no such user".into()),
        Err(errno) => Err(errno.to_string()),
    }
}

/// Gives up all rights that a capture needed to be opened: becomes that user, for good, and
/// lets go of all capabilities. An open capture goes on. Call it before a thread is started.
///
/// # Errors
/// Where the system refuses; the program must not go on then.
pub fn drop_rights(caller: Option<Caller>) -> io::Result<()> {
    // First what takes a right that the next step gives up.
    sys::drop_bounding_set();
    if let Some(caller) = caller {
        become_caller(caller)?;
    }
    sys::drop_capabilities()?;
    Ok(set_no_new_privs()?)
}

/// Becomes a user: groups, group and user, real, effective and saved. No way leads back.
pub(super) fn become_caller(caller: Caller) -> nix::Result<()> {
    let (uid, gid) = (Uid::from_raw(caller.uid), Gid::from_raw(caller.gid));
    match User::from_uid(uid) {
        Ok(Some(user)) => {
            let name = std::ffi::CString::new(user.name).map_err(|_| Errno::EINVAL)?;
            initgroups(&name, gid)?;
        }
        // A user of no known name has no further groups.
        _ => setgroups(&[gid])?,
    }
    setresgid(gid, gid, gid)?;
    setresuid(uid, uid, uid)
}

/// Keeps to the folder of the file that is written, and to none where none is. Best effort: an
/// older kernel has no Landlock.
pub fn stay_beside(file: Option<&Path>) {
    let mut options = OpenOptions::new();
    options.read(true);
    options.custom_flags(libc::O_PATH | libc::O_DIRECTORY);
    let folder = file.map(|file| match file.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    });
    // Without the folder nothing could be written there, and that will be told.
    if let Ok(folder) = folder.map(|folder| options.open(folder)).transpose() {
        let _ = sys::restrict_to_folder(folder.as_ref().map(AsFd::as_fd));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sudo_is_believed_by_root_alone_and_whole() {
        let someone = Some(Caller {
            uid: 1000,
            gid: 100,
        });
        assert_eq!(caller(true, Some("1000"), Some("100")), someone);
        assert_eq!(caller(false, Some("1000"), Some("100")), None);
        assert_eq!(caller(true, Some("0"), Some("0")), None);
        assert_eq!(caller(true, None, None), None);
        assert_eq!(caller(true, Some("1000"), None), None);
        assert_eq!(caller(true, Some("-1"), Some("100")), None);
        for (uid, gid) in [
            (Some("1000"), Some("100")),
            (Some("0"), Some("0")),
            (Some("0"), None),
            (None, None),
        ] {
            assert_eq!(names_nobody(uid, gid), None);
        }
        for (uid, gid, text) in [
            (Some("x"), Some("100"), "name no user"),
            (Some("1000"), None, "SUDO_GID is missing"),
            (None, Some("1"), "SUDO_UID is missing"),
        ] {
            assert!(names_nobody(uid, gid).is_some_and(|it| it.ends_with(text)));
        }
    }

    #[test]
    fn users_are_found_by_name_and_number() {
        let root = Caller { uid: 0, gid: 0 };
        assert_eq!((user("root"), user("0")), (Ok(root), Ok(root)));
        assert!(user("no such user").is_err());
        assert!(user("4294967295").is_err());
    }
}
