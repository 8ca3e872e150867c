//! Columns of fixed width.

use arrow_array::{ArrayRef, make_array};
use arrow_buffer::{BooleanBufferBuilder, Buffer, MutableBuffer, NullBuffer, ToByteSlice};
use arrow_data::ArrayDataBuilder;
use arrow_schema::{ArrowError, DataType};

/// Values of a type of fixed width, in one buffer.
#[derive(Debug)]
pub(super) struct Fixed {
    data_type: DataType,
    data: MutableBuffer,
    nulls: Nulls,
    width: usize,
}

/// Which values are null; nothing is kept while none is.
#[derive(Debug, Default)]
pub(super) struct Nulls {
    length: usize,
    valid: Option<BooleanBufferBuilder>,
}

impl Nulls {
    pub fn push(&mut self, is_valid: bool) {
        self.push_n(is_valid, 1);
    }

    pub fn push_n(&mut self, is_valid: bool, count: usize) {
        if let Some(valid) = &mut self.valid {
            valid.append_n(count, is_valid);
        } else if !is_valid {
            let mut valid = BooleanBufferBuilder::new(self.length + count);
            valid.append_n(self.length, true);
            valid.append_n(count, false);
            self.valid = Some(valid);
        }
        self.length += count;
    }

    pub const fn len(&self) -> usize {
        self.length
    }

    pub fn finish(&mut self) -> Option<NullBuffer> {
        let valid = self.valid.take().map(|mut valid| NullBuffer::new(valid.finish()));
        self.length = 0;
        valid
    }
}

impl Fixed {
    /// The type of the values.
    pub const fn data_type(&self) -> &DataType {
        &self.data_type
    }

    /// A column of values of `width` bytes.
    pub fn new(data_type: DataType, width: usize) -> Self {
        Self { data_type, data: MutableBuffer::new(0), nulls: Nulls::default(), width }
    }

    pub fn push<T: ToByteSlice>(&mut self, value: T) {
        self.data.extend_from_slice(value.to_byte_slice());
        self.nulls.push(true);
    }

    pub fn push_bytes(&mut self, bytes: &[u8]) {
        self.data.extend_from_slice(bytes);
        self.nulls.push(true);
    }

    /// Many values at once.
    pub fn extend(&mut self, bytes: &[u8]) {
        self.data.extend_from_slice(bytes);
        self.nulls.push_n(true, bytes.len().checked_div(self.width).unwrap_or(0));
    }

    pub fn push_nulls(&mut self, count: usize) {
        self.data.extend_zeros(self.width * count);
        self.nulls.push_n(false, count);
    }

    pub const fn len(&self) -> usize {
        self.nulls.len()
    }

    pub fn bytes(&self) -> usize {
        self.data.len()
    }

    pub fn finish(&mut self) -> Result<ArrayRef, ArrowError> {
        let length = self.nulls.len();
        let data = Buffer::from(std::mem::replace(&mut self.data, MutableBuffer::new(0)));
        let built = ArrayDataBuilder::new(self.data_type.clone())
            .len(length)
            .add_buffer(data)
            .nulls(self.nulls.finish())
            .build()?;
        Ok(make_array(built))
    }
}
