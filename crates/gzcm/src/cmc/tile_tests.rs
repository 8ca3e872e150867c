use super::*;
use proptest::prelude::*;

/// Stores the bits.
struct Store;

impl BitsCoder for Store {
    fn number(&self) -> u8 {
        3
    }
    fn encode(&self, bits: &[u8]) -> Result<Vec<u8>> {
        Ok(bits.to_vec())
    }
    fn decode(&self, coded: &[u8], _: usize) -> Result<Vec<u8>> {
        Ok(coded.to_vec())
    }
}

/// Encodes, decodes and compares by both kinds of coder; gives the payload of JBIG1.
fn round_trip(values: &[u32], rows: usize, cols: usize) -> Vec<u8> {
    let payload = encode_tile(values, rows, cols).unwrap();
    assert!(decode_tile(&payload, rows, cols).unwrap() == values, "({rows}, {cols})");
    let stored = encode_tile_with(values, rows, cols, &Store).unwrap();
    assert!(decode_tile_with(&stored, rows, cols, &Store).unwrap() == values, "({rows}, {cols}) stored");
    decode_tile(&stored, rows, cols).unwrap_err();
    payload
}

/// Counts that fall with the distance to the diagonal, of a simple generator; `gaps` empties rows and columns.
fn map(rows: usize, cols: usize, seed: u32, gaps: bool) -> Vec<u32> {
    let mut state = seed | 1;
    let cell = |at: usize| {
        let (row, col) = (at / cols, at % cols);
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let most = 400 / (1 + row.abs_diff(col)) + 2;
        let value = (state >> 8) % u32::try_from(most).unwrap();
        if gaps && (row % 7 == 3 || col % 7 == 3) { 0 } else { value }
    };
    let mut cell = cell;
    (0..rows * cols).map(&mut cell).collect()
}

#[test]
fn tiles_of_every_kind_come_back() {
    for (rows, cols) in [(1, 1), (1, 9), (9, 1), (2, 2), (6, 7), (7, 6), (8, 8), (40, 40), (65, 33)] {
        for fill in [0, 1, 7, u32::MAX] {
            round_trip(&vec![fill; rows * cols], rows, cols);
        }
        for gaps in [false, true] {
            let mut values = map(rows, cols, 77, gaps);
            round_trip(&values, rows, cols);
            if rows == cols {
                mirror(&mut values, rows);
                let mirrored = round_trip(&values, rows, cols);
                assert!(rows == 1 || mirrored[0] & 0x20 != 0);
                for (at, value) in values.iter_mut().enumerate() {
                    if at % cols < at / cols {
                        *value = 0;
                    }
                }
                assert_eq!(round_trip(&values, rows, cols)[0] & 0x27, 1);
            }
        }
    }
}

#[test]
fn payloads_are_as_documented() {
    assert_eq!(encode_tile(&[0; 12], 3, 4).unwrap(), [0x07]);
    // 0 5 / 0 0: the upper triangle 0 0 / 5 0 makes rows of bits 100; 010, 000, 110.
    let stored = encode_tile_with(&[0, 5, 0, 0], 2, 2, &Store).unwrap();
    assert_eq!(stored, [0xc1, 4, 0b1000_0000, 0b0100_0000, 0b0000_0000, 0b1100_0000]);
    // Masks: a filled tile with one empty row and two empty columns.
    let values: Vec<u32> = (0..64 * 64).map(|at| u32::from(at / 64 != 2 && at % 64 > 1)).collect();
    let payload = round_trip(&values, 64, 64);
    assert_eq!(payload[0], 0b0001_1000);
    // Of rows: runs of 8 bits (01), the first of ones (1), two of them (32 bits), 2 and 1 long. Of columns: 01, 0, one, 2 long.
    assert_eq!(payload[1..8], [0b0110_0000, 0, 0, 0, 0b0100_0000, 0b0100_0000, 0b0010_0000]);
    assert_eq!(payload[8..14], [0b0100_0000, 0, 0, 0, 0b0010_0000, 0b0100_0000]);
    assert_eq!(usize::from(payload[14]), payload.len() - 15);
}

#[test]
fn shapes_are_checked() {
    encode_tile(&[1], 1, 2).unwrap_err();
    encode_tile(&[], 0, 0).unwrap_err();
    decode_tile(&[7], 0, 1).unwrap_err();
    decode_tile(&[7], usize::MAX, usize::MAX).unwrap_err();
    // An upper triangle of what is no square; a mask that keeps nothing; bytes behind zeros; no bytes.
    for payload in [&[1, 1, 1][..], &[8, 0, 1, 1], &[7, 0], &[]] {
        assert!(matches!(decode_tile(payload, 2, 3), Err(Error::Corrupt { .. })), "{payload:?}");
    }
}

#[test]
fn truncations_are_errors_and_bit_flips_do_no_harm() {
    let tiles = [(map(33, 33, 5, true), 33, 33), (map(20, 31, 6, false), 20, 31), (vec![u32::MAX; 12], 3, 4)];
    for (values, rows, cols) in tiles {
        let payload = encode_tile(&values, rows, cols).unwrap();
        let stored = encode_tile_with(&values, rows, cols, &Store).unwrap();
        for end in 0..payload.len() {
            decode_tile(&payload[..end], rows, cols).unwrap_err();
        }
        for end in 0..stored.len() {
            decode_tile_with(&stored[..end], rows, cols, &Store).unwrap_err();
        }
        decode_tile(&[&payload[..], &[1]].concat(), rows, cols).unwrap_err();
        decode_tile_with(&[&stored[..], &[1]].concat(), rows, cols, &Store).unwrap_err();
        for bit in 0..payload.len() * 8 {
            let mut flipped = payload.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            if let Ok(other) = decode_tile(&flipped, rows, cols) {
                assert_eq!(other.len(), rows * cols);
            }
        }
    }
}

proptest! {
    #[test]
    fn maps_come_back(rows in 1_usize..70, cols in 1_usize..70, seed: u32, gaps: bool, square: bool) {
        let cols = if square { rows } else { cols };
        round_trip(&map(rows, cols, seed, gaps), rows, cols);
    }

    #[test]
    fn random_bytes_do_no_harm(bytes: Vec<u8>, rows in 1_usize..40, cols in 1_usize..40) {
        drop(decode_tile(&bytes, rows, cols));
        drop(decode_tile_with(&bytes, rows, cols, &Store));
    }
}
