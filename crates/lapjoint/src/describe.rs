//! Description: a definition that declares the same table again.

use lapjoint_db::{ColumnDef, ColumnType, DefaultValue, ForeignKeyDef, IndexDef, TableDef};
use lapjoint_types::definition::{
    Attribute, AttributeDefault, Definition, ForeignKey, Index, IndexPart, Item, ItemKind, Projection,
    Reference, Rename,
};
use lapjoint_types::{TypeSpec, marker};

use crate::bound::BoundTable;
use crate::error::Error;
use crate::names;
use crate::schema::Schema;

/// The definition of a table, as text.
pub(crate) fn describe(schema: &Schema, table: &BoundTable) -> Result<String, Error> {
    Ok(definition(schema, &table.def)?.to_string())
}

/// The definition of a table.
fn definition(schema: &Schema, def: &TableDef) -> Result<Definition, Error> {
    let mut indexes = def.indexes.clone();
    let mut keys: Vec<&ForeignKeyDef> = def.foreign_keys.iter().collect();
    let mut covered: Vec<&str> = Vec::new();
    let mut items = Vec::new();
    for in_key in [true, false] {
        for column in &def.columns {
            if def.primary_key.contains(&column.name) != in_key || column.name.starts_with('_') {
                continue;
            }
            // A reference stands where it brings its first attribute.
            while let Some(at) = keys.iter().position(|key| {
                key.columns.contains(&column.name)
                    && is_primary(def, key) == in_key
                    && !covered.contains(&column.name.as_str())
            }) {
                let key = keys.remove(at);
                let unique = indexes.iter().position(|index| index.unique && index.parts == key.columns);
                if let Some(index) = unique {
                    indexes.remove(index);
                }
                items.push(reference(schema, def, key, in_key, unique.is_some())?);
                covered.extend(key.columns.iter().map(String::as_str));
            }
            if !covered.contains(&column.name.as_str()) {
                items.push(attribute(column, in_key)?);
            }
        }
        // References all of whose attributes others bring, or the primary key has.
        while let Some(at) = keys.iter().position(|key| is_primary(def, key) == in_key) {
            let key = keys.remove(at);
            let unique = indexes.iter().position(|index| index.unique && index.parts == key.columns);
            if let Some(index) = unique {
                indexes.remove(index);
            }
            items.push(reference(schema, def, key, in_key, unique.is_some())?);
        }
    }
    for index in indexes {
        items.push(index_item(&index));
    }
    Ok(Definition { comment: def.comment.clone(), items })
}

/// An index as the definition language reads it.
fn index_item(index: &IndexDef) -> Item {
    let line = format!("---\nindex({})", index.parts.join(", "));
    let parts = match Definition::parse(&line).ok().and_then(|parsed| parsed.indexes().next().cloned()) {
        Some(parsed) => parsed.parts,
        // What another tool indexed by, in words that definitions do not have.
        None => index.parts.iter().map(|part| IndexPart::Expression(format!("({part})"))).collect(),
    };
    Item::new(ItemKind::Index(Index { parts, unique: index.unique }))
}

fn is_primary(def: &TableDef, key: &ForeignKeyDef) -> bool {
    key.columns.iter().all(|column| def.primary_key.contains(column))
}

fn attribute(column: &ColumnDef, in_key: bool) -> Result<Item, Error> {
    let (type_text, comment) = marker::parse_comment(&column.comment);
    let type_text = type_text.map_or_else(|| column.ty.to_string(), str::to_owned);
    let spec = match (&column.ty, TypeSpec::parse(&type_text)) {
        (_, Ok(spec)) => spec,
        // A type of the database that definitions do not accept still has to be shown.
        (ColumnType::Native(text), Err(_)) => TypeSpec::Native(text.clone()),
        (ColumnType::Core(core), Err(_)) => TypeSpec::Core(core.clone()),
    };
    let default = match (&column.default, column.nullable) {
        (_, true) => Some(AttributeDefault::Null),
        (Some(DefaultValue::CurrentTimestamp), _) => Some(AttributeDefault::CurrentTimestamp(None)),
        (Some(DefaultValue::Literal(text)), _) => Some(AttributeDefault::Literal(text.clone())),
        (Some(DefaultValue::Null) | None, _) => None,
    };
    Ok(Item::new(ItemKind::Attribute(Attribute {
        name: column.name.clone(),
        default,
        spec,
        type_text,
        comment: comment.to_owned(),
        in_key,
    })))
}

fn reference(
    schema: &Schema,
    def: &TableDef,
    key: &ForeignKeyDef,
    in_key: bool,
    unique: bool,
) -> Result<Item, Error> {
    let class = names::class_name(&key.parent.table);
    let mut names: Vec<String> = class.split('.').map(str::to_owned).collect();
    if key.parent.schema != schema.name() {
        names.insert(0, key.parent.schema.clone());
    }
    let renames: Vec<Rename> = key
        .columns
        .iter()
        .zip(&key.parent_columns)
        .filter(|(new, old)| new != old)
        .map(|(new, old)| Rename { new: new.clone(), old: old.clone() })
        .collect();
    let nullable = !in_key
        && key
            .columns
            .iter()
            .any(|name| def.columns.iter().any(|column| column.name == *name && column.nullable));
    let kind = ItemKind::ForeignKey(ForeignKey {
        nullable,
        unique,
        reference: Reference::Name(names),
        projection: (!renames.is_empty()).then(|| Projection { attributes: Vec::new(), renames }),
        in_key,
        comment: String::new(),
    });
    Ok(Item::new(kind))
}
