//! Waiting for what moves, however slowly, and not for what stands still.

use std::fmt;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use object_store::client::{HttpError, HttpErrorKind};
use tokio::time::{Instant, Sleep, sleep, sleep_until};

use crate::store::parallel::lock;

/// Nothing moved for too long.
#[derive(Debug)]
pub(super) struct Stalled(Duration);

impl fmt::Display for Stalled {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "no answer for {} seconds", self.0.as_secs())
    }
}

impl std::error::Error for Stalled {}

/// When a request last moved.
#[derive(Debug, Clone)]
pub(super) struct Patience {
    idle: Duration,
    moved: Arc<Mutex<Instant>>,
}

impl Patience {
    pub fn new(idle: Duration) -> Self {
        Self { idle, moved: Arc::new(Mutex::new(Instant::now())) }
    }

    fn moves(&self) {
        *lock(&self.moved) = Instant::now();
    }

    /// Ends when nothing has moved for too long.
    pub async fn stalled(&self) -> Stalled {
        loop {
            let until = *lock(&self.moved) + self.idle;
            if until <= Instant::now() {
                return Stalled(self.idle);
            }
            sleep_until(until).await;
        }
    }
}

/// A body on its way out, in pieces; each that is taken is a move.
pub(super) struct Pieces<B> {
    body: B,
    rest: Bytes,
    piece_bytes: usize,
    patience: Patience,
}

impl<B> Pieces<B> {
    pub const fn new(body: B, piece_bytes: usize, patience: Patience) -> Self {
        Self { body, rest: Bytes::new(), piece_bytes, patience }
    }
}

impl<B: Body<Data = Bytes, Error = HttpError> + Unpin> Body for Pieces<B> {
    type Data = Bytes;
    type Error = HttpError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, HttpError>>> {
        self.patience.moves();
        while self.rest.is_empty() {
            match ready!(Pin::new(&mut self.body).poll_frame(context)) {
                Some(Ok(frame)) => match frame.into_data() {
                    Ok(bytes) => self.rest = bytes,
                    Err(trailers) => return Poll::Ready(Some(Ok(trailers))),
                },
                other => return Poll::Ready(other),
            }
        }
        let count = self.piece_bytes.min(self.rest.len());
        let piece = self.rest.split_to(count);
        Poll::Ready(Some(Ok(Frame::data(piece))))
    }

    fn is_end_stream(&self) -> bool {
        self.rest.is_empty() && self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        match self.body.size_hint().exact() {
            Some(left_bytes) => SizeHint::with_exact(left_bytes + self.rest.len() as u64),
            None => SizeHint::new(),
        }
    }
}

/// A body on its way in, which may pause but not stop.
pub(super) struct Patient {
    body: reqwest::Body,
    idle: Duration,
    alarm: Pin<Box<Sleep>>,
}

impl Patient {
    pub fn new(body: reqwest::Body, patience: &Patience) -> Self {
        Self { body, idle: patience.idle, alarm: Box::pin(sleep(patience.idle)) }
    }
}

impl Body for Patient {
    type Data = Bytes;
    type Error = HttpError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, HttpError>>> {
        match Pin::new(&mut self.body).poll_frame(context) {
            Poll::Ready(frame) => {
                let next = Instant::now() + self.idle;
                self.alarm.as_mut().reset(next);
                let broken =
                    |error: reqwest::Error| HttpError::new(HttpErrorKind::Request, error.without_url());
                Poll::Ready(frame.map(|frame| frame.map_err(broken)))
            }
            Poll::Pending => {
                ready!(self.alarm.as_mut().poll(context));
                Poll::Ready(Some(Err(HttpError::new(HttpErrorKind::Timeout, Stalled(self.idle)))))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
