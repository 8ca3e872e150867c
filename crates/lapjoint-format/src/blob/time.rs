//! Dates and times as the blob format counts them: decimal digits in integers.

use jiff::civil::{Date, Time};

/// `YYYYMMDD`.
pub(super) fn date_number(date: Date) -> i32 {
    i32::from(date.year()) * 10_000 + i32::from(date.month()) * 100 + i32::from(date.day())
}

/// The date of `YYYYMMDD`, if it exists.
pub(super) fn date_of(number: i32) -> Option<Date> {
    let part = |divisor: i32, modulus: i32| i8::try_from(number / divisor % modulus).ok();
    Date::new(i16::try_from(number / 10_000).ok()?, part(100, 100)?, part(1, 100)?).ok()
}

/// `HHMMSS · 10⁶ + µs`, or `None` when the time is finer than microseconds.
pub(super) fn time_number(time: Time) -> Option<i64> {
    let nanosecond = i64::from(time.subsec_nanosecond());
    let clock = i64::from(time.hour()) * 10_000 + i64::from(time.minute()) * 100 + i64::from(time.second());
    (nanosecond % 1000 == 0).then_some(clock * 1_000_000 + nanosecond / 1000)
}

/// The time of `HHMMSS · 10⁶ + µs`, if it exists.
pub(super) fn time_of(number: i64) -> Option<Time> {
    let clock = number / 1_000_000;
    let part = |divisor: i64, modulus: i64| i8::try_from(clock / divisor % modulus).ok();
    let nanosecond = i32::try_from(number % 1_000_000 * 1000).ok()?;
    let hour = i8::try_from(clock / 10_000).ok()?;
    Time::new(hour, part(100, 100)?, part(1, 100)?, nanosecond).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_back() {
        for date in [Date::constant(1, 1, 1), Date::constant(2024, 3, 9), Date::constant(9999, 12, 31)] {
            assert_eq!(date_of(date_number(date)), Some(date));
        }
        assert_eq!(date_number(Date::constant(2024, 3, 9)), 20_240_309);
        for time in [Time::midnight(), Time::constant(23, 59, 59, 999_999_000), Time::constant(1, 2, 3, 4000)]
        {
            assert_eq!(time_of(time_number(time).unwrap()), Some(time));
        }
        assert_eq!(time_number(Time::constant(0, 0, 0, 1)), None);
        assert_eq!((date_of(20_240_230), date_of(-5), time_of(250_000_000_000)), (None, None, None));
    }
}
