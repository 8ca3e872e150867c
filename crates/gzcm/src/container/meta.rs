//! What a file says of itself: versions, chromosomes, regions, layouts, normalisation vectors.

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::tile::{Dtype, MAX_TILE_SIDE};

/// The most bins of an axis: rows and columns of pixels are 32-bit.
pub const MAX_BINS: u64 = 1 << 32;

/// A version of the container.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Version {
    /// One dense row-major array.
    V1,
    /// One dense array of shape `(tile rows, tile cols, tile size, tile size)`.
    V2,
    /// Compressed tiles, indexed in `meta.tiles`.
    V3,
    /// Compressed tiles of several regions, indexed in `meta.regions[].tile_bboxes` in anti-diagonal order.
    V4,
    /// Appended frames with checksums, a binary index at the end; written `"version": 5`.
    V5,
    /// Version 5 with the codecs' wire formats declared; written `"version": 5, "minor": 1`.
    V5_1,
}

impl Version {
    /// All of them.
    pub const ALL: [Self; 6] = [Self::V1, Self::V2, Self::V3, Self::V4, Self::V5, Self::V5_1];

    /// The `version` of the header.
    #[must_use]
    pub const fn major(self) -> u32 {
        match self {
            Self::V1 => 1,
            Self::V2 => 2,
            Self::V3 => 3,
            Self::V4 => 4,
            Self::V5 | Self::V5_1 => 5,
        }
    }

    /// The version of the header's numbers.
    ///
    /// # Errors
    /// For numbers that are no version.
    pub fn from_numbers(major: u64, minor: u64) -> Result<Self> {
        match (major, minor) {
            (1, 0) => Ok(Self::V1),
            (2, 0) => Ok(Self::V2),
            (3, 0) => Ok(Self::V3),
            (4, 0) => Ok(Self::V4),
            (5, 0) => Ok(Self::V5),
            (5, 1) => Ok(Self::V5_1),
            _ => Err(Error::unsupported(
                "container",
                format!("version {major}.{minor}; known: 1 to 5, and 5.1"),
            )),
        }
    }
}

/// A chromosome of the assembly.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Chromosome {
    /// Its name, as in the source.
    pub name: String,
    /// Its length.
    pub length_bp: u64,
}

impl Chromosome {
    /// The bins that cover it.
    #[must_use]
    pub fn bins(&self, bin_size_bp: u64) -> u64 {
        self.length_bp.div_ceil(bin_size_bp.max(1))
    }
}

/// How the tiles of a region are stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Layout {
    /// Every cell of a tile, through a codec of the registry.
    #[serde(rename = "dense-tiled")]
    DenseTiled,
    /// The pixels of a symmetric region by their distance from the diagonal.
    #[serde(rename = "sparse-tiled-intra")]
    SparseTiledIntra,
    /// The rows that have pixels, then each row's columns as deltas.
    #[serde(rename = "sparse-roaring")]
    SparseRoaring,
}

impl Layout {
    /// The published name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::DenseTiled => "dense-tiled",
            Self::SparseTiledIntra => "sparse-tiled-intra",
            Self::SparseRoaring => "sparse-roaring",
        }
    }
}

/// The name of both axes of a region over all chromosomes, one after the other in the file's order.
pub const GENOME: &str = "*";

/// One matrix: a pair of chromosomes, or parts of them, at one resolution.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Region {
    /// The name that it is asked for by, unique in the file.
    pub name: String,
    /// The chromosome of the rows, or [`GENOME`].
    pub chrom1: String,
    /// The chromosome of the columns, or [`GENOME`].
    pub chrom2: String,
    /// The size of a bin.
    pub bin_size_bp: u64,
    /// Where the first row begins on its chromosome.
    #[serde(default)]
    pub start1_bp: u64,
    /// Where the first column begins on its chromosome.
    #[serde(default)]
    pub start2_bp: u64,
    /// The number of rows.
    pub n_rows: u64,
    /// The number of columns.
    pub n_cols: u64,
    /// Whether the matrix equals its transpose: only cells with `col >= row` are stored then, and mirrored on reading.
    pub symmetric: bool,
    /// The type of the elements.
    #[serde(with = "dtype_name")]
    pub dtype: Dtype,
}

impl Region {
    /// A chromosome against itself: symmetric counts.
    #[must_use]
    pub fn intra(chrom: &str, bin_size_bp: u64, n_bins: u64) -> Self {
        Self { symmetric: true, ..Self::inter((chrom, n_bins), (chrom, n_bins), bin_size_bp) }
    }

