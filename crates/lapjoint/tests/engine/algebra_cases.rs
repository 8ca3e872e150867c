//! The frozen cases of the query algebra (`conformance/algebra/cases`), which pytest reads as well.

use std::collections::HashMap;
use std::fs;
use std::path::Path;

use lapjoint::{Condition, Connection, ProjectItem, Query, Row, Table, Value};
use serde_json::Value as Json;

/// Every case, on SQLite and on the servers that are there.
#[test]
fn frozen_cases_give_what_they_gave() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../conformance/algebra/cases");
    let mut files: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    let mut number = 0;
    for file in &files {
        let schemas: Vec<Json> = serde_json::from_str(&fs::read_to_string(file).unwrap()).unwrap();
        for (at, case) in schemas.iter().enumerate() {
            let connection = Connection::in_memory().unwrap();
            number += check(&connection, "lab", case);
            for variable in ["LAPJOINT_TEST_POSTGRES", "LAPJOINT_TEST_MYSQL"] {
                if let Ok(url) = std::env::var(variable) {
                    let connection = Connection::open_url(url).unwrap();
                    let stem = file.file_stem().unwrap().to_string_lossy();
                    let name = format!("algebra_{stem}_{at}_{}", std::process::id());
                    number += check(&connection, &name, case);
                    connection.schema(&name).unwrap().drop_schema().unwrap();
                }
            }
        }
    }
    assert!(number >= 100, "{number} expressions were evaluated");
}

/// Declares the tables of a case and evaluates its expressions; their number.
fn check(connection: &Connection, schema: &str, case: &Json) -> usize {
    let tables = declare(connection, schema, case);
    let expressions = case["expressions"].as_array().unwrap();
    for expression in expressions {
        let product = connection.product().unwrap();
        let python = expression["python"].as_str().unwrap();
        let expected = &expression["expected"];
        let found =
            evaluate(&query(&expression["expression"], &tables), is_ordered(&expression["expression"]));
        match found {
            Err(error) => assert_eq!(*expected, "refused", "{product}: {python}: {error}"),
            Ok(found) => assert_eq!(found, *expected, "{product}: {python}"),
        }
    }
    expressions.len()
}

fn declare(connection: &Connection, schema: &str, case: &Json) -> HashMap<String, Table> {
    let schema = connection.schema(schema).unwrap();
    let mut tables: HashMap<String, Table> = HashMap::new();
    let mut made = case["tables"].as_array().unwrap().clone();
    made.sort_by_key(|table| table["name"].as_str().unwrap().contains('.'));
    for table in &made {
        let (name, definition) = (table["name"].as_str().unwrap(), table["definition"].as_str().unwrap());
        let declared = match name.split_once('.') {
            Some((master, part)) => schema.part(&tables[master], part, definition),
            None => schema.manual(name, definition),
        };
        tables.insert(name.to_owned(), declared.unwrap());
    }
    for table in case["tables"].as_array().unwrap() {
        let rows: Vec<Row> = table["rows"].as_array().unwrap().iter().map(row).collect();
        tables[table["name"].as_str().unwrap()].insert(rows).unwrap();
    }
    tables
}

/// A value; dates are `{"date": text}`.
fn value(json: &Json) -> Value {
    match json {
        Json::Null => Value::Null,
        Json::Bool(truth) => Value::from(*truth),
        Json::Number(number) => {
            number.as_i64().map_or_else(|| Value::from(number.as_f64().unwrap()), Value::from)
        }
        Json::String(text) => Value::from(text.as_str()),
        other => Value::from(other["date"].as_str().unwrap()),
    }
}

fn row(json: &Json) -> Row {
    json.as_object()
        .unwrap()
        .iter()
        .fold(Row::new(), |row, (name, cell)| row.with(name.as_str(), value(cell)))
}

fn texts(json: &Json) -> Vec<String> {
    json.as_array().unwrap().iter().map(|text| text.as_str().unwrap().to_owned()).collect()
}

fn items(json: &Json) -> Vec<ProjectItem> {
    let kept = json.get("keep").map(texts).unwrap_or_default();
    let named = json["named"].as_object().unwrap();
    let named =
        named.iter().map(|(name, source)| ProjectItem::from((name.as_str(), source.as_str().unwrap())));
    kept.iter().map(|name| ProjectItem::from(name.as_str())).chain(named).collect()
}

fn condition(json: &Json, tables: &HashMap<String, Table>) -> Condition {
    let (kind, content) = json.as_object().unwrap().iter().next().unwrap();
    let all = || content.as_array().unwrap().iter().map(|part| condition(part, tables)).collect();
    match kind.as_str() {
        "sql" => Condition::from(content.as_str().unwrap()),
        "equal" => Condition::Equal(row(content)),
        "matches" => Condition::from(query(content, tables)),
        "all" => Condition::All(all()),
        "any" => Condition::Any(all()),
        "not" => !condition(content, tables),
        "constant" => Condition::Constant(content.as_bool().unwrap()),
        other => unreachable!("{other}"),
    }
}

fn query(json: &Json, tables: &HashMap<String, Table>) -> Query {
    if let Some(name) = json.get("table") {
        return tables[name.as_str().unwrap()].query();
    }
    let part = |name: &str| query(&json[name], tables);
    match json["op"].as_str().unwrap() {
        "restrict" => part("input").restrict(condition(&json["condition"], tables)),
        "exclude" => part("input").exclude(condition(&json["condition"], tables)),
        "proj" => part("input").proj(items(json)),
        "join" => part("left").join(part("right")),
        "extend" => part("left").extend(part("right")),
        "union" => part("left").union(part("right")),
        "aggr" if json["exclude_nonmatching"] == true => {
            part("input").aggr_matching(part("group"), items(json))
        }
        "aggr" => part("input").aggr(part("group"), items(json)),
        "universal" => part("input").distinct(texts(&json["attributes"])),
        "universal_aggr" => part("group").group_by(texts(&json["attributes"]), items(json)),
        "top" => {
            part("input").top(json["limit"].as_u64(), json["offset"].as_u64().unwrap(), texts(&json["order"]))
        }
        other => unreachable!("{other}"),
    }
}

fn is_ordered(json: &Json) -> bool {
    let order = json["op"] == "top";
    order && texts(&json["order"]).last().is_some_and(|term| term.starts_with("KEY"))
}

/// Names, key and rows as the file has them; rows without an order are sorted by their text.
fn evaluate(query: &Query, ordered: bool) -> Result<Json, lapjoint::Error> {
    let heading = query.heading()?;
    let mut rows: Vec<Json> = Vec::new();
    for row in query.fetch()? {
        rows.push(heading.names().iter().map(|name| plain(&row.get::<Value>(name).unwrap())).collect());
    }
    if !ordered {
        rows.sort_by_key(ToString::to_string);
    }
    Ok(serde_json::json!({ "names": heading.names(), "key": heading.primary_key(), "rows": rows }))
}

/// A value in the form that all databases agree on.
fn plain(value: &Value) -> Json {
    match value {
        Value::Null => Json::Null,
        Value::Date(date) => serde_json::json!({ "date": date.to_string() }),
        Value::Str(text) => Json::from(text.as_str()),
        Value::Decimal(number) => Json::from(number.to_string().parse::<f64>().unwrap()),
        Value::Float(number) => Json::from(*number),
        #[expect(clippy::cast_precision_loss, reason = "the numbers of the cases are small")]
        Value::Int(number) => Json::from(*number as f64),
        other => unreachable!("{other:?}"),
    }
}
