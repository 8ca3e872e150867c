//! `numeric` as the server sends it: groups of four decimal digits, big-endian, all exact.

use std::fmt::Write as _;

/// Digits in a group.
const GROUP_DIGITS: usize = 4;

/// Exponents beyond this are refused before any zeros are written out.
const MAX_EXPONENT: i64 = 1000;

const NEGATIVE: u16 = 0x4000;
const NAN: u16 = 0xC000;
const INFINITY: u16 = 0xD000;
const NEGATIVE_INFINITY: u16 = 0xF000;

/// Most digits after the point that a number can show.
const MAX_SCALE: usize = 16_383;

/// Writes a number given as text; `None` when it is none that the type can hold.
pub(super) fn encode(text: &str, out: &mut Vec<u8>) -> Option<()> {
    let (negative, rest) = match text.as_bytes().first()? {
        b'-' => (true, text.get(1..)?),
        b'+' => (false, text.get(1..)?),
        _ => (false, text),
    };
    let special = match rest.to_ascii_lowercase().as_str() {
        "nan" => Some(NAN),
        "inf" | "infinity" => Some(if negative { NEGATIVE_INFINITY } else { INFINITY }),
        _ => None,
    };
    if let Some(sign) = special {
        return header(0, 0, sign, 0, out);
    }
    let (whole, fraction) = plain(rest)?;
    if fraction.len() > MAX_SCALE {
        return None;
    }
    let scale = u16::try_from(fraction.len()).ok()?;
    // Groups begin at the point: zeros fill them up on both ends.
    let lead = (GROUP_DIGITS - whole.len() % GROUP_DIGITS) % GROUP_DIGITS;
    let tail = (GROUP_DIGITS - fraction.len() % GROUP_DIGITS) % GROUP_DIGITS;
    let digits = format!("{}{whole}{fraction}{}", "0".repeat(lead), "0".repeat(tail));
    let mut weight = i64::try_from((whole.len() + lead) / GROUP_DIGITS).ok()? - 1;
    let (chunks, _) = digits.as_bytes().as_chunks::<GROUP_DIGITS>();
    let mut groups: &[[u8; GROUP_DIGITS]] = chunks;
    while let [[b'0', b'0', b'0', b'0'], rest @ ..] = groups {
        groups = rest;
        weight -= 1;
    }
    while let [rest @ .., [b'0', b'0', b'0', b'0']] = groups {
        groups = rest;
    }
    let sign = if negative && !groups.is_empty() { NEGATIVE } else { 0 };
    let weight = if groups.is_empty() { 0 } else { i16::try_from(weight).ok()? };
    header(u16::try_from(groups.len()).ok()?, weight, sign, scale, out)?;
    for group in groups {
        let number = group.iter().fold(0_u16, |number, digit| number * 10 + u16::from(digit - b'0'));
        out.extend_from_slice(&number.to_be_bytes());
    }
    Some(())
}

fn header(groups: u16, weight: i16, sign: u16, scale: u16, out: &mut Vec<u8>) -> Option<()> {
    out.extend_from_slice(&groups.to_be_bytes());
    out.extend_from_slice(&weight.to_be_bytes());
    out.extend_from_slice(&sign.to_be_bytes());
    out.extend_from_slice(&scale.to_be_bytes());
    Some(())
}

/// Digits before and after the point of an unsigned number with or without an exponent.
fn plain(text: &str) -> Option<(String, String)> {
    let (mantissa, exponent) = match text.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, exponent.parse::<i64>().ok()?),
        None => (text, 0),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let is_digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    if whole.len() + fraction.len() == 0 || !is_digits(whole) || !is_digits(fraction) {
        return None;
    }
    if exponent == 0 {
        return Some((whole.trim_start_matches('0').to_owned(), fraction.to_owned()));
    }
    if exponent.abs() > MAX_EXPONENT {
        return None;
    }
    let mut digits = format!("{whole}{fraction}");
    let mut point = i64::try_from(whole.len()).ok()? + exponent;
    if point < 0 {
        digits.insert_str(0, &"0".repeat(usize::try_from(-point).ok()?));
        point = 0;
    }
    let point = usize::try_from(point).ok()?;
    if point > digits.len() {
        digits.push_str(&"0".repeat(point - digits.len()));
    }
    let (whole, fraction) = digits.split_at_checked(point)?;
    Some((whole.trim_start_matches('0').to_owned(), fraction.to_owned()))
}

/// The text of a number as the server sends it.
pub(super) fn decode(bytes: &[u8]) -> Option<String> {
    let (words, rest) = bytes.as_chunks::<2>();
    if !rest.is_empty() {
        return None;
    }
    let [groups, weight, sign, scale, digits @ ..] = words else { return None };
    let scale = usize::from(u16::from_be_bytes(*scale));
    let weight = i64::from(i16::from_be_bytes(*weight));
    if usize::from(u16::from_be_bytes(*groups)) != digits.len() {
        return None;
    }
    let negative = match u16::from_be_bytes(*sign) {
        NAN => return Some("NaN".to_owned()),
        INFINITY => return Some("Infinity".to_owned()),
        NEGATIVE_INFINITY => return Some("-Infinity".to_owned()),
        0 => false,
        NEGATIVE => true,
        _ => return None,
    };
    let group = |place: i64| {
        let at = usize::try_from(weight - place).ok();
        at.and_then(|at| digits.get(at)).map_or(0, |word| u16::from_be_bytes(*word))
    };
    let mut text = String::with_capacity(digits.len() * GROUP_DIGITS + 8);
    // Writing to a string cannot fail.
    if weight < 0 {
        text.push('0');
    } else {
        let _ = write!(text, "{}", group(weight));
        for place in (0..weight).rev() {
            let _ = write!(text, "{:04}", group(place));
        }
    }
    if scale > 0 {
        text.push('.');
        let end = text.len() + scale;
        let mut place = -1;
        while text.len() < end {
            let _ = write!(text, "{:04}", group(place));
            place -= 1;
        }
        text.truncate(end);
    }
    Some(if negative { format!("-{text}") } else { text })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn comes_back(text: &str, expected: &str) {
        let mut bytes = Vec::new();
        encode(text, &mut bytes).unwrap();
        assert_eq!(decode(&bytes).unwrap(), expected, "{text}");
    }

    #[test]
    fn numbers_come_back_with_all_their_digits() {
        let long = format!("{}.{}", "123456789".repeat(7), "987654321".repeat(7));
        for text in
            ["0", "1", "-1", "0.00", "-1.50", "10000", "9999", "0.0001", "0.00001", "-0.1", "100000000.5"]
        {
            comes_back(text, text);
        }
        comes_back(&long, &long);
        comes_back("+007", "7");
        comes_back("-0.0", "0.0");
        comes_back("1e3", "1000");
        comes_back("1.5E-3", "0.0015");
        comes_back("12e-1", "1.2");
        comes_back("NaN", "NaN");
        comes_back("-inf", "-Infinity");
    }

    #[test]
    fn what_is_no_number_is_refused() {
        for text in ["", "-", ".", "1e", "1e9999999", "x", "1,5", "--1"] {
            assert!(encode(text, &mut Vec::new()).is_none(), "{text}");
        }
        for bytes in [&[][..], &[0, 1, 0, 0, 0, 0, 0, 0], &[0; 7], &[0, 0, 0, 0, 1, 0, 0, 0]] {
            assert!(decode(bytes).is_none(), "{bytes:?}");
        }
    }
}
