//! Codecs that values bring along, and those that lie in folders.

use std::fmt;
use std::sync::Arc;

use lapjoint_store::Config;
use lapjoint_types::Value;

use crate::codec::Codec;
use crate::context::DecodeContext;
use crate::error::CodecError;
use crate::registry::{Problem, Registry};
use crate::version;

/// Reads values of codecs that are not installed, and knows what is in folders of modules. A registry has at most one.
pub trait StandIn: Send + Sync + fmt::Debug {
    /// A codec that reads one stored value of the codec `name`, if the value itself says how it is read.
    ///
    /// # Errors
    /// [`CodecError`] when the value names such a codec and it may not be used or cannot.
    fn codec_of(
        &self,
        name: &str,
        stored: &Value,
        context: &DecodeContext<'_>,
    ) -> Result<Option<Arc<dyn Codec>>, CodecError>;

    /// Registers all codecs that can be found, and tells of those that cannot be loaded or whose name another one has.
    fn load_all(&self, registry: &Registry) -> Vec<Problem>;

    /// Takes settings of a configuration, beside those it has.
    fn configure(&self, config: &Config);
}

/// Decodes a value with the codec that it brought along, if that reads its version.
///
/// # Errors
/// As for [`Chain::decode`](crate::Chain::decode).
pub fn decode(codec: &dyn Codec, stored: Value, context: &DecodeContext<'_>) -> Result<Value, CodecError> {
    version::check(codec, &stored, &context.site)?;
    codec.decode(stored, context)
}
