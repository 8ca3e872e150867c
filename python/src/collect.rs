//! Collection of objects that no row refers to.

use std::time::Duration;

use lapjoint::Schema;
use lapjoint::objects::{self, CollectOptions, Fate, FormerLayout, ObjectKind, Unreferenced};
use pyo3::prelude::*;
use pyo3::types::PyDict;

use crate::engine::PySchema;
use crate::error::{from_any, from_engine};

/// Earlier settings of a store: its name, hash prefix, schema prefix, and whether objects were partitioned.
type Former = (Option<String>, Option<String>, Option<String>, bool);

/// A file: whether its path is a hash, path, size in bytes, what becomes of its object.
type File = (bool, String, u64, &'static str);

const fn fate(fate: Fate) -> &'static str {
    match fate {
        Fate::Young(_) => "young",
        Fate::Unmarked => "unmarked",
        Fate::Marked(_) => "marked",
        Fate::Due => "due",
        Fate::Aside(_) => "aside",
        Fate::Deleted => "deleted",
        Fate::Kept => "kept",
        _ => "failed",
    }
}

fn files(objects: &[Unreferenced]) -> Vec<File> {
    let of = |object: &Unreferenced| -> Vec<File> {
        let is_hash = object.kind == ObjectKind::Hash;
        let file =
            |file: &objects::StoredFile| (is_hash, file.path.clone(), file.size_bytes, fate(object.fate));
        object.files.iter().map(file).collect()
    };
    objects.iter().flat_map(of).collect()
}

fn schemas(given: &[PyRef<'_, PySchema>]) -> Vec<Schema> {
    given.iter().map(|schema| schema.0.clone()).collect()
}

/// Finds what no row refers to, and with `delete` marks or deletes it.
#[pyfunction]
#[pyo3(signature = (given, *, delete, grace_seconds, store, former, only_given_schemas))]
pub(crate) fn collect<'py>(
    py: Python<'py>,
    given: Vec<PyRef<'py, PySchema>>,
    delete: bool,
    grace_seconds: f64,
    store: Option<String>,
    former: Vec<Former>,
    only_given_schemas: bool,
) -> PyResult<Bound<'py, PyDict>> {
    let grace = Duration::try_from_secs_f64(grace_seconds).map_err(|_| {
        from_any(format!("grace={grace_seconds}: expected a number of seconds, zero or more"))
    })?;
    let mut options = CollectOptions::new().grace(grace);
    if delete {
        options = options.delete();
    }
    if let Some(store) = store {
        options = options.store(store);
    }
    if only_given_schemas {
        options = options.only_given_schemas();
    }
    for (store, hash_prefix, schema_prefix, partitioned) in former {
        options = options.former(FormerLayout { store, hash_prefix, schema_prefix, partitioned });
    }
    let schemas = schemas(&given);
    let report = py.detach(|| objects::collect(&schemas, &options)).map_err(from_engine)?;
    let result = PyDict::new(py);
    result.set_item("referenced", (report.referenced.hash, report.referenced.schema))?;
    result.set_item("stored_files", (report.stored_files.hash, report.stored_files.schema))?;
    result.set_item("files", files(&report.unreferenced))?;
    result.set_item("marked", report.marked)?;
    result.set_item("waiting", report.waiting)?;
    result.set_item("waiting_until", report.waiting_until.map(|until| until.to_string()))?;
    result.set_item("put_aside", report.put_aside.all())?;
    result.set_item("aside", report.aside)?;
    result.set_item("restored", report.restored)?;
    result.set_item("freed_bytes", report.freed_bytes)?;
    result.set_item("leftovers", report.leftovers)?;
    result.set_item("errors", &report.errors)?;
    result.set_item("text", report.to_string())?;
    Ok(result)
}

/// The files in the schemas' parts of a store, or of all.
#[pyfunction]
pub(crate) fn list_objects(
    py: Python<'_>,
    given: Vec<PyRef<'_, PySchema>>,
    store: Option<String>,
) -> PyResult<Vec<File>> {
    let mut options = CollectOptions::new();
    if let Some(store) = store {
        options = options.store(store);
    }
    let schemas = schemas(&given);
    let found = py.detach(|| objects::list(&schemas, &options)).map_err(from_engine)?;
    Ok(files(&found))
}

/// What rows of a schema refer to: whether its path is a hash, store, path.
#[pyfunction]
pub(crate) fn object_references(
    py: Python<'_>,
    schema: &PySchema,
) -> PyResult<Vec<(bool, Option<String>, String)>> {
    let schema = schema.0.clone();
    let found = py.detach(|| objects::references(&schema)).map_err(from_engine)?;
    let owned = found.into_iter().map(|row| row.object).filter(|object| object.owned);
    Ok(owned
        .map(|object| (objects::kind_of(&object.path) == ObjectKind::Hash, object.store, object.path))
        .collect())
}
