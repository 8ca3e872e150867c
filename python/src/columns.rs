//! Columns of a query's rows: numbers as numpy arrays, all else as lists.

use arrow_array::cast::AsArray;
use arrow_array::types::{
    ArrowPrimitiveType, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type, Int64Type,
};
use arrow_array::{Array, ArrayRef};
use lapjoint::Value;
use lapjoint::arrow::ColumnPart;
use lapjoint::arrow::arrow_schema::DataType;
use numpy::IntoPyArray;
use pyo3::BoundObject;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyList, PyString};

use crate::engine::CHECKED_ROWS;
use crate::error::from_any;
use crate::value::to_python;

/// The values of one attribute: an array of int64 or float64 where all are such numbers and none is null, or a list.
pub(crate) fn into_python(py: Python<'_>, parts: Vec<ColumnPart>) -> PyResult<Bound<'_, PyAny>> {
    let rows = parts.iter().map(len).sum();
    if let Some(numbers) = all(&parts, rows, ints) {
        return Ok(numbers.into_pyarray(py).into_any());
    }
    if let Some(numbers) = all(&parts, rows, floats) {
        return Ok(numbers.into_pyarray(py).into_any());
    }
    let mut objects = Vec::with_capacity(rows);
    for part in parts {
        match part {
            ColumnPart::Array(array) => of_array(py, &array, &mut objects)?,
            ColumnPart::Values(values) => {
                for value in values {
                    if objects.len() % CHECKED_ROWS == CHECKED_ROWS - 1 {
                        py.check_signals()?;
                    }
                    objects.push(to_python(py, value)?);
                }
            }
            _ => return Err(from_any("a column of an unknown kind")),
        }
    }
    Ok(PyList::new(py, objects)?.into_any())
}

fn len(part: &ColumnPart) -> usize {
    match part {
        ColumnPart::Array(array) => array.len(),
        ColumnPart::Values(values) => values.len(),
        _ => 0,
    }
}

/// The numbers of all parts, if each is made of such numbers only; nothing for a column without rows.
fn all<T>(
    parts: &[ColumnPart],
    rows: usize,
    take: impl Fn(&ColumnPart, &mut Vec<T>) -> Option<()>,
) -> Option<Vec<T>> {
    let mut numbers = Vec::with_capacity(rows);
    parts.iter().try_for_each(|part| take(part, &mut numbers))?;
    (!numbers.is_empty()).then_some(numbers)
}

fn ints(part: &ColumnPart, numbers: &mut Vec<i64>) -> Option<()> {
    match part {
        ColumnPart::Array(array) => match array.data_type() {
            DataType::Int8 => extend::<Int8Type, _>(array, numbers),
            DataType::Int16 => extend::<Int16Type, _>(array, numbers),
            DataType::Int32 => extend::<Int32Type, _>(array, numbers),
            DataType::Int64 => extend::<Int64Type, _>(array, numbers),
            _ => None,
        },
        ColumnPart::Values(values) => values.iter().try_for_each(|value| match value {
            Value::Int(number) => {
                numbers.push(*number);
                Some(())
            }
            _ => None,
        }),
        _ => None,
    }
}

fn floats(part: &ColumnPart, numbers: &mut Vec<f64>) -> Option<()> {
    match part {
        ColumnPart::Array(array) => match array.data_type() {
            DataType::Float32 => extend::<Float32Type, _>(array, numbers),
            DataType::Float64 => extend::<Float64Type, _>(array, numbers),
            _ => None,
        },
        ColumnPart::Values(values) => values.iter().try_for_each(|value| match value {
            Value::Float(number) => {
                numbers.push(*number);
                Some(())
            }
            _ => None,
        }),
        _ => None,
    }
}

fn extend<T: ArrowPrimitiveType, N: From<T::Native>>(array: &ArrayRef, numbers: &mut Vec<N>) -> Option<()> {
    if array.null_count() > 0 {
        return None;
    }
    numbers.extend(array.as_primitive::<T>().values().iter().map(|number| N::from(*number)));
    Some(())
}

/// Appends the values of an array as Python's own.
fn of_array(py: Python<'_>, array: &ArrayRef, objects: &mut Vec<Py<PyAny>>) -> PyResult<()> {
    let none = || py.None();
    match array.data_type() {
        DataType::Utf8 => {
            let text = |text: Option<&str>| {
                text.map_or_else(none, |text| PyString::new(py, text).into_any().unbind())
            };
            objects.extend(array.as_string::<i32>().iter().map(text));
        }
        DataType::Binary => {
            let bytes = |bytes: Option<&[u8]>| {
                bytes.map_or_else(none, |bytes| PyBytes::new(py, bytes).into_any().unbind())
            };
            objects.extend(array.as_binary::<i32>().iter().map(bytes));
        }
        DataType::Dictionary(..) => {
            let dictionary = array.as_any_dictionary();
            let mut labels = Vec::new();
            of_array(py, dictionary.values(), &mut labels)?;
            let keys = dictionary.normalized_keys();
            for (row, key) in keys.into_iter().enumerate() {
                let label = labels.get(key).filter(|_| array.is_valid(row));
                objects.push(label.map_or_else(none, |label| label.clone_ref(py)));
            }
        }
        DataType::Boolean => {
            for flag in array.as_boolean() {
                objects.push(flag.into_pyobject(py)?.unbind());
            }
        }
        DataType::Int8 => single::<Int8Type>(py, array, objects)?,
        DataType::Int16 => single::<Int16Type>(py, array, objects)?,
        DataType::Int32 => single::<Int32Type>(py, array, objects)?,
        DataType::Int64 => single::<Int64Type>(py, array, objects)?,
        DataType::Float32 => single::<Float32Type>(py, array, objects)?,
        DataType::Float64 => single::<Float64Type>(py, array, objects)?,
        other => return Err(from_any(format!("a column of type {other}"))),
    }
    Ok(())
}

fn single<'py, T: ArrowPrimitiveType>(
    py: Python<'py>,
    array: &ArrayRef,
    objects: &mut Vec<Py<PyAny>>,
) -> PyResult<()>
where
    T::Native: IntoPyObject<'py, Error: Into<PyErr>>,
{
    for number in array.as_primitive::<T>() {
        objects.push(match number {
            Some(number) => number.into_pyobject(py).map_err(Into::into)?.into_any().unbind(),
            None => py.None(),
        });
    }
    Ok(())
}
