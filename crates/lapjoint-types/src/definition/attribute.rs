//! Attribute lines: `name [= default] : type [# comment]`.

use super::default::{self, AttributeDefault};
use super::error::{DefinitionError, DefinitionErrorKind, Line};
use super::literal;
use crate::core_type::CoreType;
use crate::scan::{self, TEXT_QUOTES, find_unquoted, prefix_bytes, split_comment};
use crate::spec::{NativeFamily, TypeSpec, native_family};
use crate::suggest::nearest;

/// An attribute.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attribute {
    /// Name: a lower-case letter, then lower-case letters, digits and `_`.
    pub name: String,
    /// Default; without one, every row must give a value.
    pub default: Option<AttributeDefault>,
    /// Type.
    pub spec: TypeSpec,
    /// Type as written.
    pub type_text: String,
    /// Comment; empty if there is none. It is one line and does not begin with a colon.
    pub comment: String,
    /// Whether the attribute belongs to the primary key.
    pub in_key: bool,
}

impl Attribute {
    /// Reads one attribute line. Names with a leading underscore, which definitions may not use, are allowed:
    /// the engine declares its own columns so.
    ///
    /// # Errors
    /// [`DefinitionError`], with line number 1.
    pub fn parse(line: &str, in_key: bool) -> Result<Self, DefinitionError> {
        parse(&Line { number: 1, text: line.trim() }, in_key).map(|(attribute, _)| attribute)
    }

    /// Whether the attribute may be null.
    #[must_use]
    pub const fn is_nullable(&self) -> bool {
        matches!(self.default, Some(AttributeDefault::Null))
    }

    /// The type to store with the column's comment, see [`marker`](crate::marker); `None` for native types.
    ///
    /// It is the type as written, except that the name of a core type is in lower case: DataJoint knows no other.
    #[must_use]
    pub fn marker_text(&self) -> Option<String> {
        match self.spec {
            TypeSpec::Native(_) => None,
            TypeSpec::Codec(_) => Some(self.type_text.clone()),
            TypeSpec::Core(_) => {
                let name_bytes = prefix_bytes(&self.type_text, |letter| letter.is_ascii_alphanumeric());
                let (name, rest) = self.type_text.split_at_checked(name_bytes)?;
                Some(format!("{}{rest}", name.to_ascii_lowercase()))
            }
        }
    }
}

