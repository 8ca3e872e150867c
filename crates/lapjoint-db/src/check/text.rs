//! Text, labels, UUIDs and bytes.

use lapjoint_types::suggest::nearest;
use lapjoint_types::{ByteOrder, Kind, NdArray, Value};
use uuid::Uuid;

use super::Refusal;

/// Text of at most `length` characters, without NULs.
pub(super) fn text(value: Value, length: u32) -> Result<Value, Refusal> {
    let Value::Str(text) = &value else {
        return Err(Refusal::new(&value, "expected text; convert it with str() first"));
    };
    if text.contains('\0') {
        return Err(Refusal::new(
            &value,
            "it contains a NUL character, which not every database can hold; declare the \
                                         attribute as bytes",
        ));
    }
    let limit = usize::try_from(length).unwrap_or(usize::MAX);
    // A text has no more characters than bytes, so that most need not be counted.
    if text.len() > limit {
        let chars = text.chars().count();
        if chars > limit {
            let reason = format!("it has {chars} characters; cut it to {length}, or declare a longer type");
            return Err(Refusal::new(&value, reason));
        }
    }
    Ok(value)
}

/// One of the labels of an enum.
pub(super) fn label(value: Value, labels: &[String]) -> Result<Value, Refusal> {
    let Value::Str(text) = &value else {
        return Err(Refusal::new(&value, format!("expected one of {}", labels.join(", "))));
    };
    if labels.contains(text) {
        return Ok(value);
    }
    let hint = nearest(text, labels.iter().map(String::as_str))
        .map(|label| format!("; did you mean {label:?}?"))
        .unwrap_or_default();
    Err(Refusal::new(&value, format!("expected one of {}{hint}", labels.join(", "))))
}

/// A UUID, or the text of one.
pub(super) fn uuid(value: Value) -> Result<Value, Refusal> {
    match &value {
        Value::Uuid(_) => Ok(value),
        Value::Str(text) => Uuid::parse_str(text)
            .map(Value::Uuid)
            .map_err(|error| Refusal::new(&value, format!("badly formed UUID: {error}"))),
        _ => Err(Refusal::new(&value, "expected a UUID or its text")),
    }
}

/// Raw bytes.
pub(super) fn bytes(value: Value) -> Result<Value, Refusal> {
    match &value {
        Value::Bytes(_) => Ok(value),
        Value::Str(_) => {
            Err(Refusal::new(&value, "expected bytes; encode the text first, for example as UTF-8"))
        }
        _ => Err(Refusal::new(
            &value,
            "expected bytes; to store arrays and other values, declare the attribute as <blob>",
        )),
    }
}

/// The text of a numpy scalar.
pub(super) fn of_numpy(array: &NdArray) -> Option<Value> {
    let Kind::Unicode(_) = array.dtype().kind else { return None };
    let (points, _) = array.data().as_chunks::<4>();
    let text: Option<String> = points
        .iter()
        .map(|point| {
            char::from_u32(match array.dtype().order {
                ByteOrder::Little => u32::from_le_bytes(*point),
                ByteOrder::Big => u32::from_be_bytes(*point),
            })
        })
        .collect();
    Some(Value::Str(text?.trim_end_matches('\0').to_owned()))
}
