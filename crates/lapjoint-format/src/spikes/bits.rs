//! Steps as classes and the bits below them.

/// Classes; higher numbers stand for no step of 64 bits.
const CLASSES: u8 = 252;

/// Lower bits that a step of a class has.
const fn width_bits(class: u8) -> u8 {
    if class < 8 { 0 } else { (class - 8) / 4 + 1 }
}

/// Smallest step of a class.
const fn base(class: u8) -> u64 {
    if class < 8 { class as u64 } else { (4 + (class as u64 - 8) % 4) << width_bits(class) }
}

/// Smallest step and number of lower bits of each class.
const TABLE: [(u64, u8); CLASSES as usize] = {
    let mut table = [(0, 0); CLASSES as usize];
    let mut class = 0;
    while class < CLASSES {
        table[class as usize] = (base(class), width_bits(class));
        class += 1;
    }
    table
};

fn class(step: u64) -> u8 {
    if step < 8 {
        return step.to_le_bytes()[0];
    }
    let below = step.ilog2() - 2;
    // Below 252, since the leading one of a step is at most its 63rd bit.
    let class = 8 + 4 * u64::from(below - 1) + ((step >> below) & 3);
    class.to_le_bytes()[0]
}

/// Classes of the steps, and their lower bits one after the other.
pub(super) fn split(steps: &[u64]) -> (Vec<u8>, Vec<u8>) {
    let classes: Vec<u8> = steps.iter().map(|&step| class(step)).collect();
    let mut rest = Vec::with_capacity(steps.len() * 2);
    let (mut held, mut held_bits) = (0u128, 0u32);
    for (&step, &class) in steps.iter().zip(&classes) {
        let Some(&(base, width)) = TABLE.get(usize::from(class)) else { continue };
        held |= u128::from(step - base) << held_bits;
        held_bits += u32::from(width);
        while held_bits >= 8 {
            rest.push(held.to_le_bytes()[0]);
            held >>= 8;
            held_bits -= 8;
        }
    }
    if held_bits > 0 {
        rest.push(held.to_le_bytes()[0]);
    }
    (classes, rest)
}

/// Bytes that the lower bits of steps of these classes take; the first class that there is not, as an error.
pub(super) fn rest_bytes(classes: &[u8]) -> Result<u64, u8> {
    let mut counts = [0u64; 256];
    for &class in classes {
        counts[usize::from(class)] += 1;
    }
    let mut bits = 0u64;
    for (class, count) in (0u8..=255).zip(counts) {
        match TABLE.get(usize::from(class)) {
            Some(&(_, width)) => bits = bits.saturating_add(count.saturating_mul(u64::from(width))),
            None if count > 0 => return Err(class),
            None => {}
        }
    }
    Ok(bits.div_ceil(8))
}

/// Calls `each` with the steps, in order. `rest` has the bytes that [`rest_bytes`] says.
pub(super) fn join(classes: &[u8], rest: &[u8], mut each: impl FnMut(u64)) {
    // Behind the last byte, so that eight bytes can be read from every place.
    let mut padded = Vec::with_capacity(rest.len() + 16);
    padded.extend_from_slice(rest);
    padded.extend([0; 16]);
    let mut at_bits = 0usize;
    for &class in classes {
        let Some(&(base, width)) = TABLE.get(usize::from(class)) else { continue };
        let Some((low, behind)) = padded.get(at_bits / 8..).and_then(<[u8]>::split_first_chunk::<8>) else {
            return;
        };
        let shift = at_bits % 8;
        let mut bits = u64::from_le_bytes(*low) >> shift;
        if width > 56 && shift > 0 {
            bits |= u64::from(behind.first().copied().unwrap_or_default()) << (64 - shift);
        }
        each(base + (bits & ((1 << width) - 1)));
        at_bits += usize::from(width);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_of_every_size_come_back() {
        let mut steps: Vec<u64> =
            (0..64).flat_map(|bit| [1u64 << bit, (1 << bit) - 1, (1 << bit) | 1, u64::MAX >> bit]).collect();
        steps.extend(0..1000);
        let (classes, rest) = split(&steps);
        assert_eq!(rest_bytes(&classes), Ok(rest.len() as u64));
        let mut back = Vec::new();
        join(&classes, &rest, |step| back.push(step));
        assert_eq!(back, steps);
        assert_eq!(rest_bytes(&[3, 252]), Err(252));
    }
}
