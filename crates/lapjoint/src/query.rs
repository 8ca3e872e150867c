//! Queries: the algebra, compiled to one statement, and fetch.

mod condition;
mod delete;
pub(crate) mod fetch;
mod group;
mod join;
mod node;
mod operators;
mod outdated;
mod project;
mod restrict;
pub(crate) mod select;
mod text;
mod top;

use std::sync::Arc;

pub use condition::Condition;
pub use delete::{DeleteOptions, DeleteReport, PartIntegrity};
pub use join::{JoinOptions, Side, join_order};
pub use project::ProjectItem;
pub(crate) use restrict::equal_sql;

use crate::bound::BoundTable;
use crate::connection::Connection;
use crate::error::Error;
use crate::heading::Heading;
use crate::query::node::{Expression, Node};
use crate::query::select::Select;
use crate::watch::Watch;

/// A query: tables restricted, joined, projected, aggregated, ordered. Nothing is asked of the database until rows are fetched;
/// what is wrong with a query is said then, or by [`check`](Self::check).
///
/// `&` restricts, `-` excludes, `*` joins and `+` unites.
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
/// assert_eq!((&point - some.proj(["x"])).count()?, 3);
/// let doubled = point.query().proj([("twice", "2 * y")]);
/// assert_eq!((doubled & "twice = 3").fetch1()?, row! { "x" => 3, "twice" => 3.0 });
/// assert_eq!(some.delete(&DeleteOptions::new())?.rows(), 2);
/// # Ok::<(), lapjoint::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct Query {
    connection: Connection,
    node: Arc<Node>,
    watch: Option<Watch>,
}

impl Query {
    pub(crate) fn of_table(connection: Connection, table: Arc<BoundTable>) -> Self {
        Self { connection, node: Arc::new(Node::new(Expression::Table(table))), watch: None }
    }

    pub(crate) fn expression(&self) -> &Node {
        &self.node
    }

    pub(crate) const fn node(&self) -> &Arc<Node> {
        &self.node
    }

    /// The connection that the query runs on.
    #[must_use]
    pub const fn connection(&self) -> &Connection {
        &self.connection
    }

