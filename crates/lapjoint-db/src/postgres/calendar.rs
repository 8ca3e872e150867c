//! Days and microseconds since 2000-01-01, as the server counts them.

use jiff::civil::{Date, DateTime, Time};

/// Days from the year 0, March 1st, in which the arithmetic is done, to 2000-01-01.
const EPOCH_DAYS: i32 = 730_425;

const DAYS_OF_400_YEARS: i32 = 146_097;

pub(super) const MICROS_OF_DAY: i64 = 86_400_000_000;

/// Days from 2000-01-01 to a date.
pub(super) fn days(date: Date) -> i32 {
    // The year begins in March, so that a leap day is its last.
    let (year, month, day) = (i32::from(date.year()), i32::from(date.month()), i32::from(date.day()));
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era * DAYS_OF_400_YEARS + day_of_era - EPOCH_DAYS
}

/// The date so many days from 2000-01-01; `None` outside of the years 1 to 9999.
pub(super) fn date(days: i32) -> Option<Date> {
    let days = days.checked_add(EPOCH_DAYS)?;
    let era = days.div_euclid(DAYS_OF_400_YEARS);
    let day_of_era = days.rem_euclid(DAYS_OF_400_YEARS);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted + 2) / 5 + 1;
    let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
    let year = year_of_era + era * 400 + i32::from(month <= 2);
    if !(1..=9999).contains(&year) {
        return None;
    }
    Date::new(i16::try_from(year).ok()?, i8::try_from(month).ok()?, i8::try_from(day).ok()?).ok()
}

/// Microseconds from midnight; `None` for a time that is finer.
pub(super) fn micros_of_day(time: Time) -> Option<i64> {
    let nanos = i64::from(time.subsec_nanosecond());
    let seconds = (i64::from(time.hour()) * 60 + i64::from(time.minute())) * 60 + i64::from(time.second());
    (nanos % 1000 == 0).then_some(seconds * 1_000_000 + nanos / 1000)
}

/// The time so many microseconds after midnight; `None` where the day has no such time.
pub(super) fn time(micros: i64) -> Option<Time> {
    if !(0..MICROS_OF_DAY).contains(&micros) {
        return None;
    }
    let seconds = micros / 1_000_000;
    Time::new(
        i8::try_from(seconds / 3600).ok()?,
        i8::try_from(seconds / 60 % 60).ok()?,
        i8::try_from(seconds % 60).ok()?,
        i32::try_from(micros % 1_000_000 * 1000).ok()?,
    )
    .ok()
}

/// Microseconds from 2000-01-01 00:00.
pub(super) fn micros(moment: DateTime) -> Option<i64> {
    Some(i64::from(days(moment.date())) * MICROS_OF_DAY + micros_of_day(moment.time())?)
}

/// The moment so many microseconds from 2000-01-01 00:00; `None` outside of the years 1 to 9999.
pub(super) fn moment(micros: i64) -> Option<DateTime> {
    let day = i32::try_from(micros.div_euclid(MICROS_OF_DAY)).ok()?;
    Some(date(day)?.to_datetime(time(micros.rem_euclid(MICROS_OF_DAY))?))
}

#[cfg(test)]
mod tests {
    use jiff::civil;

    use super::*;

    #[test]
    fn every_day_of_the_calendar_has_its_number() {
        let mut day = civil::date(1, 1, 1);
        let mut number = days(day);
        assert_eq!(days(civil::date(2000, 1, 1)), 0);
        assert_eq!(days(civil::date(1970, 1, 1)), -10_957);
        loop {
            assert_eq!((days(day), date(number)), (number, Some(day)));
            if day == civil::date(9999, 12, 31) {
                break;
            }
            day = day.tomorrow().unwrap();
            number += 1;
        }
        assert_eq!((date(number + 1), date(days(civil::date(1, 1, 1)) - 1)), (None, None));
        assert_eq!((date(i32::MAX), date(i32::MIN)), (None, None));
    }

    #[test]
    fn moments_keep_their_microseconds() {
        for text in ["0001-01-01T00:00:00", "9999-12-31T23:59:59.999999", "1999-12-31T23:59:59.000001"] {
            let then: DateTime = text.parse().unwrap();
            assert_eq!(moment(micros(then).unwrap()), Some(then), "{text}");
        }
        assert_eq!(micros("2000-01-01T00:00:00.000000001".parse().unwrap()), None);
        assert_eq!((moment(i64::MAX), moment(i64::MIN), time(MICROS_OF_DAY)), (None, None, None));
    }
}
