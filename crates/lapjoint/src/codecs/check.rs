//! `check`: what the stored values need, from their columns alone. No object is read, and no value decoded.

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use lapjoint_codec::version::{VERSION_KEY, packages_in_metadata, remedy};
use lapjoint_codec::{Chain, Codec, Origin, Package};
use lapjoint_db::{Adapter, ColumnType, DbError, TableId};
use lapjoint_types::{CoreType, Value};

use super::need::{CheckReport, Need, State, VersionCount};
use crate::connection::Connection;
use crate::error::Error;
use crate::heading::{Attribute, Heading, Storage};
use crate::schema::Schema;

/// Bytes of an inline value that are looked at for its version.
const HEADER_BYTES: usize = 64;

/// Which codecs and versions the values of schemas need, and what of it is missing here.
///
/// # Errors
/// [`Error`] when a table cannot be read. A missing codec is reported, and no error.
pub fn check(schemas: &[Schema]) -> Result<CheckReport, Error> {
    let mut report = CheckReport::default();
    for schema in schemas {
        let connection = schema.connection();
        let tables = connection
            .lock()?
            .adapter_mut()
            .list_tables(schema.name())
            .map_err(Error::db(format!("schema `{}`", schema.name())))?;
        for table in tables.into_iter().filter(|table| !table.starts_with('~')) {
            let id = TableId::new(schema.name(), table);
            report.needs.extend(of_table(connection, &id)?);
        }
    }
    Ok(report)
}

fn of_table(connection: &Connection, id: &TableId) -> Result<Vec<Need>, Error> {
    let loaded = connection.lock()?.adapter_mut().load_table(id).map_err(Error::db(id))?;
    // Dropped since the tables were listed.
    let Some(def) = loaded else { return Ok(Vec::new()) };
    let heading = Heading::from_table(&def, connection.registry());
    let with_codecs = heading.all().iter().filter(|attribute| attribute.has_codec());
    with_codecs.map(|attribute| of_column(connection, id, attribute)).collect()
}

/// What one column needs.
pub(super) fn of_column(connection: &Connection, id: &TableId, attribute: &Attribute) -> Result<Need, Error> {
    let chain = attribute.chain();
    let counts = {
        let mut guard = connection.lock()?;
        counts(guard.adapter_mut(), id, attribute, chain.map(|chain| chain.as_ref()))
            .map_err(Error::db(id))?
    };
    let (codec, package, state) = match (&attribute.storage, chain.and_then(|chain| chain.links().first())) {
        (Storage::Unbound { spec, reason }, _) => {
            (spec.name.clone(), None, State::Missing(missing(&spec.name, &reason.to_string(), &counts)))
        }
        (_, Some(link)) => (link.codec.name().to_owned(), link.codec.provenance(), State::Current),
        (_, None) => (attribute.declared.clone(), None, State::Current),
    };
    let versions = counts
        .into_iter()
        .map(|(version, (rows, written_by))| {
            let state = match chain.and_then(|chain| chain.links().first()) {
                Some(link) => state_of(link.codec.as_ref(), version.as_deref(), &written_by),
                None => state.clone(),
            };
            VersionCount { version, rows, written_by, state }
        })
        .collect();
    Ok(Need {
        table: id.clone(),
        attribute: attribute.name.clone(),
        spec: attribute.declared.clone(),
        codec,
        package,
        state,
        versions,
    })
}

fn state_of(codec: &dyn Codec, version: Option<&str>, written_by: &[Package]) -> State {
    let reads = codec.reads_versions();
    let Some(version) = version else { return State::Current };
    if !reads.is_empty() && !reads.iter().any(|read| read == version) {
        let remedy = remedy(codec.provenance().as_ref(), written_by, &codec.origin());
        return State::Unreadable(format!("<{}> here reads {}. {remedy}", codec.name(), reads.join(", ")));
    }
    if let Some(message) = codec.deprecated(version) {
        return State::Deprecated(message);
    }
    match codec.format_version() {
        Some(written) if written != version => State::Old,
        _ => State::Current,
    }
}

/// Why the codec is missing, and the packages to install that its data name.
fn missing(codec: &str, reason: &str, counts: &Counts) -> String {
    let packages: Vec<&Package> = counts
        .values()
        .flat_map(|(_, packages)| packages)
        .filter(|package| !["lapjoint", "datajoint", "datajoint-python"].contains(&package.name.as_str()))
        .collect();
    let Some(package) = packages.first() else {
        return format!("{reason} Install the package that has <{codec}>; the data do not name it.");
    };
    format!("{reason} Install {} ({package} wrote values of it).", package.name)
}

