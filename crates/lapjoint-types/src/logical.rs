//! What values are to programs that work on columns: frames, query engines. A codec declares it for what it decodes to.

use std::fmt;
use std::str::FromStr;

use crate::core_type::CoreType;
use crate::dtype::{DType, Kind};
use crate::spec::TypeSpec;

/// The type of a column's values, apart from how they are stored.
///
/// Written as text it is `content`, a core type or a numpy number (`int32`, `uint16`, `uuid`, `decimal(9,2)`), `text`, `time`,
/// `list<int64>`, `struct<name: text, at: float64>`, or `tensor<float32>[3,?]`, where `?` is an axis whose length differs
/// between rows; `tensor` alone leaves element type and axes to the values.
///
/// ```
/// use lapjoint_types::LogicalType;
/// let text = "struct<times: list<float64>, image: tensor<uint16>[?,512], note: text>";
/// assert_eq!(text.parse::<LogicalType>()?.to_string(), text);
/// # Ok::<(), lapjoint_types::logical::LogicalTypeError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum LogicalType {
    /// The values decide.
    Content,
    /// No value but null.
    Null,
    /// Values of a core type.
    Core(CoreType),
    /// Numbers as numpy has them; the unsigned ones are no core type.
    Number(DType),
    /// Text of any length.
    Text,
    /// Time of the day.
    Time,
    /// Any number of values of one type.
    List(Box<LogicalType>),
    /// Values by name.
    Struct(Vec<(String, LogicalType)>),
    /// Dense array.
    Tensor {
        /// Type of the elements; `None` is for the values to decide.
        element: Option<DType>,
        /// Axes with their lengths where all values share them; `None` is for the values to decide.
        shape: Option<Vec<Option<usize>>>,
    },
    /// Anything, packed as the blob format does it.
    Packed,
}

/// The text is no logical type.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{text:?} is no type of a column: {reason}. A type is a core type or a number of numpy, `text`, `time`, `content`, \
     `list<T>`, `struct<name: T, …>` or `tensor<number>[3,?]`"
)]
pub struct LogicalTypeError {
    text: String,
    reason: String,
}

impl LogicalType {
    /// Whether the values have to be looked at to know all of the type.
    #[must_use]
    pub fn is_open(&self) -> bool {
        match self {
            Self::Content => true,
            Self::Tensor { element, shape } => element.is_none() || shape.is_none(),
            Self::List(inner) => inner.is_open(),
            Self::Struct(fields) => fields.iter().any(|(_, ty)| ty.is_open()),
            _ => false,
        }
    }
}

impl fmt::Display for LogicalType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Content => f.write_str("content"),
            Self::Null => f.write_str("null"),
            Self::Core(core) => write!(f, "{core}"),
            Self::Number(dtype) => write!(f, "{dtype}"),
            Self::Text => f.write_str("text"),
            Self::Time => f.write_str("time"),
            Self::Packed => f.write_str("packed"),
            Self::List(inner) => write!(f, "list<{inner}>"),
            Self::Struct(fields) => {
                f.write_str("struct<")?;
                for (index, (name, ty)) in fields.iter().enumerate() {
                    write!(f, "{}{name}: {ty}", if index > 0 { ", " } else { "" })?;
                }
                f.write_str(">")
            }
            Self::Tensor { element, shape } => {
                f.write_str("tensor")?;
                if let Some(element) = element {
                    write!(f, "<{element}>")?;
                }
                let Some(shape) = shape else { return Ok(()) };
                let axis = |size: &Option<usize>| size.map_or_else(|| "?".to_owned(), |n| n.to_string());
                write!(f, "[{}]", shape.iter().map(axis).collect::<Vec<_>>().join(","))
            }
        }
    }
}

impl FromStr for LogicalType {
    type Err = LogicalTypeError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        parse(text.trim(), 0).map_err(|reason| LogicalTypeError { text: text.to_owned(), reason })
    }
}

/// Types within types that a text may have.
const DEEPEST: usize = 32;

fn parse(text: &str, depth: usize) -> Result<LogicalType, String> {
    if depth > DEEPEST {
        return Err(format!("it has more than {DEEPEST} types within one another"));
    }
    let inside = |name: &str| {
        let rest = text.strip_prefix(name)?.trim_start();
        Some(rest.strip_prefix('<')?.strip_suffix('>')?.trim())
    };
    match text {
        "content" => return Ok(LogicalType::Content),
        "null" => return Ok(LogicalType::Null),
        "text" | "string" => return Ok(LogicalType::Text),
        "time" => return Ok(LogicalType::Time),
        "packed" => return Ok(LogicalType::Packed),
        _ => {}
    }
    if let Some(inner) = inside("list") {
        return Ok(LogicalType::List(Box::new(parse(inner, depth + 1)?)));
    }
    if let Some(inner) = inside("struct") {
        let mut fields: Vec<(String, LogicalType)> = Vec::new();
        for part in split(inner) {
            let (name, ty) = part.split_once(':').ok_or_else(|| format!("{part:?} is not `name: type`"))?;
            let name = name.trim();
            if name.is_empty() || fields.iter().any(|(known, _)| known == name) {
                return Err(format!("the field {name:?} has no name of its own"));
            }
            fields.push((name.to_owned(), parse(ty.trim(), depth + 1)?));
        }
        return Ok(LogicalType::Struct(fields));
    }
    if let Some(rest) = text.strip_prefix("tensor") {
        return tensor(rest.trim());
    }
    if let Some(dtype) = number(text) {
        return Ok(match TypeSpec::parse(text) {
            Ok(TypeSpec::Core(core)) => LogicalType::Core(core),
            _ => LogicalType::Number(dtype),
        });
    }
    match TypeSpec::parse(text) {
        Ok(TypeSpec::Core(core)) => Ok(LogicalType::Core(core)),
        _ => Err(format!("{text:?} is unknown")),
    }
}

