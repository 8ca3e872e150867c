//! Coordinate text: `chrom1 pos1 chrom2 pos2 count`, tab-separated, positions in base pairs, as it is read back.

use std::io::Write;

use crate::convert::input::{PixelSource, genome};
use crate::error::{Error, Result};

/// What a text is written with.
#[derive(Debug, Clone, Default)]
pub struct TextOptions {
    /// The size of a bin; may be left out where the source has one only.
    pub bin_size_bp: Option<u32>,
    /// Whether both ends of each bin are written, as `cooler dump --join` does: seven columns.
    pub ends: bool,
}

/// Writes all contacts of a source, in order, one a line. Returns how many.
///
/// # Errors
/// When the source cannot be read, has several resolutions and none is chosen, or the text cannot be written.
pub fn export_text(source: &dyn PixelSource, to: &mut dyn Write, options: &TextOptions) -> Result<u64> {
    let bin_size_bp = match (options.bin_size_bp, source.bin_sizes_bp()) {
        (Some(size), _) => size,
        (None, [size]) => *size,
        (None, sizes) => {
            return Err(Error::invalid("export", format!("the source has bins of {sizes:?} bp; choose one")));
        }
    };
    let offsets = genome::offsets(source, bin_size_bp)?;
    let place = |bin: u32| {
        let chrom = offsets.partition_point(|start| *start <= bin) - 1;
        let chromosome = &source.chromosomes()[chrom];
        let start = u64::from(bin - offsets[chrom]) * u64::from(bin_size_bp);
        (chromosome.name.as_str(), start, (start + u64::from(bin_size_bp)).min(chromosome.length_bp))
    };
    let mut n_pixels = 0;
    let mut to = std::io::BufWriter::with_capacity(1 << 16, to);
    for batch in source.genome_pixels(bin_size_bp)? {
        for pixel in batch? {
            let ((chrom1, start1, end1), (chrom2, start2, end2)) = (place(pixel.bin1), place(pixel.bin2));
            // Rust prints the shortest digits that read back as the same number, and whole numbers without a point.
            let count = pixel.count;
            if options.ends {
                writeln!(to, "{chrom1}\t{start1}\t{end1}\t{chrom2}\t{start2}\t{end2}\t{count}")?;
            } else {
                writeln!(to, "{chrom1}\t{start1}\t{chrom2}\t{start2}\t{count}")?;
            }
            n_pixels += 1;
        }
    }
    to.flush()?;
    Ok(n_pixels)
}
