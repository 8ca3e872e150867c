//! Delete with cascade: rows, and the rows of other tables that refer to them.

use std::sync::Arc;

use lapjoint_db::{TableId, TransactionMode};
use lapjoint_types::naming::Tier;

use crate::bound::BoundTable;
use crate::cascade::{Convergence, Rows, RowsOf, add_masters, quoted, spread_down};
use crate::connection::Connection;
use crate::error::Error;
use crate::graph::Dependencies;
use crate::query::Query;
use crate::query::node::Expression;
use crate::row::Row;

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
    /// The table asked for comes first, also where masters had to join it.
    fn new(mut tables: Vec<(TableId, u64)>, asked: &TableId) -> Self {
        if let Some(at) = tables.iter().position(|(id, _)| id == asked) {
            tables[..=at].rotate_right(1);
        }
        Self { tables }
    }

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
        let connection = self.connection();
        let mut tables = Vec::new();
        for step in self.delete_plan(options)?.iter().rev() {
            tables.push((step.table.def.id.clone(), step.query(connection).count()?));
        }
        Ok(DeleteReport::new(tables, &self.base().def.id))
    }

    /// Deletes the rows of a restricted table, with the rows of other tables that refer to them, in one transaction.
    ///
    /// Objects in stores stay until they are collected, so that a delete never loses bytes by itself.
    ///
    /// # Errors
    /// [`Error::Usage`] on anything but a restricted table, or when parts would go without their masters; nothing is then
    /// deleted.
    pub fn delete(&self, options: &DeleteOptions) -> Result<DeleteReport, Error> {
        if options.part_integrity == PartIntegrity::Enforce && self.base().tier == Tier::Part {
            return Err(Error::usage(format!(
                "Cannot delete from a Part directly. Delete from the master of {} first, or use \
                 part_integrity='ignore' or 'cascade'.",
                self.base().def.id
            )));
        }
        self.in_write(|| self.delete_in(options))
    }

    /// Deletes the rows of a restricted table and nothing else; returns their number. The database refuses if other rows
    /// refer to them.
    ///
    /// # Errors
    /// [`Error::Usage`] on anything but a restricted table; [`Error::Database`] when rows are referred to.
    pub fn delete_quick(&self) -> Result<u64, Error> {
        self.in_write(|| {
            let step = Step { table: Arc::clone(self.base()), rows: self.rows()? };
            delete_step(&step, self.connection())
        })
    }

    /// Does `work` in the open transaction, or in one of its own.
    fn in_write<T>(&self, work: impl FnOnce() -> Result<T, Error>) -> Result<T, Error> {
        let connection = self.connection();
        if connection.in_transaction()? {
            work()
        } else {
            connection.transaction_in(TransactionMode::Write, work)
        }
    }

    fn delete_in(&self, options: &DeleteOptions) -> Result<DeleteReport, Error> {
        let connection = self.connection();
        let plan = self.delete_plan(options)?;
        if options.part_integrity == PartIntegrity::Enforce {
            check_parts(&plan, connection)?;
        }
        let mut tables = Vec::new();
        for step in &plan {
            tables.push((step.table.def.id.clone(), delete_step(step, connection)?));
        }
        tables.reverse();
        Ok(DeleteReport::new(tables, &self.base().def.id))
    }

    /// The rows of a restricted table, as a condition on it.
    ///
    /// Where some rows in an order are asked for, their keys are fetched: not every database has a limit in a condition, and the
    /// order may leave open which rows come first.
    pub(crate) fn rows(&self) -> Result<Rows, Error> {
        let select = self.compile()?;
        if select.is_plain_restriction() {
            let sql = select.where_sql();
            let condition = sql.strip_prefix(" WHERE ").unwrap_or("1=1");
            return Ok(Rows::new(condition.to_owned(), self.base()));
        }
        if !self.is_of_base() {
            return Err(Error::usage(
                "Delete works on a table or its restriction; fetch the keys of other expressions and restrict the table \
                 by them.",
            ));
        }
        Rows::of_keys(self.connection(), self.base(), self.keys()?)
    }

    /// The rows by their keys, if other tables have a say in which they are: their rows may be deleted first.
    fn rows_as_they_are(&self) -> Result<Rows, Error> {
        let rows = self.rows()?;
        if rows.looks_elsewhere() {
            return Rows::of_keys(self.connection(), self.base(), self.keys()?);
        }
        Ok(rows)
    }

    /// Whether the rows are some of a table's, with its own attributes.
    fn is_of_base(&self) -> bool {
        let mut node = self.node();
        loop {
            node = match node.expression() {
                Expression::Table(_) => return true,
                Expression::Restrict { input, .. } | Expression::Top { input, .. } => input,
                _ => return false,
            };
        }
    }

    /// Values of attributes that the restriction says outright.
    pub(crate) fn known(&self) -> Row {
        let mut known = Row::new();
        let mut node = self.node();
        while let Expression::Restrict { input, condition, .. } = node.expression() {
            condition.known(&mut known);
            node = input;
        }
        known
    }

    /// The tables to delete from, children first, each with the condition on its rows.
    fn delete_plan(&self, options: &DeleteOptions) -> Result<Vec<Step>, Error> {
        let (graph, mut rows) = self.cascade(options.part_integrity)?;
        let sorted = graph.sorted_of(&rows.keys().cloned().collect())?;
        // Children first; the table asked for comes last unless masters had to join it.
        let steps = sorted
            .iter()
            .rev()
            .filter_map(|id| Some(Step { table: Arc::clone(graph.get(id)?), rows: rows.remove(id)? }));
        Ok(steps.collect())
    }

    /// The rows with all rows that refer to them, and where parts take their masters along, those with all that refers to them.
    pub(crate) fn cascade(&self, part_integrity: PartIntegrity) -> Result<(Dependencies, RowsOf), Error> {
        let connection = self.connection();
        let base = &self.base().def.id;
        let with_masters = part_integrity == PartIntegrity::Cascade;
        let graph = Dependencies::below(connection, base, with_masters)?;
        if !graph.contains(base) {
            return Err(Error::UnknownTable {
                table: base.table.clone(),
                schema: base.schema.clone(),
                nearest: None,
            });
        }
        let mut seeds = RowsOf::from([(base.clone(), self.rows_as_they_are()?)]);
        loop {
            let rows = spread_down(&graph, connection, seeds.clone(), Convergence::Any)?;
            if !with_masters || !add_masters(&graph, connection, &rows, &mut seeds)? {
                return Ok((graph, rows));
            }
        }
    }
}

