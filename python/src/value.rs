//! Values between Python and the engine.

use std::any::Any;

use lapjoint::Value;
use lapjoint::types::{Foreign, MatCell, MatStruct, ObjectArray, RecordArray};
use num_bigint::BigInt;
use numpy::{PyUntypedArray, PyUntypedArrayMethods};
use pyo3::prelude::*;
use pyo3::types::{
    PyBool, PyByteArray, PyBytes, PyComplex, PyDict, PyFloat, PyFrozenSet, PyInt, PyList, PySet, PyString,
    PyTuple,
};

use crate::array;
use crate::error::from_any;
use crate::reference::reference_object;

/// A value of the engine that passes through Python as it is.
#[pyclass(frozen, name = "EngineValue", module = "lapjoint._core")]
pub(crate) struct EngineValue(pub Value);

/// A Python object that the engine carries without understanding it.
#[derive(Debug)]
pub(crate) struct PythonObject {
    object: Py<PyAny>,
    type_name: String,
}

impl Foreign for PythonObject {
    fn type_name(&self) -> &str {
        &self.type_name
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

/// The engine's value of a Python object. Objects of unknown types are carried along as they are.
pub(crate) fn to_value(object: &Bound<'_, PyAny>) -> PyResult<Value> {
    // The common types first, by identity: the elements of a large list are asked one by one.
    if let Ok(number) = object.cast_exact::<PyFloat>() {
        return Ok(Value::Float(number.value()));
    }
    if let Ok(text) = object.cast::<PyString>() {
        return Ok(Value::Str(text.extract()?));
    }
    if let Ok(flag) = object.cast::<PyBool>() {
        return Ok(Value::Bool(flag.is_true()));
    }
    if object.is_instance_of::<PyInt>() {
        return match object.extract::<i64>() {
            Ok(number) => Ok(Value::Int(number)),
            Err(_) => Ok(Value::from(object.extract::<BigInt>()?)),
        };
    }
    if object.is_none() {
        return Ok(Value::Null);
    }
    if let Ok(items) = object.cast_exact::<PyList>() {
        return Ok(Value::List(items.iter().map(|item| to_value(&item)).collect::<PyResult<_>>()?));
    }
    if let Ok(items) = object.cast_exact::<PyDict>() {
        return dict_value(items);
    }
    if let Ok(array) = object.cast::<PyUntypedArray>() {
        return array_value(array);
    }
    // numpy scalars before floats: float64 is a float to Python, and a scalar to the blob format.
    if is_numpy_scalar(object)? {
        let array = object.py().import("numpy")?.call_method1("asarray", (object,))?;
        return array_value(array.cast::<PyUntypedArray>()?);
    }
    if let Ok(number) = object.cast::<PyFloat>() {
        return Ok(Value::Float(number.value()));
    }
    if let Ok(bytes) = object.cast::<PyBytes>() {
        return Ok(Value::from(bytes.as_bytes()));
    }
    if let Ok(bytes) = object.cast::<PyByteArray>() {
        return Ok(Value::from(bytes.to_vec()));
    }
    if object.get_type().name()?.to_str()? == "memoryview" {
        return to_value(&object.call_method0("tobytes")?);
    }
    if let Ok(items) = object.cast::<PyList>() {
        return Ok(Value::List(items.iter().map(|item| to_value(&item)).collect::<PyResult<_>>()?));
    }
    if let Ok(items) = object.cast::<PyTuple>() {
        // An extension and an open file: what `<object@>` takes for a stream.
        if items.len() == 2 && items.get_item(1)?.hasattr("read")? {
            let content = items.get_item(1)?.call_method0("read")?;
            return Ok(Value::Tuple(vec![to_value(&items.get_item(0)?)?, to_value(&content)?]));
        }
        return Ok(Value::Tuple(items.iter().map(|item| to_value(&item)).collect::<PyResult<_>>()?));
    }
    if let Ok(items) = object.cast::<PyDict>() {
        return dict_value(items);
    }
    if object.is_instance_of::<PySet>() || object.is_instance_of::<PyFrozenSet>() {
        return Ok(Value::Set(object.try_iter()?.map(|item| to_value(&item?)).collect::<PyResult<_>>()?));
    }
    if let Ok(number) = object.cast::<PyComplex>() {
        return Ok(Value::Complex(number.real(), number.imag()));
    }
    by_type_name(object)
}

fn dict_value(items: &Bound<'_, PyDict>) -> PyResult<Value> {
    let pairs: PyResult<Vec<_>> =
        items.iter().map(|(key, value)| Ok((to_value(&key)?, to_value(&value)?))).collect();
    Ok(Value::Dict(pairs?))
}

fn is_numpy_scalar(object: &Bound<'_, PyAny>) -> PyResult<bool> {
    let ty = object.get_type();
    // The module's name is cheaper to look at than the whole line of ancestors.
    Ok(ty.module()?.to_str()? == "numpy")
}

/// Values of the standard library that have no type in Python's stable interface.
fn by_type_name(object: &Bound<'_, PyAny>) -> PyResult<Value> {
    let py = object.py();
    let text = |object: &Bound<'_, PyAny>| -> PyResult<String> { object.str()?.extract() };
    let datetime = py.import("datetime")?;
    if object.is_instance(&datetime.getattr("datetime")?)? {
        if !object.getattr("tzinfo")?.is_none() {
            return Err(from_any(format!(
                "{} has a time zone, which is not kept; convert it to UTC and remove the zone with .replace(tzinfo=None)",
                text(object)?
            )));
        }
        return Ok(Value::DateTime(text(&object.call_method0("isoformat")?)?.parse().map_err(from_any)?));
    }
    if object.is_instance(&datetime.getattr("date")?)? {
        return Ok(Value::Date(text(&object.call_method0("isoformat")?)?.parse().map_err(from_any)?));
    }
    if object.is_instance(&datetime.getattr("time")?)? {
        return Ok(Value::Time(text(&object.call_method0("isoformat")?)?.parse().map_err(from_any)?));
    }
    if object.is_instance(&py.import("decimal")?.getattr("Decimal")?)? {
        return Ok(Value::Decimal(text(object)?.parse().map_err(from_any)?));
    }
    if object.is_instance(&py.import("uuid")?.getattr("UUID")?)? {
        return Ok(Value::Uuid(text(object)?.parse().map_err(from_any)?));
    }
    if object.is_instance(&py.import("os")?.getattr("PathLike")?)? {
        return Ok(Value::Str(py.import("os")?.call_method1("fspath", (object,))?.extract()?));
    }
    if let Ok(value) = object.cast::<EngineValue>() {
        return Ok(value.get().0.clone());
    }
    if let Some(value) = collection(object)? {
        return Ok(value);
    }
    Ok(carried(object))
}

/// A collection of another class than Python's own: what it is by the abstract classes of `collections`.
fn collection(object: &Bound<'_, PyAny>) -> PyResult<Option<Value>> {
    let abc = object.py().import("collections.abc")?;
    let is = |name: &str| object.is_instance(&abc.getattr(name)?);
    let items = || object.try_iter()?.map(|item| to_value(&item?)).collect::<PyResult<Vec<_>>>();
    if is("Mapping")? {
        let pairs = object.call_method0("items")?;
        let pairs: PyResult<Vec<_>> = pairs
            .try_iter()?
            .map(|pair| {
                let (key, value): (Bound<'_, PyAny>, Bound<'_, PyAny>) = pair?.extract()?;
                Ok((to_value(&key)?, to_value(&value)?))
            })
            .collect();
        return Ok(Some(Value::Dict(pairs?)));
    }
    if is("MutableSequence")? {
        return Ok(Some(Value::List(items()?)));
    }
    if is("Sequence")? {
        return Ok(Some(Value::Tuple(items()?)));
    }
    Ok(if is("Set")? { Some(Value::Set(items()?)) } else { None })
}

/// A Python object carried along as it is; `None` is null.
pub(crate) fn carried(object: &Bound<'_, PyAny>) -> Value {
    if object.is_none() {
        return Value::Null;
    }
    let type_name = object.get_type().name().map_or_else(|_| "object".to_owned(), |name| name.to_string());
    Value::foreign(PythonObject { object: object.clone().unbind(), type_name })
}

fn array_value(array: &Bound<'_, PyUntypedArray>) -> PyResult<Value> {
    // Only a subclass can be masked, and to ask costs more than all the rest.
    let is_plain = array.get_type().is(array.py().get_type::<PyUntypedArray>());
    if !is_plain && array.as_any().hasattr("mask")? && array.as_any().hasattr("filled")? {
        return Err(from_any(
            "masked arrays lose their mask when stored; fill them first, or store data and mask apart",
        ));
    }
    if let Some(array) = array::from_numpy(array)? {
        return Ok(Value::from(array));
    }
    let shape = array.shape().to_vec();
    let names = array.dtype().getattr("names")?;
    let matlab = array.py().import("lapjoint.blob")?;
    if array.is_instance(&matlab.getattr("MatStruct")?)? {
        return mat_struct_value(array, shape, names.extract()?);
    }
    if array.is_instance(&matlab.getattr("MatCell")?)? {
        return Ok(Value::MatCell(Box::new(MatCell { shape, elements: flat_elements(array)? })));
    }
    if !names.is_none() {
        let mut fields = Vec::new();
        for name in names.try_iter()? {
            let name = name?;
            fields.push((name.extract()?, to_value(&array.as_any().get_item(&name)?)?));
        }
        return Ok(Value::RecordArray(Box::new(RecordArray { shape, fields })));
    }
    Ok(Value::ObjectArray(Box::new(ObjectArray { shape, elements: flat_elements(array)? })))
}

/// Elements in column-major order.
fn flat_elements(array: &Bound<'_, PyUntypedArray>) -> PyResult<Vec<Value>> {
    let flat = array.as_any().call_method1("flatten", ("F",))?;
    flat.try_iter()?.map(|item| to_value(&item?)).collect()
}

/// All fields of the first element, then of the second, in column-major order of the elements.
fn mat_struct_value(
    array: &Bound<'_, PyUntypedArray>,
    shape: Vec<usize>,
    names: Vec<String>,
) -> PyResult<Value> {
    let flat = array.as_any().call_method1("flatten", ("F",))?;
    let mut values = Vec::new();
    for row in flat.try_iter()? {
        let row = row?;
        for name in &names {
            values.push(to_value(&row.get_item(name)?)?);
        }
    }
    Ok(Value::MatStruct(Box::new(MatStruct { shape, names, values })))
}

/// JSON as Python's objects.
pub(crate) fn json_object(py: Python<'_>, json: serde_json::Value) -> PyResult<Py<PyAny>> {
    to_python(py, Value::from(json))
}

/// The Python object of an engine's value.
pub(crate) fn to_python(py: Python<'_>, value: Value) -> PyResult<Py<PyAny>> {
    let items = |items: Vec<Value>| -> PyResult<Vec<Py<PyAny>>> {
        items.into_iter().map(|item| to_python(py, item)).collect()
    };
    let any = |object: Bound<'_, PyAny>| object.unbind();
    Ok(match value {
        Value::Null => py.None(),
        Value::Bool(flag) => any(PyBool::new(py, flag).to_owned().into_any()),
        Value::Int(number) => any(number.into_pyobject(py)?.into_any()),
        Value::BigInt(number) => any(number.into_pyobject(py)?.into_any()),
        Value::Float(number) => any(PyFloat::new(py, number).into_any()),
        Value::Complex(re, im) => any(PyComplex::from_doubles(py, re, im).into_any()),
        Value::Str(text) => any(PyString::new(py, &text).into_any()),
        Value::Bytes(bytes) => any(PyBytes::new(py, &bytes).into_any()),
        Value::Decimal(number) => any(py.import("decimal")?.call_method1("Decimal", (number.as_str(),))?),
        Value::Date(date) => {
            any(py.import("datetime")?.call_method1("date", (date.year(), date.month(), date.day()))?)
        }
        Value::Time(time) => any(py.import("datetime")?.call_method1(
            "time",
            (time.hour(), time.minute(), time.second(), time.subsec_nanosecond() / 1000),
        )?),
        Value::DateTime(moment) => any(py.import("datetime")?.call_method1(
            "datetime",
            (
                moment.year(),
                moment.month(),
                moment.day(),
                moment.hour(),
                moment.minute(),
                moment.second(),
                moment.subsec_nanosecond() / 1000,
            ),
        )?),
        Value::Uuid(id) => any(py.import("uuid")?.call_method1("UUID", (id.to_string(),))?),
        Value::Json(json) => any(py.import("json")?.call_method1("loads", (json.to_string(),))?),
        Value::List(list) => any(PyList::new(py, items(list)?)?.into_any()),
        Value::Tuple(list) => any(PyTuple::new(py, items(list)?)?.into_any()),
        Value::Set(list) => any(PySet::new(py, items(list)?)?.into_any()),
        Value::Dict(pairs) => {
            let dict = PyDict::new(py);
            for (key, value) in pairs {
                dict.set_item(to_python(py, key)?, to_python(py, value)?)?;
            }
            any(dict.into_any())
        }
        Value::Array(array) => array::to_numpy(py, &array)?,
        Value::ObjectArray(array) => object_array(py, array.shape, items(array.elements)?)?,
        Value::RecordArray(records) => record_array(py, *records)?,
        Value::MatCell(cells) => mat_cell(py, *cells)?,
        Value::MatStruct(structs) => mat_struct(py, *structs)?,
        Value::Foreign(object) => {
            if let Some(python) = object.as_any().downcast_ref::<PythonObject>() {
                python.object.clone_ref(py)
            } else if let Some(reference) = reference_object(py, object.as_ref())? {
                reference
            } else {
                return Err(from_any(format!(
                    "a value of type {} has no form in Python",
                    object.type_name()
                )));
            }
        }
        other => {
            return Err(from_any(format!("a value of type {} has no form in Python", other.type_name())));
        }
    })
}

fn object_array(py: Python<'_>, shape: Vec<usize>, elements: Vec<Py<PyAny>>) -> PyResult<Py<PyAny>> {
    let numpy = py.import("numpy")?;
    let array = numpy.call_method1("empty", (elements.len(), "O"))?;
    for (index, element) in elements.into_iter().enumerate() {
        array.set_item(index, element)?;
    }
    let order = PyDict::new(py);
    order.set_item("order", "F")?;
    Ok(array.call_method("reshape", (PyTuple::new(py, shape)?,), Some(&order))?.unbind())
}

/// A `numpy.recarray`, filled column by column.
fn record_array(py: Python<'_>, records: RecordArray) -> PyResult<Py<PyAny>> {
    let numpy = py.import("numpy")?;
    let ndim = records.shape.len();
    let mut fields = Vec::new();
    let mut columns = Vec::new();
    for (name, column) in records.fields {
        let column = numpy.call_method1("asarray", (to_python(py, column)?,))?;
        let shape: Vec<usize> = column.getattr("shape")?.extract()?;
        let rest = PyTuple::new(py, shape.get(ndim..).unwrap_or_default())?;
        fields.push((name.clone(), column.getattr("dtype")?, rest));
        columns.push((name, column));
    }
    let array = numpy.call_method1("empty", (PyTuple::new(py, records.shape)?, fields))?;
    for (name, column) in columns {
        array.set_item(name, column)?;
    }
    Ok(array.call_method1("view", (numpy.getattr("recarray")?,))?.unbind())
}

fn mat_cell(py: Python<'_>, cells: MatCell) -> PyResult<Py<PyAny>> {
    let elements: PyResult<Vec<_>> = cells.elements.into_iter().map(|cell| to_python(py, cell)).collect();
    let array = object_array(py, cells.shape, elements?)?;
    let class = py.import("lapjoint.blob")?.getattr("MatCell")?;
    Ok(array.bind(py).call_method1("view", (class,))?.unbind())
}

fn mat_struct(py: Python<'_>, structs: MatStruct) -> PyResult<Py<PyAny>> {
    let numpy = py.import("numpy")?;
    let width = structs.names.len();
    let fields: Vec<(String, &str)> = structs.names.into_iter().map(|name| (name, "O")).collect();
    let count = structs.values.len() / width.max(1);
    let array = numpy.call_method1("empty", (count, fields))?;
    let mut values = structs.values.into_iter();
    for index in 0..count {
        let row: PyResult<Vec<_>> = values.by_ref().take(width).map(|value| to_python(py, value)).collect();
        array.set_item(index, PyTuple::new(py, row?)?)?;
    }
    let order = PyDict::new(py);
    order.set_item("order", "F")?;
    let array = array.call_method("reshape", (PyTuple::new(py, structs.shape)?,), Some(&order))?;
    let class = py.import("lapjoint.blob")?.getattr("MatStruct")?;
    Ok(array.call_method1("view", (class,))?.unbind())
}
