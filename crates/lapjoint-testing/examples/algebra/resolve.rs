//! Expressions with the names that they are about.

use proptest::sample::Index;
use serde_json::{Map, Value, json};

use crate::condition::condition;
use crate::expression::{Item, Shape};
use crate::heading::{Attribute, Heading, Kind, chance, find, names, pick};
use crate::tables::Table;

/// An expression as the driver reads it, and what the generator thinks of its heading.
#[derive(Debug, Clone)]
pub(crate) struct Made {
    pub(crate) json: Value,
    pub(crate) heading: Heading,
}

pub(crate) fn resolve(shape: &Shape, schema: &[Table]) -> Made {
    match shape {
        Shape::Table(index) => match pick(index, schema) {
            Some(table) => Made { json: json!({ "table": table.name }), heading: table.heading.clone() },
            None => Made { json: Value::Null, heading: Heading::new() },
        },
        Shape::Restrict(of, by) | Shape::Exclude(of, by) => {
            let op = if matches!(shape, Shape::Restrict(..)) { "restrict" } else { "exclude" };
            let of = resolve(of, schema);
            let by = condition(by, &of.heading, schema);
            Made { json: json!({ "op": op, "input": of.json, "condition": by }), heading: of.heading }
        }
        Shape::Project(of, items) => project(resolve(of, schema), items),
        Shape::Join(left, right, fit) => {
            let left = resolve(left, schema);
            let right = fitting(&left, resolve(right, schema), Some(fit));
            join("join", left, right)
        }
        Shape::Extend(left, right, fit) => extend(resolve(left, schema), resolve(right, schema), fit, schema),
        Shape::Aggregate(of, group, items, chances) => {
            aggregate(resolve(of, schema), resolve(group, schema), items, chances)
        }
        Shape::Union(left, right, by, [same, ..]) if chance(same, 12) => {
            let [left, right] = [left, right].map(|shape| resolve(shape, schema));
            let left = restricted(left, &by[0], schema);
            Made {
                json: json!({ "op": "union", "left": left.json, "right": right.json }),
                heading: left.heading,
            }
        }
        Shape::Union(left, _, by, [_, first, second]) => {
            let of = resolve(left, schema);
            let all = names(&of.heading, false);
            let keep = |index: &Index| pick(index, &all).cloned().filter(|_| chance(index, 40));
            let [left, right] = [(0, first), (1, second)].map(|(at, index)| {
                kept(restricted(of.clone(), &by[at], schema), keep(index).into_iter().collect())
            });
            let mut heading = left.heading;
            heading.extend(right.heading.into_iter().filter(|attribute| !attribute.in_key));
            heading.iter_mut().filter(|a| !a.in_key).for_each(|a| a.nullable = true);
            Made { json: json!({ "op": "union", "left": left.json, "right": right.json }), heading }
        }
        Shape::Universal(chosen, of) => universal(chosen, resolve(of, schema)),
        Shape::UniversalAggregate(chosen, of, items) => {
            let of = resolve(of, schema);
            let keys = chosen_names(chosen, &of.heading);
            let (named, heading) = aggregates(items, &of.heading, &keys);
            let json =
                json!({ "op": "universal_aggr", "attributes": keys, "group": of.json, "named": named });
            Made { json, heading }
        }
        Shape::Top(of, order, limit, offset) => top(resolve(of, schema), order, *limit, *offset),
    }
}

fn restricted(of: Made, by: &crate::expression::Condition, schema: &[Table]) -> Made {
    let by = condition(by, &of.heading, schema);
    Made { json: json!({ "op": "restrict", "input": of.json, "condition": by }), heading: of.heading }
}

/// The key and some other attributes.
fn kept(of: Made, keep: Vec<String>) -> Made {
    let json = json!({ "op": "proj", "input": of.json, "keep": keep, "named": {} });
    let heading = of.heading.into_iter().filter(|a| a.in_key || keep.contains(&a.name)).collect();
    Made { json, heading }
}

