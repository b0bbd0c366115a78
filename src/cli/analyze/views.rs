//! The views that the options ask for.

use super::options::{Format, Options, What};
use super::packets::{self, Asked};
use crate::report::view::{Scope, View};
use crate::report::views::ledger::LedgerRows;

/// Views of the capture that is the `index`th input.
pub(super) fn views(options: &Options, asked: &Asked, index: usize) -> Vec<Box<dyn View>> {
    let scope = Scope {
        capture: index,
        rows: matches!(options.format, Format::Json | Format::Ndjson),
        conversations: options.conversation.clone(),
        limit: options.limit(),
        max_text: options.max_text,
    };
    let mut views: Vec<Box<dyn View>> = Vec::new();
    let (messages, exchanges) = (
        options.shows(What::Messages),
        options.shows(What::Exchanges),
    );
    if scope.rows && (messages || exchanges) {
        views.push(Box::new(LedgerRows::new(
            scope.clone(),
            messages,
            exchanges,
        )));
    }
    packets::add(&mut views, options, asked, &scope);
    views
}
