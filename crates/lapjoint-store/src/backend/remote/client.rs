//! HTTP for services: patience with what moves, none with what does not, and a note of every attempt.
//!
//! `object_store` signs, retries and parses; what it sends passes through here. This is where attempts are counted, so
//! that a write whose answer was lost is told from one that found its place taken, and where the words of a failure are
//! taken down, so that errors can say what the service said without repeating headers or keys.

use std::error::Error;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use bytes::{Bytes, BytesMut};
use futures_util::StreamExt;
use object_store::ClientOptions;
use object_store::client::{
    HttpClient, HttpConnector, HttpError, HttpErrorKind, HttpRequest, HttpResponse, HttpResponseBody,
    HttpService,
};
use reqwest::header::{AUTHORIZATION, HeaderMap, HeaderValue};
use reqwest::{Method, StatusCode};

use super::patience::{Patience, Patient, Pieces};
use super::trace::{Trace, answer};

/// Pieces in which a body is handed to the connection; each that leaves shows that the upload moves.
const PIECE_BYTES: usize = 128 << 10;
/// Failures to connect after which a place that never answered is given up.
const CONNECT_TRIES: u32 = 3;
/// More of an error's body is not read.
const ANSWER_BYTES: usize = 64 << 10;
const NOT_IMPLEMENTED: u16 = 501;

/// How long a service may take.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limits {
    pub connect: Duration,
    /// Longest time in which not a byte moves.
    pub idle: Duration,
    /// Time after which no request is tried again.
    pub retry: Duration,
}

/// Makes clients; `object_store` asks for one for the service and one for whoever gives out credentials.
#[derive(Clone)]
pub(super) struct Connector {
    pub limits: Limits,
    /// May have a password.
    pub proxy: Option<String>,
    /// Sent with every request, where the client itself knows no credentials.
    pub bearer: Option<String>,
    /// Requests sent, attempts included.
    pub requests: Arc<AtomicU64>,
}

impl std::fmt::Debug for Connector {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Connector").field("limits", &self.limits).finish_non_exhaustive()
    }
}

fn failed(source: impl Error + Send + Sync + 'static) -> object_store::Error {
    object_store::Error::Generic { store: "HTTP", source: Box::new(source) }
}

impl Connector {
    fn client(&self) -> object_store::Result<reqwest::Client> {
        // A provider of this client's own: the process may have another one, or none.
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let verifier = rustls_platform_verifier::Verifier::new(Arc::clone(&provider)).map_err(failed)?;
        let tls = rustls::ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(failed)?
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(verifier))
            .with_no_client_auth();
        let mut builder = reqwest::Client::builder()
            .tls_backend_preconfigured(tls)
            .http1_only()
            .connect_timeout(self.limits.connect)
            .pool_idle_timeout(Duration::from_secs(20))
            .user_agent(concat!("lapjoint/", env!("CARGO_PKG_VERSION")));
        if let Some(proxy) = &self.proxy {
            builder = builder.proxy(reqwest::Proxy::all(proxy).map_err(|error| failed(error.without_url()))?);
        }
        if let Some(bearer) = &self.bearer {
            let mut value = HeaderValue::try_from(format!("Bearer {bearer}")).map_err(failed)?;
            value.set_sensitive(true);
            builder = builder.default_headers(HeaderMap::from_iter([(AUTHORIZATION, value)]));
        }
        builder.build().map_err(|error| failed(error.without_url()))
    }
}

impl HttpConnector for Connector {
    fn connect(&self, _options: &ClientOptions) -> object_store::Result<HttpClient> {
        Ok(HttpClient::new(Service {
            client: self.client()?,
            idle: self.limits.idle,
            requests: Arc::clone(&self.requests),
            has_answered: AtomicBool::new(false),
            refused: AtomicU32::new(0),
        }))
    }
}

#[derive(Debug)]
struct Service {
    client: reqwest::Client,
    idle: Duration,
    requests: Arc<AtomicU64>,
    has_answered: AtomicBool,
    refused: AtomicU32,
}

