//! Projection: other attributes of the same rows.

use lapjoint_db::Adapter;

use crate::error::Error;
use crate::heading::Attribute;
use crate::query::select::{Column, Select};
use crate::query::text::UserSql;

/// What a projection does with one attribute.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum ProjectItem {
    /// Keeps an attribute. The primary key is always kept.
    Keep(String),
    /// Keeps all attributes.
    Rest,
    /// Removes an attribute that another item keeps.
    Remove(String),
    /// Renames an attribute.
    Rename {
        /// New name.
        new: String,
        /// Present name.
        old: String,
    },
    /// Adds a copy of an attribute.
    Copy {
        /// Name of the copy.
        new: String,
        /// Attribute copied.
        old: String,
    },
    /// Adds an attribute computed by SQL.
    Compute {
        /// Name.
        new: String,
        /// SQL expression.
        sql: String,
    },
    /// Adds an attribute read from inside of a json attribute.
    Json {
        /// Name.
        new: String,
        /// Json attribute.
        attribute: String,
        /// Path, `a.b[0]`.
        path: String,
        /// SQL type of the values, text if none.
        ty: Option<String>,
    },
}

impl From<&str> for ProjectItem {
    /// `"name"` keeps, `"-name"` removes, `"..."` keeps all.
    fn from(text: &str) -> Self {
        match text.strip_prefix('-') {
            _ if text == "..." => Self::Rest,
            Some(name) => Self::Remove(name.trim().to_owned()),
            None => Self::Keep(text.to_owned()),
        }
    }
}

impl From<(&str, &str)> for ProjectItem {
    /// `("new", "old")` renames, `("new", "(old)")` copies, `("new", "json.path:type")` reads json, all else is an SQL
    /// expression.
    fn from((new, source): (&str, &str)) -> Self {
        let new = new.to_owned();
        let source = source.trim();
        let inner = source.strip_prefix('(').and_then(|rest| rest.strip_suffix(')')).map(str::trim);
        if let Some(old) = inner.filter(|text| is_name(text)) {
            return Self::Copy { new, old: old.to_owned() };
        }
        if is_name(source) {
            return Self::Rename { new, old: source.to_owned() };
        }
        match JsonPath::parse(source) {
            Some(JsonPath { attribute, path, ty }) => Self::Json {
                new,
                attribute: attribute.to_owned(),
                path: path.to_owned(),
                ty: ty.map(str::to_owned),
            },
            None => Self::Compute { new, sql: source.to_owned() },
        }
    }
}

/// Whether a text is a name and no constant of SQL.
fn is_name(text: &str) -> bool {
    let is_constant = ["NULL", "CURRENT_TIMESTAMP"].iter().any(|word| text.eq_ignore_ascii_case(word));
    !text.is_empty()
        && !is_constant
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
        && !text.bytes().next().is_some_and(|b| b.is_ascii_digit())
}

/// A place inside of a json attribute: `attribute.key.list[0]:type`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct JsonPath<'t> {
    pub attribute: &'t str,
    pub path: &'t str,
    /// SQL type of the values.
    pub ty: Option<&'t str>,
}

impl<'t> JsonPath<'t> {
    /// Reads a path; `None` for a text that is none.
    pub fn parse(text: &'t str) -> Option<Self> {
        let (attribute, rest) = text.trim().split_once('.')?;
        let (path, ty) = match rest.split_once(':') {
            Some((path, ty)) => (path, Some(ty.trim())),
            None => (rest, None),
        };
        let is_step = |step: &str| {
            let name = step.split('[').next().unwrap_or_default();
            let indices = step.get(name.len()..).unwrap_or_default();
            let are_indices = indices.split_terminator(']').all(|index| {
                index
                    .strip_prefix('[')
                    .is_some_and(|n| !n.is_empty() && n.bytes().all(|b| b.is_ascii_digit()))
            });
            !name.is_empty()
                && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-' || b == b' ')
                && (indices.is_empty() || (indices.ends_with(']') && are_indices))
        };
        let is_type = |ty: &str| {
            ty.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'(' | b')' | b',' | b' '))
        };
        (is_name(attribute) && path.split('.').all(is_step) && ty.is_none_or(is_type)).then_some(Self {
            attribute,
            path,
            ty,
        })
    }

    /// SQL of the value there.
    pub fn sql(&self, adapter: &dyn Adapter) -> String {
        adapter.json_value(&adapter.quote(self.attribute), self.path, self.ty)
    }
}

impl Select {
    pub(super) fn project(self, items: &[ProjectItem], adapter: &dyn Adapter) -> Result<Self, Error> {
        let adds = items
            .iter()
            .any(|item| !matches!(item, ProjectItem::Keep(_) | ProjectItem::Rest | ProjectItem::Remove(_)));
        let select = if adds && (self.has_derived() || self.group.is_some() || self.is_distinct) {
            self.nest(false, adapter)
        } else {
            self
        };
        select.choose(items, adapter)
    }

