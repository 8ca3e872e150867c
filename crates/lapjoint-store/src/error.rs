//! What can go wrong with configuration, paths and stores.

use std::io;
use std::path::PathBuf;

use crate::nearest::did_you_mean;

/// Result of this crate.
pub type Result<T, E = StoreError> = std::result::Result<T, E>;

/// What went wrong with configuration, a path or a store.
///
/// No message holds a credential: values of secret settings are never part of an error.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// No object has this path.
    #[error("Missing external file {path} (store '{store}')")]
    NotFound {
        /// Store name.
        store: String,
        /// Path within the store.
        path: String,
    },
    /// A file of a folder could not be made when it was its turn.
    #[error("{path} could not be made: {source}")]
    MakeFile {
        /// Path within the store.
        path: String,
        /// Cause.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// An object has this path already, and the write was not allowed to replace it.
    #[error("store '{store}' already has an object at {path}")]
    AlreadyExists {
        /// Store name.
        store: String,
        /// Path within the store.
        path: String,
    },
    /// The operating system or the service refused access.
    #[error("permission denied in store '{store}' for {path}: {message}")]
    PermissionDenied {
        /// Store name.
        store: String,
        /// Path within the store.
        path: String,
        /// What the system said.
        message: String,
    },
    /// The configuration has no store of this name.
    #[error("Storage '{name}' is requested but not configured in stores{}", configured_stores(.name, .configured))]
    UnknownStore {
        /// The name asked for.
        name: String,
        /// Names that are configured.
        configured: Vec<String>,
    },
    /// No store was named and `stores.default` is not set.
    #[error(
        "stores.default is not configured{}: set it in lapjoint.json or datajoint.json \
         to the name of a store, or write the store's name after the @",
        configured_hint(.configured)
    )]
    NoDefaultStore {
        /// Names that are configured.
        configured: Vec<String>,
    },
    /// No store was named and `stores.filepath_default` is not set.
    #[error(
        "stores.filepath_default is not configured. Set stores.filepath_default or specify store explicitly \
         with <filepath@store>"
    )]
    NoFilepathDefaultStore,
    /// A store lacks settings that its protocol needs.
    #[error("config.stores[\"{store}\"] is missing: {}", .keys.join(", "))]
    MissingKeys {
        /// Store name.
        store: String,
        /// The settings that are missing.
        keys: Vec<String>,
    },
    /// Settings without which a service cannot be reached are there but empty.
    #[error("Missing {} configuration: {} (config.stores[\"{store}\"])", .protocol.to_uppercase(), .keys.join(", "))]
    EmptyKeys {
        /// Store name.
        store: String,
        /// Its protocol.
        protocol: &'static str,
        /// The settings that are empty.
        keys: Vec<String>,
    },
    /// One half of a pair of keys is there.
    #[error(
        "Incomplete S3 credentials: set both access_key and secret_key, or neither to use ambient AWS credentials. \
         (config.stores[\"{store}\"])"
    )]
    IncompleteCredentials {
        /// Store name.
        store: String,
    },
    /// A store has settings that its protocol does not know.
    #[error("Invalid key(s) in config.stores[\"{store}\"]: {}{}", .keys.join(", "), key_hints(.keys, .allowed))]
    InvalidKeys {
        /// Store name.
        store: String,
        /// The settings that are not known.
        keys: Vec<String>,
        /// The settings that are.
        allowed: Vec<String>,
    },
    /// Two sections of a store lie within one another.
    #[error(
        "config.stores[\"{store}\"]: {first}=\"{first_value}\" and {second}=\"{second_value}\" overlap. \
         Storage section prefixes must be mutually exclusive."
    )]
    PrefixOverlap {
        /// Store name.
        store: String,
        /// First setting.
        first: String,
        /// Its value.
        first_value: String,
        /// Second setting.
        second: String,
        /// Its value.
        second_value: String,
    },
    /// Nobody knows this protocol.
    #[error(
        "Unknown protocol \"{protocol}\" in config.stores[\"{store}\"]. Built-in: {}. Install a plugin package for \
         additional protocols.",
        crate::spec::Protocol::NAMES.join(", ")
    )]
    UnknownProtocol {
        /// Store name.
        store: String,
        /// The protocol asked for.
        protocol: String,
    },
    /// The directory of a `file` store is not there.
    #[error("Inaccessible local directory {location} (store '{store}'): create it or correct its location")]
    InaccessibleDirectory {
        /// Store name.
        store: String,
        /// The configured location.
        location: String,
    },
    /// A path could leave the store or mean different things on different systems.
    #[error("unsafe path {path:?}: {reason}")]
    UnsafePath {
        /// The path, or the part of it, that was refused.
        path: String,
        /// Why.
        reason: String,
    },
    /// `<filepath@>` was given a path in a section that holds hash- or schema-addressed objects.
    #[error(
        "<filepath@> cannot use reserved section '{section}' ({setting}). This section is managed by \
         DataJoint. Got path: {path}"
    )]
    ReservedSection {
        /// The path.
        path: String,
        /// The section's prefix.
        section: String,
        /// The setting that reserves it.
        setting: String,
    },
    /// `<filepath@>` was given a path outside of the section set aside for it.
    #[error("<filepath@> must use prefix '{prefix}' (filepath_prefix). Got path: {path}")]
    OutsideFilepathPrefix {
        /// The path.
        path: String,
        /// The prefix it must have.
        prefix: String,
    },
    /// The text is not a content hash.
    #[error("Invalid content hash (expected 26-char lowercase base32): {hash}")]
    InvalidHash {
        /// The text.
        hash: String,
    },
    /// A primary key value cannot be part of a path.
    #[error("primary key value {attribute}={value} cannot be part of a path in a store: {reason}")]
    InvalidKeyValue {
        /// Attribute of the primary key.
        attribute: String,
        /// The value, shortened.
        value: String,
        /// Why.
        reason: String,
    },
    /// The bytes in the store are not those that were written.
    #[error(
        "Checksum mismatch in store '{store}': expected {expected}, got {actual}. Data at {path} may be corrupted."
    )]
    ChecksumMismatch {
        /// Store name.
        store: String,
        /// Path within the store.
        path: String,
        /// The checksum on record.
        expected: String,
        /// The checksum of what was read.
        actual: String,
    },
    /// An object has another size than the one on record.
    #[error("{path} in store '{store}' has {actual_bytes} bytes, expected {expected_bytes}")]
    SizeMismatch {
        /// Store name.
        store: String,
        /// Path within the store.
        path: String,
        /// The size on record.
        expected_bytes: u64,
        /// The size found.
        actual_bytes: u64,
    },
    /// A read reaches beyond the end of its object.
    #[error(
        "bytes {start}..{end} of {path} in store '{store}' do not exist: the object has {size_bytes} bytes"
    )]
    RangeOutOfBounds {
        /// Store name.
        store: String,
        /// Path within the store.
        path: String,
        /// First byte asked for.
        start: u64,
        /// One past the last byte asked for.
        end: u64,
        /// Size of the object.
        size_bytes: u64,
    },
    /// Files of a stored folder are missing or changed.
    #[error("folder {path} in store '{store}' does not match its manifest: {}", .problems.join("; "))]
    FolderMismatch {
        /// Store name.
        store: String,
        /// Path of the folder within the store.
        path: String,
        /// What is wrong, file by file.
        problems: Vec<String>,
    },
    /// A folder manifest cannot be read.
    #[error("manifest {path} cannot be read: {message}")]
    InvalidManifest {
        /// Path of the manifest.
        path: String,
        /// Why.
        message: String,
    },
    /// Something in a local folder cannot be stored.
    #[error("{} cannot be stored: {reason}", .path.display())]
    UnstorableFile {
        /// The local path.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// A file of this machine (not of a store) cannot be read or written.
    #[error("cannot {operation} {}: {source}", .path.display())]
    LocalFile {
        /// What was attempted.
        operation: &'static str,
        /// The local path.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A store's file system failed.
    #[error("cannot {operation} {path} in store '{store}': {source}")]
    Io {
        /// What was attempted.
        operation: &'static str,
        /// Store name.
        store: String,
        /// Path within the store.
        path: String,
        /// What the system said.
        source: io::Error,
    },
    /// A store's service failed.
    #[error("cannot {operation} {path} in store '{store}': {message}{}", after(*.attempts))]
    Service {
        /// What was attempted.
        operation: &'static str,
        /// Store name.
        store: String,
        /// Path within the store.
        path: String,
        /// What the service said.
        message: String,
        /// Requests sent before it was given up.
        attempts: u32,
    },
    /// Threads for reading and writing could not be started.
    #[error("cannot start the store's input/output threads: {0}")]
    Runtime(#[source] io::Error),
    /// A setting has a value that it cannot have.
    #[error("setting {key}{} must be {expected}", came_from(.origin))]
    InvalidSetting {
        /// The setting.
        key: String,
        /// Where its value came from; empty when the caller set it.
        origin: String,
        /// What it may be.
        expected: String,
    },
    /// There is no such setting.
    #[error("Setting '{key}' not found{}", did_you_mean(.key, .known))]
    UnknownSetting {
        /// The setting asked for.
        key: String,
        /// All settings.
        known: Vec<String>,
    },
    /// A configuration file cannot be read.
    #[error("Failed to load config from {}: {message}", .path.display())]
    ConfigFile {
        /// The file.
        path: PathBuf,
        /// Why.
        message: String,
    },
    /// An environment variable has a value that it cannot have.
    #[error("{variable} {problem}")]
    InvalidEnvironment {
        /// The variable.
        variable: String,
        /// What is wrong with it.
        problem: String,
    },
    /// The caller asked to stop.
    #[error("stopped by the caller after {objects_done} of {objects_total} objects")]
    Cancelled {
        /// Objects that were complete.
        objects_done: u64,
        /// Objects that were asked for.
        objects_total: u64,
    },
    /// An upload failed, and some of what it had created could not be removed.
    #[error("{cause}; in addition {} of its objects could not be removed and remain: {}", .remaining.len(), .remaining.join(", "))]
    UndoIncomplete {
        /// Why the upload failed.
        cause: Box<StoreError>,
        /// `store:path` of what remains.
        remaining: Vec<String>,
    },
}

impl StoreError {
    /// Sorts an error of a store's file system into a variant.
    pub(crate) fn from_io(operation: &'static str, store: &str, path: &str, source: io::Error) -> Self {
        let (store, path) = (store.to_owned(), path.to_owned());
        match source.kind() {
            io::ErrorKind::NotFound => Self::NotFound { store, path },
            io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
                Self::PermissionDenied { store, path, message: source.to_string() }
            }
            _ => Self::Io { operation, store, path, source },
        }
    }

    pub(crate) fn local(operation: &'static str, path: impl Into<PathBuf>, source: io::Error) -> Self {
        Self::LocalFile { operation, path: path.into(), source }
    }

    pub(crate) fn unsafe_path(path: &str, reason: impl Into<String>) -> Self {
        Self::UnsafePath { path: shorten(path), reason: reason.into() }
    }

    /// Whether this says that the object is not there.
    #[must_use]
    pub const fn is_not_found(&self) -> bool {
        matches!(self, Self::NotFound { .. })
    }
}

/// Keeps error messages readable when a value is long.
pub(crate) fn shorten(text: &str) -> String {
    const LIMIT_CHARS: usize = 120;
    match text.char_indices().nth(LIMIT_CHARS) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or(text)),
        None => text.to_owned(),
    }
}

fn after(attempts: u32) -> String {
    if attempts > 1 { format!(" (after {attempts} attempts)") } else { String::new() }
}

fn configured_hint(configured: &[String]) -> String {
    if configured.is_empty() {
        " and no store is".into()
    } else {
        format!(" (configured stores: {})", configured.join(", "))
    }
}

fn configured_stores(name: &str, configured: &[String]) -> String {
    if configured.is_empty() {
        "; no store is configured: add stores.<name>.protocol and stores.<name>.location".into()
    } else {
        format!("{}; configured: {}", did_you_mean(name, configured), configured.join(", "))
    }
}

fn key_hints(keys: &[String], allowed: &[String]) -> String {
    let hints: Vec<_> = keys.iter().map(|key| did_you_mean(key, allowed)).filter(|h| !h.is_empty()).collect();
    hints.join("")
}

fn came_from(origin: &str) -> String {
    if origin.is_empty() { String::new() } else { format!(" (from {origin})") }
}
