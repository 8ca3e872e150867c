//! What a database knows of a table, in terms that are the same for every database.

use std::fmt;

use lapjoint_types::CoreType;

/// A table's place: schema and SQL table name (with its tier prefix).
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TableId {
    /// Schema name.
    pub schema: String,
    /// Table name in the database, e.g. `__spikes`.
    pub table: String,
}

impl TableId {
    /// A table's place.
    pub fn new(schema: impl Into<String>, table: impl Into<String>) -> Self {
        Self { schema: schema.into(), table: table.into() }
    }
}

impl fmt::Display for TableId {
    /// `` `schema`.`table` ``, as DataJoint's messages write it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}`.`{}`", self.schema, self.table)
    }
}

/// Type of a column: a portable type, or a type of this database passed through.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum ColumnType {
    /// A portable type: the same values on every database.
    Core(CoreType),
    /// A type of the database, as written.
    Native(String),
}

impl fmt::Display for ColumnType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Core(core) => core.fmt(f),
            Self::Native(text) => f.write_str(text),
        }
    }
}

/// Default of a column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DefaultValue {
    /// `NULL`; the column is nullable.
    Null,
    /// The time of the insert.
    CurrentTimestamp,
    /// A literal, as text without SQL quotes.
    Literal(String),
}

/// One column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ColumnDef {
    /// Column name.
    pub name: String,
    /// Column type.
    pub ty: ColumnType,
    /// Whether NULL is allowed.
    pub nullable: bool,
    /// Default, if there is one.
    pub default: Option<DefaultValue>,
    /// Stored comment, with its type marker (`:int32:the id`).
    pub comment: String,
    /// Whether the database numbers the rows itself.
    pub auto_increment: bool,
}

/// One foreign key. Deletes of the parent are restricted; updates of its key cascade.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ForeignKeyDef {
    /// Columns of this table.
    pub columns: Vec<String>,
    /// Referenced table; it may be in another schema.
    pub parent: TableId,
    /// Referenced columns, in the order of `columns`.
    pub parent_columns: Vec<String>,
}

/// One secondary index.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IndexDef {
    /// Columns, or SQL expressions in parentheses.
    pub parts: Vec<String>,
    /// Whether the index is unique.
    pub unique: bool,
}

/// A table as declared, or as rebuilt from the database alone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TableDef {
    /// Place.
    pub id: TableId,
    /// Table comment.
    pub comment: String,
    /// Columns in declared order.
    pub columns: Vec<ColumnDef>,
    /// Names of the primary key's columns, in order.
    pub primary_key: Vec<String>,
    /// Foreign keys in declared order.
    pub foreign_keys: Vec<ForeignKeyDef>,
    /// Secondary indexes in declared order.
    pub indexes: Vec<IndexDef>,
}
