//! Values of types that only some databases have, and values that come as text.

use lapjoint_types::Value;
use mysql::Value as Wire;
use num_bigint::BigInt;

use crate::mysql::types::utf8;

/// A whole number.
pub(super) fn whole(stored: &Wire) -> Option<Value> {
    match stored {
        Wire::Int(number) => Some(Value::Int(*number)),
        Wire::UInt(number) => Some(big(BigInt::from(*number))),
        Wire::Bytes(_) => utf8(stored)?.parse().ok().map(big),
        _ => None,
    }
}

fn big(number: BigInt) -> Value {
    Value::from(number)
}

/// A time of the day; MySQL's `TIME` goes beyond, and is then a text.
pub(super) fn time(stored: &Wire) -> Option<Value> {
    let (negative, days, hours, minutes, seconds, micros) = match stored {
        Wire::Time(negative, days, hours, minutes, seconds, micros) => {
            (*negative, *days, *hours, *minutes, *seconds, *micros)
        }
        Wire::Bytes(_) => {
            let text = utf8(stored)?;
            return Some(text.parse().map_or_else(|_| Value::Str(text.to_owned()), Value::Time));
        }
        _ => return None,
    };
    if !negative && days == 0 && hours < 24 {
        let part = |number: u8| i8::try_from(number).ok();
        let nanos = i32::try_from(micros).ok()?.checked_mul(1000)?;
        let time = jiff::civil::Time::new(part(hours)?, part(minutes)?, part(seconds)?, nanos).ok()?;
        return Some(Value::Time(time));
    }
    let hours = u64::from(days) * 24 + u64::from(hours);
    let sign = if negative { "-" } else { "" };
    let mut text = format!("{sign}{hours:02}:{minutes:02}:{seconds:02}");
    if micros > 0 {
        text.push_str(format!(".{micros:06}").trim_end_matches('0'));
    }
    Some(Value::Str(text))
}

/// Bits as a number.
pub(super) fn bits(stored: &Wire) -> Option<Value> {
    match stored {
        Wire::Bytes(bytes) => Some(big(BigInt::from_bytes_be(num_bigint::Sign::Plus, bytes))),
        other => whole(other),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_beyond_a_day_are_texts() {
        let shown =
            |negative, days, hours, micros| time(&Wire::Time(negative, days, hours, 4, 5, micros)).unwrap();
        assert_eq!(shown(false, 0, 3, 500_000), Value::Time(jiff::civil::time(3, 4, 5, 500_000_000)));
        assert_eq!(shown(false, 34, 22, 0), Value::Str("838:04:05".into()));
        assert_eq!(shown(true, 0, 3, 120_000), Value::Str("-03:04:05.12".into()));
    }

    #[test]
    fn numbers_beyond_64_bits_stay_exact() {
        assert_eq!(whole(&Wire::UInt(7)), Some(Value::Int(7)));
        assert_eq!(whole(&Wire::UInt(u64::MAX)), Some(Value::from(BigInt::from(u64::MAX))));
        assert_eq!(bits(&Wire::Bytes(vec![1, 0])), Some(Value::Int(256)));
    }
}
