//! What a cell's count is expected to be, from the cells before it: the mean of its diagonal (counts fall with genomic distance), how
//! its row and its column compare with their diagonals' means (each bin has its own visibility), and how its neighbours compare with
//! what was expected of them.
//!
//! All logarithms are `256 log2` of 1/256 counts.

use super::predict::{self, CONTEXTS, EXPECTATIONS, Predictor, count_level, level};
use super::tables::TABLES;

/// Cells around the tile that are there but empty.
const MARGIN: usize = 3;

/// The weights of the cells W, N, NW, NE, WW, NN in their mean.
const MEAN_WEIGHTS: [u64; 6] = [4, 4, 3, 2, 2, 2];
const MEAN_TOTAL: u64 = 17;

/// A diagonal's counts are halved when so many were met, so that it follows changes along it.
const DIAGONAL_MEMORY: u64 = 40;

/// Observed and expected sums, as 1/256 counts.
#[derive(Clone, Copy, Default)]
struct Sums {
    observed: u64,
    expected: u64,
}

impl Sums {
    /// `256 log2` of observed over expected, drawn towards 0 by `prior` and a share of the expected.
    #[inline(always)]
    fn log_ratio(self, prior: u64, share: u32) -> i32 {
        let prior = prior + (self.expected >> share);
        TABLES.log(self.observed + prior) - TABLES.log(self.expected + prior)
    }

    #[inline(always)]
    fn add(&mut self, count: u32, expected: u64) {
        self.observed += u64::from(count) * 256;
        self.expected += expected;
    }
}

/// The cells met so far, and what follows from them.
pub(super) struct Expecter {
    stride: usize,
    /// With a margin above, left, and right.
    counts: Vec<u32>,
    expected: Vec<u64>,
    /// Per diagonal: the sum of its counts, and their number.
    diagonals: Vec<(u64, u64)>,
    columns: Vec<Sums>,
    row: Sums,
    /// Per expectation and level: how far off it is on average, times 256.
    spreads: [[i32; 48]; EXPECTATIONS],
    now: Now,
}

/// The present cell's.
#[derive(Clone, Copy, Default)]
struct Now {
    at: usize,
    diagonal: usize,
    diagonal_mean: u64,
    expected: u64,
    centres: [i32; EXPECTATIONS],
    levels: [usize; EXPECTATIONS],
}

impl Expecter {
    /// For so many kept `rows` and `cols`, and diagonals numbered 1 to `diagonals`.
    pub(super) fn new(rows: usize, cols: usize, diagonals: usize) -> Self {
        let stride = cols + 2 * MARGIN;
        let cells = (rows + MARGIN) * stride;
        Self {
            stride,
            counts: vec![0; cells],
            expected: vec![0; cells],
            diagonals: vec![(0, 0); diagonals + 2],
            columns: vec![Sums::default(); cols],
            row: Sums::default(),
            spreads: [[128 << 8; 48]; EXPECTATIONS],
            now: Now::default(),
        }
    }

    /// Begins a row. In a symmetric matrix the part of it left of the diagonal is known from the column of the same number.
    pub(super) fn begin_row(&mut self, mirrored: Option<usize>) {
        self.row = mirrored.map_or_else(Sums::default, |column| self.columns[column]);
    }

