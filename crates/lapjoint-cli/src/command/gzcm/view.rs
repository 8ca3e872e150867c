//! `lapjoint gzcm view`.

use std::path::PathBuf;

use gzcm::reader::Reader;
use gzcm::view::{Scale, ViewOptions, heat_map};

use super::{Ranges, size};
use crate::Outcome;

/// Bins across a picture that are enough, where the file has several resolutions.
const ENOUGH_BINS: u64 = 400;

/// Options of `lapjoint gzcm view`.
#[derive(Debug, clap::Args)]
pub(crate) struct View {
    #[command(flatten)]
    ranges: Ranges,
    /// Picture; the file's name with the extension .png without it.
    #[arg(long, short)]
    output: Option<PathBuf>,
    /// Colours by the value itself, not by its logarithm.
    #[arg(long)]
    linear: bool,
    /// The value of the darkest colour.
    #[arg(long, value_name = "VALUE")]
    max: Option<f64>,
    /// The longer side of the map, in pixels.
    #[arg(long, default_value_t = 768, value_name = "PIXELS")]
    side: usize,
    /// Draws the map alone.
    #[arg(long)]
    no_axes: bool,
}

/// Draws a region.
pub(crate) fn view(given: &View) -> Outcome {
    let Ranges { file, range, range2, bin_size } = &given.ranges;
    let reader = super::open(file)?;
    let bin_size = bin_size.or_else(|| coarsest(&reader, range.as_deref(), range2.as_deref()));
    let window = reader.locate(range.as_deref(), range2.as_deref(), bin_size)?;
    let options = ViewOptions {
        scale: if given.linear { Scale::Linear } else { Scale::Log },
        most: given.max,
        side_pixels: given.side,
        axes: !given.no_axes,
    };
    let picture = heat_map(&reader, &window, &options)?;
    let output = given.output.clone().unwrap_or_else(|| file.with_extension("png"));
    std::fs::write(&output, &picture).map_err(|error| format!("{}: {error}", output.display()))?;
    let what = &reader.catalog().regions[window.region].region;
    println!(
        "{}: {} by {} bins of {} bp, {}",
        output.display(),
        window.rows.end - window.rows.start,
        window.cols.end - window.cols.start,
        what.bin_size_bp,
        size(u64::try_from(picture.len())?)
    );
    Ok(())
}

/// The largest bins that still give enough of them; the smallest ones when none do.
fn coarsest(reader: &Reader, range: Option<&str>, range2: Option<&str>) -> Option<u64> {
    let sizes = reader.bin_sizes_bp();
    let enough = sizes.iter().rev().copied().find(|size| {
        reader.locate(range, range2, Some(*size)).is_ok_and(|window| {
            let longer = (window.rows.end - window.rows.start).max(window.cols.end - window.cols.start);
            longer >= ENOUGH_BINS
        })
    });
    enough.or_else(|| sizes.iter().copied().find(|size| reader.locate(range, range2, Some(*size)).is_ok()))
}
