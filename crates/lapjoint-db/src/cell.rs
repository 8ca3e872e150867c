//! Cells of a query's result as an adapter hands them over: texts and bytes are lent, so that who puts them into columns copies
//! them once.

use std::ops::ControlFlow;

use bytes::Bytes;
use lapjoint_types::{CoreType, Value};

use crate::adapter::RowSink;

/// One cell.
#[derive(Debug)]
pub enum Cell<'c> {
    /// A text that its column's type allows: what [`Value::Str`] holds.
    Text(&'c str),
    /// Raw bytes: what [`Value::Bytes`] holds.
    Bytes(&'c [u8]),
    /// Anything; texts and bytes may come so, too.
    Value(Value),
}

impl Cell<'_> {
    /// The cell as a value of its own.
    #[must_use]
    pub fn into_value(self) -> Value {
        match self {
            Self::Text(text) => Value::Str(text.to_owned()),
            Self::Bytes(bytes) => Value::Bytes(Bytes::copy_from_slice(bytes)),
            Self::Value(value) => value,
        }
    }
}

/// Receives the cells of a query: for each row one of each column, in their order, and then its end.
pub trait CellSink {
    /// The next cell of the row.
    fn cell(&mut self, column: usize, cell: Cell<'_>);

    /// The row is complete; `Break` wants no other.
    fn end_row(&mut self) -> ControlFlow<()>;
}

/// Puts cells together to rows of values.
pub(crate) struct Rows<'s, 'r> {
    columns: usize,
    values: Vec<Value>,
    sink: &'s mut RowSink<'r>,
}

impl<'s, 'r> Rows<'s, 'r> {
    pub fn new(columns: usize, sink: &'s mut RowSink<'r>) -> Self {
        Self { columns, values: Vec::with_capacity(columns), sink }
    }
}

impl CellSink for Rows<'_, '_> {
    fn cell(&mut self, _: usize, cell: Cell<'_>) {
        self.values.push(cell.into_value());
    }

    fn end_row(&mut self) -> ControlFlow<()> {
        (self.sink)(std::mem::replace(&mut self.values, Vec::with_capacity(self.columns)))
    }
}

/// A stored text that its type allows as it is; `None` where the adapter has to look closer.
pub(crate) fn plain_text<'c>(bytes: &'c [u8], core: &CoreType) -> Option<Cell<'c>> {
    let text = std::str::from_utf8(bytes).ok()?;
    let allowed = match core {
        CoreType::Char(length) | CoreType::Varchar(length) => {
            let limit = usize::try_from(*length).unwrap_or(usize::MAX);
            // A text has no more characters than bytes.
            text.len() <= limit || text.chars().count() <= limit
        }
        CoreType::Enum(labels) => labels.iter().any(|label| label == text),
        _ => false,
    };
    allowed.then_some(Cell::Text(text))
}
