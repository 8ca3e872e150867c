//! `migrate`: re-encodes the values of a column in another version of their codec's format.
//!
//! Row by row: the stored value is decoded, encoded anew, its objects are uploaded under an intent as those of an insert, and what
//! was uploaded is decoded and compared with the old value. Only then the column is changed, in one transaction for a batch. Killed
//! at any moment, every row has its old or its new value with all objects; a second run goes on with what is left. Objects of old
//! values are left to collection, which knows whether other rows refer to them.

use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::Duration;

use lapjoint_codec::plain::is_same;
use lapjoint_codec::{Chain, CodecError, DecodeContext, EncodeContext, ObjectReference, Site};
use lapjoint_db::{ColumnType, TableId};
use lapjoint_store::{Payload, PendingObject};
use lapjoint_types::Value;

use crate::connection::Connection;
use crate::error::Error;
use crate::heading::{Attribute, Storage};
use crate::objects::{self, CollectOptions};
use crate::query::equal_sql;
use crate::session::Guard;
use crate::table::Table;
use crate::watch::{Watch, Watched};
use crate::work::Work;

/// Bytes of new objects in memory at which a batch is stored.
const BATCH_BYTES: u64 = 64 << 20;

/// How to migrate.
///
/// ```
/// use lapjoint::codecs::MigrateOptions;
/// let options = MigrateOptions::new().to("2.0").batch_rows(50);
/// # let _ = options;
/// ```
#[derive(Debug, Clone)]
pub struct MigrateOptions {
    to: Option<String>,
    batch_rows: usize,
    dry_run: bool,
    collect: Option<Duration>,
    watch: Option<Watch>,
}

impl Default for MigrateOptions {
    fn default() -> Self {
        Self { to: None, batch_rows: 100, dry_run: false, collect: None, watch: None }
    }
}

impl MigrateOptions {
    /// To the version that the codec writes, 100 rows at a time.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// To this version, which the codec must be able to write.
    #[must_use]
    pub fn to(mut self, version: impl Into<String>) -> Self {
        self.to = Some(version.into());
        self
    }

    /// Commits after this many rows, or earlier when their objects are large.
    #[must_use]
    pub fn batch_rows(mut self, rows: usize) -> Self {
        self.batch_rows = rows.max(1);
        self
    }

    /// Only counts the rows that would be migrated.
    #[must_use]
    pub const fn dry_run(mut self) -> Self {
        self.dry_run = true;
        self
    }

    /// Collects the schema's unreferenced objects at the end, with this grace period: see [`CollectOptions::grace`].
    #[must_use]
    pub const fn collect(mut self, grace: Duration) -> Self {
        self.collect = Some(grace);
        self
    }

    /// Lets `watch` look on, and stop the work between two batches.
    #[must_use]
    pub fn watch(mut self, watch: Watch) -> Self {
        self.watch = Some(watch);
        self
    }
}

/// A row that keeps its old value.
#[derive(Debug, Clone)]
pub struct Failed {
    /// Primary key, as text.
    pub key: String,
    /// Why.
    pub reason: String,
}

/// What a migration did.
#[derive(Debug, Clone, Default)]
pub struct MigrateReport {
    /// Version that was written.
    pub to: String,
    /// Rows that have a value.
    pub rows: u64,
    /// Rows that were of this version before.
    pub current: u64,
    /// Rows that were re-encoded; in a dry run, those that would be.
    pub migrated: u64,
    /// Rows that somebody else has changed or deleted meanwhile; a second run takes them.
    pub changed: u64,
    /// Rows whose value could not be re-encoded, or did not come back as it was. They keep their old value.
    pub failed: Vec<Failed>,
    /// Objects that migrated rows no longer refer to.
    pub left_objects: u64,
    /// Objects that the collection at the end deleted.
    pub deleted_objects: u64,
}

