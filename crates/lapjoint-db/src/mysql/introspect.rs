//! A table's definition, rebuilt from the database alone.

use crate::error::DbError;
use crate::mysql::catalog::{self, text};
use crate::mysql::connection::Link;
use crate::mysql::literal::text_literal;
use crate::schema::{ForeignKeyDef, IndexDef, TableDef, TableId};

mod columns;
mod defaults;
mod types;

/// All tables of a schema, sorted.
pub(crate) fn list_tables(link: &mut Link, schema: &str) -> Result<Vec<String>, DbError> {
    if !catalog::has_schema(link, schema)? {
        return Err(DbError::MissingSchema(schema.to_owned()));
    }
    let sql = format!(
        "SELECT table_name FROM information_schema.tables WHERE table_schema = {} AND table_type <> 'VIEW'",
        text_literal(schema)
    );
    let mut names: Vec<String> = catalog::rows(link, &sql)?.iter().map(|row| text(row, 0)).collect();
    names.sort();
    Ok(names)
}

/// The definition of a table; `None` when there is none.
pub(crate) fn load_table(link: &mut Link, id: &TableId) -> Result<Option<TableDef>, DbError> {
    let Some(comment) = catalog::table_comment(link, id)? else {
        return if catalog::has_schema(link, &id.schema)? {
            Ok(None)
        } else {
            Err(DbError::MissingSchema(id.schema.clone()))
        };
    };
    let foreign_keys = foreign_keys(link, id)?;
    let columns = columns::load(link, id, &foreign_keys)?;
    let parts = match catalog::index_parts(link, id) {
        // Dropped since the first look.
        Err(DbError::MissingTable(_)) => return Ok(None),
        other => other?,
    };
    let primary_key =
        parts.iter().filter(|part| part.index == "PRIMARY").map(|part| part.column.clone()).collect();
    let indexes = indexes(&parts, &foreign_keys);
    Ok(Some(TableDef { id: id.clone(), comment, columns, primary_key, foreign_keys, indexes }))
}

/// The foreign keys of a table, in declared order: the server numbers the names that it gives them.
pub(super) fn foreign_keys(link: &mut Link, id: &TableId) -> Result<Vec<ForeignKeyDef>, DbError> {
    let sql = format!(
        "SELECT constraint_name, column_name, referenced_table_schema, referenced_table_name, referenced_column_name \
         FROM information_schema.key_column_usage WHERE {} AND referenced_table_name IS NOT NULL \
         ORDER BY constraint_name, ordinal_position",
        catalog::is_table(id)
    );
    let mut keys: Vec<(String, ForeignKeyDef)> = Vec::new();
    for row in catalog::rows(link, &sql)? {
        let name = text(&row, 0);
        if keys.last().is_none_or(|(last, _)| *last != name) {
            let parent = TableId::new(text(&row, 2), text(&row, 3));
            keys.push((name, ForeignKeyDef { columns: Vec::new(), parent, parent_columns: Vec::new() }));
        }
        if let Some((_, key)) = keys.last_mut() {
            key.columns.push(text(&row, 1));
            key.parent_columns.push(text(&row, 4));
        }
    }
    let number = |name: &str| -> Option<u64> { name.rsplit('_').next()?.parse().ok() };
    keys.sort_by_key(|(name, _)| (number(name).unwrap_or(u64::MAX), name.clone()));
    Ok(keys.into_iter().map(|(_, key)| key).collect())
}

/// The secondary indexes, without those that InnoDB made for foreign keys.
fn indexes(parts: &[catalog::IndexPart], foreign_keys: &[ForeignKeyDef]) -> Vec<IndexDef> {
    let mut found: Vec<(&str, IndexDef)> = Vec::new();
    for part in parts.iter().filter(|part| part.index != "PRIMARY" && part.kind == "BTREE") {
        if found.last().is_none_or(|(last, _)| *last != part.index) {
            found.push((&part.index, IndexDef { parts: Vec::new(), unique: part.unique }));
        }
        if let Some((_, index)) = found.last_mut() {
            index.parts.push(part_text(part));
        }
    }
    let mut indexes: Vec<IndexDef> = found.into_iter().map(|(_, index)| index).collect();
    for key in foreign_keys {
        // One index serves all foreign keys over the same columns.
        let own = indexes.iter().position(|index| !index.unique && index.parts == key.columns);
        if let Some(at) = own {
            indexes.remove(at);
        }
    }
    indexes
}

/// A part of an index as a definition writes it.
fn part_text(part: &catalog::IndexPart) -> String {
    let direction = if part.descending { " desc" } else { "" };
    match (&part.expression, &part.length) {
        (Some(expression), _) => {
            json_path(expression).unwrap_or_else(|| format!("({expression}){direction}"))
        }
        (None, Some(length)) => format!("{}({length}){direction}", part.column),
        (None, None) => format!("{}{direction}", part.column),
    }
}

/// `column.path:type` of an index over a value in a json column, as MySQL shows its expression.
fn json_path(expression: &str) -> Option<String> {
    let inner = expression.strip_prefix("json_value(`")?.strip_suffix(')')?;
    let (column, rest) = inner.split_once("`, ")?;
    let rest = rest.strip_prefix("_utf8mb4")?.replace("\\'", "'");
    let (path, rest) = rest.strip_prefix("'$.")?.split_once('\'')?;
    match rest.trim_start().strip_prefix("returning ") {
        Some(cast) => {
            let cast = cast.split(" charset").next().unwrap_or(cast);
            Some(format!("{column}.{path}:{}", cast.trim_end_matches(" array")))
        }
        None if rest.is_empty() => Some(format!("{column}.{path}")),
        None => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_in_json_are_read_back() {
        let shown = r"json_value(`j`, _utf8mb4\'$.first.second\' returning char(20))";
        assert_eq!(json_path(shown).as_deref(), Some("j.first.second:char(20)"));
        assert_eq!(json_path("(`a` + 1)"), None);
    }
}
