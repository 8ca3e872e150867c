//! N-dimensional arrays, record arrays and MATLAB containers.

use bytes::Bytes;

use crate::dtype::{DType, Kind};
use crate::value::Value;

/// Order in which the elements of an array follow one another in memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Order {
    /// Row-major: the last index varies fastest.
    C,
    /// Column-major (Fortran): the first index varies fastest.
    F,
}

/// A dense array: element type, shape `(rows, cols, …)`, order and raw bytes.
///
/// `data` holds exactly `product(shape) * dtype.item_bytes()` bytes in `dtype.order` byte order. It is a
/// reference-counted slice: an array decoded from a blob or a `.npy` file shares the buffer it was read from.
/// An array of shape `()` is a numpy scalar.
#[derive(Debug, Clone)]
pub struct NdArray {
    dtype: DType,
    shape: Vec<usize>,
    order: Order,
    data: Bytes,
}

/// The declared shape and type do not fit the number of bytes given.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("an array of shape {shape:?} and type {dtype} needs {expected_bytes:?} bytes, got {actual_bytes}")]
pub struct ShapeError {
    /// Declared shape.
    pub shape: Vec<usize>,
    /// Declared element type.
    pub dtype: String,
    /// Bytes that the shape and type need; `None` when the product overflows.
    pub expected_bytes: Option<usize>,
    /// Bytes given.
    pub actual_bytes: usize,
}

impl NdArray {
    /// An array over `data`.
    ///
    /// # Errors
    /// [`ShapeError`] unless `data` has exactly the bytes that `shape` and `dtype` need.
    pub fn new(dtype: DType, shape: Vec<usize>, order: Order, data: Bytes) -> Result<Self, ShapeError> {
        // Elements of no bytes must be countable, too: `len_elements` multiplies without a check.
        let expected_bytes = checked_bytes(&shape, 1).and_then(|_| checked_bytes(&shape, dtype.item_bytes()));
        if expected_bytes != Some(data.len()) {
            return Err(ShapeError {
                dtype: dtype.to_string(),
                shape,
                expected_bytes,
                actual_bytes: data.len(),
            });
        }
        Ok(Self { dtype, shape, order, data })
    }

    /// A one-dimensional array that takes over `values` without copying them.
    #[must_use]
    pub fn from_vec<T: Element>(values: Vec<T>) -> Self {
        let shape = vec![values.len()];
        Self { dtype: T::DTYPE, shape, order: Order::C, data: T::into_bytes(values) }
    }

    /// An array of `shape` (row-major) that takes over `values` without copying them.
    ///
    /// # Errors
    /// [`ShapeError`] unless `values` has `product(shape)` elements.
    pub fn from_shape_vec<T: Element>(shape: Vec<usize>, values: Vec<T>) -> Result<Self, ShapeError> {
        Self::new(T::DTYPE, shape, Order::C, T::into_bytes(values))
    }

    /// A numpy scalar: an array of shape `()`.
    #[must_use]
    pub fn scalar<T: Element>(value: T) -> Self {
        Self { dtype: T::DTYPE, shape: Vec::new(), order: Order::C, data: T::into_bytes(vec![value]) }
    }

    /// Element type.
    #[must_use]
    pub const fn dtype(&self) -> &DType {
        &self.dtype
    }

    /// Shape, `(rows, cols, …)`.
    #[must_use]
    pub fn shape(&self) -> &[usize] {
        &self.shape
    }

    /// Number of dimensions.
    #[must_use]
    pub fn ndim(&self) -> usize {
        self.shape.len()
    }

    /// Order of the elements in [`data`](Self::data).
    #[must_use]
    pub const fn order(&self) -> Order {
        self.order
    }

    /// Raw bytes of the elements.
    #[must_use]
    pub const fn data(&self) -> &Bytes {
        &self.data
    }

    /// Number of elements.
    #[must_use]
    pub fn len_elements(&self) -> usize {
        self.shape.iter().product()
    }

