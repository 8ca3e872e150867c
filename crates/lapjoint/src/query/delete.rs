//! Delete with cascade: rows, and the rows of other tables that refer to them.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::ControlFlow;
use std::sync::Arc;

use lapjoint_db::{Adapter, ColumnType, ForeignKeyDef, TableId, TransactionMode};
use lapjoint_types::Value;
use lapjoint_types::naming::Tier;

use crate::bound::BoundTable;
use crate::connection::Guard;
use crate::error::Error;
use crate::graph::Graph;
use crate::query::Query;
use crate::query::equal_sql;

/// What a delete does with parts whose masters would stay.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum PartIntegrity {
    /// Refuses to delete parts without their masters.
    #[default]
    Enforce,
    /// Deletes parts and leaves their masters.
    Ignore,
    /// Deletes the masters too, and all that refers to them.
    Cascade,
}

/// Options of a delete.
///
/// ```
/// # use lapjoint::{DeleteOptions, PartIntegrity};
/// # use lapjoint::{Connection, row};
/// # let connection = Connection::in_memory()?;
/// # let lab = connection.schema("lab")?;
/// # let session = lab.manual("Session", "session : int32")?;
/// let trial = lab.part(&session, "Trial", "-> master\ntrial : int32")?;
/// session.insert1(row! { "session" => 1 })?;
/// trial.insert1(row! { "session" => 1, "trial" => 1 })?;
/// assert!(trial.delete(&DeleteOptions::new()).is_err());
/// let preview = session.query().delete_preview(&DeleteOptions::new())?;
/// assert_eq!(preview.tables.len(), 2);
/// trial.delete(&DeleteOptions::new().part_integrity(PartIntegrity::Cascade))?;
/// assert_eq!(session.query().count()?, 0);
/// # Ok::<(), lapjoint::Error>(())
/// ```
#[derive(Debug, Clone, Copy, Default)]
pub struct DeleteOptions {
    part_integrity: PartIntegrity,
}

impl DeleteOptions {
    /// Deletes with all that refers to the rows; parts only with their masters.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// What to do with parts whose masters would stay.
    #[must_use]
    pub const fn part_integrity(mut self, part_integrity: PartIntegrity) -> Self {
        self.part_integrity = part_integrity;
        self
    }
}

/// Rows deleted, or to be deleted, by table: the table asked for first, then those that refer to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeleteReport {
    /// Tables and their numbers of rows.
    pub tables: Vec<(TableId, u64)>,
}

impl DeleteReport {
    /// Rows of the table asked for.
    #[must_use]
    pub fn rows(&self) -> u64 {
        self.tables.first().map_or(0, |(_, rows)| *rows)
    }
}

impl Query {
    /// What [`delete`](Self::delete) would delete. Nothing is deleted.
    ///
    /// # Errors
    /// As for [`delete`](Self::delete).
    pub fn delete_preview(&self, options: &DeleteOptions) -> Result<DeleteReport, Error> {
        let graph = self.delete_graph(options)?;
        let mut guard = self.connection().lock()?;
        let plan = self.delete_plan(&graph, &mut guard, options)?;
        let mut tables = Vec::new();
        for step in plan.iter().rev() {
            tables.push((step.table.def.id.clone(), count(&mut guard, step)?));
        }
        Ok(DeleteReport { tables })
    }

    /// Deletes the rows of a restricted table, with the rows of other tables that refer to them, in one transaction.
    ///
    /// Objects in stores stay until they are collected, so that a delete never loses bytes by itself.
    ///
    /// # Errors
    /// [`Error::Usage`] on anything but a restricted table, or when parts would go without their masters; nothing is then
    /// deleted.
    pub fn delete(&self, options: &DeleteOptions) -> Result<DeleteReport, Error> {
        let graph = self.delete_graph(options)?;
        let mut guard = self.connection().lock()?;
        let own_transaction = !guard.in_transaction();
        if own_transaction {
            guard.adapter_mut().begin(TransactionMode::Write)?;
        }
        let deleted = self.delete_in(&graph, &mut guard, options);
        if own_transaction {
            match &deleted {
                Ok(_) => guard.adapter_mut().commit()?,
                Err(_) => guard.adapter_mut().rollback()?,
            }
        }
        deleted
    }

