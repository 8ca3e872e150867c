//! `lapjoint verify` and `lapjoint gc --dry-run`: the objects behind the rows.

use std::path::Path;

use lapjoint::objects;

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

/// Lists objects that no row refers to. Nothing is deleted.
pub(crate) fn unreferenced(place: &Path, schema: &str) -> Outcome {
    let schema = open(place)?.existing_schema(schema)?;
    let report = objects::unreferenced(&schema)?;
    let mut bytes = 0;
    for (store, path, size_bytes) in &report.unreferenced {
        println!("{size_bytes:>12} {store}: {path}");
        bytes += size_bytes;
    }
    println!(
        "{} objects stored, {} referenced, {} unreferenced ({bytes} bytes); nothing was deleted",
        report.stored,
        report.referenced,
        report.unreferenced.len()
    );
    Ok(())
}