fn project(of: Made, items: &[Item]) -> Made {
    let mut heading: Heading = of.heading.iter().filter(|attribute| attribute.in_key).cloned().collect();
    let (mut keep, mut named) = (Vec::new(), Map::new());
    if items.first().is_some_and(|item| chance(&item[0], 35)) {
        keep.push("...".to_owned());
        heading.clone_from(&of.heading);
    }
    for (number, [what, which, second, form]) in items.iter().enumerate() {
        let Some(attribute) = pick(which, &of.heading) else { continue };
        let new = if chance(second, 4) { attribute.name.clone() } else { format!("n{number}") };
        match what.index(12) {
            0..=2 => {
                keep.push(attribute.name.clone());
                if find(&heading, &attribute.name).is_none() {
                    heading.push(attribute.clone());
                }
            }
            3 => {
                keep.push(format!("-{}", attribute.name));
                heading.retain(|present| present.name != attribute.name || present.in_key);
            }
            4..=6 => {
                heading.retain(|present| present.name != attribute.name);
                heading.push(Attribute { name: new.clone(), ..attribute.clone() });
                named.insert(new, json!(attribute.name));
            }
            7 | 8 => {
                heading.push(Attribute { name: new.clone(), in_key: false, ..attribute.clone() });
                named.insert(new, json!(format!("({})", attribute.name)));
            }
            _ => {
                let (sql, kind) = computed(attribute, form);
                heading.push(Attribute {
                    name: new.clone(),
                    kind,
                    in_key: false,
                    nullable: true,
                    origin: None,
                });
                named.insert(new, json!(sql));
            }
        }
    }
    heading.sort_by_key(|attribute| !attribute.in_key);
    Made { json: json!({ "op": "proj", "input": of.json, "keep": keep, "named": named }), heading }
}

fn computed(attribute: &Attribute, form: &Index) -> (String, Kind) {
    let name = &attribute.name;
    match (attribute.kind, form.index(3)) {
        (Kind::Int, 0) => (format!("{name} + 1"), Kind::Int),
        (Kind::Int, 1) => (format!("{name} * {name}"), Kind::Int),
        (Kind::Float, 0 | 1) => (format!("{name} * 2"), Kind::Float),
        (Kind::Text, 0 | 1) => (format!("length({name})"), Kind::Int),
        // A database without types knows no computed date.
        (_, 0) | (Kind::Date, _) => (format!("case when {name} is null then 1 else 0 end"), Kind::Int),
        _ => (format!("coalesce({name}, {name})"), attribute.kind),
    }
}

/// The right operand without what would clash with the left one: always, or mostly where a chance is given.
fn fitting(left: &Made, right: Made, fit: Option<&Index>) -> Made {
    let clashes = |attribute: &Attribute| {
        find(&left.heading, &attribute.name)
            .is_some_and(|other| other.origin.is_none() || other.origin != attribute.origin)
    };
    if fit.is_some_and(|fit| chance(fit, 15)) || !right.heading.iter().any(clashes) {
        return right;
    }
    let (mut keep, mut named) = (Vec::new(), Map::new());
    let mut heading = Heading::new();
    for (number, attribute) in right.heading.into_iter().enumerate() {
        let mut attribute = attribute;
        if clashes(&attribute) {
            let new = format!("r{number}");
            named.insert(new.clone(), json!(attribute.name));
            attribute.name = new;
        } else if !attribute.in_key {
            keep.push(attribute.name.clone());
        }
        heading.push(attribute);
    }
    Made { json: json!({ "op": "proj", "input": right.json, "keep": keep, "named": named }), heading }
}

fn determines(left: &[Attribute], right: &[Attribute]) -> bool {
    names(right, true).iter().all(|name| find(left, name).is_some())
}

fn join(op: &str, left: Made, right: Made) -> Made {
    let (first, second) =
        (determines(&left.heading, &right.heading), determines(&right.heading, &left.heading));
    let in_left = names(&left.heading, true);
    let in_right = names(&right.heading, true);
    let mut heading = left.heading;
    let added: Vec<_> = right.heading.into_iter().filter(|a| find(&heading, &a.name).is_none()).collect();
    heading.extend(added);
    for attribute in &mut heading {
        let (l, r) = (in_left.contains(&attribute.name), in_right.contains(&attribute.name));
        attribute.in_key = if first {
            l
        } else if second {
            r
        } else {
            l || r
        };
        attribute.nullable |= op == "extend" && !l;
    }
    heading.sort_by_key(|attribute| !attribute.in_key);
    Made { json: json!({ "op": op, "left": left.json, "right": right.json }), heading }
}

/// Extension by a table that the left one determines, mostly.
fn extend(left: Made, right: Made, fit: &Index, schema: &[Table]) -> Made {
    let fits: Vec<_> = schema
        .iter()
        .filter(|table| {
            table
                .heading
                .iter()
                .filter(|a| a.in_key)
                .all(|key| find(&left.heading, &key.name).is_some_and(|a| a.origin == key.origin))
        })
        .collect();
    let right = match pick(fit, &fits) {
        Some(table) if !chance(fit, 20) => {
            Made { json: json!({ "table": table.name }), heading: table.heading.clone() }
        }
        _ => right,
    };
    let right = fitting(&left, right, Some(fit));
    join("extend", left, right)
}

