//! Passing bytes of any protocol on, and breaking some connections.

use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::{scope, sleep};

use rand::Rng as _;

use crate::fault::Fault;
use crate::proxy::Shared;

/// Connections that are cut, are cut at a random one of their first bytes.
const CUT_WITHIN_BYTES: u64 = 64 << 10;

/// Serves one connection until it ends, or is broken.
pub(crate) fn serve(shared: &Shared, client: TcpStream) -> io::Result<()> {
    let fault = shared.next("", "");
    let server = TcpStream::connect(shared.upstream)?;
    server.set_nodelay(true)?;
    let cut_at = rand::rng().random_range(1..CUT_WITHIN_BYTES);
    let (up, down) = match fault {
        Fault::CutRequest => (Some(cut_at), None),
        Fault::CutResponse => (None, Some(cut_at)),
        _ => (None, None),
    };
    scope(|scope| {
        let upward = scope.spawn(|| {
            let passed = pass(&client, &server, &shared.sent_bytes, up, |_| {
                if let Fault::Delay(time) = fault {
                    sleep(time);
                }
                true
            });
            if up.is_some() || passed.is_err() { close(&client, &server) } else { Ok(()) }
        });
        // An answer to what was asked is lost, once the connection has got somewhere.
        let speaks = |passed: u64| fault != Fault::DropResponse || passed < cut_at;
        pass(&server, &client, &shared.received_bytes, down, speaks)?;
        close(&client, &server)?;
        upward.join().unwrap_or(Ok(()))
    })
}

fn close(one: &TcpStream, other: &TcpStream) -> io::Result<()> {
    one.shutdown(Shutdown::Both).and(other.shutdown(Shutdown::Both))
}

/// Passes bytes on until there are no more, or `limit` of them have passed, or `may_pass` says no.
fn pass(
    mut from: &TcpStream,
    mut to: &TcpStream,
    count: &AtomicU64,
    limit: Option<u64>,
    may_pass: impl Fn(u64) -> bool,
) -> io::Result<()> {
    let mut buffer = [0; 16 << 10];
    let mut passed = 0;
    loop {
        let read = from.read(&mut buffer)?;
        let left = limit.map_or(read, |limit| usize::try_from(limit - passed).unwrap_or(read).min(read));
        if read == 0 || !may_pass(passed) {
            return Ok(());
        }
        to.write_all(buffer.get(..left).unwrap_or_default())?;
        passed += left as u64;
        count.fetch_add(left as u64, Ordering::Relaxed);
        if limit == Some(passed) {
            return Ok(());
        }
    }
}
