//! What can go wrong, with the table, row, column, type and remedy.

use lapjoint_codec::CodecError;
use lapjoint_db::DbError;
use lapjoint_store::StoreError;
use lapjoint_types::FromValueError;
use lapjoint_types::definition::DefinitionError;
use lapjoint_types::suggest::nearest;

/// An error of the engine.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A definition cannot be read.
    #[error("definition of {table}: {source}")]
    Definition {
        /// Class name of the table.
        table: String,
        /// Line, place and suggestion.
        source: Box<DefinitionError>,
    },
    /// A definition reads well but cannot be declared.
    #[error("definition of {table}{}: {message}", line.map(|n| format!(", line {n}")).unwrap_or_default())]
    Declare {
        /// Class name of the table.
        table: String,
        /// Line of the definition, from 1.
        line: Option<usize>,
        /// What is wrong and what to write instead.
        message: String,
    },
    /// An attribute's codec cannot be bound.
    #[error("attribute `{attribute}` of {table}, type {spec}: {source}")]
    BindCodec {
        /// Table.
        table: String,
        /// Attribute.
        attribute: String,
        /// Type spec as declared.
        spec: String,
        /// Why not.
        source: Box<CodecError>,
    },
    /// A codec refused or failed on a value.
    #[error("{table}, row {row}, attribute `{attribute}` ({spec}), value of type {value_type}: {source}")]
    Cell {
        /// Table.
        table: String,
        /// Place of the row in the insert or fetch, from 0.
        row: u64,
        /// Attribute.
        attribute: String,
        /// Type spec as declared.
        spec: String,
        /// Type of the value given.
        value_type: String,
        /// Why not.
        source: Box<CodecError>,
    },
    /// A row does not fit the table.
    #[error("{table}, row {row}: {message}")]
    Row {
        /// Table.
        table: String,
        /// Place of the row in the insert, from 0.
        row: u64,
        /// What is wrong and what to do.
        message: String,
    },
    /// A row has a field that the table lacks.
    #[error(
        "{table}, row {row}: `{field}` is not in the table heading{}. To ignore extra fields in insert, set \
         ignore_extra_fields. The table has: {}",
        nearest_text(nearest.as_deref()),
        known.join(", ")
    )]
    UnknownField {
        /// Table.
        table: String,
        /// Place of the row in the insert, from 0.
        row: u64,
        /// Field that the table lacks.
        field: String,
        /// The attribute that is most like it.
        nearest: Option<String>,
        /// Attributes of the table.
        known: Vec<String>,
    },
    /// A row lacks a value that the table needs.
    #[error("{table}, row {row}: {message}")]
    MissingValue {
        /// Table.
        table: String,
        /// Place of the row in the insert, from 0.
        row: u64,
        /// Which value, and what to do.
        message: String,
    },
    /// An attribute is not there.
    #[error("`{attribute}` is not an attribute of {place}{}", nearest_text(nearest.as_deref()))]
    UnknownAttribute {
        /// Attribute asked for.
        attribute: String,
        /// Where it was looked for.
        place: String,
        /// The attribute that is most like it.
        nearest: Option<String>,
    },
    /// A table is not there.
    #[error("Table `{table}` does not exist in schema `{schema}`.{}", nearest_text(nearest.as_deref()))]
    UnknownTable {
        /// Table asked for.
        table: String,
        /// Schema.
        schema: String,
        /// The table that is most like it.
        nearest: Option<String>,
    },
    /// `fetch1` met no row, or several.
    #[error("fetch1 requires exactly one row in {place}, found {found}")]
    NotOneRow {
        /// What was queried.
        place: String,
        /// Rows found (at most 2 are looked at).
        found: usize,
    },
    /// A value is not of the Rust type asked for.
    #[error("attribute `{attribute}`: {source}")]
    Convert {
        /// Attribute.
        attribute: String,
        /// Types.
        source: FromValueError,
    },
    /// An operation is not possible on this expression or table.
    #[error("{0}")]
    Usage(String),
    /// Arrow refused what was built for it.
    #[cfg(feature = "arrow")]
    #[error("columns of Arrow: {0}")]
    Arrow(Box<arrow_schema::ArrowError>),
    /// The caller asked to stop. Nothing of the work is left.
    #[error("stopped by the caller; nothing was inserted or kept")]
    Interrupted,
    /// A definition changes what cannot be changed.
    #[error("{0}")]
    NotAlterable(String),
    /// An insert found that an object it shares was removed by another writer's failed insert in the same moment.
    #[error("object {path} of store `{store}` vanished while the insert was under way; run the insert again")]
    Vanished {
        /// Store.
        store: String,
        /// Path.
        path: String,
    },
    /// Whoever gives the rows of an insert failed.
    #[error("the rows could not be read: {0}")]
    Source(Box<dyn std::error::Error + Send + Sync>),
    /// The connection to the server was lost while objects were uploaded, and another session has undone the insert.
    #[error(
        "schema `{schema}`: the connection was lost while objects were uploaded, and another session has taken the insert \
         for dead and undone it; nothing was inserted, so run it again"
    )]
    Overtaken {
        /// Schema.
        schema: String,
    },
    /// Something that decides what may be deleted could not be read. Nothing was deleted.
    #[error(
        "Refusing to delete: {} could not be read, so that what is in use may look unused: {}",
        count_text(problems.len()),
        problems.join("; ")
    )]
    NotCollectable {
        /// What could not be read, and why.
        problems: Vec<String>,
    },
    /// An error of the database.
    #[error("{}{source}", place_text(place))]
    Database {
        /// Table or statement at work, or empty.
        place: String,
        /// Cause.
        source: Box<DbError>,
    },
    /// An error of an object store.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Work failed, and undoing it failed too.
    #[error("{source}; and undoing it failed: {undo} (recovery will finish at the next start)")]
    Undo {
        /// First error.
        source: Box<Error>,
        /// Error of the undoing.
        undo: String,
    },
}