#[async_trait]
impl HttpService for Service {
    async fn call(&self, request: HttpRequest) -> Result<HttpResponse, HttpError> {
        let trace = Trace::current();
        self.requests.fetch_add(1, Ordering::Relaxed);
        trace.attempt(request.uri().host());
        match self.send(request, &trace).await {
            Ok(response) => {
                self.has_answered.store(true, Ordering::Relaxed);
                Ok(response)
            }
            Err(error) => {
                trace.failed(error.as_ref());
                Err(HttpError::new_boxed(self.kind(&error), error))
            }
        }
    }
}

type Failure = Box<dyn Error + Send + Sync>;

impl Service {
    async fn send(&self, request: HttpRequest, trace: &Trace) -> Result<HttpResponse, Failure> {
        let (parts, body) = request.into_parts();
        let is_list = |query: &str| query.contains("list-type=") || query.contains("comp=list");
        let is_content =
            matches!(parts.method, Method::GET | Method::HEAD) && !parts.uri.query().is_some_and(is_list);
        let url: reqwest::Url = parts.uri.to_string().parse()?;
        let mut sent = reqwest::Request::new(parts.method, url);
        *sent.headers_mut() = parts.headers;
        let patience = Patience::new(self.idle);
        *sent.body_mut() = Some(match body.as_bytes() {
            Some(bytes) if bytes.len() <= PIECE_BYTES => bytes.clone().into(),
            _ => reqwest::Body::wrap(Pieces::new(body, PIECE_BYTES, patience.clone())),
        });
        let response = tokio::select! {
            response = self.client.execute(sent) => response.map_err(reqwest::Error::without_url)?,
            stalled = patience.stalled() => return Err(stalled.into()),
        };
        let status = response.status();
        let region = response.headers().get("x-amz-bucket-region").and_then(|value| value.to_str().ok());
        trace.answered(status.as_u16(), region.filter(|_| !status.is_success()));
        let mut response: http::Response<reqwest::Body> = response.into();
        if status.as_u16() == NOT_IMPLEMENTED {
            // Told from a server in trouble, which would be asked again for a minute.
            *response.status_mut() = StatusCode::METHOD_NOT_ALLOWED;
        }
        let (parts, body) = response.into_parts();
        let body = Patient::new(body, &patience);
        let body = HttpResponseBody::new(body);
        if parts.status.as_u16() < 400 {
            // What is cut in the middle is asked for again: by the client if it is an object's content, else here.
            let body = if is_content { body } else { body.bytes().await?.into() };
            return Ok(HttpResponse::from_parts(parts, body));
        }
        let text = read_some(body).await?;
        trace.explained(answer(&text));
        Ok(HttpResponse::from_parts(parts, text.into()))
    }

    /// Whether `object_store` is to try again. All of our requests may be repeated: creating an object tells an earlier
    /// success by its mark, and everything else has the same effect twice as once.
    fn kind(&self, error: &Failure) -> HttpErrorKind {
        let causes = || causes(error.as_ref());
        // A certificate that is not accepted will not be accepted the next time.
        if causes().any(|cause| cause.is::<rustls::Error>()) {
            return HttpErrorKind::Unknown;
        }
        let refused = causes()
            .any(|cause| cause.downcast_ref::<reqwest::Error>().is_some_and(reqwest::Error::is_connect));
        if refused && !self.has_answered.load(Ordering::Relaxed) {
            // A wrong address is the usual reason, and nobody wants to wait a minute to hear of it.
            if self.refused.fetch_add(1, Ordering::Relaxed) + 1 >= CONNECT_TRIES {
                return HttpErrorKind::Unknown;
            }
        }
        HttpErrorKind::Request
    }
}

/// A body of a failed request, as far as it is short.
async fn read_some(body: HttpResponseBody) -> Result<Bytes, Failure> {
    let mut stream = body.bytes_stream();
    let mut text = BytesMut::new();
    while let Some(piece) = stream.next().await {
        text.extend_from_slice(&piece?);
        if text.len() > ANSWER_BYTES {
            break;
        }
    }
    Ok(text.freeze())
}

/// An error, its cause, and so on.
fn causes<'e>(
    error: &'e (dyn Error + Send + Sync + 'static),
) -> impl Iterator<Item = &'e (dyn Error + 'static)> {
    let first: &'e (dyn Error + 'static) = error;
    std::iter::successors(Some(first), |cause| Error::source(*cause))
}
