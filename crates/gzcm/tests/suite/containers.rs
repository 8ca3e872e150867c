//! Every version, codec, dtype and layout: what is written is read, whole and by windows.

use crate::common::{expected, open, options, tidy, write};
use gzcm::container::meta::{Layout, Region, Vector, VectorKey, Version, WeightKind};
use gzcm::pixel::{Pixel, bits_of};
use gzcm::reader::{GzcmReader, GzcmV4Reader};
use gzcm::writer::{CodecChoice, LayoutChoice, PixelOrder, Writer, WriterOptions};
use gzcm::{Dtype, Registry, Tile};
use proptest::prelude::*;

/// Compares all of a region and some windows, dense and as pixels.
fn check(bytes: Vec<u8>, region: &Region, pixels: &[Pixel], windows: &[[u64; 4]]) {
    let reader = open(bytes).unwrap();
    let at = reader.region(&reader.catalog().regions[0].region.name.clone()).unwrap();
    assert_eq!(&reader.catalog().regions[at].region, region);
    assert_eq!(reader.stored_pixels(at).unwrap(), pixels);
    let whole = [0, region.n_rows, 0, region.n_cols];
    for [a, b, c, d] in windows.iter().chain([&whole]) {
        let order = |a: u64, b: u64, bins: u64| {
            let (a, b) = (a % (bins + 1), b % (bins + 1));
            a.min(b)..a.max(b)
        };
        let (rows, cols) = (order(*a, *b, region.n_rows), order(*c, *d, region.n_cols));
        let wanted = expected(region, pixels, rows.clone(), cols.clone());
        assert_eq!(reader.pixels(at, rows.clone(), cols.clone()).unwrap(), wanted);
        let dense = reader.dense(at, rows.clone(), cols.clone()).unwrap();
        let mut places = vec![0_u64; dense.rows * dense.cols];
        for pixel in wanted {
            let (row, col) = (u64::from(pixel.row) - rows.start, u64::from(pixel.col) - cols.start);
            places[usize::try_from(row).unwrap() * dense.cols + usize::try_from(col).unwrap()] = pixel.bits;
        }
        let size = dense.dtype.size_bytes();
        let got: Vec<u64> = dense.bytes.chunks_exact(size).map(gzcm::pixel::read_bits).collect();
        assert_eq!(got, places);
    }
}

fn region(symmetric: bool, rows: u64, cols: u64, dtype: Dtype) -> Region {
    let region = if symmetric {
        Region::intra("chr1", 1000, rows)
    } else {
        Region::inter(("1", rows), ("2", cols), 1000)
    };
    Region { dtype, ..region }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn random_matrices_come_back_from_every_version_and_codec(
        cells in proptest::collection::vec((any::<u32>(), any::<u32>(), 1_u8..9), 0..400),
        (rows, cols) in (1_u64..70, 1_u64..70), symmetric in any::<bool>(),
        dtype in 0_usize..Dtype::ALL.len(), windows in proptest::collection::vec(any::<[u64; 4]>(), 4),
    ) {
        let region = region(symmetric, rows, cols, Dtype::ALL[dtype]);
        let value = |value: u8| bits_of(value.into(), region.dtype).unwrap();
        let pixels = tidy(&region, cells.into_iter().map(|(row, col, v)| (row, col, value(v))));
        for codec in Registry::global().list() {
            for version in Version::ALL {
                // The arrays of versions 1 and 2 are the same for all codecs.
                if version >= Version::V3 || codec == "zstd" {
                    check(write(&region, &pixels, options(version, &codec)), &region, &pixels, &windows);
                }
            }
        }
        for version in [Version::V4, Version::V5, Version::V5_1] {
            let layouts = [Layout::DenseTiled, Layout::SparseRoaring, Layout::SparseTiledIntra];
            for layout in layouts.into_iter().take(if symmetric { 3 } else { 2 }) {
                let options = WriterOptions { layout: LayoutChoice::Fixed(layout), ..options(version, "lz4") };
                check(write(&region, &pixels, options), &region, &pixels, &windows);
            }
        }
    }

    #[test]
    fn any_bits_come_back(
        cells in proptest::collection::vec((any::<u32>(), any::<u32>(), any::<u64>()), 0..60),
        dtype in 0_usize..Dtype::ALL.len(),
    ) {
        let region = region(true, 40, 40, Dtype::ALL[dtype]);
        let mask = u64::MAX >> (64 - 8 * region.dtype.size_bytes());
        let pixels = tidy(&region, cells.into_iter().map(|(row, col, bits)| (row, col, bits & mask)));
        for codec in Registry::global().list() {
            for version in [Version::V3, Version::V4, Version::V5_1] {
                check(write(&region, &pixels, options(version, &codec)), &region, &pixels, &[]);
            }
        }
        let options = WriterOptions { layout: LayoutChoice::Fixed(Layout::SparseRoaring), ..options(Version::V5_1, "lz4") };
        check(write(&region, &pixels, options), &region, &pixels, &[]);
    }

    #[test]
    fn pixels_in_no_order_and_in_small_memory_give_the_same_matrix(
        cells in proptest::collection::vec((any::<u32>(), any::<u32>(), 1_u64..4), 1..300), held in 1_usize..400,
    ) {
        let region = region(true, 300, 300, Dtype::U32);
        let mut pixels = tidy(&region, cells);
        for (version, order) in [(Version::V4, PixelOrder::Unsorted), (Version::V5_1, PixelOrder::Unsorted), (Version::V5_1, PixelOrder::ByRow)] {
            let mut bytes = Vec::new();
            let options = WriterOptions { held_pixels: held, ..options(version, "zstd") };
            let mut writer = Writer::new(&mut bytes, options).unwrap();
            writer.start_region(region.clone(), order).unwrap();
            if order == PixelOrder::Unsorted {
                pixels.sort_unstable_by_key(|pixel| pixel.col.wrapping_mul(0x9e37_79b9) ^ pixel.row);
            } else {
                pixels.sort_unstable();
            }
            for some in pixels.chunks(50) {
                writer.push_pixels(some).unwrap();
            }
            writer.end_region().unwrap();
            writer.finish().unwrap();
            pixels.sort_unstable();
            check(bytes, &region, &pixels, &[]);
        }
    }
}

