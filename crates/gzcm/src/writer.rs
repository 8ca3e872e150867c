//! The writer: pixels in, a file of any version out, in bounded memory.

mod archive;
pub mod options;
mod plan;
mod sink;
mod spill;
mod stream;
mod tiles;

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;
use std::sync::Arc;

pub use self::options::{CodecChoice, LayoutChoice, WriterOptions};
use self::plan::Planned;
pub use self::plan::SPARSE_FILL;
use self::sink::Sink;
use self::spill::Spill;
pub(crate) use self::stream::{StreamParts, StreamWriter};
use self::tiles::{Codecs, Encoding};
use crate::codec::TileCodec;
use crate::container::meta::{MAX_BINS, Region, Vector, Version};
use crate::error::{Error, Result};
use crate::pixel::{Pixel, read_bits};
use crate::tile::Tile;

/// The codec of tiles that the chosen one does not take.
pub const FALLBACK_CODEC: &str = "shuffle_zstd";
/// Whole rows of tiles are encoded when they have this many pixels: enough to keep all threads at work.
const BATCH_PIXELS: usize = 1 << 19;

/// How the pixels of a region come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PixelOrder {
    /// By row, columns in any order. Rows are checked to the row of tiles.
    ByRow,
    /// In none: they are sorted through a temporary file once they are more than [`WriterOptions::held_pixels`].
    Unsorted,
}

/// Writes a file: regions one after the other, their pixels in batches, normalisation vectors between them.
///
/// ```
/// use gzcm::container::meta::Region;
/// use gzcm::pixel::Pixel;
/// use gzcm::writer::{PixelOrder, Writer, WriterOptions};
///
/// let mut file = Vec::new();
/// let mut writer = Writer::new(&mut file, WriterOptions::default())?;
/// writer.start_region(Region::intra("chr1", 10_000, 300), PixelOrder::ByRow)?;
/// writer.push_pixels(&[Pixel::count(0, 0, 7), Pixel::count(2, 5, 1)])?;
/// writer.end_region()?;
/// writer.finish()?;
/// # Ok::<(), gzcm::Error>(())
/// ```
pub struct Writer<'a> {
    sink: Box<dyn Sink + 'a>,
    options: WriterOptions,
    codecs: Codecs,
    names: BTreeSet<String>,
    vectors: BTreeSet<String>,
    open: Option<Open>,
}

/// A region that is being written.
struct Open {
    region: Region,
    planned: Option<Planned>,
    held: Vec<Pixel>,
    /// Rows before this one are written.
    next_row: u64,
    spill: Option<Spill>,
}

impl Writer<'static> {
    /// Creates a file, in place of one of that name.
    ///
    /// # Errors
    /// As for [`Writer::new`], and the operating system's.
    pub fn create(path: impl AsRef<Path>, options: WriterOptions) -> Result<Self> {
        let file = File::create(path)?;
        Self::new(BufWriter::with_capacity(1 << 18, file), options)
    }
}

