//! An S3 service in this process.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};

use http::Request;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto::Builder;
use s3s::auth::SimpleAuth;
use s3s::service::S3ServiceBuilder;
use s3s_fs::FileSystem;
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::runtime::Runtime;

mod dialect;
mod folders;

use dialect::Dialect;
pub use folders::Conditions;

/// A service with one bucket, in a folder that goes with it.
pub struct S3Server {
    address: SocketAddr,
    folder: TempDir,
    // Dropped with the server, and with it its connections.
    _runtime: Runtime,
}

impl S3Server {
    /// The bucket that is there from the start.
    pub const BUCKET: &'static str = "bucket";
    /// The only access key.
    pub const ACCESS_KEY: &'static str = "AKIATESTING";
    /// Its secret.
    pub const SECRET_KEY: &'static str = "hunter2-and-more";

    /// Starts a service on a free port of this machine.
    ///
    /// # Errors
    /// When a folder, a port or threads cannot be had.
    pub fn start() -> io::Result<Self> {
        Self::start_with(Conditions::Honoured)
    }

    /// The same, with other manners.
    ///
    /// # Errors
    /// As [`S3Server::start`].
    pub fn start_with(conditions: Conditions) -> io::Result<Self> {
        Self::serve(conditions, Dialect::Amazon)
    }

    /// The same objects in the words of Google Cloud Storage, whose XML interface differs from S3 in the names of headers. Takes
    /// any token, and none.
    ///
    /// # Errors
    /// As [`S3Server::start`].
    pub fn start_as_google() -> io::Result<Self> {
        Self::serve(Conditions::Honoured, Dialect::Google)
    }

    fn serve(conditions: Conditions, dialect: Dialect) -> io::Result<Self> {
        let folder = tempfile::tempdir()?;
        std::fs::create_dir(folder.path().join(Self::BUCKET))?;
        let files = FileSystem::new(folder.path()).map_err(|error| io::Error::other(format!("{error:?}")))?;
        let mut service =
            S3ServiceBuilder::new(folders::Objects::new(files, folder.path().to_owned(), conditions));
        if dialect == Dialect::Amazon {
            service.set_auth(SimpleAuth::from_single(Self::ACCESS_KEY, Self::SECRET_KEY));
        }
        let service = service.build();
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
        let listener = runtime.block_on(TcpListener::bind((Ipv4Addr::LOCALHOST, 0)))?;
        let address = listener.local_addr()?;
        runtime.spawn(async move {
            while let Ok((socket, _)) = listener.accept().await {
                // Without this, each answer waits for an acknowledgement of its head.
                let _ = socket.set_nodelay(true);
                let service = service.clone();
                tokio::spawn(async move {
                    let http = Builder::new(TokioExecutor::new());
                    let service = service_fn(move |mut request: Request<Incoming>| {
                        dialect.translate(request.headers_mut());
                        let answer = hyper::service::Service::call(&service, request);
                        async move {
                            let mut answer = answer.await?;
                            dialect.translate_back(answer.headers_mut());
                            Ok::<_, s3s::HttpError>(answer)
                        }
                    });
                    // Clients that go away are their own affair.
                    let _ = http.serve_connection(TokioIo::new(socket), service).await;
                });
            }
        });
        Ok(Self { address, folder, _runtime: runtime })
    }

    /// Where clients connect to.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Where the bucket's objects lie as files.
    #[must_use]
    pub fn folder(&self) -> PathBuf {
        Path::new(self.folder.path()).join(Self::BUCKET)
    }
}
