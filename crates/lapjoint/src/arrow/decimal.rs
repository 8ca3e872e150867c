//! Decimal numbers as Arrow holds them: a whole number of units of the last digit.

use arrow_buffer::i256;

/// The digits of a number with exactly `scale` digits after the point, as a whole number's text; `None` when that would lose
/// digits, or for what is no number.
fn unscaled(text: &str, scale: u32) -> Option<String> {
    let (sign, text) = match text.strip_prefix('-') {
        Some(rest) => ("-", rest),
        None => ("", text.strip_prefix('+').unwrap_or(text)),
    };
    let (mantissa, exponent) = match text.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, exponent.parse::<i64>().ok()?),
        None => (text, 0),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let mut digits = format!("{whole}{fraction}");
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let behind = i64::try_from(fraction.len()).ok()?.checked_sub(exponent)?;
    let missing = i64::from(scale).checked_sub(behind)?;
    if digits.bytes().all(|byte| byte == b'0') {
        return Some("0".to_owned());
    }
    if missing >= 0 {
        // More zeros than any decimal of Arrow has digits.
        let zeros = usize::try_from(missing).ok().filter(|zeros| *zeros <= 100)?;
        digits.push_str(&"0".repeat(zeros));
    } else {
        for _ in missing..0 {
            if digits.pop()? != '0' {
                return None;
            }
        }
    }
    Some(format!("{sign}{digits}"))
}

fn within(digits: &str, precision: u32) -> bool {
    let significant = digits.trim_start_matches('-').trim_start_matches('0').len();
    u32::try_from(significant).is_ok_and(|count| count <= precision)
}

/// As 128 bits.
pub(super) fn to_i128(text: &str, precision: u32, scale: u32) -> Option<i128> {
    let digits = unscaled(text, scale)?;
    within(&digits, precision).then(|| digits.parse().ok())?
}

/// As 256 bits.
pub(super) fn to_i256(text: &str, precision: u32, scale: u32) -> Option<i256> {
    let digits = unscaled(text, scale)?;
    within(&digits, precision).then(|| i256::from_string(&digits))?
}

/// Digits before and after the point of a number.
pub(super) fn places(text: &str) -> Option<(u32, u32)> {
    let text = text.trim_start_matches(['-', '+']);
    let (mantissa, exponent) = match text.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, exponent.parse::<i64>().ok()?),
        None => (text, 0),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    if !whole.bytes().chain(fraction.bytes()).all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let before = i64::try_from(whole.trim_start_matches('0').len()).ok()?.checked_add(exponent)?;
    let after = i64::try_from(fraction.len()).ok()?.checked_sub(exponent)?;
    Some((u32::try_from(before.max(0)).ok()?, u32::try_from(after.max(0)).ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_are_kept_or_refused() {
        for (text, scale, units) in [
            ("1.50", 2, Some(150)),
            ("-0.07", 2, Some(-7)),
            ("3", 2, Some(300)),
            ("1.500", 2, Some(150)),
            ("1.505", 2, None),
            ("1E+3", 0, Some(1000)),
            ("15e-1", 1, Some(15)),
            ("0.000", 0, Some(0)),
            ("NaN", 2, None),
            ("Infinity", 2, None),
            ("1e999999999", 2, None),
            ("", 2, None),
            ("99999", 2, None),
        ] {
            assert_eq!(to_i128(text, 6, scale), units, "{text}");
            assert_eq!(to_i256(text, 6, scale), units.map(i256::from_i128), "{text}");
        }
        let long = "12345678901234567890123456789012345678901234567890.12";
        assert_eq!(to_i256(long, 52, 2).map(|n| n.to_string()), Some(long.replace('.', "")));
        assert_eq!(places("-012.340"), Some((2, 3)));
        assert_eq!(places("1E+3"), Some((4, 0)));
        assert_eq!(places("NaN"), None);
    }
}
