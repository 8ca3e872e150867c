//! `lapjoint gzcm`: Hi-C contact matrices in tiles.

use std::path::{Path, PathBuf};

use gzcm::reader::{self, Reader};

use crate::Outcome;

mod bench;
mod cat;
mod convert;
mod info;
mod salvage;
mod verify;
mod view;

/// The commands of `lapjoint gzcm`.
#[derive(Debug, clap::Subcommand)]
pub(crate) enum Gzcm {
    /// Converts .cool, .mcool, .hic, .gzcm or text to GZCM; a GZCM file also to .cool, .mcool or text, by the output's name.
    Convert(convert::Convert),
    /// Says what a file holds: header, regions, resolutions, codecs with their wire formats, sizes, the picker's choices.
    Info(info::Info),
    /// Reads and decodes every tile. Fails with a list when some are damaged.
    Verify {
        /// GZCM file.
        file: PathBuf,
    },
    /// Writes what is intact of a damaged or unfinished file as a new one, of version 5.1.
    Salvage {
        /// GZCM file.
        file: PathBuf,
        /// The new file.
        output: PathBuf,
    },
    /// Prints the contacts of a region: `chrom1 start1 end1 chrom2 start2 end2 count`.
    Cat(cat::Cat),
    /// Draws a region as a heat map with axes, as PNG.
    View(view::View),
    /// Times every codec on the tiles of a file.
    Bench(bench::Bench),
}

/// Runs a command.
pub(crate) fn run(command: &Gzcm) -> Outcome {
    match command {
        Gzcm::Convert(given) => convert::convert(given),
        Gzcm::Info(given) => info::info(given),
        Gzcm::Verify { file } => verify::verify(file),
        Gzcm::Salvage { file, output } => salvage::salvage(file, output),
        Gzcm::Cat(given) => cat::cat(given),
        Gzcm::View(given) => view::view(given),
        Gzcm::Bench(given) => bench::bench(given),
    }
}

/// What of a file is meant.
#[derive(Debug, clap::Args)]
struct Ranges {
    /// GZCM file.
    file: PathBuf,
    /// Rows: `chrom` or `chrom:start-end`; the file's first region without it.
    range: Option<String>,
    /// Columns; the same as the rows without it.
    range2: Option<String>,
    /// Size of a bin in base pairs, where the file has several.
    #[arg(long, value_name = "BP")]
    bin_size: Option<u64>,
}

/// Opens a file; errors name it.
fn open(file: &Path) -> Result<Reader, Box<dyn std::error::Error>> {
    reader::open(file).map_err(|error| format!("{}: {error}", file.display()).into())
}

/// A size for people.
fn size(bytes: u64) -> String {
    #[expect(clippy::cast_precision_loss, reason = "three digits are shown")]
    let amount = bytes as f64;
    match bytes {
        0..10_000 => format!("{bytes} bytes"),
        10_000..10_000_000 => format!("{:.1} kB", amount / 1e3),
        10_000_000..10_000_000_000 => format!("{:.1} MB", amount / 1e6),
        _ => format!("{:.1} GB", amount / 1e9),
    }
}

/// Lines of cells as columns, the first one to the left, the others to the right.
fn print_table(lines: &[Vec<String>]) {
    let columns = lines.iter().map(Vec::len).max().unwrap_or(0);
    let width = |column: usize| {
        lines.iter().filter_map(|line| line.get(column)).map(|cell| cell.chars().count()).max()
    };
    let widths: Vec<usize> = (0..columns).map(|column| width(column).unwrap_or(0)).collect();
    for line in lines {
        let cells = line.iter().zip(&widths).enumerate().map(|(at, (cell, width))| {
            if at == 0 { format!("{cell:<width$}") } else { format!("{cell:>width$}") }
        });
        println!("{}", cells.collect::<Vec<_>>().join("  ").trim_end());
    }
}
