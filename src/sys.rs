//! The only unsafe code: what libc must do, memory that threads share while one fills it, and
//! libzstd where its crate has no call for it.
#![allow(
    unsafe_code,
    reason = "a call that neither std nor nix nor the pcap or zstd crate offers"
)]

pub mod ring;
pub mod unzstd;

use std::io;
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd};

use nix::libc;
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use nix::sys::signal::{SigHandler, Signal};
use nix::unistd::{ForkResult, Pid};

/// One instruction of classic BPF, as `struct sock_filter`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Instruction {
    /// Operation.
    pub code: u16,
    /// Instructions to skip if true.
    pub jt: u8,
    /// Instructions to skip if false.
    pub jf: u8,
    /// Operand.
    pub k: u32,
}

impl Instruction {
    /// Ends the program and keeps none of the packet.
    pub const REFUSE: Self = Self {
        code: 0x06,
        jt: 0,
        jf: 0,
        k: 0,
    };
}

/// Gives a socket a filter, in place of the one it has, in one step: packets that come are
/// judged by the old or by the new one. What the socket already holds stays.
///
/// # Errors
/// Where the descriptor is no socket, its filter is locked, or the kernel refuses the
/// program (none or more than 4,096 instructions, for one).
pub fn attach_filter(socket: BorrowedFd<'_>, program: &[Instruction]) -> io::Result<()> {
    let mut steps: Vec<libc::sock_filter> = program
        .iter()
        .map(|&Instruction { code, jt, jf, k }| libc::sock_filter { code, jt, jf, k })
        .collect();
    let len = u16::try_from(steps.len()).map_err(|_| io::ErrorKind::InvalidInput)?;
    let program = libc::sock_fprog {
        len,
        filter: steps.as_mut_ptr(),
    };
    // SAFETY: the kernel copies `program` and the `len` instructions it points to before the
    // call returns; both live until then, and the sizes are theirs.
    let result = unsafe {
        libc::setsockopt(
            socket.as_raw_fd(),
            libc::SOL_SOCKET,
            libc::SO_ATTACH_FILTER,
            (&raw const program).cast(),
            size_of_val(&program) as libc::socklen_t,
        )
    };
    if result == 0 {
        Ok(())
    } else {
        Err(io::Error::last_os_error())
    }
}

/// A descriptor that whoever started the program left open for it, to own it from now on. Ask
/// before another is opened, which could have its number. Programs that are started later do not
/// get it.
///
/// # Errors
/// Where it is not open, or is one of the standard streams.
pub fn inherited(fd: i32) -> io::Result<OwnedFd> {
    if fd < 3 {
        return Err(io::ErrorKind::InvalidInput.into());
    }
    // SAFETY: fcntl with these operations takes numbers alone.
    let open = unsafe { libc::fcntl(fd, libc::F_SETFD, libc::FD_CLOEXEC) };
    done(open.into())?;
    // SAFETY: it is open, and nothing of this process has opened it, so nothing else owns it.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}

/// A time of day where this machine is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LocalTime {
    /// Of our era.
    pub year: i32,
    /// From 1.
    pub month: i32,
    /// From 1.
    pub day: i32,
    /// From 0.
    pub hour: i32,
    /// From 0.
    pub minute: i32,
    /// From 0; 60 in a leap second.
    pub second: i32,
}

/// The time of day here at so many seconds since the epoch.
#[must_use]
pub fn local_time(seconds: i64) -> LocalTime {
    // SAFETY: `tm` is plain numbers and a pointer that may be null; zeros are a value of it.
    let mut tm: libc::tm = unsafe { std::mem::zeroed() };
    // SAFETY: both point to values that live until the call returns. It keeps what it reads of
    // the time zone for itself, under a lock of its own.
    unsafe { libc::localtime_r(&raw const seconds, &raw mut tm) };
    LocalTime {
        year: tm.tm_year + 1900,
        month: tm.tm_mon + 1,
        day: tm.tm_mday,
        hour: tm.tm_hour,
        minute: tm.tm_min,
        second: tm.tm_sec,
    }
}