#[test]
fn edge_shapes_and_values() {
    let max = u64::from(u32::MAX);
    for (rows, cols) in [(1, 1), (1, 33), (33, 1), (16, 16), (17, 15), (5, 5)] {
        for symmetric in [false, true] {
            if symmetric && rows != cols {
                continue;
            }
            let region = region(symmetric, rows, cols, Dtype::U32);
            let corner = (u32::try_from(rows).unwrap() - 1, u32::try_from(cols).unwrap() - 1, max);
            for cells in [vec![], vec![(0, 0, 1)], vec![corner], vec![(0, 0, max), corner]] {
                let pixels = tidy(&region, cells);
                for version in Version::ALL {
                    check(
                        write(&region, &pixels, options(version, "zstd")),
                        &region,
                        &pixels,
                        &[[0, 1, 0, 1]],
                    );
                }
            }
        }
    }
}

#[test]
fn several_regions_resolutions_and_vectors_are_in_one_file() {
    let (a, b) = (Region::intra("chr1", 1000, 90), Region::inter(("chr1", 9), ("chr2", 7), 10_000));
    let (in_a, in_b) =
        (tidy(&a, (0..900_u32).map(|at| (at * 7, at * 13, 3))), tidy(&b, [(3, 4, 5), (8, 6, 1)]));
    let weights = |name: &str, kind| Vector {
        key: VectorKey { name: name.to_owned(), chrom: "chr1".to_owned(), bin_size_bp: 1000, kind },
        values: (0..90).map(|at| if at == 3 { f64::NAN } else { f64::from(at) / 7.0 }).collect(),
    };
    let vectors = [weights("weight", WeightKind::Multiplicative), weights("KR", WeightKind::Divisive)];
    for version in [Version::V4, Version::V5, Version::V5_1] {
        let mut bytes = Vec::new();
        let mut writer = Writer::new(&mut bytes, options(version, "lz4")).unwrap();
        writer.add_vector(&vectors[0]).unwrap();
        for (region, pixels) in [(&a, &in_a), (&b, &in_b)] {
            writer.start_region(region.clone(), PixelOrder::ByRow).unwrap();
            writer.push_pixels(pixels).unwrap();
            writer.end_region().unwrap();
        }
        writer.add_vector(&vectors[1]).unwrap();
        writer.add_vector(&vectors[1]).unwrap_err();
        writer.start_region(a.clone(), PixelOrder::ByRow).unwrap_err();
        writer.finish().unwrap();
        let reader = open(bytes).unwrap();
        assert_eq!(reader.region_of("chr1", "chr1", 1000).unwrap(), (0, false));
        assert_eq!(reader.region_of("chr2", "chr1", 10_000).unwrap(), (1, true));
        assert_eq!(reader.stored_pixels(0).unwrap(), in_a);
        assert_eq!(reader.stored_pixels(1).unwrap(), in_b);
        for (vector, entry) in vectors.iter().zip(&reader.catalog().vectors) {
            let read = reader.vector(entry).unwrap();
            assert_eq!(read.key, vector.key);
            assert!(read.values.iter().zip(&vector.values).all(|(a, b)| a.to_bits() == b.to_bits()));
        }
        let verified = reader.verify().unwrap();
        assert!(verified.damaged.is_empty(), "{:?}", verified.damaged);
        assert_eq!(verified.vectors, 2);
    }
}

