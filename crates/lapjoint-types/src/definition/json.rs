//! Definitions as JSON: what conformance cases compare.

use serde_json::{Value, json};

use super::{Attribute, AttributeDefault, Definition, ForeignKey, Index, IndexPart, ItemKind, Reference};
use crate::core_type::CoreType;
use crate::spec::{StoreRef, TypeSpec};

impl Definition {
    /// The definition as JSON, the same in every language.
    ///
    /// ```
    /// let definition = lapjoint_types::Definition::parse("x : <blob@>")?;
    /// assert_eq!(definition.to_json()["items"][0]["type"]["store"], "");
    /// # Ok::<(), lapjoint_types::DefinitionError>(())
    /// ```
    #[must_use]
    pub fn to_json(&self) -> Value {
        let items: Vec<Value> = self
            .items
            .iter()
            .map(|item| {
                let mut json = match &item.kind {
                    ItemKind::Attribute(attribute) => attribute_json(attribute),
                    ItemKind::ForeignKey(key) => foreign_key_json(key),
                    ItemKind::Index(index) => index_json(index),
                };
                if let Some(object) = json.as_object_mut() {
                    object.insert("line".to_owned(), item.line_number.into());
                }
                json
            })
            .collect();
        json!({"comment": self.comment, "items": items})
    }
}

impl TypeSpec {
    /// The type as JSON: its layer, and what the layer's types have.
    #[must_use]
    pub fn to_json(&self) -> Value {
        match self {
            Self::Native(text) => json!({"layer": "native", "text": text}),
            Self::Core(CoreType::Enum(labels)) => json!({"layer": "core", "name": "enum", "labels": labels}),
            Self::Core(core) => json!({"layer": "core", "name": core.to_string()}),
            Self::Codec(codec) => {
                let store = match &codec.store {
                    StoreRef::Inline => Value::Null,
                    StoreRef::Default => "".into(),
                    StoreRef::Named(store) => store.as_str().into(),
                };
                json!({"layer": "codec", "name": codec.name, "store": store})
            }
        }
    }
}

fn attribute_json(attribute: &Attribute) -> Value {
    let default = match &attribute.default {
        None => Value::Null,
        Some(AttributeDefault::Null) => json!({"null": true}),
        Some(AttributeDefault::CurrentTimestamp(digits)) => json!({"current_timestamp": digits}),
        Some(AttributeDefault::Literal(text)) => json!({"literal": text}),
    };
    json!({
        "kind": "attribute",
        "name": attribute.name,
        "default": default,
        "type": attribute.spec.to_json(),
        "type_text": attribute.type_text,
        "comment": attribute.comment,
        "in_key": attribute.in_key,
    })
}

fn foreign_key_json(key: &ForeignKey) -> Value {
    let reference = match &key.reference {
        Reference::Name(names) => json!({"name": names}),
        Reference::Table { schema, table } => json!({"schema": schema, "table": table}),
    };
    let projection = key.projection.as_ref().map(|projection| {
        let renames: serde_json::Map<String, Value> = projection
            .renames
            .iter()
            .map(|rename| (rename.new.clone(), Value::from(rename.old.as_str())))
            .collect();
        json!({"attributes": projection.attributes, "renames": renames})
    });
    json!({
        "kind": "foreign_key",
        "reference": reference,
        "projection": projection,
        "nullable": key.nullable,
        "unique": key.unique,
        "comment": key.comment,
        "in_key": key.in_key,
    })
}

fn index_json(index: &Index) -> Value {
    let parts: Vec<Value> = index
        .parts
        .iter()
        .map(|part| match part {
            IndexPart::Attribute(name) => json!({"attribute": name}),
            IndexPart::JsonPath { attribute, path, cast } => {
                json!({"attribute": attribute, "path": path, "cast": cast})
            }
            IndexPart::Expression(text) => json!({"expression": text}),
        })
        .collect();
    json!({"kind": "index", "unique": index.unique, "parts": parts})
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_of_item() {
        let text = "-> A.proj(x='y')\n---\nk = null : enum('a') # c\nindex(k, (k))";
        let expected = json!({"comment": "", "items": [
            {"kind": "foreign_key", "reference": {"name": ["A"]},
             "projection": {"attributes": [], "renames": {"x": "y"}},
             "nullable": false, "unique": false, "comment": "", "in_key": true, "line": 1},
            {"kind": "attribute", "name": "k", "default": {"null": true},
             "type": {"layer": "core", "name": "enum", "labels": ["a"]}, "type_text": "enum('a')",
             "comment": "c", "in_key": false, "line": 3},
            {"kind": "index", "unique": false, "parts": [{"attribute": "k"}, {"expression": "(k)"}], "line": 4},
        ]});
        assert_eq!(Definition::parse(text).unwrap().to_json(), expected);
    }
}
