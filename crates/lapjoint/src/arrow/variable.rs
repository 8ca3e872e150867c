//! Columns of texts and bytes.

use std::sync::Arc;

use arrow_array::{ArrayRef, BinaryArray, StringArray};
use arrow_buffer::{MutableBuffer, OffsetBuffer, ScalarBuffer};
use arrow_schema::ArrowError;

use crate::arrow::fixed::Nulls;
use crate::arrow::scalar::Refused;

/// Values of any length, one behind the other.
#[derive(Debug)]
pub(super) struct Variable {
    offsets: Vec<i32>,
    data: MutableBuffer,
    nulls: Nulls,
    is_text: bool,
}

impl Variable {
    /// A column of texts, which its user sees to.
    pub fn text() -> Self {
        Self { is_text: true, ..Self::bytes() }
    }

    pub fn bytes() -> Self {
        Self { offsets: vec![0], data: MutableBuffer::new(0), nulls: Nulls::default(), is_text: false }
    }

    pub fn push(&mut self, bytes: &[u8]) -> Result<(), Refused> {
        let end = i32::try_from(self.data.len() + bytes.len()).map_err(|_| {
            Refused(format!(
                "a value of {} bytes; one batch holds 2 GiB of texts or bytes in a column",
                bytes.len()
            ))
        })?;
        self.data.extend_from_slice(bytes);
        self.offsets.push(end);
        self.nulls.push(true);
        Ok(())
    }

    pub fn push_nulls(&mut self, count: usize) {
        let last = self.offsets.last().copied().unwrap_or(0);
        self.offsets.extend(std::iter::repeat_n(last, count));
        self.nulls.push_n(false, count);
    }

    pub const fn len(&self) -> usize {
        self.nulls.len()
    }

    pub fn byte_count(&self) -> usize {
        self.data.len() + 4 * self.offsets.len()
    }

    pub fn finish(&mut self) -> Result<ArrayRef, ArrowError> {
        let offsets = OffsetBuffer::new(ScalarBuffer::from(std::mem::replace(&mut self.offsets, vec![0])));
        let data = std::mem::replace(&mut self.data, MutableBuffer::new(0)).into();
        let nulls = self.nulls.finish();
        Ok(if self.is_text {
            Arc::new(StringArray::try_new(offsets, data, nulls)?)
        } else {
            Arc::new(BinaryArray::try_new(offsets, data, nulls)?)
        })
    }
}
