//! Declaration: a definition becomes a table, with every type and reference resolved first.

use std::collections::HashMap;
use std::sync::Arc;

use lapjoint_codec::{Chain, CodecError};
use lapjoint_db::{ColumnDef, ColumnType, DefaultValue, ForeignKeyDef, IndexDef, TableDef, TableId};
use lapjoint_types::definition::{
    self, AttributeDefault, Definition, DefinitionErrorKind, ForeignKey, Index, IndexPart, Item, ItemKind,
    Reference,
};
use lapjoint_types::naming::{self, Tier};
use lapjoint_types::{CoreType, StoreRef, TypeSpec, marker};

use crate::bound::BoundTable;
use crate::compute::metadata;
use crate::connection::Connection;
use crate::error::Error;
use crate::lineage;
use crate::schema::Schema;

/// Tables that the host language found for the names of references in a definition, as they are written there:
/// `Session`, `lab.Session`.
pub type References = HashMap<String, TableId>;

/// Declares a table, or opens it when it exists already.
pub(crate) fn declare(
    schema: &Schema,
    tier: Tier,
    master: Option<&TableId>,
    class_name: &str,
    text: &str,
    references: &References,
) -> Result<Arc<BoundTable>, Error> {
    let connection = schema.connection();
    let definition = Definition::parse(text)
        .map_err(|source| Error::Definition { table: class_name.to_owned(), source: Box::new(source) })?;
    let id = TableId::new(schema.name(), table_name(connection, tier, master, class_name)?);
    for warning in definition.warnings() {
        tracing::warn!(table = %id, "{warning}");
    }
    if let Some(existing) = connection.bound(&id)? {
        return Ok(lineage::mended(connection, existing));
    }
    if connection.in_transaction()? {
        return Err(Error::usage(
            "Cannot declare new tables inside a transaction, e.g. from inside a populate/make call",
        ));
    }
    let mut def = define(schema, master, class_name, &id, &definition, references)?;
    if connection.stores().read(|config| config.flag("jobs.add_job_metadata")) {
        metadata::add_columns(&mut def);
    }
    connection.lock()?.adapter_mut().create_table(&def).map_err(Error::db(&def.id))?;
    // What the database has counts: another process may have declared the table in the same moment.
    let loaded = connection.lock()?.adapter_mut().load_table(&def.id).map_err(Error::db(&def.id))?;
    let loaded = loaded.ok_or_else(|| Error::UnknownTable {
        table: def.id.table.clone(),
        schema: def.id.schema.clone(),
        nearest: None,
    })?;
    lineage::record(connection, &loaded)?;
    connection.bind(loaded)
}

fn table_name(
    connection: &Connection,
    tier: Tier,
    master: Option<&TableId>,
    class_name: &str,
) -> Result<String, Error> {
    let named = match master {
        Some(master) => naming::part_table_name(&master.table, class_name),
        None => naming::table_name(tier, class_name),
    };
    let max_chars = connection.lock()?.adapter().capabilities().max_identifier_chars;
    let table = named.and_then(|table| naming::check_length(&table, max_chars).map(|()| table));
    table.map_err(|error| Error::Declare {
        table: class_name.to_owned(),
        line: None,
        message: error.to_string(),
    })
}

/// The table that a definition means.
pub(crate) fn define(
    schema: &Schema,
    master: Option<&TableId>,
    class_name: &str,
    id: &TableId,
    definition: &Definition,
    references: &References,
) -> Result<TableDef, Error> {
    Declaration::new(schema, master, class_name, id.clone(), references).build(definition)
}

/// A table in the making.
struct Declaration<'s> {
    schema: &'s Schema,
    master: Option<&'s TableId>,
    class_name: &'s str,
    references: &'s References,
    def: TableDef,
}

impl<'s> Declaration<'s> {
    const fn new(
        schema: &'s Schema,
        master: Option<&'s TableId>,
        class_name: &'s str,
        id: TableId,
        references: &'s References,
    ) -> Self {
        let def = TableDef {
            id,
            comment: String::new(),
            columns: Vec::new(),
            primary_key: Vec::new(),
            foreign_keys: Vec::new(),
            indexes: Vec::new(),
        };
        Self { schema, master, class_name, references, def }
    }

