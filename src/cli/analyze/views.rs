//! The views that the options ask for.

use super::options::{Bytes, Format, Options, What};
use crate::report::view::{Scope, View};
use crate::report::views::find::FindView;
use crate::report::views::follow::{FollowView, Form};
use crate::report::views::ladder::LadderView;
use crate::report::views::ledger::LedgerRows;

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
    if options.shows(What::Ladder) {
        views.push(Box::new(LadderView::new(scope.clone())));
    }
    if let Some((conversation, side)) = options.follow {
        let form = match options.form {
            Bytes::Text => Form::Text,
            Bytes::Hex => Form::Hex,
            Bytes::Raw => Form::Raw,
        };
        views.push(Box::new(FollowView::new(
            scope.clone(),
            conversation,
            side,
            form,
        )));
    }
    if !options.find.is_empty() {
        views.push(Box::new(FindView::new(scope, options.find.clone())));
    }
    views
}
