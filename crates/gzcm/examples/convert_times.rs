//! Time and peak memory of conversions, each in a process of its own so that the peaks do not add up.
//!
//! ```text
//! cargo run --release -p gzcm --example convert_times -- FILE...
//! ```
//!
//! Each file is converted whole, at all its resolutions (of versions 1 to 3: the finest), to version 4 with `zstd` and to
//! version 5.1 with `zstd` and with the codec that the picker chooses. Prints the best of three times.

use std::path::Path;
use std::process::{Command, ExitCode};
use std::time::Instant;

use gzcm::Result;
use gzcm::container::meta::Version;
use gzcm::convert::{ConvertOptions, Genome, convert_to_gzcm};

const WAYS: [(&str, Version, bool, Genome); 5] = [
    ("3 zstd", Version::V3, false, Genome::One),
    ("4 zstd", Version::V4, false, Genome::One),
    ("5.1 zstd", Version::V5_1, false, Genome::One),
    ("5.1 zstd, pairs", Version::V5_1, false, Genome::Pairs),
    ("5.1 picked", Version::V5_1, true, Genome::One),
];

/// The peak of resident memory so far; 0 where the system does not say.
fn peak_kb() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with("VmHWM:"));
    line.and_then(|line| line.split_ascii_whitespace().nth(1)?.parse().ok()).unwrap_or(0)
}

fn convert(input: &str, way: usize) -> Result<()> {
    let (name, version, adaptive_codec, genome) = WAYS[way];
    let folder = tempfile::tempdir()?;
    let output = folder.path().join("out.gzcm");
    let mut options = ConvertOptions { version, adaptive_codec, genome, ..ConvertOptions::default() };
    if version < Version::V4 {
        let source = gzcm::convert::open(input, &options.input)?;
        options.bin_size_bp = source.bin_sizes_bp().first().copied();
    }
    let mut best = f64::INFINITY;
    let mut converted = None;
    for _ in 0..3 {
        let start = Instant::now();
        converted = Some(convert_to_gzcm(input, &output, &options)?);
        best = best.min(start.elapsed().as_secs_f64());
    }
    if let Some(converted) = converted {
        println!(
            "{:28} {name:16} {:8.3} s {:8.1} MB peak {:10} bytes {:9} pixels {:4} regions {:4} vectors",
            Path::new(input).file_name().unwrap_or_default().to_string_lossy(),
            best,
            f64::from(u32::try_from(peak_kb()).unwrap_or(u32::MAX)) / 1e3,
            converted.size_bytes,
            converted.n_pixels,
            converted.regions.len(),
            converted.n_vectors,
        );
    }
    Ok(())
}

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().collect();
    if let [_, flag, way, input] = arguments.as_slice()
        && flag == "--one"
    {
        return match convert(input, way.parse().unwrap_or(0)) {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => {
                eprintln!("{input}: {error}");
                ExitCode::FAILURE
            }
        };
    }
    for input in &arguments[1..] {
        for way in 0..WAYS.len() {
            let run = Command::new(&arguments[0]).args(["--one", &way.to_string(), input]).status();
            if !run.is_ok_and(|status| status.success()) {
                return ExitCode::FAILURE;
            }
        }
    }
    ExitCode::SUCCESS
}
