//! Choice of the database adapter from the configuration.

use std::path::PathBuf;

use lapjoint_db::sqlite::{Location, SqliteOptions};
use lapjoint_db::{Adapter, SqliteAdapter};
use lapjoint_store::Config;

use crate::error::Error;

/// Opens the adapter that `database.backend` names.
pub(crate) fn open_adapter(config: &Config) -> Result<Box<dyn Adapter>, Error> {
    let backend = config.text("database.backend").unwrap_or_else(|| "sqlite".into());
    if backend != "sqlite" {
        return Err(Error::usage(format!(
            "database.backend is `{backend}`; this build has the adapter `sqlite` (PostgreSQL and MySQL are planned). \
             Set database.backend to `sqlite` and database.name to a folder"
        )));
    }
    let name = config.text("database.name").filter(|name| !name.is_empty()).unwrap_or_else(|| ".".into());
    let location =
        if name == ":memory:" { Location::Memory } else { Location::Directory(PathBuf::from(name)) };
    let adapter = SqliteAdapter::open(&SqliteOptions::new(location))?;
    Ok(Box::new(adapter))
}
