//! From a matrix to the bytes of a file.

use std::ops::ControlFlow;
use std::path::Path;
use std::sync::Arc;

use ::gzcm::Registry;
use ::gzcm::container::meta::{Region, Version};
use ::gzcm::convert::{ConvertOptions, convert_with};
use ::gzcm::picker::PickerOptions;
use ::gzcm::pixel::Pixel;
use ::gzcm::reader::{CacheSize, Reader};
use ::gzcm::writer::{CodecChoice, LayoutChoice, PixelOrder, Writer, WriterOptions};
use bytes::Bytes;
use lapjoint_codec::CodecError;
use lapjoint_store::Payload;
use lapjoint_types::{NdArray, Order};

use super::source::{Content, GzcmOptions, GzcmSource, NO_CHROMOSOME};
use super::{NAME, elements};

/// Converted files up to this size are kept in memory until they are uploaded, larger ones in a file.
const IN_MEMORY_BYTES: u64 = 32 << 20;

/// A file on its way into a store.
pub(super) struct Written {
    pub payload: Payload,
    pub reader: Reader,
    pub size_bytes: u64,
    pub crc32c: u32,
}

/// Makes the file. `stop` is asked now and then.
pub(super) fn encode(source: &GzcmSource, stop: &dyn Fn() -> bool) -> Result<Written, CodecError> {
    source.validate()?;
    let options = &source.options;
    match &source.content {
        Content::File(path) => of_file(path, options, stop),
        Content::Dense(array) => {
            let array = array.to_order(Order::C);
            let [rows, cols] = *array.shape() else { return Err(refused("two dimensions".to_owned())) };
            let mut pixels = Vec::new();
            for (at, bits) in elements::bits(&array).enumerate().filter(|(_, bits)| *bits != 0) {
                let (row, col) = (elements::narrow(at / cols)?, elements::narrow(at % cols)?);
                pixels.push(Pixel { row, col, bits });
            }
            of_pixels((rows as u64, cols as u64), pixels, &array, options)
        }
        Content::Sparse { shape, rows, cols, values } => {
            let cells = rows.iter().zip(cols).zip(elements::bits(values));
            let mut pixels: Vec<Pixel> = cells
                .filter(|(_, bits)| *bits != 0)
                .map(|((row, col), bits)| Pixel { row: *row, col: *col, bits })
                .collect();
            pixels.sort_unstable();
            if let Some(pair) =
                pixels.windows(2).find(|pair| (pair[0].row, pair[0].col) == (pair[1].row, pair[1].col))
            {
                let Pixel { row, col, .. } = pair[0];
                return Err(refused(format!(
                    "requires each cell once, ({row}, {col}) comes again: sum them first"
                )));
            }
            of_pixels(*shape, pixels, values, options)
        }
    }
}

fn refused(message: String) -> CodecError {
    CodecError::value(NAME, message)
}

/// What the engine of matrices says of a value.
fn of_value(error: ::gzcm::Error) -> CodecError {
    refused(error.to_string())
}

/// Cells sorted by row and column, of the type of `elements`.
fn of_pixels(
    (n_rows, n_cols): (u64, u64),
    mut pixels: Vec<Pixel>,
    values: &NdArray,
    options: &GzcmOptions,
) -> Result<Written, CodecError> {
    if options.region1.is_some() || options.region2.is_some() {
        return Err(refused("takes region1 and region2 with files only: slice the matrix".to_owned()));
    }
    let chrom1 = options.chrom1.as_deref().unwrap_or(NO_CHROMOSOME);
    let chrom2 = options.chrom2.as_deref().unwrap_or(chrom1);
    let bin_size_bp = options.bin_size_bp.unwrap_or(1).into();
    let mut region = Region::inter((chrom1, n_rows), (chrom2, n_cols), bin_size_bp);
    region.dtype = elements::tile_dtype(values.dtype())?;
    region.symmetric = n_rows == n_cols && chrom1 == chrom2 && elements::is_symmetric(&pixels);
    if region.symmetric {
        pixels.retain(|pixel| pixel.col >= pixel.row);
    }
    let codec = match (&options.codec, options.adaptive_codec) {
        (Some(codec), false) => CodecChoice::Named(codec.clone()),
        (None, false) => WriterOptions::default().codec,
        (Some(_), true) => return Err(refused("takes codec or adaptive_codec, not both".to_owned())),
        (None, true) => CodecChoice::Adaptive(PickerOptions::default()),
    };
    let writing = WriterOptions {
        codec,
        tile_size: options.tile_size.unwrap_or(256),
        layout: options.layout.map_or(LayoutChoice::Auto, LayoutChoice::Fixed),
        // All cells are in memory as it is: the choices are made from all of them.
        held_pixels: usize::MAX,
        ..WriterOptions::default()
    };
    let mut file = Vec::new();
    let write = || -> ::gzcm::Result<()> {
        let mut writer = Writer::new(&mut file, writing)?;
        writer.start_region(region, PixelOrder::ByRow)?;
        writer.push_pixels(&pixels)?;
        writer.end_region()?;
        writer.finish().map(drop)
    };
    write().map_err(of_value)?;
    in_memory(file.into())
}

