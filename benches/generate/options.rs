//! What the generator is asked for, and what it refuses.

use std::path::PathBuf;

use clap::{Parser, ValueEnum};

/// Handshake, greeting, a line with its answer, and the end.
pub const LEAST: u64 = 9;
/// As many have addresses and ports of their own.
const MOST_CONVERSATIONS: u64 = 400_000_000_000;

/// Make a capture of echo traffic.
#[derive(Debug, Parser)]
pub struct Options {
    /// Packets: exactly as many are made, at least 9 for each conversation
    #[arg(long, default_value_t = 100_000, value_parser = at_least_one)]
    pub packets: u64,
    /// Conversations that the packets are spread over; each has at least one line and its answer
    #[arg(long, default_value_t = 100, value_parser = conversations)]
    pub conversations: u64,
    /// Of these as many are open at once
    #[arg(long, default_value_t = 1000, value_parser = at_least_one)]
    pub active: u64,
    /// Bytes of a line, its ending included
    #[arg(long, value_name = "MIN..MAX", default_value = "20..60", value_parser = range)]
    pub payload: (u64, u64),
    /// Of a thousand lines, as many are sent again, where their conversation has a packet left
    #[arg(long, default_value_t = 0, value_parser = of_a_thousand)]
    pub loss: u64,
    /// Link layer
    #[arg(long, value_enum, default_value_t = Link::Sll2)]
    pub link_type: Link,
    /// Container
    #[arg(long, value_enum, default_value_t = Container::Pcap)]
    pub container: Container,
    /// Where the random numbers begin
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// File to write; - is standard output
    #[arg(short, long, default_value = "-")]
    pub write: PathBuf,
}

impl Options {
    /// What options say only together.
    pub fn check(&self) -> Result<(), String> {
        let least = LEAST.saturating_mul(self.conversations);
        if self.packets >= least {
            return Ok(());
        }
        let (packets, conversations) = (self.packets, self.conversations);
        let advice = match packets / LEAST {
            0 => format!("give --packets {least} or more"),
            most => format!("give --packets {least} or more, or --conversations {most} or fewer"),
        };
        Err(format!(
            "{packets} packets are too few for {conversations} conversations, each takes at least {LEAST}: {advice}"
        ))
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Link {
    Ethernet,
    Sll,
    Sll2,
    Raw,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Container {
    Pcap,
    Pcapng,
}

fn between(text: &str, least: u64, most: u64, advice: &str) -> Result<u64, String> {
    let number = text.parse().ok();
    number
        .filter(|number| (least..=most).contains(number))
        .ok_or_else(|| advice.to_owned())
}

fn at_least_one(text: &str) -> Result<u64, String> {
    between(text, 1, u64::MAX, "give a number from 1")
}

fn conversations(text: &str) -> Result<u64, String> {
    let advice = format!("give a number from 1 to {MOST_CONVERSATIONS}");
    between(text, 1, MOST_CONVERSATIONS, &advice)
}

fn of_a_thousand(text: &str) -> Result<u64, String> {
    let advice = "give a number from 0 to 1000: so many of a thousand lines are sent again";
    between(text, 0, 1000, advice)
}

fn range(text: &str) -> Result<(u64, u64), String> {
    let (low, high) = text.split_once("..").unwrap_or((text, text));
    let advice = "give one number from 1 to 60000, or two as 20..60, the lower first";
    let number = |part: &str| between(part, 1, 60_000, advice);
    let (low, high) = (number(low)?, number(high)?);
    if high < low {
        return Err(advice.to_owned());
    }
    Ok((low, high))
}
