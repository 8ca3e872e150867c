//! Logical types by what values are.

use lapjoint_types::{CoreType, DType, Kind, LogicalType, NdArray, Value};

use crate::arrow::decimal;
use crate::arrow::scalar::Refused;

/// The type that holds all of the values.
pub(super) fn of_values<'v>(values: impl IntoIterator<Item = &'v Value>) -> Result<LogicalType, Refused> {
    values.into_iter().try_fold(LogicalType::Null, |ty, value| Ok(merge(ty, of(value)?)))
}

fn of(value: &Value) -> Result<LogicalType, Refused> {
    let core = LogicalType::Core;
    Ok(match value {
        Value::Null => LogicalType::Null,
        Value::Bool(_) => core(CoreType::Bool),
        Value::Int(_) => core(CoreType::Int64),
        Value::BigInt(number) => decimal(&number.to_string()),
        Value::Float(_) => core(CoreType::Float64),
        Value::Str(_) => LogicalType::Text,
        Value::Bytes(_) => core(CoreType::Bytes),
        Value::Decimal(number) => decimal(number.as_str()),
        Value::Date(_) => core(CoreType::Date),
        Value::Time(_) => LogicalType::Time,
        Value::DateTime(_) => core(CoreType::DateTime(Some(6))),
        Value::Uuid(_) => core(CoreType::Uuid),
        Value::Json(_) => core(CoreType::Json),
        Value::Tuple(items) | Value::List(items) | Value::Set(items) => list(items)?,
        Value::Dict(pairs) => fields(pairs)?,
        Value::Array(array) => of_array(array),
        Value::ObjectArray(array) if array.shape.len() == 1 => list(&array.elements)?,
        Value::Foreign(object) => {
            return Err(Refused(format!(
                "a value of type {} has no form in a column; let its codec declare `arrow_type`, or leave the attribute out \
                 with proj()",
                object.type_name()
            )));
        }
        _ => LogicalType::Packed,
    })
}

fn decimal(text: &str) -> LogicalType {
    match decimal::places(text) {
        Some((before, after)) if before + after <= 76 => {
            LogicalType::Core(CoreType::Decimal { precision: (before + after).max(1), scale: after })
        }
        _ => LogicalType::Text,
    }
}

fn list(items: &[Value]) -> Result<LogicalType, Refused> {
    Ok(match of_values(items)? {
        LogicalType::Packed => LogicalType::Packed,
        inner => LogicalType::List(Box::new(inner)),
    })
}

fn fields(pairs: &[(Value, Value)]) -> Result<LogicalType, Refused> {
    let mut fields = Vec::with_capacity(pairs.len());
    for (key, value) in pairs {
        let Value::Str(name) = key else { return Ok(LogicalType::Packed) };
        match of(value)? {
            LogicalType::Packed => return Ok(LogicalType::Packed),
            ty => fields.push((name.clone(), ty)),
        }
    }
    Ok(LogicalType::Struct(fields))
}

/// Numbers that Arrow has; a single axis makes a list, several a tensor.
fn of_array(array: &NdArray) -> LogicalType {
    let element = DType::little(array.dtype().kind.clone());
    if !element.is_number() {
        return LogicalType::Packed;
    }
    match array.shape() {
        [] => number(element),
        [_] => LogicalType::List(Box::new(number(element))),
        shape => LogicalType::Tensor {
            element: Some(element),
            shape: Some(shape.iter().map(|size| Some(*size)).collect()),
        },
    }
}

/// A number of numpy: the core type of its name, where there is one.
fn number(element: DType) -> LogicalType {
    element.to_string().parse().unwrap_or(LogicalType::Number(element))
}

/// The type that holds values of both.
pub(super) fn merge(one: LogicalType, other: LogicalType) -> LogicalType {
    use LogicalType::{Core, List, Null, Number, Packed, Struct, Tensor};
    match (one, other) {
        (one, other) if one == other => one,
        (Null, ty) | (ty, Null) => ty,
        (
            Core(CoreType::Decimal { precision: p, scale: s }),
            Core(CoreType::Decimal { precision: q, scale: t }),
        ) => {
            let (before, after) = ((p - s.min(p)).max(q - t.min(q)), s.max(t));
            if before + after > 76 {
                return LogicalType::Text;
            }
            Core(CoreType::Decimal { precision: before + after, scale: after })
        }
        (Core(CoreType::Decimal { precision, scale }), Core(CoreType::Int64))
        | (Core(CoreType::Int64), Core(CoreType::Decimal { precision, scale })) => {
            Core(CoreType::Decimal { precision: precision.max(19 + scale), scale })
        }
        (List(one), List(other)) => match merge(*one, *other) {
            Packed => Packed,
            inner => List(Box::new(inner)),
        },
        (Struct(one), Struct(other)) => merge_fields(one, other),
        (Tensor { element: e, shape: Some(one) }, Tensor { element: f, shape: Some(other) })
            if e == f && one.len() == other.len() =>
        {
            let same = |(one, other): (&Option<usize>, &Option<usize>)| one.filter(|_| one == other);
            Tensor { element: e, shape: Some(one.iter().zip(&other).map(same).collect()) }
        }
        (one @ (Core(_) | Number(_)), other @ (Core(_) | Number(_))) => wider(&one, &other).unwrap_or(Packed),
        _ => Packed,
    }
}

