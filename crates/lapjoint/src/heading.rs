//! Headings: the attributes of a table or query, with their types bound.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use lapjoint_codec::{Chain, CodecError, Link, Origin, Registry};
use lapjoint_db::{ColumnDef, ColumnType, DefaultValue, TableDef, TableId};
use lapjoint_store::{Store, Stores};
use lapjoint_types::{CodecSpec, CoreType, StoreRef, TypeSpec, Value, marker};

/// How an attribute's values are stored.
#[derive(Debug, Clone)]
pub enum Storage {
    /// The column holds the value.
    Plain,
    /// The column holds the end of a chain of codecs.
    Codec(Arc<Chain>),
    /// The attribute's codec is not there, or refuses: other attributes work, this one says why it does not.
    Unbound {
        /// Type spec as declared.
        spec: CodecSpec,
        /// Why it is not bound.
        reason: Arc<CodecError>,
    },
}

/// One attribute.
#[derive(Debug, Clone)]
pub struct Attribute {
    /// Name.
    pub name: String,
    /// Type as declared: `int32`, `<blob@cold>`, `mediumint unsigned`.
    pub declared: String,
    /// Type of the column.
    pub column: ColumnType,
    /// How values are stored.
    pub storage: Storage,
    /// Whether the attribute belongs to the primary key.
    pub in_key: bool,
    /// Whether null is allowed.
    pub nullable: bool,
    /// Default.
    pub default: Option<DefaultValue>,
    /// Whether the database numbers rows itself.
    pub auto_increment: bool,
    /// Comment.
    pub comment: String,
    /// Where the attribute comes from, `schema.table.attribute`: only attributes of one origin are matched with one another.
    /// `None` for attributes outside of primary and foreign keys.
    pub lineage: Option<Arc<str>>,
    /// The table that has the attribute; `None` for computed ones.
    pub(crate) table: Option<Arc<TableId>>,
}

impl Attribute {
    fn from_column(column: &ColumnDef, in_key: bool, registry: &Registry) -> Self {
        let (type_text, comment) = marker::parse_comment(&column.comment);
        let mut attribute = Self {
            name: column.name.clone(),
            declared: type_text.as_ref().map_or_else(|| column.ty.to_string(), ToString::to_string),
            column: column.ty.clone(),
            storage: Storage::Plain,
            in_key,
            nullable: column.nullable,
            default: column.default.clone(),
            auto_increment: column.auto_increment,
            comment: comment.to_owned(),
            lineage: None,
            table: None,
        };
        let spec = type_text.and_then(|text| TypeSpec::parse(text).ok());
        match spec {
            Some(TypeSpec::Codec(spec)) => match Chain::resolve(registry, &spec) {
                Ok(chain) => {
                    if let TypeSpec::Core(core) = chain.dtype() {
                        attribute.column = ColumnType::Core(core.clone());
                    }
                    attribute.storage = Storage::Codec(Arc::new(chain));
                }
                Err(reason) => attribute.storage = Storage::Unbound { spec, reason: Arc::new(reason) },
            },
            Some(TypeSpec::Core(core)) => attribute.column = ColumnType::Core(core),
            Some(TypeSpec::Native(_)) | None => {}
        }
        attribute
    }

    /// A computed attribute of a projection.
    pub(crate) fn computed(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            declared: "computed".into(),
            column: ColumnType::Native(String::new()),
            storage: Storage::Plain,
            in_key: false,
            nullable: true,
            default: None,
            auto_increment: false,
            comment: String::new(),
            lineage: None,
            table: None,
        }
    }

    /// The bound chain of a codec attribute.
    #[must_use]
    pub const fn chain(&self) -> Option<&Arc<Chain>> {
        match &self.storage {
            Storage::Codec(chain) => Some(chain),
            _ => None,
        }
    }

    /// Whether all codecs of the attribute may work on several threads at once without harm. Codecs in Python hold one lock
    /// between them, and may query the connection that they are called from, whose transaction belongs to one thread.
    pub(crate) fn is_parallel(&self) -> bool {
        self.first_parallel() == 0
    }

    /// The outermost codec of the chain's inner end that may work on several threads; all further in may as well.
    pub(crate) fn first_parallel(&self) -> usize {
        let is_python = |link: &Link| matches!(link.codec.origin(), Origin::Python(_));
        self.chain().and_then(|chain| chain.links().iter().rposition(is_python)).map_or(0, |last| last + 1)
    }

    /// How many objects a decode of this attribute should read at once; 1 if it reads none before it is asked.
    pub(crate) fn reads_at_once(&self, stores: &Stores) -> usize {
        let reads = |link: &Link| {
            if !link.store.is_store() || link.codec.capabilities().lazy {
                return 1;
            }
            let name = match &link.store {
                StoreRef::Named(name) => Some(name.as_str()),
                StoreRef::Inline | StoreRef::Default => None,
            };
            // A store that is not configured is for the decode to complain about.
            stores.get(name).ok().filter(Store::is_distant).map_or(1, |store| store.parallelism())
        };
        self.chain().map_or(1, |chain| chain.links().iter().map(reads).max().unwrap_or(1))
    }

    /// How many objects are to be read at once when this attribute's references are read.
    #[cfg(feature = "arrow")]
    pub(crate) fn renders_at_once(&self, stores: &Stores) -> usize {
        let name = match self.chain().map(|chain| chain.store()) {
            Some(StoreRef::Named(name)) => Some(name.as_str()),
            _ => None,
        };
        stores.get(name).ok().filter(Store::is_distant).map_or(1, |store| store.parallelism())
    }

    /// Whether the attribute has a codec, bound or not.
    #[must_use]
    pub const fn has_codec(&self) -> bool {
        !matches!(self.storage, Storage::Plain)
    }

    /// Whether an insert may leave the attribute out.
    #[must_use]
    pub const fn is_optional(&self) -> bool {
        self.nullable || self.default.is_some() || self.auto_increment
    }

    /// The value that stands for a missing one, unless the database has to find it.
    pub(crate) fn default_value(&self) -> Option<Value> {
        match self.default.as_ref() {
            Some(DefaultValue::Null) => Some(Value::Null),
            Some(DefaultValue::CurrentTimestamp) => None,
            Some(DefaultValue::Literal(text)) => Some(literal_value(text, &self.column)),
            None => self.nullable.then_some(Value::Null),
        }
    }
}

