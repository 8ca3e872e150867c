//! Kinds of stores that a host language or a plugin brings.
//!
//! A [`Driver`] moves whole objects; everything else (addressing, staging, checksums, manifests) is the store's. What a driver
//! cannot promise is not promised: a write of a large object is one write, and two writers that create the same path in the
//! same moment may both succeed. Paths of the engine are unique or made from their content, so that this harms nothing.

use std::error::Error;
use std::fmt;
use std::ops::Range;
use std::sync::{Arc, Mutex, PoisonError};

use serde_json::Value as Json;

/// Whatever went wrong in a driver; its text is shown with the store and the path.
pub type DriverError = Box<dyn Error + Send + Sync>;

/// Size in bytes and time of the last write of an object.
pub type DriverMeta = (u64, jiff::Timestamp);

/// One open store of a foreign kind. Calls come from many threads at once; paths have no `..` and no leading `/`.
pub trait Driver: Send + Sync + fmt::Debug {
    /// Writes an object as a whole, in place of one that is there.
    ///
    /// # Errors
    /// What went wrong; the object is then not there, or as it was.
    fn put(&self, path: &str, content: &[u8]) -> Result<(), DriverError>;

    /// The content of an object; `None` when it is not there.
    ///
    /// # Errors
    /// What went wrong.
    fn get(&self, path: &str) -> Result<Option<Vec<u8>>, DriverError>;

    /// Bytes of an object, all of which are there.
    ///
    /// # Errors
    /// What went wrong.
    fn get_range(&self, path: &str, range: Range<u64>) -> Result<Vec<u8>, DriverError>;

    /// What is known of an object; `None` when it is not there.
    ///
    /// # Errors
    /// What went wrong.
    fn head(&self, path: &str) -> Result<Option<DriverMeta>, DriverError>;

    /// Path, size and time of every object below a folder, or in the store. Fails rather than leaving something out.
    ///
    /// # Errors
    /// What went wrong.
    fn list(&self, prefix: &str) -> Result<Vec<(String, DriverMeta)>, DriverError>;

    /// Removes an object; one that is not there is no error.
    ///
    /// # Errors
    /// What went wrong.
    fn delete(&self, path: &str) -> Result<(), DriverError>;

    /// Where an object can be found.
    fn url(&self, path: &str) -> String;
}

/// Knows foreign kinds of stores.
pub trait Drivers: Send + Sync {
    /// Whether there is a driver for stores of this protocol.
    fn knows(&self, protocol: &str) -> bool;

    /// Opens a store with its settings.
    ///
    /// # Errors
    /// Settings that are missing or wrong, or a place that cannot be reached.
    fn open(&self, protocol: &str, settings: &[(String, Json)]) -> Result<Arc<dyn Driver>, DriverError>;
}

static DRIVERS: Mutex<Option<Arc<dyn Drivers>>> = Mutex::new(None);

/// Makes foreign kinds of stores known to this process, in place of those that were.
pub fn set_drivers(drivers: Arc<dyn Drivers>) {
    *DRIVERS.lock().unwrap_or_else(PoisonError::into_inner) = Some(drivers);
}

pub(crate) fn drivers() -> Option<Arc<dyn Drivers>> {
    DRIVERS.lock().unwrap_or_else(PoisonError::into_inner).clone()
}

/// A name that lives as long as the process. There are as many as there are protocols.
pub(crate) fn interned(protocol: &str) -> &'static str {
    static NAMES: Mutex<Vec<&'static str>> = Mutex::new(Vec::new());
    let mut names = NAMES.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(name) = names.iter().find(|name| **name == protocol) {
        return name;
    }
    let name: &'static str = Box::leak(protocol.to_owned().into_boxed_str());
    names.push(name);
    name
}
