//! `lapjoint config show`: every setting and where its value comes from.

use std::path::Path;

use lapjoint::store::Config;

use crate::Outcome;

/// Prints the configuration that a folder has. Secrets are masked by the configuration itself.
pub(crate) fn show(place: &Path) -> Outcome {
    let config = Config::discover(place)?;
    match config.file() {
        Some(file) => println!("# file: {}", file.display()),
        None => println!("# no lapjoint.json or datajoint.json found"),
    }
    for entry in config.entries() {
        println!("{:<40} {:<28} {}", entry.key, entry.shown, entry.source);
    }
    for note in config.notes() {
        println!("# {note}");
    }
    Ok(())
}
