//! Queries as record batches.

use std::sync::Arc;

use lapjoint::arrow::arrow_array::cast::AsArray;
use lapjoint::arrow::arrow_array::types::{self as arrow_types, Decimal128Type, Int8Type, Int32Type};
use lapjoint::arrow::arrow_array::{Array, ArrayRef, Int64Array, RecordBatch};
use lapjoint::arrow::arrow_schema::DataType;
use lapjoint::codec::{Codec, CodecError, DecodeContext, EncodeContext, Place, Rendered};
use lapjoint::types::{LogicalType, TypeSpec};
use lapjoint::{Error, NdArray, Query, Value, row};

use crate::common::{fresh, open_at, server};

fn batches(query: &Query) -> Vec<RecordBatch> {
    query.arrow().unwrap().collect::<Result<_, _>>().unwrap()
}

#[test]
fn every_database_gives_the_same_columns() {
    let servers = ["LAPJOINT_TEST_POSTGRES", "LAPJOINT_TEST_MYSQL"].map(server);
    let mut seen: Vec<(Arc<_>, Vec<ArrayRef>)> = Vec::new();
    for url in std::iter::once(None).chain(servers.into_iter().flatten().map(Some)) {
        let folder = tempfile::tempdir().unwrap();
        let connection = open_at(folder.path(), url.as_deref());
        let name = format!("arrow_engine_{}", std::process::id());
        let schema = connection.schema(&name).unwrap();
        let table = schema
            .manual(
                "Cell",
                "n : int32\n---\nprice : decimal(9,2)\nkind : enum('a','b')\nday : date\nat = null : datetime(6)\nid : uuid\n\
                 text : varchar(9)\nraw : bytes\nflag : bool\nsmall : float32",
            )
            .unwrap();
        table
            .insert((0..3).map(|n| {
                row! {
                    "n" => n, "price" => "-1.25", "kind" => if n == 1 { "b" } else { "a" }, "day" => "1969-12-31",
                    "at" => (n > 0).then_some("2020-02-29 12:00:00.000001"), "id" => lapjoint::types::Value::Uuid(uuid(n)),
                    "text" => "zoë", "raw" => &[0u8, 255][..], "flag" => n == 2, "small" => 0.5,
                }
            }))
            .unwrap();
        let found = batches(&table.query().order_by(["KEY"]));
        assert_eq!(found.len(), 1);
        let types =
            found[0].schema().fields().iter().map(|field| field.data_type().clone()).collect::<Vec<_>>();
        seen.push((Arc::new(types), found[0].columns().to_vec()));
        schema.drop_schema().unwrap();
    }
    let (types, columns) = &seen[0];
    assert_eq!(types[1], DataType::Decimal128(9, 2));
    assert_eq!(columns[0].as_primitive::<Int32Type>().values(), &[0, 1, 2]);
    assert_eq!(columns[1].as_primitive::<Decimal128Type>().value(0), -125);
    assert_eq!(columns[2].as_dictionary::<Int8Type>().keys().values(), &[0, 1, 0]);
    assert_eq!(columns[4].null_count(), 1);
    for (other_types, other_columns) in &seen[1..] {
        assert_eq!(other_types, types);
        assert_eq!(other_columns, columns);
    }
}

fn uuid(number: i64) -> uuid::Uuid {
    uuid::Uuid::from_u128(u128::try_from(number).unwrap())
}

/// A codec over `<blob>` that renders its values as their number of elements, in one array.
#[derive(Debug)]
struct Counted(LogicalType);

impl Codec for Counted {
    fn name(&self) -> &str {
        "counted"
    }
    fn dtype(&self, _: Place) -> Result<TypeSpec, CodecError> {
        Ok(TypeSpec::parse("<blob>")?)
    }
    fn encode(&self, value: Value, _: &mut EncodeContext<'_>) -> Result<Value, CodecError> {
        Ok(value)
    }
    fn decode(&self, stored: Value, _: &DecodeContext<'_>) -> Result<Value, CodecError> {
        Ok(stored)
    }
    fn logical_type(&self) -> LogicalType {
        self.0.clone()
    }
    fn render(&self, values: Vec<Value>) -> Result<Rendered, CodecError> {
        let count = |value: Value| match value {
            Value::Array(array) => i64::try_from(array.len_elements()).ok(),
            _ => None,
        };
        let array: ArrayRef = Arc::new(values.into_iter().map(count).collect::<Int64Array>());
        Ok(Rendered::Column(Arc::new(array)))
    }
}

