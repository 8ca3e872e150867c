//! `<attach>` and `<attach@>` on file and memory stores.

use crate::common::Bed;
use lapjoint_codec::types::Value;

fn path_of(value: Value) -> std::path::PathBuf {
    match value {
        Value::Str(path) => path.into(),
        other => panic!("expected a path, got {other:?}"),
    }
}

#[test]
fn files_come_back_under_their_names() {
    let bed = Bed::new();
    let source = bed.file("in/notes.txt", b"line\n\0tail");
    for spec in ["<attach>", "<attach@>", "<attach@cold>"] {
        let column = bed.insert(spec, source.as_str());
        if spec == "<attach>" {
            assert_eq!(column, Value::from(b"notes.txt\0line\n\0tail".as_slice()));
        }
        let path = path_of(bed.fetch(spec, column).unwrap());
        assert_eq!(path, bed.folder.path().join("downloads/notes.txt"));
        assert_eq!(std::fs::read(path).unwrap(), b"line\n\0tail");
    }
}

#[test]
fn another_file_of_the_same_name_is_left_alone() {
    let bed = Bed::new();
    let first = bed.insert("<attach@>", bed.file("a/data.bin", b"one").as_str());
    let second = bed.insert("<attach@>", bed.file("b/data.bin", b"two").as_str());
    let names: Vec<_> = [&first, &second, &first, &second]
        .map(|column| path_of(bed.fetch("<attach@>", column.clone()).unwrap()))
        .iter()
        .map(|path| path.file_name().unwrap().to_str().unwrap().to_owned())
        .collect();
    assert_eq!(names, ["data.bin", "data_1.bin", "data.bin", "data_1.bin"]);
}

#[test]
fn what_is_no_file_is_refused() {
    let bed = Bed::new();
    let error = |value: Value| bed.encode("<attach>", value).err().unwrap().to_string();
    assert_eq!(error(Value::Int(5)), "<attach> expects a file path, got int");
    assert_eq!(error("/no/such".into()), "Attachment file not found: /no/such");
    let folder = bed.folder.path().to_str().unwrap();
    assert_eq!(error(folder.into()), format!("<attach> does not support directories: {folder}"));
}

#[test]
fn hostile_names_stay_in_the_download_folder() {
    let bed = Bed::new();
    for (stored, name) in [("../../evil", "evil"), ("/abs/x", "x"), ("..\\up", "up")] {
        let column = Value::from(format!("{stored}\0content").into_bytes());
        assert_eq!(
            path_of(bed.fetch("<attach>", column).unwrap()),
            bed.folder.path().join("downloads").join(name)
        );
    }
    for stored in [&b"..\0x"[..], b".\0x", b"\0x", b"a/\0x", b"no separator", b"", b"\xff\0x"] {
        assert!(bed.fetch("<attach>", stored.into()).is_err(), "{stored:?}");
    }
    assert!(bed.fetch("<attach>", Value::Int(1)).is_err());
    assert_eq!(std::fs::read_dir(bed.folder.path().join("downloads")).unwrap().count(), 3);
}
