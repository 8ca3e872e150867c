//! Fetching: one statement, decoded straight into rows; codec attributes decoded in parallel.

use std::ops::{ControlFlow, Range};
use std::sync::Arc;

use lapjoint_codec::{Chain, CodecError, DecodeContext, Site, stand_in};
use lapjoint_db::{Adapter, ColumnType};
use lapjoint_store::interruptible;
use lapjoint_types::{CodecSpec, FromValue, StoreRef, Value};
use rayon::prelude::*;

use crate::error::Error;
use crate::heading::{Attribute, Storage};
use crate::query::Query;
use crate::query::outdated::Outdated;
use crate::query::select::Select;
use crate::row::Row;
#[cfg(feature = "arrow")]
use crate::watch::Watch;
use crate::watch::Watched;

/// Rows decoded at a time: enough to keep all cores busy, few enough to bound memory.
pub(crate) const BATCH_ROWS: usize = 256;

/// Rows read between two looks of a watch.
const LOOK_ROWS: usize = 4096;

impl Query {
    /// All rows with all visible attributes.
    ///
    /// # Errors
    /// [`Error`] when the statement fails or a value cannot be decoded.
    pub fn fetch(&self) -> Result<Vec<Row>, Error> {
        let mut rows = Vec::new();
        self.for_each(|row| {
            rows.push(row);
            ControlFlow::Continue(())
        })?;
        Ok(rows)
    }

    /// Hands every row to `visit`. Rows are read as the database holds them, then decoded in batches: memory holds the
    /// stored rows and one batch of decoded values.
    ///
    /// # Errors
    /// As for [`fetch`](Self::fetch).
    pub fn for_each(&self, mut visit: impl FnMut(Row) -> ControlFlow<()>) -> Result<(), Error> {
        let select = self.compile()?;
        let names = select.heading().names();
        self.stream(&select, &names, &mut visit)
    }

    /// The only row of the query.
    ///
    /// # Errors
    /// [`Error::NotOneRow`] when there is none, or more than one.
    pub fn fetch1(&self) -> Result<Row, Error> {
        let mut rows = self.top(Some(2), 0, Vec::<String>::new()).fetch()?;
        match (rows.pop(), rows.is_empty()) {
            (Some(row), true) => Ok(row),
            (last, _) => Err(Error::NotOneRow {
                place: self.base().def.id.to_string(),
                found: rows.len() + usize::from(last.is_some()),
            }),
        }
    }

    /// One attribute of the only row.
    ///
    /// # Errors
    /// [`Error::NotOneRow`], or [`Error::Convert`] when the value is of another type.
    pub fn fetch1_as<T: FromValue>(&self, attribute: &str) -> Result<T, Error> {
        self.only(attribute)?.fetch1()?.get(attribute)
    }

    /// One attribute of all rows.
    ///
    /// # Errors
    /// As for [`fetch`](Self::fetch), or [`Error::Convert`] when a value is of another type.
    pub fn column<T: FromValue>(&self, attribute: &str) -> Result<Vec<T>, Error> {
        let select = self.compile()?;
        let mut values = Vec::new();
        let mut failure = None;
        self.stream(&select, &[attribute.to_owned()], &mut |row| {
            match row.get(attribute) {
                Ok(value) => values.push(value),
                Err(error) => {
                    failure = Some(error);
                    return ControlFlow::Break(());
                }
            }
            ControlFlow::Continue(())
        })?;
        failure.map_or(Ok(values), Err)
    }

    /// The primary keys of all rows.
    ///
    /// # Errors
    /// As for [`fetch`](Self::fetch).
    pub fn keys(&self) -> Result<Vec<Row>, Error> {
        self.proj(Vec::<&str>::new()).fetch()
    }

    /// The first `limit` rows in the order of the primary key.
    ///
    /// # Errors
    /// As for [`fetch`](Self::fetch).
    pub fn head(&self, limit: u64) -> Result<Vec<Row>, Error> {
        self.top(Some(limit), 0, ["KEY"]).fetch()
    }

    /// The last `limit` rows in the order of the primary key.
    ///
    /// # Errors
    /// As for [`fetch`](Self::fetch).
    pub fn tail(&self, limit: u64) -> Result<Vec<Row>, Error> {
        let mut rows = self.top(Some(limit), 0, ["KEY DESC"]).fetch()?;
        rows.reverse();
        Ok(rows)
    }

    /// Number of rows.
    ///
    /// # Errors
    /// [`Error`] when the statement fails.
    pub fn count(&self) -> Result<u64, Error> {
        self.counted(Select::count_sql)
    }

    /// The number that a statement yields.
    fn counted(
        &self,
        sql: impl FnOnce(&Select, &dyn Adapter) -> Result<String, Error>,
    ) -> Result<u64, Error> {
        let mut guard = self.connection().lock()?;
        let select = Select::compile(self.expression(), guard.adapter())?;
        let sql = sql(&select, guard.adapter())?;
        let mut count = 0;
        let columns = [("count".to_owned(), ColumnType::Native("bigint".into()))];
        guard
            .adapter_mut()
            .query(&sql, &[], &columns, &mut |row| {
                if let Some(Value::Int(number)) = row.first() {
                    count = u64::try_from(*number).unwrap_or(0);
                }
                ControlFlow::Break(())
            })
            .map_err(Error::db(&self.base().def.id))?;
        Ok(count)
    }