#[test]
fn a_codec_renders_an_array() {
    let (_folder, connection) = fresh();
    let lab = connection.schema("lab").unwrap();
    for (declared, fits) in [("content", true), ("int64", true), ("int32", false)] {
        connection.registry().register(Arc::new(Counted(declared.parse().unwrap()))).unwrap();
        connection.forget_tables();
        let table = lab.manual("Counted", "n : int32\n---\nx = null : <counted>").unwrap();
        if table.query().count().unwrap() == 0 {
            table.insert1(row! { "n" => 0, "x" => NdArray::from_vec(vec![1.0f64; 5]) }).unwrap();
            table.insert1(row! { "n" => 1 }).unwrap();
        }
        let found = table.query().arrow().unwrap().collect::<Result<Vec<_>, _>>();
        if fits {
            let column = Arc::clone(found.unwrap()[0].column(1));
            assert_eq!(column.as_ref(), &Int64Array::from(vec![Some(5), None]) as &dyn Array);
        } else {
            let message = found.unwrap_err().to_string();
            assert!(message.contains("its codec gave Int64, not Int32"), "{message}");
        }
    }
}

#[test]
fn a_value_that_its_column_cannot_hold_is_named() {
    let (_folder, connection) = fresh();
    let table = connection.schema("lab").unwrap().manual("Mixed", "n : int32\n---\nx : <blob>").unwrap();
    table
        .insert((0..3).map(|n| row! { "n" => n, "x" => Value::List(vec![Value::Int(1), Value::Int(2)]) }))
        .unwrap();
    // Rows behind those that were looked at: 80 MB of text, then something else.
    let long = "x".repeat(8 << 20);
    table.insert((10..20).map(|n| row! { "n" => n, "x" => long.as_str() })).unwrap();
    table.insert1(row! { "n" => 99, "x" => Value::List(vec![Value::Int(1)]) }).unwrap();
    let texts = (table.query() & "n >= 10").order_by(["n"]);
    let found: Result<Vec<_>, Error> = texts.arrow().unwrap().collect();
    let message = found.unwrap_err().to_string();
    assert!(message.contains("row 10: attribute `x` (<blob>): a value of type list is no text"), "{message}");
    // What is of no one kind in the rows that were looked at is packed.
    let few = (table.query() & "n < 11").arrow().unwrap();
    assert_eq!(few.schema().field(1).data_type(), &DataType::Binary);
}

#[test]
fn a_large_result_is_read_while_it_is_used() {
    let servers = ["LAPJOINT_TEST_POSTGRES", "LAPJOINT_TEST_MYSQL"].map(server);
    for url in std::iter::once(None).chain(servers.into_iter().flatten().map(Some)) {
        let folder = tempfile::tempdir().unwrap();
        let connection = open_at(folder.path(), url.as_deref());
        let schema = connection.schema(&format!("arrow_large_{}", std::process::id())).unwrap();
        let table = schema.manual("Large", "n : int32\n---\nx : varchar(100)\ny : <blob>").unwrap();
        table.insert((0..150_000).map(|n| row! { "n" => n, "x" => format!("row {n}"), "y" => n })).unwrap();
        let expected = |batches: Vec<RecordBatch>| {
            let rows: usize = batches.iter().map(RecordBatch::num_rows).sum();
            let sum: i64 = batches
                .iter()
                .flat_map(|batch| batch.column(2).as_primitive::<arrow_types::Int64Type>().values().to_vec())
                .sum();
            assert_eq!((rows, sum), (150_000, (0..150_000).sum()));
            assert!(batches.len() > 2);
        };
        let mut stream = table.query().order_by(["n"]).arrow_holding(1 << 20).unwrap();
        let first = stream.next().unwrap().unwrap();
        // The connection is free meanwhile, and what is written then is not in the stream.
        table.insert1(row! { "n" => 200_000, "x" => "later", "y" => 0 }).unwrap();
        assert_eq!(table.query().count().unwrap(), 150_001);
        expected(std::iter::once(first).chain(stream.map(Result::unwrap)).collect());
        (table.query() & "n = 200000").delete_quick().unwrap();
        // A transaction sees its own rows, which no other connection does.
        connection
            .transaction(|| {
                (table.query() & "n = 0").delete_quick()?;
                table.insert1(row! { "n" => -1, "x" => "mine", "y" => 0 })?;
                expected(table.query().arrow_holding(1 << 20)?.collect::<Result<_, _>>()?);
                Err::<(), _>(Error::Usage("undone".into()))
            })
            .unwrap_err();
        // A stream that is left alone ends its connection.
        drop(table.query().arrow_holding(1).unwrap());
        schema.drop_schema().unwrap();
    }
}
