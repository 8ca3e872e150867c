//! `lapjoint gzcm cat`.

use std::io::{self, BufWriter, Write};

use gzcm::Dtype;
use gzcm::pixel::{Pixel, number_of};
use gzcm::reader::Axis;

use super::Ranges;
use crate::Outcome;

/// Rows that are read at once.
const BAND_ROWS: u64 = 1024;

/// Options of `lapjoint gzcm cat`. Of a range against itself each contact is printed once, as `.cool` files keep it.
#[derive(Debug, clap::Args)]
pub(crate) struct Cat {
    #[command(flatten)]
    ranges: Ranges,
    /// Prints a line with the names of the columns first.
    #[arg(long)]
    header: bool,
    /// Prints contacts of both triangles.
    #[arg(long)]
    fill_lower: bool,
}

/// Prints contacts.
pub(crate) fn cat(given: &Cat) -> Outcome {
    let Ranges { file, range, range2, bin_size } = &given.ranges;
    let reader = super::open(file)?;
    let window = reader.locate(range.as_deref(), range2.as_deref(), *bin_size)?;
    let what = &reader.catalog().regions[window.region].region;
    let once = window.is_symmetric(what) && !given.fill_lower;
    let mut out = BufWriter::new(io::stdout().lock());
    let mut print = || -> Result<(), Box<dyn std::error::Error>> {
        if given.header {
            writeln!(out, "chrom1\tstart1\tend1\tchrom2\tstart2\tend2\tcount")?;
        }
        let mut row = window.rows.start;
        while row < window.rows.end {
            let end = window.rows.end.min((row / BAND_ROWS + 1) * BAND_ROWS);
            let first_col = if once { row } else { window.cols.start };
            for pixel in reader.pixels(window.region, row..end, first_col..window.cols.end)? {
                let Pixel { row, col, bits } = pixel;
                if once && col < row {
                    continue;
                }
                let one = reader.place(window.region, Axis::Rows, row.into())?;
                let two = reader.place(window.region, Axis::Cols, col.into())?;
                let (one, two) = if window.turned { (two, one) } else { (one, two) };
                let count = count(bits, what.dtype);
                writeln!(
                    out,
                    "{}\t{}\t{}\t{}\t{}\t{}\t{count}",
                    one.chrom, one.start_bp, one.end_bp, two.chrom, two.start_bp, two.end_bp
                )?;
            }
            row = end;
        }
        Ok(out.flush()?)
    };
    match print() {
        // Whoever reads the other end, `head` for one, has seen enough.
        Err(error) if is_broken_pipe(&*error) => Ok(()),
        other => other,
    }
}

fn is_broken_pipe(error: &(dyn std::error::Error + 'static)) -> bool {
    error.downcast_ref::<io::Error>().is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe)
}

/// A count as text; integers exactly.
fn count(bits: u64, dtype: Dtype) -> String {
    match dtype {
        Dtype::I64 => bits.cast_signed().to_string(),
        // Shortest digits of the type itself, not of the double it becomes.
        Dtype::F32 => {
            u32::try_from(bits).map_or_else(|_| String::new(), |bits| f32::from_bits(bits).to_string())
        }
        other => number_of(bits, other).to_string(),
    }
}
