//! Damaged inputs: every truncation and flipped bits of small files give errors that name the file, within bounds of time and memory.

#![cfg(feature = "convert")]
#![expect(clippy::unwrap_used, reason = "what fails in a helper of a test fails the test")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use gzcm::convert::{OpenOptions, open};

/// The largest single allocation that was asked for.
static LARGEST: AtomicUsize = AtomicUsize::new(0);

/// One test at a time: the largest allocation is the process's.
static TURN: Mutex<()> = Mutex::new(());

/// The system's allocator, which notes sizes.
struct Noting;

// SAFETY: every call goes to the system's allocator unchanged.
unsafe impl GlobalAlloc for Noting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        LARGEST.fetch_max(layout.size(), Ordering::Relaxed);
        // SAFETY: the caller's promise, passed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        LARGEST.fetch_max(layout.size(), Ordering::Relaxed);
        // SAFETY: the caller's promise, passed on.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn realloc(&self, block: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        LARGEST.fetch_max(size, Ordering::Relaxed);
        // SAFETY: the caller's promise, passed on.
        unsafe { System.realloc(block, layout, size) }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        // SAFETY: the caller's promise, passed on.
        unsafe { System.dealloc(block, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Noting = Noting;

/// Reads all of a file: a checksum of its contacts and weights, or the error's text.
fn read_all(path: &Path) -> Result<u64, String> {
    let text = |error: gzcm::Error| error.to_string();
    let options = OpenOptions { bin_size_bp: Some(50), ..OpenOptions::default() };
    let source = open(path, &options).map_err(text)?;
    let mut sum = 0_u64;
    let mut add = |value: u64| sum = sum.wrapping_mul(31).wrapping_add(value);
    for &size in source.bin_sizes_bp() {
        for batch in source.genome_pixels(size).map_err(text)? {
            for pixel in batch.map_err(text)? {
                add(u64::from(pixel.bin1) << 32 | u64::from(pixel.bin2));
                add(pixel.count.to_bits());
            }
        }
        for name in source.weight_names(size).map_err(text)? {
            source.weights_divide(size, &name).map_err(text)?;
            for chrom in 0..source.chromosomes().len() {
                for value in source.weights(size, &name, chrom).map_err(text)?.unwrap_or_default() {
                    add(value.to_bits());
                }
            }
        }
    }
    Ok(sum)
}

/// Damages a file in all the ways; `step` leaves out positions of large files.
fn damage(name: &str, step: usize, most_bytes: usize) {
    let whole =
        std::fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(name)).unwrap();
    damage_bytes(name, &whole, step, most_bytes);
}

fn damage_bytes(name: &str, whole: &[u8], step: usize, most_bytes: usize) {
    let _turn = TURN.lock();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(name);
    std::fs::write(&path, whole).unwrap();
    let sound = read_all(&path).unwrap();
    let mut errors = 0;
    let mut check = |bytes: &[u8], what: &str| {
        std::fs::write(&path, bytes).unwrap();
        LARGEST.store(0, Ordering::Relaxed);
        let start = Instant::now();
        let read = read_all(&path);
        assert!(start.elapsed() < Duration::from_secs(20), "{what}: {:?}", start.elapsed());
        let largest = LARGEST.load(Ordering::Relaxed);
        assert!(largest <= most_bytes, "{what}: {largest} bytes at once, {read:?}");
        match read {
            Err(error) => {
                errors += 1;
                assert!(
                    error.contains(name) || error.starts_with("sorting") || error.starts_with("genome"),
                    "{error}"
                );
            }
            // Bytes that nothing reads, and values that have no checksum.
            Ok(other) => assert!(!what.starts_with("cut") || other == sound, "{what}"),
        }
    };
    for len in (0..whole.len()).step_by(step) {
        check(&whole[..len], &format!("cut to {len}"));
    }
    let mut bytes = whole.to_vec();
    for at in (0..whole.len()).step_by(step) {
        for flip in [1 << (at % 8), 0x80, 0xff] {
            bytes[at] = whole[at] ^ flip;
            check(&bytes, &format!("byte {at} ^ {flip:#x}"));
        }
        bytes[at] = whole[at];
    }
    assert!(errors > whole.len() / step, "{errors} errors only");
}

#[test]
fn damaged_cool() {
    damage("small.cool", 101, 64 << 20);
}

#[test]
fn damaged_mcool() {
    damage("small.mcool", 2_999, 160 << 20);
}

#[test]
fn damaged_hic() {
    damage("small.hic", 17, 64 << 20);
}

#[test]
fn damaged_gzip_text() {
    use std::io::Write;
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    for at in 0..300_u32 {
        writeln!(packed, "a\t{}\tb\t{}\t{}", at * 7, at * 1_000, at % 9 + 1).unwrap();
    }
    damage_bytes("contacts.txt.gz", &packed.finish().unwrap(), 1, 64 << 20);
}

#[test]
fn other_files_are_refused_by_name() {
    let folder = tempfile::tempdir().unwrap();
    for (name, bytes) in [
        ("empty", &b""[..]),
        ("hdf5", b"\x89HDF\r\n\x1a\n\0\0\0"),
        ("hic", b"HIC\0\x05\0\0\0\0\0\0\0\0\0\0\0"),
        ("picture", b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR"),
    ] {
        let path = folder.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        let error = read_all(&path).unwrap_err();
        assert!(error.contains(name), "{error}");
    }
    let error = read_all(&folder.path().join("missing")).unwrap_err();
    assert!(error.contains("missing"), "{error}");
}
