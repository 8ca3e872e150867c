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

#[test]
fn a_new_codec_in_rust_keeps_the_rules() {
    let directory = tempfile::tempdir().unwrap();
    let place = directory.path().to_str().unwrap();
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let new = lapjoint(&[
        "codec",
        "new",
        "--lang",
        "rust",
        "note-lines",
        "--dir",
        place,
        "--lapjoint",
        root.to_str().unwrap(),
    ]);
    contains(&text(&new), &["note-lines-codec/src/lib.rs"]);
    let package = directory.path().join("note-lines-codec");
    // The versions of dependencies that the workspace has: they are on this machine.
    std::fs::copy(root.join("Cargo.lock"), package.join("Cargo.lock")).unwrap();
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), PathBuf::from);
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let tested = Command::new(cargo)
        .args(["test", "--offline"])
        .current_dir(&package)
        .env("CARGO_TARGET_DIR", target.join("templates"))
        .output()
        .unwrap();
    contains(&text(&tested), &["4 passed"]);
}

#[test]
fn codecs_are_listed_checked_and_locked() {
    let directory = tempfile::tempdir().unwrap();
    let lock = directory.path().join("a.lock");
    contains(&text(&lapjoint(&["codecs", "list"])), &["<blob> <blob@>", "built in", "lapjoint 0."]);
    let file = lock.to_str().unwrap();
    contains(&text(&lapjoint(&["codecs", "lock", file])), &["codecs in"]);
    text(&lapjoint(&["codecs", "lock", file, "--check"]));
    let changed = std::fs::read_to_string(&lock).unwrap().replace("built in", "somebody else");
    std::fs::write(&lock, changed).unwrap();
    let differs = lapjoint(&["codecs", "lock", file, "--check"]);
    assert!(!differs.status.success());
    contains(
        &String::from_utf8_lossy(&differs.stdout),
        &["<blob>: origin is built in, locked is somebody else"],
    );
    contains(&String::from_utf8_lossy(&lapjoint(&["nonsense"]).stderr), &["unrecognized subcommand"]);
    assert_eq!(lapjoint(&["nonsense"]).status.code(), Some(2));
}

/// The glue of a module to the engine is the same in the template and in the example, of which each must stand alone.
#[test]
fn the_template_of_modules_has_the_glue_of_the_example() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    let template = std::fs::read_to_string(root.join("templates/wasm/src/abi.rs")).unwrap();
    let example = std::fs::read_to_string(root.join("../../examples/wasm/rust/src/abi.rs")).unwrap();
    assert!(template == example, "templates/wasm/src/abi.rs and examples/wasm/rust/src/abi.rs differ");
}

#[test]
fn contact_matrices_are_converted_shown_drawn_and_verified() {
    let directory = tempfile::tempdir().unwrap();
    let place = |name: &str| directory.path().join(name).to_str().unwrap().to_owned();
    let data = concat!(env!("CARGO_MANIFEST_DIR"), "/../../examples/data/hic/fly_dm6_100kb_1mb.mcool");
    let (file, picture, back) = (place("fly.gzcm"), place("fly.png"), place("fly.txt"));
    contains(&text(&lapjoint(&["gzcm", "convert", data, &file])), &["900532 contacts, 2 regions of uint32"]);
    contains(&text(&lapjoint(&["gzcm", "info", &file])), &["GZCM 5.1", "100000, 1000000 bp", "opaque"]);
    contains(
        &text(&lapjoint(&["gzcm", "verify", &file])),
        &["900532 contacts and 40 vectors are as they were"],
    );
    let shown = text(&lapjoint(&["gzcm", "cat", &file, "chr4", "--bin-size", "100000"]));
    contains(&shown, &["chr4\t0\t100000\tchr4\t0\t100000\t31915\n"]);
    text(&lapjoint(&["gzcm", "view", &file, "chr2L", "-o", &picture]));
    assert!(std::fs::read(&picture).unwrap().starts_with(b"\x89PNG\r\n"));
    text(&lapjoint(&["gzcm", "convert", &file, &back, "--bin-size-bp", "1000000"]));
    assert_eq!(
        std::fs::read_to_string(&back).unwrap().lines().filter(|line| !line.starts_with('#')).count(),
        10_148
    );
    let mut damaged = std::fs::read(&file).unwrap();
    let middle = damaged.len() / 2;
    damaged[middle] ^= 4;
    std::fs::write(&file, damaged).unwrap();
    let verified = lapjoint(&["gzcm", "verify", &file]);
    assert_eq!(verified.status.code(), Some(1));
    contains(&String::from_utf8_lossy(&verified.stdout), &["DAMAGED", "CRC32C"]);
    let saved = place("saved.gzcm");
    contains(&text(&lapjoint(&["gzcm", "salvage", &file, &saved])), &["2 regions", "1 tiles are lost"]);
    contains(&text(&lapjoint(&["gzcm", "verify", &saved])), &["as they were written"]);
}
