//! Sending large content in parts, a few at a time.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use object_store::{MultipartUpload, ObjectStore as _, PutMultipartOptions, PutPayload};
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout_at};

use super::create::attributes;
use super::trace::Trace;
use super::{Remote, SINGLE_BYTES};
use crate::addressing::token;
use crate::backend::{Backend as _, Put, Sink};
use crate::error::{Result, StoreError};
use crate::path::SafePath;
use crate::runtime::{block_on, current, interruptible};
use crate::store::PutMode;

/// Size of the first parts. Services allow 10,000 parts, so that the parts of a very large object grow.
const PART_BYTES: usize = 8 << 20;
const PARTS_OF_A_SIZE: usize = 2000;
/// Parts of one object on their way at once; each is in memory.
const PARTS_IN_FLIGHT: usize = 4;

/// How long parts on their way are waited for when their upload is given up, and then the service.
const PATIENCE: Duration = Duration::from_secs(5);

/// Sends small content in one request and large content in parts.
pub(super) struct RemoteSink {
    remote: Remote,
    path: SafePath,
    mode: PutMode,
    origin: String,
    pending: VecDeque<Bytes>,
    pending_bytes: usize,
    /// Small writes are gathered here.
    buffer: BytesMut,
    upload: Option<Parts>,
}

struct Parts {
    upload: Box<dyn MultipartUpload>,
    in_flight: VecDeque<JoinHandle<object_store::Result<()>>>,
    sent: usize,
    sent_bytes: u64,
    trace: Arc<Trace>,
}

impl Parts {
    fn next_part_bytes(&self) -> usize {
        PART_BYTES << (2 * (self.sent / PARTS_OF_A_SIZE)).min(9)
    }
}

impl RemoteSink {
    pub fn new(remote: Remote, path: SafePath, mode: PutMode, origin: Option<&str>) -> Self {
        Self {
            remote,
            path,
            mode,
            // Its own, if nobody gave one: by it a completion whose answer was lost is known.
            origin: origin.map_or_else(|| token(16), str::to_owned),
            pending: VecDeque::new(),
            pending_bytes: 0,
            buffer: BytesMut::new(),
            upload: None,
        }
    }

    fn error(&self, error: &object_store::Error, trace: &Trace) -> StoreError {
        self.remote.error("write", self.path.as_str(), error, trace)
    }

    fn begin(&self) -> Result<Parts> {
        // An upload in parts is completed whether or not the object has appeared meanwhile; this look is the best there is.
        if self.mode == PutMode::Create && self.remote.head(&self.path)?.is_some() {
            let (store, path) = (self.remote.0.store.clone(), self.path.to_string());
            return Err(StoreError::AlreadyExists { store, path });
        }
        let (key, objects) = (self.remote.key(&self.path)?, self.remote.objects()?);
        let options = PutMultipartOptions::from(attributes(Some(&self.origin)));
        let upload =
            self.remote.run("write", self.path.as_str(), objects.put_multipart_opts(&key, options))?;
        Ok(Parts { upload, in_flight: VecDeque::new(), sent: 0, sent_bytes: 0, trace: Arc::default() })
    }

    /// Puts the next part on its way; waits when enough are.
    fn send_part(&mut self, part: PutPayload) -> Result<()> {
        let mut parts = match self.upload.take() {
            Some(parts) => parts,
            None => self.begin()?,
        };
        let part_bytes = part.content_length() as u64;
        let result = (|| {
            while parts.in_flight.len() >= PARTS_IN_FLIGHT {
                self.wait(&mut parts)?;
            }
            let sending = parts.trace.of(parts.upload.put_part(part));
            parts.in_flight.push_back(current()?.spawn(sending));
            (parts.sent, parts.sent_bytes) = (parts.sent + 1, parts.sent_bytes + part_bytes);
            Ok(())
        })();
        self.upload = Some(parts);
        result
    }

    fn wait(&self, parts: &mut Parts) -> Result<()> {
        let Some(part) = parts.in_flight.pop_front() else { return Ok(()) };
        match block_on(part)? {
            Ok(sent) => sent.map_err(|error| self.error(&error, &parts.trace)),
            Err(lost) => Err(StoreError::Runtime(std::io::Error::other(lost))),
        }
    }

    fn gather(&mut self) {
        if !self.buffer.is_empty() {
            let gathered = std::mem::take(&mut self.buffer).freeze();
            self.pending_bytes += gathered.len();
            self.pending.push_back(gathered);
        }
    }

