//! Record batches, one after the other.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use arrow_array::{Array, ArrayRef, RecordBatch, RecordBatchOptions, RecordBatchReader};
use arrow_schema::{ArrowError, Schema, SchemaRef};
use lapjoint_codec::Rendered;
use lapjoint_types::{LogicalType, Value};

use crate::arrow::builder::Builder;
use crate::arrow::read::{CHUNK_BYTES, Chunk, Plan, Request, size_of_value};
use crate::arrow::scalar::Refused;
use crate::arrow::source::Source;
use crate::arrow::{infer, types};
use crate::error::Error;
use crate::heading::{Heading, Storage};
use crate::query::Query;
use crate::query::fetch::{BATCH_ROWS, Decoder};
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
    /// The chunk that is being decoded, and how many of its rows are.
    chunk: Option<(Chunk, usize)>,
    /// Rows that were decoded to learn their types.
    ahead: VecDeque<Group>,
    has_failed: bool,
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
    columns: Vec<GroupColumn>,
}

#[derive(Debug)]
enum GroupColumn {
    Array(ArrayRef),
    Values(Vec<Value>),
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
            chunk: None,
            ahead: VecDeque::new(),
            has_failed: false,
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
                    Some(GroupColumn::Values(values)) => {
                        let of_group = infer::of_values(values)
                            .map_err(|refused| self.request.refused(group.first_row, plan, refused))?;
                        found = infer::merge(found, of_group);
                    }
                    Some(GroupColumn::Array(array)) => rendered = Some(array.data_type().clone()),
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
        let (mut chunk, done) = match self.chunk.take() {
            Some(open) => open,
            None => match self.source.next()? {
                Some(chunk) => (chunk, 0),
                None => return Ok(None),
            },
        };
        let has_codecs = self.request.plans.iter().any(|plan| plan.attribute.has_codec());
        let mut decoded: Vec<Vec<Value>> = self.request.plans.iter().map(|_| Vec::new()).collect();
        let mut end = chunk.rows;
        if has_codecs {
            end = done;
            let mut bytes = 0;
            while end < chunk.rows && bytes < CHUNK_BYTES {
                let count = BATCH_ROWS.min(chunk.rows - end);
                let rows = self.decode(&mut chunk, end, count)?;
                for row in rows {
                    for (column, value) in decoded.iter_mut().zip(row) {
                        bytes += size_of_value(&value);
                        column.push(value);
                    }
                }
                end += count;
            }
        }
        let mut columns = Vec::with_capacity(self.request.plans.len());
        for ((plan, column), values) in self.request.plans.iter().zip(&mut chunk.columns).zip(decoded) {
            columns.push(match &column.array {
                Some(array) => GroupColumn::Array(array.slice(done, end - done)),
                None if has_codecs => render(&self.request, plan, values, chunk.first_row + done as u64)?,
                None => GroupColumn::Values(std::mem::take(&mut column.values)),
            });
        }
        let group = Group { first_row: chunk.first_row + done as u64, rows: end - done, columns };
        if end < chunk.rows {
            self.chunk = Some((chunk, end));
        }
        Ok(Some(group))
    }

    /// Decodes some rows of a chunk. Attributes whose arrays are there already stay out, unless they are of the key.
    fn decode(&self, chunk: &mut Chunk, start: usize, count: usize) -> Result<Vec<Vec<Value>>, Error> {
        let kept: Vec<usize> =
            self.request.plans.iter().enumerate().filter(|(_, plan)| plan.kept).map(|(at, _)| at).collect();
        let attributes =
            kept.iter().filter_map(|&at| Some(self.request.plans.get(at)?.attribute.clone())).collect();
        let decoder = Decoder::new(&self.query, attributes);
        let rows = (start..start + count).map(|row| {
            let take = |&at: &usize| {
                let cell = chunk.columns.get_mut(at).and_then(|column| column.values.get_mut(row));
                cell.map_or(Value::Null, |cell| std::mem::replace(cell, Value::Null))
            };
            (chunk.first_row + row as u64, kept.iter().map(take).collect::<Vec<_>>())
        });
        let rows: Vec<_> = rows.collect();
        let watched = Watched::new(self.query.watch(), None);
        let decoded = decoder.decode_batch(rows, &watched)?;
        let width = self.request.plans.len();
        let spread = |(_, values): (u64, Vec<Value>)| {
            let mut row = vec![Value::Null; width];
            for (&at, value) in kept.iter().zip(values) {
                if let Some(slot) = row.get_mut(at) {
                    *slot = value;
                }
            }
            row
        };
        Ok(decoded.into_iter().map(spread).collect())
    }

    /// A group as a record batch.
    fn batch(&self, group: Group) -> Result<RecordBatch, Error> {
        let mut arrays = Vec::with_capacity(group.columns.len());
        for ((plan, settled), column) in self.request.plans.iter().zip(&self.types).zip(group.columns) {
            let refused = |row, refused| self.request.refused(row, plan, refused);
            arrays.push(match (column, settled) {
                (GroupColumn::Array(array), settled) => {
                    let expected = settled.data_type();
                    if *array.data_type() != expected {
                        let reason =
                            format!("its codec gave {}, not {expected} as before", array.data_type());
                        return Err(refused(group.first_row, Refused(reason)));
                    }
                    array
                }
                (GroupColumn::Values(values), Settled::Logical(ty)) => {
                    let mut builder = Builder::new(ty);
                    for (row, value) in (group.first_row..).zip(&values) {
                        builder.push(value).map_err(|Refused(reason)| {
                            refused(row, Refused(format!("{reason}; the type of the column is {ty}")))
                        })?;
                    }
                    builder.finish().map_err(Error::arrow)?
                }
                (GroupColumn::Values(_), Settled::Rendered(expected)) => {
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

/// Lets the outermost codec bring decoded values into the form of its logical type.
fn render(request: &Request, plan: &Plan, values: Vec<Value>, first_row: u64) -> Result<GroupColumn, Error> {
    let Some(codec) = plan.attribute.chain().and_then(|chain| chain.links().first()).map(|link| &link.codec)
    else {
        return Ok(GroupColumn::Values(values));
    };
    let count = values.len();
    let fail = |reason: String| request.refused(first_row, plan, Refused(reason));
    match codec.render(values).map_err(|error| fail(error.to_string()))? {
        Rendered::Values(values) if values.len() == count => Ok(GroupColumn::Values(values)),
        Rendered::Values(values) => Err(fail(format!("the codec made {} of {count} values", values.len()))),
        Rendered::Column(column) => match column.downcast_ref::<ArrayRef>() {
            Some(array) if array.len() == count => Ok(GroupColumn::Array(Arc::clone(array))),
            Some(array) => Err(fail(format!("the codec made {} of {count} values", array.len()))),
            None => Err(fail("the codec gave something that is no array of Arrow".to_owned())),
        },
        _ => Err(fail("the codec gave something that is no column".to_owned())),
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
        let column = |column: &GroupColumn| match column {
            GroupColumn::Array(array) => array.get_array_memory_size(),
            GroupColumn::Values(values) => values.iter().map(size_of_value).sum(),
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
