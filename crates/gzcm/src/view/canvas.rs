//! A picture of dots in three colours, and its bytes as PNG.

use super::font;
use crate::error::{Error, Result};

/// Red, green, blue.
pub(super) type Rgb = [u8; 3];

/// Letters are drawn with dots of so many pixels a side.
const LETTER_SCALE: usize = 2;
/// The height of a line of text in pixels.
pub(super) const TEXT_PIXELS: usize = font::HEIGHT * LETTER_SCALE;

/// A picture; `(x, y)` counts from its upper left corner.
pub(super) struct Canvas {
    pub(super) width: usize,
    pub(super) height: usize,
    rgb: Vec<u8>,
}

impl Canvas {
    /// A white one.
    pub(super) fn new(width: usize, height: usize) -> Self {
        Self { width, height, rgb: vec![255; width * height * 3] }
    }

    /// Colours one pixel; those beyond the picture are left out.
    pub(super) fn dot(&mut self, x: usize, y: usize, colour: Rgb) {
        if x < self.width && y < self.height {
            let at = (y * self.width + x) * 3;
            self.rgb[at..at + 3].copy_from_slice(&colour);
        }
    }

    pub(super) fn fill(&mut self, (x, y): (usize, usize), width: usize, height: usize, colour: Rgb) {
        for line in y..y + height {
            for column in x..x + width {
                self.dot(column, line, colour);
            }
        }
    }

    /// The outline of a box whose inside begins at `(x, y)`.
    pub(super) fn frame(&mut self, (x, y): (usize, usize), width: usize, height: usize, colour: Rgb) {
        let (left, top) = (x.saturating_sub(1), y.saturating_sub(1));
        self.fill((left, top), width + 2, 1, colour);
        self.fill((left, y + height), width + 2, 1, colour);
        self.fill((left, top), 1, height + 2, colour);
        self.fill((x + width, top), 1, height + 2, colour);
    }

    pub(super) fn text(&mut self, (x, y): (usize, usize), text: &str, colour: Rgb) {
        for (at, letter) in text.chars().enumerate() {
            for (row, dots) in font::dots(letter).iter().enumerate() {
                for (column, _) in dots.iter().enumerate().filter(|(_, ink)| **ink) {
                    let place = (x + (at * font::ADVANCE + column) * LETTER_SCALE, y + row * LETTER_SCALE);
                    self.fill(place, LETTER_SCALE, LETTER_SCALE, colour);
                }
            }
        }
    }

    /// The PNG file of the picture (ISO/IEC 15948), 8-bit RGB.
    pub(super) fn png(&self) -> Result<Vec<u8>> {
        let side = |pixels: usize| u32::try_from(pixels).map_err(|_| Error::invalid("view", "too large"));
        let failed = |error: png::EncodingError| Error::Io(std::io::Error::other(error));
        let mut bytes = Vec::new();
        let mut encoder = png::Encoder::new(&mut bytes, side(self.width)?, side(self.height)?);
        encoder.set_color(png::ColorType::Rgb);
        encoder.set_depth(png::BitDepth::Eight);
        let mut writer = encoder.write_header().map_err(failed)?;
        writer.write_image_data(&self.rgb).map_err(failed)?;
        writer.finish().map_err(failed)?;
        Ok(bytes)
    }
}

/// The width of a text in pixels.
pub(super) fn text_width(text: &str) -> usize {
    (text.chars().count() * font::ADVANCE).saturating_sub(1) * LETTER_SCALE
}
