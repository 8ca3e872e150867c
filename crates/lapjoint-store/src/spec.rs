//! What a store is: its protocol, its place and the layout of its sections.

use std::fmt;

use serde_json::Value as Json;

use crate::error::{Result, StoreError};
use crate::foreign::{drivers, interned};
use crate::path::SafePath;

mod keys;

pub use keys::is_secret;
use keys::{allowed_keys, required_keys};

/// How a store is reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Protocol {
    /// A directory of this machine (or one that is mounted here).
    File,
    /// The memory of this process; gone when the last handle is dropped.
    Memory,
    /// Amazon S3 and what speaks its language.
    S3,
    /// Google Cloud Storage.
    Gcs,
    /// Azure Blob Storage.
    Azure,
    /// Read-only files behind a web server.
    Http,
    /// A kind of store that a plugin brings; see [`crate::foreign`].
    Foreign(&'static str),
}

impl Protocol {
    /// Names of all protocols, as in `stores.<name>.protocol`.
    pub const NAMES: [&'static str; 6] = ["file", "memory", "s3", "gcs", "azure", "http"];

    /// The protocol of this name, in any case of letters.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Some(match name.to_ascii_lowercase().as_str() {
            "file" => Self::File,
            "memory" => Self::Memory,
            "s3" => Self::S3,
            "gcs" => Self::Gcs,
            "azure" => Self::Azure,
            "http" => Self::Http,
            _ if drivers().is_some_and(|drivers| drivers.knows(name)) => Self::Foreign(interned(name)),
            _ => return None,
        })
    }

    /// The protocol's name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::File => "file",
            Self::Memory => "memory",
            Self::S3 => "s3",
            Self::Gcs => "gcs",
            Self::Azure => "azure",
            Self::Http => "http",
            Self::Foreign(name) => name,
        }
    }
}

/// A store's settings, checked.
#[derive(Clone, PartialEq)]
#[non_exhaustive]
pub struct StoreSpec {
    /// The store's name in the configuration.
    pub name: String,
    /// How it is reached.
    pub protocol: Protocol,
    /// Directory (`file`) or prefix within the bucket.
    pub location: String,
    /// Section of hash-addressed objects; empty for none.
    pub hash_prefix: String,
    /// Section of schema-addressed objects; empty for none.
    pub schema_prefix: String,
    /// Section to which `<filepath@>` is restricted, if it is.
    pub filepath_prefix: Option<String>,
    /// Lengths of the folder names made from the first letters of a hash; empty for none.
    pub subfolding: Vec<usize>,
    /// Key attributes in braces that come first in schema-addressed paths.
    pub partition_pattern: Option<String>,
    /// Letters in the random part of schema-addressed names, 4 to 16.
    pub token_length: usize,
    /// Settings of the protocol (bucket, endpoint, credentials, ...). Never printed.
    options: Vec<(String, Json)>,
}

impl StoreSpec {
    /// A store in a directory, everything else as by default.
    #[must_use]
    pub fn file(name: &str, location: impl Into<String>) -> Self {
        Self::new(name, Protocol::File, location.into())
    }

    /// A store in memory, everything else as by default.
    #[must_use]
    pub fn memory(name: &str) -> Self {
        Self::new(name, Protocol::Memory, String::new())
    }

    fn new(name: &str, protocol: Protocol, location: String) -> Self {
        Self {
            name: name.to_owned(),
            protocol,
            location,
            hash_prefix: "_hash".into(),
            schema_prefix: "_schema".into(),
            filepath_prefix: None,
            subfolding: Vec::new(),
            partition_pattern: None,
            token_length: 8,
            options: Vec::new(),
        }
    }

    /// Checks the settings of the store `name`.
    ///
    /// # Errors
    ///
    /// [`StoreError::UnknownProtocol`], [`StoreError::MissingKeys`], [`StoreError::InvalidKeys`],
    /// [`StoreError::PrefixOverlap`], or [`StoreError::InvalidSetting`] for a value of a wrong kind.
    pub fn parse(name: &str, settings: &[(String, Json)]) -> Result<Self> {
        let text = |key: &str| text_setting(name, settings, key);
        let protocol = text("protocol")?.unwrap_or_default();
        let protocol = Protocol::from_name(&protocol)
            .ok_or_else(|| StoreError::UnknownProtocol { store: name.to_owned(), protocol })?;

        let is_foreign = matches!(protocol, Protocol::Foreign(_));
        let missing: Vec<String> = required_keys(protocol)
            .iter()
            .filter(|key| !settings.iter().any(|(present, _)| present == *key))
            .map(|key| (*key).to_owned())
            .collect();
        if !missing.is_empty() {
            return Err(StoreError::MissingKeys { store: name.to_owned(), keys: missing });
        }
        let allowed = allowed_keys(protocol);
        let invalid: Vec<String> = settings
            .iter()
            // Which settings a foreign kind of store has is its driver's matter.
            .filter(|(key, _)| !is_foreign && !allowed.contains(&key.as_str()))
            .map(|(key, _)| key.clone())
            .collect();
        if !invalid.is_empty() {
            let allowed = allowed.into_iter().map(str::to_owned).collect();
            return Err(StoreError::InvalidKeys { store: name.to_owned(), keys: invalid, allowed });
        }

        let mut spec = Self::new(name, protocol, text("location")?.unwrap_or_default());
        if protocol == Protocol::File && spec.location.is_empty() {
            return Err(invalid_setting(name, "location", "the path of a directory"));
        }
        if let Some(prefix) = text("hash_prefix")? {
            spec.hash_prefix = prefix;
        }
        if let Some(prefix) = text("schema_prefix")? {
            spec.schema_prefix = prefix;
        }
        spec.filepath_prefix = text("filepath_prefix")?.filter(|prefix| !prefix.is_empty());
        spec.partition_pattern = text("partition_pattern")?;
        spec.subfolding = subfolding(name, settings)?;
        spec.token_length = token_length(name, settings)?;
        spec.options = settings
            .iter()
            .filter(|(key, _)| is_foreign || !keys::COMMON.contains(&key.as_str()))
            .cloned()
            .collect();
        spec.check_prefixes()?;
        Ok(spec)
    }

