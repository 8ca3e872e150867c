//! The type in a stored column comment: how a core or codec type survives in a database that has neither.
//!
//! A column of type `int32` with the comment `the id` is stored with the comment `:int32:the id`; native
//! types have no marker. DataJoint writes and reads the same.

use crate::core_type::labels;

/// The comment to store for a column whose type is `type_text`; without a type, the comment alone.
///
/// ```
/// use lapjoint_types::marker::{encode_comment, parse_comment};
/// let stored = encode_comment(Some("<blob@cold>"), "raw trace");
/// assert_eq!(stored, ":<blob@cold>:raw trace");
/// assert_eq!(parse_comment(&stored), (Some("<blob@cold>"), "raw trace"));
/// ```
#[must_use]
pub fn encode_comment(type_text: Option<&str>, comment: &str) -> String {
    match type_text {
        Some(text) => format!(":{}:{comment}", text.trim()),
        None => comment.to_owned(),
    }
}

/// Splits a stored comment into the type of its marker, if it has one, and the comment proper.
///
/// The type ends at the next colon, except that colons in the labels of an `enum` do not end it.
#[must_use]
pub fn parse_comment(stored: &str) -> (Option<&str>, &str) {
    split(stored).map_or((None, stored), |(type_text, comment)| (Some(type_text), comment))
}

fn split(stored: &str) -> Option<(&str, &str)> {
    let body = stored.strip_prefix(':')?;
    let end = match enum_bytes(body) {
        Some(end) if body.as_bytes().get(end) == Some(&b':') => end,
        _ => body.find(':')?,
    };
    let (type_text, comment) = body.split_at_checked(end)?;
    (!type_text.is_empty()).then_some((type_text, comment.get(1..)?))
}

/// Length in bytes of the `enum(...)` at the start of `text`.
fn enum_bytes(text: &str) -> Option<usize> {
    let (head, labels) = text.split_once('(')?;
    if !head.trim().eq_ignore_ascii_case("enum") {
        return None;
    }
    Some(head.len() + 1 + labels::span_bytes(labels)? + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_datajoint_writes() {
        for (type_text, comment, stored) in [
            (Some("int32"), "the id", ":int32:the id"),
            (Some("uuid"), "", ":uuid:"),
            (Some("decimal(8,2)"), "", ":decimal(8,2):"),
            (Some("enum('a','b')"), "kind", ":enum('a','b'):kind"),
            (Some("<npy@cold>"), "it's: a # comment", ":<npy@cold>:it's: a # comment"),
            (None, "native", "native"),
            (None, "", ""),
        ] {
            assert_eq!(encode_comment(type_text, comment), stored);
            assert_eq!(parse_comment(stored), (type_text, comment), "{stored}");
        }
    }

    #[test]
    fn colons_in_labels() {
        for text in ["enum('a:b','c')", r"ENUM ( 'it''s:', 'a\':b' )", r#"enum("x):y",'é:')"#] {
            let stored = encode_comment(Some(text), "k: it's");
            assert_eq!(parse_comment(&stored), (Some(text), "k: it's"), "{stored}");
        }
    }

    #[test]
    fn what_is_no_marker() {
        for stored in [":", "::", "::x", ":int32", "a:b:c", ":enum('a)"] {
            assert_eq!(parse_comment(stored), (None, stored));
        }
        // Not labels as they should be: the first colon counts, as in DataJoint.
        assert_eq!(parse_comment(":enum('a:b) c:d"), (Some("enum('a"), "b) c:d"));
        assert_eq!(parse_comment(":enum('a':b):c"), (Some("enum('a'"), "b):c"));
    }
}
