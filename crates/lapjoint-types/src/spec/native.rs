//! Types of a database that pass through as written.

/// Families of native types; what a value of them is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum NativeFamily {
    /// `int`, `bigint unsigned`, `serial`, with an optional `auto_increment`.
    Integer,
    /// `decimal(5)`, `numeric`, `dec`, `fixed`, with optional `unsigned` and `zerofill`.
    Numeric,
    /// `double`, `float`, `real`, with an optional `unsigned`.
    Float,
    /// `char` and `varchar` with arguments that the core types do not have.
    String,
    /// `time`, `timestamp`, `year`.
    Temporal,
    /// `blob` of any size: raw bytes.
    Blob,
    /// `text` of any size.
    Text,
}

/// First words of native types, the likelier ones first.
pub(crate) const NATIVE_NAMES: &[&str] = &[
    "int",
    "integer",
    "bigint",
    "smallint",
    "tinyint",
    "mediumint",
    "serial",
    "numeric",
    "dec",
    "fixed",
    "double",
    "float",
    "real",
    "time",
    "timestamp",
    "year",
    "blob",
    "longblob",
    "mediumblob",
    "tinyblob",
    "smallblob",
    "text",
    "longtext",
    "mediumtext",
    "tinytext",
    "smalltext",
];

/// The family of a native type; `None` when the text is none of those that pass through.
///
/// Arguments may hold letters, digits, blanks and commas only: the text goes into SQL as written.
#[must_use]
pub fn native_family(text: &str) -> Option<NativeFamily> {
    let lower = text.trim().to_ascii_lowercase();
    let (rest, auto_increment) = strip_word(&lower, "auto_increment");
    let (rest, zerofill) = strip_word(rest, "zerofill");
    let (rest, unsigned) = strip_word(rest, "unsigned");
    let (head, arguments) = match rest.split_once('(') {
        Some((head, arguments)) => (head.trim_end(), Some(arguments.strip_suffix(')')?)),
        None => (rest, None),
    };
    if arguments.is_some_and(|inner| !is_plain(inner)) {
        return None;
    }
    let family = match head {
        "int" | "integer" | "tinyint" | "smallint" | "mediumint" | "bigint" => NativeFamily::Integer,
        "serial" if arguments.is_none() && !unsigned && !auto_increment => NativeFamily::Integer,
        "decimal" | "numeric" | "dec" | "fixed" => NativeFamily::Numeric,
        "double" | "float" | "real" => NativeFamily::Float,
        "char" | "varchar" if arguments.is_some() => NativeFamily::String,
        "time" | "timestamp" | "year" => NativeFamily::Temporal,
        _ if arguments.is_some() => return None,
        "blob" | "tinyblob" | "smallblob" | "mediumblob" | "longblob" => NativeFamily::Blob,
        "text" | "tinytext" | "smalltext" | "mediumtext" | "longtext" => NativeFamily::Text,
        _ => return None,
    };
    let modifiers_fit = match family {
        NativeFamily::Integer => !zerofill,
        NativeFamily::Numeric => !auto_increment,
        NativeFamily::Float => !zerofill && !auto_increment,
        _ => !unsigned && !zerofill && !auto_increment,
    };
    modifiers_fit.then_some(family)
}

/// Takes `word` and the blanks before it off the end of `text`.
fn strip_word<'t>(text: &'t str, word: &str) -> (&'t str, bool) {
    match text.strip_suffix(word) {
        Some(rest) if rest.ends_with(char::is_whitespace) => (rest.trim_end(), true),
        _ => (text, false),
    }
}

fn is_plain(arguments: &str) -> bool {
    !arguments.trim().is_empty()
        && arguments.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b' ' | b','))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accepted_as_datajoint_accepts() {
        for (text, family) in [
            ("int", NativeFamily::Integer),
            ("INTEGER", NativeFamily::Integer),
            ("tinyint(1)", NativeFamily::Integer),
            ("mediumint unsigned", NativeFamily::Integer),
            ("bigint (20) unsigned auto_increment", NativeFamily::Integer),
            ("serial", NativeFamily::Integer),
            ("decimal", NativeFamily::Numeric),
            ("decimal(5)", NativeFamily::Numeric),
            ("numeric(8,2) unsigned zerofill", NativeFamily::Numeric),
            ("dec", NativeFamily::Numeric),
            ("float", NativeFamily::Float),
            ("double(8,3) unsigned", NativeFamily::Float),
            ("real", NativeFamily::Float),
            ("varchar(max)", NativeFamily::String),
            ("char( 5 )", NativeFamily::String),
            ("time", NativeFamily::Temporal),
            ("TIMESTAMP(6)", NativeFamily::Temporal),
            ("year", NativeFamily::Temporal),
            ("blob", NativeFamily::Blob),
            ("LongBlob", NativeFamily::Blob),
            ("text", NativeFamily::Text),
            ("smalltext", NativeFamily::Text),
        ] {
            assert_eq!(native_family(text), Some(family), "{text}");
        }
    }

    #[test]
    fn refused_as_datajoint_refuses() {
        for text in [
            "",
            "uint8",
            "tinyinteger",
            "int24",
            "boolean",
            "binary(16)",
            "varbinary(8)",
            "set('a')",
            "geometry",
            "bytea",
            "double precision",
            "timestamptz",
            "bigserial",
            "datetime( 3 )",
            "varchar",
            "char",
            "int()",
            "int(5)unsigned",
            "unsigned int",
            "int zerofill",
            "serial unsigned",
            "text(20)",
            "blob(8)",
            "time unsigned",
            "float auto_increment",
            "int not null",
            "int(5); drop table x (3)",
            "int(5) x (3)",
        ] {
            assert_eq!(native_family(text), None, "{text}");
        }
    }
}
