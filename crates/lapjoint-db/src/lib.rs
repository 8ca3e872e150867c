//! Database adapters of Lapjoint.
//!
//! An [`Adapter`] is one connection to one database. It knows tables, columns of core or native types, rows of
//! [`Value`](lapjoint_types::Value)s and SQL; it knows no codec, no store and no definition language.
//! Adapters are synchronous and start no thread that lives on, so that a process may fork.

pub mod adapter;
pub mod cell;
pub mod check;
mod dialect;
pub mod error;
pub mod intent;
#[cfg(feature = "mysql")]
pub mod mysql;
#[cfg(feature = "postgres")]
pub mod postgres;
pub mod schema;
pub mod server;
pub mod sqlite;
mod statement;

pub use adapter::{Adapter, Capabilities, InsertMode, RowSink, TransactionMode};
pub use cell::{Cell, CellSink};
pub use error::DbError;
pub use intent::{FileIntentLog, IntendedObject, Intent, IntentLog, MemoryIntentLog};
#[cfg(feature = "mysql")]
pub use mysql::MysqlAdapter;
#[cfg(feature = "postgres")]
pub use postgres::PostgresAdapter;
pub use schema::{ColumnDef, ColumnType, DefaultValue, ForeignKeyDef, IndexDef, TableDef, TableId};
pub use server::{Product, ServerOptions, Tls};
pub use sqlite::SqliteAdapter;
