//! Values as the bytes that cross into a module and back.

use bytes::Bytes;
use lapjoint_codec::CodecError;
use lapjoint_format::blob::{self, PackOptions, UnpackOptions};
use lapjoint_types::{ByteOrder, DType, Kind, NdArray, Order, Value};

use crate::describe::Form;

/// Most dimensions of an array, as in numpy 1.
const MAX_NDIM: usize = 32;

/// A value in pieces, so that large ones are not copied together first.
pub(crate) struct Pieces {
    head: Vec<u8>,
    body: Bytes,
}

impl Pieces {
    pub fn slices(&self) -> [&[u8]; 2] {
        [&self.head, &self.body]
    }
}

/// A value in a form.
pub(crate) fn write(codec: &str, form: Form, value: &Value) -> Result<Pieces, CodecError> {
    let whole = |body: Bytes| Pieces { head: Vec::new(), body };
    match (form, value) {
        (Form::Blob, value) => Ok(whole(blob::pack_with(value, &PackOptions::uncompressed())?)),
        (Form::Array, Value::Array(array)) => write_array(codec, array),
        (Form::Bytes, Value::Bytes(bytes)) => Ok(whole(bytes.clone())),
        (Form::Json, Value::Json(json)) => Ok(whole(json.to_string().into_bytes().into())),
        (Form::Json, Value::Str(text)) => Ok(whole(text.clone().into_bytes().into())),
        (form, other) => {
            let expected = match form {
                Form::Array => "an array (numpy.ndarray)",
                Form::Bytes => "bytes",
                Form::Json | Form::Blob => "a JSON document",
            };
            Err(CodecError::value(codec, format!("expects {expected}, got {}", other.type_name())))
        }
    }
}

/// The value of bytes that a module gave.
pub(crate) fn read(codec: &str, form: Form, bytes: Vec<u8>, max_bytes: usize) -> Result<Value, CodecError> {
    match form {
        Form::Blob => {
            Ok(blob::unpack_with(bytes.into(), &UnpackOptions::default().max_bytes(max_bytes as u64))?)
        }
        Form::Array => read_array(bytes.into()).map_err(|message| CodecError::stored(codec, message)),
        Form::Bytes => Ok(Value::Bytes(bytes.into())),
        Form::Json => match serde_json::from_slice::<serde_json::Value>(&bytes) {
            Ok(json) => Ok(json.into()),
            Err(error) => Err(CodecError::stored(codec, format!("its module gave no JSON: {error}"))),
        },
    }
}

fn write_array(codec: &str, array: &NdArray) -> Result<Pieces, CodecError> {
    let (letter, bytes) = match array.dtype().kind {
        Kind::Bool => (b'b', 1),
        Kind::Int(bytes) => (b'i', bytes),
        Kind::UInt(bytes) => (b'u', bytes),
        Kind::Float(bytes) => (b'f', bytes),
        Kind::Complex(bytes) => (b'c', bytes),
        _ => {
            let message = format!(
                "expects numbers or truth values, got an array of {}: convert it first, with numpy's view or astype",
                array.dtype()
            );
            return Err(CodecError::value(codec, message));
        }
    };
    let ndim = u8::try_from(array.ndim()).ok().filter(|ndim| usize::from(*ndim) <= MAX_NDIM);
    let Some(ndim) = ndim else {
        let message = format!("expects at most {MAX_NDIM} dimensions, got {}", array.ndim());
        return Err(CodecError::value(codec, message));
    };
    let mut head = vec![letter, bytes, ndim, 0, 0, 0, 0, 0];
    head.extend(array.shape().iter().flat_map(|size| (*size as u64).to_le_bytes()));
    let array = array.to_order(Order::C);
    let body = match array.dtype().order {
        ByteOrder::Little => array.data().clone(),
        ByteOrder::Big => {
            // Both halves of a complex number are numbers of their own.
            let word = if letter == b'c' { usize::from(bytes / 2) } else { usize::from(bytes) };
            let mut swapped = array.data().to_vec();
            swapped.chunks_exact_mut(word.max(1)).for_each(<[u8]>::reverse);
            swapped.into()
        }
    };
    Ok(Pieces { head, body })
}

