//! Connections: a database, stores, codecs and configuration that belong together.

use std::collections::{BTreeSet, HashMap};
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use lapjoint_codec::Registry;
use lapjoint_codec::lock::Lock;
use lapjoint_db::{DbError, TableDef, TableId, TransactionMode};
use lapjoint_store::{Config, LoadOptions, Stores};

use crate::bound::BoundTable;
use crate::error::Error;
use crate::lineage::{self, Lineages};
use crate::open::{Opened, open_adapter};
use crate::recovery;
use crate::schema::Schema;
pub(crate) use crate::session::Guard;
use crate::session::{Own, Session};

/// A connection to a database, with the stores and codecs that its tables use. Cheap to clone.
///
/// All threads may use one connection; a transaction belongs to the thread that opened it, and other threads wait.
///
/// ```
/// use lapjoint::{Connection, row};
/// let connection = Connection::in_memory()?;
/// let lab = connection.schema("lab")?;
/// let subject = lab.manual("Subject", "
///     subject_id : int32   # number of the animal
///     ---
///     name : varchar(30)
/// ")?;
/// subject.insert1(row! { "subject_id" => 1, "name" => "Ada" })?;
/// assert_eq!(subject.query().fetch1_as::<String>("name")?, "Ada");
/// # Ok::<(), lapjoint::Error>(())
/// ```
#[derive(Clone)]
pub struct Connection {
    inner: Arc<Inner>,
}

struct Inner {
    /// The session that threads share; those of their own come after it.
    session: Session,
    /// Where the database is, for messages.
    address: String,
    stores: Stores,
    /// The configuration that the database was opened by; the stores' may change.
    opened_by: Config,
    registry: Arc<Registry>,
    tables: Mutex<HashMap<TableId, Arc<BoundTable>>>,
    /// Where attributes come from, by schema.
    lineages: Mutex<HashMap<String, Arc<Lineages>>>,
    /// Schemas that were opened.
    schemas: Mutex<BTreeSet<String>>,
}

/// How to open a connection.
///
/// ```
/// use std::sync::Arc;
/// use lapjoint::{Connection, codec::Registry, store::{Config, LoadOptions}};
/// let mut config = Config::load(&LoadOptions::isolated())?;
/// config.set("stores.default", "scratch")?;
/// config.set("stores.scratch.protocol", "memory")?;
/// let registry = Arc::new(Registry::with_builtins());
/// let connection = Connection::options().config(config).registry(registry).directory(":memory:").open()?;
/// assert_eq!(connection.product()?, "SQLite");
/// assert_eq!(connection.stores().get(None)?.name(), "scratch");
/// # Ok::<(), lapjoint::Error>(())
/// ```
#[derive(Default)]
pub struct ConnectionOptions {
    url: Option<String>,
    stores: Option<Stores>,
    database: Option<Config>,
    registry: Option<Arc<Registry>>,
    directory: Option<PathBuf>,
}

impl ConnectionOptions {
    /// Uses this configuration instead of the one found from the working directory.
    #[must_use]
    pub fn config(self, config: Config) -> Self {
        self.stores(Stores::new(config))
    }

    /// Uses these stores and their configuration, which others may use and change too.
    #[must_use]
    pub fn stores(mut self, stores: Stores) -> Self {
        self.stores = Some(stores);
        self
    }

    /// Opens the database that this configuration names; everything else is read from the shared one as it is when it is needed.
    #[must_use]
    pub fn database(mut self, config: Config) -> Self {
        self.database = Some(config);
        self
    }

    /// Uses these codecs instead of the process-wide ones.
    #[must_use]
    pub fn registry(mut self, registry: Arc<Registry>) -> Self {
        self.registry = Some(registry);
        self
    }

    /// Uses the server at this address, `postgresql://user:password@host:port/database` or the same with `mysql`, whatever the
    /// configuration says. See [`ServerOptions::from_url`](lapjoint_db::ServerOptions::from_url).
    #[must_use]
    pub fn url(mut self, url: impl Into<String>) -> Self {
        self.url = Some(url.into());
        self
    }

