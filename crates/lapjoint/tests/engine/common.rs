//! A database and a file store in a fresh folder.

use std::path::Path;

use lapjoint::Connection;
use lapjoint::store::{Config, LoadOptions};
use tempfile::TempDir;

/// A connection in a fresh folder, which lives as long as the first part.
pub fn fresh() -> (TempDir, Connection) {
    let directory = tempfile::tempdir().unwrap();
    let connection = open(directory.path());
    (directory, connection)
}

/// A connection to the database and store of a folder.
pub fn open(directory: &Path) -> Connection {
    let store = directory.join("store");
    std::fs::create_dir_all(&store).unwrap();
    let mut config = Config::load(&LoadOptions::isolated()).unwrap();
    config.set("stores.default", "main").unwrap();
    config.set("stores.main.protocol", "file").unwrap();
    config.set("stores.main.location", store.to_str().unwrap()).unwrap();
    config.set("download_path", directory.join("downloads").to_str().unwrap()).unwrap();
    Connection::options().config(config).directory(directory.join("database")).open().unwrap()
}

/// Number of objects in the store.
pub fn objects(connection: &Connection) -> usize {
    connection.stores().get(None).unwrap().list("").unwrap().len()
}
