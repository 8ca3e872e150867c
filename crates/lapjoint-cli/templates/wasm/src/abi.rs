//! The WebAssembly side of a codec: everything that `docs/wasm-abi.md` asks of a module. Copy this file as it is.
//!
//! It calls `crate::describe`, `crate::encode` and `crate::decode`, and knows how arrays cross the border.

/// Most dimensions that an array has.
const MAX_NDIM: usize = 32;

/// An array as the host hands it over when `describe` says `"values": "array"`.
///
/// `data` holds `product(shape)` elements of `item_bytes` bytes, little-endian, in row-major order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Array<'a> {
    /// `b'b'` truth values, `b'i'` and `b'u'` integers, `b'f'` floats, `b'c'` complex numbers.
    pub kind: u8,
    /// Bytes of an element: 1, 2, 4, 8 or 16.
    pub item_bytes: u8,
    /// Shape, `(rows, cols, …)`; `()` is a single number.
    pub shape: Vec<u64>,
    /// The elements.
    pub data: &'a [u8],
}

impl<'a> Array<'a> {
    /// Reads an array's header and takes the rest as its elements.
    pub fn read(value: &'a [u8]) -> Result<Self, String> {
        let cut = || "the array is cut short".to_owned();
        let (head, rest) = value.split_at_checked(8).ok_or_else(cut)?;
        let ndim = usize::from(head[2]);
        if ndim > MAX_NDIM {
            return Err(format!("an array has at most {MAX_NDIM} dimensions, not {ndim}"));
        }
        let (sizes, data) = rest.split_at_checked(8 * ndim).ok_or_else(cut)?;
        let shape: Vec<u64> = sizes.as_chunks().0.iter().map(|size| u64::from_le_bytes(*size)).collect();
        let array = Self { kind: head[0], item_bytes: head[1], shape, data };
        if array.expected_bytes() != Some(data.len() as u64) {
            return Err(format!("an array of shape {:?} does not have {} bytes", array.shape, data.len()));
        }
        Ok(array)
    }

    /// Bytes that shape and type ask for, unless they are too many to count.
    pub fn expected_bytes(&self) -> Option<u64> {
        self.shape.iter().try_fold(u64::from(self.item_bytes), |total, size| total.checked_mul(*size))
    }

    /// The header: 8 bytes, and 8 for each dimension. `data` follows it.
    pub fn header(&self) -> Vec<u8> {
        let ndim = u8::try_from(self.shape.len()).unwrap_or(u8::MAX);
        let mut header = vec![self.kind, self.item_bytes, ndim, 0, 0, 0, 0, 0];
        header.extend(self.shape.iter().flat_map(|size| size.to_le_bytes()));
        header
    }
}

/// The exports. They exist in WebAssembly only; tests of the codec call `encode` and `decode` themselves.
#[cfg(target_arch = "wasm32")]
mod exports {
    use std::alloc::{Layout, alloc};
    use std::sync::Mutex;

    static ERROR: Mutex<Vec<u8>> = Mutex::new(Vec::new());

    /// Address and length in one number. The bytes live as long as the instance, which serves one call.
    fn region(bytes: Vec<u8>) -> u64 {
        let bytes = bytes.leak();
        (bytes.as_ptr() as u64) << 32 | bytes.len() as u64
    }

    fn outcome(result: Result<Vec<u8>, String>) -> u64 {
        match result {
            Ok(bytes) => region(bytes),
            Err(message) => {
                if let Ok(mut error) = ERROR.lock() {
                    *error = message.into_bytes();
                }
                u64::MAX
            }
        }
    }

    #[unsafe(no_mangle)]
    extern "C" fn dj_abi_version() -> u32 {
        1
    }

    #[unsafe(no_mangle)]
    extern "C" fn dj_alloc(len: u32) -> *mut u8 {
        match Layout::from_size_align(len.max(1) as usize, 16) {
            // SAFETY: the layout has at least one byte.
            Ok(layout) => unsafe { alloc(layout) },
            Err(_) => std::ptr::null_mut(),
        }
    }

    #[unsafe(no_mangle)]
    extern "C" fn dj_describe() -> u64 {
        region(crate::describe().into_bytes())
    }

    /// # Safety
    /// The host passes an address that `dj_alloc` gave for `len` bytes, and has written them.
    #[unsafe(no_mangle)]
    unsafe extern "C" fn dj_encode(ptr: *const u8, len: u32) -> u64 {
        // SAFETY: see above.
        outcome(crate::encode(unsafe { std::slice::from_raw_parts(ptr, len as usize) }))
    }

    /// # Safety
    /// As `dj_encode`.
    #[unsafe(no_mangle)]
    unsafe extern "C" fn dj_decode(ptr: *const u8, len: u32) -> u64 {
        // SAFETY: see above.
        outcome(crate::decode(unsafe { std::slice::from_raw_parts(ptr, len as usize) }))
    }

    #[unsafe(no_mangle)]
    extern "C" fn dj_error() -> u64 {
        region(ERROR.lock().map(|error| error.clone()).unwrap_or_default())
    }
}
