//! SQL modifiers after a type, which a definition says in other places or not at all.

use super::error::{TypeSpecError, TypeSpecErrorKind, shown};
use super::{TypeSpec, native};
use crate::core_type::CoreType;
use crate::scan::{TEXT_QUOTES, unquoted};

/// What SQL would say here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Modifier {
    NotNull,
    Null,
    Default,
    Unsigned,
    Zerofill,
    PrimaryKey,
    AutoIncrement,
    Unique,
    Index,
    Comment,
    CharacterSet,
    Collate,
    References,
    Check,
    OnUpdate,
    Generated,
}

/// Modifiers by their words, the longer first.
const MODIFIERS: &[(&[&str], Modifier)] = &[
    (&["not", "null"], Modifier::NotNull),
    (&["null"], Modifier::Null),
    (&["default"], Modifier::Default),
    (&["unsigned"], Modifier::Unsigned),
    (&["zerofill"], Modifier::Zerofill),
    (&["primary", "key"], Modifier::PrimaryKey),
    (&["primary"], Modifier::PrimaryKey),
    (&["auto_increment"], Modifier::AutoIncrement),
    (&["autoincrement"], Modifier::AutoIncrement),
    (&["unique", "key"], Modifier::Unique),
    (&["unique"], Modifier::Unique),
    (&["key"], Modifier::Index),
    (&["index"], Modifier::Index),
    (&["comment"], Modifier::Comment),
    (&["character", "set"], Modifier::CharacterSet),
    (&["charset"], Modifier::CharacterSet),
    (&["collate"], Modifier::Collate),
    (&["references"], Modifier::References),
    (&["foreign", "key"], Modifier::References),
    (&["check"], Modifier::Check),
    (&["on", "update"], Modifier::OnUpdate),
    (&["generated"], Modifier::Generated),
];

/// The first modifier of a text.
#[derive(Debug)]
pub(super) struct Found {
    modifier: Modifier,
    words: &'static [&'static str],
    /// Where it begins.
    pub(super) offset_bytes: usize,
    /// What follows it, up to the next modifier.
    argument: String,
}

/// The first modifier in `text`, after its first word and outside quotes and parentheses.
pub(super) fn find(text: &str) -> Option<Found> {
    let words = words(text);
    let (index, modifier, names) = first_modifier(&words, 1)?;
    let &(offset_bytes, _) = words.get(index)?;
    let after = words.get(index + names.len() - 1).map_or(text.len(), |&(at, word)| at + word.len());
    // A default may be a word that is a modifier elsewhere: `default null`.
    let next = index + names.len();
    let is_value = |&(at, _): &(usize, &str)| text.get(after..at).is_some_and(|gap| gap.trim().is_empty());
    let value_words = usize::from(modifier == Modifier::Default && words.get(next).is_some_and(is_value));
    let end = first_modifier(&words, next + value_words)
        .and_then(|(next, ..)| words.get(next))
        .map_or(text.len(), |&(at, _)| at);
    let argument = text.get(after..end).unwrap_or_default().trim().to_owned();
    Some(Found { modifier, words: names, offset_bytes, argument })
}

fn first_modifier(
    words: &[(usize, &str)],
    from: usize,
) -> Option<(usize, Modifier, &'static [&'static str])> {
    (from..words.len()).find_map(|index| {
        let here = words.get(index..)?;
        if here.first().is_some_and(|&(_, word)| word == "=") {
            return Some((index, Modifier::Default, ["="].as_slice()));
        }
        let (names, modifier) = MODIFIERS.iter().find(|(names, _)| {
            names.len() <= here.len()
                && names.iter().zip(here).all(|(name, (_, word))| name.eq_ignore_ascii_case(word))
        })?;
        Some((index, *modifier, *names))
    })
}

