//! Checksums of a file while it is written: SHA-256 as its fingerprint, CRC-32 for archives.

use std::fmt::Write;

use sha2::{Digest, Sha256};

/// The polynomial of zip and gzip, bits reversed.
const POLYNOMIAL: u32 = 0xedb8_8320;

const TABLE: [u32; 256] = table();

const fn table() -> [u32; 256] {
    let mut table = [0; 256];
    let mut place = 0;
    while place < 256 {
        let mut value = place as u32;
        let mut bit = 0;
        while bit < 8 {
            value = if value & 1 == 1 { (value >> 1) ^ POLYNOMIAL } else { value >> 1 };
            bit += 1;
        }
        table[place] = value;
        place += 1;
    }
    table
}

/// Both checksums of what has come so far.
#[derive(Clone)]
pub(super) struct Checksums {
    sha256: Sha256,
    crc32: u32,
}

impl Default for Checksums {
    fn default() -> Self {
        Checksums { sha256: Sha256::new(), crc32: u32::MAX }
    }
}

impl Checksums {
    pub(super) fn update(&mut self, bytes: &[u8]) {
        self.sha256.update(bytes);
        for byte in bytes {
            let place = (self.crc32 ^ u32::from(*byte)) & 0xff;
            self.crc32 = (self.crc32 >> 8) ^ TABLE[place as usize];
        }
    }

    /// SHA-256 in hexadecimal digits, and the CRC-32.
    pub(super) fn finish(self) -> (String, u32) {
        let mut digits = String::with_capacity(64);
        for byte in self.sha256.finalize() {
            let _ = write!(digits, "{byte:02x}");
        }
        (digits, !self.crc32)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn checksums_are_the_usual_ones() {
        let mut sums = Checksums::default();
        sums.update(b"1234");
        sums.update(b"56789");
        let (sha256, crc32) = sums.finish();
        assert_eq!(crc32, 0xcbf4_3926);
        assert_eq!(sha256, "15e2b0d3c33891ebb0f1ef609ec419420c20e320ce94c65fbc8c3312448eb225");
    }
}
