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
    open_at(directory, None)
}

/// A connection to the server at an address, or else to the database of a folder, with the folder's store.
pub fn open_at(directory: &Path, url: Option<&str>) -> Connection {
    let store = directory.join("store");
    std::fs::create_dir_all(&store).unwrap();
    let mut config = Config::load(&LoadOptions::isolated()).unwrap();
    config.set("stores.default", "main").unwrap();
    config.set("stores.main.protocol", "file").unwrap();
    config.set("stores.main.location", store.to_str().unwrap()).unwrap();
    config.set("download_path", directory.join("downloads").to_str().unwrap()).unwrap();
    let options = Connection::options().config(config);
    match url {
        Some(url) => options.url(url).open().unwrap(),
        None => options.directory(directory.join("database")).open().unwrap(),
    }
}

/// Number of objects in the store.
pub fn objects(connection: &Connection) -> usize {
    connection.stores().get(None).unwrap().list("").unwrap().len()
}

/// The address of a server for tests, or a word that there is none.
pub fn server(variable: &str) -> Option<String> {
    let url = std::env::var(variable).ok();
    if url.is_none() {
        println!("not run: {variable} is not set");
    }
    url
}
