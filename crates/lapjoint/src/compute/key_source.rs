//! The keys that a table is to be made for.

use lapjoint_db::{ForeignKeyDef, TableId};
use lapjoint_types::naming::Tier;

use crate::error::Error;
use crate::query::{Condition, ProjectItem, Query};
use crate::table::Table;

impl Table {
    /// The keys that the table is made for, unless the caller says otherwise: the join of the tables that its primary key refers
    /// to, by the names that the attributes have here.
    ///
    /// # Errors
    /// [`Error::Usage`] when the primary key refers to no table.
    pub fn key_source(&self) -> Result<Query, Error> {
        let def = &self.bound().def;
        let is_primary =
            |key: &&ForeignKeyDef| key.columns.iter().all(|column| def.primary_key.contains(column));
        let mut sources: Vec<Query> = Vec::new();
        for key in def.foreign_keys.iter().filter(is_primary).filter(|key| key.parent != def.id) {
            sources.push(self.parent_keys(&key.parent, key)?);
        }
        sources.into_iter().reduce(|joined, next| joined.join(next)).ok_or_else(|| {
            Error::usage("A table must have dependencies from its primary key for auto-populate to work")
        })
    }

    /// Keys of a parent under this table's names.
    fn parent_keys(&self, parent: &TableId, key: &ForeignKeyDef) -> Result<Query, Error> {
        let connection = self.schema().connection();
        let bound = connection.bound(parent)?.ok_or_else(|| Error::UnknownTable {
            table: parent.table.clone(),
            schema: parent.schema.clone(),
            nearest: None,
        })?;
        let renames = key.columns.iter().zip(&key.parent_columns).filter(|(new, old)| new != old);
        let items = renames.map(|(new, old)| ProjectItem::Rename { new: new.clone(), old: old.clone() });
        Ok(Query::of_table(connection.clone(), bound).proj(items.collect::<Vec<_>>()))
    }

    /// Of the keys of `source`, by default the [key source](Self::key_source), those for which the conditions hold and that the
    /// table has no row for yet.
    ///
    /// # Errors
    /// [`Error::Usage`] when the table cannot be made for these keys.
    pub fn keys_to_do(&self, source: &Query, restrictions: &[Condition]) -> Result<Query, Error> {
        let wanted = self.wanted_keys(source, restrictions)?;
        // What of a key is in no primary key here is looked up among the other attributes.
        let names = source.heading()?.primary_key();
        let done = Condition::from(self.query().proj(names.into_iter().map(ProjectItem::Keep)));
        Ok(wanted.restrict_by_name_alone(done.negate()))
    }

    /// The keys of `source` for which the conditions hold, done or not.
    ///
    /// # Errors
    /// As for [`keys_to_do`](Self::keys_to_do).
    pub fn wanted_keys(&self, source: &Query, restrictions: &[Condition]) -> Result<Query, Error> {
        self.check_populated()?;
        let own = self.heading().names();
        for name in source.heading()?.primary_key() {
            if !own.contains(&name) {
                return Err(Error::usage(format!(
                    "The populate target lacks attribute {name} from the primary key of key_source"
                )));
            }
        }
        let restricted = restrictions.iter().fold(source.clone(), |query, one| query.restrict(one.clone()));
        Ok(restricted.proj(Vec::<ProjectItem>::new()))
    }

    /// Refuses tables that people fill.
    pub(crate) fn check_populated(&self) -> Result<(), Error> {
        if matches!(self.tier(), Tier::Imported | Tier::Computed) {
            return Ok(());
        }
        Err(Error::usage(format!(
            "{} is not populated: only imported and computed tables are, it is a {} table",
            self.id(),
            self.tier()
        )))
    }
}
