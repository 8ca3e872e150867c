//! Modules that were good until some of their bytes were changed, always the same ones. `fuzz/run` has more, and random modules.

use std::time::{Duration, Instant};

use lapjoint_types::{NdArray, Value};
use lapjoint_wasm::{Limits, WasmCodec};

use crate::common::{EXAMPLES, example, options, tight};

/// Time that one mutant may take: compiling, and three calls of 0.3 s, on a busy machine.
const PATIENCE: Duration = Duration::from_secs(20);

/// A generator of numbers that are the same everywhere.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 16).unwrap_or(0) % limit
    }
}

#[test]
fn no_mutant_escapes_its_limits() {
    let limits = Limits { fuel: Some(5_000_000), ..tight() };
    let value = Value::Array(Box::new(NdArray::from_vec((0..50u16).map(|i| i / 3).collect())));
    let mut numbers = Numbers(0x0005_deec_e66d_1234);
    let (mut loaded, mut ran) = (0, 0);
    for round in 0..160 {
        // The two small ones compile quickly, also where the compiler itself was compiled for debugging.
        let good = example(EXAMPLES[2 + round % 2]);
        let mut bytes = good.clone();
        for _ in 0..=numbers.below(2) {
            let at = numbers.below(bytes.len());
            match numbers.below(8) {
                0..=2 => bytes[at] ^= 1 << numbers.below(8),
                3..=5 => bytes[at] = u8::try_from(numbers.below(256)).unwrap(),
                6 => bytes.truncate(at.max(8)),
                _ => {
                    let from = numbers.below(good.len() - 8);
                    let piece = good[from..from + 8].to_vec();
                    let end = (at + 8).min(bytes.len());
                    bytes[at..end].copy_from_slice(&piece[..end - at]);
                }
            }
        }
        let started = Instant::now();
        if let Ok(codec) = WasmCodec::from_bytes_with(bytes, options(limits)) {
            loaded += 1;
            if let Ok(stored) = codec.encode_value(&value, limits) {
                ran += 1;
                let _ = codec.decode_value(&stored, limits);
            }
            let _ = codec
                .decode_value(b"RUN1i\x04\x01\0\0\0\0\0\x05\0\0\0\0\0\0\0\xff\xff\xff\xff\x0fabcd", limits);
        }
        assert!(started.elapsed() < PATIENCE, "mutant {round} took {:?}", started.elapsed());
    }
    // Mutants that are all refused at the door would test little.
    assert!(loaded > 10 && ran > 5, "{loaded} loaded, {ran} ran");
}
