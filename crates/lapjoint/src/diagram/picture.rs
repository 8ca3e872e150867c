//! What is drawn of a diagram, whatever it is drawn with: nodes, edges, groups.

use std::collections::{BTreeMap, BTreeSet};

use lapjoint_db::TableId;
use lapjoint_types::naming::{Tier, split_part};

use crate::diagram::Diagram;
use crate::diagram::theme::Kind;
use crate::error::Error;
use crate::graph::Dependency;
use crate::names;

/// Nodes in topological order, and edges between them.
#[derive(Debug)]
pub(crate) struct Picture {
    pub nodes: Vec<Node>,
    pub edges: Vec<Edge>,
}

/// A table, or collapsed tables of a schema.
#[derive(Debug)]
pub(crate) struct Node {
    /// Unique name: that of the class, with the schema's where two classes have the same.
    pub name: String,
    /// What is written in the node.
    pub label: String,
    pub kind: Kind,
    pub schema: String,
    pub table: Option<TableId>,
    /// Place of a part's master, if that is drawn.
    pub master: Option<usize>,
    /// Whether the primary key has an attribute of the table's own.
    pub has_own_key: bool,
    /// What is said of the node when somebody points at it.
    pub note: String,
}

/// One reference, or all between collapsed tables.
#[derive(Debug)]
pub(crate) struct Edge {
    pub from: usize,
    pub to: usize,
    pub line: Line,
    /// Attributes that have other names.
    pub note: String,
}

/// How an edge is drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Line {
    /// A foreign key.
    Reference {
        /// Whether a row has at most one row that refers to it.
        one_to_one: bool,
        /// Whether the reference belongs to the primary key.
        primary: bool,
        /// Whether attributes have other names.
        renamed: bool,
    },
    /// All references between two collapsed nodes: nothing is said about them but that they are there.
    Bundle,
}

impl Edge {
    /// Width of the line.
    pub const fn width(&self) -> &'static str {
        if self.is_thick() { "2" } else { "0.75" }
    }

    pub const fn is_thick(&self) -> bool {
        matches!(self.line, Line::Bundle | Line::Reference { one_to_one: true, .. })
    }

    pub const fn is_dashed(&self) -> bool {
        matches!(self.line, Line::Reference { primary: false, .. })
    }

    pub const fn is_renamed(&self) -> bool {
        matches!(self.line, Line::Reference { renamed: true, .. })
    }

    /// One line for several references to or from a collapsed node: it says what holds for all of them.
    fn merge(&mut self, other: &Dependency) {
        if let Line::Reference { one_to_one, primary, renamed } = &mut self.line {
            *one_to_one &= !other.multi;
            *primary |= other.primary;
            *renamed &= other.aliased;
        }
        self.note.clear();
    }
}

impl Picture {
    /// Places of the schemas' nodes, schemas that are referred to first.
    pub fn schemas(&self) -> Vec<(&str, Vec<usize>)> {
        let mut waiting: Vec<(&str, Vec<usize>)> = Vec::new();
        for (at, node) in self.nodes.iter().enumerate() {
            match waiting.iter_mut().find(|(name, _)| *name == node.schema) {
                Some((_, nodes)) => nodes.push(at),
                None => waiting.push((&node.schema, vec![at])),
            }
        }
        let mut schemas = Vec::with_capacity(waiting.len());
        while !waiting.is_empty() {
            let waits = |nodes: &Vec<usize>| {
                let is_open = |at: usize| waiting.iter().any(|(_, nodes)| nodes.contains(&at));
                let mut arriving = self.edges.iter().filter(|edge| nodes.contains(&edge.to));
                arriving.any(|edge| !nodes.contains(&edge.from) && is_open(edge.from))
            };
            // Schemas may refer to one another: then the one that comes first by its tables.
            let next = waiting.iter().position(|(_, nodes)| !waits(nodes)).unwrap_or(0);
            schemas.push(waiting.remove(next));
        }
        schemas
    }

    /// Places of the parts of a node.
    pub fn parts(&self, master: usize) -> impl Iterator<Item = usize> + '_ {
        self.nodes.iter().enumerate().filter(move |(_, node)| node.master == Some(master)).map(|(at, _)| at)
    }
}

