//! Joins: pairs of rows that agree in the attributes that both sides have.

use std::sync::atomic::{AtomicBool, Ordering};

use lapjoint_db::Adapter;

use crate::error::Error;
use crate::query::select::{Column, Select, Source};

/// Which pairs of rows a join gives.
///
/// ```
/// # use lapjoint::{Connection, JoinOptions, row};
/// # let connection = Connection::in_memory()?;
/// # let lab = connection.schema("lab")?;
/// let mouse = lab.manual("Mouse", "mouse : int32\n---\nborn : date")?;
/// let weight = lab.manual("Weight", "mouse : int32\n---\nborn : int32")?;
/// // The two tables have nothing in common but names.
/// let joined = mouse.query().join_with(&weight, JoinOptions::new());
/// assert!(joined.check().unwrap_err().to_string().contains("lineages"));
/// # Ok::<(), lapjoint::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct JoinOptions {
    pub(super) is_semantic: bool,
    pub(super) keeps_left: bool,
    /// Whether rows of the left side may match several of the right although they are kept.
    pub(super) allows_null_key: bool,
}

impl Default for JoinOptions {
    fn default() -> Self {
        Self { is_semantic: true, keeps_left: false, allows_null_key: false }
    }
}

impl JoinOptions {
    /// Pairs that agree in all attributes of the same name; these must share an origin.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Matches attributes by their names alone, whatever their origins.
    #[must_use]
    pub const fn by_name_alone(mut self) -> Self {
        self.is_semantic = false;
        self
    }

    /// Keeps rows of the left side that nothing matches, with nulls on the right.
    #[must_use]
    pub const fn keep_left(mut self) -> Self {
        self.keeps_left = true;
        self
    }
}

impl Select {
    /// Whether a row of this statement says which row of the other belongs to it.
    pub(super) fn determines(&self, other: &Self) -> bool {
        other.key().all(|name| self.visible(name).is_some())
    }

    /// Names of the visible columns of both, in this statement's order.
    pub(super) fn common(&self, other: &Self) -> Vec<String> {
        let both = self.columns.iter().filter(|c| c.is_visible() && other.visible(c.name()).is_some());
        both.map(|column| column.name().to_owned()).collect()
    }

    pub(super) fn join(
        left: &Self,
        right: &Self,
        options: JoinOptions,
        adapter: &dyn Adapter,
    ) -> Result<Self, Error> {
        let common = left.common(right);
        if options.is_semantic {
            check_origins(left, right, &common)?;
        }
        let mut has_null_key = false;
        if options.keeps_left && !left.determines(right) {
            if !options.allows_null_key {
                let missing: Vec<&str> = right.key().filter(|name| left.visible(name).is_none()).collect();
                return Err(Error::usage(format!(
                    "Left join requires the left operand to determine the right operand (A → B). The following \
                     attributes from the right operand's primary key are not in the left operand: {}. Use an inner join \
                     or restructure the query.",
                    list(&missing)
                )));
            }
            has_null_key = true;
        }
        let (mut left, mut right) = (left.clone(), right.clone());
        if left.cannot_stay(&common) {
            left = left.nest(true, adapter);
        }
        // What the right side leaves out must not be looked for after the join, where the left side is kept.
        let filters = options.keeps_left && !right.conditions.is_empty();
        if right.cannot_stay(&common) || right.sources.len() > 1 || filters {
            right = right.nest(true, adapter);
        }
        // A name must mean one column in the texts of both sides.
        if is_ambiguous(&left, &right, &common) {
            right = right.nest(true, adapter);
        }
        if is_ambiguous(&left, &right, &common) {
            left = left.nest(true, adapter);
        }
        let columns = joined_columns(&left, &right, has_null_key, options.keeps_left);
        let mut scope = left.scope;
        scope.extend(right.scope.into_iter().filter(|name| !common.contains(name)));
        let mut sources = left.sources;
        let others = right.sources.into_iter();
        sources.extend(others.map(|source| Source {
            using: common.clone(),
            is_optional: options.keeps_left,
            ..source
        }));
        left.conditions.extend(right.conditions);
        Ok(Self {
            sources,
            scope,
            base: None,
            columns,
            comment: String::new(),
            knows_lineage: left.knows_lineage && right.knows_lineage,
            conditions: left.conditions,
            group: None,
            is_distinct: false,
            order: Vec::new(),
            order_terms: Vec::new(),
            limit: None,
            offset: 0,
        })
    }

    /// Whether the statement has to become a subquery before it is joined by `common`.
    fn cannot_stay(&self, common: &[String]) -> bool {
        self.is_cut()
            || self.is_distinct
            || self.group.is_some()
            || self.columns.iter().any(|c| c.sql.is_some() && common.iter().any(|name| name == c.name()))
            // Hidden columns take part in nothing, but in the scope they would.
            || self.columns.iter().any(|c| !c.is_visible() && c.sql.is_some())
    }
}

fn is_ambiguous(left: &Select, right: &Select, common: &[String]) -> bool {
    left.scope.iter().any(|name| right.scope.contains(name) && !common.contains(name))
}

/// Names as Python writes a list of texts, for messages.
pub(super) fn list(names: &[&str]) -> String {
    let quoted: Vec<String> = names.iter().map(|name| format!("'{name}'")).collect();
    format!("[{}]", quoted.join(", "))
}

