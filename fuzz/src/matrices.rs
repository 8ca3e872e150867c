//! The targets of crate `gzcm`: every tile codec, the images and blocks below them, sparse tiles, and the container.
//!
//! Inputs of tiles are `choice (u8) | rows - 1 (u8) | cols - 1 (u8) | payload`: the choice names the codec and the type. Shape headers
//! and checksums are also set right here, so that changed bytes reach what lies behind them.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use gzcm::cmc::{self, BitsCoder};
use gzcm::codec::shape_header;
use gzcm::codecs::zstd::compress;
use gzcm::container::frame::{FRAME_PREFIX_BYTES, MARKER};
use gzcm::container::index::{self, FOOTER_BYTES, FOOTER_MAGIC, Footer};
use gzcm::container::meta::Version;
use gzcm::container::{header, varint::Cursor};
use gzcm::reader::{CacheSize, Reader};
use gzcm::salvage::salvage;
use gzcm::source::RangeRead;
use gzcm::sparse::{self, Shape};
use gzcm::{Dtype, Registry, bsc, jbig, wire};

/// Longest that an input may take. On a busy machine the best of three runs counts.
const LONGEST: Duration = Duration::from_secs(1);

/// Largest image, block or tile that a target reads, in bytes.
const MAX_BYTES: usize = 4 << 20;

/// Fails for an input that takes too long.
fn timed(data: &[u8], target: fn(&[u8])) {
    let mut shortest = Duration::MAX;
    for _ in 0..3 {
        let started = Instant::now();
        target(data);
        shortest = shortest.min(started.elapsed());
        if shortest <= LONGEST {
            return;
        }
    }
    panic!("{shortest:?} for {} bytes of input", data.len());
}

/// What a target's bytes say of a tile.
struct Asked<'a> {
    choice: usize,
    rows: usize,
    cols: usize,
    dtype: Dtype,
    payload: &'a [u8],
}

fn asked(data: &[u8]) -> Option<Asked<'_>> {
    let [choice, rows, cols, payload @ ..] = data else { return None };
    let (rows, cols) = (usize::from(*rows) + 1, usize::from(*cols) + 1);
    let dtype = Dtype::ALL[usize::from(choice >> 4) % Dtype::ALL.len()];
    Some(Asked { choice: usize::from(choice & 15), rows, cols, dtype, payload })
}

/// Reads a tile; what could be read is written and read again, and must be the same.
fn tile(codec: &str, asked: &Asked<'_>, bytes: &[u8]) {
    let codec = Registry::global().get(codec).expect("a built-in codec");
    let read = |bytes: &[u8]| wire::decode(&*codec, bytes, asked.rows, asked.cols, asked.dtype);
    if let Ok(tile) = read(bytes) {
        let again = wire::encode(&*codec, &tile).expect("what was read can be written");
        assert_eq!(read(&again).expect("what was written can be read"), tile);
    }
}

/// Reads a tile of one of the opaque codecs, as it is and behind the header of its shape.
fn opaque_tile(codecs: &[&str], data: &[u8]) {
    let Some(asked) = asked(data) else { return };
    let codec = codecs[asked.choice % codecs.len()];
    tile(codec, &asked, asked.payload);
    let header = shape_header(asked.rows, asked.cols).expect("sides of at most 256");
    tile(codec, &asked, &[&header, asked.payload].concat());
}

/// Reads a tile of `lz4`, as it is and behind a header that fits.
pub fn gzcm_lz4(data: &[u8]) {
    timed(data, |data| {
        let Some(asked) = asked(data) else { return };
        tile("lz4", &asked, asked.payload);
        let mut whole = shape_header(asked.rows, asked.cols).expect("sides of at most 256").to_vec();
        let size = asked.rows * asked.cols * asked.dtype.size_bytes();
        whole.extend(u32::try_from(size).expect("at most 512 KiB").to_le_bytes());
        whole.extend(asked.payload);
        tile("lz4", &asked, &whole);
    });
}

/// Reads a tile of `zstd` or `shuffle_zstd`.
pub fn gzcm_zstd(data: &[u8]) {
    timed(data, |data| opaque_tile(&["zstd", "shuffle_zstd"], data));
}

/// Reads a tile of `ctx`.
pub fn gzcm_ctx(data: &[u8]) {
    timed(data, |data| opaque_tile(&["ctx"], data));
}

/// Reads a tile of `bsc`, and the block in it with checksums that fit.
pub fn gzcm_bsc(data: &[u8]) {
    timed(data, |data| {
        opaque_tile(&["bsc"], data);
        let Some(asked) = asked(data) else { return };
        let _ = bsc::decode(&sealed_block(asked.payload), MAX_BYTES);
    });
}

