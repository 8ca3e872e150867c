//! The Burrows-Wheeler transform in libbsc's form: the last column of the sorted suffixes of the data and an end mark below all bytes,
//! without the mark; the primary index is the mark's row. Secondary indexes are the rows (less one) of the suffixes that begin at the
//! multiples of a power of two, from where the inverse can start as well.

use crate::error::{Error, Result};

const WHAT: &str = "bsc block";

/// How many parts of the data the inverse writes side by side.
const LANES: usize = 8;

/// What the transform gives.
pub(super) struct Transformed {
    pub(super) bytes: Vec<u8>,
    /// 1 to the number of bytes.
    pub(super) primary: usize,
    pub(super) secondary: Vec<usize>,
}

/// How far the suffixes of secondary indexes are apart.
const fn stride(bytes: usize) -> usize {
    // The greatest power of two that is at most an eighth.
    match (bytes / 8).checked_ilog2() {
        Some(log) => 1 << log,
        None => 1,
    }
}

/// How many secondary indexes data of this size have.
const fn secondary_count(bytes: usize) -> usize {
    bytes.saturating_sub(1) / stride(bytes)
}

/// Transforms data that are not empty.
pub(super) fn forward(data: &[u8]) -> Transformed {
    let n = data.len();
    let suffixes = suffix_array(data);
    let stride = stride(n);
    let mut secondary = vec![0; secondary_count(n)];
    let mut bytes = Vec::with_capacity(n);
    bytes.extend(data.last());
    let mut primary = 0;
    for (row, &suffix) in suffixes.iter().enumerate() {
        let suffix = usize::try_from(suffix).unwrap_or(0);
        match suffix.checked_sub(1) {
            Some(before) => bytes.push(data[before]),
            None => primary = row + 1,
        }
        if suffix % stride == 0 && suffix > 0 {
            secondary[suffix / stride - 1] = row;
        }
    }
    Transformed { bytes, primary, secondary }
}

/// By divsufsort (Yuta Mori's algorithm): safe Rust throughout. libsais-rs is 1.5 times as fast here, but it is a translation of C with
/// its pointers left in, which its authors call experimental.
fn suffix_array(data: &[u8]) -> Vec<i32> {
    let mut suffixes = vec![0; data.len()];
    divsufsort::sort_in_place(data, &mut suffixes);
    suffixes
}

/// The data of a transform. Secondary indexes that do not fit the size are left aside, as libbsc does.
pub(super) fn inverse(column: &[u8], primary: usize, secondary: &[usize]) -> Result<Vec<u8>> {
    let n = column.len();
    if primary == 0 || primary > n {
        return Err(Error::corrupt(WHAT, format!("primary index {primary} of {n} bytes")));
    }
    if secondary.iter().any(|row| *row >= n) {
        return Err(Error::corrupt(WHAT, "a secondary index beyond the data"));
    }
    let mut starts = vec![primary];
    let mut part_bytes = n;
    if secondary.len() == secondary_count(n) && !secondary.is_empty() {
        part_bytes = stride(n);
        starts.extend(secondary.iter().map(|row| row + 1));
    }
    let mut out = vec![0; n];
    if n < 1 << 24 {
        let links = links_packed(column, primary);
        follow_packed(&links, &starts, part_bytes, &mut out);
    } else {
        backwards_wide(column, primary, &mut out);
    }
    Ok(out)
}

/// The first row of each byte value.
fn first_rows(column: &[u8]) -> [u32; 256] {
    let mut rows = [0u32; 256];
    for &value in column {
        rows[usize::from(value)] += 1;
    }
    let mut next = 1;
    for row in &mut rows {
        next += std::mem::replace(row, next);
    }
    rows
}

