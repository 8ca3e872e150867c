//! Typed tables whose cells can be anything.
//!
//! Rows live in a database (SQLite in a folder by default), large values in object stores, and *codecs* turn values into
//! stored forms and back. Rows and objects are committed together.
//!
//! ```
//! use lapjoint::{Connection, NdArray, row};
//!
//! let connection = Connection::in_memory()?;
//! let lab = connection.schema("lab")?;
//! let recording = lab.manual("Recording", "
//!     ## one trace of one electrode
//!     recording_id : int32
//!     ---
//!     electrode = 'A1' : varchar(8)   # where it was
//!     trace : <blob>                  # volts
//! ")?;
//! recording.insert1(row! { "recording_id" => 1, "trace" => NdArray::from_vec(vec![0.5f64, 1.5]) })?;
//! let trace: NdArray = (&recording & row! { "recording_id" => 1 }).fetch1_as("trace")?;
//! assert_eq!(trace.to_vec::<f64>(), Some(vec![0.5, 1.5]));
//! # Ok::<(), lapjoint::Error>(())
//! ```
//!
//! The rooms of this crate: [`Connection`] (database, stores, codecs), [`Schema`] (declares tables), [`Table`] (inserts,
//! updates), [`Query`] (restricts, projects, fetches, deletes), [`objects`] (verifies stored objects).

mod alter;
#[cfg(feature = "arrow")]
pub mod arrow;
mod bound;
mod cascade;
pub mod codecs;
mod compute;
mod connection;
mod declare;
mod describe;
mod diagram;
mod drop;
mod error;
mod graph;
#[cfg(feature = "gzcm")]
pub mod gzcm;
mod heading;
mod insert;
mod jobs;
mod lineage;
mod names;
pub mod objects;
mod open;
mod partition;
pub mod preview;
mod query;
mod recovery;
mod relatives;
mod row;
mod schema;
mod session;
mod statement;
mod table;
mod update;
mod watch;
mod work;

pub use alter::Alteration;
pub use compute::{Failure, InParts, Made, Make, MakeInParts, PopulateOptions, PopulateReport};
pub use connection::{Connection, ConnectionOptions};
pub use declare::References;
pub use diagram::{Appearance, Colors, Diagram, Direction, DrawnEdge, DrawnNode, Palette, Theme};
pub use error::Error;
pub use graph::{Dependencies, Dependency, topological_order};
pub use heading::{Attribute, Heading, Storage};
pub use jobs::{JobCounts, Jobs, RefreshOptions, Refreshed, Worker};
pub use partition::Partition;
pub use query::{
    Condition, DeleteOptions, DeleteReport, JoinOptions, PartIntegrity, ProjectItem, Query, Side, join_order,
};
pub use recovery::RecoveryReport;
pub use row::Row;
pub use schema::Schema;
pub use statement::Statement;
pub use table::{InsertOptions, Table};
pub use watch::{Progress, Watch};

pub use lapjoint_codec as codec;
pub use lapjoint_db::{ColumnType, DbError, DefaultValue, TableId};
pub use lapjoint_format as format;
pub use lapjoint_store as store;
pub use lapjoint_types as types;
pub use lapjoint_types::naming::Tier;
pub use lapjoint_types::{Decimal, FromValue, NdArray, Value};
#[cfg(feature = "wasm")]
pub use lapjoint_wasm as wasm;

/// The README's program, run as a doc test.
#[cfg(doctest)]
#[doc = include_str!("../../../README.md")]
struct Readme;

/// The guide to queries, its Rust program run as a doc test.
#[cfg(doctest)]
#[doc = include_str!("../../../docs/queries.md")]
struct Queries;

/// The guide to codecs, its Rust program run as a doc test.
#[cfg(doctest)]
#[doc = include_str!("../../../docs/write-a-codec.md")]
struct Codecs;
