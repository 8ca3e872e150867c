//! Insert: rows matched to the heading, encoded in parallel, uploaded, and committed together.

mod encode;
mod matching;

use lapjoint_types::Value;
use lapjoint_types::naming::Tier;
use lapjoint_types::suggest::nearest;

pub(crate) use encode::Encoder;
use encode::weight_bytes;
pub(crate) use matching::now;
use matching::Matching;

use crate::error::Error;
use crate::query::Query;
use crate::row::Row;
use crate::table::{InsertOptions, Table};
use crate::watch::Watched;
use crate::work::Work;

/// Rows encoded at a time.
const BATCH_ROWS: usize = 4096;

/// Values encoded at a time, in bytes: with their encoded forms, this bounds the memory of an insert's objects.
const BATCH_BYTES: usize = 64 << 20;

/// Inserts `rows`: all with their objects, or none.
pub(crate) fn insert(
    table: &Table,
    rows: &mut dyn Iterator<Item = Row>,
    options: &InsertOptions,
) -> Result<u64, Error> {
    let bound = table.bound();
    refuse_direct(table, options)?;
    let Some(first) = rows.next() else { return Ok(0) };
    let mut matching = Matching::new(bound, &first, options.ignore_extra_fields);
    let attributes: Vec<_> = matching.attributes().cloned().collect();
    let columns: Vec<String> = attributes.iter().map(|attribute| attribute.name.clone()).collect();
    let connection = table.schema().connection();
    let encoder = Encoder::new(bound, connection.stores(), attributes);
    let mut source =
        Batches { rows: &mut std::iter::once(first).chain(rows), matching: &mut matching, next: 0 };
    let mut work = Work::new(connection, &bound.def.id.schema);
    if !encoder.has_codecs() && !connection.in_transaction()? {
        return insert_plain(table, &mut source, &columns, options);
    }
    let mut encoded: Vec<Vec<Value>> = Vec::new();
    let mut watched = Watched::new(options.watch.as_ref(), options.rows_total);
    let mut prepare = || {
        while let Some((batch, number)) = source.next_batch()? {
            let (mut values, staged) = encoder.encode(batch, number, &watched)?;
            work.upload(&staged, &watched)?;
            watched.advance(values.len() as u64)?;
            encoded.append(&mut values);
        }
        Ok(())
    };
    if let Err(error) = prepare() {
        return work.abandon(Err(error));
    }
    work.commit(|guard| {
        let mut rows = encoded.into_iter().peekable();
        let mut inserted = 0;
        let mut first = 0;
        while rows.peek().is_some() {
            inserted += guard
                .adapter_mut()
                .insert(&bound.def, &columns, &mut rows.by_ref().take(BATCH_ROWS), options.mode)
                .map_err(|error| Error::db(&bound.def.id)(error.after_rows(first)))?;
            first += BATCH_ROWS as u64;
            watched.look()?;
        }
        Ok(inserted)
    })
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
        let known = bound.heading.names();
        return Err(Error::UnknownField {
            table: bound.def.id.to_string(),
            row: 0,
            field: extra.clone(),
            nearest: nearest(extra, known.iter().map(String::as_str)).map(str::to_owned),
            known,
        });
    }
    let columns: Vec<String> =
        bound.heading.names().into_iter().filter(|name| given.contains(name)).collect();
    let connection = table.schema().connection();
    connection.transaction(|| {
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
    if matches!(table.tier(), Tier::Imported | Tier::Computed) && !options.allow_direct_insert {
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
    connection.transaction(|| {
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
    rows: &'r mut dyn Iterator<Item = Row>,
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
            let Some(row) = self.rows.next() else { break };
            bytes += row.values().iter().map(weight_bytes).sum::<usize>();
            batch.push(self.matching.arrange(row, self.next)?);
            self.next += 1;
        }
        Ok((!batch.is_empty()).then_some((batch, first)))
    }
}
