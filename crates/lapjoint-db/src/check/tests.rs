use bytes::Bytes;
use jiff::civil;
use lapjoint_types::{DType, NdArray, Order, TimeUnit};
use num_bigint::BigInt;

use super::*;

fn core(text: &str) -> CoreType {
    text.parse().unwrap()
}

#[track_caller]
fn accepts(ty: &str, value: impl Into<Value>, canonical: impl Into<Value>) {
    let canonical = canonical.into();
    assert_eq!(normalise(value.into(), &core(ty)).unwrap(), canonical, "{ty}");
    assert_eq!(normalise(canonical.clone(), &core(ty)).unwrap(), canonical, "{ty}, again");
}

#[track_caller]
fn refuses(ty: &str, value: impl Into<Value>, part: &str) {
    let refusal = normalise(value.into(), &core(ty)).unwrap_err();
    let message = refusal.into_error("x", &ColumnType::Core(core(ty)), Some(3)).to_string();
    assert!(message.contains(part) && message.contains("`x`") && message.contains("row 3"), "{message}");
}

#[test]
fn integers() {
    for (ty, low, high) in
        [("int8", -128i64, 127i64), ("int16", -32768, 32767), ("int64", i64::MIN, i64::MAX)]
    {
        accepts(ty, low, low);
        accepts(ty, high, high);
    }
    refuses("int8", 128, "-128 to 127; declare the attribute as int16");
    refuses("int64", Value::from(BigInt::from(u64::MAX)), "decimal");
    accepts("int32", 3.0, 3);
    refuses("int32", 3.7, "not a whole number");
    refuses("int32", f64::NAN, "not a whole number");
    refuses("int32", "3", "expected an integer");
    accepts("int8", true, 1);
    accepts("int64", NdArray::scalar(7u8), 7);
    refuses("int64", NdArray::from_vec(vec![1u8]), "expected an integer");
}

#[test]
fn floats() {
    for number in [0.1, -0.0, f64::NAN, f64::INFINITY, f64::MIN_POSITIVE, 5e-324] {
        accepts("float64", number, number);
    }
    accepts("float64", 1i64 << 53, 9_007_199_254_740_992.0);
    refuses("float64", (1i64 << 53) + 1, "exactly");
    accepts("float64", "0.10".parse::<lapjoint_types::Decimal>().unwrap(), 0.1);
    refuses("float64", "0.10000000000000000001".parse::<lapjoint_types::Decimal>().unwrap(), "exactly");
    accepts("float32", 0.1, f64::from(0.1f32));
    accepts("float32", f64::NEG_INFINITY, f64::NEG_INFINITY);
    refuses("float32", 1e39, "float64");
    accepts("float32", NdArray::scalar(0.1f32), f64::from(0.1f32));
}

#[test]
fn truth_values() {
    accepts("bool", true, true);
    accepts("bool", 0, false);
    accepts("bool", NdArray::scalar(true), true);
    refuses("bool", 2, "True, False");
    refuses("bool", "true", "True, False");
}

#[test]
fn decimals() {
    let decimal = |text: &str| text.parse::<lapjoint_types::Decimal>().unwrap();
    for (given, canonical) in [
        ("1.5", "1.50"),
        ("-0", "0.00"),
        ("+007", "7.00"),
        ("1E+3", "1000.00"),
        ("1e-2", "0.01"),
        (".5", "0.50"),
    ] {
        accepts("decimal(6,2)", decimal(given), decimal(canonical));
    }
    accepts("decimal(6,2)", 12, decimal("12.00"));
    accepts("decimal(6,2)", 0.1, decimal("0.10"));
    accepts("decimal(6,2)", "3.25", decimal("3.25"));
    accepts("decimal(3,0)", -7, decimal("-7"));
    refuses("decimal(6,2)", decimal("1.005"), "3 digits after the point");
    refuses("decimal(6,2)", 12345, "decimal(7,2)");
    refuses("decimal(6,2)", decimal("NaN"), "finite");
    refuses("decimal(6,2)", decimal("1e999999999"), "finite");
    refuses("decimal(6,2)", "abc", "finite");
}

