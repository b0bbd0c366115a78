//! What the command lines of `server` and `client` share.

use std::io::ErrorKind;

use clap::builder::{PossibleValuesParser, TypedValueParser};

use super::Exit;
use crate::echo::transform::Transform;
use crate::endpoint::{Framing, Trouble, console};

/// The values of `--framing`.
pub(super) fn framing() -> impl TypedValueParser<Value = Framing> {
    PossibleValuesParser::new(["line", "chunk"]).map(|name| match name.as_str() {
        "chunk" => Framing::Chunk,
        _ => Framing::Line,
    })
}

/// The values of `--transform`.
pub(super) fn transform() -> impl TypedValueParser<Value = Transform> {
    let names = Transform::NAMED.map(|(name, _)| name);
    PossibleValuesParser::new(names).map(|name| {
        let found = Transform::NAMED.iter().find(|(it, _)| *it == name);
        found.map(|(_, transform)| *transform).unwrap_or_default()
    })
}

/// Says why `program` could not go on, and how it ends.
pub(super) fn end(program: &str, trouble: &Trouble) -> Exit {
    if matches!(trouble, Trouble::OutputClosed) {
        return Exit::Done;
    }
    console::note(&format!("{program}: {trouble}"));
    match trouble.kind() {
        ErrorKind::PermissionDenied => Exit::Permission,
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => Exit::Incomplete,
        _ => Exit::Usage,
    }
}
