//! All chromosomes against all, put together from pairs of chromosomes.

use std::sync::Arc;

use super::sort::Merge;
use super::{BATCH_PIXELS, Batches, PixelSource};
use crate::convert::pixel::{Pixel, Query};
use crate::error::{Error, Result};

/// One pair of chromosomes: what is left of it, and how far it was read.
struct Pair<'a> {
    batches: Batches<'a>,
    col_offset: u32,
    /// The row that it was read up to.
    reached: u32,
}

/// Where each chromosome's bins begin, and one more at the end.
pub(crate) fn offsets(source: &dyn PixelSource, bin_size_bp: u32) -> Result<Vec<u32>> {
    let mut offsets = vec![0_u32];
    for chromosome in source.chromosomes() {
        let end =
            chromosome.bins(bin_size_bp.into()).checked_add(offsets.last().copied().unwrap_or(0).into());
        let end = end.and_then(|end| u32::try_from(end).ok());
        let reason = || Error::unsupported("genome", format!("more than 2^32 bins of {bin_size_bp} bp"));
        offsets.push(end.ok_or_else(reason)?);
    }
    Ok(offsets)
}

/// The contacts of the whole genome by merging, for each chromosome of rows, all chromosomes of columns.
pub(crate) fn merged<'a>(source: &'a dyn PixelSource, bin_size_bp: u32) -> Result<Batches<'a>> {
    let offsets = offsets(source, bin_size_bp)?;
    let n_chromosomes = source.chromosomes().len();
    let bands = (0..n_chromosomes).map(move |chrom1| -> Result<Batches<'a>> {
        let mut pairs = Vec::new();
        for chrom2 in chrom1..n_chromosomes {
            let bins = |chrom: usize| 0..offsets[chrom + 1] - offsets[chrom];
            let query = Query { bin_size_bp, chrom1, bins1: bins(chrom1), chrom2, bins2: bins(chrom2) };
            pairs.push(Pair { batches: source.pixels(&query)?, col_offset: offsets[chrom2], reached: 0 });
        }
        Ok(Box::new(Band { pairs, row_offset: offsets[chrom1], merge: Merge::default(), failed: false }))
    });
    Ok(Box::new(bands.flat_map(|band| -> Batches<'a> {
        match band {
            Ok(band) => band,
            Err(error) => Box::new(std::iter::once(Err(error))),
        }
    })))
}

/// The rows of one chromosome.
struct Band<'a> {
    pairs: Vec<Pair<'a>>,
    row_offset: u32,
    merge: Merge,
    failed: bool,
}

impl Band<'_> {
    fn next_batch(&mut self) -> Result<Option<Vec<Pixel>>> {
        loop {
            // Rows are complete up to the least last row that any unfinished pair has reached.
            let mut limit = None;
            let mut unread = None;
            for (index, pair) in self.pairs.iter().enumerate() {
                let reached = pair.reached;
                if limit.is_none_or(|limit| reached < limit) {
                    (limit, unread) = (Some(reached), Some(index));
                }
            }
            let mut batch = Vec::new();
            self.merge.take_below(limit, BATCH_PIXELS, &mut batch)?;
            if !batch.is_empty() {
                return Ok(Some(batch));
            }
            let Some(index) = unread else { return Ok(None) };
            let pair = &mut self.pairs[index];
            match pair.batches.next().transpose()? {
                None => {
                    self.pairs.swap_remove(index);
                }
                Some(mut pixels) => {
                    for pixel in &mut pixels {
                        pixel.bin1 += self.row_offset;
                        pixel.bin2 += pair.col_offset;
                    }
                    pair.reached = pixels.last().map_or(pair.reached, |pixel| pixel.bin1);
                    self.merge.add(Arc::new(pixels))?;
                }
            }
        }
    }
}

impl Iterator for Band<'_> {
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
