//! Diagrams as sets: union, difference, intersection, expansion.

use std::collections::BTreeSet;
use std::ops::{Add, Mul, Sub};

use lapjoint_db::TableId;
use lapjoint_types::naming::split_part;

use crate::diagram::Diagram;
use crate::error::Error;
use crate::schema::Schema;

impl Diagram {
    /// The tables of several diagrams, the first's scope.
    ///
    /// # Errors
    /// [`Error::Usage`] when there is none.
    pub fn from_sequence<'d>(diagrams: impl IntoIterator<Item = &'d Self>) -> Result<Self, Error> {
        let union = diagrams.into_iter().cloned().reduce(|one, other| one + &other);
        union.ok_or_else(|| Error::usage("A diagram of nothing has no connection; give at least one table"))
    }

    /// The diagram with the tables that are at most `steps` references downstream.
    ///
    /// # Errors
    /// [`Error`] when the database cannot be read.
    pub fn downstream(mut self, steps: usize) -> Result<Self, Error> {
        let mut level: Vec<TableId> = self.tables.tables().cloned().collect();
        for _ in 0..steps {
            if level.is_empty() {
                break;
            }
            let found = self.connection.lock()?.adapter_mut().referring(&level)?;
            level = self.take(found)?;
        }
        Ok(self)
    }

    /// The diagram with the tables that are at most `steps` references upstream.
    ///
    /// # Errors
    /// [`Error`] when the database cannot be read.
    pub fn upstream(mut self, steps: usize) -> Result<Self, Error> {
        let mut level: Vec<TableId> = self.tables.tables().cloned().collect();
        for _ in 0..steps {
            if level.is_empty() {
                break;
            }
            let found: BTreeSet<TableId> =
                level.iter().flat_map(|id| self.tables.parents(id)).map(|edge| edge.parent).collect();
            level = self.take(found)?;
        }
        Ok(self)
    }

    /// Adds tables that are not here yet; returns those.
    fn take(&mut self, found: impl IntoIterator<Item = TableId>) -> Result<Vec<TableId>, Error> {
        let mut new = Vec::new();
        for id in found {
            if self.contains(&id) || id.table.starts_with('~') {
                continue;
            }
            self.tables.add(&self.connection, &id)?;
            if self.contains(&id) {
                self.expanded.insert(id.clone());
                new.push(id);
            }
        }
        Ok(new)
    }

    /// The diagram with the parts of all its tables.
    ///
    /// # Errors
    /// [`Error`] when the database cannot be read.
    pub fn add_parts(mut self) -> Result<Self, Error> {
        let schemas: BTreeSet<String> = self.tables.tables().map(|id| id.schema.clone()).collect();
        for name in schemas {
            let schema = Schema::new(self.connection.clone(), name.clone());
            let parts = schema.list_tables()?.into_iter().filter(|table| {
                split_part(table).is_some_and(|(master, _)| self.contains(&TableId::new(&name, master)))
            });
            let parts: Vec<TableId> = parts.map(|table| TableId::new(&name, table)).collect();
            self.take(parts)?;
        }
        Ok(self)
    }

    /// The diagram drawn with one node for each schema. Tables that a union adds are drawn as such.
    #[must_use]
    pub fn collapse(mut self) -> Self {
        self.expanded.clear();
        self
    }
}

impl Add<&Self> for Diagram {
    type Output = Self;

    /// The tables of either.
    fn add(mut self, other: &Self) -> Self {
        self.tables.extend(&other.tables);
        self.expanded.extend(other.expanded.iter().cloned());
        self.labels.extend(other.labels.iter().map(|(id, label)| (id.clone(), label.clone())));
        self
    }
}

impl Sub<&Self> for Diagram {
    type Output = Self;

    /// The tables of the first that the second lacks.
    fn sub(mut self, other: &Self) -> Self {
        self.tables.retain(|id| !other.contains(id));
        self.expanded.retain(|id| !other.contains(id));
        self
    }
}

impl Mul<&Self> for Diagram {
    type Output = Self;

    /// The tables of both.
    fn mul(mut self, other: &Self) -> Self {
        self.tables.retain(|id| other.contains(id));
        self.expanded.extend(other.expanded.iter().cloned());
        self.expanded.retain(|id| other.contains(id));
        self
    }
}

impl Add<usize> for Diagram {
    type Output = Result<Self, Error>;

    /// As [`Diagram::downstream`].
    fn add(self, steps: usize) -> Result<Self, Error> {
        self.downstream(steps)
    }
}

impl Sub<usize> for Diagram {
    type Output = Result<Self, Error>;

    /// As [`Diagram::upstream`].
    fn sub(self, steps: usize) -> Result<Self, Error> {
        self.upstream(steps)
    }
}
