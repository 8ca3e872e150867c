use std::sync::Arc;

use lapjoint_store::staging::no_progress;
use lapjoint_store::{Config, PutMode, Store, Stores, UploadOptions, upload};
use lapjoint_types::{ByteOrder, DType, Kind, NdArray, Order, Value};
use proptest::prelude::*;
use serde_json::{Value as Json, json};

use super::*;
use crate::context::Site;
use crate::npy_ref::AxisSlice;

fn stores() -> (tempfile::TempDir, Stores) {
    let dir = tempfile::tempdir().unwrap();
    let mut config = Config::default();
    config
        .set("stores", json!({"default": "main", "main": {"protocol": "file", "location": dir.path()}}))
        .unwrap();
    (dir, Stores::new(config))
}

const SITE: Site<'static> = Site { schema: "lab", table: "scan", field: "movie", key: &[] };

/// Stores a value as an insert does; gives the metadata.
fn put(stores: &Stores, value: Value) -> Result<Json, CodecError> {
    let mut context = EncodeContext::new(SITE, stores);
    let Value::Json(metadata) = ZarrCodec.encode(value, &mut context)? else { panic!("no JSON") };
    upload(stores, &context.take_staged(), &UploadOptions::default(), &no_progress)?;
    Ok(*metadata)
}

fn get(stores: &Stores, metadata: &Json) -> ZarrRef {
    ZarrRef::new(metadata.clone(), stores.get(None).unwrap()).unwrap()
}

fn with(array: NdArray, options: Json) -> Value {
    Value::foreign(ZarrSource::new(array, ZarrOptions::from_json(&options).unwrap()))
}

fn counted(shape: &[usize]) -> NdArray {
    let values: Vec<u32> = (1..=u32::try_from(shape.iter().product::<usize>()).unwrap()).collect();
    NdArray::from_shape_vec(shape.to_vec(), values).unwrap()
}

fn store(stores: &Stores) -> Store {
    stores.get(None).unwrap()
}

#[test]
fn an_array_comes_back_by_every_codec_and_format() {
    let (_dir, stores) = stores();
    let array = counted(&[37, 5, 3]);
    for options in [
        json!({}),
        json!({"chunks": [10, 2, 3]}),
        json!({"chunks": [10, 2, 2], "codec": "none"}),
        json!({"chunks": [10, 2, 2], "codec": "gzip", "zarr_format": 2}),
        json!({"chunks": [10, 2, 2], "codec": {"name": "blosc", "cname": "lz4"}}),
        json!({"chunks": [10, 2, 2], "codec": {"name": "blosc", "shuffle": "bitshuffle"}, "zarr_format": 2}),
        json!({"chunks": [5, 2, 3], "shards": [10, 4, 3], "attrs": {"unit": "mV"}}),
        json!({"chunks": [5, 2, 3], "shards": true, "codec": "none"}),
    ] {
        for source in [array.clone(), array.to_order(Order::F)] {
            let metadata = put(&stores, with(source, options.clone())).unwrap();
            let reference = get(&stores, &metadata);
            assert_eq!(reference.load().unwrap(), array, "{options}");
            let rows = Pick::Slice(AxisSlice { start: 3, stop: 30, step: 4 });
            let columns = Pick::List(vec![0, 1, 4]);
            let part = reference.read(&[rows, columns]).unwrap();
            assert_eq!(part.shape(), [7, 3, 3]);
            let first: Vec<u32> = part.to_vec().unwrap();
            assert_eq!(first[..9], [46, 47, 48, 49, 50, 51, 58, 59, 60]);
            reference.verify().unwrap();
            assert!(reference.is_verified().unwrap());
            assert_eq!(reference.attributes().unwrap().len(), options.get("attrs").map_or(0, |_| 1));
        }
    }
}