fn aggregate(of: Made, group: Made, items: &[Item], [fit, keeps]: &[Index; 2]) -> Made {
    // A group has the key of what it is grouped by: by itself, or after a join with the key.
    let group = if determines(&group.heading, &of.heading) || chance(fit, 12) {
        group
    } else {
        let keys = kept(of.clone(), Vec::new());
        let group = fitting(&keys, group, None);
        join("join", keys, group)
    };
    let group = fitting(&kept(of.clone(), names(&of.heading, false)), group, None);
    let keys = names(&of.heading, true);
    let (named, heading) = aggregates(items, &group.heading, &[]);
    let mut all: Heading = of.heading.iter().filter(|a| a.in_key).cloned().collect();
    all.extend(heading);
    let keep: Vec<String> = match pick(keeps, &names(&of.heading, false)) {
        Some(name) if chance(keeps, 5) && !keys.contains(name) => vec![name.clone()],
        _ => Vec::new(),
    };
    let json = json!({
        "op": "aggr", "input": of.json, "group": group.json, "keep": keep, "named": named,
        "exclude_nonmatching": keeps.index(2) == 1,
    });
    Made { json, heading: all }
}

/// Aggregates of a group by name, and the heading that they make after the given keys.
fn aggregates(items: &[Item], group: &[Attribute], keys: &[String]) -> (Map<String, Value>, Heading) {
    let mut heading: Heading = group
        .iter()
        .filter(|attribute| keys.contains(&attribute.name))
        .map(|attribute| Attribute { in_key: true, ..attribute.clone() })
        .collect();
    let mut named = Map::new();
    for (number, [what, which, ..]) in items.iter().enumerate() {
        let new = format!("g{number}");
        let attribute = pick(which, group);
        let (sql, kind) = match (what.index(6), attribute) {
            (1, Some(a)) => (format!("count({})", a.name), Kind::Int),
            (2, Some(a)) => (format!("max({})", a.name), a.kind),
            (3, Some(a)) => (format!("min({})", a.name), a.kind),
            (4, Some(a)) if matches!(a.kind, Kind::Int | Kind::Float) => (format!("sum({})", a.name), a.kind),
            (5, Some(a)) if a.kind == Kind::Float => (format!("avg({})", a.name), Kind::Float),
            _ => ("count(*)".to_owned(), Kind::Int),
        };
        named.insert(new.clone(), json!(sql));
        heading.push(Attribute { name: new, kind, in_key: false, nullable: true, origin: None });
    }
    (named, heading)
}

fn chosen_names(chosen: &[Index], heading: &[Attribute]) -> Vec<String> {
    let mut keys: Vec<String> =
        chosen.iter().filter_map(|index| pick(index, heading)).map(|a| a.name.clone()).collect();
    keys.dedup();
    keys
}

fn universal(chosen: &[Index], of: Made) -> Made {
    let keys = chosen_names(chosen, &of.heading);
    let mut heading = of.heading;
    heading.retain(|attribute| keys.contains(&attribute.name));
    heading.iter_mut().for_each(|attribute| attribute.in_key = true);
    Made { json: json!({ "op": "universal", "attributes": keys, "input": of.json }), heading }
}

fn top(of: Made, order: &[Index], limit: Option<u64>, offset: u64) -> Made {
    // Databases do not agree on where nulls stand.
    let free: Vec<_> = of.heading.iter().filter(|attribute| !attribute.nullable).collect();
    let mut terms: Vec<String> = Vec::new();
    for index in order {
        let Some(attribute) = pick(index, &free) else { continue };
        let direction = ["", " DESC", " asc"][index.index(3)];
        if !terms.iter().any(|term| term.starts_with(&attribute.name)) {
            terms.push(format!("{}{direction}", attribute.name));
        }
    }
    // Only a full order says which rows a limit leaves.
    let key: Vec<_> = of.heading.iter().filter(|attribute| attribute.in_key).collect();
    let is_full = !key.iter().any(|attribute| attribute.nullable);
    if is_full && !key.is_empty() {
        terms.push(if order.len() == 2 { "KEY DESC" } else { "KEY" }.to_owned());
    }
    let (limit, offset) = if is_full { (limit, offset) } else { (None, 0) };
    let json = json!({ "op": "top", "input": of.json, "limit": limit, "order": terms, "offset": offset });
    Made { json, heading: of.heading }
}
