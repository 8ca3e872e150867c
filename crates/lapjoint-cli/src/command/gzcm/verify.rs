//! `lapjoint gzcm verify`.

use std::path::Path;

use crate::Outcome;

/// Verifies a file.
pub(crate) fn verify(file: &Path) -> Outcome {
    let reader = super::open(file)?;
    let found = reader.verify()?;
    println!(
        "{}: {} tiles with {} contacts and {} vectors are as they were written",
        file.display(),
        found.tiles,
        found.pixels,
        found.vectors
    );
    for damage in &found.damaged {
        println!("DAMAGED {damage}");
    }
    match found.damaged.len() {
        0 => Ok(()),
        1 => Err("one part is damaged".into()),
        count => Err(format!("{count} parts are damaged").into()),
    }
}