/// One table of a delete and which of its rows.
struct Step {
    table: Arc<BoundTable>,
    rows: Rows,
}

impl Step {
    fn query(&self, connection: &Connection) -> Query {
        self.rows.query(connection, &self.table)
    }
}

/// Deletes the rows of one table.
fn delete_step(step: &Step, connection: &Connection) -> Result<u64, Error> {
    let id = &step.table.def.id;
    let mut guard = connection.lock()?;
    let sql = format!("DELETE FROM {} WHERE ({})", guard.adapter().quote_table(id), step.rows.sql);
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
    drop(guard);
    match step.query(connection).count()? {
        0 => Ok(total),
        left => Err(Error::usage(format!(
            "{left} rows of {id} refer to one another in a circle; set their references to null first"
        ))),
    }
}

/// Refuses a plan that takes rows of a part and none of its master.
fn check_parts(plan: &[Step], connection: &Connection) -> Result<(), Error> {
    for step in plan.iter().filter(|step| step.table.tier == Tier::Part) {
        let Some(master) = step.table.master() else { continue };
        let id = TableId::new(&step.table.def.id.schema, master);
        let goes = match plan.iter().find(|other| other.table.def.id == id) {
            Some(master) => master.query(connection).exists()?,
            None => false,
        };
        if !goes && step.query(connection).exists()? {
            return Err(Error::usage(format!(
                "Attempt to delete part table {} before its master {id}. Delete from the master first, or use \
                 part_integrity='ignore' or 'cascade'.",
                step.table.def.id
            )));
        }
    }
    Ok(())
}
