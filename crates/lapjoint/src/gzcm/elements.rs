//! Element types of arrays and of tiles, and cells that are not zero.

use ::gzcm::Dtype;
use ::gzcm::pixel::{Pixel, number_of, read_bits};
use lapjoint_codec::CodecError;
use lapjoint_types::{ByteOrder, DType, Kind, NdArray};

use super::NAME;

/// The array type of a tile's elements.
pub(super) const fn dtype(dtype: Dtype) -> DType {
    match dtype {
        Dtype::U8 => DType::U8,
        Dtype::U16 => DType::U16,
        Dtype::U32 => DType::U32,
        Dtype::I32 => DType::I32,
        Dtype::I64 => DType::I64,
        Dtype::F32 => DType::F32,
        Dtype::F64 => DType::F64,
    }
}

/// The tile type of an array's elements.
pub(super) fn tile_dtype(of_array: &DType) -> Result<Dtype, CodecError> {
    Ok(match of_array.kind {
        Kind::UInt(1) => Dtype::U8,
        Kind::UInt(2) => Dtype::U16,
        Kind::UInt(4) => Dtype::U32,
        Kind::Int(4) => Dtype::I32,
        Kind::Int(8) => Dtype::I64,
        Kind::Float(4) => Dtype::F32,
        Kind::Float(8) => Dtype::F64,
        _ => {
            let known = Dtype::ALL.map(Dtype::name).join(", ");
            return Err(CodecError::value(
                NAME,
                format!("takes {known}, got {of_array}: convert it, for example with .astype('int64')"),
            ));
        }
    })
}

/// The bits of an array's elements, in the order of its bytes.
pub(super) fn bits(array: &NdArray) -> impl Iterator<Item = u64> {
    let size = array.dtype().item_bytes().max(1);
    let big = array.dtype().order == ByteOrder::Big;
    array.data().chunks_exact(size).map(move |element| {
        if !big {
            return read_bits(element);
        }
        let mut turned = [0; 8];
        turned.iter_mut().zip(element.iter().rev()).for_each(|(to, from)| *to = *from);
        u64::from_le_bytes(turned)
    })
}

/// Refuses what is not a number.
pub(super) fn check_finite(array: &NdArray) -> Result<(), CodecError> {
    let dtype = tile_dtype(array.dtype())?;
    if matches!(dtype, Dtype::F32 | Dtype::F64)
        && let Some(at) = bits(array).position(|bits| !number_of(bits, dtype).is_finite())
    {
        return Err(CodecError::value(NAME, format!("takes finite numbers, element {at} is not one")));
    }
    Ok(())
}

/// Whether a matrix of these cells, sorted by row and column, equals its transpose.
pub(super) fn is_symmetric(pixels: &[Pixel]) -> bool {
    let mirror = |pixel: &Pixel| {
        let at = pixels.binary_search_by_key(&(pixel.col, pixel.row), |other| (other.row, other.col));
        at.is_ok_and(|at| pixels[at].bits == pixel.bits)
    };
    pixels.iter().all(|pixel| pixel.row == pixel.col || mirror(pixel))
}

/// The place of an array's element as a row or column.
pub(super) fn narrow(at: usize) -> Result<u32, CodecError> {
    u32::try_from(at).map_err(|_| CodecError::value(NAME, "takes at most 2^32 rows and columns"))
}
