//! The table of the jobs: its name, its definition, and its end.

use std::sync::Arc;

use lapjoint_db::{TableDef, TableId};
use lapjoint_types::definition::Definition;
use lapjoint_types::naming::{self, Tier};

use crate::bound::BoundTable;
use crate::connection::Connection;
use crate::declare::{self, References};
use crate::error::Error;
use crate::lineage;
use crate::schema::Schema;
use crate::table::Table;

/// What every table of jobs has after its key.
const ATTRIBUTES: &str = "\
---
status : enum('pending', 'reserved', 'success', 'error', 'ignore')
priority : int8
created_time=CURRENT_TIMESTAMP(3) : datetime(3)
scheduled_time=CURRENT_TIMESTAMP(3) : datetime(3)
reserved_time=null : datetime(3)
completed_time=null : datetime(3)
duration=null : float64
error_message=\"\" : varchar(2047)
error_stack=null : <blob>
user=\"\" : varchar(255)
host=\"\" : varchar(255)
pid=0 : int32
connection_id=0 : int64
version=\"\" : varchar(64)
INDEX (status, priority, scheduled_time)
";

/// Place of the jobs of a table: those of `_scan` and of `__scan` would be one table.
fn jobs_id(target: &TableId) -> TableId {
    let base = target.table.trim_start_matches('_');
    TableId::new(&target.schema, format!("{}{base}", Tier::Job.prefix()))
}

/// Attributes of the target's primary key that come from other tables.
fn key_attributes(target: &Table) -> Vec<String> {
    let def = &target.bound().def;
    let is_foreign = |name: &&String| def.foreign_keys.iter().any(|key| key.columns.contains(name));
    def.primary_key.iter().filter(is_foreign).cloned().collect()
}

/// Attributes of the target's primary key that are its own.
pub(super) fn own_attributes(target: &Table) -> Vec<String> {
    let foreign = key_attributes(target);
    let key = target.heading().primary_key();
    key.into_iter().filter(|name| !foreign.contains(name)).collect()
}

pub(super) fn definition(target: &Table) -> Result<String, Error> {
    let connection = target.schema().connection();
    let key = key_attributes(target);
    if key.is_empty() {
        return Err(Error::usage(format!(
            "Cannot create jobs table for {}: no FK-derived primary key attributes found.",
            target.id()
        )));
    }
    let name = connection.lock()?.adapter().quote_table(target.id());
    let mut text = format!("# Job queue for {name}\n");
    for attribute in &key {
        let declared = declared_type(connection, target.bound(), attribute)?;
        text.push_str(&format!("{attribute} : {declared}\n"));
    }
    text.push_str(ATTRIBUTES);
    Ok(text)
}

/// The type of an attribute as it was declared where the attribute comes from: tables of DataJoint do not say it again.
fn declared_type(connection: &Connection, table: &Arc<BoundTable>, attribute: &str) -> Result<String, Error> {
    let mut table = Arc::clone(table);
    let mut attribute = attribute.to_owned();
    loop {
        let def = &table.def;
        let source = def.foreign_keys.iter().filter(|key| key.parent != def.id).find_map(|key| {
            let at = key.columns.iter().position(|column| *column == attribute)?;
            Some((key.parent.clone(), key.parent_columns.get(at)?.clone()))
        });
        let parent = match &source {
            Some((parent, _)) => connection.bound(parent)?,
            None => None,
        };
        let (Some((_, column)), Some(parent)) = (source, parent) else {
            let found = table.heading.get(&attribute);
            return Ok(found.map(|found| found.declared.clone()).unwrap_or_default());
        };
        (attribute, table) = (column, parent);
    }
}

pub(super) fn declare(target: &Table) -> Result<Arc<BoundTable>, Error> {
    target.check_populated()?;
    let connection = target.schema().connection();
    let id = jobs_id(target.id());
    if let Some(bound) = connection.bound(&id)? {
        return Ok(bound);
    }
    if connection.in_transaction()? {
        return Err(Error::usage(
            "Cannot declare new tables inside a transaction, e.g. from inside a populate/make call",
        ));
    }
    for attribute in own_attributes(target) {
        tracing::warn!(
            "Ignoring non-FK primary key attribute '{attribute}' in jobs table for {}. Job granularity will be degraded.",
            target.id()
        );
    }
    let text = definition(target)?;
    let name = format!("{}.jobs", target.class_name());
    let parsed = Definition::parse(&text)
        .map_err(|source| Error::Definition { table: name.clone(), source: Box::new(source) })?;
    let def: TableDef = declare::define(target.schema(), None, &name, &id, &parsed, &References::new())?;
    connection.lock()?.adapter_mut().create_table(&def).map_err(Error::db(&id))?;
    let bound = connection.bound(&id)?.ok_or_else(|| Error::UnknownTable {
        table: id.table.clone(),
        schema: id.schema.clone(),
        nearest: None,
    })?;
    lineage::record(connection, &bound.def)?;
    Ok(bound)
}

impl Schema {
    /// Names of the tables that have a table of jobs.
    ///
    /// # Errors
    /// [`Error`] when the database cannot be read.
    pub fn tables_with_jobs(&self) -> Result<Vec<String>, Error> {
        let all = self.connection().lock()?.adapter_mut().list_tables(self.name())?;
        let has_jobs = |table: &&String| {
            matches!(naming::tier_of(table), Some(Tier::Imported | Tier::Computed))
                && all.contains(&jobs_id(&TableId::new(self.name(), table.as_str())).table)
        };
        Ok(all.iter().filter(has_jobs).cloned().collect())
    }
}

/// Drops the jobs of a table that is gone, unless a table of another tier shares them.
pub(crate) fn drop_with(connection: &Connection, target: &TableId) -> Result<(), Error> {
    if !matches!(naming::tier_of(&target.table), Some(Tier::Imported | Tier::Computed)) {
        return Ok(());
    }
    let base = target.table.trim_start_matches('_');
    let id = jobs_id(target);
    let tables = connection.lock()?.adapter_mut().list_tables(&id.schema)?;
    let is_shared = [Tier::Imported, Tier::Computed]
        .iter()
        .any(|tier| tables.contains(&format!("{}{base}", tier.prefix())));
    if is_shared || !tables.contains(&id.table) {
        return Ok(());
    }
    connection.lock()?.adapter_mut().drop_table(&id).map_err(Error::db(&id))?;
    lineage::forget(connection, &id)
}
