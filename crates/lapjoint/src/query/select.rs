//! A SELECT statement in parts, which the operators of the algebra put together.

use std::sync::Arc;

use lapjoint_db::{Adapter, TableId};

use crate::bound::BoundTable;
use crate::error::Error;
use crate::heading::{Attribute, Heading};
use crate::query::node::Node;

/// One column of a SELECT list.
#[derive(Debug, Clone)]
pub(crate) struct Column {
    /// Attribute that the column yields, under its name in the result.
    pub attribute: Attribute,
    /// SQL of a renamed or computed column; `None` for a column under its own name.
    pub sql: Option<String>,
}

impl Column {
    pub fn name(&self) -> &str {
        &self.attribute.name
    }

    /// Whether people see it.
    pub fn is_visible(&self) -> bool {
        !self.attribute.name.starts_with('_')
    }
}

/// What rows come from.
#[derive(Debug, Clone)]
pub(super) enum Origin {
    /// A table, quoted.
    Table(String),
    /// A statement.
    Statement(String),
}

/// One entry of the FROM clause. Tables are joined by the columns that both sides have under one name, so that every name
/// means one thing in the texts that users write.
#[derive(Debug, Clone)]
pub(super) struct Source {
    pub origin: Origin,
    /// Names by which it is joined to what stands before it.
    pub using: Vec<String>,
    /// Whether rows that it does not match stay.
    pub is_optional: bool,
}

/// A SELECT statement in parts.
#[derive(Debug, Clone)]
pub(crate) struct Select {
    pub(super) sources: Vec<Source>,
    /// Names that the FROM clause gives a meaning to, those that are no attributes any more included.
    pub(super) scope: Vec<String>,
    /// The base table while no subquery and no join stands between.
    pub base: Option<TableId>,
    /// Columns in order, hidden ones included.
    pub columns: Vec<Column>,
    pub(super) comment: String,
    /// Whether the origins of attributes are on record.
    pub(super) knows_lineage: bool,
    pub(super) conditions: Vec<String>,
    /// Columns that rows are grouped by; empty for one group of all rows.
    pub(super) group: Option<Vec<String>>,
    pub(super) is_distinct: bool,
    pub(super) order: Vec<String>,
    /// The order as it was asked for.
    pub(super) order_terms: Vec<String>,
    pub(super) limit: Option<u64>,
    pub(super) offset: u64,
}

impl Select {
    /// Compiles an expression.
    pub fn compile(node: &Node, adapter: &dyn Adapter) -> Result<Arc<Self>, Error> {
        node.compile(adapter)
    }

    pub(super) fn of_table(table: &BoundTable, adapter: &dyn Adapter) -> Self {
        let columns: Vec<Column> = table
            .heading
            .all()
            .iter()
            .map(|attribute| Column { attribute: attribute.clone(), sql: None })
            .collect();
        Self {
            base: Some(table.def.id.clone()),
            comment: table.heading.comment().to_owned(),
            knows_lineage: table.heading.knows_lineage(),
            ..Self::over(Origin::Table(adapter.quote_table(&table.def.id)), columns)
        }
    }

    /// All rows of `origin`, with `columns` under their own names.
    pub(super) fn over(origin: Origin, columns: Vec<Column>) -> Self {
        Self {
            sources: vec![Source { origin, using: Vec::new(), is_optional: false }],
            scope: columns.iter().map(|column| column.name().to_owned()).collect(),
            base: None,
            columns,
            comment: String::new(),
            knows_lineage: false,
            conditions: Vec::new(),
            group: None,
            is_distinct: false,
            order: Vec::new(),
            order_terms: Vec::new(),
            limit: None,
            offset: 0,
        }
    }

    /// The heading of the result.
    pub fn heading(&self) -> Heading {
        let attributes = self.columns.iter().map(|column| column.attribute.clone()).collect();
        Heading::from_attributes(attributes, self.comment.clone(), self.knows_lineage)
    }

    /// Text of the statement over the named attributes.
    pub fn sql(&self, adapter: &dyn Adapter, names: &[String]) -> Result<String, Error> {
        let mut list = String::new();
        for name in names {
            let column = self.column(name);
            let column = column.ok_or_else(|| Error::unknown_attribute(name, "the query", &self.names()))?;
            if !list.is_empty() {
                list.push_str(", ");
            }
            if let Some(sql) = &column.sql {
                list.push_str(sql);
                list.push_str(" AS ");
            }
            list.push_str(&adapter.quote(name));
        }
        // A result without attributes still has rows to count, and a group of all rows is one.
        if list.is_empty() {
            let is_one_group = self.group.as_ref().is_some_and(Vec::is_empty);
            list.push_str(if is_one_group { "max(1)" } else { "1" });
        }
        Ok(self.sql_of(adapter, &list))
    }

    /// Text of the statement with a SELECT list.
    pub(super) fn sql_of(&self, adapter: &dyn Adapter, list: &str) -> String {
        let mut text = String::with_capacity(256);
        text.push_str(if self.is_distinct { "SELECT DISTINCT " } else { "SELECT " });
        text.push_str(list);
        text.push_str(" FROM ");
        self.push_sources(&mut text, adapter);
        text.push_str(&self.where_sql());
        if let Some(group) = self.group.as_ref().filter(|group| !group.is_empty()) {
            text.push_str(" GROUP BY ");
            text.push_str(&group.join(", "));
        }
        self.push_tail(&mut text);
        text
    }

