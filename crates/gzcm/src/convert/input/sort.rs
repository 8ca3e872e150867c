//! Putting contacts in order within bounded memory: sorted runs, in memory or in one temporary file, merged.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::io::{Read, Seek, SeekFrom, Write};
use std::sync::{Arc, Mutex, PoisonError};

use crate::convert::pixel::Pixel;
use crate::error::{Error, Result};

/// The bytes of a contact in a temporary file: row and column as `u32`, count as `f64`, little-endian.
const RECORD_BYTES: usize = 16;
/// How many contacts of a spilled run are read at once.
const READ_AHEAD: usize = 1 << 12;

/// A temporary file that runs are appended to, gone when the last of its users is.
#[derive(Debug)]
pub(crate) struct Spill {
    file: Mutex<std::fs::File>,
}

/// Where a run lies in a [`Spill`].
#[derive(Debug, Clone, Copy)]
pub(crate) struct SpilledRun {
    offset: u64,
    len: u64,
}

impl Spill {
    pub(crate) fn new() -> Result<Arc<Self>> {
        Ok(Arc::new(Self { file: Mutex::new(tempfile::tempfile()?) }))
    }

    pub(crate) fn append(&self, pixels: &[Pixel]) -> Result<SpilledRun> {
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        let offset = file.seek(SeekFrom::End(0))?;
        let mut buffer = Vec::with_capacity(READ_AHEAD.min(pixels.len()) * RECORD_BYTES);
        for part in pixels.chunks(READ_AHEAD) {
            buffer.clear();
            for pixel in part {
                buffer.extend_from_slice(&pixel.bin1.to_le_bytes());
                buffer.extend_from_slice(&pixel.bin2.to_le_bytes());
                buffer.extend_from_slice(&pixel.count.to_le_bytes());
            }
            file.write_all(&buffer)?;
        }
        Ok(SpilledRun { offset, len: pixels.len() as u64 })
    }

    fn read(&self, run: SpilledRun) -> Result<(Vec<Pixel>, SpilledRun)> {
        let len = run.len.min(READ_AHEAD as u64);
        let size_bytes = len * RECORD_BYTES as u64;
        let mut bytes = Vec::new();
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        file.seek(SeekFrom::Start(run.offset))?;
        (&mut *file).take(size_bytes).read_to_end(&mut bytes)?;
        if bytes.len() as u64 != size_bytes {
            return Err(Error::corrupt("sorting", "the temporary file was cut short"));
        }
        let word = |record: &[u8], at: usize| {
            u32::from_le_bytes([record[at], record[at + 1], record[at + 2], record[at + 3]])
        };
        let pixels = bytes.chunks_exact(RECORD_BYTES).map(|record| {
            let bits = u64::from(word(record, 8)) | u64::from(word(record, 12)) << 32;
            Pixel { bin1: word(record, 0), bin2: word(record, 4), count: f64::from_bits(bits) }
        });
        Ok((pixels.collect(), SpilledRun { offset: run.offset + size_bytes, len: run.len - len }))
    }
}

/// One sorted run and how far it has been read.
struct Run {
    pixels: Arc<Vec<Pixel>>,
    at: usize,
    rest: Option<(Arc<Spill>, SpilledRun)>,
}

impl Run {
    /// Loads what comes next of a spilled run; whether there is anything left.
    fn refill(&mut self) -> Result<bool> {
        if self.at < self.pixels.len() {
            return Ok(true);
        }
        let Some((spill, rest)) = &mut self.rest else { return Ok(false) };
        if rest.len == 0 {
            return Ok(false);
        }
        let (pixels, after) = spill.read(*rest)?;
        (self.pixels, self.at, *rest) = (Arc::new(pixels), 0, after);
        Ok(true)
    }
}

/// The row, the column and the run of a contact that is next of its run.
type Head = Reverse<((u32, u32), usize)>;

/// Merges sorted runs; more runs may be added while the merge is under way, if they begin after what was taken.
#[derive(Default)]
pub(crate) struct Merge {
    runs: Vec<Option<Run>>,
    heads: BinaryHeap<Head>,
    taken: Option<(u32, u32)>,
    held: usize,
}

impl Merge {
    /// Adds a run held in memory. `pixels` must be sorted.
    pub(crate) fn add(&mut self, pixels: Arc<Vec<Pixel>>) -> Result<()> {
        self.held += pixels.len();
        self.add_run(Run { pixels, at: 0, rest: None })
    }

    /// Adds a run of a temporary file.
    pub(crate) fn add_spilled(&mut self, spill: Arc<Spill>, run: SpilledRun) -> Result<()> {
        self.add_run(Run { pixels: Arc::default(), at: 0, rest: Some((spill, run)) })
    }

