//! The program `capture`, on traffic in namespaces of its own. Needs root, ip, nft, python3,
//! tshark, capinfos and tcpdump; fails without them.

use std::fs;
use std::io::Read;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use echotrace::source::sidecar::Sidecar;
use nix::sys::signal::Signal;
use tempfile::TempDir;

use crate::net::{
    Hooks, Namespace, PortCounter, Program, SmallDisk, datagrams, exchange, knock, must, random,
    random_port, tshark, veth,
};

const CAPTURE: &str = env!("CARGO_BIN_EXE_capture");
const LISTENING: &str = "listening on any, link-type LINUX_SLL2 (Linux cooked v2), \
                         snapshot length 262144 bytes";

/// Starts `capture WORDS… -w FILE` inside and waits until it listens.
fn start(namespace: &Namespace, words: &[&str], file: &Path) -> Program {
    let mut program = Program::start(namespace.command(CAPTURE).args(words).arg("-w").arg(file));
    program.wait_for("listening on ");
    program
}

/// Ends a capture by a signal and requires a normal end; gives its standard error.
fn stop(program: Program, signal: Signal) -> String {
    program.signal(signal);
    let (status, errors) = program.end();
    assert_eq!(status.code(), Some(0), "{errors}");
    errors
}

/// Runs `capture WORDS…` to its end in a folder; gives its exit code and standard error.
fn refused(folder: &Path, words: &[&str]) -> (Option<i32>, String) {
    let output = Command::new(CAPTURE).args(words).current_dir(folder).output().expect("run");
    assert!(output.stdout.is_empty(), "errors are no results");
    (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
}

/// Packets in a file, by tshark, which must not complain.
fn packets(file: &Path) -> u64 {
    tshark(file, &["frame.number"]).len() as u64
}

/// What `capture` printed before the noun: `12` of `12 packets captured`.
fn counted(errors: &str, noun: &str) -> u64 {
    errors
        .lines()
        .find(|line| line.ends_with(noun))
        .and_then(|line| line.split(' ').next()?.parse().ok())
        .unwrap_or_else(|| panic!("no count of {noun:?}: {errors}"))
}

fn folder() -> TempDir {
    tempfile::tempdir().expect("a folder")
}

#[test]
fn fifty_times_every_packet_the_kernel_counted_is_in_the_file() {
    let (namespace, folder) = (Namespace::new(), folder());
    for round in 0..50 {
        // Each round has a hundred of its own, so none meets what another left.
        let port = 20_000 + round * 100 + (random() % 100) as u16;
        let file = folder.path().join(format!("{round}.pcap"));
        let words = ["--port", &port.to_string()];
        let program = start(&namespace, &words, &file);
        let counter = PortCounter::new(&namespace, port, Hooks::Input);
        exchange(&namespace, if round % 2 == 0 { "127.0.0.1" } else { "::1" }, port);
        let errors = stop(program, Signal::SIGTERM);
        let expected = counter.packets();
        assert!(expected >= 10, "a conversation has a beginning and an end: {expected}");
        assert_eq!(packets(&file), expected, "round {round}: {errors}");
        assert_eq!(counted(&errors, "captured"), expected);
        assert_eq!(counted(&errors, "received by filter"), expected);
        assert_eq!(counted(&errors, "dropped by kernel"), 0);
    }
}

#[test]
fn a_capture_says_what_it_is() {
    let (namespace, folder, port) = (Namespace::new(), folder(), random_port());
    let file = folder.path().join("a.pcap");
    let mut program = Program::start(
        namespace.command(CAPTURE).args(["--port", &port.to_string(), "-w"]).arg(&file),
    );
    assert_eq!(program.wait_for("listening"), LISTENING);
    exchange(&namespace, "127.0.0.1", port);
    let errors = stop(program, Signal::SIGINT);
    let count = packets(&file);
    let expected = format!(
        "{LISTENING}\n{count} packets captured\n{count} packets received by filter\n\
         0 packets dropped by kernel\nlo: {count} packets"
    );
    assert_eq!(errors, expected);
    let about = must(Command::new("capinfos").arg("-tE").arg(&file));
    assert!(
        about.contains("nanosecond pcap") && about.contains("cooked-mode capture v2"),
        "{about}"
    );
    assert_eq!(fs::read(&file).expect("read")[..4], 0xa1b2_3c4d_u32.to_le_bytes());
    assert_eq!(fs::metadata(&file).expect("there").permissions().mode() & 0o777, 0o600);
    // Loopback packets once each: as they arrive.
    let kinds = tshark(&file, &["sll.ifindex", "sll.pkttype", "sll.hatype"]);
    assert!(kinds.iter().all(|kind| kind == "1\t0\t772"), "{kinds:?}");
}

#[test]
fn the_sidecar_fits_its_file_and_no_other() {
    let (namespace, folder, port) = (Namespace::new(), folder(), random_port());
    let file = folder.path().join("plain");
    fs::write(Sidecar::path_for(&file), "an old one").expect("written");
    let port_text = port.to_string();
    let words = ["--host", "127.0.0.2", "--port", &port_text, "tcp", "or", "udp"];
    let program = start(&namespace, &words, &file);
    assert!(!Sidecar::path_for(&file).exists(), "an old sidecar goes at the start");
    exchange(&namespace, "127.0.0.2", port);
    exchange(&namespace, "127.0.0.1", port);
    stop(program, Signal::SIGTERM);
    let times: Vec<i64> = tshark(&file, &["frame.time_epoch"])
        .iter()
        .map(|text| text.replace('.', "").parse().expect("nanoseconds"))
        .collect();
    let count = times.len() as u64;
    let sidecar = Sidecar::read(&file).expect("readable").expect("written");
    let bytes = fs::metadata(&file).expect("there").len();
    let (first, last) = (times.first().copied(), times.last().copied());
    assert_eq!(sidecar.stale(count, bytes, first, last), None);
    assert!(sidecar.stale(count + 1, bytes, first, last).is_some());
    assert_eq!((sidecar.received, sidecar.dropped), (Some(count), Some(0)));
    assert_eq!(sidecar.filter, format!("(host 127.0.0.2 and tcp port {port}) and (tcp or udp)"));
    let [lo] = &sidecar.interfaces[..] else { panic!("{:?}", sidecar.interfaces) };
    assert_eq!((lo.ifindex, lo.name.as_str(), lo.arphrd, lo.packets), (1, "lo", Some(772), count));
    let addresses = tshark(&file, &["ip.addr"]);
    assert!(addresses.iter().all(|pair| pair.contains("127.0.0.2")), "{addresses:?}");
}

#[test]
fn pcapng_names_each_real_interface() {
    let (here, there, folder, port) = (Namespace::new(), Namespace::new(), folder(), random_port());
    let bridge = here.bridge("10.9.8.1/24");
    let (port_of_bridge, far) = veth(&here, &there);
    here.ip(&["link", "set", &port_of_bridge, "master", &bridge]);
    there.ip(&["addr", "add", "10.9.8.2/24", "dev", &far]);
    let file = folder.path().join("a.pcapng");
    let filter = format!("tcp port {port}");
    let program = start(&here, &[&filter], &file);
    knock(&there, "10.9.8.1", port, 3);
    exchange(&here, "10.9.8.1", port);
    let errors = stop(program, Signal::SIGTERM);
    let rows =
        tshark(&file, &["frame.interface_name", "sll.ifindex", "frame.packet_flags_direction"]);
    for (name, directions) in [("lo", &[1][..]), (&bridge, &[1, 2]), (&port_of_bridge, &[1, 2])] {
        let index = here.index(name);
        let of_it: Vec<_> =
            rows.iter().filter(|row| row.split('\t').next() == Some(name)).collect();
        assert!(of_it.len() >= 6, "{name}: {rows:?}");
        for row in &of_it {
            let fields: Vec<_> = row.split('\t').collect();
            assert_eq!(fields[1], index.to_string(), "{row}");
        }
        for direction in directions {
            let ending = format!("{direction:08x}");
            assert!(
                of_it.iter().any(|row| row.ends_with(&ending)),
                "{name} {direction}: {of_it:?}"
            );
        }
        assert!(errors.contains(&format!("{name}: {} packets", of_it.len())), "{errors}");
    }
    check_about(&file, &filter);
    assert!(!Sidecar::path_for(&file).exists(), "pcapng holds the names itself");
    must(Command::new("tcpdump").arg("-nr").arg(&file));
}

/// capinfos reads sections, descriptions and statistics, and finds them whole.
fn check_about(file: &Path, filter: &str) {
    let about = must(Command::new("capinfos").arg(file));
    for (text, times) in [
        ("Capture application: capture (echotrace", 1),
        ("Number of interfaces in file: 3", 1),
        ("Time precision = nanoseconds (9)", 3),
        ("Number of stat entries = 1", 3),
        (&format!("Filter string = {filter}"), 3),
        ("Operating system = Linux", 3),
        ("Capture length = 262144", 3),
    ] {
        assert_eq!(about.matches(text).count(), times, "{text}: {about}");
    }
}

#[test]
fn packets_of_a_veth_pair_are_those_that_nftables_counted() {
    let (here, there, folder, port) = (Namespace::new(), Namespace::new(), folder(), random_port());
    let (near, far) = veth(&here, &there);
    here.ip(&["addr", "add", "10.9.7.1/24", "dev", &near]);
    there.ip(&["addr", "add", "10.9.7.2/24", "dev", &far]);
    let counter = PortCounter::new(&here, port, Hooks::InputAndOutput);
    let file = folder.path().join("a.pcap");
    let program = start(&here, &["--port", &port.to_string()], &file);
    knock(&here, "10.9.7.2", port, 20);
    let errors = stop(program, Signal::SIGTERM);
    assert_eq!(counter.packets(), 40);
    assert_eq!(packets(&file), 40, "{errors}");
    assert!(errors.ends_with(&format!("{near}: 40 packets")), "{errors}");
}

#[test]
fn count_keeps_exactly_so_many() {
    let (namespace, folder, port) = (Namespace::new(), folder(), random_port());
    let file = folder.path().join("a.pcap");
    let program = start(&namespace, &["-c", "7", "--port", &port.to_string()], &file);
    exchange(&namespace, "127.0.0.1", port);
    let (status, errors) = program.end();
    assert_eq!(status.code(), Some(0), "{errors}");
    assert_eq!((packets(&file), counted(&errors, "captured")), (7, 7));
    assert_eq!(Sidecar::read(&file).expect("readable").expect("written").packets, 7);
}

#[test]
fn a_duration_ends_it_with_all_until_then() {
    let (namespace, folder, port) = (Namespace::new(), folder(), random_port());
    let file = folder.path().join("a.pcap");
    let words = ["-a", "duration:1.5", "--port", &port.to_string()];
    let program = start(&namespace, &words, &file);
    let counter = PortCounter::new(&namespace, port, Hooks::Input);
    exchange(&namespace, "127.0.0.1", port);
    let (status, errors) = program.end();
    assert_eq!(status.code(), Some(0), "{errors}");
    assert_eq!(packets(&file), counter.packets());
}

#[test]
fn hangup_ends_it_unless_it_is_ignored() {
    let (namespace, folder, port) = (Namespace::new(), folder(), random_port());
    let file = folder.path().join("a.pcap");
    stop(start(&namespace, &["--port", "7"], &file), Signal::SIGHUP);
    assert_eq!(packets(&file), 0, "a capture without packets is a file that can be read");
    let script = format!("trap '' HUP; exec {CAPTURE} --port {port} -w \"$0\"");
    let mut program = Program::start(namespace.command("sh").args(["-c", &script]).arg(&file));
    program.wait_for("listening");
    program.signal(Signal::SIGHUP);
    exchange(&namespace, "127.0.0.1", port);
    stop(program, Signal::SIGTERM);
    assert!(packets(&file) >= 10);
}

#[test]
fn directions_on_one_interface_are_judged_by_the_kernel() {
    let (namespace, folder, port) = (Namespace::new(), folder(), random_port());
    let counter = PortCounter::new(&namespace, port, Hooks::Input);
    let mut before = 0;
    for (name, words) in [("a.pcap", &[][..]), ("b.pcapng", &["inbound"])] {
        let file = folder.path().join(name);
        let port_text = port.to_string();
        let words = [&["-i", "lo", "--port", &port_text], words].concat();
        let program = start(&namespace, &words, &file);
        exchange(&namespace, "127.0.0.1", port);
        let errors = stop(program, Signal::SIGTERM);
        let expected = counter.packets() - before;
        before += expected;
        assert!(errors.starts_with("listening on lo, link-type EN10MB (Ethernet)"), "{errors}");
        assert_eq!((packets(&file), counted(&errors, "received by filter")), (expected, expected));
        assert!(tshark(&file, &["eth.type"]).iter().all(|kind| kind == "0x0800"));
    }
    let named = tshark(&folder.path().join("b.pcapng"), &["frame.interface_name"]);
    assert!(named.iter().all(|name| name == "lo"));
    let sidecar = Sidecar::read(&folder.path().join("a.pcap")).expect("readable").expect("written");
    assert_eq!((sidecar.interfaces[0].name.as_str(), sidecar.interfaces[0].arphrd), ("lo", None));
}

#[test]
fn snapshot_length_cuts_packets_and_keeps_their_length() {
    let (namespace, folder, port) = (Namespace::new(), folder(), random_port());
    let file = folder.path().join("a.pcap");
    let words = ["-s", "100", "udp", "port", &port.to_string()];
    let program = start(&namespace, &words, &file);
    datagrams(&namespace, "127.0.0.1", port, 3, 1000);
    stop(program, Signal::SIGTERM);
    assert_eq!(tshark(&file, &["frame.len", "frame.cap_len"]), ["1048\t100"; 3]);
}

#[test]
fn what_the_kernel_dropped_is_counted_and_adds_up() {
    let (namespace, folder, port) = (Namespace::new(), folder(), random_port());
    let filter = format!("udp port {port}");
    for (kib, drops) in [("1024", true), ("65536", false)] {
        let file = folder.path().join("a.pcap");
        let program = start(&namespace, &["-B", kib, &filter], &file);
        // While it cannot read, 3 MB come.
        program.signal(Signal::SIGSTOP);
        datagrams(&namespace, "127.0.0.1", port, 3000, 1000);
        program.signal(Signal::SIGCONT);
        let errors = stop(program, Signal::SIGTERM);
        let (captured, dropped) =
            (counted(&errors, "captured"), counted(&errors, "dropped by kernel"));
        assert_eq!(counted(&errors, "received by filter"), 3000);
        assert_eq!(captured + dropped, 3000, "{errors}");
        assert_eq!(dropped > 0, drops, "{errors}");
        assert_eq!(packets(&file), captured);
        let sidecar = Sidecar::read(&file).expect("readable").expect("written");
        assert_eq!((sidecar.received, sidecar.dropped), (Some(3000), Some(dropped)));
    }
}

#[test]
fn a_full_disk_leaves_a_whole_file_and_exit_3() {
    for name in ["a.pcap", "a.pcapng"] {
        let (namespace, disk, port) = (Namespace::new(), SmallDisk::new(1 << 20), random_port());
        let file = disk.path(name);
        let program = start(&namespace, &["udp", "port", &port.to_string()], &file);
        datagrams(&namespace, "127.0.0.1", port, 3000, 1000);
        let (status, errors) = program.end();
        assert_eq!(status.code(), Some(3), "{errors}");
        must(Command::new("tcpdump").arg("-nr").arg(&file));
        let kept = packets(&file);
        assert!((900..1000).contains(&kept), "{kept}: {errors}");
        let lost = counted(&errors, "captured") - kept;
        assert!(errors.contains("No space left on device"), "{errors}");
        assert!(
            errors.contains(&format!("{kept} whole packets are in it and {lost} are lost")),
            "{errors}"
        );
        assert!(errors.contains(&format!("lo: {kept} packets")), "{errors}");
    }
}

#[test]
fn a_file_size_limit_is_a_full_disk() {
    let (namespace, folder, port) = (Namespace::new(), folder(), random_port());
    let file = folder.path().join("a.pcap");
    // 100 units, of 512 or 1,024 bytes by shell.
    let script = format!("ulimit -f 100; exec {CAPTURE} udp port {port} -w \"$0\"");
    let mut program = Program::start(namespace.command("sh").args(["-c", &script]).arg(&file));
    program.wait_for("listening");
    datagrams(&namespace, "127.0.0.1", port, 300, 1000);
    let (status, errors) = program.end();
    assert_eq!(status.code(), Some(3), "{errors}");
    assert!(errors.contains("File too large"), "{errors}");
    let sidecar = Sidecar::read(&file).expect("readable").expect("what is there has its names");
    assert_eq!(sidecar.packets, packets(&file));
    assert_eq!(sidecar.file_bytes, fs::metadata(&file).expect("there").len());
}

#[test]
fn an_interface_that_goes_away_ends_it_with_what_there_was() {
    let (here, there, folder) = (Namespace::new(), Namespace::new(), folder());
    let (near, far) = veth(&here, &there);
    here.ip(&["addr", "add", "10.9.6.1/24", "dev", &near]);
    there.ip(&["addr", "add", "10.9.6.2/24", "dev", &far]);
    let file = folder.path().join("a.pcap");
    let port = random_port();
    let program = start(&here, &["-i", &near, "--port", &port.to_string()], &file);
    knock(&here, "10.9.6.2", port, 2);
    here.ip(&["link", "del", &near]);
    let (status, errors) = program.end();
    assert_eq!(status.code(), Some(3), "{errors}");
    assert!(errors.contains(&format!("capture: {near}: The interface")), "{errors}");
    assert_eq!(packets(&file), 4);
    let sidecar = Sidecar::read(&file).expect("readable").expect("written");
    assert_eq!(sidecar.interfaces[0].name, near);
}

#[test]
fn under_sudo_files_belong_to_the_caller_and_rights_are_gone() {
    let (namespace, folder, port) = (Namespace::new(), folder(), random_port());
    let caller = 4_242;
    let as_caller = |file: &Path| {
        let mut command = namespace.command(CAPTURE);
        command.envs([("SUDO_UID", "4242"), ("SUDO_GID", "4243")]);
        command.args(["--port", &port.to_string(), "-w"]).arg(file);
        command
    };
    let home = folder.path().join("home");
    fs::create_dir(&home).expect("made");
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).expect("set");
    fs::set_permissions(&home, fs::Permissions::from_mode(0o700)).expect("set");
    std::os::unix::fs::chown(&home, Some(caller), Some(4_243)).expect("given away");
    let file = home.join("a.pcap");
    let mut program = Program::start(&mut as_caller(&file));
    program.wait_for("listening");
    let status = fs::read_to_string(format!("/proc/{}/status", program.pid())).expect("it runs");
    for line in [
        "Uid:\t4242\t4242\t4242\t4242",
        "Gid:\t4243\t4243\t4243\t4243",
        "Groups:\t4243 ",
        "CapEff:\t0000000000000000",
        "CapPrm:\t0000000000000000",
    ] {
        assert!(status.lines().any(|found| found == line), "{line}: {status}");
    }
    exchange(&namespace, "127.0.0.1", port);
    stop(program, Signal::SIGTERM);
    assert!(packets(&file) >= 10);
    for path in [file.clone(), Sidecar::path_for(&file)] {
        let about = fs::metadata(&path).expect("there");
        assert_eq!((about.uid(), about.gid(), about.mode() & 0o777), (caller, 4_243, 0o600));
    }
    // What the caller may not write, sudo does not let through.
    let (status, errors) = Program::start(&mut as_caller(&folder.path().join("b.pcap"))).end();
    assert_eq!(status.code(), Some(4), "{errors}");
    assert!(errors.contains("b.pcap: Permission denied") && errors.contains("4242"), "{errors}");
}

