//! Lock files: the codecs of a pipeline, by name, with their origins, packages and versions.
//!
//! ```json
//! {
//!   "lapjoint_codecs_lock": 1,
//!   "codecs": {
//!     "zarr": {
//!       "origin": "built in",
//!       "package": {"name": "lapjoint", "version": "0.1.0"},
//!       "format_version": "1.0",
//!       "reads_versions": ["1.0"]
//!     }
//!   }
//! }
//! ```
//!
//! A codec in WebAssembly has `sha256` of its module besides. A [`Registry`] that has a lock gives out only codecs that are in it
//! and equal to what it says.

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;

use serde_json::{Map, Value as Json, json};

use crate::codec::{Codec, Origin};
use crate::registry::Registry;
use crate::version::Package;

/// Name of a lock file.
pub const LOCK_FILE: &str = "lapjoint.codecs.lock";

/// The key of the format's own version.
const FORMAT: &str = "lapjoint_codecs_lock";

/// Largest lock file that is read, in bytes.
const LIMIT_BYTES: u64 = 16 << 20;

/// A lock file that cannot be read or written.
#[derive(Debug, thiserror::Error)]
#[error("lock file {path}: {message}")]
pub struct LockError {
    /// File.
    pub path: String,
    /// What is wrong.
    pub message: String,
}

/// What a lock says of one codec.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pin {
    /// Who brings it in.
    pub origin: String,
    /// Package that it comes with.
    pub package: Option<Package>,
    /// Version of the stored form that it writes.
    pub format_version: Option<String>,
    /// Versions that it reads.
    pub reads_versions: Vec<String>,
    /// SHA-256 of its code, where the code is data.
    pub sha256: Option<String>,
}

impl Pin {
    /// What a lock says of a codec.
    pub fn of(codec: &dyn Codec) -> Self {
        let origin = match codec.origin() {
            // The hash says which; where the file lies is each machine's own.
            Origin::Wasm(_) if codec.digest().is_some() => "WebAssembly module".to_owned(),
            origin => origin.to_string(),
        };
        Self {
            origin,
            package: codec.provenance(),
            format_version: codec.format_version(),
            reads_versions: codec.reads_versions(),
            sha256: codec.digest(),
        }
    }

    /// How `found` differs; empty when it does not.
    fn differences(&self, found: &Self) -> Vec<String> {
        let package =
            |pin: &Self| pin.package.as_ref().map_or_else(|| "no package".into(), ToString::to_string);
        let text = |text: &Option<String>| text.clone().unwrap_or_else(|| "none".into());
        let parts = [
            ("origin", self.origin.clone(), found.origin.clone()),
            ("package", package(self), package(found)),
            ("format version", text(&self.format_version), text(&found.format_version)),
            ("versions read", self.reads_versions.join(", "), found.reads_versions.join(", ")),
            ("sha256", text(&self.sha256), text(&found.sha256)),
        ];
        let differs = |(what, locked, found): (&str, String, String)| {
            (locked != found).then(|| format!("{what} is {found}, locked is {locked}"))
        };
        parts.into_iter().filter_map(differs).collect()
    }

    fn to_json(&self) -> Json {
        let mut json = Map::new();
        json.insert("origin".into(), json!(self.origin));
        if let Some(package) = &self.package {
            json.insert("package".into(), json!({"name": package.name, "version": package.version}));
        }
        if let Some(version) = &self.format_version {
            json.insert("format_version".into(), json!(version));
        }
        if !self.reads_versions.is_empty() {
            json.insert("reads_versions".into(), json!(self.reads_versions));
        }
        if let Some(digest) = &self.sha256 {
            json.insert("sha256".into(), json!(digest));
        }
        json.into()
    }

