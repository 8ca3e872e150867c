//! The plan's execution: intent, upload, and rows in one transaction.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use lapjoint_db::{DbError, IntendedObject, Intent, TransactionMode};
use lapjoint_store::staging::{ObjectKind, first_missing, no_progress, upload};
use lapjoint_store::{
    Addressing, Payload, PendingObject, StoreError, StoredObject, Stores, UploadOptions, interruptible,
};
use uuid::Uuid;

use crate::connection::{Connection, Guard};
use crate::error::Error;
use crate::objects::bring_back;
use crate::recovery;
use crate::watch::Watched;

/// How long the objects of an interrupted insert are removed.
const UNDO_PATIENCE: Duration = Duration::from_secs(5);

/// Bytes of shared content that an insert keeps until its commit, to store again what is collected meanwhile.
const KEPT_BYTES: usize = 64 << 20;

/// A hash-addressed object that was there already.
struct Shared {
    target: StoredObject,
    /// Its content, as far as there is room.
    content: Option<PendingObject>,
}

/// Work that uploads objects for rows that are not yet committed.
pub(crate) struct Work<'c> {
    connection: &'c Connection,
    schema: &'c str,
    intent: Option<Intent>,
    /// Hash-addressed objects that were there already.
    shared: Vec<Shared>,
    /// Bytes of content that these keep.
    kept_bytes: usize,
}

impl<'c> Work<'c> {
    pub const fn new(connection: &'c Connection, schema: &'c str) -> Self {
        Self { connection, schema, intent: None, shared: Vec::new(), kept_bytes: 0 }
    }

    /// Uploads objects after their intent is on record.
    pub fn upload(&mut self, objects: &[PendingObject], watched: &Watched<'_>) -> Result<(), Error> {
        if objects.is_empty() {
            return Ok(());
        }
        let log = {
            let mut guard = self.connection.lock()?;
            if self.intent.is_none() {
                recovery::prepare(&mut guard, self.schema)?;
                self.intent = Some(Intent {
                    id: Uuid::new_v4().to_string(),
                    session: guard.adapter().session().to_owned(),
                    schema: self.schema.to_owned(),
                    objects: Vec::new(),
                });
            }
            guard.adapter().intents()
        };
        let mut origin = None;
        if let Some(intent) = &mut self.intent {
            for object in objects {
                if may_create(self.connection.stores(), object)? {
                    intent.objects.push(intended(object));
                }
            }
            log.write(intent)?;
            origin = Some(intent.id.clone());
        }
        // What a failed upload leaves of shared objects is for the undoing, which looks at all rows under the write lock.
        let options = UploadOptions { undo_hash_addressed: false, origin, ..UploadOptions::default() };
        let stores = self.connection.stores();
        let report = watched.beside(|stop| {
            let options = UploadOptions { stop: Some(Arc::clone(stop.flag())), ..options };
            upload(stores, objects, &options, &|_| stop.flow()).map_err(|error| match error {
                StoreError::Cancelled { .. } => Error::Interrupted,
                other => other.into(),
            })
        })?;
        let created: HashSet<StoredObject> = report.created.into_iter().collect();
        for object in objects {
            if object.addressing == Addressing::Hash && !created.contains(&object.target()) {
                self.share(object);
            }
        }
        Ok(())
    }

    /// Notes an object that was there already.
    fn share(&mut self, object: &PendingObject) {
        let bytes = match &object.payload {
            Payload::Bytes(bytes) => Some(bytes.len()),
            Payload::Chunks(chunks) => Some(chunks.iter().map(bytes::Bytes::len).sum()),
            // What codecs hand over in files is gone by the time of the commit.
            Payload::File(_) | Payload::Folder(_) | Payload::Made(_) => None,
        };
        let all = bytes.map(|bytes| self.kept_bytes + bytes).filter(|all| *all <= KEPT_BYTES);
        self.kept_bytes = all.unwrap_or(self.kept_bytes);
        self.shared.push(Shared { target: object.target(), content: all.map(|_| object.clone()) });
    }

