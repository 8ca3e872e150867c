//! Lineage: where each attribute comes from. Only attributes of one origin may be matched with one another.
//!
//! An attribute of a foreign key has the lineage of the attribute that it refers to; any other attribute of a primary key is an
//! origin itself, `schema.table.attribute`; other attributes have none. As DataJoint keeps it, the hidden table `~lineage` of
//! each schema has a row for each attribute with a lineage.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use lapjoint_db::{ColumnDef, ColumnType, DbError, InsertMode, TableDef, TableId};
use lapjoint_types::{CoreType, Value};

use crate::bound::BoundTable;
use crate::connection::Connection;
use crate::error::Error;

/// Hidden table of a schema's lineages.
const TABLE: &str = "~lineage";

/// An attribute and its origin.
type Origin = (String, String);

/// Origins by table and attribute; `None` for a schema without a record.
pub(crate) type Lineages = Option<HashMap<String, HashMap<String, Arc<str>>>>;

fn lineage_table(schema: &str, with_comments: bool) -> TableDef {
    let column = |name: &str, length: u32, comment: &str| ColumnDef {
        name: name.to_owned(),
        ty: ColumnType::Native(format!("varchar({length})")),
        nullable: false,
        default: None,
        comment: if with_comments { comment.to_owned() } else { String::new() },
        auto_increment: false,
    };
    TableDef {
        id: TableId::new(schema, TABLE),
        comment: String::new(),
        columns: vec![
            column("table_name", 64, "table name within the schema"),
            column("attribute_name", 64, "attribute name"),
            column("lineage", 255, "origin: schema.table.attribute"),
        ],
        primary_key: vec!["table_name".to_owned(), "attribute_name".to_owned()],
        foreign_keys: Vec::new(),
        indexes: Vec::new(),
    }
}

/// The origins of a table's attributes, by its definition and those of the tables that it refers to.
pub(crate) fn of_table(connection: &Connection, def: &TableDef) -> Result<Vec<Origin>, Error> {
    let mut origins = Vec::new();
    for column in &def.columns {
        if let Some(origin) = origin(connection, def, &column.name, &mut BTreeSet::new())? {
            origins.push((column.name.clone(), origin));
        }
    }
    Ok(origins)
}

fn origin(
    connection: &Connection,
    def: &TableDef,
    attribute: &str,
    met: &mut BTreeSet<(TableId, String)>,
) -> Result<Option<String>, Error> {
    // References of tables to one another may run in a circle.
    if met.insert((def.id.clone(), attribute.to_owned())) {
        for key in &def.foreign_keys {
            let Some(at) = key.columns.iter().position(|column| column == attribute) else { continue };
            let Some(source) = key.parent_columns.get(at) else { continue };
            if key.parent == def.id {
                return origin(connection, def, source, met);
            }
            let Some(parent) = connection.bound(&key.parent)? else { continue };
            return origin(connection, &parent.def, source, met);
        }
    }
    let is_key = def.primary_key.iter().any(|name| name == attribute);
    Ok(is_key.then(|| format!("{}.{}.{attribute}", def.id.schema, def.id.table)))
}

/// Writes down the origins of a table's attributes, in place of those that were there.
pub(crate) fn record(connection: &Connection, def: &TableDef) -> Result<(), Error> {
    let origins = of_table(connection, def)?;
    let known = remembered(connection, &def.id.schema)?;
    let mut guard = connection.lock()?;
    let adapter = guard.adapter_mut();
    // Comments of DataJoint's own table: it gives PostgreSQL none.
    let table = lineage_table(&def.id.schema, adapter.capabilities().product != "PostgreSQL");
    if known.is_none() {
        adapter.create_table(&table).map_err(Error::db(&table.id))?;
    }
    drop(guard);
    forget(connection, &def.id)?;
    write(connection, &table, &def.id.table, &origins)?;
    let mut known = Option::clone(&known).unwrap_or_default();
    let origins = origins.into_iter().map(|(attribute, origin)| (attribute, Arc::from(origin)));
    known.insert(def.id.table.clone(), origins.collect());
    connection.lineages().insert(def.id.schema.clone(), Arc::new(Some(known)));
    Ok(())
}

/// Writes the origins of a table's attributes: one statement, as rows of text need no more.
fn write(connection: &Connection, lineages: &TableDef, table: &str, origins: &[Origin]) -> Result<(), Error> {
    if origins.is_empty() {
        return Ok(());
    }
    let columns: Vec<String> = lineages.columns.iter().map(|column| column.name.clone()).collect();
    let row = |(attribute, origin): &Origin| [table, attribute, origin].map(Value::from);
    let mut guard = connection.lock()?;
    let adapter = guard.adapter_mut();
    let names: Vec<String> = columns.iter().map(|name| adapter.quote(name)).collect();
    let sql = format!(
        "INSERT INTO {} ({}) VALUES {}",
        adapter.quote_table(&lineages.id),
        names.join(", "),
        vec!["(?, ?, ?)"; origins.len()].join(", ")
    );
    let text = || ColumnType::Core(CoreType::Varchar(255));
    let parameters: Vec<_> = origins.iter().flat_map(row).map(|value| (value, text())).collect();
    match adapter.execute(&sql, &parameters) {
        Ok(_) => Ok(()),
        // Another process has declared the same table in the same moment.
        Err(DbError::Duplicate { .. }) => {
            let mut rows = origins.iter().map(|origin| row(origin).to_vec());
            adapter
                .insert(lineages, &columns, &mut rows, InsertMode::Replace)
                .map(std::mem::drop)
                .map_err(Error::db(&lineages.id))
        }
        Err(error) => Err(Error::db(&lineages.id)(error)),
    }
}

