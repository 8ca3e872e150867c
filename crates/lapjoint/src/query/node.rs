//! Expressions of the query algebra, each compiled once.

use std::sync::{Arc, OnceLock};

use lapjoint_db::Adapter;

use crate::bound::BoundTable;
use crate::error::Error;
use crate::query::condition::Condition;
use crate::query::join::JoinOptions;
use crate::query::project::ProjectItem;
use crate::query::select::Select;

/// An expression of the query algebra.
#[derive(Debug)]
pub(crate) enum Expression {
    /// A table with all its rows.
    Table(Arc<BoundTable>),
    /// Rows for which a condition holds.
    Restrict {
        /// Rows to choose from.
        input: Arc<Node>,
        /// Condition.
        condition: Condition,
        /// Whether attributes matched with those of other queries must share an origin.
        is_semantic: bool,
    },
    /// Other attributes of the same rows.
    Project {
        /// Rows.
        input: Arc<Node>,
        /// What happens to the attributes.
        items: Vec<ProjectItem>,
    },
    /// Some rows in an order.
    Top {
        /// Rows.
        input: Arc<Node>,
        /// Largest number of rows.
        limit: Option<u64>,
        /// Rows passed over first.
        offset: u64,
        /// Order terms.
        order: Vec<String>,
    },
    /// Pairs of rows that agree in the attributes that both have.
    Join {
        /// Rows on the left.
        left: Arc<Node>,
        /// Rows on the right.
        right: Arc<Node>,
        /// Which pairs.
        options: JoinOptions,
    },
    /// Rows with what is computed over the rows of another query that match each of them.
    Aggregate {
        /// Rows, one for each group.
        by: Arc<Node>,
        /// Rows that are grouped.
        group: Arc<Node>,
        /// Attributes kept and computed.
        items: Vec<ProjectItem>,
        /// Whether rows that nothing matches stay.
        keeps_all: bool,
    },
    /// Rows of two queries with one primary key.
    Union {
        /// One query.
        left: Arc<Node>,
        /// Another.
        right: Arc<Node>,
    },
    /// Combinations of values that occur.
    Distinct {
        /// Attributes, which become the primary key.
        names: Vec<String>,
        /// Rows.
        input: Arc<Node>,
    },
    /// What is computed over all rows that share the values of some attributes.
    Group {
        /// Attributes, which become the primary key; without any, all rows are one group.
        names: Vec<String>,
        /// Rows that are grouped.
        input: Arc<Node>,
        /// Attributes computed.
        items: Vec<ProjectItem>,
    },
}

/// An expression and the statement that it compiles to.
#[derive(Debug)]
pub(crate) struct Node {
    expression: Expression,
    select: OnceLock<Arc<Select>>,
}

impl Node {
    pub const fn new(expression: Expression) -> Self {
        Self { expression, select: OnceLock::new() }
    }

    pub const fn expression(&self) -> &Expression {
        &self.expression
    }

    /// The statement. It depends on the expression and the product of the database alone, so that it is made once.
    pub fn compile(&self, adapter: &dyn Adapter) -> Result<Arc<Select>, Error> {
        if let Some(select) = self.select.get() {
            return Ok(Arc::clone(select));
        }
        let select = Arc::new(self.expression.compile(adapter)?);
        Ok(Arc::clone(self.select.get_or_init(|| select)))
    }

    /// The table at the left end of the expression.
    pub fn base(&self) -> &Arc<BoundTable> {
        let mut expression = &self.expression;
        loop {
            expression = match expression {
                Expression::Table(table) => return table,
                Expression::Restrict { input, .. }
                | Expression::Project { input, .. }
                | Expression::Top { input, .. }
                | Expression::Distinct { input, .. }
                | Expression::Group { input, .. } => &input.expression,
                Expression::Join { left, .. } | Expression::Union { left, .. } => &left.expression,
                Expression::Aggregate { by, .. } => &by.expression,
            };
        }
    }

    /// All tables whose rows the result may have parts of, each as often as it occurs.
    pub fn tables(&self) -> Vec<&Arc<BoundTable>> {
        let mut found = Vec::new();
        let mut open = vec![self];
        while let Some(node) = open.pop() {
            match &node.expression {
                Expression::Table(table) => found.push(table),
                Expression::Restrict { input, .. }
                | Expression::Project { input, .. }
                | Expression::Top { input, .. }
                | Expression::Distinct { input, .. }
                | Expression::Group { input, .. } => open.push(input),
                Expression::Join { left, right, .. } | Expression::Union { left, right } => {
                    open.extend([right.as_ref(), left.as_ref()]);
                }
                Expression::Aggregate { by, group, .. } => open.extend([group.as_ref(), by.as_ref()]),
            }
        }
        found
    }
}

impl Expression {
    fn compile(&self, adapter: &dyn Adapter) -> Result<Select, Error> {
        match self {
            Self::Table(table) => Ok(Select::of_table(table, adapter)),
            Self::Restrict { input, condition, is_semantic } => {
                Select::clone(&*input.compile(adapter)?).restrict(condition, *is_semantic, adapter)
            }
            Self::Project { input, items } => {
                Select::clone(&*input.compile(adapter)?).project(items, adapter)
            }
            Self::Top { input, limit, offset, order } => {
                Select::clone(&*input.compile(adapter)?).top(*limit, *offset, order, adapter)
            }
            Self::Join { left, right, options } => {
                let (left, right) = (left.compile(adapter)?, right.compile(adapter)?);
                Select::join(&left, &right, *options, adapter)
            }
            Self::Aggregate { by, group, items, keeps_all } => {
                let (by, group) = (by.compile(adapter)?, group.compile(adapter)?);
                Select::aggregate(&by, &group, items, *keeps_all, adapter)
            }
            Self::Union { left, right } => {
                let (left, right) = (left.compile(adapter)?, right.compile(adapter)?);
                Select::union(&left, &right, adapter)
            }
            Self::Distinct { names, input } => {
                Select::clone(&*input.compile(adapter)?).distinct_values(names, adapter)
            }
            Self::Group { names, input, items } => {
                Select::clone(&*input.compile(adapter)?).grouped(names, items, adapter)
            }
        }
    }
}
