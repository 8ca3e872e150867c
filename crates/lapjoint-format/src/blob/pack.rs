//! Values to blobs.

use std::sync::atomic::AtomicBool;

use bytes::Bytes;
use lapjoint_types::{ByteOrder, Kind, NdArray, Order, RecordArray, Value};
use num_bigint::BigInt;

use super::error::PackError;
use super::{COMPRESSED, DJ0, MYM, TYPE_CHAR, TYPE_OBJECT, code, compress, structured, time, type_id};

/// Values nested deeper than this are refused, since readers refuse them too.
pub(super) const MAX_DEPTH: usize = 256;

/// Blobs larger than this are compressed.
const COMPRESS_FROM_BYTES: usize = 1000;

/// How a blob is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct PackOptions {
    /// Whether blobs of more than 1,000 bytes are compressed where that makes them smaller.
    pub compress: bool,
    /// Level of zlib, 0 to 9. By default 5: on real images and traces it is 0.1 to 3 % larger than zlib's own 6, and up to three
    /// times as fast.
    pub level: u32,
}

impl Default for PackOptions {
    fn default() -> Self {
        Self { compress: true, level: 5 }
    }
}

impl PackOptions {
    /// Options that leave blobs uncompressed.
    #[must_use]
    pub const fn uncompressed() -> Self {
        Self { compress: false, level: 5 }
    }
}

/// Packs a value as DataJoint does.
///
/// Array elements of big-endian types are written as little-endian, which is the same array. Structured arrays come
/// back as records, and text arrays as arrays of objects.
///
/// # Errors
/// [`PackError`] for what the format cannot hold, with what to do instead.
pub fn pack(value: &Value) -> Result<Bytes, PackError> {
    pack_with(value, &PackOptions::default())
}

/// Packs a value with options.
///
/// # Errors
/// As for [`pack`].
pub fn pack_with(value: &Value, options: &PackOptions) -> Result<Bytes, PackError> {
    pack_until(value, options, &AtomicBool::new(false))
}

/// Packs a value with options, unless `stop` becomes true meanwhile. It is looked at for every 512 KiB that are compressed.
///
/// # Errors
/// As for [`pack`], and [`PackError::Stopped`].
pub fn pack_until(value: &Value, options: &PackOptions, stop: &AtomicBool) -> Result<Bytes, PackError> {
    let mut writer = Writer { out: Vec::with_capacity(16 + size_hint(value)), needs_dj0: false };
    writer.out.extend_from_slice(MYM);
    writer.value(value, 0)?;
    if writer.needs_dj0
        && let Some(protocol) = writer.out.get_mut(..DJ0.len())
    {
        protocol.copy_from_slice(DJ0);
    }
    let plain = writer.out;
    if options.compress
        && plain.len() > COMPRESS_FROM_BYTES
        && let Some(stream) = compress::compress(&plain, options.level, stop)?
        && stream.len() + COMPRESSED.len() + 8 < plain.len()
    {
        let mut blob = Vec::with_capacity(stream.len() + COMPRESSED.len() + 8);
        blob.extend_from_slice(COMPRESSED);
        blob.extend_from_slice(&(plain.len() as u64).to_le_bytes());
        blob.extend_from_slice(&stream);
        return Ok(blob.into());
    }
    Ok(plain.into())
}

/// Bytes that a value will need at least, so that large ones are written without growing the buffer.
fn size_hint(value: &Value) -> usize {
    match value {
        Value::Array(array) => array.data().len() + 64,
        Value::Bytes(bytes) => bytes.len() + 16,
        Value::Str(text) => text.len() + 16,
        Value::List(items) | Value::Tuple(items) | Value::Set(items) => items.len() * 16 + 16,
        Value::Dict(items) => items.len() * 32 + 16,
        _ => 32,
    }
}

struct Writer {
    out: Vec<u8>,
    /// Whether anything was written that `mYm` does not have.
    needs_dj0: bool,
}

