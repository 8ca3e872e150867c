//! Configuration, connections, schemas and tables.

use std::sync::Arc;

use lapjoint::{Connection, InsertOptions, Partition, References, Schema, Table, TableId, Tier};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyTuple};

use crate::codec::takers;
use crate::config::PyConfig;
use crate::error::{from_any, from_engine};
use crate::query::PyQuery;
use crate::rows::{Rows, to_row};
use crate::value::{to_python, to_value};
use crate::watch::Signals;

/// Rows converted between two looks at Python's signals.
pub(crate) const CHECKED_ROWS: usize = 4096;

/// A connection to a database.
#[pyclass(frozen, name = "Connection", module = "lapjoint._core")]
pub(crate) struct PyConnection(pub Connection);

#[pymethods]
impl PyConnection {
    /// Opens the database that the configuration names, or that `database` does in its place.
    #[new]
    #[pyo3(signature = (config, database=None))]
    fn new(py: Python<'_>, config: &PyConfig, database: Option<&PyConfig>) -> PyResult<Self> {
        let mut options = Connection::options().stores(config.0.clone());
        if let Some(database) = database {
            options = options.database(database.0.config());
        }
        py.detach(|| options.open()).map(Self).map_err(from_engine)
    }

    fn schema(&self, py: Python<'_>, name: &str, create: bool) -> PyResult<PySchema> {
        let opened = py.detach(|| if create { self.0.schema(name) } else { self.0.existing_schema(name) });
        opened.map(PySchema).map_err(from_engine)
    }

    /// The query of a part, as `Query.partitions` gave it.
    fn partition(
        &self,
        py: Python<'_>,
        schema: String,
        table: String,
        attributes: Vec<String>,
        conditions: Vec<String>,
    ) -> PyResult<PyQuery> {
        let part = Partition { table: TableId::new(schema, table), attributes, conditions };
        py.detach(|| part.query(&self.0)).map(PyQuery).map_err(from_engine)
    }

    fn list_schemas(&self, py: Python<'_>) -> PyResult<Vec<String>> {
        py.detach(|| self.0.list_schemas()).map_err(from_engine)
    }

    /// Runs a statement of the database's SQL; names of columns, rows as tuples, number of rows given or changed.
    fn query<'py>(
        &self,
        py: Python<'py>,
        sql: &str,
        parameters: Vec<Bound<'py, PyAny>>,
    ) -> PyResult<(Vec<String>, Vec<Bound<'py, PyTuple>>, u64)> {
        let parameters: Vec<_> = parameters.iter().map(to_value).collect::<PyResult<_>>()?;
        let found = py.detach(|| self.0.run_sql(sql, &parameters)).map_err(from_engine)?;
        let rows = found.rows.into_iter().map(|row| {
            let values: Vec<_> =
                row.into_iter().map(|value| to_python(py, value)).collect::<PyResult<_>>()?;
            PyTuple::new(py, values)
        });
        Ok((found.names, rows.collect::<PyResult<_>>()?, found.count))
    }

    /// Name of the database's product: `SQLite`, `PostgreSQL`, `MySQL` or `MariaDB`.
    #[getter]
    fn product(&self, py: Python<'_>) -> PyResult<&'static str> {
        py.detach(|| self.0.product()).map_err(from_engine)
    }

    /// An identifier in the quotes of the database's SQL.
    fn quote(&self, py: Python<'_>, identifier: &str) -> PyResult<String> {
        py.detach(|| self.0.quote(identifier)).map_err(from_engine)
    }

    /// Who is connected to what, `user@host:port`; never a password.
    #[getter]
    fn address(&self) -> String {
        self.0.address()
    }

    /// Calls a function, on a session of the database that is the calling thread's own.
    fn in_own_session<'py>(
        &self,
        py: Python<'py>,
        function: Bound<'py, PyAny>,
        arguments: Bound<'py, PyTuple>,
    ) -> PyResult<Py<PyAny>> {
        let (function, arguments) = (function.unbind(), arguments.unbind());
        py.detach(|| {
            self.0.with_own_session(|| {
                let called = Python::attach(|py| function.call1(py, arguments.bind(py).clone()));
                called.map_err(|raised| lapjoint::Error::Source(Box::new(raised)))
            })
        })
        .map_err(from_engine)
    }

    fn close(&self, py: Python<'_>) {
        py.detach(|| self.0.close());
    }

    fn start_transaction(&self, py: Python<'_>) -> PyResult<()> {
        py.detach(|| self.0.start_transaction()).map_err(from_engine)
    }

    fn commit_transaction(&self, py: Python<'_>) -> PyResult<()> {
        py.detach(|| self.0.commit_transaction()).map_err(from_engine)
    }

    fn cancel_transaction(&self, py: Python<'_>) -> PyResult<()> {
        py.detach(|| self.0.cancel_transaction()).map_err(from_engine)
    }

    fn in_transaction(&self, py: Python<'_>) -> PyResult<bool> {
        py.detach(|| self.0.in_transaction()).map_err(from_engine)
    }
}

