//! Configuration, connections, schemas and tables.

use std::sync::Arc;

use lapjoint::store::{Config, LoadOptions, Stores};
use lapjoint::{Connection, InsertOptions, Row, Schema, Table, Tier, Value};
use pyo3::prelude::*;
use pyo3::types::PyDict;

use crate::codec::python_attributes;
use crate::error::{from_any, from_engine};
use crate::query::PyQuery;
use crate::store::PyStore;
use crate::value::{carried, to_python, to_value};

/// Settings, shared by everything that uses them.
#[pyclass(frozen, name = "Config", module = "lapjoint._core")]
pub(crate) struct PyConfig(pub Stores);

/// A Python object as JSON.
fn to_json(object: &Bound<'_, PyAny>) -> PyResult<serde_json::Value> {
    let text: String = object.py().import("json")?.call_method1("dumps", (object,))?.extract()?;
    serde_json::from_str(&text).map_err(from_any)
}

#[pymethods]
impl PyConfig {
    /// Reads the configuration of a folder; without one, only the defaults.
    #[new]
    fn new(directory: Option<&str>) -> PyResult<Self> {
        let config = match directory {
            Some(directory) => Config::discover(directory),
            None => Config::load(&LoadOptions::isolated()),
        };
        Ok(Self(Stores::new(config.map_err(from_any)?)))
    }

    fn get(&self, py: Python<'_>, key: &str) -> PyResult<Py<PyAny>> {
        match self.0.read(|config| config.get(key)) {
            Some(json) => to_python(py, Value::from(json)),
            None => Ok(py.None()),
        }
    }

    fn set(&self, key: &str, value: &Bound<'_, PyAny>) -> PyResult<()> {
        let json = to_json(value)?;
        self.0.update(|config| config.set(key, json)).map_err(from_any)
    }

    /// A store by name; `None` and the empty text mean the default store.
    fn store(&self, name: Option<&str>) -> PyResult<PyStore> {
        self.0.get(name).map(PyStore).map_err(from_any)
    }

    /// Triples of key, value as shown (secrets masked) and source.
    fn entries(&self) -> Vec<(String, String, String)> {
        self.0.read(|config| {
            config.entries().map(|e| (e.key.clone(), e.shown.clone(), e.source.to_string())).collect()
        })
    }
}

/// A connection to a database.
#[pyclass(frozen, name = "Connection", module = "lapjoint._core")]
pub(crate) struct PyConnection(pub Connection);

#[pymethods]
impl PyConnection {
    /// Opens the database that the configuration names.
    #[new]
    fn new(py: Python<'_>, config: &PyConfig) -> PyResult<Self> {
        let stores = config.0.clone();
        py.detach(|| Connection::options().stores(stores).open()).map(Self).map_err(from_engine)
    }

    fn schema(&self, py: Python<'_>, name: &str, create: bool) -> PyResult<PySchema> {
        let opened = py.detach(|| if create { self.0.schema(name) } else { self.0.existing_schema(name) });
        opened.map(PySchema).map_err(from_engine)
    }

