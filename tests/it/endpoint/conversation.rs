//! Our client with our server.

use std::fmt::Write as _;

use super::programs::{Server, client, client_lines, folder};

const SAMPLE: &str = "Eva, This Prof is amazing\nJets hardly win in any given year\n\
    Madam In Eden, I'm Adam\na socket needs IP address and port\n";

const SAMPLE_EXCHANGES: [(&str, &str); 4] = [
    ("Eva, This Prof is amazing", "GNIZAMA SI FORp SIHt ,AVe"),
    (
        "Jets hardly win in any given year",
        "RAEY NEVIG YNA NI NIW YLDRAH STEj",
    ),
    ("Madam In Eden, I'm Adam", "MADa M'i ,NEDe Ni MADAm"),
    (
        "a socket needs IP address and port",
        "TROP DNA SSERDDA pi SDEEN TEKCOS A",
    ),
];

/// The address in the line about a connection, and whether a port follows it.
fn peer(stdout: &str) -> (String, u16) {
    let line = stdout.lines().nth(3).expect("a fourth line");
    let start = "[S]: Got a connection request from a client at ('";
    let (address, port) = line.strip_prefix(start).unwrap().split_once("', ").unwrap();
    (
        address.to_owned(),
        port.strip_suffix(')').unwrap().parse().unwrap(),
    )
}

fn converse_with(server_arguments: &[&str], client_arguments: &[&str]) -> (String, String) {
    let folder = folder(SAMPLE);
    let server = Server::start(folder.path(), server_arguments);
    let ended = client(folder.path(), server.port, client_arguments);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let output = String::from_utf8(server.output()).unwrap();
    let answers: Vec<&str> = SAMPLE_EXCHANGES.iter().map(|(_, answer)| *answer).collect();
    assert_eq!(output, answers.join("\n") + "\n");
    (ended.stdout, server.stop().stdout)
}

#[test]
fn the_lines_are_the_courses_in_order() {
    let (client, server) = converse_with(&["--bind", "127.0.0.1"], &["127.0.0.1"]);
    assert_eq!(
        client,
        client_lines("Welcome to CS 352!", &SAMPLE_EXCHANGES)
    );
    let lines: Vec<&str> = server.lines().collect();
    let name = nix::unistd::gethostname().unwrap().into_string().unwrap();
    assert_eq!(lines.len(), 4, "{server}");
    assert_eq!(lines[0], "[S]: Server socket created");
    assert_eq!(lines[1], format!("[S]: Server host name is {name}"));
    let address = lines[2].strip_prefix("[S]: Server IP address is ").unwrap();
    address.parse::<std::net::IpAddr>().expect("an address");
    let (address, port) = peer(&server);
    assert_eq!(address, "127.0.0.1");
    assert!(port > 0);
}

#[test]
fn ipv4_ipv6_and_names_reach_the_same_server() {
    assert_eq!(peer(&converse_with(&[], &["127.0.0.1"]).1).0, "127.0.0.1");
    assert_eq!(peer(&converse_with(&[], &["::1"]).1).0, "::1");
    assert_eq!(peer(&converse_with(&[], &["[::1]"]).1).0, "::1");
    let by_name = peer(&converse_with(&[], &["localhost"]).1).0;
    assert!(
        ["127.0.0.1", "::1"].contains(&by_name.as_str()),
        "{by_name}"
    );
    assert_eq!(
        peer(&converse_with(&["--bind", "::1"], &["::1"]).1).0,
        "::1"
    );
}

#[test]
fn a_name_is_tried_at_every_address() {
    // `localhost` is ::1, too, where nobody listens
    assert_eq!(
        peer(&converse_with(&["--bind", "127.0.0.1"], &[]).1).0,
        "127.0.0.1"
    );
}

#[test]
fn chunks_have_no_line_endings() {
    let (client, _) = converse_with(&["--framing", "chunk"], &["--framing", "chunk"]);
    assert_eq!(
        client,
        client_lines("Welcome to CS 352!", &SAMPLE_EXCHANGES)
    );
}

