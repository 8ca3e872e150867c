//! The plan's execution: intent, upload, and rows in one transaction.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use lapjoint_db::{IntendedObject, Intent, TransactionMode};
use lapjoint_store::staging::{first_missing, upload};
use lapjoint_store::{
    Addressing, Payload, PendingObject, StoreError, StoredObject, Stores, UploadOptions, interruptible,
};
use uuid::Uuid;

use crate::connection::{Connection, Guard};
use crate::error::Error;
use crate::recovery;
use crate::watch::Watched;

/// How long the objects of an interrupted insert are removed.
const UNDO_PATIENCE: Duration = Duration::from_secs(5);

/// Work that uploads objects for rows that are not yet committed.
pub(crate) struct Work<'c> {
    connection: &'c Connection,
    schema: &'c str,
    intent: Option<Intent>,
    /// Hash-addressed objects that were there already.
    shared: Vec<StoredObject>,
}

impl<'c> Work<'c> {
    pub const fn new(connection: &'c Connection, schema: &'c str) -> Self {
        Self { connection, schema, intent: None, shared: Vec::new() }
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
        self.shared.extend(
            objects
                .iter()
                .filter(|object| object.addressing == Addressing::Hash)
                .map(PendingObject::target)
                .filter(|object| !created.contains(object)),
        );
        Ok(())
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
        let committed = written.and_then(|value| Ok(guard.adapter_mut().commit().map(|()| value)?));
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
        if let Some(gone) = first_missing(self.connection.stores(), &self.shared)? {
            return Err(Error::Vanished { store: gone.store.clone(), path: gone.path.clone() });
        }
        if let Some(intent) = &self.intent {
            recovery::mark(guard, intent)?;
        }
        rows(guard)
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
        is_dir: matches!(object.payload, Payload::Folder(_)),
        hash_addressed: object.addressing == Addressing::Hash,
    }
}
