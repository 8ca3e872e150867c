//! Conversions to GZCM and back: what is read from the output equals what the input has.

#![cfg(feature = "convert")]
#![expect(clippy::unwrap_used, reason = "what fails in a helper of a test fails the test")]

use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use gzcm::container::meta::{Layout, Version};
use gzcm::convert::{
    ConvertOptions, Converted, Genome, OpenOptions, Pixel, PixelSource, Query, TextOptions, convert_to_gzcm,
    convert_with, export_cool, export_text, open,
};
use gzcm::{Dtype, Error};

fn data(name: &str) -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let small = root.join("tests/fixtures").join(name);
    if small.exists() { small } else { root.join("../../examples/data/hic").join(name) }
}

fn genome(source: &dyn PixelSource, size: u32) -> Vec<Pixel> {
    let mut pixels: Vec<Pixel> = source.genome_pixels(size).unwrap().flat_map(Result::unwrap).collect();
    pixels.retain(|pixel| pixel.count != 0.0);
    pixels
}

fn any(path: &Path) -> Box<dyn PixelSource> {
    open(path, &OpenOptions::default()).unwrap()
}

/// Two sources have the same chromosomes, contacts and weights.
fn same(one: &dyn PixelSource, two: &dyn PixelSource) {
    assert_eq!(one.chromosomes(), two.chromosomes());
    assert_eq!(one.bin_sizes_bp(), two.bin_sizes_bp());
    for &size in one.bin_sizes_bp() {
        assert_eq!(genome(one, size), genome(two, size));
        assert_eq!(one.weight_names(size).unwrap(), two.weight_names(size).unwrap());
        for name in one.weight_names(size).unwrap() {
            assert_eq!(
                one.weights_divide(size, &name).unwrap(),
                two.weights_divide(size, &name).unwrap(),
                "{name}"
            );
            for chrom in 0..one.chromosomes().len() {
                let bits = |source: &dyn PixelSource| {
                    let values = source.weights(size, &name, chrom).unwrap().unwrap_or_default();
                    values.iter().map(|v| if v.is_nan() { 1 } else { v.to_bits() }).collect::<Vec<_>>()
                };
                assert_eq!(bits(one), bits(two), "{name}");
            }
        }
    }
}

/// Converts and hands the output to a check.
fn converted(name: &str, options: &ConvertOptions, check: impl FnOnce(&Converted, &Path)) {
    let folder = tempfile::tempdir().unwrap();
    let output = folder.path().join("out.gzcm");
    let converted = convert_to_gzcm(data(name), &output, options).unwrap();
    assert_eq!(converted.size_bytes, std::fs::metadata(&output).unwrap().len());
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    check(&converted, &output);
}

#[test]
fn every_version_holds_the_whole_genome() {
    let source = any(&data("small.cool"));
    for version in Version::ALL {
        for genome in [Genome::One, Genome::Pairs] {
            let options = ConvertOptions { version, genome, ..ConvertOptions::default() };
            converted("small.cool", &options, |converted, output| {
                assert_eq!(converted.n_pixels, 839);
                let pairs = genome == Genome::Pairs && version >= Version::V4;
                assert_eq!(converted.regions.len(), if pairs { 6 } else { 1 });
                assert_eq!(converted.dtype, if version == Version::V1 { Dtype::F32 } else { Dtype::U32 });
                same(&*source, &*any(output));
            });
        }
    }
}

#[test]
fn all_resolutions_and_weights_of_every_format() {
    for name in [
        "small.mcool",
        "small.hic",
        "fly_dm6_100kb_1mb.mcool",
        "fly_dm6_100kb_1mb.hic",
        "hg19_chr22_9res.hic",
    ] {
        let source = any(&data(name));
        let options = ConvertOptions { version: Version::V5_1, ..ConvertOptions::default() };
        converted(name, &options, |converted, output| {
            assert_eq!(converted.regions.len(), source.bin_sizes_bp().len());
            same(&*source, &*any(output));
        });
    }
    let options = ConvertOptions::default();
    let error = convert_to_gzcm(data("small.mcool"), "never.gzcm", &options).unwrap_err().to_string();
    assert!(error.contains("choose one"), "{error}");
}

