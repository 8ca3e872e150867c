//! PostgreSQL's errors in terms a caller can act on.

use tokio_postgres::error::DbError as ServerError;

use crate::error::DbError;
use crate::postgres::PRODUCT;
use crate::schema::{TableDef, TableId};
use crate::statement;
pub(crate) use crate::statement::shorten;

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

    /// The table whose row was refused: the one the statement changes, or else the one the server names.
    fn table_id(&self, error: &ServerError) -> TableId {
        match self.table {
            Some(table) => table.id.clone(),
            None => target(self.sql).unwrap_or_else(|| server_table(error)),
        }
    }
}

/// The table that the server names.
pub(crate) fn server_table(error: &ServerError) -> TableId {
    TableId::new(error.schema().unwrap_or_default(), error.table().unwrap_or_default())
}

/// A failure that another attempt may not meet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Hitch {
    /// The server cannot tell the type of a parameter by its place.
    Untyped,
    /// A prepared statement is no longer what it was: a table has been altered, or a pooler gave the connection to others.
    Stale,
    /// VACUUM and the like refuse to run in a transaction.
    NoTransaction,
}

/// An error with that which maps it: the error of the driver, kept where a caller has to know more of it.
#[derive(Debug)]
pub(crate) enum Failure {
    /// Of the driver or the server.
    Server(tokio_postgres::Error),
    /// Already in the terms of the engine.
    Known(DbError),
}

impl From<tokio_postgres::Error> for Failure {
    fn from(error: tokio_postgres::Error) -> Self {
        Self::Server(error)
    }
}

impl From<DbError> for Failure {
    fn from(error: DbError) -> Self {
        Self::Known(error)
    }
}

impl Failure {
    /// The server's code, if it is the server's error.
    pub fn code(&self) -> Option<&str> {
        match self {
            Self::Server(error) => error.code().map(|code| code.code()),
            Self::Known(_) => None,
        }
    }

    /// Whether the connection is gone.
    pub fn is_lost(&self) -> bool {
        match self {
            Self::Server(error) => match error.code() {
                Some(code) => {
                    matches!(code.code(), "57P01" | "57P02" | "57P03" | "57P05" | "25P03")
                        || code.code().starts_with("08")
                }
                None => {
                    let cause = std::error::Error::source(error);
                    let cause = cause.and_then(|cause| cause.downcast_ref::<std::io::Error>());
                    // A statement with a NUL is refused before it is sent.
                    let is_local = |error: &std::io::Error| error.kind() == std::io::ErrorKind::InvalidInput;
                    error.is_closed() || cause.is_some_and(|cause| !is_local(cause))
                }
            },
            Self::Known(error) => matches!(error, DbError::Lost { .. }),
        }
    }

    /// What another attempt may do better.
    pub fn hitch(&self) -> Option<Hitch> {
        let error = self.server()?;
        Some(match error.code().code() {
            "42P18" | "42P08" => Hitch::Untyped,
            "25001" => Hitch::NoTransaction,
            "26000" => Hitch::Stale,
            "0A000" if error.routine() == Some("RevalidateCachedQuery") => Hitch::Stale,
            // Of its internal messages the server translates none.
            "XX000" if error.message().starts_with("cache lookup failed") => Hitch::Stale,
            _ => return None,
        })
    }

    pub fn server(&self) -> Option<&ServerError> {
        match self {
            Self::Server(error) => error.as_db_error(),
            Self::Known(_) => None,
        }
    }

    /// The error in the terms of the engine.
    pub fn map(self, place: &Place<'_>) -> DbError {
        match self {
            Self::Known(error) => error,
            failure if failure.is_lost() => lost(&failure, false),
            Self::Server(error) => match error.as_db_error() {
                Some(server) => map_code(server, place),
                None => database(&text(&error), place),
            },
        }
    }
}

/// The error of a connection that broke.
pub(crate) fn lost(failure: &Failure, outcome_unknown: bool) -> DbError {
    let message = match failure {
        Failure::Server(error) => match error.as_db_error() {
            Some(server) => server.message().to_owned(),
            None => text(error),
        },
        Failure::Known(error) => error.to_string(),
    };
    DbError::Lost { product: PRODUCT, message, outcome_unknown }
}

