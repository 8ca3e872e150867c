//! Errors of the crate as the exceptions of `lapjoint.gzcm.errors`.

use gzcm::Error;
use lapjoint::store::StoreError;
use pyo3::prelude::*;

use crate::error::from_store;

/// The exception of an error.
pub(super) fn raise(error: Error) -> PyErr {
    let class = match &error {
        Error::Corrupt { .. } => "CorruptError",
        Error::Unsupported { .. } => "UnsupportedError",
        Error::WireFormat { .. } => "WireFormatError",
        Error::UnknownCodec { .. } => "UnknownCodecError",
        Error::Io(_) => "",
        _ => "GzcmError",
    };
    let error = match error {
        Error::Io(error) => {
            return match error.downcast::<StoreError>() {
                Ok(error) => from_store(error),
                Err(error) => error.into(),
            };
        }
        error => error,
    };
    Python::attach(|py| {
        let made =
            py.import("lapjoint.gzcm.errors").and_then(|module| module.getattr(class)).and_then(|class| {
                match &error {
                    Error::UnknownCodec { name, available } => class.call1((name, available.clone())),
                    _ => class.call1((error.to_string(),)),
                }
            });
        made.map_or_else(|failure| failure, PyErr::from_value)
    })
}
