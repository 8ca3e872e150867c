//! The registry of codecs, and codecs used by themselves.

use std::path::Path;
use std::sync::Arc;

use lapjoint::codec::{DecodeContext, EncodeContext, Place, Registry, Site};
use pyo3::prelude::*;

use crate::codec::PythonCodec;
use crate::config::PyConfig;
use crate::error::from_codec;
use crate::store::{StagedParts, key_values, staged_parts};
use crate::value::{to_python, to_value};

/// A cell as Python gives it: schema, table, field and primary key.
type Cell<'py> = (String, String, String, Vec<(String, Bound<'py, PyAny>)>);

/// Registers an instance of a Python codec under its name.
#[pyfunction]
pub(crate) fn register_codec(codec: &Bound<'_, PyAny>) -> PyResult<()> {
    Registry::global().register(Arc::new(PythonCodec::new(codec)?)).map_err(from_codec)
}

/// Has Python look for the codecs that the registry lacks: a function that is given a name, and may return why there is none.
#[pyfunction]
pub(crate) fn add_codec_finder(finder: Py<PyAny>) {
    Registry::global().add_finder(Arc::new(move |name| {
        Python::attach(|py| {
            match finder.call1(py, (name,)).and_then(|found| found.extract::<Option<String>>(py)) {
                Ok(None) => Ok(()),
                Ok(Some(reason)) => Err(reason),
                Err(error) => Err(error.to_string()),
            }
        })
    }));
}

/// Removes a codec.
#[pyfunction]
pub(crate) fn unregister_codec(name: &str) -> PyResult<()> {
    lapjoint::codec::unregister_codec(name).map_err(from_codec)
}

/// Whether a codec is registered.
#[pyfunction]
pub(crate) fn is_codec_registered(name: &str) -> bool {
    lapjoint::codec::is_codec_registered(name)
}

/// Whether there is a codec of this name that does not yield it to others.
#[pyfunction]
pub(crate) fn is_codec_settled(name: &str) -> bool {
    Registry::global().contains_settled(name)
}

/// Names of the registered codecs, sorted.
#[pyfunction]
pub(crate) fn list_codecs() -> Vec<String> {
    lapjoint::codec::list_codecs()
}

/// Origin and summary of a codec, given as `blob`, `<blob>` or `<blob@store>`.
#[pyfunction]
pub(crate) fn codec_info(name: &str) -> PyResult<(String, String, String)> {
    let codec = Registry::global().get(name).map_err(from_codec)?;
    Ok((codec.name().to_owned(), codec.origin().to_string(), codec.summary().to_owned()))
}

/// What a codec is stored as.
#[pyfunction]
pub(crate) fn codec_dtype(name: &str, is_store: bool) -> PyResult<String> {
    let codec = Registry::global().get(name).map_err(from_codec)?;
    let place = if is_store { Place::Store } else { Place::Inline };
    codec.dtype(place).map(|dtype| dtype.to_string()).map_err(from_codec)
}

/// Final type, codec names (outermost first) and store of a type in angle brackets.
#[pyfunction]
pub(crate) fn resolve_dtype(spec: &str) -> PyResult<(String, Vec<String>, Option<String>)> {
    use lapjoint::types::StoreRef;

    let resolved = Registry::global().resolve_dtype(spec).map_err(from_codec)?;
    let store = match resolved.store {
        StoreRef::Inline => None,
        StoreRef::Default => Some(String::new()),
        StoreRef::Named(name) => Some(name),
    };
    Ok((resolved.dtype, resolved.codecs, store))
}

/// Raises an error for a value that a codec of the engine cannot store.
#[pyfunction]
pub(crate) fn codec_validate(name: &str, value: &Bound<'_, PyAny>) -> PyResult<()> {
    let codec = Registry::global().get(name).map_err(from_codec)?;
    codec.validate(&to_value(value)?).map_err(from_codec)
}

/// The stored form of a value by one codec of the engine, and the objects that it wants stored.
#[pyfunction]
pub(crate) fn codec_encode<'py>(
    py: Python<'py>,
    name: &str,
    value: &Bound<'py, PyAny>,
    cell: Cell<'py>,
    store_name: Option<&str>,
    config: &PyConfig,
) -> PyResult<(Py<PyAny>, Vec<StagedParts<'py>>)> {
    let codec = Registry::global().get(name).map_err(from_codec)?;
    let value = to_value(value)?;
    let (schema, table, field, key) = cell;
    let key = key_values(key)?;
    let (stored, staged) = py
        .detach(|| {
            let site = Site { schema: &schema, table: &table, field: &field, key: &key };
            let mut context = EncodeContext::new(site, &config.0);
            context.store_name = store_name.filter(|name| !name.is_empty());
            codec.validate(&value)?;
            let stored = codec.encode(value, &mut context)?;
            Ok((stored, context.take_staged()))
        })
        .map_err(from_codec)?;
    let staged = staged.into_iter().map(|object| staged_parts(py, object)).collect::<PyResult<_>>()?;
    Ok((to_python(py, stored)?, staged))
}

/// The value of a stored form by one codec of the engine.
#[pyfunction]
pub(crate) fn codec_decode(
    py: Python<'_>,
    name: &str,
    stored: &Bound<'_, PyAny>,
    cell: Cell<'_>,
    config: &PyConfig,
    download_path: &str,
) -> PyResult<Py<PyAny>> {
    let codec = Registry::global().get(name).map_err(from_codec)?;
    let stored = to_value(stored)?;
    let (schema, table, field, key) = cell;
    let key = key_values(key)?;
    let value = py
        .detach(|| {
            let context = DecodeContext {
                site: Site { schema: &schema, table: &table, field: &field, key: &key },
                stores: &config.0,
                store_name: None,
                download_path: Path::new(download_path),
            };
            codec.decode(stored, &context)
        })
        .map_err(from_codec)?;
    to_python(py, value)
}
