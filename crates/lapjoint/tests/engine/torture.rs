//! Sixteen writers insert, update, replace and delete rows with objects, many of them shared, while two collections run in a
//! loop without any grace. No object of a row may be lost, and after a last collection none may be left over.
//!
//! `LAPJOINT_TORTURE_SECONDS` says for how long (5 unless set). `LAPJOINT_TORTURE_CONFIG` has settings as a JSON object that
//! are laid over those of SQLite and a file store in a fresh folder, for other databases and stores:
//! `{"database.backend": "postgresql", "database.name": "test", "stores.main": {"protocol": "s3", …}}`.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime};

use lapjoint::objects::{CollectOptions, collect};
use lapjoint::store::{Config, LoadOptions};
use lapjoint::{Connection, DeleteOptions, Error, InsertOptions, NdArray, Row, Table, row};

use crate::collect::with_graph;

const THREADS: i32 = 12;
const PROCESSES: i32 = 4;
/// Different contents: about as many as there are rows, so that each is now shared, now unused.
const CONTENTS: u32 = 100;
/// Rows that a writer keeps.
const ROWS: usize = 6;

const DEFINITION: &str = "
    writer : int32
    id : int32
    ---
    blob : <blob@>
    array : <npy@>
    file : <object@>
    graph : <graph@>
";

fn connect(directory: &Path) -> Connection {
    let store = directory.join("store");
    std::fs::create_dir_all(&store).unwrap();
    let mut config = Config::load(&LoadOptions::isolated()).unwrap();
    let mut set = |key: &str, value: serde_json::Value| config.set(key, value).unwrap();
    set("stores.default", "main".into());
    set("stores.main.protocol", "file".into());
    set("stores.main.location", store.to_str().into());
    set("database.backend", "sqlite".into());
    set("database.name", directory.join("database").to_str().into());
    if let Ok(text) = std::env::var("LAPJOINT_TORTURE_CONFIG") {
        let given: serde_json::Map<String, serde_json::Value> = serde_json::from_str(&text).unwrap();
        given.into_iter().for_each(|(key, value)| set(&key, value));
    }
    Connection::options().config(config).registry(with_graph()).open().unwrap()
}

fn schema_name(directory: &Path) -> String {
    let name = directory.file_name().unwrap().to_str().unwrap().to_ascii_lowercase();
    format!("torture_{}", name.trim_matches(|letter: char| !letter.is_ascii_alphanumeric()))
}

fn table(connection: &Connection, directory: &Path) -> Table {
    connection.schema(&schema_name(directory)).unwrap().manual("Value", DEFINITION).unwrap()
}

fn array(seed: u32) -> NdArray {
    NdArray::from_vec((0..400).map(|i| f64::from(i * 31 + seed * 7919)).collect())
}

/// Contents of a row, by their seeds: blob, array, file, graph.
type Seeds = [u32; 4];

struct Random(u64);

impl Random {
    fn below(&mut self, limit: u32) -> u32 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        u32::try_from((self.0 >> 33) % u64::from(limit)).unwrap()
    }

    fn seeds(&mut self) -> Seeds {
        std::array::from_fn(|_| self.below(CONTENTS))
    }
}

fn full(writer: i32, id: i32, [blob, file, files, graph]: Seeds) -> Row {
    let content = vec![u8::try_from(files % 256).unwrap(); 500];
    row! { "writer" => writer, "id" => id, "blob" => array(blob), "array" => array(file), "file" => content,
    "graph" => array(graph) }
}

