//! Reading a selection: the chunks that it touches, many at once, straight to their places.

use std::sync::{Mutex, PoisonError};

use lapjoint_store::{Store, at_once};
use lapjoint_types::NdArray;
use lapjoint_types::Order;

use super::copy::{Place, copy_box, fill_with, strides_c};
use super::damaged;
use super::files::Files;
use super::memory::Memory;
use super::select::{Part, Pick, Run, parts};
use crate::error::CodecError;

/// Memory for chunks that are read at once.
const AT_ONCE_BYTES: usize = 512 << 20;

/// Chunks of a shard up to this size together are read by one request, where they are neighbours.
const REQUEST_BYTES: usize = 1 << 20;

/// Chunks that are read by one thread one after another: a range of the last axis' parts.
struct Job {
    at: Vec<usize>,
    last: std::ops::Range<usize>,
}

/// The elements that `picks` of the leading axes select; other axes are taken whole.
pub(super) fn read(files: &Files, store: &Store, picks: &[Pick]) -> Result<NdArray, CodecError> {
    let layout = &files.layout;
    let number = |value: &u64| usize::try_from(*value).map_err(|error| damaged(error.to_string()));
    let shape: Vec<usize> = layout.shape.iter().map(number).collect::<Result<_, _>>()?;
    let chunk: Vec<usize> = layout.chunk_shape().iter().map(number).collect::<Result<_, _>>()?;
    if picks.len() > shape.len() {
        let (axis, start, stop, step) = (shape.len(), 0, 0, 1);
        return Err(CodecError::SliceOutOfBounds { axis, start, stop, step, shape });
    }
    let (mut out_shape, mut axes) = (Vec::new(), Vec::new());
    for (axis, (&size, &chunk)) in shape.iter().zip(&chunk).enumerate() {
        let whole = Pick::Slice((0..size).into());
        let (count, parts) = parts(axis, &shape, chunk, picks.get(axis).unwrap_or(&whole))?;
        out_shape.push(count);
        axes.push(parts);
    }
    let item_bytes = layout.dtype.item_bytes();
    let bytes = lapjoint_types::array::checked_bytes(&out_shape, item_bytes)
        .ok_or_else(|| damaged(format!("no memory could hold {out_shape:?} elements")))?;
    let mut out = Memory::zeroed(bytes)?;
    if bytes > 0 {
        let (out_shape, target) = (&out_shape, out.as_mut());
        Reader { files, store, chunk, axes, out_shape, item_bytes }.run(target)?;
    }
    NdArray::new(layout.dtype.clone(), out_shape, Order::C, out.into())
        .map_err(|error| damaged(error.to_string()))
}

struct Reader<'a> {
    files: &'a Files,
    store: &'a Store,
    /// Shape of a chunk.
    chunk: Vec<usize>,
    /// What is touched along each axis.
    axes: Vec<Vec<Part>>,
    out_shape: &'a [usize],
    item_bytes: usize,
}