#[test]
fn version_4_enumerates_tiles_by_anti_diagonals_and_version_3_row_by_row() {
    let region = Region::intra("chr1", 1000, 64);
    let pixels = tidy(&region, (0..64_u32).flat_map(|row| (row..64).map(move |col| (row, col, 1))));
    let reader = open(write(&region, &pixels, options(Version::V4, "zstd"))).unwrap();
    let boxes = reader.catalog().header.json["meta"]["regions"][0]["tile_bboxes"].as_array().unwrap().clone();
    let order: Vec<(u64, u64)> =
        boxes.iter().map(|b| (b[0].as_u64().unwrap() / 16, b[1].as_u64().unwrap() / 16)).collect();
    let ten = [(0, 0), (0, 1), (0, 2), (1, 1), (0, 3), (1, 2), (1, 3), (2, 2), (2, 3), (3, 3)];
    assert_eq!(order, ten);
    let ends = boxes.windows(2).all(|pair| {
        pair[0][4].as_u64().unwrap() + pair[0][5].as_u64().unwrap() == pair[1][4].as_u64().unwrap()
    });
    assert!(ends, "tiles lie in the order of the index");
    let reader = open(write(&region, &pixels, options(Version::V3, "zstd"))).unwrap();
    let tiles = reader.catalog().header.json["meta"]["tiles"].as_object().unwrap();
    assert_eq!(tiles.keys().take(5).collect::<Vec<_>>(), ["0,0", "0,1", "0,2", "0,3", "1,1"]);
}

#[test]
fn the_arrays_of_versions_1_and_2_are_where_the_header_says() {
    let region = Region { dtype: Dtype::F32, ..Region::intra("chr1", 1000, 20) };
    let bits = |number| bits_of(number, Dtype::F32).unwrap();
    let pixels = tidy(&region, [(0, 0, bits(1.5)), (2, 17, bits(-2.0)), (19, 19, bits(4.0))]);
    for (version, shape, place) in
        [(Version::V1, vec![20, 20], 17 * 20 + 2), (Version::V2, vec![2, 2, 16, 16], 2 * 256 + 16 + 2)]
    {
        let bytes = write(&region, &pixels, options(version, "zstd"));
        let reader = open(bytes.clone()).unwrap();
        let array = &reader.catalog().header.json["arrays"]["matrix"];
        assert_eq!((array["dtype"].as_str(), array["order"].as_str()), (Some("float32"), Some("C")));
        assert_eq!(array["shape"], serde_json::json!(shape));
        let offset = usize::try_from(array["offset"].as_u64().unwrap()).unwrap();
        assert_eq!(offset % 4096, 0);
        // The mirror image of (2, 17).
        assert_eq!(bytes[offset + place * 4..][..4], (-2.0_f32).to_le_bytes());
    }
}

#[test]
fn files_without_our_descriptions_are_read() {
    let header = |json: &serde_json::Value| gzcm::container::header::pack(json.as_object().unwrap()).unwrap();
    let array =
        |shape: &[u64]| serde_json::json!({"dtype": "float32", "shape": shape, "offset": 4096, "order": "C"});
    let metadata = serde_json::json!({"resolution": 10000, "region": "chr1", "source_file": "in.hic"});
    let v1 = serde_json::json!({"version": 1, "metadata": metadata, "arrays": {"matrix": array(&[2, 3])}});
    let values: Vec<u8> = (0..6_u8).flat_map(|at| f32::from(at).to_le_bytes()).collect();
    let reader = open([header(&v1), values].concat()).unwrap();
    assert_eq!(reader.dense(0, 1..2, 1..3).unwrap().numbers(), [4.0, 5.0]);
    let tile = Tile::from_u32(2, 2, &[1, 2, 3, 4]).unwrap();
    let wire = gzcm::wire::encode(&*Registry::global().get("zstd").unwrap(), &tile).unwrap();
    let mut matrix = array(&[2, 2]);
    matrix["dtype"] = "uint32".into();
    let v3 = serde_json::json!({"version": 3, "metadata": metadata, "arrays": {"matrix": matrix},
        "meta": {"codec": "zstd", "tile_size": 2, "tiles": {"0,0": {"offset": 4096, "length": wire.len()}}}});
    let reader = open([header(&v3), wire].concat()).unwrap();
    assert_eq!(reader.dense(0, 0..2, 0..2).unwrap().numbers(), [1.0, 2.0, 3.0, 4.0]);
    assert_eq!(reader.catalog().regions[0].region.chrom1, "chr1");
}