/// For each row its suffix's first byte (low 8 bits) and the row of the suffix after it.
fn links_packed(column: &[u8], primary: usize) -> Vec<u32> {
    let mut rows = first_rows(column);
    let mut links = vec![0; column.len() + 1];
    let (before, after) = column.split_at(primary);
    let numbered = (0u32..).zip(before).chain((1 + u32::try_from(primary).unwrap_or(0)..).zip(after));
    for (row, &value) in numbered {
        let place = &mut rows[usize::from(value)];
        links[*place as usize] = row << 8 | u32::from(value);
        *place += 1;
    }
    links
}

/// Writes the parts of the data side by side: each step of one waits for memory, so that several together hide the wait.
fn follow_packed(links: &[u32], starts: &[usize], part_bytes: usize, out: &mut [u8]) {
    let mut parts: Vec<&mut [u8]> = out.chunks_mut(part_bytes).collect();
    for (parts, starts) in parts.chunks_mut(LANES).zip(starts.chunks(LANES)) {
        let mut rows = [0usize; LANES];
        rows[..starts.len()].copy_from_slice(starts);
        let mut common = 0;
        if let Ok(lanes) = <&mut [&mut [u8]; LANES]>::try_from(&mut *parts) {
            // Only the last part of all may be shorter.
            common = lanes.iter().map(|lane| lane.len()).min().unwrap_or(0);
            for at in 0..common {
                for (lane, row) in lanes.iter_mut().zip(&mut rows) {
                    let link = links[*row];
                    lane[at] = link.to_le_bytes()[0];
                    *row = (link >> 8) as usize;
                }
            }
        }
        for (part, row) in parts.iter_mut().zip(rows) {
            let mut row = row;
            for byte in &mut part[common..] {
                let link = links[row];
                *byte = link.to_le_bytes()[0];
                row = (link >> 8) as usize;
            }
        }
    }
}

/// For data whose rows leave no room for a byte beside them in 32 bits: goes backwards, from the row of the end mark.
fn backwards_wide(column: &[u8], primary: usize, out: &mut [u8]) {
    let mut next = first_rows(column);
    let mut before = Vec::with_capacity(column.len());
    for &value in column {
        let row = &mut next[usize::from(value)];
        before.push(*row);
        *row += 1;
    }
    let mut row = 0;
    for byte in out.iter_mut().rev() {
        // The column has no entry for the end mark's row.
        let at = if row > primary { row - 1 } else { row };
        let at = at.min(column.len() - 1);
        *byte = column[at];
        row = before[at] as usize;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn back(data: &[u8]) {
        let transformed = forward(data);
        let column = &transformed.bytes;
        assert_eq!(inverse(column, transformed.primary, &transformed.secondary).unwrap(), data);
        assert_eq!(inverse(column, transformed.primary, &[]).unwrap(), data);
        let mut wide = vec![0; data.len()];
        backwards_wide(column, transformed.primary, &mut wide);
        assert_eq!(wide, data);
    }

    #[test]
    fn banana() {
        // The rows: $banana a$banan ana$ban anana$b banana$ na$bana nana$ba; without the mark: annbaa, the mark in row 4.
        let transformed = forward(b"banana");
        assert_eq!((transformed.bytes.as_slice(), transformed.primary), (&b"annbaa"[..], 4));
        back(b"banana");
    }

    #[test]
    fn every_size_comes_back() {
        for n in 1..200usize {
            back(&vec![7; n]);
            back(&(0..n).map(|i| u8::try_from(i * i % 11).unwrap()).collect::<Vec<_>>());
        }
    }

    #[test]
    fn wrong_indexes_are_refused_or_harmless() {
        let column = forward(b"mississippi mississippi").bytes;
        inverse(&column, 0, &[]).unwrap_err();
        inverse(&column, column.len() + 1, &[]).unwrap_err();
        inverse(&column, 1, &[column.len()]).unwrap_err();
        for primary in 1..=column.len() {
            assert_eq!(inverse(&column, primary, &[3; 11]).unwrap().len(), column.len());
            backwards_wide(&column, primary, &mut vec![0; column.len()]);
        }
    }
}
