//! References that rows make to objects.

use std::ops::ControlFlow;

use lapjoint_codec::{Chain, CodecError, ObjectReference};
use lapjoint_db::TableId;
use lapjoint_types::{CoreType, TypeSpec, Value};

use crate::connection::Connection;
use crate::error::Error;
use crate::heading::{Attribute, Heading, Storage};
use crate::schema::Schema;

/// A reference that a row makes.
#[derive(Debug, Clone)]
pub struct RowReference {
    /// Table and attribute, `` `lab`.`session`.trace ``.
    pub place: String,
    /// Primary key of the row, as text.
    pub key: String,
    /// The object, its store resolved.
    pub object: ObjectReference,
}

/// All references of a schema's rows to objects.
///
/// # Errors
/// [`Error`] when any table, codec or stored value cannot be read: a partial answer would make live objects look unused.
pub fn references(schema: &Schema) -> Result<Vec<RowReference>, Error> {
    let mut all = Vec::new();
    let connection = schema.connection();
    let mut take = |site: &Site<'_>, mut object: ObjectReference| {
        if object.store.is_none() {
            object.store = Some(connection.stores().get(None)?.name().to_owned());
        }
        all.push(RowReference { place: site.place(), key: site.key(), object });
        Ok(())
    };
    each_reference(
        connection,
        schema.name(),
        &mut Reading { take: &mut take, unbound: None, failed: &mut Err },
    )?;
    Ok(all)
}

/// Where a reference was found.
pub(super) struct Site<'r> {
    table: &'r TableId,
    attribute: &'r str,
    key: &'r [Attribute],
    row: &'r [Value],
}

impl Site<'_> {
    pub fn place(&self) -> String {
        format!("{}.{}", self.table, self.attribute)
    }

    fn key(&self) -> String {
        let text = |(attribute, value): (&Attribute, &Value)| {
            format!("{}={}", attribute.name, crate::preview::cell(value))
        };
        self.key.iter().zip(self.row).map(text).collect::<Vec<_>>().join(", ")
    }
}

/// Takes a stored value whose codec is missing.
pub(super) type TakeUnbound<'t> = dyn FnMut(&Site<'_>, &Value) -> Result<(), Error> + 't;

/// What to do with what is found.
pub(super) struct Reading<'t> {
    /// Takes a reference.
    pub take: &'t mut dyn FnMut(&Site<'_>, ObjectReference) -> Result<(), Error>,
    /// Takes the stored values of a column whose codec is missing; without it such a column is an error.
    pub unbound: Option<&'t mut TakeUnbound<'t>>,
    /// Decides about a table or column that cannot be read: the error, to stop, or nothing, to go on with the next.
    pub failed: &'t mut dyn FnMut(Error) -> Result<(), Error>,
}

/// Finds the references of all rows of a schema. Tables are read from the database anew: another program may have changed
/// one since this connection has seen it.
pub(super) fn each_reference(
    connection: &Connection,
    schema: &str,
    reading: &mut Reading<'_>,
) -> Result<(), Error> {
    let tables =
        connection.lock()?.adapter_mut().list_tables(schema).map_err(Error::db(format!("schema `{schema}`")));
    let tables = match tables {
        Ok(tables) => tables,
        Err(error) => return (reading.failed)(error),
    };
    for table in tables.into_iter().filter(|table| !table.starts_with('~')) {
        let id = TableId::new(schema, table);
        if let Err(error) = of_table(connection, &id, reading) {
            (reading.failed)(error)?;
        }
    }
    Ok(())
}

fn of_table(connection: &Connection, id: &TableId, reading: &mut Reading<'_>) -> Result<(), Error> {
    let loaded = connection.lock()?.adapter_mut().load_table(id).map_err(Error::db(id))?;
    // Dropped since the tables were listed: it has no rows.
    let Some(def) = loaded else { return Ok(()) };
    let heading = Heading::from_table(&def, connection.registry());
    let mut columns: Vec<Attribute> = Vec::new();
    for attribute in heading.all() {
        match &attribute.storage {
            Storage::Codec(chain) if keeps_objects(chain) => columns.push(attribute.clone()),
            Storage::Unbound { .. } if reading.unbound.is_some() => columns.push(attribute.clone()),
            Storage::Unbound { spec, reason } => (reading.failed)(Error::usage(format!(
                "{id}, attribute `{}` ({spec}): its objects cannot be known: {reason}",
                attribute.name
            )))?,
            Storage::Plain | Storage::Codec(_) => {}
        }
    }
    if columns.is_empty() {
        return Ok(());
    }
    let key: Vec<Attribute> = def.primary_key.iter().filter_map(|name| heading.get(name)).cloned().collect();
    let mut number = 0;
    let mut look = |row: &[Value], reading: &mut Reading<'_>| -> Result<(), Error> {
        for (attribute, stored) in columns.iter().zip(row.iter().skip(key.len())) {
            let site = Site { table: id, attribute: &attribute.name, key: &key, row };
            let looked = of_cell(attribute, stored, &site, reading).map_err(|failure| match failure {
                Failure::Engine(error) => error,
                Failure::Codec(source) => Error::Cell {
                    table: id.to_string(),
                    row: number,
                    attribute: attribute.name.clone(),
                    spec: attribute.declared.clone(),
                    value_type: stored.type_name(),
                    source: Box::new(source),
                },
            });
            if let Err(error) = looked {
                (reading.failed)(error)?;
            }
        }
        number += 1;
        Ok(())
    };
    // A codec in Python may use the connection, which is free only when the rows are read.
    let at_once = columns.iter().all(Attribute::is_parallel);
    let mut rows: Vec<Vec<Value>> = Vec::new();
    let mut outcome = Ok(());
    {
        let mut guard = connection.lock()?;
        let adapter = guard.adapter_mut();
        let result: Vec<_> = key.iter().chain(&columns).map(|a| (a.name.clone(), a.column.clone())).collect();
        let names: Vec<String> = result.iter().map(|(name, _)| adapter.quote(name)).collect();
        let sql = format!("SELECT {} FROM {}", names.join(", "), adapter.quote_table(id));
        let mut sink = |row: Vec<Value>| {
            if at_once {
                outcome = look(&row, reading);
            } else {
                rows.push(row);
            }
            if outcome.is_ok() { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
        };
        adapter.query(&sql, &[], &result, &mut sink).map_err(Error::db(id))?;
    }
    outcome?;
    rows.iter().try_for_each(|row| look(row, reading))
}

enum Failure {
    Engine(Error),
    Codec(CodecError),
}

fn of_cell(
    attribute: &Attribute,
    stored: &Value,
    site: &Site<'_>,
    reading: &mut Reading<'_>,
) -> Result<(), Failure> {
    if stored.is_null() {
        return Ok(());
    }
    let Some(chain) = attribute.chain() else {
        return match &mut reading.unbound {
            Some(unbound) => unbound(site, stored).map_err(Failure::Engine),
            None => Ok(()),
        };
    };
    let found = if chain.may_refer() {
        chain.references(stored).map_err(Failure::Codec)?
    } else {
        let links = chain.links().iter().map(|link| link.codec.references(stored).map_err(Failure::Codec));
        links.collect::<Result<Vec<_>, _>>()?.concat()
    };
    found.into_iter().try_for_each(|object| (reading.take)(site, object).map_err(Failure::Engine))
}

/// Whether values of a chain may refer to objects. A codec without a store may have found itself one, and say so in its
/// metadata.
fn keeps_objects(chain: &Chain) -> bool {
    chain.may_refer() || matches!(chain.dtype(), TypeSpec::Core(CoreType::Json))
}
