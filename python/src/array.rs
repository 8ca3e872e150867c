//! Arrays between numpy and the engine, without a copy where the layout allows.

use std::os::raw::c_int;

use bytes::Bytes;
use lapjoint::NdArray;
use lapjoint::format::npy;
use lapjoint::types::{ByteOrder, DType, Kind, Order};
use numpy::npyffi::{self, NpyTypes, PY_ARRAY_API};
use numpy::{PyArrayDescr, PyArrayDescrMethods, PyUntypedArray, PyUntypedArrayMethods};
use pyo3::prelude::*;
use pyo3::types::PyTuple;

use crate::error::from_any;

/// Flag of a column-major array.
const F_CONTIGUOUS: c_int = 2;

/// Memory of a numpy array, which lives as long as this.
struct Lent {
    _array: Py<PyAny>,
    data: *const u8,
    length: usize,
}

// SAFETY: the memory is only read, and the reference that keeps it alive may be dropped on any thread.
unsafe impl Send for Lent {}
// SAFETY: as above.
unsafe impl Sync for Lent {}

impl AsRef<[u8]> for Lent {
    fn as_ref(&self) -> &[u8] {
        if self.length == 0 {
            return &[];
        }
        // SAFETY: numpy says that `length` bytes stand at `data`, and `_array` keeps them there.
        unsafe { std::slice::from_raw_parts(self.data, self.length) }
    }
}

/// A numpy array of a type that the engine knows; `None` for arrays of objects.
///
/// A contiguous array is not copied: it must not be changed while the engine uses it, which is until the call returns.
pub(crate) fn from_numpy(array: &Bound<'_, PyUntypedArray>) -> PyResult<Option<NdArray>> {
    let py = array.py();
    let descr = array.dtype();
    let dtype = match plain_dtype(&descr) {
        Some(dtype) => dtype,
        None if descr.getattr("hasobject")?.is_truthy()? => return Ok(None),
        None => {
            // The list of fields says the same for plain structures and for numpy's records.
            let has_fields = !descr.getattr("names")?.is_none();
            let shown = if has_fields { descr.getattr("descr")? } else { descr.into_any() };
            let text: String = shown.str()?.extract()?;
            npy::dtype_from_str(&text).map_err(from_any)?
        }
    };
    let order = if array.is_c_contiguous() { Order::C } else { Order::F };
    let contiguous = if array.is_c_contiguous() || array.is_fortran_contiguous() {
        array.clone().into_any()
    } else {
        py.import("numpy")?.call_method1("asfortranarray", (array,))?
    };
    let contiguous = contiguous.cast_into::<PyUntypedArray>()?;
    let shape = contiguous.shape().to_vec();
    let length = shape.iter().product::<usize>() * dtype.item_bytes();
    // SAFETY: the pointer is that of a live array object, whose data pointer is valid while it lives.
    let data = unsafe { (*contiguous.as_array_ptr()).fields.data.cast::<u8>().cast_const() };
    let lent = Lent { _array: contiguous.into_any().unbind(), data, length };
    NdArray::new(dtype, shape, order, Bytes::from_owner(lent)).map(Some).map_err(from_any)
}

/// The type of numbers and truth values in the machine's byte order, which most arrays have; `None` for all others.
fn plain_dtype(descr: &Bound<'_, PyArrayDescr>) -> Option<DType> {
    if !matches!(descr.byteorder(), b'=' | b'|') {
        return None;
    }
    let bytes = u8::try_from(descr.itemsize()).ok()?;
    let kind = match (descr.kind(), bytes) {
        (b'b', 1) => Kind::Bool,
        (b'i', 1 | 2 | 4 | 8) => Kind::Int(bytes),
        (b'u', 1 | 2 | 4 | 8) => Kind::UInt(bytes),
        (b'f', 4 | 8) => Kind::Float(bytes),
        _ => return None,
    };
    cfg!(target_endian = "little").then(|| DType::little(kind))
}

/// Bytes that an array of Python's looks at.
#[pyclass(frozen, module = "lapjoint._core")]
struct Buffer(Bytes);

/// The numpy type of the engine's type.
pub(crate) fn descr<'py>(py: Python<'py>, dtype: &DType) -> PyResult<Bound<'py, PyArrayDescr>> {
    if cfg!(target_endian = "little") && dtype.order == ByteOrder::Little {
        // numpy has these at hand; a text it would have to read first.
        match dtype.kind {
            Kind::Bool => return Ok(numpy::dtype::<bool>(py)),
            Kind::Int(1) => return Ok(numpy::dtype::<i8>(py)),
            Kind::Int(2) => return Ok(numpy::dtype::<i16>(py)),
            Kind::Int(4) => return Ok(numpy::dtype::<i32>(py)),
            Kind::Int(8) => return Ok(numpy::dtype::<i64>(py)),
            Kind::UInt(1) => return Ok(numpy::dtype::<u8>(py)),
            Kind::UInt(2) => return Ok(numpy::dtype::<u16>(py)),
            Kind::UInt(4) => return Ok(numpy::dtype::<u32>(py)),
            Kind::UInt(8) => return Ok(numpy::dtype::<u64>(py)),
            Kind::Float(4) => return Ok(numpy::dtype::<f32>(py)),
            Kind::Float(8) => return Ok(numpy::dtype::<f64>(py)),
            _ => {}
        }
    }
    let text = dtype.to_string();
    if !matches!(dtype.kind, Kind::Struct(_)) {
        return PyArrayDescr::new(py, text.as_str());
    }
    let literal = py.import("ast")?.call_method1("literal_eval", (text,))?;
    PyArrayDescr::new(py, literal)
}

/// A read-only numpy array over the engine's bytes; a scalar for shape `()`.
pub(crate) fn to_numpy(py: Python<'_>, array: &NdArray) -> PyResult<Py<PyAny>> {
    let descr = descr(py, array.dtype())?;
    let buffer = Bound::new(py, Buffer(array.data().clone()))?;
    let data = buffer.get().0.as_ptr().cast_mut().cast();
    let mut dims: Vec<npyffi::npy_intp> =
        array.shape().iter().map(|&size| npyffi::npy_intp::try_from(size)).collect::<Result<_, _>>()?;
    let flags = if array.order() == Order::F { F_CONTIGUOUS } else { 0 };
    let ndim = c_int::try_from(dims.len())?;
    // SAFETY: the descriptor is handed over; the dimensions are as many as `ndim` says; the data are as long as shape and
    // type need, which `NdArray` has checked, and live as long as the base object, which is handed over too.
    let made = unsafe {
        let made = PY_ARRAY_API.PyArray_NewFromDescr(
            py,
            npyffi::get_type_object(py, NpyTypes::PyArray_Type),
            descr.into_ptr().cast(),
            ndim,
            dims.as_mut_ptr(),
            std::ptr::null_mut(),
            data,
            flags,
            std::ptr::null_mut(),
        );
        let made = Bound::from_owned_ptr_or_err(py, made)?;
        PY_ARRAY_API.PyArray_SetBaseObject(py, made.as_ptr().cast(), buffer.into_ptr());
        made
    };
    if array.ndim() == 0 {
        return Ok(made.get_item(PyTuple::empty(py))?.unbind());
    }
    Ok(made.unbind())
}
