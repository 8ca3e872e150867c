//! Rows and objects together: what a dead or failed insert left behind is finished or undone.
//!
//! An insert with objects goes through these steps:
//!
//! 1. its intent is written to the intent log, outside of any transaction;
//! 2. its objects are uploaded;
//! 3. one transaction inserts the rows and a *marker* with the intent's identity;
//! 4. after the commit the intent is removed, and the marker goes with the next write.
//!
//! Whatever moment the process dies at, the marker tells: if it is in the database, so are the rows, and the objects
//! stay; if not, the rows never were, and the objects are removed. Schema-addressed objects have a random token in
//! their path, so nobody else can refer to them. Hash-addressed objects may be shared: one is removed only while the
//! write lock is held and no row of the schema mentions it, and an insert that found its object already there looks
//! again under the same lock before it commits.
//!
//! What was there before an insert is not the insert's to remove, as another database may use the same store. A directory is
//! asked before the intent is written, and the intent names what was not there. A service would need a request for each
//! object; there the intent names all of them, and each object carries the intent's identity as its *origin*, so that the
//! undoing can tell those that the insert created. One without an origin, or with another's, is left alone.

use std::collections::{BTreeSet, HashSet};
use std::ops::ControlFlow;
use std::time::Duration;

use lapjoint_codec::Chain;
use lapjoint_db::{
    ColumnDef, ColumnType, InsertMode, IntendedObject, Intent, TableDef, TableId, TransactionMode,
};
use lapjoint_store::StoredObject;
use lapjoint_store::staging::{ObjectKind, created_by};
use lapjoint_types::{CoreType, Value};

use crate::connection::{Connection, Guard};
use crate::error::Error;
use crate::heading::{Attribute, Storage};
use crate::schema::Schema;

/// Age at which a half-written file is nobody's any more.
const STAGING_AGE: Duration = Duration::from_secs(24 * 60 * 60);

/// Hashes looked for in one statement, each of which reads a column from end to end.
const HASHES_AT_ONCE: usize = 100;

/// Hidden table of the markers of committed intents.
const MARKERS: &str = "~commit";

fn marker_table(schema: &str) -> TableDef {
    let column = |name: &str, length: u32| ColumnDef {
        name: name.to_owned(),
        ty: ColumnType::Core(CoreType::Varchar(length)),
        nullable: false,
        default: None,
        comment: format!(":varchar({length}):"),
        auto_increment: false,
    };
    TableDef {
        id: TableId::new(schema, MARKERS),
        comment: "markers of inserts whose rows are committed and whose intents are not yet removed"
            .to_owned(),
        columns: vec![column("intent_id", 36), column("session", 64)],
        primary_key: vec!["intent_id".to_owned()],
        foreign_keys: Vec::new(),
        indexes: Vec::new(),
    }
}

/// Makes sure that the schema can hold markers.
pub(crate) fn prepare(guard: &mut Guard<'_>, schema: &str) -> Result<(), Error> {
    if guard.state().prepared.contains(schema) {
        return Ok(());
    }
    let table = marker_table(schema);
    guard.adapter_mut().create_table(&table).map_err(Error::db(&table.id))?;
    // In a transaction it may yet be undone.
    if !guard.in_transaction() {
        guard.state().prepared.insert(schema.to_owned());
    }
    Ok(())
}

/// Leaves the intent's marker in the open transaction, and takes away those that are no longer needed.
pub(crate) fn mark(guard: &mut Guard<'_>, intent: &Intent) -> Result<(), Error> {
    let table = marker_table(&intent.schema);
    // Only of this schema, which has its table of markers: another one may have been dropped meanwhile.
    let finished = std::mem::take(&mut guard.state().finished);
    let (here, elsewhere): (Vec<_>, Vec<_>) =
        finished.into_iter().partition(|(schema, _)| *schema == intent.schema);
    guard.state().finished = elsewhere;
    for (schema, id) in &here {
        remove_marker(guard, schema, id)?;
    }
    let columns = ["intent_id".to_owned(), "session".to_owned()];
    let row = vec![Value::from(intent.id.as_str()), Value::from(intent.session.as_str())];
    guard
        .adapter_mut()
        .insert(&table, &columns, &mut std::iter::once(row), InsertMode::SkipDuplicates)
        .map_err(Error::db(&table.id))?;
    Ok(())
}

