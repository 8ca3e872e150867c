//! `&` restricts, `-` excludes: the operators of the query algebra.

use std::ops::{BitAnd, Sub};

use crate::query::{Condition, Query};
use crate::table::Table;

impl<C: Into<Condition>> BitAnd<C> for &Query {
    type Output = Query;

    fn bitand(self, condition: C) -> Query {
        self.restrict(condition)
    }
}

impl<C: Into<Condition>> BitAnd<C> for Query {
    type Output = Self;

    fn bitand(self, condition: C) -> Self {
        self.restrict(condition)
    }
}

impl<C: Into<Condition>> BitAnd<C> for &Table {
    type Output = Query;

    fn bitand(self, condition: C) -> Query {
        self.query().restrict(condition)
    }
}

impl<C: Into<Condition>> Sub<C> for &Query {
    type Output = Query;

    fn sub(self, condition: C) -> Query {
        self.exclude(condition)
    }
}

impl<C: Into<Condition>> Sub<C> for Query {
    type Output = Self;

    fn sub(self, condition: C) -> Self {
        self.exclude(condition)
    }
}

impl<C: Into<Condition>> Sub<C> for &Table {
    type Output = Query;

    fn sub(self, condition: C) -> Query {
        self.query().exclude(condition)
    }
}
