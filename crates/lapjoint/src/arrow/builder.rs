//! Columns that grow value by value.

use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::{Int8Type, Int32Type};
use arrow_array::{
    ArrayRef, BooleanArray, DictionaryArray, FixedSizeListArray, ListArray, NullArray, StringArray,
};
use arrow_array::{StructArray, make_array};
use arrow_buffer::{BooleanBufferBuilder, OffsetBuffer, ScalarBuffer};
use arrow_schema::{ArrowError, DataType, Fields};
use lapjoint_db::Cell;
use lapjoint_format::blob;
use lapjoint_types::{CoreType, DType, LogicalType, NdArray, Value};

use crate::arrow::fixed::{Fixed, Nulls};
use crate::arrow::scalar::{self, Refused};
use crate::arrow::tensor::Tensors;
use crate::arrow::types;
use crate::arrow::variable::Variable;

/// A column of some type.
#[derive(Debug)]
pub(super) enum Builder {
    Null(usize),
    Int(Fixed),
    Float(Fixed),
    Bool { bits: BooleanBufferBuilder, nulls: Nulls },
    Decimal { column: Fixed, precision: u32, scale: u32 },
    Date(Fixed),
    Time(Fixed),
    DateTime(Fixed),
    Uuid(Fixed),
    Text(Variable),
    Json(Variable),
    Bytes(Variable),
    Packed(Variable),
    Enum { keys: Fixed, labels: ArrayRef },
    List { inner: Box<Builder>, ty: LogicalType, offsets: Vec<i32>, nulls: Nulls },
    Struct { fields: Vec<(String, Builder)>, declared: Fields, nulls: Nulls },
    Tensor(Box<Tensors>),
}

impl Builder {
    /// An empty column of a type that is not open any more.
    pub fn new(ty: &LogicalType) -> Self {
        let data_type = types::data_type(ty);
        let fixed = |width| Fixed::new(data_type.clone(), width);
        match ty {
            LogicalType::Content | LogicalType::Null => Self::Null(0),
            LogicalType::Core(core) => match (core, &data_type) {
                (CoreType::Decimal { .. }, DataType::Utf8) => Self::Text(Variable::text()),
                (CoreType::Decimal { precision, scale }, _) => {
                    let width = if *precision <= types::DIGITS.0 { 16 } else { 32 };
                    Self::Decimal { column: fixed(width), precision: *precision, scale: *scale }
                }
                (CoreType::Enum(labels), DataType::Dictionary(key, _)) => {
                    let labels = Arc::new(StringArray::from_iter_values(labels)) as ArrayRef;
                    let width = key.primitive_width().unwrap_or(4);
                    Self::Enum { keys: Fixed::new((**key).clone(), width), labels }
                }
                (CoreType::Date, _) => Self::Date(fixed(4)),
                (CoreType::DateTime(_), _) => Self::DateTime(fixed(8)),
                (CoreType::Uuid, _) => Self::Uuid(fixed(16)),
                (CoreType::Json, _) => Self::Json(Variable::text()),
                (CoreType::Bytes, _) => Self::Bytes(Variable::bytes()),
                _ => Self::of_numbers(data_type),
            },
            LogicalType::Number(dtype) => Self::of_numbers(types::of_number(dtype)),
            LogicalType::Text => Self::Text(Variable::text()),
            LogicalType::Time => Self::Time(fixed(8)),
            LogicalType::List(inner) => Self::List {
                inner: Box::new(Self::new(inner)),
                ty: (**inner).clone(),
                offsets: vec![0],
                nulls: Nulls::default(),
            },
            LogicalType::Struct(fields) => Self::Struct {
                declared: fields.iter().map(|(name, ty)| types::field(name, ty, true)).collect(),
                fields: fields.iter().map(|(name, ty)| (name.clone(), Self::new(ty))).collect(),
                nulls: Nulls::default(),
            },
            LogicalType::Tensor { element: Some(element), shape: Some(shape) } => {
                Self::Tensor(Box::new(Tensors::new(element.clone(), shape.clone())))
            }
            LogicalType::Tensor { .. } => Self::Null(0),
            _ => Self::Packed(Variable::bytes()),
        }
    }

