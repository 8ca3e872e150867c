//! `wasm SECONDS [SEED]`: modules against the host, until the time is over.
//!
//! Half of the modules are written at random, of deeds that a hostile module could do and numbers that it could give; half are the
//! example modules with some bytes changed. Each is loaded, and encodes and decodes; nothing may panic, hang, or take more memory than its
//! limits. A failure names its seed; `wasm 1 SEED` begins with it.

use std::time::{Duration, Instant};

use bytes::Bytes;
use lapjoint_types::{NdArray, Value};
use lapjoint_wasm::{Limits, LoadOptions, WasmCodec};

const LIMITS: Limits = Limits {
    memory_bytes: 32 << 20,
    deadline: Duration::from_millis(200),
    fuel: None,
    module_bytes: 1 << 20,
};

/// Compiling and four calls, with room for a machine that does other things.
const PATIENCE: Duration = Duration::from_secs(20);
/// Memory of the process; one call has 32 MiB, its compiler some more.
const LIMIT_RESIDENT_KB: u64 = 1 << 20;

struct Numbers(u64);

impl Numbers {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, limit: usize) -> usize {
        (self.next() % limit.max(1) as u64) as usize
    }
}

/// An address, length or both, of the kind that finds faults: small, at an edge, or anything.
fn number(numbers: &mut Numbers) -> i64 {
    let edges = [
        0,
        1,
        -1,
        -2,
        65_535,
        65_536,
        131_071,
        131_072,
        0x7fff_ffff,
        0x8000_0000,
        0xffff_ffff,
        i64::MIN,
        i64::MAX,
    ];
    let word = |numbers: &mut Numbers| match numbers.below(3) {
        0 => edges[numbers.below(edges.len())] & 0xffff_ffff,
        1 => numbers.below(200_000) as i64,
        _ => numbers.next() as i64 & 0xffff_ffff,
    };
    match numbers.below(4) {
        0 => edges[numbers.below(edges.len())],
        1 => numbers.next() as i64,
        _ => (word(numbers) << 32) | word(numbers),
    }
}

/// Something a function does before it gives its result.
fn deed(numbers: &mut Numbers) -> String {
    let (a, b, c) = (number(numbers) as i32, number(numbers) as i32, number(numbers) as i32);
    match numbers.below(12) {
        0 => "(unreachable)".into(),
        1 => "(loop (br 0))".into(),
        2 => format!("(drop (memory.grow (i32.const {a})))"),
        3 => format!("(memory.fill (i32.const {a}) (i32.const {b}) (i32.const {c}))"),
        4 => format!("(memory.copy (i32.const {a}) (i32.const {b}) (i32.const {c}))"),
        5 => format!("(i64.store (i32.const {a}) (i64.const {}))", number(numbers)),
        6 => "(loop (drop (memory.grow (i32.const 7))) (br 0))".into(),
        7 => "(call $deep)".into(),
        8 => format!("(drop (table.grow 0 (ref.null func) (i32.const {a})))"),
        9 => format!("(call_indirect (type $nothing) (i32.const {a}))"),
        10 => format!("(drop (i32.div_s (i32.const {a}) (i32.const {})))", numbers.below(2)),
        _ => String::new(),
    }
}

fn deeds(numbers: &mut Numbers) -> String {
    if numbers.below(2) == 0 { String::new() } else { deed(numbers) }
}

