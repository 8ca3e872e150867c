//! Basic slices of an array as byte ranges of its file.

use std::ops::Range;

use lapjoint_types::Order;

use crate::error::CodecError;

/// `start..stop` of one axis in steps of `step` elements.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct AxisSlice {
    /// First index.
    pub start: usize,
    /// One past the last index. Not before `start`.
    pub stop: usize,
    /// Distance between indices; at least 1.
    pub step: usize,
}

impl AxisSlice {
    /// All of an axis of `size` elements.
    #[must_use]
    pub const fn all(size: usize) -> Self {
        Self { start: 0, stop: size, step: 1 }
    }

    /// Number of indices in the slice.
    #[must_use]
    pub fn len_elements(&self) -> usize {
        self.stop.saturating_sub(self.start).div_ceil(self.step.max(1))
    }
}

impl From<Range<usize>> for AxisSlice {
    fn from(range: Range<usize>) -> Self {
        Self { start: range.start, stop: range.end, step: 1 }
    }
}

/// Which bytes of an array's data make up a slice of it.
///
/// The bytes are `run_bytes` long pieces. Taken in order, they are the slice's elements in the order of the array:
/// a slice of a column-major array is column-major.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Plan {
    /// Shape of the slice.
    pub shape: Vec<usize>,
    /// Length of a run.
    pub run_bytes: u64,
    /// Where the first run begins, counted from the first byte of the array's data.
    first_byte: u64,
    /// Repetitions of the run, outermost first: how often, and how far apart in bytes.
    outer: Vec<(u64, u64)>,
}

impl Plan {
    /// The plan for `slices` of the leading axes of an array; the other axes are taken whole.
    pub fn new(
        shape: &[usize],
        item_bytes: usize,
        order: Order,
        slices: &[AxisSlice],
    ) -> Result<Self, CodecError> {
        let out_of_bounds = |axis: usize, slice: &AxisSlice| CodecError::SliceOutOfBounds {
            axis,
            start: slice.start,
            stop: slice.stop,
            step: slice.step,
            shape: shape.to_vec(),
        };
        let mut axes: Vec<(AxisSlice, usize)> =
            shape.iter().map(|&size| (AxisSlice::all(size), size)).collect();
        for (axis, slice) in slices.iter().enumerate() {
            match axes.get_mut(axis) {
                Some((chosen, size))
                    if slice.start <= slice.stop && slice.stop <= *size && slice.step > 0 =>
                {
                    *chosen = *slice;
                }
                _ => return Err(out_of_bounds(axis, slice)),
            }
        }
        let shape: Vec<usize> = axes.iter().map(|(slice, _)| slice.len_elements()).collect();
        if order == Order::F {
            axes.reverse();
        }
        let (mut first_byte, mut run_bytes) = (0u64, item_bytes as u64);
        let mut stride_bytes = item_bytes as u64;
        let mut outer = Vec::new();
        for (slice, size) in axes.iter().rev() {
            let count = slice.len_elements() as u64;
            // No overflow: a slice lies within the array, whose size in bytes the header was checked for.
            first_byte = first_byte.saturating_add(stride_bytes.saturating_mul(slice.start as u64));
            if run_bytes == stride_bytes && outer.is_empty() && (slice.step == 1 || count <= 1) {
                run_bytes = run_bytes.saturating_mul(count);
            } else if count != 1 {
                outer.push((count, stride_bytes.saturating_mul(slice.step as u64)));
            }
            stride_bytes = stride_bytes.saturating_mul(*size as u64);
        }
        outer.reverse();
        Ok(Self { shape, run_bytes, first_byte, outer })
    }

    /// Number of runs.
    pub fn len_runs(&self) -> u64 {
        self.outer.iter().fold(1, |product: u64, &(count, _)| product.saturating_mul(count))
    }

    /// Size of the slice in bytes.
    pub fn len_bytes(&self) -> u64 {
        self.run_bytes.saturating_mul(self.len_runs())
    }

    /// The runs as byte ranges of the array's data, ascending.
    pub fn runs(&self) -> Runs<'_> {
        Runs {
            plan: self,
            index: vec![0; self.outer.len()],
            next: (self.len_bytes() > 0).then_some(self.first_byte),
        }
    }
}

/// Iterator over the runs of a [`Plan`].
#[derive(Debug, Clone)]
pub(super) struct Runs<'a> {
    plan: &'a Plan,
    index: Vec<u64>,
    next: Option<u64>,
}

impl Runs<'_> {
    /// The next run, without going past it.
    fn peek(&self) -> Option<Range<u64>> {
        self.next.map(|start| start..start.saturating_add(self.plan.run_bytes))
    }
}

impl Iterator for Runs<'_> {
    type Item = Range<u64>;

    fn next(&mut self) -> Option<Range<u64>> {
        let run = self.peek()?;
        self.next = None;
        let mut position = run.start;
        for (index, &(count, stride_bytes)) in self.index.iter_mut().zip(&self.plan.outer).rev() {
            *index += 1;
            if *index < count {
                self.next = Some(position.saturating_add(stride_bytes));
                break;
            }
            position = position.saturating_sub(stride_bytes.saturating_mul(count - 1));
            *index = 0;
        }
        Some(run)
    }
}

