//! Good modules: every form of values, every stored type, both places, many threads.

use std::sync::Arc;

use bytes::Bytes;
use lapjoint_codec::conformance::{Case, codec_conformance};
use lapjoint_codec::{Codec, Origin, Place, Registry};
use lapjoint_types::{NdArray, Value};
use lapjoint_wasm::{LoadOptions, WasmCodec};

use crate::common::{EXAMPLES, Guest, example, tight};

fn array(shape: Vec<usize>) -> Value {
    let count = shape.iter().product::<usize>();
    let numbers: Vec<u32> = (0..u32::try_from(count).unwrap()).map(|i| 1_000_000 + i / 7 * i % 90).collect();
    Value::Array(Box::new(NdArray::from_shape_vec(shape, numbers).unwrap()))
}

fn arrays() -> Vec<Case> {
    let signed = NdArray::from_vec(vec![-1i64, i64::MIN, i64::MAX, 0, 7]);
    vec![
        Case::new(array(vec![12, 9])),
        Case::new(array(vec![0, 3])),
        Case::new(array(vec![])),
        Case::new(Value::Array(Box::new(signed))),
        Case::new(Value::Array(Box::new(NdArray::from_vec(vec![0u8; 100])))),
    ]
}

#[test]
fn the_examples_follow_the_rules_of_every_codec() {
    for name in EXAMPLES {
        let bytes = example(name);
        let codec = WasmCodec::from_bytes(&bytes).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(codec.name(), name);
        assert!(bytes.len() < 60_000, "{name} has {} bytes", bytes.len());
        let codec: Arc<dyn Codec> = Arc::new(codec);
        codec_conformance(&codec, &arrays()).unwrap();
    }
}

#[test]
fn the_examples_carry_what_they_are_for() {
    let load = |name: &str| WasmCodec::from_bytes(example(name)).unwrap();
    let limits = tight();
    let ramp = Value::Array(Box::new(NdArray::from_vec((0..4096u32).map(|i| i * 3).collect())));
    for (name, most) in [("delta", 4200), ("lz4-delta", 500)] {
        let stored = load(name).encode_value(&ramp, limits).unwrap();
        assert!(stored.len() < most, "{name}: {} bytes", stored.len());
    }
    let mask = Value::Array(Box::new(NdArray::from_shape_vec(vec![64, 64], vec![0u8; 4096]).unwrap()));
    assert!(load("runs").encode_value(&mask, limits).unwrap().len() < 64);
    let steady = Value::Array(Box::new(NdArray::from_vec(vec![0.1f64; 1000])));
    assert!(load("xor").encode_value(&steady, limits).unwrap().len() < 1200);
    let error = load("delta").encode_value(&steady, limits).unwrap_err().to_string();
    assert_eq!(error, "<delta> expects integers, got elements of kind 'f', 8 bytes");
    let error = load("delta").decode_value(b"xyz", limits).unwrap_err().to_string();
    assert_eq!(error, "<delta> cannot read its stored value: these bytes do not begin with DLT1");
}