/// Words and `=` signs outside quotes, parentheses and angle brackets, with their offsets. The first word may
/// be empty, for a type that begins otherwise.
fn words(text: &str) -> Vec<(usize, &str)> {
    let mut words = Vec::new();
    let mut depth = 0_usize;
    let mut start: Option<usize> = None;
    let mut last = 0;
    let mut cut = |start: &mut Option<usize>, end: usize| {
        if let Some(from) = start.take() {
            words.push((from, text.get(from..end).unwrap_or_default()));
        }
    };
    for (at, byte) in unquoted(text, TEXT_QUOTES) {
        if at > last {
            cut(&mut start, last);
        }
        last = at + 1;
        match byte {
            b'(' | b'<' => depth += 1,
            b')' | b'>' => depth = depth.saturating_sub(1),
            b'=' if depth == 0 => {
                cut(&mut start, at);
                start = Some(at);
                cut(&mut start, at + 1);
                continue;
            }
            _ if depth == 0 && (byte.is_ascii_alphanumeric() || byte == b'_') => {
                start.get_or_insert(at);
                continue;
            }
            _ => {}
        }
        cut(&mut start, at);
    }
    cut(&mut start, last);
    if !text.starts_with(|letter: char| letter.is_ascii_alphanumeric()) {
        words.insert(0, (0, ""));
    }
    words
}

impl Found {
    /// The error for this modifier after the type `base`, which reads as `spec`.
    pub(super) fn refuse(&self, text: &str, base: &str, spec: &TypeSpec, attribute: &str) -> TypeSpecError {
        let written = match self.words {
            ["="] => "a default".to_owned(),
            words => words.join(" ").to_ascii_uppercase(),
        };
        let message = format!("Unsupported attribute type {}: {written} cannot follow a type", shown(text));
        TypeSpecError::new(TypeSpecErrorKind::Modifier, self.offset_bytes, message)
            .help(self.help(base, spec, attribute))
    }

    fn help(&self, base: &str, spec: &TypeSpec, attribute: &str) -> String {
        let base = shown(base);
        let argument = shown(&self.argument);
        match self.modifier {
            Modifier::NotNull => {
                format!("attributes are never null unless they say so: write `{attribute} : {base}`")
            }
            Modifier::Null => format!("null goes before the colon: write `{attribute} = null : {base}`"),
            Modifier::Default => {
                let value = if argument.is_empty() { "default" } else { &argument };
                format!("the default goes before the colon: write `{attribute} = {value} : {base}`")
            }
            Modifier::Unsigned => unsigned_help(spec, attribute),
            Modifier::Zerofill => format!("pad numbers when you show them: write `{attribute} : {base}`"),
            Modifier::PrimaryKey => {
                format!(
                    "put `{attribute} : {base}` above the line `---`: what stands there is the primary key"
                )
            }
            Modifier::AutoIncrement => auto_increment_help(spec, attribute),
            Modifier::Unique => format!("write `unique index({attribute})` on a line of its own"),
            Modifier::Index => format!("write `index({attribute})` on a line of its own"),
            Modifier::Comment => {
                let comment = argument.trim_matches(['\'', '"']);
                format!("the comment goes after #: write `{attribute} : {base}  # {comment}`")
            }
            Modifier::CharacterSet | Modifier::Collate => {
                format!("text is UTF-8 on every database: write `{attribute} : {base}`")
            }
            Modifier::References => "write the dependency on a line of its own: `-> Parent`".to_owned(),
            Modifier::Check => "write enum('a', 'b') for a choice, or a codec with a check".to_owned(),
            Modifier::OnUpdate => format!("rows do not change on their own: write `{attribute} : {base}`"),
            Modifier::Generated => "compute the value in a query, with proj".to_owned(),
        }
    }
}

/// The signed type that holds every value of the unsigned one.
fn unsigned_help(spec: &TypeSpec, attribute: &str) -> String {
    let TypeSpec::Core(core) = spec else {
        return format!("remove UNSIGNED: `{attribute} : {spec}`");
    };
    let wider = match core {
        CoreType::Int8 => "int16",
        CoreType::Int16 => "int32",
        CoreType::Int32 => "int64",
        CoreType::Int64 => "decimal(20,0)",
        _ => return format!("core types are signed: write `{attribute} : {core}`"),
    };
    format!("core types are signed: write `{attribute} : {wider}`, which holds every unsigned {core}")
}

