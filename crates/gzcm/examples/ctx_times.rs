//! Sizes and speeds of `ctx` on tiles: `cargo run --release -p gzcm --example ctx_times -- FILE...`.
//!
//! A file holds tiles one behind the other: rows, cols, and whether it lies on the diagonal (i32 little-endian each), then the
//! elements (u32 little-endian, row-major). Sizes are of payloads, and of them with 32 bytes a tile for the shape header and an index.

use std::fs::File;
use std::io::{BufReader, Read};
use std::time::Instant;

use gzcm::ctx::{decode, encode};

/// The next tile: rows, cols, values.
fn tile(file: &mut impl Read) -> std::io::Result<Option<(usize, usize, Vec<u32>)>> {
    let mut head = [0; 12];
    if file.read_exact(&mut head).is_err() {
        return Ok(None);
    }
    let side = |at: usize| head[at..].first_chunk().map_or(0, |side| u32::from_le_bytes(*side) as usize);
    let mut bytes = vec![0; side(0) * side(4) * 4];
    file.read_exact(&mut bytes)?;
    let values =
        bytes.chunks_exact(4).map(|cell| cell.first_chunk().map_or(0, |cell| u32::from_le_bytes(*cell)));
    Ok(Some((side(0), side(4), values.collect())))
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    println!(
        "{:<24} {:>6} {:>12} {:>12} {:>9} {:>9}",
        "file", "tiles", "payloads", "with 32 B", "enc MB/s", "dec MB/s"
    );
    for path in std::env::args_os().skip(1).map(std::path::PathBuf::from) {
        let mut file = BufReader::with_capacity(1 << 20, File::open(&path)?);
        let (mut tiles, mut raw, mut coded, mut encoding, mut decoding) = (0, 0.0, 0, 0.0, 0.0);
        while let Some((rows, cols, values)) = tile(&mut file)? {
            let start = Instant::now();
            let payload = encode(&values, rows, cols)?;
            encoding += start.elapsed().as_secs_f64();
            let start = Instant::now();
            let back = decode(&payload, rows, cols)?;
            decoding += start.elapsed().as_secs_f64();
            if back != values {
                return Err("a tile does not come back".into());
            }
            raw += f64::from(u32::try_from(values.len() * 4)?) / 1e6;
            coded += payload.len();
            tiles += 1;
        }
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let all = coded + tiles * 32;
        println!(
            "{name:<24} {tiles:>6} {coded:>12} {all:>12} {:>9.1} {:>9.1}",
            raw / encoding,
            raw / decoding
        );
    }
    Ok(())
}
