//! Schemas as files: listing, opening, dropping.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rusqlite::limits::Limit;

use crate::error::DbError;
use crate::sqlite::connection::Link;
use crate::sqlite::errors::{self, Place};
use crate::sqlite::literal::{quote, text_literal};
use crate::sqlite::{Location, MAX_IDENTIFIER_CHARS, catalog, foreign};

/// Ending of a schema's file.
const EXTENSION: &str = "sqlite";

/// Pause between attempts to switch a new file to its write-ahead log.
const RETRY: Duration = Duration::from_millis(10);

fn io_error(path: &Path) -> impl FnOnce(io::Error) -> DbError {
    let path = path.display().to_string();
    move |source| DbError::Io { path, source }
}

/// Refuses names that cannot be a schema's.
fn check_name(schema: &str) -> Result<(), DbError> {
    let lower = schema.to_ascii_lowercase();
    let reason = if schema.is_empty() || schema.len() > MAX_IDENTIFIER_CHARS {
        "a schema's name has 1 to 64 characters"
    } else if !schema.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-')) {
        "a schema's name has only letters of the English alphabet, digits, `_` and `-`, since it names a file"
    } else if lower == "main" || lower == "temp" || lower.starts_with("sqlite_") {
        "SQLite keeps this name for itself"
    } else {
        return Ok(());
    };
    Err(DbError::Name { name: schema.to_owned(), reason: reason.to_owned() })
}

fn file_of(directory: &Path, schema: &str) -> PathBuf {
    directory.join(format!("{schema}.{EXTENSION}"))
}

/// Whether a schema can be opened without creating it.
fn exists(link: &Link, schema: &str) -> bool {
    match link.location() {
        Location::Memory => link.is_open(schema),
        Location::Directory(directory) => file_of(directory, schema).is_file(),
    }
}

/// Names of the schemas, sorted.
pub(crate) fn list_schemas(link: &Link) -> Result<Vec<String>, DbError> {
    let mut names = match link.location() {
        Location::Memory => link.schemas.clone(),
        Location::Directory(directory) => files(directory)?,
    };
    names.sort();
    Ok(names)
}

fn files(directory: &Path) -> Result<Vec<String>, DbError> {
    let entries = match fs::read_dir(directory) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(io_error(directory)(error)),
    };
    let mut names = Vec::new();
    for entry in entries {
        let path = entry.map_err(io_error(directory))?.path();
        let name = path.file_stem().and_then(|stem| stem.to_str());
        let is_schema = path.extension().is_some_and(|extension| extension == EXTENSION) && path.is_file();
        if let Some(name) = name.filter(|name| is_schema && check_name(name).is_ok()) {
            names.push(name.to_owned());
        }
    }
    Ok(names)
}

/// Opens a schema, those that it refers to, and those that refer to it.
pub(crate) fn open_schema(link: &mut Link, schema: &str, create: bool) -> Result<(), DbError> {
    if link.is_open(schema) {
        return Ok(());
    }
    check_name(schema)?;
    if let Some(other) = link.schemas.iter().find(|open| open.eq_ignore_ascii_case(schema)) {
        let reason = format!("it differs from the open schema `{other}` only in upper and lower case");
        return Err(DbError::Name { name: schema.to_owned(), reason });
    }
    if link.in_transaction() {
        return Err(DbError::Transaction(
            "a schema cannot be opened while a transaction is open; open it before the transaction",
        ));
    }
    if !create && !exists(link, schema) {
        return Err(DbError::MissingSchema(schema.to_owned()));
    }
    attach(link, schema)?;
    if let Err(error) = complete(link, schema) {
        detach(link, schema)?;
        return Err(error);
    }
    Ok(())
}

/// Gives a new file its hidden tables, and opens the schemas that belong with this one.
fn complete(link: &mut Link, schema: &str) -> Result<(), DbError> {
    let sql = format!("SELECT count(*) FROM {}.sqlite_schema", quote(schema));
    let tables: i64 = link
        .raw()?
        .query_row(&sql, [], |row| row.get(0))
        .map_err(|error| errors::map(error, &Place::sql(&sql)))?;
    if tables == 0 {
        link.write(|link| catalog::create(link.raw()?, schema))?;
    }
    foreign::update(link)
}

/// Opens the schema if it exists; tells whether it is open now.
pub(crate) fn attach_existing(link: &mut Link, schema: &str) -> Result<bool, DbError> {
    if link.is_open(schema) {
        return Ok(true);
    }
    if check_name(schema).is_err() || !exists(link, schema) {
        return Ok(false);
    }
    attach(link, schema)?;
    Ok(true)
}

