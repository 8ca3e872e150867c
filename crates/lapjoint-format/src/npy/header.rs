//! The header of a `.npy` file.

use std::ops::Range;

use lapjoint_types::array::checked_bytes;
use lapjoint_types::{DType, Kind, NdArray, Order};

use super::literal::Literal;
use super::{NpyError, descr};

const MAGIC: &[u8; 6] = b"\x93NUMPY";

/// Headers end where the elements begin, at a multiple of this.
const ALIGN_BYTES: usize = 64;

/// numpy leaves room for the first dimension to grow to this many digits, so that files can be appended to.
const GROWTH_DIGITS: usize = 21;

/// What a `.npy` file says of its array.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Header {
    /// Element type.
    pub dtype: DType,
    /// Shape, `(rows, cols, …)`.
    pub shape: Vec<usize>,
    /// Order of the elements.
    pub order: Order,
    /// Place of the first element in the file.
    pub data_start_bytes: usize,
}

impl Header {
    /// Bytes that the elements need.
    ///
    /// # Errors
    /// [`NpyError::Header`] when they are more than can be counted.
    pub fn data_bytes(&self) -> Result<u64, NpyError> {
        checked_bytes(&self.shape, self.dtype.item_bytes())
            .map(|bytes| bytes as u64)
            .ok_or_else(|| NpyError::Header(format!("an array of shape {:?} is too large", self.shape)))
    }

    /// Bytes of the whole file.
    ///
    /// # Errors
    /// [`NpyError::Header`] when they are more than can be counted.
    pub fn file_bytes(&self) -> Result<u64, NpyError> {
        self.data_bytes()?
            .checked_add(self.data_start_bytes as u64)
            .ok_or_else(|| NpyError::Header("the file is too large".into()))
    }

    /// Byte ranges of the file that hold the rows `rows` of the first axis: one range in row-major order, one for each
    /// column in column-major order. Ranges that touch are joined.
    ///
    /// # Errors
    /// [`NpyError::Header`] when there are no such rows.
    pub fn row_ranges(&self, rows: Range<usize>) -> Result<Vec<Range<u64>>, NpyError> {
        let total = self.data_bytes()?;
        let count = self.shape.first().copied().unwrap_or(0);
        if rows.start > rows.end || rows.end > count {
            return Err(NpyError::Header(format!("rows {rows:?} of an array with {count} rows")));
        }
        let start = self.data_start_bytes as u64;
        if rows.is_empty() || total == 0 {
            return Ok(Vec::new());
        }
        let item = self.dtype.item_bytes() as u64;
        let (stride, from) = match self.order {
            Order::C => (total, total / count as u64),
            Order::F => (count as u64 * item, item),
        };
        let mut ranges: Vec<Range<u64>> = Vec::new();
        let mut column = 0;
        while column < total {
            let first = start + column + rows.start as u64 * from;
            let last = start + column + rows.end as u64 * from;
            match ranges.last_mut() {
                Some(previous) if previous.end == first => previous.end = last,
                _ => ranges.push(first..last),
            }
            column += stride;
        }
        Ok(ranges)
    }
}

/// Length of the file's head, up to its first element, once the first twelve bytes tell; `None` if more are needed.
///
/// # Errors
/// [`NpyError::Magic`] or [`NpyError::Version`].
pub fn header_len_bytes(start: &[u8]) -> Result<Option<usize>, NpyError> {
    let known = start.len().min(MAGIC.len());
    if start.get(..known) != MAGIC.get(..known) {
        return Err(NpyError::Magic(start.iter().take(8).map(|&byte| char::from(byte)).collect()));
    }
    let Some(&[major, minor]) = start.get(6..8) else { return Ok(None) };
    match (major, minor) {
        (1, 0) => Ok(start
            .get(8..)
            .and_then(|rest| rest.first_chunk())
            .map(|length| 10 + usize::from(u16::from_le_bytes(*length)))),
        (2 | 3, 0) => Ok(start.get(8..).and_then(|rest| rest.first_chunk()).map(|length| {
            12usize.saturating_add(usize::try_from(u32::from_le_bytes(*length)).unwrap_or(usize::MAX))
        })),
        _ => Err(NpyError::Version(major, minor)),
    }
}

