//! Converts contacts by the names of the files: anything that is read to `.gzcm`, `.cool`, `.mcool` or text.
//!
//! ```text
//! cargo run --release -p gzcm --example convert -- in.hic out.gzcm
//! cargo run --release -p gzcm --example convert -- in.gzcm out.cool 10000
//! ```

use std::ops::ControlFlow;
use std::process::ExitCode;

use gzcm::Result;
use gzcm::container::meta::Version;
use gzcm::convert::{ConvertOptions, OpenOptions, TextOptions, convert_with, export_cool, export_text, open};

fn run(input: &str, output: &str, bin_size_bp: Option<u32>) -> Result<u64> {
    if output.ends_with(".gzcm") {
        let options = ConvertOptions { version: Version::V5_1, bin_size_bp, ..ConvertOptions::default() };
        let mut told = 0;
        let converted = convert_with(input, output, &options, &mut |progress| {
            if progress.done_pixels >= told {
                eprintln!("{}: {} of {:?}", progress.region, progress.done_pixels, progress.total_pixels);
                told = progress.done_pixels + 1_000_000;
            }
            ControlFlow::Continue(())
        })?;
        return Ok(converted.n_pixels);
    }
    let source = open(input, &OpenOptions { bin_size_bp, ..OpenOptions::default() })?;
    if output.ends_with("cool") {
        return export_cool(&*source, output, bin_size_bp);
    }
    export_text(&*source, &mut std::fs::File::create(output)?, &TextOptions { bin_size_bp, ends: false })
}

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let (input, output, size) = match arguments.as_slice() {
        [input, output] => (input, output, None),
        [input, output, size] => (input, output, size.parse().ok()),
        _ => {
            eprintln!("convert INPUT OUTPUT [BIN_SIZE_BP]");
            return ExitCode::FAILURE;
        }
    };
    match run(input, output, size) {
        Ok(n_pixels) => {
            println!("{n_pixels} contacts");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}
