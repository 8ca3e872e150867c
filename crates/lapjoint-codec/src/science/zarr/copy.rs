//! Copying boxes of elements between arrays of any layout.

/// Distance in elements between neighbours along each axis of a row-major array.
pub(super) fn strides_c(shape: &[usize]) -> Vec<usize> {
    let mut strides = vec![1usize; shape.len()];
    for axis in (1..shape.len()).rev() {
        strides[axis - 1] = strides[axis].saturating_mul(shape[axis]);
    }
    strides
}

/// The same of a column-major array.
pub(super) fn strides_f(shape: &[usize]) -> Vec<usize> {
    let mut strides = vec![1usize; shape.len()];
    for axis in 1..shape.len() {
        strides[axis] = strides[axis - 1].saturating_mul(shape[axis - 1]);
    }
    strides
}

/// Where the elements of a box stand in an array: its first element, and by axis the distance to the next, both in elements.
#[derive(Debug, Clone)]
pub(super) struct Place {
    pub first: usize,
    pub strides: Vec<usize>,
}

/// Copies the elements of a box of `shape`. What does not lie within the arrays is left out.
pub(super) fn copy_box(
    source: &[u8],
    from: &Place,
    target: &mut [u8],
    to: &Place,
    shape: &[usize],
    item_bytes: usize,
) {
    if shape.contains(&0) {
        return;
    }
    // The longest end of the axes that is one run in both.
    let mut run = 1usize;
    let mut outer = shape.len();
    while outer > 0
        && (shape[outer - 1] == 1 || (from.strides[outer - 1] == run && to.strides[outer - 1] == run))
    {
        run *= shape[outer - 1];
        outer -= 1;
    }
    let (shape, run_bytes) = (&shape[..outer], run * item_bytes);
    let mut index = vec![0usize; outer];
    let (mut at_source, mut at_target) = (from.first, to.first);
    loop {
        if let (Some(source), Some(target)) = (
            source.get(at_source * item_bytes..).and_then(|rest| rest.get(..run_bytes)),
            target.get_mut(at_target * item_bytes..).and_then(|rest| rest.get_mut(..run_bytes)),
        ) {
            copy_run(source, target);
        }
        let mut axis = outer;
        loop {
            if axis == 0 {
                return;
            }
            axis -= 1;
            index[axis] += 1;
            at_source += from.strides[axis];
            at_target += to.strides[axis];
            if index[axis] < shape[axis] {
                break;
            }
            at_source -= from.strides[axis] * shape[axis];
            at_target -= to.strides[axis] * shape[axis];
            index[axis] = 0;
        }
    }
}

/// One element is the common run where orders differ, and not worth a call.
fn copy_run(source: &[u8], target: &mut [u8]) {
    match (<&[u8; 8]>::try_from(source), <&mut [u8; 8]>::try_from(&mut *target)) {
        (Ok(source), Ok(target)) => *target = *source,
        _ => match (<&[u8; 4]>::try_from(source), <&mut [u8; 4]>::try_from(&mut *target)) {
            (Ok(source), Ok(target)) => *target = *source,
            _ => match (<&[u8; 2]>::try_from(source), <&mut [u8; 2]>::try_from(&mut *target)) {
                (Ok(source), Ok(target)) => *target = *source,
                _ => target.copy_from_slice(source),
            },
        },
    }
}

/// Fills memory with one element, again and again.
pub(super) fn fill_with(target: &mut [u8], element: &[u8]) {
    if element.iter().all(|byte| *byte == 0) {
        target.fill(0);
    } else if !element.is_empty() {
        target.chunks_exact_mut(element.len()).for_each(|item| item.copy_from_slice(element));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn boxes_move_between_orders() {
        let shape = [4, 3, 2];
        let source: Vec<u8> = (0..24).collect();
        for item_bytes in [1, 2] {
            let source: Vec<u8> = source.iter().flat_map(|&value| vec![value; item_bytes]).collect();
            let from = Place { first: 6, strides: strides_c(&shape) };
            let to = Place { first: 0, strides: strides_f(&[2, 3, 2]) };
            let mut target = vec![0; 12 * item_bytes];
            copy_box(&source, &from, &mut target, &to, &[2, 3, 2], item_bytes);
            let items: Vec<u8> = target.iter().step_by(item_bytes).copied().collect();
            assert_eq!(items, [6, 12, 8, 14, 10, 16, 7, 13, 9, 15, 11, 17]);
        }
    }

    #[test]
    fn steps_leave_elements_out() {
        let source: Vec<u8> = (0..10).collect();
        let (from, to) = (Place { first: 1, strides: vec![3] }, Place { first: 0, strides: vec![1] });
        let mut target = [0; 3];
        copy_box(&source, &from, &mut target, &to, &[3], 1);
        assert_eq!(target, [1, 4, 7]);
        copy_box(&source, &from, &mut target, &to, &[0], 1);
        let scalar = Place { first: 9, strides: vec![] };
        copy_box(&source, &scalar, &mut target, &Place { first: 2, strides: vec![] }, &[], 1);
        assert_eq!(target, [1, 4, 9]);
        fill_with(&mut target, &[7]);
        assert_eq!(target, [7, 7, 7]);
    }
}
