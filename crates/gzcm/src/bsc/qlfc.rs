//! QLFC with the fast coder: runs of a byte value, each with the rank that the value takes when the run ends.
//!
//! The encoder goes through the data backwards with a move-to-front list: a run's rank is where its value last stood, or, at its first
//! meeting, the number of values met before. The list as it stands at the data's start is written ahead; the decoder takes its first
//! value, writes the run, and puts the value back to its rank.

use super::model::Symbol;
use super::range::{Binary, Decoder, Encoder};
use crate::error::{Error, Result};

const WHAT: &str = "bsc block";

/// A move-to-front list that ends where a value is repeated, or with all 256.
type Order = [u8; 256];

/// Codes an even bit.
fn even<B: Binary>(coder: &mut B, bit: bool) -> bool {
    coder.bit::<1>(1, bit)
}

/// Codes the list's values: each by the bits that those still possible (unused, or a repetition, which ends the list) leave open.
/// Returns how many values the list has.
fn code_order<B: Binary>(coder: &mut B, order: &mut Order) -> usize {
    let mut possible = [true; 256];
    let mut previous: Option<u8> = None;
    for (rank, entry) in order.iter_mut().enumerate() {
        let (mut low, mut high) = (0, 256);
        while high - low > 1 {
            let middle = (low + high) / 2;
            let open = |part: &[bool]| part.contains(&true);
            let upper = match (open(&possible[low..middle]), open(&possible[middle..high])) {
                (true, true) => even(coder, usize::from(*entry) >= middle),
                (_, upper) => upper,
            };
            if upper { low = middle } else { high = middle }
        }
        let value = u8::try_from(low).unwrap_or(u8::MAX);
        *entry = value;
        if previous == Some(value) {
            return rank;
        }
        if let Some(previous) = previous {
            possible[usize::from(previous)] = false;
        }
        previous = Some(value);
    }
    256
}

/// Codes the number of bytes.
fn code_length<B: Binary>(coder: &mut B, length: u32) -> u32 {
    (0..32)
        .rev()
        .fold(0, |value, bit| value << 1 | u32::from(coder.bit::<12>(1 << 11, length >> bit & 1 == 1)))
}

/// The probabilities of the values in use.
struct Model {
    symbols: Vec<Symbol>,
    slot: [u8; 256],
}

impl Model {
    fn new(values: &[u8]) -> Self {
        let mut slot = [0; 256];
        for (index, value) in (0..=u8::MAX).zip(values) {
            slot[usize::from(*value)] = index;
        }
        Self { symbols: vec![const { Symbol::new() }; values.len()], slot }
    }

    #[inline(always)]
    fn of(&mut self, value: u8) -> &mut Symbol {
        &mut self.symbols[usize::from(self.slot[usize::from(value)])]
    }
}

/// The runs' ranks, last run first, and the list at the data's start.
fn ranks_backwards(data: &[u8]) -> (Vec<u8>, Order) {
    let mut list: Order = [0; 256];
    for (value, entry) in (0..=u8::MAX).zip(&mut list) {
        *entry = value;
    }
    let (mut met, mut distinct) = ([false; 256], 0u8);
    let mut ranks = Vec::with_capacity(data.len() / 4);
    let mut previous = None;
    for &value in data.iter().rev() {
        if previous == Some(value) {
            continue;
        }
        previous = Some(value);
        // One pass finds the value and moves those before it back by one.
        let (mut carried, mut place) = (value, 0);
        loop {
            carried = std::mem::replace(&mut list[usize::from(place)], carried);
            if carried == value {
                break;
            }
            place += 1;
        }
        if !std::mem::replace(&mut met[usize::from(value)], true) {
            place = distinct;
            distinct = distinct.wrapping_add(1);
        }
        ranks.push(place);
    }
    // The rank of the last run tells nothing: the format has 1 there.
    if let Some(first) = ranks.first_mut() {
        *first = 1;
    }
    if let Some(unmet) = list.iter().position(|value| !met[usize::from(*value)]).filter(|unmet| *unmet > 0) {
        list[unmet] = list[unmet - 1];
    }
    (ranks, list)
}

/// Encodes a sub-block. `None` when it would take `limit_bytes` or more, less a margin of 16.
pub(super) fn encode(data: &[u8], limit_bytes: usize) -> Option<Vec<u8>> {
    let length = u32::try_from(data.len()).ok()?;
    let (ranks, mut order) = ranks_backwards(data);
    let mut coder = Encoder::new(data.len() / 2);
    code_length(&mut coder, length);
    let values = code_order(&mut coder, &mut order);
    let mut model = Model::new(&order[..values]);
    let mut rest = data;
    for &rank in ranks.iter().rev() {
        if coder.written_bytes() + 16 >= limit_bytes {
            return None;
        }
        let value = *rest.first()?;
        let run = rest.iter().position(|other| *other != value).unwrap_or(rest.len());
        let symbol = model.of(value);
        symbol.rank(&mut coder, usize::from(rank));
        symbol.run(&mut coder, run);
        rest = &rest[run..];
    }
    Some(coder.finish())
}

/// Decodes a sub-block to the end of `out`, which may grow by at most `limit_bytes`.
pub(super) fn decode(stream: &[u8], limit_bytes: usize, out: &mut Vec<u8>) -> Result<()> {
    let coder = &mut Decoder::new(stream);
    let length = usize::try_from(code_length(coder, 0)).unwrap_or(usize::MAX);
    if length > limit_bytes {
        return Err(Error::corrupt(
            WHAT,
            format!("a sub-block of {length} bytes where at most {limit_bytes} are left"),
        ));
    }
    let mut order = [0; 256];
    let values = code_order(coder, &mut order);
    let mut model = Model::new(&order[..values]);
    let start = out.len();
    out.resize(start + length, 0);
    let mut rest = &mut out[start..];
    while !rest.is_empty() && !coder.exhausted {
        let value = order[0];
        let symbol = model.of(value);
        let rank = symbol.rank(coder, 1);
        if rank == 1 {
            order.swap(0, 1);
        } else {
            order.copy_within(1..=rank, 0);
            order[rank] = value;
        }
        let run = symbol.run(coder, 1);
        if run == 1 {
            rest[0] = value;
        } else if run == 0 || run > rest.len() {
            return Err(Error::corrupt(WHAT, "a run goes beyond its sub-block"));
        } else {
            rest[..run].fill(value);
        }
        rest = &mut rest[run..];
    }
    if coder.exhausted {
        return Err(Error::corrupt(WHAT, "a sub-block's stream ends too early"));
    }
    Ok(())
}
