//! `.cool` and `.mcool`: cooler's schema, versions 2 and 3 (<https://cooler.readthedocs.io/en/latest/schema.html>), read
//! with the pure-Rust HDF5 crate `hdf5-pure`; no libhdf5.
//!
//! Contacts are found through `indexes/chrom_offset` and `indexes/bin1_offset`; of `pixels` only the chunks that hold a
//! query's rows are read. The rows come from the index, so that `pixels/bin1_id` is not read.

mod hdf5;
mod pixels;

use std::path::Path;

use self::hdf5::{Column, Hdf5, Kind};
use super::{Batches, PixelSource, check_query};
use crate::convert::pixel::{Chromosome, CountKind, Query};
use crate::error::{Error, Result};

/// The most chromosomes (scaffolds) of a file.
const MAX_CHROMOSOMES: u64 = 1 << 22;

/// A `.cool` or `.mcool` file.
pub struct CoolFile {
    hdf5: Hdf5,
    format: &'static str,
    chromosomes: Vec<Chromosome>,
    bin_sizes_bp: Vec<u32>,
    matrices: Vec<Matrix>,
}

/// One resolution.
struct Matrix {
    root: String,
    /// Where each chromosome's bins begin in the table of bins; one more at the end.
    chrom_offset: Vec<u32>,
    bin1_offset: Column,
    bin2: Column,
    count: Column,
}

impl CoolFile {
    /// Opens a file.
    ///
    /// # Errors
    /// [`Error::Corrupt`] for what is not cooler's schema, naming the file and the place in it;
    /// [`Error::Unsupported`] for bins of variable size, square (not symmetric) storage and `.scool`.
    pub fn open(path: impl AsRef<Path>) -> Result<Self> {
        let hdf5 = Hdf5::open(path.as_ref())?;
        let (groups, _) = hdf5.members("/")?;
        let has = |name: &str| groups.iter().any(|group| group == name);
        let (format, roots) = if has("pixels") {
            ("cool", vec![String::from("/")])
        } else if has("resolutions") {
            let (names, _) = hdf5.members("/resolutions")?;
            ("mcool", names.into_iter().map(|name| format!("/resolutions/{name}/")).collect())
        } else if has("cells") {
            return Err(hdf5.unsupported("/", "a single-cell file (.scool); take out one cell as a .cool"));
        } else {
            let reason = "neither /pixels (.cool) nor /resolutions (.mcool); this HDF5 file is not cooler's";
            return Err(hdf5.unsupported("/", reason));
        };
        let mut chromosomes: Option<Vec<Chromosome>> = None;
        let mut matrices = Vec::new();
        for root in roots {
            let (bin_size_bp, matrix, chroms) = open_matrix(&hdf5, root)?;
            if chromosomes.get_or_insert_with(|| chroms.clone()) != &chroms {
                return Err(hdf5.corrupt(&matrix.root, "other chromosomes than at the other resolutions"));
            }
            matrices.push((bin_size_bp, matrix));
        }
        matrices.sort_by_key(|(bin_size_bp, _)| *bin_size_bp);
        if matrices.windows(2).any(|pair| pair[0].0 == pair[1].0) {
            return Err(hdf5.corrupt("/resolutions", "one bin size twice"));
        }
        let Some(chromosomes) = chromosomes else { return Err(hdf5.corrupt("/resolutions", "empty")) };
        let (bin_sizes_bp, matrices) = matrices.into_iter().unzip();
        Ok(Self { hdf5, format, chromosomes, bin_sizes_bp, matrices })
    }

    fn matrix(&self, bin_size_bp: u32) -> Result<&Matrix> {
        let at = self.bin_sizes_bp.iter().position(|size| *size == bin_size_bp);
        at.map(|at| &self.matrices[at]).ok_or_else(|| {
            Error::invalid(
                "cool",
                format!("no bins of {bin_size_bp} bp; the file has {:?}", self.bin_sizes_bp),
            )
        })
    }
}

