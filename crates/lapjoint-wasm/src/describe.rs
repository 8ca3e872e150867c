//! What a module says about itself.

use lapjoint_types::TypeSpec;
use serde_json::Value as Json;

use crate::error::WasmError;

/// Most bytes of a description.
pub(crate) const LIMIT_DESCRIPTION_BYTES: usize = 64 << 10;

/// In which form values cross into a module and back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// Any value, as uncompressed bytes of the blob format.
    Blob,
    /// An array: a header of 8 bytes and 8 for each dimension, then the elements in row-major order.
    Array,
    /// Bytes as they are.
    Bytes,
    /// A JSON document as text. For stored values only.
    Json,
}

/// The description of a module's codec.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Description {
    /// Name in `<name>`.
    pub name: String,
    /// One line that says what it is for.
    pub summary: String,
    /// Version of the stored form that it writes.
    pub version: String,
    /// Versions that it reads, its own among them.
    pub reads: Vec<String>,
    /// How values cross.
    pub values: Form,
    /// The type that it stores: `bytes`, another core type, or a codec.
    pub stored: TypeSpec,
    /// Whether it may stand without `@`.
    pub inline: bool,
    /// Whether it may stand with `@`.
    pub store: bool,
    /// Whether equal values give equal bytes.
    pub deterministic: bool,
}

impl Description {
    /// Reads the JSON of `dj_describe`.
    pub(crate) fn parse(bytes: &[u8], origin: &str) -> Result<Self, WasmError> {
        Self::read(bytes).map_err(|reason| WasmError::Description { origin: origin.to_owned(), reason })
    }

    fn read(bytes: &[u8]) -> Result<Self, String> {
        let json: Json = serde_json::from_slice(bytes).map_err(|error| format!("is not JSON: {error}"))?;
        let object = json.as_object().ok_or("is not a JSON object")?;
        let optional = |key: &str| match object.get(key) {
            None | Some(Json::Null) => Ok(None),
            Some(Json::String(text)) if text.len() <= 1000 => Ok(Some(text.as_str())),
            Some(_) => Err(format!("needs \"{key}\" as text")),
        };
        let name = optional("name")?.ok_or("has no \"name\"")?;
        if !is_name(name) {
            return Err(format!(
                "names the codec {name:?}: a name is a lower-case letter, then lower-case letters, digits, `_` and `-`"
            ));
        }
        let version = optional("version")?.ok_or("has no \"version\" of the stored form, such as \"1.0\"")?;
        let mut reads = texts(object.get("reads"), "reads")?.unwrap_or_default();
        if !reads.iter().any(|known| known == version) {
            reads.push(version.to_owned());
        }
        let values = match optional("values")?.unwrap_or("blob") {
            "blob" => Form::Blob,
            "array" => Form::Array,
            "bytes" => Form::Bytes,
            other => {
                return Err(format!(
                    "has \"values\": {other:?}; there are \"blob\", \"array\" and \"bytes\""
                ));
            }
        };
        let stored = optional("stored")?.unwrap_or("bytes");
        let stored =
            TypeSpec::parse(stored).map_err(|error| format!("has \"stored\": {stored:?}: {error}"))?;
        if matches!(stored, TypeSpec::Native(_)) {
            return Err(format!(
                "has \"stored\": \"{stored}\", a type of one database; a core type or a codec is needed"
            ));
        }
        let places = texts(object.get("places"), "places")?;
        let (mut inline, mut store) = (places.is_none(), places.is_none());
        for place in places.unwrap_or_default() {
            match place.as_str() {
                "inline" => inline = true,
                "store" => store = true,
                other => return Err(format!("has a place {other:?}; there are \"inline\" and \"store\"")),
            }
        }
        if !inline && !store {
            return Err("has no \"places\"; there are \"inline\" and \"store\"".into());
        }
        if store && !is_bytes(&stored) && !matches!(stored, TypeSpec::Codec(_)) {
            return Err(format!(
                "says that {stored} goes to a store; only bytes and codecs can: \"places\": [\"inline\"]"
            ));
        }
        let deterministic = match object.get("deterministic") {
            None => true,
            Some(Json::Bool(flag)) => *flag,
            Some(_) => return Err("needs \"deterministic\" as true or false".into()),
        };
        Ok(Self {
            name: name.to_owned(),
            summary: optional("summary")?.unwrap_or_default().replace(char::is_control, " "),
            version: version.to_owned(),
            reads,
            values,
            stored,
            inline,
            store,
            deterministic,
        })
    }

