//! Changing the columns of a table, all in one transaction. New columns come last: PostgreSQL has no other place for them.

use lapjoint_types::CoreType;

use crate::error::DbError;
use crate::postgres::connection::Link;
use crate::postgres::ddl::{self, text};
use crate::postgres::introspect;
use crate::postgres::literal::{quote, quote_table, text_literal};
use crate::schema::{ColumnDef, ColumnType, TableDef};

/// See [`Adapter::alter_table`](crate::Adapter::alter_table).
pub(crate) fn alter_table(
    link: &mut Link,
    old: &TableDef,
    new: &TableDef,
    sources: &[Option<String>],
) -> Result<(), DbError> {
    ddl::check_names(new)?;
    if link.in_transaction() {
        return Err(DbError::Transaction("a table cannot be altered within a transaction"));
    }
    link.write_again(|link| Change { old, new, sources }.run(link))?;
    // Statements over the table mean something else now.
    link.server_mut()?.statements().forget_tables();
    Ok(())
}

struct Change<'c> {
    old: &'c TableDef,
    new: &'c TableDef,
    sources: &'c [Option<String>],
}

impl Change<'_> {
    fn run(&self, link: &mut Link) -> Result<(), DbError> {
        let table = quote_table(&self.new.id);
        link.run(&format!("LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE"))?;
        let enums = introspect::enum_types(link, &self.old.id)?;
        let is_taken =
            |column: &ColumnDef| self.sources.iter().flatten().any(|source| *source == column.name);
        for column in self.old.columns.iter().filter(|column| !is_taken(column)) {
            link.run(&format!("ALTER TABLE {table} DROP COLUMN {}", quote(&column.name)))?;
        }
        let renamed = self.rename(link, &table)?;
        for (column, source) in self.new.columns.iter().zip(self.sources) {
            match source {
                Some(source) => {
                    let known = self.old.columns.iter().find(|column| column.name == *source);
                    let before = known.ok_or_else(|| DbError::UnknownColumn(source.clone()))?;
                    self.change(link, &table, before, column)?;
                }
                None => self.add(link, &table, column)?,
            }
        }
        let mut last = Vec::new();
        if self.old.comment != self.new.comment {
            last.push(format!("COMMENT ON TABLE {table} IS {}", text_literal(&self.new.comment)));
        }
        for (column, source) in self.new.columns.iter().zip(self.sources) {
            let before =
                source.as_ref().and_then(|source| self.old.columns.iter().find(|c| c.name == *source));
            if before.map(|before| before.comment.as_str()).unwrap_or_default() != column.comment {
                last.push(text::comment_sql(self.new, column));
            }
        }
        if renamed {
            last.extend(self.renamed_indexes(link)?);
        }
        if !last.is_empty() {
            link.run(&last.join(";\n"))?;
        }
        ddl::drop_unused(link, &enums)
    }

    /// Renames columns, by way of names that none has, for two may change their names with one another.
    fn rename(&self, link: &mut Link, table: &str) -> Result<bool, DbError> {
        let pairs: Vec<_> = self
            .new
            .columns
            .iter()
            .zip(self.sources)
            .filter_map(|(column, source)| Some((source.as_ref()?, &column.name)))
            .filter(|(source, name)| source != name)
            .collect();
        let aside = |number: usize| quote(&format!("~renamed_{number}"));
        for (number, (source, _)) in pairs.iter().enumerate() {
            link.run(&format!("ALTER TABLE {table} RENAME COLUMN {} TO {}", quote(source), aside(number)))?;
        }
        for (number, (_, name)) in pairs.iter().enumerate() {
            link.run(&format!("ALTER TABLE {table} RENAME COLUMN {} TO {}", aside(number), quote(name)))?;
        }
        Ok(!pairs.is_empty())
    }

    /// Indexes over expressions remember their parts as declared, which name the columns.
    fn renamed_indexes(&self, link: &mut Link) -> Result<Vec<String>, DbError> {
        let names = introspect::index_names(link, &self.new.id)?;
        Ok(text::index_comments(self.new, &names))
    }

    fn add(&self, link: &mut Link, table: &str, column: &ColumnDef) -> Result<(), DbError> {
        let ty = ddl::column_type(link, self.new, column)?;
        let mut sql = format!("ALTER TABLE {table} ADD COLUMN {} {ty}", quote(&column.name));
        if let Some(default) = &column.default {
            sql.push_str(&format!(" DEFAULT {}", text::default_sql(column, default)?));
        }
        if !column.nullable {
            sql.push_str(" NOT NULL");
        }
        link.run_one(&sql)
    }

    fn change(
        &self,
        link: &mut Link,
        table: &str,
        before: &ColumnDef,
        column: &ColumnDef,
    ) -> Result<(), DbError> {
        let name = quote(&column.name);
        let alter = format!("ALTER TABLE {table} ALTER COLUMN {name}");
        let retyped = before.ty != column.ty;
        let numbered = before.auto_increment || column.auto_increment;
        if retyped && !numbered {
            self.retype(link, table, before, column)?;
        }
        if before.nullable != column.nullable {
            let verb = if column.nullable { "DROP" } else { "SET" };
            link.run(&format!("{alter} {verb} NOT NULL"))?;
        }
        if (before.default != column.default || retyped) && !numbered {
            match &column.default {
                Some(default) => {
                    link.run(&format!("{alter} SET DEFAULT {}", text::default_sql(column, default)?))?;
                }
                None => link.run(&format!("{alter} DROP DEFAULT"))?,
            }
        }
        Ok(())
    }

    /// Changes the type of a column, if every value is the same in the new type.
    fn retype(
        &self,
        link: &mut Link,
        table: &str,
        before: &ColumnDef,
        column: &ColumnDef,
    ) -> Result<(), DbError> {
        let name = quote(&column.name);
        let ty = ddl::column_type(link, self.new, column)?;
        let Some(old_type) = introspect::column_sql_type(link, &self.new.id, &column.name)? else {
            return Err(DbError::UnknownColumn(column.name.clone()));
        };
        let is_enum = |ty: &ColumnType| matches!(ty, ColumnType::Core(CoreType::Enum(_)));
        let through_text = is_enum(&before.ty) || is_enum(&column.ty);
        let step = if through_text { "::text" } else { "" };
        // What other types write in another way is checked by the server alone. A float of single precision is the nearest.
        let is_free = matches!(
            column.ty,
            ColumnType::Core(CoreType::Float32 | CoreType::Uuid | CoreType::Json | CoreType::Enum(_))
        );
        let mut changed = Vec::new();
        if !is_free && old_type != "json" {
            changed.push(format!("({name}{step}::{ty})::{old_type} IS DISTINCT FROM {name}"));
        }
        if matches!(column.ty, ColumnType::Core(CoreType::Int8)) {
            changed.push(format!("{name}::numeric NOT BETWEEN -128 AND 127"));
        }
        if !changed.is_empty() {
            let sql = format!(
                "SELECT {name}::text FROM {table} WHERE {name} IS NOT NULL AND ({}) LIMIT 1",
                changed.join(" OR ")
            );
            if let Some(row) = link.rows(&sql, &[])?.first() {
                return Err(DbError::Value {
                    column: column.name.clone(),
                    ty: column.ty.to_string(),
                    value: row.try_get::<_, String>(0).unwrap_or_else(|_| "a stored value".to_owned()),
                    reason: "a row holds it, and the new type would change it; update the row first, or choose a wider type"
                        .to_owned(),
                    row: None,
                });
            }
        }
        // The default may be none of the new type, and comes back as one.
        link.run(&format!("ALTER TABLE {table} ALTER COLUMN {name} DROP DEFAULT"))?;
        link.run_one(&format!("ALTER TABLE {table} ALTER COLUMN {name} TYPE {ty} USING {name}{step}::{ty}"))
    }
}
