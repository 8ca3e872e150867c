//! Versions of stored forms: what a value says of itself, and what a codec says it reads and writes.
//!
//! A codec that declares no version ([`Codec::format_version`] is `None`) is never asked: its bytes say what they are, as
//! those of the built-in codecs do. For all others the framework compares the version of a value with those that the
//! codec reads, before the codec sees the value.

use std::collections::HashSet;
use std::fmt;
use std::sync::{Mutex, OnceLock, PoisonError};

use lapjoint_types::Value;

use crate::codec::{Codec, Origin};
use crate::context::Site;
use crate::error::CodecError;

/// A package and its version.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Package {
    /// Name, as its registry has it.
    pub name: String,
    /// Version.
    pub version: String,
}

impl fmt::Display for Package {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.name, self.version)
    }
}

impl Package {
    /// This package.
    #[must_use]
    pub fn lapjoint() -> Self {
        Self { name: "lapjoint".into(), version: env!("CARGO_PKG_VERSION").into() }
    }
}

/// A stored value of a version that its codec does not read.
#[derive(Debug, thiserror::Error)]
#[error("{place}: <{codec}> cannot read version {version} of its format; it reads {}. {remedy}", reads.join(", "))]
pub struct UnsupportedVersion {
    /// Codec.
    pub codec: String,
    /// Version of the value.
    pub version: String,
    /// Versions that the codec reads.
    pub reads: Vec<String>,
    /// Table and attribute.
    pub place: String,
    /// What to install.
    pub remedy: String,
}

/// The key of metadata that names the version of the stored form.
pub const VERSION_KEY: &str = "codec_version";

/// The key of metadata that names the packages that wrote the value, with their versions.
pub const PROVENANCE_KEY: &str = "provenance";

/// The version that the metadata of a stored value names: `codec_version` of JSON, of text that is JSON, or of a dict.
#[must_use]
pub fn version_in_metadata(stored: &Value) -> Option<String> {
    let text = |json: &serde_json::Value| match json.get(VERSION_KEY)? {
        serde_json::Value::String(text) => Some(text.clone()),
        serde_json::Value::Number(number) => Some(number.to_string()),
        _ => None,
    };
    match stored {
        Value::Json(json) => text(json),
        Value::Str(document) if document.trim_start().starts_with('{') => {
            text(&serde_json::from_str(document).ok()?)
        }
        Value::Dict(items) => {
            let (_, version) =
                items.iter().find(|(key, _)| matches!(key, Value::Str(key) if key == VERSION_KEY))?;
            match version {
                Value::Str(text) => Some(text.clone()),
                Value::Int(number) => Some(number.to_string()),
                _ => None,
            }
        }
        _ => None,
    }
}

/// The packages that metadata says wrote the value: `{"name": "version", …}` under `provenance`.
#[must_use]
pub fn packages_in_metadata(metadata: &serde_json::Value) -> Vec<Package> {
    let Some(packages) = metadata.get(PROVENANCE_KEY).and_then(serde_json::Value::as_object) else {
        return Vec::new();
    };
    let package = |(name, version): (&String, &serde_json::Value)| {
        Some(Package { name: name.clone(), version: version.as_str()?.to_owned() })
    };
    packages.iter().filter_map(package).collect()
}

/// Refuses a stored value of a version that `codec` does not read, and warns of one that it will stop to read.
///
/// # Errors
/// [`CodecError::UnsupportedVersion`], or what the handler of warnings made of one.
pub(crate) fn check(codec: &dyn Codec, stored: &Value, site: &Site<'_>) -> Result<(), CodecError> {
    let reads = codec.reads_versions();
    if reads.is_empty() {
        return Ok(());
    }
    let Some(version) = codec.version_of(stored) else { return Ok(()) };
    if !reads.contains(&version) {
        return Err(unsupported(codec, version, reads, stored, site));
    }
    match codec.deprecated(&version) {
        Some(message) => warn_once(codec, &version, &message, site),
        None => Ok(()),
    }
}

fn unsupported(
    codec: &dyn Codec,
    version: String,
    reads: Vec<String>,
    stored: &Value,
    site: &Site<'_>,
) -> CodecError {
    let installed = codec.provenance();
    let written_by = match stored {
        Value::Json(json) => packages_in_metadata(json),
        _ => Vec::new(),
    };
    CodecError::UnsupportedVersion(Box::new(UnsupportedVersion {
        codec: codec.name().to_owned(),
        version,
        reads,
        place: format!("{}.{}, attribute `{}`", site.schema, site.table, site.field),
        remedy: remedy(installed.as_ref(), &written_by, &codec.origin()),
    }))
}

