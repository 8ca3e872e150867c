//! Encryption: a server in front of the server, with certificates made for the test.

use std::io::{ErrorKind, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use lapjoint_db::{DbError, PostgresAdapter, ServerOptions, Tls};
use lapjoint_types::Value;
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use rustls::{ServerConfig, ServerConnection};
use rustls_pki_types::PrivateKeyDer;

use crate::common::{one, server};

/// A certificate authority, written to a file, and what a server signed by it needs.
fn authority(folder: &Path, name: &str, host: &str) -> (PathBuf, Arc<ServerConfig>) {
    let mut params = CertificateParams::new(Vec::<String>::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let key = KeyPair::generate().unwrap();
    let ca = params.self_signed(&key).unwrap();
    let file = folder.join(name);
    std::fs::write(&file, ca.pem()).unwrap();
    let issuer = Issuer::new(params, key);
    let server_key = KeyPair::generate().unwrap();
    let certificate =
        CertificateParams::new(vec![host.to_owned()]).unwrap().signed_by(&server_key, &issuer).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(
            vec![certificate.der().clone()],
            PrivateKeyDer::try_from(server_key.serialize_der()).unwrap(),
        )
        .unwrap();
    (file, Arc::new(config))
}

/// Takes encrypted connections on a port of its own and passes them on in plain.
fn encrypt(server: &ServerOptions, config: Arc<ServerConfig>) -> ServerOptions {
    let target = (server.host.clone(), server.port.unwrap_or(5432));
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let mut options = server.clone();
    options.host = "localhost".into();
    options.port = Some(listener.local_addr().unwrap().port());
    std::thread::spawn(move || {
        for client in listener.incoming() {
            let (client, config, target) = (client.unwrap(), Arc::clone(&config), target.clone());
            std::thread::spawn(move || pass(client, config, &target));
        }
    });
    options
}

fn pass(mut client: TcpStream, config: Arc<ServerConfig>, target: &(String, u16)) -> Option<()> {
    let mut request = [0; 8];
    client.read_exact(&mut request).ok()?;
    // A request for encryption; anything else is a client that talks in plain.
    if request != [0, 0, 0, 8, 4, 210, 22, 47] {
        return None;
    }
    client.write_all(b"S").ok()?;
    let mut tls = ServerConnection::new(config).ok()?;
    while tls.is_handshaking() {
        tls.complete_io(&mut client).ok()?;
    }
    let mut server = TcpStream::connect(target).ok()?;
    for stream in [&client, &server] {
        stream.set_read_timeout(Some(Duration::from_millis(2))).ok()?;
    }
    let is_idle =
        |error: &std::io::Error| matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut);
    let mut buffer = vec![0; 1 << 16];
    loop {
        match tls.read_tls(&mut client) {
            Ok(0) => return None,
            Err(error) if !is_idle(&error) => return None,
            _ => {}
        }
        let ready = tls.process_new_packets().ok()?.plaintext_bytes_to_read();
        if ready > 0 {
            let mut plain = vec![0; ready];
            tls.reader().read_exact(&mut plain).ok()?;
            server.write_all(&plain).ok()?;
        }
        match server.read(&mut buffer) {
            Ok(0) => return None,
            Ok(length) => tls.writer().write_all(&buffer[..length]).ok()?,
            Err(error) if !is_idle(&error) => return None,
            Err(_) => {}
        }
        while tls.wants_write() {
            tls.write_tls(&mut client).ok()?;
        }
    }
}

#[test]
fn certificates_count_where_they_are_asked_for() {
    let Some(options) = server() else { return };
    let folder = tempfile::tempdir().unwrap();
    let (good, config) = authority(folder.path(), "good.pem", "localhost");
    let (other, _) = authority(folder.path(), "other.pem", "localhost");
    let (elsewhere, wrong_host) = authority(folder.path(), "elsewhere.pem", "db.example.org");
    let front = encrypt(&options, config);
    let open =
        |front: &ServerOptions, tls: Tls| PostgresAdapter::open(&ServerOptions { tls, ..front.clone() });
    for tls in [Tls::Prefer, Tls::Require, Tls::Verify(good.clone())] {
        let mut db = open(&front, tls.clone()).unwrap();
        assert_eq!(one(&mut db, "SELECT 1"), Value::Int(1), "{tls:?}");
        let many =
            crate::common::select(&mut db, "SELECT n FROM generate_series(1, 100000) AS g(n)", 1).unwrap();
        assert_eq!(many.len(), 100_000);
    }
    let refused = |error: Result<PostgresAdapter, DbError>| match error {
        Err(error @ DbError::Unreachable { .. }) => error.to_string(),
        other => panic!("{other:?}"),
    };
    let message = refused(open(&front, Tls::Verify(other)));
    assert!(message.contains("certificate") || message.contains("TLS"), "{message}");
    refused(open(&encrypt(&options, wrong_host), Tls::Verify(elsewhere)));
    let message = refused(open(&front, Tls::Verify(folder.path().join("missing.pem"))));
    assert!(message.contains("missing.pem"), "{message}");
    std::fs::write(folder.path().join("empty.pem"), "").unwrap();
    let message = refused(open(&front, Tls::Verify(folder.path().join("empty.pem"))));
    assert!(message.contains("empty.pem"), "{message}");
    // A client that is told to talk in plain does.
    refused(open(&front, Tls::Off));
}

#[test]
fn a_server_without_encryption_is_taken_only_where_that_is_allowed() {
    let Some(options) = server() else { return };
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let mut front = options.clone();
    front.host = "127.0.0.1".into();
    front.port = Some(listener.local_addr().unwrap().port());
    let target = (options.host.clone(), options.port.unwrap_or(5432));
    std::thread::spawn(move || {
        for client in listener.incoming() {
            let (mut client, target) = (client.unwrap(), target.clone());
            std::thread::spawn(move || {
                let mut request = [0; 8];
                client.peek(&mut request).unwrap();
                if request == [0, 0, 0, 8, 4, 210, 22, 47] {
                    client.read_exact(&mut request).unwrap();
                    client.write_all(b"N").unwrap();
                }
                let mut server = TcpStream::connect(target).unwrap();
                let (mut from, mut to) = (server.try_clone().unwrap(), client.try_clone().unwrap());
                std::thread::spawn(move || std::io::copy(&mut from, &mut to));
                let _ = std::io::copy(&mut client, &mut server);
            });
        }
    });
    front.tls = Tls::Prefer;
    assert_eq!(one(&mut PostgresAdapter::open(&front).unwrap(), "SELECT 1"), Value::Int(1));
    front.tls = Tls::Require;
    let error = PostgresAdapter::open(&front).unwrap_err();
    assert!(matches!(&error, DbError::Unreachable { message, .. } if message.contains("TLS")), "{error:?}");
}
