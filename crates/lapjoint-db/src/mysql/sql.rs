//! What a statement is, as far as that can be told from its text.

use std::borrow::Cow;

/// Statements that change neither rows nor the state of the connection.
const READS: [&str; 8] = ["select", "show", "explain", "describe", "desc", "table", "values", "help"];

/// Statements that change rows, and can be undone.
const CHANGES: [&str; 6] = ["insert", "update", "delete", "replace", "with", "do"];

/// What running a statement does to a transaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Effect {
    /// It reads.
    Read,
    /// It changes rows.
    Change,
    /// It opens a transaction.
    Begin,
    /// It commits the transaction.
    Commit,
    /// It undoes the transaction.
    Rollback,
    /// It may commit an open transaction by itself, as statements that define things do.
    Other,
}

/// What a statement does.
pub(crate) fn effect(sql: &str) -> Effect {
    let words = first_words(sql);
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["begin"] | ["begin", "work"] | ["start", "transaction", ..] => Effect::Begin,
        ["commit"] | ["commit", "work"] => Effect::Commit,
        ["rollback"] | ["rollback", "work"] => Effect::Rollback,
        [first, ..] if READS.contains(first) => Effect::Read,
        [first, ..] if CHANGES.contains(first) => Effect::Change,
        _ => Effect::Other,
    }
}

/// The first three words in lower case, without comments and opening parentheses.
fn first_words(sql: &str) -> Vec<String> {
    let mut words = Vec::new();
    for (kind, piece) in Pieces::new(sql) {
        match kind {
            Kind::Comment => {}
            Kind::Code => {
                let piece = piece.trim_start_matches(['(', ' ', '\t', '\r', '\n']);
                for word in piece.split(|c: char| c.is_whitespace() || c == '(' || c == ';') {
                    if !word.is_empty() {
                        words.push(word.to_ascii_lowercase());
                    }
                }
            }
            Kind::Quoted => words.push(String::new()),
        }
        if words.len() >= 3 {
            break;
        }
    }
    words.truncate(3);
    words
}

/// The statement as the driver takes it for what it is.
///
/// The driver looks for parameters with names (`:name`), which are none of ours. It knows quotes and comments, except that
/// it passes over the character after a `-` or `/`: a quote there it does not see, and what looks like a name in the text
/// that follows would be replaced. A space between the two helps.
pub(crate) fn for_driver(sql: &str) -> Cow<'_, str> {
    let has_name = sql.as_bytes().windows(2).any(|pair| matches!(pair, [b':', b'a'..=b'z' | b'_']));
    if !has_name {
        return Cow::Borrowed(sql);
    }
    let mut text = String::with_capacity(sql.len() + 16);
    for (kind, piece) in Pieces::new(sql) {
        match kind {
            // A comment means nothing, but may separate two words.
            Kind::Comment => text.push(' '),
            Kind::Quoted => {
                if text.ends_with(['-', '/']) {
                    text.push(' ');
                }
                text.push_str(piece);
            }
            Kind::Code => {
                for letter in piece.chars() {
                    if letter == '-' && text.ends_with('-') {
                        text.push(' ');
                    }
                    text.push(letter);
                }
            }
        }
    }
    Cow::Owned(text)
}

/// The statement with other text in place of some of its `?`.
pub(crate) fn replace_places(sql: &str, is_replaced: impl Fn(usize) -> bool, by: &str) -> String {
    let mut text = String::with_capacity(sql.len() + by.len());
    let mut number = 0;
    for (kind, piece) in Pieces::new(sql) {
        if kind != Kind::Code {
            text.push_str(piece);
            continue;
        }
        for letter in piece.chars() {
            if letter == '?' {
                text.push_str(if is_replaced(number) { by } else { "?" });
                number += 1;
            } else {
                text.push(letter);
            }
        }
    }
    text
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// Anything else.
    Code,
    /// A text or an identifier in quotes.
    Quoted,
    /// A comment.
    Comment,
}

/// The pieces of a statement.
struct Pieces<'s> {
    rest: &'s str,
}

impl<'s> Pieces<'s> {
    const fn new(sql: &'s str) -> Self {
        Self { rest: sql }
    }

    fn cut(&mut self, length_bytes: usize) -> &'s str {
        let (piece, rest) = self.rest.split_at_checked(length_bytes).unwrap_or((self.rest, ""));
        self.rest = rest;
        piece
    }
}