/// What to do where a value is newer than the codec: the package to upgrade, and what had written the value.
pub fn remedy(installed: Option<&Package>, written_by: &[Package], origin: &Origin) -> String {
    // The frameworks stand in the provenance of every plugin; the plugin is what has to be upgraded.
    let is_framework =
        |package: &&Package| ["lapjoint", "datajoint", "datajoint-python"].contains(&package.name.as_str());
    let writer = written_by.iter().find(|package| !is_framework(package)).or_else(|| written_by.first());
    match (installed, writer) {
        (Some(installed), Some(writer)) if installed.name == writer.name => format!(
            "Upgrade {} (installed: {}) to {} or later, which wrote it.",
            installed.name, installed.version, writer.version
        ),
        (Some(installed), Some(writer)) => {
            format!("Upgrade {} (installed: {}); {writer} wrote it.", installed.name, installed.version)
        }
        (Some(installed), None) => {
            format!("Upgrade {} (installed: {}).", installed.name, installed.version)
        }
        (None, Some(writer)) => format!("{writer} wrote it: install that. The codec in use is {origin}."),
        (None, None) => format!("The codec in use is {origin}: use a newer one."),
    }
}

/// Takes the warnings of versions that a codec will stop to read.
pub type DeprecationHandler = fn(&str) -> Result<(), CodecError>;

static HANDLER: OnceLock<DeprecationHandler> = OnceLock::new();
static WARNED: Mutex<Option<HashSet<String>>> = Mutex::new(None);

/// Lets `handler` take warnings of versions that a codec will stop to read, in place of the log. The first handler stays.
pub fn set_deprecation_handler(handler: DeprecationHandler) {
    let _ = HANDLER.set(handler);
}

/// Warns once a process for each codec, version and table.
fn warn_once(codec: &dyn Codec, version: &str, message: &str, site: &Site<'_>) -> Result<(), CodecError> {
    let name = codec.name();
    let key = format!("{name}\0{version}\0{}\0{}", site.schema, site.table);
    let is_new =
        WARNED.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert_with(HashSet::new).insert(key);
    if !is_new {
        return Ok(());
    }
    let text = format!(
        "{}.{}, attribute `{}`: version {version} of <{name}> is deprecated: {message}",
        site.schema, site.table, site.field
    );
    match HANDLER.get() {
        Some(handler) => handler(&text),
        None => {
            tracing::warn!("{text}");
            Ok(())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_version_is_found_in_every_form_of_metadata() {
        let json = serde_json::json!({"path": "a", "codec_version": "2.0"});
        assert_eq!(version_in_metadata(&Value::Str(json.to_string())).as_deref(), Some("2.0"));
        assert_eq!(version_in_metadata(&Value::from(json)).as_deref(), Some("2.0"));
        let dict = Value::Dict(vec![(Value::from("codec_version"), Value::Int(3))]);
        assert_eq!(version_in_metadata(&dict).as_deref(), Some("3"));
        for none in
            [Value::Null, Value::from("{broken"), Value::from(serde_json::json!({"codec_version": []}))]
        {
            assert_eq!(version_in_metadata(&none), None, "{none:?}");
        }
    }

    #[test]
    fn the_remedy_names_the_plugin_and_not_the_framework() {
        let package = |name: &str, version: &str| Package { name: name.into(), version: version.into() };
        let written = packages_in_metadata(&serde_json::json!({
            "provenance": {"datajoint-python": "2.3.5", "dj-zarr-codecs": "0.9.0", "odd": 5}
        }));
        assert_eq!(written.len(), 2);
        let origin = Origin::Python("a.B".into());
        assert_eq!(
            remedy(Some(&package("dj-zarr-codecs", "0.2.0")), &written, &origin),
            "Upgrade dj-zarr-codecs (installed: 0.2.0) to 0.9.0 or later, which wrote it."
        );
        assert_eq!(
            remedy(None, &written, &origin),
            "dj-zarr-codecs 0.9.0 wrote it: install that. The codec in use is Python class a.B."
        );
        assert_eq!(remedy(Some(&package("x", "1")), &[], &origin), "Upgrade x (installed: 1).");
    }
}
