//! `-a` and `-b`: many files, and not a packet between them.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use echotrace::source::sidecar::Sidecar;
use nix::sys::signal::Signal;

use super::ledger::Stats;
use super::records::{all_read, numbers};
use super::{folder, start, stop};
use crate::must;
use crate::net::{Namespace, datagrams, numbered, random_port};

/// The captures in a folder, by name, and nothing half done beside them.
fn files(folder: &Path) -> Vec<PathBuf> {
    let mut names: Vec<PathBuf> = fs::read_dir(folder)
        .expect("listed")
        .map(|entry| entry.expect("an entry").path())
        .collect();
    names.sort();
    let part = names
        .iter()
        .find(|name| name.extension().is_some_and(|it| it == "part"));
    assert_eq!(part, None);
    names.retain(|name| {
        name.extension()
            .is_some_and(|it| it == "pcap" || it == "pcapng")
    });
    names
}

/// The numbers in the names, which else are dumpcap's.
fn numbers_in_names(files: &[PathBuf], extension: &str) -> Vec<u32> {
    files
        .iter()
        .map(|file| {
            let name = file.file_name().expect("a name").to_str().expect("text");
            let name = name.strip_suffix(extension).expect("an extension");
            let (number, time) = name
                .strip_prefix("a_")
                .and_then(|it| it.split_once('_'))
                .expect(name);
            assert!(
                number.len() == 5 && time.len() == 14 && time.parse::<u64>().is_ok(),
                "{name}"
            );
            number.parse().expect("a number")
        })
        .collect()
}

#[test]
fn under_load_the_files_numbers_and_the_drops_make_the_whole() {
    const SENT: u32 = 30_000;
    for extension in [".pcap", ".pcapng"] {
        let (namespace, folder, port) = (Namespace::new(), folder(), random_port());
        let (file, json) = (
            folder.path().join(format!("a{extension}")),
            folder.path().join("json"),
        );
        let filter = format!("udp port {port}");
        let words = [
            "-b",
            "filesize:700",
            "--stats-json",
            json.to_str().expect("text"),
            &filter,
        ];
        let program = start(&namespace, &words, &file);
        must(&mut numbered(&namespace, "127.0.0.1", (port, SENT), 120, 0));
        let errors = stop(program, Signal::SIGTERM);
        let stats = Stats::read(&json);
        assert_eq!(stats.received, u64::from(SENT), "{errors}");
        let files = files(folder.path());
        assert!(files.len() >= 7, "{files:?}");
        let count = files.len() as u32;
        assert_eq!(
            numbers_in_names(&files, extension),
            (1..=count).collect::<Vec<_>>()
        );
        let all: Vec<u64> = files.iter().flat_map(|file| numbers(file)).collect();
        assert!(all.is_sorted_by(|a, b| a < b), "in order, and none twice");
        assert_eq!(
            all.len() as u64 + stats.dropped_by_kernel + stats.lost_to_disk,
            u64::from(SENT)
        );
        assert_eq!(stats.written, all.len() as u64);
        for file in &files[..files.len() - 1] {
            let bytes = fs::metadata(file).expect("there").len();
            assert!(
                (700_000..703_000).contains(&bytes),
                "{}: {bytes}",
                file.display()
            );
        }
        all_read(&files[0]);
        all_read(&files[files.len() - 1]);
        if extension == ".pcap" {
            their_sidecars_make_the_whole(&files, &stats);
        }
    }
}

fn their_sidecars_make_the_whole(files: &[PathBuf], stats: &Stats) {
    let sidecars: Vec<Sidecar> = files
        .iter()
        .map(|file| Sidecar::read(file).expect("readable").expect("there"))
        .collect();
    let sum = |of: fn(&Sidecar) -> Option<u64>| sidecars.iter().filter_map(of).sum::<u64>();
    assert_eq!(sum(|it| it.received), stats.received);
    assert_eq!(sum(|it| it.dropped), stats.dropped_by_kernel);
    assert_eq!(sum(|it| it.lost_to_disk), stats.lost_to_disk);
    for (sidecar, file) in sidecars.iter().zip(files) {
        assert_eq!(sidecar.packets, numbers(file).len() as u64);
        assert_eq!(sidecar.file_bytes, fs::metadata(file).expect("there").len());
        assert_eq!(sidecar.interfaces[0].name, "lo");
        let parts = [sidecar.dropped, sidecar.lost_to_disk, sidecar.filtered];
        let parts: u64 = parts.into_iter().flatten().sum();
        assert_eq!(sidecar.received, Some(sidecar.packets + parts));
    }
}

#[test]
fn files_of_so_many_packets_have_exactly_so_many_and_a_ring_keeps_the_latest() {
    let (namespace, folder, port) = (Namespace::new(), folder(), random_port());
    let file = folder.path().join("a.pcap");
    let filter = format!("udp port {port}");
    let words = ["-b", "packets:100", "-b", "files:3", &filter];
    let program = start(&namespace, &words, &file);
    must(&mut numbered(&namespace, "127.0.0.1", (port, 1_050), 60, 1));
    stop(program, Signal::SIGTERM);
    let files = files(folder.path());
    assert_eq!(numbers_in_names(&files, ".pcap"), [9, 10, 11]);
    let counts: Vec<usize> = files.iter().map(|file| numbers(file).len()).collect();
    assert_eq!(counts, [100, 100, 50]);
    let all: Vec<u64> = files.iter().flat_map(|file| numbers(file)).collect();
    assert_eq!(all, (800..1_050).collect::<Vec<u64>>());
    let left = fs::read_dir(folder.path()).expect("listed").count();
    assert_eq!(left, 6, "sidecars go with their files");
}

