//! `<spikes>`: times of spikes, every bit of them, in a fraction of their size.
//!
//! # What it does
//! Takes an array of shape `(spikes,)` of `float64`, `float32` or integers, or a list of numbers, and gives an equal array back:
//! element type, order, repeats, infinities and the bits of every NaN. Times that come from samples of a fixed rate, whatever it
//! is, are stored as sample numbers; the writer finds the rate and compares every bit. Times that are not sorted are kept as they
//! are, and take more room. A list comes back as an array, of `float64` if any of its numbers is a float.
//!
//! # Specification
//! The format of spike trains, version 1: [`lapjoint_format::spikes`].
//!
//! # Names
//! `<spikes>` is `bytes`; `<spikes@>` and `<spikes@store>` are `<hash@…>`.
//!
//! # Stored form
//! Inline, the bytes of the train. In a store, the bytes under the path that the metadata of `<hash@>` names:
//!
//! ```
//! # let text = r#"
//! {
//!   "hash": "saavbgb42jh3bvuwh56sryl7oi",
//!   "path": "_hash/lab/saavbgb42jh3bvuwh56sryl7oi",
//!   "schema": "lab",
//!   "store": "main",
//!   "size": 31,
//!   "crc32c": "1b2f8e0a"
//! }
//! # "#;
//! # let json: serde_json::Value = serde_json::from_str(text)?;
//! # assert!(lapjoint_codec::ObjectReference::from_json(&json).is_some());
//! # Ok::<(), serde_json::Error>(())
//! ```
//!
//! # Compatibility
//! A format of ours. The documentation of DataJoint shows a class `SpikeTrainCodec` that keeps differences in `float32`, which
//! does not give the times back; its data are blobs, and are read by that class under a name of its own.

use lapjoint_format::spikes;
use lapjoint_types::{NdArray, TypeSpec, Value};

use crate::builtin::blob::bytes_or_hash;
use crate::codec::{Capabilities, Codec, Origin, Place};
use crate::context::{DecodeContext, EncodeContext};
use crate::error::CodecError;

const NAME: &str = "spikes";

/// The codec `<spikes>`.
#[derive(Debug, Clone, Copy, Default)]
pub struct SpikesCodec;

impl Codec for SpikesCodec {
    fn name(&self) -> &str {
        NAME
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities { self_describing: true, ..Capabilities::default() }
    }

    fn origin(&self) -> Origin {
        Origin::Builtin
    }

    fn yields(&self) -> bool {
        true
    }

    fn summary(&self) -> &str {
        "spike times, exact, in a fraction of their size"
    }

    fn format_version(&self) -> Option<String> {
        Some(spikes::VERSION.to_string())
    }

    /// The version that stands in the train.
    fn version_of(&self, stored: &Value) -> Option<String> {
        match stored {
            Value::Bytes(bytes) if bytes.starts_with(b"LSPK") => bytes.get(4).map(u8::to_string),
            _ => None,
        }
    }

    fn dtype(&self, place: Place) -> Result<TypeSpec, CodecError> {
        Ok(bytes_or_hash(place))
    }

    fn validate(&self, value: &Value) -> Result<(), CodecError> {
        let array = array_of(value)?;
        spikes::check(&array).map_err(|error| CodecError::value(NAME, error.to_string()))
    }

    fn encode(&self, value: Value, _context: &mut EncodeContext<'_>) -> Result<Value, CodecError> {
        let array = array_of(&value)?;
        let packed = spikes::encode(&array).map_err(|error| CodecError::value(NAME, error.to_string()))?;
        Ok(Value::Bytes(packed))
    }

    fn decode(&self, stored: Value, _context: &DecodeContext<'_>) -> Result<Value, CodecError> {
        match stored {
            Value::Bytes(bytes) => {
                let array =
                    spikes::decode(&bytes).map_err(|error| CodecError::stored(NAME, error.to_string()))?;
                Ok(Value::Array(Box::new(array)))
            }
            other => Err(CodecError::stored(NAME, format!("expected bytes, got {}", other.type_name()))),
        }
    }
}

/// The array of a value: an array as it is, a list of numbers as one.
fn array_of(value: &Value) -> Result<NdArray, CodecError> {
    let items = match value {
        Value::Array(array) => return Ok(NdArray::clone(array)),
        Value::List(items) | Value::Tuple(items) => items,
        other => {
            let expected = "expects an array of one axis or a list of numbers";
            return Err(CodecError::value(NAME, format!("{expected}, got {}", other.type_name())));
        }
    };
    if !items.is_empty() && items.iter().all(|item| matches!(item, Value::Int(_))) {
        let number = |item: &Value| if let Value::Int(number) = item { Some(*number) } else { None };
        return Ok(NdArray::from_vec(items.iter().filter_map(number).collect::<Vec<i64>>()));
    }
    let float = |(place, item): (usize, &Value)| match item {
        Value::Float(number) => Ok(*number),
        // Only numbers that a float holds exactly.
        Value::Int(number) if number.unsigned_abs() <= 1 << 53 => Ok(*number as f64),
        other => {
            let message = format!("expects numbers, got {} at place {place} of the list", other.type_name());
            Err(CodecError::value(NAME, message))
        }
    };
    Ok(NdArray::from_vec(items.iter().enumerate().map(float).collect::<Result<Vec<f64>, _>>()?))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::conformance::{Case, codec_conformance};

    #[test]
    fn it_keeps_the_contract_of_codecs() {
        let codec: Arc<dyn Codec> = Arc::new(SpikesCodec);
        let times: Vec<f64> = (0..500).map(|spike| f64::from(spike * spike + 17) / 30_000.0).collect();
        let array = |array: NdArray| Value::Array(Box::new(array));
        let cases = [
            Case::new(array(NdArray::from_vec(times.clone()))),
            Case::new(array(NdArray::from_vec(vec![f64::NAN, -0.0, f64::INFINITY, 0.1]))),
            Case::new(array(NdArray::from_vec(Vec::<f64>::new()))),
            Case::new(array(NdArray::from_vec(vec![5i64, 3, 9]))),
            Case::checked(Value::List(vec![Value::Int(1), Value::Float(2.5)]), |back| {
                Ok(*back == Value::Array(Box::new(NdArray::from_vec(vec![1.0, 2.5]))))
            }),
        ];
        codec_conformance(&codec, &cases).unwrap();
    }

    #[test]
    fn what_is_no_train_is_refused() {
        let square = NdArray::from_shape_vec(vec![2, 2], vec![0.0; 4]).unwrap();
        for (value, message) in [
            (Value::from("text"), "<spikes> expects an array of one axis or a list of numbers, got str"),
            (
                Value::List(vec![Value::Float(1.0), Value::Null]),
                "expects numbers, got None at place 1 of the list",
            ),
            (Value::Array(Box::new(square)), "a spike train has one axis, got an array of shape [2, 2]"),
            (Value::Array(Box::new(NdArray::from_vec(vec![true]))), "a spike train has floats"),
        ] {
            let error = SpikesCodec.validate(&value).unwrap_err().to_string();
            assert!(error.contains(message), "{error}");
        }
    }
}