    fn from_json(name: &str, json: &Json) -> Result<Self, String> {
        let object =
            json.as_object().ok_or_else(|| format!("codec {name:?} must be an object, got {json}"))?;
        let text = |object: &Map<String, Json>, key: &str| match object.get(key) {
            None | Some(Json::Null) => Ok(None),
            Some(Json::String(text)) => Ok(Some(text.clone())),
            Some(other) => Err(format!("{key:?} of codec {name:?} must be text, got {other}")),
        };
        let needed = |object: &Map<String, Json>, key: &str| {
            text(object, key)?.ok_or_else(|| format!("codec {name:?} has no {key:?}"))
        };
        let package = match object.get("package") {
            None | Some(Json::Null) => None,
            Some(Json::Object(package)) => {
                Some(Package { name: needed(package, "name")?, version: needed(package, "version")? })
            }
            Some(other) => {
                return Err(format!("\"package\" of codec {name:?} must be an object, got {other}"));
            }
        };
        let reads = match object.get("reads_versions") {
            None | Some(Json::Null) => Vec::new(),
            Some(list) => serde_json::from_value(list.clone()).map_err(|_| {
                format!("\"reads_versions\" of codec {name:?} must be a list of texts, got {list}")
            })?,
        };
        Ok(Self {
            origin: needed(object, "origin")?,
            package,
            format_version: text(object, "format_version")?,
            reads_versions: reads,
            sha256: text(object, "sha256")?,
        })
    }
}

/// How a codec differs from what a lock says of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// Codec.
    pub codec: String,
    /// What differs, for people.
    pub what: String,
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "<{}>: {}", self.codec, self.what)
    }
}

/// The codecs of a pipeline.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Lock {
    /// What is known of each codec, by name.
    pub codecs: BTreeMap<String, Pin>,
}

impl Lock {
    /// The codecs that a registry has now.
    #[must_use]
    pub fn of(registry: &Registry) -> Self {
        let pin = |codec: std::sync::Arc<dyn Codec>| (codec.name().to_owned(), Pin::of(codec.as_ref()));
        Self { codecs: registry.codecs().into_iter().map(pin).collect() }
    }

    /// Reads a lock file.
    ///
    /// # Errors
    /// [`LockError`] when it is not there, or is no lock file of a version that is known here.
    pub fn read(path: &Path) -> Result<Self, LockError> {
        let failed = |message: String| LockError { path: path.display().to_string(), message };
        let size_bytes = std::fs::metadata(path).map_err(|error| failed(error.to_string()))?.len();
        if size_bytes > LIMIT_BYTES {
            return Err(failed(format!("{size_bytes} bytes are too many for a lock file")));
        }
        let content = std::fs::read(path).map_err(|error| failed(error.to_string()))?;
        Self::parse(&content).map_err(failed)
    }

    fn parse(content: &[u8]) -> Result<Self, String> {
        let json: Json =
            serde_json::from_slice(content).map_err(|error| format!("it is no JSON: {error}"))?;
        match json.get(FORMAT) {
            Some(version) if *version == json!(1) => {}
            Some(version) => return Err(format!("its format {version} is not known here; upgrade lapjoint")),
            None => return Err(format!("it is no lock file: {FORMAT:?} is missing")),
        }
        let codecs = json.get("codecs").and_then(Json::as_object).ok_or("it has no \"codecs\"")?;
        let pins: Result<BTreeMap<_, _>, String> =
            codecs.iter().map(|(name, pin)| Ok((name.clone(), Pin::from_json(name, pin)?))).collect();
        Ok(Self { codecs: pins? })
    }

    /// The text of the lock file: the same for the same codecs.
    #[must_use]
    pub fn to_text(&self) -> String {
        let codecs: Map<String, Json> =
            self.codecs.iter().map(|(name, pin)| (name.clone(), pin.to_json())).collect();
        format!("{:#}\n", json!({FORMAT: 1, "codecs": codecs}))
    }

