//! Why a definition cannot be read, and where.

use std::fmt;

use crate::spec::error::TypeSpecError;

/// What is wrong with a definition.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum DefinitionErrorKind {
    /// The line is none that a definition has.
    Syntax,
    /// The attribute's name cannot be one.
    Name,
    /// The attribute stands on two lines.
    Duplicate,
    /// The type cannot be read.
    Type,
    /// The attribute cannot have this default.
    Default,
    /// An attribute or dependency of the primary key may be null.
    NullableKey,
    /// The primary key cannot hold values of the type.
    KeyType,
    /// The comment begins with a colon.
    Comment,
    /// The foreign key cannot be read.
    ForeignKey,
    /// The index cannot be read.
    Index,
}

/// A definition cannot be read: the line, the place in it, and what to write instead.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct DefinitionError {
    /// What is wrong.
    pub kind: DefinitionErrorKind,
    /// Line of the definition, from 1.
    pub line_number: usize,
    /// The line, without the blanks around it.
    pub line: String,
    /// Place in `line`, in characters from 1; one past the end for what is missing there.
    pub column: usize,
    /// What is wrong, in words.
    pub message: String,
    /// What to write instead, if known.
    pub help: Option<String>,
}

impl DefinitionError {
    /// An error at a place; `column` counts characters from 1.
    #[must_use]
    pub fn new(
        kind: DefinitionErrorKind,
        line_number: usize,
        line: &str,
        column: usize,
        message: impl Into<String>,
    ) -> Self {
        Self { kind, line_number, line: line.to_owned(), column, message: message.into(), help: None }
    }

    /// The same error with what to write instead.
    #[must_use]
    pub fn with_help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }
}

impl fmt::Display for DefinitionError {
    /// Message, line, caret under the place, help.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        /// Characters shown before and after the caret of a long line.
        const AROUND_CHARS: usize = 60;
        let before = self.column.saturating_sub(1);
        let skipped = if before > 2 * AROUND_CHARS { before - AROUND_CHARS } else { 0 };
        let shown: String = self.line.chars().skip(skipped).take(before - skipped + AROUND_CHARS).collect();
        let cut_after = self.line.chars().nth(before + AROUND_CHARS).is_some();
        let (start, end) = (if skipped > 0 { "…" } else { "" }, if cut_after { "…" } else { "" });
        // A tab stays a tab, so that the caret stands under its place at any tab width.
        let blanks: String =
            shown.chars().take(before - skipped).map(|c| if c == '\t' { c } else { ' ' }).collect();
        let missing = (before - skipped).saturating_sub(shown.chars().count());
        let lead = if skipped > 0 { " " } else { "" };
        write!(f, "line {}: {}\n  {start}{shown}{end}\n", self.line_number, self.message)?;
        write!(f, "  {lead}{blanks}{:missing$}^", "")?;
        self.help.as_ref().map_or(Ok(()), |help| write!(f, "\nhelp: {help}"))
    }
}

impl std::error::Error for DefinitionError {}

/// One line of a definition, without the blanks around it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Line<'t> {
    /// From 1.
    pub(super) number: usize,
    pub(super) text: &'t str,
}

impl<'t> Line<'t> {
    /// The line from `offset` bytes on.
    pub(super) fn from(&self, offset_bytes: usize) -> &'t str {
        self.text.get(offset_bytes..).unwrap_or_default()
    }

    /// Offset of the first character at or after `offset_bytes` that is not blank.
    pub(super) fn skip_blanks(&self, offset_bytes: usize) -> usize {
        self.text.len() - self.from(offset_bytes).trim_start().len()
    }

    /// Column of the character at `offset_bytes`, from 1.
    pub(super) fn column(&self, offset_bytes: usize) -> usize {
        self.text.char_indices().take_while(|&(at, _)| at < offset_bytes).count() + 1
    }

    pub(super) fn error(
        &self,
        kind: DefinitionErrorKind,
        offset_bytes: usize,
        message: impl Into<String>,
    ) -> DefinitionError {
        DefinitionError::new(kind, self.number, self.text, self.column(offset_bytes), message)
    }

    /// The line is not what its beginning promised.
    pub(super) fn syntax(&self, offset_bytes: usize, expected: &str) -> DefinitionError {
        let position = self.column(offset_bytes) - 1;
        let message = format!("Declaration error in position {position} in line {}: {expected}", self.number);
        self.error(DefinitionErrorKind::Syntax, offset_bytes, message)
    }

    /// The type that begins at `offset_bytes` cannot be read.
    pub(super) fn type_error(&self, offset_bytes: usize, error: TypeSpecError) -> DefinitionError {
        let at = offset_bytes + error.offset_bytes;
        let mut located = self.error(DefinitionErrorKind::Type, at, error.message);
        located.help = error.help;
        located
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn caret_under_the_place() {
        let line = Line { number: 3, text: "größe\t: in32" };
        let error = line.error(DefinitionErrorKind::Type, 10, "unknown").with_help("did you mean int32?");
        assert_eq!(error.column, 9);
        assert_eq!(
            error.to_string(),
            "line 3: unknown\n  größe\t: in32\n       \t  ^\nhelp: did you mean int32?"
        );
        let end = line.error(DefinitionErrorKind::Syntax, line.text.len(), "more").to_string();
        assert_eq!(end, "line 3: more\n  größe\t: in32\n       \t      ^");
    }

    #[test]
    fn long_lines_are_cut() {
        let text = "x".repeat(100_000);
        let line = Line { number: 1, text: &text };
        let shown = line.error(DefinitionErrorKind::Syntax, 50_000, "m").to_string();
        let caret_line = shown.lines().nth(2).unwrap();
        assert!(shown.len() < 400, "{}", shown.len());
        assert_eq!(caret_line.chars().count(), 2 + 1 + 60 + 1);
    }
}
