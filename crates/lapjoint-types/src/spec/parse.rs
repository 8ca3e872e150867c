//! Reading a type spec.

use std::str::FromStr;

use super::error::{TypeSpecError, TypeSpecErrorKind, shown};
use super::{CodecSpec, StoreRef, TypeSpec, native, remedy};
use crate::core_type::parse as core;

impl TypeSpec {
    /// Reads what stands after the colon of an attribute: a core type, a native type or `<codec@store>`.
    ///
    /// Names of core and native types may be in upper or lower case. That a codec or store exists is checked
    /// where it is bound, not here.
    ///
    /// ```
    /// use lapjoint_types::{CodecSpec, StoreRef, TypeSpec};
    /// let cold = CodecSpec { name: "blob".into(), store: StoreRef::Named("cold".into()) };
    /// assert_eq!(TypeSpec::parse("<blob@cold>"), Ok(TypeSpec::Codec(cold)));
    /// let error = TypeSpec::parse("uint8").unwrap_err();
    /// assert_eq!(error.message, "Unsupported attribute type uint8");
    /// ```
    ///
    /// # Errors
    /// [`TypeSpecError`], with the place and what to write instead.
    pub fn parse(text: &str) -> Result<Self, TypeSpecError> {
        Self::parse_for(text, "name")
    }

    /// As [`TypeSpec::parse`], with the attribute's name for what to write instead.
    pub(crate) fn parse_for(text: &str, attribute: &str) -> Result<Self, TypeSpecError> {
        let offset = text.len() - text.trim_start().len();
        parse_trimmed(text.trim(), attribute).map_err(|error| error.moved(offset))
    }
}

impl FromStr for TypeSpec {
    type Err = TypeSpecError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::parse(text)
    }
}

fn parse_trimmed(text: &str, attribute: &str) -> Result<TypeSpec, TypeSpecError> {
    if text.is_empty() {
        return Err(TypeSpecError::new(TypeSpecErrorKind::Empty, 0, "the type is missing")
            .help(format!("write a type after the colon, as in `{attribute} : int32`")));
    }
    if text.starts_with('<') && text.ends_with('>') {
        return parse_codec(text).map(TypeSpec::Codec);
    }
    if let Some(result) = core::try_parse(text) {
        return result.map(TypeSpec::Core);
    }
    if native::native_family(text).is_some() {
        return Ok(TypeSpec::Native(text.to_owned()));
    }
    Err(remedy::explain(text, attribute))
}

/// Reads `<name>`, `<name@>` or `<name@store>`; blanks around the names are allowed.
fn parse_codec(text: &str) -> Result<CodecSpec, TypeSpecError> {
    let inner = text.strip_prefix('<').and_then(|rest| rest.strip_suffix('>')).unwrap_or_default();
    let spec = split(inner);
    if spec.name.is_empty() {
        let message = format!("codec type {} names no codec", shown(text));
        return Err(TypeSpecError::new(TypeSpecErrorKind::Codec, 1, message).help("write <blob>"));
    }
    match inner.split_once('@') {
        Some((name, store)) => {
            check_name("codec", name, 1)?;
            check_name("store", store, name.len() + 2)?;
        }
        None => check_name("codec", inner, 1)?,
    }
    Ok(spec)
}

fn check_name(what: &str, name: &str, offset: usize) -> Result<(), TypeSpecError> {
    let blanks = name.len() - name.trim_start().len();
    let is_wrong = |letter: char| !(letter.is_alphanumeric() || matches!(letter, '_' | '-' | '.'));
    let name = name.trim();
    // With a dash at its end, `<name->` would hold the arrow of a dependency.
    let ends_in_dash = name.char_indices().next_back().filter(|&(_, letter)| letter == '-');
    match name.char_indices().find(|&(_, letter)| is_wrong(letter)).or(ends_in_dash) {
        None => Ok(()),
        Some((at, letter)) => {
            let message = format!(
                "{letter:?} cannot stand {} the name of a {what}",
                if letter == '-' { "at the end of" } else { "in" }
            );
            Err(TypeSpecError::new(TypeSpecErrorKind::Codec, offset + blanks + at, message)
                .help("write <codec>, <codec@> or <codec@store>"))
        }
    }
}

/// Splits a codec type, with or without its angle brackets, into codec and store, as DataJoint's function
/// of the same name does: nothing is checked.
///
/// ```
/// use lapjoint_types::{StoreRef, spec::parse_type_spec};
/// assert_eq!(parse_type_spec("blob").store, StoreRef::Inline);
/// assert_eq!(parse_type_spec("<blob@>").store, StoreRef::Default);
/// assert_eq!(parse_type_spec("< blob @ cold >").store, StoreRef::Named("cold".into()));
/// ```
#[must_use]
pub fn parse_type_spec(text: &str) -> CodecSpec {
    split(text.trim_matches(['<', '>']))
}

fn split(inner: &str) -> CodecSpec {
    let inner = inner.trim();
    let (name, store) = match inner.split_once('@') {
        None => (inner, StoreRef::Inline),
        Some((name, store)) => (
            name.trim(),
            match store.trim() {
                "" => StoreRef::Default,
                store => StoreRef::Named(store.to_owned()),
            },
        ),
    };
    CodecSpec { name: name.to_owned(), store }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn codec(name: &str, store: StoreRef) -> TypeSpec {
        TypeSpec::Codec(CodecSpec { name: name.into(), store })
    }

    #[test]
    fn three_layers() {
        for (text, expected) in [
            ("<blob>", codec("blob", StoreRef::Inline)),
            ("<npy@>", codec("npy", StoreRef::Default)),
            ("< zarr @ cold-1 >", codec("zarr", StoreRef::Named("cold-1".into()))),
            ("INT32", TypeSpec::Core(crate::CoreType::Int32)),
            ("mediumint unsigned", TypeSpec::Native("mediumint unsigned".into())),
        ] {
            assert_eq!(TypeSpec::parse(text), Ok(expected), "{text}");
        }
    }

    #[test]
    fn broken_codec_types() {
        for (text, offset, part) in [
            ("<>", 1, "names no codec"),
            ("<@cold>", 1, "names no codec"),
            ("<blob@a@b>", 7, "'@' cannot stand in the name of a store"),
            ("<blob@ab->", 8, "'-' cannot stand at the end of the name of a store"),
            ("<bl ob>", 3, "' ' cannot stand in the name of a codec"),
            ("< a b@c>", 3, "' ' cannot"),
            ("<blob@ c d>", 8, "' ' cannot"),
            ("<<blob>>", 1, "'<' cannot"),
            ("  <blo:b>", 6, "':' cannot"),
        ] {
            let error = TypeSpec::parse(text).unwrap_err();
            assert_eq!(
                (error.kind, error.offset_bytes),
                (TypeSpecErrorKind::Codec, offset),
                "{text}: {error}"
            );
            assert!(error.message.contains(part), "{error}");
        }
    }
}
