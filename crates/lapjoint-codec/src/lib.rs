//! The codec trait, registry and chains of Lapjoint, and its built-in codecs.
//!
//! A *codec* is a named, reversible mapping from a value to a stored form. Its stored form is a core type or
//! another codec, so codecs form *chains*: `<blob@cold>` is `blob` → `hash` → `json`. Chains are resolved and
//! checked once, when a table is declared or loaded, into a bound [`Chain`].
//!
//! A codec never writes to a store. It stages objects through its [`EncodeContext`]; the table engine uploads them
//! and commits the rows that refer to them together, or neither.

pub mod builtin;
pub mod chain;
pub mod codec;
#[cfg(any(test, feature = "conformance"))]
pub mod conformance;
pub mod context;
pub mod error;
mod local;
pub mod lock;
mod metadata;
pub mod npy_ref;
pub mod object_ref;
pub mod plain;
pub mod reference;
pub mod registry;
pub mod resolve;
pub mod science;
pub mod stand_in;
pub mod version;

pub use chain::{Chain, Link};
pub use codec::{Capabilities, Codec, Origin, Place, Rendered};
pub use context::{DecodeContext, EncodeContext, Site};
pub use error::CodecError;
pub use metadata::Metadata;
pub use npy_ref::{AxisSlice, NpyRef};
pub use object_ref::ObjectRef;
pub use reference::ObjectReference;
pub use registry::{Problem, Registry, get_codec, is_codec_registered, list_codecs, unregister_codec};
pub use resolve::{ResolvedType, parse_type_spec, resolve_dtype};
pub use stand_in::StandIn;
pub use version::{Package, set_deprecation_handler};

pub use lapjoint_store as store;
pub use lapjoint_types as types;
