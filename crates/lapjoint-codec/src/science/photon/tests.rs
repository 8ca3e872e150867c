use std::sync::Arc;

use bytes::Bytes;
use lapjoint_store::staging::no_progress;
use lapjoint_store::{Config, Stores, UploadOptions, upload};
use lapjoint_types::{ByteOrder, DType, Kind, Order};
use proptest::prelude::*;

use super::noise::{Inverse, Noise};
use super::*;
use crate::conformance::{Case, codec_conformance};
use crate::context::Site;
use crate::npy_ref::AxisSlice;
use crate::science::zarr::Pick;

/// Values that look like counts of photons.
fn movie(shape: &[usize], gain: u16) -> NdArray {
    let n: usize = shape.iter().product();
    let value = |i: usize| u16::try_from((i * i * 31 + i * 7) % 211).unwrap() * gain;
    NdArray::from_shape_vec(shape.to_vec(), (0..n).map(value).collect()).unwrap()
}

fn with(movie: &NdArray, options: &[(&str, Value)]) -> Value {
    let movie = [("movie", Value::from(movie.clone()))];
    let items = movie.iter().chain(options);
    Value::Dict(items.map(|(name, value)| (Value::from(*name), value.clone())).collect())
}

struct Bed(Stores);

impl Bed {
    fn new() -> Self {
        let mut config = Config::default();
        config.set("stores", serde_json::json!({"default": "main", "main": {"protocol": "memory"}})).unwrap();
        Self(Stores::new(config))
    }

    fn insert(&self, value: Value) -> Result<Value, CodecError> {
        let site = Site { schema: "lab", table: "scan", field: "movie", key: &[] };
        let mut context = EncodeContext::new(site, &self.0);
        let stored = PhotonCodec.encode(value, &mut context)?;
        upload(&self.0, &context.take_staged(), &UploadOptions::default(), &no_progress)?;
        Ok(stored)
    }

    fn fetch(&self, stored: Value) -> Result<PhotonRef, CodecError> {
        let metadata = Metadata::read(NAME, stored)?;
        PhotonRef::from_metadata(&metadata, self.0.get(None)?)
    }

    fn there_and_back(&self, value: Value) -> PhotonRef {
        self.fetch(self.insert(value).unwrap()).unwrap()
    }
}

#[test]
fn movies_conform() {
    let small = movie(&[7, 5, 4], 1);
    let exact = |value: Value, expected: NdArray| {
        Case::checked(value, move |decoded| {
            let found = decoded.downcast_ref::<PhotonRef>().ok_or(CodecError::NoStore)?;
            found.verify()?;
            Ok(found.load()? == expected)
        })
    };
    let cases = [
        exact(small.clone().into(), small.clone()),
        exact(movie(&[3, 2, 2, 2], 3).into(), movie(&[3, 2, 2, 2], 3)),
        exact(with(&small, &[("frames", Value::Int(2)), ("clevel", Value::Int(1))]), small.clone()),
        // Finer than whole numbers: nothing is lost.
        exact(with(&small, &[("mode", "quantised".into()), ("gain", Value::Float(1e-3))]), small.clone()),
    ];
    let codec: Arc<dyn Codec> = Arc::new(PhotonCodec);
    if let Err(error) = codec_conformance(&codec, &cases) {
        panic!("{error}");
    }
}

#[test]
fn every_type_comes_back_exactly() {
    let bed = Bed::new();
    for (kind, most) in [
        (Kind::Bool, 1),
        (Kind::UInt(1), 255),
        (Kind::Int(1), 127),
        (Kind::UInt(2), 65535),
        (Kind::Int(2), 32767),
        (Kind::UInt(4), u32::MAX as u64),
        (Kind::Int(8), 1 << 50),
        (Kind::UInt(8), 1 << 50),
        (Kind::Float(8), 1 << 20),
    ] {
        let dtype = DType::little(kind.clone());
        let few: Vec<f64> = [0, 1, most / 3, most / 2, most - 1, most].map(|value| value as f64).to_vec();
        let array =
            samples::convert(&NdArray::from_shape_vec(vec![3, 1, 2], few).unwrap(), &dtype, |v| v).unwrap();
        let found = bed.there_and_back(array.clone().into()).load().unwrap();
        if kind == Kind::Float(8) {
            let (found, array) = (found.to_vec::<f64>().unwrap(), array.to_vec::<f64>().unwrap());
            assert!(found.iter().zip(&array).all(|(a, b)| (a - b).abs() <= 1e-15 * b.max(1.0)), "{found:?}");
        } else {
            assert_eq!(found, array, "{kind:?}");
        }
    }
    // As tifffile reads them.
    let big = DType { kind: Kind::UInt(2), order: ByteOrder::Big };
    let big = NdArray::new(big, vec![1, 1, 2], Order::C, Bytes::from_static(&[1, 0, 0, 7])).unwrap();
    assert_eq!(bed.there_and_back(big.into()).load().unwrap().to_vec::<u16>().unwrap(), [256, 7]);
    let small = movie(&[4, 3, 5], 1);
    assert_eq!(bed.there_and_back(small.to_order(Order::F).into()).load().unwrap(), small);
    assert_eq!(bed.there_and_back(movie(&[0, 3, 5], 1).into()).load().unwrap().shape(), [0, 3, 5]);
}

