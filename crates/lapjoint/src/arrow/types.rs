//! Logical types as types and fields of Arrow.

use std::collections::HashMap;
use std::sync::Arc;

use arrow_schema::{DataType, Field, FieldRef, Fields, TimeUnit};
use lapjoint_db::ColumnType;
use lapjoint_types::spec::{NativeFamily, native_family};
use lapjoint_types::{CoreType, DType, Kind, LogicalType};

use crate::heading::{Attribute, Storage};

/// Name of an extension type in a field's metadata.
const EXTENSION: &str = "ARROW:extension:name";

/// Its parameters.
const EXTENSION_METADATA: &str = "ARROW:extension:metadata";

/// Most digits of Arrow's decimals of 128 and 256 bits.
pub(super) const DIGITS: (u32, u32) = (38, 76);

/// What an attribute's values are, before any of them has been seen.
pub(super) fn of_attribute(attribute: &Attribute) -> LogicalType {
    match (&attribute.storage, &attribute.column) {
        (Storage::Codec(chain), _) => chain.logical_type(),
        (Storage::Unbound { .. }, _) => LogicalType::Content,
        (Storage::Plain, ColumnType::Core(core)) => LogicalType::Core(core.clone()),
        (Storage::Plain, ColumnType::Native(text)) => of_native(text),
    }
}

/// What is known of a native type on every database; the values say the rest.
fn of_native(text: &str) -> LogicalType {
    let lower = text.to_ascii_lowercase();
    match native_family(&lower) {
        Some(NativeFamily::Integer) if !lower.contains("unsigned") => LogicalType::Core(CoreType::Int64),
        Some(NativeFamily::Float) => LogicalType::Core(CoreType::Float64),
        Some(NativeFamily::String | NativeFamily::Text) => LogicalType::Text,
        Some(NativeFamily::Blob) => LogicalType::Core(CoreType::Bytes),
        _ => LogicalType::Content,
    }
}

/// The Arrow type that holds the values of a logical type.
pub(super) fn data_type(ty: &LogicalType) -> DataType {
    match ty {
        // What is still open when it is asked for has no values.
        LogicalType::Content | LogicalType::Null => DataType::Null,
        LogicalType::Core(core) => of_core(core),
        LogicalType::Number(dtype) => of_number(dtype),
        LogicalType::Text => DataType::Utf8,
        LogicalType::Time => DataType::Time64(TimeUnit::Microsecond),
        LogicalType::List(inner) => DataType::List(item(inner)),
        LogicalType::Struct(fields) => {
            DataType::Struct(fields.iter().map(|(name, ty)| field(name, ty, true)).collect())
        }
        LogicalType::Tensor { element, shape } => {
            let Some((element, shape)) = element.as_ref().zip(shape.as_ref()) else { return DataType::Null };
            let item = Arc::new(Field::new("item", of_number(element), true));
            match fixed_length(shape) {
                Some(length) => DataType::FixedSizeList(item, length),
                None => DataType::Struct(tensor_fields(of_number(element), shape.len())),
            }
        }
        _ => DataType::Binary,
    }
}

/// Items of a list.
pub(super) fn item(inner: &LogicalType) -> FieldRef {
    field("item", inner, true)
}

/// Storage of `arrow.variable_shape_tensor`.
pub(super) fn tensor_fields(element: DataType, ndim: usize) -> Fields {
    let data = DataType::List(Arc::new(Field::new("item", element, true)));
    let axes = i32::try_from(ndim).unwrap_or(i32::MAX);
    let shape = DataType::FixedSizeList(Arc::new(Field::new("item", DataType::Int32, true)), axes);
    Fields::from(vec![Field::new("data", data, true), Field::new("shape", shape, true)])
}

/// Number of elements of an array of fixed shape.
pub(super) fn fixed_length(shape: &[Option<usize>]) -> Option<i32> {
    let length = shape.iter().try_fold(1_usize, |product, axis| product.checked_mul((*axis)?))?;
    i32::try_from(length).ok()
}

