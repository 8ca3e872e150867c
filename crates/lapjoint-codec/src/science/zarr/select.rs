//! Which chunks a selection touches, and which of their elements go where.

use crate::error::CodecError;
use crate::npy_ref::AxisSlice;

/// The elements selected along one axis.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Pick {
    /// Every `step`-th from `start` up to `stop`.
    Slice(AxisSlice),
    /// Those listed, ascending.
    List(Vec<usize>),
}

/// Elements of one chunk along one axis that go to neighbouring places.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Run {
    /// The first, counted from the start of the chunk.
    pub first: usize,
    pub step: usize,
    pub count: usize,
    /// Where the first one goes.
    pub target: usize,
}

/// What is selected of one chunk along one axis.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Part {
    /// Number of the chunk along the axis.
    pub chunk: u64,
    pub runs: Vec<Run>,
}

impl Part {
    /// Places that its elements take, from and to.
    pub fn target(&self) -> (usize, usize) {
        let first = self.runs.first().map_or(0, |run| run.target);
        (first, self.runs.last().map_or(first, |run| run.target + run.count))
    }

    /// Whether it is all of a chunk of this size, in order.
    pub fn is_whole(&self, chunk: usize) -> bool {
        matches!(self.runs.as_slice(), [Run { first: 0, step: 1, count, .. }] if *count == chunk)
    }
}

/// The parts of chunks of size `chunk` that a pick of an axis of size `size` touches, and how many elements it selects.
///
/// # Errors
/// [`CodecError::SliceOutOfBounds`] for what the axis does not have.
pub(super) fn parts(
    axis: usize,
    shape: &[usize],
    chunk: usize,
    pick: &Pick,
) -> Result<(usize, Vec<Part>), CodecError> {
    let size = shape.get(axis).copied().unwrap_or_default();
    let out_of_bounds =
        |start, stop, step| CodecError::SliceOutOfBounds { axis, start, stop, step, shape: shape.to_vec() };
    let mut parts: Vec<Part> = Vec::new();
    match pick {
        Pick::Slice(slice) => {
            let &AxisSlice { start, stop, step } = slice;
            if start > stop || stop > size || step == 0 {
                return Err(out_of_bounds(start, stop, step));
            }
            let count = slice.len_elements();
            let mut target = 0;
            while target < count {
                let at = start + target * step;
                let number = at / chunk;
                let end = (number + 1).saturating_mul(chunk).min(stop);
                let here = (end - at).div_ceil(step).min(count - target);
                let run = Run { first: at - number * chunk, step, count: here, target };
                parts.push(Part { chunk: number as u64, runs: vec![run] });
                target += here;
            }
            Ok((count, parts))
        }
        Pick::List(list) => {
            let mut before = None;
            for (target, &at) in list.iter().enumerate() {
                if at >= size || before.is_some_and(|before| at <= before) {
                    return Err(out_of_bounds(at, at.saturating_add(1), 1));
                }
                let number = (at / chunk) as u64;
                let first = at % chunk;
                let last = parts.last_mut().filter(|part| part.chunk == number);
                match last {
                    Some(part) => match part.runs.last_mut() {
                        Some(run) if run.first + run.count == first => run.count += 1,
                        _ => part.runs.push(Run { first, step: 1, count: 1, target }),
                    },
                    None => {
                        parts.push(Part {
                            chunk: number,
                            runs: vec![Run { first, step: 1, count: 1, target }],
                        });
                    }
                }
                before = Some(at);
            }
            Ok((list.len(), parts))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(pick: &Pick, size: usize, chunk: usize) -> Vec<usize> {
        let (count, parts) = parts(0, &[size], chunk, pick).unwrap();
        let mut found = vec![usize::MAX; count];
        for part in &parts {
            for run in &part.runs {
                for number in 0..run.count {
                    let at = run.first + number * run.step;
                    assert!(at < chunk);
                    found[run.target + number] = usize::try_from(part.chunk).unwrap() * chunk + at;
                }
            }
        }
        found
    }

    #[test]
    fn every_selection_gives_the_elements_of_indexing() {
        for (size, chunk) in [(1, 1), (10, 3), (10, 10), (10, 20), (17, 4)] {
            for start in 0..=size {
                for stop in start..=size {
                    for step in 1..6 {
                        let pick = Pick::Slice(AxisSlice { start, stop, step });
                        assert_eq!(all(&pick, size, chunk), (start..stop).step_by(step).collect::<Vec<_>>());
                        let list: Vec<usize> = (start..stop).step_by(step).collect();
                        assert_eq!(all(&Pick::List(list.clone()), size, chunk), list);
                    }
                }
            }
        }
    }

    #[test]
    fn what_the_axis_does_not_have_is_refused() {
        for pick in [
            Pick::Slice(AxisSlice { start: 0, stop: 6, step: 1 }),
            Pick::Slice(AxisSlice { start: 3, stop: 2, step: 1 }),
            Pick::Slice(AxisSlice { start: 0, stop: 5, step: 0 }),
            Pick::List(vec![5]),
            Pick::List(vec![2, 1]),
            Pick::List(vec![1, 1]),
        ] {
            assert!(matches!(parts(0, &[5], 2, &pick), Err(CodecError::SliceOutOfBounds { .. })), "{pick:?}");
        }
        assert!(Part { chunk: 0, runs: vec![Run { first: 0, step: 1, count: 4, target: 8 }] }.is_whole(4));
    }
}
