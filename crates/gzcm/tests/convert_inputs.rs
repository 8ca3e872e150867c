//! Every contact and every weight of real files, against what cooler and hictkpy read of them (`fixtures/make_expected.py`).
//!
//! More files than those of the tree are compared when `GZCM_HIC_DATA` names their folder and `GZCM_HIC_EXPECTED` the digests.

#![cfg(feature = "convert")]
#![expect(clippy::unwrap_used, reason = "what fails in a helper of a test fails the test")]

use std::path::{Path, PathBuf};

use gzcm::convert::{OpenOptions, Pixel, PixelSource, Query, open};
use serde_json::Value;

fn tree(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// The count, sum and CRC-32 of contacts.
#[derive(Default)]
struct Digest {
    n: u64,
    sum: f64,
    crc: flate2::Crc,
}

impl Digest {
    fn add(&mut self, pixels: &[Pixel]) {
        for pixel in pixels.iter().filter(|pixel| pixel.count != 0.0) {
            self.n += 1;
            self.sum += pixel.count;
            let mut record = [0; 16];
            record[..4].copy_from_slice(&pixel.bin1.to_le_bytes());
            record[4..8].copy_from_slice(&pixel.bin2.to_le_bytes());
            record[8..].copy_from_slice(&pixel.count.to_le_bytes());
            self.crc.update(&record);
        }
    }
}

fn whole(source: &dyn PixelSource, bin_size_bp: u32, chrom1: usize, chrom2: usize) -> Query {
    let bins = |chrom: usize| 0..u32::try_from(source.chromosomes()[chrom].bins(bin_size_bp.into())).unwrap();
    Query { bin_size_bp, chrom1, bins1: bins(chrom1), chrom2, bins2: bins(chrom2) }
}

/// Compares a file and returns how many contacts were compared.
fn compare(path: &Path, expected: &Value, options: &OpenOptions) -> u64 {
    let source = open(path, options).unwrap();
    let chromosomes: Vec<(String, u64)> =
        source.chromosomes().iter().map(|chrom| (chrom.name.clone(), chrom.length_bp)).collect();
    let wanted: Vec<(String, u64)> = expected["chromosomes"]
        .as_object()
        .unwrap()
        .iter()
        .map(|(name, length)| (name.clone(), length.as_u64().unwrap()))
        .collect();
    assert_eq!(chromosomes, wanted);
    let resolutions = expected["resolutions"].as_object().unwrap();
    let sizes: Vec<String> = source.bin_sizes_bp().iter().map(ToString::to_string).collect();
    assert!(sizes.iter().eq(resolutions.keys()), "{sizes:?}");
    let mut compared = 0;
    for &size in source.bin_sizes_bp() {
        let wanted = &resolutions[&size.to_string()];
        let mut genome = 0;
        for chrom1 in 0..chromosomes.len() {
            for chrom2 in chrom1..chromosomes.len() {
                let query = whole(&*source, size, chrom1, chrom2);
                let mut digest = Digest::default();
                for batch in source.pixels(&query).unwrap() {
                    digest.add(&batch.unwrap());
                }
                let pair = format!("{} {}", chromosomes[chrom1].0, chromosomes[chrom2].0);
                let Some(wanted) = wanted["pairs"].get(&pair) else {
                    assert_eq!(digest.n, 0, "{pair} at {size}");
                    continue;
                };
                assert_eq!(digest.n, wanted["n"].as_u64().unwrap(), "{pair} at {size}");
                let sum = wanted["sum"].as_f64().unwrap();
                assert!((digest.sum - sum).abs() <= sum.abs() * 1e-12, "{pair} at {size}");
                assert_eq!(
                    u64::from(digest.crc.sum()),
                    wanted["crc32"].as_u64().unwrap(),
                    "{pair} at {size}"
                );
                assert!(source.pixels_at_most(&query).unwrap().is_none_or(|most| most >= digest.n));
                genome += digest.n;
            }
        }
        let mut last = None;
        let mut n_genome = 0;
        for batch in source.genome_pixels(size).unwrap() {
            for pixel in batch.unwrap() {
                assert!(last < Some((pixel.bin1, pixel.bin2)));
                last = Some((pixel.bin1, pixel.bin2));
                n_genome += u64::from(pixel.count != 0.0);
            }
        }
        assert_eq!(n_genome, genome);
        compared += genome;
        compare_weights(&*source, size, &wanted["weights"]);
    }
    compared
}

fn compare_weights(source: &dyn PixelSource, size: u32, wanted: &Value) {
    let wanted = wanted.as_object().unwrap();
    let mut names: Vec<&String> = wanted.keys().collect();
    names.sort();
    assert!(source.weight_names(size).unwrap().iter().eq(names), "{:?}", source.weight_names(size));
    for (name, chromosomes) in wanted {
        for (chrom, chromosome) in source.chromosomes().iter().enumerate() {
            let n_bins = usize::try_from(chromosome.bins(size.into())).unwrap();
            // hictkpy gives chromosomes without a vector NaN throughout.
            let values = source.weights(size, name, chrom).unwrap().unwrap_or_else(|| vec![f64::NAN; n_bins]);
            assert_eq!(values.len(), n_bins);
            let mut crc = flate2::Crc::new();
            for value in values {
                let value = if value.is_nan() { f64::from_bits(0x7ff8_0000_0000_0000) } else { value };
                crc.update(&value.to_le_bytes());
            }
            let wanted = chromosomes[&chromosome.name].as_u64().unwrap();
            assert_eq!(u64::from(crc.sum()), wanted, "{name} of {} at {size}", chromosome.name);
        }
    }
}

fn compare_all(folder: &Path, expected: &Path) -> u64 {
    let expected: Value = serde_json::from_slice(&std::fs::read(expected).unwrap()).unwrap();
    let mut compared = 0;
    for (name, expected) in expected.as_object().unwrap() {
        let n = compare(&folder.join(name), expected, &OpenOptions::default());
        println!("{name}: {n} contacts compared");
        compared += n;
    }
    println!("{compared} contacts compared");
    compared
}

#[test]
fn every_contact_of_the_files_in_the_tree() {
    let compared = compare_all(&tree("../../examples/data/hic"), &tree("tests/fixtures/expected.json"));
    assert!(compared > 1_000_000, "{compared}");
}

#[test]
fn every_contact_of_the_small_files() {
    let compared = compare_all(&tree("tests/fixtures"), &tree("tests/fixtures/expected_small.json"));
    assert!(compared > 1_000, "{compared}");
}

#[test]
fn every_contact_of_the_files_that_the_environment_names() {
    let (Some(folder), Some(expected)) =
        (std::env::var_os("GZCM_HIC_DATA"), std::env::var_os("GZCM_HIC_EXPECTED"))
    else {
        return;
    };
    compare_all(Path::new(&folder), Path::new(&expected));
}

#[test]
fn sorting_through_a_temporary_file_changes_nothing() {
    let expected: Value =
        serde_json::from_slice(&std::fs::read(tree("tests/fixtures/expected.json")).unwrap()).unwrap();
    let options = OpenOptions { chunk_pixels: Some(5_000), ..OpenOptions::default() };
    let name = "fly_dm6_100kb_1mb.hic";
    compare(&tree("../../examples/data/hic").join(name), &expected[name], &options);
}

#[test]
fn rectangles_are_the_whole_cut_to_size() {
    for (name, size) in [("fly_dm6_100kb_1mb.hic", 100_000), ("yeast.10kb.cool", 10_000)] {
        let source = open(tree("../../examples/data/hic").join(name), &OpenOptions::default()).unwrap();
        for (chrom1, chrom2) in [(0, 0), (0, 1), (2, 3)] {
            let all = whole(&*source, size, chrom1, chrom2);
            let pixels: Vec<Pixel> = source.pixels(&all).unwrap().flat_map(Result::unwrap).collect();
            let (n1, n2) = (all.bins1.end, all.bins2.end);
            for (bins1, bins2) in
                [(0..1, 0..n2), (n1 / 3..n1 / 2, n2 / 4..n2 / 2), (n1 - 1..n1, n2 - 2..n2), (5..5, 0..9)]
            {
                let query = Query { bins1: bins1.clone(), bins2: bins2.clone(), ..all.clone() };
                let cut: Vec<Pixel> = source.pixels(&query).unwrap().flat_map(Result::unwrap).collect();
                let mut wanted = pixels.clone();
                wanted.retain(|pixel| bins1.contains(&pixel.bin1) && bins2.contains(&pixel.bin2));
                assert_eq!(cut, wanted);
            }
        }
        let beyond = Query { bins1: 0..100_000, ..whole(&*source, size, 0, 0) };
        assert!(source.pixels(&beyond).is_err());
        assert!(source.pixels(&Query { chrom1: 1, ..whole(&*source, size, 0, 0) }).is_err());
        assert!(source.pixels(&Query { bin_size_bp: 7, ..whole(&*source, size, 0, 0) }).is_err());
    }
}
