//! Rows that go with others along references: downwards for deletes, upwards for traces.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use lapjoint_db::{Adapter, ForeignKeyDef, TableId};
use lapjoint_types::naming::Tier;

use crate::bound::BoundTable;
use crate::connection::Connection;
use crate::error::Error;
use crate::graph::Dependencies;
use crate::query::{Condition, Query, equal_sql};
use crate::row::Row;

/// Longest condition, in bytes, that is handed on as it is.
const LONGEST: usize = 8192;

/// Which rows of a table, in SQL.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Rows {
    /// Condition on the table's rows.
    pub sql: String,
    /// Attributes that the condition is about; `None` when it also looks at other tables.
    attributes: Option<BTreeSet<String>>,
}

/// For each table which of its rows.
pub(crate) type RowsOf = BTreeMap<TableId, Rows>;

/// How conditions that reach a table by several ways are put together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Convergence {
    /// A row belongs to the result when one way reaches it.
    Any,
    /// A row belongs to the result when all ways reach it.
    All,
}

impl Rows {
    /// A condition on the rows of `table`.
    pub fn new(sql: String, table: &BoundTable) -> Self {
        let words: BTreeSet<String> =
            sql.split(|c: char| !(c.is_alphanumeric() || c == '_')).map(str::to_lowercase).collect();
        let attributes = (!words.contains("select")).then(|| {
            let names = table.heading.all().iter().map(|attribute| attribute.name.clone());
            names.filter(|name| words.contains(&name.to_lowercase())).collect()
        });
        Self { sql, attributes }
    }

    /// No rows.
    pub fn none() -> Self {
        Self { sql: "1=0".into(), attributes: Some(BTreeSet::new()) }
    }

    fn looking_elsewhere(sql: String) -> Self {
        Self { sql, attributes: None }
    }

    /// Whether the condition looks at other tables, whose rows may change.
    pub const fn looks_elsewhere(&self) -> bool {
        self.attributes.is_none()
    }

    /// Both conditions, or one of them.
    pub fn joined(self, other: &Self, convergence: Convergence) -> Self {
        if self.sql == other.sql {
            return self;
        }
        let word = match convergence {
            Convergence::Any => "OR",
            Convergence::All => "AND",
        };
        let attributes = match (self.attributes, &other.attributes) {
            (Some(mut own), Some(other)) => {
                own.extend(other.iter().cloned());
                Some(own)
            }
            _ => None,
        };
        Self { sql: format!("(({}) {word} ({}))", self.sql, other.sql), attributes }
    }

    /// The rows with these keys.
    pub fn of_keys(connection: &Connection, table: &Arc<BoundTable>, keys: Vec<Row>) -> Result<Self, Error> {
        if keys.is_empty() {
            return Ok(Self::none());
        }
        Query::of_table(connection.clone(), Arc::clone(table)).restrict(keys).rows()
    }

    /// Takes the keys in place of a condition that has become long: where ways part and meet again and again, conditions would
    /// double each time.
    fn shorten(&mut self, connection: &Connection, table: &Arc<BoundTable>) -> Result<(), Error> {
        if self.looks_elsewhere() && self.sql.len() > LONGEST {
            *self = Self::of_keys(connection, table, self.query(connection, table).keys()?)?;
        }
        Ok(())
    }

    /// The rows themselves, to be counted and fetched.
    pub fn query(&self, connection: &Connection, table: &Arc<BoundTable>) -> Query {
        Query::of_table(connection.clone(), Arc::clone(table)).restrict(Condition::Verbatim(self.sql.clone()))
    }
}

/// The rows of all tables that rows of `seeds` reach through references to them.
pub(crate) fn spread_down(
    graph: &Dependencies,
    connection: &Connection,
    seeds: RowsOf,
    convergence: Convergence,
) -> Result<RowsOf, Error> {
    let mut reached = BTreeSet::new();
    for seed in seeds.keys() {
        reached.extend(graph.descendants(seed)?);
    }
    let mut rows = seeds;
    for id in graph.sorted_of(&reached)? {
        let Some(parent) = graph.get(&id) else { continue };
        let Some(own) = rows.get_mut(&id) else { continue };
        own.shorten(connection, parent)?;
        let guard = connection.lock()?;
        let adapter = guard.adapter();
        // Rows of the same table that refer to these rows, to any depth.
        let to_itself = parent.self_references();
        if !to_itself.is_empty() && convergence == Convergence::Any {
            *own = Rows::looking_elsewhere(closure_sql(adapter, parent, &to_itself, &own.sql, Way::Down));
        }
        let own = own.clone();
        for (child, key) in graph.children_of(&id).filter(|(child, _)| child.def.id != id) {
            add(&mut rows, &child.def.id, down(adapter, &id, &own, child, key), convergence);
        }
    }
    Ok(rows)
}