impl Error {
    pub(crate) fn unknown_attribute(attribute: &str, place: &str, known: &[String]) -> Self {
        Self::UnknownAttribute {
            attribute: attribute.to_owned(),
            place: place.to_owned(),
            nearest: nearest(attribute, known.iter().map(String::as_str)).map(str::to_owned),
        }
    }

    pub(crate) fn unknown_field(
        table: impl std::fmt::Display,
        row: u64,
        field: &str,
        known: Vec<String>,
    ) -> Self {
        Self::UnknownField {
            table: table.to_string(),
            row,
            field: field.to_owned(),
            nearest: nearest(field, known.iter().map(String::as_str)).map(str::to_owned),
            known,
        }
    }

    pub(crate) fn usage(message: impl Into<String>) -> Self {
        Self::Usage(message.into())
    }

    pub(crate) fn db(place: impl std::fmt::Display) -> impl FnOnce(DbError) -> Self {
        move |source| Self::Database { place: place.to_string(), source: Box::new(source) }
    }

    #[cfg(feature = "arrow")]
    pub(crate) fn arrow(source: arrow_schema::ArrowError) -> Self {
        Self::Arrow(Box::new(source))
    }

    /// Whether this is a violated primary key or unique index.
    #[must_use]
    pub fn is_duplicate(&self) -> bool {
        matches!(self, Self::Database { source, .. } if matches!(**source, DbError::Duplicate { .. }))
    }

    /// Whether this is a violated foreign key.
    #[must_use]
    pub fn is_foreign_key(&self) -> bool {
        matches!(self, Self::Database { source, .. } if matches!(**source, DbError::ForeignKey { .. }))
    }
}

impl From<DbError> for Error {
    fn from(source: DbError) -> Self {
        Self::Database { place: String::new(), source: Box::new(source) }
    }
}

fn nearest_text(nearest: Option<&str>) -> String {
    nearest.map(|name| format!(" (did you mean `{name}`?)")).unwrap_or_default()
}

fn count_text(count: usize) -> String {
    if count == 1 { "1 thing".into() } else { format!("{count} things") }
}

fn place_text(place: &str) -> String {
    if place.is_empty() { String::new() } else { format!("{place}: ") }
}
