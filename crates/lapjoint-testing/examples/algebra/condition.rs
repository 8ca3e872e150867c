//! Conditions with the names of the attributes that they are about.

use proptest::sample::Index;
use serde_json::{Map, Value, json};

use crate::expression::Condition;
use crate::heading::{Attribute, Kind, chance, pick};
use crate::resolve::resolve;
use crate::tables::{Table, value};

pub(crate) fn condition(shape: &Condition, heading: &[Attribute], schema: &[Table]) -> Value {
    let all = |shapes: &[Condition]| -> Vec<Value> {
        shapes.iter().map(|shape| condition(shape, heading, schema)).collect()
    };
    match shape {
        Condition::Sql(chances) => json!({ "sql": sql(chances, heading) }),
        Condition::Equal(terms) => json!({ "equal": equal(terms, heading) }),
        Condition::Matches(shape) => json!({ "matches": resolve(shape, schema).json }),
        Condition::All(shapes) => json!({ "all": all(shapes) }),
        Condition::Any(shapes) => json!({ "any": all(shapes) }),
        Condition::Not(shape) => json!({ "not": condition(shape, heading, schema) }),
        Condition::Constant(value) => json!({ "constant": value }),
    }
}

/// A condition that all databases understand.
fn sql([which, form, other]: &[Index; 3], heading: &[Attribute]) -> String {
    if chance(other, 3) {
        return "nowhere > 1".to_owned();
    }
    let Some(attribute) = pick(which, heading) else { return "1 = 1".to_owned() };
    let name = &attribute.name;
    let literal = match value(attribute.kind, other) {
        Value::String(text) => format!("'{text}'"),
        Value::Object(date) => format!("'{}'", date["date"].as_str().unwrap_or_default()),
        number => number.to_string(),
    };
    let same: Vec<_> = heading.iter().filter(|a| a.kind == attribute.kind && a.name != *name).collect();
    match (form.index(7), pick(other, &same)) {
        (0, _) => format!("{name} is null"),
        (1, _) => format!("{name} is not null"),
        (2, Some(second)) => format!("{name} = {}", second.name),
        (3, _) => format!("{name} in ({literal}, {literal})"),
        (4, _) => format!("{name} > {literal} or {name} is null"),
        (5, _) if attribute.kind == Kind::Text => format!("{name} like '%a%'"),
        (5, _) => format!("{name} < {literal}"),
        _ => format!("{name} = {literal}"),
    }
}

fn equal(terms: &[[Index; 2]], heading: &[Attribute]) -> Value {
    let mut row = Map::new();
    for [which, what] in terms {
        match pick(which, heading) {
            Some(attribute) if !chance(what, 8) => {
                let null = attribute.nullable && chance(which, 20);
                let value = if null { Value::Null } else { value(attribute.kind, what) };
                row.insert(attribute.name.clone(), value);
            }
            // Attributes that are not there say nothing.
            _ => drop(row.insert("nowhere".to_owned(), json!(1))),
        }
    }
    Value::Object(row)
}
