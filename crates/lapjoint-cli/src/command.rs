//! The commands, one file each.

pub(crate) mod codecs;
pub(crate) mod config;
pub(crate) mod conformance;
pub(crate) mod diagram;
#[cfg(feature = "gzcm")]
pub(crate) mod gzcm;
pub(crate) mod migrate;
pub(crate) mod new;
pub(crate) mod objects;
pub(crate) mod tables;

use std::path::Path;

use indicatif::{ProgressBar, ProgressStyle};
use lapjoint::store::Config;
use lapjoint::{Connection, Error};

/// Opens the database that the configuration of a folder names.
pub(crate) fn open(place: &Path) -> Result<Connection, Error> {
    Connection::options().config(Config::discover(place)?).open()
}

/// A progress bar on the terminal; silent where there is none.
pub(crate) fn progress(total: u64, what: &'static str) -> ProgressBar {
    let bar = ProgressBar::new(total).with_message(what);
    // The template is a constant; were it wrong, the bar would look plain.
    if let Ok(style) = ProgressStyle::with_template("  {msg:<22} {bar:30} {pos}/{len} {elapsed}") {
        bar.set_style(style);
    }
    bar
}