/// One writer; returns how many operations it has done. Whatever it has written it must be able to read.
fn write(directory: &Path, writer: i32, until: &dyn Fn() -> bool) -> u64 {
    let connection = connect(directory);
    let table = table(&connection, directory);
    let start = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().subsec_nanos();
    let mut random = Random(u64::from(start) << 8 | u64::from(writer.unsigned_abs()));
    let mut rows: BTreeMap<i32, Seeds> = BTreeMap::new();
    let (mut next, mut done) = (0, 0);
    while until() {
        let some = rows.keys().nth(random.below(10) as usize).or(rows.keys().next()).copied();
        let choice = if rows.len() > ROWS { 6 } else { random.below(10) };
        match (choice, some) {
            (0..=3, _) | (_, None) => {
                let new: Vec<(i32, Seeds)> =
                    (0..=random.below(3)).zip(next..).map(|(_, id)| (id, random.seeds())).collect();
                next += 4;
                let given = || new.iter().map(|(id, seeds)| full(writer, *id, *seeds));
                let rolls_back = random.below(4) == 0;
                if random.below(2) == 0 {
                    let result = connection.transaction(|| {
                        table.insert(given())?;
                        if rolls_back { Err(Error::Interrupted) } else { Ok(()) }
                    });
                    assert_eq!(result.is_err(), rolls_back, "{result:?}");
                } else if rolls_back {
                    let bad = given().chain([row! { "writer" => writer, "id" => next }]);
                    assert!(table.insert(bad).is_err());
                } else {
                    table.insert(given()).unwrap();
                }
                if !rolls_back {
                    rows.extend(new);
                }
            }
            (4, Some(id)) => {
                let seeds = random.seeds();
                let changed = full(writer, id, seeds).project(["writer", "id", "blob", "array", "graph"]);
                table.update1(changed).unwrap();
                let old = rows[&id];
                rows.insert(id, [seeds[0], seeds[1], old[2], seeds[3]]);
            }
            (5, Some(id)) => {
                let seeds = random.seeds();
                table.insert_with([full(writer, id, seeds)], &InsertOptions::new().replace()).unwrap();
                rows.insert(id, seeds);
            }
            (6 | 7, Some(id)) => {
                let gone = &table & row! { "writer" => writer, "id" => id };
                gone.delete(&DeleteOptions::new()).unwrap();
                rows.remove(&id);
            }
            (_, Some(id)) => {
                let [blob, _, _, graph] = rows[&id];
                let found = (&table & row! { "writer" => writer, "id" => id }).fetch1().unwrap();
                assert_eq!(found.get::<NdArray>("blob").unwrap(), array(blob));
                assert_eq!(found.get::<NdArray>("graph").unwrap(), array(graph));
            }
        }
        done += 1;
    }
    done
}

/// Not a test of its own: a writing process, at work until its input ends.
#[test]
fn writer() {
    let Ok(directory) = std::env::var("LAPJOINT_TORTURE_WRITER") else { return };
    let number: i32 = std::env::var("LAPJOINT_TORTURE_NUMBER").unwrap().parse().unwrap();
    let ended = AtomicBool::new(false);
    let done = std::thread::scope(|scope| {
        scope.spawn(|| {
            std::io::stdin().read_line(&mut String::new()).ok();
            ended.store(true, Ordering::Relaxed);
        });
        write(Path::new(&directory), number, &|| !ended.load(Ordering::Relaxed))
    });
    println!("DONE {done}");
}

fn start_writer(directory: &Path, number: i32) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "torture::writer", "--nocapture", "--test-threads=1"])
        .env("LAPJOINT_TORTURE_WRITER", directory)
        .env("LAPJOINT_TORTURE_NUMBER", number.to_string())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap()
}

fn end_writer(mut child: Child) -> u64 {
    drop(child.stdin.take());
    let output = BufReader::new(child.stdout.take().unwrap());
    let done: Vec<u64> = output
        .lines()
        .map_while(Result::ok)
        .filter_map(|line| line.split_once("DONE ")?.1.parse().ok())
        .collect();
    assert!(child.wait().unwrap().success(), "a writing process failed");
    done.into_iter().sum()
}

