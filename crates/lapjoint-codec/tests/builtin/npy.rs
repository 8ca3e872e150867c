//! `<npy@>` and `NpyRef` on file and memory stores.

use std::sync::Arc;

use crate::common::{Bed, TOKEN, json_of, with};
use lapjoint_codec::store::{Payload, PutMode};
use lapjoint_codec::types::{DType, Field, Kind, NdArray, ObjectArray, Order, Value};
use lapjoint_codec::{AxisSlice, NpyRef};
use serde_json::json;

const SPECS: [&str; 2] = ["<npy@>", "<npy@cold>"];

fn npy(value: &Value) -> &NpyRef {
    value.downcast_ref().unwrap()
}

fn numbers(shape: &[usize]) -> NdArray {
    let count = u32::try_from(shape.iter().product::<usize>()).unwrap();
    NdArray::from_shape_vec(shape.to_vec(), (0..count).map(f64::from).collect()).unwrap()
}

/// What indexing gives, element by element.
fn expected(array: &NdArray, slices: &[AxisSlice]) -> Vec<f64> {
    let values = array.to_c_vec::<f64>().unwrap();
    let mut indices = vec![0usize];
    for (axis, &size) in array.shape().iter().enumerate() {
        let slice = slices.get(axis).copied().unwrap_or(AxisSlice::all(size));
        let along: Vec<usize> = (slice.start..slice.stop).step_by(slice.step).collect();
        indices = indices.iter().flat_map(|base| along.iter().map(move |i| base * size + i)).collect();
    }
    indices.into_iter().map(|index| values[index]).collect()
}

#[test]
fn metadata_is_the_reference_implementations_with_two_keys_more() {
    let bed = Bed::new();
    let column = bed.insert("<npy@>", numbers(&[2, 3]));
    let path = format!("_schema/lab/__scan/subject=m1/session=2/data_{TOKEN}.npy");
    let file = std::fs::read(bed.folder.path().join("main").join(&path)).unwrap();
    assert_eq!(
        json_of(&column).to_string(),
        format!(
            r#"{{"path":"{path}","store":"main","dtype":"float64","shape":[2,3],"crc32c":"{:08x}","size":176}}"#,
            crc32c::crc32c(&file)
        )
    );
    assert_eq!((file.len(), &file[..8]), (176, b"\x93NUMPY\x01\x00".as_slice()));
}

#[test]
fn a_reference_knows_its_array_without_reading() {
    let bed = Bed::new();
    for spec in SPECS {
        let value = bed.fetch(spec, bed.insert(spec, numbers(&[4, 5]))).unwrap();
        let array = npy(&value);
        let before = array.store().stats();
        assert_eq!((array.shape(), array.ndim(), array.size_elements()), ([4, 5].as_slice(), 2, 20));
        assert_eq!(
            (array.dtype().unwrap(), array.nbytes().unwrap(), array.is_loaded()),
            (DType::F64, 160, false)
        );
        assert_eq!(array.to_string(), "NpyRef(shape=(4, 5), dtype=float64, not loaded)");
        assert_eq!(array.store().stats(), before);
        assert_eq!(array.load().unwrap(), numbers(&[4, 5]));
        assert_eq!(array.store().stats().since(&before).requests, 1);
        let again = array.clone();
        assert!(again.is_loaded());
        assert_eq!(again.load().unwrap().data().as_ptr(), array.load().unwrap().data().as_ptr());
        assert_eq!(again.to_string(), "NpyRef(shape=(4, 5), dtype=float64, loaded)");
        again.unload();
        assert!(!array.is_loaded());
        array.store().delete(array.path()).unwrap();
    }
    for (shape, text) in [(vec![], "()"), (vec![3], "(3,)"), (vec![0, 2], "(0, 2)")] {
        let value = bed.fetch("<npy@cold>", bed.insert("<npy@cold>", numbers(&shape))).unwrap();
        assert_eq!(npy(&value).to_string(), format!("NpyRef(shape={text}, dtype=float64, not loaded)"));
        assert_eq!(npy(&value).load().unwrap(), numbers(&shape));
        bed.store("cold").delete(npy(&value).path()).unwrap();
    }
}

