//! The prediction of a bit: probabilities that were learnt in four contexts and two that follow from the expected count are mixed in
//! the logistic domain by weights that are learnt as well (Mahoney's PAQ; here integers only, and all new for each tile).

use super::coder::Binary;
use super::tables::{TABLES, Tables};

/// How many contexts there are.
pub(super) const CONTEXTS: usize = 4;

/// How many values each context takes.
pub(super) const CONTEXT_SIZES: [usize; CONTEXTS] = [160, 576, 432, 512];

/// How many expectations there are.
pub(super) const EXPECTATIONS: usize = 2;

/// Contexts, expectations, a constant; one is spare.
const INPUTS: usize = 8;

/// The decisions of a count's code, see [`super::count`].
pub(super) const NODES: usize = 192;

/// The counters of a context's value; decisions that are this far apart do not meet in practice.
const SLOTS: usize = 128;

/// How many sets of weights are chosen from by the expected count.
pub(super) const SELECTORS: usize = 32;

/// A counter's probability of one half.
const HALF: u32 = 1 << 31;

/// The weights at the start: 12000 / 65536 of each input.
const START: i32 = 12_000;

/// Sets of weights. They are kept as differences from [`START`], so that fresh memory, which is zero, needs no filling.
struct Mixers {
    weights: Vec<[i32; INPUTS]>,
    /// How often each set was used, up to 255.
    used: Vec<u8>,
}

impl Mixers {
    fn new(sets: usize) -> Self {
        Self { weights: vec![[0; INPUTS]; sets], used: vec![0; sets] }
    }

    /// The mixed logit.
    #[inline(always)]
    fn mix(&self, set: usize, inputs: &[i32; INPUTS]) -> i32 {
        let pairs = inputs.iter().zip(&self.weights[set]);
        let sum: i64 = pairs.map(|(input, weight)| i64::from(*input) * i64::from(START + *weight)).sum();
        i32::try_from((sum >> 16).clamp(-2047, 2047)).unwrap_or(0)
    }

    /// Moves the weights against the error of `logit`, by steps that shrink from 60 to 6.
    #[inline(always)]
    fn learn(&mut self, set: usize, inputs: &[i32; INPUTS], logit: i32, bit: bool) {
        let used = &mut self.used[set];
        let rate = (480 / (8 + u32::from(*used))).max(6).cast_signed();
        *used = used.saturating_add(1);
        let error = (i32::from(bit) * 65535 - TABLES.squash(logit)) * rate;
        for (weight, input) in self.weights[set].iter_mut().zip(inputs) {
            let step = (i64::from(*input) * i64::from(error) + (1 << 17)) >> 18;
            *weight = (*weight + i32::try_from(step).unwrap_or(0)).clamp(-(1 << 24), 1 << 24);
        }
    }
}

/// The count as a logistic distribution of its logarithm: where it lies, and what is still possible of it.
#[derive(Clone, Copy, Default)]
struct Expectation {
    centre: i32,
    /// 65536 times what a difference of the logarithm is in the logistic function's argument.
    slope: i64,
    low: i32,
    high: i32,
    middle: i32,
}

/// All that a tile's coding learns.
pub(super) struct Predictor {
    /// By context, value, decision: the probability of a 1 (22 bits) and how often it was met (10 bits), with the highest bit
    /// inverted, so that fresh memory is one half.
    counters: Vec<u32>,
    /// Where the present context values' counters begin.
    bases: [usize; CONTEXTS],
    /// By decision, and by expected count and decision.
    mixers: Mixers,
    selected: usize,
    expectations: [Expectation; EXPECTATIONS],
}

impl Predictor {
    pub(super) fn new() -> Self {
        Self {
            counters: vec![0; CONTEXT_SIZES.iter().sum::<usize>() * SLOTS],
            bases: [0; CONTEXTS],
            mixers: Mixers::new((1 + SELECTORS) * NODES),
            selected: NODES,
            expectations: [Expectation::default(); EXPECTATIONS],
        }
    }

