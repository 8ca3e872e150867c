//! How fast JBIG1 and the codecs that build on the contact matrix coder are: megabytes (10^6 bytes) of raw u32 tile a second of one
//! core, and the payload bytes. Run in release: `cargo run --release -p gzcm --example jbig_times [TILES]`.
//!
//! `TILES` is a file of tiles, each its rows and columns as u32 and its elements as u32, little-endian; without it the tiles
//! are those of the golden vectors.

use std::error::Error;
use std::fs;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use gzcm::cmc::binarise::binarise;
use gzcm::cmc::{DiagonalMode, decode_tile, encode_tile};
use gzcm::jbig::{self, Limits};
use gzcm::{Registry, Tile, wire};

/// A tile is timed so many times, and the shortest time taken: other work on the machine only ever adds.
const ROUNDS: usize = 7;

struct Counts {
    rows: usize,
    cols: usize,
    values: Vec<u32>,
}

#[derive(Default)]
struct Total {
    encoding: Duration,
    decoding: Duration,
    payload_bytes: usize,
}

impl Total {
    fn add<T: PartialEq>(
        &mut self,
        raw: &T,
        encode: impl Fn() -> Coded,
        decode: impl Fn(&[u8]) -> Decoded<T>,
    ) -> Done {
        let (payload, encoding) = shortest(&encode)?;
        let (back, decoding) = shortest(|| decode(&payload))?;
        if back != *raw {
            return Err("a tile did not come back".into());
        }
        self.encoding += encoding;
        self.decoding += decoding;
        self.payload_bytes += payload.len();
        Ok(())
    }

    fn print(&self, name: &str, raw_bytes: usize) {
        let speed = |time: Duration| raw_bytes as f64 / 1e6 / time.as_secs_f64();
        let (encode, decode) = (speed(self.encoding), speed(self.decoding));
        println!(
            "{name:>12}  {:>10} bytes  encode {encode:7.1} MB/s  decode {decode:7.1} MB/s",
            self.payload_bytes
        );
    }
}

type Done = Result<(), Box<dyn Error>>;
type Coded = gzcm::Result<Vec<u8>>;
type Decoded<T> = gzcm::Result<T>;

fn shortest<T>(work: impl Fn() -> gzcm::Result<T>) -> gzcm::Result<(T, Duration)> {
    let mut best = Duration::MAX;
    let mut result = work();
    for _ in 0..ROUNDS {
        let start = Instant::now();
        result = std::hint::black_box(work());
        best = best.min(start.elapsed());
    }
    Ok((result?, best))
}

fn main() -> Done {
    let tiles = match std::env::args_os().nth(1) {
        Some(path) => read_tiles(&fs::read(path)?),
        None => golden_tiles()?,
    };
    let raw_bytes: usize = tiles.iter().map(|tile| tile.values.len() * 4).sum();
    println!("{} tiles, {raw_bytes} bytes raw", tiles.len());

    let (mut image, mut coder) = (Total::default(), Total::default());
    for Counts { rows, cols, values } in &tiles {
        let ordered = DiagonalMode::Ascending.forward(values, *rows, *cols)?;
        let bitmap = binarise(&ordered, *cols)?;
        let limits = Limits { bitmap_bytes: bitmap.bytes().len() };
        image.add(&bitmap, || Ok(jbig::encode(&bitmap)), |bytes| jbig::decode(bytes, &limits))?;
        coder.add(values, || encode_tile(values, *rows, *cols), |bytes| decode_tile(bytes, *rows, *cols))?;
    }
    image.print("JBIG1 alone", raw_bytes);
    coder.print("CMC of u32", raw_bytes);

    for name in ["cmc", "cmc_zstd", "bsc_cmc"] {
        let codec = Registry::global().get(name)?;
        let mut total = Total::default();
        for Counts { rows, cols, values } in &tiles {
            let tile = Tile::from_u32(*rows, *cols, values)?;
            let decode = |bytes: &[u8]| wire::decode(&*codec, bytes, *rows, *cols, tile.dtype());
            total.add(&tile, || wire::encode(&*codec, &tile), decode)?;
        }
        total.print(name, raw_bytes);
    }
    Ok(())
}

fn read_tiles(bytes: &[u8]) -> Vec<Counts> {
    let mut numbers = bytes.as_chunks::<4>().0.iter().map(|&bytes| u32::from_le_bytes(bytes));
    let mut tiles = Vec::new();
    while let (Some(rows), Some(cols)) = (numbers.next(), numbers.next()) {
        let side = |side| usize::try_from(side).unwrap_or(usize::MAX);
        let (rows, cols) = (side(rows), side(cols));
        tiles.push(Counts { rows, cols, values: numbers.by_ref().take(rows * cols).collect() });
    }
    tiles
}

fn golden_tiles() -> Result<Vec<Counts>, Box<dyn Error>> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/vectors/libbsc");
    let manifest: Vec<serde_json::Value> = serde_json::from_slice(&fs::read(folder.join("manifest.json"))?)?;
    let mut tiles = Vec::new();
    // Each tile is there once for each coder of libbsc.
    for entry in manifest.iter().filter(|entry| entry["coder"] == "static" && entry["dtype"] == "<u4") {
        let name = entry["tile"].as_str().ok_or("a tile without name")?;
        let raw = fs::read(folder.join(format!("{name}.raw")))?;
        let side = |key: &str| {
            entry[key].as_u64().and_then(|side| u32::try_from(side).ok()).ok_or("a tile without sides")
        };
        let sides = [side("rows")?, side("cols")?].map(u32::to_le_bytes);
        tiles.extend(read_tiles(&[sides.as_flattened(), &raw].concat()));
    }
    Ok(tiles)
}
