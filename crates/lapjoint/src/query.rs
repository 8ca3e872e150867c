//! Queries: restriction, projection, order and fetch.

mod condition;
mod delete;
pub(crate) mod fetch;
mod operators;
pub(crate) mod select;

use std::sync::Arc;

pub use condition::Condition;
pub use delete::{DeleteOptions, DeleteReport, PartIntegrity};

use crate::bound::BoundTable;
use crate::connection::Connection;
use crate::error::Error;
use crate::heading::Heading;
use crate::query::select::Select;
use crate::watch::Watch;

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
    /// `("new", "old")` renames, `("new", "(old)")` copies, `("new", "SQL expression")` computes.
    fn from((new, source): (&str, &str)) -> Self {
        let is_name = |text: &str| {
            !text.is_empty()
                && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
                && !text.bytes().next().is_some_and(|b| b.is_ascii_digit())
        };
        let new = new.to_owned();
        let source = source.trim();
        let inner = source.strip_prefix('(').and_then(|rest| rest.strip_suffix(')')).map(str::trim);
        match inner {
            Some(old) if is_name(old) => Self::Copy { new, old: old.to_owned() },
            _ if is_name(source) => Self::Rename { new, old: source.to_owned() },
            _ => Self::Compute { new, sql: source.to_owned() },
        }
    }
}

/// An expression of the query algebra.
#[derive(Debug, Clone)]
pub(crate) enum Expression {
    /// A table with all its rows.
    Table(Arc<BoundTable>),
    /// Rows for which a condition holds.
    Restrict {
        /// Rows to choose from.
        input: Arc<Expression>,
        /// Condition.
        condition: Condition,
    },
    /// Other attributes of the same rows.
    Project {
        /// Rows.
        input: Arc<Expression>,
        /// What happens to the attributes.
        items: Vec<ProjectItem>,
    },
    /// Some rows in an order.
    Top {
        /// Rows.
        input: Arc<Expression>,
        /// Largest number of rows.
        limit: Option<u64>,
        /// Rows passed over first.
        offset: u64,
        /// Order terms.
        order: Vec<String>,
    },
}

/// A query: a table restricted, projected, ordered. Nothing is asked of the database until rows are fetched.
///
/// `&` restricts and `-` excludes.
///
/// ```
/// # use lapjoint::DeleteOptions;
/// # use lapjoint::{Connection, row};
/// # let connection = Connection::in_memory()?;
/// # let lab = connection.schema("lab")?;
/// # let point = lab.manual("Point", "x : int32\n---\ny = 0 : float64")?;
/// point.insert((0..5).map(|x| row! { "x" => x, "y" => f64::from(x) / 2.0 }))?;
/// let some = &point & "y > 0.4" & [row! { "x" => 1 }, row! { "x" => 4 }];
/// assert_eq!(some.order_by(["y DESC"]).column::<i64>("x")?, [4, 1]);
/// assert_eq!((&point - &some).count()?, 3);
/// let doubled = point.query().proj([("twice", "2 * y")]);
/// assert_eq!((doubled & "twice = 3").fetch1()?, row! { "x" => 3, "twice" => 3.0 });
/// assert_eq!(some.delete(&DeleteOptions::new())?.rows(), 2);
/// # Ok::<(), lapjoint::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct Query {
    connection: Connection,
    expression: Arc<Expression>,
    watch: Option<Watch>,
}

impl Query {
    pub(crate) fn of_table(connection: Connection, table: Arc<BoundTable>) -> Self {
        Self { connection, expression: Arc::new(Expression::Table(table)), watch: None }
    }

    pub(crate) fn expression(&self) -> &Expression {
        &self.expression
    }

    /// The connection that the query runs on.
    #[must_use]
    pub const fn connection(&self) -> &Connection {
        &self.connection
    }

    fn wrap(&self, expression: Expression) -> Self {
        Self {
            connection: self.connection.clone(),
            expression: Arc::new(expression),
            watch: self.watch.clone(),
        }
    }

    /// The same query, whose fetches a function looks at and may stop.
    #[must_use]
    pub fn watched(&self, watch: Watch) -> Self {
        Self { watch: Some(watch), ..self.clone() }
    }

    /// Rows for which `condition` holds: a row of values, SQL, a list (any of them), another table or query.
    #[must_use]
    pub fn restrict(&self, condition: impl Into<Condition>) -> Self {
        self.wrap(Expression::Restrict { input: Arc::clone(&self.expression), condition: condition.into() })
    }

    /// Rows for which `condition` does not hold.
    #[must_use]
    pub fn exclude(&self, condition: impl Into<Condition>) -> Self {
        self.restrict(condition.into().negate())
    }

    /// The same rows with other attributes. The primary key is always kept.
    #[must_use]
    pub fn proj<I: Into<ProjectItem>>(&self, items: impl IntoIterator<Item = I>) -> Self {
        let items = items.into_iter().map(Into::into).collect();
        self.wrap(Expression::Project { input: Arc::clone(&self.expression), items })
    }

    /// The first `limit` rows after `offset` rows, ordered by terms such as `KEY`, `name`, `name DESC`.
    #[must_use]
    pub fn top<S: Into<String>>(
        &self,
        limit: Option<u64>,
        offset: u64,
        order: impl IntoIterator<Item = S>,
    ) -> Self {
        let order = order.into_iter().map(Into::into).collect();
        self.wrap(Expression::Top { input: Arc::clone(&self.expression), limit, offset, order })
    }

    /// The rows in an order, by terms such as `KEY`, `name`, `name DESC`.
    #[must_use]
    pub fn order_by<S: Into<String>>(&self, order: impl IntoIterator<Item = S>) -> Self {
        self.top(None, 0, order)
    }

    /// The heading of the result.
    ///
    /// # Errors
    /// [`Error::UnknownAttribute`] when the expression names an attribute that is not there.
    pub fn heading(&self) -> Result<Heading, Error> {
        Ok(self.compile()?.heading())
    }

    /// The SQL statement that fetches the visible attributes.
    ///
    /// # Errors
    /// [`Error`] when the expression cannot be compiled.
    pub fn make_sql(&self) -> Result<String, Error> {
        let guard = self.connection.lock()?;
        let select = Select::compile(&self.expression, guard.adapter())?;
        select.sql(guard.adapter(), &select.heading().names())
    }

    pub(crate) fn compile(&self) -> Result<Select, Error> {
        let guard = self.connection.lock()?;
        Select::compile(&self.expression, guard.adapter())
    }

    /// The table at the base of the expression, and a name for messages.
    pub(crate) fn base(&self) -> &Arc<BoundTable> {
        let mut expression = self.expression.as_ref();
        loop {
            expression = match expression {
                Expression::Table(table) => return table,
                Expression::Restrict { input, .. }
                | Expression::Project { input, .. }
                | Expression::Top { input, .. } => input,
            };
        }
    }
}