    /// Whether there is any row.
    ///
    /// # Errors
    /// [`Error`] when the statement fails.
    pub fn exists(&self) -> Result<bool, Error> {
        Ok(self.counted(Select::first_sql)? > 0)
    }

    /// The function that looks at fetches, if there is one.
    #[cfg(feature = "arrow")]
    pub(crate) const fn watch(&self) -> Option<&Watch> {
        self.watch.as_ref()
    }

    fn only(&self, attribute: &str) -> Result<Self, Error> {
        let heading = self.heading()?;
        if heading.get(attribute).is_none() {
            return Err(Error::unknown_attribute(
                attribute,
                &self.base().def.id.to_string(),
                &heading.names(),
            ));
        }
        Ok(self.proj([attribute]))
    }

    /// The rows of the named attributes as the database holds them. The caller and its codecs may come back to this
    /// connection: all rows are read, and the lock is gone, before any of them runs.
    pub(crate) fn stored(&self, select: &Select, names: &[String]) -> Result<Vec<Vec<Value>>, Error> {
        let columns: Vec<(String, ColumnType)> = names
            .iter()
            .filter_map(|name| select.columns.iter().find(|c| c.attribute.name == *name))
            .map(|column| (column.attribute.name.clone(), column.attribute.column.clone()))
            .collect();
        let watched = Watched::new(self.watch.as_ref(), None);
        let mut interrupted = None;
        let mut stored = Vec::new();
        let mut guard = self.connection().lock()?;
        let sql = select.sql(guard.adapter(), names)?;
        guard
            .adapter_mut()
            .query(&sql, &[], &columns, &mut |values| {
                stored.push(values);
                if stored.len().is_multiple_of(LOOK_ROWS)
                    && let Err(error) = watched.look()
                {
                    interrupted = Some(error);
                    return ControlFlow::Break(());
                }
                ControlFlow::Continue(())
            })
            .map_err(Error::db(&self.base().def.id))?;
        interrupted.map_or(Ok(stored), Err)
    }

    /// Runs the statement and decodes its rows batch by batch.
    fn stream(
        &self,
        select: &Select,
        names: &[String],
        visit: &mut dyn FnMut(Row) -> ControlFlow<()>,
    ) -> Result<(), Error> {
        let attributes: Vec<Attribute> = names
            .iter()
            .filter_map(|name| select.columns.iter().find(|c| c.attribute.name == *name))
            .map(|column| column.attribute.clone())
            .collect();
        let mut outdated = Outdated::of(self, &attributes)?;
        let decoder = Decoder::new(self, attributes);
        let shared = Arc::new(names.to_vec());
        let stored = self.stored(select, names)?;
        if !decoder.has_codecs {
            for values in stored {
                if visit(Row::from_parts(Arc::clone(&shared), values)).is_break() {
                    break;
                }
            }
            return Ok(());
        }
        let mut first_row = 0u64;
        let mut watched = Watched::new(self.watch.as_ref(), Some(stored.len() as u64));
        let mut stored = stored.into_iter();
        loop {
            let batch: Vec<_> = stored.by_ref().take(BATCH_ROWS).collect();
            if batch.is_empty() {
                if let Some(outdated) = outdated {
                    outdated.migrate(self);
                }
                return Ok(());
            }
            if let Some(outdated) = &mut outdated {
                batch.iter().for_each(|row| outdated.note(row));
            }
            let count = batch.len() as u64;
            let batch: Vec<_> = (first_row..).zip(batch).collect();
            let decoded = decoder.decode_batch(batch, &watched)?;
            watched.advance(count)?;
            for (_, values) in decoded {
                if visit(Row::from_parts(Arc::clone(&shared), values)).is_break() {
                    return Ok(());
                }
            }
            first_row += count;
        }
    }
}

/// Decodes the codec attributes of fetched rows.
pub(crate) struct Decoder<'q> {
    query: &'q Query,
    attributes: Vec<Attribute>,
    has_codecs: bool,
    key: Vec<usize>,
    download_path: std::path::PathBuf,
    /// Objects to be read at once.
    at_once: usize,
}

/// A row's number and values.
pub(crate) type Numbered = (u64, Vec<Value>);

/// Which codecs of the chains.
#[derive(Clone, Copy)]
enum Part {
    All,
    /// Those that may work on several threads.
    Inner,
    /// The others.
    Outer,
}

impl Part {
    fn of(self, attribute: &Attribute, chain: &Chain) -> Range<usize> {
        match self {
            Self::All => 0..chain.links().len(),
            Self::Inner => attribute.first_parallel()..chain.links().len(),
            Self::Outer => 0..attribute.first_parallel(),
        }
    }
}