    /// Text of a statement that counts the rows.
    pub fn count_sql(&self, adapter: &dyn Adapter) -> Result<String, Error> {
        if self.is_cut() || self.is_distinct || self.group.is_some() {
            let inner = self.sql(adapter, &self.names())?;
            return Ok(format!("SELECT count(*) FROM ({inner}) AS {}", adapter.quote("counted")));
        }
        let mut bare = self.clone();
        bare.order.clear();
        Ok(bare.sql_of(adapter, "count(*)"))
    }

    /// Text of a statement that yields a row if there is any.
    pub fn first_sql(&self, adapter: &dyn Adapter) -> Result<String, Error> {
        let mut first = self.clone();
        if !first.is_cut() {
            first.order.clear();
            first.limit = Some(1);
        }
        let names = if first.is_distinct || first.group.is_some() { first.names() } else { Vec::new() };
        let inner = first.sql(adapter, &names)?;
        Ok(format!("SELECT count(*) FROM ({inner}) AS {}", adapter.quote("counted")))
    }

    /// ` WHERE …`, or nothing.
    pub fn where_sql(&self) -> String {
        if self.conditions.is_empty() {
            String::new()
        } else {
            format!(" WHERE {}", self.conditions.join(" AND "))
        }
    }

    /// Whether the statement is a restriction of one base table and nothing else.
    pub fn is_plain_restriction(&self) -> bool {
        self.base.is_some() && !self.is_cut() && self.group.is_none() && !self.is_distinct
    }

    /// Whether a limit leaves rows out.
    pub(super) const fn is_cut(&self) -> bool {
        self.limit.is_some() || self.offset > 0
    }

    /// Whether a column is renamed or computed.
    pub(super) fn has_derived(&self) -> bool {
        self.columns.iter().any(|column| column.sql.is_some())
    }

    pub(super) fn names(&self) -> Vec<String> {
        self.columns.iter().map(|column| column.attribute.name.clone()).collect()
    }

    pub(super) fn column(&self, name: &str) -> Option<&Column> {
        self.columns.iter().find(|column| column.attribute.name == name)
    }

    /// A visible column, as users may name it.
    pub(super) fn visible(&self, name: &str) -> Option<&Column> {
        self.column(name).filter(|column| column.is_visible())
    }

    /// Names of the visible columns of the primary key.
    pub(super) fn key(&self) -> impl Iterator<Item = &str> {
        self.columns.iter().filter(|c| c.attribute.in_key && c.is_visible()).map(Column::name)
    }

    fn push_sources(&self, text: &mut String, adapter: &dyn Adapter) {
        for (index, source) in self.sources.iter().enumerate() {
            if index > 0 {
                let joint = match (source.is_optional, source.using.is_empty()) {
                    (false, true) => " CROSS JOIN ",
                    (false, false) => " JOIN ",
                    (true, _) => " LEFT JOIN ",
                };
                text.push_str(joint);
            }
            let alias = || adapter.quote(&format!("${index:x}"));
            match &source.origin {
                Origin::Statement(sql) => {
                    text.push('(');
                    text.push_str(sql);
                    text.push_str(") AS ");
                    text.push_str(&alias());
                }
                Origin::Table(name) => {
                    text.push_str(name);
                    let again =
                        |other: &Source| matches!(&other.origin, Origin::Table(other) if other == name);
                    // A table goes by its own name, which users may write, unless it is there twice.
                    if self.sources.iter().take(index).any(again) {
                        text.push_str(" AS ");
                        text.push_str(&alias());
                    }
                }
            }
            if !source.using.is_empty() {
                let names: Vec<String> = source.using.iter().map(|name| adapter.quote(name)).collect();
                text.push_str(&format!(" USING ({})", names.join(", ")));
            } else if source.is_optional {
                text.push_str(" ON 1=1");
            }
        }
    }

    fn push_tail(&self, text: &mut String) {
        if !self.order.is_empty() {
            text.push_str(" ORDER BY ");
            text.push_str(&self.order.join(", "));
        }
        if self.is_cut() {
            text.push_str(&format!(" LIMIT {}", self.limit.unwrap_or(i64::MAX.unsigned_abs())));
        }
        if self.offset > 0 {
            text.push_str(&format!(" OFFSET {}", self.offset));
        }
    }

    /// The statement as a subquery, whose columns all stand under their own names. Hidden columns stay unless `hides` is set.
    pub(super) fn nest(mut self, hides: bool, adapter: &dyn Adapter) -> Self {
        // An order says nothing of the rows of a subquery, unless it says which they are.
        if !self.is_cut() {
            self.order.clear();
        }
        if hides {
            self.columns.retain(Column::is_visible);
        }
        let names = self.names();
        // Every name comes from the columns themselves, so that the text cannot fail.
        let inner = self.sql(adapter, &names).unwrap_or_default();
        let columns = self.columns.into_iter().map(|column| Column { sql: None, ..column }).collect();
        Self {
            comment: self.comment,
            knows_lineage: self.knows_lineage,
            ..Self::over(Origin::Statement(inner), columns)
        }
    }
}
