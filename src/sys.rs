//! The only unsafe code: what libc must do.
#![allow(
    unsafe_code,
    reason = "a call that neither std nor nix nor the pcap crate offers"
)]

use std::io;
use std::os::fd::{AsRawFd, BorrowedFd};

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
    fn no_socket_and_no_program_are_errors() {
        let file = tempfile::tempfile().expect("a file");
        assert!(attach_filter(file.as_fd(), &[Instruction::REFUSE]).is_err());
        let socket = UdpSocket::bind("127.0.0.1:0").expect("bound");
        assert!(attach_filter(socket.as_fd(), &[]).is_err());
        assert!(attach_filter(socket.as_fd(), &[Instruction::REFUSE; 70_000]).is_err());
    }
}
