//! The views that the options ask for.

use super::options::{Format, Options, What};
use crate::report::view::{Scope, View};
use crate::report::views::exchanges::ExchangeTables;
use crate::report::views::ledger::LedgerRows;
use crate::report::views::messages::MessageTables;

/// Views of the capture that is the `index`th input.
pub(super) fn views(options: &Options, index: usize) -> Vec<Box<dyn View>> {
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
    if !scope.rows && messages {
        views.push(Box::new(MessageTables::new(scope.clone())));
    }
    if !scope.rows && exchanges {
        views.push(Box::new(ExchangeTables::new(scope)));
    }
    views
}
