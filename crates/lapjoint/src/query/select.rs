//! Compilation of an expression into one SELECT statement.

use lapjoint_db::{Adapter, ColumnType, TableId};
use lapjoint_types::Value;

use crate::error::Error;
use crate::heading::{Attribute, Heading};
use crate::query::condition::Condition;
use crate::query::{Expression, ProjectItem};

/// One column of a SELECT list.
#[derive(Debug, Clone)]
pub(crate) struct Column {
    /// Attribute that the column yields, under its name in the result.
    pub attribute: Attribute,
    /// SQL of a renamed or computed column; `None` for a column under its own name.
    pub sql: Option<String>,
}

/// A SELECT statement in parts.
#[derive(Debug, Clone)]
pub(crate) struct Select {
    /// Table or subquery, quoted.
    from: String,
    /// The base table while no subquery stands between.
    pub base: Option<TableId>,
    /// Columns in order, hidden ones included.
    pub columns: Vec<Column>,
    comment: String,
    conditions: Vec<String>,
    order: Vec<String>,
    limit: Option<u64>,
    offset: u64,
}

impl Select {
    /// Compiles `expression`.
    pub fn compile(expression: &Expression, adapter: &dyn Adapter) -> Result<Self, Error> {
        match expression {
            Expression::Table(table) => Ok(Self {
                from: adapter.quote_table(&table.def.id),
                base: Some(table.def.id.clone()),
                columns: table
                    .heading
                    .all()
                    .iter()
                    .map(|attribute| Column { attribute: attribute.clone(), sql: None })
                    .collect(),
                comment: table.heading.comment().to_owned(),
                conditions: Vec::new(),
                order: Vec::new(),
                limit: None,
                offset: 0,
            }),
            Expression::Restrict { input, condition } => {
                let mut select = Self::compile(input, adapter)?;
                if select.limit.is_some() || select.columns.iter().any(|column| column.sql.is_some()) {
                    select = select.nest(adapter);
                }
                let sql = condition_sql(condition, &select, adapter)?;
                select.conditions.push(sql);
                Ok(select)
            }
            Expression::Project { input, items } => {
                let mut select = Self::compile(input, adapter)?;
                if select.columns.iter().any(|column| column.sql.is_some()) {
                    select = select.nest(adapter);
                }
                select.project(items, adapter)
            }
            Expression::Top { input, limit, offset, order } => {
                let mut select = Self::compile(input, adapter)?;
                if select.limit.is_some() || !select.order.is_empty() {
                    select = select.nest(adapter);
                }
                select.order =
                    order.iter().map(|term| select.order_sql(term, adapter)).collect::<Result<_, _>>()?;
                select.limit = *limit;
                select.offset = *offset;
                Ok(select)
            }
        }
    }

    /// The heading of the result.
    pub fn heading(&self) -> Heading {
        let attributes = self.columns.iter().map(|column| column.attribute.clone()).collect();
        Heading::from_attributes(attributes, self.comment.clone())
    }

    /// Text of the statement over the named attributes.
    pub fn sql(&self, adapter: &dyn Adapter, names: &[String]) -> Result<String, Error> {
        let mut list = Vec::with_capacity(names.len());
        for name in names {
            let column = self.columns.iter().find(|column| column.attribute.name == *name);
            let column = column.ok_or_else(|| Error::unknown_attribute(name, "the query", &self.names()))?;
            let quoted = adapter.quote(name);
            list.push(column.sql.as_ref().map_or_else(|| quoted.clone(), |sql| format!("{sql} AS {quoted}")));
        }
        // A result without attributes still has rows to count.
        let list = if list.is_empty() { "1".to_owned() } else { list.join(", ") };
        Ok(format!("SELECT {list} FROM {}{}", self.from, self.tail()))
    }

    /// Text of a statement that counts the rows.
    pub fn count_sql(&self, adapter: &dyn Adapter) -> Result<String, Error> {
        if self.limit.is_none() && self.offset == 0 {
            return Ok(format!("SELECT count(*) FROM {}{}", self.from, self.where_sql()));
        }
        let inner = self.sql(adapter, &[])?;
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
        self.base.is_some() && self.limit.is_none() && self.offset == 0
    }

