//! Dates and times without a time zone, down to microseconds.

use jiff::civil::{Date, DateTime, Time};
use lapjoint_types::{ByteOrder, Kind, NdArray, TimeUnit, Value};

use super::Refusal;

const MICRO: i32 = 1000;

/// `YYYY-MM-DD HH:MM:SS[.ffffff]`: no fraction where there is none, and no zeros at its end.
#[must_use]
pub fn format_datetime(moment: DateTime) -> String {
    let (date, time) = (moment.date(), moment.time());
    let mut text = format!("{date} {:02}:{:02}:{:02}", time.hour(), time.minute(), time.second());
    let micros = time.subsec_nanosecond() / MICRO;
    if micros > 0 {
        let digits = format!("{micros:06}");
        text.push('.');
        text.push_str(digits.trim_end_matches('0'));
    }
    text
}

/// A date and time with `T` or a blank between them, or a date alone (midnight). `None` for anything else, and for
/// a text with a time zone.
#[must_use]
pub fn parse_datetime(text: &str) -> Option<DateTime> {
    let text = text.trim();
    let (date, time) = match text.split_once([' ', 'T', 't']) {
        Some((date, time)) => (date, Some(time)),
        None => (text, None),
    };
    let date: Date = date.parse().ok()?;
    let time = match time {
        // jiff would take an offset and drop it.
        Some(time) if time.bytes().all(|byte| byte.is_ascii_digit() || byte == b':' || byte == b'.') => {
            time.parse::<Time>().ok()?
        }
        Some(_) => return None,
        None => Time::midnight(),
    };
    Some(date.to_datetime(time))
}

fn in_range(value: &Value, date: Date) -> Result<(), Refusal> {
    if (1..=9999).contains(&date.year()) {
        return Ok(());
    }
    Err(Refusal::new(value, "the year must be between 1 and 9999"))
}

/// A date.
pub(super) fn date(value: Value) -> Result<Value, Refusal> {
    let date = match &value {
        Value::Date(date) => *date,
        Value::DateTime(moment) if moment.time() == Time::midnight() => moment.date(),
        Value::DateTime(_) => {
            let reason = "it has a time of day; take its date, or declare the attribute as datetime";
            return Err(Refusal::new(&value, reason));
        }
        Value::Str(text) => match parse_datetime(text) {
            Some(moment) if moment.time() == Time::midnight() => moment.date(),
            _ => return Err(Refusal::new(&value, "expected a date as YYYY-MM-DD")),
        },
        _ => return Err(Refusal::new(&value, "expected a date, or its text as YYYY-MM-DD")),
    };
    in_range(&value, date)?;
    Ok(Value::Date(date))
}

/// A date and time with at most `digits` digits of fractional seconds (6 unless declared).
pub(super) fn datetime(value: Value, digits: Option<u8>) -> Result<Value, Refusal> {
    let moment = match &value {
        Value::DateTime(moment) => *moment,
        Value::Date(date) => date.to_datetime(Time::midnight()),
        Value::Str(text) => parse_datetime(text).ok_or_else(|| {
            let zone = text.trim_end().ends_with(['Z', 'z'])
                || text.get(11..).is_some_and(|t| t.contains(['+', '-']));
            let reason = if zone {
                "it has a time zone, which the type does not keep; convert it to UTC and remove the zone"
            } else {
                "expected a date and time as YYYY-MM-DD HH:MM:SS[.ffffff]"
            };
            Refusal::new(&value, reason)
        })?,
        _ => {
            let reason = "expected a date and time, or its text as YYYY-MM-DD HH:MM:SS[.ffffff]";
            return Err(Refusal::new(&value, reason));
        }
    };
    in_range(&value, moment.date())?;
    let nanos = moment.subsec_nanosecond();
    if nanos % MICRO != 0 {
        return Err(Refusal::new(&value, "it is finer than microseconds; round it first"));
    }
    let digits = u32::from(digits.unwrap_or(6).min(6));
    if nanos / MICRO % 10i32.pow(6 - digits) != 0 {
        return Err(Refusal::new(
            &value,
            format!(
                "it has more than {digits} digits of fractional seconds; round it, or declare datetime(6)"
            ),
        ));
    }
    Ok(Value::DateTime(moment))
}

/// The date and time of a numpy `datetime64` scalar, if it is one that a datetime can hold.
pub(super) fn of_numpy(array: &NdArray) -> Option<Value> {
    let Kind::DateTime { unit, count } = array.dtype().kind else { return None };
    let bytes = *array.data().first_chunk::<8>()?;
    let ticks = match array.dtype().order {
        ByteOrder::Little => i64::from_le_bytes(bytes),
        ByteOrder::Big => i64::from_be_bytes(bytes),
    };
    // NaT stays what it is, and is refused by its type.
    if ticks == i64::MIN {
        return None;
    }
    let ticks = i128::from(ticks) * i128::from(count);
    let nanos_per_second = 1_000_000_000i128;
    let nanos = match unit {
        TimeUnit::Year | TimeUnit::Month => {
            let months = if unit == TimeUnit::Year { ticks.checked_mul(12)? } else { ticks };
            let year = i16::try_from(1970 + months.div_euclid(12)).ok()?;
            let month = i8::try_from(months.rem_euclid(12) + 1).ok()?;
            return Some(Value::DateTime(Date::new(year, month, 1).ok()?.to_datetime(Time::midnight())));
        }
        TimeUnit::Week => ticks * 7 * 86_400 * nanos_per_second,
        TimeUnit::Day => ticks * 86_400 * nanos_per_second,
        TimeUnit::Hour => ticks * 3600 * nanos_per_second,
        TimeUnit::Minute => ticks * 60 * nanos_per_second,
        TimeUnit::Second => ticks * nanos_per_second,
        TimeUnit::Milli => ticks * 1_000_000,
        TimeUnit::Micro => ticks * 1000,
        TimeUnit::Nano => ticks,
        // Finer units fit only where they are whole nanoseconds.
        TimeUnit::Pico => exact(ticks, 1000)?,
        TimeUnit::Femto => exact(ticks, 1_000_000)?,
        TimeUnit::Atto => exact(ticks, 1_000_000_000)?,
        TimeUnit::Generic => return None,
    };
    let seconds = i64::try_from(nanos.div_euclid(nanos_per_second)).ok()?;
    let rest = i32::try_from(nanos.rem_euclid(nanos_per_second)).ok()?;
    let moment = jiff::Timestamp::new(seconds, rest).ok()?.to_zoned(jiff::tz::TimeZone::UTC).datetime();
    Some(Value::DateTime(moment))
}

fn exact(ticks: i128, divisor: i128) -> Option<i128> {
    (ticks % divisor == 0).then_some(ticks / divisor)
}
