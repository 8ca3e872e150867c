//! Blobs to values.

use bytes::Bytes;
use lapjoint_types::{
    DType, Decimal, Kind, MatCell, MatStruct, NdArray, ObjectArray, Order, RecordArray, Value,
};
use num_bigint::BigInt;
use uuid::Uuid;

use super::error::UnpackError;
use super::pack::MAX_DEPTH;
use super::{COMPRESSED, DJ0, MYM, TYPE_CHAR, TYPE_OBJECT, code, compress, dtype_of, structured, time};

/// Elements that memory is taken for before any of them was read: containers within containers may each declare as many
/// as the whole blob has room for.
const FIRST_ELEMENTS: usize = 1024;

/// How a blob is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct UnpackOptions {
    /// Whether dimensions of length one are removed from arrays.
    pub squeeze: bool,
    /// Whether counts and lengths have 32 bits, as the old 32-bit mYm wrote them.
    pub dims_32bit: bool,
    /// Largest uncompressed length in bytes.
    pub max_bytes: u64,
}

impl Default for UnpackOptions {
    fn default() -> Self {
        Self { squeeze: false, dims_32bit: false, max_bytes: u64::MAX }
    }
}

impl UnpackOptions {
    /// Removes dimensions of length one from arrays.
    #[must_use]
    pub const fn squeeze(mut self) -> Self {
        self.squeeze = true;
        self
    }

    /// Reads counts and lengths of 32 bits.
    #[must_use]
    pub const fn dims_32bit(mut self) -> Self {
        self.dims_32bit = true;
        self
    }

    /// Refuses blobs of a greater uncompressed length.
    #[must_use]
    pub const fn max_bytes(mut self, max_bytes: u64) -> Self {
        self.max_bytes = max_bytes;
        self
    }
}

/// Reads a blob that DataJoint, mYm or this crate wrote. An empty blob is null.
///
/// Arrays of uncompressed blobs are slices of `blob`: nothing is copied.
///
/// # Errors
/// [`UnpackError`] with the place of what cannot be read.
pub fn unpack(blob: Bytes) -> Result<Value, UnpackError> {
    unpack_with(blob, &UnpackOptions::default())
}

/// Reads a blob with options.
///
/// # Errors
/// As for [`unpack`].
pub fn unpack_with(blob: Bytes, options: &UnpackOptions) -> Result<Value, UnpackError> {
    if blob.is_empty() {
        return Ok(Value::Null);
    }
    let plain = match blob.strip_prefix(COMPRESSED) {
        Some(rest) => Bytes::from(inflate(rest, options)?),
        None => blob,
    };
    if !plain.starts_with(MYM) && !plain.starts_with(DJ0) {
        let found = plain.iter().take(8).map(|&byte| char::from(byte)).collect();
        return Err(UnpackError::Protocol { found });
    }
    let mut reader = Reader { data: &plain, owner: &plain, at: MYM.len(), options };
    let value = reader.value(0)?;
    match plain.len() - reader.at {
        0 => Ok(value),
        left_bytes => Err(UnpackError::Trailing { offset_bytes: reader.at, left_bytes }),
    }
}

fn inflate(rest: &[u8], options: &UnpackOptions) -> Result<Vec<u8>, UnpackError> {
    let truncated = || UnpackError::Truncated {
        offset_bytes: COMPRESSED.len(),
        what: "the uncompressed length",
        needed_bytes: 8,
        left_bytes: rest.len() as u64,
    };
    let (declared_bytes, stream) = if options.dims_32bit {
        let (length, stream) = rest.split_first_chunk::<4>().ok_or_else(truncated)?;
        (u64::from(u32::from_le_bytes(*length)), stream)
    } else {
        let (length, stream) = rest.split_first_chunk::<8>().ok_or_else(truncated)?;
        (u64::from_le_bytes(*length), stream)
    };
    compress::decompress(stream, declared_bytes, options.max_bytes)
}

struct Reader<'b> {
    data: &'b [u8],
    /// The same bytes, for values that share them.
    owner: &'b Bytes,
    at: usize,
    options: &'b UnpackOptions,
}