#[test]
fn it_ends_when_so_many_files_are_full() {
    let (namespace, folder, port) = (Namespace::new(), folder(), random_port());
    let (file, json) = (folder.path().join("a.pcapng"), folder.path().join("json"));
    let filter = format!("udp port {port}");
    let words = ["-b", "packets:10", "-a", "files:2", "--stats-json"];
    let words = [&words[..], &[json.to_str().expect("text"), &filter]].concat();
    let program = start(&namespace, &words, &file);
    datagrams(&namespace, "127.0.0.1", port, 100, 60);
    let (status, errors) = program.end();
    assert_eq!(status.code(), Some(0), "{errors}");
    let files = files(folder.path());
    assert_eq!(
        files.iter().map(|file| all_read(file)).collect::<Vec<_>>(),
        [10, 10]
    );
    let stats = Stats::read(&json);
    assert_eq!((stats.written, stats.captured), (20, 20));
    assert_eq!(
        stats.filtered_by_us,
        stats.received - 20 - stats.dropped_by_kernel
    );
}

#[test]
fn a_size_ends_a_single_file_behind_the_packet_that_reaches_it() {
    for name in ["a.pcap", "a.pcapng"] {
        let (namespace, folder, port) = (Namespace::new(), folder(), random_port());
        let file = folder.path().join(name);
        let filter = format!("udp port {port}");
        let program = start(&namespace, &["-a", "filesize:100", &filter], &file);
        datagrams(&namespace, "127.0.0.1", port, 300, 900);
        let (status, errors) = program.end();
        assert_eq!(status.code(), Some(0), "{errors}");
        let bytes = fs::metadata(&file).expect("there").len();
        assert!((100_000..102_000).contains(&bytes), "{bytes}");
        assert!((95..115).contains(&all_read(&file)), "{errors}");
    }
}

#[test]
fn files_of_a_time_follow_each_other_also_without_packets() {
    let (namespace, folder, port) = (Namespace::new(), folder(), random_port());
    let file = folder.path().join("a.pcap");
    let filter = format!("udp port {port}");
    let program = start(
        &namespace,
        &["-b", "duration:0.3", "-a", "duration:1.4", &filter],
        &file,
    );
    must(&mut numbered(
        &namespace,
        "127.0.0.1",
        (port, 1_000),
        60,
        80,
    ));
    let (status, errors) = program.end();
    assert_eq!(status.code(), Some(0), "{errors}");
    let files = files(folder.path());
    assert!((4..=5).contains(&files.len()), "{files:?}");
    let all: Vec<u64> = files.iter().flat_map(|file| numbers(file)).collect();
    assert_eq!(all, (0..1_000).collect::<Vec<u64>>());
}

#[test]
fn an_interval_begins_files_on_the_second() {
    let (namespace, folder, port) = (Namespace::new(), folder(), random_port());
    let file = folder.path().join("a.pcap");
    let filter = format!("udp port {port}");
    let program = start(&namespace, &["-b", "interval:1", &filter], &file);
    must(&mut numbered(
        &namespace,
        "127.0.0.1",
        (port, 2_200),
        60,
        100,
    ));
    stop(program, Signal::SIGTERM);
    let files = files(folder.path());
    assert!((3..=4).contains(&files.len()), "{files:?}");
    let mut seconds = BTreeMap::new();
    for file in &files {
        let sidecar = Sidecar::read(file).expect("readable").expect("there");
        if let (Some(first), Some(last)) = (sidecar.first_time_ns, sidecar.last_time_ns) {
            // Packets that wait for the writer when the second ends stand in the next file.
            assert!(last - first < 1_300_000_000, "{sidecar:?}");
            seconds.insert(last / 1_000_000_000, file);
        }
    }
    assert!(seconds.len() >= 2, "{seconds:?}");
}

#[test]
fn a_file_of_a_set_that_is_there_is_not_replaced() {
    let (namespace, folder, port) = (Namespace::new(), folder(), random_port());
    let file = folder.path().join("a.pcap");
    let filter = format!("udp port {port}");
    let program = start(&namespace, &["-b", "packets:5", &filter], &file);
    datagrams(&namespace, "127.0.0.1", port, 3, 60);
    // The name that the file will get is taken meanwhile.
    let part = fs::read_dir(folder.path())
        .expect("listed")
        .next()
        .expect("one")
        .expect("an entry");
    let name = part.path().with_extension("");
    fs::write(&name, "another's").expect("written");
    program.signal(Signal::SIGTERM);
    let (status, errors) = program.end();
    assert_eq!(status.code(), Some(3), "{errors}");
    assert!(errors.contains("its packets are in"), "{errors}");
    assert_eq!(fs::read(&name).expect("read"), b"another's");
    fs::rename(part.path(), folder.path().join("b.pcap")).expect("there");
    assert_eq!(numbers(&folder.path().join("b.pcap")).len(), 3);
}
