//! Index lines: `index(a, b)`, `unique index(a.path:char(20), (lower(b)))`.

use std::fmt;

use super::error::{DefinitionError, DefinitionErrorKind, Line};
use crate::scan::{SQL_QUOTES, prefix_bytes, unquoted};
use crate::spec::error::shown;

/// A secondary index.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Index {
    /// Whether no two rows may agree in all parts.
    pub unique: bool,
    /// What is indexed, in order.
    pub parts: Vec<IndexPart>,
}

/// One part of an index.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum IndexPart {
    /// An attribute.
    Attribute(String),
    /// A value inside a JSON attribute, `attribute.path:type`.
    JsonPath {
        /// Attribute.
        attribute: String,
        /// Path inside the document, as in `a.b[0]`.
        path: String,
        /// SQL type to read the value as, such as `char(20)`.
        cast: Option<String>,
    },
    /// SQL as written: an expression in parentheses, a prefix `name(10)`, or a direction `name desc`.
    Expression(String),
}

impl fmt::Display for IndexPart {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Attribute(text) | Self::Expression(text) => f.write_str(text),
            Self::JsonPath { attribute, path, cast: None } => write!(f, "{attribute}.{path}"),
            Self::JsonPath { attribute, path, cast: Some(cast) } => write!(f, "{attribute}.{path}:{cast}"),
        }
    }
}

/// Where the `(` of an index line is; `None` when the line is no index.
pub(super) fn find_open(text: &str) -> Option<usize> {
    let after_unique = strip_word(text, "unique");
    let after_index = match after_unique {
        Some(rest) if rest.starts_with(char::is_whitespace) => strip_word(rest.trim_start(), "index"),
        Some(_) => None,
        None => strip_word(text, "index"),
    }?;
    let arguments = after_index.trim_start();
    arguments.starts_with('(').then(|| text.len() - arguments.len())
}

fn strip_word<'t>(text: &'t str, word: &str) -> Option<&'t str> {
    let (head, rest) = text.split_at_checked(word.len())?;
    head.eq_ignore_ascii_case(word).then_some(rest)
}

/// The index of a line whose `(` is at `open`.
pub(super) fn parse(line: &Line<'_>, open: usize) -> Result<Index, DefinitionError> {
    let fail = |at: usize, message: String| line.error(DefinitionErrorKind::Index, at, message);
    let arguments = line.from(open);
    let mut depth = 0_usize;
    let mut start = 1;
    let mut parts = Vec::new();
    let mut close = None;
    for (at, byte) in unquoted(arguments, SQL_QUOTES) {
        match byte {
            b'(' => depth += 1,
            b')' if depth <= 1 => {
                close = Some(at);
                break;
            }
            b')' => depth -= 1,
            b',' if depth == 1 => {
                parts.push((start, at));
                start = at + 1;
            }
            _ => {}
        }
    }
    let Some(close) = close else {
        return Err(fail(line.text.len(), "the index has no closing )".to_owned()));
    };
    parts.push((start, close));
    let after = line.skip_blanks(open + close + 1);
    if !matches!(line.from(after).as_bytes().first(), None | Some(b'#')) {
        let message = format!("unexpected {} after the index", shown(line.from(after)));
        return Err(fail(after, message).with_help("a comment begins with #"));
    }
    let unique = !line.text.starts_with(['i', 'I']);
    let mut index = Index { unique, parts: Vec::new() };
    for (from, to) in parts {
        let text = arguments.get(from..to).unwrap_or_default();
        let at = line.skip_blanks(open + from);
        // Empty parts are left out, as DataJoint does.
        if !text.trim().is_empty() {
            index.parts.push(parse_part(text.trim()).map_err(|error| {
                let located = fail(at, error);
                located.with_help(
                    "write an attribute, attribute.path:char(20), or an SQL expression in parentheses",
                )
            })?);
        }
    }
    match index.parts.is_empty() {
        true => {
            Err(fail(open + 1, "the index names no attribute".to_owned()).with_help("write index(attribute)"))
        }
        false => Ok(index),
    }
}