/// Re-encodes the values of an attribute whose version is another than the wanted one.
///
/// # Errors
/// [`Error`] when the codec declares no version or does not write the wanted one, inside a transaction, or when database or store
/// fail. What is done by then stays done.
pub fn migrate(table: &Table, attribute: &str, options: &MigrateOptions) -> Result<MigrateReport, Error> {
    let migration = Migration::new(table, attribute, options)?;
    let connection = table.schema().connection();
    if connection.in_transaction()? {
        return Err(Error::usage("values cannot be migrated inside a transaction"));
    }
    let mut report = MigrateReport { to: migration.to.clone(), ..MigrateReport::default() };
    let keys = migration.keys()?;
    report.rows = keys.len() as u64;
    let mut watched = Watched::new(options.watch.as_ref(), Some(report.rows));
    for some in keys.chunks(options.batch_rows) {
        migration.batch(some, options.dry_run, &mut report, &watched)?;
        watched.advance(some.len() as u64)?;
    }
    if let Some(grace) = options.collect.filter(|_| !options.dry_run) {
        let collect = CollectOptions::new().delete().grace(grace);
        report.deleted_objects = objects::collect(&[table.schema().clone()], &collect)?.deleted;
    }
    Ok(report)
}

/// Migrates those of some rows, given by their keys, that are of another version than their codec writes. For fetches, after which
/// the rows are known.
pub(crate) fn migrate_keys(
    table: &Table,
    attribute: &str,
    keys: &[Vec<Value>],
) -> Result<MigrateReport, Error> {
    let options = MigrateOptions::new();
    let migration = Migration::new(table, attribute, &options)?;
    let mut report = MigrateReport { to: migration.to.clone(), ..MigrateReport::default() };
    for some in keys.chunks(options.batch_rows) {
        migration.batch(some, false, &mut report, &Watched::new(None, None))?;
    }
    Ok(report)
}

struct Migration<'t> {
    table: &'t Table,
    connection: &'t Connection,
    attribute: Attribute,
    chain: Arc<Chain>,
    key: Vec<Attribute>,
    to: String,
}

/// A row that is encoded anew.
struct Encoded {
    key: Vec<Value>,
    old: Value,
    new: Value,
    staged: Vec<PendingObject>,
}

impl<'t> Migration<'t> {
    fn new(table: &'t Table, name: &str, options: &MigrateOptions) -> Result<Self, Error> {
        let id = table.id();
        let heading = table.heading();
        let Some(attribute) = heading.get(name) else {
            return Err(Error::unknown_attribute(name, &id.to_string(), &heading.names()));
        };
        let place = format!("{id}, attribute `{name}` ({})", attribute.declared);
        let chain = match &attribute.storage {
            Storage::Codec(chain) => Arc::clone(chain),
            Storage::Unbound { reason, .. } => {
                return Err(Error::usage(format!("{place} cannot be migrated: {reason}")));
            }
            Storage::Plain => {
                return Err(Error::usage(format!("{place} has no codec: there is nothing to migrate")));
            }
        };
        if attribute.in_key {
            return Err(Error::usage(format!("{place} belongs to the primary key, which cannot change")));
        }
        let Some(link) = chain.links().first() else {
            return Err(Error::usage(format!("{place} has no codec: there is nothing to migrate")));
        };
        let codec = &link.codec;
        let writes = codec.writes_versions();
        let to = match options.to.clone().or_else(|| codec.format_version()) {
            Some(to) => to,
            None => {
                return Err(Error::usage(format!(
                    "{place}: <{}> declares no version of its format, so that there is nothing to migrate to",
                    codec.name()
                )));
            }
        };
        if !writes.contains(&to) {
            return Err(Error::usage(format!(
                "{place}: <{}> does not write version {to}; it writes {}",
                codec.name(),
                if writes.is_empty() { "none by name".into() } else { writes.join(", ") }
            )));
        }
        let key = heading.all().iter().filter(|attribute| attribute.in_key).cloned().collect();
        Ok(Self {
            table,
            connection: table.schema().connection(),
            attribute: attribute.clone(),
            chain,
            key,
            to,
        })
    }

