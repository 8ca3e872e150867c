//! What of a tile is coded: its upper half or all, and which rows and columns.

use super::coder::Binary;
use super::tables::TABLES;

/// Which cells hold what there is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// None.
    Zero,
    /// All.
    Full,
    /// Those on and above the diagonal; below are zeros.
    Upper,
    /// Those on and above the diagonal; below is their mirror image.
    Symmetric,
}

/// Set when rows and columns without counts are left out.
const MASKED: u8 = 4;

impl Kind {
    const ALL: [Self; 4] = [Self::Zero, Self::Full, Self::Upper, Self::Symmetric];

    pub(super) fn of(values: &[u32], rows: usize, cols: usize) -> Self {
        if values.iter().all(|value| *value == 0) {
            return Self::Zero;
        }
        let below = |row: usize| (0..row).map(move |col| (row, col));
        if rows != cols || rows == 1 {
            Self::Full
        } else if (0..rows).flat_map(below).all(|(row, col)| values[row * cols + col] == 0) {
            Self::Upper
        } else if (0..rows)
            .flat_map(below)
            .all(|(row, col)| values[row * cols + col] == values[col * cols + row])
        {
            Self::Symmetric
        } else {
            Self::Full
        }
    }

    /// The payload's first byte.
    pub(super) const fn byte(self, masked: bool) -> u8 {
        let kind = match self {
            Self::Zero => 0,
            Self::Full => 1,
            Self::Upper => 2,
            Self::Symmetric => 3,
        };
        if masked { kind | MASKED } else { kind }
    }

    /// The kind of a first byte, and whether it is masked.
    pub(super) fn read(byte: u8) -> Option<(Self, bool)> {
        let pairs = Self::ALL.into_iter().flat_map(|kind| [(kind, false), (kind, true)]);
        pairs.filter(|pair| *pair != (Self::Zero, true)).find(|(kind, masked)| kind.byte(*masked) == byte)
    }
}

/// The rows and columns that are coded, ascending.
pub(super) struct Kept {
    pub(super) rows: Vec<usize>,
    pub(super) cols: Vec<usize>,
    sides: (usize, usize),
}

impl Kept {
    pub(super) fn all(rows: usize, cols: usize) -> Self {
        Self { rows: (0..rows).collect(), cols: (0..cols).collect(), sides: (rows, cols) }
    }

    /// Those that hold counts, when to name them seems to cost less than half of what it saves. A half tile has one list for both.
    pub(super) fn of(values: &[u32], rows: usize, cols: usize, kind: Kind) -> Option<Self> {
        let (mut in_rows, mut in_cols, mut counts) = (vec![false; rows], vec![false; cols], 0);
        for (row, cells) in values.chunks_exact(cols).enumerate() {
            for (col, _) in cells.iter().enumerate().filter(|(_, value)| **value != 0) {
                in_rows[row] = true;
                in_cols[col] = true;
                counts += 1;
            }
        }
        let half = kind != Kind::Full;
        if half {
            for (row, col) in in_rows.iter_mut().zip(&mut in_cols) {
                *row |= *col;
                *col = *row;
            }
        }
        let places = |held: &[bool]| {
            held.iter().enumerate().filter(|(_, held)| **held).map(|(place, _)| place).collect()
        };
        let kept = Self { rows: places(&in_rows), cols: places(&in_cols), sides: (rows, cols) };
        let names = choices(rows, kept.rows.len()) + if half { 0 } else { choices(cols, kept.cols.len()) };
        let halves = 1 + usize::from(half);
        let left = kept.rows.len() * kept.cols.len() / halves;
        let counts = if kind == Kind::Symmetric { counts / 2 } else { counts };
        let saved = choices(rows * cols / halves, counts) - choices(left.max(counts), counts);
        (2 * names < saved).then_some(kept)
    }

    /// Codes which rows and columns are kept: a flag each, with a probability that follows the flags by sixteenths, chosen by the flag
    /// before. A decoder begins with [`Kept::all`].
    pub(super) fn code<B: Binary>(&mut self, coder: &mut B, kind: Kind) {
        let mut flags = |places: &mut Vec<usize>, side: usize| {
            let (mut probabilities, mut previous) = ([1u32 << 15; 2], 1);
            let (mut coded, mut given) = (Vec::with_capacity(side), places.iter().peekable());
            for place in 0..side {
                let held = given.next_if_eq(&&place).is_some();
                let probability = &mut probabilities[previous];
                let held = coder.bit(*probability, held);
                if held {
                    *probability += (65_536 - *probability) >> 4;
                    coded.push(place);
                } else {
                    *probability -= *probability >> 4;
                }
                previous = usize::from(held);
            }
            *places = coded;
        };
        flags(&mut self.rows, self.sides.0);
        if kind == Kind::Full {
            flags(&mut self.cols, self.sides.1);
        } else {
            self.cols.clone_from(&self.rows);
        }
    }
}

/// About 256 times the bits that it takes to say which `k` of `n` are meant.
fn choices(n: usize, k: usize) -> i64 {
    let term = |x: usize| {
        let x = u64::try_from(x).unwrap_or(0);
        i64::try_from(x).unwrap_or(0) * i64::from(TABLES.log(x.max(1)))
    };
    term(n) - term(k) - term(n.saturating_sub(k)) + 6 * 256
}
