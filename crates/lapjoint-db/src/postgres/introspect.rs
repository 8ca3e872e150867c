//! A table's definition, rebuilt from the database alone.

use lapjoint_types::marker;
use tokio_postgres::Row;
use tokio_postgres::types::FromSql;

use crate::error::DbError;
use crate::postgres::connection::Link;
use crate::postgres::ddl::text;
use crate::postgres::errors::{Failure, Place};
use crate::postgres::literal::quote_table;
use crate::schema::{ColumnDef, DefaultValue, ForeignKeyDef, IndexDef, TableDef, TableId};
use sql_type::SqlType;

mod sql_type;

/// References are followed this far to find the type of a column.
const MAX_DEPTH: u32 = 32;

/// A column of a row of the catalogue.
fn get<'r, T: FromSql<'r>>(row: &'r Row, place: usize) -> Result<T, DbError> {
    row.try_get(place).map_err(|error| Failure::from(error).map(&Place::sql("")))
}

pub(crate) fn has_schema(link: &mut Link, schema: &str) -> Result<bool, DbError> {
    let sql = "SELECT 1 FROM pg_catalog.pg_namespace WHERE nspname = $1";
    Ok(!link.rows(sql, &[schema])?.is_empty())
}

pub(crate) fn has_table(link: &mut Link, id: &TableId) -> Result<bool, DbError> {
    let sql = "SELECT 1 FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace \
         WHERE n.nspname = $1 AND c.relname = $2 AND c.relkind IN ('r', 'p')";
    Ok(!link.rows(sql, &[&id.schema, &id.table])?.is_empty())
}

/// All tables of a schema, sorted.
pub(crate) fn list_tables(link: &mut Link, schema: &str) -> Result<Vec<String>, DbError> {
    let sql = "SELECT c.relname::text FROM pg_catalog.pg_namespace n LEFT JOIN pg_catalog.pg_class c \
         ON c.relnamespace = n.oid AND c.relkind IN ('r', 'p') WHERE n.nspname = $1";
    let rows = link.rows(sql, &[schema])?;
    if rows.is_empty() {
        return Err(DbError::MissingSchema(schema.to_owned()));
    }
    let mut names = Vec::with_capacity(rows.len());
    for row in &rows {
        names.extend(get::<Option<String>>(row, 0)?);
    }
    names.sort_unstable();
    Ok(names)
}

/// The definition of a table; `None` when there is none.
pub(crate) fn load_table(link: &mut Link, id: &TableId) -> Result<Option<TableDef>, DbError> {
    let Some((comment, mut loaded)) = columns(link, id)? else {
        return if has_schema(link, &id.schema)? {
            Ok(None)
        } else {
            Err(DbError::MissingSchema(id.schema.clone()))
        };
    };
    let (primary_key, foreign_keys) = keys(link, id)?;
    for (column, sql_type) in &mut loaded {
        // DataJoint says nothing of the columns of a reference: they are what their parents are.
        if column.comment.is_empty()
            && let Some(comment) = inherited(link, &foreign_keys, &column.name, 0)?
        {
            column.ty = sql_type.column_type(Some(&comment));
            column.comment = comment;
        }
    }
    let columns: Vec<_> = loaded.into_iter().map(|(column, _)| column).collect();
    let indexes = indexes(link, id, &foreign_keys)?;
    Ok(Some(TableDef { id: id.clone(), comment, columns, primary_key, foreign_keys, indexes }))
}

type LoadedColumns = Vec<(ColumnDef, SqlType)>;

