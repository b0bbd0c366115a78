//! The same report from any number of threads, and from the one that tells views.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use super::{Files, Ran, analyze};
use crate::must;

const THREADS: [&str; 3] = ["1", "2", "7"];

fn generate() -> PathBuf {
    Path::new(env!("CARGO_BIN_EXE_analyze")).with_file_name("examples/generate")
}

/// Makes captures of a few thousand packets; 90 conversations, some lines sent again.
fn made(files: &Files) -> Vec<PathBuf> {
    let make = |name: &str, arguments: &[&str]| {
        let path = files.path().join(name);
        let common = ["--packets=6000", "--conversations=90", "--active=60"];
        let mut command = Command::new(generate());
        must(command.args(common).args(arguments).arg("-w").arg(&path));
        path
    };
    let sll2 = make("sll2.pcap", &["--loss=30", "--seed=5"]);
    let ng = make(
        "ethernet.pcapng",
        &["--link-type=ethernet", "--container=pcapng", "--loss=30"],
    );
    let long = make("long.pcap", &["--payload=900..3000", "--link-type=sll"]);
    let packed = files.path().join("packed.pcap.gz");
    let gzip = must(Command::new("sh").arg("-c").arg(format!(
        "gzip -c {} > {}",
        sll2.display(),
        packed.display()
    )));
    assert_eq!(gzip, "");
    vec![sll2, ng, long, packed]
}

fn ran(threads: &str, options: &[&str], files: &[PathBuf]) -> Ran {
    let mut command = analyze();
    command
        .args(["--threads", threads, "--stats"])
        .args(options);
    command.args(files).output().expect("analyze runs").into()
}

/// Runs with each number of threads; all must give what the first does.
fn alike(options: &[&str], files: &[PathBuf]) -> Ran {
    let [first, others @ ..] = &THREADS.map(|threads| ran(threads, options, files));
    assert_eq!(first.code, Some(0), "{}", first.err);
    for other in others {
        assert!(other.out == first.out, "{options:?} {files:?}");
    }
    Ran {
        code: first.code,
        out: first.out.clone(),
        err: others[others.len() - 1].err.clone(),
    }
}

#[test]
fn a_report_is_the_same_with_any_number_of_threads() {
    let files = Files::new();
    let made = made(&files);
    for format in ["text", "json", "markdown"] {
        alike(&["--format", format], &made);
    }
    alike(&["--format=json", "--merge"], &made);
    alike(&["--format=json", "--sightings=all"], &made[..1]);
    // of 2,000 conversations each shard has room for few
    let path = files.path().join("wide.pcap");
    let wide = ["--packets=20000", "--conversations=2000"];
    must(Command::new(generate()).args(wide).arg("-w").arg(&path));
    let evicting = alike(&["--format=json", "--max-memory=1M"], &[path]);
    assert!(evicting.capture()["ledger"]["evicted_conversations"].as_u64() > Some(0));
}

#[test]
fn the_captures_of_the_project_are_the_same_with_any_number_of_threads() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("captures");
    alike(&["--format=json"], std::slice::from_ref(&folder));
    alike(&["--format=json", "--merge"], &[folder]);
}

/// Views are told in the order of the capture by one thread; the report beside them is that of
/// many.
#[test]
fn the_report_beside_views_is_that_of_threads() {
    let files = Files::new();
    let made = made(&files);
    let plain = ran("7", &["--format=json"], &made[..3]).report();
    let mut told = ran("7", &["--format=json", "--show=exchanges"], &made[..3]).report();
    for capture in told["captures"].as_array_mut().unwrap() {
        let rows = capture.as_object_mut().unwrap().remove("rows");
        assert!(rows.is_some_and(|rows| !rows.as_array().unwrap().is_empty()));
    }
    assert!(plain == told);
}

