//! Folders whose files are made while they are uploaded, so that they are never in memory or on disk all at once.

use std::collections::HashSet;
use std::error::Error;
use std::fmt;

use bytes::Bytes;

use crate::error::{Result, StoreError};
use crate::path::SafePath;

/// A file that a [`FolderContent`] can make.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MadeFile {
    /// Path relative to the folder, with `/`.
    pub path: String,
    /// Memory that making it takes at most, about: what is made at once is bounded by the sum.
    pub at_most_bytes: u64,
}

/// The files of a folder: their names are known beforehand, their content is made when it is their turn.
///
/// Several threads make files at once, each file once, in any order.
pub trait FolderContent: Send + Sync + fmt::Debug {
    /// The files. What has an index here is what [`make`](Self::make) is asked for.
    fn files(&self) -> Vec<MadeFile>;

    /// The content of the file at `index` of [`files`](Self::files).
    ///
    /// # Errors
    /// Whatever prevents it; the upload then fails as a whole and leaves nothing.
    fn make(&self, index: usize) -> Result<Bytes, Box<dyn Error + Send + Sync>>;
}

/// The files of a folder, if each has a path of its own that stays in it.
pub(super) fn checked_files(folder: &str, content: &dyn FolderContent) -> Result<Vec<MadeFile>> {
    let files = content.files();
    let mut paths = HashSet::with_capacity(files.len());
    for file in &files {
        let path = format!("{folder}/{}", file.path);
        SafePath::parse(&path)?;
        if !paths.insert(file.path.as_str()) {
            return Err(StoreError::MakeFile { path, source: "the folder names this file twice".into() });
        }
    }
    Ok(files)
}

/// Makes a file whose full path is `path`.
pub(super) fn make(path: &str, content: &dyn FolderContent, index: usize) -> Result<Bytes> {
    content.make(index).map_err(|source| StoreError::MakeFile { path: path.to_owned(), source })
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use serde_json::json;

    use super::*;
    use crate::config::Config;
    use crate::manifest::Manifest;
    use crate::staging::{
        Addressing, ObjectKind, Payload, PendingObject, UploadOptions, no_progress, undo, upload,
    };
    use crate::stores::Stores;

    /// Counts how much is being made at once.
    #[derive(Debug, Default)]
    struct Numbers {
        paths: Vec<&'static str>,
        now: AtomicUsize,
        most: AtomicUsize,
        fails_at: Option<usize>,
    }

    impl FolderContent for Numbers {
        fn files(&self) -> Vec<MadeFile> {
            let file = |path: &&str| MadeFile { path: (*path).to_owned(), at_most_bytes: 40 };
            self.paths.iter().map(file).collect()
        }

        fn make(&self, index: usize) -> Result<Bytes, Box<dyn Error + Send + Sync>> {
            self.most.fetch_max(self.now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
            std::thread::sleep(std::time::Duration::from_millis(1));
            self.now.fetch_sub(1, Ordering::SeqCst);
            if self.fails_at == Some(index) {
                return Err("no ink left".into());
            }
            Ok(format!("file {index}").into())
        }
    }

    fn stores() -> (tempfile::TempDir, Stores) {
        let dir = tempfile::tempdir().unwrap();
        let mut config = Config::default();
        config.set("stores", json!({"main": {"protocol": "file", "location": dir.path()}})).unwrap();
        (dir, Stores::new(config))
    }

    fn folder(content: Numbers) -> (Arc<Numbers>, PendingObject) {
        let content = Arc::new(content);
        let payload = Payload::Made(Arc::<Numbers>::clone(&content));
        let (store, path) = ("main".to_owned(), "s/folder.zarr".to_owned());
        (content, PendingObject { store, path, payload, addressing: Addressing::Schema })
    }

    const PATHS: [&str; 12] =
        ["a", "b", "c/0", "c/1", "c/2", "c/3", "c/4", "c/5", "c/6", "c/7", "c/8", "c/9"];

    #[test]
    fn files_are_made_within_the_budget_and_are_on_the_manifest() {
        let (_dir, stores) = stores();
        let (content, object) = folder(Numbers { paths: PATHS.to_vec(), ..Numbers::default() });
        let options = UploadOptions { max_in_flight_bytes: 100, ..UploadOptions::default() };
        let last = std::sync::Mutex::new(None);
        let see = |progress: &crate::staging::UploadProgress| {
            *last.lock().unwrap() = Some(*progress);
            std::ops::ControlFlow::Continue(())
        };
        let report = upload(&stores, std::slice::from_ref(&object), &options, &see).unwrap();
        assert!(content.most.load(Ordering::SeqCst) <= 2, "{content:?}");
        assert_eq!(report.created, [object.target()]);
        assert_eq!(object.target().kind, ObjectKind::Folder);
        let store = stores.get(Some("main")).unwrap();
        let manifest = Manifest::read(&store, &object.path).unwrap().unwrap();
        manifest.verify(&store, &object.path, true).unwrap();
        assert_eq!(manifest.files.len(), 12);
        assert_eq!(store.get("s/folder.zarr/c/9").unwrap(), "file 11");
        // What was expected is replaced by what it was.
        let progress = last.lock().unwrap().unwrap();
        assert_eq!((progress.bytes_done, progress.bytes_total), (74, 74));
        undo(&stores, &report.created).unwrap();
        assert!(store.list("").unwrap().is_empty());
    }

    #[test]
    fn a_file_that_cannot_be_made_leaves_nothing() {
        let (_dir, stores) = stores();
        let (_, object) = folder(Numbers { paths: PATHS.to_vec(), fails_at: Some(7), ..Numbers::default() });
        let error = upload(&stores, &[object], &UploadOptions::default(), &no_progress).unwrap_err();
        assert_eq!(error.to_string(), "s/folder.zarr/c/5 could not be made: no ink left");
        assert!(stores.get(Some("main")).unwrap().list("").unwrap().is_empty());
    }

    #[test]
    fn names_that_leave_the_folder_or_stand_twice_are_refused() {
        let (_dir, stores) = stores();
        for paths in [vec!["../x"], vec!["a", "a"], vec!["/etc/x"]] {
            let (_, object) = folder(Numbers { paths, ..Numbers::default() });
            assert!(upload(&stores, &[object], &UploadOptions::default(), &no_progress).is_err());
            assert_eq!(stores.get(Some("main")).unwrap().stats().written_bytes, 0);
        }
    }
}
