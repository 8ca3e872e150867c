//! The servers of this crate as programs, for tests and benches in other languages.
//!
//! - `lapjoint-testing delay 127.0.0.1:9000 20`: a proxy that delays every request of HTTP by 20 ms;
//! - `lapjoint-testing s3` and `lapjoint-testing gcs`: services with one bucket.
//!
//! The first line of output is the address. A proxy prints its counts for each line of input and ends with it; a service goes on
//! until it is killed.

use std::io::{BufRead as _, Write as _};
use std::time::Duration;

use lapjoint_testing::{Fault, Proxy, S3Server};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let mut output = std::io::stdout();
    let kind = arguments.next().unwrap_or_default();
    match kind.as_str() {
        "delay" => {
            let upstream = arguments.next().ok_or("the address of a server is missing")?.parse()?;
            let delay = Duration::from_millis(arguments.next().as_deref().unwrap_or("20").parse()?);
            let proxy = Proxy::http(upstream, move |_| Fault::Delay(delay))?;
            writeln!(output, "{}", proxy.address())?;
            for line in std::io::stdin().lock().lines() {
                line?;
                let counts = proxy.counts();
                writeln!(output, "{} {} {}", counts.requests, counts.sent_bytes, counts.received_bytes)?;
                output.flush()?;
            }
        }
        "s3" | "gcs" => {
            let server = if kind == "s3" { S3Server::start()? } else { S3Server::start_as_google()? };
            writeln!(output, "{}", server.address())?;
            output.flush()?;
            loop {
                std::thread::park();
            }
        }
        other => return Err(format!("delay, s3 or gcs, not {other:?}").into()),
    }
    Ok(())
}
