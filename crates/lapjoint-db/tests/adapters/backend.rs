//! The databases that the cases run on.

use std::ops::{Deref, DerefMut};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use lapjoint_db::sqlite::{Location, SqliteOptions};
use lapjoint_db::{Adapter, DbError, ServerOptions, SqliteAdapter};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Backend {
    Sqlite,
    Postgres,
    MySql,
}

/// Where a database is, to open another connection to it.
enum Place {
    Folder(tempfile::TempDir),
    Server(ServerOptions),
}

/// A connection with an open schema of its own, dropped with it.
pub struct Db {
    adapter: Box<dyn Adapter>,
    pub backend: Backend,
    pub schema: String,
    schemas: Vec<String>,
    place: Place,
}

/// Runs a case, unless the database is not there.
pub fn run(backend: Backend, case: fn(&mut Db)) {
    match Db::open(backend) {
        Some(mut db) => case(&mut db),
        None => println!("NOT RUN: the environment names no server for {backend:?}"),
    }
}

fn connect(backend: Backend, place: &Place) -> Result<Box<dyn Adapter>, DbError> {
    Ok(match (backend, place) {
        (Backend::Sqlite, Place::Folder(folder)) => {
            let options = SqliteOptions::new(Location::Directory(folder.path().to_owned()));
            Box::new(SqliteAdapter::open(&options.busy_timeout(Duration::from_millis(500)))?)
        }
        #[cfg(feature = "postgres")]
        (Backend::Postgres, Place::Server(options)) => Box::new(lapjoint_db::PostgresAdapter::open(options)?),
        (Backend::MySql, Place::Server(options)) => Box::new(lapjoint_db::MysqlAdapter::open(options)?),
        (backend, _) => panic!("{backend:?} has no adapter"),
    })
}

fn server(variable: &str) -> Option<Place> {
    let address = std::env::var(variable).ok()?;
    Some(Place::Server(ServerOptions::from_url(&address).unwrap().1))
}

/// A name that no other run uses at the same time.
fn unique_name() -> String {
    static COUNTER: AtomicU32 = AtomicU32::new(0);
    let number = COUNTER.fetch_add(1, Ordering::Relaxed);
    format!("kit_{}_{number}", std::process::id())
}

impl Db {
    pub fn open(backend: Backend) -> Option<Self> {
        let place = match backend {
            Backend::Sqlite => Place::Folder(tempfile::tempdir().unwrap()),
            Backend::Postgres => server("LAPJOINT_TEST_POSTGRES")?,
            Backend::MySql => server("LAPJOINT_TEST_MYSQL")?,
        };
        let adapter = connect(backend, &place).unwrap();
        let mut db = Self { adapter, backend, schema: unique_name(), schemas: Vec::new(), place };
        let schema = db.schema.clone();
        db.make_schema(&schema);
        Some(db)
    }

    /// Whether names and comments may hold characters beyond U+FFFF; MySQL's catalogue would make question marks of them.
    pub fn holds_all_of_unicode(&self) -> bool {
        self.backend != Backend::MySql
    }

    /// Whether -0.0 comes back with its sign.
    pub fn has_minus_zero(&self) -> bool {
        self.capabilities().product != "MariaDB"
    }

    /// One more connection to the same database, without an open schema.
    pub fn connect(&self) -> Box<dyn Adapter> {
        connect(self.backend, &self.place).unwrap()
    }

    /// One more connection to the same database, with the schema open.
    pub fn another(&self) -> Box<dyn Adapter> {
        let mut adapter = self.connect();
        for schema in &self.schemas {
            adapter.open_schema(schema, false).unwrap();
        }
        adapter
    }

    /// One more schema, whose name ends with `end`.
    pub fn other_schema(&mut self, end: &str) -> String {
        let name = format!("{}{end}", self.schema);
        self.make_schema(&name);
        name
    }

    fn make_schema(&mut self, name: &str) {
        self.adapter.open_schema(name, true).unwrap();
        self.schemas.push(name.to_owned());
    }

    /// Remembers that a schema has to be dropped at the end.
    pub fn adopt_schema(&mut self, name: &str) {
        self.schemas.push(name.to_owned());
    }
}

impl Deref for Db {
    type Target = dyn Adapter;

    fn deref(&self) -> &Self::Target {
        self.adapter.as_ref()
    }
}

impl DerefMut for Db {
    fn deref_mut(&mut self) -> &mut Self::Target {
        self.adapter.as_mut()
    }
}

impl Drop for Db {
    fn drop(&mut self) {
        if matches!(self.place, Place::Folder(_)) {
            return;
        }
        // The case may have left its connection closed, or in a transaction.
        self.adapter.close();
        let Ok(mut adapter) = connect(self.backend, &self.place) else { return };
        for schema in self.schemas.iter().rev() {
            let _ = adapter.drop_schema(schema);
        }
    }
}