/// Removes what is written down of a table.
pub(crate) fn forget(connection: &Connection, id: &TableId) -> Result<(), Error> {
    let known = remembered(connection, &id.schema)?;
    let Some(mut known) = Option::clone(&known) else { return Ok(()) };
    if known.remove(&id.table).is_none() {
        return Ok(());
    }
    let table = TableId::new(&id.schema, TABLE);
    let name = ColumnType::Core(CoreType::Varchar(64));
    let mut guard = connection.lock()?;
    let adapter = guard.adapter_mut();
    let sql =
        format!("DELETE FROM {} WHERE {} = ?", adapter.quote_table(&table), adapter.quote("table_name"));
    adapter.execute(&sql, &[(Value::from(id.table.as_str()), name)]).map_err(Error::db(&table))?;
    drop(guard);
    connection.lineages().insert(id.schema.clone(), Arc::new(Some(known)));
    Ok(())
}

/// The lineages of a table's schema, read once, and again when the table is not among them: another process may have declared it
/// since.
pub(crate) fn of_schema(connection: &Connection, id: &TableId) -> Result<Arc<Lineages>, Error> {
    let known = connection.lineages().get(&id.schema).cloned();
    let has_table =
        |known: &Arc<Lineages>| known.as_ref().as_ref().is_some_and(|known| known.contains_key(&id.table));
    match known {
        Some(known) if has_table(&known) => Ok(known),
        _ => read(connection, &id.schema),
    }
}

/// The lineages of a schema as they are remembered, or as they are written down.
fn remembered(connection: &Connection, schema: &str) -> Result<Arc<Lineages>, Error> {
    let known = connection.lineages().get(schema).cloned();
    known.map_or_else(|| read(connection, schema), Ok)
}

fn read(connection: &Connection, schema: &str) -> Result<Arc<Lineages>, Error> {
    let mut known: Lineages = exists(connection, schema)?.then(HashMap::new);
    if let Some(known) = &mut known {
        for (table, attribute, origin) in rows(connection, schema)? {
            known.entry(table).or_default().insert(attribute, Arc::from(origin));
        }
    }
    let known = Arc::new(known);
    connection.lineages().insert(schema.to_owned(), Arc::clone(&known));
    Ok(known)
}

/// A table that is declared again: where nothing is written down of its primary key, as after an upgrade, it is written now.
pub(crate) fn mended(connection: &Connection, table: Arc<BoundTable>) -> Arc<BoundTable> {
    let is_whole = table.heading.all().iter().all(|a| !a.in_key || a.lineage.is_some());
    if is_whole || connection.in_transaction().unwrap_or(true) {
        return table;
    }
    match record(connection, &table.def).and_then(|()| connection.bind(table.def.clone())) {
        Ok(mended) => mended,
        // Whoever may only read works on without a record.
        Err(error) => {
            tracing::warn!(table = %table.def.id, %error, "the origins of the table's attributes could not be recorded");
            table
        }
    }
}

/// Whether a schema has its table of lineages. Schemas that were made before DataJoint 2 have none.
pub(crate) fn exists(connection: &Connection, schema: &str) -> Result<bool, Error> {
    let tables = connection.lock()?.adapter_mut().list_tables(schema)?;
    Ok(tables.iter().any(|table| table == TABLE))
}

/// What is written down in a schema: `schema.table.attribute`, and its origin.
pub(crate) fn recorded(connection: &Connection, schema: &str) -> Result<Vec<Origin>, Error> {
    if !exists(connection, schema)? {
        return Ok(Vec::new());
    }
    let rows = rows(connection, schema)?;
    Ok(rows
        .into_iter()
        .map(|(table, attribute, origin)| (format!("{schema}.{table}.{attribute}"), origin))
        .collect())
}

/// Table, attribute and origin, sorted.
fn rows(connection: &Connection, schema: &str) -> Result<Vec<(String, String, String)>, Error> {
    let table = TableId::new(schema, TABLE);
    let names = ["table_name", "attribute_name", "lineage"];
    let text = ColumnType::Core(CoreType::Varchar(255));
    let columns: Vec<_> = names.iter().map(|name| ((*name).to_owned(), text.clone())).collect();
    let mut guard = connection.lock()?;
    let adapter = guard.adapter_mut();
    let list: Vec<String> = names.iter().map(|name| adapter.quote(name)).collect();
    let list = list.join(", ");
    let sql = format!("SELECT {list} FROM {} ORDER BY {list}", adapter.quote_table(&table));
    let mut found = Vec::new();
    adapter
        .query(&sql, &[], &columns, &mut |row| {
            if let [Value::Str(table), Value::Str(attribute), Value::Str(origin)] = row.as_slice() {
                found.push((table.clone(), attribute.clone(), origin.clone()));
            }
            std::ops::ControlFlow::Continue(())
        })
        .map_err(Error::db(&table))?;
    Ok(found)
}