/// The cells of a rectangle, mirrored where the input has only one half.
fn rectangle(
    source: &dyn PixelSource,
    one: (usize, u32, u32),
    two: (usize, u32, u32),
) -> Vec<(u32, u32, u64)> {
    let mut cells = Vec::new();
    let (chrom1, chrom2) = (one.0.min(two.0), one.0.max(two.0));
    let bins = |chrom: usize| 0..u32::try_from(source.chromosomes()[chrom].bins(50)).unwrap();
    let query = Query { bin_size_bp: 50, chrom1, bins1: bins(chrom1), chrom2, bins2: bins(chrom2) };
    for pixel in source.pixels(&query).unwrap().flat_map(Result::unwrap) {
        let mut ends = vec![((chrom1, pixel.bin1), (chrom2, pixel.bin2))];
        if ends[0].0 != ends[0].1 {
            ends.push((ends[0].1, ends[0].0));
        }
        for (a, b) in ends {
            if a.0 == one.0 && b.0 == two.0 && (one.1..one.2).contains(&a.1) && (two.1..two.2).contains(&b.1)
            {
                cells.push((a.1 - one.1, b.1 - two.1, pixel.count.to_bits()));
            }
        }
    }
    cells.sort_unstable();
    cells
}

#[test]
fn rectangles_of_any_two_ranges() {
    let source = any(&data("small.cool"));
    for (region1, region2, one, two) in [
        ("a", None, (0, 0, 59), (0, 0, 59)),
        ("chra", Some("b"), (0, 0, 59), (1, 0, 23)),
        ("b", Some("a:500-1,510"), (1, 0, 23), (0, 10, 31)),
        ("a:0-1000", Some("a:700-2000"), (0, 0, 20), (0, 14, 40)),
        ("a:1000-2950", Some("a:0-1200"), (0, 20, 59), (0, 0, 24)),
        ("a:225-", None, (0, 4, 59), (0, 4, 59)),
        ("c", None, (2, 0, 2), (2, 0, 2)),
    ] {
        for version in [Version::V3, Version::V4, Version::V5_1] {
            let (region1, region2) = (Some(region1.to_owned()), region2.map(str::to_owned));
            let options = ConvertOptions { region1, region2, version, ..ConvertOptions::default() };
            converted("small.cool", &options, |_, output| {
                let reader = gzcm::reader::open(output).unwrap();
                let region = &reader.catalog().regions[0].region;
                assert_eq!((region.n_rows, region.n_cols), ((one.2 - one.1).into(), (two.2 - two.1).into()));
                assert_eq!(
                    (region.start1_bp, region.start2_bp),
                    (u64::from(one.1) * 50, u64::from(two.1) * 50)
                );
                let mut cells: Vec<_> = reader
                    .pixels(0, 0..region.n_rows, 0..region.n_cols)
                    .unwrap()
                    .iter()
                    .map(|pixel| {
                        (pixel.row, pixel.col, gzcm::pixel::number_of(pixel.bits, region.dtype).to_bits())
                    })
                    .collect();
                cells.sort_unstable();
                assert_eq!(cells, rectangle(&*source, one, two));
            });
        }
    }
    for bad in ["d", "a:5000-6000", "a:9-3", ""] {
        let options = ConvertOptions { region1: Some(bad.to_owned()), ..ConvertOptions::default() };
        convert_to_gzcm(data("small.cool"), "never.gzcm", &options).unwrap_err();
    }
}