fn parse_part(text: &str) -> Result<IndexPart, String> {
    if text.starts_with('(') && text.ends_with(')') {
        return Ok(IndexPart::Expression(text.to_owned()));
    }
    let bare = text.strip_prefix('`').and_then(|inner| inner.strip_suffix('`')).unwrap_or(text);
    let name_bytes = prefix_bytes(bare, |letter| letter.is_alphanumeric() || letter == '_');
    let (name, rest) = bare.split_at_checked(name_bytes).unwrap_or_default();
    let refuse = || format!("{} cannot be part of an index", shown(text));
    if name.is_empty() {
        return Err(refuse());
    }
    if rest.is_empty() {
        return Ok(IndexPart::Attribute(name.to_owned()));
    }
    if let Some(path) = rest.strip_prefix('.') {
        return json_path(name, path).ok_or_else(refuse);
    }
    let suffix = rest.trim().to_ascii_lowercase();
    let length = suffix.strip_prefix('(').and_then(|inner| inner.split_once(')'));
    let direction = match length {
        Some((digits, rest)) if !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit()) => {
            rest.trim()
        }
        Some(_) => return Err(refuse()),
        None => suffix.as_str(),
    };
    match direction {
        "" | "asc" | "desc" => Ok(IndexPart::Expression(text.to_owned())),
        _ => Err(refuse()),
    }
}

fn json_path(attribute: &str, text: &str) -> Option<IndexPart> {
    let (path, cast) = match text.split_once(':') {
        Some((path, cast)) => (path, Some(cast.trim())),
        None => (text, None),
    };
    let in_path = |letter: char| letter.is_alphanumeric() || matches!(letter, '_' | '.' | '*' | '[' | ']');
    let in_cast = |letter: char| letter.is_alphanumeric() || matches!(letter, '_' | '(' | ',' | ')' | ' ');
    let is_valid = !path.is_empty()
        && path.chars().all(in_path)
        && cast.is_none_or(|cast| !cast.is_empty() && cast.chars().all(in_cast));
    is_valid.then(|| IndexPart::JsonPath {
        attribute: attribute.to_owned(),
        path: path.to_owned(),
        cast: cast.map(str::to_owned),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Index, DefinitionError> {
        parse(&Line { number: 1, text }, find_open(text).unwrap())
    }

    #[test]
    fn parts() {
        let index = read("UNIQUE  Index (a, `b`,c.d[0].e:char(20), (concat(`a,)`, 'x,(')), b(10) desc,) # c")
            .unwrap();
        assert!(index.unique);
        let json = IndexPart::JsonPath {
            attribute: "c".into(),
            path: "d[0].e".into(),
            cast: Some("char(20)".into()),
        };
        let expected = [
            IndexPart::Attribute("a".into()),
            IndexPart::Attribute("b".into()),
            json,
            IndexPart::Expression("(concat(`a,)`, 'x,('))".into()),
            IndexPart::Expression("b(10) desc".into()),
        ];
        assert_eq!(index.parts, expected);
        for part in &index.parts {
            assert_eq!(&parse_part(&part.to_string()).unwrap(), part);
        }
        assert!(!read("index(a.b)").unwrap().unique);
        assert_eq!(read("index(a.b:decimal(5,2))").unwrap().parts[0].to_string(), "a.b:decimal(5,2)");
    }

    #[test]
    fn lines_that_are_none() {
        for text in ["index : int32", "indexes(a)", "unique : bool", "uniqueindex(a)", "x", "unique (a)", "é"]
        {
            assert_eq!(find_open(text), None, "{text}");
        }
    }

    #[test]
    fn refused() {
        for (text, column, part) in [
            ("index()", 7, "names no attribute"),
            ("index( , )", 7, "names no attribute"),
            ("index(a, b", 11, "no closing )"),
            ("index(a) b", 10, "unexpected b"),
            ("index(a b)", 7, "a b cannot be part"),
            ("index(a, lower(b))", 10, "lower(b) cannot be part"),
            ("index(a, -b)", 10, "-b cannot be part"),
            ("index(a.:char)", 7, "cannot be part"),
            ("index(a:char(3))", 7, "cannot be part"),
        ] {
            let error = read(text).unwrap_err();
            assert_eq!(error.column, column, "{error}");
            assert!(error.message.contains(part), "{error}");
        }
    }
}
