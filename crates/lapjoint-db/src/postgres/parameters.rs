//! Parameters of statements.

use std::error::Error;

use bytes::BytesMut;
use lapjoint_types::Value;
use tokio_postgres::types::{Format, IsNull, ToSql, Type, to_sql_checked};
use tokio_postgres::{Client, Statement};

use crate::error::DbError;
use crate::postgres::errors::{self, Failure};
use crate::postgres::wire::{Wire, natural};
use crate::postgres::{text, types};
use crate::schema::ColumnType;

/// Checked parameters, and the statement with `$1`, `$2`, … in their places.
pub(crate) struct Parameters {
    pub sql: String,
    /// Under which the statement is kept: the server infers other types where values are of other kinds.
    pub key: String,
    values: Vec<(Value, ColumnType)>,
}

impl Parameters {
    pub fn new(sql: &str, given: &[(Value, ColumnType)]) -> Result<Self, DbError> {
        if given.is_empty() {
            return Ok(Self { sql: sql.to_owned(), key: sql.to_owned(), values: Vec::new() });
        }
        let (text, count) = text::numbered(sql);
        if count != given.len() {
            return Err(wrong_count(sql, count, given.len()));
        }
        let mut key = text.clone();
        key.push('\0');
        let mut values = Vec::with_capacity(given.len());
        for (index, (value, ty)) in given.iter().enumerate() {
            let value = types::canonical(value.clone(), ty, &name(index), None)?;
            let kind = natural(&value);
            key.push_str(if value.is_null() { "null" } else { kind.name() });
            key.push(' ');
            values.push((value, ty.clone()));
        }
        Ok(Self { sql: text, key, values })
    }

    /// The same parameters of another text.
    pub fn with_sql(&self, sql: String) -> Self {
        Self { sql, key: self.key.clone(), values: self.values.clone() }
    }

    pub const fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    /// Prepares the statement such that it takes the values. The types of parameters are those that the server finds by their
    /// places; where it finds none, or one that does not hold the value, they are those of the values.
    pub async fn prepare(&self, client: &Client, all_natural: bool) -> Result<Statement, Failure> {
        let mut hints: Vec<Type> = self
            .values
            .iter()
            .map(|(value, _)| if all_natural && !value.is_null() { natural(value) } else { Type::UNKNOWN })
            .collect();
        loop {
            let statement = client.prepare_typed(&self.sql, &hints).await?;
            if statement.params().len() != self.values.len() {
                return Err(wrong_count(&self.sql, statement.params().len(), self.values.len()).into());
            }
            let mut changed = false;
            for (hint, ((value, _), inferred)) in
                hints.iter_mut().zip(self.values.iter().zip(statement.params()))
            {
                let undecided = matches!(*inferred, Type::TEXT | Type::UNKNOWN);
                let is_text = matches!(value, Value::Str(_) | Value::Null);
                if *hint == Type::UNKNOWN && !is_text && (undecided || !fits(value, inferred)) {
                    *hint = natural(value);
                    changed = true;
                }
            }
            if !changed {
                return Ok(statement);
            }
        }
    }

    /// The values as a statement takes them.
    pub fn encode(&self, statement: &Statement) -> Result<Vec<Encoded>, DbError> {
        if statement.params().len() != self.values.len() {
            return Err(wrong_count(&self.sql, statement.params().len(), self.values.len()));
        }
        let pairs = self.values.iter().zip(statement.params()).enumerate();
        pairs
            .map(|(index, ((value, declared), ty))| {
                encode(value, ty)
                    .ok_or_else(|| types::refused(value, declared, &name(index), None, ty.name()))
            })
            .collect()
    }
}

fn name(index: usize) -> String {
    format!("parameter {index}")
}

fn wrong_count(sql: &str, expected: usize, given: usize) -> DbError {
    DbError::Syntax {
        message: format!("the statement has {expected} parameters, {given} were given"),
        sql: errors::shorten(sql),
    }
}

fn fits(value: &Value, ty: &Type) -> bool {
    encode(value, ty).is_some()
}

/// A value as a parameter of a type; `None` when the type does not hold it exactly.
pub(crate) fn encode(value: &Value, ty: &Type) -> Option<Encoded> {
    if value.is_null() {
        return Some(Encoded::Null);
    }
    let wire = Wire::of(ty);
    match value {
        // The server reads a text as a value of any type.
        Value::Str(text) if !matches!(wire, Some(Wire::Text | Wire::Padded)) => {
            Some(Encoded::Text(text.clone().into_bytes()))
        }
        _ => {
            let mut bytes = Vec::new();
            wire?.encode(value, &mut bytes)?;
            Some(Encoded::Binary(bytes))
        }
    }
}

/// A value as it is sent.
#[derive(Debug)]
pub(crate) enum Encoded {
    Null,
    Binary(Vec<u8>),
    Text(Vec<u8>),
}

impl ToSql for Encoded {
    fn to_sql(&self, _ty: &Type, out: &mut BytesMut) -> Result<IsNull, Box<dyn Error + Sync + Send>> {
        match self {
            Self::Null => Ok(IsNull::Yes),
            Self::Binary(bytes) | Self::Text(bytes) => {
                out.extend_from_slice(bytes);
                Ok(IsNull::No)
            }
        }
    }

    fn accepts(_ty: &Type) -> bool {
        true
    }

    fn encode_format(&self, _ty: &Type) -> Format {
        if matches!(self, Self::Text(_)) { Format::Text } else { Format::Binary }
    }

    to_sql_checked!();
}
