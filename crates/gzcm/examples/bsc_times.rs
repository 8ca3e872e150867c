//! Sizes and speeds of the `bsc` block on raw tiles: `cargo run --release -p gzcm --example bsc_times -- FILE...`.
//!
//! A file holds tiles one behind the other: rows, cols, and whether it lies on the diagonal (i32 little-endian each), then the
//! elements (u32 little-endian, row-major). Without files, the tiles of the golden vectors.

use std::path::Path;
use std::time::Instant;

use gzcm::bsc::{Options, decode, encode};

fn tiles(path: &Path) -> Result<Vec<Vec<u8>>, Box<dyn std::error::Error>> {
    let bytes = std::fs::read(path)?;
    if path.extension().is_some_and(|extension| extension == "raw") {
        return Ok(vec![bytes]);
    }
    let (mut rest, mut tiles) = (bytes.as_slice(), Vec::new());
    while let Some((head, after)) = rest.split_first_chunk::<12>() {
        let side = |at: usize| head[at..].first_chunk().map_or(0, |side| u32::from_le_bytes(*side));
        let size = usize::try_from(u64::from(side(0)) * u64::from(side(4)) * 4)?;
        let (tile, after) = after.split_at_checked(size).ok_or("a tile is cut short")?;
        tiles.push(tile.to_vec());
        rest = after;
    }
    Ok(tiles)
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut files: Vec<_> = std::env::args_os().skip(1).map(std::path::PathBuf::from).collect();
    if files.is_empty() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/vectors/libbsc");
        let all = std::fs::read_dir(folder)?.map(|entry| entry.map(|entry| entry.path()));
        files = all.collect::<Result<_, _>>()?;
        files.retain(|file| file.extension().is_some_and(|extension| extension == "raw"));
    }
    println!(
        "{:<40} {:>5} {:>6} {:>12} {:>12} {:>9} {:>9}",
        "file", "lzp", "tiles", "raw bytes", "blocks", "enc MB/s", "dec MB/s"
    );
    for file in files {
        let tiles = tiles(&file)?;
        for lzp in [false, true] {
            let (mut raw, mut coded, mut encoding, mut decoding) = (0, 0, 0.0, 0.0);
            for tile in &tiles {
                let start = Instant::now();
                let block = encode(tile, &Options { lzp })?;
                encoding += start.elapsed().as_secs_f64();
                let start = Instant::now();
                let back = decode(&block, tile.len())?;
                decoding += start.elapsed().as_secs_f64();
                if back != *tile {
                    return Err("a tile does not come back".into());
                }
                raw += u32::try_from(tile.len())?;
                coded += block.len();
            }
            let name = file.file_name().unwrap_or_default().to_string_lossy();
            let speed = |seconds: f64| f64::from(raw) / 1e6 / seconds;
            println!(
                "{name:<40} {lzp:>5} {:>6} {raw:>12} {coded:>12} {:>9.1} {:>9.1}",
                tiles.len(),
                speed(encoding),
                speed(decoding)
            );
        }
    }
    Ok(())
}
