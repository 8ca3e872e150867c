//! Tables: the handle that users hold.

use std::sync::Arc;

use lapjoint_db::{InsertMode, TableId};
use lapjoint_types::naming::Tier;

use crate::alter::{self, Alteration};
use crate::bound::BoundTable;
use crate::declare::References;
use crate::describe;
use crate::drop;
use crate::error::Error;
use crate::heading::Heading;
use crate::insert;
use crate::query::{DeleteOptions, DeleteReport, Query};
use crate::row::Row;
use crate::schema::Schema;
use crate::update;
use crate::watch::Watch;

/// Options of an insert.
///
/// ```
/// # use lapjoint::InsertOptions;
/// # use lapjoint::{Connection, row};
/// # let connection = Connection::in_memory()?;
/// # let lab = connection.schema("lab")?;
/// # let point = lab.manual("Point", "x : int32\n---\ny = 0 : float64")?;
/// let skip = InsertOptions::new().skip_duplicates().ignore_extra_fields();
/// point.insert_with([row! { "x" => 1, "other" => "ignored" }, row! { "x" => 1 }], &skip)?;
/// assert_eq!(point.query().count()?, 1);
/// # Ok::<(), lapjoint::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct InsertOptions {
    pub(crate) mode: InsertMode,
    pub(crate) ignore_extra_fields: bool,
    pub(crate) allow_direct_insert: bool,
    pub(crate) watch: Option<Watch>,
    pub(crate) rows_total: Option<u64>,
}

impl Default for InsertOptions {
    fn default() -> Self {
        Self {
            mode: InsertMode::Error,
            ignore_extra_fields: false,
            allow_direct_insert: false,
            watch: None,
            rows_total: None,
        }
    }
}

impl InsertOptions {
    /// Refuses rows whose key is there, and attributes that the table lacks.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Keeps the existing row where a key is there already.
    #[must_use]
    pub const fn skip_duplicates(mut self) -> Self {
        self.mode = InsertMode::SkipDuplicates;
        self
    }

    /// Replaces the existing row where a key is there already.
    #[must_use]
    pub const fn replace(mut self) -> Self {
        self.mode = InsertMode::Replace;
        self
    }

    /// Ignores attributes that the table lacks.
    #[must_use]
    pub const fn ignore_extra_fields(mut self) -> Self {
        self.ignore_extra_fields = true;
        self
    }

    /// Says how many rows there are, for who looks on.
    #[must_use]
    pub const fn rows_total(mut self, rows: u64) -> Self {
        self.rows_total = Some(rows);
        self
    }

    /// Lets a function look on, which may stop the insert.
    #[must_use]
    pub fn watch(mut self, watch: Watch) -> Self {
        self.watch = Some(watch);
        self
    }

    /// Inserts into an imported or computed table from outside of its computation.
    #[must_use]
    pub const fn allow_direct_insert(mut self) -> Self {
        self.allow_direct_insert = true;
        self
    }
}

/// A table of a schema. Cheap to clone.
///
/// ```
/// # use lapjoint::{Connection, row};
/// # let connection = Connection::in_memory()?;
/// # let lab = connection.schema("lab")?;
/// let point = lab.manual("Point", "x : int32\n---\ny = 0 : float64")?;
/// point.insert((0..3).map(|x| row! { "x" => x }))?;
/// point.update1(row! { "x" => 2, "y" => 0.5 })?;
/// assert_eq!(point.query().column::<f64>("y")?, [0.0, 0.0, 0.5]);
/// assert!(point.insert1(row! { "x" => 0 }).unwrap_err().is_duplicate());
/// assert_eq!(point.describe()?.lines().count(), 3);
/// # Ok::<(), lapjoint::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct Table {
    schema: Schema,
    bound: Arc<BoundTable>,
}

impl Table {
    pub(crate) const fn new(schema: Schema, bound: Arc<BoundTable>) -> Self {
        Self { schema, bound }
    }

    pub(crate) const fn bound(&self) -> &Arc<BoundTable> {
        &self.bound
    }

    /// The schema.
    #[must_use]
    pub const fn schema(&self) -> &Schema {
        &self.schema
    }

    /// Schema and table name in the database.
    #[must_use]
    pub fn id(&self) -> &TableId {
        &self.bound.def.id
    }

    /// Class name: `Session`, or `Session.Trial` for a part.
    #[must_use]
    pub fn class_name(&self) -> String {
        self.bound.class_name()
    }

    /// Tier.
    #[must_use]
    pub fn tier(&self) -> Tier {
        self.bound.tier
    }

    /// Attributes with their types.
    #[must_use]
    pub fn heading(&self) -> &Heading {
        &self.bound.heading
    }

    /// A definition that declares the same table again.
    ///
    /// # Errors
    /// [`Error`] when a referenced table cannot be read.
    pub fn describe(&self) -> Result<String, Error> {
        describe::describe(&self.schema, &self.bound)
    }

    /// All rows, as a query to restrict, project and fetch.
    #[must_use]
    pub fn query(&self) -> Query {
        Query::of_table(self.schema.connection().clone(), Arc::clone(&self.bound))
    }

