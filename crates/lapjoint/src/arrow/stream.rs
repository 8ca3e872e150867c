//! Record batches, one after the other.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use arrow_array::{Array, RecordBatch, RecordBatchOptions, RecordBatchReader};
use arrow_schema::{ArrowError, Schema, SchemaRef};
use lapjoint_types::{LogicalType, Value};

use crate::arrow::builder::Builder;
use crate::arrow::decode::{Open, Rendered, render};
use crate::arrow::read::{CHUNK_BYTES, Request, size_of_value};
use crate::arrow::scalar::Refused;
use crate::arrow::source::Source;
use crate::arrow::{infer, types};
use crate::error::Error;
use crate::heading::{Heading, Storage};
use crate::query::Query;
use crate::watch::Watched;

/// Bytes of decoded values that are looked at before the types of columns are settled.
const LOOKED_AT_BYTES: usize = 64 << 20;

/// The result of a query as record batches.
///
/// The query has run when the stream is there, and its schema is settled. What codecs decode is decoded batch by batch.
#[derive(Debug)]
pub struct ArrowStream {
    query: Query,
    request: Request,
    schema: SchemaRef,
    types: Vec<Settled>,
    source: Source,
    /// The chunk that is being decoded.
    open: Option<Open>,
    /// Rows that were decoded to learn their types.
    ahead: VecDeque<Group>,
    has_failed: bool,
    /// Number of rows, if all have been read.
    rows: Option<u64>,
}

/// The type of a column, settled.
#[derive(Debug, Clone)]
enum Settled {
    Logical(LogicalType),
    /// The type of the arrays that a codec renders.
    Rendered(arrow_schema::DataType),
}

/// Decoded rows of a chunk.
#[derive(Debug)]
struct Group {
    first_row: u64,
    rows: usize,
    columns: Vec<Rendered>,
}

impl ArrowStream {
    pub(super) fn open(
        query: &Query,
        heading: &Heading,
        request: Request,
        source: Source,
    ) -> Result<Self, Error> {
        let types = request.plans.iter().map(|plan| Settled::Logical(plan.ty.clone())).collect();
        let mut stream = Self {
            query: query.clone(),
            request,
            schema: Arc::new(Schema::empty()),
            types,
            source,
            open: None,
            ahead: VecDeque::new(),
            has_failed: false,
            rows: None,
        };
        stream.settle()?;
        stream.schema = stream.make_schema(heading);
        Ok(stream)
    }

