//! `lapjoint tables`, `describe` and `head`.

use std::path::Path;

use lapjoint::{Table, preview};

use crate::Outcome;
use crate::command::open;

/// Lists the tables of a schema with their tiers and numbers of rows, or the schemas.
pub(crate) fn tables(place: &Path, schema: Option<&str>) -> Outcome {
    let connection = open(place)?;
    let Some(schema) = schema else {
        for name in connection.list_schemas()? {
            println!("{name}");
        }
        return Ok(());
    };
    let schema = connection.existing_schema(schema)?;
    for table in schema.tables()? {
        let rows = table.query().count()?;
        println!(
            "{:<28} {:<9} {rows:>9} rows  {}",
            table.class_name(),
            table.tier().to_string(),
            table.heading().comment()
        );
    }
    Ok(())
}

/// Prints a table's definition.
pub(crate) fn describe(place: &Path, name: &str) -> Outcome {
    print!("{}", table(place, name)?.describe()?);
    Ok(())
}

/// Prints the first rows of a table.
pub(crate) fn head(place: &Path, name: &str, rows: u64) -> Outcome {
    let table = table(place, name)?;
    let total = table.query().count()?;
    let first = table.query().head(rows)?;
    print!("{}", preview::table(table.heading(), &first, 28));
    println!("({} of {total} rows)", first.len());
    Ok(())
}

/// The table of `schema.Table`.
pub(crate) fn table(place: &Path, name: &str) -> Result<Table, Box<dyn std::error::Error>> {
    let (schema, table) = name
        .split_once('.')
        .ok_or_else(|| format!("`{name}`: write schema.Table, for example demo.Recording"))?;
    Ok(open(place)?.existing_schema(schema)?.table(table)?)
}
