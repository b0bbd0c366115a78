//! The files that make up a capture, and where in them a frame stands.

use crate::answers::Analysed;
use crate::answers::conversations::Conversation;
use crate::report::model::{Answer, Answers, File};
use crate::source::frame::Origin;
use crate::source::merge::Part;
use crate::wire;

fn name(part: &Part) -> String {
    part.path.to_string_lossy().into_owned()
}

/// Those of a capture; none for a single file.
pub(super) fn files(analysed: &Analysed) -> Vec<File> {
    let file = |part: &Part| File {
        file: name(part),
        format: part.format,
        compression: part.compression,
        link_types: part
            .link_types
            .iter()
            .copied()
            .map(wire::link_name)
            .collect(),
        packets: part.packets,
        first_time_ns: part.times.map(|(first, _)| first.0),
        last_time_ns: part.times.map(|(_, last)| last.0),
        damage: part.damage.clone(),
    };
    analysed.parts.iter().map(file).collect()
}

/// The file of a recording, where there are several recordings; of a set its first.
pub(super) fn of_recording(analysed: &Analysed, recording: u32) -> Option<String> {
    // they are numbered in order of their files
    let several = analysed.parts.last().is_some_and(|part| part.recording > 0);
    let mut of_it = (analysed.parts.iter()).filter(|part| several && part.recording == recording);
    of_it.next().map(name)
}

/// `b.pcap:17`, or none for a single file.
pub(super) fn place(analysed: &Analysed, origin: Origin) -> Option<String> {
    let part = analysed.parts.get(origin.file())?;
    Some(format!("{}:{}", name(part), origin.number()))
}

/// Says of each packet that answers cite in which file it stands.
pub(super) fn cite(analysed: &Analysed, one: &Conversation, answers: &mut Answers) {
    if analysed.parts.is_empty() {
        return;
    }
    let cite = |answer: &mut Answer| {
        let places = answer.frames.iter().map(|frame| {
            let origin = one.origin(*frame);
            origin
                .and_then(|origin| place(analysed, origin))
                .unwrap_or_default()
        });
        answer.stand_in = places.collect();
    };
    answers.each(cite);
}
