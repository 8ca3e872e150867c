//! Class names of tables in the database, and the tables that a class name may mean.

use lapjoint_types::naming::{self, Tier};

/// Class name of a table: `Session` of `_session`, `Session.Trial` of `_session__trial`.
pub(crate) fn class_name(table: &str) -> String {
    match naming::split_part(table) {
        Some((master, part)) => format!("{}.{}", naming::camel_case(master), naming::camel_case(part)),
        None => naming::camel_case(table),
    }
}

/// Table names that `name` may mean, most likely first: a class name of any tier, a part, or a table name itself.
pub(crate) fn candidates(name: &str) -> Vec<String> {
    let mut found = vec![name.to_owned()];
    let tiers = [Tier::Manual, Tier::Lookup, Tier::Imported, Tier::Computed];
    let (master, part) = name.split_once('.').map_or((name, None), |(master, part)| (master, Some(part)));
    for tier in tiers {
        let Ok(table) = naming::table_name(tier, master) else { continue };
        match part {
            None => found.push(table),
            Some(part) => found.extend(naming::part_table_name(&table, part)),
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_go_both_ways() {
        for table in ["session", "#session", "_session", "__spike_sort", "session__trial", "__s__p"] {
            assert!(candidates(&class_name(table)).contains(&table.to_owned()), "{table}");
        }
        assert_eq!(class_name("_session__trial"), "Session.Trial");
    }
}
