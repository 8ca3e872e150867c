//! Types of PostgreSQL that definitions pass through, and what their columns hold exactly.

use lapjoint_types::{CoreType, Value};

use crate::check;

/// What a native type means, as far as values need to know it.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Meaning {
    /// The values of a portable type.
    Core(CoreType),
    /// Any exact number.
    Numeric,
    /// Text of any length.
    Text,
    /// Text filled up with blanks.
    Padded(u32),
    /// Time of the day, with this many digits of fractional seconds.
    Time(u8),
    /// Whatever the server makes of a text.
    Other,
}

/// Name and arguments of a type: `numeric(5, 2)` is `numeric` and 5, 2.
fn parse(ty: &str) -> (String, Vec<u32>, String) {
    let ty = ty.trim().to_ascii_lowercase();
    let (name, rest) = ty.split_once('(').unwrap_or((ty.as_str(), ""));
    let (arguments, after) = rest.split_once(')').unwrap_or((rest, ""));
    let words: Vec<_> = name.split_whitespace().collect();
    let arguments = arguments.split(',').filter_map(|number| number.trim().parse().ok()).collect();
    (words.join(" "), arguments, after.trim().to_owned())
}

fn meaning(ty: &str) -> Meaning {
    let (name, arguments, after) = parse(ty);
    let first = arguments.first().copied();
    let core = Meaning::Core;
    let digits = || u8::try_from(first.unwrap_or(6)).ok();
    if after.starts_with('[') || name.ends_with(']') {
        return Meaning::Other;
    }
    match name.as_str() {
        "smallint" | "int2" | "smallserial" | "serial2" => core(CoreType::Int16),
        "integer"
        | "int"
        | "int4"
        | "serial"
        | "serial4"
        | "int auto_increment"
        | "integer auto_increment" => core(CoreType::Int32),
        "bigint" | "int8" | "bigserial" | "serial8" | "bigint auto_increment" => core(CoreType::Int64),
        "real" | "float4" => core(CoreType::Float32),
        "double precision" | "float8" => core(CoreType::Float64),
        "float" => {
            core(if first.is_some_and(|bits| bits <= 24) { CoreType::Float32 } else { CoreType::Float64 })
        }
        "boolean" | "bool" => core(CoreType::Bool),
        "numeric" | "decimal" | "dec" => match arguments.as_slice() {
            [precision] => core(CoreType::Decimal { precision: *precision, scale: 0 }),
            [precision, scale] => core(CoreType::Decimal { precision: *precision, scale: *scale }),
            _ => Meaning::Numeric,
        },
        "varchar" | "character varying" => {
            first.map_or(Meaning::Text, |length| core(CoreType::Varchar(length)))
        }
        "char" | "character" | "bpchar" => Meaning::Padded(first.unwrap_or(1)),
        "text" | "name" | "citext" => Meaning::Text,
        "bytea" => core(CoreType::Bytes),
        "date" => core(CoreType::Date),
        "timestamp" | "timestamp without time zone" | "timestamptz" | "timestamp with time zone"
            if matches!(after.as_str(), "" | "without time zone" | "with time zone") =>
        {
            core(CoreType::DateTime(digits()))
        }
        "time" | "time without time zone" if matches!(after.as_str(), "" | "without time zone") => {
            Meaning::Time(digits().unwrap_or(6))
        }
        "uuid" => core(CoreType::Uuid),
        "json" | "jsonb" => core(CoreType::Json),
        _ => Meaning::Other,
    }
}

/// The value in the form in which a column of this type holds it, or why it cannot.
pub(super) fn canonical(value: Value, ty: &str) -> Result<Value, String> {
    let value = check::plain(value);
    let as_core =
        |value: Value, core: &CoreType| check::normalise(value, core).map_err(|refusal| refusal.reason);
    match (meaning(ty), value) {
        (_, Value::Null) => Ok(Value::Null),
        (Meaning::Core(core), value) => as_core(value, &core),
        (Meaning::Numeric, Value::Decimal(number)) => Ok(Value::Decimal(number)),
        (Meaning::Numeric, value) => {
            // Digits are not limited; the widest type that has a form for other numbers stands for it.
            as_core(value, &CoreType::Decimal { precision: 800, scale: 400 }).map(trimmed)
        }
        (Meaning::Text, value) => as_core(value, &CoreType::Varchar(u32::MAX)),
        (Meaning::Padded(length), value) => padded(value, length),
        (Meaning::Time(digits), value) => time(value, digits),
        (Meaning::Other, value @ Value::Str(_)) => as_core(value, &CoreType::Varchar(u32::MAX)),
        (Meaning::Other, value) => plain(value),
    }
}

