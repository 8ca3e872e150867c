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

use std::collections::VecDeque;
use std::ops::ControlFlow;

pub use arrow_array;
pub use arrow_schema;
pub use stream::ArrowStream;

use crate::arrow::read::Request;
use crate::arrow::source::Source;
use crate::error::Error;
use crate::query::Query;
use crate::query::select::Select;
use crate::watch::Watched;

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
        let select = self.compile()?;
        let heading = select.heading();
        let request = self.request(&select)?;
        let watched = Watched::new(self.watch(), None);
        let mut held = VecDeque::new();
        request.read(self.connection(), &watched, &mut |chunk| {
            held.push_back(chunk);
            ControlFlow::Continue(())
        })?;
        ArrowStream::open(self, &heading, request, Source::new(held))
    }

    /// The statement over the visible attributes, and what is read of each.
    fn request(&self, select: &Select) -> Result<Request, Error> {
        let heading = select.heading();
        let guard = self.connection().lock()?;
        let sql = select.sql(guard.adapter(), &heading.names())?;
        let plans = read::plans(heading.attributes().cloned().collect());
        Ok(Request { sql, plans, place: self.base().def.id.to_string() })
    }
}
