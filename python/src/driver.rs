//! Store adapters of Python as drivers of the engine.

use std::ops::Range;
use std::sync::Arc;

use jiff::Timestamp;
use lapjoint::store::foreign::{Driver, DriverError, DriverMeta, Drivers, set_drivers};
use pyo3::prelude::*;
use pyo3::types::PyBytes;

/// The store adapters that `lapjoint.storage_adapter` knows.
#[derive(Debug)]
struct PythonDrivers;

/// An open store: an object of `lapjoint.storage_adapter.Driver`.
#[derive(Debug)]
struct PythonDriver(Py<PyAny>);

impl Drivers for PythonDrivers {
    fn knows(&self, protocol: &str) -> bool {
        let look = |py: Python<'_>| -> PyResult<bool> {
            let adapters = py.import("lapjoint.storage_adapter")?;
            Ok(!adapters.call_method1("get_storage_adapter", (protocol,))?.is_none())
        };
        Python::attach(look).unwrap_or(false)
    }

    fn open(
        &self,
        protocol: &str,
        settings: &[(String, serde_json::Value)],
    ) -> Result<Arc<dyn Driver>, DriverError> {
        let settings: serde_json::Map<_, _> = settings.iter().cloned().collect();
        let opened = Python::attach(|py| {
            let settings =
                py.import("json")?.call_method1("loads", (serde_json::Value::from(settings).to_string(),))?;
            let adapters = py.import("lapjoint.storage_adapter")?;
            Ok::<_, PyErr>(adapters.call_method1("open_driver", (protocol, settings))?.unbind())
        });
        Ok(Arc::new(PythonDriver(opened?)))
    }
}

impl PythonDriver {
    fn call<T>(&self, work: impl FnOnce(&Bound<'_, PyAny>) -> PyResult<T>) -> Result<T, DriverError> {
        Python::attach(|py| work(self.0.bind(py))).map_err(Into::into)
    }
}

/// Size in bytes, and seconds since 1970.
fn meta((size_bytes, seconds): (u64, f64)) -> DriverMeta {
    let modified = jiff::SignedDuration::try_from_secs_f64(seconds)
        .ok()
        .and_then(|since| Timestamp::from_duration(since).ok());
    (size_bytes, modified.unwrap_or(Timestamp::UNIX_EPOCH))
}

impl Driver for PythonDriver {
    fn put(&self, path: &str, content: &[u8]) -> Result<(), DriverError> {
        self.call(|driver| driver.call_method1("put", (path, PyBytes::new(driver.py(), content))).map(drop))
    }

    fn get(&self, path: &str) -> Result<Option<Vec<u8>>, DriverError> {
        self.call(|driver| driver.call_method1("get", (path,))?.extract())
    }

    fn get_range(&self, path: &str, range: Range<u64>) -> Result<Vec<u8>, DriverError> {
        self.call(|driver| driver.call_method1("get_range", (path, range.start, range.end))?.extract())
    }

    fn head(&self, path: &str) -> Result<Option<DriverMeta>, DriverError> {
        self.call(|driver| {
            Ok(driver.call_method1("head", (path,))?.extract::<Option<(u64, f64)>>()?.map(meta))
        })
    }

    fn list(&self, prefix: &str) -> Result<Vec<(String, DriverMeta)>, DriverError> {
        self.call(|driver| {
            let found: Vec<(String, u64, f64)> = driver.call_method1("list", (prefix,))?.extract()?;
            Ok(found.into_iter().map(|(path, size, time)| (path, meta((size, time)))).collect())
        })
    }

    fn delete(&self, path: &str) -> Result<(), DriverError> {
        self.call(|driver| driver.call_method1("delete", (path,)).map(drop))
    }

    fn url(&self, path: &str) -> String {
        self.call(|driver| driver.call_method1("url", (path,))?.extract()).unwrap_or_else(|_| path.to_owned())
    }
}

/// Makes the store adapters of Python known to the engine.
pub(crate) fn install() {
    set_drivers(Arc::new(PythonDrivers));
}
