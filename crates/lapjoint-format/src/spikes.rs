//! Spike trains: times or sample numbers, every bit of them, in a fraction of their size.
//!
//! # Layout, version 1
//!
//! All numbers are little-endian; a *varint* has seven bits a byte, the lowest first, and the top bit where more follow.
//!
//! | field | size | content |
//! |---|---|---|
//! | magic | 4 bytes | `LSPK` |
//! | version | u8 | 1 |
//! | element | u8 | 1 float64, 2 float32, 3 to 6 int8, int16, int32, int64, 7 to 10 uint8 to uint64 |
//! | mode | u8 | 0 words; otherwise bit 0 is set: times on a grid. Bit 1: tick × number, else tick ÷ number; bit 2: plus an offset; bit 3: with residuals |
//! | count | varint | elements |
//! | number | f64 | grid: sampling rate, or period |
//! | offset | f64 | grid with offset |
//! | words | section | one word for each element: its tick, or itself |
//! | residuals | section | grid with residuals |
//! | checksum | u32 | CRC-32C of all bytes before it |
//!
//! A *word* is a 64-bit number whose unsigned order is the order of the elements: unsigned integers as they are, signed ones
//! and ticks with the top bit turned; floats by their bits, all turned if negative, else the top one (float32 in 32 bits).
//! On a grid an element is `tick ÷ rate` (or `tick × period`) in double precision, plus the offset; with residuals its word is
//! that word plus the residual's, which is a signed number with the top bit turned. Times that were made by dividing sample
//! numbers by a rate are thus stored as the sample numbers, exactly: the writer compares every bit.
//!
//! A section, absent when there is no element:
//!
//! | field | size | content |
//! |---|---|---|
//! | coding | u8 | bit 0: steps are zigzag-coded (the words do not only rise); bit 1: planes, else classes |
//! | first | varint | the first word |
//! | unit | varint | a number that divides all steps; absent, as all that follows, for one element |
//! | classes | chunk | one byte a step: below 8 the step itself, else 8 + 4 (b − 3) + (the two bits below the leading one), b being the place of the leading one |
//! | rest | chunk | the b − 2 lower bits of each step from 8 on, one after the other from the lowest bit of the first byte |
//! | planes | width u8, chunk | instead of both: all lowest bytes of the steps, then all second ones, up to width |
//!
//! A chunk is a byte (0 raw, 1 a zstd frame with a window of at most 8 MB), its length in bytes as a varint, and the bytes.
//!
//! # Why so
//!
//! Intervals of spikes are spread over orders of magnitude: their size (the class) is predictable and goes through zstd's
//! entropy coder, their lower bits are noise and are left alone. Poisson trains come within a few hundredths of a bit of their
//! entropy. Regular trains repeat, for which the writer compares the planes and takes what is smaller.
//!
//! # Memory
//!
//! Reading allocates 17 bytes for each element after the chunk that proves it was inflated; inflated memory grows with what
//! the stream yields and never passes [`DecodeOptions::max_elements`].
//!
//! Source of the format: this file.

mod bits;
mod element;
mod error;
mod grid;
mod section;

use bytes::Bytes;
use lapjoint_types::{DType, NdArray};

pub use error::SpikesError;

use element::Element;
use grid::Grid;
use section::Reader;

const MAGIC: &[u8; 4] = b"LSPK";
/// Version of the layout that is written, and the newest that is read.
pub const VERSION: u8 = 1;

const ON_GRID: u8 = 1;
const MULTIPLY: u8 = 2;
const OFFSET: u8 = 4;
const RESIDUALS: u8 = 8;

/// What a reader allows.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct DecodeOptions {
    /// Most elements.
    pub max_elements: u64,
}

impl Default for DecodeOptions {
    fn default() -> Self {
        Self { max_elements: 1 << 33 }
    }
}

impl DecodeOptions {
    /// With another limit.
    #[must_use]
    pub const fn max_elements(self, max_elements: u64) -> Self {
        Self { max_elements }
    }
}

/// What the head of a train says.
#[derive(Debug, Clone, PartialEq)]
pub struct Head {
    /// Elements.
    pub count: u64,
    /// Element type.
    pub dtype: DType,
    /// Ticks per unit of time, where the times are on a grid.
    pub rate: Option<f64>,
    /// Whether the times are those of the grid exactly.
    pub is_exact: bool,
}

/// Whether [`encode`] takes an array.
///
/// # Errors
/// Those of [`encode`].
pub fn check(array: &NdArray) -> Result<(), SpikesError> {
    element_of(array).map(drop)
}

fn element_of(array: &NdArray) -> Result<Element, SpikesError> {
    if array.ndim() != 1 {
        return Err(SpikesError::Shape { shape: array.shape().to_vec() });
    }
    Element::of(array.dtype()).ok_or_else(|| SpikesError::Type { dtype: array.dtype().to_string() })
}

