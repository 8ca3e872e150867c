use std::path::Path;
use std::sync::Arc;

use lapjoint_codec::conformance::{Case, codec_conformance};
use lapjoint_types::{DType, NdArray, Order};

use super::*;
use crate::{Connection, row};

fn example(name: &str) -> String {
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/data/hic").join(name);
    data.to_str().unwrap().to_owned()
}

/// Counts that fall off with distance: `(rows, cols)`.
fn counts(rows: usize, cols: usize) -> NdArray {
    let cell = |at: usize| {
        let distance = (at / cols).abs_diff(at % cols);
        u32::try_from(900 / (distance * distance + 1) * usize::from(at % 7 != 3)).unwrap()
    };
    NdArray::from_shape_vec(vec![rows, cols], (0..rows * cols).map(cell).collect()).unwrap()
}

fn symmetric(side: usize) -> NdArray {
    let cell = |at: usize| f64::from(u32::try_from((at / side).abs_diff(at % side)).unwrap()) * 0.25;
    NdArray::from_shape_vec(vec![side, side], (0..side * side).map(cell).collect()).unwrap()
}

/// The codec with its references read at once, by which the kit sees what damage of an object does.
#[derive(Debug)]
struct Eager;

impl Codec for Eager {
    fn name(&self) -> &str {
        GzcmCodec.name()
    }
    fn capabilities(&self) -> Capabilities {
        GzcmCodec.capabilities()
    }
    fn origin(&self) -> Origin {
        GzcmCodec.origin()
    }
    fn format_version(&self) -> Option<String> {
        GzcmCodec.format_version()
    }
    fn dtype(&self, place: Place) -> Result<TypeSpec, CodecError> {
        GzcmCodec.dtype(place)
    }
    fn validate(&self, value: &Value) -> Result<(), CodecError> {
        GzcmCodec.validate(value)
    }
    fn encode(&self, value: Value, context: &mut EncodeContext<'_>) -> Result<Value, CodecError> {
        GzcmCodec.encode(value, context)
    }
    fn decode(&self, stored: Value, context: &DecodeContext<'_>) -> Result<Value, CodecError> {
        let decoded = GzcmCodec.decode(stored, context)?;
        // Not verified as a whole: every part that is read must notice its damage itself.
        let matrix = decoded.downcast_ref::<GzcmRef>().ok_or(CodecError::NoStore)?;
        Ok(Value::Array(Box::new(matrix.load()?)))
    }
}

fn case(value: impl Into<Value>, expected: NdArray) -> Case {
    Case::checked(value, move |decoded| Ok(*decoded == Value::Array(Box::new(expected.clone()))))
}

fn conform(cases: &[Case]) {
    let codec: Arc<dyn Codec> = Arc::new(Eager);
    if let Err(error) = codec_conformance(&codec, cases) {
        panic!("{error}");
    }
}

#[test]
fn matrices_conform() {
    let options = |json| GzcmOptions::from_json(&json).unwrap();
    let roaring =
        options(json!({"layout": "sparse-roaring", "chrom1": "chr1", "chrom2": "chr2", "bin_size_bp": 5000}));
    let coded = options(json!({"codec": "lz4", "tile_size": 16, "chrom1": "chr1", "bin_size_bp": 5000}));
    let values = NdArray::from_vec(vec![7_u32, 1, 4]);
    let cells = GzcmSource::sparse((30, 20), vec![29, 0, 3], vec![19, 1, 3], values, roaring);
    let mut dense = vec![0_u32; 600];
    (dense[599], dense[1], dense[63]) = (7, 1, 4);
    conform(&[
        case(counts(20, 33), counts(20, 33)),
        case(symmetric(18), symmetric(18)),
        case(Value::foreign(cells), NdArray::from_shape_vec(vec![30, 20], dense).unwrap()),
        case(Value::foreign(GzcmSource::dense(counts(20, 20), coded)), counts(20, 20)),
    ]);
}