#[test]
fn slices_are_those_of_the_array_in_both_orders_and_from_memory() {
    let shape = [7, 5, 6];
    let slices = [
        vec![(2..5).into()],
        vec![(0..7).into(), (1..4).into()],
        vec![
            AxisSlice { start: 1, stop: 7, step: 2 },
            AxisSlice { start: 0, stop: 5, step: 3 },
            (5..6).into(),
        ],
        vec![(3..3).into()],
        vec![(0..1).into(), (0..1).into(), AxisSlice { start: 0, stop: 6, step: 100 }],
        vec![],
    ];
    for order in [Order::C, Order::F] {
        for spec in SPECS {
            let bed = Bed::new();
            let whole = numbers(&shape).to_order(order);
            let value = bed.fetch(spec, bed.insert(spec, whole.clone())).unwrap();
            for slices in &slices {
                let array = npy(&value);
                let lazy = array.slice_axes(slices).unwrap();
                assert_eq!(lazy.to_c_vec::<f64>().unwrap(), expected(&whole, slices), "{order:?} {slices:?}");
                assert_eq!(lazy.order(), order);
                assert!(!array.is_loaded());
            }
            npy(&value).load().unwrap();
            let before = npy(&value).store().stats();
            for slices in &slices {
                let loaded = npy(&value).slice_axes(slices).unwrap();
                assert_eq!(loaded.to_c_vec::<f64>().unwrap(), expected(&whole, slices));
            }
            assert_eq!(npy(&value).store().stats(), before);
            let error = npy(&value).slice(5..8).unwrap_err().to_string();
            assert_eq!(error, "axis 0 has no 5..8 in steps of 1: the array has shape [7, 5, 6]");
        }
    }
}

/// A `.npy` file of zeros with a hole in place of its data.
fn sparse(bed: &Bed, shape: &[usize], fortran: bool) -> NpyRef {
    let path = bed.folder.path().join("main/sparse.npy");
    let sizes: Vec<String> = shape.iter().map(ToString::to_string).collect();
    let order = if fortran { "True" } else { "False" };
    let text = format!("{{'descr': '<f8', 'fortran_order': {order}, 'shape': ({}), }}", sizes.join(", "));
    let mut file = b"\x93NUMPY\x01\x00\x76\x00".to_vec();
    file.extend_from_slice(format!("{text:<117}\n").as_bytes());
    assert_eq!(file.len(), 128);
    let data_bytes = 8 * shape.iter().product::<usize>();
    std::fs::write(&path, &file).unwrap();
    std::fs::File::options().write(true).open(&path).unwrap().set_len((128 + data_bytes) as u64).unwrap();
    let metadata = json!({"path": "sparse.npy", "store": "main", "dtype": "float64", "shape": shape});
    let value = bed.fetch("<npy@>", metadata.into()).unwrap();
    npy(&value).clone()
}

#[test]
fn ten_rows_of_two_hundred_megabytes_cost_ten_rows() {
    let bed = Bed::new();
    let array = sparse(&bed, &[250_000, 100], false);
    let before = array.store().stats();
    assert_eq!(array.slice(10..20).unwrap().shape(), [10, 100]);
    let first = array.store().stats().since(&before);
    assert!(first.read_bytes < 10_000 && first.requests <= 2, "{first:?}");
    assert!(array.slice(240_000..240_010).unwrap().data().iter().all(|&byte| byte == 0));
    let second = array.store().stats().since(&before);
    assert_eq!((second.read_bytes - first.read_bytes, second.requests - first.requests), (8000, 1));

    // Column-major: a run in each column, one request.
    let array = sparse(&bed, &[250_000, 100], true);
    let before = array.store().stats();
    assert_eq!(array.slice(10..20).unwrap().shape(), [10, 100]);
    let read = array.store().stats().since(&before);
    assert!(read.read_bytes < 10_000 && read.requests <= 2, "{read:?}");
    let columns = array.slice_axes(&[(0..250_000).into(), (3..4).into()]).unwrap();
    assert_eq!(columns.shape(), [250_000, 1]);
    assert_eq!(array.store().stats().since(&before).read_bytes - read.read_bytes, 2_000_000);
}

#[test]
fn a_scattered_slice_is_read_in_batches() {
    let bed = Bed::new();
    // One value of each row of 8 KB: neighbours are read together, 32 MiB at a time.
    let array = sparse(&bed, &[10_000, 1000], false);
    let column = array.slice_axes(&[(0..10_000).into(), (5..6).into()]).unwrap();
    assert_eq!((column.shape(), column.data().len()), ([10_000, 1].as_slice(), 80_000));
    // One value of each row of 80 KB: only these values.
    let array = sparse(&bed, &[1000, 10_000], false);
    let before = array.store().stats();
    array.slice_axes(&[(0..1000).into(), (5..6).into()]).unwrap();
    let read = array.store().stats().since(&before);
    assert!(read.read_bytes < 10_000 && read.requests <= 4, "{read:?}");
}