#[test]
fn the_published_readers_open_their_versions_alone() {
    let folder = tempfile::tempdir().unwrap();
    let region = Region::intra("chr1", 1000, 20);
    for version in Version::ALL {
        let path = folder.path().join("file.gzcm");
        std::fs::write(&path, write(&region, &tidy(&region, [(1, 2, 3)]), options(version, "zstd"))).unwrap();
        assert_eq!(GzcmReader::open(&path).is_ok(), version <= Version::V3);
        assert_eq!(GzcmV4Reader::open(&path).is_ok(), version == Version::V4);
        assert_eq!(gzcm::reader::open(&path).unwrap().stored_pixels(0).unwrap(), [Pixel::count(1, 2, 3)]);
    }
}

#[test]
fn the_layout_is_by_fill_and_the_picker_is_recorded_and_repeatable() {
    let (sparse, full) = (Region::intra("s", 1000, 400), Region::intra("f", 1000, 40));
    let few = tidy(&sparse, (0..400_u32).map(|at| (at, at + 1, 1)));
    let many = tidy(
        &full,
        (0..40_u32).flat_map(|row| (row..40).map(move |col| (row, col, u64::from(col - row + 1)))),
    );
    for version in [Version::V4, Version::V5_1] {
        let file = || {
            let mut bytes = Vec::new();
            let codec = CodecChoice::Adaptive(gzcm::picker::PickerOptions::default());
            let mut writer =
                Writer::new(&mut bytes, WriterOptions { codec, ..options(version, "zstd") }).unwrap();
            for (region, pixels) in [(&sparse, &few), (&full, &many)] {
                writer.start_region(region.clone(), PixelOrder::ByRow).unwrap();
                writer.push_pixels(pixels).unwrap();
                writer.end_region().unwrap();
            }
            writer.finish().unwrap();
            bytes
        };
        let bytes = file();
        assert_eq!(bytes, file());
        let reader = open(bytes).unwrap();
        let [first, second] = reader.catalog().regions.as_slice() else { panic!("two regions") };
        assert_eq!((first.plan.layout, &first.codec_picker), (Layout::SparseTiledIntra, &None));
        assert_eq!(second.plan.layout, Layout::DenseTiled);
        let record = second.codec_picker.as_ref().unwrap();
        assert_eq!(record["winner"], second.plan.codec.as_str());
        assert_eq!(record["weights"], serde_json::json!({"decode": 0.5, "size": 0.3, "encode": 0.2}));
        assert!(record["candidates"].as_object().unwrap().len() >= 3);
        if version == Version::V4 {
            assert_eq!(&reader.catalog().header.json["meta"]["codec_picker"]["f:f@1000"], record);
        }
        assert_eq!(reader.stored_pixels(0).unwrap(), few);
        assert_eq!(reader.stored_pixels(1).unwrap(), many);
    }
}

#[test]
fn what_cannot_be_written_is_refused() {
    let region = Region::intra("chr1", 1000, 20);
    let start = |options: WriterOptions| {
        let mut writer = Writer::new(std::io::sink(), options).unwrap();
        writer.start_region(region.clone(), PixelOrder::ByRow).unwrap();
        writer
    };
    let mut writer = start(options(Version::V5_1, "zstd"));
    for bad in [Pixel::count(20, 0, 1), Pixel::count(0, 20, 1), Pixel::count(0, 0, 1 << 32)] {
        writer.push_pixels(&[bad]).unwrap_err();
    }
    // The same cell from both triangles.
    writer.push_pixels(&[Pixel::count(1, 2, 1), Pixel::count(2, 1, 1)]).unwrap();
    assert!(writer.end_region().unwrap_err().to_string().contains("twice"));
    let dense = LayoutChoice::Fixed(Layout::DenseTiled);
    let mut writer = start(WriterOptions { held_pixels: 1, layout: dense, ..options(Version::V5_1, "zstd") });
    writer.push_pixels(&[Pixel::count(17, 17, 1)]).unwrap();
    writer.push_pixels(&[Pixel::count(0, 0, 1)]).unwrap_err();
    let mut writer = start(options(Version::V3, "zstd"));
    writer.end_region().unwrap();
    writer.start_region(Region::intra("chr2", 1000, 5), PixelOrder::ByRow).unwrap_err();
    let unknown = Writer::new(std::io::sink(), options(Version::V4, "none such"));
    assert!(unknown.is_err_and(|error| error.to_string().contains("zstd")));
    let fixed =
        |layout| WriterOptions { layout: LayoutChoice::Fixed(layout), ..options(Version::V3, "zstd") };
    let mut writer = start(fixed(Layout::SparseRoaring));
    writer.end_region().unwrap_err();
}
