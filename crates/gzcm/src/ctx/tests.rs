use proptest::prelude::*;

use super::*;

/// A matrix that looks like one of contacts: counts fall with the distance from the diagonal, rows and columns differ, noise.
fn contacts(rows: usize, cols: usize, offset: usize) -> Vec<u32> {
    let mut state = 12345u32;
    let mut noise = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        u64::from(state >> 16)
    };
    let bins = |bin: usize| [5u64, 7, 0, 6, 9, 3, 8][bin % 7];
    let mut values = Vec::new();
    for row in 0..rows {
        for col in 0..cols {
            let distance = (col + offset).abs_diff(row) as u64;
            let expected = 3000 * bins(row) * bins(col + offset) / (20 * (distance + 3));
            values.push(u32::try_from((expected * (30_000 + noise()) / 60_000) >> 4).unwrap());
        }
    }
    values
}

fn back(values: &[u32], rows: usize, cols: usize) -> usize {
    let payload = encode(values, rows, cols).unwrap();
    assert!(decode(&payload, rows, cols).unwrap() == values, "({rows}, {cols})");
    payload.len()
}

#[test]
fn tiles_come_back_and_are_small() {
    assert_eq!(back(&[0; 65536], 256, 256), 1);
    assert!(back(&contacts(100, 90, 300), 100, 90) < 6000);
    for (rows, cols) in [(1, 1), (1, 50), (50, 1), (2, 2), (3, 7), (64, 64)] {
        back(&contacts(rows, cols, 0), rows, cols);
        back(&vec![u32::MAX; rows * cols], rows, cols);
        back(&(0..rows * cols).map(|i| 1 << (i % 32)).collect::<Vec<_>>(), rows, cols);
    }
}

#[test]
fn half_tiles_cost_half() {
    let full = contacts(80, 80, 0);
    let half = |symmetric: bool| -> Vec<u32> {
        let cell = |i: usize| (i / 80, i % 80);
        let mirror = |i: usize| if symmetric { full[i % 80 * 80 + i / 80] } else { 0 };
        (0..6400).map(|i| if cell(i).0 <= cell(i).1 { full[i] } else { mirror(i) }).collect()
    };
    let (upper, symmetric) = (back(&half(false), 80, 80), back(&half(true), 80, 80));
    assert_eq!(upper, symmetric);
    assert!(upper * 10 < back(&full, 80, 80) * 6);
}

#[test]
fn empty_rows_and_columns_cost_little() {
    let mut values = contacts(200, 200, 500);
    let whole = back(&values, 200, 200);
    for (i, value) in values.iter_mut().enumerate() {
        if i / 200 >= 100 || i % 200 < 50 {
            *value = 0;
        }
    }
    assert!(back(&values, 200, 200) < whole * 45 / 100);
}

#[test]
fn shapes_are_checked() {
    encode(&[1, 2], 1, 3).unwrap_err();
    encode(&[], 0, 3).unwrap_err();
    decode(&[0], 1, MAX_TILE_SIDE + 1).unwrap_err();
    let payload = encode(&contacts(9, 9, 0), 9, 9).unwrap();
    decode(&payload, 9, 8).unwrap_err();
    for (kind, byte) in [(0u8, 0u8), (4, 0), (8, 0), (255, 0)] {
        decode(&[kind, byte, 7], 9, 9).unwrap_err();
    }
}

#[test]
fn every_truncation_is_found_and_no_flip_does_harm() {
    let values = contacts(13, 13, 3);
    let payload = encode(&values, 13, 13).unwrap();
    for end in 0..payload.len() {
        decode(&payload[..end], 13, 13).unwrap_err();
    }
    for bit in 0..payload.len() * 8 {
        let mut flipped = payload.clone();
        flipped[bit / 8] ^= 1 << (bit % 8);
        if let Ok(other) = decode(&flipped, 13, 13) {
            assert_eq!(other.len(), 169);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn any_tile_comes_back(
        rows in 1usize..40,
        cols in 1usize..40,
        cells in proptest::collection::vec((any::<u16>(), any::<u32>(), 0u32..33), 0..400),
    ) {
        let mut values = vec![0; rows * cols];
        for (place, value, shift) in cells {
            values[usize::from(place) % (rows * cols)] = value.checked_shr(shift).unwrap_or(0);
        }
        let payload = encode(&values, rows, cols).unwrap();
        prop_assert_eq!(decode(&payload, rows, cols).unwrap(), values);
    }

    #[test]
    fn random_payloads_do_no_harm(mut payload in proptest::collection::vec(any::<u8>(), 2..200), kind in 1u8..8, side in 1usize..60) {
        payload[0] = kind;
        payload[1] = payload.len().to_le_bytes()[0];
        if let Ok(values) = decode(&payload, side, side) {
            prop_assert_eq!(values.len(), side * side);
        }
    }
}
