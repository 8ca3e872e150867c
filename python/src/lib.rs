//! Python bindings of Lapjoint: conversion at the edge, no logic.

mod array;
mod blob;
mod engine;
mod error;
mod query;
mod reference;
mod value;

use pyo3::prelude::*;

#[pymodule(gil_used = false)]
fn _core(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_function(wrap_pyfunction!(blob::pack, module)?)?;
    module.add_function(wrap_pyfunction!(blob::unpack, module)?)?;
    module.add_function(wrap_pyfunction!(engine::list_codecs, module)?)?;
    module.add_function(wrap_pyfunction!(engine::resolve_dtype, module)?)?;
    module.add_class::<engine::PyConfig>()?;
    module.add_class::<engine::PyConnection>()?;
    module.add_class::<engine::PySchema>()?;
    module.add_class::<engine::PyTable>()?;
    module.add_class::<query::PyQuery>()?;
    module.add_class::<reference::PyNpyRef>()?;
    module.add_class::<reference::PyObjectRef>()?;
    module.add("__version__", env!("CARGO_PKG_VERSION"))
}
