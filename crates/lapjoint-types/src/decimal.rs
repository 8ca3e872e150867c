//! Exact decimal numbers as text.

use std::fmt;
use std::str::FromStr;

/// An exact decimal number, kept as the text it was written in (`1.50` stays `1.50`).
///
/// The grammar is Python's `str(decimal.Decimal)`: optional sign, digits with an optional point, an optional
/// exponent, or `NaN`, `sNaN`, `Infinity`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Decimal(Box<str>);

/// The text is not a decimal number.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a decimal number")]
pub struct ParseDecimalError(String);

impl Decimal {
    /// The number's text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether this is a number, not NaN or an infinity.
    #[must_use]
    pub fn is_finite(&self) -> bool {
        self.0.bytes().any(|byte| byte.is_ascii_digit()) && !self.0.contains(['N', 'n'])
    }
}

impl FromStr for Decimal {
    type Err = ParseDecimalError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let fail = || ParseDecimalError(text.chars().take(80).collect());
        let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
        let lower = unsigned.to_ascii_lowercase();
        let is_nan = |tag: &str| {
            lower.strip_prefix(tag).is_some_and(|digits| digits.bytes().all(|b| b.is_ascii_digit()))
        };
        if lower == "infinity" || lower == "inf" || is_nan("nan") || is_nan("snan") {
            return Ok(Self(text.into()));
        }
        let (mantissa, exponent) = match lower.split_once('e') {
            Some((mantissa, exponent)) => (mantissa, Some(exponent)),
            None => (lower.as_str(), None),
        };
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let digits = |part: &str| part.bytes().all(|b| b.is_ascii_digit());
        if whole.len() + fraction.len() == 0 || !digits(whole) || !digits(fraction) {
            return Err(fail());
        }
        if let Some(exponent) = exponent {
            let exponent = exponent.strip_prefix(['+', '-']).unwrap_or(exponent);
            if exponent.is_empty() || !digits(exponent) {
                return Err(fail());
            }
        }
        Ok(Self(text.into()))
    }
}

impl fmt::Display for Decimal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_kept_and_checked() {
        for good in ["1.50", "-0", "+.5", "5.", "1E+3", "1e-30", "NaN", "sNaN12", "-Infinity"] {
            assert_eq!(good.parse::<Decimal>().unwrap().as_str(), good);
        }
        for bad in ["", ".", "1.2.3", "1e", "--1", "0x1", "1 ", "nano"] {
            assert!(bad.parse::<Decimal>().is_err(), "{bad}");
        }
    }
}