/// The attribute of a line, and where its type begins, in bytes.
pub(super) fn parse(line: &Line<'_>, in_key: bool) -> Result<(Attribute, usize), DefinitionError> {
    let name_bytes = prefix_bytes(line.text, |c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_');
    let name = line.text.get(..name_bytes).unwrap_or_default();
    let after_name = line.skip_blanks(name_bytes);
    if !scan::is_attribute_name(name) || !has_boundary(line.from(name_bytes)) {
        return Err(bad_name(line, name_bytes));
    }
    let (default, colon) = match line.from(after_name).as_bytes().first() {
        Some(b':') => (None, after_name),
        Some(b'=') => {
            let start = after_name + 1;
            let colon = find_unquoted(line.from(start), b":#").map(|length| start + length);
            match colon.filter(|&at| line.from(at).starts_with(':')) {
                Some(colon) => (Some((start, colon)), colon),
                None => return Err(unfinished_default(line, name, start, colon)),
            }
        }
        _ => return Err(no_colon(line, name, after_name)),
    };
    let default = default.map(|(start, end)| default::parse(line, start, end, name)).transpose()?;

    let type_start = line.skip_blanks(colon + 1);
    let (type_text, comment) = split_type(line.from(type_start));
    let spec =
        TypeSpec::parse_for(type_text, name).map_err(|error| type_error(line, colon, type_start, error))?;
    let comment = comment_text(line, comment)?;
    let attribute =
        Attribute { name: name.to_owned(), default, spec, type_text: type_text.to_owned(), comment, in_key };
    check(line, &attribute, type_start)?;
    Ok((attribute, type_start))
}

/// A name ends where a blank, a sign or the line does.
fn has_boundary(rest: &str) -> bool {
    rest.chars().next().is_none_or(|next| next.is_whitespace() || next == ':' || next == '=')
}

/// Splits what follows the colon into the type and the comment. A codec type ends with its `>`, whatever it holds.
fn split_type(text: &str) -> (&str, &str) {
    let codec_bytes = match text.starts_with('<') {
        true => text.find('>').map_or(0, |end| end + 1),
        false => 0,
    };
    let rest = text.get(codec_bytes..).unwrap_or_default();
    let (before, comment) = split_comment(rest, TEXT_QUOTES);
    (text.get(..codec_bytes + before.len()).unwrap_or_default().trim_end(), comment)
}

/// The comment after its `#`. Trailing `#` are dropped, as DataJoint does.
pub(super) fn comment_text(line: &Line<'_>, text: &str) -> Result<String, DefinitionError> {
    let comment = text.trim_end_matches('#').trim();
    if comment.starts_with(':') {
        let message = format!("An attribute comment must not start with a colon in comment \"{comment}\"");
        let at = line.skip_blanks(line.text.len() - text.len());
        return Err(line.error(DefinitionErrorKind::Comment, at, message));
    }
    Ok(comment.to_owned())
}

fn type_error(
    line: &Line<'_>,
    colon: usize,
    type_start: usize,
    error: crate::spec::TypeSpecError,
) -> DefinitionError {
    let mut located = line.type_error(type_start, error);
    // `t = 12:30 : time` has the type `30 : time` to the eye of the parser.
    let before = line.text.get(..colon).unwrap_or_default();
    if before.contains('=') && find_unquoted(line.from(colon + 1), b":").is_some() {
        let value = before.split_once('=').map_or("", |(_, value)| value.trim());
        located.help = Some(format!("a default with a colon in it goes in quotes, as in = \"{value}:…\""));
    }
    located
}

/// What an attribute's type, default and place in the key say together.
fn check(line: &Line<'_>, attribute: &Attribute, type_start: usize) -> Result<(), DefinitionError> {
    let is_raw = match &attribute.spec {
        TypeSpec::Codec(_) => false,
        TypeSpec::Core(core) => matches!(core, CoreType::Bytes),
        TypeSpec::Native(text) => native_family(text) == Some(NativeFamily::Blob),
    };
    let is_json = attribute.spec == TypeSpec::Core(CoreType::Json);
    if attribute.in_key && attribute.is_nullable() {
        let message = format!("Primary key attributes cannot be nullable in line \"{}\"", line.text);
        return Err(line
            .error(DefinitionErrorKind::NullableKey, default_start(line), message)
            .with_help("put the attribute below the line `---`, or remove `= null`"));
    }
    if attribute.in_key && (is_raw || is_json) {
        let message = "Blob or JSON attributes are not allowed in the primary key";
        return Err(line
            .error(DefinitionErrorKind::KeyType, type_start, message)
            .with_help("put the attribute below the line `---`"));
    }
    let default = match &attribute.default {
        None | Some(AttributeDefault::Null) => return Ok(()),
        Some(default) => default,
    };
    if is_raw || matches!(attribute.spec, TypeSpec::Codec(_)) {
        let message = format!("The default value for blob attributes can only be NULL in:\n{}", line.text);
        let help = format!("write `{} = null : {}`", attribute.name, attribute.type_text);
        return Err(line.error(DefinitionErrorKind::Default, default_start(line), message).with_help(help));
    }
    if let TypeSpec::Core(core) = &attribute.spec {
        literal::check(core, default).map_err(|misfit| {
            let error = line.error(DefinitionErrorKind::Default, default_start(line), misfit.message);
            DefinitionError { help: misfit.help, ..error }
        })?;
    }
    Ok(())
}

/// Where the default begins, in bytes.
fn default_start(line: &Line<'_>) -> usize {
    line.text.find('=').map_or(0, |at| line.skip_blanks(at + 1))
}

fn bad_name(line: &Line<'_>, name_bytes: usize) -> DefinitionError {
    let word_bytes = prefix_bytes(line.text, |letter| letter.is_alphanumeric() || letter == '_');
    let word = line.text.get(..word_bytes).unwrap_or_default();
    if let Some(error) = other_line(line, word) {
        return error;
    }
    let at = if line.text.starts_with(|first: char| first.is_ascii_digit()) { 0 } else { name_bytes };
    let error =
        line.syntax(at, "expected a name of lower-case letters, digits and _, beginning with a letter");
    let mut suggestion = String::new();
    for letter in word.chars() {
        let follows_lower =
            suggestion.ends_with(|last: char| last.is_ascii_lowercase() || last.is_ascii_digit());
        if letter.is_ascii_uppercase() && follows_lower {
            suggestion.push('_');
        }
        suggestion.push(letter.to_ascii_lowercase());
    }
    match scan::is_attribute_name(&suggestion) && suggestion.len() <= 64 && !suggestion.starts_with('_') {
        true => error.with_help(format!("write {suggestion}")),
        false => error,
    }
}

fn no_colon(line: &Line<'_>, name: &str, at: usize) -> DefinitionError {
    if let Some(error) = other_line(line, name) {
        return error;
    }
    let error = line.syntax(at, &format!("expected `:` and a type, or `=` and a default, after `{name}`"));
    let (rest, _) = split_comment(line.from(at), TEXT_QUOTES);
    match rest.trim() {
        "" => error.with_help(format!("write `{name} : int32`, or another type")),
        rest if TypeSpec::parse(rest).is_ok() => error.with_help(format!("write `{name} : {rest}`")),
        _ => error,
    }
}

fn unfinished_default(line: &Line<'_>, name: &str, start: usize, hash: Option<usize>) -> DefinitionError {
    let end = hash.unwrap_or(line.text.len());
    let default = line.text.get(start..end).unwrap_or_default().trim();
    let error = line.syntax(end, "expected `:` and a type after the default");
    if hash.is_some() && default.is_empty() {
        return error.with_help("a default with # in it goes in quotes");
    }
    let is_open = |quote: char| default.matches(quote).count() % 2 == 1;
    match is_open('\'') || is_open('"') {
        true => error.with_help("a quote in the default is not closed"),
        false => error.with_help(format!("write `{name} = {} : int32`, or another type", default)),
    }
}

/// The error for a line that was meant to be no attribute.
fn other_line(line: &Line<'_>, word: &str) -> Option<DefinitionError> {
    if line.text.starts_with(['-', '–', '—']) {
        let error = line.syntax(0, "expected an attribute, a dependency, an index or `---`");
        let rest = line.text.trim_start_matches(['-', '–', '—', ' ', '>']).trim();
        return Some(match rest {
            "" => error.with_help("the primary key ends with three dashes: write `---`"),
            rest if line.text.contains('>') => error.with_help(format!("write `-> {rest}`")),
            _ => error,
        });
    }
    if line.text.starts_with("=>") || line.text.starts_with('→') {
        let rest = line.text.trim_start_matches(['=', '>', '→']).trim();
        return Some(
            line.syntax(0, "expected an attribute, a dependency, an index or `---`")
                .with_help(format!("write `-> {rest}`")),
        );
    }
    let rest = line.from(word.len()).trim_start();
    if rest.starts_with('(') {
        nearest(word, ["index", "idx", "key"])?;
        return Some(
            line.syntax(0, "expected an attribute, a dependency or an index")
                .with_help("did you mean index?"),
        );
    }
    let (next, arguments) = rest.split_once('(')?;
    let next = next.trim();
    (nearest(word, ["unique"]).is_some() && nearest(next, ["index", "key"]).is_some() && !next.contains(':'))
        .then(|| {
            line.syntax(0, "expected an attribute, a dependency or an index")
                .with_help(format!("write `unique index({arguments}`"))
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> Attribute {
        Attribute::parse(text, false).unwrap()
    }

    #[test]
    fn parts_of_a_line() {
        let attribute = parsed("  kind='a#:b':enum('a#:b', 'c')# it's: #2 ##");
        assert_eq!(attribute.name, "kind");
        assert_eq!(attribute.default, Some(AttributeDefault::Literal("a#:b".into())));
        assert_eq!(attribute.type_text, "enum('a#:b', 'c')");
        assert_eq!(attribute.comment, "it's: #2");
        assert_eq!(parsed("x : <blob@cold> # c").type_text, "<blob@cold>");
        assert_eq!(parsed("_singleton = 1 : bool # singleton primary key").name, "_singleton");
    }

    #[test]
    fn markers() {
        assert_eq!(parsed("x : VarChar (5)").marker_text().as_deref(), Some("varchar (5)"));
        assert_eq!(parsed("x : <Blob@>").marker_text().as_deref(), Some("<Blob@>"));
        assert_eq!(parsed("x : ENUM('A')").marker_text().as_deref(), Some("enum('A')"));
        assert_eq!(parsed("x : int").marker_text(), None);
    }

    #[test]
    fn help_for_lines_meant_otherwise() {
        for (text, column, help) in [
            ("Subject : int32", 1, "write subject"),
            ("subjectId : int32", 8, "write subject_id"),
            ("--", 1, "three dashes"),
            ("- > A", 1, "write `-> A`"),
            ("=> A", 1, "write `-> A`"),
            ("idx(a, b)", 1, "did you mean index?"),
            ("uniqe index(a)", 1, "write `unique index(a)`"),
            ("x int32  # c", 3, "write `x : int32`"),
            ("x", 2, "write `x : int32`"),
            ("x = 5", 6, "write `x = 5 : int32`"),
            ("x = #fff : varchar(7)", 5, "in quotes"),
            ("x = 'a : varchar(7)", 20, ""),
            ("t = 12:30 : time", 8, "in quotes"),
        ] {
            let error = Attribute::parse(text, false).unwrap_err();
            let shown = error.help.clone().unwrap_or_default();
            assert!(shown.contains(help), "{text}: {error}");
            if !help.is_empty() {
                assert_eq!(error.column, column, "{text}: {error}");
            }
        }
    }
}
