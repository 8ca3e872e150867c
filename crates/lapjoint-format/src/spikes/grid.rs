//! The sampling grid that times lie on.

use super::element::{Element, signed, unsigned};

/// Sampling rates in hertz that are tried first, lowest first: what is on the grid of one is on that of its multiples.
const RATES: [f64; 46] = [
    1.0,
    10.0,
    50.0,
    60.0,
    100.0,
    200.0,
    250.0,
    256.0,
    500.0,
    512.0,
    1000.0,
    1024.0,
    1250.0,
    2000.0,
    2500.0,
    5000.0,
    6103.515625,
    8000.0,
    10000.0,
    12207.03125,
    12500.0,
    15000.0,
    16000.0,
    20000.0,
    22050.0,
    24000.0,
    24414.0625,
    25000.0,
    30000.0,
    30303.0,
    31250.0,
    32000.0,
    32552.083333333332,
    32556.0,
    40000.0,
    44100.0,
    48000.0,
    48828.125,
    50000.0,
    60000.0,
    96000.0,
    100_000.0,
    200_000.0,
    1e6,
    1e7,
    1e9,
];
/// Largest tick whose double is exact.
const MAX_TICK: f64 = (1u64 << 52) as f64;
/// Elements that a guess is tried on before all are.
const SAMPLE: usize = 64;
/// Largest distance, in neighbouring floats, of a time from its place on the grid.
const MAX_RESIDUAL: i64 = 4096;

/// A rate (or a period) and where the ticks begin.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Grid {
    pub multiply: bool,
    pub number: f64,
    pub offset: Option<f64>,
}

/// A grid, and the elements on it as words.
#[derive(Debug)]
pub(super) struct Found {
    pub grid: Grid,
    pub ticks: Vec<u64>,
    pub residuals: Option<Vec<u64>>,
}

impl Grid {
    const fn rate(rate: f64) -> Self {
        Self { multiply: false, number: rate, offset: None }
    }

    const fn period(period: f64) -> Self {
        Self { multiply: true, number: period, offset: None }
    }

    /// The word of a tick's time. This arithmetic is part of the format.
    fn word(&self, element: Element, tick: i64) -> u64 {
        let tick = tick as f64;
        let time = if self.multiply { tick * self.number } else { tick / self.number };
        element.word(self.offset.map_or(time, |offset| time + offset))
    }

    /// The tick that is nearest to a time.
    #[expect(clippy::cast_possible_truncation, reason = "compared with the largest tick")]
    fn tick(&self, time: f64) -> Option<i64> {
        let time = self.offset.map_or(time, |offset| time - offset);
        let tick = if self.multiply { time / self.number } else { time * self.number };
        let tick = tick.round();
        (tick.abs() <= MAX_TICK).then_some(tick as i64)
    }

    fn is_exact(&self, element: Element, words: &[u64]) -> bool {
        words
            .iter()
            .all(|&word| self.tick(element.float(word)).is_some_and(|tick| self.word(element, tick) == word))
    }

    /// Ticks in place of the words; `None` where a time is too far from the grid.
    fn apply(self, element: Element, words: &[u64]) -> Option<Found> {
        let mut ticks = Vec::with_capacity(words.len());
        let mut residuals = Vec::new();
        for (place, &word) in words.iter().enumerate() {
            let tick = self.tick(element.float(word))?;
            let residual = word.wrapping_sub(self.word(element, tick)).cast_signed();
            if residual != 0 && residuals.is_empty() {
                residuals.resize(place, signed(0));
            }
            if residual.abs() > MAX_RESIDUAL {
                return None;
            }
            if residual != 0 || !residuals.is_empty() {
                residuals.push(signed(residual));
            }
            ticks.push(signed(tick));
        }
        let residuals = (!residuals.is_empty()).then_some(residuals);
        // A grid finer than the floats themselves says nothing.
        (span(&ticks) < span(words)).then_some(Found { grid: self, ticks, residuals })
    }

    /// Words of the elements in place of their ticks.
    pub fn place(&self, element: Element, ticks: &mut [u64], residuals: &[u64]) {
        for word in ticks.iter_mut() {
            *word = self.word(element, unsigned(*word));
        }
        for (word, &residual) in ticks.iter_mut().zip(residuals) {
            *word = word.wrapping_add(unsigned(residual).cast_unsigned());
        }
    }
}

fn span(words: &[u64]) -> u64 {
    let least = words.iter().min().copied().unwrap_or_default();
    words.iter().max().copied().unwrap_or_default() - least
}

