//! What each fuzz target does with its input, and the bound on the memory that it may take.

pub mod matrices;

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;
use lapjoint_format::blob::{self, PackOptions, UnpackOptions};
use lapjoint_format::npy;
use lapjoint_format::spikes::{self, DecodeOptions};
use lapjoint_types::definition::Definition;
use lapjoint_types::spec::TypeSpec;

/// Memory that any input may take, in bytes.
const BASE_BYTES: usize = 64 << 20;

/// Memory that each byte of the input may take besides, in bytes.
const BYTES_A_BYTE: usize = 128;

/// Largest uncompressed blob that the target reads.
const MAX_BLOB_BYTES: u64 = 16 << 20;

/// Counts the memory in use, so that a decoder that trusts a declared size is caught.
struct Counting;

static IN_USE: AtomicUsize = AtomicUsize::new(0);
static PEAK: AtomicUsize = AtomicUsize::new(0);

#[global_allocator]
static ALLOCATOR: Counting = Counting;

// SAFETY: every call is handed on to the system's allocator unchanged.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let now = IN_USE.fetch_add(layout.size(), Ordering::Relaxed) + layout.size();
        PEAK.fetch_max(now, Ordering::Relaxed);
        // SAFETY: the caller keeps the contract of `alloc`.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        IN_USE.fetch_sub(layout.size(), Ordering::Relaxed);
        // SAFETY: the caller keeps the contract of `dealloc`.
        unsafe { System.dealloc(pointer, layout) }
    }
}

/// Runs a target and fails when it took more memory than its input allows.
pub fn bounded(data: &[u8], target: fn(&[u8])) {
    let before = IN_USE.load(Ordering::Relaxed);
    PEAK.store(before, Ordering::Relaxed);
    target(data);
    let taken = PEAK.load(Ordering::Relaxed).saturating_sub(before);
    let limit = BASE_BYTES + BYTES_A_BYTE * data.len();
    assert!(taken <= limit, "{taken} bytes of memory for {} bytes of input (limit {limit})", data.len());
}

/// Reads a blob; what could be read is written and read again, which must give the same bytes (text arrays come back as
/// objects, so that the values may differ).
pub fn blob_unpack(data: &[u8]) {
    let options = UnpackOptions::default().max_bytes(MAX_BLOB_BYTES);
    for options in [options, options.dims_32bit(), options.squeeze()] {
        let Ok(value) = blob::unpack_with(Bytes::copy_from_slice(data), &options) else { continue };
        let Ok(packed) = blob::pack_with(&value, &PackOptions::uncompressed()) else { continue };
        let again = blob::unpack(packed.clone()).expect("what was packed can be read");
        let repacked = blob::pack_with(&again, &PackOptions::uncompressed()).expect("what was packed can be packed");
        assert_eq!(repacked, packed, "{value:?}");
    }
}

/// Reads a `.npy` file; what could be read is written and read again, and must be the same.
pub fn npy_parse(data: &[u8]) {
    if let Ok(text) = std::str::from_utf8(data) {
        let _ = npy::dtype_from_str(text);
    }
    if let Ok(array) = npy::from_bytes(Bytes::copy_from_slice(data)) {
        let Ok(file) = npy::to_bytes(&array) else { return };
        assert_eq!(npy::from_bytes(file).expect("what was written can be read"), array);
    }
}

/// Most spikes that the target reads.
const MAX_SPIKES: u64 = 1 << 20;

/// Reads a spike train, as it is and with a checksum that fits; what could be read is written and read again, and must be the same.
pub fn spikes_decode(data: &[u8]) {
    let options = DecodeOptions::default().max_elements(MAX_SPIKES);
    let mut sealed = data.to_vec();
    if let Some((body, _)) = data.split_last_chunk::<4>() {
        sealed[body.len()..].copy_from_slice(&crc32c::crc32c(body).to_le_bytes());
    }
    for bytes in [data, &sealed] {
        let _ = spikes::head(bytes);
        let Ok(array) = spikes::decode_with(bytes, &options) else { continue };
        let packed = spikes::encode(&array).expect("what was read can be written");
        assert_eq!(spikes::decode(&packed).expect("what was written can be read"), array);
    }
}

/// Reads a definition; what could be read is printed and read again, and must be the same.
pub fn definition_parse(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    match Definition::parse(text) {
        Ok(definition) => {
            let printed = definition.to_string();
            let again = Definition::parse(&printed).expect("what was printed can be read");
            assert_eq!(again.to_string(), printed);
        }
        Err(error) => assert!(!error.to_string().is_empty()),
    }
}

/// Reads a type; what could be read is printed and read again, and must be the same.
pub fn type_spec_parse(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    if let Ok(spec) = TypeSpec::parse(text) {
        assert_eq!(TypeSpec::parse(&spec.to_string()).expect("what was printed can be read"), spec);
    }
}