fn text(error: &tokio_postgres::Error) -> String {
    match std::error::Error::source(error) {
        Some(cause) if !error.to_string().contains(&cause.to_string()) => format!("{error}: {cause}"),
        _ => error.to_string(),
    }
}

fn database(message: &str, place: &Place<'_>) -> DbError {
    DbError::Database { product: PRODUCT, message: message.to_owned(), sql: shorten(place.sql) }
}

fn map_code(error: &ServerError, place: &Place<'_>) -> DbError {
    let row = place.row;
    let message = error.message();
    let syntax = || DbError::Syntax { message: message.to_owned(), sql: shorten(place.sql) };
    match error.code().code() {
        "23505" => DbError::Duplicate { table: place.table_id(error), columns: key_columns(error), row },
        "23503" | "23001" => DbError::ForeignKey {
            table: place.table_id(error),
            row,
            detail: error.detail().unwrap_or(message).to_owned(),
        },
        "23502" => DbError::MissingValue {
            table: place.table_id(error),
            column: error.column().unwrap_or_default().to_owned(),
            row,
        },
        "23514" => DbError::Value {
            column: error.column().or(error.constraint()).unwrap_or_default().to_owned(),
            ty: "its declaration".to_owned(),
            value: "the value".to_owned(),
            reason: "the database's check of the column refuses it".to_owned(),
            row,
        },
        "42P01" => DbError::MissingTable(quoted(message).unwrap_or_else(|| message.to_owned())),
        "3F000" => DbError::MissingSchema(quoted(message).unwrap_or_else(|| message.to_owned())),
        "42703" => DbError::UnknownColumn(named_column(message)),
        "42501" => DbError::Access { product: PRODUCT, message: message.to_owned(), sql: shorten(place.sql) },
        "40P01" | "55P03" | "40001" => DbError::Busy(message.to_owned()),
        // A table, index or type that is there already is no matter of grammar.
        "42P07" | "42710" | "42P06" | "42P16" | "42830" => database(&full(error), place),
        code if code.starts_with("42") => syntax(),
        code if code.starts_with("22") => value_refused(error, place),
        "53100" => database(&format!("the disk of the server is full ({message})"), place),
        "53300" => database(&format!("the server takes no more connections ({message})"), place),
        "25006" => database(&format!("the transaction was opened for reading only ({message})"), place),
        _ => database(&full(error), place),
    }
}

/// Message and detail.
fn full(error: &ServerError) -> String {
    match error.detail() {
        Some(detail) => format!("{} ({detail})", error.message()),
        None => error.message().to_owned(),
    }
}

/// A value that the server could not take; the column is known where it was copied in.
fn value_refused(error: &ServerError, place: &Place<'_>) -> DbError {
    let column = place.table.and_then(|table| {
        let context = error.where_()?;
        table.columns.iter().find(|column| context.ends_with(&format!(" {}", column.name)))
    });
    match column {
        Some(column) => DbError::Value {
            column: column.name.clone(),
            ty: column.ty.to_string(),
            value: "the value".to_owned(),
            reason: error.message().to_owned(),
            row: place.row,
        },
        None => database(&full(error), place),
    }
}

/// The first name in quotes in a message, whatever its language.
fn quoted(message: &str) -> Option<String> {
    let pairs = [('"', '"'), ('«', '»'), ('„', '“'), ('“', '”'), ('「', '」'), ('\'', '\'')];
    pairs.iter().find_map(|(open, close)| {
        let (_, rest) = message.split_once(*open)?;
        let (name, _) = rest.rsplit_once(*close)?;
        // Two names in one message: the first.
        let name = name.split_once(&format!("{close} ")).map_or(name, |(first, _)| first);
        Some(name.trim_matches('\u{a0}').to_owned())
    })
}

/// The column in `column "x" does not exist` or `column t.x does not exist`.
fn named_column(message: &str) -> String {
    if let Some(name) = quoted(message) {
        return name;
    }
    let dotted = message.split_whitespace().find(|word| word.contains('.') && !word.ends_with('.'));
    let name = dotted.and_then(|word| word.rsplit('.').next()).unwrap_or(message);
    name.to_owned()
}

/// The columns in `Key (a, "b c")=(1, 2) already exists.`; the parentheses are the same in every language.
pub(crate) fn key_columns(error: &ServerError) -> Vec<String> {
    error.detail().and_then(key_parts).map(|(columns, _)| columns).unwrap_or_default()
}

