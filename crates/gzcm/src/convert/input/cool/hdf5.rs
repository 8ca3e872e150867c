//! What `.cool` needs of HDF5: groups, attributes, and windows of one-dimensional datasets, all sizes checked before
//! anything is allocated.

use std::path::Path;

use hdf5_pure::{AttrValue, DType, Dataset, File, Group};

use crate::error::{Error, Result};

/// Deflate makes at most 1,032 bytes of one: what is longer than the file times this is not in the file.
const MOST_EXPANSION: u64 = 1_100;
/// The longest string that a dataset of names may hold.
const MAX_NAME_BYTES: u64 = 1 << 12;
/// The largest chunk that is read.
const MAX_CHUNK_BYTES: u64 = 1 << 28;

/// A file, and what errors call it.
pub(super) struct Hdf5 {
    file: File,
    path: String,
    size_bytes: u64,
}

impl Hdf5 {
    pub(super) fn open(path: &Path) -> Result<Self> {
        let shown = path.display().to_string();
        // Streaming: ranges are read as they are needed, not the whole file.
        let file = File::open_streaming(path)
            .map_err(|error| Error::corrupt("cool", format!("{shown}: {error}")))?;
        let size_bytes = file.file_size();
        Ok(Self { file, path: shown, size_bytes })
    }

    /// An error about a place in the file.
    pub(super) fn corrupt(&self, place: &str, reason: impl std::fmt::Display) -> Error {
        Error::corrupt("cool", format!("{}: {place}: {reason}", self.path))
    }

    pub(super) fn unsupported(&self, place: &str, reason: impl std::fmt::Display) -> Error {
        Error::unsupported("cool", format!("{}: {place}: {reason}", self.path))
    }

    fn group(&self, path: &str) -> Result<Group> {
        if path == "/" {
            return Ok(self.file.root());
        }
        self.file.group(path).map_err(|error| self.corrupt(path, error))
    }

    /// The names of a group's groups and datasets.
    pub(super) fn members(&self, path: &str) -> Result<(Vec<String>, Vec<String>)> {
        let group = self.group(path)?;
        let groups = group.groups().map_err(|error| self.corrupt(path, error))?;
        let datasets = group.datasets().map_err(|error| self.corrupt(path, error))?;
        Ok((groups, datasets))
    }

    /// A string attribute of a group.
    pub(super) fn text_attribute(&self, path: &str, name: &str) -> Result<Option<String>> {
        let attributes = self.group(path)?.attrs().map_err(|error| self.corrupt(path, error))?;
        Ok(attributes.get(name).and_then(AttrValue::as_str).map(str::to_owned))
    }

    /// An integer attribute of a group.
    pub(super) fn integer_attribute(&self, path: &str, name: &str) -> Result<Option<i64>> {
        let attributes = self.group(path)?.attrs().map_err(|error| self.corrupt(path, error))?;
        Ok(attributes.get(name).and_then(AttrValue::as_i64))
    }

    /// A one-dimensional dataset.
    pub(super) fn column(&self, path: &str) -> Result<Column> {
        let corrupt = |error: hdf5_pure::Error| self.corrupt(path, error);
        let dataset = self.file.dataset(path).map_err(corrupt)?;
        let shape = dataset.shape().map_err(corrupt)?;
        let &[len] = shape.as_slice() else {
            return Err(self.corrupt(path, format_args!("{} dimensions, not one", shape.len())));
        };
        let element_bytes = dataset.element_size().map_err(corrupt)?;
        if len.checked_mul(element_bytes).is_none_or(|bytes| bytes / MOST_EXPANSION > self.size_bytes) {
            let size = self.size_bytes;
            let reason =
                format!("{len} elements of {element_bytes} bytes cannot be in a file of {size} bytes");
            return Err(self.corrupt(path, reason));
        }
        let chunk =
            dataset.chunk_shape().map_err(corrupt)?.and_then(|shape| shape.first().copied()).unwrap_or(1);
        // A chunk may be longer than its dataset, but whatever it is is allocated whole.
        if chunk.checked_mul(element_bytes).is_none_or(|bytes| bytes > MAX_CHUNK_BYTES) {
            return Err(
                self.corrupt(path, format_args!("chunks of {chunk} elements of {element_bytes} bytes"))
            );
        }
        // What a chunk is said to take in the file is allocated before it is read.
        if dataset.is_chunked() && len > 0 {
            for chunk in dataset.chunks().map_err(corrupt)? {
                if chunk.address.checked_add(chunk.storage_size).is_none_or(|end| end > self.size_bytes) {
                    let reason = format!(
                        "a chunk of {} bytes at {} is beyond the file",
                        chunk.storage_size, chunk.address
                    );
                    return Err(self.corrupt(path, reason));
                }
            }
        }
        let kind = match dataset.dtype().map_err(corrupt)? {
            DType::F32 => Kind::F32,
            DType::F64 => Kind::F64,
            DType::U8 | DType::U16 | DType::U32 | DType::U64 => Kind::Unsigned,
            DType::I8 | DType::I16 | DType::I32 | DType::I64 => Kind::Signed,
            DType::String | DType::VariableLengthString => Kind::Text,
            _ => Kind::Other,
        };
        Ok(Column { dataset, path: path.to_owned(), file: self.path.clone(), len, element_bytes, kind })
    }

