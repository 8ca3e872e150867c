//! Heat maps: a window of a matrix as a PNG picture, with positions at its axes and a scale of its colours.

mod axis;
mod canvas;
mod colour;
mod font;
mod grid;

use self::axis::Labels;
use self::canvas::{Canvas, Rgb, TEXT_PIXELS, text_width};
pub use self::colour::Scale;
use self::colour::{Ramp, shade};
use self::grid::Grid;
use crate::error::{Error, Result};
use crate::query::Window;
use crate::reader::{Axis, Reader};

/// The largest picture that is drawn, in pixels a side.
pub const MAX_SIDE_PIXELS: usize = 8192;

const INK: Rgb = [40, 40, 40];
/// Of a picture's parts from each other, and the length of ticks.
const GAP: usize = 8;
const TICK: usize = 6;
const BAR_WIDTH: usize = 22;

/// How a heat map is drawn.
#[derive(Debug, Clone, PartialEq)]
pub struct ViewOptions {
    /// How values become colours.
    pub scale: Scale,
    /// The value of the darkest colour. Without it the largest one, on a linear scale the one that 98 % of the contacts do
    /// not exceed: the diagonal is so much larger than all else that nothing else would show.
    pub most: Option<f64>,
    /// The longer side of the map itself, at most. Where there are more bins, means of squares of them are drawn.
    pub side_pixels: usize,
    /// Whether axes and scale are drawn, or the map alone.
    pub axes: bool,
}

impl Default for ViewOptions {
    fn default() -> Self {
        Self { scale: Scale::Log, most: None, side_pixels: 768, axes: true }
    }
}

/// The PNG file of a window's heat map.
///
/// # Errors
/// When the window cannot be read, or an option is out of range.
pub fn heat_map(reader: &Reader, window: &Window, options: &ViewOptions) -> Result<Vec<u8>> {
    if options.side_pixels == 0 || options.side_pixels > MAX_SIDE_PIXELS {
        let reason = format!("{} pixels: a map has 1 to {MAX_SIDE_PIXELS} a side", options.side_pixels);
        return Err(Error::invalid("view", reason));
    }
    if options.most.is_some_and(|most| !(most.is_finite() && most > 0.0)) {
        return Err(Error::invalid("view", "the value of the darkest colour is more than 0"));
    }
    if window.region >= reader.catalog().regions.len() {
        return Err(Error::invalid("view", format!("no region {}", window.region)));
    }
    let grid = Grid::read(reader, window, options.side_pixels)?;
    let part = if options.scale == Scale::Log { 1.0 } else { 0.98 };
    let most = options.most.unwrap_or_else(|| grid.quantile(part));
    let ramp = Ramp { scale: options.scale, most };
    let cell_pixels = (options.side_pixels / grid.rows.max(grid.cols)).max(1);
    let map = Map { grid: &grid, ramp, cell_pixels };
    if !options.axes {
        let mut canvas = Canvas::new(map.width(), map.height());
        map.draw(&mut canvas, (0, 0));
        return canvas.png();
    }
    let across = axis::labels(reader, window.region, Axis::Cols, &window.cols)?;
    let down = axis::labels(reader, window.region, Axis::Rows, &window.rows)?;
    let (across, down) = if window.turned { (down, across) } else { (across, down) };
    map.with_axes(&across, &down, grid.quantile(1.0) > most)
}

/// A small picture of a region without axes, at most `side_pixels` a side: what stands for a matrix in a list.
///
/// # Errors
/// As for [`heat_map`].
pub fn thumbnail(reader: &Reader, region: usize, side_pixels: usize) -> Result<Vec<u8>> {
    let entry = reader.catalog().regions.get(region);
    let what = &entry.ok_or_else(|| Error::invalid("view", format!("no region {region}")))?.region;
    let window = Window { region, rows: 0..what.n_rows, cols: 0..what.n_cols, turned: false };
    heat_map(reader, &window, &ViewOptions { side_pixels, axes: false, ..ViewOptions::default() })
}

struct Map<'a> {
    grid: &'a Grid,
    ramp: Ramp,
    cell_pixels: usize,
}

