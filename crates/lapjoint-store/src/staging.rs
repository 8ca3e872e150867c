//! Uploading the objects of an insert: all of them, or none.
//!
//! Codecs write to no store; they hand over [`PendingObject`]s. [`upload`] writes them concurrently and with bounded
//! memory before the database transaction begins; if anything fails, what it created is removed again.

use std::collections::{BTreeMap, HashMap};
use std::ops::ControlFlow;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use bytes::Bytes;

use crate::backend::{DirSyncs, Put};
use crate::checksum::{Checksum, crc32c_hex};
use crate::error::{Result, StoreError};
use crate::manifest::{Manifest, ManifestFile, manifest_path, scan_folder};
use crate::path::SafePath;
use crate::runtime::interruptible;
use crate::store::parallel::{self, Budget, lock};
use crate::store::{CHUNK_BYTES, PutMode, Store, Written};
use crate::stores::Stores;

mod made;

pub use made::{FolderContent, MadeFile};

/// Objects that are looked up or removed at once.
const AT_ONCE: usize = 16;

/// Made files beyond this size are sent in parts, as files are: services limit what one request may carry.
const ONE_PUT_BYTES: u64 = 64 << 20;

/// What is to be stored.
#[derive(Debug, Clone)]
pub enum Payload {
    /// Content in memory.
    Bytes(Bytes),
    /// Content in memory, in pieces that follow one another: a header and the large array that it describes need not
    /// be copied together.
    Chunks(Vec<Bytes>),
    /// A local file, read when it is its turn.
    File(PathBuf),
    /// A local folder; see [`crate::manifest`] for what it may hold.
    Folder(PathBuf),
    /// A folder whose files are made when it is their turn.
    Made(Arc<dyn FolderContent>),
}

impl Payload {
    /// Whether it is stored as one object or as a folder with its manifest.
    #[must_use]
    pub const fn kind(&self) -> ObjectKind {
        match self {
            Self::Bytes(_) | Self::Chunks(_) | Self::File(_) => ObjectKind::File,
            Self::Folder(_) | Self::Made(_) => ObjectKind::Folder,
        }
    }
}

/// How the path of an object was chosen, which decides what an object that is there already means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Addressing {
    /// From its content: an object that is there is the same object, and is kept. One of another size is damaged
    /// and is replaced.
    Hash,
    /// By table, key and random token: there can be none, so one that is there is an error and is left alone.
    Schema,
}

/// An object that a codec wants stored.
#[derive(Debug, Clone)]
pub struct PendingObject {
    /// Resolved name of the store.
    pub store: String,
    /// Path within the store.
    pub path: String,
    /// What is to be stored.
    pub payload: Payload,
    /// How the path was chosen.
    pub addressing: Addressing,
}

/// Whether a stored object is one object or a folder with its manifest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ObjectKind {
    /// One object.
    File,
    /// Everything below the path, and the manifest beside it.
    Folder,
}

/// An object in a store, by name.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct StoredObject {
    /// Resolved name of the store.
    pub store: String,
    /// Path within the store.
    pub path: String,
    /// One object or a folder.
    pub kind: ObjectKind,
}

impl PendingObject {
    /// The name under which the object will be stored, for an intent record.
    #[must_use]
    pub fn target(&self) -> StoredObject {
        StoredObject { store: self.store.clone(), path: self.path.clone(), kind: self.payload.kind() }
    }
}

/// How [`upload`] goes about it.
#[derive(Debug, Clone)]
pub struct UploadOptions {
    /// Objects on their way at once; by default what their stores suggest.
    pub parallelism: Option<usize>,
    /// Bytes on their way at once.
    pub max_in_flight_bytes: u64,
    /// After a failure, also remove hash-addressed objects that were created. Another process may have found such an
    /// object meanwhile and committed a row that refers to it; with `false` they stay for garbage collection, which
    /// looks at all rows.
    pub undo_hash_addressed: bool,
    /// Kept with every object that is created, by stores that can ([`Store::keeps_origins`]): by it the work that created an object
    /// can be told after a crash.
    pub origin: Option<String>,
    /// Becomes true when the caller asks to stop, also while a service does not answer. What was created is then removed.
    pub stop: Option<Arc<AtomicBool>>,
}

