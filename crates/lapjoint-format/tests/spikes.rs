//! Spike trains come back bit for bit, and damage is told.
#![cfg(feature = "spikes")]
#![expect(clippy::cast_possible_truncation, reason = "made-up times are rounded to the type under test")]
#![expect(clippy::unwrap_used, reason = "what fails in a helper of a test fails the test")]

use lapjoint_format::spikes::{self, DecodeOptions, SpikesError};
use lapjoint_types::{ByteOrder, DType, Element, Kind, NdArray, Order};
use proptest::prelude::*;

/// Uniform numbers below one, the same on every machine.
fn noise(seed: u64) -> impl FnMut() -> f64 {
    let mut state = seed;
    move || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 11) as f64 / (1u64 << 53) as f64
    }
}

/// Sample numbers of a Poisson train: mean interval in samples.
fn poisson(count: usize, mean: f64, seed: u64) -> Vec<f64> {
    let mut next = noise(seed);
    let mut tick = 0.0;
    let each = |_| {
        tick += (-(1.0 - next()).ln() * mean).ceil();
        tick
    };
    (0..count).map(each).collect()
}

fn round_trip(array: &NdArray) -> usize {
    let packed = spikes::encode(array).unwrap();
    assert_eq!(&spikes::decode(&packed).unwrap(), array);
    assert_eq!(spikes::head(&packed).unwrap().count, array.len_elements() as u64);
    packed.len()
}

fn times(values: Vec<f64>) -> NdArray {
    NdArray::from_vec(values)
}

#[test]
fn times_on_a_grid_are_stored_as_sample_numbers() {
    let ticks = poisson(10_000, 3000.0, 1);
    for rate in
        [30_000.0, 20_000.0, 24_414.062_5, 25_000.0, 29_999.954_846, 30_000.123_456_789, 12_345.6, 1e6 / 3.0]
    {
        for array in [
            times(ticks.iter().map(|tick| tick / rate).collect()),
            times(ticks.iter().map(|tick| tick * (1.0 / rate)).collect()),
        ] {
            let packed = spikes::encode(&array).unwrap();
            let head = spikes::head(&packed).unwrap();
            assert!(head.is_exact, "{rate}: {head:?}");
            // A Poisson train of this rate has 13.0 bits of entropy a spike.
            let bits = (round_trip(&array) * 8) as f64 / 10_000.0;
            assert!(bits < 13.1, "{rate}: {bits} bits a spike");
        }
    }
}

#[test]
fn grids_that_begin_anywhere_are_found() {
    let ticks = poisson(5000, 1000.0, 2);
    for offset in [0.1, 1_234.567_890_123, -17.3, 1e-7] {
        let array = times(ticks.iter().map(|tick| tick / 30_000.0 + offset).collect());
        let packed = spikes::encode(&array).unwrap();
        assert!(spikes::head(&packed).unwrap().rate.is_some(), "{offset}");
        let bits = (round_trip(&array) * 8) as f64 / 5000.0;
        assert!(bits < 14.5, "{offset}: {bits} bits a spike");
    }
}

#[test]
fn times_on_no_grid_come_back_all_the_same() {
    let mut next = noise(3);
    let mut time = 0.0;
    let values: Vec<f64> = (0..5000)
        .map(|_| {
            time += next() * 0.1;
            time
        })
        .collect();
    let array = times(values.clone());
    let packed = spikes::encode(&array).unwrap();
    assert_eq!(spikes::head(&packed).unwrap().rate, None);
    assert!(round_trip(&array) < 5000 * 6);
    let strange = [
        f64::NAN,
        f64::INFINITY,
        f64::NEG_INFINITY,
        -0.0,
        f64::from_bits(0x7ff8_dead_beef_0001),
        f64::MIN_POSITIVE / 2.0,
    ];
    round_trip(&times(values.iter().copied().take(50).chain(strange).collect()));
    round_trip(&times(strange.to_vec()));
    round_trip(&times(vec![-0.0, 1.0 / 30_000.0, 2.0]));
    for single in strange {
        round_trip(&times(vec![single]));
    }
}

#[test]
fn order_and_repeats_are_kept() {
    let mut ticks = poisson(2000, 500.0, 4);
    ticks.swap(3, 1000);
    ticks.dedup();
    ticks.extend([5.0, 5.0, 5.0, 0.0]);
    round_trip(&times(ticks.iter().map(|tick| tick / 30_000.0).collect()));
    let samples: Vec<i64> = vec![5, 3, 3, -9, i64::MAX, i64::MIN, 0, i64::MIN, 1];
    round_trip(&NdArray::from_vec(samples));
    round_trip(&NdArray::from_vec(vec![u64::MAX, 0, u64::MAX, 1 << 63]));
    round_trip(&NdArray::from_vec(vec![0u64, 1 << 63, u64::MAX]));
}

#[test]
fn every_type_and_no_spike_at_all() {
    fn each<T: Element>(values: Vec<T>) {
        for count in [0, 1, 2, 3, values.len()] {
            round_trip(&NdArray::from_vec(values[..count.min(values.len())].to_vec()));
        }
    }
    each::<f64>(vec![0.1, 0.25, 0.5, 7.0]);
    each::<f32>(vec![0.1, 0.25, -0.5, f32::NAN, 7.0]);
    each::<i8>(vec![-128, 0, 127, 5]);
    each::<i16>(vec![-32768, 0, 32767]);
    each::<i32>(vec![30_000, 60_000, 90_001]);
    each::<i64>(vec![1, 2, 1 << 60]);
    each::<u8>(vec![0, 255, 3]);
    each::<u16>(vec![0, 65_535, 3]);
    each::<u32>(vec![0, u32::MAX, 3]);
    each::<u64>(vec![0, u64::MAX, 3]);
}

