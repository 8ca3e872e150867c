//! SQLite's errors in terms a caller can act on.

use rusqlite::ffi;

use crate::error::DbError;
use crate::schema::{TableDef, TableId};
use crate::statement;
pub(crate) use crate::statement::shorten;

/// Begins the messages of the triggers that keep references between schemas.
pub(crate) const FOREIGN_KEY: &str = "lapjoint foreign key: ";

/// Where an error happened.
#[derive(Clone, Copy)]
pub(crate) struct Place<'p> {
    pub sql: &'p str,
    pub table: Option<&'p TableDef>,
    pub row: Option<u64>,
}

impl<'p> Place<'p> {
    pub const fn sql(sql: &'p str) -> Self {
        Self { sql, table: None, row: None }
    }

    fn table_id(&self) -> TableId {
        match self.table {
            Some(table) => table.id.clone(),
            None => target(self.sql).unwrap_or_else(|| TableId::new("", "")),
        }
    }
}

/// An error of SQLite.
pub(crate) fn map(error: rusqlite::Error, place: &Place<'_>) -> DbError {
    match error {
        rusqlite::Error::SqliteFailure(code, message) => {
            let message = message.unwrap_or_else(|| code.to_string());
            map_code(code.extended_code, &message, place)
        }
        rusqlite::Error::SqlInputError { error, msg, .. } => map_code(error.extended_code, &msg, place),
        rusqlite::Error::MultipleStatement => {
            DbError::Syntax { message: "more than one statement".to_owned(), sql: shorten(place.sql) }
        }
        other => database(&other.to_string(), place),
    }
}

fn database(message: &str, place: &Place<'_>) -> DbError {
    DbError::Database { product: "SQLite", message: message.to_owned(), sql: shorten(place.sql) }
}

fn map_code(code: i32, message: &str, place: &Place<'_>) -> DbError {
    let row = place.row;
    match code {
        ffi::SQLITE_CONSTRAINT_UNIQUE | ffi::SQLITE_CONSTRAINT_PRIMARYKEY | ffi::SQLITE_CONSTRAINT_ROWID => {
            DbError::Duplicate { table: place.table_id(), columns: constraint_columns(message, place), row }
        }
        ffi::SQLITE_CONSTRAINT_NOTNULL => DbError::MissingValue {
            table: place.table_id(),
            column: constraint_columns(message, place).join(", "),
            row,
        },
        ffi::SQLITE_CONSTRAINT_CHECK => check_failed(message, place),
        ffi::SQLITE_CONSTRAINT_FOREIGNKEY => foreign_key(message, place),
        _ if message.starts_with(FOREIGN_KEY) || message == "FOREIGN KEY constraint failed" => {
            foreign_key(message, place)
        }
        _ => map_primary(code & 0xff, message, place),
    }
}

fn map_primary(code: i32, message: &str, place: &Place<'_>) -> DbError {
    let advice = match code {
        ffi::SQLITE_BUSY | ffi::SQLITE_LOCKED => return DbError::Busy(message.to_owned()),
        ffi::SQLITE_ERROR => return map_statement(message, place),
        ffi::SQLITE_NOTADB => "the file is no SQLite database",
        ffi::SQLITE_CORRUPT => "the database file is damaged; restore it from a backup",
        ffi::SQLITE_FULL => "the disk is full; nothing of this transaction was kept",
        ffi::SQLITE_READONLY => "the database file or its folder cannot be written to",
        ffi::SQLITE_IOERR => "the disk failed to read or write",
        ffi::SQLITE_CANTOPEN => "the database file cannot be opened",
        ffi::SQLITE_TOOBIG => "a value or statement exceeds SQLite's limit of 1,000,000,000 bytes",
        ffi::SQLITE_NOMEM => "out of memory",
        _ => return database(message, place),
    };
    database(&format!("{advice} ({message})"), place)
}

