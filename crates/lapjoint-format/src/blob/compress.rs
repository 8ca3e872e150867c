//! Compression: one zlib stream, written by all cores, read without trusting its declared length.

#[cfg(feature = "libdeflate")]
mod at_once;

use std::sync::atomic::{AtomicBool, Ordering};

use flate2::{Compress, Compression, Decompress, FlushCompress, FlushDecompress, Status};

use super::error::{PackError, UnpackError};

/// Bytes compressed by one task. Each costs up to 32 KiB of history, which is little against this.
const CHUNK_BYTES: usize = 512 << 10;

/// Data larger than this is sampled before all of it is compressed.
const SAMPLE_FROM_BYTES: usize = 64 << 10;

/// Bytes of one sample.
const SAMPLE_BYTES: usize = 16 << 10;

/// Samples that shrink to more than this share (in percent) are not worth compressing.
const WORTHLESS_PERCENT: usize = 95;

/// No zlib stream yields more than 1,032 bytes for one of its own.
const MAX_EXPANSION: u64 = 1100;

/// A zlib stream of `data`, or `None` when it would not be smaller than `data`.
pub(super) fn compress(data: &[u8], level: u32, stop: &AtomicBool) -> Result<Option<Vec<u8>>, PackError> {
    if !looks_compressible(data) {
        return Ok(None);
    }
    let level = Compression::new(level.min(9));
    let chunks = deflate_chunks(data, level, stop);
    if stop.load(Ordering::Relaxed) {
        return Err(PackError::Stopped);
    }
    let total: usize = chunks.iter().map(Vec::len).sum::<usize>() + 6;
    if total >= data.len() {
        return Ok(None);
    }
    let mut stream = Vec::with_capacity(total);
    // Deflate with a window of 32 KiB, default level; 0x789c is a multiple of 31, as the header must be.
    stream.extend_from_slice(&[0x78, 0x9c]);
    for chunk in chunks {
        stream.extend_from_slice(&chunk);
    }
    stream.extend_from_slice(&simd_adler32::adler32(&data).to_be_bytes());
    Ok(Some(stream))
}

/// Whether a few samples of large data shrink at the fastest level.
fn looks_compressible(data: &[u8]) -> bool {
    if data.len() < SAMPLE_FROM_BYTES {
        return true;
    }
    let samples = 4;
    let step = (data.len() - SAMPLE_BYTES) / (samples - 1);
    let mut compressed = 0;
    for sample in 0..samples {
        let window = data.get(sample * step..).and_then(|rest| rest.get(..SAMPLE_BYTES)).unwrap_or_default();
        compressed += deflate(window, Compression::fast(), FlushCompress::Finish).len();
    }
    compressed * 100 < samples * SAMPLE_BYTES * WORTHLESS_PERCENT
}

/// Raw deflate streams of consecutive chunks that together are one stream.
fn deflate_chunks(data: &[u8], level: Compression, stop: &AtomicBool) -> Vec<Vec<u8>> {
    let count = data.len().div_ceil(CHUNK_BYTES).max(1);
    let one = |index: usize| {
        // What was asked to stop is thrown away as a whole.
        if stop.load(Ordering::Relaxed) {
            return Vec::new();
        }
        let start = index * CHUNK_BYTES;
        let chunk = data.get(start..data.len().min(start + CHUNK_BYTES)).unwrap_or_default();
        // All but the last end at a byte boundary without ending the stream.
        let flush = if index + 1 == count { FlushCompress::Finish } else { FlushCompress::Sync };
        deflate(chunk, level, flush)
    };
    #[cfg(feature = "parallel")]
    if count > 1
        && let Some(pool) = crate::parallel::pool()
    {
        use rayon::prelude::*;
        return pool.install(|| (0..count).into_par_iter().map(one).collect());
    }
    (0..count).map(one).collect()
}

/// One raw deflate stream of `data`, ended by `flush`.
fn deflate(data: &[u8], level: Compression, flush: FlushCompress) -> Vec<u8> {
    let mut state = Compress::new(level, false);
    let mut out = Vec::with_capacity(data.len() / 2 + 64);
    loop {
        let consumed = usize::try_from(state.total_in()).unwrap_or(data.len());
        let left = data.get(consumed..).unwrap_or_default();
        let before = out.len();
        // Compression into a growing vector cannot fail: there is no wrong input.
        let status = state.compress_vec(left, &mut out, flush);
        let all_in = usize::try_from(state.total_in()).unwrap_or(0) == data.len();
        match status {
            Ok(Status::StreamEnd) => return out,
            // A flush is complete once the output was not filled to the brim.
            Ok(_) if flush != FlushCompress::Finish && all_in && out.len() < out.capacity() => return out,
            Ok(_) if out.len() == before && out.len() < out.capacity() && all_in => return out,
            _ => out.reserve(out.capacity().max(64)),
        }
    }
}

