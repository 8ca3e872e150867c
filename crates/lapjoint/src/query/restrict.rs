//! Restriction: conditions become SQL.

use lapjoint_db::{Adapter, ColumnType};
use lapjoint_types::Value;

use crate::error::Error;
use crate::heading::Attribute;
use crate::query::condition::Condition;
use crate::query::join::check_origins;
use crate::query::project::JsonPath;
use crate::query::select::Select;
use crate::query::text::UserSql;
use crate::row::Row;

/// A condition on the rows of a statement.
enum Truth {
    /// The same for all rows.
    Constant(bool),
    /// SQL, in parentheses where it needs them.
    Sql(String),
}

impl Truth {
    fn negate(self) -> Self {
        match self {
            Self::Constant(value) => Self::Constant(!value),
            Self::Sql(sql) => Self::Sql(format!("(NOT {sql})")),
        }
    }
}

impl Select {
    pub(super) fn restrict(
        self,
        condition: &Condition,
        is_semantic: bool,
        adapter: &dyn Adapter,
    ) -> Result<Self, Error> {
        Ok(match self.truth(condition, is_semantic, adapter)? {
            Truth::Constant(true) => self,
            Truth::Constant(false) => self.with_condition("1=0".to_owned(), adapter),
            Truth::Sql(sql) => self.with_condition(sql, adapter),
        })
    }

    /// The rows that no row of `other` matches in the named columns, which hold no nulls.
    pub(super) fn exclude_matching(
        self,
        other: &Self,
        names: &[String],
        adapter: &dyn Adapter,
    ) -> Result<Self, Error> {
        let sql = not_exists(other, names, adapter)?;
        Ok(self.with_condition(sql, adapter))
    }

    fn with_condition(self, sql: String, adapter: &dyn Adapter) -> Self {
        let nests = self.is_cut() || self.group.is_some() || self.has_derived();
        let mut select = if nests { self.nest(false, adapter) } else { self };
        select.conditions.push(sql);
        select
    }

    fn truth(&self, condition: &Condition, is_semantic: bool, adapter: &dyn Adapter) -> Result<Truth, Error> {
        match condition {
            Condition::Constant(value) => Ok(Truth::Constant(*value)),
            Condition::Sql(sql) => self.sql_truth(sql, adapter),
            Condition::Verbatim(sql) => Ok(Truth::Sql(format!("({sql})"))),
            Condition::Equal(row) => self.equal_truth(row, adapter),
            Condition::All(conditions) => {
                let mut parts = Vec::new();
                let mut holds = true;
                for condition in conditions {
                    match self.truth(condition, is_semantic, adapter)? {
                        Truth::Constant(value) => holds &= value,
                        Truth::Sql(sql) => parts.push(sql),
                    }
                }
                Ok(match (holds, parts.is_empty()) {
                    (false, _) => Truth::Constant(false),
                    (true, true) => Truth::Constant(true),
                    (true, false) => Truth::Sql(format!("({})", parts.join(" AND "))),
                })
            }
            Condition::Any(conditions) => self.any_truth(conditions, is_semantic, adapter),
            Condition::Not(inner) => match inner.as_ref() {
                Condition::Matches(query) => {
                    let other = query.node().compile(adapter)?;
                    self.matches(&other, true, is_semantic, adapter)
                }
                inner => Ok(self.truth(inner, is_semantic, adapter)?.negate()),
            },
            Condition::Matches(query) => {
                let other = query.node().compile(adapter)?;
                self.matches(&other, false, is_semantic, adapter)
            }
        }
    }

    fn sql_truth(&self, sql: &str, adapter: &dyn Adapter) -> Result<Truth, Error> {
        let text = UserSql::read(sql.trim(), adapter);
        let names = self.names();
        if let Some(unknown) = text.unknown(&names) {
            return Err(Error::unknown_attribute(unknown, "the query", &names));
        }
        Ok(Truth::Sql(format!("({})", text.render(&names, adapter))))
    }

    /// Attributes equal values. Attributes that the query lacks are ignored.
    fn equal_truth(&self, row: &Row, adapter: &dyn Adapter) -> Result<Truth, Error> {
        let mut parts = Vec::new();
        for (name, value) in row.iter() {
            if let Some(column) = self.visible(name) {
                parts.push(equal_sql(&column.attribute, value, adapter)?);
            } else if let Some(path) =
                JsonPath::parse(name).filter(|path| self.visible(path.attribute).is_some())
            {
                parts.push(json_equal_sql(path, value, adapter)?);
            }
        }
        Ok(if parts.is_empty() {
            Truth::Constant(true)
        } else {
            Truth::Sql(format!("({})", parts.join(" AND ")))
        })
    }

    fn any_truth(
        &self,
        conditions: &[Condition],
        is_semantic: bool,
        adapter: &dyn Adapter,
    ) -> Result<Truth, Error> {
        if let Some(sql) = self.key_list(conditions, adapter)? {
            return Ok(Truth::Sql(sql));
        }
        let mut parts = Vec::new();
        let mut holds = false;
        // All of them are looked at: what is wrong with one is said whatever the others are.
        for condition in conditions {
            match self.truth(condition, is_semantic, adapter)? {
                Truth::Constant(value) => holds |= value,
                Truth::Sql(sql) => parts.push(sql),
            }
        }
        Ok(if holds || parts.is_empty() { Truth::Constant(holds) } else { Truth::Sql(either(&parts)) })
    }

