//! JSON documents.

use lapjoint_types::Value;
use serde_json::Value as Json;

use super::Refusal;

/// Documents nested deeper than this are refused, as the parser of stored documents refuses them.
const MAX_DEPTH: usize = 120;

/// A JSON document, or a value that is one: dicts with text keys, lists, texts, numbers, truth values, null.
pub(super) fn json(value: Value) -> Result<Value, Refusal> {
    match value {
        Value::Json(document) => {
            check(&document, 0).map_err(|reason| Refusal { value: "a json document".into(), reason })?;
            Ok(Value::Json(document))
        }
        other => {
            let document = convert(&other, 0).map_err(|reason| Refusal::new(&other, reason))?;
            Ok(Value::from(document))
        }
    }
}

fn check_text(text: &str) -> Result<(), String> {
    if text.contains('\0') {
        return Err("a text in it contains a NUL character, which not every database can hold".into());
    }
    Ok(())
}

fn check(document: &Json, depth: usize) -> Result<(), String> {
    if depth > MAX_DEPTH {
        return Err(format!("it is nested more than {MAX_DEPTH} deep"));
    }
    match document {
        Json::String(text) => check_text(text),
        Json::Array(items) => items.iter().try_for_each(|item| check(item, depth + 1)),
        Json::Object(items) => items.iter().try_for_each(|(key, item)| {
            check_text(key)?;
            check(item, depth + 1)
        }),
        _ => Ok(()),
    }
}

fn convert(value: &Value, depth: usize) -> Result<Json, String> {
    if depth > MAX_DEPTH {
        return Err(format!("it is nested more than {MAX_DEPTH} deep"));
    }
    Ok(match value {
        Value::Null => Json::Null,
        Value::Bool(flag) => Json::Bool(*flag),
        Value::Int(number) => Json::from(*number),
        Value::BigInt(number) => match u64::try_from(number.as_ref()) {
            Ok(number) => Json::from(number),
            Err(_) => return Err(format!("{number} does not fit into 64 bits; store it as text")),
        },
        Value::Float(number) => serde_json::Number::from_f64(*number)
            .map(Json::Number)
            .ok_or_else(|| format!("{number:?} is no JSON number; use null or a text"))?,
        Value::Str(text) => {
            check_text(text)?;
            Json::String(text.clone())
        }
        Value::List(items) | Value::Tuple(items) => {
            Json::Array(items.iter().map(|item| convert(item, depth + 1)).collect::<Result<_, _>>()?)
        }
        Value::Dict(items) => {
            let mut object = serde_json::Map::new();
            for (key, item) in items {
                let Value::Str(key) = key else {
                    return Err(format!(
                        "keys of JSON objects are texts, not {}; convert them with str()",
                        key.type_name()
                    ));
                };
                check_text(key)?;
                object.insert(key.clone(), convert(item, depth + 1)?);
            }
            Json::Object(object)
        }
        Value::Json(document) => {
            check(document, depth)?;
            document.as_ref().clone()
        }
        Value::Array(array) if array.ndim() == 0 => match super::scalar(array.as_ref().clone()) {
            Value::Array(_) => return Err(format!("{} is no JSON number", array.dtype())),
            plain => convert(&plain, depth)?,
        },
        Value::Array(_) => {
            return Err("arrays are no JSON; convert them with .tolist(), or use <blob>".into());
        }
        other => {
            return Err(format!(
                "{} is not JSON serializable; convert it first, or use <blob>",
                other.type_name()
            ));
        }
    })
}
