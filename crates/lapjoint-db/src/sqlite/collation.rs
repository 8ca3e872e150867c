//! Exact comparison of decimal numbers that are stored as text.

use std::cmp::Ordering;

/// Name of the collation; SQLite's own `decimal` extension gives a collation of this name the same meaning.
pub(crate) const NAME: &str = "DECIMAL";

/// A decimal number: `0.d₁d₂… × 10^point`, without leading or trailing zeros.
struct Parts<'t> {
    negative: bool,
    whole: &'t [u8],
    fraction: &'t [u8],
    exponent: i64,
}

fn parse(text: &str) -> Option<Parts<'_>> {
    let text = text.trim();
    let (negative, unsigned) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let (mantissa, exponent) = match unsigned.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, exponent.parse().ok()?),
        None => (unsigned, 0),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let is_number = !(whole.is_empty() && fraction.is_empty())
        && whole.bytes().chain(fraction.bytes()).all(|byte| byte.is_ascii_digit());
    is_number.then_some(Parts { negative, whole: whole.as_bytes(), fraction: fraction.as_bytes(), exponent })
}

impl Parts<'_> {
    /// Digits without leading and trailing zeros.
    fn digits(&self) -> impl Iterator<Item = u8> + '_ {
        let leading = self.leading_zeros();
        let total = self.whole.len() + self.fraction.len();
        let trailing =
            self.fraction.iter().rev().chain(self.whole.iter().rev()).take_while(|d| **d == b'0').count();
        let significant = total.saturating_sub(leading).saturating_sub(trailing);
        self.whole.iter().chain(self.fraction).copied().skip(leading).take(significant)
    }

    fn leading_zeros(&self) -> usize {
        self.whole.iter().chain(self.fraction).take_while(|digit| **digit == b'0').count()
    }

    fn is_zero(&self) -> bool {
        self.leading_zeros() == self.whole.len() + self.fraction.len()
    }

    /// Place of the point relative to the first significant digit.
    fn point(&self) -> i64 {
        let signed = |count: usize| i64::try_from(count).unwrap_or(i64::MAX);
        self.exponent.saturating_add(signed(self.whole.len())).saturating_sub(signed(self.leading_zeros()))
    }

    fn compare_magnitude(&self, other: &Self) -> Ordering {
        match (self.is_zero(), other.is_zero()) {
            (true, true) => Ordering::Equal,
            (true, false) => Ordering::Less,
            (false, true) => Ordering::Greater,
            (false, false) => {
                self.point().cmp(&other.point()).then_with(|| self.digits().cmp(other.digits()))
            }
        }
    }
}

/// Compares two texts as numbers. Texts that are no numbers come after all numbers, in the order of their bytes.
pub(crate) fn compare(left: &str, right: &str) -> Ordering {
    match (parse(left), parse(right)) {
        (Some(a), Some(b)) => {
            let negative = |parts: &Parts<'_>| parts.negative && !parts.is_zero();
            match (negative(&a), negative(&b)) {
                (false, true) => Ordering::Greater,
                (true, false) => Ordering::Less,
                (false, false) => a.compare_magnitude(&b),
                (true, true) => b.compare_magnitude(&a),
            }
        }
        (Some(_), None) => Ordering::Less,
        (None, Some(_)) => Ordering::Greater,
        (None, None) => left.cmp(right),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `units × 10^-scale`, with zeros that change nothing before it and behind it.
    fn written(units: i64, scale: usize, zeros: usize) -> String {
        let digits = format!("{:0>width$}", units.unsigned_abs(), width = scale + 1);
        let (whole, fraction) = digits.split_at(digits.len() - scale);
        let zeros = "0".repeat(zeros);
        format!("{}{zeros}{whole}.{fraction}{zeros}", if units < 0 { "-" } else { "" })
    }

    proptest::proptest! {
        #[test]
        fn any_two_decimals_compare_as_their_units_do(
            a: i64, b: i64, scale in 0_usize..20, zeros in 0_usize..4, exponent in 0_i32..400,
        ) {
            let (a_text, b_text) = (written(a, scale, zeros), written(b, scale, 0));
            proptest::prop_assert_eq!(compare(&a_text, &b_text), a.cmp(&b));
            let (a_text, b_text) = (format!("{a_text}e{exponent}"), format!("{b_text}E+{exponent}"));
            proptest::prop_assert_eq!(compare(&a_text, &b_text), a.cmp(&b));
            let tenfold = format!("{a}e-{scale}");
            proptest::prop_assert_eq!(compare(&tenfold, &written(a, scale, zeros)), Ordering::Equal);
        }

        #[test]
        fn any_texts_are_in_one_order(a: String, b: String, c in "[-+0-9.e]{0,8}") {
            let texts = [&a, &b, &c];
            for x in texts {
                proptest::prop_assert_eq!(compare(x, x), Ordering::Equal);
                for y in texts {
                    proptest::prop_assert_eq!(compare(x, y), compare(y, x).reverse());
                }
            }
        }
    }

    #[test]
    fn decimals_compare_as_numbers() {
        let sorted = [
            "-1e3",
            "-100.01",
            "-100",
            "-9.999",
            "-0.01",
            "0",
            "0.001",
            "0.01",
            "0.1",
            "1",
            "1.0001",
            "9",
            "10",
            "12345678901234567890.1",
            "12345678901234567890.2",
            "1e30",
            "x",
        ];
        for (i, a) in sorted.iter().enumerate() {
            for (j, b) in sorted.iter().enumerate() {
                assert_eq!(compare(a, b), i.cmp(&j), "{a} {b}");
            }
        }
        for (a, b) in
            [("1.50", "1.5"), ("-0", "0.00"), ("1E2", "100"), ("+7", "007"), ("0e99", "0"), (".5", "0.50")]
        {
            assert_eq!(compare(a, b), Ordering::Equal, "{a} {b}");
        }
    }
}
