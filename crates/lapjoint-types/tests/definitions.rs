//! The cases under `conformance/definitions`: what every implementation reads, refuses and writes.
#![expect(clippy::unwrap_used, reason = "a failed unwrap in a test is a failed test")]

use std::fs;
use std::path::PathBuf;

use lapjoint_types::{Definition, TypeSpec, marker, naming};
use serde_json::{Value, json};

/// All cases with the name of their file.
fn cases() -> Vec<(String, Value)> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../conformance/definitions");
    let mut cases = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|extension| extension == "json") {
            let file: Value = serde_json::from_str(&fs::read_to_string(&path).unwrap()).unwrap();
            let topic = file["topic"].as_str().unwrap();
            assert_eq!(path.file_stem().unwrap().to_str(), Some(topic), "topic of {}", path.display());
            cases.extend(
                file["cases"].as_array().unwrap().iter().map(|case| (topic.to_owned(), case.clone())),
            );
        }
    }
    cases
}

fn lines(value: &Value) -> String {
    let lines: Vec<&str> = value.as_array().unwrap().iter().map(|line| line.as_str().unwrap()).collect();
    lines.join("\n")
}

/// Runs one case; the error says what differs.
fn run(case: &Value) -> Result<(), String> {
    if let Some(class) = case.get("class") {
        let table = naming::snake_case(class.as_str().unwrap()).ok();
        return same(&json!(table), &case["table"]);
    }
    if let Some(stored) = case.get("stored") {
        let stored = stored.as_str().unwrap();
        let (type_text, comment) = marker::parse_comment(stored);
        same(&json!([type_text, comment]), &json!([case["type"], case["comment"]]))?;
        return same(&json!(marker::encode_comment(type_text, comment)), &json!(stored));
    }
    let parsed = Definition::parse(&lines(&case["definition"]));
    if let Some(expected) = case.get("error") {
        let error = parsed.err().ok_or("it was accepted")?;
        let shown = error.to_string();
        same(&json!([error.line_number, error.column]), &json!([expected["line"], expected["column"]]))
            .map_err(|difference| format!("place: {difference}\n{shown}"))?;
        for (part, text) in [("contains", Some(&error.message)), ("help", error.help.as_ref())] {
            if let Some(wanted) = expected.get(part).and_then(Value::as_str)
                && !text.is_some_and(|text| text.contains(wanted))
            {
                return Err(format!("{part}: no {wanted:?} in\n{shown}"));
            }
        }
        return Ok(());
    }
    let definition = parsed.map_err(|error| error.to_string())?;
    match case.get("described") {
        Some(described) => same(&json!(definition.to_string()), &json!(lines(described)))?,
        None => same(&definition.to_json(), &case["expected"])?,
    }
    let again = Definition::parse(&definition.to_string()).map_err(|error| error.to_string())?;
    if again == definition { Ok(()) } else { Err(format!("read back differently from\n{definition}")) }
}

fn same(actual: &Value, expected: &Value) -> Result<(), String> {
    if actual == expected { Ok(()) } else { Err(format!("\n  actual   {actual}\n  expected {expected}")) }
}

#[test]
fn conformance_cases() {
    let cases = cases();
    assert!(cases.len() >= 150, "only {} cases found", cases.len());
    let failures: Vec<String> = cases
        .iter()
        .filter_map(|(topic, case)| {
            run(case).err().map(|error| format!("{topic}: {}: {error}", case["name"]))
        })
        .collect();
    assert!(
        failures.is_empty(),
        "{} of {} cases fail:\n{}",
        failures.len(),
        cases.len(),
        failures.join("\n")
    );
}

#[test]
fn names_of_cases_are_unique() {
    let mut names: Vec<String> =
        cases().iter().map(|(topic, case)| format!("{topic}/{}", case["name"])).collect();
    let total = names.len();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), total);
}

/// A fuzzer would find these in its first minutes; they must end soon and without a panic.
#[test]
fn hostile_input() {
    let long = 300_000;
    for text in [
        "(".repeat(long),
        format!("index({}", "(".repeat(long)),
        format!("index({})", "a,".repeat(long)),
        format!("x : enum({}", "'a',".repeat(long)),
        format!("x = {} : int32", "'\"".repeat(long)),
        format!("x : {}", "not null ".repeat(long / 4)),
        format!("x : {}", "'".repeat(long)),
        format!("-> {}", "a.".repeat(long)),
        format!("-> A.proj({})", "'x',".repeat(long)),
        format!("-> [{}] A", "unique,".repeat(long)),
        "->".repeat(long),
        "<".repeat(long),
        format!("x : {}", "<>".repeat(long)),
        format!("x : <{}@", "@".repeat(long)),
        "\u{85}\u{2028}é\u{0}#".repeat(long / 8),
        "x".repeat(long),
        "a:int8\n".repeat(2) + &"#\n".repeat(long),
        "---\n".repeat(long),
    ] {
        if let Err(error) = Definition::parse(&text) {
            assert!(error.help.is_none_or(|help| help.len() < 2 * text.len() + 100));
        }
        if let Err(error) = TypeSpec::parse(&text) {
            assert!(text.is_char_boundary(error.offset_bytes) && error.to_string().len() < 1_000);
        }
    }
}