    /// The first bytes of what is pending.
    fn take_pending(&mut self, mut wanted: usize) -> PutPayload {
        let mut taken = Vec::new();
        while wanted > 0
            && let Some(mut first) = self.pending.pop_front()
        {
            if first.len() > wanted {
                self.pending.push_front(first.split_off(wanted));
            }
            wanted -= first.len();
            self.pending_bytes -= first.len();
            taken.push(first);
        }
        taken.into_iter().collect()
    }

    fn send_full_parts(&mut self) -> Result<()> {
        loop {
            let part_bytes = self.upload.as_ref().map_or(PART_BYTES, Parts::next_part_bytes);
            let enough = if self.upload.is_some() { part_bytes } else { SINGLE_BYTES };
            // The last part goes when the writer finishes: only it may be small.
            if self.pending_bytes <= enough {
                return Ok(());
            }
            let part = self.take_pending(part_bytes);
            self.send_part(part)?;
        }
    }

    /// Completes the upload. When the answer is lost and the request repeated, the service knows of no upload any more; what is
    /// there then tells.
    fn complete(&mut self, mut parts: Parts) -> Result<()> {
        let trace = Arc::new(Trace::default());
        let error = match block_on(trace.of(parts.upload.complete()))? {
            Ok(_) => return Ok(()),
            Err(error) => self.error(&error, &trace),
        };
        let is_there = (trace.attempts() > 1 || trace.status() == 0)
            && self.remote.meta_and_origin(&self.path)?.is_some_and(|(meta, origin)| {
                meta.size_bytes == parts.sent_bytes && origin.as_ref() == Some(&self.origin)
            });
        if is_there {
            return Ok(());
        }
        self.upload = Some(parts);
        Err(error)
    }
}

impl Sink for RemoteSink {
    fn write(&mut self, bytes: &[u8]) -> Result<()> {
        for piece in bytes.chunks(PART_BYTES) {
            if self.buffer.len() + piece.len() > PART_BYTES {
                self.gather();
            }
            self.buffer.extend_from_slice(piece);
            if self.pending_bytes > 0 {
                self.send_full_parts()?;
            }
        }
        Ok(())
    }

    fn write_bytes(&mut self, bytes: Bytes) -> Result<()> {
        if bytes.len() < PART_BYTES {
            return self.write(&bytes);
        }
        self.gather();
        self.pending_bytes += bytes.len();
        self.pending.push_back(bytes);
        self.send_full_parts()
    }

    fn finish(mut self: Box<Self>) -> Result<bool> {
        self.gather();
        self.send_full_parts()?;
        let last_bytes = self.pending_bytes;
        let last = self.take_pending(last_bytes);
        if self.upload.is_none() {
            let put = Put { mode: self.mode, origin: Some(&self.origin), later: None };
            return self.remote.put(&self.path, &last.into(), put);
        }
        if last_bytes > 0 {
            self.send_part(last)?;
        }
        if let Some(mut parts) = self.upload.take() {
            while !parts.in_flight.is_empty() {
                if let Err(error) = self.wait(&mut parts) {
                    self.upload = Some(parts);
                    return Err(error);
                }
            }
            self.complete(parts)?;
        }
        Ok(true)
    }
}

impl Drop for RemoteSink {
    fn drop(&mut self) {
        let Some(mut parts) = self.upload.take() else { return };
        // Parts of an upload that nobody completes are billed for until they are aborted.
        let abort = async {
            // A part that arrives after the abort would stay, so that those on their way are waited for, a while.
            let until = Instant::now() + PATIENCE;
            for mut part in parts.in_flight.drain(..) {
                if timeout_at(until, &mut part).await.is_err() {
                    part.abort();
                }
            }
            timeout_at(until + PATIENCE, parts.trace.of(parts.upload.abort())).await
        };
        let aborted = match interruptible(None, || block_on(abort)) {
            Ok(Ok(done)) => done.map_err(|error| self.error(&error, &parts.trace)),
            Ok(Err(_)) => Err(StoreError::Service {
                operation: "give up",
                store: self.remote.0.store.clone(),
                path: self.path.to_string(),
                message: "the service does not answer".to_owned(),
                attempts: parts.trace.attempts(),
            }),
            Err(error) => Err(error),
        };
        if let Err(error) = aborted {
            tracing::warn!(%error, "an unfinished upload could not be aborted");
        }
    }
}
