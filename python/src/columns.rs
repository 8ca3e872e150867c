//! Columns of a query's rows: numbers as numpy arrays, all else as lists.

use lapjoint::Value;
use numpy::IntoPyArray;
use pyo3::prelude::*;
use pyo3::types::PyList;

use crate::engine::CHECKED_ROWS;
use crate::value::to_python;

/// The values of one attribute. Numbers stay numbers as long as all are of one kind and none is null.
#[derive(Default)]
pub(crate) enum Column {
    #[default]
    Empty,
    Ints(Vec<i64>),
    Floats(Vec<f64>),
    Values(Vec<Value>),
}

impl Column {
    pub fn push(&mut self, value: Value) {
        match (&mut *self, value) {
            (Self::Ints(column), Value::Int(number)) => column.push(number),
            (Self::Floats(column), Value::Float(number)) => column.push(number),
            (Self::Values(column), value) => column.push(value),
            (Self::Empty, Value::Int(number)) => *self = Self::Ints(vec![number]),
            (Self::Empty, Value::Float(number)) => *self = Self::Floats(vec![number]),
            (_, value) => {
                let mut values = match std::mem::take(self) {
                    Self::Ints(column) => column.into_iter().map(Value::Int).collect(),
                    Self::Floats(column) => column.into_iter().map(Value::Float).collect(),
                    Self::Values(column) => column,
                    Self::Empty => Vec::new(),
                };
                values.push(value);
                *self = Self::Values(values);
            }
        }
    }

    /// An array of int64 or float64, or a list.
    pub fn into_python(self, py: Python<'_>) -> PyResult<Bound<'_, PyAny>> {
        match self {
            Self::Empty => Ok(PyList::empty(py).into_any()),
            Self::Ints(column) => Ok(column.into_pyarray(py).into_any()),
            Self::Floats(column) => Ok(column.into_pyarray(py).into_any()),
            Self::Values(column) => {
                let list = PyList::empty(py);
                for (number, value) in column.into_iter().enumerate() {
                    if number % CHECKED_ROWS == CHECKED_ROWS - 1 {
                        py.check_signals()?;
                    }
                    list.append(to_python(py, value)?)?;
                }
                Ok(list.into_any())
            }
        }
    }
}
