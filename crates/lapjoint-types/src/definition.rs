//! The definition language: what a table's `definition` text says.
//!
//! ```
//! use lapjoint_types::Definition;
//!
//! let definition = Definition::parse("
//!     ## recording sessions
//!     -> Subject
//!     session            : int16            # number of the day
//!     ---
//!     start = CURRENT_TIMESTAMP : datetime
//!     trace = null       : <blob@cold>      # raw trace
//!     unique index(start)
//! ")?;
//! assert_eq!(definition.comment, "recording sessions");
//! assert_eq!(definition.attributes().count(), 3);
//! assert_eq!(Definition::parse(&definition.to_string())?, definition);
//! # Ok::<(), lapjoint_types::DefinitionError>(())
//! ```
//!
//! Every line says one thing: an attribute, a dependency (`-> Parent`), an index, or where the primary key ends
//! (`---`). A first line that begins with `#` is the table's comment; other such lines are skipped.
//!
//! References are kept as written: what `Parent` is, and which columns it brings, is known only where tables
//! are.

mod attribute;
mod default;
mod error;
mod foreign_key;
mod index;
mod json;
mod literal;
mod print;
mod reference;

use std::collections::HashMap;

pub use attribute::Attribute;
pub use default::AttributeDefault;
pub use error::{DefinitionError, DefinitionErrorKind};
pub use foreign_key::ForeignKey;
pub use index::{Index, IndexPart};
pub use reference::{Projection, Reference, Rename};

use crate::spec::NativeTypeWarning;
use error::Line;

/// A table's definition, in the order it was written.
///
/// Items of the primary key come before the others. Written with `to_string()`, it is the text that DataJoint's
/// `describe()` would give, and reads back as an equal definition.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Definition {
    /// Comment of the table; empty if there is none. It is one line and does not begin with a colon.
    pub comment: String,
    /// Attributes, foreign keys and indexes.
    pub items: Vec<Item>,
}

/// One line of a definition. Items are equal if they say the same, wherever they stand.
#[derive(Debug, Clone)]
pub struct Item {
    /// What the line says.
    pub kind: ItemKind,
    /// Line of the definition, from 1; 0 for an item that was not read from text.
    pub line_number: usize,
    /// The line, without the blanks around it.
    pub line: String,
    /// Place in `line` of the attribute's type, the foreign key's reference or the index's columns, in characters from 1.
    pub column: usize,
}

/// What a line of a definition says.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum ItemKind {
    /// An attribute.
    Attribute(Attribute),
    /// A dependency on another table.
    ForeignKey(ForeignKey),
    /// A secondary index.
    Index(Index),
}

impl Item {
    /// An item that was not read from text.
    #[must_use]
    pub const fn new(kind: ItemKind) -> Self {
        Self { kind, line_number: 0, line: String::new(), column: 1 }
    }

    /// An error about this item, with the caret under its type, reference or columns.
    #[must_use]
    pub fn error(&self, kind: DefinitionErrorKind, message: impl Into<String>) -> DefinitionError {
        DefinitionError::new(kind, self.line_number, &self.line, self.column, message)
    }

    /// Whether the item belongs to the primary key.
    #[must_use]
    pub const fn in_key(&self) -> bool {
        match &self.kind {
            ItemKind::Attribute(attribute) => attribute.in_key,
            ItemKind::ForeignKey(key) => key.in_key,
            ItemKind::Index(_) => false,
        }
    }
}

impl PartialEq for Item {
    fn eq(&self, other: &Self) -> bool {
        self.kind == other.kind
    }
}

impl Eq for Item {}

impl Definition {
    /// Reads a definition.
    ///
    /// # Errors
    /// [`DefinitionError`] with the first line that cannot be read, the place in it and what to write instead.
    pub fn parse(text: &str) -> Result<Self, DefinitionError> {
        let mut definition = Self::default();
        let mut in_key = true;
        let mut is_first = true;
        let mut declared: HashMap<String, usize> = HashMap::new();
        for (index, raw) in text.split('\n').enumerate() {
            let line = Line { number: index + 1, text: raw.trim() };
            if line.text.is_empty() {
                continue;
            }
            if let Some(comment) = line.text.strip_prefix('#') {
                if is_first {
                    definition.comment = table_comment(&line, comment)?;
                }
            } else if line.text.starts_with("---") {
                in_key = false;
            } else {
                let (kind, offset_bytes) = parse_item(&line, in_key)?;
                if let ItemKind::Attribute(attribute) = &kind
                    && let Some(earlier) = declared.insert(attribute.name.clone(), line.number)
                {
                    return Err(duplicate(&line, &attribute.name, earlier));
                }
                let column = line.column(offset_bytes);
                let text = line.text.to_owned();
                definition.items.push(Item { kind, line_number: line.number, line: text, column });
            }
            is_first = false;
        }
        Ok(definition)
    }