/// A module whose functions do something hostile, or something right.
fn hostile(numbers: &mut Numbers) -> Option<Vec<u8>> {
    let values = ["blob", "array", "bytes"][numbers.below(3)];
    let description = match numbers.below(8) {
        0 => "{".repeat(numbers.below(60_000)),
        1 => (0..numbers.below(500)).map(|_| char::from(b' ' + (numbers.next() % 90) as u8)).collect(),
        _ => format!(r#"{{"name": "hostile", "version": "1.0", "values": "{values}"}}"#),
    };
    let escaped: String = description.bytes().map(|byte| format!("\\{byte:02x}")).collect();
    let alloc = match numbers.below(4) {
        0 => format!("(i32.const {})", number(numbers) as i32),
        _ => "(global.get $next) (global.set $next (i32.add (global.get $next) (local.get 0)))".into(),
    };
    let same =
        "(i64.or (i64.shl (i64.extend_i32_u (local.get 0)) (i64.const 32)) (i64.extend_i32_u (local.get 1)))";
    let result = |numbers: &mut Numbers, has_input: bool| match numbers.below(4) {
        0 if has_input => same.to_owned(),
        1 => "(i64.const -1)".into(),
        _ => format!("(i64.const {})", number(numbers)),
    };
    let describe = match numbers.below(8) {
        0 => result(numbers, false),
        _ => format!("(i64.const {})", (1024i64 << 32) | description.len() as i64),
    };
    let start = if numbers.below(8) == 0 { "(start $begin)" } else { "" };
    let pages = if numbers.below(8) == 0 { numbers.below(65_536) } else { 2 };
    let [at_start, at_alloc, at_encode, at_decode, at_error] = [(); 5].map(|()| deeds(numbers));
    let (encoded, decoded, error) = (result(numbers, true), result(numbers, true), result(numbers, false));
    let version = if numbers.below(16) == 0 { number(numbers) as i32 } else { 1 };
    wat::parse_str(format!(
        r#"(module (type $nothing (func)) (memory (export "memory") {pages}) (table 4 funcref)
            (global $next (mut i32) (i32.const 66000)) (data (i32.const 1024) "{escaped}")
            (func $deep (call $deep)) (func $begin {at_start}) {start}
            (func (export "dj_abi_version") (result i32) (i32.const {version}))
            (func (export "dj_alloc") (param i32) (result i32) {at_alloc} {alloc})
            (func (export "dj_describe") (result i64) {describe})
            (func (export "dj_encode") (param i32 i32) (result i64) {at_encode} {encoded})
            (func (export "dj_decode") (param i32 i32) (result i64) {at_decode} {decoded})
            (func (export "dj_error") (result i64) {at_error} {error}))"#
    ))
    .ok()
}

fn changed(numbers: &mut Numbers, good: &[Vec<u8>]) -> Vec<u8> {
    let mut bytes = good[numbers.below(good.len())].clone();
    for _ in 0..=numbers.below(6) {
        let at = numbers.below(bytes.len());
        match numbers.below(3) {
            0 => bytes[at] ^= 1 << numbers.below(8),
            1 => bytes[at] = numbers.next() as u8,
            _ => bytes.truncate(at.max(8)),
        }
    }
    bytes
}

/// Memory of this process in kilobytes, where the system says it.
fn resident_kb() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?.trim().split(' ').next()?.parse().ok()
}

fn main() {
    let mut arguments = std::env::args().skip(1).filter_map(|argument| argument.parse::<u64>().ok());
    let seconds = Duration::from_secs(arguments.next().unwrap_or(30));
    let first = arguments.next().unwrap_or(1);
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../examples/wasm/modules");
    let good: Vec<Vec<u8>> = std::fs::read_dir(folder)
        .expect("the example modules are there")
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| path.extension().is_some_and(|extension| extension == "wasm"))
        .map(|path| std::fs::read(path).expect("a module"))
        .collect();
    let values = [
        Value::Bytes(Bytes::from_static(b"some bytes")),
        Value::Array(Box::new(NdArray::from_vec((0..200u32).collect()))),
    ];
    let started = Instant::now();
    let (mut modules, mut loaded, mut calls) = (0u64, 0u64, 0u64);
    for seed in first.. {
        // A crash of the process itself leaves the seed here.
        if std::env::var_os("LAPJOINT_FUZZ_SEEDS").is_some() {
            eprintln!("seed {seed}");
        }
        if started.elapsed() > seconds {
            break;
        }
        let mut numbers = Numbers(seed);
        let bytes = if seed % 2 == 0 {
            changed(&mut numbers, &good)
        } else {
            match hostile(&mut numbers) {
                Some(bytes) => bytes,
                None => continue,
            }
        };
        modules += 1;
        let began = Instant::now();
        let said = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            let options = LoadOptions { limits: Some(LIMITS), embed_decoder: None };
            let Ok(codec) = WasmCodec::from_bytes_with(bytes, options) else { return (0, 0) };
            let mut calls = 0;
            for value in &values {
                calls += 2;
                if let Ok(stored) = codec.encode_value(value, LIMITS) {
                    let _ = codec.decode_value(&stored, LIMITS);
                }
                let _ = codec
                    .decode_value(b"DLT1u\x04\x01\0\0\0\0\0\xff\xff\xff\xff\0\0\0\0\x01\x02\x03", LIMITS);
            }
            (1, calls)
        }));
        let Ok((this, these)) = said else { panic!("seed {seed}: the host panicked") };
        loaded += this;
        calls += these;
        assert!(began.elapsed() < PATIENCE, "seed {seed} took {:?}", began.elapsed());
        if let Some(resident) = resident_kb() {
            assert!(resident < LIMIT_RESIDENT_KB, "seed {seed}: {resident} kB of memory");
        }
    }
    println!(
        "{modules} modules, {loaded} of them loaded, {calls} calls, in {:.0} s",
        started.elapsed().as_secs_f64()
    );
    println!("1 passed, 0 failed");
}
