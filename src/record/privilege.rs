//! Under sudo, files belong to who called: after the capture is open, the program becomes
//! that user for good.

use nix::unistd::{Gid, Uid, User, getuid, initgroups, setgroups, setresgid, setresuid};

/// The user who called sudo.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Caller {
    /// User id, never 0.
    pub uid: u32,
    /// Group id.
    pub gid: u32,
}

/// Who called sudo, from its variables; `None` outside sudo, and for root calling as root.
/// The variables are only looked at by root: anyone else could set them.
pub fn sudo_caller() -> Option<Caller> {
    let number = |name: &str| std::env::var(name).ok();
    caller(
        getuid().is_root(),
        number("SUDO_UID").as_deref(),
        number("SUDO_GID").as_deref(),
    )
}

fn caller(root: bool, uid: Option<&str>, gid: Option<&str>) -> Option<Caller> {
    if !root {
        return None;
    }
    let uid = uid?.parse().ok().filter(|uid| *uid != 0)?;
    let gid = gid?.parse().ok()?;
    Some(Caller { uid, gid })
}

/// Becomes the caller: groups, group and user, real, effective and saved. No way leads back,
/// and with user 0 all capabilities go; an open capture goes on.
///
/// # Errors
/// Where the system refuses; the program must not go on then.
pub fn become_caller(caller: Caller) -> nix::Result<()> {
    let (uid, gid) = (Uid::from_raw(caller.uid), Gid::from_raw(caller.gid));
    match User::from_uid(uid) {
        Ok(Some(user)) => {
            let name = std::ffi::CString::new(user.name).map_err(|_| nix::errno::Errno::EINVAL)?;
            initgroups(&name, gid)?;
        }
        // A user of no known name has no further groups.
        _ => setgroups(&[gid])?,
    }
    setresgid(gid, gid, gid)?;
    setresuid(uid, uid, uid)
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
    }
}
