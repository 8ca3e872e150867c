//! What a conversion is told.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::input::{DEFAULT_CHUNK_PIXELS, OpenOptions};
use crate::container::meta::{Layout, Version};
use crate::error::{Error, Result};
use crate::picker::{PickerOptions, Timing, Weights};
use crate::registry::Registry;
use crate::tile::Dtype;
use crate::writer::{CodecChoice, LayoutChoice};

/// How a whole genome is laid out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Genome {
    /// One symmetric region over all chromosomes, at each resolution.
    One,
    /// A region for each pair of chromosomes, at each resolution; versions 4 and up.
    Pairs,
}

/// What [`convert_to_gzcm`](super::convert_to_gzcm) is told: the published arguments under their names, and what they leave open.
#[derive(Clone)]
pub struct ConvertOptions {
    /// `chrom` or `chrom:start-end` of the rows; the whole genome when `None`. `1` finds `chr1` and the reverse.
    pub region1: Option<String>,
    /// The same of the columns; `region1` again when `None`.
    pub region2: Option<String>,
    /// The size of a bin. When `None`, all resolutions go into versions 4 and up, and versions 1 to 3 take the only one.
    pub bin_size_bp: Option<u32>,
    /// The version to write.
    pub version: Version,
    /// The rows and columns of a tile.
    pub tile_size: usize,
    /// The codec of dense tiles, unless `adaptive_codec`.
    pub codec: String,
    /// Whether the picker chooses the codec of each region.
    pub adaptive_codec: bool,
    /// What the picker chooses from; the whole registry when empty.
    pub codec_candidates: Vec<String>,
    /// What the picker's axes count: published as `(decode, size, encode)`.
    pub codec_picker_weights: Weights,
    /// Where the picker's times come from.
    pub codec_picker_timing: Timing,
    /// The layouts of named regions, before any choice. A name is a chromosome, `chrom1:chrom2`, or the region's own.
    pub region_layouts: BTreeMap<String, Layout>,
    /// How many contacts are held at once while sorting an input that is not in order.
    pub chunk_size: usize,
    /// Whether regions with few contacts get a sparse layout (versions 4 and up); else all are `dense-tiled`.
    pub enable_region_layout_picker: bool,
    /// Whether the layout picker may take `sparse-tiled-intra`, which goes by distance from the diagonal.
    pub enable_anti_diagonal_layout: bool,
    /// Whether the layout picker may take `sparse-roaring`.
    pub enable_roaring_row_index: bool,
    /// The type of the elements. When `None`: `float32` in version 1, else `uint32`, or where a count is none, the
    /// input's own type (`int64`, `float32`, `float64`).
    pub dtype: Option<Dtype>,
    /// How a whole genome is laid out.
    pub genome: Genome,
    /// Whether weights and normalisation vectors are carried along.
    pub carry_weights: bool,
    /// How a text is read.
    pub input: OpenOptions,
    /// Where the codecs are looked up; the process's registry when `None`.
    pub registry: Option<Arc<Registry>>,
}

impl Default for ConvertOptions {
    /// Version 3, tiles of 256, `zstd`, all layouts allowed, weights carried along.
    fn default() -> Self {
        Self {
            region1: None,
            region2: None,
            bin_size_bp: None,
            version: Version::V3,
            tile_size: 256,
            codec: String::from("zstd"),
            adaptive_codec: false,
            codec_candidates: Vec::new(),
            codec_picker_weights: Weights::default(),
            codec_picker_timing: Timing::Model,
            region_layouts: BTreeMap::new(),
            chunk_size: DEFAULT_CHUNK_PIXELS,
            enable_region_layout_picker: true,
            enable_anti_diagonal_layout: true,
            enable_roaring_row_index: true,
            dtype: None,
            genome: Genome::One,
            carry_weights: true,
            input: OpenOptions::default(),
            registry: None,
        }
    }
}

impl ConvertOptions {
    pub(super) fn check(&self) -> Result<()> {
        if self.region1.is_none() && self.region2.is_some() {
            return Err(Error::invalid("convert", "region2 without region1"));
        }
        if self.chunk_size == 0 {
            return Err(Error::invalid("convert", "a chunk_size of 0"));
        }
        if self.version < Version::V4 && !self.region_layouts.is_empty() {
            return Err(Error::invalid("convert", "region_layouts need version 4 or 5"));
        }
        Ok(())
    }

    pub(super) fn codec_choice(&self) -> CodecChoice {
        if !self.adaptive_codec {
            return CodecChoice::Named(self.codec.clone());
        }
        CodecChoice::Adaptive(PickerOptions {
            candidates: self.codec_candidates.clone(),
            weights: self.codec_picker_weights,
            timing: self.codec_picker_timing,
            ..PickerOptions::default()
        })
    }

    /// The layout of regions that `region_layouts` does not name.
    pub(super) const fn layout_choice(&self) -> LayoutChoice {
        let (intra, roaring) = (self.enable_anti_diagonal_layout, self.enable_roaring_row_index);
        match (self.enable_region_layout_picker, intra, roaring) {
            (false, _, _) | (true, false, false) => LayoutChoice::Fixed(Layout::DenseTiled),
            (true, true, true) => LayoutChoice::Auto,
            (true, intra, roaring) => LayoutChoice::AutoOf { intra, roaring },
        }
    }
}
