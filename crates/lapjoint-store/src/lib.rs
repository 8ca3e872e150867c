//! Object stores of Lapjoint: configuration, addressing, staged writes, range reads, listing.
//!
//! - [`config`]: settings in DataJoint's files, variables and order of precedence;
//! - [`spec`]: the checked settings of one store;
//! - [`store`]: reading and writing objects; [`stores`]: the named stores of a configuration;
//! - [`path`]: which paths are allowed; [`addressing`]: which path a value gets; [`filepath`]: which paths a user
//!   may refer to;
//! - [`manifest`]: the list of files kept beside a stored folder; [`checksum`]: checksums of objects;
//! - [`staging`]: uploading the objects of an insert, all or none.
//!
//! # Why files are written without `object_store`
//!
//! Services are reached through the `object_store` crate, and no other crate of Lapjoint names it. Directories are
//! not: its local store refuses names that DataJoint writes and folders of users contain (a control character, an
//! ending such as `#1`), hides the latter when it lists, and leaves its unfinished files among the objects.
//! `backend/local.rs` writes every name byte for byte and prepares writes in one folder that can be emptied.

pub mod addressing;
mod backend;
pub mod checksum;
pub mod clock;
pub mod config;
#[cfg(feature = "conformance")]
pub mod conformance;
pub mod error;
pub mod filepath;
pub mod foreign;
pub mod manifest;
mod nearest;
pub mod path;
mod runtime;
pub mod spec;
pub mod staging;
pub mod store;
pub mod stores;

pub use checksum::{Checksum, crc32c_hex};
pub use clock::{iso_utc, iso_utc_now};
pub use config::{Config, Entry, Environment, LoadOptions, Source};
pub use error::{Result, StoreError};
pub use manifest::{FolderScan, Manifest, ManifestFile};
pub use path::SafePath;
pub use runtime::{interruptible, stop_of_thread};
pub use spec::{Protocol, StoreSpec, is_secret};
pub use staging::{
    Addressing, FolderContent, MadeFile, Payload, PendingObject, StoredObject, UploadOptions, UploadReport,
    undo, upload,
};
pub use store::parallel::run as at_once;
pub use store::{Level, ObjectMeta, OpenOptions, PutMode, Stats, Store, StoreReader, StoreWriter, Written};
pub use stores::Stores;
