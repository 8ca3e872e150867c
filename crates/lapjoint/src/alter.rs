//! Change of a table's secondary attributes to those of another definition.

use lapjoint_db::{ColumnDef, TableDef};
use lapjoint_types::definition::Definition;
use lapjoint_types::marker;

use crate::compute::metadata;
use crate::declare::{self, References};
use crate::error::Error;
use crate::lineage;
use crate::table::Table;

/// What an alteration does, or would do.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Alteration {
    /// One line for each change.
    pub changes: Vec<String>,
}

/// Changes the table to `text`; with `dry_run` only says what would change.
pub(crate) fn alter(
    table: &Table,
    text: &str,
    references: &References,
    dry_run: bool,
) -> Result<Alteration, Error> {
    let schema = table.schema();
    let connection = schema.connection();
    connection.forget_tables();
    let old = connection
        .bound(table.id())?
        .ok_or_else(|| Error::usage(format!("{} is not in the database; declare it", table.id())))?;
    let definition = Definition::parse(text)
        .map_err(|source| Error::Definition { table: table.class_name(), source: Box::new(source) })?;
    let master = old.master().map(|master| lapjoint_db::TableId::new(&table.id().schema, master));
    let mut new =
        declare::define(schema, master.as_ref(), &table.class_name(), table.id(), &definition, references)?;
    metadata::keep_columns(&old.def, &mut new);
    let sources = sources(&old.def, &mut new);
    refuse(&old.def, &new)?;
    let changes = changes(&old.def, &new, &sources);
    if changes.is_empty() || dry_run {
        return Ok(Alteration { changes });
    }
    connection.lock()?.adapter_mut().alter_table(&old.def, &new, &sources).map_err(Error::db(table.id()))?;
    connection.forget_tables();
    if let Some(bound) = connection.bound(table.id())? {
        lineage::record(connection, &bound.def)?;
        // What was bound before the record does not have it.
        connection.bind(bound.def.clone())?;
    }
    Ok(Alteration { changes })
}

/// For each new column the old one whose values it keeps. A comment that begins with `{old_name}` renames; the mark is not kept.
fn sources(old: &TableDef, new: &mut TableDef) -> Vec<Option<String>> {
    let has = |name: &str| old.columns.iter().any(|column| column.name == name);
    let mut sources = Vec::with_capacity(new.columns.len());
    for column in &mut new.columns {
        let renamed = take_old_name(column);
        sources.push(if has(&column.name) {
            Some(column.name.clone())
        } else {
            renamed.filter(|name| has(name))
        });
    }
    sources
}

/// Takes `{old_name}` from the beginning of a comment.
fn take_old_name(column: &mut ColumnDef) -> Option<String> {
    let (ty, comment) = marker::parse_comment(&column.comment);
    let (name, rest) = comment.strip_prefix('{')?.split_once('}')?;
    let is_name = !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
    let name = is_name.then(|| name.to_owned())?;
    let rest = rest.trim_start().to_owned();
    column.comment = ty.map_or_else(|| rest.clone(), |ty| format!(":{ty}:{rest}"));
    Some(name)
}

/// Refuses changes of what other tables and rows rely on.
fn refuse(old: &TableDef, new: &TableDef) -> Result<(), Error> {
    let key = |def: &TableDef| -> Vec<(String, String)> {
        let column = |name: &String| def.columns.iter().find(|column| column.name == *name);
        def.primary_key.iter().filter_map(column).map(|c| (c.name.clone(), c.ty.to_string())).collect()
    };
    let what = if key(old) != key(new) {
        "the primary key"
    } else if old.foreign_keys != new.foreign_keys {
        "foreign keys"
    } else if old.indexes != new.indexes {
        "indexes"
    } else {
        return Ok(());
    };
    Err(Error::NotAlterable(format!("table.alter cannot alter {what} (yet).")))
}

fn changes(old: &TableDef, new: &TableDef, sources: &[Option<String>]) -> Vec<String> {
    let mut lines = Vec::new();
    for (column, source) in new.columns.iter().zip(sources) {
        let before = source.as_ref().and_then(|name| old.columns.iter().find(|column| column.name == *name));
        match before {
            None => lines.push(format!("add `{}` : {}", column.name, column.ty)),
            Some(before) if before.name != column.name => {
                lines.push(format!("rename `{}` to `{}`", before.name, column.name));
            }
            Some(before) if before != column => {
                lines.push(format!("change `{}` : {}", column.name, column.ty));
            }
            Some(_) => {}
        }
    }
    for column in &old.columns {
        if !sources.iter().flatten().any(|name| *name == column.name) {
            lines.push(format!("drop `{}` with its values", column.name));
        }
    }
    if lines.is_empty() && old.columns != new.columns {
        lines.push("reorder the attributes".to_owned());
    }
    if old.comment != new.comment {
        lines.push(format!("comment {:?}", new.comment));
    }
    lines
}