#[test]
fn maps_give_the_array_and_read_nothing_through_the_store() {
    let bed = Bed::new();
    for spec in SPECS {
        let whole = numbers(&[50, 4]).to_order(Order::F);
        let value = bed.fetch(spec, bed.insert(spec, whole.clone())).unwrap();
        let before = npy(&value).store().stats();
        assert_eq!(npy(&value).load_mmap().unwrap(), whole);
        let first = npy(&value).store().stats().since(&before).read_bytes;
        assert_eq!(first == 0, spec == "<npy@>");
        assert_eq!(npy(&value).load_mmap().unwrap(), whole);
        assert_eq!(
            npy(&value).store().stats().since(&before).read_bytes,
            first,
            "the copy was not used again"
        );
        assert!(!npy(&value).is_loaded());
    }
}

#[test]
fn equal_paths_in_two_stores_are_two_maps() {
    let (one, two) = (Bed::new(), Bed::new());
    for (bed, number) in [(&one, 1.0), (&two, 2.0)] {
        let array = NdArray::from_vec(vec![number; 5]);
        let value = bed.fetch("<npy@cold>", bed.insert("<npy@cold>", array.clone())).unwrap();
        assert_eq!(npy(&value).load_mmap().unwrap(), array);
    }
}

#[test]
fn structured_arrays_work() {
    let bed = Bed::new();
    let dtype = DType::little(Kind::Struct(Arc::new([
        Field { name: "t".into(), dtype: DType::I32, shape: vec![] },
        Field { name: "xy".into(), dtype: DType::F64, shape: vec![2] },
    ])));
    let bytes: Vec<u8> = (0..100).collect();
    let records = NdArray::new(dtype.clone(), vec![5], Order::C, bytes.clone().into()).unwrap();
    let column = bed.insert("<npy@>", records.clone());
    assert_eq!(json_of(&column)["dtype"], "[('t', '<i4'), ('xy', '<f8', (2,))]");
    let value = bed.fetch("<npy@>", column.clone()).unwrap();
    assert_eq!((npy(&value).dtype().unwrap(), npy(&value).nbytes().unwrap()), (dtype, 100));
    assert_eq!(npy(&value).slice(1..3).unwrap().data(), &bytes[20..60]);
    assert_eq!(npy(&value).load().unwrap(), records);
    // Types are spelled in more ways than we write: then the file says what it holds.
    let odd = with(
        &column,
        json!({"dtype": "{'names': ['t', 'xy'], 'formats': ['<i4', ('<f8', (2,))], 'offsets': [0, 4], 'itemsize': 20}"}),
    );
    for odd in [odd, with(&column, json!({"dtype": "a spelling of the future"}))] {
        let value = bed.fetch("<npy@>", odd).unwrap();
        assert_eq!(npy(&value).nbytes().unwrap(), 100);
        assert_eq!(npy(&value).slice(1..3).unwrap().data(), &bytes[20..60]);
        assert_eq!(npy(&value).load().unwrap(), records);
    }
}

#[test]
fn only_arrays_of_numbers_are_taken() {
    let bed = Bed::new();
    let error = |value: Value| bed.encode("<npy@>", value).err().unwrap().to_string();
    assert_eq!(error(Value::List(vec![])), "<npy> requires numpy.ndarray, got list");
    let objects = ObjectArray { shape: vec![1], elements: vec![Value::Null] };
    assert_eq!(error(Value::ObjectArray(Box::new(objects))), "<npy> does not support object dtype arrays");
}

#[test]
fn a_large_array_is_staged_without_a_copy() {
    let bed = Bed::new();
    let whole = numbers(&[1000, 300]);
    let stored = bed.encode("<npy@>", whole.clone()).unwrap();
    let [object] = stored.staged.as_slice() else { panic!("one object") };
    let Payload::Chunks(chunks) = &object.payload else { panic!("in pieces: {:?}", object.path) };
    assert_eq!(chunks[1].as_ptr(), whole.data().as_ptr());
    for spec in SPECS {
        let value = bed.fetch(spec, bed.insert(spec, whole.clone())).unwrap();
        assert_eq!(npy(&value).load().unwrap(), whole);
    }
}