#[test]
fn sixteen_writers_lose_nothing_while_collection_runs_in_a_loop() {
    let seconds =
        std::env::var("LAPJOINT_TORTURE_SECONDS").ok().and_then(|text| text.parse().ok()).unwrap_or(5);
    let directory = tempfile::tempdir().unwrap();
    let directory = directory.path();
    let connection = connect(directory);
    let table = table(&connection, directory);
    let schema = table.schema();
    let until = Instant::now() + Duration::from_secs(seconds);
    let busy = || Instant::now() < until;
    let (operations, runs, deleted, restored) =
        (AtomicU64::new(0), AtomicU64::new(0), AtomicU64::new(0), AtomicU64::new(0));
    let children: Vec<Child> =
        (0..PROCESSES).map(|number| start_writer(directory, THREADS + number)).collect();
    std::thread::scope(|scope| {
        for writer in 0..THREADS {
            let (operations, busy) = (&operations, &busy);
            scope.spawn(move || operations.fetch_add(write(directory, writer, busy), Ordering::Relaxed));
        }
        for grace in [Duration::ZERO, Duration::from_millis(100)] {
            let (runs, deleted, restored, busy) = (&runs, &deleted, &restored, &busy);
            scope.spawn(move || {
                let schema = connect(directory).existing_schema(&schema_name(directory)).unwrap();
                let options = CollectOptions::new().delete().grace(grace).only_given_schemas();
                while busy() {
                    let report = collect(std::slice::from_ref(&schema), &options).unwrap();
                    assert!(report.errors.is_empty(), "{report}");
                    deleted.fetch_add(report.deleted, Ordering::Relaxed);
                    restored.fetch_add(report.restored, Ordering::Relaxed);
                    runs.fetch_add(1, Ordering::Relaxed);
                    std::thread::sleep(Duration::from_millis(5));
                }
            });
        }
    });
    let by_processes: u64 = children.into_iter().map(end_writer).sum();
    operations.fetch_add(by_processes, Ordering::Relaxed);
    let verified = lapjoint::objects::verify(schema, true, &mut |_, _| {}).unwrap();
    assert!(verified.damage.is_empty(), "objects of rows are lost: {:?}", verified.damage);
    let rows = table.query().fetch().unwrap().len();
    // A row is fetched when its values are; those that read lazily were looked at above.
    let last = CollectOptions::new().delete().grace(Duration::ZERO).only_given_schemas();
    let report = collect(std::slice::from_ref(schema), &last).unwrap();
    assert!(report.errors.is_empty() && report.waiting == 0 && report.aside == 0, "{report}");
    let again = collect(std::slice::from_ref(schema), &last).unwrap();
    assert_eq!((again.unreferenced.len(), again.stored), (0, again.referenced), "{again}");
    let main = connection.stores().get(None).unwrap();
    let name = schema_name(directory);
    let left = main.list(&format!("_lapjoint_trash/{name}")).unwrap();
    assert!(left.is_empty(), "{left:?}");
    let verified = lapjoint::objects::verify(schema, true, &mut |_, _| {}).unwrap();
    assert!(verified.damage.is_empty(), "objects of rows are lost: {:?}", verified.damage);
    let marks =
        connection.run_sql(&format!("SELECT count(*) AS n FROM {name}.{}", quoted("~collect")), &[]).unwrap();
    assert_eq!(marks.rows[0][0], lapjoint::Value::Int(0));
    println!(
        "{seconds} s: {} operations of {} writers ({by_processes} by processes), {} collections deleted {} objects and \
         brought back {}; {rows} rows with {} objects remain: 0 lost, 0 left over",
        operations.load(Ordering::Relaxed),
        THREADS + PROCESSES,
        runs.load(Ordering::Relaxed),
        deleted.load(Ordering::Relaxed) + report.deleted,
        restored.load(Ordering::Relaxed),
        verified.objects
    );
    assert!(deleted.load(Ordering::Relaxed) > 0, "nothing was collected: the test shows nothing");
    schema.clone().drop_schema().unwrap();
}

fn quoted(name: &str) -> String {
    // MySQL's quotes; the others take the standard's.
    let is_mysql = std::env::var("LAPJOINT_TORTURE_CONFIG").is_ok_and(|config| config.contains("mysql"));
    if is_mysql { format!("`{name}`") } else { format!("\"{name}\"") }
}