/// Takes from this thread, and those it will start, the capabilities of the bounding and the
/// ambient set, as far as it has the right to: no program that they run gets them back.
pub fn drop_bounding_set() {
    let mut capability: libc::c_ulong = 0;
    // SAFETY: prctl with these operations takes numbers alone.
    unsafe {
        // Past the last capability, or without CAP_SETPCAP, it is refused.
        while libc::prctl(libc::PR_CAPBSET_DROP, capability, 0, 0, 0) == 0 {
            capability += 1;
        }
        libc::prctl(
            libc::PR_CAP_AMBIENT,
            libc::PR_CAP_AMBIENT_CLEAR_ALL,
            0,
            0,
            0,
        );
    }
}

/// Takes from this thread, and those it will start, all capabilities in force.
///
/// # Errors
/// Where the kernel does not let go of them.
pub fn drop_capabilities() -> io::Result<()> {
    /// `_LINUX_CAPABILITY_VERSION_3`, whose sets are two words each.
    const VERSION: u32 = 0x2008_0522;
    let header = [VERSION, 0];
    let sets = [0_u32; 6];
    // SAFETY: the kernel reads a header of two words and, in this version, sets of six.
    let result = unsafe { libc::syscall(libc::SYS_capset, header.as_ptr(), sets.as_ptr()) };
    done(result)
}

/// Forbids this thread, and those it will start, to change anything in the file system but
/// regular files below one folder, and to read any file outside it. `None` is no folder at all.
///
/// # Errors
/// Where the kernel has no Landlock, or refuses.
pub fn restrict_to_folder(folder: Option<BorrowedFd<'_>>) -> io::Result<()> {
    /// All rights of the first version: to execute, write, read and list, and to remove and
    /// make entries of each kind.
    const ALL: u64 = (1 << 13) - 1;
    /// To write and read files, list folders, and remove and make regular files.
    const FILES: u64 = 1 << 1 | 1 << 2 | 1 << 3 | 1 << 5 | 1 << 8;
    const RULE_PATH_BENEATH: libc::c_int = 1;
    /// `struct landlock_path_beneath_attr`, packed.
    #[repr(C, packed)]
    struct Beneath {
        allowed: u64,
        parent: libc::c_int,
    }
    let flags: libc::c_int = 0;
    // SAFETY: the attribute is one word, and its size is told.
    let ruleset = unsafe {
        let (all, size) = (ALL, size_of::<u64>());
        libc::syscall(
            libc::SYS_landlock_create_ruleset,
            &raw const all,
            size,
            flags,
        )
    };
    done(ruleset.min(0))?;
    // SAFETY: the kernel just gave this descriptor, and nobody else has it.
    let ruleset = unsafe { OwnedFd::from_raw_fd(ruleset as libc::c_int) };
    if let Some(folder) = folder {
        let rule = Beneath {
            allowed: FILES,
            parent: folder.as_raw_fd(),
        };
        // SAFETY: the attribute has the layout that this kind of rule has, and lives until the
        // call returns.
        done(unsafe {
            let (fd, rule) = (ruleset.as_raw_fd(), &raw const rule);
            libc::syscall(
                libc::SYS_landlock_add_rule,
                fd,
                RULE_PATH_BENEATH,
                rule,
                flags,
            )
        })?;
    }
    // SAFETY: numbers alone.
    done(unsafe { libc::syscall(libc::SYS_landlock_restrict_self, ruleset.as_raw_fd(), flags) })
}

/// The error that a system call told with a result other than 0.
fn done(result: libc::c_long) -> io::Result<()> {
    if result == 0 {
        Ok(())
    } else {
        Err(io::Error::last_os_error())
    }
}