    /// Whether there is no element.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len_elements() == 0
    }

    /// Whether the array reads the same in both orders: at most one dimension is longer than one.
    #[must_use]
    pub fn is_order_free(&self) -> bool {
        self.is_empty() || self.shape.iter().filter(|&&size| size > 1).count() <= 1
    }

    /// The elements in the array's own order, or `None` when `T` is another type.
    #[must_use]
    pub fn to_vec<T: Element>(&self) -> Option<Vec<T>> {
        (self.dtype == T::DTYPE).then(|| T::read_all(&self.data))
    }

    /// The elements in row-major order, or `None` when `T` is another type.
    #[must_use]
    pub fn to_c_vec<T: Element>(&self) -> Option<Vec<T>> {
        self.to_order(Order::C).to_vec()
    }

    /// The same array with its bytes in `order`; shares the buffer when nothing has to move.
    #[must_use]
    pub fn to_order(&self, order: Order) -> Self {
        if self.order == order || self.is_order_free() {
            return Self { order, ..self.clone() };
        }
        let data = match order {
            // Column-major bytes of a shape are row-major bytes of the reversed shape.
            Order::F => transpose(&self.data, &self.shape, self.dtype.item_bytes()),
            Order::C => {
                let reversed: Vec<usize> = self.shape.iter().rev().copied().collect();
                transpose(&self.data, &reversed, self.dtype.item_bytes())
            }
        };
        Self { order, data: data.into(), dtype: self.dtype.clone(), shape: self.shape.clone() }
    }
}

impl PartialEq for NdArray {
    /// Same type, shape and elements, whatever the order in memory. Floats compare by their bits, so NaN equals NaN.
    fn eq(&self, other: &Self) -> bool {
        self.dtype == other.dtype
            && self.shape == other.shape
            && (if self.order == other.order {
                self.data == other.data
            } else {
                self.to_order(other.order).data == other.data
            })
    }
}

/// `product(shape) * item_bytes`, or `None` on overflow.
#[must_use]
pub fn checked_bytes(shape: &[usize], item_bytes: usize) -> Option<usize> {
    shape.iter().try_fold(item_bytes, |total, &size| total.checked_mul(size))
}

/// Row-major bytes of `shape` to column-major bytes.
fn transpose(data: &[u8], shape: &[usize], item_bytes: usize) -> Vec<u8> {
    match item_bytes {
        1 => transpose_items::<1>(data, shape),
        2 => transpose_items::<2>(data, shape),
        4 => transpose_items::<4>(data, shape),
        8 => transpose_items::<8>(data, shape),
        16 => transpose_items::<16>(data, shape),
        _ => {
            let mut out = vec![0; data.len()];
            for_each_target(shape, |source, target| {
                out[target * item_bytes..][..item_bytes]
                    .copy_from_slice(&data[source * item_bytes..][..item_bytes]);
            });
            out
        }
    }
}

fn transpose_items<const N: usize>(data: &[u8], shape: &[usize]) -> Vec<u8> {
    let mut out = vec![0; data.len()];
    let (source_items, _) = data.as_chunks::<N>();
    let (target_items, _) = out.as_chunks_mut::<N>();
    if let [rows, cols] = *shape {
        // Square blocks keep both sides in cache; a plain double loop is several times slower on large arrays.
        const BLOCK: usize = 32;
        for row0 in (0..rows).step_by(BLOCK) {
            for col0 in (0..cols).step_by(BLOCK) {
                for row in row0..rows.min(row0 + BLOCK) {
                    for col in col0..cols.min(col0 + BLOCK) {
                        target_items[col * rows + row] = source_items[row * cols + col];
                    }
                }
            }
        }
        return out;
    }
    for_each_target(shape, |source, target| target_items[target] = source_items[source]);
    out
}

/// Calls `visit(c_index, f_index)` for every element of `shape`, in row-major order.
fn for_each_target(shape: &[usize], mut visit: impl FnMut(usize, usize)) {
    let mut strides = Vec::with_capacity(shape.len());
    let mut stride = 1usize;
    for &size in shape {
        strides.push(stride);
        stride *= size;
    }
    let mut index = vec![0usize; shape.len()];
    let mut target = 0usize;
    for source in 0..stride {
        visit(source, target);
        for axis in (0..shape.len()).rev() {
            index[axis] += 1;
            target += strides[axis];
            if index[axis] < shape[axis] {
                break;
            }
            target -= strides[axis] * shape[axis];
            index[axis] = 0;
        }
    }
}

/// A Rust number type that is an array's element type.
pub trait Element: Copy + Send + Sync + 'static {
    /// The array type of `Self`.
    const DTYPE: DType;
    /// Takes over a vector as little-endian bytes.
    fn into_bytes(values: Vec<Self>) -> Bytes;
    /// Reads all elements from little-endian bytes.
    fn read_all(bytes: &[u8]) -> Vec<Self>;
}

/// Owner that lends a number vector as bytes, so that an array takes it over without a copy.
struct VecOwner<T>(Vec<T>);

impl<T: bytemuck::NoUninit> AsRef<[u8]> for VecOwner<T> {
    fn as_ref(&self) -> &[u8] {
        bytemuck::cast_slice(&self.0)
    }
}