/// The file of a file of contacts: itself when it is one of this version and nothing is asked of it.
fn of_file(path: &Path, options: &GzcmOptions, stop: &dyn Fn() -> bool) -> Result<Written, CodecError> {
    if options.chrom1.is_some() || options.chrom2.is_some() {
        return Err(refused(
            "takes chrom1 and chrom2 with arrays only: of a file choose region1 and region2".to_owned(),
        ));
    }
    let named = |error: ::gzcm::Error| match error {
        ::gzcm::Error::Io(source) => io_error(path, source),
        other => refused(format!("{}: {other}", path.display())),
    };
    if *options == GzcmOptions::default()
        && let Ok(reader) = ::gzcm::reader::open(path)
        && reader.version() == Version::V5_1
    {
        let (size_bytes, crc32c) = checksum(path).map_err(|error| io_error(path, error))?;
        return Ok(Written { payload: Payload::File(path.to_owned()), reader, size_bytes, crc32c });
    }
    let converting = ConvertOptions {
        version: Version::V5_1,
        region1: options.region1.clone(),
        region2: options.region2.clone(),
        bin_size_bp: options.bin_size_bp,
        tile_size: options.tile_size.unwrap_or(256),
        codec: options.codec.clone().unwrap_or_else(|| "zstd".to_owned()),
        adaptive_codec: options.adaptive_codec,
        ..ConvertOptions::default()
    };
    if options.layout.is_some() {
        return Err(refused("takes layout with arrays only".to_owned()));
    }
    let folder = tempfile::tempdir().map_err(|error| io_error(path, error))?;
    let made = folder.path().join("converted.gzcm");
    let mut watch = |_: ::gzcm::convert::Progress<'_>| {
        if stop() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    };
    let done = convert_with(path, &made, &converting, &mut watch).map_err(named)?;
    let failed = |error| io_error(&made, error);
    if done.size_bytes <= IN_MEMORY_BYTES {
        return in_memory(std::fs::read(&made).map_err(failed)?.into());
    }
    let file = std::fs::File::open(&made).map_err(failed)?;
    // SAFETY: the file is this process's own, in a folder that no other knows, and is never written again.
    let map = unsafe { memmap2::Mmap::map(&file) }.map_err(failed)?;
    // The map outlives the file's name, and its space is free again when the upload is done.
    in_memory(Bytes::from_owner(map))
}

fn in_memory(bytes: Bytes) -> Result<Written, CodecError> {
    let reader =
        Reader::new(Arc::new(bytes.clone()), Registry::global(), CacheSize::Tiles(0)).map_err(of_value)?;
    let (size_bytes, crc32c) = (bytes.len() as u64, crc32c::crc32c(&bytes));
    Ok(Written { payload: Payload::Bytes(bytes), reader, size_bytes, crc32c })
}

fn io_error(path: &Path, source: std::io::Error) -> CodecError {
    CodecError::Io { codec: NAME.to_owned(), path: path.display().to_string(), source }
}

/// Size in bytes and CRC-32C of a file, read piece by piece.
fn checksum(path: &Path) -> std::io::Result<(u64, u32)> {
    use std::io::Read;
    let mut file = std::fs::File::open(path)?;
    let mut buffer = vec![0; 1 << 20];
    let (mut size_bytes, mut crc) = (0, 0);
    loop {
        let count = file.read(&mut buffer)?;
        let Some(piece) = buffer.get(..count).filter(|piece| !piece.is_empty()) else {
            return Ok((size_bytes, crc));
        };
        crc = crc32c::crc32c_append(crc, piece);
        size_bytes += piece.len() as u64;
    }
}
