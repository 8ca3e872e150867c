//! What `benches/gzcm.py` measures of this crate: each mode prints one line of JSON. Times are the best of several, in seconds.
//!
//! ```text
//! bench_gzcm convert INPUT OUTPUT VERSION CODEC TIMES [BIN_SIZE_BP]   the time, the peak of memory, and what was written
//! bench_gzcm windows FILE TIMES ROW:COL…                              256-bin windows at these places of the first region
//! bench_gzcm whole FILE THREADS TIMES                                 the first region, dense
//! bench_gzcm decode FILE TIMES                                        every dense tile, by one thread
//! bench_gzcm requests FILE ROW:COL                                    requests of opening and one window
//! bench_gzcm flips FILE                                               bits, and how many of them `verify` misses when flipped
//! ```
#![expect(clippy::unwrap_used, reason = "a tool for measuring")]

use std::hint::black_box;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use bytes::Bytes;
use gzcm::container::catalog::Storage;
use gzcm::container::frame;
use gzcm::container::meta::Version;
use gzcm::convert::{ConvertOptions, convert_to_gzcm};
use gzcm::reader::{CacheSize, Reader};
use gzcm::source::{FileSource, RangeRead};
use gzcm::{Registry, Result, wire};
use serde_json::{Value, json};

const SIDE: u64 = 256;

/// Counts the requests that an object store would get.
struct Counting {
    bytes: Bytes,
    requests: AtomicU64,
    read_bytes: AtomicU64,
}

impl Counting {
    fn count(&self, bytes: &[Bytes]) {
        self.requests.fetch_add(1, Ordering::Relaxed);
        let length: usize = bytes.iter().map(Bytes::len).sum();
        self.read_bytes.fetch_add(u64::try_from(length).unwrap(), Ordering::Relaxed);
    }
}

impl RangeRead for Counting {
    fn len_bytes(&self) -> Result<u64> {
        self.count(&[]);
        self.bytes.len_bytes()
    }

    fn read_range(&self, offset_bytes: u64, length_bytes: usize) -> Result<Bytes> {
        let bytes = self.bytes.read_range(offset_bytes, length_bytes)?;
        self.count(std::slice::from_ref(&bytes));
        Ok(bytes)
    }

    fn read_tail(&self, length_bytes: usize) -> Result<(Bytes, u64)> {
        let (bytes, length) = self.bytes.read_tail(length_bytes)?;
        self.count(std::slice::from_ref(&bytes));
        Ok((bytes, length))
    }
}

fn best(times: usize, mut run: impl FnMut()) -> f64 {
    (0..times.max(1))
        .map(|_| {
            let started = Instant::now();
            run();
            started.elapsed().as_secs_f64()
        })
        .fold(f64::INFINITY, f64::min)
}

/// The peak of resident memory so far, in KiB; 0 where the system does not say.
fn peak_kib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with("VmHWM:"));
    line.and_then(|line| line.split_ascii_whitespace().nth(1)?.parse().ok()).unwrap_or(0)
}

fn convert(input: &str, output: &str, rest: &[&str]) -> Value {
    let version = rest[0].split_once('.').unwrap_or((rest[0], "0"));
    let options = ConvertOptions {
        version: Version::from_numbers(version.0.parse().unwrap(), version.1.parse().unwrap()).unwrap(),
        codec: if rest[1] == "auto" { "zstd" } else { rest[1] }.to_owned(),
        adaptive_codec: rest[1] == "auto",
        bin_size_bp: rest.get(3).map(|size| size.parse().unwrap()),
        // Peers write bins and contacts alone.
        carry_weights: false,
        ..ConvertOptions::default()
    };
    let mut converted = None;
    let seconds = best(rest[2].parse().unwrap(), || {
        converted = Some(convert_to_gzcm(input, output, &options).unwrap());
    });
    let converted = converted.unwrap();
    let reader = gzcm::reader::open(output).unwrap();
    let plan = &reader.catalog().regions[0].plan;
    json!({
        "seconds": seconds, "peak_kib": peak_kib(), "size_bytes": converted.size_bytes, "pixels": converted.n_pixels,
        "regions": converted.regions.len(), "codec": plan.codec, "layout": plan.layout.name(),
    })
}

fn reader(file: &str, cache: usize) -> Reader {
    Reader::new(Arc::new(FileSource::open(file).unwrap()), Registry::global(), CacheSize::Tiles(cache))
        .unwrap()
}

fn place(text: &str) -> (u64, u64) {
    let (row, col) = text.split_once(':').unwrap();
    (row.parse().unwrap(), col.parse().unwrap())
}

