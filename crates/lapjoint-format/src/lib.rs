//! Byte formats of Lapjoint: blob (mYm, dj0) and npy, to and from values. No I/O.

pub mod blob;
pub mod npy;
#[cfg(feature = "parallel")]
pub mod parallel;
#[cfg(feature = "spikes")]
pub mod spikes;
pub mod tagged;