/// Reads an image; what could be read is written and read again, and must be the same.
pub fn gzcm_jbig(data: &[u8]) {
    timed(data, |data| {
        let limits = jbig::Limits { bitmap_bytes: MAX_BYTES };
        if let Ok(bitmap) = jbig::decode(data, &limits) {
            let again = jbig::decode(&jbig::encode(&bitmap), &limits).expect("what was written can be read");
            assert_eq!(again.bytes(), bitmap.bytes());
            assert_eq!((again.rows(), again.cols()), (bitmap.rows(), bitmap.cols()));
        }
    });
}

/// Reads a tile of `cmc`, `cmc_zstd` or `bsc_cmc` (this also with checksums that fit), and a mask.
pub fn gzcm_cmc(data: &[u8]) {
    timed(data, |data| {
        opaque_tile(&["cmc", "cmc_zstd", "bsc_cmc"], data);
        let Some(asked) = asked(data) else { return };
        let _ = cmc::decode_tile_with(asked.payload, asked.rows, asked.cols, &Sealing);
        if let Ok((mask, _)) = cmc::mask::decode(asked.payload, asked.rows * asked.cols) {
            let again = cmc::mask::decode(&cmc::mask::encode(&mask), mask.len());
            assert_eq!(again.expect("what was written can be read").0, mask);
        }
    });
}

/// Reads the pixels of a sparse tile; what could be read is written and read again, and must be the same.
pub fn gzcm_sparse(data: &[u8]) {
    timed(data, |data| {
        let Some(asked) = asked(data) else { return };
        let side = |side: usize| u32::try_from(side << (asked.choice >> 2)).expect("at most 2048");
        let distance = [None, Some(0), Some(1 << 10), Some(1 << 40)][asked.choice % 4];
        let shape = Shape { rows: side(asked.rows), cols: side(asked.cols), dtype: asked.dtype, distance };
        let Ok(pixels) = sparse::decode(asked.payload, &shape, None) else { return };
        let again = sparse::encode(&pixels, &shape).expect("what was read can be written");
        assert_eq!(sparse::decode(&again, &shape, None).expect("what was written can be read"), pixels);
    });
}

/// Opens a file, reads windows of its regions, its vectors, checks all of it, and salvages what is intact. An input that begins with `R` is a file of version 5
/// behind that letter, whose index is not packed yet.
pub fn gzcm_container(data: &[u8]) {
    timed(data, |data| match data {
        [b'R', file @ ..] => {
            if let Some(file) = packed_index(file) {
                container(file);
            }
        }
        _ => {
            container(data.to_vec());
            container(sealed_file(data.to_vec()));
        }
    });
}

fn container(file: Vec<u8>) {
    let source: Arc<dyn RangeRead> = Arc::new(Bytes::from(file));
    let opened = Reader::new(source.clone(), Registry::global(), CacheSize::Tiles(8));
    let Ok(reader) = opened else {
        // What cannot be opened may still be salvaged, if the header can be read: of large tiles, by a caller that has the memory.
        let large = header::read(&*source).is_ok_and(|(header, _)| header.version < Version::V5);
        if !large {
            let _ = salvage(&source, std::io::sink(), Registry::global());
        }
        return;
    };
    let catalog = reader.catalog();
    // A caller that bounds its memory leaves out larger tiles, of which it knows before it reads them.
    let small = |tile_size: usize, dtype: Dtype| tile_size * tile_size * dtype.size_bytes() <= MAX_BYTES;
    let mut all_small = true;
    for (at, entry) in catalog.regions.iter().enumerate() {
        let region = &entry.region;
        all_small &= small(entry.plan.tile_size, region.dtype);
        if at >= 4 || !small(entry.plan.tile_size, region.dtype) {
            continue;
        }
        let (n_rows, n_cols) = (region.n_rows, region.n_cols);
        for (rows, cols) in [
            (0..n_rows.min(64), 0..n_cols.min(64)),
            (n_rows.saturating_sub(40)..n_rows, n_cols.saturating_sub(40)..n_cols),
        ] {
            let dense = reader.dense(at, rows.clone(), cols.clone());
            let pixels = reader.pixels(at, rows, cols);
            assert_eq!(dense.is_ok(), pixels.is_ok(), "a window can be read in both ways or in neither");
        }
    }
    for vector in catalog.vectors.iter().take(4) {
        let _ = reader.vector(vector);
    }
    if all_small {
        let _ = reader.verify();
        let _ = salvage(&source, std::io::sink(), Registry::global());
    }
}

/// The coder of `bsc_cmc`, which takes any checksum.
struct Sealing;

impl BitsCoder for Sealing {
    fn number(&self) -> u8 {
        2
    }

