//! Collectors, one for each family of questions.

pub mod conversations;
pub mod evidence;
pub mod quantiles;
pub mod totals;

use conversations::Conversations;
use totals::Totals;

/// All that was collected of one capture.
#[derive(Debug, Default)]
pub struct Answers {
    /// Counts of the whole capture.
    pub totals: Totals,
    /// Its conversations.
    pub conversations: Conversations,
}
