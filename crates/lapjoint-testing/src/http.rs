//! Passing requests and answers of HTTP/1.1 on, whole ones, and spoiling some of them.

use std::io::{self, BufReader, Read, Write};
use std::net::TcpStream;
use std::sync::atomic::Ordering;
use std::thread::sleep;

use crate::fault::Fault;
use crate::proxy::Shared;

/// A message: its head with the empty line that ends it, and where its body ends.
struct Head {
    text: Vec<u8>,
    body: Body,
    /// Whether the body comes only when it is asked for.
    waits: bool,
}

enum Body {
    None,
    Bytes(u64),
    Chunked,
    UntilClosed,
}

impl Head {
    fn read(from: &mut impl io::BufRead) -> io::Result<Option<Self>> {
        let mut text = Vec::new();
        let (mut body, mut waits) = (None, false);
        loop {
            let start = text.len();
            if from.read_until(b'\n', &mut text)? == 0 {
                return Ok(None);
            }
            let line =
                String::from_utf8_lossy(text.get(start..).unwrap_or_default()).trim().to_ascii_lowercase();
            if line.is_empty() {
                break;
            }
            match line.split_once(':').map(|(name, value)| (name, value.trim())) {
                Some(("content-length", value)) => body = value.parse().ok().map(Body::Bytes),
                Some(("expect", "100-continue")) => waits = true,
                Some(("transfer-encoding", "chunked")) => body = Some(Body::Chunked),
                _ => {}
            }
        }
        Ok(Some(Self { text, body: body.unwrap_or(Body::None), waits }))
    }

    /// The words of the first line.
    fn words(&self) -> (String, String) {
        let line = self.text.split(|byte| *byte == b'\n').next().unwrap_or_default();
        let line = String::from_utf8_lossy(line);
        let mut words = line.split_whitespace();
        let mut next = || words.next().unwrap_or_default().to_owned();
        (next(), next())
    }
}

/// Reads a body as it is on the wire.
fn read_body(from: &mut impl io::BufRead, body: &Body) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    match body {
        Body::None => {}
        Body::Bytes(count) => {
            from.by_ref().take(*count).read_to_end(&mut bytes)?;
            if bytes.len() as u64 != *count {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        }
        Body::UntilClosed => {
            from.read_to_end(&mut bytes)?;
        }
        Body::Chunked => loop {
            let start = bytes.len();
            if from.read_until(b'\n', &mut bytes)? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            let line = String::from_utf8_lossy(bytes.get(start..).unwrap_or_default()).into_owned();
            let size = line.split(';').next().unwrap_or_default().trim();
            let size = u64::from_str_radix(size, 16).map_err(io::Error::other)?;
            // The chunk and the line end after it; after the last one, trailers are not expected.
            from.by_ref().take(size + 2).read_to_end(&mut bytes)?;
            if size == 0 {
                break;
            }
        },
    }
    Ok(bytes)
}

/// Serves one connection until it ends, or is broken.
pub(crate) fn serve(shared: &Shared, client: TcpStream) -> io::Result<()> {
    let mut to_client = client.try_clone()?;
    let mut from_client = BufReader::new(client);
    let upstream = TcpStream::connect(shared.upstream)?;
    upstream.set_nodelay(true)?;
    let mut to_server = upstream.try_clone()?;
    let mut from_server = BufReader::new(upstream);
    while let Some(request) = Head::read(&mut from_client)? {
        let (method, target) = request.words();
        let _under_way = shared.begin();
        let fault = shared.next(&method, &target);
        if let Fault::Delay(time) = fault {
            sleep(time);
        }
        if request.waits {
            to_client.write_all(b"HTTP/1.1 100 Continue\r\n\r\n")?;
        }
        let body = read_body(&mut from_client, &request.body)?;
        let sent = (request.text.len() + body.len()) as u64;
        shared.sent_bytes.fetch_add(sent, Ordering::Relaxed);
        if let Fault::Answer(status) = fault {
            to_client.write_all(answer(status, &method).as_bytes())?;
            continue;
        }
        let half = body.len() / 2;
        let sent_body = if fault == Fault::CutRequest { body.get(..half).unwrap_or_default() } else { &body };
        // The head alone would wait for the receiver's acknowledgement before the body follows.
        to_server.write_all(&[&request.text, sent_body].concat())?;
        if fault == Fault::CutRequest {
            return Ok(());
        }
        let response = loop {
            let Some(mut response) = Head::read(&mut from_server)? else { return Ok(()) };
            let (_, status) = response.words();
            if status == "100" {
                continue;
            }
            if method == "HEAD" || status == "204" || status == "304" {
                response.body = Body::None;
            } else if matches!(response.body, Body::None) {
                response.body = Body::UntilClosed;
            }
            break response;
        };
        let body = read_body(&mut from_server, &response.body)?;
        match fault {
            Fault::DropResponse => return Ok(()),
            Fault::AnswerAfter(status) => {
                to_client.write_all(answer(status, &method).as_bytes())?;
                continue;
            }
            _ => {}
        }
        let half = body.len() / 2;
        let passed = if fault == Fault::CutResponse { body.get(..half).unwrap_or_default() } else { &body };
        let message = [response.text.as_slice(), passed].concat();
        shared.received_bytes.fetch_add(message.len() as u64, Ordering::Relaxed);
        to_client.write_all(&message)?;
        if fault == Fault::CutResponse || matches!(response.body, Body::UntilClosed) {
            return Ok(());
        }
    }
    Ok(())
}

fn answer(status: u16, method: &str) -> String {
    let body = "<Error><Code>Injected</Code><Message>a fault on purpose</Message></Error>";
    let shown = if method == "HEAD" { "" } else { body };
    format!(
        "HTTP/1.1 {status} Injected\r\ncontent-type: application/xml\r\ncontent-length: {}\r\n\r\n{shown}",
        body.len()
    )
}