    /// Tells the predictor what is known of the cell at `(row, col)` of the kept ones, which lies on `diagonal`.
    #[inline(always)]
    pub(super) fn begin(&mut self, predictor: &mut Predictor, row: usize, col: usize, diagonal: usize) {
        let at = (row + MARGIN) * self.stride + col + MARGIN;
        let (w, n, nw, ne, ww, nn) = self.neighbours(at, row, col);
        let cells = [w, n, nw, ne, ww, nn];
        let weighted: u64 =
            cells.iter().zip(MEAN_WEIGHTS).map(|(count, weight)| u64::from(*count) * weight).sum();
        let mean = weighted * 16 / MEAN_TOTAL;
        let from_mean = TABLES.log(mean * 16 + 8);

        let around = [self.diagonals[diagonal - 1], self.diagonals[diagonal], self.diagonals[diagonal + 1]];
        let (sum, met) =
            (around[0].0 + around[1].0 * 2 + around[2].0, around[0].1 + around[1].1 * 2 + around[2].1);
        let diagonal_mean = (sum * 256).checked_div(met).unwrap_or(mean * 16);

        let bins = self.row.log_ratio(1024, 5) + self.columns[col].log_ratio(1024, 5);
        let from_bins = TABLES.log(diagonal_mean + 4) + bins;
        let from_all = from_bins + self.surroundings(at).log_ratio(2048, 6);

        let pattern =
            [w, n, nw, ne, ww].iter().rev().fold(0, |pattern, count| pattern << 1 | usize::from(*count > 0));
        let difference = usize::try_from(((from_mean - from_all) / 48 + 4).clamp(0, 8)).unwrap_or(0);
        let contexts: [usize; CONTEXTS] = [
            level(from_all, 42, 159),
            count_level(w) * 24 + count_level(n),
            level(from_all, 96, 47) * 9 + difference,
            level(from_bins, 64, 15) * 32 + pattern,
        ];
        let selector = level((from_all * 3 + from_mean) >> 2, 128, 31);
        let centres = [from_all, from_mean];
        let levels = centres.map(|centre| level(centre, 128, 47));
        let spreads = [self.spreads[0][levels[0]] >> 8, self.spreads[1][levels[1]] >> 8];
        predictor.begin(contexts, selector, [(centres[0], spreads[0]), (centres[1], spreads[1])]);
        self.now = Now { at, diagonal, diagonal_mean, expected: predict::exp(from_bins), centres, levels };
    }

    /// W, N, NW, NE, WW, NN; at the edges, the nearest of them that there is.
    #[inline(always)]
    fn neighbours(&self, at: usize, row: usize, col: usize) -> (u32, u32, u32, u32, u32, u32) {
        let (cells, up) = (&self.counts, at - self.stride);
        let (mut w, mut ww, mut n, mut nn) =
            (cells[at - 1], cells[at - 2], cells[up], cells[up - self.stride]);
        let (mut nw, mut ne) = (cells[up - 1], cells[up + 1]);
        match col {
            0 => (w, ww, nw) = (n, n, n),
            1 => ww = w,
            _ => {}
        }
        match row {
            0 => (n, nn, nw, ne) = (w, ww, w, w),
            1 => nn = n,
            _ => {}
        }
        if col + 2 * MARGIN + 1 == self.stride {
            ne = n;
        }
        (w, n, nw, ne, ww, nn)
    }

    /// The cells around that were met, the near ones more.
    #[inline(always)]
    fn surroundings(&self, at: usize) -> Sums {
        let rows = [at, at - self.stride, at - 2 * self.stride, at - 3 * self.stride];
        let sum = |weight: u64, places: &[usize]| {
            let observed: u64 = places.iter().map(|place| u64::from(self.counts[*place])).sum();
            let expected: u64 = places.iter().map(|place| self.expected[*place]).sum();
            (observed * weight * 256, expected * weight)
        };
        let [r0, r1, r2, r3] = rows;
        let near = sum(4, &[r0 - 1, r1]);
        let middle = sum(3, &[r0 - 2, r1 - 1, r1 + 1, r2]);
        let far =
            [r0 - 3, r1 - 3, r1 - 2, r1 + 2, r1 + 3, r2 - 2, r2 - 1, r2 + 1, r2 + 2, r3 - 1, r3, r3 + 1];
        let far = sum(2, &far);
        Sums { observed: near.0 + middle.0 + far.0, expected: near.1 + middle.1 + far.1 }
    }

    /// Learns the count of the cell that was begun; `mirror` is where its mirror image is, in a symmetric matrix.
    #[inline(always)]
    pub(super) fn end(&mut self, count: u32, col: usize, mirror: Option<(usize, usize)>) {
        let Now { at, diagonal, diagonal_mean, expected, centres, levels } = self.now;
        self.counts[at] = count;
        self.expected[at] = expected;
        if let Some((row, col)) = mirror {
            let at = (row + MARGIN) * self.stride + col + MARGIN;
            self.counts[at] = count;
            self.expected[at] = expected;
        }
        let logarithm = TABLES.log(if count == 0 { 96 } else { u64::from(count) * 256 });
        for ((spreads, centre), level) in self.spreads.iter_mut().zip(centres).zip(levels) {
            let off = (logarithm - centre).abs().min(4000) << 8;
            spreads[level] += (off - spreads[level]) >> 6;
        }
        let (sum, met) = &mut self.diagonals[diagonal];
        *sum += u64::from(count);
        *met += 1;
        if *met >= DIAGONAL_MEMORY {
            *sum /= 2;
            *met /= 2;
        }
        self.row.add(count, diagonal_mean);
        self.columns[col].add(count, diagonal_mean);
    }
}
