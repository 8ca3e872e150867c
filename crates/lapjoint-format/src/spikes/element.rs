//! Elements as words: numbers of 64 bits in the same order.

use lapjoint_types::{ByteOrder, DType, Kind, NdArray};

use super::error::SpikesError;

/// The top bit: turned, it makes the order of signed numbers that of unsigned ones.
pub(super) const TOP: u64 = 1 << 63;

/// Type of the elements.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Element {
    F64,
    F32,
    I8,
    I16,
    I32,
    I64,
    U8,
    U16,
    U32,
    U64,
}

const ALL: [Element; 10] = [
    Element::F64,
    Element::F32,
    Element::I8,
    Element::I16,
    Element::I32,
    Element::I64,
    Element::U8,
    Element::U16,
    Element::U32,
    Element::U64,
];

/// The word of a float64.
pub(super) const fn word_of_f64(value: f64) -> u64 {
    let bits = value.to_bits();
    if bits & TOP == 0 { bits | TOP } else { !bits }
}

const fn f64_of_word(word: u64) -> f64 {
    f64::from_bits(if word & TOP == 0 { !word } else { word ^ TOP })
}

const fn word_of_f32(value: f32) -> u32 {
    let bits = value.to_bits();
    if bits >> 31 == 0 { bits | 1 << 31 } else { !bits }
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "a word of float32 has 32 bits; damage only yields another float"
)]
const fn f32_of_word(word: u64) -> f32 {
    let word = word as u32;
    f32::from_bits(if word >> 31 == 0 { !word } else { word ^ 1 << 31 })
}

#[expect(clippy::cast_possible_truncation, reason = "the nearest float32 is what is meant")]
const fn single(value: f64) -> f32 {
    value as f32
}

impl Element {
    pub fn of(dtype: &DType) -> Option<Self> {
        Some(match dtype.kind {
            Kind::Float(8) => Self::F64,
            Kind::Float(4) => Self::F32,
            Kind::Int(1) => Self::I8,
            Kind::Int(2) => Self::I16,
            Kind::Int(4) => Self::I32,
            Kind::Int(8) => Self::I64,
            Kind::UInt(1) => Self::U8,
            Kind::UInt(2) => Self::U16,
            Kind::UInt(4) => Self::U32,
            Kind::UInt(8) => Self::U64,
            _ => return None,
        })
    }

    pub fn by_code(code: u8) -> Option<Self> {
        ALL.into_iter().find(|element| element.code() == code)
    }

    pub const fn code(self) -> u8 {
        match self {
            Self::F64 => 1,
            Self::F32 => 2,
            Self::I8 => 3,
            Self::I16 => 4,
            Self::I32 => 5,
            Self::I64 => 6,
            Self::U8 => 7,
            Self::U16 => 8,
            Self::U32 => 9,
            Self::U64 => 10,
        }
    }

    pub const fn dtype(self) -> DType {
        match self {
            Self::F64 => DType::F64,
            Self::F32 => DType::F32,
            Self::I8 => DType::I8,
            Self::I16 => DType::I16,
            Self::I32 => DType::I32,
            Self::I64 => DType::I64,
            Self::U8 => DType::U8,
            Self::U16 => DType::U16,
            Self::U32 => DType::U32,
            Self::U64 => DType::U64,
        }
    }

    pub const fn is_float(self) -> bool {
        matches!(self, Self::F64 | Self::F32)
    }

    /// Spacing of the floats next to one, as a fraction.
    pub const fn epsilon(self) -> f64 {
        match self {
            Self::F32 => f32::EPSILON as f64,
            _ => f64::EPSILON,
        }
    }

    /// Words of an array of this type.
    pub fn words(self, array: &NdArray) -> Vec<u64> {
        let data = array.data().as_ref();
        let big = array.dtype().order == ByteOrder::Big;
        match self {
            Self::F64 => read(data, big, |bytes| word_of_f64(f64::from_le_bytes(bytes))),
            Self::F32 => read(data, big, |bytes| u64::from(word_of_f32(f32::from_le_bytes(bytes)))),
            Self::I8 => read(data, big, |bytes| signed(i64::from(i8::from_le_bytes(bytes)))),
            Self::I16 => read(data, big, |bytes| signed(i64::from(i16::from_le_bytes(bytes)))),
            Self::I32 => read(data, big, |bytes| signed(i64::from(i32::from_le_bytes(bytes)))),
            Self::I64 => read(data, big, |bytes| signed(i64::from_le_bytes(bytes))),
            Self::U8 => read(data, big, |bytes| u64::from(u8::from_le_bytes(bytes))),
            Self::U16 => read(data, big, |bytes| u64::from(u16::from_le_bytes(bytes))),
            Self::U32 => read(data, big, |bytes| u64::from(u32::from_le_bytes(bytes))),
            Self::U64 => read(data, big, u64::from_le_bytes),
        }
    }

    /// The array of words; integers that do not fit the type are damage.
    pub fn array(self, words: Vec<u64>) -> Result<NdArray, SpikesError> {
        Ok(match self {
            Self::F64 => NdArray::from_vec(words.into_iter().map(f64_of_word).collect()),
            Self::F32 => NdArray::from_vec(words.into_iter().map(f32_of_word).collect()),
            Self::I8 => NdArray::from_vec(narrowed::<i8, _>(words, unsigned)?),
            Self::I16 => NdArray::from_vec(narrowed::<i16, _>(words, unsigned)?),
            Self::I32 => NdArray::from_vec(narrowed::<i32, _>(words, unsigned)?),
            Self::I64 => NdArray::from_vec(words.into_iter().map(unsigned).collect()),
            Self::U8 => NdArray::from_vec(narrowed::<u8, _>(words, |word| word)?),
            Self::U16 => NdArray::from_vec(narrowed::<u16, _>(words, |word| word)?),
            Self::U32 => NdArray::from_vec(narrowed::<u32, _>(words, |word| word)?),
            Self::U64 => NdArray::from_vec(words),
        })
    }

    /// The float of a word, in double precision.
    pub fn float(self, word: u64) -> f64 {
        match self {
            Self::F32 => f64::from(f32_of_word(word)),
            _ => f64_of_word(word),
        }
    }

    /// The word of the float of this type that is nearest to a number.
    pub fn word(self, value: f64) -> u64 {
        match self {
            Self::F32 => u64::from(word_of_f32(single(value))),
            _ => word_of_f64(value),
        }
    }
}

/// The word of a signed number.
pub(super) const fn signed(value: i64) -> u64 {
    value.cast_unsigned() ^ TOP
}

/// The signed number of a word.
pub(super) const fn unsigned(word: u64) -> i64 {
    (word ^ TOP).cast_signed()
}

fn read<const N: usize>(data: &[u8], big: bool, word: impl Fn([u8; N]) -> u64) -> Vec<u64> {
    let (items, _) = data.as_chunks::<N>();
    if !big {
        return items.iter().map(|item| word(*item)).collect();
    }
    let turned = |item: &[u8; N]| {
        let mut item = *item;
        item.reverse();
        item
    };
    items.iter().map(|item| word(turned(item))).collect()
}

fn narrowed<T, U>(words: Vec<u64>, number: impl Fn(u64) -> U) -> Result<Vec<T>, SpikesError>
where
    T: TryFrom<U>,
    U: Copy + std::fmt::Display,
{
    words
        .into_iter()
        .map(|word| {
            let number = number(word);
            T::try_from(number).map_err(|_| SpikesError::Invalid {
                offset_bytes: 0,
                detail: format!("{number} does not fit {}", std::any::type_name::<T>()),
            })
        })
        .collect()
}