    /// Writes the lock file, all of it or nothing.
    ///
    /// # Errors
    /// [`LockError`] when the file cannot be written.
    pub fn write(&self, path: &Path) -> Result<(), LockError> {
        let failed = |error: std::io::Error| LockError {
            path: path.display().to_string(),
            message: format!("it cannot be written: {error}"),
        };
        let mut partial = path.as_os_str().to_owned();
        partial.push(format!(".{}.saving", std::process::id()));
        std::fs::write(&partial, self.to_text()).map_err(failed)?;
        std::fs::rename(&partial, path).map_err(failed)
    }

    /// How a codec differs from what the lock says; `None` when it does not.
    pub fn difference(&self, codec: &dyn Codec) -> Option<Difference> {
        let name = codec.name();
        let what = match self.codecs.get(name) {
            None => format!("it is not in the lock; here it is {}", codec.origin()),
            Some(pin) => {
                let differences = pin.differences(&Pin::of(codec));
                if differences.is_empty() {
                    return None;
                }
                differences.join("; ")
            }
        };
        Some(Difference { codec: name.to_owned(), what })
    }

    /// All differences between the lock and what a registry has: codecs that are other ones, that are missing, and, with `new`,
    /// that the lock does not know.
    #[must_use]
    pub fn differences(&self, registry: &Registry, new: bool) -> Vec<Difference> {
        let mut found: Vec<Difference> = registry
            .codecs()
            .iter()
            .filter(|codec| new || self.codecs.contains_key(codec.name()))
            .filter_map(|codec| self.difference(codec.as_ref()))
            .collect();
        for (name, pin) in &self.codecs {
            if !registry.contains(name) {
                let from =
                    pin.package.as_ref().map(|package| format!("; install {package}")).unwrap_or_default();
                found.push(Difference { codec: name.clone(), what: format!("it is not there{from}") });
            }
        }
        found.sort_by(|a, b| a.codec.cmp(&b.codec));
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lock_comes_back_from_its_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(LOCK_FILE);
        let registry = Registry::with_builtins();
        let lock = Lock::of(&registry);
        lock.write(&path).unwrap();
        assert_eq!(Lock::read(&path).unwrap(), lock);
        assert_eq!(lock.differences(&registry, true), []);
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn differences_are_named() {
        let registry = Registry::with_builtins();
        let mut lock = Lock::of(&registry);
        let pin = lock.codecs.get_mut("blob").unwrap();
        pin.package = Some(Package { name: "lapjoint".into(), version: "9.9".into() });
        lock.codecs.remove("npy");
        lock.codecs.insert("gone".into(), lock.codecs["hash"].clone());
        let text: Vec<String> = lock.differences(&registry, true).iter().map(ToString::to_string).collect();
        let here = Package::lapjoint();
        assert_eq!(
            text,
            [
                format!("<blob>: package is {here}, locked is lapjoint 9.9"),
                format!("<gone>: it is not there; install {here}"),
                "<npy>: it is not in the lock; here it is built in".into(),
            ]
        );
    }

    #[test]
    fn files_that_are_no_locks_are_refused() {
        for (content, message) in [
            ("", "no JSON"),
            ("{}", "is missing"),
            ("{\"lapjoint_codecs_lock\": 2}", "format 2 is not known"),
            ("{\"lapjoint_codecs_lock\": 1}", "no \"codecs\""),
            ("{\"lapjoint_codecs_lock\": 1, \"codecs\": {\"x\": 5}}", "must be an object"),
            ("{\"lapjoint_codecs_lock\": 1, \"codecs\": {\"x\": {}}}", "no \"origin\""),
            (
                "{\"lapjoint_codecs_lock\": 1, \"codecs\": {\"x\": {\"origin\": \"o\", \"reads_versions\": [1]}}}",
                "a list of texts",
            ),
        ] {
            let error = Lock::parse(content.as_bytes()).unwrap_err();
            assert!(error.contains(message), "{error}");
        }
        assert!(Lock::read(Path::new("nowhere.lock")).unwrap_err().to_string().contains("nowhere.lock"));
    }
}
