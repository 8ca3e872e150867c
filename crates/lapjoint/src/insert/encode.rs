//! Encoding: the codec attributes of arranged rows, in parallel.

use std::sync::Arc;

use lapjoint_codec::{EncodeContext, Site};
use lapjoint_db::TableId;
use lapjoint_store::{PendingObject, Stores, interruptible};
use lapjoint_types::Value;
use rayon::prelude::*;

use crate::bound::BoundTable;
use crate::error::Error;
use crate::heading::{Attribute, Storage};
use crate::watch::{Stop, Watched};

/// A single row of values larger than this is encoded on a thread of its own, so that it can be stopped.
const LARGE_BYTES: usize = 8 << 20;

/// Stored values of a row, and the objects staged for it.
pub(crate) type EncodedRow = (Vec<Value>, Vec<PendingObject>);

/// Encodes rows whose values stand in the order of `attributes`.
pub(crate) struct Encoder<'t> {
    table: &'t Arc<BoundTable>,
    stores: &'t Stores,
    pub attributes: Vec<Attribute>,
    /// Places of the primary key among the attributes, in key order.
    key: Vec<usize>,
}

impl<'t> Encoder<'t> {
    pub fn new(table: &'t Arc<BoundTable>, stores: &'t Stores, attributes: Vec<Attribute>) -> Self {
        let key = table
            .def
            .primary_key
            .iter()
            .filter(|name| !name.starts_with('_'))
            .filter_map(|name| attributes.iter().position(|attribute| attribute.name == *name))
            .collect();
        Self { table, stores, attributes, key }
    }

    /// Whether there is anything to encode.
    pub fn has_codecs(&self) -> bool {
        self.attributes.iter().any(Attribute::has_codec)
    }

    /// Encodes a batch of numbered rows; returns each with the objects staged for it.
    pub fn encode(
        &self,
        rows: Vec<(u64, Vec<Value>)>,
        watched: &Watched<'_>,
    ) -> Result<Vec<EncodedRow>, Error> {
        if !self.has_codecs() {
            return Ok(rows.into_iter().map(|(_, row)| (row, Vec::new())).collect());
        }
        let encode = |(number, row): (u64, Vec<Value>), stop: &Stop| {
            stop.check()?;
            let encoded = self.encode_row(row, number, stop);
            // What was stopped says so in its own words.
            stop.check()?;
            encoded
        };
        let parallel = self.attributes.iter().all(Attribute::is_parallel);
        let weight: usize = rows.iter().take(2).flat_map(|(_, row)| row).map(weight_bytes).sum();
        if parallel && rows.len() > 1 {
            watched.spread(|stop| rows.into_par_iter().map(|row| encode(row, stop)).collect())
        } else if parallel && weight > LARGE_BYTES {
            watched.beside(|stop| rows.into_iter().map(|row| encode(row, stop)).collect())
        } else {
            let encode = |row| watched.look().and_then(|()| encode(row, &Stop::default()));
            rows.into_iter().map(encode).collect()
        }
    }

    fn encode_row(&self, mut row: Vec<Value>, number: u64, stop: &Stop) -> Result<EncodedRow, Error> {
        let key: Vec<(String, Value)> = self
            .key
            .iter()
            .filter_map(|&i| Some((self.attributes.get(i)?.name.clone(), row.get(i)?.clone())))
            .collect();
        let mut staged = Vec::new();
        for (attribute, value) in self.attributes.iter().zip(&mut row) {
            if !attribute.has_codec() {
                continue;
            }
            let given = std::mem::replace(value, Value::Null);
            *value = self.encode_cell(attribute, given, &key, number, (&mut staged, stop))?;
        }
        Ok((row, staged))
    }

    fn encode_cell(
        &self,
        attribute: &Attribute,
        value: Value,
        key: &[(String, Value)],
        number: u64,
        (staged, stop): (&mut Vec<PendingObject>, &Stop),
    ) -> Result<Value, Error> {
        let TableId { schema, table } = &self.table.def.id;
        let chain = match &attribute.storage {
            Storage::Plain => return Ok(value),
            Storage::Unbound { .. } if value.is_null() => return Ok(value),
            Storage::Unbound { spec, reason } => {
                return Err(Error::Row {
                    table: self.table.def.id.to_string(),
                    row: number,
                    message: format!("attribute `{}` ({spec}) cannot be encoded: {reason}", attribute.name),
                });
            }
            Storage::Codec(chain) => chain,
        };
        let site = Site { schema, table, field: &attribute.name, key };
        let mut context = EncodeContext::new(site, self.stores);
        context.stop = Some(stop.flag());
        let value_type = value.type_name();
        // Long work that looks at the thread rather than at the context stops as well.
        let encoded = interruptible(Some(stop.flag()), || chain.encode(value, &mut context));
        let stored = encoded.map_err(|source| Error::Cell {
            table: self.table.def.id.to_string(),
            row: number,
            attribute: attribute.name.clone(),
            spec: attribute.declared.clone(),
            value_type,
            source: Box::new(source),
        })?;
        staged.append(&mut context.take_staged());
        Ok(stored)
    }
}

/// Rough size of a value in memory in bytes, to bound a batch.
pub(crate) fn weight_bytes(value: &Value) -> usize {
    match value {
        Value::Bytes(bytes) => bytes.len(),
        Value::Str(text) => text.len(),
        Value::Array(array) => array.data().len(),
        Value::Tuple(items) | Value::List(items) | Value::Set(items) => {
            items.iter().map(weight_bytes).sum::<usize>() + items.len() * size_of::<Value>()
        }
        Value::Dict(items) => items.iter().map(|(key, value)| weight_bytes(key) + weight_bytes(value)).sum(),
        Value::ObjectArray(array) => array.elements.iter().map(weight_bytes).sum(),
        Value::RecordArray(array) => array.fields.iter().map(|(_, column)| weight_bytes(column)).sum(),
        _ => size_of::<Value>(),
    }
}
