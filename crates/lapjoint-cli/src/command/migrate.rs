//! `lapjoint migrate`: values in another version of their codec's format.

use std::ops::ControlFlow;
use std::path::Path;
use std::time::Duration;

use lapjoint::Watch;
use lapjoint::codecs::{self, MigrateOptions};

use crate::Outcome;
use crate::command::objects::duration;
use crate::command::{progress, tables};

/// Options of `lapjoint migrate`.
#[derive(Debug, clap::Args)]
pub(crate) struct Migrate {
    /// `schema.Table`, for example `demo.Recording`.
    table: String,
    /// Attribute.
    attribute: String,
    /// Version of the codec's format; without it, the one that the codec writes.
    #[arg(long)]
    to: Option<String>,
    /// Rows of one transaction.
    #[arg(long, default_value_t = 100)]
    batch_rows: usize,
    /// Only counts the rows that would be re-encoded.
    #[arg(long)]
    dry_run: bool,
    /// Also collects unreferenced objects of the schema at the end, as `gc --delete --grace` does.
    #[arg(long, value_name = "GRACE", value_parser = duration)]
    collect: Option<Duration>,
}

/// Migrates a column.
pub(crate) fn migrate(place: &Path, given: &Migrate) -> Outcome {
    let table = tables::table(place, &given.table)?;
    let bar = progress(0, "rows migrated");
    let shown = bar.clone();
    let mut options = MigrateOptions::new().batch_rows(given.batch_rows).watch(Watch::new(move |done| {
        shown.set_length(done.rows_total.unwrap_or(0));
        shown.set_position(done.rows_done);
        ControlFlow::Continue(())
    }));
    if let Some(version) = &given.to {
        options = options.to(version);
    }
    if given.dry_run {
        options = options.dry_run();
    }
    if let Some(grace) = given.collect {
        options = options.collect(grace);
    }
    let report = codecs::migrate(&table, &given.attribute, &options)?;
    bar.finish_and_clear();
    let did = if given.dry_run { "would be migrated" } else { "migrated" };
    println!(
        "{} rows: {} {did} to version {}, {} were of it before",
        report.rows, report.migrated, report.to, report.current
    );
    if report.changed > 0 {
        println!("{} rows were changed by others meanwhile: run this again", report.changed);
    }
    if report.left_objects > 0 {
        let schema = &table.id().schema;
        println!(
            "{} objects are no longer referred to by these rows; `lapjoint gc {schema} --delete` removes what nobody refers to",
            report.left_objects
        );
    }
    for failed in &report.failed {
        println!("KEPT {}: {}", failed.key, failed.reason);
    }
    match report.failed.len() {
        0 => Ok(()),
        count => Err(format!("{count} rows keep their old value").into()),
    }
}