    /// Deletes the rows of a restricted table and nothing else; returns their number. The database refuses if other rows
    /// refer to them.
    ///
    /// # Errors
    /// [`Error::Usage`] on anything but a restricted table; [`Error::Database`] when rows are referred to.
    pub fn delete_quick(&self) -> Result<u64, Error> {
        let mut guard = self.connection().lock()?;
        let condition = self.delete_condition(&guard)?;
        let own_transaction = !guard.in_transaction();
        if own_transaction {
            guard.adapter_mut().begin(TransactionMode::Write)?;
        }
        let deleted = delete_step(&Step { table: Arc::clone(self.base()), condition }, &mut guard);
        if own_transaction {
            match &deleted {
                Ok(_) => guard.adapter_mut().commit()?,
                Err(_) => guard.adapter_mut().rollback()?,
            }
        }
        deleted
    }

    fn delete_graph(&self, options: &DeleteOptions) -> Result<Graph, Error> {
        let masters = options.part_integrity == PartIntegrity::Cascade;
        Graph::below(self.connection(), &self.base().def.id, masters)
    }

    fn delete_in(
        &self,
        graph: &Graph,
        guard: &mut Guard<'_>,
        options: &DeleteOptions,
    ) -> Result<DeleteReport, Error> {
        let plan = self.delete_plan(graph, guard, options)?;
        if options.part_integrity == PartIntegrity::Enforce {
            check_parts(&plan, guard)?;
        }
        let mut tables = Vec::new();
        for step in &plan {
            tables.push((step.table.def.id.clone(), delete_step(step, guard)?));
        }
        tables.reverse();
        Ok(DeleteReport { tables })
    }

    /// The condition on the rows to be deleted.
    fn delete_condition(&self, guard: &Guard<'_>) -> Result<String, Error> {
        let select = super::select::Select::compile(self.expression(), guard.adapter())?;
        if !select.is_plain_restriction() {
            return Err(Error::usage(
                "Delete works on a table or its restriction; fetch the keys of other expressions and restrict the table \
                 by them.",
            ));
        }
        let condition = select.where_sql();
        Ok(condition.strip_prefix(" WHERE ").unwrap_or("1=1").to_owned())
    }

    /// The tables to delete from, children first, each with the condition on its rows.
    fn delete_plan(
        &self,
        graph: &Graph,
        guard: &mut Guard<'_>,
        options: &DeleteOptions,
    ) -> Result<Vec<Step>, Error> {
        let base = self.base();
        let condition = self.delete_condition(guard)?;
        let mut seeds = BTreeMap::from([(base.def.id.clone(), condition)]);
        loop {
            let conditions = spread(graph, guard.adapter(), &seeds, &base.def.id)?;
            if options.part_integrity != PartIntegrity::Cascade
                || !add_masters(graph, guard, &conditions, &mut seeds)?
            {
                let ids: BTreeSet<TableId> = conditions.keys().cloned().collect();
                let mut plan: Vec<Step> = graph
                    .sorted(&ids)
                    .into_iter()
                    .filter_map(|table| {
                        let condition = conditions.get(&table.def.id)?.clone();
                        Some(Step { table, condition })
                    })
                    .collect();
                // Children first; the table asked for comes last unless masters had to join it.
                plan.reverse();
                return Ok(plan);
            }
        }
    }
}

/// One table of a delete and the condition on its rows.
struct Step {
    table: Arc<BoundTable>,
    condition: String,
}