fn open_matrix(hdf5: &Hdf5, root: String) -> Result<(u32, Matrix, Vec<Chromosome>)> {
    let place = |name: &str| format!("{root}{name}");
    let group = if root == "/" { "/" } else { root.trim_end_matches('/') };
    if hdf5.text_attribute(group, "bin-type")?.is_some_and(|kind| kind != "fixed") {
        return Err(hdf5.unsupported(group, "bins of variable size"));
    }
    if hdf5.text_attribute(group, "storage-mode")?.is_some_and(|mode| mode != "symmetric-upper") {
        return Err(hdf5.unsupported(group, "square storage; only symmetric-upper matrices are read"));
    }
    let (names, lengths) = (hdf5.column(&place("chroms/name"))?, hdf5.column(&place("chroms/length"))?);
    if names.len() != lengths.len() || names.len() > MAX_CHROMOSOMES {
        let reason = format!("{} names and {} lengths of chromosomes", names.len(), lengths.len());
        return Err(hdf5.corrupt(&place("chroms"), reason));
    }
    let lengths = lengths.offsets(0, lengths.len())?;
    let chromosomes: Vec<Chromosome> = names
        .strings()?
        .into_iter()
        .zip(lengths)
        .map(|(name, length_bp)| Chromosome { name, length_bp })
        .collect();
    let bin_size = match hdf5.integer_attribute(group, "bin-size")? {
        Some(size) => size,
        // Version 1 files and some writers leave it out: the first bin is whole unless its chromosome has only one.
        None => hdf5.column(&place("bins/end"))?.integers(0, 1)?[0],
    };
    let bin_size_bp = u32::try_from(bin_size)
        .ok()
        .filter(|size| *size > 0)
        .ok_or_else(|| hdf5.corrupt(group, "bin-size"))?;
    let offsets = hdf5.column(&place("indexes/chrom_offset"))?;
    if offsets.len() != chromosomes.len() as u64 + 1 {
        return Err(offsets
            .corrupt(0, format_args!("{} offsets of {} chromosomes", offsets.len(), chromosomes.len())));
    }
    let chrom_offset = offsets.offsets(0, offsets.len())?;
    for (at, (pair, chromosome)) in chrom_offset.windows(2).zip(&chromosomes).enumerate() {
        let n_bins = chromosome.bins(bin_size_bp.into());
        if pair[0].checked_add(n_bins) != Some(pair[1]) {
            let reason =
                format!("{} has {n_bins} bins, but those from {} to {}", chromosome.name, pair[0], pair[1]);
            return Err(offsets.corrupt(at as u64, reason));
        }
    }
    let chrom_offset: Result<Vec<u32>> = chrom_offset
        .into_iter()
        .map(|bin| u32::try_from(bin).map_err(|_| offsets.corrupt(0, "more than 2^32 bins")))
        .collect();
    let chrom_offset = chrom_offset?;
    let n_bins = chrom_offset.last().copied().unwrap_or(0);
    let bin1_offset = hdf5.column(&place("indexes/bin1_offset"))?;
    if chrom_offset[0] != 0 || bin1_offset.len() != u64::from(n_bins) + 1 {
        return Err(bin1_offset.corrupt(0, format_args!("{} offsets of {n_bins} bins", bin1_offset.len())));
    }
    let (bin2, count) = (hdf5.column(&place("pixels/bin2_id"))?, hdf5.column(&place("pixels/count"))?);
    if bin2.len() != count.len() {
        return Err(count.corrupt(0, format_args!("{} counts of {} pixels", count.len(), bin2.len())));
    }
    if matches!(count.kind(), Kind::Text | Kind::Other) {
        return Err(count.corrupt(0, "counts that are no numbers"));
    }
    Ok((bin_size_bp, Matrix { root, chrom_offset, bin1_offset, bin2, count }, chromosomes))
}

