//! Where encoded tiles go: one sink for the versions whose header comes last, one for those that are appended.

use serde_json::Value;

use super::tiles::EncodedTile;
use crate::container::meta::{Plan, Region, Vector};
use crate::error::Result;

/// The part of a writer that knows a version's bytes.
pub(crate) trait Sink: Send {
    fn start_region(&mut self, region: &Region, plan: &Plan, codec_picker: Option<Value>) -> Result<()>;
    fn tile(&mut self, tile: EncodedTile) -> Result<()>;
    fn vector(&mut self, vector: &Vector) -> Result<()>;
    /// Ends the file; its length in bytes.
    fn finish(self: Box<Self>) -> Result<u64>;
}

/// The bytes of a normalisation vector, little-endian.
pub(crate) fn vector_bytes(vector: &Vector) -> Vec<u8> {
    vector.values.iter().flat_map(|value| value.to_le_bytes()).collect()
}