#[test]
fn without_the_right_it_names_three_ways_to_get_it() {
    let folder = folder();
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o777)).expect("set");
    // The build folder may be closed to others.
    let program = folder.path().join("capture");
    fs::copy(CAPTURE, &program).expect("copied");
    let output = Command::new("setpriv")
        .args(["--reuid", "65534", "--regid", "65534", "--clear-groups"])
        .arg(&program)
        .args(["--port", "7", "-w", "a.pcap"])
        .current_dir(folder.path())
        .output()
        .expect("setpriv is installed");
    let errors = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(4), "{errors}");
    let program = program.display();
    for way in [
        format!("sudo {program} --port 7 -w a.pcap\n"),
        format!("sudo setcap cap_net_raw+ep {program} "),
        "sudo tcpdump -i any -w FILE, and then: analyze FILE\n".into(),
    ] {
        assert!(errors.contains(&way), "{way}: {errors}");
    }
    assert!(!folder.path().join("a.pcap").exists());
}

#[test]
fn what_cannot_be_done_is_said_with_exit_2() {
    let folder = folder();
    fs::create_dir(folder.path().join("made.pcap")).expect("made");
    for (words, texts) in [
        (
            &["-w", "a.pcap", "tcp", "prt", "80"][..],
            &["filter \"tcp prt 80\": ", "syntax error"][..],
        ),
        (
            &["-w", "a.pcap", "--port", "7", "tcp) or (udp"],
            &["filter \"tcp) or (udp\"", "syntax error"],
        ),
        (&["-w", "a.pcap", "-i", "no-such-if0"], &["no-such-if0: no such interface", "any, lo"]),
        (
            &["-w", "none/a.pcap", "-i", "lo"],
            &["none/a.pcap: No such file", "make its folder first"],
        ),
        (&["-w", "made.pcap", "-i", "lo"], &["made.pcap: Is a directory", "give another"]),
        (&["--port", "7"], &["--write <FILE>"]),
        (&["-w", "a.pcap", "--port", "0"], &["0 is not in 1..=65535"]),
        (&["-w", "a.pcap", "--host", "::1 or udp"], &["give one address or name"]),
        (&["-w", "a.pcap", "-a", "duration:0"], &["more than 0 seconds"]),
        (&["-w", "a.pcap", "-a", "filesize:10"], &["give duration:SECS"]),
        (&["-w", "a.pcap", "-c", "0"], &["0 is not in 1.."]),
        (&["-w", "a.pcap", "-s", "20"], &["give 64 to 262144"]),
        (&["-w", "a.pcap", "-B", "1"], &["1 is not in 64..=2097151"]),
    ] {
        let (code, errors) = refused(folder.path(), words);
        assert_eq!(code, Some(2), "{words:?}: {errors}");
        for text in texts {
            assert!(errors.contains(text), "{words:?}: {text}: {errors}");
        }
        assert!(!folder.path().join("a.pcap").exists(), "{words:?}");
    }
}

