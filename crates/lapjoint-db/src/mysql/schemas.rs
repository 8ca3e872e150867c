//! Schemas, which are MySQL's databases.

use crate::error::DbError;
use crate::mysql::catalog::{self, text};
use crate::mysql::connection::Link;
use crate::mysql::ddl;
use crate::mysql::errors;
use crate::mysql::literal::{quote, text_literal};
use crate::mysql::query::run_all;
use crate::schema::TableId;

/// Schemas of the server's own.
const OWN: [&str; 6] =
    ["information_schema", "mysql", "performance_schema", "sys", "ndbinfo", "#innodb_redo"];

/// The schema exists already.
const EXISTS: u16 = 1007;

/// Names of the schemas that exist, sorted.
pub(crate) fn list_schemas(link: &mut Link) -> Result<Vec<String>, DbError> {
    let found = catalog::rows(link, "SELECT schema_name FROM information_schema.schemata")?;
    let mut names: Vec<String> = found.iter().map(|row| text(row, 0)).collect();
    names.retain(|name| !OWN.contains(&name.to_ascii_lowercase().as_str()));
    names.sort();
    Ok(names)
}

/// Makes sure that a schema exists.
pub(crate) fn open_schema(link: &mut Link, schema: &str, create: bool) -> Result<(), DbError> {
    ddl::check_name(schema)?;
    if catalog::has_schema(link, schema)? {
        return Ok(());
    }
    if !create {
        return Err(DbError::MissingSchema(schema.to_owned()));
    }
    if link.in_transaction() {
        return Err(DbError::Transaction("MySQL cannot create a schema within a transaction"));
    }
    let sql = format!("CREATE DATABASE {}", quote(schema));
    link.wake()?;
    match run_all(link.raw()?, &sql) {
        // Another connection was faster.
        Err(error) if errors::code(&error) == Some(EXISTS) => Ok(()),
        other => other.map_err(|error| link.failed(error, &link.place(&sql))),
    }
}

/// Drops a schema with all it holds, unless a table of another schema refers to one of its tables.
pub(crate) fn drop_schema(link: &mut Link, schema: &str) -> Result<(), DbError> {
    ddl::check_name(schema)?;
    if link.in_transaction() {
        return Err(DbError::Transaction("a schema cannot be dropped while a transaction is open"));
    }
    if !catalog::has_schema(link, schema)? {
        return Err(DbError::MissingSchema(schema.to_owned()));
    }
    let name = text_literal(schema);
    let children = format!(
        "SELECT table_schema, table_name, referenced_table_name FROM information_schema.key_column_usage \
         WHERE referenced_table_schema = {name} AND table_schema <> {name} LIMIT 1"
    );
    if let Some(row) = catalog::rows(link, &children)?.first() {
        let child = TableId::new(text(row, 0), text(row, 1));
        let parent = TableId::new(schema, text(row, 2));
        let detail = format!("{child} of another schema refers to {parent}; drop it first");
        return Err(DbError::ForeignKey { table: parent, row: None, detail });
    }
    let sql = format!("DROP DATABASE {}", quote(schema));
    link.wake()?;
    let dropped = run_all(link.raw()?, &sql);
    dropped.map_err(|error| link.failed(error, &link.place(&sql)))
}
