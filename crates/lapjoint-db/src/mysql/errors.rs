//! MySQL's errors in terms a caller can act on.

use mysql::{DriverError, Error, MySqlError};

use crate::error::DbError;
use crate::mysql::literal::quote_table;
use crate::schema::{ColumnType, TableDef, TableId};
use crate::statement;
pub(crate) use crate::statement::shorten;

/// Where an error happened.
#[derive(Clone, Copy)]
pub(crate) struct Place<'p> {
    pub product: &'static str,
    pub sql: &'p str,
    pub table: Option<&'p TableDef>,
    pub row: Option<u64>,
}

impl<'p> Place<'p> {
    pub const fn sql(product: &'static str, sql: &'p str) -> Self {
        Self { product, sql, table: None, row: None }
    }

    pub fn table_id(&self) -> TableId {
        match self.table {
            Some(table) => table.id.clone(),
            None => target(self.sql).unwrap_or_else(|| TableId::new("", "")),
        }
    }
}

/// Whether the connection is of no use any more.
pub(crate) fn is_lost(error: &Error) -> bool {
    match error {
        Error::IoError(_) | Error::CodecError(_) | Error::TlsError(_) => true,
        // Errors of the driver's own that leave the connection as it was.
        Error::DriverError(
            DriverError::MismatchedStmtParams(..) | DriverError::MixedParams | DriverError::Params(_),
        ) => false,
        Error::DriverError(_) => true,
        // Shutting down, a packet too large, broken off, killed, idle for too long.
        Error::MySqlError(error) => {
            matches!(error.code, 1053 | 1077 | 1079 | 1152..=1161 | 1184 | 1927 | 2006 | 2013 | 3169 | 4031)
        }
        _ => false,
    }
}

/// Whether the server has undone the whole transaction, and not only the statement.
pub(crate) fn ends_transaction(error: &Error, rolls_back_on_timeout: bool) -> bool {
    let Error::MySqlError(error) = error else { return false };
    // 1213 is a deadlock, 1206 a lock table that is full, 1020 (of MariaDB) a row changed since the snapshot.
    matches!(error.code, 1020 | 1206 | 1213 | 1614) || error.code == 1205 && rolls_back_on_timeout
}

/// The server's own error code.
pub(crate) fn code(error: &Error) -> Option<u16> {
    match error {
        Error::MySqlError(error) => Some(error.code),
        _ => None,
    }
}

/// An error of the server or of the driver.
pub(crate) fn map(error: Error, place: &Place<'_>) -> DbError {
    match error {
        Error::MySqlError(error) if !matches!(error.code, 2006 | 2013) => map_code(&error, place),
        other if is_lost(&other) => lost(place.product, &other.to_string()),
        other => database(&other.to_string(), place),
    }
}

/// The connection broke while something was done that can be done again.
pub(crate) fn lost(product: &'static str, message: &str) -> DbError {
    DbError::Lost { product, message: message.to_owned(), outcome_unknown: false }
}

pub(crate) fn database(message: &str, place: &Place<'_>) -> DbError {
    DbError::Database { product: place.product, message: message.to_owned(), sql: shorten(place.sql) }
}

