//! What lazy references refer to, and whether two decoded values are the same.

use std::io::Read;

use lapjoint_types::{LogicalType, Value};

use crate::codec::{Codec, Rendered};
use crate::error::CodecError;
use crate::npy_ref::NpyRef;
use crate::object_ref::ObjectRef;

/// A decoded value itself; of a lazy reference, what it refers to: an array, the bytes of a file, or a dict of a folder's files
/// by their paths. Reads all of it. A reference that nobody can read stays as it is.
///
/// # Errors
/// [`CodecError`] when an object cannot be read.
pub fn plain(codec: &dyn Codec, value: Value) -> Result<Value, CodecError> {
    if let Some(array) = value.downcast_ref::<NpyRef>() {
        return Ok(array.load()?.into());
    }
    if let Some(object) = value.downcast_ref::<ObjectRef>() {
        return if object.is_dir { files(object) } else { Ok(Value::Bytes(object.read()?)) };
    }
    #[cfg(feature = "figpack")]
    if let Some(figure) = value.downcast_ref::<crate::science::figpack::FigpackRef>() {
        return files(&figure.object);
    }
    if !matches!(value, Value::Foreign(_)) || codec.logical_type() == LogicalType::Content {
        return Ok(value);
    }
    match codec.render(vec![value.clone()])? {
        Rendered::Values(mut values) => Ok(values.pop().unwrap_or(value)),
        Rendered::Column(_) => Ok(value),
    }
}

/// The files of a folder, each compared with the manifest.
fn files(object: &ObjectRef) -> Result<Value, CodecError> {
    object.verify()?;
    let mut files = Vec::new();
    for level in object.walk()? {
        for name in level.files {
            let path = if level.path.is_empty() { name } else { format!("{}/{name}", level.path) };
            let mut content = Vec::new();
            object.open(Some(&path))?.read_to_end(&mut content).map_err(|source| CodecError::Io {
                codec: "object".into(),
                path: format!("{}/{path}", object.path),
                source,
            })?;
            files.push((Value::from(path), Value::from(content)));
        }
    }
    Ok(Value::Dict(files))
}

/// Whether two decoded values of a codec are the same: as the codec says, or else by their content, all of which is read. `None`
/// where neither can say it.
///
/// # Errors
/// [`CodecError`] when an object cannot be read.
pub fn is_same(codec: &dyn Codec, a: &Value, b: &Value) -> Result<Option<bool>, CodecError> {
    if let Some(known) = codec.is_same(a, b)? {
        return Ok(Some(known));
    }
    let (a, b) = (plain(codec, a.clone())?, plain(codec, b.clone())?);
    if matches!(a, Value::Foreign(_)) || matches!(b, Value::Foreign(_)) {
        return Ok(None);
    }
    Ok(Some(a == b))
}
