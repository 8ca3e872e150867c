//! Rows of a query as chunks of columns, straight from the adapter's cells.

use std::ops::ControlFlow;

use arrow_array::ArrayRef;
use lapjoint_codec::{CodecError, NpyRef};
use lapjoint_db::{Cell, CellSink, ColumnType};
use lapjoint_types::{LogicalType, Value};

use crate::arrow::builder::Builder;
use crate::arrow::scalar::Refused;
use crate::arrow::types;
use crate::connection::Connection;
use crate::error::Error;
use crate::heading::{Attribute, Storage};
use crate::watch::Watched;

/// Most rows of a chunk.
const CHUNK_ROWS: usize = 1 << 16;

/// Bytes after which a chunk ends.
pub(super) const CHUNK_BYTES: usize = 16 << 20;

/// Rows read between two looks of a watch.
const LOOK_ROWS: usize = 4096;

/// What is read of an attribute, and as what.
#[derive(Debug, Clone)]
pub(super) struct Plan {
    pub attribute: Attribute,
    /// What the values are, as far as that is known before they are seen.
    pub ty: LogicalType,
    /// Whether the cells go straight into an array.
    pub direct: bool,
    /// Whether they are kept as values: for codecs, for their keys, and where the values decide on the type.
    pub kept: bool,
}

/// Plans for all attributes of a query.
pub(super) fn plans(attributes: Vec<Attribute>) -> Vec<Plan> {
    let has_codecs = attributes.iter().any(Attribute::has_codec);
    let plan = |attribute: Attribute| {
        let ty = types::of_attribute(&attribute);
        let direct = matches!(attribute.storage, Storage::Plain) && !ty.is_open();
        let kept = !direct || (has_codecs && attribute.in_key);
        Plan { attribute, ty, direct, kept }
    };
    attributes.into_iter().map(plan).collect()
}

/// A statement and what is read of it.
#[derive(Debug, Clone)]
pub(super) struct Request {
    pub sql: String,
    pub plans: Vec<Plan>,
    /// The table that messages name.
    pub place: String,
}

/// Rows in columns.
#[derive(Debug)]
pub(super) struct Chunk {
    /// Number of the first row.
    pub first_row: u64,
    pub rows: usize,
    /// Bytes in memory, roughly.
    pub bytes: usize,
    pub columns: Vec<ChunkColumn>,
}

/// One column of a chunk, as its plan has it.
#[derive(Debug)]
pub(super) struct ChunkColumn {
    pub array: Option<ArrayRef>,
    pub values: Vec<Value>,
}

impl Request {
    /// Reads all rows and hands them over in chunks.
    pub fn read(
        &self,
        connection: &Connection,
        watched: &Watched<'_>,
        take: &mut dyn FnMut(Chunk) -> ControlFlow<()>,
    ) -> Result<(), Error> {
        let columns: Vec<(String, ColumnType)> =
            self.plans.iter().map(|p| (p.attribute.name.clone(), p.attribute.column.clone())).collect();
        let mut reading = Reading::new(self, watched, take);
        connection
            .lock()?
            .adapter_mut()
            .query_cells(&self.sql, &[], &columns, &mut reading)
            .map_err(Error::db(&self.place))?;
        reading.end()
    }

    /// The error of a codec.
    pub fn failed(&self, row: u64, plan: &Plan, source: CodecError) -> Error {
        Error::Cell {
            table: self.place.clone(),
            row,
            attribute: plan.attribute.name.clone(),
            spec: plan.attribute.declared.clone(),
            value_type: "column".to_owned(),
            source: Box::new(source),
        }
    }

    /// The error of a value that its column does not take.
    pub fn refused(&self, row: u64, plan: &Plan, Refused(reason): Refused) -> Error {
        Error::Row {
            table: self.place.clone(),
            row,
            message: format!("attribute `{}` ({}): {reason}", plan.attribute.name, plan.attribute.declared),
        }
    }
}

/// Columns that are being read.
struct Reading<'r> {
    request: &'r Request,
    watched: &'r Watched<'r>,
    take: &'r mut dyn FnMut(Chunk) -> ControlFlow<()>,
    columns: Vec<Column>,
    first_row: u64,
    rows: usize,
    kept_bytes: usize,
    failure: Option<Error>,
}

struct Column {
    builder: Option<Builder>,
    values: Option<Vec<Value>>,
}

