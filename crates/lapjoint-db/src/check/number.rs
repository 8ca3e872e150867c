//! Integers, floats and truth values.

use lapjoint_types::Value;

use super::Refusal;

/// Integers up to this are floats of double precision without loss.
const EXACT: u64 = 1 << 53;

/// An integer between `low` and `high`; `wider` is the type to take for others.
pub(super) fn integer(value: Value, low: i64, high: i64, wider: &str) -> Result<Value, Refusal> {
    let number = match &value {
        Value::Int(number) => Some(*number),
        Value::Bool(flag) => Some(i64::from(*flag)),
        Value::BigInt(_) => None,
        Value::Float(number) => match exact(*number) {
            Some(number) => Some(number),
            None => {
                let reason = "it is not a whole number; round it first, or declare the attribute as float64";
                return Err(Refusal::new(&value, reason));
            }
        },
        Value::Decimal(number) => match number.as_str().parse() {
            Ok(number) => Some(number),
            Err(_) => return Err(Refusal::new(&value, "it is not a whole number; round it first")),
        },
        _ => return Err(Refusal::new(&value, "expected an integer")),
    };
    match number {
        Some(number) if (low..=high).contains(&number) => Ok(Value::Int(number)),
        _ => Err(Refusal::new(
            &value,
            format!("it is outside of {low} to {high}; declare the attribute as {wider}"),
        )),
    }
}

/// The integer that a float is, if it is one.
#[expect(clippy::cast_possible_truncation, reason = "whole and within 2⁵³, which is checked")]
fn exact(number: f64) -> Option<i64> {
    (number.trunc() == number && number.abs() <= EXACT as f64).then_some(number as i64)
}

/// A number as a float of double precision.
fn as_float(value: &Value) -> Result<f64, Refusal> {
    match value {
        Value::Float(number) => Ok(*number),
        Value::Int(number) if number.unsigned_abs() <= EXACT => Ok(*number as f64),
        Value::Int(_) | Value::BigInt(_) => Err(Refusal::new(
            value,
            "no float has this value exactly; declare the attribute as int64 or decimal(n,0)",
        )),
        Value::Bool(flag) => Ok(f64::from(u8::from(*flag))),
        // A decimal that is written as the float prints is that float; any other would be rounded.
        Value::Decimal(number) => match number.as_str().parse::<f64>() {
            Ok(float) if super::decimal::same(number.as_str(), float) => Ok(float),
            _ => Err(Refusal::new(value, "no float has this value exactly; convert it with float() first")),
        },
        _ => Err(Refusal::new(value, "expected a number")),
    }
}

/// A float of double precision; NaN and infinities are values.
pub(super) fn float64(value: Value) -> Result<Value, Refusal> {
    as_float(&value).map(Value::Float)
}

/// The nearest float of single precision.
#[expect(clippy::cast_possible_truncation, reason = "rounding to single precision is what the type means")]
pub(super) fn float32(value: Value) -> Result<Value, Refusal> {
    let double = as_float(&value)?;
    let single = double as f32;
    if double.is_finite() && single.is_infinite() {
        return Err(Refusal::new(&value, "it is beyond ±3.4e38; declare the attribute as float64"));
    }
    Ok(Value::Float(f64::from(single)))
}

/// A truth value.
pub(super) fn boolean(value: Value) -> Result<Value, Refusal> {
    match value {
        Value::Bool(_) => Ok(value),
        Value::Int(0) => Ok(Value::Bool(false)),
        Value::Int(1) => Ok(Value::Bool(true)),
        other => Err(Refusal::new(&other, "expected True, False, 1 or 0")),
    }
}