/// Deletes the rows of one table.
fn delete_step(step: &Step, guard: &mut Guard<'_>) -> Result<u64, Error> {
    let id = &step.table.def.id;
    let sql = format!("DELETE FROM {} WHERE ({})", guard.adapter().quote_table(id), step.condition);
    let to_itself = step.table.self_references();
    if to_itself.is_empty() {
        return guard.adapter_mut().execute(&sql, &[]).map_err(Error::db(id));
    }
    // Databases check RESTRICT row by row, so that rows referred to by rows of the same delete have to wait for them.
    let adapter = guard.adapter();
    let mut leaves = sql;
    for key in to_itself {
        let columns = quoted(adapter, &key.columns);
        let parents = quoted(adapter, &key.parent_columns);
        let wrap = |text: &str| if key.columns.len() == 1 { text.to_owned() } else { format!("({text})") };
        leaves.push_str(&format!(
            " AND ({} IN (SELECT {columns} FROM {} WHERE {} <> {})) IS NOT TRUE",
            wrap(&parents),
            adapter.quote_table(id),
            wrap(&columns),
            wrap(&parents),
        ));
    }
    let mut total = 0;
    loop {
        let deleted = guard.adapter_mut().execute(&leaves, &[]).map_err(Error::db(id))?;
        total += deleted;
        if deleted == 0 {
            break;
        }
    }
    match count(guard, step)? {
        0 => Ok(total),
        left => Err(Error::usage(format!(
            "{left} rows of {id} refer to one another in a circle; set their references to null first"
        ))),
    }
}

/// Conditions of all tables that `seeds` reach through references.
fn spread(
    graph: &Graph,
    adapter: &dyn Adapter,
    seeds: &BTreeMap<TableId, String>,
    asked: &TableId,
) -> Result<BTreeMap<TableId, String>, Error> {
    let mut reached: BTreeSet<TableId> = BTreeSet::new();
    for seed in seeds.keys() {
        reached.append(&mut graph.descendants(seed));
    }
    let mut conditions: BTreeMap<TableId, Vec<String>> = BTreeMap::new();
    for (id, condition) in seeds {
        conditions.entry(id.clone()).or_default().push(format!("({condition})"));
    }
    for parent in graph.sorted(&reached) {
        let id = &parent.def.id;
        let Some(own) = conditions.get(id).map(|own| own.join(" OR ")) else { continue };
        let mut own = own;
        // Rows of the same table that refer to these rows, to any depth.
        let to_itself = parent.self_references();
        if !to_itself.is_empty() {
            own = closure_sql(adapter, &parent, &to_itself, &own);
            conditions.insert(id.clone(), vec![own.clone()]);
        }
        for (child, key) in graph.children(id).filter(|(child, _)| child.def.id != *id) {
            let inner = format!(
                "SELECT {} FROM {} WHERE {own}",
                quoted(adapter, &key.parent_columns),
                adapter.quote_table(id)
            );
            let condition = match key.columns.as_slice() {
                [column] => format!("({} IN ({inner}))", adapter.quote(column)),
                columns => format!("(({}) IN ({inner}))", quoted(adapter, columns)),
            };
            conditions.entry(child.def.id.clone()).or_default().push(condition);
        }
    }
    if !conditions.contains_key(asked) {
        return Err(Error::UnknownTable {
            table: asked.table.clone(),
            schema: asked.schema.clone(),
            nearest: None,
        });
    }
    Ok(conditions.into_iter().map(|(id, parts)| (id, parts.join(" OR "))).collect())
}

/// Condition on the rows of a self-referencing table that `own` holds for, or that refer to such rows, to any depth.
fn closure_sql(adapter: &dyn Adapter, table: &BoundTable, keys: &[&ForeignKeyDef], own: &str) -> String {
    let name = adapter.quote_table(&table.def.id);
    let primary = &table.def.primary_key;
    let closure = adapter.quote("closure");
    let child = adapter.quote("child");
    let qualified: Vec<String> = primary.iter().map(|c| format!("{child}.{}", adapter.quote(c))).collect();
    let joined: Vec<String> = keys
        .iter()
        .map(|key| {
            let pairs: Vec<String> = key
                .columns
                .iter()
                .zip(&key.parent_columns)
                .map(|(column, parent)| {
                    format!("{child}.{} = {closure}.{}", adapter.quote(column), adapter.quote(parent))
                })
                .collect();
            format!("({})", pairs.join(" AND "))
        })
        .collect();
    let columns = quoted(adapter, primary);
    let tuple = if primary.len() == 1 { columns.clone() } else { format!("({columns})") };
    format!(
        "({tuple} IN (WITH RECURSIVE {closure}({columns}) AS (SELECT {columns} FROM {name} WHERE {own} UNION SELECT {} \
         FROM {name} AS {child} JOIN {closure} ON {}) SELECT {columns} FROM {closure}))",
        qualified.join(", "),
        joined.join(" OR ")
    )
}

