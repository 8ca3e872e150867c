//! What `<gzcm@>` takes.

use std::path::PathBuf;

use ::gzcm::container::meta::Layout;
use lapjoint_codec::CodecError;
use lapjoint_types::{Foreign, NdArray, Value};
use serde_json::Value as Json;

use super::{NAME, elements};

/// The chromosome of a matrix that is of none.
pub(super) const NO_CHROMOSOME: &str = "matrix";

/// How a matrix is stored, and what it is of.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct GzcmOptions {
    /// Codec of dense tiles; `zstd` without it.
    pub codec: Option<String>,
    /// Whether the codec is chosen on a sample of the tiles.
    pub adaptive_codec: bool,
    /// Rows and columns of a tile; 256 without it.
    pub tile_size: Option<usize>,
    /// The layout; by the part of the cells that is filled without it.
    pub layout: Option<Layout>,
    /// Of an array: the chromosome of its rows.
    pub chrom1: Option<String>,
    /// Of an array: the chromosome of its columns; that of the rows without it.
    pub chrom2: Option<String>,
    /// Of an array: the size of its bins. Of a file: the resolution; all of them without it.
    pub bin_size_bp: Option<u32>,
    /// Of a file: `chrom` or `chrom:start-end` of the rows; the whole genome without it.
    pub region1: Option<String>,
    /// Of a file: the same of the columns.
    pub region2: Option<String>,
}

impl GzcmOptions {
    /// Options as JSON: an object with the names of the fields.
    ///
    /// # Errors
    /// [`CodecError::Value`] for an unknown name and a value of another type.
    pub fn from_json(json: &Json) -> Result<Self, CodecError> {
        let refused = |message: String| CodecError::value(NAME, message);
        let object = json.as_object().ok_or_else(|| refused(format!("options are an object, got {json}")))?;
        let mut options = Self::default();
        for (name, value) in object.iter().filter(|(_, value)| !value.is_null()) {
            let wrong = |expected: &str| refused(format!("option {name} must be {expected}, got {value}"));
            let text = || value.as_str().map(str::to_owned).ok_or_else(|| wrong("text"));
            let number =
                || value.as_u64().filter(|number| *number > 0).ok_or_else(|| wrong("a whole number above 0"));
            match name.as_str() {
                "codec" => options.codec = Some(text()?),
                "adaptive_codec" => {
                    options.adaptive_codec = value.as_bool().ok_or_else(|| wrong("true or false"))?;
                }
                "tile_size" => {
                    options.tile_size = Some(usize::try_from(number()?).map_err(|_| wrong("smaller"))?);
                }
                "layout" => {
                    let layout = serde_json::from_value(value.clone());
                    options.layout =
                        Some(layout.map_err(|_| wrong("dense-tiled, sparse-tiled-intra or sparse-roaring"))?);
                }
                "chrom1" => options.chrom1 = Some(text()?),
                "chrom2" => options.chrom2 = Some(text()?),
                "bin_size_bp" => {
                    options.bin_size_bp = Some(u32::try_from(number()?).map_err(|_| wrong("below 2^32"))?);
                }
                "region1" => options.region1 = Some(text()?),
                "region2" => options.region2 = Some(text()?),
                _ => {
                    return Err(refused(format!(
                        "has no option {name}; there are adaptive_codec, bin_size_bp, chrom1, chrom2, codec, layout, region1, \
                         region2, tile_size"
                    )));
                }
            }
        }
        Ok(options)
    }
}

/// A matrix to be stored, and how.
#[derive(Debug, Clone)]
pub struct GzcmSource {
    pub(super) content: Content,
    pub(super) options: GzcmOptions,
}

#[derive(Debug, Clone)]
pub(super) enum Content {
    File(PathBuf),
    Dense(NdArray),
    Sparse { shape: (u64, u64), rows: Vec<u32>, cols: Vec<u32>, values: NdArray },
}

impl Foreign for GzcmSource {
    fn type_name(&self) -> &str {
        "GzcmValue"
    }

    fn as_any(&self) -> &dyn std::any::Any {
        self
    }
}

impl GzcmSource {
    /// A file of contacts: `.cool`, `.mcool`, `.hic`, `.gzcm` or text, told by its first bytes.
    pub fn file(path: impl Into<PathBuf>, options: GzcmOptions) -> Self {
        Self { content: Content::File(path.into()), options }
    }

    /// An array of shape `(rows, cols)`.
    #[must_use]
    pub const fn dense(array: NdArray, options: GzcmOptions) -> Self {
        Self { content: Content::Dense(array), options }
    }

    /// The cells of a matrix of shape `(rows, cols)` that are not zero, in any order, none twice: their rows, columns and
    /// values, `values` of one dimension.
    #[must_use]
    pub const fn sparse(
        shape: (u64, u64),
        rows: Vec<u32>,
        cols: Vec<u32>,
        values: NdArray,
        options: GzcmOptions,
    ) -> Self {
        Self { content: Content::Sparse { shape, rows, cols, values }, options }
    }

    /// What a value of a table means.
    pub(super) fn of_value(value: &Value) -> Result<Self, CodecError> {
        match value {
            Value::Array(array) => Ok(Self::dense(array.as_ref().clone(), GzcmOptions::default())),
            Value::Str(path) => Ok(Self::file(path, GzcmOptions::default())),
            Value::Foreign(source) if source.as_any().is::<Self>() => source
                .as_any()
                .downcast_ref::<Self>()
                .cloned()
                .ok_or_else(|| CodecError::value(NAME, "no value")),
            other => Err(CodecError::value(
                NAME,
                format!(
                    "requires a matrix (an array of two dimensions, a sparse matrix) or the path of a .cool, .mcool, .hic or .gzcm \
                     file, got {}",
                    other.type_name()
                ),
            )),
        }
    }

    /// Refuses what cannot be stored.
    pub(super) fn validate(&self) -> Result<(), CodecError> {
        match &self.content {
            Content::File(path) if path.is_file() => Ok(()),
            Content::File(path) => Err(CodecError::SourceNotFound(path.display().to_string())),
            Content::Dense(array) => {
                if array.ndim() != 2 || array.is_empty() {
                    let message = format!(
                        "requires a matrix of two dimensions with at least one cell, got shape {:?}",
                        array.shape()
                    );
                    return Err(CodecError::value(NAME, message));
                }
                elements::check_finite(array)
            }
            Content::Sparse { shape, rows, cols, values } => {
                if rows.len() != cols.len() || values.shape() != [rows.len()] {
                    return Err(CodecError::value(NAME, "requires as many rows and columns as values"));
                }
                let inside = |places: &[u32], bins: u64| places.iter().all(|at| u64::from(*at) < bins);
                if !inside(rows, shape.0) || !inside(cols, shape.1) || shape.0.min(shape.1) == 0 {
                    return Err(CodecError::value(
                        NAME,
                        format!("requires cells within its shape {shape:?}"),
                    ));
                }
                elements::check_finite(values)
            }
        }
    }
}