impl Default for UploadOptions {
    fn default() -> Self {
        Self {
            parallelism: None,
            max_in_flight_bytes: 256 << 20,
            undo_hash_addressed: true,
            origin: None,
            stop: None,
        }
    }
}

/// How far an upload is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UploadProgress {
    /// Objects that are complete (files of folders counted one by one).
    pub objects_done: u64,
    /// Objects in all.
    pub objects_total: u64,
    /// Bytes of complete objects.
    pub bytes_done: u64,
    /// Bytes in all. Files that are still to be made count with what they are expected to need at most.
    pub bytes_total: u64,
}

/// What became of one pending object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// False if the content was there already.
    pub is_new: bool,
    /// Size; of a folder, the sum of its files.
    pub size_bytes: u64,
    /// Checksum of a file or bytes.
    pub crc32c: Option<String>,
    /// Manifest of a folder.
    pub manifest: Option<Manifest>,
}

/// What an upload did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct UploadReport {
    /// One for each pending object, in their order.
    pub outcomes: Vec<Outcome>,
    /// The objects that this upload created, not those that were there: what [`undo`] may remove.
    pub created: Vec<StoredObject>,
}

/// Ignores progress.
pub fn no_progress(_: &UploadProgress) -> ControlFlow<()> {
    ControlFlow::Continue(())
}

/// One object to write.
struct Job<'a> {
    index: usize,
    store: Store,
    path: String,
    content: Content<'a>,
    addressing: Addressing,
    size_bytes: u64,
}

enum Content<'a> {
    Bytes(&'a Bytes),
    Chunks(&'a [Bytes]),
    File(PathBuf),
    /// A file of a folder, by its number.
    Made(&'a dyn FolderContent, usize),
}

struct Finished {
    index: usize,
    path: String,
    is_new: bool,
    written: Written,
}

/// Stores all objects, or none: if one fails, or `progress` asks to stop, those that this call created are removed.
///
/// # Errors
///
/// The first error, naming its object; [`StoreError::Cancelled`]; [`StoreError::UndoIncomplete`] with the first
/// error if something created could not be removed.
pub fn upload(
    stores: &Stores,
    pending: &[PendingObject],
    options: &UploadOptions,
    progress: &(dyn Fn(&UploadProgress) -> ControlFlow<()> + Sync),
) -> Result<UploadReport> {
    let jobs = plan(stores, pending)?;
    let run = Run {
        options,
        progress,
        created: Mutex::default(),
        doubtful: Mutex::default(),
        syncs: jobs
            .iter()
            .map(|job| (job.store.name().to_owned(), (job.store.clone(), Arc::default())))
            .collect(),
        budget: Budget::new(options.max_in_flight_bytes),
        state: Mutex::new(UploadProgress {
            objects_done: 0,
            objects_total: jobs.len() as u64,
            bytes_done: 0,
            bytes_total: jobs.iter().map(|job| job.size_bytes).sum(),
        }),
    };
    run.all(stores, pending, jobs).map_err(|cause| run.remove_created(cause))
}

/// Removes objects; one that is not there is no error. All are tried.
///
/// # Errors
///
/// The first error if only one object remains, else [`StoreError::UndoIncomplete`].
pub fn undo(stores: &Stores, objects: &[StoredObject]) -> Result<()> {
    let mut failures = remove_all(objects.iter().map(|object| {
        let name = format!("{}:{}", object.store, object.path);
        (name, move || {
            let store = stores.get(Some(&object.store))?;
            if object.kind == ObjectKind::Folder {
                // The manifest first: without it nothing takes the folder for complete.
                store.delete(&manifest_path(&object.path))?;
                store.delete_prefix(&object.path)
            } else {
                store.delete(&object.path)
            }
        })
    }))
    .into_iter();
    let Some((first, Some(cause))) = failures.next() else { return Ok(()) };
    let mut remaining = vec![first];
    remaining.extend(failures.map(|(name, _)| name));
    if remaining.len() == 1 {
        return Err(cause);
    }
    Err(StoreError::UndoIncomplete { cause: Box::new(cause), remaining })
}

/// Those of the objects that work of this origin created. Stores that keep no origins are taken at the caller's word.
///
/// # Errors
///
/// A failure of a store.
pub fn created_by(stores: &Stores, objects: Vec<StoredObject>, origin: &str) -> Result<Vec<StoredObject>> {
    let looked = parallel::run(objects, AT_ONCE, |object| {
        let store = stores.get(Some(&object.store))?;
        let is_own = !store.keeps_origins() || store.origin(&object.path)?.as_deref() == Some(origin);
        Ok(is_own.then_some(object))
    });
    Ok(looked?.into_iter().flatten().collect())
}

/// The first of the objects that is not there.
///
/// # Errors
///
/// A failure of a store.
pub fn first_missing<'o>(stores: &Stores, objects: &'o [StoredObject]) -> Result<Option<&'o StoredObject>> {
    let looked = parallel::run(objects, AT_ONCE, |object| {
        Ok((!stores.get(Some(&object.store))?.exists(&object.path)?).then_some(object))
    });
    Ok(looked?.into_iter().flatten().next())
}

