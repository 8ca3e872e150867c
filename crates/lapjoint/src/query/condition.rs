//! Conditions: what a restriction may be.

use lapjoint_types::Value;

use crate::query::Query;
use crate::row::Row;
use crate::table::Table;

/// A condition that restricts a query.
///
/// ```
/// # use lapjoint::Condition;
/// # use lapjoint::{Connection, row};
/// # let connection = Connection::in_memory()?;
/// # let lab = connection.schema("lab")?;
/// # let point = lab.manual("Point", "x : int32")?;
/// point.insert((0..5).map(|x| row! { "x" => x }))?;
/// let middle = Condition::All(vec!["x > 0".into(), !Condition::equal("x", 4)]);
/// assert_eq!((&point & middle).count()?, 3);
/// # Ok::<(), lapjoint::Error>(())
/// ```
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Condition {
    /// A condition in the database's SQL, passed through as written.
    Sql(String),
    /// Attributes equal these values; `Null` means "is null". Attributes that the query lacks are ignored.
    Equal(Row),
    /// A row of the other query agrees in all attributes that both have.
    Matches(Box<Query>),
    /// All hold; an empty list always holds.
    All(Vec<Condition>),
    /// At least one holds; an empty list never holds.
    Any(Vec<Condition>),
    /// The inner condition does not hold. A condition on a null neither holds nor does not, as everywhere in SQL.
    Not(Box<Condition>),
    /// Always, or never.
    Constant(bool),
    /// SQL of the engine's own about the columns of a base table.
    Verbatim(String),
}

impl Condition {
    /// The opposite.
    #[must_use]
    pub fn negate(self) -> Self {
        match self {
            Self::Not(inner) => *inner,
            other => Self::Not(Box::new(other)),
        }
    }

    /// Adds to `known` the values that attributes have wherever the condition holds.
    pub(crate) fn known(&self, known: &mut Row) {
        match self {
            Self::Equal(row) => {
                for (name, value) in row.iter().filter(|(_, value)| !value.is_null()) {
                    known.set(name, value.clone());
                }
            }
            Self::All(conditions) => conditions.iter().for_each(|condition| condition.known(known)),
            Self::Any(conditions) => {
                if let [condition] = conditions.as_slice() {
                    condition.known(known);
                }
            }
            _ => {}
        }
    }

    /// One attribute equals a value.
    pub fn equal(attribute: impl Into<String>, value: impl Into<Value>) -> Self {
        Self::Equal(Row::new().with(attribute, value))
    }
}

impl std::ops::Not for Condition {
    type Output = Self;

    fn not(self) -> Self {
        self.negate()
    }
}

impl From<&str> for Condition {
    fn from(sql: &str) -> Self {
        Self::Sql(sql.to_owned())
    }
}

impl From<String> for Condition {
    fn from(sql: String) -> Self {
        Self::Sql(sql)
    }
}

impl From<Row> for Condition {
    fn from(row: Row) -> Self {
        Self::Equal(row)
    }
}

impl From<&Row> for Condition {
    fn from(row: &Row) -> Self {
        Self::Equal(row.clone())
    }
}

impl From<bool> for Condition {
    fn from(value: bool) -> Self {
        Self::Constant(value)
    }
}

impl From<Query> for Condition {
    fn from(query: Query) -> Self {
        Self::Matches(Box::new(query))
    }
}

impl From<&Query> for Condition {
    fn from(query: &Query) -> Self {
        Self::Matches(Box::new(query.clone()))
    }
}

impl From<&Table> for Condition {
    fn from(table: &Table) -> Self {
        Self::Matches(Box::new(table.query()))
    }
}

impl<C: Into<Condition>> From<Vec<C>> for Condition {
    fn from(conditions: Vec<C>) -> Self {
        Self::Any(conditions.into_iter().map(Into::into).collect())
    }
}

impl<C: Into<Condition>, const N: usize> From<[C; N]> for Condition {
    fn from(conditions: [C; N]) -> Self {
        Self::Any(conditions.into_iter().map(Into::into).collect())
    }
}
