//! The objects that a schema's rows refer to: verification and the search for what nobody refers to.
//!
//! ```
//! # use lapjoint::{Connection, NdArray, objects, row, store::{Config, LoadOptions}};
//! # let mut config = Config::load(&LoadOptions::isolated())?;
//! # config.set("stores.default", "scratch")?;
//! # config.set("stores.scratch.protocol", "memory")?;
//! # let connection = Connection::options().config(config).directory(":memory:").open()?;
//! let lab = connection.schema("lab")?;
//! let trace = lab.manual("Trace", "id : int32\n---\ntrace : <npy@>")?;
//! trace.insert1(row! { "id" => 1, "trace" => NdArray::from_vec(vec![1.0, 2.0]) })?;
//! let report = objects::verify(&lab, true, &mut |_, _| {})?;
//! assert_eq!((report.objects, report.damage.len()), (1, 0));
//! assert!(objects::unreferenced(&lab)?.unreferenced.is_empty());
//! # Ok::<(), lapjoint::Error>(())
//! ```

use std::collections::{BTreeMap, BTreeSet};

use lapjoint_codec::ObjectReference;
use lapjoint_store::{Manifest, Store, StoreError, StoreSpec};
use lapjoint_types::Value;

use crate::error::Error;
use crate::heading::Storage;
use crate::query::select::Select;
use crate::schema::Schema;
use crate::table::Table;

/// What the name of a folder's manifest adds to the folder's own.
const MANIFEST_SUFFIX: &str = ".manifest.json";

/// A reference that a row makes.
#[derive(Debug, Clone)]
pub struct RowReference {
    /// Table and attribute, `` `lab`.`session`.trace ``.
    pub place: String,
    /// Primary key of the row, as text.
    pub key: String,
    /// The object, its store resolved.
    pub object: ObjectReference,
}

/// A damaged or missing object.
#[derive(Debug, Clone)]
pub struct Damage {
    /// Who refers to it.
    pub reference: RowReference,
    /// What is wrong.
    pub problem: String,
}

/// Result of a verification.
#[derive(Debug, Clone, Default)]
pub struct VerifyReport {
    /// Objects looked at.
    pub objects: u64,
    /// Bytes read and compared with their checksums.
    pub bytes_read: u64,
    /// Objects whose stored metadata has no checksum (written by DataJoint): existence and size were compared.
    pub without_checksum: u64,
    /// What is wrong.
    pub damage: Vec<Damage>,
}

/// Objects in the stores that no row refers to.
#[derive(Debug, Clone, Default)]
pub struct UnreferencedReport {
    /// Objects that rows refer to.
    pub referenced: u64,
    /// Objects found in the schema's parts of the stores.
    pub stored: u64,
    /// Unreferenced objects: store, path, size in bytes.
    pub unreferenced: Vec<(String, String, u64)>,
}

/// All references of a schema's rows to objects.
///
/// # Errors
/// [`Error`] when any table, codec or stored value cannot be read: a partial answer would make live objects look unused.
pub fn references(schema: &Schema) -> Result<Vec<RowReference>, Error> {
    let mut all = Vec::new();
    for table in schema.tables()? {
        table_references(&table, &mut all)?;
    }
    Ok(all)
}

