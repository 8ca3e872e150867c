//! Dependencies: `-> [options] Reference`.

use super::attribute::comment_text;
use super::error::{DefinitionError, DefinitionErrorKind, Line};
use super::reference::{self, Projection, Reference};
use crate::scan::{SQL_QUOTES, split_comment};
use crate::suggest::nearest;

/// A dependency on another table, which brings that table's primary key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ForeignKey {
    /// The table depended on.
    pub reference: Reference,
    /// Renamed attributes, if the reference is a projection.
    pub projection: Option<Projection>,
    /// Whether a row may depend on nothing.
    pub nullable: bool,
    /// Whether no two rows may depend on the same one.
    pub unique: bool,
    /// Comment of the line; the database does not keep it.
    pub comment: String,
    /// Whether the dependency belongs to the primary key.
    pub in_key: bool,
}

const OPTIONS: [&str; 2] = ["nullable", "unique"];

/// Where the arrow of a dependency begins: the first `->`, unless a quote or `#` stands before it.
pub(super) fn find_arrow(text: &str) -> Option<usize> {
    let arrow = text.find("->")?;
    let before = text.get(..arrow)?;
    (!before.contains(['"', '\'', '#'])).then_some(arrow)
}

/// The foreign key of a line and where its reference begins, in bytes.
pub(super) fn parse(
    line: &Line<'_>,
    arrow: usize,
    in_key: bool,
) -> Result<(ForeignKey, usize), DefinitionError> {
    let fail = |at: usize, message: String| line.error(DefinitionErrorKind::ForeignKey, at, message);
    if arrow > 0 {
        let rest = line.from(arrow);
        let message = format!("Parsing error in line \"{}\": a dependency begins with `->`", line.text);
        return Err(fail(0, message).with_help(format!("write `{rest}`")));
    }
    let mut start = line.skip_blanks(2);
    let (mut nullable, mut unique) = (false, false);
    if line.from(start).starts_with('[') {
        let close = line.from(start).find(']').map(|length| start + length).ok_or_else(|| {
            fail(line.text.len(), "the options of the foreign key have no closing ]".to_owned())
                .with_help("write `-> [nullable, unique] Parent`")
        })?;
        let mut at = start + 1;
        for option in line.text.get(at..close).unwrap_or_default().split(',') {
            let place = line.skip_blanks(at).min(close);
            match option.trim().to_lowercase().as_str() {
                "nullable" => {
                    nullable = true;
                    if in_key {
                        let message =
                            format!("Primary dependencies cannot be nullable in line \"{}\"", line.text);
                        return Err(line
                            .error(DefinitionErrorKind::NullableKey, place, message)
                            .with_help("put the dependency below the line `---`, or remove `nullable`"));
                    }
                }
                "unique" => unique = true,
                word => {
                    let message = format!("Invalid foreign key option \"{}\"", option.trim().to_uppercase());
                    return Err(fail(place, message).with_help(match nearest(word, OPTIONS) {
                        Some(near) => format!("did you mean {near}?"),
                        None => "the options are nullable and unique".to_owned(),
                    }));
                }
            }
            at += option.len() + 1;
        }
        start = line.skip_blanks(close + 1);
    }
    let (text, comment) = split_comment(line.from(start), SQL_QUOTES);
    let (reference, projection) = reference::parse(text.trim_end()).map_err(|error| {
        let located = fail(start + error.offset_bytes, error.message);
        DefinitionError { help: error.help, ..located }
    })?;
    let comment = comment_text(line, comment)?;
    Ok((ForeignKey { reference, projection, nullable, unique, comment, in_key }, start))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<ForeignKey, DefinitionError> {
        parse(&Line { number: 1, text }, find_arrow(text).unwrap(), false).map(|(key, _)| key)
    }

    #[test]
    fn options_and_comments() {
        let key = read("->[Nullable ,UNIQUE, nullable]Parent# why").unwrap();
        assert!(key.nullable && key.unique);
        assert_eq!((key.reference.to_string(), key.comment), ("Parent".into(), "why".into()));
        let key = read("-> `lab`.`#species` # `why").unwrap();
        assert_eq!((key.reference.to_string(), key.comment), ("`lab`.`#species`".into(), "`why".into()));
        let key = read("-> Parent.proj(a='b')").unwrap();
        assert!(!key.nullable && !key.unique && key.projection.is_some());
    }

    #[test]
    fn arrows_in_other_lines() {
        assert_eq!(find_arrow("x : int32 # -> A"), None);
        assert_eq!(find_arrow("x = '->' : varchar(2)"), None);
        assert_eq!(find_arrow("x -> A"), Some(2));
    }

    #[test]
    fn refused() {
        for (text, column, part) in [
            ("x -> A", 1, "Parsing error in line \"x -> A\""),
            ("-> [nulable] A", 5, "Invalid foreign key option \"NULABLE\""),
            ("-> [unique, ] A", 13, "Invalid foreign key option \"\""),
            ("-> [unique A", 13, "no closing ]"),
            ("->", 3, "could not be resolved"),
        ] {
            let error = read(text).unwrap_err();
            assert!(error.message.contains(part), "{error}");
            assert_eq!(error.column, column, "{error}");
        }
        let line = Line { number: 1, text: "-> [unique,  nullable] A" };
        let error = parse(&line, 0, true).unwrap_err();
        assert_eq!((error.kind, error.column), (DefinitionErrorKind::NullableKey, 14));
    }
}
