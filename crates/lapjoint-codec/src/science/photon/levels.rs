//! Values in steps that the noise hides.
//!
//! The range of a movie is cut into levels, wider where there is more noise; a value is kept as the number of its level and comes back as the
//! level's value. What is promised, for every pixel:
//!
//! ```text
//! |value − level's value| ≤ beta/2 · σ(value)
//! ```
//!
//! with σ as [`Noise::sigma`] gives it. Each level reaches as far as the promise allows, so no other set of levels that keeps it is smaller.
//! Rounding by `beta` times σ adds a noise of variance beta²/12: with beta = 0.5 the noise of a pixel grows by 1 %, with 1 by 4 %.
//!
//! The idea is that of compress-multiphoton (DataJoint): a table that quantises in steps of a fraction of the noise. Its steps are even on the
//! transformed scale and are rounded down; these hold the bound also at the edges of a step and where whole numbers are wider than it.

use lapjoint_types::NdArray;

use super::noise::Noise;
use super::samples::map_values;
use crate::error::CodecError;

const NAME: &str = "photon";
/// Numbers of levels have two bytes at most.
const MOST_LEVELS: usize = 1 << 16;
/// Whole numbers over which a table is quicker than a search.
const MOST_IN_TABLE: f64 = 4_194_304.0;

/// The levels of a movie.
#[derive(Debug, Clone, PartialEq)]
pub struct Levels {
    /// Value of each level, rising.
    values: Vec<f64>,
    /// Last value of each level but the last.
    ends: Vec<f64>,
    /// Least value and, of whole numbers in no wide range, the level of each from there on.
    table: Option<(f64, Vec<u16>)>,
}

impl Levels {
    /// Levels that hold values from `least` to `most` within `beta`/2 of the noise; of `whole` numbers they are whole.
    ///
    /// # Errors
    /// [`CodecError::Value`] when `beta` is not between 0 and 2, or there would be more than 65,536 levels.
    pub fn new(noise: &Noise, beta: f64, least: f64, most: f64, whole: bool) -> Result<Self, CodecError> {
        if !(beta > 0.0 && beta <= 2.0) {
            return Err(CodecError::value(NAME, format!("beta must be above 0 and at most 2, got {beta}")));
        }
        if !(least.is_finite() && most.is_finite()) {
            return Err(CodecError::value(NAME, "needs finite values".to_owned()));
        }
        let half = beta / 2.0;
        let within = |value: f64, level: f64| (value - level).abs() <= half * noise.sigma(value);
        let (mut values, mut ends) = (Vec::new(), Vec::new());
        let mut start = least;
        while start <= most {
            if values.len() == MOST_LEVELS {
                return Err(CodecError::value(
                    NAME,
                    format!(
                        "values from {least} to {most} need more than {MOST_LEVELS} levels of {beta} times the noise; use a larger beta or \
                         mode=\"anscombe\""
                    ),
                ));
            }
            let mut value = start + half * noise.sigma(start);
            if whole {
                value = value.floor();
            }
            // Rounding may put it a hair too far.
            while value > start && !within(start, value) {
                value = if whole { value - 1.0 } else { value.next_down() };
            }
            let mut end = farthest(noise, half, value);
            if whole {
                end = end.floor();
            }
            end = end.max(value);
            while end > value && !within(end, value) {
                end = if whole { end - 1.0 } else { end.next_down() };
            }
            values.push(value.min(most));
            ends.push(end);
            let next = if whole { end + 1.0 } else { end.next_up() };
            if next <= start {
                return Err(CodecError::value(
                    NAME,
                    format!("values near {start} are too large to be told apart"),
                ));
            }
            start = next;
        }
        ends.pop();
        let mut levels = Self { values, ends, table: None };
        if whole && most - least <= MOST_IN_TABLE {
            let numbers = (0..=index(most - least)).map(|step| narrow(levels.search(least + as_float(step))));
            levels.table = Some((least, numbers.collect()));
        }
        Ok(levels)
    }

    /// The value of each level.
    #[must_use]
    pub fn values(&self) -> &[f64] {
        &self.values
    }

    /// The number of a value's level.
    #[must_use]
    pub fn number(&self, value: f64) -> u16 {
        match &self.table {
            Some((least, numbers)) => numbers.get(index(value - least)).copied().unwrap_or_default(),
            None => narrow(self.search(value)),
        }
    }

    fn search(&self, value: f64) -> usize {
        self.ends.partition_point(|&end| end < value)
    }

    /// Whether numbers of levels fit one byte.
    #[must_use]
    pub fn fit_one_byte(&self) -> bool {
        self.values.len() <= 256
    }

    /// The level of each element, in row-major order, as `uint8` if all fit, else `uint16`.
    ///
    /// # Errors
    /// [`CodecError::Value`] when the array is not of real numbers.
    pub fn encode(&self, movie: &NdArray) -> Result<NdArray, CodecError> {
        if self.fit_one_byte() {
            // One byte was found to be enough.
            map_values(movie, |value| u8::try_from(self.number(value)).unwrap_or(u8::MAX))
        } else {
            map_values(movie, |value| self.number(value))
        }
    }
}

/// The largest value for which `value` is within `half` of its noise.
fn farthest(noise: &Noise, half: f64, value: f64) -> f64 {
    let Noise { gain, offset, .. } = *noise;
    let floor = noise.sigma(offset);
    let below = value + half * floor;
    if below <= offset {
        return below;
    }
    // u = σ(end) solves u² − gain·half·u − (σ₀² + gain·(value − offset)) = 0.
    let constant = floor * floor + gain * (value - offset);
    let linear = gain * half;
    let u = f64::midpoint(linear, (linear * linear + 4.0 * constant).max(0.0).sqrt());
    (u * u - floor * floor) / gain + offset
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a whole number that was found to be at most 2^22; Rust's cast saturates"
)]
fn index(number: f64) -> usize {
    number as usize
}

