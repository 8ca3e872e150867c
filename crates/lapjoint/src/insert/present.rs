//! Keys that are there already: what an insert is to skip is not encoded, and nothing of it is stored.

use std::collections::HashSet;
use std::ops::ControlFlow;
use std::sync::Arc;

use lapjoint_db::check::{normalise, plain};
use lapjoint_db::{Adapter, ColumnType};
use lapjoint_types::{CoreType, Value};

use crate::bound::BoundTable;
use crate::error::Error;
use crate::heading::Attribute;
use crate::query::equal_sql;

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
        let there = self.are_there(rows.clone(), adapter)?;
        let is_new = |(row, is_there): (&[Value], bool)| match self.key_of(row) {
            Some(key) => !is_there && self.met.insert(key),
            None => true,
        };
        Ok(rows.zip(there).map(is_new).collect())
    }

    /// Whether each row's key is in the table. The database is asked about every one, since it compares in its own way: to
    /// some collations `A` is `a`.
    pub fn are_there<'r>(
        &self,
        rows: impl Iterator<Item = &'r [Value]>,
        adapter: &mut dyn Adapter,
    ) -> Result<Vec<bool>, Error> {
        let mut there = Vec::new();
        let mut asked = Vec::new();
        let table = adapter.quote_table(&self.table.def.id);
        for (number, row) in rows.enumerate() {
            there.push(false);
            if self.key_of(row).is_none() {
                continue;
            }
            let mut terms = Vec::with_capacity(self.key.len());
            for (place, attribute) in &self.key {
                terms.push(equal_sql(attribute, row.get(*place).unwrap_or(&Value::Null), adapter)?);
            }
            let condition = if terms.is_empty() { "1=1".to_owned() } else { terms.join(" AND ") };
            asked.push((number, format!("EXISTS (SELECT 1 FROM {table} WHERE {condition})")));
        }
        for some in asked.chunks(KEYS_AT_ONCE) {
            let list: Vec<&str> = some.iter().map(|(_, exists)| exists.as_str()).collect();
            let sql = format!("SELECT {}", list.join(", "));
            let columns: Vec<_> = (0..some.len())
                .map(|number| (format!("exists_{number}"), ColumnType::Core(CoreType::Bool)))
                .collect();
            adapter
                .query(&sql, &[], &columns, &mut |row| {
                    for ((number, _), value) in some.iter().zip(row) {
                        if let Some(is_there) = there.get_mut(*number) {
                            *is_there = value == Value::Bool(true);
                        }
                    }
                    ControlFlow::Break(())
                })
                .map_err(Error::db(&self.table.def.id))?;
        }
        Ok(there)
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
