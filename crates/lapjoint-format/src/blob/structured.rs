//! Structured arrays: from rows of packed fields to one column a field.

use bytes::{BufMut, BytesMut};
use lapjoint_types::{DType, Field, Kind, NdArray, Order, RecordArray, Value};

use super::error::PackError;

/// The columns of an array of structured elements.
pub(super) fn columns(array: &NdArray, fields: &[Field]) -> Result<RecordArray, PackError> {
    let rows = array.to_order(Order::C);
    let item_bytes = array.dtype().item_bytes();
    let mut offset_bytes = 0;
    let mut columns = Vec::with_capacity(fields.len());
    for field in fields {
        let items = field.shape.iter().product::<usize>();
        let field_bytes = field.dtype.item_bytes() * items;
        let mut data = BytesMut::with_capacity(field_bytes * array.len_elements());
        if item_bytes > 0 {
            for row in rows.data().chunks_exact(item_bytes) {
                data.put_slice(row.get(offset_bytes..offset_bytes + field_bytes).unwrap_or_default());
            }
        }
        offset_bytes += field_bytes;
        // Bytes between fields carry nothing; numpy gives them fields without names in the header.
        if field.name.is_empty() {
            continue;
        }
        let shape = [array.shape(), field.shape.as_slice()].concat();
        let column = NdArray::new(field.dtype.clone(), shape, Order::C, data.freeze())
            .map_err(|error| PackError::Records(error.to_string()))?;
        columns.push((field.name.clone(), Value::from(column)));
    }
    Ok(RecordArray { shape: array.shape().to_vec(), fields: columns })
}

/// Shape of a column.
pub(super) fn column_shape(column: &Value) -> Option<&[usize]> {
    match column {
        Value::Array(array) => Some(array.shape()),
        Value::ObjectArray(array) => Some(&array.shape),
        Value::RecordArray(array) => Some(&array.shape),
        _ => None,
    }
}

/// The shape that records of these columns have: that of the column with the fewest dimensions, which all must begin with.
///
/// `None` when a column is no array, or when the columns do not agree.
pub(super) fn record_shape(fields: &[(String, Value)]) -> Option<Vec<usize>> {
    let mut shapes = Vec::with_capacity(fields.len());
    for (_, column) in fields {
        shapes.push(column_shape(column)?);
    }
    let shortest = shapes.iter().min_by_key(|shape| shape.len())?;
    shapes.iter().all(|shape| shape.starts_with(shortest)).then(|| shortest.to_vec())
}

/// Refuses records that would come back with another shape.
pub(super) fn check(records: &RecordArray) -> Result<(), PackError> {
    if records.fields.is_empty() || record_shape(&records.fields).as_ref() == Some(&records.shape) {
        return Ok(());
    }
    Err(PackError::Records(format!(
        "a structured array of shape {:?} all of whose fields are sub-arrays would come back with another shape; add a \
         plain field, or store it as <npy@>",
        records.shape
    )))
}

/// Why elements of a type cannot be packed, and what to do.
pub(super) fn refusal(dtype: &DType) -> PackError {
    let remedy = match &dtype.kind {
        Kind::Float(2) => "convert it to float32, or store it as <npy@>",
        Kind::TimeDelta { .. } => "convert it to int64 and note the unit, or store it as <npy@>",
        Kind::DateTime { .. } => "use a unit without a multiple, such as datetime64[us]",
        Kind::Bytes(_) => "convert it to text ('U') or to single bytes ('S1'), or store it as <npy@>",
        _ => "store it as <npy@>",
    };
    PackError::ArrayType { dtype: dtype.to_string(), remedy }
}