    /// Keeps the SQLite databases in this folder, whatever the configuration says.
    #[must_use]
    pub fn directory(mut self, directory: impl Into<PathBuf>) -> Self {
        self.directory = Some(directory.into());
        self
    }

    /// Opens the connection.
    ///
    /// # Errors
    /// [`Error`] when the configuration is wrong or the database cannot be opened.
    pub fn open(self) -> Result<Connection, Error> {
        let stores = match self.stores {
            Some(stores) => stores,
            None => Stores::new(Config::discover(".")?),
        };
        if let Some(url) = self.url {
            stores.update(|config| config.set("database.url", url))?;
        }
        if let Some(directory) = self.directory {
            stores.update(|config| {
                config.set("database.backend", "sqlite")?;
                config.set("database.name", directory.to_string_lossy().into_owned())
            })?;
        }
        let config = self.database.unwrap_or_else(|| stores.config());
        let opened = open_adapter(&config)?;
        let registry = self.registry.unwrap_or_else(|| Arc::clone(Registry::global()));
        if let Some(file) =
            config.text("codecs.lock").or_else(|| stores.read(|config| config.text("codecs.lock")))
        {
            let lock = Lock::read(Path::new(&file)).map_err(|error| Error::usage(error.to_string()))?;
            registry.set_lock(Some((lock, file)));
        }
        Ok(Connection::new(opened, stores, config, registry))
    }
}

impl Connection {
    /// Opens the database that the configuration found from the working directory names.
    ///
    /// # Errors
    /// [`Error`] when the configuration is wrong or the database cannot be opened.
    pub fn open() -> Result<Self, Error> {
        ConnectionOptions::default().open()
    }

    /// Opens SQLite databases in a folder; the rest comes from the configuration.
    ///
    /// # Errors
    /// [`Error`] when the folder cannot be used.
    pub fn open_directory(directory: impl Into<PathBuf>) -> Result<Self, Error> {
        ConnectionOptions::default().directory(directory).open()
    }

    /// Opens the server at an address, `postgresql://user:password@host:port/database` or the same with `mysql`; the rest comes
    /// from the configuration.
    ///
    /// # Errors
    /// [`Error`] when the server cannot be reached.
    pub fn open_url(url: impl Into<String>) -> Result<Self, Error> {
        ConnectionOptions::default().url(url).open()
    }

    /// A database in memory with the built-in defaults, gone when the last clone is dropped.
    ///
    /// # Errors
    /// [`Error`] when SQLite cannot be started.
    pub fn in_memory() -> Result<Self, Error> {
        ConnectionOptions::default()
            .config(Config::load(&LoadOptions::isolated())?)
            .directory(":memory:")
            .open()
    }

    /// How to open a connection with other settings.
    #[must_use]
    pub fn options() -> ConnectionOptions {
        ConnectionOptions::default()
    }

    fn new(opened: Opened, stores: Stores, opened_by: Config, registry: Arc<Registry>) -> Self {
        #[cfg(feature = "wasm")]
        stores.read(|config| lapjoint_wasm::install(&registry, config));
        #[cfg(feature = "gzcm")]
        crate::gzcm::install(&registry);
        Self {
            inner: Arc::new(Inner {
                session: Session::new(opened.adapter),
                address: opened.address,
                stores,
                opened_by,
                registry,
                tables: Mutex::default(),
                lineages: Mutex::default(),
                schemas: Mutex::default(),
            }),
        }
    }

    /// Another connection to the same database, with the same stores and codecs.
    pub(crate) fn another(&self) -> Result<Self, Error> {
        let config = self.inner.opened_by.clone();
        let opened = open_adapter(&config)?;
        let another = Self::new(opened, self.stores().clone(), config, Arc::clone(self.registry()));
        for schema in self.open_schemas() {
            another.lock()?.adapter_mut().open_schema(&schema, false).map_err(Error::db(&schema))?;
        }
        Ok(another)
    }

