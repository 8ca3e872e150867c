//! Columns of arrays: `arrow.fixed_shape_tensor` where all have one shape, else `arrow.variable_shape_tensor`.

use std::sync::Arc;

use arrow_array::{ArrayRef, FixedSizeListArray, ListArray, StructArray};
use arrow_buffer::{OffsetBuffer, ScalarBuffer};
use arrow_schema::{ArrowError, DataType, Field};
use lapjoint_types::{DType, NdArray, Order};

use crate::arrow::builder::{Builder, fixed_lists, push_offset};
use crate::arrow::fixed::{Fixed, Nulls};
use crate::arrow::scalar::{self, Refused};
use crate::arrow::types;

/// Arrays of one element type.
#[derive(Debug)]
pub(super) struct Tensors {
    element: DType,
    shape: Vec<Option<usize>>,
    /// Number of elements of each, if that is fixed.
    length: Option<i32>,
    items: Builder,
    offsets: Vec<i32>,
    axes: Fixed,
    nulls: Nulls,
}

impl Tensors {
    pub fn new(element: DType, shape: Vec<Option<usize>>) -> Self {
        Self {
            length: types::fixed_length(&shape),
            items: Builder::of_numbers(types::of_number(&element)),
            offsets: vec![0],
            axes: Fixed::new(DataType::Int32, 4),
            nulls: Nulls::default(),
            element,
            shape,
        }
    }

    pub fn push(&mut self, array: &NdArray) -> Result<(), Refused> {
        let fits = array.ndim() == self.shape.len()
            && array
                .shape()
                .iter()
                .zip(&self.shape)
                .all(|(size, axis)| axis.is_none_or(|axis| axis == *size));
        if !fits {
            let axis = |size: &Option<usize>| size.map_or_else(|| "?".to_owned(), |n| n.to_string());
            let shape: Vec<_> = self.shape.iter().map(axis).collect();
            let reason =
                format!("an array of shape {:?} is none of shape [{}]", array.shape(), shape.join(", "));
            return Err(Refused(reason));
        }
        scalar::extend(&mut self.items, &array.to_order(Order::C))?;
        if self.length.is_none() {
            push_offset(&mut self.offsets, self.items.len())?;
            for size in array.shape() {
                let size = i32::try_from(*size)
                    .map_err(|_| Refused(format!("an axis of {size} items is longer than Arrow knows")))?;
                self.axes.push(size);
            }
        }
        self.nulls.push(true);
        Ok(())
    }

    pub fn push_nulls(&mut self, count: usize) {
        if let Some(length) = self.length.and_then(|length| usize::try_from(length).ok()) {
            self.items.push_nulls(length * count);
        } else {
            let last = self.offsets.last().copied().unwrap_or(0);
            self.offsets.extend(std::iter::repeat_n(last, count));
            self.axes.push_nulls(self.shape.len() * count);
        }
        self.nulls.push_n(false, count);
    }

    pub const fn len(&self) -> usize {
        self.nulls.len()
    }

    pub fn bytes(&self) -> usize {
        self.items.bytes() + self.axes.bytes() + 4 * self.offsets.len()
    }

    pub fn finish(&mut self) -> Result<ArrayRef, ArrowError> {
        let rows = self.nulls.len();
        let nulls = self.nulls.finish();
        let items = self.items.finish()?;
        if let Some(length) = self.length {
            return fixed_lists(&self.element, length, items, nulls, rows);
        }
        let element = types::of_number(&self.element);
        let offsets = OffsetBuffer::new(ScalarBuffer::from(std::mem::replace(&mut self.offsets, vec![0])));
        let item = Arc::new(Field::new("item", element.clone(), true));
        let data = ListArray::try_new(item, offsets, items, nulls.clone())?;
        let count = i32::try_from(self.shape.len()).unwrap_or(i32::MAX);
        let axis = Arc::new(Field::new("item", DataType::Int32, true));
        let shape = FixedSizeListArray::try_new(axis, count, self.axes.finish()?, nulls.clone())?;
        let fields = types::tensor_fields(element, self.shape.len());
        let columns: Vec<ArrayRef> = vec![Arc::new(data), Arc::new(shape)];
        Ok(Arc::new(StructArray::try_new_with_length(fields, columns, nulls, rows)?))
    }
}
