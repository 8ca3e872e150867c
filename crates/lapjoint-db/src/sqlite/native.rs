//! Types of MySQL that definitions pass through, as SQLite holds them. SQLite finds only an affinity in such a name; what the
//! value is meant to be is kept here.

use bytes::Bytes;
use lapjoint_types::{CoreType, Value};
use rusqlite::types::ValueRef;

use crate::check;

/// Digits that a double holds exactly: SQLite turns the text of a native decimal into one.
const EXACT_DIGITS: u32 = 15;

/// What a native type means, as far as values need to know it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Meaning {
    /// Raw bytes.
    Binary,
    /// A decimal number with digits after the point.
    Decimal { precision: u32, scale: u32 },
    /// Date and time.
    Moment,
    /// Time of the day.
    Time,
    /// Whatever SQLite makes of it.
    Other,
}

fn meaning(ty: &str) -> Meaning {
    let ty = ty.trim().to_ascii_lowercase();
    let (name, rest) = ty.split_at(ty.find(|c: char| !c.is_ascii_alphanumeric()).unwrap_or(ty.len()));
    match name {
        "blob" | "tinyblob" | "mediumblob" | "longblob" | "binary" | "varbinary" => Meaning::Binary,
        "timestamp" => Meaning::Moment,
        "time" => Meaning::Time,
        "decimal" | "numeric" | "dec" | "fixed" => {
            let arguments = rest.trim_start().strip_prefix('(').and_then(|rest| rest.split(')').next());
            let mut numbers = arguments.unwrap_or("10").split(',').map(|n| n.trim().parse().ok());
            let precision = numbers.next().flatten().unwrap_or(10);
            Meaning::Decimal { precision, scale: numbers.next().flatten().unwrap_or(0) }
        }
        _ => Meaning::Other,
    }
}

/// The value in the form in which a column of this type holds it, or why it cannot.
pub(super) fn canonical(value: Value, ty: &str) -> Result<Value, String> {
    let value = check::plain(value);
    let as_core =
        |value: Value, core: &CoreType| check::normalise(value, core).map_err(|refusal| refusal.reason);
    match (meaning(ty), value) {
        (_, Value::Null) => Ok(Value::Null),
        (Meaning::Binary, value @ Value::Bytes(_)) => Ok(value),
        (Meaning::Binary, _) => Err("a native binary type holds raw bytes and packs nothing; declare the attribute as \
                                     `<blob>` to store any value, or give it bytes"
            .to_owned()),
        (Meaning::Decimal { precision, scale }, value) if precision <= EXACT_DIGITS => {
            as_core(value, &CoreType::Decimal { precision, scale })
        }
        (Meaning::Decimal { precision, scale }, _) => Err(format!(
            "SQLite holds {EXACT_DIGITS} digits of a native decimal; declare the attribute as decimal({precision},{scale})"
        )),
        (Meaning::Moment, value) => as_core(value, &CoreType::DateTime(Some(6))),
        (Meaning::Time, Value::Time(time)) => Ok(Value::Str(time.to_string())),
        (_, value @ (Value::Int(_) | Value::Str(_) | Value::Bytes(_) | Value::Bool(_))) => Ok(value),
        (_, Value::Float(number)) if number.is_nan() => {
            Err("SQLite would store NaN as NULL; declare the attribute as float64".to_owned())
        }
        (_, value @ Value::Float(_)) => Ok(value),
        _ => Err("SQLite's own types hold int, float, bool, str and bytes; declare the attribute with a core type or a \
                  codec"
            .to_owned()),
    }
}

/// The value that a column of this type holds.
pub(super) fn decode(stored: ValueRef<'_>, ty: &str) -> Option<Value> {
    Some(match (stored, meaning(ty)) {
        (ValueRef::Null, _) => Value::Null,
        (ValueRef::Integer(number), Meaning::Decimal { scale, .. }) => {
            let zeros = usize::try_from(scale).ok()?;
            let text =
                if zeros == 0 { number.to_string() } else { format!("{number}.{}", "0".repeat(zeros)) };
            Value::Decimal(text.parse().ok()?)
        }
        (ValueRef::Real(number), Meaning::Decimal { scale, .. }) => {
            Value::Decimal(format!("{number:.*}", usize::try_from(scale).ok()?).parse().ok()?)
        }
        (ValueRef::Integer(number), _) => Value::Int(number),
        (ValueRef::Real(number), _) => Value::Float(number),
        (ValueRef::Blob(bytes), _) => Value::Bytes(Bytes::copy_from_slice(bytes)),
        (ValueRef::Text(text), meaning) => {
            let text = std::str::from_utf8(text).ok()?;
            let plain = || Value::Str(text.to_owned());
            match meaning {
                Meaning::Moment => check::parse_datetime(text).map_or_else(plain, Value::DateTime),
                Meaning::Time => text.parse().map_or_else(|_| plain(), Value::Time),
                _ => plain(),
            }
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_mean_what_they_mean_to_mysql() {
        assert_eq!(meaning("LONGBLOB"), Meaning::Binary);
        assert_eq!(meaning("decimal(2, 2) unsigned"), Meaning::Decimal { precision: 2, scale: 2 });
        assert_eq!(meaning("decimal(5)"), Meaning::Decimal { precision: 5, scale: 0 });
        assert_eq!(meaning("timestamp(3)"), Meaning::Moment);
        assert_eq!(meaning("int unsigned"), Meaning::Other);
    }

    #[test]
    fn decimals_come_back_with_their_scale() {
        for (stored, shown) in [(ValueRef::Real(0.25), "0.25"), (ValueRef::Integer(3), "3.00")] {
            let decoded = decode(stored, "decimal(6,2)");
            assert!(
                matches!(&decoded, Some(Value::Decimal(number)) if number.as_str() == shown),
                "{decoded:?}"
            );
        }
    }
}