    fn names(&self) -> Vec<String> {
        self.columns.iter().map(|column| column.attribute.name.clone()).collect()
    }

    fn column(&self, name: &str) -> Option<&Column> {
        self.columns.iter().find(|column| column.attribute.name == name)
    }

    fn tail(&self) -> String {
        let mut text = self.where_sql();
        if !self.order.is_empty() {
            text.push_str(" ORDER BY ");
            text.push_str(&self.order.join(", "));
        }
        match (self.limit, self.offset) {
            (None, 0) => {}
            (limit, 0) => text.push_str(&format!(" LIMIT {}", limit.unwrap_or(i64::MAX.unsigned_abs()))),
            (limit, offset) => {
                text.push_str(&format!(" LIMIT {} OFFSET {offset}", limit.unwrap_or(i64::MAX.unsigned_abs())))
            }
        }
        text
    }

    /// The statement as a subquery, whose columns all stand under their own names.
    fn nest(self, adapter: &dyn Adapter) -> Self {
        let names = self.names();
        // Every name comes from the columns themselves, so that the text cannot fail.
        let inner = self.sql(adapter, &names).unwrap_or_default();
        Self {
            from: format!("({inner}) AS {}", adapter.quote("inner")),
            base: None,
            columns: self.columns.into_iter().map(|column| Column { sql: None, ..column }).collect(),
            comment: self.comment,
            conditions: Vec::new(),
            order: Vec::new(),
            limit: None,
            offset: 0,
        }
    }

    fn project(mut self, items: &[ProjectItem], adapter: &dyn Adapter) -> Result<Self, Error> {
        let known = self.names();
        let unknown = |name: &str| Error::unknown_attribute(name, "the query", &known);
        let mut renamed: Vec<(&str, &str)> = Vec::new();
        let mut kept: Vec<&str> = Vec::new();
        let mut removed: Vec<&str> = Vec::new();
        let mut all = false;
        let mut added: Vec<Column> = Vec::new();
        for item in items {
            match item {
                ProjectItem::Rest => all = true,
                ProjectItem::Keep(name) => {
                    self.column(name).ok_or_else(|| unknown(name))?;
                    kept.push(name);
                }
                ProjectItem::Remove(name) => {
                    let column = self.column(name).ok_or_else(|| unknown(name))?;
                    if column.attribute.in_key {
                        return Err(Error::usage(format!("Cannot exclude primary key attribute {name}")));
                    }
                    removed.push(name);
                }
                ProjectItem::Rename { new, old } => {
                    self.column(old).ok_or_else(|| unknown(old))?;
                    renamed.push((new, old));
                }
                ProjectItem::Copy { new, old } => {
                    let column = self.column(old).ok_or_else(|| unknown(old))?;
                    let attribute =
                        Attribute { name: new.clone(), in_key: false, ..column.attribute.clone() };
                    added.push(Column { attribute, sql: Some(adapter.quote(old)) });
                }
                ProjectItem::Compute { new, sql } => {
                    added.push(Column { attribute: Attribute::computed(new), sql: Some(format!("({sql})")) });
                }
            }
        }
        let mut columns = Vec::with_capacity(self.columns.len());
        for column in self.columns {
            let name = column.attribute.name.as_str();
            if let Some((new, old)) = renamed.iter().find(|(_, old)| *old == name) {
                let sql = Some(adapter.quote(old));
                columns.push(Column {
                    attribute: Attribute { name: (*new).to_owned(), ..column.attribute },
                    sql,
                });
                continue;
            }
            let hidden = name.starts_with('_');
            let wanted = (all && !hidden) || kept.contains(&name);
            if column.attribute.in_key || (wanted && !removed.contains(&name)) {
                columns.push(column);
            }
        }
        columns.extend(added);
        for (index, column) in columns.iter().enumerate() {
            let name = &column.attribute.name;
            if columns.iter().take(index).any(|earlier| earlier.attribute.name == *name) {
                return Err(Error::usage(format!("Attribute `{name}` already exists")));
            }
        }
        self.columns = columns;
        Ok(self)
    }

