//! Failures of services, sorted, and said without what must not be said.

use object_store::Error;

use super::place::Place;
use super::trace::{Trace, words};
use crate::error::StoreError;

/// What a failed operation means to the caller.
pub(super) fn sort(
    store: &str,
    place: &Place,
    operation: &'static str,
    path: &str,
    error: &Error,
    trace: &Trace,
) -> StoreError {
    let (store, path) = (store.to_owned(), path.to_owned());
    let mut message = trace.failure().unwrap_or_else(|| words(error));
    if let Some(hint) = place.hint(trace, &message) {
        message = format!("{message} ({hint})");
    }
    let message = place.redact(message);
    match error {
        // A bucket that is not there is no object that is not there.
        Error::NotFound { .. }
            if !message.contains("NoSuchBucket") && !message.contains("ContainerNotFound") =>
        {
            StoreError::NotFound { store, path }
        }
        Error::AlreadyExists { .. } => StoreError::AlreadyExists { store, path },
        _ if matches!(trace.status(), 401 | 403) => StoreError::PermissionDenied { store, path, message },
        _ => StoreError::Service { operation, store, path, message, attempts: trace.attempts() },
    }
}
