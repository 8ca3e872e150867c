//! Element types: numpy's, Zarr's, and what they are to the codecs.

use lapjoint_types::dtype::TimeUnit;
use lapjoint_types::{ByteOrder, DType, Kind};
use serde_json::{Value as Json, json};

use super::damaged;
use crate::error::CodecError;

/// The type of a stored array, in the machine-independent order that arrays are read in.
///
/// # Errors
/// [`CodecError`] for a type that this engine does not read.
pub(super) fn read_v3(json: &Json) -> Result<DType, CodecError> {
    let unknown = || unsupported(json);
    let (name, configuration) = match json {
        Json::String(name) => (name.as_str(), &Json::Null),
        Json::Object(object) => (
            object.get("name").and_then(Json::as_str).ok_or_else(unknown)?,
            object.get("configuration").unwrap_or(&Json::Null),
        ),
        _ => return Err(unknown()),
    };
    let kind = match name {
        "bool" => Kind::Bool,
        "int8" => Kind::Int(1),
        "int16" => Kind::Int(2),
        "int32" => Kind::Int(4),
        "int64" => Kind::Int(8),
        "uint8" => Kind::UInt(1),
        "uint16" => Kind::UInt(2),
        "uint32" => Kind::UInt(4),
        "uint64" => Kind::UInt(8),
        "float16" => Kind::Float(2),
        "float32" => Kind::Float(4),
        "float64" => Kind::Float(8),
        "complex64" => Kind::Complex(8),
        "complex128" => Kind::Complex(16),
        "numpy.datetime64" | "numpy.timedelta64" => {
            let unit =
                configuration.get("unit").and_then(Json::as_str).and_then(unit_of).ok_or_else(unknown)?;
            let count = match configuration.get("scale_factor") {
                None => 1,
                Some(count) => {
                    count.as_u64().and_then(|count| u32::try_from(count).ok()).ok_or_else(unknown)?
                }
            };
            if name.ends_with("datetime64") {
                Kind::DateTime { unit, count }
            } else {
                Kind::TimeDelta { unit, count }
            }
        }
        _ => return Err(unknown()),
    };
    Ok(DType::little(kind))
}

/// The same of format 2, which spells types as numpy does.
///
/// # Errors
/// As [`read_v3`].
pub(super) fn read_v2(json: &Json) -> Result<DType, CodecError> {
    let text = json.as_str().ok_or_else(|| unsupported(json))?;
    let dtype = lapjoint_format::npy::dtype_from_str(text).map_err(|_| unsupported(json))?;
    let dtype = DType::little(dtype.kind);
    if is_storable(&dtype) { Ok(dtype) } else { Err(unsupported(json)) }
}

fn unsupported(json: &Json) -> CodecError {
    damaged(format!(
        "the array's element type is {json}, which is not read here: open it with zarr-python (`.zarr()` of the reference)"
    ))
}

fn unit_of(code: &str) -> Option<TimeUnit> {
    TimeUnit::from_code(if code == "μs" { "us" } else { code }).filter(|unit| *unit != TimeUnit::Generic)
}

/// Whether Zarr has a type for these elements.
pub(super) fn is_storable(dtype: &DType) -> bool {
    match dtype.kind {
        Kind::Bool
        | Kind::Int(1 | 2 | 4 | 8)
        | Kind::UInt(1 | 2 | 4 | 8)
        | Kind::Float(2 | 4 | 8)
        | Kind::Complex(8 | 16) => true,
        Kind::DateTime { unit, .. } | Kind::TimeDelta { unit, .. } => unit != TimeUnit::Generic,
        _ => false,
    }
}

/// The type in metadata of format 3.
pub(super) fn write_v3(dtype: &DType) -> Json {
    let time = |name: &str, unit: TimeUnit, count: u32| json!({"name": name, "configuration": {"unit": unit.code(), "scale_factor": count}});
    match dtype.kind {
        Kind::DateTime { unit, count } => time("numpy.datetime64", unit, count),
        Kind::TimeDelta { unit, count } => time("numpy.timedelta64", unit, count),
        _ => Json::String(DType::little(dtype.kind.clone()).to_string()),
    }
}

/// What the codecs see: counts of time are integers to them.
pub(super) fn physical(dtype: &DType) -> DType {
    DType::little(match &dtype.kind {
        Kind::DateTime { .. } | Kind::TimeDelta { .. } => Kind::Int(8),
        other => other.clone(),
    })
}

/// The value of elements that are nowhere stored.
pub(super) fn zero(dtype: &DType) -> Json {
    match dtype.kind {
        Kind::Bool => json!(false),
        Kind::Float(_) => json!(0.0),
        Kind::Complex(_) => json!([0.0, 0.0]),
        _ => json!(0),
    }
}

/// Brings elements into little-endian order; complex numbers are two numbers.
pub(super) fn to_little(dtype: &DType, data: &mut [u8]) {
    if dtype.order == ByteOrder::Little {
        return;
    }
    let width = match dtype.kind {
        Kind::Complex(width) => usize::from(width) / 2,
        _ => dtype.item_bytes(),
    };
    if width > 1 {
        data.chunks_exact_mut(width).for_each(<[u8]>::reverse);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_type_that_is_written_is_read() {
        let unit = TimeUnit::from_code("ns").unwrap();
        let times = [Kind::DateTime { unit, count: 1 }, Kind::TimeDelta { unit, count: 25 }];
        let numbers = [
            Kind::Bool,
            Kind::Int(1),
            Kind::Int(8),
            Kind::UInt(2),
            Kind::Float(2),
            Kind::Float(8),
            Kind::Complex(8),
            Kind::Complex(16),
        ];
        for kind in times.into_iter().chain(numbers) {
            let dtype = DType::little(kind);
            assert!(is_storable(&dtype));
            assert_eq!(read_v3(&write_v3(&dtype)).unwrap(), dtype);
            assert_eq!(read_v2(&json!(dtype.typestr().unwrap())).unwrap(), dtype);
        }
    }

    #[test]
    fn other_types_are_refused() {
        for json in [json!("r16"), json!("string"), json!({"name": "numpy.datetime64"}), json!(3)] {
            assert!(read_v3(&json).unwrap_err().to_string().contains(".zarr()"), "{json}");
        }
        for text in ["|O", "<U3", "|S2", "|V4", "<M8", "<i3"] {
            assert!(read_v2(&json!(text)).is_err(), "{text}");
        }
        assert_eq!(read_v2(&json!(">i4")).unwrap(), DType::I32);
    }

    #[test]
    fn complex_numbers_turn_half_by_half() {
        let mut data = [1, 2, 3, 4, 5, 6, 7, 8];
        to_little(&DType { kind: Kind::Complex(8), order: ByteOrder::Big }, &mut data);
        assert_eq!(data, [4, 3, 2, 1, 8, 7, 6, 5]);
    }
}
