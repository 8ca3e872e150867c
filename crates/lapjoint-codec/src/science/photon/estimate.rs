//! Gain and zero level of a movie, from its own noise.
//!
//! The *photon transfer curve*: where nothing moves, two successive frames differ by noise alone. Half the mean square of the difference is the
//! variance of the noise; over the brightness it is a line, whose slope is the gain and whose zero is the zero level (J. R. Janesick, *Photon
//! Transfer*, SPIE 2007; compress-multiphoton of DataJoint estimates so, too). Brightness is the mean of the two frames: at a given sum, counts
//! that were split by chance differ with exactly the variance of counts, so that taking it from noisy values does no harm.
//!
//! What moves or flashes makes the variance of some levels of brightness too large. The line is therefore fitted to groups of equally many
//! pixels, by their relative deviation, with the weights of P. J. Huber (1964), again and again until it stays.

use lapjoint_types::NdArray;

use super::noise::Noise;
use super::samples::{Range, for_each_pair, range};
use crate::error::CodecError;

const NAME: &str = "photon";
/// Pairs of pixels that are looked at; more tell nothing more.
const PAIRS: usize = 1 << 24;
const GROUPS: usize = 128;
const BINS: usize = 1 << 16;
/// Pairs in a group: fewer say too little about its variance.
const LEAST_IN_GROUP: u64 = 100;

/// Pixels of similar brightness.
#[derive(Debug, Clone, Copy, Default)]
struct Group {
    pairs: u64,
    brightness: f64,
    variance: f64,
}

impl Group {
    fn add(&mut self, other: &Self) {
        self.pairs += other.pairs;
        self.brightness += other.brightness;
        self.variance += other.variance;
    }

    fn mean(&self) -> (f64, f64) {
        #[expect(clippy::cast_precision_loss, reason = "at most 2^24 and a frame")]
        let pairs = self.pairs.max(1) as f64;
        (self.brightness / pairs, self.variance / pairs)
    }
}

/// The noise of a movie `(time, height, width, …)`. Read noise cannot be told from a shifted zero level, which has the same effect on the
/// transform, and is 0.
///
/// # Errors
/// [`CodecError::Value`] when the movie is not of real numbers, or says nothing about its noise: one frame, all alike, or noise that does not
/// grow with the brightness. The gain has then to be given.
pub fn estimate(movie: &NdArray) -> Result<Noise, CodecError> {
    let unknown = |why: &str| {
        CodecError::value(
            NAME,
            format!("cannot tell the gain of this movie from its noise: {why}; give gain=… (and offset=…)"),
        )
    };
    let Some(limits) = range(movie)? else { return Err(unknown("it is empty")) };
    if movie.shape().first().is_none_or(|&frames| frames < 2) {
        return Err(unknown("it has fewer than two frames"));
    }
    if limits.most <= limits.least {
        return Err(unknown("all its pixels are alike"));
    }
    let groups = groups(movie, limits)?;
    let points: Vec<(f64, f64)> = groups.iter().map(Group::mean).collect();
    let (gain, zero) = fit(&points).ok_or_else(|| unknown("its noise does not grow with its brightness"))?;
    Noise::new(gain, zero, 0.0)
}

/// Groups of about equally many pairs, by brightness. Pixels of the greatest value are left out: they may be cut off, and have no noise then.
fn groups(movie: &NdArray, limits: Range) -> Result<Vec<Group>, CodecError> {
    #[expect(clippy::cast_precision_loss, reason = "2^16")]
    let finest = (BINS - 1) as f64 / (2.0 * (limits.most - limits.least));
    // A bin for each sum of two whole numbers, if there are bins enough.
    let scale = if limits.whole { finest.min(1.0) } else { finest };
    let Range { least, most, .. } = limits;
    let mut bins = vec![Group::default(); BINS];
    for_each_pair(movie, PAIRS, |before, after| {
        if before < most && after < most {
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "between 0 and 2^16; Rust's cast saturates"
            )]
            let place = ((before + after - 2.0 * least) * scale) as usize;
            if let Some(bin) = bins.get_mut(place.min(BINS - 1)) {
                let difference = before - after;
                bin.add(&Group {
                    pairs: 1,
                    brightness: f64::midpoint(before, after),
                    variance: difference * difference / 2.0,
                });
            }
        }
    })?;
    let pairs: u64 = bins.iter().map(|bin| bin.pairs).sum();
    let enough = (pairs / GROUPS as u64).max(LEAST_IN_GROUP);
    let mut groups = Vec::new();
    let mut group = Group::default();
    for bin in &bins {
        group.add(bin);
        if group.pairs >= enough {
            groups.push(std::mem::take(&mut group));
        }
    }
    Ok(groups)
}

