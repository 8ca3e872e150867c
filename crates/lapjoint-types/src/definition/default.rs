//! Defaults: what stands between `=` and the colon.

use super::error::{DefinitionError, DefinitionErrorKind, Line};

/// Default of an attribute.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum AttributeDefault {
    /// `null`: the attribute may be null, and is if it is not given.
    Null,
    /// `CURRENT_TIMESTAMP` or `CURRENT_TIMESTAMP(n)`: the time of the insert, with `n` digits of fractional seconds.
    CurrentTimestamp(Option<u8>),
    /// A value, as text without its quotes. Numbers are text too: the column's type says what they are.
    Literal(String),
}

const CURRENT_TIMESTAMP: &str = "CURRENT_TIMESTAMP";

/// The default between the offsets `start` and `end` of the line.
pub(super) fn parse(
    line: &Line<'_>,
    start: usize,
    end: usize,
    name: &str,
) -> Result<AttributeDefault, DefinitionError> {
    let start = line.skip_blanks(start);
    let text = line.text.get(start..end).unwrap_or_default().trim_end();
    let fail =
        |offset: usize, message: String| line.error(DefinitionErrorKind::Default, start + offset, message);
    if text.is_empty() {
        return Err(fail(0, "a default is missing after `=`".to_owned())
            .with_help(format!("write `{name} = null`, `{name} = \"\"` for the empty text, or remove `=`")));
    }
    if text.eq_ignore_ascii_case("null") {
        return Ok(AttributeDefault::Null);
    }
    if let Some(inner) = text.strip_prefix('"') {
        return match inner.strip_suffix('"') {
            Some(inner) => Ok(AttributeDefault::Literal(inner.to_owned())),
            None => Err(fail(0, "the quote before the default is not closed".to_owned())),
        };
    }
    if let Some(inner) = text.strip_prefix('\'') {
        return single_quoted(inner).map_err(|at| match at < inner.len() {
            false => fail(0, "the quote before the default is not closed".to_owned()),
            true => fail(at + 1, "unexpected text after the closing quote of the default".to_owned())
                .with_help("double a quote inside quotes, as in 'it''s', or write \"it's\""),
        });
    }
    if text.get(..CURRENT_TIMESTAMP.len()).is_some_and(|head| head.eq_ignore_ascii_case(CURRENT_TIMESTAMP)) {
        let rest = text.get(CURRENT_TIMESTAMP.len()..).unwrap_or_default().trim();
        return current_timestamp(rest).ok_or_else(|| {
            fail(0, format!("a default of {text} is not possible"))
                .with_help("write CURRENT_TIMESTAMP, or CURRENT_TIMESTAMP(n) with 0 to 6 digits of seconds")
        });
    }
    if let Some(at) = text.find(['\'', '"']) {
        return Err(fail(at, "a quote inside a default without quotes".to_owned())
            .with_help("put the whole default in quotes"));
    }
    Ok(AttributeDefault::Literal(text.to_owned()))
}

/// A text in single quotes, after the first of them; the error is the offset of what follows its end.
fn single_quoted(inner: &str) -> Result<AttributeDefault, usize> {
    let mut literal = String::new();
    let mut rest = inner;
    loop {
        let Some((before, after)) = rest.split_once('\'') else { return Err(inner.len()) };
        literal.push_str(before);
        match after.strip_prefix('\'') {
            Some(more) => {
                literal.push('\'');
                rest = more;
            }
            None if after.is_empty() => return Ok(AttributeDefault::Literal(literal)),
            None => return Err(inner.len() - after.trim_start().len()),
        }
    }
}

fn current_timestamp(rest: &str) -> Option<AttributeDefault> {
    if rest.is_empty() {
        return Some(AttributeDefault::CurrentTimestamp(None));
    }
    let digits = rest.strip_prefix('(')?.strip_suffix(')')?.trim();
    if digits.is_empty() {
        return Some(AttributeDefault::CurrentTimestamp(None));
    }
    let digits: u8 = digits.parse().ok()?;
    (digits <= 6).then_some(AttributeDefault::CurrentTimestamp(Some(digits)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<AttributeDefault, DefinitionError> {
        parse(&Line { number: 1, text }, 0, text.len(), "x")
    }

    #[test]
    fn as_datajoint_reads_them() {
        let literal = |text: &str| AttributeDefault::Literal(text.into());
        for (text, expected) in [
            ("null", AttributeDefault::Null),
            (" NULL ", AttributeDefault::Null),
            ("'null'", literal("null")),
            ("current_timestamp", AttributeDefault::CurrentTimestamp(None)),
            ("CURRENT_TIMESTAMP()", AttributeDefault::CurrentTimestamp(None)),
            ("CURRENT_TIMESTAMP (3)", AttributeDefault::CurrentTimestamp(Some(3))),
            ("\"CURRENT_TIMESTAMP\"", literal("CURRENT_TIMESTAMP")),
            ("\"it's\"", literal("it's")),
            ("'it''s'", literal("it's")),
            ("'say \"hi\"'", literal("say \"hi\"")),
            ("\"\"", literal("")),
            ("''", literal("")),
            ("5", literal("5")),
            ("-1.5e3", literal("-1.5e3")),
            ("true", literal("true")),
            ("two words", literal("two words")),
            ("'C:\\'", literal("C:\\")),
        ] {
            assert_eq!(read(text), Ok(expected), "{text}");
        }
    }

    #[test]
    fn refused() {
        for (text, column) in [
            ("", 1),
            ("\"", 1),
            ("\"a", 1),
            ("'a", 1),
            ("'a' b", 5),
            ("'a''", 1),
            ("it's", 3),
            ("CURRENT_TIMESTAMP(7)", 1),
            ("CURRENT_TIMESTAMP ON UPDATE CURRENT_TIMESTAMP", 1),
        ] {
            let error = read(text).unwrap_err();
            assert_eq!((error.kind, error.column), (DefinitionErrorKind::Default, column), "{text}: {error}");
        }
    }
}
