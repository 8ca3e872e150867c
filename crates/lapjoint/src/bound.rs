//! Tables as the engine holds them: the database's definition with its types bound.

use lapjoint_codec::Registry;
use lapjoint_db::{ForeignKeyDef, TableDef};
use lapjoint_types::naming::{self, Tier};

use crate::heading::Heading;
use crate::lineage::Lineages;
use crate::names;

/// A table's definition and heading, bound once and shared.
#[derive(Debug)]
pub(crate) struct BoundTable {
    /// What the database says.
    pub def: TableDef,
    /// Attributes with their codecs.
    pub heading: Heading,
    /// Tier, by the table's name.
    pub tier: Tier,
}

impl BoundTable {
    pub fn new(mut def: TableDef, registry: &Registry, lineages: &Lineages) -> Self {
        let recorded = lineages.as_ref().map(|known| known.get(&def.id.table));
        let heading = Heading::from_table(&def, registry).with_lineage(recorded);
        // What a codec stores is what the end of its chain says, whatever the database calls the column: MariaDB has `longtext`
        // for json.
        for (column, attribute) in def.columns.iter_mut().zip(heading.all()) {
            column.ty.clone_from(&attribute.column);
        }
        // A table that other tools made under a name of no tier is filled by hand.
        let tier = naming::tier_of(&def.id.table).unwrap_or(Tier::Manual);
        Self { def, heading, tier }
    }

    /// Class name: `Session`, or `Master.Part`.
    pub fn class_name(&self) -> String {
        names::class_name(&self.def.id.table)
    }

    /// Table name of a part's master.
    pub fn master(&self) -> Option<String> {
        naming::split_part(&self.def.id.table).map(|(master, _)| master.to_owned())
    }

    /// References of the table to itself.
    pub fn self_references(&self) -> Vec<&ForeignKeyDef> {
        self.def.foreign_keys.iter().filter(|key| key.parent == self.def.id).collect()
    }
}