#[test]
fn every_type_comes_back_from_either_byte_order() {
    let (_dir, stores) = stores();
    let nano = lapjoint_types::TimeUnit::from_code("ns").unwrap();
    let kinds = [
        Kind::Bool,
        Kind::Int(1),
        Kind::Int(2),
        Kind::Int(4),
        Kind::Int(8),
        Kind::UInt(1),
        Kind::UInt(2),
        Kind::UInt(4),
        Kind::UInt(8),
        Kind::Float(2),
        Kind::Float(4),
        Kind::Float(8),
        Kind::Complex(8),
        Kind::Complex(16),
        Kind::DateTime { unit: nano, count: 1 },
        Kind::TimeDelta { unit: nano, count: 7 },
    ];
    for kind in kinds {
        let dtype = DType::little(kind.clone());
        let width = dtype.item_bytes();
        let bytes: Vec<u8> = (0..=255u8)
            .cycle()
            .take(6 * width)
            .map(|at| if kind == Kind::Bool { at % 2 } else { at })
            .collect();
        let array = NdArray::new(dtype.clone(), vec![6], Order::C, bytes.clone().into()).unwrap();
        let big = DType { kind: kind.clone(), order: ByteOrder::Big };
        let mut turned = bytes;
        dtype::to_little(&big, &mut turned);
        let turned = NdArray::new(big, vec![6], Order::C, turned.into()).unwrap();
        for format in [2, 3] {
            for source in [array.clone(), turned.clone()] {
                let metadata =
                    put(&stores, with(source, json!({"zarr_format": format, "chunks": [4]}))).unwrap();
                assert_eq!(metadata["dtype"], dtype.to_string());
                assert_eq!(get(&stores, &metadata).load().unwrap(), array, "{kind:?}");
            }
        }
    }
}

#[test]
fn arrays_without_axes_or_elements_are_arrays() {
    let (_dir, stores) = stores();
    for format in [2, 3] {
        let scalar = NdArray::scalar(7.5f64);
        let metadata = put(&stores, with(scalar.clone(), json!({"zarr_format": format}))).unwrap();
        assert_eq!(get(&stores, &metadata).load().unwrap(), scalar);
        let empty = NdArray::from_shape_vec(vec![0, 3], Vec::<f64>::new()).unwrap();
        let metadata = put(&stores, with(empty.clone(), json!({"zarr_format": format}))).unwrap();
        assert_eq!(get(&stores, &metadata).load().unwrap(), empty);
    }
}

#[test]
fn slabs_become_one_array() {
    let (_dir, stores) = stores();
    let array = counted(&[100, 6]);
    for options in [
        json!({}),
        json!({"chunks": [7, 4]}),
        json!({"chunks": [7, 4], "zarr_format": 2}),
        json!({"chunks": [7, 3], "shards": [14, 6]}),
    ] {
        for rows in [1, 9, 100] {
            let scratch = tempfile::tempdir().unwrap();
            let folder = scratch.path().join("spool");
            std::fs::create_dir(&folder).unwrap();
            let mut spool = ZarrSpool::new(ZarrOptions::from_json(&options).unwrap(), folder.clone());
            let whole: Vec<u32> = array.to_vec().unwrap();
            for slab in whole.chunks(rows * 6) {
                let slab = NdArray::from_shape_vec(vec![slab.len() / 6, 6], slab.to_vec()).unwrap();
                spool.push(&slab.to_order(Order::F)).unwrap();
            }
            let source = spool.finish().unwrap();
            let metadata = put(&stores, Value::foreign(source)).unwrap();
            assert_eq!(get(&stores, &metadata).load().unwrap(), array, "{options} {rows}");
            assert!(!folder.exists(), "the spool goes with the value");
        }
    }
    let mut spool = ZarrSpool::new(ZarrOptions::default(), tempfile::tempdir().unwrap().keep());
    assert!(spool.push(&NdArray::scalar(1u8)).is_err());
    spool.push(&counted(&[2, 3])).unwrap();
    assert!(spool.push(&counted(&[2, 4])).unwrap_err().to_string().contains("uint32 of [2, 4]"));
    assert!(spool.push(&NdArray::from_shape_vec(vec![1, 3], vec![1u8, 2, 3]).unwrap()).is_err());
    let none = ZarrSpool::new(ZarrOptions::default(), tempfile::tempdir().unwrap().keep());
    assert!(none.finish().unwrap_err().to_string().contains("at least one slab"));
}