/// Only native integers count by themselves.
fn auto_increment_help(spec: &TypeSpec, attribute: &str) -> String {
    let native = match spec {
        TypeSpec::Core(CoreType::Int8) => "tinyint",
        TypeSpec::Core(CoreType::Int16) => "smallint",
        TypeSpec::Core(CoreType::Int32) => "int",
        TypeSpec::Core(CoreType::Int64) => "bigint",
        TypeSpec::Native(text) if native::native_family(text) == Some(native::NativeFamily::Integer) => {
            return format!("auto_increment goes last: write `{attribute} : {text} auto_increment`");
        }
        _ => "int",
    };
    format!("only native integers count by themselves: write `{attribute} : {native} auto_increment`")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_modifier_tells_what_to_write() {
        for (text, offset, help) in [
            ("int32 NOT NULL", 6, "`x : int32`"),
            ("int32 null", 6, "`x = null : int32`"),
            ("int32 DEFAULT 5 not null", 6, "`x = 5 : int32`"),
            ("int32 default 'x' not null", 6, "`x = 'x' : int32`"),
            ("int32 default null comment 'c'", 6, "`x = null : int32`"),
            ("varchar(9) default 'a b'", 11, "`x = 'a b' : varchar(9)`"),
            ("datetime = CURRENT_TIMESTAMP", 9, "`x = CURRENT_TIMESTAMP : datetime`"),
            ("datetime=null", 8, "`x = null : datetime`"),
            ("int32 unsigned", 6, "`x : int64`"),
            ("int64 UNSIGNED not null", 6, "`x : decimal(20,0)`"),
            ("float32 unsigned", 8, "`x : float32`"),
            ("int32 zerofill", 6, "`x : int32`"),
            ("int32 PRIMARY KEY", 6, "above the line `---`"),
            ("int32 auto_increment", 6, "`x : int auto_increment`"),
            ("varchar(5) unique", 11, "`unique index(x)`"),
            ("varchar(5) key", 11, "`index(x)`"),
            ("int32 comment 'how many'", 6, "`x : int32  # how many`"),
            ("varchar(5) character set utf8", 11, "`x : varchar(5)`"),
            ("varchar(5) charset latin1", 11, "`x : varchar(5)`"),
            ("varchar(5) collate nocase", 11, "UTF-8"),
            ("int32 references parent(id)", 6, "`-> Parent`"),
            ("int32 check (x > 0)", 6, "enum"),
            ("timestamp on update current_timestamp", 10, "`x : timestamp`"),
            ("int32 generated always as (a + b)", 6, "proj"),
            ("int not null auto_increment", 4, "`x : int`"),
            ("<blob@cold> default null", 12, "`x = null : <blob@cold>`"),
            ("enum('not null','b') not null", 21, "`x : enum('not null','b')`"),
        ] {
            let error = TypeSpec::parse_for(text, "x").unwrap_err();
            assert_eq!(
                (error.kind, error.offset_bytes),
                (TypeSpecErrorKind::Modifier, offset),
                "{text}: {error}"
            );
            assert!(error.help.as_deref().unwrap().contains(help), "{text}: {error}");
        }
    }

    #[test]
    fn an_unknown_type_comes_first() {
        let error = TypeSpec::parse("in32 not null").unwrap_err();
        assert_eq!(error.kind, TypeSpecErrorKind::Unknown);
        assert_eq!(error.help.as_deref(), Some("did you mean int32?"));
    }

    #[test]
    fn words_outside_quotes_and_parentheses() {
        assert_eq!(words("enum('a b') not null"), [(0, "enum"), (12, "not"), (16, "null")]);
        assert_eq!(words("<a b> x=1"), [(0, ""), (6, "x"), (7, "="), (8, "1")]);
        assert!(find("unsigned").is_none() && find("").is_none());
    }
}
