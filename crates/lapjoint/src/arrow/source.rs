//! Where the chunks of a stream come from: memory, for a result that is not too large, or a connection of their own.
//!
//! A stream is read while other queries use its connection, and most databases answer one statement at a time. So a result is
//! first read as a whole. One that turns out to be larger than the limit is begun anew on another connection, by a thread that
//! is never more than a few chunks ahead.

use std::collections::VecDeque;
use std::fmt;
use std::ops::ControlFlow;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::time::Duration;

use crate::arrow::read::{Chunk, Request};
use crate::error::Error;
use crate::query::Query;
use crate::watch::Watched;

/// Chunks that a thread reads ahead.
const AHEAD: usize = 1;

/// Longest time between two looks of a watch while the thread reads.
const INTERVAL: Duration = Duration::from_millis(50);

/// Chunks that are here, and those that a thread reads.
pub(super) struct Source {
    held: VecDeque<Chunk>,
    rest: Option<Rest>,
}

/// What a thread reads.
struct Rest {
    chunks: Receiver<Result<Chunk, Error>>,
    process: u32,
}

impl Source {
    /// Runs the statement. Up to `limit` bytes are held in memory, or all where there can be no other connection: in a
    /// transaction, which no other sees, and of a database that is this connection's alone.
    pub fn open(query: &Query, request: &Request, limit: usize) -> Result<Self, Error> {
        let connection = query.connection();
        let alone = !connection.can_have_another() || connection.in_transaction()?;
        let (held, is_whole) = read(query, request, if alone { usize::MAX } else { limit })?;
        if is_whole {
            return Ok(Self { held, rest: None });
        }
        drop(held);
        match connection.another() {
            Ok(another) => {
                let (sender, chunks) = sync_channel(AHEAD);
                let request = request.clone();
                std::thread::spawn(move || send(&request, &another, &sender));
                let mut source =
                    Self { held: VecDeque::new(), rest: Some(Rest { chunks, process: std::process::id() }) };
                // What is stored of the first rows may say of what types values are.
                let first = source.receive(query)?;
                source.held.extend(first);
                Ok(source)
            }
            Err(error) => {
                tracing::warn!(%error, "no other connection for a large result, which is read into memory");
                let (held, _) = read(query, request, usize::MAX)?;
                Ok(Self { held, rest: None })
            }
        }
    }

    /// Chunks that are here already.
    pub fn held(&self) -> impl Iterator<Item = &Chunk> {
        self.held.iter()
    }

    /// Whether these are all.
    pub const fn is_whole(&self) -> bool {
        self.rest.is_none()
    }

    /// The next chunk.
    pub fn next(&mut self, query: &Query) -> Result<Option<Chunk>, Error> {
        match self.held.pop_front() {
            Some(chunk) => Ok(Some(chunk)),
            None => self.receive(query),
        }
    }

    fn receive(&mut self, query: &Query) -> Result<Option<Chunk>, Error> {
        let Some(rest) = &self.rest else { return Ok(None) };
        if rest.process != std::process::id() {
            return Err(Error::usage(
                "a stream is read in the process that has begun it; this one was forked from it",
            ));
        }
        let watched = Watched::new(query.watch(), None);
        loop {
            match rest.chunks.recv_timeout(INTERVAL) {
                Ok(chunk) => return chunk.map(Some),
                Err(RecvTimeoutError::Timeout) => watched.look()?,
                Err(RecvTimeoutError::Disconnected) => return Ok(None),
            }
        }
    }
}

/// Chunks of a result, as long as they take no more than `limit` bytes, and whether that is all of it.
fn read(query: &Query, request: &Request, limit: usize) -> Result<(VecDeque<Chunk>, bool), Error> {
    let watched = Watched::new(query.watch(), None);
    let (mut held, mut bytes, mut is_whole) = (VecDeque::new(), 0_usize, true);
    request.read(query.connection(), &watched, &mut |chunk| {
        bytes = bytes.saturating_add(chunk.bytes);
        if bytes > limit {
            is_whole = false;
            return ControlFlow::Break(());
        }
        held.push_back(chunk);
        ControlFlow::Continue(())
    })?;
    Ok((held, is_whole))
}

/// Reads for the receiver, as long as there is one.
fn send(request: &Request, connection: &crate::Connection, sender: &SyncSender<Result<Chunk, Error>>) {
    let read =
        request.read(connection, &Watched::new(None, None), &mut |chunk| match sender.send(Ok(chunk)) {
            Ok(()) => ControlFlow::Continue(()),
            Err(_) => ControlFlow::Break(()),
        });
    if let Err(error) = read {
        // Nobody to hear of it: nobody wants the rows any more.
        sender.send(Err(error)).ok();
    }
    connection.close();
}

impl fmt::Debug for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Source").field("held", &self.held.len()).field("is_whole", &self.is_whole()).finish()
    }
}