#[test]
fn single_precision_and_whole_units() {
    let ticks = poisson(5000, 300.0, 5);
    let array = NdArray::from_vec(ticks.iter().map(|tick| (tick / 30_000.0) as f32).collect());
    assert!(round_trip(&array) < 5000 * 2);
    // Microseconds of a clock of 10 kHz are multiples of 100.
    let micros: Vec<i64> = ticks.iter().map(|tick| *tick as i64 * 100 + 7).collect();
    let samples: Vec<i64> = ticks.iter().map(|tick| *tick as i64).collect();
    let (a, b) = (round_trip(&NdArray::from_vec(micros)), round_trip(&NdArray::from_vec(samples)));
    assert!(a < b + 8, "{a} bytes of microseconds, {b} of samples");
    // A train as regular as a clock takes next to nothing.
    let regular = times((0..100_000).map(|tick| f64::from(tick) * 25.0 / 30_000.0).collect());
    assert!(round_trip(&regular) < 200);
}

#[test]
fn big_endian_elements_come_back_little_endian() {
    let values = [0.5f64, 0.75, 8.0];
    let bytes: Vec<u8> = values.iter().flat_map(|value| value.to_be_bytes()).collect();
    let dtype = DType { kind: Kind::Float(8), order: ByteOrder::Big };
    let array = NdArray::new(dtype, vec![3], Order::C, bytes.into()).unwrap();
    assert_eq!(spikes::decode(&spikes::encode(&array).unwrap()).unwrap(), times(values.to_vec()));
}

#[test]
fn other_arrays_are_refused() {
    let square = NdArray::from_shape_vec(vec![2, 2], vec![0.0; 4]).unwrap();
    assert!(matches!(spikes::encode(&square), Err(SpikesError::Shape { .. })));
    assert!(matches!(spikes::encode(&NdArray::scalar(1.0)), Err(SpikesError::Shape { .. })));
    let complex = NdArray::new(DType::C64, vec![1], Order::C, vec![0; 8].into()).unwrap();
    let error = spikes::encode(&complex).unwrap_err().to_string();
    assert_eq!(
        error,
        "a spike train has floats of 4 or 8 bytes or integers, got complex64; convert it with .astype('float64')"
    );
}

/// Damaged bytes with a checksum that fits: what is behind the checksum has to find it.
fn resealed(mut bytes: Vec<u8>) -> Vec<u8> {
    let end = bytes.len().saturating_sub(4);
    let checksum = crc32c::crc32c(&bytes[..end]).to_le_bytes();
    bytes[end..].copy_from_slice(&checksum);
    bytes
}

#[test]
fn damage_is_told() {
    let array = times(poisson(200, 100.0, 6).iter().map(|tick| tick / 30_000.0 + 0.01).collect());
    let packed = spikes::encode(&array).unwrap().to_vec();
    for length in 0..packed.len() {
        assert!(spikes::decode(&packed[..length]).is_err(), "{length} bytes");
    }
    for at in 0..packed.len() {
        let mut bytes = packed.clone();
        bytes[at] ^= 0x41;
        assert!(spikes::decode(&bytes).is_err(), "byte {at}");
        // With a checksum that fits it may be another train, but never a panic.
        if let Ok(other) = spikes::decode(&resealed(bytes)) {
            assert_eq!(other.ndim(), 1);
        }
    }
    let mut newer = packed.clone();
    newer[4] = 2;
    assert_eq!(spikes::decode(&newer), Err(SpikesError::Version(2)));
    assert!(
        spikes::decode(b"mYm\0")
            .unwrap_err()
            .to_string()
            .contains("not a spike train: it begins with \"mYm\\x00\"")
    );
    let few = DecodeOptions::default().max_elements(100);
    assert_eq!(spikes::decode_with(&packed, &few), Err(SpikesError::TooMany { declared: 200, limit: 100 }));
}

#[test]
fn a_lie_about_the_number_of_spikes_costs_nothing() {
    // Head, then a count of 2^32, then a chunk that a frame of a few bytes cannot fill.
    let mut bytes = b"LSPK\x01\x01\x00".to_vec();
    bytes.extend([0x80, 0x80, 0x80, 0x80, 0x10, 0, 0, 1, 0, 1, 7]);
    bytes.extend([0; 4]);
    let error = spikes::decode(&resealed(bytes)).unwrap_err();
    assert!(matches!(error, SpikesError::Truncated { .. } | SpikesError::Invalid { .. }), "{error}");
}

proptest! {
    #[test]
    fn any_bits_come_back(bits in prop::collection::vec(any::<u64>(), 0..200)) {
        round_trip(&times(bits.iter().map(|&bits| f64::from_bits(bits)).collect()));
        round_trip(&NdArray::from_vec(bits.iter().map(|&bits| bits as i64 >> 40).collect::<Vec<i64>>()));
        round_trip(&NdArray::from_vec(bits));
    }

    #[test]
    fn any_grid_comes_back(
        ticks in prop::collection::vec(0i64..10_000_000, 2..300),
        rate in 1.0..100_000.0f64,
        offset in -1000.0..1000.0f64,
        sorted: bool,
    ) {
        let mut ticks = ticks;
        if sorted { ticks.sort_unstable(); }
        round_trip(&times(ticks.iter().map(|&tick| tick as f64 / rate).collect()));
        round_trip(&times(ticks.iter().map(|&tick| tick as f64 / rate + offset).collect()));
        round_trip(&NdArray::from_vec(ticks.iter().map(|&tick| (tick as f64 / rate) as f32).collect()));
    }
}
