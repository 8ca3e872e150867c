//! Files of an array from its elements.

use std::borrow::Cow;

use bytes::Bytes;
use lapjoint_types::{ByteOrder, DType, NdArray, Order};
use serde_json::json;

use super::copy::{Place, copy_box, fill_with, strides_c, strides_f};
use super::engine::Pipeline;
use super::layout::{Layout, grid};
use super::{damaged, dtype};
use crate::error::CodecError;

/// What turns elements into the files of one layout.
#[derive(Debug)]
pub(super) struct Encoder {
    pub layout: Layout,
    chunk: Pipeline,
    fill: Vec<u8>,
    /// The codecs of a shard's index.
    index: Option<Pipeline>,
}

/// The codecs of the index of shards: for each chunk its place and size, two numbers.
pub(super) fn index_pipeline(layout: &Layout) -> Result<Option<Pipeline>, CodecError> {
    let Some(shard) = &layout.shard else { return Ok(None) };
    let mut shape = grid(&layout.file_shape, &shard.chunk_shape);
    shape.push(2);
    Pipeline::new(&shard.index_codecs, &DType::U64, &json!(u64::MAX), &shape).map(Some)
}

impl Encoder {
    pub fn new(layout: Layout) -> Result<Self, CodecError> {
        let chunk = Pipeline::new(&layout.codecs, &layout.dtype, &layout.fill, layout.chunk_shape())?;
        let (fill, index) = (chunk.fill(), index_pipeline(&layout)?);
        Ok(Self { layout, chunk, fill, index })
    }

    /// Memory that a file takes at most while it is made.
    pub fn at_most_bytes(&self) -> u64 {
        let raw = self.chunk.raw_bytes() as u64;
        let chunks = match &self.layout.shard {
            Some(shard) => grid(&self.layout.file_shape, &shard.chunk_shape).iter().product(),
            None => 1,
        };
        // The elements of one chunk, and what they and the others of the file become.
        raw.saturating_add(raw.saturating_mul(chunks))
    }

    /// The file at place `at` of the grid. `data` are the array's rows from `first_row` on.
    ///
    /// # Errors
    /// [`CodecError`] when a codec refuses.
    pub fn file(&self, data: &NdArray, first_row: u64, at: &[u64]) -> Result<Bytes, CodecError> {
        let layout = &self.layout;
        let origin: Vec<u64> = at.iter().zip(&layout.file_shape).map(|(at, size)| at * size).collect();
        let (Some(shard), Some(index)) = (&layout.shard, &self.index) else {
            return self.chunk.encode(self.elements(data, first_row, &origin)?);
        };
        let chunks = grid(&layout.file_shape, &shard.chunk_shape);
        let index_bytes =
            index.fixed_bytes().ok_or_else(|| damaged("the index of shards has no fixed size".to_owned()))?;
        let mut content = Vec::new();
        if !shard.index_at_end {
            content.resize(index_bytes, 0);
        }
        let mut entries: Vec<u8> = Vec::new();
        for inner in places(&chunks) {
            let start: Vec<u64> = inner
                .iter()
                .zip(&shard.chunk_shape)
                .zip(&origin)
                .map(|((at, size), origin)| origin + at * size)
                .collect();
            let entry = if start.iter().zip(&layout.shape).any(|(start, size)| start >= size) {
                // Wholly beyond the array.
                [u64::MAX; 2]
            } else {
                let chunk = self.chunk.encode(self.elements(data, first_row, &start)?)?;
                let entry = [content.len() as u64, chunk.len() as u64];
                content.extend_from_slice(&chunk);
                entry
            };
            entries.extend(entry.iter().flat_map(|number| number.to_le_bytes()));
        }
        let index = index.encode(Cow::Owned(entries))?;
        if shard.index_at_end {
            content.extend_from_slice(&index);
        } else if let Some(head) = content.get_mut(..index.len()) {
            head.copy_from_slice(&index);
        }
        Ok(content.into())
    }

    /// The elements of the chunk that begins at `origin`, little-endian in row-major order.
    fn elements<'d>(
        &self,
        data: &'d NdArray,
        first_row: u64,
        origin: &[u64],
    ) -> Result<Cow<'d, [u8]>, CodecError> {
        let number = |value: u64| usize::try_from(value).map_err(|error| damaged(error.to_string()));
        let item_bytes = data.dtype().item_bytes();
        let (mut shape, mut first, mut taken) = (Vec::new(), Vec::new(), Vec::new());
        for (axis, (&origin, &size)) in origin.iter().zip(self.layout.chunk_shape()).enumerate() {
            let start = number(if axis == 0 { origin.saturating_sub(first_row) } else { origin })?;
            let size = number(size)?;
            let there = data.shape().get(axis).copied().unwrap_or_default();
            shape.push(size);
            first.push(start);
            taken.push(there.saturating_sub(start).min(size));
        }
        let strides =
            if data.order() == Order::F { strides_f(data.shape()) } else { strides_c(data.shape()) };
        let is_little = data.dtype().order == ByteOrder::Little;
        let first = first.iter().zip(&strides).map(|(at, stride)| at * stride).sum();
        let target_strides = strides_c(&shape);
        if is_little && taken == shape && strides == target_strides_of(data, &shape) {
            // The chunk stands in one piece.
            let (start, length) = (first * item_bytes, self.chunk.raw_bytes());
            if let Some(piece) = data.data().get(start..).and_then(|rest| rest.get(..length)) {
                return Ok(Cow::Borrowed(piece));
            }
        }
        let mut chunk = super::inflate::zeroed(self.chunk.raw_bytes())?;
        if taken != shape && self.fill.iter().any(|byte| *byte != 0) {
            fill_with(&mut chunk, &self.fill);
        }
        let (from, to) = (Place { first, strides }, Place { first: 0, strides: target_strides });
        copy_box(data.data(), &from, &mut chunk, &to, &taken, item_bytes);
        if !is_little {
            dtype::to_little(data.dtype(), &mut chunk);
        }
        Ok(Cow::Owned(chunk))
    }
}

/// The strides that an array must have for a chunk of it to be one piece: those of the chunk, where it spans every axis but the first.
fn target_strides_of(data: &NdArray, chunk: &[usize]) -> Vec<usize> {
    let mut strides = strides_c(chunk);
    if data.order() == Order::F && chunk.len() > 1 {
        // Never equal: column-major chunks are moved.
        strides.iter_mut().for_each(|stride| *stride = usize::MAX);
    }
    strides
}

/// All places of a grid, row by row.
pub(super) fn places(grid: &[u64]) -> impl Iterator<Item = Vec<u64>> + use<> {
    let grid = grid.to_vec();
    let count = grid.iter().fold(1u64, |all, &size| all.saturating_mul(size));
    (0..count).map(move |number| place(&grid, number))
}

/// The place with a number, counted row by row.
pub(super) fn place(grid: &[u64], number: u64) -> Vec<u64> {
    let mut rest = number;
    let mut at = vec![0; grid.len()];
    for (place, size) in at.iter_mut().zip(grid).rev() {
        *place = rest % (*size).max(1);
        rest /= (*size).max(1);
    }
    at
}
