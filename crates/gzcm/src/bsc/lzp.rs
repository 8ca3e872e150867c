//! The stage that takes long repetitions out ahead of the transform: the last place where the four bytes before the present one stood
//! predicts what comes. [`FLAG`] says that it was right, followed by the match's length above the least (254 means that more follows);
//! or by 255 when it stands for itself. Where nothing is predicted, the flag is a byte as any other.

use std::ops::Range;

use super::parts;
use crate::error::{Error, Result};

const WHAT: &str = "bsc block (LZP)";
const FLAG: u8 = 0xf2;
const LITERAL: u8 = 255;

/// The bits of the hash table's index and the least length of a match.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Parameters {
    pub(super) hash_bits: u32,
    pub(super) least: usize,
}

/// libbsc's defaults.
pub(super) const DEFAULT: Parameters = Parameters { hash_bits: 15, least: 128 };

/// Where each context was last seen; 0 for never (data begin with four bytes without a context).
struct Seen {
    places: Vec<u32>,
    mask: usize,
}

impl Seen {
    fn new(bits: u32) -> Self {
        Self { places: vec![0; 1 << bits], mask: (1 << bits) - 1 }
    }

    /// Where the context before `data[at]` was last seen; now it is here.
    #[inline(always)]
    fn swap(&mut self, data: &[u8], at: usize) -> usize {
        let four = data[at - 4..at].first_chunk().copied().unwrap_or_default();
        let context = u32::from_be_bytes(four);
        let index = (context >> 15 ^ context ^ context >> 3) as usize & self.mask;
        let place = &mut self.places[index];
        std::mem::replace(place, u32::try_from(at).unwrap_or(0)) as usize
    }
}

/// The data with repetitions replaced; `None` when that does not make them smaller.
pub(super) fn encode(data: &[u8], parameters: Parameters) -> Option<Vec<u8>> {
    let (count, mut ranges) = (parts::count(data.len()), Vec::<Range<usize>>::new());
    let size = data.len() / count;
    for part in 0..count {
        ranges.push(part * size..if part + 1 == count { data.len() } else { (part + 1) * size });
    }
    // The frame's single stream may take one byte less than other streams (libbsc's rule).
    let one_less = usize::from(count == 1);
    parts::write(data, &ranges, |part, limit| encode_part(part, limit - one_less, parameters))
}

/// How many bytes from `a` and `b` on are equal, in steps of eight until `end` is reached by `a`, as libbsc counts.
fn equal_from(data: &[u8], a: usize, b: usize, least: usize, end: usize) -> usize {
    let mut length = least;
    while a + length < end {
        let eight = |at: usize| u64::from_le_bytes(data[at..].first_chunk().copied().unwrap_or_default());
        let different = eight(a + length) ^ eight(b + length);
        if different != 0 {
            return length + different.trailing_zeros() as usize / 8;
        }
        length += 8;
    }
    length
}

fn encode_part(
    data: &[u8],
    limit_bytes: usize,
    Parameters { hash_bits, least }: Parameters,
) -> Option<Vec<u8>> {
    if data.len() < least + 32 {
        return None;
    }
    // No match begins from here on, and the last bytes written leave a margin: both as libbsc has them.
    let (last_match, limit_bytes) = (data.len() - least - 32, limit_bytes.checked_sub(8)?);
    let mut seen = Seen::new(hash_bits);
    let mut out = Vec::with_capacity(data.len());
    out.extend_from_slice(&data[..4]);
    // `group` is where the present group of four bytes began. Matches are looked for only in groups that begin behind
    // `known_short`, up to where a candidate was found too short.
    let (mut at, mut group, mut known_short) = (4, 4, 0);
    while group < last_match && out.len() < limit_bytes {
        let place = seen.swap(data, at);
        let word = |at: usize| data[at..at + 8].first_chunk::<8>();
        let mut found = 0;
        if place > 0
            && group > known_short
            && word(at + least - 8) == word(place + least - 8)
            && word(at) == word(place)
        {
            found = equal_from(data, at, place, 8, last_match);
            if found < least {
                known_short = at + found;
            }
        }
        if found >= least {
            at += found;
            out.push(FLAG);
            let mut more = found - least;
            while more >= 254 {
                more -= 254;
                out.push(254);
            }
            out.push(u8::try_from(more).ok()?);
            group = at;
            continue;
        }
        out.push(data[at]);
        let escaped = place > 0 && data[at] == FLAG;
        if escaped {
            out.push(LITERAL);
        }
        at += 1;
        if escaped || found > 0 || at == group + 4 {
            group = at;
        }
    }
    while at < data.len() && out.len() < limit_bytes {
        let place = seen.swap(data, at);
        out.push(data[at]);
        if place > 0 && data[at] == FLAG {
            out.push(LITERAL);
        }
        at += 1;
    }
    (out.len() < limit_bytes && at == data.len()).then_some(out)
}

/// The data of [`encode`], at most `limit_bytes`.
pub(super) fn decode(bytes: &[u8], parameters: Parameters, limit_bytes: usize) -> Result<Vec<u8>> {
    parts::read(WHAT, bytes, limit_bytes, |part, limit, out| decode_part(part, parameters, limit, out))
}

fn decode_part(
    part: &[u8],
    Parameters { hash_bits, least }: Parameters,
    limit_bytes: usize,
    out: &mut Vec<u8>,
) -> Result<()> {
    let cut = || Error::corrupt(WHAT, "cut short");
    let (first, mut rest) = part.split_at_checked(4).ok_or_else(cut)?;
    let start = out.len();
    if limit_bytes < 4 {
        return Err(Error::corrupt(WHAT, "more bytes than declared"));
    }
    out.extend_from_slice(first);
    let mut seen = Seen::new(hash_bits);
    while let Some((&byte, after)) = rest.split_first() {
        rest = after;
        let place = seen.swap(&out[start..], out.len() - start);
        let mut length = 0;
        if byte == FLAG && place > 0 {
            let mut next = || {
                let (&byte, after) = rest.split_first().ok_or_else(cut)?;
                rest = after;
                Ok::<_, Error>(byte)
            };
            let mut more = next()?;
            if more != LITERAL {
                length = least + usize::from(more);
                while more == 254 {
                    more = next()?;
                    length += usize::from(more);
                }
            }
        }
        if out.len() - start + length.max(1) > limit_bytes {
            return Err(Error::corrupt(WHAT, "more bytes than declared"));
        }
        if length == 0 {
            out.push(byte);
        }
        // The source may run into what is being written.
        for source in start + place..start + place + length {
            out.push(out[source]);
        }
    }
    Ok(())
}
