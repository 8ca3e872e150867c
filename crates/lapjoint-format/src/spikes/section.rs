//! Words as a section: the first word and the steps from each to the next.

use std::io::Read;

use super::bits;
use super::error::SpikesError;

const ZIGZAG: u8 = 1;
const PLANES: u8 = 2;
const RAW: u8 = 0;
const ZSTD: u8 = 1;

/// Windows of zstd, as a power of two: what is read may need no larger one.
const WINDOW_LOG: u32 = 23;
/// The first level is next to the entropy where nothing repeats, the other one finds what does; the smaller result is kept.
const LEVELS: [i32; 2] = [1, 9];

/// Appends a section.
pub(super) fn push(out: &mut Vec<u8>, words: &[u64]) -> Result<(), SpikesError> {
    let Some(&first) = words.first() else { return Ok(()) };
    let zigzag = !words.is_sorted();
    let mut steps = steps(words, zigzag);
    if steps.is_empty() {
        out.push(0);
        push_varint(out, first);
        return Ok(());
    }
    let unit = divide(&mut steps, zigzag);
    let (classes, rest) = bits::split(&steps);
    let mut by_class = Vec::new();
    push_chunk(&mut by_class, &classes)?;
    push_chunk(&mut by_class, &rest)?;
    let planes = planes(&steps)?;
    let is_smaller = planes.len() < by_class.len();
    out.push(if zigzag { ZIGZAG } else { 0 } | if is_smaller { PLANES } else { 0 });
    push_varint(out, first);
    push_varint(out, unit);
    out.extend(if is_smaller { planes } else { by_class });
    Ok(())
}

/// Differences of neighbours: rising ones as they are, others as signed numbers that wrap.
fn steps(words: &[u64], zigzag: bool) -> Vec<u64> {
    debug_assert!(zigzag || words.is_sorted());
    words.windows(2).map(|pair| if let [a, b] = pair { b.wrapping_sub(*a) } else { 0 }).collect()
}

/// Divides steps by the greatest number that divides them all, which is returned; signed steps become zigzag codes.
fn divide(steps: &mut [u64], zigzag: bool) -> u64 {
    let size = |step: u64| if zigzag { step.cast_signed().unsigned_abs() } else { step };
    let mut unit = 0;
    for &step in steps.iter() {
        let (mut a, mut b) = (unit, size(step));
        while b != 0 {
            (a, b) = (b, a % b);
        }
        unit = a;
        if unit == 1 {
            break;
        }
    }
    let unit = unit.max(1);
    for step in steps.iter_mut() {
        let is_negative = zigzag && step.cast_signed() < 0;
        let times = size(*step) / unit;
        *step = match (zigzag, is_negative) {
            (false, _) => times,
            // 0, −1, 1, −2, 2 … are 0, 1, 2, 3, 4 …; the most negative step becomes the largest code.
            (true, false) => times << 1,
            (true, true) => (times << 1).wrapping_sub(1),
        };
    }
    unit
}

/// The bytes of the steps, plane by plane.
fn planes(steps: &[u64]) -> Result<Vec<u8>, SpikesError> {
    let widest = steps.iter().copied().max().unwrap_or_default();
    let width = usize::try_from(widest.max(1).ilog2() / 8 + 1).unwrap_or(8);
    let mut plain = Vec::with_capacity(steps.len() * width);
    for plane in 0..width {
        plain.extend(steps.iter().map(|step| (step >> (8 * plane)).to_le_bytes()[0]));
    }
    let mut out = vec![width.to_le_bytes()[0]];
    push_chunk(&mut out, &plain)?;
    Ok(out)
}

fn push_chunk(out: &mut Vec<u8>, plain: &[u8]) -> Result<(), SpikesError> {
    let failed = |error: std::io::Error| SpikesError::Zstd(error.to_string());
    let mut packed = Vec::new();
    for level in LEVELS {
        let mut compressor = zstd::bulk::Compressor::new(level).map_err(failed)?;
        compressor.window_log(WINDOW_LOG - 1).map_err(failed)?;
        compressor.include_contentsize(false).map_err(failed)?;
        let one = compressor.compress(plain).map_err(failed)?;
        if packed.is_empty() || one.len() < packed.len() {
            packed = one;
        }
    }
    let (kind, bytes) = if packed.len() < plain.len() { (ZSTD, packed.as_slice()) } else { (RAW, plain) };
    out.push(kind);
    push_varint(out, bytes.len() as u64);
    out.extend_from_slice(bytes);
    Ok(())
}

pub(super) fn push_varint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value.to_le_bytes()[0] | 0x80);
        value >>= 7;
    }
    out.push(value.to_le_bytes()[0]);
}

