//! Codecs and the data of a database: which versions are stored, what is missing to read them, and re-encoding.
//!
//! ```
//! # use lapjoint::{Connection, codecs, row};
//! # let connection = Connection::in_memory()?;
//! let lab = connection.schema("lab")?;
//! let note = lab.manual("Note", "id : int32\n---\nnote : <blob>")?;
//! note.insert1(row! { "id" => 1, "note" => "text" })?;
//! let report = codecs::check(&[lab])?;
//! assert!(report.is_ok());
//! assert_eq!(report.needs[0].versions[0].version.as_deref(), Some("dj0"));
//! # Ok::<(), lapjoint::Error>(())
//! ```

mod check;
mod list;
mod migrate;
mod need;

pub use check::check;
pub use list::{CodecInfo, list};
pub(crate) use migrate::migrate_keys;
pub use migrate::{Failed, MigrateOptions, MigrateReport, migrate};
pub use need::{CheckReport, Need, State, VersionCount};