    pub(super) fn of_numbers(data_type: DataType) -> Self {
        let width = data_type.primitive_width().unwrap_or(0);
        match data_type {
            DataType::Boolean => Self::Bool { bits: BooleanBufferBuilder::new(0), nulls: Nulls::default() },
            DataType::Utf8 => Self::Text(Variable::text()),
            DataType::Float16 | DataType::Float32 | DataType::Float64 => {
                Self::Float(Fixed::new(data_type, width))
            }
            DataType::Null => Self::Null(0),
            other => Self::Int(Fixed::new(other, width)),
        }
    }

    /// Appends a cell.
    pub fn push_cell(&mut self, cell: Cell<'_>) -> Result<(), Refused> {
        match (self, cell) {
            (Self::Text(column), Cell::Text(text)) => column.push(text.as_bytes()),
            (Self::Bytes(column), Cell::Bytes(bytes)) => column.push(bytes),
            (Self::Enum { keys, labels }, Cell::Text(text)) => push_label(keys, labels, text),
            (this, Cell::Value(value)) => this.push(&value),
            (this, cell) => this.push(&cell.into_value()),
        }
    }

    /// Appends a value.
    pub fn push(&mut self, value: &Value) -> Result<(), Refused> {
        match (self, value) {
            (this, Value::Null) => {
                this.push_nulls(1);
                Ok(())
            }
            (Self::Int(column), value) => scalar::push_int(column, value),
            (Self::Float(column), value) => scalar::push_float(column, value),
            (Self::Bool { bits, nulls }, value) => {
                bits.append(scalar::boolean(value)?);
                nulls.push(true);
                Ok(())
            }
            (Self::Decimal { column, precision, scale }, value) => {
                scalar::push_decimal(column, value, *precision, *scale)
            }
            (Self::Date(column), Value::Date(date)) => {
                column.push(scalar::days(*date));
                Ok(())
            }
            (Self::Time(column), Value::Time(time)) => {
                column.push(scalar::micros_of_day(*time));
                Ok(())
            }
            (Self::DateTime(column), Value::DateTime(moment)) => {
                column.push(scalar::micros(*moment));
                Ok(())
            }
            (Self::DateTime(column), Value::Date(date)) => {
                column.push(scalar::micros(date.to_datetime(jiff::civil::Time::midnight())));
                Ok(())
            }
            (Self::Uuid(column), Value::Uuid(id)) => {
                column.push_bytes(id.as_bytes());
                Ok(())
            }
            (Self::Text(column), value) => column.push(scalar::text(value)?.as_bytes()),
            (Self::Json(column), value) => column.push(scalar::json(value)?.as_bytes()),
            (Self::Bytes(column), Value::Bytes(bytes)) => column.push(bytes),
            (Self::Packed(column), value) => {
                let packed = blob::pack(value).map_err(|error| Refused(error.to_string()))?;
                column.push(&packed)
            }
            (Self::Enum { keys, labels }, Value::Str(text)) => push_label(keys, labels, text),
            (Self::List { inner, offsets, nulls, .. }, value) => {
                push_items(inner, value)?;
                nulls.push(true);
                push_offset(offsets, inner.len())
            }
            (Self::Struct { fields, nulls, .. }, value) => {
                push_fields(fields, value)?;
                nulls.push(true);
                Ok(())
            }
            (Self::Tensor(tensors), Value::Array(array)) => tensors.push(array),
            (this, value) => {
                Err(Refused(format!("a value of type {} is no {}", value.type_name(), this.shown())))
            }
        }
    }

    /// Appends nulls.
    pub fn push_nulls(&mut self, count: usize) {
        match self {
            Self::Null(length) => *length += count,
            Self::Int(column)
            | Self::Float(column)
            | Self::Decimal { column, .. }
            | Self::Date(column)
            | Self::Time(column)
            | Self::DateTime(column)
            | Self::Uuid(column)
            | Self::Enum { keys: column, .. } => column.push_nulls(count),
            Self::Bool { bits, nulls } => {
                bits.append_n(count, false);
                nulls.push_n(false, count);
            }
            Self::Text(column) | Self::Json(column) | Self::Bytes(column) | Self::Packed(column) => {
                column.push_nulls(count);
            }
            Self::List { offsets, nulls, .. } => {
                let last = offsets.last().copied().unwrap_or(0);
                offsets.extend(std::iter::repeat_n(last, count));
                nulls.push_n(false, count);
            }
            Self::Struct { fields, nulls, .. } => {
                fields.iter_mut().for_each(|(_, field)| field.push_nulls(count));
                nulls.push_n(false, count);
            }
            Self::Tensor(tensors) => tensors.push_nulls(count),
        }
    }

