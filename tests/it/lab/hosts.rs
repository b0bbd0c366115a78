//! Both programs on one host, and on two.

use std::path::Path;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::{Value, json};

use super::agree::agree;
use super::report::{captures, only};
use super::talk::{Recording, Script, Server, below, client, converse, satisfied};
use super::wire;
use crate::net::{Namespace, Program, random_port, veth};

/// Records a conversation as .pcap and .pcapng at once, on `any`, where the client runs, and
/// compares both with tshark; gives both reports.
fn recorded(server: &Namespace, client: &Namespace, address: &str, interface: &str) -> [Value; 2] {
    let (folder, port, script) = (tempfile::tempdir().unwrap(), random_port(), Script::new());
    let files = ["a.pcap", "a.pcapng"].map(|name| folder.path().join(name));
    let recording = Recording::start(client, port, &[("any", &files[0]), ("any", &files[1])]);
    converse(server, client, address, port, &script, folder.path());
    recording.stop();
    let paths: Vec<&Path> = files.iter().map(AsRef::as_ref).collect();
    let reports = captures(&[], &paths);
    for ((file, report), (format, source)) in files
        .iter()
        .zip(&reports)
        .zip([("pcap", "sidecar"), ("pcapng", "pcapng")])
    {
        agree(file, report, port, &[&script]);
        assert_eq!(report["format"], format);
        assert_eq!(only(report)["answers"]["interface"]["value"], interface);
        let seen = report["interfaces"].as_array().unwrap();
        assert_eq!(seen.len(), 1, "{seen:?}");
        assert_eq!(seen[0]["name"], interface);
        assert_eq!(seen[0]["name_source"], source);
        assert_eq!(seen[0]["ifindex"], client.index(interface));
    }
    // Wireshark, too, finds the name in the file that has room for it
    let (_, packets) = wire::packets(&files[1]);
    assert!(packets.iter().all(|packet| packet.interface == interface));
    reports.try_into().unwrap()
}

fn rule(report: &Value) -> &str {
    only(report)["answers"]["interface"]["rule"]
        .as_str()
        .unwrap()
}

#[test]
fn one_host_by_ipv4_loopback() {
    let host = Namespace::new();
    for report in recorded(&host, &host, "127.0.0.1", "lo") {
        assert!(rule(&report).contains("one machine"), "{}", rule(&report));
    }
}

#[test]
fn one_host_by_ipv6_loopback() {
    let host = Namespace::new();
    for report in recorded(&host, &host, "::1", "lo") {
        assert!(rule(&report).contains("one machine"), "{}", rule(&report));
    }
}

#[test]
fn one_host_by_an_address_of_another_interface() {
    let host = Namespace::new();
    let address = format!("10.{}.{}.1", below(256), below(256));
    let bridge = host.bridge(&format!("{address}/24"));
    for report in recorded(&host, &host, &address, "lo") {
        assert_eq!(only(&report)["server"]["address"], json!(address));
        assert!(rule(&report).contains("loopback"), "{}", rule(&report));
        assert!(!rule(&report).contains(&bridge), "{}", rule(&report));
    }
}

#[test]
fn two_hosts_by_ipv4() {
    let hosts = [Namespace::new(), Namespace::new()];
    let (here, there) = veth(&hosts[0], &hosts[1]);
    let net = format!("10.{}.{}", below(256), below(256));
    hosts[0].ip(&["addr", "add", &format!("{net}.1/24"), "dev", &here]);
    hosts[1].ip(&["addr", "add", &format!("{net}.2/24"), "dev", &there]);
    for report in recorded(&hosts[1], &hosts[0], &format!("{net}.2"), &here) {
        assert!(
            rule(&report).contains("different machines"),
            "{}",
            rule(&report)
        );
    }
}

