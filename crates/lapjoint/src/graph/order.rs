//! Topological order, with parts directly after their masters.

use std::collections::{BTreeMap, BTreeSet};

use lapjoint_db::TableId;
use lapjoint_types::naming::split_part;

use crate::error::Error;

/// Sorts tables so that each follows those it refers to, and parts follow their masters directly where that is possible. An edge is
/// a table and one that refers to it; edges to and from other tables, and of a table to itself, count for nothing.
///
/// ```
/// # use lapjoint::{TableId, topological_order};
/// let [a, m, part, z] = ["a", "m", "m__part", "z"].map(|table| TableId::new("lab", table));
/// let edges = [(&a, &m), (&a, &z), (&m, &part), (&z, &part)].map(|(from, to)| (from.clone(), to.clone()));
/// let nodes = [&a, &m, &part, &z].map(Clone::clone);
/// // `z` comes before `m`, so that the part can follow its master.
/// assert_eq!(topological_order(&nodes, &edges)?, [a, z, m, part]);
/// # Ok::<(), lapjoint::Error>(())
/// ```
///
/// # Errors
/// [`Error::Usage`] when tables refer to one another in a circle.
pub fn topological_order(nodes: &[TableId], edges: &[(TableId, TableId)]) -> Result<Vec<TableId>, Error> {
    let place: BTreeMap<&TableId, usize> = nodes.iter().enumerate().map(|(at, id)| (id, at)).collect();
    let master: Vec<Option<usize>> = nodes
        .iter()
        .map(|id| {
            split_part(&id.table)
                .and_then(|(master, _)| place.get(&TableId::new(&id.schema, master)).copied())
        })
        .collect();
    let mut after: Vec<BTreeSet<usize>> = vec![BTreeSet::new(); nodes.len()];
    for (from, to) in edges {
        if let (Some(&from), Some(&to)) = (place.get(from), place.get(to))
            && from != to
            && let Some(after) = after.get_mut(from)
        {
            after.insert(to);
        }
    }
    hold_masters_back(&master, &mut after);
    let mut waits = vec![0usize; nodes.len()];
    for &to in after.iter().flatten() {
        if let Some(waits) = waits.get_mut(to) {
            *waits += 1;
        }
    }
    let group = |at: usize| master.get(at).copied().flatten().unwrap_or(at);
    let mut ready: BTreeSet<usize> =
        waits.iter().enumerate().filter(|(_, waits)| **waits == 0).map(|(at, _)| at).collect();
    let mut order = Vec::with_capacity(nodes.len());
    let mut last_group = None;
    while let Some(first) = ready.first().copied() {
        // A part of the master at hand comes before all else.
        let at = ready
            .iter()
            .copied()
            .find(|&at| master.get(at).copied().flatten().is_some() && Some(group(at)) == last_group)
            .unwrap_or(first);
        ready.remove(&at);
        last_group = Some(group(at));
        order.extend(nodes.get(at).cloned());
        for &to in after.get(at).into_iter().flatten() {
            if let Some(waits) = waits.get_mut(to) {
                *waits -= 1;
                if *waits == 0 {
                    ready.insert(to);
                }
            }
        }
    }
    if order.len() < nodes.len() {
        return Err(Error::usage("DataJoint can only work with acyclic dependencies"));
    }
    Ok(order)
}

/// Lets a master wait for what its parts refer to, unless that waits for the master.
fn hold_masters_back(master: &[Option<usize>], after: &mut [BTreeSet<usize>]) {
    let wanted: Vec<(usize, usize)> = after
        .iter()
        .enumerate()
        .flat_map(|(from, after)| after.iter().map(move |&to| (from, to)))
        .filter_map(|(from, to)| {
            let own = master.get(to).copied().flatten()?;
            let is_inner = from == own || master.get(from).copied().flatten() == Some(own);
            (!is_inner).then_some((from, own))
        })
        .collect();
    for (from, own) in wanted {
        if !reaches(own, from, after)
            && let Some(after) = after.get_mut(from)
        {
            after.insert(own);
        }
    }
}

fn reaches(from: usize, to: usize, after: &[BTreeSet<usize>]) -> bool {
    let mut met = BTreeSet::from([from]);
    let mut open = vec![from];
    while let Some(at) = open.pop() {
        if at == to {
            return true;
        }
        open.extend(after.get(at).into_iter().flatten().copied().filter(|next| met.insert(*next)));
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    fn order(tables: &[&str], edges: &[(&str, &str)]) -> Result<Vec<String>, String> {
        let id = |table: &str| TableId::new("s", table);
        let nodes: Vec<_> = tables.iter().map(|table| id(table)).collect();
        let edges: Vec<_> = edges.iter().map(|(from, to)| (id(from), id(to))).collect();
        let sorted = topological_order(&nodes, &edges).map_err(|error| error.to_string())?;
        Ok(sorted.into_iter().map(|id| id.table).collect())
    }

    #[test]
    fn parts_follow_their_masters_even_parts_of_parts() {
        let tables = ["b", "m", "m__p", "m__q", "z"];
        let edges = [("m", "m__p"), ("m__p", "m__q"), ("z", "m__q"), ("m", "b")];
        assert_eq!(order(&tables, &edges).unwrap(), ["z", "m", "m__p", "m__q", "b"]);
    }

    #[test]
    fn a_part_waits_for_a_table_below_its_master() {
        let edges = [("m", "m__p"), ("m", "x"), ("x", "m__p"), ("m", "m__a")];
        assert_eq!(order(&["m", "m__a", "m__p", "x"], &edges).unwrap(), ["m", "m__a", "x", "m__p"]);
        // Each master's part refers to the other's master: one of them cannot follow at once.
        let edges = [("m", "m__p"), ("n", "n__p"), ("n", "m__p"), ("m", "n__p")];
        let sorted = order(&["m", "m__p", "n", "n__p"], &edges).unwrap();
        assert!(sorted.iter().position(|t| t == "n") < sorted.iter().position(|t| t == "m__p"), "{sorted:?}");
    }

    #[test]
    fn circles_are_refused_but_not_a_table_that_refers_to_itself() {
        assert_eq!(order(&["a"], &[("a", "a"), ("x", "a")]).unwrap(), ["a"]);
        let error = order(&["a", "b"], &[("a", "b"), ("b", "a")]).unwrap_err();
        assert_eq!(error, "DataJoint can only work with acyclic dependencies");
    }
}