#[test]
fn what_is_no_matrix_is_refused_with_what_to_do() {
    let refused = |value: Value, part: &str| {
        let error = GzcmCodec.validate(&value).unwrap_err().to_string();
        assert!(error.contains(part), "{part:?} in {error}");
    };
    let array = |array: NdArray| Value::Array(Box::new(array));
    refused(array(NdArray::from_vec(vec![1_u32])), "two dimensions");
    refused(array(NdArray::from_shape_vec(vec![0, 3], Vec::<f32>::new()).unwrap()), "at least one cell");
    refused(array(NdArray::from_shape_vec(vec![1, 1], vec![1_u64]).unwrap()), "astype");
    refused(array(NdArray::from_shape_vec(vec![1, 2], vec![1.0, f64::NAN]).unwrap()), "element 1");
    refused(Value::Int(5), "requires a matrix");
    refused(Value::from("no/such/file.cool"), "no/such/file.cool");
    let cells = |rows: Vec<u32>, cols: Vec<u32>| {
        let values = NdArray::from_vec(vec![1_u32; rows.len()]);
        GzcmSource::sparse((3, 3), rows, cols, values, GzcmOptions::default())
    };
    refused(Value::foreign(cells(vec![3], vec![0])), "within its shape");
    refused(Value::foreign(cells(vec![1], vec![])), "as many");
    let again = encode::encode(&cells(vec![1, 1], vec![2, 2]), &|| false).err().unwrap().to_string();
    assert!(again.contains("(1, 2) comes again"), "{again}");
    for json in [
        json!([]),
        json!({"tile": 1}),
        json!({"codec": 5}),
        json!({"tile_size": 0}),
        json!({"layout": "best"}),
    ] {
        GzcmOptions::from_json(&json).unwrap_err();
    }
}

#[test]
fn orders_and_byte_orders_are_read_as_they_are_meant() {
    let expected = counts(5, 9);
    let column_major = expected.to_order(Order::F);
    let big: Vec<u8> = expected.data().chunks_exact(4).flat_map(|cell| cell.iter().rev().copied()).collect();
    let big_endian = DType { order: lapjoint_types::ByteOrder::Big, ..DType::U32 };
    let big = NdArray::new(big_endian, vec![5, 9], Order::C, big.into()).unwrap();
    for array in [column_major, big] {
        let source = GzcmSource::dense(array, GzcmOptions::default());
        let written = encode::encode(&source, &|| false).unwrap();
        assert_eq!(written.reader.dense(0, 0..5, 0..9).unwrap().bytes, expected.data().to_vec());
    }
}

#[test]
fn a_file_in_a_table_is_read_by_windows_with_few_requests() {
    let folder = tempfile::tempdir().unwrap();
    let store = json!({"default": "main", "main": {"protocol": "file", "location": folder.path()}});
    let mut config = lapjoint_store::Config::default();
    config.set("stores", store).unwrap();
    let connection = Connection::options().config(config).directory(":memory:").open().unwrap();
    let lab = connection.schema("lab").unwrap();
    let table = lab.manual("Map", "map_id : int32\n---\ncontacts : <gzcm@main>").unwrap();
    table.insert1(row! { "map_id" => 1, "contacts" => example("yeast.10kb.cool") }).unwrap();
    let value: Value = (&table & row! { "map_id" => 1 }).fetch1_as("contacts").unwrap();
    let matrix = value.downcast_ref::<GzcmRef>().unwrap();
    assert_eq!(
        (matrix.shape(), matrix.dtype().name(), matrix.nnz()),
        ((1226, 1226), "uint32", Some(728_311))
    );
    let before = matrix.store().stats();
    let window = matrix.locate(Some("chrIV:0-1000000"), Some("chrXII:500000-"), None).unwrap();
    let part = matrix.dense(&window).unwrap();
    let after = matrix.store().stats();
    assert!(after.requests - before.requests <= 4, "{} requests", after.requests - before.requests);
    // The same cells of all that is read at once, and sparse.
    let all = matrix.load().unwrap().to_c_vec::<u32>().unwrap();
    let cells: Vec<u32> = window
        .rows
        .clone()
        .flat_map(|row| window.cols.clone().map(move |col| (row, col)))
        .map(|(row, col)| all[usize::try_from(row * 1226 + col).unwrap()])
        .collect();
    assert_eq!(part.to_c_vec::<u32>().unwrap(), cells);
    let sparse = matrix.sparse(&window).unwrap();
    assert_eq!(sparse.rows.len(), cells.iter().filter(|count| **count != 0).count());
    let turned = matrix.locate(Some("chrXII"), Some("chrIV"), None).unwrap();
    assert_eq!(matrix.dense(&turned).unwrap().shape(), [108, 154]);
    assert!(matrix.thumbnail(64).unwrap().starts_with(b"\x89PNG"));
    matrix.verify().unwrap();
    // One byte of the file is changed.
    let path = matrix.local_path().unwrap().unwrap();
    let mut bytes = std::fs::read(&path).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(&path, bytes).unwrap();
    assert!(matrix.verify().unwrap_err().to_string().contains("crc32c"));
}