    /// Number of values.
    pub fn len(&self) -> usize {
        match self {
            Self::Null(length) => *length,
            Self::Int(column)
            | Self::Float(column)
            | Self::Decimal { column, .. }
            | Self::Date(column)
            | Self::Time(column)
            | Self::DateTime(column)
            | Self::Uuid(column)
            | Self::Enum { keys: column, .. } => column.len(),
            Self::Text(column) | Self::Json(column) | Self::Bytes(column) | Self::Packed(column) => {
                column.len()
            }
            Self::Bool { nulls, .. } | Self::List { nulls, .. } | Self::Struct { nulls, .. } => nulls.len(),
            Self::Tensor(tensors) => tensors.len(),
        }
    }

    /// Bytes that the values take.
    pub fn bytes(&self) -> usize {
        match self {
            Self::Null(_) => 0,
            Self::Int(column)
            | Self::Float(column)
            | Self::Decimal { column, .. }
            | Self::Date(column)
            | Self::Time(column)
            | Self::DateTime(column)
            | Self::Uuid(column)
            | Self::Enum { keys: column, .. } => column.bytes(),
            Self::Text(column) | Self::Json(column) | Self::Bytes(column) | Self::Packed(column) => {
                column.byte_count()
            }
            Self::Bool { nulls, .. } => nulls.len() / 8,
            Self::List { inner, offsets, .. } => inner.bytes() + 4 * offsets.len(),
            Self::Struct { fields, .. } => fields.iter().map(|(_, field)| field.bytes()).sum(),
            Self::Tensor(tensors) => tensors.bytes(),
        }
    }

    /// The values so far as an array; the column is empty afterwards.
    pub fn finish(&mut self) -> Result<ArrayRef, ArrowError> {
        match self {
            Self::Null(length) => Ok(Arc::new(NullArray::new(std::mem::take(length)))),
            Self::Int(column)
            | Self::Float(column)
            | Self::Decimal { column, .. }
            | Self::Date(column)
            | Self::Time(column)
            | Self::DateTime(column)
            | Self::Uuid(column) => column.finish(),
            Self::Bool { bits, nulls } => {
                let array = BooleanArray::new(bits.finish(), nulls.finish());
                Ok(Arc::new(array))
            }
            Self::Text(column) | Self::Json(column) | Self::Bytes(column) | Self::Packed(column) => {
                column.finish()
            }
            Self::Enum { keys, labels } => {
                let keys = keys.finish()?;
                Ok(match keys.data_type() {
                    DataType::Int8 => Arc::new(DictionaryArray::<Int8Type>::try_new(
                        keys.as_primitive().clone(),
                        Arc::clone(labels),
                    )?),
                    _ => Arc::new(DictionaryArray::<Int32Type>::try_new(
                        keys.as_primitive().clone(),
                        Arc::clone(labels),
                    )?),
                })
            }
            Self::List { inner, ty, offsets, nulls } => {
                let offsets = OffsetBuffer::new(ScalarBuffer::from(std::mem::replace(offsets, vec![0])));
                let field = types::item(ty);
                Ok(Arc::new(ListArray::try_new(field, offsets, inner.finish()?, nulls.finish())?))
            }
            Self::Struct { fields, declared, nulls } => {
                let length = nulls.len();
                let arrays = fields.iter_mut().map(|(_, field)| field.finish()).collect::<Result<_, _>>()?;
                let nulls = nulls.finish();
                let array = StructArray::try_new_with_length(declared.clone(), arrays, nulls, length)?;
                Ok(Arc::new(array))
            }
            Self::Tensor(tensors) => tensors.finish(),
        }
    }