#[test]
fn help_is_a_result() {
    let output = Command::new(CAPTURE).arg("--help").output().expect("run");
    assert_eq!(output.status.code(), Some(0));
    assert!(String::from_utf8_lossy(&output.stdout).contains("sudo capture --port 50007"));
}

#[test]
fn quiet_leaves_out_the_counters() {
    let (namespace, folder) = (Namespace::new(), folder());
    let program = start(&namespace, &["-q", "--port", "7"], &folder.path().join("a.pcap"));
    assert_eq!(stop(program, Signal::SIGTERM), LISTENING);
}

#[test]
fn standard_output_feeds_another_program_as_packets_come() {
    let (namespace, port) = (Namespace::new(), random_port());
    let mut program = Program::start(
        namespace
            .command(CAPTURE)
            .args(["-w", "-", "--port", &port.to_string()])
            .stdout(Stdio::piped()),
    );
    program.wait_for("listening");
    let reader = Command::new("tcpdump")
        .args(["-n", "-r", "-"])
        .stdin(program.stdout())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("tcpdump is installed");
    let counter = PortCounter::new(&namespace, port, Hooks::Input);
    exchange(&namespace, "127.0.0.1", port);
    stop(program, Signal::SIGTERM);
    let output = reader.wait_with_output().expect("ended");
    assert!(output.status.success());
    let text = String::from_utf8_lossy(&output.stdout);
    assert_eq!(text.lines().count() as u64, counter.packets(), "{text}");
}

