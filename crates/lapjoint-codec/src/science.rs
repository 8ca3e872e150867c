//! Codecs of the sciences that ship with Lapjoint, one file and one cargo feature each.
//!
//! They are in every registry, but yield their names: a codec of the user's or of an installed plugin under such a name takes its
//! place ([`Codec::yields`]).
//!
//! | codec | in a store | decodes to | feature |
//! |---|---|---|---|
//! | `figpack` | `json` and a folder | `FigpackRef` | `figpack` |
//! | `photon` | `json` and a folder | `PhotonRef` | `photon` |
//! | `zarr` | `json` and a folder | `ZarrRef` | `zarr` |

use std::sync::Arc;

use crate::codec::Codec;

#[cfg(feature = "figpack")]
pub mod figpack;
#[cfg(feature = "photon")]
pub mod photon;
#[cfg(feature = "spikes")]
pub mod spikes;
#[cfg(feature = "zarr")]
pub mod zarr;

/// One of each science codec that this build has.
#[must_use]
pub fn all() -> Vec<Arc<dyn Codec>> {
    vec![
        #[cfg(feature = "figpack")]
        Arc::new(figpack::FigpackCodec),
        #[cfg(feature = "photon")]
        Arc::new(photon::PhotonCodec),
        #[cfg(feature = "spikes")]
        Arc::new(spikes::SpikesCodec),
        #[cfg(feature = "zarr")]
        Arc::new(zarr::ZarrCodec),
    ]
}