    /// What the column holds, for messages.
    fn shown(&self) -> &'static str {
        match self {
            Self::Null(_) => "null",
            Self::Int(_) => "integer",
            Self::Float(_) => "float",
            Self::Bool { .. } => "bool",
            Self::Decimal { .. } => "decimal",
            Self::Date(_) => "date",
            Self::Time(_) => "time",
            Self::DateTime(_) => "datetime",
            Self::Uuid(_) => "uuid",
            Self::Text(_) | Self::Enum { .. } => "text",
            Self::Json(_) => "json",
            Self::Bytes(_) | Self::Packed(_) => "bytes",
            Self::List { .. } => "list",
            Self::Struct { .. } => "struct",
            Self::Tensor(_) => "tensor",
        }
    }
}

fn push_label(keys: &mut Fixed, labels: &ArrayRef, text: &str) -> Result<(), Refused> {
    let known = labels.as_string::<i32>();
    let place = known.iter().position(|label| label == Some(text));
    let place = place.ok_or_else(|| Refused(format!("{text:?} is none of the labels")))?;
    scalar::push_int(keys, &Value::Int(i64::try_from(place).unwrap_or(i64::MAX)))
}

/// The end of a list's items.
pub(super) fn push_offset(offsets: &mut Vec<i32>, end: usize) -> Result<(), Refused> {
    let end = i32::try_from(end)
        .map_err(|_| Refused("the lists of one batch have more than 2^31 items".to_owned()))?;
    offsets.push(end);
    Ok(())
}

fn push_items(inner: &mut Builder, value: &Value) -> Result<(), Refused> {
    match value {
        Value::Tuple(items) | Value::List(items) | Value::Set(items) => {
            items.iter().try_for_each(|item| inner.push(item))
        }
        Value::Array(array) if array.ndim() > 0 => push_elements(inner, array),
        Value::ObjectArray(array) if array.shape.len() == 1 => {
            array.elements.iter().try_for_each(|item| inner.push(item))
        }
        other => Err(Refused(format!("a value of type {} is no list", other.type_name()))),
    }
}

/// The items of an array along its first axis.
fn push_elements(inner: &mut Builder, array: &NdArray) -> Result<(), Refused> {
    if array.ndim() == 1 {
        return scalar::extend(inner, array);
    }
    let array = array.to_order(lapjoint_types::Order::C);
    let (count, rest) = array.shape().split_first().map_or((0, &[][..]), |(count, rest)| (*count, rest));
    let size = array.data().len().checked_div(count).unwrap_or(0);
    for index in 0..count {
        let part = array.data().slice(index * size..(index + 1) * size);
        let part = NdArray::new(array.dtype().clone(), rest.to_vec(), lapjoint_types::Order::C, part);
        let part = part.map_err(|error| Refused(error.to_string()))?;
        inner.push(&Value::Array(Box::new(part)))?;
    }
    Ok(())
}

fn push_fields(fields: &mut [(String, Builder)], value: &Value) -> Result<(), Refused> {
    let pairs = match value {
        Value::Dict(pairs) => pairs,
        other => return Err(Refused(format!("a value of type {} is no struct", other.type_name()))),
    };
    for (name, field) in fields {
        let found = pairs.iter().find(|(key, _)| matches!(key, Value::Str(key) if key == name));
        match found {
            Some((_, value)) => {
                field.push(value).map_err(|Refused(reason)| Refused(format!("field {name:?}: {reason}")))?;
            }
            None => field.push_nulls(1),
        }
    }
    Ok(())
}

/// An array of lists of one length.
pub(super) fn fixed_lists(
    element: &DType,
    length: i32,
    items: ArrayRef,
    nulls: Option<arrow_buffer::NullBuffer>,
    rows: usize,
) -> Result<ArrayRef, ArrowError> {
    let field = Arc::new(arrow_schema::Field::new("item", types::of_number(element), true));
    if length == 0 {
        // No items say how many lists there are.
        let data = arrow_data::ArrayDataBuilder::new(DataType::FixedSizeList(field, 0))
            .len(rows)
            .nulls(nulls)
            .add_child_data(items.to_data())
            .build()?;
        return Ok(make_array(data));
    }
    Ok(Arc::new(FixedSizeListArray::try_new(field, length, items, nulls)?))
}