impl Writer {
    fn value(&mut self, value: &Value, depth: usize) -> Result<(), PackError> {
        if depth > MAX_DEPTH {
            return Err(PackError::TooDeep { limit: MAX_DEPTH });
        }
        match value {
            Value::MatCell(cells) => {
                check_shape("cell array", &cells.shape, cells.elements.len())?;
                self.out.push(code::CELL);
                self.shape(&cells.shape);
                return self.with_lengths(&cells.elements, depth);
            }
            Value::MatStruct(structs) => return self.mat_struct(structs, depth),
            Value::Array(array) => return self.array(array, depth),
            _ => self.needs_dj0 = true,
        }
        match value {
            Value::Null => self.out.push(code::NULL),
            Value::Bool(flag) => self.out.extend_from_slice(&[code::BOOL, u8::from(*flag)]),
            Value::Int(number) => self.int(*number),
            Value::BigInt(number) => self.big_int(number)?,
            Value::Float(number) => {
                self.out.push(code::FLOAT);
                self.out.extend_from_slice(&number.to_le_bytes());
            }
            Value::Complex(re, im) => {
                self.out.push(code::COMPLEX);
                self.out.extend_from_slice(&re.to_le_bytes());
                self.out.extend_from_slice(&im.to_le_bytes());
            }
            Value::Str(text) => self.text(text),
            Value::Bytes(bytes) => {
                self.out.push(code::BYTES);
                self.count(bytes.len());
                self.out.extend_from_slice(bytes);
            }
            Value::Decimal(number) => {
                self.out.push(code::DECIMAL);
                self.count(number.as_str().len());
                self.out.extend_from_slice(number.as_str().as_bytes());
            }
            Value::Date(date) => self.time(time::date_number(*date), -1),
            Value::Time(clock) => {
                let number = time::time_number(*clock)
                    .ok_or_else(|| PackError::TimePrecision { value: clock.to_string() })?;
                self.time(-1, number);
            }
            Value::DateTime(moment) => {
                let number = time::time_number(moment.time())
                    .ok_or_else(|| PackError::TimePrecision { value: moment.to_string() })?;
                self.time(time::date_number(moment.date()), number);
            }
            Value::Uuid(uuid) => {
                self.out.push(code::UUID);
                self.out.extend_from_slice(uuid.as_bytes());
            }
            Value::Tuple(items) => self.items(code::TUPLE, items, depth)?,
            Value::List(items) => self.items(code::LIST, items, depth)?,
            Value::Set(items) => self.items(code::SET, items, depth)?,
            Value::Dict(items) => {
                self.out.push(code::DICT);
                self.count(items.len());
                for (key, value) in items {
                    self.with_length(key, depth)?;
                    self.with_length(value, depth)?;
                }
            }
            Value::Json(json) => self.json(json, depth)?,
            Value::ObjectArray(array) => {
                check_shape("object array", &array.shape, array.elements.len())?;
                self.array_head(&array.shape, TYPE_OBJECT, false);
                self.with_lengths(&array.elements, depth)?;
            }
            Value::RecordArray(records) => self.records(records, depth)?,
            other => return Err(PackError::Unsupported { type_name: other.type_name() }),
        }
        Ok(())
    }

    fn count(&mut self, count: usize) {
        self.out.extend_from_slice(&(count as u64).to_le_bytes());
    }

    fn shape(&mut self, shape: &[usize]) {
        self.count(shape.len());
        for &size in shape {
            self.count(size);
        }
    }

    /// A value with its length before it, which is known only afterwards.
    fn with_length(&mut self, value: &Value, depth: usize) -> Result<(), PackError> {
        let at = self.out.len();
        self.count(0);
        self.value(value, depth + 1)?;
        let length = (self.out.len() - at - 8) as u64;
        if let Some(place) = self.out.get_mut(at..at + 8) {
            place.copy_from_slice(&length.to_le_bytes());
        }
        Ok(())
    }

    fn with_lengths(&mut self, values: &[Value], depth: usize) -> Result<(), PackError> {
        values.iter().try_for_each(|value| self.with_length(value, depth))
    }

    fn items(&mut self, code: u8, items: &[Value], depth: usize) -> Result<(), PackError> {
        self.out.push(code);
        self.count(items.len());
        self.with_lengths(items, depth)
    }

    fn text(&mut self, text: &str) {
        self.out.push(code::TEXT);
        self.count(text.len());
        self.out.extend_from_slice(text.as_bytes());
    }

