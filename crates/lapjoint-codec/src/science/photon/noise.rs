//! The generalized Anscombe transform: makes the noise of photon-limited values the same everywhere, about one.
//!
//! A value is taken as `gain · p + offset + r`: `p` photons, counted with Poisson noise, times the gain, on a zero level, with
//! Gaussian read noise `r` of the given variance. The transform is
//!
//! ```text
//! T(x) = 2/gain · √( gain·x + 3/8·gain² + variance − gain·offset )
//! ```
//!
//! Sources: F. J. Anscombe, *The transformation of Poisson, binomial and negative-binomial data*, Biometrika 35 (1948); J.-L. Starck,
//! F. Murtagh, A. Bijaoui, *Image Processing and Data Analysis* (1998) for the general form; M. Mäkitalo, A. Foi, *A closed-form
//! approximation of the exact unbiased inverse of the Anscombe variance-stabilizing transformation*, IEEE Transactions on Image
//! Processing 20 (2011), and *Optimal inversion of the generalized Anscombe transformation for Poisson-Gaussian noise*, 22 (2013).

use super::unbiased;
use crate::error::CodecError;

const NAME: &str = "photon";

/// What turns photons into the values of a movie, and how noisy that is.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Noise {
    /// Rise of the value by one photon.
    pub gain: f64,
    /// Value without any photon.
    pub offset: f64,
    /// Variance of the noise that comes without photons, in squared units of the value.
    pub variance: f64,
}

/// Which way back from transformed values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Inverse {
    /// Undoes the transform: gives the values that were transformed.
    Algebraic,
    /// For *averages* of transformed values, such as a denoised movie: gives what the values would be on average. The algebraic inverse of
    /// an average is too low, by up to a quarter of a photon and more where there are few.
    Unbiased,
}

impl Noise {
    /// Counted photons: gain 1, nothing added.
    pub const POISSON: Self = Self { gain: 1.0, offset: 0.0, variance: 0.0 };

    /// # Errors
    /// [`CodecError::Value`] unless the gain is positive, the variance is not negative and all are finite.
    pub fn new(gain: f64, offset: f64, variance: f64) -> Result<Self, CodecError> {
        // Beyond these, squares and products leave the range of a double or its precision.
        let sane = |number: f64| number.is_finite() && number.abs() <= 1e100;
        let wrong = if !(sane(gain) && gain >= 1e-100) {
            format!("gain must be a positive number, got {gain}")
        } else if !sane(offset) {
            format!("offset must be a finite number, got {offset}")
        } else if !(sane(variance) && variance >= 0.0) {
            format!("variance must be a number that is not negative, got {variance}")
        } else {
            return Ok(Self { gain, offset, variance });
        };
        Err(CodecError::value(NAME, wrong))
    }

    /// Least value that the transform can tell from smaller ones.
    #[must_use]
    pub fn least(&self) -> f64 {
        self.offset - 0.375 * self.gain - self.variance / self.gain
    }

    /// `T(x)`. Values below [`least`](Self::least) give 0.
    #[must_use]
    pub fn forward(&self, value: f64) -> f64 {
        let under = self.gain * (value - self.offset) + (0.375 * self.gain * self.gain + self.variance);
        2.0 / self.gain * under.max(0.0).sqrt()
    }

    /// The value with this transform: `gain·D²/4 − 3/8·gain − variance/gain + offset`.
    #[must_use]
    pub fn algebraic(&self, transformed: f64) -> f64 {
        let d = transformed;
        self.gain * (0.25 * d * d - 0.375) - self.variance / self.gain + self.offset
    }

    /// The mean value whose noisy values have this mean transform: the exact unbiased inverse of Mäkitalo and Foi. For counted photons it is
    /// exact to 10⁻⁵ photons; read noise is taken off as they do (2013), which is exact where it does not dominate.
    #[must_use]
    pub fn unbiased(&self, transformed: f64) -> f64 {
        let photons = unbiased::photons(transformed) - self.variance / (self.gain * self.gain);
        self.gain * photons.max(0.0) + self.offset
    }