#[test]
fn layouts_codecs_and_types_as_told() {
    let source = any(&data("yeast.10kb.cool"));
    let base = ConvertOptions { version: Version::V5_1, genome: Genome::Pairs, ..ConvertOptions::default() };
    let layouts =
        [("chrI".to_owned(), Layout::SparseTiledIntra), ("chrI:chrII".to_owned(), Layout::SparseRoaring)];
    let mut options = ConvertOptions { region_layouts: layouts.into(), adaptive_codec: true, ..base.clone() };
    options.enable_region_layout_picker = false;
    options.codec_candidates = vec!["lz4".to_owned(), "shuffle_zstd".to_owned()];
    options.dtype = Some(Dtype::F64);
    converted("yeast.10kb.cool", &options, |converted, output| {
        assert_eq!(converted.dtype, Dtype::F64);
        let reader = gzcm::reader::open(output).unwrap();
        for entry in &reader.catalog().regions {
            let wanted = match (entry.region.chrom1.as_str(), entry.region.chrom2.as_str()) {
                ("chrI", "chrI") => Layout::SparseTiledIntra,
                ("chrI", "chrII") => Layout::SparseRoaring,
                _ => Layout::DenseTiled,
            };
            assert_eq!(entry.plan.layout, wanted);
            assert!(wanted != Layout::DenseTiled || entry.codec_picker.is_some());
        }
        drop(reader);
        same(&*source, &*any(output));
    });
    let options = ConvertOptions { dtype: Some(Dtype::U8), ..base };
    let error = convert_to_gzcm(data("yeast.10kb.cool"), "never.gzcm", &options).unwrap_err().to_string();
    assert!(error.contains("no uint8"), "{error}");
    assert!(!Path::new("never.gzcm").exists());
}

#[test]
fn counts_that_are_no_u32_get_a_wider_type() {
    let folder = tempfile::tempdir().unwrap();
    let (input, output) = (folder.path().join("in.txt"), folder.path().join("out.gzcm"));
    for (text, dtype) in
        [("a 1 a 5 7\n", Dtype::U32), ("a 1 a 5 -7\n", Dtype::I64), ("a 1 a 5 0.25\n", Dtype::F64)]
    {
        std::fs::write(&input, text).unwrap();
        let options = ConvertOptions { bin_size_bp: Some(1), ..ConvertOptions::default() };
        assert_eq!(convert_to_gzcm(&input, &output, &options).unwrap().dtype, dtype);
    }
}

#[test]
fn progress_is_told_and_a_cancelled_conversion_leaves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let output = folder.path().join("out.gzcm");
    let options = ConvertOptions { version: Version::V5_1, ..ConvertOptions::default() };
    let mut last = 0;
    let mut total = None;
    let whole = convert_with(data("yeast.10kb.cool"), &output, &options, &mut |progress| {
        assert!(progress.done_pixels >= last && progress.n_regions == 1);
        (last, total) = (progress.done_pixels, progress.total_pixels);
        ControlFlow::Continue(())
    })
    .unwrap();
    assert_eq!((last, total), (whole.n_pixels, Some(728_311)));
    std::fs::remove_file(&output).unwrap();
    let error = convert_with(data("yeast.10kb.cool"), &output, &options, &mut |progress| {
        if progress.done_pixels > 200_000 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    });
    assert!(matches!(error, Err(Error::Cancelled(_))));
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[test]
fn back_to_cool_mcool_and_text() {
    let folder = tempfile::tempdir().unwrap();
    for (name, outputs) in [("small.cool", ["a.cool", "a.mcool"]), ("yeast.10kb.cool", ["b.cool", "b.mcool"])]
    {
        let options = ConvertOptions { version: Version::V5_1, ..ConvertOptions::default() };
        converted(name, &options, |converted, gzcm| {
            let source = any(gzcm);
            for output in outputs {
                let output = folder.path().join(output);
                assert_eq!(export_cool(&*source, &output, None).unwrap(), converted.n_pixels);
                same(&*source, &*any(&output));
            }
        });
    }
    let source = any(&data("small.mcool"));
    let (cool, mcool) = (folder.path().join("c.cool"), folder.path().join("c.mcool"));
    assert!(export_cool(&*source, &cool, None).is_err());
    export_cool(&*source, &cool, Some(100)).unwrap();
    export_cool(&*source, &mcool, None).unwrap();
    same(&*source, &*any(&mcool));
    assert_eq!(genome(&*any(&cool), 100), genome(&*source, 100));

    for ends in [false, true] {
        let text = folder.path().join("contacts.txt");
        let options = TextOptions { bin_size_bp: Some(50), ends };
        let n_pixels = export_text(&*source, &mut std::fs::File::create(&text).unwrap(), &options).unwrap();
        let chromosomes = Some(source.chromosomes().to_vec());
        let options = OpenOptions { bin_size_bp: Some(50), chromosomes, ..OpenOptions::default() };
        let again = open(&text, &options).unwrap();
        assert_eq!(genome(&*again, 50), genome(&*source, 50));
        assert_eq!(n_pixels, 839);
    }
}
