//! The six codecs that every registry starts with, one file each.
//!
//! | codec | in the table | in a store | addressing | decodes to |
//! |---|---|---|---|---|
//! | [`blob`] | `bytes` | `<hash>` | content hash | the value |
//! | [`attach`] | `bytes` | `<hash>` | content hash | path of a local file |
//! | [`hash`] | - | `json` | content hash | bytes |
//! | [`object`] | - | `json` | primary key and token | [`ObjectRef`](crate::ObjectRef) |
//! | [`npy`] | - | `json` | primary key and token | [`NpyRef`](crate::NpyRef) |
//! | [`filepath`] | - | `json` | chosen by the user | [`ObjectRef`](crate::ObjectRef) |

use std::sync::Arc;

use crate::codec::Codec;

pub mod attach;
pub mod blob;
pub mod filepath;
pub mod hash;
pub mod npy;
pub mod object;

#[cfg(test)]
mod tests;

pub use attach::AttachCodec;
pub use blob::BlobCodec;
pub use filepath::FilepathCodec;
pub use hash::HashCodec;
pub use npy::NpyCodec;
pub use object::ObjectCodec;

/// One of each built-in codec.
#[must_use]
pub fn all() -> Vec<Arc<dyn Codec>> {
    vec![
        Arc::new(AttachCodec),
        Arc::new(BlobCodec),
        Arc::new(FilepathCodec),
        Arc::new(HashCodec),
        Arc::new(NpyCodec),
        Arc::new(ObjectCodec),
    ]
}
