//! A proxy that can break a connection at a commit.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use lapjoint_db::{ServerOptions, Tls};

/// What the proxy does with the next COMMIT.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Cut {
    /// It does not reach the server.
    Before,
    /// It reaches the server, and the answer is lost.
    After,
}

/// Listens on a port of its own and breaks one connection at its next COMMIT once it is told to.
pub struct Proxy {
    pub options: ServerOptions,
    armed: Arc<AtomicBool>,
}

impl Proxy {
    pub fn start(server: &ServerOptions, cut: Cut) -> Self {
        assert!(server.socket().is_none(), "the tests need the server's port");
        let target = (server.host.clone(), server.port.unwrap_or(5432));
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let mut options = server.clone();
        options.host = "127.0.0.1".into();
        options.port = Some(listener.local_addr().unwrap().port());
        options.tls = Tls::Off;
        let armed = Arc::new(AtomicBool::new(false));
        let watched = Arc::clone(&armed);
        std::thread::spawn(move || {
            for client in listener.incoming() {
                let client = client.unwrap();
                let server = TcpStream::connect(&target).unwrap();
                let muted = Arc::new(AtomicBool::new(false));
                let (from, to) = (server.try_clone().unwrap(), client.try_clone().unwrap());
                let is_muted = Arc::clone(&muted);
                std::thread::spawn(move || forward(from, to, |_| !is_muted.load(Ordering::SeqCst)));
                let armed = Arc::clone(&watched);
                let reader = client.try_clone().unwrap();
                std::thread::spawn(move || {
                    let writer = server.try_clone().unwrap();
                    forward(reader, writer, |bytes| {
                        let is_commit = bytes.windows(7).any(|part| part == b"COMMIT\0");
                        if !is_commit || !armed.swap(false, Ordering::SeqCst) {
                            return true;
                        }
                        muted.store(true, Ordering::SeqCst);
                        if cut == Cut::After {
                            (&server).write_all(bytes).unwrap();
                            // The server ends the connection once it has read all that came before.
                            std::thread::sleep(std::time::Duration::from_millis(100));
                        }
                        let _ = server.shutdown(Shutdown::Both);
                        let _ = client.shutdown(Shutdown::Both);
                        false
                    });
                });
            }
        });
        Self { options, armed }
    }

    pub fn arm(&self) {
        self.armed.store(true, Ordering::SeqCst);
    }

    pub fn has_cut(&self) -> bool {
        !self.armed.load(Ordering::SeqCst)
    }
}

fn forward(mut from: TcpStream, mut to: TcpStream, mut passes: impl FnMut(&[u8]) -> bool) {
    let mut buffer = vec![0; 1 << 16];
    loop {
        match from.read(&mut buffer) {
            Ok(length) if length > 0 => {
                if !passes(&buffer[..length]) || to.write_all(&buffer[..length]).is_err() {
                    break;
                }
            }
            _ => break,
        }
    }
    let _ = to.shutdown(Shutdown::Both);
}
