//! The bi-level image entity (BIE): its header of 20 bytes and the stripes and markers behind it (T.82 clause 6.2, T.85 clause 6).

use std::ops::Range;

use super::Limits;
use super::rows::Template;
use crate::error::{Error, Result};

pub(super) const WHAT: &str = "JBIG1 image";

pub(super) const HEADER_BYTES: usize = 20;

/// The byte that begins a marker; in coded data a 0 is stuffed behind it.
pub(super) const ESCAPE: u8 = 0xff;
/// The end of a stripe, of which the adaptive state is kept.
pub(super) const SDNORM: u8 = 0x02;
const SDRST: u8 = 0x03;
const ABORT: u8 = 0x04;
const NEWLEN: u8 = 0x05;
const ATMOVE: u8 = 0x06;
const COMMENT: u8 = 0x07;

const LRLTWO: u8 = 0x40;
const VLENGTH: u8 = 0x20;
const TPBON: u8 = 0x08;
/// TPDON, DPON and DPLAST: of prediction between resolution layers, without effect where there is one layer.
const WITHOUT_EFFECT: u8 = 0x10 | 0x04 | 0x01;

/// What the header says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Header {
    pub(super) rows: u32,
    pub(super) cols: u32,
    pub(super) rows_per_stripe: u32,
    /// The furthest that the adaptive pixel may be moved (MX), in columns.
    pub(super) max_shift: u8,
    options: u8,
}

impl Header {
    pub(super) const fn new(rows: u32, cols: u32, rows_per_stripe: u32) -> Self {
        // Encoders for facsimile announce 127; the vectors have it too.
        Self { rows, cols, rows_per_stripe, max_shift: 127, options: 0 }
    }

    pub(super) fn write(&self, out: &mut Vec<u8>) {
        // One layer of one plane: D_L = D = 0, P = 1; then a fill byte.
        out.extend([0, 0, 1, 0]);
        out.extend(self.cols.to_be_bytes());
        out.extend(self.rows.to_be_bytes());
        out.extend(self.rows_per_stripe.to_be_bytes());
        // M_Y = 0; the order of stripes and planes says nothing where there is one layer and one plane.
        out.extend([self.max_shift, 0, 0, self.options]);
    }

    fn read(bytes: &[u8]) -> Result<Self> {
        let Some(header) = bytes.first_chunk::<HEADER_BYTES>() else {
            return Err(Error::corrupt(
                WHAT,
                format!("{} bytes are less than its header of 20", bytes.len()),
            ));
        };
        let number =
            |at: usize| u32::from_be_bytes([header[at], header[at + 1], header[at + 2], header[at + 3]]);
        let [first_layer, last_layer, planes, _, .., max_shift, max_lift, order, options] = *header;
        if first_layer != 0 || last_layer != 0 || planes != 1 {
            let reason = format!(
                "layers {first_layer} to {last_layer} of {planes} planes; read is one layer of one plane"
            );
            return Err(Error::unsupported(WHAT, reason));
        }
        if max_lift != 0 || order & 0xf0 != 0 || max_shift > 127 {
            let reason =
                format!("M_X {max_shift}, M_Y {max_lift}, order {order:#04x} are not of the T.85 profile");
            return Err(Error::unsupported(WHAT, reason));
        }
        if options & !(LRLTWO | VLENGTH | TPBON | WITHOUT_EFFECT) != 0 {
            let reason = format!("options {options:#04x}: private tables and reserved bits are not read");
            return Err(Error::unsupported(WHAT, reason));
        }
        let header =
            Self { cols: number(4), rows: number(8), rows_per_stripe: number(12), max_shift, options };
        if header.cols == 0 || header.rows == 0 || header.rows_per_stripe == 0 {
            return Err(Error::corrupt(WHAT, format!("an empty image or stripe: {header:?}")));
        }
        Ok(header)
    }

    pub(super) const fn template(&self) -> Template {
        if self.options & LRLTWO == 0 { Template::Three } else { Template::Two }
    }

    pub(super) const fn typical_prediction(&self) -> bool {
        self.options & TPBON != 0
    }
}

/// A stripe as it lies in the bytes.
#[derive(Debug)]
pub(super) struct Stripe {
    /// Where its data is, still stuffed.
    pub(super) data: Range<usize>,
    /// The rows of this stripe at which the adaptive pixel moves, and where to.
    pub(super) moves: Vec<(u32, usize)>,
    /// Whether the next stripe starts anew.
    pub(super) resets: bool,
}