impl Map<'_> {
    const fn width(&self) -> usize {
        self.grid.cols * self.cell_pixels
    }

    const fn height(&self) -> usize {
        self.grid.rows * self.cell_pixels
    }

    fn draw(&self, canvas: &mut Canvas, (x, y): (usize, usize)) {
        for (at, value) in self.grid.values.iter().enumerate() {
            let (row, col) = (at / self.grid.cols, at % self.grid.cols);
            let place = (x + col * self.cell_pixels, y + row * self.cell_pixels);
            canvas.fill(place, self.cell_pixels, self.cell_pixels, self.ramp.colour(*value));
        }
    }

    /// The pixel of a position along an axis.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        clippy::cast_precision_loss,
        reason = "positions within a picture"
    )]
    fn pixel(&self, at_bins: f64) -> usize {
        (at_bins / self.grid.cell_bins as f64 * self.cell_pixels as f64) as usize
    }

    fn with_axes(&self, across: &Labels, down: &Labels, cut: bool) -> Result<Vec<u8>> {
        let labels = || down.marks.iter().map(|mark| text_width(&mark.label));
        let left = GAP + labels().max().unwrap_or(0).max(TEXT_PIXELS) + GAP + TICK;
        let top = GAP + TEXT_PIXELS + GAP;
        let bar = self.bar(cut);
        let bar_labels = bar.iter().map(|(_, label)| text_width(label)).max().unwrap_or(0);
        let right = 3 * GAP + BAR_WIDTH + TICK + GAP + bar_labels + GAP;
        let bottom = TICK + GAP + TEXT_PIXELS + GAP + TEXT_PIXELS + GAP;
        // Room for the colours' scale beside a map of few rows, and for titles above one of few columns.
        let tall = self.height().max(8 * TEXT_PIXELS);
        let wide = self.width().max(text_width(&across.title)).max(text_width(&down.title));
        let mut canvas = Canvas::new(left + wide + right, top + tall + bottom);
        self.draw(&mut canvas, (left, top));
        canvas.frame((left, top), self.width(), self.height(), INK);
        canvas.text((left, GAP), &down.title, INK);
        self.draw_across(&mut canvas, across, (left, top + self.height()));
        self.draw_down(&mut canvas, down, (left, top));
        self.draw_bar(&mut canvas, &bar, (left + wide + 3 * GAP, top), tall.min(360));
        canvas.png()
    }

    fn draw_across(&self, canvas: &mut Canvas, labels: &Labels, (x, y): (usize, usize)) {
        let mut free = 0;
        for mark in &labels.marks {
            let at = x + self.pixel(mark.at_bins).min(self.width());
            if mark.tick {
                canvas.fill((at, y), 1, TICK, INK);
            }
            let width = text_width(&mark.label);
            let start = at.saturating_sub(width / 2).min(canvas.width.saturating_sub(width));
            // Labels that would run into the one before are left out.
            if width > 0 && start >= free {
                canvas.text((start, y + TICK + GAP / 2), &mark.label, INK);
                free = start + width + GAP;
            }
        }
        let middle = (x + self.width() / 2).saturating_sub(text_width(&labels.title) / 2).max(x);
        canvas.text((middle, y + TICK + GAP + TEXT_PIXELS + GAP), &labels.title, INK);
    }

    fn draw_down(&self, canvas: &mut Canvas, labels: &Labels, (x, y): (usize, usize)) {
        let mut free = 0;
        for mark in &labels.marks {
            let at = y + self.pixel(mark.at_bins).min(self.height());
            if mark.tick {
                canvas.fill((x - TICK - 1, at), TICK, 1, INK);
            }
            let start = at.saturating_sub(TEXT_PIXELS / 2);
            if !mark.label.is_empty() && start >= free {
                canvas.text((x - TICK - GAP - text_width(&mark.label), start), &mark.label, INK);
                free = start + TEXT_PIXELS + GAP / 2;
            }
        }
    }

    /// The marks of the colours' scale: place from 0 to 1, and label.
    fn bar(&self, cut: bool) -> Vec<(f64, String)> {
        let marks = self.ramp.marks();
        let last = marks.len() - 1;
        let label = |(at, value): (usize, &f64)| {
            let sign = if at == last && cut { ">" } else { "" };
            (self.ramp.place(*value), format!("{sign}{}", short(*value)))
        };
        marks.iter().enumerate().map(label).collect()
    }

    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        clippy::cast_precision_loss,
        reason = "positions within a picture"
    )]
    fn draw_bar(&self, canvas: &mut Canvas, marks: &[(f64, String)], (x, y): (usize, usize), height: usize) {
        for line in 0..height {
            let place = 1.0 - line as f64 / (height - 1).max(1) as f64;
            canvas.fill((x, y + line), BAR_WIDTH, 1, shade(place));
        }
        canvas.frame((x, y), BAR_WIDTH, height, INK);
        // From the last one, which says what the darkest colour is; labels that do not fit between are left out.
        let mut free = 0;
        for (place, label) in marks.iter().rev() {
            let at = y + ((1.0 - place) * (height - 1) as f64) as usize;
            let start = at.saturating_sub(TEXT_PIXELS / 2);
            if start >= free {
                canvas.fill((x + BAR_WIDTH + 1, at), TICK, 1, INK);
                canvas.text((x + BAR_WIDTH + TICK + GAP, start), label, INK);
                free = start + TEXT_PIXELS + GAP / 2;
            }
        }
    }
}

/// A number in few letters.
fn short(value: f64) -> String {
    if value >= 1e6 {
        return format!("{value:.1e}");
    }
    let decimals = if value >= 100.0 || value.fract() == 0.0 {
        0
    } else if value >= 1.0 {
        1
    } else if value >= 1e-3 {
        4
    } else {
        return format!("{value:.1e}");
    };
    format!("{value:.decimals$}")
}

#[cfg(test)]
mod tests;