/// The next ranges to read: neighbouring runs with at most `gap_bytes` between them in one range, until about
/// `limit_bytes` are covered. Advances `runs` past what the ranges cover and says how many runs that is.
pub(super) fn next_batch(runs: &mut Runs<'_>, gap_bytes: u64, limit_bytes: u64) -> (Vec<Range<u64>>, u64) {
    const LIMIT_RANGES: usize = 512;
    let mut ranges: Vec<Range<u64>> = Vec::new();
    let (mut covered_bytes, mut len_runs) = (0u64, 0u64);
    while let Some(run) = runs.peek() {
        let is_full = ranges.len() == LIMIT_RANGES;
        let last = ranges.last_mut().filter(|last| run.start <= last.end.saturating_add(gap_bytes));
        let more = run.end - last.as_ref().map_or(run.start, |last| last.end);
        // The first run is taken whatever its size, so that every batch gets further.
        if len_runs > 0 && covered_bytes.saturating_add(more) > limit_bytes {
            break;
        }
        match last {
            Some(last) => last.end = run.end,
            None if is_full => break,
            None => ranges.push(run),
        }
        covered_bytes = covered_bytes.saturating_add(more);
        len_runs += 1;
        runs.next();
    }
    (ranges, len_runs)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn plan(shape: &[usize], order: Order, slices: &[AxisSlice]) -> Plan {
        Plan::new(shape, 4, order, slices).unwrap()
    }

    /// Ranges as pairs: clippy takes a list of one range for a mistake.
    fn pairs(ranges: impl IntoIterator<Item = Range<u64>>) -> Vec<(u64, u64)> {
        ranges.into_iter().map(|range| (range.start, range.end)).collect()
    }

    fn batch(runs: &mut Runs<'_>, gap_bytes: u64, limit_bytes: u64) -> (Vec<(u64, u64)>, u64) {
        let (ranges, len_runs) = next_batch(runs, gap_bytes, limit_bytes);
        (pairs(ranges), len_runs)
    }

    #[test]
    fn rows_of_a_row_major_array_are_one_run() {
        let rows = plan(&[100, 3, 2], Order::C, &[(10..20).into()]);
        assert_eq!(pairs(rows.runs()), [(240, 480)]);
        assert_eq!(rows.shape, [10, 3, 2]);
    }

    #[test]
    fn rows_of_a_column_major_array_are_one_run_a_column() {
        let rows = plan(&[100, 3], Order::F, &[(10..20).into()]);
        assert_eq!(pairs(rows.runs()), [(40, 80), (440, 480), (840, 880)]);
        assert_eq!(batch(&mut rows.runs(), 359, 1000), (vec![(40, 80), (440, 480), (840, 880)], 3));
        assert_eq!(batch(&mut rows.runs(), 360, 1000), (vec![(40, 880)], 3));
        let mut runs = rows.runs();
        assert_eq!(batch(&mut runs, 0, 90), (vec![(40, 80), (440, 480)], 2));
        assert_eq!(batch(&mut runs, 0, 90), (vec![(840, 880)], 1));
        assert_eq!(batch(&mut runs, 0, 90), (vec![], 0));
        // A run beyond the limit is a batch of its own.
        assert_eq!(batch(&mut rows.runs(), 0, 1), (vec![(40, 80)], 1));
    }

    #[test]
    fn empty_slices_and_scalars() {
        assert_eq!(plan(&[5], Order::C, &[(2..2).into()]).runs().count(), 0);
        assert_eq!(pairs(plan(&[], Order::C, &[]).runs()), [(0, 4)]);
        assert_eq!(plan(&[0, 3], Order::C, &[]).runs().count(), 0);
    }

    #[test]
    fn a_slice_beyond_the_array_is_refused() {
        for slice in [
            AxisSlice { start: 0, stop: 6, step: 1 },
            AxisSlice { start: 4, stop: 3, step: 1 },
            AxisSlice { start: 0, stop: 5, step: 0 },
        ] {
            let error = Plan::new(&[5, 2], 8, Order::C, &[slice]).unwrap_err().to_string();
            assert!(error.contains("axis 0") && error.contains("[5, 2]"), "{error}");
        }
        assert!(Plan::new(&[5], 8, Order::C, &[(0..1).into(), (0..1).into()]).is_err());
    }

    proptest! {
        #[test]
        fn runs_are_the_elements_that_indexing_gives(
            axes in prop::collection::vec((1usize..6, 0usize..6, 0usize..6, 1usize..4), 0..4),
            fortran: bool,
            gap in 0u64..64,
            limit in 1u64..200,
        ) {
            let shape: Vec<usize> = axes.iter().map(|axis| axis.0).collect();
            let slices: Vec<AxisSlice> = axes.iter().map(|&(size, a, b, step)| {
                let (a, b) = (a.min(size), b.min(size));
                AxisSlice { start: a.min(b), stop: a.max(b), step }
            }).collect();
            let order = if fortran { Order::F } else { Order::C };
            let plan = Plan::new(&shape, 4, order, &slices).unwrap();
            // Every element of the slice by its multi-index, in the array's order.
            let mut axes: Vec<(usize, AxisSlice)> = shape.iter().copied().zip(slices).collect();
            if fortran { axes.reverse(); }
            let mut expected = vec![0u64];
            for (size, slice) in axes {
                let indices: Vec<usize> = (slice.start..slice.stop).step_by(slice.step).collect();
                expected = expected.iter()
                    .flat_map(|&base| indices.iter().map(move |&i| base * size as u64 + i as u64))
                    .collect();
            }
            let actual: Vec<u64> = plan.runs().flat_map(|run| run.start / 4..run.end / 4).collect();
            prop_assert_eq!(&actual, &expected);
            prop_assert_eq!(plan.len_bytes(), expected.len() as u64 * 4);
            // Batches cover every run, in order and without a gap wider than allowed.
            let (mut ahead, mut behind) = (plan.runs(), plan.runs());
            loop {
                let (ranges, count) = next_batch(&mut ahead, gap, limit);
                if count == 0 { break; }
                for run in behind.by_ref().take(usize::try_from(count).unwrap()) {
                    prop_assert!(ranges.iter().any(|range| range.start <= run.start && run.end <= range.end));
                }
            }
            prop_assert_eq!(behind.next(), None);
        }
    }
}
