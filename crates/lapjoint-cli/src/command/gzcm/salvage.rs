//! `lapjoint gzcm salvage`.

use std::path::Path;

use gzcm::Registry;
use gzcm::salvage::salvage_file;

use crate::Outcome;

/// Writes what is intact of a file as a new one.
pub(crate) fn salvage(file: &Path, output: &Path) -> Outcome {
    let done = salvage_file(file, output, Registry::global())
        .map_err(|error| format!("{}: {error}", file.display()))?;
    println!(
        "{}: {} regions, {} tiles and {} vectors; {} tiles are lost, {} bytes were passed over",
        output.display(),
        done.regions,
        done.tiles,
        done.vectors,
        done.lost_tiles,
        done.skipped_bytes
    );
    Ok(())
}
