//! Element types as texts: `descr` of a header, and `str(dtype)` of metadata.

use lapjoint_types::{ByteOrder, DType, Field, Kind, TimeUnit};

use super::NpyError;
use super::literal::{Literal, repr};

/// The type that a header's `descr` names.
pub(super) fn parse(descr: &Literal) -> Result<DType, NpyError> {
    match descr {
        Literal::Text(code) => parse_code(code),
        Literal::Items(fields) => {
            let fields: Vec<Field> = fields.iter().map(field).collect::<Result<_, _>>()?;
            Ok(DType::little(Kind::Struct(fields.into())))
        }
        Literal::Dict(_) => with_offsets(descr),
        _ => Err(NpyError::Header("'descr' is no type".into())),
    }
}

/// The type of `str(numpy.dtype)`: `float64`, `>f8`, `<U3`, `datetime64[us]`, or the list of a structured type.
///
/// # Errors
/// [`NpyError::Type`] or [`NpyError::Header`] for a text that is no type of a `.npy` file.
pub fn dtype_from_str(text: &str) -> Result<DType, NpyError> {
    let text = text.trim();
    if text.starts_with(['[', '{']) {
        return parse(&Literal::parse(text)?);
    }
    for (prefix, letter) in [("datetime64", 'M'), ("timedelta64", 'm')] {
        if let Some(unit) = text.strip_prefix(prefix) {
            return parse_code(&format!("<{letter}8{unit}"));
        }
    }
    if text == "bool" {
        return Ok(DType::BOOL);
    }
    for (prefix, letter) in [("int", 'i'), ("uint", 'u'), ("float", 'f'), ("complex", 'c')] {
        if let Some(bits) = text.strip_prefix(prefix)
            && let Ok(bits) = bits.parse::<u32>()
            && bits % 8 == 0
        {
            return parse_code(&format!("<{letter}{}", bits / 8));
        }
    }
    parse_code(text)
}

/// A code of numpy's array interface: byte order, letter, size in bytes (for `U` in characters).
fn parse_code(code: &str) -> Result<DType, NpyError> {
    let fail = |reason| NpyError::Type { dtype: code.chars().take(40).collect(), reason };
    let unknown = || fail("it is not a type code such as '<f8'");
    let mut letters = code.chars();
    let first = letters.next().ok_or_else(unknown)?;
    let (order, rest) = match first {
        '<' | '|' | '=' => (ByteOrder::Little, letters.as_str()),
        '>' => (ByteOrder::Big, letters.as_str()),
        _ => (ByteOrder::Little, code),
    };
    let mut letters = rest.chars();
    let letter = letters.next().ok_or_else(unknown)?;
    let size = letters.as_str();
    if letter == 'O' {
        return Err(fail("arrays of Python objects are not stored in .npy files"));
    }
    if let ('M' | 'm', Some(unit)) = (letter, size.strip_prefix('8')) {
        let unit = unit.strip_prefix('[').and_then(|unit| unit.strip_suffix(']')).unwrap_or(unit);
        let digits = unit.bytes().take_while(u8::is_ascii_digit).count();
        let (count, unit) = unit.split_at_checked(digits).ok_or_else(unknown)?;
        let count = if count.is_empty() { 1 } else { count.parse().map_err(|_| unknown())? };
        let unit = TimeUnit::from_code(unit).ok_or_else(unknown)?;
        // A multiple of no unit, or none of a unit, is nothing that numpy knows.
        if count == 0 || (unit == TimeUnit::Generic && count != 1) {
            return Err(unknown());
        }
        let kind =
            if letter == 'M' { Kind::DateTime { unit, count } } else { Kind::TimeDelta { unit, count } };
        return Ok(DType { kind, order });
    }
    let size: usize = size.parse().map_err(|_| unknown())?;
    let width = u8::try_from(size).unwrap_or(0);
    let kind = match (letter, size) {
        ('b', 1) | ('?', 1) => Kind::Bool,
        ('i', 1 | 2 | 4 | 8) => Kind::Int(width),
        ('u', 1 | 2 | 4 | 8) => Kind::UInt(width),
        ('f', 2 | 4 | 8) => Kind::Float(width),
        ('c', 8 | 16) => Kind::Complex(width),
        ('S' | 'a', size) => Kind::Bytes(size),
        ('U', size) => Kind::Unicode(size),
        ('V', size) => Kind::Void(size),
        _ => return Err(fail("no such type, or one of an unusual width")),
    };
    let has_order =
        !matches!(kind, Kind::Bool | Kind::Int(1) | Kind::UInt(1) | Kind::Bytes(_) | Kind::Void(_));
    Ok(DType { kind, order: if has_order { order } else { ByteOrder::Little } })
}

