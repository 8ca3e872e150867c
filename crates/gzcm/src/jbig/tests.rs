use super::*;
use proptest::prelude::*;

const ALL: Limits = Limits { bitmap_bytes: 1 << 24 };

/// Pixels with the runs and repeats that images have, of a simple generator.
fn picture(rows: usize, cols: usize, seed: u64) -> Bitmap {
    let mut state = seed | 1;
    let mut bytes = vec![0; rows * cols.div_ceil(8)];
    for byte in &mut bytes {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let [.., low, mid, high] = state.to_be_bytes();
        *byte = if high % 3 == 0 { low } else { low & mid & high };
    }
    Bitmap::new(rows, cols, bytes).unwrap()
}

#[test]
fn shapes_are_checked() {
    for (rows, cols, bytes) in [(0, 1, 0), (1, 0, 0), (1, 9, 1), (usize::MAX, usize::MAX, 1)] {
        Bitmap::new(rows, cols, vec![0; bytes]).unwrap_err();
    }
    assert_eq!(Bitmap::new(2, 9, vec![0xff; 4]).unwrap().bytes(), [0xff, 0x80, 0xff, 0x80]);
}

#[test]
fn stripes_carry_over() {
    let bitmap = picture(300, 67, 5);
    for rows_per_stripe in [1, 7, 128, 300, u32::MAX] {
        let bytes = encode_striped(&bitmap, rows_per_stripe);
        assert_eq!(decode(&bytes, &ALL).unwrap(), bitmap, "{rows_per_stripe}");
    }
}

#[test]
fn scans_have_what_one_stripe_has() {
    let bitmap = picture(40, 21, 9);
    let mut scan = ScanEncoder::new(21);
    bitmap.bytes().chunks(3).for_each(|row| scan.push_row(row));
    let data = scan.end_stripe();
    let entity = encode_striped(&bitmap, u32::MAX);
    assert_eq!(unstuffed(&entity[20..entity.len() - 2]), data);
    let mut scan = ScanDecoder::new(21, &data);
    assert!(bitmap.bytes().chunks(3).all(|row| scan.next_row() == row));
}

#[test]
fn more_than_allowed_is_refused_before_it_is_made() {
    let mut bytes = encode(&picture(8, 8, 1));
    assert!(matches!(decode(&bytes, &Limits { bitmap_bytes: 7 }), Err(Error::Corrupt { .. })));
    bytes[4..12].fill(0xff);
    assert!(matches!(decode(&bytes, &ALL), Err(Error::Corrupt { .. })));
}

#[test]
fn every_truncation_is_an_error() {
    let bytes = encode(&picture(200, 33, 3));
    for length in 0..bytes.len() {
        // A cut between two stripes lacks the second.
        assert!(matches!(decode(&bytes[..length], &ALL), Err(Error::Corrupt { .. })), "{length}");
    }
    let longer = [&bytes[..], &[0]].concat();
    decode(&longer, &ALL).unwrap_err();
}

#[test]
fn bit_flips_are_errors_or_other_pixels() {
    let bitmap = picture(150, 33, 4);
    let bytes = encode(&bitmap);
    let mut refused = 0;
    for bit in 0..bytes.len() * 8 {
        let mut flipped = bytes.clone();
        flipped[bit / 8] ^= 1 << (bit % 8);
        match decode(&flipped, &Limits { bitmap_bytes: 1 << 16 }) {
            Ok(other) => assert!(other.bytes().len() <= 1 << 16),
            Err(Error::Corrupt { .. } | Error::Unsupported { .. }) => refused += 1,
            Err(other) => panic!("{other}"),
        }
    }
    assert!(refused > 100, "{refused}");
}

#[test]
fn markers_before_a_stripe_are_read() {
    let bitmap = picture(20, 9, 8);
    let bytes = encode(&bitmap);
    let with = |options: u8, marker: &[u8]| {
        let mut changed = [&bytes[..20], marker, &bytes[20..]].concat();
        changed[19] = options;
        decode(&changed, &ALL)
    };
    assert_eq!(with(0, &[0xff, 7, 0, 0, 0, 3, 1, 2, 3]).unwrap(), bitmap);
    assert_eq!(with(0, &[0xff, 6, 0, 0, 0, 0, 0, 0]).unwrap(), bitmap);
    // Moved in a row that the stripe does not have: without effect.
    assert_eq!(with(0, &[0xff, 6, 0, 0, 0, 99, 8, 0]).unwrap(), bitmap);
    assert_ne!(with(0, &[0xff, 6, 0, 0, 0, 0, 8, 0]).unwrap(), bitmap);
    let shorter = with(0x20, &[0xff, 5, 0, 0, 0, 15]).unwrap();
    assert_eq!((shorter.rows(), shorter.bytes()), (15, &bitmap.bytes()[..30]));
    for (options, marker) in [
        (0, &[0xff, 5, 0, 0, 0, 15][..]),
        (0x20, &[0xff, 5, 0, 0, 0, 21]),
        (0x20, &[0xff, 5, 0, 0, 0, 0]),
        (0, &[0xff, 4]),
        (0, &[0xff, 7, 0xff, 0xff, 0xff, 0xff]),
        (0, &[0xff, 6, 0, 0, 0, 0, 2, 0]),
        (0, &[0xff, 6, 0, 0, 0, 0, 128, 0]),
        (0, &[0xff, 6, 0, 0, 0, 0, 8, 1]),
        (0, &[0xff, 1]),
        (0x02, &[]),
        (0x80, &[]),
    ] {
        with(options, marker).unwrap_err();
    }
}

proptest! {
    #[test]
    fn images_come_back(rows in 1_usize..80, cols in 1_usize..80, seed: u64, rows_per_stripe in 1_u32..90) {
        let bitmap = picture(rows, cols, seed);
        prop_assert_eq!(decode(&encode_striped(&bitmap, rows_per_stripe), &ALL).unwrap(), bitmap);
    }

    #[test]
    fn random_bytes_do_no_harm(bytes: Vec<u8>, rows: u8, cols: u8, options: u8) {
        drop(decode(&bytes, &ALL));
        let mut entity = Vec::new();
        Header::new(u32::from(rows), u32::from(cols), 128).write(&mut entity);
        entity[19] = options;
        entity.extend(bytes);
        drop(decode(&entity, &ALL));
        entity.extend([ESCAPE, SDNORM]);
        drop(decode(&entity, &ALL));
    }
}
