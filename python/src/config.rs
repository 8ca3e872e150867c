//! Settings.

use lapjoint::Value;
use lapjoint::store::{Config, LoadOptions, Stores};
use pyo3::prelude::*;

use crate::error::{from_any, from_store};
use crate::store::PyStore;
use crate::value::to_python;

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
    /// Reads the configuration of a folder with the process's environment; without a folder, only the defaults.
    #[new]
    #[pyo3(signature = (directory, system_secrets=None))]
    fn new(directory: Option<&str>, system_secrets: Option<&str>) -> PyResult<Self> {
        let options = directory.map_or_else(LoadOptions::isolated, |directory| {
            let mut options = LoadOptions::from_dir(directory);
            if let Some(folder) = system_secrets {
                options.system_secrets = Some(folder.into());
            }
            options
        });
        Config::load(&options).map(|config| Self(Stores::new(config))).map_err(from_store)
    }

    /// The same settings, from here on on their own.
    fn copy(&self) -> Self {
        Self(Stores::new(self.0.config()))
    }

    /// Whether both are the same shared settings.
    fn is_same(&self, other: &Self) -> bool {
        self.0.is_same(&other.0)
    }

    /// The value of a setting; raises an error that is a `KeyError` when there is none of this name.
    fn get(&self, py: Python<'_>, key: &str) -> PyResult<Py<PyAny>> {
        match self.0.read(|config| config.get(key)) {
            Some(json) => to_python(py, Value::from(json)),
            None => {
                let message = format!("Setting '{key}' not found");
                Err(crate::error::raise("SettingNotFoundError", &message))
            }
        }
    }

    fn set(&self, key: &str, value: &Bound<'_, PyAny>) -> PyResult<()> {
        let json = to_json(value)?;
        self.0.update(|config| config.set(key, json)).map_err(from_store)
    }

    /// Takes an assignment back.
    fn reset(&self, key: &str) -> PyResult<()> {
        self.0.update(|config| config.reset(key)).map_err(from_store)
    }

    /// A store by name; `None` and the empty text mean the default store.
    fn store(&self, name: Option<&str>) -> PyResult<PyStore> {
        self.0.get(name).map(PyStore).map_err(from_store)
    }

    /// Resolved name of a store whose settings are complete and right.
    fn checked_store_name(&self, name: Option<&str>, filepath: bool) -> PyResult<String> {
        self.0
            .read(|config| if filepath { config.filepath_store_spec(name) } else { config.store_spec(name) })
            .map(|spec| spec.name)
            .map_err(from_store)
    }

    /// Triples of key, value as shown (secrets masked) and source.
    fn entries(&self) -> Vec<(String, String, String)> {
        self.0.read(|config| {
            config.entries().map(|e| (e.key.clone(), e.shown.clone(), e.source.to_string())).collect()
        })
    }

    /// What was ignored or not found while reading.
    fn notes(&self) -> Vec<String> {
        self.0.read(|config| config.notes().to_vec())
    }
}
