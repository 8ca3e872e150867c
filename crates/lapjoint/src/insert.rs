//! Insert: rows matched to the heading, encoded in parallel, uploaded, and committed together.

mod encode;
mod matching;
mod present;

use std::collections::BTreeSet;

use lapjoint_db::{InsertMode, TransactionMode};
use lapjoint_store::staging::undo;
use lapjoint_store::{Addressing, PendingObject, StoredObject};
use lapjoint_types::Value;
use lapjoint_types::naming::Tier;

pub(crate) use encode::Encoder;
use encode::weight_bytes;
use matching::Matching;
pub(crate) use matching::now;
use present::Present;

use crate::compute::is_making;
use crate::connection::{Connection, Guard};
use crate::error::Error;
use crate::heading::Attribute;
use crate::query::Query;
use crate::row::Row;
use crate::table::{InsertOptions, Table};
use crate::watch::Watched;
use crate::work::Work;

/// Rows encoded at a time.
const BATCH_ROWS: usize = 4096;

/// Values encoded at a time, in bytes: with their encoded forms, this bounds the memory of an insert's objects.
const BATCH_BYTES: usize = 64 << 20;

/// Inserts `rows`: all with their objects, or none. Where a row cannot be had, nothing is inserted either.
pub(crate) fn insert(
    table: &Table,
    rows: &mut dyn Iterator<Item = Result<Row, Error>>,
    options: &InsertOptions,
) -> Result<u64, Error> {
    let bound = table.bound();
    refuse_direct(table, options)?;
    let Some(first) = rows.next().transpose()? else { return Ok(0) };
    let mut matching = Matching::new(bound, &first, options.ignore_extra_fields);
    let attributes: Vec<_> = matching.attributes().cloned().collect();
    let columns: Vec<String> = attributes.iter().map(|attribute| attribute.name.clone()).collect();
    let connection = table.schema().connection();
    let encoder = Encoder::new(bound, connection.stores(), attributes);
    let mut source =
        Batches { rows: &mut std::iter::once(Ok(first)).chain(rows), matching: &mut matching, next: 0 };
    let mut work = Work::new(connection, &bound.def.id.schema);
    if !encoder.has_codecs() && !connection.in_transaction()? {
        return insert_plain(table, &mut source, &columns, options);
    }
    let mut present = (options.mode == InsertMode::SkipDuplicates)
        .then(|| Present::new(bound, &encoder.attributes))
        .flatten();
    let mut encoded: Vec<Encoded> = Vec::new();
    let mut watched = Watched::new(options.watch.as_ref(), options.rows_total);
    let mut prepare = || {
        while let Some((batch, first)) = source.next_batch()? {
            let rows_done = batch.len() as u64;
            let mut rows: Vec<(u64, Vec<Value>)> = (first..).zip(batch).collect();
            if let Some(present) = &mut present {
                let are_new = {
                    let mut guard = connection.lock()?;
                    present.are_new(rows.iter().map(|(_, row)| row.as_slice()), guard.adapter_mut())?
                };
                let mut are_new = are_new.into_iter();
                rows.retain(|_| are_new.next().unwrap_or(true));
            }
            let numbers: Vec<u64> = rows.iter().map(|(number, _)| *number).collect();
            let mut staged = Vec::new();
            for (number, (values, mut objects)) in numbers.into_iter().zip(encoder.encode(rows, &watched)?) {
                // Content under its hash is not noted: it may be what another writer's row refers to.
                let own = objects.iter().filter(|object| object.addressing == Addressing::Schema);
                let stored =
                    if present.is_some() { own.map(PendingObject::target).collect() } else { Vec::new() };
                encoded.push(Encoded { number, values, stored });
                staged.append(&mut objects);
            }
            work.upload(&staged, &watched)?;
            watched.advance(rows_done)?;
        }
        Ok(())
    };
    if let Err(error) = prepare() {
        return work.abandon(Err(error));
    }
    work.commit(|guard| {
        if let Some(present) = &present {
            skip_overtaken(present, &mut encoded, guard, connection)?;
        }
        let mut inserted = 0;
        let mut rows = encoded.into_iter().peekable();
        while rows.peek().is_some() {
            let mut numbers = Vec::with_capacity(BATCH_ROWS);
            let mut some = rows.by_ref().take(BATCH_ROWS).map(|row| {
                numbers.push(row.number);
                row.values
            });
            let done = guard.adapter_mut().insert(&bound.def, &columns, &mut some, options.mode);
            inserted += done.map_err(|error| Error::db(&bound.def.id)(error.with_numbers(&numbers)))?;
            watched.look()?;
        }
        Ok(inserted)
    })
}

/// A row that is ready to be inserted.
struct Encoded {
    /// Place of the row in the insert.
    number: u64,
    values: Vec<Value>,
    /// Objects stored for it; only noted where the row may yet be skipped.
    stored: Vec<StoredObject>,
}

