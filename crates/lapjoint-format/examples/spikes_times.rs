//! Times of writing and reading spike trains, for `benches/spikes.py`. Run in release.

use std::time::Instant;

use lapjoint_format::{blob, spikes};
use lapjoint_types::{NdArray, Value};

const COUNT: u32 = 1_000_000;

fn best<T>(mut work: impl FnMut() -> T) -> (f64, T) {
    let mut fastest = f64::INFINITY;
    let mut made = work();
    for _ in 0..5 {
        let start = Instant::now();
        made = work();
        fastest = fastest.min(start.elapsed().as_secs_f64() * 1e3);
    }
    (fastest, made)
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut state = 1u64;
    let mut tick = 0.0;
    // A Poisson train of 10 Hz, sampled at 30 kHz.
    let mut next = |_| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let chance = (state >> 11) as f64 / (1u64 << 53) as f64;
        tick += (-(1.0 - chance).ln() * 3000.0).ceil();
        tick
    };
    let ticks: Vec<f64> = (0..COUNT).map(&mut next).collect();
    for (name, train) in [
        ("seconds", NdArray::from_vec(ticks.iter().map(|tick| tick / 30_000.0).collect())),
        (
            "seconds from anywhere",
            NdArray::from_vec(ticks.iter().map(|tick| tick / 29_999.954_846 + 1234.5).collect()),
        ),
        ("whole numbers", NdArray::from_vec(ticks.clone())),
    ] {
        let (write, packed) = best(|| spikes::encode(&train));
        let packed = packed?;
        let (read, back) = best(|| spikes::decode(&packed));
        assert_eq!(back?, train);
        let value = Value::Array(Box::new(train));
        let (write_blob, stored) = best(|| blob::pack(&value));
        let stored = stored?;
        let (read_blob, _) = best(|| blob::unpack(stored.clone()));
        let of = |bytes: usize| bytes as f64 / f64::from(COUNT);
        println!(
            "{name}, {COUNT} spikes: {:.3} bytes a spike, write {write:.1} ms, read {read:.1} ms; blob {:.3} bytes, write {write_blob:.1} ms, read {read_blob:.1} ms",
            of(packed.len()),
            of(stored.len())
        );
    }
    Ok(())
}