/// The grid of floats, if they are on one.
pub(super) fn find(element: Element, words: &[u64]) -> Option<Found> {
    if !element.is_float() || words.len() < 2 || words.iter().any(|&word| !element.float(word).is_finite()) {
        return None;
    }
    let sample: Vec<u64> = words.iter().step_by(words.len().div_ceil(SAMPLE)).copied().collect();
    let known = RATES.into_iter().flat_map(|rate| [Grid::rate(rate), Grid::period(1.0 / rate)]);
    for grid in known.filter(|grid| grid.is_exact(element, &sample)) {
        if let Some(found) = grid.apply(element, words).filter(|found| found.residuals.is_none()) {
            return Some(found);
        }
    }
    let guesses = guesses(element, words)?;
    let exact = guesses.iter().find(|grid| grid.is_exact(element, &sample));
    // Where none is exact, the first of each kind is near.
    exact
        .into_iter()
        .chain(guesses.chunk_by(|a, b| a.offset == b.offset).filter_map(<[Grid]>::first))
        .find_map(|grid| grid.apply(element, words))
}

/// Grids that the times suggest, the likeliest first.
fn guesses(element: Element, words: &[u64]) -> Option<Vec<Grid>> {
    let times: Vec<f64> = words.iter().map(|&word| element.float(word)).collect();
    let (&first, _) = times.split_first()?;
    let largest = times.iter().fold(0.0f64, |most, time| most.max(time.abs()));
    // The first times are the smallest of a train, and so the most exact; small differences spoil a common divisor least.
    let early = times.get(..times.len().min(512)).unwrap_or_default();
    let noise = 2.0 * early.iter().fold(0.0f64, |most, time| most.max(time.abs())) * element.epsilon();
    let mut differences: Vec<f64> = early
        .windows(2)
        .filter_map(|pair| if let [a, b] = pair { Some((b - a).abs()) } else { None })
        .collect();
    differences.sort_by(f64::total_cmp);
    let floor = 4096.0 * noise;
    let mut period = 0.0;
    for difference in differences.into_iter().filter(|difference| *difference > floor) {
        let ticks = (difference / period).round();
        period = if ticks >= 1.0 && (difference / period - ticks).abs() < 0.05 {
            // A multiple, which tells the period more exactly.
            difference / ticks
        } else {
            common_divisor(period, difference, floor)
        };
        if period <= 8.0 * floor {
            return None;
        }
    }
    if period == 0.0 {
        return None;
    }
    // Ever longer distances give the period ever more exactly, as long as the number of ticks is beyond doubt.
    let step = times.len().div_ceil(4096);
    let mut distances: Vec<f64> =
        times.iter().take(512).chain(times.iter().step_by(step)).map(|time| (time - first).abs()).collect();
    distances.sort_by(f64::total_cmp);
    let mut best = 0.0;
    for &distance in &distances {
        let ticks = (distance / period).round();
        if (distance / period - ticks).abs() > 0.25 {
            return None;
        }
        if ticks > best {
            (best, period) = (ticks, distance / ticks);
        }
    }
    let mut found = Vec::new();
    // Do the ticks go through zero? Then the times themselves say more of the period.
    let through_zero =
        times.iter().step_by(step).all(|time| (time / period - (time / period).round()).abs() < 0.1);
    if through_zero && (largest / period).round() > best {
        add_numbers(&mut found, largest / (largest / period).round(), None);
    } else if through_zero {
        add_numbers(&mut found, period, None);
    }
    add_numbers(&mut found, period, Some(first));
    Some(found)
}

/// Grids whose rate or period is near to a number: itself, then the shortest decimals, then the floats next to it.
fn add_numbers(found: &mut Vec<Grid>, period: f64, offset: Option<f64>) {
    found.push(Grid { offset, ..Grid::rate(1.0 / period) });
    for (number, make) in [(1.0 / period, Grid::rate as fn(f64) -> Grid), (period, Grid::period)] {
        let decimals = (0..17).filter_map(|digits| format!("{number:.digits$e}").parse::<f64>().ok());
        let near = (-8i64..=8).map(|away| f64::from_bits(number.to_bits().wrapping_add_signed(away)));
        found.extend(decimals.chain(near).filter(|n| n.is_normal()).map(|n| Grid { offset, ..make(n) }));
    }
}

/// The largest number of which both are multiples, as far as noise lets one tell.
fn common_divisor(mut a: f64, mut b: f64, noise: f64) -> f64 {
    while b > noise {
        let rest = a % b;
        // A rest just below the divisor is noise as well.
        (a, b) = (b, rest.min(b - rest));
    }
    a
}
