//! Which regions of an input are written, and what is asked of the input for each.

use std::ops::Range;

use super::input::{PixelSource, genome};
use super::options::{ConvertOptions, Genome};
use super::pixel::Query;
use crate::container::meta::{Region, Version};
use crate::error::{Error, Result};
use crate::reader::parse_range;
use crate::tile::Dtype;

/// What is asked of the input.
pub(super) enum Ask {
    /// All chromosomes against all.
    Genome,
    /// A rectangle as it is stored.
    Stored(Query),
    /// Rectangles of a region that is not symmetric and not as stored: each cell `(row, col)` of a query, and whether
    /// it lies at `(col, row)` of the region.
    Turned(Vec<(Query, bool)>),
}

/// A region to write.
pub(super) struct Job {
    pub(super) region: Region,
    pub(super) ask: Ask,
    /// At most how many contacts it has, where the input knows.
    pub(super) total: Option<u64>,
}

/// One side of a region: a chromosome's number, and bins of it.
struct Side {
    chrom: usize,
    bins: Range<u32>,
}

/// The regions to write, their type to be set by the caller.
pub(super) fn jobs(source: &dyn PixelSource, options: &ConvertOptions) -> Result<Vec<Job>> {
    let mut jobs = Vec::new();
    for bin_size_bp in bin_sizes(source, options)? {
        match &options.region1 {
            Some(region1) => {
                let one = side(source, region1, bin_size_bp)?;
                let two =
                    options.region2.as_ref().map(|region2| side(source, region2, bin_size_bp)).transpose()?;
                let two = two.unwrap_or_else(|| Side { chrom: one.chrom, bins: one.bins.clone() });
                jobs.push(rectangle(source, &one, &two, bin_size_bp)?);
            }
            None if source.chromosomes().len() == 1 => {
                let one = whole(source, 0, bin_size_bp)?;
                jobs.push(rectangle(source, &one, &one, bin_size_bp)?);
            }
            None if options.genome == Genome::Pairs && options.version >= Version::V4 => {
                for chrom1 in 0..source.chromosomes().len() {
                    let one = whole(source, chrom1, bin_size_bp)?;
                    for chrom2 in chrom1..source.chromosomes().len() {
                        let two = whole(source, chrom2, bin_size_bp)?;
                        jobs.push(rectangle(source, &one, &two, bin_size_bp)?);
                    }
                }
            }
            None => {
                genome::offsets(source, bin_size_bp)?;
                let region = Region::genome(source.chromosomes(), bin_size_bp.into());
                jobs.push(Job {
                    region,
                    ask: Ask::Genome,
                    total: source.genome_pixels_at_most(bin_size_bp)?,
                });
            }
        }
    }
    Ok(jobs)
}

fn bin_sizes(source: &dyn PixelSource, options: &ConvertOptions) -> Result<Vec<u32>> {
    let sizes = source.bin_sizes_bp();
    match options.bin_size_bp {
        Some(size) if sizes.contains(&size) => Ok(vec![size]),
        Some(size) => {
            Err(Error::invalid("convert", format!("no bins of {size} bp; the input has {sizes:?} bp")))
        }
        None if sizes.len() > 1 && options.version < Version::V4 => {
            let reason = format!("the input has bins of {sizes:?} bp; choose one, or version 4 or 5 for all");
            Err(Error::invalid("convert", reason))
        }
        None => Ok(sizes.to_vec()),
    }
}

fn whole(source: &dyn PixelSource, chrom: usize, bin_size_bp: u32) -> Result<Side> {
    let chromosome = &source.chromosomes()[chrom];
    let n_bins = u32::try_from(chromosome.bins(bin_size_bp.into())).map_err(|_| {
        Error::unsupported(
            "convert",
            format!("{} has more than 2^32 bins of {bin_size_bp} bp", chromosome.name),
        )
    })?;
    Ok(Side { chrom, bins: 0..n_bins })
}