fn read_array(bytes: Bytes) -> Result<Value, String> {
    let cut =
        || format!("its module gave an array of {} bytes, which is cut short in its header", bytes.len());
    let head = bytes.get(..8).ok_or_else(cut)?;
    let &[letter, item_bytes, ndim, 0, 0, 0, 0, 0] = head else {
        return Err(format!("its module gave an array with the header {head:02x?}"));
    };
    let ndim = usize::from(ndim);
    if ndim > MAX_NDIM {
        return Err(format!("its module gave an array of {ndim} dimensions"));
    }
    let kind = match (letter, item_bytes) {
        (b'b', 1) => Kind::Bool,
        (b'i', 1 | 2 | 4 | 8) => Kind::Int(item_bytes),
        (b'u', 1 | 2 | 4 | 8) => Kind::UInt(item_bytes),
        (b'f', 2 | 4 | 8) => Kind::Float(item_bytes),
        (b'c', 8 | 16) => Kind::Complex(item_bytes),
        _ => return Err(format!("its module gave an array of elements {letter:#04x} of {item_bytes} bytes")),
    };
    let (sizes, _) = bytes.get(8..8 + 8 * ndim).ok_or_else(cut)?.as_chunks();
    let shape: Result<Vec<usize>, _> =
        sizes.iter().map(|size| usize::try_from(u64::from_le_bytes(*size))).collect();
    let shape = shape.map_err(|_| "its module gave an array that no memory can hold".to_owned())?;
    let data = bytes.slice(8 + 8 * ndim..);
    if kind == Kind::Bool && data.iter().any(|byte| *byte > 1) {
        return Err("its module gave truth values other than 0 and 1".into());
    }
    let array = NdArray::new(DType::little(kind), shape, Order::C, data)
        .map_err(|error| format!("its module gave {error}"))?;
    Ok(Value::Array(Box::new(array)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn through(value: &Value) -> Value {
        let pieces = write("x", Form::Array, value).unwrap();
        read("x", Form::Array, pieces.slices().concat(), 1 << 20).unwrap()
    }

    #[test]
    fn arrays_come_back_in_every_order() {
        let array = NdArray::from_shape_vec(vec![2, 3], vec![1i16, 2, 3, 4, 5, 6]).unwrap();
        for order in [Order::C, Order::F] {
            let value = Value::Array(Box::new(array.to_order(order)));
            assert_eq!(through(&value), value);
        }
        let pieces = write("x", Form::Array, &Value::Array(Box::new(array.to_order(Order::F)))).unwrap();
        let expected = [
            &b"i\x02\x02\0\0\0\0\0"[..],
            &[2, 0, 0, 0, 0, 0, 0, 0, 3, 0, 0, 0, 0, 0, 0, 0],
            &[1, 0, 2, 0, 3, 0, 4, 0, 5, 0, 6, 0],
        ];
        assert_eq!(pieces.slices().concat(), expected.concat());
    }

    #[test]
    fn big_endian_elements_are_turned_round() {
        let big = |kind, data: &'static [u8]| {
            let dtype = DType { kind, order: ByteOrder::Big };
            Value::Array(Box::new(NdArray::new(dtype, vec![1], Order::C, Bytes::from_static(data)).unwrap()))
        };
        let Value::Array(array) = through(&big(Kind::Int(4), &[0, 0, 1, 2])) else { panic!("no array") };
        assert_eq!(array.to_vec::<i32>(), Some(vec![258]));
        let Value::Array(array) = through(&big(Kind::Complex(8), &[0x3f, 0x80, 0, 0, 0x40, 0, 0, 0])) else {
            panic!("no array")
        };
        assert_eq!(&array.data()[..], [1f32.to_le_bytes(), 2f32.to_le_bytes()].concat());
    }

    #[test]
    fn lies_of_a_module_are_errors() {
        let array = |bytes: &[u8]| read("x", Form::Array, bytes.to_vec(), 1 << 20).unwrap_err().to_string();
        assert!(array(b"").contains("cut short"));
        assert!(array(b"i\x04\x01\0\0\0\0\0").contains("cut short"));
        assert!(array(b"i\x04\x21\0\0\0\0\0").contains("33 dimensions"));
        assert!(array(b"i\x03\0\0\0\0\0\0abc").contains("elements"));
        assert!(array(b"i\x04\0\x01\0\0\0\0abcd").contains("header"));
        assert!(array(b"b\x01\0\0\0\0\0\0\x02").contains("truth values"));
        let huge = [&b"i\x08\x02\0\0\0\0\0"[..], &[0xff; 16]].concat();
        assert!(array(&huge).contains("needs"));
        assert!(read("x", Form::Json, b"{".to_vec(), 1).unwrap_err().to_string().contains("no JSON"));
        // A blob that grows beyond the memory of a call is refused as it grows.
        let bomb = blob::pack(&Value::Bytes(vec![0; 1 << 20].into())).unwrap();
        assert!(read("x", Form::Blob, bomb.to_vec(), 1 << 10).is_err());
    }

    #[test]
    fn values_of_other_types_are_named() {
        let text = |form, value: &Value| write("x", form, value).err().map(|error| error.to_string());
        assert_eq!(
            text(Form::Array, &Value::Int(1)),
            Some("<x> expects an array (numpy.ndarray), got int".into())
        );
        assert_eq!(text(Form::Bytes, &Value::Str("a".into())), Some("<x> expects bytes, got str".into()));
        let times = NdArray::new(
            DType::little(Kind::DateTime { unit: lapjoint_types::TimeUnit::Day, count: 1 }),
            vec![0],
            Order::C,
            Bytes::new(),
        );
        assert!(
            text(Form::Array, &Value::Array(Box::new(times.unwrap()))).is_some_and(|t| t.contains("convert"))
        );
    }
}
