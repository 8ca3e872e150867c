//! The pipeline: its tables, what goes in, and the comparison of what comes out.

use std::path::Path;

use lapjoint::codec::{NpyRef, ObjectRef};
use lapjoint::{InsertOptions, Row, Schema, Table, Value, row};

use crate::Outcome;
use crate::command::progress;
use crate::demo::data;

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

/// The tables of the demonstration.
pub(crate) struct Tables {
    pub structure: Table,
    pub mouse: Table,
    pub session: Table,
    pub recording: Table,
    pub scan: Table,
    pub frame: Table,
}

/// Declares the tables.
pub(crate) fn declare(schema: &Schema) -> Result<Tables> {
    let structure = schema.lookup(
        "Structure",
        "
        # brain structures of the Allen mouse atlas, a tree
        structure_id : int32
        ---
        -> [nullable] self.proj(parent_id='structure_id')
        acronym : varchar(16)
        name : varchar(160)
        depth : int8                     # steps from the root
        color : char(6)                  # red, green, blue as hexadecimal digits
        unique index (acronym, name)
        ",
        Vec::<Row>::new(),
    )?;
    let mouse = schema.manual(
        "Mouse",
        "
        # experimental animals
        mouse_id : int32
        ---
        sex = 'unknown' : enum('F', 'M', 'unknown')
        ",
    )?;
    let session = schema.manual(
        "Session",
        "
        # one day with one animal
        -> Mouse
        session_date : date
        ---
        notes = '' : varchar(255)
        ",
    )?;
    let recording = schema.imported(
        "Recording",
        "
        # electrophysiology
        -> Session
        ---
        trace : <npy@>                   # shape (1, samples), a .npy file in the store
        activity : <blob>                # the same samples, in the table itself
        mean_activity : float64
        imported_at = CURRENT_TIMESTAMP : datetime
        ",
    )?;
    let scan = schema.imported(
        "Scan",
        "
        # two-photon calcium imaging
        scan_id : int16
        ---
        file : <object@>                 # the TIFF file as it came
        movie : <npy@>                   # shape (frames, rows, cols)
        ",
    )?;
    let frame = schema.part(
        &scan,
        "Frame",
        "
        -> master
        frame : int16
        ---
        image : <blob@>                  # shape (rows, cols); equal frames are stored once
        brightest : int32
        ",
    )?;
    Ok(Tables { structure, mouse, session, recording, scan, frame })
}

/// The atlas: one insert of all rows.
pub(crate) fn insert_structures(tables: &Tables, data: &Path) -> Outcome {
    let rows: Vec<Row> = data::structures(data)?
        .into_iter()
        .map(|structure| {
            row! {
                "structure_id" => structure.id, "parent_id" => structure.parent,
                "acronym" => structure.acronym, "name" => structure.name,
                "depth" => structure.depth, "color" => structure.color,
            }
        })
        .collect();
    let inserted = tables.structure.insert(rows)?;
    println!("Structure  {inserted} rows");
    Ok(())
}

/// The traces: animals and sessions as the file names tell, and each trace in two forms.
pub(crate) fn insert_recordings(tables: &Tables, data: &Path) -> Outcome {
    let traces = data::traces(data)?;
    let skip = InsertOptions::new().skip_duplicates();
    let mice = tables.mouse.insert_with(traces.iter().map(|t| row! { "mouse_id" => t.mouse_id }), &skip)?;
    let keys: Vec<Row> = traces
        .iter()
        .map(|trace| row! { "mouse_id" => trace.mouse_id, "session_date" => trace.date.as_str() })
        .collect();
    let sessions = tables.session.insert_with(keys.iter(), &skip)?;
    let direct = InsertOptions::new().allow_direct_insert();
    let bar = progress(traces.len() as u64, "recordings");
    for (key, trace) in keys.iter().zip(&traces) {
        let samples = trace.samples.to_vec::<f64>().ok_or("expected float64 samples")?;
        let mean = samples.iter().sum::<f64>() / samples.len().max(1) as f64;
        let row = key
            .clone()
            .with("trace", trace.samples.clone())
            .with("activity", trace.samples.clone())
            .with("mean_activity", mean);
        tables.recording.insert_with([row], &direct)?;
        bar.inc(1);
    }
    bar.finish_and_clear();
    println!("Mouse      {mice} rows\nSession    {sessions} rows\nRecording  {} rows", traces.len());
    Ok(())
}