/// The comment of a table, and its columns.
fn columns(link: &mut Link, id: &TableId) -> Result<Option<(String, LoadedColumns)>, DbError> {
    let sql = "SELECT pg_catalog.obj_description(c.oid, 'pg_class'), a.attname::text, \
         pg_catalog.format_type(a.atttypid, a.atttypmod), NOT a.attnotnull, \
         pg_catalog.pg_get_expr(d.adbin, d.adrelid), pg_catalog.col_description(c.oid, a.attnum), \
         a.attidentity <> '' OR EXISTS (SELECT FROM pg_catalog.pg_depend dep JOIN pg_catalog.pg_class s \
            ON s.oid = dep.objid AND s.relkind = 'S' WHERE dep.classid = 'pg_catalog.pg_class'::pg_catalog.regclass \
            AND dep.refobjid = c.oid AND dep.refobjsubid = a.attnum AND dep.deptype = 'a'), \
         a.attidentity <> '', \
         ARRAY(SELECT e.enumlabel::text FROM pg_catalog.pg_enum e WHERE e.enumtypid = a.atttypid \
            ORDER BY e.enumsortorder) \
         FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace \
         JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped \
         LEFT JOIN pg_catalog.pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum AND a.attgenerated = '' \
         WHERE n.nspname = $1 AND c.relname = $2 AND c.relkind IN ('r', 'p') ORDER BY a.attnum";
    let rows = link.rows(sql, &[&id.schema, &id.table])?;
    let Some(first) = rows.first() else { return Ok(None) };
    let table_comment: Option<String> = get(first, 0)?;
    let mut columns = Vec::with_capacity(rows.len());
    for row in &rows {
        let comment = text::read_comment(&get::<Option<String>>(row, 5)?.unwrap_or_default());
        let (owns_sequence, is_identity): (bool, bool) = (get(row, 6)?, get(row, 7)?);
        let nullable: bool = get(row, 3)?;
        let expression: Option<String> = get(row, 4)?;
        let is_serial = owns_sequence && expression.as_ref().is_some_and(|text| text.starts_with("nextval("));
        let mut sql_type = SqlType { text: get(row, 2)?, labels: get(row, 8)? };
        if is_serial {
            sql_type.make_serial();
        }
        let default = match expression {
            _ if is_serial || is_identity => None,
            Some(text) => Some(default_of(&text)),
            None => nullable.then_some(DefaultValue::Null),
        };
        let column = ColumnDef {
            name: get(row, 1)?,
            ty: sql_type.column_type(Some(&comment)),
            nullable,
            default,
            comment,
            auto_increment: is_serial || is_identity,
        };
        columns.push((column, sql_type));
    }
    Ok(Some((table_comment.unwrap_or_default(), columns)))
}

/// Primary key and foreign keys.
fn keys(link: &mut Link, id: &TableId) -> Result<(Vec<String>, Vec<ForeignKeyDef>), DbError> {
    let sql = "SELECT k.contype::text, \
         ARRAY(SELECT a.attname::text FROM pg_catalog.unnest(k.conkey) WITH ORDINALITY AS u(number, place) \
            JOIN pg_catalog.pg_attribute a ON a.attrelid = k.conrelid AND a.attnum = u.number ORDER BY u.place), \
         pn.nspname::text, p.relname::text, \
         ARRAY(SELECT a.attname::text FROM pg_catalog.unnest(k.confkey) WITH ORDINALITY AS u(number, place) \
            JOIN pg_catalog.pg_attribute a ON a.attrelid = k.confrelid AND a.attnum = u.number ORDER BY u.place) \
         FROM pg_catalog.pg_constraint k \
         JOIN pg_catalog.pg_class c ON c.oid = k.conrelid JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace \
         LEFT JOIN pg_catalog.pg_class p ON p.oid = k.confrelid \
         LEFT JOIN pg_catalog.pg_namespace pn ON pn.oid = p.relnamespace \
         WHERE n.nspname = $1 AND c.relname = $2 AND k.contype IN ('p', 'f') AND k.conparentid = 0 ORDER BY k.oid";
    let mut primary = Vec::new();
    let mut foreign = Vec::new();
    for row in &link.rows(sql, &[&id.schema, &id.table])? {
        let columns = get(row, 1)?;
        if get::<String>(row, 0)? == "p" {
            primary = columns;
        } else {
            let parent = TableId::new(get::<String>(row, 2)?, get::<String>(row, 3)?);
            foreign.push(ForeignKeyDef { columns, parent, parent_columns: get(row, 4)? });
        }
    }
    Ok((primary, foreign))
}