#[expect(clippy::cast_precision_loss, reason = "at most 2^22")]
fn as_float(number: usize) -> f64 {
    number as f64
}

fn narrow(number: usize) -> u16 {
    u16::try_from(number).unwrap_or(u16::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn decode(levels: &Levels, value: f64) -> f64 {
        levels.values()[usize::from(levels.number(value))]
    }

    #[test]
    fn every_whole_number_of_sixteen_bits_is_within_the_bound() {
        for noise in
            [Noise::POISSON, Noise::new(0.6, 13.8, 0.0).unwrap(), Noise::new(30.0, 200.0, 50.0).unwrap()]
        {
            for beta in [0.1, 0.5, 1.0, 2.0] {
                let levels = Levels::new(&noise, beta, 0.0, 65535.0, true).unwrap();
                for value in 0..=65535u32 {
                    let value = f64::from(value);
                    let back = decode(&levels, value);
                    assert!(
                        (back - value).abs() <= beta / 2.0 * noise.sigma(value),
                        "{noise:?} {beta} {value} {back}"
                    );
                    assert_eq!(back.fract(), 0.0);
                }
            }
        }
    }

    #[test]
    fn there_are_as_few_levels_as_the_noise_allows() {
        // On the transformed scale the range is 2·√(65535.375) − 2·√(0.375) = 510.8 wide.
        let levels = Levels::new(&Noise::POISSON, 0.5, 0.0, 65535.0, true).unwrap();
        assert!((1000..1100).contains(&levels.values().len()), "{}", levels.values().len());
        let fewer = Levels::new(&Noise::POISSON, 2.0, 0.0, 65535.0, true).unwrap();
        assert!((255..290).contains(&fewer.values().len()), "{}", fewer.values().len());
        // Finer than the noise: nothing is lost.
        let exact = Levels::new(&Noise::new(1e-3, 0.0, 0.0).unwrap(), 0.5, 0.0, 300.0, true).unwrap();
        assert_eq!(exact.values(), (0..=300).map(f64::from).collect::<Vec<_>>());
    }

    #[test]
    fn what_cannot_be_cut_is_refused() {
        for beta in [0.0, -1.0, 2.5, f64::NAN] {
            assert!(Levels::new(&Noise::POISSON, beta, 0.0, 10.0, true).is_err());
        }
        assert!(Levels::new(&Noise::POISSON, 0.5, 0.0, f64::INFINITY, false).is_err());
        let error = Levels::new(&Noise::POISSON, 0.001, 0.0, 1e9, true).unwrap_err().to_string();
        assert!(error.contains("65536 levels") && error.contains("larger beta"), "{error}");
    }

    #[test]
    fn arrays_get_numbers_of_levels() {
        let noise = Noise::new(0.6, 13.8, 0.0).unwrap();
        let values: Vec<u16> = (0..6000u16).map(|n| n % 479).collect();
        let movie = NdArray::from_shape_vec(vec![10, 20, 30], values.clone()).unwrap();
        let levels = Levels::new(&noise, 0.5, 0.0, 478.0, true).unwrap();
        let coded = levels.encode(&movie).unwrap();
        assert_eq!((coded.shape(), coded.dtype().to_string().as_str()), (&[10, 20, 30][..], "uint8"));
        for (value, number) in values.iter().zip(coded.to_vec::<u8>().unwrap()) {
            assert_eq!(usize::from(number), levels.search(f64::from(*value)));
        }
        let wide = Levels::new(&Noise::POISSON, 0.2, 0.0, 65535.0, true).unwrap();
        let movie = NdArray::from_vec(vec![0u16, 65535, 256]);
        let coded = wide.encode(&movie).unwrap().to_vec::<u16>().unwrap();
        assert_eq!(wide.values()[usize::from(coded[1])], 65535.0);
    }

    proptest! {
        #[test]
        fn real_numbers_are_within_the_bound(
            gain in 0.05..50.0, offset in -50.0..300.0, variance in 0.0..100.0, beta in 0.05..2.0, least in -100.0..100.0f64, width in 0.0..5000.0f64,
            places in proptest::collection::vec(0.0..=1.0f64, 50),
        ) {
            let noise = Noise::new(gain, offset, variance).unwrap();
            let most = least + width;
            if let Ok(levels) = Levels::new(&noise, beta, least, most, false) {
                for place in places {
                    let value = (least + place * width).min(most);
                    let back = decode(&levels, value);
                    let bound = beta / 2.0 * noise.sigma(value);
                    prop_assert!((back - value).abs() <= bound, "{value} came back as {back}, bound {bound}");
                }
            }
        }

        #[test]
        fn whole_numbers_are_within_the_bound(
            gain in 0.05..50.0, offset in -50.0..300.0, variance in 0.0..100.0, beta in 0.05..2.0, least in -1000..1000i32, width in 0..5000i32,
        ) {
            let noise = Noise::new(gain, offset, variance).unwrap();
            let levels = Levels::new(&noise, beta, f64::from(least), f64::from(least + width), true).unwrap();
            for value in (least..=least + width).map(f64::from) {
                prop_assert!((decode(&levels, value) - value).abs() <= beta / 2.0 * noise.sigma(value));
            }
        }
    }
}