/// A default's text as a value of the column's type; the adapter checks it as any other value.
fn literal_value(text: &str, ty: &ColumnType) -> Value {
    let ColumnType::Core(core) = ty else { return native_value(text) };
    match core {
        CoreType::Int8 | CoreType::Int16 | CoreType::Int32 | CoreType::Int64 => {
            text.trim().parse().map_or_else(|_| Value::from(text), Value::Int)
        }
        CoreType::Float32 | CoreType::Float64 => {
            text.trim().parse().map_or_else(|_| Value::from(text), Value::Float)
        }
        CoreType::Bool => match text.trim().to_ascii_lowercase().as_str() {
            "1" | "true" | "t" => Value::Bool(true),
            "0" | "false" | "f" => Value::Bool(false),
            _ => Value::from(text),
        },
        CoreType::Json => {
            serde_json::from_str::<serde_json::Value>(text).map_or_else(|_| Value::from(text), Value::from)
        }
        _ => Value::from(text),
    }
}

fn native_value(text: &str) -> Value {
    text.parse::<i64>().map(Value::Int).unwrap_or_else(|_| Value::from(text))
}

/// The attributes of a table or query: primary key first where a table was declared so.
///
/// ```
/// # use lapjoint::{Connection, row};
/// # let connection = Connection::in_memory()?;
/// # let lab = connection.schema("lab")?;
/// let table = lab.manual("Trace", "id : int32 # number\n---\ntrace = null : <blob>")?;
/// let trace = table.heading().get("trace").unwrap();
/// assert_eq!((trace.declared.as_str(), trace.nullable), ("<blob>", true));
/// assert_eq!(trace.chain().unwrap().dtype().to_string(), "bytes");
/// # Ok::<(), lapjoint::Error>(())
/// ```
#[derive(Debug, Clone, Default)]
pub struct Heading {
    attributes: Vec<Attribute>,
    comment: String,
    knows_lineage: bool,
}

impl Heading {
    /// The heading of a table, from what the database says of it.
    #[must_use]
    pub fn from_table(table: &TableDef, registry: &Registry) -> Self {
        let id = Arc::new(table.id.clone());
        let attributes = table
            .columns
            .iter()
            .map(|column| Attribute {
                table: Some(Arc::clone(&id)),
                ..Attribute::from_column(column, table.primary_key.contains(&column.name), registry)
            })
            .collect();
        Self { attributes, comment: table.comment.clone(), knows_lineage: false }
    }

    pub(crate) const fn from_attributes(
        attributes: Vec<Attribute>,
        comment: String,
        knows_lineage: bool,
    ) -> Self {
        Self { attributes, comment, knows_lineage }
    }

    /// The heading with the origins of attributes that are on record for its table; the outer `None` says that the schema has no
    /// record at all.
    pub(crate) fn with_lineage(mut self, recorded: Option<Option<&HashMap<String, Arc<str>>>>) -> Self {
        self.knows_lineage = recorded.is_some();
        for attribute in &mut self.attributes {
            attribute.lineage = recorded.flatten().and_then(|origins| origins.get(&attribute.name)).cloned();
        }
        self
    }

    /// Whether the origins of attributes are on record. Schemas that were made before DataJoint 2 have no such record.
    #[must_use]
    pub const fn knows_lineage(&self) -> bool {
        self.knows_lineage
    }

    /// All attributes, hidden ones (`_…`) included, in order.
    #[must_use]
    pub fn all(&self) -> &[Attribute] {
        &self.attributes
    }

    /// Visible attributes, in order.
    pub fn attributes(&self) -> impl Iterator<Item = &Attribute> {
        self.attributes.iter().filter(|attribute| !attribute.name.starts_with('_'))
    }

    /// Names of the visible attributes, in order.
    #[must_use]
    pub fn names(&self) -> Vec<String> {
        self.attributes().map(|attribute| attribute.name.clone()).collect()
    }

    /// Names of the visible attributes of the primary key, in order.
    #[must_use]
    pub fn primary_key(&self) -> Vec<String> {
        self.attributes().filter(|attribute| attribute.in_key).map(|a| a.name.clone()).collect()
    }

    /// An attribute by name, hidden or not.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Attribute> {
        self.attributes.iter().find(|attribute| attribute.name == name)
    }

    /// Comment of the table.
    #[must_use]
    pub fn comment(&self) -> &str {
        &self.comment
    }
}

impl fmt::Display for Heading {
    /// One attribute a line, `---` after the primary key.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.comment.is_empty() {
            writeln!(f, "# {}", self.comment)?;
        }
        let line = |f: &mut fmt::Formatter<'_>, attribute: &Attribute| {
            let text = format!("{:<20} : {:<28} # {}", attribute.name, attribute.declared, attribute.comment);
            writeln!(f, "{}", text.trim_end_matches(['#', ' ']))
        };
        for attribute in self.attributes().filter(|attribute| attribute.in_key) {
            line(f, attribute)?;
        }
        writeln!(f, "---")?;
        for attribute in self.attributes().filter(|attribute| !attribute.in_key) {
            line(f, attribute)?;
        }
        Ok(())
    }
}
