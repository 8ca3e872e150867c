//! Rows to columns: names, order, missing and extra attributes.

use std::sync::Arc;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use lapjoint_db::DefaultValue;
use lapjoint_types::Value;

use crate::bound::BoundTable;
use crate::error::Error;
use crate::heading::Attribute;
use crate::row::Row;

/// Where a column's value comes from, for rows of given names.
#[derive(Debug, Clone)]
enum Source {
    /// A place in the row.
    Row(usize),
    /// The attribute's default.
    Default,
}

/// Arranges rows into the columns of an insert. The columns are chosen by the first row.
#[derive(Debug)]
pub(crate) struct Matching {
    table: Arc<BoundTable>,
    ignore_extra_fields: bool,
    /// Attributes inserted, as places in the heading.
    columns: Vec<usize>,
    /// Names met last, and where each column's value is in such a row.
    last: Option<(Arc<Vec<String>>, Vec<Source>)>,
}

impl Matching {
    pub fn new(table: &Arc<BoundTable>, first: &Row, ignore_extra_fields: bool) -> Self {
        let columns = table
            .heading
            .all()
            .iter()
            .enumerate()
            .filter(|(_, attribute)| {
                // What only the database can find is left to it, unless the rows bring it.
                let by_database = attribute.auto_increment
                    || matches!(attribute.default, Some(DefaultValue::CurrentTimestamp));
                first.value(&attribute.name).is_some() || !by_database
            })
            .map(|(index, _)| index)
            .collect();
        Self { table: Arc::clone(table), ignore_extra_fields, columns, last: None }
    }

    /// Attributes inserted, in the order of the columns.
    pub fn attributes(&self) -> impl Iterator<Item = &Attribute> {
        self.columns.iter().filter_map(|&index| self.table.heading.all().get(index))
    }

    /// The values of one row in the order of the columns.
    pub fn arrange(&mut self, row: Row, number: u64) -> Result<Vec<Value>, Error> {
        let names = Arc::clone(row.shared_names());
        let known = self.last.as_ref().is_some_and(|(last, _)| Arc::ptr_eq(last, &names) || **last == *names);
        if !known {
            let sources = self.match_names(&names, number)?;
            self.last = Some((Arc::clone(&names), sources));
        }
        let Some((_, sources)) = &self.last else { return Ok(Vec::new()) };
        let mut given = row.into_values();
        let mut values = Vec::with_capacity(sources.len());
        for (source, attribute) in sources.iter().zip(self.attributes()) {
            let value = match source {
                Source::Row(place) => {
                    given.get_mut(*place).map_or(Value::Null, |slot| std::mem::replace(slot, Value::Null))
                }
                Source::Default => Value::Null,
            };
            values.push(self.complete(attribute, value, number)?);
        }
        Ok(values)
    }

    /// A null stands for the default where there is one.
    fn complete(&self, attribute: &Attribute, value: Value, number: u64) -> Result<Value, Error> {
        if !value.is_null() || attribute.auto_increment {
            return Ok(value);
        }
        if matches!(attribute.default, Some(DefaultValue::CurrentTimestamp)) {
            return Ok(Value::DateTime(now()));
        }
        attribute.default_value().ok_or_else(|| Error::MissingValue {
            table: self.table.def.id.to_string(),
            row: number,
            message: format!(
                "attribute `{name}` ({ty}) needs a value: it has no default and cannot be null. Add it to the row{}",
                if attribute.in_key {
                    String::new()
                } else {
                    format!(", or declare it as `{} = null : {}`", attribute.name, attribute.declared)
                },
                name = attribute.name,
                ty = attribute.declared,
            ),
        })
    }

    fn match_names(&self, names: &[String], number: u64) -> Result<Vec<Source>, Error> {
        let heading = &self.table.heading;
        if !self.ignore_extra_fields
            && let Some(extra) = names.iter().find(|name| heading.get(name).is_none())
        {
            return Err(Error::unknown_field(&self.table.def.id, number, extra, heading.names()));
        }
        let inserted: Vec<&str> = self.attributes().map(|attribute| attribute.name.as_str()).collect();
        if let Some(late) =
            names.iter().find(|name| heading.get(name).is_some() && !inserted.contains(&name.as_str()))
        {
            return Err(Error::Row {
                table: self.table.def.id.to_string(),
                row: number,
                message: format!(
                    "Attempt to insert rows with different fields: this row gives `{late}`, the first row leaves it to \
                     the database. Give it in all rows or in none"
                ),
            });
        }
        Ok(inserted
            .iter()
            .map(|column| names.iter().position(|name| name == column).map_or(Source::Default, Source::Row))
            .collect())
    }
}

/// The present time in UTC, in microseconds, as `CURRENT_TIMESTAMP` means it.
pub(crate) fn now() -> jiff::civil::DateTime {
    let now = Timestamp::now().to_zoned(TimeZone::UTC).datetime();
    let microseconds = now.subsec_nanosecond() / 1000 * 1000;
    now.with().subsec_nanosecond(microseconds).build().unwrap_or(now)
}
