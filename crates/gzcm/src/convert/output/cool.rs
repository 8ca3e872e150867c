//! `.cool` and `.mcool`, cooler's schema version 3, written with `hdf5-pure`.
//!
//! The source is read twice: first to count the contacts of each row, which the index needs, then to write them; so the
//! memory is that of one batch and of the index.

use std::path::Path;

use hdf5_pure::{
    AttrValue, EnumTypeBuilder, File, FileAccessProperties, FileBuilder, GroupBuilder, MaxExtent, SyncPolicy,
};

use crate::convert::input::{PixelSource, genome};
use crate::convert::pixel::CountKind;
use crate::error::{Error, Result};
use crate::whole_file;

/// The elements of a chunk of the pixels' columns. From 2^16 on, `hdf5-pure` 0.47 writes the chunk's size in four bytes,
/// where libhdf5 1.14 insists on three and refuses the file.
const CHUNK_ELEMENTS: u64 = 1 << 15;
/// zlib's level, as cooler's.
const DEFLATE_LEVEL: u32 = 6;

/// Writes a source as `.cool` (one resolution, chosen by `bin_size_bp` where there are several) or, when the name ends in
/// `.mcool`, all its resolutions. Weights are carried along. Returns the number of contacts.
///
/// # Errors
/// When the source cannot be read, several resolutions are to go into a `.cool`, or the file cannot be written.
pub fn export_cool(
    source: &dyn PixelSource,
    output: impl AsRef<Path>,
    bin_size_bp: Option<u32>,
) -> Result<u64> {
    let output = output.as_ref();
    let multiple = output.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("mcool"));
    let sizes: Vec<u32> = bin_size_bp.map_or_else(|| source.bin_sizes_bp().to_vec(), |size| vec![size]);
    if sizes.len() != 1 && !multiple {
        let reason = format!("the source has bins of {sizes:?} bp: choose one, or write an .mcool");
        return Err(Error::invalid("export", reason));
    }
    let file = whole_file::beside(output)?;
    let mut builder = FileBuilder::new();
    let resolutions: Result<Vec<Resolution>> =
        sizes.iter().map(|size| Resolution::scan(source, *size)).collect();
    let resolutions = resolutions?;
    if multiple {
        set_attributes(
            &mut |name, value| builder.set_attr(name, value),
            [("format", "HDF5::MCOOL"), ("bin-type", "fixed")],
        );
        builder.set_attr("format-version", AttrValue::I64(2));
        let mut group = builder.create_group("resolutions");
        for resolution in &resolutions {
            let mut inner = group.create_group(&resolution.bin_size_bp.to_string());
            resolution.stage(source, &mut |name, value| inner.set_attr(name, value))?;
            for part in resolution.groups(source, &mut |name| inner.create_group(name))? {
                inner.add_group(part.finish());
            }
            group.add_group(inner.finish());
        }
        builder.add_group(group.finish());
    } else {
        let resolution = &resolutions[0];
        resolution.stage(source, &mut |name, value| builder.set_attr(name, value))?;
        for part in resolution.groups(source, &mut |name| builder.create_group(name))? {
            builder.add_group(part.finish());
        }
    }
    builder.write(file.path()).map_err(write_error)?;
    // No barrier between appends: the file appears under its name only when it is whole.
    let access = FileAccessProperties::new().with_sync_policy(SyncPolicy::OnClose);
    let hdf5 = File::open_rw_with_options(file.path(), access).map_err(write_error)?;
    let mut n_pixels = 0;
    for resolution in &resolutions {
        let root = if multiple { format!("resolutions/{}/", resolution.bin_size_bp) } else { String::new() };
        n_pixels += resolution.append(source, &hdf5, &root)?;
    }
    hdf5.close().map_err(write_error)?;
    file.persist(output).map_err(|error| error.error)?;
    Ok(n_pixels)
}

fn write_error(error: impl std::fmt::Display) -> Error {
    Error::Io(std::io::Error::other(format!("writing HDF5: {error}")))
}

fn set_attributes<const N: usize>(set: &mut dyn FnMut(&str, AttrValue), values: [(&str, &str); N]) {
    for (name, value) in values {
        // h5py gives strings of variable length as str and fixed ones as bytes, which cooler takes for other values.
        set(name, AttrValue::VarLenString(value.to_owned()));
    }
}

