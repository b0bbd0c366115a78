//! The combined program: its lines always come in the same order.

use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use super::programs::{Running, SERVER};

/// Cargo builds the examples with the tests, beside the programs.
fn proj() -> Command {
    let proj = Path::new(SERVER).with_file_name("examples").join("proj");
    assert!(
        proj.exists(),
        "{} is not there: cargo build --examples",
        proj.display()
    );
    Command::new(proj)
}

fn assert_order(stdout: &str) {
    let starts = [
        "[S]: Server socket created",
        "[S]: Server host name is ",
        "[S]: Server IP address is ",
        "[C]: Client socket created",
        "[S]: Got a connection request from a client at ('",
        "[C]: Data received from server: Welcome to CS 352!",
        "Done.",
    ];
    let lines: Vec<&str> = stdout.lines().collect();
    assert_eq!(lines.len(), starts.len(), "{stdout}");
    for (line, start) in lines.iter().zip(starts) {
        assert!(
            line.starts_with(start),
            "{line:?} where {start:?} belongs in {stdout}"
        );
    }
}

#[test]
fn the_order_is_the_courses_each_time() {
    for _ in 0..20 {
        let ended = Running::start(proj().args(["-p", "0"])).ended();
        assert_eq!(ended.code, Some(0), "{ended:?}");
        assert_order(&ended.stdout);
    }
}

#[test]
fn it_can_sleep_as_the_courses_does() {
    let began = Instant::now();
    let ended = Running::start(proj().args(["-p", "0", "--sleep", "0.2"])).ended();
    assert!(began.elapsed() >= Duration::from_millis(400));
    assert_order(&ended.stdout);
}

#[test]
fn a_port_in_use_ends_both_threads() {
    let taken = std::net::TcpListener::bind("0.0.0.0:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let ended = Running::start(proj().args(["-p", &port])).ended();
    assert_eq!((ended.code, ended.stdout.as_str()), (Some(2), ""));
    assert!(ended.stderr.contains("in use"), "{}", ended.stderr);
}