fn joined_columns(left: &Select, right: &Select, has_null_key: bool, keeps_left: bool) -> Vec<Column> {
    let visible = |select: &Select| -> Vec<Column> {
        select.columns.iter().filter(|column| column.is_visible()).cloned().collect()
    };
    let (mine, mut theirs) = (visible(left), visible(right));
    if keeps_left {
        for column in theirs.iter_mut().filter(|column| left.visible(column.name()).is_none()) {
            column.attribute.nullable = true;
        }
    }
    fn names(columns: &[Column]) -> Vec<(&str, bool)> {
        columns.iter().map(|column| (column.name(), column.attribute.in_key)).collect()
    }
    let order = join_order(&names(&mine), &names(&theirs), has_null_key);
    let pick = |(side, at): (Side, usize)| match side {
        Side::Left => mine.get(at),
        Side::Right => theirs.get(at),
    };
    order.into_iter().filter_map(pick).cloned().collect()
}

/// A side of a join.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// What stands before the operator.
    Left,
    /// What stands after it.
    Right,
}

/// The attributes of a join: which side's, and their places there. Attributes are given as names, and whether they belong to the
/// primary key; the result's key is what of them does.
///
/// The key is that of the side which says which row of the other belongs to each of its rows: it has all attributes of the other's
/// key. It is that of the left side if both do, and that of both together if none does, or if `has_null_key` says that rows of the
/// left side are kept although several of the right may belong to them. The side that decides comes first, its key before the rest.
///
/// ```
/// use lapjoint::{Side, join_order};
/// let (mouse, session) = ([("mouse", true), ("born", false)], [("mouse", true), ("session", true), ("rig", false)]);
/// let order = join_order(&mouse, &session, false);
/// assert_eq!(order, [(Side::Right, 0), (Side::Right, 1), (Side::Right, 2), (Side::Left, 1)]);
/// ```
#[must_use]
pub fn join_order(left: &[(&str, bool)], right: &[(&str, bool)], has_null_key: bool) -> Vec<(Side, usize)> {
    type Names<'n> = [(&'n str, bool)];
    let has = |names: &Names<'_>, name: &str| names.iter().any(|(known, _)| *known == name);
    let has_in_key = |names: &Names<'_>, name: &str| names.contains(&(name, true));
    let determines =
        |one: &Names<'_>, other: &Names<'_>| other.iter().all(|(name, in_key)| !in_key || has(one, name));
    let places = |side: Side, names: &Names<'_>, keeps: &dyn Fn(&str, bool) -> bool| -> Vec<(Side, usize)> {
        let kept = names.iter().enumerate().filter(|(_, (name, in_key))| keeps(name, *in_key));
        kept.map(|(at, _)| (side, at)).collect()
    };
    // Key and other attributes of the side that decides, then what only the other side has.
    let dependent = |(side, decides): (Side, &Names<'_>), (other, depends): (Side, &Names<'_>)| {
        let mut order = places(side, decides, &|_, in_key| in_key);
        order.extend(places(side, decides, &|_, in_key| !in_key));
        order.extend(places(other, depends, &|name, _| !has(decides, name)));
        order
    };
    if !has_null_key && determines(left, right) {
        return dependent((Side::Left, left), (Side::Right, right));
    }
    if !has_null_key && determines(right, left) {
        return dependent((Side::Right, right), (Side::Left, left));
    }
    let mut order = places(Side::Left, left, &|_, in_key| in_key);
    order.extend(places(Side::Right, right, &|name, in_key| in_key && !has_in_key(left, name)));
    order.extend(places(Side::Left, left, &|name, in_key| !in_key && !has_in_key(right, name)));
    order.extend(places(Side::Right, right, &|name, in_key| !in_key && !has(left, name)));
    order
}

/// Refuses to match attributes that only share a name.
pub(super) fn check_origins(left: &Select, right: &Select, common: &[String]) -> Result<(), Error> {
    if !left.knows_lineage || !right.knows_lineage {
        static WARNED: AtomicBool = AtomicBool::new(false);
        if !common.is_empty() && !WARNED.swap(true, Ordering::Relaxed) {
            tracing::warn!(
                "Semantic check disabled: ~lineage table not found. To enable semantic matching, rebuild lineage with: \
                 schema.rebuild_lineage()"
            );
        }
        return Ok(());
    }
    for name in common {
        let origin =
            |select: &Select| select.column(name).and_then(|column| column.attribute.lineage.clone());
        let (one, other) = (origin(left), origin(right));
        if one.is_some() && one == other {
            continue;
        }
        let text = |origin: &Option<std::sync::Arc<str>>| origin.as_deref().unwrap_or("None").to_owned();
        let (one_text, other_text) = (text(&one), text(&other));
        return Err(Error::usage(if one.is_none() || other.is_none() {
            format!(
                "Cannot join on attribute `{name}`: lineage missing on one side ({one_text} vs {other_text}). Attributes \
                 outside of primary and foreign keys are never matched: if it is one of these, use .proj() to rename it. \
                 If not, the record of lineages is out of date: run `schema.rebuild_lineage()`."
            )
        } else {
            format!(
                "Cannot join on attribute `{name}`: different lineages ({one_text} vs {other_text}). Use .proj() to rename \
                 one of the attributes."
            )
        }));
    }
    Ok(())
}