impl PixelSource for CoolFile {
    fn format(&self) -> &'static str {
        self.format
    }

    fn chromosomes(&self) -> &[Chromosome] {
        &self.chromosomes
    }

    fn bin_sizes_bp(&self) -> &[u32] {
        &self.bin_sizes_bp
    }

    fn count_kind(&self, bin_size_bp: u32) -> Result<CountKind> {
        Ok(match self.matrix(bin_size_bp)?.count.kind() {
            Kind::Unsigned => CountKind::Unsigned,
            Kind::F32 => CountKind::F32,
            Kind::F64 => CountKind::F64,
            Kind::Signed | Kind::Text | Kind::Other => CountKind::Signed,
        })
    }

    fn weight_names(&self, bin_size_bp: u32) -> Result<Vec<String>> {
        let matrix = self.matrix(bin_size_bp)?;
        let (_, mut names) = self.hdf5.members(&format!("{}bins", matrix.root))?;
        let mut refused = None;
        names.retain(|name| match self.hdf5.column(&format!("{}bins/{name}", matrix.root)) {
            Ok(column) => {
                matches!(column.kind(), Kind::F32 | Kind::F64)
                    && !matches!(name.as_str(), "chrom" | "start" | "end")
            }
            Err(error) => {
                refused = Some(error);
                false
            }
        });
        names.sort();
        refused.map_or(Ok(names), Err)
    }

    fn weights(&self, bin_size_bp: u32, name: &str, chrom: usize) -> Result<Option<Vec<f64>>> {
        let matrix = self.matrix(bin_size_bp)?;
        let path = format!("{}bins/{name}", matrix.root);
        if !self.hdf5.has_dataset(&path) {
            return Ok(None);
        }
        let column = self.hdf5.column(&path)?;
        let (Some(&start), Some(&end)) = (matrix.chrom_offset.get(chrom), matrix.chrom_offset.get(chrom + 1))
        else {
            return Err(Error::invalid("cool", format!("no chromosome of number {chrom}")));
        };
        column.numbers(start.into(), u64::from(end - start)).map(Some)
    }

    fn weights_divide(&self, bin_size_bp: u32, name: &str) -> Result<bool> {
        // hic2cool keeps Juicer's vectors, which divide, under Juicer's names and without the attribute.
        let juicer = matches!(name, "KR" | "VC" | "VC_SQRT" | "SCALE");
        let juicer = juicer || name.starts_with("GW_") || name.starts_with("INTER_");
        let column = self.hdf5.column(&format!("{}bins/{name}", self.matrix(bin_size_bp)?.root))?;
        Ok(juicer || column.is_set("divisive_weights"))
    }

    fn pixels_at_most(&self, query: &Query) -> Result<Option<u64>> {
        check_query("cool", self, query)?;
        let matrix = self.matrix(query.bin_size_bp)?;
        let start = u64::from(matrix.chrom_offset[query.chrom1]);
        let offset = |row: u32| matrix.bin1_offset.offsets(start + u64::from(row), 1);
        let (first, last) = (offset(query.bins1.start)?[0], offset(query.bins1.end)?[0]);
        Ok(Some(last.saturating_sub(first)))
    }

    fn pixels<'a>(&'a self, query: &Query) -> Result<Batches<'a>> {
        check_query("cool", self, query)?;
        let matrix = self.matrix(query.bin_size_bp)?;
        let (at1, at2) = (matrix.chrom_offset[query.chrom1], matrix.chrom_offset[query.chrom2]);
        let shift = |bins: &std::ops::Range<u32>, by: u32| bins.start + by..bins.end + by;
        let bounds = (shift(&query.bins1, at1), shift(&query.bins2, at2));
        Ok(Box::new(pixels::Pixels::new(matrix, bounds.0, bounds.1, (at1, at2))))
    }

    fn genome_pixels_at_most(&self, bin_size_bp: u32) -> Result<Option<u64>> {
        Ok(Some(self.matrix(bin_size_bp)?.bin2.len()))
    }

    fn genome_pixels<'a>(&'a self, bin_size_bp: u32) -> Result<Batches<'a>> {
        let matrix = self.matrix(bin_size_bp)?;
        let n_bins = matrix.chrom_offset.last().copied().unwrap_or(0);
        Ok(Box::new(pixels::Pixels::new(matrix, 0..n_bins, 0..n_bins, (0, 0))))
    }
}