fn quoted(adapter: &dyn Adapter, names: &[String]) -> String {
    names.iter().map(|name| adapter.quote(name)).collect::<Vec<_>>().join(", ")
}

fn count(guard: &mut Guard<'_>, step: &Step) -> Result<u64, Error> {
    let sql = format!(
        "SELECT count(*) FROM {} WHERE {}",
        guard.adapter().quote_table(&step.table.def.id),
        step.condition
    );
    let columns = [("count".to_owned(), ColumnType::Native("bigint".into()))];
    let mut rows = 0;
    guard
        .adapter_mut()
        .query(&sql, &[], &columns, &mut |row| {
            if let Some(Value::Int(number)) = row.first() {
                rows = u64::try_from(*number).unwrap_or(0);
            }
            ControlFlow::Break(())
        })
        .map_err(Error::db(&step.table.def.id))?;
    Ok(rows)
}

/// Refuses a plan that takes rows of a part and none of its master.
fn check_parts(plan: &[Step], guard: &mut Guard<'_>) -> Result<(), Error> {
    for step in plan.iter().filter(|step| step.table.tier == Tier::Part) {
        let Some(master) = step.table.master() else { continue };
        let id = TableId::new(&step.table.def.id.schema, master);
        let master_rows = match plan.iter().find(|other| other.table.def.id == id) {
            Some(master) => count(guard, master)?,
            None => 0,
        };
        if master_rows == 0 && count(guard, step)? > 0 {
            return Err(Error::usage(format!(
                "Attempt to delete part table {} before its master {id}. Delete from the master first, or use \
                 part_integrity='ignore' or 'cascade'.",
                step.table.def.id
            )));
        }
    }
    Ok(())
}

/// Adds to `seeds` the masters of all parts at hand that are not wholly there yet; tells whether any was added.
fn add_masters(
    graph: &Graph,
    guard: &mut Guard<'_>,
    conditions: &BTreeMap<TableId, String>,
    seeds: &mut BTreeMap<TableId, String>,
) -> Result<bool, Error> {
    let mut added = false;
    for (id, condition) in conditions {
        let Some(part) = graph.get(id).filter(|table| table.tier == Tier::Part) else { continue };
        let Some(master) = part.master().and_then(|name| graph.get(&TableId::new(&id.schema, name))) else {
            continue;
        };
        let Some(key) = part.def.foreign_keys.iter().find(|key| key.parent == master.def.id) else {
            continue;
        };
        let uncovered = conditions
            .get(&master.def.id)
            .map_or_else(|| "1=1".to_owned(), |covered| format!("(({covered}) IS NOT TRUE)"));
        let adapter = guard.adapter();
        let inner = format!(
            "SELECT {} FROM {} WHERE {condition}",
            quoted(adapter, &key.columns),
            adapter.quote_table(id)
        );
        let columns = quoted(adapter, &key.parent_columns);
        let tuple = if key.columns.len() == 1 { columns.clone() } else { format!("({columns})") };
        let sql = format!(
            "SELECT {columns} FROM {} WHERE {tuple} IN ({inner}) AND {uncovered}",
            adapter.quote_table(&master.def.id)
        );
        let attributes: Vec<_> =
            key.parent_columns.iter().filter_map(|name| master.heading.get(name)).cloned().collect();
        let result: Vec<_> = attributes.iter().map(|a| (a.name.clone(), a.column.clone())).collect();
        let mut keys = Vec::new();
        guard
            .adapter_mut()
            .query(&sql, &[], &result, &mut |row| {
                keys.push(row);
                ControlFlow::Continue(())
            })
            .map_err(Error::db(&master.def.id))?;
        // The keys as literals: the part's rows, which name them, are deleted before the master's.
        for values in keys {
            let mut terms = Vec::new();
            for (attribute, value) in attributes.iter().zip(&values) {
                terms.push(equal_sql(attribute, value, guard.adapter())?);
            }
            let condition = format!("({})", terms.join(" AND "));
            seeds
                .entry(master.def.id.clone())
                .and_modify(|present| *present = format!("{present} OR {condition}"))
                .or_insert(condition);
            added = true;
        }
    }
    Ok(added)
}