/// Reads a section of `count` words.
pub(super) fn read(reader: &mut Reader<'_>, count: usize) -> Result<Vec<u64>, SpikesError> {
    let Some(count_steps) = count.checked_sub(1) else { return Ok(Vec::new()) };
    let coding = reader.byte("the coding")?;
    if coding > ZIGZAG | PLANES {
        return Err(reader.invalid(format!("coding {coding}")));
    }
    let first = reader.varint("the first word")?;
    if count_steps == 0 {
        return Ok(vec![first]);
    }
    let unit = reader.varint("the unit")?;
    let zigzag = coding & ZIGZAG != 0;
    let mut word = first;
    let mut next = |step: u64| {
        let step = if zigzag { (step >> 1) ^ (step & 1).wrapping_neg() } else { step };
        word = word.wrapping_add(step.wrapping_mul(unit));
        word
    };
    let mut words = Vec::new();
    if coding & PLANES == 0 {
        let classes = reader.chunk("classes of the steps", count_steps as u64)?;
        let needed = bits::rest_bytes(&classes).map_err(|class| reader.invalid(format!("class {class}")))?;
        let rest = reader.chunk("bits of the steps", needed)?;
        words.reserve_exact(count);
        words.push(first);
        bits::join(&classes, &rest, |step| words.push(next(step)));
    } else {
        let width = reader.byte("the width")?;
        if !(1..=8).contains(&width) {
            return Err(reader.invalid(format!("planes of {width} bytes")));
        }
        let plain = reader.chunk("planes of the steps", count_steps as u64 * u64::from(width))?;
        let mut steps = vec![0u64; count_steps];
        for (plane, bytes) in plain.chunks_exact(count_steps).enumerate() {
            for (step, &byte) in steps.iter_mut().zip(bytes) {
                *step |= u64::from(byte) << (8 * plane);
            }
        }
        words.reserve_exact(count);
        words.push(first);
        words.extend(steps.into_iter().map(next));
    }
    if words.len() != count {
        return Err(reader.invalid(format!("{} words instead of {count}", words.len())));
    }
    Ok(words)
}

/// Reads the parts of a train.
pub(super) struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Reader<'a> {
    pub const fn new(bytes: &'a [u8], at: usize) -> Self {
        Self { bytes, at }
    }

    pub fn invalid(&self, detail: String) -> SpikesError {
        SpikesError::Invalid { offset_bytes: self.at, detail }
    }

    fn take(&mut self, length: u64, what: &'static str) -> Result<&'a [u8], SpikesError> {
        let truncated = SpikesError::Truncated { offset_bytes: self.at, what };
        let end = usize::try_from(length).ok().and_then(|length| self.at.checked_add(length));
        let Some((end, taken)) = end.and_then(|end| Some((end, self.bytes.get(self.at..end)?))) else {
            return Err(truncated);
        };
        self.at = end;
        Ok(taken)
    }

    pub fn byte(&mut self, what: &'static str) -> Result<u8, SpikesError> {
        self.take(1, what).map(|bytes| bytes.first().copied().unwrap_or_default())
    }

    pub fn float(&mut self, what: &'static str) -> Result<f64, SpikesError> {
        let bytes = self.take(8, what)?;
        Ok(bytes.first_chunk().map_or(0.0, |bytes| f64::from_le_bytes(*bytes)))
    }

    pub fn varint(&mut self, what: &'static str) -> Result<u64, SpikesError> {
        let mut value = 0u64;
        for shift in (0..64).step_by(7) {
            let byte = self.byte(what)?;
            if shift == 63 && byte > 1 {
                break;
            }
            value |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Ok(value);
            }
        }
        Err(self.invalid(format!("{what} has more than 64 bits")))
    }

    /// The content of a chunk, which must have `expected` bytes.
    fn chunk(&mut self, what: &'static str, expected: u64) -> Result<Vec<u8>, SpikesError> {
        let kind = self.byte(what)?;
        let length = self.varint(what)?;
        let stored = self.take(length, what)?;
        let plain = match kind {
            RAW => stored.to_vec(),
            ZSTD => inflate(stored, expected).map_err(|error| self.invalid(format!("{what}: {error}")))?,
            other => return Err(self.invalid(format!("{what} are packed by method {other}"))),
        };
        if plain.len() as u64 != expected {
            return Err(self.invalid(format!("{what} have {} bytes instead of {expected}", plain.len())));
        }
        Ok(plain)
    }

    pub fn end(&self) -> Result<(), SpikesError> {
        match self.bytes.len().checked_sub(self.at) {
            Some(0) => Ok(()),
            left => Err(self.invalid(format!("{} bytes are left", left.unwrap_or_default()))),
        }
    }
}

/// Memory follows what the stream yields, so that a lie about the number of elements costs nothing.
fn inflate(stored: &[u8], expected: u64) -> std::io::Result<Vec<u8>> {
    let mut decoder = zstd::stream::read::Decoder::with_buffer(stored)?.single_frame();
    decoder.window_log_max(WINDOW_LOG)?;
    let mut plain = Vec::new();
    // One byte more shows a stream that is too long.
    decoder.take(expected.saturating_add(1)).read_to_end(&mut plain)?;
    Ok(plain)
}