    /// All settings of the protocol. They may have credentials: do not print them.
    #[must_use]
    pub fn settings(&self) -> &[(String, Json)] {
        &self.options
    }

    /// A setting of the protocol, such as `bucket`. May be a credential: do not print it.
    #[must_use]
    pub fn option(&self, key: &str) -> Option<&Json> {
        self.options.iter().find(|(name, _)| name == key).map(|(_, value)| value)
    }

    /// Sections must not lie within one another, or collecting garbage in one would delete from the other.
    fn check_prefixes(&self) -> Result<()> {
        let sections = [
            ("hash_prefix", self.hash_prefix.as_str()),
            ("schema_prefix", self.schema_prefix.as_str()),
            ("filepath_prefix", self.filepath_prefix.as_deref().unwrap_or_default()),
        ];
        let used: Vec<_> = sections.into_iter().filter(|(_, value)| !value.is_empty()).collect();
        for (key, value) in &used {
            let trimmed = value.trim_matches('/');
            // "/" is DataJoint's other way of writing "no prefix".
            if !trimmed.is_empty() {
                SafePath::parse(trimmed).map_err(|error| {
                    invalid_setting(&self.name, key, &format!("a path within the store ({error})"))
                })?;
            }
        }
        for (index, (first, first_value)) in used.iter().enumerate() {
            for (second, second_value) in used.iter().skip(index + 1) {
                let a = format!("{}/", first_value.trim_matches('/'));
                let b = format!("{}/", second_value.trim_matches('/'));
                if a.starts_with(&b) || b.starts_with(&a) {
                    return Err(StoreError::PrefixOverlap {
                        store: self.name.clone(),
                        first: (*first).to_owned(),
                        first_value: (*first_value).to_owned(),
                        second: (*second).to_owned(),
                        second_value: (*second_value).to_owned(),
                    });
                }
            }
        }
        Ok(())
    }
}

impl fmt::Debug for StoreSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StoreSpec")
            .field("name", &self.name)
            .field("protocol", &self.protocol)
            .field("location", &self.location)
            .field("hash_prefix", &self.hash_prefix)
            .field("schema_prefix", &self.schema_prefix)
            .field("filepath_prefix", &self.filepath_prefix)
            .field("subfolding", &self.subfolding)
            .field("partition_pattern", &self.partition_pattern)
            .field("token_length", &self.token_length)
            .field("options", &self.options.iter().map(|(key, _)| key).collect::<Vec<_>>())
            .finish()
    }
}

fn invalid_setting(store: &str, key: &str, expected: &str) -> StoreError {
    StoreError::InvalidSetting {
        key: format!("stores.{store}.{key}"),
        origin: String::new(),
        expected: expected.to_owned(),
    }
}

fn find<'a>(settings: &'a [(String, Json)], key: &str) -> Option<&'a Json> {
    settings.iter().find(|(name, _)| name == key).map(|(_, value)| value).filter(|value| !value.is_null())
}

fn text_setting(store: &str, settings: &[(String, Json)], key: &str) -> Result<Option<String>> {
    match find(settings, key) {
        None => Ok(None),
        Some(Json::String(text)) => Ok(Some(text.clone())),
        Some(_) => Err(invalid_setting(store, key, "a string")),
    }
}

fn subfolding(store: &str, settings: &[(String, Json)]) -> Result<Vec<usize>> {
    let fail = || {
        invalid_setting(
            store,
            "subfolding",
            "a list of positive numbers of letters, at most 26 together, as [2, 2]",
        )
    };
    let Some(value) = find(settings, "subfolding") else { return Ok(Vec::new()) };
    let folds: Option<Vec<usize>> = value
        .as_array()
        .ok_or_else(fail)?
        .iter()
        .map(|fold| {
            fold.as_u64().and_then(|fold| usize::try_from(fold).ok()).filter(|fold| (1..=26).contains(fold))
        })
        .collect();
    folds.filter(|folds| folds.iter().sum::<usize>() <= 26).ok_or_else(fail)
}

fn token_length(store: &str, settings: &[(String, Json)]) -> Result<usize> {
    let Some(value) = find(settings, "token_length") else { return Ok(8) };
    // Out of range is clamped, as DataJoint does; a secrets file can only hold text.
    let number = value.as_i64().or_else(|| value.as_str().and_then(|text| text.trim().parse().ok()));
    let length = number.ok_or_else(|| invalid_setting(store, "token_length", "a whole number"))?;
    Ok(usize::try_from(length.clamp(4, 16)).unwrap_or(8))
}

#[cfg(test)]
mod tests;
