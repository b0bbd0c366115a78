//! What the text renderers draw: finished blocks. Cells and wording are decided before this.

/// A document from top to bottom.
pub type Document = Vec<Block>;

/// One piece of a document. Its text is safe to show: whoever fills it has escaped what
/// came from a file or a peer (`echo::escape`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Block {
    /// A heading; level 1 is the document's own.
    Heading(u8, String),
    /// A paragraph; renderers wrap it.
    Text(String),
    /// A table.
    Table(Table),
    /// Lines whose columns matter (packet list, layers, hex dump, filters): never wrapped.
    Lines(Vec<String>),
    /// A sequence diagram.
    Ladder(Ladder),
}

/// What two sides sent each other, as arrows between their lifelines.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ladder {
    /// Who stands left and right.
    pub sides: [String; 2],
    /// From top to bottom.
    pub arrows: Vec<Arrow>,
}

/// A packet.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Arrow {
    /// What stands before it: a packet's number and time.
    pub margin: [String; 2],
    /// Whether the left side sent it.
    pub from_left: bool,
    /// On the arrow.
    pub label: String,
    /// Below it; what is too long for the width is cut.
    pub texts: Vec<String>,
}

/// Rows of finished cells. A line feed in a cell starts a new line there.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Table {
    /// One cell a column.
    pub header: Vec<String>,
    /// Each as long as the header.
    pub rows: Vec<Vec<String>>,
    /// Columns that hold numbers and stand to the right.
    pub numeric: Vec<usize>,
    /// The first columns, which say what a row is about. Where the others do not fit beside
    /// each other, the table is drawn in parts that each begin with these. 0: never in parts.
    pub key_columns: usize,
}
