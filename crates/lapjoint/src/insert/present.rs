//! Keys that are there already: what an insert is to skip is not encoded, and nothing of it is stored.

use std::collections::HashSet;
use std::ops::ControlFlow;
use std::sync::Arc;

use lapjoint_db::check::{normalise, plain};
use lapjoint_db::{Adapter, ColumnType};
use lapjoint_types::Value;

use crate::bound::BoundTable;
use crate::error::Error;
use crate::heading::Attribute;
use crate::query::select::equal_sql;

/// Keys asked for in one statement.
const KEYS_AT_ONCE: usize = 100;

/// Finds rows whose key is in the table, or was met before in the same insert.
pub(crate) struct Present {
    table: Arc<BoundTable>,
    /// The key's attributes, and their places in the rows.
    key: Vec<(usize, Attribute)>,
    met: HashSet<String>,
}

impl Present {
    /// `None` when keys cannot be compared beforehand: the database numbers them, or a codec makes them.
    pub fn new(table: &Arc<BoundTable>, attributes: &[Attribute]) -> Option<Self> {
        let key = table
            .def
            .primary_key
            .iter()
            .map(|name| {
                let place = attributes.iter().position(|attribute| attribute.name == *name)?;
                let attribute = attributes.get(place)?.clone();
                (!attribute.has_codec() && !attribute.auto_increment).then_some((place, attribute))
            })
            .collect::<Option<Vec<_>>>()?;
        Some(Self { table: Arc::clone(table), key, met: HashSet::new() })
    }

    /// A row's key in one form for equal keys; `None` for a key that the table refuses, which the insert will say.
    pub fn key_of(&self, row: &[Value]) -> Option<String> {
        let mut text = String::new();
        for (place, attribute) in &self.key {
            text.push_str(&form(row.get(*place)?.clone(), &attribute.column)?);
            text.push('\n');
        }
        Some(text)
    }

    /// Whether each row is new: its key neither in the table nor met before.
    pub fn are_new<'r>(
        &mut self,
        rows: impl Iterator<Item = &'r [Value]> + Clone,
        adapter: &mut dyn Adapter,
    ) -> Result<Vec<bool>, Error> {
        let there = self.there(rows.clone(), adapter)?;
        let mut is_new = |row: &[Value]| match self.key_of(row) {
            Some(key) => !there.contains(&key) && self.met.insert(key),
            None => true,
        };
        Ok(rows.map(&mut is_new).collect())
    }

    /// Keys of the rows that are in the table.
    pub fn there<'r>(
        &self,
        rows: impl Iterator<Item = &'r [Value]>,
        adapter: &mut dyn Adapter,
    ) -> Result<HashSet<String>, Error> {
        let mut conditions = Vec::new();
        for row in rows {
            if self.key_of(row).is_none() {
                continue;
            }
            let mut terms = Vec::with_capacity(self.key.len());
            for (place, attribute) in &self.key {
                terms.push(equal_sql(attribute, row.get(*place).unwrap_or(&Value::Null), adapter)?);
            }
            conditions.push(if terms.is_empty() { "1=1".to_owned() } else { terms.join(" AND ") });
        }
        let columns: Vec<(String, ColumnType)> = self
            .key
            .iter()
            .map(|(_, attribute)| (attribute.name.clone(), attribute.column.clone()))
            .collect();
        let list: Vec<String> = columns.iter().map(|(name, _)| adapter.quote(name)).collect();
        let mut found = HashSet::new();
        for some in conditions.chunks(KEYS_AT_ONCE) {
            let sql = format!(
                "SELECT {} FROM {} WHERE {}",
                list.join(", "),
                adapter.quote_table(&self.table.def.id),
                some.iter().map(|terms| format!("({terms})")).collect::<Vec<_>>().join(" OR ")
            );
            adapter
                .query(&sql, &[], &columns, &mut |row| {
                    let key: Option<String> = row
                        .into_iter()
                        .zip(&columns)
                        .map(|(value, (_, ty))| Some(form(value, ty)? + "\n"))
                        .collect();
                    found.extend(key);
                    ControlFlow::Continue(())
                })
                .map_err(Error::db(&self.table.def.id))?;
        }
        Ok(found)
    }
}

/// One form for all values that are equal in a column of this type.
fn form(value: Value, ty: &ColumnType) -> Option<String> {
    let value = match ty {
        ColumnType::Core(core) => normalise(value, core).ok()?,
        ColumnType::Native(_) => plain(value),
    };
    Some(format!("{value:?}"))
}
