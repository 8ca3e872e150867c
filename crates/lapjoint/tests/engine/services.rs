//! Tables whose objects lie in a service.

use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use lapjoint::codec::NpyRef;
use lapjoint::store::PutMode;
use lapjoint::{Connection, Error, InsertOptions, NdArray, Row, Table, Value, Watch, row};
use lapjoint_testing::{Fault, Proxy, S3Server};
use serde_json::json;

fn connect(address: std::net::SocketAddr, folder: &std::path::Path) -> Connection {
    let mut config = lapjoint::store::Config::default();
    let settings = json!({
        "protocol": "s3", "endpoint": address.to_string(), "secure": false, "bucket": S3Server::BUCKET,
        "location": "lab", "access_key": S3Server::ACCESS_KEY, "secret_key": S3Server::SECRET_KEY,
    });
    config.set("stores", json!({"default": "s3", "s3": settings})).unwrap();
    Connection::options().config(config).directory(folder).open().unwrap()
}

fn blobs(connection: &Connection) -> Table {
    connection.schema("lab").unwrap().manual("Trace", "id : int32\n---\nvalues : <blob@>").unwrap()
}

/// 20 KB that no other row has.
fn samples(id: i32) -> NdArray {
    NdArray::from_vec((0..2500).map(|index| f64::from(id) * 10_000.0 + f64::from(index).sin()).collect())
}

fn rows(ids: std::ops::Range<i32>) -> Vec<Row> {
    ids.map(|id| row! { "id" => id, "values" => samples(id) }).collect()
}

#[test]
fn one_object_costs_one_request_each_way_and_many_go_at_once() {
    let server = S3Server::start().unwrap();
    let proxy = Proxy::http(server.address(), |_| Fault::Delay(Duration::from_millis(40))).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let table = blobs(&connect(proxy.address(), folder.path()));
    table.insert(rows(0..1)).unwrap();
    // How many go at once is counted, not timed: a busy machine takes any time. One by one, each count is 1.
    let (before, _) = (proxy.counts().requests, proxy.take_most_at_once());
    table.insert(rows(1..101)).unwrap();
    assert_eq!(proxy.counts().requests - before, 100);
    let at_once = proxy.take_most_at_once();
    assert!((16..=64).contains(&at_once), "{at_once}");
    let before = proxy.counts().requests;
    let fetched = table.query().fetch().unwrap();
    assert_eq!(proxy.counts().requests - before, 101);
    let at_once = proxy.take_most_at_once();
    assert!((16..=64).contains(&at_once), "{at_once}");
    for (id, row) in (0..).zip(&fetched) {
        let seen: NdArray = row.get("values").unwrap();
        assert!(seen.to_vec::<f64>() == samples(id).to_vec::<f64>());
    }
}

#[test]
fn a_slice_of_a_large_array_reads_little() {
    let server = S3Server::start().unwrap();
    let proxy = Proxy::http(server.address(), |_| Fault::None).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let connection = connect(proxy.address(), folder.path());
    let table =
        connection.schema("lab").unwrap().manual("Array", "id : int32\n---\nvalues : <npy@>").unwrap();
    // 40 MB.
    let values = NdArray::from_vec((0..5_000_000).map(f64::from).collect());
    table.insert1(row! { "id" => 1, "values" => values }).unwrap();
    let row = table.query().fetch1().unwrap();
    let array = row.value("values").and_then(Value::downcast_ref::<NpyRef>).unwrap();
    let before = proxy.counts();
    assert_eq!(array.slice(10..20).unwrap().to_vec::<f64>().unwrap()[0], 10.0);
    let after = proxy.counts();
    assert_eq!(after.requests - before.requests, 2);
    assert!(after.received_bytes - before.received_bytes < 10_000, "{before:?} {after:?}");
}