fn table_references(table: &Table, all: &mut Vec<RowReference>) -> Result<(), Error> {
    let id = table.id();
    let mut with_objects = Vec::new();
    for attribute in table.heading().all() {
        match &attribute.storage {
            Storage::Plain => {}
            Storage::Unbound { spec, reason } => {
                return Err(Error::usage(format!(
                    "{id}, attribute `{}` ({spec}): its objects cannot be known: {reason}",
                    attribute.name
                )));
            }
            Storage::Codec(chain) if chain.uses_store() => with_objects.push((attribute, chain)),
            Storage::Codec(_) => {}
        }
    }
    if with_objects.is_empty() {
        return Ok(());
    }
    let connection = table.schema().connection();
    let key: Vec<_> = table.bound().key_attributes().cloned().collect();
    let columns: Vec<(String, lapjoint_db::ColumnType)> = key
        .iter()
        .chain(with_objects.iter().map(|(attribute, _)| *attribute))
        .map(|attribute| (attribute.name.clone(), attribute.column.clone()))
        .collect();
    let names: Vec<String> = columns.iter().map(|(name, _)| name.clone()).collect();
    let mut rows: Vec<Vec<Value>> = Vec::new();
    {
        let query = table.query();
        let mut guard = connection.lock()?;
        let select = Select::compile(query.expression(), guard.adapter())?;
        let sql = select.sql(guard.adapter(), &names)?;
        guard
            .adapter_mut()
            .query(&sql, &[], &columns, &mut |row| {
                rows.push(row);
                std::ops::ControlFlow::Continue(())
            })
            .map_err(Error::db(id))?;
    }
    for (number, row) in rows.iter().enumerate() {
        let text: Vec<String> = key
            .iter()
            .zip(row)
            .map(|(attribute, value)| format!("{}={}", attribute.name, crate::preview::cell(value)))
            .collect();
        for ((attribute, chain), stored) in with_objects.iter().zip(row.iter().skip(key.len())) {
            let found = chain.references(stored).map_err(|source| Error::Cell {
                table: id.to_string(),
                row: number as u64,
                attribute: attribute.name.clone(),
                spec: attribute.declared.clone(),
                value_type: stored.type_name(),
                source: Box::new(source),
            })?;
            for mut object in found {
                if object.store.is_none() {
                    object.store = Some(connection.stores().get(None)?.name().to_owned());
                }
                all.push(RowReference {
                    place: format!("{id}.{}", attribute.name),
                    key: text.join(", "),
                    object,
                });
            }
        }
    }
    Ok(())
}

/// Looks at every object that the schema's rows refer to: that it is there, of the right size, and (with `deep`) that its
/// bytes have the stored checksum. `progress` is told how many of how many are done.
///
/// # Errors
/// [`Error`] when the references cannot be read or a store cannot be reached; damage is reported, not an error.
pub fn verify(
    schema: &Schema,
    deep: bool,
    progress: &mut dyn FnMut(usize, usize),
) -> Result<VerifyReport, Error> {
    let references = references(schema)?;
    let mut report = VerifyReport::default();
    let mut seen = BTreeSet::new();
    let total = references.len();
    for (done, reference) in references.into_iter().enumerate() {
        progress(done, total);
        let object = &reference.object;
        if !seen.insert((object.store.clone(), object.path.clone())) {
            continue;
        }
        report.objects += 1;
        let store = schema.connection().stores().get(object.store.as_deref())?;
        // Metadata of plugins does not always say that a path is a folder.
        let is_dir =
            object.is_dir || (store.head(&object.path)?.is_none() && store.is_folder(&object.path)?);
        let outcome = if is_dir {
            verify_folder(&store, &object.path, deep)
        } else {
            verify_file(&store, object, deep)
        };
        match outcome {
            Ok(Looked { bytes_read, has_checksum }) => {
                report.bytes_read += bytes_read;
                report.without_checksum += u64::from(!has_checksum);
            }
            Err(error) => report.damage.push(Damage { problem: error.to_string(), reference }),
        }
    }
    progress(total, total);
    Ok(report)
}

/// What a look at an object found.
struct Looked {
    bytes_read: u64,
    has_checksum: bool,
}

fn verify_file(store: &Store, object: &ObjectReference, deep: bool) -> Result<Looked, StoreError> {
    let path = &object.path;
    let actual_bytes = store.size_bytes(path)?;
    if let Some(expected_bytes) = object.size_bytes
        && expected_bytes != actual_bytes
    {
        let (store, path) = (store.name().to_owned(), path.clone());
        return Err(StoreError::SizeMismatch { store, path, expected_bytes, actual_bytes });
    }
    let Some(crc) = object.crc32c else { return Ok(Looked { bytes_read: 0, has_checksum: false }) };
    if !deep {
        return Ok(Looked { bytes_read: 0, has_checksum: true });
    }
    let written = store.checksum(path)?;
    let expected = format!("{crc:08x}");
    if written.crc32c == expected {
        Ok(Looked { bytes_read: written.size_bytes, has_checksum: true })
    } else {
        Err(StoreError::ChecksumMismatch {
            store: store.name().to_owned(),
            path: path.clone(),
            expected,
            actual: written.crc32c,
        })
    }
}

