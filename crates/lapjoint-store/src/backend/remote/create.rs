//! Creating an object where there is none.
//!
//! Services answer a put with `If-None-Match: *` (or their own word for it) with a refusal when there is an object. That is
//! one request, and of many writers one wins. Two things need care.
//!
//! **An answer may be lost.** The put has landed, the connection breaks, the request is sent again and is refused: by our own
//! object. So every put carries an origin, a word that nobody else has; when more than one attempt was made and the place is taken, the
//! origin of what is there tells. Where origins are not kept, the content is read and compared. Nothing is overwritten.
//!
//! **A service may not know the condition.** Some answer 501, some ignore it, and then a put replaces what is there. A service
//! that is not known to honour it is therefore asked once: the first object is looked up, put, and put again with the same
//! content, which must be refused. From then on the condition is used, or each object is looked up before it is put.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use object_store::{Attributes, ObjectStore as _, PutMode, PutOptions, PutPayload};

use super::place::Place;
use super::trace::Trace;
use super::{ORIGIN, Remote};
use crate::addressing::token;
use crate::error::{Result, StoreError};
use crate::path::SafePath;
use crate::runtime::block_on;
use crate::store::parallel::lock;

const UNKNOWN: u8 = 0;
const HONOURED: u8 = 1;
const IGNORED: u8 = 2;

/// What the client puts where the service said 501.
const NOT_UNDERSTOOD: u16 = 501;
const CONFLICT: u16 = 409;
/// Times that a put is repeated which a service refused because of another one under way.
const CONFLICTS: u32 = 8;

/// What is known of a service's conditional put.
#[derive(Debug, Default)]
pub(super) struct Conditional {
    known: AtomicU8,
    asking: Mutex<()>,
}

impl Conditional {
    /// What is known of a place, shared by all stores of this process that are there.
    pub fn of(place: &Place) -> Arc<Self> {
        static KNOWN: Mutex<Option<HashMap<String, Arc<Conditional>>>> = Mutex::new(None);
        match place.is_known_to_create() {
            true => Arc::new(Self { known: AtomicU8::new(HONOURED), asking: Mutex::default() }),
            false => {
                let mut known = lock(&KNOWN);
                Arc::clone(known.get_or_insert_default().entry(place.name()).or_default())
            }
        }
    }
}

/// What became of one conditional put.
enum Outcome {
    /// It is ours.
    Created,
    /// It has our content; nobody can say whose it is.
    Same,
    Taken,
    NotUnderstood,
}

impl Remote {
    /// Creates an object; false if it may be another's with the same content.
    pub(super) fn create(&self, path: &SafePath, bytes: &Bytes, origin: Option<&str>) -> Result<bool> {
        let made;
        let origin = match origin {
            Some(origin) => origin,
            None => {
                made = token(16);
                &made
            }
        };
        let conditional = &self.0.conditional;
        if conditional.known.load(Ordering::Acquire) == UNKNOWN {
            let _asking = lock(&conditional.asking);
            if conditional.known.load(Ordering::Acquire) == UNKNOWN {
                return self.create_and_ask(path, bytes, origin);
            }
        }
        if conditional.known.load(Ordering::Acquire) == IGNORED {
            return self.create_after_look(path, bytes, origin);
        }
        match self.put_new(path, bytes, origin)? {
            Outcome::Created => Ok(true),
            Outcome::Same => Ok(false),
            Outcome::Taken => Err(self.taken(path)),
            Outcome::NotUnderstood => {
                conditional.known.store(IGNORED, Ordering::Release);
                self.create_after_look(path, bytes, origin)
            }
        }
    }

    fn taken(&self, path: &SafePath) -> StoreError {
        StoreError::AlreadyExists { store: self.0.store.clone(), path: path.to_string() }
    }

    /// Creates the first object of a service that is not known to honour the condition, and finds out.
    fn create_and_ask(&self, path: &SafePath, bytes: &Bytes, origin: &str) -> Result<bool> {
        if self.meta_and_origin(path)?.is_some() {
            return Err(self.taken(path));
        }
        let known = &self.0.conditional.known;
        let first = self.put_new(path, bytes, origin)?;
        let honoured = match first {
            Outcome::NotUnderstood => {
                known.store(IGNORED, Ordering::Release);
                return self.create_after_look(path, bytes, origin);
            }
            Outcome::Taken => return Err(self.taken(path)),
            Outcome::Same => return Ok(false),
            Outcome::Created => match self.put_if_none(path, bytes, origin).0 {
                Err(StoreError::AlreadyExists { .. }) => Some(HONOURED),
                Ok(()) => Some(IGNORED),
                // The object is there all the same; the next one asks again.
                Err(_) => None,
            },
        };
        if let Some(honoured) = honoured {
            known.store(honoured, Ordering::Release);
        }
        Ok(true)
    }

