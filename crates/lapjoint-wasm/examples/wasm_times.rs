//! The same codec as native code and as a WebAssembly module: `cargo run --release -p lapjoint-wasm --example wasm_times`.
//!
//! The native side is the crate `examples/wasm/lz4-delta`, compiled with the same source into this program; the module is the one
//! that is kept. Times are the best of many runs; what is compared is a codec's own work, with all that the host adds for a module:
//! a fresh instance, and the copies in and out.

use std::hint::black_box;
use std::time::{Duration, Instant};

use lapjoint_types::{NdArray, Value};
use lapjoint_wasm::{Limits, WasmCodec};

type Failure = Box<dyn std::error::Error>;

/// The best time of as many runs as fit `patience`, at least three.
fn best(patience: Duration, mut run: impl FnMut()) -> Duration {
    let (started, mut best, mut runs) = (Instant::now(), Duration::MAX, 0);
    while runs < 3 || started.elapsed() < patience {
        let before = Instant::now();
        run();
        best = best.min(before.elapsed());
        runs += 1;
    }
    best
}

/// Counts that fall off from the diagonal, as those of a contact matrix do.
fn contacts(rows: usize, cols: usize) -> Vec<u32> {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut noise = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        u32::try_from(state >> 33).unwrap_or(0)
    };
    let mut counts = Vec::with_capacity(rows * cols);
    for row in 0..rows {
        for col in 0..cols {
            let distance = u32::try_from(row.abs_diff(col)).unwrap_or(u32::MAX);
            let mean = 4000 / (distance / 4 + 1);
            counts.push(if noise() % 8 < 3 { mean + noise() % (mean / 16 + 2) } else { mean });
        }
    }
    counts
}

fn header(shape: &[usize]) -> Vec<u8> {
    let mut header = vec![b'u', 4, u8::try_from(shape.len()).unwrap_or(0), 0, 0, 0, 0, 0];
    header.extend(shape.iter().flat_map(|size| (*size as u64).to_le_bytes()));
    header
}

fn compare(name: &str, codec: &WasmCodec, shape: [usize; 2], patience: Duration) -> Result<(), Failure> {
    let limits = Limits::default();
    let array = NdArray::from_shape_vec(shape.to_vec(), contacts(shape[0], shape[1]))?;
    let raw = [&header(&shape)[..], array.data()].concat();
    let value = Value::Array(Box::new(array));
    let stored = lz4_delta::encode(&raw)?;
    // The two may choose other matches (a machine word has another size), but each reads what the other wrote.
    let by_module = codec.encode_value(&value, limits)?;
    if lz4_delta::decode(&by_module)? != raw || codec.decode_value(&stored, limits)? != value {
        return Err("module and native code do not read what the other wrote".into());
    }
    let mut rates = Vec::new();
    let mut times: [Duration; 4] = [Duration::ZERO; 4];
    times[0] = best(patience, || drop(black_box(lz4_delta::encode(black_box(&raw)))));
    times[1] = best(patience, || drop(black_box(codec.encode_value(black_box(&value), limits))));
    times[2] = best(patience, || drop(black_box(lz4_delta::decode(black_box(&stored)))));
    times[3] = best(patience, || drop(black_box(codec.decode_value(black_box(&stored), limits))));
    for time in times {
        rates.push(raw.len() as f64 / time.as_secs_f64() / 1e6);
    }
    println!("{name}: {} bytes, stored in {} (native), {} (wasm)", raw.len(), stored.len(), by_module.len());
    for (what, at) in [("encode", 0), ("decode", 2)] {
        println!(
            "  {what}: native {:>9.1} us ({:.0} MB/s), wasm {:>9.1} us ({:.0} MB/s): {:.2} x",
            times[at].as_secs_f64() * 1e6,
            rates[at],
            times[at + 1].as_secs_f64() * 1e6,
            rates[at + 1],
            times[at + 1].as_secs_f64() / times[at].as_secs_f64()
        );
    }
    Ok(())
}

fn main() -> Result<(), Failure> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../examples/wasm/modules/");
    let bytes = std::fs::read(format!("{folder}lz4-delta.wasm"))?;
    let before = Instant::now();
    let codec = WasmCodec::from_bytes(&bytes)?;
    println!(
        "compile and describe, first module of the process: {:.1} ms ({} bytes)",
        before.elapsed().as_secs_f64() * 1e3,
        bytes.len()
    );
    let other = std::fs::read(format!("{folder}delta.wasm"))?;
    let before = Instant::now();
    let delta = WasmCodec::from_bytes(&other)?;
    println!(
        "compile and describe, another: {:.1} ms ({} bytes)",
        before.elapsed().as_secs_f64() * 1e3,
        other.len()
    );
    let again = best(Duration::from_millis(300), || drop(black_box(WasmCodec::from_bytes(&bytes))));
    println!("load again, compiled already: {:.1} us", again.as_secs_f64() * 1e6);
    let one = Value::Array(Box::new(NdArray::from_vec(vec![5u32])));
    let call = best(Duration::from_secs(1), || drop(black_box(delta.encode_value(&one, Limits::default()))));
    println!("a call for one number (instance, four calls, copies): {:.1} us", call.as_secs_f64() * 1e6);
    compare("tile (256, 256) u32", &codec, [256, 256], Duration::from_secs(2))?;
    compare("array (4096, 4096) u32", &codec, [4096, 4096], Duration::from_secs(3))
}