    /// Runs `work` with a session of the database that is the calling thread's own: it does not wait for the transactions of
    /// other threads, nor they for its. Tables and queries are the same. A database in memory has one session, and threads take
    /// turns.
    ///
    /// ```
    /// # use lapjoint::{Connection, row};
    /// # let folder = tempfile::tempdir()?;
    /// let connection = Connection::open_directory(folder.path())?;
    /// let point = connection.schema("lab")?.manual("Point", "x : int32")?;
    /// std::thread::scope(|scope| {
    ///     let insert = |x: i32| connection.with_own_session(|| point.insert1(row! { "x" => x }));
    ///     let threads: Vec<_> = (0..4).map(|x| scope.spawn(move || insert(x))).collect();
    ///     threads.into_iter().try_for_each(|thread| thread.join().unwrap())
    /// })?;
    /// assert_eq!(point.query().count()?, 4);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// Those of `work`, or [`Error`] when no session can be opened. What is left of a transaction is undone.
    pub fn with_own_session<T>(&self, work: impl FnOnce() -> Result<T, Error>) -> Result<T, Error> {
        if !self.can_have_another() {
            return work();
        }
        let first = &self.inner.session;
        let place = match first.take_free() {
            Some(place) => place,
            None => first.add(open_adapter(&self.inner.opened_by)?.adapter),
        };
        let _own = Own::enter(first, self.identity(), place);
        for schema in self.open_schemas() {
            self.lock()?.adapter_mut().open_schema(&schema, false).map_err(Error::db(&schema))?;
        }
        let done = work();
        if self.in_transaction()? {
            self.cancel_transaction()?;
        }
        done
    }

    /// Closes the sessions that no thread has, and forgets a schema that is to be dropped.
    pub(crate) fn leave_schema(&self, schema: &str) {
        self.inner.session.close_idle();
        self.inner.schemas.lock().unwrap_or_else(PoisonError::into_inner).remove(schema);
    }

    /// What tells this connection from others.
    fn identity(&self) -> usize {
        Arc::as_ptr(&self.inner).addr()
    }

    fn session(&self) -> &Session {
        self.inner.session.of_this_thread(self.identity())
    }

    /// Whether other connections can see the same database: one in memory is this connection's alone.
    pub(crate) fn can_have_another(&self) -> bool {
        !self.inner.address.ends_with(":memory:")
    }

    fn open_schemas(&self) -> Vec<String> {
        self.inner.schemas.lock().unwrap_or_else(PoisonError::into_inner).iter().cloned().collect()
    }

    /// A copy of the configuration as it is now; [`Stores::update`] changes it.
    #[must_use]
    pub fn config(&self) -> Config {
        self.inner.stores.config()
    }

