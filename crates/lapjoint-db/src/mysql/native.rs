//! Types of MySQL that definitions pass through. MySQL's strict mode refuses what is out of range, but it rounds fractions,
//! cuts spaces and takes texts for numbers; what a column would not give back as it was is refused here.

use lapjoint_types::{CoreType, Value};
use num_bigint::BigInt;

use crate::check;

/// Why NaN and infinities are refused.
pub(crate) const NOT_FINITE: &str =
    "MySQL holds neither NaN nor infinities; store null, or declare the attribute as `bytes` or `<blob>`";

/// Why a space at the end is refused.
pub(crate) const TRAILING_SPACE: &str =
    "MySQL drops the spaces at the end of a `char`; declare the attribute as varchar";

/// What a native type means, as far as values need to know it.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Meaning {
    Integer {
        bits: u32,
        unsigned: bool,
    },
    Bits(u32),
    Year,
    Float {
        single: bool,
        digits: Option<(u32, u32)>,
        unsigned: bool,
    },
    Decimal {
        precision: u32,
        scale: u32,
        unsigned: bool,
    },
    Text {
        limit_chars: Option<u32>,
        limit_bytes: Option<u32>,
        padded: bool,
    },
    Binary {
        limit_bytes: Option<u32>,
        padded: bool,
    },
    Choice {
        labels: Vec<String>,
        several: bool,
    },
    Date,
    Moment(u8),
    Time(u8),
    Json,
    /// Whatever MySQL makes of it.
    Other,
}

/// A type's name, its arguments and what follows them, in lower case but for the arguments.
pub(crate) fn split(ty: &str) -> (String, Option<&str>, String) {
    let ty = ty.trim();
    let end = ty.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(ty.len());
    let (name, rest) = ty.split_at_checked(end).unwrap_or((ty, ""));
    let rest = rest.trim_start();
    let (arguments, rest) = match rest.strip_prefix('(').and_then(|inner| inner.rsplit_once(')')) {
        Some((arguments, rest)) => (Some(arguments), rest),
        None => (None, rest),
    };
    (name.to_ascii_lowercase(), arguments, rest.trim().to_ascii_lowercase())
}

fn meaning(ty: &str) -> Meaning {
    let (name, arguments, rest) = split(ty);
    let numbers: Vec<u32> =
        arguments.unwrap_or("").split(',').filter_map(|number| number.trim().parse().ok()).collect();
    let number = |at: usize| numbers.get(at).copied();
    let unsigned = rest.split_whitespace().any(|word| word == "unsigned" || word == "zerofill");
    let digits = u8::try_from(number(0).unwrap_or(0)).unwrap_or(6).min(6);
    let integer = |bits| Meaning::Integer { bits, unsigned };
    let text = |limit_bytes| Meaning::Text { limit_chars: None, limit_bytes, padded: false };
    let binary = |limit_bytes| Meaning::Binary { limit_bytes, padded: false };
    let pair = number(0).zip(number(1));
    match name.as_str() {
        "tinyint" | "bool" | "boolean" => integer(8),
        "smallint" => integer(16),
        "mediumint" => integer(24),
        "int" | "integer" => integer(32),
        "bigint" => integer(64),
        "serial" => Meaning::Integer { bits: 64, unsigned: true },
        "bit" => Meaning::Bits(number(0).unwrap_or(1)),
        "year" => Meaning::Year,
        "float" => {
            let single = number(0).is_none_or(|bits| bits <= 24) || pair.is_some();
            Meaning::Float { single, digits: pair, unsigned }
        }
        "double" | "real" => Meaning::Float { single: false, digits: pair, unsigned },
        "decimal" | "numeric" | "dec" | "fixed" => {
            Meaning::Decimal { precision: number(0).unwrap_or(10), scale: number(1).unwrap_or(0), unsigned }
        }
        "char" | "nchar" | "character" if !rest.starts_with("varying") => {
            Meaning::Text { limit_chars: Some(number(0).unwrap_or(1)), limit_bytes: None, padded: true }
        }
        "varchar" | "nvarchar" | "char" | "nchar" | "character" => {
            Meaning::Text { limit_chars: number(0), limit_bytes: None, padded: false }
        }
        "tinytext" => text(Some(255)),
        "text" => text(Some(65_535)),
        "mediumtext" => text(Some(16_777_215)),
        "longtext" | "long" => text(None),
        "binary" => Meaning::Binary { limit_bytes: Some(number(0).unwrap_or(1)), padded: true },
        "varbinary" => binary(number(0)),
        "tinyblob" => binary(Some(255)),
        "blob" => binary(Some(65_535)),
        "mediumblob" => binary(Some(16_777_215)),
        "longblob" => binary(None),
        "enum" | "set" => match arguments.and_then(labels) {
            Some(labels) => Meaning::Choice { labels, several: name == "set" },
            None => Meaning::Other,
        },
        "date" => Meaning::Date,
        "datetime" | "timestamp" => Meaning::Moment(digits),
        "time" => Meaning::Time(digits),
        "json" => Meaning::Json,
        _ => Meaning::Other,
    }
}

