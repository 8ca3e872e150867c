//! Reading of the example data: traces, scans and the brain atlas.

use std::fs::File;
use std::io::BufReader;
use std::path::{Path, PathBuf};

use lapjoint::NdArray;
use lapjoint::types::FromValue;
use tiff::decoder::{Decoder, DecodingResult};

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

/// One electrophysiology trace, with the mouse and date that its file name tells.
pub(crate) struct Trace {
    pub mouse_id: i64,
    pub date: String,
    pub samples: NdArray,
}

/// One brain structure of the atlas.
#[derive(Debug, Clone)]
pub(crate) struct Structure {
    pub id: i64,
    pub parent: Option<i64>,
    pub acronym: String,
    pub name: String,
    pub depth: i64,
    pub color: String,
}

/// Files of a folder with an extension, sorted.
pub(crate) fn files(folder: &Path, extension: &str) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(|error| format!("{}: {error}", folder.display()))? {
        let path = entry?.path();
        if path.extension().is_some_and(|found| found == extension) {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}

/// The traces of `ephys/data_<mouse>_<date>.npy`.
pub(crate) fn traces(data: &Path) -> Result<Vec<Trace>> {
    let mut traces = Vec::new();
    for path in files(&data.join("ephys"), "npy")? {
        let stem = path.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default();
        let parts: Vec<&str> = stem.split('_').collect();
        let ["data", mouse, date] = parts.as_slice() else {
            return Err(format!("{}: expected data_<mouse>_<date>.npy", path.display()).into());
        };
        let samples = lapjoint::format::npy::from_bytes(std::fs::read(&path)?.into())?;
        traces.push(Trace { mouse_id: mouse.parse()?, date: (*date).to_owned(), samples });
    }
    Ok(traces)
}

/// The frames of a scan, each of shape `(rows, cols)`.
pub(crate) fn frames(path: &Path) -> Result<Vec<NdArray>> {
    let mut decoder = Decoder::new(BufReader::new(File::open(path)?))?;
    let mut frames = Vec::new();
    loop {
        let (cols, rows) = decoder.dimensions()?;
        let DecodingResult::U16(pixels) = decoder.read_image()? else {
            return Err(format!("{}: expected 16-bit pixels", path.display()).into());
        };
        let shape = vec![usize::try_from(rows)?, usize::try_from(cols)?];
        frames.push(NdArray::from_shape_vec(shape, pixels)?);
        if !decoder.more_images() {
            return Ok(frames);
        }
        decoder.next_image()?;
    }
}

/// All frames as one array of shape `(frames, rows, cols)`.
pub(crate) fn movie(frames: &[NdArray]) -> Result<NdArray> {
    let mut pixels: Vec<u16> = Vec::new();
    for frame in frames {
        pixels.extend(frame.to_c_vec::<u16>().ok_or("expected 16-bit pixels")?);
    }
    let shape = frames.first().map(|frame| frame.shape().to_vec()).unwrap_or_default();
    Ok(NdArray::from_shape_vec([vec![frames.len()], shape].concat(), pixels)?)
}

/// The atlas, parents before children.
pub(crate) fn structures(data: &Path) -> Result<Vec<Structure>> {
    let path = data.join("tables").join("allen_structure_graph.csv");
    let mut reader = csv::Reader::from_path(&path).map_err(|error| format!("{}: {error}", path.display()))?;
    let headers = reader.headers()?.clone();
    let column = |name: &str| {
        headers.iter().position(|header| header == name).ok_or_else(|| format!("no column `{name}`"))
    };
    let (id, parent, acronym) = (column("id")?, column("parent_structure_id")?, column("acronym")?);
    let (name, depth, color) = (column("name")?, column("depth")?, column("color_hex_triplet")?);
    let mut all = Vec::new();
    for record in reader.records() {
        let record = record?;
        let text = |at: usize| record.get(at).unwrap_or_default().to_owned();
        all.push(Structure {
            id: text(id).parse()?,
            parent: text(parent).parse().ok(),
            acronym: text(acronym),
            name: text(name),
            depth: text(depth).parse()?,
            color: text(color),
        });
    }
    all.sort_by_key(|structure| structure.depth);
    Ok(all)
}

/// A value of a row as an array.
pub(crate) fn array(row: &lapjoint::Row, attribute: &str) -> Result<NdArray> {
    Ok(NdArray::from_value(row.get(attribute)?)?)
}
