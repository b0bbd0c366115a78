//! The verdicts against tshark's, packet by packet, on random traffic.
//!
//! `DIFFERENTIAL_SEED=N` takes other traffic; every failure tells the seed it ran with.
//! Failures show a conversation up to the frame where the two sides part.

mod host;
mod hosts;
mod packet;
mod random;
mod rng;
mod traffic;
mod tshark;
mod twin;

use std::fmt::Write;
use std::io::Cursor;
use std::sync::LazyLock;

use super::{Verdict as flags, WITHOUT};
use crate::decode::Decoder;
use crate::flow::Flow;
use crate::source::file::{Opening, Reader};
use traffic::Sample;

/// What tshark says of a sample, with the sample.
struct Judged {
    sample: Sample,
    tshark: Vec<u16>,
}

impl Judged {
    fn new(sample: Sample) -> Self {
        let tshark = tshark::flags_of(&sample.pcap);
        assert_eq!(tshark.len(), sample.packets.len(), "tshark saw every frame");
        Self { sample, tshark }
    }
}

/// What the rules have to be tried on, made once for all tests.
struct Material {
    seed: u64,
    mixed: Vec<Judged>,
    one_sided: Judged,
}

/// Captures of mixed traffic and packets in each: 100,000 in all.
const CAPTURES: u64 = 8;
const PACKETS: usize = 12_500;
/// Captures that stand for all where a rule is taken out.
const FEW: usize = 2;

static MATERIAL: LazyLock<Material> = LazyLock::new(|| {
    let seed = match std::env::var("DIFFERENTIAL_SEED") {
        Ok(text) => text.parse().expect("DIFFERENTIAL_SEED is a whole number"),
        Err(_) => 20_231_114,
    };
    let make = |from: u64| {
        let samples = (from..CAPTURES)
            .step_by(2)
            .map(|index| Sample::mixed(seed + index * 1_000_003, PACKETS));
        samples.map(Judged::new).collect::<Vec<_>>()
    };
    // two at a time: tshark uses one thread
    let (mut mixed, rest, one_sided) = std::thread::scope(|scope| {
        let rest = scope.spawn(|| make(1));
        let mixed = make(0);
        let one_sided = Judged::new(Sample::one_sided(seed));
        (mixed, rest.join().expect("tshark ran"), one_sided)
    });
    mixed.extend(rest);
    Material {
        seed,
        mixed,
        one_sided,
    }
});

/// The engine's verdicts on each frame of a capture.
fn our_flags(pcap: &[u8]) -> Vec<u16> {
    let mut reader =
        Reader::new(Box::new(Cursor::new(pcap.to_vec())), Opening::default()).expect("a capture");
    let (mut decoder, mut flow) = (Decoder::default(), Flow::new(false));
    let mut all = Vec::new();
    while let Some(frame) = reader.next() {
        let segment = decoder
            .decode(frame)
            .expect("every frame carries a segment");
        all.push(flow.push(&segment).verdict.0);
    }
    all
}

/// The engine's verdicts with a rule taken out.
fn our_flags_without(rule: u8, pcap: &[u8]) -> Vec<u16> {
    WITHOUT.set(rule);
    let found = our_flags(pcap);
    WITHOUT.set(0);
    found
}

fn text(set: u16) -> String {
    let names: Vec<_> = tshark::names()
        .filter(|(_, flag)| set & flag != 0)
        .map(|(name, _)| name)
        .collect();
    names.join("+")
}

/// Frames that differ, counted, with the first few explained.
fn differences(judged: &Judged, found: &[u16]) -> (usize, String) {
    assert_eq!(found.len(), judged.tshark.len(), "a verdict on every frame");
    let pairs = found.iter().zip(&judged.tshark).enumerate();
    let frames: Vec<usize> = pairs
        .filter(|(_, (ours, theirs))| ours != theirs)
        .map(|(index, _)| index)
        .collect();
    let mut told = String::new();
    for &frame in frames.iter().take(3) {
        explain(&mut told, judged, found, frame).expect("a string takes all");
    }
    (frames.len(), told)
}

/// A conversation's packets up to a frame.
fn explain(told: &mut String, judged: &Judged, found: &[u16], frame: usize) -> std::fmt::Result {
    let packets = &judged.sample.packets;
    let (ours, theirs) = (text(found[frame]), text(judged.tshark[frame]));
    writeln!(
        told,
        "\nframe {}: ours [{ours}], tshark's [{theirs}] after",
        frame + 1
    )?;
    let of_pair: Vec<_> = (0..=frame)
        .filter(|&at| packets[at].pair == packets[frame].pair)
        .collect();
    for &at in &of_pair[of_pair.len().saturating_sub(30)..] {
        writeln!(
            told,
            "{:>7} {} [{}]",
            at + 1,
            packets[at],
            text(judged.tshark[at])
        )?;
    }
    Ok(())
}

/// Fails where a judge and tshark differ anywhere.
fn agree(judge: impl Fn(&Judged) -> Vec<u16>) {
    let material = &*MATERIAL;
    let mut all = 0;
    let mut told = String::new();
    for judged in material.mixed.iter().chain([&material.one_sided]) {
        let (count, text) = differences(judged, &judge(judged));
        all += count;
        told += &text;
    }
    assert_eq!(
        all,
        0,
        "frames differ from {}, seed {}:{told}",
        tshark::version(),
        material.seed
    );
}

#[test]
fn tshark_gives_every_flag_often() {
    let material = &*MATERIAL;
    let mixed: Vec<u16> = material
        .mixed
        .iter()
        .flat_map(|judged| judged.tshark.iter().copied())
        .collect();
    println!(
        "{} packets, seed {}, {}",
        mixed.len(),
        material.seed,
        tshark::version()
    );
    assert!(mixed.len() >= 100_000);
    let mut rare = Vec::new();
    for (name, flag) in tshark::names() {
        let count = mixed.iter().filter(|set| *set & flag != 0).count();
        println!("{name:>24} {count:>7}");
        if count < 500 {
            rare.push(name);
        }
    }
    assert!(
        rare.is_empty(),
        "fewer than 500 of {rare:?}, seed {}",
        material.seed
    );
}

#[test]
fn every_verdict_is_tsharks() {
    agree(|judged| our_flags(&judged.sample.pcap));
}

#[test]
fn the_slow_twin_agrees_as_well() {
    agree(|judged| twin::judge(&judged.sample.packets, 0));
}

/// Takes out each rule; one that can go unnoticed is not tested.
fn each_rule_is_needed(judge: impl Fn(&Judged, u8) -> Vec<u16>) {
    let material = &*MATERIAL;
    let mut unnoticed = Vec::new();
    for rule in 1..=19 {
        let few = material.mixed[..FEW].iter().chain([&material.one_sided]);
        let count: usize = few
            .map(|judged| differences(judged, &judge(judged, rule)).0)
            .sum();
        println!("without rule {rule:>2} {count:>6} frames differ");
        if count == 0 {
            unnoticed.push(rule);
        }
    }
    assert!(
        unnoticed.is_empty(),
        "nothing differs without rules {unnoticed:?}, seed {}",
        material.seed
    );
}

#[test]
fn without_any_one_rule_the_verdicts_differ() {
    each_rule_is_needed(|judged, rule| our_flags_without(rule, &judged.sample.pcap));
}

#[test]
fn without_any_one_rule_the_twin_differs() {
    each_rule_is_needed(|judged, rule| twin::judge(&judged.sample.packets, rule));
}