fn map_code(error: &MySqlError, place: &Place<'_>) -> DbError {
    let message = error.message.as_str();
    let syntax = || DbError::Syntax { message: message.to_owned(), sql: shorten(place.sql) };
    match error.code {
        1062 | 1169 | 1586 | 1859 => DbError::Duplicate {
            table: place.table_id(),
            columns: key_columns(message, place),
            row: place.row,
        },
        1216 | 1217 | 1451 | 1452 | 3730 => DbError::ForeignKey {
            table: place.table_id(),
            row: place.row,
            detail: constraint(message).unwrap_or_else(|| message.to_owned()),
        },
        1048 | 1263 | 1364 => DbError::MissingValue {
            table: place.table_id(),
            column: quoted(message).unwrap_or_default(),
            row: place.row,
        },
        1054 => DbError::UnknownColumn(quoted(message).unwrap_or_else(|| message.to_owned())),
        1051 | 1109 | 1146 | 1824 => DbError::MissingTable(table_name(message)),
        1008 | 1049 => DbError::MissingSchema(quoted(message).unwrap_or_else(|| message.to_owned())),
        1064 | 1065 | 1149 | 1305 | 1318 | 1582 | 1583 | 1630 | 4161 => syntax(),
        1044 | 1045 | 1142 | 1143 | 1227 | 1370 | 1410 | 1698 | 1820 | 3118 | 3159 => {
            DbError::Access { product: place.product, message: message.to_owned(), sql: shorten(place.sql) }
        }
        1020 | 1205 | 1206 | 1213 | 1614 | 3572 => DbError::Busy(message.to_owned()),
        1059 => DbError::Name {
            name: quoted(message).unwrap_or_default(),
            reason: "it is too long for MySQL".to_owned(),
        },
        1067 | 1101 | 1264 | 1265 | 1292 | 1366 | 1367 | 1406 | 1411 | 3140 | 3141 | 3157 | 3819 | 3903
        | 3988 | 4025 => value(message, place),
        1153 | 1301 => database(
            &format!("{message}; store large values with `@`, or raise the server's max_allowed_packet"),
            place,
        ),
        1053 | 1077 | 1079 | 1152 | 1154..=1161 | 1184 | 1927 | 3169 | 4031 => lost(place.product, message),
        code => database(&format!("{message} (error {code})"), place),
    }
}

/// A value that the server refused.
fn value(message: &str, place: &Place<'_>) -> DbError {
    let column = column_of(message);
    let ty = place.table.and_then(|table| table.columns.iter().find(|known| known.name == column));
    DbError::Value {
        ty: ty.map_or_else(|| "its declaration".to_owned(), |column| column.ty.to_string()),
        value: "the value".to_owned(),
        reason: advice(message, ty.map(|column| &column.ty)),
        row: place.row,
        column,
    }
}

fn advice(message: &str, ty: Option<&ColumnType>) -> String {
    if message.starts_with("Incorrect string value") || message.starts_with("Conversion from collation") {
        let ty = ty.map(|ty| format!(" {ty}")).unwrap_or_default();
        return format!(
            "the column's character set does not hold it ({message}); convert the column{ty} to utf8mb4, or store the value in \
             an attribute of type bytes"
        );
    }
    format!("the database refuses it ({message})")
}

/// The column that a message names: `column 'x'`, `` column `s`.`t`.`x` ``, `'t.x'`, `CONSTRAINT 'x' failed`.
fn column_of(message: &str) -> String {
    for sign in ["for column ", "default value for ", "for column: ", "Column ", "column "] {
        if let Some((_, rest)) = message.rsplit_once(sign)
            && let Some(name) = first_quoted(rest)
        {
            return name;
        }
    }
    let rest = ["CONSTRAINT ", "constraint ", "Check constraint ", "value for "]
        .iter()
        .find_map(|sign| message.split_once(sign))
        .map_or(message, |(_, rest)| rest);
    let name = first_quoted(rest).or_else(|| quoted(message)).unwrap_or_default();
    name.rsplit('.').next().unwrap_or_default().to_owned()
}

/// What stands in quotes at the start of a text; of `` `s`.`t`.`x` `` the last.
fn first_quoted(text: &str) -> Option<String> {
    if let Some(rest) = text.strip_prefix('\'') {
        return rest.split_once('\'').map(|(name, _)| name.to_owned());
    }
    let mut rest = text;
    let mut found = None;
    while let Some((name, after)) = statement::quoted(rest, '`') {
        found = Some(name);
        match after.strip_prefix('.') {
            Some(next) => rest = next,
            None => break,
        }
    }
    found
}

/// The first name in single quotes.
fn quoted(message: &str) -> Option<String> {
    let (_, rest) = message.split_once('\'')?;
    let (name, _) = rest.split_once('\'')?;
    Some(name.to_owned())
}

/// A table's name in a message, `'schema.table'`, as our own messages write it.
fn table_name(message: &str) -> String {
    let Some(name) = quoted(message) else { return message.to_owned() };
    match name.split_once('.') {
        Some((schema, table)) => quote_table(schema, table),
        None => name,
    }
}

/// Name of the key that a message on a duplicate names at its end.
pub(crate) fn key_name(message: &str) -> Option<&str> {
    let (_, key) = message.rsplit_once(" for key '")?;
    let key = key.strip_suffix('\'')?;
    // MySQL puts the table before it.
    Some(if key.ends_with(".PRIMARY") { "PRIMARY" } else { key })
}

