//! `lapjoint verify` and `lapjoint gc`: the objects behind the rows.

use std::path::Path;
use std::time::Duration;

use lapjoint::Schema;
use lapjoint::objects::{
    self, CollectOptions, CollectReport, Count, Fate, FormerLayout, ObjectKind, Unreferenced,
};
use serde_json::json;

use crate::Outcome;
use crate::command::{open, progress};

/// Checks every object that a schema's rows refer to.
pub(crate) fn verify(place: &Path, schema: &str, deep: bool) -> Outcome {
    let schema = open(place)?.existing_schema(schema)?;
    let bar = progress(0, "objects checked");
    let report = objects::verify(&schema, deep, &mut |done, total| {
        bar.set_length(total as u64);
        bar.set_position(done as u64);
    })?;
    bar.finish_and_clear();
    println!(
        "{} objects, {} bytes read and compared, {} without a checksum (existence and size compared)",
        report.objects, report.bytes_read, report.without_checksum
    );
    for damage in &report.damage {
        let reference = &damage.reference;
        println!("DAMAGED {} ({}): {}", reference.place, reference.key, damage.problem);
    }
    match report.damage.len() {
        0 => Ok(()),
        count => Err(format!("{count} damaged or missing objects").into()),
    }
}

/// Options of `lapjoint gc`.
#[derive(Debug, clap::Args)]
pub(crate) struct Gc {
    /// Schemas; without any, all of the database.
    schemas: Vec<String>,
    /// Only objects in this store.
    #[arg(long)]
    store: Option<String>,
    /// Marks unreferenced objects, and deletes those that were marked the grace period ago.
    #[arg(long)]
    delete: bool,
    /// Only lists (the default).
    #[arg(long, conflicts_with = "delete")]
    dry_run: bool,
    /// How long an object must have been unreferenced: 90s, 30m, 12h, 1d, 2w.
    #[arg(long, default_value = "1d", value_parser = duration)]
    grace: Duration,
    /// Also searches the section of an earlier `hash_prefix`; may be given several times.
    #[arg(long)]
    former_hash_prefix: Vec<String>,
    /// Also searches the section of an earlier `schema_prefix`, with and without partitions; may be given several times.
    #[arg(long)]
    former_schema_prefix: Vec<String>,
    /// Also searches for objects of an earlier `partition_pattern`.
    #[arg(long)]
    former_partitions: bool,
    /// Looks for references in the schemas given only, not in all of the database.
    #[arg(long)]
    only_given_schemas: bool,
    /// Prints the report as JSON.
    #[arg(long)]
    json: bool,
}

/// A number with a unit.
pub(crate) fn duration(text: &str) -> Result<Duration, String> {
    let expected = || format!("{text:?} is no duration; write 90s, 30m, 12h, 1d or 2w");
    let digits = text.trim_end_matches(|letter: char| letter.is_ascii_alphabetic());
    let number: u64 = digits.parse().map_err(|_| expected())?;
    let unit_seconds = match text.get(digits.len()..).unwrap_or_default() {
        "s" => 1,
        "m" => 60,
        "h" => 3600,
        "d" => 24 * 3600,
        "w" => 7 * 24 * 3600,
        "" if number == 0 => 1,
        _ => return Err(expected()),
    };
    number.checked_mul(unit_seconds).map(Duration::from_secs).ok_or_else(expected)
}

/// Finds objects that no row refers to, and with `--delete` deletes them.
pub(crate) fn collect(place: &Path, given: &Gc) -> Outcome {
    let connection = open(place)?;
    let names = if given.schemas.is_empty() { connection.list_schemas()? } else { given.schemas.clone() };
    let schemas: Vec<Schema> =
        names.iter().map(|name| connection.existing_schema(name)).collect::<Result<_, _>>()?;
    let mut options = CollectOptions::new().grace(given.grace);
    if given.delete {
        options = options.delete();
    }
    if let Some(store) = &given.store {
        options = options.store(store);
    }
    if given.only_given_schemas {
        options = options.only_given_schemas();
    }
    for prefix in &given.former_hash_prefix {
        options =
            options.former(FormerLayout { hash_prefix: Some(prefix.clone()), ..FormerLayout::default() });
    }
    for prefix in &given.former_schema_prefix {
        let schema_prefix = Some(prefix.clone());
        options =
            options.former(FormerLayout { schema_prefix, partitioned: true, ..FormerLayout::default() });
    }
    if given.former_partitions {
        options = options.former(FormerLayout { partitioned: true, ..FormerLayout::default() });
    }
    if schemas.is_empty() {
        println!("{}", if given.json { "{}" } else { "the database has no schemas" });
        return Ok(());
    }
    let report = objects::collect(&schemas, &options)?;
    if given.json {
        println!("{}", as_json(&report));
    } else {
        for object in &report.unreferenced {
            println!(
                "{:>12} {}: {} ({}{})",
                object.size_bytes,
                object.store,
                object.path,
                match object.files.len() {
                    1 => String::new(),
                    count => format!("{count} files, "),
                },
                fate(object.fate)
            );
        }
        print!("{report}");
    }
    match report.errors.len() {
        0 => Ok(()),
        count => Err(format!("{count} things could not be read or deleted").into()),
    }
}

fn fate(fate: Fate) -> String {
    match fate {
        Fate::Young(until) => format!("young: can be marked after {until:.0}"),
        Fate::Unmarked => "to be marked".into(),
        Fate::Marked(until) => format!("marked: can be deleted after {until:.0}"),
        Fate::Due => "to be deleted".into(),
        Fate::Aside(until) => format!("put aside: can be deleted after {until:.0}"),
        Fate::Deleted => "deleted".into(),
        Fate::Kept => "in use or changed at the second look: kept".into(),
        Fate::Failed => "failed".into(),
        _ => String::new(),
    }
}

fn as_json(report: &CollectReport) -> serde_json::Value {
    let count = |count: Count| json!({"hash": count.hash, "schema": count.schema});
    let object = |object: &Unreferenced| {
        json!({
            "schema": object.schema,
            "store": object.store,
            "path": object.path,
            "kind": if object.kind == ObjectKind::Hash { "hash" } else { "schema" },
            "files": object.files.iter().map(|file| &file.path).collect::<Vec<_>>(),
            "size_bytes": object.size_bytes,
            "modified": object.modified.to_string(),
            "fate": fate(object.fate),
        })
    };
    json!({
        "dry_run": report.dry_run,
        "grace_seconds": report.grace.as_secs(),
        "referenced": count(report.referenced),
        "stored": count(report.stored),
        "unreferenced": report.unreferenced.iter().map(object).collect::<Vec<_>>(),
        "marked": report.marked,
        "waiting": report.waiting,
        "waiting_until": report.waiting_until.map(|until| until.to_string()),
        "put_aside": count(report.put_aside),
        "aside": report.aside,
        "restored": report.restored,
        "deleted": report.deleted,
        "freed_bytes": report.freed_bytes,
        "leftovers": report.leftovers,
        "errors": report.errors,
    })
}
