//! Python bindings of Lapjoint: conversion at the edge, no logic.

mod array;
mod blob;
mod codec;
mod engine;
mod error;
mod query;
mod reference;
mod store;
mod value;

use pyo3::prelude::*;

#[pymodule(gil_used = false)]
fn _core(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_function(wrap_pyfunction!(blob::pack, module)?)?;
    module.add_function(wrap_pyfunction!(blob::unpack, module)?)?;
    module.add_function(wrap_pyfunction!(codec::register_codec, module)?)?;
    module.add_function(wrap_pyfunction!(codec::unregister_codec, module)?)?;
    module.add_function(wrap_pyfunction!(codec::is_codec_registered, module)?)?;
    module.add_function(wrap_pyfunction!(codec::list_codecs, module)?)?;
    module.add_function(wrap_pyfunction!(codec::codec_info, module)?)?;
    module.add_function(wrap_pyfunction!(codec::codec_dtype, module)?)?;
    module.add_function(wrap_pyfunction!(codec::resolve_dtype, module)?)?;
    module.add_class::<engine::PyConfig>()?;
    module.add_class::<engine::PyConnection>()?;
    module.add_class::<engine::PySchema>()?;
    module.add_class::<engine::PyTable>()?;
    module.add_class::<store::PyStore>()?;
    module.add_class::<query::PyQuery>()?;
    module.add_class::<reference::PyNpyRef>()?;
    module.add_class::<reference::PyObjectRef>()?;
    module.add("__version__", env!("CARGO_PKG_VERSION"))
}