    pub(super) fn has_dataset(&self, path: &str) -> bool {
        self.file.dataset(path).is_ok()
    }
}

/// What a column's elements are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Unsigned,
    Signed,
    F32,
    F64,
    Text,
    Other,
}

/// A one-dimensional dataset, read by windows.
pub(super) struct Column {
    dataset: Dataset,
    path: String,
    file: String,
    len: u64,
    element_bytes: u64,
    kind: Kind,
}

impl Column {
    pub(super) const fn len(&self) -> u64 {
        self.len
    }

    pub(super) const fn kind(&self) -> Kind {
        self.kind
    }

    /// An error about an element.
    pub(super) fn corrupt(&self, at: u64, reason: impl std::fmt::Display) -> Error {
        Error::corrupt("cool", format!("{}: {} at element {at}: {reason}", self.file, self.path))
    }

    /// Whether an attribute is a true boolean or number.
    pub(super) fn is_set(&self, attribute: &str) -> bool {
        // numpy's booleans are an enumeration, which comes as a number; an attribute that cannot be read is not set.
        let attributes = self.dataset.attrs().ok();
        let value = attributes.as_ref().and_then(|attributes| attributes.get(attribute));
        value.is_some_and(|value| value.as_i64().is_some_and(|n| n != 0) || value.as_str() == Some("TRUE"))
    }

    fn window<T>(
        &self,
        start: u64,
        len: u64,
        read: impl FnOnce(&Dataset, u64, u64) -> Result<Vec<T>, hdf5_pure::Error>,
    ) -> Result<Vec<T>> {
        if start.checked_add(len).is_none_or(|end| end > self.len) {
            return Err(self.corrupt(start, format_args!("{len} elements asked of {}", self.len)));
        }
        let values = read(&self.dataset, start, len).map_err(|error| self.corrupt(start, error))?;
        if values.len() as u64 != len {
            return Err(self.corrupt(start, format_args!("{} elements, not {len}", values.len())));
        }
        Ok(values)
    }

    fn refuse_kind(&self, wanted: &str) -> Error {
        self.corrupt(0, format_args!("{:?} elements where {wanted} are expected", self.kind))
    }

    /// Integers of either sign.
    pub(super) fn integers(&self, start: u64, len: u64) -> Result<Vec<i64>> {
        // A chromosome's number may be an enumeration, which this reads as the number it is.
        if matches!(self.kind, Kind::F32 | Kind::F64 | Kind::Text) {
            return Err(self.refuse_kind("integers"));
        }
        self.window(start, len, Dataset::read_i64_rows)
    }

    /// Integers that are not negative.
    pub(super) fn offsets(&self, start: u64, len: u64) -> Result<Vec<u64>> {
        let values = self.integers(start, len)?;
        let check = |(at, value): (usize, i64)| {
            u64::try_from(value)
                .map_err(|_| self.corrupt(start + at as u64, format_args!("{value} is negative")))
        };
        values.into_iter().enumerate().map(check).collect()
    }

    /// Numbers as double precision; integers beyond 2^53 are refused.
    pub(super) fn numbers(&self, start: u64, len: u64) -> Result<Vec<f64>> {
        match self.kind {
            Kind::F32 | Kind::F64 => self.window(start, len, Dataset::read_f64_rows),
            Kind::Unsigned | Kind::Signed if self.element_bytes <= 4 => {
                self.window(start, len, Dataset::read_f64_rows)
            }
            Kind::Unsigned | Kind::Signed => {
                let values = self.window(start, len, Dataset::read_i64_rows)?;
                if let Some(at) = values.iter().position(|value| value.unsigned_abs() > 1 << 53) {
                    let reason = format!("{} is more than 2^53", values[at]);
                    return Err(self.corrupt(start + at as u64, reason));
                }
                Ok(values.into_iter().map(|value| value as f64).collect())
            }
            Kind::Text | Kind::Other => Err(self.refuse_kind("numbers")),
        }
    }

    /// All strings.
    pub(super) fn strings(&self) -> Result<Vec<String>> {
        if self.kind != Kind::Text || self.element_bytes > MAX_NAME_BYTES {
            return Err(self.refuse_kind("short strings"));
        }
        self.window(0, self.len, Dataset::read_string_rows)
    }
}
