//! Times as DataJoint writes them into JSON.

use jiff::Timestamp;
use jiff::tz::TimeZone;

/// The present, as Python's `datetime.now(timezone.utc).isoformat()`: `2024-01-02T03:04:05.678901+00:00`.
#[must_use]
pub fn iso_utc_now() -> String {
    iso_utc(Timestamp::now())
}

/// A moment, as Python's `isoformat()` of a `datetime` in UTC: microseconds, which are left out when zero.
#[must_use]
pub fn iso_utc(moment: Timestamp) -> String {
    let civil = TimeZone::UTC.to_datetime(moment);
    let seconds = format!(
        "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}",
        civil.year(),
        civil.month(),
        civil.day(),
        civil.hour(),
        civil.minute(),
        civil.second()
    );
    match civil.subsec_nanosecond() / 1000 {
        0 => format!("{seconds}+00:00"),
        micros => format!("{seconds}.{micros:06}+00:00"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_like_python() {
        let moment = |text: &str| text.parse::<Timestamp>().unwrap();
        assert_eq!(iso_utc(moment("2024-01-02T03:04:05.000678Z")), "2024-01-02T03:04:05.000678+00:00");
        assert_eq!(iso_utc(moment("2024-01-02T03:04:05Z")), "2024-01-02T03:04:05+00:00");
    }
}