/// An image, its stripes found but not decoded.
#[derive(Debug)]
pub(super) struct Layout {
    /// The header, its rows as the last NEWLEN has them.
    pub(super) header: Header,
    pub(super) stripes: Vec<Stripe>,
}

impl Layout {
    pub(super) fn read(bytes: &[u8], limits: &Limits) -> Result<Self> {
        let mut header = Header::read(bytes)?;
        let mut walk = Walk { bytes, at: HEADER_BYTES };
        let mut stripes: Vec<Stripe> = Vec::new();
        let mut empty_after = None;
        while walk.at < bytes.len() {
            let stripe = walk.stripe(&mut header)?;
            if !stripe.data.is_empty() {
                empty_after = None;
            } else if empty_after.is_none() {
                empty_after = Some(stripes.len());
            }
            stripes.push(stripe);
        }
        limits.check(header.rows, header.cols)?;
        let expected = usize::try_from(header.rows.div_ceil(header.rows_per_stripe)).unwrap_or(usize::MAX);
        // A new length may be told by a stripe of its own, which is empty.
        if stripes.len() > expected
            && empty_after.is_some_and(|at| at <= expected)
            && header.options & VLENGTH != 0
        {
            stripes.truncate(expected);
        }
        if stripes.len() != expected {
            let reason = format!("{} stripes, where {} rows make {expected}", stripes.len(), header.rows);
            return Err(Error::corrupt(WHAT, reason));
        }
        Ok(Self { header, stripes })
    }
}

struct Walk<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl Walk<'_> {
    fn take<const N: usize>(&mut self) -> Result<[u8; N]> {
        let chunk = self.bytes[self.at..].first_chunk::<N>();
        let chunk = *chunk.ok_or_else(|| Error::corrupt(WHAT, "it ends within a marker"))?;
        self.at += N;
        Ok(chunk)
    }

    /// The markers before a stripe, and the stripe to its end.
    fn stripe(&mut self, header: &mut Header) -> Result<Stripe> {
        let mut moves: Vec<(u32, usize)> = Vec::new();
        while let [ESCAPE, marker @ (ABORT..=COMMENT), ..] = self.bytes[self.at..] {
            self.at += 2;
            match marker {
                ATMOVE => {
                    let [row @ .., shift, lift] = self.take::<6>()?;
                    let moved = (u32::from_be_bytes(row), adaptive_shift(shift, lift, header)?);
                    if moves.last().is_some_and(|last| last.0 >= moved.0) {
                        return Err(Error::corrupt(WHAT, "the adaptive pixel moves backwards"));
                    }
                    moves.push(moved);
                }
                NEWLEN => {
                    let rows = u32::from_be_bytes(self.take()?);
                    if header.options & VLENGTH == 0 || rows > header.rows || rows == 0 {
                        let reason = format!("a new length of {rows} rows, the header has {}", header.rows);
                        return Err(Error::corrupt(WHAT, reason));
                    }
                    header.rows = rows;
                }
                COMMENT => {
                    let length = usize::try_from(u32::from_be_bytes(self.take()?)).unwrap_or(usize::MAX);
                    let after = self.at.checked_add(length).filter(|&after| after <= self.bytes.len());
                    self.at = after.ok_or_else(|| Error::corrupt(WHAT, "it ends within a comment"))?;
                }
                _ => return Err(Error::corrupt(WHAT, "its encoder aborted it")),
            }
        }
        let start = self.at;
        loop {
            let escape = self.bytes[self.at..].iter().position(|&byte| byte == ESCAPE);
            let escape = self.at + escape.ok_or_else(|| Error::corrupt(WHAT, "a stripe without its end"))?;
            self.at = escape + 1;
            match self.take()? {
                [0] => {}
                [marker @ (SDNORM | SDRST)] => {
                    return Ok(Stripe { data: start..escape, moves, resets: marker == SDRST });
                }
                [marker] => {
                    return Err(Error::corrupt(WHAT, format!("marker {marker:#04x} within a stripe")));
                }
            }
        }
    }
}

fn adaptive_shift(shift: u8, lift: u8, header: &Header) -> Result<usize> {
    // The pixels to the left that the template has itself are not to be had twice.
    let nearest = match header.template() {
        Template::Three => 3,
        Template::Two => 5,
    };
    if lift != 0 || shift > header.max_shift || (1..nearest).contains(&shift) {
        let reason = format!("an adaptive pixel {shift} columns to the left and {lift} rows up");
        return Err(Error::unsupported(WHAT, reason));
    }
    Ok(usize::from(shift))
}
