//! How a movie is to be stored.

use lapjoint_types::{NdArray, Value};

use super::estimate::estimate;
use super::noise::Noise;
use super::refused;
use crate::error::CodecError;

/// What is kept of a movie.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Mode {
    /// The transform of every value, as `float64`.
    #[default]
    Anscombe,
    /// The number of every value's level.
    Quantised,
}

impl Mode {
    /// Version of the stored form.
    pub(super) const fn version(self) -> &'static str {
        match self {
            Self::Anscombe => "1.0",
            Self::Quantised => "2.0",
        }
    }

    /// Name in the metadata.
    pub(super) const fn transform(self) -> &'static str {
        match self {
            Self::Anscombe => "anscombe",
            Self::Quantised => "anscombe-quantised",
        }
    }
}

/// How a movie is to be stored; what is `None` is chosen for it.
#[derive(Debug, Clone, PartialEq)]
pub struct PhotonOptions {
    /// What is kept.
    pub mode: Mode,
    /// Gain; without it 1, or with [`estimated`](Self::estimated) that of the movie.
    pub gain: Option<f64>,
    /// Value without photons.
    pub offset: Option<f64>,
    /// Variance of the read noise.
    pub variance: f64,
    /// Whether gain and offset that are not given are estimated from the movie.
    pub estimated: bool,
    /// Width of a level in standard deviations of the noise.
    pub beta: f64,
    /// Frames in a chunk.
    pub frames: Option<u64>,
    /// Level of compression, 0 to 9.
    pub clevel: Option<u8>,
}

impl Default for PhotonOptions {
    /// What dj-photon-codecs writes: counted photons, nothing lost.
    fn default() -> Self {
        Self {
            mode: Mode::Anscombe,
            gain: None,
            offset: None,
            variance: 0.0,
            estimated: false,
            beta: 0.5,
            frames: None,
            clevel: None,
        }
    }
}

impl PhotonOptions {
    /// Levels of half a standard deviation; gain and offset estimated.
    #[must_use]
    pub fn quantised() -> Self {
        Self { mode: Mode::Quantised, estimated: true, ..Self::default() }
    }

    /// The options of a dictionary, which may also have `movie`.
    ///
    /// # Errors
    /// [`CodecError::Value`] naming what is not understood.
    pub fn from_items(items: &[(Value, Value)]) -> Result<Self, CodecError> {
        let text = |wanted: &str| {
            items.iter().find_map(|(name, value)| match (name, value) {
                (Value::Str(name), Value::Str(text)) if name == wanted => Some(text.as_str()),
                _ => None,
            })
        };
        let mut options = match text("mode") {
            Some("quantised" | "quantized") => Self::quantised(),
            _ => Self::default(),
        };
        for (name, value) in items.iter().filter(|(_, value)| !matches!(value, Value::Null)) {
            let Value::Str(name) = name else {
                return Err(refused(format!("takes names of options as text, got {}", name.type_name())));
            };
            match (name.as_str(), value) {
                ("movie", _) => {}
                ("mode", Value::Str(mode))
                    if matches!(mode.as_str(), "anscombe" | "quantised" | "quantized") => {}
                ("mode", other) => {
                    let given = if let Value::Str(text) = other {
                        format!("{text:?}")
                    } else {
                        other.type_name().to_owned()
                    };
                    return Err(refused(format!("mode must be \"anscombe\" or \"quantised\", got {given}")));
                }
                ("gain", Value::Str(word)) if word == "estimate" => options.estimated = true,
                ("gain", value) => options.gain = Some(number(name, value)?),
                ("offset", value) => options.offset = Some(number(name, value)?),
                ("variance", value) => options.variance = number(name, value)?,
                ("beta", value) => options.beta = number(name, value)?,
                ("frames", Value::Int(frames)) if *frames > 0 => options.frames = u64::try_from(*frames).ok(),
                ("clevel", Value::Int(level)) if (0..=9).contains(level) => {
                    options.clevel = u8::try_from(*level).ok()
                }
                ("frames", _) => return Err(refused("frames must be a whole number above 0".to_owned())),
                ("clevel", _) => return Err(refused("clevel must be a whole number from 0 to 9".to_owned())),
                (other, _) => {
                    return Err(refused(format!(
                        "has no option {other:?}: there are mode, gain, offset, variance, beta, frames and clevel"
                    )));
                }
            }
        }
        Ok(options)
    }

    /// The noise to reckon with for a movie.
    ///
    /// # Errors
    /// [`CodecError::Value`] when the parameters make no sense or cannot be estimated.
    pub fn noise(&self, movie: &NdArray) -> Result<Noise, CodecError> {
        if self.estimated && self.gain.is_none() {
            let found = estimate(movie)?;
            return Noise::new(found.gain, self.offset.unwrap_or(found.offset), self.variance);
        }
        Noise::new(self.gain.unwrap_or(1.0), self.offset.unwrap_or(0.0), self.variance)
    }
}

fn number(name: &str, value: &Value) -> Result<f64, CodecError> {
    match value {
        Value::Float(number) => Ok(*number),
        #[expect(clippy::cast_precision_loss, reason = "parameters of noise are no large whole numbers")]
        Value::Int(number) => Ok(*number as f64),
        other => Err(refused(format!("{name} must be a number, got {}", other.type_name()))),
    }
}
