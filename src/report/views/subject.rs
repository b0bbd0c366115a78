//! Of which conversation a view tells: its heading, who is who, what is spoken, and a filter.

use crate::report::build::filter;
use crate::report::document::Block;
use crate::report::model::{Capture, Conversation};
use crate::report::present::{clean, heading, plural, text};
use crate::report::view::{Counted, Scope, Show, Shown};

/// The name of an interface, or what stands for it.
pub(super) fn interface(capture: &Capture, id: u32) -> String {
    let known = capture.interfaces.get(id as usize);
    let name = known.and_then(|known| known.name.as_deref());
    name.map_or_else(|| format!("interface {id}"), clean)
}

/// How it is known who the client is.
fn role_rule(one: &Conversation) -> &'static str {
    match one.role_rule {
        "syn" => "which sent the SYN",
        "syn_ack" => "to which the SYN+ACK went",
        "greeting" => "whose messages the other side answers",
        "port" => "likely, for the other side's port is below those that systems give to clients",
        _ => "likely, for it sent the first captured packet",
    }
}

/// What is spoken, and how that is known.
fn spoken(one: &Conversation) -> String {
    let framing = match one.framing {
        Some("line") => "Framing: line, so a message ends with its line ending.",
        Some("chunk") => {
            "Framing: chunk, so a message is what one side sends before the other does."
        }
        _ => "Nothing was said.",
    };
    let Some(speaks) = one.speaks_echo else {
        return framing.to_owned();
    };
    let rule = one.echo_rule.map(|rule| rule.to_string());
    let rule = rule.unwrap_or_default();
    format!("{framing} Speaks echo: {speaks}, {rule}.")
}

/// Begins what is told of a conversation.
pub(super) fn begin(what: &str, capture: &Capture, one: &Conversation, show: &mut Show<'_>) {
    let (client, server) = (one.client, one.server);
    let title = format!("{what} of conversation {}: {client} → {server}", one.id);
    show(Shown::Block(heading(3, &title)));
    let mut words = format!(
        "The client is {client}, {}. {}",
        role_rule(one),
        spoken(one)
    );
    if let [only] = one.interfaces[..] {
        words += &format!(" Recorded on {}.", interface(capture, only));
    }
    show(Shown::Block(text(&words)));
}

/// The filter that shows the packets of a conversation's messages.
pub(super) fn filtered(capture: &Capture, one: &Conversation, show: &mut Show<'_>) {
    let words = "All its packets with payload, those that came again and further records too:";
    show(Shown::Block(text(words)));
    let filter = filter::both_ways(capture, one);
    show(Shown::Block(Block::Lines(vec![clean(&filter)])));
}

/// Says how many of a conversation are not shown, and with which options they are: a limit of 0
/// helps where the limit was reached, and not where the view's memory is full.
pub(super) fn rest(all: u64, shown: usize, limit: u64, what: &str, show: &mut Show<'_>) {
    let more = all.saturating_sub(shown as u64);
    if more == 0 {
        return;
    }
    let why = if shown as u64 >= limit {
        "--limit 0 shows more of them"
    } else {
        "the memory for this view holds no more"
    };
    show(Shown::Block(text(&format!(
        "… and {}; {why}, --format ndjson lists all.",
        plural(more, &format!("more {what}"))
    ))));
}

/// Says so where there is no conversation at all that could be shown.
pub(super) fn none(of: usize, scope: &Scope, show: &mut Show<'_>) {
    if of == 0 && scope.conversations.is_empty() {
        show(Shown::Block(text(
            "There is no TCP conversation in this capture.",
        )));
    }
}

/// How much a view keeps of what it counts, to show it at the end.
#[derive(Clone, Copy, Debug)]
pub(super) struct Keeps {
    /// What one of them is called, and several.
    pub(super) what: [&'static str; 2],
    /// So many of all conversations together.
    pub(super) most: usize,
}

impl Keeps {
    /// Says how many of a conversation are not shown, and with which options they are: `--limit 0`
    /// helps as far as there is room.
    pub(super) fn rest(self, id: u64, shown: usize, counted: &Counted, show: &mut Show<'_>) {
        let (all, most) = (counted.of(id), self.most as u64);
        let more = all.saturating_sub(shown as u64);
        if more == 0 {
            return;
        }
        let advice = if counted.total() <= most {
            "--limit 0 shows all of a conversation, --format ndjson all of a capture.".to_owned()
        } else if all <= most {
            format!(
                "--conversation {id} --limit 0 shows all of it, --format ndjson lists all of a capture."
            )
        } else if (shown as u64) < most {
            format!(
                "--conversation {id} --limit 0 shows the first {most} of it, --format ndjson lists all."
            )
        } else {
            format!("the memory for this view holds {most}. --format ndjson lists all.")
        };
        let words = format!("{} more not shown; {advice}", plural(more, self.what[0]));
        show(Shown::Block(text(&words)));
    }

    /// Says how many conversations are not shown at all, where so many are.
    pub(super) fn others(self, shown: usize, counted: &Counted, show: &mut Show<'_>) {
        let over = counted.conversations().saturating_sub(shown) as u64;
        left_out(0, over, self.what[1], show);
    }
}

/// Says how many conversations are not shown, and why.
pub(super) fn left_out(silent: u64, over: u64, what: &str, show: &mut Show<'_>) {
    let mut words = Vec::new();
    if silent > 0 {
        let verb = if silent == 1 { "has" } else { "have" };
        words.push(format!(
            "{} {verb} no {what}.",
            plural(silent, "conversation")
        ));
    }
    if over > 0 {
        words.push(format!(
            "{} more with {what} beyond the memory for this view; --conversation ID shows one of \
             them, --format ndjson lists all.",
            plural(over, "conversation")
        ));
    }
    if !words.is_empty() {
        show(Shown::Block(text(&words.join(" "))));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_limit_is_named_only_where_it_was_reached() {
        let told = |all, shown, limit| {
            let mut told = Vec::new();
            rest(all, shown, limit, "message", &mut |shown| {
                if let Shown::Block(Block::Text(words)) = shown {
                    told.push(format!("{words:?}"));
                }
            });
            told.concat()
        };
        assert_eq!(told(5, 5, 5), "");
        let reached = told(6, 5, 5);
        assert!(
            reached.contains("1 more message; --limit 0 shows more"),
            "{reached}"
        );
        for limit in [9, u64::MAX] {
            let full = told(7, 5, limit);
            assert!(
                full.contains("2 more messages; the memory for this view"),
                "{full}"
            );
            assert!(!full.contains("--limit"), "{full}");
        }
    }
}