/// Reads the header from the first bytes of a file.
///
/// # Errors
/// [`NpyError::Truncated`] with the number of bytes needed when `start` is too short; other variants when the header
/// cannot be read.
pub fn parse_header(start: &[u8]) -> Result<Header, NpyError> {
    let truncated = |needed: usize| NpyError::Truncated {
        what: "the header",
        needed_bytes: needed as u64,
        actual_bytes: start.len() as u64,
    };
    let data_start_bytes = header_len_bytes(start)?.ok_or_else(|| truncated(12))?;
    let text_start = if start.get(6) == Some(&1) { 10 } else { 12 };
    let text = start.get(text_start..data_start_bytes).ok_or_else(|| truncated(data_start_bytes))?;
    let text = match start.get(6) {
        Some(3) => std::str::from_utf8(text).map_err(|error| NpyError::Header(error.to_string()))?.to_owned(),
        _ => text.iter().map(|&byte| char::from(byte)).collect(),
    };
    let literal = Literal::parse(&text)?;
    let missing = |key: &str| NpyError::Header(format!("it lacks {key:?}, or it is of another type"));
    let dtype = descr::parse(literal.get("descr").ok_or_else(|| missing("descr"))?)?;
    let shape = match literal.get("shape") {
        Some(shape @ Literal::Items(_)) => shape.sizes(),
        _ => None,
    };
    let order = match literal.get("fortran_order") {
        Some(Literal::Bool(true)) => Order::F,
        Some(Literal::Bool(false)) => Order::C,
        _ => return Err(missing("fortran_order")),
    };
    let header = Header { dtype, shape: shape.ok_or_else(|| missing("shape"))?, order, data_start_bytes };
    header.data_bytes()?;
    Ok(header)
}

/// The file's head for an array: everything before its elements.
///
/// # Errors
/// [`NpyError::Type`] for types that numpy cannot describe.
pub fn header_bytes(array: &NdArray) -> Result<Vec<u8>, NpyError> {
    let dtype = array.dtype();
    if matches!(&dtype.kind, Kind::Struct(fields) if fields.is_empty()) {
        return Err(NpyError::Type { dtype: dtype.to_string(), reason: "it has no fields" });
    }
    // numpy calls an array column-major only if it is not row-major as well.
    let fortran = array.order() == Order::F && !array.is_order_free();
    let mut text = format!(
        "{{'descr': {}, 'fortran_order': {}, 'shape': {}, }}",
        descr::write(dtype),
        if fortran { "True" } else { "False" },
        tuple(array.shape())
    );
    let growing = if fortran { array.shape().last() } else { array.shape().first() };
    if let Some(size) = growing {
        let digits = size.to_string().len();
        text.extend(std::iter::repeat_n(' ', GROWTH_DIGITS.saturating_sub(digits)));
    }
    // Latin-1 text is written as such, other text needs version 3.
    let latin: Option<Vec<u8>> = text.chars().map(|c| u8::try_from(u32::from(c)).ok()).collect();
    let is_latin = latin.is_some();
    let mut body = latin.unwrap_or_else(|| text.into_bytes());
    let pad = |body: &[u8], prefix: usize| ALIGN_BYTES - (prefix + body.len() + 1) % ALIGN_BYTES;
    let short = pad(&body, 10);
    let fits = is_latin && body.len() + short < usize::from(u16::MAX);
    let (version, prefix) = match (fits, is_latin) {
        (true, _) => (1, 10),
        (false, true) => (2, 12),
        (false, false) => (3, 12),
    };
    let padding = pad(&body, prefix);
    body.extend(std::iter::repeat_n(b' ', padding));
    body.push(b'\n');
    let mut head = MAGIC.to_vec();
    head.extend_from_slice(&[version, 0]);
    let too_long = |_| NpyError::Header("it is too long".into());
    if version == 1 {
        head.extend_from_slice(&u16::try_from(body.len()).map_err(too_long)?.to_le_bytes());
    } else {
        head.extend_from_slice(&u32::try_from(body.len()).map_err(too_long)?.to_le_bytes());
    }
    head.extend_from_slice(&body);
    Ok(head)
}

/// A Python tuple of sizes.
pub(super) fn tuple(sizes: &[usize]) -> String {
    match sizes {
        [size] => format!("({size},)"),
        sizes => {
            let sizes: Vec<String> = sizes.iter().map(ToString::to_string).collect();
            format!("({})", sizes.join(", "))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_of_rows() {
        let mut header =
            Header { dtype: DType::F64, shape: vec![10, 4], order: Order::C, data_start_bytes: 128 };
        assert_eq!(header.row_ranges(2..4).unwrap(), vec![128u64 + 64..128 + 128; 1]);
        header.order = Order::F;
        assert_eq!(header.row_ranges(2..4).unwrap().len(), 4);
        assert_eq!(header.row_ranges(2..4).unwrap()[1], 128 + 96..128 + 112);
        assert_eq!(header.row_ranges(0..10).unwrap(), vec![128u64..128 + 320; 1]);
        assert!(header.row_ranges(3..3).unwrap().is_empty());
        assert!(header.row_ranges(9..11).is_err());
    }
}
