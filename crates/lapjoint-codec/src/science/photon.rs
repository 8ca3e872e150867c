//! `<photon@>`: a photon-limited movie, as a Zarr folder of values whose noise is the same everywhere, or of levels that the noise hides.
//!
//! # What it does
//! Stores a movie `(time, height, width, …)` of photon counts, or of values proportional to them, in one of two ways.
//!
//! `anscombe`, the default, keeps the generalized Anscombe transform of each value as `float64`: nothing is lost, programs that
//! expect even noise work on it directly, and dj-photon-codecs reads it. Integers take about three times their own size.
//!
//! `quantised` keeps for each value the number of a level, in one byte or two. Levels are so close that no value is off by more than `beta`/2
//! of its noise, see [`levels`]: with `beta` 0.5, the default, the noise of a pixel grows by 1 %. A movie takes less than a tenth of
//! the space of `anscombe`. Gain and zero level are estimated from the movie if they are not given, see [`estimate`].
//!
//! A fetch gives a [`PhotonRef`], which reads any part of the movie as values, or as the transform, and goes back from processed
//! transforms by the algebraic or the exact unbiased inverse, see [`noise`].
//!
//! The value is an array, or a dictionary of `movie` (the array), and as wished `mode`, `gain` (a number or `"estimate"`), `offset`, `variance`,
//! `beta`, `frames` (in a chunk) and `clevel` (of blosc). It has at least three dimensions and no negative element.
//!
//! # Specification
//! A Zarr array of format 2, chunks of some frames with all that is in them, compressed by blosc with zstd: `float64` with bitshuffle, levels
//! without (which is smaller for them). Attributes: `codec_version`, `codec_name`, `anscombe_gain`, `anscombe_offset`, `anscombe_variance`,
//! `original_dtype`. Version 2.0, `quantised`, has `photon_beta` and `photon_levels`: the value of an element is
//! `photon_levels[element]`, which any Zarr library can look up.
//!
//! # Names
//! `<photon@>` and `<photon@store>`; without `@` it is refused.
//!
//! # Stored form
//! ```
//! # let text = r#"
//! {
//!   "path": "_schema/lab/scan/subject=m1/movie_szpx27HL.zarr",
//!   "store": "main",
//!   "codec_version": "1.0",
//!   "shape": [1000, 512, 512],
//!   "dtype": "float64",
//!   "transform": "anscombe",
//!   "original_dtype": "uint16",
//!   "provenance": {"lapjoint": "0.1.0"},
//!   "is_dir": true,
//!   "zarr_format": 2
//! }
//! # "#;
//! # let json: serde_json::Value = serde_json::from_str(text)?;
//! # let reference = lapjoint_codec::ObjectReference::from_json(&json);
//! # assert!(reference.is_some_and(|reference| reference.is_dir));
//! # Ok::<(), serde_json::Error>(())
//! ```
//! `dtype` is that of the stored elements. With `quantised`, `codec_version` is `2.0` and `transform` `anscombe-quantised`.
//!
//! # Compatibility
//! Version 1.0 is dj-photon-codecs': folder, attributes and the first six keys; either reads the other's. Its readers refuse version 2.0 and say
//! that a newer one is needed, rather than give levels for a transform.

use lapjoint_store::{Addressing, Payload};
use lapjoint_types::{CoreType, LogicalType, NdArray, TypeSpec, Value};
use serde_json::json;

use crate::codec::{Capabilities, Codec, Origin, Place, Rendered};
use crate::context::{DecodeContext, EncodeContext};
use crate::error::CodecError;
use crate::metadata::Metadata;
use crate::reference::ObjectReference;
use crate::version::version_in_metadata;

mod coding;
pub mod estimate;
mod files;
pub mod levels;
pub mod noise;
mod options;
mod reference;
pub mod samples;
#[cfg(test)]
mod tests;
mod unbiased;

pub use coding::Coding;
pub use options::{Mode, PhotonOptions};
pub use reference::PhotonRef;

const NAME: &str = "photon";

fn refused(message: String) -> CodecError {
    CodecError::value(NAME, message)
}

fn damaged(message: String) -> CodecError {
    CodecError::stored(NAME, message)
}

/// The codec `<photon@>`.
#[derive(Debug, Clone, Copy, Default)]
pub struct PhotonCodec;

impl Codec for PhotonCodec {
    fn name(&self) -> &str {
        NAME
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities { self_describing: true, ..Capabilities::of_references() }
    }

    fn origin(&self) -> Origin {
        Origin::Builtin
    }

    fn yields(&self) -> bool {
        true
    }

    fn format_version(&self) -> Option<String> {
        Some(Mode::Anscombe.version().into())
    }

    /// Movies that are quantised say 2.0 so that dj-photon-codecs leaves them alone. They are no later form of the others: neither is to be
    /// migrated to the other.
    fn version_of(&self, stored: &Value) -> Option<String> {
        let version = version_in_metadata(stored)?;
        let known = version == Mode::Quantised.version();
        Some(if known { Mode::Anscombe.version().to_owned() } else { version })
    }

