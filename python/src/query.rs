//! Queries and their conditions.

use lapjoint::types::StoreRef;
use lapjoint::{
    Attribute, Condition, DeleteOptions, JoinOptions, PartIntegrity, Partition, ProjectItem, Query, Row,
    Storage,
};
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyCapsule, PyDict, PyList, PyString};

use crate::arrow::{self, PyArrowBatches};
use crate::columns;
use crate::engine::CHECKED_ROWS;
use crate::error::{from_any, from_engine};
use crate::value::{to_python, to_value};
use crate::watch::Signals;

/// A part of a query: schema and name of the table, attributes, conditions.
type PlainPartition = (String, String, Vec<String>, Vec<String>);

/// A query.
#[pyclass(frozen, name = "Query", module = "lapjoint._core")]
pub(crate) struct PyQuery(pub Query);

#[pymethods]
impl PyQuery {
    /// Rows for which a condition holds. Unless `semantic_check` is set, attributes of other queries are matched by name alone.
    fn restrict(&self, condition: &Bound<'_, PyAny>, semantic_check: bool) -> PyResult<Self> {
        let condition = to_condition(condition)?;
        Ok(Self(if semantic_check {
            self.0.restrict(condition)
        } else {
            self.0.restrict_by_name_alone(condition)
        }))
    }

    /// Raises what is wrong with the query.
    fn check(&self, py: Python<'_>) -> PyResult<()> {
        py.detach(|| self.0.check()).map_err(from_engine)
    }

    fn join(&self, other: &Self, semantic_check: bool, left: bool) -> Self {
        let mut options = JoinOptions::new();
        if !semantic_check {
            options = options.by_name_alone();
        }
        if left {
            options = options.keep_left();
        }
        Self(self.0.join_with(&other.0, options))
    }

    /// Rows with what is computed over the rows of `group` that match each of them.
    fn aggr(&self, group: &Self, keep: Vec<String>, named: Vec<(String, String)>, keep_all: bool) -> Self {
        let items = items(&keep, &named);
        Self(if keep_all { self.0.aggr(&group.0, items) } else { self.0.aggr_matching(&group.0, items) })
    }

    fn union(&self, other: &Self) -> Self {
        Self(self.0.union(&other.0))
    }

    /// Combinations of values that occur.
    fn distinct(&self, names: Vec<String>) -> Self {
        Self(self.0.distinct(names))
    }

    /// What is computed over all rows that share the values of `names`.
    fn group_by(&self, names: Vec<String>, named: Vec<(String, String)>) -> Self {
        Self(self.0.group_by(names, items(&[], &named)))
    }

    /// Whether the origins of attributes are on record.
    fn knows_lineage(&self, py: Python<'_>) -> PyResult<bool> {
        Ok(py.detach(|| self.0.heading()).map_err(from_engine)?.knows_lineage())
    }

    fn exclude(&self, condition: &Bound<'_, PyAny>) -> PyResult<Self> {
        Ok(Self(self.0.exclude(to_condition(condition)?)))
    }

    /// Projects: texts keep (`name`), remove (`-name`) or keep all (`...`); pairs rename or compute.
    fn proj(&self, keep: Vec<String>, named: Vec<(String, String)>) -> Self {
        Self(self.0.proj(items(&keep, &named)))
    }

    fn top(&self, limit: Option<u64>, offset: u64, order_by: Vec<String>) -> Self {
        Self(self.0.top(limit, offset, order_by))
    }

    /// All rows as dicts.
    #[pyo3(signature = (progress=None))]
    fn fetch<'py>(&self, py: Python<'py>, progress: Option<Py<PyAny>>) -> PyResult<Bound<'py, PyList>> {
        let (signals, watch) = Signals::watch(progress);
        let query = self.0.watched(watch);
        let rows = py.detach(|| query.fetch()).map_err(|error| signals.raise(error))?;
        let mut keys: Vec<Bound<'py, PyString>> = Vec::new();
        let list = PyList::empty(py);
        for row in rows {
            if keys.is_empty() {
                keys = row.names().iter().map(|name| PyString::intern(py, name)).collect();
            }
            if list.len() % CHECKED_ROWS == CHECKED_ROWS - 1 {
                py.check_signals()?;
            }
            let dict = PyDict::new(py);
            for (key, value) in keys.iter().zip(row.into_values()) {
                dict.set_item(key, to_python(py, value)?)?;
            }
            list.append(dict)?;
        }
        Ok(list)
    }

    /// The attributes' names, and for each its values: an array of int64 or float64 where all are such numbers, or a list.
    #[pyo3(signature = (progress=None))]
    fn columns<'py>(
        &self,
        py: Python<'py>,
        progress: Option<Py<PyAny>>,
    ) -> PyResult<(Vec<String>, Vec<Bound<'py, PyAny>>)> {
        let (signals, watch) = Signals::watch(progress);
        let query = self.0.watched(watch);
        let fetched = py.detach(|| query.column_parts()).map_err(|error| signals.raise(error))?;
        let mut names = Vec::with_capacity(fetched.len());
        let mut columns = Vec::with_capacity(fetched.len());
        for (name, parts) in fetched {
            names.push(name);
            columns.push(columns::into_python(py, parts)?);
        }
        Ok((names, columns))
    }

    /// The rows as an Arrow stream, in a capsule.
    fn arrow_stream<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyCapsule>> {
        arrow::stream(py, &self.0)
    }

    /// The schema of that stream, in a capsule.
    fn arrow_schema<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyCapsule>> {
        arrow::schema(py, &self.0)
    }

    /// The rows as record batches.
    #[pyo3(signature = (progress=None))]
    fn arrow_batches(&self, py: Python<'_>, progress: Option<Py<PyAny>>) -> PyResult<PyArrowBatches> {
        PyArrowBatches::open(py, &self.0, progress)
    }

    /// Parts of the query: schema and name of the table, attributes, conditions.
    fn partitions(&self, py: Python<'_>, count: usize) -> PyResult<Vec<PlainPartition>> {
        let parts = py.detach(|| self.0.partitions(count)).map_err(from_engine)?;
        let plain = |part: Partition| (part.table.schema, part.table.table, part.attributes, part.conditions);
        Ok(parts.into_iter().map(plain).collect())
    }

    fn count(&self, py: Python<'_>) -> PyResult<u64> {
        py.detach(|| self.0.count()).map_err(from_engine)
    }

    fn exists(&self, py: Python<'_>) -> PyResult<bool> {
        py.detach(|| self.0.exists()).map_err(from_engine)
    }

    /// The attributes, hidden ones included, as dicts.
    fn heading<'py>(&self, py: Python<'py>) -> PyResult<Vec<Bound<'py, PyDict>>> {
        let heading = py.detach(|| self.0.heading()).map_err(from_engine)?;
        heading.all().iter().map(|attribute| attribute_dict(py, attribute)).collect()
    }

    /// Comment of the table, of a query its table's.
    fn comment(&self, py: Python<'_>) -> PyResult<String> {
        let heading = py.detach(|| self.0.heading()).map_err(from_engine)?;
        Ok(heading.comment().to_owned())
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

    /// Deletes the rows themselves and nothing else; returns their number.
    fn delete_quick(&self, py: Python<'_>) -> PyResult<u64> {
        py.detach(|| self.0.delete_quick()).map_err(from_engine)
    }

    /// Deletes; tables and numbers of rows, the table itself first.
    fn delete(&self, py: Python<'_>, part_integrity: &str) -> PyResult<Vec<(String, u64)>> {
        let options = delete_options(part_integrity)?;
        let report = py.detach(|| self.0.delete(&options)).map_err(from_engine)?;
        Ok(report.tables.into_iter().map(|(id, rows)| (id.to_string(), rows)).collect())
    }
}

