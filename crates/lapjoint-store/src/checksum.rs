//! Checksums of stored objects: CRC-32C, written as eight lower-case hexadecimal digits.
//!
//! DataJoint keeps no checksum of files and folders; ours is an additional JSON key that it ignores.

/// A checksum that is computed while bytes pass.
#[derive(Debug, Clone, Copy, Default)]
pub struct Checksum {
    crc: u32,
    size_bytes: u64,
}

impl Checksum {
    /// Takes the next bytes into account.
    pub fn update(&mut self, bytes: &[u8]) {
        self.crc = crc32c::crc32c_append(self.crc, bytes);
        self.size_bytes += bytes.len() as u64;
    }

    /// The checksum of all bytes so far.
    #[must_use]
    pub fn hex(&self) -> String {
        format!("{:08x}", self.crc)
    }

    /// How many bytes have passed.
    #[must_use]
    pub const fn size_bytes(&self) -> u64 {
        self.size_bytes
    }
}

/// CRC-32C of `bytes` as eight lower-case hexadecimal digits.
#[must_use]
pub fn crc32c_hex(bytes: &[u8]) -> String {
    format!("{:08x}", crc32c::crc32c(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn matches_the_published_vectors() {
        // RFC 3720 B.4, read as a big-endian number.
        assert_eq!(crc32c_hex(&[0; 32]), "8a9136aa");
        assert_eq!(crc32c_hex(b"123456789"), "e3069283");
        let mut sum = Checksum::default();
        sum.update(b"1234");
        sum.update(b"56789");
        assert_eq!((sum.hex().as_str(), sum.size_bytes()), ("e3069283", 9));
    }
}