#[test]
fn the_server_answers_what_it_was_told_to() {
    let input = "Grüße aus CS 352\nab".as_bytes();
    for (name, want) in [
        ("echo", input),
        ("upper", "GRÜßE AUS CS 352\nAB".as_bytes()),
    ] {
        let folder = folder(input);
        let server = Server::start(folder.path(), &["-1", "--transform", name]);
        let ended = client(folder.path(), server.port, &["--transform", name]);
        assert_eq!((ended.code, ended.stderr.as_str()), (Some(0), ""));
        assert_eq!(server.output(), [want, b"\n".as_slice()].concat());
    }
    // a client that was not told takes such answers for wrong, in pieces too
    let folder = folder(b"aA\n");
    let server = Server::start(
        folder.path(),
        &["-1", "--framing", "chunk", "--transform", "upper"],
    );
    let ended = client(folder.path(), server.port, &["--framing", "chunk"]);
    assert_eq!(ended.code, Some(1));
}

#[test]
fn the_greeting_is_the_operators() {
    let (client, _) = converse_with(&["--welcome", "hi, \u{1b}[31m you"], &[]);
    assert_eq!(client, client_lines("hi, \\x1b[31m you", &SAMPLE_EXCHANGES));
}

/// Sends `input` both ways; the output file must hold `expected`.
fn round_trip(input: &[u8], expected: &[u8]) -> String {
    let folder = folder(input);
    let server = Server::start(folder.path(), &["--one-off"]);
    let ended = client(folder.path(), server.port, &[]);
    assert_eq!((ended.code, ended.stderr.as_str()), (Some(0), ""));
    assert!(server.output() == expected, "the output file differs");
    assert_eq!(server.running.ended().code, Some(0));
    ended.stdout
}

#[test]
fn empty_lines_and_every_ending() {
    let stdout = round_trip(b"\n\r\n ab \r\n\ncd", b"\n\r\n BA \r\n\nDC\n");
    let exchanges = [("", ""), ("", ""), (" ab ", " BA "), ("", ""), ("cd", "DC")];
    assert_eq!(stdout, client_lines("Welcome to CS 352!", &exchanges));
}

#[test]
fn an_empty_input_is_a_greeting_only() {
    assert_eq!(
        round_trip(b"", b""),
        client_lines("Welcome to CS 352!", &[])
    );
}

/// The rule for ASCII, written once more.
fn answer_to(line: &str) -> String {
    let swapped = |c: char| match c {
        'a'..='z' => c.to_ascii_uppercase(),
        _ => c.to_ascii_lowercase(),
    };
    line.chars().rev().map(swapped).collect()
}

#[test]
fn every_printable_character() {
    let line: String = (' '..='~').chain("  ".chars()).collect();
    let answer = answer_to(&line);
    let stdout = round_trip(line.as_bytes(), format!("{answer}\n").as_bytes());
    assert_eq!(
        stdout,
        client_lines("Welcome to CS 352!", &[(&line, &answer)])
    );
}

#[test]
fn a_line_of_a_megabyte() {
    let mut line = String::new();
    while line.len() < 1 << 20 {
        write!(line, "Nr {} ", line.len()).unwrap();
    }
    let answer = answer_to(&line);
    let stdout = round_trip(
        format!("{line}\nx\n").as_bytes(),
        format!("{answer}\nX\n").as_bytes(),
    );
    assert!(stdout == client_lines("Welcome to CS 352!", &[(&line, &answer), ("x", "X")]));
}

#[test]
fn a_long_chunk_is_answered_while_it_is_sent() {
    // more than the sockets' buffers hold: whoever only sends, or only answers, waits for ever
    let mut line = String::new();
    while line.len() < 12 << 20 {
        write!(line, "Nr {} ", line.len()).unwrap();
    }
    let folder = folder(&line);
    let server = Server::start(folder.path(), &["--framing", "chunk", "-1"]);
    let ended = client(folder.path(), server.port, &["--framing", "chunk"]);
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    assert!(
        ended.stderr.contains("line 1: TCP split it"),
        "{}",
        ended.stderr
    );
    let answered: usize = server
        .output()
        .split(|byte| *byte == b'\n')
        .map(<[u8]>::len)
        .sum();
    assert_eq!(answered, line.len());
}

#[test]
fn an_empty_line_is_no_chunk() {
    let folder = folder("a\n\nb\n");
    let server = Server::start(folder.path(), &["--framing", "chunk"]);
    let ended = client(folder.path(), server.port, &["--framing", "chunk"]);
    assert_eq!(ended.code, Some(0));
    assert_eq!(
        ended.stdout,
        client_lines("Welcome to CS 352!", &[("a", "A"), ("b", "B")])
    );
    assert!(
        ended
            .stderr
            .starts_with("client: line 2 is empty and not sent"),
        "{}",
        ended.stderr
    );
    assert_eq!(server.output(), b"A\nB\n");
}
