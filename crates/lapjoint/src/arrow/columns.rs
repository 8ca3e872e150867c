//! Columns for a host language: buffers where it has numbers, texts or bytes, values where it has objects.

use std::collections::VecDeque;
use std::ops::ControlFlow;

use arrow_array::ArrayRef;
use arrow_schema::DataType;
use lapjoint_types::Value;

use crate::arrow::decode::Open;
use crate::arrow::read::Plan;
use crate::arrow::types;
use crate::error::Error;
use crate::query::Query;
use crate::watch::Watched;

/// Some rows of a column.
#[derive(Debug)]
#[non_exhaustive]
pub enum ColumnPart {
    /// Integers, floats, truth values, texts (also as dictionary) or bytes.
    Array(ArrayRef),
    /// Anything else, decoded.
    Values(Vec<Value>),
}

impl Query {
    /// The visible attributes with all their values, decoded as [`fetch`](Self::fetch) does it.
    ///
    /// ```
    /// # use lapjoint::{Connection, arrow::ColumnPart, row};
    /// # let connection = Connection::in_memory()?;
    /// # let point = connection.schema("lab")?.manual("Point", "x : int32\n---\nlabel = null : uuid")?;
    /// point.insert((0..3).map(|x| row! { "x" => x }))?;
    /// let columns = point.query().column_parts()?;
    /// assert_eq!((columns[0].0.as_str(), columns.len()), ("x", 2));
    /// assert!(matches!(&columns[0].1[..], [ColumnPart::Array(array)] if array.len() == 3));
    /// assert!(matches!(&columns[1].1[..], [ColumnPart::Values(values)] if values[2].is_null()));
    /// # Ok::<(), lapjoint::Error>(())
    /// ```
    ///
    /// # Errors
    /// As for [`fetch`](Self::fetch).
    pub fn column_parts(&self) -> Result<Vec<(String, Vec<ColumnPart>)>, Error> {
        let (_, mut request) = self.request()?;
        request.plans.iter_mut().for_each(only_simple);
        let mut columns: Vec<(String, Vec<ColumnPart>)> =
            request.plans.iter().map(|plan| (plan.attribute.name.clone(), Vec::new())).collect();
        let mut chunks = VecDeque::new();
        request.read(self.connection(), &Watched::new(self.watch(), None), &mut |chunk| {
            chunks.push_back(chunk);
            ControlFlow::Continue(())
        })?;
        let total = chunks.iter().map(|chunk| chunk.rows as u64).sum();
        let has_codecs = request.plans.iter().any(|plan| plan.attribute.has_codec());
        let mut watched = Watched::new(self.watch(), Some(total));
        while let Some(chunk) = chunks.pop_front() {
            let mut open = Open::new(chunk);
            while has_codecs && open.decode(self, &request, &mut watched)? {}
            let mut decoded: Vec<Vec<Value>> = request.plans.iter().map(|_| Vec::new()).collect();
            for row in open.ready {
                decoded.iter_mut().zip(row).for_each(|(column, value)| column.push(value));
            }
            for (((_, parts), read), decoded) in columns.iter_mut().zip(open.chunk.columns).zip(decoded) {
                parts.push(match read.array {
                    Some(array) => ColumnPart::Array(array),
                    None if has_codecs => ColumnPart::Values(decoded),
                    None => ColumnPart::Values(read.values),
                });
            }
        }
        Ok(columns)
    }
}

/// Reads only what a host language has itself straight into arrays.
fn only_simple(plan: &mut Plan) {
    let simple = match types::data_type(&plan.ty) {
        DataType::Utf8 => {
            !matches!(plan.ty, lapjoint_types::LogicalType::Core(ref core) if is_document(core))
        }
        ty => {
            ty.is_integer()
                || ty.is_floating()
                || matches!(ty, DataType::Boolean | DataType::Binary | DataType::Dictionary(..))
        }
    };
    if !simple {
        plan.direct = false;
        plan.kept = true;
    }
}

const fn is_document(core: &lapjoint_types::CoreType) -> bool {
    use lapjoint_types::CoreType;
    matches!(core, CoreType::Json | CoreType::Decimal { .. })
}