impl Reader<'_> {
    fn left_bytes(&self) -> usize {
        self.data.len() - self.at
    }

    fn truncated(&self, what: &'static str, needed_bytes: u64) -> UnpackError {
        UnpackError::Truncated {
            offset_bytes: self.at,
            what,
            needed_bytes,
            left_bytes: self.left_bytes() as u64,
        }
    }

    fn take(&mut self, length: usize, what: &'static str) -> Result<&[u8], UnpackError> {
        match self.data.get(self.at..).and_then(|rest| rest.get(..length)) {
            Some(bytes) => {
                self.at += length;
                Ok(bytes)
            }
            None => Err(self.truncated(what, length as u64)),
        }
    }

    fn array_of<const N: usize>(&mut self, what: &'static str) -> Result<[u8; N], UnpackError> {
        match self.data.get(self.at..).and_then(|rest| rest.first_chunk::<N>()) {
            Some(bytes) => {
                self.at += N;
                Ok(*bytes)
            }
            None => Err(self.truncated(what, N as u64)),
        }
    }

    /// A part of the blob that the value shares.
    fn share(&mut self, length: usize, what: &'static str) -> Result<Bytes, UnpackError> {
        if length > self.left_bytes() {
            return Err(self.truncated(what, length as u64));
        }
        let bytes = self.owner.slice(self.at..self.at + length);
        self.at += length;
        Ok(bytes)
    }

    fn u32(&mut self, what: &'static str) -> Result<u32, UnpackError> {
        self.array_of(what).map(u32::from_le_bytes)
    }

    /// A count or length, of which each unit takes at least `unit_bytes` of what is left.
    fn count(&mut self, unit_bytes: usize, what: &'static str) -> Result<usize, UnpackError> {
        let count = if self.options.dims_32bit {
            u64::from(self.u32(what)?)
        } else {
            u64::from_le_bytes(self.array_of(what)?)
        };
        let needed = count.saturating_mul(unit_bytes as u64);
        match usize::try_from(count) {
            Ok(count) if needed <= self.left_bytes() as u64 => Ok(count),
            _ => Err(self.truncated(what, needed)),
        }
    }

    const fn length_bytes(&self) -> usize {
        if self.options.dims_32bit { 4 } else { 8 }
    }

    /// A shape, and its number of elements, each of which takes at least `item_bytes`.
    fn dimensions(&mut self) -> Result<Vec<usize>, UnpackError> {
        let ndim = self.count(self.length_bytes(), "the number of dimensions")?;
        let mut shape = Vec::with_capacity(ndim);
        for _ in 0..ndim {
            shape.push(self.count(0, "a dimension")?);
        }
        Ok(shape)
    }

    /// Number of elements of a shape, once it is known that so many fit into what is left.
    fn elements(&self, shape: &[usize], item_bytes: usize, what: &'static str) -> Result<usize, UnpackError> {
        let elements = shape.iter().try_fold(1usize, |total, &size| total.checked_mul(size));
        let needed = elements.and_then(|elements| elements.checked_mul(item_bytes));
        match (elements, needed) {
            (Some(elements), Some(needed)) if needed <= self.left_bytes() => Ok(elements),
            (_, needed) => Err(self.truncated(what, needed.map_or(u64::MAX, |needed| needed as u64))),
        }
    }

    fn value(&mut self, depth: usize) -> Result<Value, UnpackError> {
        if depth > MAX_DEPTH {
            return Err(UnpackError::TooDeep { offset_bytes: self.at, limit: MAX_DEPTH });
        }
        let offset_bytes = self.at;
        let [code] = self.array_of::<1>("a value")?;
        Ok(match code {
            code::NULL => Value::Null,
            code::INT => self.int()?,
            code::FLOAT => Value::Float(f64::from_le_bytes(self.array_of("a float")?)),
            code::TEXT => {
                let length = self.count(1, "text")?;
                Value::Str(self.utf8(length, "text")?.to_owned())
            }
            code::BOOL => Value::Bool(self.array_of::<1>("a bool")? != [0]),
            code::LIST => Value::List(self.items(depth)?),
            code::TUPLE => Value::Tuple(self.items(depth)?),
            code::SET => Value::Set(self.items(depth)?),
            code::DICT => {
                let count = self.count(2 * (self.length_bytes() + 1), "a dict")?;
                let mut items = Vec::with_capacity(count.min(FIRST_ELEMENTS));
                for _ in 0..count {
                    let key = self.with_length(depth)?;
                    items.push((key, self.with_length(depth)?));
                }
                Value::Dict(items)
            }
            code::ARRAY => self.array(depth)?,
            code::BYTES => {
                let length = self.count(1, "bytes")?;
                Value::Bytes(self.share(length, "bytes")?)
            }
            code::COMPLEX => Value::Complex(
                f64::from_le_bytes(self.array_of("a complex number")?),
                f64::from_le_bytes(self.array_of("a complex number")?),
            ),
            code::DECIMAL => {
                let length = self.count(1, "a decimal")?;
                let text = self.utf8(length, "decimal")?;
                let number = text.parse::<Decimal>();
                Value::Decimal(
                    number.map_err(|error| self.invalid(offset_bytes, "decimal", error.to_string()))?,
                )
            }
            code::TIME => self.time(offset_bytes)?,
            code::UUID => Value::Uuid(Uuid::from_bytes(self.array_of("a UUID")?)),
            code::RECORDS => self.records(depth)?,
            code::CELL => self.cell(depth)?,
            code::STRUCT => self.mat_struct(depth)?,
            code::SPARSE => return Err(UnpackError::Sparse),
            code => return Err(UnpackError::Code { offset_bytes, code }),
        })
    }

    #[expect(clippy::unused_self, reason = "reads like the other constructors of errors")]
    fn invalid(&self, offset_bytes: usize, what: &'static str, detail: impl Into<String>) -> UnpackError {
        UnpackError::Invalid { offset_bytes, what, detail: detail.into() }
    }

    fn utf8(&mut self, length: usize, what: &'static str) -> Result<&str, UnpackError> {
        let offset_bytes = self.at;
        std::str::from_utf8(self.take(length, what)?).map_err(|error| UnpackError::Invalid {
            offset_bytes,
            what,
            detail: error.to_string(),
        })
    }

    fn int(&mut self) -> Result<Value, UnpackError> {
        let length = usize::from(u16::from_le_bytes(self.array_of("an integer")?));
        let bytes = self.take(length, "an integer")?;
        let negative = bytes.last().is_some_and(|last| last & 0x80 != 0);
        if bytes.len() <= 8 {
            let mut wide = [if negative { 0xff } else { 0 }; 8];
            for (target, source) in wide.iter_mut().zip(bytes) {
                *target = *source;
            }
            return Ok(Value::Int(i64::from_le_bytes(wide)));
        }
        Ok(Value::from(BigInt::from_signed_bytes_le(bytes)))
    }

    fn time(&mut self, offset_bytes: usize) -> Result<Value, UnpackError> {
        let date = i32::from_le_bytes(self.array_of("a date")?);
        let clock = i64::from_le_bytes(self.array_of("a time")?);
        let day = (date != -1).then(|| time::date_of(date));
        let moment = (clock != -1).then(|| time::time_of(clock));
        match (day, moment) {
            (Some(Some(day)), None) => Ok(Value::Date(day)),
            (None, Some(Some(moment))) => Ok(Value::Time(moment)),
            (Some(Some(day)), Some(Some(moment))) => Ok(Value::DateTime(day.to_datetime(moment))),
            _ => Err(self.invalid(offset_bytes, "date or time", format!("{date} and {clock}"))),
        }
    }

    /// A value with its length before it, which it must fill.
    fn with_length(&mut self, depth: usize) -> Result<Value, UnpackError> {
        let length = self.count(1, "a value")?;
        let end = self.at + length;
        let whole = self.data;
        // The value sees no more than its own bytes.
        self.data = whole.get(..end).unwrap_or(whole);
        let value = self.value(depth + 1);
        self.data = whole;
        let value = value?;
        if self.at == end {
            return Ok(value);
        }
        Err(UnpackError::Trailing { offset_bytes: self.at, left_bytes: end - self.at })
    }

    fn with_lengths(&mut self, count: usize, depth: usize) -> Result<Vec<Value>, UnpackError> {
        let mut values = Vec::with_capacity(count.min(FIRST_ELEMENTS));
        for _ in 0..count {
            values.push(self.with_length(depth)?);
        }
        Ok(values)
    }

    fn items(&mut self, depth: usize) -> Result<Vec<Value>, UnpackError> {
        let count = self.count(self.length_bytes() + 1, "a sequence")?;
        self.with_lengths(count, depth)
    }

    fn array(&mut self, depth: usize) -> Result<Value, UnpackError> {
        let shape = self.dimensions()?;
        let offset_bytes = self.at;
        let type_id = self.u32("the array's type")?;
        let is_complex = self.u32("the array's type")? != 0;
        if type_id == TYPE_OBJECT {
            let count = self.elements(&shape, self.length_bytes() + 1, "an object array")?;
            let elements = self.with_lengths(count, depth)?;
            let shape = self.squeezed(shape);
            return Ok(Value::ObjectArray(Box::new(ObjectArray { shape, elements })));
        }
        if type_id == TYPE_CHAR {
            return self.characters(shape);
        }
        let dtype = dtype_of(type_id, is_complex).ok_or(UnpackError::ArrayType {
            offset_bytes,
            type_id,
            is_complex,
        })?;
        let item_bytes = dtype.item_bytes();
        let count = self.elements(&shape, item_bytes, "an array")?;
        let data = if is_complex {
            self.complex(count, item_bytes / 2)?
        } else {
            self.share(count * item_bytes, "an array")?
        };
        self.dense(dtype, shape, data)
    }

    fn dense(&self, dtype: DType, shape: Vec<usize>, data: Bytes) -> Result<Value, UnpackError> {
        let shape = self.squeezed(shape);
        let array = NdArray::new(dtype, shape, Order::F, data)
            .map_err(|error| self.invalid(self.at, "array", error.to_string()))?;
        // Where both orders are the same, the one that most readers expect.
        let order = if array.is_order_free() { Order::C } else { Order::F };
        Ok(Value::from(array.to_order(order)))
    }

    /// Real and imaginary parts, which stand apart in the blob, side by side.
    fn complex(&mut self, count: usize, part_bytes: usize) -> Result<Bytes, UnpackError> {
        let real = self.share(count * part_bytes, "an array")?;
        let imaginary = self.share(count * part_bytes, "an array")?;
        let mut data = Vec::with_capacity(count * part_bytes * 2);
        for (re, im) in real.chunks_exact(part_bytes).zip(imaginary.chunks_exact(part_bytes)) {
            data.extend_from_slice(re);
            data.extend_from_slice(im);
        }
        Ok(data.into())
    }

    /// Characters of two bytes. A single row is one text, which is how MATLAB writes its strings.
    fn characters(&mut self, shape: Vec<usize>) -> Result<Value, UnpackError> {
        let count = self.elements(&shape, 2, "text")?;
        let offset_bytes = self.at;
        let (units, _) = self.take(count * 2, "text")?.as_chunks::<2>();
        let units: Vec<u16> = units.iter().map(|unit| u16::from_le_bytes(*unit)).collect();
        let is_row = shape.len() == 1 || (shape.len() == 2 && shape.first() == Some(&1));
        let points: Vec<u32> = if is_row {
            char::decode_utf16(units)
                .map(|unit| unit.map(u32::from))
                .collect::<Result<_, _>>()
                .map_err(|error| self.invalid(offset_bytes, "text", error.to_string()))?
        } else {
            units.into_iter().map(u32::from).collect()
        };
        let data: Vec<u8> = points.iter().flat_map(|point| point.to_le_bytes()).collect();
        if is_row {
            let length = points.len().max(1);
            let data = if data.is_empty() { vec![0; 4] } else { data };
            return self.dense(DType::little(Kind::Unicode(length)), vec![1], data.into());
        }
        self.dense(DType::little(Kind::Unicode(1)), shape, data.into())
    }

    fn squeezed(&self, shape: Vec<usize>) -> Vec<usize> {
        if self.options.squeeze { shape.into_iter().filter(|&size| size != 1).collect() } else { shape }
    }

    /// Number and names of the fields of records or structs.
    fn names(&mut self) -> Result<Vec<String>, UnpackError> {
        let count = self.u32("the number of fields")?;
        // Each name has at least its NUL.
        if u64::from(count) > self.left_bytes() as u64 {
            return Err(self.truncated("the field names", u64::from(count)));
        }
        let mut names = Vec::new();
        for _ in 0..count {
            let rest = self.data.get(self.at..).unwrap_or_default();
            let length = rest.iter().position(|&byte| byte == 0);
            let length = length.ok_or_else(|| self.truncated("a field name", rest.len() as u64 + 1))?;
            names.push(self.utf8(length, "field name")?.to_owned());
            self.at += 1;
        }
        Ok(names)
    }

    /// What an array without fields is read as: numpy's `array(None)`.
    fn no_fields() -> Value {
        Value::ObjectArray(Box::new(ObjectArray { shape: Vec::new(), elements: vec![Value::Null] }))
    }

    fn records(&mut self, depth: usize) -> Result<Value, UnpackError> {
        let names = self.names()?;
        if names.is_empty() {
            return Ok(Self::no_fields());
        }
        let mut fields = Vec::with_capacity(names.len());
        for name in names {
            fields.push((name, self.value(depth + 1)?));
        }
        let shape = structured::record_shape(&fields).ok_or_else(|| {
            self.invalid(self.at, "structured array", "its fields do not have one shape in common")
        })?;
        Ok(Value::RecordArray(Box::new(RecordArray { shape, fields })))
    }

    fn cell(&mut self, depth: usize) -> Result<Value, UnpackError> {
        let shape = self.dimensions()?;
        let count = self.elements(&shape, self.length_bytes() + 1, "a cell array")?;
        let elements = self.with_lengths(count, depth)?;
        let shape = if count == 0 { vec![0] } else { self.squeezed(shape) };
        Ok(Value::MatCell(Box::new(MatCell { shape, elements })))
    }

    fn mat_struct(&mut self, depth: usize) -> Result<Value, UnpackError> {
        let shape = self.dimensions()?;
        let names = self.names()?;
        if names.is_empty() {
            return Ok(Self::no_fields());
        }
        let item_bytes = names.len().saturating_mul(self.length_bytes() + 1);
        let count = self.elements(&shape, item_bytes, "a struct array")?;
        let values = self.with_lengths(count * names.len(), depth)?;
        Ok(Value::MatStruct(Box::new(MatStruct { shape: self.squeezed(shape), names, values })))
    }
}