    fn encode(&self, bits: &[u8]) -> gzcm::Result<Vec<u8>> {
        bsc::encode(bits, &bsc::Options::default())
    }

    fn decode(&self, coded: &[u8], size_bytes: usize) -> gzcm::Result<Vec<u8>> {
        bsc::decode(&sealed_block(coded), size_bytes)
    }
}

fn adler32(bytes: &[u8]) -> u32 {
    let (mut low, mut high) = (1_u32, 0_u32);
    for byte in bytes {
        low = (low + u32::from(*byte)) % 65521;
        high = (high + low) % 65521;
    }
    high << 16 | low
}

/// The block of libbsc with its length and the checksums of its payload and header set right.
fn sealed_block(block: &[u8]) -> Vec<u8> {
    let mut sealed = block.to_vec();
    if sealed.len() >= 28 {
        let length = u32::try_from(sealed.len()).expect("a short input");
        sealed[..4].copy_from_slice(&length.to_le_bytes());
        let payload = adler32(&sealed[28..]);
        sealed[20..24].copy_from_slice(&payload.to_le_bytes());
        let header = adler32(&sealed[..24]);
        sealed[24..28].copy_from_slice(&header.to_le_bytes());
    }
    sealed
}

/// The file with the checksums of its frames, its index and its footer set right, where it has them.
fn sealed_file(mut file: Vec<u8>) -> Vec<u8> {
    let starts: Vec<usize> =
        file.windows(MARKER.len()).enumerate().filter(|(_, at)| **at == MARKER).map(|(at, _)| at).collect();
    for start in starts {
        let from = start + FRAME_PREFIX_BYTES;
        let Some(rest) = file.get(from + 1..) else { continue };
        let mut cursor = Cursor::new(rest, "frame");
        if cursor.bytes().is_ok() {
            let end = file.len() - cursor.rest().len();
            let crc = crc32c::crc32c(&file[from..end]);
            file[start + 4..from].copy_from_slice(&crc.to_le_bytes());
        }
    }
    let Some(footer_at) = file.len().checked_sub(FOOTER_BYTES) else { return file };
    let Some((index_at, raw_bytes)) = footer_of(&file) else { return file };
    let footer = footer(&file[..footer_at], index_at, raw_bytes);
    file[footer_at..].copy_from_slice(&footer);
    file
}

/// Where the index begins and its length unpacked, as the bytes at the place of the footer say.
fn footer_of(file: &[u8]) -> Option<(usize, u32)> {
    let (before, footer) = file.split_last_chunk::<FOOTER_BYTES>()?;
    let offset = u64::from_le_bytes(*footer.first_chunk()?);
    let raw_bytes = u32::from_le_bytes(*footer[12..].first_chunk()?);
    Some((usize::try_from(offset).unwrap_or(usize::MAX).min(before.len()), raw_bytes))
}

/// The footer of a file whose packed index is all behind `index_at`.
fn footer(file: &[u8], index_at: usize, raw_bytes: u32) -> [u8; FOOTER_BYTES] {
    let data_start =
        header::read(&Bytes::copy_from_slice(file)).map_or(0, |(header, _)| header.data_start_bytes);
    let data_start = usize::try_from(data_start).unwrap_or(usize::MAX).min(file.len());
    let footer = Footer {
        index_offset_bytes: index_at as u64,
        index_length_bytes: (file.len() - index_at) as u32,
        index_raw_bytes: raw_bytes,
        index_crc32c: crc32c::crc32c(&file[index_at..]),
        header_crc32c: crc32c::crc32c(&file[..data_start]),
    };
    debug_assert!(footer.pack().ends_with(&FOOTER_MAGIC));
    footer.pack()
}

/// A file of version 5 from one whose index is not packed; nothing when it is too short.
fn packed_index(file: &[u8]) -> Option<Vec<u8>> {
    let (index_at, _) = footer_of(file)?;
    let raw = &file[index_at..file.len() - FOOTER_BYTES];
    let mut packed = file[..index_at].to_vec();
    packed.extend(compress(raw, 1).ok()?);
    let footer = footer(&packed, index_at, u32::try_from(raw.len()).ok()?);
    packed.extend(footer);
    Some(packed)
}

/// The reverse of what the target does with an input that begins with `R`, for the corpus.
#[must_use]
pub fn unpacked_index(file: &[u8]) -> Option<Vec<u8>> {
    let (index_at, raw_bytes) = footer_of(file)?;
    let (body, footer) = file.split_at(file.len() - FOOTER_BYTES);
    let raw = gzcm::codecs::zstd::decompress(&body[index_at..], usize::try_from(raw_bytes).ok()?).ok()?;
    index::unpack(&body[index_at..], raw.len()).ok()?;
    Some([b"R", &body[..index_at], &raw, footer].concat())
}
