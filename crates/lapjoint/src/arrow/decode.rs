//! Codec attributes of a chunk, decoded and brought into the form of columns.

use std::collections::VecDeque;
use std::sync::Arc;

use arrow_array::{Array, ArrayRef};
use lapjoint_codec as codec;
use lapjoint_codec::Origin;
use lapjoint_format::parallel::pool;
use lapjoint_store::interruptible;
use lapjoint_types::Value;
use rayon::prelude::*;

use crate::arrow::read::{CHUNK_BYTES, Chunk, Plan, Request, size_of_stored};
use crate::arrow::scalar::Refused;
use crate::error::Error;
use crate::query::Query;
use crate::query::fetch::{BATCH_ROWS, Decoder};
use crate::watch::Watched;

/// A chunk that is being decoded.
#[derive(Debug)]
pub(super) struct Open {
    pub chunk: Chunk,
    /// Rows that are decoded.
    pub decoded: usize,
    /// Rows that have been taken.
    pub taken: usize,
    /// Rows between them.
    pub ready: VecDeque<Vec<Value>>,
}

/// A column of decoded rows.
#[derive(Debug)]
pub(super) enum Rendered {
    Array(ArrayRef),
    Values(Vec<Value>),
}

impl Open {
    pub const fn new(chunk: Chunk) -> Self {
        Self { chunk, decoded: 0, taken: 0, ready: VecDeque::new() }
    }

    /// Decodes the next rows: so many that all processors are busy, but not more than fit in memory as they are stored. False
    /// when there are none.
    pub fn decode(
        &mut self,
        query: &Query,
        request: &Request,
        watched: &mut Watched<'_>,
    ) -> Result<bool, Error> {
        let kept: Vec<usize> =
            request.plans.iter().enumerate().filter(|(_, plan)| plan.kept).map(|(at, _)| at).collect();
        let start = self.decoded;
        let mut bytes = 0;
        while self.decoded < self.chunk.rows && self.decoded - start < BATCH_ROWS && bytes < CHUNK_BYTES {
            let cells = self.chunk.columns.iter().filter_map(|column| column.values.get(self.decoded));
            bytes += cells.map(size_of_stored).sum::<usize>();
            self.decoded += 1;
        }
        let mut rows = Vec::with_capacity(self.decoded - start);
        for row in start..self.decoded {
            let take = |&at: &usize| {
                let cell = self.chunk.columns.get_mut(at).and_then(|column| column.values.get_mut(row));
                cell.map_or(Value::Null, |cell| std::mem::replace(cell, Value::Null))
            };
            rows.push((self.chunk.first_row + row as u64, kept.iter().map(take).collect::<Vec<_>>()));
        }
        let attributes =
            kept.iter().filter_map(|&at| Some(request.plans.get(at)?.attribute.clone())).collect();
        if rows.is_empty() {
            return Ok(false);
        }
        let decoded = Decoder::new(query, attributes).decode_batch(rows, watched)?;
        watched.advance(decoded.len() as u64)?;
        for (_, values) in decoded {
            let mut row = vec![Value::Null; request.plans.len()];
            for (&at, value) in kept.iter().zip(values) {
                if let Some(slot) = row.get_mut(at) {
                    *slot = value;
                }
            }
            self.ready.push_back(row);
        }
        Ok(true)
    }
}

/// Lets the outermost codec bring decoded values into the form of its logical type.
pub(super) fn render(
    query: &Query,
    request: &Request,
    plan: &Plan,
    values: Vec<Value>,
    first_row: u64,
) -> Result<Rendered, Error> {
    let Some(codec) = plan.attribute.chain().and_then(|chain| chain.links().first()).map(|link| &link.codec)
    else {
        return Ok(Rendered::Values(values));
    };
    let count = values.len();
    let fail = |row: u64, reason: String| request.refused(row, plan, Refused(reason));
    let is_lazy = codec.capabilities().lazy && !matches!(codec.origin(), Origin::Python(_));
    if is_lazy && count > 1 && pool().is_some() {
        // Objects are read here: as many at once as their service takes.
        let watched = Watched::new(query.watch(), None);
        let at_once = plan.attribute.renders_at_once(query.connection().stores());
        let rendered = watched.spread_over(at_once, |stop| {
            let one = |(row, value)| {
                stop.check()?;
                let rendered = interruptible(Some(stop.flag()), || codec.render(vec![value]));
                stop.check()?;
                let rendered = rendered.map_err(|error| request.failed(row, plan, error))?;
                let codec::Rendered::Values(mut values) = rendered else {
                    return Err(fail(row, "a lazy codec gives single values".to_owned()));
                };
                values.pop().ok_or_else(|| fail(row, "the codec made nothing of the value".to_owned()))
            };
            let numbered: Vec<_> = (first_row..).zip(values).collect();
            numbered.into_par_iter().with_max_len(1).map(one).collect()
        })?;
        return Ok(Rendered::Values(rendered));
    }
    match codec.render(values).map_err(|error| request.failed(first_row, plan, error))? {
        codec::Rendered::Values(values) if values.len() == count => Ok(Rendered::Values(values)),
        codec::Rendered::Values(values) => {
            Err(fail(first_row, format!("the codec made {} of {count} values", values.len())))
        }
        codec::Rendered::Column(column) => match column.downcast_ref::<ArrayRef>() {
            Some(array) if array.len() == count => Ok(Rendered::Array(Arc::clone(array))),
            Some(array) => Err(fail(first_row, format!("the codec made {} of {count} values", array.len()))),
            None => Err(fail(first_row, "the codec gave something that is no array of Arrow".to_owned())),
        },
        _ => Err(fail(first_row, "the codec gave something that is no column".to_owned())),
    }
}
