//! The files of a movie, made while they are uploaded: memory holds the movie and a few chunks, never all of its transform.

use std::sync::Arc;

use lapjoint_store::FolderContent;
use lapjoint_types::{DType, NdArray, Order};
use serde_json::{Value as Json, json};

use super::levels::Levels;
use super::noise::Noise;
use super::samples::{Range, map_values};
use super::{Mode, NAME, PhotonOptions, refused};
use crate::error::CodecError;
use crate::science::zarr::{Slabs, ZarrOptions, computed};

/// Elements of a chunk as they are stored, about; dj-photon-codecs has 100 frames whatever their size.
const CHUNK_BYTES: usize = 16 << 20;
const MOST_FRAMES: u64 = 100;

/// A movie on its way into a store.
#[derive(Debug)]
pub(super) struct PhotonFiles {
    /// Row-major.
    movie: NdArray,
    noise: Noise,
    /// `None` for the transform itself.
    levels: Option<Levels>,
    options: PhotonOptions,
}

impl PhotonFiles {
    pub fn new(movie: &NdArray, options: &PhotonOptions, limits: Option<Range>) -> Result<Self, CodecError> {
        let noise = options.noise(movie)?;
        let limits = limits.unwrap_or(Range { least: 0.0, most: 0.0, whole: true });
        let levels = match options.mode {
            Mode::Anscombe if limits.least < noise.least() => {
                return Err(refused(format!(
                    "cannot keep values below {} with gain {}, offset {} and variance {}: the movie has {}; lower the offset or raise the \
                     variance",
                    noise.least(),
                    noise.gain,
                    noise.offset,
                    noise.variance,
                    limits.least
                )));
            }
            Mode::Anscombe => None,
            Mode::Quantised => {
                Some(Levels::new(&noise, options.beta, limits.least, limits.most, limits.whole)?)
            }
        };
        Ok(Self { movie: movie.to_order(Order::C), noise, levels, options: options.clone() })
    }

    /// Type of the stored elements.
    pub fn dtype(&self) -> DType {
        match &self.levels {
            None => DType::F64,
            Some(levels) if levels.fit_one_byte() => DType::U8,
            Some(_) => DType::U16,
        }
    }

    pub fn folder(self) -> Result<Arc<dyn FolderContent>, CodecError> {
        let (dtype, shape) = (self.dtype(), self.movie.shape().to_vec());
        let options = ZarrOptions::from_json(&json!({
            "zarr_format": 2,
            "chunks": self.chunks(&dtype),
            "codec": self.compression(),
            "attrs": self.attributes(),
        }))?;
        computed(&options, &dtype, &shape, Arc::new(self))
    }

    fn chunks(&self, dtype: &DType) -> Vec<u64> {
        let mut chunks: Vec<u64> = self.movie.shape().iter().map(|&size| (size as u64).max(1)).collect();
        let frame_bytes =
            self.movie.shape().iter().skip(1).product::<usize>().max(1).saturating_mul(dtype.item_bytes());
        let frames =
            self.options.frames.unwrap_or(((CHUNK_BYTES / frame_bytes) as u64).clamp(1, MOST_FRAMES));
        if let Some(first) = chunks.first_mut() {
            *first = frames.min(*first);
        }
        chunks
    }

    /// Bits of doubles compress better apart. Of the few different bytes of levels they do not: zstd counts those as they are.
    fn compression(&self) -> Json {
        let (clevel, shuffle) = if self.levels.is_none() { (5, "bitshuffle") } else { (3, "noshuffle") };
        json!({"name": "blosc", "cname": "zstd", "clevel": self.options.clevel.unwrap_or(clevel), "shuffle": shuffle})
    }

    fn attributes(&self) -> Json {
        let mut attributes = json!({
            "codec_version": self.options.mode.version(),
            "codec_name": NAME,
            "anscombe_gain": self.noise.gain,
            "anscombe_offset": self.noise.offset,
            "anscombe_variance": self.noise.variance,
            "original_dtype": self.movie.dtype().to_string(),
        });
        if let (Some(levels), Some(attributes)) = (&self.levels, attributes.as_object_mut()) {
            attributes.insert("photon_beta".into(), json!(self.options.beta));
            attributes.insert(
                "photon_levels".into(),
                levels.values().iter().map(|&value| shortest(value)).collect(),
            );
            // For whoever finds the folder without this program.
            attributes.insert("photon_meaning".into(), json!("value = photon_levels[element]"));
        }
        attributes
    }
}

/// A number in JSON; whole ones without a fraction.
fn shortest(value: f64) -> Json {
    #[expect(clippy::cast_possible_truncation, reason = "whole and below 2^53")]
    if value.fract() == 0.0 && value.abs() < 9e15 { json!(value as i64) } else { json!(value) }
}

impl Slabs for PhotonFiles {
    fn slab(&self, first_row: usize, rows: usize) -> Result<NdArray, CodecError> {
        let mut shape = self.movie.shape().to_vec();
        let frame_bytes = shape.iter().skip(1).product::<usize>() * self.movie.dtype().item_bytes();
        if let Some(first) = shape.first_mut() {
            *first = rows;
        }
        let data = self.movie.data().slice(first_row * frame_bytes..(first_row + rows) * frame_bytes);
        let slab = NdArray::new(self.movie.dtype().clone(), shape, Order::C, data)
            .map_err(|error| refused(error.to_string()))?;
        match &self.levels {
            None => map_values(&slab, |value| self.noise.forward(value)),
            Some(levels) => levels.encode(&slab),
        }
    }
}
