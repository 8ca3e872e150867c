//! Where the chunks of a stream come from.

use std::collections::VecDeque;

use crate::arrow::read::Chunk;
use crate::error::Error;

/// Chunks that have been read.
#[derive(Debug, Default)]
pub(super) struct Source {
    held: VecDeque<Chunk>,
}

impl Source {
    pub fn new(held: VecDeque<Chunk>) -> Self {
        Self { held }
    }

    /// Chunks that are here already.
    pub fn held(&self) -> impl Iterator<Item = &Chunk> {
        self.held.iter()
    }

    /// Whether these are all.
    pub const fn is_whole(&self) -> bool {
        true
    }

    /// The next chunk.
    pub fn next(&mut self) -> Result<Option<Chunk>, Error> {
        Ok(self.held.pop_front())
    }
}
