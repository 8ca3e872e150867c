//! The built-in codecs, put through what every codec must do.

use std::fs;
use std::sync::Arc;

use lapjoint_types::{ByteOrder, DType, Field, Kind, NdArray, Order, Value};
use serde_json::json;

use super::*;
use crate::codec::{Capabilities, Place};
use crate::conformance::{Case, codec_conformance};
use crate::error::CodecError;

fn conform(codec: impl Codec + 'static, cases: &[Case]) {
    let codec: Arc<dyn Codec> = Arc::new(codec);
    if let Err(error) = codec_conformance(&codec, cases) {
        panic!("{error}");
    }
}

fn array(shape: &[usize], order: Order) -> NdArray {
    let values: Vec<f64> = (0..shape.iter().product::<usize>()).map(|i| i as f64 / 3.0).collect();
    NdArray::from_shape_vec(shape.to_vec(), values).unwrap().to_order(order)
}

#[test]
fn blob() {
    let dict = Value::Dict(vec![
        ("a".into(), Value::List(vec![1i64.into(), 2.5.into(), Value::Null])),
        ("b".into(), array(&[3, 2], Order::F).into()),
    ]);
    conform(BlobCodec, &[Case::new(dict), Case::new("x".repeat(5000).as_str()), Case::new(vec![0u8; 4000])]);
}

#[test]
fn hash() {
    conform(HashCodec, &[Case::new(vec![1u8, 2, 3]), Case::new(Vec::new()), Case::new(vec![9u8; 700])]);
}

#[test]
fn npy() {
    let records = DType::little(Kind::Struct(Arc::new([
        Field { name: "t".into(), dtype: DType::I32, shape: vec![] },
        Field { name: "xy".into(), dtype: DType::F64, shape: vec![2] },
    ])));
    let records = NdArray::new(records, vec![3], Order::C, vec![7u8; 60].into()).unwrap();
    let big = DType { kind: Kind::Int(2), order: ByteOrder::Big };
    let big = NdArray::new(big, vec![2, 2], Order::C, vec![0u8, 1, 0, 2, 0, 3, 0, 4].into()).unwrap();
    let cases =
        [array(&[4, 3], Order::C), array(&[4, 3], Order::F), array(&[], Order::C), array(&[0, 3], Order::C)];
    let cases: Vec<Case> = cases.into_iter().chain([records, big]).map(Case::new).collect();
    conform(NpyCodec, &cases);
}

fn folder_of_files() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("sub")).unwrap();
    fs::write(folder.path().join("a.txt"), "alpha").unwrap();
    fs::write(folder.path().join("sub/b.txt"), "beta").unwrap();
    folder
}

#[test]
fn object() {
    let source = folder_of_files();
    let path = |name: &str| source.path().join(name).to_str().unwrap().to_owned();
    let has = |content: &'static [u8]| {
        move |decoded: &Value| {
            let object = decoded.downcast_ref::<crate::ObjectRef>().unwrap();
            Ok(object.read()? == content)
        }
    };
    let is_folder = |decoded: &Value| {
        let object = decoded.downcast_ref::<crate::ObjectRef>().unwrap();
        object.verify()?;
        Ok(object.size_bytes == Some(9)
            && object.item_count == Some(2)
            && object.list("")? == ["a.txt", "sub"])
    };
    conform(
        ObjectCodec,
        &[
            Case::new(vec![5u8; 300]),
            Case::checked(Value::Tuple(vec![".bin".into(), vec![1u8, 2].into()]), has(&[1, 2])),
            Case::checked(path("a.txt"), has(b"alpha")),
            Case::checked(source.path().to_str().unwrap(), is_folder),
            Case::checked(json!({"path": "mine/x", "size": 2, "store": "memory"}), has(b"hi"))
                .with_object("mine/x", b"hi"),
        ],
    );
}

#[test]
fn attach() {
    let source = folder_of_files();
    let path = source.path().join("a.txt");
    let is_copy = |decoded: &Value| {
        let Value::Str(path) = decoded else { return Ok(false) };
        let content = fs::read(path).map_err(|error| CodecError::FileNotFound(error.to_string()))?;
        Ok(path.ends_with("a.txt") && content == b"alpha")
    };
    conform(AttachCodec, &[Case::checked(path.to_str().unwrap(), is_copy)]);
}

#[test]
fn filepath() {
    let has = |decoded: &Value| {
        let object = decoded.downcast_ref::<crate::ObjectRef>().unwrap();
        Ok(object.read()? == "raw data")
    };
    let is_folder =
        |decoded: &Value| Ok(decoded.downcast_ref::<crate::ObjectRef>().unwrap().list("")? == ["x.bin"]);
    conform(
        FilepathCodec,
        &[
            Case::checked("raw/x.bin", has).with_object("raw/x.bin", b"raw data"),
            Case::checked("raw", is_folder).with_object("raw/x.bin", b"raw data"),
        ],
    );
}

#[test]
fn a_codec_that_breaks_a_rule_is_found_out() {
    use crate::context::{DecodeContext, EncodeContext};
    use lapjoint_types::{CoreType, TypeSpec};

    /// Adds one to numbers that come back, or panics on short bytes.
    #[derive(Debug)]
    struct Bad(bool);
    impl Codec for Bad {
        fn name(&self) -> &str {
            "bad"
        }
        fn capabilities(&self) -> Capabilities {
            Capabilities { store: false, ..Capabilities::default() }
        }
        fn dtype(&self, place: Place) -> Result<TypeSpec, CodecError> {
            match place {
                Place::Inline => Ok(TypeSpec::Core(CoreType::Bytes)),
                Place::Store => Err(CodecError::InlineOnly("bad".into())),
            }
        }
        fn encode(&self, value: Value, _: &mut EncodeContext<'_>) -> Result<Value, CodecError> {
            Ok(value)
        }
        fn decode(&self, stored: Value, _: &DecodeContext<'_>) -> Result<Value, CodecError> {
            match stored {
                Value::Bytes(bytes) if self.0 => Ok(vec![bytes[0], bytes[1]].into()),
                _ => Ok(Value::Null),
            }
        }
    }
    let found = |codec| {
        let codec: Arc<dyn Codec> = Arc::new(codec);
        codec_conformance(&codec, &[Case::new(vec![1u8, 2])]).unwrap_err().to_string()
    };
    assert_eq!(found(Bad(false)), "<bad>, case 0: another value came back: Null");
    assert_eq!(found(Bad(true)), "<bad>, case 0: column cut at byte 0: it panicked");
}

#[test]
fn every_codec_is_described_under_the_same_headings() {
    for (name, source) in [
        ("attach", include_str!("attach.rs")),
        ("blob", include_str!("blob.rs")),
        ("filepath", include_str!("filepath.rs")),
        ("hash", include_str!("hash.rs")),
        ("npy", include_str!("npy.rs")),
        ("object", include_str!("object.rs")),
    ] {
        let headings: Vec<&str> = source.lines().filter_map(|line| line.strip_prefix("//! # ")).collect();
        let shown =
            headings.iter().filter(|heading| !heading.contains(['"', '#', '(', '='])).collect::<Vec<_>>();
        let expected = ["What it does", "Specification", "Names", "Stored form", "Compatibility"];
        assert!(shown.iter().map(|heading| **heading).eq(expected), "{name}: {shown:?}");
    }
}
