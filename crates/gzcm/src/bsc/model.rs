//! The statistics of the QLFC fast coder: for each byte value, adaptive probabilities of the rank that it moves to and of the length
//! of its run, both as a unary exponent (the number's bit length) and the bits below the leading one.

use super::range::Binary;

/// Probabilities of ranks are of 13 bits, those of runs of 11.
const RANK_BITS: u32 = 13;
const RUN_BITS: u32 = 11;

/// What a probability moves to after a 0 and after a 1.
#[derive(Clone, Copy)]
struct Limits {
    zero: i16,
    one: i16,
}

const fn limits(zero: i16, one: i16) -> Limits {
    Limits { zero, one }
}

/// Codes a bit, then moves its probability to the limit of what it was, by `2^-RATE` of the way.
#[inline(always)]
fn step<const P: u32, const RATE: u32, B: Binary>(
    coder: &mut B,
    zero: &mut i16,
    bit: bool,
    limits: Limits,
) -> bool {
    let bit = coder.bit::<P>(u32::from(zero.cast_unsigned()), bit);
    *zero -= (*zero - if bit { limits.one } else { limits.zero }) >> RATE;
    bit
}

/// The probabilities that belong to one byte value.
#[derive(Clone)]
pub(super) struct Symbol {
    rank_exponent: [i16; 8],
    run_exponent: [i16; 32],
    /// Trees of 1 to 5 bits: node `n` of the tree of `k` bits is at `2^k + n`.
    run_low: [i16; 64],
    /// Longer runs: one probability for each position of a bit. A run of `k` bits is at `k - 6`.
    run_high: [[i16; 32]; 26],
    /// Trees of 1 to 7 bits, laid out as `run_low`.
    rank_low: [i16; 256],
}

impl Symbol {
    pub(super) const fn new() -> Self {
        let (rank, run) = (1 << (RANK_BITS - 1), 1 << (RUN_BITS - 1));
        Self {
            rank_exponent: [rank; 8],
            rank_low: [rank; 256],
            run_exponent: [run; 32],
            run_low: [run; 64],
            run_high: [[run; 32]; 26],
        }
    }

    /// Codes a rank, 1 to 255.
    #[inline(always)]
    pub(super) fn rank<B: Binary>(&mut self, coder: &mut B, value: usize) -> usize {
        const { assert!(RANK_BITS < 15) };
        let length = value.max(1).ilog2() as usize;
        if !step::<RANK_BITS, 4, _>(coder, &mut self.rank_exponent[0], length > 0, limits(8016, 83)) {
            return 1;
        }
        let mut bits = 1;
        while bits < 7
            && step::<RANK_BITS, 4, _>(coder, &mut self.rank_exponent[bits], length > bits, limits(8114, 122))
        {
            bits += 1;
        }
        let (tree, mut node) = (1 << bits, 1);
        for bit in (0..bits).rev() {
            let one = step::<RANK_BITS, 7, _>(
                coder,
                &mut self.rank_low[tree | node],
                value >> bit & 1 == 1,
                limits(7999, 235),
            );
            node = node << 1 | usize::from(one);
        }
        node
    }

    /// Codes the length of a run, from 1. A decoder answers 0 to one that no encoder writes.
    #[inline(always)]
    pub(super) fn run<B: Binary>(&mut self, coder: &mut B, value: usize) -> usize {
        let length = value.max(1).ilog2() as usize;
        if !step::<RUN_BITS, 5, _>(coder, &mut self.run_exponent[0], length > 0, limits(2025, 42)) {
            return 1;
        }
        let mut bits = 1;
        while step::<RUN_BITS, 4, _>(coder, &mut self.run_exponent[bits], length > bits, limits(1962, 142)) {
            bits += 1;
            if bits > 30 {
                return 0;
            }
        }
        let mut run = 1;
        if bits <= 5 {
            let tree = 1 << bits;
            for bit in (0..bits).rev() {
                let one = step::<RUN_BITS, 6, _>(
                    coder,
                    &mut self.run_low[tree | run],
                    value >> bit & 1 == 1,
                    limits(1951, 147),
                );
                run = run << 1 | usize::from(one);
            }
        } else {
            let probabilities = &mut self.run_high[bits - 6];
            for (bit, zero) in (0..bits).rev().zip(&mut probabilities[1..]) {
                let one = step::<RUN_BITS, 5, _>(coder, zero, value >> bit & 1 == 1, limits(1987, 46));
                run = run << 1 | usize::from(one);
            }
        }
        run
    }
}