    fn time(&mut self, date: i32, clock: i64) {
        self.out.push(code::TIME);
        self.out.extend_from_slice(&date.to_le_bytes());
        self.out.extend_from_slice(&clock.to_le_bytes());
    }

    /// As many bytes as Python's `bit_length() // 8 + 1`, which is one more than needed at times.
    fn int(&mut self, number: i64) {
        let bits = 64 - number.unsigned_abs().leading_zeros();
        let length = bits as usize / 8 + 1;
        // Nine bytes for the smallest number of 64 bits: sign extension gives the ninth.
        let bytes = i128::from(number).to_le_bytes();
        self.out.extend_from_slice(&[code::INT, u8::try_from(length).unwrap_or(9), 0]);
        self.out.extend_from_slice(bytes.get(..length).unwrap_or(&bytes));
    }

    fn big_int(&mut self, number: &BigInt) -> Result<(), PackError> {
        let actual_bytes = number.bits() / 8 + 1;
        let length = u16::try_from(actual_bytes).map_err(|_| PackError::IntegerTooLong { actual_bytes })?;
        let mut bytes = number.to_signed_bytes_le();
        let sign = if number.sign() == num_bigint::Sign::Minus { 0xff } else { 0 };
        bytes.resize(usize::from(length), sign);
        self.out.push(code::INT);
        self.out.extend_from_slice(&length.to_le_bytes());
        self.out.extend_from_slice(&bytes);
        Ok(())
    }

    fn array_head(&mut self, shape: &[usize], type_id: u32, is_complex: bool) {
        self.out.push(code::ARRAY);
        self.shape(shape);
        self.out.extend_from_slice(&type_id.to_le_bytes());
        self.out.extend_from_slice(&u32::from(is_complex).to_le_bytes());
    }

    fn array(&mut self, array: &NdArray, depth: usize) -> Result<(), PackError> {
        let dtype = array.dtype();
        if let Kind::Struct(fields) = &dtype.kind {
            return self.records(&structured::columns(array, fields)?, depth);
        }
        let id = type_id(&dtype.kind).ok_or_else(|| structured::refusal(dtype))?;
        let is_complex = matches!(dtype.kind, Kind::Complex(_));
        // Only dense arrays of numbers with at least one dimension are what MATLAB knows.
        self.needs_dj0 |= array.ndim() == 0 || matches!(dtype.kind, Kind::DateTime { .. } | Kind::Unicode(_));
        self.array_head(array.shape(), id, is_complex);
        let columns = array.to_order(Order::F);
        let data = columns.data();
        match (&dtype.kind, dtype.order) {
            (Kind::Unicode(length), order) => self.unicode(data, *length, order)?,
            (Kind::Bytes(_), _) => {
                debug_assert_eq!(id, TYPE_CHAR);
                self.out.extend(data.iter().flat_map(|&byte| [byte, 0]));
            }
            (Kind::Complex(width), order) => {
                let half = usize::from(*width) / 2;
                for part in [0, half] {
                    for item in data.chunks_exact(half * 2) {
                        self.number(item.get(part..part + half).unwrap_or_default(), order);
                    }
                }
            }
            (_, ByteOrder::Little) => self.out.extend_from_slice(data),
            (_, ByteOrder::Big) => {
                for item in data.chunks_exact(dtype.item_bytes()) {
                    self.number(item, ByteOrder::Big);
                }
            }
        }
        Ok(())
    }

    /// The bytes of a number, least significant first.
    fn number(&mut self, bytes: &[u8], order: ByteOrder) {
        match order {
            ByteOrder::Little => self.out.extend_from_slice(bytes),
            ByteOrder::Big => self.out.extend(bytes.iter().rev()),
        }
    }

    /// Elements of a text array, each as a text with its length; the NULs that pad them are no part of them.
    fn unicode(&mut self, data: &[u8], length: usize, order: ByteOrder) -> Result<(), PackError> {
        if length == 0 {
            return Err(PackError::ArrayType { dtype: "<U0".into(), remedy: "convert it to 'U1'" });
        }
        for element in data.chunks_exact(length * 4) {
            let (points, _) = element.as_chunks::<4>();
            let mut text = String::new();
            for point in points {
                let number = match order {
                    ByteOrder::Little => u32::from_le_bytes(*point),
                    ByteOrder::Big => u32::from_be_bytes(*point),
                };
                text.push(char::from_u32(number).ok_or(PackError::ArrayType {
                    dtype: format!("<U{length}"),
                    remedy: "it holds code points that are no characters; clean the text first",
                })?);
            }
            let text = text.trim_end_matches('\0');
            self.count(text.len() + 9);
            self.text(text);
        }
        Ok(())
    }