/// The labels of an `enum` or `set` as MySQL reads and shows them: in quotes, with backslashes before what needs them.
pub(crate) fn labels(arguments: &str) -> Option<Vec<String>> {
    let mut labels = Vec::new();
    let mut letters = arguments.trim().chars().peekable();
    loop {
        let quote = letters.next().filter(|quote| matches!(quote, '\'' | '"'))?;
        let mut label = String::new();
        loop {
            match letters.next()? {
                '\\' => label.push(match letters.next()? {
                    '0' => '\0',
                    'n' => '\n',
                    'r' => '\r',
                    't' => '\t',
                    'Z' => '\u{1a}',
                    other => other,
                }),
                letter if letter == quote => {
                    if letters.next_if_eq(&quote).is_none() {
                        break;
                    }
                    label.push(quote);
                }
                other => label.push(other),
            }
        }
        labels.push(label);
        while letters.next_if(|letter| letter.is_whitespace()).is_some() {}
        match letters.next() {
            None => return Some(labels),
            Some(',') => {}
            Some(_) => return None,
        }
        while letters.next_if(|letter| letter.is_whitespace()).is_some() {}
    }
}

/// Whether a column of this type holds numbers of single precision.
pub(crate) fn is_single(ty: &str) -> bool {
    matches!(meaning(ty), Meaning::Float { single: true, .. })
}

/// The value in the form in which a column of this type holds it, or why it cannot.
pub(crate) fn canonical(value: Value, ty: &str) -> Result<Value, String> {
    let as_core =
        |value: Value, core: &CoreType| check::normalise(value, core).map_err(|refusal| refusal.reason);
    match meaning(ty) {
        _ if value.is_null() => Ok(value),
        Meaning::Integer { bits, unsigned } => integer(value, bits, unsigned),
        Meaning::Bits(bits) => match value {
            Value::Bytes(_) => Ok(value),
            value => integer(value, bits, true),
        },
        Meaning::Year => match integer(value, 32, false)? {
            value @ Value::Int(0 | 1901..=2155) => Ok(value),
            _ => Err("a year is 0 or from 1901 to 2155".to_owned()),
        },
        Meaning::Float { single, digits, unsigned } => float(value, single, digits, unsigned),
        Meaning::Decimal { precision, scale, unsigned } => {
            let value = as_core(value, &CoreType::Decimal { precision, scale })?;
            match &value {
                Value::Decimal(number) if unsigned && number.as_str().starts_with('-') => {
                    Err("the type is unsigned".to_owned())
                }
                _ => Ok(value),
            }
        }
        Meaning::Text { limit_chars, limit_bytes, padded } => text(value, limit_chars, limit_bytes, padded),
        Meaning::Binary { limit_bytes, padded } => binary(value, limit_bytes, padded),
        Meaning::Choice { labels, several } => choice(value, &labels, several),
        Meaning::Date => as_core(value, &CoreType::Date),
        Meaning::Moment(digits) => as_core(value, &CoreType::DateTime(Some(digits))),
        Meaning::Time(digits) => time(value, digits),
        Meaning::Json => as_core(value, &CoreType::Json),
        Meaning::Other => match value {
            Value::Float(number) if !number.is_finite() => Err(NOT_FINITE.to_owned()),
            Value::Bool(_)
            | Value::Int(_)
            | Value::BigInt(_)
            | Value::Float(_)
            | Value::Str(_)
            | Value::Bytes(_)
            | Value::Decimal(_)
            | Value::Date(_)
            | Value::Time(_)
            | Value::DateTime(_)
            | Value::Uuid(_)
            | Value::Json(_) => Ok(value),
            _ => Err("MySQL's own types hold numbers, texts, times and bytes; declare the attribute with a codec, for \
                      example `<blob>`"
                .to_owned()),
        },
    }
}

