//! Computation: rows of imported and computed tables are made key by key, each key in one transaction.

mod key_source;
mod make;
mod making;
pub(crate) mod metadata;
mod one;
mod populate;
mod progress;

pub use make::{Failure, InParts, Make, MakeInParts};
pub(crate) use making::is_making;
pub use one::Made;
pub use populate::{PopulateOptions, PopulateReport};
