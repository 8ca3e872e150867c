//! What the demonstration prints: tables, rows, a slice, a refused insert, and the files.

use lapjoint::codec::NpyRef;
use lapjoint::{Connection, InsertOptions, Schema, Value, preview, row};

use crate::Outcome;
use crate::demo::pipeline::Tables;

/// The tables with their tiers and numbers of rows.
pub(crate) fn tables(schema: &Schema) -> Outcome {
    for table in schema.tables()? {
        let rows = table.query().count()?;
        println!("{:<12} {:<9} {rows:>5} rows", table.class_name(), table.tier().to_string());
    }
    Ok(())
}

/// The first rows of two tables.
pub(crate) fn rows(tables: &Tables) -> Outcome {
    for (table, count) in [(&tables.structure, 5), (&tables.recording, 5), (&tables.frame, 3)] {
        println!("{}", table.class_name());
        print!("{}", preview::table(table.heading(), &table.query().head(count)?, 34));
        println!();
    }
    Ok(())
}

/// A slice of a movie, with the bytes that it read.
pub(crate) fn slice(connection: &Connection, tables: &Tables) -> Outcome {
    let row = (&tables.scan & row! { "scan_id" => 1 }).fetch1()?;
    let movie = row.value("movie").and_then(Value::downcast_ref::<NpyRef>).ok_or("no movie")?;
    let store = connection.stores().get(None)?;
    let before = store.stats();
    let frames = movie.slice(10..12)?;
    let read = store.stats().since(&before);
    println!("{movie}: {} bytes in the store", movie.nbytes()?);
    println!(
        "frames 10..12 have shape {:?}, {} bytes; {} bytes were read in {} requests",
        frames.shape(),
        frames.data().len(),
        read.read_bytes,
        read.requests,
    );
    Ok(())
}

/// An insert that fails in its last row leaves neither rows nor objects.
pub(crate) fn failed_insert(connection: &Connection, tables: &Tables) -> Outcome {
    let store = connection.stores().get(None)?;
    let before = store.list("")?.len();
    let image = |seed: u8| lapjoint::NdArray::from_vec(vec![seed; 4000]);
    let outcome = tables.frame.insert_with(
        [
            row! { "scan_id" => 1, "frame" => 1001, "image" => image(1), "brightest" => 1 },
            row! { "scan_id" => 99, "frame" => 1, "image" => image(2), "brightest" => 1 },
        ],
        &InsertOptions::new(),
    );
    match outcome {
        Ok(_) => return Err("an insert without its scan was accepted".into()),
        Err(error) => println!("refused: {error}"),
    }
    let after = store.list("")?.len();
    println!("objects in the store: {before} before, {after} after");
    if before == after { Ok(()) } else { Err("the refused insert left objects".into()) }
}

/// The files of the store: folders with their sizes, and one example of each.
pub(crate) fn files(connection: &Connection) -> Outcome {
    let store = connection.stores().get(None)?;
    let mut folders: std::collections::BTreeMap<String, (u64, u64, String)> =
        std::collections::BTreeMap::new();
    for object in store.list("")? {
        let folder = object.path.split('/').take(3).collect::<Vec<_>>().join("/");
        let folder = if object.path.starts_with("_hash") { "_hash/demo".to_owned() } else { folder };
        let entry = folders.entry(folder).or_insert((0, 0, object.path.clone()));
        entry.0 += 1;
        entry.1 += object.size_bytes;
    }
    for (folder, (count, bytes, example)) in folders {
        println!("{folder:<26} {count:>4} files {bytes:>10} bytes   e.g. {example}");
    }
    Ok(())
}
