//! Codecs in WebAssembly modules.

use std::path::PathBuf;
use std::sync::Arc;

use lapjoint::codec::{Codec, Registry};
use lapjoint::wasm::{LoadOptions, WasmCodec, WasmError, folder, install, trust};
use pyo3::prelude::*;

use crate::config::PyConfig;
use crate::error::{from_any, from_codec};

/// A module as Python gives it.
#[derive(FromPyObject)]
pub(crate) enum Source {
    Bytes(Vec<u8>),
    Path(PathBuf),
}

/// What `load_wasm` says of a codec: name, version of the stored form, SHA-256 of the module, summary.
type Loaded = (String, String, String, String);

fn loaded(codec: &WasmCodec) -> Loaded {
    let described = codec.description();
    (described.name.clone(), described.version.clone(), codec.sha256().to_owned(), described.summary.clone())
}

fn from_wasm(error: WasmError) -> PyErr {
    match error {
        WasmError::Io { source, .. } if source.kind() == std::io::ErrorKind::NotFound => source.into(),
        error => from_any(error),
    }
}

/// Loads a module and registers its codec.
#[pyfunction]
#[pyo3(signature = (source, embed_decoder=None))]
pub(crate) fn load_wasm(py: Python<'_>, source: Source, embed_decoder: Option<bool>) -> PyResult<Loaded> {
    py.detach(|| {
        let options = LoadOptions { limits: None, embed_decoder };
        let codec = match source {
            Source::Bytes(bytes) => WasmCodec::from_bytes_with(bytes, options),
            Source::Path(path) => WasmCodec::from_path_with(path, options),
        };
        let codec = codec.map_err(from_wasm)?;
        let said = loaded(&codec);
        Registry::global().register(Arc::new(codec) as Arc<dyn Codec>).map_err(from_codec)?;
        Ok(said)
    })
}

/// Has modules looked for in the folders of a configuration, and decoders read that values carry.
#[pyfunction]
pub(crate) fn find_wasm(config: &PyConfig) {
    config.0.read(|config| install(Registry::global(), config));
}

/// The modules in the folders of a configuration: file, and name, version, hash and summary or the error.
#[pyfunction]
pub(crate) fn scan_wasm(py: Python<'_>, config: &PyConfig) -> Vec<(PathBuf, Option<Loaded>, Option<String>)> {
    let folders = config.0.read(folder::folders);
    let found = py.detach(|| folder::scan(&folders));
    found
        .into_iter()
        .map(|found| match found.codec {
            Ok(codec) => (found.path, Some(loaded(&codec)), None),
            Err(error) => (found.path, None, Some(error.to_string())),
        })
        .collect()
}

/// Allows the module of a SHA-256 that values carry, in this process.
#[pyfunction]
pub(crate) fn trust_wasm(sha256: &str) -> PyResult<()> {
    trust::allow(sha256).map_err(from_any)
}

/// Takes the permission back; whether there was one.
#[pyfunction]
pub(crate) fn distrust_wasm(sha256: &str) -> bool {
    trust::revoke(sha256)
}