#[test]
fn two_hosts_by_ipv6() {
    let hosts = [Namespace::new(), Namespace::new()];
    let (here, there) = veth(&hosts[0], &hosts[1]);
    let net = format!("fd00:{:x}:{:x}:", 1 + below(65535), 1 + below(65535));
    let address = |host: &Namespace, number: u8, interface: &str| {
        let address = format!("{net}:{number}/64");
        host.ip(&["addr", "add", &address, "dev", interface, "nodad"]);
    };
    address(&hosts[0], 1, &here);
    address(&hosts[1], 2, &there);
    recorded(&hosts[1], &hosts[0], &format!("{net}:2"), &here);
}

#[test]
fn each_of_several_conversations_is_answered() {
    let (host, folder, port) = (
        Namespace::new(),
        tempfile::tempdir().unwrap(),
        random_port(),
    );
    let file = folder.path().join("several.pcap");
    let greeting = Script::new().greeting;
    let scripts: Vec<Script> = (0..3)
        .map(|_| Script {
            greeting: greeting.clone(),
            ..Script::new()
        })
        .collect();
    let recording = Recording::start(&host, port, &[("any", &file)]);
    let server = Server::start(&host, port, &greeting, folder.path());
    let command = |script: &Script| {
        let input = script.save(folder.path());
        client(&host, "127.0.0.1", port, &input)
    };
    let mut first = command(&scripts[0]);
    let first = std::thread::spawn(move || first.output().unwrap());
    satisfied(&command(&scripts[1]).output().unwrap());
    satisfied(&first.join().unwrap());
    satisfied(&command(&scripts[2]).output().unwrap());
    let answered = server.stop();
    recording.stop();
    for answer in scripts.iter().flat_map(|script| &script.lines) {
        let answer = super::talk::answer(answer);
        let there = answered.windows(answer.len()).any(|it| it == answer);
        assert!(there, "the server's output file lacks {answer:?}");
    }
    let capture = super::report::capture(&file);
    let said: Vec<&Script> = scripts.iter().collect();
    agree(&file, &capture, port, &said);
}

#[test]
fn a_pipe_gives_the_report_of_the_file() {
    let (host, folder, port) = (
        Namespace::new(),
        tempfile::tempdir().unwrap(),
        random_port(),
    );
    let script = Script::new();
    let (file, json) = (folder.path().join("tee.pcap"), folder.path().join("json"));
    // `tee` keeps what goes through the pipe
    let line = "\"$CAPTURE\" --port \"$PORT\" -w - | tee \"$FILE\" | \"$ANALYZE\" --format json - >\"$JSON\"";
    let mut shell = host.command("bash");
    shell
        .args(["-o", "pipefail", "-c", line])
        .env("CAPTURE", env!("CARGO_BIN_EXE_capture"))
        .env("ANALYZE", env!("CARGO_BIN_EXE_analyze"))
        .env("PORT", port.to_string())
        .env("FILE", &file)
        .env("JSON", &json);
    let mut pipeline = Program::start(&mut shell);
    pipeline.wait_for("listening on ");
    converse(&host, &host, "127.0.0.1", port, &script, folder.path());
    // the first part of the pipeline; each later one ends with the one before
    let children = format!("/proc/{0}/task/{0}/children", pipeline.pid());
    let children = std::fs::read_to_string(children).unwrap();
    let capture = children.split_whitespace().next().unwrap().parse().unwrap();
    kill(Pid::from_raw(capture), Signal::SIGTERM).unwrap();
    let (status, errors) = pipeline.end();
    assert_eq!(status.code(), Some(0), "{errors}");
    let mut piped: Value = serde_json::from_slice(&std::fs::read(&json).unwrap()).unwrap();
    let mut piped = piped["captures"][0].take();
    let mut filed = super::report::capture(&file);
    agree(&file, &piped, port, &[&script]);
    assert_eq!(piped["file"], "-");
    piped["file"] = Value::Null;
    filed["file"] = Value::Null;
    assert_eq!(piped, filed);
}
