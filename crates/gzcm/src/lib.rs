//! GZCM: Hi-C contact matrices as tiles, compressed by codecs that declare their wire format, in one file that is read by ranges.
//!
//! Usable alone: this crate knows nothing of Lapjoint's tables. What is where:
//!
//! | module | what it holds | may use |
//! |---|---|---|
//! | [`error`] | the one error type | - |
//! | [`jbig`] | bi-level images: JBIG1 in the T.85 profile, and its arithmetic coder | error |
//! | [`tile`] | data types and tiles, shape `(rows, cols)`, row-major, little-endian | error |
//! | [`cmc`] | the contact matrix coder: mask, diagonal transform, row binarisation, payloads of tiles | jbig |
//! | [`codec`] | the trait of a tile codec, wire formats, the shape header | tile |
//! | [`wire`] | a tile to bytes on the wire and back, the proof of a codec's wire format | codec |
//! | [`bsc`] | blocks of libbsc: Burrows-Wheeler transform, LZP, QLFC fast | error |
//! | [`ctx`] | context mixing of counts | error, tile |
//! | [`codecs`] | the built-in codecs, one file each | codec, bsc, cmc, ctx |
//! | [`registry`] | codecs by name | codecs, wire |
//! | [`source`] | bytes that are read by ranges | error |
//! | `whole_file` | outputs that get their name when they are whole | - |
//! | [`pixel`] | the cells that are not zero | tile |
//! | [`container`] | headers, frames, index, regions of the versions 1 to 5.1 | codecs, source |
//! | [`sparse`] | the payload of a sparse tile | container, pixel |
//! | [`picker`] | the choice of a region's codec | wire |
//! | [`writer`] | pixels to a file | container, picker, registry, sparse |
//! | `convert` | converters (feature `convert`): `.cool`, `.mcool`, `.hic` and text to GZCM and back | all of the above |
//! | [`reader`] | windows of a file, its check | container, registry, sparse |
//! | [`salvage`] | what is intact of a damaged file, as a new one | reader, writer |
//! | [`query`] | ranges as genome browsers write them | reader |
//! | `view` | heat maps as pictures (feature `view`) | query |

pub mod bsc;
pub mod cmc;
pub mod codec;
pub mod codecs;
pub mod container;
#[cfg(feature = "convert")]
pub mod convert;
pub mod ctx;
pub mod error;
pub mod jbig;
pub mod picker;
pub mod pixel;
pub mod query;
pub mod reader;
pub mod registry;
pub mod salvage;
pub mod source;
pub mod sparse;
pub mod tile;
#[cfg(feature = "view")]
pub mod view;
mod whole_file;
pub mod wire;
pub mod writer;

pub use codec::{TileCodec, WireFormat};
pub use error::{Error, Result};
pub use registry::Registry;
pub use tile::{Dtype, Tile};
