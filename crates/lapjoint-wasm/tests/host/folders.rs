//! Folders of modules, and registries that find them.

use std::fs;

use lapjoint_codec::Registry;
use lapjoint_store::Config;
use lapjoint_wasm::folder;

use crate::common::{Guest, example};

#[test]
fn what_is_broken_is_listed_with_its_error() {
    let (first, second) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    fs::write(first.path().join("delta.wasm"), example("delta")).unwrap();
    fs::write(first.path().join("broken.wasm"), b"\0asm").unwrap();
    fs::write(first.path().join("other.wasm"), example("runs")).unwrap();
    fs::write(first.path().join("readme.txt"), b"").unwrap();
    fs::write(second.path().join("delta.wasm"), b"the first folder counts").unwrap();
    fs::write(second.path().join("xor.wasm"), example("xor")).unwrap();
    let folders = [first.path().to_owned(), second.path().join("none"), second.path().to_owned()];
    let shown: Vec<String> = folder::scan(&folders)
        .into_iter()
        .map(|found| {
            let name = found.path.file_name().unwrap().to_string_lossy().into_owned();
            match found.codec {
                Ok(codec) => format!("{name}: <{}>", lapjoint_codec::Codec::name(codec.as_ref())),
                Err(error) => format!("{name}: {error}"),
            }
        })
        .collect();
    assert_eq!(shown.len(), 4, "{shown:?}");
    assert!(shown[0].starts_with("broken.wasm: ") && shown[0].contains("no WebAssembly module"), "{shown:?}");
    assert_eq!(shown[1], "delta.wasm: <delta>");
    assert!(
        shown[2].contains("names the codec <runs>; in this folder its file must be runs.wasm"),
        "{shown:?}"
    );
    assert_eq!(shown[3], "xor.wasm: <xor>");
}

#[test]
fn a_registry_finds_a_module_when_a_definition_asks_for_it() {
    let place = tempfile::tempdir().unwrap();
    fs::write(place.path().join("delta.wasm"), example("delta")).unwrap();
    fs::write(place.path().join("broken.wasm"), b"\0asm").unwrap();
    fs::write(place.path().join("blob.wasm"), Guest::new("blob", "").bytes()).unwrap();
    let mut config = Config::default();
    config.set("codecs.wasm_path", place.path().to_str()).unwrap();
    let registry = std::sync::Arc::new(Registry::with_builtins());
    assert!(registry.get("delta").is_err());
    lapjoint_wasm::install(&registry, &config);
    assert!(!registry.contains("delta"), "nothing is loaded before it is asked for");
    assert_eq!(registry.resolve_dtype("<delta@>").unwrap().codecs, ["delta"]);
    assert!(registry.contains("delta"));
    let error = registry.get("<broken>").unwrap_err().to_string();
    assert!(error.contains("<broken>") && error.contains("broken.wasm"), "{error}");
    // A codec that is there is not looked for.
    assert_eq!(registry.get("blob").unwrap().origin(), lapjoint_codec::Origin::Builtin);
    for name in ["../delta", "missing", "", "a/b", "delta.wasm"] {
        assert!(registry.get(name).unwrap_err().to_string().starts_with("Unknown codec"), "{name}");
    }
}

#[test]
fn a_listing_shows_what_is_there_and_what_is_wrong() {
    let place = tempfile::tempdir().unwrap();
    fs::write(place.path().join("runs.wasm"), example("runs")).unwrap();
    fs::write(place.path().join("broken.wasm"), b"\0asm").unwrap();
    fs::write(place.path().join("blob.wasm"), Guest::new("blob", "").bytes()).unwrap();
    let mut config = Config::default();
    config.set("codecs.wasm_path", place.path().to_str()).unwrap();
    let registry = std::sync::Arc::new(Registry::with_builtins());
    lapjoint_wasm::install(&registry, &config);
    let mut problems: Vec<String> = registry
        .load_all()
        .into_iter()
        .map(|problem| format!("{}: {}", problem.name, problem.state))
        .collect();
    problems.sort();
    assert!(registry.contains("runs"));
    assert_eq!(problems.len(), 2, "{problems:?}");
    assert_eq!(problems[0], "blob: shadowed by built in");
    assert!(problems[1].starts_with("broken: broken: "), "{problems:?}");
}