    /// Whether the codec's own bytes are stored, by this host.
    pub(crate) fn stores_bytes(&self) -> bool {
        is_bytes(&self.stored)
    }
}

fn is_bytes(ty: &TypeSpec) -> bool {
    matches!(ty, TypeSpec::Core(lapjoint_types::CoreType::Bytes))
}

fn is_name(name: &str) -> bool {
    let mut bytes = name.bytes();
    name.len() <= 64
        && bytes.next().is_some_and(|first| first.is_ascii_lowercase())
        && bytes.all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_' || b == b'-')
}

fn texts(value: Option<&Json>, key: &str) -> Result<Option<Vec<String>>, String> {
    let wrong = || format!("needs \"{key}\" as a list of texts");
    let Some(value) = value.filter(|value| !value.is_null()) else { return Ok(None) };
    let items = value.as_array().filter(|items| items.len() <= 100).ok_or_else(wrong)?;
    items
        .iter()
        .map(|item| item.as_str().map(str::to_owned).ok_or_else(wrong))
        .collect::<Result<_, _>>()
        .map(Some)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fault(json: &str) -> String {
        Description::parse(json.as_bytes(), "x.wasm").unwrap_err().to_string()
    }

    #[test]
    fn what_is_left_out_has_a_default() {
        let read = Description::parse(br#"{"name": "a-1", "version": "1.0", "later": {}}"#, "x").unwrap();
        assert_eq!(
            (read.values, read.inline, read.store, read.deterministic),
            (Form::Blob, true, true, true)
        );
        assert!(read.stores_bytes());
        assert_eq!(read.reads, ["1.0"]);
        let read = Description::parse(
            br#"{"name": "a", "version": "2", "reads": ["1"], "stored": "<blob>", "values": "array"}"#,
            "x",
        );
        assert_eq!(read.unwrap().reads, ["1", "2"]);
    }

    #[test]
    fn every_fault_is_named() {
        for (json, expected) in [
            ("", "is not JSON"),
            ("\u{feff}{}", "is not JSON"),
            ("[]", "is not a JSON object"),
            ("{}", "has no \"name\""),
            (r#"{"name": 5}"#, "needs \"name\" as text"),
            (r#"{"name": "../x", "version": "1"}"#, "a name is"),
            (r#"{"name": "a"}"#, "has no \"version\""),
            (r#"{"name": "a", "version": "1", "values": "xml"}"#, "there are \"blob\""),
            (r#"{"name": "a", "version": "1", "stored": "mediumblob"}"#, "type of one database"),
            (r#"{"name": "a", "version": "1", "stored": "json"}"#, "goes to a store"),
            (r#"{"name": "a", "version": "1", "places": []}"#, "has no \"places\""),
            (r#"{"name": "a", "version": "1", "places": ["moon"]}"#, "there are \"inline\""),
            (r#"{"name": "a", "version": "1", "reads": [1]}"#, "list of texts"),
            (r#"{"name": "a", "version": "1", "deterministic": "yes"}"#, "true or false"),
        ] {
            let fault = fault(json);
            assert!(
                fault.contains(expected) && fault.starts_with("x.wasm: its description"),
                "{json}: {fault}"
            );
        }
        let deep = "[".repeat(100_000);
        assert!(fault(&deep).contains("is not JSON"));
    }
}