#[test]
fn any_value_can_cross_as_a_blob() {
    let codec: Arc<dyn Codec> = Arc::new(Guest::new("same", "").load().unwrap());
    let cases = [
        Case::new(5i64),
        Case::new("text"),
        Case::new(array(vec![3, 4])),
        Case::new(Value::Dict(vec![("a".into(), Value::List(vec![Value::Null, 2.5.into()]))])),
    ];
    codec_conformance(&codec, &cases).unwrap();
    let guest = Guest::new("same", r#", "values": "bytes""#);
    let codec: Arc<dyn Codec> = Arc::new(guest.load().unwrap());
    codec_conformance(
        &codec,
        &[Case::new(Value::Bytes(Bytes::from_static(b"abc"))), Case::new(Value::Bytes(Bytes::new()))],
    )
    .unwrap();
}

#[test]
fn a_module_may_stand_before_other_codecs() {
    for stored in ["<blob>", "<hash>", "<attach>"] {
        let guest =
            Guest::new("outer", &format!(r#", "stored": "{stored}", "places": ["store"], "values": "blob""#));
        let codec = guest.load().unwrap();
        assert_eq!(codec.dtype(Place::Store).unwrap().to_string(), stored);
        assert!(codec.dtype(Place::Inline).is_err());
    }
    let guest = Guest::new("outer", r#", "stored": "<blob>""#);
    let codec: Arc<dyn Codec> = Arc::new(guest.load().unwrap());
    codec_conformance(&codec, &[Case::new(array(vec![5])), Case::new(7i64)]).unwrap();
    // JSON crosses as its text.
    let document = r#"(i64.const 0x00001000_00000009)"#;
    let guest = Guest {
        encode: document,
        decode: "(i64.const 0x00002000_00000005)",
        extra: r#"(data (i32.const 4096) "{\"a\":[1]}") (data (i32.const 8192) "abcde")"#.into(),
        ..Guest::new("doc", r#", "stored": "json", "values": "bytes", "places": ["inline"]"#)
    };
    let codec: Arc<dyn Codec> = Arc::new(guest.load().unwrap());
    codec_conformance(&codec, &[Case::new(Value::Bytes(Bytes::from_static(b"abcde")))]).unwrap();
}

#[test]
fn a_module_is_a_codec_as_any_other() {
    let registry = Registry::with_builtins();
    let codec = Arc::new(WasmCodec::from_bytes(example("delta")).unwrap());
    registry.register(codec.clone()).unwrap();
    // The same module again replaces itself; another under its name is refused, with both sides named.
    registry.register(Arc::new(WasmCodec::from_bytes(example("delta")).unwrap())).unwrap();
    let other = Guest::new("delta", "").load().unwrap();
    let error = registry.register(Arc::new(other)).unwrap_err().to_string();
    assert_eq!(error.matches("WebAssembly module sha256:").count(), 2, "{error}");
    assert!(registry.register(Arc::new(Guest::new("blob", "").load().unwrap())).is_err());
    assert_eq!(codec.origin(), Origin::Wasm(format!("sha256:{}", codec.sha256())));
    assert_eq!(codec.sha256().len(), 64);
    assert!(codec.summary().contains("differences"));
    assert_eq!(registry.resolve_dtype("<delta>").unwrap().dtype, "bytes");
    assert_eq!(registry.resolve_dtype("<delta@>").unwrap().dtype, "json");
}

#[test]
fn many_threads_use_one_codec() {
    let codec = WasmCodec::from_bytes_with(example("delta"), LoadOptions::default()).unwrap();
    std::thread::scope(|scope| {
        for thread in 0..8usize {
            let codec = &codec;
            scope.spawn(move || {
                for round in 0..20 {
                    let value = array(vec![thread + 1, round + 1]);
                    let stored = codec.encode_value(&value, tight()).unwrap();
                    assert_eq!(codec.decode_value(&stored, tight()).unwrap(), value);
                    assert!(codec.decode_value(&stored[..stored.len() - 1], tight()).is_err());
                }
            });
        }
    });
}

#[test]
fn nothing_of_one_value_is_left_for_the_next() {
    // Gives the byte that an earlier call left at an address, then leaves one there.
    let guest = Guest {
        encode: "(local $was i32) (local.set $was (i32.load8_u (i32.const 9000)))
            (i32.store8 (i32.const 9000) (i32.const 1))
            (i32.store8 (i32.const 9001) (local.get $was)) (i64.const 0x00002329_00000001)",
        ..Guest::new("spy", r#", "values": "bytes""#)
    };
    let codec = guest.load().unwrap();
    for _ in 0..3 {
        assert_eq!(codec.encode_value(&Value::Bytes(Bytes::new()), tight()).unwrap(), [0]);
    }
}
