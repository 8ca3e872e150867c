//! Change of one existing row.

use lapjoint_db::{ColumnType, DefaultValue, TableId};
use lapjoint_types::Value;

use crate::error::Error;
use crate::heading::Attribute;
use crate::insert::{Encoder, now};
use crate::query::equal_sql;
use crate::row::Row;
use crate::table::Table;
use crate::watch::Watched;
use crate::work::Work;

/// Changes the attributes of `row` in the one row that has its primary key.
pub(crate) fn update1(table: &Table, row: Row) -> Result<(), Error> {
    let bound = table.bound();
    let id = &bound.def.id;
    let heading = &bound.heading;
    if let Some(unknown) = row.names().iter().find(|name| heading.get(name).is_none()) {
        return Err(Error::unknown_attribute(unknown, &id.to_string(), &heading.names()));
    }
    let key_names = heading.primary_key();
    if key_names.iter().any(|name| row.value(name).is_none_or(Value::is_null)) {
        return Err(Error::usage(format!(
            "The argument of update1 must supply all primary key values: {}.",
            key_names.join(", ")
        )));
    }
    let key = row.project(key_names.iter().map(String::as_str));
    let found = table.query().restrict(key.clone()).count()?;
    if found != 1 {
        return Err(Error::usage(format!(
            "Update can only be applied to one existing entry: {id} has {found} rows with the key {key}."
        )));
    }
    let changed: Vec<&Attribute> = row
        .names()
        .iter()
        .filter_map(|name| heading.get(name))
        .filter(|attribute| !attribute.in_key)
        .collect();
    if changed.is_empty() {
        return Ok(());
    }
    // The key goes along, so that codecs see it and paths have their folders.
    let attributes: Vec<Attribute> = key_names
        .iter()
        .filter_map(|name| heading.get(name))
        .chain(changed.iter().copied())
        .cloned()
        .collect();
    let values = attributes
        .iter()
        .map(|attribute| {
            let value = row.value(&attribute.name).cloned().unwrap_or(Value::Null);
            match &attribute.default {
                _ if !value.is_null() => value,
                Some(DefaultValue::CurrentTimestamp) => Value::DateTime(now()),
                _ => attribute.default_value().unwrap_or(Value::Null),
            }
        })
        .collect();
    let connection = table.schema().connection();
    let encoder = Encoder::new(bound, connection.stores(), attributes.clone());
    let unwatched = Watched::new(None, None);
    let mut encoded = encoder.encode(vec![(0, values)], &unwatched)?;
    let (values, staged) = encoded.pop().unwrap_or_default();
    let mut work = Work::new(connection, &id.schema);
    if let Err(error) = work.upload(&staged, &unwatched) {
        return work.abandon(Err(error));
    }
    work.commit(|guard| {
        let adapter = guard.adapter_mut();
        let mut assignments = Vec::new();
        let mut parameters: Vec<(Value, ColumnType)> = Vec::new();
        for (attribute, value) in attributes.iter().zip(values).skip(key_names.len()) {
            check_null(id, attribute, &value)?;
            assignments.push(format!("{} = ?", adapter.quote(&attribute.name)));
            parameters.push((value, attribute.column.clone()));
        }
        let mut conditions = Vec::new();
        for (name, value) in key.iter() {
            if let Some(attribute) = heading.get(name) {
                conditions.push(equal_sql(attribute, value, adapter)?);
            }
        }
        let sql = format!(
            "UPDATE {} SET {} WHERE {}",
            adapter.quote_table(id),
            assignments.join(", "),
            if conditions.is_empty() { "1=1".to_owned() } else { conditions.join(" AND ") }
        );
        let updated = adapter.execute(&sql, &parameters).map_err(Error::db(id))?;
        if updated == 1 {
            Ok(())
        } else {
            Err(Error::usage(format!("{id}: the row with the key {key} was removed during its update")))
        }
    })
}

fn check_null(id: &TableId, attribute: &Attribute, value: &Value) -> Result<(), Error> {
    if value.is_null() && !attribute.nullable {
        return Err(Error::Row {
            table: id.to_string(),
            row: 0,
            message: format!("attribute `{}` ({}) cannot be null", attribute.name, attribute.declared),
        });
    }
    Ok(())
}
