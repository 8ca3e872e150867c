//! References as a column: what is on record of each object, without its content.

use lapjoint_types::{CoreType, LogicalType, Value};

use crate::object_ref::ObjectRef;

/// A struct of path, store, size in bytes, hash and whether it is a folder.
pub(crate) fn logical_type() -> LogicalType {
    let fields = [
        ("path", LogicalType::Text),
        ("store", LogicalType::Text),
        ("size", LogicalType::Core(CoreType::Int64)),
        ("hash", LogicalType::Text),
        ("is_dir", LogicalType::Core(CoreType::Bool)),
    ];
    LogicalType::Struct(fields.into_iter().map(|(name, ty)| (name.to_owned(), ty)).collect())
}

/// A reference in that form.
pub(crate) fn render(value: Value) -> Value {
    let Some(object) = value.downcast_ref::<ObjectRef>() else { return value };
    let text = |text: Option<&str>| text.map_or(Value::Null, Value::from);
    let store = object.store().ok().map(lapjoint_store::Store::name).or(object.store_name.as_deref());
    let size = object.size_bytes.and_then(|size| i64::try_from(size).ok()).map_or(Value::Null, Value::Int);
    let fields = [
        ("path", Value::from(object.path.as_str())),
        ("store", text(store)),
        ("size", size),
        ("hash", text(object.hash.as_deref())),
        ("is_dir", Value::Bool(object.is_dir)),
    ];
    Value::Dict(fields.into_iter().map(|(name, value)| (Value::from(name), value)).collect())
}
