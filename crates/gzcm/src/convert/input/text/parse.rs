//! One line to one contact.

use std::collections::HashMap;

use crate::convert::input::OpenOptions;
use crate::convert::pixel::{Chromosome, CountKind, Pixel};

/// What the columns of a text are. Positions are in base pairs, bins count from 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Columns {
    /// `chrom1 pos1 chrom2 pos2 count`.
    ChromPositions,
    /// `chrom1 start1 end1 chrom2 start2 end2 count`, as `cooler dump --join` prints it.
    BedGraph2,
    /// `pos1 pos2 count` of one chromosome.
    Positions,
    /// `bin1 bin2 count` of one chromosome.
    Bins,
}

impl Columns {
    const fn n_fields(self) -> usize {
        match self {
            Self::ChromPositions => 5,
            Self::BedGraph2 => 7,
            Self::Positions | Self::Bins => 3,
        }
    }
}

/// A contact of a line, in the upper triangle.
pub(super) struct Contact {
    pub(super) chrom1: usize,
    pub(super) chrom2: usize,
    pub(super) pixel: Pixel,
}

/// Parses lines and gathers what they say of chromosomes and counts.
pub(super) struct Parser {
    columns: Option<Columns>,
    bin_size_bp: u32,
    pub(super) chromosomes: Vec<Chromosome>,
    numbers: HashMap<String, usize>,
    /// Whether the chromosomes were given and not found.
    given: bool,
    only: String,
    whole: bool,
    negative: bool,
}

impl Parser {
    pub(super) fn new(options: &OpenOptions, bin_size_bp: u32) -> Self {
        let chromosomes = options.chromosomes.clone().unwrap_or_default();
        let numbers =
            chromosomes.iter().enumerate().map(|(at, chromosome)| (chromosome.name.clone(), at)).collect();
        let only = options.chromosome.clone().or_else(|| chromosomes.first().map(|first| first.name.clone()));
        Self {
            columns: options.columns,
            bin_size_bp,
            given: options.chromosomes.is_some(),
            chromosomes,
            numbers,
            only: only.unwrap_or_else(|| String::from("chr")),
            whole: true,
            negative: false,
        }
    }

    /// The contact of a line; nothing for an empty line, a comment, or a count of 0.
    pub(super) fn parse(&mut self, line: &str) -> Result<Option<Contact>, String> {
        let line = line.split('#').next().unwrap_or_default();
        let mut fields = [""; 8];
        let mut n_fields = 0;
        for field in line.split_ascii_whitespace() {
            if n_fields == fields.len() {
                return Err(String::from("more than 7 columns"));
            }
            fields[n_fields] = field;
            n_fields += 1;
        }
        if n_fields == 0 {
            return Ok(None);
        }
        let columns = match self.columns {
            Some(columns) => columns,
            None => match n_fields {
                3 => Columns::Positions,
                5 => Columns::ChromPositions,
                7 => Columns::BedGraph2,
                _ => return Err(format!("{n_fields} columns; a contact has 3, 5 or 7")),
            },
        };
        self.columns = Some(columns);
        if n_fields != columns.n_fields() {
            return Err(format!("{n_fields} columns, not {}", columns.n_fields()));
        }
        let (place1, place2, count) = match columns {
            Columns::ChromPositions => ((fields[0], fields[1]), (fields[2], fields[3]), fields[4]),
            Columns::BedGraph2 => ((fields[0], fields[1]), (fields[3], fields[4]), fields[6]),
            Columns::Positions | Columns::Bins => (("", fields[0]), ("", fields[1]), fields[2]),
        };
        let one = self.place(columns, place1)?;
        let two = self.place(columns, place2)?;
        let Some(count) = self.count(count)? else { return Ok(None) };
        let ((chrom1, bin1), (chrom2, bin2)) = if one <= two { (one, two) } else { (two, one) };
        Ok(Some(Contact { chrom1, chrom2, pixel: Pixel { bin1, bin2, count } }))
    }

    fn count(&mut self, text: &str) -> Result<Option<f64>, String> {
        let count: f64 = text.parse().map_err(|_| format!("{text:?} is no count"))?;
        if !count.is_finite() {
            return Err(format!("the count {text} is not finite"));
        }
        if count.abs() >= 9_007_199_254_740_992.0 && !text.contains(['.', 'e', 'E']) {
            return Err(format!("the count {text} is not below 2^53"));
        }
        self.whole &= count.fract() == 0.0;
        self.negative |= count < 0.0;
        Ok((count != 0.0).then_some(count))
    }

    /// The number of a chromosome and the bin of a position on it.
    fn place(&mut self, columns: Columns, (name, position): (&str, &str)) -> Result<(usize, u32), String> {
        let name = if name.is_empty() { self.only.as_str() } else { name };
        let number = match self.numbers.get(name) {
            Some(number) => *number,
            None if self.given => return Err(format!("{name} is none of the chromosomes given")),
            None => {
                let name = name.to_owned();
                self.numbers.insert(name.clone(), self.chromosomes.len());
                self.chromosomes.push(Chromosome { name, length_bp: 0 });
                self.chromosomes.len() - 1
            }
        };
        let value: u64 = position.parse().map_err(|_| format!("{position:?} is no position"))?;
        let size = u64::from(self.bin_size_bp);
        let bin = if columns == Columns::Bins { value } else { value / size };
        let bin = u32::try_from(bin).ok().filter(|bin| *bin < u32::MAX);
        let bin = bin.ok_or_else(|| format!("{position} is beyond 2^32 bins"))?;
        let end = (u64::from(bin) + 1) * size;
        let length = &mut self.chromosomes[number].length_bp;
        if !self.given {
            *length = end.max(*length);
        } else if end - size >= *length {
            return Err(format!("{position} is beyond the end of its chromosome, {length} bp"));
        }
        Ok((number, bin))
    }

    pub(super) const fn count_kind(&self) -> CountKind {
        match (self.whole, self.negative) {
            (true, false) => CountKind::Unsigned,
            (true, true) => CountKind::Signed,
            (false, _) => CountKind::F64,
        }
    }

    pub(super) fn into_chromosomes(self) -> Vec<Chromosome> {
        self.chromosomes
    }
}
