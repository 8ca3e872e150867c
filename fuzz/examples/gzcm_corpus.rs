//! Writes the corpora of the targets of crate `gzcm`: tiles like those of contact matrices, made here, and the golden vectors of the
//! crate's tests. Usage, at the root: `cargo run --release --manifest-path fuzz/Cargo.toml --example gzcm_corpus`

use std::fs;
use std::path::{Path, PathBuf};

use gzcm::container::meta::{Layout, Region, Vector, VectorKey, Version, WeightKind};
use gzcm::pixel::Pixel;
use gzcm::sparse::{self, Shape};
use gzcm::writer::{CodecChoice, LayoutChoice, PixelOrder, Writer, WriterOptions};
use gzcm::{Dtype, Registry, Tile};

fn save(target: &str, name: &str, bytes: &[u8]) {
    let folder = PathBuf::from("fuzz/corpus").join(target);
    fs::create_dir_all(&folder).expect("a writable corpus");
    fs::write(folder.join(name), bytes).expect("a writable corpus");
}

/// Counts that fall with the distance from the diagonal, with some noise.
fn count(row: usize, col: usize) -> u32 {
    let distance = u32::try_from(row.abs_diff(col)).expect("a small tile");
    let noise = u32::try_from((row * 7919 + col * 104_729) % 11).expect("below 11");
    (noise * 6 / (1 + distance)).saturating_sub(distance / 24)
}

fn tile(rows: usize, cols: usize, dtype: Dtype) -> Tile<'static> {
    let cells = (0..rows * cols).map(|at| count(at / cols, at % cols));
    let bytes: Vec<u8> = match dtype {
        Dtype::F32 => cells.flat_map(|count| (count as f32).to_le_bytes()).collect(),
        Dtype::F64 => cells.flat_map(|count| f64::from(count).to_le_bytes()).collect(),
        _ => cells.flat_map(|count| u64::from(count).to_le_bytes()[..dtype.size_bytes()].to_vec()).collect(),
    };
    Tile::new(rows, cols, dtype, bytes).expect("sides of 1 to 256")
}

/// An input of the targets of tiles.
fn input(choice: usize, dtype: usize, rows: usize, cols: usize, payload: &[u8]) -> Vec<u8> {
    let byte = |value: usize| u8::try_from(value).expect("a small number");
    [&[byte(dtype << 4 | choice), byte(rows - 1), byte(cols - 1)], payload].concat()
}

fn tiles(target: &str, codecs: &[&str]) {
    for (choice, name) in codecs.iter().enumerate() {
        let codec = Registry::global().get(name).expect("a built-in codec");
        for (rows, cols, dtype) in [(1, 1, 2), (64, 64, 2), (33, 70, 2), (1, 37, 0), (20, 20, 6), (64, 9, 1)]
        {
            let tile = tile(rows, cols, Dtype::ALL[dtype]);
            let payload = codec.encode_tile(&tile).expect("counts");
            // The target of lz4 puts the 12 bytes of its own header before the payload.
            let payload = if *name == "lz4" { &payload[12..] } else { &payload };
            let file = format!("{name}_{rows}x{cols}_{}", tile.dtype());
            save(target, &file, &input(choice, dtype, rows, cols, payload));
        }
        let zeros = Tile::new(16, 16, Dtype::U32, vec![0; 1024]).expect("a tile");
        let payload = codec.encode_tile(&zeros).expect("counts");
        let payload = if *name == "lz4" { &payload[12..] } else { &payload };
        save(target, &format!("{name}_zeros"), &input(choice, 2, 16, 16, payload));
    }
}

/// Golden vectors of up to 5 KB.
fn vectors(folder: &str, extension: &str, mut each: impl FnMut(&str, &[u8])) {
    let folder = Path::new("crates/gzcm/tests/vectors").join(folder);
    for entry in fs::read_dir(folder).expect("golden vectors") {
        let path = entry.expect("golden vectors").path();
        if path.extension().is_some_and(|found| found == extension) {
            let bytes = fs::read(&path).expect("a golden vector");
            if bytes.len() <= 5000 {
                each(&path.file_name().expect("a name").to_string_lossy(), &bytes);
            }
        }
    }
}

