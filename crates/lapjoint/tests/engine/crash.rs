//! Kills a writing process at random moments; afterwards rows and objects must agree.
//!
//! `LAPJOINT_CRASH_KILLS` sets the number of kills (20 unless set). The writer is this same test program, started with
//! `LAPJOINT_CRASH_WRITER` naming the folder and `LAPJOINT_CRASH_URL` the server, if there is one; it prints the number of
//! every row whose insert was acknowledged.

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, SystemTime};

use lapjoint::{NdArray, Row, Schema, Table, row};

const DEFINITION: &str = "
    writer : int32
    number : int32
    ---
    shared : <blob@>      # few different values: objects are shared by many rows
    own : <blob@>
    array : <npy@>
    file : <object@>
    folder : <object@>
";

fn table(schema: &Schema) -> Table {
    schema.manual("Value", DEFINITION).unwrap()
}

/// A server drops the session of a killed client when it notices that it is gone.
const NOTICED_AFTER: Duration = Duration::from_millis(200);

fn content(seed: i64, elements: usize) -> NdArray {
    NdArray::from_vec((0..elements).map(|i| i as f64 * 0.25 + seed as f64).collect())
}

fn rows(folder: &Path, writer: i64, first: i64) -> Vec<Row> {
    (first..first + 3)
        .map(|number| {
            row! {
                "writer" => writer, "number" => number,
                "shared" => content(number % 5, 3000), "own" => content(writer * 1_000_000 + number, 4000),
                "array" => content(number, 5000), "file" => vec![u8::try_from(number % 256).unwrap(); 20_000],
                "folder" => folder.to_str().unwrap(),
            }
        })
        .collect()
}

/// Not a test of its own: the process that is killed.
#[test]
fn writer() {
    let Ok(directory) = std::env::var("LAPJOINT_CRASH_WRITER") else { return };
    let writer: i64 = std::env::var("LAPJOINT_CRASH_NUMBER").unwrap().parse().unwrap();
    let directory = Path::new(&directory);
    let url = std::env::var("LAPJOINT_CRASH_URL").ok();
    let connection = crate::common::open_at(directory, url.as_deref());
    let table = table(&connection.schema(&std::env::var("LAPJOINT_CRASH_SCHEMA").unwrap()).unwrap());
    let folder = directory.join("source");
    let mut out = std::io::stdout();
    for first in (0..i64::MAX).step_by(3) {
        if first % 4 == 3 {
            // Some inserts fail: their objects must go without harming the shared ones.
            let mut bad = rows(&folder, writer, first);
            bad.push(row! { "writer" => writer, "number" => first });
            assert!(table.insert(bad).is_err());
        }
        if first % 2 == 0 {
            table.insert(rows(&folder, writer, first)).unwrap();
        } else {
            connection.transaction(|| table.insert(rows(&folder, writer, first))).unwrap();
        }
        writeln!(out, "ACK {first}").unwrap();
        out.flush().unwrap();
    }
}

#[test]
fn killed_writers_leave_rows_and_objects_in_agreement() {
    kill_writers(None);
}

#[test]
fn killed_writers_leave_rows_and_objects_in_agreement_on_postgres() {
    if let Some(url) = crate::common::server("LAPJOINT_TEST_POSTGRES") {
        kill_writers(Some(&url));
    }
}

#[test]
fn killed_writers_leave_rows_and_objects_in_agreement_on_mysql() {
    if let Some(url) = crate::common::server("LAPJOINT_TEST_MYSQL") {
        kill_writers(Some(&url));
    }
}

fn kill_writers(url: Option<&str>) {
    let name = format!("crash_{}", &uuid::Uuid::new_v4().simple().to_string()[..12]);
    let kills: i64 = std::env::var("LAPJOINT_CRASH_KILLS").ok().and_then(|n| n.parse().ok()).unwrap_or(20);
    let directory = tempfile::tempdir().unwrap();
    let source = directory.path().join("source");
    std::fs::create_dir_all(source.join("sub")).unwrap();
    for name in ["a.bin", "b.bin", "sub/c.bin"] {
        std::fs::write(source.join(name), vec![7u8; 10_000]).unwrap();
    }
    let mut acknowledged: BTreeSet<(i64, i64)> = BTreeSet::new();
    let mut random = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().subsec_nanos();
    let (mut undone, mut finished) = (0, 0);
    for writer in 0..kills {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "crash::writer", "--nocapture", "--test-threads=1"])
            .env("LAPJOINT_CRASH_WRITER", directory.path())
            .env("LAPJOINT_CRASH_NUMBER", writer.to_string())
            .env("LAPJOINT_CRASH_SCHEMA", &name)
            .envs(url.map(|url| ("LAPJOINT_CRASH_URL", url)))
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        random = random.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        std::thread::sleep(Duration::from_micros(u64::from(random >> 8) % 250_000 + 5_000));
        // Child::kill sends SIGKILL.
        child.kill().unwrap();
        let output = BufReader::new(child.stdout.take().unwrap());
        for line in output.lines().map_while(Result::ok) {
            if let Some(first) = line.strip_prefix("ACK ") {
                let first: i64 = first.parse().unwrap();
                acknowledged.extend((first..first + 3).map(|number| (writer, number)));
            }
        }
        child.wait().unwrap();
        if url.is_some() {
            std::thread::sleep(NOTICED_AFTER);
        }

        let connection = crate::common::open_at(directory.path(), url);
        let schema = connection.schema(&name).unwrap();
        let recovered = schema.recovered();
        undone += recovered.undone;
        finished += recovered.finished;
        assert_eq!(recovered.waiting, 0);
        let table = table(&schema);
        let present: BTreeSet<(i64, i64)> = table
            .query()
            .keys()
            .unwrap()
            .iter()
            .map(|row| (row.get("writer").unwrap(), row.get("number").unwrap()))
            .collect();
        let lost: Vec<_> = acknowledged.difference(&present).collect();
        assert!(lost.is_empty(), "lost committed rows: {lost:?}");
        let verified = lapjoint::objects::verify(&schema, false, &mut |_, _| {}).unwrap();
        assert!(verified.damage.is_empty(), "rows with missing objects: {:?}", verified.damage);
        let unreferenced = lapjoint::objects::unreferenced(&schema).unwrap().unreferenced;
        assert!(unreferenced.is_empty(), "unreferenced objects: {unreferenced:?}");
    }
    let connection = crate::common::open_at(directory.path(), url);
    let schema = connection.schema(&name).unwrap();
    let verified = lapjoint::objects::verify(&schema, true, &mut |_, _| {}).unwrap();
    assert!(verified.damage.is_empty(), "{:?}", verified.damage);
    println!(
        "{kills} kills: {} rows acknowledged, {} objects verified, {undone} inserts undone, {finished} finished; 0 lost, \
         0 missing, 0 unreferenced",
        acknowledged.len(),
        verified.objects
    );
    assert!(kills < 10 || undone > 0, "no kill hit an insert under way: the test shows nothing");
    schema.drop_schema().unwrap();
}
