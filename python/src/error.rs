//! Errors of the engine as Python exceptions: one match, DataJoint's class names.

use lapjoint::{DbError, Error};
use pyo3::prelude::*;

/// The Python class of an error.
fn class(error: &Error) -> &'static str {
    match error {
        Error::Database { source, .. } => match **source {
            DbError::Duplicate { .. } => "DuplicateError",
            DbError::ForeignKey { .. } => "IntegrityError",
            DbError::MissingValue { .. } => "MissingAttributeError",
            DbError::MissingTable(_) => "MissingTableError",
            DbError::UnknownColumn(_) => "UnknownAttributeError",
            DbError::Syntax { .. } => "QuerySyntaxError",
            _ => "DataJointError",
        },
        Error::UnknownAttribute { .. } => "UnknownAttributeError",
        _ => "DataJointError",
    }
}

/// An exception of a class of `lapjoint.errors`.
pub(crate) fn raise(class: &str, message: &str) -> PyErr {
    Python::attach(|py| {
        let made = py
            .import("lapjoint.errors")
            .and_then(|module| module.getattr(class))
            .and_then(|class| class.call1((message,)));
        match made {
            Ok(exception) => PyErr::from_value(exception),
            Err(error) => error,
        }
    })
}

/// The exception of an engine's error.
pub(crate) fn from_engine(error: Error) -> PyErr {
    raise(class(&error), &error.to_string())
}

/// The exception of any other error.
pub(crate) fn from_any(error: impl std::fmt::Display) -> PyErr {
    raise("DataJointError", &error.to_string())
}
