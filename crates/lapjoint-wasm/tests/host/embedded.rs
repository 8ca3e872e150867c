//! Values that carry their decoder.

use std::path::Path;

use bytes::Bytes;
use lapjoint_codec::{Codec, CodecError, DecodeContext, EncodeContext, Place, Site};
use lapjoint_store::{Config, PutMode, Stores, UploadOptions, staging::no_progress, upload};
use lapjoint_types::{NdArray, Value};
use lapjoint_wasm::{LoadOptions, WasmCodec, stand_in_for, trust};
use serde_json::json;

use crate::common::example;

fn stores(trusted: &[&str]) -> Stores {
    let mut config = Config::default();
    config.set("stores", json!({"default": "main", "main": {"protocol": "memory"}})).unwrap();
    config.set("codecs.trusted_wasm", json!(trusted)).unwrap();
    Stores::new(config)
}

fn embedding(name: &str) -> WasmCodec {
    let options = LoadOptions { limits: None, embed_decoder: Some(true) };
    WasmCodec::from_bytes_with(example(name), options).unwrap()
}

fn site() -> Site<'static> {
    Site { schema: "lab", table: "scan", field: "image", key: &[] }
}

fn write(codec: &WasmCodec, value: &Value, place: Place, stores: &Stores) -> Value {
    let mut context = EncodeContext::new(site(), stores);
    context.place = place;
    let column = codec.encode(value.clone(), &mut context).unwrap();
    upload(stores, &context.take_staged(), &UploadOptions::default(), &no_progress).unwrap();
    column
}

fn read(name: &str, column: &Value, stores: &Stores) -> Result<Option<Value>, CodecError> {
    let context = DecodeContext { site: site(), stores, store_name: None, download_path: Path::new(".") };
    let codec = stand_in_for(name, column, &context)?;
    codec.map(|codec| lapjoint_codec::stand_in::decode(codec.as_ref(), column.clone(), &context)).transpose()
}

fn value() -> Value {
    Value::Array(Box::new(NdArray::from_shape_vec(vec![2, 3], vec![1i32, 2, 3, 5, 8, 13]).unwrap()))
}

#[test]
fn a_reader_without_the_codec_decodes_what_is_trusted() {
    let codec = embedding("delta");
    for place in [Place::Inline, Place::Store] {
        let stores = stores(&[codec.sha256()]);
        let column = write(&codec, &value(), place, &stores);
        assert_eq!(read("delta", &column, &stores).unwrap(), Some(value()));
        // The codec itself reads it, too, and both objects are referred to.
        let context =
            DecodeContext { site: site(), stores: &stores, store_name: None, download_path: Path::new(".") };
        assert_eq!(codec.decode(column.clone(), &context).unwrap(), value());
        let references = codec.references(&column).unwrap();
        assert_eq!(references.len(), if place.is_store() { 2 } else { 1 });
        for reference in references {
            let store = stores.get(reference.store.as_deref()).unwrap();
            assert_eq!(store.size_bytes(&reference.path).unwrap(), reference.size_bytes.unwrap());
        }
        // Metadata that a driver gives as text say the same.
        if let Value::Json(json) = &column {
            assert_eq!(json["codec_version"], "1.0");
            assert_eq!(json["wasm_sha256"], codec.sha256());
            assert_eq!(read("delta", &Value::Str(json.to_string()), &stores).unwrap(), Some(value()));
        }
    }
}

#[test]
fn a_module_is_stored_once() {
    let codec = embedding("delta");
    let stores = stores(&[]);
    for number in 0..3i64 {
        let value = Value::Array(Box::new(NdArray::from_vec(vec![number])));
        write(&codec, &value, Place::Store, &stores);
    }
    let listed = stores.get(None).unwrap().list("_hash/lab").unwrap();
    let modules: Vec<_> =
        listed.iter().filter(|file| file.path.rsplit('/').next().unwrap().len() == 52).collect();
    assert_eq!((listed.len(), modules.len()), (4, 1), "{listed:?}");
    assert_eq!(modules[0].size_bytes, codec.module_bytes().len() as u64);
}

#[test]
fn what_is_not_trusted_does_not_run() {
    let codec = embedding("runs");
    let stores = stores(&[]);
    let column = write(&codec, &value(), Place::Store, &stores);
    let error = read("runs", &column, &stores).unwrap_err().to_string();
    for part in
        [codec.sha256(), "_hash/lab/", "store 'main'", "codecs.trusted_wasm", "dj.codecs.trust_wasm(\""]
    {
        assert!(error.contains(part), "{part}: {error}");
    }
    trust::allow(&codec.sha256().to_uppercase()).unwrap();
    assert_eq!(read("runs", &column, &stores).unwrap(), Some(value()));
    assert!(trust::revoke(codec.sha256()));
    assert!(read("runs", &column, &stores).is_err(), "a permission that was taken back");
    // Another hash in the list does not help.
    stores.update(|config| config.set("codecs.trusted_wasm", json!(["0".repeat(64)]))).unwrap();
    assert!(read("runs", &column, &stores).is_err());
}

