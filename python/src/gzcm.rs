//! Contact matrices: what the package `lapjoint.gzcm` builds on.

mod array;
mod codec;
mod convert;
mod error;
mod pool;
mod reader;
mod reference;

use pyo3::prelude::*;

pub(crate) use self::reference::PyGzcmRef;

/// Adds what the package needs.
pub(crate) fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    pool::remember_process();
    lapjoint::gzcm::install(lapjoint::codec::Registry::global());
    module.add_function(wrap_pyfunction!(codec::gzcm_codecs, module)?)?;
    module.add_function(wrap_pyfunction!(codec::gzcm_decode, module)?)?;
    module.add_function(wrap_pyfunction!(codec::gzcm_encode, module)?)?;
    module.add_function(wrap_pyfunction!(codec::gzcm_pick, module)?)?;
    module.add_function(wrap_pyfunction!(codec::gzcm_probe_codec, module)?)?;
    module.add_function(wrap_pyfunction!(codec::gzcm_register_codec, module)?)?;
    module.add_function(wrap_pyfunction!(convert::gzcm_convert, module)?)?;
    module.add_function(wrap_pyfunction!(convert::gzcm_export, module)?)?;
    module.add_function(wrap_pyfunction!(convert::gzcm_salvage, module)?)?;
    module.add_function(wrap_pyfunction!(reader::gzcm_parse_range, module)?)?;
    module.add_function(wrap_pyfunction!(reference::gzcm_dense_source, module)?)?;
    module.add_function(wrap_pyfunction!(reference::gzcm_file_source, module)?)?;
    module.add_function(wrap_pyfunction!(reference::gzcm_sparse_source, module)?)?;
    module.add_class::<PyGzcmRef>()?;
    module.add_class::<reader::PyGzcmFile>()
}