    /// Columns of the batches.
    #[must_use]
    pub fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    /// The stream as other libraries take it.
    #[must_use]
    pub fn into_reader(self) -> impl RecordBatchReader + Send + 'static {
        Reader(self)
    }

    /// Learns what the declared types leave open: from what is stored of the values where that says it, else from the values.
    fn settle(&mut self) -> Result<(), Error> {
        let whole = self.source.is_whole();
        self.rows = whole.then(|| self.source.held().map(|chunk| chunk.rows as u64).sum());
        for (plan, settled) in self.request.plans.iter().zip(&mut self.types) {
            let Settled::Logical(ty) = settled else { continue };
            if !ty.is_open() {
                continue;
            }
            let place = self.request.plans.iter().position(|p| p.attribute.name == plan.attribute.name);
            let stored =
                || self.source.held().filter_map(|chunk| chunk.columns.get(place?)).flat_map(|c| &c.values);
            let found = match &plan.attribute.storage {
                Storage::Plain => Some(
                    infer::of_values(stored()).map_err(|refused| self.request.refused(0, plan, refused))?,
                ),
                Storage::Codec(chain) => stored()
                    .filter(|value| !value.is_null())
                    .map(|value| chain.logical_type_of(value))
                    .reduce(|one, other| Some(infer::merge(one?, other?)))
                    .flatten(),
                Storage::Unbound { .. } => None,
            };
            if let Some(found) = found.filter(|found| !found.is_open()) {
                *ty = if whole { found } else { infer::loosened(found) };
            }
        }
        if self.types.iter().any(Settled::is_open) {
            self.look_ahead()?;
        }
        Ok(())
    }

    /// Decodes rows to see what they are.
    fn look_ahead(&mut self) -> Result<(), Error> {
        let mut seen = 0;
        let mut ended = false;
        while seen < LOOKED_AT_BYTES && !ended {
            match self.decode_group()? {
                Some(group) => {
                    seen += group.bytes();
                    self.ahead.push_back(group);
                }
                None => ended = true,
            }
        }
        for index in 0..self.types.len() {
            let (Some(Settled::Logical(ty)), Some(plan)) =
                (self.types.get(index), self.request.plans.get(index))
            else {
                continue;
            };
            if !ty.is_open() {
                continue;
            }
            let mut found = LogicalType::Null;
            let mut rendered = None;
            for group in &self.ahead {
                match group.columns.get(index) {
                    Some(Rendered::Values(values)) => {
                        let of_group = infer::of_values(values)
                            .map_err(|refused| self.request.refused(group.first_row, plan, refused))?;
                        found = infer::merge(found, of_group);
                    }
                    Some(Rendered::Array(array)) => rendered = Some(array.data_type().clone()),
                    None => {}
                }
            }
            let settled = match rendered {
                Some(data_type) => Settled::Rendered(data_type),
                None => Settled::Logical(fitted(ty, if ended { found } else { infer::loosened(found) })),
            };
            if let Some(slot) = self.types.get_mut(index) {
                *slot = settled;
            }
        }
        Ok(())
    }

    fn make_schema(&self, heading: &Heading) -> SchemaRef {
        let fields = self.request.plans.iter().zip(&self.types).map(|(plan, settled)| match settled {
            Settled::Logical(ty) => types::attribute_field(&plan.attribute, ty),
            Settled::Rendered(data_type) => {
                types::attribute_field(&plan.attribute, &LogicalType::Null).with_data_type(data_type.clone())
            }
        });
        let fields: Vec<_> = fields.collect();
        let key = serde_json::Value::from(heading.primary_key()).to_string();
        let mut metadata = HashMap::from([
            ("lapjoint.table".to_owned(), self.request.place.clone()),
            ("lapjoint.primary_key".to_owned(), key),
        ]);
        if !heading.comment().is_empty() {
            metadata.insert("comment".to_owned(), heading.comment().to_owned());
        }
        Arc::new(Schema::new_with_metadata(fields, metadata))
    }

    /// The next rows, decoded; a whole chunk where there is nothing to decode.
    fn decode_group(&mut self) -> Result<Option<Group>, Error> {
        let mut open = match self.open.take() {
            Some(open) => open,
            None => match self.source.next(&self.query)? {
                Some(chunk) => Open::new(chunk),
                None => return Ok(None),
            },
        };
        let start = open.taken;
        let mut columns: Vec<Vec<Value>> = self.request.plans.iter().map(|_| Vec::new()).collect();
        if self.has_codecs() {
            let mut bytes = 0;
            while bytes < CHUNK_BYTES {
                if open.ready.is_empty() {
                    let mut watched = Watched::new(self.query.watch(), self.rows);
                    watched.progress.rows_done = open.chunk.first_row + open.decoded as u64;
                    open.decode(&self.query, &self.request, &mut watched)?;
                }
                let Some(row) = open.ready.pop_front() else { break };
                for (column, value) in columns.iter_mut().zip(row) {
                    bytes += size_of_value(&value);
                    column.push(value);
                }
                open.taken += 1;
            }
        } else {
            for (column, read) in columns.iter_mut().zip(&mut open.chunk.columns) {
                *column = std::mem::take(&mut read.values);
            }
            open.taken = open.chunk.rows;
        }
        let first_row = open.chunk.first_row + start as u64;
        let rows = open.taken - start;
        let mut group = Group { first_row, rows, columns: Vec::with_capacity(columns.len()) };
        for ((plan, read), values) in self.request.plans.iter().zip(&open.chunk.columns).zip(columns) {
            group.columns.push(match &read.array {
                Some(array) => Rendered::Array(array.slice(start, rows)),
                None => render(&self.query, &self.request, plan, values, first_row)?,
            });
        }
        if open.taken < open.chunk.rows {
            self.open = Some(open);
        }
        Ok(Some(group))
    }

    fn has_codecs(&self) -> bool {
        self.request.plans.iter().any(|plan| plan.attribute.has_codec())
    }

    /// A group as a record batch.
    fn batch(&self, group: Group) -> Result<RecordBatch, Error> {
        let mut arrays = Vec::with_capacity(group.columns.len());
        for ((plan, settled), column) in self.request.plans.iter().zip(&self.types).zip(group.columns) {
            let refused = |row, refused| self.request.refused(row, plan, refused);
            arrays.push(match (column, settled) {
                (Rendered::Array(array), settled) => {
                    let expected = settled.data_type();
                    if *array.data_type() != expected {
                        let reason =
                            format!("its codec gave {}, not {expected} as before", array.data_type());
                        return Err(refused(group.first_row, Refused(reason)));
                    }
                    array
                }
                (Rendered::Values(values), Settled::Logical(ty)) => {
                    let mut builder = Builder::new(ty);
                    for (row, value) in (group.first_row..).zip(&values) {
                        builder.push(value).map_err(|Refused(reason)| {
                            refused(row, Refused(format!("{reason}; the type of the column is {ty}")))
                        })?;
                    }
                    builder.finish().map_err(Error::arrow)?
                }
                (Rendered::Values(_), Settled::Rendered(expected)) => {
                    let reason = format!("its codec gave no array of {expected} as before");
                    return Err(refused(group.first_row, Refused(reason)));
                }
            });
        }
        let options = RecordBatchOptions::new().with_row_count(Some(group.rows));
        RecordBatch::try_new_with_options(self.schema(), arrays, &options).map_err(Error::arrow)
    }

    fn advance(&mut self) -> Result<Option<RecordBatch>, Error> {
        let group = match self.ahead.pop_front() {
            Some(group) => Some(group),
            None => self.decode_group()?,
        };
        group.map(|group| self.batch(group)).transpose()
    }
}