/// Runs removals; gives the names of what remains, with the error of the first of them. When a service has failed for good, no
/// further removal is begun: each would take as long to fail.
fn remove_all<F: FnOnce() -> Result<()> + Send>(
    removals: impl ExactSizeIterator<Item = (String, F)> + Send,
) -> Vec<(String, Option<StoreError>)> {
    let is_gone = AtomicBool::new(false);
    let removed = parallel::run(removals, AT_ONCE, |(name, remove)| {
        if is_gone.load(Ordering::Relaxed) {
            return Ok::<_, StoreError>(Some((name, None)));
        }
        let Err(error) = remove() else { return Ok(None) };
        if matches!(error, StoreError::Service { .. }) {
            is_gone.store(true, Ordering::Relaxed);
        }
        Ok(Some((name, Some(error))))
    });
    let mut remaining: Vec<_> = removed.unwrap_or_default().into_iter().flatten().collect();
    remaining.sort_by_key(|(_, error)| error.is_none());
    remaining
}

/// Opens the stores and looks at the sources, so that most mistakes show before anything is written.
fn plan<'a>(stores: &Stores, pending: &'a [PendingObject]) -> Result<Vec<Job<'a>>> {
    let mut jobs = Vec::with_capacity(pending.len());
    for (index, object) in pending.iter().enumerate() {
        let store = stores.get(Some(&object.store))?;
        SafePath::parse(&object.path)?;
        let job = |path: String, content: Content<'a>, size_bytes: u64| Job {
            index,
            store: store.clone(),
            path,
            content,
            addressing: object.addressing,
            size_bytes,
        };
        match &object.payload {
            Payload::Bytes(bytes) => {
                jobs.push(job(object.path.clone(), Content::Bytes(bytes), bytes.len() as u64));
            }
            Payload::Chunks(chunks) => {
                let size_bytes = chunks.iter().map(|chunk| chunk.len() as u64).sum();
                jobs.push(job(object.path.clone(), Content::Chunks(chunks), size_bytes));
            }
            Payload::File(source) => {
                let metadata =
                    std::fs::metadata(source).map_err(|error| StoreError::local("read", source, error))?;
                if !metadata.is_file() {
                    let reason = "it is not a file".into();
                    return Err(StoreError::UnstorableFile { path: source.clone(), reason });
                }
                jobs.push(job(object.path.clone(), Content::File(source.clone()), metadata.len()));
            }
            Payload::Folder(folder) => {
                for file in scan_folder(folder)?.files {
                    let path = format!("{}/{}", object.path, file.path);
                    jobs.push(job(path, Content::File(file.source), file.size_bytes));
                }
            }
            Payload::Made(folder) => {
                for (number, file) in
                    made::checked_files(&object.path, folder.as_ref())?.into_iter().enumerate()
                {
                    let path = format!("{}/{}", object.path, file.path);
                    jobs.push(job(path, Content::Made(folder.as_ref(), number), file.at_most_bytes));
                }
            }
        }
    }
    Ok(jobs)
}

struct Run<'a> {
    options: &'a UploadOptions,
    progress: &'a (dyn Fn(&UploadProgress) -> ControlFlow<()> + Sync),
    /// What would have to be removed if the upload failed now.
    created: Mutex<Vec<(Store, String)>>,
    /// What may have been created by a write that failed.
    doubtful: Mutex<Vec<(Store, String)>>,
    /// By store, the folders to be made durable before the upload counts as done.
    syncs: HashMap<String, (Store, Arc<DirSyncs>)>,
    budget: Budget,
    state: Mutex<UploadProgress>,
}

