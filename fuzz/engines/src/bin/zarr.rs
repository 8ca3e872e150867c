//! `zarr SECONDS [SEED]`: Zarr folders with changed metadata and chunks against the reader, until the time is over.
//!
//! Each input is a small folder that `<zarr@>` wrote, without its manifest (so that no checksum protects it, as in a folder of another
//! program), of which one or two files are changed: bytes at random, and in metadata also numbers and words that a hostile file could
//! give. Nothing may panic, hang, or take more memory than such small arrays need. A failure names its seed; `zarr 1 SEED`
//! begins with it.

use std::time::{Duration, Instant};

use lapjoint_codec::science::zarr::{Pick, ZarrCodec, ZarrOptions, ZarrRef, ZarrSource};
use lapjoint_codec::{AxisSlice, Codec, EncodeContext, Site};
use lapjoint_store::staging::no_progress;
use lapjoint_store::{Config, PutMode, Store, Stores, UploadOptions, upload};
use lapjoint_types::{NdArray, Value};
use serde_json::{Value as Json, json};

/// Memory of the process: the arrays have 4 KB, and a chunk may declare at most what the reader takes for one.
const LIMIT_RESIDENT_KB: u64 = 1 << 20;
/// One read, with room for a machine that does other things.
const PATIENCE: Duration = Duration::from_secs(20);

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

/// A folder as it was written.
struct Folder {
    metadata: Json,
    files: Vec<(String, Vec<u8>)>,
}

fn written(stores: &Stores, store: &Store) -> Vec<Folder> {
    let values: Vec<u16> = (0..2048).map(|index| index % 301).collect();
    let array = NdArray::from_shape_vec(vec![32, 64], values).expect("a shape that fits");
    let site = Site { schema: "lab", table: "scan", field: "movie", key: &[] };
    [
        json!({"chunks": [8, 64]}),
        json!({"chunks": [8, 64], "zarr_format": 2, "codec": "gzip"}),
        json!({"chunks": [8, 64], "zarr_format": 2, "codec": {"name": "blosc", "shuffle": "bitshuffle"}}),
        json!({"chunks": [8, 64], "codec": {"name": "blosc", "cname": "lz4"}}),
        json!({"chunks": [8, 16], "shards": [16, 64]}),
        json!({"chunks": [8, 64], "codec": "none"}),
    ]
    .into_iter()
    .map(|options| {
        let options = ZarrOptions::from_json(&options).expect("options");
        let mut context = EncodeContext::new(site, stores);
        let value = Value::foreign(ZarrSource::new(array.clone(), options));
        let Ok(Value::Json(metadata)) = ZarrCodec.encode(value, &mut context) else { panic!("not encoded") };
        upload(stores, &context.take_staged(), &UploadOptions::default(), &no_progress).expect("uploaded");
        let path = metadata["path"].as_str().expect("a path").to_owned();
        store.delete(&format!("{path}.manifest.json")).expect("a manifest");
        let files = store.list(&path).expect("listed").into_iter();
        let read = |name: String| (name.clone(), store.get(&name).expect("read").to_vec());
        Folder { metadata: *metadata, files: files.map(|file| read(file.path)).collect() }
    })
    .collect()
}

fn is_metadata(name: &str) -> bool {
    [".json", ".zarray", ".zattrs"].iter().any(|end| name.ends_with(end))
}