#[test]
fn what_the_plugin_writes_is_written() {
    let bed = Bed::new();
    let stored = bed.insert(movie(&[250, 3, 4], 1).into()).unwrap();
    let Value::Json(json) = &stored else { panic!("{stored:?}") };
    assert_eq!((json["codec_version"].as_str(), json["transform"].as_str()), (Some("1.0"), Some("anscombe")));
    assert_eq!((json["dtype"].as_str(), &json["shape"]), (Some("float64"), &json!([250, 3, 4])));
    let found = bed.fetch(stored).unwrap();
    let zarr = found.zarr();
    assert_eq!((zarr.format().unwrap(), zarr.chunks().unwrap()), (2, vec![100, 3, 4]));
    let expected = json!({"codec_version": "1.0", "codec_name": "photon", "anscombe_gain": 1.0, "anscombe_offset": 0.0, "anscombe_variance": 0.0, "original_dtype": "uint16"});
    assert_eq!(serde_json::Value::Object(zarr.attributes().unwrap().clone()), expected);
    let first = found.read_transformed(&[]).unwrap().to_vec::<f64>().unwrap();
    assert!(
        first
            .iter()
            .zip(movie(&[250, 3, 4], 1).to_vec::<u16>().unwrap())
            .all(|(d, v)| (d - 2.0 * (f64::from(v) + 0.375).sqrt()).abs() < 1e-12)
    );
}

#[test]
fn parts_are_read_as_values_or_as_transform() {
    let bed = Bed::new();
    let whole = movie(&[20, 6, 5], 2);
    let values = whole.to_vec::<u16>().unwrap();
    let picks = [Pick::Slice(AxisSlice { start: 3, stop: 9, step: 2 }), Pick::List(vec![1, 4])];
    let wanted: Vec<u16> = [3, 5, 7]
        .iter()
        .flat_map(|t| [1, 4].map(move |y| (t * 6 + y) * 5))
        .flat_map(|at| values[at..at + 5].to_vec())
        .collect();
    let noise = Noise::new(2.0, 0.0, 1.5).unwrap();
    let given = [("gain", Value::Float(2.0)), ("variance", Value::Float(1.5)), ("frames", Value::Int(4))];
    let found = bed.there_and_back(with(&whole, &given));
    assert_eq!(found.read(&picks, Inverse::Algebraic).unwrap().to_vec::<u16>().unwrap(), wanted);
    assert_eq!(found.noise().unwrap(), noise);
    let transformed = found.read_transformed(&picks).unwrap().to_vec::<f64>().unwrap();
    let unbiased = found.read(&picks, Inverse::Unbiased).unwrap().to_vec::<f64>().unwrap();
    for ((value, d), back) in wanted.iter().zip(transformed).zip(unbiased) {
        assert!((d - noise.forward(f64::from(*value))).abs() < 1e-12);
        assert!((back - noise.unbiased(d)).abs() < 1e-9);
    }
    let coarse = [("gain", Value::Float(2.0)), ("mode", "quantised".into()), ("frames", Value::Int(3))];
    let found = bed.there_and_back(with(&whole, &coarse));
    assert_eq!(
        (found.dtype().unwrap(), found.beta().unwrap(), found.mode()),
        (DType::U16, Some(0.5), Mode::Quantised)
    );
    assert_eq!(found.zarr().dtype().unwrap(), DType::U8);
    let noise = Noise::new(2.0, 0.0, 0.0).unwrap();
    for (value, back) in
        wanted.iter().zip(found.read(&picks, Inverse::Algebraic).unwrap().to_vec::<u16>().unwrap())
    {
        let (value, back) = (f64::from(*value), f64::from(back));
        assert!((value - back).abs() <= 0.25 * noise.sigma(value), "{value} {back}");
    }
}