/// The rows of all tables that rows of `seed` refer to, directly or through others. `known` has values of the seed's attributes that
/// hold for the seed whether its rows are there yet or not.
pub(crate) fn spread_up(
    graph: &Dependencies,
    connection: &Connection,
    seed: &TableId,
    own: Rows,
    known: Row,
) -> Result<RowsOf, Error> {
    let mut rows = RowsOf::from([(seed.clone(), own)]);
    // Values that are known of the one row of a table; nothing where several ways lead to different rows.
    let mut known_of: BTreeMap<TableId, Row> = BTreeMap::from([(seed.clone(), known)]);
    for id in graph.ancestors(seed)? {
        let Some(child) = graph.get(&id) else { continue };
        let Some(own) = rows.get_mut(&id) else { continue };
        own.shorten(connection, child)?;
        let guard = connection.lock()?;
        let adapter = guard.adapter();
        let to_itself = child.self_references();
        if !to_itself.is_empty() {
            *own = Rows::looking_elsewhere(closure_sql(adapter, child, &to_itself, &own.sql, Way::Up));
            known_of.remove(&id);
        }
        let own = own.clone();
        for key in child.def.foreign_keys.iter().filter(|key| key.parent != id) {
            let Some(parent) = graph.get(&key.parent) else { continue };
            let found = known_of.get(&id).and_then(|known| referred(key, known));
            let more = match &found {
                Some(values) => exactly(adapter, parent, values)?,
                None => {
                    let sql = is_among(adapter, &key.parent_columns, &key.columns, &id, &own.sql);
                    Rows::looking_elsewhere(sql)
                }
            };
            let is_first = !rows.contains_key(&key.parent);
            match found {
                Some(values) if is_first => {
                    known_of.insert(key.parent.clone(), values);
                }
                Some(values) if known_of.get(&key.parent) == Some(&values) => {}
                _ => {
                    known_of.remove(&key.parent);
                }
            }
            add(&mut rows, &key.parent, more, Convergence::Any);
        }
    }
    Ok(rows)
}

/// Values of the row that a foreign key refers to, where all are known.
fn referred(key: &ForeignKeyDef, known: &Row) -> Option<Row> {
    let mut values = Row::new();
    for (column, name) in key.columns.iter().zip(&key.parent_columns) {
        values.set(name, known.value(column)?.clone());
    }
    Some(values)
}

/// The row of a table with these values.
fn exactly(adapter: &dyn Adapter, table: &BoundTable, values: &Row) -> Result<Rows, Error> {
    let mut terms = Vec::new();
    for (name, value) in values.iter() {
        if let Some(attribute) = table.heading.get(name) {
            terms.push(equal_sql(attribute, value, adapter)?);
        }
    }
    Ok(Rows::new(terms.join(" AND "), table))
}

fn add(rows: &mut RowsOf, id: &TableId, more: Rows, convergence: Convergence) {
    let rows_of = match rows.remove(id) {
        Some(present) => present.joined(&more, convergence),
        None => more,
    };
    rows.insert(id.clone(), rows_of);
}

/// The rows of `child` that refer to rows of its parent by a foreign key.
fn down(
    adapter: &dyn Adapter,
    parent: &TableId,
    own: &Rows,
    child: &BoundTable,
    key: &ForeignKeyDef,
) -> Rows {
    // Where the child's primary key has the attributes that the condition is about, it says the same of the child.
    let is_kept =
        |name: &String| key.columns.iter().zip(&key.parent_columns).any(|(a, b)| a == name && b == name);
    let is_about_key = own.attributes.as_ref().is_some_and(|names| names.iter().all(is_kept));
    if is_about_key && key.columns.iter().all(|name| child.def.primary_key.contains(name)) {
        return own.clone();
    }
    Rows::looking_elsewhere(is_among(adapter, &key.columns, &key.parent_columns, parent, &own.sql))
}

/// Condition that `columns` have the values that `other_columns` have in some row of another table.
fn is_among(
    adapter: &dyn Adapter,
    columns: &[String],
    other_columns: &[String],
    other: &TableId,
    other_rows: &str,
) -> String {
    format!(
        "{} IN (SELECT {} FROM {} WHERE {other_rows})",
        tuple(adapter, columns),
        quoted(adapter, other_columns),
        adapter.quote_table(other)
    )
}

/// Direction in which a table that refers to itself is followed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    /// To the rows that refer to a row.
    Down,
    /// To the rows that a row refers to.
    Up,
}

