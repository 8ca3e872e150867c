//! Aggregation, distinct values and unions.

use lapjoint_db::Adapter;

use crate::error::Error;
use crate::query::join::{self, JoinOptions};
use crate::query::project::ProjectItem;
use crate::query::select::{Column, Origin, Select};
use crate::query::text::UserSql;

impl Select {
    /// Each row of `by` with what `items` compute over the rows of `group` that match it.
    pub(super) fn aggregate(
        by: &Self,
        group: &Self,
        items: &[ProjectItem],
        keeps_all: bool,
        adapter: &dyn Adapter,
    ) -> Result<Self, Error> {
        let key: Vec<String> = by.key().map(str::to_owned).collect();
        if !group.determines(by) {
            let missing: Vec<&str> = by.key().filter(|name| group.visible(name).is_none()).collect();
            return Err(Error::usage(format!(
                "Aggregation requires the group expression to contain all primary key attributes of the grouping \
                 expression. Missing attributes: {}.",
                join::list(&missing)
            )));
        }
        let secondary: Vec<String> = by
            .columns
            .iter()
            .filter(|column| column.is_visible() && !column.attribute.in_key)
            .map(|column| column.name().to_owned())
            .collect();
        let items: Vec<ProjectItem> = items
            .iter()
            .flat_map(|item| match item {
                // All of the rows' own attributes; those that are grouped are many to each.
                ProjectItem::Rest => secondary.iter().cloned().map(ProjectItem::Keep).collect(),
                other => vec![other.clone()],
            })
            .collect();
        // Texts of the aggregation speak of both sides' columns by name.
        let flat = |select: &Self| {
            if select.has_derived() { select.clone().nest(true, adapter) } else { select.clone() }
        };
        let options = JoinOptions { is_semantic: true, keeps_left: keeps_all, allows_null_key: keeps_all };
        let joined = Self::join(&flat(by), &flat(group), options, adapter)?;
        // The key decides the other attributes of `by`: to group by those that are asked for changes no group, and not every
        // database knows that they are decided.
        let decided = needed(&items, &secondary, adapter);
        joined.group_by(&key, decided, &items, adapter)
    }

    /// What `items` compute over all rows that share the values of `names`, which become the primary key.
    pub(super) fn grouped(
        self,
        names: &[String],
        items: &[ProjectItem],
        adapter: &dyn Adapter,
    ) -> Result<Self, Error> {
        let missing: Vec<&str> =
            names.iter().filter(|name| self.visible(name).is_none()).map(String::as_str).collect();
        if !missing.is_empty() {
            return Err(Error::usage(format!(
                "Attributes {} not found in the group expression.",
                join::list(&missing)
            )));
        }
        let nests = self.has_derived() || self.is_cut() || self.is_distinct || self.group.is_some();
        let flat = if nests { self.nest(true, adapter) } else { self };
        flat.group_by(names, Vec::new(), items, adapter)
    }

    fn group_by(
        mut self,
        key: &[String],
        decided: Vec<String>,
        items: &[ProjectItem],
        adapter: &dyn Adapter,
    ) -> Result<Self, Error> {
        self.set_key(key)?;
        self.order.clear();
        self.order_terms.clear();
        let mut grouped = self.choose(items, adapter)?;
        let columns = key.iter().chain(decided.iter().filter(|name| !key.contains(name)));
        grouped.group = Some(columns.map(|name| adapter.quote(name)).collect());
        grouped.base = None;
        Ok(grouped)
    }

    /// Makes the named columns the primary key and puts them first.
    fn set_key(&mut self, key: &[String]) -> Result<(), Error> {
        let known = self.names();
        let mut columns = Vec::with_capacity(self.columns.len());
        for name in key {
            let column =
                self.visible(name).ok_or_else(|| Error::unknown_attribute(name, "the query", &known))?;
            columns.push(column.clone());
        }
        let rest = std::mem::take(&mut self.columns);
        columns.extend(rest.into_iter().filter(|column| !key.iter().any(|name| name == column.name())));
        for (index, column) in columns.iter_mut().enumerate() {
            column.attribute.in_key = index < key.len();
        }
        columns.retain(Column::is_visible);
        self.columns = columns;
        Ok(())
    }

