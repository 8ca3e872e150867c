//! Addresses, time-outs, encryption.

use std::io::Write;
use std::net::TcpListener;
use std::time::{Duration, Instant};

use lapjoint_db::{DbError, MysqlAdapter, ServerOptions, Tls};

use crate::common::{Lab, server, text, value};

fn at(listener: &TcpListener) -> ServerOptions {
    let mut options = ServerOptions::new("127.0.0.1");
    options.port = Some(listener.local_addr().unwrap().port());
    options.user = Some("root".into());
    options.password = Some("sesame".into());
    options.connect_timeout = Duration::from_secs(1);
    options
}

#[track_caller]
fn unreachable(options: &ServerOptions, part: &str) {
    let started = Instant::now();
    let error = MysqlAdapter::open(options).unwrap_err();
    assert!(
        started.elapsed() < options.connect_timeout + Duration::from_millis(500),
        "{:?}",
        started.elapsed()
    );
    assert!(matches!(error, DbError::Unreachable { .. }), "{error:?}");
    let message = error.to_string();
    assert!(message.contains(part) && !message.contains("sesame"), "{message}");
}

#[test]
fn a_server_that_says_nothing_is_an_error_in_time() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    for tls in [Tls::Off, Tls::Prefer, Tls::Require] {
        unreachable(&ServerOptions { tls, ..at(&listener) }, "port");
    }
}

#[test]
fn a_server_of_another_protocol_is_an_error_in_time() {
    // An empty packet, a packet that is too short, words, and a greeting without a version.
    for greeting in [
        &b"\0\0\0\0"[..],
        b"\x01\0\0\0\x0a",
        b"HTTP/1.1 400 Bad Request\r\n\r\n",
        b"SSH-2.0-OpenSSH_9.2\r\n",
        b"\x04\0\0\0\x0a5.\0",
    ] {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let options = at(&listener);
        let answering = std::thread::spawn(move || {
            for stream in listener.incoming().take(1) {
                let mut stream = stream.unwrap();
                let _ = stream.write_all(greeting);
                std::thread::sleep(Duration::from_millis(1200));
            }
        });
        unreachable(&options, "127.0.0.1");
        answering.join().unwrap();
    }
}

#[test]
fn a_port_where_nothing_listens_is_an_error() {
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    for host in ["127.0.0.1", "localhost"] {
        let mut options = ServerOptions::new(host);
        options.port = Some(port);
        unreachable(&options, &format!("{host}:{port}"));
    }
    unreachable(&ServerOptions::new("/nowhere/mysqld.sock"), "/nowhere/mysqld.sock");
    unreachable(&ServerOptions::new("no-such-host.invalid"), "no-such-host.invalid");
}

#[test]
fn a_postgresql_server_is_an_error_in_time() {
    let Ok(url) = std::env::var("LAPJOINT_TEST_POSTGRES") else {
        eprintln!("not run: LAPJOINT_TEST_POSTGRES is not set");
        return;
    };
    let (_, mut options) = ServerOptions::from_url(&url).unwrap();
    options.port = options.port.or(Some(5432));
    options.connect_timeout = Duration::from_secs(2);
    unreachable(&options, "port");
}

#[test]
fn a_wrong_password_is_an_access_error_without_the_password() {
    let Some(mut options) = server() else { return };
    options.user = Some("nobody_of_that_name".into());
    options.password = Some("sesame".into());
    let error = MysqlAdapter::open(&options).unwrap_err();
    assert!(matches!(error, DbError::Access { .. }), "{error:?}");
    assert!(!error.to_string().contains("sesame"));
    let mut options = server().unwrap();
    options.database = Some("no such database".into());
    assert!(matches!(MysqlAdapter::open(&options), Err(DbError::MissingSchema(_))));
}

#[test]
fn a_long_statement_outlives_the_time_out_of_connecting() {
    let Some(mut options) = server() else { return };
    options.connect_timeout = Duration::from_millis(1500);
    let mut db = MysqlAdapter::open(&options).unwrap();
    assert_eq!(value(&mut db, "SELECT SLEEP(2)"), lapjoint_types::Value::Int(0));
}

#[test]
fn a_name_with_several_addresses_finds_the_one_that_answers() {
    let Some(mut options) = server() else { return };
    if options.host != "127.0.0.1" {
        return;
    }
    options.host = "localhost".into();
    assert!(MysqlAdapter::open(&options).is_ok());
}

#[test]
fn a_unix_socket_serves_as_well() {
    let Some(mut lab) = Lab::open() else { return };
    let socket = match value(&mut lab, "SELECT @@socket") {
        lapjoint_types::Value::Str(path) => path,
        other => panic!("{other:?}"),
    };
    if !std::path::Path::new(&socket).exists() {
        eprintln!("not run: {socket} is not on this machine");
        return;
    }
    let mut options = server().unwrap();
    options.host = socket;
    for tls in [Tls::Prefer, Tls::Require] {
        let mut db = MysqlAdapter::open(&ServerOptions { tls, ..options.clone() }).unwrap();
        assert_eq!(value(&mut db, "SELECT 'x'"), text("x"));
    }
}

fn cipher(db: &mut MysqlAdapter) -> String {
    match crate::common::select(
        db,
        "SHOW SESSION STATUS LIKE 'Ssl_cipher'",
        &[crate::common::own(), crate::common::own()],
    ) {
        Ok(rows) => format!("{:?}", rows[0][1]),
        Err(error) => panic!("{error}"),
    }
}

#[test]
fn encryption_is_used_where_it_is_there() {
    let Some(lab) = Lab::open() else { return };
    let options = server().unwrap();
    if options.socket().is_some() {
        return;
    }
    let has_tls = MysqlAdapter::open(&ServerOptions { tls: Tls::Require, ..options.clone() });
    let mut preferred = MysqlAdapter::open(&ServerOptions { tls: Tls::Prefer, ..options.clone() }).unwrap();
    let mut off = MysqlAdapter::open(&ServerOptions { tls: Tls::Off, ..options.clone() }).unwrap();
    assert_eq!(cipher(&mut off), "Str(\"\")");
    match has_tls {
        Ok(mut required) => {
            assert!(cipher(&mut required).contains("TLS") || cipher(&mut required).contains("AES"));
            assert_eq!(cipher(&mut preferred), cipher(&mut required));
        }
        Err(error) => {
            assert!(error.to_string().contains("no encryption"), "{error}");
            assert_eq!(cipher(&mut preferred), "Str(\"\")");
        }
    }
    drop(lab);
}

#[test]
fn a_certificate_of_nobody_known_is_refused() {
    let Some(options) = server() else { return };
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ca.pem");
    for (content, part) in
        [("", "no certificate"), ("-----BEGIN CERTIFICATE-----\n!\n-----END CERTIFICATE-----\n", "ca.pem")]
    {
        std::fs::write(&path, content).unwrap();
        unreachable(&ServerOptions { tls: Tls::Verify(path.clone()), ..options.clone() }, part);
    }
    unreachable(&ServerOptions { tls: Tls::Verify(folder.path().join("none.pem")), ..options }, "none.pem");
}
