//! Python bindings of Lapjoint: conversion at the edge, no logic.

mod array;
mod arrow;
mod blob;
mod codec;
mod codecs;
mod collect;
mod columns;
mod compute;
mod config;
mod diagram;
mod driver;
mod engine;
mod error;
mod figpack;
mod gzcm;
mod jobs;
mod photon;
mod query;
mod reference;
mod registry;
mod rows;
mod store;
mod value;
#[cfg(feature = "wasm")]
mod wasm;
mod watch;
mod zarr;

use pyo3::prelude::*;
use pyo3::types::PyFrozenSet;

#[pymodule(gil_used = false)]
fn _core(module: &Bound<'_, PyModule>) -> PyResult<()> {
    driver::install();
    codec::install_warnings();
    module.add_function(wrap_pyfunction!(query::join_order, module)?)?;
    module.add_function(wrap_pyfunction!(blob::pack, module)?)?;
    module.add_function(wrap_pyfunction!(blob::read_dims_32bit, module)?)?;
    module.add_function(wrap_pyfunction!(blob::unpack, module)?)?;
    module.add_function(wrap_pyfunction!(registry::register_codec, module)?)?;
    module.add_function(wrap_pyfunction!(registry::unregister_codec, module)?)?;
    module.add_function(wrap_pyfunction!(registry::is_codec_registered, module)?)?;
    module.add_function(wrap_pyfunction!(registry::add_codec_finder, module)?)?;
    module.add_function(wrap_pyfunction!(registry::is_codec_settled, module)?)?;
    module.add_function(wrap_pyfunction!(registry::list_codecs, module)?)?;
    module.add_function(wrap_pyfunction!(registry::codec_info, module)?)?;
    module.add_function(wrap_pyfunction!(registry::codec_dtype, module)?)?;
    module.add_function(wrap_pyfunction!(registry::resolve_dtype, module)?)?;
    module.add_function(wrap_pyfunction!(registry::codec_validate, module)?)?;
    module.add_function(wrap_pyfunction!(registry::codec_encode, module)?)?;
    module.add_function(wrap_pyfunction!(registry::codec_decode, module)?)?;
    #[cfg(feature = "wasm")]
    {
        module.add_function(wrap_pyfunction!(wasm::load_wasm, module)?)?;
        module.add_function(wrap_pyfunction!(wasm::find_wasm, module)?)?;
        module.add_function(wrap_pyfunction!(wasm::scan_wasm, module)?)?;
        module.add_function(wrap_pyfunction!(wasm::trust_wasm, module)?)?;
        module.add_function(wrap_pyfunction!(wasm::distrust_wasm, module)?)?;
    }
    module.add_function(wrap_pyfunction!(engine::definition_warnings, module)?)?;
    module.add_function(wrap_pyfunction!(engine::referenced_names, module)?)?;
    module.add_function(wrap_pyfunction!(engine::tier_of_table, module)?)?;
    module.add_function(wrap_pyfunction!(collect::collect, module)?)?;
    module.add_function(wrap_pyfunction!(collect::list_objects, module)?)?;
    module.add_function(wrap_pyfunction!(collect::object_references, module)?)?;
    module.add("PROTOCOLS", PyFrozenSet::new(module.py(), lapjoint::store::Protocol::NAMES)?)?;
    module.add_function(wrap_pyfunction!(store::upload, module)?)?;
    module.add_function(wrap_pyfunction!(store::content_hash, module)?)?;
    module.add_function(wrap_pyfunction!(store::is_secret, module)?)?;
    module.add_function(wrap_pyfunction!(store::hash_path, module)?)?;
    module.add_function(wrap_pyfunction!(store::object_path, module)?)?;
    module.add_function(wrap_pyfunction!(store::token, module)?)?;
    module.add_function(wrap_pyfunction!(store::encode_pk_value, module)?)?;
    module.add_function(wrap_pyfunction!(codecs::list_all_codecs, module)?)?;
    module.add_function(wrap_pyfunction!(codecs::note_codec_problems, module)?)?;
    module.add_function(wrap_pyfunction!(codecs::check_codecs, module)?)?;
    module.add_function(wrap_pyfunction!(codecs::lock_codecs, module)?)?;
    module.add_function(wrap_pyfunction!(codecs::compare_with_lock, module)?)?;
    module.add_function(wrap_pyfunction!(codecs::use_lock, module)?)?;
    module.add_function(wrap_pyfunction!(codecs::migrate_values, module)?)?;
    module.add_function(wrap_pyfunction!(codecs::run_command, module)?)?;
    module.add_class::<compute::PyComputation>()?;
    module.add_function(wrap_pyfunction!(diagram::parents_of, module)?)?;
    module.add_function(wrap_pyfunction!(diagram::children_of, module)?)?;
    module.add_function(wrap_pyfunction!(diagram::ancestors_of, module)?)?;
    module.add_function(wrap_pyfunction!(diagram::descendants_of, module)?)?;
    module.add_function(wrap_pyfunction!(diagram::parts_of, module)?)?;
    module.add_function(wrap_pyfunction!(diagram::topo_sort, module)?)?;
    module.add_function(wrap_pyfunction!(diagram::diagram_theme, module)?)?;
    module.add_class::<diagram::PyDependencies>()?;
    module.add_class::<diagram::PyDiagram>()?;
    module.add_class::<config::PyConfig>()?;
    module.add_class::<engine::PyConnection>()?;
    module.add_class::<engine::PySchema>()?;
    module.add_class::<engine::PyTable>()?;
    module.add_class::<jobs::PyJobs>()?;
    module.add_class::<jobs::PyWorker>()?;
    module.add_class::<store::PyStore>()?;
    module.add_class::<query::PyQuery>()?;
    module.add_class::<arrow::PyArrowBatches>()?;
    module.add_class::<arrow::PyArrowBatch>()?;
    module.add_class::<reference::PyNpyRef>()?;
    module.add_class::<reference::PyObjectRef>()?;
    module.add_function(wrap_pyfunction!(zarr::zarr_source, module)?)?;
    module.add_class::<value::EngineValue>()?;
    module.add_class::<store::PyMadeFolder>()?;
    module.add_class::<zarr::PyZarrSpool>()?;
    module.add_class::<zarr::PyZarrRef>()?;
    module.add_class::<figpack::PyFigpackRef>()?;
    module.add_function(wrap_pyfunction!(photon::photon_estimate, module)?)?;
    module.add_function(wrap_pyfunction!(photon::photon_forward, module)?)?;
    module.add_function(wrap_pyfunction!(photon::photon_inverse, module)?)?;
    module.add_class::<photon::PyPhotonRef>()?;
    gzcm::register(module)?;
    module.add("__version__", env!("CARGO_PKG_VERSION"))
}
