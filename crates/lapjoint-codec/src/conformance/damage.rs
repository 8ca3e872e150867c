//! Damaged columns and objects.

use std::panic::{AssertUnwindSafe, catch_unwind};

use lapjoint_store::PutMode;
use lapjoint_store::staging::ObjectKind;
use lapjoint_types::Value;
use serde_json::json;

use super::{Bed, Case, Encoded, read, text};
use crate::chain::Chain;
use crate::error::CodecError;
use crate::npy_ref::NpyRef;

/// Most positions that are damaged in one piece of bytes.
const LIMIT_POSITIONS: usize = 1500;

/// Damages the column and every staged object in many ways, one at a time.
pub(super) fn survived(bed: &Bed, chain: &Chain, case: &Case, encoded: &Encoded) -> Result<(), String> {
    match &encoded.column {
        Value::Bytes(bytes) => {
            for (what, damaged) in damages(bytes) {
                attempt(bed, chain, &Value::from(damaged))
                    .map_err(|panic| format!("column {what}: {panic}"))?
                    .ok();
            }
        }
        Value::Json(metadata) => damage_metadata(bed, chain, metadata)?,
        _ => {}
    }
    damage_objects(bed, chain, case, encoded)
}

/// Decodes and reads: the outer error is a panic.
fn attempt(bed: &Bed, chain: &Chain, column: &Value) -> Result<Result<Value, CodecError>, String> {
    let run = || {
        let decoded = bed.decode(chain, column.clone())?;
        if let Some(array) = decoded.downcast_ref::<NpyRef>() {
            array.nbytes()?;
            array.slice_axes(&[])?;
        }
        read(&decoded)?;
        Ok(decoded)
    };
    catch_unwind(AssertUnwindSafe(run)).map_err(|_| "it panicked".to_owned())
}

/// Bytes cut short, and with one byte changed, at every position or at many.
fn damages(bytes: &[u8]) -> impl Iterator<Item = (String, Vec<u8>)> {
    let step = bytes.len().div_ceil(LIMIT_POSITIONS).max(1);
    (0..bytes.len()).step_by(step).flat_map(move |position| {
        let short = bytes.get(..position).unwrap_or_default().to_vec();
        let mut flipped = bytes.to_vec();
        if let Some(byte) = flipped.get_mut(position) {
            *byte ^= 0xff;
        }
        [(format!("cut at byte {position}"), short), (format!("changed at byte {position}"), flipped)]
    })
}

/// Every field of the metadata missing, and of every wrong type; paths that lead out of the store.
fn damage_metadata(bed: &Bed, chain: &Chain, metadata: &serde_json::Value) -> Result<(), String> {
    let Some(object) = metadata.as_object() else { return Ok(()) };
    let wrong = [
        json!(null),
        json!(true),
        json!(-1),
        json!(1.5),
        json!(u64::MAX),
        json!("x"),
        json!(""),
        json!([]),
        json!([u64::MAX, u64::MAX]),
        json!({}),
    ];
    for name in object.keys() {
        let mut without = object.clone();
        without.remove(name);
        let mut variants = vec![without];
        for value in &wrong {
            let mut other = object.clone();
            other.insert(name.clone(), value.clone());
            variants.push(other);
        }
        for variant in variants {
            let column = Value::from(serde_json::Value::Object(variant));
            let _ = attempt(bed, chain, &column).map_err(|panic| format!("metadata {column:?}: {panic}"))?;
        }
    }
    if object.contains_key("path") {
        for path in ["../../etc/passwd", "/etc/passwd", "a/../../../etc/passwd", "C:\\x", ".."] {
            let mut hostile = object.clone();
            hostile.insert("path".into(), json!(path));
            let column = Value::from(serde_json::Value::Object(hostile));
            if attempt(bed, chain, &column)?.is_ok() {
                return Err(format!("metadata with the path {path} was followed"));
            }
        }
    }
    Ok(())
}

fn damage_objects(bed: &Bed, chain: &Chain, case: &Case, encoded: &Encoded) -> Result<(), String> {
    let is_checked = matches!(&encoded.column, Value::Json(json)
        if json.get("crc32c").is_some() || json.get("hash").is_some_and(serde_json::Value::is_string));
    for object in &encoded.staged {
        let store = bed.stores.get(Some(&object.store)).map_err(text)?;
        if object.payload.kind() == ObjectKind::Folder {
            continue;
        }
        let content = store.get(&object.path).map_err(text)?;
        for (what, damaged) in damages(&content) {
            store.put(&object.path, damaged, PutMode::Overwrite).map_err(text)?;
            let outcome =
                attempt(bed, chain, &encoded.column).map_err(|panic| format!("object {what}: {panic}"))?;
            if let Ok(value) = outcome
                && is_checked
                && !(case.is_same)(&value).unwrap_or(false)
            {
                return Err(format!("an object {what} was read as another value"));
            }
        }
        store.delete(&object.path).map_err(text)?;
        if attempt(bed, chain, &encoded.column)?.is_ok() {
            return Err(format!("the object {} is gone, and nobody noticed", object.path));
        }
        store.put(&object.path, content, PutMode::Overwrite).map_err(text)?;
    }
    Ok(())
}
