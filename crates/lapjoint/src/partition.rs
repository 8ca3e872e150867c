//! Queries in parts that several programs read, each by its own connection.

use lapjoint_db::{Adapter, TableId};
use lapjoint_types::Value;

use crate::connection::Connection;
use crate::error::Error;
use crate::heading::Attribute;
use crate::query::{Condition, Query};

/// One part of a query: a range of the primary key. It is plain data, which another program turns back into a query.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Partition {
    /// The table.
    pub table: TableId,
    /// Attributes, in order.
    pub attributes: Vec<String>,
    /// SQL conditions: those of the query, and the range.
    pub conditions: Vec<String>,
}

impl Partition {
    /// The part's rows, by way of a connection to the same database.
    ///
    /// # Errors
    /// [`Error`] when the table is not there.
    pub fn query(&self, connection: &Connection) -> Result<Query, Error> {
        let table = connection.existing_schema(&self.table.schema)?.table(&self.table.table)?;
        let restricted = self
            .conditions
            .iter()
            .fold(table.query(), |query, condition| query.restrict(Condition::Sql(condition.clone())));
        Ok(restricted.proj(self.attributes.iter().map(String::as_str)))
    }
}

impl Query {
    /// The query in at most `count` parts of about as many rows each: ranges of the primary key between its quantiles, which
    /// the database counts. Every row is in exactly one part, also one that is inserted later.
    ///
    /// ```
    /// # use lapjoint::{Connection, row};
    /// # let connection = Connection::in_memory()?;
    /// # let point = connection.schema("lab")?.manual("Point", "x : int32\ny : int32")?;
    /// point.insert((0..100).map(|n| row! { "x" => n % 7, "y" => n }))?;
    /// let parts = (&point & "y < 90").partitions(4)?;
    /// let rows = parts.iter().map(|part| part.query(&connection)?.count()).collect::<Result<Vec<_>, _>>()?;
    /// assert_eq!((rows.len(), rows.iter().sum::<u64>()), (4, 90));
    /// # Ok::<(), lapjoint::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Usage`] for a query that is more than the restriction and projection of one table.
    pub fn partitions(&self, count: usize) -> Result<Vec<Partition>, Error> {
        let select = self.compile()?;
        let table = select.base.clone().filter(|_| select.is_plain_restriction());
        let (Some(table), true) = (table, select.columns.iter().all(|column| column.sql.is_none())) else {
            return Err(Error::usage(format!(
                "only a table, restricted and with some of its attributes, can be read in parts; this is a query of {} that does \
                 more: fetch it, or read its tables in parts and join them there",
                self.base().def.id
            )));
        };
        let heading = select.heading();
        let key: Vec<&Attribute> = heading.attributes().filter(|attribute| attribute.in_key).collect();
        let bounds = if key.is_empty() { Vec::new() } else { self.bounds(&key, count)? };
        let whole = select.where_sql();
        let whole = whole.strip_prefix(" WHERE ").map(str::to_owned);
        let part = |from: Option<&String>, to: Option<&String>| Partition {
            table: table.clone(),
            attributes: heading.names(),
            conditions: whole
                .iter()
                .cloned()
                .chain(from.cloned())
                .chain(to.map(|bound| format!("NOT ({bound})")))
                .collect(),
        };
        let ends = bounds.iter().map(Some).chain([None]);
        let starts = [None].into_iter().chain(bounds.iter().map(Some));
        Ok(starts.zip(ends).map(|(from, to)| part(from, to)).collect())
    }

    /// Conditions "from this key on", one for each place where a part begins behind the first.
    fn bounds(&self, key: &[&Attribute], count: usize) -> Result<Vec<String>, Error> {
        let rows = self.count()?;
        let parts = (count as u64).clamp(1, rows.max(1));
        let keys = self.proj(Vec::<&str>::new());
        let mut bounds: Vec<String> = Vec::new();
        for number in 1..parts {
            // Neither overflows: parts are no more than rows, and those are in a database.
            let offset =
                (u128::from(rows) * u128::from(number) / u128::from(parts)).try_into().unwrap_or(rows);
            let first = keys.top(Some(1), offset, ["KEY"]).fetch()?;
            let Some(first) = first.first() else { break };
            let values: Vec<Value> = key
                .iter()
                .map(|attribute| first.value(&attribute.name).cloned().unwrap_or(Value::Null))
                .collect();
            let guard = self.connection().lock()?;
            let bound = from_on(key, &values, guard.adapter())?;
            if bounds.last() != Some(&bound) {
                bounds.push(bound);
            }
        }
        Ok(bounds)
    }
}

/// SQL of "the key is this one or comes after it".
fn from_on(key: &[&Attribute], values: &[Value], adapter: &dyn Adapter) -> Result<String, Error> {
    let mut sql = String::new();
    for (attribute, value) in key.iter().zip(values).rev() {
        let name = adapter.quote(&attribute.name);
        let literal = adapter.literal(value, &attribute.column).map_err(Error::db(&attribute.name))?;
        sql = if sql.is_empty() {
            format!("{name} >= {literal}")
        } else {
            format!("({name} > {literal} OR ({name} = {literal} AND {sql}))")
        };
    }
    Ok(sql)
}
