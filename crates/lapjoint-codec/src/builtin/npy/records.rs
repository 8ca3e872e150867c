//! Structured arrays: from columns, as values keep them, to records, as files keep them.

use std::sync::Arc;

use bytes::BytesMut;
use lapjoint_types::{DType, Field, Kind, NdArray, Order, RecordArray, Value};

use super::NAME;
use crate::error::CodecError;

/// The records one after another, row-major, their fields packed without padding.
pub(super) fn interleave(records: &RecordArray) -> Result<NdArray, CodecError> {
    let mut fields = Vec::with_capacity(records.fields.len());
    let mut columns = Vec::with_capacity(records.fields.len());
    for (name, column) in &records.fields {
        let column = match column {
            Value::Array(array) => array.to_order(Order::C),
            Value::RecordArray(inner) => interleave(inner)?,
            Value::ObjectArray(_) => {
                return Err(CodecError::value(NAME, "does not support object dtype arrays"));
            }
            other => {
                return Err(CodecError::value(
                    NAME,
                    format!("requires arrays as fields, but '{name}' is {}", other.type_name()),
                ));
            }
        };
        let Some(shape) = column.shape().strip_prefix(records.shape.as_slice()) else {
            return Err(CodecError::value(
                NAME,
                format!(
                    "requires fields of one shape: records have {:?}, '{name}' has {:?}",
                    records.shape,
                    column.shape()
                ),
            ));
        };
        fields.push(Field { name: name.clone(), dtype: column.dtype().clone(), shape: shape.to_vec() });
        columns.push(column);
    }
    let dtype = DType::little(Kind::Struct(Arc::from(fields)));
    let len_records: usize = records.shape.iter().product();
    let mut data = BytesMut::with_capacity(columns.iter().map(|column| column.data().len()).sum());
    for record in 0..len_records {
        for column in &columns {
            let item_bytes = column.data().len() / len_records;
            let start = record * item_bytes;
            data.extend_from_slice(column.data().get(start..start + item_bytes).unwrap_or_default());
        }
    }
    NdArray::new(dtype, records.shape.clone(), Order::C, data.freeze())
        .map_err(|error| CodecError::value(NAME, error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn records(shape: Vec<usize>, fields: Vec<(&str, Value)>) -> RecordArray {
        RecordArray {
            shape,
            fields: fields.into_iter().map(|(name, column)| (name.to_owned(), column)).collect(),
        }
    }

    #[test]
    fn columns_become_records() {
        let inner = records(vec![2], vec![("z", NdArray::from_vec(vec![7u8, 8]).into())]);
        let pairs = NdArray::from_shape_vec(vec![2, 2], vec![1u16, 2, 3, 4]).unwrap().to_order(Order::F);
        let all = records(
            vec![2],
            vec![
                ("t", NdArray::from_vec(vec![5u8, 6]).into()),
                ("xy", pairs.into()),
                ("in", Value::RecordArray(Box::new(inner))),
            ],
        );
        let array = interleave(&all).unwrap();
        assert_eq!(array.data().as_ref(), [5, 1, 0, 2, 0, 7, 6, 3, 0, 4, 0, 8]);
        assert_eq!(array.dtype().to_string(), "[('t', '|u1'), ('xy', '<u2', (2,)), ('in', [('z', '|u1')])]");
        assert_eq!(
            interleave(&records(vec![0], vec![("t", NdArray::from_vec(Vec::<u8>::new()).into())]))
                .unwrap()
                .shape(),
            [0]
        );
    }

    #[test]
    fn fields_of_another_shape_or_kind_are_refused() {
        let short = records(vec![3], vec![("t", NdArray::from_vec(vec![1u8, 2]).into())]);
        assert!(interleave(&short).unwrap_err().to_string().contains("records have [3], 't' has [2]"));
        let text = records(vec![1], vec![("t", "x".into())]);
        assert!(interleave(&text).unwrap_err().to_string().contains("'t' is str"));
    }
}
