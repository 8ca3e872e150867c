//! What to write instead of a type that is none.

use super::error::{TypeSpecError, TypeSpecErrorKind, shown};
use super::{TypeSpec, modifier, native};
use crate::core_type::parse::CORE_NAMES;
use crate::suggest::nearest;

/// Codecs that every installation has; written without brackets they are not types.
const BUILTIN_CODECS: &[&str] = &["blob", "attach", "hash", "npy", "object", "filepath"];

/// Types of databases and languages that a definition has under another name.
const REPLACEMENTS: &[(&str, &str)] = &[
    ("uint8", "write int16: core types are signed, and int16 holds every uint8"),
    ("uint16", "write int32: core types are signed, and int32 holds every uint16"),
    ("uint32", "write int64: core types are signed, and int64 holds every uint32"),
    ("uint64", "write decimal(20,0): core types are signed, and decimal(20,0) holds every uint64"),
    ("uint", "write int64: core types are signed, and int64 holds every uint32"),
    ("boolean", "write bool"),
    ("bit", "write bool, or bytes for more than one bit"),
    ("binary", "write bytes"),
    ("varbinary", "write bytes"),
    ("bytea", "write bytes"),
    ("jsonb", "write json"),
    ("dict", "write json"),
    ("list", "write json, or <blob> for Python objects"),
    ("set", "write json, or a part table with a row for each element"),
    ("geometry", "write bytes, or a codec of your own"),
    ("timestamptz", "write datetime, for times of one time zone, UTC by custom"),
    ("datetime64", "write datetime(6)"),
    ("timedelta", "write float64 with the unit in the name, as in duration_s"),
    ("interval", "write float64 with the unit in the name, as in duration_s"),
    ("bigserial", "write bigint auto_increment"),
    ("smallserial", "write smallint auto_increment"),
    ("int24", "write int32"),
    ("int128", "write decimal(39,0)"),
    ("long", "write int64"),
    ("short", "write int16"),
    ("byte", "write int8, or bytes"),
    ("number", "write float64, or decimal(10,2) for exact numbers"),
    ("money", "write decimal(19,4)"),
    ("float16", "write float32"),
    ("float128", "write float64"),
    ("complex", "write <blob>"),
    ("complex64", "write <blob>"),
    ("complex128", "write <blob>"),
    ("array", "write <blob>, or <npy@> for arrays in a store"),
    ("ndarray", "write <blob>, or <npy@> for arrays in a store"),
    ("str", "write varchar(255)"),
    ("string", "write varchar(255)"),
    ("guid", "write uuid"),
    ("file", "write <attach>, or <filepath@> for files that stay where they are"),
    ("path", "write <filepath@>"),
    ("external", "write <blob@store>"),
    ("varchar", "write how long it may get, as in varchar(255)"),
    ("char", "write how long it is, as in char(8)"),
    ("enum", "write the labels in quotes, as in enum('left', 'right')"),
];

/// Why `text` is no type. It is not empty, and neither core, native nor a codec type that closes.
pub(crate) fn explain(text: &str, attribute: &str) -> TypeSpecError {
    if text.starts_with('<') {
        return match text.find('>') {
            None => TypeSpecError::new(
                TypeSpecErrorKind::Codec,
                text.len(),
                format!("codec type {} has no closing >", shown(text)),
            )
            .help(format!("write {}>", shown(text.split_whitespace().next().unwrap_or(text)))),
            Some(end) => after_type(text, end + 1, attribute),
        };
    }
    if let Some(found) = modifier::find(text) {
        let base = text.get(..found.offset_bytes).unwrap_or_default().trim_end();
        return match TypeSpec::parse_for(base, attribute) {
            Ok(spec) => found.refuse(text, base, &spec, attribute),
            Err(_) if base.is_empty() => unsupported(text),
            Err(error) => error,
        };
    }
    let head =
        text.split(|letter: char| !letter.is_alphanumeric() && letter != '_').next().unwrap_or_default();
    let error = unsupported(text);
    match help(text, head) {
        Some(help) => error.help(help),
        None => error,
    }
}

/// A codec type ends at `end`, and then there is more.
fn after_type(text: &str, end: usize, attribute: &str) -> TypeSpecError {
    let (base, rest) = text.split_at_checked(end).unwrap_or((text, ""));
    let spec = TypeSpec::parse_for(base, attribute);
    match (spec, modifier::find(text)) {
        (Err(error), _) => error,
        (Ok(spec), Some(found)) => found.refuse(text, base, &spec, attribute),
        (Ok(_), None) => {
            let offset = text.len() - rest.trim_start().len();
            let message = format!("unexpected {} after the type {}", shown(rest.trim()), shown(base));
            TypeSpecError::new(TypeSpecErrorKind::Unknown, offset, message)
                .help("a comment begins with #; a default goes before the colon")
        }
    }
}