    /// A list of rows over the same attributes, without nulls, as one comparison with a list. `None` for other conditions.
    fn key_list(&self, conditions: &[Condition], adapter: &dyn Adapter) -> Result<Option<String>, Error> {
        let [Condition::Equal(first), _, ..] = conditions else { return Ok(None) };
        let attributes: Vec<&Attribute> = first
            .names()
            .iter()
            .filter_map(|name| self.visible(name))
            .map(|column| &column.attribute)
            .collect();
        let has_path = |row: &Row| row.names().iter().any(|name| name.contains('.'));
        if attributes.is_empty() || has_path(first) {
            return Ok(None);
        }
        let mut rows = Vec::with_capacity(conditions.len());
        for condition in conditions {
            let Condition::Equal(row) = condition else { return Ok(None) };
            if row.names() != first.names() {
                return Ok(None);
            }
            let mut literals = Vec::with_capacity(attributes.len());
            for attribute in &attributes {
                match row.value(&attribute.name) {
                    Some(value) if !value.is_null() => literals.push(literal_sql(attribute, value, adapter)?),
                    _ => return Ok(None),
                }
            }
            rows.push(literals);
        }
        let columns: Vec<String> = attributes.iter().map(|a| adapter.quote(&a.name)).collect();
        Ok(Some(adapter.in_rows(&columns, &rows)))
    }

    /// Whether some row of `other` agrees in all attributes of both; with `is_negated`, whether none does.
    fn matches(
        &self,
        other: &Self,
        is_negated: bool,
        is_semantic: bool,
        adapter: &dyn Adapter,
    ) -> Result<Truth, Error> {
        let common = self.common(other);
        if is_semantic {
            check_origins(self, other, &common)?;
        }
        let not = if is_negated { "NOT " } else { "" };
        if common.is_empty() {
            let all = if other.is_distinct || other.group.is_some() { other.names() } else { Vec::new() };
            return Ok(Truth::Sql(format!("({not}EXISTS ({}))", other.sql(adapter, &all)?)));
        }
        let is_null = |select: &Self, name: &String| select.column(name).is_none_or(|c| c.attribute.nullable);
        let has_nulls = common.iter().any(|name| is_null(self, name) || is_null(other, name));
        if is_negated && !has_nulls {
            return Ok(Truth::Sql(not_exists(other, &common, adapter)?));
        }
        // Not every database takes a limit inside of IN, and a group has to be over before it is looked at.
        let mut inner = other.clone();
        if inner.is_cut() || inner.group.is_some() {
            inner = inner.nest(true, adapter);
        } else {
            inner.order.clear();
        }
        let inner = inner.sql(adapter, &common)?;
        let names: Vec<_> = common.iter().map(|name| adapter.quote(name)).collect();
        Ok(Truth::Sql(match names.as_slice() {
            [name] => format!("({name} {not}IN ({inner}))"),
            names => format!("(({}) {not}IN ({inner}))", names.join(", ")),
        }))
    }
}

/// That no row of `other` has the values that the outer statement has under the same names. The inner columns go by other names,
/// so that the bare ones are the outer ones.
fn not_exists(other: &Select, names: &[String], adapter: &dyn Adapter) -> Result<String, Error> {
    if names.is_empty() {
        return Ok(format!("(NOT EXISTS ({}))", other.clone().nest(true, adapter).sql_of(adapter, "1")));
    }
    let inner_name = |name: &String| adapter.quote(&format!("${name}"));
    let list: Vec<String> =
        names.iter().map(|name| format!("{} AS {}", adapter.quote(name), inner_name(name))).collect();
    let inner = match (other.is_plain_restriction(), other.has_derived()) {
        // One SELECT less to read where the columns are the table's own.
        (true, false) => other.sql_of(adapter, &list.join(", ")),
        _ => other.clone().nest(true, adapter).sql_of(adapter, &list.join(", ")),
    };
    let equal: Vec<String> =
        names.iter().map(|name| format!("{} = {}", inner_name(name), adapter.quote(name))).collect();
    Ok(format!(
        "(NOT EXISTS (SELECT 1 FROM ({inner}) AS {} WHERE {}))",
        adapter.quote("$m"),
        equal.join(" AND ")
    ))
}

/// One of many conditions, nested evenly: databases bound how deep an expression may be.
fn either(parts: &[String]) -> String {
    match parts {
        [one] => one.clone(),
        parts if parts.len() <= 64 => format!("({})", parts.join(" OR ")),
        parts => {
            let chunk = parts.len().div_ceil(64);
            let parts: Vec<String> = parts.chunks(chunk).map(either).collect();
            format!("({})", parts.join(" OR "))
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
    Ok(format!("{name} = {}", literal_sql(attribute, value, adapter)?))
}

fn literal_sql(attribute: &Attribute, value: &Value, adapter: &dyn Adapter) -> Result<String, Error> {
    // Values of codecs are restricted by what the column holds, as it is for computed attributes: by the value's own type.
    let own_type = ColumnType::Native(String::new());
    let ty = if attribute.has_codec() { &own_type } else { &attribute.column };
    adapter.literal(value, ty).map_err(Error::db(&attribute.name))
}

/// The value at a place in json equals a value.
fn json_equal_sql(path: JsonPath<'_>, value: &Value, adapter: &dyn Adapter) -> Result<String, Error> {
    if value.is_null() {
        return Ok(format!("{} IS NULL", path.sql(adapter)));
    }
    let column = adapter.quote(path.attribute);
    adapter.json_equal(&column, path.path, path.ty, value).map_err(Error::db(path.attribute))
}