    fn add_run(&mut self, mut run: Run) -> Result<()> {
        if run.refill()? {
            let key = run.pixels[run.at].key();
            if self.taken.is_some_and(|taken| key <= taken) {
                let reason = format!("contacts of row {} come after later rows", key.0);
                return Err(Error::corrupt("sorting", reason));
            }
            self.heads.push(Reverse((key, self.runs.len())));
            self.runs.push(Some(run));
        }
        Ok(())
    }

    /// How many contacts lie in memory, those already taken of unfinished runs included.
    pub(crate) const fn held(&self) -> usize {
        self.held
    }

    /// Moves everything that is left to a temporary file, as one run; nothing else may write to it meanwhile.
    pub(crate) fn spill(&mut self, spill: &Arc<Spill>) -> Result<()> {
        let taken = self.taken;
        let mut rest = std::mem::take(self);
        rest.taken = taken;
        let (mut whole, mut batch) = (SpilledRun { offset: 0, len: 0 }, Vec::with_capacity(READ_AHEAD));
        loop {
            batch.clear();
            rest.take_below(None, READ_AHEAD, &mut batch)?;
            if batch.is_empty() {
                break;
            }
            let part = spill.append(&batch)?;
            let offset = if whole.len == 0 { part.offset } else { whole.offset };
            whole = SpilledRun { offset, len: whole.len + part.len };
        }
        self.taken = taken;
        self.add_spilled(Arc::clone(spill), whole)
    }

    /// Appends to `out` up to `max` contacts of rows below `limit` (all rows without one), in order.
    ///
    /// Fails on a contact that appears twice.
    pub(crate) fn take_below(&mut self, limit: Option<u32>, max: usize, out: &mut Vec<Pixel>) -> Result<()> {
        let below = |key: (u32, u32)| limit.is_none_or(|limit| key.0 < limit);
        let full = out.len() + max;
        while out.len() < full {
            let Some(&Reverse((key, index))) = self.heads.peek() else { break };
            if !below(key) {
                break;
            }
            self.heads.pop();
            let other = self.heads.peek().map(|head| head.0.0);
            let Some(run) = self.runs[index].as_mut() else { break };
            // As long as this run stays ahead of all others, it is taken without asking the heap.
            loop {
                let pixel = run.pixels[run.at];
                let key = pixel.key();
                if !below(key) || other.is_some_and(|other| other < key) || out.len() == full {
                    self.heads.push(Reverse((key, index)));
                    break;
                }
                if self.taken.is_some_and(|taken| key <= taken) {
                    let reason = format!(
                        "the contact of bins {} and {} appears twice; of a square matrix only one half is to be given",
                        key.0, key.1
                    );
                    return Err(Error::corrupt("sorting", reason));
                }
                self.taken = Some(key);
                out.push(pixel);
                run.at += 1;
                if run.at == run.pixels.len() {
                    if run.rest.is_none() {
                        self.held -= run.pixels.len();
                    }
                    if !run.refill()? {
                        self.runs[index] = None;
                        break;
                    }
                }
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pixel(bin1: u32, bin2: u32) -> Pixel {
        Pixel { bin1, bin2, count: f64::from(bin1 * 100 + bin2) + 0.5 }
    }

    #[test]
    fn runs_in_memory_and_on_disk_merge_in_order() {
        let all: Vec<Pixel> = (0..90).flat_map(|i| (i..100).map(move |j| pixel(i, j))).collect();
        let mut merge = Merge::default();
        let spill = Spill::new().unwrap();
        for part in 0..5 {
            let run: Vec<Pixel> = all.iter().skip(part).step_by(5).copied().collect();
            if part % 2 == 0 {
                merge.add(Arc::new(run)).unwrap();
            } else {
                let run = spill.append(&run).unwrap();
                merge.add_spilled(Arc::clone(&spill), run).unwrap();
            }
        }
        let mut out = Vec::new();
        merge.take_below(Some(7), usize::MAX - 1, &mut out).unwrap();
        assert!(out.iter().all(|pixel| pixel.bin1 < 7) && out.len() == (94..=100).sum::<usize>());
        merge.spill(&spill).unwrap();
        assert_eq!(merge.held(), 0);
        while {
            let before = out.len();
            merge.take_below(None, 333, &mut out).unwrap();
            out.len() > before
        } {}
        assert_eq!(out, all);
    }

    #[test]
    fn a_contact_that_appears_twice_is_refused() {
        let mut merge = Merge::default();
        merge.add(Arc::new(vec![pixel(1, 2)])).unwrap();
        merge.add(Arc::new(vec![pixel(0, 2), pixel(1, 2)])).unwrap();
        let error = merge.take_below(None, 10, &mut Vec::new()).unwrap_err().to_string();
        assert!(error.contains("bins 1 and 2 appears twice"), "{error}");
    }
}
