//! The contact matrix coder (CMC): tiles of counts by mask, diagonal transform, row binarisation and an entropy coder of bits, as in
//! ISO/IEC 23092-6, each tile by itself. The payload is described byte by byte in `docs/gzcm-cmc.md`.

pub mod binarise;
pub mod diagonal;
pub mod mask;
mod params;
mod select;
mod tile;

pub use diagonal::DiagonalMode;
pub use tile::{BitsCoder, decode_tile, decode_tile_with, encode_tile, encode_tile_with};

/// The codec in messages of errors.
const WHAT: &str = "cmc";
