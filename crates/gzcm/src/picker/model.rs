//! The cost model: how fast the codecs are, as a table, so that a choice does not depend on the machine or its load.

/// Megabytes (10^6) of raw tile per second and core.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Speed {
    /// Encoding.
    pub encode: f64,
    /// Decoding.
    pub decode: f64,
}

const fn speed_of(encode: f64, decode: f64) -> Speed {
    Speed { encode, decode }
}

/// What a codec without a row counts as.
pub const UNKNOWN: Speed = speed_of(50.0, 50.0);

/// Measured once on 256 × 256 tiles of counts of GM12878 chr20 at 25 kb (lz4 and zstd by their C libraries, the others by the examples
/// `bsc_times`, `jbig_times` and `ctx_times`); only their ratios matter.
const TABLE: [(&str, Speed); 8] = [
    ("bsc", speed_of(33.0, 120.0)),
    ("bsc_cmc", speed_of(75.0, 198.0)),
    ("cmc", speed_of(99.0, 129.0)),
    ("cmc_zstd", speed_of(405.0, 1339.0)),
    ("ctx", speed_of(14.0, 17.0)),
    ("lz4", speed_of(673.0, 1725.0)),
    ("shuffle_zstd", speed_of(60.0, 600.0)),
    ("zstd", speed_of(246.0, 595.0)),
];

/// The speed of a codec, [`UNKNOWN`] for one that is not built in.
#[must_use]
pub fn speed(codec: &str) -> Speed {
    TABLE.iter().find(|row| row.0 == codec).map_or(UNKNOWN, |row| row.1)
}