impl<'a> Writer<'a> {
    /// Writes to anything that bytes can be appended to. Versions 1 to 4 are written at the end.
    ///
    /// # Errors
    /// For unknown codecs and for options out of range.
    pub fn new(to: impl Write + Send + 'a, options: WriterOptions) -> Result<Self> {
        let registry = options.registry();
        let mut names = match &options.codec {
            CodecChoice::Named(name) => vec![name.clone()],
            CodecChoice::Adaptive(picker) => {
                picker.check()?;
                if picker.candidates.is_empty() { registry.list() } else { picker.candidates.clone() }
            }
        };
        let candidates = names.len();
        if !names.iter().any(|name| name == FALLBACK_CODEC) && registry.get(FALLBACK_CODEC).is_ok() {
            names.push(FALLBACK_CODEC.to_owned());
        }
        let codecs = names.iter().map(|name| registry.get(name)).collect::<Result<Vec<_>>>()?;
        let codecs = Codecs::new(codecs, candidates);
        let sink: Box<dyn Sink + 'a> = if options.version >= Version::V5 {
            let table = |codec: &Arc<dyn TileCodec>| (codec.name().to_owned(), codec.wire_format());
            let parts = StreamParts {
                version: options.version,
                metadata: options.metadata.clone(),
                chromosomes: options.chromosomes.clone(),
                codecs: codecs.iter().map(table).collect(),
            };
            Box::new(stream::StreamSink::new(to, parts)?)
        } else {
            Box::new(archive::ArchiveSink::new(to, &options, names)?)
        };
        let (names, vectors) = (BTreeSet::new(), BTreeSet::new());
        Ok(Self { sink, options, codecs, names, vectors, open: None })
    }

    /// Sets the layout of the regions that begin after this.
    pub const fn set_layout(&mut self, layout: LayoutChoice) {
        self.options.layout = layout;
    }

    /// Begins a region. A symmetric one takes pixels of both triangles; those below the diagonal are mirrored, and a cell
    /// that comes from both is an error.
    ///
    /// # Errors
    /// When one is open, its name is taken, or its numbers cannot be; versions 1 to 3 hold one region.
    pub fn start_region(&mut self, region: Region, order: PixelOrder) -> Result<()> {
        region.check()?;
        if self.open.is_some() {
            return Err(Error::invalid("writer", "the region before is not ended"));
        }
        if self.options.version <= Version::V3 && !self.names.is_empty() {
            let reason =
                format!("version {} holds one region; 4 and 5 hold several", self.options.version.major());
            return Err(Error::invalid("writer", reason));
        }
        if !self.names.insert(region.name.clone()) {
            return Err(Error::invalid("writer", format!("a second region {:?}", region.name)));
        }
        let spill = (order == PixelOrder::Unsorted)
            // Bands are whole rows of the largest tiles.
            .then(|| Spill::new(region.n_rows, 8192, self.options.held_pixels));
        self.open = Some(Open { region, planned: None, held: Vec::new(), next_row: 0, spill });
        Ok(())
    }

    /// Adds pixels to the open region. Zeros are left out.
    ///
    /// # Errors
    /// For a pixel beyond the region, in a row of tiles that is written already, of a value that the type does not hold,
    /// or of a cell that came before.
    pub fn push_pixels(&mut self, pixels: &[Pixel]) -> Result<()> {
        let open = self.open.as_mut().ok_or_else(no_region)?;
        let (region, next_row) = (&open.region, open.next_row);
        let bits = region.dtype.size_bytes() * 8;
        for pixel in pixels {
            let mut pixel = *pixel;
            let inside = u64::from(pixel.row) < region.n_rows && u64::from(pixel.col) < region.n_cols;
            if !inside || (bits < 64 && pixel.bits >> bits != 0) {
                let Pixel { row, col, bits } = pixel;
                let reason = format!(
                    "({row}, {col}) of bits {bits:#x}: beyond the ({}, {}) {} of {:?}",
                    region.n_rows, region.n_cols, region.dtype, region.name
                );
                return Err(Error::invalid("pixels", reason));
            }
            if region.symmetric && pixel.row > pixel.col {
                std::mem::swap(&mut pixel.row, &mut pixel.col);
            }
            if u64::from(pixel.row) < next_row {
                let reason = format!("row {} comes after row {next_row}: not sorted by row", pixel.row);
                return Err(Error::invalid("pixels", reason));
            }
            if pixel.bits == 0 {
                continue;
            }
            match &mut open.spill {
                Some(spill) => spill.push(pixel)?,
                None => open.held.push(pixel),
            }
        }
        self.write_held(false)
    }

    /// Adds the cells of a tile whose first cell is at `(row, col)` of the region: for sources that have tiles. Rows of tiles
    /// come from top to bottom.
    ///
    /// # Errors
    /// As for [`Writer::push_pixels`]; and for a tile of another type than the region's.
    pub fn push_tile(&mut self, row: u32, col: u32, tile: &Tile<'_>) -> Result<()> {
        let open = self.open.as_ref().ok_or_else(no_region)?;
        if open.region.dtype != tile.dtype() {
            let reason = format!("{} where the region is of {}", tile.dtype(), open.region.dtype);
            return Err(Error::invalid("tile", reason));
        }
        let beyond = || Error::invalid("tile", "beyond the region");
        let mut pixels = Vec::new();
        for (at, element) in tile.bytes().chunks_exact(tile.dtype().size_bytes()).enumerate() {
            let bits = read_bits(element);
            if bits != 0 {
                let place = |first: u32, more: usize| {
                    u32::try_from(more).ok().and_then(|more| first.checked_add(more))
                };
                let row = place(row, at / tile.cols()).ok_or_else(beyond)?;
                let col = place(col, at % tile.cols()).ok_or_else(beyond)?;
                pixels.push(Pixel { row, col, bits });
            }
        }
        self.push_pixels(&pixels)
    }

    /// Ends the open region.
    ///
    /// # Errors
    /// As for [`Writer::push_pixels`].
    pub fn end_region(&mut self) -> Result<()> {
        let open = self.open.as_mut().ok_or_else(no_region)?;
        if let Some(mut spill) = open.spill.take() {
            for band in 0..spill.bands() {
                let pixels = spill.take(band)?;
                let open = self.open.as_mut().ok_or_else(no_region)?;
                open.held.extend(pixels);
                open.held.sort_unstable_by_key(|pixel| pixel.row);
                self.write_held(false)?;
            }
        }
        self.write_held(true)?;
        self.open = None;
        Ok(())
    }

    /// Adds a normalisation vector.
    ///
    /// # Errors
    /// For a second one of the same key.
    pub fn add_vector(&mut self, vector: &Vector) -> Result<()> {
        let key = &vector.key;
        if !self.vectors.insert(format!("{}/{}/{}", key.name, key.chrom, key.bin_size_bp)) {
            let reason = format!("a second {:?} of {:?} at {} bp", key.name, key.chrom, key.bin_size_bp);
            return Err(Error::invalid("writer", reason));
        }
        self.sink.vector(vector)
    }

    /// Ends the file; its length in bytes.
    ///
    /// # Errors
    /// When a region is open; versions 1 to 3 need one.
    pub fn finish(self) -> Result<u64> {
        if self.open.is_some() {
            return Err(Error::invalid("writer", "the last region is not ended"));
        }
        if self.names.is_empty() && self.options.version <= Version::V3 {
            return Err(Error::invalid("writer", "versions 1 to 3 hold one region, and there is none"));
        }
        self.sink.finish()
    }

    /// Writes what can be: all at the end; else whole rows of tiles, once there are enough.
    fn write_held(&mut self, all: bool) -> Result<()> {
        let Some(open) = &mut self.open else { return Ok(()) };
        let enough = if open.planned.is_some() { BATCH_PIXELS } else { self.options.held_pixels.max(1) };
        if !all && open.held.len() < enough {
            return Ok(());
        }
        if open.planned.is_none() {
            let planned = plan::plan(&open.region, &open.held, all, &self.options, &self.codecs)?;
            self.sink.start_region(&open.region, &planned.plan, planned.record.clone())?;
            open.planned = Some(planned);
        }
        let Some(Planned { plan, preferred, .. }) = &open.planned else { return Ok(()) };
        let last = open.held.iter().map(|pixel| u64::from(pixel.row)).max().unwrap_or(0);
        // The row of tiles of the last pixel may get more.
        let until = if all { MAX_BINS } else { last / plan.tile_side() * plan.tile_side() };
        let (ready, later): (Vec<Pixel>, Vec<Pixel>) =
            std::mem::take(&mut open.held).into_iter().partition(|pixel| u64::from(pixel.row) < until);
        open.held = later;
        open.next_row = open.next_row.max(until.min(open.region.n_rows));
        let encoding = if self.options.version < Version::V3 {
            Encoding::Elements
        } else {
            Encoding::Wire { codecs: &self.codecs, preferred: *preferred }
        };
        let mut tiles = tiles::split(ready, plan)?.into_iter();
        loop {
            // Dense tiles of few pixels are large: not all at once.
            let some: Vec<_> = tiles.by_ref().take(256).collect();
            if some.is_empty() {
                return Ok(());
            }
            for tile in tiles::encode(some, &open.region, plan, &encoding)? {
                self.sink.tile(tile)?;
            }
        }
    }
}

fn no_region() -> Error {
    Error::invalid("writer", "no region is open")
}