    /// The columns that `items` name, from those of this statement itself.
    pub(super) fn choose(mut self, items: &[ProjectItem], adapter: &dyn Adapter) -> Result<Self, Error> {
        let known = self.names();
        let known_column =
            |name: &str| self.column(name).ok_or_else(|| Error::unknown_attribute(name, "the query", &known));
        // New name, source, and whether the source stays.
        let mut derived: Vec<(&str, &str, bool)> = Vec::new();
        let mut kept: Vec<&str> = Vec::new();
        let mut removed: Vec<&str> = Vec::new();
        let mut keeps_rest = false;
        let mut added: Vec<Column> = Vec::new();
        for item in items {
            match item {
                ProjectItem::Rest => keeps_rest = true,
                ProjectItem::Keep(name) => {
                    known_column(name)?;
                    kept.push(name);
                }
                // What is not there is not there afterwards either.
                ProjectItem::Remove(name) => match self.column(name) {
                    Some(column) if column.attribute.in_key => {
                        return Err(Error::usage(format!("Cannot exclude primary key attribute {name}")));
                    }
                    _ => removed.push(name),
                },
                ProjectItem::Rename { new, old } => {
                    known_column(old)?;
                    derived.push((new, old, false));
                }
                ProjectItem::Copy { new, old } => {
                    known_column(old)?;
                    derived.push((new, old, true));
                }
                ProjectItem::Compute { new, sql } => {
                    let text = UserSql::read(sql, adapter);
                    // The largest of some values is one of them.
                    let chosen = text.chosen().and_then(|name| self.column(name));
                    let attribute = match chosen.map(|column| &column.attribute) {
                        Some(of) if !of.has_codec() => {
                            Attribute { column: of.column.clone(), ..Attribute::computed(new) }
                        }
                        _ => Attribute::computed(new),
                    };
                    let sql = format!("({})", text.render(&known, adapter));
                    added.push(Column { attribute, sql: Some(sql) });
                }
                ProjectItem::Json { new, attribute, path, ty } => {
                    let sql = match known_column(attribute) {
                        Ok(_) => JsonPath { attribute, path, ty: ty.as_deref() }.sql(adapter),
                        // `other.column` in the database's own SQL looks like a path.
                        Err(_) if ty.is_none() => format!("{attribute}.{path}"),
                        Err(unknown) => return Err(unknown),
                    };
                    added.push(Column { attribute: Attribute::computed(new), sql: Some(sql) });
                }
            }
        }
        // Of one attribute first come its new names, then its copies.
        derived.sort_by_key(|(_, _, stays)| *stays);
        let mut columns: Vec<Column> = Vec::with_capacity(self.columns.len());
        for column in std::mem::take(&mut self.columns) {
            let name = column.name();
            let is_renamed = derived.iter().any(|(_, old, stays)| *old == name && !stays);
            let is_kept = kept.contains(&name) || (keeps_rest && column.is_visible() && !is_renamed);
            let stays = (column.attribute.in_key && !is_renamed) || (is_kept && !removed.contains(&name));
            let copies: Vec<Column> = derived
                .iter()
                .filter(|(_, old, _)| *old == name)
                .map(|(new, old, _)| Column {
                    attribute: Attribute { name: (*new).to_owned(), ..column.attribute.clone() },
                    sql: Some(column.sql.clone().unwrap_or_else(|| adapter.quote(old))),
                })
                .collect();
            if stays {
                columns.push(column);
            }
            columns.extend(copies);
        }
        columns.extend(added);
        for (index, column) in columns.iter().enumerate() {
            if columns.iter().take(index).any(|earlier| earlier.name() == column.name()) {
                return Err(Error::usage(format!("Attribute `{}` already exists", column.name())));
            }
        }
        self.columns = columns;
        Ok(self)
    }
}

#[cfg(test)]
mod tests {
    use super::{JsonPath, ProjectItem};

    #[test]
    fn a_text_is_a_name_a_copy_a_path_or_sql() {
        let of = |text: &str| format!("{:?}", ProjectItem::from(("n", text)));
        assert!(of("old").starts_with("Rename"));
        assert!(of(" ( old ) ").starts_with("Copy"));
        assert!(of("NULL").starts_with("Compute"));
        assert!(of("car.length").starts_with("Json"));
        assert!(of("car.tires[0].inches:decimal(5,2)").starts_with("Json"));
        assert!(of("a + 1.5").starts_with("Compute"));
        assert!(of("1.5").starts_with("Compute"));
        assert!(of("count(*)").starts_with("Compute"));
    }

    #[test]
    fn a_path_has_steps_indices_and_a_type() {
        let path = JsonPath::parse("car.safety.ratings[10]:unsigned").unwrap();
        assert_eq!((path.attribute, path.path, path.ty), ("car", "safety.ratings[10]", Some("unsigned")));
        assert_eq!(JsonPath::parse("car.a'; drop"), None);
        assert_eq!(JsonPath::parse("car.list[x]"), None);
        assert_eq!(JsonPath::parse("car."), None);
    }
}