fn pixels(rows: usize, cols: usize, every: usize) -> Vec<Pixel> {
    let number = |value: usize| u32::try_from(value).expect("a small matrix");
    let cells = (0..rows).flat_map(|row| (row..cols).map(move |col| (row, col)));
    cells
        .filter(|(row, col)| (row * 31 + col * 17) % every == 0)
        .map(|(row, col)| Pixel::count(number(row), number(col), u64::from(count(row, col)) + 1))
        .collect()
}

fn files() {
    let layouts = [
        ("dense", LayoutChoice::Fixed(Layout::DenseTiled)),
        ("sparse", LayoutChoice::Fixed(Layout::SparseTiledIntra)),
        ("roaring", LayoutChoice::Fixed(Layout::SparseRoaring)),
    ];
    for version in Version::ALL {
        for (name, layout) in layouts {
            let options = WriterOptions {
                version,
                tile_size: 32,
                codec: CodecChoice::Named(if version == Version::V4 { "cmc" } else { "zstd" }.to_owned()),
                layout,
                ..WriterOptions::default()
            };
            if version < Version::V4 && name != "dense" {
                continue;
            }
            let mut file = Vec::new();
            let mut writer = Writer::new(&mut file, options).expect("options in range");
            let regions = if version < Version::V4 { 1 } else { 2 };
            for (n, every) in [(40, 5), (70, 90)].into_iter().take(regions) {
                let region = Region::intra(&format!("chr{n}"), 10_000, n);
                writer.start_region(region, PixelOrder::ByRow).expect("a region");
                let n = usize::try_from(n).expect("small");
                writer.push_pixels(&pixels(n, n, every)).expect("pixels");
                writer.end_region().expect("a region");
            }
            if version >= Version::V4 {
                let key = VectorKey {
                    name: "weight".to_owned(),
                    chrom: "chr40".to_owned(),
                    bin_size_bp: 10_000,
                    kind: WeightKind::Multiplicative,
                };
                let vector = Vector { key, values: (0..40).map(f64::from).collect() };
                writer.add_vector(&vector).expect("a vector");
            }
            writer.finish().expect("a file");
            let file_name = format!("{version:?}_{name}").to_lowercase();
            if let Some(raw) = lapjoint_fuzz::matrices::unpacked_index(&file) {
                save("gzcm_container", &format!("{file_name}_index"), &raw);
            }
            save("gzcm_container", &file_name, &file);
        }
    }
}

fn main() {
    tiles("gzcm_lz4", &["lz4"]);
    tiles("gzcm_zstd", &["zstd", "shuffle_zstd"]);
    tiles("gzcm_bsc", &["bsc"]);
    tiles("gzcm_cmc", &["cmc", "cmc_zstd", "bsc_cmc"]);
    if Registry::global().get("ctx").is_ok() {
        tiles("gzcm_ctx", &["ctx"]);
    }
    vectors("libbsc", "bsc", |name, block| {
        // A block says nothing of a shape: 64 x 64 counts are read of it, and the rest by its own length.
        save("gzcm_bsc", name, &input(0, 2, 64, 64, block));
    });
    vectors("jbig85", "jbg", |name, image| save("gzcm_jbig", name, image));
    vectors("jbig85_options", "jbg", |name, image| save("gzcm_jbig", name, image));
    for (choice, distance) in [None, Some(0), Some(1 << 10)].into_iter().enumerate() {
        for (dtype, every) in [(2, 3), (2, 200), (6, 9), (1, 40)] {
            let shape = Shape { rows: 64, cols: 64, dtype: Dtype::ALL[dtype], distance };
            let mut pixels = pixels(64, 64, every);
            for pixel in &mut pixels {
                pixel.bits = match dtype {
                    6 => f64::to_bits(pixel.bits as f64 / if choice == 1 { 3.0 } else { 1.0 }),
                    _ => pixel.bits,
                };
            }
            let payload = sparse::encode(&pixels, &shape).expect("pixels in the tile");
            save(
                "gzcm_sparse",
                &format!("{choice}_{dtype}_{every}"),
                &input(choice, dtype, 64, 64, &payload),
            );
        }
    }
    files();
}