fn unsupported(text: &str) -> TypeSpecError {
    TypeSpecError::new(TypeSpecErrorKind::Unknown, 0, format!("Unsupported attribute type {}", shown(text)))
}

fn help(text: &str, head: &str) -> Option<String> {
    let lower = head.to_lowercase();
    let words: Vec<String> = text.split_whitespace().take(3).map(str::to_ascii_lowercase).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    match *words.as_slice() {
        ["double", "precision", ..] => return Some("write float64".to_owned()),
        ["unsigned", rest, ..] => return Some(format!("write {rest} unsigned")),
        ["character", ..] => return Some("write varchar(255) or char(8)".to_owned()),
        ["timestamp", "with" | "without", ..] => return Some("write datetime".to_owned()),
        _ => {}
    }
    let blankless: String = text.chars().take(80).filter(|letter| !letter.is_whitespace()).collect();
    if blankless.len() < text.len() && matches!(TypeSpec::parse(&blankless), Ok(TypeSpec::Core(_))) {
        return Some(format!("write {blankless}"));
    }
    if BUILTIN_CODECS.contains(&lower.as_str()) {
        let spec = text.trim_end_matches(['<', '>']);
        return Some(format!("codecs stand in angle brackets: write <{}>", shown(spec)));
    }
    if let Some((_, help)) = REPLACEMENTS.iter().find(|(name, _)| *name == lower) {
        return Some((*help).to_owned());
    }
    if CORE_NAMES.contains(&lower.as_str()) || native::NATIVE_NAMES.contains(&lower.as_str()) {
        return Some(format!("{head} is a type, but not with {}", shown(text.get(head.len()..)?.trim())));
    }
    let known = CORE_NAMES.iter().chain(native::NATIVE_NAMES).chain(BUILTIN_CODECS);
    let near = nearest(head, known.copied())?;
    let rest = text.get(head.len()..)?;
    Some(match BUILTIN_CODECS.contains(&near) {
        true if near != "blob" => format!("did you mean <{near}>?"),
        _ => format!("did you mean {near}{}?", shown(rest)),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn replacements_are_types_and_needed() {
        for (name, help) in REPLACEMENTS {
            assert!(TypeSpec::parse(name).is_err(), "{name} is a type");
            let error = explain(name, "x");
            assert_eq!(error.help.as_deref(), Some(*help));
            let Some(word) = help.strip_prefix("write ").filter(|rest| !rest.starts_with("how long")) else {
                continue;
            };
            let end = word
                .find(": ")
                .or_else(|| word.find(", "))
                .or_else(|| word.find(" and"))
                .unwrap_or(word.len());
            let first = word.get(..end).unwrap().split(" with").next().unwrap();
            if !first.starts_with("the labels") {
                assert!(TypeSpec::parse(first).is_ok(), "{name}: {first}");
            }
        }
    }

    #[test]
    fn help_for_what_people_write() {
        for (text, expected) in [
            ("flaot32", "did you mean float32?"),
            ("vachar(20)", "did you mean varchar(20)?"),
            ("double precision", "write float64"),
            ("unsigned int", "write int unsigned"),
            ("datetime( 3 )", "write datetime(3)"),
            ("blob@cold", "codecs stand in angle brackets: write <blob@cold>"),
            ("npy", "codecs stand in angle brackets: write <npy>"),
            ("int32(4)", "int32 is a type, but not with (4)"),
            ("atach", "did you mean <attach>?"),
            ("timestamp with time zone", "write datetime"),
        ] {
            assert_eq!(TypeSpec::parse(text).unwrap_err().help.as_deref(), Some(expected), "{text}");
        }
        assert_eq!(TypeSpec::parse("hippopotamus").unwrap_err().help, None);
    }

    #[test]
    fn codec_types_that_go_wrong_later() {
        let error = TypeSpec::parse("<blob@cold").unwrap_err();
        assert_eq!((error.offset_bytes, error.help.as_deref()), (10, Some("write <blob@cold>")));
        let error = TypeSpec::parse("<blob> foo").unwrap_err();
        assert_eq!((error.offset_bytes, error.kind), (7, TypeSpecErrorKind::Unknown));
        let error = TypeSpec::parse("<blob> not null").unwrap_err();
        assert_eq!((error.offset_bytes, error.kind), (7, TypeSpecErrorKind::Modifier));
    }
}
