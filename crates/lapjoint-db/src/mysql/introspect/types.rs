//! The type of a column, from its SQL type and from the marker in its comment.

use lapjoint_types::{CoreType, marker};

use crate::mysql::native;
use crate::mysql::types::sql_type;
use crate::schema::ColumnType;

/// Widths that servers show where none was declared, signed and unsigned.
const WIDTHS: [(&str, &str, &str); 6] = [
    ("tinyint", "4", "3"),
    ("smallint", "6", "5"),
    ("mediumint", "9", "8"),
    ("int", "11", "10"),
    ("bigint", "20", "20"),
    ("year", "4", "4"),
];

/// A column's SQL type without the width that the server adds by itself.
pub(super) fn declared(column_type: &str) -> String {
    let (name, arguments, rest) = native::split(column_type);
    let shown = WIDTHS
        .iter()
        .find(|(kind, ..)| *kind == name)
        .map(|(_, signed, unsigned)| if rest.contains("unsigned") { *unsigned } else { *signed });
    if arguments.is_none() || arguments != shown || rest.contains("zerofill") {
        return column_type.to_owned();
    }
    if rest.is_empty() { name } else { format!("{name} {rest}") }
}

/// What a column's own comment says of its type; `None` without a marker.
pub(super) fn marked(declared: &str, comment: &str, is_mariadb: bool) -> Option<ColumnType> {
    let (marker, _) = marker::parse_comment(comment);
    let marker = marker?;
    if marker.starts_with('<') {
        return Some(of_codec(declared, is_mariadb));
    }
    let core = CoreType::parse(marker).ok()?;
    fits(declared, &core, is_mariadb).then_some(ColumnType::Core(core))
}

/// Whether a column of this SQL type is one of a core type.
pub(super) fn fits(declared: &str, core: &CoreType, is_mariadb: bool) -> bool {
    let (name, arguments, rest) = native::split(declared);
    if !rest.is_empty() {
        return false;
    }
    match core {
        CoreType::Enum(labels) => {
            name == "enum" && arguments.and_then(native::labels).is_some_and(|found| found == *labels)
        }
        CoreType::Json => name == "json" || is_mariadb && name == "longtext",
        CoreType::Int8 | CoreType::Int16 | CoreType::Int32 | CoreType::Int64 | CoreType::Bool => {
            name == sql_type(core)
        }
        CoreType::DateTime(None | Some(0)) => name == "datetime" && arguments.is_none(),
        other => {
            let own = sql_type(other);
            let (own_name, own_arguments, _) = native::split(&own);
            let plain = |arguments: Option<&str>| arguments.map(|text| text.replace(' ', ""));
            name == own_name && plain(arguments) == plain(own_arguments)
        }
    }
}

/// The type of a column that holds the end of a chain of codecs.
fn of_codec(declared: &str, is_mariadb: bool) -> ColumnType {
    let (name, arguments, rest) = native::split(declared);
    let core = match name.as_str() {
        _ if !rest.is_empty() => None,
        "json" => Some(CoreType::Json),
        "longtext" if is_mariadb => Some(CoreType::Json),
        "longblob" => Some(CoreType::Bytes),
        "tinyint" if arguments.is_none() => Some(CoreType::Int8),
        "smallint" if arguments.is_none() => Some(CoreType::Int16),
        "int" if arguments.is_none() => Some(CoreType::Int32),
        "bigint" if arguments.is_none() => Some(CoreType::Int64),
        "float" if arguments.is_none() => Some(CoreType::Float32),
        "double" if arguments.is_none() => Some(CoreType::Float64),
        "enum" => arguments.and_then(native::labels).map(CoreType::Enum),
        "char" | "varchar" | "decimal" | "date" | "datetime" => CoreType::parse(declared).ok(),
        _ => None,
    };
    core.map_or_else(|| ColumnType::Native(declared.to_owned()), ColumnType::Core)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn widths_that_nobody_declared_are_left_out() {
        for (shown, expected) in [
            ("int(11)", "int"),
            ("int(5)", "int(5)"),
            ("bigint(20) unsigned", "bigint unsigned"),
            ("mediumint(8) unsigned zerofill", "mediumint(8) unsigned zerofill"),
            ("tinyint(1)", "tinyint(1)"),
            ("varchar(11)", "varchar(11)"),
            ("enum('int(11)','b')", "enum('int(11)','b')"),
        ] {
            assert_eq!(declared(shown), expected);
        }
    }

    #[test]
    fn markers_count_where_they_fit_the_column() {
        let marked = |ty: &str, comment: &str| marked(ty, comment, true).map(|ty| ty.to_string());
        for (ty, comment, expected) in [
            ("int", ":int32:the id", Some("int32")),
            ("tinyint(1)", ":bool:", Some("bool")),
            ("bigint", ":int32:", None),
            ("int unsigned", ":int32:", None),
            ("enum('a','it''s')", ":enum(\"a\", 'it\\'s'):", Some("enum('a','it''s')")),
            ("decimal(8,2)", ":decimal(8, 2):", Some("decimal(8,2)")),
            ("datetime(3)", ":datetime(3):", Some("datetime(3)")),
            ("datetime", ":datetime(3):", None),
            ("longtext", ":json:", Some("json")),
            ("longtext", ":<blob@cold>:", Some("json")),
            ("longblob", ":<blob>:", Some("bytes")),
            ("binary(16)", ":uuid:", Some("uuid")),
            ("binary(16)", ":<thing>:", Some("binary(16)")),
            ("int", "no marker", None),
        ] {
            assert_eq!(marked(ty, comment).as_deref(), expected, "{ty} {comment}");
        }
    }
}