    fn id(&self) -> &TableId {
        self.table.id()
    }

    fn columns(&self, with_value: bool) -> Vec<(String, ColumnType)> {
        let value = with_value.then_some(&self.attribute);
        self.key.iter().chain(value).map(|a| (a.name.clone(), a.column.clone())).collect()
    }

    /// Keys of all rows with a value.
    fn keys(&self) -> Result<Vec<Vec<Value>>, Error> {
        let columns = self.columns(false);
        let mut guard = self.connection.lock()?;
        let adapter = guard.adapter_mut();
        let names: Vec<String> = columns.iter().map(|(name, _)| adapter.quote(name)).collect();
        let order = if names.is_empty() { String::new() } else { format!(" ORDER BY {}", names.join(", ")) };
        // A table without a key has at most one row.
        let selected = if names.is_empty() { "1".to_owned() } else { names.join(", ") };
        let sql = format!(
            "SELECT {selected} FROM {} WHERE {} IS NOT NULL{order}",
            adapter.quote_table(self.id()),
            adapter.quote(&self.attribute.name)
        );
        let result = if columns.is_empty() {
            vec![("one".to_owned(), ColumnType::Native("int".into()))]
        } else {
            columns
        };
        let is_keyless = self.key.is_empty();
        let mut keys = Vec::new();
        adapter
            .query(&sql, &[], &result, &mut |row| {
                keys.push(if is_keyless { Vec::new() } else { row });
                ControlFlow::Continue(())
            })
            .map_err(Error::db(self.id()))?;
        Ok(keys)
    }

    fn key_sql(&self, key: &[Value], guard: &Guard<'_>) -> Result<String, Error> {
        let adapter = guard.adapter();
        let parts: Result<Vec<String>, Error> =
            self.key.iter().zip(key).map(|(attribute, value)| equal_sql(attribute, value, adapter)).collect();
        let parts = parts?;
        Ok(if parts.is_empty() { "1=1".to_owned() } else { parts.join(" AND ") })
    }

    /// The stored values of some rows, with their keys.
    fn stored(&self, guard: &mut Guard<'_>, keys: &[Vec<Value>]) -> Result<Vec<(Vec<Value>, Value)>, Error> {
        let columns = self.columns(true);
        let conditions: Result<Vec<String>, Error> =
            keys.iter().map(|key| Ok(format!("({})", self.key_sql(key, guard)?))).collect();
        let conditions = conditions?.join(" OR ");
        let adapter = guard.adapter_mut();
        let names: Vec<String> = columns.iter().map(|(name, _)| adapter.quote(name)).collect();
        let sql =
            format!("SELECT {} FROM {} WHERE {conditions}", names.join(", "), adapter.quote_table(self.id()));
        let mut rows = Vec::new();
        adapter
            .query(&sql, &[], &columns, &mut |mut row| {
                if let Some(value) = row.pop().filter(|value| !value.is_null()) {
                    rows.push((row, value));
                }
                ControlFlow::Continue(())
            })
            .map_err(Error::db(self.id()))?;
        Ok(rows)
    }

    /// Migrates some rows.
    fn batch(
        &self,
        keys: &[Vec<Value>],
        dry_run: bool,
        report: &mut MigrateReport,
        watched: &Watched<'_>,
    ) -> Result<(), Error> {
        let rows = self.stored(&mut self.connection.lock()?, keys)?;
        report.changed += keys.len().saturating_sub(rows.len()) as u64;
        let mut encoded: Vec<Encoded> = Vec::new();
        let mut staged_bytes = 0;
        for (key, old) in rows {
            let fail = |error: String| Failed { key: self.key_text(&key), reason: error };
            match self.version(&key, &old) {
                Ok(Some(version)) if version == self.to => {
                    report.current += 1;
                    continue;
                }
                Ok(_) if dry_run => {
                    report.migrated += 1;
                    continue;
                }
                Ok(_) => {}
                Err(error) => {
                    report.failed.push(fail(error.to_string()));
                    continue;
                }
            }
            watched.look()?;
            match self.encode(&key, &old) {
                Ok((new, staged)) => {
                    staged_bytes += staged.iter().map(size_bytes).sum::<u64>();
                    encoded.push(Encoded { key, old, new, staged });
                }
                Err(error) => report.failed.push(fail(error.to_string())),
            }
            if staged_bytes >= BATCH_BYTES {
                self.store(std::mem::take(&mut encoded), report, watched)?;
                staged_bytes = 0;
            }
        }
        self.store(encoded, report, watched)
    }

