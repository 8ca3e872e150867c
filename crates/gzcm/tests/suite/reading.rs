//! Requests, threads, wire formats, base pairs.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;
use gzcm::container::meta::{Chromosome, Region, Version};
use gzcm::reader::{Axis, CacheSize, Reader, parse_range};
use gzcm::source::RangeRead;
use gzcm::writer::{PixelOrder, Writer, WriterOptions};
use gzcm::{Dtype, Error, Registry, Result, Tile, TileCodec, WireFormat};

use crate::common::{expected, open, options, tidy, write};

/// A store that counts its requests, the one for the length among them.
struct Remote(Bytes, AtomicUsize);

impl RangeRead for Remote {
    fn len_bytes(&self) -> Result<u64> {
        self.1.fetch_add(1, Ordering::Relaxed);
        self.0.len_bytes()
    }

    fn read_range(&self, offset_bytes: u64, length_bytes: usize) -> Result<Bytes> {
        self.1.fetch_add(1, Ordering::Relaxed);
        self.0.read_range(offset_bytes, length_bytes)
    }
}

#[test]
fn opening_and_a_first_window_take_at_most_four_requests() {
    let region = Region::intra("chr1", 1000, 700);
    let pixels = tidy(&region, (0..60_000_u32).map(|at| (at % 700, at.wrapping_mul(2_654_435_761) >> 9, 1)));
    for version in Version::ALL {
        let bytes = write(&region, &pixels, WriterOptions { tile_size: 64, ..options(version, "zstd") });
        let remote = Arc::new(Remote(bytes.into(), AtomicUsize::new(0)));
        let source: Arc<dyn RangeRead> = remote.clone();
        let reader = Reader::new(source, Registry::global(), CacheSize::default()).unwrap();
        let window = reader.pixels(0, 100..160, 300..360).unwrap();
        assert_eq!(window, expected(&region, &pixels, 100..160, 300..360));
        let requests = remote.1.load(Ordering::Relaxed);
        assert!(requests <= 4, "{version:?}: {requests}");
    }
}

#[test]
fn eight_threads_read_the_same_windows_and_tiles_are_decoded_once() {
    let region = Region::intra("chr1", 1000, 400);
    let pixels = tidy(&region, (0..9000_u32).map(|at| (at % 397, at * 31, u64::from(at % 5 + 1))));
    let bytes: Bytes = write(&region, &pixels, options(Version::V5_1, "shuffle_zstd")).into();
    for (size, once) in [
        (CacheSize::Tiles(10_000), true),
        (CacheSize::Tiles(3), false),
        (CacheSize::Bytes(5000), false),
        (CacheSize::Tiles(0), false),
    ] {
        let reader = Reader::new(Arc::new(bytes.clone()), Registry::global(), size).unwrap();
        std::thread::scope(|scope| {
            for thread in 0..8_u64 {
                let (reader, region, pixels) = (&reader, &region, &pixels);
                scope.spawn(move || {
                    for round in 0..12 {
                        let (row, col) = ((thread * 53 + round * 97) % 300, (round * 131) % 300);
                        let (rows, cols) = (row..row + 100, col..col + 90);
                        let wanted = expected(region, pixels, rows.clone(), cols.clone());
                        assert_eq!(reader.pixels(0, rows, cols).unwrap(), wanted);
                    }
                });
            }
        });
        let stats = reader.cache_stats();
        let gzcm::container::catalog::Storage::Tiles(tiles) = &reader.catalog().regions[0].storage else {
            return;
        };
        if once {
            assert_eq!(stats.misses, u64::try_from(stats.tiles).unwrap());
            assert!(stats.misses <= u64::try_from(tiles.len()).unwrap() && stats.hits > stats.misses);
        }
        match size {
            CacheSize::Tiles(most) => assert!(stats.tiles <= most),
            CacheSize::Bytes(most) => assert!(stats.bytes <= most),
        }
    }
}

/// Stores the bytes.
struct Plain(WireFormat);

