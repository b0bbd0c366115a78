//! `-D`: where one can capture.

use std::io::{self, Write};

use super::super::{Exit, width};
use super::Failure;
use crate::echo::escape::escape;
use crate::render::terminal::terminal;
use crate::report::document::{Block, Table};
use crate::source::live::ANY;
use crate::source::live::devices::{self, Device};

/// Writes the table of interfaces to standard output.
pub(super) fn show() -> Result<Exit, Failure> {
    let list = devices::list()
        .map_err(|errno| Failure(Exit::Usage, format!("the list of interfaces: {errno}")))?;
    let table = table(&list);
    let mut text = Vec::new();
    let drawn = terminal(&vec![Block::Table(table)], width(), false, &mut text);
    match drawn.and_then(|()| io::stdout().write_all(&text)) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(Failure(
            Exit::Incomplete,
            format!("standard output: {error}; write elsewhere"),
        )),
        _ => Ok(Exit::Done),
    }
}

fn table(list: &[Device]) -> Table {
    let header = ["index", "interface", "state", "addresses"];
    let any = ["", ANY, "", "all of these at once"];
    let mut rows = vec![any.map(str::to_owned).to_vec()];
    rows.extend(list.iter().map(row));
    Table {
        header: header.map(str::to_owned).to_vec(),
        rows,
        numeric: vec![0],
        key_columns: 0,
    }
}

fn row(device: &Device) -> Vec<String> {
    let mut addresses = Vec::new();
    for (address, prefix) in &device.addresses {
        addresses.push(match prefix {
            Some(prefix) => format!("{address}/{prefix}"),
            None => address.to_string(),
        });
    }
    if let Some(mac) = device.mac {
        let bytes = mac.map(|byte| format!("{byte:02x}"));
        addresses.push(format!("ether {}", bytes.join(":")));
    }
    vec![
        device.ifindex.to_string(),
        escape(&device.name).into_owned(),
        state(device),
        addresses.join("\n"),
    ]
}

fn state(device: &Device) -> String {
    let state = match (device.up, device.running) {
        (false, _) => "down",
        (true, false) => "up, no link",
        (true, true) => "up",
    };
    if device.loopback {
        format!("{state}, loopback")
    } else {
        state.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_interface_is_a_row_of_80_columns() {
        let device = Device {
            ifindex: 12,
            name: "enp0s31f6.1234".into(),
            up: true,
            running: false,
            loopback: false,
            mac: Some([2, 0, 0xab, 0, 0, 1]),
            addresses: vec![
                ([192, 168, 100, 200].into(), Some(24)),
                (
                    "fe80::ffff:abff:fe00:1".parse().expect("an address"),
                    Some(64),
                ),
            ],
        };
        let down = Device {
            loopback: true,
            name: "lo\u{1b}".into(),
            ..Device::default()
        };
        let mut text = Vec::new();
        let blocks = vec![Block::Table(table(&[device, down]))];
        terminal(&blocks, 80, false, &mut text).expect("drawn");
        let text = String::from_utf8(text).expect("text");
        assert!(
            text.lines().all(|line| line.chars().count() <= 80),
            "{text}"
        );
        for part in [
            " any ",
            " enp0s31f6.1234 ",
            " up, no link ",
            " 192.168.100.200/24 ",
            " fe80::ffff:abff:fe00:1/64 ",
            " ether 02:00:ab:00:00:01 ",
            " down, loopback ",
            " lo\\x1b ",
        ] {
            assert!(text.contains(part), "{part}: {text}");
        }
    }
}
