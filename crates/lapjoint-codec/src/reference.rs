//! Objects that a stored value refers to.

use lapjoint_types::Value;

use crate::error::CodecError;

/// An object (or folder) in a store, as a stored value names it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ObjectReference {
    /// Store name; `None` means the default store.
    pub store: Option<String>,
    /// Path in the store.
    pub path: String,
    /// Whether the path is a folder (everything below it, and its manifest, belong to the reference).
    pub is_dir: bool,
    /// Declared size in bytes.
    pub size_bytes: Option<u64>,
    /// Declared CRC-32C of the object's bytes.
    pub crc32c: Option<u32>,
    /// Whether the engine owns the object; `false` for `<filepath@>`, whose files belong to the user.
    pub owned: bool,
}

impl ObjectReference {
    /// The reference in standard metadata: a JSON object with `path`, and optionally `store`, `size`, `is_dir`, `crc32c`.
    ///
    /// Any other value refers to nothing.
    ///
    /// # Errors
    /// [`CodecError::Stored`] when the text of a JSON document cannot be parsed, or its `path` is no text.
    pub fn from_metadata(stored: &Value) -> Result<Vec<Self>, CodecError> {
        let parsed;
        let json = match stored {
            Value::Json(json) => json.as_ref(),
            Value::Str(text) if text.trim_start().starts_with('{') => {
                parsed = serde_json::from_str(text)
                    .map_err(|error| CodecError::stored("json", error.to_string()))?;
                &parsed
            }
            _ => return Ok(Vec::new()),
        };
        if json.get("path").is_some_and(|path| !path.is_string()) {
            // To take this for "no reference" would let an object be collected that may be in use.
            return Err(CodecError::stored("json", "\"path\" of its metadata must be text"));
        }
        Ok(Self::from_json(json).into_iter().collect())
    }

    /// The reference in one metadata object, if it names a path.
    #[must_use]
    pub fn from_json(json: &serde_json::Value) -> Option<Self> {
        let path = json.get("path")?.as_str()?.to_owned();
        let text = |name: &str| json.get(name).and_then(serde_json::Value::as_str);
        Some(Self {
            path,
            store: text("store").filter(|store| !store.is_empty()).map(str::to_owned),
            is_dir: json.get("is_dir").and_then(serde_json::Value::as_bool).unwrap_or(false),
            size_bytes: json.get("size").and_then(serde_json::Value::as_u64),
            crc32c: text("crc32c").and_then(|hex| u32::from_str_radix(hex, 16).ok()),
            owned: true,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn standard_metadata_is_found_in_json_and_in_text() {
        let json = serde_json::json!({"path": "a/b", "store": "", "size": 3, "crc32c": "0000000f"});
        let expected = ObjectReference {
            store: None,
            path: "a/b".into(),
            is_dir: false,
            size_bytes: Some(3),
            crc32c: Some(15),
            owned: true,
        };
        for stored in [Value::Str(json.to_string()), Value::from(json)] {
            assert_eq!(ObjectReference::from_metadata(&stored).unwrap(), std::slice::from_ref(&expected));
        }
        assert!(ObjectReference::from_metadata(&Value::Int(1)).unwrap().is_empty());
        assert!(ObjectReference::from_metadata(&Value::Str("{broken".into())).is_err());
    }
}