/// The comment with a marker that a column of a reference takes from its parent, or the parent's parent.
fn inherited(
    link: &mut Link,
    foreign_keys: &[ForeignKeyDef],
    column: &str,
    depth: u32,
) -> Result<Option<String>, DbError> {
    for key in foreign_keys {
        let place = key.columns.iter().position(|name| name == column);
        let Some(source) = place.and_then(|place| key.parent_columns.get(place)) else { continue };
        let sql = "SELECT pg_catalog.col_description(c.oid, a.attnum) FROM pg_catalog.pg_class c \
             JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace \
             JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid \
             WHERE n.nspname = $1 AND c.relname = $2 AND a.attname = $3";
        let rows = link.rows(sql, &[&key.parent.schema, &key.parent.table, source])?;
        let comment: Option<String> = rows.first().map_or(Ok(None), |row| get(row, 0))?;
        match comment.filter(|comment| !comment.is_empty()) {
            Some(comment) if marker::parse_comment(&comment).0.is_some() => {
                return Ok(Some(text::read_comment(&comment)));
            }
            Some(_) => {}
            None if depth < MAX_DEPTH => {
                let (_, parents) = keys(link, &key.parent)?;
                if let Some(found) = inherited(link, &parents, source, depth + 1)? {
                    return Ok(Some(found));
                }
            }
            None => {}
        }
    }
    Ok(None)
}

/// Secondary indexes, without those that only support a reference.
fn indexes(link: &mut Link, id: &TableId, foreign_keys: &[ForeignKeyDef]) -> Result<Vec<IndexDef>, DbError> {
    let sql = "SELECT i.indisunique, pg_catalog.obj_description(i.indexrelid, 'pg_class'), \
         ARRAY(SELECT pg_catalog.pg_get_indexdef(i.indexrelid, place, true) \
            FROM pg_catalog.generate_series(1, i.indnkeyatts::integer) AS g(place) ORDER BY place), \
         ARRAY(SELECT a.attname::text FROM pg_catalog.generate_series(1, i.indnkeyatts::integer) AS g(place) \
            LEFT JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum = i.indkey[g.place - 1] \
            ORDER BY g.place) \
         FROM pg_catalog.pg_index i JOIN pg_catalog.pg_class c ON c.oid = i.indrelid \
         JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace \
         JOIN pg_catalog.pg_class ic ON ic.oid = i.indexrelid JOIN pg_catalog.pg_am am ON am.oid = ic.relam \
         WHERE n.nspname = $1 AND c.relname = $2 AND NOT i.indisprimary AND i.indpred IS NULL \
         AND am.amname = 'btree' ORDER BY i.indexrelid";
    let mut indexes = Vec::new();
    for row in &link.rows(sql, &[&id.schema, &id.table])? {
        let unique: bool = get(row, 0)?;
        let declared = get::<Option<String>>(row, 1)?.and_then(|comment| serde_json::from_str(&comment).ok());
        let texts: Vec<String> = get(row, 2)?;
        let names: Vec<Option<String>> = get(row, 3)?;
        let parts = match declared {
            Some(parts) => parts,
            None => {
                let parts: Vec<String> = names
                    .into_iter()
                    .zip(texts)
                    .map(|(name, text)| name.unwrap_or_else(|| format!("({text})")))
                    .collect();
                if !unique && foreign_keys.iter().any(|key| key.columns == parts) {
                    continue;
                }
                parts
            }
        };
        indexes.push(IndexDef { parts, unique });
    }
    Ok(indexes)
}