    /// Runs `rows` with the uploaded objects in one transaction, or in the open one. Whatever fails, nothing is left.
    pub fn commit<T>(mut self, rows: impl FnOnce(&mut Guard<'_>) -> Result<T, Error>) -> Result<T, Error> {
        let result = self.try_commit(rows);
        if result.is_err() {
            return self.abandon(result);
        }
        result
    }

    /// Undoes the uploads because of `failure`.
    pub fn abandon<T>(&mut self, failure: Result<T, Error>) -> Result<T, Error> {
        let Some(intent) = self.intent.take() else { return failure };
        // Who interrupts does not want to wait for a service that may be the very reason; recovery undoes what is left.
        let stop = matches!(failure, Err(Error::Interrupted)).then(|| after(UNDO_PATIENCE));
        let undone = interruptible(stop.as_ref(), || recovery::undo(self.connection, &intent));
        match (failure, undone) {
            (failure, Ok(())) => failure,
            (Err(source), Err(undo)) => Err(Error::Undo { source: Box::new(source), undo: undo.to_string() }),
            (Ok(_), Err(undo)) => Err(undo),
        }
    }

    fn try_commit<T>(&mut self, rows: impl FnOnce(&mut Guard<'_>) -> Result<T, Error>) -> Result<T, Error> {
        let mut guard = self.connection.lock()?;
        if guard.in_transaction() {
            let value = self.write(&mut guard, rows)?;
            // The open transaction decides; its end finishes or undoes this intent.
            guard.state().open_intents.extend(self.intent.take());
            return Ok(value);
        }
        guard.adapter_mut().begin(TransactionMode::Write)?;
        let written = self.write(&mut guard, rows);
        let committed = written.and_then(|value| match guard.adapter_mut().commit() {
            Ok(()) => Ok(value),
            Err(error) => self.after_failed_commit(&mut guard, error).map(|()| value),
        });
        match committed {
            Ok(value) => {
                if let Some(intent) = self.intent.take() {
                    recovery::finish(&mut guard, std::slice::from_ref(&intent));
                }
                Ok(value)
            }
            Err(error) => {
                if guard.in_transaction() {
                    guard.adapter_mut().rollback()?;
                }
                Err(error)
            }
        }
    }

    /// A commit whose answer was lost may be done all the same: the marker tells.
    fn after_failed_commit(&self, guard: &mut Guard<'_>, error: DbError) -> Result<(), Error> {
        let DbError::Lost { product, message, outcome_unknown: true } = error else {
            return Err(error.into());
        };
        let Some(intent) = &self.intent else {
            return Err(DbError::Lost { product, message, outcome_unknown: true }.into());
        };
        match recovery::has_marker(guard, intent) {
            Ok(true) => Ok(()),
            // Only when nobody is still at the commit is a missing marker the last word.
            found => {
                let is_over = found.is_ok() && recovery::is_ours(guard, intent).unwrap_or(false);
                Err(DbError::Lost { product, message, outcome_unknown: !is_over }.into())
            }
        }
    }

    fn write<T>(
        &self,
        guard: &mut Guard<'_>,
        rows: impl FnOnce(&mut Guard<'_>) -> Result<T, Error>,
    ) -> Result<T, Error> {
        if let Some(intent) = &self.intent
            && !guard.adapter_mut().hold_intent(intent)?
        {
            return Err(Error::Overtaken { schema: self.schema.to_owned() });
        }
        // Under the lock nobody can remove an object for want of references, so that this look is the last word.
        if !self.shared.is_empty() {
            guard.adapter_mut().lock_objects(self.schema, false)?;
        }
        let targets: Vec<StoredObject> = self.shared.iter().map(|shared| shared.target.clone()).collect();
        for _ in 0..targets.len() {
            let Some(gone) = first_missing(self.connection.stores(), &targets)? else { break };
            if let Some(shared) = self.shared.iter().find(|shared| shared.target == *gone) {
                self.ensure(shared)?;
            }
        }
        if let Some(intent) = &self.intent {
            recovery::mark(guard, intent)?;
        }
        rows(guard)
    }
}

impl Work<'_> {
    /// Makes sure that a shared object is there. It was removed since this work has found it when it was collected, or when
    /// the insert that had brought it failed. The lock is held: now it stays.
    fn ensure(&self, shared: &Shared) -> Result<(), Error> {
        let Shared { target: StoredObject { store, path, .. }, content } = shared;
        let stores = self.connection.stores();
        if stores.get(Some(store))?.exists(path)? || bring_back(stores, self.schema, store, path)? {
            return Ok(());
        }
        let Some(content) = content else {
            return Err(Error::Vanished { store: store.clone(), path: path.clone() });
        };
        // On no intent: if this fails, what was stored here is left for collection, as it was before.
        let options = UploadOptions { undo_hash_addressed: false, ..UploadOptions::default() };
        upload(stores, std::slice::from_ref(content), &options, &no_progress)?;
        Ok(())
    }
}

/// Whether an object is to be on record as one that this work may create. What is there already is not this work's to remove,
/// as another database may use the same store: stores that keep the origins of objects tell later whose they are, others are
/// asked now.
fn may_create(stores: &Stores, object: &PendingObject) -> Result<bool, Error> {
    if object.addressing == Addressing::Schema {
        return Ok(true);
    }
    let store = stores.get(Some(&object.store))?;
    Ok(store.keeps_origins() || !store.exists(&object.path)?)
}

/// A flag that becomes true after a while.
fn after(time: Duration) -> Arc<AtomicBool> {
    let flag = Arc::new(AtomicBool::new(false));
    let set = Arc::clone(&flag);
    std::thread::spawn(move || {
        std::thread::sleep(time);
        set.store(true, Ordering::Relaxed);
    });
    flag
}

fn intended(object: &PendingObject) -> IntendedObject {
    IntendedObject {
        store: object.store.clone(),
        path: object.path.clone(),
        is_dir: object.payload.kind() == ObjectKind::Folder,
        hash_addressed: object.addressing == Addressing::Hash,
    }
}
