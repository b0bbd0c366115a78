//! The views that the options ask for.

use super::options::{Bytes, Format, Options, What};
use super::packets::{self, Asked};
use crate::report::view::{Scope, View};
use crate::report::views::exchanges::ExchangeTables;
use crate::report::views::find::FindView;
use crate::report::views::follow::{FollowView, Form};
use crate::report::views::ladder::LadderView;
use crate::report::views::ledger::LedgerRows;
use crate::report::views::messages::MessageTables;

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
    if !scope.rows && messages {
        views.push(Box::new(MessageTables::new(scope.clone())));
    }
    if !scope.rows && exchanges {
        views.push(Box::new(ExchangeTables::new(scope.clone())));
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
        let view = FollowView::new(scope.clone(), conversation, side, form);
        views.push(Box::new(match options.format {
            Format::Markdown => view.indented(),
            _ => view,
        }));
    }
    if !options.find.is_empty() {
        views.push(Box::new(FindView::new(scope.clone(), options.find.clone())));
    }
    packets::add(&mut views, options, asked, &scope);
    views
}