/// `(name, type)` or `(name, type, shape)`; a name may come with a title.
fn field(item: &Literal) -> Result<Field, NpyError> {
    let wrong = || NpyError::Header("a field of a structured type is not (name, type[, shape])".into());
    let Literal::Items(parts) = item else { return Err(wrong()) };
    let (name, dtype, shape) = match parts.as_slice() {
        [name, dtype] => (name, dtype, Vec::new()),
        [name, dtype, shape] => (name, dtype, shape.sizes().ok_or_else(wrong)?),
        _ => return Err(wrong()),
    };
    let name = match name {
        Literal::Text(name) => name.clone(),
        Literal::Items(titled) => match titled.as_slice() {
            [_, Literal::Text(name)] => name.clone(),
            _ => return Err(wrong()),
        },
        _ => return Err(wrong()),
    };
    Ok(Field { name, dtype: parse(dtype)?, shape })
}

/// The dict by which numpy shows types with gaps: `names`, `formats`, `offsets`, `itemsize`.
fn with_offsets(descr: &Literal) -> Result<DType, NpyError> {
    let wrong = || NpyError::Header("a structured type lacks names, formats, offsets or itemsize".into());
    let list = |key| match descr.get(key) {
        Some(Literal::Items(items)) => Ok(items),
        _ => Err(wrong()),
    };
    let (names, formats) = (list("names")?, list("formats")?);
    let offsets = descr.get("offsets").and_then(Literal::sizes).ok_or_else(wrong)?;
    let Some(Literal::Int(itemsize)) = descr.get("itemsize") else { return Err(wrong()) };
    let itemsize = usize::try_from(*itemsize).map_err(|_| wrong())?;
    let mut fields = Vec::new();
    let mut at = 0;
    let gap = |length: usize| Field {
        name: String::new(),
        dtype: DType::little(Kind::Void(length)),
        shape: Vec::new(),
    };
    for ((name, format), offset) in names.iter().zip(formats).zip(offsets) {
        let Literal::Text(name) = name else { return Err(wrong()) };
        let overlap = offset.checked_sub(at).ok_or(NpyError::Type {
            dtype: name.clone(),
            reason: "its fields overlap or are out of order",
        })?;
        if overlap > 0 {
            fields.push(gap(overlap));
        }
        let (dtype, shape) = match format {
            Literal::Items(parts) => match parts.as_slice() {
                // `('<f8', (2,))`, as against a list of fields.
                [Literal::Text(code), shape] if shape.sizes().is_some() => {
                    (parse_code(code)?, shape.sizes().unwrap_or_default())
                }
                _ => (parse(format)?, Vec::new()),
            },
            other => (parse(other)?, Vec::new()),
        };
        let field = Field { name: name.clone(), dtype, shape };
        let items = field.shape.iter().try_fold(field.dtype.item_bytes(), |n, &d| n.checked_mul(d));
        at = items.and_then(|length| length.checked_add(offset)).ok_or_else(wrong)?;
        fields.push(field);
    }
    let rest = itemsize.checked_sub(at).ok_or_else(wrong)?;
    if rest > 0 {
        fields.push(gap(rest));
    }
    Ok(DType::little(Kind::Struct(fields.into())))
}

/// The `descr` that numpy writes for a type.
pub(super) fn write(dtype: &DType) -> String {
    match (&dtype.kind, dtype.typestr()) {
        (_, Some(code)) => repr(&code),
        (Kind::Struct(fields), None) => {
            let fields: Vec<String> = fields
                .iter()
                .map(|field| {
                    let shape = if field.shape.is_empty() {
                        String::new()
                    } else {
                        format!(", {}", super::header::tuple(&field.shape))
                    };
                    format!("({}, {}{shape})", repr(&field.name), write(&field.dtype))
                })
                .collect();
            format!("[{}]", fields.join(", "))
        }
        (_, None) => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_of_types() {
        for text in [
            "float64",
            "bool",
            "uint8",
            "complex64",
            ">f8",
            "<U3",
            "|S4",
            "|V7",
            "datetime64[us]",
            "timedelta64[25s]",
            "datetime64",
        ] {
            assert_eq!(dtype_from_str(text).unwrap().to_string(), text);
        }
        let list = "[('a', '<i4'), ('b', '<f8', (2,))]";
        assert_eq!(dtype_from_str(list).unwrap().to_string(), list);
        let gaps = "{'names': ['a', 'b'], 'formats': ['i1', '<f8'], 'offsets': [0, 8], 'itemsize': 24}";
        assert_eq!(dtype_from_str(gaps).unwrap().item_bytes(), 24);
        for bad in [
            "",
            "object",
            "|O",
            "float12",
            "float128",
            "<q8",
            "[('a',)]",
            "{'names': 1}",
            "<M8[x]",
            "<m8[253]",
            "<m8[0s]",
            "<f",
        ] {
            assert!(dtype_from_str(bad).is_err(), "{bad}");
        }
    }
}
