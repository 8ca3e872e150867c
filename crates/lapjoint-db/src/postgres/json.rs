//! Documents as `jsonb` keeps them: its numbers are decimals, so that a float needs a point to come back as one.

use std::io;

use serde_json::Value as Json;
use serde_json::ser::{CompactFormatter, Formatter, Serializer};

/// Whole floats from here on are written with an exponent unless told otherwise.
const FROM_EXPONENT: f64 = 1e15;

struct Decimals(CompactFormatter);

impl Formatter for Decimals {
    fn write_f64<W: ?Sized + io::Write>(&mut self, writer: &mut W, value: f64) -> io::Result<()> {
        if value == 0.0 && value.is_sign_negative() {
            // A decimal zero has no sign.
            return Err(io::Error::other("negative zero"));
        }
        if value.fract() == 0.0 && value.abs() >= FROM_EXPONENT {
            return write!(writer, "{value:.1}");
        }
        self.0.write_f64(writer, value)
    }
}

/// Writes a document; `None` when jsonb would change it.
pub(super) fn write(document: &Json, out: &mut Vec<u8>) -> Option<()> {
    let mut serializer = Serializer::with_formatter(out, Decimals(CompactFormatter));
    serde::Serialize::serialize(document, &mut serializer).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn floats_keep_their_point_and_negative_zero_is_refused() {
        let text = |document: &Json| {
            let mut out = Vec::new();
            write(document, &mut out).map(|()| String::from_utf8(out).unwrap())
        };
        assert_eq!(
            text(&serde_json::json!([1e16, 1.5, 10_u64, -1e17])).unwrap(),
            "[10000000000000000.0,1.5,10,-100000000000000000.0]"
        );
        assert_eq!(text(&serde_json::json!({"a": [-0.0]})), None);
    }
}
