//! `lapjoint demo`: a small pipeline on real data, from definition to stored object and back.

mod data;
mod pipeline;
mod show;

use std::path::Path;
use std::time::Instant;

use lapjoint::Connection;
use lapjoint::store::Config;

use crate::Outcome;

/// Runs the demonstration with the example data of `data` in the folder `output`.
pub(crate) fn run(data: &Path, output: &Path) -> Outcome {
    let started = Instant::now();
    if !data.join("ephys").is_dir() {
        return Err(format!(
            "{} has no folder `ephys`; give the example data with --data examples/data",
            data.display()
        )
        .into());
    }
    let output = prepare(output)?;
    let connection = Connection::options().config(Config::discover(&output)?).open()?;
    let schema = connection.schema("demo")?;
    let tables = pipeline::declare(&schema)?;

    println!("\n── Insert ──");
    pipeline::insert_structures(&tables, data)?;
    pipeline::insert_recordings(&tables, data)?;
    pipeline::insert_scans(&tables, data)?;

    println!("\n── Tables ──");
    show::tables(&schema)?;
    println!("\n── Definition of Recording, as the database tells it ──");
    print!("{}", tables.recording.describe()?);
    println!("\n── Some rows ──");
    show::rows(&tables)?;

    println!("\n── Read back and compare with the source ──");
    pipeline::compare_structures(&tables, data)?;
    pipeline::compare_recordings(&tables, data)?;
    pipeline::compare_scans(&tables, data)?;

    println!("\n── A slice reads only the bytes it needs ──");
    show::slice(&connection, &tables)?;

    println!("\n── Rows and objects together ──");
    show::failed_insert(&connection, &tables)?;

    println!("\n── Files in the store ──");
    show::files(&connection)?;
    println!("\n── Where everything lies ──");
    println!("configuration  {}", output.join("lapjoint.json").display());
    println!("database       {}", output.join("database").join("demo.sqlite").display());
    println!("store          {}", output.join("store").display());
    println!("Look around:   lapjoint -C {} tables demo", output.display());
    println!("\nDone in {:.1} s.", started.elapsed().as_secs_f64());
    Ok(())
}

/// Makes the folders and the configuration; refuses a folder that holds something.
fn prepare(output: &Path) -> Result<std::path::PathBuf, Box<dyn std::error::Error>> {
    std::fs::create_dir_all(output)?;
    if std::fs::read_dir(output)?.next().is_some() {
        return Err(format!("{} is not empty; remove it or choose another folder", output.display()).into());
    }
    let output = output.canonicalize()?;
    std::fs::create_dir(output.join("database"))?;
    std::fs::create_dir(output.join("store"))?;
    let config = serde_json::json!({
        "database": { "backend": "sqlite", "name": output.join("database") },
        "stores": {
            "default": "main",
            "main": { "protocol": "file", "location": output.join("store") },
        },
    });
    std::fs::write(output.join("lapjoint.json"), format!("{config:#}\n"))?;
    Ok(output)
}