    /// Inserts one row.
    ///
    /// # Errors
    /// As for [`insert`](Self::insert).
    pub fn insert1(&self, row: impl Into<Row>) -> Result<(), Error> {
        self.insert_with(std::iter::once(row), &InsertOptions::new()).map(std::mem::drop)
    }

    /// Inserts rows: all of them with their objects, or nothing.
    ///
    /// # Errors
    /// [`Error`] naming the row and the attribute; nothing is then inserted, and no object is left in a store.
    pub fn insert<R: Into<Row>>(&self, rows: impl IntoIterator<Item = R>) -> Result<u64, Error> {
        self.insert_with(rows, &InsertOptions::new())
    }

    /// Inserts rows with options; returns the number of rows inserted or replaced.
    ///
    /// # Errors
    /// As for [`insert`](Self::insert).
    pub fn insert_with<R: Into<Row>>(
        &self,
        rows: impl IntoIterator<Item = R>,
        options: &InsertOptions,
    ) -> Result<u64, Error> {
        insert::insert(self, &mut rows.into_iter().map(|row| Ok(row.into())), options)
    }

    /// Inserts rows that may fail to be had, from a file or another program; the first that does ends the insert with its error,
    /// and nothing is inserted. Rows without codecs are streamed: memory holds a bounded number of them.
    ///
    /// # Errors
    /// As for [`insert`](Self::insert), and those of the rows; [`Error::Source`] carries what is foreign to this crate.
    pub fn try_insert_with(
        &self,
        rows: impl IntoIterator<Item = Result<Row, Error>>,
        options: &InsertOptions,
    ) -> Result<u64, Error> {
        insert::insert(self, &mut rows.into_iter(), options)
    }

    /// Changes the table's secondary attributes to those of `definition`: adds, drops (with their values), changes, and
    /// renames by a comment that begins with `{old_name}`. Values of changed attributes are checked against their new types.
    /// With `dry_run` nothing is changed. The table is to be opened again afterwards.
    ///
    /// ```
    /// # use lapjoint::{Connection, References, row};
    /// # let connection = Connection::in_memory()?;
    /// # let lab = connection.schema("lab")?;
    /// let point = lab.manual("Point", "x : int32\n---\ny : int16")?;
    /// point.insert1(row! { "x" => 1, "y" => 2 })?;
    /// let definition = "x : int32\n---\nheight : float64 # {y} above the ground\nnote = null : varchar(8)";
    /// let done = point.alter(definition, &References::new(), false)?;
    /// assert_eq!(done.changes, ["rename `y` to `height`", "add `note` : varchar(8)"]);
    /// assert_eq!(lab.table("Point")?.query().fetch1_as::<f64>("height")?, 2.0);
    /// # Ok::<(), lapjoint::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::NotAlterable`] for changes of the primary key, foreign keys or indexes; [`Error::Database`] when a value
    /// does not fit: the table is then as it was.
    pub fn alter(
        &self,
        definition: &str,
        references: &References,
        dry_run: bool,
    ) -> Result<Alteration, Error> {
        alter::alter(self, definition, references, dry_run)
    }

    /// Inserts the rows of a query of the same database, with their stored values as they are; returns their number.
    ///
    /// # Errors
    /// As for [`insert`](Self::insert).
    pub fn insert_query(&self, query: &Query, options: &InsertOptions) -> Result<u64, Error> {
        insert::insert_query(self, query, options)
    }

    /// Changes attributes of one existing row; `row` has the whole primary key and the attributes to change.
    ///
    /// A value that is replaced leaves its object in the store until it is collected.
    ///
    /// # Errors
    /// [`Error`] unless exactly one row has this key; nothing is then changed.
    pub fn update1(&self, row: impl Into<Row>) -> Result<(), Error> {
        update::update1(self, row.into())
    }

    /// Deletes all rows, with the rows of other tables that refer to them.
    ///
    /// # Errors
    /// As for [`Query::delete`].
    pub fn delete(&self, options: &DeleteOptions) -> Result<DeleteReport, Error> {
        self.query().delete(options)
    }

    /// Tables that dropping this one would drop: itself and all that refer to it, children first.
    ///
    /// # Errors
    /// [`Error`] when the database cannot be read.
    pub fn drop_preview(&self) -> Result<Vec<(TableId, u64)>, Error> {
        drop::preview(self)
    }

    /// Drops the table and all tables that refer to it. Objects in stores stay until they are collected.
    ///
    /// # Errors
    /// [`Error::Usage`] for a part table, which goes with its master.
    pub fn drop_table(self) -> Result<Vec<TableId>, Error> {
        drop::drop_table(&self)
    }

    /// Drops this table alone, a part too.
    ///
    /// # Errors
    /// [`Error::Database`] when rows of other tables refer to its rows.
    pub fn drop_quick(self) -> Result<(), Error> {
        let connection = self.schema.connection();
        connection.forget_tables();
        drop::drop_one(connection, self.id())
    }
}
