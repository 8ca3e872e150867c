//! Codecs of users over the built-in ones: stores, references, nulls and validation along a chain.

use std::sync::Arc;

use lapjoint_codec::types::{TypeSpec, Value};
use lapjoint_codec::{Capabilities, Codec, CodecError, DecodeContext, EncodeContext, ObjectRef, Place};

use crate::common::{Bed, json_of};

/// Wraps a value into what `inner` stores: a list for `<blob>`, bytes for `<hash>` and `<object>`.
#[derive(Debug)]
struct Wrap {
    name: &'static str,
    inner: &'static str,
    nulls: bool,
}

impl Codec for Wrap {
    fn name(&self) -> &str {
        self.name
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities { nulls: self.nulls, ..Capabilities::default() }
    }

    fn dtype(&self, _: Place) -> Result<TypeSpec, CodecError> {
        Ok(TypeSpec::parse(self.inner)?)
    }

    fn encode(&self, value: Value, _: &mut EncodeContext<'_>) -> Result<Value, CodecError> {
        Ok(match (value, self.inner) {
            (Value::Str(text), "<hash>" | "<object>") => Value::from(text.into_bytes()),
            // Not what the next codec takes.
            (Value::Int(number), "<hash>") => Value::Int(number),
            (value, _) => Value::List(vec![value]),
        })
    }

    fn decode(&self, stored: Value, _: &DecodeContext<'_>) -> Result<Value, CodecError> {
        let text = |bytes: &[u8]| Value::Str(String::from_utf8_lossy(bytes).into_owned());
        match stored {
            Value::List(mut items) => Ok(items.pop().unwrap_or(Value::Null)),
            Value::Bytes(bytes) => Ok(text(&bytes)),
            Value::Foreign(_) => match stored.downcast_ref::<ObjectRef>() {
                Some(object) => Ok(text(&object.read()?)),
                None => Err(CodecError::stored(self.name, "expected an object")),
            },
            other => Err(CodecError::stored(self.name, other.type_name())),
        }
    }
}

fn bed() -> Bed {
    let bed = Bed::new();
    for (name, inner) in [
        ("graph", "<blob@>"),
        ("cgraph", "<graph>"),
        ("model", "<hash>"),
        ("file", "<object>"),
        ("pinned", "<blob@cold>"),
    ] {
        bed.registry.register(Arc::new(Wrap { name, inner, nulls: false })).unwrap();
    }
    bed.registry.register(Arc::new(Wrap { name: "maybe", inner: "<blob>", nulls: true })).unwrap();
    bed
}

#[test]
fn values_come_back_and_every_object_is_referred_to() {
    let bed = bed();
    for (spec, store) in [
        ("<graph@cold>", "cold"),
        ("<graph@>", "main"),
        ("<cgraph@cold>", "cold"),
        ("<model@cold>", "cold"),
        ("<model@>", "main"),
        ("<file@cold>", "cold"),
        ("<file@>", "main"),
        ("<pinned@main>", "cold"),
        ("<pinned>", "cold"),
    ] {
        let stored = bed.encode(spec, "nodes and edges").unwrap();
        let [object] = stored.staged.as_slice() else { panic!("{spec}: {:?}", stored.staged) };
        assert_eq!(object.store, store, "{spec}");
        assert_eq!(json_of(&stored.column)["store"], store, "{spec}");
        let [reference] = bed.references(spec, &stored.column).try_into().unwrap();
        assert_eq!(
            (reference.path.as_str(), reference.store.as_deref()),
            (object.path.as_str(), Some(store)),
            "{spec}"
        );
        assert!(reference.owned);
        let column = bed.insert(spec, "nodes and edges");
        assert_eq!(bed.fetch(spec, column.clone()).unwrap(), Value::from("nodes and edges"), "{spec}");
        bed.store(store).delete(&reference.path).unwrap();
        assert!(bed.fetch(spec, column).is_err());
    }
}

#[test]
fn an_inner_codec_validates_what_it_is_given() {
    let bed = bed();
    let error = bed.encode("<model@>", Value::Int(5)).err().unwrap().to_string();
    assert_eq!(error, "<hash> expects bytes, got int");
}

#[test]
fn nulls_reach_only_codecs_that_ask_for_them() {
    let bed = bed();
    let stored = bed.encode("<graph@>", Value::Null).unwrap();
    assert!(stored.column.is_null() && stored.staged.is_empty());
    let column = bed.insert("<maybe>", Value::Null);
    assert!(matches!(column, Value::Bytes(_)));
    assert_eq!(bed.fetch("<maybe>", column).unwrap(), Value::Null);
}

#[test]
fn a_reference_that_cannot_be_read_is_an_error_and_no_absence() {
    let bed = bed();
    let chain = bed.chain("<graph@>");
    for broken in [serde_json::json!({"path": 5}), serde_json::json!({"path": null})] {
        assert!(chain.references(&broken.into()).is_err());
    }
    assert!(chain.references(&Value::Str("{\"path\": ".into())).is_err());
}