#[test]
fn what_is_no_movie_is_refused_by_name() {
    let bed = Bed::new();
    let small = movie(&[3, 2, 2], 1);
    let floats = |value: f64| Value::from(NdArray::from_shape_vec(vec![1, 1, 2], vec![1.0, value]).unwrap());
    for (value, word) in [
        (Value::Int(5), "requires a NumPy array"),
        (movie(&[3, 2], 1).into(), "3D+ arrays"),
        (floats(-0.5), "non-negative"),
        (floats(f64::NAN), "NaN"),
        (floats(f64::INFINITY), "NaN or infinite"),
        (with(&small, &[("mode", "fine".into())]), "\"fine\""),
        (with(&small, &[("gain", Value::Float(0.0))]), "gain must be"),
        (with(&small, &[("gain", "much".into())]), "gain must be a number"),
        (with(&small, &[("offset", Value::Float(10.0))]), "cannot keep values below"),
        (with(&small, &[("colour", Value::Int(1))]), "\"colour\""),
        (
            with(&small, &[("mode", "quantised".into()), ("gain", Value::Int(1)), ("beta", Value::Int(3))]),
            "beta",
        ),
        (with(&movie(&[1, 2, 2], 1), &[("mode", "quantised".into())]), "give gain="),
        (with(&small, &[("frames", Value::Int(0))]), "frames"),
        (with(&small, &[("clevel", Value::Int(10))]), "clevel"),
        (Value::Dict(vec![("mode".into(), "anscombe".into())]), "\"movie\""),
    ] {
        let shown = format!("{value:?}");
        let error =
            PhotonCodec.validate(&value).and_then(|()| bed.insert(value).map(drop)).unwrap_err().to_string();
        assert!(error.contains(word), "{shown:.200}: {error}");
    }
}

#[test]
fn metadata_and_attributes_that_lie_are_refused() {
    let bed = Bed::new();
    let stored = bed
        .insert(with(&movie(&[4, 3, 2], 1), &[("mode", "quantised".into()), ("gain", Value::Int(1))]))
        .unwrap();
    let Value::Json(json) = &stored else { panic!("{stored:?}") };
    let changed = |name: &str, value: serde_json::Value| {
        let mut json = json.as_ref().clone();
        json[name] = value;
        bed.fetch(json.into()).and_then(|found| found.load())
    };
    assert!(changed("title", json!("x")).is_ok());
    for (name, value) in [
        ("codec_version", json!("3.0")),
        ("codec_version", json!("1.0")),
        ("shape", json!([4, 3])),
        ("shape", json!("x")),
        ("dtype", json!("float64")),
        ("path", json!("../x")),
    ] {
        let result = changed(name, value.clone());
        assert!(result.is_err(), "{name} {value}");
    }
    let path = format!("{}/.zattrs", json["path"].as_str().unwrap());
    let store = bed.0.get(None).unwrap();
    let kept = store.get(&path).unwrap();
    let manifest = format!("{}.manifest.json", json["path"].as_str().unwrap());
    store.delete(&manifest).unwrap();
    for (from, to) in [
        ("\"anscombe_gain\"", "\"gain\""),
        ("\"photon_levels\"", "\"levels\""),
        ("uint16", "object"),
        ("\"photon_levels\":", "\"photon_levels\": [1], \"x\":"),
    ] {
        let text = String::from_utf8(kept.to_vec()).unwrap();
        assert!(text.contains(from), "{text}");
        store.put(&path, text.replace(from, to).into_bytes(), lapjoint_store::PutMode::Overwrite).unwrap();
        assert!(bed.fetch(stored.clone()).unwrap().load().is_err(), "{from}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn levels_keep_their_promise_through_the_store(
        values in proptest::collection::vec(0u16..4000, 60), gain in 0.2..20.0, offset in 0.0..300.0, beta in 0.1..2.0,
    ) {
        let bed = Bed::new();
        let movie = NdArray::from_shape_vec(vec![5, 3, 4], values.clone()).unwrap();
        let given = [("mode", "quantised".into()), ("gain", Value::Float(gain)), ("offset", Value::Float(offset)), ("beta", Value::Float(beta))];
        let found = bed.there_and_back(with(&movie, &given)).load().unwrap().to_vec::<u16>().unwrap();
        let noise = Noise::new(gain, offset, 0.0).unwrap();
        for (value, back) in values.into_iter().map(f64::from).zip(found.into_iter().map(f64::from)) {
            prop_assert!((value - back).abs() <= beta / 2.0 * noise.sigma(value));
        }
    }
}
