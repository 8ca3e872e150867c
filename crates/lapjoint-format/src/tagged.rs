//! Values as tagged JSON: what conformance cases hold, the same in every language.
//!
//! A value is `null`, `true`, `false`, a JSON string, or an object with one key that names its type:
//!
//! | key | value |
//! |---|---|
//! | `int` | decimal digits, as text |
//! | `float`, `complex` | the bits as 16 hexadecimal digits, most significant first (complex: a list of two) |
//! | `bytes`, `uuid` | hexadecimal digits |
//! | `decimal`, `date`, `time`, `datetime` | text; ISO 8601 |
//! | `list`, `tuple`, `set` | list of values |
//! | `dict` | list of pairs |
//! | `array` | `{"dtype": str(dtype), "shape": […], "data": hexadecimal digits}`, in column-major order, or row-major with `"order": "C"` |
//! | `objects`, `cell` | `{"shape": […], "elements": […]}`, column-major |
//! | `records` | `{"shape": […], "fields": [[name, value], …]}` |
//! | `struct` | `{"shape": […], "names": […], "values": […]}`, all fields of the first element first |

use bytes::Bytes;
use lapjoint_types::{MatCell, MatStruct, NdArray, ObjectArray, Order, RecordArray, Value};
use num_bigint::BigInt;
use serde_json::{Value as Json, json};

use crate::npy;

/// JSON that is no tagged value, or a value that has no tag.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not a tagged value: {0}")]
pub struct TaggedError(String);

fn error(what: impl std::fmt::Display) -> TaggedError {
    TaggedError(what.to_string().chars().take(120).collect())
}

/// A value as tagged JSON.
///
/// # Errors
/// [`TaggedError`] for objects of the host language.
pub fn to_json(value: &Value) -> Result<Json, TaggedError> {
    let list = |items: &[Value]| items.iter().map(to_json).collect::<Result<Vec<_>, _>>();
    Ok(match value {
        Value::Null => Json::Null,
        Value::Bool(flag) => Json::Bool(*flag),
        Value::Str(text) => Json::String(text.clone()),
        Value::Int(number) => json!({"int": number.to_string()}),
        Value::BigInt(number) => json!({"int": number.to_string()}),
        Value::Float(number) => json!({"float": format!("{:016x}", number.to_bits())}),
        Value::Complex(re, im) => {
            json!({"complex": [format!("{:016x}", re.to_bits()), format!("{:016x}", im.to_bits())]})
        }
        Value::Bytes(bytes) => json!({"bytes": to_hex(bytes)}),
        Value::Uuid(id) => json!({"uuid": id.simple().to_string()}),
        Value::Decimal(number) => json!({"decimal": number.as_str()}),
        Value::Date(date) => json!({"date": date.to_string()}),
        Value::Time(time) => json!({"time": time.to_string()}),
        Value::DateTime(moment) => json!({"datetime": moment.to_string()}),
        Value::List(items) => json!({"list": list(items)?}),
        Value::Tuple(items) => json!({"tuple": list(items)?}),
        Value::Set(items) => json!({"set": list(items)?}),
        Value::Dict(items) => {
            let pairs: Result<Vec<_>, _> =
                items.iter().map(|(key, value)| Ok(json!([to_json(key)?, to_json(value)?]))).collect();
            json!({"dict": pairs?})
        }
        Value::Array(array) => json!({"array": {
            "dtype": array.dtype().to_string(), "shape": array.shape(),
            "data": to_hex(array.to_order(Order::F).data()),
        }}),
        Value::ObjectArray(array) => {
            json!({"objects": {"shape": array.shape, "elements": list(&array.elements)?}})
        }
        Value::MatCell(cells) => json!({"cell": {"shape": cells.shape, "elements": list(&cells.elements)?}}),
        Value::RecordArray(records) => {
            let fields: Result<Vec<_>, _> =
                records.fields.iter().map(|(name, column)| Ok(json!([name, to_json(column)?]))).collect();
            json!({"records": {"shape": records.shape, "fields": fields?}})
        }
        Value::MatStruct(structs) => json!({"struct": {
            "shape": structs.shape, "names": structs.names, "values": list(&structs.values)?,
        }}),
        other => return Err(error(other.type_name())),
    })
}

