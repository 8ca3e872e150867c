//! The choice of a region's codec from a sample of its tiles, and the record of it.
//!
//! Score of a codec = Σ weight · x / min(x) over the axes (decode time, size, encode time); the lowest wins, the first of
//! equals by name. Times are a model's by default, so that the same input gives the same file.

pub mod model;

use std::time::Instant;

use serde_json::{Map, Value, json};

use crate::codec::TileCodec;
use crate::error::{Error, Result};
use crate::tile::Tile;
use crate::wire;

/// What each axis counts in the score.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Weights {
    /// Of the time to decode.
    pub decode: f64,
    /// Of the size.
    pub size: f64,
    /// Of the time to encode.
    pub encode: f64,
}

impl Default for Weights {
    /// The published `(0.5, 0.3, 0.2)`.
    fn default() -> Self {
        Self { decode: 0.5, size: 0.3, encode: 0.2 }
    }
}

/// Where times come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Timing {
    /// The table of [`model`]: the same on every machine.
    Model,
    /// Measured on the sample: two runs may choose differently.
    Measured,
}

impl Timing {
    const fn name(self) -> &'static str {
        match self {
            Self::Model => "model",
            Self::Measured => "measured",
        }
    }
}

/// What the picker is told.
#[derive(Debug, Clone, PartialEq)]
pub struct PickerOptions {
    /// The names of the codecs to choose from; all of the registry when empty.
    pub candidates: Vec<String>,
    /// What each axis counts.
    pub weights: Weights,
    /// The part of the region's pixels that is tried.
    pub sample_fraction: f64,
    /// What the choice of the sample begins from.
    pub seed: u64,
    /// Where times come from.
    pub timing: Timing,
}

impl Default for PickerOptions {
    /// All codecs, the published weights, a sample of 5 %, the model's times.
    fn default() -> Self {
        Self {
            candidates: Vec::new(),
            weights: Weights::default(),
            sample_fraction: 0.05,
            seed: 0,
            timing: Timing::Model,
        }
    }
}

impl PickerOptions {
    /// Whether the numbers can be used.
    ///
    /// # Errors
    /// For weights or a fraction that are negative, not finite, or all zero.
    pub fn check(&self) -> Result<()> {
        let Weights { decode, size, encode } = self.weights;
        let weights = [decode, size, encode];
        let usable = weights.iter().all(|weight| weight.is_finite() && *weight >= 0.0)
            && weights.iter().any(|w| *w > 0.0);
        if !(usable && self.sample_fraction > 0.0 && self.sample_fraction <= 1.0) {
            let reason = "weights are finite and not negative, one at least positive; the sample is more than 0, at most 1";
            return Err(Error::invalid("picker", reason));
        }
        Ok(())
    }
}

/// Which of the tiles `(row, col)` with so many pixels are the sample: by a seeded hash of their position, until their
/// pixels are the fraction of all. Indexes into `tiles`, in their order.
#[must_use]
pub fn sample(tiles: &[((u32, u32), usize)], options: &PickerOptions) -> Vec<usize> {
    let mut order: Vec<usize> = (0..tiles.len()).collect();
    order.sort_by_key(|at| {
        let (row, col) = tiles[*at].0;
        (mix(options.seed ^ mix(u64::from(row) << 32 | u64::from(col))), *at)
    });
    #[expect(clippy::cast_precision_loss, reason = "a fraction of a count")]
    let wanted = tiles.iter().map(|tile| tile.1).sum::<usize>() as f64 * options.sample_fraction;
    let (mut sample, mut pixels) = (Vec::new(), 0);
    for at in order {
        #[expect(clippy::cast_precision_loss, reason = "a fraction of a count")]
        if !sample.is_empty() && pixels as f64 >= wanted {
            break;
        }
        sample.push(at);
        pixels += tiles[at].1;
    }
    sample.sort_unstable();
    sample
}

/// The choice.
#[derive(Debug, Clone, PartialEq)]
pub struct Choice {
    /// Its place among the candidates.
    pub winner: usize,
    /// What goes into the file's header.
    pub record: Value,
}

