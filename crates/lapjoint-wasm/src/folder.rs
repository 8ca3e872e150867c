//! Folders of modules: a file `NAME.wasm` is the codec `<NAME>`.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use lapjoint_codec::Codec;
use lapjoint_store::Config;

use crate::codec::WasmCodec;
use crate::error::WasmError;

/// What is in a folder under a name that ends in `.wasm`.
#[derive(Debug)]
pub struct Found {
    /// The file.
    pub path: PathBuf,
    /// The codec, or why there is none.
    pub codec: Result<Arc<WasmCodec>, WasmError>,
}

/// The folders of a configuration: those of the settings `codecs.wasm_path` and `codecs.plugin_path`, in their order, then
/// `.lapjoint/codecs` in the user's home folder. They need not exist.
#[must_use]
pub fn folders(config: &Config) -> Vec<PathBuf> {
    let mut folders: Vec<PathBuf> = Vec::new();
    for setting in ["codecs.wasm_path", "codecs.plugin_path"] {
        let set = config.text(setting).unwrap_or_default();
        folders.extend(std::env::split_paths(&set).filter(|path| !path.as_os_str().is_empty()));
    }
    folders.extend(std::env::home_dir().map(|home| home.join(".lapjoint").join("codecs")));
    folders
}

/// Loads every module of the folders, in the order of their names; of two of one name the first counts. What cannot be loaded is
/// there with its error, and so is a folder that cannot be read.
#[must_use]
pub fn scan(folders: &[PathBuf]) -> Vec<Found> {
    let mut found: Vec<Found> = Vec::new();
    for folder in folders {
        let mut files = match list(folder) {
            Ok(files) => files,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => continue,
            Err(source) => {
                let codec = Err(WasmError::Io { path: folder.clone(), source });
                found.push(Found { path: folder.clone(), codec });
                continue;
            }
        };
        files.sort();
        files.retain(|file| !found.iter().any(|known| known.path.file_name() == file.file_name()));
        found.extend(files.into_iter().map(|path| Found { codec: load(&path), path }));
    }
    found
}

/// The module of a codec, if a folder has its file.
///
/// # Errors
/// [`WasmError`] when there is such a file and it cannot be loaded.
pub fn find(folders: &[PathBuf], name: &str) -> Result<Option<Arc<WasmCodec>>, WasmError> {
    // A name comes from a definition; it must not lead out of the folder.
    if name.is_empty() || !name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-') {
        return Ok(None);
    }
    let path = folders.iter().map(|folder| folder.join(format!("{name}.wasm"))).find(|path| path.is_file());
    path.map(|path| load(&path)).transpose()
}

fn list(folder: &Path) -> std::io::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "wasm") {
            files.push(path);
        }
    }
    Ok(files)
}

fn load(path: &Path) -> Result<Arc<WasmCodec>, WasmError> {
    let codec = WasmCodec::from_path(path)?;
    let name = path.file_stem().and_then(std::ffi::OsStr::to_str).unwrap_or_default();
    if codec.name() != name {
        return Err(WasmError::Description {
            origin: path.display().to_string(),
            reason: format!("names the codec <{0}>; in this folder its file must be {0}.wasm", codec.name()),
        });
    }
    Ok(Arc::new(codec))
}