macro_rules! element {
    ($($number:ty => $dtype:expr),+ $(,)?) => {$(
        impl Element for $number {
            const DTYPE: DType = $dtype;
            fn into_bytes(values: Vec<Self>) -> Bytes {
                #[cfg(target_endian = "big")]
                return values.iter().flat_map(|v| v.to_le_bytes()).collect::<Vec<u8>>().into();
                #[cfg(target_endian = "little")]
                Bytes::from_owner(VecOwner(values))
            }
            fn read_all(bytes: &[u8]) -> Vec<Self> {
                let (items, _) = bytes.as_chunks();
                items.iter().map(|item| Self::from_le_bytes(*item)).collect()
            }
        }
    )+};
}

element! {
    i8 => DType::I8, i16 => DType::I16, i32 => DType::I32, i64 => DType::I64,
    u8 => DType::U8, u16 => DType::U16, u32 => DType::U32, u64 => DType::U64,
    f32 => DType::F32, f64 => DType::F64,
}

impl Element for bool {
    const DTYPE: DType = DType::little(Kind::Bool);
    fn into_bytes(values: Vec<Self>) -> Bytes {
        values.into_iter().map(u8::from).collect::<Vec<u8>>().into()
    }
    fn read_all(bytes: &[u8]) -> Vec<Self> {
        bytes.iter().map(|&byte| byte != 0).collect()
    }
}

/// An array whose elements are arbitrary values (numpy `object`), in column-major order.
#[derive(Debug, Clone, PartialEq)]
pub struct ObjectArray {
    /// Shape, `(rows, cols, …)`.
    pub shape: Vec<usize>,
    /// `product(shape)` elements in column-major order.
    pub elements: Vec<Value>,
}

/// A structured array, kept by column: each field is an array over the same records.
///
/// A field with sub-arrays has more dimensions than [`shape`](Self::shape): the record's dimensions come first.
#[derive(Debug, Clone, PartialEq)]
pub struct RecordArray {
    /// Shape of the records.
    pub shape: Vec<usize>,
    /// Field names and columns, in order. A column is an `Array`, an `ObjectArray` or a `RecordArray`.
    pub fields: Vec<(String, Value)>,
}

/// A MATLAB cell array: any values, in column-major order.
#[derive(Debug, Clone, PartialEq)]
pub struct MatCell {
    /// Shape, `(rows, cols, …)`.
    pub shape: Vec<usize>,
    /// `product(shape)` elements in column-major order.
    pub elements: Vec<Value>,
}

/// A MATLAB struct array.
#[derive(Debug, Clone, PartialEq)]
pub struct MatStruct {
    /// Shape, `(rows, cols, …)`.
    pub shape: Vec<usize>,
    /// Field names, in order.
    pub names: Vec<String>,
    /// `product(shape) * names.len()` values: all fields of the first element, then of the second, in
    /// column-major order of the elements.
    pub values: Vec<Value>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn orders_convert_both_ways() {
        for shape in [vec![2, 3], vec![70, 45], vec![2, 3, 4], vec![1, 5], vec![0, 3], vec![]] {
            let n = shape.iter().product::<usize>();
            let values: Vec<u32> = (0..u32::try_from(n).unwrap()).collect();
            let c = NdArray::from_shape_vec(shape.clone(), values.clone()).unwrap();
            let f = c.to_order(Order::F);
            assert_eq!(f, c);
            assert_eq!(f.to_order(Order::C).to_vec::<u32>().unwrap(), values, "{shape:?}");
        }
        let c = NdArray::from_shape_vec(vec![2, 3], vec![0u8, 1, 2, 3, 4, 5]).unwrap();
        assert_eq!(c.to_order(Order::F).data().as_ref(), [0, 3, 1, 4, 2, 5]);
    }

    #[test]
    fn a_wrong_number_of_bytes_is_refused() {
        let error = NdArray::new(DType::F64, vec![2], Order::C, Bytes::from_static(&[0; 15])).unwrap_err();
        assert_eq!(error.expected_bytes, Some(16));
        assert!(NdArray::new(DType::F64, vec![usize::MAX, 2], Order::C, Bytes::new()).is_err());
        let empty = DType::little(Kind::Unicode(0));
        assert!(NdArray::new(empty.clone(), vec![usize::MAX, 2], Order::C, Bytes::new()).is_err());
        assert!(NdArray::new(empty, vec![usize::MAX], Order::C, Bytes::new()).is_ok());
    }
}
