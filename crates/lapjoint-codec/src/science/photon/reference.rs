//! Lazy reference to a movie, as `<photon@>` gives it.

use std::fmt;
use std::sync::{Arc, OnceLock};

use lapjoint_store::Store;
use lapjoint_types::{DType, Foreign, NdArray};
use serde_json::Value as Json;

use super::coding::Coding;
use super::noise::{Inverse, Noise};
use super::{Mode, NAME, damaged};
use crate::error::CodecError;
use crate::metadata::Metadata;
use crate::science::zarr::{Pick, ZarrRef};

/// A movie in a store that is read when asked, in whole or in part.
///
/// Shape and mode come from the metadata of the row, without touching the store; the first read opens the array. Clones share what was opened.
#[derive(Clone)]
pub struct PhotonRef {
    inner: Arc<Inner>,
}

struct Inner {
    zarr: ZarrRef,
    metadata: Json,
    mode: Mode,
    coding: OnceLock<Coding>,
}

impl PhotonRef {
    /// The movie that metadata describes.
    ///
    /// # Errors
    /// [`CodecError`] when a field is missing or of another type, the version is unknown, or the path could leave the store.
    pub fn new(metadata: Json, store: Store) -> Result<Self, CodecError> {
        Self::from_metadata(&Metadata::from_json(NAME, metadata)?, store)
    }

    pub(super) fn from_metadata(metadata: &Metadata, store: Store) -> Result<Self, CodecError> {
        let version = metadata.optional_text("codec_version")?.unwrap_or("1.0");
        let mode = match version.split('.').next() {
            Some("1") => Mode::Anscombe,
            Some("2") => Mode::Quantised,
            _ => {
                return Err(damaged(format!(
                    "its format is version {version}, this is read up to 2.x: update lapjoint"
                )));
            }
        };
        // The version is the movie's, not that of the array in it.
        let mut array = metadata.json().clone();
        if let Some(fields) = array.as_object_mut() {
            fields.remove("codec_version");
        }
        Ok(Self {
            inner: Arc::new(Inner {
                zarr: ZarrRef::new(array, store)?,
                metadata: metadata.json().clone(),
                mode,
                coding: OnceLock::new(),
            }),
        })
    }

    fn coding(&self) -> Result<&Coding, CodecError> {
        if let Some(known) = self.inner.coding.get() {
            return Ok(known);
        }
        let found = Coding::from_attributes(self.inner.zarr.attributes()?, self.inner.mode)?;
        Ok(self.inner.coding.get_or_init(|| found))
    }

    /// The array as it is stored: of transformed values, or of numbers of levels.
    #[must_use]
    pub fn zarr(&self) -> &ZarrRef {
        &self.inner.zarr
    }

    /// What is kept of the movie.
    #[must_use]
    pub fn mode(&self) -> Mode {
        self.inner.mode
    }

    /// The metadata, as the row has it.
    #[must_use]
    pub fn metadata(&self) -> &Json {
        &self.inner.metadata
    }

    /// Shape, `(time, height, width, …)`.
    #[must_use]
    pub fn shape(&self) -> &[usize] {
        self.inner.zarr.shape()
    }

    /// Element type of the movie's values, which is that of the array that was inserted. Opens the array.
    ///
    /// # Errors
    /// [`CodecError`] when the array cannot be opened.
    pub fn dtype(&self) -> Result<DType, CodecError> {
        Ok(self.coding()?.dtype.clone())
    }

    /// Gain, offset and variance.
    ///
    /// # Errors
    /// As [`dtype`](Self::dtype).
    pub fn noise(&self) -> Result<Noise, CodecError> {
        Ok(self.coding()?.noise)
    }

    /// Width of a level in standard deviations of the noise; `None` where nothing is lost.
    ///
    /// # Errors
    /// As [`dtype`](Self::dtype).
    pub fn beta(&self) -> Result<Option<f64>, CodecError> {
        Ok(self.coding()?.beta)
    }

    /// The whole movie.
    ///
    /// # Errors
    /// [`CodecError`] when a chunk is missing or damaged.
    pub fn load(&self) -> Result<NdArray, CodecError> {
        self.read(&[], Inverse::Algebraic)
    }

    /// The movie's values that `picks` of the leading axes select. The algebraic inverse gives them in their own type, the unbiased one
    /// as `float64`.
    ///
    /// # Errors
    /// [`CodecError::SliceOutOfBounds`] for what the movie does not have, and as [`load`](Self::load).
    pub fn read(&self, picks: &[Pick], inverse: Inverse) -> Result<NdArray, CodecError> {
        let coding = self.coding()?;
        coding.values(&self.inner.zarr.read(picks)?, inverse)
    }

    /// The transform of the values that `picks` select, as `float64`: their noise has a standard deviation of about one.
    ///
    /// # Errors
    /// As [`read`](Self::read).
    pub fn read_transformed(&self, picks: &[Pick]) -> Result<NdArray, CodecError> {
        let coding = self.coding()?;
        coding.transformed(self.inner.zarr.read(picks)?)
    }

    /// Compares all files with the manifest.
    ///
    /// # Errors
    /// [`CodecError`] naming every file that is missing or damaged, or that there is no manifest.
    pub fn verify(&self) -> Result<(), CodecError> {
        self.inner.zarr.verify()
    }
}

impl Foreign for PhotonRef {
    fn type_name(&self) -> &str {
        "PhotonRef"
    }

    fn as_any(&self) -> &dyn std::any::Any {
        self
    }
}

impl fmt::Display for PhotonRef {
    /// `PhotonRef(shape=(100, 128, 128), transform=anscombe)`, as in Python.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sizes: Vec<String> = self.shape().iter().map(ToString::to_string).collect();
        write!(f, "PhotonRef(shape=({}), transform={})", sizes.join(", "), self.inner.mode.transform())
    }
}

impl fmt::Debug for PhotonRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
