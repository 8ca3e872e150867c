//! Results of queries as Arrow record batches.
//!
//! | attribute | Arrow type |
//! |---|---|
//! | `int8` … `int64`, `float32`, `float64`, `bool` | the same |
//! | `decimal(p,s)` | `decimal128(p,s)`, `decimal256(p,s)` beyond 38 digits |
//! | `char(n)`, `varchar(n)` | `utf8` |
//! | `enum(…)` | `dictionary` of `utf8`: the labels in their order |
//! | `date`, `datetime(n)` | `date32`, `timestamp(us)` without a zone |
//! | `uuid`, `json` | `arrow.uuid`, `arrow.json` |
//! | `bytes` | `binary` |
//! | a codec | what it declares ([`Codec::logical_type`](lapjoint_codec::Codec::logical_type)) |
//! | native and computed | what the values are |
//!
//! Cells go from the adapter into the columns' buffers without a value for each. Of a table the schema's metadata has the name,
//! the comment and the primary key; of an attribute its declared type and comment.

mod builder;
mod columns;
mod decimal;
mod decode;
mod fixed;
mod infer;
mod read;
mod scalar;
mod source;
mod stream;
mod tensor;
mod types;
mod variable;

pub use arrow_array;
pub use arrow_schema;
pub use columns::ColumnPart;
pub use stream::ArrowStream;

use crate::arrow::read::Request;
use crate::arrow::source::Source;
use crate::error::Error;
use crate::heading::Heading;
use crate::query::Query;

/// Bytes of a result that are held in memory. A larger one is read while it is used.
const HELD_BYTES: usize = 64 << 20;

impl Query {
    /// The rows as record batches.
    ///
    /// ```
    /// # use lapjoint::{Connection, row};
    /// # let connection = Connection::in_memory()?;
    /// # let lab = connection.schema("lab")?;
    /// let point = lab.manual("Point", "x : int32\n---\nnote = null : varchar(20)  # what was seen")?;
    /// point.insert([row! { "x" => 1, "note" => "first" }, row! { "x" => 2 }])?;
    /// let stream = point.query().arrow()?;
    /// assert_eq!(stream.schema().field(1).metadata()["comment"], "what was seen");
    /// let batches = stream.collect::<Result<Vec<_>, _>>()?;
    /// assert_eq!((batches[0].num_rows(), batches[0].column(1).null_count()), (2, 1));
    /// # Ok::<(), lapjoint::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error`] when the statement fails, or a value cannot be decoded that has to be seen to know its column's type.
    pub fn arrow(&self) -> Result<ArrowStream, Error> {
        self.arrow_holding(HELD_BYTES)
    }

    /// As [`arrow`](Self::arrow), holding no more than so many bytes of the result in memory before its first batch, and a few
    /// chunks of 16 MiB after it. A result that is larger is read by another connection while the stream is used, unless a
    /// transaction is open or the database is in memory.
    ///
    /// # Errors
    /// As for [`arrow`](Self::arrow).
    pub fn arrow_holding(&self, bytes: usize) -> Result<ArrowStream, Error> {
        let (heading, request) = self.request()?;
        let source = Source::open(self, &request, bytes)?;
        ArrowStream::open(self, &heading, request, source)
    }

    /// The statement over the visible attributes, and what is read of each.
    fn request(&self) -> Result<(Heading, Request), Error> {
        let select = self.compile()?;
        let heading = select.heading();
        let guard = self.connection().lock()?;
        let sql = select.sql(guard.adapter(), &heading.names())?;
        let plans = read::plans(heading.attributes().cloned().collect());
        Ok((heading, Request { sql, plans, place: self.base().def.id.to_string() }))
    }
}
