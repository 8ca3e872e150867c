//! SQL that users write in restrictions and projections: which attributes it names, and the same text for the database at hand.

use std::borrow::Cow;

use lapjoint_db::Adapter;

/// Words of SQL that are no attributes, in lower case. Attributes of these names are found first.
const KEYWORDS: &[&str] = &[
    "all",
    "and",
    "any",
    "as",
    "asc",
    "at",
    "between",
    "binary",
    "by",
    "case",
    "collate",
    "current_date",
    "current_time",
    "current_timestamp",
    "date",
    "datetime",
    "day",
    "days",
    "desc",
    "distinct",
    "div",
    "double",
    "else",
    "end",
    "epoch",
    "escape",
    "exists",
    "false",
    "filter",
    "float",
    "for",
    "from",
    "glob",
    "hour",
    "hours",
    "ilike",
    "in",
    "int",
    "integer",
    "interval",
    "is",
    "isnull",
    "leading",
    "like",
    "localtime",
    "localtimestamp",
    "match",
    "microsecond",
    "millisecond",
    "minute",
    "minutes",
    "mod",
    "month",
    "months",
    "not",
    "notnull",
    "null",
    "numeric",
    "of",
    "on",
    "or",
    "order",
    "over",
    "overlaps",
    "partition",
    "precision",
    "quarter",
    "regexp",
    "rlike",
    "rows",
    "second",
    "seconds",
    "separator",
    "signed",
    "similar",
    "some",
    "sounds",
    "symmetric",
    "text",
    "then",
    "time",
    "timestamp",
    "to",
    "trailing",
    "true",
    "unknown",
    "unsigned",
    "using",
    "week",
    "weeks",
    "when",
    "where",
    "with",
    "within",
    "without",
    "xor",
    "year",
    "years",
    "zone",
];

/// Functions over many rows, in lower case.
const AGGREGATES: &[&str] = &[
    "any_value",
    "array_agg",
    "avg",
    "bit_and",
    "bit_or",
    "bit_xor",
    "bool_and",
    "bool_or",
    "count",
    "every",
    "group_concat",
    "json_agg",
    "json_arrayagg",
    "json_group_array",
    "json_group_object",
    "json_object_agg",
    "json_objectagg",
    "jsonb_agg",
    "jsonb_object_agg",
    "max",
    "min",
    "std",
    "stddev",
    "stddev_pop",
    "stddev_samp",
    "string_agg",
    "sum",
    "total",
    "var_pop",
    "var_samp",
    "variance",
];

/// One piece of a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Piece<'t> {
    /// A word that may name an attribute.
    Name {
        text: &'t str,
        /// Whether a function over many rows is around it.
        is_aggregated: bool,
    },
    /// A name in backticks, without them.
    Backticks(&'t str),
    /// What stands in double quotes, without them: a name, or a text as MySQL writes it.
    DoubleQuotes(&'t str),
    /// All else.
    Other(&'t str),
}

/// A text of SQL in pieces.
#[derive(Debug)]
pub(super) struct UserSql<'t> {
    text: Cow<'t, str>,
    has_subquery: bool,
}

impl<'t> UserSql<'t> {
    /// Reads a text, with functions of other databases replaced by those of this one.
    pub fn read(text: &'t str, adapter: &dyn Adapter) -> Self {
        let text = adapter.translate(text);
        let has_subquery = words(&text).any(|word| word.eq_ignore_ascii_case("select"));
        Self { text, has_subquery }
    }

    /// The first word that is no attribute and cannot be anything else.
    pub fn unknown(&self, names: &[String]) -> Option<&str> {
        // The tables of a subquery have attributes that are not known here.
        if self.has_subquery {
            return None;
        }
        let mut unknown = None;
        pieces(&self.text, &mut |piece| {
            let (name, may_be_else) = match piece {
                Piece::Name { text, .. } => {
                    (text, text.bytes().any(|b| b.is_ascii_uppercase()) || is_keyword(text))
                }
                Piece::Backticks(text) => (text, false),
                _ => return,
            };
            if unknown.is_none() && !may_be_else && !names.iter().any(|known| known == name) {
                unknown = Some(name);
            }
        });
        unknown
    }

    /// The attribute of which the text chooses one value: `max(x)`, `min(x)`, `any_value(x)`.
    pub fn chosen(&self) -> Option<&str> {
        let (function, rest) = self.text.trim().split_once('(')?;
        let name = rest.strip_suffix(')')?.trim().trim_matches(['`', '"']);
        let chooses =
            ["max", "min", "any_value"].iter().any(|known| function.trim_end().eq_ignore_ascii_case(known));
        (chooses && name.bytes().all(is_word_byte)).then_some(name)
    }

    /// Whether the text names an attribute other than inside of a function over many rows.
    pub fn names_outside_of_aggregates(&self, name: &str) -> bool {
        let mut is_named = false;
        pieces(&self.text, &mut |piece| {
            is_named |= match piece {
                Piece::Name { text, is_aggregated } => !is_aggregated && text == name,
                Piece::Backticks(text) | Piece::DoubleQuotes(text) => text == name,
                Piece::Other(_) => false,
            };
        });
        is_named
    }

    /// The text for a database: names in its quotes, and texts in single quotes where double ones are for names.
    pub fn render(&self, names: &[String], adapter: &dyn Adapter) -> String {
        let mut rendered = String::with_capacity(self.text.len());
        pieces(&self.text, &mut |piece| match piece {
            Piece::Name { text, .. } | Piece::Other(text) => rendered.push_str(text),
            Piece::Backticks(name) => rendered.push_str(&adapter.quote(name)),
            Piece::DoubleQuotes(text) => {
                let is_name = names.iter().any(|known| known == text);
                if adapter.double_quotes_texts() {
                    rendered.push_str(&format!("\"{text}\""));
                } else if is_name {
                    rendered.push_str(&adapter.quote(text));
                } else {
                    let text = text.replace("\"\"", "\"").replace('\'', "''");
                    rendered.push_str(&format!("'{text}'"));
                }
            }
        });
        rendered
    }
}

fn is_keyword(word: &str) -> bool {
    let lower = word.to_ascii_lowercase();
    KEYWORDS.binary_search(&lower.as_str()).is_ok()
}

fn is_word_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'$' || byte >= 0x80
}

