//! Tables that a table refers to, and those that refer to it.

use lapjoint_db::TableId;
use lapjoint_types::naming::split_part;

use crate::error::Error;
use crate::graph::{Dependencies, Dependency};
use crate::table::Table;

impl Table {
    /// References of the table to others, in the order of its definition.
    ///
    /// ```
    /// # use lapjoint::Connection;
    /// # let connection = Connection::in_memory()?;
    /// # let lab = connection.schema("lab")?;
    /// let animal = lab.manual("Animal", "animal : int32")?;
    /// let pair = lab.manual("Pair", "-> Animal\n-> Animal.proj(other='animal')")?;
    /// let [own, other] = &pair.parents()[..] else { panic!() };
    /// assert_eq!((own.aliased, other.aliased), (false, true));
    /// assert_eq!(other.attributes, [("other".to_owned(), "animal".to_owned())]);
    /// assert_eq!(animal.children()?.len(), 2);
    /// assert_eq!(pair.ancestors()?, [pair.id(), animal.id()].map(Clone::clone));
    /// # Ok::<(), lapjoint::Error>(())
    /// ```
    #[must_use]
    pub fn parents(&self) -> Vec<Dependency> {
        self.bound().def.foreign_keys.iter().map(|key| Dependency::new(self.bound(), key)).collect()
    }

    /// References of other tables, of any schema, to this one.
    ///
    /// # Errors
    /// [`Error`] when the database cannot be read.
    pub fn children(&self) -> Result<Vec<Dependency>, Error> {
        let connection = self.schema().connection();
        let found = connection.lock()?.adapter_mut().referring(std::slice::from_ref(self.id()))?;
        let mut children = Dependencies::default();
        for id in found.iter().filter(|id| !id.table.starts_with('~')) {
            children.add(connection, id)?;
        }
        Ok(children.children(self.id()))
    }

    /// The table and all that it refers to, directly or through others: what refers before what is referred to.
    ///
    /// # Errors
    /// [`Error`] when the database cannot be read.
    pub fn ancestors(&self) -> Result<Vec<TableId>, Error> {
        Dependencies::above(self.schema().connection(), self.id())?.ancestors(self.id())
    }

    /// The table and all that refer to it, directly or through others, of any schema: what is referred to before what refers.
    ///
    /// # Errors
    /// [`Error`] when the database cannot be read.
    pub fn descendants(&self) -> Result<Vec<TableId>, Error> {
        Dependencies::below(self.schema().connection(), self.id(), false)?.descendants(self.id())
    }

    /// The parts of the table, sorted by name.
    ///
    /// # Errors
    /// [`Error`] when the database cannot be read.
    pub fn parts(&self) -> Result<Vec<TableId>, Error> {
        let schema = self.schema();
        let is_part = |table: &String| split_part(table).is_some_and(|(master, _)| master == self.id().table);
        Ok(schema
            .list_tables()?
            .into_iter()
            .filter(is_part)
            .map(|table| TableId::new(schema.name(), table))
            .collect())
    }
}
