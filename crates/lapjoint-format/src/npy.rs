//! The `.npy` format of numpy, versions 1.0, 2.0 and 3.0.
//!
//! A file is the magic `\x93NUMPY`, two bytes of version, the length of the header (u16, from version 2.0 on u32,
//! little-endian), the header, and the elements. The header is a Python dict with the keys `descr` (element type),
//! `fortran_order` and `shape`, padded with blanks to a multiple of 64 bytes and ended by a newline.
//!
//! Written headers are those of `numpy.save` of numpy 2, byte for byte. Big-endian types are kept as they are.
//!
//! Source: NEP 1 and `numpy.lib.format` of numpy 2.

mod descr;
mod header;
mod literal;

use bytes::{BufMut, Bytes, BytesMut};
use lapjoint_types::{NdArray, Order};

pub use descr::dtype_from_str;
pub use header::{Header, header_bytes, header_len_bytes, parse_header};

/// A `.npy` file that cannot be read or written.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NpyError {
    /// The bytes do not begin as a `.npy` file does.
    #[error("not a .npy file: it begins with {0:?}")]
    Magic(String),
    /// A version that this reader does not know.
    #[error(".npy version {0}.{1} is not supported (1.0, 2.0 and 3.0 are)")]
    Version(u8, u8),
    /// The file ends too early.
    #[error(".npy file truncated: {what} needs {needed_bytes} bytes, got {actual_bytes}")]
    Truncated {
        /// What was being read.
        what: &'static str,
        /// Bytes that it needs, from the start of the file.
        needed_bytes: u64,
        /// Bytes that are there.
        actual_bytes: u64,
    },
    /// The file is longer than its header says.
    #[error(".npy file has {actual_bytes} bytes, its header says {expected_bytes}")]
    TooLong {
        /// Bytes that header and elements need.
        expected_bytes: u64,
        /// Bytes that are there.
        actual_bytes: u64,
    },
    /// The header cannot be read.
    #[error("invalid .npy header: {0}")]
    Header(String),
    /// An element type that cannot be read or written.
    #[error("element type {dtype} is not supported: {reason}")]
    Type {
        /// The type.
        dtype: String,
        /// Why not.
        reason: &'static str,
    },
}

/// An array as a whole `.npy` file.
///
/// # Errors
/// [`NpyError::Type`] for types that numpy cannot describe.
pub fn to_bytes(array: &NdArray) -> Result<Bytes, NpyError> {
    let header = header_bytes(array)?;
    let mut file = BytesMut::with_capacity(header.len() + array.data().len());
    file.put_slice(&header);
    file.put_slice(array.data());
    Ok(file.freeze())
}

/// The array of a whole `.npy` file; it shares the file's bytes.
///
/// # Errors
/// [`NpyError`] when the header cannot be read or the length is not the declared one.
pub fn from_bytes(file: Bytes) -> Result<NdArray, NpyError> {
    let header = parse_header(&file)?;
    let expected_bytes = header.file_bytes()?;
    let actual_bytes = file.len() as u64;
    if actual_bytes < expected_bytes {
        return Err(NpyError::Truncated { what: "the array", needed_bytes: expected_bytes, actual_bytes });
    }
    if actual_bytes > expected_bytes {
        return Err(NpyError::TooLong { expected_bytes, actual_bytes });
    }
    let data = file.slice(header.data_start_bytes..);
    let array = NdArray::new(header.dtype, header.shape, header.order, data)
        .map_err(|error| NpyError::Header(error.to_string()))?;
    // Where both orders are the same, the one that most readers expect.
    let order = if array.is_order_free() { Order::C } else { array.order() };
    Ok(array.to_order(order))
}

#[cfg(test)]
mod tests {
    use lapjoint_types::{ByteOrder, DType, Field, Kind};

    use super::*;

    #[test]
    fn a_header_as_numpy_writes_it() {
        let array = NdArray::from_shape_vec(vec![2, 3], vec![1i16, 2, 3, 4, 5, 6]).unwrap();
        let file = to_bytes(&array).unwrap();
        let header = "{'descr': '<i2', 'fortran_order': False, 'shape': (2, 3), }";
        assert_eq!(file.get(..10).unwrap(), b"\x93NUMPY\x01\x00v\x00");
        assert!(file.get(10..).unwrap().starts_with(header.as_bytes()));
        assert_eq!((file.len(), file[127]), (128 + 12, b'\n'));
        assert_eq!(from_bytes(file).unwrap(), array);
    }

    #[test]
    fn every_kind_comes_back() {
        let plain = |name: &str, dtype: DType, shape: Vec<usize>| Field { name: name.into(), dtype, shape };
        let inner = DType::little(Kind::Struct(vec![plain("x", DType::F32, vec![])].into()));
        let record = Kind::Struct(
            vec![
                plain("a", DType::I32, vec![]),
                plain("", DType::little(Kind::Void(4)), vec![]),
                plain("it's", DType::F64, vec![2, 3]),
                plain("é", inner, vec![]),
            ]
            .into(),
        );
        let big = DType { kind: Kind::Float(8), order: ByteOrder::Big };
        let mut kinds =
            vec![record, Kind::Bytes(3), Kind::Unicode(2), Kind::Void(5), Kind::Bool, Kind::Float(2)];
        kinds.extend(["ns", "D", ""].map(|code| {
            let unit = lapjoint_types::TimeUnit::from_code(code).unwrap();
            Kind::DateTime { unit, count: 1 }
        }));
        kinds.push(Kind::TimeDelta { unit: lapjoint_types::TimeUnit::Second, count: 25 });
        let dtypes = kinds.into_iter().map(DType::little).chain([big, DType::C64, DType::U8]);
        for dtype in dtypes {
            for (shape, order) in
                [(vec![], Order::C), (vec![4], Order::C), (vec![2, 3], Order::F), (vec![0, 2], Order::C)]
            {
                let count = shape.iter().product::<usize>() * dtype.item_bytes();
                let data: Vec<u8> = (0..count).map(|i| u8::try_from(i % 251).unwrap()).collect();
                let array = NdArray::new(dtype.clone(), shape, order, data.into()).unwrap();
                let back = from_bytes(to_bytes(&array).unwrap()).unwrap();
                assert_eq!(back, array, "{dtype}");
                assert_eq!(back.dtype(), &dtype);
            }
        }
    }

    #[test]
    fn damaged_files_are_errors() {
        let array = NdArray::from_vec(vec![1.0f64, 2.0]);
        let file = to_bytes(&array).unwrap();
        for length in 0..file.len() {
            assert!(from_bytes(file.slice(..length)).is_err(), "{length}");
        }
        for at in 0..file.len() {
            let mut flipped = file.to_vec();
            flipped[at] ^= 1;
            // An error, or another array; never a panic.
            let _ = from_bytes(flipped.into());
        }
        for header in [
            "{'descr': '|O', 'fortran_order': False, 'shape': (2,), }",
            "{'descr': '<f8', 'fortran_order': False, 'shape': (99999999999, 99999999999, 99999999999), }",
            "{'descr': '<f8', 'fortran_order': False, 'shape': (-1,), }",
            "{'descr': '<f8', 'shape': (1,), }",
            "[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[",
            "{'descr': '<f8'",
            "",
        ] {
            let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
            bytes.extend(u16::try_from(header.len()).unwrap().to_le_bytes());
            bytes.extend(header.as_bytes());
            assert!(from_bytes(bytes.into()).is_err(), "{header}");
        }
    }
}