/// Slope and zero of the line through (brightness, variance); `None` when there is none that rises.
fn fit(points: &[(f64, f64)]) -> Option<(f64, f64)> {
    let positive: Vec<f64> = points.iter().map(|point| point.1).filter(|&variance| variance > 0.0).collect();
    let typical = median(positive)?;
    let mut weights: Vec<f64> = points.iter().map(|point| point.1.max(0.05 * typical).powi(-2)).collect();
    let mut line = None;
    for _ in 0..50 {
        let total: f64 = weights.iter().sum();
        let mean = |of: fn(&(f64, f64)) -> f64| {
            points.iter().zip(&weights).map(|(point, w)| w * of(point)).sum::<f64>() / total
        };
        let (x0, v0) = (mean(|point| point.0), mean(|point| point.1));
        let (mut above, mut below) = (0.0, 0.0);
        for (&(x, v), w) in points.iter().zip(&weights) {
            above += w * (x - x0) * (v - v0);
            below += w * (x - x0) * (x - x0);
        }
        let slope = above / below;
        if !(slope.is_finite() && slope > 0.0) {
            return None;
        }
        let start = v0 - slope * x0;
        let fitted = |x: f64| (slope * x + start).max(0.05 * typical);
        let off: Vec<f64> = points.iter().map(|&(x, v)| ((v - fitted(x)) / fitted(x)).abs()).collect();
        let spread = (median(off.clone())? / 0.6745).max(1e-3);
        for ((weight, &(x, _)), off) in weights.iter_mut().zip(points).zip(off) {
            *weight = (1.345 * spread / off.max(1e-12)).min(1.0) * fitted(x).powi(-2);
        }
        line = Some((slope, -start / slope));
    }
    line
}

fn median(mut values: Vec<f64>) -> Option<f64> {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Numbers from 0 to 1 that look random: a Weyl sequence through SplitMix64.
    struct Random(u64);

    impl Random {
        fn unit(&mut self) -> f64 {
            self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let mut z = self.0;
            z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            ((z ^ (z >> 31)) >> 11) as f64 / (1u64 << 53) as f64
        }

        /// A count of this rate.
        fn poisson(&mut self, rate: f64) -> f64 {
            let (limit, mut product, mut count) = ((-rate).exp(), self.unit(), 0.0);
            while product > limit {
                product *= self.unit();
                count += 1.0;
            }
            count
        }
    }

    /// Frames of 64 × 64 pixels of exponentially spread brightness; some cells flash.
    fn movie(gain: f64, zero: f64, mean_photons: f64, flashing: f64) -> NdArray {
        let mut random = Random(7);
        let rates: Vec<f64> = (0..64 * 64).map(|_| -mean_photons * random.unit().max(1e-9).ln()).collect();
        let mut values = Vec::new();
        for _ in 0..60 {
            for (pixel, rate) in rates.iter().enumerate() {
                let flash = if pixel % 10 == 0 && random.unit() < flashing { 4.0 } else { 1.0 };
                values.push((gain * random.poisson(rate * flash) + zero).round());
            }
        }
        NdArray::from_shape_vec(vec![60, 64, 64], values).unwrap()
    }

    #[test]
    fn gain_and_zero_level_are_found() {
        for (gain, zero, photons, flashing) in [
            (1.0, 0.0, 10.0, 0.0),
            (30.0, 20.0, 8.0, 0.0),
            (2.5, 100.0, 6.0, 0.02),
            (30.0, -40.0, 10.0, 0.02),
        ] {
            let found = estimate(&movie(gain, zero, photons, flashing)).unwrap();
            assert!((found.gain / gain - 1.0).abs() < 0.08, "{gain} {zero}: {found:?}");
            assert!((found.offset - zero).abs() < gain, "{gain} {zero}: {found:?}");
        }
    }

    #[test]
    fn a_movie_that_says_nothing_is_told_so() {
        let still = NdArray::from_shape_vec(vec![3, 2, 2], vec![5u16; 12]).unwrap();
        let one = NdArray::from_shape_vec(vec![1, 2, 2], vec![1u16, 2, 3, 4]).unwrap();
        let empty = NdArray::from_shape_vec(vec![0, 2, 2], Vec::<u16>::new()).unwrap();
        let unchanging = NdArray::from_shape_vec(vec![200, 2, 2], [1u16, 2, 3, 4].repeat(200)).unwrap();
        for movie in [still, one, empty, unchanging] {
            let error = estimate(&movie).unwrap_err().to_string();
            assert!(error.contains("give gain="), "{error}");
        }
        // The same noise everywhere: no photons.
        let mut random = Random(3);
        let even: Vec<f64> =
            (0..200 * 256).map(|pixel| f64::from(pixel % 256) + 10.0 * random.unit()).collect();
        let even = NdArray::from_shape_vec(vec![200, 16, 16], even).unwrap();
        match estimate(&even) {
            Err(_) => {}
            Ok(noise) => assert!(noise.gain < 0.01, "{noise:?}"),
        }
    }
}
