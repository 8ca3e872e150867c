//! Hidden columns of computed and imported tables: when, for how long, and by which version of the code a row was made.

use std::time::Duration;

use lapjoint_db::{ColumnDef, ColumnType, DefaultValue, TableDef};
use lapjoint_types::naming::{self, Tier};
use lapjoint_types::{CoreType, Value};

use crate::error::Error;
use crate::jobs::code_version;
use crate::query::equal_sql;
use crate::row::Row;
use crate::table::Table;

const START: &str = "_job_start_time";
const DURATION: &str = "_job_duration";
const VERSION: &str = "_job_version";

/// The columns, for a table that is to have them.
fn columns() -> [ColumnDef; 3] {
    let column = |name: &str, ty, default, comment: &str| ColumnDef {
        name: name.to_owned(),
        ty: ColumnType::Core(ty),
        nullable: default == DefaultValue::Null,
        default: Some(default),
        comment: comment.to_owned(),
        auto_increment: false,
    };
    let version = DefaultValue::Literal(String::new());
    [
        column(START, CoreType::DateTime(Some(3)), DefaultValue::Null, ":datetime(3):when computation began"),
        column(DURATION, CoreType::Float32, DefaultValue::Null, ":float32:computation duration in seconds"),
        column(VERSION, CoreType::Varchar(64), version, ":varchar(64):code version"),
    ]
}

/// Adds the columns to the definition of a table that is populated.
pub(crate) fn add_columns(def: &mut TableDef) {
    if matches!(naming::tier_of(&def.id.table), Some(Tier::Imported | Tier::Computed)) {
        def.columns.extend(columns());
    }
}

/// Keeps in an alteration the columns that the table has.
pub(crate) fn keep_columns(old: &TableDef, new: &mut TableDef) {
    let is_one = |column: &&ColumnDef| [START, DURATION, VERSION].contains(&column.name.as_str());
    new.columns.extend(old.columns.iter().filter(is_one).cloned());
}

/// In the transaction that made the rows of `key`: writes down how, where the table has columns for it.
pub(super) fn write(table: &Table, key: &Row, duration: Duration) -> Result<(), Error> {
    let bound = table.bound();
    let has = |name: &str| bound.def.columns.iter().find(|column| column.name == name);
    if has(START).or_else(|| has(DURATION)).or_else(|| has(VERSION)).is_none() {
        return Ok(());
    }
    let version =
        if has(VERSION).is_some() { code_version(table.schema().connection()) } else { String::new() };
    let mut guard = table.schema().connection().lock()?;
    let adapter = guard.adapter();
    let mut set = Vec::new();
    let mut parameters = Vec::new();
    if has(START).is_some() {
        set.push(format!("{} = {}", adapter.quote(START), adapter.clock_sql(-duration.as_secs_f64())));
    }
    if let Some(column) = has(DURATION) {
        set.push(format!("{} = ?", adapter.quote(DURATION)));
        // As the column holds it: to the nearest number of its type.
        #[expect(
            clippy::cast_possible_truncation,
            reason = "the nearest number of the column's type is meant"
        )]
        let seconds = duration.as_secs_f64() as f32;
        parameters.push((Value::Float(f64::from(seconds)), column.ty.clone()));
    }
    if let Some(column) = has(VERSION) {
        set.push(format!("{} = ?", adapter.quote(VERSION)));
        parameters.push((Value::from(version.chars().take(64).collect::<String>()), column.ty.clone()));
    }
    let mut conditions = Vec::new();
    for (name, value) in key.iter() {
        if let Some(attribute) = bound.heading.get(name) {
            conditions.push(equal_sql(attribute, value, adapter)?);
        }
    }
    let sql = format!(
        "UPDATE {} SET {} WHERE {}",
        adapter.quote_table(table.id()),
        set.join(", "),
        if conditions.is_empty() { "1=1".to_owned() } else { conditions.join(" AND ") }
    );
    guard.adapter_mut().execute(&sql, &parameters).map_err(Error::db(table.id()))?;
    Ok(())
}