/// A default as the server wrote it down.
fn default_of(text: &str) -> DefaultValue {
    let bare = text.trim();
    let upper = bare.to_ascii_uppercase();
    if upper == "NULL" || upper.starts_with("NULL::") {
        return DefaultValue::Null;
    }
    match upper.as_str() {
        "TRUE" => return DefaultValue::Literal("1".to_owned()),
        "FALSE" => return DefaultValue::Literal("0".to_owned()),
        _ => {}
    }
    let number = bare.trim_start_matches('(').split(')').next().unwrap_or_default();
    if !number.is_empty()
        && number.bytes().all(|b| b.is_ascii_digit() || matches!(b, b'.' | b'-' | b'+' | b'e' | b'E'))
    {
        return DefaultValue::Literal(number.to_owned());
    }
    // `'it''s'::character varying`
    if let Some(rest) = bare.strip_prefix('\'') {
        let mut literal = String::new();
        let mut parts = rest.split('\'').peekable();
        while let Some(part) = parts.next() {
            literal.push_str(part);
            match parts.peek() {
                // A doubled quote leaves nothing between its halves.
                Some(&"") => {
                    parts.next();
                    literal.push('\'');
                }
                Some(after) if after.starts_with("::") => return DefaultValue::Literal(literal),
                _ => break,
            }
        }
        if let Some(inner) = rest.strip_suffix('\'') {
            return DefaultValue::Literal(inner.replace("''", "'"));
        }
    }
    // The time of the insert, or something else that only the server can find.
    DefaultValue::CurrentTimestamp
}

/// Names of a table's secondary indexes in declared order.
pub(crate) fn index_names(link: &mut Link, id: &TableId) -> Result<Vec<String>, DbError> {
    let sql = "SELECT ic.relname::text FROM pg_catalog.pg_index i JOIN pg_catalog.pg_class c ON c.oid = i.indrelid \
         JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace \
         JOIN pg_catalog.pg_class ic ON ic.oid = i.indexrelid \
         WHERE n.nspname = $1 AND c.relname = $2 AND NOT i.indisprimary ORDER BY i.indexrelid";
    let rows = link.rows(sql, &[&id.schema, &id.table])?;
    rows.iter().map(|row| get(row, 0)).collect()
}

/// The type of a column as SQL, its schema named where it is none of the server's.
pub(crate) fn column_sql_type(
    link: &mut Link,
    id: &TableId,
    column: &str,
) -> Result<Option<String>, DbError> {
    if let Some(sql) = enum_type(link, id, column)? {
        return Ok(Some(sql));
    }
    let sql = "SELECT pg_catalog.format_type(a.atttypid, a.atttypmod) FROM pg_catalog.pg_attribute a \
         JOIN pg_catalog.pg_class c ON c.oid = a.attrelid JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace \
         WHERE n.nspname = $1 AND c.relname = $2 AND a.attname = $3";
    link.rows(sql, &[&id.schema, &id.table, column])?.first().map(|row| get(row, 0)).transpose()
}

/// The type of a column as SQL, if it is an enum.
pub(crate) fn enum_type(link: &mut Link, id: &TableId, column: &str) -> Result<Option<String>, DbError> {
    let sql = "SELECT tn.nspname::text, t.typname::text FROM pg_catalog.pg_attribute a \
         JOIN pg_catalog.pg_class c ON c.oid = a.attrelid JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace \
         JOIN pg_catalog.pg_type t ON t.oid = a.atttypid JOIN pg_catalog.pg_namespace tn ON tn.oid = t.typnamespace \
         WHERE n.nspname = $1 AND c.relname = $2 AND a.attname = $3 AND t.typtype = 'e'";
    let rows = link.rows(sql, &[&id.schema, &id.table, column])?;
    let Some(row) = rows.first() else { return Ok(None) };
    Ok(Some(quote_table(&TableId::new(get::<String>(row, 0)?, get::<String>(row, 1)?))))
}