/// Whether a duplicate is one of the primary key.
pub(crate) fn is_primary_key(error: &Error) -> bool {
    matches!(error, Error::MySqlError(error) if error.code == 1062 && key_name(&error.message) == Some("PRIMARY"))
}

fn key_columns(message: &str, place: &Place<'_>) -> Vec<String> {
    let Some(key) = key_name(message) else { return Vec::new() };
    match place.table {
        Some(table) if key == "PRIMARY" => table.primary_key.clone(),
        // Looked up by whoever has the connection.
        _ => vec![key.to_owned()],
    }
}

/// The reference in a message: `(a) -> parent (b)`, or the child that is in the way.
fn constraint(message: &str) -> Option<String> {
    let (before, rest) = message.split_once("FOREIGN KEY (")?;
    let (columns, rest) = rest.split_once(") REFERENCES ")?;
    let (parent, rest) = rest.split_once(" (")?;
    let (parent_columns, _) = rest.split_once(')')?;
    let plain = |list: &str| list.replace('`', "");
    if before.starts_with("Cannot delete or update a parent row") {
        let (_, child) = before.split_once('(')?;
        let (child, _) = child.split_once(", CONSTRAINT")?;
        return Some(format!("rows of {child} refer to the row"));
    }
    Some(format!("({}) -> {parent} ({}) has no such row", plain(columns), plain(parent_columns)))
}

/// The table that a statement changes, where it is written `` `schema`.`table` ``.
pub(crate) fn target(sql: &str) -> Option<TableId> {
    statement::target(sql, &["INSERT INTO ", "DELETE FROM ", "UPDATE ", "DROP TABLE "], |text| {
        statement::quoted(text, '`')
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mapped(code: u16, message: &str, sql: &str) -> DbError {
        let error = MySqlError { state: "HY000".into(), message: message.into(), code };
        map(Error::MySqlError(error), &Place::sql("MySQL", sql))
    }

    #[test]
    fn messages_of_both_products_name_columns_and_keys() {
        for message in [
            "Out of range value for column 'x' at row 1",
            "Incorrect integer value: 'column' for column `s`.`t`.`x` at row 1",
            "Invalid JSON text: \"Invalid value.\" at position 0 in value for column 't.x'.",
            "Invalid default value for 'x'",
            "CONSTRAINT `x` failed for `s`.`t`",
        ] {
            assert!(
                matches!(mapped(1366, message, ""), DbError::Value { column, .. } if column.ends_with('x')),
                "{message}"
            );
        }
        for (message, key) in [
            ("Duplicate entry '1' for key 'PRIMARY'", "PRIMARY"),
            ("Duplicate entry ' for key 'x'' for key 't.PRIMARY'", "PRIMARY"),
            ("Duplicate entry 'a' for key 't.name'", "t.name"),
            ("Duplicate entry 'a' for key 'name'", "name"),
        ] {
            assert_eq!(key_name(message), Some(key));
        }
    }

    #[test]
    fn references_are_told_from_both_sides() {
        let tail = "(`s`.`child`, CONSTRAINT `child_ibfk_1` FOREIGN KEY (`a`, `b`) REFERENCES `parent` (`c`, `d`) ON UPDATE CASCADE)";
        let error = mapped(
            1452,
            &format!("Cannot add or update a child row: a foreign key constraint fails {tail}"),
            "",
        );
        assert!(error.to_string().contains("(a, b) -> `parent` (c, d) has no such row"), "{error}");
        let error = mapped(
            1451,
            &format!("Cannot delete or update a parent row: a foreign key constraint fails {tail}"),
            "DELETE FROM `s`.`parent` WHERE 1",
        );
        assert!(
            error.to_string().contains("in `s`.`parent`: rows of `s`.`child` refer to the row"),
            "{error}"
        );
    }

    #[test]
    fn the_changed_table_is_found() {
        let id = Some(TableId::new("a`b", "t.x"));
        assert_eq!(target("DELETE FROM `a``b`.`t.x` WHERE 1"), id);
        assert_eq!(target("  update `a``b`.`t.x` SET x = 1"), id);
        assert_eq!(target("SELECT 1"), None);
        assert_eq!(target("DELETE FROM t"), None);
    }
}
