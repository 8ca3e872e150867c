//! Any value comes back from a blob, and any array from a `.npy` file.

#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use lapjoint_format::blob::{PackOptions, pack, pack_with, unpack};
use lapjoint_format::{npy, tagged};
use lapjoint_types::{ByteOrder, DType, Kind, MatCell, NdArray, ObjectArray, Order, TimeUnit, Value};
use num_bigint::BigInt;
use proptest::collection::vec;
use proptest::prelude::*;

/// Kinds that a blob keeps as they are.
fn blob_kind() -> impl Strategy<Value = Kind> {
    prop_oneof![
        Just(Kind::Bool),
        prop_oneof![Just(1u8), Just(2), Just(4), Just(8)]
            .prop_flat_map(|w| prop_oneof![Just(Kind::Int(w)), Just(Kind::UInt(w))]),
        prop_oneof![
            Just(Kind::Float(4)),
            Just(Kind::Float(8)),
            Just(Kind::Complex(8)),
            Just(Kind::Complex(16))
        ],
        (0..13usize).prop_map(|unit| Kind::DateTime { unit: TimeUnit::ORDERED[unit], count: 1 }),
    ]
}

/// Kinds that only a `.npy` file keeps.
fn npy_kind() -> impl Strategy<Value = Kind> {
    prop_oneof![
        blob_kind(),
        Just(Kind::Float(2)),
        (1..6usize).prop_map(Kind::Bytes),
        (1..6usize).prop_map(Kind::Unicode),
        (1..6usize).prop_map(Kind::Void),
        (0..13usize, 1..99u32)
            .prop_map(|(unit, count)| Kind::TimeDelta { unit: TimeUnit::ORDERED[unit], count }),
    ]
}

fn array(kind: impl Strategy<Value = Kind>) -> impl Strategy<Value = NdArray> {
    (kind, vec(0..5usize, 0..4), any::<bool>()).prop_flat_map(|(kind, shape, column_major)| {
        let dtype = DType::little(kind);
        let bytes = shape.iter().product::<usize>() * dtype.item_bytes();
        vec(any::<u8>(), bytes).prop_map(move |mut data| {
            if dtype.kind == Kind::Bool {
                data.iter_mut().for_each(|byte| *byte &= 1);
            }
            let order = if column_major { Order::F } else { Order::C };
            NdArray::new(dtype.clone(), shape.clone(), order, data.into()).unwrap()
        })
    })
}

fn date_time() -> impl Strategy<Value = jiff::civil::DateTime> {
    (1..9999i16, 1..13i8, 1..29i8, 0..86_400i32, 0..1_000_000i32).prop_map(
        |(year, month, day, second, micro)| {
            let time = jiff::civil::Time::midnight() + jiff::SignedDuration::from_secs(second.into());
            let time = time.with().subsec_nanosecond(micro * 1000).build().unwrap();
            jiff::civil::date(year, month, day).to_datetime(time)
        },
    )
}

fn scalar() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::Bool),
        any::<i64>().prop_map(Value::Int),
        vec(any::<u8>(), 0..40).prop_map(|bytes| Value::from(BigInt::from_signed_bytes_le(&bytes))),
        any::<u64>().prop_map(|bits| Value::Float(f64::from_bits(bits))),
        (any::<f64>(), any::<f64>()).prop_map(|(re, im)| Value::Complex(re, im)),
        any::<String>().prop_map(Value::Str),
        vec(any::<u8>(), 0..50).prop_map(|bytes| Value::Bytes(bytes.into())),
        "-?[0-9]{1,20}(\\.[0-9]{1,20})?(E[+-]?[0-9]{1,3})?"
            .prop_map(|text| Value::Decimal(text.parse().unwrap())),
        date_time().prop_map(Value::DateTime),
        date_time().prop_map(|moment| Value::Date(moment.date())),
        date_time().prop_map(|moment| Value::Time(moment.time())),
        any::<u128>().prop_map(|bits| Value::Uuid(uuid::Uuid::from_u128(bits))),
        array(blob_kind()).prop_map(Value::from),
    ]
}

fn value() -> impl Strategy<Value = Value> {
    scalar().prop_recursive(4, 60, 6, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..6).prop_map(Value::List),
            vec(inner.clone(), 0..6).prop_map(Value::Tuple),
            vec(inner.clone(), 0..6).prop_map(Value::Set),
            vec((inner.clone(), inner.clone()), 0..6).prop_map(Value::Dict),
            vec(inner.clone(), 1..6).prop_map(|elements| {
                Value::ObjectArray(Box::new(ObjectArray { shape: vec![elements.len()], elements }))
            }),
            vec(inner, 1..6).prop_map(|elements| {
                Value::MatCell(Box::new(MatCell { shape: vec![1, elements.len()], elements }))
            }),
        ]
    })
}

proptest! {
    #[test]
    fn blobs(value in value()) {
        let packed = pack_with(&value, &PackOptions::uncompressed()).unwrap();
        prop_assert_eq!(&unpack(packed).unwrap(), &value);
        prop_assert_eq!(&unpack(pack(&value).unwrap()).unwrap(), &value);
        let tagged = tagged::to_json(&value).unwrap();
        prop_assert_eq!(&tagged::from_json(&tagged).unwrap(), &value);
    }

    #[test]
    fn npy_files(array in array(npy_kind()), big in any::<bool>()) {
        let order = if big { ByteOrder::Big } else { ByteOrder::Little };
        let dtype = DType { order, ..array.dtype().clone() };
        let array = NdArray::new(dtype, array.shape().to_vec(), array.order(), array.data().clone()).unwrap();
        let file = npy::to_bytes(&array).unwrap();
        // Types without a byte order are read as little-endian: their bytes are the same.
        let back = npy::from_bytes(file).unwrap();
        prop_assert_eq!(back.shape(), array.shape());
        let (back_rows, rows) = (back.to_order(Order::C), array.to_order(Order::C));
        prop_assert_eq!(back_rows.data(), rows.data());
        prop_assert_eq!(&back.dtype().kind, &array.dtype().kind);
    }

    #[test]
    fn hostile_bytes(blob in vec(any::<u8>(), 0..300), cut in any::<proptest::sample::Index>()) {
        let mut with_protocol = b"dj0\0".to_vec();
        with_protocol.extend(&blob);
        let _ = unpack(with_protocol.into());
        let mut file = npy::to_bytes(&NdArray::from_vec(vec![1u16; 4])).unwrap().to_vec();
        let at = cut.index(file.len());
        file.splice(at.., blob);
        let _ = npy::from_bytes(file.into());
    }
}
