//! What does not answer, or is something else, is named soon.

use std::net::TcpListener;
use std::time::{Duration, Instant};

use lapjoint_db::{Adapter, DbError, PostgresAdapter, ServerOptions, Tls};

use crate::common::{Lab, one, server};
use lapjoint_types::Value;

fn refused(options: &ServerOptions, within: Duration) -> String {
    let began = Instant::now();
    let error = PostgresAdapter::open(options).unwrap_err();
    assert!(began.elapsed() < within, "{:?}", began.elapsed());
    assert!(matches!(error, DbError::Unreachable { .. }), "{error:?}");
    error.to_string()
}

#[test]
fn a_silent_listener_is_given_up() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let mut options = ServerOptions::new("127.0.0.1");
    options.port = Some(listener.local_addr().unwrap().port());
    options.user = Some("ann".into());
    options.password = Some("secret".into());
    for tls in [Tls::Off, Tls::Prefer, Tls::Require] {
        options.tls = tls;
        options.connect_timeout = Duration::from_millis(600);
        let message = refused(&options, Duration::from_secs(3));
        assert!(message.contains("127.0.0.1:") && message.contains("no answer"), "{message}");
        assert!(!message.contains("secret"), "{message}");
    }
}

#[test]
fn a_port_where_nobody_listens_is_named() {
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let mut options = ServerOptions::new("127.0.0.1");
    options.port = Some(port);
    options.user = Some("ann".into());
    let message = refused(&options, Duration::from_secs(3));
    assert!(
        message.contains(&format!("127.0.0.1:{port}")) && message.contains("check host and port"),
        "{message}"
    );
    let mut options = ServerOptions::new("/no/such/folder");
    options.user = Some("ann".into());
    let message = refused(&options, Duration::from_secs(3));
    assert!(message.contains("/no/such/folder"), "{message}");
}

#[test]
fn a_server_of_mysql_is_not_taken_for_one_of_postgresql() {
    let Ok(address) = std::env::var("LAPJOINT_TEST_MYSQL") else {
        println!("NOT RUN: the environment names no server of MySQL");
        return;
    };
    let (_, mysql) = ServerOptions::from_url(&address).unwrap();
    let mut options = ServerOptions::new(if mysql.socket().is_some() { "127.0.0.1" } else { &mysql.host });
    options.port = Some(mysql.port.unwrap_or(3306));
    options.user = Some("ann".into());
    for tls in [Tls::Off, Tls::Prefer, Tls::Require] {
        options.tls = tls;
        let message = refused(&options, Duration::from_secs(6));
        assert!(message.contains("PostgreSQL") || message.contains("TLS"), "{message}");
    }
}

#[test]
fn a_listener_that_talks_nonsense_is_refused() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let mut options = ServerOptions::new("127.0.0.1");
    options.port = Some(listener.local_addr().unwrap().port());
    options.user = Some("ann".into());
    options.connect_timeout = Duration::from_secs(2);
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            use std::io::Write;
            let _ = stream.unwrap().write_all(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n");
        }
    });
    for tls in [Tls::Off, Tls::Prefer, Tls::Require] {
        options.tls = tls;
        refused(&options, Duration::from_secs(5));
    }
}

#[test]
fn a_missing_database_or_user_is_named() {
    let Some(mut options) = server() else { return };
    options.database = Some("no database of this name".into());
    let error = PostgresAdapter::open(&options).unwrap_err().to_string();
    assert!(error.contains("no database of this name"), "{error}");
    let Some(mut options) = server() else { return };
    options.user = Some("no user of this name".into());
    let error = PostgresAdapter::open(&options).unwrap_err();
    assert!(matches!(error, DbError::Access { .. } | DbError::Unreachable { .. }), "{error:?}");
    assert!(error.to_string().contains("no user of this name"), "{error}");
}

#[test]
fn a_connection_works_inside_of_an_asynchronous_runtime() {
    let Some(options) = server() else { return };
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(async {
        let mut db = PostgresAdapter::open(&options).unwrap();
        assert_eq!(one(&mut db, "SELECT 1"), Value::Int(1));
        db.close();
        drop(PostgresAdapter::open(&options).unwrap());
    });
}

#[test]
fn a_lock_that_is_not_given_up_is_reported_as_busy() {
    let Some(mut lab) = Lab::open() else { return };
    let def = lab.subject();
    let mut other = lab.another();
    other.execute("SET lock_timeout = '200ms'", &[]).unwrap();
    lab.begin(lapjoint_db::TransactionMode::Write).unwrap();
    let schema = lab.schema.clone();
    lab.lock_objects(&schema, true).unwrap();
    let name = lab.quote_table(&def.id);
    lab.execute(&format!("LOCK TABLE {name}"), &[]).unwrap();
    other.begin(lapjoint_db::TransactionMode::Write).unwrap();
    for exclusive in [true, false] {
        let busy = other.lock_objects(&schema, exclusive);
        assert!(matches!(busy, Err(DbError::Busy(_))), "{busy:?}");
    }
    let busy = crate::common::select(&mut other, &format!("SELECT 1 FROM {name}"), 1);
    assert!(matches!(busy, Err(DbError::Busy(_))), "{busy:?}");
    lab.rollback().unwrap();
    other.lock_objects(&schema, true).unwrap();
    assert_eq!(crate::common::count(&mut other, &def.id), 0);
    other.commit().unwrap();
    // Many may hold it at once that do not ask for it alone.
    lab.begin(lapjoint_db::TransactionMode::Write).unwrap();
    other.begin(lapjoint_db::TransactionMode::Write).unwrap();
    lab.lock_objects(&schema, false).unwrap();
    other.lock_objects(&schema, false).unwrap();
}