/// The declared type with what was found for what it leaves open.
fn fitted(declared: &LogicalType, found: LogicalType) -> LogicalType {
    match (declared, found) {
        (
            LogicalType::Tensor { element, shape },
            LogicalType::Tensor { element: found_element, shape: found_shape },
        ) => LogicalType::Tensor {
            element: element.clone().or(found_element),
            shape: shape.clone().or(found_shape),
        },
        // A tensor of one axis looks like a list of numbers.
        (LogicalType::Tensor { element, shape }, LogicalType::List(inner)) => LogicalType::Tensor {
            element: element.clone().or_else(|| types::number_of(&inner)),
            shape: shape.clone().or_else(|| Some(vec![None])),
        },
        (_, found) => found,
    }
}

impl Settled {
    fn is_open(&self) -> bool {
        matches!(self, Self::Logical(ty) if ty.is_open())
    }

    fn data_type(&self) -> arrow_schema::DataType {
        match self {
            Self::Logical(ty) => types::data_type(ty),
            Self::Rendered(data_type) => data_type.clone(),
        }
    }
}

impl Group {
    fn bytes(&self) -> usize {
        let column = |column: &Rendered| match column {
            Rendered::Array(array) => array.get_array_memory_size(),
            Rendered::Values(values) => values.iter().map(size_of_value).sum(),
        };
        self.columns.iter().map(column).sum()
    }
}

impl Iterator for ArrowStream {
    type Item = Result<RecordBatch, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.has_failed {
            return None;
        }
        let next = self.advance().transpose();
        self.has_failed = matches!(next, Some(Err(_)));
        next
    }
}

/// The stream with errors as Arrow has them.
struct Reader(ArrowStream);

impl Iterator for Reader {
    type Item = Result<RecordBatch, ArrowError>;

    fn next(&mut self) -> Option<Self::Item> {
        Some(self.0.next()?.map_err(|error| ArrowError::ExternalError(Box::new(error))))
    }
}

impl RecordBatchReader for Reader {
    fn schema(&self) -> SchemaRef {
        self.0.schema()
    }
}
