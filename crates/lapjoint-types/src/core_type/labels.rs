//! Labels of an `enum`: quoted texts, separated by commas.

use std::fmt;

use crate::spec::error::{TypeSpecError, TypeSpecErrorKind, shown};

/// Reads the text between the parentheses of an `enum`.
///
/// A label stands in single or double quotes. Inside, a doubled quote or one after a backslash is that
/// character, and so is a doubled backslash; any other backslash stands for itself.
pub(crate) fn parse(text: &str) -> Result<Vec<String>, TypeSpecError> {
    let fail = |at: usize, message: String| TypeSpecError::new(TypeSpecErrorKind::Argument, at, message);
    let mut labels: Vec<String> = Vec::new();
    let mut position = skip_blanks(text, 0);
    loop {
        let rest = text.get(position..).unwrap_or_default();
        let Some((label, length_bytes)) = read_label(rest) else {
            let (message, help) = match rest.chars().next() {
                Some('\'' | '"') => ("label without its closing quote".to_owned(), "close the quote"),
                Some(_) => {
                    let word = rest.split(',').next().unwrap_or_default().trim_end();
                    (format!("enum label {} is not in quotes", shown(word)), "write enum('a', 'b')")
                }
                None => ("an enum label is missing".to_owned(), "write enum('a', 'b')"),
            };
            return Err(fail(position, message).help(help));
        };
        labels.push(label);
        let label_at = position;
        position = skip_blanks(text, position + length_bytes);
        match text.as_bytes().get(position) {
            None => break,
            Some(b',') => position = skip_blanks(text, position + 1),
            Some(_) => {
                let after = text.get(position..).unwrap_or_default();
                let message = format!("expected a comma after an enum label, found {}", shown(after));
                return Err(
                    fail(label_at.max(position), message).help("double a quote inside a label: 'it''s'")
                );
            }
        }
    }
    let mut sorted: Vec<&str> = labels.iter().map(String::as_str).collect();
    sorted.sort_unstable();
    match sorted.windows(2).find(|pair| pair.first() == pair.last()).and_then(|pair| pair.first()) {
        Some(twice) => Err(fail(0, format!("enum label '{}' stands twice", shown(twice)))),
        None => Ok(labels),
    }
}

/// Length in bytes of the labels at the start of `text`, up to the `)` that closes them and without it.
pub(crate) fn span_bytes(text: &str) -> Option<usize> {
    let mut position = 0;
    loop {
        position = skip_blanks(text, position);
        position += read_label(text.get(position..)?)?.1;
        position = skip_blanks(text, position);
        match text.as_bytes().get(position)? {
            b',' => position += 1,
            b')' => return Some(position),
            _ => return None,
        }
    }
}

/// Writes labels as [`parse`] reads them.
pub(super) fn write(f: &mut fmt::Formatter<'_>, labels: &[String]) -> fmt::Result {
    for (index, label) in labels.iter().enumerate() {
        let comma = if index > 0 { "," } else { "" };
        write!(f, "{comma}'{}'", label.replace('\\', r"\\").replace('\'', "''"))?;
    }
    Ok(())
}

fn skip_blanks(text: &str, position: usize) -> usize {
    text.get(position..).map_or(text.len(), |rest| text.len() - rest.trim_start().len())
}

/// The label at the start of `text` and its length in bytes, quotes included.
fn read_label(text: &str) -> Option<(String, usize)> {
    let mut letters = text.char_indices().peekable();
    let (_, quote) = letters.next().filter(|(_, first)| matches!(first, '\'' | '"'))?;
    let mut label = String::new();
    while let Some((at, letter)) = letters.next() {
        let next = letters.peek().map(|&(_, next)| next);
        match (letter, next) {
            ('\\', Some(escaped @ ('\'' | '"' | '\\'))) => {
                label.push(escaped);
                letters.next();
            }
            (letter, Some(next)) if letter == quote && next == quote => {
                label.push(quote);
                letters.next();
            }
            (letter, _) if letter == quote => return Some((label, at + 1)),
            (letter, _) => label.push(letter),
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_escapes_and_commas() {
        for (text, expected) in [
            ("'a'", vec!["a"]),
            ("'a','b' , \"c\"", vec!["a", "b", "c"]),
            ("'a,b', 'it''s', \"say \"\"hi\"\"\"", vec!["a,b", "it's", "say \"hi\""]),
            (r"'it\'s', 'a\\', '\x'", vec!["it's", r"a\", r"\x"]),
            ("'', ' ', '#:(é)'", vec!["", " ", "#:(é)"]),
        ] {
            assert_eq!(parse(text).unwrap(), expected, "{text}");
            assert_eq!(span_bytes(&format!("{text}):rest")), Some(text.len()), "{text}");
        }
    }

    #[test]
    fn refusals_point_at_the_place() {
        for (text, offset, part) in [
            ("", 0, "missing"),
            ("'a',", 4, "missing"),
            ("a, b", 0, "a is not in quotes"),
            ("'a', b", 5, "b is not in quotes"),
            ("'a', 'b", 5, "closing quote"),
            ("'a' 'b'", 4, "expected a comma"),
            ("'a', 'b', 'a'", 0, "'a' stands twice"),
        ] {
            let error = parse(text).unwrap_err();
            assert_eq!(error.offset_bytes, offset, "{text}: {error}");
            assert!(error.message.contains(part), "{error}");
        }
    }
}