    fn list_schemas(&self, py: Python<'_>) -> PyResult<Vec<String>> {
        py.detach(|| self.0.list_schemas()).map_err(from_engine)
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
pub(crate) struct PySchema(Schema);

#[pymethods]
impl PySchema {
    #[getter]
    fn name(&self) -> &str {
        self.0.name()
    }

    /// Declares a table of a tier (`Manual`, `Lookup`, `Imported`, `Computed`), or opens it.
    fn declare(&self, py: Python<'_>, tier: &str, class_name: &str, definition: &str) -> PyResult<PyTable> {
        let tier = match tier {
            "Manual" => Tier::Manual,
            "Lookup" => Tier::Lookup,
            "Imported" => Tier::Imported,
            "Computed" => Tier::Computed,
            other => return Err(from_any(format!("{other} is no tier of a table"))),
        };
        py.detach(|| self.0.declare(tier, class_name, definition)).map(PyTable).map_err(from_engine)
    }

    /// Declares a part of a master table, or opens it.
    fn part(
        &self,
        py: Python<'_>,
        master: &PyTable,
        class_name: &str,
        definition: &str,
    ) -> PyResult<PyTable> {
        py.detach(|| self.0.part(&master.0, class_name, definition)).map(PyTable).map_err(from_engine)
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

    fn drop_schema(&self, py: Python<'_>) -> PyResult<()> {
        py.detach(|| self.0.clone().drop_schema()).map_err(from_engine)
    }
}

/// A table.
#[pyclass(frozen, name = "Table", module = "lapjoint._core")]
pub(crate) struct PyTable(Table);

/// The row of a Python dict; the values of `carry` stay the objects that they are. Consecutive rows with the same keys share their names.
fn to_row(dict: &Bound<'_, PyDict>, names: &mut Arc<Vec<String>>, carry: &[String]) -> PyResult<Row> {
    let mut values = Vec::with_capacity(dict.len());
    let mut same = dict.len() == names.len();
    for (index, (key, value)) in dict.iter().enumerate() {
        if same {
            same = names.get(index).is_some_and(|name| key.eq(name.as_str()).unwrap_or(false));
        }
        let carried_along =
            !carry.is_empty() && carry.iter().any(|name| key.eq(name.as_str()).unwrap_or(false));
        values.push(if carried_along { carried(&value) } else { to_value(&value)? });
    }
    if !same {
        *names = Arc::new(dict.keys().iter().map(|key| key.extract()).collect::<PyResult<_>>()?);
    }
    Row::over(names, values).ok_or_else(|| from_any("the row changed while it was read"))
}

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

    fn query(&self) -> PyQuery {
        PyQuery(self.0.query())
    }

    fn describe(&self, py: Python<'_>) -> PyResult<String> {
        py.detach(|| self.0.describe()).map_err(from_engine)
    }

    /// Inserts rows given as dicts; returns their number.
    #[pyo3(signature = (rows, *, replace, skip_duplicates, ignore_extra_fields, allow_direct_insert))]
    fn insert(
        &self,
        py: Python<'_>,
        rows: &Bound<'_, PyAny>,
        replace: bool,
        skip_duplicates: bool,
        ignore_extra_fields: bool,
        allow_direct_insert: bool,
    ) -> PyResult<u64> {
        let mut names = Arc::default();
        let carry = python_attributes(self.0.heading());
        let mut converted = Vec::new();
        for row in rows.try_iter()? {
            converted.push(to_row(row?.cast::<PyDict>()?, &mut names, &carry)?);
        }
        let mut options = InsertOptions::new();
        if skip_duplicates {
            options = options.skip_duplicates();
        }
        if replace {
            options = options.replace();
        }
        if ignore_extra_fields {
            options = options.ignore_extra_fields();
        }
        if allow_direct_insert {
            options = options.allow_direct_insert();
        }
        py.detach(|| self.0.insert_with(converted, &options)).map_err(from_engine)
    }

    fn update1(&self, py: Python<'_>, row: &Bound<'_, PyDict>) -> PyResult<()> {
        let row = to_row(row, &mut Arc::default(), &python_attributes(self.0.heading()))?;
        py.detach(|| self.0.update1(row)).map_err(from_engine)
    }

    /// Tables that a drop would take, with their numbers of rows, children first.
    fn drop_preview(&self, py: Python<'_>) -> PyResult<Vec<(String, u64)>> {
        let preview = py.detach(|| self.0.drop_preview()).map_err(from_engine)?;
        Ok(preview.into_iter().map(|(id, rows)| (id.to_string(), rows)).collect())
    }

    fn drop_table(&self, py: Python<'_>) -> PyResult<Vec<String>> {
        let dropped = py.detach(|| self.0.clone().drop_table()).map_err(from_engine)?;
        Ok(dropped.into_iter().map(|id| id.to_string()).collect())
    }
}
