//! What is done as asked, and may not be what was meant.

use super::options::Args;
use crate::echo::escape::escape;
use crate::endpoint::console::note;
use crate::record::container::Format;
use crate::record::privilege;
use crate::source::live::ANY;

/// Endings of compressed files.
const PACKED: [&str; 5] = ["gz", "zst", "lz4", "xz", "bz2"];

/// Says it on standard error.
pub(super) fn tell(args: &Args) {
    let texts = [name(args), twice(args), caller(args)];
    for text in texts.into_iter().flatten() {
        note(&format!("capture: {text}"));
    }
}

/// A name that does not tell what is in the file.
fn name(args: &Args) -> Option<String> {
    let file = args.storing.file()?;
    let ending = file.extension()?.to_string_lossy().to_ascii_lowercase();
    let shown = file.to_string_lossy();
    let shown = escape(&shown);
    if PACKED.contains(&ending.as_str()) {
        return Some(format!(
            "{shown}: what is written is not compressed: compress the file when it is whole"
        ));
    }
    let holds = match args.format() {
        Format::Pcap if ending == "pcapng" => "pcap",
        Format::Pcapng if ending == "pcap" => "pcapng",
        _ => return None,
    };
    Some(format!("{shown}: the file will hold {holds}, as -F says"))
}

/// Two captures of the same packets.
fn twice(args: &Args) -> Option<String> {
    let other = args.interfaces.iter().find(|name| *name != ANY)?;
    let other = escape(other);
    args.interfaces.iter().any(|name| name == ANY).then(|| {
        format!(
            "-i {ANY} takes the packets of {other}, too: each of these is recorded twice; give one of the two"
        )
    })
}

/// Nobody to whom the files could be given.
fn caller(args: &Args) -> Option<String> {
    if args.storing.relinquish_privileges.is_some() {
        return None;
    }
    let wrong = privilege::sudo_names_nobody()?;
    Some(format!(
        "{wrong}: what is written will be root's; -Z USER names one"
    ))
}
