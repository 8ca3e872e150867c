//! Reading a core type.

use std::str::FromStr;

use super::CoreType;
use super::labels;
use crate::spec::error::{TypeSpecError, TypeSpecErrorKind, shown};

/// Names of the core types, the likelier ones first.
pub(crate) const CORE_NAMES: &[&str] = &[
    "int32", "int64", "int16", "int8", "float64", "float32", "varchar", "char", "enum", "decimal", "bool",
    "datetime", "date", "json", "uuid", "bytes",
];

/// Digits of a `decimal` that every database keeps.
const MAX_DECIMAL_PRECISION: u32 = 65;
/// Digits after the point of a `decimal` that every database keeps.
const MAX_DECIMAL_SCALE: u32 = 30;
/// Digits of fractional seconds that every database keeps.
const MAX_SECOND_DIGITS: u32 = 6;

impl CoreType {
    /// Reads a core type as a definition spells it, its name in upper or lower case.
    ///
    /// ```
    /// use lapjoint_types::CoreType;
    /// assert_eq!(CoreType::parse("VARCHAR(30)"), Ok(CoreType::Varchar(30)));
    /// ```
    ///
    /// # Errors
    /// [`TypeSpecError`] when the text is not a core type or its arguments are out of range.
    pub fn parse(text: &str) -> Result<Self, TypeSpecError> {
        let trimmed = text.trim();
        let offset = text.len() - text.trim_start().len();
        match try_parse(trimmed) {
            Some(result) => result.map_err(|error| error.moved(offset)),
            None => Err(crate::spec::remedy::explain(trimmed, "name").moved(offset)),
        }
    }
}

impl FromStr for CoreType {
    type Err = TypeSpecError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::parse(text)
    }
}

/// Reads a core type; `None` when the text does not have the form of one.
pub(crate) fn try_parse(text: &str) -> Option<Result<CoreType, TypeSpecError>> {
    let head_bytes = text.bytes().take_while(u8::is_ascii_alphanumeric).count();
    let (head, rest) = text.split_at_checked(head_bytes)?;
    let name = head.to_ascii_lowercase();
    if rest.is_empty() {
        return simple(&name).map(Ok);
    }
    let inner = rest.trim_start().strip_prefix('(')?.strip_suffix(')')?;
    let inner_offset = text.len() - 1 - inner.len();
    let out_of_range = |message: String| Some(Err(argument(inner_offset, message)));
    match name.as_str() {
        "char" | "varchar" => match number(inner)? {
            Some(length) if length > 0 => Some(Ok(match name.as_str() {
                "char" => CoreType::Char(length),
                _ => CoreType::Varchar(length),
            })),
            _ => out_of_range(format!("length {} of {name} is out of range, at least 1", shown(inner))),
        },
        "datetime" => match number(inner)? {
            Some(digits) if digits <= MAX_SECOND_DIGITS => {
                Some(Ok(CoreType::DateTime(u8::try_from(digits).ok())))
            }
            _ => out_of_range(format!(
                "datetime keeps 0 to {MAX_SECOND_DIGITS} digits of fractional seconds, not {}",
                shown(inner)
            )),
        },
        "decimal" => {
            let (precision, scale) = inner.split_once(',')?;
            match (number(precision.trim_end())?, number(scale.trim_start())?) {
                (Some(precision), Some(scale))
                    if (1..=MAX_DECIMAL_PRECISION).contains(&precision)
                        && scale <= precision.min(MAX_DECIMAL_SCALE) =>
                {
                    Some(Ok(CoreType::Decimal { precision, scale }))
                }
                _ => out_of_range(format!(
                    "decimal({}) is out of range: 1 to {MAX_DECIMAL_PRECISION} digits, of which at most \
                     {MAX_DECIMAL_SCALE} after the point",
                    shown(inner)
                )),
            }
        }
        "enum" => Some(labels::parse(inner).map(CoreType::Enum).map_err(|error| error.moved(inner_offset))),
        _ => None,
    }
}

fn simple(name: &str) -> Option<CoreType> {
    Some(match name {
        "int8" => CoreType::Int8,
        "int16" => CoreType::Int16,
        "int32" => CoreType::Int32,
        "int64" => CoreType::Int64,
        "float32" => CoreType::Float32,
        "float64" => CoreType::Float64,
        "bool" => CoreType::Bool,
        "date" => CoreType::Date,
        "datetime" => CoreType::DateTime(None),
        "json" => CoreType::Json,
        "uuid" => CoreType::Uuid,
        "bytes" => CoreType::Bytes,
        _ => return None,
    })
}

/// A number of decimal digits only; `None` when the text is something else, `Some(None)` when it is too large.
fn number(text: &str) -> Option<Option<u32>> {
    let digits_only = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    digits_only.then(|| text.parse().ok())
}

fn argument(offset: usize, message: String) -> TypeSpecError {
    TypeSpecError::new(TypeSpecErrorKind::Argument, offset, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_core_type() {
        for (text, expected) in [
            ("int8", CoreType::Int8),
            ("Int16", CoreType::Int16),
            ("INT32", CoreType::Int32),
            (" int64 ", CoreType::Int64),
            ("float32", CoreType::Float32),
            ("float64", CoreType::Float64),
            ("bool", CoreType::Bool),
            ("decimal(8,2)", CoreType::Decimal { precision: 8, scale: 2 }),
            ("DECIMAL (8 , 2)", CoreType::Decimal { precision: 8, scale: 2 }),
            ("char(4)", CoreType::Char(4)),
            ("VarChar (255)", CoreType::Varchar(255)),
            ("enum('a','b')", CoreType::Enum(vec!["a".into(), "b".into()])),
            ("date", CoreType::Date),
            ("datetime", CoreType::DateTime(None)),
            ("datetime(6)", CoreType::DateTime(Some(6))),
            ("json", CoreType::Json),
            ("uuid", CoreType::Uuid),
            ("bytes", CoreType::Bytes),
        ] {
            assert_eq!(CoreType::parse(text).as_ref(), Ok(&expected), "{text}");
            assert_eq!(expected.to_string().parse(), Ok(expected), "{text}");
        }
    }

    #[test]
    fn arguments_out_of_range_are_named() {
        for (text, offset, part) in [
            ("datetime(7)", 9, "not 7"),
            ("varchar(0)", 8, "at least 1"),
            ("varchar(99999999999)", 8, "99999999999"),
            ("decimal(3,4)", 8, "decimal(3,4)"),
            ("decimal(66,0)", 8, "1 to 65"),
            ("decimal(60,31)", 8, "at most 30"),
        ] {
            let error = CoreType::parse(text).unwrap_err();
            assert_eq!((error.kind, error.offset_bytes), (TypeSpecErrorKind::Argument, offset), "{text}");
            assert!(error.message.contains(part), "{error}");
        }
    }

    #[test]
    fn other_forms_are_not_core() {
        for text in
            ["", "int", "varchar( 5 )", "decimal( 5,2)", "datetime( 3 )", "int32(4)", "enum()", "é(1)"]
        {
            let core = try_parse(text).and_then(Result::ok);
            assert_eq!(core, None, "{text}");
        }
    }
}