    /// Sets what is known of the count that comes: the contexts' values, the expected count's level, and for each expectation its
    /// `256 log2` in 1/256 counts and how far off it is on average, in the same units.
    #[inline(always)]
    pub(super) fn begin(
        &mut self,
        contexts: [usize; CONTEXTS],
        selector: usize,
        expected: [(i32, i32); EXPECTATIONS],
    ) {
        let mut before = 0;
        for ((base, size), value) in self.bases.iter_mut().zip(CONTEXT_SIZES).zip(contexts) {
            *base = (before + value) * SLOTS;
            before += size;
        }
        self.selected = (1 + selector) * NODES;
        self.expectations = expected.map(|(centre, spread)| {
            let slope = (350 << 16) / i64::from(spread.max(8));
            Expectation { centre, slope, low: 0, high: 65536, middle: 0 }
        });
    }

    /// Codes the decision `node`: whether the count is at least `threshold`.
    #[inline(always)]
    pub(super) fn code<B: Binary>(&mut self, coder: &mut B, node: usize, threshold: u64, bit: bool) -> bool {
        let mut inputs = [0; INPUTS];
        let slot = node % SLOTS;
        for (input, base) in inputs.iter_mut().zip(self.bases) {
            let counter = self.counters[base + slot] ^ HALF;
            let trust = i32::from(TABLES.trust[(counter & 1023) as usize]);
            *input = (TABLES.stretch(counter >> 20) * trust) >> 8;
        }
        let logarithm = TABLES.log(threshold * 256 - 128);
        for (input, expectation) in inputs[CONTEXTS..].iter_mut().zip(&mut self.expectations) {
            *input = expectation.look(logarithm);
        }
        inputs[CONTEXTS + EXPECTATIONS] = 256;

        let logits = [self.mixers.mix(node, &inputs), self.mixers.mix(self.selected + node, &inputs)];
        let one = TABLES.squash((logits[0] + logits[1]) >> 1).clamp(24, 65_512);
        let bit = coder.bit(one.cast_unsigned(), bit);

        self.mixers.learn(node, &inputs, logits[0], bit);
        self.mixers.learn(self.selected + node, &inputs, logits[1], bit);
        for base in self.bases {
            let stored = &mut self.counters[base + slot];
            let counter = *stored ^ HALF;
            let (probability, met) = ((counter >> 10).cast_signed(), counter & 1023);
            let target = if bit { (1 << 22) - 1 } else { 0 };
            let step = (i64::from(target - probability) * i64::from(TABLES.step[met as usize])) >> 16;
            let probability = (i64::from(probability) + step).clamp(0, (1 << 22) - 1);
            *stored = (u32::try_from(probability).unwrap_or(0) << 10 | (met + 1).min(1023)) ^ HALF;
        }
        for expectation in &mut self.expectations {
            expectation.narrow(bit);
        }
        bit
    }
}

impl Expectation {
    /// The logit of the count's being at least the threshold, given what is possible; 0 when that says nothing.
    #[inline(always)]
    fn look(&mut self, logarithm: i32) -> i32 {
        let x = ((i64::from(logarithm - self.centre) * self.slope) >> 16).clamp(-2047, 2047);
        self.middle = TABLES.squash(i32::try_from(x).unwrap_or(0));
        let all = self.high - self.low;
        if all <= 40 {
            return 0;
        }
        let above = (self.high - self.middle).max(0);
        let one = (above.cast_unsigned() * 4096 + all.cast_unsigned() / 2) / all.cast_unsigned();
        TABLES.stretch(one.clamp(1, 4095))
    }

    #[inline(always)]
    fn narrow(&mut self, bit: bool) {
        if bit {
            self.low = self.middle.min(self.high);
        } else {
            self.high = self.middle.max(self.low);
        }
    }
}

/// The level of a logarithm, `256 log2` in 1/256 counts: steps of `step` from a 64th of a count on.
#[inline(always)]
pub(super) fn level(logarithm: i32, step: i32, greatest: usize) -> usize {
    usize::try_from((logarithm - 2 * super::tables::OCTAVE).max(0) / step).unwrap_or(0).min(greatest)
}

/// The level of a count, 0 to 23: each its own up to 5, then steps of three sevenths of an octave.
#[inline(always)]
pub(super) fn count_level(count: u32) -> usize {
    if count < 6 {
        return count as usize;
    }
    usize::try_from((TABLES.log(u64::from(count)) - 661) / 110 + 6).unwrap_or(0).min(23)
}

/// See [`Tables::exp`].
pub(super) fn exp(x: i32) -> u64 {
    Tables::exp(x)
}
