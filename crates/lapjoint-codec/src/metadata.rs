//! The JSON metadata that store codecs keep in their column.
//!
//! It comes from a database that others can write to, so nothing in it is believed: every field is checked for its
//! type when it is read, and paths are checked before they reach a store.

use lapjoint_store::{SafePath, Store, StoreError};
use lapjoint_types::Value;

use crate::error::CodecError;

/// A JSON object and the codec that reads it, for its errors.
#[derive(Debug, Clone)]
pub struct Metadata {
    codec: &'static str,
    json: serde_json::Value,
}

impl Metadata {
    /// The metadata of a stored value: a JSON object, or text that is one.
    ///
    /// # Errors
    /// [`CodecError`] for other values.
    pub fn read(codec: &'static str, stored: Value) -> Result<Self, CodecError> {
        let json = match stored {
            Value::Json(json) => *json,
            // What a caller outside of a table gives.
            Value::Dict(_) => to_json(codec, stored)?,
            Value::Str(text) => {
                serde_json::from_str(&text).map_err(|error| CodecError::stored(codec, error.to_string()))?
            }
            other => {
                return Err(CodecError::stored(
                    codec,
                    format!("expected JSON metadata, got {}", other.type_name()),
                ));
            }
        };
        Self::from_json(codec, json)
    }

    /// Metadata that is parsed already.
    ///
    /// # Errors
    /// [`CodecError`] when it is no JSON object.
    pub fn from_json(codec: &'static str, json: serde_json::Value) -> Result<Self, CodecError> {
        if !json.is_object() {
            return Err(CodecError::stored(codec, format!("expected a JSON object, got {}", kind(&json))));
        }
        Ok(Self { codec, json })
    }

    /// The JSON object.
    #[must_use]
    pub const fn json(&self) -> &serde_json::Value {
        &self.json
    }

    /// The JSON object itself.
    #[must_use]
    pub fn into_json(self) -> serde_json::Value {
        self.json
    }

    /// The field `name` unless it is absent or null.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&serde_json::Value> {
        self.json.get(name).filter(|value| !value.is_null())
    }

    fn wrong(&self, name: &str, expected: &str) -> CodecError {
        let message = match self.json.get(name) {
            None => format!("its metadata has no \"{name}\""),
            Some(value) => format!("\"{name}\" of its metadata must be {expected}, got {}", kind(value)),
        };
        CodecError::stored(self.codec, message)
    }

    /// A field that must be text.
    ///
    /// # Errors
    /// [`CodecError`] for a field of another type.
    pub fn text(&self, name: &str) -> Result<&str, CodecError> {
        self.json.get(name).and_then(serde_json::Value::as_str).ok_or_else(|| self.wrong(name, "text"))
    }

    /// A field that is text or missing.
    ///
    /// # Errors
    /// [`CodecError`] for a field of another type.
    pub fn optional_text(&self, name: &str) -> Result<Option<&str>, CodecError> {
        self.get(name).map(|value| value.as_str().ok_or_else(|| self.wrong(name, "text"))).transpose()
    }

    /// A field that is a whole number or missing.
    ///
    /// # Errors
    /// [`CodecError`] for a field of another type.
    pub fn optional_u64(&self, name: &str) -> Result<Option<u64>, CodecError> {
        self.get(name)
            .map(|value| {
                value.as_u64().ok_or_else(|| self.wrong(name, "a whole number that is not negative"))
            })
            .transpose()
    }

    /// A field that is true or false, or missing, which means false.
    ///
    /// # Errors
    /// [`CodecError`] for a field of another type.
    pub fn flag(&self, name: &str) -> Result<bool, CodecError> {
        self.get(name)
            .map_or(Ok(false), |value| value.as_bool().ok_or_else(|| self.wrong(name, "true or false")))
    }

    /// The array shape in a field.
    ///
    /// # Errors
    /// [`CodecError`] for a field of another type.
    pub fn shape(&self, name: &str) -> Result<Vec<usize>, CodecError> {
        let wrong = || self.wrong(name, "a list of whole numbers");
        let sizes = self.json.get(name).and_then(serde_json::Value::as_array).ok_or_else(wrong)?;
        sizes
            .iter()
            .map(|size| size.as_u64().and_then(|size| usize::try_from(size).ok()).ok_or_else(wrong))
            .collect()
    }

    /// The object's path, if it cannot leave its store.
    ///
    /// # Errors
    /// [`CodecError`] when it is missing or could leave the store.
    pub fn path(&self) -> Result<&str, CodecError> {
        let path = self.text("path")?;
        SafePath::parse(path)?;
        Ok(path)
    }

    /// The declared CRC-32C: eight hexadecimal digits.
    ///
    /// # Errors
    /// [`CodecError`] for a field of another type.
    pub fn crc32c(&self) -> Result<Option<u32>, CodecError> {
        let Some(text) = self.optional_text("crc32c")? else { return Ok(None) };
        match parse_crc32c(text) {
            Some(crc) => Ok(Some(crc)),
            None => Err(self.wrong("crc32c", "eight hexadecimal digits")),
        }
    }

    /// Compares the declared size with the object's.
    ///
    /// # Errors
    /// [`CodecError`] when they differ, or the field is of another type.
    pub fn check_size(&self, store: &Store, actual_bytes: u64) -> Result<(), CodecError> {
        match self.optional_u64("size")? {
            Some(expected_bytes) => check_size(store, self.path()?, expected_bytes, actual_bytes),
            None => Ok(()),
        }
    }
}