fn of_core(core: &CoreType) -> DataType {
    match core {
        CoreType::Int8 => DataType::Int8,
        CoreType::Int16 => DataType::Int16,
        CoreType::Int32 => DataType::Int32,
        CoreType::Int64 => DataType::Int64,
        CoreType::Float32 => DataType::Float32,
        CoreType::Float64 => DataType::Float64,
        CoreType::Bool => DataType::Boolean,
        CoreType::Decimal { precision, scale } => match (u8::try_from(*precision), i8::try_from(*scale)) {
            (Ok(digits), Ok(scale)) if *precision <= DIGITS.0 => DataType::Decimal128(digits, scale),
            (Ok(digits), Ok(scale)) if *precision <= DIGITS.1 => DataType::Decimal256(digits, scale),
            _ => DataType::Utf8,
        },
        CoreType::Enum(labels) => {
            let key = if i8::try_from(labels.len()).is_ok() { DataType::Int8 } else { DataType::Int32 };
            DataType::Dictionary(Box::new(key), Box::new(DataType::Utf8))
        }
        CoreType::Date => DataType::Date32,
        CoreType::DateTime(_) => DataType::Timestamp(TimeUnit::Microsecond, None),
        CoreType::Uuid => DataType::FixedSizeBinary(16),
        CoreType::Bytes => DataType::Binary,
        // char, varchar, json.
        _ => DataType::Utf8,
    }
}

/// Numbers of numpy that Arrow has.
pub(super) fn of_number(dtype: &DType) -> DataType {
    match dtype.kind {
        Kind::Bool => DataType::Boolean,
        Kind::Int(1) => DataType::Int8,
        Kind::Int(2) => DataType::Int16,
        Kind::Int(4) => DataType::Int32,
        Kind::Int(8) => DataType::Int64,
        Kind::UInt(1) => DataType::UInt8,
        Kind::UInt(2) => DataType::UInt16,
        Kind::UInt(4) => DataType::UInt32,
        Kind::UInt(8) => DataType::UInt64,
        Kind::Float(2) => DataType::Float16,
        Kind::Float(4) => DataType::Float32,
        Kind::Float(8) => DataType::Float64,
        _ => DataType::Null,
    }
}

/// A field with the extension type that says what Arrow's own type leaves out.
pub(super) fn field(name: &str, ty: &LogicalType, nullable: bool) -> FieldRef {
    Arc::new(Field::new(name, data_type(ty), nullable).with_metadata(extension(ty)))
}

fn extension(ty: &LogicalType) -> HashMap<String, String> {
    let named = |name: &str, parameters: &str| {
        HashMap::from([
            (EXTENSION.to_owned(), name.to_owned()),
            (EXTENSION_METADATA.to_owned(), parameters.to_owned()),
        ])
    };
    match ty {
        LogicalType::Core(CoreType::Uuid) => named("arrow.uuid", ""),
        LogicalType::Core(CoreType::Json) => named("arrow.json", ""),
        LogicalType::Tensor { element: Some(_), shape: Some(shape) } => {
            let axes = |null: &str| -> String {
                let axis = |size: &Option<usize>| size.map_or_else(|| null.to_owned(), |n| n.to_string());
                shape.iter().map(axis).collect::<Vec<_>>().join(",")
            };
            match fixed_length(shape) {
                Some(_) => named("arrow.fixed_shape_tensor", &format!("{{\"shape\":[{}]}}", axes("null"))),
                None => {
                    named("arrow.variable_shape_tensor", &format!("{{\"uniform_shape\":[{}]}}", axes("null")))
                }
            }
        }
        _ => HashMap::new(),
    }
}

/// The field of an attribute: what it is declared as and its comment are in the metadata.
pub(super) fn attribute_field(attribute: &Attribute, ty: &LogicalType) -> Field {
    let mut metadata = extension(ty);
    metadata.insert("lapjoint.type".into(), attribute.declared.clone());
    if attribute.in_key {
        metadata.insert("lapjoint.key".into(), "true".into());
    }
    if !attribute.comment.is_empty() {
        metadata.insert("comment".into(), attribute.comment.clone());
    }
    let nullable = attribute.nullable || data_type(ty) == DataType::Null;
    Field::new(&attribute.name, data_type(ty), nullable).with_metadata(metadata)
}

/// The numpy number of a column's type.
pub(super) fn number_of(ty: &LogicalType) -> Option<DType> {
    Some(match ty {
        LogicalType::Number(dtype) => dtype.clone(),
        LogicalType::Core(core) => match core {
            CoreType::Int8 => DType::I8,
            CoreType::Int16 => DType::I16,
            CoreType::Int32 => DType::I32,
            CoreType::Int64 => DType::I64,
            CoreType::Float32 => DType::F32,
            CoreType::Float64 => DType::F64,
            CoreType::Bool => DType::BOOL,
            _ => return None,
        },
        _ => return None,
    })
}
