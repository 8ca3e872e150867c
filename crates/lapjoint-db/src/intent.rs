//! Records of unfinished work, kept outside of any transaction.
//!
//! An insert that uploads objects writes an [`Intent`] before its first upload and removes it after its rows are
//! committed. In the transaction that commits the rows it also leaves a marker in the hidden table `~commit`. What a
//! dead session left behind is therefore decided by the database alone: marker there, the rows are committed and the
//! objects stay; marker missing, the rows never were and the objects go.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use crate::error::DbError;

/// One object that an intent may upload.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IntendedObject {
    /// Store name.
    pub store: String,
    /// Path in the store.
    pub path: String,
    /// Whether the path is a folder with a manifest beside it.
    pub is_dir: bool,
    /// Whether the path is the hash of its content, which other rows may share.
    pub hash_addressed: bool,
}

/// Unfinished work of one insert or update.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Intent {
    /// Identity of the work, a UUID.
    pub id: String,
    /// Session at work.
    pub session: String,
    /// Schema whose rows will refer to the objects.
    pub schema: String,
    /// Objects that may have been uploaded.
    pub objects: Vec<IntendedObject>,
}

/// Durable storage of intents, visible to every session of the same database.
pub trait IntentLog: Send + Sync {
    /// Writes an intent durably, or replaces it by a longer one.
    ///
    /// # Errors
    /// [`DbError::Io`] when it cannot be written; nothing may then be uploaded.
    fn write(&self, intent: &Intent) -> Result<(), DbError>;

    /// Removes an intent; a missing one is no error.
    ///
    /// # Errors
    /// [`DbError::Io`] when it cannot be removed.
    fn remove(&self, schema: &str, id: &str) -> Result<(), DbError>;

    /// Makes a dead session's intent that of `session`, which then undoes it; false when another was faster.
    ///
    /// # Errors
    /// [`DbError`] when the record cannot be changed.
    fn claim(&self, intent: &Intent, session: &str) -> Result<bool, DbError>;

    /// All intents of a schema.
    ///
    /// # Errors
    /// [`DbError::Io`] when they cannot be read.
    fn list(&self, schema: &str) -> Result<Vec<Intent>, DbError>;
}

/// Intents as one JSON file each, beside the database files.
#[derive(Debug)]
pub struct FileIntentLog {
    directory: PathBuf,
}

impl FileIntentLog {
    /// A log in `directory`, which is made when the first intent is written.
    #[must_use]
    pub const fn new(directory: PathBuf) -> Self {
        Self { directory }
    }

    fn file(&self, schema: &str, id: &str) -> PathBuf {
        self.directory.join(schema).join(format!("{id}.json"))
    }
}

fn io_error(path: &Path) -> impl FnOnce(std::io::Error) -> DbError {
    let path = path.display().to_string();
    move |source| DbError::Io { path, source }
}

/// Makes a rename or removal in `directory` durable.
fn sync_directory(directory: &Path) -> Result<(), DbError> {
    fs::File::open(directory).and_then(|handle| handle.sync_all()).map_err(io_error(directory))
}

impl IntentLog for FileIntentLog {
    /// A session of files lives as long as its process, so that nobody else is at work; two that undo do the same.
    fn claim(&self, _intent: &Intent, _session: &str) -> Result<bool, DbError> {
        Ok(true)
    }

    fn write(&self, intent: &Intent) -> Result<(), DbError> {
        let file = self.file(&intent.schema, &intent.id);
        let directory = self.directory.join(&intent.schema);
        fs::create_dir_all(&directory).map_err(io_error(&directory))?;
        let staged = file.with_extension("saving");
        let text = to_json(intent).to_string();
        fs::File::create(&staged)
            .and_then(|mut handle| {
                handle.write_all(text.as_bytes())?;
                handle.sync_all()
            })
            .map_err(io_error(&staged))?;
        fs::rename(&staged, &file).map_err(io_error(&file))?;
        sync_directory(&directory)
    }

    fn remove(&self, schema: &str, id: &str) -> Result<(), DbError> {
        let file = self.file(schema, id);
        match fs::remove_file(&file) {
            Ok(()) => Ok(()),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
            Err(error) => Err(io_error(&file)(error)),
        }
    }