/// The bins that cover `chrom` or `chrom:start-end`.
fn side(source: &dyn PixelSource, text: &str, bin_size_bp: u32) -> Result<Side> {
    let chromosomes = source.chromosomes();
    let find = |name: &str| chromosomes.iter().position(|chromosome| chromosome.name == name);
    let (name, start_bp, end_bp) = parse_range(text)?;
    let other = name.strip_prefix("chr").map_or_else(|| format!("chr{name}"), str::to_owned);
    let chrom = find(text).or_else(|| find(name)).or_else(|| find(&other)).ok_or_else(|| {
        let names: Vec<&str> =
            chromosomes.iter().take(30).map(|chromosome| chromosome.name.as_str()).collect();
        Error::invalid("convert", format!("no chromosome {name:?}; the input has {}", names.join(", ")))
    })?;
    let all = whole(source, chrom, bin_size_bp)?;
    if chromosomes[chrom].name == text {
        return Ok(all);
    }
    let size = u64::from(bin_size_bp);
    let bin = |bin: u64| u32::try_from(bin).unwrap_or(u32::MAX);
    let bins = bin(start_bp / size)..end_bp.map_or(all.bins.end, |end| bin(end.div_ceil(size)));
    if bins.is_empty() || bins.end > all.bins.end {
        let reason =
            format!("{text}: {} is {} bp long", chromosomes[chrom].name, chromosomes[chrom].length_bp);
        return Err(Error::invalid("convert", reason));
    }
    Ok(Side { chrom, bins })
}

fn rectangle(source: &dyn PixelSource, one: &Side, two: &Side, bin_size_bp: u32) -> Result<Job> {
    let name = |side: &Side| source.chromosomes()[side.chrom].name.clone();
    let n_bins = |side: &Side| u64::from(side.bins.end - side.bins.start);
    let start_bp = |side: &Side| u64::from(side.bins.start) * u64::from(bin_size_bp);
    let (name1, name2) = (name(one), name(two));
    let mut region = Region::inter((&name1, n_bins(one)), (&name2, n_bins(two)), bin_size_bp.into());
    region.symmetric = one.chrom == two.chrom && one.bins == two.bins;
    (region.start1_bp, region.start2_bp) = (start_bp(one), start_bp(two));
    let whole = |side: &Side| n_bins(side) == source.chromosomes()[side.chrom].bins(bin_size_bp.into());
    if !(whole(one) && whole(two)) {
        let part = |name: &str, side: &Side, start: u64| {
            format!("{name}:{start}-{}", start + n_bins(side) * u64::from(bin_size_bp))
        };
        let (part1, part2) = (part(&name1, one, region.start1_bp), part(&name2, two, region.start2_bp));
        region.name = format!("{part1}:{part2}@{bin_size_bp}");
    }
    let query = |one: &Side, two: &Side| Query {
        bin_size_bp,
        chrom1: one.chrom,
        bins1: one.bins.clone(),
        chrom2: two.chrom,
        bins2: two.bins.clone(),
    };
    let ask = if one.chrom < two.chrom || region.symmetric {
        Ask::Stored(query(one, two))
    } else if one.chrom > two.chrom {
        Ask::Turned(vec![(query(two, one), true)])
    } else {
        Ask::Turned(vec![(query(one, two), false), (query(two, one), true)])
    };
    let total = match &ask {
        Ask::Genome => None,
        Ask::Stored(query) => source.pixels_at_most(query)?,
        Ask::Turned(queries) => {
            let mut total = Some(0);
            for (query, _) in queries {
                total = total.zip(source.pixels_at_most(query)?).map(|(sum, more)| sum + more);
            }
            total
        }
    };
    Ok(Job { region, ask, total })
}

/// The type that elements have unless a count does not fit it, and the type that they have then.
pub(super) fn dtypes(source: &dyn PixelSource, options: &ConvertOptions, jobs: &[Job]) -> Result<Vec<Dtype>> {
    use super::pixel::CountKind;
    if let Some(dtype) = options.dtype {
        return Ok(vec![dtype]);
    }
    if options.version == Version::V1 {
        return Ok(vec![Dtype::F32]);
    }
    let mut kind = CountKind::Unsigned;
    for job in jobs {
        let size = u32::try_from(job.region.bin_size_bp).unwrap_or(u32::MAX);
        kind = match (kind, source.count_kind(size)?) {
            (CountKind::F64, _) | (_, CountKind::F64) => CountKind::F64,
            (CountKind::F32, _) | (_, CountKind::F32) => CountKind::F32,
            (CountKind::Signed, _) | (_, CountKind::Signed) => CountKind::Signed,
            (CountKind::Unsigned, CountKind::Unsigned) => CountKind::Unsigned,
        };
    }
    let wide = match kind {
        CountKind::Unsigned | CountKind::Signed => Dtype::I64,
        CountKind::F32 => Dtype::F32,
        CountKind::F64 => Dtype::F64,
    };
    Ok(vec![Dtype::U32, wide])
}