/// A schema.
#[pyclass(frozen, name = "Schema", module = "lapjoint._core")]
pub(crate) struct PySchema(pub Schema);

#[pymethods]
impl PySchema {
    #[getter]
    fn name(&self) -> &str {
        self.0.name()
    }

    /// Declares a table of a tier (`Manual`, `Lookup`, `Imported`, `Computed`, or `Part` with its master), or opens it.
    /// `references` are the tables that the definition names: the name as written, schema and table name.
    #[pyo3(signature = (tier, class_name, definition, references, master=None))]
    fn declare(
        &self,
        py: Python<'_>,
        tier: &str,
        class_name: &str,
        definition: &str,
        references: Vec<(String, String, String)>,
        master: Option<&PyTable>,
    ) -> PyResult<PyTable> {
        let tier = tier_of(tier)?;
        let references = references_of(references);
        let master = master.map(|master| &master.0);
        py.detach(|| self.0.declare_with(tier, master, class_name, definition, &references))
            .map(PyTable)
            .map_err(from_engine)
    }

    fn table(&self, py: Python<'_>, name: &str) -> PyResult<PyTable> {
        py.detach(|| self.0.table(name)).map(PyTable).map_err(from_engine)
    }

    fn list_tables(&self, py: Python<'_>) -> PyResult<Vec<String>> {
        py.detach(|| self.0.list_tables()).map_err(from_engine)
    }

    /// Names of all tables, parents before children.
    fn sorted_tables(&self, py: Python<'_>) -> PyResult<Vec<String>> {
        let tables = py.detach(|| self.0.tables()).map_err(from_engine)?;
        Ok(tables.iter().map(|table| table.id().table.clone()).collect())
    }

    /// Names of the tables that have jobs.
    fn tables_with_jobs(&self, py: Python<'_>) -> PyResult<Vec<String>> {
        py.detach(|| self.0.tables_with_jobs()).map_err(from_engine)
    }

    /// Where attributes come from: `schema.table.attribute` and its origin; `None` where the schema has no record of it.
    fn lineage(&self, py: Python<'_>) -> PyResult<Option<Vec<(String, String)>>> {
        py.detach(|| if self.0.has_lineage()? { self.0.lineage().map(Some) } else { Ok(None) })
            .map_err(from_engine)
    }

    fn rebuild_lineage(&self, py: Python<'_>) -> PyResult<()> {
        py.detach(|| self.0.rebuild_lineage()).map_err(from_engine)
    }

    fn drop_schema(&self, py: Python<'_>) -> PyResult<()> {
        py.detach(|| self.0.clone().drop_schema()).map_err(from_engine)
    }
}

fn references_of(references: Vec<(String, String, String)>) -> References {
    references.into_iter().map(|(name, schema, table)| (name, TableId::new(schema, table))).collect()
}

/// `duplicates` says what happens to rows whose key is there: `refuse`, `skip` or `replace`.
fn insert_options(
    duplicates: &str,
    ignore_extra_fields: bool,
    allow_direct_insert: bool,
) -> PyResult<InsertOptions> {
    let mut options = match duplicates {
        "refuse" => InsertOptions::new(),
        "skip" => InsertOptions::new().skip_duplicates(),
        "replace" => InsertOptions::new().replace(),
        other => return Err(from_any(format!("{other:?} is nothing that an insert does with duplicates"))),
    };
    if ignore_extra_fields {
        options = options.ignore_extra_fields();
    }
    if allow_direct_insert {
        options = options.allow_direct_insert();
    }
    Ok(options)
}

/// The tier that a table's name says; `None` for names of no tier.
#[pyfunction]
pub(crate) fn tier_of_table(table: &str) -> Option<String> {
    lapjoint::types::naming::tier_of(table).map(|tier| format!("{tier:?}"))
}

fn tier_of(name: &str) -> PyResult<Tier> {
    match name {
        "Manual" => Ok(Tier::Manual),
        "Lookup" => Ok(Tier::Lookup),
        "Imported" => Ok(Tier::Imported),
        "Computed" => Ok(Tier::Computed),
        "Part" => Ok(Tier::Part),
        other => Err(from_any(format!("{other} is no tier of a table"))),
    }
}

