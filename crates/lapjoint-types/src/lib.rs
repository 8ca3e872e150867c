//! Core types, values, type specs and the definition language of Lapjoint. No I/O.
//!
//! This is the vocabulary crate: every other crate speaks in its [`Value`]s and [`TypeSpec`]s, and it
//! depends on none of them.
//!
//! - [`value`]: what a cell can hold in memory;
//! - [`array`]: n-dimensional arrays, records and MATLAB containers;
//! - [`dtype`]: element types of arrays;
//! - [`core_type`]: the portable column types of layer 2;
//! - [`spec`]: what may stand after the colon of an attribute (`int32`, `<blob@cold>`, `mediumint`).

pub mod array;
pub mod convert;
pub mod core_type;
pub mod decimal;
pub mod dtype;
pub mod spec;
pub mod value;

pub use array::{Element, MatCell, MatStruct, NdArray, ObjectArray, Order, RecordArray};
pub use convert::{FromValue, FromValueError};
pub use core_type::CoreType;
pub use decimal::Decimal;
pub use dtype::{ByteOrder, DType, Field, Kind, TimeUnit};
pub use spec::{CodecSpec, StoreRef, TypeSpec};
pub use value::{Foreign, Value};