/// The scans: file and movie, and every frame as a part, master and parts in one transaction.
pub(crate) fn insert_scans(tables: &Tables, data: &Path) -> Outcome {
    let files = data::files(&data.join("imaging"), "tif")?;
    let direct = InsertOptions::new().allow_direct_insert();
    let bar = progress(files.len() as u64, "scans");
    let mut frames_inserted = 0;
    for (scan_id, file) in (1i64..).zip(&files) {
        let frames = data::frames(file)?;
        let scan = row! {
            "scan_id" => scan_id,
            "file" => file.to_string_lossy().into_owned(),
            "movie" => data::movie(&frames)?,
        };
        let mut parts = Vec::new();
        for (number, frame) in (1i64..).zip(&frames) {
            let brightest = frame.to_vec::<u16>().unwrap_or_default().into_iter().max().unwrap_or(0);
            parts.push(row! {
                "scan_id" => scan_id, "frame" => number, "image" => frame.clone(), "brightest" => brightest,
            });
        }
        tables.scan.schema().connection().transaction(|| {
            tables.scan.insert_with([scan], &direct)?;
            frames_inserted += tables.frame.insert(parts)?;
            Ok(())
        })?;
        bar.inc(1);
    }
    bar.finish_and_clear();
    println!("Scan       {} rows\nScan.Frame {frames_inserted} rows", files.len());
    Ok(())
}

/// Compares the atlas, row by row, and walks its tree.
pub(crate) fn compare_structures(tables: &Tables, data: &Path) -> Outcome {
    let source = data::structures(data)?;
    for structure in &source {
        let row = (&tables.structure & row! { "structure_id" => structure.id }).fetch1()?;
        let same = row.get::<String>("name")? == structure.name
            && row.get::<String>("acronym")? == structure.acronym
            && row.get::<Option<i64>>("parent_id")? == structure.parent
            && row.get::<String>("color")? == structure.color;
        if !same {
            return Err(format!("structure {} differs from its source", structure.id).into());
        }
    }
    let cortex = (&tables.structure & row! { "acronym" => "Isocortex" }).fetch1_as::<i64>("structure_id")?;
    let children = (&tables.structure & row! { "parent_id" => cortex }).count()?;
    println!("Structure  {} rows equal; Isocortex has {children} children", source.len());
    Ok(())
}

/// Compares both forms of every trace.
pub(crate) fn compare_recordings(tables: &Tables, data: &Path) -> Outcome {
    let traces = data::traces(data)?;
    for trace in &traces {
        let key = row! { "mouse_id" => trace.mouse_id, "session_date" => trace.date.as_str() };
        let row = (&tables.recording & key).fetch1()?;
        let value = row.value("trace").ok_or("no trace")?;
        let reference = value.downcast_ref::<NpyRef>().ok_or("trace is not a reference")?;
        if reference.load()? != trace.samples || data::array(&row, "activity")? != trace.samples {
            return Err(format!("trace of mouse {} differs from its source", trace.mouse_id).into());
        }
    }
    println!("Recording  {} traces equal, as .npy and as blob", traces.len());
    Ok(())
}

/// Compares the files byte by byte, and movies and frames pixel by pixel.
pub(crate) fn compare_scans(tables: &Tables, data: &Path) -> Outcome {
    let files = data::files(&data.join("imaging"), "tif")?;
    let mut frames_compared = 0;
    for (scan_id, file) in (1i64..).zip(&files) {
        let source = data::frames(file)?;
        let row = (&tables.scan & row! { "scan_id" => scan_id }).fetch1()?;
        let stored = row.value("file").and_then(Value::downcast_ref::<ObjectRef>).ok_or("no file")?;
        let movie = row.value("movie").and_then(Value::downcast_ref::<NpyRef>).ok_or("no movie")?;
        let frames = (&tables.frame & row! { "scan_id" => scan_id }).order_by(["KEY"]).fetch()?;
        let mut same = stored.read()? == std::fs::read(file)?
            && movie.load()? == data::movie(&source)?
            && frames.len() == source.len();
        for (row, frame) in frames.iter().zip(&source) {
            same &= data::array(row, "image")? == *frame;
            frames_compared += 1;
        }
        if !same {
            return Err(format!("scan {scan_id} differs from {}", file.display()).into());
        }
    }
    println!("Scan       {} files and {frames_compared} frames equal", files.len());
    Ok(())
}