#[test]
fn packets_go_out_before_the_end() {
    let (namespace, port) = (Namespace::new(), random_port());
    let mut program = Program::start(
        namespace
            .command(CAPTURE)
            .args(["-w", "-", "--port", &port.to_string()])
            .stdout(Stdio::piped()),
    );
    program.wait_for("listening");
    let mut stdout = program.stdout();
    let mut head = [0; 24];
    stdout.read_exact(&mut head).expect("the header comes first");
    exchange(&namespace, "127.0.0.1", port);
    // A record header, a cooked header, and an IP and a TCP header with 20 bytes of options.
    let mut record = [0; 16 + 20 + 60];
    stdout.read_exact(&mut record).expect("the first packet comes while it runs");
    assert!(program.runs());
    assert_eq!(record[8..12], 80_u32.to_le_bytes());
    stop(program, Signal::SIGTERM);
}

#[test]
fn a_reader_that_goes_ends_it_quietly_without_waiting_for_a_packet() {
    let namespace = Namespace::new();
    let mut program = Program::start(
        namespace.command(CAPTURE).args(["-w", "-", "--port", "7"]).stdout(Stdio::piped()),
    );
    program.wait_for("listening");
    drop(program.stdout());
    let (status, errors) = program.end();
    assert_eq!(status.code(), Some(0), "{errors}");
    assert!(!errors.contains("capture:"), "{errors}");
}

#[test]
fn a_reader_that_takes_nothing_holds_it_until_the_second_signal() {
    let (namespace, port) = (Namespace::new(), random_port());
    let mut program = Program::start(
        namespace
            .command(CAPTURE)
            .args(["-w", "-", "udp", "port", &port.to_string()])
            .stdout(Stdio::piped()),
    );
    program.wait_for("listening");
    let _unread = program.stdout();
    datagrams(&namespace, "127.0.0.1", port, 300, 1000);
    program.signal(Signal::SIGTERM);
    std::thread::sleep(Duration::from_millis(500));
    assert!(program.runs(), "what was taken is not thrown away at the first signal");
    program.signal(Signal::SIGTERM);
    let (status, errors) = program.end();
    assert_eq!(status.code(), Some(3), "{errors}");
    assert!(errors.contains("its reader took no more"), "{errors}");
}
