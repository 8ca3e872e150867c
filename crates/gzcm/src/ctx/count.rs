//! The code of a count: whether it is 0; its bit length in unary; the bits below the leading one from the top down. Each decision asks
//! whether the count is at least a threshold, and has a number.

use super::coder::Binary;
use super::predict::Predictor;

/// The decisions that know the bits before them: trees of depth 3, eight to a bit length.
const TREES: usize = 32;
const TREE_LENGTHS: usize = 17;

/// The decisions below, by depth.
const DEEP: usize = 176;

/// Codes a count with what [`Predictor::begin`] was told.
#[inline(always)]
pub(super) fn code<B: Binary>(predictor: &mut Predictor, coder: &mut B, count: u32) -> u32 {
    if !predictor.code(coder, 0, 1, count > 0) {
        return 0;
    }
    let bits = (32 - count.leading_zeros()) as usize;
    let mut length = 1;
    while length < 32 && predictor.code(coder, length.min(15), 1 << length, bits > length) {
        length += 1;
    }
    let mut value = 1u64 << (length - 1);
    let mut prefix = 1;
    for (depth, bit) in (0..length - 1).rev().enumerate() {
        let node =
            if depth < 3 { TREES + length.min(TREE_LENGTHS) * 8 + prefix } else { DEEP + depth.min(15) };
        let one = predictor.code(coder, node, value | 1 << bit, count >> bit & 1 == 1);
        value |= u64::from(one) << bit;
        prefix = prefix << 1 | usize::from(one);
    }
    // At most 32 bits.
    u32::try_from(value).unwrap_or(u32::MAX)
}