/// What is known of a resolution before its contacts are written.
struct Resolution {
    bin_size_bp: u32,
    /// Where each chromosome's bins begin, and one more.
    chrom_offset: Vec<u32>,
    /// Where each row's contacts begin, and one more.
    bin1_offset: Vec<i64>,
    sum: f64,
    integers: bool,
}

impl Resolution {
    fn scan(source: &dyn PixelSource, bin_size_bp: u32) -> Result<Self> {
        let chrom_offset = genome::offsets(source, bin_size_bp)?;
        let n_bins = usize::try_from(chrom_offset.last().copied().unwrap_or(0)).unwrap_or(usize::MAX);
        let mut bin1_offset = vec![0_i64; n_bins + 1];
        let (mut sum, mut whole) = (0.0, true);
        for batch in source.genome_pixels(bin_size_bp)? {
            for pixel in batch? {
                let row = usize::try_from(pixel.bin1).unwrap_or(usize::MAX);
                bin1_offset[row + 1] += 1;
                sum += pixel.count;
                whole &= i32_of(pixel.count).is_some();
            }
        }
        let mut before = 0;
        for offset in &mut bin1_offset {
            before += *offset;
            *offset = before;
        }
        // cooler's own type of counts is int32; what does not fit it is written as double precision.
        let kind = source.count_kind(bin_size_bp)?;
        let integers = whole && matches!(kind, CountKind::Unsigned | CountKind::Signed | CountKind::F32);
        Ok(Self { bin_size_bp, chrom_offset, bin1_offset, sum, integers })
    }