/// A value where no type is declared, as it is.
fn plain(value: Value) -> Result<Value, String> {
    match value {
        Value::Json(_) => check::normalise(value, &CoreType::Json).map_err(|refusal| refusal.reason),
        Value::Bool(_)
        | Value::Int(_)
        | Value::BigInt(_)
        | Value::Float(_)
        | Value::Bytes(_)
        | Value::Decimal(_)
        | Value::Date(_)
        | Value::Time(_)
        | Value::DateTime(_)
        | Value::Uuid(_) => Ok(value),
        _ => Err("no column of PostgreSQL holds it; declare the attribute with a codec such as `<blob>`"
            .to_owned()),
    }
}

/// A decimal without the zeros at its end.
fn trimmed(value: Value) -> Value {
    match &value {
        Value::Decimal(number) if number.as_str().contains('.') => {
            let digits = number.as_str().trim_end_matches('0').trim_end_matches('.');
            digits.parse().map(Value::Decimal).unwrap_or(value)
        }
        _ => value,
    }
}

/// A text that is the same after blanks at its end are lost.
pub(super) fn padded(value: Value, length: u32) -> Result<Value, String> {
    if matches!(&value, Value::Str(text) if text.ends_with(' ')) {
        return Err(
            "PostgreSQL does not keep blanks at the end of a `char`; declare the attribute as varchar"
                .to_owned(),
        );
    }
    check::normalise(value, &CoreType::Char(length)).map_err(|refusal| refusal.reason)
}

fn time(value: Value, digits: u8) -> Result<Value, String> {
    let time = match &value {
        Value::Time(time) => *time,
        Value::Str(text) => text.parse().map_err(|_| "expected a time as HH:MM:SS[.ffffff]".to_owned())?,
        _ => return Err("expected a time, or its text as HH:MM:SS[.ffffff]".to_owned()),
    };
    let step = 10_i32.pow(9 - u32::from(digits.min(6)));
    if time.subsec_nanosecond() % step != 0 {
        return Err(format!("it has more than {digits} digits of fractional seconds; round it first"));
    }
    Ok(Value::Time(time))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_mean_what_they_mean_to_postgresql() {
        for (ty, expected) in [
            ("SMALLINT", Meaning::Core(CoreType::Int16)),
            ("double  precision", Meaning::Core(CoreType::Float64)),
            ("numeric(5, 2)", Meaning::Core(CoreType::Decimal { precision: 5, scale: 2 })),
            ("numeric(5)", Meaning::Core(CoreType::Decimal { precision: 5, scale: 0 })),
            ("decimal", Meaning::Numeric),
            ("float(24)", Meaning::Core(CoreType::Float32)),
            ("character varying(30)", Meaning::Core(CoreType::Varchar(30))),
            ("varchar", Meaning::Text),
            ("char", Meaning::Padded(1)),
            ("timestamp(3) without time zone", Meaning::Core(CoreType::DateTime(Some(3)))),
            ("timestamp with time zone", Meaning::Core(CoreType::DateTime(Some(6)))),
            ("time(0)", Meaning::Time(0)),
            ("time with time zone", Meaning::Other),
            ("integer[]", Meaning::Other),
            ("interval", Meaning::Other),
            ("", Meaning::Other),
        ] {
            assert_eq!(meaning(ty), expected, "{ty}");
        }
    }

    #[test]
    fn what_the_server_would_round_or_cut_is_refused() {
        let decimal = |text: &str| Value::Decimal(text.parse().unwrap());
        assert!(canonical(decimal("1.234"), "numeric(5,2)").is_err());
        assert_eq!(canonical(decimal("1.2"), "numeric(5,2)").unwrap(), decimal("1.20"));
        assert!(canonical(Value::Float(1.5), "integer").is_err());
        assert!(canonical(Value::Int(40_000), "smallint").is_err());
        assert!(canonical(Value::from("abc"), "varchar(2)").is_err());
        assert!(canonical(Value::from("a "), "char(4)").is_err());
        assert!(canonical(Value::from("a\0"), "text").is_err());
        assert!(canonical(Value::Time("01:02:03.5".parse().unwrap()), "time(0)").is_err());
        assert_eq!(canonical(Value::Float(0.5), "numeric").unwrap(), decimal("0.5"));
        assert_eq!(canonical(Value::Int(7), "numeric").unwrap(), decimal("7"));
    }
}
