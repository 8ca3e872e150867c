//! Single values as columns hold them.

use std::borrow::Cow;

use arrow_schema::DataType;
use jiff::civil;
use lapjoint_types::{ByteOrder, Kind, NdArray, Order, Value};

use crate::arrow::builder::Builder;
use crate::arrow::decimal;
use crate::arrow::fixed::Fixed;

/// Why a column does not take a value.
#[derive(Debug)]
pub(super) struct Refused(pub String);

impl Refused {
    fn new(value: &Value, what: &str) -> Self {
        Self(format!("a value of type {} is no {what}", value.type_name()))
    }
}

pub(super) fn push_int(column: &mut Fixed, value: &Value) -> Result<(), Refused> {
    let number: i128 = match value {
        Value::Int(number) => (*number).into(),
        Value::BigInt(number) => i128::try_from(&**number).unwrap_or(i128::MAX),
        Value::Decimal(number) => decimal::to_i128(number.as_str(), 38, 0)
            .ok_or_else(|| Refused(format!("{number} is no whole number")))?,
        Value::Array(array) if array.ndim() == 0 => {
            return match item(array) {
                Some(value @ (Value::Int(_) | Value::BigInt(_))) => push_int(column, &value),
                _ => Err(Refused::new(value, "integer")),
            };
        }
        other => return Err(Refused::new(other, "integer")),
    };
    let data_type = column.data_type().clone();
    let outside = |_| Refused(format!("{number} is outside of {data_type}"));
    match data_type {
        DataType::Int8 => column.push(i8::try_from(number).map_err(outside)?),
        DataType::Int16 => column.push(i16::try_from(number).map_err(outside)?),
        DataType::Int32 => column.push(i32::try_from(number).map_err(outside)?),
        DataType::Int64 => column.push(i64::try_from(number).map_err(outside)?),
        DataType::UInt8 => column.push(u8::try_from(number).map_err(outside)?),
        DataType::UInt16 => column.push(u16::try_from(number).map_err(outside)?),
        DataType::UInt32 => column.push(u32::try_from(number).map_err(outside)?),
        DataType::UInt64 => column.push(u64::try_from(number).map_err(outside)?),
        other => return Err(Refused(format!("{other} holds no integers"))),
    }
    Ok(())
}

#[expect(clippy::cast_possible_truncation, reason = "single precision is what the column's type means")]
pub(super) fn push_float(column: &mut Fixed, value: &Value) -> Result<(), Refused> {
    const EXACT: u64 = 1 << 53;
    let number = match value {
        Value::Float(number) => *number,
        Value::Int(number) if number.unsigned_abs() <= EXACT => *number as f64,
        Value::Decimal(number) => {
            number.as_str().parse().map_err(|_| Refused(format!("{number} is no float")))?
        }
        Value::Array(array) if array.ndim() == 0 => match item(array) {
            Some(value @ (Value::Int(_) | Value::Float(_))) => return push_float(column, &value),
            _ => return Err(Refused::new(value, "float")),
        },
        other => return Err(Refused::new(other, "float")),
    };
    match column.data_type() {
        DataType::Float32 => column.push(number as f32),
        DataType::Float64 => column.push(number),
        other => return Err(Refused(format!("{other} takes arrays only"))),
    }
    Ok(())
}

pub(super) fn push_decimal(
    column: &mut Fixed,
    value: &Value,
    precision: u32,
    scale: u32,
) -> Result<(), Refused> {
    let text: Cow<'_, str> = match value {
        Value::Decimal(number) => number.as_str().into(),
        Value::Int(number) => number.to_string().into(),
        Value::BigInt(number) => number.to_string().into(),
        other => return Err(Refused::new(other, "decimal")),
    };
    let outside = || Refused(format!("{text} is outside of decimal({precision},{scale})"));
    if column.data_type().is_decimal() && matches!(column.data_type(), DataType::Decimal128(..)) {
        column.push(decimal::to_i128(&text, precision, scale).ok_or_else(outside)?);
    } else {
        column.push(decimal::to_i256(&text, precision, scale).ok_or_else(outside)?);
    }
    Ok(())
}

pub(super) fn boolean(value: &Value) -> Result<bool, Refused> {
    match value {
        Value::Bool(flag) => Ok(*flag),
        Value::Int(flag @ (0 | 1)) => Ok(*flag == 1),
        Value::Array(array) if array.ndim() == 0 => match item(array) {
            Some(Value::Bool(flag)) => Ok(flag),
            _ => Err(Refused::new(value, "bool")),
        },
        other => Err(Refused::new(other, "bool")),
    }
}

pub(super) fn text(value: &Value) -> Result<Cow<'_, str>, Refused> {
    Ok(match value {
        Value::Str(text) => text.as_str().into(),
        Value::Decimal(number) => number.as_str().into(),
        Value::Bool(flag) => flag.to_string().into(),
        Value::Int(number) => number.to_string().into(),
        Value::BigInt(number) => number.to_string().into(),
        Value::Float(number) => format!("{number:?}").into(),
        Value::Date(date) => date.to_string().into(),
        Value::Time(time) => time.to_string().into(),
        Value::DateTime(moment) => moment.to_string().replacen('T', " ", 1).into(),
        Value::Uuid(id) => id.hyphenated().to_string().into(),
        Value::Json(document) => document.to_string().into(),
        other => return Err(Refused::new(other, "text")),
    })
}