    /// Attributes, without those that foreign keys bring.
    pub fn attributes(&self) -> impl Iterator<Item = &Attribute> {
        self.items.iter().filter_map(|item| match &item.kind {
            ItemKind::Attribute(attribute) => Some(attribute),
            _ => None,
        })
    }

    /// Foreign keys.
    pub fn foreign_keys(&self) -> impl Iterator<Item = &ForeignKey> {
        self.items.iter().filter_map(|item| match &item.kind {
            ItemKind::ForeignKey(key) => Some(key),
            _ => None,
        })
    }

    /// Secondary indexes.
    pub fn indexes(&self) -> impl Iterator<Item = &Index> {
        self.items.iter().filter_map(|item| match &item.kind {
            ItemKind::Index(index) => Some(index),
            _ => None,
        })
    }

    /// Attributes with types that only some databases have.
    #[must_use]
    pub fn warnings(&self) -> Vec<NativeTypeWarning> {
        self.attributes().filter_map(|attribute| attribute.spec.native_warning(&attribute.name)).collect()
    }
}

impl std::str::FromStr for Definition {
    type Err = DefinitionError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::parse(text)
    }
}

/// The item of a line and the place that its errors point at, in bytes.
fn parse_item(line: &Line<'_>, in_key: bool) -> Result<(ItemKind, usize), DefinitionError> {
    if let Some(arrow) = foreign_key::find_arrow(line.text) {
        foreign_key::parse(line, arrow, in_key).map(|(key, at)| (ItemKind::ForeignKey(key), at))
    } else if let Some(open) = index::find_open(line.text) {
        index::parse(line, open).map(|index| (ItemKind::Index(index), open))
    } else if line.text.starts_with('_') {
        let message = format!(
            "Attribute name in line \"{}\" starts with an underscore. Names with leading underscore are \
             reserved for platform-managed columns",
            line.text
        );
        Err(line.error(DefinitionErrorKind::Name, 0, message).with_help("begin the name with a letter"))
    } else {
        attribute::parse(line, in_key).map(|(attribute, at)| (ItemKind::Attribute(attribute), at))
    }
}

fn table_comment(line: &Line<'_>, text: &str) -> Result<String, DefinitionError> {
    let comment = text.trim();
    if comment.starts_with(':') {
        let message = "Table comment must not start with a colon \":\"";
        return Err(line.error(DefinitionErrorKind::Comment, line.skip_blanks(1), message));
    }
    Ok(comment.to_owned())
}

fn duplicate(line: &Line<'_>, name: &str, earlier: usize) -> DefinitionError {
    let message = format!("attribute `{name}` stands on line {earlier} and again on line {}", line.number);
    line.error(DefinitionErrorKind::Duplicate, 0, message).with_help("remove or rename one of them")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_in_their_order() {
        let text = "\n  # comment # more \n# skipped\n-> A\nx : int32\n-----\r\n\n  # y too\ny=5:int8\n---\nindex(x, y)\n-> B";
        let definition = Definition::parse(text).unwrap();
        assert_eq!(definition.comment, "comment # more");
        let lines: Vec<_> = definition.items.iter().map(|item| (item.line_number, item.in_key())).collect();
        assert_eq!(lines, [(4, true), (5, true), (9, false), (11, false), (12, false)]);
        assert_eq!(definition.items[1].column, 5);
    }

    #[test]
    fn empty_definitions() {
        for text in ["", "\n \n", "---", "\n---\n"] {
            assert_eq!(Definition::parse(text).unwrap(), Definition::default());
        }
        // Only the very first line can be the comment.
        assert_eq!(Definition::parse("---\n# not the comment").unwrap().comment, "");
    }

    #[test]
    fn duplicates_name_both_lines() {
        let error = Definition::parse("x : int32\n---\nx : int8").unwrap_err();
        assert_eq!((error.kind, error.line_number), (DefinitionErrorKind::Duplicate, 3));
        assert!(error.message.contains("line 1 and again on line 3"), "{error}");
    }

    #[test]
    fn errors_about_items_point_at_their_type() {
        let definition = Definition::parse("x : int32\n---\n y = null : <blub@>").unwrap();
        let error = definition.items[1].error(DefinitionErrorKind::Type, "Unknown codec: <blub>");
        assert_eq!(error.to_string(), "line 3: Unknown codec: <blub>\n  y = null : <blub@>\n             ^");
    }
}