impl<'q> Decoder<'q> {
    pub fn new(query: &'q Query, attributes: Vec<Attribute>) -> Self {
        let has_codecs = attributes.iter().any(Attribute::has_codec);
        let key = attributes.iter().enumerate().filter(|(_, a)| a.in_key).map(|(i, _)| i).collect();
        let download_path = query.connection().download_path();
        let stores = query.connection().stores();
        let at_once = attributes.iter().map(|attribute| attribute.reads_at_once(stores)).max().unwrap_or(1);
        Self { query, attributes, has_codecs, key, download_path, at_once }
    }

    /// Decodes rows: on all processors, or with as many threads as objects of a service are to be read at once. Codecs in Python
    /// take turns on this thread, after what lies beneath them has been read.
    pub fn decode_batch(&self, batch: Vec<Numbered>, watched: &Watched<'_>) -> Result<Vec<Numbered>, Error> {
        let is_parallel = self.attributes.iter().all(Attribute::is_parallel);
        let in_turn = |part, batch: Vec<Numbered>| -> Result<Vec<Numbered>, Error> {
            let decode = |row| watched.look().and_then(|()| self.decode(part, row));
            batch.into_iter().map(decode).collect()
        };
        let spread = |part, batch: Vec<Numbered>| {
            // Rows that wait for an answer are taken one by one, so that no thread sits on a heap of them.
            let most = if self.at_once > 1 { 1 } else { usize::MAX };
            watched.spread_over(self.at_once, |stop| {
                let decode = |row| {
                    stop.check()?;
                    let decoded = interruptible(Some(stop.flag()), || self.decode(part, row));
                    // What was stopped says so in its own words.
                    stop.check()?;
                    decoded
                };
                batch.into_par_iter().with_max_len(most).map(decode).collect()
            })
        };
        match batch.len() {
            2.. if is_parallel => spread(Part::All, batch),
            2.. if self.at_once > 1 => in_turn(Part::Outer, spread(Part::Inner, batch)?),
            _ => in_turn(Part::All, batch),
        }
    }

    fn decode(&self, part: Part, (row, mut values): Numbered) -> Result<Numbered, Error> {
        let key: Vec<(String, Value)> = self
            .key
            .iter()
            .filter_map(|&i| Some((self.attributes.get(i)?.name.clone(), values.get(i)?.clone())))
            .collect();
        let base = &self.query.base().def.id;
        for (attribute, value) in self.attributes.iter().zip(&mut values) {
            let id = attribute.table.as_deref().unwrap_or(base);
            let fail = |value_type: String, source| Error::Cell {
                table: id.to_string(),
                row,
                attribute: attribute.name.clone(),
                spec: attribute.declared.clone(),
                value_type,
                source: Box::new(source),
            };
            match &attribute.storage {
                Storage::Plain => {}
                Storage::Unbound { .. } if value.is_null() => {}
                // Has been decoded with the inner codecs.
                Storage::Unbound { .. } if matches!(part, Part::Outer) => {}
                Storage::Unbound { spec, reason } => {
                    let site =
                        Site { schema: &id.schema, table: &id.table, field: &attribute.name, key: &key };
                    let found = self.stand_in(spec, reason, value, site);
                    if let Some(decoded) = found.map_err(|source| fail(value.type_name(), source))? {
                        *value = decoded;
                        continue;
                    }
                    return Err(Error::Usage(format!(
                        "{id}, attribute `{}` ({spec}) cannot be decoded: {reason}",
                        attribute.name
                    )));
                }
                Storage::Codec(chain) => {
                    let context = DecodeContext {
                        site: Site {
                            schema: &id.schema,
                            table: &id.table,
                            field: &attribute.name,
                            key: &key,
                        },
                        stores: self.query.connection().stores(),
                        store_name: None,
                        download_path: &self.download_path,
                    };
                    let stored = std::mem::replace(value, Value::Null);
                    let value_type = stored.type_name();
                    let links = part.of(attribute, chain);
                    *value = chain
                        .decode_links(links, stored, &context)
                        .map_err(|source| fail(value_type, source))?;
                }
            }
        }
        Ok((row, values))
    }

    /// Decodes a value whose codec is not installed, if it carries its decoder.
    fn stand_in(
        &self,
        spec: &CodecSpec,
        reason: &CodecError,
        stored: &Value,
        site: Site<'_>,
    ) -> Result<Option<Value>, CodecError> {
        // A codec that is there but broken, or one further in, is the user's to mend.
        if !matches!(reason, CodecError::Unknown { name, .. } if *name == spec.name) {
            return Ok(None);
        }
        let connection = self.query.connection();
        let store_name = match &spec.store {
            StoreRef::Named(name) => Some(name.as_str()),
            StoreRef::Inline | StoreRef::Default => None,
        };
        let context = DecodeContext {
            site,
            stores: connection.stores(),
            store_name,
            download_path: &self.download_path,
        };
        let codec = connection.registry().stand_in(&spec.name, stored, &context)?;
        codec.map(|codec| stand_in::decode(codec.as_ref(), stored.clone(), &context)).transpose()
    }
}