impl<'r> Reading<'r> {
    fn new(
        request: &'r Request,
        watched: &'r Watched<'r>,
        take: &'r mut dyn FnMut(Chunk) -> ControlFlow<()>,
    ) -> Self {
        let column = |plan: &Plan| Column {
            builder: plan.direct.then(|| Builder::new(&plan.ty)),
            values: plan.kept.then(Vec::new),
        };
        let columns = request.plans.iter().map(column).collect();
        Self { request, watched, take, columns, first_row: 0, rows: 0, kept_bytes: 0, failure: None }
    }

    fn bytes(&self) -> usize {
        let built: usize = self.columns.iter().filter_map(|c| Some(c.builder.as_ref()?.bytes())).sum();
        built + self.kept_bytes
    }

    fn flush(&mut self) -> Result<ControlFlow<()>, Error> {
        if self.rows == 0 {
            return Ok(ControlFlow::Continue(()));
        }
        let bytes = self.bytes();
        let finished = |column: &mut Column| {
            let array = column.builder.as_mut().map(Builder::finish).transpose().map_err(Error::arrow)?;
            Ok(ChunkColumn { array, values: column.values.as_mut().map(std::mem::take).unwrap_or_default() })
        };
        let columns = self.columns.iter_mut().map(finished).collect::<Result<_, Error>>()?;
        let chunk = Chunk { first_row: self.first_row, rows: self.rows, bytes, columns };
        self.first_row += self.rows as u64;
        self.rows = 0;
        self.kept_bytes = 0;
        Ok((self.take)(chunk))
    }

    fn end(mut self) -> Result<(), Error> {
        match self.failure.take() {
            Some(error) => Err(error),
            None => self.flush().map(drop),
        }
    }
}

impl CellSink for Reading<'_> {
    fn cell(&mut self, index: usize, cell: Cell<'_>) {
        let Some(column) = self.columns.get_mut(index) else { return };
        let pushed = match (&mut column.builder, &mut column.values) {
            (Some(builder), None) => builder.push_cell(cell),
            (builder, Some(values)) => {
                let value = cell.into_value();
                self.kept_bytes += size_of_value(&value);
                let pushed = builder.as_mut().map_or(Ok(()), |builder| builder.push(&value));
                values.push(value);
                pushed
            }
            (None, None) => Ok(()),
        };
        if let Err(refused) = pushed
            && self.failure.is_none()
            && let Some(plan) = self.request.plans.get(index)
        {
            let row = self.first_row + self.rows as u64;
            self.failure = Some(self.request.refused(row, plan, refused));
        }
    }

    fn end_row(&mut self) -> ControlFlow<()> {
        if self.failure.is_some() {
            return ControlFlow::Break(());
        }
        self.rows += 1;
        let looks = self.rows.is_multiple_of(LOOK_ROWS);
        if looks && let Err(error) = self.watched.look() {
            self.failure = Some(error);
            return ControlFlow::Break(());
        }
        // Bytes are counted now and then, and with each row where few rows may be large.
        let is_full = self.rows >= CHUNK_ROWS
            || ((looks || self.kept_bytes > 0 || self.rows.is_multiple_of(64))
                && self.bytes() >= CHUNK_BYTES);
        if !is_full {
            return ControlFlow::Continue(());
        }
        match self.flush() {
            Ok(flow) => flow,
            Err(error) => {
                self.failure = Some(error);
                ControlFlow::Break(())
            }
        }
    }
}

/// Bytes that will have to be read for a stored value, roughly.
pub(super) fn size_of_stored(value: &Value) -> usize {
    let of_object = match value {
        Value::Json(metadata) => metadata.get("size").and_then(serde_json::Value::as_u64),
        _ => None,
    };
    of_object.and_then(|size| usize::try_from(size).ok()).unwrap_or(0).saturating_add(size_of_value(value))
}

/// Bytes that a value takes, roughly; of a lazy reference what it takes once it is read.
pub(super) fn size_of_value(value: &Value) -> usize {
    let inner = match value {
        Value::Str(text) => text.len(),
        Value::Bytes(bytes) => bytes.len(),
        // A parsed document, of which only the size in memory of its parts is not known.
        Value::Json(_) => 512,
        Value::Array(array) => array.data().len(),
        Value::Tuple(items) | Value::List(items) | Value::Set(items) => items.iter().map(size_of_value).sum(),
        Value::Dict(pairs) => {
            pairs.iter().map(|(key, value)| size_of_value(key) + size_of_value(value)).sum()
        }
        Value::Foreign(_) => {
            value.downcast_ref::<NpyRef>().and_then(|array| array.nbytes().ok()).unwrap_or(0)
        }
        Value::ObjectArray(array) => array.elements.iter().map(size_of_value).sum(),
        _ => 0,
    };
    size_of::<Value>() + inner
}