    fn wrap(&self, expression: Expression) -> Self {
        Self {
            connection: self.connection.clone(),
            node: Arc::new(Node::new(expression)),
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
        self.wrap(Expression::Restrict {
            input: Arc::clone(&self.node),
            condition: condition.into(),
            is_semantic: true,
        })
    }

    /// Rows for which `condition` holds, with the attributes of other queries matched by their names alone, whatever their
    /// origins.
    #[must_use]
    pub fn restrict_by_name_alone(&self, condition: impl Into<Condition>) -> Self {
        self.wrap(Expression::Restrict {
            input: Arc::clone(&self.node),
            condition: condition.into(),
            is_semantic: false,
        })
    }

    /// Rows for which `condition` does not hold. As everywhere in SQL, a condition on a null neither holds nor does not.
    #[must_use]
    pub fn exclude(&self, condition: impl Into<Condition>) -> Self {
        self.restrict(condition.into().negate())
    }

    /// The same rows with other attributes. The primary key is always kept.
    #[must_use]
    pub fn proj<I: Into<ProjectItem>>(&self, items: impl IntoIterator<Item = I>) -> Self {
        let items = items.into_iter().map(Into::into).collect();
        self.wrap(Expression::Project { input: Arc::clone(&self.node), items })
    }

    /// Pairs of rows that agree in all attributes of the same name. These must share an origin: a table's attribute shares that of
    /// the attribute which it refers to.
    ///
    /// The primary key is that of the side which says which row of the other belongs to it, or of both sides together.
    ///
    /// ```
    /// # use lapjoint::{Connection, row};
    /// # let connection = Connection::in_memory()?;
    /// # let lab = connection.schema("lab")?;
    /// let mouse = lab.manual("Mouse", "mouse : int32\n---\nborn : date")?;
    /// let session = lab.manual("Session", "-> Mouse\nsession : int32\n---\nrig : varchar(8)")?;
    /// mouse.insert1(row! { "mouse" => 1, "born" => "2026-01-31" })?;
    /// session.insert((1..4).map(|n| row! { "mouse" => 1, "session" => n, "rig" => "A" }))?;
    /// let both = &mouse * &session;
    /// assert_eq!(both.heading()?.primary_key(), ["mouse", "session"]);
    /// assert_eq!(both.heading()?.names(), ["mouse", "session", "rig", "born"]);
    /// assert_eq!(both.count()?, 3);
    /// # Ok::<(), lapjoint::Error>(())
    /// ```
    #[must_use]
    pub fn join(&self, other: impl Into<Self>) -> Self {
        self.join_with(other, JoinOptions::new())
    }

    /// A join with options.
    #[must_use]
    pub fn join_with(&self, other: impl Into<Self>, options: JoinOptions) -> Self {
        let right = other.into().node;
        self.wrap(Expression::Join { left: Arc::clone(&self.node), right, options })
    }

    /// The rows with the attributes of `other` that belong to each, or nulls. The rows have to say which row that is: they have
    /// the attributes of its primary key.
    #[must_use]
    pub fn extend(&self, other: impl Into<Self>) -> Self {
        self.join_with(other, JoinOptions::new().keep_left())
    }

    /// The rows with what `items` compute over the rows of `group` that match each of them. Rows that nothing matches stay, with
    /// what SQL computes over one row of nulls.
    ///
    /// ```
    /// # use lapjoint::{Connection, row};
    /// # let connection = Connection::in_memory()?;
    /// # let lab = connection.schema("lab")?;
    /// # let mouse = lab.manual("Mouse", "mouse : int32")?;
    /// # let session = lab.manual("Session", "-> Mouse\nsession : int32")?;
    /// mouse.insert([row! { "mouse" => 1 }, row! { "mouse" => 2 }])?;
    /// session.insert((1..4).map(|n| row! { "mouse" => 1, "session" => n }))?;
    /// let counted = mouse.query().aggr(&session, [("sessions", "count(session)")]);
    /// assert_eq!(counted.order_by(["KEY"]).column::<i64>("sessions")?, [3, 0]);
    /// # Ok::<(), lapjoint::Error>(())
    /// ```
    #[must_use]
    pub fn aggr<I: Into<ProjectItem>>(
        &self,
        group: impl Into<Self>,
        items: impl IntoIterator<Item = I>,
    ) -> Self {
        self.aggregate(group.into(), items, true)
    }

    /// As [`aggr`](Self::aggr), without the rows that nothing matches.
    #[must_use]
    pub fn aggr_matching<I: Into<ProjectItem>>(
        &self,
        group: impl Into<Self>,
        items: impl IntoIterator<Item = I>,
    ) -> Self {
        self.aggregate(group.into(), items, false)
    }

    fn aggregate<I: Into<ProjectItem>>(
        &self,
        group: Self,
        items: impl IntoIterator<Item = I>,
        keeps_all: bool,
    ) -> Self {
        let items = items.into_iter().map(Into::into).collect();
        self.wrap(Expression::Aggregate { by: Arc::clone(&self.node), group: group.node, items, keeps_all })
    }

    /// The rows of both queries, which have the same primary key and no other attribute in common: what the other query has of a
    /// row is put beside it, or null.
    #[must_use]
    pub fn union(&self, other: impl Into<Self>) -> Self {
        let right = other.into().node;
        self.wrap(Expression::Union { left: Arc::clone(&self.node), right })
    }

    /// The combinations of values of some attributes that occur; the attributes become the primary key.
    #[must_use]
    pub fn distinct<S: Into<String>>(&self, names: impl IntoIterator<Item = S>) -> Self {
        let names = names.into_iter().map(Into::into).collect();
        self.wrap(Expression::Distinct { names, input: Arc::clone(&self.node) })
    }

    /// What `items` compute over all rows that share the values of some attributes, which become the primary key; without
    /// attributes over all rows.
    #[must_use]
    pub fn group_by<S: Into<String>, I: Into<ProjectItem>>(
        &self,
        names: impl IntoIterator<Item = S>,
        items: impl IntoIterator<Item = I>,
    ) -> Self {
        let names = names.into_iter().map(Into::into).collect();
        let items = items.into_iter().map(Into::into).collect();
        self.wrap(Expression::Group { names, input: Arc::clone(&self.node), items })
    }

    /// The first `limit` rows after `offset` rows, ordered by terms such as `KEY`, `name`, `name DESC`. Without terms the order
    /// is that of the query, or else that of the primary key.
    #[must_use]
    pub fn top<S: Into<String>>(
        &self,
        limit: Option<u64>,
        offset: u64,
        order: impl IntoIterator<Item = S>,
    ) -> Self {
        let order = order.into_iter().map(Into::into).collect();
        self.wrap(Expression::Top { input: Arc::clone(&self.node), limit, offset, order })
    }

    /// The rows in an order, by terms such as `KEY`, `name`, `name DESC`.
    #[must_use]
    pub fn order_by<S: Into<String>>(&self, order: impl IntoIterator<Item = S>) -> Self {
        self.top(None, 0, order)
    }

    /// Says what is wrong with the query: names that are not there, attributes that cannot be matched.
    ///
    /// # Errors
    /// [`Error`] when the query cannot be compiled.
    pub fn check(&self) -> Result<(), Error> {
        self.compile().map(std::mem::drop)
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
        let select = self.node.compile(guard.adapter())?;
        select.sql(guard.adapter(), &select.heading().names())
    }

    pub(crate) fn compile(&self) -> Result<Arc<Select>, Error> {
        let guard = self.connection.lock()?;
        self.node.compile(guard.adapter())
    }

    /// The table at the left end of the expression, and a name for messages.
    pub(crate) fn base(&self) -> &Arc<BoundTable> {
        self.node.base()
    }

    /// All tables whose rows the result may have parts of.
    pub(crate) fn tables(&self) -> Vec<&Arc<BoundTable>> {
        self.node.tables()
    }
}

impl From<&Self> for Query {
    fn from(query: &Self) -> Self {
        query.clone()
    }
}

impl From<&crate::table::Table> for Query {
    fn from(table: &crate::table::Table) -> Self {
        table.query()
    }
}