    /// Whether both are clones of one connection.
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.inner, &other.inner)
    }

    /// The configured stores.
    #[must_use]
    pub fn stores(&self) -> &Stores {
        &self.inner.stores
    }

    /// The codecs that tables of this connection are bound to.
    #[must_use]
    pub fn registry(&self) -> &Arc<Registry> {
        &self.inner.registry
    }

    /// An identifier as the database's SQL writes it, in quotes.
    ///
    /// # Errors
    /// [`Error`] when the connection is closed.
    pub fn quote(&self, identifier: &str) -> Result<String, Error> {
        Ok(self.lock()?.adapter().quote(identifier))
    }

    /// Name of the database's product: `SQLite`, `PostgreSQL`, `MySQL` or `MariaDB`.
    ///
    /// # Errors
    /// [`Error`] when the connection cannot be used.
    pub fn product(&self) -> Result<&'static str, Error> {
        Ok(self.lock()?.adapter().capabilities().product)
    }

    /// Where the database is, for messages: `user@host:port`, or `sqlite:folder`.
    #[must_use]
    pub fn address(&self) -> String {
        self.inner.address.clone()
    }

    /// Folder into which a fetch of `<attach>` writes files.
    #[must_use]
    pub fn download_path(&self) -> PathBuf {
        let configured = self.inner.stores.read(|config| config.text("download_path"));
        PathBuf::from(configured.unwrap_or_else(|| ".".into()))
    }

    /// Closes the connection to the database, also for its clones and all tables that it opened. An open transaction is undone.
    pub fn close(&self) {
        self.inner.session.close_all();
    }

    /// Names of the schemas of the database, sorted.
    ///
    /// # Errors
    /// [`Error`] when the database cannot be read.
    pub fn list_schemas(&self) -> Result<Vec<String>, Error> {
        Ok(self.lock()?.adapter_mut().list_schemas()?)
    }

    /// A schema, created when it is missing. What a dead session left unfinished in it is finished or undone first.
    ///
    /// # Errors
    /// [`Error`] when it cannot be opened or recovered.
    pub fn schema(&self, name: &str) -> Result<Schema, Error> {
        self.open_schema(name, true)
    }

    /// A schema that exists already.
    ///
    /// # Errors
    /// [`Error`] when it does not exist, or cannot be recovered.
    pub fn existing_schema(&self, name: &str) -> Result<Schema, Error> {
        self.open_schema(name, false)
    }

    fn open_schema(&self, name: &str, create: bool) -> Result<Schema, Error> {
        self.lock()?
            .adapter_mut()
            .open_schema(name, create)
            .map_err(Error::db(format!("schema `{name}`")))?;
        self.inner.schemas.lock().unwrap_or_else(PoisonError::into_inner).insert(name.to_owned());
        let schema = Schema::new(self.clone(), name.to_owned());
        let recovered = recovery::recover(&schema)?;
        Ok(schema.with_recovered(recovered))
    }

    /// Runs `work` in one transaction: all of it is committed, or nothing. Transactions do not nest.
    ///
    /// ```
    /// # use lapjoint::{Connection, row};
    /// # let connection = Connection::in_memory()?;
    /// # let point = connection.schema("lab")?.manual("Point", "x : int32")?;
    /// let failed = connection.transaction(|| {
    ///     point.insert1(row! { "x" => 1 })?;
    ///     point.insert1(row! { "x" => 1 })
    /// });
    /// assert!(failed.unwrap_err().is_duplicate());
    /// assert_eq!(point.query().count()?, 0);
    /// # Ok::<(), lapjoint::Error>(())
    /// ```
    ///
    /// # Errors
    /// The error of `work`, or of the commit; everything is then undone, uploaded objects too.
    pub fn transaction<T>(&self, work: impl FnOnce() -> Result<T, Error>) -> Result<T, Error> {
        self.transaction_in(TransactionMode::User, work)
    }

    /// Runs `work` in one transaction of a kind.
    pub(crate) fn transaction_in<T>(
        &self,
        mode: TransactionMode,
        work: impl FnOnce() -> Result<T, Error>,
    ) -> Result<T, Error> {
        self.begin(mode)?;
        match work() {
            Ok(value) => {
                self.commit_transaction()?;
                Ok(value)
            }
            Err(error) => match self.cancel_transaction() {
                Ok(()) => Err(error),
                Err(undo) => Err(Error::Undo { source: Box::new(error), undo: undo.to_string() }),
            },
        }
    }

    /// Opens a transaction that belongs to the calling thread until it is committed or cancelled.
    ///
    /// # Errors
    /// [`Error`] when this thread has one open already.
    pub fn start_transaction(&self) -> Result<(), Error> {
        self.begin(TransactionMode::User)
    }

    fn begin(&self, mode: TransactionMode) -> Result<(), Error> {
        let mut guard = self.lock()?;
        if guard.in_transaction() {
            return Err(Error::usage("Nested transactions are not supported."));
        }
        guard.adapter_mut().begin(mode)?;
        guard.state().owner = Some(std::thread::current().id());
        Ok(())
    }

    /// Commits the open transaction.
    ///
    /// # Errors
    /// [`Error`] when the commit fails; everything is then undone.
    pub fn commit_transaction(&self) -> Result<(), Error> {
        let mut guard = self.lock()?;
        if let Err(error) = guard.adapter_mut().commit()
            && !is_committed_all_the_same(&mut guard, &error)
        {
            drop(guard);
            let undone = self.cancel_transaction();
            return Err(match undone {
                Ok(()) => error.into(),
                Err(undo) => Error::Undo { source: Box::new(error.into()), undo: undo.to_string() },
            });
        }
        let state = guard.state();
        state.owner = None;
        let intents = std::mem::take(&mut state.open_intents);
        let failed = std::mem::take(&mut state.open_undo);
        recovery::finish(&mut guard, &intents);
        drop(guard);
        self.session().notify();
        for intent in &failed {
            // The rows are committed; what remains of an insert that failed before waits for the next start.
            if let Err(error) = recovery::undo(self, intent) {
                tracing::warn!(intent = intent.id, %error, "a failed insert could not be undone yet");
            }
        }
        Ok(())
    }

    /// Undoes the open transaction and removes the objects uploaded in it.
    ///
    /// # Errors
    /// [`Error`] when undoing fails; the next start then finishes it.
    pub fn cancel_transaction(&self) -> Result<(), Error> {
        let mut guard = self.lock()?;
        let rolled_back = if guard.in_transaction() { guard.adapter_mut().rollback() } else { Ok(()) };
        let state = guard.state();
        state.owner = None;
        let mut intents = std::mem::take(&mut state.open_intents);
        intents.append(&mut state.open_undo);
        drop(guard);
        self.session().notify();
        // Tables declared in the transaction are gone with it.
        self.forget_tables();
        for intent in &intents {
            recovery::undo(self, intent)?;
        }
        Ok(rolled_back?)
    }

    /// Whether the calling thread has a transaction open.
    ///
    /// # Errors
    /// [`Error`] when the connection cannot be used.
    pub fn in_transaction(&self) -> Result<bool, Error> {
        Ok(self.lock()?.in_transaction())
    }

    /// The adapter, once no other thread has a transaction open.
    pub(crate) fn lock(&self) -> Result<Guard<'_>, Error> {
        Ok(self.session().lock())
    }

    /// A table bound to its codecs, from memory or from the database; `None` when it does not exist.
    pub(crate) fn bound(&self, id: &TableId) -> Result<Option<Arc<BoundTable>>, Error> {
        if let Some(table) = self.inner.tables.lock().unwrap_or_else(PoisonError::into_inner).get(id) {
            return Ok(Some(Arc::clone(table)));
        }
        let loaded = self.lock()?.adapter_mut().load_table(id).map_err(Error::db(id))?;
        loaded.map(|def| self.bind(def)).transpose()
    }

    /// Binds a definition and remembers it.
    pub(crate) fn bind(&self, def: TableDef) -> Result<Arc<BoundTable>, Error> {
        let lineages = lineage::of_schema(self, &def.id)?;
        let table = Arc::new(BoundTable::new(def, &self.inner.registry, &lineages));
        let id = table.def.id.clone();
        let has_unbound = table
            .heading
            .all()
            .iter()
            .any(|attribute| matches!(attribute.storage, crate::heading::Storage::Unbound { .. }));
        // A codec that is missing now may be registered later: such a table is bound anew each time.
        if !has_unbound {
            self.inner.tables.lock().unwrap_or_else(PoisonError::into_inner).insert(id, Arc::clone(&table));
        }
        Ok(table)
    }

    /// The lineages that are remembered.
    pub(crate) fn lineages(&self) -> MutexGuard<'_, HashMap<String, Arc<Lineages>>> {
        self.inner.lineages.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Forgets bound tables, so that they are read from the database again.
    pub fn forget_tables(&self) {
        self.inner.tables.lock().unwrap_or_else(PoisonError::into_inner).clear();
        self.lineages().clear();
    }
}

/// A commit whose answer was lost may be done all the same. Where objects were stored in the transaction, a marker tells.
fn is_committed_all_the_same(guard: &mut Guard<'_>, error: &DbError) -> bool {
    let DbError::Lost { outcome_unknown: true, .. } = error else { return false };
    let Some(intent) = guard.state().open_intents.first().cloned() else { return false };
    recovery::has_marker(guard, &intent).unwrap_or(false)
}

impl fmt::Debug for ConnectionOptions {
    /// Without the address, which may have a password in it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ConnectionOptions")
            .field("stores", &self.stores)
            .field("directory", &self.directory)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connection").finish_non_exhaustive()
    }
}
