//! Reads a command line, and says of a wrong one what to do.

use std::error::Error as _;
use std::io::{self, Write};
use std::num::{IntErrorKind, ParseIntError};

use clap::builder::StyledStr;
use clap::error::{ContextKind, ContextValue, Error, ErrorKind};

use super::{Exit, not_written};

/// Options of other programs, and what stands for them here; also an argument that is missing.
pub(super) type Counterparts = [(&'static str, &'static str)];

/// Reads the process's arguments; `Err` is how to end: help was shown, or usage was wrong.
pub(super) fn parse<T: clap::Parser>(others: &Counterparts) -> Result<T, Exit> {
    T::try_parse().map_err(|error| {
        let asked = !error.use_stderr();
        let shown = explained(error, others).print();
        let failed = shown.and_then(|()| io::stdout().flush()).err();
        match failed.filter(|_| asked) {
            Some(e) => not_written(T::command().get_name(), &e).unwrap_or(Exit::Done),
            None if asked => Exit::Done,
            None => Exit::Usage,
        }
    })
}

/// The same error with what to do.
fn explained(mut error: Error, others: &Counterparts) -> Error {
    let tip = match error.kind() {
        ErrorKind::UnknownArgument => {
            // clap's own is to pass it behind `--`, which means something else or fails again
            let _ = error.remove(ContextKind::Suggested);
            counterpart(&error, others)
        }
        ErrorKind::ValueValidation => number(&error),
        ErrorKind::ArgumentConflict => twice(&error),
        ErrorKind::MissingRequiredArgument => missing(&error, others),
        _ => None,
    };
    if let Some(tip) = tip {
        let tip = ContextValue::StyledStrs(vec![StyledStr::from(tip)]);
        let _ = error.insert(ContextKind::Suggested, tip);
    }
    error
}

/// The text of one part of an error.
fn part(error: &Error, kind: ContextKind) -> Option<&str> {
    match error.get(kind)? {
        ContextValue::String(text) => Some(text),
        _ => None,
    }
}

fn counterpart(error: &Error, others: &Counterparts) -> Option<String> {
    let wrong = part(error, ContextKind::InvalidArg)?;
    let known = others.iter().find(|(option, _)| *option == wrong);
    let own = part(error, ContextKind::SuggestedArg).is_some();
    let negative = wrong.trim_start_matches('-').parse::<u64>().is_ok();
    let general = match negative {
        true => "no option takes a negative number",
        false => "--help lists the options",
    };
    let unknown = || (!own).then(|| general.to_owned());
    known.map(|(_, tip)| (*tip).to_owned()).or_else(unknown)
}

/// What stands for an argument that is missing; it is listed as usage has it.
fn missing(error: &Error, others: &Counterparts) -> Option<String> {
    let Some(ContextValue::Strings(names)) = error.get(ContextKind::InvalidArg) else {
        return None;
    };
    let tip = others.iter().find(|(name, _)| names == &[*name]);
    tip.map(|(_, tip)| (*tip).to_owned())
}

/// What a number must be.
fn number(error: &Error) -> Option<String> {
    let wrong = error.source()?.downcast_ref::<ParseIntError>()?;
    let tip = match wrong.kind() {
        IntErrorKind::PosOverflow | IntErrorKind::NegOverflow => "give a smaller number",
        _ => "give a whole number that is not negative",
    };
    Some(tip.to_owned())
}

fn twice(error: &Error) -> Option<String> {
    let same = part(error, ContextKind::InvalidArg) == part(error, ContextKind::PriorArg);
    same.then(|| "give it once".to_owned())
}
