//! From stored elements to values, as the attributes of the array say.

use lapjoint_format::npy;
use lapjoint_types::{DType, Kind, NdArray};
use serde_json::{Map, Value as Json};

use super::noise::{Inverse, Noise};
use super::samples::{convert, map_values, range};
use super::{Mode, damaged};
use crate::error::CodecError;

/// What the attributes of a stored movie say about its elements.
#[derive(Debug, Clone)]
pub struct Coding {
    /// Gain, offset and variance.
    pub noise: Noise,
    /// Type of the movie's values.
    pub dtype: DType,
    /// Width of a level in standard deviations of the noise; `None` where nothing is lost.
    pub beta: Option<f64>,
    mode: Mode,
    /// Value of each level.
    levels: Vec<f64>,
}

/// The type in which values of an original type come back: itself, little-endian; `float32` for `float16`.
pub(super) fn value_type(text: &str) -> Option<DType> {
    let kind = match npy::dtype_from_str(text).ok()?.kind {
        Kind::Float(2) => Kind::Float(4),
        kind => kind,
    };
    Some(DType::little(kind)).filter(DType::is_number)
}

impl Coding {
    /// Reads the attributes of an array that was stored in this mode.
    ///
    /// # Errors
    /// [`CodecError::Stored`] naming the attribute that is missing or makes no sense.
    pub fn from_attributes(attributes: &Map<String, Json>, mode: Mode) -> Result<Self, CodecError> {
        let version = attributes.get("codec_version").and_then(Json::as_str);
        if let Some(version) = version
            && version.split('.').next() != mode.version().split('.').next()
        {
            // Levels must never be taken for a transform.
            return Err(damaged(format!("its array is of version {version}, its row of {}", mode.version())));
        }
        let number = |name: &str| match attributes.get(name) {
            Some(value) => value
                .as_f64()
                .ok_or_else(|| damaged(format!("its attribute {name} must be a number, got {value:.100}"))),
            None => Err(damaged(format!("its array has no attribute {name}"))),
        };
        let noise =
            Noise::new(number("anscombe_gain")?, number("anscombe_offset")?, number("anscombe_variance")?)
                .map_err(|error| damaged(error.to_string()))?;
        let dtype = match attributes.get("original_dtype").and_then(Json::as_str) {
            None => DType::F64,
            Some(text) => value_type(text).ok_or_else(|| {
                damaged(format!("its attribute original_dtype is {text:?}, which is no type of numbers"))
            })?,
        };
        let (mut beta, mut levels) = (None, Vec::new());
        if mode == Mode::Quantised {
            beta = Some(number("photon_beta")?);
            levels = attributes
                .get("photon_levels")
                .and_then(Json::as_array)
                .and_then(|list| list.iter().map(Json::as_f64).collect::<Option<Vec<_>>>())
                .ok_or_else(|| {
                    damaged("its array has no attribute photon_levels, a list of numbers".to_owned())
                })?;
        }
        Ok(Self { noise, dtype, beta, mode, levels })
    }

    /// The values of stored elements: by the algebraic inverse in the movie's type, by the unbiased one as `float64`.
    ///
    /// # Errors
    /// [`CodecError::Stored`] for levels that the attributes do not have.
    pub fn values(&self, stored: &NdArray, inverse: Inverse) -> Result<NdArray, CodecError> {
        let noise = self.noise;
        match (self.mode, inverse) {
            // Movies have no negative values: what rounding makes of 0 is 0.
            (Mode::Anscombe, Inverse::Algebraic) => {
                convert(stored, &self.dtype, |value| noise.algebraic(value).max(0.0))
            }
            (Mode::Anscombe, Inverse::Unbiased) => map_values(stored, |value| noise.unbiased(value)),
            (Mode::Quantised, Inverse::Algebraic) => {
                convert(stored, &self.dtype, self.value_of_level(stored)?)
            }
            (Mode::Quantised, Inverse::Unbiased) => {
                let value = self.value_of_level(stored)?;
                map_values(stored, |level| noise.unbiased(noise.forward(value(level))))
            }
        }
    }

    /// The transform of stored elements, as `float64`.
    ///
    /// # Errors
    /// As [`values`](Self::values).
    pub fn transformed(&self, stored: NdArray) -> Result<NdArray, CodecError> {
        if self.mode == Mode::Anscombe {
            return Ok(stored);
        }
        let value = self.value_of_level(&stored)?;
        map_values(&stored, |level| self.noise.forward(value(level)))
    }

    /// From numbers of levels to their values; each is known to have one.
    fn value_of_level(&self, stored: &NdArray) -> Result<impl Fn(f64) -> f64 + Sync, CodecError> {
        let levels = &self.levels;
        if let Some(found) = range(stored)?
            && (found.least < 0.0 || index(found.most) >= levels.len())
        {
            return Err(damaged(format!(
                "it has an element {}, but its attributes have {} levels",
                found.most,
                levels.len()
            )));
        }
        Ok(|level: f64| levels.get(index(level)).copied().unwrap_or(f64::NAN))
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "numbers of levels are small; Rust's cast saturates"
)]
fn index(level: f64) -> usize {
    level as usize
}