/// The labels of an enum's type, if there is one of this name.
pub(crate) fn enum_labels(link: &mut Link, schema: &str, name: &str) -> Result<Option<Vec<String>>, DbError> {
    let sql = "SELECT ARRAY(SELECT e.enumlabel::text FROM pg_catalog.pg_enum e WHERE e.enumtypid = t.oid) \
         FROM pg_catalog.pg_type t JOIN pg_catalog.pg_namespace n ON n.oid = t.typnamespace \
         WHERE n.nspname = $1 AND t.typname = $2";
    link.rows(sql, &[schema, name])?.first().map(|row| get(row, 0)).transpose()
}

/// The types of a table's columns that are enums.
pub(crate) fn enum_types(link: &mut Link, id: &TableId) -> Result<Vec<TableId>, DbError> {
    let sql = "SELECT DISTINCT tn.nspname::text, t.typname::text FROM pg_catalog.pg_attribute a \
         JOIN pg_catalog.pg_class c ON c.oid = a.attrelid JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace \
         JOIN pg_catalog.pg_type t ON t.oid = a.atttypid JOIN pg_catalog.pg_namespace tn ON tn.oid = t.typnamespace \
         WHERE n.nspname = $1 AND c.relname = $2 AND t.typtype = 'e'";
    let rows = link.rows(sql, &[&id.schema, &id.table])?;
    rows.iter().map(|row| Ok(TableId::new(get::<String>(row, 0)?, get::<String>(row, 1)?))).collect()
}

/// Whether anything depends on a type.
pub(crate) fn is_type_used(link: &mut Link, id: &TableId) -> Result<bool, DbError> {
    let sql = "SELECT 1 FROM pg_catalog.pg_type t JOIN pg_catalog.pg_namespace n ON n.oid = t.typnamespace \
         JOIN pg_catalog.pg_depend d ON d.refclassid = 'pg_catalog.pg_type'::pg_catalog.regclass \
         AND d.refobjid IN (t.oid, t.typarray) AND d.deptype = 'n' WHERE n.nspname = $1 AND t.typname = $2 LIMIT 1";
    Ok(!link.rows(sql, &[&id.schema, &id.table])?.is_empty())
}

/// Tables that refer to a table.
pub(crate) fn children(link: &mut Link, id: &TableId) -> Result<Vec<TableId>, DbError> {
    let sql = "SELECT DISTINCT cn.nspname::text, c.relname::text FROM pg_catalog.pg_constraint k \
         JOIN pg_catalog.pg_class c ON c.oid = k.conrelid JOIN pg_catalog.pg_namespace cn ON cn.oid = c.relnamespace \
         JOIN pg_catalog.pg_class p ON p.oid = k.confrelid JOIN pg_catalog.pg_namespace pn ON pn.oid = p.relnamespace \
         WHERE k.contype = 'f' AND pn.nspname = $1 AND p.relname = $2 ORDER BY 1, 2";
    let rows = link.rows(sql, &[&id.schema, &id.table])?;
    rows.iter().map(|row| Ok(TableId::new(get::<String>(row, 0)?, get::<String>(row, 1)?))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn defaults_lose_what_the_server_adds() {
        for (text, literal) in [
            ("'x'::character varying", "x"),
            ("'it''s'::lab.enum_1", "it's"),
            ("'::'::text", "::"),
            ("''::text", ""),
            ("'''::'''::text", "'::'"),
            ("'''a'''", "'a'"),
            ("'5'::smallint", "5"),
            ("'-1'::integer", "-1"),
            ("1.5", "1.5"),
            ("(-1.5)", "-1.5"),
            ("('-1'::integer)", "-1"),
            ("true", "1"),
            ("'2026-01-31'::date", "2026-01-31"),
        ] {
            assert_eq!(
                default_of(text.trim_matches(['(', ')']).trim()),
                DefaultValue::Literal(literal.into()),
                "{text}"
            );
        }
        assert_eq!(default_of("NULL::integer"), DefaultValue::Null);
        for text in ["CURRENT_TIMESTAMP", "now()", "gen_random_uuid()", "CURRENT_DATE"] {
            assert_eq!(default_of(text), DefaultValue::CurrentTimestamp);
        }
    }
}