/// Bytes with some changed; of metadata, whole numbers and words too.
fn changed(numbers: &mut Numbers, name: &str, content: &[u8]) -> Vec<u8> {
    let mut bytes = content.to_vec();
    if is_metadata(name) && numbers.below(4) > 0 {
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let words: Vec<(usize, &str)> = text.match_indices(|c: char| c.is_ascii_digit()).collect();
        let given = [
            "0",
            "-1",
            "1",
            "3",
            "7",
            "64",
            "65537",
            "4294967296",
            "18446744073709551615",
            "1e308",
            "null",
            "[]",
            "{}",
            "\"x\"",
            "true",
            "9223372036854775807",
            "1000000000",
        ][numbers.below(17)];
        if let Some((at, digit)) = words.get(numbers.below(words.len())) {
            return format!("{}{given}{}", &text[..*at], &text[at + digit.len()..]).into_bytes();
        }
    }
    for _ in 0..=numbers.below(3) {
        let at = numbers.below(bytes.len());
        match numbers.below(6) {
            0 | 1 if !bytes.is_empty() => bytes[at] ^= 1 << numbers.below(8),
            2 if bytes.len() >= at + 8 => {
                let number = [0, 1, 0xffff_ffff, u64::MAX, 1 << 63, 1 << 31, 1 << 24][numbers.below(7)];
                bytes[at..at + 8].copy_from_slice(&number.to_le_bytes());
            }
            3 => bytes.truncate(at),
            4 => bytes.insert(at, numbers.next() as u8),
            _ => bytes.extend_from_slice(content.get(at..).unwrap_or_default()),
        }
    }
    bytes
}

fn resident_kb() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    line.split_whitespace().nth(1)?.parse().ok()
}

fn main() {
    let mut arguments = std::env::args().skip(1);
    let seconds: u64 = arguments.next().and_then(|text| text.parse().ok()).unwrap_or(30);
    let first: u64 = arguments.next().and_then(|text| text.parse().ok()).unwrap_or(1);
    let directory = tempfile::tempdir().expect("a folder");
    let mut config = Config::default();
    let settings = json!({"default": "main", "main": {"protocol": "file", "location": directory.path()}});
    config.set("stores", settings).expect("settings");
    let stores = Stores::new(config);
    let store = stores.get(None).expect("a store");
    let folders = written(&stores, &store);
    let (started, mut seed, mut errors) = (Instant::now(), first, 0u64);
    while started.elapsed() < Duration::from_secs(seconds) {
        let mut numbers = Numbers(seed);
        let folder = &folders[numbers.below(folders.len())];
        let mut touched = Vec::new();
        for _ in 0..=numbers.below(2) {
            // Half of the changes are to metadata, of which there are fewer files.
            let wanted = numbers.below(2) == 0;
            let candidates: Vec<_> =
                folder.files.iter().filter(|(name, _)| is_metadata(name) == wanted).collect();
            let (name, content) = candidates[numbers.below(candidates.len())];
            store.put(name, changed(&mut numbers, name, content), PutMode::Overwrite).expect("put");
            touched.push((name, content));
        }
        let begun = Instant::now();
        let said = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            let reference = ZarrRef::new(folder.metadata.clone(), store.clone())?;
            let _ = reference.attributes();
            let part = reference
                .read(&[Pick::Slice(AxisSlice { start: 3, stop: 20, step: 2 }), Pick::List(vec![0, 63])])?;
            assert_eq!(part.shape(), [9, 2]);
            reference.load().map(|array| assert_eq!(array.shape(), [32, 64]))
        }));
        match said {
            Ok(Ok(())) => {}
            Ok(Err(error)) => {
                errors += 1;
                assert!(!error.to_string().is_empty(), "seed {seed}: an error that says nothing");
            }
            Err(_) => panic!("seed {seed}: a panic"),
        }
        assert!(begun.elapsed() < PATIENCE, "seed {seed}: {:?}", begun.elapsed());
        if let Some(resident) = resident_kb() {
            assert!(resident < LIMIT_RESIDENT_KB, "seed {seed}: {resident} kB of memory");
        }
        for (name, content) in touched {
            store.put(name, content.clone(), PutMode::Overwrite).expect("put");
        }
        seed += 1;
    }
    let runs = seed - first;
    println!("zarr_read: {runs} folders in {seconds} s, {errors} refused, no panic, memory within its bound");
    println!("1 passed, 0 failed");
}