fn tensor(rest: &str) -> Result<LogicalType, String> {
    let (element, axes) = match rest.strip_prefix('<') {
        Some(rest) => {
            let (name, axes) = rest.split_once('>').ok_or("`>` is missing")?;
            let dtype = number(name.trim()).ok_or_else(|| format!("{name:?} is no number of numpy"))?;
            (Some(dtype), axes.trim())
        }
        None => (None, rest),
    };
    if axes.is_empty() {
        return Ok(LogicalType::Tensor { element, shape: None });
    }
    let inner = axes.strip_prefix('[').and_then(|axes| axes.strip_suffix(']'));
    let inner = inner.ok_or("axes stand between `[` and `]`")?;
    let axis = |part: &str| match part.trim() {
        "?" => Ok(None),
        number => number.parse().map(Some).map_err(|_| format!("{number:?} is no length of an axis")),
    };
    let shape = inner.split(',').map(axis).collect::<Result<_, _>>()?;
    Ok(LogicalType::Tensor { element, shape: Some(shape) })
}

/// A number of numpy by its name.
fn number(name: &str) -> Option<DType> {
    Some(match name {
        "bool" => DType::BOOL,
        "int8" => DType::I8,
        "int16" => DType::I16,
        "int32" => DType::I32,
        "int64" => DType::I64,
        "uint8" => DType::U8,
        "uint16" => DType::U16,
        "uint32" => DType::U32,
        "uint64" => DType::U64,
        "float16" => DType::little(Kind::Float(2)),
        "float32" => DType::F32,
        "float64" => DType::F64,
        _ => return None,
    })
}

/// Parts between commas that are in no brackets.
fn split(text: &str) -> Vec<&str> {
    let mut parts = Vec::new();
    let (mut open, mut start) = (0_i32, 0);
    for (at, letter) in text.char_indices() {
        match letter {
            '<' | '[' | '(' => open += 1,
            '>' | ']' | ')' => open -= 1,
            ',' if open == 0 => {
                parts.push(text[start..at].trim());
                start = at + 1;
            }
            _ => {}
        }
    }
    let last = text[start..].trim();
    if !last.is_empty() || !parts.is_empty() {
        parts.push(last);
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_again() {
        for text in [
            "content",
            "null",
            "int32",
            "uint64",
            "float16",
            "bool",
            "decimal(9,2)",
            "varchar(12)",
            "text",
            "time",
            "datetime(3)",
            "uuid",
            "json",
            "bytes",
            "packed",
            "enum('a','b')",
            "list<list<float64>>",
            "struct<>",
            "struct<a: int8, b: struct<c: decimal(4,1), d: tensor<bool>[2,2]>>",
            "tensor",
            "tensor<float32>",
            "tensor[?,3]",
            "tensor<uint8>[?]",
        ] {
            assert_eq!(text.parse::<LogicalType>().unwrap().to_string(), text);
        }
        assert_eq!("string".parse::<LogicalType>().unwrap(), LogicalType::Text);
    }

    #[test]
    fn what_is_wrong_is_named() {
        for (text, found) in [
            ("lost<int8>", "\"lost<int8>\" is unknown"),
            ("list<int9>", "\"int9\" is unknown"),
            ("struct<a>", "\"a\" is not `name: type`"),
            ("struct<a: int8, a: int8>", "\"a\" has no name of its own"),
            ("tensor<text>", "\"text\" is no number of numpy"),
            ("tensor<int8>[x]", "\"x\" is no length of an axis"),
            ("tensor<int8", "`>` is missing"),
            ("<blob>", "is unknown"),
        ] {
            let message = text.parse::<LogicalType>().unwrap_err().to_string();
            assert!(message.contains(found), "{text}: {message}");
        }
        let deep = format!("{}int8{}", "list<".repeat(1000), ">".repeat(1000));
        assert!(deep.parse::<LogicalType>().is_err());
    }

    #[test]
    fn open_types_wait_for_values() {
        for (text, open) in [
            ("content", true),
            ("tensor", true),
            ("tensor<int8>", true),
            ("tensor<int8>[?,?]", false),
            ("list<content>", true),
            ("struct<a: int8>", false),
        ] {
            assert_eq!(text.parse::<LogicalType>().unwrap().is_open(), open, "{text}");
        }
    }
}
