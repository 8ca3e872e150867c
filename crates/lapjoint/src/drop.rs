//! Drop of tables, with all tables that refer to them.

use lapjoint_db::TableId;
use lapjoint_types::naming::Tier;

use crate::connection::Connection;
use crate::error::Error;
use crate::graph::Dependencies;
use crate::jobs;
use crate::lineage;
use crate::schema::Schema;
use crate::table::Table;

/// Tables that a drop takes, children first, with their numbers of rows.
pub(crate) fn preview(table: &Table) -> Result<Vec<(TableId, u64)>, Error> {
    let connection = table.schema().connection();
    let mut counted = Vec::new();
    for id in order(table)? {
        let schema = Schema::new(connection.clone(), id.schema.clone());
        let rows = schema.table(&id.table)?.query().count()?;
        counted.push((id, rows));
    }
    Ok(counted)
}

/// Drops a table and all that refers to it, children first.
pub(crate) fn drop_table(table: &Table) -> Result<Vec<TableId>, Error> {
    let ids = order(table)?;
    let connection = table.schema().connection();
    connection.forget_tables();
    for id in &ids {
        drop_one(connection, id)?;
    }
    Ok(ids)
}

/// Drops a table that nothing refers to, with what is written down of its attributes.
pub(crate) fn drop_one(connection: &Connection, id: &TableId) -> Result<(), Error> {
    connection.lock()?.adapter_mut().drop_table(id).map_err(Error::db(id))?;
    lineage::forget(connection, id)?;
    jobs::drop_with(connection, id)
}

fn order(table: &Table) -> Result<Vec<TableId>, Error> {
    if table.tier() == Tier::Part {
        return Err(Error::usage(format!(
            "Attempt to drop part table {} without its master; drop the master",
            table.id()
        )));
    }
    let graph = Dependencies::below(table.schema().connection(), table.id(), false)?;
    let mut ids = graph.descendants(table.id())?;
    ids.reverse();
    for id in &ids {
        let part = graph.get(id).filter(|bound| bound.tier == Tier::Part);
        let master = part.and_then(|bound| bound.master()).map(|master| TableId::new(&id.schema, master));
        if let Some(master) = master.filter(|master| !ids.contains(master)) {
            return Err(Error::usage(format!(
                "Attempt to drop part table {id} before its master {master}; drop the master first"
            )));
        }
    }
    Ok(ids)
}