impl TileCodec for Plain {
    fn name(&self) -> &str {
        "plain"
    }
    fn wire_format(&self) -> WireFormat {
        self.0
    }
    fn encode_tile(&self, tile: &Tile<'_>) -> Result<Vec<u8>> {
        let header = gzcm::codec::shape_header(tile.rows(), tile.cols())?;
        Ok(if self.0 == WireFormat::SelfDescribing {
            [&header, tile.bytes()].concat()
        } else {
            tile.bytes().to_vec()
        })
    }
    fn decode_tile(&self, wire: &[u8], rows: usize, cols: usize, dtype: Dtype) -> Result<Tile<'static>> {
        Tile::new(rows, cols, dtype, gzcm::codec::strip_shape_header(wire, rows, cols)?.to_vec())
    }
}

#[test]
fn a_file_of_another_wire_format_is_refused_and_one_of_an_unknown_codec_opens() {
    let with = |wire_format| {
        let registry = Registry::new();
        registry.register(Arc::new(Plain(wire_format))).unwrap();
        Arc::new(registry)
    };
    let (opaque, own) = (with(WireFormat::OpaquePayload), with(WireFormat::SelfDescribing));
    let region = Region::intra("chr1", 1000, 20);
    let pixels = tidy(&region, (0..20_u32).map(|at| (at, at, 1)));
    let options = WriterOptions { registry: Some(opaque.clone()), ..options(Version::V5_1, "plain") };
    let bytes: Bytes = write(&region, &pixels, options).into();
    let read = |registry: &Registry| Reader::new(Arc::new(bytes.clone()), registry, CacheSize::default());
    assert_eq!(read(&opaque).unwrap().stored_pixels(0).unwrap(), pixels);
    let refused = read(&own).err().unwrap().to_string();
    assert!(
        refused.contains("\"opaque\"") && refused.contains("\"self\"") && refused.contains("plain"),
        "{refused}"
    );
    let unknown = read(Registry::global()).unwrap();
    assert!(
        matches!(unknown.stored_pixels(0).unwrap_err(), Error::UnknownCodec { name, .. } if name == "plain")
    );
}

#[test]
fn windows_by_base_pairs() {
    let chromosomes: Vec<Chromosome> = [("chr1", 5500), ("chr2", 3000)]
        .map(|(name, length_bp)| Chromosome { name: name.to_owned(), length_bp })
        .into();
    let mut bytes = Vec::new();
    let options = WriterOptions { chromosomes: chromosomes.clone(), ..options(Version::V5_1, "zstd") };
    let mut writer = Writer::new(&mut bytes, options).unwrap();
    for region in [Region::genome(&chromosomes, 1000), Region::inter(("chr1", 6), ("chr2", 3), 1000)] {
        writer.start_region(region, PixelOrder::ByRow).unwrap();
        writer.end_region().unwrap();
    }
    writer.finish().unwrap();
    let reader = open(bytes).unwrap();
    let bins = |region, axis, text: &str| {
        let (chrom, start, end) = parse_range(text).unwrap();
        reader.bins(region, axis, chrom, start, end)
    };
    assert_eq!(bins(0, Axis::Rows, "chr1").unwrap(), 0..6);
    assert_eq!(bins(0, Axis::Cols, "chr2:1,500-2,001").unwrap(), 7..9);
    assert_eq!(bins(1, Axis::Cols, "chr2:1000-").unwrap(), 1..3);
    bins(1, Axis::Rows, "chr2").unwrap_err();
    bins(0, Axis::Rows, "chr2:0-3001").unwrap_err();
    bins(0, Axis::Rows, "chr3").unwrap_err();
    assert_eq!(reader.region_of("chr2", "chr1", 1000).unwrap(), (1, true));
    assert_eq!(reader.region_of("chr2", "chr2", 1000).unwrap(), (0, false));
    reader.region_of("chr2", "chr2", 5000).unwrap_err();
    reader.dense(1, 0..7, 0..1).unwrap_err();
}