fn remove_marker(guard: &mut Guard<'_>, schema: &str, id: &str) -> Result<(), Error> {
    let table = TableId::new(schema, MARKERS);
    let text = ColumnType::Core(CoreType::Varchar(36));
    let adapter = guard.adapter_mut();
    let sql = format!("DELETE FROM {} WHERE {} = ?", adapter.quote_table(&table), adapter.quote("intent_id"));
    adapter.execute(&sql, &[(Value::from(id), text)]).map_err(Error::db(&table))?;
    Ok(())
}

/// Removes the records of intents whose rows are committed. A failure here loses nothing: recovery finds the marker.
pub(crate) fn finish(guard: &mut Guard<'_>, intents: &[Intent]) {
    for intent in intents {
        let removed = guard.adapter().intents().remove(&intent.schema, &intent.id);
        match removed {
            Ok(()) => guard.state().finished.push((intent.schema.clone(), intent.id.clone())),
            Err(error) => {
                tracing::warn!(intent = intent.id, %error, "a finished intent stays until the next start")
            }
        }
    }
}

/// Removes what an intent uploaded, as far as no committed row refers to it, and then the intent.
///
/// The marker has the last word here too: a commit may have reported an error and be done all the same.
pub(crate) fn undo(connection: &Connection, intent: &Intent) -> Result<(), Error> {
    let mut guard = connection.lock()?;
    if guard.in_transaction() {
        // An insert failed inside a transaction that goes on: its marker must not be committed with the rest.
        remove_marker(&mut guard, &intent.schema, &intent.id)?;
    } else if has_marker(&mut guard, intent)? {
        finish(&mut guard, std::slice::from_ref(intent));
        return Ok(());
    } else if !is_ours(&guard, intent)? {
        return Ok(());
    }
    let (shared, own): (Vec<_>, Vec<_>) = intent.objects.iter().partition(|object| object.hash_addressed);
    let own: Vec<_> = own.into_iter().map(stored).collect();
    lapjoint_store::undo(connection.stores(), &own)?;
    if guard.in_transaction() {
        // The transaction holds the record, and may read what was there when it began while others have committed references
        // since. Its end undoes the rest.
        guard.state().open_undo.push(intent.clone());
        return Ok(());
    }
    let shared = shared.into_iter().map(stored).collect();
    let shared = created_by(connection.stores(), shared, &intent.id)?;
    if !shared.is_empty() {
        guard.adapter_mut().begin(TransactionMode::Write)?;
        let removed = remove_unreferenced(connection, &mut guard, &intent.schema, shared);
        guard.adapter_mut().rollback()?;
        removed?;
    }
    guard.adapter().intents().remove(&intent.schema, &intent.id)?;
    Ok(())
}

fn stored(object: &IntendedObject) -> StoredObject {
    let kind = if object.is_dir { ObjectKind::Folder } else { ObjectKind::File };
    StoredObject { store: object.store.clone(), path: object.path.clone(), kind }
}