/// Chooses among codecs by sample tiles of so many pixels.
///
/// # Errors
/// When no codec takes all of the tiles, or one fails.
pub fn choose(
    codecs: &[&dyn TileCodec],
    tiles: &[Tile<'_>],
    pixels: usize,
    options: &PickerOptions,
) -> Result<Choice> {
    options.check()?;
    let (mut costs, mut refused) = (Vec::new(), Vec::new());
    for (at, codec) in codecs.iter().enumerate() {
        if tiles.iter().all(|tile| codec.accepts(tile)) {
            costs.push((at, cost(*codec, tiles, options.timing)?));
        } else {
            refused.push(codec.name());
        }
    }
    let least = |axis: usize| {
        costs.iter().map(|cost| cost.1[axis]).fold(f64::INFINITY, f64::min).max(f64::MIN_POSITIVE)
    };
    let least = [least(0), least(1), least(2)];
    let Weights { decode, size, encode } = options.weights;
    let scores: Vec<f64> = costs
        .iter()
        .map(|(_, cost)| {
            [decode, size, encode].iter().zip(cost).zip(least).map(|((w, x), min)| w * x / min).sum()
        })
        .collect();
    let by_score = |a: &usize, b: &usize| {
        let name = |at: &usize| codecs[costs[*at].0].name();
        scores[*a].total_cmp(&scores[*b]).then_with(|| name(a).cmp(name(b)))
    };
    let Some(best) = (0..costs.len()).min_by(by_score) else {
        return Err(Error::invalid("picker", "no candidate takes the tiles of the sample"));
    };
    let mut candidates = Map::new();
    for ((at, [decode, size, encode]), score) in costs.iter().zip(&scores) {
        let numbers = json!({"decode_ms": decode, "size_bytes": size, "encode_ms": encode, "score": score});
        candidates.insert(codecs[*at].name().to_owned(), numbers);
    }
    for name in refused {
        candidates.insert(name.to_owned(), json!({"refused": true}));
    }
    let winner = costs[best].0;
    let record = json!({
        "winner": codecs[winner].name(),
        "score": "sum of weight * x / min(x) over decode_ms, size_bytes, encode_ms; lowest wins",
        "weights": {"decode": decode, "size": size, "encode": encode},
        "timing": options.timing.name(),
        "seed": options.seed,
        "sample": {"fraction": options.sample_fraction, "tiles": tiles.len(), "pixels": pixels},
        "candidates": candidates,
    });
    Ok(Choice { winner, record })
}

/// Decode milliseconds, bytes on the wire, encode milliseconds of all tiles.
#[expect(clippy::cast_precision_loss, reason = "sizes of a sample are far below 2^52")]
fn cost(codec: &dyn TileCodec, tiles: &[Tile<'_>], timing: Timing) -> Result<[f64; 3]> {
    let (mut raw, mut size, mut encode, mut decode) = (0, 0, 0.0, 0.0);
    for tile in tiles {
        let start = Instant::now();
        let bytes = wire::encode(codec, tile)?;
        encode += start.elapsed().as_secs_f64() * 1e3;
        raw += tile.bytes().len();
        size += bytes.len();
        if timing == Timing::Measured {
            let start = Instant::now();
            wire::decode(codec, &bytes, tile.rows(), tile.cols(), tile.dtype())?;
            decode += start.elapsed().as_secs_f64() * 1e3;
        }
    }
    if timing == Timing::Model {
        let speed = model::speed(codec.name());
        let milliseconds = |megabytes_per_s: f64| raw as f64 / 1e3 / megabytes_per_s;
        (encode, decode) = (milliseconds(speed.encode), milliseconds(speed.decode));
    }
    Ok([decode, size as f64, encode])
}

/// The finaliser of splitmix64 (Steele, Lea, Flood 2014).
const fn mix(seed: u64) -> u64 {
    let mut z = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::registry::Registry;

    fn tiles() -> Vec<Tile<'static>> {
        (1..4_u32)
            .map(|seed| {
                let values: Vec<u32> = (0..4096).map(|at| at * seed % 97 / 7).collect();
                Tile::from_u32(64, 64, &values).unwrap()
            })
            .collect()
    }

    #[test]
    fn weights_decide_and_the_record_says_so() {
        let registry = Registry::new();
        let codecs: Vec<_> = ["zstd", "lz4", "shuffle_zstd"].map(|name| registry.get(name).unwrap()).into();
        let codecs: Vec<&dyn TileCodec> = codecs.iter().map(|codec| &**codec).collect();
        let tiles = tiles();
        let by = |decode, size, encode| {
            let weights = Weights { decode, size, encode };
            choose(&codecs, &tiles, 100, &PickerOptions { weights, ..PickerOptions::default() }).unwrap()
        };
        let smallest = by(0.0, 1.0, 0.0);
        let size =
            |choice: &Choice, name: &str| choice.record["candidates"][name]["size_bytes"].as_f64().unwrap();
        let least = ["zstd", "lz4", "shuffle_zstd"]
            .map(|name| size(&smallest, name))
            .into_iter()
            .fold(f64::MAX, f64::min);
        assert!((size(&smallest, smallest.record["winner"].as_str().unwrap()) - least).abs() < 0.5);
        assert_eq!(by(1.0, 0.0, 0.0).record["winner"], "lz4");
        assert_eq!(by(0.5, 0.3, 0.2), by(0.5, 0.3, 0.2));
        choose(&codecs, &tiles, 1, &PickerOptions { sample_fraction: 0.0, ..PickerOptions::default() })
            .unwrap_err();
        choose(&[], &tiles, 1, &PickerOptions::default()).unwrap_err();
    }

    #[test]
    fn the_sample_is_the_fraction_and_depends_on_the_seed_alone() {
        let tiles: Vec<_> = (0..400_u32).map(|at| ((at / 20, at % 20), 10)).collect();
        let options = PickerOptions::default();
        let first = sample(&tiles, &options);
        assert_eq!(first.len(), 20);
        assert_eq!(first, sample(&tiles, &options));
        assert_ne!(first, sample(&tiles, &PickerOptions { seed: 1, ..options.clone() }));
        assert_eq!(sample(&tiles[..1], &options), [0]);
    }
}