    fn create_after_look(&self, path: &SafePath, bytes: &Bytes, origin: &str) -> Result<bool> {
        if self.meta_and_origin(path)?.is_some() {
            return Err(self.taken(path));
        }
        self.overwrite(path, bytes, Some(origin)).map(|()| true)
    }

    /// One conditional put, with the trace of its attempts.
    fn put_if_none(&self, path: &SafePath, bytes: &Bytes, origin: &str) -> (Result<()>, Arc<Trace>) {
        let trace = Arc::new(Trace::default());
        (self.send(path, bytes, PutMode::Create, Some(origin), &trace), trace)
    }

    fn put_new(&self, path: &SafePath, bytes: &Bytes, origin: &str) -> Result<Outcome> {
        let mut conflicts = 0;
        let mut attempts = 0;
        loop {
            let (sent, trace) = self.put_if_none(path, bytes, origin);
            let Err(error) = sent else { return Ok(Outcome::Created) };
            attempts += trace.attempts();
            match error {
                StoreError::AlreadyExists { .. } if trace.status() == CONFLICT && conflicts < CONFLICTS => {
                    // Another put or a deletion was under way: what it left decides.
                    conflicts += 1;
                    match self.meta_and_origin(path)? {
                        Some((_, Some(found))) if found == origin => return Ok(Outcome::Created),
                        Some(_) if attempts <= conflicts => return Ok(Outcome::Taken),
                        Some(_) => return self.compare(path, bytes, origin),
                        None => std::thread::sleep(Duration::from_millis(20 << conflicts.min(5))),
                    }
                }
                StoreError::AlreadyExists { .. } if attempts > 1 => return self.compare(path, bytes, origin),
                StoreError::AlreadyExists { .. } => return Ok(Outcome::Taken),
                _ if trace.status() == NOT_UNDERSTOOD => return Ok(Outcome::NotUnderstood),
                error => return Err(error),
            }
        }
    }

    /// Whose object is there, after an attempt whose answer was lost.
    fn compare(&self, path: &SafePath, bytes: &Bytes, origin: &str) -> Result<Outcome> {
        match self.meta_and_origin(path)? {
            Some((_, Some(found))) if found == origin => Ok(Outcome::Created),
            // Another's, which has an origin of its own.
            Some((_, Some(_))) => Ok(Outcome::Taken),
            Some((meta, None)) if meta.size_bytes != bytes.len() as u64 => Ok(Outcome::Taken),
            Some((_, None)) => {
                let is_same = super::Backend::get(self, path)? == *bytes;
                Ok(if is_same { Outcome::Same } else { Outcome::Taken })
            }
            // Deleted meanwhile, so that it was there: not ours to say why.
            None => Ok(Outcome::Taken),
        }
    }

    /// Writes an object in one request, in place of one that is there.
    pub(super) fn overwrite(&self, path: &SafePath, bytes: &Bytes, origin: Option<&str>) -> Result<()> {
        self.send(path, bytes, PutMode::Overwrite, origin, &Arc::new(Trace::default()))
    }

    fn send(
        &self,
        path: &SafePath,
        bytes: &Bytes,
        mode: PutMode,
        origin: Option<&str>,
        trace: &Arc<Trace>,
    ) -> Result<()> {
        let (key, objects) = (self.key(path)?, self.objects()?);
        let options = PutOptions { mode, attributes: attributes(origin), ..PutOptions::default() };
        let work = objects.put_opts(&key, PutPayload::from_bytes(bytes.clone()), options);
        block_on(trace.of(work))?
            .map(|_| ())
            .map_err(|error| self.error("write", path.as_str(), &error, trace))
    }
}

pub(super) fn attributes(origin: Option<&str>) -> Attributes {
    let mut attributes = Attributes::new();
    if let Some(origin) = origin {
        attributes.insert(ORIGIN, origin.to_owned().into());
    }
    attributes
}