/// All words outside of quotes.
fn words(text: &str) -> impl Iterator<Item = &str> {
    let mut found = Vec::new();
    pieces(text, &mut |piece| {
        if let Piece::Name { text, .. } = piece {
            found.push(text);
        }
    });
    found.into_iter()
}

/// End of a quoted stretch that starts at `start`, the closing quote included. A doubled quote stands for itself, and so does one
/// after a backslash where it is in doubt.
fn end_of_quote(bytes: &[u8], start: usize, quote: u8) -> usize {
    let mut at = start + 1;
    while let Some(&byte) = bytes.get(at) {
        if byte == quote {
            if bytes.get(at + 1) != Some(&quote) {
                return at + 1;
            }
            at += 1;
        } else if byte == b'\\'
            && quote != b'`'
            && bytes.get(at + 1) == Some(&quote)
            && bytes.get(at + 2).is_some()
        {
            at += 1;
        }
        at += 1;
    }
    bytes.len()
}

/// Hands the pieces of a text to `visit`, in order and without gaps.
fn pieces<'t>(text: &'t str, visit: &mut dyn FnMut(Piece<'t>)) {
    let bytes = text.as_bytes();
    let slice = |from: usize, to: usize| text.get(from..to).unwrap_or_default();
    let mut at = 0;
    let mut depth = 0usize;
    // Depth of the parentheses of the outermost function over many rows.
    let mut aggregate: Option<usize> = None;
    // What stands before: a dot or a cast makes the next word something else than an attribute.
    let mut is_qualified = false;
    while let Some(&byte) = bytes.get(at) {
        let start = at;
        match byte {
            b'\'' => {
                at = end_of_quote(bytes, at, b'\'');
                visit(Piece::Other(slice(start, at)));
                is_qualified = false;
            }
            b'"' | b'`' => {
                at = end_of_quote(bytes, at, byte);
                let inner = slice(start + 1, at.saturating_sub(1).max(start + 1));
                // A part of a qualified name is the database's own.
                let is_part = is_qualified || bytes.get(at) == Some(&b'.');
                let is_open = at < start + 2 || bytes.get(at - 1) != Some(&byte);
                visit(match byte {
                    // What is never closed is for the database to complain about.
                    _ if is_open => Piece::Other(slice(start, at)),
                    b'`' => Piece::Backticks(inner),
                    _ if is_part => Piece::Other(slice(start, at)),
                    _ => Piece::DoubleQuotes(inner),
                });
                is_qualified = false;
            }
            b'0'..=b'9' => {
                while bytes.get(at).is_some_and(|&b| is_word_byte(b) || b == b'.') {
                    at += 1;
                }
                visit(Piece::Other(slice(start, at)));
                is_qualified = false;
            }
            _ if is_word_byte(byte) => {
                while bytes.get(at).is_some_and(|&b| is_word_byte(b)) {
                    at += 1;
                }
                let word = slice(start, at);
                let rest = text.get(at..).unwrap_or_default();
                let next = rest.trim_start().bytes().next();
                let is_function = next == Some(b'(') && !is_keyword(word);
                if is_function
                    && aggregate.is_none()
                    && AGGREGATES.contains(&word.to_ascii_lowercase().as_str())
                {
                    aggregate = Some(depth);
                }
                // A word before a text is a prefix or the type of a literal, `E'…'`, `date '2020-01-01'`.
                let is_else = is_qualified
                    || is_function
                    || rest.starts_with('.')
                    || next == Some(b'\'') && !is_keyword(word);
                visit(if is_else {
                    Piece::Other(word)
                } else {
                    Piece::Name { text: word, is_aggregated: aggregate.is_some() }
                });
                // `CAST(x AS type)`.
                is_qualified = word.eq_ignore_ascii_case("as");
            }
            _ => {
                at += 1;
                match byte {
                    b'(' => depth += 1,
                    b')' => {
                        depth = depth.saturating_sub(1);
                        if aggregate == Some(depth) {
                            aggregate = None;
                        }
                    }
                    _ => {}
                }
                is_qualified = match byte {
                    b'.' | b'@' => true,
                    b':' => {
                        bytes.get(at) == Some(&b':')
                            || start.checked_sub(1).and_then(|i| bytes.get(i)) == Some(&b':')
                    }
                    b' ' => is_qualified,
                    _ => false,
                };
                visit(Piece::Other(slice(start, at)));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{KEYWORDS, Piece, UserSql, pieces};

    fn names(text: &str) -> Vec<String> {
        let mut found = Vec::new();
        pieces(text, &mut |piece| match piece {
            Piece::Name { text, .. } => found.push(text.to_owned()),
            Piece::Backticks(text) => found.push(format!("`{text}`")),
            Piece::DoubleQuotes(text) => found.push(format!("\"{text}\"")),
            Piece::Other(_) => {}
        });
        found
    }

    #[test]
    fn keywords_are_sorted() {
        assert!(KEYWORDS.is_sorted());
    }

    #[test]
    fn pieces_have_no_gaps() {
        for text in [
            "a+b*(c - 1.5e3)",
            "x = 'it''s' AND `y`>\"q\"",
            "naïve = '日本' or z",
            "'open",
            "`",
            "\"",
            "a.",
            "",
        ] {
            let mut whole = String::new();
            pieces(text, &mut |piece| match piece {
                Piece::Name { text, .. } | Piece::Other(text) => whole.push_str(text),
                Piece::Backticks(text) => whole.push_str(&format!("`{text}`")),
                Piece::DoubleQuotes(text) => whole.push_str(&format!("\"{text}\"")),
            });
            assert_eq!(whole, text);
        }
    }

    proptest::proptest! {
        #[test]
        fn no_text_loses_a_byte(text in "[ a-z0-9_.,:@()'`\"\\\\é日-]{0,40}") {
            let mut length = 0;
            pieces(&text, &mut |piece| length += match piece {
                Piece::Name { text, .. } | Piece::Other(text) => text.len(),
                // Without its quotes.
                Piece::Backticks(inner) | Piece::DoubleQuotes(inner) => inner.len() + 2,
            });
            proptest::prop_assert_eq!(length, text.len());
        }
    }

    #[test]
    fn texts_functions_and_qualified_names_are_no_attributes() {
        assert_eq!(names("sin(x) > 'y' and `z`"), ["x", "and", "`z`"]);
        assert_eq!(names("cast(x as char) = t.y"), ["x", "as"]);
        assert_eq!(names("x::int = date '2020-01-01'"), ["x", "date"]);
        assert_eq!(names("name = \"Ann's\""), ["name", "\"Ann's\""]);
        assert_eq!(names("a in (1, 2)"), ["a", "in"]);
    }

    #[test]
    fn an_attribute_inside_of_an_aggregate_needs_no_group() {
        let text = |text| UserSql { text: std::borrow::Cow::Borrowed(text), has_subquery: false };
        assert!(!text("sum(a) / count(distinct b)").names_outside_of_aggregates("a"));
        assert!(text("a + sum((a) + b)").names_outside_of_aggregates("a"));
        assert!(text("sum(b) > a").names_outside_of_aggregates("a"));
    }

    #[test]
    fn unknown_names_are_found() {
        let text = |text| UserSql { text: std::borrow::Cow::Borrowed(text), has_subquery: false };
        let known = ["a".to_owned(), "order".to_owned()];
        assert_eq!(text("a > 1 and nothing = 2").unknown(&known), Some("nothing"));
        assert_eq!(text("a > 1 and order is null").unknown(&known), None);
        assert_eq!(text("a like 'b%' and TRUE").unknown(&known), None);
    }
}
