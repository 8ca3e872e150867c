//! `lapjoint codecs`: what may stand between `<` and `>`, and what data need.

use std::path::Path;

use lapjoint::codec::lock::Lock;
use lapjoint::codec::{Package, Place, Registry};
use lapjoint::codecs::{self, CheckReport, CodecInfo};
use serde_json::{Value as Json, json};

use crate::Outcome;
use crate::command::open;

/// Lists the codecs, those that are broken or shadowed too.
pub(crate) fn list(place: &Path, as_json: bool) -> Outcome {
    find_modules(place)?;
    let found = codecs::list(Registry::global());
    if as_json {
        println!("{:#}", Json::from(found.iter().map(info_json).collect::<Vec<_>>()));
        return Ok(());
    }
    for codec in found {
        let written =
            if codec.places.is_empty() { format!("<{}>", codec.name) } else { codec.places.join(" ") };
        let package = codec.package.map_or_else(|| "-".to_owned(), |package| package.to_string());
        let version = codec.format_version.unwrap_or_else(|| "-".to_owned());
        println!("{written:<24} {package:<22} {version:<8} {:<10} {}", codec.origin, codec.summary);
        if codec.state != "ok" {
            println!("    {}", codec.state);
        }
    }
    Ok(())
}

/// Has modules looked for in the folders that the configuration of a place names.
fn find_modules(place: &Path) -> Outcome {
    #[cfg(feature = "wasm")]
    lapjoint::wasm::install(Registry::global(), &lapjoint::store::Config::discover(place)?);
    #[cfg(not(feature = "wasm"))]
    let _ = place;
    Ok(())
}

fn package_json(package: Option<&Package>) -> Json {
    package.map_or(Json::Null, |package| json!({"name": package.name, "version": package.version}))
}

fn info_json(codec: &CodecInfo) -> Json {
    json!({
        "name": codec.name,
        "places": codec.places,
        "origin": codec.origin,
        "package": package_json(codec.package.as_ref()),
        "format_version": codec.format_version,
        "reads_versions": codec.reads_versions,
        "writes_versions": codec.writes_versions,
        "summary": codec.summary,
        "state": codec.state,
    })
}

/// Prints one codec's contract.
pub(crate) fn show(place: &Path, name: &str) -> Outcome {
    find_modules(place)?;
    let codec = Registry::global().get(name)?;
    let can = codec.capabilities();
    let yes = |can: bool| if can { "yes" } else { "no" };
    println!("<{}>  {}", codec.name(), codec.summary());
    println!("  origin          {}", codec.origin());
    if let Some(package) = codec.provenance() {
        println!("  package         {package}");
    }
    for (place, label) in [(Place::Inline, "in the table"), (Place::Store, "in a store")] {
        let stored =
            codec.dtype(place).map_or_else(|_| "not possible".to_owned(), |dtype| format!("as {dtype}"));
        println!("  {label:<15} {stored}");
    }
    println!("  lazy            {}", yes(can.lazy));
    println!("  partial reads   {}", yes(can.partial_read));
    println!("  deterministic   {}", yes(can.deterministic));
    println!("  self-describing {}", yes(can.self_describing));
    let version = codec.format_version().unwrap_or_else(|| "its own headers say".to_owned());
    println!("  format version  {version}");
    for (label, versions) in [("reads", codec.reads_versions()), ("writes", codec.writes_versions())] {
        if !versions.is_empty() {
            println!("  {label:<15} {}", versions.join(", "));
        }
    }
    Ok(())
}

/// Says what the data of schemas need.
pub(crate) fn check(place: &Path, schemas: &[String], as_json: bool) -> Outcome {
    let connection = open(place)?;
    let names = if schemas.is_empty() { connection.list_schemas()? } else { schemas.to_vec() };
    let schemas: Result<Vec<_>, _> = names.iter().map(|name| connection.existing_schema(name)).collect();
    let report = codecs::check(&schemas?)?;
    if as_json {
        println!("{:#}", report_json(&report))
    } else {
        println!("{report}")
    }
    match report.needs.iter().filter(|need| !need.is_ok()).count() {
        0 => Ok(()),
        count => Err(format!("{count} columns cannot be read completely").into()),
    }
}

fn report_json(report: &CheckReport) -> Json {
    let needs = report.needs.iter().map(|need| {
        let versions: Vec<Json> = need
            .versions
            .iter()
            .map(|count| {
                json!({
                    "version": count.version,
                    "rows": count.rows,
                    "written_by": count.written_by.iter().map(|p| package_json(Some(p))).collect::<Vec<_>>(),
                    "state": count.state.word(),
                    "message": count.state.message(),
                })
            })
            .collect();
        json!({
            "schema": need.table.schema,
            "table": need.table.table,
            "attribute": need.attribute,
            "type": need.spec,
            "codec": need.codec,
            "package": package_json(need.package.as_ref()),
            "state": need.state.word(),
            "message": need.state.message(),
            "versions": versions,
        })
    });
    json!({"ok": report.is_ok(), "needs": needs.collect::<Vec<_>>()})
}

/// Writes the lock file, or compares the codecs with it.
pub(crate) fn lock(file: &Path, check: bool) -> Outcome {
    let registry = Registry::global();
    if !check {
        let lock = Lock::of(registry);
        lock.write(file)?;
        println!("{} codecs in {}", lock.codecs.len(), file.display());
        return Ok(());
    }
    let differences = Lock::read(file)?.differences(registry, true);
    for difference in &differences {
        println!("{difference}");
    }
    match differences.len() {
        0 => Ok(()),
        count => Err(format!("{count} codecs are not as {} says", file.display()).into()),
    }
}
