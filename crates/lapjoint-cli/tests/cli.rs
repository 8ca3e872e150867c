//! The command as people run it, on the example data.

#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

fn lapjoint(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_lapjoint")).args(arguments).env_remove("RUST_LOG").output().unwrap()
}

#[track_caller]
fn text(output: &Output) -> String {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout.clone()).unwrap()
}

#[track_caller]
fn contains(text: &str, parts: &[&str]) {
    for part in parts {
        assert!(text.contains(part), "{part:?} in:\n{text}");
    }
}

fn example_data() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/data")
}

#[test]
fn the_demonstration_and_a_look_around() {
    let directory = tempfile::tempdir().unwrap();
    let output = directory.path().join("out");
    let place = output.to_str().unwrap();
    let data = example_data();
    let demo = lapjoint(&["demo", "--data", data.to_str().unwrap(), "--output", place]);
    contains(
        &text(&demo),
        &[
            "Structure  1327 rows equal",
            "5 traces equal",
            "3 files and 300 frames equal",
            "66560 bytes were read in 2 requests",
            "refused: ",
            "311 before, 311 after",
            "_hash/demo",
            "demo.sqlite",
        ],
    );
    // A second run must not harm the first.
    let again = lapjoint(&["demo", "--data", data.to_str().unwrap(), "--output", place]);
    assert!(!again.status.success());
    contains(&String::from_utf8_lossy(&again.stderr), &["is not empty"]);

    contains(&text(&lapjoint(&["-C", place, "tables"])), &["demo"]);
    contains(
        &text(&lapjoint(&["-C", place, "tables", "demo"])),
        &["Scan.Frame", "Part", "300 rows", "Structure"],
    );
    contains(&text(&lapjoint(&["-C", place, "describe", "demo.Scan.Frame"])), &["-> Scan\n", "<blob@>"]);
    contains(&text(&lapjoint(&["-C", place, "diagram", "demo"])), &["demo\n  ", "└─ .Frame"]);
    let frame = ["-C", place, "diagram", "demo.Scan.Frame", "--up", "1", "--format"];
    contains(
        &text(&lapjoint(&[&frame[..], &["mermaid"]].concat())),
        &["flowchart LR", "Scan --> Scan_Frame"],
    );
    contains(&text(&lapjoint(&[&frame[..], &["dot", "--top-to-bottom"]].concat())), &["rankdir=TB"]);
    let picture = directory.path().join("demo.svg");
    let to_file = ["svg", "--theme", "dark", "--output", picture.to_str().unwrap()];
    assert_eq!(text(&lapjoint(&[&frame[..], &to_file].concat())), "");
    contains(&std::fs::read_to_string(&picture).unwrap(), &["<svg", "#161A21", ">Frame</text>"]);
    let missing = lapjoint(&["-C", place, "diagram", "demo.Scam"]);
    contains(&String::from_utf8_lossy(&missing.stderr), &["Scan"]);
    contains(
        &text(&lapjoint(&["-C", place, "head", "demo.Structure", "-n", "2"])),
        &["*structure_id", "(2 of 1327 rows)"],
    );
    contains(&text(&lapjoint(&["-C", place, "verify", "demo"])), &["311 objects", "0 without a checksum"]);
    contains(
        &text(&lapjoint(&["-C", place, "gc", "demo", "--dry-run"])),
        &["311 referenced, 0 unreferenced"],
    );
    let config = text(&lapjoint(&["-C", place, "config", "show"]));
    contains(&config, &["lapjoint.json", "stores.main.location", "database.backend", "default"]);

    // A damaged object is found and named.
    let hashes = output.join("store/_hash/demo");
    let victim = std::fs::read_dir(&hashes).unwrap().next().unwrap().unwrap().path();
    let mut bytes = std::fs::read(&victim).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    std::fs::write(&victim, bytes).unwrap();
    let verify = lapjoint(&["-C", place, "verify", "demo"]);
    assert!(!verify.status.success());
    contains(
        &String::from_utf8_lossy(&verify.stdout),
        &["DAMAGED", "_scan__frame", victim.file_name().unwrap().to_str().unwrap()],
    );
    // An object without a row is listed, and stays.
    std::fs::write(hashes.join("aaaaaaaaaaaaaaaaaaaaaaaaaa"), b"stray").unwrap();
    contains(
        &text(&lapjoint(&["-C", place, "gc", "demo", "--dry-run"])),
        &["aaaaaaaaaaaaaaaaaaaaaaaaaa", "1 unreferenced"],
    );
    assert!(hashes.join("aaaaaaaaaaaaaaaaaaaaaaaaaa").exists());
}

#[test]
fn codecs_and_errors() {
    let list = text(&lapjoint(&["codecs", "list"]));
    contains(&list, &["<attach>", "<blob>", "<filepath@>", "<hash@>", "<npy@>", "<object@>", "built in"]);
    contains(
        &text(&lapjoint(&["codecs", "show", "<npy@>"])),
        &["partial reads   yes", "not possible", "as json"],
    );
    for (arguments, part) in [
        (vec!["codecs", "show", "npi"], "Did you mean <npy>?"),
        (vec!["describe", "nodot"], "schema.Table"),
        (vec!["demo", "--data", "/nonexistent"], "examples/data"),
    ] {
        let output = lapjoint(&arguments);
        assert!(!output.status.success(), "{arguments:?}");
        contains(&String::from_utf8_lossy(&output.stderr), &[part]);
    }
    let empty = tempfile::tempdir().unwrap();
    let output = lapjoint(&["-C", empty.path().to_str().unwrap(), "tables", "nothing"]);
    assert!(!output.status.success());
    contains(&String::from_utf8_lossy(&output.stderr), &["nothing"]);
}

#[test]
fn secrets_are_never_shown() {
    let directory = tempfile::tempdir().unwrap();
    let config = r#"{"database": {"password": "hunter2"}, "stores": {"default": "a", "a": {"protocol": "s3",
        "endpoint": "e", "bucket": "b", "location": "", "access_key": "AKIAX", "secret_key": "hunter3"}}}"#;
    std::fs::write(directory.path().join("datajoint.json"), config).unwrap();
    let shown = text(&lapjoint(&["-C", directory.path().to_str().unwrap(), "config", "show"]));
    contains(&shown, &["database.password", "stores.a.bucket", "datajoint.json"]);
    assert!(!shown.contains("hunter"), "{shown}");
}