#[test]
fn values_that_are_no_arrays_of_numbers_are_refused() {
    for value in [
        Value::Int(1),
        Value::List(vec![]),
        Value::Str("x".into()),
        Value::from(
            NdArray::new(DType::little(Kind::Unicode(2)), vec![1], Order::C, vec![0; 8].into()).unwrap(),
        ),
    ] {
        assert!(matches!(ZarrCodec.validate(&value), Err(CodecError::Value { .. })), "{value:?}");
    }
    let error = ZarrCodec.validate(&Value::Int(1)).unwrap_err().to_string();
    assert_eq!(error, "<zarr> requires a NumPy array, Zarr array or iterator of arrays, got int");
}

#[test]
fn a_chunk_that_is_missing_or_damaged_is_named() {
    let (_dir, stores) = stores();
    for options in [json!({"chunks": [10, 6]}), json!({"chunks": [5, 6], "shards": [10, 6]})] {
        let metadata = put(&stores, with(counted(&[40, 6]), options.clone())).unwrap();
        let path = metadata["path"].as_str().unwrap();
        let chunk = format!("{path}/c/2/0");
        let content = store(&stores).get(&chunk).unwrap();
        for spoil in 0..3 {
            let mut spoiled = content.to_vec();
            match spoil {
                0 => spoiled[20] ^= 1,
                1 => spoiled.truncate(30),
                _ => spoiled.clear(),
            }
            store(&stores).put(&chunk, spoiled, PutMode::Overwrite).unwrap();
            let error = get(&stores, &metadata).load().unwrap_err().to_string();
            assert!(error.contains("c/2/0"), "{options} {spoil}: {error}");
            assert!(get(&stores, &metadata).verify().is_err());
            let others = get(&stores, &metadata).read(&[Pick::Slice((0..20).into())]).unwrap();
            assert_eq!(others, counted(&[20, 6]));
        }
        store(&stores).delete(&chunk).unwrap();
        let error = get(&stores, &metadata).load().unwrap_err().to_string();
        assert!(error.contains("c/2/0"), "{error}");
        // Without a manifest, as dj-zarr-codecs leaves it, what is missing is the fill value.
        store(&stores).delete(&format!("{path}.manifest.json")).unwrap();
        let loaded: Vec<u32> = get(&stores, &metadata).load().unwrap().to_vec().unwrap();
        assert_eq!(loaded[119..122], [120, 0, 0]);
        assert!(get(&stores, &metadata).verify().unwrap_err().to_string().contains("no manifest"));
    }
}

#[test]
fn metadata_that_lies_is_an_error_and_takes_no_memory() {
    let (_dir, stores) = stores();
    let metadata = put(&stores, with(counted(&[4, 6]), json!({}))).unwrap();
    let path = metadata["path"].as_str().unwrap().to_owned();
    store(&stores).delete(&format!("{path}.manifest.json")).unwrap();
    let name = format!("{path}/zarr.json");
    let written: Json = serde_json::from_slice(&store(&stores).get(&name).unwrap()).unwrap();
    let huge = json!([1u64 << 60, 1u64 << 60]);
    for (pointer, value) in [
        ("/shape", huge.clone()),
        ("/shape", json!([4])),
        ("/shape", json!("x")),
        ("/shape", json!([-1, 6])),
        ("/chunk_grid/configuration/chunk_shape", huge),
        ("/chunk_grid/configuration/chunk_shape", json!([0, 6])),
        ("/chunk_grid/configuration/chunk_shape", json!([1u64 << 58, 1])),
        ("/chunk_grid/configuration/chunk_shape", json!([1, 1])),
        ("/codecs", json!([])),
        ("/codecs", json!([{"name": "zstd", "configuration": {"level": 3, "checksum": false}}])),
        ("/codecs", json!([{"name": "bytes", "configuration": {"endian": "middle"}}])),
        ("/codecs", json!([{"name": "lab.secret"}])),
        (
            "/codecs",
            json!([{"name": "sharding_indexed", "configuration": {"chunk_shape": [1, 1], "codecs": [], "index_codecs": []}}]),
        ),
        ("/data_type", json!("string")),
        ("/data_type", json!("float64")),
        ("/node_type", json!("group")),
        ("/zarr_format", json!(9)),
        ("/fill_value", json!("x")),
        ("/chunk_key_encoding/name", json!("mine")),
    ] {
        let mut spoiled = written.clone();
        *spoiled.pointer_mut(pointer).unwrap() = value.clone();
        store(&stores).put(&name, spoiled.to_string(), PutMode::Overwrite).unwrap();
        let error = get(&stores, &metadata).load().unwrap_err().to_string();
        assert!(error.contains(&path), "{pointer} {value}: {error}");
    }
    for bytes in ["", "{", "[]", "null"] {
        store(&stores).put(&name, bytes, PutMode::Overwrite).unwrap();
        assert!(get(&stores, &metadata).load().is_err());
    }
    store(&stores).delete(&name).unwrap();
    assert!(
        get(&stores, &metadata).load().unwrap_err().to_string().contains("neither zarr.json nor .zarray")
    );
    for (key, value) in [
        ("path", json!("../x")),
        ("shape", json!([1u64 << 60, 1u64 << 60])),
        ("dtype", json!(5)),
        ("codec_version", json!("2.0")),
    ] {
        let mut spoiled = metadata.clone();
        spoiled[key] = value;
        assert!(ZarrRef::new(spoiled, store(&stores)).is_err(), "{key}");
    }
}