/// The first bytes that a zlib stream holds, of which the beginning is given.
pub(super) fn first_bytes<const N: usize>(stream: &[u8]) -> Option<[u8; N]> {
    let mut first = [0; N];
    let mut state = Decompress::new(true);
    // An output that is full is no error, and neither is an input that ends.
    state.decompress(stream, &mut first, FlushDecompress::None).ok()?;
    (state.total_out() == N as u64).then_some(first)
}

/// The `declared_bytes` that a zlib stream holds, checked while it is read.
pub(super) fn decompress(stream: &[u8], declared_bytes: u64, max_bytes: u64) -> Result<Vec<u8>, UnpackError> {
    let possible_bytes = MAX_EXPANSION * (stream.len() as u64 + 16);
    for (limit_bytes, why) in
        [(possible_bytes, "no zlib stream of this length holds more"), (max_bytes, "the limit of the reader")]
    {
        if declared_bytes > limit_bytes {
            return Err(UnpackError::TooLarge { declared_bytes, limit_bytes, why });
        }
    }
    let too_large = |_| UnpackError::TooLarge {
        declared_bytes,
        limit_bytes: usize::MAX as u64,
        why: "the address space of this machine",
    };
    let declared = usize::try_from(declared_bytes).map_err(too_large)?;
    #[cfg(feature = "libdeflate")]
    if let Some(plain) = at_once::read(stream, declared) {
        return Ok(plain);
    }
    let mut state = Decompress::new(true);
    // Memory follows what the stream yields, so that a lie about the length costs nothing.
    let mut out = Vec::with_capacity(declared.min(stream.len().saturating_mul(16).max(4096)));
    loop {
        let consumed = usize::try_from(state.total_in()).unwrap_or(stream.len());
        let left = stream.get(consumed..).unwrap_or_default();
        let before = out.len();
        let status = state
            .decompress_vec(left, &mut out, FlushDecompress::None)
            .map_err(|error| UnpackError::Zlib(error.to_string()))?;
        let size =
            |actual: usize| UnpackError::Size { expected_bytes: declared_bytes, actual_bytes: actual as u64 };
        if status == Status::StreamEnd {
            return if out.len() == declared { Ok(out) } else { Err(size(out.len())) };
        }
        if out.len() < out.capacity() && out.len() == before {
            return Err(UnpackError::Zlib(format!("the stream ends after {} bytes", out.len())));
        }
        if out.len() == out.capacity() {
            if out.len() > declared {
                return Err(size(out.len()));
            }
            // One byte beyond the declared length tells a stream that is too long.
            let more = out.len().max(4096).min((declared + 1).saturating_sub(out.len())).max(1);
            out.reserve_exact(more);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn compress(data: &[u8], level: u32) -> Option<Vec<u8>> {
        super::compress(data, level, &AtomicBool::new(false)).unwrap()
    }

    #[test]
    fn work_that_is_asked_to_stop_ends() {
        let stopped = super::compress(&[0; 4 * CHUNK_BYTES], 6, &AtomicBool::new(true));
        assert!(matches!(stopped, Err(PackError::Stopped)));
    }

    fn noise(len: usize) -> Vec<u8> {
        let mut state = 1u64;
        (0..len)
            .map(|_| {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                state.to_le_bytes()[7]
            })
            .collect()
    }

    #[test]
    fn streams_of_any_length_come_back() {
        for len in [1001, 20_000, CHUNK_BYTES - 1, CHUNK_BYTES, CHUNK_BYTES + 1, 3 * CHUNK_BYTES + 17] {
            let data: Vec<u8> = noise(len).into_iter().map(|byte| byte % 7).collect();
            let stream = compress(&data, 6).unwrap();
            assert!(stream.len() < data.len() && stream.starts_with(&[0x78, 0x9c]));
            assert_eq!(decompress(&stream, len as u64, u64::MAX).unwrap(), data, "{len}");
            for cut in [0, 1, stream.len() / 2, stream.len() - 1] {
                assert!(decompress(&stream[..cut], len as u64, u64::MAX).is_err());
            }
            assert!(decompress(&stream, len as u64 - 1, u64::MAX).is_err());
            assert!(decompress(&stream, len as u64 + 1, u64::MAX).is_err());
        }
    }

    #[test]
    fn noise_is_left_as_it_is() {
        assert!(compress(&noise(1 << 20), 6).is_none());
        assert!(compress(&noise(2000), 6).is_none());
    }

    #[test]
    fn declared_sizes_are_limited() {
        let stream = compress(&vec![0; 100_000], 6).unwrap();
        assert!(matches!(decompress(&stream, 4 << 30, u64::MAX), Err(UnpackError::TooLarge { .. })));
        assert!(matches!(decompress(&stream, 100_000, 99_999), Err(UnpackError::TooLarge { .. })));
    }
}