    fn records(&mut self, records: &RecordArray, depth: usize) -> Result<(), PackError> {
        structured::check(records)?;
        self.needs_dj0 = true;
        self.out.push(code::RECORDS);
        self.names(records.fields.iter().map(|(name, _)| name), records.fields.len())?;
        for (name, column) in &records.fields {
            if structured::column_shape(column).is_none() {
                return Err(PackError::Records(format!(
                    "field `{name}` of a structured array is a {}, not an array",
                    column.type_name()
                )));
            }
            self.value(column, depth + 1)?;
        }
        Ok(())
    }

    fn names<'n>(&mut self, names: impl Iterator<Item = &'n String>, count: usize) -> Result<(), PackError> {
        let count = u32::try_from(count)
            .map_err(|_| PackError::Records(format!("{count} fields are more than a blob can hold")))?;
        self.out.extend_from_slice(&count.to_le_bytes());
        for name in names {
            if name.contains('\0') {
                return Err(PackError::Records(format!("the field name {name:?} contains a NUL")));
            }
            self.out.extend_from_slice(name.as_bytes());
            self.out.push(0);
        }
        Ok(())
    }

    fn mat_struct(&mut self, structs: &lapjoint_types::MatStruct, depth: usize) -> Result<(), PackError> {
        let elements = structs.shape.iter().product::<usize>();
        let expected_elements = elements.saturating_mul(structs.names.len());
        if expected_elements != structs.values.len() {
            return Err(PackError::Shape {
                what: "struct array",
                shape: structs.shape.clone(),
                expected_elements,
                actual_elements: structs.values.len(),
            });
        }
        self.out.push(code::STRUCT);
        self.shape(&structs.shape);
        self.names(structs.names.iter(), structs.names.len())?;
        self.with_lengths(&structs.values, depth)
    }

    /// A JSON document as Python's `json.loads` would give it.
    fn json(&mut self, json: &serde_json::Value, depth: usize) -> Result<(), PackError> {
        use serde_json::Value as Json;
        if depth > MAX_DEPTH {
            return Err(PackError::TooDeep { limit: MAX_DEPTH });
        }
        let nested = |writer: &mut Self, json: &Json| {
            let at = writer.out.len();
            writer.count(0);
            writer.json(json, depth + 1)?;
            let length = (writer.out.len() - at - 8) as u64;
            if let Some(place) = writer.out.get_mut(at..at + 8) {
                place.copy_from_slice(&length.to_le_bytes());
            }
            Ok(())
        };
        match json {
            Json::Null => self.out.push(code::NULL),
            Json::Bool(flag) => self.out.extend_from_slice(&[code::BOOL, u8::from(*flag)]),
            Json::Number(number) => match (number.as_i64(), number.as_u64(), number.as_f64()) {
                (Some(number), _, _) => self.int(number),
                (_, Some(number), _) => self.big_int(&BigInt::from(number))?,
                (_, _, number) => {
                    self.out.push(code::FLOAT);
                    self.out.extend_from_slice(&number.unwrap_or(f64::NAN).to_le_bytes());
                }
            },
            Json::String(text) => self.text(text),
            Json::Array(items) => {
                self.out.push(code::LIST);
                self.count(items.len());
                items.iter().try_for_each(|item| nested(self, item))?;
            }
            Json::Object(items) => {
                self.out.push(code::DICT);
                self.count(items.len());
                for (key, value) in items {
                    self.count(key.len() + 9);
                    self.text(key);
                    nested(self, value)?;
                }
            }
        }
        Ok(())
    }
}

fn check_shape(what: &'static str, shape: &[usize], actual_elements: usize) -> Result<(), PackError> {
    let expected_elements = shape.iter().product::<usize>();
    if expected_elements == actual_elements {
        return Ok(());
    }
    Err(PackError::Shape { what, shape: shape.to_vec(), expected_elements, actual_elements })
}
