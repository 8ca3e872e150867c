//! Memory for what is read.

use bytes::Bytes;
use memmap2::MmapMut;

use super::inflate;
use crate::error::CodecError;

/// From here on memory comes in large pages, where the system has them: half of the time of a large read was the first touch of small ones.
const LARGE_BYTES: usize = 8 << 20;

/// Zeroed memory that becomes [`Bytes`] without a copy.
pub(super) enum Memory {
    Heap(Vec<u8>),
    Pages(MmapMut),
}

impl Memory {
    /// So many zeros.
    ///
    /// # Errors
    /// [`CodecError::Stored`] where there is not as much memory.
    pub fn zeroed(bytes: usize) -> Result<Self, CodecError> {
        if bytes < LARGE_BYTES {
            return inflate::zeroed(bytes).map(Self::Heap);
        }
        let pages = MmapMut::map_anon(bytes)
            .map_err(|error| super::damaged(format!("there is no memory for {bytes} bytes: {error}")))?;
        // Advice: a system that has no large pages goes on with small ones.
        #[cfg(target_os = "linux")]
        let _ = pages.advise(memmap2::Advice::HugePage);
        Ok(Self::Pages(pages))
    }
}

impl AsMut<[u8]> for Memory {
    fn as_mut(&mut self) -> &mut [u8] {
        match self {
            Self::Heap(bytes) => bytes,
            Self::Pages(pages) => pages,
        }
    }
}

impl From<Memory> for Bytes {
    fn from(memory: Memory) -> Self {
        match memory {
            Memory::Heap(bytes) => bytes.into(),
            Memory::Pages(pages) => Self::from_owner(pages),
        }
    }
}