#[test]
fn a_changed_module_is_not_compiled() {
    let codec = embedding("xor");
    let stores = stores(&[codec.sha256()]);
    let column = write(&codec, &value(), Place::Store, &stores);
    let decoder = codec.references(&column).unwrap().pop().unwrap();
    let store = stores.get(None).unwrap();
    for changed in [example("delta"), Vec::new(), vec![0; 4 << 20]] {
        store.put(&decoder.path, changed, PutMode::Overwrite).unwrap();
        let error = read("xor", &column, &stores).unwrap_err().to_string();
        assert!(error.contains("the object was changed; it was not run"), "{error}");
    }
    store.put(&decoder.path, vec![0; (4 << 20) + 1], PutMode::Overwrite).unwrap();
    assert!(read("xor", &column, &stores).unwrap_err().to_string().contains("a module may have 4194304"));
    store.delete(&decoder.path).unwrap();
    assert!(read("xor", &column, &stores).is_err());
    // The right bytes again: nothing of the attempts is remembered.
    store.put(&decoder.path, example("xor"), PutMode::Overwrite).unwrap();
    assert_eq!(read("xor", &column, &stores).unwrap(), Some(value()));
}

#[test]
fn metadata_that_lie_are_errors_or_carry_nothing() {
    let codec = embedding("lz4-delta");
    let stores = stores(&[codec.sha256()]);
    let column = write(&codec, &value(), Place::Store, &stores);
    let Value::Json(metadata) = column.clone() else { panic!("no metadata") };
    let with = |key: &str, value: serde_json::Value| {
        let mut changed = metadata.as_ref().clone();
        changed["decoder"][key] = value;
        read("lz4-delta", &Value::from(changed), &stores)
    };
    for (key, lie) in [
        ("sha256", json!("latest")),
        ("sha256", json!(5)),
        ("path", json!("../../etc/passwd")),
        ("path", json!(null)),
        ("store", json!("nowhere")),
        ("path", metadata["path"].clone()),
    ] {
        // The module is remembered by its hash once it ran, so that a fresh hash is needed for the place to matter.
        if key == "sha256" || lie == json!("../../etc/passwd") || lie == json!(null) {
            assert!(with(key, lie.clone()).is_err(), "{key}: {lie}");
        }
    }
    let mut without = metadata.as_ref().clone();
    without.as_object_mut().unwrap().remove("decoder");
    assert_eq!(read("lz4-delta", &Value::from(without), &stores).unwrap(), None);
    for stored in
        [Value::Int(5), Value::Bytes(Bytes::from_static(b"L4D1")), Value::from(json!({"decoder": null}))]
    {
        assert_eq!(read("lz4-delta", &stored, &stores).unwrap(), None);
    }
    // A trusted module of another codec.
    let error = read("delta", &column, &stores).unwrap_err().to_string();
    assert!(error.contains("is of another codec, <lz4-delta>"), "{error}");
    // A version that the module does not read.
    let mut later = metadata.as_ref().clone();
    later["codec_version"] = json!("7.0");
    let error = read("lz4-delta", &Value::from(later), &stores).unwrap_err().to_string();
    assert!(error.contains("cannot read version 7.0") && error.contains("it reads 1.0"), "{error}");
}

#[test]
fn inline_values_need_a_store_for_their_decoder() {
    let codec = embedding("delta");
    let nowhere = Stores::new(Config::default());
    let mut context = EncodeContext::new(site(), &nowhere);
    let error = codec.encode(value(), &mut context).unwrap_err().to_string();
    assert!(error.contains("codecs.embed_decoder"), "{error}");
    // Without embedding nothing of the kind is asked.
    let plain = WasmCodec::from_bytes(example("delta")).unwrap();
    let Value::Bytes(column) = plain.encode(value(), &mut context).unwrap() else { panic!("no bytes") };
    assert!(column.starts_with(b"DLT1"));
    assert!(plain.references(&Value::Bytes(column)).unwrap().is_empty());
    // The setting asks for it as well.
    let stores = stores(&[]);
    stores.update(|config| config.set("codecs.embed_decoder", true)).unwrap();
    let column = write(&plain, &value(), Place::Inline, &stores);
    assert_eq!(plain.references(&column).unwrap().len(), 1);
}