/// Columns and values in the detail of a violated key.
pub(crate) fn key_parts(detail: &str) -> Option<(Vec<String>, String)> {
    let (_, list) = detail.split_once('(')?;
    let mut columns = Vec::new();
    let mut column = String::new();
    let mut chars = list.chars().peekable();
    let (mut in_quotes, mut depth) = (false, 0_u32);
    loop {
        let c = chars.next()?;
        match c {
            '"' if in_quotes && chars.peek() == Some(&'"') && depth == 0 => {
                column.push('"');
                chars.next();
            }
            '"' => {
                in_quotes = !in_quotes;
                if depth > 0 {
                    column.push(c);
                }
            }
            ',' if !in_quotes && depth == 0 => {
                columns.push(std::mem::take(&mut column));
                chars.next_if_eq(&' ');
            }
            '(' if !in_quotes => {
                depth += 1;
                column.push(c);
            }
            ')' if !in_quotes && depth > 0 => {
                depth -= 1;
                column.push(c);
            }
            ')' if !in_quotes => break,
            _ => column.push(c),
        }
    }
    columns.push(column);
    let rest: String = chars.collect();
    let values = rest.strip_prefix("=(")?;
    let (values, _) = values.rsplit_once(')')?;
    Some((columns, values.to_owned()))
}

/// The row, from 0, in the context of an error of COPY: `COPY t, line 3`.
pub(crate) fn copied_row(error: &ServerError, table: &str) -> Option<u64> {
    let (_, rest) = error.where_()?.split_once(&format!("COPY {table}"))?;
    let digits: String =
        rest.chars().skip_while(|c| !c.is_ascii_digit()).take_while(char::is_ascii_digit).collect();
    digits.parse::<u64>().ok()?.checked_sub(1)
}

/// The table that a statement changes, where it is written `"schema"."table"`.
pub(crate) fn target(sql: &str) -> Option<TableId> {
    statement::target(sql, &["INSERT INTO ", "DELETE FROM ", "UPDATE "], identifier)
}

/// A name at the start of a text, quoted or plain, and the rest.
fn identifier(text: &str) -> Option<(String, &str)> {
    if text.starts_with('"') {
        return statement::quoted(text, '"');
    }
    let end = text.find(|c: char| !(c.is_alphanumeric() || c == '_')).unwrap_or(text.len());
    let (name, after) = text.split_at(end);
    (!name.is_empty()).then(|| (name.to_lowercase(), after))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_columns_of_a_key_are_found_whatever_their_names() {
        let parts = |detail: &str| key_parts(detail).map(|(columns, values)| (columns.join("|"), values));
        for (detail, columns, values) in [
            ("Key (a)=(1) already exists.", "a", "1"),
            ("Key (a, \"b c\", \"d, \"\"e)\")=(1, 2, x)) already exists.", "a|b c|d, \"e)", "1, 2, x)"),
            ("Schlüssel »(lower(name::text))=(ada)« existiert bereits.", "lower(name::text)", "ada"),
        ] {
            assert_eq!(parts(detail), Some((columns.to_owned(), values.to_owned())), "{detail}");
        }
        assert_eq!(parts("no key"), None);
        assert_eq!(parts("Key (a"), None);
    }

    #[test]
    fn names_are_found_in_messages() {
        assert_eq!(quoted("relation \"lab.absent\" does not exist").unwrap(), "lab.absent");
        assert_eq!(quoted("column \"x\" of relation \"y\" does not exist").unwrap(), "x");
        assert_eq!(quoted("la relation « lab.absent » n'existe pas").unwrap().trim(), "lab.absent");
        assert_eq!(named_column("column t.nope does not exist"), "nope");
    }

    #[test]
    fn the_changed_table_is_found() {
        let id = Some(TableId::new("a\"b", "t.x"));
        assert_eq!(target("DELETE FROM \"a\"\"b\".\"t.x\" WHERE 1"), id);
        assert_eq!(target("update Lab.T set x = 1"), Some(TableId::new("lab", "t")));
        assert_eq!(target("SELECT 1"), None);
        assert_eq!(target("DELETE FROM t"), None);
    }
}