/// The value of tagged JSON.
///
/// # Errors
/// [`TaggedError`] naming what is no tagged value.
pub fn from_json(tagged: &Json) -> Result<Value, TaggedError> {
    let object = match tagged {
        Json::Null => return Ok(Value::Null),
        Json::Bool(flag) => return Ok(Value::Bool(*flag)),
        Json::String(text) => return Ok(Value::Str(text.clone())),
        Json::Object(object) if object.len() == 1 => object,
        other => return Err(error(other)),
    };
    let Some((tag, content)) = object.iter().next() else { return Err(error(tagged)) };
    let text = || content.as_str().ok_or_else(|| error(tagged));
    let parse_error = |e: &dyn std::fmt::Display| error(format!("{tagged}: {e}"));
    Ok(match tag.as_str() {
        "int" => Value::from(text()?.parse::<BigInt>().map_err(|e| parse_error(&e))?),
        "float" => Value::Float(float(content)?),
        "complex" => match content.as_array().map(Vec::as_slice) {
            Some([re, im]) => Value::Complex(float(re)?, float(im)?),
            _ => return Err(error(tagged)),
        },
        "bytes" => Value::Bytes(from_hex(text()?)?),
        "uuid" => Value::Uuid(text()?.parse().map_err(|e: uuid::Error| parse_error(&e))?),
        "decimal" => {
            let number: lapjoint_types::Decimal =
                text()?.parse().map_err(|e: lapjoint_types::decimal::ParseDecimalError| parse_error(&e))?;
            Value::Decimal(number)
        }
        "date" => Value::Date(text()?.parse().map_err(|e: jiff::Error| parse_error(&e))?),
        "time" => Value::Time(text()?.parse().map_err(|e: jiff::Error| parse_error(&e))?),
        "datetime" => Value::DateTime(text()?.parse().map_err(|e: jiff::Error| parse_error(&e))?),
        "list" => Value::List(values(content)?),
        "tuple" => Value::Tuple(values(content)?),
        "set" => Value::Set(values(content)?),
        "dict" => {
            let mut items = Vec::new();
            for pair in content.as_array().ok_or_else(|| error(tagged))? {
                match pair.as_array().map(Vec::as_slice) {
                    Some([key, value]) => items.push((from_json(key)?, from_json(value)?)),
                    _ => return Err(error(pair)),
                }
            }
            Value::Dict(items)
        }
        "array" => {
            let dtype = content.get("dtype").and_then(Json::as_str).ok_or_else(|| error(tagged))?;
            let dtype = npy::dtype_from_str(dtype).map_err(error)?;
            let data = content.get("data").and_then(Json::as_str).ok_or_else(|| error(tagged))?;
            let row_major = content.get("order").and_then(Json::as_str) == Some("C");
            let order = if row_major { Order::C } else { Order::F };
            let array = NdArray::new(dtype, shape(content)?, order, from_hex(data)?).map_err(error)?;
            Value::from(array)
        }
        "objects" => Value::ObjectArray(Box::new(ObjectArray {
            shape: shape(content)?,
            elements: values(content.get("elements").unwrap_or(&Json::Null))?,
        })),
        "cell" => Value::MatCell(Box::new(MatCell {
            shape: shape(content)?,
            elements: values(content.get("elements").unwrap_or(&Json::Null))?,
        })),
        "records" => {
            let mut fields = Vec::new();
            for pair in content.get("fields").and_then(Json::as_array).ok_or_else(|| error(tagged))? {
                match pair.as_array().map(Vec::as_slice) {
                    Some([Json::String(name), column]) => fields.push((name.clone(), from_json(column)?)),
                    _ => return Err(error(pair)),
                }
            }
            Value::RecordArray(Box::new(RecordArray { shape: shape(content)?, fields }))
        }
        "struct" => {
            let names = content.get("names").and_then(Json::as_array).ok_or_else(|| error(tagged))?;
            let names: Option<Vec<String>> =
                names.iter().map(|name| Some(name.as_str()?.to_owned())).collect();
            Value::MatStruct(Box::new(MatStruct {
                shape: shape(content)?,
                names: names.ok_or_else(|| error(tagged))?,
                values: values(content.get("values").unwrap_or(&Json::Null))?,
            }))
        }
        _ => return Err(error(tagged)),
    })
}

fn values(list: &Json) -> Result<Vec<Value>, TaggedError> {
    list.as_array().ok_or_else(|| error(list))?.iter().map(from_json).collect()
}

fn shape(content: &Json) -> Result<Vec<usize>, TaggedError> {
    let sizes = content.get("shape").and_then(Json::as_array).ok_or_else(|| error(content))?;
    let size = |size: &Json| usize::try_from(size.as_u64()?).ok();
    sizes.iter().map(size).collect::<Option<_>>().ok_or_else(|| error(content))
}

fn float(bits: &Json) -> Result<f64, TaggedError> {
    let digits = bits.as_str().ok_or_else(|| error(bits))?;
    u64::from_str_radix(digits, 16).map(f64::from_bits).map_err(error)
}

/// Bytes as hexadecimal digits in lower case.
#[must_use]
pub fn to_hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Bytes of hexadecimal digits.
///
/// # Errors
/// [`TaggedError`] when the text is anything else.
pub fn from_hex(digits: &str) -> Result<Bytes, TaggedError> {
    let (pairs, rest) = digits.as_bytes().as_chunks::<2>();
    let byte = |pair: &[u8; 2]| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok();
    let bytes: Option<Vec<u8>> = pairs.iter().map(byte).collect();
    bytes.filter(|_| rest.is_empty()).map(Bytes::from).ok_or_else(|| error(digits))
}
