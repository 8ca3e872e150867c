//! Rows of Python for an insert, converted as the engine asks for them.

use std::collections::VecDeque;
use std::sync::Arc;

use lapjoint::{Error, Row};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyIterator};

use crate::codec::Taker;
use crate::error::from_any;
use crate::value::to_value;

/// Rows converted with Python's lock held once.
const ROWS_AT_ONCE: usize = 1024;

/// The dicts of an iterable, as rows.
pub(crate) struct Rows {
    dicts: Py<PyIterator>,
    /// Attributes whose values go to somebody else first.
    takers: Vec<(String, Taker)>,
    names: Arc<Vec<String>>,
    ready: VecDeque<Row>,
    converted: usize,
    /// What ended the rows, once it is reached.
    failure: Option<PyErr>,
    is_over: bool,
}

impl Rows {
    pub fn new(dicts: &Bound<'_, PyAny>, takers: Vec<(String, Taker)>) -> PyResult<Self> {
        Ok(Self {
            dicts: dicts.try_iter()?.unbind(),
            takers,
            names: Arc::default(),
            ready: VecDeque::new(),
            converted: 0,
            failure: None,
            is_over: false,
        })
    }

    fn convert_some(&mut self, py: Python<'_>) -> PyResult<()> {
        py.check_signals()?;
        let mut dicts = self.dicts.bind(py).clone();
        while self.ready.len() < ROWS_AT_ONCE {
            let Some(dict) = dicts.next() else {
                self.is_over = true;
                return Ok(());
            };
            let row = to_row(dict?.cast::<PyDict>()?, self.converted, &mut self.names, &self.takers)?;
            self.ready.push_back(row);
            self.converted += 1;
        }
        Ok(())
    }
}

impl Iterator for Rows {
    type Item = Result<Row, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.ready.is_empty()
            && !self.is_over
            && let Err(error) = Python::attach(|py| self.convert_some(py))
        {
            self.failure = Some(error);
            self.is_over = true;
        }
        match self.ready.pop_front() {
            Some(row) => Some(Ok(row)),
            None => self.failure.take().map(|error| Err(Error::Source(Box::new(error)))),
        }
    }
}

/// An error that says which row's attribute it is about.
fn in_attribute(error: PyErr, number: usize, key: &Bound<'_, PyAny>) -> PyErr {
    let py = key.py();
    let message = format!("row {number}, attribute `{key}`: {}", error.value(py));
    match error.get_type(py).call1((message,)) {
        Ok(named) => PyErr::from_value(named),
        // A class of errors that takes other arguments than a message.
        Err(_) => error,
    }
}

/// The row of a Python dict; values of attributes that have a taker are taken by it. Consecutive rows with the same keys share their names.
pub(crate) fn to_row(
    dict: &Bound<'_, PyDict>,
    number: usize,
    names: &mut Arc<Vec<String>>,
    takers: &[(String, Taker)],
) -> PyResult<Row> {
    let mut values = Vec::with_capacity(dict.len());
    let mut same = dict.len() == names.len();
    for (index, (key, value)) in dict.iter().enumerate() {
        if same {
            same = names.get(index).is_some_and(|name| key.eq(name.as_str()).unwrap_or(false));
        }
        let taker = takers.iter().find(|(name, _)| key.eq(name.as_str()).unwrap_or(false));
        let converted = match taker {
            Some((_, taker)) => taker.take(&value),
            None => to_value(&value),
        };
        values.push(converted.map_err(|error| in_attribute(error, number, &key))?);
    }
    if !same {
        *names = Arc::new(dict.keys().iter().map(|key| key.extract()).collect::<PyResult<_>>()?);
    }
    Row::over(names, values).ok_or_else(|| from_any("the row changed while it was read"))
}
