//! Accepting connections, and counting what passes.

use std::collections::HashMap;
use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use crate::fault::{Fault, Request};
use crate::{http, stream};

/// What has passed through a proxy.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Connections made by clients.
    pub connections: u64,
    /// Requests (HTTP) that reached the proxy, whatever became of them.
    pub requests: u64,
    /// Requests and connections that met with a fault, delays included.
    pub faults: u64,
    /// Bytes that clients sent.
    pub sent_bytes: u64,
    /// Bytes that clients were sent.
    pub received_bytes: u64,
}

pub(crate) struct Shared {
    pub upstream: SocketAddr,
    pub decide: Box<dyn Fn(&Request<'_>) -> Fault + Send + Sync>,
    is_stopped: AtomicBool,
    connections: AtomicU64,
    requests: AtomicU64,
    under_way: AtomicU64,
    most_at_once: AtomicU64,
    faults: AtomicU64,
    pub sent_bytes: AtomicU64,
    pub received_bytes: AtomicU64,
    /// Open connections, to be closed when the proxy stops.
    open: Mutex<HashMap<u64, TcpStream>>,
}

impl Shared {
    /// Counts a request and decides its fault.
    pub fn next(&self, method: &str, target: &str) -> Fault {
        let number = self.requests.fetch_add(1, Ordering::Relaxed);
        let fault = (self.decide)(&Request { method, target, number });
        if fault != Fault::None {
            self.faults.fetch_add(1, Ordering::Relaxed);
        }
        fault
    }

    /// A request is under way until what is returned is dropped.
    pub fn begin(&self) -> UnderWay<'_> {
        let now = self.under_way.fetch_add(1, Ordering::Relaxed) + 1;
        self.most_at_once.fetch_max(now, Ordering::Relaxed);
        UnderWay(&self.under_way)
    }
}

/// A request that has not ended.
pub(crate) struct UnderWay<'a>(&'a AtomicU64);

impl Drop for UnderWay<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// A proxy on a free port of this machine. It stops, and breaks its connections, when it is dropped.
pub struct Proxy {
    shared: Arc<Shared>,
    address: SocketAddr,
}

impl Proxy {
    /// A proxy of HTTP/1.1. `decide` is asked once a request.
    ///
    /// # Errors
    /// When no port can be had.
    pub fn http(
        upstream: SocketAddr,
        decide: impl Fn(&Request<'_>) -> Fault + Send + Sync + 'static,
    ) -> io::Result<Self> {
        Self::start(upstream, Box::new(decide), http::serve)
    }

    /// A proxy of any protocol over TCP. `decide` is asked once a connection; a connection is cut at a random byte.
    ///
    /// # Errors
    /// When no port can be had.
    pub fn stream(
        upstream: SocketAddr,
        decide: impl Fn(&Request<'_>) -> Fault + Send + Sync + 'static,
    ) -> io::Result<Self> {
        Self::start(upstream, Box::new(decide), stream::serve)
    }

    fn start(
        upstream: SocketAddr,
        decide: Box<dyn Fn(&Request<'_>) -> Fault + Send + Sync>,
        serve: fn(&Shared, TcpStream) -> io::Result<()>,
    ) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let address = listener.local_addr()?;
        let shared = Arc::new(Shared {
            upstream,
            decide,
            is_stopped: AtomicBool::new(false),
            connections: AtomicU64::new(0),
            requests: AtomicU64::new(0),
            under_way: AtomicU64::new(0),
            most_at_once: AtomicU64::new(0),
            faults: AtomicU64::new(0),
            sent_bytes: AtomicU64::new(0),
            received_bytes: AtomicU64::new(0),
            open: Mutex::default(),
        });
        let accepting = Arc::clone(&shared);
        thread::spawn(move || {
            for client in listener.incoming() {
                if accepting.is_stopped.load(Ordering::Relaxed) {
                    break;
                }
                let Ok(client) = client else { continue };
                let number = accepting.connections.fetch_add(1, Ordering::Relaxed);
                let shared = Arc::clone(&accepting);
                if let Ok(handle) = client.try_clone() {
                    lock(&shared.open).insert(number, handle);
                }
                thread::spawn(move || {
                    // A broken connection is what a proxy of faults is for.
                    let _ = client.set_nodelay(true);
                    let _ = serve(&shared, client);
                    lock(&shared.open).remove(&number);
                });
            }
        });
        Ok(Self { shared, address })
    }

    /// Where clients connect to.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// What has passed so far.
    #[must_use]
    pub fn counts(&self) -> Counts {
        let read = |count: &AtomicU64| count.load(Ordering::Relaxed);
        Counts {
            connections: read(&self.shared.connections),
            requests: read(&self.shared.requests),
            faults: read(&self.shared.faults),
            sent_bytes: read(&self.shared.sent_bytes),
            received_bytes: read(&self.shared.received_bytes),
        }
    }

    /// The most requests (HTTP) that were under way at one time since this was last asked.
    #[must_use]
    pub fn take_most_at_once(&self) -> u64 {
        self.shared.most_at_once.swap(0, Ordering::Relaxed)
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.shared.is_stopped.store(true, Ordering::Relaxed);
        // Wakes the thread that accepts.
        drop(TcpStream::connect(self.address));
        for client in lock(&self.shared.open).values() {
            let _ = client.shutdown(std::net::Shutdown::Both);
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