fn integer(value: Value, bits: u32, unsigned: bool) -> Result<Value, String> {
    let number = match &value {
        Value::Bool(flag) => BigInt::from(u8::from(*flag)),
        Value::Int(number) => BigInt::from(*number),
        Value::BigInt(number) => (**number).clone(),
        Value::Float(number) if number.is_finite() && number.fract() == 0.0 => {
            format!("{number:.0}").parse().map_err(|_| "expected an integer".to_owned())?
        }
        Value::Float(_) => return Err("it is not a whole number".to_owned()),
        Value::Decimal(number) => {
            let digits = number.as_str();
            let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
            if fraction.bytes().any(|digit| digit != b'0') {
                return Err("it is not a whole number".to_owned());
            }
            whole.parse().map_err(|_| "expected an integer".to_owned())?
        }
        Value::Str(text) => text.trim().parse().map_err(|_| "expected an integer".to_owned())?,
        _ => return Err("expected an integer".to_owned()),
    };
    let one = BigInt::from(1);
    let (low, high) = if unsigned {
        (BigInt::from(0), (&one << bits) - &one)
    } else {
        (-(&one << (bits - 1)), (&one << (bits - 1)) - &one)
    };
    if number < low || number > high {
        return Err(format!("the type holds {low} to {high}"));
    }
    Ok(Value::from(number))
}

fn float(value: Value, single: bool, digits: Option<(u32, u32)>, unsigned: bool) -> Result<Value, String> {
    let core = if single { CoreType::Float32 } else { CoreType::Float64 };
    let value = match value {
        Value::Str(text) => match text.trim().parse() {
            Ok(number) => Value::Float(number),
            Err(_) => return Err("expected a number".to_owned()),
        },
        other => other,
    };
    if let Some((precision, scale)) = digits {
        check::normalise(value.clone(), &CoreType::Decimal { precision, scale })
            .map_err(|refusal| refusal.reason)?;
    }
    match check::normalise(value, &core).map_err(|refusal| refusal.reason)? {
        Value::Float(number) if !number.is_finite() => Err(NOT_FINITE.to_owned()),
        Value::Float(number) if unsigned && number < 0.0 => Err("the type is unsigned".to_owned()),
        value => Ok(value),
    }
}

fn text(
    value: Value,
    limit_chars: Option<u32>,
    limit_bytes: Option<u32>,
    padded: bool,
) -> Result<Value, String> {
    let Value::Str(text) = &value else { return Err("expected a text".to_owned()) };
    let limit = |limit: Option<u32>| limit.and_then(|limit| usize::try_from(limit).ok());
    if let Some(limit) = limit(limit_chars)
        && text.len() > limit
        && text.chars().count() > limit
    {
        return Err(format!("it has {} characters; declare a longer type", text.chars().count()));
    }
    if let Some(limit) = limit(limit_bytes)
        && text.len() > limit
    {
        return Err(format!("it has {} bytes, and the type holds {limit}; declare longtext", text.len()));
    }
    if padded && text.ends_with(' ') {
        return Err(TRAILING_SPACE.to_owned());
    }
    Ok(value)
}

fn binary(value: Value, limit_bytes: Option<u32>, padded: bool) -> Result<Value, String> {
    let bytes = match value {
        Value::Bytes(bytes) => bytes,
        Value::Uuid(id) => bytes::Bytes::copy_from_slice(id.as_bytes()),
        _ => {
            return Err("a native binary type holds raw bytes and packs nothing; declare the attribute as `<blob>` to \
                        store any value, or give it bytes"
                .to_owned());
        }
    };
    let limit = limit_bytes.and_then(|limit| usize::try_from(limit).ok());
    match limit {
        Some(limit) if bytes.len() > limit => {
            Err(format!("it has {} bytes, and the type holds {limit}; declare longblob", bytes.len()))
        }
        Some(limit) if padded && bytes.len() < limit => Err(format!(
            "it has {} bytes, and MySQL would fill it up with zeros to {limit}; declare the attribute as varbinary or bytes",
            bytes.len()
        )),
        _ => Ok(Value::Bytes(bytes)),
    }
}

fn choice(value: Value, labels: &[String], several: bool) -> Result<Value, String> {
    let Value::Str(text) = &value else { return Err("expected a text".to_owned()) };
    let known = |label: &str| labels.iter().any(|known| known == label);
    let fits = if several { text.is_empty() || text.split(',').all(known) } else { known(text) };
    if fits { Ok(value) } else { Err(format!("it is none of '{}'", labels.join("', '"))) }
}