/// Removes the objects that no row of the schema mentions. The caller's transaction reads what is committed.
fn remove_unreferenced(
    connection: &Connection,
    guard: &mut Guard<'_>,
    schema: &str,
    objects: Vec<StoredObject>,
) -> Result<(), Error> {
    let tables = guard.adapter_mut().list_tables(schema)?;
    let mut columns: Vec<(TableId, Attribute)> = Vec::new();
    for table in tables.into_iter().filter(|table| !table.starts_with('~')) {
        let id = TableId::new(schema, table);
        let Some(def) = guard.adapter_mut().load_table(&id).map_err(Error::db(&id))? else { continue };
        let heading = crate::heading::Heading::from_table(&def, connection.registry());
        let with_objects = heading.all().iter().filter(|attribute| match &attribute.storage {
            Storage::Plain => false,
            Storage::Codec(chain) => Chain::may_refer(chain),
            // Without its codec nobody knows what the column refers to, so that it is searched as well.
            Storage::Unbound { .. } => true,
        });
        columns.extend(with_objects.map(|attribute| (id.clone(), attribute.clone())));
    }
    guard.adapter_mut().lock_objects(schema, true)?;
    let mut open = objects;
    for (table, attribute) in &columns {
        if open.is_empty() {
            return Ok(());
        }
        open = not_mentioned(guard, table, attribute, open)?;
    }
    Ok(lapjoint_store::undo(connection.stores(), &open)?)
}

/// Those of the objects whose hash no row has in this column.
fn not_mentioned(
    guard: &mut Guard<'_>,
    table: &TableId,
    attribute: &Attribute,
    objects: Vec<StoredObject>,
) -> Result<Vec<StoredObject>, Error> {
    let text = ColumnType::Core(CoreType::Varchar(u32::MAX));
    let is_text = !matches!(attribute.column, ColumnType::Core(CoreType::Bytes));
    if !is_text {
        // Of a codec that is missing: its bytes may refer to anything, so that all is kept for a session that has it.
        return Ok(Vec::new());
    }
    let hash = |object: &StoredObject| object.path.rsplit('/').next().unwrap_or(&object.path).to_owned();
    let mut kept = Vec::new();
    for some in objects.chunks(HASHES_AT_ONCE) {
        let adapter = guard.adapter_mut();
        let column = adapter.text_of(&adapter.quote(&attribute.name));
        let conditions = some
            .iter()
            .map(|object| {
                let pattern = adapter.literal(&Value::Str(format!("%{}%", hash(object))), &text)?;
                Ok(format!("{column} LIKE {pattern}"))
            })
            .collect::<Result<Vec<_>, Error>>()?;
        let sql =
            format!("SELECT {column} FROM {} WHERE {}", adapter.quote_table(table), conditions.join(" OR "));
        let mut mentioned: HashSet<&StoredObject> = HashSet::new();
        adapter
            .query(&sql, &[], &[(attribute.name.clone(), text.clone())], &mut |row| {
                if let Some(Value::Str(found)) = row.first() {
                    mentioned.extend(some.iter().filter(|object| found.contains(&hash(object))));
                }
                if mentioned.len() == some.len() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
            })
            .map_err(Error::db(table))?;
        kept.extend(some.iter().filter(|object| !mentioned.contains(object)).cloned());
    }
    Ok(kept)
}

/// Finishes or undoes what dead sessions left in a schema.
pub(crate) fn recover(schema: &Schema) -> Result<RecoveryReport, Error> {
    let connection = schema.connection();
    let mut report = RecoveryReport::default();
    let log = connection.lock()?.adapter().intents();
    for intent in log.list(schema.name())? {
        let mut guard = connection.lock()?;
        if guard.in_transaction() || guard.adapter_mut().is_session_alive(&intent.session)? {
            continue;
        }
        // First claimed, then looked at: from now on its session, if it lives after all, cannot commit it.
        let session = guard.adapter().session().to_owned();
        if !log.claim(&intent, &session)? {
            continue;
        }
        let intent = Intent { session, ..intent };
        let committed = has_marker(&mut guard, &intent)?;
        drop(guard);
        if committed {
            log.remove(&intent.schema, &intent.id)?;
            report.finished += 1;
            continue;
        }
        match undo(connection, &intent) {
            Ok(()) => {
                report.undone += 1;
                clean_staging(connection, &intent);
            }
            // The schema stays usable where only the store is missing here; the intent waits for a session that has it.
            Err(Error::Store(error)) => {
                tracing::warn!(intent = intent.id, %error, "an unfinished insert could not be undone yet");
                report.waiting += 1;
            }
            Err(error) => return Err(error),
        }
    }
    remove_stale_markers(connection, schema.name())?;
    Ok(report)
}