/// The attributes of a join by sides and places: names with whether they belong to the primary key. `true` stands for the left side.
#[pyfunction]
pub(crate) fn join_order(
    left: Vec<(String, bool)>,
    right: Vec<(String, bool)>,
    has_null_key: bool,
) -> Vec<(bool, usize)> {
    fn names(attributes: &[(String, bool)]) -> Vec<(&str, bool)> {
        attributes.iter().map(|(name, in_key)| (name.as_str(), *in_key)).collect()
    }
    let order = lapjoint::join_order(&names(&left), &names(&right), has_null_key);
    order.into_iter().map(|(side, at)| (side == lapjoint::Side::Left, at)).collect()
}

/// What a projection does: texts keep, pairs rename or compute.
fn items(keep: &[String], named: &[(String, String)]) -> Vec<ProjectItem> {
    let kept = keep.iter().map(|text| ProjectItem::from(text.as_str()));
    let named = named.iter().map(|(new, source)| ProjectItem::from((new.as_str(), source.as_str())));
    kept.chain(named).collect()
}

/// One attribute: names of DataJoint's headings.
fn attribute_dict<'py>(py: Python<'py>, attribute: &Attribute) -> PyResult<Bound<'py, PyDict>> {
    use lapjoint::DefaultValue;

    let default = attribute.default.as_ref().map(|default| match default {
        DefaultValue::Null => "null".to_owned(),
        DefaultValue::CurrentTimestamp => "CURRENT_TIMESTAMP".to_owned(),
        DefaultValue::Literal(text) => text.clone(),
    });
    let spec = match &attribute.storage {
        Storage::Plain => None,
        Storage::Codec(chain) => Some(chain.spec()),
        Storage::Unbound { spec, .. } => Some(spec),
    };
    let store = spec.and_then(|spec| match &spec.store {
        StoreRef::Inline => None,
        StoreRef::Default => Some(String::new()),
        StoreRef::Named(name) => Some(name.clone()),
    });
    let dict = PyDict::new(py);
    dict.set_item("name", &attribute.name)?;
    dict.set_item("type", &attribute.declared)?;
    dict.set_item("dtype", attribute.column.to_string())?;
    dict.set_item("in_key", attribute.in_key)?;
    dict.set_item("nullable", attribute.nullable)?;
    dict.set_item("default", default)?;
    dict.set_item("comment", &attribute.comment)?;
    dict.set_item("autoincrement", attribute.auto_increment)?;
    dict.set_item("codec", spec.map(|spec| spec.name.as_str()))?;
    dict.set_item("store", store)?;
    dict.set_item("lineage", attribute.lineage.as_deref())?;
    Ok(dict)
}

fn delete_options(part_integrity: &str) -> PyResult<DeleteOptions> {
    Ok(DeleteOptions::new().part_integrity(part_integrity_of(part_integrity)?))
}

pub(crate) fn part_integrity_of(name: &str) -> PyResult<PartIntegrity> {
    match name {
        "enforce" => Ok(PartIntegrity::Enforce),
        "ignore" => Ok(PartIntegrity::Ignore),
        "cascade" => Ok(PartIntegrity::Cascade),
        other => {
            let message = format!("part_integrity must be 'enforce', 'ignore' or 'cascade', got {other:?}");
            Err(pyo3::exceptions::PyValueError::new_err(message))
        }
    }
}

/// The condition that a Python object means: SQL, a dict, a truth value, a list (any), an `AndList` (all), a `Not`, or a
/// query.
pub(crate) fn to_condition(object: &Bound<'_, PyAny>) -> PyResult<Condition> {
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
