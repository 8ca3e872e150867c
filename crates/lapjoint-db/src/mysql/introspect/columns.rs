//! The columns of a table, with the types that their markers, or those of the columns that they refer to, say.

use std::collections::BTreeMap;

use super::defaults::default_of;
use super::types;
use crate::error::DbError;
use crate::mysql::catalog::{self, text};
use crate::mysql::connection::Link;
use crate::schema::{ColumnDef, ColumnType, ForeignKeyDef, TableId};

/// A column as the catalogue knows it.
struct Listed {
    name: String,
    /// SQL type.
    declared: String,
    nullable: bool,
    default: Option<String>,
    extra: String,
    comment: String,
}

fn list(link: &mut Link, id: &TableId) -> Result<Vec<Listed>, DbError> {
    let sql = format!(
        "SELECT column_name, column_type, is_nullable, column_default, extra, column_comment \
         FROM information_schema.columns WHERE {} ORDER BY ordinal_position",
        catalog::is_table(id)
    );
    let rows = catalog::rows(link, &sql)?;
    Ok(rows
        .into_iter()
        .map(|row| Listed {
            name: text(&row, 0),
            declared: types::declared(&text(&row, 1)),
            nullable: text(&row, 2) == "YES",
            extra: text(&row, 4),
            comment: text(&row, 5),
            default: row.into_iter().nth(3).flatten(),
        })
        .collect())
}

/// The columns of a table.
pub(super) fn load(
    link: &mut Link,
    id: &TableId,
    foreign_keys: &[ForeignKeyDef],
) -> Result<Vec<ColumnDef>, DbError> {
    let is_mariadb = link.server().is_mariadb;
    let listed = list(link, id)?;
    let mut seen = Parents { known: BTreeMap::new() };
    let mut columns = Vec::with_capacity(listed.len());
    for column in listed {
        let auto_increment = column.extra.to_ascii_lowercase().contains("auto_increment");
        let ty = match types::marked(&column.declared, &column.comment, is_mariadb) {
            Some(ty) => ty,
            None => {
                let inherited =
                    seen.inherited(link, &column.name, foreign_keys, &[(id.clone(), column.name.clone())])?;
                own_type(&column.declared, auto_increment, inherited, is_mariadb)
            }
        };
        columns.push(ColumnDef {
            default: default_of(column.default.as_deref(), &column.extra, column.nullable, &ty, is_mariadb),
            name: column.name,
            ty,
            nullable: column.nullable,
            comment: column.comment,
            auto_increment,
        });
    }
    Ok(columns)
}

/// The type of a column without a marker: that of the column that it refers to, if that fits, or its SQL type.
fn own_type(
    declared: &str,
    auto_increment: bool,
    inherited: Option<ColumnType>,
    is_mariadb: bool,
) -> ColumnType {
    let numbered = format!("{declared} auto_increment");
    match inherited {
        Some(ColumnType::Core(core)) if types::fits(declared, &core, is_mariadb) => ColumnType::Core(core),
        // A reference to a numbered column has the type of that column, in the words of its definition.
        Some(ColumnType::Native(text)) if text == numbered => ColumnType::Native(text),
        _ if auto_increment => ColumnType::Native(numbered),
        _ => ColumnType::Native(declared.to_owned()),
    }
}

/// What is known of the tables that are referred to.
struct Parents {
    known: BTreeMap<TableId, (Vec<Listed>, Vec<ForeignKeyDef>)>,
}

impl Parents {
    /// The type of the column that a column refers to. DataJoint's markers get lost on the way down, so that the table at
    /// the top has the word.
    fn inherited(
        &mut self,
        link: &mut Link,
        column: &str,
        foreign_keys: &[ForeignKeyDef],
        path: &[(TableId, String)],
    ) -> Result<Option<ColumnType>, DbError> {
        let is_mariadb = link.server().is_mariadb;
        for key in foreign_keys {
            let Some(at) = key.columns.iter().position(|name| name == column) else { continue };
            let Some(parent_column) = key.parent_columns.get(at) else { continue };
            let place = (key.parent.clone(), parent_column.clone());
            if path.contains(&place) {
                continue;
            }
            if !self.known.contains_key(&key.parent) {
                let keys = super::foreign_keys(link, &key.parent)?;
                self.known.insert(key.parent.clone(), (list(link, &key.parent)?, keys));
            }
            let Some((columns, keys)) = self.known.get(&key.parent) else { continue };
            let Some(found) = columns.iter().find(|listed| listed.name == *parent_column) else { continue };
            if let Some(ty) = types::marked(&found.declared, &found.comment, is_mariadb) {
                return Ok(Some(ty));
            }
            let declared = found.declared.clone();
            let auto_increment = found.extra.to_ascii_lowercase().contains("auto_increment");
            let keys = keys.clone();
            let path: Vec<_> = path.iter().chain([&place]).cloned().collect();
            let inherited = self.inherited(link, parent_column, &keys, &path)?;
            return Ok(Some(own_type(&declared, auto_increment, inherited, is_mariadb)));
        }
        Ok(None)
    }
}
