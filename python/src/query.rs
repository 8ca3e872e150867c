//! Queries and their conditions.

use lapjoint::{Condition, DeleteOptions, PartIntegrity, ProjectItem, Query, Row};
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyDict, PyList, PyString};

use crate::error::{from_any, from_engine};
use crate::value::{to_python, to_value};

/// A query.
#[pyclass(frozen, name = "Query", module = "lapjoint._core")]
pub(crate) struct PyQuery(pub Query);

/// One attribute of a heading, for Python.
type AttributeParts = (String, String, bool, bool, Option<String>, String, bool);

#[pymethods]
impl PyQuery {
    fn restrict(&self, condition: &Bound<'_, PyAny>) -> PyResult<Self> {
        Ok(Self(self.0.restrict(to_condition(condition)?)))
    }

    fn exclude(&self, condition: &Bound<'_, PyAny>) -> PyResult<Self> {
        Ok(Self(self.0.exclude(to_condition(condition)?)))
    }

    /// Projects: texts keep (`name`), remove (`-name`) or keep all (`...`); pairs rename or compute.
    fn proj(&self, keep: Vec<String>, named: Vec<(String, String)>) -> Self {
        let kept = keep.iter().map(|text| ProjectItem::from(text.as_str()));
        let named = named.iter().map(|(new, source)| ProjectItem::from((new.as_str(), source.as_str())));
        Self(self.0.proj(kept.chain(named).collect::<Vec<_>>()))
    }

    fn top(&self, limit: Option<u64>, offset: u64, order_by: Vec<String>) -> Self {
        Self(self.0.top(limit, offset, order_by))
    }

    /// All rows as dicts.
    fn fetch<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyList>> {
        let rows = py.detach(|| self.0.fetch()).map_err(from_engine)?;
        let mut keys: Vec<Bound<'py, PyString>> = Vec::new();
        let list = PyList::empty(py);
        for row in rows {
            if keys.is_empty() {
                keys = row.names().iter().map(|name| PyString::intern(py, name)).collect();
            }
            let dict = PyDict::new(py);
            for (key, value) in keys.iter().zip(row.into_values()) {
                dict.set_item(key, to_python(py, value)?)?;
            }
            list.append(dict)?;
        }
        Ok(list)
    }

    fn count(&self, py: Python<'_>) -> PyResult<u64> {
        py.detach(|| self.0.count()).map_err(from_engine)
    }

    fn exists(&self, py: Python<'_>) -> PyResult<bool> {
        py.detach(|| self.0.exists()).map_err(from_engine)
    }

    /// For each visible attribute: name, declared type, in key, nullable, default, comment, has a codec.
    fn heading(&self, py: Python<'_>) -> PyResult<Vec<AttributeParts>> {
        use lapjoint::DefaultValue;

        let heading = py.detach(|| self.0.heading()).map_err(from_engine)?;
        Ok(heading
            .attributes()
            .map(|a| {
                let default = a.default.as_ref().map(|default| match default {
                    DefaultValue::Null => "null".to_owned(),
                    DefaultValue::CurrentTimestamp => "CURRENT_TIMESTAMP".to_owned(),
                    DefaultValue::Literal(text) => text.clone(),
                });
                (
                    a.name.clone(),
                    a.declared.clone(),
                    a.in_key,
                    a.nullable,
                    default,
                    a.comment.clone(),
                    a.has_codec(),
                )
            })
            .collect())
    }

    fn make_sql(&self, py: Python<'_>) -> PyResult<String> {
        py.detach(|| self.0.make_sql()).map_err(from_engine)
    }

    /// Tables and numbers of rows that a delete would take, the table itself first.
    fn delete_preview(&self, py: Python<'_>, part_integrity: &str) -> PyResult<Vec<(String, u64)>> {
        let options = delete_options(part_integrity)?;
        let report = py.detach(|| self.0.delete_preview(&options)).map_err(from_engine)?;
        Ok(report.tables.into_iter().map(|(id, rows)| (id.to_string(), rows)).collect())
    }

    /// Deletes; tables and numbers of rows, the table itself first.
    fn delete(&self, py: Python<'_>, part_integrity: &str) -> PyResult<Vec<(String, u64)>> {
        let options = delete_options(part_integrity)?;
        let report = py.detach(|| self.0.delete(&options)).map_err(from_engine)?;
        Ok(report.tables.into_iter().map(|(id, rows)| (id.to_string(), rows)).collect())
    }
}

fn delete_options(part_integrity: &str) -> PyResult<DeleteOptions> {
    let part_integrity = match part_integrity {
        "enforce" => PartIntegrity::Enforce,
        "ignore" => PartIntegrity::Ignore,
        "cascade" => PartIntegrity::Cascade,
        other => {
            let message = format!("part_integrity is {other:?}; it must be 'enforce', 'ignore' or 'cascade'");
            return Err(pyo3::exceptions::PyValueError::new_err(message));
        }
    };
    Ok(DeleteOptions::new().part_integrity(part_integrity))
}

/// The condition that a Python object means: SQL, a dict, a truth value, a list (any), an `AndList` (all), a `Not`, or a
/// query.
fn to_condition(object: &Bound<'_, PyAny>) -> PyResult<Condition> {
    if let Ok(flag) = object.cast::<PyBool>() {
        return Ok(Condition::Constant(flag.is_true()));
    }
    if let Ok(text) = object.cast::<PyString>() {
        return Ok(Condition::Sql(text.extract()?));
    }
    if let Ok(dict) = object.cast::<PyDict>() {
        let pairs: PyResult<Vec<_>> =
            dict.iter().map(|(name, value)| Ok((name.extract::<String>()?, to_value(&value)?))).collect();
        return Ok(Condition::Equal(pairs?.into_iter().collect::<Row>()));
    }
    if let Ok(query) = object.cast::<PyQuery>() {
        return Ok(Condition::Matches(Box::new(query.get().0.clone())));
    }
    if object.hasattr("_query")? {
        return to_condition(&object.getattr("_query")?);
    }
    if object.hasattr("restriction_of_not")? {
        return Ok(to_condition(&object.getattr("restriction_of_not")?)?.negate());
    }
    if let Ok(items) = object.try_iter() {
        let conditions = items.map(|item| to_condition(&item?)).collect::<PyResult<Vec<_>>>()?;
        let all = object.get_type().name()?.to_str()? == "AndList";
        return Ok(if all { Condition::All(conditions) } else { Condition::Any(conditions) });
    }
    Err(from_any(format!("Invalid restriction type {}", object.get_type().name()?)))
}