fn time(value: Value, digits: u8) -> Result<Value, String> {
    let too_fine = || format!("it has more than {digits} digits of fractional seconds; declare time(6)");
    let fraction_digits = match &value {
        Value::Time(time) => {
            let text = format!("{:09}", time.subsec_nanosecond());
            text.trim_end_matches('0').len()
        }
        Value::Str(text) => {
            let unsigned = text.strip_prefix('-').unwrap_or(text);
            let (whole, fraction) = unsigned.split_once('.').unwrap_or((unsigned, ""));
            let is_number = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
            let parts: Vec<&str> = whole.split(':').collect();
            if parts.len() != 3 || !parts.iter().all(|part| is_number(part)) {
                return Err("expected a time as HH:MM:SS[.ffffff]".to_owned());
            }
            fraction.trim_end_matches('0').len()
        }
        _ => return Err("expected a time, or its text as HH:MM:SS[.ffffff]".to_owned()),
    };
    if fraction_digits > usize::from(digits) { Err(too_fine()) } else { Ok(value) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integers_are_within_their_type() {
        for (ty, low, high) in [
            ("tinyint", -128i64, 127i64),
            ("mediumint(9)", -8_388_608, 8_388_607),
            ("INT UNSIGNED", 0, 4_294_967_295),
            ("bigint", i64::MIN, i64::MAX),
        ] {
            for number in [low, high] {
                assert_eq!(canonical(Value::Int(number), ty), Ok(Value::Int(number)), "{ty}");
            }
            for beyond in [BigInt::from(low) - 1, BigInt::from(high) + 1] {
                assert!(canonical(Value::from(beyond), ty).is_err(), "{ty}");
            }
        }
        assert_eq!(canonical(Value::Float(3.0), "int"), Ok(Value::Int(3)));
        assert!(canonical(Value::Float(3.7), "int").unwrap_err().contains("whole"));
        assert!(canonical(Value::Str("3.7".into()), "int").is_err());
        assert!(canonical(Value::from(BigInt::from(u64::MAX)), "bigint(20) unsigned").is_ok());
    }

    #[test]
    fn what_mysql_would_cut_or_round_is_refused() {
        let text = |text: &str| Value::Str(text.into());
        for (value, ty) in [
            (text("abc "), "char(5)"),
            (text("abc   "), "varchar(3)"),
            (text("1.005"), "decimal(8,2)"),
            (Value::Float(0.125), "float(7,2)"),
            (Value::Float(f64::NAN), "double"),
            (Value::Float(-1.0), "double unsigned"),
            (text("2020-01-01 00:00:00.5"), "datetime"),
            (text("10:00:00.5"), "time"),
            (text("B"), "enum('a','b')"),
            (text("a,c"), "set('a','b')"),
            (Value::Bytes(vec![1].into()), "binary(2)"),
            (Value::Bytes(vec![1; 256].into()), "tinyblob"),
            (Value::Int(5), "text"),
            (Value::Int(1900), "year"),
        ] {
            assert!(canonical(value.clone(), ty).is_err(), "{value:?} in {ty}");
        }
        for (value, ty) in [
            (text("b,a"), "set('a','b')"),
            (text("-838:59:59"), "time"),
            (text("10:00:00.5"), "time(1)"),
            (Value::Float(0.25), "float(7,2)"),
            (Value::Int(2155), "year(4)"),
            (Value::Bytes(vec![1, 2].into()), "binary(2)"),
        ] {
            assert_eq!(canonical(value.clone(), ty), Ok(value), "{ty}");
        }
    }

    #[test]
    fn labels_are_read_as_mysql_shows_them() {
        let read = |text: &str| labels(text).map(|labels| labels.join("|"));
        assert_eq!(read(r#"'a', 'it''s',"x",'\\\r''' "#).as_deref(), Some("a|it's|x|\\\r'"));
        for text in ["", "a", "'a", "'a' 'b'", "'a',"] {
            assert_eq!(read(text), None, "{text}");
        }
    }

    #[test]
    fn single_precision_is_told_from_double() {
        for ty in ["float", "FLOAT(7,2)", "float(24)", "float unsigned"] {
            assert!(is_single(ty), "{ty}");
        }
        for ty in ["double", "float(25)", "real", "decimal(5)", ""] {
            assert!(!is_single(ty), "{ty}");
        }
    }
}
