//! What the generator knows of a heading: enough to write expressions that mostly have a result.

use proptest::sample::Index;

/// What values an attribute has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Int,
    Text,
    Float,
    Date,
}

/// An attribute.
#[derive(Debug, Clone)]
pub(crate) struct Attribute {
    pub(crate) name: String,
    pub(crate) kind: Kind,
    pub(crate) in_key: bool,
    pub(crate) nullable: bool,
    /// Attributes of one origin may be matched.
    pub(crate) origin: Option<String>,
}

/// The attributes of an expression.
pub(crate) type Heading = Vec<Attribute>;

/// The one that an index picks, if there is any.
pub(crate) fn pick<'a, T>(index: &Index, from: &'a [T]) -> Option<&'a T> {
    if from.is_empty() { None } else { from.get(index.index(from.len())) }
}

/// Whether an index chooses an event that comes `part` times out of 100.
pub(crate) fn chance(index: &Index, part: usize) -> bool {
    index.index(100) < part
}

/// The attribute of this name.
pub(crate) fn find<'a>(heading: &'a [Attribute], name: &str) -> Option<&'a Attribute> {
    heading.iter().find(|attribute| attribute.name == name)
}

/// Names of the primary key, or of the other attributes.
pub(crate) fn names(heading: &[Attribute], in_key: bool) -> Vec<String> {
    heading
        .iter()
        .filter(|attribute| attribute.in_key == in_key)
        .map(|attribute| attribute.name.clone())
        .collect()
}
