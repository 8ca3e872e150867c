//! Slices, from memory or from the object.

use std::ops::Range;

use bytes::{Bytes, BytesMut};
use lapjoint_types::{DType, NdArray, Order};

use super::slice::{AxisSlice, Plan, next_batch};
use super::{NAME, NpyRef};
use crate::error::CodecError;

/// Ranges closer than this are read as one: a request costs more than the bytes between them.
const GAP_BYTES: u64 = 64 * 1024;

/// How much is read at a time when a slice is scattered, which bounds the memory beyond the result.
const BATCH_BYTES: u64 = 32 * 1024 * 1024;

/// A slice of an array in memory; shares its memory where the slice is one run.
pub(super) fn slice_of_array(array: &NdArray, slices: &[AxisSlice]) -> Result<NdArray, CodecError> {
    let plan = Plan::new(array.shape(), array.dtype().item_bytes(), array.order(), slices)?;
    let data = if plan.len_runs() == 1 {
        let run = plan.runs().next().unwrap_or_default();
        array.data().slice_ref(piece(array.data(), &run, 0))
    } else {
        let mut data = BytesMut::with_capacity(usize::try_from(plan.len_bytes()).unwrap_or_default());
        plan.runs().for_each(|run| data.extend_from_slice(piece(array.data(), &run, 0)));
        data.freeze()
    };
    array_of(array.dtype().clone(), plan.shape, array.order(), data)
}

/// A slice of an array that is not in memory.
pub(super) fn slice_of_object(array: &NpyRef, slices: &[AxisSlice]) -> Result<NdArray, CodecError> {
    let header = array.header()?;
    let plan = Plan::new(&header.shape, header.dtype.item_bytes(), header.order, slices)?;
    let store = array.store();
    let mut ahead = plan.runs();
    let mut behind = plan.runs();
    let data_start = header.data_start_bytes as u64;
    let mut data = BytesMut::new();
    loop {
        let (ranges, mut len_runs) = next_batch(&mut ahead, GAP_BYTES, BATCH_BYTES);
        if len_runs == 0 {
            break;
        }
        let in_file: Vec<_> =
            ranges.iter().map(|range| range.start + data_start..range.end + data_start).collect();
        let read = store.get_ranges(array.path(), &in_file)?;
        if let ([only], 1, 1) = (read.as_slice(), len_runs, plan.len_runs()) {
            return array_of(header.dtype, plan.shape, header.order, only.clone());
        }
        // Only now is it certain that the object has what its header promises; memory follows what was read.
        let mut parts = ranges.iter().zip(&read);
        let mut part = parts.next();
        while len_runs > 0 {
            let (Some(run), Some((range, bytes))) = (behind.next(), part) else { break };
            if run.start >= range.end {
                part = parts.next();
                if let Some((range, bytes)) = part {
                    data.extend_from_slice(piece(bytes, &run, range.start));
                }
            } else {
                data.extend_from_slice(piece(bytes, &run, range.start));
            }
            len_runs -= 1;
        }
    }
    array_of(header.dtype, plan.shape, header.order, data.freeze())
}

/// The bytes of `run` in `bytes`, which begin at `start`; fewer if there are not that many.
fn piece<'a>(bytes: &'a [u8], run: &Range<u64>, start: u64) -> &'a [u8] {
    let index = |position: u64| usize::try_from(position.saturating_sub(start)).unwrap_or(usize::MAX);
    bytes.get(index(run.start)..index(run.end)).unwrap_or_default()
}

fn array_of(dtype: DType, shape: Vec<usize>, order: Order, data: Bytes) -> Result<NdArray, CodecError> {
    NdArray::new(dtype, shape, order, data).map_err(|error| CodecError::stored(NAME, error.to_string()))
}
