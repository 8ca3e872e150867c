//! Errors of the engine as Python exceptions: one match, DataJoint's class names.

use lapjoint::codec::CodecError;
use lapjoint::store::StoreError;
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
            DbError::Access { .. } => "AccessError",
            DbError::Lost { .. } => "LostConnectionError",
            _ => "DataJointError",
        },
        Error::UnknownAttribute { .. } => "UnknownAttributeError",
        Error::UnknownField { .. } => "UnknownFieldError",
        Error::MissingValue { .. } => "MissingAttributeError",
        Error::Cell { source, .. } | Error::BindCodec { source, .. } => codec_class(source),
        Error::Store(source) => store_class(source),
        Error::NotAlterable(_) => "NotAlterableError",
        // What went wrong first is what the caller acts on.
        Error::Undo { source, .. } => class(source),
        _ => "DataJointError",
    }
}

/// The Python class of a codec's error.
const fn codec_class(error: &CodecError) -> &'static str {
    match error {
        CodecError::Value { .. } | CodecError::Pack(_) => "CodecValueError",
        CodecError::FileNotFound(_) | CodecError::SourceNotFound(_) => "SourceNotFoundError",
        CodecError::IsADirectory(_) => "SourceIsADirectoryError",
        CodecError::HashMismatch { .. } | CodecError::Object { .. } => "ObjectIntegrityError",
        CodecError::Store(source) => store_class(source),
        _ => "DataJointError",
    }
}

/// The Python class of a store's error.
const fn store_class(error: &StoreError) -> &'static str {
    match error {
        StoreError::NotFound { .. } => "MissingExternalFile",
        StoreError::ReservedSection { .. }
        | StoreError::OutsideFilepathPrefix { .. }
        | StoreError::UnsafePath { .. }
        | StoreError::InvalidSetting { .. }
        | StoreError::InvalidEnvironment { .. } => "SettingValueError",
        StoreError::InaccessibleDirectory { .. } => "SourceNotFoundError",
        StoreError::UnknownSetting { .. } => "SettingNotFoundError",
        StoreError::ChecksumMismatch { .. }
        | StoreError::SizeMismatch { .. }
        | StoreError::FolderMismatch { .. } => "ObjectIntegrityError",
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

/// The exception of an engine's error. What a Python codec raised is raised again as it was.
pub(crate) fn from_engine(error: Error) -> PyErr {
    from_engine_ref(&error)
}

/// The same of an error that is still needed.
pub(crate) fn from_engine_ref(error: &Error) -> PyErr {
    let raised = match error {
        Error::Cell { source, .. } | Error::BindCodec { source, .. } => raised_by_codec(source),
        Error::Source(source) => {
            source.downcast_ref::<PyErr>().map(|raised| Python::attach(|py| raised.clone_ref(py)))
        }
        _ => None,
    };
    raised.unwrap_or_else(|| raise(class(error), &error.to_string()))
}

/// The exception of a codec's error.
pub(crate) fn from_codec(error: CodecError) -> PyErr {
    raised_by_codec(&error).unwrap_or_else(|| raise(codec_class(&error), &error.to_string()))
}

/// The exception of a store's error.
pub(crate) fn from_store(error: StoreError) -> PyErr {
    raise(store_class(&error), &error.to_string())
}

/// What a Python codec raised.
fn raised_by_codec(error: &CodecError) -> Option<PyErr> {
    let CodecError::Foreign { source, .. } = error else { return None };
    let raised = source.downcast_ref::<PyErr>()?;
    Some(Python::attach(|py| raised.clone_ref(py)))
}

/// The exception of any other error.
pub(crate) fn from_any(error: impl std::fmt::Display) -> PyErr {
    raise("DataJointError", &error.to_string())
}
