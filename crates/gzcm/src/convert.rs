//! Converters: `.cool`, `.mcool`, `.hic` and coordinate text to GZCM, and back.
//!
//! HDF5 (`.cool`, `.mcool`) is read and written by the pure-Rust crate `hdf5-pure`, without libhdf5; `.hic` by this
//! crate's own reader, from the published specification (<https://github.com/aidenlab/hic-format>).

pub mod input;
pub mod options;
pub mod output;
mod pixel;
mod plan;
mod run;

pub use input::gzcm::GzcmFile;
pub use input::{BATCH_PIXELS, Batches, DEFAULT_CHUNK_PIXELS, OpenOptions, PixelSource, open};
pub use options::{ConvertOptions, Genome};
pub use output::{TextOptions, export_cool, export_text};
pub use pixel::{Chromosome, CountKind, Pixel, Query};
pub use run::{Converted, Progress, convert_source, convert_to_gzcm, convert_with};
