//! Times packing and unpacking, one JSON object a line: what `make bench` compares with DataJoint.

use std::hint::black_box;
use std::time::Instant;

use bytes::Bytes;
use lapjoint_format::blob::{PackOptions, pack, pack_with, unpack};
use lapjoint_types::{NdArray, Value};

/// Seconds of the fastest of several runs.
fn best(runs: u32, mut work: impl FnMut()) -> f64 {
    (0..runs)
        .map(|_| {
            let started = Instant::now();
            work();
            started.elapsed().as_secs_f64()
        })
        .fold(f64::INFINITY, f64::min)
}

/// The same numbers as `benches/blob.py` makes: a linear congruential generator, top 53 bits.
struct Random(u64);

impl Random {
    fn next(&mut self) -> f64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 11) as f64 / 9_007_199_254_740_992.0
    }
}

fn report(case: &str, value: &Value, elements: usize) {
    let plain = PackOptions::uncompressed();
    let raw = pack_with(value, &plain).unwrap_or_default();
    let packed = pack(value).unwrap_or_default();
    let line = |operation: &str, seconds: f64, bytes: usize| {
        println!(
            "{{\"case\": \"{case}\", \"operation\": \"{operation}\", \"seconds\": {seconds:e}, \"bytes\": {bytes}, \
             \"elements\": {elements}}}"
        );
    };
    line("pack raw", best(7, || drop(black_box(pack_with(black_box(value), &plain)))), raw.len());
    line("pack", best(5, || drop(black_box(pack(black_box(value))))), packed.len());
    line("unpack raw", best(7, || drop(black_box(unpack(black_box(raw.clone()))))), raw.len());
    line("unpack", best(5, || drop(black_box(unpack(black_box(Bytes::clone(&packed)))))), packed.len());
}

fn main() {
    let mut random = Random(1);
    let nested: Vec<Value> = (0..2000i64)
        .map(|i| {
            let values = (0..48).map(|_| Value::Float(random.next())).collect();
            Value::Dict(vec![
                ("id".into(), Value::Int(i)),
                ("name".into(), Value::Str(format!("item {i}"))),
                ("values".into(), Value::List(values)),
            ])
        })
        .collect();
    report("100k scalars, nested", &Value::List(nested), 100_000);
    let arrays: Vec<Value> = (0..10_000)
        .map(|_| NdArray::from_vec((0..8).map(|_| random.next()).collect::<Vec<f64>>()).into())
        .collect();
    report("10k arrays of 8", &Value::List(arrays), 10_000);
    let noise: Vec<f64> = (0..1 << 20).map(|_| random.next()).collect();
    report("8 MB random", &NdArray::from_vec(noise).into(), 1);
    let mut level = 0.0;
    let walk: Vec<f64> = (0..1 << 20)
        .map(|_| {
            level += random.next() - 0.5;
            (level * 100.0f64).round() / 100.0
        })
        .collect();
    report("8 MB rounded walk", &NdArray::from_vec(walk).into(), 1);
    report("8 MB zeros", &NdArray::from_vec(vec![0.0f64; 1 << 20]).into(), 1);
}