impl<'s> Iterator for Pieces<'s> {
    type Item = (Kind, &'s str);

    fn next(&mut self) -> Option<Self::Item> {
        let bytes = self.rest.as_bytes();
        let first = *bytes.first()?;
        if let Some(length) = comment_bytes(self.rest) {
            return Some((Kind::Comment, self.cut(length)));
        }
        if matches!(first, b'\'' | b'"' | b'`') {
            let length = quoted_bytes(bytes, first);
            return Some((Kind::Quoted, self.cut(length)));
        }
        let mut length = 1;
        while let Some(byte) = bytes.get(length) {
            let starts_comment = matches!(byte, b'#' | b'-' | b'/')
                && self.rest.get(length..).is_some_and(|rest| comment_bytes(rest).is_some());
            if starts_comment || matches!(byte, b'\'' | b'"' | b'`') {
                break;
            }
            length += 1;
        }
        Some((Kind::Code, self.cut(length)))
    }
}

/// Length of the comment at the start of a text; what the server executes (`/*! … */`) and its hints are none.
fn comment_bytes(text: &str) -> Option<usize> {
    let line = |text: &str| text.find('\n').map_or(text.len(), |end| end + 1);
    if text.starts_with('#') {
        return Some(line(text));
    }
    if let Some(after) = text.strip_prefix("--")
        && after.chars().next().is_none_or(|next| next.is_whitespace() || next.is_control())
    {
        return Some(line(text));
    }
    let inner = text.strip_prefix("/*")?;
    if inner.starts_with(['!', '+']) || inner.starts_with("M!") {
        return None;
    }
    Some(inner.find("*/").map_or(text.len(), |end| end + 4))
}

/// Length of what stands in quotes at the start of a text, with them. A doubled quote ends it and starts the next.
fn quoted_bytes(bytes: &[u8], quote: u8) -> usize {
    let mut at = 1;
    while let Some(byte) = bytes.get(at) {
        if *byte == b'\\' && quote != b'`' {
            at += 2;
            continue;
        }
        at += 1;
        if *byte == quote {
            return at;
        }
    }
    bytes.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_words_tell_what_a_statement_does() {
        for (sql, expected) in [
            ("SELECT 1", Effect::Read),
            ("  (select 1) union (select 2)", Effect::Read),
            ("/* note */ -- more\n # again\n select(1)", Effect::Read),
            ("insert into t values (1)", Effect::Change),
            ("WITH x AS (SELECT 1) DELETE FROM t", Effect::Change),
            ("START TRANSACTION WITH CONSISTENT SNAPSHOT", Effect::Begin),
            ("begin;", Effect::Begin),
            ("COMMIT", Effect::Commit),
            ("rollback", Effect::Rollback),
            ("ROLLBACK TO x", Effect::Other),
            ("create table t (x int)", Effect::Other),
            ("set autocommit = 1", Effect::Other),
            ("'select'", Effect::Other),
            ("", Effect::Other),
        ] {
            assert_eq!(effect(sql), expected, "{sql}");
        }
    }

    #[test]
    fn places_of_parameters_are_found() {
        let replaced =
            replace_places("a = ? AND b = '?' /* ? */ AND `?` = ? -- ?", |number| number == 1, "x");
        assert_eq!(replaced, "a = ? AND b = '?' /* ? */ AND `?` = x -- ?");
    }

    #[test]
    fn quotes_stand_where_the_driver_sees_them() {
        for (sql, safe) in [
            ("SELECT 1/'x'", "SELECT 1/'x'"),
            ("SELECT 1-'a:b'", "SELECT 1- 'a:b'"),
            ("SELECT 1/':x', 2 -- c\n", "SELECT 1/ ':x', 2  "),
            ("SELECT 1--'a:b'", "SELECT 1- - 'a:b'"),
            ("SELECT `a:b`, 'it''s :x', \"\\\" :y\" # :z", "SELECT `a:b`, 'it''s :x', \"\\\" :y\"  "),
            ("SELECT 2 /* ** :y **/ , -`:z`", "SELECT 2   , - `:z`"),
            ("SELECT /*! 1-':a' */", "SELECT /*! 1- ':a' */"),
        ] {
            assert_eq!(for_driver(sql), safe);
        }
    }
}
