//! `<attach>`: a copy of a local file, with its name.
//!
//! # What it does
//! The value is the path of a file. Its name and content are stored; a fetch writes the file into the download folder
//! and gives its path. A file that is there already with the same content is used as it is; one with other content is
//! left alone, and the new file is called `name_1.ext`, `name_2.ext`, ….
//!
//! # Specification
//! The base name in UTF-8, a NUL byte, the content. On a fetch only the base name is used, whatever the stored name
//! says, and the file appears under its name only when it is complete.
//!
//! # Names
//! `<attach>` is `bytes`; `<attach@>` and `<attach@store>` are `<hash@…>`.
//!
//! # Stored form
//! Inline, the bytes above. In a store, the same bytes under the path that the metadata of `<hash@>` names:
//!
//! ```
//! # let text = r#"
//! {
//!   "hash": "jo4sd5rnlmsfrxqw4lfqvyjqxq",
//!   "path": "_hash/lab/jo4sd5rnlmsfrxqw4lfqvyjqxq",
//!   "schema": "lab",
//!   "store": "main",
//!   "size": 2071,
//!   "crc32c": "4d6f1c35"
//! }
//! # "#;
//! # let json: serde_json::Value = serde_json::from_str(text)?;
//! # assert!(lapjoint_codec::ObjectReference::from_json(&json).is_some());
//! # Ok::<(), serde_json::Error>(())
//! ```
//!
//! # Compatibility
//! The bytes are DataJoint 2.3's. DataJoint trusts the stored name on a fetch; here a name with folders in it is cut to
//! its last part, and one that names no file is an error.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use bytes::Bytes;
use lapjoint_types::{LogicalType, TypeSpec, Value};

use crate::builtin::blob::bytes_or_hash;
use crate::codec::{Capabilities, Codec, Origin, Place};
use crate::context::{DecodeContext, EncodeContext};
use crate::error::CodecError;
use crate::local;

const NAME: &str = "attach";

/// The codec `<attach>`.
#[derive(Debug, Clone, Copy, Default)]
pub struct AttachCodec;

impl Codec for AttachCodec {
    fn name(&self) -> &str {
        NAME
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities::default()
    }

    fn origin(&self) -> Origin {
        Origin::Builtin
    }

    fn summary(&self) -> &str {
        "a copy of a local file, with its name"
    }

    fn dtype(&self, place: Place) -> Result<TypeSpec, CodecError> {
        Ok(bytes_or_hash(place))
    }

    fn validate(&self, value: &Value) -> Result<(), CodecError> {
        match value {
            Value::Str(_) => Ok(()),
            other => Err(CodecError::value(NAME, format!("expects a file path, got {}", other.type_name()))),
        }
    }

    fn encode(&self, value: Value, _context: &mut EncodeContext<'_>) -> Result<Value, CodecError> {
        self.validate(&value)?;
        let Value::Str(path) = value else { return Ok(Value::Null) };
        Ok(Value::Bytes(file_with_name(Path::new(&path))?))
    }

    /// Where the file is that a fetch has written.
    fn logical_type(&self) -> LogicalType {
        LogicalType::Text
    }

    fn decode(&self, stored: Value, context: &DecodeContext<'_>) -> Result<Value, CodecError> {
        let Value::Bytes(stored) = stored else {
            return Err(CodecError::stored(NAME, format!("expected bytes, got {}", stored.type_name())));
        };
        let end = stored
            .iter()
            .position(|&byte| byte == 0)
            .ok_or_else(|| CodecError::stored(NAME, "no NUL byte ends the file name"))?;
        let name = safe_name(stored.get(..end).unwrap_or_default())?;
        let content = stored.slice(end + 1..);
        let path = local::write_new(NAME, context.download_path, &name, &content)?;
        match path.to_str() {
            Some(path) => Ok(Value::Str(path.to_owned())),
            None => {
                Err(CodecError::stored(NAME, format!("the download path {} is not UTF-8", path.display())))
            }
        }
    }
}

/// Base name, NUL, content: in one allocation of the right size.
fn file_with_name(path: &Path) -> Result<Bytes, CodecError> {
    let refused = |source| local::io_error(NAME, path, source);
    let metadata = match std::fs::metadata(path) {
        Ok(metadata) => metadata,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            return Err(CodecError::FileNotFound(format!("Attachment file not found: {}", path.display())));
        }
        Err(error) => return Err(refused(error)),
    };
    if metadata.is_dir() {
        return Err(CodecError::IsADirectory(format!(
            "<attach> does not support directories: {}",
            path.display()
        )));
    }
    let name = path.file_name().and_then(std::ffi::OsStr::to_str).ok_or_else(|| {
        CodecError::value(NAME, format!("needs a file name in UTF-8, got {}", path.display()))
    })?;
    let size_bytes = usize::try_from(metadata.len()).unwrap_or_default();
    let mut stored = Vec::with_capacity(name.len() + 1 + size_bytes);
    stored.extend_from_slice(name.as_bytes());
    stored.push(0);
    File::open(path).and_then(|mut file| file.read_to_end(&mut stored)).map_err(refused)?;
    Ok(stored.into())
}

/// The last part of a stored name, if that can be a file's name.
fn safe_name(stored: &[u8]) -> Result<String, CodecError> {
    let text = std::str::from_utf8(stored)
        .map_err(|error| CodecError::stored(NAME, format!("the file name is not UTF-8: {error}")))?;
    // Both separators, on every system: a row written on one may be read on another.
    let name = text.rsplit(['/', '\\']).next().unwrap_or_default();
    if matches!(name, "" | "." | "..") {
        return Err(CodecError::stored(NAME, format!("{text:?} names no file")));
    }
    Ok(name.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stored_names_lose_their_folders() {
        for (stored, name) in [
            ("a.txt", "a.txt"),
            ("../../etc/passwd", "passwd"),
            ("/etc/cron.d/x", "x"),
            ("..\\..\\boot.ini", "boot.ini"),
            ("C:\\x", "x"),
            ("é ü.dat", "é ü.dat"),
            ("...", "..."),
        ] {
            assert_eq!(safe_name(stored.as_bytes()).unwrap(), name);
        }
        for stored in ["", ".", "..", "a/", "a/..", "\\"] {
            assert!(safe_name(stored.as_bytes()).is_err(), "{stored:?}");
        }
        assert!(safe_name(b"\xff\xfe").is_err());
    }
}