    fn list(&self, schema: &str) -> Result<Vec<Intent>, DbError> {
        let directory = self.directory.join(schema);
        let entries = match fs::read_dir(&directory) {
            Ok(entries) => entries,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(io_error(&directory)(error)),
        };
        let mut intents = Vec::new();
        for entry in entries {
            let path = entry.map_err(io_error(&directory))?.path();
            if path.extension().is_none_or(|extension| extension != "json") {
                continue;
            }
            let text = match fs::read_to_string(&path) {
                Ok(text) => text,
                // Finished by its owner since the directory was read.
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => continue,
                Err(error) => return Err(io_error(&path)(error)),
            };
            let intent = serde_json::from_str(&text).ok().as_ref().and_then(from_json);
            intents.push(intent.ok_or_else(|| DbError::Io {
                path: path.display().to_string(),
                source: std::io::Error::new(std::io::ErrorKind::InvalidData, "not an intent record"),
            })?);
        }
        Ok(intents)
    }
}

/// Intents of a database that lives in memory and dies with its only session.
#[derive(Debug, Default)]
pub struct MemoryIntentLog {
    intents: Mutex<BTreeMap<(String, String), Intent>>,
}

impl IntentLog for MemoryIntentLog {
    fn claim(&self, _intent: &Intent, _session: &str) -> Result<bool, DbError> {
        Ok(true)
    }

    fn write(&self, intent: &Intent) -> Result<(), DbError> {
        let key = (intent.schema.clone(), intent.id.clone());
        self.intents.lock().unwrap_or_else(PoisonError::into_inner).insert(key, intent.clone());
        Ok(())
    }

    fn remove(&self, schema: &str, id: &str) -> Result<(), DbError> {
        let key = (schema.to_owned(), id.to_owned());
        self.intents.lock().unwrap_or_else(PoisonError::into_inner).remove(&key);
        Ok(())
    }

    fn list(&self, schema: &str) -> Result<Vec<Intent>, DbError> {
        let intents = self.intents.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(intents.values().filter(|intent| intent.schema == schema).cloned().collect())
    }
}

pub(crate) fn to_json(intent: &Intent) -> serde_json::Value {
    let objects: Vec<_> = intent
        .objects
        .iter()
        .map(|object| {
            serde_json::json!({
                "store": object.store, "path": object.path,
                "is_dir": object.is_dir, "hash_addressed": object.hash_addressed,
            })
        })
        .collect();
    serde_json::json!({
        "id": intent.id, "session": intent.session, "schema": intent.schema, "objects": objects,
    })
}

pub(crate) fn from_json(json: &serde_json::Value) -> Option<Intent> {
    let text = |json: &serde_json::Value, name: &str| Some(json.get(name)?.as_str()?.to_owned());
    let objects = json
        .get("objects")?
        .as_array()?
        .iter()
        .map(|object| {
            Some(IntendedObject {
                store: text(object, "store")?,
                path: text(object, "path")?,
                is_dir: object.get("is_dir")?.as_bool()?,
                hash_addressed: object.get("hash_addressed")?.as_bool()?,
            })
        })
        .collect::<Option<Vec<_>>>()?;
    Some(Intent {
        id: text(json, "id")?,
        session: text(json, "session")?,
        schema: text(json, "schema")?,
        objects,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn intent() -> Intent {
        Intent {
            id: "i1".into(),
            session: "s1".into(),
            schema: "lab".into(),
            objects: vec![IntendedObject {
                store: "main".into(),
                path: "_schema/lab/é \"x\".npy".into(),
                is_dir: false,
                hash_addressed: true,
            }],
        }
    }

    #[test]
    fn both_logs_keep_and_forget_intents() {
        let directory = tempfile::tempdir().unwrap();
        let file = FileIntentLog::new(directory.path().join("intents"));
        let logs: [&dyn IntentLog; 2] = [&file, &MemoryIntentLog::default()];
        for log in logs {
            assert!(log.list("lab").unwrap().is_empty());
            log.write(&intent()).unwrap();
            log.write(&intent()).unwrap();
            assert_eq!(log.list("lab").unwrap(), [intent()]);
            assert!(log.list("other").unwrap().is_empty());
            log.remove("lab", "i1").unwrap();
            log.remove("lab", "i1").unwrap();
            assert!(log.list("lab").unwrap().is_empty());
        }
    }

    #[test]
    fn a_record_that_is_not_an_intent_is_an_error_and_stays() {
        let directory = tempfile::tempdir().unwrap();
        std::fs::create_dir(directory.path().join("lab")).unwrap();
        let file = directory.path().join("lab/x.json");
        std::fs::write(&file, "{\"id\": 1}").unwrap();
        assert!(FileIntentLog::new(directory.path().into()).list("lab").is_err());
        assert!(file.exists());
    }
}
