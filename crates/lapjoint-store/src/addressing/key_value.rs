//! How a primary key value becomes part of a path.

use lapjoint_types::{Kind, NdArray, Value};
use md5::{Digest, Md5};

use super::python_text::{bytes_repr, float_repr, quote};
use crate::error::{Result, StoreError, shorten};

/// Text longer than this is cut and told apart by its hash.
const LIMIT_CHARS: usize = 100;
const KEPT_CHARS: usize = 50;

/// The part of a path after `attribute=`, as DataJoint writes it: numbers as Python prints them, a date-time with
/// `-` for `:` and without microseconds, dates and times in ISO form, other text as it is unless it holds one of
/// `/ \ : * ? " < > |` or is long; then it is percent-encoded.
///
/// Unlike DataJoint this refuses the empty text, `.`, `..` and NUL.
///
/// # Errors
///
/// [`StoreError::InvalidKeyValue`] naming the attribute.
pub fn encode_pk_value(attribute: &str, value: &Value) -> Result<String> {
    let refuse = |shown: &str, reason: &str| StoreError::InvalidKeyValue {
        attribute: attribute.to_owned(),
        value: format!("{:?}", shorten(shown)),
        reason: reason.to_owned(),
    };
    let text = match value {
        Value::Bool(true) => return Ok("True".into()),
        Value::Bool(false) => return Ok("False".into()),
        Value::Int(number) => return Ok(number.to_string()),
        Value::BigInt(number) => return Ok(number.to_string()),
        Value::Float(number) => return Ok(float_repr(*number)),
        Value::DateTime(moment) => return Ok(moment.strftime("%Y-%m-%dT%H-%M-%S").to_string()),
        Value::Date(date) => return Ok(date.to_string()),
        Value::Time(time) => {
            let seconds = format!("{:02}:{:02}:{:02}", time.hour(), time.minute(), time.second());
            return Ok(match time.subsec_nanosecond() / 1000 {
                0 => seconds,
                micros => format!("{seconds}.{micros:06}"),
            });
        }
        Value::Str(text) => text.clone(),
        Value::Decimal(number) => number.to_string(),
        Value::Uuid(uuid) => uuid.to_string(),
        Value::Bytes(bytes) => bytes_repr(bytes),
        Value::Array(array) if array.ndim() == 0 => {
            scalar_text(array).ok_or_else(|| refuse(&value.type_name(), "values of this type cannot"))?
        }
        other => return Err(refuse(&other.type_name(), "values of this type cannot")),
    };
    match text.as_str() {
        "" => return Err(refuse(&text, "it is empty")),
        "." | ".." => return Err(refuse(&text, "it names a folder, this or the one above")),
        _ if text.contains('\0') => return Err(refuse(&text, "it contains a NUL character")),
        _ => {}
    }
    if let Some((cut, _)) = text.char_indices().nth(LIMIT_CHARS).and(text.char_indices().nth(KEPT_CHARS)) {
        let digest = data_encoding::HEXLOWER.encode(&Md5::digest(text.as_bytes()));
        let head = text.get(..cut).unwrap_or(&text);
        return Ok(quote(&format!("{head}_{}", digest.get(..8).unwrap_or(&digest))));
    }
    if text.contains(['/', '\\', ':', '*', '?', '"', '<', '>', '|']) {
        return Ok(quote(&text));
    }
    Ok(text)
}

/// `str()` of a numpy scalar.
fn scalar_text(array: &NdArray) -> Option<String> {
    fn first<T: lapjoint_types::Element + Copy + ToString>(array: &NdArray) -> Option<String> {
        array.to_vec::<T>()?.first().map(ToString::to_string)
    }
    match array.dtype().kind {
        Kind::Int(_) | Kind::UInt(_) => first::<i64>(array)
            .or_else(|| first::<i32>(array))
            .or_else(|| first::<i16>(array))
            .or_else(|| first::<i8>(array))
            .or_else(|| first::<u64>(array))
            .or_else(|| first::<u32>(array))
            .or_else(|| first::<u16>(array))
            .or_else(|| first::<u8>(array)),
        Kind::Float(_) => array.to_vec::<f64>()?.first().map(|number| float_repr(*number)),
        _ => None,
    }
}