impl Reader<'_> {
    fn run(&self, out: &mut [u8]) -> Result<(), CodecError> {
        // Chunks of different rows write to different memory; those of the same rows wait for each other while they copy.
        let row_bytes = self.out_shape.iter().skip(1).product::<usize>() * self.item_bytes;
        let mut bands = Vec::new();
        let mut rest = out;
        for part in self.axes.first().map_or(&[][..], Vec::as_slice) {
            let (first, end) = part.target();
            let (band, others) = rest.split_at_mut((end - first) * row_bytes);
            bands.push(Mutex::new(band));
            rest = others;
        }
        if self.axes.is_empty() {
            bands.push(Mutex::new(rest));
        }
        let in_memory = self.files.chunk.raw_bytes().saturating_mul(2).max(1);
        let threads = if self.store.is_distant() {
            self.store.parallelism()
        } else {
            std::thread::available_parallelism().map_or(1, usize::from).saturating_mul(2)
        };
        let threads = threads.clamp(1, (AT_ONCE_BYTES / in_memory).max(2));
        at_once(self.jobs(), threads, |job| self.one(&job, &bands))?;
        Ok(())
    }

    /// Groups of the last axis' parts that one request may read.
    fn groups(&self) -> Vec<std::ops::Range<usize>> {
        let Some(last) = self.axes.last() else { return std::iter::once(0..1).collect() };
        let Some(shard) = &self.files.layout.shard else {
            return (0..last.len()).map(|at| at..at + 1).collect();
        };
        let axis = self.axes.len() - 1;
        let in_shard = self.files.layout.file_shape[axis] / shard.chunk_shape[axis].max(1);
        let most = (REQUEST_BYTES / self.files.chunk.raw_bytes().max(1)).clamp(1, 256);
        let mut groups: Vec<std::ops::Range<usize>> = Vec::new();
        for (at, part) in last.iter().enumerate() {
            let of_shard = part.chunk / in_shard.max(1);
            match groups.last_mut() {
                Some(group)
                    if group.len() < most
                        && last
                            .get(group.start)
                            .is_some_and(|first| first.chunk / in_shard.max(1) == of_shard) =>
                {
                    group.end = at + 1;
                }
                _ => groups.push(at..at + 1),
            }
        }
        groups
    }

    fn jobs(&self) -> impl Iterator<Item = Job> + Send + use<> {
        let groups = self.groups();
        let sizes: Vec<usize> =
            self.axes.iter().take(self.axes.len().saturating_sub(1)).map(Vec::len).collect();
        let count = sizes.iter().product::<usize>() * groups.len();
        (0..count).map(move |number| {
            let mut rest = number / groups.len();
            let mut at = vec![0; sizes.len()];
            for (place, size) in at.iter_mut().zip(&sizes).rev() {
                *place = rest % size;
                rest /= size;
            }
            Job { at, last: groups[number % groups.len()].clone() }
        })
    }

    fn one(&self, job: &Job, bands: &[Mutex<&mut [u8]>]) -> Result<(), CodecError> {
        // The parts of each chunk of the job, axis by axis.
        let mut touched: Vec<Vec<&Part>> = Vec::new();
        for last in job.last.clone() {
            let at = job.at.iter().copied().chain((!self.axes.is_empty()).then_some(last));
            touched.push(self.axes.iter().zip(at).filter_map(|(parts, at)| parts.get(at)).collect());
        }
        let layout = &self.files.layout;
        let Some(shard) = &layout.shard else {
            for parts in &touched {
                let at: Vec<u64> = parts.iter().map(|part| part.chunk).collect();
                let name = layout.key(&at);
                let stored = self.files.get(&name)?;
                self.put(job, parts, stored.as_deref(), bands)
                    .map_err(|error| self.files.named(&name, error))?;
            }
            return Ok(());
        };
        let in_shard: Vec<u64> = layout
            .file_shape
            .iter()
            .zip(&shard.chunk_shape)
            .map(|(file, chunk)| file / (*chunk).max(1))
            .collect();
        let split = |parts: &[&Part], part_of: fn(u64, u64) -> u64| -> Vec<u64> {
            parts.iter().zip(&in_shard).map(|(part, size)| part_of(part.chunk, (*size).max(1))).collect()
        };
        let Some(first) = touched.first() else { return Ok(()) };
        let name = layout.key(&split(first, |chunk, size| chunk / size));
        let places: Vec<Vec<u64>> =
            touched.iter().map(|parts| split(parts, |chunk, size| chunk % size)).collect();
        let stored = self.files.chunks_of(&name, &places)?;
        for (parts, stored) in touched.iter().zip(stored) {
            self.put(job, parts, stored.as_deref(), bands).map_err(|error| self.files.named(&name, error))?;
        }
        Ok(())
    }

    /// Decodes a chunk and copies what is selected of it to its place.
    fn put(
        &self,
        job: &Job,
        parts: &[&Part],
        stored: Option<&[u8]>,
        bands: &[Mutex<&mut [u8]>],
    ) -> Result<(), CodecError> {
        let row = if self.axes.len() > 1 { job.at.first().copied() } else { None };
        // With one axis, the parts themselves are the bands.
        let row = row.or_else(|| {
            let first = parts.first()?;
            self.axes.first()?.iter().position(|part| part.chunk == first.chunk)
        });
        let Some(band) = bands.get(row.unwrap_or_default()) else { return Ok(()) };
        let lock = || band.lock().unwrap_or_else(PoisonError::into_inner);
        let is_whole = parts.iter().zip(&self.chunk).all(|(part, chunk)| part.is_whole(*chunk))
            && self.axes.iter().skip(1).all(|parts| parts.len() == 1);
        let decoded = match stored {
            Some(stored) if is_whole => return self.files.chunk.decode_into(stored, &mut lock()),
            Some(stored) => Some(self.files.chunk.decode(stored)?),
            None if self.files.fill.iter().all(|byte| *byte == 0) => return Ok(()),
            None => None,
        };
        let one_chunk;
        let (elements, strides) = match &decoded {
            Some(decoded) => (decoded.as_slice(), strides_c(&self.chunk)),
            None => {
                // One element, again and again.
                let mut element = vec![0; self.item_bytes];
                fill_with(&mut element, &self.files.fill);
                one_chunk = element;
                (one_chunk.as_slice(), vec![0; self.chunk.len()])
            }
        };
        let mut target = lock();
        self.copy(parts, elements, &strides, &mut target);
        Ok(())
    }

    /// Copies the runs of all axes, each combination of them.
    fn copy(&self, parts: &[&Part], elements: &[u8], strides: &[usize], target: &mut [u8]) {
        let target_strides = strides_c(self.out_shape);
        let first_row = parts.first().map_or(0, |part| part.target().0);
        let mut chosen = vec![0usize; parts.len()];
        loop {
            let runs: Vec<Run> =
                parts.iter().zip(&chosen).filter_map(|(part, at)| part.runs.get(*at).copied()).collect();
            let sum = |values: &mut dyn Iterator<Item = usize>| values.sum::<usize>();
            let from = Place {
                first: sum(&mut runs.iter().zip(strides).map(|(run, stride)| run.first * stride)),
                strides: runs.iter().zip(strides).map(|(run, stride)| run.step * stride).collect(),
            };
            let at_row = |axis: usize, run: &Run| if axis == 0 { run.target - first_row } else { run.target };
            let to = Place {
                first: sum(&mut runs
                    .iter()
                    .enumerate()
                    .zip(&target_strides)
                    .map(|((axis, run), stride)| at_row(axis, run) * stride)),
                strides: target_strides.clone(),
            };
            let shape: Vec<usize> = runs.iter().map(|run| run.count).collect();
            copy_box(elements, &from, target, &to, &shape, self.item_bytes);
            let mut axis = parts.len();
            loop {
                if axis == 0 {
                    return;
                }
                axis -= 1;
                chosen[axis] += 1;
                if chosen[axis] < parts[axis].runs.len() {
                    break;
                }
                chosen[axis] = 0;
            }
        }
    }
}
