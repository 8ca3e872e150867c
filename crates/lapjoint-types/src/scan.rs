//! Walking over text without being fooled by what stands in quotes.

/// Quotes of a definition line.
pub(crate) const TEXT_QUOTES: &[u8] = b"'\"";
/// Quotes of an SQL expression.
pub(crate) const SQL_QUOTES: &[u8] = b"'\"`";

/// Bytes of a text that stand outside quotes, with their offsets.
///
/// A doubled quote inside quotes is two quoted texts side by side, which comes to the same. A quote that is
/// never closed is an ordinary character (an apostrophe in a comment), as it is for DataJoint. Quotes
/// themselves are not yielded.
pub(crate) struct Unquoted<'t> {
    text: &'t str,
    quotes: &'static [u8],
    position: usize,
    /// Per quote: no further one ends a quoted text. Keeps the walk linear over unclosed quotes.
    exhausted: [bool; 3],
}

pub(crate) fn unquoted<'t>(text: &'t str, quotes: &'static [u8]) -> Unquoted<'t> {
    Unquoted { text, quotes, position: 0, exhausted: [false; 3] }
}

impl Iterator for Unquoted<'_> {
    type Item = (usize, u8);

    fn next(&mut self) -> Option<Self::Item> {
        let bytes = self.text.as_bytes();
        loop {
            let at = self.position;
            let byte = *bytes.get(at)?;
            self.position += 1;
            let Some(index) = self.quotes.iter().position(|&quote| quote == byte) else {
                return Some((at, byte));
            };
            let exhausted = self.exhausted.get_mut(index)?;
            let close = match bytes.get(self.position..) {
                Some(rest) if !*exhausted => rest.iter().position(|&other| other == byte),
                _ => None,
            };
            match close {
                Some(length) => self.position += length + 1,
                None => {
                    *exhausted = true;
                    return Some((at, byte));
                }
            }
        }
    }
}

/// Offset of the first of `needles` outside quotes.
pub(crate) fn find_unquoted(text: &str, needles: &[u8]) -> Option<usize> {
    unquoted(text, TEXT_QUOTES).find(|(_, byte)| needles.contains(byte)).map(|(at, _)| at)
}

/// Splits at the first `#` outside `quotes`: what stands before it, and the comment after it.
pub(crate) fn split_comment<'t>(text: &'t str, quotes: &'static [u8]) -> (&'t str, &'t str) {
    let hash = unquoted(text, quotes).find(|&(_, byte)| byte == b'#').map(|(at, _)| at);
    hash.map_or((text, ""), |at| {
        let (before, comment) = text.split_at(at);
        (before, comment.get(1..).unwrap_or_default())
    })
}

/// Length in bytes of the leading run of characters that satisfy `accept`.
pub(crate) fn prefix_bytes(text: &str, accept: impl Fn(char) -> bool) -> usize {
    text.find(|letter| !accept(letter)).unwrap_or(text.len())
}

/// Whether `text` is an identifier: letters, digits and `_`, not starting with a digit.
pub(crate) fn is_identifier(text: &str) -> bool {
    text.starts_with(|letter: char| letter.is_alphabetic() || letter == '_')
        && text.chars().all(|letter| letter.is_alphanumeric() || letter == '_')
}

/// Whether `text` may be the name of an attribute: `[a-z_][a-z0-9_]*`.
pub(crate) fn is_attribute_name(text: &str) -> bool {
    text.starts_with(|letter: char| letter.is_ascii_lowercase() || letter == '_')
        && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_hide() {
        assert_eq!(find_unquoted("'a:b' : c", b":"), Some(6));
        assert_eq!(find_unquoted(r#""it's:" : c"#, b":"), Some(8));
        assert_eq!(find_unquoted("'it''s:' : c", b":"), Some(9));
        assert_eq!(find_unquoted("it's : c", b":"), Some(5));
        assert_eq!(find_unquoted("", b":"), None);
        assert_eq!(split_comment("enum('#')  # it's #1", TEXT_QUOTES), ("enum('#')  ", " it's #1"));
        assert_eq!(split_comment("int32", TEXT_QUOTES), ("int32", ""));
    }

    #[test]
    fn unclosed_quotes_are_walked_once() {
        // An unclosed `"` first: looking for its end at every later quote would cost a square.
        let many = format!("\"{}", "'x".repeat(200_001));
        assert_eq!(unquoted(&many, TEXT_QUOTES).last(), Some((many.len() - 1, b'x')));
    }

    #[test]
    fn names() {
        assert!(is_attribute_name("subject_id2") && is_attribute_name("_x"));
        assert!(!is_attribute_name("2x") && !is_attribute_name("X") && !is_attribute_name(""));
        assert!(is_identifier("Größe_1") && !is_identifier("1a") && !is_identifier("a b"));
    }
}