#[test]
fn references_are_folders() {
    let plugin = Value::from(json!({"path": "_schema/a.zarr", "store": null, "shape": [1], "dtype": "int8"}));
    let found = ZarrCodec.references(&plugin).unwrap();
    assert!(found[0].is_dir && found[0].store.is_none());
    let expected = LogicalType::Tensor { element: Some(DType::I8), shape: Some(vec![Some(1)]) };
    assert_eq!(ZarrCodec.logical_type_of(&plugin), Some(expected));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn any_slice_of_any_array_is_what_indexing_gives(
        axes in prop::collection::vec((1usize..9, 1u64..6, 1u64..3, 0usize..9, 0usize..9, 1usize..4), 1..4),
        sharded: bool,
        fortran: bool,
        listed: bool,
        v2: bool,
    ) {
        let (_dir, stores) = stores();
        let shape: Vec<usize> = axes.iter().map(|axis| axis.0).collect();
        let chunks: Vec<u64> = axes.iter().map(|axis| axis.1).collect();
        let shards: Vec<u64> = axes.iter().map(|axis| axis.1 * axis.2).collect();
        let array = counted(&shape);
        let source = array.to_order(if fortran { Order::F } else { Order::C });
        let options = match (sharded, v2) {
            (true, _) => json!({"chunks": chunks, "shards": shards}),
            (false, true) => json!({"chunks": chunks, "zarr_format": 2}),
            (false, false) => json!({"chunks": chunks}),
        };
        let reference = get(&stores, &put(&stores, with(source, options)).unwrap());
        let mut places: Vec<Vec<usize>> = Vec::new();
        let picks: Vec<Pick> = axes.iter().map(|&(size, _, _, a, b, step)| {
            let (start, stop) = (a.min(b).min(size), a.max(b).min(size));
            let list: Vec<usize> = (start..stop).step_by(step).collect();
            places.push(list.clone());
            if listed { Pick::List(list) } else { Pick::Slice(AxisSlice { start, stop, step }) }
        }).collect();
        let mut expected = vec![0usize];
        for (list, size) in places.iter().zip(&shape) {
            expected = expected.iter().flat_map(|at| list.iter().map(move |place| at * size + place)).collect();
        }
        let values: Vec<u32> = array.to_vec().unwrap();
        let expected: Vec<u32> = expected.into_iter().map(|at| values[at]).collect();
        let read = reference.read(&picks).unwrap();
        prop_assert_eq!(read.shape(), places.iter().map(Vec::len).collect::<Vec<_>>());
        prop_assert_eq!(read.to_vec::<u32>().unwrap(), expected);
    }
}

#[test]
fn many_threads_read_one_array() {
    let (_dir, stores) = stores();
    let array = counted(&[200, 30]);
    let metadata = put(&stores, with(array.clone(), json!({"chunks": [9, 7], "shards": [18, 14]}))).unwrap();
    let reference = Arc::new(get(&stores, &metadata));
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| assert_eq!(reference.load().unwrap(), array));
        }
    });
}
