//! `lapjoint gzcm convert`.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::time::Duration;

use gzcm::Dtype;
use gzcm::container::meta::{Chromosome, Layout, Version};
use gzcm::convert::{self, ConvertOptions, Genome, OpenOptions, TextOptions};
use gzcm::picker::{Timing, Weights};
use indicatif::{ProgressBar, ProgressStyle};

use super::size;
use crate::Outcome;

type Parsed<T> = Result<T, String>;

/// Options of `lapjoint gzcm convert`.
#[derive(Debug, clap::Args)]
pub(crate) struct Convert {
    /// .cool, .mcool, .hic, .gzcm, or text of contacts; told by its first bytes.
    input: PathBuf,
    /// What is written: .cool, .mcool, .txt, .tsv or .bedpe by its name, else GZCM.
    output: PathBuf,
    /// `chrom` or `chrom:start-end` of the rows; the whole genome without it.
    #[arg(long)]
    region1: Option<String>,
    /// The same of the columns; region1 again without it.
    #[arg(long)]
    region2: Option<String>,
    /// Size of a bin in base pairs; all that the input has without it (versions 4 and up).
    #[arg(long, value_name = "BP")]
    bin_size_bp: Option<u32>,
    /// Version of the container: 1, 2, 3, 4, 5 or 5.1.
    #[arg(long, default_value = "5.1", value_parser = version)]
    version: Version,
    /// Rows and columns of a tile, in bins.
    #[arg(long, default_value_t = 256, value_name = "BINS")]
    tile_size: usize,
    /// Codec of dense tiles.
    #[arg(long, default_value = "zstd")]
    codec: String,
    /// Chooses the codec of each region on a sample of its tiles.
    #[arg(long)]
    adaptive_codec: bool,
    /// Codecs that are chosen from, separated by commas; all without it.
    #[arg(long, value_delimiter = ',', value_name = "NAMES")]
    codec_candidates: Vec<String>,
    /// What the time to decode, the size and the time to encode count in the choice.
    #[arg(long, default_value = "0.5,0.3,0.2", value_parser = weights, value_name = "DECODE,SIZE,ENCODE")]
    codec_picker_weights: Weights,
    /// Measures times for the choice, which may then differ from run to run; a model's otherwise.
    #[arg(long)]
    codec_picker_measured: bool,
    /// Layout of a region: dense-tiled, sparse-tiled-intra or sparse-roaring; may be given again.
    #[arg(long = "region-layout", value_parser = region_layout, value_name = "REGION=LAYOUT")]
    region_layouts: Vec<(String, Layout)>,
    /// Contacts that are held at once while an input that is not in order is sorted.
    #[arg(long, default_value_t = convert::DEFAULT_CHUNK_PIXELS, value_name = "CONTACTS")]
    chunk_size: usize,
    /// Whether regions with few contacts get a sparse layout.
    #[arg(long, default_value_t = true, action = clap::ArgAction::Set, value_name = "BOOL")]
    enable_region_layout_picker: bool,
    /// Whether the layout sparse-tiled-intra may be chosen.
    #[arg(long, default_value_t = true, action = clap::ArgAction::Set, value_name = "BOOL")]
    enable_anti_diagonal_layout: bool,
    /// Whether the layout sparse-roaring may be chosen.
    #[arg(long, default_value_t = true, action = clap::ArgAction::Set, value_name = "BOOL")]
    enable_roaring_row_index: bool,
    /// Type of the elements: uint8, uint16, uint32, int32, int64, float32 or float64; by the input without it.
    #[arg(long, value_parser = dtype)]
    dtype: Option<Dtype>,
    /// A region for each pair of chromosomes, in place of one over the whole genome.
    #[arg(long)]
    pairs: bool,
    /// Leaves weights and normalisation vectors behind.
    #[arg(long)]
    no_weights: bool,
    /// For text: a file of the chromosomes and their lengths in base pairs, one a line.
    #[arg(long, value_name = "FILE")]
    chromosomes: Option<PathBuf>,
    /// For text without names of chromosomes: its chromosome.
    #[arg(long, value_name = "NAME")]
    chromosome: Option<String>,
}

/// Converts.
pub(crate) fn convert(given: &Convert) -> Outcome {
    let options = options(given)?;
    let extension = given.output.extension().map(|text| text.to_ascii_lowercase());
    match extension.as_ref().and_then(|text| text.to_str()) {
        Some("cool" | "mcool") => {
            let source = open(given, &options)?;
            let contacts = convert::export_cool(&*source, &given.output, given.bin_size_bp)?;
            report(&given.output, contacts, "")
        }
        Some("txt" | "tsv" | "bedpe") => {
            let source = open(given, &options)?;
            let mut file = BufWriter::new(File::create(&given.output)?);
            let ends = TextOptions { bin_size_bp: given.bin_size_bp, ends: true };
            let contacts = convert::export_text(&*source, &mut file, &ends)?;
            file.flush()?;
            report(&given.output, contacts, "")
        }
        _ => to_gzcm(given, &options),
    }
}

