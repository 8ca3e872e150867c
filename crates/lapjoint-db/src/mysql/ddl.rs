//! Creating and dropping tables.

use std::collections::BTreeSet;

use mysql::prelude::Queryable;

use crate::error::DbError;
use crate::mysql::catalog;
use crate::mysql::connection::Link;
use crate::mysql::literal::quote_table;
use crate::mysql::query::run_all;
use crate::schema::{DefaultValue, TableDef, TableId};
use text::create_sql;

pub(crate) mod text;

/// Longest name in characters.
pub(crate) const MAX_IDENTIFIER_CHARS: usize = 64;

/// Errors of a reference to a table that is not there, or that the server calls malformed for that reason.
const NO_PARENT: [&str; 3] = ["errno: 150", "error 1005", "error 1822"];

/// How often the creation of a table is tried again.
const ATTEMPTS: usize = 5;

/// Creates a table, unless it exists.
pub(crate) fn create_table(link: &mut Link, table: &TableDef) -> Result<(), DbError> {
    check_names(table)?;
    // Looked for first, because the right to use a table is not the right to create one.
    if catalog::table_comment(link, &table.id)?.is_some() {
        return Ok(());
    }
    let sql = create_sql(table, link.server().is_mariadb)?;
    let mut created = define(link, &sql, table);
    for _ in 0..ATTEMPTS {
        // Sessions that create the same table at once may stand in one another's way.
        if link.in_transaction() || !matches!(created, Err(DbError::Busy(_))) {
            break;
        }
        created = define(link, &sql, table);
    }
    match created {
        Err(DbError::Database { message, product, sql })
            if NO_PARENT.iter().any(|sign| message.contains(sign)) =>
        {
            for key in table.foreign_keys.iter().filter(|key| key.parent != table.id) {
                if catalog::table_comment(link, &key.parent)?.is_none() {
                    return Err(DbError::MissingTable(key.parent.to_string()));
                }
            }
            Err(DbError::Database { message, product, sql })
        }
        other => other,
    }
}

/// Runs a statement that defines something: prepared, so that it is one statement whatever names and types say.
pub(crate) fn define(link: &mut Link, sql: &str, table: &TableDef) -> Result<(), DbError> {
    link.wake()?;
    let conn = link.raw()?;
    let defined = conn.prep(crate::mysql::sql::for_driver(sql)).and_then(|statement| {
        let done = conn.exec_drop(&statement, ());
        // Nobody runs it again.
        conn.close(statement)?;
        done
    });
    defined.map_err(|error| {
        let place = crate::mysql::errors::Place { table: Some(table), ..link.place(sql) };
        link.failed(error, &place)
    })
}

/// Refuses a name that MySQL would refuse or change.
pub(crate) fn check_name(name: &str) -> Result<(), DbError> {
    let refuse = |reason: &str| Err(DbError::Name { name: name.to_owned(), reason: reason.to_owned() });
    if name.is_empty() || name.contains('\0') {
        return refuse("a name has at least one character, and no NUL");
    }
    if name.ends_with(' ') {
        return refuse("MySQL's names do not end with a space");
    }
    if is_beyond(name) {
        return refuse("MySQL's names hold no characters beyond U+FFFF");
    }
    if name.chars().count() > MAX_IDENTIFIER_CHARS {
        return refuse("MySQL's names have at most 64 characters");
    }
    Ok(())
}

/// Whether a text has characters that MySQL's catalogue, unlike its tables, turns into question marks.
fn is_beyond(text: &str) -> bool {
    text.chars().any(|letter| letter > '\u{ffff}')
}

/// Refuses what the catalogue would not keep as it is.
fn check_texts(table: &TableDef) -> Result<(), DbError> {
    let refuse = |name: &str, what: &str| {
        Err(DbError::Name {
            name: name.to_owned(),
            reason: format!("MySQL holds no characters beyond U+FFFF in {what}"),
        })
    };
    if is_beyond(&table.comment) {
        return refuse(&table.id.table, "the comment of a table");
    }
    for column in &table.columns {
        if is_beyond(&column.comment) {
            return refuse(&column.name, "the comment of a column or the labels of an enum");
        }
        if is_beyond(&column.ty.to_string()) {
            return refuse(&column.name, "the type of a column");
        }
        if matches!(&column.default, Some(DefaultValue::Literal(text)) if is_beyond(text)) {
            return refuse(&column.name, "the default of a column");
        }
    }
    Ok(())
}

pub(crate) fn check_id(id: &TableId) -> Result<(), DbError> {
    check_name(&id.schema)?;
    check_name(&id.table)
}

pub(crate) fn check_names(table: &TableDef) -> Result<(), DbError> {
    check_id(&table.id)?;
    check_texts(table)?;
    let mut seen = BTreeSet::new();
    for column in &table.columns {
        check_name(&column.name)?;
        if !seen.insert(column.name.to_lowercase()) {
            return Err(DbError::Name {
                name: column.name.clone(),
                reason: "another column has this name; MySQL does not tell upper from lower case".to_owned(),
            });
        }
    }
    let mut named = table.primary_key.iter().chain(table.foreign_keys.iter().flat_map(|key| &key.columns));
    match named.find(|name| !table.columns.iter().any(|column| column.name == **name)) {
        Some(unknown) => Err(DbError::UnknownColumn(unknown.clone())),
        None => Ok(()),
    }
}

/// Drops a table, unless another table refers to it.
pub(crate) fn drop_table(link: &mut Link, id: &TableId) -> Result<(), DbError> {
    check_id(id)?;
    if link.in_transaction() {
        return Err(DbError::Transaction("MySQL cannot drop a table within a transaction"));
    }
    let children = catalog::children(link, id)?;
    if let Some(child) = children.first() {
        let detail = format!("{child} refers to it; drop {child} first");
        return Err(DbError::ForeignKey { table: id.clone(), row: None, detail });
    }
    let sql = format!("DROP TABLE {}", quote_table(&id.schema, &id.table));
    link.wake()?;
    let dropped = run_all(link.raw()?, &sql);
    match dropped.map_err(|error| link.failed(error, &link.place(&sql))) {
        Err(DbError::MissingTable(_) | DbError::MissingSchema(_)) => {
            Err(DbError::MissingTable(id.to_string()))
        }
        other => other,
    }
}
