//! Finding and reading configuration files and secrets.

use std::io;
use std::path::{Path, PathBuf};

use serde_json::{Map, Value as Json};

use crate::error::{Result, StoreError};

/// Names of configuration files; the first wins where both are.
const FILE_NAMES: [&str; 2] = ["lapjoint.json", "datajoint.json"];
/// A directory with one of these is the root of a project, above which no file is looked for.
const PROJECT_MARKS: [&str; 2] = [".git", ".hg"];

/// The nearest configuration file in `start` or above it.
pub(super) fn find(start: &Path) -> Option<PathBuf> {
    let start = start.canonicalize().unwrap_or_else(|_| start.to_path_buf());
    for dir in start.ancestors() {
        let found = FILE_NAMES.iter().map(|name| dir.join(name)).find(|file| file.is_file());
        if found.is_some() {
            return found;
        }
        if PROJECT_MARKS.iter().any(|mark| dir.join(mark).exists()) {
            return None;
        }
    }
    None
}

pub(super) fn read_json(file: &Path) -> Result<Map<String, Json>> {
    let fail = |message: String| StoreError::ConfigFile { path: file.to_path_buf(), message };
    let text = std::fs::read_to_string(file).map_err(|error| fail(error.to_string()))?;
    match serde_json::from_str(&text).map_err(|error| fail(error.to_string()))? {
        Json::Object(members) => Ok(members),
        other => Err(fail(format!("it must hold a JSON object, not {}", super::place::python_type(&other)))),
    }
}

/// `.secrets` beside the configuration file, else that of the system.
pub(super) fn secrets_dir(file: Option<&Path>, system: Option<&Path>) -> Option<PathBuf> {
    let beside = file.and_then(Path::parent).map(|dir| dir.join(".secrets"));
    beside.into_iter().chain(system.map(Path::to_path_buf)).find(|dir| dir.is_dir())
}

/// Names and paths of the files in a secrets directory, by name; hidden ones are left out.
pub(super) fn secret_files(dir: &Path) -> Result<Vec<(String, PathBuf)>> {
    let fail = |source: io::Error| StoreError::local("read the secrets directory", dir, source);
    let mut files = Vec::new();
    for entry in std::fs::read_dir(dir).map_err(fail)? {
        let path = entry.map_err(fail)?.path();
        match path.file_name().and_then(|name| name.to_str()) {
            Some(name) if !name.starts_with('.') && path.is_file() => {
                files.push((name.to_owned(), path.clone()))
            }
            _ => {}
        }
    }
    files.sort();
    Ok(files)
}

pub(super) fn read_secret(file: &Path) -> Result<String> {
    let text =
        std::fs::read_to_string(file).map_err(|source| StoreError::local("read the secret", file, source))?;
    Ok(text.trim().to_owned())
}
