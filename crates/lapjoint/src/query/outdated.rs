//! Migration on read: values of old versions that a fetch has seen are re-encoded after it.
//!
//! Only where it was asked for (setting `codecs.migrate_on_read`), outside of transactions, and for rows of one table that came with
//! their whole key. What a migration may not or cannot do is left as it is, with a line in the log: the fetch has its values.

use lapjoint_types::Value;

use crate::codecs::migrate_keys;
use crate::error::Error;
use crate::heading::Attribute;
use crate::query::node::{Expression, Node};
use crate::query::{ProjectItem, Query};
use crate::table::Table;

/// Most rows that are re-encoded after one fetch.
const LIMIT_ROWS: usize = 1000;

/// Rows of old versions, by attribute.
pub(super) struct Outdated {
    /// Places of the key among the values of a row.
    key: Vec<usize>,
    columns: Vec<Column>,
}

struct Column {
    attribute: Attribute,
    place: usize,
    version: String,
    keys: Vec<Vec<Value>>,
}

impl Outdated {
    /// What to look for in the rows of a query; `None` where nothing may be changed.
    pub fn of(query: &Query, attributes: &[Attribute]) -> Result<Option<Self>, Error> {
        let connection = query.connection();
        let is_wanted = connection.stores().read(|config| config.flag("codecs.migrate_on_read"));
        if !is_wanted || !is_of_one_table(query.expression()) || connection.in_transaction()? {
            return Ok(None);
        }
        let base = query.base();
        let place = |name: &str| attributes.iter().position(|attribute| attribute.name == name);
        let key = base.heading.all().iter().filter(|attribute| attribute.in_key).map(|a| place(&a.name));
        let Some(key) = key.collect::<Option<Vec<usize>>>() else { return Ok(None) };
        let columns: Vec<Column> = attributes
            .iter()
            .enumerate()
            .filter(|(_, attribute)| !attribute.in_key)
            .filter_map(|(place, attribute)| match attribute.chain()?.links() {
                [link] => Some(Column {
                    attribute: attribute.clone(),
                    place,
                    version: link.codec.format_version()?,
                    keys: Vec::new(),
                }),
                _ => None,
            })
            .collect();
        Ok((!columns.is_empty()).then_some(Self { key, columns }))
    }

    /// Looks at a row as it is stored.
    pub fn note(&mut self, row: &[Value]) {
        for column in &mut self.columns {
            let Some(stored) = row.get(column.place).filter(|value| !value.is_null()) else { continue };
            let Some([link]) = column.attribute.chain().map(|chain| chain.links()) else { continue };
            // A value that says no version may be of any.
            let is_old = link.codec.version_of(stored).is_some_and(|version| version != column.version);
            if is_old && column.keys.len() < LIMIT_ROWS {
                column.keys.push(self.key.iter().filter_map(|&place| row.get(place).cloned()).collect());
            }
        }
    }

    /// Re-encodes what was seen.
    pub fn migrate(self, query: &Query) {
        for column in self.columns.into_iter().filter(|column| !column.keys.is_empty()) {
            let name = &column.attribute.name;
            let table = &query.base().def.id;
            let migrated = query.connection().existing_schema(&table.schema).and_then(|schema| {
                migrate_keys(&Table::new(schema, query.base().clone()), name, &column.keys)
            });
            match migrated {
                Ok(report) => {
                    for failed in report.failed {
                        tracing::warn!(%table, attribute = name, key = failed.key, "not migrated on read: {}", failed.reason);
                    }
                }
                Err(error) => tracing::warn!(%table, attribute = name, "not migrated on read: {error}"),
            }
        }
    }
}

/// Whether rows are those of one table, under their own names.
fn is_of_one_table(node: &Node) -> bool {
    match node.expression() {
        Expression::Table(_) => true,
        Expression::Restrict { input, .. } | Expression::Top { input, .. } => is_of_one_table(input),
        Expression::Project { input, items } => {
            items.iter().all(|item| matches!(item, ProjectItem::Keep(_) | ProjectItem::Rest))
                && is_of_one_table(input)
        }
        _ => false,
    }
}