/// Packs an array of shape `(spikes,)`. Big-endian elements come back little-endian.
///
/// # Errors
/// [`SpikesError::Shape`] for other shapes, [`SpikesError::Type`] for elements that are no numbers of 1 to 8 bytes.
pub fn encode(array: &NdArray) -> Result<Bytes, SpikesError> {
    let element = element_of(array)?;
    let words = element.words(array);
    let mut out = Vec::with_capacity(64 + words.len() * 2);
    out.extend_from_slice(MAGIC);
    out.extend([VERSION, element.code()]);
    match grid::find(element, &words) {
        Some(found) => {
            let Grid { multiply, number, offset } = found.grid;
            let mode = ON_GRID
                | if multiply { MULTIPLY } else { 0 }
                | if offset.is_some() { OFFSET } else { 0 }
                | if found.residuals.is_some() { RESIDUALS } else { 0 };
            out.push(mode);
            section::push_varint(&mut out, words.len() as u64);
            out.extend(number.to_le_bytes());
            out.extend(offset.iter().flat_map(|offset| offset.to_le_bytes()));
            section::push(&mut out, &found.ticks)?;
            if let Some(residuals) = found.residuals {
                section::push(&mut out, &residuals)?;
            }
        }
        None => {
            out.push(0);
            section::push_varint(&mut out, words.len() as u64);
            section::push(&mut out, &words)?;
        }
    }
    let checksum = crc32c::crc32c(&out);
    out.extend(checksum.to_le_bytes());
    Ok(out.into())
}

/// The array of packed bytes.
///
/// # Errors
/// [`SpikesError`] when the bytes are damaged, of a newer version, or of more elements than [`DecodeOptions::default`] allows.
pub fn decode(bytes: &[u8]) -> Result<NdArray, SpikesError> {
    decode_with(bytes, &DecodeOptions::default())
}

/// As [`decode`], with other limits.
///
/// # Errors
/// As [`decode`].
pub fn decode_with(bytes: &[u8], options: &DecodeOptions) -> Result<NdArray, SpikesError> {
    let (element, head, grid, mut reader) = open(bytes)?;
    if head.count > options.max_elements {
        return Err(SpikesError::TooMany { declared: head.count, limit: options.max_elements });
    }
    let count = usize::try_from(head.count)
        .map_err(|_| SpikesError::TooMany { declared: head.count, limit: usize::MAX as u64 })?;
    let mut words = section::read(&mut reader, count)?;
    if let Some((grid, has_residuals)) = grid {
        let residuals = if has_residuals { section::read(&mut reader, count)? } else { Vec::new() };
        grid.place(element, &mut words, &residuals);
    }
    reader.end()?;
    element.array(words)
}

/// What the head of packed bytes says, without reading the elements.
///
/// # Errors
/// [`SpikesError`] when the bytes are damaged or of a newer version.
pub fn head(bytes: &[u8]) -> Result<Head, SpikesError> {
    open(bytes).map(|(_, head, ..)| head)
}

type Opened<'a> = (Element, Head, Option<(Grid, bool)>, Reader<'a>);

fn open(bytes: &[u8]) -> Result<Opened<'_>, SpikesError> {
    let Some((magic, rest)) = bytes.split_first_chunk::<4>().filter(|(magic, _)| *magic == MAGIC) else {
        return Err(SpikesError::Magic(
            bytes.get(..bytes.len().min(8)).unwrap_or_default().escape_ascii().to_string(),
        ));
    };
    match rest.first() {
        None => return Err(SpikesError::Truncated { offset_bytes: magic.len(), what: "the version" }),
        Some(&VERSION) => {}
        Some(&version) => return Err(SpikesError::Version(version)),
    }
    let Some((body, stored)) = bytes.split_last_chunk::<4>() else {
        return Err(SpikesError::Truncated { offset_bytes: bytes.len(), what: "the checksum" });
    };
    let (expected, actual) = (u32::from_le_bytes(*stored), crc32c::crc32c(body));
    if expected != actual {
        return Err(SpikesError::Checksum { expected, actual });
    }
    let mut reader = Reader::new(body, magic.len() + 1);
    let code = reader.byte("the element type")?;
    let element = Element::by_code(code).ok_or_else(|| reader.invalid(format!("element type {code}")))?;
    let mode = reader.byte("the mode")?;
    let count = reader.varint("the count")?;
    let grid = if mode == 0 {
        None
    } else {
        if mode & ON_GRID == 0 || mode > 15 || !element.is_float() {
            return Err(reader.invalid(format!("mode {mode} for elements of type {}", element.dtype())));
        }
        let number = reader.float("the rate")?;
        let offset = if mode & OFFSET == 0 { None } else { Some(reader.float("the offset")?) };
        Some((Grid { multiply: mode & MULTIPLY != 0, number, offset }, mode & RESIDUALS != 0))
    };
    let rate = grid.map(|(grid, _)| if grid.multiply { 1.0 / grid.number } else { grid.number });
    let is_exact = grid.is_some_and(|(_, has_residuals)| !has_residuals);
    Ok((element, Head { count, dtype: element.dtype(), rate, is_exact }, grid, reader))
}
