//! Core types, values, type specs and the definition language of Lapjoint. No I/O.
//!
//! This is the vocabulary crate: every other crate speaks in its [`Value`]s and [`TypeSpec`]s, and it
//! depends on none of them.
//!
//! - [`value`]: what a cell can hold in memory;
//! - [`mod@array`]: n-dimensional arrays, records and MATLAB containers;
//! - [`dtype`]: element types of arrays;
//! - [`core_type`]: the portable column types of layer 2;
//! - [`spec`]: what may stand after the colon of an attribute (`int32`, `<blob@cold>`, `mediumint`);
//! - [`definition`]: the definition language;
//! - [`naming`]: table names and tiers;
//! - [`logical`]: types of columns, for frames and query engines;
//! - [`marker`]: the type in a stored column comment;
//! - [`suggest`]: the nearest known word.

pub mod array;
pub mod convert;
pub mod core_type;
pub mod decimal;
pub mod definition;
pub mod dtype;
pub mod logical;
pub mod marker;
pub mod naming;
mod scan;
pub mod spec;
pub mod suggest;
pub mod value;

pub use array::{Element, MatCell, MatStruct, NdArray, ObjectArray, Order, RecordArray};
pub use convert::{FromValue, FromValueError};
pub use core_type::CoreType;
pub use decimal::Decimal;
pub use definition::{Definition, DefinitionError};
pub use dtype::{ByteOrder, DType, Field, Kind, TimeUnit};
pub use logical::LogicalType;
pub use naming::Tier;
pub use spec::{CodecSpec, NativeTypeWarning, StoreRef, TypeSpec, TypeSpecError, parse_type_spec};
pub use value::{Foreign, Value};