impl Diagram {
    pub(super) fn picture(&self) -> Result<Picture, Error> {
        let sorted = self.sorted()?;
        let names = self.names();
        let mut nodes: Vec<Node> = Vec::new();
        let mut place: BTreeMap<&TableId, usize> = BTreeMap::new();
        let mut collapsed: BTreeMap<&str, (usize, usize)> = BTreeMap::new();
        for id in &sorted {
            if self.expanded.contains(id) {
                place.insert(id, nodes.len());
                nodes.push(self.node(id, &names));
                continue;
            }
            let (at, count) = collapsed.entry(&id.schema).or_insert_with(|| {
                nodes.push(collapsed_node(&id.schema));
                (nodes.len() - 1, 0)
            });
            *count += 1;
            place.insert(id, *at);
        }
        for (at, count) in collapsed.values() {
            if let Some(node) = nodes.get_mut(*at) {
                node.label = format!("({count} {})", if *count == 1 { "table" } else { "tables" });
            }
        }
        for at in 0..nodes.len() {
            let master = nodes.get(at).and_then(|node| node.table.as_ref()).and_then(|id| {
                let (master, _) = split_part(&id.table)?;
                let at = *place.get(&TableId::new(&id.schema, master))?;
                nodes.get(at).filter(|node| node.table.is_some()).map(|_| at)
            });
            if let Some(node) = nodes.get_mut(at).filter(|_| master.is_some()) {
                node.master = master;
                // Beside its master a part goes by its own name.
                node.label = node.label.rsplit('.').next().unwrap_or_default().to_owned();
            }
        }
        let mut edges: Vec<Edge> = Vec::new();
        for child in &sorted {
            for reference in self.tables.parents(child) {
                let (Some(&from), Some(&to)) = (place.get(&reference.parent), place.get(child)) else {
                    continue;
                };
                if from == to && nodes.get(from).is_some_and(|node| node.table.is_none()) {
                    continue;
                }
                let ends = [from, to].map(|at| nodes.get(at).is_some_and(|node| node.table.is_none()));
                let present = edges.iter_mut().find(|edge| edge.from == from && edge.to == to);
                match present.filter(|_| ends != [false, false]) {
                    Some(edge) => edge.merge(&reference),
                    None => edges.push(Edge::new(from, to, &reference, ends == [true, true])),
                }
            }
        }
        Ok(Picture { nodes, edges })
    }

    fn node(&self, id: &TableId, names: &BTreeMap<TableId, String>) -> Node {
        let name = names.get(id).cloned().unwrap_or_default();
        let references = self.tables.parents(id);
        let inherited: BTreeSet<&String> =
            references.iter().flat_map(|edge| edge.attributes.iter().map(|(own, _)| own)).collect();
        let key = self.tables.primary_key(id).unwrap_or_default();
        Node {
            label: name.clone(),
            name,
            kind: Kind::Table(self.tables.tier(id).unwrap_or(Tier::Manual)),
            schema: id.schema.clone(),
            table: Some(id.clone()),
            master: None,
            has_own_key: key.iter().any(|name| !inherited.contains(name)),
            note: self.note(id, names, &references),
        }
    }

    /// The definition in short: references and attributes.
    fn note(&self, id: &TableId, names: &BTreeMap<TableId, String>, references: &[Dependency]) -> String {
        let Some(table) = self.tables.get(id) else { return String::new() };
        let mut lines = [Vec::new(), Vec::new()];
        for reference in references {
            let parent = names.get(&reference.parent).cloned();
            let parent = parent.unwrap_or_else(|| names::class_name(&reference.parent.table));
            let renamed: Vec<String> =
                renames(reference).map(|(own, other)| format!("{own}={other}")).collect();
            let renamed =
                if renamed.is_empty() { String::new() } else { format!(".proj({})", renamed.join(", ")) };
            let side = usize::from(!reference.primary);
            lines[side].push(format!("-> {parent}{renamed}"));
        }
        let inherited: BTreeSet<&String> =
            references.iter().flat_map(|edge| edge.attributes.iter().map(|(own, _)| own)).collect();
        for attribute in table.heading.all().iter().filter(|a| !a.name.starts_with('_')) {
            if !inherited.contains(&attribute.name) {
                let side = usize::from(!attribute.in_key);
                lines[side].push(format!("{} : {}", attribute.name, attribute.declared));
            }
        }
        let [key, rest] = lines;
        if rest.is_empty() { key.join("\n") } else { format!("{}\n---\n{}", key.join("\n"), rest.join("\n")) }
    }

    /// Names of the tables, each once: where classes of two schemas have one name, the schema's belongs to it.
    fn names(&self) -> BTreeMap<TableId, String> {
        let plain =
            |id: &TableId| self.labels.get(id).cloned().unwrap_or_else(|| names::class_name(&id.table));
        let mut uses: BTreeMap<String, usize> = BTreeMap::new();
        for id in self.tables.tables() {
            *uses.entry(plain(id)).or_default() += 1;
        }
        let name = |id: &TableId| {
            let plain = plain(id);
            if uses.get(&plain) > Some(&1) { format!("{}.{plain}", id.schema) } else { plain }
        };
        self.tables.tables().map(|id| (id.clone(), name(id))).collect()
    }
}

impl Edge {
    fn new(from: usize, to: usize, reference: &Dependency, is_bundle: bool) -> Self {
        let line = if is_bundle {
            Line::Bundle
        } else {
            Line::Reference {
                one_to_one: !reference.multi,
                primary: reference.primary,
                renamed: reference.aliased,
            }
        };
        let note =
            renames(reference).map(|(own, other)| format!("{own} ← {other}")).collect::<Vec<_>>().join("\n");
        Self { from, to, line, note }
    }
}

/// Attributes that have another name in the table that refers.
fn renames(reference: &Dependency) -> impl Iterator<Item = &(String, String)> {
    reference.attributes.iter().filter(|(own, other)| own != other)
}

fn collapsed_node(schema: &str) -> Node {
    Node {
        name: schema.to_owned(),
        label: String::new(),
        kind: Kind::Collapsed,
        schema: schema.to_owned(),
        table: None,
        master: None,
        has_own_key: false,
        note: String::new(),
    }
}