/// Makes a process that runs `child` and ends, with status 127. What `child` holds is its copy.
/// Its signals have their default actions from the start, SIGPIPE included, but those that this
/// process was told to ignore by who started it.
///
/// # Errors
/// Where the system gives no process, or this one has threads: a lock that one of them holds
/// would stay held in the copy for ever.
pub fn fork(ours: &[Signal], child: impl FnOnce()) -> io::Result<Pid> {
    if std::fs::read_dir("/proc/self/task")?.count() != 1 {
        return Err(io::Error::other("this process has threads"));
    }
    // SAFETY: there is one thread, so the copy's memory is as consistent as this one's.
    match unsafe { nix::unistd::fork() }? {
        ForkResult::Parent { child } => Ok(child),
        ForkResult::Child => {
            for signal in ours.iter().chain(&[Signal::SIGPIPE]) {
                // SAFETY: the default action runs no code of this program.
                let _ = unsafe { nix::sys::signal::signal(*signal, SigHandler::SigDfl) };
            }
            // A panic must not unwind into the caller's copy.
            let _ = std::panic::catch_unwind(std::panic::AssertUnwindSafe(child));
            // SAFETY: ends the copy without running what is due at the end of this process.
            unsafe { libc::_exit(127) }
        }
    }
}

/// Ends this process now: nothing that is due at its end is done, and what libc or std hold for
/// standard output is lost.
pub fn exit_now(status: u8) -> ! {
    // SAFETY: it does not return, and runs no code of this process.
    unsafe { libc::_exit(status.into()) }
}

/// Lets no descriptor from `first` on go to what this process becomes by execve(2).
///
/// # Errors
/// Where the kernel is older than 5.11.
pub fn close_at_exec(first: u32) -> nix::Result<()> {
    // SAFETY: no descriptor is closed now, so whoever holds one goes on as before.
    let result = unsafe {
        libc::syscall(
            libc::SYS_close_range,
            first,
            libc::c_uint::MAX,
            libc::CLOSE_RANGE_CLOEXEC,
        )
    };
    nix::errno::Errno::result(result).map(|_| ())
}

/// Lets the process have at least so many files open, as far as its hard limit allows; tells
/// how many it may have then.
pub fn raise_open_files(wanted: u64) -> u64 {
    let Ok((soft, hard)) = getrlimit(Resource::RLIMIT_NOFILE) else {
        return wanted;
    };
    let raised = wanted.min(hard);
    if soft < raised && setrlimit(Resource::RLIMIT_NOFILE, raised, hard).is_ok() {
        return raised;
    }
    soft
}

/// The wide registers that most processors have, but not all that this is compiled for.
pub mod wide {
    /// Work that gains by them.
    pub trait Work {
        /// Does it. This is compiled for processors with them and for those without, so it has to
        /// be inlined always, with all that it calls.
        fn run(self);
    }

    /// Does it with them, if this processor has them.
    #[inline(always)]
    pub fn run(work: impl Work) {
        #[cfg(target_arch = "x86_64")]
        {
            #[target_feature(enable = "avx2")]
            fn with_avx2(work: impl Work) {
                work.run();
            }
            if std::arch::is_x86_feature_detected!("avx2") {
                // SAFETY: the processor has what this is compiled for.
                return unsafe { with_avx2(work) };
            }
        }
        work.run();
    }
}

/// Asks for a value's memory, so that it is near once it is wanted; nothing else comes of it.
#[inline(always)]
pub fn prefetch<T>(value: &T) {
    lines((&raw const *value).cast(), size_of::<T>());
}

/// The same for `count` values from `at` on, be they in the list or not.
#[inline(always)]
pub fn prefetch_from<T>(list: &[T], at: usize, count: usize) {
    let start = list.as_ptr().wrapping_add(at).cast();
    lines(start, count * size_of::<T>());
}