/// Removes what the dead session may have half written in a store's staging folder, and what older ones left there.
fn clean_staging(connection: &Connection, intent: &Intent) {
    let stores: BTreeSet<&str> = intent.objects.iter().map(|object| object.store.as_str()).collect();
    for store in stores {
        let cleaned = connection.stores().get(Some(store)).and_then(|store| store.clean_staging(STAGING_AGE));
        if let Err(error) = cleaned {
            tracing::warn!(store, %error, "half-written files stay in the staging folder");
        }
    }
}

/// What a recovery did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct RecoveryReport {
    /// Inserts whose rows were committed; only their records were left.
    pub finished: u64,
    /// Inserts whose rows were not committed; their objects were removed.
    pub undone: u64,
    /// Inserts that could not be undone because a store is not configured or not reachable here.
    pub waiting: u64,
}

/// The markers of a schema: intent and session.
fn markers(guard: &mut Guard<'_>, schema: &str) -> Result<Vec<(String, String)>, Error> {
    let table = TableId::new(schema, MARKERS);
    let adapter = guard.adapter_mut();
    if !adapter.list_tables(schema)?.iter().any(|name| name == MARKERS) {
        return Ok(Vec::new());
    }
    let sql = format!(
        "SELECT {}, {} FROM {}",
        adapter.quote("intent_id"),
        adapter.quote("session"),
        adapter.quote_table(&table)
    );
    let columns = [
        ("intent_id".to_owned(), ColumnType::Core(CoreType::Varchar(36))),
        ("session".to_owned(), ColumnType::Core(CoreType::Varchar(64))),
    ];
    let mut found = Vec::new();
    adapter
        .query(&sql, &[], &columns, &mut |row| {
            if let [Value::Str(id), Value::Str(session)] = row.as_slice() {
                found.push((id.clone(), session.clone()));
            }
            std::ops::ControlFlow::Continue(())
        })
        .map_err(Error::db(&table))?;
    Ok(found)
}

/// Whether the intent is this session's: not one that another took for dead and undoes, and not one whose commit is still
/// under way, which some databases wait for.
pub(crate) fn is_ours(guard: &Guard<'_>, intent: &Intent) -> Result<bool, Error> {
    let session = guard.adapter().session().to_owned();
    Ok(guard.adapter().intents().claim(intent, &session)?)
}

/// Whether the intent's rows are committed. A commit under way is waited for.
pub(crate) fn has_marker(guard: &mut Guard<'_>, intent: &Intent) -> Result<bool, Error> {
    if !guard.in_transaction() {
        is_ours(guard, intent)?;
    }
    Ok(markers(guard, &intent.schema)?.iter().any(|(id, _)| *id == intent.id))
}

/// Removes markers whose intents are gone and whose sessions are dead.
fn remove_stale_markers(connection: &Connection, schema: &str) -> Result<(), Error> {
    let mut guard = connection.lock()?;
    if guard.in_transaction() {
        return Ok(());
    }
    let mut stale = Vec::new();
    for (id, session) in markers(&mut guard, schema)? {
        if !guard.adapter_mut().is_session_alive(&session)? {
            stale.push(id);
        }
    }
    if stale.is_empty() {
        return Ok(());
    }
    let open: Vec<String> =
        guard.adapter().intents().list(schema)?.into_iter().map(|intent| intent.id).collect();
    for id in stale.iter().filter(|id| !open.contains(id)) {
        remove_marker(&mut guard, schema, id)?;
    }
    Ok(())
}
