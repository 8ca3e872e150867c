//! The types of columns as the server writes them.

use lapjoint_types::{CoreType, marker};

use crate::postgres::types;
use crate::schema::ColumnType;

/// Type of a column.
#[derive(Debug, Clone)]
pub(super) struct SqlType {
    /// As the server writes it.
    pub text: String,
    /// Labels of an enum; none for other types.
    pub labels: Vec<String>,
}

impl SqlType {
    /// An integer whose column the server numbers.
    pub fn make_serial(&mut self) {
        let serial = match self.text.as_str() {
            "smallint" => "smallserial",
            "integer" => "serial",
            "bigint" => "bigserial",
            _ => return,
        };
        self.text = serial.to_owned();
    }

    /// What the engine takes the column for: the core type that its comment tells, where the column is one for it; the core
    /// type of the column below a codec; else the type itself.
    pub fn column_type(&self, comment: Option<&str>) -> ColumnType {
        let marked = comment.and_then(|comment| marker::parse_comment(comment).0);
        let native = || ColumnType::Native(self.short());
        match marked {
            Some(codec) if codec.starts_with('<') => self.core().map_or_else(native, ColumnType::Core),
            Some(text) => match CoreType::parse(text) {
                Ok(core) if self.holds(&core) => ColumnType::Core(core),
                _ => native(),
            },
            None => native(),
        }
    }

    /// Whether this is the type of a core type's column.
    fn holds(&self, core: &CoreType) -> bool {
        match core {
            CoreType::Enum(labels) => {
                !self.labels.is_empty() && labels.iter().all(|label| self.labels.contains(label))
            }
            CoreType::Json => matches!(self.text.as_str(), "json" | "jsonb"),
            _ => types::storage(core).is_some_and(|storage| storage == self.short()),
        }
    }

    /// The core type whose values the column holds.
    fn core(&self) -> Option<CoreType> {
        if !self.labels.is_empty() {
            return Some(CoreType::Enum(self.labels.clone()));
        }
        let short = self.short();
        let (name, arguments) = short.split_once('(').unwrap_or((&short, ""));
        let mut numbers = arguments.trim_end_matches(')').split(',').map(|n| n.trim().parse::<u32>().ok());
        let first = numbers.next().flatten();
        Some(match name {
            "smallint" => CoreType::Int16,
            "integer" => CoreType::Int32,
            "bigint" => CoreType::Int64,
            "real" => CoreType::Float32,
            "double precision" => CoreType::Float64,
            "boolean" => CoreType::Bool,
            "numeric" => {
                CoreType::Decimal { precision: first?, scale: numbers.next().flatten().unwrap_or(0) }
            }
            "char" => CoreType::Char(first?),
            "varchar" => CoreType::Varchar(first?),
            "date" => CoreType::Date,
            "timestamp" => CoreType::DateTime(first.and_then(|digits| u8::try_from(digits).ok())),
            "json" | "jsonb" => CoreType::Json,
            "uuid" => CoreType::Uuid,
            "bytea" => CoreType::Bytes,
            _ => return None,
        })
    }

    /// The type in the short form that definitions use.
    fn short(&self) -> String {
        let text = self.text.as_str();
        if let Some(rest) = text.strip_prefix("character varying") {
            return format!("varchar{rest}");
        }
        if let Some(rest) = text.strip_prefix("character") {
            return format!("char{rest}");
        }
        text.strip_suffix(" without time zone").unwrap_or(text).to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str, comment: &str) -> String {
        let labels = if text.contains("enum") { vec!["a".to_owned(), "b".to_owned()] } else { Vec::new() };
        let ty = SqlType { text: text.to_owned(), labels }.column_type(Some(comment));
        match ty {
            ColumnType::Core(core) => format!("core {core}"),
            ColumnType::Native(text) => format!("native {text}"),
        }
    }

    #[test]
    fn markers_count_where_they_fit_their_column() {
        for (text, comment, expected) in [
            ("smallint", ":int8:x", "core int8"),
            ("smallint", ":int16:", "core int16"),
            ("smallint", ":int32:", "native smallint"),
            ("smallint", "int16", "native smallint"),
            ("character varying(30)", ":varchar(30):", "core varchar(30)"),
            ("character varying(31)", ":varchar(30):", "native varchar(31)"),
            ("character(4)", ":char(4):", "core char(4)"),
            ("timestamp without time zone", ":datetime:", "core datetime"),
            ("timestamp(3) without time zone", ":datetime(3):", "core datetime(3)"),
            ("timestamp with time zone", ":datetime:", "native timestamp with time zone"),
            ("numeric(6,2)", ":decimal(6,2):", "core decimal(6,2)"),
            ("lab.enum_1", ":enum('b','a'):", "core enum('b','a')"),
            ("lab.enum_1", ":enum('b','c'):", "native lab.enum_1"),
            ("jsonb", ":<blob@x>:", "core json"),
            ("bytea", ":<blob>:", "core bytes"),
            ("character varying(255)", ":<x>:", "core varchar(255)"),
            ("text", ":<x>:", "native text"),
            ("integer[]", "", "native integer[]"),
        ] {
            assert_eq!(found(text, comment), expected, "{text} {comment}");
        }
    }
}