/// A limit on processes, which binds all but root, may leave room for one thread only.
#[test]
fn a_report_is_the_same_where_the_system_gives_no_thread() {
    let files = Files::new();
    fs::set_permissions(files.path(), fs::Permissions::from_mode(0o755)).expect("set");
    // the build folder may be closed to others
    let program = files.path().join("analyze");
    crate::copy_program(env!("CARGO_BIN_EXE_analyze").as_ref(), &program);
    let made = made(&files);
    // enough for several threads to write rows
    let path = files.path().join("wide.pcap");
    let wide = ["--packets=20000", "--conversations=2000"];
    must(Command::new(generate()).args(wide).arg("-w").arg(&path));
    for file in [&path, &made[0]] {
        let mut alone = Command::new("setpriv");
        alone.args(["--reuid", "65533", "--regid", "65533", "--clear-groups"]);
        alone.args(["prlimit", "--nproc=1"]).arg(&program);
        alone.args(["--format=json", "--threads=7"]).arg(file);
        let alone = Ran::from(alone.output().expect("setpriv is installed"));
        let many = ran("7", &["--format=json"], std::slice::from_ref(file));
        assert_eq!((alone.code, &*alone.err), (Some(0), ""));
        assert!(alone.out == many.out);
    }
}

#[test]
fn several_threads_and_shards_have_packets_however_small_the_capture() {
    let files = Files::new();
    let path = files.path().join("small.pcap");
    let few = ["--packets=60", "--conversations=6"];
    must(Command::new(generate()).args(few).arg("-w").arg(&path));
    let packed = format!("gzip -k {}", path.display());
    must(Command::new("sh").arg("-c").arg(packed));
    let packed = files.path().join("small.pcap.gz");
    let each = [("2", 2), ("7", 7)].into_iter();
    for (path, (threads, most)) in each.flat_map(|it| [(&path, it), (&packed, it)]) {
        let ran = ran(threads, &["--format=json"], std::slice::from_ref(path));
        let line = ran.err.lines().find(|line| line.contains(" shards and "));
        let line = line.unwrap_or_else(|| panic!("{}", ran.err));
        let numbers: Vec<u64> = line
            .rsplit_once("small.pcap")
            .map(|(_, told)| {
                told.split(' ')
                    .filter_map(|word| word.parse().ok())
                    .collect()
            })
            .unwrap_or_default();
        let [shards, all, busy, threads, taken @ ..] = &numbers[..] else {
            panic!("{line}");
        };
        assert!((2..=6).contains(shards) && *all == 64, "{line}");
        assert!(*busy == most.min(*shards) && *threads == most, "{line}");
        assert_eq!(
            taken.iter().filter(|count| **count > 0).count() as u64,
            *busy
        );
        let packets = ran.capture()["tcp_packets"].as_u64();
        assert_eq!(Some(taken.iter().sum::<u64>()), packets, "{line}");
    }
    let none: Value = ran("0", &[], &[path]).code.into();
    assert_eq!(none, Value::from(2), "no threads are none");
}

/// A thread that begins when the one that decompresses has ended finds its part in the hands of
/// another one: neither waits for the other.
#[test]
fn threads_that_begin_late_do_not_wait_for_ever() {
    let files = Files::new();
    let path = files.path().join("one.pcap");
    let one = ["--packets=150000", "--conversations=1", "--payload=20..60"];
    must(Command::new(generate()).args(one).arg("-w").arg(&path));
    must(Command::new("zstd").args(["-1", "-q", "-k"]).arg(&path));
    let packed = files.path().join("one.pcap.zst");
    for turn in 0..20 {
        let mut command = Command::new("timeout");
        command.arg("20").arg(env!("CARGO_BIN_EXE_analyze"));
        command.args(["--format=json", "--threads", ["3", "4"][turn % 2]]);
        let ran = Ran::from(command.arg(&packed).output().expect("timeout runs"));
        assert_eq!(ran.code, Some(0), "{}", ran.err);
    }
}