    fn build(mut self, definition: &Definition) -> Result<TableDef, Error> {
        self.def.comment.clone_from(&definition.comment);
        for item in &definition.items {
            match &item.kind {
                ItemKind::Attribute(attribute) => self.attribute(item, attribute)?,
                ItemKind::ForeignKey(key) => self.foreign_key(item, key)?,
                // An index may stand above the attributes that it is over.
                ItemKind::Index(_) => {}
                _ => return Err(self.refuse(item, "this line is not understood")),
            }
        }
        for item in &definition.items {
            if let ItemKind::Index(index) = &item.kind {
                self.index(item, index)?;
            }
        }
        if self.def.primary_key.is_empty() {
            self.singleton();
        }
        Ok(self.def)
    }

    fn refuse(&self, item: &Item, message: impl Into<String>) -> Error {
        let kind = match item.kind {
            ItemKind::Attribute(_) => DefinitionErrorKind::KeyType,
            ItemKind::Index(_) => DefinitionErrorKind::Index,
            _ => DefinitionErrorKind::ForeignKey,
        };
        Error::Definition { table: self.class_name.to_owned(), source: Box::new(item.error(kind, message)) }
    }

    fn column(&self, name: &str) -> Option<&ColumnDef> {
        self.def.columns.iter().find(|column| column.name == name)
    }

    fn push(&mut self, column: ColumnDef, in_key: bool) {
        if in_key {
            self.def.primary_key.push(column.name.clone());
        }
        self.def.columns.push(column);
    }

    fn attribute(&mut self, item: &Item, attribute: &definition::Attribute) -> Result<(), Error> {
        // A foreign key has brought the attribute already.
        if self.column(&attribute.name).is_some() {
            return Ok(());
        }
        let ty = match &attribute.spec {
            TypeSpec::Core(core) => ColumnType::Core(core.clone()),
            TypeSpec::Native(text) => ColumnType::Native(text.clone()),
            TypeSpec::Codec(_) => self.codec_column(attribute)?,
        };
        if attribute.in_key && matches!(ty, ColumnType::Core(CoreType::Json | CoreType::Bytes)) {
            return Err(self.refuse(item, "Blob or JSON attributes are not allowed in the primary key"));
        }
        let native =
            if let ColumnType::Native(text) = &ty { text.to_ascii_lowercase() } else { String::new() };
        let column = ColumnDef {
            name: attribute.name.clone(),
            nullable: attribute.is_nullable(),
            default: attribute.default.as_ref().map(|default| match default {
                AttributeDefault::Null => DefaultValue::Null,
                AttributeDefault::CurrentTimestamp(_) => DefaultValue::CurrentTimestamp,
                AttributeDefault::Literal(text) => DefaultValue::Literal(text.clone()),
            }),
            comment: marker::encode_comment(attribute.marker_text().as_deref(), &attribute.comment),
            auto_increment: native.contains("auto_increment") || native == "serial",
            ty,
        };
        self.push(column, attribute.in_key);
        Ok(())
    }

    /// Column type of a codec attribute, whose chain and store must be there.
    fn codec_column(&self, attribute: &definition::Attribute) -> Result<ColumnType, Error> {
        let TypeSpec::Codec(spec) = &attribute.spec else { return Ok(ColumnType::Native(String::new())) };
        let fail = |source: CodecError| Error::BindCodec {
            table: self.class_name.to_owned(),
            attribute: attribute.name.clone(),
            spec: attribute.type_text.clone(),
            source: Box::new(source),
        };
        let connection = self.schema.connection();
        let chain = Chain::resolve(connection.registry(), spec).map_err(fail)?;
        for link in chain.links() {
            let stores = connection.stores();
            let found = match &link.store {
                StoreRef::Inline => Ok(()),
                StoreRef::Named(name) => {
                    stores.read(|config| config.store_name(Some(name))).map(drop).map_err(CodecError::from)
                }
                StoreRef::Default => link.codec.default_store(stores).map(drop),
            };
            found.map_err(fail)?;
        }
        Ok(match chain.dtype() {
            TypeSpec::Core(core) => ColumnType::Core(core.clone()),
            other => ColumnType::Native(other.to_string()),
        })
    }

