//! Dependencies between tables: who refers to whom.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use lapjoint_db::{ForeignKeyDef, TableId};

use crate::bound::BoundTable;
use crate::connection::Connection;
use crate::error::Error;
use crate::schema::Schema;

/// The tables of the schemas at hand and their references.
#[derive(Debug, Default)]
pub(crate) struct Graph {
    tables: BTreeMap<TableId, Arc<BoundTable>>,
}

impl Graph {
    /// The tables of one schema.
    pub fn of_schema(schema: &Schema) -> Result<Self, Error> {
        let mut graph = Self::default();
        graph.add(schema)?;
        Ok(graph)
    }

    /// A table and all that refer to it, directly or through others, in any schema. With `masters`, the masters of parts among
    /// them belong too, with all that refers to those.
    pub fn below(connection: &Connection, seed: &TableId, masters: bool) -> Result<Self, Error> {
        let mut graph = Self::default();
        let mut level = vec![seed.clone()];
        while !level.is_empty() {
            let mut next = connection.lock()?.adapter_mut().referring(&level).map_err(Error::db(seed))?;
            for id in level {
                let Some(bound) = connection.bound(&id)? else { continue };
                if let Some(master) = bound.master().filter(|_| masters) {
                    next.push(TableId::new(&id.schema, master));
                }
                graph.tables.insert(id, bound);
            }
            next.retain(|id| !graph.tables.contains_key(id));
            next.sort();
            next.dedup();
            level = next;
        }
        Ok(graph)
    }

    fn add(&mut self, schema: &Schema) -> Result<(), Error> {
        for table in schema.list_tables()? {
            let id = TableId::new(schema.name(), table);
            if let Some(bound) = schema.connection().bound(&id)? {
                self.tables.insert(id, bound);
            }
        }
        Ok(())
    }

    pub fn get(&self, id: &TableId) -> Option<&Arc<BoundTable>> {
        self.tables.get(id)
    }

    /// References to `parent`: the referring table and its foreign key.
    pub fn children<'g>(
        &'g self,
        parent: &'g TableId,
    ) -> impl Iterator<Item = (&'g Arc<BoundTable>, &'g ForeignKeyDef)> {
        self.tables.values().flat_map(move |table| {
            table
                .def
                .foreign_keys
                .iter()
                .filter(move |key| key.parent == *parent)
                .map(move |key| (table, key))
        })
    }

    /// `seed` and all tables that refer to it, directly or through others.
    pub fn descendants(&self, seed: &TableId) -> BTreeSet<TableId> {
        let mut found = BTreeSet::from([seed.clone()]);
        let mut open = vec![seed.clone()];
        while let Some(parent) = open.pop() {
            for (child, _) in self.children(&parent) {
                if found.insert(child.def.id.clone()) {
                    open.push(child.def.id.clone());
                }
            }
        }
        found
    }

    /// All tables, parents before children and parts directly after their masters where possible.
    pub fn into_sorted(self) -> Vec<Arc<BoundTable>> {
        let ids: BTreeSet<TableId> = self.tables.keys().cloned().collect();
        self.sorted(&ids)
    }

    /// The tables of `subset`, parents before children.
    pub fn sorted(&self, subset: &BTreeSet<TableId>) -> Vec<Arc<BoundTable>> {
        let mut sorted = Vec::with_capacity(subset.len());
        let mut met = BTreeSet::new();
        for id in subset {
            self.visit(id, subset, &mut met, &mut sorted);
        }
        sorted
    }

    fn visit(
        &self,
        id: &TableId,
        subset: &BTreeSet<TableId>,
        met: &mut BTreeSet<TableId>,
        sorted: &mut Vec<Arc<BoundTable>>,
    ) {
        // A table that refers to itself is met again while it is being visited.
        if !subset.contains(id) || !met.insert(id.clone()) {
            return;
        }
        let Some(table) = self.tables.get(id) else { return };
        for key in &table.def.foreign_keys {
            self.visit(&key.parent, subset, met, sorted);
        }
        sorted.push(Arc::clone(table));
    }
}