    /// The inverse of the given kind.
    #[must_use]
    pub fn inverse(&self, transformed: f64, kind: Inverse) -> f64 {
        match kind {
            Inverse::Algebraic => self.algebraic(transformed),
            Inverse::Unbiased => self.unbiased(transformed),
        }
    }

    /// Standard deviation of the noise at a value, as the transform takes it: `√(gain·(x − offset) + 3/8·gain² + variance)`, and below the
    /// offset what it is there.
    #[must_use]
    pub fn sigma(&self, value: f64) -> f64 {
        let photons = (value - self.offset).max(0.0);
        (self.gain * photons + 0.375 * self.gain * self.gain + self.variance).sqrt()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn counts_give_the_published_transform() {
        for (count, transformed) in
            [(0.0, 1.224_744_871_391_589), (1.0, 2.345_207_879_911_715), (100.0, 20.037_464_909_513_875)]
        {
            assert!((Noise::POISSON.forward(count) - transformed).abs() < 1e-12);
        }
        assert_eq!(Noise::POISSON.unbiased(0.0), 0.0);
    }

    #[test]
    fn noise_is_one_after_the_transform() {
        // Poisson noise of rate 20 by inversion of its distribution at evenly spaced probabilities.
        let noise = Noise::new(30.0, 7.0, 0.0).unwrap();
        let (rate, samples) = (20.0_f64, 20_000);
        let mut transformed = Vec::new();
        let (mut count, mut p, mut below) = (0.0, (-rate).exp(), 0.0);
        for sample in 0..samples {
            let at = (f64::from(sample) + 0.5) / f64::from(samples);
            while below + p < at {
                below += p;
                count += 1.0;
                p *= rate / count;
            }
            transformed.push(noise.forward(30.0 * count + 7.0));
        }
        let mean = transformed.iter().sum::<f64>() / f64::from(samples);
        let variance = transformed.iter().map(|d| (d - mean).powi(2)).sum::<f64>() / f64::from(samples);
        assert!((variance - 1.0).abs() < 0.03, "{variance}");
        assert!((noise.unbiased(mean) / (30.0 * rate + 7.0) - 1.0).abs() < 1e-3, "{mean}");
    }

    #[test]
    fn parameters_that_make_no_sense_are_refused() {
        for (gain, offset, variance) in [
            (0.0, 0.0, 0.0),
            (-1.0, 0.0, 0.0),
            (f64::NAN, 0.0, 0.0),
            (1.0, f64::INFINITY, 0.0),
            (1.0, 0.0, -0.1),
            (1e-200, 0.0, 0.0),
        ] {
            assert!(Noise::new(gain, offset, variance).is_err());
        }
    }

    proptest! {
        #[test]
        fn the_algebraic_inverse_undoes(gain in 0.01..100.0, offset in -500.0..500.0, variance in 0.0..400.0, photons in 0.0..1e5) {
            let noise = Noise::new(gain, offset, variance).unwrap();
            let value = noise.least() + gain * photons;
            let back = noise.inverse(noise.forward(value), Inverse::Algebraic);
            prop_assert!((back - value).abs() <= 1e-12 * (value.abs() + variance / gain + gain + offset.abs()), "{value} {back}");
        }

        #[test]
        fn both_rise(gain in 0.01..100.0, offset in -500.0..500.0, variance in 0.0..400.0, d in 0.0..500.0, step in 1e-3..10.0) {
            let noise = Noise::new(gain, offset, variance).unwrap();
            prop_assert!(noise.algebraic(d + step) > noise.algebraic(d));
            prop_assert!(noise.unbiased(d + step) >= noise.unbiased(d));
            // Both agree where there are many photons, but for the quarter photon that an average lacks.
            let far = 200.0 + d;
            let difference = (noise.unbiased(far) - noise.algebraic(far)) / gain - 0.25;
            prop_assert!(noise.unbiased(far) == offset || difference.abs() < 0.01, "{difference}");
        }
    }
}