    fn foreign_key(&mut self, item: &Item, key: &ForeignKey) -> Result<(), Error> {
        let (parent, parent_key) = self.resolve(item, key)?;
        let mut renames =
            key.projection.as_ref().map_or_else(Vec::new, |projection| projection.renames.clone());
        let mut columns = Vec::new();
        let mut parent_columns = Vec::new();
        for source in parent_key {
            let renamed = renames.iter().position(|rename| rename.old == source.name);
            let name = renamed.map_or_else(|| source.name.clone(), |at| renames.remove(at).new);
            columns.push(name.clone());
            parent_columns.push(source.name.clone());
            match self.column(&name) {
                None => {
                    let default = key.nullable.then_some(DefaultValue::Null);
                    let column =
                        ColumnDef { name, nullable: key.nullable, default, auto_increment: false, ..source };
                    self.push(column, key.in_key);
                }
                Some(present) if present.ty != source.ty => {
                    return Err(self.refuse(
                        item,
                        format!(
                            "`{name}` is {} here and {} in {parent}; rename it: `.proj(new_{name}='{}')`",
                            present.ty, source.ty, source.name
                        ),
                    ));
                }
                Some(_) => {}
            }
        }
        if let Some(rename) = renames.first() {
            return Err(self.refuse(
                item,
                format!(
                    "`{}` is not in the primary key of {parent}: {}",
                    rename.old,
                    parent_columns.join(", ")
                ),
            ));
        }
        if key.unique {
            self.def.indexes.push(IndexDef { parts: columns.clone(), unique: true });
        }
        self.def.foreign_keys.push(ForeignKeyDef { columns, parent, parent_columns });
        Ok(())
    }

    /// The referenced table and the columns of its primary key.
    fn resolve(&self, item: &Item, key: &ForeignKey) -> Result<(TableId, Vec<ColumnDef>), Error> {
        let name = match &key.reference {
            Reference::Name(names) => names.join("."),
            Reference::Table { schema, table } => {
                let id = TableId::new(schema, table);
                let bound = self.schema.connection().bound(&id)?;
                let bound = bound.ok_or_else(|| self.refuse(item, format!("table {id} does not exist")))?;
                return Ok((id, key_columns(&bound.def)));
            }
        };
        let is_self = name == "self" || (self.master.is_none() && name == self.class_name);
        if is_self {
            if key.in_key {
                return Err(self.refuse(item, "a table cannot refer to itself in its primary key"));
            }
            return Ok((self.def.id.clone(), key_columns(&self.def)));
        }
        let bound = self.find(&name)?.ok_or_else(|| {
            let known = self.schema.list_tables().unwrap_or_default();
            let known: Vec<String> = known.iter().map(|table| crate::names::class_name(table)).collect();
            let hint = lapjoint_types::suggest::nearest(&name, known.iter().map(String::as_str))
                .map(|near| format!("; did you mean `{near}`?"))
                .unwrap_or_default();
            self.refuse(item, format!("Foreign key reference {name} could not be resolved{hint}"))
        })?;
        Ok((bound.def.id.clone(), key_columns(&bound.def)))
    }

    fn find(&self, name: &str) -> Result<Option<Arc<BoundTable>>, Error> {
        let connection = self.schema.connection();
        if let Some(master) = self.master
            && (name == "master" || crate::names::class_name(&master.table) == name)
        {
            return connection.bound(master);
        }
        if let Some(id) = self.references.get(name) {
            return connection.bound(id);
        }
        if let Some(found) = self.schema.find(name)? {
            return Ok(Some(found));
        }
        // `schema.Table` of another schema of the database.
        let Some((schema, table)) = name.split_once('.') else { return Ok(None) };
        if !connection.list_schemas()?.iter().any(|known| known == schema) {
            return Ok(None);
        }
        connection.existing_schema(schema)?.find(table)
    }

    fn index(&mut self, item: &Item, index: &Index) -> Result<(), Error> {
        let mut parts = Vec::new();
        for part in &index.parts {
            let named = match part {
                IndexPart::Attribute(name) | IndexPart::JsonPath { attribute: name, .. } => Some(name),
                _ => None,
            };
            if let Some(name) = named
                && self.column(name).is_none()
            {
                let known: Vec<String> = self.def.columns.iter().map(|column| column.name.clone()).collect();
                let message = Error::unknown_attribute(name, "the table", &known).to_string();
                return Err(self.refuse(item, message));
            }
            parts.push(part.to_string());
        }
        self.def.indexes.push(IndexDef { parts, unique: index.unique });
        Ok(())
    }

    /// A table without a primary key has at most one row: a hidden key with only one value.
    fn singleton(&mut self) {
        let column = ColumnDef {
            name: "_singleton".to_owned(),
            ty: ColumnType::Core(CoreType::Bool),
            nullable: false,
            default: Some(DefaultValue::Literal("1".to_owned())),
            comment: ":bool:singleton primary key".to_owned(),
            auto_increment: false,
        };
        self.push(column, true);
    }
}

/// The columns of the primary key, in its order.
fn key_columns(def: &TableDef) -> Vec<ColumnDef> {
    def.primary_key
        .iter()
        .filter_map(|name| def.columns.iter().find(|column| column.name == *name))
        .cloned()
        .collect()
}