/// Not a test of its own: the collecting process that is killed.
#[test]
fn collector() {
    let Ok(directory) = std::env::var("LAPJOINT_TORTURE_COLLECTOR") else { return };
    let directory = Path::new(&directory);
    let schema = connect(directory).existing_schema(&schema_name(directory)).unwrap();
    println!("READY");
    loop {
        let options = CollectOptions::new().delete().grace(Duration::ZERO);
        collect(std::slice::from_ref(&schema), &options).unwrap();
    }
}

#[test]
fn a_collector_killed_at_any_moment_loses_nothing_and_is_finished_by_the_next() {
    let kills = std::env::var("LAPJOINT_CRASH_KILLS").ok().and_then(|text| text.parse().ok()).unwrap_or(10);
    let directory = tempfile::tempdir().unwrap();
    let directory = directory.path();
    let connection = connect(directory);
    let table = table(&connection, directory);
    let folder = directory.join("source");
    std::fs::create_dir_all(&folder).unwrap();
    for name in 0..10 {
        std::fs::write(folder.join(name.to_string()), [7; 500]).unwrap();
    }
    let now = CollectOptions::new().delete().grace(Duration::ZERO);
    let mut random = Random(u64::from(std::process::id()));
    let mut half_done = 0;
    for kill in 0..kills {
        // Of 60 rows 40 go; those that stay share contents with them.
        let rows = (0..60).map(|id| {
            let mut row = full(kill, id, [random.below(200), random.below(9), 1, random.below(200)]);
            row.set("file", folder.to_str().unwrap());
            row
        });
        table.insert(rows).unwrap();
        let gone = &table & format!("writer = {kill} AND id < 40").as_str();
        gone.delete(&DeleteOptions::new()).unwrap();
        let before = collect(std::slice::from_ref(table.schema()), &CollectOptions::new()).unwrap();
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "torture::collector", "--nocapture", "--test-threads=1"])
            .env("LAPJOINT_TORTURE_COLLECTOR", directory)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut output = BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        while !line.contains("READY") && output.read_line(&mut line).unwrap() > 0 {}
        let main = connection.stores().get(None).unwrap();
        let stored = || main.list("_hash").unwrap().len() + main.list("_schema").unwrap().len();
        let (full, start) = (stored(), Instant::now());
        if kill % 2 == 0 {
            // When the first objects go, and a little later.
            while stored() == full && start.elapsed() < Duration::from_secs(10) {}
            std::thread::sleep(Duration::from_micros(u64::from(random.below(10_000))));
        } else {
            std::thread::sleep(Duration::from_micros(u64::from(random.below(60_000))));
        }
        // Child::kill sends SIGKILL.
        child.kill().unwrap();
        child.wait().unwrap();
        let between = collect(std::slice::from_ref(table.schema()), &CollectOptions::new()).unwrap();
        let left = between.unreferenced.len() as u64 + between.aside;
        half_done += u64::from(left > 0 && left < before.unreferenced.len() as u64);
        let report = collect(std::slice::from_ref(table.schema()), &now).unwrap();
        assert!(report.errors.is_empty() && report.waiting == 0 && report.aside == 0, "{report}");
        let verified = lapjoint::objects::verify(table.schema(), true, &mut |_, _| {}).unwrap();
        assert!(verified.damage.is_empty(), "objects of rows are lost: {:?}", verified.damage);
        let again = collect(std::slice::from_ref(table.schema()), &now).unwrap();
        assert_eq!((again.unreferenced.len(), again.stored), (0, again.referenced), "{again}");
    }
    println!("{kills} kills of a collector, {half_done} of them half-way: 0 objects lost, 0 left over");
    assert!(kills < 10 || half_done > 0, "no kill hit a collection under way: the test shows nothing");
    table.schema().clone().drop_schema().unwrap();
}
