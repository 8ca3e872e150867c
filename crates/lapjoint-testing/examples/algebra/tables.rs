//! Random tables: two to six, with keys of their own, references, and rows that keep them.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::Index;
use serde_json::{Map, Value, json};

use crate::heading::{Attribute, Heading, Kind, chance, pick};

const NAMES: [&str; 6] = ["Ant", "Bee", "Cat", "Dog", "Elk", "Fox"];
const PARTS: [&str; 6] = ["Leg", "Wing", "Paw", "Tail", "Horn", "Ear"];
const TEXTS: [&str; 5] = ["", "a", "b", "c", "ab"];
const FLOATS: [f64; 6] = [-1.5, 0.0, 0.25, 0.5, 1.5, 2.5];
const DATES: [&str; 4] = ["2024-01-01", "2024-01-02", "2024-02-01", "2025-01-01"];

/// Where chance decides about a table.
#[derive(Debug, Clone)]
pub(crate) struct Shape {
    is_part: Index,
    keys: Vec<Index>,
    references: Vec<Reference>,
    attributes: Vec<(Index, Index, Index)>,
    rows: Vec<(Index, Vec<Index>)>,
}

#[derive(Debug, Clone)]
struct Reference {
    to: Index,
    is_primary: Index,
    is_nullable: Index,
    is_renamed: Index,
}

/// A table as it is declared, with its rows.
#[derive(Debug, Clone)]
pub(crate) struct Table {
    pub(crate) name: String,
    pub(crate) heading: Heading,
    definition: String,
    rows: Vec<Map<String, Value>>,
}

impl Table {
    /// As the driver reads it.
    pub(crate) fn json(&self) -> Value {
        json!({ "name": self.name, "definition": self.definition, "rows": self.rows })
    }
}

pub(crate) fn strategy() -> impl Strategy<Value = Vec<Shape>> {
    let index = any::<Index>;
    let reference =
        (index(), index(), index(), index()).prop_map(|(to, is_primary, is_nullable, is_renamed)| {
            Reference { to, is_primary, is_nullable, is_renamed }
        });
    let table = (
        index(),
        vec(index(), 1..3),
        vec(reference, 0..3),
        vec((index(), index(), index()), 0..4),
        vec((index(), vec(index(), 12)), 2..9),
    )
        .prop_map(|(is_part, keys, references, attributes, rows)| Shape {
            is_part,
            keys,
            references,
            attributes,
            rows,
        });
    vec(table, 2..7)
}

/// The tables of a schema, each after those that it refers to.
pub(crate) fn schema(shapes: &[Shape]) -> Vec<Table> {
    let mut made: Vec<Table> = Vec::new();
    for (at, shape) in shapes.iter().enumerate() {
        let table = table(at, shape, &made);
        made.push(table);
    }
    made
}

/// A reference as it is declared: the table at `parent`, and its key's attributes under their names here.
struct Link {
    parent: usize,
    columns: Vec<(String, String)>,
    nullable: bool,
}

fn table(at: usize, shape: &Shape, made: &[Table]) -> Table {
    let masters: Vec<&Table> = made.iter().filter(|table| !table.name.contains('.')).collect();
    let master = pick(&shape.is_part, &masters).filter(|_| chance(&shape.is_part, 20));
    let short = NAMES[at].to_lowercase();
    let name = master.map_or_else(|| NAMES[at].to_owned(), |master| format!("{}.{}", master.name, PARTS[at]));
    let mut heading = Heading::new();
    let mut links = Vec::new();
    let mut parts = [Vec::new(), Vec::new()];
    let mut before = made.len();
    if let Some(parent) = master.and_then(|master| made.iter().position(|table| table.name == master.name)) {
        before = parent;
        parts[0].push("-> master".to_owned());
        links.push(link(&mut heading, made, parent, None, true, false));
    }
    for (number, reference) in shape.references.iter().enumerate() {
        // Parts are declared with their master, and other parts are named by theirs, which a definition may not reach.
        let free: Vec<usize> = (0..before).filter(|&at| !made[at].name.contains('.')).collect();
        let Some(&parent) = pick(&reference.to, &free) else { continue };
        let is_primary = chance(&reference.is_primary, 55);
        let nullable = !is_primary && chance(&reference.is_nullable, 50);
        // One table is referred to a second time under other names.
        let known = links.iter().any(|link: &Link| link.parent == parent);
        let prefix = (known || chance(&reference.is_renamed, 30)).then(|| format!("{short}{number}_"));
        let target = &made[parent];
        let text = match &prefix {
            None => target.name.clone(),
            Some(prefix) => {
                let keys = target.heading.iter().filter(|attribute| attribute.in_key);
                let renames: Vec<String> =
                    keys.map(|key| format!("{prefix}{}='{}'", key.name, key.name)).collect();
                format!("{}.proj({})", target.name, renames.join(", "))
            }
        };
        let option = if nullable { "[nullable] " } else { "" };
        parts[usize::from(!is_primary)].push(format!("-> {option}{text}"));
        links.push(link(&mut heading, made, parent, prefix.as_deref(), is_primary, nullable));
    }
    let needs_key = !heading.iter().any(|attribute| attribute.in_key);
    for (number, index) in
        shape.keys.iter().enumerate().skip(usize::from(!needs_key && chance(&shape.is_part, 40)))
    {
        let kind = if chance(index, 75) { Kind::Int } else { Kind::Text };
        let key = format!("{short}_id{number}");
        parts[0].push(format!("{key} : {}", type_name(kind)));
        let origin = Some(format!("{name}.{key}"));
        heading.push(Attribute { name: key, kind, in_key: true, nullable: false, origin });
    }
    for (number, (kind, nullable, named)) in shape.attributes.iter().enumerate() {
        let kind = *pick(kind, &[Kind::Int, Kind::Text, Kind::Float, Kind::Date]).unwrap_or(&Kind::Int);
        let nullable = chance(nullable, 40);
        // Some names are those of other tables' attributes, which have another meaning there.
        let name = if chance(named, 15) { format!("v{number}") } else { format!("{short}_v{number}") };
        let default = if nullable { " = null" } else { "" };
        parts[1].push(format!("{name}{default} : {}", type_name(kind)));
        heading.push(Attribute { name, kind, in_key: false, nullable, origin: None });
    }
    // What the key declares comes first, whatever the order of the references.
    heading.sort_by_key(|attribute| !attribute.in_key);
    let definition = [&parts[0][..], &["---".to_owned()], &parts[1][..]].concat().join("\n");
    let rows = rows(shape, &heading, &links, made);
    Table { name, heading, definition, rows }
}

