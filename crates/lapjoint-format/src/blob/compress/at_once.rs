//! Sound zlib streams into a buffer of their declared length, by a faster reader and, for streams of our own, all cores.
//!
//! Anything unusual gives `None`: the slow reader of the parent module then says what is wrong.

use super::CHUNK_BYTES;

/// The bytes of a sound stream.
pub(super) fn read(stream: &[u8], declared: usize) -> Option<Vec<u8>> {
    // A lie about the length may cost this much memory for each byte of the stream, and no more.
    if declared > stream.len().saturating_mul(64).max(1 << 20) {
        return None;
    }
    let mut out = vec![0; declared];
    #[cfg(feature = "parallel")]
    if declared > 2 * CHUNK_BYTES && in_chunks(stream, &mut out).is_some() {
        return Some(out);
    }
    let read = libdeflater::Decompressor::new().zlib_decompress(stream, &mut out).ok()?;
    (read == declared).then_some(out)
}

/// Reads a stream as this crate writes it: chunks of [`CHUNK_BYTES`] that do not refer to one another, each but the last
/// ended by an empty block at a byte boundary. That a stream is of this kind is a guess, which its checksum confirms.
#[cfg(feature = "parallel")]
fn in_chunks(stream: &[u8], out: &mut [u8]) -> Option<()> {
    use rayon::prelude::*;

    const BOUNDARY: [u8; 4] = [0, 0, 0xff, 0xff];
    let body = stream.strip_prefix(&[0x78, 0x9c])?;
    let (body, checksum) = body.split_last_chunk::<4>()?;
    let count = out.len().div_ceil(CHUNK_BYTES);
    let mut ends: Vec<usize> =
        memchr::memmem::find_iter(body, &BOUNDARY).map(|at| at + BOUNDARY.len()).take(count).collect();
    ends.push(body.len());
    if ends.len() != count {
        return None;
    }
    let starts = std::iter::once(0).chain(ends.iter().copied());
    let pieces: Vec<&[u8]> =
        starts.zip(&ends).map(|(start, &end)| body.get(start..end)).collect::<Option<_>>()?;
    let read_piece = |(index, (piece, target)): (usize, (&[u8], &mut [u8]))| {
        // The reader wants a stream that ends: an empty last block makes one of a chunk.
        let ended: Vec<u8>;
        let piece = if index + 1 == count {
            piece
        } else {
            ended = [piece, &[3, 0]].concat();
            &ended
        };
        let read = libdeflater::Decompressor::new().deflate_decompress(piece, target);
        read == Ok(target.len())
    };
    let pool = crate::parallel::pool()?;
    let sound = pool
        .install(|| pieces.into_par_iter().zip(out.par_chunks_mut(CHUNK_BYTES)).enumerate().all(read_piece));
    (sound && simd_adler32::adler32(&&*out).to_be_bytes() == *checksum).then_some(())
}
