//! Schemas: listed, opened, dropped.

use crate::error::DbError;
use crate::postgres::connection::Link;
use crate::postgres::errors::{Failure, Place};
use crate::postgres::introspect;
use crate::postgres::literal::{check_name, quote, quote_table};
use crate::schema::TableId;

/// Whether a schema belongs to the server.
fn is_system(schema: &str) -> bool {
    schema.starts_with("pg_") || schema == "information_schema"
}

fn check(schema: &str) -> Result<(), DbError> {
    check_name(schema)?;
    if is_system(schema) {
        return Err(DbError::Name {
            name: schema.to_owned(),
            reason: "a schema of this name belongs to the database itself".to_owned(),
        });
    }
    Ok(())
}

pub(crate) fn list_schemas(link: &mut Link) -> Result<Vec<String>, DbError> {
    let sql = "SELECT nspname::text FROM pg_catalog.pg_namespace";
    let rows = link.rows(sql, &[])?;
    let names = rows.iter().map(|row| row.try_get(0)).collect::<Result<Vec<String>, tokio_postgres::Error>>();
    let mut names = names.map_err(|error| Failure::from(error).map(&Place::sql(sql)))?;
    names.retain(|name| !is_system(name));
    names.sort_unstable();
    Ok(names)
}

pub(crate) fn open_schema(link: &mut Link, schema: &str, create: bool) -> Result<(), DbError> {
    check(schema)?;
    if introspect::has_schema(link, schema)? {
        return Ok(());
    }
    if !create {
        return Err(DbError::MissingSchema(schema.to_owned()));
    }
    let created =
        link.write_again(|link| link.run(&format!("CREATE SCHEMA IF NOT EXISTS {}", quote(schema))));
    match created {
        // Another session may have made it at the same moment.
        Err(error) if !introspect::has_schema(link, schema)? => Err(error),
        _ => Ok(()),
    }
}

pub(crate) fn drop_schema(link: &mut Link, schema: &str) -> Result<(), DbError> {
    check(schema)?;
    link.write_again(|link| {
        let tables = introspect::list_tables(link, schema)?;
        let ids: Vec<_> = tables.iter().map(|table| TableId::new(schema, table)).collect();
        if !ids.is_empty() {
            // Nobody can refer to them from now on.
            let names: Vec<_> = ids.iter().map(quote_table).collect();
            link.run(&format!("LOCK TABLE {} IN ACCESS EXCLUSIVE MODE", names.join(", ")))?;
        }
        for id in &ids {
            let children = introspect::children(link, id)?;
            if let Some(child) = children.into_iter().find(|child| child.schema != schema) {
                let detail = format!("{child} refers to {id}; drop it first");
                return Err(DbError::ForeignKey { table: id.clone(), row: None, detail });
            }
        }
        link.run(&format!("DROP SCHEMA {} CASCADE", quote(schema)))
    })
}