fn to_gzcm(given: &Convert, options: &ConvertOptions) -> Outcome {
    let bar = ProgressBar::new_spinner();
    bar.enable_steady_tick(Duration::from_millis(200));
    let done = convert::convert_with(&given.input, &given.output, options, &mut |at| {
        if bar.length() != at.total_pixels {
            if let Some(total) = at.total_pixels {
                bar.set_length(total);
            }
            let template = if at.total_pixels.is_some() {
                "  {msg:<22} {bar:30} {human_pos}/{human_len} contacts {elapsed}"
            } else {
                "  {msg:<22} {spinner} {human_pos} contacts {elapsed}"
            };
            if let Ok(style) = ProgressStyle::with_template(template) {
                bar.set_style(style);
            }
        }
        if at.n_regions > 1 {
            bar.set_message(format!("{} ({}/{})", at.region, at.region_index + 1, at.n_regions));
        } else {
            bar.set_message(at.region.to_owned());
        }
        bar.set_position(at.done_pixels);
        ControlFlow::Continue(())
    });
    bar.finish_and_clear();
    let done = done?;
    let more = format!(
        ", {} of {}, {} vectors",
        if done.regions.len() == 1 {
            "one region".to_owned()
        } else {
            format!("{} regions", done.regions.len())
        },
        done.dtype,
        done.n_vectors
    );
    report(&given.output, done.n_pixels, &more)
}

fn open(
    given: &Convert,
    options: &ConvertOptions,
) -> Result<Box<dyn convert::PixelSource>, Box<dyn std::error::Error>> {
    if given.region1.is_some() {
        return Err("regions are chosen when GZCM is written: convert to .gzcm first".into());
    }
    Ok(convert::open(&given.input, &options.input)?)
}

fn report(output: &Path, contacts: u64, more: &str) -> Outcome {
    let length = std::fs::metadata(output)?.len();
    println!("{}: {contacts} contacts{more}, {}", output.display(), size(length));
    Ok(())
}

fn options(given: &Convert) -> Result<ConvertOptions, Box<dyn std::error::Error>> {
    let chromosomes = given.chromosomes.as_deref().map(chromosomes).transpose()?;
    Ok(ConvertOptions {
        region1: given.region1.clone(),
        region2: given.region2.clone(),
        bin_size_bp: given.bin_size_bp,
        version: given.version,
        tile_size: given.tile_size,
        codec: given.codec.clone(),
        adaptive_codec: given.adaptive_codec,
        codec_candidates: given.codec_candidates.clone(),
        codec_picker_weights: given.codec_picker_weights,
        codec_picker_timing: if given.codec_picker_measured { Timing::Measured } else { Timing::Model },
        region_layouts: given.region_layouts.iter().cloned().collect::<BTreeMap<_, _>>(),
        chunk_size: given.chunk_size,
        enable_region_layout_picker: given.enable_region_layout_picker,
        enable_anti_diagonal_layout: given.enable_anti_diagonal_layout,
        enable_roaring_row_index: given.enable_roaring_row_index,
        dtype: given.dtype,
        genome: if given.pairs { Genome::Pairs } else { Genome::One },
        carry_weights: !given.no_weights,
        input: OpenOptions {
            bin_size_bp: given.bin_size_bp,
            chromosomes,
            chromosome: given.chromosome.clone(),
            chunk_pixels: Some(given.chunk_size),
            ..OpenOptions::default()
        },
        ..ConvertOptions::default()
    })
}

/// The chromosomes of a file as genome browsers have them: name and length, one a line.
fn chromosomes(file: &Path) -> Result<Vec<Chromosome>, Box<dyn std::error::Error>> {
    let text = std::fs::read_to_string(file).map_err(|error| format!("{}: {error}", file.display()))?;
    let line = |(at, line): (usize, &str)| {
        let mut cells = line.split_whitespace();
        let cells = (cells.next(), cells.next().and_then(|length| length.parse().ok()));
        let (Some(name), Some(length_bp)) = cells else {
            return Err(format!("{}: line {} is no name and length", file.display(), at + 1).into());
        };
        Ok(Chromosome { name: name.to_owned(), length_bp })
    };
    text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()).map(line).collect()
}

fn version(text: &str) -> Parsed<Version> {
    let (major, minor) = text.split_once('.').unwrap_or((text, "0"));
    let (Ok(major), Ok(minor)) = (major.parse(), minor.parse()) else {
        return Err("1, 2, 3, 4, 5 or 5.1".to_owned());
    };
    Version::from_numbers(major, minor).map_err(|error| error.to_string())
}

fn dtype(text: &str) -> Parsed<Dtype> {
    Dtype::parse(text).map_err(|error| error.to_string())
}

fn weights(text: &str) -> Parsed<Weights> {
    let numbers: Vec<f64> = text.split(',').filter_map(|number| number.trim().parse().ok()).collect();
    match (numbers.as_slice(), text.split(',').count()) {
        ([decode, size, encode], 3) => Ok(Weights { decode: *decode, size: *size, encode: *encode }),
        _ => Err("three numbers: decode,size,encode".to_owned()),
    }
}

fn region_layout(text: &str) -> Parsed<(String, Layout)> {
    let layouts = [Layout::DenseTiled, Layout::SparseTiledIntra, Layout::SparseRoaring];
    let (region, name) = text.rsplit_once('=').ok_or("REGION=LAYOUT")?;
    let layout = layouts.into_iter().find(|layout| layout.name() == name);
    let layout =
        layout.ok_or_else(|| format!("{name:?} is none of {}", layouts.map(Layout::name).join(", ")))?;
    Ok((region.to_owned(), layout))
}