fn map_statement(message: &str, place: &Place<'_>) -> DbError {
    let name = |text: &str| text.trim().to_owned();
    if let Some(table) = message.strip_prefix("no such table: ") {
        return DbError::MissingTable(name(table));
    }
    if let Some(schema) = message.strip_prefix("unknown database ") {
        return DbError::MissingSchema(name(schema));
    }
    if message.contains("should this be a string literal") {
        return DbError::Syntax { message: message.to_owned(), sql: shorten(place.sql) };
    }
    if let Some(column) = message.strip_prefix("no such column: ") {
        return DbError::UnknownColumn(name(column));
    }
    if let Some((_, column)) = message.split_once(" has no column named ") {
        return DbError::UnknownColumn(name(column));
    }
    let is_syntax =
        ["syntax error", "unrecognized token", "incomplete input", "misuse of", "no such function"]
            .iter()
            .any(|sign| message.contains(sign));
    if is_syntax {
        return DbError::Syntax { message: message.to_owned(), sql: shorten(place.sql) };
    }
    database(message, place)
}

fn foreign_key(message: &str, place: &Place<'_>) -> DbError {
    let detail = match message.strip_prefix(FOREIGN_KEY) {
        Some(detail) => detail.to_owned(),
        None => "a row that is referred to is missing, or rows still refer to this one".to_owned(),
    };
    DbError::ForeignKey { table: place.table_id(), row: place.row, detail }
}

/// A failed CHECK; ours bear the name of their column.
fn check_failed(message: &str, place: &Place<'_>) -> DbError {
    let column = message.split_once("CHECK constraint failed: ").map_or(message, |(_, name)| name);
    let ty = place.table.and_then(|table| table.columns.iter().find(|known| known.name == column));
    DbError::Value {
        column: column.to_owned(),
        ty: ty.map_or_else(|| "its declaration".to_owned(), |column| column.ty.to_string()),
        value: "the value".to_owned(),
        reason: "the database's check of the column refuses it".to_owned(),
        row: place.row,
    }
}

/// The columns in `UNIQUE constraint failed: t.a, t.b`.
fn constraint_columns(message: &str, place: &Place<'_>) -> Vec<String> {
    let Some((_, list)) = message.split_once("constraint failed: ") else { return Vec::new() };
    if let Some(table) = place.table {
        if let Some(columns) = known_columns(list, table) {
            return columns;
        }
        // Indexes over expressions are named instead of their columns.
        let number = list.strip_prefix("index '").and_then(|rest| rest.strip_suffix('\''));
        let number = number.and_then(|name| name.rsplit('_').next()?.parse::<usize>().ok());
        if let Some(index) = number.and_then(|number| table.indexes.get(number)) {
            return index.parts.clone();
        }
    }
    list.split(", ").map(|name| name.rsplit_once('.').map_or(name, |(_, column)| column).to_owned()).collect()
}

/// Names may hold dots and commas, so that the list is matched against the known ones.
fn known_columns(list: &str, table: &TableDef) -> Option<Vec<String>> {
    let mut rest = list;
    let mut found = Vec::new();
    loop {
        let named = rest.strip_prefix(table.id.table.as_str())?.strip_prefix('.')?;
        let column = table.columns.iter().map(|column| column.name.as_str()).find(|name| {
            named.strip_prefix(name).is_some_and(|after| after.is_empty() || after.starts_with(", "))
        })?;
        found.push(column.to_owned());
        match named.strip_prefix(column)?.strip_prefix(", ") {
            Some(after) => rest = after,
            None => return Some(found),
        }
    }
}

/// The table that a statement changes, where it is written `"schema"."table"`.
pub(crate) fn target(sql: &str) -> Option<TableId> {
    statement::target(sql, &["INSERT INTO ", "DELETE FROM ", "UPDATE "], |text| statement::quoted(text, '"'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_changed_table_is_found() {
        let id = Some(TableId::new("a\"b", "t.x"));
        assert_eq!(target("DELETE FROM \"a\"\"b\".\"t.x\" WHERE 1"), id);
        assert_eq!(target("  update \"a\"\"b\".\"t.x\" SET x = 1"), id);
        assert_eq!(target("SELECT 1"), None);
        assert_eq!(target("DELETE FROM t"), None);
        assert_eq!(target("DELETE FROM \"t"), None);
    }

    #[test]
    fn long_statements_are_cut_at_a_character() {
        let long = "é".repeat(1000);
        assert_eq!(shorten(&long).chars().count(), statement::SHOWN_CHARS + 1);
        assert_eq!(shorten("é"), "é");
    }
}