    /// Two chromosomes, each `(name, number of bins)`, the first's bins as rows: counts.
    #[must_use]
    pub fn inter(rows: (&str, u64), cols: (&str, u64), bin_size_bp: u64) -> Self {
        Self {
            name: format!("{}:{}@{bin_size_bp}", rows.0, cols.0),
            chrom1: rows.0.to_owned(),
            chrom2: cols.0.to_owned(),
            bin_size_bp,
            start1_bp: 0,
            start2_bp: 0,
            n_rows: rows.1,
            n_cols: cols.1,
            symmetric: false,
            dtype: Dtype::U32,
        }
    }

    /// All chromosomes against all, one after the other: symmetric counts.
    #[must_use]
    pub fn genome(chromosomes: &[Chromosome], bin_size_bp: u64) -> Self {
        let bins = chromosomes.iter().map(|chromosome| chromosome.bins(bin_size_bp)).sum();
        Self::intra(GENOME, bin_size_bp, bins)
    }

    /// Whether the numbers can be a matrix.
    ///
    /// # Errors
    /// [`Error::Invalid`] when not.
    pub fn check(&self) -> Result<()> {
        let sides = self.n_rows.min(self.n_cols) > 0 && self.n_rows.max(self.n_cols) <= MAX_BINS;
        if !sides || self.bin_size_bp == 0 {
            let reason = format!(
                "{:?}: ({}, {}) bins of {} bp; each side is 1 to 2^32, and a bin is not empty",
                self.name, self.n_rows, self.n_cols, self.bin_size_bp
            );
            return Err(Error::invalid("region", reason));
        }
        if self.symmetric && (self.n_rows != self.n_cols || self.chrom1 != self.chrom2) {
            let reason = format!("{:?}: symmetric, but its axes differ", self.name);
            return Err(Error::invalid("region", reason));
        }
        Ok(())
    }
}

/// How the tiles of a region were written.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Plan {
    /// The layout.
    pub layout: Layout,
    /// The rows and the columns of a tile; those at the edges have fewer.
    pub tile_size: usize,
    /// The codec of its dense tiles, unless a tile says otherwise.
    pub codec: String,
}

impl Plan {
    /// Whether the numbers can be a plan.
    ///
    /// # Errors
    /// [`Error::Invalid`] when not.
    pub fn check(&self) -> Result<()> {
        if self.tile_size == 0 || self.tile_size > MAX_TILE_SIDE {
            let reason = format!("{}: a tile has 1 to {MAX_TILE_SIDE} rows and columns", self.tile_size);
            return Err(Error::invalid("tile size", reason));
        }
        Ok(())
    }

    /// The tiles along an axis of so many bins.
    #[must_use]
    pub fn tiles_along(&self, bins: u64) -> u64 {
        bins.div_ceil(self.tile_side())
    }

    /// The bins of the tile at a position along an axis of so many bins.
    #[must_use]
    pub fn bins_of_tile(&self, at: u64, bins: u64) -> usize {
        let start = at.saturating_mul(self.tile_side());
        usize::try_from(bins.saturating_sub(start)).unwrap_or(usize::MAX).min(self.tile_size)
    }

    /// The tile size, as wide as bins are.
    #[must_use]
    pub fn tile_side(&self) -> u64 {
        u64::try_from(self.tile_size.max(1)).unwrap_or(u64::MAX)
    }
}

/// Whether counts are divided by the weights of their row and column, or multiplied.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum WeightKind {
    /// balanced = count / (w\[row\] · w\[col\]), as `.hic` and `hic2cool` keep them.
    Divisive,
    /// balanced = count · w\[row\] · w\[col\], as cooler's `weight` does.
    Multiplicative,
}

/// What a normalisation vector is of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct VectorKey {
    /// The normalisation: `weight`, `KR`, `VC`, …
    pub name: String,
    /// The chromosome, or [`GENOME`].
    pub chrom: String,
    /// The resolution.
    pub bin_size_bp: u64,
    /// Divided by, or multiplied with.
    pub kind: WeightKind,
}

/// A normalisation vector: a weight for each bin of a chromosome; NaN for bins that were masked.
#[derive(Debug, Clone, PartialEq)]
pub struct Vector {
    /// What it is of.
    pub key: VectorKey,
    /// The weights, one a bin.
    pub values: Vec<f64>,
}

mod dtype_name {
    use serde::{Deserialize, Deserializer, Serializer};

    use crate::tile::Dtype;

    pub(super) fn serialize<S: Serializer>(dtype: &Dtype, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(dtype.name())
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Dtype, D::Error> {
        let name = String::deserialize(from)?;
        Dtype::parse(&name).map_err(serde::de::Error::custom)
    }
}