impl Run<'_> {
    fn all(&self, stores: &Stores, pending: &[PendingObject], jobs: Vec<Job<'_>>) -> Result<UploadReport> {
        let suggested = || self.syncs.values().map(|(store, _)| store.parallelism()).max().unwrap_or(1);
        let parallelism = self.options.parallelism.unwrap_or_else(suggested);
        let stop = self.options.stop.as_ref();
        let finished = parallel::run(jobs, parallelism, |job| interruptible(stop, || self.one(job)))?;
        self.sync()?;

        let mut by_object: BTreeMap<usize, Vec<Finished>> = BTreeMap::new();
        for done in finished {
            by_object.entry(done.index).or_default().push(done);
        }
        let mut report = UploadReport::default();
        for (index, object) in pending.iter().enumerate() {
            let done = by_object.remove(&index).unwrap_or_default();
            let outcome = match &object.payload {
                Payload::Folder(_) | Payload::Made(_) => self.finish_folder(stores, object, done)?,
                Payload::Bytes(_) | Payload::Chunks(_) | Payload::File(_) => match done.into_iter().next() {
                    Some(done) => Outcome {
                        is_new: done.is_new,
                        size_bytes: done.written.size_bytes,
                        crc32c: Some(done.written.crc32c),
                        manifest: None,
                    },
                    None => continue,
                },
            };
            if outcome.is_new {
                report.created.push(object.target());
            }
            report.outcomes.push(outcome);
        }
        self.sync()?;
        Ok(report)
    }

    /// Undoes this upload; returns the error to report.
    fn remove_created(&self, cause: StoreError) -> StoreError {
        let created = std::mem::take(&mut *lock(&self.created)).into_iter().map(|place| (place, false));
        let doubtful = std::mem::take(&mut *lock(&self.doubtful)).into_iter().map(|place| (place, true));
        let all: Vec<_> = created.chain(doubtful).collect();
        let remaining = remove_all(all.into_iter().map(|((store, path), is_doubtful)| {
            let name = format!("{}:{path}", store.name());
            (name, move || match store.delete(&path) {
                Err(_) if is_doubtful && !store.exists(&path).unwrap_or(false) => Ok(()),
                removed => removed,
            })
        }));
        if remaining.is_empty() {
            return cause;
        }
        let remaining = remaining.into_iter().map(|(name, _)| name).collect();
        StoreError::UndoIncomplete { cause: Box::new(cause), remaining }
    }

    fn sync(&self) -> Result<()> {
        self.syncs.values().try_for_each(|(store, later)| store.sync(later))
    }

    /// A folder counts as stored when its manifest is there, so that is written last.
    fn finish_folder(&self, stores: &Stores, object: &PendingObject, done: Vec<Finished>) -> Result<Outcome> {
        let prefix = format!("{}/", object.path);
        let files = done
            .into_iter()
            .map(|done| ManifestFile {
                path: done.path.strip_prefix(&prefix).unwrap_or(&done.path).to_owned(),
                size_bytes: done.written.size_bytes,
                crc32c: Some(done.written.crc32c),
            })
            .collect();
        let manifest = Manifest::new(files);
        let bytes = Bytes::from(manifest.to_json());
        let job = Job {
            index: 0,
            store: stores.get(Some(&object.store))?,
            path: manifest_path(&object.path),
            content: Content::Bytes(&bytes),
            addressing: object.addressing,
            size_bytes: 0,
        };
        self.write(&job)?;
        Ok(Outcome {
            is_new: true,
            size_bytes: manifest.total_bytes(),
            crc32c: None,
            manifest: Some(manifest),
        })
    }

    fn one(&self, job: Job<'_>) -> Result<Finished> {
        let in_memory_bytes = match job.content {
            Content::Bytes(_) | Content::Chunks(_) | Content::Made(..) => job.size_bytes,
            Content::File(_) => job.size_bytes.min(CHUNK_BYTES),
        };
        let share = self.budget.take(in_memory_bytes);
        let (written, is_new) = self.write(&job)?;
        drop(share);
        if matches!(job.content, Content::File(_)) {
            // A file that grew or shrank after the row was made would contradict the row.
            job.store.check_size(&job.path, job.size_bytes, written.size_bytes)?;
        }
        let mut state = lock(&self.state);
        state.objects_done += 1;
        state.bytes_done += written.size_bytes;
        state.bytes_total = (state.bytes_total + written.size_bytes).saturating_sub(job.size_bytes);
        if (self.progress)(&state).is_break() {
            let (objects_done, objects_total) = (state.objects_done, state.objects_total);
            return Err(StoreError::Cancelled { objects_done, objects_total });
        }
        Ok(Finished { index: job.index, path: job.path, is_new, written })
    }

    /// Writes one object; says whether it is new.
    fn write(&self, job: &Job<'_>) -> Result<(Written, bool)> {
        match self.put(job, PutMode::Create, self.options.origin.as_deref()) {
            Ok((written, is_ours)) => {
                // A schema-addressed name is random: what is there with the same content is what was sent.
                let is_new = is_ours || job.addressing == Addressing::Schema;
                if job.addressing == Addressing::Schema || (is_new && self.options.undo_hash_addressed) {
                    lock(&self.created).push((job.store.clone(), job.path.clone()));
                }
                Ok((written, is_new))
            }
            Err(StoreError::AlreadyExists { .. }) if job.addressing == Addressing::Hash => {
                let present_bytes = job.store.head(&job.path)?.map(|meta| meta.size_bytes);
                if present_bytes == Some(job.size_bytes) {
                    return Ok((self.describe(job)?, false));
                }
                tracing::warn!(
                    store = job.store.name(),
                    path = job.path,
                    ?present_bytes,
                    expected_bytes = job.size_bytes,
                    "a stored object was damaged and is replaced"
                );
                Ok((self.put(job, PutMode::Overwrite, None)?.0, false))
            }
            Err(error @ StoreError::AlreadyExists { .. }) => Err(error),
            Err(error) => {
                if job.addressing == Addressing::Schema {
                    // The write may have failed after the object appeared. Its name is random, so nobody else's
                    // object can be meant.
                    lock(&self.doubtful).push((job.store.clone(), job.path.clone()));
                }
                Err(error)
            }
        }
    }

    /// Writes one object; also says whether it is ours without doubt.
    fn put(&self, job: &Job<'_>, mode: PutMode, origin: Option<&str>) -> Result<(Written, bool)> {
        let later = self.syncs.get(job.store.name()).map(|(_, later)| later);
        match &job.content {
            Content::Bytes(bytes) => {
                let put = Put { mode, origin, later: later.map(Arc::as_ref) };
                let is_ours = job.store.put_with(&job.path, bytes, put)?;
                Ok((self.describe(job)?, is_ours))
            }
            Content::Chunks(chunks) => {
                let mut writer = job.store.writer_with(&job.path, mode, origin, later.cloned())?;
                chunks.iter().try_for_each(|chunk| writer.push_bytes(chunk.clone()))?;
                writer.finish_with()
            }
            Content::File(source) => job.store.put_file_with(&job.path, source, mode, origin, later.cloned()),
            Content::Made(folder, number) => {
                let bytes = made::make(&job.path, *folder, *number)?;
                if bytes.len() as u64 > ONE_PUT_BYTES {
                    let mut writer = job.store.writer_with(&job.path, mode, origin, later.cloned())?;
                    writer.push_bytes(bytes)?;
                    return writer.finish_with();
                }
                let put = Put { mode, origin, later: later.map(Arc::as_ref) };
                let is_ours = job.store.put_with(&job.path, &bytes, put)?;
                Ok((Written { size_bytes: bytes.len() as u64, crc32c: crc32c_hex(&bytes) }, is_ours))
            }
        }
    }

    /// Size and checksum of content that need not be written.
    fn describe(&self, job: &Job<'_>) -> Result<Written> {
        match &job.content {
            Content::Bytes(bytes) => {
                Ok(Written { size_bytes: bytes.len() as u64, crc32c: crc32c_hex(bytes) })
            }
            Content::Chunks(chunks) => {
                let mut sum = Checksum::default();
                chunks.iter().for_each(|chunk| sum.update(chunk));
                Ok(Written { size_bytes: sum.size_bytes(), crc32c: sum.hex() })
            }
            Content::File(_) | Content::Made(..) => job.store.checksum(&job.path),
        }
    }
}

#[cfg(test)]
mod tests;