    /// The attributes of a matrix.
    fn stage(&self, source: &dyn PixelSource, set: &mut dyn FnMut(&str, AttrValue)) -> Result<()> {
        let names = [
            ("format", "HDF5::Cooler"),
            ("format-url", "https://github.com/open2c/cooler"),
            ("bin-type", "fixed"),
            ("storage-mode", "symmetric-upper"),
            ("generated-by", concat!("gzcm-", env!("CARGO_PKG_VERSION"))),
            ("genome-assembly", "unknown"),
            ("metadata", "{}"),
        ];
        set_attributes(set, names);
        let n_chroms = i64::try_from(source.chromosomes().len()).unwrap_or(i64::MAX);
        let n_bins = i64::from(self.chrom_offset.last().copied().unwrap_or(0));
        set("format-version", AttrValue::I64(3));
        set("bin-size", AttrValue::I64(self.bin_size_bp.into()));
        set("nchroms", AttrValue::I64(n_chroms));
        set("nbins", AttrValue::I64(n_bins));
        set("nnz", AttrValue::I64(self.bin1_offset.last().copied().unwrap_or(0)));
        #[expect(
            clippy::cast_possible_truncation,
            reason = "a sum of whole counts; beyond 2^63 it saturates"
        )]
        set("sum", if self.integers { AttrValue::I64(self.sum as i64) } else { AttrValue::F64(self.sum) });
        Ok(())
    }

    /// The groups of a matrix, the columns of its pixels still empty.
    fn groups(
        &self,
        source: &dyn PixelSource,
        make: &mut dyn FnMut(&str) -> GroupBuilder,
    ) -> Result<Vec<GroupBuilder>> {
        let i32_checked = |value: u64, what: &str| {
            i32::try_from(value)
                .map_err(|_| Error::unsupported("export", format!("{what} of {value} bp in a .cool")))
        };
        let names: Vec<&str> =
            source.chromosomes().iter().map(|chromosome| chromosome.name.as_str()).collect();
        let lengths: Result<Vec<i32>> = source
            .chromosomes()
            .iter()
            .map(|chromosome| i32_checked(chromosome.length_bp, "a chromosome"))
            .collect();
        let mut chroms = make("chroms");
        chroms.create_dataset("name").with_ascii_strings(&names).map_err(write_error)?;
        chroms.create_dataset("length").with_i32_data(&lengths?);

        let mut bins = make("bins");
        let (mut chrom, mut start, mut end) = (Vec::new(), Vec::new(), Vec::new());
        let mut members = EnumTypeBuilder::i32_based();
        for (number, chromosome) in (0_i32..).zip(source.chromosomes()) {
            members = members.value(&chromosome.name, number);
            for bin in 0..chromosome.bins(self.bin_size_bp.into()) {
                let at = bin * u64::from(self.bin_size_bp);
                chrom.push(number);
                start.push(i32_checked(at, "a bin")?);
                end.push(i32_checked((at + u64::from(self.bin_size_bp)).min(chromosome.length_bp), "a bin")?);
            }
        }
        let chunk = [(chrom.len() as u64).clamp(1, CHUNK_ELEMENTS)];
        let members = members.build().map_err(write_error)?;
        let packed = |dataset: &mut hdf5_pure::DatasetBuilder| {
            dataset.with_chunks(&chunk).with_shuffle().with_deflate(DEFLATE_LEVEL);
        };
        packed(bins.create_dataset("chrom").with_enum_i32_data(members, &chrom));
        packed(bins.create_dataset("start").with_i32_data(&start));
        packed(bins.create_dataset("end").with_i32_data(&end));
        for name in source.weight_names(self.bin_size_bp)? {
            let mut values = Vec::with_capacity(chrom.len());
            for (number, chromosome) in source.chromosomes().iter().enumerate() {
                let n_bins = usize::try_from(chromosome.bins(self.bin_size_bp.into())).unwrap_or(usize::MAX);
                let weights = source.weights(self.bin_size_bp, &name, number)?;
                values.extend(weights.unwrap_or_else(|| vec![f64::NAN; n_bins]));
            }
            let divide = source.weights_divide(self.bin_size_bp, &name)?;
            let dataset = bins.create_dataset(&name).with_f64_data(&values);
            packed(dataset);
            dataset.set_attr("divisive_weights", AttrValue::U8(divide.into()));
        }

        let mut indexes = make("indexes");
        let chrom_offset: Vec<i64> = self.chrom_offset.iter().map(|offset| i64::from(*offset)).collect();
        indexes.create_dataset("chrom_offset").with_i64_data(&chrom_offset);
        packed(indexes.create_dataset("bin1_offset").with_i64_data(&self.bin1_offset));

        let mut pixels = make("pixels");
        let growing = |dataset: &mut hdf5_pure::DatasetBuilder| {
            dataset.with_shape(&[0]).with_maxshape(&[MaxExtent::Unlimited]).with_chunks(&[CHUNK_ELEMENTS]);
            dataset.with_shuffle().with_deflate(DEFLATE_LEVEL);
        };
        growing(pixels.create_dataset("bin1_id").with_i64_data(&[]));
        growing(pixels.create_dataset("bin2_id").with_i64_data(&[]));
        let count = pixels.create_dataset("count");
        growing(if self.integers { count.with_i32_data(&[]) } else { count.with_f64_data(&[]) });
        Ok(vec![chroms, bins, indexes, pixels])
    }

    fn append(&self, source: &dyn PixelSource, hdf5: &File, root: &str) -> Result<u64> {
        let column = |name: &str| hdf5.dataset(&format!("{root}pixels/{name}")).map_err(write_error);
        let (mut bin1, mut bin2, mut count) = (column("bin1_id")?, column("bin2_id")?, column("count")?);
        let mut bin1 = bin1.buffered_appender().map_err(write_error)?;
        let mut bin2 = bin2.buffered_appender().map_err(write_error)?;
        let mut count = count.buffered_appender().map_err(write_error)?;
        let mut n_pixels = 0;
        for batch in source.genome_pixels(self.bin_size_bp)? {
            let batch = batch?;
            let rows: Vec<i64> = batch.iter().map(|pixel| pixel.bin1.into()).collect();
            let cols: Vec<i64> = batch.iter().map(|pixel| pixel.bin2.into()).collect();
            bin1.append(&rows).map_err(write_error)?;
            bin2.append(&cols).map_err(write_error)?;
            if self.integers {
                let counts: Vec<i32> =
                    batch.iter().map(|pixel| i32_of(pixel.count).unwrap_or(i32::MAX)).collect();
                count.append(&counts).map_err(write_error)?;
            } else {
                let counts: Vec<f64> = batch.iter().map(|pixel| pixel.count).collect();
                count.append(&counts).map_err(write_error)?;
            }
            n_pixels += batch.len() as u64;
        }
        bin1.flush().map_err(write_error)?;
        bin2.flush().map_err(write_error)?;
        count.flush().map_err(write_error)?;
        Ok(n_pixels)
    }
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "checked against the type's range and for a fraction before"
)]
fn i32_of(count: f64) -> Option<i32> {
    (count.abs() <= 2_147_483_647.0 && count.fract() == 0.0).then_some(count as i32)
}
