//! Listing, checking, locking and migration of codecs, and the command `lapjoint` in this process.

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use lapjoint::codec::lock::Lock;
use lapjoint::codec::{Package, Problem, Registry};
use lapjoint::codecs::{self, MigrateOptions};
use pyo3::prelude::*;
use pyo3::types::PyDict;

use crate::engine::{PySchema, PyTable};
use crate::error::{from_any, from_engine};
use crate::watch::Signals;

/// Name and version of a package.
type NameAndVersion = Option<(String, String)>;

fn pair(package: Option<Package>) -> NameAndVersion {
    package.map(|package| (package.name, package.version))
}

/// All codecs, those that are not in use too, as dicts.
#[pyfunction]
pub(crate) fn list_all_codecs(py: Python<'_>) -> PyResult<Vec<Bound<'_, PyDict>>> {
    let found = py.detach(|| codecs::list(Registry::global()));
    let dict = |codec: codecs::CodecInfo| {
        let dict = PyDict::new(py);
        dict.set_item("name", codec.name)?;
        dict.set_item("places", codec.places)?;
        dict.set_item("origin", codec.origin)?;
        dict.set_item("package", pair(codec.package))?;
        dict.set_item("format_version", codec.format_version)?;
        dict.set_item("reads_versions", codec.reads_versions)?;
        dict.set_item("writes_versions", codec.writes_versions)?;
        dict.set_item("summary", codec.summary)?;
        dict.set_item("state", codec.state)?;
        Ok(dict)
    };
    found.into_iter().map(dict).collect()
}

/// Notes codecs that are installed and not in use: name, origin, package and state of each.
#[pyfunction]
pub(crate) fn note_codec_problems(problems: Vec<(String, String, NameAndVersion, String)>) {
    let problem = |(name, origin, package, state): (String, String, NameAndVersion, String)| Problem {
        name,
        origin,
        package: package.map(|(name, version)| Package { name, version }),
        state,
    };
    Registry::global().set_problems(problems.into_iter().map(problem).collect());
}

/// What the values of schemas need, as dicts, and as text.
#[pyfunction]
pub(crate) fn check_codecs<'py>(
    py: Python<'py>,
    schemas: Vec<PyRef<'py, PySchema>>,
) -> PyResult<(Vec<Bound<'py, PyDict>>, String)> {
    let schemas: Vec<_> = schemas.iter().map(|schema| schema.0.clone()).collect();
    let report = py.detach(|| codecs::check(&schemas)).map_err(from_engine)?;
    let text = report.to_string();
    let mut needs = Vec::new();
    for need in report.needs {
        let dict = PyDict::new(py);
        let is_ok = need.is_ok();
        dict.set_item("schema", need.table.schema)?;
        dict.set_item("table", need.table.table)?;
        dict.set_item("attribute", need.attribute)?;
        dict.set_item("type", need.spec)?;
        dict.set_item("codec", need.codec)?;
        dict.set_item("package", pair(need.package))?;
        dict.set_item("state", need.state.word())?;
        dict.set_item("message", need.state.message())?;
        dict.set_item("ok", is_ok)?;
        let mut versions = Vec::new();
        for count in need.versions {
            let version = PyDict::new(py);
            version.set_item("version", count.version)?;
            version.set_item("rows", count.rows)?;
            let written_by: Vec<_> = count.written_by.into_iter().map(|p| (p.name, p.version)).collect();
            version.set_item("written_by", written_by)?;
            version.set_item("state", count.state.word())?;
            version.set_item("message", count.state.message())?;
            versions.push(version);
        }
        dict.set_item("versions", versions)?;
        needs.push(dict);
    }
    Ok((needs, text))
}

/// Writes a lock file; number of codecs in it.
#[pyfunction]
pub(crate) fn lock_codecs(py: Python<'_>, file: PathBuf) -> PyResult<usize> {
    let lock = py.detach(|| Lock::of(Registry::global()));
    py.detach(|| lock.write(&file)).map_err(from_any)?;
    Ok(lock.codecs.len())
}

/// How the codecs differ from a lock file, a line each.
#[pyfunction]
pub(crate) fn compare_with_lock(py: Python<'_>, file: PathBuf) -> PyResult<Vec<String>> {
    let differences = py
        .detach(|| Lock::read(&file).map(|lock| lock.differences(Registry::global(), true)))
        .map_err(from_any)?;
    Ok(differences.iter().map(ToString::to_string).collect())
}

/// From now on gives out only codecs that are as a lock file says; `None` ends that.
#[pyfunction]
#[pyo3(signature = (file=None))]
pub(crate) fn use_lock(file: Option<PathBuf>) -> PyResult<()> {
    let lock = match file {
        Some(file) => Some((Lock::read(&file).map_err(from_any)?, file.display().to_string())),
        None => None,
    };
    Registry::global().set_lock(lock);
    Ok(())
}

/// Re-encodes the values of an attribute; what was done, as a dict.
#[pyfunction]
#[pyo3(signature = (table, attribute, *, to, batch_rows, dry_run, collect_seconds, progress=None))]
pub(crate) fn migrate_values<'py>(
    table: &Bound<'py, PyTable>,
    attribute: &str,
    to: Option<String>,
    batch_rows: usize,
    dry_run: bool,
    collect_seconds: Option<f64>,
    progress: Option<Py<PyAny>>,
) -> PyResult<Bound<'py, PyDict>> {
    let (py, target) = (table.py(), &table.get().0);
    let (signals, watch) = Signals::watch(progress);
    let mut options = MigrateOptions::new().batch_rows(batch_rows).watch(watch);
    if let Some(version) = to {
        options = options.to(version);
    }
    if dry_run {
        options = options.dry_run();
    }
    if let Some(seconds) = collect_seconds {
        let grace = Duration::try_from_secs_f64(seconds).map_err(|_| {
            from_any(format!("collect={seconds}: expected a number of seconds, zero or more"))
        })?;
        options = options.collect(grace);
    }
    let report =
        py.detach(|| codecs::migrate(target, attribute, &options)).map_err(|error| signals.raise(error))?;
    let dict = PyDict::new(py);
    dict.set_item("to", report.to)?;
    dict.set_item("rows", report.rows)?;
    dict.set_item("current", report.current)?;
    dict.set_item("migrated", report.migrated)?;
    dict.set_item("changed", report.changed)?;
    let failed: Vec<(String, String)> = report.failed.into_iter().map(|f| (f.key, f.reason)).collect();
    dict.set_item("failed", failed)?;
    dict.set_item("left_objects", report.left_objects)?;
    dict.set_item("deleted_objects", report.deleted_objects)?;
    Ok(dict)
}

/// Runs the command `lapjoint` with its arguments, the name of the program first; its exit code.
#[pyfunction]
pub(crate) fn run_command(py: Python<'_>, arguments: Vec<OsString>) -> u8 {
    py.detach(|| lapjoint_cli::run(arguments))
}
