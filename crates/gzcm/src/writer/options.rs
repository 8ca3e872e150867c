//! What a writer is told.

use std::sync::Arc;

use serde_json::{Map, Value};

use crate::container::meta::{Chromosome, Layout, Version};
use crate::picker::PickerOptions;
use crate::registry::Registry;

/// Which codec writes the dense tiles.
#[derive(Debug, Clone, PartialEq)]
pub enum CodecChoice {
    /// The codec of this name.
    Named(String),
    /// For each region the one that the picker chooses.
    Adaptive(PickerOptions),
}

/// Which layout a region gets. Versions 1 to 3 know `dense-tiled` alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LayoutChoice {
    /// By the region's fill: sparse ones below [`super::SPARSE_FILL`].
    Auto,
    /// By the region's fill, of the sparse layouts only those that are allowed; `dense-tiled` where none is.
    AutoOf {
        /// Whether `sparse-tiled-intra` may be chosen. Without it, a symmetric region is taken as any other.
        intra: bool,
        /// Whether `sparse-roaring` may be chosen.
        roaring: bool,
    },
    /// This one.
    Fixed(Layout),
}

/// What a writer is told before its first region.
#[derive(Clone)]
pub struct WriterOptions {
    /// The version to write.
    pub version: Version,
    /// The rows and columns of a tile. Sparse layouts take a multiple of it.
    pub tile_size: usize,
    /// Which codec writes the dense tiles.
    pub codec: CodecChoice,
    /// Which layout the regions get.
    pub layout: LayoutChoice,
    /// The chromosomes of the assembly, in order.
    pub chromosomes: Vec<Chromosome>,
    /// The free part of the header: `source_file`, …
    pub metadata: Map<String, Value>,
    /// How many pixels of a region are held before its layout and codec are chosen from them, 16 bytes each. Also
    /// the bound of what is held of pixels in no order.
    pub held_pixels: usize,
    /// Where the codecs are looked up; the process's registry when `None`.
    pub registry: Option<Arc<Registry>>,
}

impl Default for WriterOptions {
    /// Version 5.1, tiles of 256, `zstd`, the layout by fill.
    fn default() -> Self {
        Self {
            version: Version::V5_1,
            tile_size: 256,
            codec: CodecChoice::Named("zstd".to_owned()),
            layout: LayoutChoice::Auto,
            chromosomes: Vec::new(),
            metadata: Map::new(),
            held_pixels: 2 << 20,
            registry: None,
        }
    }
}

impl WriterOptions {
    /// The registry that is told, or the process's.
    #[must_use]
    pub fn registry(&self) -> &Registry {
        self.registry.as_deref().unwrap_or_else(|| Registry::global())
    }
}
