//! The exact unbiased inverse of the Anscombe transform of Poisson counts.
//!
//! Counts of rate λ have the mean transform `E(λ) = Σ 2·√(k + 3/8) · e^−λ · λ^k / k!`; the inverse wanted is that of `E`, not of the transform
//! (M. Mäkitalo, A. Foi, *Optimal inversion of the Anscombe transformation in low-count Poisson image denoising*, IEEE Transactions on Image
//! Processing 20, 2011). Up to 200 photons it is read from a table that is computed from this sum when first needed; beyond, it is
//! `D²/4 − 1/8`, which is 4·10⁻⁷ photons off there and less above. Their closed form (same journal and year) is 0.018 photons off at
//! 16 photons.

use std::sync::OnceLock;

/// √(3/2) = 2·√(3/8): the transform of no photon.
const LEAST: f64 = 1.224_744_871_391_589;
const NODES: usize = 4096;
/// Mean transform of about 200 photons.
const MOST: f64 = 28.3;
/// Distance of two nodes.
#[expect(clippy::cast_precision_loss, reason = "4096")]
const STEP: f64 = (MOST - LEAST) / (NODES - 1) as f64;

/// The rate with this mean transform. Below the transform of no photon, 0.
pub(super) fn photons(mean: f64) -> f64 {
    static TABLE: OnceLock<Vec<f64>> = OnceLock::new();
    if mean <= LEAST {
        return 0.0;
    }
    if mean >= MOST {
        return far(mean);
    }
    let table = TABLE.get_or_init(table);
    let place = (mean - LEAST) / STEP;
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "between 0 and 4095; NaN gives 0, and stays NaN by its part"
    )]
    let node = (place as usize).min(NODES - 2);
    match table.get(node..node + 2) {
        Some(&[below, above]) => {
            #[expect(clippy::cast_precision_loss, reason = "at most 4095")]
            let part = place - node as f64;
            below + part * (above - below)
        }
        _ => far(mean),
    }
}

fn far(mean: f64) -> f64 {
    0.25 * mean * mean - 0.125
}

/// Rates at evenly spaced mean transforms, each found from the one before by Newton's method.
fn table() -> Vec<f64> {
    let mut rate: f64 = 0.0;
    let node = |index: usize| {
        #[expect(clippy::cast_precision_loss, reason = "at most 4095")]
        let wanted = LEAST + STEP * index as f64;
        for _ in 0..20 {
            let (mean, slope) = mean_and_slope(rate);
            let change = (wanted - mean) / slope;
            rate = (rate + change).max(0.0);
            if change.abs() < 1e-12 {
                break;
            }
        }
        rate
    };
    (0..NODES).map(node).collect()
}

/// `E(λ)` and its derivative, which is the mean of the difference to one count more.
fn mean_and_slope(rate: f64) -> (f64, f64) {
    let transform = |count: f64| 2.0 * (count + 0.375).sqrt();
    let (mut mean, mut slope) = (0.0, 0.0);
    let mut weight = (-rate).exp();
    let (mut count, mut here) = (0.0, transform(0.0));
    loop {
        let next = transform(count + 1.0);
        mean += weight * here;
        slope += weight * (next - here);
        count += 1.0;
        weight *= rate / count;
        here = next;
        if count > rate && weight < 1e-17 {
            return (mean, slope);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_inverse_is_that_of_the_mean() {
        for step in 0..400 {
            let rate = 0.001 * 1.0347_f64.powi(step);
            if rate > 700.0 {
                break;
            }
            let found = photons(mean_and_slope(rate).0);
            assert!((found - rate).abs() < 1e-5 * rate.max(1.0), "{rate}: {found}");
        }
    }

    #[test]
    fn the_closed_form_of_the_paper_is_near() {
        for rate in [0.1, 1.0, 5.0, 16.0, 50.0, 150.0, 600.0] {
            let d = mean_and_slope(rate).0;
            let root = 1.5_f64.sqrt();
            let closed = d * d / 4.0 - 0.125 + root / (4.0 * d) - 11.0 / (8.0 * d * d)
                + 5.0 * root / (8.0 * d.powi(3));
            assert!((photons(d) - closed).abs() < 0.019, "{rate}");
        }
    }

    #[test]
    fn edges() {
        assert_eq!((photons(-1.0), photons(0.0), photons(LEAST)), (0.0, 0.0, 0.0));
        assert!((photons(MOST - 1e-9) - photons(MOST + 1e-9)).abs() < 1e-4);
        assert!(photons(f64::NAN).is_nan());
        assert!(photons(1e9) > 2e17);
    }
}
