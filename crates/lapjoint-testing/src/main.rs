//! A proxy that delays every request of HTTP, for benches: `lapjoint-testing 127.0.0.1:9000 20` delays by 20 ms. Its address is
//! its first line of output; counts follow, one line for each line of input.

use std::io::{BufRead as _, Write as _};
use std::time::Duration;

use lapjoint_testing::{Fault, Proxy};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let upstream = arguments.next().ok_or("the address of a server is missing")?.parse()?;
    let delay = Duration::from_millis(arguments.next().as_deref().unwrap_or("20").parse()?);
    let proxy = Proxy::http(upstream, move |_| Fault::Delay(delay))?;
    let mut output = std::io::stdout();
    writeln!(output, "{}", proxy.address())?;
    output.flush()?;
    for line in std::io::stdin().lock().lines() {
        line?;
        let counts = proxy.counts();
        writeln!(output, "{} {} {}", counts.requests, counts.sent_bytes, counts.received_bytes)?;
        output.flush()?;
    }
    Ok(())
}