/// A CRC-32C as metadata and stores write it: eight hexadecimal digits.
pub(crate) fn parse_crc32c(text: &str) -> Option<u32> {
    let is_hex = text.len() == 8 && text.bytes().all(|digit| digit.is_ascii_hexdigit());
    u32::from_str_radix(text, 16).ok().filter(|_| is_hex)
}

/// Compares an object's size with the one on record.
pub(crate) fn check_size(
    store: &Store,
    path: &str,
    expected_bytes: u64,
    actual_bytes: u64,
) -> Result<(), CodecError> {
    if expected_bytes == actual_bytes {
        return Ok(());
    }
    Err(CodecError::Store(StoreError::SizeMismatch {
        store: store.name().to_owned(),
        path: path.to_owned(),
        expected_bytes,
        actual_bytes,
    }))
}

/// Compares an object's checksum with the one on record.
pub(crate) fn check_crc32c(store: &Store, path: &str, expected: u32, actual: u32) -> Result<(), CodecError> {
    if expected == actual {
        return Ok(());
    }
    Err(CodecError::Store(StoreError::ChecksumMismatch {
        store: store.name().to_owned(),
        path: path.to_owned(),
        expected: format!("crc32c {expected:08x}"),
        actual: format!("crc32c {actual:08x}"),
    }))
}

/// JSON type of a value, with the value itself when it is short.
fn kind(json: &serde_json::Value) -> String {
    match json {
        serde_json::Value::Null => "null".into(),
        serde_json::Value::Bool(flag) => flag.to_string(),
        serde_json::Value::Number(number) => number.to_string(),
        serde_json::Value::String(text) if text.chars().count() <= 60 => format!("{text:?}"),
        serde_json::Value::String(_) => "text".into(),
        serde_json::Value::Array(_) => "a list".into(),
        serde_json::Value::Object(_) => "an object".into(),
    }
}

/// A value as JSON, if it is made of what JSON has.
pub(crate) fn to_json(codec: &str, value: Value) -> Result<serde_json::Value, CodecError> {
    Ok(match value {
        Value::Null => serde_json::Value::Null,
        Value::Json(json) => *json,
        Value::Bool(flag) => flag.into(),
        Value::Int(number) => number.into(),
        Value::Float(number) if number.is_finite() => number.into(),
        Value::Str(text) => text.into(),
        Value::List(items) | Value::Tuple(items) => {
            items.into_iter().map(|item| to_json(codec, item)).collect::<Result<Vec<_>, _>>()?.into()
        }
        Value::Dict(items) => {
            let mut object = serde_json::Map::with_capacity(items.len());
            for (key, item) in items {
                let Value::Str(key) = key else {
                    return Err(CodecError::value(
                        codec,
                        format!("metadata keys must be text, got {}", key.type_name()),
                    ));
                };
                object.insert(key, to_json(codec, item)?);
            }
            object.into()
        }
        other => return Err(CodecError::value(codec, format!("metadata cannot hold {}", other.type_name()))),
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn every_field_is_checked_for_its_type() {
        let read = |json| Metadata::from_json("npy", json).unwrap();
        assert!(Metadata::from_json("npy", json!([1])).unwrap_err().to_string().contains("a list"));
        assert!(Metadata::read("npy", Value::Str("{".into())).is_err());
        assert!(Metadata::read("npy", Value::Int(1)).unwrap_err().to_string().contains("got int"));
        let error = read(json!({})).text("path").unwrap_err().to_string();
        assert_eq!(error, "<npy> cannot read its stored value: its metadata has no \"path\"");
        for path in ["../x", "/etc/passwd", "a/../../b", "", "a\0b"] {
            assert!(read(json!({"path": path})).path().is_err(), "{path:?}");
        }
        for shape in [json!("x"), json!([-1]), json!([1.5]), json!([[1]]), json!(null)] {
            assert!(read(json!({"shape": shape})).shape("shape").is_err());
        }
        assert_eq!(read(json!({"shape": [2, 0]})).shape("shape").unwrap(), [2, 0]);
        for crc in [json!("+0000001"), json!("1"), json!(7), json!("zzzzzzzz")] {
            assert!(read(json!({"crc32c": crc})).crc32c().is_err());
        }
        assert_eq!(read(json!({"crc32c": "0000000F"})).crc32c().unwrap(), Some(15));
        assert_eq!(read(json!({"size": null})).optional_u64("size").unwrap(), None);
        assert!(read(json!({"size": -1})).optional_u64("size").is_err());
        assert!(read(json!({"is_dir": "yes"})).flag("is_dir").is_err());
    }

    #[test]
    fn values_become_json_or_are_refused() {
        let dict = Value::Dict(vec![
            ("b".into(), Value::List(vec![Value::Int(1), Value::Null])),
            ("a".into(), true.into()),
        ]);
        assert_eq!(to_json("object", dict).unwrap().to_string(), r#"{"b":[1,null],"a":true}"#);
        assert!(to_json("object", Value::Dict(vec![(Value::Int(1), Value::Null)])).is_err());
        assert!(to_json("object", Value::Float(f64::NAN)).is_err());
    }
}