fn verify_folder(store: &Store, path: &str, deep: bool) -> Result<Looked, StoreError> {
    let Some(manifest) = Manifest::read(store, path)? else {
        // DataJoint's staged inserts write no manifest; that the folder is there is all that can be said.
        store.level(path)?;
        return Ok(Looked { bytes_read: 0, has_checksum: false });
    };
    manifest.verify(store, path, deep)?;
    let has_checksum = manifest.files.iter().all(|file| file.crc32c.is_some());
    Ok(Looked { bytes_read: if deep { manifest.total_bytes() } else { 0 }, has_checksum })
}

/// Folders of a store under which all objects of a schema lie.
fn sections(spec: &StoreSpec, schema: &str) -> Vec<String> {
    let below = |prefix: &str, rest: &str| match (prefix.trim_matches('/'), rest) {
        ("", rest) => rest.to_owned(),
        (prefix, "") => prefix.to_owned(),
        (prefix, rest) => format!("{prefix}/{rest}"),
    };
    // Partitions stand before the schema's name.
    let in_schema = if spec.partition_pattern.is_some() { "" } else { schema };
    vec![below(&spec.hash_prefix, schema), below(&spec.schema_prefix, in_schema)]
}

/// Whether an object of a store belongs to a schema, by its path. Partitions stand before the schema's name.
fn belongs_to(spec: &StoreSpec, schema: &str, path: &str) -> bool {
    let below = |prefix: &str| match prefix.trim_matches('/') {
        "" => Some(path.to_owned()),
        prefix => path.strip_prefix(prefix)?.strip_prefix('/').map(str::to_owned),
    };
    let in_hash = below(&spec.hash_prefix).is_some_and(|rest| rest.split('/').next() == Some(schema));
    let in_schema = below(&spec.schema_prefix).is_some_and(|rest| {
        let mut folders = rest.split('/');
        folders.find(|folder| !(spec.partition_pattern.is_some() && folder.contains('='))) == Some(schema)
    });
    in_hash || in_schema
}

/// Whether an object is one of those named, lies in a folder that is, or is the manifest of one.
fn is_covered(named: &BTreeSet<(String, String)>, (store, path): &(String, String)) -> bool {
    let is_named = |path: &str| named.contains(&(store.clone(), path.to_owned()));
    let folders = path.match_indices('/').filter_map(|(at, _)| path.get(..at));
    is_named(path)
        || folders.into_iter().any(is_named)
        || path.strip_suffix(MANIFEST_SUFFIX).is_some_and(is_named)
}

/// Finds objects in the schema's parts of the stores that no row refers to. Nothing is deleted.
///
/// # Errors
/// [`Error`] when references or a listing could not be read completely.
pub fn unreferenced(schema: &Schema) -> Result<UnreferencedReport, Error> {
    let stores = schema.connection().stores();
    // Listed before the references are read: an object uploaded in between is then not even a candidate.
    let mut found: BTreeMap<(String, String), u64> = BTreeMap::new();
    for name in stores.names() {
        let store = stores.get(Some(&name))?;
        for section in sections(store.spec(), schema.name()) {
            store.list_with(&section, |object| {
                if belongs_to(store.spec(), schema.name(), &object.path) {
                    found.insert((name.clone(), object.path), object.size_bytes);
                }
                Ok(())
            })?;
        }
    }
    let references = references(schema)?;
    let mut report = UnreferencedReport { stored: found.len() as u64, ..UnreferencedReport::default() };
    let mut named: BTreeSet<(String, String)> = BTreeSet::new();
    for RowReference { object, .. } in references {
        let path = object.path.trim_end_matches('/').to_owned();
        named.insert((object.store.unwrap_or_default(), path));
    }
    report.referenced = named.len() as u64;
    let in_flight: BTreeSet<(String, String)> = {
        let guard = schema.connection().lock()?;
        let intents = guard.adapter().intents().list(schema.name())?;
        intents
            .into_iter()
            .flat_map(|intent| intent.objects)
            .map(|object| (object.store, object.path))
            .collect()
    };
    for (object, size_bytes) in found {
        if !is_covered(&named, &object) && !is_covered(&in_flight, &object) {
            report.unreferenced.push((object.0, object.1, size_bytes));
        }
    }
    Ok(report)
}