#[test]
fn damage_is_reported_with_store_path_and_both_checksums() {
    let bed = Bed::new();
    for spec in SPECS {
        let column = bed.insert(spec, numbers(&[4]));
        let json = json_of(&column);
        let (path, store) = (json["path"].as_str().unwrap(), bed.store(json["store"].as_str().unwrap()));
        let file = store.get(path).unwrap();
        let read = || {
            let value = bed.fetch(spec, column.clone()).unwrap();
            npy(&value).load().unwrap_err().to_string()
        };
        let mut flipped = file.to_vec();
        flipped[130] ^= 1;
        store.put(path, flipped, PutMode::Overwrite).unwrap();
        let expected = json["crc32c"].as_str().unwrap();
        let error = read();
        for part in [store.name(), path, expected, "got crc32c "] {
            assert!(error.contains(part), "{part}: {error}");
        }
        store.put(path, file.slice(..file.len() - 1), PutMode::Overwrite).unwrap();
        assert_eq!(read(), format!("{path} in store '{}' has 159 bytes, expected 160", store.name()));
        let value = bed.fetch(spec, column.clone()).unwrap();
        assert!(npy(&value).slice(3..4).is_err());
        store.delete(path).unwrap();
        assert_eq!(read(), format!("Missing external file {path} (store '{}')", store.name()));
        let value = bed.fetch(spec, column.clone()).unwrap();
        assert!(npy(&value).slice(0..1).is_err() && npy(&value).load_mmap().is_err());
    }
}

#[test]
fn lies_of_the_metadata_are_found() {
    let bed = Bed::new();
    let column = bed.insert("<npy@>", numbers(&[4, 2]));
    for wrong in [
        json!({"path": "../../etc/passwd"}),
        json!({"path": "/etc/passwd"}),
        json!({"path": 1}),
        json!({"shape": null}),
        json!({"shape": [-1]}),
        json!({"shape": ["4"]}),
        json!({"shape": [u64::MAX, u64::MAX]}),
        json!({"dtype": null}),
        json!({"size": "x"}),
        json!({"crc32c": "x"}),
        json!({"store": "nowhere"}),
    ] {
        assert!(bed.fetch("<npy@>", with(&column, wrong.clone())).is_err(), "{wrong}");
    }
    let mut plain = json_of(&column);
    plain.as_object_mut().unwrap().retain(|name, _| !["crc32c", "size"].contains(&name.as_str()));
    let plain = Value::from(plain);
    // What the reference implementation wrote has neither key.
    assert_eq!(
        npy(&bed.fetch("<npy@>", plain.clone()).unwrap()).slice(1..2).unwrap().to_vec::<f64>().unwrap(),
        [2., 3.]
    );
    for lie in [
        json!({"shape": [1_000_000_000, 1000]}),
        json!({"shape": [8]}),
        json!({"shape": []}),
        json!({"dtype": "int16"}),
        json!({"dtype": "complex128"}),
        json!({"size": 5_000_000_000u64}),
        json!({"size": 1}),
        json!({"store": "cold"}),
    ] {
        let value = bed.fetch("<npy@>", with(&plain, lie.clone())).unwrap();
        assert!(npy(&value).load().is_err(), "{lie}");
        if lie.get("size").is_none() {
            assert!(npy(&value).slice_axes(&[]).is_err() && npy(&value).load_mmap().is_err(), "{lie}");
        }
    }
    let error = npy(&bed.fetch("<npy@>", with(&plain, json!({"shape": [8]}))).unwrap())
        .load()
        .unwrap_err()
        .to_string();
    assert!(
        error.contains(
            "in store 'main': expected shape [8] and type float64, the file has shape [4, 2] and type float64"
        ),
        "{error}"
    );
}

#[test]
fn lies_of_the_file_are_found_before_memory_is_taken() {
    let bed = Bed::new();
    let store = bed.store("main");
    let file = |shape: &str, header_len: u16| {
        let text = format!("{{'descr': '<f8', 'fortran_order': False, 'shape': {shape}, }}");
        let mut file = b"\x93NUMPY\x01\x00".to_vec();
        file.extend_from_slice(&header_len.to_le_bytes());
        file.extend_from_slice(format!("{text:<117}\n").as_bytes());
        file
    };
    let huge = (1_000_000_000_000u64, "(1000000000000,)");
    store.put("huge.npy", file(huge.1, 118), PutMode::Create).unwrap();
    store.put("long.npy", file("(1,)", u16::MAX), PutMode::Create).unwrap();
    store.put("empty.npy", "", PutMode::Create).unwrap();
    for (path, shape) in [("huge.npy", json!([huge.0])), ("long.npy", json!([1])), ("empty.npy", json!([1]))]
    {
        let metadata = json!({"path": path, "store": "main", "dtype": "float64", "shape": shape});
        let value = bed.fetch("<npy@>", metadata.into()).unwrap();
        for result in [
            npy(&value).load(),
            npy(&value).load_mmap(),
            npy(&value).slice_axes(&[]),
            npy(&value).slice(0..1),
        ] {
            let error = result.unwrap_err().to_string();
            assert!(error.contains(path), "{error}");
        }
    }
}