    /// The combinations of values of the named attributes that occur.
    pub(super) fn distinct_values(self, names: &[String], adapter: &dyn Adapter) -> Result<Self, Error> {
        let nests = self.is_cut() || self.group.is_some() || self.is_distinct;
        let mut select = if nests { self.nest(true, adapter) } else { self };
        select.set_key(names)?;
        select.columns.truncate(names.len());
        select.is_distinct = true;
        select.base = None;
        select.order.clear();
        select.order_terms.clear();
        Ok(select)
    }

    /// The rows of either side, with nulls for the attributes of the other.
    pub(super) fn union(left: &Self, right: &Self, adapter: &dyn Adapter) -> Result<Self, Error> {
        let key: Vec<String> = left.key().map(str::to_owned).collect();
        let has_key = |name: &String| right.visible(name).is_some_and(|column| column.attribute.in_key);
        if right.key().count() != key.len() || !key.iter().all(has_key) {
            return Err(Error::usage("The operands of a union must share the same primary key."));
        }
        let secondary = |select: &Self| -> Vec<String> {
            let columns = select.columns.iter().filter(|c| c.is_visible() && !c.attribute.in_key);
            columns.map(|column| column.name().to_owned()).collect()
        };
        let (mine, theirs) = (secondary(left), secondary(right));
        if mine.iter().any(|name| theirs.contains(name)) {
            return Err(Error::usage("The operands of a union must not share any secondary attributes."));
        }
        // A statement that is cut or ordered is no operand of UNION on every database.
        let branch = |select: &Self, list: &str, names: &[String]| -> Result<String, Error> {
            let inner = select.clone().nest(true, adapter);
            debug_assert!(names.iter().all(|name| inner.column(name).is_some()));
            Ok(inner.sql_of(adapter, list))
        };
        let quoted = |names: &[String]| -> Vec<String> { names.iter().map(|n| adapter.quote(n)).collect() };
        let (sql, mut columns) = if mine.is_empty() && theirs.is_empty() {
            let list = if key.is_empty() { "1".to_owned() } else { quoted(&key).join(", ") };
            let sql = format!("{} UNION {}", branch(left, &list, &key)?, branch(right, &list, &key)?);
            let columns: Vec<Column> = key.iter().filter_map(|name| left.column(name)).cloned().collect();
            (sql, columns)
        } else {
            let joined = Self::join(left, right, JoinOptions::new().keep_left(), adapter)?;
            let names = joined.names();
            let both = joined.sql(adapter, &names)?;
            let rest = right.clone().exclude_matching(left, &key, adapter)?.nest(true, adapter);
            // A null takes the type of the column above it.
            let list: Vec<String> = names
                .iter()
                .map(|name| {
                    let quoted = adapter.quote(name);
                    if mine.contains(name) { format!("NULL AS {quoted}") } else { quoted }
                })
                .collect();
            let sql = format!("{both} UNION ALL {}", rest.sql_of(adapter, &list.join(", ")));
            (sql, joined.columns)
        };
        for column in &mut columns {
            column.sql = None;
            column.attribute.nullable |= !column.attribute.in_key;
        }
        Ok(Self {
            knows_lineage: left.knows_lineage && right.knows_lineage,
            ..Self::over(Origin::Statement(sql), columns)
        })
    }
}

/// Those of `secondary` that items keep, rename or compute with.
fn needed(items: &[ProjectItem], secondary: &[String], adapter: &dyn Adapter) -> Vec<String> {
    let is_named = |name: &String| {
        items.iter().any(|item| match item {
            ProjectItem::Keep(kept) => kept == name,
            ProjectItem::Rename { old, .. } | ProjectItem::Copy { old, .. } => old == name,
            ProjectItem::Json { attribute, .. } => attribute == name,
            ProjectItem::Compute { sql, .. } => UserSql::read(sql, adapter).names_outside_of_aggregates(name),
            ProjectItem::Rest | ProjectItem::Remove(_) => false,
        })
    };
    secondary.iter().filter(|name| is_named(name)).cloned().collect()
}