#[test]
fn a_failed_insert_removes_what_it_created_and_nothing_else() {
    let server = S3Server::start().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let connection = connect(server.address(), folder.path());
    let table = blobs(&connection);
    let store = connection.stores().get(None).unwrap();
    // Another database's object in the same store, with the content of row 2.
    let other_folder = tempfile::tempdir().unwrap();
    let other = blobs(&connect(server.address(), other_folder.path()));
    other.insert(rows(2..3)).unwrap();
    table.insert(rows(0..1)).unwrap();
    let before: Vec<String> = store.list("").unwrap().into_iter().map(|meta| meta.path).collect();
    assert_eq!(before.len(), 2);
    let mut again = rows(1..5);
    again.push(row! { "id" => 0, "values" => samples(77) });
    table.insert(again).unwrap_err();
    let after: Vec<String> = store.list("").unwrap().into_iter().map(|meta| meta.path).collect();
    assert_eq!(before, after);
    assert_eq!(other.query().fetch().unwrap().len(), 1);
}

#[test]
fn what_a_dead_insert_created_is_known_by_its_origin() {
    let server = S3Server::start().unwrap();
    let (folder, other_folder) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    blobs(&connect(server.address(), other_folder.path())).insert(rows(2..3)).unwrap();
    let is_dead = Arc::new(AtomicBool::new(false));
    let (dead, puts) = (Arc::clone(&is_dead), AtomicU64::new(0));
    let proxy = Proxy::http(server.address(), move |request| {
        // From the sixth put on the service answers nothing more, so that the undoing fails as it does for the killed.
        let is_last = request.method == "PUT" && puts.fetch_add(1, Ordering::SeqCst) == 5;
        if is_last {
            dead.store(true, Ordering::SeqCst)
        }
        if dead.load(Ordering::SeqCst) { Fault::Answer(400) } else { Fault::None }
    })
    .unwrap();
    let connection = connect(proxy.address(), folder.path());
    let table = blobs(&connection);
    table.insert(rows(0..10)).unwrap_err();
    assert!(is_dead.load(Ordering::SeqCst));
    let store = connect(server.address(), folder.path()).stores().get(None).unwrap();
    assert!(store.list("").unwrap().len() > 1, "nothing was left behind, so this test shows nothing");
    drop((table, connection));
    let connection = connect(server.address(), folder.path());
    let report = connection.schema("lab").unwrap().recovered();
    let left = store.list("").unwrap();
    assert_eq!(report.undone, 1);
    assert_eq!(left.len(), 1, "only the other database's: {left:?} {report:?}");
}

#[test]
fn inserts_under_faults_are_whole_or_not_there() {
    let server = S3Server::start().unwrap();
    let proxy = Proxy::http(server.address(), lapjoint_testing::random(3, 0.2, &Fault::OF_HTTP)).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let connection = connect(proxy.address(), folder.path());
    let table = blobs(&connection);
    for start in (0..200).step_by(20) {
        table.insert(rows(start..start + 20)).unwrap();
    }
    let store = connect(server.address(), folder.path()).stores().get(None).unwrap();
    assert_eq!(store.list("").unwrap().len(), 200);
    for (id, row) in (0..).zip(table.query().fetch().unwrap()) {
        assert!(row.get::<NdArray>("values").unwrap().to_vec::<f64>() == samples(id).to_vec::<f64>());
    }
    assert!(proxy.counts().faults > 40, "{:?}", proxy.counts());
    store.put("elsewhere", "x", PutMode::Create).unwrap();
}

#[test]
fn an_insert_can_be_stopped_while_the_service_is_silent() {
    // Accepts connections, and says nothing.
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let folder = tempfile::tempdir().unwrap();
    let connection = connect(silent.local_addr().unwrap(), folder.path());
    let table = blobs(&connection);
    let begun = Instant::now();
    let stop = InsertOptions::new().watch(Watch::new(move |_| {
        if begun.elapsed() > Duration::from_millis(500) {
            ControlFlow::Break(())
        } else {
            ControlFlow::Continue(())
        }
    }));
    let (sender, receiver) = std::sync::mpsc::channel();
    std::thread::spawn(move || sender.send(table.insert_with(rows(0..3), &stop)));
    // What may have been created cannot be removed while nobody answers; that is given up too, and left to recovery.
    let result = receiver.recv_timeout(Duration::from_secs(100)).unwrap();
    assert!(matches!(result, Err(Error::Interrupted | Error::Undo { .. })), "{result:?}");
    assert!(begun.elapsed() < Duration::from_secs(9), "{:?}", begun.elapsed());
}