fn windows(file: &str, times: usize, places: &[&str]) -> Value {
    let places: Vec<_> = places.iter().map(|text| place(text)).collect();
    let mut sum = 0.0;
    let mut run = |reader: &Reader, cached: bool| {
        let region = &reader.catalog().regions[0].region;
        let (n_rows, n_cols) = (region.n_rows, region.n_cols);
        let all = || {
            for (row, col) in &places {
                let (rows, cols) = (*row..n_rows.min(row + SIDE), *col..n_cols.min(col + SIDE));
                black_box(reader.dense(0, rows, cols).unwrap());
            }
        };
        if cached {
            all();
        }
        let seconds = best(times, all);
        let (row, col) = places[0];
        let first = reader.dense(0, row..n_rows.min(row + SIDE), col..n_cols.min(col + SIDE)).unwrap();
        sum = first.numbers().iter().sum();
        seconds / f64::from(u32::try_from(places.len()).unwrap())
    };
    let uncached = run(&reader(file, 0), false);
    let cached = run(&reader(file, 100_000), true);
    json!({"uncached_seconds": uncached, "cached_seconds": cached, "first_sum": sum})
}

fn whole(file: &str, threads: usize, times: usize) -> Value {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
    let reader = reader(file, 0);
    let region = &reader.catalog().regions[0].region;
    let (n_rows, n_cols) = (region.n_rows, region.n_cols);
    let seconds =
        pool.install(|| best(times, || drop(black_box(reader.dense(0, 0..n_rows, 0..n_cols).unwrap()))));
    json!({"seconds": seconds})
}

fn decode(file: &str, times: usize) -> Value {
    let bytes = Bytes::from(std::fs::read(file).unwrap());
    let reader = reader(file, 0);
    let catalog = reader.catalog();
    let mut tiles = Vec::new();
    for entry in &catalog.regions {
        let Storage::Tiles(entries) = &entry.storage else { continue };
        for tile in entries.iter().filter(|tile| tile.codec != 0) {
            let framed = bytes.read_range(tile.offset_bytes, tile.length_bytes).unwrap();
            let (_, body, _) = frame::unpack(&framed).unwrap();
            let wire_bytes = frame::unpack_tile(body).unwrap().1.to_vec();
            let codec = Registry::global().get(&catalog.codecs[usize::from(tile.codec) - 1]).unwrap();
            let rows = entry.plan.bins_of_tile(tile.row.into(), entry.region.n_rows);
            let cols = entry.plan.bins_of_tile(tile.col.into(), entry.region.n_cols);
            tiles.push((codec, wire_bytes, rows, cols, entry.region.dtype));
        }
    }
    let raw: usize = tiles.iter().map(|(_, _, rows, cols, dtype)| rows * cols * dtype.size_bytes()).sum();
    let seconds = best(times, || {
        for (codec, wire_bytes, rows, cols, dtype) in &tiles {
            black_box(wire::decode(&**codec, wire_bytes, *rows, *cols, *dtype).unwrap());
        }
    });
    json!({"seconds": seconds, "tiles": tiles.len(), "raw_bytes": raw})
}

fn requests(file: &str, at: &str) -> Value {
    let bytes = Bytes::from(std::fs::read(file).unwrap());
    let source = Arc::new(Counting { bytes, requests: AtomicU64::new(0), read_bytes: AtomicU64::new(0) });
    let shared: Arc<dyn RangeRead> = source.clone();
    let reader = Reader::new(shared, Registry::global(), CacheSize::default()).unwrap();
    let opened = source.requests.load(Ordering::Relaxed);
    let region = &reader.catalog().regions[0].region;
    let (row, col) = place(at);
    reader.dense(0, row..region.n_rows.min(row + SIDE), col..region.n_cols.min(col + SIDE)).unwrap();
    json!({
        "open": opened, "with_window": source.requests.load(Ordering::Relaxed),
        "read_bytes": source.read_bytes.load(Ordering::Relaxed),
    })
}

fn flips(file: &str) -> Value {
    let bytes = std::fs::read(file).unwrap();
    let mut missed = 0_u64;
    for bit in 0..bytes.len() * 8 {
        let mut flipped = bytes.clone();
        flipped[bit / 8] ^= 1 << (bit % 8);
        let source = Arc::new(Bytes::from(flipped));
        let Ok(reader) = Reader::new(source, Registry::global(), CacheSize::Tiles(0)) else { continue };
        missed += u64::from(reader.verify().is_ok_and(|verified| verified.damaged.is_empty()));
    }
    json!({"bits": bytes.len() * 8, "missed": missed})
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let found = match arguments.as_slice() {
        ["convert", input, output, rest @ ..] if rest.len() >= 3 => convert(input, output, rest),
        ["windows", file, times, places @ ..] => windows(file, times.parse().unwrap(), places),
        ["whole", file, threads, times] => whole(file, threads.parse().unwrap(), times.parse().unwrap()),
        ["decode", file, times] => decode(file, times.parse().unwrap()),
        ["requests", file, at] => requests(file, at),
        ["flips", file] => flips(file),
        ["codecs"] => json!(Registry::global().list()),
        _ => {
            eprintln!("see the head of bench_gzcm.rs");
            std::process::exit(2);
        }
    };
    println!("{found}");
}