/// What a definition's reader should be warned of: types that only some databases have.
#[pyfunction]
pub(crate) fn definition_warnings(definition: &str) -> PyResult<Vec<String>> {
    let parsed = lapjoint::types::definition::Definition::parse(definition).map_err(from_any)?;
    Ok(parsed.warnings().iter().map(ToString::to_string).collect())
}

/// Names of the tables that a definition refers to, as they are written there.
#[pyfunction]
pub(crate) fn referenced_names(definition: &str) -> PyResult<Vec<String>> {
    use lapjoint::types::definition::{Definition, Reference};

    let parsed = Definition::parse(definition).map_err(from_any)?;
    let names = parsed.foreign_keys().filter_map(|key| match &key.reference {
        Reference::Name(names) => Some(names.join(".")),
        Reference::Table { .. } => None,
    });
    Ok(names.collect())
}

/// A table.
#[pyclass(frozen, name = "Table", module = "lapjoint._core")]
pub(crate) struct PyTable(pub Table);

#[pymethods]
impl PyTable {
    #[getter]
    fn table_name(&self) -> &str {
        &self.0.id().table
    }

    #[getter]
    fn class_name(&self) -> String {
        self.0.class_name()
    }

    #[getter]
    fn schema_name(&self) -> &str {
        &self.0.id().schema
    }

    #[getter]
    fn tier(&self) -> String {
        format!("{:?}", self.0.tier())
    }

    fn query(&self) -> PyQuery {
        PyQuery(self.0.query())
    }

    fn describe(&self, py: Python<'_>) -> PyResult<String> {
        py.detach(|| self.0.describe()).map_err(from_engine)
    }

    /// Inserts rows given as dicts; returns their number.
    #[pyo3(signature = (rows, *, duplicates, ignore_extra_fields, allow_direct_insert, progress=None))]
    fn insert(
        &self,
        py: Python<'_>,
        rows: &Bound<'_, PyAny>,
        duplicates: &str,
        ignore_extra_fields: bool,
        allow_direct_insert: bool,
        progress: Option<Py<PyAny>>,
    ) -> PyResult<u64> {
        let mut options = insert_options(duplicates, ignore_extra_fields, allow_direct_insert)?;
        if let Ok(total) = rows.len() {
            options = options.rows_total(total as u64);
        }
        let rows = Rows::new(rows, takers(py, self.0.heading())?)?;
        let (signals, watch) = Signals::watch(progress);
        let options = options.watch(watch);
        py.detach(|| self.0.try_insert_with(rows, &options)).map_err(|error| signals.raise(error))
    }

    /// Changes the table to a definition; with `dry_run` only says what would change. The table is to be opened again.
    fn alter(
        &self,
        py: Python<'_>,
        definition: &str,
        references: Vec<(String, String, String)>,
        dry_run: bool,
    ) -> PyResult<Vec<String>> {
        let references = references_of(references);
        py.detach(|| self.0.alter(definition, &references, dry_run))
            .map(|done| done.changes)
            .map_err(from_engine)
    }

    /// Inserts the rows of a query with their stored values; returns their number.
    #[pyo3(signature = (query, *, duplicates, ignore_extra_fields, allow_direct_insert))]
    fn insert_query(
        &self,
        py: Python<'_>,
        query: &PyQuery,
        duplicates: &str,
        ignore_extra_fields: bool,
        allow_direct_insert: bool,
    ) -> PyResult<u64> {
        let options = insert_options(duplicates, ignore_extra_fields, allow_direct_insert)?;
        py.detach(|| self.0.insert_query(&query.0, &options)).map_err(from_engine)
    }

    fn update1(&self, py: Python<'_>, row: &Bound<'_, PyDict>) -> PyResult<()> {
        let row = to_row(row, 0, &mut Arc::default(), &takers(py, self.0.heading())?)?;
        py.detach(|| self.0.update1(row)).map_err(from_engine)
    }

    /// Tables that a drop would take, with their numbers of rows, children first.
    fn drop_preview(&self, py: Python<'_>) -> PyResult<Vec<(String, u64)>> {
        let preview = py.detach(|| self.0.drop_preview()).map_err(from_engine)?;
        Ok(preview.into_iter().map(|(id, rows)| (id.to_string(), rows)).collect())
    }

    /// Drops the table and all that refers to it; with `alone` nothing else.
    fn drop_table(&self, py: Python<'_>, alone: bool) -> PyResult<Vec<String>> {
        if alone {
            py.detach(|| self.0.clone().drop_quick()).map_err(from_engine)?;
            return Ok(vec![self.0.id().to_string()]);
        }
        let dropped = py.detach(|| self.0.clone().drop_table()).map_err(from_engine)?;
        Ok(dropped.into_iter().map(|id| id.to_string()).collect())
    }
}