fn attach(link: &mut Link, schema: &str) -> Result<(), DbError> {
    let raw = link.raw()?;
    let limit =
        raw.limit(Limit::SQLITE_LIMIT_ATTACHED).map_err(|error| errors::map(error, &Place::sql("")))?;
    if usize::try_from(limit).is_ok_and(|limit| link.schemas.len() >= limit) {
        return Err(DbError::Database {
            product: "SQLite",
            message: format!(
                "schema `{schema}` cannot be opened: {limit} schemas are open on this connection, and SQLite was built for \
                 no more; use another connection, or build with LIBSQLITE3_FLAGS=-DSQLITE_MAX_ATTACHED=125"
            ),
            sql: String::new(),
        });
    }
    let path = match link.location() {
        Location::Memory => ":memory:".to_owned(),
        Location::Directory(directory) => {
            fs::create_dir_all(directory).map_err(io_error(directory))?;
            let file = file_of(directory, schema);
            file.to_str()
                .ok_or_else(|| {
                    io_error(&file)(io::Error::new(
                        io::ErrorKind::InvalidInput,
                        "SQLite needs a path in UTF-8",
                    ))
                })?
                .to_owned()
        }
    };
    let sql = format!("ATTACH DATABASE {} AS {}", text_literal(&path), quote(schema));
    link.run(&sql).map_err(|error| in_file(error, &path))?;
    link.schemas.push(schema.to_owned());
    let configured = configure(link, schema);
    if configured.is_err() {
        detach(link, schema)?;
    }
    configured.map_err(|error| in_file(error, &path))
}

/// An error that concerns a file as a whole names it.
fn in_file(error: DbError, path: &str) -> DbError {
    match error {
        DbError::Database { product, message, .. } => {
            DbError::Database { product, message: format!("{path}: {message}"), sql: String::new() }
        }
        other => other,
    }
}

/// Settings of a file that was just attached.
fn configure(link: &Link, schema: &str) -> Result<(), DbError> {
    if *link.location() == Location::Memory {
        return Ok(());
    }
    link.run(&format!("PRAGMA {}.synchronous = FULL", quote(schema)))?;
    match switch_journal(link, schema, "WAL") {
        // A file that cannot be written can still be read.
        Err(_) if link.raw()?.is_readonly(schema).unwrap_or(false) => Ok(()),
        other => other,
    }
}

/// Switches a file from one kind of journal to another, which takes the file for itself for a moment.
fn switch_journal(link: &Link, schema: &str, mode: &str) -> Result<(), DbError> {
    let sql = format!("PRAGMA {}.journal_mode = {mode}", quote(schema));
    let deadline = link.busy_deadline();
    // SQLite does not wait here by itself.
    loop {
        let switched = link.raw()?.query_row(&sql, [], |row| row.get::<_, String>(0));
        match switched.map_err(|error| errors::map(error, &Place::sql(&sql))) {
            Ok(_) => return Ok(()),
            Err(DbError::Busy(_)) if Instant::now() < deadline => std::thread::sleep(RETRY),
            Err(error) => return Err(error),
        }
    }
}

fn detach(link: &mut Link, schema: &str) -> Result<(), DbError> {
    link.raw()?.flush_prepared_statement_cache();
    link.run(&format!("DETACH DATABASE {}", quote(schema)))?;
    link.schemas.retain(|open| open != schema);
    link.versions.remove(schema);
    Ok(())
}

/// Removes a schema and its file.
pub(crate) fn drop_schema(link: &mut Link, schema: &str) -> Result<(), DbError> {
    check_name(schema)?;
    if link.in_transaction() {
        return Err(DbError::Transaction("a schema cannot be dropped while a transaction is open"));
    }
    open_schema(link, schema, false)?;
    if let Some(key) = foreign::cross_keys(link)?.into_iter().find(|key| key.parent.schema == schema) {
        return Err(DbError::ForeignKey {
            table: key.parent.clone(),
            row: None,
            detail: format!("{} of another schema refers to {}; drop it first", key.child, key.parent),
        });
    }
    let Location::Directory(directory) = link.location().clone() else {
        foreign::forget_child_schema(link, schema)?;
        foreign::drop_triggers(link)?;
        detach(link, schema)?;
        return foreign::rebuild(link);
    };
    // Every other connection that has the file open keeps it from leaving its write-ahead log.
    switch_journal(link, schema, "DELETE").map_err(|error| match error {
        DbError::Busy(_) => DbError::Busy(format!("schema `{schema}` is open there")),
        other => other,
    })?;
    foreign::forget_child_schema(link, schema)?;
    foreign::drop_triggers(link)?;
    detach(link, schema)?;
    let file = file_of(&directory, schema);
    fs::remove_file(&file).map_err(io_error(&file))?;
    for ending in ["-wal", "-shm"] {
        let beside = PathBuf::from(format!("{}{ending}", file.display()));
        match fs::remove_file(&beside) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(io_error(&beside)(error)),
            _ => {}
        }
    }
    foreign::rebuild(link)
}