#[test]
fn texts() {
    accepts("varchar(3)", "äöü", "äöü");
    accepts("char(2)", "", "");
    refuses("varchar(3)", "äöüx", "4 characters");
    refuses("varchar(9)", "a\0b", "NUL");
    refuses("varchar(9)", 5, "str()");
    accepts("enum('on','off')", "off", "off");
    refuses("enum('on','off')", "of", "did you mean");
    let id = uuid::Uuid::from_u128(7);
    accepts("uuid", id, id);
    accepts("uuid", id.simple().to_string(), id);
    refuses("uuid", "7", "badly formed");
    accepts("bytes", vec![0u8, 255], vec![0u8, 255]);
    refuses("bytes", "a", "encode");
    refuses("bytes", NdArray::from_vec(vec![1u8]), "<blob>");
}

#[test]
fn dates_and_times() {
    let day = civil::date(2024, 2, 29);
    accepts("date", day, day);
    accepts("date", "2024-02-29", day);
    accepts("date", day.at(0, 0, 0, 0), day);
    refuses("date", day.at(1, 0, 0, 0), "time of day");
    refuses("date", "2023-02-29", "YYYY-MM-DD");
    let moment = day.at(1, 2, 3, 4000);
    accepts("datetime", moment, moment);
    for text in ["2024-02-29 01:02:03.000004", "2024-02-29T01:02:03.000004"] {
        accepts("datetime", text, moment);
    }
    accepts("datetime", day, day.at(0, 0, 0, 0));
    refuses("datetime", day.at(0, 0, 0, 1), "microseconds");
    refuses("datetime(3)", moment, "3 digits");
    accepts("datetime(3)", day.at(0, 0, 0, 5_000_000), day.at(0, 0, 0, 5_000_000));
    for zone in ["2024-02-29T01:02:03Z", "2024-02-29 01:02:03+01:00"] {
        refuses("datetime", zone, "time zone");
    }
    refuses("datetime", "yesterday", "YYYY-MM-DD");
    refuses("date", civil::date(-1, 1, 1), "year");
    for (unit, ticks) in
        [(TimeUnit::Day, 1i64), (TimeUnit::Second, 86_400), (TimeUnit::Nano, 86_400_000_000_000)]
    {
        let dtype = DType::little(Kind::DateTime { unit, count: 1 });
        let bytes = Bytes::copy_from_slice(&ticks.to_le_bytes());
        accepts(
            "datetime",
            NdArray::new(dtype.clone(), vec![], Order::C, bytes).unwrap(),
            civil::date(1970, 1, 2).at(0, 0, 0, 0),
        );
        let nat = Bytes::copy_from_slice(&i64::MIN.to_le_bytes());
        refuses("datetime", NdArray::new(dtype, vec![], Order::C, nat).unwrap(), "expected");
    }
}

#[test]
fn texts_of_times_come_back() {
    for moment in [
        civil::date(1, 1, 1).at(0, 0, 0, 0),
        civil::date(9999, 12, 31).at(23, 59, 59, 999_999_000),
        civil::date(2024, 1, 2).at(3, 4, 5, 600_000_000),
    ] {
        assert_eq!(parse_datetime(&format_datetime(moment)), Some(moment));
    }
    assert_eq!(format_datetime(civil::date(2024, 1, 2).at(3, 4, 5, 600_000_000)), "2024-01-02 03:04:05.6");
    assert_eq!(format_datetime(civil::date(2024, 1, 2).at(3, 4, 5, 0)), "2024-01-02 03:04:05");
}

#[test]
fn documents() {
    let document = serde_json::json!({"a": [1, 2.5, null, true, "é"]});
    accepts("json", document.clone(), document.clone());
    let dict = Value::Dict(vec![(
        "a".into(),
        Value::List(vec![1.into(), 2.5.into(), Value::Null, true.into(), NdArray::scalar(3u8).into()]),
    )]);
    accepts("json", dict, serde_json::json!({"a": [1, 2.5, null, true, 3]}));
    accepts("json", "text", serde_json::json!("text"));
    refuses("json", f64::NAN, "no JSON number");
    refuses("json", Value::Dict(vec![(1.into(), 1.into())]), "keys");
    refuses("json", NdArray::from_vec(vec![1.0]), "tolist");
    refuses("json", serde_json::json!(["a\u{0}"]), "NUL");
    refuses("json", Value::Set(vec![]), "JSON");
}

#[test]
fn keys() {
    assert!(check_key(&Value::Null).is_err());
    assert!(check_key(&Value::Float(f64::NAN)).unwrap_err().reason.contains("NaN"));
    assert!(check_key(&Value::Int(0)).is_ok());
}
