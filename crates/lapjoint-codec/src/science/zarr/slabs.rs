//! Arrays that are computed slab by slab while their files are uploaded.

use std::error::Error;
use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use lapjoint_store::{FolderContent, MadeFile};
use lapjoint_types::{DType, NdArray};

use super::damaged;
use super::encode::{Encoder, place, places};
use super::options::ZarrOptions;
use crate::error::CodecError;

/// An array that can be computed in parts.
pub(in crate::science) trait Slabs: fmt::Debug + Send + Sync {
    /// `rows` rows from `first_row` on, all of them within the array.
    ///
    /// # Errors
    /// [`CodecError`] when they cannot be had.
    fn slab(&self, first_row: usize, rows: usize) -> Result<NdArray, CodecError>;
}

/// The files of an array of this type and shape. Chunks span all axes but the first, or slabs are computed more than once.
///
/// # Errors
/// [`CodecError`] for options that do not fit the array.
pub(in crate::science) fn computed(
    options: &ZarrOptions,
    dtype: &DType,
    shape: &[usize],
    slabs: Arc<dyn Slabs>,
) -> Result<Arc<dyn FolderContent>, CodecError> {
    let shape: Vec<u64> = shape.iter().map(|&size| size as u64).collect();
    let encoder = Encoder::new(options.layout(dtype, &shape)?)?;
    Ok(Arc::new(Computed { grid: encoder.layout.file_grid(), encoder, slabs }))
}

#[derive(Debug)]
struct Computed {
    encoder: Encoder,
    grid: Vec<u64>,
    slabs: Arc<dyn Slabs>,
}

impl FolderContent for Computed {
    fn files(&self) -> Vec<MadeFile> {
        let metadata = self.encoder.layout.files().into_iter();
        let mut files: Vec<MadeFile> = metadata
            .map(|(name, bytes)| MadeFile { path: name.to_owned(), at_most_bytes: bytes.len() as u64 })
            .collect();
        // The slab, and what becomes of it.
        let at_most_bytes = self.encoder.at_most_bytes().saturating_mul(2);
        let chunk = |at: Vec<u64>| MadeFile { path: self.encoder.layout.key(&at), at_most_bytes };
        files.extend(places(&self.grid).map(chunk));
        files
    }

    fn make(&self, index: usize) -> Result<Bytes, Box<dyn Error + Send + Sync>> {
        let layout = &self.encoder.layout;
        let metadata = layout.files();
        let Some(number) = index.checked_sub(metadata.len()) else {
            return Ok(metadata.into_iter().nth(index).map(|(_, bytes)| bytes.into()).unwrap_or_default());
        };
        let at = place(&self.grid, number as u64);
        let (Some(&row), Some(&rows), Some(&all)) =
            (at.first(), layout.file_shape.first(), layout.shape.first())
        else {
            return Err(damaged("an array without axes has no slabs".to_owned()).into());
        };
        let first_row = row * rows;
        let slab = self
            .slabs
            .slab(usize::try_from(first_row)?, usize::try_from(rows.min(all.saturating_sub(first_row)))?)?;
        Ok(self.encoder.file(&slab, first_row, &at)?)
    }
}
