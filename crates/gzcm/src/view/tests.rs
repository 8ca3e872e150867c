use bytes::Bytes;

use super::*;
use crate::Registry;
use crate::container::meta::{Chromosome, Region};
use crate::pixel::Pixel;
use crate::reader::CacheSize;
use crate::writer::{PixelOrder, Writer, WriterOptions};

fn reader(region: Region, pixels: &[Pixel]) -> Reader {
    let chromosomes = ["chr1", "chr2", "chr3"].map(|name| Chromosome { name: name.into(), length_bp: 400 });
    let mut file = Vec::new();
    let options =
        WriterOptions { tile_size: 16, chromosomes: chromosomes.into(), ..WriterOptions::default() };
    let mut writer = Writer::new(&mut file, options).unwrap();
    writer.start_region(region, PixelOrder::ByRow).unwrap();
    writer.push_pixels(pixels).unwrap();
    writer.end_region().unwrap();
    writer.finish().unwrap();
    Reader::new(std::sync::Arc::new(Bytes::from(file)), Registry::global(), CacheSize::default()).unwrap()
}

/// Width, height and RGB of a PNG file.
fn decode(png: &[u8]) -> (usize, usize, Vec<u8>) {
    let mut reader = png::Decoder::new(std::io::Cursor::new(png)).read_info().unwrap();
    let mut rgb = vec![0; reader.output_buffer_size().unwrap()];
    let info = reader.next_frame(&mut rgb).unwrap();
    (info.width.try_into().unwrap(), info.height.try_into().unwrap(), rgb)
}

fn dot(picture: &(usize, usize, Vec<u8>), x: usize, y: usize) -> [u8; 3] {
    let at = (y * picture.0 + x) * 3;
    picture.2[at..at + 3].try_into().unwrap()
}

#[test]
fn a_cell_has_its_colour_on_both_sides_of_the_diagonal() {
    let pixels = [Pixel::count(0, 0, 100), Pixel::count(3, 35, 9)];
    let reader = reader(Region::intra("chr1", 10, 40), &pixels);
    let picture = decode(&thumbnail(&reader, 0, 80).unwrap());
    assert_eq!((picture.0, picture.1), (80, 80));
    assert_eq!(dot(&picture, 0, 0), shade(1.0));
    assert_eq!(dot(&picture, 71, 7), dot(&picture, 6, 70));
    assert_eq!(dot(&picture, 71, 7), shade(10_f64.ln() / 101_f64.ln()));
    assert_eq!(dot(&picture, 69, 7), [255; 3]);
    // Four bins a cell: means of 16 cells.
    let small = decode(&thumbnail(&reader, 0, 10).unwrap());
    assert_eq!(dot(&small, 8, 0), shade((9.0 / 16.0_f64).ln_1p() / (100.0 / 16.0_f64).ln_1p()));
}

#[test]
fn a_turned_window_is_the_transpose() {
    let region = Region::inter(("chr1", 40), ("chr2", 20), 10);
    let reader = reader(region, &[Pixel::count(39, 0, 5)]);
    let options = ViewOptions { side_pixels: 40, axes: false, ..ViewOptions::default() };
    let draw = |first, second| {
        let window = reader.locate(Some(first), Some(second), None).unwrap();
        decode(&heat_map(&reader, &window, &options).unwrap())
    };
    let (upright, turned) = (draw("chr1", "chr2"), draw("chr2", "chr1"));
    assert_eq!((upright.0, upright.1, turned.0, turned.1), (20, 40, 40, 20));
    assert_eq!(dot(&upright, 0, 39), shade(1.0));
    assert_eq!(dot(&turned, 39, 0), shade(1.0));
}

#[test]
fn pictures_with_axes_are_drawn_for_every_window() {
    let chromosomes = ["chr1", "chr2", "chr3"].map(|name| Chromosome { name: name.into(), length_bp: 400 });
    let genome = reader(Region::genome(&chromosomes, 10), &[Pixel::count(1, 2, 3), Pixel::count(5, 119, 1)]);
    for (first, second) in
        [(None, None), (Some("chr2"), None), (Some("chr1:0-10"), None), (Some("chr3:10-400"), Some("chr1"))]
    {
        let window = genome.locate(first, second, None).unwrap();
        for scale in [Scale::Log, Scale::Linear] {
            let options = ViewOptions { scale, side_pixels: 300, ..ViewOptions::default() };
            let picture = decode(&heat_map(&genome, &window, &options).unwrap());
            assert!(picture.0 < 700 && picture.1 < 500);
            let ink = picture.2.chunks_exact(3).filter(|rgb| *rgb == INK).count();
            assert!(ink > 300, "{ink}");
        }
    }
    let window = Window { region: 0, rows: 0..4, cols: 0..4, turned: false };
    for options in [
        ViewOptions { side_pixels: 0, ..ViewOptions::default() },
        ViewOptions { side_pixels: MAX_SIDE_PIXELS + 1, ..ViewOptions::default() },
        ViewOptions { most: Some(f64::NAN), ..ViewOptions::default() },
    ] {
        heat_map(&genome, &window, &options).unwrap_err();
    }
    heat_map(&genome, &Window { region: 1, ..window.clone() }, &ViewOptions::default()).unwrap_err();
    heat_map(&genome, &Window { rows: 3..3, ..window }, &ViewOptions::default()).unwrap_err();
}

#[test]
fn numbers_are_short() {
    for (value, text) in
        [(0.0, "0"), (7878.0, "7878"), (1.5, "1.5"), (0.0312, "0.0312"), (2.5e7, "2.5e7"), (2e-9, "2.0e-9")]
    {
        assert_eq!(short(value), text);
    }
}