    fn named<'k>(&self, key: &'k [Value]) -> Vec<(String, Value)>
    where
        't: 'k,
    {
        self.key.iter().zip(key).map(|(attribute, value)| (attribute.name.clone(), value.clone())).collect()
    }

    fn key_text(&self, key: &[Value]) -> String {
        let part = |(attribute, value): (&Attribute, &Value)| {
            format!("{}={}", attribute.name, crate::preview::cell(value))
        };
        self.key.iter().zip(key).map(part).collect::<Vec<_>>().join(", ")
    }

    fn site<'k>(&'k self, named: &'k [(String, Value)]) -> Site<'k> {
        let id = self.id();
        Site { schema: &id.schema, table: &id.table, field: &self.attribute.name, key: named }
    }

    fn decode(&self, key: &[Value], stored: Value, all: bool) -> Result<Value, CodecError> {
        let named = self.named(key);
        let download_path = self.connection.download_path();
        let context = DecodeContext {
            site: self.site(&named),
            stores: self.connection.stores(),
            store_name: None,
            download_path: &download_path,
        };
        let first = usize::from(!all);
        self.chain.decode_links(first..self.chain.links().len(), stored, &context)
    }

    /// Version of a stored value. Where the outermost codec has others beneath it, these decode.
    fn version(&self, key: &[Value], stored: &Value) -> Result<Option<String>, CodecError> {
        let Some(link) = self.chain.links().first() else { return Ok(None) };
        if self.chain.links().len() == 1 {
            return Ok(link.codec.version_of(stored));
        }
        Ok(link.codec.version_of(&self.decode(key, stored.clone(), false)?))
    }

    fn encode(&self, key: &[Value], old: &Value) -> Result<(Value, Vec<PendingObject>), CodecError> {
        let Some(link) = self.chain.links().first() else { return Ok((old.clone(), Vec::new())) };
        let decoded = self.decode(key, old.clone(), true)?;
        let value = lapjoint_codec::plain::plain(link.codec.as_ref(), decoded)?;
        let named = self.named(key);
        let mut context = EncodeContext::new(self.site(&named), self.connection.stores());
        context.version = Some(&self.to);
        let new = self.chain.encode(value, &mut context)?;
        Ok((new, context.take_staged()))
    }

    /// Uploads, compares and commits rows. Rows that fail keep their old value; the others are stored without them.
    fn store(
        &self,
        mut rows: Vec<Encoded>,
        report: &mut MigrateReport,
        watched: &Watched<'_>,
    ) -> Result<(), Error> {
        while !rows.is_empty() {
            let objects: Vec<PendingObject> = rows.iter().flat_map(|row| row.staged.clone()).collect();
            let mut work = Work::new(self.connection, &self.id().schema);
            if let Err(error) = work.upload(&objects, watched) {
                return work.abandon(Err(error));
            }
            let mut bad = None;
            for (index, row) in rows.iter().enumerate() {
                watched.look().or_else(|error| work.abandon(Err(error)))?;
                if let Some(reason) = self.compare(row) {
                    bad = Some((index, Some(reason)));
                    break;
                }
            }
            if bad.is_none() {
                let mut changed = None;
                let committed = work.commit(|guard| {
                    for (index, row) in rows.iter().enumerate() {
                        if !self.update(guard, row)? {
                            changed = Some(index);
                            return Err(Error::usage("a row was changed while it was migrated"));
                        }
                    }
                    Ok(())
                });
                match (committed, changed) {
                    (Ok(()), _) => {
                        report.migrated += rows.len() as u64;
                        report.left_objects += rows.iter().map(|row| self.left(row)).sum::<u64>();
                        return Ok(());
                    }
                    (Err(_), Some(index)) => bad = Some((index, None)),
                    (Err(error), None) => return Err(error),
                }
            } else {
                // Nothing of this batch is committed; it is stored again without the row.
                work.abandon(Ok(()))?;
            }
            if let Some((index, reason)) = bad {
                let row = rows.remove(index);
                match reason {
                    Some(reason) => report.failed.push(Failed { key: self.key_text(&row.key), reason }),
                    None => report.changed += 1,
                }
            }
        }
        Ok(())
    }

    /// Why a new value is not the old one, read from the store.
    fn compare(&self, row: &Encoded) -> Option<String> {
        let link = self.chain.links().first()?;
        let compared = || -> Result<Option<String>, CodecError> {
            match self.version(&row.key, &row.new)? {
                Some(version) if version == self.to => {}
                found => {
                    return Ok(Some(format!(
                        "<{}> was to write version {}, and what it wrote says {}",
                        link.codec.name(),
                        self.to,
                        found.unwrap_or_else(|| "none".into())
                    )));
                }
            }
            let old = self.decode(&row.key, row.old.clone(), true)?;
            let new = self.decode(&row.key, row.new.clone(), true)?;
            Ok(match is_same(link.codec.as_ref(), &old, &new)? {
                Some(true) => None,
                Some(false) => Some("the new value is another one than the old".into()),
                None => Some(format!(
                    "values of type {} cannot be compared: give the codec a method `equal(a, b)`",
                    old.type_name()
                )),
            })
        };
        compared().unwrap_or_else(|error| Some(error.to_string()))
    }

    /// Changes one row in the open transaction; false when its value is no longer the one that was read.
    fn update(&self, guard: &mut Guard<'_>, row: &Encoded) -> Result<bool, Error> {
        let condition = self.key_sql(&row.key, guard)?;
        let (table, column) = {
            let adapter = guard.adapter();
            (adapter.quote_table(self.id()), adapter.quote(&self.attribute.name))
        };
        // Takes the row's lock on every database, so that what is read next stays true.
        let lock = format!("UPDATE {table} SET {column} = {column} WHERE {condition}");
        guard.adapter_mut().execute(&lock, &[]).map_err(Error::db(self.id()))?;
        let present = self.stored(guard, std::slice::from_ref(&row.key))?;
        if !matches!(present.as_slice(), [(_, value)] if *value == row.old) {
            return Ok(false);
        }
        let parameters = [(row.new.clone(), self.attribute.column.clone())];
        let sql = format!("UPDATE {table} SET {column} = ? WHERE {condition}");
        guard.adapter_mut().execute(&sql, &parameters).map_err(Error::db(self.id()))?;
        Ok(true)
    }

    /// Number of objects that only the old value refers to.
    fn left(&self, row: &Encoded) -> u64 {
        let references = |value: &Value| self.chain.references(value).unwrap_or_default();
        let new = references(&row.new);
        let is_left = |old: &ObjectReference| {
            old.owned && !new.iter().any(|n| n.path == old.path && n.store == old.store)
        };
        references(&row.old).iter().filter(|old| is_left(old)).count() as u64
    }
}

fn size_bytes(object: &PendingObject) -> u64 {
    match &object.payload {
        Payload::Bytes(bytes) => bytes.len() as u64,
        Payload::Chunks(chunks) => chunks.iter().map(|chunk| chunk.len() as u64).sum(),
        _ => 1 << 20,
    }
}