    /// An order term: `KEY`, `KEY DESC`, `attribute [ASC|DESC]`, or an SQL expression.
    fn order_sql(&self, term: &str, adapter: &dyn Adapter) -> Result<String, Error> {
        let trimmed = term.trim();
        let (body, direction) = match trimmed.rsplit_once(char::is_whitespace) {
            Some((body, last)) if last.eq_ignore_ascii_case("desc") => (body.trim(), " DESC"),
            Some((body, last)) if last.eq_ignore_ascii_case("asc") => (body.trim(), ""),
            _ => (trimmed, ""),
        };
        if body.eq_ignore_ascii_case("key") {
            let key: Vec<_> = self
                .columns
                .iter()
                .filter(|column| column.attribute.in_key)
                .map(|column| format!("{}{direction}", adapter.quote(&column.attribute.name)))
                .collect();
            // A table of at most one row has no visible key to order by.
            return Ok(if key.is_empty() { "1".into() } else { key.join(", ") });
        }
        let is_name = body.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
        if !is_name {
            return Ok(format!("{body}{direction}"));
        }
        self.column(body).ok_or_else(|| Error::unknown_attribute(body, "the query", &self.names()))?;
        Ok(format!("{}{direction}", adapter.quote(body)))
    }
}

/// SQL of a condition on `select`.
fn condition_sql(condition: &Condition, select: &Select, adapter: &dyn Adapter) -> Result<String, Error> {
    let list = |conditions: &[Condition], joint: &str, empty: &str| -> Result<String, Error> {
        if conditions.is_empty() {
            return Ok(empty.to_owned());
        }
        let parts: Result<Vec<_>, _> = conditions.iter().map(|c| condition_sql(c, select, adapter)).collect();
        Ok(format!("({})", parts?.join(joint)))
    };
    match condition {
        Condition::Sql(sql) => Ok(format!("({})", sql.trim())),
        Condition::Constant(true) => Ok("1=1".to_owned()),
        Condition::Constant(false) => Ok("1=0".to_owned()),
        Condition::All(conditions) => list(conditions, " AND ", "1=1"),
        Condition::Any(conditions) => list(conditions, " OR ", "1=0"),
        Condition::Not(inner) => Ok(format!("({} IS NOT TRUE)", condition_sql(inner, select, adapter)?)),
        Condition::Equal(row) => {
            let mut parts = Vec::new();
            for (name, value) in row.iter() {
                let Some(column) = select.column(name) else { continue };
                parts.push(equal_sql(&column.attribute, value, adapter)?);
            }
            Ok(if parts.is_empty() { "1=1".to_owned() } else { format!("({})", parts.join(" AND ")) })
        }
        Condition::Matches(query) => {
            let other = Select::compile(query.expression(), adapter)?;
            let visible = |column: &&Column| !column.attribute.name.starts_with('_');
            let common: Vec<String> = select
                .columns
                .iter()
                .filter(visible)
                .filter(|column| other.column(&column.attribute.name).is_some())
                .map(|column| column.attribute.name.clone())
                .collect();
            if common.is_empty() {
                return Ok(format!("EXISTS ({})", other.sql(adapter, &[])?));
            }
            let inner = other.sql(adapter, &common)?;
            // A subquery of its own where the inner one is cut or ordered: not every database takes LIMIT inside IN.
            let inner = if other.limit.is_some() {
                format!("SELECT * FROM ({inner}) AS {}", adapter.quote("matched"))
            } else {
                inner
            };
            let names: Vec<_> = common.iter().map(|name| adapter.quote(name)).collect();
            Ok(match names.as_slice() {
                [name] => format!("({name} IN ({inner}))"),
                names => format!("(({}) IN ({inner}))", names.join(", ")),
            })
        }
    }
}

/// `attribute = value` in SQL; a null value means "is null".
pub(crate) fn equal_sql(
    attribute: &Attribute,
    value: &Value,
    adapter: &dyn Adapter,
) -> Result<String, Error> {
    let name = adapter.quote(&attribute.name);
    if value.is_null() {
        return Ok(format!("{name} IS NULL"));
    }
    // Values of codecs are restricted by what the column holds, as it is for computed attributes: by the value's own type.
    let own_type = ColumnType::Native(String::new());
    let ty = if attribute.has_codec() { &own_type } else { &attribute.column };
    let literal = adapter.literal(value, ty).map_err(Error::db(&attribute.name))?;
    Ok(format!("{name} = {literal}"))
}