/// Leaves out rows whose key another writer has inserted since they were looked up, and takes back what was stored for them.
/// On SQLite the write lock is held: nobody can insert one now. On a server somebody still can; the insert then skips the row,
/// and what was stored for it is left to collection.
fn skip_overtaken(
    present: &Present,
    encoded: &mut Vec<Encoded>,
    guard: &mut Guard<'_>,
    connection: &Connection,
) -> Result<(), Error> {
    let there = present.are_there(encoded.iter().map(|row| row.values.as_slice()), guard.adapter_mut())?;
    if !there.contains(&true) {
        return Ok(());
    }
    let mut there = there.into_iter();
    let overtaken = |_: &mut Encoded| there.next().unwrap_or(false);
    let stored: Vec<StoredObject> = encoded.extract_if(.., overtaken).flat_map(|row| row.stored).collect();
    Ok(undo(connection.stores(), &stored)?)
}

/// Inserts the rows of a query with their stored values as they are: objects are referred to by both tables.
pub(crate) fn insert_query(table: &Table, query: &Query, options: &InsertOptions) -> Result<u64, Error> {
    refuse_direct(table, options)?;
    let bound = table.bound();
    let select = query.compile()?;
    let given = select.heading().names();
    if !options.ignore_extra_fields
        && let Some(extra) = given.iter().find(|name| bound.heading.get(name).is_none())
    {
        return Err(Error::unknown_field(&bound.def.id, 0, extra, bound.heading.names()));
    }
    let columns: Vec<String> =
        bound.heading.names().into_iter().filter(|name| given.contains(name)).collect();
    let connection = table.schema().connection();
    // Until the commit nobody collects what only the copied rows will refer to.
    let copies_references =
        columns.iter().filter_map(|name| bound.heading.get(name)).any(Attribute::has_codec);
    let sources = query.tables();
    let schemas: BTreeSet<&str> = sources
        .iter()
        .map(|table| table.def.id.schema.as_str())
        .chain([bound.def.id.schema.as_str()])
        .collect();
    connection.transaction_in(TransactionMode::Write, || {
        if copies_references {
            let mut guard = connection.lock()?;
            schemas.iter().try_for_each(|schema| guard.adapter_mut().lock_objects(schema, false))?;
        }
        let rows = query.stored(&select, &columns)?;
        let mut guard = connection.lock()?;
        guard
            .adapter_mut()
            .insert(&bound.def, &columns, &mut rows.into_iter(), options.mode)
            .map_err(Error::db(&bound.def.id))
    })
}

/// Rows of imported and computed tables come from their computation.
fn refuse_direct(table: &Table, options: &InsertOptions) -> Result<(), Error> {
    let is_refused = matches!(table.tier(), Tier::Imported | Tier::Computed) && !options.allow_direct_insert;
    if is_refused && !is_making(table) {
        return Err(Error::usage(
            "Inserts into an auto-populated table can only be done inside its make method during a populate call. To \
             override, set keyword argument allow_direct_insert=True.",
        ));
    }
    Ok(())
}

/// Inserts rows that have nothing to encode, batch by batch in one transaction. The lock is free while the caller's
/// iterator runs, which may use the connection itself.
fn insert_plain(
    table: &Table,
    source: &mut Batches<'_>,
    columns: &[String],
    options: &InsertOptions,
) -> Result<u64, Error> {
    let connection = table.schema().connection();
    let def = &table.bound().def;
    // Most inserts are one batch: their rows are all there before the database is locked.
    let mut batch = source.next_batch()?;
    connection.transaction_in(TransactionMode::Write, || {
        let mut inserted = 0;
        let mut watched = Watched::new(options.watch.as_ref(), options.rows_total);
        while let Some((rows, first)) = batch.take() {
            watched.advance(rows.len() as u64)?;
            let mut guard = connection.lock()?;
            inserted += guard
                .adapter_mut()
                .insert(def, columns, &mut rows.into_iter(), options.mode)
                .map_err(|error| Error::db(&def.id)(error.after_rows(first)))?;
            drop(guard);
            batch = source.next_batch()?;
        }
        Ok(inserted)
    })
}

/// Arranged rows, and the number of the first.
type Batch = (Vec<Vec<Value>>, u64);

/// Arranged rows in batches of bounded size.
struct Batches<'r> {
    rows: &'r mut dyn Iterator<Item = Result<Row, Error>>,
    matching: &'r mut Matching,
    next: u64,
}

impl Batches<'_> {
    /// The next batch and the number of its first row.
    fn next_batch(&mut self) -> Result<Option<Batch>, Error> {
        let first = self.next;
        let mut batch = Vec::new();
        let mut bytes = 0;
        while batch.len() < BATCH_ROWS && bytes < BATCH_BYTES {
            let Some(row) = self.rows.next().transpose()? else { break };
            bytes += row.values().iter().map(weight_bytes).sum::<usize>();
            batch.push(self.matching.arrange(row, self.next)?);
            self.next += 1;
        }
        Ok((!batch.is_empty()).then_some((batch, first)))
    }
}