/// Writes the cases of `conformance/codecs/gzcm` that are not there yet; run by hand.
#[test]
#[ignore = "writes files that are then frozen"]
fn write_frozen_cases() {
    let sparse = GzcmOptions {
        layout: Some(::gzcm::container::meta::Layout::SparseTiledIntra),
        ..GzcmOptions::default()
    };
    for (name, array, options) in [
        ("counts", counts(40, 25), GzcmOptions::default()),
        ("symmetric", symmetric(30), GzcmOptions::default()),
        ("sparse", symmetric(12), sparse),
    ] {
        let case = frozen().join("1.0").join(format!("{name}_by_lapjoint"));
        if case.exists() {
            continue;
        }
        std::fs::create_dir_all(case.join("objects")).unwrap();
        let mut config = lapjoint_store::Config::default();
        let main = json!({"protocol": "file", "location": case.join("objects")});
        config.set("stores", json!({"default": "main", "main": main})).unwrap();
        let stores = lapjoint_store::Stores::new(config);
        let key = [("sample".to_owned(), Value::from(name))];
        let site = lapjoint_codec::Site { schema: "lab", table: "map", field: "contacts", key: &key };
        let mut context = EncodeContext::new(site, &stores);
        context.store_name = Some("main");
        context.place = Place::Store;
        let source = GzcmSource::dense(array.clone(), options);
        let column = GzcmCodec.encode(Value::foreign(source), &mut context).unwrap();
        let upload = lapjoint_store::UploadOptions::default();
        let staged = context.take_staged();
        lapjoint_store::upload(&stores, &staged, &upload, &lapjoint_store::staging::no_progress).unwrap();
        let Value::Json(column) = column else { panic!("{column:?}") };
        let found = json!({
            "spec": "<gzcm@main>",
            "column": *column,
            "written_by": concat!("lapjoint ", env!("CARGO_PKG_VERSION")),
            "expected": {"npy": "expected.npy"},
            "read_by": ["lapjoint", "python"],
        });
        std::fs::write(case.join("case.json"), format!("{found:#}\n")).unwrap();
        std::fs::write(case.join("expected.npy"), lapjoint_format::npy::to_bytes(&array).unwrap()).unwrap();
    }
}

fn frozen() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../conformance/codecs/gzcm")
}

#[test]
fn frozen_files_are_read() {
    let cases = lapjoint_codec::conformance::frozen_cases(&frozen()).unwrap();
    assert!(!cases.is_empty());
    for case in cases {
        let found: Json = serde_json::from_slice(&std::fs::read(case.join("case.json")).unwrap()).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let path = found["column"]["path"].as_str().unwrap();
        let mut config = lapjoint_store::Config::default();
        let main = json!({"protocol": "file", "location": folder.path()});
        config.set("stores", json!({"default": "main", "main": main})).unwrap();
        let target = folder.path().join(path);
        std::fs::create_dir_all(target.parent().unwrap()).unwrap();
        std::fs::copy(case.join("objects").join(path), target).unwrap();
        let store = lapjoint_store::Stores::new(config).get(Some("main")).unwrap();
        let matrix = GzcmRef::new(found["column"].clone(), store).unwrap();
        matrix.verify().unwrap();
        let expected = std::fs::read(case.join("expected.npy")).unwrap();
        assert_eq!(
            matrix.load().unwrap(),
            lapjoint_format::npy::from_bytes(expected.into()).unwrap(),
            "{case:?}"
        );
    }
}
