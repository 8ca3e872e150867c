//! Decimals: exact, with all digits of their scale.

use lapjoint_types::{Decimal, Value};

use super::Refusal;

/// Exponents beyond this are refused before any zeros are written out.
const MAX_EXPONENT: i64 = 400;

/// A number as plain digits: sign, whole part without leading zeros, fraction without trailing zeros.
struct Digits {
    negative: bool,
    whole: String,
    fraction: String,
}

impl Digits {
    /// Reads `[sign]digits[.digits][e[sign]digits]`.
    fn parse(text: &str) -> Option<Self> {
        let (negative, rest) = match text.as_bytes().first()? {
            b'-' => (true, text.get(1..)?),
            b'+' => (false, text.get(1..)?),
            _ => (false, text),
        };
        let (mantissa, exponent) = match rest.split_once(['e', 'E']) {
            Some((mantissa, exponent)) => (mantissa, exponent.parse::<i64>().ok()?),
            None => (rest, 0),
        };
        if exponent.abs() > MAX_EXPONENT {
            return None;
        }
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let digits = format!("{whole}{fraction}");
        if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        let point = i64::try_from(whole.len()).ok()? + exponent;
        let length = i64::try_from(digits.len()).ok()?;
        let (whole, fraction) = if point <= 0 {
            let zeros = usize::try_from(-point).ok()?;
            (String::new(), format!("{}{digits}", "0".repeat(zeros)))
        } else if point >= length {
            let zeros = usize::try_from(point - length).ok()?;
            (format!("{digits}{}", "0".repeat(zeros)), String::new())
        } else {
            let (whole, fraction) = digits.split_at(usize::try_from(point).ok()?);
            (whole.to_owned(), fraction.to_owned())
        };
        Some(Self {
            negative,
            whole: whole.trim_start_matches('0').to_owned(),
            fraction: fraction.trim_end_matches('0').to_owned(),
        })
    }

    fn is_zero(&self) -> bool {
        self.whole.is_empty() && self.fraction.is_empty()
    }
}

/// Whether a decimal's text is the float's value, as the float prints.
pub(super) fn same(text: &str, float: f64) -> bool {
    let shortest = format!("{float:?}");
    match (Digits::parse(text), Digits::parse(&shortest)) {
        (Some(a), Some(b)) => {
            a.whole == b.whole && a.fraction == b.fraction && (a.negative == b.negative || a.is_zero())
        }
        // NaN and infinities.
        _ => !float.is_finite(),
    }
}

/// An exact number of at most `precision` digits, `scale` of them after the point, all of which are written.
pub(super) fn decimal(value: Value, precision: u32, scale: u32) -> Result<Value, Refusal> {
    let text = match &value {
        Value::Decimal(number) => number.as_str().to_owned(),
        Value::Int(number) => number.to_string(),
        Value::BigInt(number) => number.to_string(),
        Value::Bool(flag) => u8::from(*flag).to_string(),
        // The shortest text that is the float: what people see when they print it.
        Value::Float(number) => format!("{number:?}"),
        Value::Str(text) => text.trim().to_owned(),
        _ => return Err(Refusal::new(&value, "expected a decimal number")),
    };
    let digits =
        Digits::parse(&text).ok_or_else(|| Refusal::new(&value, "expected a finite decimal number"))?;
    let room = |count: u32| usize::try_from(count).unwrap_or(usize::MAX);
    let (scale_digits, whole_digits) = (room(scale), room(precision.saturating_sub(scale)));
    if digits.fraction.len() > scale_digits {
        return Err(Refusal::new(
            &value,
            format!(
                "it has {} digits after the point; round it to {scale}, or declare the attribute as decimal({},{})",
                digits.fraction.len(),
                whole_digits + digits.fraction.len(),
                digits.fraction.len()
            ),
        ));
    }
    if digits.whole.len() > whole_digits {
        return Err(Refusal::new(
            &value,
            format!(
                "it has {} digits before the point; declare the attribute as decimal({},{scale})",
                digits.whole.len(),
                digits.whole.len() + scale_digits
            ),
        ));
    }
    let sign = if digits.negative && !digits.is_zero() { "-" } else { "" };
    let whole = if digits.whole.is_empty() { "0" } else { &digits.whole };
    let canonical = if scale_digits == 0 {
        format!("{sign}{whole}")
    } else {
        format!("{sign}{whole}.{:0<scale_digits$}", digits.fraction)
    };
    match &value {
        // Already in its form: nothing to build.
        Value::Decimal(number) if number.as_str() == canonical => Ok(value),
        _ => canonical
            .parse::<Decimal>()
            .map(Value::Decimal)
            .map_err(|error| Refusal::new(&value, error.to_string())),
    }
}