fn merge_fields(one: Vec<(String, LogicalType)>, other: Vec<(String, LogicalType)>) -> LogicalType {
    let mut fields = one;
    for (name, ty) in other {
        match fields.iter_mut().find(|(known, _)| *known == name) {
            Some((_, known)) => match merge(known.clone(), ty) {
                LogicalType::Packed => return LogicalType::Packed,
                merged => *known = merged,
            },
            None => fields.push((name, ty)),
        }
    }
    LogicalType::Struct(fields)
}

/// A number's sign, whether it may have a fraction, and its width in bytes.
fn shape_of(ty: &LogicalType) -> Option<(bool, bool, u8)> {
    Some(match ty {
        LogicalType::Core(CoreType::Int8) => (true, false, 1),
        LogicalType::Core(CoreType::Int16) => (true, false, 2),
        LogicalType::Core(CoreType::Int32) => (true, false, 4),
        LogicalType::Core(CoreType::Int64) => (true, false, 8),
        LogicalType::Core(CoreType::Float32) => (true, true, 4),
        LogicalType::Core(CoreType::Float64) => (true, true, 8),
        LogicalType::Number(dtype) => match dtype.kind {
            Kind::UInt(width) => (false, false, width),
            _ => return None,
        },
        _ => return None,
    })
}

/// The number that holds both numbers.
fn wider(one: &LogicalType, other: &LogicalType) -> Option<LogicalType> {
    let (a, b) = (shape_of(one)?, shape_of(other)?);
    if a.1 || b.1 {
        return Some(LogicalType::Core(CoreType::Float64));
    }
    let width = match (a.0, b.0) {
        (true, true) | (false, false) => a.2.max(b.2),
        (true, false) => a.2.max(b.2.saturating_mul(2)),
        (false, true) => b.2.max(a.2.saturating_mul(2)),
    };
    let signed = a.0 || b.0;
    Some(match (signed, width) {
        (true, 1) => LogicalType::Core(CoreType::Int8),
        (true, 2) => LogicalType::Core(CoreType::Int16),
        (true, 4) => LogicalType::Core(CoreType::Int32),
        (true, 8) => LogicalType::Core(CoreType::Int64),
        (false, width) => LogicalType::Number(DType::little(Kind::UInt(width))),
        _ => return None,
    })
}

/// A type whose arrays may be of other lengths than those seen.
pub(super) fn loosened(ty: LogicalType) -> LogicalType {
    match ty {
        LogicalType::Tensor { element, shape: Some(shape) } => {
            LogicalType::Tensor { element, shape: Some(vec![None; shape.len()]) }
        }
        LogicalType::List(inner) => LogicalType::List(Box::new(loosened(*inner))),
        LogicalType::Struct(fields) => {
            LogicalType::Struct(fields.into_iter().map(|(name, ty)| (name, loosened(ty))).collect())
        }
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of_texts(texts: &[&str]) -> String {
        let types = texts.iter().map(|text| text.parse().unwrap());
        types.reduce(merge).unwrap().to_string()
    }

    #[test]
    fn types_that_differ_become_one_that_holds_both() {
        for (texts, merged) in [
            (&["int8", "int64"][..], "int64"),
            (&["int8", "uint8"], "int16"),
            (&["uint16", "uint32"], "uint32"),
            (&["int64", "float32"], "float64"),
            (&["null", "text"], "text"),
            (&["decimal(4,2)", "decimal(3,3)"], "decimal(5,3)"),
            (&["decimal(4,2)", "int64"], "decimal(21,2)"),
            (&["list<int8>", "list<float64>"], "list<float64>"),
            (&["list<int8>", "list<text>"], "packed"),
            (&["struct<a: int8>", "struct<b: text>"], "struct<a: int8, b: text>"),
            (&["tensor<int8>[2,3]", "tensor<int8>[2,4]"], "tensor<int8>[2,?]"),
            (&["tensor<int8>[2,3]", "tensor<int16>[2,3]"], "packed"),
            (&["int64", "uint64"], "packed"),
            (&["int8", "text"], "packed"),
        ] {
            assert_eq!(of_texts(texts), merged, "{texts:?}");
            let reversed: Vec<_> = texts.iter().rev().copied().collect();
            if !merged.starts_with("struct") {
                assert_eq!(of_texts(&reversed), merged, "{reversed:?}");
            }
        }
    }

    #[test]
    fn values_say_what_they_are() {
        let numbers = NdArray::from_shape_vec(vec![2, 2], vec![1.0f32; 4]).unwrap();
        for (value, ty) in [
            (Value::Tuple(vec![Value::Float(1.5), Value::Int(2)]), "list<float64>"),
            (Value::Array(Box::new(numbers)), "tensor<float32>[2,2]"),
            (Value::Array(Box::new(NdArray::from_vec(vec![1u16]))), "list<uint16>"),
            (Value::Array(Box::new(NdArray::scalar(1i16))), "int16"),
            (Value::Complex(1.0, 0.0), "packed"),
            (Value::Dict(vec![(Value::from("a"), Value::Int(1))]), "struct<a: int64>"),
            (Value::Dict(vec![(Value::Int(1), Value::Int(1))]), "packed"),
            (Value::Decimal("1.50".parse().unwrap()), "decimal(3,2)"),
        ] {
            assert_eq!(of(&value).unwrap().to_string(), ty);
        }
    }
}
