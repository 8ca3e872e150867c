//! Stored values that were written once, and must be readable for ever.
//!
//! A case is a folder with `case.json` and, under `objects/`, the files of the store `main`; `conformance/codecs/README.md`
//! says what stands in it.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use bytes::Bytes;
use lapjoint_format::{blob, npy, tagged};
use lapjoint_store::{Config, Stores};
use lapjoint_types::Value;
use lapjoint_types::spec::parse_type_spec;
use serde_json::{Value as Json, json};

use super::{Downloads, text};
use crate::chain::Chain;
use crate::context::{DecodeContext, Site};
use crate::registry::Registry;

/// A case that cannot be read, or gives another value.
#[derive(Debug, thiserror::Error)]
#[error("{case}: {message}")]
pub struct FrozenError {
    /// Folder of the case.
    pub case: String,
    /// What is wrong.
    pub message: String,
}

/// Folders of all cases below `folder`, sorted.
///
/// # Errors
/// [`FrozenError`] when a folder cannot be listed.
pub fn frozen_cases(folder: &Path) -> Result<Vec<PathBuf>, FrozenError> {
    let mut cases = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        let failed =
            |error: std::io::Error| FrozenError { case: folder.display().to_string(), message: text(error) };
        if folder.join("case.json").is_file() {
            cases.push(folder);
            continue;
        }
        for entry in fs::read_dir(&folder).map_err(failed)? {
            let path = entry.map_err(failed)?.path();
            if path.is_dir() {
                folders.push(path);
            }
        }
    }
    cases.sort();
    Ok(cases)
}

/// Decodes a case with the codecs of `registry` and compares the value. Whether it was compared: a case that only codecs of
/// another language read says so, and is left to them.
///
/// # Errors
/// [`FrozenError`] when it cannot be decoded, or gives another value.
pub fn check_frozen(registry: &Registry, case: &Path) -> Result<bool, FrozenError> {
    check(registry, case).map_err(|message| FrozenError { case: case.display().to_string(), message })
}

fn check(registry: &Registry, folder: &Path) -> Result<bool, String> {
    let case: Json =
        serde_json::from_slice(&fs::read(folder.join("case.json")).map_err(text)?).map_err(text)?;
    if case.get("read_by").and_then(Json::as_array).is_some_and(|by| !by.contains(&json!("rust"))) {
        return Ok(false);
    }
    let spec = case.get("spec").and_then(Json::as_str).ok_or("no \"spec\"")?;
    let chain = Chain::resolve(registry, &parse_type_spec(spec)).map_err(text)?;
    let scratch = Downloads::new();
    let objects = scratch.0.join("objects");
    fs::create_dir_all(&objects).map_err(text)?;
    if folder.join("objects").is_dir() {
        copy(&folder.join("objects"), &objects).map_err(text)?;
    }
    let mut config = Config::default();
    let main = json!({"protocol": "file", "location": objects});
    config
        .set("stores", json!({"default": "main", "filepath_default": "main", "main": main}))
        .map_err(text)?;
    let stores = Stores::new(config);
    let download_path = scratch.0.join("downloads");
    let site = Site { schema: "lab", table: "__scan", field: "value", key: &[] };
    let context = DecodeContext { site, stores: &stores, store_name: None, download_path: &download_path };
    let column = case.get("column").ok_or("no \"column\"")?;
    let column = match column.get("bytes").and_then(Json::as_str) {
        Some(hex) => Value::Bytes(tagged::from_hex(hex).map_err(text)?),
        None => Value::from(column.clone()),
    };
    let value = chain.decode(column, &context).map_err(|error| format!("it cannot be decoded: {error}"))?;
    let expected = case
        .get("expected")
        .and_then(Json::as_object)
        .and_then(|tags| tags.iter().next())
        .ok_or("no \"expected\"")?;
    compare(&chain, value, expected, folder)?;
    Ok(true)
}

fn compare(
    chain: &Chain,
    value: Value,
    (tag, content): (&String, &Json),
    folder: &Path,
) -> Result<(), String> {
    let file = || -> Result<Bytes, String> {
        let name = content.as_str().ok_or("the name of a file is expected")?;
        Ok(fs::read(folder.join(name)).map_err(text)?.into())
    };
    let hex = |json: Option<&Json>| -> Result<Bytes, String> {
        let digits = json.and_then(Json::as_str).ok_or("hexadecimal digits are expected")?;
        tagged::from_hex(digits).map_err(text)
    };
    match tag.as_str() {
        "npy" => same(&plain(chain, value)?, &Value::from(npy::from_bytes(file()?).map_err(text)?)),
        "blob" => same(&plain(chain, value)?, &blob::unpack(file()?).map_err(text)?),
        "bytes" => same(&plain(chain, value)?, &Value::Bytes(hex(Some(content))?)),
        "json" => match plain(chain, value)? {
            Value::Json(found) if *found == *content => Ok(()),
            found => same(&found, &tagged::from_json(content).map_err(text)?),
        },
        "files" => {
            let expected: BTreeMap<String, Bytes> = content
                .as_object()
                .ok_or("an object of files is expected")?
                .iter()
                .map(|(path, digits)| Ok((path.clone(), hex(Some(digits))?)))
                .collect::<Result<_, String>>()?;
            let found = files_of(chain, value)?;
            if found == expected { Ok(()) } else { Err(format!("other files: {:?}", found.keys())) }
        }
        "file" => {
            let Value::Str(path) = &value else { return Err(format!("{value:?} is no path")) };
            let path = Path::new(path);
            let name = content.get("name").and_then(Json::as_str);
            if path.file_name().and_then(|name| name.to_str()) != name {
                return Err(format!("the file is called {}", path.display()));
            }
            let found = Value::from(fs::read(path).map_err(text)?);
            same(&found, &Value::Bytes(hex(content.get("bytes"))?))
        }
        other => Err(format!("{other:?} is no form of an expected value")),
    }
}

/// The value itself; of a reference, what it refers to.
fn plain(chain: &Chain, value: Value) -> Result<Value, String> {
    let Some(outermost) = chain.links().first() else { return Ok(value) };
    crate::plain::plain(outermost.codec.as_ref(), value).map_err(text)
}

fn files_of(chain: &Chain, value: Value) -> Result<BTreeMap<String, Bytes>, String> {
    let Value::Dict(files) = plain(chain, value)? else { return Err("it is no folder".into()) };
    let file = |(path, content): (Value, Value)| match (path, content) {
        (Value::Str(path), Value::Bytes(content)) => Some((path, content)),
        _ => None,
    };
    Ok(files.into_iter().filter_map(file).collect())
}

fn same(found: &Value, expected: &Value) -> Result<(), String> {
    if found == expected { Ok(()) } else { Err(format!("{found:?} came back, not {expected:?}")) }
}

fn copy(from: &Path, to: &Path) -> std::io::Result<()> {
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            fs::create_dir(&target)?;
            copy(&entry.path(), &target)?;
        } else {
            fs::copy(entry.path(), target)?;
        }
    }
    Ok(())
}
