//! From values to colours.

use super::canvas::Rgb;

/// How values become colours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Scale {
    /// By the logarithm of `1 + value`: contacts fall off with distance over orders of magnitude.
    #[default]
    Log,
    /// By the value.
    Linear,
}

/// Colours of increasing values, evenly spaced: from white over yellow and red to black, darker and darker, so that the
/// order shows in grey too.
const STOPS: [Rgb; 6] =
    [[255, 255, 255], [255, 237, 160], [253, 170, 72], [227, 60, 36], [140, 10, 50], [25, 0, 20]];

/// Cells without a value.
pub(super) const MISSING: Rgb = [205, 205, 205];

/// Values up to `most` to colours.
#[derive(Debug, Clone, Copy)]
pub(super) struct Ramp {
    pub(super) scale: Scale,
    /// The value of the last colour; larger ones have it too.
    pub(super) most: f64,
}

impl Ramp {
    /// Where a value lies between the first colour (0) and the last (1).
    pub(super) fn place(&self, value: f64) -> f64 {
        let part = match self.scale {
            Scale::Linear => value / self.most,
            Scale::Log => value.max(0.0).ln_1p() / self.most.ln_1p(),
        };
        if part.is_finite() { part.clamp(0.0, 1.0) } else { 0.0 }
    }

    pub(super) fn colour(&self, value: f64) -> Rgb {
        if value.is_nan() { MISSING } else { shade(self.place(value)) }
    }

    /// Round values from 0 to the last, few enough for a scale.
    pub(super) fn marks(&self) -> Vec<f64> {
        let mut marks = vec![0.0];
        match self.scale {
            Scale::Log => {
                let decades = self.most.log10().ceil().clamp(1.0, 18.0);
                let every = (decades / 7.0).ceil();
                let mut mark = if self.most < 10.0 { 1.0 } else { 10_f64.powf(every.max(1.0)) };
                if self.most >= 1.0 && mark > 1.0 {
                    marks.push(1.0);
                }
                while mark < self.most {
                    marks.push(mark);
                    mark *= 10_f64.powf(every.max(1.0));
                }
            }
            Scale::Linear => {
                let step = round_step(self.most / 5.0);
                let mut mark = step;
                while mark < self.most && marks.len() < 12 {
                    marks.push(mark);
                    mark += step;
                }
            }
        }
        marks.push(self.most);
        marks
    }
}

/// The colour at a place from 0 to 1.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_precision_loss,
    reason = "places are clamped to the stops, colours lie between two bytes"
)]
pub(super) fn shade(place: f64) -> Rgb {
    let place = place.clamp(0.0, 1.0) * (STOPS.len() - 1) as f64;
    let below = (place.floor() as usize).min(STOPS.len() - 2);
    let part = place - below as f64;
    let mut rgb = [0; 3];
    for ((colour, from), to) in rgb.iter_mut().zip(STOPS[below]).zip(STOPS[below + 1]) {
        *colour = (f64::from(from) + (f64::from(to) - f64::from(from)) * part).round() as u8;
    }
    rgb
}

/// The next of 1, 2, 5, 10, 20, 50, … that is not less.
pub(super) fn round_step(least: f64) -> f64 {
    if !(least.is_finite() && least > 0.0) {
        return 1.0;
    }
    let decade = 10_f64.powf(least.log10().floor());
    [1.0, 2.0, 5.0].into_iter().map(|step| step * decade).find(|step| *step >= least).unwrap_or(decade * 10.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn larger_values_are_darker() {
        let grey = |rgb: Rgb| 299 * u32::from(rgb[0]) + 587 * u32::from(rgb[1]) + 114 * u32::from(rgb[2]);
        for scale in [Scale::Log, Scale::Linear] {
            let ramp = Ramp { scale, most: 1000.0 };
            let shades: Vec<u32> = (0..=50).map(|at| grey(ramp.colour(f64::from(at) * 20.0))).collect();
            assert!(shades.windows(2).all(|pair| pair[1] < pair[0]), "{scale:?} {shades:?}");
            assert_eq!(ramp.colour(0.0), [255; 3]);
            assert_eq!(ramp.colour(-5.0), [255; 3]);
            assert_eq!(ramp.colour(1e9), ramp.colour(1000.0));
            assert_eq!(ramp.colour(f64::NAN), MISSING);
        }
    }

    #[test]
    fn marks_are_round_few_and_end_at_the_last_value() {
        let marks = |scale, most| Ramp { scale, most }.marks();
        assert_eq!(marks(Scale::Log, 7878.0), [0.0, 1.0, 10.0, 100.0, 1000.0, 7878.0]);
        assert_eq!(marks(Scale::Log, 3.0), [0.0, 1.0, 3.0]);
        assert_eq!(marks(Scale::Linear, 430.0), [0.0, 100.0, 200.0, 300.0, 400.0, 430.0]);
        for most in [1e-9, 0.3, 1.0, 1e15] {
            for scale in [Scale::Log, Scale::Linear] {
                let marks = marks(scale, most);
                assert!(marks.len() <= 13 && marks.is_sorted(), "{marks:?}");
            }
        }
        assert!((round_step(0.0) - 1.0).abs() < 1e-12);
        assert!((round_step(3.2e6) - 5e6).abs() < 1e-3);
    }
}
