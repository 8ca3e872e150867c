//! What can happen between a client and its server.

use std::sync::Mutex;
use std::time::Duration;

use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};

/// One fault, of one request over HTTP or of one connection of any other protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// All goes well.
    None,
    /// All goes well, later. Of a stream: every piece that the client sends.
    Delay(Duration),
    /// The proxy answers with this status; the server hears nothing. HTTP only.
    Answer(u16),
    /// The server does what was asked; the proxy answers with this status. HTTP only.
    AnswerAfter(u16),
    /// The server does what was asked; the connection breaks before the client hears of it.
    DropResponse,
    /// The connection breaks in the middle of the answer.
    CutResponse,
    /// The connection breaks in the middle of the request, for both sides.
    CutRequest,
}

impl Fault {
    /// All faults of HTTP, for tests that want each of them.
    pub const OF_HTTP: [Self; 7] = [
        Self::Delay(Duration::from_millis(30)),
        Self::Answer(500),
        Self::Answer(503),
        Self::AnswerAfter(500),
        Self::DropResponse,
        Self::CutResponse,
        Self::CutRequest,
    ];
}

/// What a fault may depend on.
#[derive(Debug)]
pub struct Request<'a> {
    /// Method; empty for a stream.
    pub method: &'a str,
    /// Path and query as they were sent; empty for a stream.
    pub target: &'a str,
    /// How many there were before through this proxy.
    pub number: u64,
}

/// A fault of `faults` for a share of all requests, and else none; the same ones in the same order for the same seed.
pub fn random(
    seed: u64,
    share: f64,
    faults: &'static [Fault],
) -> impl Fn(&Request<'_>) -> Fault + Send + Sync + 'static {
    let dice = Mutex::new(StdRng::seed_from_u64(seed));
    move |_| {
        let Ok(mut dice) = dice.lock() else { return Fault::None };
        if !dice.random_bool(share) || faults.is_empty() {
            return Fault::None;
        }
        let index = dice.random_range(0..faults.len());
        faults.get(index).copied().unwrap_or(Fault::None)
    }
}