pub(super) fn json(value: &Value) -> Result<String, Refused> {
    match value {
        Value::Json(document) => Ok(document.to_string()),
        other => Err(Refused::new(other, "json")),
    }
}

/// Days since 1970, in the calendar of today carried back.
pub(super) fn days(date: civil::Date) -> i32 {
    // Years begin in March, so that a leap day is a year's last; eras of 400 years have 146,097 days.
    let month = i32::from(date.month());
    let year = i32::from(date.year()) - i32::from(month <= 2);
    let era = year.div_euclid(400);
    let of_era = year.rem_euclid(400);
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + i32::from(date.day()) - 1;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
}

pub(super) fn micros_of_day(time: civil::Time) -> i64 {
    let seconds = (i64::from(time.hour()) * 60 + i64::from(time.minute())) * 60 + i64::from(time.second());
    seconds * 1_000_000 + i64::from(time.subsec_nanosecond()) / 1000
}

/// Microseconds since 1970.
pub(super) fn micros(moment: civil::DateTime) -> i64 {
    i64::from(days(moment.date())) * 86_400_000_000 + micros_of_day(moment.time())
}

/// The number of a numpy scalar.
pub(super) fn item(array: &NdArray) -> Option<Value> {
    let swapped;
    let bytes: &[u8] = match array.dtype().order {
        ByteOrder::Little => array.data(),
        ByteOrder::Big => {
            swapped = array.data().iter().rev().copied().collect::<Vec<_>>();
            &swapped
        }
    };
    let whole = |number: u64| {
        i64::try_from(number).map_or_else(|_| Value::BigInt(Box::new(number.into())), Value::Int)
    };
    Some(match array.dtype().kind {
        Kind::Bool => Value::Bool(bytes.first().is_some_and(|byte| *byte != 0)),
        Kind::Int(1) => Value::Int(i8::from_le_bytes(bytes.try_into().ok()?).into()),
        Kind::Int(2) => Value::Int(i16::from_le_bytes(bytes.try_into().ok()?).into()),
        Kind::Int(4) => Value::Int(i32::from_le_bytes(bytes.try_into().ok()?).into()),
        Kind::Int(8) => Value::Int(i64::from_le_bytes(bytes.try_into().ok()?)),
        Kind::UInt(1) => Value::Int(u8::from_le_bytes(bytes.try_into().ok()?).into()),
        Kind::UInt(2) => Value::Int(u16::from_le_bytes(bytes.try_into().ok()?).into()),
        Kind::UInt(4) => Value::Int(u32::from_le_bytes(bytes.try_into().ok()?).into()),
        Kind::UInt(8) => whole(u64::from_le_bytes(bytes.try_into().ok()?)),
        Kind::Float(4) => Value::Float(f32::from_le_bytes(bytes.try_into().ok()?).into()),
        Kind::Float(8) => Value::Float(f64::from_le_bytes(bytes.try_into().ok()?)),
        _ => return None,
    })
}

/// Appends the elements of an array, in rows, to a column of numbers: as they are where the types agree, else one by one.
pub(super) fn extend(column: &mut Builder, array: &NdArray) -> Result<(), Refused> {
    let array = array.to_order(Order::C);
    let dtype = array.dtype();
    let agrees = |data_type: &DataType| {
        dtype.order == ByteOrder::Little
            && cfg!(target_endian = "little")
            && super::types::of_number(dtype) == *data_type
    };
    match column {
        Builder::Int(fixed) | Builder::Float(fixed) if agrees(fixed.data_type()) => {
            fixed.extend(array.data());
            Ok(())
        }
        column => {
            let size = dtype.item_bytes();
            if size == 0 {
                return Err(Refused(format!("an array of type {dtype} has no numbers")));
            }
            for number in array.data().chunks_exact(size) {
                let single =
                    NdArray::new(dtype.clone(), Vec::new(), Order::C, bytes::Bytes::copy_from_slice(number));
                let single = single.map_err(|error| Refused(error.to_string()))?;
                column.push(&Value::Array(Box::new(single)))?;
            }
            Ok(())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_counted_as_the_calendar_has_them() {
        let epoch = civil::date(1970, 1, 1);
        for date in [
            epoch,
            civil::date(1969, 12, 31),
            civil::date(2000, 2, 29),
            civil::date(1900, 3, 1),
            civil::date(1, 1, 1),
            civil::date(9999, 12, 31),
        ] {
            let span = date.since((jiff::Unit::Day, epoch)).unwrap();
            assert_eq!(days(date), span.get_days(), "{date}");
        }
        let moment = civil::date(1969, 12, 31).at(23, 59, 59, 999_999_000);
        assert_eq!(micros(moment), -1);
    }
}