/// Condition on the rows of a self-referencing table that `own` holds for, and those that are reached from them, to any depth.
fn closure_sql(
    adapter: &dyn Adapter,
    table: &BoundTable,
    keys: &[&ForeignKeyDef],
    own: &str,
    way: Way,
) -> String {
    let name = adapter.quote_table(&table.def.id);
    let [closure, next, start] = ["closure", "next", "start"].map(|name| adapter.quote(name));
    // The columns of the references besides those of the key, so that they can be followed.
    let mut names = table.def.primary_key.clone();
    for column in keys.iter().flat_map(|key| &key.columns) {
        if !names.contains(column) {
            names.push(column.clone());
        }
    }
    let steps: Vec<String> = keys
        .iter()
        .map(|key| {
            let (from, to) = match way {
                Way::Down => (&key.parent_columns, &key.columns),
                Way::Up => (&key.columns, &key.parent_columns),
            };
            let equal = |(from, to): (&String, &String)| {
                format!("{next}.{} = {closure}.{}", adapter.quote(to), adapter.quote(from))
            };
            format!("({})", from.iter().zip(to).map(equal).collect::<Vec<_>>().join(" AND "))
        })
        .collect();
    let of_next: Vec<String> = names.iter().map(|name| format!("{next}.{}", adapter.quote(name))).collect();
    let columns = quoted(adapter, &names);
    format!(
        "{} IN (WITH RECURSIVE {closure}({columns}) AS (SELECT {columns} FROM {name} AS {start} WHERE {own} UNION SELECT {} \
         FROM {name} AS {next} JOIN {closure} ON {}) SELECT {} FROM {closure})",
        tuple(adapter, &table.def.primary_key),
        of_next.join(", "),
        steps.join(" OR "),
        quoted(adapter, &table.def.primary_key),
    )
}

/// Names, quoted and separated by commas.
pub(crate) fn quoted(adapter: &dyn Adapter, names: &[String]) -> String {
    names.iter().map(|name| adapter.quote(name)).collect::<Vec<_>>().join(", ")
}

/// Names as one side of a comparison.
fn tuple(adapter: &dyn Adapter, names: &[String]) -> String {
    match names {
        [name] => adapter.quote(name),
        names => format!("({})", quoted(adapter, names)),
    }
}

/// Adds to `seeds` the masters of all parts that `rows` has rows of, as far as `rows` lacks them; tells whether any was added.
/// A master without such rows is there with none.
pub(crate) fn add_masters(
    graph: &Dependencies,
    connection: &Connection,
    rows: &RowsOf,
    seeds: &mut RowsOf,
) -> Result<bool, Error> {
    let mut added = false;
    for (id, own) in rows {
        let Some(part) = graph.get(id).filter(|table| table.tier == Tier::Part) else { continue };
        let Some(master) = part.master().and_then(|name| graph.get(&TableId::new(&id.schema, name))) else {
            continue;
        };
        let covered = rows.get(&master.def.id);
        if covered.is_none() && !seeds.contains_key(&master.def.id) {
            seeds.insert(master.def.id.clone(), Rows::none());
            added = true;
        }
        let belonging = {
            let guard = connection.lock()?;
            ways_up(graph, part, &master.def.id)
                .iter()
                .map(|way| climbed(guard.adapter(), way, own))
                .reduce(|one, other| one.joined(&other, Convergence::Any))
        };
        let Some(belonging) = belonging else { continue };
        let missing = belonging.query(connection, master);
        let missing = match covered {
            Some(covered) => missing.restrict(Condition::Verbatim(format!("({}) IS NOT TRUE", covered.sql))),
            None => missing,
        };
        // The keys as literals: the part's rows, which name them, are deleted before the master's.
        let keys = missing.keys()?;
        if !keys.is_empty() {
            add(seeds, &master.def.id, Rows::of_keys(connection, master, keys)?, Convergence::Any);
            added = true;
        }
    }
    Ok(added)
}

/// The shortest ways from a part to its master along references, those by the primary key under the same names before others.
fn ways_up<'g>(
    graph: &'g Dependencies,
    part: &'g Arc<BoundTable>,
    master: &TableId,
) -> Vec<Vec<(&'g BoundTable, &'g ForeignKeyDef)>> {
    let mut level: Vec<(&BoundTable, Vec<(&BoundTable, &ForeignKeyDef)>)> = vec![(part, Vec::new())];
    let mut met = BTreeSet::from([&part.def.id]);
    while !level.is_empty() {
        let mut arrived = Vec::new();
        let mut next = Vec::new();
        for (table, way) in level {
            for key in table.def.foreign_keys.iter().filter(|key| key.parent != table.def.id) {
                let way: Vec<_> = way.iter().copied().chain([(table, key)]).collect();
                if key.parent == *master {
                    arrived.push(way);
                } else if let Some(parent) = graph.get(&key.parent).filter(|p| !met.contains(&p.def.id)) {
                    next.push((parent.as_ref(), way));
                }
            }
        }
        if !arrived.is_empty() {
            let is_plain = |way: &Vec<(&BoundTable, &ForeignKeyDef)>| {
                way.iter().all(|(table, key)| {
                    key.columns == key.parent_columns
                        && key.columns.iter().all(|name| table.def.primary_key.contains(name))
                })
            };
            if arrived.iter().any(is_plain) {
                arrived.retain(is_plain);
            }
            return arrived;
        }
        met.extend(next.iter().map(|(table, _)| &table.def.id));
        level = next;
    }
    Vec::new()
}

/// The rows at the end of a way that the rows at its beginning refer to.
fn climbed(adapter: &dyn Adapter, way: &[(&BoundTable, &ForeignKeyDef)], own: &Rows) -> Rows {
    way.iter().fold(own.clone(), |rows, (table, key)| {
        Rows::looking_elsewhere(is_among(
            adapter,
            &key.parent_columns,
            &key.columns,
            &table.def.id,
            &rows.sql,
        ))
    })
}
