//! The contacts of a rectangle of a `.hic` file, in order: blocks are read as their first rows come up, and merged.

use std::sync::Arc;

use super::matrix::BlockPlace;
use super::{HicFile, block};
use crate::convert::input::BATCH_PIXELS;
use crate::convert::input::sort::{Merge, Spill};
use crate::convert::pixel::{Pixel, Query};
use crate::error::Result;

/// An iterator over batches of contacts.
pub(super) struct Pixels<'a> {
    file: &'a HicFile,
    query: Query,
    /// By first row.
    blocks: Vec<BlockPlace>,
    next_block: usize,
    merge: Merge,
    spill: Option<Arc<Spill>>,
    failed: bool,
}

impl<'a> Pixels<'a> {
    pub(super) fn new(file: &'a HicFile, query: Query, blocks: Vec<BlockPlace>) -> Self {
        Self { file, query, blocks, next_block: 0, merge: Merge::default(), spill: None, failed: false }
    }

    fn next_batch(&mut self) -> Result<Option<Vec<Pixel>>> {
        loop {
            let next = self.blocks.get(self.next_block);
            let limit = next.map(|block| *block.rows.start());
            let mut batch = Vec::new();
            self.merge.take_below(limit, BATCH_PIXELS, &mut batch)?;
            if !batch.is_empty() {
                return Ok(Some(batch));
            }
            let Some(place) = next else { return Ok(None) };
            let intra = self.query.chrom1 == self.query.chrom2;
            let mut pixels = block::read(&self.file.bytes, place, self.file.header.version, intra)?;
            let inside =
                |pixel: &&Pixel| !(place.rows.contains(&pixel.bin1) && place.cols.contains(&pixel.bin2));
            if let Some(pixel) = pixels.iter().find(inside) {
                return Err(block::misplaced(&self.file.bytes, place, pixel));
            }
            pixels.retain(|pixel| self.query.contains(pixel.bin1, pixel.bin2));
            pixels.sort_unstable_by_key(Pixel::key);
            self.merge.add(Arc::new(pixels))?;
            self.next_block += 1;
            if self.merge.held() > self.file.chunk_pixels {
                let spill = match &self.spill {
                    Some(spill) => Arc::clone(spill),
                    None => Arc::clone(self.spill.insert(Spill::new()?)),
                };
                self.merge.spill(&spill)?;
            }
        }
    }
}

impl Iterator for Pixels<'_> {
    type Item = Result<Vec<Pixel>>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.failed {
            return None;
        }
        let batch = self.next_batch();
        self.failed = batch.is_err();
        batch.transpose()
    }
}