/// Asks for some bytes of memory; how many is known when the program is built, so no loop is left.
#[inline(always)]
fn lines(start: *const i8, bytes: usize) {
    #[cfg(target_arch = "x86_64")]
    {
        use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        const LINE: usize = 64;
        let ask = |at: usize| {
            // SAFETY: a hint that reads nothing and faults nowhere, whatever the address.
            unsafe { _mm_prefetch::<_MM_HINT_T0>(start.wrapping_add(at)) };
        };
        (0..bytes.div_ceil(LINE)).for_each(|line| ask(line * LINE));
        // it mostly begins within a line, and ends in one more than it is long
        if bytes > 1 {
            ask(bytes - 1);
        }
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = (start, bytes);
}

#[cfg(test)]
mod tests {
    use std::net::UdpSocket;
    use std::os::fd::AsFd;
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_refusing_socket_keeps_what_it_holds_and_takes_no_more() {
        let receiver = UdpSocket::bind("127.0.0.1:0").expect("bound");
        let sender = UdpSocket::bind("127.0.0.1:0").expect("bound");
        let to = receiver.local_addr().expect("an address");
        sender.send_to(b"before", to).expect("sent");
        attach_filter(receiver.as_fd(), &[Instruction::REFUSE]).expect("a socket takes a filter");
        // A datagram that a filter refuses is an error or none, by kernel; either way gone.
        let _ = sender.send_to(b"after", to);
        receiver
            .set_read_timeout(Some(Duration::from_millis(50)))
            .expect("set");
        let mut buffer = [0; 16];
        assert_eq!(receiver.recv(&mut buffer).expect("held"), 6);
        assert!(receiver.recv(&mut buffer).is_err());
    }

    #[test]
    fn the_epoch_is_a_day_in_any_time_zone() {
        let epoch = local_time(0);
        let day = (epoch.year, epoch.month, epoch.day);
        assert!([(1970, 1, 1), (1969, 12, 31)].contains(&day), "{epoch:?}");
    }

    #[test]
    fn a_restricted_thread_makes_files_in_its_folder_only() {
        let (inside, outside) = (tempfile::tempdir(), tempfile::tempdir());
        let (inside, outside) = (inside.expect("a folder"), outside.expect("a folder"));
        let folder = std::fs::File::open(inside.path()).expect("opened");
        // Restrictions are the thread's own, so the other tests go on as before.
        let thread = std::thread::spawn(move || {
            nix::sys::prctl::set_no_new_privs().expect("set");
            restrict_to_folder(Some(folder.as_fd())).expect("this kernel has Landlock");
            std::fs::write(inside.path().join("a"), "x").expect("allowed");
            std::fs::rename(inside.path().join("a"), inside.path().join("b")).expect("allowed");
            std::fs::remove_file(inside.path().join("b")).expect("allowed");
            let refused = std::fs::write(outside.path().join("a"), "x").expect_err("refused");
            assert_eq!(refused.kind(), io::ErrorKind::PermissionDenied);
            assert!(std::fs::read("/etc/passwd").is_err());
            assert!(std::fs::create_dir(inside.path().join("d")).is_err());
        });
        thread.join().expect("as said");
    }

    #[test]
    fn a_thread_without_capabilities_has_none_left() {
        let thread = std::thread::spawn(|| {
            drop_bounding_set();
            drop_capabilities().expect("dropped");
            let status = std::fs::read_to_string("/proc/thread-self/status").expect("read");
            let sets = status.lines().filter(|line| line.starts_with("Cap"));
            let kept: Vec<_> = sets
                .filter(|line| ["CapPrm", "CapEff", "CapBnd", "CapAmb"].contains(&&line[..6]))
                .filter(|line| !line.ends_with("\t0000000000000000"))
                .collect();
            assert!(kept.is_empty(), "{kept:?}");
        });
        thread.join().expect("as said");
    }

    #[test]
    fn no_socket_and_no_program_are_errors() {
        let file = tempfile::tempfile().expect("a file");
        assert!(attach_filter(file.as_fd(), &[Instruction::REFUSE]).is_err());
        let socket = UdpSocket::bind("127.0.0.1:0").expect("bound");
        assert!(attach_filter(socket.as_fd(), &[]).is_err());
        assert!(attach_filter(socket.as_fd(), &[Instruction::REFUSE; 70_000]).is_err());
    }
}