fn type_name(kind: Kind) -> &'static str {
    match kind {
        Kind::Int => "int32",
        Kind::Text => "varchar(20)",
        Kind::Float => "float64",
        Kind::Date => "date",
    }
}

/// Adds the attributes of a reference.
fn link(
    heading: &mut Heading,
    made: &[Table],
    parent: usize,
    prefix: Option<&str>,
    in_key: bool,
    nullable: bool,
) -> Link {
    let mut columns = Vec::new();
    for key in made[parent].heading.iter().filter(|attribute| attribute.in_key) {
        let name = format!("{}{}", prefix.unwrap_or_default(), key.name);
        columns.push((name.clone(), key.name.clone()));
        match heading.iter_mut().find(|attribute| attribute.name == name) {
            // Two parents share an ancestor: one column refers to both. Lines of the key are read first.
            Some(present) if in_key && !present.in_key => (present.in_key, present.nullable) = (true, false),
            Some(_) => {}
            None => {
                heading.push(Attribute { name, kind: key.kind, in_key, nullable, origin: key.origin.clone() })
            }
        }
    }
    Link { parent, columns, nullable }
}

/// Rows whose references are kept and whose keys differ.
fn rows(shape: &Shape, heading: &Heading, links: &[Link], made: &[Table]) -> Vec<Map<String, Value>> {
    let mut rows: Vec<Map<String, Value>> = Vec::new();
    for (first, chances) in &shape.rows {
        let mut chances = chances.iter().cycle();
        let mut row = Map::new();
        // References that may be null have what the others leave them.
        let kept =
            links.iter().filter(|link| !link.nullable).chain(links.iter().filter(|link| link.nullable));
        let found = kept.into_iter().try_for_each(|link| {
            let index = chances.next().unwrap_or(first);
            let fits: Vec<_> = made[link.parent]
                .rows
                .iter()
                .filter(|parent| {
                    link.columns
                        .iter()
                        .all(|(here, there)| row.get(here).is_none_or(|value| *value == parent[there]))
                })
                .collect();
            let chosen = pick(index, &fits).filter(|_| !link.nullable || chance(index, 60));
            for (here, there) in &link.columns {
                match chosen {
                    Some(parent) => row.insert(here.clone(), parent[there].clone()),
                    // A key's attribute has its value, and then the reference must hold.
                    None if !link.nullable => return None,
                    None if row.contains_key(here) => None,
                    None => row.insert(here.clone(), Value::Null),
                };
            }
            // A reference without a null is checked.
            let is_complete = link.columns.iter().all(|(here, _)| !row[here].is_null());
            (chosen.is_some() || !is_complete).then_some(())
        });
        if found.is_none() {
            continue;
        }
        for attribute in heading {
            let index = chances.next().unwrap_or(first);
            if !row.contains_key(&attribute.name) {
                let null = attribute.nullable && chance(index, 35);
                row.insert(
                    attribute.name.clone(),
                    if null { Value::Null } else { value(attribute.kind, index) },
                );
            }
        }
        let key = |row: &Map<String, Value>| -> Vec<Value> {
            heading.iter().filter(|a| a.in_key).map(|a| row[&a.name].clone()).collect()
        };
        if !rows.iter().any(|present| key(present) == key(&row)) {
            rows.push(row);
        }
    }
    rows
}

/// A value from a small set, so that values meet.
pub(crate) fn value(kind: Kind, index: &Index) -> Value {
    match kind {
        Kind::Int => json!(index.index(5)),
        Kind::Text => json!(pick(index, &TEXTS)),
        Kind::Float => json!(pick(index, &FLOATS)),
        Kind::Date => json!({ "date": pick(index, &DATES) }),
    }
}
