//! Commands for a shell that show with tshark what an answer says.

use super::Question;
use crate::echo::shell::quoted;
use crate::report::model::{Answer, Answers, Capture};

/// A command, and what it shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Command {
    /// What it shows, in a few words.
    pub shows: &'static str,
    /// The command, for any POSIX shell; may go over several lines.
    pub words: String,
}

/// The commands for an answer; none where it has no packets.
#[must_use]
pub fn commands(
    question: &Question,
    answer: &Answer,
    answers: &Answers,
    capture: &Capture,
) -> Vec<Command> {
    if answer.filter.is_empty() {
        return Vec::new();
    }
    let file = &capture.file;
    let one = |shows, fields: &[&str]| Command {
        shows,
        words: fields_of(file, &answer.filter, fields),
    };
    match question.key {
        "transport_protocol" => {
            let v6 = answer.filter.contains("ipv6.");
            let field = if v6 { "ipv6.nxt" } else { "ip.proto" };
            vec![one(
                "each packet with its protocol",
                &["frame.number", field],
            )]
        }
        "server_port" | "client_port" => vec![one(
            "the packets with their ports and flags",
            &[
                "frame.number",
                "tcp.srcport",
                "tcp.dstport",
                "tcp.flags.str",
            ],
        )],
        "interface" => vec![one(
            "each packet with what the file tells of its interface",
            &interface_fields(capture),
        )],
        "bytes_to_server" | "bytes_to_client" => sums(file, answer),
        "largest_packet" => vec![largest(file, &answers.transport_protocol.filter)],
        _ => vec![one(
            "the packet's payload, in hexadecimal",
            &["frame.number", "tcp.len", "tcp.payload"],
        )],
    }
}

fn interface_fields(capture: &Capture) -> Vec<&'static str> {
    let links = |name: &str| capture.link_types.iter().any(|link| link == name);
    let mut fields = vec!["frame.number"];
    if links("LINUX_SLL2") {
        fields.push("sll.ifindex");
    }
    if links("LINUX_SLL") || links("LINUX_SLL2") {
        fields.push("sll.hatype");
    }
    if capture.format == "pcapng" {
        fields.push("frame.interface_name");
    }
    fields
}

/// The sums of payload and of whole packets.
fn sums(file: &str, answer: &Answer) -> Vec<Command> {
    let add = "awk '{ sum += $1 } END { print sum + 0 }'";
    // packets without payload count here too
    let all = answer.filter.replacen(" && tcp.len > 0", "", 1);
    let sum = |shows, filter: &str, field| Command {
        shows,
        words: format!("{} \\\n  | {add}", fields_of(file, filter, &[field])),
    };
    vec![
        sum("the sum of tcp.len", &answer.filter, "tcp.len"),
        sum(
            "the sum of frame.len, packets without payload too",
            &all,
            "frame.len",
        ),
    ]
}

fn largest(file: &str, conversation: &str) -> Command {
    let filter = format!("{conversation} && tcp.len > 0");
    let all = fields_of(file, &filter, &["frame.number", "tcp.len"]);
    Command {
        shows: "the packet with the largest tcp.len",
        words: format!("{all} \\\n  | sort -k2,2nr -k1,1n | head -n 1"),
    }
}

fn fields_of(file: &str, filter: &str, fields: &[&str]) -> String {
    let fields: Vec<String> = fields.iter().map(|field| format!("-e {field}")).collect();
    format!(
        "tshark -r {} \\\n  -Y {} \\\n  -T fields {}",
        path(file),
        quoted(filter),
        fields.join(" ")
    )
}

/// A path as an argument that is not taken for an option; `-` stays standard input.
fn path(file: &str) -> String {
    if file.starts_with('-') && file != "-" {
        quoted(&format!("./{file}"))
    } else {
        quoted(file)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_not_taken_for_an_option() {
        assert_eq!(path("-x"), "./-x");
        assert_eq!(path("-"), "-");
    }
}