/// Numbers of values and the packages that wrote one of them, by version.
type Counts = BTreeMap<Option<String>, (u64, Vec<Package>)>;

fn counts(
    adapter: &mut dyn Adapter,
    id: &TableId,
    attribute: &Attribute,
    chain: Option<&Chain>,
) -> Result<Counts, DbError> {
    match &attribute.column {
        ColumnType::Core(CoreType::Json) => in_json(adapter, id, attribute),
        // Of a codec that is missing where the database has no type of its own for json.
        ColumnType::Native(native) if chain.is_none() && native.to_ascii_lowercase().contains("text") => {
            in_json(adapter, id, attribute)
        }
        ColumnType::Core(CoreType::Bytes) => match chain.map(Chain::links) {
            Some([link]) => in_headers(adapter, id, attribute, link.codec.as_ref()),
            _ => alone(adapter, id, attribute),
        },
        _ => alone(adapter, id, attribute),
    }
}

fn text_type(name: &str) -> (String, ColumnType) {
    (name.to_owned(), ColumnType::Core(CoreType::Varchar(u32::MAX)))
}

fn count_type() -> (String, ColumnType) {
    ("values".to_owned(), ColumnType::Native("bigint".into()))
}

fn number(value: Option<&Value>) -> u64 {
    match value {
        Some(Value::Int(number)) => u64::try_from(*number).unwrap_or(0),
        _ => 0,
    }
}

/// The versions that json metadata names, counted by the database.
fn in_json(adapter: &mut dyn Adapter, id: &TableId, attribute: &Attribute) -> Result<Counts, DbError> {
    let column = adapter.quote(&attribute.name);
    let version = adapter.json_value(&column, VERSION_KEY, None);
    let sql = format!(
        "SELECT {version}, COUNT(*), MAX({}) FROM {} WHERE {column} IS NOT NULL GROUP BY 1",
        adapter.text_of(&column),
        adapter.quote_table(id)
    );
    let mut counts = Counts::new();
    let columns = [text_type("version"), count_type(), text_type("one")];
    adapter.query(&sql, &[], &columns, &mut |row| {
        let version = match row.first() {
            Some(Value::Str(text)) => Some(text.clone()),
            _ => None,
        };
        let packages = match row.get(2) {
            Some(Value::Str(text)) => {
                serde_json::from_str(text).map(|json| packages_in_metadata(&json)).unwrap_or_default()
            }
            _ => Vec::new(),
        };
        counts.insert(version, (number(row.get(1)), packages));
        ControlFlow::Continue(())
    })?;
    Ok(counts)
}

/// The versions that the first bytes of inline values say to their codec.
fn in_headers(
    adapter: &mut dyn Adapter,
    id: &TableId,
    attribute: &Attribute,
    codec: &dyn Codec,
) -> Result<Counts, DbError> {
    if matches!(codec.origin(), Origin::Python(_)) {
        // It may query this very connection, which is at work.
        return alone(adapter, id, attribute);
    }
    let column = adapter.quote(&attribute.name);
    let sql = format!(
        "SELECT SUBSTR({column}, 1, {HEADER_BYTES}) FROM {} WHERE {column} IS NOT NULL",
        adapter.quote_table(id)
    );
    let mut counts = Counts::new();
    let columns = [(attribute.name.clone(), ColumnType::Core(CoreType::Bytes))];
    adapter.query(&sql, &[], &columns, &mut |row| {
        let version = row.first().and_then(|header| codec.version_of(header));
        counts.entry(version).or_insert_with(|| (0, Vec::new())).0 += 1;
        ControlFlow::Continue(())
    })?;
    Ok(counts)
}

/// The number of values, where nothing says their version without a decode.
fn alone(adapter: &mut dyn Adapter, id: &TableId, attribute: &Attribute) -> Result<Counts, DbError> {
    let column = adapter.quote(&attribute.name);
    let sql = format!("SELECT COUNT({column}) FROM {}", adapter.quote_table(id));
    let mut counts = Counts::new();
    adapter.query(&sql, &[], &[count_type()], &mut |row| {
        let rows = number(row.first());
        if rows > 0 {
            counts.insert(None, (rows, Vec::new()));
        }
        ControlFlow::Break(())
    })?;
    Ok(counts)
}
