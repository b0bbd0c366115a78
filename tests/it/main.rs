//! The one integration binary.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod analyze;
mod answers;
mod bench;
#[cfg(feature = "live")]
mod capture;
mod corpus;
mod endpoint;
#[cfg(feature = "live")]
mod lab;
#[cfg(feature = "live")]
mod layers;
mod memory;
#[cfg(feature = "live")]
mod net;
mod scenarios;
mod structure;

/// Copies a program to where another user can run it. `cp` does it: a file that this process
/// had open for writing could be in the hands of a child that another test just started, and
/// then the kernel would refuse to run it.
fn copy_program(from: &std::path::Path, to: &std::path::Path) {
    let copied = std::process::Command::new("cp").arg(from).arg(to).status();
    assert!(copied.unwrap().success(), "cp {}", from.display());
}

/// Runs a command to its end and gives its standard output; fails where the command does.
fn must(command: &mut std::process::Command) -> String {
    let output = command
        .output()
        .unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(
        output.status.success(),
        "{command:?}: {}: {errors}",
        output.status
    );
    String::from_utf8_lossy(&output.stdout).into_owned()
}