    fn summary(&self) -> &str {
        "a photon-limited movie with even noise, or in levels that the noise hides, read lazily and in parts"
    }

    fn dtype(&self, place: Place) -> Result<TypeSpec, CodecError> {
        place.store_only(NAME, CoreType::Json)
    }

    fn validate(&self, value: &Value) -> Result<(), CodecError> {
        let (movie, _) = parts(value)?;
        check(movie).map(drop)
    }

    fn encode(&self, value: Value, context: &mut EncodeContext<'_>) -> Result<Value, CodecError> {
        let (movie, options) = parts(&value)?;
        let limits = check(movie)?;
        let made = files::PhotonFiles::new(movie, &options, limits)?;
        let path = context.schema_path(".zarr")?;
        let metadata = json!({
            "path": path,
            "store": context.store()?.name(),
            "codec_version": options.mode.version(),
            "shape": movie.shape(),
            "dtype": made.dtype().to_string(),
            "transform": options.mode.transform(),
            "original_dtype": movie.dtype().to_string(),
            "provenance": {"lapjoint": env!("CARGO_PKG_VERSION")},
            "is_dir": true,
            "zarr_format": 2,
        });
        context.stage(&path, Payload::Made(made.folder()?), Addressing::Schema)?;
        Ok(metadata.into())
    }

    fn decode(&self, stored: Value, context: &DecodeContext<'_>) -> Result<Value, CodecError> {
        let metadata = Metadata::read(NAME, stored)?;
        let store = context.store_of(metadata.json())?;
        Ok(Value::foreign(PhotonRef::from_metadata(&metadata, store)?))
    }

    /// A tensor of the movie's values.
    fn logical_type(&self) -> LogicalType {
        LogicalType::Tensor { element: None, shape: None }
    }

    fn logical_type_of(&self, stored: &Value) -> Option<LogicalType> {
        let Value::Json(metadata) = stored else { return None };
        let axis = |size: &serde_json::Value| Some(Some(usize::try_from(size.as_u64()?).ok()?));
        let shape = metadata.get("shape")?.as_array()?.iter().map(axis).collect::<Option<Vec<_>>>()?;
        // The plugin says the values' type in the store only.
        let element = coding::value_type(metadata.get("original_dtype")?.as_str()?)?;
        Some(LogicalType::Tensor { element: Some(element), shape: Some(shape) })
    }

    /// The movies themselves, which are read here.
    fn render(&self, values: Vec<Value>) -> Result<Rendered, CodecError> {
        let load = |value: Value| match value.downcast_ref::<PhotonRef>() {
            Some(reference) => Ok(Value::Array(Box::new(reference.load()?))),
            None => Ok(value),
        };
        Ok(Rendered::Values(values.into_iter().map(load).collect::<Result<_, CodecError>>()?))
    }

    /// The folder: dj-photon-codecs does not say that it is one.
    fn references(&self, stored: &Value) -> Result<Vec<ObjectReference>, CodecError> {
        let mut references = ObjectReference::from_metadata(stored)?;
        references.iter_mut().for_each(|reference| reference.is_dir = true);
        Ok(references)
    }
}

/// The movie and how to store it.
fn parts(value: &Value) -> Result<(&NdArray, PhotonOptions), CodecError> {
    let not_a_movie = |other: &Value| match other {
        Value::ObjectArray(_) => refused("does not support object dtype arrays".to_owned()),
        other => {
            refused(format!("requires a NumPy array (time, height, width, …), got {}", other.type_name()))
        }
    };
    match value {
        Value::Array(array) => Ok((array, PhotonOptions::default())),
        Value::Dict(items) => {
            let options = PhotonOptions::from_items(items)?;
            let movie = items.iter().find(|(name, _)| matches!(name, Value::Str(name) if name == "movie"));
            match movie {
                Some((_, Value::Array(array))) => Ok((array, options)),
                Some((_, other)) => Err(not_a_movie(other)),
                None => Err(refused("needs the array under \"movie\" of its dictionary".to_owned())),
            }
        }
        other => Err(not_a_movie(other)),
    }
}

/// What every movie must be; its range, unless it is empty.
fn check(movie: &NdArray) -> Result<Option<samples::Range>, CodecError> {
    if movie.ndim() < 3 {
        return Err(refused(format!("requires 3D+ arrays (time, height, width, …), got {}D", movie.ndim())));
    }
    let limits = samples::range(movie)?;
    if let Some(limits) = limits
        && limits.least < 0.0
    {
        return Err(refused(format!(
            "requires non-negative values (photon counts cannot be negative), got {}; of a movie with a dark level taken off, add it again and \
             give it as offset",
            limits.least
        )));
    }
    Ok(limits)
}
