//! `&` restricts, `-` excludes, `*` joins, `+` unites: the operators of the query algebra.

use std::ops::{Add, BitAnd, Mul, Sub};

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

impl<Q: Into<Query>> Mul<Q> for &Query {
    type Output = Query;

    fn mul(self, other: Q) -> Query {
        self.join(other)
    }
}

impl<Q: Into<Query>> Mul<Q> for Query {
    type Output = Self;

    fn mul(self, other: Q) -> Self {
        self.join(other)
    }
}

impl<Q: Into<Query>> Mul<Q> for &Table {
    type Output = Query;

    fn mul(self, other: Q) -> Query {
        self.query().join(other)
    }
}

impl<Q: Into<Query>> Add<Q> for &Query {
    type Output = Query;

    fn add(self, other: Q) -> Query {
        self.union(other)
    }
}

impl<Q: Into<Query>> Add<Q> for Query {
    type Output = Self;

    fn add(self, other: Q) -> Self {
        self.union(other)
    }
}

impl<Q: Into<Query>> Add<Q> for &Table {
    type Output = Query;

    fn add(self, other: Q) -> Query {
        self.query().union(other)
    }
}
